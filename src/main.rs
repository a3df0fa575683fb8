//! The `etude` program.

use std::process::ExitCode;

/// Plans are many small values, and the system's allocator is a third of what they cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    etude::cli::main()
}

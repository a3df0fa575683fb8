//! `etude worker`: runs jobs for an engine that talks to it on standard input.

use std::io::{self, BufReader};

use super::{Failure, signals};
use crate::run::serve;
use crate::stages::registry;

pub fn run() -> Result<u8, Failure> {
    signals::leave_to_engine()?;
    wake_when_orphaned();
    let orders = BufReader::new(io::stdin());
    #[allow(
        clippy::exit,
        reason = "its engine is dead, and nobody waits for what its job would leave"
    )]
    serve(&registry(), orders, io::stdout(), || std::process::exit(1));
    Ok(0)
}

/// A worker notices that its engine is dead by the end of its orders. One that was stopped (SIGSTOP, a debugger) cannot notice
/// anything, and would keep what it locked; so the kernel is asked to let it go on then.
fn wake_when_orphaned() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Without it only a stopped worker of a killed engine stays.
        let _ = set_parent_process_death_signal(Some(Signal::CONT));
    }
}

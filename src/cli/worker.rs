//! `etude worker`: runs jobs for an engine that talks to it on standard input.

use std::io::{self, BufReader};

use super::{Failure, signals};
use crate::run::serve;
use crate::stages::registry;

pub fn run() -> Result<u8, Failure> {
    signals::leave_to_engine()?;
    let orders = BufReader::new(io::stdin());
    #[allow(
        clippy::exit,
        reason = "its engine is dead, and nobody waits for what its job would leave"
    )]
    serve(&registry(), orders, io::stdout(), || std::process::exit(1));
    Ok(0)
}

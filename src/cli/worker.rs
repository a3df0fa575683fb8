//! `etude worker`: runs jobs for an engine that talks to it on standard input.

use std::io::{self, BufReader};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Failure;
use crate::run::serve;
use crate::stages::registry;

pub fn run() -> Result<u8, Failure> {
    // Ctrl-C on a terminal reaches every process of the group; the engine decides what it means for a job.
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .map_err(|error| Failure::Message(format!("cannot listen for signals: {error}")))?;
    }
    let orders = BufReader::new(io::stdin());
    serve(&registry(), orders, io::stdout(), || std::process::exit(1));
    Ok(0)
}

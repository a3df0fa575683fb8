//! `etude worker`: does jobs for an engine that talks to it on standard input, or the jobs of a cell of a cluster.

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;

use super::{Failure, settings, signals};
use crate::run::{CellSignals, Local, digest_of, relay, run_cell, serve, this_program};
use crate::stages::registry;

#[derive(Debug, Args)]
pub struct Worker {
    /// Do the jobs of this file, and say in their folders how they end
    #[arg(long, value_name = "FILE")]
    cell: Option<PathBuf>,
    /// Have jobs done for an engine on another machine that talks on standard input
    #[arg(long, conflicts_with = "cell")]
    relay: bool,
}

impl Worker {
    pub fn run(self) -> Result<u8, Failure> {
        match self.cell {
            Some(file) => cell(&file),
            None if self.relay => relays(),
            None => worker(),
        }
    }
}

fn cell(file: &Path) -> Result<u8, Failure> {
    let signals = CellSignals::default();
    signals::stop_cell(&signals)?;
    let program = this_program()
        .map_err(|error| Failure::Message(format!("cannot find this program: {error}")))?;
    let executor = Local::new(program, vec!["worker".into()]);
    run_cell(file, &executor, &signals, settings::visible_cards()).map_err(Failure::Message)?;
    let is_stopped = signals.stop.load(Ordering::SeqCst);
    Ok(u8::from(is_stopped))
}

fn relays() -> Result<u8, Failure> {
    signals::leave_to_engine()?;
    let program = this_program().and_then(|program| Ok((digest_of(&program)?, program)));
    let (digest, program) =
        program.map_err(|error| Failure::Message(format!("cannot read this program: {error}")))?;
    let executor = Local::new(program, vec!["worker".into()]);
    let orders = BufReader::new(io::stdin());
    #[allow(
        clippy::exit,
        reason = "its engine is gone, and nobody waits for what its workers would leave"
    )]
    relay(orders, io::stdout(), &executor, &digest, || {
        std::process::exit(1)
    });
    Ok(0)
}

fn worker() -> Result<u8, Failure> {
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

//! Signals that ask a run to stop: Ctrl-C, a request to end, and the end of the terminal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::Failure;
use crate::run::CellSignals;

/// Whether somebody has asked the run to stop, and by which signal.
pub struct Asked {
    /// Set once somebody has.
    pub stops: Arc<AtomicBool>,
    /// Set before that where it was not Ctrl-C: then what other machines do for the run goes on.
    pub leaves: Arc<AtomicBool>,
    /// The exit code that follows from the signal.
    code: Arc<AtomicUsize>,
}

impl Asked {
    /// Listens from now on. A run that is asked again to end does so at once, and its workers with it; a terminal that
    /// closes may say so twice, and asks for no more than before.
    pub fn listen() -> Result<Self, Failure> {
        let asked = Self {
            stops: Arc::default(),
            leaves: Arc::default(),
            code: Arc::default(),
        };
        let again = Arc::new(AtomicBool::new(false));
        for signal in signals() {
            let code = exit_code(signal);
            let listens = || -> io::Result<()> {
                if [SIGINT, SIGTERM].contains(&signal) {
                    flag::register_conditional_shutdown(signal, code, again.clone())?;
                    flag::register(signal, again.clone())?;
                }
                flag::register_usize(signal, asked.code.clone(), code as usize)?;
                if signal != SIGINT {
                    flag::register(signal, asked.leaves.clone())?;
                }
                flag::register(signal, asked.stops.clone())?;
                Ok(())
            };
            listens().map_err(failed)?;
        }
        Ok(asked)
    }

    /// The exit code of a run that was asked to stop.
    pub fn code(&self) -> Option<u8> {
        // It is set before the flag is.
        let stops = self.stops.load(Ordering::SeqCst);
        stops.then(|| u8::try_from(self.code.load(Ordering::SeqCst)).unwrap_or(u8::MAX))
    }
}

/// Listens for what a batch system tells a cell: to end, or that its time is nearly over.
pub fn stop_cell(signals: &CellSignals) -> Result<(), Failure> {
    for signal in self::signals() {
        flag::register(signal, signals.stop.clone()).map_err(failed)?;
    }
    #[cfg(unix)]
    for flags in [&signals.out_of_time, &signals.stop] {
        flag::register(signal_hook::consts::SIGUSR1, flags.clone()).map_err(failed)?;
    }
    Ok(())
}

/// Lets none of the signals end this process: a worker shares its engine's terminal, and the engine decides what they
/// mean for a job.
pub fn leave_to_engine() -> Result<(), Failure> {
    for signal in signals() {
        flag::register(signal, Arc::new(AtomicBool::new(false))).map_err(failed)?;
    }
    Ok(())
}

fn failed(error: io::Error) -> Failure {
    Failure::Message(format!("cannot listen for signals: {error}"))
}

/// What a shell reports of a program that a signal ended.
fn exit_code(signal: i32) -> i32 {
    128 + signal
}

/// The signals that ask a run to stop. The end of the terminal is none where the run was started to outlive it, with
/// `nohup`.
fn signals() -> Vec<i32> {
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    if !is_ignored(signal_hook::consts::SIGHUP) {
        signals.push(signal_hook::consts::SIGHUP);
    }
    signals
}

/// Whether this process was started with a signal ignored. Where the system does not tell, whoever writes to no terminal
/// was: `nohup` sees to that too.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    let ignored = status.as_deref().and_then(ignored);
    match ignored {
        Some(ignored) => (ignored >> (signal - 1)) & 1 == 1,
        None => !io::IsTerminal::is_terminal(&io::stderr()),
    }
}

/// The signals that a process ignores, a bit each, from `/proc/PID/status`.
#[cfg(unix)]
fn ignored(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_from_what_linux_tells() {
        let status = "Name:\tetude\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored(status), Some(0x1001));
        assert_eq!(ignored("Name:\tetude\n"), None);
        assert_eq!(ignored("SigIgn:\tall\n"), None);
    }

    #[test]
    fn exit_codes_are_those_that_a_shell_reports() {
        assert_eq!([1, 2, 15].map(exit_code), [129, 130, 143]);
    }
}

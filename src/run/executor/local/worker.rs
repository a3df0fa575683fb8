//! One worker process.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::{Arc, Mutex};

use crate::pipeline::Cause;
use crate::run::control_group::ControlGroup;
use crate::run::executor::worker::{FromWorker, ToWorker};
use crate::run::executor::{child, identity};
use crate::run::log::Log;

/// Every library that computes with threads has its own word for how many.
const THREADS: [&str; 4] = [
    "RAYON_NUM_THREADS",
    "CANDLE_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "OMP_NUM_THREADS",
];

/// A worker process; it ends when this is dropped.
pub(super) struct Worker {
    cores: u32,
    cards: Option<Vec<String>>,
    /// The control group that it counts to.
    group: Option<ControlGroup>,
    /// How many of the group's processes the system had killed for want of memory when its task began.
    killed: Option<u64>,
    child: Child,
    orders: ChildStdin,
    /// Where what the worker prints goes: the log of its current job.
    log: Arc<Mutex<Option<Log>>>,
}

impl Worker {
    /// Starts a program that computes with so many threads and sees these cards. `told` takes what it tells, and at its end
    /// nothing.
    pub(super) fn start(
        (program, arguments): (&Path, &[String]),
        (cores, cards): (u32, Option<&[String]>),
        told: impl Fn(Option<FromWorker>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let mut command = identity::start(program);
        command.args(arguments);
        for variable in THREADS {
            command.env(variable, cores.to_string());
        }
        // It sees the cards that are its own, and one without a card sees none.
        if let Some(cards) = cards {
            command.env("CUDA_VISIBLE_DEVICES", cards.join(","));
        }
        let (child, orders, errors) = child::start(&mut command, told)?;
        let log = Arc::new(Mutex::new(None));
        let sink = log.clone();
        std::thread::spawn(move || copy(errors, &sink));
        Ok(Self {
            cores,
            cards: cards.map(<[String]>::to_vec),
            group: ControlGroup::of(child.id()),
            killed: None,
            child,
            orders,
            log,
        })
    }

    /// Whether it computes with so many threads and such cards.
    pub(super) fn suits(&self, cores: u32, cards: Option<&[String]>) -> bool {
        self.cores == cores && self.cards.as_deref() == cards
    }

    pub(super) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Keeps what it prints from now on in a log, or nowhere.
    pub(super) fn print_to(&self, log: Option<Log>) {
        *self.log.lock().unwrap_or_else(|p| p.into_inner()) = log;
    }

    pub(super) fn tell(&mut self, order: &ToWorker) -> std::io::Result<()> {
        let line = serde_json::to_string(order).expect("an order is plain data");
        writeln!(self.orders, "{line}")?;
        self.orders.flush()
    }

    /// Notes how often the system has killed one of its group for want of memory until now.
    pub(super) fn begins(&mut self) {
        self.killed = self.killed_by_now();
    }

    fn killed_by_now(&self) -> Option<u64> {
        self.group.as_ref()?.killed()
    }

    /// Whether the system has killed one of its group for want of memory since its task began.
    fn was_short(&self) -> bool {
        matches!((self.killed, self.killed_by_now()), (Some(before), Some(now)) if now > before)
    }

    /// How it ended, which was not told to.
    pub(super) fn describe_end(&mut self) -> (Cause, String) {
        // One that closed its stream and lives on is of no use either.
        let _ = self.child.kill();
        let status = self.child.wait();
        // Others may run out of memory too: only a kill in its own group can be its own.
        describe_exit(status, self.was_short())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It holds nothing worth waiting for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn copy(mut from: impl Read, log: &Mutex<Option<Log>>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if let Some(log) = log.lock().unwrap_or_else(|p| p.into_inner()).as_ref() {
            log.add(&buffer[..read]);
        }
    }
}

/// How a worker ended that was not told to; `was_short` says whether the system killed one of its group for want of memory.
fn describe_exit(status: std::io::Result<ExitStatus>, was_short: bool) -> (Cause, String) {
    let Ok(status) = status else {
        return (Cause::Crash, "its worker vanished".into());
    };
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            if signal == 9 && was_short {
                let message = "the system killed its worker because memory ran out";
                return (Cause::Oom, message.into());
            }
            let hint = match signal {
                9 => " (killed from outside)",
                6 => " (aborted)",
                11 => " (a bad memory access)",
                _ => "",
            };
            return (
                Cause::Crash,
                format!("its worker died of signal {signal}{hint}"),
            );
        }
    }
    (
        Cause::Crash,
        format!("its worker ended early with {status}"),
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_kill_is_want_of_memory_only_where_the_group_had_one() {
        let ended = |script: &str| Command::new("sh").args(["-c", script]).status();
        let (cause, message) = describe_exit(ended("kill -KILL $$"), true);
        assert_eq!(cause, Cause::Oom, "{message}");
        let (cause, message) = describe_exit(ended("kill -KILL $$"), false);
        assert_eq!(cause, Cause::Crash, "{message}");
        let (cause, message) = describe_exit(ended("kill -ABRT $$"), true);
        assert_eq!(cause, Cause::Crash, "{message}");
    }
}

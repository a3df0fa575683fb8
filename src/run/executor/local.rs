//! Jobs in worker processes on this machine, so that one that crashes takes nothing else with it.
//!
//! A worker is this very program, told to serve, and proves that it is before it is given a task. It computes with as many
//! threads as its job has cores, is used again for the next job of that size, and ends with the engine: its orders come
//! through a pipe that the kernel closes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::identity::{self, identity};
use super::memory::held;
use super::stopwatch::Stopwatch;
use super::worker::{FromWorker, ToWorker};
use super::{Executor, Failure, Task};
use crate::pipeline::{Cause, Monitor, show_seconds, show_size};
use crate::run::control_group::ControlGroup;
use crate::run::log::Log;

/// How long a job that was told to stop may take to do so: long enough to save a large checkpoint on a slow disk.
const GRACE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(50);
/// How long a worker may take to say that it is there.
const START: Duration = Duration::from_secs(60);
/// How many workers may die before a task begins.
const TRIES: usize = 3;
/// How often the memory of a job that has a limit is looked at.
const WATCH: Duration = Duration::from_millis(200);

/// Worker processes on this machine.
pub struct Local {
    program: PathBuf,
    arguments: Vec<String>,
    idle: Mutex<Vec<Worker>>,
}

struct Worker {
    cores: u32,
    cards: Option<Vec<String>>,
    /// Whether it has proven that it is the same program as this.
    proven: bool,
    /// Whether it has said that its task begins.
    begun: bool,
    /// The control group that it counts to.
    group: Option<ControlGroup>,
    /// How many of the group's processes the system had killed for want of memory when its task began.
    killed: Option<u64>,
    child: Child,
    orders: ChildStdin,
    reports: Receiver<FromWorker>,
    /// Where what the worker prints goes: the log of its current job.
    log: Arc<Mutex<Option<Log>>>,
}

impl Local {
    /// Workers started as `program arguments…`.
    pub fn new(program: PathBuf, arguments: Vec<String>) -> Self {
        // Where the system knows it by its path alone, it must be looked at before anything can take its place.
        identity();
        Self {
            program,
            arguments,
            idle: Mutex::new(Vec::new()),
        }
    }

    fn take(&self, cores: u32, cards: Option<&[String]>) -> std::io::Result<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(|p| p.into_inner());
        idle.retain_mut(|worker| matches!(worker.child.try_wait(), Ok(None)));
        let suits = |worker: &Worker| worker.cores == cores && worker.cards.as_deref() == cards;
        match idle.iter().position(suits) {
            Some(at) => Ok(idle.swap_remove(at)),
            None => {
                drop(idle);
                self.start(cores, cards)
            }
        }
    }

    fn start(&self, cores: u32, cards: Option<&[String]>) -> std::io::Result<Worker> {
        let mut command = identity::start(&self.program);
        command.args(&self.arguments);
        // Every library that computes with threads has its own word for how many.
        for variable in [
            "RAYON_NUM_THREADS",
            "CANDLE_NUM_THREADS",
            "POLARS_MAX_THREADS",
            "OMP_NUM_THREADS",
        ] {
            command.env(variable, cores.to_string());
        }
        // It sees the cards that are its own, and one without a card sees none.
        if let Some(cards) = cards {
            command.env("CUDA_VISIBLE_DEVICES", cards.join(","));
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().expect("stdin was piped");
        let out = child.stdout.take().expect("stdout was piped");
        let errors = child.stderr.take().expect("stderr was piped");
        let log = Arc::new(Mutex::new(None));
        let (sender, reports) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
                // Anything else on this stream was printed by a library, and is no report.
                if let Ok(report) = serde_json::from_slice(&line)
                    && sender.send(report).is_err()
                {
                    return;
                }
            }
        });
        let sink = log.clone();
        std::thread::spawn(move || copy(errors, &sink));
        Ok(Worker {
            cores,
            cards: cards.map(<[String]>::to_vec),
            proven: false,
            begun: false,
            group: ControlGroup::of(child.id()),
            killed: None,
            child,
            orders,
            reports,
            log,
        })
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

impl Executor for Local {
    fn run(&self, task: &Task, log: &Path, monitor: &dyn Monitor) -> Result<(), Failure> {
        // A worker may have died while it was idle, and nobody has noticed yet; then the task goes to another.
        for _ in 0..TRIES {
            if let Some(ended) = self.attempt(task, log, monitor)? {
                return ended;
            }
        }
        let message = "its workers die before they begin".to_string();
        Err(Failure::Failed(Cause::Crash, message))
    }
}

impl Local {
    /// Gives a task to a worker; `None` if that died before it began.
    fn attempt(
        &self,
        task: &Task,
        log: &Path,
        monitor: &dyn Monitor,
    ) -> Result<Option<Result<(), Failure>>, Failure> {
        let failed = |what: &str, error: std::io::Error| {
            Failure::Failed(Cause::Error, format!("{what}: {error}"))
        };
        let mut worker = self
            .take(task.cores, task.cards.as_deref())
            .map_err(|error| failed("cannot start a worker", error))?;
        let opened = Log::open(log).map_err(|error| failed("cannot write the log", error))?;
        *worker.log.lock().unwrap_or_else(|p| p.into_inner()) = Some(opened);
        match worker.proves_itself(monitor) {
            Ok(true) => {}
            Ok(false) => {
                worker.end();
                return Ok(None);
            }
            Err(failure) => {
                worker.end();
                return Err(failure);
            }
        }
        worker.killed = worker.killed_by_now();
        worker.begun = false;
        let order = ToWorker::Run(Box::new(task.clone()), log.to_path_buf());
        if worker.tell(&order).is_err() {
            worker.end();
            return Ok(None);
        }
        Ok(Some(match worker.listen(task, monitor) {
            Heard::FromWorker(report) => {
                *worker.log.lock().unwrap_or_else(|p| p.into_inner()) = None;
                let mut idle = self.idle.lock().unwrap_or_else(|p| p.into_inner());
                idle.push(worker);
                match report {
                    FromWorker::Cancelled => Err(Failure::Cancelled),
                    FromWorker::Failed(cause, message) => Err(Failure::Failed(cause, message)),
                    _ => Ok(()),
                }
            }
            Heard::Failure(failure) => {
                worker.end();
                Err(failure)
            }
            Heard::Death if !worker.begun => {
                worker.end();
                return Ok(None);
            }
            Heard::Death => {
                // One that closed its stream and lives on is of no use either.
                let _ = worker.child.kill();
                let status = worker.child.wait();
                // Others may run out of memory too: only a kill in its own group can be its own.
                let (cause, message) = describe_exit(status, worker.was_short());
                Err(Failure::Failed(cause, message))
            }
        }))
    }
}

enum Heard {
    /// The task ended and the worker lives.
    FromWorker(FromWorker),
    /// The task must end and the worker with it.
    Failure(Failure),
    /// The worker died.
    Death,
}

impl Worker {
    fn tell(&mut self, order: &ToWorker) -> std::io::Result<()> {
        let line = serde_json::to_string(order).expect("an order is plain data");
        writeln!(self.orders, "{line}")?;
        self.orders.flush()
    }

    /// Waits until it has proven that it is the same program as this; whether it lives to do so.
    fn proves_itself(&mut self, monitor: &dyn Monitor) -> Result<bool, Failure> {
        let failed = |message: &str| Err(Failure::Failed(Cause::Error, message.into()));
        let mut watch = Stopwatch::start();
        while !self.proven {
            let passed = watch.passed();
            match self.reports.recv_timeout(TICK) {
                Ok(FromWorker::Ready(told)) if told == identity() => self.proven = true,
                Ok(_) => return failed(REPLACED),
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Err(RecvTimeoutError::Timeout) if monitor.cancelled() => {
                    return Err(Failure::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) if passed >= START => return failed(SILENT),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        Ok(true)
    }

    fn listen(&mut self, task: &Task, monitor: &dyn Monitor) -> Heard {
        let mut watch = Stopwatch::start();
        let (mut looked, mut pause) = (Instant::now(), WATCH);
        let mut told: Option<Duration> = None;
        // Over which of its limits it is.
        let mut over: Option<Failure> = None;
        loop {
            match self.reports.recv_timeout(TICK) {
                Ok(FromWorker::Ready(_)) => {}
                Ok(FromWorker::Begun) => self.begun = true,
                Ok(FromWorker::Progress(progress)) => monitor.progress(progress),
                Ok(FromWorker::Saved(state)) => monitor.saved(state),
                Ok(FromWorker::Warning(message)) => monitor.warns(&message),
                // Told to stop at a limit, it saved what it had.
                Ok(FromWorker::Cancelled) if over.is_some() => {
                    let failure = over.expect("just seen");
                    return Heard::Failure(failure);
                }
                Ok(report) => return Heard::FromWorker(report),
                Err(RecvTimeoutError::Disconnected) => return Heard::Death,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let passed = watch.passed();
            if over.is_none() && task.time.is_some_and(|limit| passed.as_secs() >= limit) {
                over = Some(overtime(task));
            }
            if let Some(limit) = task.memory
                && looked.elapsed() >= pause
            {
                let begun = Instant::now();
                let held = held(self.child.id(), limit).unwrap_or(0);
                looked = Instant::now();
                // Of much memory the kernel takes long to tell.
                pause = WATCH.max(10 * (looked - begun));
                if held > limit {
                    over = over.or_else(|| Some(too_large(held, limit)));
                }
                // Saving takes memory too, but not for ever more.
                if held > limit.saturating_mul(2) {
                    return Heard::Failure(too_large(held, limit));
                }
            }
            if told.is_none() && (over.is_some() || monitor.cancelled()) {
                told = Some(passed);
                if self.tell(&ToWorker::Cancel).is_err() {
                    return Heard::Death;
                }
            }
            if told.is_some_and(|told| passed - told >= GRACE) {
                return Heard::Failure(over.unwrap_or(Failure::Cancelled));
            }
        }
    }

    fn killed_by_now(&self) -> Option<u64> {
        self.group.as_ref()?.killed()
    }

    /// Whether the system has killed one of its group for want of memory since its task began.
    fn was_short(&self) -> bool {
        matches!((self.killed, self.killed_by_now()), (Some(before), Some(now)) if now > before)
    }

    fn end(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const REPLACED: &str = "its worker is another program than the engine: etude was built or installed anew while this run goes on; run again, and all that is done is kept";
const SILENT: &str = "its worker does not say what program it is: something else may lie where etude was started from; run again with the etude that you want";

fn overtime(task: &Task) -> Failure {
    let limit = show_seconds(task.time.unwrap_or_default() as f64);
    let message = format!(
        "it ran longer than its limit of {limit}; `resources = {{ time = … }}` sets another"
    );
    Failure::Failed(Cause::Time, message)
}

fn too_large(held: u64, limit: u64) -> Failure {
    let message = format!(
        "it took {} of memory, more than its limit of {}; `resources = {{ memory = … }}` sets another",
        show_size(held),
        show_size(limit)
    );
    Failure::Failed(Cause::Oom, message)
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

impl Drop for Local {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(|p| p.into_inner()));
        for mut worker in idle {
            // Closing its orders ends a worker by itself; it holds nothing worth waiting for.
            drop(worker.orders);
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
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

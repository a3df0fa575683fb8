//! The one thread that supervises all workers: it hands out tasks, passes on what is told, and holds each to its limits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::worker::Worker;
use crate::pipeline::{Cause, Monitor, show_seconds, show_size};
use crate::run::executor::identity::identity;
use crate::run::executor::memory::held;
use crate::run::executor::stopwatch::Stopwatch;
use crate::run::executor::worker::{FromWorker, ToWorker};
use crate::run::executor::{Failure, Submission, Task};
use crate::run::log::Log;

/// How long a job that was told to stop may take to do so: long enough to save a large checkpoint on a slow disk.
const GRACE: Duration = Duration::from_secs(60);
/// How often workers are held to their limits.
const TICK: Duration = Duration::from_millis(50);
/// How long a worker may take to say that it is there.
const START: Duration = Duration::from_secs(60);
/// How many workers may die before a task begins.
const TRIES: usize = 3;
/// How often the memory of a job that has a limit is looked at.
const WATCH: Duration = Duration::from_millis(200);

/// What the thread is told.
pub(super) enum Heard {
    /// A task is to be done.
    Submitted(Box<Submission>),
    /// A worker, by its number, told something.
    Told(u64, FromWorker),
    /// A worker closed its stream.
    Closed(u64),
    /// There will be no more tasks.
    Quit,
}

pub(super) struct Supervisor {
    program: PathBuf,
    arguments: Vec<String>,
    /// Where workers tell.
    sender: Sender<Heard>,
    /// By number. Each worker has a new one.
    workers: BTreeMap<u64, Supervised>,
    next: u64,
    looked: Instant,
}

struct Supervised {
    worker: Worker,
    /// Whether it has proven that it is the same program as this.
    is_proven: bool,
    task: Option<Box<Assigned>>,
}

/// A task that a worker has, or is to have once it is there.
struct Assigned {
    submission: Submission,
    /// How many workers it was given to.
    tries: usize,
    /// Whether its worker has said that it begins.
    is_begun: bool,
    watch: Stopwatch,
    /// When its memory was looked at last, and how long until the next time.
    looked: Instant,
    pause: Duration,
    /// After how long it was told to stop.
    told: Option<Duration>,
    /// Over which of its limits it is.
    over: Option<Failure>,
}

/// What is to become of a worker.
enum Next {
    /// It goes on.
    Goes,
    /// Its task failed, and it ends.
    Fails(Failure),
    /// It does not listen any more.
    Gone,
}

impl Supervisor {
    pub(super) fn new(program: PathBuf, arguments: Vec<String>, sender: Sender<Heard>) -> Self {
        Self {
            program,
            arguments,
            sender,
            workers: BTreeMap::new(),
            next: 0,
            looked: Instant::now(),
        }
    }

    /// Does its work until it is told to quit; then all workers end.
    pub(super) fn run(mut self, heard: &Receiver<Heard>) {
        loop {
            let is_busy = self.workers.values().any(|own| own.task.is_some());
            let next = if is_busy {
                heard.recv_timeout(TICK)
            } else {
                heard.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match next {
                Ok(Heard::Submitted(submission)) => {
                    self.assign(Box::new(Assigned::new(*submission)));
                }
                Ok(Heard::Told(number, report)) => self.told(number, report),
                Ok(Heard::Closed(number)) => self.closed(number),
                Ok(Heard::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.looked.elapsed() >= TICK {
                self.looked = Instant::now();
                self.look();
            }
        }
    }

    /// Gives a task to a worker. One may have died while it was idle, and nobody has noticed yet; then another has it.
    fn assign(&mut self, mut task: Box<Assigned>) {
        loop {
            if task.tries == TRIES {
                let message = "its workers die before they begin".to_string();
                return task.ended(Err(Failure::Failed(Cause::Crash, message)));
            }
            task.tries += 1;
            let failed = |what: &str, error: std::io::Error| {
                Err(Failure::Failed(Cause::Error, format!("{what}: {error}")))
            };
            let number = match self.take(&task.submission.task) {
                Ok(number) => number,
                Err(error) => return task.ended(failed("cannot start a worker", error)),
            };
            let own = self.workers.get_mut(&number).expect("it was just taken");
            match Log::open(&task.submission.task.log) {
                Ok(log) => own.worker.print_to(Some(log)),
                Err(error) => return task.ended(failed("cannot write the log", error)),
            }
            task.watch = Stopwatch::start();
            own.task = Some(task);
            if !own.is_proven || own.order().is_ok() {
                return;
            }
            let own = self.workers.remove(&number);
            task = own.and_then(|own| own.task).expect("it was just given");
        }
    }

    /// A worker that is idle and suits a task, or a new one.
    fn take(&mut self, task: &Task) -> std::io::Result<u64> {
        self.workers
            .retain(|_, own| own.task.is_some() || own.worker.lives());
        let cards = task.cards.as_deref();
        let suits = |own: &Supervised| own.task.is_none() && own.worker.suits(task.cores, cards);
        if let Some((number, _)) = self.workers.iter().find(|(_, own)| suits(own)) {
            return Ok(*number);
        }
        let number = self.next;
        self.next += 1;
        let sender = self.sender.clone();
        let told = move |report| {
            // Nobody listens once all tasks are done.
            let _ = sender.send(match report {
                Some(report) => Heard::Told(number, report),
                None => Heard::Closed(number),
            });
        };
        let program = (self.program.as_path(), self.arguments.as_slice());
        let worker = Worker::start(program, (task.cores, cards), told)?;
        let own = Supervised {
            worker,
            is_proven: false,
            task: None,
        };
        self.workers.insert(number, own);
        Ok(number)
    }

    fn told(&mut self, number: u64, report: FromWorker) {
        let Some(own) = self.workers.get_mut(&number) else {
            return;
        };
        let Some(task) = &mut own.task else { return };
        let reports = &task.submission.reports;
        let how = match report {
            FromWorker::Ready(_) if own.is_proven => return,
            FromWorker::Ready(told) if told == identity() => {
                own.is_proven = true;
                if own.order().is_err() {
                    self.closed(number);
                }
                return;
            }
            _ if !own.is_proven => return self.fails(number, replaced()),
            FromWorker::Begun(machine) => {
                task.is_begun = true;
                return reports.begun(&machine);
            }
            FromWorker::Progress(progress) => return reports.progress(progress),
            FromWorker::Saved(state) => return reports.saved(state),
            FromWorker::Warning(message) => return reports.warns(&message),
            // Told to stop at a limit, it saved what it had.
            FromWorker::Cancelled if task.over.is_some() => {
                let failure = task.over.take().expect("just seen");
                return self.fails(number, failure);
            }
            FromWorker::Cancelled => Err(Failure::Cancelled),
            FromWorker::Failed(cause, message) => Err(Failure::Failed(cause, message)),
            FromWorker::Unlocked => return,
            FromWorker::Ready(_) | FromWorker::Done => Ok(()),
        };
        own.worker.print_to(None);
        if let Some(task) = own.task.take() {
            task.ended(how);
        }
    }

    /// A worker is gone: what it had not begun goes to another.
    fn closed(&mut self, number: u64) {
        let Some(mut own) = self.workers.remove(&number) else {
            return;
        };
        match own.task.take() {
            Some(task) if task.is_begun => {
                let (cause, message) = own.worker.describe_end();
                task.ended(Err(Failure::Failed(cause, message)));
            }
            Some(task) => self.assign(task),
            None => {}
        }
    }

    /// The task of a worker failed, and the worker ends.
    fn fails(&mut self, number: u64, failure: Failure) {
        let own = self.workers.remove(&number);
        if let Some(task) = own.and_then(|own| own.task) {
            task.ended(Err(failure));
        }
    }

    /// Holds all workers to their limits.
    fn look(&mut self) {
        let numbers: Vec<u64> = self.workers.keys().copied().collect();
        for number in numbers {
            let own = self.workers.get_mut(&number);
            match own.map_or(Next::Goes, Supervised::look) {
                Next::Goes => {}
                Next::Fails(failure) => self.fails(number, failure),
                Next::Gone => self.closed(number),
            }
        }
    }
}

impl Supervised {
    /// Tells the worker to do its task.
    fn order(&mut self) -> std::io::Result<()> {
        let Some(task) = &mut self.task else {
            return Ok(());
        };
        task.watch = Stopwatch::start();
        task.looked = Instant::now();
        self.worker.begins();
        self.worker
            .tell(&ToWorker::Run(task.submission.spool.clone()))
    }

    fn look(&mut self) -> Next {
        let Some(own) = &mut self.task else {
            return Next::Goes;
        };
        let passed = own.watch.passed();
        let is_cancelled = own.submission.reports.cancelled();
        if !self.is_proven {
            return match passed {
                _ if is_cancelled => Next::Fails(Failure::Cancelled),
                passed if passed >= START => Next::Fails(silent()),
                _ => Next::Goes,
            };
        }
        let task = &own.submission.task;
        if own.over.is_none() && task.time.is_some_and(|limit| passed.as_secs() >= limit) {
            own.over = Some(overtime(task));
        }
        if let Some(limit) = task.memory
            && own.looked.elapsed() >= own.pause
        {
            let begun = Instant::now();
            let held = held(self.worker.pid(), limit).unwrap_or(0);
            own.looked = Instant::now();
            // Of much memory the kernel takes long to tell.
            own.pause = WATCH.max(10 * (own.looked - begun));
            if held > limit && own.over.is_none() {
                own.over = Some(too_large(held, limit));
            }
            // Saving takes memory too, but not for ever more.
            if held > limit.saturating_mul(2) {
                return Next::Fails(too_large(held, limit));
            }
        }
        if own.told.is_none() && (own.over.is_some() || is_cancelled) {
            own.told = Some(passed);
            if self.worker.tell(&ToWorker::Cancel).is_err() {
                return Next::Gone;
            }
        }
        if own.told.is_some_and(|told| passed - told >= GRACE) {
            return Next::Fails(own.over.take().unwrap_or(Failure::Cancelled));
        }
        Next::Goes
    }
}

impl Assigned {
    fn new(submission: Submission) -> Self {
        Self {
            submission,
            tries: 0,
            is_begun: false,
            watch: Stopwatch::start(),
            looked: Instant::now(),
            pause: WATCH,
            told: None,
            over: None,
        }
    }

    fn ended(self, how: Result<(), Failure>) {
        self.submission.reports.ended(how);
    }
}

fn replaced() -> Failure {
    let message = "its worker is another program than the engine: etude was built or installed anew while this run goes on; run again, and all that is done is kept";
    Failure::Failed(Cause::Error, message.into())
}

fn silent() -> Failure {
    let message = "its worker does not say what program it is: something else may lie where etude was started from; run again with the etude that you want";
    Failure::Failed(Cause::Error, message.into())
}

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

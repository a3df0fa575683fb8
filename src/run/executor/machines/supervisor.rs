//! The one thread that supervises all machines: it gives tasks to those that have room, and passes on what is told.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Machine;
use super::connection::Connection;
use crate::pipeline::{Cause, Monitor, Resources};
use crate::run::executor::install::digest_of;
use crate::run::executor::relay::{BEAT, FromRelay, GONE, ToRelay};
use crate::run::executor::spool::Spool;
use crate::run::executor::worker::FromWorker;
use crate::run::executor::{Failure, Submission, Task};
use crate::run::slots::Slots;
use crate::run::{Capacity, Cards};

/// How often is looked whether the run is to stop and whether a machine is to be tried again.
const TICK: Duration = Duration::from_millis(100);
/// How often a machine is tried that was never reached, before jobs fail that no other can do.
const TRIES: u32 = 3;
/// How long is waited before a machine is tried again, at first.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a job starts again whose machine was lost.
const AGAIN: u32 = 5;

/// What the thread is told.
pub(super) enum Heard {
    /// A task is to be done.
    Submitted(Box<Submission>),
    /// The relay of a machine told something, over the connection of this number.
    Told(usize, u64, FromRelay),
    /// A connection ended.
    Closed(usize, u64),
    /// There will be no more tasks.
    Quit,
}

pub(super) struct Supervisor {
    machines: Vec<Supervised>,
    root: PathBuf,
    program: io::Result<PathBuf>,
    sender: Sender<Heard>,
    waiting: Vec<Waiting>,
    /// The number of the next task, and of the next connection.
    next: (usize, u64),
    beat: Instant,
}

struct Supervised {
    machine: Machine,
    slots: Slots,
    connection: Option<(u64, Connection)>,
    /// Whether the connection has a relay of this program at its other end.
    is_ready: bool,
    tasks: BTreeMap<usize, Assigned>,
    /// How often in a row it could not be reached, why not, and until when it is left alone.
    failed: u32,
    why: String,
    until: Instant,
}

struct Waiting {
    submission: Submission,
    again: u32,
    /// Before that, the machine that had it may not know that it has lost it.
    from: Instant,
}

/// A task that a machine has.
struct Assigned {
    submission: Submission,
    again: u32,
    attempt: Task,
    cards: Vec<usize>,
    begun: Option<(Instant, u64)>,
    is_cancelled: bool,
}

impl Supervisor {
    pub(super) fn new(
        machines: Vec<Machine>,
        root: PathBuf,
        program: io::Result<PathBuf>,
        sender: Sender<Heard>,
    ) -> Self {
        let now = Instant::now();
        let machines = machines.into_iter().map(|machine| Supervised {
            slots: Slots::of(&Capacity {
                cores: machine.cores,
                cores_per_job: machine.cores,
                memory: machine.memory,
                cards: Cards::Named(machine.cards.clone()),
                jobs: u32::MAX,
            }),
            machine,
            connection: None,
            is_ready: false,
            tasks: BTreeMap::new(),
            failed: 0,
            why: String::new(),
            until: now,
        });
        Self {
            machines: machines.collect(),
            root,
            program,
            sender,
            waiting: Vec::new(),
            next: (0, 0),
            beat: now,
        }
    }

    /// Does its work until it is told to quit; then all connections end.
    pub(super) fn run(mut self, heard: &Receiver<Heard>) {
        loop {
            match heard.recv_timeout(TICK) {
                Ok(Heard::Submitted(submission)) => self.take(*submission),
                Ok(Heard::Told(at, number, report)) => self.told(at, number, report),
                Ok(Heard::Closed(at, number)) => self.closed(at, number),
                Ok(Heard::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.cancel();
            self.place();
            if self.beat.elapsed() >= BEAT {
                self.beat = Instant::now();
                for own in &mut self.machines {
                    if let Some((_, connection)) = &mut own.connection {
                        // One that does not listen closes its other stream too.
                        let _ = connection.tell(&ToRelay::Lives);
                    }
                }
            }
        }
    }

    fn take(&mut self, submission: Submission) {
        let need = &submission.resources;
        let could = |own: &Supervised| own.could(need);
        if !self.machines.iter().any(could) {
            let message = format!(
                "it asks for {} cores, {} of memory and {} cards, and no machine under [machines] in etude.toml has all of that",
                need.cores,
                crate::pipeline::show_size(need.memory),
                need.gpu
            );
            let reports = submission.reports;
            return reports.ended(Err(Failure::Failed(Cause::Error, message)));
        }
        self.waiting.push(Waiting {
            submission,
            again: 0,
            from: Instant::now(),
        });
    }

    /// Gives tasks to machines that have room, in the order in which they came.
    fn place(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.from > Instant::now() {
                self.waiting.push(waiting);
                continue;
            }
            let need = waiting.submission.resources;
            let now = Instant::now();
            let has_room = |own: &Supervised| own.until <= now && own.has_room(&need);
            let at = self.machines.iter().enumerate();
            let free = at.filter(|(_, own)| has_room(own));
            // The one with the fewest tasks, so that all help.
            let free = free.min_by_key(|(at, own)| (own.tasks.len(), *at));
            match free.map(|(at, _)| at) {
                Some(at) => self.assign(at, waiting),
                None => self.wait(waiting),
            }
        }
    }

    /// No machine has room now. Where none that could do it was ever reached, it has failed.
    fn wait(&mut self, waiting: Waiting) {
        let need = &waiting.submission.resources;
        let could: Vec<&Supervised> = self.machines.iter().filter(|own| own.could(need)).collect();
        let is_lost = |own: &&Supervised| own.failed >= TRIES && own.connection.is_none();
        if !could.iter().all(is_lost) {
            return self.waiting.push(waiting);
        }
        let told: Vec<String> = could
            .iter()
            .map(|own| format!("{} cannot be reached: {}", own.machine.name, own.why))
            .collect();
        let reports = waiting.submission.reports;
        reports.ended(Err(Failure::Failed(Cause::Error, told.join("; "))));
    }

    fn assign(&mut self, at: usize, waiting: Waiting) {
        if let Err(why) = self.connect(at) {
            self.machines[at].fails(why);
            return self.waiting.push(waiting);
        }
        let own = &mut self.machines[at];
        let need = waiting.submission.resources;
        let cards = own.slots.take(&need);
        let mut attempt = (*waiting.submission.task).clone();
        let names = cards.iter().map(|card| own.machine.cards[*card].clone());
        attempt.cards = Some(names.collect());
        let spool = Spool::at(waiting.submission.spool.clone());
        if let Err(error) = spool.begin(&mut attempt) {
            own.slots.give_back(&need, &cards);
            let message = format!("cannot lay out {}: {error}", spool.folder().display());
            let reports = waiting.submission.reports;
            return reports.ended(Err(Failure::Failed(Cause::Error, message)));
        }
        let number = self.next.0;
        self.next.0 += 1;
        let assigned = Assigned {
            submission: waiting.submission,
            again: waiting.again,
            attempt,
            cards,
            begun: None,
            is_cancelled: false,
        };
        own.order(number, &assigned);
        own.tasks.insert(number, assigned);
    }

    /// Sees to it that there is a connection to a machine.
    fn connect(&mut self, at: usize) -> Result<(), String> {
        let own = &mut self.machines[at];
        if own.connection.is_some() {
            return Ok(());
        }
        let program = self.program.as_ref();
        let program = program.map_err(|error| format!("this program cannot be copied: {error}"))?;
        let number = self.next.1;
        self.next.1 += 1;
        let sender = self.sender.clone();
        let told = move |report| {
            // Nobody listens once all tasks are done.
            let _ = sender.send(match report {
                Some(report) => Heard::Told(at, number, report),
                None => Heard::Closed(at, number),
            });
        };
        let connection = Connection::open(&own.machine, &self.root, program, told);
        let connection = connection.map_err(|error| match own.machine.host {
            Some(_) => format!("cannot run ssh: {error}"),
            None => error.to_string(),
        })?;
        own.is_ready = false;
        own.connection = Some((number, connection));
        Ok(())
    }

    fn told(&mut self, at: usize, connection: u64, report: FromRelay) {
        let own = &mut self.machines[at];
        if own
            .connection
            .as_ref()
            .is_none_or(|(number, _)| *number != connection)
        {
            return;
        }
        match report {
            FromRelay::Ready(digest) => {
                let is_same = self
                    .program
                    .as_ref()
                    .ok()
                    .and_then(|path| digest_of(path).ok());
                if is_same.as_deref() != Some(digest.as_str()) {
                    own.why = "it runs another etude than this".into();
                    return self.closed(at, connection);
                }
                own.is_ready = true;
                own.failed = 0;
                let Supervised {
                    tasks, connection, ..
                } = own;
                if let Some((_, connection)) = connection {
                    for (number, task) in tasks {
                        let _ = connection.tell(&ToRelay::Run(*number, task.folder()));
                    }
                }
            }
            FromRelay::Told(number, report) => own.passes_on(number, report),
        }
    }

    /// A connection ended. Its tasks start again elsewhere once its relay must have ended too.
    fn closed(&mut self, at: usize, connection: u64) {
        let own = &mut self.machines[at];
        let Some((_, mut ended)) = own.connection.take_if(|(number, _)| *number == connection)
        else {
            return;
        };
        let was_ready = std::mem::replace(&mut own.is_ready, false);
        let why = ended.describe_end();
        let tasks = std::mem::take(&mut own.tasks);
        if was_ready && let Some(task) = tasks.values().next() {
            let line = format!(
                "the connection to {} ended ({why}); its {} jobs start again in a minute",
                own.machine.name,
                tasks.len()
            );
            task.submission.reports.announce(&line);
        }
        own.fails(why);
        let wait = if was_ready { GONE } else { Duration::ZERO };
        for task in tasks.into_values() {
            own.slots.give_back(&task.submission.resources, &task.cards);
            if was_ready && task.again >= AGAIN {
                let message = format!("its machine was lost {} times in a row", task.again + 1);
                let reports = task.submission.reports;
                reports.ended(Err(Failure::Failed(Cause::Crash, message)));
                continue;
            }
            self.waiting.push(Waiting {
                submission: task.submission,
                again: task.again + u32::from(was_ready),
                from: Instant::now() + wait,
            });
        }
    }

    /// Once the run is to end, every machine is told so.
    fn cancel(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.submission.reports.cancelled() {
                let reports = waiting.submission.reports;
                reports.ended(Err(Failure::Cancelled));
            } else {
                self.waiting.push(waiting);
            }
        }
        self.machines.iter_mut().for_each(Supervised::cancel);
    }
}

impl Supervised {
    fn room_of(need: &Resources) -> (u32, u64, u32) {
        (need.cores, need.memory, need.gpu)
    }

    /// Whether it has all that a task needs, however much of that is taken.
    fn could(&self, need: &Resources) -> bool {
        let machine = &self.machine;
        need.cores <= machine.cores
            && need.memory <= machine.memory
            && need.gpu as usize <= machine.cards.len()
    }

    fn has_room(&self, need: &Resources) -> bool {
        self.slots.fits(Self::room_of(need))
    }

    fn order(&mut self, number: usize, task: &Assigned) {
        // Those that it is given before it is there it is told of then.
        if self.is_ready
            && let Some((_, connection)) = &mut self.connection
        {
            let _ = connection.tell(&ToRelay::Run(number, task.folder()));
        }
    }

    fn cancel(&mut self) {
        let mut never_begun = Vec::new();
        for (number, task) in &mut self.tasks {
            if !task.submission.reports.cancelled()
                || std::mem::replace(&mut task.is_cancelled, true)
            {
                continue;
            }
            match &mut self.connection {
                Some((_, connection)) if self.is_ready => {
                    let _ = connection.tell(&ToRelay::Cancel(*number));
                }
                _ => never_begun.push(*number),
            }
        }
        for number in never_begun {
            if let Some(task) = self.tasks.remove(&number) {
                self.slots
                    .give_back(&task.submission.resources, &task.cards);
                task.ended(Err(Failure::Cancelled));
            }
        }
    }

    /// It could not be reached: it is left alone for a while, the longer the more often that was so.
    fn fails(&mut self, why: String) {
        if !why.is_empty() {
            self.why = why;
        }
        self.until = Instant::now() + PAUSE * (1 << self.failed.min(6));
        self.failed += 1;
    }

    fn passes_on(&mut self, number: usize, report: FromWorker) {
        let Some(task) = self.tasks.get_mut(&number) else {
            return;
        };
        let reports = &task.submission.reports;
        let how = match report {
            FromWorker::Begun(machine) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                task.begun = Some((Instant::now(), now.unwrap_or_default().as_secs()));
                return reports.begun(&machine);
            }
            FromWorker::Progress(progress) => return reports.progress(progress),
            FromWorker::Saved(state) => return reports.saved(state),
            FromWorker::Warning(message) => return reports.warned(&message),
            FromWorker::Ready(_) | FromWorker::Unlocked => return,
            FromWorker::Done => Ok(()),
            FromWorker::Cancelled => Err(Failure::Cancelled),
            FromWorker::Failed(cause, message) => Err(Failure::Failed(cause, message)),
        };
        if let Some(task) = self.tasks.remove(&number) {
            self.slots
                .give_back(&task.submission.resources, &task.cards);
            task.ended(how);
        }
    }
}

impl Assigned {
    /// The folder of its attempt.
    fn folder(&self) -> PathBuf {
        let parent = self.attempt.out.parent();
        parent.map(PathBuf::from).unwrap_or_default()
    }

    fn ended(self, how: Result<(), Failure>) {
        let folder = self.folder();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let Submission {
            task,
            spool,
            reports,
            ..
        } = self.submission;
        if let Some((begun, started)) = self.begun {
            reports.took(started, begun.elapsed().as_secs_f64());
        }
        let delivered = how.and_then(|()| {
            let brought = Spool::at(spool).deliver(&name, &task.out);
            brought.map_err(|error| {
                let message = format!("what it left cannot be brought: {error}");
                Failure::Failed(Cause::Error, message)
            })
        });
        reports.ended(delivered);
    }
}

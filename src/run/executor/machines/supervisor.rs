//! The one thread that supervises all machines: it gives tasks to those that have room, and passes on what is told.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::Machine;
use super::connection::Connection;
use super::supervised::{Assigned, Supervised};
use crate::pipeline::{Cause, Monitor};
use crate::run::executor::install::digest_of;
use crate::run::executor::relay::{BEAT, FromRelay, GONE, ToRelay};
use crate::run::executor::spool::Spool;
use crate::run::executor::{Failure, Submission};

/// How often is looked whether the run is to stop and whether a machine is to be tried again.
const TICK: Duration = Duration::from_millis(100);
/// How often a machine is tried that was never reached, before jobs fail that no other can do.
const TRIES: u32 = 3;
/// How long a relay may take to say that it is there.
const START: Duration = Duration::from_secs(60);
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

struct Waiting {
    submission: Submission,
    again: u32,
    /// Before that, the machine that had it may not know that it has lost it.
    from: Instant,
}

impl Supervisor {
    pub(super) fn new(
        machines: Vec<Machine>,
        root: PathBuf,
        program: io::Result<PathBuf>,
        sender: Sender<Heard>,
    ) -> Self {
        let now = Instant::now();
        let machines = machines.into_iter().map(Supervised::new);
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
                Ok(Heard::Closed(at, number)) => self.closed(at, number, None),
                Ok(Heard::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.cancel();
            self.give_up_silent();
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
        own.opened = Instant::now();
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
                    let why = "it runs another etude than this".to_owned();
                    return self.closed(at, connection, Some(why));
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
    fn closed(&mut self, at: usize, connection: u64, why: Option<String>) {
        let own = &mut self.machines[at];
        let Some((_, mut ended)) = own.connection.take_if(|(number, _)| *number == connection)
        else {
            return;
        };
        let was_ready = std::mem::replace(&mut own.is_ready, false);
        let ended = ended.describe_end();
        let why = why.unwrap_or(ended);
        let tasks = std::mem::take(&mut own.tasks);
        let first = tasks.values().next();
        let first = first.filter(|task| was_ready && !task.submission.reports.cancelled());
        if let Some(task) = first {
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

    /// Closes connections at whose other end nothing says that it is there.
    fn give_up_silent(&mut self) {
        for at in 0..self.machines.len() {
            let own = &self.machines[at];
            if !own.is_ready
                && own.opened.elapsed() > START
                && let Some((number, _)) = &own.connection
            {
                let (number, seconds) = (*number, START.as_secs());
                let why = format!("etude did not start there within {seconds} s");
                self.closed(at, number, Some(why));
            }
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

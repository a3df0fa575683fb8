//! One machine of several: what it has to do, and how that goes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Machine;
use super::connection::Connection;
use crate::pipeline::{Cause, Monitor, Resources};
use crate::run::executor::relay::ToRelay;
use crate::run::executor::spool::Spool;
use crate::run::executor::worker::FromWorker;
use crate::run::executor::{Failure, Submission, Task};
use crate::run::slots::Slots;
use crate::run::{Capacity, Cards};

/// How long is waited before a machine is tried again, at first.
const PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Supervised {
    pub machine: Machine,
    pub slots: Slots,
    pub connection: Option<(u64, Connection)>,
    /// When that was opened.
    pub opened: Instant,
    /// Whether the connection has a relay of this program at its other end.
    pub is_ready: bool,
    pub tasks: BTreeMap<usize, Assigned>,
    /// How often in a row it could not be reached, why not, and until when it is left alone.
    pub failed: u32,
    pub why: String,
    pub until: Instant,
}

/// A task that a machine has.
pub(super) struct Assigned {
    pub submission: Submission,
    pub again: u32,
    pub attempt: Task,
    pub cards: Vec<usize>,
    pub begun: Option<(Instant, u64)>,
    pub is_cancelled: bool,
}

impl Supervised {
    pub fn new(machine: Machine) -> Self {
        Self {
            slots: Slots::of(&Capacity {
                cores: machine.cores,
                cores_per_job: machine.cores,
                memory: machine.memory,
                memory_per_job: machine.memory,
                cards: Cards::Named(machine.cards.clone()),
                jobs: u32::MAX,
            }),
            machine,
            connection: None,
            opened: Instant::now(),
            is_ready: false,
            tasks: BTreeMap::new(),
            failed: 0,
            why: String::new(),
            until: Instant::now(),
        }
    }

    fn room_of(need: &Resources) -> (u32, u64, u32) {
        (need.cores, need.memory, need.gpu)
    }

    /// Whether it has all that a task needs, however much of that is taken.
    pub fn could(&self, need: &Resources) -> bool {
        let machine = &self.machine;
        need.cores <= machine.cores
            && need.memory <= machine.memory
            && need.gpu as usize <= machine.cards.len()
    }

    pub fn has_room(&self, need: &Resources) -> bool {
        self.slots.fits(Self::room_of(need))
    }

    pub fn order(&mut self, number: usize, task: &Assigned) {
        // Those that it is given before it is there it is told of then.
        if self.is_ready
            && let Some((_, connection)) = &mut self.connection
        {
            let _ = connection.tell(&ToRelay::Run(number, task.folder()));
        }
    }

    pub fn cancel(&mut self) {
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
    pub fn fails(&mut self, why: String) {
        if !why.is_empty() {
            self.why = why;
        }
        self.until = Instant::now() + PAUSE * (1 << self.failed.min(6));
        self.failed += 1;
    }

    pub fn passes_on(&mut self, number: usize, report: FromWorker) {
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
    pub fn folder(&self) -> PathBuf {
        let parent = self.attempt.out.parent();
        parent.map(PathBuf::from).unwrap_or_default()
    }

    pub fn ended(self, how: Result<(), Failure>) {
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

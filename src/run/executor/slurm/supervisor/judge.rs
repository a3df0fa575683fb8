//! What Slurm knows is held against what is under way.

use std::time::{Duration, Instant};

use super::{LOOK, RARELY, Supervisor};
use crate::pipeline::Cause;
use crate::run::executor::Failure;
use crate::run::executor::cell::printed;
use crate::run::executor::install::ARRAYS;
use crate::run::executor::slurm::array::{Array, Cell};
use crate::run::executor::slurm::commands::{self, Refused, Seen, State};
use crate::run::executor::spool::Place;
use crate::run::executor::under_way::Lost;

/// How often a submission is tried that is not answered.
const TRIES: u32 = 6;
/// How often it is told that Slurm does not answer.
const REMIND: Duration = Duration::from_secs(600);
/// A node is avoided that lost so many jobs.
const BAD: u32 = 2;

impl Supervisor {
    /// Asks Slurm what is still there.
    pub(super) fn ask(&mut self) {
        self.asked = Some(Instant::now());
        match commands::squeue(&self.cluster.cleared) {
            Ok(queue) => {
                self.silent = None;
                if queue == self.queue {
                    self.pause = self.pause.mul_f64(1.5).min(RARELY.max(self.cluster.poll));
                } else {
                    self.pause = self.cluster.poll;
                }
                self.queue = queue;
            }
            Err(Refused::Unsure(why) | Refused::Never(why)) => {
                self.hurry();
                return self.unanswered(&why);
            }
        }
        self.hurry();
        self.tell_of_waiting();
        // What ended meanwhile is no loss.
        self.look();
        self.release_held();
        let arrays = std::mem::take(&mut self.arrays);
        let is_alone = arrays.values().all(|array| array.unsure.is_some());
        for (name, array) in arrays {
            self.judge(name, array, is_alone);
        }
    }

    /// Once all is to end, it is asked more often.
    fn hurry(&mut self) {
        if self.cancelled.is_some() {
            self.pause = LOOK.max(self.cluster.poll / 3);
        }
    }

    /// Tells once for each reason that jobs wait until somebody does something.
    fn tell_of_waiting(&mut self) {
        for (name, array) in &self.arrays {
            for (number, cell) in &array.cells {
                let place = Place {
                    array: name.clone(),
                    cell: *number,
                };
                let seen = self.queue.get(&place);
                let reason = seen.and_then(|seen| Some((&seen.id, seen.waits_for_somebody()?)));
                if let (Some((id, reason)), Some(job)) = (reason, cell.jobs.first())
                    && self.told.insert(reason.to_owned())
                {
                    let line = format!(
                        "Slurm does not start {id} ({reason}): it waits until somebody changes that; `scontrol show job {id}` tells more"
                    );
                    job.submission.reports.announce(&line);
                }
            }
        }
    }

    /// Slurm does not answer. Its jobs go on meanwhile.
    fn unanswered(&mut self, why: &str) {
        if self.silent.is_some_and(|told| told.elapsed() < REMIND) {
            return;
        }
        self.silent = Some(Instant::now());
        let jobs = self.arrays.values().flat_map(|array| array.cells.values());
        let job = jobs.flat_map(|cell| &cell.jobs).next();
        if let Some(job) = job {
            let line =
                format!("Slurm does not answer ({why}); its jobs go on, and it is asked again");
            job.submission.reports.announce(&line);
        }
    }

    /// Jobs that a cell of an earlier run still works on, from other files: that cell goes first.
    fn release_held(&mut self) {
        let mut cancelled = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            if let Some(place) = &waiting.after {
                match self.queue.get(place) {
                    Some(Seen {
                        state: State::Alive,
                        id,
                        ..
                    }) => {
                        // Other jobs of the cell may be right, and go on in it.
                        let array = self.arrays.get(&place.array);
                        if array.is_none_or(|array| !array.cells.contains_key(&place.cell)) {
                            cancelled.push(id.clone());
                        }
                    }
                    _ => {
                        waiting.job.forget_checkpoint();
                        self.again(waiting.job);
                        continue;
                    }
                }
            }
            self.waiting.push(waiting);
        }
        if !cancelled.is_empty() {
            // It is tried again with the next question.
            let _ = commands::scancel(&self.cluster.cleared, &cancelled);
            self.pause = self.cluster.poll;
        }
    }

    /// Holds an array against what Slurm knows. Where others are under way, a limit may be what it waits for.
    fn judge(&mut self, name: String, mut array: Array, is_alone: bool) {
        if let Some(sending) = &array.unsure {
            if self.queue.has(&name) {
                array.unsure = None;
                array.sent = Instant::now();
            } else if Instant::now() >= sending.next && self.cancelled.is_some() {
                // It never came.
                self.forget(&name);
                return array.end(&Err(Failure::Cancelled));
            } else if Instant::now() >= sending.next {
                if sending.tries >= TRIES && is_alone {
                    if array.cells.len() > 1 {
                        return self.halve(&name, array);
                    }
                    let why = sending.why.clone();
                    self.forget(&name);
                    return array.fail(Cause::Error, &why);
                }
                return self.send(name, array);
            }
            self.arrays.insert(name, array);
            return;
        }
        for (number, cell) in &mut array.cells {
            let place = Place {
                array: name.clone(),
                cell: *number,
            };
            let seen = self.queue.get(&place).cloned();
            let Some(lost) = cell.judge(seen.as_ref(), array.sent, self.cluster.poll) else {
                continue;
            };
            let lost = match lost {
                Lost::Failed(cause, message) => {
                    let output = format!("{number}.out");
                    let printed = printed(&self.folder.join(ARRAYS).join(&name).join(output));
                    Lost::Failed(cause, format!("{message}{printed}"))
                }
                taken => taken,
            };
            if let Some(Seen {
                state: State::Stuck,
                id,
                ..
            }) = &seen
            {
                // Held, it does no harm where that is not answered.
                let _ = commands::scancel(&self.cluster.cleared, std::slice::from_ref(id));
            }
            if let Some(seen) = seen.filter(Seen::is_of_its_node) {
                self.blame(&seen.host, cell);
            }
            // The first was at work; those behind it wait for another cell, unless somebody wants none of them.
            let behind = match &lost {
                Lost::Cancelled(_) => lost.clone(),
                _ => Lost::Behind,
            };
            cell.jobs.sort_by_key(|job| !job.is_begun());
            let mut first = Some(lost);
            for mut job in std::mem::take(&mut cell.jobs) {
                let lost = first.take().unwrap_or_else(|| behind.clone());
                if job.lost(&lost) {
                    self.again(job);
                }
            }
        }
        self.keep(name, array);
    }

    /// A node that lost several jobs is avoided.
    fn blame(&mut self, host: &str, cell: &Cell) {
        if host.is_empty() || self.cancelled.is_some() || cell.jobs.is_empty() {
            return;
        }
        let lost = self.lost.entry(host.to_owned()).or_default();
        *lost += 1;
        if *lost == BAD {
            self.excluded.push(host.to_owned());
            let line = format!(
                "{BAD} jobs were lost on the node {host}; what is submitted from now on avoids it"
            );
            cell.jobs[0].submission.reports.announce(&line);
        }
    }
}

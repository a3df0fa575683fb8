//! What Slurm knows is held against what is under way.

use std::time::{Duration, Instant};

use super::{LOOK, RARELY, Supervisor};
use crate::pipeline::Cause;
use crate::run::executor::cell::printed;
use crate::run::executor::slurm::ARRAYS;
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
            Err(Refused::Unsure(why) | Refused::Never(why)) => return self.unanswered(&why),
        }
        if self.cancelled.is_some() {
            self.pause = LOOK.max(self.cluster.poll / 3);
        }
        // What ended meanwhile is no loss.
        self.look();
        self.release_held();
        let arrays = std::mem::take(&mut self.arrays);
        for (name, array) in arrays {
            self.judge(name, array);
        }
    }

    /// Slurm does not answer. Its jobs go on meanwhile.
    fn unanswered(&mut self, why: &str) {
        let now = Instant::now();
        let (since, told) = self.silent.unwrap_or((now, now - REMIND));
        let is_told = self.silent.is_none() || told.elapsed() >= REMIND;
        self.silent = Some((since, if is_told { now } else { told }));
        let jobs = self.arrays.values().flat_map(|array| array.cells.values());
        let job = jobs.flat_map(|cell| &cell.jobs).next();
        if is_told && let Some(job) = job {
            let line =
                format!("Slurm does not answer ({why}); its jobs go on, and it is asked again");
            job.submission.reports.announce(&line);
        }
    }

    /// Jobs that a cell of an earlier run still works on, from other files: that cell goes first.
    fn release_held(&mut self) {
        let mut cancelled = Vec::new();
        for waiting in &mut self.waiting {
            let Some(place) = &waiting.after else {
                continue;
            };
            match self.queue.get(place) {
                Some(Seen {
                    state: State::Alive,
                    id,
                    ..
                }) => cancelled.push(id.clone()),
                _ => {
                    waiting.job.forget_checkpoint();
                    if waiting.job.lay_out().is_ok() {
                        waiting.after = None;
                    }
                }
            }
        }
        if !cancelled.is_empty() {
            // It is tried again with the next question.
            let _ = commands::scancel(&self.cluster.cleared, &cancelled);
            self.pause = self.cluster.poll;
        }
    }

    /// Holds an array against what Slurm knows.
    fn judge(&mut self, name: String, mut array: Array) {
        if let Some(sending) = &array.unsure {
            if self.queue.has(&name) {
                array.unsure = None;
                array.sent = Instant::now();
            } else if Instant::now() >= sending.next {
                // While others are under way, a limit may be what it waits for.
                if sending.tries >= TRIES && self.arrays.values().all(|a| a.unsure.is_some()) {
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
            // The first was at work; those behind it wait for another cell.
            let mut first = Some(lost);
            for mut job in std::mem::take(&mut cell.jobs) {
                let lost = first.take().unwrap_or_else(|| {
                    Lost::Taken("the job before it in its cell took it along".into())
                });
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

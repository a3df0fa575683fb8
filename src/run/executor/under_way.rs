//! One job that a cluster has, or is to have.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::spool::{End, How, Place, Spool, Stopped};
use super::worker::FromWorker;
use super::{Failure, Submission};
use crate::pipeline::{Cause, Monitor};
use crate::store;

/// How often a job is submitted again that was taken away before it saved anything.
const AGAIN: u32 = 3;

pub(super) struct UnderWay {
    pub submission: Submission,
    pub spool: Spool,
    /// How much of what its cell tells was read.
    read: u64,
    /// How often it was submitted again since it saved anything.
    again: u32,
    /// When it was submitted last.
    since: SystemTime,
    /// Whether its work has begun since.
    is_begun: bool,
    /// Whether this engine submitted it, and holds the lock that says so.
    is_own: bool,
}

impl UnderWay {
    pub fn new(submission: Submission, folder: &Path) -> Self {
        Self {
            spool: Spool::of(folder.join(submission.task.key.to_string())),
            submission,
            read: 0,
            again: 0,
            since: SystemTime::now(),
            is_begun: false,
            is_own: false,
        }
    }

    /// Whether an earlier run had it done, from files that nobody has touched since.
    pub fn was_done(&self) -> bool {
        match self.spool.end().map(|end| end.how) {
            Some(How::Done(attempt)) => {
                self.spool.has_output(&attempt) && self.spool.is_for(&self.submission.task)
            }
            _ => false,
        }
    }

    /// Lays out its folder anew.
    pub fn lay_out(&mut self) -> Result<(), store::Error> {
        self.read = 0;
        self.since = SystemTime::now();
        self.is_begun = false;
        self.spool.create(&self.submission.task)
    }

    /// Notes to which cell it is given.
    pub fn assign(&mut self, array: &str, cell: u32) -> Result<(), store::Error> {
        self.is_own = true;
        self.spool.assign(&Place {
            array: array.to_owned(),
            cell,
        })
    }

    pub fn is_cancelled(&self) -> bool {
        self.submission.reports.cancelled()
    }

    /// Passes on what its cell told, and its end if that is one. Whether it is over.
    pub fn look(&mut self) -> bool {
        // What was told before the end is read after it was seen.
        let end = self.spool.end();
        let reports = &self.submission.reports;
        for event in self.spool.told(&mut self.read) {
            match event {
                FromWorker::Begun(machine) => {
                    self.is_begun = true;
                    reports.begun(&machine);
                }
                FromWorker::Progress(progress) => reports.progress(progress),
                FromWorker::Saved(state) => reports.saved(state),
                FromWorker::Warning(message) => reports.warned(&message),
                // An engine that died holds nothing.
                FromWorker::Unlocked if self.is_own => {
                    self.over(Err(unlocked()));
                    return true;
                }
                _ => {}
            }
        }
        match end {
            Some(End {
                how: How::Done(left),
                started,
                seconds,
            }) => {
                let out = self.submission.task.out.clone();
                self.submission.reports.took(started, seconds);
                if !self.spool.has_output(&left) {
                    let message = "what it left is gone from the store";
                    self.over(Err(Failure::Failed(Cause::Crash, message.into())));
                    return true;
                }
                // Its folder stays until the record is written.
                let delivered = self.spool.deliver(&left, &out).map_err(|error| {
                    let message = format!("what it left cannot be brought: {error}");
                    Failure::Failed(Cause::Error, message)
                });
                self.submission.reports.end(delivered);
                true
            }
            Some(End {
                how: How::Failed(cause, message),
                started,
                seconds,
            }) => {
                self.submission.reports.took(started, seconds);
                self.over(Err(Failure::Failed(cause, message)));
                true
            }
            // It may be started once more by Slurm itself.
            Some(_) | None => false,
        }
    }

    /// Its cell is gone, and did not end it. Whether it goes out again; else it is over.
    pub fn lost(&mut self, why: &Lost) -> bool {
        if self.is_cancelled() {
            self.over(Err(Failure::Cancelled));
            return false;
        }
        if let Lost::Cancelled(message) = why {
            // No attempt is to undo what somebody did.
            self.over(Err(Failure::Failed(Cause::Error, message.clone())));
            return false;
        }
        if matches!(why, Lost::Behind) && !self.is_begun {
            return true;
        }
        let (cause, message) = match (self.spool.end().map(|end| end.how), why) {
            (Some(How::Stopped(Stopped::OutOfTime)), _) => (
                Cause::Time,
                "its time on the cluster was over before it was done; `resources = { time = … }` asks for more",
            ),
            (Some(_), _) => (Cause::Crash, "its machine was told to end it"),
            (None, Lost::Taken(message) | Lost::Cancelled(message)) => {
                (Cause::Crash, message.as_str())
            }
            (None, Lost::Behind) => (Cause::Crash, "its cell ended"),
            // What it never began it cannot be to blame for.
            (None, Lost::Failed(Cause::Crash, message)) if !self.is_begun => {
                (Cause::Crash, message.as_str())
            }
            (None, Lost::Failed(cause, message)) => {
                let failure = Failure::Failed(*cause, message.clone());
                self.over(Err(failure));
                return false;
            }
        };
        if self.has_saved() {
            self.again = 0;
        }
        if self.again < AGAIN {
            self.again += 1;
            let line = format!("{message}; it is submitted again");
            self.submission.reports.warned(&line);
            return true;
        }
        let times = self.again + 1;
        let message = format!(
            "{message}; that was so {times} times in a row, and it saved nothing meanwhile"
        );
        self.over(Err(Failure::Failed(cause, message)));
        false
    }

    /// Whether something was saved for its next attempt since it was submitted.
    fn has_saved(&self) -> bool {
        let saved = fs::read_dir(&self.submission.task.checkpoint);
        let times = saved.into_iter().flatten().flatten();
        let mut times = times.filter_map(|entry| entry.metadata().ok()?.modified().ok());
        // Another machine's clock may be a little behind.
        times.any(|time| time + Duration::from_secs(5) > self.since)
    }

    /// Whether its work has begun.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Empties the folder of its checkpoint: what lies there came from files that have changed. What stands beside it says
    /// from which, and goes first.
    pub fn forget_checkpoint(&self) {
        let checkpoint = &self.submission.task.checkpoint;
        let _ = fs::remove_file(checkpoint.with_extension("json"));
        let saved = fs::read_dir(checkpoint);
        for entry in saved.into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
        }
    }

    /// Lets it go on without this engine: another takes it over.
    pub fn leave(&mut self) {
        self.submission.reports.end(Err(Failure::Cancelled));
    }

    /// Tells its end, and removes its folder.
    pub fn over(&mut self, how: Result<(), Failure>) {
        if let Err(error) = self.spool.remove() {
            let line = format!("its folder cannot be removed: {error}");
            self.submission.reports.warned(&line);
        }
        self.submission.reports.end(how);
    }
}

/// What became of a cell that did not end its jobs.
#[derive(Debug, Clone)]
pub(super) enum Lost {
    /// Something took it away.
    Taken(String),
    /// It was to do the job after another, which it did not end.
    Behind,
    /// Somebody cancelled it.
    Cancelled(String),
    /// It ended in a way for which its job may be to blame.
    Failed(Cause, String),
}

fn unlocked() -> Failure {
    let message = "locks on this file system do not hold between machines: a node could take the lock that this engine holds, so \
                   two engines could write one store at once. Put the store where they hold (NFS 4, or Lustre mounted with `flock`): \
                   `store = \"…\"` in etude.toml";
    Failure::Failed(Cause::Error, message.into())
}

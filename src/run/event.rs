//! What happens during a run. Progress leaves a run only as events: the terminal, the journal and the tests read the same.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::pipeline::{Cause, Progress, Verdict};
use crate::store::{Digest, StartedFrom};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The pipeline.
        pipeline: String,
        /// How many jobs it has.
        jobs: usize,
    },
    /// A job began.
    JobStarted {
        /// Its name.
        job: String,
        /// Its cache key.
        key: Digest,
        /// Why it must run.
        reason: String,
        /// From which shorter job it goes on, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        started_from: Option<StartedFrom>,
    },
    /// A job waits for another run that works on the same key.
    JobWaiting {
        /// Its name.
        job: String,
    },
    /// A job told how far it is.
    JobProgress {
        /// Its name.
        job: String,
        /// How far.
        progress: Progress,
    },
    /// A job saved its state, from which its next attempt goes on.
    JobSaved {
        /// Its name.
        job: String,
        /// How far it was then; `None` where it did not tell.
        state: Option<Progress>,
    },
    /// An attempt at a job failed, and another begins when there is room.
    JobRetried(Retried),
    /// A job ended.
    JobEnded(Box<Ended>),
    /// Something to know that stops nothing.
    Warning {
        /// What.
        message: String,
    },
    /// The run ended.
    RunEnded(Summary),
}

/// An attempt that failed and is not the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retried {
    /// The job's name.
    pub job: String,
    /// How the attempt ended.
    pub cause: Cause,
    /// Why.
    pub message: String,
    /// The number of the next attempt, from 2.
    pub attempt: u32,
    /// How many there may be.
    pub of: u32,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Its name.
    pub job: String,
    /// How.
    pub status: Status,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// What kind of end it was, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why it failed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its log, if it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// Digest of its artifact, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Digest>,
    /// Its readable views.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<PathBuf>,
    /// Those of them that were not shown before, or with other bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<PathBuf>,
    /// What it had to do without, because jobs failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holes: Vec<String>,
    /// What its stage warned of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What became of a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

impl Ended {
    /// The end of a job of which nothing more is to be told.
    #[must_use]
    pub fn new(job: String, status: Status, seconds: f64) -> Self {
        Self {
            job,
            status,
            seconds,
            cause: None,
            message: None,
            log: None,
            artifact: None,
            views: Vec::new(),
            changed: Vec::new(),
            holes: Vec::new(),
            warnings: Vec::new(),
            verdict: None,
        }
    }
}

/// The state of a job after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It ran and left its artifact.
    Ran,
    /// Its artifact was there.
    Cached,
    /// It failed.
    Failed,
    /// Something it reads failed.
    Skipped,
    /// The run was stopped before it ended.
    Cancelled,
}

/// How a run ended: counts of jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Jobs that ran.
    pub ran: usize,
    /// Jobs whose artifact was there.
    pub cached: usize,
    /// Jobs that failed.
    pub failed: usize,
    /// Jobs that could not run because another failed.
    pub skipped: usize,
    /// Jobs that the stop of the run left undone.
    pub cancelled: usize,
    /// Jobs that ran again and gave other bytes than before.
    #[serde(default)]
    pub differing: usize,
    /// Files that could not be shown among the readable ones.
    #[serde(default)]
    pub unshown: usize,
    /// Seconds from start to end.
    pub seconds: f64,
}

impl Summary {
    /// Counts a job.
    pub fn count(&mut self, status: Status) {
        match status {
            Status::Ran => self.ran += 1,
            Status::Cached => self.cached += 1,
            Status::Failed => self.failed += 1,
            Status::Skipped => self.skipped += 1,
            Status::Cancelled => self.cancelled += 1,
        }
    }

    /// Whether every job has its artifact.
    pub fn is_complete(&self) -> bool {
        self.failed + self.skipped + self.cancelled == 0
    }

    /// Whether every job has its artifact, the same as before, and all that is shown is of this run.
    pub fn is_success(&self) -> bool {
        self.is_complete() && self.differing + self.unshown == 0
    }
}

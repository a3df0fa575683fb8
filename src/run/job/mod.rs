//! One job: it is begun, an executor does its work, and what comes of that is published.
//!
//! To begin a job and to publish what it left are done by the threads of a small [`Pool`]: both read and write files. What lies
//! between belongs to the executor, and no thread of the engine waits for it.

mod begin;
mod finish;
mod pool;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::executor::{Executor, Failure};
use super::log::note;
use super::{Compare, Event};
use crate::pipeline::{Cause, Resources};
use crate::plan::{Fingerprint, JobId, Outside, Plan, Reason, RunsRead};
use crate::store::{Artifact, Digest, Error, FileStat, Record, Store, StoredFile, scan};

pub(super) use begin::Attempt;
pub(super) use pool::{Pool, Work};

/// How often is looked whether a job that waits for another process still must, and whether the run is to stop.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// A job that can run.
pub(super) struct Ready {
    pub fingerprint: Fingerprint,
    /// What is of one run, for each of its inputs.
    pub runs: Vec<RunsRead>,
    /// The files that its parameters name, as they were when their bytes became part of the fingerprint.
    pub outside: Outside,
    pub key: Digest,
    pub reason: Reason,
    /// The record of an earlier artifact of the same key, to hold the new bytes against.
    pub before: Option<Box<Record>>,
}

/// An artifact that is in the store.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub key: Digest,
    pub artifact: Arc<Artifact>,
}

impl From<Record> for Made {
    fn from(record: Record) -> Self {
        Self {
            key: record.key,
            artifact: Arc::new(record.artifact),
        }
    }
}

/// What the engine is told.
pub(super) enum Message {
    /// Something to tell.
    Event(Box<Event>),
    /// Another process works on the key of a job, which is to be tried again.
    Busy(Box<Job>),
    /// A job is ready for its executor.
    Begun(Box<Job>, Box<Attempt>),
    /// A job's work begins, on such a machine.
    Placed(JobId, String),
    /// When a job's work began, in seconds since 1970, and how many seconds it took: told only where that is not when its
    /// executor got it and how long it had it.
    Took(JobId, u64, f64),
    /// An executor is done with a job.
    Worked(JobId, Result<(), Failure>),
    /// A job ended.
    Ended(Box<Job>, Box<Outcome>),
}

/// How an attempt ended.
pub(super) enum Outcome {
    Ran(Made),
    /// Another run made it meanwhile.
    Found(Made),
    /// It ran again and gave other bytes; the earlier artifact stands.
    Differs(Made),
    /// What these jobs left is damaged and was set aside.
    Damaged(BTreeMap<JobId, Made>),
    Failed(Cause, String),
    Cancelled,
    StoreFailed(Error),
}

/// What all jobs of a run share.
pub(super) struct Shared<'a> {
    pub plan: &'a Plan,
    pub store: &'a Store,
    pub compare: Compare<'a>,
    /// Objects whose bytes were read and found right during this run.
    pub verified: Mutex<BTreeSet<Digest>>,
    pub executor: &'a dyn Executor,
    /// Set when the run is to end, from outside or because of a job.
    pub stop: Arc<AtomicBool>,
}

/// A job that has its place on the machine.
pub(super) struct Job {
    pub id: JobId,
    pub name: String,
    pub resources: Resources,
    /// The cards it has, where it is known which there are.
    pub cards: Option<Vec<String>>,
    pub inputs: BTreeMap<JobId, Made>,
    /// What it has to do without: jobs that failed and, of those it reads, what they did without.
    pub holes: Vec<String>,
    pub ready: Box<Ready>,
    pub start: Instant,
    /// How many seconds its work took, where its executor told.
    pub took: Option<f64>,
    /// Whether it was told that the job waits for another process.
    pub is_told: bool,
}

/// A job in the hands of a thread of the pool.
struct Handled<'a> {
    run: &'a Shared<'a>,
    sender: &'a Sender<Message>,
    job: &'a Job,
}

impl std::ops::Deref for Handled<'_> {
    type Target = Job;

    fn deref(&self) -> &Job {
        self.job
    }
}

impl Handled<'_> {
    fn say(&self, event: Event) {
        // The engine listens until every job has ended.
        let _ = self.sender.send(Message::Event(Box::new(event)));
    }

    fn warns(&self, message: &str) {
        note(&self.log(), message);
        self.say(Event::Warning {
            message: format!("{}: {message}", self.name),
        });
    }

    fn log(&self) -> PathBuf {
        self.run.store.log(&self.ready.key)
    }

    fn is_stopped(&self) -> bool {
        self.run.stop.load(Ordering::Relaxed)
    }

    fn saves(&self) -> bool {
        self.run.plan.instance(self.id).parameters.saves()
    }

    /// Whether the job runs though its artifact is there.
    fn is_again(&self) -> bool {
        self.ready.reason == Reason::Again
    }

    /// Where it computes, as its record says.
    fn device(&self) -> &'static str {
        match self.resources.gpu {
            0 => "cpu",
            _ => "cuda",
        }
    }

    /// A file that its parameters name and that is no longer what it was when it became part of the fingerprint.
    fn changed_outside(&self) -> Option<PathBuf> {
        let instance = self.run.plan.instance(self.id);
        for (parameter, before) in &self.ready.outside {
            let path = &instance.outside[parameter];
            let Ok(now) = scan(path) else {
                return Some(path.clone());
            };
            let come = now.iter().find(|(name, _)| !before.contains_key(*name));
            if let Some((_, seen)) = come {
                return Some(seen.path.clone());
            }
            let same = |name: &String, (seen, digest): &(FileStat, Digest)| {
                let now = now.get(name);
                now.is_some_and(|now| self.run.store.is_unchanged(seen, digest, now))
            };
            let other = before.iter().find(|(name, was)| !same(name, was));
            if let Some((_, (seen, _))) = other {
                return Some(seen.path.clone());
            }
        }
        None
    }
}

/// Whether an object has the bytes it should have; one that was read and found right during this run is not read again.
pub(super) fn verify_once(
    store: &Store,
    file: &StoredFile,
    verified: &Mutex<BTreeSet<Digest>>,
) -> Result<bool, Error> {
    let verified = || verified.lock().unwrap_or_else(|p| p.into_inner());
    if verified().contains(&file.digest) {
        return Ok(true);
    }
    let is_right = store.objects().verify(file)?;
    if is_right {
        verified().insert(file.digest);
    }
    Ok(is_right)
}

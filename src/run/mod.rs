//! Executes a plan: every job that must run, as many at once as the machine has room for, and says what happens.
//!
//! The engine is one loop that owns all state. To begin a job, the lock of its key is taken, and the key is looked up once more:
//! another run may have been faster. What the job reads is verified. Then its **spool** is laid out, a private folder with the
//! task and an empty folder for what it leaves. An [`Executor`] does the work, on this machine or another, and tells how it goes. Then
//! the result is published. Failures stay with the job they belong to.
//!
//! Two things make work shorter and are never asked what the result is: the checkpoint folder of a job, where it finds what
//! an attempt that did not end left, and the artifact of a shorter job of the same family, from which it may go on.

mod control_group;
mod display;
mod earlier;
mod engine;
mod event;
mod executor;
mod job;
mod log;
pub mod machine;
mod order;
mod queue;
mod release;
mod retries;
mod slots;
mod work_folders;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

pub use earlier::{retire_stale, shown};
pub use event::{Ended, Event, Retried, Status, Summary};
pub use executor::{
    CellSignals, Cluster, Executor, Failure, InProcess, Launch, Local, Machine, Machines, Reports,
    Slurm, Submission, Task, Template, digest_of, relay, run_cell, serve, this_program,
};

use crate::pipeline::Kind;
use crate::plan::{JobId, Plan};
use crate::store::{Error, Store};
use engine::Engine;
use job::{Made, Shared};
use slots::Slots;

/// What the machine has to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// CPU cores.
    pub cores: u32,
    /// How many of them one job can have; one that would take more by default takes so many.
    pub cores_per_job: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// How much of it one job can have.
    pub memory_per_job: u64,
    /// CUDA cards.
    pub cards: Cards,
    /// How many jobs may be under way at once, whatever they take.
    pub jobs: u32,
}

/// Which CUDA cards jobs can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cards {
    /// Nobody knows which there are: jobs see what this process sees.
    Unknown,
    /// These, each as the driver is told of it: an index or an identifier.
    Named(Vec<String>),
    /// As many as a job asks for. Whoever does the work knows which.
    Any,
}

impl Cards {
    /// Those that are known by name.
    fn named(&self) -> &[String] {
        match self {
            Self::Named(names) => names,
            Self::Unknown | Self::Any => &[],
        }
    }

    /// Whether a job that would use one can have one.
    fn is_any(&self) -> bool {
        *self == Self::Any || !self.named().is_empty()
    }
}

/// Says how two files of one name differ that jobs of one kind left: the largest difference of their numbers, say; `None`
/// where that cannot be told.
pub type Compare<'a> = &'a (dyn Fn(&Kind, &str, &Path, &Path) -> Option<String> + Sync);

/// How to run.
pub struct Options<'a> {
    /// What the machine has to give.
    pub capacity: Capacity,
    /// Where readable views go: `outputs/<pipeline>`.
    pub views: PathBuf,
    /// Whether views of jobs that the plan does not have are removed; right where it has all that is shown beside it.
    pub prune: bool,
    /// Whether what is used up is released; right where the plan knows all readers.
    pub release: bool,
    /// Whether everything ends when a job fails; else all that does not need it is done.
    pub fail_fast: bool,
    /// Jobs that run though their artifacts are there, to see whether they leave the same bytes.
    pub again: BTreeSet<JobId>,
    /// How differences are told.
    pub compare: Compare<'a>,
    /// Set from outside to stop the run cleanly.
    pub cancel: &'a AtomicBool,
}

/// Runs a plan to its end and tells `observe` everything on the way. An error means that the store itself failed; failing
/// jobs are part of the summary.
pub fn execute(
    plan: &Plan,
    store: &Store,
    executor: &dyn Executor,
    options: &Options<'_>,
    observe: &mut dyn FnMut(&Event),
) -> Result<Summary, Error> {
    store.prepare()?;
    let (sender, receiver) = mpsc::channel();
    let run = Shared {
        plan,
        store,
        compare: options.compare,
        verified: Mutex::default(),
        executor,
        stop: Arc::default(),
    };
    let mut engine = Engine::new(&run, executor, options, observe, sender);
    std::thread::scope(|scope| engine.run(scope, &receiver))
}

//! Where jobs run: one file an executor.

mod background;
mod cell;
mod child;
mod identity;
mod in_process;
mod install;
mod launch;
mod local;
mod machines;
mod memory;
mod relay;
mod reports;
mod shell;
mod slurm;
mod spool;
mod stopwatch;
mod under_way;
mod worker;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Scope;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::pipeline::{
    Cause, Context, Device, Earlier, Inputs, Monitor, Registry, Resources, Stop,
};
use crate::run::Capacity;
use crate::store::{self, Digest, Stamp};

pub use cell::{CellSignals, run_cell};
pub use identity::this_program;
pub use in_process::InProcess;
pub use install::digest_of;
pub use launch::{Launch, Template};
pub use local::Local;
pub use machines::{Machine, Machines};
pub use relay::relay;
pub use reports::Reports;
pub use slurm::{Cluster, Slurm};
pub use worker::serve;

/// All that a worker needs to know of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The job's name, for its log.
    pub job: String,
    /// Its cache key.
    pub key: Digest,
    /// The stage kind.
    pub kind: String,
    /// All parameters.
    pub parameters: Json,
    /// What it reads.
    pub inputs: Inputs,
    /// The files and directories that its parameters name, absolute, by parameter.
    pub outside: BTreeMap<String, PathBuf>,
    /// What the tables that it reads lack.
    pub holes: Vec<String>,
    /// What a shorter job of its family left, where there is one.
    pub earlier: Option<Earlier>,
    /// The empty folder for what it leaves.
    pub out: PathBuf,
    /// The folder for what makes its next attempt shorter.
    pub checkpoint: PathBuf,
    /// The project's root.
    pub root: PathBuf,
    /// The variables of the environment that it named.
    pub environment: BTreeMap<String, Option<String>>,
    /// Where to compute.
    pub device: Device,
    /// How many threads to compute with.
    pub cores: u32,
    /// The CUDA cards that are its own, as the driver is told of them; `None` where nobody knows which there are.
    pub cards: Option<Vec<String>>,
    /// The longest it may run, in seconds.
    pub time: Option<u64>,
    /// The most memory it may take, in bytes, where there is a limit.
    pub memory: Option<u64>,
    /// The log to which is added what it says.
    pub log: PathBuf,
    /// The files that it reads, as they looked when it was laid out.
    pub read: BTreeMap<PathBuf, Stamp>,
}

impl Task {
    /// The file of a job's spool that holds its task.
    const FILE: &str = "task.json";

    /// Writes it into a job's spool, from which a worker takes it.
    pub(super) fn write(&self, spool: &Path) -> Result<(), store::Error> {
        let path = spool.join(Self::FILE);
        let text = serde_json::to_vec(self).expect("a task is plain data");
        fs::write(&path, text).map_err(store::Error::io("write", &path))
    }

    /// Reads the task of a spool.
    fn read(spool: &Path) -> Result<Self, String> {
        let path = spool.join(Self::FILE);
        let text = fs::read(&path).map_err(|error| error.to_string());
        let task = text.and_then(|text| serde_json::from_slice(&text).map_err(|e| e.to_string()));
        task.map_err(|why| format!("cannot read {}: {why}", path.display()))
    }
}

/// Why a task left no artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It was told to stop.
    Cancelled,
    /// It failed, or its worker died: in what way, and why.
    Failed(Cause, String),
}

/// A task whose folders are laid out.
pub struct Submission {
    /// What to do.
    pub task: Arc<Task>,
    /// What it takes.
    pub resources: Resources,
    /// The job's private folder: it holds the task as a file, and the output folder.
    pub spool: PathBuf,
    /// Who is told of it.
    pub reports: Reports,
}

/// Where jobs run. It says what it has, takes tasks and tells what becomes of them; no thread of the engine waits for one.
pub trait Executor: Sync {
    /// What it has to give, of what it is allowed to.
    fn capacity(&self, allowed: &Capacity) -> Capacity {
        allowed.clone()
    }

    /// Whether it has a task of this key already: one that an earlier run submitted, and that is not over.
    fn has(&self, _key: &Digest) -> bool {
        false
    }

    /// What a task of this key left is in the store: nothing of it need be kept any longer.
    fn settled(&self, _key: &Digest) {}

    /// Takes a task, and returns before it is done. An executor that needs threads of its own may start them in `scope`, which
    /// ends with the run.
    fn submit<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, submission: Submission);
}

/// Takes a task's checkpoint folder until dropped; the kernel lets go of it when this process dies. An engine waits for that
/// before it lets another attempt begin: a worker whose engine was killed dies too, but perhaps a moment later. A file system
/// that cannot lock a folder stops nothing.
fn hold(checkpoint: &Path) -> Option<File> {
    let folder = File::open(checkpoint).ok()?;
    folder.try_lock().ok()?;
    Some(folder)
}

/// Does a task's work in this very process.
fn perform(registry: &Registry, task: &Task, monitor: &dyn Monitor) -> Result<(), Failure> {
    let failed = |message| Failure::Failed(Cause::Error, message);
    let kind = registry
        .get(&task.kind)
        .ok_or_else(|| failed(format!("this etude has no kind `{}`", task.kind)))?;
    let parameters = kind
        .parse(&task.parameters)
        .map_err(|error| failed(format!("the parameters cannot be read: {error}")))?;
    let held = hold(&task.checkpoint);
    let context = Context {
        key: &task.key,
        inputs: &task.inputs,
        outside: &task.outside,
        earlier: task.earlier.as_ref(),
        holes: &task.holes,
        out: &task.out,
        checkpoint: &task.checkpoint,
        held: held.as_ref(),
        root: &task.root,
        environment: &task.environment,
        cores: task.cores,
        cards: task.cards.as_deref(),
        device: task.device,
        monitor,
    };
    let run = std::panic::AssertUnwindSafe(|| parameters.run(&context));
    match std::panic::catch_unwind(run) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Stop::Cancelled)) => Err(Failure::Cancelled),
        Ok(Err(Stop::Failed(message))) => Err(failed(message)),
        Err(panic) => {
            let message = panic
                .downcast_ref::<&str>()
                .map(|text| text.to_string())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            let message = format!(
                "this is a bug of the stage kind `{}`: it panicked: {message}",
                task.kind
            );
            Err(Failure::Failed(Cause::Crash, message))
        }
    }
}

//! What runs a job: one file an engine.

mod in_process;
mod local;
mod worker;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::pipeline::{Context, Device, Earlier, Environment, Inputs, Monitor, Registry, Stop};

pub use in_process::InProcess;
pub use local::Local;
pub use worker::serve;

/// All that a worker needs to know of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The job's name, for its log.
    pub job: String,
    /// The stage kind.
    pub kind: String,
    /// All parameters.
    pub parameters: Json,
    /// What it reads.
    pub inputs: Inputs,
    /// The files and directories that its parameters name, absolute, by parameter.
    pub outside: BTreeMap<String, PathBuf>,
    /// The environment variables that its kind reads, those that are set.
    pub environment: BTreeMap<String, String>,
    /// The project's root, absolute.
    pub root: PathBuf,
    /// What a shorter job of its family left, where there is one.
    pub earlier: Option<Earlier>,
    /// The empty folder for what it leaves.
    pub out: PathBuf,
    /// The folder for what makes its next attempt shorter.
    pub checkpoint: PathBuf,
    /// Where to compute.
    pub device: Device,
    /// How many threads to compute with.
    pub cores: u32,
    /// The longest it may run, in seconds.
    pub time: Option<u64>,
}

/// Why a task left no artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It was told to stop.
    Cancelled,
    /// It failed, or its worker died.
    Failed(String),
}

/// An engine that runs tasks. Several threads call it at once.
pub trait Executor: Sync {
    /// Runs one task to its end; what it says goes to `log`.
    fn run(&self, task: &Task, log: &Path, monitor: &dyn Monitor) -> Result<(), Failure>;
}

/// Takes a task's checkpoint folder until dropped; the kernel lets go of it when this process dies. An engine waits for that
/// before it lets another attempt begin: a worker whose engine was killed dies too, but perhaps a moment later. A file system
/// that cannot lock a folder stops nothing.
fn hold(checkpoint: &Path) -> Option<File> {
    let folder = File::open(checkpoint).ok()?;
    folder.try_lock().ok()?;
    Some(folder)
}

/// Does a task's work in this very process, whose environment is `surroundings`.
fn perform(
    registry: &Registry,
    surroundings: &Environment,
    task: &Task,
    log: &Path,
    monitor: &dyn Monitor,
) -> Result<(), Failure> {
    let kind = registry
        .get(&task.kind)
        .ok_or_else(|| Failure::Failed(format!("this etude has no kind `{}`", task.kind)))?;
    let parameters = kind
        .parse(task.parameters.clone())
        .map_err(|error| Failure::Failed(format!("the parameters cannot be read: {error}")))?;
    let held = hold(&task.checkpoint);
    let context = Context {
        inputs: &task.inputs,
        outside: &task.outside,
        environment: &task.environment,
        surroundings,
        root: &task.root,
        earlier: task.earlier.as_ref(),
        out: &task.out,
        work: &task.out.with_file_name("work"),
        checkpoint: &task.checkpoint,
        held: held.as_ref(),
        log,
        device: task.device,
        cores: task.cores,
        monitor,
    };
    let run = std::panic::AssertUnwindSafe(|| parameters.run(&context));
    match std::panic::catch_unwind(run) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Stop::Cancelled)) => Err(Failure::Cancelled),
        Ok(Err(Stop::Failed(message))) => Err(Failure::Failed(message)),
        Err(panic) => {
            let message = panic
                .downcast_ref::<&str>()
                .map(|text| text.to_string())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Err(Failure::Failed(format!(
                "this is a bug of the stage kind `{}`: it panicked: {message}",
                task.kind
            )))
        }
    }
}

//! Jobs on machines that are reached by `ssh`.
//!
//! Every machine sees the store at the same path. On each that is needed one process of this program runs, a relay, which has
//! its tasks done by workers as on this machine. No daemon is installed, and all ends with the connection.

mod connection;
mod supervised;
mod supervisor;

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread::{JoinHandle, Scope};

use super::background::Background;
use super::install::install;
use super::{Executor, Submission};
use crate::run::{Capacity, Cards};
use supervisor::{Heard, Supervisor};

/// A machine that jobs may run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// What it is called in messages.
    pub name: String,
    /// What `ssh` calls it; without one it is this machine.
    pub host: Option<String>,
    /// More options of `ssh`.
    pub ssh: Vec<String>,
    /// How many cores jobs may have.
    pub cores: u32,
    /// How much memory, in bytes.
    pub memory: u64,
    /// The CUDA cards that they may have.
    pub cards: Vec<String>,
}

/// Several machines as one executor.
pub struct Machines {
    machines: Vec<Machine>,
    /// Where a copy of the program is put.
    folder: PathBuf,
    /// Where jobs run.
    root: PathBuf,
    /// The program that runs here.
    program: PathBuf,
    /// The thread that supervises all, once there was a task.
    supervisor: Background<Heard>,
}

impl Machines {
    /// Jobs run in `root`. A copy of `program`, which is this one, is put below `folder`, which every machine must see.
    pub fn new(machines: Vec<Machine>, folder: PathBuf, root: PathBuf, program: PathBuf) -> Self {
        Self {
            machines,
            folder,
            root,
            program,
            supervisor: Background::new(|| Heard::Quit),
        }
    }

    fn supervise(&self) -> (Sender<Heard>, JoinHandle<()>) {
        let (sender, heard) = mpsc::channel();
        let own = Supervisor::new(
            self.machines.clone(),
            self.root.clone(),
            install(&self.program, &self.folder),
            sender.clone(),
        );
        (sender, std::thread::spawn(move || own.run(&heard)))
    }
}

impl Executor for Machines {
    fn capacity(&self, _: &Capacity) -> Capacity {
        let cores = self.machines.iter().map(|machine| machine.cores);
        let memory = self.machines.iter().map(|machine| machine.memory);
        Capacity {
            cores: cores.clone().fold(0, u32::saturating_add),
            cores_per_job: cores.max().unwrap_or(1),
            memory: memory.clone().fold(0, u64::saturating_add),
            memory_per_job: memory.max().unwrap_or(0),
            cards: if self.machines.iter().all(|machine| machine.cards.is_empty()) {
                Cards::Named(Vec::new())
            } else {
                Cards::Any
            },
            jobs: u32::MAX,
        }
    }

    fn submit<'scope>(&'scope self, _: &'scope Scope<'scope, '_>, submission: Submission) {
        let submitted = Heard::Submitted(Box::new(submission));
        self.supervisor.send(submitted, || self.supervise());
    }
}

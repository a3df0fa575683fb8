//! Jobs in worker processes on this machine, so that one that crashes takes nothing else with it.
//!
//! A worker is this very program, told to serve, and proves that it is before it is given a task. It computes with as many
//! threads as its job has cores, is used again for the next job of that size, and ends with the engine: its orders come
//! through a pipe that the kernel closes. One thread supervises all workers, however many there are.

mod supervisor;
mod worker;

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::Scope;

use super::background::Background;
use super::identity::identity;
use super::{Executor, Submission};
use supervisor::{Heard, Supervisor};

/// Worker processes on this machine.
pub struct Local {
    program: PathBuf,
    arguments: Vec<String>,
    /// The thread that supervises them, once there was a task.
    supervisor: Background<Heard>,
}

impl Local {
    /// Workers started as `program arguments…`.
    pub fn new(program: PathBuf, arguments: Vec<String>) -> Self {
        // Where the system knows it by its path alone, it must be looked at before anything can take its place.
        identity();
        Self {
            program,
            arguments,
            supervisor: Background::new(|| Heard::Quit),
        }
    }
}

impl Executor for Local {
    fn submit<'scope>(&'scope self, _: &'scope Scope<'scope, '_>, submission: Submission) {
        let submitted = Heard::Submitted(Box::new(submission));
        self.supervisor.send(submitted, || {
            let (sender, heard) = mpsc::channel();
            let own = Supervisor::new(self.program.clone(), self.arguments.clone(), sender.clone());
            (sender, std::thread::spawn(move || own.run(&heard)))
        });
    }
}

//! Jobs in worker processes on this machine, so that one that crashes takes nothing else with it.
//!
//! A worker is this very program, told to serve, and proves that it is before it is given a task. It computes with as many
//! threads as its job has cores, is used again for the next job of that size, and ends with the engine: its orders come
//! through a pipe that the kernel closes. One thread supervises all workers, however many there are.

mod supervisor;
mod worker;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::thread::{JoinHandle, Scope};

use super::identity::identity;
use super::{Executor, Submission};
use supervisor::{Heard, Supervisor};

/// Worker processes on this machine.
pub struct Local {
    program: PathBuf,
    arguments: Vec<String>,
    /// The thread that supervises them, once there was a task.
    supervisor: Mutex<Option<(Sender<Heard>, JoinHandle<()>)>>,
}

impl Local {
    /// Workers started as `program arguments…`.
    pub fn new(program: PathBuf, arguments: Vec<String>) -> Self {
        // Where the system knows it by its path alone, it must be looked at before anything can take its place.
        identity();
        Self {
            program,
            arguments,
            supervisor: Mutex::new(None),
        }
    }
}

impl Executor for Local {
    fn submit<'scope>(&'scope self, _: &'scope Scope<'scope, '_>, submission: Submission) {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(|p| p.into_inner());
        let (sender, _) = supervisor.get_or_insert_with(|| {
            let (sender, heard) = mpsc::channel();
            let own = Supervisor::new(self.program.clone(), self.arguments.clone(), sender.clone());
            (sender, std::thread::spawn(move || own.run(&heard)))
        });
        // Where the thread is gone, the reports tell that the task is.
        let _ = sender.send(Heard::Submitted(Box::new(submission)));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(|p| p.into_inner());
        if let Some((sender, thread)) = supervisor.take() {
            let _ = sender.send(Heard::Quit);
            let _ = thread.join();
        }
    }
}

//! Jobs in the engine's own process: for tests, and for hosts that want no workers.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::{Executor, Failure, Task, open_log, perform};
use crate::pipeline::{Monitor, Progress, Registry};

/// Runs tasks in the calling thread.
#[derive(Debug)]
pub struct InProcess<'a> {
    /// The kinds it can run.
    pub registry: &'a Registry,
}

impl Executor for InProcess<'_> {
    fn run(&self, task: &Task, log: &Path, monitor: &dyn Monitor) -> Result<(), Failure> {
        let log = open_log(log);
        perform(self.registry, task, &Logged { monitor, log })
    }
}

/// A monitor that keeps what is said.
struct Logged<'a> {
    monitor: &'a dyn Monitor,
    log: Option<File>,
}

impl Monitor for Logged<'_> {
    fn progress(&self, progress: Progress) {
        self.monitor.progress(progress);
    }

    fn cancelled(&self) -> bool {
        self.monitor.cancelled()
    }

    fn says(&self, text: &[u8]) {
        if let Some(mut log) = self.log.as_ref() {
            let _ = log.write_all(text);
        }
    }
}

//! Jobs in the engine's own process: for tests, and for hosts that want no workers.

use std::path::Path;

use super::{Executor, Failure, Task, perform};
use crate::pipeline::{Monitor, Progress, Registry};
use crate::run::log::Log;

/// Runs tasks in the calling thread.
#[derive(Debug)]
pub struct InProcess<'a> {
    /// The kinds it can run.
    pub registry: &'a Registry,
}

impl Executor for InProcess<'_> {
    fn run(&self, task: &Task, log: &Path, monitor: &dyn Monitor) -> Result<(), Failure> {
        let log = Log::open(log).ok();
        perform(self.registry, task, &Logged { monitor, log })
    }
}

/// A monitor that keeps what is said.
struct Logged<'a> {
    monitor: &'a dyn Monitor,
    /// Without one nothing is kept.
    log: Option<Log>,
}

impl Monitor for Logged<'_> {
    fn progress(&self, progress: Progress) {
        self.monitor.progress(progress);
    }

    fn cancelled(&self) -> bool {
        self.monitor.cancelled()
    }

    fn saved(&self, state: Progress) {
        self.monitor.saved(state);
    }

    fn warns(&self, message: &str) {
        self.monitor.warns(message);
    }

    fn says(&self, text: &[u8]) {
        if let Some(log) = &self.log {
            log.add(text);
        }
    }
}

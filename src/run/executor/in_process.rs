//! Jobs in the engine's own process: for tests, and for hosts that want no workers.

use std::thread::Scope;

use super::{Executor, Failure, Submission, Task, perform};
use crate::pipeline::{Monitor, Progress, Registry};
use crate::run::log::Log;
use crate::run::machine;

/// Runs tasks in threads of this process.
#[derive(Debug)]
pub struct InProcess<'a> {
    /// The kinds it can run.
    pub registry: &'a Registry,
}

impl InProcess<'_> {
    /// Runs one task to its end in the calling thread.
    pub fn run(&self, task: &Task, monitor: &dyn Monitor) -> Result<(), Failure> {
        let log = Log::open(&task.log).ok();
        perform(self.registry, task, &Logged { monitor, log })
    }
}

impl Executor for InProcess<'_> {
    fn submit<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, submission: Submission) {
        scope.spawn(move || {
            let Submission { task, reports, .. } = submission;
            reports.begun(machine::describe());
            let worked = self.run(&task, &reports);
            reports.ended(worked);
        });
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

//! Jobs in the engine's own process: for tests, and for hosts that want no workers.

use std::path::Path;

use super::{Executor, Failure, Task, perform};
use crate::pipeline::{Monitor, Registry};

/// Runs tasks in the calling thread.
#[derive(Debug)]
pub struct InProcess<'a> {
    /// The kinds it can run.
    pub registry: &'a Registry,
}

impl Executor for InProcess<'_> {
    fn run(&self, task: &Task, _log: &Path, monitor: &dyn Monitor) -> Result<(), Failure> {
        perform(self.registry, task, monitor)
    }
}

//! Groups of processes that jobs started: whoever ends a job ends them with it.

use std::collections::BTreeSet;

/// Groups that live, by the number of their first process.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeSet<u32>);

impl Groups {
    /// Takes note of one that was started or is over.
    pub fn note(&mut self, id: u32, lives: bool) {
        match lives {
            true => self.0.insert(id),
            false => self.0.remove(&id),
        };
    }

    /// Kills them all.
    pub fn end(&mut self) {
        for id in std::mem::take(&mut self.0) {
            kill(id);
        }
    }
}

#[cfg(unix)]
fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    if let Some(id) = id {
        // One that is gone needs no killing.
        let _ = kill_process_group(id, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill(_: u32) {}

//! What an executor tells of a task.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use super::Failure;
use crate::pipeline::{Cause, Monitor, Progress};
use crate::plan::JobId;
use crate::run::Event;
use crate::run::job::Message;
use crate::run::log::note;

/// Takes what there is to tell of one task. The last is its end; a task that is let go of without one has failed.
pub struct Reports {
    job: JobId,
    name: String,
    log: PathBuf,
    sender: Sender<Message>,
    stop: Arc<AtomicBool>,
    is_open: bool,
}

impl Reports {
    pub(in crate::run) fn new(
        (job, name): (JobId, String),
        log: PathBuf,
        sender: Sender<Message>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            job,
            name,
            log,
            sender,
            stop,
            is_open: true,
        }
    }

    fn say(&self, message: Message) {
        // The engine listens until every job has ended.
        let _ = self.sender.send(message);
    }

    /// The work begins, on this machine.
    pub fn begun(&self, machine: &str) {
        self.say(Message::Placed(self.job, machine.to_owned()));
    }

    /// The work is done.
    pub fn ended(mut self, how: Result<(), Failure>) {
        self.is_open = false;
        self.say(Message::Worked(self.job, how));
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        if self.is_open {
            let message = "this is a bug of etude: its executor let go of the job";
            let failure = Failure::Failed(Cause::Crash, message.into());
            self.say(Message::Worked(self.job, Err(failure)));
        }
    }
}

impl Monitor for Reports {
    fn progress(&self, progress: Progress) {
        let job = self.name.clone();
        self.say(Message::Event(Box::new(Event::JobProgress {
            job,
            progress,
        })));
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn saved(&self, state: Progress) {
        self.say(Message::Event(Box::new(Event::JobSaved {
            job: self.name.clone(),
            state: Some(state),
        })));
    }

    fn warns(&self, message: &str) {
        note(&self.log, message);
        self.say(Message::Event(Box::new(Event::Warning {
            message: format!("{}: {message}", self.name),
        })));
    }
}

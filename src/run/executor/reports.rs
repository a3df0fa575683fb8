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

    /// When the work began, in seconds since 1970, and how many seconds it took: for an executor that lets tasks wait.
    pub fn took(&self, started: u64, seconds: f64) {
        self.say(Message::Took(self.job, started, seconds));
    }

    /// The work is done.
    pub fn ended(mut self, how: Result<(), Failure>) {
        self.end(how);
    }

    /// The same, where more may be said of other things afterwards.
    pub fn end(&mut self, how: Result<(), Failure>) {
        self.is_open = false;
        self.say(Message::Worked(self.job, how));
    }

    /// Something to know of the task, which its log has already.
    pub fn warned(&self, message: &str) {
        self.announce(&format!("{}: {message}", self.name));
    }

    /// Something to know that is not of this task alone.
    pub fn announce(&self, message: &str) {
        let message = message.to_owned();
        self.say(Message::Event(Box::new(Event::Warning { message })));
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
        self.warned(message);
    }
}

//! A few threads that do what the engine must not wait for: they begin jobs and end them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

use super::begin::Begun;
use super::{Attempt, Handled, Job, Message, Outcome, Shared};
use crate::pipeline::Cause;
use crate::run::executor::Failure;
use crate::store::Error;

/// What is to be done with a job.
pub(in crate::run) enum Work {
    /// Begin it.
    Begin(Box<Job>),
    /// End it, as its executor is done.
    Finish(Box<Job>, Box<Attempt>, Result<(), Failure>),
}

/// The threads, which end when it is dropped.
pub(in crate::run) struct Pool {
    work: Sender<Work>,
}

impl Pool {
    /// Starts so many threads, which tell `sender` what comes of their work.
    pub(in crate::run) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        threads: usize,
        run: &'scope Shared<'_>,
        sender: &Sender<Message>,
    ) -> Self {
        let (work, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let (queue, sender) = (queue.clone(), sender.clone());
            scope.spawn(move || {
                while let Some(work) = next(&queue) {
                    // The engine listens until every job has ended.
                    let _ = sender.send(done(run, &sender, work));
                }
            });
        }
        Self { work }
    }

    pub(in crate::run) fn give(&self, work: Work) {
        self.work
            .send(work)
            .expect("its threads live as long as it");
    }
}

fn next(queue: &Mutex<Receiver<Work>>) -> Option<Work> {
    let queue = queue.lock().unwrap_or_else(|p| p.into_inner());
    queue.recv().ok()
}

/// Does it. Whatever happens, the engine hears of the job.
fn done(run: &Shared<'_>, sender: &Sender<Message>, work: Work) -> Message {
    match work {
        Work::Begin(job) => match guarded(run, sender, &job, |handled| handled.begin()) {
            Ok(Begun::Busy) => Message::Busy(job),
            Ok(Begun::Attempt(attempt)) => Message::Begun(job, attempt),
            Ok(Begun::Ended(outcome)) => Message::Ended(job, Box::new(outcome)),
            Err(outcome) => Message::Ended(job, Box::new(outcome)),
        },
        Work::Finish(job, attempt, worked) => {
            let finished = guarded(run, sender, &job, |handled| {
                handled.finish(*attempt, worked)
            });
            let outcome = finished.unwrap_or_else(|outcome| outcome);
            Message::Ended(job, Box::new(outcome))
        }
    }
}

fn guarded<T>(
    run: &Shared<'_>,
    sender: &Sender<Message>,
    job: &Job,
    work: impl FnOnce(&Handled<'_>) -> Result<T, Error>,
) -> Result<T, Outcome> {
    let handled = Handled { run, sender, job };
    match catch_unwind(AssertUnwindSafe(|| work(&handled))) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Outcome::StoreFailed(error)),
        Err(_) => {
            let message = "this is a bug of etude: its engine panicked";
            Err(Outcome::Failed(Cause::Crash, message.into()))
        }
    }
}

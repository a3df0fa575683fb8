//! What runs on a machine that an engine reached by `ssh`: it does the tasks that it is told of, and tells how they go, a JSON
//! line each, over the connection that started it.
//!
//! It ends with the connection, and its workers with it. A connection may be dead without either side knowing; so the engine
//! sends a line every few seconds, and a relay that hears none for a while ends too. The engine waits longer than that before
//! it gives the task to another machine, and no two ever work on one.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::worker::FromWorker;
use super::{Executor, Failure, Local, Reports, Submission, Task};
use crate::pipeline::{Cause, Resources};
use crate::run::event::Event;
use crate::run::job::Message;
use crate::run::work_folders;

/// Tasks by number, each with what stops it.
type Tasks = BTreeMap<usize, (Arc<Task>, Arc<AtomicBool>)>;

/// What an engine tells a relay.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ToRelay {
    /// The engine lives.
    Lives,
    /// Do the task of this folder, which has this number.
    Run(usize, PathBuf),
    /// Stop the task of this number.
    Cancel(usize),
}

/// What a relay tells its engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FromRelay {
    /// It is there, and is the program of this digest.
    Ready(String),
    /// What there is to tell of the task of this number.
    Told(usize, FromWorker),
}

/// An engine says that it lives so often.
pub(super) const BEAT: Duration = Duration::from_secs(10);
/// A relay that hears nothing for so long ends.
const SILENCE: Duration = Duration::from_secs(45);
/// After so long a relay that cannot be reached has ended, and its workers too.
pub(super) const GONE: Duration = Duration::from_secs(60);

fn say(out: &Mutex<impl Write>, report: &FromRelay) {
    let line = serde_json::to_string(report).expect("a report is plain data");
    let mut out = out.lock().unwrap_or_else(|p| p.into_inner());
    // An engine that no longer listens is gone, and the end of its orders says so too.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Serves an engine until its orders end or it is silent for too long. Tasks are done by workers of `executor`; `digest` is
/// that of this program. At the end `orphaned` ends the process.
pub fn relay(
    orders: impl BufRead + Send + 'static,
    out: impl Write + Send,
    executor: &Local,
    digest: &str,
    orphaned: impl Fn(),
) {
    let out = Mutex::new(out);
    say(&out, &FromRelay::Ready(digest.to_owned()));
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for line in orders.lines().map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else {
                break;
            };
            if sender.send(order).is_err() {
                return;
            }
        }
    });
    let (sender, messages) = mpsc::channel();
    let tasks: Mutex<Tasks> = Mutex::default();
    let tasks = || tasks.lock().unwrap_or_else(|p| p.into_inner());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for message in messages {
                let told = report(message, &tasks());
                if let Some((number, report)) = told {
                    if report.is_end() {
                        tasks().remove(&number);
                    }
                    say(&out, &FromRelay::Told(number, report));
                }
            }
        });
        while let Ok(order) = heard.recv_timeout(SILENCE) {
            match order {
                ToRelay::Lives => {}
                ToRelay::Run(number, spool) => match Task::read(&spool) {
                    Ok(task) => {
                        let (task, stop) = (Arc::new(task), Arc::new(AtomicBool::new(false)));
                        tasks().insert(number, (task.clone(), stop.clone()));
                        let job = (number, task.job.clone());
                        let reports = Reports::new(job, task.log.clone(), sender.clone(), stop);
                        let submission = Submission {
                            task,
                            resources: Resources::default(),
                            spool,
                            reports,
                        };
                        executor.submit(scope, submission);
                    }
                    Err(why) => {
                        let report = FromWorker::Failed(Cause::Error, why);
                        say(&out, &FromRelay::Told(number, report));
                    }
                },
                ToRelay::Cancel(number) => {
                    if let Some((_, stop)) = tasks().get(&number) {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
        // Nobody waits for what its workers would leave, which end with this process.
        orphaned();
    });
}

/// What a message of the machinery here is to the engine there, and of which task.
fn report(message: Message, tasks: &Tasks) -> Option<(usize, FromWorker)> {
    let number = |name: &str| {
        let mut tasks = tasks.iter();
        let (number, _) = tasks.find(|(_, (task, _))| task.job == name)?;
        Some(*number)
    };
    match message {
        Message::Placed(number, machine) => Some((number, FromWorker::Begun(machine))),
        Message::Worked(number, how) => {
            let report = match how {
                Ok(()) => FromWorker::Done,
                Err(Failure::Cancelled) => FromWorker::Cancelled,
                Err(Failure::Failed(cause, message)) => {
                    let without =
                        |(task, _): &(Arc<Task>, _)| work_folders::without(task, &message);
                    let message = tasks.get(&number).map_or_else(|| message.clone(), without);
                    FromWorker::Failed(cause, message)
                }
            };
            Some((number, report))
        }
        Message::Event(event) => match *event {
            Event::JobProgress { job, progress } => {
                Some((number(&job)?, FromWorker::Progress(progress)))
            }
            Event::JobSaved { job, state } => Some((number(&job)?, FromWorker::Saved(state?))),
            Event::Warning { message } => {
                // A warning begins with the name of its job.
                let (number, (task, _)) = tasks
                    .iter()
                    .find(|(_, (task, _))| message.starts_with(&format!("{}: ", task.job)))?;
                let text = message[task.job.len() + 2..].to_owned();
                Some((*number, FromWorker::Warning(text)))
            }
            _ => None,
        },
        _ => None,
    }
}

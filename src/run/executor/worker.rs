//! The worker's side: tasks in on one stream, what happens out on another, a JSON line each.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::identity::identity;
use super::{Failure, Task, perform};
use crate::pipeline::{Cause, Monitor, Progress, Registry};
use crate::run::log::Log;
use crate::run::machine;

/// What an engine tells a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ToWorker {
    /// Do the task of this spool.
    Run(PathBuf),
    /// Stop what you do.
    Cancel,
}

/// What a worker tells its engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FromWorker {
    /// The worker is there: which file its process runs.
    Ready(String),
    /// The task begins, on this machine. A worker that dies before it says so has not touched it.
    Begun(String),
    /// The task is so far.
    Progress(Progress),
    /// The task has saved its state as it was here.
    Saved(Progress),
    /// Something to know of the task that stops nothing.
    Warning(String),
    /// The machine of the worker could take a lock that the engine's holds.
    Unlocked,
    /// The task left its artifact.
    Done,
    /// The task stopped as told.
    Cancelled,
    /// The task failed.
    Failed(Cause, String),
}

impl FromWorker {
    /// Whether the task is over.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed(..))
    }
}

/// How often a worker reports at most.
const PACE: Duration = Duration::from_millis(100);

struct Speaker<'a, W> {
    out: &'a Mutex<W>,
    cancelled: &'a AtomicBool,
    last: Mutex<Option<Instant>>,
    /// Without one nothing is kept.
    log: Option<Log>,
}

fn say<W: Write>(out: &Mutex<W>, report: &FromWorker) {
    let line = serde_json::to_string(report).expect("a report is plain data");
    let mut out = out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // An engine that no longer listens is gone, and the end of the orders says so too.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

impl<W: Write + Send> Monitor for Speaker<'_, W> {
    fn progress(&self, progress: Progress) {
        let mut last = self.last.lock().unwrap_or_else(|p| p.into_inner());
        let whole = progress.total > 0 && progress.done >= progress.total;
        if whole || last.is_none_or(|last| last.elapsed() >= PACE) {
            *last = Some(Instant::now());
            say(self.out, &FromWorker::Progress(progress));
        }
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn saved(&self, state: Progress) {
        say(self.out, &FromWorker::Saved(state));
    }

    fn warns(&self, message: &str) {
        say(self.out, &FromWorker::Warning(message.into()));
    }

    fn says(&self, text: &[u8]) {
        // Not by way of the engine: that closes the log when it hears that the task has ended.
        if let Some(log) = &self.log {
            log.add(text);
        }
    }
}

/// Serves an engine until its orders end. `orphaned` is called when they end while a task runs: the engine is dead, and
/// nobody waits for the result.
pub fn serve(
    registry: &Registry,
    orders: impl BufRead + Send + 'static,
    out: impl Write + Send,
    orphaned: impl Fn() + Send + 'static,
) {
    let out = Mutex::new(out);
    say(&out, &FromWorker::Ready(identity().into()));
    let cancelled = std::sync::Arc::new(AtomicBool::new(false));
    let busy = std::sync::Arc::new(AtomicBool::new(false));
    let (tasks, queue) = mpsc::channel();
    let (flag, working) = (cancelled.clone(), busy.clone());
    std::thread::spawn(move || {
        for line in orders.lines() {
            let Ok(line) = line else { break };
            match serde_json::from_str(&line) {
                Ok(ToWorker::Run(spool)) => {
                    flag.store(false, Ordering::Relaxed);
                    working.store(true, Ordering::Relaxed);
                    if tasks.send(spool).is_err() {
                        return;
                    }
                }
                Ok(ToWorker::Cancel) => flag.store(true, Ordering::Relaxed),
                Err(_) => break,
            }
        }
        if working.load(Ordering::Relaxed) {
            orphaned();
        }
    });
    for spool in queue {
        let report = match Task::read(&spool) {
            Ok(task) => {
                say(&out, &FromWorker::Begun(machine::describe().into()));
                let speaker = Speaker {
                    out: &out,
                    cancelled: &cancelled,
                    last: Mutex::new(None),
                    log: Log::open(&task.log).ok(),
                };
                match perform(registry, &task, &speaker) {
                    Ok(()) => FromWorker::Done,
                    Err(Failure::Cancelled) => FromWorker::Cancelled,
                    Err(Failure::Failed(cause, message)) => FromWorker::Failed(cause, message),
                }
            }
            Err(why) => FromWorker::Failed(Cause::Error, why),
        };
        busy.store(false, Ordering::Relaxed);
        say(&out, &report);
    }
}

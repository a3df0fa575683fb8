//! What runs on the other machine: one cell of an array, which does its tasks one after the other.
//!
//! Each task is done by a worker process, as on the machine of the engine, so that limits hold and a crash is told. A cell
//! writes how a task ended before it ends itself. Told to stop, it lets its task save, and does no other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::spool::{End, How, Spool, Stopped};
use super::worker::FromWorker;
use super::{Executor, Local, Reports, Submission};
use crate::pipeline::{Cause, Resources};
use crate::run::event::Event;
use crate::run::job::Message;
use crate::run::work_folders;
use crate::store;

/// What one cell has to do, as it is written in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    /// The folders of its tasks.
    pub tasks: Vec<PathBuf>,
    /// A file that its engine holds locked while it lives.
    pub alive: PathBuf,
}

impl Cell {
    pub(super) fn write(&self, path: &Path) -> Result<(), store::Error> {
        let text = serde_json::to_vec(self).expect("plain data");
        store::write_atomically(path, &text)
    }
}

/// Signals that a cell got.
#[derive(Debug, Clone, Default)]
pub struct CellSignals {
    /// Set once it is to stop.
    pub stop: Arc<AtomicBool>,
    /// Set before that where its time is nearly over.
    pub out_of_time: Arc<AtomicBool>,
}

/// Does the tasks of a cell, each in a worker of `executor`; one that may use cards uses those that the batch system gave to
/// the cell. An error means that its file cannot be read.
pub fn run_cell(
    file: &Path,
    executor: &Local,
    signals: &CellSignals,
    cards: Option<Vec<String>>,
) -> Result<(), String> {
    let wrong = |why: String| format!("cannot read {}: {why}", file.display());
    let text = fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let cell: Cell = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let is_unlocked = File::open(&cell.alive).is_ok_and(|file| file.try_lock().is_ok());
    for folder in cell.tasks {
        if signals.stop.load(Ordering::SeqCst) {
            break;
        }
        let spool = Spool::at(folder);
        // What nobody asks for any more is gone.
        if !spool.exists() {
            continue;
        }
        let working = spool.work(&signals.stop);
        let working = working.map_err(|error| format!("{}: {error}", spool.folder().display()))?;
        let is_over = |end: End| !matches!(end.how, How::Stopped(_));
        // Started once more, a cell finds what it had done.
        if working.is_none() || spool.end().is_some_and(is_over) {
            continue;
        }
        if is_unlocked {
            spool.tell(&FromWorker::Unlocked);
        }
        let end = work(&spool, executor, signals, cards.as_ref());
        spool
            .finish(&end)
            .map_err(|error| format!("{}: {error}", spool.folder().display()))?;
    }
    Ok(())
}

fn work(
    spool: &Spool,
    executor: &Local,
    signals: &CellSignals,
    cards: Option<&Vec<String>>,
) -> End {
    let (start, since) = (Instant::now(), SystemTime::now());
    let how = match begin(spool, cards) {
        Err(why) => How::Failed(Cause::Error, why),
        Ok(task) => {
            let worked = follow(spool, executor, signals, task.clone());
            let mut how = How::of(worked, attempt(&task));
            match &mut how {
                How::Stopped(why) if signals.out_of_time.load(Ordering::SeqCst) => {
                    *why = Stopped::OutOfTime;
                }
                How::Failed(_, message) => *message = work_folders::without(&task, message),
                _ => {}
            }
            how
        }
    };
    End {
        how,
        started: since
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs(),
        seconds: start.elapsed().as_secs_f64(),
    }
}

fn begin(spool: &Spool, cards: Option<&Vec<String>>) -> Result<Arc<super::Task>, String> {
    let mut task = spool.task()?;
    task.cards = task.cards.or_else(|| cards.cloned());
    spool
        .begin(&mut task)
        .map_err(|error| format!("cannot lay out {}: {error}", spool.folder().display()))?;
    Ok(Arc::new(task))
}

/// The folder of an attempt.
fn attempt(task: &super::Task) -> &Path {
    task.out.parent().unwrap_or(Path::new(""))
}

/// Has a task done, and passes on what its worker tells.
fn follow(
    spool: &Spool,
    executor: &Local,
    signals: &CellSignals,
    task: Arc<super::Task>,
) -> Result<(), super::Failure> {
    let (sender, receiver) = mpsc::channel();
    let prefix = format!("{}: ", task.job);
    let reports = Reports::new(
        (0, task.job.clone()),
        task.log.clone(),
        sender,
        signals.stop.clone(),
    );
    let submission = Submission {
        spool: attempt(&task).to_path_buf(),
        task,
        resources: Resources::default(),
        reports,
    };
    std::thread::scope(|scope| executor.submit(scope, submission));
    for message in receiver {
        match message {
            Message::Placed(_, machine) => spool.tell(&FromWorker::Begun(machine)),
            Message::Worked(_, how) => return how,
            Message::Event(event) => match *event {
                Event::JobProgress { progress, .. } => spool.tell(&FromWorker::Progress(progress)),
                Event::JobSaved {
                    state: Some(state), ..
                } => spool.tell(&FromWorker::Saved(state)),
                Event::Warning { message } => {
                    let message = message.strip_prefix(&prefix).unwrap_or(&message);
                    spool.tell(&FromWorker::Warning(message.to_owned()));
                }
                _ => {}
            },
            _ => {}
        }
    }
    unreachable!("the reports of a task always tell its end")
}

/// The last lines of what a cell printed, for a message.
pub(super) fn printed(output: &Path) -> String {
    let text = fs::read(output).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(5)..];
    if last.is_empty() {
        return String::new();
    }
    format!("; it printed: {}", last.join(" / "))
}

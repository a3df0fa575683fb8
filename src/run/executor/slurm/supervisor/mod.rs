//! The one thread that supervises all that Slurm does for a run.

mod judge;
mod submit;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::Cluster;
use super::array::Array;
use super::commands::{self, Queue};
use crate::pipeline::Cause;
use crate::run::executor::install::ARRAYS;
use crate::run::executor::spool::{How, Place};
use crate::run::executor::under_way::UnderWay;
use crate::run::executor::{Failure, Submission};

/// How often is looked at what the cells write.
const LOOK: Duration = Duration::from_secs(1);
/// How long cells that were cancelled may take to save.
const GRACE: Duration = Duration::from_secs(180);
/// The longest time between two questions, where nothing happens.
const RARELY: Duration = Duration::from_secs(120);

/// What the thread is told.
pub(super) enum Heard {
    /// A task is to be done.
    Submitted(Box<Submission>),
    /// There will be no more tasks.
    Quit,
}

pub(super) struct Supervisor {
    cluster: Cluster,
    folder: PathBuf,
    root: PathBuf,
    program: io::Result<PathBuf>,
    waiting: Vec<Waiting>,
    /// When the first of those came that wait, and the last.
    came: (Instant, Instant),
    arrays: BTreeMap<String, Array>,
    /// What Slurm knew when it was asked last.
    queue: Queue,
    asked: Option<Instant>,
    pause: Duration,
    looked: Instant,
    /// When it was told last that Slurm does not answer, while it does not.
    silent: Option<Instant>,
    /// For what jobs wait that somebody has to do, as far as it was told.
    told: BTreeSet<String>,
    /// How many jobs each node lost.
    lost: BTreeMap<String, u32>,
    excluded: Vec<String>,
    cancelled: Option<Instant>,
    /// Set where this process is to end and its jobs are not.
    leaves: Arc<AtomicBool>,
}

/// A job that goes out with the next array.
struct Waiting {
    job: UnderWay,
    /// A cell of an earlier run that may still work on it, from other files.
    after: Option<Place>,
}

impl Supervisor {
    pub(super) fn new(
        cluster: Cluster,
        folder: PathBuf,
        root: PathBuf,
        program: io::Result<PathBuf>,
        leaves: Arc<AtomicBool>,
    ) -> Self {
        let now = Instant::now();
        Self {
            pause: cluster.poll,
            cluster,
            folder,
            root,
            program,
            waiting: Vec::new(),
            came: (now, now),
            arrays: BTreeMap::new(),
            queue: Queue::default(),
            asked: None,
            looked: now,
            silent: None,
            told: BTreeSet::new(),
            lost: BTreeMap::new(),
            excluded: Vec::new(),
            cancelled: None,
            leaves,
        }
    }

    /// Does its work until it is told to quit.
    pub(super) fn run(mut self, heard: &Receiver<Heard>) {
        loop {
            let next = if self.waiting.is_empty() && self.arrays.is_empty() {
                heard.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                heard.recv_timeout(Duration::from_millis(100))
            };
            match next {
                Ok(Heard::Submitted(submission)) => {
                    self.take(*submission);
                    continue;
                }
                Ok(Heard::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.cancel();
            self.send_out();
            if self.looked.elapsed() >= LOOK {
                self.looked = Instant::now();
                self.look();
            }
            let is_due = self.asked.is_none_or(|asked| asked.elapsed() >= self.pause);
            if is_due && !(self.arrays.is_empty() && self.waiting.is_empty()) {
                self.ask();
            }
        }
    }

    /// Takes a job. What an earlier engine had submitted for it goes on.
    fn take(&mut self, submission: Submission) {
        let job = UnderWay::new(submission, &self.folder);
        let end = job.spool.end().map(|end| end.how);
        // Some of what an earlier run had done may be gone.
        let is_gone = matches!(&end, Some(How::Done(attempt)) if !job.spool.has_output(attempt));
        let is_same = job.spool.is_for(&job.submission.task);
        match job.spool.place() {
            Some(place) if is_same && !is_gone && is_open(end.as_ref()) => {
                let line = "goes on where an earlier run had submitted it";
                crate::run::log::note(&job.submission.task.log, line);
                let array = self.arrays.entry(place.array).or_insert_with(Array::found);
                array.cells.entry(place.cell).or_default().jobs.push(job);
                self.ask_soon();
            }
            Some(place) if end.is_none() => {
                self.wait(job, Some(place));
                self.ask_soon();
            }
            _ => {
                if job.spool.exists() && !is_same {
                    job.forget_checkpoint();
                }
                self.again(job);
            }
        }
    }

    fn wait(&mut self, job: UnderWay, after: Option<Place>) {
        let now = Instant::now();
        let is_first = self.waiting.is_empty();
        self.came = (if is_first { now } else { self.came.0 }, now);
        self.waiting.push(Waiting { job, after });
    }

    fn ask_soon(&mut self) {
        self.asked = None;
        self.pause = self.cluster.poll;
    }

    fn forget(&self, name: &str) {
        // What cannot be removed now is collected later.
        let _ = fs::remove_dir_all(self.folder.join(ARRAYS).join(name));
    }

    /// Hears what the cells have told.
    fn look(&mut self) {
        let arrays = std::mem::take(&mut self.arrays);
        for (name, mut array) in arrays {
            for cell in array.cells.values_mut() {
                let before = cell.jobs.len();
                cell.jobs.retain_mut(|job| !job.look());
                if cell.jobs.len() < before {
                    self.pause = self.cluster.poll;
                }
            }
            self.keep(name, array);
        }
    }

    /// Keeps an array that has jobs left.
    fn keep(&mut self, name: String, mut array: Array) {
        array.cells.retain(|_, cell| !cell.jobs.is_empty());
        if array.cells.is_empty() {
            // Of one that another engine submitted, cells may be left that nobody asks for now.
            if array.alive.is_some() {
                self.forget(&name);
            }
        } else {
            self.arrays.insert(name, array);
        }
    }

    /// Lets a job go out once more.
    fn again(&mut self, mut job: UnderWay) {
        match job.lay_out() {
            Ok(()) => self.wait(job, None),
            Err(error) => job.over(Err(Failure::Failed(Cause::Error, error.to_string()))),
        }
    }

    /// Lets all go on that Slurm has.
    fn leave(&mut self) {
        let arrays = std::mem::take(&mut self.arrays).into_values();
        let cells = arrays.flat_map(|array| array.cells.into_values());
        let mut jobs: Vec<UnderWay> = cells.flat_map(|cell| cell.jobs).collect();
        if let Some(job) = jobs.first() {
            let jobs = match jobs.len() {
                1 => "1 job goes on in Slurm".to_owned(),
                n => format!("{n} jobs go on in Slurm"),
            };
            let line = format!("{jobs}; run again to take over what comes of that");
            job.submission.reports.announce(&line);
        }
        jobs.iter_mut().for_each(UnderWay::leave);
    }

    /// Once the run is to end, all its jobs are cancelled, and no others.
    fn cancel(&mut self) {
        let jobs = self.arrays.values().flat_map(|array| array.cells.values());
        let mut jobs = jobs.flat_map(|cell| &cell.jobs);
        let waits = self.waiting.iter().map(|waiting| &waiting.job);
        if self.cancelled.is_none() && !jobs.by_ref().chain(waits).any(|job| job.is_cancelled()) {
            return;
        }
        for mut waiting in std::mem::take(&mut self.waiting) {
            waiting.job.over(Err(Failure::Cancelled));
        }
        if self.leaves.load(Ordering::SeqCst) {
            return self.leave();
        }
        let since = *self.cancelled.get_or_insert_with(|| {
            self.asked = None;
            Instant::now()
        });
        let mut ids = Vec::new();
        for (name, array) in &mut self.arrays {
            for (number, cell) in &mut array.cells {
                let place = Place {
                    array: name.clone(),
                    cell: *number,
                };
                if let Some(seen) = self.queue.get(&place)
                    && !std::mem::replace(&mut cell.is_cancelled, true)
                {
                    ids.push(seen.id.clone());
                }
            }
        }
        if !ids.is_empty() && commands::scancel(&self.cluster.cleared, &ids).is_err() {
            let cells = self.arrays.values_mut();
            let cells = cells.flat_map(|array| array.cells.values_mut());
            cells.for_each(|cell| cell.is_cancelled = false);
        }
        if since.elapsed() > GRACE {
            self.leave();
        }
    }
}

/// Whether a job with this end is still to be had from its cell.
fn is_open(end: Option<&How>) -> bool {
    matches!(end, None | Some(How::Done(_) | How::Stopped(_)))
}

//! An array of cells that Slurm has, or may have.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::commands::{Seen, State};
use crate::pipeline::Cause;
use crate::run::executor::Failure;
use crate::run::executor::cell::Cell as CellFile;
use crate::run::executor::under_way::{Lost, UnderWay};

/// How long Slurm may take to know what it was given.
const SETTLE: Duration = Duration::from_secs(20);
/// What a cell wrote last may take so long to be seen here, at the least and at the most.
const SEEN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// An array that Slurm has, or may have.
pub(super) struct Array {
    pub cells: BTreeMap<u32, Cell>,
    pub sent: Instant,
    /// How it was submitted, until Slurm is known to have it.
    pub unsure: Option<Sending>,
    /// Held while this engine lives; none of an array that another engine submitted.
    pub alive: Option<File>,
}

#[derive(Default)]
pub(super) struct Cell {
    pub jobs: Vec<UnderWay>,
    /// Whether Slurm was seen to have it while an engine looked. Before that, it may have been cancelled with the engine.
    pub is_seen: bool,
    /// Since when Slurm does not know it.
    missing: Option<Instant>,
    /// Since when Slurm says that it is over.
    over: Option<Instant>,
    pub is_cancelled: bool,
}

pub(super) struct Sending {
    pub options: Vec<String>,
    pub script: String,
    pub tries: u32,
    pub next: Instant,
    pub why: String,
}

impl Array {
    pub fn found() -> Self {
        Self {
            cells: BTreeMap::new(),
            sent: Instant::now(),
            unsure: None,
            alive: None,
        }
    }

    /// Writes down what each cell has to do, and for each job which cell does it: before anything is submitted.
    pub fn lay_out(&mut self, name: &str, folder: &Path) -> Result<File, String> {
        let wrong = |error: io::Error| format!("cannot lay out {}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(wrong)?;
        let path = folder.join("alive");
        let alive = File::create(&path).map_err(wrong)?;
        // Where nothing can be locked, its cells find it unlocked, and say so.
        let _ = alive.try_lock();
        for (number, cell) in &mut self.cells {
            for job in &mut cell.jobs {
                job.assign(name, *number).map_err(|e| e.to_string())?;
            }
            let tasks = cell.jobs.iter().map(|job| job.spool.folder().to_path_buf());
            let file = CellFile {
                tasks: tasks.collect(),
                alive: path.clone(),
            };
            file.write(&folder.join(format!("{number}.json")))
                .map_err(|error| error.to_string())?;
        }
        Ok(alive)
    }

    pub fn fail(self, cause: Cause, why: &str) {
        self.end(&Err(Failure::Failed(cause, why.to_owned())));
    }

    /// Ends all its jobs in one way.
    pub fn end(self, how: &Result<(), Failure>) {
        for mut job in self.cells.into_values().flat_map(|cell| cell.jobs) {
            job.over(how.clone());
        }
    }
}

impl Cell {
    pub fn of(jobs: Vec<UnderWay>) -> Self {
        Self {
            jobs,
            is_seen: true,
            ..Self::default()
        }
    }

    /// What became of it, once that is certain.
    pub fn judge(&mut self, seen: Option<&Seen>, sent: Instant, poll: Duration) -> Option<Lost> {
        // What it wrote last may take a while to be seen here.
        let settles = if self.is_cancelled {
            SEEN.0
        } else {
            (4 * poll).clamp(SEEN.0, SEEN.1)
        };
        let Some(seen) = seen else {
            if sent.elapsed() < SETTLE.min(2 * poll) {
                return None;
            }
            let missing = *self.missing.get_or_insert_with(Instant::now);
            let what = "Slurm knows its job no more, and it did not say how it ended";
            return (missing.elapsed() >= settles).then(|| Lost::Taken(what.into()));
        };
        self.missing = None;
        let id = &seen.id;
        let lost = match &seen.state {
            State::Alive => {
                self.is_seen = true;
                self.over = None;
                return None;
            }
            State::Stuck => {
                let what = format!("its Slurm job {id} could not be started, and is held");
                return Some(Lost::Taken(what));
            }
            State::OutOfTime => {
                let what = format!(
                    "its Slurm job {id} ran into its time limit before it could save; `resources = {{ time = … }}` sets another"
                );
                Lost::Failed(Cause::Time, what)
            }
            State::OutOfMemory => {
                let what = format!(
                    "Slurm ended its job {id} because it took more memory than was asked for; `resources = {{ memory = … }}` asks for more"
                );
                Lost::Failed(Cause::Oom, what)
            }
            State::Cancelled if !self.is_seen => {
                let what = format!("its Slurm job {id} was cancelled before this run");
                Lost::Taken(what)
            }
            State::Cancelled => {
                let what = format!("its Slurm job {id} was cancelled from outside");
                Lost::Cancelled(what)
            }
            State::Lost(word) => Lost::Taken(format!("its Slurm job {id} was lost ({word})")),
            State::Ended(word) => {
                let what = format!("its Slurm job {id} ended ({word}) and did not say how");
                Lost::Failed(Cause::Crash, what)
            }
        };
        let over = *self.over.get_or_insert_with(Instant::now);
        (over.elapsed() >= settles).then_some(lost)
    }
}

/// A name for an array that no other has.
pub(super) fn name(jobs: &[UnderWay]) -> String {
    let mut hasher = blake3::Hasher::new();
    for job in jobs {
        hasher.update(job.submission.task.key.to_string().as_bytes());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    hasher.update(&now.unwrap_or_default().as_nanos().to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    format!("etude-{}", &hasher.finalize().to_hex()[..12])
}

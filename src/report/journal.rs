//! The journal: every event of a run as a JSON line, with the second it happened.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Reporter;
use crate::run::{Event, Status};

/// A line of the journal.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// Seconds since the run began.
    at: f64,
}

/// Writes events to a file.
#[derive(Debug)]
pub struct Journal {
    out: BufWriter<File>,
    start: Instant,
    /// When each job's progress was last written: the journal keeps a sample of it.
    told: std::collections::BTreeMap<String, Instant>,
}

/// How often a job's progress is written down.
const PACE: Duration = Duration::from_secs(5);

impl Journal {
    /// Starts a journal; the file must not exist.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Self {
            out: BufWriter::new(File::create_new(path)?),
            start: Instant::now(),
            told: Default::default(),
        })
    }
}

impl Reporter for Journal {
    fn hear(&mut self, event: &Event) {
        if let Event::JobProgress { job, .. } = event {
            if self.told.get(job).is_some_and(|last| last.elapsed() < PACE) {
                return;
            }
            self.told.insert(job.clone(), Instant::now());
        }
        let at = (self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        // A journal that cannot be written must not stop the run.
        let _ = serde_json::to_writer(&mut self.out, &Line { event, at });
        let _ = self.out.write_all(b"\n");
        // Of thousands of jobs that are there already nobody waits to read.
        let waits = matches!(event, Event::JobEnded(ended) if ended.status == Status::Cached);
        if !waits {
            let _ = self.out.flush();
        }
    }
}

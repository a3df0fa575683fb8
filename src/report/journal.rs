//! The journal: every event of a run as a JSON line, with the second it happened.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Reporter;
use crate::run::Event;

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
    pub fn create(path: &Path) -> io::Result<Journal> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Journal {
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
        let mut line = json!(event);
        line["at"] = json!((self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0);
        // A journal that cannot be written must not stop the run.
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }
}

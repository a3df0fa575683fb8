//! Plain lines, for files and pipes: a line when a job starts and ends, and now and then how far it is.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use super::{Out, Reporter, show_end, show_progress, show_retry, show_start};
use crate::run::Event;

/// Prints events as lines.
pub struct Lines<W> {
    out: Out<W>,
    told: BTreeMap<String, Instant>,
}

/// How often a job that runs is told of.
const PACE: Duration = Duration::from_secs(30);

impl<W: Write> Lines<W> {
    /// Lines to a stream.
    pub fn new(out: W) -> Self {
        Self {
            out: Out::new(out),
            told: BTreeMap::new(),
        }
    }

    fn say(&mut self, line: &str) {
        // Whoever closed the stream does not want to hear more.
        let _ = writeln!(self.out, "{line}");
    }
}

impl<W: Write> Reporter for Lines<W> {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::JobStarted {
                job,
                reason,
                started_from,
                ..
            } => {
                self.told.insert(job.clone(), Instant::now());
                let why = show_start(reason, started_from.as_ref());
                self.say(&format!("  {job} ({why})"));
            }
            Event::JobWaiting { job } => {
                self.say(&format!("  {job} waits: the same work is being done under another name, or by another run"));
            }
            Event::JobProgress { job, progress } => {
                let last = self.told.get(job);
                if last.is_none_or(|last| last.elapsed() >= PACE) {
                    self.told.insert(job.clone(), Instant::now());
                    self.say(&format!("  {job}: {}", show_progress(progress)));
                }
            }
            Event::JobRetried(retried) => self.say(&show_retry(retried)),
            Event::JobEnded(ended) => {
                if let Some(line) = show_end(ended) {
                    self.say(&line);
                }
            }
            Event::Warning { message } => self.say(&format!("! {message}")),
            Event::JobSaved { .. } | Event::RunStarted { .. } | Event::RunEnded(_) => {}
        }
    }
}

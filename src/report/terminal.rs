//! Live lines on a terminal: one for each running job, one for all the rest.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Reporter, show_end, show_progress, show_retry, show_seconds, show_start, visible};
use crate::run::{Event, Status};

/// Draws running jobs on standard error.
pub struct Terminal {
    all: MultiProgress,
    rest: ProgressBar,
    running: BTreeMap<String, ProgressBar>,
    failed: usize,
}

impl Default for Terminal {
    fn default() -> Terminal {
        Terminal::new()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates below are well-formed")
        .progress_chars("━╸ ")
}

impl Terminal {
    /// A terminal that shows nothing yet.
    pub fn new() -> Terminal {
        let all = MultiProgress::new();
        let rest = all.add(ProgressBar::new(0));
        rest.set_style(style("  {bar:20} {pos}/{len} jobs{msg} · {elapsed}"));
        Terminal {
            all,
            rest,
            running: BTreeMap::new(),
            failed: 0,
        }
    }

    fn line(&mut self, job: &str) -> &ProgressBar {
        let (all, rest) = (&self.all, &self.rest);
        self.running.entry(job.to_string()).or_insert_with(|| {
            let bar = all.insert_before(rest, ProgressBar::new(0));
            // What is too long for the terminal is cut, never wrapped.
            bar.set_style(style("  {bar:10} {wide_msg}"));
            bar
        })
    }

    /// What a job does now.
    fn set(&mut self, job: &str, message: &str) {
        self.line(job).set_message(visible(message).into_owned());
    }

    fn print(&self, line: &str) {
        // A terminal that is gone cannot be told so.
        let _ = self.all.println(visible(line));
    }
}

impl Reporter for Terminal {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::RunStarted { jobs, .. } => self.rest.set_length(*jobs as u64),
            Event::JobStarted {
                job,
                reason,
                started_from,
                ..
            } => {
                let message = format!("{job} ({})", show_start(reason, started_from.as_ref()));
                self.set(job, &message);
            }
            Event::JobWaiting { job } => {
                let message = format!(
                    "{job} waits: the same work is being done under another name, or by another run"
                );
                self.set(job, &message);
            }
            Event::JobProgress { job, progress } => {
                let bar = self.line(job);
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                let mut message = format!("{job} {}", show_progress(progress));
                if progress.done > 0 {
                    let left = show_seconds(bar.eta().as_secs_f64());
                    message.push_str(&format!(" · {:.0}/s · {left} left", bar.per_sec()));
                }
                self.set(job, &message);
            }
            Event::JobSaved { .. } => {}
            Event::JobRetried(retried) => {
                if let Some(bar) = self.running.remove(&retried.job) {
                    bar.finish_and_clear();
                }
                self.print(&show_retry(retried));
            }
            Event::JobEnded(ended) => {
                if let Some(bar) = self.running.remove(&ended.job) {
                    bar.finish_and_clear();
                }
                if let Some(line) = show_end(ended) {
                    self.print(&line);
                }
                self.rest.inc(1);
                if ended.status == Status::Failed {
                    self.failed += 1;
                    self.rest.set_message(format!(", {} failed", self.failed));
                }
            }
            Event::Warning { message } => self.print(&format!("! {message}")),
            Event::RunEnded(_) => {
                for bar in self.running.values() {
                    bar.finish_and_clear();
                }
                self.rest.finish_and_clear();
            }
        }
    }
}

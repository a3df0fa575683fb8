//! Reads events: on a terminal as live lines, elsewhere as plain lines, and in the journal.

mod closing;
#[cfg(unix)]
mod echo;
mod eta;
mod failures;
mod fit;
pub mod graph;
mod history;
mod journal;
mod lines;
mod out;
mod overview;
mod running;
mod sparkline;
mod stopped;
mod terminal;

use std::fmt::Display;

use crate::pipeline::Progress;
use crate::run::{Ended, Event, Retried, Status};
use crate::store::StartedFrom;

pub use crate::pipeline::show_seconds;
pub use closing::Closing;
pub use eta::Eta;
pub use history::last_progress;
pub use journal::Journal;
pub use lines::Lines;
pub use out::{Out, is_plain, visible};
pub use overview::{Counts, Outlook, outlook, overview};
pub use sparkline::sparkline;
pub use terminal::Terminal;

/// Something that hears what happens during a run.
pub trait Reporter {
    /// Takes note of an event.
    fn hear(&mut self, event: &Event);
}

/// Why a job runs, and from where: `steps: 10000 → 20000; starts from 10000 steps`.
pub fn show_start(reason: impl Display, started_from: Option<&StartedFrom>) -> String {
    match started_from {
        Some(from) => format!("{reason}; starts from {from}"),
        None => reason.to_string(),
    }
}

/// How far a job is: `600/1500 steps, loss 0.512, exact 0.50`.
fn show_progress(progress: &Progress) -> String {
    let mut text = match progress.total {
        0 => format!("{} {}", progress.done, progress.unit),
        total => format!("{}/{total} {}", progress.done, progress.unit),
    };
    for (name, value) in &progress.metrics {
        text.push_str(&format!(", {name} {value:.3}"));
    }
    text
}

/// One line about a job that ended; none for one whose artifact was there. What a stop of the run cut short is told at the
/// end, for all jobs at once.
fn show_end(ended: &Ended) -> Option<String> {
    let (mark, what) = match ended.status {
        Status::Cached | Status::Cancelled => return None,
        Status::Ran => ("✓", format!("in {}", show_seconds(ended.seconds))),
        Status::Failed => (
            "✗",
            format!("failed: {}", ended.message.as_deref().unwrap_or("?")),
        ),
        Status::Skipped => (
            "–",
            format!("skipped: {}", ended.message.as_deref().unwrap_or("?")),
        ),
    };
    Some(format!("{mark} {} {what}", ended.job))
}

/// One line about an attempt that failed and is not the last.
fn show_retry(retried: &Retried) -> String {
    let Retried {
        job,
        cause,
        message,
        attempt,
        of,
    } = retried;
    format!("↻ {job} failed ({cause}): {message}; attempt {attempt} of {of} follows")
}

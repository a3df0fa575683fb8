//! Reads events: on a terminal as live lines, elsewhere as plain lines, and in the journal.

mod eta;
mod failures;
mod fit;
pub mod graph;
mod journal;
mod lines;
mod out;
mod stopped;
mod terminal;

use std::collections::HashMap;
use std::fmt::Display;

use crate::pipeline::{Judged, Progress, Verdict};
use crate::plan::Plan;
use crate::run::{Ended, Event, Retried, Status, Summary};
use crate::store::StartedFrom;

use stopped::Stopped;

pub use crate::pipeline::show_seconds;
pub use eta::Eta;
pub use journal::Journal;
pub use lines::Lines;
pub use out::{Out, visible};
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

/// The end of a run: verdicts, figures, failures with their logs, counts.
#[derive(Debug, Default)]
pub struct Closing {
    /// The place of each job in the order of the stages in the file.
    places: HashMap<String, usize>,
    verdicts: Vec<(String, Verdict)>,
    views: Vec<(String, String)>,
    failures: Vec<Ended>,
    /// What rests on less than it should, and on how much.
    holes: HashMap<String, Vec<String>>,
    /// What jobs warned of.
    warnings: Vec<(String, Vec<String>)>,
    stopped: Stopped,
}

impl Closing {
    /// Nothing heard yet; what it tells will have the order of the stages in the file.
    pub fn new(plan: &Plan) -> Closing {
        let mut jobs: Vec<_> = plan.jobs.iter().collect();
        jobs.sort_by_key(|job| job.stage);
        let names = jobs.into_iter().map(|job| job.name.to_string());
        Closing {
            places: names.zip(0..).collect(),
            ..Closing::default()
        }
    }

    fn place(&self, job: &str) -> usize {
        self.places.get(job).copied().unwrap_or(usize::MAX)
    }

    /// Gathers what the end will tell.
    pub fn hear(&mut self, event: &Event) {
        self.stopped.hear(event);
        let Event::JobEnded(ended) = event else {
            return;
        };
        if let Some(verdict) = &ended.verdict {
            self.verdicts.push((ended.job.clone(), verdict.clone()));
        }
        if !ended.holes.is_empty() {
            self.holes.insert(ended.job.clone(), ended.holes.clone());
        }
        if !ended.warnings.is_empty() {
            let warnings = ended.warnings.clone();
            self.warnings.push((ended.job.clone(), warnings));
        }
        if ended.status == Status::Failed {
            self.failures.push(ended.clone());
        }
        let shown = ended.views.iter().filter(|path| {
            let section = path
                .parent()
                .and_then(|p| p.file_name())
                .unwrap_or_default();
            let extension = path.extension().unwrap_or_default();
            (section == "figures" && extension == "svg")
                || (section == "tables" && extension == "md")
        });
        self.views
            .extend(shown.map(|path| (ended.job.clone(), path.display().to_string())));
    }

    /// Whether every claim holds, but those that are known not to.
    pub fn all_as_expected(&self) -> bool {
        let mut verdicts = self.verdicts.iter();
        verdicts.all(|(_, verdict)| verdict.is_expected())
    }

    /// On how much less than it should something rests.
    fn lacking(&self, job: &str) -> String {
        let holes = self.holes.get(job);
        holes.map_or(String::new(), |holes| format!("; {}", holes.join("; ")))
    }

    /// The closing lines.
    pub fn lines(&self, plan: &Plan, summary: &Summary) -> Vec<String> {
        let mut lines = Vec::new();
        let mut verdicts: Vec<_> = self.verdicts.iter().collect();
        verdicts.sort_by_key(|(job, _)| self.place(job));
        for (job, verdict) in verdicts {
            let (mark, word) = match (verdict.verdict, verdict.is_expected()) {
                (Judged::Reproduced, true) => ("✓", "reproduced"),
                (Judged::Reproduced, false) => ("✓", "reproduced, which was not expected"),
                (Judged::NotReproduced, true) => ("✗", "not reproduced, as expected"),
                (Judged::NotReproduced, false) => ("✗", "not reproduced"),
                (Judged::Unknown, _) => ("?", "cannot be judged"),
            };
            let rows = verdict.rows_in_words();
            let says = &verdict.says;
            lines.push(format!(
                "{mark} {word} ({rows}{}): {says}",
                self.lacking(job)
            ));
            lines.extend(verdict.note.iter().map(|note| format!("    note: {note}")));
            lines.extend(
                verdict
                    .against
                    .iter()
                    .map(|row| format!("    against: {row}")),
            );
            // Jobs that failed stand in the line above already.
            let holes = self.holes.get(job).map_or(&[][..], Vec::as_slice);
            let missing = verdict.missing.iter().filter(|why| !holes.contains(why));
            lines.extend(missing.map(|why| format!("    without a value: {why}")));
        }
        let mut views: Vec<_> = self.views.iter().collect();
        views.sort_by_key(|(job, _)| self.place(job));
        let views = views.iter();
        lines.extend(views.map(|(job, path)| format!("→ {path}{}", self.lacking(job))));
        let mut warnings: Vec<_> = self.warnings.iter().collect();
        warnings.sort_by_key(|(job, _)| self.place(job));
        for (job, all) in warnings {
            lines.extend(all.iter().map(|warning| format!("! {job}: {warning}")));
        }
        lines.extend(failures::lines(plan, &self.failures));
        lines.extend(self.stopped.lines());
        let counts = [
            (summary.ran, "ran"),
            (summary.cached, "cached"),
            (summary.failed, "failed"),
            (summary.skipped, "skipped"),
            (summary.cancelled, "not done"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let counts = match counts.is_empty() {
            true => "no jobs".to_string(),
            false => counts.join(", "),
        };
        if summary.differing > 0 {
            lines.push(format!(
                "≠ {} jobs gave other bytes than before with the same inputs and parameters",
                summary.differing
            ));
        }
        if summary.unshown > 0 {
            let files = match summary.unshown {
                1 => "1 file of this run is not shown: something else lies in its place, or nothing can be written there".to_owned(),
                n => format!("{n} files of this run are not shown: something else lies in their places, or nothing can be written there"),
            };
            lines.push(format!("✗ {files}; the warnings above name them"));
        }
        lines.push(format!("{counts} in {}", show_seconds(summary.seconds)));
        lines
    }
}

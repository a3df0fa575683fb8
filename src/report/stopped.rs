//! What a run that was stopped left undone: where jobs saved their state, and how many did not start.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::{Progress, show_count};
use crate::run::{Event, Status};

/// Hears which jobs were cut short.
#[derive(Debug, Default)]
pub(super) struct Stopped {
    running: BTreeSet<String>,
    /// The last state that each job saved; `None` where it did not tell how far it was.
    saved: BTreeMap<String, Option<Progress>>,
    /// The jobs that were stopped, in the order they ended.
    cut_short: Vec<String>,
    not_started: usize,
}

impl Stopped {
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::JobStarted { job, .. } => {
                self.running.insert(job.clone());
            }
            Event::JobRetried(retried) => {
                self.running.remove(&retried.job);
            }
            Event::JobSaved { job, state } => {
                // One that told before how far it was is as far now.
                let last = self.saved.entry(job.clone()).or_default();
                *last = state.clone().or(last.take());
            }
            Event::JobEnded(ended) => {
                let was_running = self.running.remove(&ended.job);
                if ended.status != Status::Cancelled {
                    return;
                }
                if was_running || self.saved.contains_key(&ended.job) {
                    self.cut_short.push(ended.job.clone());
                } else {
                    self.not_started += 1;
                }
            }
            _ => {}
        }
    }

    /// A line for each job that saved its state, one for all that did not, and one for all that did not start.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut unsaved = Vec::new();
        for job in &self.cut_short {
            match self.saved.get(job) {
                Some(Some(state)) => {
                    let place = place(state);
                    lines.push(format!("– {job} saved {place}; run again to go on"));
                }
                Some(None) => lines.push(format!(
                    "– {job} was stopped; its saved state is kept; run again to go on"
                )),
                None => unsaved.push(job),
            }
        }
        match unsaved[..] {
            [] => {}
            [job] => lines.push(format!("– {job} was stopped and saved nothing")),
            [first, ..] => {
                let count = unsaved.len();
                lines.push(format!(
                    "– {count} jobs were stopped and saved nothing, the first of them {first}"
                ));
            }
        }
        match self.not_started {
            0 => {}
            1 => lines.push("– 1 job did not start".into()),
            n => lines.push(format!("– {} jobs did not start", show_count(n as u64))),
        }
        lines
    }
}

/// `at step 1 200 of 3 000`.
fn place(state: &Progress) -> String {
    let unit = state.unit.strip_suffix('s').unwrap_or(&state.unit);
    let done = show_count(state.done);
    match state.total {
        0 => format!("at {unit} {done}"),
        total => format!("at {unit} {done} of {}", show_count(total)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Ended;
    use crate::store::Digest;

    fn started(job: &str) -> Event {
        Event::JobStarted {
            job: job.into(),
            key: Digest::of_bytes(b""),
            reason: "new".into(),
            started_from: None,
        }
    }

    fn saved(job: &str, at: Option<u64>) -> Event {
        Event::JobSaved {
            job: job.into(),
            state: at.map(|done| Progress {
                done,
                total: 3000,
                unit: "steps".into(),
                metrics: Vec::new(),
            }),
        }
    }

    fn ended(job: &str, status: Status) -> Event {
        Event::JobEnded(Box::new(Ended::new(job.into(), status, 0.0)))
    }

    fn lines(events: &[Event]) -> Vec<String> {
        let mut stopped = Stopped::default();
        events.iter().for_each(|event| stopped.hear(event));
        stopped.lines()
    }

    #[test]
    fn a_stopped_run_tells_where_jobs_saved_and_counts_those_that_did_not_start() {
        let mut events = vec![
            started("graphs"),
            ended("graphs", Status::Ran),
            started("model[seed=0]"),
            started("model[seed=1]"),
            started("script"),
            started("table"),
            saved("model[seed=0]", Some(600)),
            saved("model[seed=0]", Some(1200)),
            saved("model[seed=0]", None),
            saved("script", None),
        ];
        let cut = ["model[seed=0]", "model[seed=1]", "script", "table"];
        events.extend(cut.map(|job| ended(job, Status::Cancelled)));
        events.extend((0..23).map(|n| ended(&format!("answers[seed={n}]"), Status::Cancelled)));
        assert_eq!(
            lines(&events),
            [
                "– model[seed=0] saved at step 1 200 of 3 000; run again to go on",
                "– script was stopped; its saved state is kept; run again to go on",
                "– 2 jobs were stopped and saved nothing, the first of them model[seed=1]",
                "– 23 jobs did not start",
            ]
        );
    }

    #[test]
    fn a_run_that_was_not_stopped_tells_nothing() {
        let events = [
            started("model"),
            saved("model", Some(1200)),
            ended("model", Status::Ran),
            ended("figure", Status::Skipped),
        ];
        assert!(lines(&events).is_empty());
    }

    #[test]
    fn one_that_waits_for_its_next_attempt_keeps_what_it_saved() {
        let failed = crate::run::Retried {
            job: "model".into(),
            cause: crate::pipeline::Cause::Crash,
            message: "it died".into(),
            attempt: 2,
            of: 3,
        };
        let events = [
            started("model"),
            saved("model", Some(5)),
            Event::JobRetried(failed),
            ended("model", Status::Cancelled),
        ];
        assert_eq!(
            lines(&events),
            ["– model saved at step 5 of 3 000; run again to go on"]
        );
    }
}

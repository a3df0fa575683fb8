//! How long a run still takes: from how long like jobs took, and from how far the running ones are.
//!
//! A job that waits is expected to take as long as others of its stage: those that ended in this run, else those that run and
//! tell how far they are, else those of earlier runs. Where its stage has none, others of its kind count. Nothing is guessed:
//! of a job that nothing is like, no time is known.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::fit::{Pace, show_left};
use super::running::Running;
use crate::plan::Plan;
use crate::run::{Event, Status};
use crate::store::{Ledger, Lookup, Store};

/// So many records of a stage tell how long its jobs take.
const RECORDS: usize = 8;

/// The time that a run still takes.
#[derive(Debug)]
pub struct Eta {
    stages: Vec<Stage>,
    /// The stage of each job.
    stage_of: HashMap<String, usize>,
    running: BTreeMap<String, Running>,
    ended: HashSet<String>,
    /// How many jobs ran at once at most.
    at_once: usize,
}

#[derive(Debug, Default)]
struct Stage {
    kind: String,
    /// How many of its jobs neither run nor have ended.
    waiting: usize,
    /// How long its jobs took in this run, and in earlier ones.
    ran: Mean,
    earlier: Mean,
}

#[derive(Debug, Default, Clone, Copy)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            sum: self.sum + other.sum,
            count: self.count + other.count,
        }
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

impl Eta {
    /// The time of a run of this plan; the store's records tell how long its jobs took before.
    pub fn new(plan: &Plan, store: &Store) -> Self {
        let ledger = store.ledgers().of(&plan.pipeline.shown);
        let kinds = plan.pipeline.stages.iter().map(|stage| stage.kind.name);
        let jobs = plan
            .jobs
            .iter()
            .map(|job| (job.name.to_string(), job.stage));
        let mut eta = Self::of(kinds, jobs);
        eta.remember(&ledger, store);
        eta
    }

    fn of<'a>(
        kinds: impl Iterator<Item = &'a str>,
        jobs: impl Iterator<Item = (String, usize)>,
    ) -> Self {
        let stages = kinds.map(|kind| Stage {
            kind: kind.to_string(),
            ..Stage::default()
        });
        let mut eta = Self {
            stages: stages.collect(),
            stage_of: jobs.collect(),
            running: BTreeMap::new(),
            ended: HashSet::new(),
            at_once: 0,
        };
        for stage in eta.stage_of.values() {
            eta.stages[*stage].waiting += 1;
        }
        eta
    }

    /// Reads a few records of every stage.
    fn remember(&mut self, ledger: &Ledger, store: &Store) {
        for (job, key) in &ledger.jobs {
            let Some(stage) = self.stage_of.get(job) else {
                continue;
            };
            let earlier = &mut self.stages[*stage].earlier;
            if earlier.count as usize >= RECORDS || store.records().adopted(key).is_some() {
                continue;
            }
            if let Lookup::Present(record)
            | Lookup::Broken { record, .. }
            | Lookup::Released(record) = store.lookup(key)
            {
                earlier.add(record.seconds);
            }
        }
    }

    /// Takes note of an event, so long after the run began.
    pub fn hear(&mut self, event: &Event, now: Duration) {
        match event {
            Event::JobStarted { job, .. } => {
                if let Some(stage) = self.take_out(job) {
                    let running = Running::since(now, stage);
                    self.running.insert(job.clone(), running);
                    self.at_once = self.at_once.max(self.running.len());
                }
            }
            Event::JobProgress { job, progress } => {
                if let Some(running) = self.running.get_mut(job) {
                    running.advance(progress, now);
                }
            }
            Event::JobRetried(retried) => {
                if let Some(stage) = self.take_out(&retried.job) {
                    self.stages[stage].waiting += 1;
                }
            }
            Event::JobEnded(ended) => {
                if let Some(stage) = self.take_out(&ended.job) {
                    self.ended.insert(ended.job.clone());
                    if ended.status == Status::Ran {
                        self.stages[stage].ran.add(ended.seconds);
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes a job of the plan out of wherever it is: among those that run, that have ended or that wait.
    fn take_out(&mut self, job: &str) -> Option<usize> {
        let stage = *self.stage_of.get(job)?;
        let was_waiting = self.running.remove(job).is_none() && !self.ended.remove(job);
        if was_waiting {
            self.stages[stage].waiting -= 1;
        }
        Some(stage)
    }

    /// How many jobs have ended.
    pub(super) fn ended(&self) -> usize {
        self.ended.len()
    }

    /// How fast a job advances and how long it still takes.
    pub(super) fn pace(&self, job: &str, now: Duration) -> Pace {
        let Some(running) = self.running.get(job) else {
            return Pace::default();
        };
        Pace {
            per_second: running.per_second(),
            left: self.left_of(running, now),
        }
    }

    /// The time that the run still takes, for people: `12 min`; `≥ 12 min` where it is not known of all jobs; `–` where it is
    /// known of none. Nothing once all have ended.
    pub(super) fn left(&self, now: Duration) -> Option<String> {
        let (mut sum, mut longest) = (0.0, 0.0_f64);
        let (mut known, mut unknown) = (0, 0);
        let running = self.running.values().map(|job| (1, self.left_of(job, now)));
        let stages = self.stages.iter().enumerate();
        let waiting = stages
            .filter(|(_, stage)| stage.waiting > 0)
            .map(|(at, stage)| (stage.waiting, self.typical(at, now)));
        for (count, seconds) in running.chain(waiting) {
            match seconds {
                Some(seconds) => {
                    sum += seconds * count as f64;
                    longest = longest.max(seconds);
                    known += count;
                }
                None => unknown += count,
            }
        }
        let left = show_left((sum / self.at_once.max(1) as f64).max(longest));
        match (known, unknown) {
            (0, 0) => None,
            (0, _) => Some("–".to_string()),
            (_, 0) => Some(left),
            _ => Some(format!("≥ {left}")),
        }
    }

    /// The time that a running job still takes. Of one that takes longer than all others did, and tells no progress, it is not
    /// known.
    fn left_of(&self, running: &Running, now: Duration) -> Option<f64> {
        if let Some((_, left)) = running.projection(now) {
            return Some(left);
        }
        let left = self.typical(running.stage, now)? - running.passed(now);
        (left > 0.0).then_some(left)
    }

    /// How long a job of a stage takes from start to end.
    fn typical(&self, stage: usize, now: Duration) -> Option<f64> {
        let kind = &self.stages[stage].kind;
        let of_stage = self.typical_of(|at| at == stage, now);
        of_stage.or_else(|| self.typical_of(|at| self.stages[at].kind == *kind, now))
    }

    fn typical_of(&self, is_meant: impl Fn(usize) -> bool, now: Duration) -> Option<f64> {
        let mean = |of: fn(&Stage) -> Mean| {
            let stages = self.stages.iter().enumerate();
            let meant = stages.filter(|(at, _)| is_meant(*at));
            meant.fold(Mean::default(), |mean, (_, stage)| mean.plus(of(stage)))
        };
        let mut projected = Mean::default();
        for running in self.running.values().filter(|job| is_meant(job.stage)) {
            if let Some((whole, _)) = running.projection(now) {
                projected.add(whole);
            }
        }
        let ran = mean(|stage| stage.ran).value();
        ran.or(projected.value())
            .or(mean(|stage| stage.earlier).value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Progress;
    use crate::run::Ended;
    use crate::store::Digest;

    /// Graphs, so many trainings, and a table of a kind that nothing is known of.
    fn eta(trainings: usize) -> Eta {
        let names = (0..trainings).map(|n| (format!("model[seed={n}]"), 1));
        let ends = [("graphs".to_string(), 0), ("table".to_string(), 2)];
        Eta::of(
            ["path-star", "train", "table"].into_iter(),
            ends.into_iter().chain(names),
        )
    }

    impl Eta {
        fn started(&mut self, job: &str, now: u64) {
            let event = Event::JobStarted {
                job: job.into(),
                key: Digest::of_bytes(b""),
                reason: "new".into(),
                started_from: None,
            };
            self.hear(&event, Duration::from_secs(now));
        }

        fn told(&mut self, job: &str, done: u64, now: u64) {
            let progress = Progress {
                done,
                total: 1000,
                unit: "steps".into(),
                metrics: Vec::new(),
            };
            let job = job.into();
            self.hear(
                &Event::JobProgress { job, progress },
                Duration::from_secs(now),
            );
        }

        fn done(&mut self, job: &str, status: Status, seconds: f64, now: u64) {
            let ended = Ended::new(job.into(), status, seconds);
            self.hear(&Event::JobEnded(Box::new(ended)), Duration::from_secs(now));
        }

        fn at(&self, now: u64) -> Option<String> {
            self.left(Duration::from_secs(now))
        }
    }

    #[test]
    fn nothing_is_guessed_from_nothing() {
        let mut eta = eta(2);
        assert_eq!(eta.at(0).as_deref(), Some("–"));
        eta.started("graphs", 0);
        assert_eq!(eta.at(5).as_deref(), Some("–"));
        eta.done("graphs", Status::Ran, 5.0, 5);
        eta.started("model[seed=0]", 5);
        eta.told("model[seed=0]", 0, 6);
        assert_eq!(eta.at(6).as_deref(), Some("–"));
        assert_eq!(
            eta.pace("model[seed=0]", Duration::from_secs(6)),
            Pace::default()
        );
    }

    #[test]
    fn what_is_left_is_divided_by_what_runs_at_once_and_counts_down() {
        let mut eta = eta(4);
        eta.done("graphs", Status::Cached, 0.0, 0);
        eta.done("table", Status::Cached, 0.0, 0);
        for job in ["model[seed=0]", "model[seed=1]"] {
            eta.started(job, 0);
            eta.told(job, 0, 0);
            eta.told(job, 500, 20);
        }
        // Each runs for 40 seconds; two are at their half and two wait.
        assert_eq!(eta.at(20).as_deref(), Some("60 s"));
        assert_eq!(eta.at(25).as_deref(), Some("55 s"));
        let pace = eta.pace("model[seed=0]", Duration::from_secs(25));
        assert_eq!((pace.per_second, pace.left), (Some(25.0), Some(15.0)));
        // What ended counts more than what was expected.
        eta.done("model[seed=0]", Status::Ran, 30.0, 30);
        eta.done("model[seed=1]", Status::Ran, 30.0, 30);
        assert_eq!(eta.at(30).as_deref(), Some("30 s"));
        eta.done("model[seed=2]", Status::Cached, 0.0, 30);
        // One job takes its time, however many could run.
        assert_eq!(eta.at(30).as_deref(), Some("30 s"));
        eta.done("model[seed=3]", Status::Failed, 0.0, 30);
        assert_eq!(eta.at(30), None);
        assert_eq!(eta.ended(), 6);
    }

    #[test]
    fn records_tell_of_the_stage_first_and_then_of_the_kind() {
        let stages = ["train", "train", "train"].into_iter();
        let jobs = [("a", 0), ("b", 1), ("c", 2)];
        let mut eta = Eta::of(stages, jobs.map(|(job, at)| (job.into(), at)).into_iter());
        eta.stages[0].earlier.add(100.0);
        eta.stages[1].earlier.add(20.0);
        eta.done("a", Status::Cached, 0.0, 0);
        eta.done("c", Status::Cached, 0.0, 0);
        assert_eq!(eta.at(0).as_deref(), Some("20 s"));
        eta.started("b", 0);
        assert_eq!(eta.at(15).as_deref(), Some("5 s"));
        // It takes longer than any did before: by how much nobody knows.
        assert_eq!(eta.at(25).as_deref(), Some("–"));
        eta.done("b", Status::Cached, 0.0, 25);
        eta.started("c", 25);
        assert_eq!(eta.at(25).as_deref(), Some("60 s"));
    }

    #[test]
    fn one_that_goes_on_is_measured_from_where_it_went_on_and_one_that_fails_begins_again() {
        let mut eta = eta(1);
        eta.done("graphs", Status::Cached, 0.0, 0);
        eta.started("model[seed=0]", 0);
        eta.told("model[seed=0]", 800, 2);
        eta.told("model[seed=0]", 900, 12);
        // The table waits, and nothing is known of it.
        assert_eq!(eta.at(12).as_deref(), Some("≥ 10 s"));
        eta.hear(
            &Event::JobRetried(crate::run::Retried {
                job: "model[seed=0]".into(),
                cause: crate::pipeline::Cause::Crash,
                message: "it died".into(),
                attempt: 2,
                of: 2,
            }),
            Duration::from_secs(13),
        );
        assert_eq!(eta.at(13).as_deref(), Some("–"));
        eta.started("model[seed=0]", 20);
        eta.told("model[seed=0]", 900, 20);
        eta.told("model[seed=0]", 950, 30);
        assert_eq!(eta.at(30).as_deref(), Some("≥ 10 s"));
    }
}

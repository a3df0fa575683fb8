//! Which jobs, and which labels, stand for one run.
//!
//! One job may stand under several labels: it is one run. Two jobs that left the same bytes are two all the same, and so are all
//! that read them: what reads the same bytes is one job by its key, but its runs are told apart by all that lies above it.

use std::collections::{BTreeMap, HashMap};

use super::{JobId, JobInput, Known, Plan};
use crate::pipeline::{Coordinates, RunsOf};
use crate::store::Digest;

/// Labels on the axes that tell runs apart, under which stands a run that also stands under others: its first ones.
pub type SameRuns = Vec<(Vec<String>, Vec<String>)>;

/// What a job reads of one stage: which of it is of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsRead {
    /// Jobs that are the same run as one before them: that one.
    pub jobs: BTreeMap<JobId, JobId>,
    /// Where labels tell runs apart: those that stand for one.
    pub labels: SameRuns,
}

impl RunsRead {
    /// The first job that is the same run.
    pub(super) fn first(&self, job: JobId) -> JobId {
        self.jobs.get(&job).copied().unwrap_or(job)
    }
}

/// For each input of a job: what of it is of one run. `None` while that is not known.
pub fn runs_read<'a>(
    plan: &Plan,
    id: JobId,
    known: impl Fn(JobId) -> Known<'a>,
) -> Option<Vec<RunsRead>> {
    let inputs = plan.jobs[id].inputs.iter();
    if !plan.instance(id).parameters.counts_runs() {
        return Some(inputs.map(|_| RunsRead::default()).collect());
    }
    let mut runs = Runs {
        plan,
        known: &known,
        seen: HashMap::new(),
    };
    inputs.map(|input| runs.of(input)).collect()
}

struct Runs<'p, 'a> {
    plan: &'p Plan,
    known: &'p dyn Fn(JobId) -> Known<'a>,
    seen: HashMap<JobId, Digest>,
}

impl Runs<'_, '_> {
    /// Whatever is one job up to the top has the same; `None` while something above is not known.
    fn identity(&mut self, job: JobId) -> Option<Digest> {
        if let Some(known) = self.seen.get(&job) {
            return Some(*known);
        }
        let mut text = match (self.known)(job) {
            Known::Made(key, _) => key.to_string(),
            Known::Hole => "hole".to_string(),
            Known::Open => return None,
        };
        let reads: Vec<JobId> = self.plan.reads(job).collect();
        for from in reads {
            text = format!("{text} {}", self.identity(from)?);
        }
        let identity = Digest::of_bytes(text.as_bytes());
        self.seen.insert(job, identity);
        Some(identity)
    }

    fn of(&mut self, input: &JobInput) -> Option<RunsRead> {
        let mut read = RunsRead::default();
        match self.plan.pipeline.runs_of(input.stage) {
            RunsOf::Job { .. } => {
                let mut first: HashMap<Digest, JobId> = HashMap::new();
                for &job in input.jobs.iter() {
                    if matches!((self.known)(job), Known::Hole) {
                        continue;
                    }
                    let of = *first.entry(self.identity(job)?).or_insert(job);
                    if of != job {
                        read.jobs.insert(job, of);
                    }
                }
            }
            RunsOf::Labels { axes, .. } => read.labels = self.labels(input.stage, &axes)?,
            RunsOf::Untold => {}
        }
        Some(read)
    }

    fn labels(&mut self, stage: usize, axes: &[String]) -> Option<SameRuns> {
        let stages = self.plan.pipeline.lineage(stage).stages;
        let all = 0..self.plan.jobs.len();
        let jobs: Vec<JobId> = all
            .filter(|job| stages.contains(&self.plan.jobs[*job].stage))
            .collect();
        let labels = |coordinates: &Coordinates| -> Option<Vec<String>> {
            let labels = axes
                .iter()
                .map(|axis| coordinates.get(axis).map(str::to_owned));
            labels.collect()
        };
        // A run is the jobs of all these stages that lie at its labels.
        let mut runs: BTreeMap<Vec<String>, Vec<Digest>> = BTreeMap::new();
        let mut of_some_axes: Vec<(&Coordinates, Digest)> = Vec::new();
        for &job in &jobs {
            if matches!((self.known)(job), Known::Hole) {
                continue;
            }
            let identity = self.identity(job)?;
            let coordinates = &self.plan.jobs[job].name.coordinates;
            match labels(coordinates) {
                Some(labels) => runs.entry(labels).or_default().push(identity),
                None => of_some_axes.push((coordinates, identity)),
            }
        }
        for (labels, identities) in &mut runs {
            for (coordinates, identity) in &of_some_axes {
                let pairs = axes.iter().zip(labels.iter());
                let mut shared =
                    pairs.filter_map(|(axis, label)| Some((coordinates.get(axis)?, label)));
                if shared.all(|(own, label)| own == label) {
                    identities.push(*identity);
                }
            }
        }
        let mut first: BTreeMap<Vec<Digest>, Vec<String>> = BTreeMap::new();
        let mut same = SameRuns::new();
        for (labels, identities) in runs {
            match first.get(&identities) {
                Some(before) => same.push((labels, before.clone())),
                None => drop(first.insert(identities, labels)),
            }
        }
        Some(same)
    }
}

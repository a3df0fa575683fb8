//! Which labels stand for one run, where rows are told apart by labels and not by jobs.

use std::collections::BTreeMap;

use super::{JobId, JobInput, Known, Plan};
use crate::pipeline::{Coordinates, RunsOf};
use crate::store::Digest;

/// Labels on the axes that tell runs apart, under which stands a job that also stands under others: its first ones.
pub type SameRuns = Vec<(Vec<String>, Vec<String>)>;

/// For each input of a job: which labels stand for one run. `None` while that is not known.
pub fn all_same_runs<'a>(
    plan: &Plan,
    id: JobId,
    known: impl Fn(JobId) -> Known<'a>,
) -> Option<Vec<SameRuns>> {
    let inputs = plan.jobs[id].inputs.iter();
    inputs
        .map(|input| same_runs(plan, id, input, &known))
        .collect()
}

/// For what a job reads of one stage: which labels stand for one run.
pub(super) fn same_runs<'a>(
    plan: &Plan,
    id: JobId,
    input: &JobInput,
    known: &impl Fn(JobId) -> Known<'a>,
) -> Option<SameRuns> {
    if !plan.instance(id).parameters.counts_runs() {
        return Some(SameRuns::new());
    }
    let RunsOf::Labels { axes, .. } = plan.pipeline.runs_of(input.stage) else {
        return Some(SameRuns::new());
    };
    let stages = plan.pipeline.lineage(input.stage).stages;
    let jobs = || (0..plan.jobs.len()).filter(|job| stages.contains(&plan.jobs[*job].stage));
    let labels = |coordinates: &Coordinates| -> Option<Vec<String>> {
        let labels = axes
            .iter()
            .map(|axis| coordinates.get(axis).map(str::to_owned));
        labels.collect()
    };
    // A run is the jobs of all these stages that lie at its labels.
    let mut runs: BTreeMap<Vec<String>, Vec<Digest>> = BTreeMap::new();
    for job in jobs() {
        if let Some(labels) = labels(&plan.jobs[job].name.coordinates) {
            runs.entry(labels).or_default();
        }
    }
    let of_some_axes: Vec<JobId> = jobs()
        .filter(|job| labels(&plan.jobs[*job].name.coordinates).is_none())
        .collect();
    for job in jobs() {
        let key = match known(job) {
            Known::Made(key, _) => key,
            Known::Hole => continue,
            Known::Open => return None,
        };
        let coordinates = &plan.jobs[job].name.coordinates;
        match labels(coordinates) {
            Some(labels) => runs.entry(labels).or_default().push(key),
            None if of_some_axes.len() > MANY => {}
            None => {
                for (labels, keys) in &mut runs {
                    let lies = axes.iter().zip(labels.iter());
                    let mut lies =
                        lies.filter_map(|(axis, label)| Some((coordinates.get(axis)?, label)));
                    if lies.all(|(own, label)| own == label) {
                        keys.push(key);
                    }
                }
            }
        }
    }
    let mut first: BTreeMap<Vec<Digest>, Vec<String>> = BTreeMap::new();
    let mut same = SameRuns::new();
    for (labels, keys) in runs.into_iter().filter(|(_, keys)| !keys.is_empty()) {
        match first.get(&keys) {
            Some(before) => same.push((labels, before.clone())),
            None => drop(first.insert(keys, labels)),
        }
    }
    Some(same)
}

/// Beyond so many jobs that lie on some of the axes only, they are not held against every run.
const MANY: usize = 1000;

//! In which order jobs that could start do: one that helps people.
//!
//! First what the nearest figure needs: figures and other ends of the pipeline are ranked by how much is left to do for
//! them, and a job belongs to the first that needs it. Among the jobs of one figure those of the first seed come first, over
//! all its cells, so that a first impression is there early and covers everything; then those with the longest chain of
//! work behind them, because the whole waits for it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::pipeline::{ArtifactType, Axis};
use crate::plan::{JobId, Plan};

/// The place of a job in the order; the smallest starts first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Which end of the pipeline needs it first.
    end: u32,
    /// How many seeds come before its own.
    seed: u32,
    /// How many jobs in a row wait for it.
    chain: Reverse<u32>,
}

/// The rank of every job, given which are done.
pub(super) fn ranks(plan: &Plan, is_done: impl Fn(JobId) -> bool) -> Vec<Rank> {
    let count = plan.jobs.len();
    let mut ranks = vec![Rank::default(); count];
    let seeds = Seeds::of(plan);
    let mut chain = vec![0u32; count];
    for id in (0..count).rev() {
        let behind = plan.readers(id).map(|reader| chain[reader]).max();
        chain[id] = behind.map_or(0, |behind| behind + 1);
        ranks[id].chain = Reverse(chain[id]);
        ranks[id].seed = seeds.place(plan, id);
    }
    let mut belongs = vec![false; count];
    for (end, (_, _, target)) in ends(plan, &is_done).into_iter().enumerate() {
        let mut open = vec![target];
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut belongs[id], true) {
                ranks[id].end = u32::try_from(end).unwrap_or(u32::MAX);
                open.extend(plan.reads(id).filter(|from| !belongs[*from]));
            }
        }
    }
    ranks
}

/// The jobs that people wait for, the nearest first, figures before all else: whether it is no figure, how much is left to
/// do for it, the job.
fn ends(plan: &Plan, is_done: &impl Fn(JobId) -> bool) -> BTreeSet<(bool, u64, JobId)> {
    // What several inputs share is counted for each of them: enough for an order, and linear.
    let mut left = vec![0u64; plan.jobs.len()];
    let mut ends = BTreeSet::new();
    for id in 0..plan.jobs.len() {
        let below = plan.reads(id).map(|from| left[from]);
        let below = below.fold(0u64, u64::saturating_add);
        left[id] = below.saturating_add(u64::from(!is_done(id)));
        let mut outputs = plan.outputs(id).iter();
        let is_figure = outputs.any(|output| output.artifact == ArtifactType::Figure);
        if is_figure || plan.readers(id).next().is_none() {
            ends.insert((!is_figure, left[id], id));
        }
    }
    ends
}

/// The axes that sweep seeds, and the place of every label on them.
struct Seeds {
    axes: Vec<(String, HashMap<String, u32>)>,
}

impl Seeds {
    fn of(plan: &Plan) -> Self {
        let axes = plan.pipeline.axes.iter();
        let seeds = axes.filter(|axis| {
            let mut assignments = axis.assignments().peekable();
            let is_seed = |path: &[String]| path.last().is_some_and(|name| name == "seed");
            assignments.peek().is_some() && assignments.all(|a| is_seed(&a.path))
        });
        let labels = |axis: &Axis| {
            let labels = axis.labels().map(str::to_string);
            labels.zip(0..).collect()
        };
        Self {
            axes: seeds
                .map(|axis| (axis.name().to_string(), labels(axis)))
                .collect(),
        }
    }

    /// Of several seeds, the latest counts.
    fn place(&self, plan: &Plan, id: JobId) -> u32 {
        let coordinates = &plan.jobs[id].name.coordinates;
        let places = self.axes.iter().filter_map(|(axis, labels)| {
            let label = coordinates.get(axis)?;
            labels.get(label).copied()
        });
        places.max().unwrap_or(0)
    }
}

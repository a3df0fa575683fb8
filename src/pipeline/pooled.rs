//! Axes whose labels are counted as repetitions though they are none: an interval over runs takes all runs of a group, and a
//! query that was written before an axis was added still groups as before.

use std::collections::BTreeSet;

use super::axis::Axis;
use super::contract::Cardinality;
use super::{Instance, ParamError, Pipeline};

/// What there is to say of a stage that counts runs: that it does not tell apart the labels of an axis that changes something
/// else than a seed, and takes them together with those of another axis. `at` is the place of the stage in the pipeline.
pub(super) fn pooled(pipeline: &Pipeline, at: usize, instance: &Instance) -> Option<ParamError> {
    if !instance.parameters.counts_runs() {
        return None;
    }
    let words = instance.parameters.columns_read()?;
    let words: BTreeSet<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let stage = &pipeline.stages[at];
    let all = stage.inputs.iter();
    let all = all.filter(|input| input.port.cardinality == Cardinality::All);
    let read: BTreeSet<usize> = all
        .flat_map(|input| input.reads.iter().map(|reads| reads.stage))
        .collect();
    let is_taken = |axis: &&Axis| {
        let is_apart = stage.axes.iter().any(|own| own == axis.name());
        let varies = |from: &usize| labels(&pipeline.stages[*from].instances, axis.name()) > 1;
        !is_apart && read.iter().any(varies)
    };
    let taken = pipeline.axes.iter().filter(is_taken);
    let unnamed: Vec<&Axis> = taken
        .filter(|axis| {
            let mut names = names(pipeline, axis);
            !names.any(|name| words.contains(&name.to_lowercase()))
        })
        .collect();
    let axis = unnamed.iter().find(|axis| !only_repeats(axis))?;
    if unnamed.len() < 2 {
        return None;
    }
    let listed = |axes: &[&Axis]| {
        let names = axes.iter().map(|axis| format!("`{}`", axis.name()));
        names.collect::<Vec<_>>().join(" and ")
    };
    let message = format!(
        "the runs of {} are counted together, as repetitions of one thing",
        listed(&unnamed)
    );
    let help = format!(
        "if `{0}` is no repetition, add it to SELECT and GROUP BY, or keep one of its labels with WHERE",
        axis.name()
    );
    Some(ParamError::new("sql", message).help(help))
}

/// How many labels of an axis are among the coordinates of some jobs.
fn labels(instances: &[Instance], axis: &str) -> usize {
    let labels = instances.iter().filter_map(|i| i.coordinates.get(axis));
    labels.collect::<BTreeSet<_>>().len()
}

/// How SQL may name an axis: by its name, or by the column of a parameter that it sweeps.
fn names<'a>(pipeline: &'a Pipeline, axis: &'a Axis) -> impl Iterator<Item = String> + 'a {
    let swept = axis.sets().flat_map(|(stage, path)| {
        let last = path.last().cloned().unwrap_or_default();
        let stage = super::sql_name(&pipeline.stages[*stage].name);
        [format!("{stage}_{last}"), last]
    });
    std::iter::once(axis.name().to_owned()).chain(swept)
}

/// Whether an axis changes nothing but seeds.
fn only_repeats(axis: &Axis) -> bool {
    let is_seed = |path: &[String]| path.last().is_some_and(|last| last.ends_with("seed"));
    let mut sets = axis.sets().peekable();
    sets.peek().is_some() && sets.all(|(_, path)| is_seed(path))
}

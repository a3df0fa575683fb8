//! Failures, gathered: of sixty jobs that fail nobody reads sixty messages, but that all of them have one label in common.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::{Cause, JobName};
use crate::plan::Plan;
use crate::run::Ended;

/// So many jobs of a stage are told one by one; more are gathered.
const FEW: usize = 3;

/// What failed, stage by stage in the order of the file: how many, of what, and what they have in common.
pub(super) fn lines(plan: &Plan, failures: &[Ended]) -> Vec<String> {
    let failed: BTreeMap<&str, &Ended> = failures.iter().map(|f| (f.job.as_str(), f)).collect();
    let mut stages: BTreeMap<usize, (usize, Vec<(&JobName, &Ended)>)> = BTreeMap::new();
    for job in &plan.jobs {
        let stage = stages.entry(job.stage).or_default();
        stage.0 += 1;
        if let Some(ended) = failed.get(job.name.to_string().as_str()) {
            stage.1.push((&job.name, *ended));
        }
    }
    let mut lines = Vec::new();
    for (stage, (count, failed)) in stages {
        match failed.len() {
            0 => {}
            1..=FEW => failed.iter().for_each(|(_, ended)| one(ended, &mut lines)),
            _ => {
                let name = &plan.pipeline.stages[stage].name;
                many(plan, stage, name, count, &failed, &mut lines);
            }
        }
    }
    lines
}

fn one(ended: &Ended, lines: &mut Vec<String>) {
    let message = ended.message.as_deref().unwrap_or("?");
    lines.push(format!("✗ {} failed: {message}", ended.job));
    if let Some(log) = &ended.log {
        lines.push(format!("    log: {}", log.display()));
    }
}

fn many(
    plan: &Plan,
    stage: usize,
    name: &str,
    count: usize,
    failed: &[(&JobName, &Ended)],
    lines: &mut Vec<String>,
) {
    let mut causes: BTreeMap<Option<Cause>, Vec<(&JobName, &Ended)>> = BTreeMap::new();
    for (job, ended) in failed {
        causes.entry(ended.cause).or_default().push((job, ended));
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, jobs)| std::cmp::Reverse(jobs.len()));
    let all: Vec<&JobName> = failed.iter().map(|(job, _)| *job).collect();
    let shared = in_common(plan, stage, &all);
    let parts = causes.iter().map(|(cause, jobs)| {
        let what = cause.map_or("failed".to_string(), |cause| cause.to_string());
        let own: Vec<&JobName> = jobs.iter().map(|(job, _)| *job).collect();
        match in_common(plan, stage, &own) {
            // What all have in common is said once, at the end.
            common if common.is_empty() || common == shared => format!("{} {what}", jobs.len()),
            common => format!("{} {what} ({common})", jobs.len()),
        }
    });
    let mut line = format!("✗ {name}: {} of {count} failed: ", failed.len());
    line.push_str(&parts.collect::<Vec<_>>().join(", "));
    if !shared.is_empty() {
        line.push_str(&format!(", all {shared}"));
    }
    lines.push(line);
    for (_, jobs) in &causes {
        let messages: BTreeSet<_> = jobs.iter().map(|(_, ended)| &ended.message).collect();
        let (_, first) = jobs[0];
        let message = first.message.as_deref().unwrap_or("?");
        let also = match (messages.len(), jobs.len()) {
            (_, 1) => String::new(),
            (1, n) => format!(", and {} more the same", n - 1),
            (_, n) => format!(", and {} more", n - 1),
        };
        lines.push(format!("    {}: {message}{also}", first.job));
        if let Some(log) = &first.log {
            lines.push(format!("      log: {}", log.display()));
        }
    }
}

/// The labels that these jobs have in common and that not all jobs of the stage have.
fn in_common(plan: &Plan, stage: usize, jobs: &[&JobName]) -> String {
    let Some((first, others)) = jobs.split_first() else {
        return String::new();
    };
    let mut common = Vec::new();
    for (axis, label) in first.coordinates.0.iter() {
        let label = label.as_ref();
        let theirs = |job: &&JobName| job.coordinates.get(axis) == Some(label);
        let mut of_stage = plan.jobs.iter().filter(|job| job.stage == stage);
        let tells = of_stage.any(|job| job.name.coordinates.get(axis) != Some(label));
        if tells && others.iter().all(theirs) {
            common.push(format!("{axis}={label}"));
        }
    }
    common.join(", ")
}

//! What a plan would do, a line a stage: how many of its jobs run and why. A sweep of a hundred jobs is one line.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use textwrap::core::display_width;

use super::show_start;
use crate::pipeline::show_count;
use crate::plan::{Freshness, JobId, Plan};
use crate::store::{Digest, Ledger};

/// So many reasons of a stage are shown; more are counted.
const REASONS: usize = 3;

/// Whether a job is to run, and why.
#[derive(Debug, Clone, PartialEq)]
pub enum Outlook {
    /// It has its artifact, of this key.
    Cached(Digest),
    /// Its record is there without its bytes, and nothing needs them.
    Released(Digest),
    /// It runs, for this reason.
    Runs(String),
    /// It ran before, and runs again where what it reads comes out another.
    MayRun(String),
}

/// The outlook of a job. One that waits for others and never ran here has no result to fall back on.
pub fn outlook(plan: &Plan, states: &[Freshness], ledger: &Ledger, id: JobId) -> Outlook {
    match &states[id] {
        Freshness::Fresh(record) => Outlook::Cached(record.key),
        Freshness::Released(record) => Outlook::Released(record.key),
        Freshness::Stale {
            reason, earlier, ..
        } => Outlook::Runs(show_start(reason, earlier.as_ref())),
        Freshness::Follows(after) => {
            let sources = sources(plan, after);
            if ledger.jobs.contains_key(&plan.jobs[id].name.to_string()) {
                Outlook::MayRun(format!("if the results of {sources} change"))
            } else {
                Outlook::Runs(format!("new, after {sources}"))
            }
        }
    }
}

/// The stages of these jobs: `graphs`, `model and answers`.
fn sources(plan: &Plan, jobs: &[JobId]) -> String {
    let stages: BTreeSet<usize> = jobs.iter().map(|id| plan.jobs[*id].stage).collect();
    let stages = stages.into_iter().map(|at| &*plan.pipeline.stages[at].name);
    let names: Vec<&str> = stages.collect();
    match names[..] {
        [ref others @ .., last] if !others.is_empty() => {
            format!("{} and {last}", others.join(", "))
        }
        _ => names.concat(),
    }
}

/// How many jobs run, may run and are cached: `6 to run, 2 may run, 3 cached`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that run.
    pub run: usize,
    /// Jobs that run if what they read changes.
    pub may_run: usize,
    /// Jobs that have their artifact.
    pub cached: usize,
}

impl Counts {
    /// Counts jobs.
    pub fn of(outlooks: &[Outlook]) -> Self {
        outlooks.iter().fold(Self::default(), Self::and)
    }

    fn and(mut self, outlook: &Outlook) -> Self {
        match outlook {
            Outlook::Cached(_) | Outlook::Released(_) => self.cached += 1,
            Outlook::Runs(_) => self.run += 1,
            Outlook::MayRun(_) => self.may_run += 1,
        }
        self
    }

    /// In words, without what there is none of.
    fn in_words(self) -> String {
        let counts = [
            (self.run, "to run"),
            (self.may_run, "may run"),
            (self.cached, "cached"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!("{} {what}", show_count(*count as u64)));
        counts.collect::<Vec<_>>().join(", ")
    }
}

/// A line for every stage that has something to run, in the order of the file.
pub fn overview(plan: &Plan, outlooks: &[Outlook]) -> Vec<String> {
    let stages = plan.pipeline.stages.iter().enumerate();
    let stages = stages.map(|(at, stage)| {
        let jobs = plan.jobs.iter().zip(outlooks);
        let jobs = jobs.filter(|(job, _)| job.stage == at);
        let own: Vec<&Outlook> = jobs.map(|(_, outlook)| outlook).collect();
        (stage.name.as_str(), own)
    });
    aligned(stages.flat_map(|(name, own)| rows(name, &own)).collect())
}

/// The name of a stage, its counts and its reasons, one a row.
fn rows(name: &str, outlooks: &[&Outlook]) -> Vec<[String; 3]> {
    let counts = outlooks
        .iter()
        .copied()
        .fold(Counts::default(), Counts::and);
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (at, outlook) in outlooks.iter().enumerate() {
        if let Outlook::Runs(reason) | Outlook::MayRun(reason) = outlook {
            found.entry(reason).or_insert((at, 0)).1 += 1;
        }
    }
    let mut reasons: Vec<(&str, (usize, usize))> = found.into_iter().collect();
    // Equally frequent ones have the order of their first jobs.
    reasons.sort_by_key(|(_, (first, count))| (Reverse(*count), *first));
    let of_all = reasons.len() == 1;
    let shown = reasons.iter().take(REASONS);
    let mut texts: Vec<String> = shown
        .map(|(reason, (_, count))| {
            if of_all {
                reason.to_string()
            } else {
                format!("{count}: {reason}")
            }
        })
        .collect();
    let others = reasons.iter().skip(REASONS).map(|(_, (_, count))| count);
    let others: usize = others.sum();
    if others > 0 {
        texts.push(format!("{others}: other reasons; --all lists them"));
    }
    let heads = std::iter::once((name.to_string(), counts.in_words()));
    let heads = heads.chain(std::iter::repeat_with(Default::default));
    let rows = texts.into_iter().zip(heads);
    rows.map(|(text, (name, counts))| [name, counts, text])
        .collect()
}

/// Rows as lines, in columns.
fn aligned(rows: Vec<[String; 3]>) -> Vec<String> {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| display_width(&row[column]));
        widths.max().unwrap_or(0)
    };
    let widths = [width(0), width(1)];
    let lines = rows.iter().map(|row| {
        let mut line = String::new();
        for (text, width) in row.iter().zip(widths) {
            let space = " ".repeat(width - display_width(text) + 2);
            line.push_str(&format!("{text}{space}"));
        }
        line + &row[2]
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, outlooks: &[Outlook]) -> Vec<[String; 3]> {
        rows(name, &outlooks.iter().collect::<Vec<_>>())
    }

    fn cached() -> Outlook {
        Outlook::Cached(Digest::of_bytes(b""))
    }

    fn runs(reason: &str) -> Outlook {
        Outlook::Runs(reason.into())
    }

    #[test]
    fn a_sweep_is_one_line_with_its_counts_and_its_reason() {
        let model = [vec![runs("lr: 1e-3 → 3e-4"); 12], vec![cached(); 3]].concat();
        let mut all = stage("graphs", &[cached()]);
        assert!(all.is_empty(), "what is cached needs no line");
        all.extend(stage("model", &model));
        all.extend(stage(
            "accuracy",
            &[Outlook::MayRun("if the results of answers change".into())],
        ));
        assert_eq!(
            aligned(all),
            [
                "model     12 to run, 3 cached  lr: 1e-3 → 3e-4",
                "accuracy  1 may run            if the results of answers change",
            ]
        );
    }

    #[test]
    fn different_reasons_are_counted_the_most_frequent_first() {
        let one_each = ["d", "e"].map(runs);
        let several = ["a", "b", "b", "b", "c", "c"].map(runs);
        let lines = aligned(stage(
            "model",
            &[several.to_vec(), one_each.to_vec()].concat(),
        ));
        assert_eq!(
            lines,
            [
                "model  8 to run  3: b",
                "                 2: c",
                "                 1: a",
                "                 2: other reasons; --all lists them",
            ]
        );
        let counts = Counts::of(&[runs("a"), cached(), Outlook::MayRun("b".into())]);
        assert_eq!(counts.in_words(), "1 to run, 1 may run, 1 cached");
    }
}

//! `etude plan`.

use std::path::PathBuf;

use clap::Args;

use super::check::some;
use super::{Failure, SourceArgs, err, out};
use crate::pipeline::{Keep, Problem};
use crate::plan::{Freshness, assess_by};
use crate::report::show_start;
use crate::run::shown;
use crate::store::{Snapshot, Views};

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs and what they need: `figure`, `model[method=reversed,seed=0]`
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Also list what is cached
    #[arg(long)]
    all: bool,
}

/// The exit code for work to do.
const WORK: u8 = 2;

impl Plan {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs(self.jobs)?;
        let plan = source.plan(&jobs)?;
        let project = source.project();
        let store = project.store();
        let ledger = store.ledger(&plan.pipeline.shown);
        let snapshot = store.snapshot(&plan.pipeline.shown);
        let states = assess_by(&plan, &store, &ledger, &snapshot)?;
        warn(&plan.pipeline.warnings);
        let (mut fresh, mut stale, mut open) = (0, 0, 0);
        let mut out = out();
        let mut say = |line: String| {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        };
        for (job, state) in plan.jobs.iter().zip(&states) {
            match state {
                Freshness::Fresh(record) => {
                    fresh += 1;
                    if self.all {
                        let adopted = match store.adopted(&record.key) {
                            Some(_) => ", adopted",
                            None => "",
                        };
                        let key = record.key.short();
                        say(format!("cached   {} ({key}{adopted})", job.name));
                    }
                }
                Freshness::Released(record) => {
                    fresh += 1;
                    if self.all {
                        let key = record.key.short();
                        say(format!(
                            "released {} ({key}), used by all that read it",
                            job.name
                        ));
                    }
                }
                Freshness::Stale {
                    reason, earlier, ..
                } => {
                    stale += 1;
                    let why = show_start(reason, earlier.as_ref());
                    say(format!("runs     {}: {why}", job.name));
                }
                Freshness::Follows(after) => {
                    open += 1;
                    let first = &plan.jobs[after[0]].name;
                    let more = match after.len() {
                        1 => String::new(),
                        n => format!(" and {} more", n - 1),
                    };
                    say(format!("follows  {}: after {first}{more}", job.name));
                }
            }
        }
        let views = Views {
            folder: project.views(&plan.pipeline.shown),
            store: &store,
        };
        let unshown = unshown(&plan, &states, &views, &snapshot);
        if stale + open == 0 && unshown.is_empty() {
            say(format!("nothing to do: all {fresh} jobs are cached"));
            return Ok(0);
        }
        let mut parts = vec![format!("{stale} to run")];
        if open > 0 {
            parts.push(format!(
                "{open} to follow unless what they read comes out the same"
            ));
        }
        parts.push(format!("{fresh} cached"));
        say(parts.join(", "));
        let runs = (0..states.len()).filter(|id| states[*id].record().is_none());
        let earlier = runs.flat_map(|id| shown(&plan, id, &ledger));
        let earlier = earlier.map(|view| views.folder.join(view));
        let earlier: Vec<PathBuf> = earlier
            .filter(|path| std::fs::symlink_metadata(path).is_ok())
            .collect();
        for (paths, what) in [
            (earlier, "of an earlier run until then"),
            (unshown, "cached and not shown until the next run"),
        ] {
            let paths: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
            if !paths.is_empty() {
                say(format!("{what}: {}", some(&paths)));
            }
        }
        Ok(WORK)
    }
}

/// What is cached and not shown as it should be.
fn unshown(
    plan: &crate::plan::Plan,
    states: &[Freshness],
    views: &Views<'_>,
    snapshot: &Snapshot,
) -> Vec<PathBuf> {
    let mut unshown = Vec::new();
    for (id, state) in states.iter().enumerate() {
        let Freshness::Fresh(record) = state else {
            continue;
        };
        if plan.instance(id).keep != Keep::Always {
            continue;
        }
        let parts = plan.parts(id, &record.artifact);
        let names = parts
            .iter()
            .flat_map(|(section, name, part)| Views::names(section, name, part));
        let names: Vec<String> = names.collect();
        if snapshot.views(&record.key, &views.folder, &names).is_none() {
            let parts = parts.iter();
            unshown
                .extend(parts.flat_map(|(section, name, part)| views.unshown(section, name, part)));
        }
    }
    unshown
}

/// Says what is not wrong and still not as it should be, a line each with its place.
fn warn(warnings: &[Problem]) {
    let mut err = err();
    for warning in warnings {
        let place = warning.span.as_ref();
        let place = place.map_or(String::new(), |span| format!("{span:?}: "));
        let help = warning.help.as_ref();
        let help = help.map_or(String::new(), |help| format!("; {help}"));
        // Whoever closed the stream does not want to hear more.
        let _ = writeln!(err, "! {place}{warning}{help}");
    }
}

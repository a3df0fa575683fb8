//! `etude plan`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::check::some;
use super::project::Project;
use super::verify::count;
use super::{Failure, SourceArgs, executors, out};
use crate::pipeline::{JobName, Keep, show_count};
use crate::plan::{Freshness, assess_by};
use crate::report::{Counts, Outlook, outlook, overview};
use crate::run::{shown, this_program};
use crate::store::{Snapshot, Store, Views};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude plan paper.toml
  etude plan paper.toml figure
  etude plan paper.toml --all --where seed=0

Exit codes:
  0   nothing to do
  1   an error
  2   there is work to do
  64  wrong usage")]
pub struct Plan {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs and what they need, such as `figure` or `model[seed=0]`; without any, all jobs
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// List every job, cached jobs too
    #[arg(long)]
    all: bool,
    /// Show how `etude run --executor slurm` would submit the jobs that are to run
    #[arg(long, conflicts_with = "all")]
    script: bool,
}

/// The exit code for work to do.
const WORK: u8 = 2;

impl Plan {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs("plan", self.jobs)?;
        let plan = source.plan(&jobs)?;
        let project = source.project();
        let store = project.store();
        let ledger = store.ledgers().of(&plan.pipeline.shown);
        let snapshot = store.snapshots().of(&plan.pipeline.shown);
        let states = assess_by(&plan, &store, &ledger, &snapshot)?;
        source.warn(&plan.pipeline);
        let jobs = 0..states.len();
        let outlooks: Vec<Outlook> = jobs
            .map(|id| outlook(&plan, &states, &ledger, id))
            .collect();
        if self.script {
            return scripts(&plan, &outlooks, &project, &store);
        }
        let mut out = out();
        let mut say = |line: String| {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        };
        if self.all {
            for (job, outlook) in plan.jobs.iter().zip(&outlooks) {
                say(job_line(&job.name, outlook, &store));
            }
        } else {
            overview(&plan, &outlooks).into_iter().for_each(&mut say);
        }
        let views = Views {
            folder: project.views(&plan.pipeline.shown),
            store: &store,
        };
        let unshown = unshown(&plan, &states, &views, &snapshot);
        let counts = Counts::of(&outlooks);
        let cached = show_count(counts.cached as u64);
        if counts.run + counts.may_run == 0 && unshown.is_empty() {
            say(format!("nothing to do: all {cached} jobs are cached"));
            return Ok(0);
        }
        let mut parts = vec![format!("{} to run", show_count(counts.run as u64))];
        if counts.may_run > 0 {
            let count = show_count(counts.may_run as u64);
            parts.push(format!("{count} to run if what they read changes"));
        }
        parts.push(format!("{cached} cached"));
        say(parts.join(", "));
        let runs = (0..states.len()).filter(|id| states[*id].record().is_none());
        let earlier = runs.flat_map(|id| shown(&plan, id, &ledger));
        let earlier = earlier.map(|view| views.folder.join(view));
        let earlier: Vec<PathBuf> = earlier
            .filter(|path| std::fs::symlink_metadata(path).is_ok())
            .collect();
        let what = "from an earlier run, which the next run brings up to date";
        files_line(&earlier, what).into_iter().for_each(&mut say);
        let what = "cached and not shown, which the next run shows";
        files_line(&unshown, what).into_iter().for_each(&mut say);
        Ok(WORK)
    }
}

/// How the jobs that are to run would be submitted: those that take the same go out together, as soon as they can run.
fn scripts(
    plan: &crate::plan::Plan,
    outlooks: &[Outlook],
    project: &Project,
    store: &Store,
) -> Result<u8, Failure> {
    let program = this_program()
        .map_err(|error| Failure::Message(format!("cannot find this program: {error}")))?;
    let executor = executors::cluster(project, store, program, Arc::default())?;
    let runs = outlooks.iter().enumerate();
    let runs = runs.filter(|(_, outlook)| matches!(outlook, Outlook::Runs(_) | Outlook::MayRun(_)));
    let resources = runs.map(|(id, _)| executor.resources(plan, id));
    let shown = executor.shown(resources);
    let shown =
        shown.map_err(|error| Failure::Message(format!("cannot read this program: {error}")))?;
    let mut out = out();
    // Whoever closed the stream does not want to hear more.
    let _ = writeln!(out, "{}", shown.join("\n\n"));
    Ok(if shown.is_empty() { 0 } else { WORK })
}

/// A job, what it is to do and why.
fn job_line(name: &JobName, outlook: &Outlook, store: &Store) -> String {
    match outlook {
        Outlook::Runs(why) => format!("runs     {name}: {why}"),
        Outlook::MayRun(when) => format!("may run  {name}: {when}"),
        Outlook::Released(key) => {
            format!(
                "released {name} ({}), its bytes are not in the store, and nothing needs them",
                key.short()
            )
        }
        Outlook::Cached(key) => {
            let is_adopted = store.records().adopted(key).is_some();
            let adopted = if is_adopted { ", adopted" } else { "" };
            format!("cached   {name} ({}{adopted})", key.short())
        }
    }
}

/// How many files there are of a sort, and the first of them.
fn files_line(files: &[PathBuf], what: &str) -> Option<String> {
    let names: Vec<String> = files.iter().map(|p| p.display().to_string()).collect();
    (!names.is_empty()).then(|| format!("{} {what}: {}", count(names.len(), "file"), some(&names)))
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
        let seen = snapshot.views(&record.key, &record.artifact, &views.folder, &names);
        if seen.is_none() {
            let parts = parts.iter();
            unshown
                .extend(parts.flat_map(|(section, name, part)| views.unshown(section, name, part)));
        }
    }
    unshown
}

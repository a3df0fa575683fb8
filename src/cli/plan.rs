//! `etude plan`.

use clap::Args;

use super::check::some;
use super::{Failure, Source, err, out};
use crate::pipeline::Problem;
use crate::plan::{Freshness, assess};
use crate::report::show_start;
use crate::store::{Ledger, Views};

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    source: Source,
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
        let plan = self.source.plan(&self.jobs)?;
        let project = self.source.project();
        let store = project.store();
        let ledger = store.ledger(&plan.pipeline.shown);
        let states = assess(&plan, &store, &ledger)?;
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
        if stale + open == 0 {
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
        let folder = project.views(&plan.pipeline.shown);
        let earlier = earlier(&plan, &states, &ledger);
        let earlier: Vec<String> = earlier
            .into_iter()
            .map(|view| folder.join(view))
            .filter(|path| std::fs::symlink_metadata(path).is_ok())
            .map(|path| path.display().to_string())
            .collect();
        if !earlier.is_empty() {
            say(format!("of an earlier run until then: {}", some(&earlier)));
        }
        Ok(WORK)
    }
}

/// What is shown of jobs that have yet to run.
fn earlier(plan: &crate::plan::Plan, states: &[Freshness], ledger: &Ledger) -> Vec<String> {
    let open = (0..states.len()).filter(|id| states[*id].record().is_none());
    let views = open.flat_map(|id| {
        let outputs = plan.outputs(id).iter().zip(plan.views(id));
        outputs.flat_map(|(output, name)| Views::of(output.artifact.section(), &name, ledger))
    });
    views.collect()
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

//! `etude pin` and `etude unpin`.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::project::Project;
use super::{Failure, SourceArgs, out};
use crate::plan::{Freshness, assess};
use crate::store::{Pin as Note, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude pin paper.toml 'model[seed=0]'
  etude pin paper.toml
  etude pin --list

Exit codes:
  0   all were pinned, or the list was printed
  1   a job has no artifact yet, or an error
  64  wrong usage")]
pub struct Pin {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs, such as `figure` or `model[seed=0]`; without any, all jobs
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// List what is pinned in the store of the current folder's project
    #[arg(long, exclusive = true)]
    list: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude unpin paper.toml 'model[seed=0]'
  etude unpin paper.toml

Exit codes:
  0   done; how many is printed
  1   an error
  64  wrong usage")]
pub struct Unpin {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs; without any, all jobs, also those that the pipeline no longer has
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
}

impl Pin {
    pub fn run(self) -> Result<u8, Failure> {
        if self.list {
            return list(&Project::here(None));
        }
        let (source, jobs) = self.source.with_jobs("pin", self.jobs)?;
        let pipeline = source.read()?;
        let selectors = pipeline.select(&jobs).map_err(Failure::Problems)?;
        let plan = crate::plan::Plan::unroll(pipeline, &[]);
        let store = source.project().store();
        let states = assess(&plan, &store, &store.ledgers().of(&plan.pipeline.shown))?;
        let when = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let (mut pinned, mut missing) = (0, 0);
        let mut out = out();
        let mut say = |line: String| {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        };
        for (job, state) in plan.jobs.iter().zip(&states) {
            if !selectors.is_empty() && !selectors.iter().any(|s| s.matches(&job.name)) {
                continue;
            }
            let note = Note {
                pipeline: plan.pipeline.name.clone(),
                job: job.name.to_string(),
                when,
            };
            let is_pinned = match state {
                Freshness::Fresh(record) => store.pin(&record.key, &note)?,
                _ => false,
            };
            if is_pinned {
                pinned += 1;
                say(format!("pinned   {}", job.name));
            } else {
                missing += 1;
                say(format!("missing  {}: it has no artifact to keep", job.name));
            }
        }
        say(match missing {
            0 => format!("{pinned} pinned"),
            n => format!("{pinned} pinned; {n} have to run first"),
        });
        Ok(u8::from(missing > 0))
    }
}

fn list(project: &Project) -> Result<u8, Failure> {
    project.check()?;
    let store: Store = project.store();
    let mut out = out();
    let mut count = 0;
    for (key, pin) in store.pins()? {
        count += 1;
        let name = if pin.job.is_empty() {
            "a job whose pin cannot be read".to_string()
        } else {
            format!("{} of {}", pin.job, pin.pipeline)
        };
        // Whoever closed the stream does not want to hear more.
        let _ = writeln!(out, "{}  {name}", key.short());
    }
    let _ = writeln!(out, "{count} pinned");
    Ok(0)
}

impl Unpin {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs("unpin", self.jobs)?;
        let pipeline = source.read()?;
        let selectors = pipeline.select(&jobs).map_err(Failure::Problems)?;
        let name = pipeline.name.clone();
        let plan = crate::plan::Plan::unroll(pipeline, &[]);
        let selected: Vec<String> = plan
            .jobs
            .iter()
            .filter(|job| selectors.iter().any(|selector| selector.matches(&job.name)))
            .map(|job| job.name.to_string())
            .collect();
        let store = source.project().store();
        let mut out = out();
        let mut count = 0;
        // By the name it was pinned under, whatever its key is now.
        for (key, pin) in store.pins()? {
            if pin.pipeline == name && (selectors.is_empty() || selected.contains(&pin.job)) {
                store.unpin(&key)?;
                count += 1;
                let _ = writeln!(out, "unpinned  {} ({})", pin.job, key.short());
            }
        }
        let _ = writeln!(out, "{count} unpinned");
        Ok(0)
    }
}

//! `etude gc`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::Failure;
use super::project::Project;
use super::verify::{count, inside, there};
use crate::pipeline::{parse_size, show_size};
use crate::report::show_seconds;
use crate::store::{Error, Garbage, Going, Policy, Store, Why};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude gc
  etude gc --yes
  etude gc --yes --budget '20 GB' --keep-last 0

Exit codes:
  0   done, or nothing to remove
  1   an error
  64  wrong usage")]
pub struct Gc {
    /// Remove the files; without this, only list them
    #[arg(long)]
    yes: bool,
    /// Keep this many earlier artifacts of each job, and the journals of this many runs
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// The most space that artifacts may take, such as "20 GB"; above it, artifacts that are quickest to make again are removed too
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    budget: Option<u64>,
    /// The root of the project, which holds `outputs/`
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// How long to wait for those who publish.
const PATIENCE: Duration = Duration::from_secs(60);

impl Gc {
    pub fn run(self) -> Result<u8, Failure> {
        let project = Project::here(self.root.as_deref());
        project.check()?;
        let store = there(&project)?;
        let settings = project.settings();
        let policy = Policy {
            grace: settings.grace,
            keep_last: self.keep_last.unwrap_or(settings.keep_last),
            budget: self.budget.or(settings.budget),
            now: SystemTime::now(),
            patience: PATIENCE,
        };
        let garbage = if self.yes {
            store.care().collect(&policy)
        } else {
            store.care().garbage(&policy)
        };
        let garbage = garbage.map_err(advise)?;
        let mut out = super::out();
        for line in lines(&garbage, &policy, &store, self.yes) {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        }
        Ok(0)
    }
}

fn advise(error: Error) -> Failure {
    match &error {
        // One that is in the quarantine already says itself what to do.
        Error::Damaged { path, .. } if !path.iter().any(|part| part == "quarantine") => {
            Failure::Message(format!(
                "{error}; nothing was removed, because what it names is not known. `etude verify --repair` sets it aside"
            ))
        }
        _ => error.into(),
    }
}

fn lines(garbage: &Garbage, policy: &Policy, store: &Store, done: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<(&str, usize, u64)> = Vec::new();
    for Going { path, bytes, why } in &garbage.going {
        let what = match why {
            Why::Unnamed { job } => {
                lines.push(format!(
                    "{job}: no pipeline has it any more, and it is not pinned"
                ));
                continue;
            }
            Why::Budget { job, seconds } => {
                let seconds = show_seconds(*seconds);
                lines.push(format!("{job}: over the budget; it took {seconds} to make"));
                continue;
            }
            Why::Checkpoint => {
                let path = inside(path, store.root());
                lines.push(format!(
                    "{path}: the checkpoint of a job that no pipeline has done and nobody runs"
                ));
                continue;
            }
            Why::Unreferenced => "object that no record refers to",
            Why::Family => "entry of a family whose artifact is gone",
            Why::Submitted => "folder of a job that was submitted long ago",
            Why::Log => "log of a job whose artifact is gone",
            Why::Journal => "journal of a run long ago",
            Why::Quarantine => "thing set aside long ago",
            Why::Lock => continue,
        };
        match rest.iter_mut().find(|(other, ..)| *other == what) {
            Some((_, count, size)) => (*count, *size) = (*count + 1, *size + bytes),
            None => rest.push((what, 1, *bytes)),
        }
    }
    for (what, n, size) in rest {
        lines.push(format!("{n} × {what}: {}", show_size(size)));
    }
    let size: u64 = garbage.going.iter().map(|going| going.bytes).sum();
    let verb = if done { "removed" } else { "would go" };
    let goes = if lines.is_empty() {
        "nothing to remove".to_string()
    } else {
        format!("{verb}: {}", show_size(size))
    };
    lines.push(format!(
        "{goes}; {} and {} of objects stay",
        count(garbage.records, "artifact"),
        show_size(garbage.bytes)
    ));
    let ledgers = garbage.ledgers.iter();
    let ledgers = ledgers.map(|ledger| inside(ledger, store.root()));
    let named = if garbage.ledgers.is_empty() {
        "named by no ledger".to_string()
    } else {
        format!("named by {}", ledgers.collect::<Vec<_>>().join(", "))
    };
    let grace = show_seconds(policy.grace.as_secs_f64());
    lines.push(format!(
        "what stays is {named} (remove a ledger to give up what it names), or pinned, used by a run that goes on ({}), or younger than {grace} ({})",
        garbage.running, garbage.young
    ));
    if let Some(over) = policy
        .budget
        .and_then(|budget| garbage.bytes.checked_sub(budget + 1))
    {
        lines.push(format!(
            "that is still {} over the budget: the rest is pinned, adopted, young or in use",
            show_size(over + 1)
        ));
    }
    if !done && size > 0 {
        lines.push("nothing was removed; `etude gc --yes` removes it".into());
    }
    lines
}

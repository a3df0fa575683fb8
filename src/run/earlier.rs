//! What is shown of jobs that have no result now: it is of an earlier run, and must not be taken for one of this.

use std::path::{Path, PathBuf};

use crate::plan::{Freshness, JobId, Plan, assess};
use crate::store::{Error, Ledger, Retired, Store, Views};

/// Moves away what is shown of these jobs. What there is to say of that, a line each.
pub(super) fn retire(
    plan: &Plan,
    jobs: impl Iterator<Item = JobId>,
    views: &Views<'_>,
    ledger: &mut Ledger,
) -> Vec<String> {
    let (mut moved, mut lines) = (Vec::new(), Vec::new());
    for id in jobs {
        for view in shown(plan, id, ledger) {
            let path = views.folder.join(&view);
            let stays = |why: &str| format!("{} is of an earlier run: {why}", path.display());
            match views.retire(&view, ledger) {
                Ok(Retired::Moved(to)) => moved.push(to),
                Ok(Retired::Gone) => {}
                Ok(Retired::Left(why)) => lines.push(stays(&format!("it is left there: {why}"))),
                Err(error) => lines.push(stays(&error.to_string())),
            }
        }
    }
    if let Some(first) = moved.first() {
        let first = first.display();
        lines.push(match moved.len() {
            1 => format!(
                "what was shown of a job that has no result now is of an earlier run, and lies in {first}"
            ),
            n => format!(
                "{n} files shown of jobs that have no result now are of an earlier run, and lie with the first in {first}"
            ),
        });
    }
    lines
}

/// The views of a job that a ledger has, below the folder.
pub fn shown(plan: &Plan, id: JobId, ledger: &Ledger) -> Vec<String> {
    let outputs = plan.outputs(id).iter().zip(plan.views(id));
    let views =
        outputs.flat_map(|(output, name)| Views::of(output.artifact.section(), &name, ledger));
    views.collect()
}

/// After a run of some jobs: moves away what is shown of others that are to run now, because they read something else than
/// before. `plan` is the whole.
pub fn retire_stale(plan: &Plan, store: &Store, folder: &Path) -> Result<Vec<String>, Error> {
    let mut ledger = store.ledgers().of(&plan.pipeline.shown);
    let states = assess(plan, store, &ledger)?;
    let is_stale =
        |id: &JobId| matches!(states[*id], Freshness::Stale { .. } | Freshness::Follows(_));
    let views = Views {
        folder: PathBuf::from(folder),
        store,
    };
    let jobs = (0..states.len()).filter(is_stale);
    let lines = retire(plan, jobs, &views, &mut ledger);
    store.ledgers().save(&plan.pipeline.shown, &mut ledger)?;
    Ok(lines)
}

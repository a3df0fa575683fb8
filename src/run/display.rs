//! What a run shows to people: the views of its artifacts, and the ledger and the snapshot that remember them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::earlier::{retire, shown};
use super::job::verify_once;
use super::{Made, Status};
use crate::plan::{JobId, Plan};
use crate::store::{Artifact, Digest, Error, Ledger, Snapshot, Store, StoredFile, Views};

/// How often the ledger is saved while jobs run.
const PACE: Duration = Duration::from_secs(1);

/// The views of an artifact.
#[derive(Default)]
pub(super) struct Shown {
    pub paths: Vec<PathBuf>,
    /// Those that were not shown before, or with other bytes.
    pub changed: Vec<PathBuf>,
    /// What there is to say, a line each.
    pub warnings: Vec<String>,
}

pub(super) struct Display<'a> {
    plan: &'a Plan,
    store: &'a Store,
    folder: PathBuf,
    pub ledger: Ledger,
    snapshot: Snapshot,
    saved: Instant,
    /// The views of this run's artifacts.
    shown: BTreeSet<OsString>,
    /// How many views could not be placed.
    pub unshown: usize,
}

impl<'a> Display<'a> {
    pub fn new(plan: &'a Plan, store: &'a Store, folder: &Path) -> Self {
        Self {
            plan,
            store,
            folder: folder.to_path_buf(),
            ledger: store.ledgers().of(&plan.pipeline.shown),
            snapshot: store.snapshots().of(&plan.pipeline.shown),
            saved: Instant::now(),
            shown: BTreeSet::new(),
            unshown: 0,
        }
    }

    fn views(&self) -> Views<'a> {
        Views {
            folder: self.folder.clone(),
            store: self.store,
        }
    }

    /// The artifact of a key, if all of it is as the last run saw it.
    pub fn as_seen(&self, key: &Digest) -> Option<Made> {
        let artifact = self.snapshot.artifact(self.store, key)?;
        Some(Made {
            key: *key,
            artifact,
        })
    }

    /// Whether an artifact has the bytes it should have. Those that may have changed since they were last read are read.
    pub fn is_whole(
        &self,
        key: &Digest,
        artifact: &Artifact,
        verified: &Mutex<BTreeSet<Digest>>,
    ) -> Result<bool, Error> {
        let mut whole = true;
        // Each is looked at, so that all that are damaged are set aside.
        let unsure: Vec<&StoredFile> = self.snapshot.unsure(self.store, key, artifact);
        for file in unsure {
            whole &= verify_once(self.store, file, verified)?;
        }
        Ok(whole)
    }

    /// Shows an artifact; without a view it is there all the same.
    pub fn show(&mut self, id: JobId, made: &Made) -> Result<Shown, Error> {
        let views = self.views();
        let parts = self.plan.parts(id, &made.artifact);
        let names = parts
            .iter()
            .flat_map(|(section, name, part)| Views::names(section, name, part));
        let names: Vec<String> = names.collect();
        let seen = self
            .snapshot
            .views(&made.key, &made.artifact, &views.folder, &names);
        if let Some(paths) = seen {
            self.snapshot.stands(&made.key);
            self.note(&paths);
            return Ok(Shown {
                paths,
                ..Shown::default()
            });
        }
        let before: Vec<Option<Digest>> = names
            .iter()
            .map(|name| self.ledger.views.get(name).copied())
            .collect();
        let (mut all, mut whole) = (Shown::default(), true);
        let outputs = self.plan.outputs(id);
        for ((section, called, part), output) in parts.iter().zip(outputs) {
            let copied = output.artifact.is_copied();
            match views.show(section, called, part, copied, &mut self.ledger) {
                Err(error) if error.is_disk_full() => return Err(error),
                Err(error) => {
                    whole = false;
                    self.unshown += part.files.len();
                    all.warnings
                        .push(format!("{called} cannot be shown: {error}"));
                }
                Ok((paths, problems)) => {
                    whole &= problems.is_empty();
                    self.unshown += problems.len();
                    all.paths.extend(paths);
                    for problem in problems {
                        let (path, message) = (problem.path.display(), problem.message);
                        all.warnings
                            .push(format!("{path} is left as it is: {message}"));
                    }
                }
            }
        }
        if whole {
            self.snapshot.note(
                self.store,
                &made.key,
                &made.artifact,
                &views.folder,
                &all.paths,
            );
        }
        let names = names.iter().zip(before);
        let changed =
            names.filter(|(name, before)| self.ledger.views.get(*name) != before.as_ref());
        let changed = changed.map(|(name, _)| views.folder.join(name));
        all.changed = changed.collect();
        self.note(&all.paths);
        Ok(all)
    }

    fn note(&mut self, paths: &[PathBuf]) {
        let paths = paths.iter().map(|path| path.clone().into_os_string());
        self.shown.extend(paths);
    }

    /// Notes that a job has its artifact; the ledger is saved from time to time where jobs `ran`.
    pub fn done(&mut self, name: String, key: Digest, ran: bool) -> Result<(), Error> {
        self.ledger.jobs.insert(name, key);
        if ran && self.saved.elapsed() > PACE {
            self.save_ledger()?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    fn save_ledger(&mut self) -> Result<(), Error> {
        self.views().forget_replaced(&mut self.ledger);
        self.store
            .ledgers()
            .save(&self.plan.pipeline.shown, &mut self.ledger)
    }

    /// Removes what the plan does not have any more.
    pub fn prune(&mut self) {
        let (shown, views) = (&self.shown, self.views());
        views.clear_earlier(&mut self.ledger);
        views.prune(&mut self.ledger, |path| shown.contains(path.as_os_str()));
        let plan = self.plan;
        self.ledger.jobs.retain(|job, _| plan.find(job).is_some());
    }

    /// Keeps what was known of all that this run did not come to.
    pub fn keep_the_rest(&mut self) {
        self.snapshot.keep_the_rest();
    }

    /// Moves away what is shown of jobs that failed, or that lack what failed. Of those that were not come to, nobody knows
    /// whether they would be another. What there is to say, a line each.
    pub fn retire(&mut self, ends: &[Option<Status>]) -> Vec<String> {
        let ended = |how: &'static [Status]| {
            let ends = ends.iter().enumerate();
            ends.filter(move |(_, end)| end.is_some_and(|end| how.contains(&end)))
                .map(|(id, _)| id)
        };
        let failed: Vec<JobId> = ended(&[Status::Failed, Status::Skipped]).collect();
        let is_shown = |id: &JobId| !shown(self.plan, *id, &self.ledger).is_empty();
        let open = ended(&[Status::Cancelled]).filter(is_shown).count();
        let views = self.views();
        let mut lines = retire(self.plan, failed.into_iter(), &views, &mut self.ledger);
        if open > 0 {
            lines.push(format!(
                "what is shown of {} not done may be of an earlier run; `etude plan` tells",
                match open {
                    1 => "1 job that was".to_owned(),
                    n => format!("{n} jobs that were"),
                }
            ));
        }
        lines
    }

    /// Writes down what this run showed and saw.
    pub fn save(&mut self) -> Result<(), Error> {
        let saved = self.save_ledger();
        let name = &self.plan.pipeline.shown;
        saved.and(self.store.snapshots().save(name, &self.snapshot))
    }
}

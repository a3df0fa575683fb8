//! Whose bytes are needed: those of jobs that are kept, or that somebody has yet to read. The others are given back.

use std::collections::{BTreeMap, BTreeSet};

use super::Made;
use crate::pipeline::Keep;
use crate::plan::{JobId, Plan, shows_tables};
use crate::store::{Digest, Error, Store};

/// Which jobs have their bytes in the store, as far as that matters.
pub(super) struct Releases {
    /// Whether anything is given back.
    gives: bool,
    /// How many readers each job has that have not been done in this run.
    unread: Vec<usize>,
    /// Jobs that all have read, and that are kept no longer.
    used: BTreeSet<JobId>,
    /// Jobs whose records are there without their bytes: released after use, or not restored.
    released: BTreeSet<JobId>,
    /// Those of them that a job needs once more.
    needed: BTreeSet<JobId>,
}

impl Releases {
    pub fn new(plan: &Plan, gives: bool) -> Self {
        let jobs = 0..plan.jobs.len();
        Self {
            gives,
            unread: jobs.map(|id| plan.readers(id).count()).collect(),
            used: BTreeSet::new(),
            released: BTreeSet::new(),
            needed: BTreeSet::new(),
        }
    }

    /// Whether a job's bytes are there, if it is done.
    pub fn is_there(&self, id: JobId) -> bool {
        !self.released.contains(&id)
    }

    /// Notes that a job's record is there without its bytes.
    pub fn is_released(&mut self, id: JobId) {
        self.released.insert(id);
    }

    /// Notes that a job's bytes are there, or will be; whether they were not.
    pub fn comes_back(&mut self, id: JobId) -> bool {
        self.released.remove(&id)
    }

    /// The jobs that a job reads and whose bytes are not there. They are needed now.
    pub fn need_for(&mut self, plan: &Plan, id: JobId) -> Vec<JobId> {
        let gone = plan.reads(id).filter(|from| !self.is_there(*from));
        let gone: Vec<JobId> = gone.collect();
        self.needed.extend(&gone);
        gone
    }

    /// Whether an artifact that is known without its bytes is made again.
    pub fn is_needed(&self, plan: &Plan, id: JobId) -> bool {
        self.needed.contains(&id)
            || shows_tables(plan, id) && plan.reads(id).all(|from| self.is_there(from))
    }

    /// Notes that a job is done with what it reads, which it is once.
    pub fn has_read(&mut self, plan: &Plan, id: JobId) {
        for from in plan.reads(id) {
            self.unread[from] -= 1;
            let is_kept = plan.instance(from).keep == Keep::Always;
            // A plan that is narrowed does not know all readers.
            if self.unread[from] == 0 && !is_kept && self.gives && self.is_there(from) {
                self.used.insert(from);
            }
        }
    }

    /// Gives back the bytes of what all have read, as its stage declares; what cannot be released now is so the next time.
    pub fn give_back<'m>(
        &mut self,
        store: &Store,
        made: impl Fn(JobId) -> Option<&'m Made>,
    ) -> Result<(), Error> {
        let used = self
            .used
            .iter()
            .filter_map(|id| Some((made(*id)?.key, *id)));
        let used: BTreeMap<Digest, JobId> = used.collect();
        if used.is_empty() {
            return Ok(());
        }
        let keys: Vec<Digest> = used.keys().copied().collect();
        for key in store.care().release(&keys)? {
            let id = used[&key];
            self.used.remove(&id);
            self.released.insert(id);
        }
        Ok(())
    }
}

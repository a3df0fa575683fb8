//! What nobody needs any more, and its removal.
//!
//! **What is kept.**
//!
//! - The artifacts of the keys that any pipeline's ledger names, and the last few keys that each job had before. Each project
//!   that shares the store has ledgers of its own in it.
//! - What is pinned.
//! - What a running engine has found or made.
//! - What came about, was changed or moved within the grace period.
//!
//! Three times tell of the last: a record's own, and when its file and the file's entry changed. The latest counts, and one in
//! the future counts as now. So a clock that jumps, or another machine's that goes wrong, can keep things and never lose them.
//! A ledger or record that cannot be read stops it all: what it names is not known.
//!
//! An artifact that a job started from is not kept for that: the longer job's bytes are the same as if it had not, and a lost
//! start is a lost chance to be faster.
//!
//! **Over a budget** goes also what only its ledger keeps. What takes the fewest seconds to make again, for each byte that it
//! frees, goes first. What was adopted stays: nothing can make it again.
//!
//! **Why it is safe below running engines.** All is decided and done while the store is held alone (see
//! [`coordination`](super::super::coordination)). Whoever publishes holds the store from the moment it takes an object that is there already for granted
//! until a record refers to it, so that none is removed in between. And an engine writes down every key that it has found
//! or made before it lets go of the store (its lease, in the same place): all that any of its jobs reads or will read, however long it
//! waits for its turn and whatever the ledgers say meanwhile.
//!
//! **Why it is safe to be stopped.** A record goes before its objects, and is gone for good before they go: what is left by then is
//! objects that nobody refers to, which the next collection finds.

mod survey;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Care;
use crate::store::views::ledger::LOST;
use crate::store::{Digest, Error, Ledger, files};
use survey::{Found, Survey, is_recent};

/// What may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What is younger stays.
    pub grace: Duration,
    /// So many keys that a job had before its present one are kept, and the journals of so many runs.
    pub keep_last: usize,
    /// How many bytes the objects may take.
    pub budget: Option<u64>,
    /// What time it is.
    pub now: SystemTime,
    /// How long to wait for those who are at work.
    pub patience: Duration,
}

/// What goes, and what stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Garbage {
    /// What goes, in the order in which it does.
    pub going: Vec<Going>,
    /// The ledgers that say what is kept.
    pub ledgers: Vec<PathBuf>,
    /// How many records stay.
    pub records: usize,
    /// How many bytes of objects stay.
    pub bytes: u64,
    /// How many records and objects stay only because they are young.
    pub young: usize,
    /// How many records stay because an engine that runs has found or made them.
    pub running: usize,
}

/// A file or folder that goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Going {
    /// Where it lies.
    pub path: PathBuf,
    /// How much room it takes.
    pub bytes: u64,
    /// Why it may go.
    pub why: Why,
}

/// Why something may go.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// The record of a job that no pipeline has any more.
    Unnamed {
        /// The job.
        job: String,
    },
    /// The record of a job that can be made again, to come below the budget.
    Budget {
        /// The job.
        job: String,
        /// How long that would take.
        seconds: f64,
    },
    /// No record refers to it.
    Unreferenced,
    /// The checkpoint of a job that no pipeline has and nobody runs.
    Checkpoint,
    /// It says where an artifact is that has gone.
    Family,
    /// It was left by a job that was submitted long ago and that nobody asked for again.
    Submitted,
    /// The log of a job whose record has gone.
    Log,
    /// The journal of a run long ago.
    Journal,
    /// It was set aside long ago.
    Quarantine,
    /// The lock of a job that nobody runs.
    Lock,
}

impl Care<'_> {
    /// What would go. It may be another by the time it does.
    pub fn garbage(&self, policy: &Policy) -> Result<Garbage, Error> {
        Ok(self.scan(policy)?.garbage(*self, policy))
    }

    /// Removes what may go, and says what that was.
    pub fn collect(&self, policy: &Policy) -> Result<Garbage, Error> {
        self.store.sweep_scratch();
        let Some(_alone) = self.store.coordination.alone(policy.patience)? else {
            return Err(Error::Busy(self.store.layout.root.clone()));
        };
        let garbage = self.garbage(policy)?;
        self.remove_garbage(&garbage)?;
        Ok(garbage)
    }

    fn scan(&self, policy: &Policy) -> Result<Survey, Error> {
        let lost = self.store.layout.quarantine().join(LOST);
        if let Some(path) = files::entries(&lost)?.first() {
            return Err(Error::damaged(
                path,
                "nobody knows which artifacts this ledger named; run all of its pipeline again, then remove the file",
            ));
        }
        let mut scan = Survey {
            ledgers: Vec::new(),
            needed: BTreeSet::new(),
            named: BTreeSet::new(),
            adopted: BTreeSet::new(),
            running: self.store.coordination.leased(None)?,
            idle_locks: Vec::new(),
            records: Vec::new(),
            objects: self.store.objects.list()?.0,
        };
        for path in files::entries(&self.store.ledgers.folder())? {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let ledger = Ledger::read(&path)?;
            scan.named.extend(ledger.jobs.into_values());
            for keys in ledger.earlier.into_values() {
                scan.named.extend(keys.into_iter().take(policy.keep_last));
            }
            scan.ledgers.push(path);
        }
        scan.needed
            .extend(self.store.pins()?.into_iter().map(|(key, _)| key));
        self.look_at_locks(&mut scan)?;
        for path in self.store.records.list()? {
            let Some((record, adopted)) = self.store.records.read_at(&path)? else {
                continue;
            };
            if adopted.is_some() {
                scan.adopted.insert(record.key);
            }
            scan.records.push(Found {
                size: fs::symlink_metadata(&path).map_or(0, |meta| meta.len()),
                record,
                path,
            });
        }
        Ok(scan)
    }

    fn look_at_locks(&self, scan: &mut Survey) -> Result<(), Error> {
        for path in files::entries(&self.store.coordination.folder())? {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(Ok(key)) = name.map(str::parse::<Digest>) else {
                continue;
            };
            match files::dead(&path) {
                Some(_) => scan.idle_locks.push(path),
                None => drop(scan.running.insert(key)),
            }
        }
        scan.needed.extend(&scan.running);
        Ok(())
    }

    /// Whether something was changed within the grace period, by the latest of all times that tell.
    fn is_young(&self, path: &Path, policy: &Policy) -> bool {
        let times = fs::symlink_metadata(path).map(|meta| {
            let seconds = |time: SystemTime| {
                time.duration_since(UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs())
            };
            let modified = meta.modified().map_or(0, seconds);
            #[cfg(unix)]
            {
                use std::os::unix::fs::MetadataExt;
                modified.max(meta.ctime().max(0).unsigned_abs())
            }
            #[cfg(not(unix))]
            {
                modified.max(meta.created().map_or(0, seconds))
            }
        });
        // What cannot be asked is not known to be old.
        times.map_or(true, |latest| is_recent(latest, policy))
    }

    fn remove_garbage(&self, garbage: &Garbage) -> Result<(), Error> {
        let is_record =
            |going: &&Going| matches!(going.why, Why::Unnamed { .. } | Why::Budget { .. });
        let (records, rest): (Vec<&Going>, Vec<&Going>) = garbage.going.iter().partition(is_record);
        let mut folders = BTreeSet::new();
        for going in records {
            self.remove_one(going)?;
            folders.insert(files::folder_of(&going.path));
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            files::sync_folder(&*self.store.layout.disk, folder)?;
        }
        for going in &rest {
            self.remove_one(going)?;
            folders.insert(files::folder_of(&going.path));
        }
        let roots = [
            self.store.objects.root(),
            self.store.records.root(),
            self.store.families(),
            self.store.records.differing(),
        ];
        for folder in folders {
            if folder
                .parent()
                .is_some_and(|above| roots.iter().any(|root| root == above))
            {
                // Those that are not empty stay.
                let _ = self.store.layout.disk.remove_folder(folder);
            }
        }
        Ok(())
    }

    fn remove_one(&self, going: &Going) -> Result<(), Error> {
        let path = &going.path;
        let removed = if files::is_folder(path) {
            self.store.layout.disk.remove_all(path)
        } else {
            self.store.layout.disk.remove(path)
        };
        match removed {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(Error::io("remove", path)),
        }
    }
}

//! Everything in a store, read and held against what it should be.
//!
//! It works below running engines. What they are about to publish is referred to by nobody yet, so objects are listed before
//! records; what they replace or remove is looked at once more before it is called wrong; and nothing is set aside that somebody
//! works on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::Care;
use crate::store::layout::name_of;
use crate::store::views::ledger::LOST;
use crate::store::{Digest, Error, Ledger, Lookup, Objects, Record, StoredFile, files};

/// What was read, and what is to be said of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audit {
    /// How many objects there are.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many records there are.
    pub records: usize,
    /// By path.
    pub findings: Vec<Finding>,
}

/// One thing to be said.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Of which file or folder.
    pub path: PathBuf,
    /// What.
    pub what: What,
}

/// What can be said of a file of the store.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// An object does not hold the bytes that its name says, or cannot be read, or is none.
    Object(String),
    /// A record cannot be trusted.
    Record(String),
    /// A record is right, but this file of its artifact is missing or damaged.
    Incomplete {
        /// The job that made the artifact.
        job: String,
        /// The file.
        file: String,
    },
    /// A ledger cannot be trusted.
    Ledger(String),
    /// No record refers to this object: a job is about to, or garbage collection will find it.
    Unreferenced(u64),
    /// Somebody died before it was tidied away: what it is.
    Leftover(&'static str),
}

impl Finding {
    /// Whether it is wrong, or only of no use.
    pub fn is_wrong(&self) -> bool {
        !matches!(self.what, What::Unreferenced(_) | What::Leftover(_))
    }
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Repaired {
    /// What was set aside, and where it lies now, as far as it could be told.
    pub aside: Vec<PathBuf>,
    /// How many leftovers were removed.
    pub removed: usize,
    /// What was left as it is, because somebody works on it or has mended it.
    pub left: Vec<PathBuf>,
}

impl Care<'_> {
    /// Reads every object, on all cores, and every record. `progress` hears how many bytes of how many are read.
    pub fn audit(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Audit, Error> {
        let mut audit = Audit::default();
        let (objects, strange) = self.store.objects.list()?;
        let finding = |path: PathBuf, what| Finding { path, what };
        audit.findings.extend(
            strange
                .into_iter()
                .map(|(path, why)| finding(path, What::Object(why))),
        );
        audit.objects = objects.len();
        audit.bytes = objects.values().sum();
        let damaged = self.read_objects(&objects, audit.bytes, progress);
        for (digest, why) in &damaged {
            let path = self.store.objects.path(digest);
            audit
                .findings
                .push(finding(path, What::Object(why.clone())));
        }

        let mut referenced = BTreeSet::new();
        for path in self.store.records.list()? {
            let what = match self.store.records.read_at(&path) {
                Ok(None) => continue,
                Ok(Some((record, _))) => {
                    audit.records += 1;
                    let files = record.artifact.files.values();
                    referenced.extend(files.map(|file| file.digest));
                    match self.incomplete(&path, record, &damaged) {
                        None => continue,
                        Some(what) => what,
                    }
                }
                Err(error) => What::Record(cause(error)),
            };
            audit.findings.push(finding(path, what));
        }
        for path in files::entries(&self.store.ledgers.folder())? {
            if let Err(error) = Ledger::read(&path) {
                let what = What::Ledger(cause(error));
                audit.findings.push(finding(path, what));
            }
        }
        for (digest, size) in &objects {
            let path = self.store.objects.path(digest);
            let stays = !referenced.contains(digest) && !damaged.contains_key(digest);
            if stays && path.exists() {
                audit
                    .findings
                    .push(finding(path, What::Unreferenced(*size)));
            }
        }
        let leftovers = self.leftovers()?.into_iter();
        audit
            .findings
            .extend(leftovers.map(|(path, what)| finding(path, What::Leftover(what))));
        audit.findings.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(audit)
    }

    /// The objects that are not what their names say, with why.
    fn read_objects(
        &self,
        objects: &BTreeMap<Digest, u64>,
        total: u64,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> BTreeMap<Digest, String> {
        // The largest first, so that none is left alone at the end.
        let mut order: Vec<(&Digest, &u64)> = objects.iter().collect();
        order.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
        let (done, damaged) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
        order.par_iter().for_each(|(digest, size)| {
            let path = self.store.objects.path(digest);
            let mut judged = self.judge(&path, digest);
            if judged.is_some() {
                // Somebody may have been about to replace it.
                judged = self.judge(&path, digest);
            }
            if let Some(why) = judged {
                let mut damaged = damaged.lock().unwrap_or_else(|p| p.into_inner());
                damaged.insert(**digest, why);
            }
            progress(done.fetch_add(**size, Ordering::Relaxed) + **size, total);
        });
        damaged.into_inner().unwrap_or_else(|p| p.into_inner())
    }

    /// What is wrong with an object; nothing if it is right, or not there.
    fn judge(&self, path: &Path, digest: &Digest) -> Option<String> {
        let meta = fs::symlink_metadata(path).ok()?;
        if !meta.is_file() {
            return Some("it is not a plain file".into());
        }
        match self.store.objects.is_right(path, digest) {
            Ok(true) => None,
            Ok(false) => path
                .exists()
                .then(|| "its bytes are not those that its name says".into()),
            Err(error) => Some(cause(error)),
        }
    }

    /// Whether a file of a record's artifact is missing or damaged, and still is once nothing can be removed meanwhile.
    fn incomplete(
        &self,
        path: &Path,
        record: Record,
        damaged: &BTreeMap<Digest, String>,
    ) -> Option<What> {
        let is_bad = |file: &StoredFile| {
            let known = damaged.contains_key(&file.digest);
            let judge = || self.judge(&self.store.objects.path(&file.digest), &file.digest);
            !self.store.objects.has(file) || (known && judge().is_some())
        };
        record.artifact.files.values().find(|file| is_bad(file))?;
        // Of one that was released nothing has to be there.
        if record.released {
            return None;
        }
        // A store that cannot be held is one that nobody can change.
        let _hold = self.store.coordination.hold();
        let (record, _) = self.store.records.read_at(path).ok().flatten()?;
        let mut files = record.artifact.files.iter();
        let (file, _) = files.find(|(_, file)| is_bad(file))?;
        Some(What::Incomplete {
            job: record.job.clone(),
            file: file.clone(),
        })
    }

    /// What dead writers and engines left.
    fn leftovers(&self) -> Result<Vec<(PathBuf, &'static str)>, Error> {
        let mut left: Vec<_> = self
            .store
            .dead_scratch()
            .into_iter()
            .map(|path| (path, "the scratch of an engine that is dead"))
            .collect();
        let drafts = self.draft_folders()?.into_iter();
        let drafts = drafts.flat_map(|folder| files::drafts(&folder).collect::<Vec<_>>());
        let dead = drafts.filter(|path| files::dead(path).is_some());
        left.extend(dead.map(|path| (path, "half a file of a writer that is dead")));
        for key in self.store.checkpointed() {
            if matches!(self.store.find(&key), Lookup::Present(_)) {
                left.push((
                    self.store.checkpoint(&key),
                    "the checkpoint of a job that is done",
                ));
            }
        }
        Ok(left)
    }

    /// Where drafts may lie, other than among the scratch.
    fn draft_folders(&self) -> Result<Vec<PathBuf>, Error> {
        let mut folders = vec![self.store.layout.root.clone()];
        for folder in files::entries(&self.store.layout.root)? {
            let name = folder.file_name().unwrap_or_default();
            if !files::is_folder(&folder) || name == "scratch" || name == "quarantine" {
                continue;
            }
            // A checkpoint's files are its job's own.
            if name != "checkpoints" {
                let below = files::entries(&folder)?.into_iter();
                folders.extend(below.filter(|below| files::is_folder(below)));
            }
            folders.push(folder);
        }
        Ok(folders)
    }

    /// Sets aside what an audit found wrong, so that the jobs it is of run again, and removes leftovers.
    pub fn repair(&self, audit: &Audit) -> Result<Repaired, Error> {
        let mut repaired = Repaired::default();
        // Whether a record's artifact is whole shows once damaged objects are out of the way.
        let is_object = |finding: &&Finding| matches!(finding.what, What::Object(_));
        let (objects, rest): (Vec<_>, Vec<_>) = audit.findings.iter().partition(is_object);
        for finding in objects.into_iter().chain(rest) {
            let path = &finding.path;
            let aside = match &finding.what {
                What::Object(_) => self.repair_object(path)?,
                What::Record(_) | What::Incomplete { .. } => self.repair_record(path)?,
                What::Ledger(_) => {
                    let _lock = self.store.coordination.lock_ledgers()?;
                    match Ledger::read(path) {
                        Ok(_) => None,
                        Err(_) => Some(self.store.layout.quarantine_as(path, LOST)?),
                    }
                }
                What::Unreferenced(_) | What::Leftover(_) => continue,
            };
            match aside {
                Some(aside) => repaired.aside.push(aside),
                None => repaired.left.push(path.clone()),
            }
        }
        let before = self.leftovers()?;
        self.store.sweep_scratch();
        self.store.sweep_checkpoints();
        for folder in self.draft_folders()? {
            files::sweep_drafts(&*self.store.layout.disk, &folder);
        }
        let gone = |(path, _): &&(PathBuf, _)| fs::symlink_metadata(path).is_err();
        repaired.removed = before.iter().filter(gone).count();
        Ok(repaired)
    }

    fn repair_object(&self, path: &Path) -> Result<Option<PathBuf>, Error> {
        let Some(digest) = name_of(&self.store.objects.root(), path, "") else {
            return self.store.layout.quarantine_as(path, "objects").map(Some);
        };
        match self.store.objects.verify(&StoredFile { digest, size: 0 }) {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(
                self.store.layout.quarantine().join(digest.to_string()),
            )),
            // What cannot be read can still be moved.
            Err(_) => self.store.layout.quarantine_as(path, "").map(Some),
        }
    }

    fn repair_record(&self, path: &Path) -> Result<Option<PathBuf>, Error> {
        let key = name_of(&self.store.records.root(), path, ".json");
        let key = key.or_else(|| {
            let folder = path.parent()?.file_name()?.to_str()?;
            folder.parse().ok()
        });
        let _lock = match key {
            None => None,
            Some(key) => match self.store.coordination.try_lock(&key)? {
                None => return Ok(None),
                lock => lock,
            },
        };
        // Under its lock nobody replaces it, so this is the last word.
        match self.store.records.read_at(path) {
            Ok(None) => Ok(None),
            Ok(Some((record, _))) if self.store.missing_file(&record).is_none() => Ok(None),
            _ => self.store.layout.quarantine_as(path, "records").map(Some),
        }
    }
}

fn cause(error: Error) -> String {
    match error {
        Error::Damaged { message, .. } => message,
        Error::Io { action, source, .. } => format!("cannot {action} it: {source}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Store;

    fn bench() -> (tempfile::TempDir, Store, Vec<Record>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        let records = ["one", "two", "three"].map(|job| {
            let fingerprint = json!({ "kind": job });
            let scratch = store.scratch().unwrap();
            fs::write(scratch.out().join("file"), job).unwrap();
            let record = Record {
                key: Digest::of_key(&serde_json::to_vec(&fingerprint).unwrap()),
                fingerprint,
                artifact: store.ingest(&scratch).unwrap(),
                job: job.into(),
                started: 0,
                seconds: 0.0,
                device: "cpu".into(),
                machine: String::new(),
                started_from: None,
                released: false,
            };
            store.commit(&record).unwrap();
            record
        });
        (folder, store, records.into())
    }

    fn object(store: &Store, record: &Record) -> PathBuf {
        store.objects.path(&record.artifact.files["file"].digest)
    }

    fn wrong(audit: &Audit) -> Vec<(PathBuf, What)> {
        let wrong = audit.findings.iter().filter(|finding| finding.is_wrong());
        wrong.map(|f| (f.path.clone(), f.what.clone())).collect()
    }

    #[test]
    fn of_a_store_in_order_there_is_nothing_to_say_and_all_of_it_is_read() {
        let (_folder, store, _) = bench();
        let most = AtomicU64::new(0);
        let audit = store
            .care()
            .audit(&|done, total| {
                assert_eq!(total, 11);
                most.fetch_max(done, Ordering::Relaxed);
            })
            .unwrap();
        assert_eq!(audit.findings, []);
        assert_eq!((audit.objects, audit.bytes, audit.records), (3, 11, 3));
        assert_eq!(most.into_inner(), 11);
    }

    #[test]
    fn a_damaged_object_and_its_record_are_told_and_set_aside() {
        let (_folder, store, records) = bench();
        store.keep_apart(&records[1]).unwrap();
        let path = object(&store, &records[1]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "owt").unwrap();
        let audit = store.care().audit(&|_, _| {}).unwrap();
        let incomplete = What::Incomplete {
            job: "two".into(),
            file: "file".into(),
        };
        let damaged = What::Object("its bytes are not those that its name says".into());
        assert_eq!(
            wrong(&audit),
            [
                (store.records.apart_path(&records[1]), incomplete.clone()),
                (path.clone(), damaged),
                (store.records.path(&records[1].key), incomplete),
            ]
        );
        assert!(path.exists(), "looking changes nothing");
        let repaired = store.care().repair(&audit).unwrap();
        assert_eq!((repaired.aside.len(), repaired.left.len()), (3, 0));
        assert!(
            repaired.aside.iter().all(|path| path.exists()),
            "{repaired:?}"
        );
        assert_eq!(store.care().audit(&|_, _| {}).unwrap().findings, []);
        assert!(matches!(store.lookup(&records[1].key), Lookup::Absent));
    }

    #[test]
    fn a_record_that_somebody_works_on_is_left() {
        let (_folder, store, records) = bench();
        let path = store.records.path(&records[0].key);
        fs::write(&path, "{").unwrap();
        let audit = store.care().audit(&|_, _| {}).unwrap();
        let lock = store.coordination.try_lock(&records[0].key).unwrap();
        assert!(store.care().repair(&audit).unwrap().left.contains(&path));
        drop(lock);
        // Nor is one that has been mended.
        store.commit(&records[0]).unwrap();
        assert!(store.care().repair(&audit).unwrap().left.contains(&path));
        assert!(path.exists());
    }

    #[test]
    fn a_record_under_another_key_is_none() {
        let (_folder, store, records) = bench();
        let text = fs::read(store.records.path(&records[0].key)).unwrap();
        let path = store.records.path(&records[1].key);
        fs::write(&path, text).unwrap();
        let audit = store.care().audit(&|_, _| {}).unwrap();
        let why = "it lies under the name of another".to_string();
        assert_eq!(wrong(&audit), [(path, What::Record(why))]);
        assert!(matches!(store.lookup(&records[1].key), Lookup::Absent));
    }

    #[test]
    fn what_is_of_no_use_is_told_and_nothing_wrong() {
        let (_folder, store, records) = bench();
        fs::remove_file(store.records.path(&records[0].key)).unwrap();
        fs::create_dir(store.layout.scratches().join("job-dead")).unwrap();
        let draft = store.records.path(&records[1].key);
        fs::write(draft.parent().unwrap().join(".new-dead"), "half").unwrap();
        fs::create_dir(store.checkpoint(&records[2].key)).unwrap();
        let audit = store.care().audit(&|_, _| {}).unwrap();
        assert_eq!(wrong(&audit), []);
        let what: Vec<_> = audit.findings.iter().map(|f| &f.what).collect();
        assert_eq!(what.len(), 4, "{what:?}");
        assert!(what.contains(&&What::Unreferenced(3)));
        let repaired = store.care().repair(&audit).unwrap();
        assert_eq!((repaired.removed, repaired.aside.len()), (3, 0));
        assert_eq!(store.care().audit(&|_, _| {}).unwrap().findings.len(), 1);
    }

    #[test]
    fn strange_things_among_the_objects_and_ledgers_are_told_and_set_aside() {
        let (_folder, store, records) = bench();
        let shard = object(&store, &records[0]).parent().unwrap().to_path_buf();
        fs::write(shard.join("what is this"), "x").unwrap();
        fs::write(store.objects.root().join("zz"), "x").unwrap();
        fs::write(store.ledgers.folder().join("p.json"), "x").unwrap();
        let audit = store.care().audit(&|_, _| {}).unwrap();
        assert_eq!(wrong(&audit).len(), 3, "{:?}", audit.findings);
        assert_eq!(store.care().repair(&audit).unwrap().aside.len(), 3);
        assert_eq!(store.care().audit(&|_, _| {}).unwrap().findings, []);
    }
}

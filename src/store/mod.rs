//! Artifacts at rest.
//!
//! A store is a folder of plain files. An **artifact** is what a job leaves: a few named files, each kept once under the
//! digest of its bytes (`objects/`). A **record** says how an artifact came to be: the readable fingerprint of the job,
//! the artifact, and when and where it was made (`records/`). A record is written last, so it never exists without its
//! objects. Nothing here knows what a stage is.
//!
//! ```text
//! <store>/objects/ab/cdef…      bytes, read-only, named by their digest
//!         records/ab/cdef….json  how the artifact of one cache key came to be
//!         locks/<key>           one advisory lock a job, released by the kernel when its holder dies
//!         scratch/              private folders of running jobs
//!         checkpoints/<key>/    what attempts at a job that is not done left for the next; <key>.json: from what they made it
//!         families/<family>/<length>-<key>  which jobs differ only in their length
//!         outside/<digest>.json what the bytes of a large file outside the store were, and when
//!         logs/<key>.log        what a job said
//!         quarantine/           objects whose bytes no longer fit their name
//!         pipelines/<name>.json what each job of a pipeline was last, and which files below outputs/ are etude's
//!         snapshots/<name>.jsonl what a pipeline's last run saw of all this, so that the next need not read it
//!         runs/<id>.jsonl       the journal of each run
//! ```

mod artifact;
mod checkpoint;
mod digest;
mod family;
mod files;
mod ledger;
mod outside;
mod record;
mod release;
mod snapshot;
mod view;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub use artifact::{Artifact, StoredFile};
pub use checkpoint::Left;
pub use digest::{Digest, ParseDigestError};
pub use family::StartedFrom;
pub use files::{write_atomically, write_whole};
pub use ledger::Ledger;
pub use outside::{Seen, Stamp, Survey, survey};
pub use record::Record;
pub use snapshot::Snapshot;
pub use view::{ViewProblem, Views, file_name};

/// The layout's version; a store of another version lives in another folder beside it.
pub const FORMAT: &str = "v1";

/// What can go wrong with a store. Every message names the path.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A job left something that is not a plain file.
    #[error("{} is not a plain file; a job may leave only files and folders", .0.display())]
    NotAFile(PathBuf),
    /// A job left nothing.
    #[error("the job left no file in its output folder")]
    Empty,
    /// What lies outside the store cannot be read whole.
    #[error("cannot read {}: {why}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A record or ledger cannot be read.
    #[error("{} is damaged: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        message: String,
    },
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    /// Whether the disk is full: the one failure whose cure is to free space and run again.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Error::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

/// A folder of artifacts and records.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    /// Digests of large files outside that were read or looked up before.
    known: Arc<Mutex<BTreeMap<PathBuf, outside::Known>>>,
}

/// What a lookup found.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// No record, or one that cannot be read.
    Absent,
    /// A record, and every object of it present at its recorded size.
    Present(Box<Record>),
    /// A record whose artifact is not whole: this file is missing or has another size.
    Broken {
        /// The record.
        record: Box<Record>,
        /// The artifact's file that is gone.
        file: String,
    },
    /// A record whose bytes were given back after use.
    Released(Box<Record>),
}

/// The lock of one cache key, held until dropped; the kernel releases it when the holder dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// A private, empty folder for one job; removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Held while the folder is in use, so that a later engine can tell a live folder from a dead one's.
    _alive: File,
}

impl Scratch {
    /// The folder, to be filled by the job.
    pub fn out(&self) -> PathBuf {
        self.path.join("out")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that cannot be removed now is swept by the next engine.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Store {
    /// Opens the store below `folder` (usually `outputs/.etude`), without creating anything.
    pub fn at(folder: &Path) -> Store {
        Store {
            root: folder.join(FORMAT),
            known: Arc::default(),
        }
    }

    /// Creates the store's folders and sweeps what dead engines left: scratch folders, and the checkpoints of jobs that are
    /// done. The checkpoints of jobs that are not stay for the next attempt.
    pub fn prepare(&self) -> Result<(), Error> {
        for name in [
            "objects",
            "records",
            "locks",
            "scratch",
            "checkpoints",
            "logs",
            "pipelines",
            "runs",
        ] {
            let folder = self.root.join(name);
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        self.sweep();
        self.sweep_checkpoints();
        Ok(())
    }

    fn sweep(&self) {
        let scratch = self.root.join("scratch");
        for entry in fs::read_dir(&scratch).into_iter().flatten().flatten() {
            let alive = File::open(entry.path().join("alive"));
            // Only a folder whose owner is dead can be locked here.
            if alive.is_ok_and(|alive| alive.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// The path of an object.
    pub fn object(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.objects().join(&hex[..2]).join(&hex[2..])
    }

    fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    fn record_path(&self, key: &Digest) -> PathBuf {
        let hex = key.to_string();
        let name = format!("{}.json", &hex[2..]);
        self.root.join("records").join(&hex[..2]).join(name)
    }

    /// The log of the job of this key; it may not exist.
    pub fn log(&self, key: &Digest) -> PathBuf {
        self.root.join("logs").join(format!("{key}.log"))
    }

    /// The journal of the run of this id.
    pub fn journal(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(format!("{run}.jsonl"))
    }

    /// What the last runs of a pipeline left.
    pub fn ledger(&self, pipeline: &str) -> Ledger {
        Ledger::read(&self.ledger_path(pipeline))
    }

    /// Replaces the ledger of a pipeline.
    pub fn save_ledger(&self, pipeline: &str, ledger: &Ledger) -> Result<(), Error> {
        ledger.write(&self.ledger_path(pipeline))
    }

    fn ledger_path(&self, pipeline: &str) -> PathBuf {
        let name = format!("{}.json", file_name(pipeline));
        self.root.join("pipelines").join(name)
    }

    /// Looks a key up: the record, and whether each object is there at its size.
    pub fn lookup(&self, key: &Digest) -> Lookup {
        let Some(record) = Record::read(&self.record_path(key)).filter(|r| r.key == *key) else {
            return Lookup::Absent;
        };
        for (name, file) in &record.artifact.files {
            let there = fs::symlink_metadata(self.object(&file.digest))
                .is_ok_and(|meta| meta.is_file() && meta.len() == file.size);
            if !there && record.released {
                return Lookup::Released(Box::new(record));
            }
            if !there {
                return Lookup::Broken {
                    file: name.clone(),
                    record: Box::new(record),
                };
            }
        }
        Lookup::Present(Box::new(record))
    }

    /// Reads every byte of an object and holds it against its name; `false` (and the object set aside in `quarantine/`)
    /// if they differ or the object is gone.
    pub fn verify(&self, file: &StoredFile) -> Result<bool, Error> {
        let path = self.object(&file.digest);
        match Digest::of_file(&path) {
            Ok((digest, _)) if digest == file.digest => Ok(true),
            Ok(_) => {
                let quarantine = self.root.join("quarantine");
                fs::create_dir_all(&quarantine).map_err(Error::io("create", &quarantine))?;
                let aside = quarantine.join(file.digest.to_string());
                match fs::rename(&path, &aside) {
                    Ok(()) => {}
                    // Somebody else set it aside.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                    Err(error) => return Err(Error::io("set aside", &path)(error)),
                }
                // Between reading and moving, somebody may have put the right bytes there.
                let right = Digest::of_file(&aside).is_ok_and(|(digest, _)| digest == file.digest);
                if right {
                    fs::rename(&aside, &path).map_err(Error::io("put back", &path))?;
                }
                Ok(right)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    /// Takes the lock of a key if nobody holds it.
    pub fn try_lock(&self, key: &Digest) -> Result<Option<Lock>, Error> {
        let path = self.root.join("locks").join(key.to_string());
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }

    /// A fresh private folder on the store's own file system, so that publishing is a rename.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        let parent = self.root.join("scratch");
        let folder = tempfile::Builder::new()
            .prefix("job-")
            .tempdir_in(&parent)
            .map_err(Error::io("create a folder in", &parent))?
            .keep();
        let alive = folder.join("alive");
        let file = File::create(&alive).map_err(Error::io("create", &alive))?;
        file.lock().map_err(Error::io("lock", &alive))?;
        let out = folder.join("out");
        fs::create_dir(&out).map_err(Error::io("create", &out))?;
        Ok(Scratch {
            path: folder,
            _alive: file,
        })
    }

    /// Hashes what a job left, moves it among the objects and returns the artifact. Nothing refers to it until
    /// [`Store::commit`] writes its record.
    pub fn take_in(&self, scratch: &Scratch) -> Result<Artifact, Error> {
        let out = scratch.out();
        let mut names = Vec::new();
        files::list(&out, Path::new(""), &mut names)?;
        if names.is_empty() {
            return Err(Error::Empty);
        }
        let mut taken = BTreeMap::new();
        for name in names {
            let from = out.join(&name);
            let stored = self.take_in_file(&from)?;
            taken.insert(files::portable(&name), stored);
        }
        Ok(Artifact { files: taken })
    }

    fn take_in_file(&self, from: &Path) -> Result<StoredFile, Error> {
        let (digest, size) = Digest::of_file(from).map_err(Error::io("read", from))?;
        let to = self.object(&digest);
        // One that lies there already is trusted no more than any other; the right bytes are at hand to replace it.
        let there = Digest::of_file(&to).is_ok_and(|found| found == (digest, size));
        if !there {
            let folder = to.parent().expect("an object lies in a folder");
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            File::open(from)
                .and_then(|file| file.sync_all())
                .map_err(Error::io("sync", from))?;
            files::make_read_only(from).map_err(Error::io("protect", from))?;
            fs::rename(from, &to).map_err(Error::io("move to", &to))?;
            files::sync_folder(folder)?;
        }
        Ok(StoredFile { digest, size })
    }

    /// Keeps a record beside the one that its key has.
    pub fn keep_apart(&self, _record: &Record) -> Result<(), Error> {
        Ok(())
    }

    /// Every record that can be read.
    fn each_record(&self, mut tell: impl FnMut(&Record)) {
        let shards = fs::read_dir(self.root.join("records"));
        for shard in shards.into_iter().flatten().flatten() {
            for entry in fs::read_dir(shard.path()).into_iter().flatten().flatten() {
                if let Some(record) = Record::read(&entry.path()) {
                    tell(&record);
                }
            }
        }
    }

    /// Writes a record. After this the artifact is found by its key.
    pub fn commit(&self, record: &Record) -> Result<(), Error> {
        let path = self.record_path(&record.key);
        let text = serde_json::to_vec_pretty(record).expect("a record is plain data");
        write_atomically(&path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        (folder, store)
    }

    fn publish(store: &Store, key: &str, bytes: &[u8]) -> Record {
        let scratch = store.scratch().unwrap();
        fs::write(scratch.out().join("table.parquet"), bytes).unwrap();
        let artifact = store.take_in(&scratch).unwrap();
        let fingerprint = json!({ "kind": key });
        let record = Record {
            key: Digest::of_key(&serde_json::to_vec(&fingerprint).unwrap()),
            fingerprint,
            artifact,
            job: "toy".into(),
            started: 0,
            seconds: 0.0,
            device: "cpu".into(),
            started_from: None,
            released: false,
        };
        store.commit(&record).unwrap();
        record
    }

    #[test]
    fn a_committed_artifact_is_found_and_verifies() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let Lookup::Present(found) = store.lookup(&record.key) else {
            panic!("not found")
        };
        assert_eq!(found.artifact, record.artifact);
        assert!(
            store
                .verify(&record.artifact.files["table.parquet"])
                .unwrap()
        );
        assert!(matches!(
            store.lookup(&Digest::of_key(b"other")),
            Lookup::Absent
        ));
    }

    #[test]
    fn a_truncated_or_deleted_object_is_not_taken_for_the_artifact() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let object = store.object(&record.artifact.files["table.parquet"].digest);
        fs::remove_file(&object).unwrap();
        fs::write(&object, b"byte").unwrap();
        assert!(matches!(store.lookup(&record.key), Lookup::Broken { .. }));
        fs::remove_file(&object).unwrap();
        assert!(matches!(store.lookup(&record.key), Lookup::Broken { .. }));
    }

    #[test]
    fn an_overwritten_object_of_the_same_size_is_caught_on_use_and_set_aside() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let file = &record.artifact.files["table.parquet"];
        let object = store.object(&file.digest);
        fs::remove_file(&object).unwrap();
        fs::write(&object, b"BYTES").unwrap();
        assert!(!store.verify(file).unwrap());
        assert!(!object.exists());
        assert!(
            store
                .root
                .join("quarantine")
                .join(file.digest.to_string())
                .exists()
        );
    }

    #[test]
    fn a_damaged_record_is_a_miss() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        fs::write(store.record_path(&record.key), b"{ half").unwrap();
        assert!(matches!(store.lookup(&record.key), Lookup::Absent));
    }

    #[test]
    fn a_lock_is_held_by_one_and_free_after() {
        let (_folder, store) = store();
        let key = Digest::of_key(b"a");
        let held = store.try_lock(&key).unwrap();
        assert!(held.is_some());
        assert!(store.try_lock(&key).unwrap().is_none());
        drop(held);
        assert!(store.try_lock(&key).unwrap().is_some());
    }

    #[test]
    fn a_dead_engines_scratch_is_swept_and_a_live_ones_is_not() {
        let (_folder, store) = store();
        let live = store.scratch().unwrap();
        let dead = store.root.join("scratch/job-dead");
        fs::create_dir_all(dead.join("out")).unwrap();
        fs::write(dead.join("alive"), b"").unwrap();
        store.prepare().unwrap();
        assert!(live.out().exists());
        assert!(!dead.exists());
    }

    #[test]
    fn a_link_or_nothing_at_all_is_refused_as_output() {
        let (_folder, store) = store();
        let scratch = store.scratch().unwrap();
        assert!(matches!(store.take_in(&scratch), Err(Error::Empty)));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc/hostname", scratch.out().join("x")).unwrap();
            assert!(matches!(store.take_in(&scratch), Err(Error::NotAFile(_))));
        }
    }
}

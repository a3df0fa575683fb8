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
//!         differing/<key>/<artifact>.json  records of a key whose job once left other bytes
//!         locks/<key>           one advisory lock a job, released by the kernel when its holder dies; locks/store: of the whole,
//!                               locks/ledgers: held while a ledger is changed
//!         scratch/              private folders of running jobs, files that are being written, what running engines rely on
//!         checkpoints/<key>/    what attempts at a job that is not done left for the next; <key>.json: from what they made it
//!         families/<family>/<length>-<key>  which jobs differ only in their length
//!         outside/<digest>.json what the bytes of a large file outside the store were, and when
//!         submitted/<key>/      a job that another machine does, from before it is submitted until it is taken in
//!         logs/<key>.log        what a job said
//!         quarantine/           what was found damaged: objects by name, and folders for records and ledgers
//!         pins/<key>.json       artifacts that are kept whatever happens
//!         pipelines/<name>.json what each job of a pipeline was last, and which files below outputs/ are etude's
//!         snapshots/<name>.jsonl what a pipeline's last run saw of all this, so that the next need not read it
//!         runs/<id>.jsonl       the journal of each run
//! ```
//!
//! Beside these folders, a `.gitignore` makes git leave the store out.
//!
//! Its parts are types of their own. [`LocalObjects`] are the bytes, [`Records`] say how they came to be, and
//! [`Coordination`] is who works on what. [`Care`] is what can be done to the whole. [`Views`], [`Ledgers`] and
//! [`Snapshots`] are what people see of it. A [`Store`] has one of each, and does what needs several of them.
//!
//! Whatever fails on the way, and whenever the power goes: a file is safe on the disk before it gets its name, its name before
//! anything refers to it. What is found is believed only as far as it was looked at: a lookup holds sizes against a record,
//! [`LocalObjects::verify`] holds bytes against their digest, and records and ledgers carry a digest of their own text.

mod care;
mod checkpoint;
mod coordination;
mod digest;
mod disk;
mod files;
mod layout;
mod objects;
mod outside;
mod publish;
mod records;
mod scratch;
mod sealed;
mod views;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub use care::{Audit, Care, Finding, Garbage, Going, Policy, Repaired, What, Why};
pub use checkpoint::Left;
pub use coordination::{Coordination, Lock, SharedLock};
pub use digest::{Digest, ParseDigestError};
pub use disk::{Disk, RealDisk};
pub use files::{read_named, write_atomically};
pub use objects::{LocalObjects, Objects};
pub use outside::{FileStat, Stamp, Survey, scan};
pub use records::{
    Adopted, Artifact, Origin, Pin, Provenance, Record, Records, StartedFrom, StoredFile,
};
pub use scratch::Scratch;
pub use views::{
    Ledger, Ledgers, Retired, Snapshot, Snapshots, ViewProblem, Views, extension, file_name,
};

use layout::Layout;
use views::User;

/// The layout's version; a store of another version lives in another folder beside it.
pub const FORMAT: &str = "v1";

const GITIGNORE: &str = ".gitignore";

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
    /// A job left files whose names no store can keep.
    #[error("what the job left cannot be kept: {0}")]
    Names(String),
    /// An object vanished before the record that refers to it was written.
    #[error("{} is gone from the store; {job} has to run again", path.display())]
    Gone {
        /// The object.
        path: PathBuf,
        /// Whose artifact it is of.
        job: String,
    },
    /// What lies outside the store cannot be read whole.
    #[error("cannot read {}: {why}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A folder of views is a link out of the project.
    #[error(
        "{} is a link that leads out of the project, to {}; nothing is written there. To keep results elsewhere, remove the link \
         and write `store = {:?}` into etude.toml",
        link.display(), target.display(), target.join("etude")
    )]
    LeadsOut {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Others do not let go of the store.
    #[error("others are at work on the store at {}; try again in a moment", .0.display())]
    Busy(PathBuf),
    /// A record or ledger cannot be trusted.
    #[error("{} is damaged: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        message: String,
    },
}

impl Error {
    /// What the file system refused, of whatever it says: `action` is a verb.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    fn damaged(path: &Path, message: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            message: message.into(),
        }
    }

    /// Whether whoever asked may not write there.
    fn is_denied(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_denied(source))
    }

    /// Whether the disk is full: the one failure whose cure is to free space and run again.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

/// Whether a file or its file system may not be written to.
fn is_denied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// A folder of artifacts and records.
#[derive(Debug, Clone)]
pub struct Store {
    layout: Layout,
    objects: LocalObjects,
    records: Records,
    coordination: Coordination,
    ledgers: Ledgers,
    snapshots: Snapshots,
    /// Digests of large files outside that were read or looked up before.
    known: Arc<Mutex<BTreeMap<PathBuf, outside::Known>>>,
}

/// What a lookup found.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// No record, or one that cannot be trusted.
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
    /// A record whose bytes were given back after use, or not restored.
    Released(Box<Record>),
}

impl Store {
    /// Opens the store below `folder` (usually `outputs/.etude`), without creating anything.
    pub fn at(folder: &Path) -> Self {
        Self::on(folder, Arc::new(RealDisk))
    }

    /// The same on any disk.
    pub fn on(folder: &Path, disk: Arc<dyn Disk>) -> Self {
        let layout = Layout::new(folder.join(FORMAT), disk);
        let coordination = Coordination::new(layout.clone());
        let user = User::default();
        Self {
            objects: LocalObjects {
                layout: layout.clone(),
            },
            records: Records {
                layout: layout.clone(),
            },
            ledgers: Ledgers {
                layout: layout.clone(),
                coordination: coordination.clone(),
                user: user.clone(),
            },
            snapshots: Snapshots {
                layout: layout.clone(),
                user,
            },
            known: Arc::default(),
            coordination,
            layout,
        }
    }

    /// The same store as used by the project in this folder, one of several: each has ledgers of its own, and its views lead to
    /// the store by its full path.
    pub fn used_by(mut self, project: &Path) -> Self {
        let user = User::one_of_several(project);
        self.snapshots.user = user.clone();
        self.ledgers.user = user;
        self
    }

    /// The bytes of its artifacts.
    pub fn objects(&self) -> &LocalObjects {
        &self.objects
    }

    /// How its artifacts came to be.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Who works on what in it.
    pub fn coordination(&self) -> &Coordination {
        &self.coordination
    }

    /// What the runs of each pipeline left.
    pub fn ledgers(&self) -> &Ledgers {
        &self.ledgers
    }

    /// What the last run of each pipeline saw.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// What can be done to it as a whole.
    pub fn care(&self) -> Care<'_> {
        Care { store: self }
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.layout.root
    }

    /// Creates the store's folders and sweeps what dead engines left: scratch folders, files half written, and the checkpoints
    /// of jobs that are done. The checkpoints of jobs that are not stay for the next attempt. What is found or made from here on
    /// is not removed by anybody until the store is dropped.
    ///
    /// A store that is there and that nobody here may write to can still be read: see [`Store::only_read`].
    pub fn prepare(&self) -> Result<(), Error> {
        match self.begin() {
            Err(error) if error.is_denied() && self.layout.root.is_dir() => {
                let _ = self.layout.only_read.set(error.to_string());
                Ok(())
            }
            begun => begun,
        }
    }

    /// Why the store can only be read, if it was prepared and can: nothing of a run can be noted in it then, and no job can run.
    pub fn only_read(&self) -> Option<&str> {
        self.layout.only_read()
    }

    fn begin(&self) -> Result<(), Error> {
        let names = [
            "objects",
            "records",
            "locks",
            "scratch",
            "checkpoints",
            "logs",
            "pipelines",
            "runs",
        ];
        self.layout.settle_all(
            names
                .iter()
                .map(|name| self.layout.root.join(name))
                .collect(),
        )?;
        self.coordination.begin_lease()?;
        self.leave_out_of_git();
        self.sweep_scratch();
        files::sweep_drafts(&*self.layout.disk, &self.layout.root.join("logs"));
        self.sweep_checkpoints();
        self.sweep_submitted();
        Ok(())
    }

    /// Makes git leave the store out, by a `.gitignore` beside the layout's folder, or in it where a person keeps other files
    /// beside it. One that is there stays as it is.
    fn leave_out_of_git(&self) {
        let above = files::folder_of(&self.layout.root);
        let is_ours = |path: &PathBuf| path.ends_with(FORMAT) || path.ends_with(GITIGNORE);
        let is_all_ours = files::entries(above).is_ok_and(|paths| paths.iter().all(is_ours));
        let folder = if is_all_ours {
            above
        } else {
            self.layout.root.as_path()
        };
        let path = folder.join(GITIGNORE);
        if fs::symlink_metadata(&path).is_err() {
            let draft = files::Draft::new(&*self.layout.disk, &self.layout.scratches());
            // No run fails because of it, and the next one tries again.
            let _ = draft.and_then(|draft| {
                draft.write(b"*\n")?;
                draft.publish(&path)
            });
        }
    }

    /// Where jobs have their folders that other machines do.
    pub fn submitted(&self) -> PathBuf {
        self.layout.root.join("submitted")
    }

    /// The log of the job of this key; it may not exist.
    pub fn log(&self, key: &Digest) -> PathBuf {
        self.layout.root.join("logs").join(format!("{key}.log"))
    }

    /// Starts the log of the job of this key anew.
    pub fn start_log(&self, key: &Digest, text: &str) -> Result<(), Error> {
        self.layout.write_unsynced(&self.log(key), text.as_bytes())
    }

    /// The folder of the journals.
    pub fn journals(&self) -> PathBuf {
        self.layout.root.join("runs")
    }

    /// The journal of the run of this id.
    pub fn journal(&self, run: &str) -> PathBuf {
        self.journals().join(format!("{run}.jsonl"))
    }

    /// Looks a key up: the record, and whether each object is there at its size.
    pub fn lookup(&self, key: &Digest) -> Lookup {
        let Some(lease) = self.coordination.lease() else {
            return self.find(key);
        };
        let hold = self.coordination.hold();
        let found = self.find(key);
        if let (Lookup::Present(_), Ok(hold)) = (&found, hold) {
            lease.keep(key, &hold);
        }
        found
    }

    /// A lookup by somebody who does not go on to rely on what he found.
    fn find(&self, key: &Digest) -> Lookup {
        let Some((record, _)) = self.records.read(key) else {
            return Lookup::Absent;
        };
        match self.missing_file(&record) {
            None => Lookup::Present(Box::new(record)),
            Some(_) if record.released => Lookup::Released(Box::new(record)),
            Some(file) => Lookup::Broken {
                file: file.to_string(),
                record: Box::new(record),
            },
        }
    }

    /// The first file of a record's artifact that is not there at its size.
    fn missing_file<'a>(&self, record: &'a Record) -> Option<&'a str> {
        let mut files = record.artifact.files.iter();
        let gone = files.find(|(_, file)| !self.objects.has(file));
        gone.map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        (folder, store)
    }

    fn publish(store: &Store, key: &str, bytes: &[u8]) -> Record {
        let scratch = store.scratch().unwrap();
        fs::write(scratch.out().join("table.parquet"), bytes).unwrap();
        let artifact = store.ingest(&scratch).unwrap();
        let fingerprint = json!({ "kind": key });
        let record = Record {
            key: Digest::of_key(&serde_json::to_vec(&fingerprint).unwrap()),
            fingerprint,
            artifact,
            job: "toy".into(),
            started: 0,
            seconds: 0.0,
            device: "cpu".into(),
            machine: String::new(),
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
                .objects
                .verify(&record.artifact.files["table.parquet"])
                .unwrap()
        );
        assert!(matches!(
            store.lookup(&Digest::of_key(b"other")),
            Lookup::Absent
        ));
    }

    #[test]
    fn git_leaves_a_store_out_and_what_others_keep_beside_it_in() {
        let (folder, store) = store();
        let ignore = folder.path().join(GITIGNORE);
        assert_eq!(fs::read_to_string(&ignore).unwrap(), "*\n");
        assert!(!store.layout.root.join(GITIGNORE).exists());
        // What somebody wrote there is his.
        fs::write(&ignore, "/v1/logs\n").unwrap();
        store.prepare().unwrap();
        assert_eq!(fs::read_to_string(&ignore).unwrap(), "/v1/logs\n");

        let shared = tempfile::tempdir().unwrap();
        fs::write(shared.path().join("notes.txt"), "mine").unwrap();
        let store = Store::at(shared.path());
        store.prepare().unwrap();
        assert!(!shared.path().join(GITIGNORE).exists());
        assert_eq!(
            fs::read_to_string(store.layout.root.join(GITIGNORE)).unwrap(),
            "*\n"
        );
    }

    /// A disk that nobody may write to.
    #[derive(Debug)]
    struct Denied;

    impl Disk for Denied {
        fn create_folder(&self, _: &Path) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }

        fn create(&self, _: &Path) -> io::Result<fs::File> {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        }

        fn open(&self, _: &Path) -> io::Result<fs::File> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    #[test]
    fn a_store_that_can_only_be_read_is_read() {
        let (folder, store) = store();
        assert_eq!(store.only_read(), None);
        let record = publish(&store, "a", b"bytes");
        store.coordination.hold().unwrap();
        drop(store);
        let store = Store::on(folder.path(), Arc::new(Denied));
        store.prepare().unwrap();
        let why = store.only_read().unwrap();
        assert!(why.contains("cannot create a file in"), "{why}");
        assert!(store.coordination.hold().is_ok());
        assert!(matches!(store.lookup(&record.key), Lookup::Present(_)));
        let file = &record.artifact.files["table.parquet"];
        assert!(store.objects.verify(file).unwrap());
        // No job can run.
        assert!(store.coordination.try_lock(&record.key).is_err());
        let nowhere = folder.path().join("nowhere");
        assert!(Store::on(&nowhere, Arc::new(Denied)).prepare().is_err());
    }

    #[test]
    fn a_truncated_or_deleted_object_is_not_taken_for_the_artifact() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let object = store
            .objects
            .path(&record.artifact.files["table.parquet"].digest);
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
        let object = store.objects.path(&file.digest);
        fs::remove_file(&object).unwrap();
        fs::write(&object, b"BYTES").unwrap();
        assert!(!store.objects.verify(file).unwrap());
        assert!(!object.exists());
        assert!(
            store
                .layout
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
        fs::write(store.records.path(&record.key), b"{ half").unwrap();
        assert!(matches!(store.lookup(&record.key), Lookup::Absent));
    }

    #[test]
    fn a_link_or_nothing_at_all_is_refused_as_output() {
        let (_folder, store) = store();
        let scratch = store.scratch().unwrap();
        assert!(matches!(store.ingest(&scratch), Err(Error::Empty)));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc/hostname", scratch.out().join("x")).unwrap();
            assert!(matches!(store.ingest(&scratch), Err(Error::NotAFile(_))));
        }
    }

    #[test]
    fn what_is_not_a_file_in_the_place_of_one_is_replaced() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let object = store
            .objects
            .path(&record.artifact.files["table.parquet"].digest);
        let place = store.records.path(&record.key);
        for path in [object.clone(), place.clone()] {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            fs::write(path.join("x"), "x").unwrap();
            assert!(!matches!(store.lookup(&record.key), Lookup::Present(_)));
            publish(&store, "a", b"bytes");
            assert!(matches!(store.lookup(&record.key), Lookup::Present(_)));
        }
        #[cfg(unix)]
        {
            // The same bytes, but somebody else's.
            let mine = store.layout.root.join("mine");
            fs::write(&mine, "bytes").unwrap();
            fs::remove_file(&object).unwrap();
            std::os::unix::fs::symlink(&mine, &object).unwrap();
            assert!(matches!(store.lookup(&record.key), Lookup::Broken { .. }));
            publish(&store, "a", b"bytes");
            assert!(files::is_plain(&object));
            assert_eq!(fs::read(&mine).unwrap(), b"bytes");
            let shard = object.parent().unwrap();
            fs::remove_dir_all(shard).unwrap();
            fs::write(shard, "no folder").unwrap();
            publish(&store, "a", b"bytes");
            assert!(matches!(store.lookup(&record.key), Lookup::Present(_)));
        }
    }

    #[test]
    fn a_record_of_objects_that_are_not_there_is_refused() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let object = store
            .objects
            .path(&record.artifact.files["table.parquet"].digest);
        fs::remove_file(&object).unwrap();
        fs::remove_file(store.records.path(&record.key)).unwrap();
        let refused = store.commit(&record);
        assert!(matches!(refused, Err(Error::Gone { .. })), "{refused:?}");
        assert!(matches!(store.lookup(&record.key), Lookup::Absent));
    }

    #[test]
    fn a_record_too_large_to_be_one_is_not_read() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let place = store.records.path(&record.key);
        // It takes no room: there is a hole in it.
        let file = fs::File::options().write(true).open(&place).unwrap();
        file.set_len(1 << 40).unwrap();
        assert!(matches!(store.lookup(&record.key), Lookup::Absent));
    }

    #[test]
    fn an_artifact_that_came_out_otherwise_before_stays_reachable() {
        let (_folder, store) = store();
        let first = publish(&store, "a", b"one");
        assert!(store.keep_apart(&first).unwrap());
        let second = publish(&store, "a", b"two");
        assert_eq!(first.key, second.key);
        assert_eq!(store.kept_apart(&first.key)[0], first);
        let object = store
            .objects
            .path(&first.artifact.files["table.parquet"].digest);
        fs::remove_file(object).unwrap();
        assert!(store.kept_apart(&first.key).is_empty());
        assert!(!store.keep_apart(&first).unwrap());
    }

    #[test]
    fn names_that_no_store_can_keep_are_refused_as_output() {
        let (_folder, store) = store();
        for names in [&["a", "A"][..], &["a\\b"]] {
            let scratch = store.scratch().unwrap();
            for name in names {
                fs::write(scratch.out().join(name), "x").unwrap();
            }
            let there = fs::read_dir(scratch.out()).unwrap().count();
            let taken = store.ingest(&scratch);
            assert!(there < names.len() || matches!(taken, Err(Error::Names(_))));
        }
    }
}

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
//! Whatever fails on the way, and whenever the power goes: a file is safe on the disk before it gets its name, its name before
//! anything refers to it. What is found is believed only as far as it was looked at: a lookup holds sizes against a record,
//! [`Store::verify`] holds bytes against their digest, and records and ledgers carry a digest of their own text.

mod artifact;
mod audit;
mod checkpoint;
mod digest;
mod disk;
mod family;
mod files;
mod garbage;
mod lease;
mod ledger;
mod locks;
mod outside;
mod pin;
mod provenance;
mod publish;
mod record;
mod release;
mod scratch;
mod sealed;
mod snapshot;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};

pub use artifact::{Artifact, StoredFile};
pub use audit::{Audit, Finding, Repaired, What};
pub use checkpoint::Left;
pub use digest::{Digest, ParseDigestError};
pub use disk::{Disk, RealDisk};
pub use family::StartedFrom;
pub use files::{read_named, write_atomically};
pub use garbage::{Garbage, Going, Policy, Why};
pub use ledger::Ledger;
pub use locks::{Lock, SharedLock};
pub use outside::{FileStat, Stamp, Survey, scan};
pub use pin::Pin;
pub use provenance::{Origin, Provenance};
pub use record::{Adopted, Record};
pub use scratch::Scratch;
pub use snapshot::Snapshot;
pub use view::{Retired, ViewProblem, Views, extension, file_name};

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
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
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
    root: PathBuf,
    disk: Arc<dyn Disk>,
    /// The project that uses it, where it is not the only one.
    user: Option<Digest>,
    /// Digests of large files outside that were read or looked up before.
    known: Arc<Mutex<BTreeMap<PathBuf, outside::Known>>>,
    /// Folders that are there and stay there if the power goes.
    settled: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// What this store has found and made since it was prepared, which stays.
    lease: Arc<Mutex<Option<Arc<lease::Lease>>>>,
    /// What keeps the store as it is, while somebody in this process needs that.
    held: Arc<Mutex<Weak<SharedLock>>>,
    /// Why nothing can be written to it, where that showed when it was prepared.
    only_read: Arc<OnceLock<String>>,
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
        Self {
            root: folder.join(FORMAT),
            disk,
            user: None,
            known: Arc::default(),
            settled: Arc::default(),
            lease: Arc::default(),
            held: Arc::default(),
            only_read: Arc::default(),
        }
    }

    /// The same store as used by the project in this folder, one of several: each has ledgers of its own, and its views lead to
    /// the store by its full path.
    pub fn used_by(mut self, project: &Path) -> Self {
        self.user = Some(Digest::of_bytes(project.as_os_str().as_encoded_bytes()));
        self
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Creates the store's folders and sweeps what dead engines left: scratch folders, files half written, and the checkpoints
    /// of jobs that are done. The checkpoints of jobs that are not stay for the next attempt. What is found or made from here on
    /// is not removed by anybody until the store is dropped.
    ///
    /// A store that is there and that nobody here may write to can still be read: see [`Store::only_read`].
    pub fn prepare(&self) -> Result<(), Error> {
        match self.begin() {
            Err(error) if error.is_denied() && self.root.is_dir() => {
                let _ = self.only_read.set(error.to_string());
                Ok(())
            }
            begun => begun,
        }
    }

    /// Why the store can only be read, if it was prepared and can: nothing of a run can be noted in it then, and no job can run.
    pub fn only_read(&self) -> Option<&str> {
        self.only_read.get().map(String::as_str)
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
        self.settle_all(names.iter().map(|name| self.root.join(name)).collect())?;
        self.begin_lease()?;
        self.leave_out_of_git();
        self.sweep_scratch();
        files::sweep_drafts(&*self.disk, &self.root.join("logs"));
        self.sweep_checkpoints();
        Ok(())
    }

    /// Makes git leave the store out, by a `.gitignore` beside the layout's folder, or in it where a person keeps other files
    /// beside it. One that is there stays as it is.
    fn leave_out_of_git(&self) {
        let above = files::folder_of(&self.root);
        let is_ours = |path: &PathBuf| path.ends_with(FORMAT) || path.ends_with(GITIGNORE);
        let is_all_ours = files::entries(above).is_ok_and(|paths| paths.iter().all(is_ours));
        let folder = if is_all_ours {
            above
        } else {
            self.root.as_path()
        };
        let path = folder.join(GITIGNORE);
        if fs::symlink_metadata(&path).is_err() {
            let draft = files::Draft::new(&*self.disk, &self.scratches());
            // No run fails because of it, and the next one tries again.
            let _ = draft.and_then(|draft| {
                draft.write(b"*\n")?;
                draft.publish(&path)
            });
        }
    }

    /// Sees to it that a folder of the store is there, and will be if the power goes.
    fn settle(&self, folder: &Path) -> Result<(), Error> {
        self.settle_all(vec![folder.to_path_buf()])
    }

    /// The same for several folders of one. Whatever else bears their names is set aside.
    fn settle_all(&self, mut folders: Vec<PathBuf>) -> Result<(), Error> {
        let settled = || self.settled.lock().unwrap_or_else(|p| p.into_inner());
        folders.retain(|folder| !(settled().contains(folder) && files::is_folder(folder)));
        let Some(above) = folders.first().map(|folder| files::folder_of(folder)) else {
            return Ok(());
        };
        if folders[0] == self.root {
            self.settle_root()?;
        } else {
            self.settle(above)?;
            for folder in &folders {
                if fs::symlink_metadata(folder).is_ok_and(|meta| !meta.is_dir()) {
                    self.quarantine_as(folder, "folders")?;
                }
                files::create_folders(&*self.disk, folder)?;
            }
            files::sync_folder(&*self.disk, above)?;
        }
        settled().extend(folders);
        Ok(())
    }

    /// The folders above a store are not its own: those that are missing are created, and those that were there may be links.
    fn settle_root(&self) -> Result<(), Error> {
        let missing = self.root.ancestors();
        let missing = missing.take_while(|folder| *folder != Path::new("") && !folder.is_dir());
        let missing: Vec<&Path> = missing.collect();
        files::create_folders(&*self.disk, &self.root)?;
        for folder in missing.iter().rev() {
            files::sync_folder(&*self.disk, files::folder_of(folder))?;
        }
        // Whoever created these may have died before they were safe: `outputs/.etude/v1`.
        for folder in self.root.ancestors().take(3).filter(|_| missing.is_empty()) {
            if folder != Path::new("") {
                let _ = self.disk.sync(files::folder_of(folder));
            }
        }
        Ok(())
    }

    /// Where jobs have their folders that other machines do.
    pub fn submitted(&self) -> PathBuf {
        self.root.join("submitted")
    }

    fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// Moves something out of the way, into a folder of the quarantine (`""`: the quarantine itself), and says where it lies
    /// now.
    fn quarantine_as(&self, path: &Path, within: &str) -> Result<PathBuf, Error> {
        let folder = match within {
            "" => self.quarantine(),
            within => self.quarantine().join(within),
        };
        self.settle(&folder)?;
        let name = path.file_name().unwrap_or_default();
        // The name of an object or a record is its shard's and its own.
        let sharded = [self.objects(), self.records()];
        let name = match path.parent() {
            Some(shard) if sharded.iter().any(|root| shard.parent() == Some(root)) => {
                let mut whole = shard.file_name().unwrap_or_default().to_os_string();
                whole.push(name);
                whole
            }
            _ => name.to_os_string(),
        };
        let mut aside = folder.join(&name);
        let mut more = 1;
        while fs::symlink_metadata(&aside).is_ok() {
            let mut other = name.clone();
            other.push(format!("-{more}"));
            aside = folder.join(other);
            more += 1;
        }
        self.disk
            .rename(path, &aside)
            .map_err(Error::io("set aside", path))?;
        Ok(aside)
    }

    /// Writes a file of the store so that nobody ever sees half of it. Its draft lies among the scratch, where it is swept.
    fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.draft(path, bytes)?.publish(path)
    }

    /// The same for what may be lost when the power goes.
    fn put_unsynced(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.draft(path, bytes)?.place(path)
    }

    fn draft(&self, path: &Path, bytes: &[u8]) -> Result<files::Draft<'_>, Error> {
        let (folder, scratch) = (files::folder_of(path), self.scratches());
        self.settle(&scratch)?;
        self.settle(folder)?;
        if files::is_folder(path) {
            self.quarantine_as(path, "folders")?;
        }
        let draft = files::Draft::new(&*self.disk, &scratch)?;
        draft.write(bytes)?;
        Ok(draft)
    }

    /// The path of an object.
    pub fn object(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.objects().join(&hex[..2]).join(&hex[2..])
    }

    fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    fn record_path(&self, key: &Digest) -> PathBuf {
        let hex = key.to_string();
        let name = format!("{}.json", &hex[2..]);
        self.records().join(&hex[..2]).join(name)
    }

    /// The log of the job of this key; it may not exist.
    pub fn log(&self, key: &Digest) -> PathBuf {
        self.root.join("logs").join(format!("{key}.log"))
    }

    /// Starts the log of the job of this key anew.
    pub fn start_log(&self, key: &Digest, text: &str) -> Result<(), Error> {
        self.put_unsynced(&self.log(key), text.as_bytes())
    }

    /// The folder of the journals.
    pub fn journals(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The journal of the run of this id.
    pub fn journal(&self, run: &str) -> PathBuf {
        self.journals().join(format!("{run}.jsonl"))
    }

    /// The name of a file about a pipeline, without its extension.
    fn name_of_pipeline(&self, pipeline: &str) -> String {
        let name = file_name(pipeline);
        match &self.user {
            // Another project's pipeline may have the same name.
            Some(user) => format!("{name}@{}", user.short()),
            None => name,
        }
    }

    /// Looks a key up: the record, and whether each object is there at its size.
    pub fn lookup(&self, key: &Digest) -> Lookup {
        let Some(lease) = self.lease() else {
            return self.find(key);
        };
        let hold = self.hold();
        let found = self.find(key);
        if let (Lookup::Present(_), Ok(hold)) = (&found, hold) {
            lease.keep(key, &hold);
        }
        found
    }

    /// A lookup by somebody who does not go on to rely on what he found.
    fn find(&self, key: &Digest) -> Lookup {
        let Ok(Some((record, _))) = Record::read(&self.record_path(key)) else {
            return Lookup::Absent;
        };
        if record.key != *key {
            return Lookup::Absent;
        }
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
        let gone = files.find(|(_, file)| !self.is_there(file));
        gone.map(|(name, _)| name.as_str())
    }

    /// Whether an object lies in its place at its size.
    fn is_there(&self, file: &StoredFile) -> bool {
        fs::symlink_metadata(self.object(&file.digest))
            .is_ok_and(|meta| meta.is_file() && meta.len() == file.size)
    }

    /// Where the artifact of a key came from, if no job made it.
    pub fn adopted(&self, key: &Digest) -> Option<Adopted> {
        let read = Record::read(&self.record_path(key)).ok().flatten();
        read.filter(|(record, _)| record.key == *key)?.1
    }

    /// Reads every byte of an object and holds it against its name; `false` (and the object set aside in `quarantine/`)
    /// if they differ or the object is gone.
    pub fn verify(&self, file: &StoredFile) -> Result<bool, Error> {
        let path = self.object(&file.digest);
        if self.is_right(&path, &file.digest)? {
            return Ok(true);
        }
        if fs::symlink_metadata(&path).is_err() {
            return Ok(false);
        }
        let aside = match self.quarantine_as(&path, "") {
            Ok(aside) => aside,
            // Somebody else set it aside.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        // Between reading and moving, somebody may have put the right bytes there.
        let right = self.is_right(&aside, &file.digest)?;
        if right {
            self.disk
                .rename(&aside, &path)
                .map_err(Error::io("put back", &path))?;
        }
        Ok(right)
    }

    /// Whether the bytes of an object are those it is named after. All are read, and nothing is changed.
    pub fn is_sound(&self, file: &StoredFile) -> Result<bool, Error> {
        self.is_right(&self.object(&file.digest), &file.digest)
    }

    /// The bytes of an object; an error where they are not those it is named after.
    pub fn read(&self, file: &StoredFile) -> Result<Vec<u8>, Error> {
        let path = self.object(&file.digest);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        if Digest::of_bytes(&bytes) == file.digest {
            Ok(bytes)
        } else {
            Err(Error::damaged(
                &path,
                "its bytes are not those it is named after; `etude run` makes it again",
            ))
        }
    }

    /// Whether a plain file with these bytes lies at a path.
    fn is_right(&self, path: &Path, digest: &Digest) -> Result<bool, Error> {
        if !files::is_plain(path) {
            return Ok(false);
        }
        match Digest::of_file(path) {
            Ok((found, _)) => Ok(found == *digest),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("read", path)(error)),
        }
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
        assert!(!store.root.join(GITIGNORE).exists());
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
            fs::read_to_string(store.root.join(GITIGNORE)).unwrap(),
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
        store.hold().unwrap();
        drop(store);
        let store = Store::on(folder.path(), Arc::new(Denied));
        store.prepare().unwrap();
        let why = store.only_read().unwrap();
        assert!(why.contains("cannot create a file in"), "{why}");
        assert!(store.hold().is_ok());
        assert!(matches!(store.lookup(&record.key), Lookup::Present(_)));
        let file = &record.artifact.files["table.parquet"];
        assert!(store.verify(file).unwrap());
        // No job can run.
        assert!(store.try_lock(&record.key).is_err());
        let nowhere = folder.path().join("nowhere");
        assert!(Store::on(&nowhere, Arc::new(Denied)).prepare().is_err());
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
        let object = store.object(&record.artifact.files["table.parquet"].digest);
        let place = store.record_path(&record.key);
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
            let mine = store.root.join("mine");
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
        let object = store.object(&record.artifact.files["table.parquet"].digest);
        fs::remove_file(&object).unwrap();
        fs::remove_file(store.record_path(&record.key)).unwrap();
        let refused = store.commit(&record);
        assert!(matches!(refused, Err(Error::Gone { .. })), "{refused:?}");
        assert!(matches!(store.lookup(&record.key), Lookup::Absent));
    }

    #[test]
    fn a_record_too_large_to_be_one_is_not_read() {
        let (_folder, store) = store();
        let record = publish(&store, "a", b"bytes");
        let place = store.record_path(&record.key);
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
        let object = store.object(&first.artifact.files["table.parquet"].digest);
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

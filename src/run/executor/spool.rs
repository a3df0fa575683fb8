//! A task that is done by another machine: its folder on a file system that both see.
//!
//! It lies in the store, below a folder named by the cache key of its job, and outlives the engine that made it. Each
//! submission has a folder of its own name, so that a machine which still works on an earlier one writes into nothing. Its
//! files:
//!
//! ```text
//! task.json   what to do
//! cell        to which cell of which array it was given, written before that is submitted
//! events      what the machine tells while it works, a JSON line each
//! working     locked by the machine that works on it, so that another waits that was told to do it too
//! attempt-…/  the folder of an attempt: its own `task.json`, and `out/` for what it leaves
//! end.json    how the work ended: the only truth of success
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::worker::FromWorker;
use super::{Failure, Task};
use crate::pipeline::Cause;
use crate::store::{Error, write_atomically};

/// The folder of one task.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    /// The folder of the key.
    root: PathBuf,
    /// That of the submission.
    folder: PathBuf,
}

/// Which cell of an array does a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    /// The name of the array.
    pub array: String,
    /// The cell's number in it.
    pub cell: u32,
}

/// How the work on a task ended, as the machine that did it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct End {
    pub how: How,
    /// When the work began, in seconds since 1970.
    pub started: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    /// It left its artifact, in the folder of this attempt.
    Done(String),
    /// The machine was told to stop; it saved what it had.
    Stopped(Stopped),
    /// It failed.
    Failed(Cause, String),
}

/// Why a machine stopped before its work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stopped {
    /// Its time was nearly over.
    OutOfTime,
    /// Somebody told it to end: the batch system needs its place, or the job was cancelled.
    Told,
}

const OUT: &str = "out";
const WORKING: &str = "working";
const CELL: &str = "cell";
const EVENTS: &str = "events";
const END: &str = "end.json";

impl Spool {
    /// That of this folder, which may not exist.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self {
            root: folder.clone(),
            folder,
        }
    }

    /// The one below the folder of a key, if there is one.
    pub(super) fn of(root: PathBuf) -> Self {
        let entries = fs::read_dir(&root).into_iter().flatten().flatten();
        let mut folders = entries.map(|entry| entry.path());
        let folder = folders.find(|folder| folder.join(Task::FILE).is_file());
        Self {
            folder: folder.unwrap_or_else(|| root.join("none")),
            root,
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.folder.join(Task::FILE).is_file()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lays it out anew for a task.
    pub(super) fn create(&mut self, task: &Task) -> Result<(), Error> {
        self.remove()?;
        let root = &self.root;
        fs::create_dir_all(root).map_err(Error::io("create", root))?;
        let folder = tempfile::Builder::new().prefix("task-").tempdir_in(root);
        self.folder = folder
            .map_err(Error::io("create a folder in", root))?
            .keep();
        task.write(&self.folder)
    }

    pub(super) fn task(&self) -> Result<Task, String> {
        Task::read(&self.folder)
    }

    /// Whether it was laid out for the same work: on such a device, from the same files, which nobody has touched since.
    pub(super) fn is_for(&self, task: &Task) -> bool {
        let has_cards = |task: &Task| task.cards.as_ref().is_none_or(|cards| !cards.is_empty());
        let what = |task: &Task| {
            let (holes, read) = (task.holes.clone(), task.read.clone());
            (task.key, task.device, has_cards(task), holes, read)
        };
        self.task().is_ok_and(|own| what(&own) == what(task))
    }

    /// Notes which cell is to do it.
    pub(super) fn assign(&self, place: &Place) -> Result<(), Error> {
        let text = serde_json::to_vec(place).expect("plain data");
        write_atomically(&self.folder.join(CELL), &text)
    }

    pub(super) fn place(&self) -> Option<Place> {
        let text = fs::read(self.folder.join(CELL)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether an attempt's output is still there.
    pub(super) fn has_output(&self, attempt: &str) -> bool {
        self.folder.join(attempt).join(OUT).is_dir()
    }

    /// How the work ended, once it has.
    pub(super) fn end(&self) -> Option<End> {
        let text = fs::read(self.folder.join(END)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps other machines from the work until dropped, once none has it: a batch system starts a job anew whose node it
    /// only believes to be dead. Nothing where it is to stop before that, or nobody asks for the work any more. Where nothing can
    /// be locked, nobody waits.
    pub(super) fn work(&self, stop: &AtomicBool) -> io::Result<Option<File>> {
        let path = self.folder.join(WORKING);
        let file = File::options().create(true).append(true).open(path)?;
        while !stop.load(Ordering::SeqCst) {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(200)),
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(self.exists().then_some(file)),
            }
        }
        Ok(None)
    }

    /// Begins an attempt: the task leaves its output in a folder that is no other's.
    pub(super) fn begin(&self, task: &mut Task) -> io::Result<()> {
        let end = self.folder.join(END);
        if end.exists() {
            fs::remove_file(end)?;
        }
        let attempt = tempfile::Builder::new()
            .prefix("attempt-")
            .tempdir_in(&self.folder)?
            .keep();
        task.out = attempt.join(OUT);
        fs::create_dir(&task.out)?;
        task.write(&attempt).map_err(io::Error::other)
    }

    /// Says how the work ended, unless nobody asks for it any more.
    pub(super) fn finish(&self, end: &End) -> io::Result<()> {
        let text = serde_json::to_vec(end).expect("plain data");
        let mut draft = match tempfile::NamedTempFile::new_in(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            draft => draft?,
        };
        draft.write_all(&text)?;
        draft.as_file().sync_all()?;
        draft.persist(self.folder.join(END))?;
        Ok(())
    }

    /// Adds a line of what there is to tell; one that cannot be written is lost, and stops nothing.
    pub(super) fn tell(&self, event: &FromWorker) {
        let mut line = serde_json::to_string(event).expect("plain data");
        line.push('\n');
        let file = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join(EVENTS));
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }

    /// What was told since `read` bytes of it were; only whole lines count.
    pub(super) fn told(&self, read: &mut u64) -> Vec<FromWorker> {
        let mut text = Vec::new();
        let news = File::open(self.folder.join(EVENTS)).and_then(|mut file| {
            file.seek(SeekFrom::Start(*read))?;
            file.read_to_end(&mut text)
        });
        if news.is_err() {
            return Vec::new();
        }
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        text.truncate(whole.map_or(0, |at| at + 1));
        *read += text.len() as u64;
        let lines = text.split(|byte| *byte == b'\n');
        lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    /// Puts what an attempt left into an empty folder too: it stays here until its record is written.
    pub(super) fn deliver(&self, attempt: &str, to: &Path) -> Result<(), Error> {
        link_all(&self.folder.join(attempt).join(OUT), to)
    }

    /// Removes it. Its name is free at once, whoever still writes into it.
    pub(super) fn remove(&self) -> Result<(), Error> {
        if !self.root.is_dir() {
            return Ok(());
        }
        let parent = self.root.parent().unwrap_or(Path::new("."));
        let aside = tempfile::Builder::new().prefix(OLD).tempdir_in(parent);
        let aside = aside.map_err(Error::io("create a folder in", parent))?;
        let gone = aside.path().join("task");
        fs::rename(&self.root, &gone).map_err(Error::io("remove", &self.root))?;
        // What a machine still holds open is removed by a later collection.
        let _ = aside.close();
        Ok(())
    }
}

/// Links what is in a folder into another, and copies it where it cannot be linked. What is neither file nor folder is left to
/// whoever takes it in, who refuses it.
fn link_all(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let entry = entry.map_err(Error::io("read", from))?;
        let (path, at) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::io("read", &path))?;
        if kind.is_dir() {
            fs::create_dir(&at).map_err(Error::io("create", &at))?;
            link_all(&path, &at)?;
        } else if kind.is_file() {
            let linked = fs::hard_link(&path, &at).or_else(|_| fs::copy(&path, &at).map(|_| ()));
            linked.map_err(Error::io("copy to", &at))?;
        } else {
            fs::rename(&path, &at).map_err(Error::io("move to", &at))?;
        }
    }
    Ok(())
}

/// What the names of folders begin with that are being removed.
const OLD: &str = ".old-";

impl How {
    /// How an attempt ended that has this folder.
    pub(super) fn of(worked: Result<(), Failure>, attempt: &Path) -> Self {
        let name = attempt.file_name().unwrap_or_default();
        match worked {
            Ok(()) => Self::Done(name.to_string_lossy().into_owned()),
            Err(Failure::Cancelled) => Self::Stopped(Stopped::Told),
            Err(Failure::Failed(cause, message)) => Self::Failed(cause, message),
        }
    }
}

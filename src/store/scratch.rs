//! Private folders of running jobs, on the store's own file system, so that publishing is a rename.
//!
//! Beside each stands a file that is locked while its owner lives: `job-x.alive` comes before `job-x` and goes after it, so a
//! folder without one is nobody's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::coordination::SharedLock;
use super::disk::Disk;
use super::{Digest, Error, Lookup, Store, files};

/// A private, empty folder for one job; removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    alive: PathBuf,
    disk: Arc<dyn Disk>,
    /// Held while the folder is in use, so that a later engine can tell a live folder from a dead one's.
    _lock: File,
    /// From when its files are taken in: nothing refers to them yet.
    pub(super) hold: Mutex<Option<Arc<SharedLock>>>,
}

impl Scratch {
    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder in it that the job is to fill.
    pub fn out(&self) -> PathBuf {
        self.folder.join("out")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that cannot be removed now is swept by the next engine.
        let _ = remove(&*self.disk, &self.folder, &self.alive);
    }
}

fn remove(disk: &dyn Disk, folder: &Path, alive: &Path) -> std::io::Result<()> {
    if files::is_folder(folder) {
        disk.remove_all(folder)?;
    }
    disk.remove(alive)
}

const ALIVE: &str = ".alive";

impl Store {
    /// A fresh private folder.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        let parent = self.layout.scratches();
        let (lock, alive) = files::create_locked(&*self.layout.disk, &parent, "job-", ALIVE)?;
        let scratch = Scratch {
            folder: alive.with_extension(""),
            alive,
            disk: self.layout.disk.clone(),
            _lock: lock,
            hold: Mutex::default(),
        };
        for folder in [scratch.folder.clone(), scratch.out()] {
            self.layout
                .disk
                .create_folder(&folder)
                .map_err(Error::io("create", &folder))?;
        }
        Ok(scratch)
    }

    /// What dead engines left among the private folders.
    pub(super) fn dead_scratch(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.layout.scratches())
            .into_iter()
            .flatten()
            .flatten();
        let mut dead = Vec::new();
        for entry in entries {
            let path = entry.path();
            let is_dead = match path.extension() {
                Some(_) => files::dead(&path).is_some(),
                None if files::is_folder(&path) => !path.with_extension(&ALIVE[1..]).exists(),
                None => files::dead(&path).is_some(),
            };
            if is_dead {
                dead.push(path);
            }
        }
        dead
    }

    /// Removes what jobs left on the way here whose records were written: an engine died right after that.
    pub(super) fn sweep_submitted(&self) {
        for path in files::entries(&self.submitted()).unwrap_or_default() {
            let name = path.file_name().and_then(|name| name.to_str());
            let key = name.and_then(|name| name.parse::<Digest>().ok());
            if let Some(key) = key
                && matches!(self.find(&key), Lookup::Present(_))
                && let Ok(Some(_lock)) = self.coordination.try_lock(&key)
            {
                let _ = self.layout.disk.remove_all(&path);
            }
        }
    }

    /// Removes what dead engines left, as far as that is possible.
    pub(super) fn sweep_scratch(&self) {
        for path in self.dead_scratch() {
            if files::is_folder(&path) {
                let _ = self.layout.disk.remove_all(&path);
            } else if let Some(_dead) = files::dead(&path) {
                let _ = match path.extension() {
                    Some(alive) if alive == &ALIVE[1..] => {
                        remove(&*self.layout.disk, &path.with_extension(""), &path)
                    }
                    _ => self.layout.disk.remove(&path),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_engines_scratch_is_swept_and_a_live_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        let live = store.scratch().unwrap();
        let at = |name: &str| store.layout.scratches().join(name);
        for name in ["job-dead", "job-older"] {
            fs::create_dir_all(at(name).join("out")).unwrap();
        }
        for name in ["job-dead.alive", "job-before.alive", ".new-draft"] {
            fs::write(at(name), b"").unwrap();
        }
        let draft = files::Draft::new(&*store.layout.disk, &store.layout.scratches()).unwrap();
        assert_eq!(store.dead_scratch().len(), 4);
        store.prepare().unwrap();
        assert!(live.out().exists());
        // Among them what the store itself relies on.
        assert_eq!(fs::read_dir(store.layout.scratches()).unwrap().count(), 4);
        drop((live, draft));
        assert_eq!(fs::read_dir(store.layout.scratches()).unwrap().count(), 1);
    }
}

//! What an attempt at a job leaves for the next: a folder for each cache key, which outlives engines and workers.
//!
//! What lies in it is the job's business and never part of an artifact. But it was computed from what the job read, and an
//! attempt that was cut short was never asked whether that had changed meanwhile. So beside the folder stands what all
//! attempts read, and on which device; where any of it is another now, the folder starts empty.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Digest, Error, Lock, Lookup, Stamp, Store, files, sealed};

/// What the attempts at a job read, and where they computed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Basis {
    device: String,
    /// Paths below the store are from its root, so that it can be moved.
    files: BTreeMap<PathBuf, Stamp>,
}

/// What an attempt finds in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing: it is the first, or those before it saved nothing.
    Nothing,
    /// What those before it saved.
    Saved,
    /// Nothing, because what they saved came from other files or from another device; it was removed.
    Discarded,
    /// Files, but what they were made from cannot be read: they were removed.
    Damaged,
}

impl Store {
    pub(super) fn checkpoints(&self) -> PathBuf {
        self.layout.root.join("checkpoints")
    }

    /// The folder of a key; it may not exist.
    pub fn checkpoint(&self, key: &Digest) -> PathBuf {
        self.checkpoints().join(key.to_string())
    }

    /// Whether a worker still works in the folder of a key: one whose engine was killed a moment ago.
    pub fn is_checkpoint_held(&self, key: &Digest) -> bool {
        let folder = File::open(self.checkpoint(key));
        folder.is_ok_and(|folder| matches!(folder.try_lock(), Err(TryLockError::WouldBlock)))
    }

    fn basis(&self, key: &Digest) -> PathBuf {
        self.checkpoints().join(format!("{key}.json"))
    }

    /// Makes the folder of a key ready for an attempt on this device that reads these files: as the last one left it, or
    /// empty. The lock is that of the key: a folder has one writer.
    pub fn open_checkpoint<'a>(
        &self,
        key: &Digest,
        _lock: &Lock,
        device: &str,
        reads: impl IntoIterator<Item = (&'a Path, Stamp)>,
    ) -> Result<Left, Error> {
        let folder = self.checkpoint(key);
        let holds = || {
            let entries = fs::read_dir(&folder);
            files::is_folder(&folder) && entries.is_ok_and(|mut entries| entries.next().is_some())
        };
        let mut left = if holds() { Left::Saved } else { Left::Nothing };
        let basis = self.read_basis(key);
        let is_known = basis.is_some();
        let stands = |basis: &Basis| {
            let mut files = basis.files.iter();
            basis.device == device
                && files
                    .all(|(path, stamp)| Stamp::of(&self.layout.root.join(path)) == Some(*stamp))
        };
        let mut basis = match basis.filter(stands) {
            Some(basis) => basis,
            None => {
                self.remove_checkpoint(key)?;
                if left == Left::Saved {
                    left = if is_known {
                        Left::Discarded
                    } else {
                        Left::Damaged
                    };
                }
                Basis {
                    device: device.to_string(),
                    ..Basis::default()
                }
            }
        };
        for (path, stamp) in reads {
            let path = match path.strip_prefix(&self.layout.root) {
                Ok(inside) => inside.to_path_buf(),
                Err(_) => path.to_path_buf(),
            };
            basis.files.insert(path, stamp);
        }
        self.layout.write(&self.basis(key), &sealed::seal(&basis))?;
        if !files::is_folder(&folder) {
            // A link there would lead the job out of the store.
            if fs::symlink_metadata(&folder).is_ok() {
                self.layout
                    .disk
                    .remove(&folder)
                    .map_err(Error::io("remove", &folder))?;
            }
            self.layout
                .disk
                .create_folder(&folder)
                .map_err(Error::io("create", &folder))?;
        }
        Ok(left)
    }

    fn read_basis(&self, key: &Digest) -> Option<Basis> {
        let text = files::read_small(&self.basis(key)).ok()?;
        sealed::unseal(&text, &["device", "files"]).ok()
    }

    /// Removes the folder of a key and all that is in it, as far as that is possible: the next attempt that finds a rest
    /// without what it was made from removes it.
    pub fn discard_checkpoint(&self, key: &Digest) {
        let _ = self.remove_checkpoint(key);
    }

    /// What it was made from comes first, and goes first: a rest without that is nothing to go on from.
    pub(super) fn checkpoint_paths(&self, key: &Digest) -> [PathBuf; 2] {
        [self.basis(key), self.checkpoint(key)]
    }

    fn remove_checkpoint(&self, key: &Digest) -> Result<(), Error> {
        for path in self.checkpoint_paths(key) {
            let removed = match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_dir() => self.layout.disk.remove_all(&path),
                Ok(_) => self.layout.disk.remove(&path),
                Err(_) => Ok(()),
            };
            removed.map_err(Error::io("remove", &path))?;
        }
        Ok(())
    }

    /// Removes the folder of a key if nothing is in it.
    pub fn tidy_checkpoint(&self, key: &Digest) {
        if self
            .layout
            .disk
            .remove_folder(&self.checkpoint(key))
            .is_ok()
        {
            let _ = self.layout.disk.remove(&self.basis(key));
        }
    }

    /// The keys that have a checkpoint, or a part of one.
    pub(super) fn checkpointed(&self) -> BTreeSet<Digest> {
        let entries = fs::read_dir(self.checkpoints());
        let names = entries.into_iter().flatten().flatten();
        let keys = names.filter_map(|entry| {
            let name = entry.file_name();
            let name = name.to_str()?;
            name.strip_suffix(".json").unwrap_or(name).parse().ok()
        });
        keys.collect()
    }

    /// Removes the checkpoints of jobs that have their artifact: an engine died right after it had committed one. Those of jobs
    /// that have none stay.
    pub(super) fn sweep_checkpoints(&self) {
        for key in self.checkpointed() {
            if matches!(self.find(&key), Lookup::Present(_))
                && let Ok(Some(_lock)) = self.coordination.try_lock(&key)
            {
                self.discard_checkpoint(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        store: Store,
        key: Digest,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::at(&folder.path().join("store"));
            store.prepare().unwrap();
            fs::write(folder.path().join("input"), "one").unwrap();
            let key = Digest::of_key(b"job");
            Self { folder, store, key }
        }

        fn open(&self, device: &str) -> (PathBuf, Left) {
            let lock = self
                .store
                .coordination
                .try_lock(&self.key)
                .unwrap()
                .unwrap();
            let input = self.folder.path().join("input");
            let stamp = Stamp::of(&input).unwrap();
            let reads = [(input.as_path(), stamp)];
            let left = self.store.open_checkpoint(&self.key, &lock, device, reads);
            (self.store.checkpoint(&self.key), left.unwrap())
        }
    }

    #[test]
    fn the_next_attempt_finds_what_the_last_one_left() {
        let bench = Bench::new();
        let (folder, left) = bench.open("cpu");
        assert_eq!(left, Left::Nothing);
        fs::write(folder.join("state"), "half").unwrap();
        bench.store.prepare().unwrap();
        assert_eq!(bench.open("cpu").1, Left::Saved);
        assert!(folder.join("state").exists());
        bench.store.discard_checkpoint(&bench.key);
        let folder = bench.store.checkpoints();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }

    #[test]
    fn what_was_computed_elsewhere_or_from_other_files_is_not_found() {
        let bench = Bench::new();
        let save = || fs::write(bench.store.checkpoint(&bench.key).join("state"), "half").unwrap();
        let found = |device: &str| {
            let (folder, left) = bench.open(device);
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
            left
        };
        bench.open("cpu");
        save();
        assert_eq!(found("cuda"), Left::Discarded);
        save();
        fs::write(bench.folder.path().join("input"), "other").unwrap();
        assert_eq!(found("cuda"), Left::Discarded);
        save();
        fs::write(bench.store.basis(&bench.key), "{ half").unwrap();
        assert_eq!(found("cuda"), Left::Damaged);
    }

    #[test]
    fn a_folder_without_anything_in_it_is_no_litter() {
        let bench = Bench::new();
        let (folder, _) = bench.open("cpu");
        fs::write(folder.join("state"), "half").unwrap();
        bench.store.tidy_checkpoint(&bench.key);
        assert!(folder.exists());
        fs::remove_file(folder.join("state")).unwrap();
        bench.store.tidy_checkpoint(&bench.key);
        let folder = bench.store.checkpoints();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_folder_is_not_followed() {
        let bench = Bench::new();
        let mine = bench.folder.path().join("mine");
        fs::create_dir(&mine).unwrap();
        fs::write(mine.join("file"), "mine").unwrap();
        fs::remove_dir(bench.open("cpu").0).unwrap();
        std::os::unix::fs::symlink(&mine, bench.store.checkpoint(&bench.key)).unwrap();
        let (folder, _) = bench.open("cpu");
        assert!(fs::symlink_metadata(&folder).unwrap().is_dir());
        assert!(mine.join("file").exists());
    }
}

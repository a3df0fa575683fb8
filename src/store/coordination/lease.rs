//! What engines that run now rely on, so that nothing of it is removed.
//!
//! An engine writes down every key whose artifact it has found or made, in a file that is locked while it lives. A key is
//! written down while the store is held, so whoever is alone in it reads all of them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::store::Digest;
use crate::store::coordination::locks::SharedLock;
use crate::store::disk::Disk;

/// The keys that one engine relies on.
#[derive(Debug)]
pub(in crate::store) struct Lease {
    path: PathBuf,
    file: File,
    disk: Arc<dyn Disk>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: BTreeSet<Digest>,
    /// Where a key cannot be written down, nothing at all is removed while the engine lives.
    all: Option<Arc<SharedLock>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // One that cannot be removed now is swept by the next engine.
        let _ = self.disk.remove(&self.path);
    }
}

impl Lease {
    pub(in crate::store) fn new(path: PathBuf, file: File, disk: Arc<dyn Disk>) -> Self {
        Self {
            path,
            file,
            disk,
            kept: Mutex::default(),
        }
    }

    /// Whether this is its file.
    pub(in crate::store) fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Keeps the artifact of a key; the store is held meanwhile.
    pub(in crate::store) fn keep(&self, key: &Digest, hold: &Arc<SharedLock>) {
        let mut kept = self.kept.lock().unwrap_or_else(|p| p.into_inner());
        if kept.all.is_none() && kept.keys.insert(*key) {
            let line = format!("{key}\n");
            if self.disk.write(&self.file, line.as_bytes()).is_err() {
                kept.all = Some(hold.clone());
            }
        }
    }
}

//! What engines that run now rely on, so that nothing of it is removed.
//!
//! An engine writes down every key whose artifact it has found or made, in a file that is locked while it lives. A key is
//! written down while the store is held, so whoever is alone in it reads all of them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::disk::Disk;
use super::locks::SharedLock;
use super::{Digest, Error, Store, files};

/// The keys that one engine relies on.
#[derive(Debug)]
pub(super) struct Lease {
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

const USES: &str = ".uses";

impl Store {
    /// From now on, what is found or made stays until this store is dropped.
    pub(super) fn begin_lease(&self) -> Result<(), Error> {
        let mut lease = self.lease.lock().unwrap_or_else(|p| p.into_inner());
        if lease.is_none() {
            let (file, path) =
                files::create_locked(&*self.disk, &self.scratches(), "engine-", USES)?;
            *lease = Some(Arc::new(Lease {
                path,
                file,
                disk: self.disk.clone(),
                kept: Mutex::default(),
            }));
        }
        Ok(())
    }

    pub(super) fn lease(&self) -> Option<Arc<Lease>> {
        let lease = self.lease.lock().unwrap_or_else(|p| p.into_inner());
        lease.clone()
    }

    /// The keys that engines rely on, but for one of them. Only whoever is alone can rely on that.
    pub(super) fn leased(&self, but: Option<&Lease>) -> Result<BTreeSet<Digest>, Error> {
        let mut keys = BTreeSet::new();
        for path in files::entries(&self.scratches())? {
            let is_theirs = but.is_none_or(|lease| lease.path != path);
            if path.extension() != Some(USES[1..].as_ref())
                || !is_theirs
                || files::dead(&path).is_some()
            {
                continue;
            }
            let text = match fs::read_to_string(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                text => text.map_err(Error::io("read", &path))?,
            };
            for line in text.lines() {
                let key = line.parse::<Digest>();
                keys.insert(key.map_err(|error| Error::damaged(&path, error.to_string()))?);
            }
        }
        Ok(keys)
    }
}

impl Lease {
    /// Keeps the artifact of a key; the store is held meanwhile.
    pub(super) fn keep(&self, key: &Digest, hold: &Arc<SharedLock>) {
        let mut kept = self.kept.lock().unwrap_or_else(|p| p.into_inner());
        if kept.all.is_none() && kept.keys.insert(*key) {
            let line = format!("{key}\n");
            if self.disk.write(&self.file, line.as_bytes()).is_err() {
                kept.all = Some(hold.clone());
            }
        }
    }
}

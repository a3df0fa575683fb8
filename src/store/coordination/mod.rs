//! Who works on what: one lock a job, one of the whole store, and one of its ledgers.
//!
//! All of them are the kernel's, which lets go of them when their holder dies, so that none is ever left behind.
//!
//! The lock of a job's key is held from before its artifact is looked for until it is committed. The lock of the store
//! is shared by all who build on what lies in it, for as long as nothing else says that they do: from the moment an object is
//! taken for granted until a record refers to it, and from looking at a record until it is written down that somebody relies on
//! it. Whoever removes things holds it alone, and so never sees half of any of this: see [`care`](super::care).

mod lease;
mod locks;

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::layout::Layout;
use super::{Digest, Error, files, is_denied};
use lease::Lease;
use locks::ExclusiveLock;
pub use locks::{Lock, SharedLock};

/// What the files end with that say what an engine relies on.
const USES: &str = ".uses";

/// Who works on what in a store.
#[derive(Debug, Clone)]
pub struct Coordination {
    layout: Layout,
    /// What this store has found and made since it was prepared, which stays.
    lease: Arc<Mutex<Option<Arc<Lease>>>>,
    /// What keeps the store as it is, while somebody in this process needs that.
    held: Arc<Mutex<Weak<SharedLock>>>,
}

impl Coordination {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            lease: Arc::default(),
            held: Arc::default(),
        }
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.layout.root.join("locks")
    }

    fn whole(&self) -> PathBuf {
        self.folder().join("store")
    }

    /// Keeps everything that lies in the store where it is, until dropped. Waits while somebody removes things.
    pub fn hold(&self) -> Result<Arc<SharedLock>, Error> {
        // One a process: whoever waits for the store to be his alone must not come between two of one job.
        let mut held = self.held.lock().unwrap_or_else(|p| p.into_inner());
        if let Some(hold) = held.upgrade() {
            return Ok(hold);
        }
        let path = self.whole();
        let file = match self.layout.disk.open(&path) {
            // To share a lock it is enough to read its file.
            Err(error) if is_denied(&error) => File::open(&path),
            opened => opened,
        };
        let file = file.map_err(Error::io("open", &path))?;
        file.lock_shared().map_err(Error::io("lock", &path))?;
        let hold = Arc::new(SharedLock { _file: file });
        *held = Arc::downgrade(&hold);
        Ok(hold)
    }

    /// Waits until nobody holds the store; `None` if that takes too long.
    pub(super) fn alone(&self, patience: Duration) -> Result<Option<ExclusiveLock>, Error> {
        // Another engine may be making the store at this moment.
        self.layout.settle(&self.folder())?;
        let path = self.whole();
        let file = self
            .layout
            .disk
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(ExclusiveLock { _file: file })),
                Err(TryLockError::WouldBlock) if start.elapsed() >= patience => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
            }
        }
    }

    /// Waits until nobody else changes a ledger. It is held only while one is read and written anew.
    pub(super) fn lock_ledgers(&self) -> Result<Lock, Error> {
        let folder = self.folder();
        self.layout.settle(&folder)?;
        let path = folder.join("ledgers");
        let file = self
            .layout
            .disk
            .open(&path)
            .map_err(Error::io("open", &path))?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(Lock { _file: file })
    }

    /// Takes the lock of a key if nobody holds it.
    pub fn try_lock(&self, key: &Digest) -> Result<Option<Lock>, Error> {
        let _hold = self.hold()?;
        let path = self.folder().join(key.to_string());
        let file = self
            .layout
            .disk
            .open(&path)
            .map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }

    /// From now on, what is found or made stays until this store is dropped.
    pub(super) fn begin_lease(&self) -> Result<(), Error> {
        let mut lease = self.lease.lock().unwrap_or_else(|p| p.into_inner());
        if lease.is_none() {
            let (file, path) = files::create_locked(
                &*self.layout.disk,
                &self.layout.scratches(),
                "engine-",
                USES,
            )?;
            *lease = Some(Arc::new(Lease::new(path, file, self.layout.disk.clone())));
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
        for path in files::entries(&self.layout.scratches())? {
            let is_theirs = but.is_none_or(|lease| !lease.is_at(&path));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_lock_is_held_by_one_and_free_after() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        let key = Digest::of_key(b"a");
        let held = store.coordination.try_lock(&key).unwrap();
        assert!(held.is_some());
        assert!(store.coordination.try_lock(&key).unwrap().is_none());
        drop(held);
        assert!(store.coordination.try_lock(&key).unwrap().is_some());
    }

    #[test]
    fn whoever_is_alone_waits_for_all_who_hold_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Store::at(folder.path()), Store::at(folder.path()));
        one.prepare().unwrap();
        let hold = (
            one.coordination.hold().unwrap(),
            one.coordination.hold().unwrap(),
            other.coordination.hold().unwrap(),
        );
        let alone = || one.coordination.alone(Duration::ZERO).unwrap();
        assert!(alone().is_none());
        drop((hold.0, hold.2));
        assert!(alone().is_none(), "one still holds it");
        drop(hold.1);
        assert!(alone().is_some());
    }

    #[test]
    fn a_store_that_is_just_being_made_can_be_held_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        std::fs::create_dir_all(store.root()).unwrap();
        assert!(store.coordination.alone(Duration::ZERO).unwrap().is_some());
    }
}

//! Who works on what: one lock a job, one of the whole store, and one of its ledgers.
//!
//! All of them are the kernel's, which lets go of them when their holder dies, so that none is ever left behind.
//!
//! The lock of a job's key is held from before its artifact is looked for until it is committed. The lock of the store
//! is shared by all who build on what lies in it, for as long as nothing else says that they do: from the moment an object is
//! taken for granted until a record refers to it, and from looking at a record until it is written down that somebody relies on
//! it. Whoever removes things holds it alone, and so never sees half of any of this: see [`garbage`](super::garbage).

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Digest, Error, Store, is_denied};

/// The lock of one cache key, or of the ledgers, held until dropped; the kernel releases it when the holder dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// While it is held, nothing is removed from the store.
#[derive(Debug)]
pub struct SharedLock {
    _file: File,
}

/// While it is held, nobody builds on what lies in the store.
pub(super) struct ExclusiveLock {
    _file: File,
}

impl Store {
    pub(super) fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }

    fn whole(&self) -> PathBuf {
        self.locks().join("store")
    }

    /// Keeps everything that lies in the store where it is, until dropped. Waits while somebody removes things.
    pub fn hold(&self) -> Result<Arc<SharedLock>, Error> {
        // One a process: whoever waits for the store to be his alone must not come between two of one job.
        let mut held = self.held.lock().unwrap_or_else(|p| p.into_inner());
        if let Some(hold) = held.upgrade() {
            return Ok(hold);
        }
        let path = self.whole();
        let file = match self.disk.open(&path) {
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
        self.settle(&self.locks())?;
        let path = self.whole();
        let file = self.disk.open(&path).map_err(Error::io("open", &path))?;
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
        let folder = self.locks();
        self.settle(&folder)?;
        let path = folder.join("ledgers");
        let file = self.disk.open(&path).map_err(Error::io("open", &path))?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(Lock { _file: file })
    }

    /// Takes the lock of a key if nobody holds it.
    pub fn try_lock(&self, key: &Digest) -> Result<Option<Lock>, Error> {
        let _hold = self.hold()?;
        let path = self.locks().join(key.to_string());
        let file = self.disk.open(&path).map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_free_after() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        let key = Digest::of_key(b"a");
        let held = store.try_lock(&key).unwrap();
        assert!(held.is_some());
        assert!(store.try_lock(&key).unwrap().is_none());
        drop(held);
        assert!(store.try_lock(&key).unwrap().is_some());
    }

    #[test]
    fn whoever_is_alone_waits_for_all_who_hold_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Store::at(folder.path()), Store::at(folder.path()));
        one.prepare().unwrap();
        let hold = (
            one.hold().unwrap(),
            one.hold().unwrap(),
            other.hold().unwrap(),
        );
        let alone = || one.alone(Duration::ZERO).unwrap();
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
        assert!(store.alone(Duration::ZERO).unwrap().is_some());
    }
}

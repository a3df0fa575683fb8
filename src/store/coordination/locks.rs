//! Locks of the kernel, which lets go of them when their holder dies, so that none is ever left behind.

use std::fs::File;

/// The lock of one cache key, or of the ledgers, held until dropped; the kernel releases it when the holder dies.
#[derive(Debug)]
pub struct Lock {
    pub(in crate::store) _file: File,
}

/// While it is held, nothing is removed from the store.
#[derive(Debug)]
pub struct SharedLock {
    pub(in crate::store) _file: File,
}

/// While it is held, nobody builds on what lies in the store.
pub(in crate::store) struct ExclusiveLock {
    pub(in crate::store) _file: File,
}

//! Releasing: what a stage declares as kept only until it is used gives its bytes back, and its record stays.
//!
//! The record is marked first. Then those objects go that no other record needs. Dying in between leaves an artifact that is
//! marked and still whole, or partly there; both are as good as gone and are made again where somebody needs them.

use std::collections::BTreeSet;
use std::fs;

use super::{Digest, Error, Lookup, Record, Store};

impl Store {
    /// Releases the artifacts of these keys; returns how many bytes that freed.
    pub fn release(&self, keys: &[Digest]) -> Result<u64, Error> {
        let mut released = Vec::new();
        for key in keys {
            if let Lookup::Present(mut record) = self.lookup(key) {
                record.released = true;
                self.commit(&record)?;
                released.push(record);
            }
        }
        if released.is_empty() {
            return Ok(0);
        }
        let mut needed = BTreeSet::new();
        self.each_record(|record: &Record| {
            if !record.released {
                needed.extend(record.artifact.files.values().map(|file| file.digest));
            }
        });
        let mut freed = 0;
        for file in released
            .iter()
            .flat_map(|record| record.artifact.files.values())
        {
            if !needed.contains(&file.digest) && fs::remove_file(self.object(&file.digest)).is_ok()
            {
                freed += file.size;
            }
        }
        Ok(freed)
    }
}

//! Records without bytes. What a stage declares as kept only until it is used is released: its bytes go, and its record stays.
//! What somebody else published has a record too, and not all of its bytes can be had.
//!
//! The record is marked first. Then those objects go that no other record needs. Dying in between leaves an artifact that is
//! marked and still whole, or partly there; both are as good as gone and are made again where somebody needs them. Like all
//! removal it is done while the store is held alone (see [`coordination`](super::super::coordination)), and what another engine relies on stays.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use super::Care;
use crate::store::{Digest, Error, Lookup};

/// How long others who work on the store are waited for; what is not released now is the next time.
const PATIENCE: Duration = Duration::from_secs(1);

impl Care<'_> {
    /// Releases the artifacts of these keys, but for those that are pinned or that another engine relies on; returns which it
    /// did, none where others do not let go of the store.
    pub fn release(&self, keys: &[Digest]) -> Result<Vec<Digest>, Error> {
        let Some(_alone) = self.store.coordination.alone(PATIENCE)? else {
            return Ok(Vec::new());
        };
        let mine = self.store.coordination.lease();
        let relied = self.store.coordination.leased(mine.as_deref())?;
        let mut released = Vec::new();
        for key in keys {
            if relied.contains(key) || self.store.is_pinned(key) {
                continue;
            }
            if let Lookup::Present(mut record) = self.store.find(key) {
                record.released = true;
                let adopted = self.store.records.adopted(key);
                self.store.layout.write(
                    &self.store.records.path(key),
                    &record.text(adopted.as_ref()),
                )?;
                released.push(record);
            }
        }
        let mut needed = BTreeSet::new();
        for path in self.store.records.list()? {
            // What a record needs that cannot be read is not known.
            if let Some((record, _)) = self.store.records.read_at(&path)?
                && !record.released
            {
                needed.extend(record.artifact.files.values().map(|file| file.digest));
            }
        }
        let files = released
            .iter()
            .flat_map(|record| record.artifact.files.values());
        for file in files.filter(|file| !needed.contains(&file.digest)) {
            let path = self.store.objects.path(&file.digest);
            match self.store.layout.disk.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(released.into_iter().map(|record| record.key).collect())
    }
}

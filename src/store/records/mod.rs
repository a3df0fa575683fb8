//! How artifacts came to be: a record for each cache key, and those that were kept apart because their job once left other bytes.

mod artifact;
mod family;
mod pin;
mod provenance;
mod record;

use std::path::{Path, PathBuf};

use super::files::{self, is_draft};
use super::layout::Layout;
use super::{Digest, Error};
pub use artifact::{Artifact, StoredFile};
pub use family::StartedFrom;
pub use pin::Pin;
pub use provenance::{Origin, Provenance};
pub(super) use record::check_names;
pub use record::{Adopted, Record};

/// The records of a store. Whether the artifact of one is whole is asked of its objects too.
#[derive(Debug, Clone)]
pub struct Records {
    pub(super) layout: Layout,
}

impl Records {
    pub(super) fn root(&self) -> PathBuf {
        self.layout.root.join("records")
    }

    pub(super) fn path(&self, key: &Digest) -> PathBuf {
        let hex = key.to_string();
        let name = format!("{}.json", &hex[2..]);
        self.root().join(&hex[..2]).join(name)
    }

    pub(super) fn differing(&self) -> PathBuf {
        self.layout.root.join("differing")
    }

    pub(super) fn apart_path(&self, record: &Record) -> PathBuf {
        let name = format!("{}.json", record.artifact.digest());
        self.differing().join(record.key.to_string()).join(name)
    }

    /// The record of a key, and where its artifact came from if no job made it; nothing if it cannot be trusted.
    pub(super) fn read(&self, key: &Digest) -> Option<(Record, Option<Adopted>)> {
        let read = Record::read(&self.path(key)).ok().flatten();
        read.filter(|(record, _)| record.key == *key)
    }

    /// Where the artifact of a key came from, if no job made it.
    pub fn adopted(&self, key: &Digest) -> Option<Adopted> {
        self.read(key)?.1
    }

    /// Writes a record, whose objects are there.
    pub(super) fn write(&self, record: &Record, adopted: Option<&Adopted>) -> Result<(), Error> {
        self.layout
            .write(&self.path(&record.key), &record.text(adopted))
    }

    /// Writes a record beside the one of its key.
    pub(super) fn write_apart(
        &self,
        record: &Record,
        adopted: Option<&Adopted>,
    ) -> Result<(), Error> {
        self.layout
            .write(&self.apart_path(record), &record.text(adopted))
    }

    /// The records of a key that were kept apart.
    pub(super) fn apart(&self, key: &Digest) -> Vec<Record> {
        let folder = self.differing().join(key.to_string());
        let paths = files::entries(&folder).unwrap_or_default().into_iter();
        let read = paths.filter_map(|path| Record::read(&path).ok().flatten());
        let records = read.map(|(record, _)| record);
        records.filter(|record| record.key == *key).collect()
    }

    /// Removes the record of a key for good.
    pub(super) fn remove(&self, key: &Digest) -> Result<(), Error> {
        let path = self.path(key);
        let disk = &*self.layout.disk;
        disk.remove(&path).map_err(Error::io("remove", &path))?;
        files::sync_folder(disk, files::folder_of(&path))
    }

    /// The files of all records, those that were kept apart too.
    pub(super) fn list(&self) -> Result<Vec<PathBuf>, Error> {
        let mut records = Vec::new();
        for root in [self.root(), self.differing()] {
            for folder in files::entries(&root)? {
                if files::is_folder(&folder) {
                    records.extend(files::entries(&folder)?);
                } else {
                    records.push(folder);
                }
            }
        }
        records.retain(|path| !is_draft(path));
        Ok(records)
    }

    /// Reads the record that lies here; `None` if it has gone, and an error if it is not the one that should.
    pub(super) fn read_at(&self, path: &Path) -> Result<Option<(Record, Option<Adopted>)>, Error> {
        let Some((record, adopted)) = Record::read(path)? else {
            return Ok(None);
        };
        let here = if path.starts_with(self.differing()) {
            self.apart_path(&record)
        } else {
            self.path(&record.key)
        };
        if path == here {
            Ok(Some((record, adopted)))
        } else {
            Err(Error::damaged(path, "it lies under the name of another"))
        }
    }
}

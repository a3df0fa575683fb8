//! From what a job left to an artifact that is found by its key.

use std::collections::BTreeMap;
use std::path::Path;

use super::records::check_names;
use super::{Adopted, Artifact, Digest, Error, Lookup, Objects, Record, Scratch, Store, files};

impl Store {
    /// Hashes what a job left, moves it among the objects and returns the artifact. Nothing refers to it until
    /// [`Store::commit`] writes its record; until the scratch folder is dropped, nothing is removed from the store, so that
    /// should be after that.
    pub fn ingest(&self, scratch: &Scratch) -> Result<Artifact, Error> {
        let out = scratch.out();
        let mut paths = Vec::new();
        files::list(&out, Path::new(""), &mut paths)?;
        if paths.is_empty() {
            return Err(Error::Empty);
        }
        let mut named = BTreeMap::new();
        for path in paths {
            let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
            let Some(parts) = parts else {
                return Err(Error::Names(format!("{path:?} is no text")));
            };
            named.insert(parts.join("/"), out.join(&path));
        }
        check_names(named.keys()).map_err(Error::Names)?;
        let hold = self.coordination.hold()?;
        *scratch.hold.lock().unwrap_or_else(|p| p.into_inner()) = Some(hold);
        let mut files = BTreeMap::new();
        for (name, from) in named {
            let stored = self.objects.put(&from)?;
            files.insert(name, stored);
        }
        Ok(Artifact { files })
    }

    /// Writes a record. After this the artifact is found by its key. A record of objects that are not there is refused.
    pub fn commit(&self, record: &Record) -> Result<(), Error> {
        self.write_record(record, None)
    }

    /// The same for an artifact that no job made.
    pub fn commit_adopted(&self, record: &Record, adopted: &Adopted) -> Result<(), Error> {
        self.write_record(record, Some(adopted))
    }

    /// Takes an adoption back: the artifact of this key is found no more, and its job runs again. Whether it was adopted.
    pub fn unadopt(&self, key: &Digest) -> Result<bool, Error> {
        let _hold = self.coordination.hold()?;
        if self.records.adopted(key).is_none() {
            return Ok(false);
        }
        self.records.remove(key)?;
        Ok(true)
    }

    fn write_record(&self, record: &Record, adopted: Option<&Adopted>) -> Result<(), Error> {
        let hold = self.coordination.hold()?;
        if let Some(name) = self.missing_file(record) {
            return Err(Error::Gone {
                path: self.objects.path(&record.artifact.files[name].digest),
                job: record.job.clone(),
            });
        }
        self.records.write(record, adopted)?;
        if let Some(lease) = self.coordination.lease() {
            lease.keep(&record.key, &hold);
        }
        Ok(())
    }

    /// Keeps an earlier record of a key whose job has left other bytes since, so that both artifacts can be looked at. Whether
    /// it did: of an artifact that is no longer whole there is nothing to keep.
    pub fn keep_apart(&self, record: &Record) -> Result<bool, Error> {
        let _hold = self.coordination.hold()?;
        if self.missing_file(record).is_some() {
            return Ok(false);
        }
        let adopted = match self.find(&record.key) {
            Lookup::Present(now) if now.artifact == record.artifact => {
                self.records.adopted(&record.key)
            }
            _ => None,
        };
        self.records.write_apart(record, adopted.as_ref())?;
        Ok(true)
    }

    /// The records of a key that were kept apart and whose artifacts are whole.
    pub fn kept_apart(&self, key: &Digest) -> Vec<Record> {
        let mut records = self.records.apart(key);
        records.retain(|record| self.missing_file(record).is_none());
        records.sort_by_key(|record| record.artifact.digest());
        records
    }

    /// Writes the record of an artifact whose bytes cannot be had. They are made again where somebody needs them.
    pub fn commit_released(&self, record: &Record, adopted: Option<&Adopted>) -> Result<(), Error> {
        let _hold = self.coordination.hold()?;
        let record = Record {
            released: true,
            ..record.clone()
        };
        self.records.write(&record, adopted)
    }
}

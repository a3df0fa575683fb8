//! From what a job left to an artifact that is found by its key.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{
    Adopted, Artifact, Digest, Error, Lookup, Record, Scratch, Store, StoredFile, files, record,
};

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
        record::check_names(named.keys()).map_err(Error::Names)?;
        let hold = self.hold()?;
        *scratch.hold.lock().unwrap_or_else(|p| p.into_inner()) = Some(hold);
        let mut files = BTreeMap::new();
        for (name, from) in named {
            let stored = self.take_in_file(&from)?;
            files.insert(name, stored);
        }
        Ok(Artifact { files })
    }

    fn take_in_file(&self, from: &Path) -> Result<StoredFile, Error> {
        let (digest, size) = Digest::of_file(from).map_err(Error::io("read", from))?;
        let to = self.object(&digest);
        let folder = files::folder_of(&to);
        self.settle(folder)?;
        // One that lies there already is trusted no more than any other; the right bytes are at hand to replace it.
        if self.is_right(&to, &digest)? {
            // Whoever put it there may have died before it was safe.
            self.disk.sync(&to).map_err(Error::io("sync", &to))?;
        } else {
            if files::is_folder(&to) {
                self.quarantine_as(&to, "")?;
            }
            self.disk.sync(from).map_err(Error::io("sync", from))?;
            self.disk
                .protect(from)
                .map_err(Error::io("protect", from))?;
            self.disk
                .rename(from, &to)
                .map_err(Error::io("move to", &to))?;
        }
        files::sync_folder(&*self.disk, folder)?;
        Ok(StoredFile { digest, size })
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
        let _hold = self.hold()?;
        if self.adopted(key).is_none() {
            return Ok(false);
        }
        let path = self.record_path(key);
        self.disk
            .remove(&path)
            .map_err(Error::io("remove", &path))?;
        files::sync_folder(&*self.disk, files::folder_of(&path))?;
        Ok(true)
    }

    fn write_record(&self, record: &Record, adopted: Option<&Adopted>) -> Result<(), Error> {
        let hold = self.hold()?;
        if let Some(name) = self.missing_file(record) {
            return Err(Error::Gone {
                path: self.object(&record.artifact.files[name].digest),
                job: record.job.clone(),
            });
        }
        self.put(&self.record_path(&record.key), &record.text(adopted))?;
        if let Some(lease) = self.lease() {
            lease.keep(&record.key, &hold);
        }
        Ok(())
    }

    pub(super) fn differing(&self) -> PathBuf {
        self.root.join("differing")
    }

    pub(super) fn apart_path(&self, record: &Record) -> PathBuf {
        let name = format!("{}.json", record.artifact.digest());
        self.differing().join(record.key.to_string()).join(name)
    }

    /// Keeps an earlier record of a key whose job has left other bytes since, so that both artifacts can be looked at. Whether
    /// it did: of an artifact that is no longer whole there is nothing to keep.
    pub fn keep_apart(&self, record: &Record) -> Result<bool, Error> {
        let _hold = self.hold()?;
        if self.missing_file(record).is_some() {
            return Ok(false);
        }
        let adopted = match self.find(&record.key) {
            Lookup::Present(now) if now.artifact == record.artifact => self.adopted(&record.key),
            _ => None,
        };
        self.put(&self.apart_path(record), &record.text(adopted.as_ref()))?;
        Ok(true)
    }

    /// The records of a key that were kept apart and whose artifacts are whole.
    pub fn kept_apart(&self, key: &Digest) -> Vec<Record> {
        let entries = fs::read_dir(self.differing().join(key.to_string()));
        let read = |path: PathBuf| Record::read(&path).ok().flatten();
        let records = entries.into_iter().flatten().flatten();
        let records = records.filter_map(|entry| read(entry.path()));
        let mut records: Vec<Record> = records
            .map(|(record, _)| record)
            .filter(|record| record.key == *key && self.missing_file(record).is_none())
            .collect();
        records.sort_by_key(|record| record.artifact.digest());
        records
    }
}

//! The bytes of artifacts, each kept once under the digest of its bytes.
//!
//! What is found is believed only as far as it was looked at: that an object is there says that its size is right, and only
//! reading it says that its bytes are.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::is_draft;
use super::layout::{Layout, name_of};
use super::{Digest, Error, StoredFile, files};

/// Where the bytes of artifacts are kept, here or elsewhere.
pub trait Objects {
    /// Whether an object is there, at its size.
    fn has(&self, file: &StoredFile) -> bool;

    /// The bytes of an object; an error where they are not those it is named after.
    fn get(&self, file: &StoredFile) -> Result<Vec<u8>, Error>;

    /// Takes the bytes of a file in; the file may be gone afterwards.
    fn put(&self, from: &Path) -> Result<StoredFile, Error>;
}

/// The objects in a store's own folder.
#[derive(Debug, Clone)]
pub struct LocalObjects {
    pub(super) layout: Layout,
}

/// Objects by digest, with their sizes, and what lies among them that is none, with why.
type Listed = (BTreeMap<Digest, u64>, Vec<(PathBuf, String)>);

impl Objects for LocalObjects {
    fn has(&self, file: &StoredFile) -> bool {
        fs::symlink_metadata(self.path(&file.digest))
            .is_ok_and(|meta| meta.is_file() && meta.len() == file.size)
    }

    fn get(&self, file: &StoredFile) -> Result<Vec<u8>, Error> {
        let path = self.path(&file.digest);
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        if Digest::of_bytes(&bytes) == file.digest {
            Ok(bytes)
        } else {
            Err(Error::damaged(
                &path,
                "its bytes are not those it is named after; `etude run` makes it again",
            ))
        }
    }

    fn put(&self, from: &Path) -> Result<StoredFile, Error> {
        let (digest, size) = Digest::of_file(from).map_err(Error::io("read", from))?;
        let to = self.path(&digest);
        let folder = files::folder_of(&to);
        self.layout.settle(folder)?;
        // One that lies there already is trusted no more than any other; the right bytes are at hand to replace it.
        if self.is_right(&to, &digest)? {
            // Whoever put it there may have died before it was safe.
            self.layout.disk.sync(&to).map_err(Error::io("sync", &to))?;
        } else {
            if files::is_folder(&to) {
                self.layout.quarantine_as(&to, "")?;
            }
            self.layout
                .disk
                .sync(from)
                .map_err(Error::io("sync", from))?;
            self.layout
                .disk
                .protect(from)
                .map_err(Error::io("protect", from))?;
            self.layout
                .disk
                .rename(from, &to)
                .map_err(Error::io("move to", &to))?;
        }
        files::sync_folder(&*self.layout.disk, folder)?;
        Ok(StoredFile { digest, size })
    }
}

impl LocalObjects {
    pub(super) fn root(&self) -> PathBuf {
        self.layout.root.join("objects")
    }

    /// The path of an object.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.root().join(&hex[..2]).join(&hex[2..])
    }

    /// Reads every byte of an object and holds it against its name; `false` (and the object set aside in `quarantine/`)
    /// if they differ or the object is gone.
    pub fn verify(&self, file: &StoredFile) -> Result<bool, Error> {
        let path = self.path(&file.digest);
        if self.is_right(&path, &file.digest)? {
            return Ok(true);
        }
        if fs::symlink_metadata(&path).is_err() {
            return Ok(false);
        }
        let aside = match self.layout.quarantine_as(&path, "") {
            Ok(aside) => aside,
            // Somebody else set it aside.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        // Between reading and moving, somebody may have put the right bytes there.
        let right = self.is_right(&aside, &file.digest)?;
        if right {
            self.layout
                .disk
                .rename(&aside, &path)
                .map_err(Error::io("put back", &path))?;
        }
        Ok(right)
    }

    /// Whether the bytes of an object are those it is named after. All are read, and nothing is changed.
    pub fn is_sound(&self, file: &StoredFile) -> Result<bool, Error> {
        self.is_right(&self.path(&file.digest), &file.digest)
    }

    /// Whether a plain file with these bytes lies at a path.
    pub(super) fn is_right(&self, path: &Path, digest: &Digest) -> Result<bool, Error> {
        if !files::is_plain(path) {
            return Ok(false);
        }
        match Digest::of_file(path) {
            Ok((found, _)) => Ok(found == *digest),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// All that lies among the objects.
    pub(super) fn list(&self) -> Result<Listed, Error> {
        let mut objects = BTreeMap::new();
        let mut strange = Vec::new();
        for shard in files::entries(&self.root())? {
            if !files::is_folder(&shard) {
                strange.push((shard, "it is no folder of objects".to_string()));
                continue;
            }
            for path in files::entries(&shard)? {
                if is_draft(&path) {
                    continue;
                }
                let Some(digest) = name_of(&self.root(), &path, "") else {
                    strange.push((path, "its name is that of no object".to_string()));
                    continue;
                };
                // One that vanishes meanwhile is missed by whoever needs it.
                if let Ok(meta) = fs::symlink_metadata(&path) {
                    objects.insert(digest, if meta.is_file() { meta.len() } else { 0 });
                }
            }
        }
        Ok((objects, strange))
    }
}

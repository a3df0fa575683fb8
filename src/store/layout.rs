//! The folders of a store on a disk: they are there before anything is put into them, and stay if the power goes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use super::disk::Disk;
use super::{Digest, Error, files};

/// A store's folder, and how it is written to. All parts of a store share one.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub root: PathBuf,
    pub disk: Arc<dyn Disk>,
    /// Folders that are there and stay there if the power goes.
    pub settled: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Why nothing can be written to it, where that showed when it was prepared.
    pub only_read: Arc<OnceLock<String>>,
}

impl Layout {
    pub fn new(root: PathBuf, disk: Arc<dyn Disk>) -> Self {
        Self {
            root,
            disk,
            settled: Arc::default(),
            only_read: Arc::default(),
        }
    }

    /// Why it can only be read, if it can.
    pub fn only_read(&self) -> Option<&str> {
        self.only_read.get().map(String::as_str)
    }

    /// Where private folders lie, drafts, and what engines that run rely on.
    pub fn scratches(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// Sees to it that a folder of the store is there, and will be if the power goes.
    pub fn settle(&self, folder: &Path) -> Result<(), Error> {
        self.settle_all(vec![folder.to_path_buf()])
    }

    /// The same for several folders of one. Whatever else bears their names is set aside.
    pub fn settle_all(&self, mut folders: Vec<PathBuf>) -> Result<(), Error> {
        let settled = || self.settled.lock().unwrap_or_else(|p| p.into_inner());
        folders.retain(|folder| !(settled().contains(folder) && files::is_folder(folder)));
        let Some(above) = folders.first().map(|folder| files::folder_of(folder)) else {
            return Ok(());
        };
        if folders[0] == self.root {
            self.settle_root()?;
        } else {
            self.settle(above)?;
            for folder in &folders {
                if fs::symlink_metadata(folder).is_ok_and(|meta| !meta.is_dir()) {
                    self.quarantine_as(folder, "folders")?;
                }
                files::create_folders(&*self.disk, folder)?;
            }
            files::sync_folder(&*self.disk, above)?;
        }
        settled().extend(folders);
        Ok(())
    }

    /// The folders above a store are not its own: those that are missing are created, and those that were there may be links.
    pub fn settle_root(&self) -> Result<(), Error> {
        let missing = self.root.ancestors();
        let missing = missing.take_while(|folder| *folder != Path::new("") && !folder.is_dir());
        let missing: Vec<&Path> = missing.collect();
        files::create_folders(&*self.disk, &self.root)?;
        for folder in missing.iter().rev() {
            files::sync_folder(&*self.disk, files::folder_of(folder))?;
        }
        // Whoever created these may have died before they were safe: `outputs/.etude/v1`.
        for folder in self.root.ancestors().take(3).filter(|_| missing.is_empty()) {
            if folder != Path::new("") {
                let _ = self.disk.sync(files::folder_of(folder));
            }
        }
        Ok(())
    }

    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// Moves something out of the way, into a folder of the quarantine (`""`: the quarantine itself), and says where it lies
    /// now.
    pub fn quarantine_as(&self, path: &Path, within: &str) -> Result<PathBuf, Error> {
        let folder = match within {
            "" => self.quarantine(),
            within => self.quarantine().join(within),
        };
        self.settle(&folder)?;
        let name = path.file_name().unwrap_or_default();
        // The name of an object or a record is its shard's and its own.
        let sharded = ["objects", "records"].map(|name| self.root.join(name));
        let name = match path.parent() {
            Some(shard) if sharded.iter().any(|root| shard.parent() == Some(root)) => {
                let mut whole = shard.file_name().unwrap_or_default().to_os_string();
                whole.push(name);
                whole
            }
            _ => name.to_os_string(),
        };
        let mut aside = folder.join(&name);
        let mut more = 1;
        while fs::symlink_metadata(&aside).is_ok() {
            let mut other = name.clone();
            other.push(format!("-{more}"));
            aside = folder.join(other);
            more += 1;
        }
        self.disk
            .rename(path, &aside)
            .map_err(Error::io("set aside", path))?;
        Ok(aside)
    }

    /// Writes a file of the store so that nobody ever sees half of it. Its draft lies among the scratch, where it is swept.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.draft(path, bytes)?.publish(path)
    }

    /// The same for what may be lost when the power goes.
    pub fn write_unsynced(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.draft(path, bytes)?.place(path)
    }

    pub fn draft(&self, path: &Path, bytes: &[u8]) -> Result<files::Draft<'_>, Error> {
        let (folder, scratch) = (files::folder_of(path), self.scratches());
        self.settle(&scratch)?;
        self.settle(folder)?;
        if files::is_folder(path) {
            self.quarantine_as(path, "folders")?;
        }
        let draft = files::Draft::new(&*self.disk, &scratch)?;
        draft.write(bytes)?;
        Ok(draft)
    }
}

/// The digest that a path `ab/cdef…` below a folder stands for.
pub(super) fn name_of(root: &Path, path: &Path, extension: &str) -> Option<Digest> {
    let inside = path.strip_prefix(root).ok()?.to_str()?;
    let (shard, name) = inside.strip_suffix(extension)?.split_once('/')?;
    let whole = format!("{shard}{name}");
    let digest = whole.parse::<Digest>().ok()?;
    (shard.len() == 2 && digest.to_string() == whole).then_some(digest)
}

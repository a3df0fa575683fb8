//! Writing so that nobody ever sees half a file, and reading so that nobody is drowned by one.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Error;
use super::disk::{Disk, RealDisk};

/// Writes a file so that readers see the old bytes or all of the new ones, also after a power cut.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(&RealDisk, path, bytes)
}

/// The same on any disk; the draft lies beside the file, so that nothing is assumed of where its folder is.
pub(super) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = folder_of(path);
    create_folders(disk, folder)?;
    let draft = Draft::new(disk, folder)?;
    draft.write(bytes)?;
    draft.publish(path)
}

/// What the names of drafts begin with.
pub(super) const DRAFT: &str = ".new-";

/// A file that nobody has seen yet. It is locked while its writer lives, so that what a dead one left can be told apart.
pub(super) struct Draft<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    file: File,
    published: bool,
}

impl<'a> Draft<'a> {
    /// An empty one in a folder.
    pub(super) fn new(disk: &'a dyn Disk, folder: &Path) -> Result<Self, Error> {
        let (file, path) = create_locked(disk, folder, DRAFT, "")?;
        Ok(Draft {
            disk,
            path,
            file,
            published: false,
        })
    }

    /// Adds bytes.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.disk.write(&self.file, bytes);
        written.map_err(Error::io("write", &self.path))
    }

    /// Puts it in its place: its bytes are safe before its name is.
    pub(super) fn publish(self, path: &Path) -> Result<(), Error> {
        let disk = self.disk;
        disk.sync(&self.path)
            .map_err(Error::io("sync", &self.path))?;
        self.place(path)?;
        sync_folder(disk, folder_of(path))
    }

    /// Puts it in its place, whatever becomes of it when the power goes.
    pub(super) fn place(mut self, path: &Path) -> Result<(), Error> {
        self.disk
            .rename(&self.path, path)
            .map_err(Error::io("replace", path))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.published {
            // One that cannot be removed now is swept later.
            let _ = self.disk.remove(&self.path);
        }
    }
}

/// Creates a file under a name of its own and locks it. A sweeper may take it for a dead one's between the two; then there is
/// another.
pub(super) fn create_locked(
    disk: &dyn Disk,
    folder: &Path,
    prefix: &str,
    suffix: &str,
) -> Result<(File, PathBuf), Error> {
    loop {
        let made = tempfile::Builder::new()
            .prefix(prefix)
            .suffix(suffix)
            .make_in(folder, |path| disk.create(path));
        let kept = made.and_then(|made| made.keep().map_err(|error| error.error));
        let (file, path) = kept.map_err(Error::io("create a file in", folder))?;
        // A file system that cannot lock stops nothing here: what it keeps is never swept.
        if file.lock().is_err() || is_at(&file, &path) {
            return Ok((file, path));
        }
    }
}

/// Whether an open file is the one that lies at a path.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let there = fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino()));
        let mine = file.metadata().map(|meta| (meta.dev(), meta.ino()));
        matches!((there, mine), (Ok(there), Ok(mine)) if there == mine)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Whether whoever created a locked file is dead: then, and only then, it can be locked here. The lock comes with the answer,
/// so that it stays true.
pub(super) fn dead(path: &Path) -> Option<File> {
    if !is_plain(path) {
        return None;
    }
    // Some file systems let nobody lock a file that he cannot write.
    let file = File::options().read(true).write(true).open(path).ok()?;
    (file.try_lock().is_ok() && is_at(&file, path)).then_some(file)
}

/// What lies in a folder, sorted; nothing if there is no folder.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("read", folder))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths
        .collect::<io::Result<Vec<_>>>()
        .map_err(Error::io("read", folder))?;
    paths.sort();
    Ok(paths)
}

/// Whether a path is that of a draft.
pub(super) fn is_draft(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(DRAFT.as_bytes())
}

/// The drafts in a folder.
pub(super) fn drafts(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(DRAFT.as_bytes())
    });
    ours.map(|entry| entry.path())
}

/// Removes the drafts that dead writers left in a folder.
pub(super) fn sweep_drafts(disk: &dyn Disk, folder: &Path) {
    for path in drafts(folder) {
        if let Some(_dead) = dead(&path) {
            let _ = disk.remove(&path);
        }
    }
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Creates a folder and those above it, as far as they are missing.
pub(super) fn create_folders(disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    if above != folder {
        create_folders(disk, above)?;
    }
    match disk.create_folder(folder) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        done => done.map_err(Error::io("create", folder)),
    }
}

/// Makes the entries of a folder outlast a power cut.
pub(super) fn sync_folder(disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
    disk.sync(folder).map_err(Error::io("sync", folder))
}

/// More than any record or ledger of ours holds; what is larger is none.
pub(super) const LARGEST: u64 = 64 << 20;

/// Reads a file of the machinery's own, which somebody may have put something else in the place of: links are not followed,
/// and no more is read than such a file may hold.
pub(super) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let not = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(not("it is not a plain file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        Err(not("it is larger than any such file can be"))
    } else {
        Ok(bytes)
    }
}

/// Reads a file that a person names; links are followed. What is no plain file, or larger than `most` bytes, is not opened:
/// opening a pipe waits for its other end, and a device may have no end.
pub fn read_named(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let not = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let meta = fs::metadata(path)?;
    if meta.is_dir() {
        return Err(not("it is a folder".into()));
    }
    if !meta.is_file() {
        return Err(not("it is neither a plain file nor a folder".into()));
    }
    let mut bytes = Vec::new();
    if meta.len() <= most {
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    }
    if meta.len().max(bytes.len() as u64) > most {
        Err(not(format!("it has more than {} MiB", most >> 20)))
    } else {
        Ok(bytes)
    }
}

/// Whether a plain file lies at a path, and no link to one.
pub(super) fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Whether a folder lies at a path, and no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// The plain files below `root/within`, as paths relative to `root`, sorted; anything else is refused.
pub(super) fn list(root: &Path, within: &Path, names: &mut Vec<PathBuf>) -> Result<(), Error> {
    let folder = root.join(within);
    let mut entries = fs::read_dir(&folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(Error::io("read", &folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(Error::io("read", &folder))?;
        let name = within.join(entry.file_name());
        if kind.is_dir() {
            list(root, &name, names)?;
        } else if kind.is_file() {
            names.push(name);
        } else {
            return Err(Error::NotAFile(entry.path()));
        }
    }
    Ok(())
}

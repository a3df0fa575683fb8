//! Writing so that nobody ever sees half a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Error;

/// Writes a file so that readers see the old bytes or all of the new ones, also after a power cut.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    put(path, bytes, true)
}

/// The same but for power cuts, for what can be lost.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    put(path, bytes, false)
}

fn put(path: &Path, bytes: &[u8], sync: bool) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)
        .map_err(Error::io("create a file in", folder))?;
    file.write_all(bytes)
        .and_then(|()| match sync {
            true => file.as_file().sync_all(),
            false => Ok(()),
        })
        .map_err(Error::io("write", path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is private to its owner; what it becomes is not.
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o644))
            .map_err(Error::io("set the mode of", path))?;
    }
    file.persist(path)
        .map_err(|error| Error::io("replace", path)(error.error))?;
    match sync {
        true => sync_folder(folder),
        false => Ok(()),
    }
}

/// Makes renames in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(Error::io("sync", folder))
}

/// Takes write permission away from everybody.
pub(super) fn make_read_only(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
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

/// A relative path with `/` between its parts.
pub(super) fn portable(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

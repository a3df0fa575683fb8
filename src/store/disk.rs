//! Everything that changes a store's files goes through here: one small seam, so that tests can fail any operation of any
//! kind and take the power away between any two.
//!
//! Reading is not part of it: what is read is never trusted, whatever the disk says.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What a store does to a file system. Each method is one operation that succeeds, fails, or fails halfway.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Creates a folder in one that exists.
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    /// Creates a file that must not exist.
    fn create(&self, path: &Path) -> io::Result<File> {
        File::create_new(path)
    }

    /// Opens a file to be locked or appended to, and creates it if there is none.
    fn open(&self, path: &Path) -> io::Result<File> {
        File::options().create(true).append(true).open(path)
    }

    /// Writes bytes at the end of an open file.
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Makes the bytes of a file, or the entries of a folder, outlast a power cut.
    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Takes write permission on a file away from everybody.
    fn protect(&self, path: &Path) -> io::Result<()> {
        let mut permissions = fs::metadata(path)?.permissions();
        permissions.set_readonly(true);
        fs::set_permissions(path, permissions)
    }

    /// Gives a file another name on the same file system, in the place of any file that bears it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Makes a symbolic link.
    fn link(&self, target: &Path, at: &Path) -> io::Result<()> {
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(target, at)
        }
        #[cfg(not(unix))]
        {
            let folder = at.parent().unwrap_or(Path::new(""));
            fs::copy(folder.join(target), at).map(|_| ())
        }
    }

    /// Removes a file or a link.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Removes a folder that is empty.
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    /// Removes a folder and all that is in it; links in it are not followed.
    fn remove_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }
}

/// The file system itself.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {}

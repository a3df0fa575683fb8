//! The place of a view: what lies there, whether that may be replaced, and how a link comes to lie there.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::names::{is_object, normal, relative_to};
use super::{TRIES, Views};
use crate::store::{Digest, Error, files};

/// What lies where a view should.
pub(super) enum There {
    Nothing,
    /// A file with these bytes.
    Copy(Digest),
    /// A link into this store or another one.
    Link(PathBuf),
    /// Something that etude never leaves there.
    Strange(String),
}

impl Views<'_> {
    pub(super) fn there(&self, path: &Path) -> Result<There, Error> {
        let Ok(meta) = fs::symlink_metadata(path) else {
            return Ok(There::Nothing);
        };
        // Another engine may replace it at this moment.
        let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        if meta.is_symlink() {
            let target = match fs::read_link(path) {
                Err(error) if is_gone(&error) => return Ok(There::Nothing),
                target => target.map_err(Error::io("read", path))?,
            };
            return Ok(if is_object(&target) {
                There::Link(target)
            } else {
                There::Strange("a link that etude did not make lies there".into())
            });
        }
        Ok(match (meta.is_dir(), meta.is_file()) {
            (true, _) => There::Strange("a folder lies there".into()),
            (_, true) => {
                let (digest, _) = match Digest::of_file(path) {
                    Err(error) if is_gone(&error) => return Ok(There::Nothing),
                    read => read.map_err(Error::io("read", path))?,
                };
                There::Copy(digest)
            }
            _ => There::Strange("something lies there that is no file".into()),
        })
    }

    /// Why what lies there may not be replaced, if it may not; what holds the new bytes already is never in the way.
    pub(super) fn in_the_way(
        &self,
        there: &There,
        ours: Option<&Digest>,
        new: Option<&Digest>,
    ) -> Option<String> {
        match there {
            There::Nothing | There::Link(_) => None,
            There::Strange(message) => Some(message.clone()),
            There::Copy(digest) if Some(digest) == ours || Some(digest) == new => None,
            // A ledger may be lost; whatever the store holds too can be replaced without loss.
            There::Copy(digest) if files::is_plain(&self.store.objects.path(digest)) => None,
            There::Copy(_) => Some(match ours {
                Some(_) => "it was changed after etude wrote it".into(),
                None => "etude did not write it".into(),
            }),
        }
    }

    /// A folder on the way to a view that is none, or a link that leads elsewhere.
    pub(super) fn strange_folder(&self, path: &Path) -> Option<String> {
        let real = fs::canonicalize(&self.folder).ok()?;
        let folders = path.ancestors().skip(1).take_while(|a| *a != self.folder);
        let there = folders.filter(|folder| fs::symlink_metadata(folder).is_ok());
        for folder in there {
            let name = folder.display();
            match fs::canonicalize(folder) {
                Ok(leads) if !leads.starts_with(&real) => {
                    return Some(format!(
                        "{name} is a link that leads to {}",
                        leads.display()
                    ));
                }
                Ok(leads) if leads.is_dir() => {}
                _ => return Some(format!("{name} is no folder")),
            }
        }
        None
    }

    pub(super) fn link(&self, target: &Path, path: &Path) -> Result<(), Error> {
        let disk = &*self.store.layout.disk;
        files::create_folders(disk, files::folder_of(path))?;
        let mut tries = 0;
        loop {
            if fs::symlink_metadata(path).is_ok() {
                match disk.remove(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed.map_err(Error::io("replace", path))?,
                }
            }
            match disk.link(target, path) {
                // Another engine was faster; where it links to the same, all is as it should be.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {
                    if fs::read_link(path).is_ok_and(|there| there == target) {
                        return Ok(());
                    }
                    tries += 1;
                }
                linked => return linked.map_err(Error::io("link", path)),
            }
        }
    }

    /// Where a link leads: by the way from its folder, so that it survives when the project moves, unless the store is not the
    /// project's own and stays where it is.
    pub(super) fn target(&self, object: &Path, folder: &Path) -> PathBuf {
        if self.store.ledgers.user.is_shared() {
            normal(object)
        } else {
            relative_to(object, folder)
        }
    }
}

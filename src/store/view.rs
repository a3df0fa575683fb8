//! The readable side of the store: `outputs/<pipeline>/figures/accuracy.svg` and its kin.
//!
//! Small artifacts (figures, tables, verdicts) are copied, so that opening one in an editor cannot reach the store; large
//! ones (datasets, models) are links. A file that etude did not write, or that was changed since, is never touched.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Artifact, Digest, Error, Ledger, Store, StoredFile, write_atomically};

/// The folder of a pipeline's views, and the ledger that says which files there are etude's.
#[derive(Debug)]
pub struct Views<'a> {
    /// Where the views lie: `outputs/<pipeline>`.
    pub folder: PathBuf,
    /// The store they are taken from.
    pub store: &'a Store,
}

/// A view that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewProblem {
    /// The file in the way.
    pub path: PathBuf,
    /// Why it was not replaced.
    pub message: String,
}

impl Views<'_> {
    /// How the views of an artifact are called below the folder, in the order of its files.
    pub fn names(section: &str, name: &str, artifact: &Artifact) -> Vec<String> {
        let name = file_name(name);
        let flat = flat(artifact);
        let names = visible(artifact).map(|(file, _)| match flat {
            true => match Path::new(file).extension() {
                Some(ext) => format!("{section}/{name}.{}", ext.to_string_lossy()),
                None => format!("{section}/{name}"),
            },
            false => format!("{section}/{name}/{file}"),
        });
        names.collect()
    }

    /// Shows an artifact as `<folder>/<section>/<name>.<ext>`, or as a folder `<name>/` where its files do not differ by
    /// extension alone. Returns the paths shown.
    pub fn show(
        &self,
        section: &str,
        name: &str,
        artifact: &Artifact,
        copy: bool,
        ledger: &mut Ledger,
    ) -> Result<(Vec<PathBuf>, Vec<ViewProblem>), Error> {
        let mut shown = Vec::new();
        let mut problems = Vec::new();
        let names = Views::names(section, name, artifact);
        for (relative, (_, stored)) in names.into_iter().zip(visible(artifact)) {
            let path = self.folder.join(&relative);
            if let Some(problem) =
                self.in_the_way(&path, ledger.views.get(&relative), Some(&stored.digest))?
            {
                problems.push(problem);
                continue;
            }
            let object = self.store.object(&stored.digest);
            let current = ledger.views.get(&relative) == Some(&stored.digest)
                && fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink() != copy);
            if !current {
                if copy {
                    let bytes = fs::read(&object).map_err(Error::io("read", &object))?;
                    write_atomically(&path, &bytes)?;
                } else {
                    link(&object, &path)?;
                }
                ledger.views.insert(relative, stored.digest);
            }
            shown.push(path);
        }
        Ok((shown, problems))
    }

    /// Removes the views of the ledger that `keep` does not name; returns how many.
    pub fn prune(&self, ledger: &mut Ledger, keep: impl Fn(&Path) -> bool) -> usize {
        let mut removed = 0;
        ledger.views.retain(|relative, digest| {
            let path = self.folder.join(relative);
            if keep(&path) {
                return true;
            }
            if let Ok(None) = self.in_the_way(&path, Some(digest), None)
                && fs::remove_file(&path).is_ok()
            {
                removed += 1;
                // Folders go only when empty, so nothing of the user's can go with them.
                for folder in path.ancestors().skip(1).take_while(|a| *a != self.folder) {
                    if fs::remove_dir(folder).is_err() {
                        break;
                    }
                }
            }
            false
        });
        removed
    }

    /// Whether the file at `path` is one etude may not replace; one that holds the new bytes already is never in the way.
    fn in_the_way(
        &self,
        path: &Path,
        ours: Option<&Digest>,
        new: Option<&Digest>,
    ) -> Result<Option<ViewProblem>, Error> {
        let Ok(meta) = fs::symlink_metadata(path) else {
            return Ok(None);
        };
        let message = if meta.is_symlink() {
            let target = fs::read_link(path).map_err(Error::io("read", path))?;
            let folder = path.parent().unwrap_or(Path::new(""));
            let mine = target.starts_with(relative_to(&self.store.objects(), folder));
            (!mine).then(|| "a link that etude did not make lies there".to_string())
        } else if meta.is_dir() {
            Some("a folder lies there".to_string())
        } else {
            match (ours, Digest::of_file(path)) {
                (_, Err(error)) => return Err(Error::io("read", path)(error)),
                (_, Ok((digest, _))) if Some(&digest) == ours || Some(&digest) == new => None,
                // A ledger may be lost; whatever the store holds too can be replaced without loss.
                (_, Ok((digest, _))) if self.store.object(&digest).is_file() => None,
                (Some(_), _) => Some("it was changed after etude wrote it".to_string()),
                (None, _) => Some("etude did not write it".to_string()),
            }
        };
        Ok(message.map(|message| ViewProblem {
            path: path.to_path_buf(),
            message,
        }))
    }
}

/// The files of an artifact that are shown: all but those whose name begins with a dot.
fn visible(artifact: &Artifact) -> impl Iterator<Item = (&String, &StoredFile)> {
    let files = artifact.files.iter();
    files.filter(|(name, _)| !name.starts_with('.'))
}

/// Whether the files of an artifact differ by extension alone.
fn flat(artifact: &Artifact) -> bool {
    let stems = visible(artifact).map(|(file, _)| Path::new(file).with_extension(""));
    let mut stems: Vec<_> = stems.collect();
    stems.dedup();
    stems.len() == 1
}

fn link(object: &Path, path: &Path) -> Result<(), Error> {
    let folder = path.parent().expect("a view lies in a folder");
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let target = relative_to(object, folder);
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_file(path).map_err(Error::io("replace", path))?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(&target, path).map_err(Error::io("link", path))?;
    #[cfg(not(unix))]
    fs::copy(object, path).map_err(Error::io("copy to", path))?;
    Ok(())
}

/// `path` as seen from `folder`, so that links survive when the project moves.
fn relative_to(path: &Path, folder: &Path) -> PathBuf {
    let shared = path
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = folder.components().skip(shared).map(|_| "..");
    up.map(PathBuf::from)
        .chain([path.components().skip(shared).collect()])
        .collect()
}

/// A name as one safe file name: no separators, no control characters, no leading dot, at most 200 bytes; different names
/// stay different.
pub fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for (i, c) in name.chars().enumerate() {
        match c {
            '/' | '\\' | '%' | ':' | '\0' => safe.push_str(&format!("%{:02X}", c as u32)),
            c if c.is_control() => safe.push_str(&format!("%{:02X}", c as u32)),
            '.' if i == 0 => safe.push_str("%2E"),
            c => safe.push(c),
        }
    }
    if safe.len() > 200 {
        let digest = Digest::of_bytes(name.as_bytes()).short();
        let cut = (0..=180).rev().find(|i| safe.is_char_boundary(*i));
        safe.truncate(cut.expect("0 is a boundary"));
        safe = format!("{safe}~{digest}");
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(store: &Store, bytes: &[(&str, &[u8])]) -> Artifact {
        let scratch = store.scratch().unwrap();
        for (name, bytes) in bytes {
            fs::write(scratch.out().join(name), bytes).unwrap();
        }
        store.take_in(&scratch).unwrap()
    }

    #[test]
    fn views_are_named_by_job_replaced_when_ours_and_untouched_when_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join(".etude"));
        store.prepare().unwrap();
        let views = Views {
            folder: folder.path().join("paper"),
            store: &store,
        };
        let mut ledger = Ledger::default();
        let first = shown(&store, &[("figure.svg", b"1"), ("figure.pdf", b"2")]);
        let job = "accuracy[graph=G(2,5)]";
        let (paths, problems) = views
            .show("figures", job, &first, true, &mut ledger)
            .unwrap();
        assert_eq!(problems, []);
        assert!(paths[1].ends_with("paper/figures/accuracy[graph=G(2,5)].svg"));

        let second = shown(&store, &[("figure.svg", b"3")]);
        views
            .show("figures", job, &second, true, &mut ledger)
            .unwrap();
        assert_eq!(fs::read(&paths[1]).unwrap(), b"3");

        fs::write(&paths[1], b"mine").unwrap();
        let (_, problems) = views
            .show("figures", job, &first, true, &mut ledger)
            .unwrap();
        assert_eq!(problems[0].message, "it was changed after etude wrote it");
        assert_eq!(fs::read(&paths[1]).unwrap(), b"mine");

        assert_eq!(views.prune(&mut ledger, |_| false), 1);
        assert!(paths[1].exists(), "the user's file stays");
        assert!(!paths[0].exists());
    }

    #[test]
    fn large_artifacts_are_links_that_survive_a_move() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("a/.etude"));
        store.prepare().unwrap();
        let views = Views {
            folder: folder.path().join("a/paper"),
            store: &store,
        };
        let mut ledger = Ledger::default();
        let model = shown(
            &store,
            &[("model.safetensors", b"w"), ("config.json", b"{}")],
        );
        views
            .show("models", "model", &model, false, &mut ledger)
            .unwrap();
        fs::rename(folder.path().join("a"), folder.path().join("b")).unwrap();
        let moved = folder.path().join("b/paper/models/model/config.json");
        assert_eq!(fs::read(moved).unwrap(), b"{}");
    }

    #[test]
    fn file_names_are_safe_and_stay_different() {
        assert_eq!(file_name("a/b"), "a%2Fb");
        assert_eq!(file_name(".hidden"), "%2Ehidden");
        let long = "x".repeat(300);
        assert!(file_name(&long).len() <= 200);
        assert_ne!(file_name(&long), file_name(&format!("{long}y")));
    }
}

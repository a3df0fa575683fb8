//! The readable side of the store: `outputs/<pipeline>/figures/accuracy.svg` and its kin.
//!
//! Small artifacts (figures, tables, verdicts, documents) are copied, so that opening one in an editor cannot reach the store;
//! large ones (datasets, models) are links. A file that etude did not write, or that was changed since, is never touched.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use super::{Artifact, Digest, Error, Ledger, Store, StoredFile, files};

/// The folder of a pipeline's views, and the ledger that says which files there are etude's.
#[derive(Debug)]
pub struct Views<'a> {
    /// Where the views lie: `outputs/<pipeline>`.
    pub folder: PathBuf,
    /// The store they are taken from.
    pub store: &'a Store,
}

/// The folder below that of a pipeline for views that are of an earlier run, because their job did not end well since.
const EARLIER: &str = "earlier";

/// How often a link is placed anew that another engine places at the same moment.
const TRIES: u32 = 100;

/// A view that was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewProblem {
    /// The file in the way.
    pub path: PathBuf,
    /// Why it was not replaced.
    pub message: String,
}

/// What became of a view that is of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retired {
    /// It lies here now.
    Moved(PathBuf),
    /// It was not there.
    Gone,
    /// It is left as it is, for this reason.
    Left(String),
}

/// What lies where a view should.
enum There {
    Nothing,
    /// A file with these bytes.
    Copy(Digest),
    /// A link into this store or another one.
    Link(PathBuf),
    /// Something that etude never leaves there.
    Strange(String),
}

impl Views<'_> {
    /// How the views of an artifact are called below the folder, in the order of its files.
    pub fn names(section: &str, name: &str, artifact: &Artifact) -> Vec<String> {
        let name = file_name(name);
        let flat = flat(artifact);
        let names = visible(artifact).map(|(file, _)| {
            if flat {
                match extension(file) {
                    Some(ext) => format!("{section}/{name}.{ext}"),
                    None => format!("{section}/{name}"),
                }
            } else {
                format!("{section}/{name}/{file}")
            }
        });
        names.collect()
    }

    /// Refuses folders that lead out of the project: `outputs`, the pipeline's own in it, and those of its sections. To be
    /// asked before anything runs.
    pub fn check(&self, project: &Path) -> Result<(), Error> {
        let Ok(real) = fs::canonicalize(files::folder_of(&project.join("outputs"))) else {
            return Ok(());
        };
        let above = self.folder.ancestors();
        let inside = |folder: &&Path| folder.starts_with(project) && *folder != project;
        let mut folders: Vec<PathBuf> = above.take_while(inside).map(Path::to_path_buf).collect();
        folders.reverse();
        let sections = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        folders.extend(sections.map(|entry| entry.path()));
        for link in folders {
            let Ok(target) = fs::read_link(&link) else {
                continue;
            };
            let full = files::folder_of(&link).join(&target);
            // Where it leads to may not be there yet, but would be once something is written.
            let leads = fs::canonicalize(&full).unwrap_or_else(|_| normal(&full));
            if !leads.starts_with(&real) && !is_object(&target) {
                return Err(Error::LeadsOut {
                    link,
                    target: leads,
                });
            }
        }
        Ok(())
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
            let there = match self.free(&relative, &stored.digest, ledger)? {
                Ok(there) => there,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let object = self.store.object(&stored.digest);
            if copy {
                if !matches!(there, There::Copy(digest) if digest == stored.digest) {
                    let bytes = self.store.read(stored)?;
                    files::replace(&*self.store.disk, &path, &bytes)?;
                }
            } else {
                let target = self.target(&object, files::folder_of(&path));
                if !matches!(&there, There::Link(at) if *at == target) {
                    self.link(&target, &path)?;
                }
            }
            let earlier = format!("{EARLIER}/{relative}");
            if ledger.views.contains_key(&earlier) {
                let earlier = self.folder.join(earlier);
                self.prune(ledger, |path| path != earlier);
            }
            ledger.views.insert(relative, stored.digest);
            shown.push(path);
        }
        Ok((shown, problems))
    }

    /// The views that a ledger has of one output, below the folder, whatever its artifact was then.
    pub fn of(section: &str, name: &str, ledger: &Ledger) -> Vec<String> {
        let start = format!("{section}/{}", file_name(name));
        let views = ledger.views.range(start.clone()..);
        let views = views.take_while(|(view, _)| view.starts_with(&start));
        let views = views.filter(|(view, _)| match view[start.len()..].strip_prefix('.') {
            // Behind a further point it would be another output, `a.b` beside `a`.
            Some(extension) => !extension.contains(['.', '/']) || DOUBLE.contains(&extension),
            None => view.len() == start.len() || view[start.len()..].starts_with('/'),
        });
        views.map(|(view, _)| view.clone()).collect()
    }

    /// Moves a view to where nobody takes it for the result of the last run. One that is etude's no more is left alone.
    pub fn retire(&self, relative: &str, ledger: &mut Ledger) -> Result<Retired, Error> {
        let path = self.folder.join(relative);
        let Some(digest) = ledger.views.get(relative).copied() else {
            return Ok(Retired::Gone);
        };
        let there = self.there(&path)?;
        if matches!(there, There::Nothing) {
            ledger.views.remove(relative);
            return Ok(Retired::Gone);
        }
        let earlier = format!("{EARLIER}/{relative}");
        let theirs = self.in_the_way(&there, Some(&digest), None);
        if let Some(why) = theirs.or_else(|| self.strange_folder(&path)) {
            return Ok(Retired::Left(why));
        }
        if let Err(problem) = self.free(&earlier, &digest, ledger)? {
            let (place, why) = (problem.path.display(), problem.message);
            return Ok(Retired::Left(format!("{place} is in its way: {why}")));
        }
        let (disk, to) = (&*self.store.disk, self.folder.join(&earlier));
        match there {
            // The way to the store is another from there.
            There::Link(_) => {
                let object = self.store.object(&digest);
                self.link(&self.target(&object, files::folder_of(&to)), &to)?;
                disk.remove(&path).map_err(Error::io("remove", &path))?;
            }
            _ => {
                files::create_folders(disk, files::folder_of(&to))?;
                disk.rename(&path, &to).map_err(Error::io("move", &path))?;
            }
        }
        ledger.views.remove(relative);
        ledger.views.insert(earlier, digest);
        Ok(Retired::Moved(to))
    }

    /// The files of an artifact that are not shown as they should be: something else lies there, or nothing.
    pub fn unshown(&self, section: &str, name: &str, artifact: &Artifact) -> Vec<PathBuf> {
        let names = Views::names(section, name, artifact).into_iter();
        let files = names.zip(visible(artifact));
        let files = files.map(|(relative, (_, stored))| (self.folder.join(relative), stored));
        let unshown = files.filter(|(path, stored)| match self.there(path) {
            Ok(There::Copy(digest)) => digest != stored.digest,
            Ok(There::Link(target)) => {
                target != self.target(&self.store.object(&stored.digest), files::folder_of(path))
            }
            _ => true,
        });
        unshown.map(|(path, _)| path).collect()
    }

    /// Writes a file that is made of an artifact and is none of its own, under the rules of views.
    pub fn write(
        &self,
        relative: &str,
        bytes: &[u8],
        ledger: &mut Ledger,
    ) -> Result<Result<PathBuf, ViewProblem>, Error> {
        let (path, digest) = (self.folder.join(relative), Digest::of_bytes(bytes));
        let there = match self.free(relative, &digest, ledger)? {
            Ok(there) => there,
            Err(problem) => return Ok(Err(problem)),
        };
        if !matches!(there, There::Copy(theirs) if theirs == digest) {
            files::replace(&*self.store.disk, &path, bytes)?;
        }
        ledger.views.insert(relative.to_string(), digest);
        Ok(Ok(path))
    }

    /// What lies where a view of these bytes is to be, unless it is in the way.
    fn free(
        &self,
        relative: &str,
        digest: &Digest,
        ledger: &Ledger,
    ) -> Result<Result<There, ViewProblem>, Error> {
        let path = self.folder.join(relative);
        self.sweep(files::folder_of(&path));
        let there = self.there(&path)?;
        let message = match self.strange_folder(&path) {
            Some(message) => Some(message),
            None => self.in_the_way(&there, ledger.views.get(relative), Some(digest)),
        };
        Ok(match message {
            Some(message) => Err(ViewProblem { path, message }),
            None => Ok(there),
        })
    }

    /// Removes all that was moved away with [`Views::retire`], now that everything is of the last run.
    pub fn clear_earlier(&self, ledger: &mut Ledger) {
        let root = self.folder.join(EARLIER);
        if files::is_folder(&root) && self.strange_folder(&root.join("x")).is_none() {
            self.clear(&root, EARLIER, ledger);
        }
    }

    fn clear(&self, folder: &Path, name: &str, ledger: &mut Ledger) {
        for path in files::entries(folder).unwrap_or_default() {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let relative = format!("{name}/{file}");
            if files::is_folder(&path) {
                self.clear(&path, &relative, ledger);
                continue;
            }
            let there = self.there(&path).unwrap_or(There::Nothing);
            let is_ours = self.in_the_way(&there, ledger.views.get(&relative), None);
            if is_ours.is_none() && self.store.disk.remove(&path).is_ok() {
                ledger.views.remove(&relative);
            }
        }
        // One that is not empty holds what is not etude's, and stays.
        let _ = self.store.disk.remove_folder(folder);
    }

    /// Removes the views of the ledger that `keep` does not name; returns how many.
    pub fn prune(&self, ledger: &mut Ledger, keep: impl Fn(&Path) -> bool) -> usize {
        let disk = &*self.store.disk;
        let mut removed = 0;
        let mut touched = BTreeSet::new();
        ledger.views.retain(|relative, digest| {
            let path = self.folder.join(relative);
            if keep(&path) {
                return true;
            }
            let there = self.there(&path).unwrap_or(There::Nothing);
            let theirs = self.in_the_way(&there, Some(digest), None).is_some();
            if matches!(there, There::Nothing) || theirs || self.strange_folder(&path).is_some() {
                return false;
            }
            if disk.remove(&path).is_err() {
                // It stays ours, to be removed another time.
                return true;
            }
            removed += 1;
            touched.extend(path.ancestors().skip(1).map(Path::to_path_buf));
            // Folders go only when empty, so nothing of the user's can go with them.
            for folder in path.ancestors().skip(1).take_while(|a| *a != self.folder) {
                if disk.remove_folder(folder).is_err() {
                    break;
                }
            }
            false
        });
        // The ledger forgets them: none may come back when the power goes.
        let below = touched.iter().filter(|f| f.starts_with(&self.folder));
        for folder in below.filter(|folder| folder.is_dir()) {
            let _ = disk.sync(folder);
        }
        removed
    }

    /// Forgets the copies placed since the ledger was read that another engine has replaced since: what lies there is for the
    /// other's ledger to know.
    pub fn forget_replaced(&self, ledger: &mut Ledger) {
        for (relative, digest) in ledger.placed() {
            let now = self.there(&self.folder.join(&relative));
            if matches!(now, Ok(There::Copy(now)) if now != digest) {
                ledger.restore_view(&relative);
            }
        }
    }

    fn there(&self, path: &Path) -> Result<There, Error> {
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
    fn in_the_way(
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
            There::Copy(digest) if files::is_plain(&self.store.object(digest)) => None,
            There::Copy(_) => Some(match ours {
                Some(_) => "it was changed after etude wrote it".into(),
                None => "etude did not write it".into(),
            }),
        }
    }

    /// A folder on the way to a view that is none, or a link that leads elsewhere.
    fn strange_folder(&self, path: &Path) -> Option<String> {
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

    /// Removes what writers who died left half written among the views, once in a run.
    fn sweep(&self, folder: &Path) {
        let mut settled = self.store.settled.lock().unwrap_or_else(|p| p.into_inner());
        if settled.insert(folder.to_path_buf()) {
            drop(settled);
            files::sweep_drafts(&*self.store.disk, folder);
        }
    }

    fn link(&self, target: &Path, path: &Path) -> Result<(), Error> {
        let disk = &*self.store.disk;
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
    fn target(&self, object: &Path, folder: &Path) -> PathBuf {
        match self.store.user {
            Some(_) => normal(object),
            None => relative_to(object, folder),
        }
    }
}

/// Whether a link leads to what can only be an object of a store: `…/objects/ab/cdef…`. The store may be another than the one
/// in use now, and gone.
fn is_object(target: &Path) -> bool {
    let mut parts = target.iter().rev().map(|part| part.to_str().unwrap_or(""));
    let (name, shard, folder) = (parts.next(), parts.next(), parts.next());
    let digest = format!("{}{}", shard.unwrap_or(""), name.unwrap_or(""));
    folder == Some("objects")
        && shard.is_some_and(|shard| shard.len() == 2)
        && digest.parse::<Digest>().is_ok()
}

/// The files of an artifact that are shown: all but those whose name begins with a dot.
fn visible(artifact: &Artifact) -> impl Iterator<Item = (&String, &StoredFile)> {
    let files = artifact.files.iter();
    files.filter(|(name, _)| !name.starts_with('.'))
}

/// Extensions of two parts.
const DOUBLE: [&str; 1] = ["vl.json"];

/// The extension of a file; of a Vega-Lite specification it has two parts.
pub fn extension(file: &str) -> Option<&str> {
    let has = |extension: &&&str| {
        let stem = file.strip_suffix(**extension);
        stem.is_some_and(|stem| stem.ends_with('.') && !stem.ends_with("/.") && stem.len() > 1)
    };
    let double = DOUBLE.iter().find(has).copied();
    double.or_else(|| Path::new(file).extension()?.to_str())
}

/// Whether the files of an artifact differ by extension alone.
fn flat(artifact: &Artifact) -> bool {
    let stem = |file: &'_ String| {
        let extension = extension(file).map_or(0, |extension| extension.len() + 1);
        file[..file.len() - extension].to_owned()
    };
    let mut stems: Vec<String> = visible(artifact).map(|(file, _)| stem(file)).collect();
    stems.dedup();
    stems.len() == 1
}

/// A path from the root of the file system, without `..`; links are not looked at.
fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in std::path::absolute(path)
        .unwrap_or_else(|_| path.to_path_buf())
        .components()
    {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    whole
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
        store.ingest(&scratch).unwrap()
    }

    #[test]
    fn a_specification_lies_beside_the_figure_under_its_name() {
        assert_eq!(extension("figure.vl.json"), Some("vl.json"));
        assert_eq!(extension("a.b/vl.json"), Some("json"));
        assert_eq!(extension(".vl.json"), Some("json"));
        assert_eq!(extension("table.v1.csv"), Some("csv"));
        assert_eq!(extension("readme"), None);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join(".etude"));
        store.prepare().unwrap();
        let views = Views {
            folder: folder.path().join("paper"),
            store: &store,
        };
        let mut ledger = Ledger::default();
        let files: [(&str, &[u8]); 2] = [("figure.svg", b"1"), ("figure.vl.json", b"2")];
        let artifact = shown(&store, &files);
        views
            .show("figures", "lines", &artifact, true, &mut ledger)
            .unwrap();
        assert_eq!(
            Views::of("figures", "lines", &ledger),
            ["figures/lines.svg", "figures/lines.vl.json"]
        );
        assert!(folder.path().join("paper/figures/lines.vl.json").is_file());
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

    #[cfg(unix)]
    #[test]
    fn folders_that_lead_out_of_the_project_are_refused_and_links_inside_it_are_not() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["project/outputs/p", "project/other", "mine"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        let project = at("project");
        let store = Store::at(&project.join("outputs/.etude"));
        let check = |name: &str| {
            let views = Views {
                folder: project.join("outputs").join(name),
                store: &store,
            };
            views.check(&project).map_err(|error| error.to_string())
        };
        assert_eq!(check("p"), Ok(()));
        symlink("../../other", project.join("outputs/p/tables")).unwrap();
        assert_eq!(check("p"), Ok(()));
        symlink(at("mine"), project.join("outputs/p/figures")).unwrap();
        let said = check("p").unwrap_err();
        assert!(said.contains("outputs/p/figures is a link"), "{said}");
        assert!(said.contains("mine; nothing is written there"), "{said}");
        assert!(said.contains("mine/etude\"` into etude.toml"), "{said}");
        symlink("../../nowhere", project.join("outputs/q")).unwrap();
        assert!(check("q").unwrap_err().contains("outputs/q is a link"));
        assert_eq!(check("r"), Ok(()));
        fs::rename(project.join("outputs"), at("mine/outputs")).unwrap();
        symlink(at("mine/outputs"), project.join("outputs")).unwrap();
        assert!(check("r").unwrap_err().contains("outputs is a link"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_among_the_folders_of_views_is_not_followed_out_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join(".etude"));
        store.prepare().unwrap();
        let views = Views {
            folder: folder.path().join("p"),
            store: &store,
        };
        let mine = folder.path().join("mine");
        fs::create_dir_all(&mine).unwrap();
        fs::write(mine.join("a.txt"), "mine").unwrap();
        fs::create_dir_all(views.folder.join("models")).unwrap();
        std::os::unix::fs::symlink(&mine, views.folder.join("models/m")).unwrap();
        let model = shown(&store, &[("a.txt", b"1"), ("b.txt", b"2")]);
        let mut ledger = Ledger::default();
        let (paths, problems) = views
            .show("models", "m", &model, true, &mut ledger)
            .unwrap();
        assert_eq!((paths.len(), problems.len()), (0, 2));
        assert!(problems[0].message.contains("is a link that leads to"));
        assert_eq!(fs::read(mine.join("a.txt")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);
    }

    #[test]
    fn views_of_another_store_are_known_for_ours_and_lead_there_by_their_full_path() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::default();
        let mut links = Vec::new();
        for name in ["one", "two"] {
            let store = Store::at(&folder.path().join(name)).used_by(folder.path());
            store.prepare().unwrap();
            let views = Views {
                folder: folder.path().join("p"),
                store: &store,
            };
            let model = shown(&store, &[("w", name.as_bytes())]);
            let (paths, problems) = views
                .show("models", "m", &model, false, &mut ledger)
                .unwrap();
            assert_eq!(problems, []);
            assert_eq!(fs::read(&paths[0]).unwrap(), name.as_bytes());
            links.push(fs::read_link(&paths[0]).unwrap());
            // Neither store nor ledger need be there any more.
            fs::remove_dir_all(folder.path().join(name)).unwrap();
            ledger = Ledger::default();
        }
        assert!(links.iter().all(|link| link.is_absolute()));
        assert_ne!(links[0], links[1]);
    }

    #[test]
    fn engines_that_place_one_link_at_the_same_moment_all_succeed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join(".etude"));
        store.prepare().unwrap();
        let first = shown(&store, &[("a.txt", b"1"), ("b.txt", b"2")]);
        let other = shown(&store, &[("a.txt", b"3"), ("b.txt", b"4")]);
        std::thread::scope(|scope| {
            for n in 0..4 {
                let (store, models) = (&store, [&first, &other]);
                let folder = folder.path().join("p");
                scope.spawn(move || {
                    let views = Views { folder, store };
                    for round in 0..100 {
                        let mut ledger = Ledger::default();
                        let model = models[(n + round) % 2];
                        let shown = views.show("models", "m", model, false, &mut ledger);
                        let (paths, problems) = shown.unwrap();
                        assert_eq!((paths.len(), problems.len()), (2, 0));
                    }
                });
            }
        });
    }

    #[test]
    fn of_two_engines_that_place_different_bytes_the_ledger_knows_those_that_lie_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join(".etude"));
        store.prepare().unwrap();
        let views = Views {
            folder: folder.path().join("paper"),
            store: &store,
        };
        let mut ledgers = [store.ledger("p"), store.ledger("p")];
        let artifacts =
            [b"whole".as_slice(), b"a hole"].map(|bytes| shown(&store, &[("table.csv", bytes)]));
        for (artifact, ledger) in artifacts.iter().zip(&mut ledgers) {
            let (_, problems) = views.show("tables", "t", artifact, true, ledger).unwrap();
            assert!(problems.is_empty());
        }
        // The first to place saves last.
        for ledger in ledgers.iter_mut().rev() {
            views.forget_replaced(ledger);
            store.save_ledger("p", ledger).unwrap();
        }
        let there = store.ledger("p").views;
        let there: Vec<&Digest> = there.values().collect();
        assert_eq!(there, [&Digest::of_bytes(b"a hole")]);
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

//! The readable side of the store: `outputs/<pipeline>/figures/accuracy.svg` and its kin.
//!
//! Small artifacts (figures, tables, verdicts, documents) are copied, so that opening one in an editor cannot reach the store;
//! large ones (datasets, models) are links. A file that etude did not write, or that was changed since, is never touched.

pub(super) mod ledger;
mod names;
mod place;
mod removal;
mod snapshot;
mod user;

use std::fs;
use std::path::{Path, PathBuf};

use super::{Artifact, Digest, Error, Objects, Store, files};
pub use ledger::{Ledger, Ledgers};
use names::{DOUBLE, flat, is_object, normal, visible};
pub use names::{extension, file_name};
use place::There;
pub use snapshot::{Snapshot, Snapshots};
pub(super) use user::User;

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
            let object = self.store.objects.path(&stored.digest);
            if copy {
                if !matches!(there, There::Copy(digest) if digest == stored.digest) {
                    let bytes = self.store.objects.get(stored)?;
                    files::replace(&*self.store.layout.disk, &path, &bytes)?;
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

    /// The files of an artifact that are not shown as they should be: something else lies there, or nothing.
    pub fn unshown(&self, section: &str, name: &str, artifact: &Artifact) -> Vec<PathBuf> {
        let names = Views::names(section, name, artifact).into_iter();
        let files = names.zip(visible(artifact));
        let files = files.map(|(relative, (_, stored))| (self.folder.join(relative), stored));
        let unshown = files.filter(|(path, stored)| match self.there(path) {
            Ok(There::Copy(digest)) => digest != stored.digest,
            Ok(There::Link(target)) => {
                target
                    != self.target(
                        &self.store.objects.path(&stored.digest),
                        files::folder_of(path),
                    )
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
            files::replace(&*self.store.layout.disk, &path, bytes)?;
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

    /// Removes what writers who died left half written among the views, once in a run.
    fn sweep(&self, folder: &Path) {
        let mut settled = self
            .store
            .layout
            .settled
            .lock()
            .unwrap_or_else(|p| p.into_inner());
        if settled.insert(folder.to_path_buf()) {
            drop(settled);
            files::sweep_drafts(&*self.store.layout.disk, folder);
        }
    }
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
        let mut ledgers = [store.ledgers.of("p"), store.ledgers.of("p")];
        let artifacts =
            [b"whole".as_slice(), b"a hole"].map(|bytes| shown(&store, &[("table.csv", bytes)]));
        for (artifact, ledger) in artifacts.iter().zip(&mut ledgers) {
            let (_, problems) = views.show("tables", "t", artifact, true, ledger).unwrap();
            assert!(problems.is_empty());
        }
        // The first to place saves last.
        for ledger in ledgers.iter_mut().rev() {
            views.forget_replaced(ledger);
            store.ledgers.save("p", ledger).unwrap();
        }
        let there = store.ledgers.of("p").views;
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

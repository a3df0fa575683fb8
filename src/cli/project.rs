//! Where things are, what the machine has, and what `etude.toml` says of both.

use std::path::{Component, Path, PathBuf};
use std::{env, fs};

use super::Failure;
use super::settings::{self, FILE, Settings, cards};
use crate::pipeline::{Problem, Problems};
use crate::run::{Capacity, machine};
use crate::store::{Store, file_name};

/// A project: the folder whose `outputs/` holds the views and, unless `etude.toml` says otherwise, the store.
pub struct Project {
    root: PathBuf,
    settings: Settings,
    problems: Vec<Problem>,
}

impl Project {
    /// The project of a pipeline file: `--root`, else the nearest folder above the file with an `etude.toml` or a `.git`, else
    /// the current folder.
    pub fn of(file: &Path, root: Option<&Path>) -> Self {
        let absolute = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
        Self::below(absolute.parent().unwrap_or(Path::new("")), root)
    }

    /// The project of the current folder.
    pub fn here(root: Option<&Path>) -> Self {
        Self::below(&env::current_dir().unwrap_or_default(), root)
    }

    fn below(folder: &Path, root: Option<&Path>) -> Self {
        let marked = |folder: &&Path| folder.join(FILE).exists() || folder.join(".git").exists();
        let above = folder.ancestors().find(marked);
        let current = env::current_dir().unwrap_or_default();
        let root = match root.or(above) {
            // Short paths, as the user would write them, wherever they stand below the current folder.
            Some(root) => match root.strip_prefix(&current) {
                Ok(inside) => inside.to_path_buf(),
                Err(_) => root.to_path_buf(),
            },
            None => PathBuf::new(),
        };
        let mut problems = Problems::default();
        let settings = settings::read(&root.join(FILE), &mut problems);
        Self {
            root,
            settings,
            problems: problems.into_sorted(),
        }
    }

    /// Whether all that `etude.toml` says could be understood, and the store lies in the project unless it says otherwise. To
    /// be asked before anything is done with the project.
    pub fn check(&self) -> Result<(), Failure> {
        if !self.problems.is_empty() {
            return Err(Failure::Problems(self.problems.clone()));
        }
        let store = self.store();
        // Paths are handed on to workers and programs, and kept, as text.
        let root = Path::new(".").join(&self.root);
        let root = std::path::absolute(&root).unwrap_or(root);
        for path in [root.as_path(), store.root()] {
            if path.to_str().is_none() {
                return Err(Failure::Message(format!(
                    "the path {} is not text (UTF-8), and etude cannot hand it on; rename the folder",
                    path.display()
                )));
            }
        }
        if self.settings.store.is_none() {
            store
                .root()
                .ancestors()
                .take(2)
                .try_for_each(|folder| self.stays_inside(folder))?;
        }
        Ok(())
    }

    /// Refuses a folder of the store that is a link out of the project.
    fn stays_inside(&self, folder: &Path) -> Result<(), Failure> {
        let Ok(target) = fs::read_link(folder) else {
            return Ok(());
        };
        let leads = real(&folder.parent().unwrap_or(Path::new("")).join(target));
        if leads.starts_with(real(&self.root)) {
            Ok(())
        } else {
            Err(Failure::Message(format!(
                "{} is a link that leads out of the project, to {}; nothing is written there. To keep the store elsewhere, \
                 remove the link and write `store = {leads:?}` into etude.toml",
                folder.display(),
                leads.display()
            )))
        }
    }

    /// Its root; empty for the current folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What its `etude.toml` says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// Its store.
    pub fn store(&self) -> Store {
        let Some(store) = &self.settings.store else {
            return Store::at(&self.outputs().join(".etude"));
        };
        let (root, store) = (real(&self.root), real(&self.root.join(store)));
        match store.strip_prefix(&root) {
            Ok(inside) => Store::at(&self.root.join(inside)),
            // Other projects may use it too, and views have to find it from wherever this one is moved.
            Err(_) => Store::at(&store).used_by(&root),
        }
    }

    /// Where the views of a pipeline lie.
    pub fn views(&self, pipeline: &str) -> PathBuf {
        self.outputs().join(file_name(pipeline))
    }

    /// Where jobs run on other machines, and where they have their folders. Jobs name files as they are seen from here.
    pub fn elsewhere(&self, store: &Store) -> Result<(PathBuf, PathBuf), Failure> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|error| {
                Failure::Message(format!("cannot tell the current folder: {error}"))
            })
        };
        Ok((absolute(Path::new("."))?, absolute(&store.submitted())?))
    }

    /// What its jobs may use: what is asked for, else what `etude.toml` says, else what this machine has.
    pub fn capacity(&self, cores: Option<u32>) -> Capacity {
        // What its control group may use of the processor is looked up here too.
        let there = std::thread::available_parallelism().map_or(1, |n| n.get());
        let there = u32::try_from(there).unwrap_or(u32::MAX);
        let memory = self.settings.memory.or_else(machine::memory);
        let cores = cores.or(self.settings.cores).unwrap_or(there).max(1);
        Capacity {
            cores,
            cores_per_job: cores,
            // Where nobody tells, more than any job asks for.
            memory: memory.unwrap_or(u64::MAX),
            memory_per_job: memory.unwrap_or(u64::MAX),
            cards: cards(self.settings.cards.as_ref()),
            jobs: u32::MAX,
        }
    }
}

/// A path without links and `..`, as far as it exists.
fn real(path: &Path) -> PathBuf {
    // The current folder may be written as nothing at all.
    let path = Path::new(".").join(path);
    let path = std::path::absolute(&path).unwrap_or(path);
    let mut real = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            part => real.push(part),
        }
        // Links are resolved on the way: what comes after `..` depends on them.
        real = fs::canonicalize(&real).unwrap_or(real);
    }
    real
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_waited_for_and_a_folder_without_a_name_in_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let told = |root: &Path| match Project::here(Some(root)).check() {
            Ok(()) => String::new(),
            Err(Failure::Message(message) | Failure::Usage(message)) => message,
            Err(Failure::Problems(problems)) => problems[0].to_string(),
        };
        fs::create_dir(folder.path().join(FILE)).unwrap();
        assert!(told(folder.path()).ends_with("etude.toml: it is a folder"));
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::ffi::OsStringExt;
            fs::remove_dir(folder.path().join(FILE)).unwrap();
            let pipe = folder.path().join(FILE);
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.unwrap().success());
            let said = told(folder.path());
            assert!(said.contains("neither a plain file"), "{said}");
            let name = std::ffi::OsString::from_vec(b"r\xe9sum\xe9".to_vec());
            let odd = folder.path().join(name);
            fs::create_dir(&odd).unwrap();
            let said = told(&odd);
            assert!(said.contains("is not text (UTF-8)"), "{said}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_store_that_is_a_link_out_of_the_project_is_refused_unless_etude_toml_names_it() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap().join("project");
        let elsewhere = root.parent().unwrap().join("elsewhere");
        let store = root.join("outputs/.etude");
        fs::create_dir_all(root.join("outputs")).unwrap();
        let check = || match Project::here(Some(&root)).check() {
            Ok(()) => String::new(),
            Err(Failure::Message(message) | Failure::Usage(message)) => message,
            Err(Failure::Problems(problems)) => panic!("{problems:?}"),
        };
        assert_eq!(check(), "");
        symlink("../inside", &store).unwrap();
        assert_eq!(check(), "");
        fs::remove_file(&store).unwrap();
        // Whether anything lies there or not.
        symlink("../../elsewhere", &store).unwrap();
        for _ in 0..2 {
            let said = check();
            assert!(said.contains("outputs/.etude is a link that leads out"));
            assert!(said.contains(&format!("`store = {elsewhere:?}`")), "{said}");
            let _ = fs::create_dir(&elsewhere);
        }
        fs::write(root.join(FILE), "store = 'outputs/.etude'").unwrap();
        assert_eq!(check(), "");
        fs::remove_file(root.join(FILE)).unwrap();
        fs::remove_file(&store).unwrap();
        fs::create_dir(&store).unwrap();
        symlink(&elsewhere, store.join("v1")).unwrap();
        assert!(check().contains(".etude/v1 is a link that leads out"));
    }

    #[test]
    fn a_store_elsewhere_is_found_from_the_root_and_one_inside_is_the_projects_own() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap().join("project");
        fs::create_dir(&root).unwrap();
        let store = |path: &str| {
            fs::write(root.join(FILE), format!("store = '{path}'")).unwrap();
            let project = Project::here(Some(&root));
            assert_eq!(project.problems, []);
            project.store().root().to_path_buf()
        };
        assert_eq!(store("kept/here"), root.join("kept/here/v1"));
        assert_eq!(store("../there"), root.parent().unwrap().join("there/v1"));
        assert_eq!(store("/scratch/x/../me"), Path::new("/scratch/me/v1"));
    }
}

//! Where things are, and what the machine has.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::pipeline::parse_size;
use crate::run::Capacity;
use crate::store::{Store, file_name};

/// A project: the folder whose `outputs/` holds the store and the views.
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The project of a pipeline file: `--root`, else the nearest folder above the file with an `etude.toml` or a `.git`, else
    /// the current folder.
    pub fn of(file: &Path, root: Option<&Path>) -> Project {
        let absolute = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
        let marked =
            |folder: &&Path| folder.join("etude.toml").exists() || folder.join(".git").exists();
        let above = absolute.ancestors().skip(1).find(marked);
        let current = env::current_dir().unwrap_or_default();
        let root = match root.or(above) {
            // Short paths, as the user would write them, wherever they stand below the current folder.
            Some(root) => match root.strip_prefix(&current) {
                Ok(inside) => inside.to_path_buf(),
                Err(_) => root.to_path_buf(),
            },
            None => PathBuf::new(),
        };
        Project { root }
    }

    /// Its root; empty for the current folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// Its store.
    pub fn store(&self) -> Store {
        Store::at(&self.outputs().join(".etude"))
    }

    /// Where the views of a pipeline lie.
    pub fn views(&self, pipeline: &str) -> PathBuf {
        self.outputs().join(file_name(pipeline))
    }
}

/// What this machine has, at most `cores`.
pub fn capacity(cores: Option<u32>) -> Capacity {
    let there = std::thread::available_parallelism().map_or(1, |n| n.get());
    let there = u32::try_from(there).unwrap_or(u32::MAX);
    Capacity {
        cores: cores.unwrap_or(there).max(1),
        memory: memory(),
        cards: cards(),
    }
}

/// The CUDA cards that this program can use, as the driver is told of them: those that `CUDA_VISIBLE_DEVICES` names, else
/// all by their index.
fn cards() -> Vec<String> {
    let count = crate::learn::device::cards();
    match env::var("CUDA_VISIBLE_DEVICES") {
        Ok(named) => visible(&named, count),
        Err(_) => (0..count).map(|at| at.to_string()).collect(),
    }
}

/// What CUDA makes of the variable: a list, cut off at the first entry that is none. The driver counts only the cards that
/// it names.
fn visible(named: &str, count: usize) -> Vec<String> {
    let entries = named.split(',').map(str::trim);
    let real = entries.take_while(|entry| !entry.is_empty() && !entry.starts_with('-'));
    real.take(count).map(str::to_string).collect()
}

/// Memory of this machine in bytes; where nobody tells, more than any job asks for.
fn memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|size| parse_size(&size.replace("kB", "KiB")).ok())
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cards_that_a_job_may_have_are_those_that_the_variable_names() {
        assert_eq!(visible("2, 0", 2), ["2", "0"]);
        assert_eq!(visible("GPU-8932f937,1", 2), ["GPU-8932f937", "1"]);
        assert_eq!(visible("0,-1,1", 1), ["0"]);
        assert!(visible("", 0).is_empty() && visible("-1", 0).is_empty());
    }
}

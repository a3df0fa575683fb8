//! Where things are, what the machine has, and what `etude.toml` says of both.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Failure;
use crate::pipeline::{Problem, Problems, Source, Span, alternatives, parse_size};
use crate::run::{Capacity, machine};
use crate::store::{Store, file_name};

/// A project: the folder whose `outputs/` holds the views and, unless `etude.toml` says otherwise, the store.
pub struct Project {
    root: PathBuf,
    settings: Settings,
    problems: Vec<Problem>,
}

/// What `etude.toml` says. None of it is part of a result's identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `store`: where the store lies.
    pub store: Option<PathBuf>,
    /// `[gc] budget`: how many bytes its objects may take.
    pub budget: Option<u64>,
    /// `[gc] grace`: what is younger is not collected.
    pub grace: Duration,
    /// `[gc] keep_last`: how many earlier artifacts of a job are kept.
    pub keep_last: usize,
    /// `[machine] cores`.
    pub cores: Option<u32>,
    /// `[machine] memory`, in bytes.
    pub memory: Option<u64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            store: None,
            budget: None,
            grace: Duration::from_secs(86400),
            keep_last: 2,
            cores: None,
            memory: None,
        }
    }
}

/// The file that marks a project's root.
const FILE: &str = "etude.toml";

impl Project {
    /// The project of a pipeline file: `--root`, else the nearest folder above the file with an `etude.toml` or a `.git`, else
    /// the current folder.
    pub fn of(file: &Path, root: Option<&Path>) -> Project {
        let absolute = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
        Project::below(absolute.parent().unwrap_or(Path::new("")), root)
    }

    /// The project of the current folder.
    pub fn here(root: Option<&Path>) -> Project {
        Project::below(&env::current_dir().unwrap_or_default(), root)
    }

    fn below(folder: &Path, root: Option<&Path>) -> Project {
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
        let settings = read(&root.join(FILE), &mut problems);
        Project {
            root,
            settings,
            problems: problems.into_sorted(),
        }
    }

    /// Whether all that `etude.toml` says could be understood. To be asked before anything is done with the project.
    pub fn check(&self) -> Result<(), Failure> {
        match self.problems.is_empty() {
            true => Ok(()),
            false => Err(Failure::Problems(self.problems.clone())),
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

    /// What its jobs may use: what is asked for, else what `etude.toml` says, else what this machine has.
    pub fn capacity(&self, cores: Option<u32>) -> Capacity {
        let there = capacity(cores.or(self.settings.cores));
        Capacity {
            memory: self.settings.memory.unwrap_or(there.memory),
            ..there
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

fn read(path: &Path, problems: &mut Problems) -> Settings {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        // The root may be marked by a `.git` alone.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Settings::default(),
        Err(error) => {
            problems.push(Problem::of(format!(
                "cannot read {}: {error}",
                path.display()
            )));
            return Settings::default();
        }
    };
    parse(&Source::new(path.display().to_string(), text), problems)
}

const TIMES: [(&str, u64); 4] = [("s", 1), ("min", 60), ("h", 3600), ("d", 86400)];

/// Seconds from text such as `1 d`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let names: Vec<_> = TIMES.iter().map(|(name, _)| *name).collect();
    let wrong = || format!("`{text}` is not a number and a unit ({})", names.join(", "));
    let end = text
        .trim()
        .find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.trim().split_at(end.ok_or_else(wrong)?);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let (_, factor) = TIMES
        .iter()
        .find(|(name, _)| *name == unit.trim())
        .ok_or_else(wrong)?;
    Duration::try_from_secs_f64(number * *factor as f64).map_err(|_| wrong())
}

/// A table of `etude.toml` being read.
struct Reader<'a> {
    source: &'a Arc<Source>,
    problems: &'a mut Problems,
}

fn parse(source: &Arc<Source>, problems: &mut Problems) -> Settings {
    let mut settings = Settings::default();
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in errors {
        let span = Span::new(source, error.span().unwrap_or(0..0));
        let message = format!("this is not TOML: {}", error.message());
        problems.push(Problem::at(&span, message));
    }
    let mut reader = Reader { source, problems };
    for (key, value) in table.into_inner() {
        match key.get_ref().as_ref() {
            "store" => {
                settings.store = reader.text(&key, &value, |text| match text {
                    "" => Err("`store` is a path".into()),
                    text if text.starts_with('~') => {
                        Err("`~` stands for nothing here; write the whole path".into())
                    }
                    text => Ok(PathBuf::from(text)),
                })
            }
            "gc" => {
                for (key, value) in reader.table(&key, &value) {
                    match key.get_ref().as_ref() {
                        "budget" => settings.budget = reader.text(key, value, parse_size),
                        "grace" => {
                            let grace = reader.text(key, value, parse_time);
                            settings.grace = grace.unwrap_or(settings.grace);
                        }
                        "keep_last" => {
                            let last = reader.number(key, value, 0, 1_000_000);
                            settings.keep_last = last.map_or(settings.keep_last, |n| n as usize);
                        }
                        _ => reader.unknown("[gc]", key, &["budget", "grace", "keep_last"]),
                    }
                }
            }
            "machine" => {
                for (key, value) in reader.table(&key, &value) {
                    match key.get_ref().as_ref() {
                        "cores" => settings.cores = reader.number(key, value, 1, 4096),
                        "memory" => settings.memory = reader.text(key, value, parse_size),
                        _ => reader.unknown("[machine]", key, &["cores", "memory"]),
                    }
                }
            }
            _ => reader.unknown(FILE, &key, &["store", "gc", "machine"]),
        }
    }
    settings
}

type Key<'t> = Spanned<std::borrow::Cow<'t, str>>;
type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn unknown(&mut self, what: &str, key: &Key<'_>, keys: &[&str]) {
        let name = key.get_ref();
        let span = Span::new(self.source, key.span());
        let problem = Problem::at(&span, format!("{what} has no key `{name}`"))
            .label("unknown")
            .maybe_help(alternatives("keys", name, keys.iter().copied()));
        self.problems.push(problem);
    }

    fn wrong(&mut self, value: &Value<'_>, message: String) {
        let span = Span::new(self.source, value.span());
        self.problems.push(Problem::at(&span, message));
    }

    fn table<'v, 't>(
        &mut self,
        key: &Key<'_>,
        value: &'v Value<'t>,
    ) -> Vec<(&'v Key<'t>, &'v Value<'t>)> {
        match value.get_ref() {
            DeValue::Table(table) => table.iter().collect(),
            _ => {
                self.wrong(value, format!("`{}` must be a table", key.get_ref()));
                Vec::new()
            }
        }
    }

    fn text<T>(
        &mut self,
        key: &Key<'_>,
        value: &Value<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = match value.get_ref() {
            DeValue::String(text) => read(text),
            _ => Err(format!("`{}` must be a string", key.get_ref())),
        };
        read.map_err(|message| self.wrong(value, message)).ok()
    }

    fn number(&mut self, key: &Key<'_>, value: &Value<'_>, least: u32, most: u32) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(int) => u32::from_str_radix(int.as_str(), int.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!(
                "`{}` must be an integer from {least} to {most}",
                key.get_ref()
            );
            self.wrong(value, message);
        }
        number
    }
}

/// What this machine has, at most `cores`.
fn capacity(cores: Option<u32>) -> Capacity {
    let there = std::thread::available_parallelism().map_or(1, |n| n.get());
    let there = u32::try_from(there).unwrap_or(u32::MAX);
    Capacity {
        cores: cores.unwrap_or(there).max(1),
        // Where nobody tells, more than any job asks for.
        memory: machine::memory().unwrap_or(u64::MAX),
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

    fn settings(text: &str) -> (Settings, Vec<Problem>) {
        let mut problems = Problems::default();
        let settings = parse(&Source::new(FILE, text), &mut problems);
        (settings, problems.into_sorted())
    }

    #[test]
    fn all_keys_are_read_and_none_is_needed() {
        assert_eq!(settings(""), (Settings::default(), vec![]));
        let text = "store = '/scratch/me'\n[gc]\nbudget = '50 GB'\ngrace = '2 h'\nkeep_last = 0\n\
                    [machine]\ncores = 8\nmemory = '30 GB'";
        let all = Settings {
            store: Some("/scratch/me".into()),
            budget: Some(50_000_000_000),
            grace: Duration::from_secs(7200),
            keep_last: 0,
            cores: Some(8),
            memory: Some(30_000_000_000),
        };
        assert_eq!(settings(text), (all, vec![]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_nearest_spelling() {
        let text = "stor = 'x'\nstore = '~/x'\n[gc]\nbuget = '1 GB'\nbudget = 50\ngrace = 'soon'\n\
                    [machine]\ncores = 0\nmemory = '1 GB'\n";
        let (_, problems) = settings(text);
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| {
                let place = format!("{:?}", problem.span.as_ref().unwrap());
                let help = problem.help.as_deref().unwrap_or_default();
                format!("{place} {problem} {help}").trim().to_string()
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        etude.toml:1:1 etude.toml has no key `stor` did you mean `store`? The keys are `store`, `gc`, `machine`
        etude.toml:2:9 `~` stands for nothing here; write the whole path
        etude.toml:4:1 [gc] has no key `buget` did you mean `budget`? The keys are `budget`, `grace`, `keep_last`
        etude.toml:5:10 `budget` must be a string
        etude.toml:6:9 `soon` is not a number and a unit (s, min, h, d)
        etude.toml:8:9 `cores` must be an integer from 1 to 4096
        ");
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

//! Where things are, what the machine has, and what `etude.toml` says of both.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Failure;
use crate::learn::device;
use crate::pipeline::{Problem, Problems, Source, Span, alternatives, parse_size, repair};
use crate::run::{Capacity, machine};
use crate::store::{Store, file_name, read_named};

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
    /// `[machine] cards`.
    pub cards: Option<Cards>,
}

/// Which CUDA cards jobs may have.
#[derive(Debug, Clone, PartialEq)]
pub enum Cards {
    /// So many, the first of those that there are.
    Count(u32),
    /// These, each by its index or its identifier.
    Named(Vec<String>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: None,
            budget: None,
            grace: Duration::from_secs(86400),
            keep_last: 2,
            cores: None,
            memory: None,
            cards: None,
        }
    }
}

/// The file that marks a project's root.
const FILE: &str = "etude.toml";

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
        let settings = read(&root.join(FILE), &mut problems);
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

    /// What its jobs may use: what is asked for, else what `etude.toml` says, else what this machine has.
    pub fn capacity(&self, cores: Option<u32>) -> Capacity {
        // What its control group may use of the processor is looked up here too.
        let there = std::thread::available_parallelism().map_or(1, |n| n.get());
        let there = u32::try_from(there).unwrap_or(u32::MAX);
        let memory = self.settings.memory.or_else(machine::memory);
        Capacity {
            cores: cores.or(self.settings.cores).unwrap_or(there).max(1),
            // Where nobody tells, more than any job asks for.
            memory: memory.unwrap_or(u64::MAX),
            cards: cards(self.settings.cards.as_ref()),
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

/// More than any `etude.toml` has.
const LARGEST: u64 = 1 << 20;

fn read(path: &Path, problems: &mut Problems) -> Settings {
    let name = path.display().to_string();
    let text = match read_named(path, LARGEST) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| format!("{name} is not text (UTF-8)")),
        // The root may be marked by a `.git` alone.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("cannot read {name}: {error}")),
    };
    match text {
        Ok(text) => parse(&Source::new(name, text), problems),
        Err(why) => {
            problems.push(Problem::of(why));
            Settings::default()
        }
    }
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
    let repaired = repair(source);
    let (table, _) = DeTable::parse_recoverable(&repaired.text);
    problems.extend(repaired.problems);
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
                });
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
                        "cards" => settings.cards = reader.cards(key, value),
                        _ => reader.unknown("[machine]", key, &["cores", "memory", "cards"]),
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

    /// A number of cards, or a list of their names.
    fn cards(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Cards> {
        let list = match value.get_ref() {
            DeValue::Array(list) => list,
            DeValue::Integer(_) => return self.number(key, value, 0, 4096).map(Cards::Count),
            _ => {
                let what = "`cards` must be a number of cards, or a list of their names";
                self.wrong(value, what.into());
                return None;
            }
        };
        let mut names = Vec::new();
        for value in list.iter() {
            let name = match value.get_ref() {
                DeValue::String(name) => name.trim().to_string(),
                DeValue::Integer(int) if int.radix() == 10 => int.as_str().to_string(),
                _ => String::new(),
            };
            if !is_card(&name) {
                let what = "a card is named by its index, or as `nvidia-smi -L` names it: `GPU-…`";
                self.wrong(value, what.into());
            } else if names.contains(&name) {
                self.wrong(value, format!("the card `{name}` is named twice"));
            } else {
                names.push(name);
            }
        }
        Some(Cards::Named(names))
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

/// The CUDA cards that jobs may have, as the driver is told of them: those that `etude.toml` names, else those that
/// `CUDA_VISIBLE_DEVICES` names, else all by their index. `None` where nobody tells of any.
fn cards(set: Option<&Cards>) -> Option<Vec<String>> {
    let named = env::var("CUDA_VISIBLE_DEVICES").ok();
    let named = named.map(|named| visible(&named));
    match set {
        Some(Cards::Named(names)) => return Some(names.clone()),
        Some(Cards::Count(count)) => {
            let names = named.unwrap_or_else(|| by_index(*count as usize));
            return Some(names.into_iter().take(*count as usize).collect());
        }
        None => {}
    }
    if !device::BUILT {
        let all = || Some(machine::cards()).filter(|count| *count > 0);
        return named.or_else(|| all().map(by_index));
    }
    // Built for cards, this program knows which of them answer.
    let count = device::cards();
    match named {
        Some(names) => Some(names.into_iter().take(count).collect()),
        None => (count > 0).then(|| by_index(count)),
    }
}

fn by_index(count: usize) -> Vec<String> {
    (0..count).map(|at| at.to_string()).collect()
}

/// Whether this can name a card: its index, or the identifier that `nvidia-smi -L` tells.
fn is_card(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-/_".contains(c);
    let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let has_identifier = name.starts_with("GPU-") || name.starts_with("MIG-");
    is_index || (has_identifier && name.chars().all(plain))
}

/// What CUDA makes of the variable: a list, cut off at the first entry that names no card. No card is given twice.
fn visible(named: &str) -> Vec<String> {
    let entries = named.split(',').map(str::trim);
    let mut cards: Vec<String> = Vec::new();
    for name in entries.take_while(|name| is_card(name)) {
        if !cards.iter().any(|card| card == name) {
            cards.push(name.to_string());
        }
    }
    cards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cards_that_a_job_may_have_are_those_that_the_variable_names() {
        assert_eq!(visible("2, 0"), ["2", "0"]);
        assert_eq!(visible("GPU-8932f937,1"), ["GPU-8932f937", "1"]);
        assert_eq!(visible("MIG-GPU-8932f937/1/0"), ["MIG-GPU-8932f937/1/0"]);
        assert_eq!(visible("0,-1,1"), ["0"]);
        assert_eq!(visible("0,all,1"), ["0"]);
        assert_eq!(visible("1,1,0"), ["1", "0"]);
        assert!(visible("").is_empty() && visible("-1").is_empty());
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
                    [machine]\ncores = 8\nmemory = '30 GB'\ncards = [0, 'GPU-8932f937']";
        let all = Settings {
            store: Some("/scratch/me".into()),
            budget: Some(50_000_000_000),
            grace: Duration::from_secs(7200),
            keep_last: 0,
            cores: Some(8),
            memory: Some(30_000_000_000),
            cards: Some(Cards::Named(vec!["0".into(), "GPU-8932f937".into()])),
        };
        assert_eq!(settings(text), (all, vec![]));
        let (settings, problems) = settings("machine = { cards = 2 }");
        assert_eq!((settings.cards, problems), (Some(Cards::Count(2)), vec![]));
    }

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
    fn what_is_wrong_is_told_with_its_place_and_the_nearest_spelling() {
        let text = "stor = 'x'\nstore = '~/x'\n[gc]\nbuget = '1 GB'\nbudget = 50\ngrace = 'soon'\n\
                    [machine]\ncores = 0\nmemory = '1 GB'\n\
                    cards = ['0', 'first', 1.5, '0']\n";
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
        etude.toml:10:15 a card is named by its index, or as `nvidia-smi -L` names it: `GPU-…`
        etude.toml:10:24 a card is named by its index, or as `nvidia-smi -L` names it: `GPU-…`
        etude.toml:10:29 the card `0` is named twice
        ");
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

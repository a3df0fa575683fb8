//! What `etude.toml` says of a project and of the machine, and a person's own of the cluster.

mod launch;
mod machines;
mod reader;
mod slurm;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeTable;

use crate::learn::device;
use crate::pipeline::{Problem, Problems, Source, parse_size, repair};
use crate::run::{Cards, Cluster, Machine, Template, machine};
use crate::store::read_named;
pub use reader::CardsSetting;
use reader::{Reader, is_card};

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
    pub cards: Option<CardsSetting>,
    /// `[slurm]`.
    pub cluster: Cluster,
    /// `[launch]`.
    pub launch: Template,
    /// `[machines]`.
    pub machines: Vec<Machine>,
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
            cluster: Cluster::default(),
            launch: Template::default(),
            machines: Vec::new(),
        }
    }
}

/// The file that marks a project's root.
pub const FILE: &str = "etude.toml";

/// More than any `etude.toml` has.
const LARGEST: u64 = 1 << 20;

/// What the file of a project says, over what a person's own says.
pub fn read(path: &Path, problems: &mut Problems) -> Settings {
    let mut settings = Settings::default();
    for (path, whose) in [
        (personal(), Whose::Person),
        (Some(path.into()), Whose::Project),
    ] {
        if let Some(source) = path.and_then(|path| source(&path, problems)) {
            parse(&source, whose, &mut settings, problems);
        }
    }
    settings
}

/// Whose a file of settings is: a person's own says only what holds for every project.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Whose {
    Person,
    Project,
}

/// Where a person keeps what holds for every project.
fn personal() -> Option<PathBuf> {
    let set = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty());
    let config = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")))?;
    Some(config.join("etude").join(FILE))
}

fn source(path: &Path, problems: &mut Problems) -> Option<Arc<Source>> {
    let name = path.display().to_string();
    let text = match read_named(path, LARGEST) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| format!("{name} is not text (UTF-8)")),
        // The root may be marked by a `.git` alone.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => Err(format!("cannot read {name}: {error}")),
    };
    match text {
        Ok(text) => Some(Source::new(name, text)),
        Err(why) => {
            problems.push(Problem::of(why));
            None
        }
    }
}

fn parse(source: &Arc<Source>, whose: Whose, settings: &mut Settings, problems: &mut Problems) {
    let repaired = repair(source);
    let (table, _) = DeTable::parse_recoverable(&repaired.text);
    problems.extend(repaired.problems);
    let mut reader = Reader { source, problems };
    for (key, value) in table.into_inner() {
        match key.get_ref().as_ref() {
            "slurm" => slurm::read(&mut reader, &key, &value, &mut settings.cluster),
            "launch" => launch::read(&mut reader, &key, &value, &mut settings.launch),
            "machines" => machines::read(&mut reader, &key, &value, &mut settings.machines),
            _ if whose == Whose::Person => {
                reader.unknown(
                    "a person's own etude.toml",
                    &key,
                    &["slurm", "machines", "launch"],
                );
            }
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
                            let grace = reader.text(key, value, reader::parse_time);
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
            _ => reader.unknown(
                FILE,
                &key,
                &["store", "gc", "machine", "slurm", "machines", "launch"],
            ),
        }
    }
}

/// The CUDA cards that jobs may have, as the driver is told of them: those that `etude.toml` names, else those that
/// `CUDA_VISIBLE_DEVICES` names, else all by their index. `None` where nobody tells of any.
pub fn cards(set: Option<&CardsSetting>) -> Cards {
    named_cards(set).map_or(Cards::Unknown, Cards::Named)
}

fn named_cards(set: Option<&CardsSetting>) -> Option<Vec<String>> {
    let named = visible_cards();
    match set {
        Some(CardsSetting::Named(names)) => return Some(names.clone()),
        Some(CardsSetting::Count(count)) => {
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

/// The cards that `CUDA_VISIBLE_DEVICES` names, if it is set.
pub fn visible_cards() -> Option<Vec<String>> {
    let named = env::var("CUDA_VISIBLE_DEVICES").ok();
    named.map(|named| visible(&named))
}

fn by_index(count: usize) -> Vec<String> {
    (0..count).map(|at| at.to_string()).collect()
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
        settings_of(text, Whose::Project)
    }

    fn settings_of(text: &str, whose: Whose) -> (Settings, Vec<Problem>) {
        let (mut settings, mut problems) = (Settings::default(), Problems::default());
        parse(
            &Source::new(FILE, text),
            whose,
            &mut settings,
            &mut problems,
        );
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
            cards: Some(CardsSetting::Named(vec!["0".into(), "GPU-8932f937".into()])),
            cluster: Cluster::default(),
            launch: Template::default(),
            machines: Vec::new(),
        };
        assert_eq!(settings(text), (all, vec![]));
        let (settings, problems) = settings("machine = { cards = 2 }");
        assert_eq!(
            (settings.cards, problems),
            (Some(CardsSetting::Count(2)), vec![])
        );
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
        etude.toml:1:1 etude.toml has no key `stor` did you mean `store`? The keys are `store`, `gc`, `machine`, `slurm`, `machines`, `launch`
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
}

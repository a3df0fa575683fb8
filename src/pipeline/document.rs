//! A pipeline as written: its file, the files it includes, and the entries of both in one place.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::{Problem, Problems};
use super::source::{Source, Span};
use super::spelling::{alternatives, nearest};
use super::value::{Data, Key, Table, Value, parse};
use crate::store::read_named;

const KEYS: [&str; 8] = [
    "name", "about", "include", "stage", "axes", "override", "exclude", "profile",
];

/// So many bytes a file may have, and so many files a pipeline: more is a mistake, or meant to do harm.
pub(super) const LARGEST: u64 = 64 << 20;
const MOST_FILES: usize = 100;

/// The entries of a pipeline, includes merged in: what the including file says comes over what it includes.
#[derive(Debug, Default)]
pub struct Document {
    /// `name`.
    pub name: Option<Value>,
    /// `about`.
    pub about: Option<Value>,
    /// `[stage.*]`.
    pub stages: Table,
    /// `[axes]`.
    pub axes: Table,
    /// `[[override]]`.
    pub overrides: Vec<Value>,
    /// `[[exclude]]`.
    pub excludes: Vec<Value>,
    /// `[profile.*]`.
    pub profiles: Table,
    /// Every file read, the pipeline's own last.
    pub files: Vec<PathBuf>,
}

/// Reads a file and what it includes.
pub fn read(path: &Path, problems: &mut Problems) -> Document {
    let mut document = Document::default();
    let source = read_into(&mut document, path, None, &mut Vec::new(), problems);
    // An included file is a part; only the whole has to be complete.
    if let Some(source) = source.filter(|_| document.stages.is_empty() && problems.is_empty()) {
        let problem = Problem::at(&Span::new(&source, 0..0), "this pipeline has no stage")
            .help("a stage is a table: [stage.graphs] with kind = \"path-star\"");
        problems.push(problem);
    }
    document
}

fn read_into(
    document: &mut Document,
    path: &Path,
    from: Option<&Span>,
    chain: &mut Vec<PathBuf>,
    problems: &mut Problems,
) -> Option<Arc<Source>> {
    let name = path.display().to_string();
    let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if let Some(at) = chain.iter().position(|p| *p == identity) {
        let names = chain[at..].iter().chain([&identity]);
        let names: Vec<_> = names
            .map(|p| {
                p.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        let message = format!(
            "files include each other in a circle: {}",
            names.join(" → ")
        );
        problems.push(of_file(message, from));
        return None;
    }
    if document.files.contains(&identity) {
        return None;
    }
    if document.files.len() + chain.len() >= MOST_FILES {
        let message = format!("this pipeline has more than {MOST_FILES} files");
        problems.push(of_file(message, from));
        return None;
    }
    let text = match read_named(path, LARGEST).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            problems.push(of_file(format!("{name} is not text (UTF-8)"), from));
            return None;
        }
        Err(error) => {
            problems.push(of_file(format!("cannot read {name}: {error}"), from));
            return None;
        }
    };
    let source = Source::new(name, text);
    let value = parse(&source, problems);
    chain.push(identity.clone());
    for (included, span) in includes(&value, problems) {
        let folder = path.parent().unwrap_or(Path::new(""));
        read_into(
            document,
            &folder.join(included),
            Some(&span),
            chain,
            problems,
        );
    }
    chain.pop();
    document.files.push(identity);
    document.merge(value, problems);
    Some(source)
}

/// What is wrong with a file, at the place that includes it, if one does.
fn of_file(message: String, from: Option<&Span>) -> Problem {
    match from {
        Some(from) => Problem::at(from, message).label("included here"),
        None => Problem::of(message),
    }
}

fn includes(value: &Value, problems: &mut Problems) -> Vec<(String, Span)> {
    let Some(include) = value.get("include") else {
        return Vec::new();
    };
    let items = match &include.data {
        Data::Array(items) => items.iter().collect(),
        _ => vec![include],
    };
    let mut paths = Vec::new();
    for item in items {
        match item.text() {
            Some(text) => paths.push((text.to_string(), item.span.clone())),
            None => problems.push(Problem::at(
                &item.span,
                format!("`include` takes paths of files, not {}", item.noun()),
            )),
        }
    }
    paths
}

impl Document {
    fn merge(&mut self, value: Value, problems: &mut Problems) {
        let Data::Table(entries) = value.data else {
            return;
        };
        for (mut key, mut value) in entries {
            if !KEYS.contains(&key.name.as_str()) {
                match meant(&key, &value, problems) {
                    Some(Meant::Key(name)) => key.name = name.to_string(),
                    Some(Meant::Stage) => {
                        value = Value {
                            span: value.span.clone(),
                            data: Data::Table(vec![(key.clone(), value)]),
                        };
                        key.name = "stage".to_string();
                    }
                    None => continue,
                }
            }
            match key.name.as_str() {
                "include" => {}
                "name" => self.name = text(value, &key, problems).or(self.name.take()),
                "about" => self.about = text(value, &key, problems).or(self.about.take()),
                "stage" => {
                    let mut above = table(value, &key, problems);
                    leave_unnamed(&mut above, "[stage.graphs]", is_part_of_stage, problems);
                    merge(&mut self.stages, above, |below, (key, value)| {
                        if below.1.get("kind").is_none() && below.1.table().is_some() {
                            // A part of a stage is no stage that another could take the place of.
                            complete(&mut below.1, value);
                            below.0 = key;
                        } else {
                            overlay(&mut below.1, value);
                        }
                    });
                }
                "axes" => merge(&mut self.axes, table(value, &key, problems), replace),
                "profile" => {
                    let mut above = table(value, &key, problems);
                    leave_unnamed(&mut above, "[profile.quick]", is_part_of_profile, problems);
                    merge(&mut self.profiles, above, replace);
                }
                "override" => self.overrides.extend(list(value, &key, problems)),
                "exclude" => self.excludes.extend(list(value, &key, problems)),
                other => unreachable!("`{other}` is none of the keys"),
            }
        }
    }
}

/// What was probably meant by a key that a pipeline has not.
enum Meant {
    /// One that it has.
    Key(&'static str),
    /// A stage of this name.
    Stage,
}

/// Tells that a pipeline has no such key. It is read as what was probably meant, so that nothing is said to be missing that
/// stands in it.
fn meant(key: &Key, value: &Value, problems: &mut Problems) -> Option<Meant> {
    let meant = if value.get("kind").is_some_and(|kind| kind.text().is_some()) {
        Some(Meant::Stage)
    } else {
        nearest(&key.name, KEYS).map(Meant::Key)
    };
    let help = match meant {
        Some(Meant::Stage) => Some(format!(
            "a stage is written [stage.{0}]; did you mean that?",
            key.name
        )),
        _ => alternatives("keys", &key.name, KEYS),
    };
    let message = format!("a pipeline has no key `{}`", key.name);
    let problem = Problem::at(&key.span, message).label("unknown");
    problems.push(problem.maybe_help(help));
    meant
}

/// Takes out what stands in the place of names, as in `[stage]` with `kind = …` below it; `is_part` tells what does.
fn leave_unnamed(
    table: &mut Table,
    written: &str,
    is_part: impl Fn(&str, &Value) -> bool,
    problems: &mut Problems,
) {
    let mut entries = table.iter();
    let Some((key, _)) = entries.find(|(key, value)| is_part(&key.name, value)) else {
        return;
    };
    let problem = Problem::at(&key.span, "this table has no name")
        .help(format!("write a name into its header, e.g. `{written}`"));
    problems.push(problem);
    table.retain(|(key, value)| {
        let text = &value.span.source.text[value.span.range.clone()];
        value.table().is_some() && !text.starts_with('{') && !is_part(&key.name, value)
    });
}

/// The keys of a profile.
const PROFILE: [&str; 2] = ["set", "keep"];

fn is_part_of_stage(name: &str, value: &Value) -> bool {
    name == "kind" && value.text().is_some()
}

fn is_part_of_profile(name: &str, value: &Value) -> bool {
    let is_profile = |inner: &Table| {
        inner
            .iter()
            .any(|(k, _)| PROFILE.contains(&k.name.as_str()))
    };
    PROFILE.contains(&name) && value.table().is_some_and(|inner| !is_profile(inner))
}

fn text(value: Value, key: &Key, problems: &mut Problems) -> Option<Value> {
    if value.text().is_none() {
        let message = format!("`{}` must be a string, not {}", key.name, value.noun());
        problems.push(Problem::at(&value.span, message));
        return None;
    }
    Some(value)
}

fn table(value: Value, key: &Key, problems: &mut Problems) -> Table {
    if let Data::Table(table) = value.data {
        return table;
    }
    let message = format!("`{}` must be a table, not {}", key.name, value.noun());
    let problem = Problem::at(&value.span, message);
    problems.push(problem.help(format!("its header has single brackets: [{}]", key.name)));
    // What stands in a list of tables is read all the same.
    let items = match value.data {
        Data::Array(items) => items,
        _ => Vec::new(),
    };
    let tables = items.into_iter().filter_map(|item| match item.data {
        Data::Table(table) => Some(table),
        _ => None,
    });
    tables.flatten().collect()
}

fn list(value: Value, key: &Key, problems: &mut Problems) -> Vec<Value> {
    if let Data::Array(items) = value.data {
        return items;
    }
    let message = format!("`{0}` is a list of tables, written [[{0}]]", key.name);
    problems.push(Problem::at(&key.span, message));
    // What is in it is checked all the same.
    let table = value.table().is_some().then_some(value);
    table.into_iter().collect()
}

type Entry = (Key, Value);

/// Adds the entries of one table to another; `lay` says what becomes of one that both have.
fn merge(below: &mut Table, above: Table, mut lay: impl FnMut(&mut Entry, Entry)) {
    // Only of many is it worth the while to note where each is.
    let places = (above.len() > 16).then(|| {
        let names = below.iter().map(|(key, _)| key.name.clone());
        names.zip(0..).collect::<HashMap<String, usize>>()
    });
    for entry in above {
        let name = &entry.0.name;
        let at = match &places {
            Some(places) => places.get(name).copied(),
            None => below.iter().position(|(key, _)| key.name == *name),
        };
        match at {
            Some(at) => lay(&mut below[at], entry),
            None => below.push(entry),
        }
    }
}

fn replace(below: &mut Entry, above: Entry) {
    *below = above;
}

/// Lays a stage over a part of it, which has no kind.
fn complete(below: &mut Value, above: Value) {
    match (&mut below.data, above.data) {
        (Data::Table(entries), Data::Table(new)) => {
            merge(entries, new, |(_, old), (_, value)| overlay(old, value));
        }
        (_, data) => {
            below.data = data;
            below.span = above.span;
        }
    }
}

/// Lays one value over another: tables merge key by key, unless the upper one names its `kind` and so is whole; all else
/// is replaced.
pub fn overlay(below: &mut Value, above: Value) {
    match (&mut below.data, above.data) {
        (Data::Table(entries), Data::Table(new)) if !new.iter().any(|(k, _)| k.name == "kind") => {
            merge(entries, new, |(_, old), (_, value)| overlay(old, value));
        }
        (_, data) => {
            below.data = data;
            below.span = above.span;
        }
    }
}

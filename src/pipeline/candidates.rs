//! Which files of a folder are pipelines, for a command that is given none.
//!
//! A file is judged by its top-level keys alone. So a pipeline with mistakes is found too, and its mistakes are told when it
//! is read.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::document::{self, LARGEST};
use super::problem::Problems;
use super::resolve::name;
use crate::store::read_named;

/// Files of others and of etude itself, whatever they hold.
const NEVER: [&str; 3] = ["etude.toml", "Cargo.toml", "pyproject.toml"];

/// The pipelines in a folder and in its `pipelines/`, sorted by path. A file without a name of its own that another one
/// includes is a part of that one.
pub fn pipelines_in(folder: &Path) -> Vec<PathBuf> {
    let found = outlines(&[folder]).into_values();
    let mut paths: Vec<PathBuf> = found.map(|(path, _)| path).collect();
    paths.sort();
    paths
}

/// The other pipelines in some folders that have the name of a pipeline. All of these show their results in one folder.
pub fn namesakes(file: &Path, own: &str, folders: &[&Path]) -> Vec<PathBuf> {
    let mut others = outlines(folders);
    others.remove(&real(file));
    let has_name = |(path, outline): &(PathBuf, Outline)| match &outline.name {
        Some(name) => name == own,
        None => {
            // It has the name that it includes, or else that of its file. Its mistakes are told when it is read itself.
            let mut problems = Problems::default();
            let document = document::read(path, &mut problems);
            name(&document, path, &mut problems) == own
        }
    };
    let others = others.into_values().filter(has_name);
    others.map(|(path, _)| path).collect()
}

/// The pipelines in some folders and their `pipelines/`, by where they really are: a link to a pipeline is no second one. Of
/// several paths to one the last folder's counts. Each file is read once.
fn outlines(folders: &[&Path]) -> BTreeMap<PathBuf, (PathBuf, Outline)> {
    let mut found: BTreeMap<PathBuf, (PathBuf, Outline)> = BTreeMap::new();
    let places = folders.iter().rev();
    let places = places.flat_map(|folder| [folder.to_path_buf(), folder.join("pipelines")]);
    for path in places.flat_map(|folder| files(&folder)) {
        if let Entry::Vacant(place) = found.entry(real(&path))
            && let Some(outline) = Outline::read(&path)
        {
            place.insert((path, outline));
        }
    }
    let includes = found.values().flat_map(|(_, outline)| &outline.includes);
    let included: BTreeSet<PathBuf> = includes.cloned().collect();
    found.retain(|real, (_, outline)| outline.name.is_some() || !included.contains(real));
    found
}

/// The TOML files of a folder that may be pipelines.
fn files(folder: &Path) -> Vec<PathBuf> {
    // The current folder may be written as nothing at all.
    let entries = fs::read_dir(Path::new(".").join(folder));
    let names = entries.into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name());
    let may_be = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".toml") && !name.starts_with('.') && !NEVER.contains(&&*name)
    };
    names.map(|name| folder.join(name)).filter(may_be).collect()
}

/// What the top level of a pipeline tells.
struct Outline {
    /// The name that it gives itself.
    name: Option<String>,
    /// The files it includes, where they really are.
    includes: Vec<PathBuf>,
}

impl Outline {
    /// That of a file, if it has stages or a name.
    fn read(path: &Path) -> Option<Self> {
        let text = String::from_utf8(read_named(path, LARGEST).ok()?).ok()?;
        let (table, _) = DeTable::parse_recoverable(&text);
        let mut outline = Self {
            name: None,
            includes: Vec::new(),
        };
        let mut has_stages = false;
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("stage", DeValue::Table(_) | DeValue::Array(_)) => has_stages = true,
                ("name", DeValue::String(name)) => outline.name = Some(name.to_string()),
                ("include", value) => outline.includes = includes(path, value),
                _ => {}
            }
        }
        (has_stages || outline.name.is_some()).then_some(outline)
    }
}

fn includes(path: &Path, value: &DeValue<'_>) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let file = |value: &DeValue<'_>| match value {
        DeValue::String(file) => Some(real(&folder.join(file.as_ref()))),
        _ => None,
    };
    match value {
        DeValue::Array(list) => list.iter().filter_map(|v| file(v.get_ref())).collect(),
        value => file(value).into_iter().collect(),
    }
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let paths = pipelines_in(folder.path());
        let paths = paths.iter().map(|path| path.strip_prefix(folder.path()));
        paths
            .map(|path| path.unwrap().display().to_string())
            .collect()
    }

    const STAGE: &str = "[stage.graphs]\nkind = 'path-star'\n";

    #[test]
    fn a_pipeline_is_told_from_other_toml_by_its_stages_or_its_name() {
        let files = [
            ("a.toml", STAGE),
            ("b.toml", "name = 'b'\n"),
            ("etude.toml", STAGE),
            ("Cargo.toml", STAGE),
            ("pyproject.toml", "name = 'x'\n"),
            (".hidden.toml", STAGE),
            ("ruff.toml", "line-length = 100\n[lint]\nselect = ['E']\n"),
            ("stage.toml", "stage = 3\n"),
            ("a.txt", STAGE),
            ("pipelines/c.toml", STAGE),
        ];
        assert_eq!(found(&files), ["a.toml", "b.toml", "pipelines/c.toml"]);
    }

    #[test]
    fn a_pipeline_with_mistakes_is_one() {
        let broken = "[stage.graphs]\nkind = 'path-star'\ndegree = \n[axes\n";
        let listed = "[[stage]]\nkind = 'path-star'\n";
        let files = [("a.toml", broken), ("b.toml", listed)];
        assert_eq!(found(&files), ["a.toml", "b.toml"]);
    }

    #[test]
    fn pipelines_of_one_name_are_found_however_they_come_by_it() {
        let named = format!("name = 'a'\n{STAGE}");
        let includes = format!("include = '../a.toml'\n{STAGE}");
        let includes_and_has_its_own = format!("name = 'e'\n{includes}");
        let files = [
            ("a.toml", named.as_str()),
            ("copy.toml", &named),
            ("other.toml", STAGE),
            ("pipelines/a.toml", STAGE),
            ("pipelines/d.toml", &includes),
            ("pipelines/e.toml", &includes_and_has_its_own),
            ("pipelines/other.toml", "name = 'else'\n"),
        ];
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let of = |file: &str, name: &str| -> Vec<String> {
            let pipelines = folder.path().join("pipelines");
            let folders = [folder.path(), &pipelines];
            let others = namesakes(&folder.path().join(file), name, &folders);
            let paths = others.iter().map(|path| path.strip_prefix(folder.path()));
            paths
                .map(|path| path.unwrap().display().to_string())
                .collect()
        };
        assert_eq!(
            of("a.toml", "a"),
            ["copy.toml", "pipelines/a.toml", "pipelines/d.toml"]
        );
        assert_eq!(
            of("pipelines/d.toml", "a"),
            ["a.toml", "copy.toml", "pipelines/a.toml"]
        );
        assert!(of("other.toml", "other").is_empty());
        assert!(of("pipelines/e.toml", "e").is_empty());
    }

    #[test]
    fn a_file_that_another_includes_is_a_part_unless_it_has_a_name() {
        let whole = format!("include = ['parts.toml', './named.toml']\n{STAGE}");
        let named = format!("name = 'named'\n{STAGE}");
        let files = [
            ("pipelines/whole.toml", whole.as_str()),
            ("pipelines/parts.toml", STAGE),
            ("pipelines/named.toml", &named),
        ];
        assert_eq!(
            found(&files),
            ["pipelines/named.toml", "pipelines/whole.toml"]
        );
    }
}

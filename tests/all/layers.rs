//! The order of the house, read from the `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each folder may import of ours; nothing else.
const MAY: &[(&str, &[&str])] = &[
    ("learn", &[]),
    ("figures", &[]),
    ("store", &[]),
    ("pipeline", &["store"]),
    ("plan", &["pipeline", "store"]),
    ("stages", &["learn", "figures", "pipeline"]),
    ("run", &["plan", "pipeline", "store"]),
    ("report", &["run", "plan", "pipeline", "store"]),
    (
        "cli",
        &[
            "report", "run", "stages", "plan", "pipeline", "learn", "figures", "store",
        ],
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The folders of ours that a file names, in imports or in passing.
fn named(text: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        let end = part
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(part.len());
        named.insert(part[..end].to_string());
    }
    named
}

#[test]
fn a_folder_imports_only_folders_below_it() {
    for (folder, allowed) in MAY {
        let mut files = Vec::new();
        sources(&src().join(folder), &mut files);
        assert!(!files.is_empty(), "there is no folder {folder}");
        for file in files {
            for other in named(&fs::read_to_string(&file).unwrap()) {
                let ours = MAY.iter().any(|(name, _)| *name == other);
                assert!(
                    !ours || other == *folder || allowed.contains(&other.as_str()),
                    "{} imports {other}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn the_library_below_the_face_prints_nothing_and_reads_no_environment() {
    for (folder, _) in MAY
        .iter()
        .filter(|(folder, _)| !["cli", "report"].contains(folder))
    {
        let mut files = Vec::new();
        sources(&src().join(folder), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            // A build script runs before there is a library.
            if file
                .file_stem()
                .is_some_and(|stem| stem == "tests" || stem == "build")
            {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in [
                "println!",
                "print!(",
                "eprintln!",
                "env::var",
                "home_dir",
                "unsafe {",
            ] {
                // Only the kernels speak to the vector units.
                let may = word == "unsafe {" && file.starts_with(src().join("learn/kernel"));
                assert!(
                    may || !code.contains(word),
                    "{} says {word}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn no_two_files_of_a_folder_import_each_other() {
    for (folder, _) in MAY {
        let mut files = Vec::new();
        sources(&src().join(folder), &mut files);
        let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            if name == "mod" || name == "tests" {
                continue;
            }
            let place = file.parent().unwrap().display();
            let entry = imports.entry(format!("{place}/{name}")).or_default();
            for part in text.split("use super::").skip(1) {
                let end = part
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(0);
                entry.insert(format!("{place}/{}", &part[..end]));
            }
        }
        for (file, others) in &imports {
            for other in others {
                let back = imports.get(other).is_some_and(|back| back.contains(file));
                assert!(
                    !back || file == other,
                    "{file} and {other} import each other"
                );
            }
        }
    }
}

//! One order of imports, which rustfmt does not hold: the standard library, other crates, this crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The place of what a line imports, if it begins an import.
fn place(line: &str, modules: &BTreeSet<&str>) -> Option<u8> {
    let path = line.trim_start().strip_prefix("use ")?;
    let first = path.split([':', ';', ' ']).next()?;
    if !first.starts_with(char::is_alphabetic) {
        return None;
    }
    Some(match first {
        "std" | "core" | "alloc" => 0,
        "crate" | "super" | "self" => 2,
        first if modules.contains(first) => 2,
        _ => 1,
    })
}

/// The numbers of the lines that import what belongs before an import above them.
fn out_of_order(text: &str) -> Vec<usize> {
    let modules = text.lines().filter_map(|line| {
        let (_, name) = line.split_once("mod ")?;
        name.strip_suffix(';')
    });
    let modules = modules.collect();
    let mut wrong = Vec::new();
    let (mut latest, mut is_within) = (0, false);
    for (at, line) in text.lines().enumerate() {
        if is_within {
            is_within = !line.ends_with(';');
            continue;
        }
        match place(line, &modules) {
            Some(place) => {
                if place < latest {
                    wrong.push(at + 1);
                }
                latest = place;
                is_within = !line.ends_with(';');
            }
            // An attribute belongs to the import below it.
            None if line.is_empty() || line.trim_start().starts_with("#[") => {}
            None => latest = 0,
        }
    }
    wrong
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn imports_stand_in_one_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests/all", "benches"].map(|name| root.join(name));
    let mut wrong = Vec::new();
    for path in folders.iter().flat_map(|folder| sources(folder)) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = out_of_order(&text);
        wrong.extend(
            lines
                .iter()
                .map(|line| format!("{}:{line}", path.display())),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_belongs_before_is_found() {
    let text =
        "mod own;\n\nuse own::A;\nuse serde::Serialize;\n\n#[cfg(unix)]\nuse std::{\n    fs,\n};\n";
    assert_eq!(out_of_order(text), [4, 7]);
    assert!(
        out_of_order(
            "use std::fs;\n\nuse serde::A;\n\nuse crate::B;\n\nmod t {\n    use std::io;\n}\n"
        )
        .is_empty()
    );
}

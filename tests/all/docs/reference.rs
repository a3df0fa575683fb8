//! The reference pages, held against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use etude::cli::reference::{Part, parts};
use etude::pipeline::{self, Request};

use super::{pages, read, root};

fn begin(name: &str) -> String {
    format!("<!-- generated: {name} -->\n")
}

fn end(name: &str) -> String {
    format!("<!-- end of {name} -->\n")
}

/// A page with its generated parts as they are now, and which of them it has. The error says which mark is wrong.
fn updated(text: &str, parts: &[Part]) -> Result<(String, Vec<&'static str>), String> {
    let (mut text, mut names) = (text.to_string(), Vec::new());
    let marks = text.matches("<!-- generated:").count();
    for part in parts {
        let (begin, end) = (begin(part.name), end(part.name));
        let Some((before, rest)) = text.split_once(&begin) else {
            continue;
        };
        let Some((_, after)) = rest.split_once(&end) else {
            return Err(format!("`{}` does not end", part.name));
        };
        // An empty line on both sides: what stands directly below a comment is not read as Markdown.
        text = format!("{before}{begin}\n{}\n{end}{after}", part.text);
        names.push(part.name);
    }
    if names.len() == marks {
        Ok((text, names))
    } else {
        Err(format!(
            "it has {marks} generated parts, and {} are known",
            names.len()
        ))
    }
}

#[test]
fn the_reference_is_what_the_code_says() {
    let parts = parts();
    let writes = std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1");
    let mut seen: Vec<&str> = Vec::new();
    let mut stale = Vec::new();
    for path in pages() {
        let text = read(&path);
        let (now, names) =
            updated(&text, &parts).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        seen.extend(names);
        if now == text {
            continue;
        }
        if writes {
            fs::write(root().join(&path), now).unwrap();
        } else {
            stale.push(path);
        }
    }
    seen.sort_unstable();
    let mut all: Vec<&str> = parts.iter().map(|part| part.name).collect();
    all.sort_unstable();
    assert_eq!(seen, all, "each part stands on one page");
    assert!(
        stale.is_empty(),
        "{stale:?} are not what the code says; UPDATE_DOCS=1 cargo test --test all docs writes them anew"
    );
}

#[test]
fn a_part_is_put_between_its_marks_and_a_mark_without_a_part_is_told() {
    let parts = [Part {
        name: "toy",
        text: "new\n".into(),
    }];
    let page = "a\n<!-- generated: toy -->\nold\n<!-- end of toy -->\nb\n";
    let (text, names) = updated(page, &parts).unwrap();
    assert_eq!(
        text,
        "a\n<!-- generated: toy -->\n\nnew\n\n<!-- end of toy -->\nb\n"
    );
    assert_eq!(names, ["toy"]);
    assert_eq!(updated(&text, &parts).unwrap().0, text);
    assert_eq!(updated("a\n", &parts).unwrap(), ("a\n".into(), Vec::new()));
    assert!(updated("<!-- generated: tyo -->\n<!-- end of tyo -->\n", &parts).is_err());
    assert!(updated("<!-- generated: toy -->\n", &parts).is_err());
}

/// The names in the first column of the table below a heading.
fn listed(page: &str, heading: &str) -> BTreeSet<String> {
    let begin = format!("\n## {heading}\n");
    let section = page.split_once(&begin).map(|(_, section)| section);
    let section = section.unwrap_or_else(|| panic!("there is no heading {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split('`').next());
    names.map(str::to_string).collect()
}

/// The names that advice of the form "the keys are `a`, `b`" lists.
fn offered(advice: &str) -> BTreeSet<String> {
    let list = advice.split_once("keys are ").map(|(_, list)| list);
    let list = list.unwrap_or_else(|| panic!("{advice} lists no keys"));
    let names = list.split('`').skip(1).step_by(2);
    names.map(str::to_string).collect()
}

/// What the language knows where a pipeline has the unknown key `zzz`.
fn known(pipeline: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    fs::write(&file, pipeline).unwrap();
    let problems = pipeline::read(&file, &Request::default(), &etude::stages::registry());
    let problems = problems.expect_err("`zzz` is no key");
    let unknown = problems.iter().find(|problem| {
        problem.to_string().contains("`zzz`") || problem.to_string().contains(".zzz")
    });
    let unknown = unknown.unwrap_or_else(|| panic!("{problems:?}"));
    offered(unknown.help.as_deref().unwrap_or_default())
}

const STAGE: &str = "[stage.data]\nkind = 'path-star'\ndegree = 2\npath_length = 3\nnodes = 8\ntrain = 10\ntest = 10\n";

#[test]
fn the_keys_of_a_pipeline_are_those_that_the_page_lists() {
    let page = read(Path::new("docs/reference/language.md"));
    let table = |more: &str| known(&format!("{STAGE}{more}"));
    assert_eq!(
        listed(&page, "The file"),
        known(&format!("zzz = 1\n{STAGE}"))
    );
    let overrides = table("[[override]]\nwhen = {}\nset = {}\nzzz = 1\n");
    assert_eq!(listed(&page, "Overrides"), overrides);
    let profile = table("[profile.small]\nset = {}\nzzz = 1\n");
    assert_eq!(listed(&page, "Profiles"), profile);
    assert_eq!(
        listed(&page, "Resources"),
        table("resources = { zzz = 1 }\n")
    );
    assert_eq!(
        listed(&page, "Retries"),
        table("retry = { max = 1, zzz = 1 }\n")
    );
}

#[test]
fn the_keys_that_every_stage_takes_are_those_that_the_page_lists() {
    let page = read(Path::new("docs/reference/language.md"));
    let registry = etude::stages::registry();
    // What all kinds take beside their own parameters and inputs; `device` only those that compute on one.
    let all = known(&format!("{STAGE}zzz = 1\n"));
    let kind = registry.get("path-star").unwrap();
    let own = kind.schema["properties"].as_object().unwrap();
    let mut beside: BTreeSet<String> = all
        .into_iter()
        .filter(|key| !own.contains_key(key))
        .collect();
    beside.extend(["kind".to_string(), "device".to_string()]);
    assert_eq!(listed(&page, "Stages"), beside);
}

#[test]
fn the_keys_of_etude_toml_are_those_that_the_page_lists() {
    let page = read(Path::new("docs/reference/language.md"));
    for (heading, text) in [
        ("The settings of a project", "zzz = 1\n"),
        ("Garbage collection", "[gc]\nzzz = 1\n"),
        ("The machine", "[machine]\nzzz = 1\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("etude.toml"), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        let output = command
            .arg("gc")
            .current_dir(folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        // The report has several columns, and lines that are cut to its width.
        let words: Vec<&str> = errors
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect();
        assert_eq!(
            listed(&page, heading),
            offered(&words.join(" ")),
            "{errors}"
        );
    }
}

#[test]
fn the_page_of_the_store_names_all_that_a_store_has() {
    let page = read(Path::new("docs/reference/store.md"));
    let listed = listed(&page, "The folders of a store");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("etude.toml"), "").unwrap();
    fs::write(path.join("p.toml"), STAGE).unwrap();
    for arguments in [&["run", "p.toml"][..], &["pin", "p.toml"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        let output = command.args(arguments).current_dir(path).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let there = fs::read_dir(path.join("outputs/.etude/v1")).unwrap();
    let there: Vec<String> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(there.contains(&"pins".to_string()), "{there:?}");
    for name in there {
        assert!(
            listed.contains(&format!("{name}/")),
            "{name} is not in {listed:?}"
        );
    }
}

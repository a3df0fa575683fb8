//! `etude init`, and what git takes along of a project.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::project::Project;

/// A dataset, made in no time.
const TINY: &str = "
name = 'tiny'
[stage.graphs]
kind = 'path-star'
degree = 2
path_length = 3
nodes = 8
train = 10
test = 5
validation = 0
";

/// What the program prints in a folder, its results before its messages, and its exit code.
fn etude(folder: &Path, arguments: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.unwrap();
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap();
    (String::from_utf8(text).unwrap(), code)
}

/// The lines that git prints in a folder, whatever the settings of who runs it.
fn git(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("git");
    let nothing = if cfg!(windows) { "NUL" } else { "/dev/null" };
    command
        .env("GIT_CONFIG_GLOBAL", nothing)
        .env("GIT_CONFIG_SYSTEM", nothing)
        .args(arguments)
        .current_dir(folder);
    let output = command.output().expect("this test needs git");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_string).collect()
}

/// What `git add .` takes along.
fn added(folder: &Path) -> Vec<String> {
    git(folder, &["add", "."]);
    git(folder, &["ls-files"])
}

#[test]
fn a_first_pipeline_runs_at_once_and_draws_its_figure() {
    let project = Project::with(&[]);
    let said = project.ok(&["init", "papers/first"]);
    let folder = project.path("papers/first");
    for file in ["etude.toml", ".gitignore", "pipelines/starter.toml"] {
        assert!(folder.join(file).is_file(), "{file}");
        assert!(
            said.contains(&format!("made   papers/first/{file}: ")),
            "{said}"
        );
    }
    assert!(
        said.contains("next, in the folder papers/first: `etude run`"),
        "{said}"
    );
    let (text, code) = etude(&folder, &["run", "--strict"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("reproduced (1 of 1 rows)"), "{text}");
    let results = folder.join("outputs/starter");
    assert!(results.join("figures/figure.svg").is_file());
    let table = fs::read_to_string(results.join("tables/table.md")).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.contains('±')).collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows.iter().all(|row| row.ends_with("3 |")), "{table}");
    let (text, code) = etude(&folder, &["plan"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn nothing_that_is_there_is_replaced() {
    let project = Project::with(&[
        ("etude.toml", "[machine]\ncores = 1\n"),
        ("mine.toml", TINY),
    ]);
    // Its last line has no end.
    project.write(".gitignore", "*.log\r\n/outputs/*");
    let said = project.ok(&["init"]);
    assert_eq!(project.read("etude.toml"), "[machine]\ncores = 1\n");
    assert_eq!(project.read("mine.toml"), TINY);
    assert_eq!(
        project.read(".gitignore"),
        "*.log\r\n/outputs/*\n!/outputs/gallery/\n"
    );
    assert!(!project.path("pipelines").exists());
    for line in [
        "kept   etude.toml: ",
        "added  .gitignore: ",
        "kept   mine.toml: ",
        "next: `etude run`",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    // Once more, there is nothing left to do.
    let said = project.ok(&["init", "."]);
    assert!(said.contains("kept   ./.gitignore: "), "{said}");
    assert!(!said.contains("made ") && !said.contains("added"), "{said}");
    assert_eq!(
        project.read(".gitignore"),
        "*.log\r\n/outputs/*\n!/outputs/gallery/\n"
    );
    project.write(".gitignore", "outputs/\n");
    assert!(project.ok(&["init"]).contains("all of outputs/"));
    assert_eq!(project.read(".gitignore"), "outputs/\n");
}

#[test]
fn what_is_in_the_way_is_told() {
    let project = Project::with(&[("pipelines", "no folder"), ("taken", "no folder")]);
    for (arguments, path) in [
        (&["init"][..], "pipelines/starter.toml"),
        (&["init", "taken"], "taken/etude.toml"),
    ] {
        let (said, code) = project.etude(arguments);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&format!("cannot make {path}: ")), "{said}");
    }
    assert_eq!(project.read("pipelines"), "no folder");
}

#[test]
fn every_setting_that_is_offered_is_one() {
    let project = Project::with(&[]);
    project.ok(&["init", "new"]);
    let text = project.read("new/etude.toml");
    let offered = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if setting.contains(" = ") => setting,
        _ => line,
    });
    let offered: Vec<&str> = offered.collect();
    let settings = offered.iter().filter(|line| line.contains(" = ")).count();
    assert_eq!(settings, 7, "{offered:?}");
    project.write("new/etude.toml", &offered.join("\n"));
    let (said, code) = etude(&project.path("new"), &["pin", "--list"]);
    assert_eq!((said.trim(), code), ("0 pinned", 0));
}

#[test]
fn git_takes_no_store_along_whether_or_not_the_project_was_made_by_init() {
    let project = Project::with(&[("tiny.toml", TINY)]);
    git(project.folder.path(), &["init", "--quiet"]);
    project.ok(&["run", "tiny.toml"]);
    let files = added(project.folder.path());
    assert!(files.contains(&"tiny.toml".to_string()), "{files:?}");
    assert!(
        files
            .iter()
            .all(|file| !file.starts_with("outputs/.etude/")),
        "{files:?}"
    );

    let project = Project::with(&[("tiny.toml", TINY)]);
    let folder = project.folder.path();
    git(folder, &["init", "--quiet"]);
    project.ok(&["init"]);
    project.ok(&["run"]);
    assert_eq!(added(folder), [".gitignore", "etude.toml", "tiny.toml"]);
    let published = project.path("outputs/gallery/tiny/tables");
    fs::create_dir_all(&published).unwrap();
    fs::write(published.join("t.csv"), "x\n1\n").unwrap();
    let files = added(folder);
    assert!(files.contains(&"outputs/gallery/tiny/tables/t.csv".to_string()));
    assert_eq!(files.len(), 4, "{files:?}");
}

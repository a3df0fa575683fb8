//! The pipelines that come with etude, and what is published of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use etude::pipeline::{Judged, Request, Verdict, read};
use etude::plan::Plan;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the pipelines, and the files they lie in.
fn all() -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(root().join("pipelines")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let name = |file: PathBuf| {
        (
            file.file_stem().unwrap().to_str().unwrap().to_string(),
            file,
        )
    };
    files.into_iter().map(name).collect()
}

/// A project with the pipelines and what they read.
fn project() -> tempfile::TempDir {
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("etude.toml"), "").unwrap();
    copy(&root().join("pipelines"), &project.path().join("pipelines"));
    // A published model is the user's to bring; planning asks that it is there, and of a kind that is supported.
    let model = project.path().join("models/gpt2-large");
    fs::create_dir_all(&model).unwrap();
    let config = r#"{"model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024, "n_embd": 1280, "n_layer": 36, "n_head": 20}"#;
    fs::write(model.join("config.json"), config).unwrap();
    project
}

/// Copies a folder and all below it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn etude(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    command.args(arguments).current_dir(folder);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The profiles of a file, as it names them.
fn profiles(text: &str) -> Vec<String> {
    let headers = text
        .lines()
        .filter_map(|line| line.strip_prefix("[profile."));
    let names = headers.filter_map(|rest| rest.strip_suffix(']'));
    names
        .filter(|name| !name.contains('.'))
        .map(str::to_string)
        .collect()
}

#[test]
fn every_pipeline_is_right_under_each_of_its_profiles() {
    let project = project();
    let registry = etude::stages::registry();
    for (name, file) in all() {
        let text = fs::read_to_string(&file).unwrap();
        let named = profiles(&text);
        for profile in named.iter().map(Some).chain([None]) {
            let request = Request {
                profile: profile.cloned(),
                root: project.path().to_path_buf(),
                ..Request::default()
            };
            let file = project.path().join(format!("pipelines/{name}.toml"));
            let pipeline = read(&file, &request, &registry)
                .unwrap_or_else(|problems| panic!("{name}, {profile:?}: {problems:#?}"));
            assert_eq!(pipeline.name, name);
            assert!(pipeline.about.is_some());
            assert!(!Plan::unroll(pipeline, &[]).jobs.is_empty());
        }
    }
}

#[test]
fn what_is_about_the_paper_has_the_sizes_of_the_paper_and_of_a_desk() {
    for (name, file) in all() {
        let text = fs::read_to_string(&file).unwrap();
        let named = profiles(&text);
        if named.contains(&"paper".to_string()) {
            assert!(named.contains(&"smoke".to_string()), "{name}");
            assert!(text.contains("[profile.default"), "{name}");
            assert!(text.contains("kind   = \"claim\""), "{name}");
        }
    }
}

#[test]
fn the_smoke_of_every_pipeline_runs_to_its_end() {
    let project = project();
    for (name, file) in all() {
        let text = fs::read_to_string(&file).unwrap();
        if !profiles(&text).contains(&"smoke".to_string()) && !text.contains("[profile.smoke.") {
            continue;
        }
        let file = format!("pipelines/{name}.toml");
        let output = etude(project.path(), &["run", &file, "--profile", "smoke"]);
        // A machine need not have an engine for documents; then that is all that fails.
        let lacks_engine = said(&output).contains("is installed: `latexmk`");
        if text.contains("\"document\"") && lacks_engine {
            let failed = said(&output).matches(" failed: ").count();
            assert_eq!(failed, 1, "{name}: {}", said(&output));
            continue;
        }
        assert!(output.status.success(), "{name}: {}", said(&output));
    }
}

/// The verdicts that a run left, by the name of the claim.
fn verdicts(outputs: &Path) -> Vec<(String, Verdict)> {
    let mut found = Vec::new();
    let mut open = vec![outputs.to_path_buf()];
    while let Some(folder) = open.pop() {
        let Ok(files) = fs::read_dir(&folder) else {
            continue;
        };
        for file in files.map(|file| file.unwrap().path()) {
            if file.is_dir() {
                open.push(file);
            } else if file.extension().is_some_and(|e| e == "json") {
                let verdict = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
                found.push((file.display().to_string(), verdict));
            }
        }
    }
    found
}

#[test]
fn no_claim_holds_of_models_that_were_trained_for_one_step() {
    let project = project();
    let mut count = 0;
    for (name, file) in all() {
        let text = fs::read_to_string(&file).unwrap();
        let file = format!("pipelines/{name}.toml");
        let mut arguments = vec!["run", &file];
        if text.contains("\"model.steps\" = [1,") {
            arguments.extend(["--where", "steps=1"]);
        } else {
            arguments.extend(["--set", "model.steps=1"]);
        }
        if text.contains("[profile.smoke]") {
            arguments.extend(["--profile", "smoke"]);
        } else {
            arguments.extend(["--where", "seed=0", "--set", "model.evaluate_on=50"]);
            arguments.extend(["--set", "graphs.train=400", "--set", "graphs.test=100"]);
        }
        // A figure of what only later steps show fails; no claim may need one.
        let output = etude(project.path(), &arguments);
        let before = count;
        let folders = fs::read_dir(project.path().join("outputs")).unwrap();
        let folders = folders.map(|entry| entry.unwrap().path());
        let mut asked = folders.filter(|folder| {
            let folder = folder.file_name().unwrap().to_string_lossy();
            folder.starts_with(&format!("{name}@"))
        });
        let folder = asked
            .next()
            .unwrap_or_else(|| panic!("{name}: {}", said(&output)));
        for (place, verdict) in verdicts(&folder.join("verdicts")) {
            assert_ne!(
                verdict.verdict,
                Judged::Reproduced,
                "{place}: {}",
                verdict.says
            );
            count += 1;
        }
        assert!(count > before, "{name} judges nothing: {}", said(&output));
    }
    assert!(count > 20, "{count} claims");
}

#[test]
fn what_is_published_is_what_the_pipelines_say() {
    let gallery = root().join("outputs/gallery");
    let published = |name: &str| gallery.join(name).is_dir();
    let all = all();
    let mut checked = 0;
    for (name, _) in all.iter().filter(|(name, _)| published(name)) {
        let output = etude(root(), &["check", &format!("pipelines/{name}.toml")]);
        assert!(output.status.success(), "{name}: {}", said(&output));
        checked += 1;
    }
    assert!(checked > 0, "nothing is published");
    for folder in fs::read_dir(&gallery).unwrap() {
        let name = folder.unwrap().file_name();
        let known = all.iter().any(|(pipeline, _)| **pipeline == *name);
        assert!(known, "{} is of no pipeline", name.display());
    }
}

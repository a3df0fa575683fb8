//! The commands that care for the store, as a user runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PIPELINE: &str = "
name = 'p'
[stage.graphs]
kind = 'path-star'
degree = 2
path_length = 3
nodes = 8
train = 40
test = 10
[stage.model]
kind = 'train'
data = 'graphs'
objective = 'next-token'
architecture = { kind = 'transformer', layers = 1, width = 8, heads = 1 }
optimizer = { kind = 'adamw', lr = 3e-3 }
batch = 4
steps = 2
[stage.curve]
kind = 'aggregate'
from = 'model'
sql = 'SELECT seed, MAX(step) AS steps FROM model GROUP BY seed ORDER BY seed'
[axes]
seed = { 'model.seed' = [0, 1] }
";

/// A project in a folder of its own.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(settings: &str) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("etude.toml", settings);
        project.write("p.toml", PIPELINE);
        project
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a command says, and its exit code.
    fn etude(&self, arguments: &[&str]) -> (String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.args(arguments).current_dir(self.folder.path());
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        // What a run ends with is the last that it says.
        let text = [stderr, stdout].concat();
        (
            String::from_utf8(text).unwrap(),
            status.code().unwrap_or(-1),
        )
    }

    /// Does it, and says the last line.
    fn last(&self, arguments: &[&str]) -> String {
        let (text, code) = self.etude(arguments);
        assert_eq!(code, 0, "{text}");
        let line = text.lines().last().unwrap_or_default();
        line.split(" in ").next().unwrap().to_string()
    }

    fn run(&self) -> String {
        self.last(&["run", "p.toml"])
    }

    fn model(&self, seed: u32) -> PathBuf {
        self.path(&format!("outputs/p/models/model[seed={seed}]"))
    }
}

/// The files below a folder; links to files count.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            all.extend(files(&entry.path()));
        } else {
            all.push(entry.path());
        }
    }
    all.sort();
    all
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn verify_finds_what_is_damaged_changes_nothing_and_repairs_when_told_to() {
    let project = Project::new("");
    let (text, code) = project.etude(&["verify"]);
    assert_eq!(code, 1);
    assert!(text.contains("there is no store at"), "{text}");
    assert_eq!(project.run(), "4 ran");
    let (text, code) = project.etude(&["verify"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("4 records were read: all are as they should be"),
        "{text}"
    );

    let weights = fs::canonicalize(project.model(1).join("model.safetensors")).unwrap();
    flip(&weights);
    let record = files(&project.path("outputs/.etude/v1/records")).remove(0);
    fs::write(&record, "{").unwrap();
    let before = files(&project.path("outputs/.etude"));
    let (text, code) = project.etude(&["verify"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("its bytes are not those that its name says"),
        "{text}"
    );
    assert!(text.contains("damaged     records/"), "{text}");
    assert_eq!(files(&project.path("outputs/.etude")), before);

    let (text, code) = project.etude(&["verify", "--repair"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("quarantine"), "{text}");
    let (text, code) = project.etude(&["verify"]);
    assert_eq!(code, 0, "{text}");
    let ran = project.run();
    assert!(ran.contains("ran, "), "{ran}");
    assert_eq!(project.etude(&["verify"]).1, 0);
    assert_eq!(project.run(), "4 cached");
}

const AT_ONCE: &str = "[gc]\ngrace = '0 s'\nkeep_last = 0\n";

#[test]
fn gc_says_what_would_go_and_why_and_removes_it_when_told_to() {
    let project = Project::new("");
    project.run();
    let longer = PIPELINE.replace("steps = 2", "steps = 3");
    project.write("p.toml", &longer);
    // The table stays the same but for one number.
    assert_eq!(project.run(), "3 ran, 1 cached");
    let (text, _) = project.etude(&["gc", "--keep-last", "0"]);
    assert!(
        text.contains("nothing to remove; 7 artifacts and"),
        "{text}"
    );
    assert!(text.contains("younger than"), "{text}");

    project.write("etude.toml", AT_ONCE);
    let objects = || files(&project.path("outputs/.etude/v1/objects")).len();
    let before = objects();
    let (text, code) = project.etude(&["gc", "--keep-last", "1"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("7 artifacts and"), "{text}");
    let (text, _) = project.etude(&["gc"]);
    assert!(
        text.contains("model[seed=0]: no pipeline has it any more"),
        "{text}"
    );
    assert!(text.contains("4 artifacts and"), "{text}");
    assert!(text.contains("named by pipelines/p.json"), "{text}");
    assert!(text.contains("nothing was removed"), "{text}");
    assert_eq!(objects(), before);
    let (text, code) = project.etude(&["gc", "--yes"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("removed: "), "{text}");
    assert!(objects() < before);
    assert_eq!(project.run(), "4 cached");
    assert_eq!(project.etude(&["verify"]).1, 0);

    // Over a budget it all goes, and comes back.
    let (text, code) = project.etude(&["gc", "--yes", "--budget", "1 B"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("over the budget; it took"), "{text}");
    assert_eq!(objects(), 0);
    assert_eq!(project.run(), "4 ran");
    project.write("outputs/.etude/v1/pipelines/p.json", "{");
    let (text, code) = project.etude(&["gc", "--yes"]);
    assert_eq!(code, 1);
    assert!(text.contains("nothing was removed"), "{text}");
}

#[test]
fn what_is_pinned_outlives_its_pipeline_until_it_is_let_go() {
    let project = Project::new(AT_ONCE);
    let (text, code) = project.etude(&["pin", "p.toml", "model[seed=1]"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("it has no artifact to keep"), "{text}");
    project.run();
    assert_eq!(
        project.last(&["pin", "p.toml", "model[seed=1]"]),
        "1 pinned"
    );
    let (text, _) = project.etude(&["pin", "--list"]);
    assert!(text.contains("model[seed=1] of p"), "{text}");
    let (text, _) = project.etude(&["log", "p.toml", "model[seed=1]"]);
    assert!(text.contains("pinned: it is kept"), "{text}");
    // Where it ran: the device, and the machine as far as it can tell.
    let ran = text
        .lines()
        .find(|line| line.contains(", ran as "))
        .unwrap();
    assert!(ran.contains(" on cpu (") && ran.contains("core"), "{ran}");
    project.write("p.toml", &PIPELINE.replace("steps = 2", "steps = 3"));
    project.run();
    project.last(&["gc", "--yes"]);
    project.write("p.toml", PIPELINE);
    let (text, code) = project.etude(&["plan", "p.toml", "--all"]);
    assert_eq!(code, 2);
    assert!(text.contains("cached   model[seed=1]"), "{text}");
    assert!(text.contains("runs     model[seed=0]"), "{text}");
    project.write("p.toml", &PIPELINE.replace("steps = 2", "steps = 3"));
    assert_eq!(project.last(&["unpin", "p.toml"]), "1 unpinned");
    project.last(&["gc", "--yes"]);
    project.write("p.toml", PIPELINE);
    let (text, _) = project.etude(&["plan", "p.toml", "--all"]);
    assert!(text.contains("runs     model[seed=1]"), "{text}");
}

#[test]
fn what_somebody_already_has_becomes_the_artifact_of_a_job_and_stays_his() {
    let other = Project::new("");
    other.run();
    let project = Project::new(AT_ONCE);
    // What is trained elsewhere for longer is not what this job would leave, but who adopts it says that it is.
    let mine = project.path("mine");
    fs::create_dir(&mine).unwrap();
    for file in files(&other.model(0)) {
        fs::copy(&file, mine.join(file.file_name().unwrap())).unwrap();
    }
    let path = mine.to_string_lossy().into_owned();
    let adopt = |job: &str| {
        let arguments = [
            "adopt",
            "p.toml",
            &path,
            "--as",
            job,
            "--note",
            "from the cluster",
        ];
        project.etude(&arguments)
    };
    let (text, code) = adopt("model[seed=1]");
    assert_eq!(code, 1);
    assert!(text.contains("run graphs first"), "{text}");
    assert_eq!(project.last(&["run", "p.toml", "graphs"]), "1 ran");
    let (text, _) = adopt("model");
    assert!(text.contains("`model` is 2 jobs"), "{text}");
    let config = fs::read(mine.join("config.json")).unwrap();
    fs::write(mine.join("config.json"), "{").unwrap();
    let (text, code) = adopt("model[seed=1]");
    assert_eq!(code, 1);
    assert!(text.contains("`config.json` is not JSON"), "{text}");
    fs::remove_file(mine.join("config.json")).unwrap();
    let (text, _) = adopt("model[seed=1]");
    assert!(
        text.contains("a model has a file `config.json`, and it has none"),
        "{text}"
    );
    fs::write(mine.join("config.json"), config).unwrap();
    let (text, code) = adopt("model[seed=1]");
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("adopted model[seed=1]"), "{text}");
    assert!(mine.join("model.safetensors").exists());
    let (text, code) = adopt("model[seed=1]");
    assert_eq!(code, 1);
    assert!(text.contains("has its artifact already"), "{text}");

    assert_eq!(project.run(), "2 ran, 2 cached");
    let (text, _) = project.etude(&["log", "p.toml", "model[seed=1]"]);
    assert!(
        text.contains("adopted as model[seed=1], not made by a run: from the cluster"),
        "{text}"
    );
    // Nothing can make it again, so it stays over any budget.
    project.last(&["gc", "--yes", "--budget", "1 B"]);
    let (text, _) = project.etude(&["log", "p.toml", "model[seed=1]"]);
    assert!(
        !text.contains("adopted"),
        "{text}: what it is made from has gone"
    );
    assert_eq!(project.last(&["run", "p.toml", "graphs"]), "1 ran");
    let (text, _) = project.etude(&["log", "p.toml", "model[seed=1]"]);
    assert!(text.contains("adopted"), "{text}");
    // Once no pipeline names it, it goes.
    fs::remove_file(project.path("outputs/.etude/v1/pipelines/p.json")).unwrap();
    project.last(&["gc", "--yes"]);
    assert_eq!(project.last(&["run", "p.toml", "graphs"]), "1 ran");
    let (text, _) = project.etude(&["log", "p.toml", "model[seed=1]"]);
    assert!(!text.contains("adopted"), "{text}");
}

#[test]
fn what_etude_toml_says_is_checked_before_anything_is_done() {
    let project = Project::new("stor = '/elsewhere'\n");
    for arguments in [
        &["run", "p.toml"][..],
        &["verify"],
        &["gc"],
        &["pin", "--list"],
    ] {
        let (text, code) = project.etude(arguments);
        assert_eq!(code, 1);
        assert!(text.contains("etude.toml has no key `stor`"), "{text}");
        assert!(text.contains("did you mean `store`?"), "{text}");
    }
    assert!(!project.path("outputs").exists());
}

/// A folder on another file system than that of temporary files, if there is one.
#[cfg(unix)]
fn elsewhere() -> Option<tempfile::TempDir> {
    use std::os::unix::fs::MetadataExt;
    let other = tempfile::tempdir_in("/dev/shm").ok()?;
    let here = tempfile::tempdir().ok()?;
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    (device(other.path()) != device(here.path())).then_some(other)
}

#[cfg(unix)]
#[test]
fn a_store_on_another_file_system_serves_several_projects() {
    let Some(other) = elsewhere() else {
        crate::faults::skipped("/dev/shm is no other file system than that of temporary files");
        return;
    };
    let settings = format!("store = '{}'\n{AT_ONCE}", other.path().display());
    let project = Project::new(&settings);
    assert_eq!(project.run(), "4 ran");
    assert!(!project.path("outputs/.etude").exists());
    let weights = project.model(0).join("model.safetensors");
    let link = fs::read_link(&weights).unwrap();
    assert!(link.is_absolute() && weights.exists(), "{link:?}");
    assert_eq!(project.run(), "4 cached");
    // Views are known for etude's own, and follow what they show.
    project.write("p.toml", &PIPELINE.replace("steps = 2", "steps = 3"));
    let (text, code) = project.etude(&["run", "p.toml"]);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("left as it is"), "{text}");
    assert_ne!(fs::read_link(&weights).unwrap(), link);

    // Another clone finds what is there, and neither collects what the other needs.
    let clone = Project::new(&settings);
    let ran = clone.run();
    assert_eq!(ran, "4 cached");
    clone.last(&["gc", "--yes"]);
    project.last(&["gc", "--yes"]);
    assert_eq!(clone.run(), "4 cached");
    assert_eq!(project.run(), "4 cached");
    clone.write("p.toml", &PIPELINE.replace("steps = 2", "steps = 4"));
    assert_eq!(clone.run(), "3 ran, 1 cached");
    clone.last(&["gc", "--yes"]);
    assert_eq!(project.run(), "4 cached");
    assert_eq!(project.etude(&["verify"]).1, 0);
    fs::remove_dir_all(project.path("outputs")).unwrap();
    assert_eq!(project.run(), "4 cached");
    assert!(weights.exists());
}

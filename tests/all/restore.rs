//! Published results taken back into a store, as on another machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use etude::pipeline::{Request, read};
use etude::plan::{Freshness, Plan, assess};
use etude::store::{Digest, Lookup, Provenance, Store};

use crate::project::Project;

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
sql = 'SELECT seed, MAX(step) AS steps, AVG(loss) AS loss, NULL AS nothing FROM model GROUP BY seed ORDER BY seed'
[stage.figure]
kind = 'plot'
from = 'curve'
mark = 'bar'
x = 'seed'
y = { field = 'steps', title = 'steps' }
[stage.table]
kind = 'table'
from = 'curve'
columns = ['seed', 'steps']
[stage.trained]
kind = 'claim'
from = 'curve'
says = 'All were trained for two steps.'
holds = 'steps = 2'
[axes]
seed = { 'model.seed' = [0, 1] }
";

const GALLERY: &str = "outputs/gallery/p";

/// A project whose results are published.
fn published() -> Project {
    let project = Project::with(&[("p.toml", PIPELINE)]);
    project.ok(&["run", "p.toml"]);
    project.ok(&["publish", "p.toml"]);
    project
}

/// The same as on a clean clone.
fn cloned() -> Project {
    let project = published();
    fs::remove_dir_all(project.path("outputs/.etude")).unwrap();
    fs::remove_dir_all(project.path("outputs/p")).unwrap();
    project
}

fn provenance(project: &Project) -> Provenance {
    let read = Provenance::read(&project.path(GALLERY)).unwrap();
    read.unwrap()
}

/// How a job of the publication lies in the store.
fn lookup(project: &Project, job: &str) -> Lookup {
    let store = Store::at(&project.path("outputs/.etude"));
    store.lookup(&provenance(project).jobs[job].key)
}

fn is_whole(project: &Project, job: &str) -> bool {
    matches!(lookup(project, job), Lookup::Present(_))
}

/// The last line of a text, without the time that a run took.
fn last(text: &str) -> &str {
    let line = text.lines().last().unwrap_or_default();
    line.split(" in ").next().unwrap_or_default()
}

/// The closing counts of a run.
fn run(project: &Project) -> String {
    let (text, code) = project.etude(&["run", "p.toml"]);
    assert_eq!(code, 0, "{text}");
    let counts = text.lines().rfind(|line| line.contains("cached"));
    last(counts.unwrap_or_else(|| panic!("{text}"))).to_string()
}

/// The jobs that a plan would run, with the reason.
fn to_run(project: &Project) -> Vec<String> {
    let (text, _) = project.etude(&["plan", "p.toml", "--all"]);
    let lines = text.lines().filter_map(|line| line.strip_prefix("runs"));
    lines.map(|line| line.trim().to_string()).collect()
}

#[test]
fn what_is_restored_draws_anew_without_training_and_trains_only_what_something_new_reads() {
    let project = cloned();
    let figure = project.read(&format!("{GALLERY}/figures/figure.svg"));
    let before = provenance(&project);
    insta::assert_snapshot!(project.ok(&["restore", "p.toml"]), @"
    jobs published in outputs/gallery/p: 3 restored whole, 4 known without their bytes
    a run makes bytes again only where a job or a figure needs them; `etude plan` tells which
    ");
    assert!(is_whole(&project, "curve") && is_whole(&project, "trained"));
    let Lookup::Released(model) = lookup(&project, "model[seed=1]") else {
        panic!("a model is not published");
    };
    assert_eq!(model.started, before.jobs["model[seed=1]"].started);
    assert_eq!(model.machine, before.jobs["model[seed=1]"].machine);
    project.ok(&["verify"]);

    // PNG is not published, so the figure is drawn once more.
    let why = "its bytes were released or not restored, and are needed";
    assert_eq!(to_run(&project), [format!("figure: {why}")]);
    // What was published stands without them.
    project.ok(&["publish", "p.toml"]);
    assert_eq!(provenance(&project), before);
    assert_eq!(run(&project), "1 ran, 6 cached");
    assert_eq!(project.read("outputs/p/figures/figure.svg"), figure);
    assert_eq!(run(&project), "7 cached");
    project.ok(&["plan", "p.toml"]);
    project.ok(&["publish", "p.toml"]);
    project.ok(&["check", "p.toml"]);
    project.ok(&["verify"]);

    let titled = PIPELINE.replace("title = 'steps'", "title = 'Steps'");
    project.write("p.toml", &titled);
    assert_eq!(to_run(&project), ["figure: y.title: steps → Steps"]);
    assert_eq!(run(&project), "1 ran, 6 cached");

    let more = "[stage.other]\nkind = 'aggregate'\nfrom = 'model'\nsql = 'SELECT COUNT(*) AS n FROM model'\n[axes]";
    project.write("p.toml", &titled.replace("[axes]", more));
    assert_eq!(
        to_run(&project).into_iter().collect::<BTreeSet<_>>(),
        [
            format!("graphs: {why}"),
            format!("model[seed=0]: {why}"),
            format!("model[seed=1]: {why}"),
            "other: new".to_string(),
        ]
        .into()
    );
    assert_eq!(run(&project), "4 ran, 4 cached");
    assert_eq!(run(&project), "8 cached");
    for (job, origin) in &before.jobs {
        let Lookup::Present(record) = lookup(&project, job) else {
            panic!("{job} is not whole");
        };
        assert_eq!(record.artifact, origin.artifact, "{job}");
    }
}

#[test]
fn what_was_changed_by_hand_or_is_gone_is_not_taken() {
    let project = cloned();
    let at = |name: &str| format!("{GALLERY}/{name}");
    let curve = project.read(&at("tables/curve.csv"));
    project.write(&at("tables/curve.csv"), &curve.replacen(",2,", ",3,", 1));
    fs::remove_file(project.path(&at("verdicts/trained.json"))).unwrap();
    let (text, code) = project.etude(&["restore", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    insta::assert_snapshot!(text, @"
    changed  tables/curve.csv: its bytes are not those published; take the committed file and restore again
    missing  verdicts/trained.json: it was published and is not there; take the committed file and restore again
    jobs published in outputs/gallery/p: 7 known without their bytes
    a run makes bytes again only where a job or a figure needs them; `etude plan` tells which
    ");
    assert!(!is_whole(&project, "curve") && !is_whole(&project, "trained"));
    // Nothing is made of it, and nothing that is not there is shown or replaced.
    assert_eq!(to_run(&project), Vec::<String>::new());
    assert_eq!(run(&project), "7 cached");
    assert!(!project.path("outputs/p/tables").exists());
    let (text, code) = project.etude(&["publish", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("nothing is published: the bytes of curve are not in the store"),
        "{text}"
    );
    // With the right bytes it is.
    project.write(&at("tables/curve.csv"), &curve);
    let (text, code) = project.etude(&["restore", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("2 restored whole, 5 in the store already"),
        "{text}"
    );
    assert_eq!(to_run(&project).len(), 2, "{:?}", to_run(&project));
    assert_eq!(run(&project), "2 ran, 5 cached");

    let seal = project.read(&at("provenance.json"));
    project.write(
        &at("provenance.json"),
        &seal.replacen("\"cpu\"", "\"gpu\"", 1),
    );
    let (text, code) = project.etude(&["restore", "p.toml"]);
    assert_eq!(code, 1);
    assert!(text.contains("provenance.json is damaged"), "{text}");
    fs::remove_dir_all(project.path(GALLERY)).unwrap();
    let (text, code) = project.etude(&["restore", "p.toml"]);
    assert_eq!(code, 1);
    assert!(text.contains("nothing of p is published"), "{text}");
}

#[test]
fn what_was_not_restored_can_be_asked_for() {
    let project = cloned();
    project.ok(&["restore", "p.toml"]);
    let text = project.ok(&["run", "p.toml", "--again", "model[seed=0]"]);
    assert!(text.contains("3 ran, 4 cached"), "{text}");
    assert!(is_whole(&project, "model[seed=0]") && !is_whole(&project, "model[seed=1]"));
}

/// The files below a folder, with their bytes.
fn bytes(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
}

#[test]
fn what_the_store_has_stays_and_what_it_lost_comes_back() {
    let project = published();
    let records = || {
        let mut all = Vec::new();
        bytes(&project.path("outputs/.etude/v1/records"), &mut all);
        all
    };
    let before = records();
    let text = project.ok(&["restore", "p.toml"]);
    assert_eq!(
        text,
        "jobs published in outputs/gallery/p: 7 in the store already\n"
    );
    assert_eq!(records(), before);

    // The bytes of one table and of one figure are lost.
    let store = Store::at(&project.path("outputs/.etude"));
    for (job, file) in [("curve", "table.parquet"), ("figure", "figure.svg")] {
        let stored = &provenance(&project).jobs[job].artifact.files[file];
        fs::remove_file(store.objects().path(&stored.digest)).unwrap();
        assert!(!is_whole(&project, job));
    }
    let text = project.ok(&["restore", "p.toml"]);
    assert!(
        text.contains("2 restored whole, 5 in the store already"),
        "{text}"
    );
    assert_eq!(records(), before);
    assert_eq!(run(&project), "7 cached");
    project.ok(&["verify"]);

    // Other bytes of the same key are the store's own.
    let mut other = provenance(&project);
    let curve = other.jobs.get_mut("curve").unwrap();
    let stored = curve.artifact.files.get_mut("table.parquet").unwrap();
    stored.digest = Digest::of_bytes(b"other");
    other.write(&project.path(GALLERY)).unwrap();
    let (text, code) = project.etude(&["restore", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("left     curve: it left other bytes here, which stay"),
        "{text}"
    );
    assert_eq!(records(), before);
}

#[test]
fn two_restores_at_once_restore_all_of_it() {
    let project = cloned();
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.args(["restore", "p.toml"]);
        command.current_dir(project.folder.path());
        command.stdout(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    for child in [start(), start(), start()] {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
    }
    assert!(is_whole(&project, "curve") && is_whole(&project, "trained"));
    project.ok(&["verify"]);
    assert_eq!(run(&project), "1 ran, 6 cached");
}

#[test]
fn tables_from_before_their_types_were_published_are_restored_too() {
    let project = cloned();
    let mut older = provenance(&project);
    let curve = older.jobs.get_mut("curve").unwrap();
    let types = &curve.columns["tables/curve.csv"];
    assert_eq!(types["seed"], "int");
    assert_eq!(types["nothing"], "none");
    curve.columns.clear();
    older.write(&project.path(GALLERY)).unwrap();
    project.ok(&["restore", "p.toml"]);
    assert!(is_whole(&project, "curve"));
}

#[test]
fn what_a_table_warns_of_is_restored_with_it() {
    let some = "AVG(CASE WHEN seed = 0 THEN loss END) AS loss, ci95(CASE WHEN seed = 0 THEN loss END) AS ci";
    let warns = PIPELINE
        .replace(
            "MAX(step) AS steps, AVG(loss) AS loss",
            &format!("2 AS steps, {some}"),
        )
        .replace("SELECT seed,", "SELECT 0 AS seed,")
        .replace("GROUP BY seed ORDER BY seed", "");
    let project = Project::with(&[("p.toml", &warns)]);
    project.ok(&["run", "p.toml"]);
    project.ok(&["publish", "p.toml"]);
    let curve = &provenance(&project).jobs["curve"];
    assert!(
        curve.artifact.files.contains_key(".warnings.json"),
        "{curve:?}"
    );
    assert!(
        curve.notes[".warnings.json"].contains("no value"),
        "{curve:?}"
    );
    fs::remove_dir_all(project.path("outputs/.etude")).unwrap();
    project.ok(&["restore", "p.toml"]);
    assert!(is_whole(&project, "curve"));
}

#[test]
fn that_something_was_adopted_is_restored_too() {
    let project = Project::with(&[("p.toml", PIPELINE)]);
    project.ok(&["run", "p.toml"]);
    fs::create_dir(project.path("mine")).unwrap();
    for entry in fs::read_dir(project.path("outputs/p/models/model[seed=0]")).unwrap() {
        let from = entry.unwrap().path();
        let to = project.path("mine").join(from.file_name().unwrap());
        fs::copy(from, to).unwrap();
    }
    fs::remove_dir_all(project.path("outputs")).unwrap();
    project.ok(&["run", "p.toml", "graphs"]);
    let adopt = [
        "adopt",
        "p.toml",
        "mine",
        "--as",
        "model[seed=0]",
        "--note",
        "from a cluster",
    ];
    project.ok(&adopt);
    project.ok(&["run", "p.toml"]);
    project.ok(&["publish", "p.toml"]);
    let before = provenance(&project);
    fs::remove_dir_all(project.path("outputs/.etude")).unwrap();
    project.ok(&["restore", "p.toml"]);
    let text = project.ok(&["log", "p.toml", "model[seed=0]"]);
    assert!(text.contains("not made by a run: from a cluster"), "{text}");
    project.ok(&["publish", "p.toml"]);
    assert_eq!(provenance(&project), before);
}

#[test]
fn a_pipeline_that_has_changed_finds_what_it_still_has() {
    let project = cloned();
    let fewer = PIPELINE.replace("[0, 1]", "[1]");
    project.write("p.toml", &fewer);
    let text = project.ok(&["restore", "p.toml"]);
    assert!(text.contains("4 known without their bytes"), "{text}");
    assert!(matches!(
        lookup(&project, "model[seed=0]"),
        Lookup::Released(_)
    ));
    // The table is of one seed now, and reads a model whose bytes are not there.
    let (text, code) = project.etude(&["plan", "p.toml", "--all"]);
    assert_eq!(code, 2);
    assert!(text.contains("runs     model[seed=1]"), "{text}");
    assert!(text.contains("runs     curve"), "{text}");
}

#[test]
fn a_profile_that_was_published_is_named() {
    let profile = format!("{PIPELINE}[profile.long]\nset = {{ model.steps = 3 }}\n");
    let project = Project::with(&[("p.toml", &profile)]);
    let long = ["--profile", "long"];
    project.ok(&[&["run", "p.toml"], &long[..]].concat());
    project.ok(&[&["publish", "p.toml"], &long[..]].concat());
    fs::remove_dir_all(project.path("outputs/.etude")).unwrap();
    let text = project.ok(&["restore", "p.toml"]);
    insta::assert_snapshot!(last(&text), @"published with `--profile long`; give the same to `etude plan` and `etude run`");
    let text = project.ok(&[&["restore", "p.toml"], &long[..]].concat());
    assert!(!text.contains("published with"), "{text}");
    let text = project.ok(&[&["run", "p.toml"], &long[..]].concat());
    assert!(text.contains("1 ran, 6 cached"), "{text}");
}

#[test]
fn every_gallery_is_restored_with_its_tables_and_verdicts_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Project::with(&[]);
    fs::create_dir(project.path("pipelines")).unwrap();
    for file in fs::read_dir(root.join("pipelines")).unwrap() {
        let file = file.unwrap().path();
        let to = project.path("pipelines").join(file.file_name().unwrap());
        if file.is_file() {
            fs::copy(&file, to).unwrap();
        }
    }
    let gallery = root.join("outputs/gallery");
    let (mut all, mut tables) = (0, 0);
    for folder in fs::read_dir(&gallery).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_string();
        let file = project.path(&format!("pipelines/{name}.toml"));
        let text = project.ok(&[
            "restore",
            &format!("pipelines/{name}.toml"),
            "--outputs",
            gallery.to_str().unwrap(),
        ]);
        assert!(text.contains("restored whole"), "{name}: {text}");
        let published = Provenance::read(&folder).unwrap().unwrap();
        let store = Store::at(&project.path("outputs/.etude"));
        for (job, origin) in &published.jobs {
            let names: Vec<&String> = origin.artifact.files.keys().collect();
            let is_table = !origin.files.is_empty()
                && (names == ["table.parquet"] || names == ["verdict.json"]);
            tables += usize::from(is_table);
            let found = store.lookup(&origin.key);
            let is_whole = matches!(found, Lookup::Present(_));
            assert!(!is_table || is_whole, "{job} of {name}: {found:?}");
        }
        // A run draws, counts what tables hold, and trains nothing.
        let request = Request {
            root: project.folder.path().to_path_buf(),
            ..Request::default()
        };
        let pipeline = read(&file, &request, &etude::stages::registry()).unwrap();
        let plan = Plan::unroll(pipeline, &[]);
        let states = assess(&plan, &store, &store.ledgers().of(&plan.pipeline.shown)).unwrap();
        for (id, state) in states.iter().enumerate() {
            if state.record().is_none() {
                let kind = plan.kind(id).name.to_string();
                let job = &plan.jobs[id].name;
                assert!(
                    ["aggregate", "plot", "table"].contains(&kind.as_str()),
                    "{job} of {name}"
                );
                assert!(matches!(state, Freshness::Stale { .. }), "{job} of {name}");
            }
        }
        all += 1;
    }
    assert!(all > 5 && tables > 50, "{tables} tables of {all} galleries");
}

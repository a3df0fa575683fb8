//! Publishing results to commit, and checking on a clean clone that they are still what the pipeline says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use etude::store::{Digest, Provenance};

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
sql = 'SELECT seed, MAX(step) AS steps FROM model GROUP BY seed ORDER BY seed'
[stage.figure]
kind = 'plot'
from = 'curve'
mark = 'bar'
x = 'seed'
y = { field = 'steps', title = 'steps' }
[stage.table]
kind = 'table'
from = 'curve'
[stage.trained]
kind = 'claim'
from = 'curve'
says = 'All were trained for two steps.'
holds = 'steps = 2'
[axes]
seed = { 'model.seed' = [0, 1] }
[profile.long]
set = { model.batch = 4 }
";

fn project(pipeline: &str) -> Project {
    Project::with(&[("p.toml", pipeline)])
}

impl Project {
    /// One whose results are published, and whose store is gone, as on a clean clone.
    fn published(pipeline: &str) -> Self {
        let project = project(pipeline);
        project.ok(&["run", "p.toml"]);
        project.ok(&["publish", "p.toml"]);
        fs::remove_dir_all(project.path("outputs/.etude")).unwrap();
        fs::remove_dir_all(project.path("outputs/p")).unwrap();
        project
    }

    /// What a check says of a pipeline that it does not find right.
    fn wrong(&self, pipeline: &str) -> String {
        self.write("p.toml", pipeline);
        let (text, code) = self.etude(&["check", "p.toml"]);
        assert_eq!(code, 1, "{text}");
        self.write("p.toml", PIPELINE);
        text
    }

    /// The published files.
    fn files(&self) -> BTreeSet<String> {
        let root = self.path("outputs/gallery/p");
        let mut files = BTreeSet::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap();
                    files.insert(name.display().to_string());
                }
            }
        }
        files
    }
}

#[test]
fn what_is_published_is_small_the_same_each_time_and_checked_without_a_store() {
    let project = project(PIPELINE);
    let (text, code) = project.etude(&["publish", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("7 jobs are not done, graphs first"), "{text}");
    assert!(!project.path("outputs").exists());
    let (text, code) = project.etude(&["check", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("nothing of p is published"), "{text}");

    project.ok(&["run", "p.toml"]);
    let text = project.ok(&["publish", "p.toml"]);
    assert_eq!(
        text,
        "8 files published in outputs/gallery/p: 2 tables (.csv, .md, .tex), 1 figure (.pdf, .svg, .tex), 1 verdict (.json)\n"
    );
    let expected = [
        "figures/figure.pdf",
        "figures/figure.svg",
        "figures/figure.tex",
        "provenance.json",
        "tables/curve.csv",
        "tables/table.csv",
        "tables/table.md",
        "tables/table.tex",
        "verdicts/trained.json",
    ];
    assert_eq!(project.files(), expected.map(str::to_string).into());
    assert_eq!(
        project.read("outputs/gallery/p/tables/curve.csv"),
        "seed,steps\n0,2\n1,2\n"
    );
    let provenance = project.read("outputs/gallery/p/provenance.json");
    for place in [project.folder.path(), &std::env::temp_dir()] {
        assert!(
            !provenance.contains(&place.display().to_string()),
            "{provenance}"
        );
    }
    assert!(provenance.contains("\"model[seed=1]\""), "{provenance}");
    project.ok(&["publish", "p.toml"]);
    assert_eq!(
        project.read("outputs/gallery/p/provenance.json"),
        provenance
    );

    fs::remove_dir_all(project.path("outputs/.etude")).unwrap();
    fs::remove_dir_all(project.path("outputs/p")).unwrap();
    let right =
        "8 files of 7 jobs and 1 claim in outputs/gallery/p: all are as the pipeline says\n";
    assert_eq!(project.ok(&["check", "p.toml"]), right);
    assert!(
        !project.path("outputs/.etude").exists(),
        "a check leaves nothing behind"
    );
    project.write("p.toml", &format!("# a comment\n{PIPELINE}"));
    assert_eq!(project.ok(&["check", "p.toml"]), right);
    // Elsewhere, if that is wanted.
    fs::rename(project.path("outputs/gallery"), project.path("results")).unwrap();
    project.ok(&["check", "p.toml", "--outputs", "results"]);
}

#[test]
#[cfg(unix)]
fn files_of_programs_that_nothing_reads_are_published_and_large_ones_told() {
    let pipeline = r#"
name = 'p'
[stage.between]
kind = 'command'
args = ['sh', '-c', 'echo x > "$ETUDE_OUT/between.txt"']
outputs = { between = { path = 'between.txt', type = 'file' } }
[stage.end]
kind = 'command'
args = ['sh', '-c', 'head -c 11000000 /dev/zero > "$ETUDE_OUT/end.bin"']
inputs = { between = 'between' }
outputs = { end = { path = 'end.bin', type = 'file' } }
"#;
    let project = project(pipeline);
    project.ok(&["run", "p.toml"]);
    let text = project.ok(&["publish", "p.toml"]);
    assert!(text.starts_with("large    files/end.bin: "), "{text}");
    assert!(
        text.contains("1 file published in outputs/gallery/p: 1 file (.bin)\n"),
        "{text}"
    );
    let expected = ["files/end.bin", "provenance.json"];
    assert_eq!(project.files(), expected.map(str::to_string).into());
    project.ok(&["check", "p.toml"]);
    fs::write(project.path("outputs/gallery/p/files/more.bin"), "x").unwrap();
    let (text, code) = project.etude(&["check", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("strange  files/more.bin"), "{text}");
}

#[test]
fn what_is_older_than_the_pipeline_is_named_with_what_has_changed() {
    let project = Project::published(PIPELINE);
    let text = project.wrong(&PIPELINE.replace("\nsteps = 2", "\nsteps = 3"));
    insta::assert_snapshot!(text, @"
    stale    curve: older than model[seed=0], model[seed=1] (the first: steps: 2 → 3)
    stale    trained: older than model[seed=0], model[seed=1] (the first: steps: 2 → 3)
    stale    table: older than model[seed=0], model[seed=1] (the first: steps: 2 → 3)
    stale    figure: older than model[seed=0], model[seed=1] (the first: steps: 2 → 3)
    8 files of 7 jobs and 1 claim in outputs/gallery/p: 4 problems found
    to mend stale: `etude run`, then `etude publish`
    ");
    let text = project.wrong(&PIPELINE.replace("title = 'steps'", "title = 'Steps'"));
    insta::assert_snapshot!(text, @"
    stale    figure: y.title: steps → Steps
    8 files of 7 jobs and 1 claim in outputs/gallery/p: 1 problem found
    to mend stale: `etude run`, then `etude publish`
    ");
    // Of the three seeds that are declared two were published.
    let text = project.wrong(&PIPELINE.replace("[0, 1]", "[0, 1, 2]"));
    insta::assert_snapshot!(text, @"
    fewer    seed: 2 of 3 published, without 2
    stale    curve: made without model[seed=2]
    stale    trained: made without model[seed=2]
    stale    table: made without model[seed=2]
    stale    figure: made without model[seed=2]
    8 files of 8 jobs and 1 claim in outputs/gallery/p: 5 problems found
    to mend stale, fewer: `etude run`, then `etude publish`
    ");
    let more = "[stage.other]\nkind = 'table'\nfrom = 'curve'\n[axes]";
    let text = project.wrong(&PIPELINE.replace("[axes]", more));
    insta::assert_snapshot!(text, @"
    missing  other: it was never published
    8 files of 8 jobs and 1 claim in outputs/gallery/p: 1 problem found
    to mend missing: `etude run`, then `etude publish`
    ");
    let fewer = PIPELINE.replace("[stage.table]\nkind = 'table'\nfrom = 'curve'\n", "");
    insta::assert_snapshot!(project.wrong(&fewer), @"
    left     tables/table.csv: the pipeline has no job table any more
    left     tables/table.md: the pipeline has no job table any more
    left     tables/table.tex: the pipeline has no job table any more
    8 files of 6 jobs and 1 claim in outputs/gallery/p: 3 problems found
    to mend left: `etude run`, then `etude publish`
    ");
}

#[test]
fn bytes_that_changed_and_files_that_are_gone_or_strange_are_named() {
    let project = Project::published(PIPELINE);
    let at = |name: &str| project.path("outputs/gallery/p").join(name);
    let figure = fs::read(at("figures/figure.svg")).unwrap();
    fs::write(at("figures/figure.svg"), "another").unwrap();
    fs::remove_file(at("tables/table.md")).unwrap();
    fs::create_dir(at("tables/mine")).unwrap();
    fs::write(at("tables/mine/notes.md"), "mine").unwrap();
    fs::write(
        at("README.md"),
        "what lies beside the sections is nobody's affair",
    )
    .unwrap();
    insta::assert_snapshot!(project.wrong(PIPELINE), @"
    missing  tables/table.md: it was published and is not there
    changed  figures/figure.svg: its bytes are not those published
    strange  tables/mine/notes.md: no job of the pipeline made it; remove it, or keep it elsewhere
    8 files of 7 jobs and 1 claim in outputs/gallery/p: 3 problems found
    to mend missing: `etude run`, then `etude publish`
    to mend changed: restore the file, or remove it and run `etude publish`
    ");
    fs::write(at("figures/figure.svg"), figure).unwrap();

    let provenance = fs::read_to_string(at("provenance.json")).unwrap();
    fs::write(
        at("provenance.json"),
        provenance.replacen("\"cpu\"", "\"gpu\"", 1),
    )
    .unwrap();
    let text = project.wrong(PIPELINE);
    assert!(text.contains("provenance.json is damaged"), "{text}");
    assert!(text.contains("take the one that was committed"), "{text}");
}

#[test]
fn a_published_file_is_what_its_job_left_and_not_only_what_was_published() {
    let project = Project::published(PIPELINE);
    let gallery = project.path("outputs/gallery/p");
    fs::write(gallery.join("figures/figure.svg"), "another").unwrap();
    let mut provenance = Provenance::read(&gallery).unwrap().unwrap();
    let figure = provenance.jobs.get_mut("figure").unwrap();
    let digest = Digest::of_bytes(b"another");
    figure.files.insert("figures/figure.svg".into(), digest);
    provenance.write(&gallery).unwrap();
    let text = project.wrong(PIPELINE);
    assert!(
        text.contains("changed  figures/figure.svg: its bytes are not those that its job left"),
        "{text}"
    );
}

#[test]
fn another_profile_is_told_though_it_changes_nothing() {
    let project = Project::published(PIPELINE);
    let (text, code) = project.etude(&["check", "p.toml", "--profile", "long"]);
    assert_eq!(code, 1, "{text}");
    insta::assert_snapshot!(text.lines().next().unwrap(), @"profile  published with the profile default, checked with long; give --profile, or publish what is meant");
}

#[test]
fn a_claim_that_does_not_hold_is_wrong_until_it_is_declared_and_then_wrong_if_it_holds() {
    let not = PIPELINE.replace("holds = 'steps = 2'", "holds = 'steps = 3'");
    let project = Project::published(&not);
    let (text, code) = project.etude(&["check", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    insta::assert_snapshot!(text.lines().next().unwrap(), @"verdict  trained: not reproduced (0 of 2 rows): All were trained for two steps.; where that is known, say `expected = false` and why in `note`");

    let known = not.replace(
        "says = ",
        "expected = false\nnote = 'Two steps were enough.'\nsays = ",
    );
    project.write("p.toml", &known);
    let text = project.ok(&["run", "p.toml", "--strict"]);
    assert!(
        text.contains("✗ not reproduced, as expected (0 of 2 rows): All"),
        "{text}"
    );
    assert!(text.contains("    note: Two steps were enough."), "{text}");
    project.ok(&["publish", "p.toml"]);
    project.ok(&["check", "p.toml"]);

    let wrongly = known.replace("holds = 'steps = 3'", "holds = 'steps = 2'");
    project.write("p.toml", &wrongly);
    let (text, code) = project.etude(&["run", "p.toml", "--strict"]);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("✓ reproduced, which was not expected"),
        "{text}"
    );
    project.ok(&["publish", "p.toml"]);
    let (text, code) = project.etude(&["check", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    insta::assert_snapshot!(text.lines().next().unwrap(), @"verdict  trained: reproduced (2 of 2 rows), but the pipeline says `expected = false`: All were trained for two steps.");

    project.write(
        "p.toml",
        &known.replace("note = 'Two steps were enough.'", ""),
    );
    let (text, code) = project.etude(&["plan", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("needs the reason"), "{text}");
}

#[test]
fn publishing_replaces_its_own_removes_what_is_no_longer_made_and_leaves_what_is_not_its_own() {
    let project = project(PIPELINE);
    project.ok(&["run", "p.toml"]);
    project.ok(&["publish", "p.toml"]);
    let at = |name: &str| project.path("outputs/gallery/p").join(name);
    fs::write(at("figures/mine.svg"), "mine").unwrap();
    fs::write(at("tables/table.csv"), "changed by hand").unwrap();
    let fewer = PIPELINE
        .replace("[stage.table]\nkind = 'table'\nfrom = 'curve'\n", "")
        .replace("title = 'steps'", "title = 'Steps'");
    project.write("p.toml", &fewer);
    project.ok(&["run", "p.toml"]);
    let text = project.ok(&["publish", "p.toml"]);
    assert_eq!(
        text,
        "5 files published in outputs/gallery/p: 1 table (.csv), 1 figure (.pdf, .svg, .tex), 1 verdict (.json); 2 files of before removed\n"
    );
    assert!(
        fs::read_to_string(at("figures/figure.svg"))
            .unwrap()
            .contains("Steps")
    );
    assert!(!at("tables/table.md").exists());
    assert_eq!(
        fs::read_to_string(at("tables/table.csv")).unwrap(),
        "changed by hand"
    );
    assert_eq!(fs::read_to_string(at("figures/mine.svg")).unwrap(), "mine");

    fs::write(at("figures/figure.svg"), "mine too").unwrap();
    let (text, code) = project.etude(&["publish", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("it was changed after etude wrote it"),
        "{text}"
    );
    assert_eq!(
        fs::read_to_string(at("figures/figure.svg")).unwrap(),
        "mine too"
    );

    let provenance = fs::read_to_string(at("provenance.json")).unwrap();
    let damaged = provenance.replacen("\"cpu\"", "\"gpu\"", 1);
    fs::write(at("provenance.json"), damaged).unwrap();
    let (text, code) = project.etude(&["publish", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("take the one that was committed"), "{text}");
}

#[cfg(unix)]
#[test]
fn what_rests_on_less_than_is_declared_is_not_published() {
    let project = project(
        "
name = 'p'
[stage.part]
kind = 'command'
args = ['sh', '-c', 'test \"$ETUDE_PARAM_N\" = 0 && printf \"x\\n1\\n\" > \"$ETUDE_OUT/t.csv\"']
params = { n = 0 }
outputs = { t = { path = 't.csv', type = 'table' } }
[stage.all]
kind = 'aggregate'
from = 'part'
sql = 'SELECT SUM(x) AS x FROM part'
[stage.table]
kind = 'table'
from = 'all'
[axes]
n = { 'part.params.n' = [0, 1] }
",
    );
    let (text, code) = project.etude(&["run", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        project.read("outputs/p/tables/table.md").contains("1 of 2"),
        "{text}"
    );
    let (text, code) = project.etude(&["publish", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("not done, part[n=1] first"), "{text}");
    assert!(!Path::new(&project.path("outputs/gallery")).exists());
}

//! What lies below `outputs/` is what the last run of the whole pipeline made, or says what else it is.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::project::Project;

/// Two seeds, a table of each, and one of both; a seed fails where a file of its name lies.
const PIPELINE: &str = "
name = 'p'
[stage.made]
kind = 'command'
args = ['sh', '-c', 'test ! -e bad-$ETUDE_PARAM_SEED && printf \"x\\n$ETUDE_PARAM_VALUE\\n\" > $ETUDE_OUT/t.csv']
params = { seed = 0, value = 1 }
files = ['switch']
outputs.t = { path = 't.csv', type = 'table' }
[stage.kept]
kind = 'command'
args = ['sh', '-c', 'echo 1$ETUDE_PARAM_VALUE > $ETUDE_OUT/kept.txt']
params = { value = 1 }
outputs.t = { path = 'kept.txt', type = 'file' }
[stage.both]
kind = 'aggregate'
from = 'made'
sql = 'SELECT seed, x FROM made'
[stage.table]
kind = 'table'
from = 'both'
[stage.above]
kind = 'claim'
from = 'both'
says = 'All are above zero.'
holds = 'x > 0'
[axes]
seed = { 'made.params.seed' = [0, 1] }
[profile.two]
set = { made.params.value = 2 }
";

fn project() -> Project {
    Project::with(&[
        ("etude.toml", "[gc]\ngrace = '0 s'\nkeep_last = 0\n"),
        ("switch", ""),
        ("p.toml", PIPELINE),
    ])
}

impl Project {
    /// The object behind a view that is a link.
    fn object(&self, view: &str) -> PathBuf {
        fs::canonicalize(self.path(view)).unwrap()
    }
}

const TABLE: &str = "outputs/p/tables/table.csv";

#[test]
fn a_narrower_request_has_a_folder_of_its_own_and_leaves_that_of_the_whole() {
    let project = project();
    project.ok(&["run", "p.toml"]);
    let whole = project.read(TABLE);
    let snapshot = "outputs/.etude/v1/snapshots/p.jsonl";
    // What was made a moment ago is remembered by the next run that finds it at rest.
    std::thread::sleep(std::time::Duration::from_millis(4500));
    project.ok(&["run", "p.toml"]);
    let remembered = project.read(snapshot);
    assert!(!remembered.is_empty());
    // A run of one job forgets nothing of the others.
    project.ok(&["run", "p.toml", "kept"]);
    assert_eq!(project.read(snapshot), remembered);
    for (narrow, folder, rows) in [
        (&["--where", "seed=0"][..], "p@seed=0", "seed,x\n0,1\n"),
        (&["--profile", "two"], "p@two", "seed,x\n0,2\n1,2\n"),
        (
            &["--set", "made.params.value=3", "--where", "seed=1"],
            "p@made.params.value=3,seed=1",
            "seed,x\n1,3\n",
        ),
    ] {
        let text = project.ok(&[&["run", "p.toml"], narrow].concat());
        let table = format!("outputs/{folder}/tables/table.csv");
        assert!(
            text.contains(&format!("outputs/{folder}/tables/table.md")),
            "{text}"
        );
        assert_eq!(project.read(&table), rows);
        assert_eq!(project.read(TABLE), whole);
        assert_eq!(project.read(snapshot), remembered);
        let text = project.ok(&[&["plan", "p.toml"], narrow].concat());
        assert!(text.contains("nothing to do"), "{text}");
    }
    let text = project.ok(&["plan", "p.toml"]);
    assert!(text.contains("nothing to do"), "{text}");
    // The profile that is laid without being asked for is the whole.
    project.write(
        "q.toml",
        "name = 'q'\ninclude = 'p.toml'\n[profile.default]\nset = { made.params.value = 5 }\n",
    );
    project.ok(&["run", "q.toml", "--profile", "default"]);
    assert!(project.path("outputs/q/tables/table.csv").exists());
    // The name of another pipeline is not taken for what was asked of this one.
    project.write("r.toml", &PIPELINE.replace("name = 'p'", "name = 'p@two'"));
    project.ok(&["run", "r.toml"]);
    assert_eq!(
        project.read("outputs/p@two/tables/table.csv"),
        "seed,x\n0,2\n1,2\n"
    );
}

#[test]
fn what_is_shown_of_a_job_that_failed_since_is_moved_away_and_told() {
    let project = project();
    project.ok(&["run", "p.toml"]);
    project.write("switch", "on");
    project.write("bad-0", "");
    project.write("bad-1", "");
    let (text, code) = project.etude(&["plan", "p.toml"]);
    assert_eq!(code, 2);
    assert!(
        text.contains(
            "from an earlier run, which the next run brings up to date: outputs/p/tables/"
        ),
        "{text}"
    );
    let (text, code) = project.etude(&["run", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("are of an earlier run, and lie with the first in outputs/p/earlier/"),
        "{text}"
    );
    assert!(
        !project.path(TABLE).exists() && !project.path("outputs/p/verdicts/above.json").exists()
    );
    assert_eq!(
        project.read("outputs/p/earlier/tables/table.csv"),
        "seed,x\n0,1\n1,1\n"
    );
    // What does not rest on it stays.
    assert_eq!(project.read("outputs/p/files/kept.txt"), "11\n");
    // A second failure loses nothing, and what comes out again takes its place.
    project.write("switch", "again");
    assert_eq!(project.etude(&["run", "p.toml"]).1, 1);
    assert!(project.path("outputs/p/earlier/tables/table.csv").exists());
    fs::remove_file(project.path("bad-0")).unwrap();
    fs::remove_file(project.path("bad-1")).unwrap();
    project.ok(&["run", "p.toml"]);
    assert_eq!(project.read(TABLE), "seed,x\n0,1\n1,1\n");
    assert!(!project.path("outputs/p/earlier").exists());
}

#[test]
fn links_that_are_moved_away_still_lead_to_their_objects() {
    let project = project();
    project.ok(&["run", "p.toml"]);
    let changed = PIPELINE.replace(
        "echo 1$ETUDE_PARAM_VALUE",
        "exit 1; echo 1$ETUDE_PARAM_VALUE",
    );
    project.write("p.toml", &changed);
    assert_eq!(project.etude(&["run", "p.toml"]).1, 1);
    assert_eq!(project.read("outputs/p/earlier/files/kept.txt"), "11\n");
}

#[test]
fn bytes_that_were_changed_in_the_store_are_noticed_though_no_job_reads_them() {
    for rests in [false, true] {
        let project = project();
        project.ok(&["run", "p.toml"]);
        if rests {
            std::thread::sleep(std::time::Duration::from_millis(4500));
            project.ok(&["run", "p.toml"]);
        }
        let object = project.object("outputs/p/files/kept.txt");
        let mut permissions = fs::metadata(&object).unwrap().permissions();
        #[expect(
            clippy::permissions_set_readonly_false,
            reason = "it is a test's own file"
        )]
        permissions.set_readonly(false);
        fs::set_permissions(&object, permissions).unwrap();
        fs::write(&object, "99\n").unwrap();
        let (text, code) = project.etude(&["plan", "p.toml", "--all"]);
        assert_eq!(code, 2, "{text}");
        assert!(
            text.contains("runs     kept: what it left was damaged"),
            "{text}"
        );
        let (text, code) = project.etude(&["publish", "p.toml"]);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("nothing is published"), "{text}");
        let text = project.ok(&["run", "p.toml"]);
        assert!(text.contains("what kept left was damaged"), "{text}");
        assert_eq!(project.read("outputs/p/files/kept.txt"), "11\n");
    }
}

#[test]
fn a_job_that_leaves_other_bytes_under_its_key_is_shown_anew() {
    let project = project();
    let text = PIPELINE.replace(
        "echo 1$ETUDE_PARAM_VALUE",
        "cat /proc/sys/kernel/random/uuid",
    );
    project.write("p.toml", &text);
    project.ok(&["run", "p.toml"]);
    // What was seen is remembered once it has rested.
    std::thread::sleep(std::time::Duration::from_millis(4500));
    project.ok(&["run", "p.toml"]);
    let before = project.read("outputs/p/files/kept.txt");
    let records = project.path("outputs/.etude/v1/records");
    let shards = fs::read_dir(records).unwrap().flatten();
    let mut records = shards.flat_map(|shard| fs::read_dir(shard.path()).unwrap().flatten());
    let record = records.find(|record| {
        let text = fs::read_to_string(record.path()).unwrap();
        text.contains("\"job\": \"kept\"")
    });
    fs::remove_file(record.unwrap().path()).unwrap();
    project.ok(&["run", "p.toml"]);
    let after = project.read("outputs/p/files/kept.txt");
    assert_ne!(after, before);
    project.ok(&["publish", "p.toml"]);
    assert_eq!(project.read("outputs/gallery/p/files/kept.txt"), after);
}

#[test]
fn a_run_that_cannot_show_a_result_is_no_success() {
    let project = project();
    fs::create_dir_all(project.path("outputs/p/tables")).unwrap();
    project.write(TABLE, "mine");
    for _ in 0..2 {
        let (text, code) = project.etude(&["run", "p.toml"]);
        assert_eq!(code, 1, "{text}");
        assert!(
            text.contains("table.csv is left as it is: etude did not write it"),
            "{text}"
        );
        assert!(text.contains("1 file of this run is not shown"), "{text}");
        assert_eq!(project.read(TABLE), "mine");
    }
    fs::remove_file(project.path(TABLE)).unwrap();
    project.ok(&["run", "p.toml"]);
    assert_eq!(project.read(TABLE), "seed,x\n0,1\n1,1\n");
}

#[test]
fn an_adopted_result_is_named_and_can_be_taken_back() {
    let project = project();
    let text = PIPELINE.replace("[stage.table]", "[stage.copy]\nkind = 'aggregate'\nfrom = 'both'\nsql = 'SELECT x FROM both'\n[stage.table]");
    project.write("p.toml", &text);
    project.ok(&["run", "p.toml", "made", "both"]);
    // The very table that the job would not leave.
    let mine = project.path("outputs/p/tables/both.parquet");
    fs::copy(mine, project.path("mine.parquet")).unwrap();
    let adopt = [
        "adopt",
        "p.toml",
        "mine.parquet",
        "--as",
        "copy",
        "--note",
        "from elsewhere",
    ];
    project.ok(&adopt);
    project.ok(&["run", "p.toml"]);
    project.ok(&["publish", "p.toml"]);
    let text = project.ok(&["check", "p.toml"]);
    assert!(
        text.contains("adopted  copy: no run made it: from elsewhere"),
        "{text}"
    );
    let (text, code) = project.etude(&["check", "p.toml", "--strict"]);
    assert_eq!(code, 1, "{text}");
    // It stays over any budget, while the pipeline has it.
    project.ok(&["gc", "--yes", "--budget", "1 B"]);
    let is_adopted = || {
        project
            .etude(&["log", "p.toml", "copy"])
            .0
            .contains("adopted as copy")
    };
    project.ok(&["run", "p.toml", "both"]);
    assert!(is_adopted());
    // Taken back, its job runs.
    let text = project.ok(&["unadopt", "p.toml", "copy"]);
    assert!(text.starts_with("unadopted copy"), "{text}");
    project.ok(&["run", "p.toml"]);
    assert!(!is_adopted());
    assert_eq!(
        project.ok(&["unadopt", "p.toml"]),
        "0 unadopted; a run makes them itself\n"
    );
    project.ok(&["publish", "p.toml"]);
    project.ok(&["check", "p.toml", "--strict"]);
}

#[test]
fn a_job_that_is_run_again_takes_the_place_of_what_was_adopted_for_it() {
    let project = project();
    project.ok(&["run", "p.toml", "made"]);
    let other = project.path("outputs/p/tables/made[seed=0].parquet");
    fs::copy(other, project.path("mine.parquet")).unwrap();
    project.ok(&[
        "adopt",
        "p.toml",
        "mine.parquet",
        "--as",
        "both",
        "--note",
        "wrong",
    ]);
    project.ok(&["run", "p.toml"]);
    let text = project.ok(&["run", "p.toml", "--again", "both"]);
    assert!(text.contains("both gave other bytes than before"), "{text}");
    assert_eq!(project.read(TABLE), "seed,x\n0,1\n1,1\n");
    assert!(
        !project
            .etude(&["log", "p.toml", "both"])
            .0
            .contains("adopted as")
    );
}

#[test]
fn a_check_judges_claims_from_the_published_tables() {
    let project = project();
    project.ok(&["run", "p.toml"]);
    project.ok(&["publish", "p.toml"]);
    project.ok(&["check", "p.toml"]);
    let verdict = "outputs/gallery/p/verdicts/above.json";
    let right = project.read(verdict);
    project.write(verdict, &right.replace("\"held\": 2", "\"held\": 1"));
    let (text, code) = project.etude(&["check", "p.toml"]);
    assert_eq!(code, 1);
    assert!(text.contains("changed  verdicts/above.json"), "{text}");
    assert!(
        text.contains(
            "says reproduced (1 of 2 rows), but the published tables say reproduced (2 of 2 rows)"
        ),
        "{text}"
    );
    project.write(verdict, &right);
    let table = "outputs/gallery/p/tables/both.csv";
    let numbers = project.read(table);
    project.write(table, &numbers.replace("1,1", "1,-1"));
    let (text, code) = project.etude(&["check", "p.toml"]);
    assert_eq!(code, 1);
    assert!(
        text.contains("the published tables say not reproduced (1 of 2 rows)"),
        "{text}"
    );
}

#[test]
fn what_is_shown_of_others_is_moved_away_too_when_only_some_jobs_are_run() {
    let project = project();
    project.ok(&["run", "p.toml"]);
    project.write("p.toml", &PIPELINE.replace("value = 1", "value = 5"));
    let text = project.ok(&["run", "p.toml", "made"]);
    assert!(
        text.contains("are of an earlier run, and lie with the first in outputs/p/earlier/"),
        "{text}"
    );
    assert!(!project.path(TABLE).exists());
    assert!(!project.path("outputs/p/verdicts/above.json").exists());
    assert!(
        project
            .path("outputs/p/tables/made[seed=0].parquet")
            .exists()
    );
    // A run of some jobs that changes nothing moves nothing.
    project.ok(&["run", "p.toml"]);
    let text = project.ok(&["run", "p.toml", "made"]);
    assert!(!text.contains("earlier"), "{text}");
    assert_eq!(project.read(TABLE), "seed,x\n0,5\n1,5\n");
}

#[test]
fn what_is_in_the_way_of_moving_is_told_and_left() {
    let project = project();
    project.ok(&["run", "p.toml"]);
    fs::create_dir_all(project.path("outputs/p/earlier/tables")).unwrap();
    project.write("outputs/p/earlier/tables/table.csv", "mine");
    project.write("switch", "on");
    project.write("bad-0", "");
    project.write("bad-1", "");
    let (text, code) = project.etude(&["run", "p.toml"]);
    assert_eq!(code, 1);
    assert!(
        text.contains("outputs/p/tables/table.csv is of an earlier run: it is left there: outputs/p/earlier/tables/table.csv is in its way"),
        "{text}"
    );
    assert_eq!(project.read("outputs/p/earlier/tables/table.csv"), "mine");
    fs::remove_file(project.path("bad-0")).unwrap();
    fs::remove_file(project.path("bad-1")).unwrap();
    project.ok(&["run", "p.toml"]);
    assert_eq!(project.read("outputs/p/earlier/tables/table.csv"), "mine");
}

#[test]
fn a_plan_tells_what_is_cached_and_not_shown() {
    let project = project();
    project.ok(&["run", "p.toml"]);
    fs::remove_file(project.path(TABLE)).unwrap();
    project.write("outputs/p/tables/table.md", "mine");
    let (text, code) = project.etude(&["plan", "p.toml"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("2 files cached and not shown, which the next run shows: outputs/p/tables/table.csv, outputs/p/tables/table.md"), "{text}");
    fs::remove_file(project.path("outputs/p/tables/table.md")).unwrap();
    project.ok(&["run", "p.toml"]);
    assert!(project.ok(&["plan", "p.toml"]).contains("nothing to do"));
}

#[test]
fn a_run_that_is_stopped_moves_nothing_that_may_be_right() {
    let project = project();
    let slow = PIPELINE.replace("test ! -e", "test ! -e slow || sleep 60; test ! -e");
    project.write("p.toml", &slow);
    project.ok(&["run", "p.toml"]);
    project.write("slow", "");
    project.write("switch", "on");
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    command
        .args(["run", "p.toml"])
        .current_dir(project.folder.path());
    let mut run = command.stderr(Stdio::piped()).spawn().unwrap();
    // It is stopped once a job runs.
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let begun = lines.find(|line| line.as_ref().unwrap().contains("made[seed=0] ("));
    assert!(begun.is_some());
    let stop = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(stop.unwrap().success());
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(run.wait().unwrap().code(), Some(130), "{said:?}");
    let told = "what is shown of 5 jobs that were not done may be of an earlier run";
    assert!(said.iter().any(|line| line.contains(told)), "{said:?}");
    assert_eq!(project.read(TABLE), "seed,x\n0,1\n1,1\n");
    let (text, _) = project.etude(&["plan", "p.toml"]);
    assert!(
        text.contains(" from an earlier run, which the next run brings up to date: "),
        "{text}"
    );
    project.write("switch", "");
    assert!(project.ok(&["plan", "p.toml"]).contains("nothing to do"));
}

#[test]
fn two_pipelines_of_one_name_are_told_by_plan_and_run() {
    let project = project();
    let warning = "! p.toml: other pipelines have the name `p` too: copy.toml; all show their results in outputs/p and replace those of the others; give each its own `name`\n";
    for command in ["plan", "run"] {
        assert!(
            !project
                .etude(&[command, "p.toml"])
                .0
                .contains("other pipelines")
        );
    }
    project.write("copy.toml", PIPELINE);
    for command in ["plan", "run"] {
        let (said, _) = project.etude(&[command, "p.toml"]);
        assert!(said.contains(warning), "{command}: {said}");
    }
    let other = PIPELINE.replace("name = 'p'", "name = 'copy'");
    project.write("copy.toml", &other);
    let (said, _) = project.etude(&["plan", "p.toml"]);
    assert!(!said.contains("other pipelines"), "{said}");
}

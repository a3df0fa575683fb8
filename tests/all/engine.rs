//! The engine, on toy stages.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::Ordering;

use etude::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, Kind, ParamError, Port, PortSyntax, Registry,
    Stage, Stop, TableShape,
};
use etude::plan::{Fingerprint, Freshness, Known, Outside, Plan, Reason, assess};
use etude::run::{Event, Status};
use etude::store::{Artifact, Digest, Lookup, StoredFile};

use crate::toys::{Bench, engine, workers};

const SWEEP: &str = "
    [stage.n]
    kind = 'number'
    value = 3

    [stage.t]
    kind = 'times'
    of = 'n'

    [stage.all]
    kind = 'sum'
    of = 't'

    [stage.picture]
    kind = 'picture'
    of = 'all'

    [axes]
    value = { 'n.value' = [1, 2, 3] }
";

#[test]
fn a_sweep_runs_once_and_then_not_again() {
    let bench = Bench::new();
    let first = bench.run(SWEEP);
    assert_eq!(first.summary.ran, 8);
    assert_eq!(bench.table("all"), "12");
    let again = bench.run(SWEEP);
    assert_eq!((again.summary.ran, again.summary.cached), (0, 8));
    assert_eq!(first.artifacts(), again.artifacts());
}

#[test]
fn names_comments_order_and_layout_re_run_nothing() {
    let bench = Bench::new();
    bench.run(SWEEP);
    let other = "
        # Another look at the same.
        [axes]
        v = { small = { number.value = 1 }, middle = { number.value = 2 }, large = { number.value = 3 } }
        [stage.figure]
        of = 'total'
        kind = 'picture'
        [stage.total]
        of = 'doubled'
        kind = 'sum'
        [stage.doubled]
        factor = 2 # as the default is
        of = 'number'
        kind = 'times'
        [stage.number]
        value = 17 # swept
        kind = 'number'
    ";
    assert_eq!(bench.run(other).summary.ran, 0);
}

#[test]
fn one_more_value_runs_only_itself_and_what_follows() {
    let bench = Bench::new();
    bench.run(SWEEP);
    let ran = bench.run(&SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]"));
    assert_eq!(
        ran.jobs(Status::Ran),
        ["all", "n[value=4]", "picture", "t[value=4]"]
    );
    assert_eq!(bench.table("all"), "20");
}

#[test]
fn a_change_that_comes_out_the_same_stops_there() {
    let bench = Bench::new();
    let text = SWEEP.replace("value = 3", "value = 3\n    by = 100");
    bench.run(&text);
    let ran = bench.run(&text.replace("by = 100", "by = 200"));
    assert_eq!(
        ran.jobs(Status::Ran),
        ["n[value=1]", "n[value=2]", "n[value=3]"]
    );
}

#[test]
fn a_deleted_artifact_is_made_again_and_nothing_else() {
    let bench = Bench::new();
    let plan = bench.plan(SWEEP);
    bench.run(SWEEP);
    let store = bench.store();
    let states = assess(&plan, &store, &store.ledgers().of("toy")).unwrap();
    let Freshness::Fresh(record) = &states[plan.find("t[value=2]").unwrap()] else {
        panic!("not fresh")
    };
    fs::remove_file(
        store
            .objects()
            .path(&record.artifact.files["table.parquet"].digest),
    )
    .unwrap();
    let states = assess(&plan, &store, &store.ledgers().of("toy")).unwrap();
    let Freshness::Stale { reason, .. } = &states[plan.find("t[value=2]").unwrap()] else {
        panic!("not stale")
    };
    assert_eq!(*reason, Reason::FileGone("table.parquet".into()));
    assert_eq!(bench.run(SWEEP).jobs(Status::Ran), ["t[value=2]"]);
}

#[test]
fn a_damaged_artifact_is_noticed_when_it_is_read_and_made_again() {
    let bench = Bench::new();
    bench.run(SWEEP);
    let object = bench.object(SWEEP, "t[value=3]");
    fs::remove_file(&object).unwrap();
    fs::write(&object, "9").unwrap();
    // The sum has to run again and reads the damaged number on its way.
    let ran = bench.run(&SWEEP.replace("[1, 2, 3]", "[1, 2, 3, 4]"));
    assert_eq!(bench.table("all"), "20");
    assert!(ran.jobs(Status::Ran).contains(&"t[value=3]".to_string()));
    assert!(
        ran.warnings()[0].contains("damaged"),
        "{:?}",
        ran.warnings()
    );
    assert_eq!(ran.summary.ran, 5);
}

#[test]
fn a_failure_stays_with_its_job_and_those_that_read_it() {
    let bench = Bench::new();
    let text = SWEEP.to_string()
        + "
        [[override]]
        when = { value = 2 }
        set = { n.fails = true }
    ";
    let ran = bench.run(&text);
    assert_eq!(ran.jobs(Status::Failed), ["n[value=2]"]);
    assert_eq!(ran.jobs(Status::Skipped), ["t[value=2]"]);
    assert_eq!(
        ran.jobs(Status::Ran),
        [
            "all",
            "n[value=1]",
            "n[value=3]",
            "picture",
            "t[value=1]",
            "t[value=3]"
        ]
    );
    let failed = ran.events.iter().find_map(|event| match event {
        Event::JobEnded(ended) if ended.status == Status::Failed => Some(ended),
        _ => None,
    });
    let log = fs::read_to_string(failed.unwrap().log.as_ref().unwrap()).unwrap();
    assert!(log.contains("failed: told to fail"), "{log}");
    // Mended, it goes on from there.
    assert_eq!(
        bench.run(SWEEP).jobs(Status::Ran),
        ["all", "n[value=2]", "picture", "t[value=2]"]
    );
}

#[test]
fn no_more_jobs_run_at_once_than_there_are_cores() {
    let mut bench = Bench::new();
    bench.capacity.cores = 3;
    let text = SWEEP.replace("[1, 2, 3]", "{ range = [0, 40] }");
    let ran = bench.run(&text);
    assert_eq!(ran.summary.ran, 82);
    assert_eq!(ran.most(), 3);
}

#[test]
fn a_job_too_large_for_the_machine_fails_with_what_there_is() {
    let mut bench = Bench::new();
    bench.capacity.memory = 1_000_000_000;
    let text = SWEEP.replace(
        "kind = 'sum'",
        "kind = 'sum'\n    resources = { memory = '2 GB' }",
    );
    let ran = bench.run(&text);
    assert_eq!(ran.jobs(Status::Skipped), ["picture"]);
    let message = ran.events.iter().find_map(|event| match event {
        Event::JobEnded(ended) if ended.status == Status::Failed => ended.message.clone(),
        _ => None,
    });
    insta::assert_snapshot!(message.unwrap(), @"it asks for 2 GB of memory, and there are 1 GB; `memory` under [machine] in etude.toml says how much there is, and `resources` of the stage what it takes");
}

#[test]
fn an_estimate_of_memory_keeps_no_job_from_a_small_machine() {
    let mut bench = Bench::new();
    bench.capacity.memory = 1_000_000;
    let ran = bench.run(SWEEP);
    assert_eq!(ran.summary.failed, 0, "{:?}", ran.failures());
    assert_eq!(ran.most(), 1, "each takes all there is");
}

#[test]
fn a_stopped_run_leaves_the_rest_undone_and_the_next_goes_on() {
    let bench = Bench::new();
    bench.cancel.store(true, Ordering::Relaxed);
    let ran = bench.run(SWEEP);
    assert_eq!(ran.summary.cancelled, 8);
    bench.cancel.store(false, Ordering::Relaxed);
    assert_eq!(bench.run(SWEEP).summary.ran, 8);
}

#[test]
fn every_seed_has_its_place_and_its_reason() {
    let bench = Bench::new();
    bench.run(SWEEP);
    let plan = bench.plan(&SWEEP.replace("kind = 'times'", "kind = 'times'\n    factor = 3"));
    let store = bench.store();
    let states = assess(&plan, &store, &store.ledgers().of("toy")).unwrap();
    let mut lines = Vec::new();
    for (job, state) in plan.jobs.iter().zip(&states) {
        lines.push(match state {
            Freshness::Fresh(_) => format!("{}: cached", job.name),
            Freshness::Stale { reason, .. } => format!("{}: {reason}", job.name),
            Freshness::Released(_) => format!("{}: released", job.name),
            Freshness::Follows(after) => format!("{}: after {} jobs", job.name, after.len()),
        });
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    n[value=1]: cached
    n[value=2]: cached
    n[value=3]: cached
    t[value=1]: factor: default → 3
    t[value=2]: factor: default → 3
    t[value=3]: factor: default → 3
    all: after 3 jobs
    picture: after 1 jobs
    ");
}

#[test]
fn two_runs_at_once_share_the_work() {
    let bench = Bench::new();
    let plan = bench.plan(&SWEEP.replace("[1, 2, 3]", "{ range = [0, 20] }"));
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| bench.execute(&plan));
        let other = scope.spawn(|| bench.execute(&plan));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one.summary.ran + other.summary.ran, 42);
    assert_eq!(one.artifacts(), other.artifacts());
}

#[test]
fn joins_pair_what_shares_an_axis_and_per_keeps_axes_apart() {
    let bench = Bench::new();
    let text = "
        [stage.a]
        kind = 'number'
        value = 0
        [stage.b]
        kind = 'number'
        value = 0
        [stage.ta]
        kind = 'times'
        of = 'a'
        [stage.both]
        kind = 'sum'
        of = ['ta', 'b']
        per = ['x']
        [axes]
        x = { 'a.value' = [1, 2], 'b.value' = [10, 20] }
        y = { 'ta.factor' = [1, 100] }
    ";
    assert_eq!(bench.run(text).summary.ran, 10);
    assert_eq!(bench.table("both[x=1]"), "111");
    assert_eq!(bench.table("both[x=2]"), "222");
}

#[test]
fn overrides_excludes_profiles_and_settings_change_what_they_say() {
    let bench = Bench::new();
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.t]
        kind = 'times'
        of = 'n'
        [stage.all]
        kind = 'sum'
        of = 't'
        [axes]
        v = { 'n.value' = [1, 2, 3] }
        f = { double = {}, triple = { t.factor = 3 } }
        [[override]]
        when = { v = 3, f = 'double' }
        set = { t.factor = 10 }
        [[exclude]]
        when = { v = 1, f = 'triple' }
        [profile.small]
        set = { n.by = 2 }
        keep = { v = [2, 3] }
    ";
    bench.run(text);
    assert_eq!(bench.table("all"), (2 + 4 + 30 + 6 + 9).to_string());
    let small = etude::pipeline::Request {
        profile: Some("small".into()),
        keep: vec!["f=double".into()],
        ..Default::default()
    };
    let pipeline = bench.read(text, &small).unwrap();
    bench.execute(&etude::plan::Plan::unroll(pipeline, &[]));
    assert_eq!(bench.table("all"), (2 + 10).to_string());
}

#[test]
fn a_users_file_in_the_way_of_a_view_stays() {
    let bench = Bench::new();
    let mine = bench.folder.path().join("outputs/toy/tables/all.parquet");
    fs::create_dir_all(mine.parent().unwrap()).unwrap();
    fs::write(&mine, "my own").unwrap();
    let ran = bench.run(SWEEP);
    assert_eq!(fs::read_to_string(&mine).unwrap(), "my own");
    assert!(ran.warnings()[0].contains("etude did not write it"));
}

#[test]
fn selectors_narrow_a_plan_to_what_is_asked_for() {
    let bench = Bench::new();
    let pipeline = bench.read(SWEEP, &Default::default()).unwrap();
    let selectors = pipeline.select(&["t[value=2]".into()]).unwrap();
    let plan = etude::plan::Plan::unroll(pipeline, &selectors);
    assert_eq!(
        bench.execute(&plan).jobs(Status::Ran),
        ["n[value=2]", "t[value=2]"]
    );
    let key = |text: &str| {
        let states = assess(&bench.plan(text), &bench.store(), &Default::default()).unwrap();
        states
            .iter()
            .filter(|state| matches!(state, Freshness::Fresh(_)))
            .count()
    };
    assert_eq!(key(SWEEP), 2);
    assert!(matches!(
        bench.store().lookup(&etude::store::Digest::of_key(b"none")),
        Lookup::Absent
    ));
}

#[test]
fn from_which_stage_an_artifact_comes_is_part_of_a_key() {
    let bench = Bench::new();
    // All of them leave the same bytes: only where they come from tells them apart.
    let text = |a: &str, b: &str| {
        format!(
            "[stage.a]\nkind = 'number'\nvalue = 0\nby = 10\n[stage.b]\nkind = 'number'\nvalue = 0\nby = 10\n\
             [stage.all]\nkind = 'sum'\nof = ['a', 'b']\n\
             [axes]\nx = {{ 'a.value' = {a} }}\ny = {{ 'b.value' = {b} }}"
        )
    };
    bench.run(&text("[10]", "[11, 12]"));
    let ran = bench.run(&text("[10, 11]", "[12]"));
    assert_eq!(ran.jobs(Status::Ran), ["all"]);
}

#[test]
fn a_damaged_artifact_with_many_readers_is_made_again_once() {
    let mut bench = Bench::new();
    bench.capacity.cores = 4;
    let text = |factors: &str| {
        format!(
            "[stage.n]\nkind = 'number'\nvalue = 7\n[stage.t]\nkind = 'times'\nof = 'n'\n\
             [axes]\nf = {{ 't.factor' = {factors} }}"
        )
    };
    let first = text("[1, 2]");
    bench.run(&first);
    let object = bench.object(&first, "n");
    fs::remove_file(&object).unwrap();
    fs::write(&object, "8").unwrap();
    // What people are shown is verified before it is shown; what only jobs read, when they do.
    let ran = bench.run(&text("[3, 4, 5, 6, 8, 9, 10, 11]"));
    assert_eq!((ran.summary.ran, ran.summary.failed), (9, 0));
    assert_eq!(ran.warnings().len(), 1, "{:?}", ran.warnings());
    assert_eq!(bench.table("t[f=3]"), "21");
}

#[test]
fn a_damaged_artifact_is_not_shown() {
    let bench = Bench::new();
    bench.run(SWEEP);
    let object = bench.object(SWEEP, "picture");
    fs::remove_file(&object).unwrap();
    fs::write(&object, "99").unwrap();
    let view = bench.folder.path().join("outputs/toy/figures/picture.svg");
    fs::remove_file(&view).unwrap();
    assert!(bench.run(SWEEP).summary.ran >= 1);
    assert_eq!(fs::read_to_string(&view).unwrap(), "12");
}

#[test]
fn views_of_stages_that_are_gone_go_too_and_a_lost_ledger_blocks_none() {
    let bench = Bench::new();
    bench.run(SWEEP);
    let figures = bench.folder.path().join("outputs/toy/figures");
    let renamed = SWEEP.replace("stage.picture", "stage.figure");
    bench.run(&renamed);
    assert!(figures.join("figure.svg").exists());
    assert!(!figures.join("picture.svg").exists());
    fs::remove_file(
        bench
            .folder
            .path()
            .join("outputs/.etude/v1/pipelines/toy.json"),
    )
    .unwrap();
    let ran = bench.run(&renamed.replace("[1, 2, 3]", "[1, 2]"));
    assert_eq!(ran.warnings(), Vec::<String>::new());
    assert_eq!(fs::read_to_string(figures.join("figure.svg")).unwrap(), "6");
}

/// A job that takes two attempts.
fn stubborn(ends: &str) -> String {
    format!("[stage.s]\nkind = 'stubborn'\nvalue = 6\nends = '{ends}'\n")
}

/// Runs a job that ends as it is told the first time, and again; what it says of the first time.
fn twice(bench: &Bench, text: &str) -> String {
    let plan = bench.plan(text);
    let first = bench.execute_on(&workers(), &plan);
    assert_eq!(first.jobs(Status::Failed), ["s"]);
    assert_eq!(bench.checkpoints().len(), 2, "a folder and what it is from");
    let again = bench.execute_on(&workers(), &plan);
    assert_eq!(again.jobs(Status::Ran), ["s"], "{:?}", again.failures());
    assert_eq!(bench.table("s"), "6");
    assert!(bench.checkpoints().is_empty(), "{:?}", bench.checkpoints());
    first.failures().remove(0)
}

#[test]
fn the_next_attempt_finds_what_a_failed_one_saved() {
    let bench = Bench::new();
    let plan = bench.plan(&stubborn("fails"));
    assert_eq!(bench.execute(&plan).jobs(Status::Failed), ["s"]);
    // Another key has another folder, and so its first attempt still before it.
    let other = stubborn("fails").replace('6', "8");
    assert_eq!(bench.run(&other).jobs(Status::Failed), ["s"]);
    assert_eq!(bench.execute(&plan).jobs(Status::Ran), ["s"]);
    assert_eq!(bench.checkpoints().len(), 2);
    assert_eq!(bench.run(&other).jobs(Status::Ran), ["s"]);
    assert_eq!(bench.table("s"), "8");
    assert!(bench.checkpoints().is_empty());
}

#[test]
fn a_job_that_keeps_nothing_leaves_no_folder_when_it_fails() {
    let bench = Bench::new();
    let text = "[stage.n]\nkind = 'number'\nvalue = 1\nfails = true";
    assert_eq!(bench.run(text).summary.failed, 1);
    assert!(bench.checkpoints().is_empty());
}

#[test]
fn the_folder_of_a_job_whose_engine_died_after_it_was_done_is_swept() {
    let bench = Bench::new();
    let text = "[stage.n]\nkind = 'number'\nvalue = 1";
    bench.run(text);
    let states = assess(&bench.plan(text), &bench.store(), &Default::default()).unwrap();
    let Freshness::Fresh(record) = &states[0] else {
        panic!("not fresh")
    };
    fs::create_dir(bench.store().checkpoint(&record.key)).unwrap();
    bench.run(text);
    assert!(bench.checkpoints().is_empty());
}

#[cfg(unix)]
#[test]
fn the_next_attempt_finds_what_a_worker_saved_before_it_was_killed() {
    let message = twice(&Bench::new(), &stubborn("dies"));
    assert!(message.contains("died of signal 9"), "{message}");
}

#[test]
fn a_job_at_its_time_limit_may_save_and_the_next_attempt_finds_it() {
    let text = stubborn("lasts") + "resources = { time = '1 s' }";
    let message = twice(&Bench::new(), &text);
    assert!(message.contains("longer than its limit"), "{message}");
}

#[test]
fn a_job_that_is_stopped_may_save_and_the_next_attempt_finds_it() {
    let bench = Bench::new();
    let plan = bench.plan(&stubborn("lasts"));
    let stopped = std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.execute_on(&workers(), &plan));
        until("the job has begun", || begun(&bench));
        bench.cancel.store(true, Ordering::Relaxed);
        run.join().unwrap()
    });
    assert_eq!(stopped.jobs(Status::Cancelled), ["s"]);
    let states = stopped.events.iter().filter_map(|event| match event {
        Event::JobSaved { state, .. } => Some(state.as_ref().map(|state| state.done)),
        _ => None,
    });
    // It tells how far it was; that a state is kept is told of every job that saves.
    assert_eq!(states.collect::<Vec<_>>(), [Some(3), None]);
    bench.cancel.store(false, Ordering::Relaxed);
    let again = bench.execute_on(&workers(), &plan);
    assert_eq!(again.jobs(Status::Ran), ["s"]);
    assert_eq!(bench.table("s"), "6");
}

#[cfg(unix)]
#[test]
fn what_a_job_saved_outlives_an_engine_that_is_killed() {
    let bench = Bench::new();
    let plan = bench.plan(&stubborn("lasts"));
    let mut killed = engine(&bench).spawn().unwrap();
    until("the job has begun", || begun(&bench));
    killed.kill().unwrap();
    killed.wait().unwrap();
    // It had no time to save; the folder is as it was.
    let folder = &bench.checkpoints()[0];
    assert!(folder.join("begun").exists());
    fs::write(folder.join("half"), "3").unwrap();
    assert_eq!(bench.execute(&plan).jobs(Status::Ran), ["s"]);
    assert_eq!(bench.table("s"), "6");
    assert!(bench.checkpoints().is_empty());
}

fn begun(bench: &Bench) -> bool {
    let folders = bench.checkpoints();
    folders.iter().any(|folder| folder.join("begun").exists())
}

fn until(what: &str, look: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !look() {
        assert!(start.elapsed().as_secs() < 60, "{what} never came");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A count up to a number, and a file where it notes its work.
struct Counting {
    bench: Bench,
    work: std::path::PathBuf,
}

impl Counting {
    fn new() -> Self {
        let bench = Bench::new();
        let work = bench.folder.path().join("work");
        Self { bench, work }
    }

    fn text(&self, to: u64) -> String {
        let work = self.work.display();
        format!("[stage.c]\nkind = 'count'\nto = {{ number = {to} }}\nwork = '{work}'\n")
    }

    /// Counts, and says how many numbers that took and from what it started.
    fn count(&self, text: &str) -> (usize, String, etude::store::Digest) {
        let _ = fs::remove_file(&self.work);
        let ran = self.bench.run(text);
        assert_eq!(ran.jobs(Status::Ran), ["c"], "{:?}", ran.failures());
        let work = fs::read_to_string(&self.work).unwrap();
        let starts = ran.starts().remove("c").unwrap();
        (work.lines().count(), starts, ran.artifacts()["c"])
    }

    fn to(&self, number: u64) -> (usize, String, etude::store::Digest) {
        self.count(&self.text(number))
    }
}

#[test]
fn a_longer_job_goes_on_from_a_shorter_one_to_the_same_bytes() {
    let counting = Counting::new();
    assert_eq!(counting.to(10).0, 10);
    let text = counting.text(20);
    let (plan, store) = (counting.bench.plan(&text), counting.bench.store());
    let states = assess(&plan, &store, &store.ledgers().of("toy")).unwrap();
    let Freshness::Stale { earlier, .. } = &states[0] else {
        panic!("not stale")
    };
    assert_eq!(earlier.as_ref().unwrap().to_string(), "10 numbers");
    let (work, starts, digest) = counting.to(20);
    assert_eq!(work, 10);
    insta::assert_snapshot!(starts, @"to.number: 10 → 20; starts from 10 numbers");
    let clean = Counting::new();
    assert_eq!((20, digest), {
        let (work, _, digest) = clean.to(20);
        (work, digest)
    });

    // Of several, from the longest; a shorter one, from one that is shorter still.
    assert_eq!(counting.to(25).0, 5);
    assert_eq!(counting.to(15).0, 5);
    let (work, starts, _) = counting.to(5);
    assert_eq!(work, 5);
    assert!(!starts.contains("starts from"), "{starts}");
    let states = assess(&counting.bench.plan(&text), &store, &Default::default()).unwrap();
    let Freshness::Fresh(record) = &states[0] else {
        panic!("not fresh")
    };
    assert_eq!(record.started_from.as_ref().unwrap().length, 10);
}

#[test]
fn a_job_that_differs_in_more_than_its_length_starts_from_nothing() {
    let counting = Counting::new();
    counting.to(10);
    assert_eq!(counting.count(&(counting.text(20) + "from = 3")).0, 20);
}

#[test]
fn from_a_damaged_job_none_starts_and_the_bytes_are_the_same() {
    let counting = Counting::new();
    counting.to(5);
    counting.to(10);
    let object = counting.bench.object(&counting.text(10), "c");
    fs::remove_file(&object).unwrap();
    fs::write(&object, "1\n2\n3\n4\n5\n6\n7\n8\n9\n11\n").unwrap();
    let ran = counting.bench.run(&counting.text(20));
    // It is noticed when it is read, and costs the work since the one before.
    assert_eq!(
        ran.starts()["c"],
        "to.number: 10 → 20; starts from 5 numbers"
    );
    assert!(
        ran.warnings()[0].contains("damaged"),
        "{:?}",
        ran.warnings()
    );
    assert_eq!(ran.artifacts()["c"], Counting::new().to(20).2);

    // Without its record, or with entries that are none, there is only less to start from.
    let families = counting
        .bench
        .folder
        .path()
        .join("outputs/.etude/v1/families");
    let family = fs::read_dir(&families)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let other = etude::store::Digest::of_key(b"other");
    fs::write(family.join(format!("29-{other}")), "").unwrap();
    fs::write(family.join("28-short"), "").unwrap();
    let (work, starts, _) = counting.to(30);
    assert_eq!(
        (work, starts.as_str()),
        (10, "to.number: 20 → 30; starts from 20 numbers")
    );
    fs::remove_dir_all(&families).unwrap();
    fs::write(&families, "in the way").unwrap();
    assert_eq!(counting.to(40).0, 40);
}

#[test]
fn jobs_of_one_run_need_no_order_to_give_the_same_bytes() {
    let counting = Counting::new();
    let sweep = counting.text(1) + "[axes]\nn = { 'c.to.number' = [5, 10, 20, 40] }";
    let ran = counting.bench.run(&sweep);
    assert_eq!(ran.summary.ran, 4);
    for number in [5, 10, 20, 40] {
        let job = format!("c[n={number}]");
        assert_eq!(ran.artifacts()[&job], Counting::new().to(number).2);
    }
}

const TEXTS: &str = "[stage.t]\nkind = 'texts'\ntext = { path = 'data' }";

/// A bench with a directory `data` of two files.
fn with_data() -> Bench {
    let bench = Bench::new();
    let data = bench.folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("a"), "one").unwrap();
    fs::write(data.join("b"), "two").unwrap();
    bench
}

#[test]
fn what_stands_in_the_files_that_parameters_name_is_identity() {
    let bench = with_data();
    let at = |name: &str| bench.folder.path().join(name);
    bench.run(TEXTS);
    assert_eq!(bench.table("t"), "one two");
    assert_eq!(bench.run(TEXTS).summary.cached, 1);
    fs::write(at("data/b"), "three").unwrap();
    let ran = bench.run(TEXTS);
    assert_eq!(ran.starts()["t"], "text.path: `b` changed");
    assert_eq!(bench.table("t"), "one three");
    fs::write(at("data/c"), "four").unwrap();
    assert_eq!(bench.run(TEXTS).starts()["t"], "text.path: `c` is new");
    fs::remove_file(at("data/c")).unwrap();
    // As it was before: that result is still there.
    assert_eq!(bench.run(TEXTS).summary.cached, 1);
    fs::rename(at("data/b"), at("data/c")).unwrap();
    let ran = bench.run(TEXTS);
    assert_eq!(
        ran.starts()["t"],
        "text.path: `b` is gone; text.path: `c` is new"
    );
    let one = TEXTS.replace("'data'", "'data/a'");
    assert_eq!(bench.run(&one).summary.ran, 1);
    fs::write(at("data/a"), "other").unwrap();
    assert_eq!(bench.run(&one).starts()["t"], "text.path: the file changed");
}

#[test]
fn where_files_lie_and_when_they_were_touched_is_not_identity() {
    let bench = with_data();
    let at = |name: &str| bench.folder.path().join(name);
    bench.run(TEXTS);
    let file = fs::File::options().write(true).open(at("data/a")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert_eq!(bench.run(TEXTS).summary.cached, 1);
    fs::create_dir(at("data/.git")).unwrap();
    fs::write(at("data/.git/index"), "hidden").unwrap();
    assert_eq!(bench.run(TEXTS).summary.cached, 1);
    fs::create_dir(at("moved")).unwrap();
    fs::rename(at("data"), at("moved/there")).unwrap();
    let moved = TEXTS.replace("'data'", "'moved/there'");
    assert_eq!(bench.run(&moved).summary.cached, 1);
    let absolute = TEXTS.replace("data", &at("moved/there").display().to_string());
    assert_eq!(bench.run(&absolute).summary.cached, 1);
    #[cfg(unix)]
    {
        // As a cache of downloads does it: links to where the bytes are.
        fs::create_dir(at("links")).unwrap();
        for name in ["a", "b"] {
            let target = at("moved/there").join(name);
            std::os::unix::fs::symlink(target, at("links").join(name)).unwrap();
        }
        let links = TEXTS.replace("'data'", "'links'");
        assert_eq!(bench.run(&links).summary.cached, 1);
    }
}

#[test]
fn a_file_that_changes_while_a_job_reads_it_spoils_the_job_and_what_it_saved() {
    let bench = with_data();
    let ran = bench.run(&format!("{TEXTS}\nchanges = true"));
    let message = &ran.failures()[0];
    assert!(
        message.ends_with("data/a was changed while the job read it"),
        "{message}"
    );
    assert!(bench.checkpoints().is_empty());
    bench.run(TEXTS);
    assert_eq!(bench.table("t"), "something else two");
}

#[test]
fn a_file_that_changes_while_a_job_waits_is_noticed_before_it_runs() {
    let mut bench = with_data();
    bench.capacity.cores = 1;
    // Both are looked at before the first of them changes what the other reads too.
    let other = TEXTS
        .replace("stage.t", "stage.u")
        .replace("'data'", "'data/a'");
    let text = format!("{TEXTS}\nchanges = true\n{other}\nchanges = true");
    let ran = bench.run(&text);
    assert_eq!(ran.jobs(Status::Failed), ["t", "u"]);
    let said = ran.failures().join("; ");
    assert!(
        said.contains("data/a was changed while the job waited"),
        "{said}"
    );
}

/// The key of the one job of a pipeline, which must run.
fn key_of(bench: &Bench, text: &str) -> etude::store::Digest {
    let states = assess(&bench.plan(text), &bench.store(), &Default::default()).unwrap();
    match &states[0] {
        Freshness::Stale { key, .. } => *key,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_saved_from_other_bytes_is_not_taken_up() {
    let bench = with_data();
    let key = key_of(&bench, TEXTS);
    // An attempt that was killed while somebody edited what it read, and put the old bytes back.
    let store = bench.store();
    store.prepare().unwrap();
    let lock = store.coordination().try_lock(&key).unwrap().unwrap();
    let file = bench.folder.path().join("data/a");
    let stamp = etude::store::Stamp::of(&file).unwrap();
    store
        .open_checkpoint(&key, &lock, "cpu", [(file.as_path(), stamp)])
        .unwrap();
    drop(lock);
    let saved = store.checkpoint(&key).join("half");
    fs::write(&saved, "of something else").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(&file, "eno").unwrap();
    fs::write(&file, "one").unwrap();
    let ran = bench.run(TEXTS);
    assert_eq!(ran.summary.ran, 1);
    assert!(
        ran.warnings()[0].ends_with("it starts anew"),
        "{:?}",
        ran.warnings()
    );
}

#[cfg(unix)]
#[test]
fn a_job_waits_for_the_worker_of_a_dead_engine_to_let_go_of_its_folder() {
    let bench = Bench::new();
    let text = stubborn("fails");
    let folder = bench.store().checkpoint(&key_of(&bench, &text));
    fs::create_dir_all(&folder).unwrap();
    let held = fs::File::open(&folder).unwrap();
    held.lock().unwrap();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| bench.run(&text));
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(!run.is_finished());
        drop(held);
        assert_eq!(run.join().unwrap().jobs(Status::Failed), ["s"]);
    });
}

/// A stage that reads columns, and leaves a table.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rows {
    /// The columns it reads; all of them, unless it says which.
    read: Option<BTreeSet<String>>,
    /// The columns it leaves.
    leaves: Option<Vec<String>>,
}

impl Stage for Rows {
    const KIND: &'static str = "rows";
    const VERSION: u32 = 3;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::All,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::List,
        doc: "the tables",
    }];

    fn columns(&self, _: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let leaves = self.leaves.clone();
        Ok(leaves.map(|names| {
            let names = names.into_iter();
            names.map(|name| ColumnShape::new(name, None)).collect()
        }))
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        self.read.clone()
    }

    fn run(&self, _: &Context<'_>) -> Result<(), Stop> {
        Ok(())
    }
}

/// The key of every job, were each job's artifact a file that holds its name.
pub fn keys(plan: &Plan) -> String {
    let artifacts = plan.jobs.iter().map(|job| {
        let name = job.name.to_string();
        let file = StoredFile {
            digest: Digest::of_bytes(name.as_bytes()),
            size: name.len() as u64,
        };
        Artifact {
            files: [("table.parquet".to_string(), file)].into(),
        }
    });
    let artifacts: Vec<_> = artifacts.collect();
    let lines = plan.jobs.iter().enumerate().map(|(id, job)| {
        let fingerprint = Fingerprint::of(plan, id, &Outside::new(), |from| {
            Known::Made(artifacts[from].digest(), &artifacts[from])
        })
        .unwrap();
        format!("{} {}", fingerprint.key().short(), job.name)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_keys_of_jobs_stay_what_they_were() {
    // Were one of these to change, every cache in the world would be cold.
    let mut kinds: Vec<_> = crate::toys::registry().iter().cloned().collect();
    kinds.push(Kind::of::<Rows>());
    let bench = Bench::with(Registry::new(kinds));
    let text = "
        [stage.n]
        kind = 'number'
        value = 3
        [stage.m-1]
        kind = 'number'
        value = 0
        by = 1
        [stage.t]
        kind = 'times'
        of = 'n'
        [stage.all]
        kind = 'sum'
        of = ['t', 'm-1']
        per = ['by']
        [stage.every]
        kind = 'rows'
        from = ['t', 'n', 'm-1']
        [stage.some]
        kind = 'rows'
        from = 't'
        per = 'f'
        read = ['value', 'size', 't_factor']
        leaves = ['value', 'mean']
        [stage.last]
        kind = 'rows'
        from = ['some', 'every']
        read = ['value', 'f', 'm_1_value']
        leaves = ['size']
        [stage.labels]
        kind = 'rows'
        from = ['some', 'last']
        [axes]
        value = { 'n.value' = [1, 2, 5] }
        f = { plain = {}, 'T(3)' = { t.factor = 3 }, both = { t.factor = 4, m-1.value = 9 } }
        size = { small = {}, large = { m-1 = { value = 12 } } }
        by = { 'n.by' = [1, 2], 'm-1.by' = [1, 4] }
        [[override]]
        when = { value = 5, f = 'plain' }
        set = { t.factor = 7 }
        [[exclude]]
        when = { value = 2, by = 2 }
        [[exclude]]
        when = { f = 'both', size = 'large' }
        [profile.p]
        set = { n.fails = true }
        keep = { value = 1 }
    ";
    insta::assert_snapshot!(keys(&bench.plan(text)), @"
    303596e9 m-1[f=plain, size=small, by=1]
    33554e13 m-1[f=plain, size=small, by=2]
    79a2fdf9 m-1[f=plain, size=large, by=1]
    122abf85 m-1[f=plain, size=large, by=2]
    303596e9 m-1[f=T(3), size=small, by=1]
    33554e13 m-1[f=T(3), size=small, by=2]
    79a2fdf9 m-1[f=T(3), size=large, by=1]
    122abf85 m-1[f=T(3), size=large, by=2]
    96c9ffca m-1[f=both, size=small, by=1]
    bf22ba32 m-1[f=both, size=small, by=2]
    7c305d41 n[value=1, by=1]
    1f200554 n[value=1, by=2]
    57eef8a6 n[value=2, by=1]
    8391c6b9 n[value=5, by=1]
    e629573c n[value=5, by=2]
    e6b6f9f1 t[value=1, f=plain, by=1]
    048e3114 t[value=1, f=plain, by=2]
    228c324f t[value=1, f=T(3), by=1]
    03780bf9 t[value=1, f=T(3), by=2]
    1167fbed t[value=1, f=both, by=1]
    ced356f8 t[value=1, f=both, by=2]
    41ea948f t[value=2, f=plain, by=1]
    3177cf22 t[value=2, f=T(3), by=1]
    9c30cb67 t[value=2, f=both, by=1]
    0c41ce2a t[value=5, f=plain, by=1]
    d6f97d24 t[value=5, f=plain, by=2]
    e74a696d t[value=5, f=T(3), by=1]
    45575751 t[value=5, f=T(3), by=2]
    f9d368e1 t[value=5, f=both, by=1]
    6db7eea1 t[value=5, f=both, by=2]
    8e2763dd some[f=plain]
    1743b85e some[f=T(3)]
    8b5a4708 some[f=both]
    86234f66 every
    a1aa3a6b last
    01e2d0cf labels
    51a936a7 all[by=1]
    3f240378 all[by=2]
    ");
}

#[test]
fn labels_that_differ_only_in_case_keep_their_files_apart() {
    let bench = Bench::new();
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [axes]
        type = { A = { n.value = 1 }, a = { n.value = 2 }, b = { n.value = 3 } }
    ";
    assert_eq!(bench.run(text).summary.ran, 3);
    let views = || {
        let folder = bench.folder.path().join("outputs/toy/tables");
        let files = fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            format!("{name}: {}", fs::read_to_string(&path).unwrap())
        });
        files.collect::<BTreeSet<_>>()
    };
    let before = views();
    insta::assert_snapshot!(before.iter().cloned().collect::<Vec<_>>().join("\n"), @"
    n[type=A~05751765].parquet: 1
    n[type=a~d227dd05].parquet: 2
    n[type=b].parquet: 3
    ");
    // Whichever comes first, so that no file takes the place of another one.
    let other = text.replace(
        "A = { n.value = 1 }, a = { n.value = 2 }",
        "a = { n.value = 2 }, A = { n.value = 1 }",
    );
    bench.run(&other);
    assert_eq!(views(), before);
}

#[test]
fn jobs_join_what_shares_their_labels_and_share_the_lists_of_it() {
    let bench = Bench::new();
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.t]
        kind = 'times'
        of = 'n'
        [stage.all]
        kind = 'sum'
        of = ['t', 'n']
        [axes]
        v = { 'n.value' = { range = [0, 4] } }
        f = { 't.factor' = [2, 3, 4] }
    ";
    let plan = bench.plan(text);
    let id = |name: &str| plan.find(name).unwrap();
    let named = |ids: Vec<usize>| {
        let names = ids.iter().map(|id| plan.jobs[*id].name.to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named(plan.reads(id("t[v=2, f=3]")).collect()), "n[v=2]");
    assert_eq!(
        named(plan.readers(id("n[v=1]")).collect()),
        "t[v=1, f=2] t[v=1, f=3] t[v=1, f=4] all"
    );
    assert_eq!(plan.reads(id("all")).count(), 16);
    // What all of them read they share.
    let lists = plan.jobs.iter().filter(|job| job.stage == 1);
    let lists: BTreeSet<_> = lists.map(|job| job.inputs[0].jobs.as_ptr()).collect();
    assert_eq!(lists.len(), 4);
}

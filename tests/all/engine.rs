//! The engine, on toy stages.

use std::fs;
use std::sync::atomic::Ordering;

use etude::plan::{Freshness, Reason, assess};
use etude::run::{Event, Status};
use etude::store::Lookup;

use crate::toys::Bench;

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
    let states = assess(&plan, &store, &store.ledger("toy"));
    let Freshness::Fresh(record) = &states[plan.find("t[value=2]").unwrap()] else {
        panic!("not fresh")
    };
    fs::remove_file(store.object(&record.artifact.files["table.parquet"].digest)).unwrap();
    let states = assess(&plan, &store, &store.ledger("toy"));
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
    assert_eq!(ran.jobs(Status::Skipped), ["all", "picture", "t[value=2]"]);
    assert_eq!(
        ran.jobs(Status::Ran),
        ["n[value=1]", "n[value=3]", "t[value=1]", "t[value=3]"]
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
    insta::assert_snapshot!(message.unwrap(), @"it asks for 2 GB of memory and 0 cards; this machine offers 1 GB and 0");
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
    let states = assess(&plan, &store, &store.ledger("toy"));
    let mut lines = Vec::new();
    for (job, state) in plan.jobs.iter().zip(&states) {
        lines.push(match state {
            Freshness::Fresh(_) => format!("{}: cached", job.name),
            Freshness::Stale { reason, .. } => format!("{}: {reason}", job.name),
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
        let states = assess(&bench.plan(text), &bench.store(), &Default::default());
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

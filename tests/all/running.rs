//! How a run goes: in which order, with how many attempts, within which limits; and that whatever kills it, the next one
//! ends where a run that nobody disturbed ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Child;

use etude::pipeline::Cause;
use etude::plan::assess;
use etude::report::Closing;
use etude::run::{Cards, Event, Local, Status};
use etude::store::{Digest, Policy};

use crate::toys::{Bench, KILL_AT, Ran, engine, workers};

fn causes(ran: &Ran) -> Vec<Option<Cause>> {
    let ended = ran.events.iter().filter_map(|event| match event {
        Event::JobEnded(ended) if ended.status == Status::Failed => Some(ended.cause),
        _ => None,
    });
    ended.collect()
}

fn retried(ran: &Ran) -> Vec<(Cause, u32, u32)> {
    let retried = ran.events.iter().filter_map(|event| match event {
        Event::JobRetried(retried) => Some((retried.cause, retried.attempt, retried.of)),
        _ => None,
    });
    retried.collect()
}

fn flaky(how: &str, fails: usize, more: &str) -> String {
    format!("[stage.a]\nkind = 'flaky'\nvalue = 7\nfails = {fails}\nhow = '{how}'\n{more}\n")
}

fn with_workers(bench: &Bench, text: &str) -> Ran {
    bench.execute_on(&workers(), &bench.plan(text))
}

#[test]
fn a_job_is_tried_again_as_often_and_after_such_ends_as_its_stage_says() {
    let bench = Bench::new();
    let twice = flaky("error", 2, "retry = { max = 2, on = ['error'] }");
    let ran = bench.run(&twice);
    assert_eq!((ran.summary.ran, ran.summary.failed), (1, 0));
    assert_eq!(retried(&ran), [(Cause::Error, 2, 3), (Cause::Error, 3, 3)]);
    assert_eq!(bench.table("a"), "7");

    let bench = Bench::new();
    let once = flaky("error", 2, "retry = { max = 1, on = ['error'] }");
    let ran = bench.run(&once);
    assert_eq!((ran.summary.failed, retried(&ran).len()), (1, 1));

    // What a job says of itself it would say again.
    let bench = Bench::new();
    let ran = bench.run(&flaky("error", 1, "retry = { max = 5 }"));
    assert_eq!((ran.summary.failed, retried(&ran).len()), (1, 0));
    assert_eq!(causes(&ran), [Some(Cause::Error)]);
}

#[test]
fn many_failures_are_told_as_one_with_what_they_have_in_common() {
    let bench = Bench::new();
    let text = "
[stage.a]
kind = 'number'
value = 1
[axes]
graph = { small = {}, large = { a.fails = true } }
n = { 'a.value' = [1, 2, 3, 4, 5] }
only = { one = { a.by = 1 } }
[[override]]
when = { graph = 'small', n = 5 }
set = { a.fails = true }
";
    let told = |text: &str| {
        let plan = bench.plan(text);
        let mut closing = Closing::new(&plan);
        let ran = bench.execute(&plan);
        ran.events.iter().for_each(|event| closing.hear(event));
        let lines = closing.lines(&plan, &ran.summary).into_iter();
        let lines = lines.filter(|line| !line.contains("log: "));
        lines.collect::<Vec<_>>()
    };
    let lines = told(text);
    assert_eq!(lines[0], "✗ a: 6 of 10 failed: 6 with an error");
    assert_eq!(
        lines[1],
        "    a[graph=small, n=5, only=one]: told to fail, and 5 more the same"
    );
    assert!(lines[2].starts_with("4 ran, 6 failed in "), "{lines:?}");
    // Without the one that is small, all have something in common that not all jobs have.
    let lines = told(text.split("[[override]]").next().unwrap());
    assert_eq!(
        lines[0],
        "✗ a: 5 of 10 failed: 5 with an error, all graph=large"
    );
    // A few are told one by one.
    let lines = told(&text.replace("a.fails = true } }", "a.fails = false } }"));
    assert_eq!(
        lines[0],
        "✗ a[graph=small, n=5, only=one] failed: told to fail"
    );
}

#[test]
fn a_worker_that_dies_is_an_accident_and_the_job_is_tried_again() {
    let bench = Bench::new();
    let ran = with_workers(&bench, &flaky("crash", 1, "retry = { max = 1 }"));
    assert_eq!(ran.summary.ran, 1, "{:?}", ran.failures());
    assert_eq!(retried(&ran), [(Cause::Crash, 2, 2)]);
    let bench = Bench::new();
    let ran = with_workers(&bench, &flaky("crash", 1, ""));
    assert_eq!(causes(&ran), [Some(Cause::Crash)]);
}

#[test]
fn a_worker_that_is_another_program_is_given_nothing_to_do() {
    let bench = Bench::new();
    // It would do whatever it is told, and leave something else.
    let script =
        "echo '{\"ready\":\"another\"}'; read -r order; echo '\"begun\"'; echo '\"done\"'; cat";
    let other = Local::new("sh".into(), vec!["-c".into(), script.into()]);
    let ran = bench.execute_on(&other, &bench.plan(&flaky("error", 0, "")));
    assert_eq!(causes(&ran), [Some(Cause::Error)]);
    let said = &ran.failures()[0];
    assert!(said.contains("another program than the engine"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_watched_where_the_file_sets_a_limit_and_grows_from_attempt_to_attempt() {
    let limit = "resources = { memory = '150 MB' }\n";
    let bench = Bench::new();
    let ran = with_workers(&bench, &flaky("hog", 9, limit));
    assert_eq!(causes(&ran), [Some(Cause::Oom)]);
    let said = &ran.failures()[0];
    assert!(said.contains("more than its limit of 150 MB"), "{said}");

    // The same hunger is stilled by what the second attempt may take; it never ends, but for its time.
    let bench = Bench::new();
    let grows = "resources = { memory = '150 MB', time = '2 s' }\nretry = { max = 1, on = ['oom'], grow = { memory = 4.0 } }";
    let ran = with_workers(&bench, &flaky("hog", 9, grows));
    assert_eq!(retried(&ran), [(Cause::Oom, 2, 2)]);
    assert_eq!(causes(&ran), [Some(Cause::Time)]);
}

#[test]
fn a_job_out_of_time_saves_and_the_next_attempt_goes_on_from_there() {
    let bench = Bench::new();
    let text = flaky(
        "sleep",
        2,
        "resources = { time = '1 s' }\nretry = { max = 2, grow = { time = 2.0 } }",
    );
    let ran = with_workers(&bench, &text);
    assert_eq!(ran.summary.ran, 1, "{:?}", ran.failures());
    assert_eq!(retried(&ran), [(Cause::Time, 2, 3), (Cause::Time, 3, 3)]);
}

const SOME_FAIL: &str = "
[stage.a]
kind = 'number'
value = 1
[stage.b]
kind = 'times'
of = 'a'
[axes]
n = { good = {}, bad = { a.fails = true }, also = { a.value = 3 } }
";

#[test]
fn a_failure_stops_all_the_rest_only_where_that_is_asked_for() {
    let mut bench = Bench::new();
    bench.capacity.cores = 1;
    let ran = bench.run(SOME_FAIL);
    assert_eq!(
        (ran.summary.ran, ran.summary.failed, ran.summary.skipped),
        (4, 1, 1)
    );
    let mut bench = Bench::new();
    bench.capacity.cores = 1;
    bench.fail_fast = true;
    let ran = bench.run(SOME_FAIL);
    assert_eq!(ran.summary.failed, 1);
    assert!(ran.summary.cancelled > 0, "{:?}", ran.summary);
    bench.fail_fast = false;
    let ran = bench.run(SOME_FAIL);
    assert_eq!(ran.summary.ran + ran.summary.cached, 4);
}

#[test]
fn the_nearest_figure_comes_first_and_the_first_seed_of_every_cell_before_the_second() {
    let mut bench = Bench::new();
    bench.capacity.cores = 1;
    let notes = bench.folder.path().join("notes");
    let text = format!(
        "
[stage.big]
kind = 'noted'
value = 0
notes = '{0}'
[stage.all]
kind = 'sum'
of = 'big'
[stage.large]
kind = 'picture'
of = 'all'
[stage.small]
kind = 'noted'
value = 100
notes = '{0}'
[stage.little]
kind = 'picture'
of = 'small'
[axes]
cell = {{ 'big.value' = [1, 2, 3] }}
seed = {{ 'big.seed' = [0, 1] }}
",
        notes.display()
    );
    bench.run(&text);
    let order = fs::read_to_string(&notes).unwrap();
    let order: Vec<&str> = order.lines().collect();
    assert_eq!(order, ["100/0", "1/0", "2/0", "3/0", "1/1", "2/1", "3/1"]);
}

#[test]
fn a_job_that_takes_much_is_not_passed_over_for_ever() {
    let mut bench = Bench::new();
    bench.capacity.cores = 2;
    let notes = bench.folder.path().join("notes");
    let values: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let text = format!(
        "
[stage.wide]
kind = 'noted'
value = 1000
notes = '{0}'
resources = {{ cores = 2 }}
[stage.figure]
kind = 'picture'
of = 'wide'
[stage.narrow]
kind = 'noted'
value = 0
notes = '{0}'
[axes]
n = {{ 'narrow.value' = [{1}] }}
",
        notes.display(),
        values.join(", ")
    );
    let plan = bench.plan(&text);
    // The wide one comes first of all: its figure is the nearest.
    bench.execute(&plan);
    let order = fs::read_to_string(&notes).unwrap();
    let place = order.lines().position(|line| line == "1000/0");
    assert!(place.unwrap() < 15, "{order}");
}

#[test]
fn every_job_with_a_card_has_one_of_its_own_and_no_other_job_sees_any() {
    let mut bench = Bench::new();
    bench.capacity.cores = 4;
    bench.capacity.cards = Cards::Named(vec!["5".into(), "GPU-7".into()]);
    let text = "
[stage.with]
kind = 'cards'
[stage.without]
kind = 'cards'
number = -2
device = 'cpu'
[stage.both]
kind = 'cards'
number = -1
resources = { gpu = 2 }
[axes]
n = { 'with.number' = [0, 1, 2, 3, 4, 5] }
";
    let ran = with_workers(&bench, text);
    assert_eq!(ran.summary.ran, 8, "{:?}", ran.failures());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for n in 0..6 {
        *seen
            .entry(bench.table(&format!("with[n={n}]")))
            .or_default() += 1;
    }
    assert!(
        seen.keys().all(|card| card == "5" || card == "GPU-7"),
        "{seen:?}"
    );
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(bench.table("without"), "");
    assert_eq!(bench.table("both"), "5,GPU-7");
}

fn used() -> String {
    "
[stage.a]
kind = 'number'
value = 3
keep = 'until-used'
[stage.b]
kind = 'times'
of = 'a'
[stage.c]
kind = 'times'
of = 'b'
[axes]
n = { 'a.value' = [3, 4] }
"
    .to_string()
}

#[test]
fn what_is_kept_until_used_goes_and_is_made_again_where_something_new_needs_it() {
    let bench = Bench::new();
    let sizes = |bench: &Bench| {
        let mut count = 0;
        let objects = bench.folder.path().join("outputs/.etude/v1/objects");
        for shard in fs::read_dir(objects).unwrap() {
            count += fs::read_dir(shard.unwrap().path()).unwrap().count();
        }
        count
    };
    assert_eq!(bench.run(&used()).summary.ran, 6);
    // 3 and 4 went; 6, 8, 12, 16 stay.
    assert_eq!(sizes(&bench), 4);
    assert!(
        !bench
            .folder
            .path()
            .join("outputs/toy/tables/a[n=3].parquet")
            .exists()
    );
    let audit = bench.store().care().audit(&|_, _| {}).unwrap();
    let wrong = audit.findings.iter().filter(|finding| finding.is_wrong());
    assert_eq!(wrong.count(), 0, "what was released is not missing");
    let again = bench.run(&used());
    assert_eq!((again.summary.ran, again.summary.cached), (0, 6));
    // Another factor needs what went; what comes out is read and goes again.
    let other = used().replace("of = 'a'", "of = 'a'\nfactor = 5");
    let ran = bench.run(&other);
    assert_eq!((ran.summary.ran, ran.summary.cached), (6, 0));
    assert!(
        ran.starts()["a[n=3]"].contains("its bytes were released"),
        "{:?}",
        ran.starts()
    );
    assert_eq!(bench.table("c[n=4]"), "40");
    assert_eq!(bench.run(&other).summary.cached, 6);
}

#[test]
fn tables_without_bytes_are_made_again_once_all_that_they_read_is_there() {
    let bench = Bench::new();
    let text = used().replace("keep = 'until-used'", "");
    bench.run(&text);
    let release = |stages: &[&str]| {
        let jobs = bench.store().ledgers().of("toy").jobs.into_iter();
        let of = |job: &str| stages.iter().any(|stage| job.starts_with(stage));
        let keys: Vec<Digest> = jobs
            .filter(|(job, _)| of(job))
            .map(|(_, key)| key)
            .collect();
        assert_eq!(
            bench.store().care().release(&keys).unwrap().len(),
            keys.len()
        );
    };
    let to_run = |text: &str| {
        let plan = bench.plan(text);
        let store = bench.store();
        let states = assess(&plan, &store, &store.ledgers().of("toy")).unwrap();
        states
            .iter()
            .filter(|state| state.record().is_none())
            .count()
    };
    let ran = |text: &str| {
        let planned = to_run(text);
        let ran = bench.run(text);
        assert_eq!(ran.summary.ran, planned, "{:?}", ran.starts());
        assert_eq!(ran.warnings(), Vec::<String>::new());
        planned
    };
    release(&["b", "c"]);
    assert_eq!(ran(&text), 4);
    assert_eq!(bench.table("c[n=4]"), "16");
    // Nothing says what a number is made of, so it is not made for its own sake, nor is what reads it.
    release(&["a", "b", "c"]);
    assert_eq!(ran(&text), 0);
    assert!(
        !bench
            .folder
            .path()
            .join("outputs/toy/tables/c[n=4].parquet")
            .exists()
    );
    // Something new needs it, and then the others have all that they need.
    let more = text.replace(
        "[axes]",
        "[stage.d]\nkind = 'times'\nof = 'a'\nfactor = 7\n[axes]",
    );
    assert_eq!(ran(&more), 8);
    assert_eq!(bench.table("c[n=4]"), "16");
    assert_eq!(ran(&more), 0);
}

#[test]
fn a_complete_run_forgets_the_jobs_that_its_pipeline_no_longer_has() {
    let bench = Bench::new();
    bench.run(&used());
    let jobs = |bench: &Bench| {
        bench
            .store()
            .ledgers()
            .of("toy")
            .jobs
            .into_keys()
            .collect::<Vec<_>>()
    };
    assert_eq!(jobs(&bench).len(), 6);
    bench.run(&used().replace("[3, 4]", "[4]"));
    assert_eq!(jobs(&bench), ["a[n=4]", "b[n=4]", "c[n=4]"]);
}

#[test]
fn what_is_pinned_or_read_by_another_engine_is_not_released() {
    let bench = Bench::new();
    let key = |name: &str| bench.store().ledgers().of("toy").jobs[name];
    bench.run(&used().replace("keep = 'until-used'", ""));
    let (first, second) = (key("a[n=3]"), key("a[n=4]"));
    let pin = etude::store::Pin::default();
    assert!(bench.store().pin(&first, &pin).unwrap());
    let other = bench.store();
    other.prepare().unwrap();
    other.lookup(&second);
    let whole = |key| matches!(bench.store().lookup(key), etude::store::Lookup::Present(_));
    bench.run(&used());
    assert!(whole(&first) && whole(&second));
    drop(other);
    bench.run(&used());
    assert!(
        whole(&first) && !whole(&second),
        "the other engine has gone"
    );
}

#[test]
fn an_object_that_something_else_holds_is_not_released_with_it() {
    let bench = Bench::new();
    // The released 6 is also what the other stage leaves.
    let text = "
[stage.a]
kind = 'number'
value = 6
keep = 'until-used'
[stage.b]
kind = 'times'
of = 'a'
[stage.other]
kind = 'number'
value = 12
by = 2
";
    assert_eq!(bench.run(text).summary.ran, 3);
    let again = bench.run(text);
    assert_eq!((again.summary.ran, again.summary.cached), (0, 3));
    assert_eq!(bench.table("other"), "6");
}

#[test]
fn a_job_that_gives_other_bytes_when_it_runs_again_is_told_of_and_the_first_stand() {
    let mut bench = Bench::new();
    let notes = bench.folder.path().join("notes");
    let text = |dice: bool| {
        format!(
            "[stage.a]\nkind = 'noted'\nvalue = 1\ndice = {dice}\nnotes = '{}'\n[stage.b]\nkind = 'times'\nof = 'a'\n",
            notes.display()
        )
    };
    for dice in [false, true] {
        bench.again = Default::default();
        bench.run(&text(dice));
        let first = bench.table("b");
        let plan = bench.plan(&text(dice));
        bench.again = [plan.find("a").unwrap()].into();
        let ran = bench.execute(&plan);
        assert_eq!((ran.summary.ran, ran.summary.cached), (1, 1));
        assert_eq!(ran.summary.differing, usize::from(dice));
        assert_eq!(bench.table("b"), first);
        let told = ran.warnings().join("\n");
        assert_eq!(
            told.contains("gave other bytes than before")
                && told.contains("as noted sees `table.parquet`"),
            dice,
            "{told}"
        );
    }
}

#[test]
fn what_takes_all_does_without_what_failed_and_says_so_down_to_the_picture() {
    let bench = Bench::new();
    let text = "
[stage.a]
kind = 'number'
value = 1
[stage.s]
kind = 'sum'
of = 'a'
[stage.f]
kind = 'picture'
of = 's'
[stage.t]
kind = 'times'
of = 'a'
[axes]
seed = { 'a.value' = [1, 2, 4] }
[[override]]
when = { seed = 2 }
set = { a.fails = FAILS }
";
    let ran = bench.run(&text.replace("FAILS", "true"));
    assert_eq!(
        (ran.summary.ran, ran.summary.failed, ran.summary.skipped),
        (6, 1, 1)
    );
    let holes = |ran: &Ran, name: &str| {
        let ended = ran.events.iter().find_map(|event| match event {
            Event::JobEnded(ended) if ended.job == name => Some(ended.holes.clone()),
            _ => None,
        });
        ended.unwrap()
    };
    assert_eq!(holes(&ran, "s"), ["a: 2 of 3, without [seed=2]"]);
    assert_eq!(holes(&ran, "f"), ["a: 2 of 3, without [seed=2]"]);
    assert!(holes(&ran, "t[seed=1]").is_empty());
    assert_eq!(bench.table("s"), "5");
    // With the hole filled the whole is made anew, and nothing is left of the hole.
    let ran = bench.run(&text.replace("FAILS", "false"));
    assert_eq!((ran.summary.ran, ran.summary.cached), (4, 4));
    assert!(holes(&ran, "f").is_empty());
    assert_eq!(bench.table("s"), "7");
    // What nothing is left of cannot be made.
    let all = text.replace("FAILS", "true").replace("[1, 2, 4]", "[2]");
    let ran = bench.run(&all);
    assert_eq!(
        (ran.summary.ran, ran.summary.failed, ran.summary.skipped),
        (0, 1, 3)
    );
}

const SWEEP: &str = "
[stage.a]
kind = 'number'
value = 1
[stage.b]
kind = 'times'
of = 'a'
[stage.s]
kind = 'sum'
of = 'b'
[stage.f]
kind = 'picture'
of = 's'
[axes]
n = { 'a.value' = [1, 2, 3] }
";

/// What a run that nobody disturbs leaves.
fn clean(text: &str) -> BTreeMap<String, Digest> {
    let bench = Bench::new();
    bench.run(text).artifacts()
}

/// The bytes of all views, by path.
fn views(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut views = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                let name = entry.path().display().to_string();
                views.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    views
}

#[cfg(unix)]
#[test]
fn an_engine_killed_at_any_step_of_its_journal_leaves_what_the_next_completes() {
    let whole = clean(SWEEP);
    let mut step = 1;
    loop {
        let bench = Bench::new();
        bench.plan(SWEEP);
        let status = engine(&bench)
            .env(KILL_AT, step.to_string())
            .status()
            .unwrap();
        let ran = bench.run(SWEEP);
        assert!(
            ran.summary.is_complete(),
            "killed at step {step}: {:?}",
            ran.failures()
        );
        assert_eq!(ran.artifacts(), whole, "killed at step {step}");
        assert_eq!(bench.run(SWEEP).summary.cached, whole.len());
        // A process that the dead engine was just starting may have held its folder a moment longer.
        let scratch = fs::read_dir(bench.folder.path().join("outputs/.etude/v1/scratch"));
        assert_eq!(scratch.unwrap().count(), 0, "killed at step {step}");
        let shown = views(&bench.folder.path().join("outputs/toy"));
        assert_eq!(shown.len(), whole.len(), "{:?}", shown.keys());
        if status.success() {
            break;
        }
        step += 1;
    }
    // A start, a start and an end for each job, an end.
    assert!(step > 2 * whole.len(), "it ended after {step} steps");
}

/// Several engines on one store; each job is done by one of them.
fn share(engines: usize) {
    let bench = Bench::new();
    let notes = bench.folder.path().join("notes");
    let values: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let text = format!(
        "
[stage.a]
kind = 'noted'
value = 1
notes = '{}'
[stage.b]
kind = 'times'
of = 'a'
[stage.s]
kind = 'sum'
of = 'b'
resources = {{ cores = 1 }}
[axes]
n = {{ 'a.value' = [{}] }}
",
        notes.display(),
        values.join(", ")
    );
    bench.plan(&text);
    let engines = (0..engines).map(|_| engine(&bench).spawn().unwrap());
    let engines: Vec<Child> = engines.collect();
    for mut engine in engines {
        assert!(engine.wait().unwrap().success());
    }
    let mut lines: Vec<String> = fs::read_to_string(&notes)
        .unwrap()
        .lines()
        .map(str::to_string)
        .collect();
    assert_eq!(lines.len(), 20, "each was done once");
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 20);
    let ran = bench.run(&text);
    assert_eq!(ran.summary.cached, 41);
    assert_eq!(bench.table("s"), "380");
}

#[test]
fn two_engines_on_one_store_do_each_job_once() {
    share(2);
}

#[test]
fn four_engines_on_one_store_do_each_job_once() {
    share(4);
}

#[test]
fn times_of_files_from_the_past_or_the_future_change_nothing() {
    let bench = Bench::new();
    let first = bench.run(SWEEP).artifacts();
    let day = std::time::Duration::from_secs(86_400);
    let now = std::time::SystemTime::now();
    for then in [now - 400 * day, now + 400 * day, now] {
        let mut open = vec![bench.folder.path().to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                if entry.path().is_dir() && !entry.path().is_symlink() {
                    open.push(entry.path());
                } else if let Ok(file) = fs::File::open(entry.path()) {
                    file.set_modified(then).unwrap();
                }
            }
        }
        let ran = bench.run(SWEEP);
        assert_eq!(ran.summary.cached, first.len());
        assert_eq!(ran.artifacts(), first);
    }
}

#[test]
fn what_was_seen_once_is_not_believed_of_an_object_that_changed_since() {
    let bench = Bench::new();
    bench.run(SWEEP);
    // Long enough for files to have rested.
    std::thread::sleep(std::time::Duration::from_secs(5));
    bench.run(SWEEP);
    let snapshots = bench
        .folder
        .path()
        .join("outputs/.etude/v1/snapshots/toy.jsonl");
    let lines = fs::read_to_string(&snapshots).unwrap();
    assert_eq!(lines.lines().count(), 8, "{lines}");
    // What is taken from a snapshot stays like all that is looked up, however little room there should be.
    let (engine, collector) = (bench.store(), bench.store());
    engine.prepare().unwrap();
    let snapshot = engine.snapshots().of("toy");
    for key in engine.ledgers().of("toy").jobs.values() {
        assert!(snapshot.artifact(&engine, key).is_some());
    }
    let policy = Policy {
        grace: std::time::Duration::ZERO,
        keep_last: 0,
        budget: Some(0),
        now: std::time::SystemTime::now() + std::time::Duration::from_secs(86_400),
        patience: std::time::Duration::ZERO,
    };
    assert_eq!(collector.care().garbage(&policy).unwrap().running, 8);
    drop(engine);
    assert_eq!(collector.care().garbage(&policy).unwrap().running, 0);
    let object = bench.object(SWEEP, "b[n=3]");
    let meta = fs::metadata(&object).unwrap();
    let mut permissions = meta.permissions();
    let sealed = permissions.clone();
    #[allow(
        clippy::permissions_set_readonly_false,
        reason = "the mode is set back as it was"
    )]
    permissions.set_readonly(false);
    fs::set_permissions(&object, permissions).unwrap();
    // The same size, mode and time.
    fs::write(&object, "7").unwrap();
    fs::set_permissions(&object, sealed).unwrap();
    let file = fs::File::open(&object).unwrap();
    file.set_modified(meta.modified().unwrap()).unwrap();
    let ran = bench.run(SWEEP);
    assert_eq!(ran.jobs(Status::Ran), ["b[n=3]"]);
    assert_eq!(bench.table("b[n=3]"), "6");
    // A snapshot that cannot be read, or is not there, costs nothing but time.
    fs::write(&snapshots, "[\"half").unwrap();
    assert_eq!(bench.run(SWEEP).summary.cached, 8);
    fs::remove_file(&snapshots).unwrap();
    assert_eq!(bench.run(SWEEP).summary.cached, 8);
}

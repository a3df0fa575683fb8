//! What a run is, through whole pipelines: a job, known from the graph, whatever bytes it left and under how many labels it stands.
#![cfg(unix)]

use std::fs;
use std::process::Command;

/// Runs a pipeline in a folder of its own: what it says, its exit code, and a table that it leaves.
fn run(pipeline: &str, table: &str) -> (String, i32, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("etude.toml"), "").unwrap();
    fs::write(
        folder.path().join("p.toml"),
        format!("name = 'p'\n{pipeline}"),
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    command.args(["run", "p.toml"]).current_dir(folder.path());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let path = folder.path().join(format!("outputs/p/tables/{table}.csv"));
    (
        String::from_utf8(text).unwrap(),
        output.status.code().unwrap(),
        fs::read_to_string(path).unwrap_or_default(),
    )
}

fn table(pipeline: &str) -> String {
    let (text, code, table) = run(pipeline, "out");
    assert_eq!(code, 0, "{text}");
    table
}

/// A program `e` that writes these lines below `x`, `$s` being its seed, and seeds.
fn episodes(script: &str, seeds: &str) -> String {
    format!(
        "[stage.e]
kind = 'command'
args = ['/bin/sh', '-c', 's=$ETUDE_SEED; {{ echo x; {script}; }} > $ETUDE_OUT/t.csv']
params = {{ m = 'a' }}
seed = 0
outputs.t = {{ path = 't.csv', type = 'table' }}
[axes]
seed = {{ 'e.seed' = {seeds} }}
"
    )
}

fn query(name: &str, from: &str, sql: &str) -> String {
    format!("[stage.{name}]\nkind = 'aggregate'\nfrom = '{from}'\nsql = \"{sql}\"\n")
}

const OUT: &str = "[stage.out]\nkind = 'table'\nfrom = 'q'\n";
const OVER: &str = "SELECT AVG(x) AS x, ci95(x) AS ci, runs() AS n FROM";

#[test]
fn rows_of_a_job_are_one_run() {
    // Means 0, 1 and 2: half the width 4.302653 / √3.
    let q = query("q", "e", &format!("{OVER} e"));
    let out = table(&(episodes("for i in 1 2 3 4; do echo $s; done", "[0, 1, 2]") + &q + OUT));
    let ci: f64 = out
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        (ci - 2.484_137_7).abs() < 1e-6 && out.ends_with(",3\n"),
        "{out}"
    );
}

#[test]
fn jobs_that_left_the_same_bytes_are_runs_of_their_own_and_so_are_all_that_read_them() {
    // Three seeds of one outcome and one of another: what reads the same bytes is one job, and four runs all the same.
    let each = query("d", "e", "SELECT AVG(x) AS x FROM e").replace("sql", "per = ['seed']\nsql");
    let q = query("q", "d", &format!("{OVER} d"));
    let out = table(&(episodes("echo $((s == 3))", "[0, 1, 2, 3]") + &each + &q + OUT));
    assert!(
        out.starts_with("x,ci,n\n0.25,0.795611") && out.ends_with(",4\n"),
        "{out}"
    );
}

#[test]
fn a_job_under_several_labels_is_one_run_also_where_labels_tell_runs_apart() {
    let twice = "method = { net = {}, oracle = { e.params.m = 'o' } }
[[override]]
when = { method = 'oracle', seed = [0, 1] }
set = { e.seed = 0 }
";
    let e = episodes("echo $s", "[0, 1]") + twice;
    let direct = query(
        "q",
        "e",
        "SELECT method, ci95(x) AS ci, runs() AS n FROM e GROUP BY method",
    );
    let out = table(&(e.clone() + &direct + OUT));
    assert!(
        out.contains("net,6.3531023") && out.ends_with(",2\no,oracle,,1\n"),
        "{out}"
    );
    let by_seed = query(
        "b",
        "e",
        "SELECT method, seed, AVG(x) AS x FROM e GROUP BY method, seed",
    );
    let over = query(
        "q",
        "b",
        "SELECT method, ci95(x) AS ci, runs() AS n FROM b GROUP BY method",
    );
    assert_eq!(table(&(e + &by_seed + &over + OUT)), out);
}

#[test]
fn labels_that_only_read_as_the_same_number_are_runs_of_their_own() {
    let version = "version = { '1.1' = { e.params.m = 'b' }, '1.10' = { e.params.m = 'c' } }\n";
    let cases = [
        ("version, seed", episodes("echo 1", "[0]") + version),
        (
            "seed",
            episodes("echo 1", "[9007199254740992, 9007199254740993]"),
        ),
    ];
    for (axes, e) in cases {
        let mean = format!("SELECT {axes}, AVG(x) AS x FROM e GROUP BY {axes}");
        let q = query("q", "b", &format!("{OVER} b"));
        let out = table(&(e + &query("b", "e", &mean) + &q + OUT));
        assert!(out.ends_with(",2\n"), "{axes}: {out}");
    }
}

#[test]
fn what_an_axis_names_is_a_label_only_where_it_is_handed_on() {
    let b = query(
        "b",
        "e",
        "SELECT 1 + seed AS seed, AVG(x) AS x FROM e GROUP BY 1 + seed",
    );
    let (text, code, _) = run(
        &(episodes("echo $s", "[0, 1]") + &b + &query("q", "b", &format!("{OVER} b")) + OUT),
        "out",
    );
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("ci95 does not know what a run is here")
            && text.contains("say it: ci95(x, seed)"),
        "{text}"
    );
    // It is refused before the program runs.
    assert!(!text.contains("ran"), "{text}");
}

#[test]
fn what_an_interval_leaves_out_is_told() {
    let q = query("q", "e", &format!("{OVER} e"));
    let uneven = "echo 1; [ $s = 1 ] && echo 3; [ $s = 2 ] || echo 5";
    let (text, code, _) = run(&(episodes(uneven, "[0, 1, 2]") + &q + OUT), "out");
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("! q: ci95(x): runs have 1 to 3 values"),
        "{text}"
    );
    let missing = "[ $s = 1 ] && echo NA || echo $s";
    let (text, code, _) = run(&(episodes(missing, "[0, 1, 2]") + &q + OUT), "out");
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("! q: ci95(x): 1 of 3 runs has no value and is left out"),
        "{text}"
    );
    let empty = "[ $s = 1 ] || echo $s";
    let (text, code, _) = run(&(episodes(empty, "[0, 1, 2]") + &q + OUT), "out");
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("1 of 3 tables have no rows: e[seed=1]"),
        "{text}"
    );
}

#[test]
fn one_job_under_several_labels_is_one_pair_of_a_comparison() {
    let pipeline = "[stage.e]
kind = 'command'
args = ['/bin/sh', '-c', '{ echo x; echo $ETUDE_PARAM_V; } > $ETUDE_OUT/t.csv']
seed = 0
params = { v = 1 }
outputs.t = { path = 't.csv', type = 'table' }
[stage.each]
kind = 'aggregate'
from = 'e'
sql = 'SELECT method, seed, AVG(x) AS x FROM e GROUP BY method, seed'
[stage.test]
kind = 'paired'
from = 'each'
between = 'method'
by = ['seed']
value = 'x'
[stage.out]
kind = 'table'
from = 'test'
columns = ['pairs', 'difference']
[axes]
method = { p = { e.params.v = 1 }, q = { e.params.v = 3 } }
seed = { 'e.seed' = [0, 1, 2, 3] }
";
    let (text, code, all) = run(pipeline, "out");
    assert_eq!(code, 0, "{text}");
    assert_eq!(all, "pairs,difference\n4,-2\n");
    let alike =
        format!("{pipeline}[[override]]\nwhen = {{ seed = [1, 2, 3] }}\nset = {{ e.seed = 0 }}\n");
    let (text, code, one) = run(&alike, "out");
    assert_eq!(code, 0, "{text}");
    assert_eq!(one, "pairs,difference\n1,-2\n");
    assert!(text.contains("p and q: 4 pairs of labels are 1 of results, because one job stands under several labels"), "{text}");
}

#[test]
fn labels_that_a_query_counts_as_repetitions_are_told_unless_they_are_seeds() {
    let told = |axes: &str, sql: &str| {
        let pipeline = format!(
            "{}{axes}\n{}",
            episodes("echo $s", "[0, 1]"),
            query("q", "e", sql)
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.toml");
        fs::write(&file, &pipeline).unwrap();
        let registry = etude::stages::registry();
        let read = etude::pipeline::read(&file, &Default::default(), &registry).unwrap();
        let told = read.warnings.iter().map(|warning| {
            let line = warning.span.as_ref().unwrap().line();
            assert!(pipeline.lines().nth(line - 1).unwrap().starts_with("sql"));
            format!("{warning}: {}", warning.help.as_ref().unwrap())
        });
        told.collect::<Vec<_>>()
    };
    let method = "method = { 'e.params.m' = ['a', 'b'] }";
    let pooled = told(method, &format!("{OVER} e"));
    assert_eq!(pooled.len(), 1, "{pooled:?}");
    for part in [
        "the runs of `seed` and `method` are counted together, as repetitions of one thing",
        "if `method` is no repetition, add it to SELECT and GROUP BY",
    ] {
        assert!(pooled[0].contains(part), "{pooled:?}");
    }
    let other = "again = { 'e.params.other_seed' = [0, 1] }";
    for (axes, sql) in [
        ("", format!("{OVER} e")),
        (method, format!("{OVER} e GROUP BY method")),
        // The column of the parameter that it sweeps.
        (method, format!("{OVER} e GROUP BY m")),
        (method, format!("{OVER} e WHERE method = 'a'")),
        (other, format!("{OVER} e")),
        // No runs are counted.
        (method, "SELECT AVG(x) AS x FROM e".to_owned()),
    ] {
        assert_eq!(told(axes, &sql), Vec::<String>::new(), "{axes} {sql}");
    }
}

//! Figures and printed tables of tables with holes, through whole pipelines.

use std::fs;
use std::process::Command;

const PIPELINE: &str = "
name = 'p'
[stage.t]
kind = 'command'
args = ['sh', '-c', 'cp t.csv $ETUDE_OUT/t.csv']
files = ['t.csv']
[stage.t.outputs]
t = { path = 't.csv', type = 'table' }
[stage.few]
kind = 'aggregate'
from = 't'
sql = 'SELECT n, error, lr FROM t WHERE n > 100'
[stage.points]
kind = 'plot'
from = 't'
mark = 'point'
x = 'n'
y = { field = 'error', scale = 'log' }
[stage.nothing]
kind = 'plot'
from = 'few'
mark = 'bar'
x = 'n'
y = 'error'
[stage.table]
kind = 'table'
from = 't'
columns = ['lr', { field = 'error', best = 'min' }]
[stage.empty]
kind = 'table'
from = 'few'
";

#[test]
fn what_a_figure_or_a_table_cannot_show_is_told_at_the_end_of_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("etude.toml"), "").unwrap();
    fs::write(path("p.toml"), PIPELINE).unwrap();
    fs::write(
        path("t.csv"),
        "n,error,lr\n1,0.5,1e-5\n2,0,1e-4\n3,NaN,3e-4\n",
    )
    .unwrap();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        let output = command
            .args(["run", "p.toml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let read = |name: &str| fs::read_to_string(path(&format!("outputs/p/{name}"))).unwrap();
    let told = [
        "! points: error: 2 of 3 values are not shown: 1 NaN (n = 3), 1 is 0 on a log scale (n = 2)",
        "! nothing: there is nothing to draw: the table has no rows",
        "! table: error: 1 of 3 values is missing, NaN or infinite and cannot be the best",
        "! empty: the table has no rows",
    ];
    // The second run finds everything in the store and says it again.
    for ran in ["6 ran", "6 cached"] {
        let out = run();
        assert!(out.contains(ran), "{out}");
        for line in told {
            assert!(out.contains(line), "{line}\n{out}");
        }
    }
    let points = read("figures/points.svg").replace('\u{a0}', " ");
    assert!(points.contains("2 of 3 values are not shown"), "{points}");
    assert!(read("figures/nothing.svg").contains("nothing to draw: the table has no rows"));
    let table = read("tables/table.md");
    assert!(
        table.contains("| 1e-5 |") && table.contains("| **0** |"),
        "{table}"
    );
    assert!(table.contains("NaN"), "{table}");
    assert!(read("tables/empty.md").starts_with("(the table has no rows)"));
    assert!(read("tables/table.csv").contains("0.0003,NaN"));
}

#[test]
fn the_ends_of_an_interval_are_checked_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("etude.toml", "");
    write("t.csv", "n,error,lr\n1,0.5,1e-5\n");
    write(
        "p.toml",
        &PIPELINE.replace(
            "x = 'n'\ny = 'error'",
            "x = 'n'\ny = { field = 'error', low = 'lr', high = 'hgih' }",
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    let output = command
        .args(["run", "p.toml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!output.status.success());
    assert!(text.contains("there is no column `hgih`"), "{text}");
    assert!(!folder.path().join("outputs/p").exists());
}

/// The three files of the figure of a pipeline, and what its log says.
fn figure(pipeline: &str, plot: &str) -> (Vec<Vec<u8>>, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("etude.toml", "");
    write("t.csv", "n,error,group\n1,0.5,a\n2,0.25,b\n3,0.125,c\n");
    write(
        "p.toml",
        &format!(
            "
name = '{pipeline}'
[stage.t]
kind = 'command'
args = ['sh', '-c', 'cp t.csv $ETUDE_OUT/t.csv']
files = ['t.csv']
[stage.t.outputs]
t = {{ path = 't.csv', type = 'table' }}
[stage.{plot}]
kind = 'plot'
from = 't'
mark = 'point'
x = 'n'
y = 'error'
color = 'group'
title = '*E*_{{n}} & **more**'
"
        ),
    );
    let etude = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        let output = command.args(args).current_dir(folder.path()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    etude(&["run", "p.toml"]);
    let log = etude(&["log", "p.toml", plot]);
    let figures = folder.path().join("outputs").join(pipeline).join("figures");
    let files = ["svg", "pdf", "png"].map(|form| fs::read(figures.join(plot).with_extension(form)));
    (files.map(Result::unwrap).to_vec(), log)
}

#[test]
fn a_figure_holds_the_key_of_its_job_and_no_name_that_may_change() {
    let (files, log) = figure("first", "dots");
    let key = log.split("key ").nth(1).unwrap().split(',').next().unwrap();
    assert_eq!(key.len(), 64, "{log}");
    for file in &files {
        let text = String::from_utf8_lossy(file);
        assert!(text.contains(key), "{text}");
        assert!(!text.contains("first") && !text.contains("dots"), "{text}");
    }
    // Another process, another pipeline and another stage: the same job.
    assert!(files == figure("second", "points").0);
}

//! Labels on their way through whole pipelines: into folders, tables and back.
#![cfg(unix)]

use std::fs;

use crate::project::Project;

fn project(pipeline: &str) -> Project {
    Project::with(&[("p.toml", &format!("name = 'p'\n{pipeline}"))])
}

/// A stage `p` whose program writes a table of one row, and its parameters.
fn program(header: &str, row: &str, params: &str) -> String {
    format!(
        "[stage.p]\nkind = 'command'\nparams = {{ {params} }}\n\
         args = ['/bin/sh', '-c', 'printf \"{header}\\n{row}\\n\" > $ETUDE_OUT/t.csv']\n\
         outputs.t = {{ path = 't.csv', type = 'table' }}\n"
    )
}

#[test]
fn the_folders_of_a_program_are_called_as_the_labels() {
    let text = program("x", "1", "lr = 0.1, decay = 0")
        + "[stage.collect]
kind = 'command'
args = ['/bin/sh', '-c', 'ls $ETUDE_INPUT_RUNS > $ETUDE_OUT/names.txt']
all = { runs = 'p' }
outputs.names = { path = 'names.txt', type = 'file' }
[axes]
lr = { 'p.params.lr' = [1e-7, 2.0, 0.5] }
how = { weak = { p.params.decay = 1e-8 }, none = {} }
";
    let project = project(&text);
    project.ok(&["run", "p.toml"]);
    assert_eq!(
        project.read("outputs/p/files/collect.txt"),
        "decay=0,how=none,lr=0.5\n\
         decay=0,how=none,lr=1e-7\n\
         decay=0,how=none,lr=2.0\n\
         decay=1e-8,how=weak,lr=0.5\n\
         decay=1e-8,how=weak,lr=1e-7\n\
         decay=1e-8,how=weak,lr=2.0\n"
    );
    // Another way of writing the numbers makes nothing run.
    let other = project
        .read("p.toml")
        .replace("[1e-7, 2.0, 0.5]", "[0.0000001, 2, 5e-1]");
    fs::write(project.path("p.toml"), other).unwrap();
    let (said, _) = project.etude(&["plan", "p.toml", "p[lr=1e-7]"]);
    assert!(said.contains("0 to run, 2 cached"), "{said}");
    // What is shown is called as the labels are written.
    assert!(
        said.contains("cached and not shown, which the next run shows"),
        "{said}"
    );
}

const DECAY: &str = "
[stage.by-run]
kind = 'aggregate'
from = 'p'
sql = 'SELECT decay, seed, AVG(x) AS x FROM p GROUP BY decay, seed'
[stage.again]
kind = 'aggregate'
from = 'by-run'
sql = 'SELECT weight, decay, AVG(x) AS x FROM by_run GROUP BY weight, decay ORDER BY decay'
[stage.table]
kind = 'table'
from = 'again'
[axes]
decay = { 'p.params.weight' = [0, 0.1, 1.0] }
seed = { 'p.seed' = [0, 1] }
";

#[test]
fn swept_parameters_stand_beside_every_label_of_a_table_that_is_read_again() {
    let stage = program("x", "$ETUDE_PARAM_WEIGHT", "weight = 0");
    let project = project(&(stage + "seed = 0\n" + DECAY));
    project.ok(&["run", "p.toml"]);
    let table = project.read("outputs/p/tables/table.csv");
    let rows: Vec<Vec<f64>> = table
        .lines()
        .skip(1)
        .map(|row| row.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 3, "{table}");
    for row in rows {
        assert!(row.iter().all(|cell| *cell == row[0]), "{table}");
    }
}

#[test]
fn a_column_of_an_axis_name_with_other_values_is_an_error_and_not_a_gap() {
    let stage = program("x", "$ETUDE_PARAM_WEIGHT", "weight = 0");
    let pipeline = stage + "seed = 0\n" + DECAY;
    let other = pipeline.replace("SELECT decay, seed,", "SELECT decay + 0.05 AS decay, seed,");
    let project = project(&other);
    let (said, code) = project.etude(&["run", "p.toml"]);
    assert_eq!(code, 1, "{said}");
    let why = "the column `decay` of `by_run` holds `0.05`, which is no label of the axis `decay`";
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_column_that_a_program_writes_and_an_axis_of_its_name_are_not_taken_for_each_other() {
    let pipeline = program("loss,x", "0.25,1", "lr = 0")
        + "[stage.all]\nkind = 'aggregate'\nfrom = 'p'\nsql = 'SELECT * FROM p'\n\
           [axes]\nloss = { 'p.params.lr' = [1, 2] }\n";
    let project = project(&pipeline);
    let (said, code) = project.etude(&["run", "p.toml"]);
    assert_eq!(code, 1, "{said}");
    let why = "the table `p` has a column `loss` of its own, which holds `0.25`";
    assert!(said.contains(why), "{said}");
    // A program may repeat its coordinates.
    let same = pipeline.replace("0.25,1", "$ETUDE_PARAM_LR,1");
    fs::write(project.path("p.toml"), format!("name = 'p'\n{same}")).unwrap();
    project.ok(&["run", "p.toml"]);
}

#[test]
fn jobs_that_an_override_makes_one_run_once_where_the_axis_is_named() {
    let pipeline = program("x", "1", "method = 'net'")
        + "seed = 0\n[axes]\n\
           method = { net = {}, oracle = { p.params.method = 'oracle' } }\n\
           seed = { 'p.seed' = [0, 1, 2] }\n\
           [[override]]\nwhen = { method = 'oracle', seed = [1, 2] }\nset = { p.seed = 0 }\n";
    let project = project(&pipeline);
    let said = project.ok(&["run", "p.toml"]);
    assert!(said.contains("4 ran"), "{said}");
}

#[test]
fn columns_are_told_for_a_file_and_for_a_stage() {
    let project = project(&(program("x", "1", "weight = 0") + "seed = 0\n" + DECAY));
    let said = project.ok(&["columns", "p.toml", "by-run"]);
    insta::assert_snapshot!(said, @"
    by_run  (aggregate `by-run`)
      a row is what its SQL makes it
      a run is told by the labels in `decay`, `seed`
      decay   the stage itself                                                  numbers
      seed    the stage itself                                                  whole numbers
      x       the stage itself                                                  numbers
      weight  p.params.weight, swept by `decay`, found by the label in `decay`  numbers
    ");
    let said = project.ok(&["columns", "p.toml"]);
    assert!(
        said.contains("…       the stage itself: known once it has run"),
        "{said}"
    );
    let (said, code) = project.etude(&["columns", "p.toml", "by-rum"]);
    assert_eq!(code, 1);
    assert!(said.contains("did you mean `by-run`?"), "{said}");
}

#[test]
fn what_a_run_is_is_told_for_every_table() {
    let query = |name: &str, sql: &str| {
        format!("[stage.{name}]\nkind = 'aggregate'\nfrom = 'p'\nsql = '{sql}'\n")
    };
    let pipeline = program("x", "1", "weight = 0")
        + "seed = 0\n"
        + &query("by-seed", "SELECT seed, MAX(x) AS x FROM p GROUP BY seed")
        + &query("mean", "SELECT decay, AVG(x) AS x FROM p GROUP BY decay")
        + &query("all", "SELECT * FROM p")
        + "[stage.each]\nkind = 'aggregate'\nfrom = 'p'\nper = ['decay', 'seed']\nsql = 'SELECT MAX(x) AS x FROM p'\n\
           [stage.alone]\nkind = 'command'\nargs = ['true']\noutputs.t = { path = 't.csv', type = 'table' }\n\
           [axes]\ndecay = { 'p.params.weight' = [1, 2] }\nseed = { 'p.seed' = [0, 1] }\n";
    let project = project(&pipeline);
    let said = project.ok(&["columns", "p.toml"]);
    let lines = said.lines().filter(|line| {
        line.starts_with("  a run is") || !line.starts_with(' ') && !line.is_empty()
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    p  (command `p`)
      a run is a job, one at each of `decay`, `seed`
    by_seed  (aggregate `by-seed`)
      a run is not known: there is no column `decay`; say which columns tell runs apart, as `ci95(x, seed)` does
    mean  (aggregate `mean`)
      a run is not known: there is no column `seed`; say which columns tell runs apart, as `ci95(x, seed)` does
    all  (aggregate `all`)
      a run is told by the labels in `decay`, `seed`, if the table has `decay`, `seed`; otherwise say which columns tell runs apart, as `ci95(x, seed)` does
    each  (aggregate `each`)
      a run is a job, one at each of `decay`, `seed`
    alone  (command `alone`)
      a run is not known: one job makes all rows; say which columns tell runs apart, as `ci95(x, seed)` does
    ");
}

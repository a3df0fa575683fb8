//! Tables that programs leave, and claims held against them: what is read, what is refused, and what cannot be judged.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("etude.toml"), "").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All that a command says, and its exit code.
    fn etude(&self, arguments: &[&str]) -> (String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.args(arguments).current_dir(self.folder.path());
        let output = command.output().unwrap();
        let mut text = String::from_utf8(output.stdout).unwrap();
        text.push_str(&String::from_utf8(output.stderr).unwrap());
        (text, output.status.code().unwrap())
    }

    fn run(&self, pipeline: &str) -> (String, i32) {
        fs::write(self.path("p.toml"), pipeline).unwrap();
        self.etude(&["run", "p.toml"])
    }

    fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// A stage that leaves one table of these rows.
fn rows(name: &str, csv: &str, columns: &str) -> String {
    format!(
        "[stage.{name}]
kind = 'command'
args = ['sh', '-c', '''printf '%b' \"$ETUDE_PARAM_ROWS\" > $ETUDE_OUT/t.csv''']
params = {{ rows = {csv:?}, seed = 0 }}
outputs = {{ t = {{ path = 't.csv', type = 'table'{columns} }} }}
"
    )
}

fn query(name: &str, from: &str, sql: &str) -> String {
    format!(
        "[stage.{name}]\nkind = 'aggregate'\nfrom = '{from}'\nsql = \"\"\"{sql}\"\"\"\n[stage.{name}-out]\nkind = 'table'\nfrom = '{name}'\n"
    )
}

fn sweep(parts: &[&str]) -> String {
    format!("[axes]\npart = {{ 't.params.rows' = {parts:?} }}\n")
}

/// The lines that tell why a job failed.
fn reasons(text: &str) -> Vec<&str> {
    let lines = text
        .lines()
        .filter(|line| line.contains("not a readable") || line.contains("the column"));
    let lines: std::collections::BTreeSet<&str> = lines.collect();
    lines.into_iter().collect()
}

#[test]
fn a_part_of_a_sweep_without_values_leaves_numbers_numbers() {
    for nothing in ["q,d\n", "q,d\n5,NA\n", "q,d\n5,\n6,None\n"] {
        let project = Project::new();
        let sql = "SELECT MAX(d) AS most, SUM(d) AS total FROM t WHERE d > 1";
        let pipeline = rows("t", "q,d\n1,9\n2,10\n", "")
            + &query("sum", "t", sql)
            + &sweep(&["q,d\n1,9\n2,10\n", nothing, "q,d\n3,100\n"]);
        let (text, code) = project.run(&pipeline);
        assert_eq!(code, 0, "{text}");
        assert_eq!(
            project.read("outputs/p/tables/sum-out.csv"),
            "most,total\n100,119\n"
        );
    }
}

#[test]
fn numbers_here_and_text_there_are_text_and_it_is_told() {
    let project = Project::new();
    let sql = "SELECT x FROM t";
    let parts = ["x\n1\n", "x\n2\n3\n", "x\noom\n"];
    let pipeline = rows("t", "x\n1\n", "") + &query("all", "t", sql) + &sweep(&parts);
    let (text, code) = project.run(&pipeline);
    assert_eq!(code, 0, "{text}");
    let why = "the column `x` is text, because it holds numbers (`1`)";
    assert!(text.contains(why), "{text}");
    let table = project.read("outputs/p/tables/all-out.csv");
    assert_eq!(table, "x\n1\n2\n3\noom\n");
    // As a number it is refused, with the reason.
    let (text, code) = project.run(&pipeline.replace(sql, "SELECT AVG(x) AS x FROM t"));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("`avg` takes numbers, not text") && text.contains(why),
        "{text}"
    );
    // Declared, it is text in all of them.
    let declared = pipeline.replace("type = 'table'", "type = 'table', columns = { x = 'text' }");
    let (text, code) = project.run(&declared);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn declared_columns_are_checked_before_anything_runs_and_held_to_after() {
    let project = Project::new();
    let columns = ", columns = { step = 'int', loss = 'float', name = 'text', ok = 'bool' }";
    let good = "loss,step,name,ok\n3,1,007,TRUE\nnan,,NA,\n";
    let wrong = rows("t", good, columns) + &query("sum", "t", "SELECT AVG(lss) AS l FROM t");
    let (text, code) = project.run(&wrong);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("no column `lss`") && text.contains("did you mean `loss`?"),
        "{text}"
    );
    assert!(!project.path("outputs").exists(), "nothing ran");

    let right = rows("t", good, columns)
        + &query("sum", "t", "SELECT COUNT(step) AS n, COUNT(*) AS k FROM t");
    let (text, code) = project.run(&right);
    assert_eq!(code, 0, "{text}");
    assert_eq!(project.read("outputs/p/tables/sum-out.csv"), "n,k\n1,2\n");

    let late = |csv: &str| {
        let (text, code) = project.run(&rows("t", csv, columns));
        assert_eq!(code, 1, "{text}");
        reasons(&text).join("\n")
    };
    insta::assert_snapshot!(late("step,loss,name,ok\n1,0.5,a,true\n1.5,0.5,a,true\n"), @"✗ t failed: `t.csv` in ETUDE_OUT is not a readable table: line 3: `1.5` in the column `step`, which is declared as whole numbers (64 bits)");
    insta::assert_snapshot!(late("step,loss,name\n1,0.5,a\n"), @"✗ t failed: `t.csv` in ETUDE_OUT is not a readable table: the column `ok` is declared and not there; its columns: step, loss, name");
    insta::assert_snapshot!(late("step,loss,name,ok,extra\n"), @"✗ t failed: `t.csv` in ETUDE_OUT is not a readable table: the column `extra` is not among those declared; declared columns: loss, name, ok, step");

    let file = "[stage.t]\nkind = 'command'\nargs = ['true']\noutputs = { t = { path = 't', type = 'file', columns = { a = 'int' } } }\n";
    let (text, code) = project.run(file);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("a file has no columns"), "{text}");
}

#[test]
fn of_several_outputs_each_has_its_columns() {
    let project = Project::new();
    let pipeline = |sql: &str| {
        "[stage.t]
kind = 'command'
args = ['sh', '-c', 'echo a > $ETUDE_OUT/a.csv; echo 1 >> $ETUDE_OUT/a.csv; cp $ETUDE_OUT/a.csv $ETUDE_OUT/b.csv']
[stage.t.outputs]
a = { path = 'a.csv', type = 'table', columns = { a = 'int' } }
b = { path = 'b.csv', type = 'table' }
"
        .to_string()
            + &query("q", "t.a", sql)
            + &query("r", "t.b", "SELECT whatever FROM t_b")
    };
    let (text, _) = project.run(&pipeline("SELECT b FROM t_a"));
    assert!(text.contains("no column `b`"), "{text}");
    let (text, _) = project.run(&pipeline("SELECT a FROM t_a"));
    assert!(
        !text.contains("no column `a`"),
        "what is not declared is not known: {text}"
    );
}

#[test]
fn what_made_text_of_a_column_stands_in_the_log() {
    let project = Project::new();
    let (text, code) = project.run(&rows("t", "x,y\n1,a\n50%,b\n", ""));
    assert_eq!(code, 0, "{text}");
    let (log, _) = project.etude(&["log", "p.toml", "t"]);
    assert!(
        log.contains("in `t.csv`, the column `x` is text because of `50%` in line 3"),
        "{log}"
    );
}

/// What a claim comes to over these rows: its line, those below it, and the verdict as a file.
fn claim(csv: &str, claim: &str) -> (String, Json, i32) {
    let project = Project::new();
    let pipeline = rows("t", csv, "")
        + &format!("[stage.c]\nkind = 'claim'\nfrom = 't'\nsays = 'So.'\n{claim}\n");
    let (text, code) = project.run(&pipeline);
    assert_eq!(code, 0, "{text}");
    let lines = text.lines().skip_while(|line| !line.ends_with("): So."));
    let lines: Vec<&str> = lines
        .take_while(|line| line.ends_with("So.") || line.starts_with("    "))
        .collect();
    let folder = fs::read_dir(project.path("outputs/p/verdicts")).unwrap();
    let file = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    let verdict = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let (_, strict) = project.etude(&["run", "p.toml", "--strict"]);
    (lines.join("\n"), verdict, strict)
}

#[test]
fn a_claim_without_a_row_or_without_a_value_cannot_be_judged() {
    for (csv, text) in [
        ("g,x\na,\nb,0.9\n", "holds = 'x > 0.5'"),
        ("g,x\na,NA\nb,0.9\n", "where = 'x > 0.1'\nholds = 'x > 0.5'"),
        ("g,x\na,0.9\n", "where = \"g = 'b'\"\nholds = 'x > 0.5'"),
        ("g,x\n", "holds = 'x > 0.5'"),
        ("g,x\na,\nb,\n", "holds = 'x > 0.5'"),
        (
            "g,x\na,\nb,0.9\n",
            "holds = 'x > 0.5'\nexpected = false\nnote = 'known'",
        ),
        (
            "g,x\na,0.9\n",
            "where = \"g = 'b'\"\nholds = 'x > 0.5'\nexpected = false\nnote = 'known'",
        ),
        ("g,x\na,\n", "holds = 'NULLIF(x, x) > 0.5'"),
        ("g,x\na,1\n,1\n", "where = \"g = 'a'\"\nholds = 'x > 0.5'"),
    ] {
        let (line, verdict, strict) = claim(csv, text);
        assert!(
            line.starts_with("? cannot be judged ("),
            "{csv:?} {text}: {line}"
        );
        assert_eq!(verdict["verdict"], "cannot be judged", "{csv:?} {text}");
        assert_eq!(strict, 3, "{csv:?} {text}");
    }
    let (line, ..) = claim("g,x\na,\nb,0.9\n", "holds = 'x > 0.5'");
    insta::assert_snapshot!(line, @"
    ? cannot be judged (1 of 2 rows, 1 row without a value): So.
        without a value: g = a, x = null
    ");
    let (line, ..) = claim("g,x\na,\nb,0.9\n", "where = 'x > 0.1'\nholds = 'x > 0.5'");
    insta::assert_snapshot!(line, @"
    ? cannot be judged (1 of 1 rows, 1 row without a value): So.
        without a value: g = a, x = null
    ");
    let (line, ..) = claim("g,x\na,0.9\n", "where = 'x > 17'\nholds = 'x > 0.5'");
    insta::assert_snapshot!(line, @"? cannot be judged (it speaks of no row): So.");
}

#[test]
fn one_row_against_a_claim_is_enough_whatever_is_missing() {
    let (line, verdict, strict) = claim("g,x\na,\nb,0.4\n", "holds = 'x > 0.5'");
    assert_eq!(
        (&verdict["verdict"], strict),
        (&Json::from("not reproduced"), 3)
    );
    insta::assert_snapshot!(line, @"
    ✗ not reproduced (0 of 2 rows, 1 row without a value): So.
        against: g = b, x = 0.4
        without a value: g = a, x = null
    ");
    let (line, verdict, _) = claim("g,x\na,0.038949396547595196\n", "holds = 'x > 0.5'");
    assert!(line.ends_with("against: g = a, x = 0.03895"), "{line}");
    assert_eq!(verdict["against"][0], "g = a, x = 0.038949396547595196");
    let known = "holds = 'x > 0.5'\nexpected = false\nnote = 'known'";
    assert_eq!(claim("g,x\na,\nb,0.4\n", known).2, 0);
    // A value that is missing is none that a condition over others needs.
    let (line, _, strict) = claim("g,x\na,\nb,0.9\n", "holds = 'x > 0.5 OR x IS NULL'");
    assert_eq!(
        (line.as_str(), strict),
        ("✓ reproduced (2 of 2 rows): So.", 0)
    );
    let (_, _, strict) = claim(
        "g,x\na,\nb,0.9\n",
        "where = 'x IS NOT NULL'\nholds = 'x > 0.5'",
    );
    assert_eq!(strict, 0);
}

#[test]
fn a_claim_over_jobs_of_which_one_failed_cannot_be_judged() {
    let project = Project::new();
    let pipeline = "
[stage.t]
kind = 'command'
args = ['sh', '-c', '''[ $ETUDE_SEED != 1 ] && printf \"x\\n1\\n\" > $ETUDE_OUT/t.csv''']
seed = 0
outputs = { t = { path = 't.csv', type = 'table' } }
[stage.all]
kind = 'aggregate'
from = 't'
sql = 'SELECT AVG(x) AS x FROM t'
[stage.c]
kind = 'claim'
from = 'all'
says = 'So.'
holds = 'x > 0'
[axes]
seed = { 't.seed' = [0, 1, 2] }
";
    let (text, code) = project.run(pipeline);
    assert_ne!(code, 0, "{text}");
    let line = text.lines().find(|line| line.ends_with(": So."));
    insta::assert_snapshot!(line.unwrap_or(&text), @"? cannot be judged (1 of 1 rows; t: 2 of 3, without [seed=1]): So.");
}

#[test]
fn a_check_tells_of_a_claim_that_cannot_be_judged() {
    let project = Project::new();
    let pipeline = rows("t", "g,x\na,\nb,0.9\n", "")
        + "[stage.c]\nkind = 'claim'\nfrom = 't'\nsays = 'So.'\nholds = 'x > 0.5'\n";
    project.run(&pipeline);
    let (text, code) = project.etude(&["publish", "p.toml"]);
    assert_eq!(code, 0, "{text}");
    let (text, code) = project.etude(&["check", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    insta::assert_snapshot!(text.lines().next().unwrap(), @"verdict  c: cannot be judged (1 of 2 rows, 1 row without a value): So. (without a value: g = a, x = null)");
}

#[test]
fn a_column_without_any_value_is_read_by_all_and_has_none() {
    let project = Project::new();
    let pipeline = rows("t", "g,x,y\na,NA,1\nb,,2\n", "")
        + &query(
            "q",
            "t",
            "SELECT g, AVG(x) AS mean, MAX(x) AS most, COUNT(x) AS n, SUM(y) AS y FROM t GROUP BY g ORDER BY g",
        )
        + &query("r", "q", "SELECT g, most, y FROM q WHERE y > 1")
        + "[stage.whole]\nkind = 'table'\nfrom = 't'\n";
    let (text, code) = project.run(&pipeline);
    assert_eq!(code, 0, "{text}");
    assert_eq!(
        project.read("outputs/p/tables/r-out.csv"),
        "g,most,y\nb,,2\n"
    );
    assert_eq!(
        project.read("outputs/p/tables/whole.csv"),
        "g,x,y\na,,1\nb,,2\n"
    );
}

#[test]
fn a_column_may_have_any_name() {
    let project = Project::new();
    let (text, code) = project.run(&rows("t", "_run,x\n0,1\n", ""));
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_program_s_parquet_keeps_its_numbers_and_is_held_to_what_is_declared() {
    let project = Project::new();
    let copy = |columns: &str| {
        rows("t", "n,x\n9007199254740993,0.1\n", "")
            + &format!(
                "[stage.again]
kind = 'command'
args = ['sh', '-c', 'cp $ETUDE_INPUT_T $ETUDE_OUT/t.parquet']
tables = 'parquet'
inputs = {{ t = 't' }}
outputs = {{ t = {{ path = 't.parquet', type = 'table'{columns} }} }}
"
            )
    };
    for columns in ["", ", columns = { n = 'int', x = 'float' }"] {
        let (text, code) = project.run(
            &(copy(columns) + "[stage.out]\nkind = 'table'\nfrom = 'again'\ncolumns = ['n']\n"),
        );
        assert_eq!(code, 0, "{text}");
        assert_eq!(
            project.read("outputs/p/tables/out.csv"),
            "n\n9007199254740993\n"
        );
    }
    let (text, code) = project.run(&copy(", columns = { n = 'text', x = 'float' }"));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("the column `n` is declared as text and holds whole numbers"),
        "{text}"
    );
}

#[test]
fn paired_tests_are_refused_a_column_of_text_before_anything_runs() {
    let project = Project::new();
    let pairs = "[stage.p]\nkind = 'paired'\nfrom = 't'\nby = ['seed']\nbetween = 'method'\nvalue = 'score'\n";
    let csv = "method,seed,score\na,0,1\nb,0,2\n";
    let columns = ", columns = { method = 'text', seed = 'int', score = 'text' }";
    let (text, code) = project.run(&(rows("t", csv, columns) + pairs));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("the column `score` is text and holds no numbers"),
        "{text}"
    );
    assert!(!project.path("outputs").exists(), "nothing ran");
}

//! What of an answer is given, and what kind of mistakes answers make: from the pipeline file to the table.

use std::collections::BTreeSet;
use std::path::PathBuf;

use etude::figures::table;
use etude::pipeline::Request;
use etude::run::{Event, Status};

use crate::toys::{Bench, Ran};

const PIPELINE: &str = r#"
[stage.graphs]
kind        = "path-star"
degree      = 3
path_length = 4
nodes       = 12
train       = 200
test        = 60

[stage.model]
kind         = "train"
data         = "graphs"
architecture = { kind = "transformer", layers = 1, width = 16, heads = 2, positions = "rotary" }
objective    = "next-token"
batch        = 16
steps        = 20

[stage.answers]
kind  = "decode"
model = "model"
data  = "graphs"

[stage.walks]
kind    = "walk"
answers = "answers"
data    = "graphs"

[stage.shares]
kind = "aggregate"
from = "walks"
sql  = "SELECT given, outcome, COUNT(*) AS answers, AVG(follows) AS follows FROM walks GROUP BY given, outcome"

[axes]
given = { "answers.given" = ["nothing", "first-step", "wrong-step"] }
"#;

fn bench() -> Bench {
    Bench::with(etude::stages::registry())
}

/// A column of a table that a job left, as text.
fn column(bench: &Bench, file: &str, name: &str) -> Vec<Option<String>> {
    let path: PathBuf = bench.folder.path().join("outputs/toy").join(file);
    let table = table::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    table::texts(table::column(&table, name).unwrap()).unwrap()
}

/// The distinct values in a column.
fn values(bench: &Bench, file: &str, name: &str) -> BTreeSet<String> {
    let column = column(bench, file, name).into_iter();
    column
        .map(|value| value.unwrap_or("null".to_owned()))
        .collect()
}

/// Why jobs failed, by their order.
fn param_errors(ran: &Ran) -> Vec<String> {
    let ended = ran.events.iter().filter_map(|event| match event {
        Event::JobEnded(ended) if ended.status == Status::Failed => ended.message.clone(),
        _ => None,
    });
    ended.collect()
}

#[test]
fn a_model_goes_on_from_the_steps_it_is_given_and_its_mistakes_are_told_apart() {
    let bench = bench();
    let ran = bench.run(PIPELINE);
    assert_eq!(param_errors(&ran), [""; 0]);
    let of = |given: &str, name: &str| {
        let file = format!("answers/answers[given={given}]/positions.parquet");
        column(&bench, &file, name)
    };
    for (given, correct) in [("first-step", "1"), ("wrong-step", "0")] {
        let (position, right) = (of(given, "position"), of(given, "correct"));
        let second = position
            .iter()
            .zip(&right)
            .filter(|(p, _)| p.as_deref() == Some("2"));
        assert!(second.clone().count() == 60);
        assert!(
            second
                .into_iter()
                .all(|(_, right)| right.as_deref() == Some(correct)),
            "{given}"
        );
        let first = position
            .iter()
            .zip(&right)
            .filter(|(p, _)| p.as_deref() == Some("1"));
        assert!(
            first
                .into_iter()
                .all(|(_, right)| right.as_deref() == Some("1")),
            "{given}"
        );
    }
    // What it writes itself is its own: not all of it is right after 20 steps.
    assert!(of("first-step", "correct").contains(&Some("0".to_owned())));
    let walks = |given: &str, name: &str| {
        values(
            &bench,
            &format!("tables/walks[given={given}].parquet"),
            name,
        )
    };
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|n| (*n).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(walks("first-step", "arm"), set(&["1"]));
    // Degree 3: both wrong arms are drawn.
    assert_eq!(walks("wrong-step", "arm"), set(&["2", "3"]));
    assert!(walks("first-step", "outcome").is_subset(&set(&["right", "right-then-lost"])));
    assert!(walks("wrong-step", "outcome").is_subset(&set(&["wrong-arm", "wrong-then-lost"])));
    assert!(
        walks("nothing", "outcome").contains("off-graph"),
        "{:?}",
        walks("nothing", "outcome")
    );
    assert_eq!(
        column(&bench, "tables/walks[given=nothing].parquet", "example").len(),
        60
    );
    let counted = column(&bench, "tables/shares.parquet", "answers");
    let counted = counted
        .iter()
        .map(|n| n.as_ref().unwrap().parse::<u32>().unwrap());
    assert_eq!(counted.sum::<u32>(), 180);
}

#[test]
fn giving_nothing_is_what_was_always_done() {
    let bench = bench();
    let axis = PIPELINE.find("[axes]").unwrap();
    let plain = PIPELINE[..axis]
        .replace("SELECT given, outcome", "SELECT outcome")
        .replace("BY given, ", "BY ");
    assert_eq!(bench.run(&plain).summary.ran, 5);
    let said = plain.replace(
        "model = \"model\"",
        "model = \"model\"\ngiven = \"nothing\"",
    );
    assert_ne!(said, plain);
    let again = bench.run(&said);
    assert_eq!((again.summary.ran, again.summary.cached), (0, 5));
}

#[test]
fn a_column_that_a_walk_has_not_is_told_before_anything_runs() {
    let text = PIPELINE.replace("AVG(follows)", "AVG(folows)");
    let problems = bench().read(&text, &Request::default()).unwrap_err();
    let told = format!("{problems:?}");
    assert!(
        told.contains("folows") && told.contains("follows"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_given_or_walked_is_an_error_that_says_why() {
    let once = |text: &str| {
        let param_errors = param_errors(&bench().run(text));
        assert_eq!(param_errors.len(), 1, "{param_errors:?}");
        param_errors.into_iter().next().unwrap()
    };
    let refused = |text: &str| {
        let problems = bench().read(text, &etude::pipeline::Request::default());
        let problems = problems.unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].to_string()
    };
    let only = |given: &str| {
        let (all, one) = (
            "[\"nothing\", \"first-step\", \"wrong-step\"]",
            format!("[\"{given}\"]"),
        );
        PIPELINE.replace(all, &one)
    };
    for objective in ["reversed", "teacherless"] {
        let text = only("first-step").replace("\"next-token\"", &format!("\"{objective}\""));
        let why = refused(&text);
        assert!(
            why.contains("the model does not write its answer token by token"),
            "{why}"
        );
    }
    let line = only("wrong-step").replace("degree      = 3", "degree      = 1");
    let why = refused(&line);
    assert!(
        why.contains("a graph of one arm has no wrong step"),
        "{why}"
    );
    let edge = only("first-step").replace("path_length = 4", "path_length = 2");
    let why = refused(&edge);
    assert!(why.contains("leave nothing to write"), "{why}");
    let other = only("nothing")
        + "[stage.others]\nkind = \"path-star\"\ndegree = 3\npath_length = 4\nnodes = 12\n\
        train = 200\ntest = 60\nseed = 1\n";
    let other = other.replace(
        "answers = \"answers\"\ndata    = \"graphs\"",
        "answers = \"answers\"\ndata    = \"others\"",
    );
    let why = once(&other);
    assert!(
        why.contains("these are no answers to these examples"),
        "{why}"
    );
}

#[test]
fn variants_of_the_task_are_learnt_answered_and_told_apart_and_their_defaults_are_columns() {
    let bench = bench();
    let axis = PIPELINE.find("[axes]").unwrap();
    let text = PIPELINE[..axis]
        .replace(
            "path_length = 4",
            "path_length = 4\nspread = 1\nquery = \"any-target\"\ndirection = \"mixed\"",
        )
        .replace("given, outcome", "edges, outcome")
        + "[axes]\norder = { \"graphs.edges\" = [\"shuffled\", \"by-arm\"] }\n";
    let ran = bench.run(&text);
    assert_eq!(param_errors(&ran), [""; 0]);
    let told = values(&bench, "tables/shares.parquet", "edges");
    assert_eq!(
        told,
        BTreeSet::from(["by-arm".to_owned(), "shuffled".to_owned()])
    );
}

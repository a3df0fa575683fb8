//! Slips of somebody who writes a pipeline: each is told once, at its place, with what to write.

use std::fs;

use etude::pipeline::{Problem, Request, read};

const PIPELINE: &str = r#"
name = "slips"

[stage.graphs]
kind = "path-star"
degree = 2
path_length = 3
nodes = 8
train = 400
test = 100

[stage.model]
kind = "train"
data = "graphs"
architecture = { kind = "transformer", layers = 1, width = 16, heads = 2 }
objective = "next-token"
optimizer = { kind = "adamw", lr = 3e-3 }
batch = 16
steps = 40

[stage.answers]
kind = "decode"
model = "model"
data = "graphs"

[stage.accuracy]
kind = "aggregate"
from = ["answers"]
sql = """
  SELECT method, AVG(exact) AS accuracy
  FROM answers GROUP BY method
"""

[stage.figure]
kind = "plot"
from = "accuracy"
mark = "bar"
x = "method"
y = { field = "accuracy", domain = [0, 1] }

[axes]
method = { forward = {}, reversed = { model.objective = "reversed" } }
seed = { "model.seed" = [0, 1] }
"#;

/// What is wrong with a text.
fn problems(text: &str) -> Vec<Problem> {
    problems_with(text, &Request::default())
}

/// What is wrong with a text, and with what the command line adds to it.
fn problems_with(text: &str, request: &Request) -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let read = read(&file, request, &etude::stages::registry());
    read.err().unwrap_or_default()
}

/// The pipeline with some of its text replaced.
fn slipped(slips: &[(&str, &str)]) -> String {
    slips.iter().fold(PIPELINE.to_string(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replacen(from, to, 1)
    })
}

/// The only problem of the pipeline with a slip, with what it is about and its advice.
fn only(from: &str, to: &str) -> String {
    let all = problems(&slipped(&[(from, to)]));
    let told: Vec<String> = all.iter().map(shown).collect();
    assert_eq!(told.len(), 1, "{to}: {told:#?}");
    told.concat()
}

fn shown(problem: &Problem) -> String {
    let place = problem.span.as_ref();
    let place = place.map_or("", |span| &span.source.text[span.range.clone()]);
    let place = place.lines().next().unwrap_or_default();
    let help = problem.help.as_deref().unwrap_or("no advice");
    format!("[{place}] {problem}: {help}")
}

#[test]
fn the_pipeline_without_a_slip_is_right() {
    assert_eq!(problems(PIPELINE), []);
}

#[test]
fn a_slip_in_the_syntax_is_told_once_with_what_to_write() {
    for (from, to, told) in [
        (
            "layers = 1, width",
            "layers = 1 width",
            "[width] a `,` is missing before this: write `layers = 1, width = 16`",
        ),
        (
            "domain = [0, 1]",
            "domain = [0 1]",
            "[1] a `,` is missing before this: write `0, 1`",
        ),
        (
            "mark = \"bar\"",
            "mark = \"bar",
            "[\"bar] this string is not closed: write `\"` at its end; a text of several lines stands between \"\"\" and \"\"\"",
        ),
        (
            "from = [\"answers\"]",
            "from = [\"answers\"",
            "[[\"answers\"] this list is not closed: write `]` at its end",
        ),
        (
            "lr = 3e-3 }",
            "lr = 3e-3",
            "[{ kind = \"adamw\", lr = 3e-3] this table is not closed: write `}` at its end",
        ),
        (
            "degree = 2",
            "degree 2",
            "[degree 2] `degree` has no `=`: write `degree = 2`",
        ),
        (
            "kind = \"path-star\"",
            "kind: \"path-star\"",
            "[:] a key is set with `=`, not with `:`: write `kind = \"path-star\"`",
        ),
        (
            "mark = \"bar\"",
            "mark = bar",
            "[bar] a string stands in quotes: write `\"bar\"`",
        ),
        (
            "degree = 2",
            "degree = 2\ndegree = 3",
            "[degree] `degree` stands here a second time: keep one of them; to try several values, write an axis under [axes]",
        ),
        (
            "domain = [0, 1]",
            "domain = range(2)",
            "[range(2)] values are written out; there are no functions: write a list such as `[0, 1, 2]`; an axis also takes `{ range = [0, 5] }`",
        ),
        (
            "batch = 16",
            "batch = None",
            "[None] there is no empty value: leave the key out, and its default holds",
        ),
        (
            "[stage.graphs]",
            "[stage.graphs",
            "[[stage.graphs] this header of a table cannot be read: write `[stage.graphs]` alone on a line",
        ),
        (
            "batch = 16",
            "batch = 16,",
            "[,] no comma stands at the end of a line: leave it out",
        ),
    ] {
        assert_eq!(only(from, to), told);
    }
}

#[test]
fn a_text_that_is_not_closed_hides_no_stage_after_it() {
    let told = only("GROUP BY method\n\"\"\"", "GROUP BY method\n");
    assert!(told.contains("this text is not closed"), "{told}");
}

#[test]
fn slips_in_two_places_are_two_problems() {
    let text = slipped(&[
        ("layers = 1, width", "layers = 1 width"),
        ("domain = [0, 1]", "domain = [0 1]"),
        ("nodes = 8", "noodes = 8"),
    ]);
    let lines = problems(&text);
    let lines: Vec<usize> = lines
        .iter()
        .filter_map(|problem| Some(problem.span.as_ref()?.line()))
        .collect();
    assert_eq!(lines, [8, 15, 39]);
}

#[test]
fn a_key_of_a_pipeline_that_is_misspelt_is_read_as_what_was_meant() {
    for (from, to, told) in [
        (
            "[axes]",
            "[axis]",
            "[axis] a pipeline has no key `axis`: did you mean `axes`?",
        ),
        (
            "[stage.answers]",
            "[stages.answers]",
            "[stages] a pipeline has no key `stages`: did you mean `stage`?",
        ),
        (
            "[stage.answers]",
            "[answers]",
            "[answers] a pipeline has no key `answers`: a stage is written [stage.answers]",
        ),
        (
            "[axes]",
            "[profiles.quick]\nset = { model.steps = 5 }\n[axes]",
            "[profiles] a pipeline has no key `profiles`: did you mean `profile`?",
        ),
        (
            "[axes]",
            "[profile]\nset = { model.steps = 5 }\n[axes]",
            "[set] this table has no name: write a name into its header, e.g. `[profile.quick]`",
        ),
        (
            "[axes]",
            "[stage]\nkind = \"table\"\nfrom = \"accuracy\"\n[axes]",
            "[kind] this table has no name: write a name into its header, e.g. `[stage.graphs]`",
        ),
    ] {
        let found = only(from, to);
        assert!(found.starts_with(told), "{found}");
    }
}

#[test]
fn what_a_misspelt_stage_holds_is_checked_all_the_same() {
    let text = slipped(&[
        ("[stage.answers]", "[stages.answers]"),
        ("mark = \"bar\"", "mark = \"bra\""),
    ]);
    let told: Vec<String> = problems(&text).iter().map(shown).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[1].contains("did you mean `bar`?"), "{told:#?}");
}

#[test]
fn advice_is_what_was_probably_meant() {
    for (from, to, advice) in [
        (
            "model = \"model\"",
            "model = [\"model\"]",
            "write `model = \"model\"`",
        ),
        (
            "\"model.seed\" =",
            "\"model.lr\" =",
            "`lr` is a key of `optimizer`",
        ),
        (
            "mark = \"bar\"",
            "mark = \"scatter\"",
            "did you mean `point`?",
        ),
        ("mark = \"bar\"", "mark = \"pie\"", ": the choices are"),
        (
            "path_length = 3",
            "path_lenght = 3",
            "did you mean `path_length`?",
        ),
        ("nodes = 8", "num_nodes = 8", "did you mean `nodes`?"),
        ("batch = 16", "batch_size = 16", "did you mean `batch`?"),
        (
            "batch = 16",
            "batch = 16\nlearning_rate = 1e-3",
            "`lr` is a key of `optimizer`",
        ),
        (
            "batch = 16",
            "batch = 16\nn_layers = 2",
            "`layers` is a key of `architecture`",
        ),
        ("width = 16", "d_model = 16", "did you mean `width`?"),
        (
            "train = 400",
            "train = \"400\"",
            "write `400` without quotes",
        ),
        ("lr = 3e-3", "lr = \"3e-3\"", "write `3e-3` without quotes"),
        ("train = 400", "train = 4e2", "write `400`"),
        (
            "x = \"method\"",
            "x = \"method\"\nlog_y = true",
            "`scale` is a key of `x`, `y`",
        ),
    ] {
        let told = only(from, to);
        assert!(told.contains(advice), "{told}");
    }
}

#[test]
fn sql_is_told_in_words_and_once() {
    for (from, to, told) in [
        (
            "GROUP BY method",
            "GROUP method",
            "found `GROUP`: write GROUP BY",
        ),
        (
            "FROM answers",
            "FORM answers",
            "found `FORM`: did you mean FROM?",
        ),
        (
            "FROM answers",
            "FROM answer",
            "no table `answer`: did you mean `answers`?",
        ),
        (
            "AVG(exact)",
            "AVG(my-answers.exact)",
            "`my-answers.exact` is read as a difference: a stage `my-answers` is the table `my_answers`",
        ),
        (
            "from = [\"answers\"]",
            "from = [\"answer\"]",
            "there is no stage `answer`",
        ),
    ] {
        let found = only(from, to);
        assert!(found.contains(told), "{found}");
    }
}

#[test]
fn a_stage_that_reads_itself_is_one_problem() {
    let told = only("model = \"model\"", "model = \"answers\"");
    assert!(told.contains("the stage `answers` reads itself"), "{told}");
}

#[test]
fn a_list_where_one_value_stands_and_heads_that_do_not_divide_are_told_with_what_to_write() {
    let told = only("mark = \"bar\"", "mark = \"bar\"\nfacet = [\"method\"]");
    assert!(told.contains("write `\"method\"`"), "{told}");
    let told = only("heads = 2", "heads = 3");
    assert!(
        told.contains("3 heads do not divide a width of 16; take 2 or 4"),
        "{told}"
    );
}

#[test]
fn what_a_stage_leaves_is_unknown_without_what_it_reads() {
    let told = only("model = \"model\"\n", "");
    assert!(told.contains("`decode` needs `model`"), "{told}");
    let told = only("model = \"model\"", "model = \"mdoel\"");
    assert!(told.contains("did you mean `model`?"), "{told}");
}

#[test]
fn brackets_of_a_header_that_are_too_many_or_too_few_hide_nothing() {
    let told = only("[axes]", "[[axes]]");
    assert!(told.contains("single brackets: [axes]"), "{told}");
    let single = "[override]\nwhen = { methd = \"reversed\" }\nset = { model.steps = 5 }\n[axes]";
    let all = problems(&slipped(&[("[axes]", single)]));
    let told: Vec<String> = all.iter().map(shown).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("written [[override]]"), "{told:#?}");
    assert!(told[1].contains("did you mean `method`?"), "{told:#?}");
}

#[test]
fn a_file_that_cannot_be_included_is_told_where_it_is_named() {
    let all = problems("include = \"gone.toml\"\n");
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0].label, "included here");
}

#[test]
fn a_large_limit_can_be_read() {
    let told = only("train = 400", "train = 400_000_000");
    assert!(told.contains("must be at most 100 000 000"), "{told}");
}

/// A pipeline whose table and figure read columns that axes add.
fn swept() -> String {
    slipped(&[
        (
            "SELECT method, AVG(exact) AS accuracy",
            "SELECT degree, lr, AVG(exact) AS accuracy",
        ),
        ("GROUP BY method", "GROUP BY degree, lr"),
        (
            "from = [\"answers\"]",
            "from = [\"answers\"]\nper = [\"method\"]",
        ),
        ("x = \"method\"", "x = \"degree\"\ncolor = \"method\""),
        (
            "seed = { \"model.seed\" = [0, 1] }",
            "arms = { \"graphs.degree\" = [2, 3] }\n\
             rate = { \"model.optimizer.lr\" = [1e-3, 3e-3] }",
        ),
    ])
}

#[test]
fn a_column_that_another_problem_leaves_unknown_is_not_said_to_be_missing() {
    let right = swept();
    assert_eq!(problems(&right), []);
    for (from, to, told) in [
        ("\"graphs.degree\"", "\"graph.degree\"", "no stage `graph`"),
        ("= [2, 3]", "= [2, \"x\"]", "`degree` must be an integer"),
        ("optimizer.lr", "optimizer.rl", "has no key `rl`"),
        ("nodes = 8", "nodes = \"8\"", "`nodes` must be an integer"),
        (
            "per = [\"method\"]",
            "per = [\"methd\"]",
            "the axis `methd`",
        ),
        (
            "per = [\"method\"]",
            "per = [1]",
            "`per` takes names of axes",
        ),
    ] {
        assert_eq!(right.matches(from).count(), 1, "{from}");
        let all = problems(&right.replacen(from, to, 1));
        let all: Vec<String> = all.iter().map(shown).collect();
        assert_eq!(all.len(), 1, "{to}: {all:#?}");
        assert!(all[0].contains(told), "{to}: {all:#?}");
    }
    for set in ["graphs.degree=10", "model.optimizer.lr=1", "graphs.nodes=x"] {
        let request = Request {
            set: vec![set.to_string()],
            ..Request::default()
        };
        let all = problems_with(&right, &request);
        let all: Vec<String> = all.iter().map(shown).collect();
        assert_eq!(all.len(), 1, "{set}: {all:#?}");
    }
}

#[test]
fn a_missing_column_is_still_told_beside_a_problem_that_has_nothing_to_do_with_it() {
    // No axis sweeps a parameter of the stage with the first problem.
    let text = slipped(&[
        ("train = 400", "train = \"400\""),
        ("SELECT method,", "SELECT metod,"),
    ]);
    let all: Vec<String> = problems(&text).iter().map(shown).collect();
    assert!(all.len() > 1, "{all:#?}");
    assert!(all[1].contains("no column `metod`"), "{all:#?}");
}

#[test]
fn an_override_of_an_unknown_stage_is_one_problem() {
    // The axis reaches the stage that is read only by the override.
    let text = r#"
[stage.made]
kind = "command"
args = ["true"]
params = { v = 1 }
outputs.t = { path = "t.csv", type = "table", columns = { x = "int" } }

[stage.other]
kind = "command"
args = ["true"]
params = { w = 1 }
outputs.t = { path = "t.txt", type = "file" }

[stage.sums]
kind = "aggregate"
from = "made"
sql = "SELECT size, SUM(x) AS x FROM made GROUP BY size"

[axes]
size = { "other.params.w" = [1, 2] }

[[override]]
when = { size = 2 }
set = { made.params.v = 2 }
"#;
    assert_eq!(problems(text), []);
    let all = problems(&text.replace("{ made.params", "{ mad.params"));
    let all: Vec<String> = all.iter().map(shown).collect();
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all[0].contains("there is no stage `mad`"), "{all:#?}");
}

#[test]
fn a_value_over_an_included_stage_that_an_axis_sweeps_is_warned_of_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let base = PIPELINE.replace(
        "seed = {",
        "rate = { \"model.optimizer.lr\" = [1e-3, 3e-3] }\nseed = {",
    );
    // The file that declares a stage may give what an axis of its own sweeps.
    let base = base.replace("batch = 16", "batch = 16\nseed = 7");
    fs::write(folder.path().join("base.toml"), base).unwrap();
    let warned = |above: &str| -> Vec<String> {
        let file = folder.path().join("x.toml");
        fs::write(&file, format!("include = 'base.toml'\n{above}")).unwrap();
        let read = read(&file, &Request::default(), &etude::stages::registry());
        read.unwrap().warnings.iter().map(shown).collect()
    };
    let told = |parameter: &str, axis: &str, value: &str| {
        format!(
            "[{value}] this value of `{parameter}` is not used: the axis `{axis}` sets it for every job: leave it out, or \
             write the axis `{axis}` again in this file with the values that it should have"
        )
    };
    assert_eq!(
        warned("[stage.model]\nseed = 3\nsteps = 10\n"),
        [told("model.seed", "seed", "3")]
    );
    assert_eq!(
        warned("[stage.model.optimizer]\nlr = 5e-4\n"),
        [told("model.optimizer.lr", "rate", "5e-4")]
    );
    for fine in [
        "[stage.model]\nsteps = 10\n",
        // Only some labels of the axis `method` set it.
        "[stage.model]\nobjective = 'reversed'\n",
        "[stage.model]\nseed = 3\n[axes]\nseed = { 'model.seed' = [4, 5] }\n",
    ] {
        assert_eq!(warned(fine), Vec::<String>::new(), "{fine}");
    }
}

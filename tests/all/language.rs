//! The language, by what it says of mistakes.

use std::fs;

use etude::pipeline::{Problem, Request, read};

use crate::toys::Bench;

fn shown(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| {
        let place = match &problem.span {
            Some(span) => {
                let (line, column) = span.line_column();
                let text = &span.source.text[span.range.clone()];
                let text = text.lines().next().unwrap_or_default();
                format!("{line}:{column} [{text}]")
            }
            None => "-".into(),
        };
        let help = problem
            .help
            .as_ref()
            .map(|help| format!("\n    help: {help}"));
        format!("{place} {problem}{}", help.unwrap_or_default())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn toy(text: &str) -> String {
    let bench = Bench::new();
    match bench.read(text, &Request::default()) {
        Ok(_) => "fine".into(),
        Err(problems) => shown(&problems),
    }
}

fn real(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    match read(&file, &Request::default(), &etude::stages::registry()) {
        Ok(_) => "fine".into(),
        Err(problems) => shown(&problems),
    }
}

#[test]
fn ten_mistakes_give_ten_problems_each_at_its_place() {
    let text = r#"
name = "mistakes"
[stage.graphs]
kind        = "path-star"
degre       = 2
path_length = 4
nodes       = 16
train       = 1000
test        = 100
degree      = 2

[stage.model]
kind         = "train"
data         = "graph"
architecture = { kind = "transformer", layers = "two", width = 64, heads = 4 }
objective    = "next-tokn"
batch        = 0
steps        = 100

[stage.answers]
kind  = "decode"
model = "graphs"
data  = "graphs"

[stage.accuracy]
kind = "agregate"
from = "answers"
sql  = "SELECT 1"

[axes]
seed   = { "modle.seed" = [0, 1] }
size   = { "graphs.nodes" = [16, 20], "graphs.degree" = [2] }
method = { plain = {}, reversed = { model.objective = "revrsed" } }

[[override]]
when = { method = "reverse" }
set  = { model.steps = 200 }
"#;
    insta::assert_snapshot!(real(text), @r#"
    5:1 [degre] `path-star` has no parameter `degre`
        help: did you mean `degree`? The keys are `degree`, `path_length`, `nodes`, `train`, `test`, `seed`, `per`, `resources`, `retry`, `keep`
    14:16 ["graph"] there is no stage `graph`
        help: did you mean `graphs`? The stages are `graphs`, `model`, `answers`, `accuracy`
    15:49 ["two"] `architecture.layers` must be an integer, not a string
    16:16 ["next-tokn"] `objective` cannot be of kind `next-tokn`
        help: did you mean `next-token`? The kinds are `next-token`, `reversed`, `teacherless`, `multi-token`, `token-order`, `bag-of-words`, `hybrid`, `masked`, `first-step`
    17:16 [0] `batch` must be at least 1
        help: Examples that are read before gradients are added up.
    22:9 ["graphs"] `decode.model` needs a model; `graphs` gives a dataset
    26:8 ["agregate"] there is no kind `agregate`
        help: did you mean `aggregate`? The kinds are `aggregate`, `claim`, `decode`, `path-star`, `plot`, `table`, `train`
    31:12 ["modle.seed"] there is no stage `modle`
        help: did you mean `model`? The stages are `graphs`, `model`, `answers`, `accuracy`
    32:39 ["graphs.degree"] lists of one axis move together, but `graphs.degree` has 1 values and `graphs.nodes` has 2
        help: make them equally long, or make them two axes to combine every value with every other
    33:55 ["revrsed"] `objective` cannot be of kind `revrsed`
        help: did you mean `reversed`? The kinds are `next-token`, `reversed`, `teacherless`, `multi-token`, `token-order`, `bag-of-words`, `hybrid`, `masked`, `first-step`
    36:19 ["reverse"] the axis `method` has no label `reverse`
        help: did you mean `reversed`? The labels are `plain`, `reversed`
    "#);
}

#[test]
fn syntax_errors_are_told_all_at_once() {
    insta::assert_snapshot!(toy("name = \n[stage.n\nkind = 'number'\nvalue = 1.2.3\n"), @"
    1:8 [] this is not TOML: string values must be quoted, expected literal string
    1:8 [] `name` must not be empty
    2:9 [] this is not TOML: unclosed table, expected `]`
    4:1 [value] a pipeline has no key `value`
        help: the keys are `name`, `about`, `include`, `stage`, `axes`, `override`, `exclude`, `profile`
    ");
}

#[test]
fn a_value_that_cannot_be_read_is_one_problem() {
    let text = "[stage.n]\nkind = 'number'\nvalue = 99999999999999999999\nby = 2020-01-01\n";
    insta::assert_snapshot!(toy(text), @"
    3:9 [99999999999999999999] this integer does not fit into 64 bits
    4:6 [2020-01-01] dates and times are not part of the language
        help: put it in quotes if it is text
    ");
}

#[test]
fn a_circle_is_shown_as_a_path() {
    let text = "
        [stage.a]
        kind = 'times'
        of = 'c'
        [stage.b]
        kind = 'times'
        of = 'a'
        [stage.c]
        kind = 'times'
        of = 'b'
    ";
    insta::assert_snapshot!(toy(text), @"2:16 [a] stages read each other in a circle: a ← c ← b ← a");
}

#[test]
fn patches_that_clash_or_reach_nothing_are_refused() {
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.t]
        kind = 'times'
        of = 'n'
        [stage.s]
        kind = 'sum'
        of = 't'
        per = ['z']
        [axes]
        x = { 'n.value' = [1, 2] }
        y = { a = { n.value = 3 }, b = {} }
        nothing = { a = {}, b = {} }
        [[exclude]]
        when = { x = [1, 5] }
        [profile.p]
        set = { n.value = 3, t.of = 'n' }
        keep = { x = 9 }
    ";
    insta::assert_snapshot!(toy(text), @"
    11:16 ['z'] the axis `z` does not reach the inputs of `s`
        help: the axes that do are `x`, `y`
    14:23 [value] the axes `x` and `y` both set `n.value`
        help: two patches of one instance must not set the same parameter; make them one axis or use an override
    15:9 [nothing] the axis `nothing` reaches nothing: it sets no parameter
    17:26 [5] the axis `x` has no label `5`
        help: the labels are `1`, `2`
    19:19 [value] this profile sets `n.value`, which the axis `x` sweeps
        help: to take one value of it, keep one label: `keep = { x = … }` or --where x=…
    19:32 [of] `t.of` cannot be patched: it is not a parameter
        help: declare another stage instead
    20:22 [9] the axis `x` has no label `9`
        help: the labels are `1`, `2`
    ");
}

#[test]
fn what_matches_nothing_was_meant_for_something_else() {
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.m]
        kind = 'number'
        value = 0
        [axes]
        x = { 'n.value' = [1, 2] }
        y = { 'm.value' = [1, 2] }
        [[exclude]]
        when = { x = 1, y = 2 }
    ";
    insta::assert_snapshot!(toy(text), @"
    12:16 [{ x = 1, y = 2 }] this exclude matches nothing
        help: no stage lies on all of these axes
    ");
}

#[test]
fn values_inside_axes_overrides_and_profiles_keep_their_places() {
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [axes]
        x = { 'n.value' = [1, 'two'] }
        [[override]]
        when = { x = 1 }
        set = { n.by = 0 }
        [profile.p]
        set = { n.fails = 'no' }
    ";
    insta::assert_snapshot!(toy(text), @"
    6:31 ['two'] `value` must be an integer, not a string
    9:24 [0] `by` must be at least 1
        help: What the number is divided by; whole division, so several numbers give the same result.
    11:27 ['no'] `fails` must be a boolean, not a string
    ");
}

#[test]
fn columns_are_checked_before_anything_runs() {
    let text = r#"
[stage.graphs]
kind        = "path-star"
degree      = 2
path_length = 4
nodes       = 16
train       = 1000
test        = 100

[stage.model]
kind         = "train"
data         = "graphs"
architecture = "transformer"
objective    = "next-token"
steps        = 100

[stage.answers]
kind  = "decode"
model = "model"
data  = "graphs"

[stage.accuracy]
kind = "aggregate"
from = "answers"
sql  = """
  SELECT method, AVG(exat) AS accuracy
  FROM answers GROUP BY method
"""

[stage.fine]
kind = "aggregate"
from = "answers"
sql  = "SELECT graph, AVG(exact) AS accuracy FROM answers GROUP BY graph"

[stage.figure]
kind = "plot"
from = "fine"
mark = "bar"
x    = "graf"
y    = { field = "accuracy", error = "ci" }

[stage.claim]
kind  = "claim"
from  = "fine"
says  = "At chance."
holds = "accuracy < 1.0 / degree AND acuracy > 0"

[axes]
graph = { small = {}, large = { graphs.degree = 3 } }
"#;
    insta::assert_snapshot!(real(text), @r#"
    26:10 [method] no column `method`
        help: columns: example, exact, degree, graph
    26:22 [exat] no column `exat`
        help: did you mean `exact`? (columns: example, exact, degree, graph)
    39:8 ["graf"] there is no column `graf`
        help: did you mean `graph`? the columns are `graph`, `accuracy`, `degree`
    40:38 ["ci"] there is no column `ci`
        help: the columns are `graph`, `accuracy`, `degree`
    46:9 ["accuracy < 1.0 / degree AND acuracy > 0"] there is no column `acuracy`
        help: did you mean `accuracy`? the columns are `graph`, `accuracy`, `degree`
    "#);
}

#[test]
fn includes_merge_and_a_circle_of_them_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "base.toml",
        "[stage.n]\nkind = 'number'\nvalue = 1\nby = 2\n[axes]\nx = { 'n.value' = [1] }",
    );
    write(
        "top.toml",
        "include = 'base.toml'\n[stage.n]\nvalue = 3\n[axes]\nx = { 'n.by' = [1, 2] }",
    );
    let registry = crate::toys::registry();
    let top = folder.path().join("top.toml");
    let pipeline = read(&top, &Request::default(), &registry).unwrap();
    assert_eq!(pipeline.name, "top");
    let values: Vec<_> = pipeline.stages[0]
        .instances
        .iter()
        .map(|i| i.parameters.full().to_string())
        .collect();
    assert_eq!(
        values,
        [
            r#"{"value":3,"by":1,"fails":false}"#,
            r#"{"value":3,"by":2,"fails":false}"#
        ]
    );
    write("base.toml", "include = ['top.toml', 'none.toml']");
    let problems = read(&top, &Request::default(), &registry).unwrap_err();
    let text = shown(&problems).replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(text, @"
    1:12 ['top.toml'] files include each other in a circle: top.toml → base.toml → top.toml
    1:24 ['none.toml'] cannot read FOLDER/none.toml: No such file or directory (os error 2)
    2:8 [n] the stage `n` needs a `kind`
        help: the kinds are `cards`, `count`, `flaky`, `noted`, `number`, `picture`, `stubborn`, `sum`, `texts`, `times`
    ");
}

#[test]
fn what_the_command_line_says_is_checked_like_the_file() {
    let bench = Bench::new();
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [axes]
        x = { 'n.value' = [1, 2] }
    ";
    let request = Request {
        profile: Some("smoke".into()),
        set: vec![
            "n.by=fast".into(),
            "m.by=1".into(),
            "n.value=3".into(),
            "by".into(),
        ],
        keep: vec!["x=1,y=2".into(), "x=3".into()],
        ..Request::default()
    };
    insta::assert_snapshot!(shown(&bench.read(text, &request).unwrap_err()), @"
    1:1 [m] there is no stage `m`
        help: the stages are `n`
    1:1 [by] a setting is written stage.parameter=value
    1:3 [value] this setting sets `n.value`, which the axis `x` sweeps
        help: to take one value of it, keep one label: `keep = { x = … }` or --where x=…
    1:6 [fast] `by` must be an integer, not a string
    1:1 [x=3] the axis `x` has no label `3`
        help: the labels are `1`, `2`
    1:5 [y=2] there is no axis `y`
        help: the axes are `x`
    - there is no profile `smoke`
        help: there are no profiles
    ");
    let pipeline = bench.read(text, &Request::default()).unwrap();
    let selectors = ["n[x=1]", "n[x=4]", "m", "n[x=1", "n[z=1]"].map(String::from);
    insta::assert_snapshot!(shown(&pipeline.select(&selectors).unwrap_err()), @"
    1:1 [m] there is no stage `m`
        help: the stages are `n`
    1:1 [n[x=1] the bracket of this selector is not closed
        help: write stage[axis=label,axis=label]
    1:3 [x=4] the axis `x` has no label `4`
        help: the labels are `1`, `2`
    1:3 [z=1] there is no axis `z`
        help: the axes are `x`
    ");
}

#[test]
fn the_examples_of_the_design_are_read() {
    let text = r#"
name  = "clever-hans"
about = "Teacher forcing cannot learn the first step of a path-star graph; reversed targets can."

[stage.graphs]
kind        = "path-star"
degree      = 2
path_length = 5
nodes       = 50
train       = 200_000
test        = 20_000

[stage.model]
kind         = "train"
data         = "graphs"
architecture = { kind = "transformer", layers = 6, width = 384, heads = 6 }
objective    = "next-token"
optimizer    = { kind = "adamw", lr = 1e-4 }
batch        = 256
epochs       = 100
seed         = 0

[stage.answers]
kind  = "decode"
model = "model"
data  = "graphs"

[stage.accuracy]
kind = "aggregate"
from = "answers"
sql  = """
  SELECT graph, method, AVG(exact) AS accuracy, ci95(exact) AS ci
  FROM answers GROUP BY graph, method
"""

[stage.figure]
kind  = "plot"
from  = "accuracy"
mark  = "bar"
x     = "graph"
y     = { field = "accuracy", error = "ci", title = "exact-path accuracy" }
color = "method"

[stage.at-chance]
kind  = "claim"
from  = "accuracy"
says  = "Next-token prediction stays at 1/degree."
where = "method = 'next-token'"
holds = "ABS(accuracy - 1.0 / degree) < 0.05"

[axes]
seed   = { "model.seed" = [0, 1, 2, 3, 4] }
graph  = { "G(2,5)"  = { graphs.degree = 2 }, "G(5,5)" = { graphs.degree = 5 } }
method = { next-token = {}, reversed = { model.objective = "reversed" }, teacherless = { model.objective = "teacherless" } }

[[override]]
when = { method = "teacherless" }
set  = { model.epochs = 200 }

[[exclude]]
when = { graph = "G(5,5)", method = "teacherless" }

[profile.smoke]
set  = { graphs.train = 2_000, graphs.test = 200, model.epochs = 1 }
keep = { seed = [0] }
"#;
    assert_eq!(real(text), "fine");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let pipeline = read(&file, &Request::default(), &etude::stages::registry()).unwrap();
    let plan = etude::plan::Plan::unroll(pipeline, &[]);
    insta::assert_snapshot!(etude::report::graph::text(&plan), @"
    graphs     path-star  2 jobs (graph)
    model      train      25 jobs (seed, graph, method)  ← graphs
    answers    decode     25 jobs (seed, graph, method)  ← model, graphs
    accuracy   aggregate  1 job                          ← answers
    figure     plot       1 job                          ← accuracy
    at-chance  claim      1 job                          ← accuracy
    ");
    insta::assert_snapshot!(etude::report::graph::dot(&plan), @r#"
    digraph {
        0 [ label = "graphs\lpath-star\l2 jobs (graph)" shape = box style = rounded]
        1 [ label = "model\ltrain\l25 jobs (seed, graph, method)" shape = box style = rounded]
        2 [ label = "answers\ldecode\l25 jobs (seed, graph, method)" shape = box style = rounded]
        3 [ label = "accuracy\laggregate\l1 job" shape = box style = rounded]
        4 [ label = "figure\lplot\l1 job" shape = box style = rounded]
        5 [ label = "at-chance\lclaim\l1 job" shape = box style = rounded]
        0 -> 1 [ label = "data" ]
        1 -> 2 [ label = "model" ]
        0 -> 2 [ label = "data" ]
        2 -> 3 [ label = "from" ]
        3 -> 4 [ label = "from" ]
        3 -> 5 [ label = "from" ]
    }
    "#);
    let smoke = Request {
        profile: Some("smoke".into()),
        ..Request::default()
    };
    let pipeline = read(&file, &smoke, &etude::stages::registry()).unwrap();
    assert_eq!(pipeline.stages[1].instances.len(), 5);
    assert_eq!(
        pipeline.stages[1].instances[4].parameters.full()["epochs"],
        1
    );
}

#[test]
fn a_broken_axis_is_one_problem_and_hides_no_other() {
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.t]
        kind = 'times'
        of = 'n'
        facter = 3
        [stage.s]
        kind = 'sum'
        of = 't'
        per = ['x']
        [axes]
        x = { 'n.value' = [1, 2], 'n.by' = [1] }
        [[override]]
        when = { x = 1 }
        set = { t.factor = 5 }
    ";
    insta::assert_snapshot!(toy(text), @"
    8:9 [facter] `times` has no parameter `facter`
        help: did you mean `factor`? The keys are `factor`, `of`, `per`, `resources`, `retry`, `keep`
    14:35 ['n.by'] lists of one axis move together, but `n.by` has 1 values and `n.value` has 2
        help: make them equally long, or make them two axes to combine every value with every other
    ");
}

#[test]
fn what_is_excluded_takes_with_it_what_reads_it() {
    let bench = Bench::new();
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.s]
        kind = 'sum'
        of = 'n'
        [axes]
        x = { 'n.value' = [1, 2] }
        [[exclude]]
        when = { x = [1, 2] }
    ";
    let pipeline = bench.read(text, &Request::default()).unwrap();
    let problems = pipeline.select(&["n[x=1]".into()]).unwrap_err();
    insta::assert_snapshot!(shown(&problems), @"
    - `n[x=1]` selects no job
        help: what it names is excluded, or not kept by the profile or --where
    ");
    assert!(etude::plan::Plan::unroll(pipeline, &[]).jobs.is_empty());
}

#[test]
fn files_that_parameters_name_are_looked_for_before_anything_runs() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.folder.path().join("empty")).unwrap();
    std::fs::write(bench.folder.path().join("there"), "text").unwrap();
    let text = "
        [stage.gone]
        kind = 'texts'
        text = { path = 'data/none' }
        [stage.nothing]
        kind = 'texts'
        text = { path = '' }
        [stage.swept]
        kind = 'texts'
        text.path = 'there'
        [axes]
        which = { 'swept.text.path' = ['there', '/nowhere/at/all'] }
        [profile.elsewhere]
        set = { gone.text.path = 'not-on-this-machine' }
    ";
    let request = Request {
        root: bench.folder.path().to_path_buf(),
        ..Request::default()
    };
    insta::assert_snapshot!(shown(&bench.read(text, &request).unwrap_err()), @"
    4:25 ['data/none'] there is nothing at `data/none`
        help: a path is taken from the project's root, unless it is absolute
    7:25 [''] `text.path` must name a path
        help: a path is taken from the project's root, unless it is absolute
    12:49 ['/nowhere/at/all'] there is nothing at `/nowhere/at/all`
        help: a path is taken from the project's root, unless it is absolute
    ");
    let kept = Request {
        keep: vec!["which=there".into()],
        ..request
    };
    let text = text
        .replace("data/none", "there")
        .replace("path = ''", "path = 'there'");
    assert!(bench.read(&text, &kept).is_ok());
    let empty = text.replace("text.path = 'there'", "text.path = 'empty'");
    let problems = bench.read(&empty, &kept).map(drop);
    assert!(problems.is_ok(), "the axis is laid over it: {problems:#?}");
    let empty = text.replace("path = 'there' }", "path = 'empty' }");
    let problems = bench.read(&empty, &kept).unwrap_err();
    assert!(
        problems[0]
            .message
            .ends_with("it is a directory without a file")
    );
}

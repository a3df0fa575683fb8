//! The language, by what it says of mistakes.

use std::fs;
use std::path::Path;

use etude::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, Kind, ParamError, Port, PortSyntax, Problem,
    Registry, Request, Stage, Stop, TableShape, read,
};

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
        help: did you mean `degree`? The keys are `degree`, `path_length`, `nodes`, `train`, `test`, `validation`, `seed`, `edges`, `direction`, `question`, `query`, `labels`, `spread`, `per`, `resources`, `retry`, `keep`
    14:16 ["graph"] there is no stage `graph`
        help: did you mean `graphs`? The stages are `graphs`, `model`, `answers`, `accuracy`
    15:49 ["two"] `architecture.layers` must be an integer, not a string
    16:16 ["next-tokn"] `objective` cannot be of kind `next-tokn`
        help: did you mean `next-token`? The kinds are `next-token`, `reversed`, `teacherless`, `multi-token`, `token-order`, `bag-of-words`, `hybrid`, `masked`, `first-step`
    17:16 [0] `batch` must be at least 1
        help: Examples that are read before gradients are added up.
    22:9 ["graphs"] `decode.model` needs a model; `graphs` gives a dataset
    26:8 ["agregate"] there is no kind `agregate`
        help: did you mean `aggregate`? The kinds are `aggregate`, `attention`, `chess-mate`, `claim`, `command`, `creativity`, `dataset`, `decode`, `document`, `export`, `in-weights`, `numbers`, `paired`, `path-star`, `plot`, `probe`, `sibling-discovery`, `table`, `train`, `walk`
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
    1:1 [name =] `name` has no value
        help: write a value after `=`, or leave the line out
    2:1 [[stage.n] this header of a table cannot be read
        help: write `[stage.n]` alone on a line
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
    insta::assert_snapshot!(toy(text), @"
    2:16 [a] stages read each other in a circle: a ← c ← b ← a
        help: a stage can only read stages that do not read it; let one of them read another
    ");
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
        help: one job would get two values for it; make the two axes one, or use an override for the exception
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
    27:25 [method] no column `method`
        help: columns: example, exact, degree, graph, accuracy
    39:8 ["graf"] there is no column `graf`
        help: did you mean `graph`? the columns are `graph`, `accuracy`, `degree`
    40:38 ["ci"] there is no column `ci`
        help: the columns are `graph`, `accuracy`, `degree`
    46:38 [acuracy] no column `acuracy`
        help: did you mean `accuracy`? (columns: graph, accuracy, degree)
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
fn the_profile_named_default_is_laid_where_none_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    let text = "
        [stage.graphs]
        kind = 'path-star'
        degree = 2
        path_length = 5
        nodes = 50
        train = 200_000
        test = 20_000
        [axes]
        seed = { 'graphs.seed' = [0, 1, 2] }
        [profile.default]
        set = { graphs.train = 1_000 }
        keep = { seed = [0] }
        [profile.paper]
    ";
    fs::write(&file, text).unwrap();
    let of = |profile: Option<&str>| {
        let request = Request {
            profile: profile.map(str::to_owned),
            ..Request::default()
        };
        let pipeline = read(&file, &request, &etude::stages::registry()).unwrap();
        let graphs = &pipeline.stages[0].instances;
        let train = graphs[0].parameters.full()["train"].clone();
        (graphs.len(), train.as_u64().unwrap())
    };
    assert_eq!(of(None), (1, 1_000));
    assert_eq!(of(Some("default")), (1, 1_000));
    assert_eq!(of(Some("paper")), (3, 200_000));
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

/// A number, swept as it says.
fn swept(axes: &str) -> String {
    format!("[stage.n]\nkind = 'number'\nvalue = 0\n[axes]\n{axes}\n")
}

/// What a person is shown of problems.
fn printed(text: &str) -> String {
    let bench = Bench::new();
    let problems = bench.read(text, &Request::default()).unwrap_err();
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let handler = miette::GraphicalReportHandler::new_themed(theme);
    let mut all = String::new();
    for problem in &problems {
        handler.render_report(&mut all, problem).unwrap();
    }
    all.replace(&bench.folder.path().display().to_string(), "FOLDER")
}

#[test]
fn what_is_nested_too_deeply_is_a_problem_not_a_crash() {
    let deep = 100_000;
    for text in [
        format!("a = {}", "[".repeat(deep)),
        format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("a = {}1{}", "{a=".repeat(deep), "}".repeat(deep)),
        format!("a{} = 1", ".a".repeat(deep)),
        format!("[a{}]\nb = 1", ".a".repeat(deep)),
        format!("[[a{}]]\nb = 1", ".a".repeat(deep)),
        format!("a = {{ a{} = 1 }}", ".a".repeat(deep)),
    ] {
        let told = toy(&text);
        let is_told = told.contains("this is not TOML") || told.contains("is not closed");
        assert!(is_told, "{}", &text[..20]);
    }
    // A key in quotes holds its dots for us to read.
    let path = format!("n{}", ".a".repeat(deep));
    for text in [
        swept(&format!("x = {{ '{path}' = [1] }}")),
        swept(&format!(
            "x = {{ 'n.value' = [1] }}\n[profile.p]\nset = {{ '{path}' = 1 }}"
        )),
    ] {
        let said = toy(&text);
        assert!(
            said.contains("this path has 100 001 keys\n    help: at most 50"),
            "{said:.300}"
        );
    }
    let request = Request {
        set: vec![format!("{path}=1"), format!("'{path}'=1")],
        ..Request::default()
    };
    let problems = Bench::new().read(&swept("x = { 'n.value' = [1] }"), &request);
    assert_eq!(problems.unwrap_err().len(), 2);
}

#[test]
fn a_sweep_that_is_too_large_is_refused_before_it_is_made() {
    let thousand = (0..1000)
        .map(|i| i.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let text = format!(
        "[stage.n]\nkind = 'number'\nvalue = 0\n[stage.t]\nkind = 'times'\nof = 'n'\n[stage.all]\nkind = 'sum'\nof = 't'\n\
         [axes]\nx = {{ 'n.value' = [{thousand}] }}\ny = {{ 't.factor' = [{thousand}] }}\nz = {{ 'n.by' = {{ range = [1, 1001] }} }}\n"
    );
    insta::assert_snapshot!(toy(&text), @"
    4:8 [t] this sweep has 1 000 000 000 instances of `t`; at most 1 000 000
        help: `x` has 1 000 labels, `y` has 1 000 labels, `z` has 1 000 labels; take fewer, or make axes that move together one axis of lists of one length
    ");
    insta::assert_snapshot!(toy(&swept("x = { 'n.value' = { range = [0, 1e18] } }")), @"5:29 [[0, 1e18]] `range` has 1 000 000 000 000 000 000 values; at most 1 000 000");
    insta::assert_snapshot!(toy(&swept("x = { 'n.value' = { range = [0, 1000001] } }")), @"5:29 [[0, 1000001]] `range` has 1 000 001 values; at most 1 000 000");
    insta::assert_snapshot!(toy(&swept("x = { 'n.value' = { range = [-1e308, 1e308] } }")), @"5:29 [[-1e308, 1e308]] `range` has more than 10^18 values; at most 1 000 000");
    insta::assert_snapshot!(toy(&swept("x = { 'n.value' = { uniform = [0, 1], draws = 1_000_000_000 } }")), @"5:31 [[0, 1]] `draws` is 1 000 000 000; at most 1 000 000");
    // Few of both, but each of one reads each of the other.
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.m]
        kind = 'number'
        value = 0
        [stage.all]
        kind = 'sum'
        of = ['n', 'm']
        per = 'y'
        [axes]
        x = { 'n.value' = { range = [0, 20_000] } }
        y = { 'm.value' = { range = [0, 1000] } }
    ";
    insta::assert_snapshot!(toy(text), @"
    - this pipeline has 22 000 jobs that read 20 001 000 artifacts; at most 10 000 000 of both
        help: sweep less, or in several pipelines
    ");
}

#[test]
fn more_stages_axes_or_bytes_than_people_write_are_refused() {
    let stages = (0..10_001).map(|n| format!("[stage.n{n}]\nkind = 'number'\nvalue = 1\n"));
    insta::assert_snapshot!(toy(&stages.collect::<String>()), @"30001:8 [n10000] this pipeline has 10 001 stages; at most 10 000");
    let axes = (0..65).map(|n| format!("x{n} = {{ 'n.k{n}' = [1] }}\n"));
    insta::assert_snapshot!(toy(&swept(&axes.collect::<String>())), @"69:1 [x64] this pipeline has 65 axes; at most 64");
    let large = toy(&format!("# {}", "x".repeat(65 << 20)));
    assert!(large.ends_with("it has more than 64 MiB"), "{large:.300}");
}

#[cfg(unix)]
#[test]
fn what_is_no_plain_file_is_neither_waited_for_nor_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let large = folder.path().join("large");
    // It takes no room: there is a hole in it.
    let file = fs::File::create(&large).unwrap();
    file.set_len(1 << 40).unwrap();
    for (path, why) in [
        (pipe.as_path(), "neither a plain file nor a folder"),
        (Path::new("/dev/zero"), "neither a plain file nor a folder"),
        (folder.path(), "it is a folder"),
        (large.as_path(), "it has more than 64 MiB"),
    ] {
        let said = toy(&format!("include = '{}'", path.display()));
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn what_is_said_of_long_words_is_short() {
    let long = "l".repeat(10_000_000);
    for text in [
        format!("[stage.{long}]\nkind = 'number'\nvalue = 1"),
        format!("[stage.n]\nkind = '{long}'"),
        format!("[stage.n]\nkind = 'number'\nvalue = '{long}'"),
        format!("[stage.n]\nkind = 'number'\nvalue = 1\n{long} = 1"),
        format!("[stage.n]\nkind = 'times'\nof = '{long}'"),
        format!("name = '{long}'"),
        format!("{long} = 1"),
        format!("a = 1 {long}"),
        format!("include = '{long}'"),
        swept(&format!("{long} = {{ 'n.value' = [1] }}")),
        swept(&format!("x = {{ 'n.{long}' = [1] }}")),
        swept(&format!("x = {{ 'n.value' = ['{long}'] }}")),
        swept(&format!("x = {{ {long} = {{ n.value = 1 }} }}")),
        swept(&format!(
            "x = {{ 'n.value' = [1] }}\n[[exclude]]\nwhen = {{ x = '{long}' }}"
        )),
    ] {
        let said = printed(&text);
        assert!(
            said.len() < 20_000,
            "{} bytes of {}",
            said.len(),
            &text[..20]
        );
    }
    // Of a long line, what stands around the place.
    let keys = (0..5000).map(|n| format!("e{n} = 1, "));
    let wide = format!(
        "[stage.n]\nkind = 'number'\nvalue = 1\nother = {{ {}bad = 1e999 }}",
        keys.collect::<String>()
    );
    let said = printed(&wide);
    assert!(said.contains("e4999 = 1, bad = 1e999 }"), "{said}");
    assert!(said.contains("toy.toml:4:53907"), "{said}");
    assert!(said.len() < 2000, "{said}");
}

#[test]
fn thousands_of_mistakes_are_all_told_each_at_its_place() {
    let lines = (0..5000).map(|n| format!("key{n} = 1\n"));
    let text = format!(
        "[stage.n]\nkind = 'number'\nvalue = 1\n{}",
        lines.collect::<String>()
    );
    let problems = Bench::new().read(&text, &Request::default()).unwrap_err();
    assert_eq!(problems.len(), 5000);
    for (n, problem) in problems.iter().enumerate() {
        assert_eq!(
            problem.message,
            format!("`number` has no parameter `key{n}`")
        );
        assert_eq!(problem.span.as_ref().unwrap().line_column(), (n + 4, 1));
    }
    // One mistake that a hundred thousand instances have is one.
    let text = swept(
        "x = { 'n.value' = { range = [0, 100_000] } }\n[[override]]\nwhen = { x = [1, 2] }\nset = { n.by = 0 }",
    );
    insta::assert_snapshot!(toy(&text), @"
    8:16 [0] `by` must be at least 1
        help: What the number is divided by; whole division, so several numbers give the same result.
    ");
}

#[test]
fn a_million_values_are_read() {
    let numbers = |count: usize| {
        (0..count)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let text = swept(&format!("x = {{ 'n.value' = [{}] }}", numbers(200_000)));
    let pipeline = Bench::new().read(&text, &Request::default()).unwrap();
    assert_eq!(pipeline.stages[0].instances.len(), 200_000);
    let text = format!(
        "[stage.n]\nkind = 'number'\nvalue = [{}]",
        numbers(1_000_000)
    );
    assert!(toy(&text).ends_with("`value` must be an integer, not a list"));
    let text = swept(&format!(
        "x = {{ 'n.value' = [{}] }}",
        vec!["7"; 1_000_000].join(",")
    ));
    insta::assert_snapshot!(toy(&text), @"
    5:1 [x] the axis `x` has `7` twice
        help: every label stands once; a range has each integer once, and of few values fewer draws differ
    ");
}

#[test]
fn names_that_are_no_names_are_refused_and_strange_labels_written_out() {
    for name in [
        "a/b",
        "..",
        "a b",
        "",
        "a\\u0000",
        "a\\u001b[31m",
        "-a",
        "a.b\\u202e",
    ] {
        let said = toy(&format!("[stage.\"{name}\"]\nkind = 'number'\nvalue = 1"));
        assert!(said.contains("cannot name a stage"), "{name}: {said}");
        // A terminal does what such characters say.
        assert!(!said.contains(['\u{1b}', '\0']), "{said}");
        let said = toy(&swept(&format!("\"{name}\" = {{ 'n.value' = [1] }}")));
        assert!(said.contains("cannot name an axis"), "{name}: {said}");
    }
    for (name, why) in [
        ("", "must not be empty"),
        ("a\\nb", "visible text"),
        ("a\\u0000", "visible text"),
        ("\\u001b[2J", "visible text"),
    ] {
        let said = toy(&format!(
            "name = \"{name}\"\n{}",
            swept("x = { 'n.value' = [1] }")
        ));
        assert!(said.contains(why), "{name}: {said}");
    }
    let said = toy(&swept(
        "x = { \"a\\u0000\" = { n.value = 1 }, \" b\" = { n.value = 2 } }",
    ));
    assert_eq!(
        said.matches("a label must be visible text").count(),
        2,
        "{said}"
    );

    // A text that is swept may be anything; its label stays on one line.
    let folder = tempfile::tempdir().unwrap();
    let mut request = Request {
        root: folder.path().to_path_buf(),
        ..Request::default()
    };
    let text = "[stage.t]\nkind = 'texts'\ntext.path = '.'\n[axes]\nx = { 't.text.path' = [\"a\\nb\", \"../\\u001b\"] }\n";
    request.keep = vec!["x=none".into()];
    insta::assert_snapshot!(shown(&Bench::new().read(text, &request).unwrap_err()[..1]), @r#"
    1:1 [x=none] the axis `x` has no label `none`
        help: the labels are `a\nb`, `../\u{1b}`
    "#);
}

#[test]
fn names_that_differ_only_in_case_are_one_name() {
    let text = "
        [stage.Model]
        kind = 'number'
        value = 0
        [stage.model]
        kind = 'number'
        value = 0
        [axes]
        seed = { 'model.value' = [1, 2] }
        SEED = { 'Model.value' = [1, 2] }
    ";
    insta::assert_snapshot!(toy(text), @"
    5:16 [model] `Model` and `model` differ only in case
        help: rename one of them: SQL and many file systems take both for one
    10:9 [SEED] `seed` and `SEED` differ only in case
        help: rename one of them: SQL and many file systems take both for one
    ");
}

#[test]
fn a_label_that_reads_like_two_coordinates_is_refused() {
    let text = swept(
        "x = { '1, y=2' = { n.value = 1 }, 'a, b=c' = { n.value = 2 } }\ny = { 'n.by' = [2, 3] }",
    );
    insta::assert_snapshot!(toy(&text), @"
    5:1 [x] the label `1, y=2` of the axis `x` reads like a place on the axis `y` too
        help: give it another name
    ");
}

#[test]
fn what_instances_share_is_made_once() {
    let text = "
        [stage.n]
        kind = 'number'
        value = 0
        [stage.t]
        kind = 'times'
        of = 'n'
        [axes]
        v = { 'n.value' = { range = [0, 50] } }
        f = { one = {}, two = {}, three = { t.factor = 3 } }
        [[override]]
        when = { v = 7, f = ['one', 'two', 'three'] }
        set = { t.factor = 9 }
        [[exclude]]
        when = { v = 8, f = 'one' }
    ";
    let pipeline = Bench::new().read(text, &Request::default()).unwrap();
    let [numbers, times] = &pipeline.stages[..] else {
        panic!("two stages")
    };
    assert_eq!((numbers.instances.len(), times.instances.len()), (50, 149));
    let different = times.instances.iter();
    let different = different.map(|instance| std::sync::Arc::as_ptr(&instance.parameters).addr());
    let different: std::collections::BTreeSet<usize> = different.collect();
    // Without a factor, with the axis' own, with the override's, and with both.
    assert_eq!(different.len(), 4);
    let factor = |coordinates: &str| {
        let mut all = times.instances.iter();
        let instance = all.find(|i| i.coordinates.to_string() == coordinates);
        instance.unwrap().parameters.full()["factor"].clone()
    };
    assert_eq!(factor("v=6, f=three"), 3);
    assert_eq!(factor("v=7, f=three"), 9);
    assert_eq!(factor("v=7, f=one"), 9);
    assert_eq!(factor("v=8, f=two"), 2);
}

#[test]
fn the_keys_of_real_jobs_stay_what_they_were() {
    // Were one of these to change without a raised version, every cache in the world would be cold.
    let text = r#"
[stage.graphs]
kind        = "path-star"
degree      = 2
path_length = 5
nodes       = 50
train       = 200
test        = 20

[stage.model]
kind         = "train"
data         = "graphs"
architecture = { kind = "transformer", layers = 6, width = 384, heads = 6 }
objective    = "next-token"
optimizer    = { kind = "adamw", lr = 1e-4 }
batch        = 256
epochs       = 100

[stage.answers]
kind  = "decode"
model = "model"
data  = "graphs"

[stage.accuracy]
kind = "aggregate"
from = "answers"
sql  = "SELECT graph, method, degree, AVG(exact) AS accuracy FROM answers GROUP BY graph, method, degree"

[stage.each]
kind = "aggregate"
from = ["answers", "model"]
per  = "graph"
sql  = "SELECT seed, lr, layers, MIN(loss) AS loss FROM model GROUP BY seed, lr, layers"

[stage.figure]
kind  = "plot"
from  = "accuracy"
mark  = "bar"
x     = "graph"
y     = "accuracy"
color = "method"

[stage.at-chance]
kind  = "claim"
from  = "accuracy"
says  = "At chance."
where = "method = 'next-token'"
holds = "accuracy < 1.0 / degree"

[axes]
seed   = { "model.seed" = [0, 1] }
graph  = { "G(2,5)" = { graphs.degree = 2 }, "G(5,5)" = { graphs.degree = 5 } }
method = { next-token = {}, reversed = { model.objective = "reversed" } }
size   = { "model.architecture.layers" = [2, 6], "model.optimizer.lr" = [1e-4, 0.001] }

[[override]]
when = { method = "reversed" }
set  = { model.epochs = 200 }

[[exclude]]
when = { graph = "G(5,5)", method = "reversed" }
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let pipeline = read(&file, &Request::default(), &etude::stages::registry());
    let plan = etude::plan::Plan::unroll(pipeline.unwrap(), &[]);
    insta::assert_snapshot!(crate::engine::keys(&plan), @"
    d30d7978 graphs[graph=G(2,5)]
    6e5cc201 graphs[graph=G(5,5)]
    adbe898f model[seed=0, graph=G(2,5), method=next-token, size=2]
    a60fc1e7 model[seed=0, graph=G(2,5), method=next-token, size=6]
    09369d42 model[seed=0, graph=G(2,5), method=reversed, size=2]
    981d8002 model[seed=0, graph=G(2,5), method=reversed, size=6]
    5d186864 model[seed=0, graph=G(5,5), method=next-token, size=2]
    f14a004f model[seed=0, graph=G(5,5), method=next-token, size=6]
    358e6432 model[seed=1, graph=G(2,5), method=next-token, size=2]
    b8ee9b4a model[seed=1, graph=G(2,5), method=next-token, size=6]
    cf8d2277 model[seed=1, graph=G(2,5), method=reversed, size=2]
    f4f3e565 model[seed=1, graph=G(2,5), method=reversed, size=6]
    6a8ce1bb model[seed=1, graph=G(5,5), method=next-token, size=2]
    b0aabfaa model[seed=1, graph=G(5,5), method=next-token, size=6]
    c43f85d2 answers[seed=0, graph=G(2,5), method=next-token, size=2]
    033d8bd3 answers[seed=0, graph=G(2,5), method=next-token, size=6]
    7b841ce4 answers[seed=0, graph=G(2,5), method=reversed, size=2]
    23ea6ca8 answers[seed=0, graph=G(2,5), method=reversed, size=6]
    f47e6896 answers[seed=0, graph=G(5,5), method=next-token, size=2]
    9aa05d37 answers[seed=0, graph=G(5,5), method=next-token, size=6]
    10e5f02f answers[seed=1, graph=G(2,5), method=next-token, size=2]
    8e453dcb answers[seed=1, graph=G(2,5), method=next-token, size=6]
    60a8b259 answers[seed=1, graph=G(2,5), method=reversed, size=2]
    07ebdbde answers[seed=1, graph=G(2,5), method=reversed, size=6]
    a5272a35 answers[seed=1, graph=G(5,5), method=next-token, size=2]
    0d421036 answers[seed=1, graph=G(5,5), method=next-token, size=6]
    1edab0c2 each[graph=G(2,5)]
    da08b386 each[graph=G(5,5)]
    8a77b697 accuracy
    4bf18056 at-chance
    980c513b figure
    ");
}

/// The jobs of one stage that are left, by their labels.
fn left(axes: &str, keep: &[&str]) -> Result<Vec<String>, String> {
    let request = Request {
        keep: keep.iter().map(ToString::to_string).collect(),
        ..Request::default()
    };
    let text = format!(
        "[stage.p]\nkind = 'command'\nargs = ['true']\nparams = {{ v = 0, w = 0 }}\n\
         outputs.t = {{ path = 't.csv', type = 'table' }}\n[axes]\n{axes}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let pipeline = read(&file, &request, &etude::stages::registry()).map_err(|p| shown(&p))?;
    let instances = pipeline.stages[0].instances.iter();
    Ok(instances.map(|i| i.coordinates.to_string()).collect())
}

#[test]
fn a_label_is_found_however_its_value_is_written() {
    let numbers = "v = { 'p.params.v' = [1e-4, 1e-7, 1, 2.0, -0.5, 1e22] }";
    for (written, label) in [
        ("0.0001", "v=1e-4"),
        ("1E-4", "v=1e-4"),
        ("+1e-04", "v=1e-4"),
        (".0000001", "v=1e-7"),
        ("1.0", "v=1"),
        ("1e0", "v=1"),
        ("2", "v=2.0"),
        ("-.5", "v=-0.5"),
        ("10000000000000000000000", "v=1e22"),
    ] {
        let kept = left(numbers, &[&format!("v={written}")]);
        assert_eq!(kept, Ok(vec![label.to_string()]), "{written}");
    }
    let others = "v = { 'p.params.v' = [[64, 64], [128], { kind = 'adam', lr = 1e-3 }, { b = 1 }, true, 'None', 'a, b', '[', '{x=1'] }";
    for (written, label) in [
        ("[64,64]", "v=64-64"),
        ("[ 64.0 , 64 ]", "v=64-64"),
        ("[128]", "v=128"),
        ("{lr=0.001,kind='adam'}", "v=adam lr=0.001"),
        ("{ b = 1.0 }", "v=b=1"),
        ("True", "v=true"),
        ("\"None\"", "v=None"),
        ("a, b", "v=a, b"),
        ("[", "v=["),
        ("{x=1", "v={x=1"),
    ] {
        let kept = left(others, &[&format!("v={written}")]);
        assert_eq!(kept, Ok(vec![label.to_string()]), "{written}");
    }
    let two = "v = { 'p.params.v' = [[1, 2], [3]] }\nw = { 'p.params.w' = [0.5, 1.0] }";
    let kept = left(two, &["v=[1, 2],w=1", "v=[3.0]"]);
    assert_eq!(kept, Ok(vec!["v=1-2, w=1.0".into(), "v=3, w=1.0".into()]));
}

#[test]
fn conditions_profiles_and_selectors_find_numbers_by_value() {
    let text = "
        [stage.p]
        kind = 'command'
        args = ['true']
        params = { decay = 0, lr = 0.1, beam = 1 }
        outputs.t = { path = 't.csv', type = 'table' }
        [axes]
        decay = { 'p.params.decay' = [0, 0.1, 1.0] }
        lr = { slow = { p.params.lr = 1e-4 }, '0.10' = { p.params.lr = 0.1 } }
        [[override]]
        when = { decay = 1 }
        set = { p.params.beam = 7 }
        [[exclude]]
        when = { decay = 1e-1, lr = 0.1 }
        [profile.small]
        keep = { decay = [0.0, 10e-2] }
    ";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let of = |profile: Option<&str>| {
        let request = Request {
            profile: profile.map(str::to_string),
            ..Request::default()
        };
        read(&file, &request, &etude::stages::registry()).map_err(|p| shown(&p))
    };
    let pipeline = of(None).unwrap();
    let instances = pipeline.stages[0].instances.iter();
    let beams = instances.map(|instance| {
        let beam = &instance.parameters.full()["params"]["beam"];
        format!("{}: {beam}", instance.coordinates)
    });
    insta::assert_snapshot!(beams.collect::<Vec<_>>().join("\n"), @"
    decay=0, lr=slow: 1
    decay=0, lr=0.10: 1
    decay=0.1, lr=slow: 1
    decay=1.0, lr=slow: 7
    decay=1.0, lr=0.10: 7
    ");
    assert_eq!(of(Some("small")).unwrap().stages[0].instances.len(), 3);
    let selected = pipeline.select(&["p[decay=1e0,lr=.1]".into()]).unwrap();
    let plan = etude::plan::Plan::unroll(pipeline, &selected);
    let names = plan.jobs.iter().map(|job| job.name.to_string());
    assert_eq!(names.collect::<Vec<_>>(), ["p[decay=1.0, lr=0.10]"]);
}

#[test]
fn what_reads_as_several_labels_or_none_is_told() {
    let versions = "v = { '1.1' = { p.params.v = 1 }, '1.10' = { p.params.v = 2 } }";
    assert_eq!(left(versions, &["v=1.10"]), Ok(vec!["v=1.10".into()]));
    insta::assert_snapshot!(left(versions, &["v=1.100"]).unwrap_err(), @"
    1:1 [v=1.100] `1.100` reads as several labels of the axis `v`
        help: write one as the file does, as text: `1.1`, `1.10`
    ");
    // What cannot be read is told once, and nothing more of its axis.
    insta::assert_snapshot!(left("v = { 'p.params.v' = [nan, inf, 1e-7] }", &["v=3"]).unwrap_err(), @"
    7:23 [nan] a number must be finite
    7:28 [inf] a number must be finite
    ");
    let numbers = "v = { 'p.params.v' = [1e-4, 1e-7] }";
    insta::assert_snapshot!(left(numbers, &["v=2e-4"]).unwrap_err(), @"
    1:1 [v=2e-4] the axis `v` has no label `2e-4`
        help: the labels are `1e-4`, `1e-7`
    ");
}

#[test]
fn a_number_written_otherwise_keeps_every_key() {
    let keys = |list: &str, decay: &str| {
        let text = format!(
            "[stage.p]\nkind = 'command'\nargs = ['true']\nparams = {{ v = 0, w = 0 }}\n\
             outputs.t = {{ path = 't.csv', type = 'table' }}\n\
             [stage.by-v]\nkind = 'aggregate'\nfrom = 'p'\nsql = 'SELECT v, MAX(x) AS x FROM p GROUP BY v'\n\
             [stage.again]\nkind = 'aggregate'\nfrom = 'by-v'\nsql = 'SELECT w, AVG(x) AS x FROM by_v GROUP BY w'\n\
             [axes]\nv = {{ 'p.params.v' = {list}, 'p.params.w' = {decay} }}\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        fs::write(&file, text).unwrap();
        let pipeline = read(&file, &Request::default(), &etude::stages::registry()).unwrap();
        let plan = etude::plan::Plan::unroll(pipeline, &[]);
        let artifacts = (0..plan.jobs.len()).map(|id| {
            let digest = etude::store::Digest::of_bytes(
                plan.instance(id).parameters.full().to_string().as_bytes(),
            );
            let file = etude::store::StoredFile { digest, size: 1 };
            etude::store::Artifact {
                files: [("t/table.parquet".to_string(), file)].into(),
            }
        });
        let artifacts: Vec<_> = artifacts.collect();
        let keys = (0..plan.jobs.len()).map(|id| {
            let known =
                |from: usize| etude::plan::Known::Made(artifacts[from].digest(), &artifacts[from]);
            let none = etude::plan::Outside::new();
            let fingerprint = etude::plan::Fingerprint::of(&plan, id, &none, known).unwrap();
            fingerprint.key().to_string()
        });
        keys.collect::<Vec<String>>()
    };
    let one = keys("[1e-4, 2.0, 1e-7]", "[1, 2, 3]");
    assert_eq!(one.len(), 5);
    assert_eq!(one, keys("[0.0001, 2e0, 0.0000001]", "[1, 2, 3]"));
    assert_ne!(one, keys("[1e-4, 2.0, 1e-7]", "[1, 2, 4]"));
}

#[test]
fn an_override_over_what_an_axis_sweeps_names_the_axis() {
    let with = |when: &str, set: &str| {
        real(&format!(
            "[stage.p]\nkind = 'command'\nargs = ['true']\nseed = 0\nparams = {{ method = 'net', o = {{ lr = 1, b = 2 }} }}\n\
             outputs.t = {{ path = 't.csv', type = 'table' }}\n[axes]\n\
             method = {{ net = {{}}, oracle = {{ p.params.method = 'oracle' }} }}\n\
             seed = {{ 'p.seed' = [0, 1, 2] }}\n\
             o = {{ 'p.params.o' = [{{ lr = 1 }}, {{ lr = 2 }}] }}\n\
             [[override]]\nwhen = {{ {when} }}\nset = {{ {set} }}\n"
        ))
    };
    insta::assert_snapshot!(with("method = 'oracle'", "p.seed = 0"), @"
    13:11 [seed] this override sets `p.seed`, which the axis `seed` sweeps: its labels would no longer tell the value
        help: if that is meant, name the axis too: `when = { …, seed = [0, 1, 2] }`, with those labels for which it holds; to have fewer labels there, use [[exclude]]
    ");
    assert_eq!(
        with("method = 'oracle', seed = [1, 2]", "p.seed = 0"),
        "fine"
    );
    // A part of what is swept is swept; what stands beside it is not.
    assert!(with("method = 'oracle'", "p.params.o.lr = 3").contains("the axis `o` sweeps"));
    assert_eq!(with("method = 'oracle'", "p.params.o.b = 3"), "fine");
    let whole = "p.params.o = { kind = 'x', lr = 3 }";
    assert!(with("method = 'oracle'", whole).contains("the axis `o` sweeps"));
    assert_eq!(with("o = { lr = 2.0 }", "p.params.o.lr = 3"), "fine");
}

#[test]
fn a_generator_stands_in_an_axis_and_nowhere_else() {
    let with = |params: &str, rest: &str| {
        real(&format!(
            "[stage.p]\nkind = 'command'\nargs = ['true']\nparams = {{ {params} }}\n\
             outputs.t = {{ path = 't.csv', type = 'table' }}\n{rest}"
        ))
    };
    let drawn = "{ log_uniform = [1e-5, 1e-2], draws = 20 }";
    for rest in [
        format!("[axes]\nd = {{ a = {{ p.params.lr = {drawn} }}, b = {{}} }}"),
        format!("[axes]\nd = {{ a = {{ p = {{ params = {{ lr = {drawn} }} }} }}, b = {{}} }}"),
        "[axes.d.a.p.params.lr]\nuniform = [1e-5, 1e-2]\n[axes.d.b]".to_string(),
        "[axes]\nd = { a = { p.params.lr = { range = [0, 5] } }, b = {} }".to_string(),
        format!("[profile.x]\nset = {{ p.params.lr = {drawn} }}"),
        format!(
            "[axes]\nd = {{ a = {{}}, b = {{ p.params.w = 1 }} }}\n[[override]]\nwhen = {{ d = 'a' }}\nset = {{ p.params.lr = {drawn} }}"
        ),
    ] {
        let said = with("lr = 0.1", &rest);
        assert!(
            said.contains("`p.params.lr` takes one value here, and this makes many"),
            "{rest}: {said}"
        );
    }
    assert!(with(&format!("lr = {drawn}"), "").contains("`p.params.lr` takes one value"));
    assert!(
        with(&format!("o = {{ lr = {drawn} }}"), "").contains("`p.params.o.lr` takes one value")
    );
    // A program may have a table with such a key.
    assert_eq!(with("crop = { range = [0, 5] }", ""), "fine");
    assert_eq!(
        with(
            "crop = 0",
            "[axes]\nd = { a = { p.params.crop = { range = [0, 5], flip = true } }, b = {} }"
        ),
        "fine"
    );
    assert_eq!(
        with(
            "crop = 0",
            "[axes]\nd = { 'p.params.crop' = [{ range = [0, 5] }, { range = [0, 9] }] }"
        ),
        "fine"
    );
}

#[test]
fn an_included_file_may_be_a_part_of_anything() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let top = |text: &str| {
        write("top.toml", text);
        let top = folder.path().join("top.toml");
        let pipeline = read(&top, &Request::default(), &crate::toys::registry());
        pipeline.map_err(|problems| shown(&problems))
    };
    let stage = "[stage.n]\nkind = 'number'\nvalue = 1\n";
    write("axes.toml", "[axes]\nx = { 'n.value' = [1, 2] }\n");
    write("profiles.toml", "[profile.default]\nkeep = { x = [2] }\n");
    write("empty.toml", "# nothing yet\n");
    write("part.toml", "[stage.n]\nby = 3\n");
    let include = "include = ['axes.toml', 'profiles.toml', 'empty.toml', 'part.toml']\n";
    let pipeline = top(&format!("{include}{stage}")).unwrap();
    let [only] = &pipeline.stages[0].instances[..] else {
        panic!("the profile keeps one")
    };
    assert_eq!(
        only.parameters.full().to_string(),
        r#"{"value":2,"by":3,"fails":false}"#
    );
    // Only the whole must be complete.
    insta::assert_snapshot!(top("include = 'empty.toml'").unwrap_err(), @r#"
    1:1 [] this pipeline has no stage
        help: a stage is a table: [stage.graphs] with kind = "path-star"
    "#);
    let said = top("include = 'part.toml'\n").unwrap_err();
    assert!(said.contains("the stage `n` needs a `kind`"), "{said}");
    // One that names its kind is whole, and takes the place of another.
    write(
        "part.toml",
        "[stage.n]\nkind = 'times'\nof = 'm'\nfactor = 3\n",
    );
    assert!(top(&format!("include = 'part.toml'\n{stage}")).is_ok());
}

#[test]
fn two_columns_of_one_name_are_refused_where_both_are_known() {
    let with = |params: &str, axes: &str| {
        real(&format!(
            "[stage.data]\nkind = 'path-star'\ndegree = 2\npath_length = 3\nnodes = 8\ntrain = 20\ntest = 8\n\
             [stage.model]\nkind = 'train'\ndata = 'data'\narchitecture = 'transformer'\nobjective = 'next-token'\nsteps = 5\n\
             [stage.deep]\nkind = 'probe'\nmodel = 'model'\ndata = 'data'\nat = ['first-step']\n\
             [stage.p]\nkind = 'command'\nargs = ['true']\nparams = {{ {params} }}\noutputs.t = {{ path = 't.csv', type = 'table' }}\n\
             [axes]\n{axes}\n"
        ))
    };
    // An axis, and a column that a kind gives.
    let said = with("a = 1", "step = { 'model.seed' = [1, 2] }");
    assert!(
        said.contains("the axis `step` is named like a column of `model`"),
        "{said}"
    );
    let said = with("a = 1", "layer = { 'model.seed' = [1, 2] }");
    assert!(
        said.contains("the axis `layer` is named like a column of `deep`"),
        "{said}"
    );
    // An axis, or a parameter that it sweeps, and a column of a type in which no such value can be written.
    let declared = |kind: &str, axes: &str| {
        real(&format!(
            "[stage.p]\nkind = 'command'\nargs = ['true']\nparams = {{ lr = 0.1 }}\n\
             outputs.t = {{ path = 't.csv', type = 'table', columns = {{ x = '{kind}' }} }}\n[axes]\n{axes}\n"
        ))
    };
    let variants = "x = { small = { 'p.params.lr' = 0.1 }, large = { 'p.params.lr' = 0.2 } }";
    for kind in ["bool", "int", "float"] {
        let said = declared(kind, variants);
        assert!(
            said.contains("the axis `x` holds text, but the column `x` that `p` has itself holds"),
            "{kind}: {said}"
        );
    }
    assert_eq!(declared("text", variants), "fine");
    let numbers = "x = { 'p.params.lr' = [0.1, 0.2] }";
    assert_eq!(declared("float", numbers), "fine");
    assert_eq!(declared("text", numbers), "fine");
    let said = declared("bool", numbers);
    assert!(said.contains("the axis `x` holds numbers"), "{said}");
    // Of two swept parameters of one name, both get longer names, until they differ.
    let longer = "a = { 'p.params.enc.lr' = [1, 2] }\nb = { 'p.params.dec.lr' = [1, 2] }";
    assert_eq!(with("enc = { lr = 1 }, dec = { lr = 2 }", longer), "fine");
    // Where not even these do, that is told.
    let same = "a = { 'p.params.x.y_z' = [1, 2] }\nb = { 'p.params.x_y.z' = [1, 2] }\n\
                p_y_z = { 'p.params.k' = [1, 2] }\nc = { 'p.params.w.y_z' = [1, 2] }\n\
                z = { 'p.params.l' = [1, 2] }\np_z = { 'p.params.m' = [1, 2] }";
    let said = with("k = 1, l = 1, m = 1", same);
    assert!(
        said.contains("would both be the column `p_params_x_y_z`"),
        "{said}"
    );
}

#[test]
fn what_sql_says_again_of_a_coordinate_is_no_second_column() {
    let text = "
        [stage.p]
        kind = 'command'
        args = ['true']
        params = { lr = 0.1 }
        outputs.t = { path = 't.csv', type = 'table' }
        [stage.each]
        kind = 'aggregate'
        from = 'p'
        per = 'rate'
        sql = 'SELECT rate, lr, AVG(x) AS x FROM p GROUP BY rate, lr'
        [stage.all]
        kind = 'aggregate'
        from = 'each'
        sql = 'SELECT rate, lr, x FROM each'
        [axes]
        rate = { 'p.params.lr' = [0.1, 0.2] }
    ";
    assert_eq!(real(text), "fine");
}

#[test]
fn the_columns_of_a_table_are_told_with_where_each_comes_from() {
    use etude::pipeline::ColumnOrigin as Origin;
    let text = "
        [stage.a]
        kind = 'command'
        args = ['true']
        params = { size = 1 }
        outputs.f = { path = 'f', type = 'file' }
        [stage.b]
        kind = 'command'
        args = ['true']
        inputs = { a = 'a' }
        params = { size = 1, lr = 0.1, decay = 0 }
        outputs.t = { path = 't.csv', type = 'table' }
        [stage.mean]
        kind = 'aggregate'
        from = 'b'
        sql = 'SELECT scale, AVG(x) AS x FROM b GROUP BY scale'
        [stage.other]
        kind = 'command'
        args = ['true']
        outputs.t = { path = 't.csv', type = 'table' }
        [axes]
        scale = { small = { a.params.size = 1, b.params.size = 10 }, large = { a.params.size = 2, b.params.size = 20 } }
        lr = { 'b.params.lr' = [0.1, 1], 'b.params.decay' = [0, 0.5] }
    ";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let pipeline = read(&file, &Request::default(), &etude::stages::registry()).unwrap();
    let mut lines = Vec::new();
    for stage in 0..pipeline.stages.len() {
        for table in pipeline.tables(stage, 0) {
            lines.push(format!("{} {}", table.table, table.is_known));
            for column in table.columns {
                let from = match column.origin {
                    Origin::Own => "own".to_string(),
                    Origin::Axis => "axis".to_string(),
                    Origin::Swept {
                        axis,
                        parameter,
                        by_label,
                    } => {
                        format!(
                            "{parameter} by {axis}{}",
                            if by_label { " label" } else { "" }
                        )
                    }
                };
                let holds = column.kind.map_or("?", |kind| kind.noun());
                lines.push(format!("  {}: {from}, {holds}", column.name));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    b false
      a_size: a.params.size by scale, whole numbers
      b_size: b.params.size by scale, whole numbers
      decay: b.params.decay by lr, numbers
      lr: axis, numbers
      scale: axis, text
    mean true
      scale: own, text
      x: own, numbers
      a_size: a.params.size by scale label, whole numbers
      b_size: b.params.size by scale label, whole numbers
    other false
    ");
}

#[test]
fn a_list_in_a_condition_is_one_label_or_several() {
    let with = |list: &str, when: &str| {
        real(&format!(
            "[stage.p]\nkind = 'command'\nargs = ['true']\nparams = {{ v = 0, w = 0 }}\n\
             outputs.t = {{ path = 't.csv', type = 'table' }}\n[axes]\nv = {{ 'p.params.v' = {list} }}\n\
             [[override]]\nwhen = {{ v = {when} }}\nset = {{ p.params.w = 1 }}\n"
        ))
    };
    let widths = "[[64, 64], [128], []]";
    for when in [
        "[64, 64.0]",
        "[[64, 64], [128]]",
        "'64-64'",
        "[]",
        "[128]",
        "['128', [64,64]]",
    ] {
        assert_eq!(with(widths, when), "fine", "{when}");
    }
    let said = with(widths, "[64, 128]");
    assert!(said.contains("has no label `64`"), "{said}");
    let said = with("[[1, 2], 1, 2]", "[1, 2]");
    assert!(
        said.contains("`1-2` of the axis `v`, and a list of labels too"),
        "{said}"
    );
    assert_eq!(with("[[1, 2], 1, 2]", "[[1, 2]]"), "fine");
    let said = with("[1, 2]", "[]");
    assert!(said.contains("names no label of the axis `v`"), "{said}");
}

#[test]
fn values_of_several_kinds_are_told_apart_and_found_as_what_they_are() {
    let mixed = "v = { 'p.params.v' = [1e-4, '1e-3', true, 'false', [1], 'x', 2] }";
    for (written, label) in [
        ("0.0001", "v=1e-4"),
        ("0.001", "v=1e-3"),
        ("True", "v=true"),
        ("False", "v=false"),
        ("[1.0]", "v=1"),
        ("2.0", "v=2"),
    ] {
        let kept = left(mixed, &[&format!("v={written}")]);
        assert_eq!(kept, Ok(vec![label.to_string()]), "{written}");
    }
    // Text and a number that read alike have one label, which stands twice.
    let said = left("v = { 'p.params.v' = [1, '1'] }", &[]).unwrap_err();
    assert!(said.contains("the axis `v` has `1` twice"), "{said}");
    let said = left("v = { 'p.params.v' = ['a', 'a'] }", &[]).unwrap_err();
    assert!(said.contains("the axis `v` has `a` twice"), "{said}");
    // Text that reads as a number is another value than the number: text finds the one, a number the other.
    let near = "v = { 'p.params.v' = [1, '1.0'] }";
    assert_eq!(left(near, &["v=1.0"]), Ok(vec!["v=1.0".into()]));
    assert_eq!(left(near, &["v=1"]), Ok(vec!["v=1".into()]));
}

#[test]
fn draws_of_whole_numbers_are_labels_like_any_other() {
    let drawn =
        "v = { 'p.params.v' = { range = [0, 8] }, 'p.params.w' = { uniform = [1, 3], draws = 8 } }";
    assert_eq!(left(drawn, &["v=7.0"]), Ok(vec!["v=7".into()]));
    let rates = "v = { 'p.params.v' = { log_uniform = [1e-5, 1e-2], draws = 3 } }";
    let all = left(rates, &[]).unwrap();
    let number: f64 = all[0].trim_start_matches("v=").parse().unwrap();
    assert_eq!(
        left(rates, &[&format!("v={number:e}")]),
        Ok(vec![all[0].clone()])
    );
}

/// A stage that complains of every table it is given, column by column.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shown {}

impl Stage for Shown {
    const KIND: &'static str = "shown";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::File;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::All,
        accepts: ArtifactType::ALL,
        syntax: PortSyntax::List,
        doc: "the tables",
    }];

    fn columns(&self, tables: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let tables = tables.iter().map(|table| {
            let columns = table.columns.iter().flatten();
            let columns = columns.map(|column| match column.kind {
                Some(kind) => format!("{} ({})", column.name, kind.noun()),
                None => column.name.clone(),
            });
            let columns: Vec<String> = columns.collect();
            ParamError::new("from", format!("{}: {}", table.name, columns.join(", ")))
        });
        Err(tables.collect())
    }

    fn run(&self, _: &Context<'_>) -> Result<(), Stop> {
        Ok(())
    }
}

#[test]
fn columns_of_a_stage_have_types_and_so_have_coordinates_and_swept_parameters() {
    let kinds = etude::stages::registry();
    let kinds = kinds.iter().cloned().chain([Kind::of::<Shown>()]);
    let text = r#"
[stage.run]
kind = "command"
args = ["true"]
outputs = { t = { path = "t.csv", type = "table" } }
params = { x = 0, size = 1, name = "a", maybe = 1 }

[stage.pairs]
kind = "paired"
from = "run"
by = ["x"]
between = "scale"
value = "y"

[stage.shown]
kind = "shown"
from = "pairs"

[axes]
x = { "run.params.x" = [1, 2.5] }
scale = { small = {}, large = { run.params.size = 2, run.params.maybe = 0.5 } }
mixed = { "run.params.name" = [1, "two"] }
truth = { "run.params.flag" = [true, false] }
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, text).unwrap();
    let request = Request::default();
    let problems = read(&file, &request, &Registry::new(kinds)).unwrap_err();
    insta::assert_snapshot!(shown(&problems), @"15:8 [shown] pairs: first (text), second (text), pairs (whole numbers), difference (numbers), low (numbers), high (numbers), p_t (numbers), p_t_holm (numbers), p_flip (numbers), p_flip_holm (numbers), missing (text), flag (true or false), maybe (numbers), mixed (text), name (text), scale (text), size (whole numbers), truth (true or false), x (numbers)");
}

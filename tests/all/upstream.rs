//! What follows from the parameters of the stages that a stage reads is refused before anything runs, with its place.

use etude::pipeline::Request;

use crate::toys::Bench;

const GRAPHS: &str = "
[stage.graphs]
kind = 'path-star'
degree = 2
path_length = 4
nodes = 16
train = 20
test = 5
";
const SIBLINGS: &str = "
[stage.graphs]
kind = 'sibling-discovery'
parents = 5
children = 20
train = 20
test = 5
";
const TRANSFORMER: &str = "{ kind = 'transformer', layers = 1, width = 8, heads = 2 }";

fn model(architecture: &str, objective: &str, rest: &str) -> String {
    format!(
        "[stage.model]\nkind = 'train'\ndata = 'graphs'\narchitecture = {architecture}\nobjective = {objective}\n\
         batch = 4\nsteps = 1\n{rest}\n"
    )
}

/// A model by next-token prediction.
fn plain() -> String {
    model(TRANSFORMER, "'next-token'", "")
}

fn decode(rest: &str) -> String {
    format!("[stage.answers]\nkind = 'decode'\nmodel = 'model'\ndata = 'graphs'\n{rest}\n")
}

fn reads(kind: &str, port: &str, rest: &str) -> String {
    format!("[stage.last]\nkind = '{kind}'\n{port}\ndata = 'graphs'\n{rest}\n")
}

/// What is said of a pipeline before anything runs; nothing where it is good.
fn said(pipeline: &str) -> String {
    let bench = Bench::with(etude::stages::registry());
    match bench.read(pipeline, &Request::default()) {
        Ok(_) => String::new(),
        Err(problems) => {
            let lines = problems.into_iter().map(|problem| problem.to_string());
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn what_decode_is_to_give_must_fit_the_objective_and_the_task() {
    let from = |objective: &str, given: &str| {
        let given = format!("given = '{given}'");
        said(&(GRAPHS.to_string() + &model(TRANSFORMER, objective, "") + &decode(&given)))
    };
    assert_eq!(from("'next-token'", "wrong-step"), "");
    assert_eq!(from("'reversed'", "nothing"), "");
    for objective in [
        "'reversed'",
        "'teacherless'",
        "{ kind = 'first-step', hint = true }",
    ] {
        for given in ["wrong-step", "first-step"] {
            let said = from(objective, given);
            assert!(
                said.contains("does not write its answer token by token"),
                "{objective}: {said}"
            );
        }
    }
    let other = |data: &str| said(&(data.to_string() + &plain() + &decode("given = 'wrong-step'")));
    assert!(other(SIBLINGS).contains("`sibling-discovery` has no wrong step to give"));
    let one = GRAPHS
        .replace("degree = 2", "degree = 1")
        .replace("nodes = 16", "nodes = 50");
    assert!(other(&one).contains("a graph of one arm has no wrong step"));
    let short = GRAPHS
        .replace("path_length = 4", "path_length = 2")
        .replace("nodes = 16", "nodes = 50");
    assert!(other(&short).contains("leave nothing to write of 2 tokens"));
}

#[test]
fn what_has_no_attention_or_no_graph_is_not_looked_into() {
    let look = |data: &str, architecture: &str, kind: &str| {
        let model = model(architecture, "'next-token'", "");
        said(&(data.to_string() + &model + &reads(kind, "model = 'model'", "")))
    };
    let mamba = "{ kind = 'mamba', layers = 1, width = 8 }";
    assert_eq!(look(GRAPHS, TRANSFORMER, "attention"), "");
    assert_eq!(look(GRAPHS, mamba, "probe"), "");
    assert_eq!(
        look(GRAPHS, mamba, "attention"),
        "`model` is a Mamba and has no attention"
    );
    for kind in ["attention", "probe"] {
        let said = look(SIBLINGS, TRANSFORMER, kind);
        assert_eq!(
            said,
            "the examples of `sibling-discovery` describe no graphs"
        );
    }
}

#[test]
fn answers_are_judged_as_what_they_are() {
    let judged = |data: &str, kind: &str, decoded: &str, rest: &str| {
        let last = reads(kind, "answers = 'answers'", rest);
        said(&(data.to_string() + &plain() + &decode(decoded) + &last))
    };
    assert_eq!(judged(GRAPHS, "walk", "", ""), "");
    assert_eq!(judged(SIBLINGS, "creativity", "", ""), "");
    let wrong = judged(GRAPHS, "creativity", "", "");
    assert!(
        wrong.contains("has one right answer, so there is nothing to discover"),
        "{wrong}"
    );
    assert!(judged(SIBLINGS, "walk", "", "").contains("describe no graphs"));
    let split = judged(GRAPHS, "walk", "split = 'train'", "");
    assert_eq!(split, "`answers` answers the split `train`, not `test`");
}

#[test]
fn a_training_must_fit_its_dataset() {
    let train = |data: &str, objective: &str, rest: &str| {
        said(&(data.to_string() + &model(TRANSFORMER, objective, rest)))
    };
    let heads = "{ kind = 'multi-token', heads = 9 }";
    assert!(train(GRAPHS, heads, "").contains("use at most 3"));
    assert_eq!(train(GRAPHS, "{ kind = 'multi-token', heads = 3 }", ""), "");
    let short = GRAPHS
        .replace("path_length = 4", "path_length = 2")
        .replace("nodes = 16", "nodes = 50");
    let hint = "{ kind = 'first-step', hint = true }";
    assert!(train(&short, hint, "").contains("no third token"));
    assert!(train(SIBLINGS, "'next-token'", "online = true").contains("no fresh examples"));
    let unlooked = format!("{GRAPHS}validation = 0\n");
    assert_eq!(train(&unlooked, "'next-token'", ""), "");
    for stop in ["stop_at = 1.0", "patience = 2"] {
        let said = train(&unlooked, "'next-token'", stop);
        assert!(said.contains("but the dataset has none"), "{said}");
    }
}

#[test]
fn examples_of_another_length_are_not_answered() {
    let other = GRAPHS
        .replace("stage.graphs", "stage.longer")
        .replace("path_length = 4", "path_length = 5");
    let decode = decode("").replace("data = 'graphs'", "data = 'longer'");
    let said = said(&(GRAPHS.to_string() + &other + &plain() + &decode));
    assert_eq!(
        said,
        "its examples have 27 + 5 tokens, but the model is made for 21 + 4"
    );
}

#[test]
fn a_split_without_examples_is_not_read() {
    let unlooked = format!("{GRAPHS}validation = 0\n");
    let said = said(&(unlooked + &plain() + &decode("split = 'validation'")));
    assert_eq!(
        said,
        "the dataset has no examples in its split `validation`"
    );
}

#[test]
fn only_the_variant_that_is_wrong_is_named() {
    let axis = "[axes]\nobjective = { right = {}, wrong = { model.objective = 'reversed' } }\n\
                seed = { 'model.seed' = [0, 1, 2] }\n";
    let pipeline = GRAPHS.to_string() + &plain() + &decode("given = 'first-step'") + axis;
    let said = said(&pipeline);
    assert_eq!(said.matches("token by token").count(), 1, "{said}");
    let kept = pipeline + "[profile.default]\nkeep = { objective = 'right' }\n";
    assert_eq!(self::said(&kept), "");
}

#[test]
fn a_published_model_that_is_not_supported_is_refused() {
    let bench = Bench::with(etude::stages::registry());
    let folder = bench.folder.path().join("published");
    std::fs::create_dir(&folder).unwrap();
    let architecture = "{ kind = 'pretrained', path = 'published' }";
    let pipeline = GRAPHS.to_string() + &model(architecture, "'next-token'", "");
    std::fs::write(folder.join("config.json"), r#"{"model_type": "llama"}"#).unwrap();
    let request = Request {
        root: bench.folder.path().to_path_buf(),
        ..Request::default()
    };
    let problems = bench.read(&pipeline, &request).unwrap_err();
    let said = problems[0].to_string();
    assert!(said.contains("`llama` is not one of `gpt2`"), "{said}");
}

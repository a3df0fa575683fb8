//! What stages know of the datasets and models that they will read, before anything runs.

use super::chess_mate::Puzzles;
use super::dataset::Files;
use crate::learn::model::Architecture;
use crate::learn::task::in_weights::InWeights;
use crate::learn::task::path_star::PathStar;
use crate::learn::task::sibling_discovery::SiblingDiscovery;
use crate::learn::task::{Contract, ExampleShape};
use crate::learn::training::Settings;
use crate::pipeline::{Origin, ParamError};

/// What is known of a dataset.
pub(super) struct Data {
    /// The kind that makes it, as a sentence names it.
    pub kind: &'static str,
    /// The shape of its examples; files may be of any.
    pub shape: Option<ExampleShape>,
    /// Whether every example describes a graph.
    pub has_graphs: bool,
    /// Whether a graph has but one arm.
    pub one_arm: bool,
    /// Whether a question has one right answer.
    pub has_answers: bool,
    /// Why there are no fresh examples.
    pub fixed: Option<&'static str>,
    /// Whether its validation split is empty.
    pub is_unlooked: bool,
}

impl Data {
    fn of(kind: &'static str, task: &dyn Contract, is_unlooked: bool) -> Option<Self> {
        // A task that is impossible was told of already, and has no shape.
        task.problems().is_empty().then(|| Self {
            kind,
            shape: Some(task.shape()),
            has_graphs: task.has_graphs(),
            one_arm: false,
            has_answers: task.coherent(&[]).is_none(),
            fixed: task.fixed(),
            is_unlooked,
        })
    }
}

/// What is known of the dataset at a port.
pub(super) fn data(here: &dyn Origin, port: &str) -> Option<Data> {
    let at = here.at(port)?;
    if let Some(task) = at.of::<PathStar>() {
        let known = Data::of("path-star", task, task.validation == 0)?;
        return Some(Data {
            one_arm: task.degree == 1,
            ..known
        });
    }
    if let Some(task) = at.of::<InWeights>() {
        return Data::of("in-weights", task, task.validation() == 0);
    }
    if let Some(task) = at.of::<SiblingDiscovery>() {
        return Data::of("sibling-discovery", task, task.validation == 0);
    }
    if let Some(puzzles) = at.of::<Puzzles>() {
        let task = puzzles.task();
        return Data::of("chess-mate", &task, task.validation == 0);
    }
    at.of::<Files>().map(|files| Data {
        kind: "dataset",
        shape: None,
        has_graphs: true,
        one_arm: false,
        has_answers: true,
        fixed: Some(crate::learn::task::imported::ELSEWHERE),
        is_unlooked: files.holds_out_none(),
    })
}

/// The settings of the training at a port, and what is known of the dataset that it learns from.
pub(super) fn model(at: &dyn Origin) -> Option<(&Settings, Option<Data>)> {
    Some((at.of::<Settings>()?, data(at, "data")))
}

/// What is wrong with reading the validation split of the dataset at `data`, where that is what `reads` says.
pub(super) fn check_validation(here: &dyn Origin, reads: bool) -> Option<ParamError> {
    let is_unlooked = data(here, "data").is_some_and(|data| data.is_unlooked);
    (reads && is_unlooked).then(|| {
        ParamError::new(
            "split",
            "the dataset has no examples in its split `validation`",
        )
        .help("give it some with `validation`, or read another split")
    })
}

/// What is wrong with a look into the model at `model` as it reads the examples at `data`.
pub(super) fn check_look(here: &dyn Origin, needs_attention: bool) -> Vec<ParamError> {
    let mut param_errors = check_graphs(here).into_iter().collect::<Vec<_>>();
    let Some(at) = here.at("model") else {
        return param_errors;
    };
    let Some((settings, learnt)) = model(&*at) else {
        return param_errors;
    };
    match &settings.architecture {
        Architecture::Mamba(_) if needs_attention => param_errors.push(
            ParamError::new("model", format!("`{}` is a Mamba and has no attention", at.name()))
                .help("take a transformer"),
        ),
        Architecture::Pretrained(_) => param_errors.push(
            ParamError::new(
                "model",
                format!(
                    "`{}` reads graphs as text, in tokens of its own, among which nobody knows the place of an edge",
                    at.name()
                ),
            )
            .help("take one that is trained from scratch"),
        ),
        _ => param_errors.extend(check_shapes(learnt, data(here, "data"))),
    }
    param_errors
}

/// What is wrong with reading the examples at `data` as graphs.
pub(super) fn check_graphs(here: &dyn Origin) -> Option<ParamError> {
    let data = data(here, "data")?;
    (!data.has_graphs).then(|| {
        let why = format!("the examples of `{}` describe no graphs", data.kind);
        ParamError::new("data", why).help("take a dataset of `path-star` or `dataset`")
    })
}

/// What is wrong with answering examples `asked` by a model that was made for those `learnt`.
pub(super) fn check_shapes(learnt: Option<Data>, asked: Option<Data>) -> Option<ParamError> {
    let (learnt, asked) = (learnt?.shape?, asked?.shape?);
    let lengths = |shape: &ExampleShape| (shape.prefix_length, shape.target_length);
    if lengths(&learnt) != lengths(&asked) {
        let why = format!(
            "its examples have {} + {} tokens, but the model is made for {} + {}",
            asked.prefix_length, asked.target_length, learnt.prefix_length, learnt.target_length
        );
        return Some(ParamError::new("data", why));
    }
    None
}

/// What is wrong with reading answers token by token, where those at `answers` are of a model that reads text.
pub(super) fn check_answers(here: &dyn Origin) -> Option<ParamError> {
    let answers = here.at("answers")?;
    let model = answers.at("model")?;
    let settings = model.of::<Settings>()?;
    matches!(settings.architecture, Architecture::Pretrained(_)).then(|| {
        let why = format!(
            "`{}` are answers of a published model, which writes text and not the tokens of the task",
            answers.name()
        );
        ParamError::new("answers", why).help("take answers of a model that is trained from scratch")
    })
}

/// What is wrong with judging how new answers are to questions of the dataset at `data`.
pub(super) fn check_creativity(here: &dyn Origin) -> Vec<ParamError> {
    let mut param_errors: Vec<ParamError> = check_answers(here).into_iter().collect();
    if let Some(data) = data(here, "data").filter(|data| data.has_answers) {
        let why = format!(
            "every question of `{}` has one right answer, so there is nothing to discover",
            data.kind
        );
        let help = "judge `exact` of the answers, or use the data of `sibling-discovery`";
        param_errors.push(ParamError::new("data", why).help(help));
    }
    param_errors
}

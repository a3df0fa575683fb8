//! `decode`: a model answers the examples of a dataset.

use std::borrow::Cow;
use std::ops::ControlFlow;

use polars::prelude::df;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::train::choice;
use super::upstream;
use crate::figures::table;
use crate::learn::decoding::{self, Decoding, Given};
use crate::learn::device;
use crate::learn::learner::Learner;
use crate::learn::model::Architecture;
use crate::learn::task::{Dataset, Examples, text};
use crate::pipeline::{
    ArtifactType, Cardinality, Context, Origin, ParamError, Port, PortSyntax, Progress, Resources,
    Stage, Stop,
};

/// Lets a model answer examples.
///
/// It writes token by token, with a cache. A model that was trained without teacher forcing writes all tokens in one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decode {
    /// How a token is chosen.
    #[serde(default)]
    decoding: Decoding,
    /// What of the answer the model is given before it writes the rest: nothing, the start and the true first step, or the
    /// start and the first step into a wrong arm, drawn among them and the same for every model. Only for models that write
    /// token by token from the start on. What counts as right stays the true answer.
    #[serde(default)]
    pub(super) given: Given,
    /// Which examples are answered.
    #[serde(default)]
    pub(super) split: Split,
    /// How many examples are answered: the first ones of the split; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    examples: Option<u64>,
    /// Examples answered at once.
    #[serde(default = "batch")]
    #[schemars(range(min = 1, max = 100_000))]
    batch: u32,
}

fn batch() -> u32 {
    256
}

/// A part of a dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Split {
    /// The examples kept apart from training.
    #[default]
    Test,
    /// The examples of the training.
    Train,
    /// The examples that the training looked at while it ran.
    Validation,
}

impl Split {
    /// Its name in a file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
            Self::Validation => "validation",
        }
    }

    /// Its examples.
    pub(super) fn of(self, dataset: &Dataset) -> Result<&Examples, Stop> {
        let name = self.name();
        let examples = match self {
            Self::Test => &dataset.test,
            Self::Train => &dataset.train,
            Self::Validation => &dataset.validation,
        };
        if examples.is_empty() {
            Err(Stop::failed(format!(
                "the dataset has no examples in its split `{name}`"
            )))
        } else {
            Ok(examples)
        }
    }
}

impl Stage for Decode {
    const KIND: &'static str = "decode";
    const VERSION: u32 = 3;
    const OUTPUT: ArtifactType = ArtifactType::Answers;
    const PORTS: &'static [Port] = &[
        Port {
            name: "model",
            cardinality: Cardinality::One,
            accepts: &[ArtifactType::Model],
            syntax: PortSyntax::One,
            doc: "the model that answers",
        },
        Port {
            name: "data",
            cardinality: Cardinality::One,
            accepts: &[ArtifactType::Dataset],
            syntax: PortSyntax::One,
            doc: "the dataset whose examples are answered",
        },
    ];
    const USES_DEVICE: bool = true;
    const TAKES_CARD: bool = device::BUILT;

    fn resources() -> Resources {
        Resources {
            memory: 1_000_000_000,
            ..Resources::default()
        }
    }

    fn param_errors(&self) -> Vec<ParamError> {
        let problems = self.decoding.problems().into_iter();
        problems
            .map(|(name, why)| ParamError::new(format!("decoding.{name}"), why))
            .collect()
    }

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        let mut param_errors: Vec<ParamError> =
            upstream::check_validation(here, self.split == Split::Validation)
                .into_iter()
                .collect();
        let data = upstream::data(here, "data");
        if let Some(data) = &data {
            param_errors.extend(ungiven(self.given, data).map(|why| ParamError::new("given", why)));
        }
        let Some(at) = here.at("model") else {
            return param_errors;
        };
        let Some((settings, learnt)) = upstream::model(&*at) else {
            return param_errors;
        };
        let is_text = matches!(settings.architecture, Architecture::Pretrained(_));
        if let Some(why) = self.given.untaught(settings.objective.contract()) {
            param_errors.push(ParamError::new("given", why));
        } else if self.given.gives() && is_text {
            let why = "`given` is for models that read the tokens of the task; this one begins with published weights and reads \
                       text";
            param_errors.push(ParamError::new("given", why));
        }
        if !is_text {
            param_errors.extend(upstream::check_shapes(learnt, data));
        }
        param_errors
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let model = job.one("model")?;
        let device = choice(job).open()?;
        let learner = Learner::from_files(&model.files, &device)?;
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let count = self.examples.unwrap_or(u64::MAX);
        let first = self.split.of(&dataset)?;
        let first = first.first(usize::try_from(count).unwrap_or(usize::MAX));
        // A model that began with published weights reads them as text.
        let stopped = &mut || job.monitor.cancelled();
        let examples = match learner.reads(&dataset, &first, stopped) {
            Err(_) if job.monitor.cancelled() => return Err(Stop::Cancelled),
            examples => examples?,
        };
        let given = self.given.tokens(&dataset.task, &first)?;
        if !given.is_empty() && matches!(examples, Cow::Owned(_)) {
            let why = "`given` is for models that read the tokens of the task; this one began with published weights and \
                       reads text";
            return Err(Stop::failed(why));
        }
        let mut observe = |done: usize, total: usize| {
            let progress = Progress {
                done: done as u64,
                total: total as u64,
                unit: "examples".into(),
                metrics: Vec::new(),
            };
            match job.progress(progress) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let batch = usize::try_from(self.batch).unwrap_or(usize::MAX);
        let how = &self.decoding;
        let answers = decoding::complete(&learner, &examples, &given, how, batch, &mut observe);
        let answers = match answers {
            Err(decoding::Error::Cancelled) => return Err(Stop::Cancelled),
            answers => answers?,
        };
        write(&answers, &examples, first.target_length(), job)
    }
}

/// Why there is nothing of this sort to give with the examples of a dataset, if there is not.
fn ungiven(given: Given, data: &upstream::Data) -> Option<String> {
    if given == Given::WrongStep && !data.has_graphs {
        let why = format!(
            "`{}` has no wrong step to give: its examples describe no graphs",
            data.kind
        );
        return Some(why);
    }
    if given == Given::WrongStep && data.one_arm {
        return Some("a graph of one arm has no wrong step; use a degree of at least 2".to_owned());
    }
    let length = data.shape?.target_length;
    (given.gives() && length <= 2).then(|| {
        format!("the start and the first step given leave nothing to write of {length} tokens")
    })
}

/// A row an example, and a row an example and position: of a text, those of the task's `own` tokens.
fn write(
    answers: &decoding::Answers,
    examples: &Examples,
    own: usize,
    job: &Context<'_>,
) -> Result<(), Stop> {
    let length = answers.target_length;
    let exact: Vec<i64> = answers
        .exact
        .iter()
        .map(|exact| i64::from(*exact))
        .collect();
    let by_example = df!(
        "example" => (0..exact.len() as i64).collect::<Vec<_>>(),
        "exact" => exact,
    )?;
    table::write(&by_example, &job.out.join("answers.parquet"))?;
    let targets: Vec<u32> = examples.iter().flat_map(|(_, t)| t).copied().collect();
    let places = text::places(own, examples);
    let cells: Vec<(usize, i64, usize)> = (0..examples.len())
        .flat_map(|row| {
            let places = (1..).zip(places.clone());
            places.map(move |(position, place)| (row, position, row * length + place))
        })
        .collect();
    let of = |cell: &dyn Fn(usize) -> i64| -> Vec<i64> {
        cells.iter().map(|(.., place)| cell(*place)).collect()
    };
    let by_position = df!(
        "example" => cells.iter().map(|(row, ..)| *row as i64).collect::<Vec<_>>(),
        "position" => cells.iter().map(|(_, position, _)| *position).collect::<Vec<_>>(),
        "target" => of(&|place| i64::from(targets[place])),
        "answer" => of(&|place| i64::from(answers.tokens[place])),
        "correct" => of(&|place| i64::from(answers.correct[place])),
    )?;
    table::write(&by_position, &job.out.join("positions.parquet"))?;
    Ok(())
}

//! `decode`: a model answers the examples of a dataset.

use std::ops::ControlFlow;

use polars::prelude::df;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::train::choice;
use crate::figures::table;
use crate::learn::decoding::{self, Decoding};
use crate::learn::learner::Learner;
use crate::learn::task::{Dataset, Examples};
use crate::pipeline::{
    ArtifactType, Complaint, Context, Holds, Port, Progress, Resources, Stage, Stop, Takes,
};

/// Lets a model answer examples: token by token with a cache, or in one pass where it was taught without a teacher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decode {
    /// How a token is chosen.
    #[serde(default)]
    decoding: Decoding,
    /// Which examples are answered.
    #[serde(default)]
    split: Split,
    /// How many examples, the first so many; without it, all of the split.
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
}

impl Split {
    /// Its examples.
    pub(super) fn of(self, dataset: &Dataset) -> &Examples {
        match self {
            Split::Test => &dataset.test,
            Split::Train => &dataset.train,
        }
    }
}

impl Stage for Decode {
    const KIND: &'static str = "decode";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Answers;
    const PORTS: &'static [Port] = &[
        Port {
            name: "model",
            takes: Takes::One,
            accepts: &[ArtifactType::Model],
            holds: Holds::One,
            doc: "the model that answers",
        },
        Port {
            name: "data",
            takes: Takes::One,
            accepts: &[ArtifactType::Dataset],
            holds: Holds::One,
            doc: "the dataset whose examples are answered",
        },
    ];
    const USES_DEVICE: bool = true;

    fn resources() -> Resources {
        Resources {
            memory: 1_000_000_000,
            ..Resources::default()
        }
    }

    fn complaints(&self) -> Vec<Complaint> {
        let problems = self.decoding.problems().into_iter();
        problems
            .map(|(name, why)| Complaint::new(format!("decoding.{name}"), why))
            .collect()
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let model = job.one("model")?;
        let device = choice(job.device).open()?;
        let learner = Learner::from_files(&model.files, &device)?;
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let all = self.split.of(&dataset);
        let count = self.examples.unwrap_or(u64::MAX);
        let first = all.first(usize::try_from(count).unwrap_or(usize::MAX));
        // A model that began with published weights reads them as text.
        let stopped = &mut || job.monitor.cancelled();
        let examples = match learner.reads(&dataset, &first, stopped) {
            Err(_) if job.monitor.cancelled() => return Err(Stop::Cancelled),
            examples => examples?,
        };
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
        let decoded = decoding::decode(&learner, &examples, &self.decoding, batch, &mut observe);
        let answers = match decoded {
            Err(decoding::Error::Cancelled) => return Err(Stop::Cancelled),
            answers => answers?,
        };
        write(&answers, &examples, job)
    }
}

/// A row an example, and a row an example and position.
fn write(answers: &decoding::Answers, examples: &Examples, job: &Context<'_>) -> Result<(), Stop> {
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
    let count = answers.tokens.len();
    let targets = examples.iter().flat_map(|(_, target)| target.iter());
    let by_position = df!(
        "example" => (0..count).map(|i| (i / length) as i64).collect::<Vec<_>>(),
        "position" => (0..count).map(|i| (i % length) as i64 + 1).collect::<Vec<_>>(),
        "target" => targets.map(|token| i64::from(*token)).collect::<Vec<_>>(),
        "answer" => answers.tokens.iter().map(|token| i64::from(*token)).collect::<Vec<_>>(),
        "correct" => answers.correct.iter().map(|correct| i64::from(*correct)).collect::<Vec<_>>(),
    )?;
    table::write(&by_position, &job.out.join("positions.parquet"))?;
    Ok(())
}

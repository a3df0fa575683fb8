//! `probe`: a model and a dataset in; out comes from which layer on the first step of the path can be read.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use polars::prelude::df;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::train::choice;
use super::upstream;
use crate::figures::table;
use crate::learn::device;
use crate::learn::insight::{self, At, arms, states};
use crate::learn::learner::Learner;
use crate::learn::probe::{Fit, Labelled, accuracy};
use crate::learn::task::{Dataset, Examples};
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnKind, Context, FixedColumn, Origin, ParamError, Port,
    PortSyntax, Progress, Resources, Stage, Stop,
};

/// Fits a linear probe on each layer.
///
/// It shows from which layer on the first step of the path can be read. A probe is fitted on the states of a layer at one
/// position, to tell the second token of the target, and is tried on test examples. It has a class for each label of a node, and
/// chooses among the first nodes of the arms of its example. Only for models that were trained from scratch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Where the states are taken.
    #[serde(default = "at")]
    #[schemars(length(min = 1))]
    at: Vec<At>,
    /// How many training examples it is fitted on: the first ones.
    #[serde(default = "fitted")]
    #[schemars(range(min = 1, max = 1_000_000))]
    train: u32,
    /// How many test examples it is tried on: the first ones.
    #[serde(default = "tried")]
    #[schemars(range(min = 1, max = 1_000_000))]
    test: u32,
    /// Weight of the ridge penalty: half of this times the sum of the squared weights is added to the mean cross-entropy.
    #[serde(default = "ridge")]
    #[schemars(range(min = 1e-9, max = 1e3))]
    ridge: f64,
    /// The largest number of steps of L-BFGS.
    #[serde(default = "iterations")]
    #[schemars(range(min = 1, max = 100_000))]
    iterations: u32,
    /// How many examples are read at once.
    #[serde(default = "batch")]
    #[schemars(range(min = 1, max = 100_000))]
    batch: u32,
}

fn at() -> Vec<At> {
    vec![At::default()]
}

fn fitted() -> u32 {
    4000
}

fn tried() -> u32 {
    1000
}

fn ridge() -> f64 {
    1e-3
}

fn iterations() -> u32 {
    200
}

fn batch() -> u32 {
    256
}

const COLUMNS: &[FixedColumn] = &[
    FixedColumn::new(
        "layer",
        ColumnKind::Int,
        "0 for what the first layer is given, then the number of the layer whose output is read",
    ),
    FixedColumn::new(
        "position",
        ColumnKind::Text,
        "where the states are taken: a value of `at`",
    ),
    FixedColumn::new(
        "accuracy",
        ColumnKind::Float,
        "share of test examples that it tells right",
    ),
    FixedColumn::new(
        "chance",
        ColumnKind::Float,
        "accuracy of a guess among the arms: one over their number",
    ),
    FixedColumn::new(
        "examples",
        ColumnKind::Int,
        "how many test examples it was tried on",
    ),
];

/// The ports of a look inside a model.
pub(super) const PORTS: &[Port] = &[
    Port {
        name: "model",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Model],
        syntax: PortSyntax::One,
        doc: "the model to look into",
    },
    Port {
        name: "data",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Dataset],
        syntax: PortSyntax::One,
        doc: "the dataset whose examples it reads",
    },
];

impl Stage for Probe {
    const KIND: &'static str = "probe";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "a layer at a position";
    const COLUMNS: &'static [FixedColumn] = COLUMNS;
    const PORTS: &'static [Port] = PORTS;
    const USES_DEVICE: bool = true;
    const TAKES_CARD: bool = device::BUILT;

    fn resources() -> Resources {
        Resources {
            cores: 1,
            memory: 1_000_000_000,
            ..Resources::default()
        }
    }

    fn param_errors(&self) -> Vec<ParamError> {
        let mut seen = BTreeSet::new();
        let twice = self.at.iter().filter(|at| !seen.insert(**at));
        twice
            .map(|at| ParamError::new("at", format!("`{}` is named twice", at.name())))
            .collect()
    }

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        upstream::check_look(here, false)
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let device = choice(job).open()?;
        let learner = Learner::from_files(&job.one("model")?.files, &device)?;
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let train = dataset.train.first(self.train as usize);
        let test = dataset.test.first(self.test as usize);
        let arms = seen(arms(&dataset.task, &test))?;
        let chance: f64 = arms.iter().map(|arms| 1.0 / arms.len() as f64).sum();
        let chance = chance / test.len().max(1) as f64;
        let fit = Fit {
            ridge: self.ridge,
            iterations: self.iterations,
        };
        let labels = |examples: &Examples| -> Vec<u32> {
            examples.iter().map(|(_, target)| target[1]).collect()
        };
        let (mut layers, mut positions, mut accuracies) = (Vec::new(), Vec::new(), Vec::new());
        for at in &self.at {
            let look = |examples: &Examples| {
                let batch = self.batch as usize;
                seen(states(
                    &learner,
                    examples,
                    *at,
                    batch,
                    &mut |done, total| observe(job, done, total, "examples"),
                ))
            };
            let (fitted, tried) = (look(&train)?, look(&test)?);
            let (known, asked) = (labels(&train), labels(&test));
            let depth = fitted.len();
            for (layer, (fitted, tried)) in fitted.iter().zip(&tried).enumerate() {
                if observe(job, layer, depth, "layers").is_break() {
                    return Err(Stop::Cancelled);
                }
                let train = Labelled {
                    states: fitted,
                    labels: &known,
                };
                let test = Labelled {
                    states: tried,
                    labels: &asked,
                };
                layers.push(layer as i64);
                positions.push(at.name());
                accuracies.push(accuracy(fit, train, test, &arms, &device)?);
            }
        }
        let rows = layers.len();
        let table = df!(
            COLUMNS[0].name => layers,
            COLUMNS[1].name => positions,
            COLUMNS[2].name => accuracies,
            COLUMNS[3].name => vec![chance; rows],
            COLUMNS[4].name => vec![test.len() as i64; rows],
        )?;
        table::write(&table, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

/// Tells how far a look inside is; breaks when it should end.
pub(super) fn observe(job: &Context<'_>, done: usize, total: usize, unit: &str) -> ControlFlow<()> {
    let progress = Progress {
        done: done as u64,
        total: total as u64,
        unit: unit.into(),
        metrics: Vec::new(),
    };
    match job.progress(progress) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// What was seen, or why a job that looked ends.
pub(super) fn seen<T>(seen: Result<T, insight::Error>) -> Result<T, Stop> {
    match seen {
        Err(insight::Error::Cancelled) => Err(Stop::Cancelled),
        seen => Ok(seen?),
    }
}

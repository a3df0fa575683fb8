//! `attention`: a transformer and a dataset in; out comes where it looks when it takes the first step.

use polars::prelude::df;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::Split;
use super::probe::{PORTS, observe, seen};
use super::train::choice;
use super::upstream;
use crate::figures::table;
use crate::learn::device;
use crate::learn::insight::{At, attention};
use crate::learn::learner::Learner;
use crate::learn::task::Dataset;
use crate::pipeline::{
    ArtifactType, ColumnKind, Context, FixedColumn, Origin, ParamError, Port, Resources, Stage,
    Stop,
};

/// Measures where each attention head looks.
///
/// It looks from the first hard token, and takes the mean over examples. What it finds is made for a `plot` with
/// `mark = "heat"`. The keys are both ends of each edge of the path, from the start on (`edge 1 parent`, `edge 1 child`, …);
/// `start` and `goal` in the question; `itself`; and `elsewhere` for all other positions together. Only for transformers that
/// were trained from scratch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// The position from which attention is measured.
    #[serde(default)]
    at: At,
    /// Which examples it reads.
    #[serde(default)]
    split: Split,
    /// How many examples are read: the first ones of the split.
    #[serde(default = "examples")]
    #[schemars(range(min = 1, max = 1_000_000))]
    examples: u32,
    /// How many examples are read at once.
    #[serde(default = "batch")]
    #[schemars(range(min = 1, max = 100_000))]
    batch: u32,
}

fn examples() -> u32 {
    1000
}

fn batch() -> u32 {
    64
}

const COLUMNS: &[FixedColumn] = &[
    FixedColumn::new("layer", ColumnKind::Int, "the layer, from 1"),
    FixedColumn::new("head", ColumnKind::Int, "the head of the layer, from 1"),
    FixedColumn::new("key", ColumnKind::Text, "what is looked at"),
    FixedColumn::new(
        "attention",
        ColumnKind::Float,
        "mean share of the head's attention; the shares of a head add up to 1",
    ),
];

impl Stage for Attention {
    const KIND: &'static str = "attention";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "a key of a head of a layer";
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

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        let mut param_errors = upstream::check_look(here, true);
        param_errors.extend(upstream::check_validation(
            here,
            self.split == Split::Validation,
        ));
        param_errors
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let device = choice(job).open()?;
        let learner = Learner::from_files(&job.one("model")?.files, &device)?;
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let examples = self.split.of(&dataset)?.first(self.examples as usize);
        let batch = self.batch as usize;
        let found = seen(attention(
            &learner,
            &dataset.task,
            &examples,
            self.at,
            batch,
            &mut |done, total| observe(job, done, total, "examples"),
        ))?;
        let (keys, heads) = (found.keys.len(), found.heads);
        let rows = 0..found.shares.len();
        let layers = rows.clone().map(|row| (row / (keys * heads) + 1) as i64);
        let of_layer = rows.clone().map(|row| (row / keys % heads + 1) as i64);
        let names = rows.map(|row| found.keys[row % keys].as_str());
        let table = df!(
            COLUMNS[0].name => layers.collect::<Vec<_>>(),
            COLUMNS[1].name => of_layer.collect::<Vec<_>>(),
            COLUMNS[2].name => names.collect::<Vec<_>>(),
            COLUMNS[3].name => &found.shares,
        )?;
        table::write(&table, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

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
    ArtifactType, ColumnKind, ColumnShape, Complaint, Context, Origin, Port, Resources, Stage,
    Stop, TableShape,
};

/// Shows where a transformer looks at the first hard token: how much of each head's attention goes, on average over examples,
/// to the edges of the path to the goal and to the question. Made for a `plot` with `mark = "heat"`.
///
/// A row for each layer, head and key: `layer` and `head` (both from 1), `key`, `attention` (mean share; those of a head sum
/// to 1). The keys are both ends of each edge of the path in the prefix, from the start on (`edge 1 parent`, `edge 1 child`,
/// …), `start` and `goal` in the question, `itself`, and `elsewhere` for all other positions together. Only for transformers
/// that were trained from scratch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    /// Where it looks from.
    #[serde(default)]
    at: At,
    /// Which examples it reads.
    #[serde(default)]
    split: Split,
    /// How many examples, the first so many.
    #[serde(default = "examples")]
    #[schemars(range(min = 1, max = 1_000_000))]
    examples: u32,
    /// Examples read at once.
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

const COLUMNS: [&str; 4] = ["layer", "head", "key", "attention"];

impl Stage for Attention {
    const KIND: &'static str = "attention";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "a key of a head of a layer";
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

    fn columns(&self, _inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<Complaint>> {
        {
            use ColumnKind::{Float, Int, Text};
            Ok(Some(ColumnShape::list(COLUMNS, [Int, Int, Text, Float])))
        }
    }

    fn check_origins(&self, here: &dyn Origin) -> Vec<Complaint> {
        let mut complaints = upstream::check_look(here, true);
        complaints.extend(upstream::check_validation(
            here,
            self.split == Split::Validation,
        ));
        complaints
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
            COLUMNS[0] => layers.collect::<Vec<_>>(),
            COLUMNS[1] => of_layer.collect::<Vec<_>>(),
            COLUMNS[2] => names.collect::<Vec<_>>(),
            COLUMNS[3] => &found.shares,
        )?;
        table::write(&table, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

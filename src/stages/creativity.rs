//! `creativity`: what a model said when asked for nothing in particular, judged answer by answer.

use polars::prelude::df;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::upstream;
use super::walk::{answers_and_targets, are_targets_of};
use crate::figures::table;
use crate::learn::creativity::{Judgement, judge};
use crate::learn::task::Dataset;
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnKind, Context, FixedColumn, Origin, ParamError, Port,
    PortSyntax, Stage, Stop,
};

/// Judges whether sampled answers are new.
///
/// For a task without right answers, such as `sibling-discovery`, decoded with `sample`. `AVG(creative)` is the share of
/// answers that are coherent, unseen and said for the first time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Creativity {}

/// The columns of the table it leaves.
const COLUMNS: &[FixedColumn] = &[
    FixedColumn::new("example", ColumnKind::Int, "number of the answer, from 0"),
    FixedColumn::new(
        "coherent",
        ColumnKind::Int,
        "1 if it could be an example of the task, else 0",
    ),
    FixedColumn::new(
        "seen",
        ColumnKind::Int,
        "1 if it is a training example, else 0",
    ),
    FixedColumn::new(
        "repeated",
        ColumnKind::Int,
        "1 if an earlier answer is the same, else 0",
    ),
    FixedColumn::new(
        "creative",
        ColumnKind::Int,
        "1 if it is coherent, not seen and not repeated, else 0",
    ),
];

impl Stage for Creativity {
    const KIND: &'static str = "creativity";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "an answer, which is a sample of the model";
    const COLUMNS: &'static [FixedColumn] = COLUMNS;
    const PORTS: &'static [Port] = &[
        Port {
            name: "answers",
            cardinality: Cardinality::One,
            accepts: &[ArtifactType::Answers],
            syntax: PortSyntax::One,
            doc: "what a model said",
        },
        Port {
            name: "data",
            cardinality: Cardinality::One,
            accepts: &[ArtifactType::Dataset],
            syntax: PortSyntax::One,
            doc: "the dataset that it answered, of which it learnt the training split",
        },
    ];

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        upstream::check_creativity(here)
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let rows = table::read(job.one("answers")?.file("positions.parquet")?)?;
        let (answers, targets) = answers_and_targets(&rows)?;
        // Others, or such in a published model's tokens, would look like nonsense that a model said.
        let mut splits = dataset.splits().into_iter();
        if !splits.any(|(_, split)| are_targets_of(&targets, split)) {
            return Err(Stop::failed(
                "the answers are to other examples than those of `data`, or in the tokens of a published model",
            ));
        }
        let Some(judged) = judge(&dataset, &answers) else {
            return Err(Stop::failed(
                "every question of this dataset has one right answer, so there is nothing to discover; judge `exact` \
                 of the answers, or use the data of `sibling-discovery`",
            ));
        };
        let column = |of: fn(&Judgement) -> bool| -> Vec<i64> {
            judged.iter().map(|answer| i64::from(of(answer))).collect()
        };
        let rows = df!(
            COLUMNS[0].name => (0..judged.len() as i64).collect::<Vec<_>>(),
            COLUMNS[1].name => column(|answer| answer.coherent),
            COLUMNS[2].name => column(|answer| answer.seen),
            COLUMNS[3].name => column(|answer| answer.repeated),
            COLUMNS[4].name => column(|answer| answer.creative()),
        )?;
        table::write(&rows, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

//! `walk`: what kind of mistakes answers make.

use polars::prelude::{DataFrame, df};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::{Decode, Split};
use super::upstream;
use crate::figures::table;
use crate::learn::task::{Dataset, Examples};
use crate::learn::walk::Walk;
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnKind, Context, FixedColumn, Origin, ParamError, Port,
    PortSyntax, Progress, Stage, Stop,
};

/// Tells the kind of mistake of each answer.
///
/// It reads an answer as a walk in the graph of its example. `outcome` is one of these:
///
/// - `right`;
/// - `wrong-arm`: along edges down another arm than the goal's, to its end;
/// - `right-then-lost`: the first step goes into the goal's arm, and a later step is wrong;
/// - `wrong-then-lost`: the first step goes into another arm, and a later step is no edge;
/// - `off-graph`: it does not begin at the start, or its first step leads to no child of the start.
///
/// `follows` looks at the steps to the positions 3 to l − 1 of a path of l nodes. The last position is left out, because deep
/// models copy the goal there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WalkOf {
    /// Which examples were answered.
    #[serde(default)]
    split: Split,
}

const COLUMNS: &[FixedColumn] = &[
    FixedColumn::new("example", ColumnKind::Int, "number of the example, from 0"),
    FixedColumn::new(
        "outcome",
        ColumnKind::Text,
        "what kind of mistake it is; see above",
    ),
    FixedColumn::new(
        "arm",
        ColumnKind::Int,
        "the arm of the first step: 1 is the goal's, others follow in the order of their first edges in the prefix; empty for `off-graph`",
    ),
    FixedColumn::new(
        "edge_share",
        ColumnKind::Float,
        "share of its steps that are edges",
    ),
    FixedColumn::new(
        "ends_in_goal",
        ColumnKind::Int,
        "1 if its last node is the goal, else 0",
    ),
    FixedColumn::new(
        "lost_at",
        ColumnKind::Int,
        "the first position that leaves the graph; empty if none does",
    ),
    FixedColumn::new(
        "follows",
        ColumnKind::Int,
        "1 if it stays on its arm after the first step, else 0; empty where a path has fewer than 4 nodes",
    ),
];

/// Answers judged between two looks at whether to stop.
const CHUNK: usize = 4096;

impl WalkOf {
    /// What is wrong where the answers are to another split.
    fn check_answered(&self, here: &dyn Origin) -> Option<ParamError> {
        let answers = here.at("answers")?;
        let decoded = answers.of::<Decode>()?.split;
        (decoded != self.split).then(|| {
            let why = format!(
                "`{}` answers the split `{}`, not `{}`",
                answers.name(),
                decoded.name(),
                self.split.name()
            );
            ParamError::new("split", why)
        })
    }
}

impl Stage for WalkOf {
    const KIND: &'static str = "walk";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "an answer";
    const COLUMNS: &'static [FixedColumn] = COLUMNS;
    const PORTS: &'static [Port] = &[
        Port {
            name: "answers",
            cardinality: Cardinality::One,
            accepts: &[ArtifactType::Answers],
            syntax: PortSyntax::One,
            doc: "the answers",
        },
        Port {
            name: "data",
            cardinality: Cardinality::One,
            accepts: &[ArtifactType::Dataset],
            syntax: PortSyntax::One,
            doc: "the dataset whose examples were answered",
        },
    ];

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        let checks = [
            upstream::check_graphs(here),
            upstream::check_answers(here),
            self.check_answered(here),
        ];
        checks.into_iter().flatten().collect()
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let examples = self.split.of(&dataset)?;
        let answers = table::read(job.one("answers")?.file("positions.parquet")?)?;
        let (answers, targets) = answers_and_targets(&answers)?;
        if !are_targets_of(&targets, examples) {
            let why = "these are no answers to these examples: their targets differ; is `data` the dataset that was answered, \
                       `split` the part of it, and does the model read the tokens of the task (not text)?";
            return Err(Stop::failed(why));
        }
        let rows = examples
            .iter()
            .zip(answers.chunks_exact(dataset.target_length));
        let total = rows.len() as u64;
        let mut walks: Vec<Walk> = Vec::with_capacity(rows.len());
        for ((prefix, target), answer) in rows {
            if walks.len().is_multiple_of(CHUNK) {
                job.progress(Progress {
                    done: walks.len() as u64,
                    total,
                    unit: "answers".into(),
                    metrics: Vec::new(),
                })?;
            }
            let Some(graph) = dataset.task.contract().graph(prefix) else {
                let why =
                    "the examples of this task are no graphs to walk in; those of `path-star` are";
                return Err(Stop::failed(why));
            };
            walks.push(Walk::of(&graph, target, answer, dataset.mask));
        }
        table::write(&rows_of(&walks)?, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

/// The answers in a table of them by position, and what was right, both row-major, (answers, target).
pub(super) fn answers_and_targets(table: &DataFrame) -> Result<(Vec<u32>, Vec<u32>), Stop> {
    let column = |name: &str| -> Result<Vec<u32>, Stop> {
        let values = table::numbers(table::column(table, name)?)?;
        let token = |value: Option<f64>| match value {
            Some(value) if value >= 0.0 && value <= f64::from(u32::MAX) => Ok(value as u32),
            _ => Err(Stop::failed(format!(
                "the answers have a `{name}` that is no token"
            ))),
        };
        values.into_iter().map(token).collect()
    };
    Ok((column("answer")?, column("target")?))
}

/// Whether these are the targets of so many of the first examples.
pub(super) fn are_targets_of(targets: &[u32], examples: &Examples) -> bool {
    let length = examples.target_length();
    let truth = examples.iter().flat_map(|(_, target)| target);
    targets.len().is_multiple_of(length)
        && targets.len() / length <= examples.len()
        && truth.zip(targets).all(|(truth, target)| truth == target)
}

/// A row an answer.
fn rows_of(walks: &[Walk]) -> Result<DataFrame, Stop> {
    let whole = |value: Option<usize>| value.map(|value| value as i64);
    Ok(df!(
        COLUMNS[0].name => (0..walks.len() as i64).collect::<Vec<_>>(),
        COLUMNS[1].name => walks.iter().map(|walk| walk.outcome.name()).collect::<Vec<_>>(),
        COLUMNS[2].name => walks.iter().map(|walk| whole(walk.arm)).collect::<Vec<_>>(),
        COLUMNS[3].name => walks.iter().map(|walk| walk.edges).collect::<Vec<_>>(),
        COLUMNS[4].name => walks.iter().map(|walk| i64::from(walk.ends_in_goal)).collect::<Vec<_>>(),
        COLUMNS[5].name => walks.iter().map(|walk| whole(walk.lost_at)).collect::<Vec<_>>(),
        COLUMNS[6].name => walks.iter().map(|walk| walk.follows.map(i64::from)).collect::<Vec<_>>(),
    )?)
}

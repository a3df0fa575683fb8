//! `creativity`: what a model said when asked for nothing in particular, judged answer by answer.

use std::path::Path;

use polars::prelude::{DataFrame, df};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::table;
use crate::learn::creativity::{Judgement, judge};
use crate::learn::task::{Dataset, Examples};
use crate::pipeline::{
    ArtifactType, Complaint, Context, Holds, Port, Stage, Stop, TableShape, Takes,
};

/// Judges the answers of a model to a task without right answers, such as `sibling-discovery`, decoded with `sample`.
///
/// A row an answer, each column 0 or 1: `coherent` where it could be an example of the task, `seen` where it was learnt from,
/// `repeated` where an earlier answer is the same, `creative` where it is coherent and neither. So `AVG(creative)` is the share
/// of distinct, coherent and unseen answers. Average by training run before `ci95`, which takes the rows of a table for runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Creativity {}

/// The columns of the table it leaves.
const COLUMNS: [&str; 5] = ["example", "coherent", "seen", "repeated", "creative"];

impl Stage for Creativity {
    const KIND: &'static str = "creativity";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[
        Port {
            name: "answers",
            takes: Takes::One,
            accepts: &[ArtifactType::Answers],
            holds: Holds::One,
            doc: "what a model said",
        },
        Port {
            name: "data",
            takes: Takes::One,
            accepts: &[ArtifactType::Dataset],
            holds: Holds::One,
            doc: "the dataset that it answered, of which it learnt the training split",
        },
    ];

    fn columns(&self, _inputs: &[TableShape]) -> Result<Option<Vec<String>>, Vec<Complaint>> {
        Ok(Some(COLUMNS.map(str::to_string).to_vec()))
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let answers = answers(job.one("answers")?.file("positions.parquet")?, &dataset)?;
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
            COLUMNS[0] => (0..judged.len() as i64).collect::<Vec<_>>(),
            COLUMNS[1] => column(|answer| answer.coherent),
            COLUMNS[2] => column(|answer| answer.seen),
            COLUMNS[3] => column(|answer| answer.repeated),
            COLUMNS[4] => column(|answer| answer.creative()),
        )?;
        table::write(&rows, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

/// The tokens of all answers, row-major, (answers, target). It is an error if they are not answers to one of the dataset's
/// splits from its beginning: others, or such in a published model's tokens, would look like nonsense that a model said.
fn answers(path: &Path, dataset: &Dataset) -> Result<Vec<u32>, Stop> {
    let rows = table::read(path)?;
    let column = |name: &str| numbers(&rows, name);
    let asked = column("target")?;
    let to = |examples: &Examples| {
        let targets = examples.iter().flat_map(|(_, target)| target);
        asked.len() <= examples.len() * dataset.target_length
            && targets.zip(&asked).all(|(target, asked)| target == asked)
    };
    if !asked.len().is_multiple_of(dataset.target_length)
        || !(to(&dataset.test) || to(&dataset.train))
    {
        return Err(Stop::failed(
            "the answers are to other examples than those of `data`, or in the tokens of a published model",
        ));
    }
    column("answer")
}

/// A column of tokens.
fn numbers(rows: &DataFrame, name: &str) -> Result<Vec<u32>, Stop> {
    let numbers = table::column(rows, name)?.i64()?;
    let tokens = numbers.iter().map(|number| {
        let token = number.and_then(|number| u32::try_from(number).ok());
        token.ok_or_else(|| Stop::failed(format!("the answers have a `{name}` that is no token")))
    });
    tokens.collect()
}

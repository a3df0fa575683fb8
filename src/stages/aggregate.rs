//! `aggregate`: many tables in, one out, by SQL.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::frames;
use crate::figures::sql::Query;
use crate::figures::table;
use crate::pipeline::{
    ArtifactType, ColumnShape, Complaint, Context, Holds, Input, Port, Stage, Stop, TableShape,
    Takes,
};

/// Reads any number of artifacts as tables and makes one table of them, by SQL.
///
/// A stage `x` is the table `x`; a model is its learning curve (`step`, `loss`, `learning_rate`, `exact`), answers have a row
/// an example (`example`, `exact`). `x_positions` goes by position: for a model `step`, `position`, `accuracy` (forced), for
/// answers `example`, `position`, `target`, `answer`, `correct`. Coordinates and swept parameters are columns too.
/// `ci95(x)` is half the width of the 95 % confidence interval of the mean of `x` over training runs, `runs()` their number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// One SELECT.
    #[schemars(length(min = 1))]
    sql: String,
}

impl Stage for Aggregate {
    const KIND: &'static str = "aggregate";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        takes: Takes::All,
        accepts: &[
            ArtifactType::Answers,
            ArtifactType::Model,
            ArtifactType::Table,
        ],
        holds: Holds::List,
        doc: "the stages whose tables the SQL reads",
    }];

    fn complaints(&self) -> Vec<Complaint> {
        let problem = Query::parse(&self.sql).err();
        problem
            .map(|p| frames::complaint("sql", p))
            .into_iter()
            .collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<Complaint>> {
        let Ok(query) = Query::parse(&self.sql) else {
            return Ok(None);
        };
        let catalog = frames::catalog(inputs);
        let problems = query.problems(&catalog);
        match problems.is_empty() {
            true => {
                let names = query.output_columns(&catalog);
                Ok(names.map(|names| {
                    let names = names.into_iter();
                    names.map(|name| ColumnShape::new(name, None)).collect()
                }))
            }
            false => Err(problems
                .into_iter()
                .map(|problem| frames::complaint("sql", problem))
                .collect()),
        }
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        Query::parse(&self.sql).ok()?.words()
    }

    fn neutralise(&self, parameters: &mut Json, names: &BTreeMap<String, String>) {
        if let Ok(query) = Query::parse(&self.sql) {
            parameters["sql"] = json!(query.canonical(names));
        }
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let query = Query::parse(&self.sql)?;
        let wanted = query.tables();
        let mut stages: BTreeMap<&str, Vec<&Input>> = BTreeMap::new();
        for input in job.all("from") {
            stages.entry(&input.table).or_default().push(input);
        }
        let mut tables = BTreeMap::new();
        for (stage, inputs) in stages {
            for of in inputs[0].artifact.tables() {
                let name = format!("{stage}{}", of.suffix);
                if wanted.contains(&name) {
                    tables.insert(name, frames::stacked(&inputs, of.file, true)?);
                }
            }
        }
        let result = query.run(tables)?;
        table::write(&result, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

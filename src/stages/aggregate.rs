//! `aggregate`: many tables in, one out, by SQL.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{frames, runs};
use crate::figures::sql::{Catalog, Query, Table};
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
/// `ci95(x)` is half the width of the 95 % confidence interval of the mean of `x` over runs, `runs()` their number; a run is a
/// job, or `ci95(x, seed)` says what it is. `clopper_pearson95_low(x)` and `_high`, `wilson95_low(x)` and `_high` are the ends of
/// the interval of a share of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// One SELECT.
    #[schemars(length(min = 1))]
    sql: String,
}

impl Stage for Aggregate {
    const KIND: &'static str = "aggregate";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "what its SQL makes it";
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
        let tables = inputs.iter();
        let catalog: Catalog = tables
            .map(|shape| (shape.name.clone(), runs::info(shape)))
            .collect();
        match query.check(&catalog) {
            Ok(columns) => Ok(columns.map(|columns| {
                let columns = columns.into_iter();
                columns
                    .map(|(name, kind)| ColumnShape::new(name, frames::shape_of(kind)))
                    .collect()
            })),
            Err(problems) => Err(problems
                .into_iter()
                .map(|problem| frames::complaint("sql", problem))
                .collect()),
        }
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        Query::parse(&self.sql).ok()?.words()
    }

    fn counts_runs(&self) -> bool {
        Query::parse(&self.sql).is_ok_and(|query| query.counts_runs())
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
        let (mut tables, mut told) = (BTreeMap::new(), BTreeMap::new());
        for (stage, inputs) in stages {
            for of in inputs[0].artifact.tables() {
                let name = format!("{stage}{}", of.suffix);
                if !wanted.contains(&name) {
                    continue;
                }
                let own = inputs
                    .iter()
                    .map(|input| Ok(table::read(input.file(of.file)?)?));
                let own: Vec<DataFrame> = own.collect::<Result<_, Stop>>()?;
                let (ids, of_runs) = runs::of_rows(tables.len(), &name, &inputs, &own)?;
                let rows = frames::stacked(&inputs, of.file)?;
                told.insert(name.clone(), of_runs);
                tables.insert(name, Table { rows, runs: ids });
            }
        }
        let result = query.run(tables, &told)?;
        table::write(&result, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

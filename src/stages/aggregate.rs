//! `aggregate`: many tables in, one out, by SQL.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{frames, runs};
use crate::figures::sql::{Catalog, Query, SqlProblem, Table};
use crate::figures::table;
use crate::pipeline::{
    ArtifactType, ColumnShape, Complaint, Context, Holds, Input, Port, Stage, Stop, TableShape,
    Takes,
};

/// Reads any number of artifacts as tables and makes one table of them, by SQL.
///
/// A stage `x` is the table `x`; a model is its learning curve (`step`, `loss`, `learning_rate`, `exact`), answers have a row
/// an example (`example`, `exact`). `x_positions` goes by position: for a model `step`, `position`, `accuracy` (forced), for
/// answers `example`, `position`, `target`, `answer`, `correct`. Coordinates and swept parameters are columns too; `etude
/// columns` shows them.
///
/// Over runs: ci95(x) is half the width of the 95 % confidence interval of the mean of x (Student's t), runs() their number;
/// clopper_pearson95_low(x), clopper_pearson95_high(x), wilson95_low(x), wilson95_high(x) are the ends of the interval of a share,
/// with x 0 or 1 a run. A run is a job, and its rows are averaged first; ci95(x, seed) says that a run is what has one `seed`.
///
/// Aggregates: COUNT, COUNT_IF, SUM, AVG, MIN, MAX, MEDIAN, QUANTILE_CONT, QUANTILE_DISC, STDDEV, STDDEV_POP, VARIANCE, VAR_POP,
/// CORR, COVAR_SAMP, COVAR_POP, PRODUCT, MODE, FIRST, LAST, ANY_VALUE, ARG_MAX, ARG_MIN, BOOL_AND, BOOL_OR, STRING_AGG; DISTINCT and
/// FILTER (WHERE …). Windows: these, and ROW_NUMBER, RANK, DENSE_RANK, PERCENT_RANK, CUME_DIST, NTILE, LAG, LEAD, FIRST_VALUE,
/// LAST_VALUE, NTH_VALUE, with PARTITION BY, ORDER BY and ROWS. Of a row: ABS, SIGN, ROUND, FLOOR, CEIL, TRUNC, SQRT, POWER, EXP, LN,
/// LOG, LOG2, LOG10, SIN, COS, TANH, PI, IF, GREATEST, LEAST, COALESCE, NULLIF, ISNAN, ISINF, ISFINITE, UPPER, LOWER, LENGTH, SUBSTR, LEFT, RIGHT, STRPOS, TRIM,
/// REPLACE, CONCAT, STARTS_WITH, ENDS_WITH, CONTAINS, CASE, CAST, TRY_CAST, LIKE, ILIKE, IN, BETWEEN. Queries: WITH, joins of every kind,
/// subqueries that do not read the query around them, UNION, INTERSECT, EXCEPT, DISTINCT, GROUP BY, HAVING, QUALIFY, ORDER BY, LIMIT.
///
/// A comparison with NULL or NaN is unknown; both are last in an order, and NaN makes an aggregate NaN. `/` gives fractions, `//`
/// cuts it off. Numbers are not compared with text. Names are case-sensitive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// One SELECT.
    #[schemars(length(min = 1))]
    sql: String,
}

impl Stage for Aggregate {
    const KIND: &'static str = "aggregate";
    const VERSION: u32 = 4;
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
        let complaints = |problems: Vec<SqlProblem>| {
            let problems = problems.into_iter();
            problems
                .map(|problem| frames::complaint("sql", problem))
                .collect::<Vec<_>>()
        };
        let columns = query.check(&catalog).map_err(complaints)?;
        Ok(columns.map(|columns| {
            let columns = columns.into_iter().map(|column| ColumnShape {
                is_computed: column.is_computed,
                ..ColumnShape::new(column.name, frames::shape_of(column.kind))
            });
            columns.collect()
        }))
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
        let mut notes = Vec::new();
        let read = query.words();
        for (stage, inputs) in stages {
            for of in inputs[0].artifact.tables() {
                let name = format!("{stage}{}", of.suffix);
                if !wanted.contains(&name) {
                    continue;
                }
                let own = frames::read(&inputs, of.file)?;
                let (ids, of_runs) = runs::of_rows(tables.len(), &name, &inputs, &own)?;
                let (rows, said) = frames::stacked_and_notes(&inputs, own, read.as_ref())?;
                let called = |note: String| format!("`{name}`: {note}");
                notes.extend(said.into_iter().map(called));
                told.insert(name.clone(), of_runs);
                tables.insert(name, Table { rows, runs: ids });
            }
        }
        let (result, said) = query.run(tables, &told).map_err(|error| {
            let notes = notes.iter().map(|note| format!("; {note}"));
            Stop::failed(format!("{error}{}", notes.collect::<String>()))
        })?;
        notes.extend(said);
        job.warn(&notes)?;
        table::write(&result, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

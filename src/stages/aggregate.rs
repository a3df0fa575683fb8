//! `aggregate`: many tables in, one out, by SQL.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{frames, runs};
use crate::figures::sql::{Catalog, Query, SqlProblem, Table, hyphens_told};
use crate::figures::table;
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, Input, ParamError, Port, PortSyntax, Stage,
    Stop, TableShape,
};

/// Computes one table from others with SQL.
///
/// A stage `x` is the table `x`. A model is its learning curve, and answers have one row an example; `x_positions` has one row a
/// position. Coordinates and swept parameters are columns too. `etude columns FILE` shows all columns.
///
/// Functions over runs:
///
/// - ci95(x): half the width of the 95 % confidence interval of the mean of x (Student's t).
/// - run_mean(x): the mean of the runs' means. AVG(x) gives each row the same weight.
/// - runs(): how many runs there are.
/// - clopper_pearson95_low(x), clopper_pearson95_high(x), wilson95_low(x), wilson95_high(x): the ends of the interval of a share,
///   where x is 0 or 1 for each run.
///
/// A run is a job, and the rows of a run are averaged first. ci95(x, seed) says that rows with the same `seed` are one run.
///
/// Other functions:
///
/// - Aggregates: COUNT, COUNT_IF (COUNTIF), SUM, PRODUCT, AVG (MEAN), MIN, MAX, MEDIAN, QUANTILE_CONT, QUANTILE_DISC, STDDEV
///   (STDDEV_SAMP), STDDEV_POP, VARIANCE (VAR_SAMP), VAR_POP, CORR, COVAR_SAMP, COVAR_POP, MODE, FIRST, LAST, ANY_VALUE, ARG_MAX
///   (MAX_BY), ARG_MIN (MIN_BY), BOOL_AND, BOOL_OR, STRING_AGG; with DISTINCT and FILTER (WHERE …).
/// - Windows: the aggregates, ROW_NUMBER, RANK, DENSE_RANK, PERCENT_RANK, CUME_DIST, NTILE, LAG, LEAD, FIRST_VALUE, LAST_VALUE,
///   NTH_VALUE; with PARTITION BY, ORDER BY and ROWS.
/// - Of numbers: ABS, SIGN, MOD, ROUND, FLOOR, CEIL (CEILING), TRUNC, SQRT, POWER (POW), EXP, LN, LOG, LOG2, LOG10, SIN, COS,
///   TANH, PI, ISNAN (IS_NAN), ISINF (IS_INF), ISFINITE (IS_FINITE).
/// - Of text: UPPER (UCASE), LOWER (LCASE), LENGTH (LEN, CHAR_LENGTH, CHARACTER_LENGTH), SUBSTR (SUBSTRING), LEFT, RIGHT, STRPOS
///   (INSTR, POSITION), TRIM, LTRIM, RTRIM, REPLACE, CONCAT, STARTS_WITH, ENDS_WITH (SUFFIX), CONTAINS, LIKE, ILIKE.
/// - Of any values: IF, CASE, GREATEST, LEAST, COALESCE (IFNULL), NULLIF, CAST, TRY_CAST, IN, BETWEEN.
/// - Queries: WITH, joins of every kind, UNION, INTERSECT, EXCEPT, DISTINCT, GROUP BY, HAVING, QUALIFY, ORDER BY, LIMIT, and
///   subqueries that do not read the query around them.
///
/// A comparison with NULL or NaN is unknown. Both come last in an order, and NaN makes an aggregate NaN. `/` gives fractions, `//`
/// whole numbers. Numbers are not compared with text. Names are case-sensitive.
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
        cardinality: Cardinality::All,
        accepts: &[
            ArtifactType::Answers,
            ArtifactType::Model,
            ArtifactType::Table,
        ],
        syntax: PortSyntax::List,
        doc: "the stages whose tables the SQL reads",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        let problem = Query::parse(&self.sql).err();
        problem
            .map(|p| frames::param_error("sql", p))
            .into_iter()
            .collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let Ok(query) = Query::parse(&self.sql) else {
            return Ok(None);
        };
        let tables = inputs.iter();
        let catalog: Catalog = tables
            .map(|shape| (shape.name.clone(), runs::info(shape)))
            .collect();
        let param_errors = |problems: Vec<SqlProblem>| {
            let problems = hyphens_told(&self.sql, problems).into_iter();
            problems
                .map(|problem| frames::param_error("sql", problem))
                .collect::<Vec<_>>()
        };
        let columns = query.check(&catalog).map_err(param_errors)?;
        Ok(columns.map(|columns| {
            let columns = columns.into_iter().map(|column| ColumnShape {
                is_computed: column.is_computed,
                ..ColumnShape::new(column.name, frames::shape_of(column.kind))
            });
            columns.collect()
        }))
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        Some(vec!["table.parquet".into()])
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        Query::parse(&self.sql).ok()?.words()
    }

    fn counts_runs(&self) -> bool {
        Query::parse(&self.sql).is_ok_and(|query| query.counts_runs())
    }

    fn erase_stage_names(&self, parameters: &mut Json, names: &BTreeMap<String, String>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::sql::Functions;
    use crate::pipeline::Kind;

    #[test]
    fn its_documentation_names_every_function() {
        let kind = Kind::of::<Aggregate>();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words: BTreeSet<String> = kind
            .doc()
            .split(|c| !is_part(c))
            .map(str::to_lowercase)
            .collect();
        let all = Functions::all();
        let names = [all.over_runs, all.aggregates, all.windows, all.of_a_row].concat();
        let missing: Vec<&str> = names
            .into_iter()
            .filter(|name| !words.contains(*name))
            .collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}

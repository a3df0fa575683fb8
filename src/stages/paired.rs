//! `paired`: a table in, paired tests between its methods out.

use std::collections::BTreeSet;

use polars::prelude::DataFrame;

use super::{frames, runs};
use crate::figures::paired::{COLUMNS as NAMES, Paired, compare};
use crate::figures::sql::RunIds;
use crate::figures::table;
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnKind, ColumnShape, Context, FixedColumn, Input, ParamError,
    Port, PortSyntax, RunsOf, Stage, Stop, TableShape,
};

/// The columns that [`compare`] gives.
const COLUMNS: &[FixedColumn] = &[
    FixedColumn::new(NAMES[0], ColumnKind::Text, "the one method"),
    FixedColumn::new(NAMES[1], ColumnKind::Text, "the other method"),
    FixedColumn::new(
        NAMES[2],
        ColumnKind::Int,
        "how many pairs of results they have",
    ),
    FixedColumn::new(NAMES[3], ColumnKind::Float, "mean of first − second"),
    FixedColumn::new(
        NAMES[4],
        ColumnKind::Float,
        "lower end of its 95 % interval (Student's t)",
    ),
    FixedColumn::new(
        NAMES[5],
        ColumnKind::Float,
        "upper end of its 95 % interval",
    ),
    FixedColumn::new(NAMES[6], ColumnKind::Float, "p-value of the paired t test"),
    FixedColumn::new(
        NAMES[7],
        ColumnKind::Float,
        "the same after Holm's correction",
    ),
    FixedColumn::new(NAMES[8], ColumnKind::Float, "p-value of the sign-flip test"),
    FixedColumn::new(
        NAMES[9],
        ColumnKind::Float,
        "the same after Holm's correction",
    ),
    FixedColumn::new(
        NAMES[10],
        ColumnKind::Text,
        "where one of them has no row or no number; empty if nowhere",
    ),
];

/// Which parameter names which column.
fn uses(paired: &Paired) -> Vec<(&'static str, &str)> {
    let by = paired.by.iter().map(|column| ("by", column.as_str()));
    let others = [
        ("between", paired.between.as_str()),
        ("value", paired.value.as_str()),
    ];
    by.chain(others).collect()
}

impl Paired {
    /// What makes rows the same result under several labels: the run that their labels stand for, and all of `by` that is no
    /// label. Nothing where a job made all rows itself: then `by` says what they are.
    fn units(
        &self,
        input: &Input,
        runs: Option<RunIds>,
        rows: &DataFrame,
    ) -> Result<Vec<Option<String>>, Stop> {
        let of = input.runs.as_ref().map(|told| &told.of);
        let (Some(RunsOf::Labels { axes, .. }), Some(runs)) = (of, runs) else {
            return Ok(Vec::new());
        };
        let others = self.by.iter().filter(|column| !axes.contains(column));
        let others = others.map(|column| table::texts(table::column(rows, column)?));
        let others: Vec<Vec<Option<String>>> = others.collect::<Result<_, _>>()?;
        let units = runs.into_iter().enumerate().map(|(row, run)| {
            let others: Vec<&Option<String>> = others.iter().map(|texts| &texts[row]).collect();
            Some(format!("{} {others:?}", run?))
        });
        Ok(units.collect())
    }
}

impl Stage for Paired {
    const KIND: &'static str = "paired";
    const VERSION: u32 = 3;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "a comparison of two methods";
    const COLUMNS: &'static [FixedColumn] = COLUMNS;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::One,
        doc: "the table with a row for each method and seed",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        let mut seen = BTreeSet::new();
        let uses = uses(self).into_iter();
        uses.filter(|(_, column)| !seen.insert(*column))
            .map(|(parameter, column)| {
                let why = format!("the column `{column}` is named twice");
                ParamError::new(parameter, why)
                    .help("methods, what pairs their rows, and the value are columns of their own")
            })
            .collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let mut param_errors = frames::missing_columns(uses(self), inputs);
        param_errors.extend(frames::text_columns(
            [("value", self.value.as_str())],
            inputs,
        ));
        if param_errors.is_empty() {
            Ok(Some(FixedColumn::shapes(COLUMNS)))
        } else {
            Err(param_errors)
        }
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        Some(vec!["table.parquet".into()])
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        let uses = uses(self).into_iter();
        Some(uses.map(|(_, column)| column.to_string()).collect())
    }

    /// One job may stand under several labels.
    fn counts_runs(&self) -> bool {
        true
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let inputs = [job.one("from")?];
        let own = frames::read(&inputs, "table.parquet")?;
        let (runs, _) = runs::of_rows(0, &inputs[0].table, &inputs, &own)?;
        let (rows, mut notes) = frames::stacked_and_notes(&inputs, own, None)?;
        let units = self.units(inputs[0], runs, &rows)?;
        let (result, said) = compare(&rows, self, &units)?;
        notes.extend(said);
        job.warn(&notes)?;
        table::write(&result, &job.out.join("table.parquet"))?;
        Ok(())
    }
}

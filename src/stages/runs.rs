//! Which run each row of a table is of, and what SQL is told about it.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use crate::figures::sql::{Kind, RunIds, Runs, TableInfo};
use crate::figures::table;
use crate::pipeline::{ColumnKind, Input, RunsOf, Scalar, Stop, TableShape, number_in};

/// Runs of different tables never have the same number.
const MOST: i64 = 1 << 40;

/// A table that SQL may read, as far as it is known before it runs.
pub fn info(shape: &TableShape) -> TableInfo {
    let kind = |kind: Option<ColumnKind>| match kind {
        Some(ColumnKind::Bool) => Kind::Bool,
        Some(ColumnKind::Int) => Kind::Int,
        Some(ColumnKind::Float) => Kind::Float,
        Some(ColumnKind::Text) => Kind::Text,
        None => Kind::Unknown,
    };
    let columns: Option<Vec<(String, Kind)>> = shape.columns.as_ref().map(|columns| {
        let columns = columns.iter();
        columns
            .map(|column| (column.name.clone(), kind(column.kind)))
            .collect()
    });
    let names = columns.as_ref().map(|columns| {
        let names = columns.iter().map(|(name, _)| name.clone());
        names.collect::<Vec<_>>()
    });
    let coordinates = shape.coordinates.iter();
    TableInfo {
        runs: runs(&shape.name, &shape.runs, names.as_deref()),
        coordinates: coordinates
            .map(|column| (column.name.clone(), kind(column.kind)))
            .collect(),
        columns,
    }
}

/// What a run is among the rows of a table with these columns; `None` where they are not known.
fn runs(table: &str, of: &RunsOf, columns: Option<&[String]>) -> Runs {
    match (of, columns) {
        (RunsOf::Job { axes }, _) => Runs::Axes(axes.clone()),
        (RunsOf::Untold, _) => Runs::Untold(format!(
            "one job made all rows of `{table}`, and nothing tells which of them are one run"
        )),
        (RunsOf::Labels { .. }, None) => Runs::Open,
        (RunsOf::Labels { axes, .. }, Some(columns)) => {
            let missing = of.unnamed(|axis| columns.iter().any(|column| column == axis));
            let missing: Vec<String> = missing
                .into_iter()
                .map(|axis| format!("`{axis}`"))
                .collect();
            if missing.is_empty() {
                Runs::Axes(axes.clone())
            } else {
                Runs::Untold(format!(
                    "a row of `{table}` may be made of several runs: it has no column that is the axis {}",
                    missing.join(" or ")
                ))
            }
        }
    }
}

/// The run of each row of the inputs, stacked in this order, and what SQL is told about it; `number` is that of the table.
/// `rows` are the inputs' own tables.
pub fn of_rows(
    number: usize,
    name: &str,
    inputs: &[&Input],
    rows: &[DataFrame],
) -> Result<(Option<RunIds>, Runs), Stop> {
    let Some(told) = inputs.first().and_then(|input| input.runs.as_ref()) else {
        let none = Runs::Untold(format!("nothing tells which rows of `{name}` are one run"));
        return Ok((None, none));
    };
    let columns = rows.first().map(table::column_names).unwrap_or_default();
    let runs = runs(name, &told.of, Some(&columns));
    if !matches!(runs, Runs::Axes(_)) {
        return Ok((None, runs));
    }
    let base = i64::try_from(number).unwrap_or(0).saturating_mul(MOST);
    let mut known: BTreeMap<Vec<String>, i64> = BTreeMap::new();
    let mut ids = Vec::new();
    for (input, rows) in inputs.iter().zip(rows) {
        let Some(told) = &input.runs else { continue };
        match &told.of {
            RunsOf::Labels { axes, given, .. } => {
                let mut by_axis: Vec<Vec<Option<String>>> = Vec::new();
                let mut are_numbers = Vec::new();
                for axis in axes {
                    let own = told.given.get(axis).filter(|_| given.contains(axis));
                    let (labels, is_number) = match own {
                        Some(label) => (vec![Some(label.clone()); rows.height()], false),
                        None => {
                            let column = table::column(rows, axis)?;
                            let is_number = column.dtype().is_primitive_numeric();
                            (table::texts(column)?, is_number)
                        }
                    };
                    let labels = labels.into_iter();
                    let labels = labels.map(|label| label.map(|label| identity(&label, is_number)));
                    by_axis.push(labels.collect());
                    are_numbers.push(is_number);
                }
                let identities = |labels: &[String]| -> Vec<String> {
                    let labels = labels.iter().zip(&are_numbers);
                    labels
                        .map(|(label, is_number)| identity(label, *is_number))
                        .collect()
                };
                // The first labels of the job that stands under these.
                let mut firsts: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
                for (these, first) in &told.same {
                    let first = identities(first);
                    firsts.entry(identities(these)).or_insert(first);
                }
                for row in 0..rows.height() {
                    let labels = by_axis.iter().map(|labels| labels[row].clone());
                    // A row without a label is of no run.
                    let Some(labels) = labels.collect::<Option<Vec<String>>>() else {
                        ids.push(None);
                        continue;
                    };
                    let labels = firsts.get(&labels).cloned().unwrap_or(labels);
                    let next = base + i64::try_from(known.len()).unwrap_or(0);
                    ids.push(Some(*known.entry(labels).or_insert(next)));
                }
            }
            _ => {
                let job = base + i64::try_from(told.job).unwrap_or(0);
                ids.extend(std::iter::repeat_n(Some(job), rows.height()));
            }
        }
    }
    Ok((Some(ids), runs))
}

/// What makes a label the same as another: in a column of numbers its value, elsewhere its text, letter by letter.
fn identity(label: &str, is_number: bool) -> String {
    match number_in(label).filter(|_| is_number) {
        Some(number) => number.identity(),
        None => Scalar::Text(label.to_owned()).identity(),
    }
}

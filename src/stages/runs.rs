//! Which run each row of a table is of, and what SQL is told about it.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use crate::figures::sql::{Kind, RunIds, Runs, TableInfo};
use crate::figures::table;
use crate::pipeline::{ColumnKind, Input, RunsOf, Stop, TableShape};

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
            match missing.is_empty() {
                true => Runs::Axes(axes.clone()),
                false => Runs::Untold(format!(
                    "a row of `{table}` may be made of several runs: it has no column that is the axis {}",
                    missing.join(" or ")
                )),
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
    let mut known: BTreeMap<Vec<Option<String>>, i64> = BTreeMap::new();
    let mut ids = Vec::new();
    for (input, rows) in inputs.iter().zip(rows) {
        let Some(told) = &input.runs else { continue };
        match &told.of {
            RunsOf::Labels { axes, given, .. } => {
                let mut by_axis: Vec<Vec<Option<String>>> = Vec::new();
                for axis in axes {
                    let own = told.given.get(axis).filter(|_| given.contains(axis));
                    by_axis.push(match own {
                        Some(label) => vec![Some(label.clone()); rows.height()],
                        None => table::texts(table::column(rows, axis)?)?,
                    });
                }
                for row in 0..rows.height() {
                    let labels: Vec<Option<String>> =
                        by_axis.iter().map(|labels| labels[row].clone()).collect();
                    // A row without a label is of no run.
                    if labels.iter().any(Option::is_none) {
                        ids.push(None);
                        continue;
                    }
                    let labels = first_of(labels, &told.same);
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

/// The first labels of the job that stands under these.
fn first_of(
    labels: Vec<Option<String>>,
    same: &[(Vec<String>, Vec<String>)],
) -> Vec<Option<String>> {
    let is = |own: &Option<String>, label: &String| match own {
        Some(own) => own == label || is_same_number(own, label),
        None => false,
    };
    let found = same
        .iter()
        .find(|(these, _)| labels.iter().zip(these).all(|(own, label)| is(own, label)));
    match found {
        // The first labels as the table would write them: by the same rule, so that both come to one.
        Some((_, first)) => first.iter().map(|label| Some(plain(label))).collect(),
        None => labels
            .into_iter()
            .map(|own| own.map(|own| plain(&own)))
            .collect(),
    }
}

fn is_same_number(one: &str, other: &str) -> bool {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// A number in one way of writing it.
fn plain(label: &str) -> String {
    match (label.parse::<i64>(), label.parse::<f64>()) {
        (Ok(whole), _) => whole.to_string(),
        (_, Ok(number)) if number == number.trunc() && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        (_, Ok(number)) => number.to_string(),
        _ => label.to_owned(),
    }
}

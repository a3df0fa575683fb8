//! Artifacts as tables: rows of every input, with coordinates and swept parameters as columns.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;

use crate::figures::sql::{Condition, Kind, SqlProblem};
use crate::figures::table::{self, Value};
use crate::pipeline::{
    ColumnKind, ColumnShape, Columns, Complaint, Input, Scalar, Stop, TableShape, nearest,
};

/// The rows of one table of several artifacts of one stage, under each other.
///
/// Every row gets the artifact's columns, unless the table has a column of that name. Where a column holds the labels of an
/// axis, the parameters which that axis sweeps stand beside it.
pub fn stacked(inputs: &[&Input], file: &str) -> Result<DataFrame, Stop> {
    let mut parts = Vec::new();
    // What labels stand for is of mixed types as coordinates are.
    let mut mixed = BTreeSet::new();
    for input in inputs {
        let mut frame = table::read(input.file(file)?)?;
        let own: BTreeSet<String> = table::column_names(&frame).into_iter().collect();
        for (axis, labels) in &input.labels {
            if own.contains(axis) {
                let names = labels.values().flat_map(BTreeMap::keys);
                mixed.extend(names.filter(|name| !own.contains(*name)).cloned());
                frame = beside_labels(frame, axis, labels, &own)?;
            }
        }
        let columns = input
            .columns
            .iter()
            .filter(|(name, _)| !own.contains(*name));
        let columns: BTreeMap<String, Value> = columns
            .map(|(name, value)| (name.clone(), constant(value)))
            .collect();
        parts.push((columns, frame));
    }
    let jobs: Vec<String> = inputs.iter().map(|input| input.job.clone()).collect();
    Ok(table::stack_of(parts, &jobs, &mixed)?)
}

/// Splits a table where the label in one column changes and gives each part the columns of its label.
fn beside_labels(
    frame: DataFrame,
    axis: &str,
    labels: &BTreeMap<String, Columns>,
    own: &BTreeSet<String>,
) -> Result<DataFrame, Stop> {
    let texts = table::texts(table::column(&frame, axis)?)?;
    let names: BTreeSet<&String> = labels.values().flat_map(BTreeMap::keys).collect();
    let mut parts = Vec::new();
    let mut from = 0;
    for group in texts.chunk_by(|a, b| a == b) {
        let known = group[0].as_ref().and_then(|text| labels.get(text));
        let columns = names
            .iter()
            .filter(|name| !own.contains(**name))
            .map(|name| {
                let value = known.and_then(|columns| columns.get(*name));
                ((*name).clone(), value.map_or(Value::Null, constant))
            });
        let offset = i64::try_from(from).unwrap_or(i64::MAX);
        parts.push((columns.collect(), frame.slice(offset, group.len())));
        from += group.len();
    }
    match parts.is_empty() {
        true => Ok(frame),
        false => Ok(table::stack(parts)?),
    }
}

fn constant(value: &Scalar) -> Value {
    match value {
        Scalar::Null => Value::Null,
        Scalar::Bool(bool) => Value::Bool(*bool),
        Scalar::Int(int) => Value::Int(*int),
        Scalar::Float(float) => Value::Float(*float),
        Scalar::Text(text) => Value::Text(text.clone()),
    }
}

/// The type that SQL tells of a column, as readers see it.
pub fn shape_of(kind: Kind) -> Option<ColumnKind> {
    match kind {
        Kind::Bool => Some(ColumnKind::Bool),
        Kind::Int => Some(ColumnKind::Int),
        Kind::Single | Kind::Float => Some(ColumnKind::Float),
        Kind::Text => Some(ColumnKind::Text),
        Kind::Null | Kind::Unknown => None,
    }
}

/// A problem of SQL as a complaint about the parameter that holds it.
pub fn complaint(parameter: &str, problem: SqlProblem) -> Complaint {
    Complaint {
        parameter: parameter.to_string(),
        message: problem.message,
        help: Some(problem.help).filter(|help| !help.is_empty()),
        at: Some((problem.line, problem.column)),
    }
}

/// Complains about every column that a parameter needs and no table has.
pub fn missing_columns<'a>(
    needed: impl IntoIterator<Item = (&'a str, &'a str)>,
    shapes: &[TableShape],
) -> Vec<Complaint> {
    // Without a table, what is wrong is told elsewhere.
    let known = shapes.iter().map(TableShape::names);
    let Some(all) = known
        .collect::<Option<Vec<_>>>()
        .filter(|all| !all.is_empty())
    else {
        return Vec::new();
    };
    let all: Vec<String> = all.into_iter().flatten().collect();
    let missing = needed
        .into_iter()
        .filter(|(_, column)| !all.iter().any(|c| c == column));
    missing
        .map(|(parameter, column)| {
            let list: Vec<_> = all.iter().map(|c| format!("`{c}`")).collect();
            let list = format!("the columns are {}", list.join(", "));
            let help = match nearest(column, all.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? {list}"),
                None => list,
            };
            Complaint::new(parameter, format!("there is no column `{column}`")).help(help)
        })
        .collect()
}

/// Complains about every column that must hold numbers and is known to hold text.
pub fn text_columns<'a>(
    needed: impl IntoIterator<Item = (&'a str, &'a str)>,
    shapes: &[TableShape],
) -> Vec<Complaint> {
    let columns: Vec<&ColumnShape> = shapes
        .iter()
        .flat_map(|s| s.columns.iter().flatten())
        .collect();
    let is_text = |name: &str| {
        let mut named = columns
            .iter()
            .filter(|column| column.name == name)
            .peekable();
        named.peek().is_some() && named.all(|column| column.kind == Some(ColumnKind::Text))
    };
    let needed = needed.into_iter().filter(|(_, column)| is_text(column));
    needed
        .map(|(parameter, column)| {
            Complaint::new(
                parameter,
                format!("the column `{column}` is text and holds no numbers"),
            )
        })
        .collect()
}

/// A condition as written, with what is wrong with it.
pub fn condition(parameter: &str, text: &str) -> Result<Condition, Complaint> {
    Condition::parse(text).map_err(|problem| complaint(parameter, problem))
}

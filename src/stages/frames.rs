//! Artifacts as tables: rows of every input, with coordinates and swept parameters as columns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polars::prelude::{AnyValue, Column, DataFrame, IdxCa, IdxSize};

use crate::figures::sql::{Condition, Kind, SqlProblem};
use crate::figures::table::{self, Value};
use crate::pipeline::{
    ColumnKind, ColumnShape, Found, Index, Input, Labels, ParamError, Scalar, Stop, TableShape,
    alternatives, nearest,
};

/// The rows of one table of several artifacts of one stage, under each other.
///
/// Every row gets the artifact's columns; where the table has a column of such a name itself, both must say the same. Where a
/// column holds the labels of an axis, the parameters which that axis sweeps stand beside it.
pub fn stacked(inputs: &[&Input], file: &str) -> Result<DataFrame, Stop> {
    stacked_and_notes(inputs, read(inputs, file)?, None).map(|(rows, _)| rows)
}

/// One table of each of several artifacts, as its file holds it.
pub fn read(inputs: &[&Input], file: &str) -> Result<Vec<DataFrame>, Stop> {
    let tables = inputs.iter();
    tables
        .map(|input| Ok(table::read(input.file(file)?)?))
        .collect()
}

/// So many jobs without rows are named; more are counted.
const NAMED: usize = 3;

/// [`stacked`] of tables that are read already, one an input, and what there is to say of it; of the tables' own columns only
/// those that are wanted, where not all are.
pub fn stacked_and_notes(
    inputs: &[&Input],
    own: Vec<DataFrame>,
    wanted: Option<&BTreeSet<String>>,
) -> Result<(DataFrame, Vec<String>), Stop> {
    let mut frames = Vec::new();
    // What labels stand for is of mixed types as coordinates are.
    let mut mixed = BTreeSet::new();
    for (input, mut frame) in inputs.iter().zip(own) {
        if let Some(wanted) = wanted {
            let all = table::column_names(&frame);
            let kept = all.iter();
            let kept =
                kept.filter(|name| wanted.contains(*name) || input.labels.contains_key(*name));
            let mut kept: Vec<&String> = kept.collect();
            if kept.is_empty() && input.columns.is_empty() {
                // Of a table without columns nobody knows how many rows it has.
                kept.extend(all.first());
            }
            frame = if kept.is_empty() {
                DataFrame::new(frame.height(), Vec::new())?
            } else {
                frame.select(kept)?
            };
        }
        let labels = input.labels.values().flat_map(|labels| &labels.all);
        let names = labels.flat_map(|label| label.columns.keys());
        mixed.extend(names.filter(|name| frame.column(name).is_err()).cloned());
        frames.push(frame);
    }
    let empty: Vec<&str> = inputs
        .iter()
        .zip(&frames)
        .filter(|(_, frame)| frame.height() == 0)
        .map(|(input, _)| input.job.as_str())
        .collect();
    frames = beside_labels(inputs, frames)?;
    let mut parts = Vec::new();
    for (input, frame) in inputs.iter().zip(frames) {
        let own: BTreeSet<String> = table::column_names(&frame).into_iter().collect();
        let (twice, columns): (Vec<_>, Vec<_>) = input
            .columns
            .iter()
            .partition(|(name, _)| own.contains(*name));
        for (name, value) in twice {
            agree(input, table::column(&frame, name)?, name, value)?;
        }
        let columns: BTreeMap<String, Value> = columns
            .into_iter()
            .map(|(name, value)| (name.clone(), constant(value)))
            .collect();
        parts.push((columns, frame));
    }
    let jobs: Vec<String> = inputs.iter().map(|input| input.job.clone()).collect();
    let (rows, mut notes) = table::stack_of(parts, &jobs, &mixed)?;
    if !empty.is_empty() {
        let first = empty.iter().take(NAMED).copied();
        let first = first.collect::<Vec<_>>().join(", ");
        let more = match empty.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notes.push(format!(
            "{} of {} tables have no rows: {first}{more}",
            empty.len(),
            inputs.len()
        ));
    }
    Ok((rows, notes))
}

/// A table's own column of the name of a coordinate, or of a swept parameter, may say again what that is, and nothing else.
fn agree(input: &Input, column: &Column, name: &str, value: &Scalar) -> Result<(), Stop> {
    let here = Index::new([(Arc::from(value.to_string()), value.identity())]);
    for row in 0..column.len() {
        let own = scalar(&column.get(row)?);
        if is_hole(&own) || here.find(&own) == Found::One(0) {
            continue;
        }
        return Err(Stop::failed(format!(
            "the table `{}` has a column `{name}` of its own, which holds `{own}`, but `{name}` is also an axis or a swept \
             parameter of the pipeline, and `{value}` for the job that left it; rename the column where it is made, or the \
             axis or parameter (`etude columns` shows where columns come from)",
            input.table
        )));
    }
    Ok(())
}

/// Gives every row of the tables of one stage the swept parameters that belong to the label in one of its columns.
///
/// A label is found by its value: a number as a number, text letter by letter. A column of an axis' name in which no table
/// of the stage has one of its labels is another column, and nothing is added, unless the reader names what would be.
fn beside_labels(inputs: &[&Input], frames: Vec<DataFrame>) -> Result<Vec<DataFrame>, Stop> {
    let axes: BTreeSet<&String> = inputs
        .iter()
        .flat_map(|input| input.labels.keys())
        .collect();
    let mut frames = frames;
    let own: Vec<BTreeSet<String>> = frames
        .iter()
        .map(|frame| table::column_names(frame).into_iter().collect())
        .collect();
    for axis in axes {
        let mut places = Vec::new();
        let (mut found, mut missing) = (false, None);
        for (input, frame) in inputs.iter().zip(&frames) {
            let labels = input.labels.get(axis);
            let Some(labels) = labels.filter(|_| frame.column(axis).is_ok()) else {
                places.push(None);
                continue;
            };
            let (here, none) = find_labels(axis, labels, table::column(frame, axis)?)?;
            found |= here.iter().any(Option::is_some);
            missing = missing.or(none.map(|value| (input, value)));
            places.push(Some((labels, here)));
        }
        if let Some((input, value)) = missing {
            let named = places.iter().flatten().any(|(labels, _)| labels.named);
            if !found && !named {
                continue;
            }
            return Err(unknown_label(axis, input, &value));
        }
        for ((place, frame), own) in places.into_iter().zip(&mut frames).zip(&own) {
            if let Some((labels, here)) = place {
                *frame = with_columns(frame, labels, &here, own)?;
            }
        }
    }
    Ok(frames)
}

/// The label in each row of a column, and the first value that is none.
fn find_labels(
    axis: &str,
    labels: &Labels,
    column: &Column,
) -> Result<(Vec<Option<usize>>, Option<Scalar>), Stop> {
    let all = labels.all.iter();
    let index =
        Index::new(all.map(|label| (Arc::from(label.text.as_str()), label.value.identity())));
    let (mut places, mut missing) = (Vec::with_capacity(column.len()), None);
    let mut before: Option<(Scalar, Option<usize>)> = None;
    for row in 0..column.len() {
        let value = scalar(&column.get(row)?);
        if let Some((_, place)) = before.as_ref().filter(|(last, _)| *last == value) {
            places.push(*place);
            continue;
        }
        let place = match index.find(&value) {
            _ if is_hole(&value) => None,
            Found::One(place) => Some(place),
            Found::Nothing => {
                missing = missing.or_else(|| Some(value.clone()));
                None
            }
            Found::Several(places) => {
                let labels = places
                    .iter()
                    .map(|place| format!("`{}`", labels.all[*place].text));
                let labels = labels.collect::<Vec<_>>().join(" and ");
                return Err(Stop::failed(format!(
                    "the column `{axis}` holds `{value}`, which reads as several labels of the axis `{axis}`: {labels}"
                )));
            }
        };
        places.push(place);
        before = Some((value, place));
    }
    Ok((places, missing))
}

fn unknown_label(axis: &str, input: &Input, value: &Scalar) -> Stop {
    let labels = input.labels.get(axis).map(|labels| labels.all.as_slice());
    let labels = labels.unwrap_or_default().iter();
    let labels: Vec<&str> = labels.map(|label| label.text.as_str()).collect();
    let help = alternatives("labels", &value.to_string(), labels);
    let help = help.map(|help| format!(" ({help})"));
    Stop::failed(format!(
        "the column `{axis}` of `{}` holds `{value}`, which is no label of the axis `{axis}`{}, so the parameters that the \
         axis sweeps cannot stand beside it; if the column is none of the axis, give it another name where it is made",
        input.table,
        help.unwrap_or_default()
    ))
}

/// A table with the columns of the label of each row before its own; where the table has one of these itself, that stands.
fn with_columns(
    frame: &DataFrame,
    labels: &Labels,
    places: &[Option<usize>],
    own: &BTreeSet<String>,
) -> Result<DataFrame, Stop> {
    let columns = labels.all.iter().flat_map(|label| label.columns.keys());
    let names: BTreeSet<&String> = columns.filter(|name| !own.contains(*name)).collect();
    if names.is_empty() {
        return Ok(frame.clone());
    }
    // One row for each label that occurs, so that the types are those of what is there.
    let mut rows: BTreeMap<Option<usize>, usize> = BTreeMap::new();
    let mut parts = Vec::new();
    let mut indices = Vec::with_capacity(places.len());
    let row = || DataFrame::new(1, Vec::new());
    for place in places {
        let at = match rows.get(place) {
            Some(at) => *at,
            None => {
                let label = place.map(|place| &labels.all[place].columns);
                let values = names.iter().map(|name| {
                    let value = label.and_then(|columns| columns.get(*name));
                    ((*name).clone(), value.map_or(Value::Null, constant))
                });
                parts.push((values.collect::<BTreeMap<String, Value>>(), row()?));
                rows.insert(*place, parts.len() - 1);
                parts.len() - 1
            }
        };
        indices.push(IdxSize::try_from(at)?);
    }
    if parts.is_empty() {
        let values = names.iter().map(|name| ((*name).clone(), Value::Null));
        parts.push((values.collect(), row()?));
    }
    let lookup = table::stack(parts)?;
    let beside = lookup.take(&IdxCa::from_vec("".into(), indices))?;
    Ok(beside.hstack(frame.columns())?)
}

/// Nothing, and what is no number: no label either.
fn is_hole(value: &Scalar) -> bool {
    match value {
        Scalar::Null => true,
        Scalar::Float(float) => float.is_nan(),
        _ => false,
    }
}

/// A cell as a plain value.
fn scalar(value: &AnyValue<'_>) -> Scalar {
    match value {
        AnyValue::Null => Scalar::Null,
        AnyValue::Boolean(bool) => Scalar::Bool(*bool),
        AnyValue::String(text) => Scalar::Text((*text).to_string()),
        AnyValue::StringOwned(text) => Scalar::Text(text.to_string()),
        AnyValue::Float32(float) => Scalar::Float(f64::from(*float)),
        AnyValue::Float64(float) => Scalar::Float(*float),
        other => match other.extract::<i64>() {
            Some(int) if other.is_integer() => Scalar::Int(int),
            _ => Scalar::Text(other.to_string()),
        },
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

/// A problem of SQL as an error about the parameter that holds it.
pub fn param_error(parameter: &str, problem: SqlProblem) -> ParamError {
    ParamError {
        parameter: parameter.to_string(),
        message: problem.message,
        help: Some(problem.help).filter(|help| !help.is_empty()),
        at: Some((problem.line, problem.column)),
        span: None,
    }
}

/// Complains about every column that a parameter needs and no table has.
pub fn missing_columns<'a>(
    needed: impl IntoIterator<Item = (&'a str, &'a str)>,
    shapes: &[TableShape],
) -> Vec<ParamError> {
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
            ParamError::new(parameter, format!("there is no column `{column}`")).help(help)
        })
        .collect()
}

/// Complains about every column that must hold numbers and is known to hold text.
pub fn text_columns<'a>(
    needed: impl IntoIterator<Item = (&'a str, &'a str)>,
    shapes: &[TableShape],
) -> Vec<ParamError> {
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
            ParamError::new(
                parameter,
                format!("the column `{column}` is text and holds no numbers"),
            )
        })
        .collect()
}

/// A condition as written, with what is wrong with it.
pub fn condition(parameter: &str, text: &str) -> Result<Condition, ParamError> {
    Condition::parse(text).map_err(|problem| param_error(parameter, problem))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use polars::prelude::NamedFrom;
    use polars::prelude::Series;

    use super::*;
    use crate::pipeline::{ArtifactType, Columns, Label};

    fn series<T: AsRef<[V]>, V>(name: &str, values: T) -> Column
    where
        Series: NamedFrom<T, [V]>,
    {
        Column::from(Series::new(name.into(), values))
    }

    /// A table in a file of its own, given with what the pipeline says of it.
    fn given(folder: &Path, columns: Vec<Column>, input: Input) -> Input {
        let height = columns[0].len();
        let frame = DataFrame::new(height, columns).unwrap();
        let path = folder.join(format!("{}.parquet", input.name));
        table::write(&frame, &path).unwrap();
        let files = [("table.parquet".to_string(), path)].into();
        Input { files, ..input }
    }

    fn input(name: &str) -> Input {
        Input {
            table: "by_run".into(),
            name: name.into(),
            artifact: ArtifactType::Table,
            files: BTreeMap::new(),
            columns: Columns::new(),
            texts: BTreeMap::new(),
            labels: BTreeMap::new(),
            job: name.into(),
            place: Vec::new(),
            runs: None,
        }
    }

    /// The axis `decay`, each label with a swept parameter of ten times its number.
    fn decay(named: bool) -> BTreeMap<String, Labels> {
        let all = [
            ("0", Scalar::Int(0)),
            ("1e-1", Scalar::Float(0.1)),
            ("1.0", Scalar::Float(1.0)),
        ];
        let all = all
            .into_iter()
            .zip([0, 1, 10])
            .map(|((text, value), ten)| Label {
                text: text.into(),
                value,
                columns: [("weight".to_string(), Scalar::Int(ten))].into(),
            });
        let labels = Labels {
            named,
            all: all.collect(),
        };
        [("decay".to_string(), labels)].into()
    }

    fn weights(column: Column, named: bool) -> Result<Vec<Option<String>>, String> {
        let folder = tempfile::tempdir().unwrap();
        let input = Input {
            labels: decay(named),
            ..input("a")
        };
        let input = given(folder.path(), vec![column], input);
        let stacked = stacked(&[&input], "table.parquet");
        match stacked {
            Err(Stop::Failed(why)) => Err(why),
            Err(Stop::Cancelled) => Err("cancelled".into()),
            Ok(frame) => match frame.column("weight") {
                Ok(column) => Ok(table::texts(column).unwrap()),
                Err(_) => Ok(Vec::new()),
            },
        }
    }

    fn all(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_string())).collect()
    }

    #[test]
    fn a_label_is_found_by_its_value_in_a_column_of_any_type() {
        let found = all(&["10", "0", "1"]);
        assert_eq!(
            weights(series("decay", [1.0, 0.0, 0.1]), true),
            Ok(found.clone())
        );
        let texts = ["1e0", "0.0", ".10"];
        assert_eq!(weights(series("decay", texts), true), Ok(found));
        assert_eq!(
            weights(series("decay", [1i64, 0, 1]), true),
            Ok(all(&["10", "0", "10"]))
        );
    }

    #[test]
    fn nothing_stands_beside_a_hole_and_an_empty_table_has_the_columns_too() {
        let holes = weights(series("decay", [Some(1.0), None, Some(f64::NAN)]), true);
        assert_eq!(holes, Ok(vec![Some("10".into()), None, None]));
        let folder = tempfile::tempdir().unwrap();
        let input = Input {
            labels: decay(true),
            ..input("a")
        };
        let none: [f64; 0] = [];
        let input = given(folder.path(), vec![series("decay", none)], input);
        let frame = stacked(&[&input], "table.parquet");
        let Ok(frame) = frame else { panic!("refused") };
        assert_eq!(table::column_names(&frame), ["weight", "decay"]);
        assert_eq!(frame.height(), 0);
    }

    #[test]
    fn a_value_that_is_no_label_is_an_error_that_names_it() {
        let why = weights(series("decay", [1.0, 0.25]), false).unwrap_err();
        assert!(
            why.contains("the column `decay` of `by_run` holds `0.25`"),
            "{why}"
        );
        assert!(why.contains("`1e-1`"), "{why}");
    }

    #[test]
    fn a_column_without_any_label_is_another_column_unless_what_belongs_to_labels_is_named() {
        assert_eq!(
            weights(series("decay", [17.0, 0.25]), false),
            Ok(Vec::new())
        );
        let why = weights(series("decay", [17.0, 0.25]), true).unwrap_err();
        assert!(why.contains("holds `17.0`"), "{why}");
    }

    #[test]
    fn one_table_with_labels_makes_all_of_its_stage_be_held_against_them() {
        let folder = tempfile::tempdir().unwrap();
        let labelled = |name| Input {
            labels: decay(false),
            ..input(name)
        };
        let one = given(folder.path(), vec![series("decay", [1.0])], labelled("a"));
        let other = given(folder.path(), vec![series("decay", [17.0])], labelled("b"));
        assert!(stacked(&[&one, &other], "table.parquet").is_err());
    }

    #[test]
    fn a_column_of_the_name_of_a_coordinate_may_say_the_same_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let of = |column: Column| {
            let input = Input {
                columns: [("lr".to_string(), Scalar::Float(1e-4))].into(),
                ..input("a")
            };
            let input = given(folder.path(), vec![column], input);
            match stacked(&[&input], "table.parquet") {
                Ok(frame) => Ok(table::texts(frame.column("lr").unwrap()).unwrap()),
                Err(Stop::Failed(why)) => Err(why),
                Err(Stop::Cancelled) => Err("cancelled".into()),
            }
        };
        assert_eq!(
            of(series("lr", ["1e-4", "0.0001"])),
            Ok(all(&["1e-4", "0.0001"]))
        );
        assert!(of(series("lr", [Some(1e-4), None])).is_ok());
        let why = of(series("lr", [1e-4, 0.5])).unwrap_err();
        assert!(
            why.contains("holds `0.5`") && why.contains("`0.0001` for the job"),
            "{why}"
        );
    }
}

//! Tables at rest and tables stacked.
//!
//! A table is a polars [`DataFrame`]; at rest it is a Parquet file whose bytes
//! depend on the table alone (no creation stamp, one row group order, one
//! thread). Refuses files that are not Parquet and constants that would hide a
//! column of the data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polars::prelude::*;
use polars_io::parquet::write::{ParquetCompression, ParquetWriter, StatisticsOptions};
use serde::{Deserialize, Serialize};

use crate::figures::{parquet, spelling};

/// Why a table could not be read, written, stacked, printed or drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be opened, created or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file in question.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is there but is not a table.
    #[error("{} is not a readable table: {reason}", path.display())]
    NotATable {
        /// The file in question.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// A constant column has the name of a column of the data.
    #[error("the column `{0}` is in the data and also a constant of the part")]
    ColumnTwice(String),
    /// A column that is needed is not there.
    #[error("no column `{column}`: {help}")]
    MissingColumn {
        /// The column as written.
        column: String,
        /// The nearest spelling and the columns there are.
        help: String,
    },
    /// The parameters cannot be followed for this table.
    #[error("{0}")]
    Unsuitable(String),
    /// The table engine refused.
    #[error("{0}")]
    Engine(String),
}

impl From<PolarsError> for Error {
    fn from(error: PolarsError) -> Self {
        Self::Engine(error.to_string())
    }
}

/// One value of a constant column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// Nothing known.
    Null,
}

impl Value {
    fn kind(&self) -> DataType {
        match self {
            Self::Bool(_) => DataType::Boolean,
            Self::Int(_) => DataType::Int64,
            Self::Float(_) => DataType::Float64,
            Self::Text(_) => DataType::String,
            Self::Null => DataType::Null,
        }
    }

    fn column(&self, name: &str, height: usize) -> Column {
        let scalar = match self {
            Self::Bool(value) => Scalar::from(*value),
            Self::Int(value) => Scalar::from(*value),
            Self::Float(value) => Scalar::from(*value),
            Self::Text(value) => Scalar::from(PlSmallStr::from_str(value)),
            Self::Null => Scalar::null(DataType::Null),
        };
        Column::new_scalar(name.into(), scalar, height)
    }
}

/// Reads a table from a Parquet file.
pub fn read(path: &Path) -> Result<DataFrame, Error> {
    let file = File::open(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    let refuse = |reason: String| Error::NotATable {
        path: path.to_owned(),
        reason,
    };
    // A damaged file can trip an assertion inside the decoder; that must not
    // take the worker down with it.
    catch_unwind(AssertUnwindSafe(|| parquet::read(file)))
        .map_err(|_| refuse("the file is damaged".to_owned()))?
        .map_err(refuse)
}

/// The table with the types that ours have: whole numbers of 64 bits, numbers of 32 or 64, truth values and text. Whole numbers
/// beyond 64 bits with a sign become text, digit for digit.
///
/// # Errors
/// A column with a whole number that does not fit, or of another type.
pub fn plain(table: &DataFrame) -> Result<DataFrame, Error> {
    let columns = table.columns().iter().map(|column| {
        let kind = match column.dtype() {
            DataType::UInt64 if column.strict_cast(&DataType::Int64).is_err() => DataType::String,
            kind => widened(kind),
        };
        let known = matches!(
            kind,
            DataType::Null
                | DataType::Boolean
                | DataType::Int64
                | DataType::Float32
                | DataType::Float64
                | DataType::String
        );
        if known {
            cast(column, &kind, column.name())
        } else {
            Err(Error::Unsuitable(format!(
                "the column `{}` holds values of the type {kind}; write it as text or as numbers",
                column.name()
            )))
        }
    });
    let columns: Vec<Column> = columns.collect::<Result<_, Error>>()?;
    Ok(DataFrame::new(table.height(), columns)?)
}

/// A column as another type, with every value as it is.
fn cast(column: &Column, kind: &DataType, name: &str) -> Result<Column, Error> {
    if column.dtype() == kind {
        return Ok(column.clone());
    }
    column.strict_cast(kind).map_err(|_| {
        Error::Unsuitable(format!(
            "the column `{name}` has values that do not fit {kind}; write them as text"
        ))
    })
}

/// Writes a table as a Parquet file; equal tables give equal bytes.
pub fn write(table: &DataFrame, path: &Path) -> Result<(), Error> {
    let bytes = to_bytes(table)?;
    std::fs::write(path, bytes).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

/// The bytes [`write`] leaves on disk.
pub fn to_bytes(table: &DataFrame) -> Result<Vec<u8>, Error> {
    // Chunks are an accident of how a table came about, so they are joined
    // before they can reach the file.
    let mut table = table.clone();
    table.rechunk_mut();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Snappy)
        .with_statistics(StatisticsOptions::empty())
        .with_row_group_size(Some(1 << 18))
        .set_parallel(false)
        .finish(&mut table)?;
    Ok(bytes)
}

/// A table with its constant columns.
pub type Part = (BTreeMap<String, Value>, DataFrame);

/// Puts tables under one another, each with its constant columns in front.
///
/// A column that a part lacks is null there. Types are unified over the parts: a column without values has none, and whole
/// numbers and those with fractions make a column of the latter, if none of them changes by that; what is mixed otherwise
/// becomes text. Columns keep the order in which they first appear.
///
/// # Errors
/// A constant with the name of a column, and whole numbers that a fraction beside them would change.
pub fn stack(parts: Vec<Part>) -> Result<DataFrame, Error> {
    stack_of(parts, &[], &BTreeSet::new()).map(|(table, _)| table)
}

/// [`stack`], with what messages call each part; tells, too, which columns became text because they are of one type in one
/// part and of another in the next. Of the columns in `quiet`, as of constants, nothing is told.
///
/// # Errors
/// Those of [`stack`].
pub fn stack_of(
    parts: Vec<Part>,
    called: &[String],
    quiet: &BTreeSet<String>,
) -> Result<(DataFrame, Vec<String>), Error> {
    let constants: BTreeSet<&String> = parts
        .iter()
        .flat_map(|(constants, _)| constants.keys())
        .collect();
    let mut names: Vec<String> = Vec::new();
    let mut kinds: BTreeMap<String, DataType> = BTreeMap::new();
    for name in &constants {
        let values = parts.iter().map(|(values, _)| values.get(*name));
        let of = values.map(|value| value.unwrap_or(&Value::Null).kind());
        let kind = of.reduce(|one, other| unified(&one, &other).unwrap_or(DataType::String));
        names.push((*name).clone());
        kinds.insert((*name).clone(), kind.unwrap_or(DataType::Null));
    }
    // Which part gave a column its type.
    let mut from: BTreeMap<String, usize> = BTreeMap::new();
    let (mut notes, mut told) = (Vec::new(), BTreeSet::new());
    for (at, (_, data)) in parts.iter().enumerate() {
        for column in data.columns() {
            let name = column.name().as_str();
            if constants.contains(&name.to_owned()) {
                return Err(Error::ColumnTwice(name.to_owned()));
            }
            let kind = widened(column.dtype());
            let Some(known) = kinds.get(name) else {
                names.push(name.to_owned());
                kinds.insert(name.to_owned(), kind);
                from.insert(name.to_owned(), at);
                continue;
            };
            let both = unified(known, &kind).unwrap_or_else(|| {
                if !quiet.contains(name) && told.insert(name.to_owned()) {
                    notes.push(of_two_types(name, &parts, called, from[name], at));
                }
                DataType::String
            });
            if both != *known {
                if *known == DataType::Null {
                    from.insert(name.to_owned(), at);
                }
                kinds.insert(name.to_owned(), both);
            }
        }
    }

    let mut stacked: Option<DataFrame> = None;
    for (at, (values, data)) in parts.iter().enumerate() {
        let height = data.height();
        let columns = names
            .iter()
            .map(|name| {
                let kind = &kinds[name];
                let column = match (values.get(name), data.column(name)) {
                    (Some(value), _) => value.column(name, height),
                    (None, Ok(column)) => {
                        keeps_digits(column, kind, &part_name(called, at))?;
                        column.clone()
                    }
                    (None, Err(_)) => Column::full_null(name.as_str().into(), height, kind),
                };
                cast(&column, kind, name)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let part = DataFrame::new(height, columns)?;
        match &mut stacked {
            Some(stacked) => {
                stacked.vstack_mut_owned(part)?;
            }
            None => stacked = Some(part),
        }
    }
    let mut stacked = stacked.unwrap_or_default();
    stacked.rechunk_mut();
    Ok((stacked, notes))
}

/// The type a lone column gets: every width of whole number becomes the widest.
fn widened(kind: &DataType) -> DataType {
    match kind {
        kind if kind.is_integer() => DataType::Int64,
        kind => kind.clone(),
    }
}

/// The type of a column that is of one type here and of another there; none where there is no such type.
fn unified(one: &DataType, other: &DataType) -> Option<DataType> {
    match (one, other) {
        _ if one == other => Some(one.clone()),
        (DataType::Null, kind) | (kind, DataType::Null) => Some(kind.clone()),
        _ if one.is_primitive_numeric() && other.is_primitive_numeric() => Some(DataType::Float64),
        _ => None,
    }
}

/// Whether a whole number is the same as a number with a fraction.
pub(super) fn is_exact(int: i64) -> bool {
    (int as f64) as i128 == i128::from(int)
}

/// Refuses whole numbers that are others as numbers with a fraction.
fn keeps_digits(column: &Column, kind: &DataType, part: &str) -> Result<(), Error> {
    if !kind.is_float() || !column.dtype().is_integer() {
        return Ok(());
    }
    let column = cast(column, &DataType::Int64, column.name())?;
    let lost = column.i64()?.iter().flatten().find(|int| !is_exact(*int));
    match lost {
        None => Ok(()),
        Some(int) => Err(Error::Unsuitable(format!(
            "the column `{}` holds {int} {part} and fractions in another part; among fractions its digits would be lost: \
             write it as text everywhere",
            column.name()
        ))),
    }
}

/// Where something is: in a part by its name, or by its place.
fn part_name(called: &[String], at: usize) -> String {
    match called.get(at) {
        Some(name) => format!("in {name}"),
        None => format!("in part {}", at + 1),
    }
}

/// That a column is of one type in one part and of another in the next.
fn of_two_types(name: &str, parts: &[Part], called: &[String], one: usize, other: usize) -> String {
    let side = |at: usize| {
        let column = parts[at]
            .1
            .column(name)
            .expect("it is where its type came from");
        let value = (0..column.len()).find_map(|row| text_of(&column.get(row).ok()?));
        let example = value.map_or(String::new(), |value| format!(" (`{value}`)"));
        let kind = match column.dtype() {
            DataType::Boolean => "true or false".to_string(),
            DataType::String => "text".to_string(),
            kind if kind.is_primitive_numeric() => "numbers".to_string(),
            kind => format!("values of the type {kind}"),
        };
        format!("{kind}{example} {}", part_name(called, at))
    };
    format!(
        "the column `{name}` is text, because it holds {} and {}; write it alike everywhere, or declare its type in the `columns` of the output",
        side(one),
        side(other)
    )
}

/// The column `name`, or an error that offers the nearest spelling.
pub fn column<'a>(table: &'a DataFrame, name: &str) -> Result<&'a Column, Error> {
    table.column(name).map_err(|_| Error::MissingColumn {
        column: name.to_owned(),
        help: spelling::advice(name, "columns", &column_names(table)),
    })
}

/// The names of the columns, in order.
pub fn column_names(table: &DataFrame) -> Vec<String> {
    table
        .get_column_names()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The values of a column as numbers; what is no number is a gap.
pub fn numbers(column: &Column) -> Result<Vec<Option<f64>>, Error> {
    let cast = column.cast(&DataType::Float64)?;
    Ok(cast
        .f64()?
        .iter()
        .map(|value| value.filter(|number| number.is_finite()))
        .collect())
}

/// The values of a column as text, printed as people write them.
pub fn texts(column: &Column) -> Result<Vec<Option<String>>, Error> {
    (0..column.len())
        .map(|row| Ok(text_of(&column.get(row)?)))
        .collect()
}

/// How two tables differ, in words: in their shape, or by the largest relative difference of a number and in how many other
/// cells; `None` if they hold the same.
pub fn difference(before: &DataFrame, now: &DataFrame) -> Option<String> {
    if before.height() != now.height() {
        return Some(format!("{} rows, now {}", before.height(), now.height()));
    }
    if column_names(before) != column_names(now) {
        return Some("other columns".to_string());
    }
    let (mut largest, mut others) = ((0.0, String::new()), 0);
    for (old, new) in before.columns().iter().zip(now.columns()) {
        if old.dtype().is_primitive_numeric() && new.dtype().is_primitive_numeric() {
            let (old, other) = (numbers(old).ok()?, numbers(new).ok()?);
            for (a, b) in old.iter().zip(&other) {
                match (a, b) {
                    (Some(a), Some(b)) if a != b => {
                        let by = (a - b).abs() / a.abs().max(b.abs());
                        if by > largest.0 {
                            largest = (by, new.name().to_string());
                        }
                    }
                    (a, b) => others += usize::from(a != b),
                }
            }
        } else {
            let (old, new) = (texts(old).ok()?, texts(new).ok()?);
            others += old.iter().zip(&new).filter(|(a, b)| a != b).count();
        }
    }
    match (largest, others) {
        ((0.0, _), 0) => None,
        ((0.0, _), others) => Some(format!("{others} cells differ")),
        ((by, column), 0) => Some(format!("by {by:.1e} at most, relatively, in `{column}`")),
        ((by, column), others) => Some(format!(
            "by {by:.1e} at most, relatively, in `{column}`, and {others} cells that are no numbers"
        )),
    }
}

fn text_of(value: &AnyValue<'_>) -> Option<String> {
    match value {
        AnyValue::Null => None,
        AnyValue::String(text) => Some((*text).to_owned()),
        AnyValue::StringOwned(text) => Some(text.to_string()),
        AnyValue::Boolean(value) => Some(value.to_string()),
        AnyValue::Float32(number) => Some(number.to_string()),
        AnyValue::Float64(number) => Some(number.to_string()),
        value => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests;

//! Tables at rest and tables stacked.
//!
//! A table is a polars [`DataFrame`]; at rest it is a Parquet file whose bytes
//! depend on the table alone (no creation stamp, one row group order, one
//! thread). Refuses files that are not Parquet and constants that would hide a
//! column of the data.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polars::prelude::*;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter, StatisticsOptions};
use serde::{Deserialize, Serialize};

use crate::figures::spelling;

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
    catch_unwind(AssertUnwindSafe(|| {
        ParquetReader::new(file)
            .read_parallel(ParallelStrategy::None)
            .finish()
    }))
    .map_err(|_| refuse("the file is damaged".to_owned()))?
    .map_err(|error| refuse(error.to_string()))
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

/// Puts tables under one another, each with its constant columns in front.
///
/// A column that a part lacks is null there. Types are unified over the parts:
/// whole and fractional numbers become fractional, anything else that is mixed
/// becomes text. Columns keep the order in which they first appear.
pub fn stack(parts: Vec<(BTreeMap<String, Value>, DataFrame)>) -> Result<DataFrame, Error> {
    let mut names: Vec<String> = Vec::new();
    let mut kinds: BTreeMap<String, DataType> = BTreeMap::new();
    let constants: std::collections::BTreeSet<&String> = parts
        .iter()
        .flat_map(|(constants, _)| constants.keys())
        .collect();
    let mut meet = |name: &str, kind: DataType| match kinds.get_mut(name) {
        Some(known) => *known = unified(known, &kind),
        None => {
            names.push(name.to_owned());
            kinds.insert(name.to_owned(), widened(&kind));
        }
    };
    for name in &constants {
        for (values, _) in &parts {
            meet(name, values.get(*name).unwrap_or(&Value::Null).kind());
        }
    }
    for (_, data) in &parts {
        for column in data.columns() {
            let name = column.name().as_str();
            if constants.contains(&name.to_owned()) {
                return Err(Error::ColumnTwice(name.to_owned()));
            }
            meet(name, column.dtype().clone());
        }
    }

    let mut stacked: Option<DataFrame> = None;
    for (values, data) in &parts {
        let height = data.height();
        let columns = names
            .iter()
            .map(|name| {
                let kind = &kinds[name];
                let column = match (values.get(name), data.column(name)) {
                    (Some(value), _) => value.column(name, height),
                    (None, Ok(column)) => column.clone(),
                    (None, Err(_)) => Column::full_null(name.as_str().into(), height, kind),
                };
                if column.dtype() == kind {
                    Ok(column)
                } else {
                    column.cast(kind)
                }
            })
            .collect::<PolarsResult<Vec<_>>>()?;
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
    Ok(stacked)
}

/// The type a lone column gets: every width of number becomes the widest.
fn widened(kind: &DataType) -> DataType {
    match kind {
        DataType::UInt64 => DataType::Int64,
        kind if kind.is_integer() => DataType::Int64,
        kind if kind.is_float() => DataType::Float64,
        kind => kind.clone(),
    }
}

fn unified(one: &DataType, other: &DataType) -> DataType {
    let (one, other) = (widened(one), widened(other));
    match (&one, &other) {
        _ if one == other => one,
        (DataType::Null, _) => other,
        (_, DataType::Null) => one,
        _ if one.is_primitive_numeric() && other.is_primitive_numeric() => DataType::Float64,
        _ => DataType::String,
    }
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn constants(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn the_same_table_gives_the_same_bytes_however_it_is_chunked() {
        let whole = df!("a" => [1i64, 2, 3], "b" => ["x", "y", "z"]).unwrap();
        let mut chunked = whole.slice(0, 1);
        chunked.vstack_mut(&whole.slice(1, 2)).unwrap();
        assert_eq!(to_bytes(&whole).unwrap(), to_bytes(&whole).unwrap());
        assert_eq!(to_bytes(&whole).unwrap(), to_bytes(&chunked).unwrap());
    }

    #[test]
    fn a_table_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let table = df!(
            "text" => [Some("a"), None],
            "number" => [Some(0.5), None],
            "whole" => [1i64, -1],
            "flag" => [true, false],
        )
        .unwrap();
        write(&table, &path).unwrap();
        assert!(read(&path).unwrap().equals_missing(&table));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let good = to_bytes(&df!("a" => [1i64, 2, 3], "b" => ["x", "y", "z"]).unwrap()).unwrap();
        assert!(read(&path).is_err());
        for bytes in [
            &b""[..],
            b"PAR1PAR1",
            b"hello",
            &good[..good.len() / 2],
            &good[4..],
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert!(read(&path).is_err());
        }
        for place in (0..good.len()).step_by(7) {
            let mut bytes = good.clone();
            bytes[place] ^= 0xff;
            std::fs::write(&path, bytes).unwrap();
            // Either the flipped byte did not matter or it is an error.
            let _ = read(&path);
        }
    }

    #[test]
    fn constants_come_first_and_types_are_unified() {
        let stacked = stack(vec![
            (
                constants(&[("degree", Value::Int(2)), ("lr", Value::Int(1))]),
                df!("x" => [1i32, 2]).unwrap(),
            ),
            (
                constants(&[
                    ("degree", Value::Text("five".into())),
                    ("lr", Value::Float(0.5)),
                ]),
                df!("x" => [0.5], "y" => ["only here"]).unwrap(),
            ),
        ])
        .unwrap();
        let expected = df!(
            "degree" => ["2", "2", "five"],
            "lr" => [1.0, 1.0, 0.5],
            "x" => [1.0, 2.0, 0.5],
            "y" => [None, None, Some("only here")],
        )
        .unwrap();
        assert!(stacked.equals_missing(&expected), "{stacked:?}");
    }

    #[test]
    fn an_empty_part_keeps_its_columns() {
        let stacked = stack(vec![(
            constants(&[("seed", Value::Int(0))]),
            df!("x" => Vec::<f64>::new()).unwrap(),
        )])
        .unwrap();
        assert_eq!(column_names(&stacked), ["seed", "x"]);
        assert_eq!(stacked.height(), 0);
    }

    #[test]
    fn a_constant_that_would_hide_a_column_is_refused() {
        let error = stack(vec![(
            constants(&[("x", Value::Int(0))]),
            df!("x" => [1i64]).unwrap(),
        )])
        .unwrap_err();
        assert!(matches!(error, Error::ColumnTwice(name) if name == "x"));
    }

    #[test]
    fn a_missing_column_offers_the_nearest() {
        let table = df!("accuracy" => [1i64], "seed" => [1i64]).unwrap();
        insta::assert_snapshot!(
            column(&table, "acuracy").unwrap_err(),
            @"no column `acuracy`: did you mean `accuracy`? (columns: accuracy, seed)"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_bytes_crash_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("t.parquet");
            let mut framed = b"PAR1".to_vec();
            framed.extend(bytes);
            framed.extend(b"PAR1");
            std::fs::write(&path, framed).unwrap();
            prop_assert!(read(&path).is_err());
        }
    }
}

//! Tables as text, for programs that know no Parquet: comma-separated values with a header, and JSON lines.
//!
//! A column of whole numbers is read as such, one of numbers, or of `true` and `false`, likewise; all else is text. An empty
//! cell is a missing value. Numbers are written so that they read back to the same bits.

use std::fs;
use std::path::Path;

use polars::prelude::{AnyValue, Column, DataFrame};
use serde_json::Value as Json;

use super::table::{Error, column_names};

/// So many bytes of text are a table; more should be Parquet.
const MOST: u64 = 4 << 30;

fn refused(path: &Path, reason: impl Into<String>) -> Error {
    Error::NotATable {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

fn text_of(path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(unreadable)?.len() > MOST {
        return Err(refused(path, "it is larger than 4 GiB; write Parquet"));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| refused(path, "it is not UTF-8"))
}

/// Reads comma-separated values.
///
/// # Errors
/// A file that is not there, is no UTF-8, has no header, a row of another width, or two columns of one name; with the line.
pub fn read(path: &Path) -> Result<DataFrame, Error> {
    let text = text_of(path)?;
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let wrong = |error: csv::Error| refused(path, error.to_string());
    let header = reader.headers().map_err(wrong)?.clone();
    if header.is_empty() {
        return Err(refused(path, "it has no header"));
    }
    let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); header.len()];
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        for (column, cell) in cells.iter_mut().zip(&record) {
            column.push((!cell.is_empty()).then(|| cell.to_string()));
        }
    }
    let columns = header.iter().zip(cells);
    let columns = columns.map(|(name, cells)| typed(name, &cells));
    table(path, columns.collect())
}

fn table(path: &Path, columns: Vec<Column>) -> Result<DataFrame, Error> {
    DataFrame::new_infer_height(columns).map_err(|error| refused(path, error.to_string()))
}

/// A column of the narrowest type that holds all its cells.
fn typed(name: &str, cells: &[Option<String>]) -> Column {
    fn all<T>(
        cells: &[Option<String>],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<Option<T>>> {
        let parsed = cells.iter().map(|cell| match cell {
            Some(text) => parse(text).map(Some),
            None => Some(None),
        });
        parsed.collect()
    }
    let whole = |text: &str| text.parse::<i64>().ok();
    let digits = |text: &str| {
        text.trim_start_matches(['+', '-'])
            .bytes()
            .all(|b| b.is_ascii_digit())
    };
    // A whole number that fits no column of whole numbers would lose digits as one with a fraction.
    let number = |text: &str| match digits(text) && whole(text).is_none() {
        true => None,
        false => text.parse::<f64>().ok(),
    };
    let flag = |text: &str| match text {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    };
    if cells.iter().any(Option::is_some) {
        if let Some(values) = all(cells, whole) {
            return Column::new(name.into(), values);
        }
        if let Some(values) = all(cells, number) {
            return Column::new(name.into(), values);
        }
        if let Some(values) = all(cells, flag) {
            return Column::new(name.into(), values);
        }
    }
    Column::new(name.into(), cells.to_vec())
}

/// Reads JSON lines, an object of plain values each; a key that a line lacks is a missing value.
///
/// # Errors
/// A file that is not there or is no UTF-8, a line that is no object of plain values; with the line.
pub fn read_json(path: &Path) -> Result<DataFrame, Error> {
    let text = text_of(path)?;
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let row: serde_json::Map<String, Json> = serde_json::from_str(line)
            .map_err(|error| refused(path, format!("line {}: {error}", n + 1)))?;
        for (name, value) in &row {
            if value.is_array() || value.is_object() {
                let reason = format!("line {}: `{name}` is no plain value", n + 1);
                return Err(refused(path, reason));
            }
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        rows.push(row);
    }
    let columns = names.iter().map(|name| {
        let cells = rows.iter().map(|row| match row.get(name) {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        });
        let cells: Vec<Option<String>> = cells.collect();
        let is_text = rows
            .iter()
            .any(|row| matches!(row.get(name), Some(Json::String(_))));
        match is_text {
            // A text that looks like a number stays a text.
            true => Column::new(name.as_str().into(), cells),
            false => typed(name, &cells),
        }
    });
    table(path, columns.collect())
}

/// Writes comma-separated values with a header.
///
/// # Errors
/// When the file cannot be written.
pub fn write(table: &DataFrame, path: &Path) -> Result<(), Error> {
    fs::write(path, to_bytes(table)?).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

/// The bytes [`write`] leaves on disk.
///
/// # Errors
/// The table engine's.
pub fn to_bytes(table: &DataFrame) -> Result<Vec<u8>, Error> {
    let failed = |error: csv::Error| Error::Engine(error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(column_names(table)).map_err(failed)?;
    for row in 0..table.height() {
        let cells = table.columns().iter().map(|column| {
            let value = column.get(row)?;
            Ok(match &value {
                AnyValue::Null => String::new(),
                AnyValue::String(text) => (*text).to_string(),
                AnyValue::StringOwned(text) => text.to_string(),
                // The shortest text that reads back to the same bits.
                AnyValue::Float64(number) => format!("{number:?}"),
                other => other.to_string(),
            })
        });
        let cells: Vec<String> = cells.collect::<Result<_, Error>>()?;
        writer.write_record(cells).map_err(failed)?;
    }
    writer
        .into_inner()
        .map_err(|error| Error::Engine(error.to_string()))
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;

    #[test]
    fn a_table_is_written_and_read_back_with_its_types_and_gaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let table = df!(
            "n" => [Some(1i64), None, Some(-3)],
            "x" => [0.1 + 0.2, 1.0, 1e-300],
            "flag" => [true, false, true],
            "text" => [Some("a, \"b\"\nc"), None, Some("3x")],
        )
        .unwrap();
        write(&table, &path).unwrap();
        let back = read(&path).unwrap();
        assert!(back.equals_missing(&table), "{back}");
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        let said = |text: &str, json: bool| {
            fs::write(&path, text).unwrap();
            let read = if json { read_json(&path) } else { read(&path) };
            read.unwrap_err().to_string()
        };
        assert!(said("a,b\n1,2\n3\n", false).contains("line: 3"));
        assert!(said("", false).contains("no header"));
        assert!(said("{\"a\": 1}\n{\"a\": [1]}\n", true).contains("line 2"));
        assert!(said("a,a\n1,2\n", false).contains("a"));
    }

    #[test]
    fn lines_of_json_are_rows_and_text_stays_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        fs::write(&path, "{\"a\": 1, \"b\": \"2\"}\n{\"a\": 2.5}\n").unwrap();
        let table = read_json(&path).unwrap();
        let wanted = df!("a" => [1.0, 2.5], "b" => [Some("2"), None]).unwrap();
        assert!(table.equals_missing(&wanted), "{table}");
    }
}

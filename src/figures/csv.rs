//! Tables as text, for programs that know no Parquet: comma-separated values with a header, and JSON lines.
//!
//! A column of whole numbers is read as such, one of numbers, or of `true` and `false` (also `True`, `TRUE`), likewise; all
//! else is text. A cell is a missing value where nothing stands in it, or one of `NA`, `N/A`, `n/a`, `#N/A`, `<NA>`, `NULL`,
//! `null` and `None` without quotes; `nan` is a number. A column of missing values alone has no type, and takes that of
//! those it is stacked with. What a number would change is text, and with it its column: `007`, `12e5678`, whole numbers of
//! more than 64 bits, or of more than 53 beside fractions. Text is UTF-8. Numbers are written so that they read back to the
//! same bits, and text of no letters as `""`.

mod cells;
mod parse;
pub mod types;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use polars::prelude::{AnyValue, Column, DataFrame, DataType};
use serde_json::Value as Json;

use self::parse::{Cell, Form, Row};
use super::spelling;
use super::table::{Error, column_names, is_exact};

/// So many bytes of text are a table; more should be Parquet.
const MOST: u64 = 4 << 30;

/// The types that columns are declared to have, by name.
pub type Declared = BTreeMap<String, DataType>;

/// A table read from text, and what there is to say of it.
#[derive(Debug, Clone)]
pub struct Read {
    /// The table.
    pub table: DataFrame,
    /// Which columns of numbers are text, and because of what; a line each.
    pub notes: Vec<String>,
}

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
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refused(path, "it is UTF-16; write it as UTF-8"));
    }
    let line = |before: &[u8]| 1 + before.iter().filter(|byte| **byte == b'\n').count();
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let line = line(&bytes[..at]);
        let reason = format!("line {line}: it holds the character 0; is it text, and UTF-8?");
        return Err(refused(path, reason));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let (line, byte) = (line(&error.as_bytes()[..at]), error.as_bytes()[at]);
        let reason =
            format!("line {line}: the byte 0x{byte:02x} is no UTF-8; write the file as UTF-8");
        refused(path, reason)
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_string(),
        None => text,
    })
}

/// Reads comma-separated values, with the types that are declared, if any are.
///
/// # Errors
/// With the line, where there is one:
/// - a file that is not there or is no UTF-8;
/// - no header, two columns of one name, or one without a name;
/// - a blank line, or a row of another width;
/// - other columns than declared, or a value of another type.
pub fn read(path: &Path, declared: Option<&Declared>) -> Result<Read, Error> {
    let text = text_of(path)?;
    let (names, rows) = rows_of(path, &text)?;
    let lines: Vec<usize> = rows.iter().map(|row| row.line).collect();
    let columns = names.into_iter().zip(by_column(&rows)).collect();
    typed(path, columns, &lines, declared)
}

/// The names of the columns, and the rows, each of as many cells.
fn rows_of<'t>(path: &Path, text: &'t str) -> Result<(Vec<String>, Vec<Row<'t>>), Error> {
    let at = |line: usize, reason: String| refused(path, format!("line {line}: {reason}"));
    let mut rows = parse::rows(text).map_err(|(line, reason)| at(line, reason))?;
    while rows.last().is_some_and(Row::is_blank) {
        rows.pop();
    }
    if rows.is_empty() {
        let reason = "it is empty; its first line must name the columns";
        return Err(refused(path, reason));
    }
    let names = header(&rows.remove(0)).map_err(|reason| at(1, reason))?;
    for row in &rows {
        match (row.cells.len(), names.len()) {
            (there, wanted) if row.is_blank() && wanted != there => {
                let reason = format!("it is blank; a row has {wanted} cells");
                return Err(at(row.line, reason));
            }
            (there, wanted) if there != wanted => {
                let (there, wanted) = (count(there), count(wanted));
                let reason = format!("{there}, and the header has {wanted}");
                return Err(at(row.line, reason));
            }
            _ => {}
        }
    }
    Ok((names, rows))
}

/// The cells of rows of one width, column by column.
fn by_column<'a, 't>(rows: &'a [Row<'t>]) -> impl Iterator<Item = Vec<&'a Cell<'t>>> {
    (0..).map_while(|at| rows.iter().map(|row| row.cells.get(at)).collect())
}

fn count(cells: usize) -> String {
    match cells {
        1 => "1 cell".to_string(),
        n => format!("{n} cells"),
    }
}

/// The names of the columns; else why the first line gives none.
fn header(row: &Row<'_>) -> Result<Vec<String>, String> {
    if row.is_blank() {
        return Err("it is blank, and must name the columns".into());
    }
    let names = row.cells.iter().map(|cell| match cell.form {
        Form::Bare => cell.text.trim().to_string(),
        _ => cell.text.to_string(),
    });
    let names: Vec<String> = names.collect();
    if let [only] = names.as_slice()
        && let Some(other) = only.chars().find(|c| matches!(c, ';' | '\t' | '|'))
    {
        let other = other.escape_debug();
        return Err(format!(
            "the cells seem to be separated by `{other}`; write `,` between them, and a point before a fraction"
        ));
    }
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err("it holds numbers alone, and must name the columns".into());
    }
    let mut seen = BTreeSet::new();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(format!(
                "column {} has no name; name it or leave it out (`index=False` in pandas, `row.names=FALSE` in R)",
                at + 1
            ));
        }
        if !seen.insert(name) {
            return Err(format!("two columns are called `{name}`"));
        }
    }
    Ok(names)
}

/// Columns of cells as a table.
fn typed(
    path: &Path,
    columns: Vec<(String, Vec<&Cell<'_>>)>,
    lines: &[usize],
    declared: Option<&Declared>,
) -> Result<Read, Error> {
    let mut notes = Vec::new();
    if let Some(declared) = declared {
        let names = columns.iter().map(|(name, _)| name.as_str());
        as_declared(path, names, declared)?;
    }
    let columns = columns.iter().map(|(name, cells)| {
        let kind = declared.and_then(|declared| declared.get(name));
        let Some(kind) = kind else {
            let (column, note) = cells::typed(name, cells, lines);
            notes.extend(note);
            return Ok(column);
        };
        cells::declared(name, kind, cells).map_err(|at| {
            let (line, text, noun) = (lines[at], &cells[at].text, noun(kind));
            let reason = format!(
                "line {line}: `{text}` in the column `{name}`, which is declared as {noun}"
            );
            refused(path, reason)
        })
    });
    let columns: Vec<Column> = columns.collect::<Result<_, _>>()?;
    let table = DataFrame::new(lines.len(), columns);
    let table = table.map_err(|error| refused(path, error.to_string()))?;
    Ok(Read { table, notes })
}

fn noun(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "true or false",
        DataType::Int64 => "whole numbers (64 bits)",
        DataType::Float64 => "numbers",
        _ => "text",
    }
}

/// Holds that a file has the declared columns and no other.
fn as_declared<'a>(
    path: &Path,
    names: impl Iterator<Item = &'a str>,
    declared: &Declared,
) -> Result<(), Error> {
    let there: Vec<String> = names.map(str::to_string).collect();
    if let Some(name) = declared.keys().find(|name| !there.contains(name)) {
        let advice = spelling::advice(name, "its columns", &there);
        let reason = format!("the column `{name}` is declared and not there; {advice}");
        return Err(refused(path, reason));
    }
    if let Some(name) = there.iter().find(|name| !declared.contains_key(*name)) {
        let known: Vec<String> = declared.keys().cloned().collect();
        let advice = spelling::advice(name, "declared columns", &known);
        let reason = format!("the column `{name}` is not among those declared; {advice}");
        return Err(refused(path, reason));
    }
    Ok(())
}

/// Holds a table that has types of its own against those declared, and gives it these.
///
/// # Errors
/// Other columns than declared, or a column whose values are of another type.
pub fn with_declared(
    path: &Path,
    table: DataFrame,
    declared: &Declared,
) -> Result<DataFrame, Error> {
    as_declared(
        path,
        column_names(&table).iter().map(String::as_str),
        declared,
    )?;
    let columns = table.columns().iter().map(|column| {
        let wanted = &declared[column.name().as_str()];
        let fits = match (column.dtype(), wanted) {
            (DataType::Null, _) => true,
            (there, wanted) if there == wanted => true,
            (DataType::Float32, DataType::Float64) => return Ok(column.clone()),
            (DataType::Int64, DataType::Float64) => column.i64()?.iter().flatten().all(is_exact),
            _ => false,
        };
        if fits {
            Ok(column.strict_cast(wanted)?)
        } else {
            Err(refused(
                path,
                format!(
                    "the column `{}` is declared as {} and holds {}",
                    column.name(),
                    noun(wanted),
                    noun(column.dtype())
                ),
            ))
        }
    });
    let columns: Vec<Column> = columns.collect::<Result<_, Error>>()?;
    Ok(DataFrame::new(table.height(), columns)?)
}

/// Reads JSON lines, an object of plain values each; a key that a line lacks is a missing value. With types declared, a key
/// that no line has is a column of missing values.
///
/// # Errors
/// A file that is not there or is no UTF-8, a line that is no object of plain values, a key that is not declared, or a value
/// of another type; with the line.
pub fn read_json(path: &Path, declared: Option<&Declared>) -> Result<Read, Error> {
    let text = text_of(path)?;
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<serde_json::Map<String, Json>> = Vec::new();
    let mut lines = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let number = n + 1;
        if line.trim().is_empty() {
            continue;
        }
        let row: serde_json::Map<String, Json> = serde_json::from_str(line).map_err(|error| {
            let help = if ["NaN", "Infinity"].iter().any(|word| line.contains(word)) {
                "; JSON has no NaN and no Infinity: write null"
            } else {
                ""
            };
            refused(path, format!("line {number}: {error}{help}"))
        })?;
        for (name, value) in &row {
            if value.is_array() || value.is_object() {
                let reason = format!("line {number}: `{name}` is no plain value");
                return Err(refused(path, reason));
            }
            if name.is_empty() {
                return Err(refused(path, format!("line {number}: a key has no name")));
            }
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        rows.push(row);
        lines.push(number);
    }
    let absent = declared.into_iter().flat_map(BTreeMap::keys);
    let absent: Vec<String> = absent
        .filter(|name| !names.contains(name))
        .cloned()
        .collect();
    names.extend(absent);
    let columns = names.iter().map(|name| {
        let cells = rows.iter().map(|row| match row.get(name) {
            None | Some(Json::Null) => Cell::NOTHING,
            Some(Json::String(text)) => Cell {
                text: Cow::Borrowed(text.as_str()),
                // A text that looks like a number stays a text.
                form: Form::Text,
            },
            Some(other) => Cell {
                text: Cow::Owned(other.to_string()),
                form: Form::Bare,
            },
        });
        cells.collect::<Vec<Cell<'_>>>()
    });
    let columns: Vec<Vec<Cell<'_>>> = columns.collect();
    let columns = names.into_iter().zip(&columns);
    let columns = columns.map(|(name, cells)| (name, cells.iter().collect()));
    typed(path, columns.collect(), &lines, declared)
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
    let names = column_names(table);
    let mut text = String::new();
    let mut line = |cells: Vec<String>| {
        // A blank line would be no row.
        match cells.as_slice() {
            [only] if only.is_empty() => text.push_str("\"\""),
            cells => text.push_str(&cells.join(",")),
        }
        text.push('\n');
    };
    line(names.iter().map(|name| quoted(name)).collect());
    for row in 0..table.height() {
        let cells = table.columns().iter().map(|column| {
            let value = column.get(row)?;
            Ok(match &value {
                AnyValue::Null => String::new(),
                AnyValue::String(text) => quoted(text),
                AnyValue::StringOwned(text) => quoted(text),
                // The shortest text that reads back to the same bits.
                AnyValue::Float32(number) => format!("{number:?}"),
                AnyValue::Float64(number) => format!("{number:?}"),
                other => other.to_string(),
            })
        });
        line(cells.collect::<Result<_, Error>>()?);
    }
    Ok(text.into_bytes())
}

/// Text as a cell: in quotes where it would otherwise be read as something else.
fn quoted(text: &str) -> String {
    let special = text.contains([',', '"', '\n', '\r']) || text.starts_with('\u{feff}');
    if special || text.is_empty() || text != text.trim() || cells::is_missing(text) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests;

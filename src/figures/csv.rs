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
/// A file that is not there, is no UTF-8, has no header, a blank line, a row of another width, two columns of one name or one
/// without, other columns than declared, or a value of another type; with the line.
pub fn read(path: &Path, declared: Option<&Declared>) -> Result<Read, Error> {
    let text = text_of(path)?;
    let at = |line: usize, reason: String| refused(path, format!("line {line}: {reason}"));
    let mut rows = parse::rows(&text).map_err(|(line, reason)| at(line, reason))?;
    while rows.last().is_some_and(Row::is_blank) {
        rows.pop();
    }
    if rows.is_empty() {
        return Err(refused(
            path,
            "it is empty; its first line must name the columns",
        ));
    }
    let names = header(&rows.remove(0)).map_err(|reason| at(1, reason))?;
    let mut columns: Vec<Vec<&Cell<'_>>> = vec![Vec::with_capacity(rows.len()); names.len()];
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
        for (column, cell) in columns.iter_mut().zip(&row.cells) {
            column.push(cell);
        }
    }
    let lines: Vec<usize> = rows.iter().map(|row| row.line).collect();
    typed(
        path,
        names.into_iter().zip(columns).collect(),
        &lines,
        declared,
    )
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
        match fits {
            true => Ok(column.strict_cast(wanted)?),
            false => Err(refused(
                path,
                format!(
                    "the column `{}` is declared as {} and holds {}",
                    column.name(),
                    noun(wanted),
                    noun(column.dtype())
                ),
            )),
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
            let help = match ["NaN", "Infinity"].iter().any(|word| line.contains(word)) {
                true => "; JSON has no NaN and no Infinity: write null",
                false => "",
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
    match special || text.is_empty() || text != text.trim() || cells::is_missing(text) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{Scalar, df};

    use super::*;

    /// What a file of this text is read as.
    fn csv(text: impl AsRef<[u8]>, declared: Option<&Declared>) -> Result<Read, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        fs::write(&path, text).unwrap();
        read(&path, declared).map_err(|error| error.to_string())
    }

    fn json(text: &str, declared: Option<&Declared>) -> Result<Read, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        fs::write(&path, text).unwrap();
        read_json(&path, declared).map_err(|error| error.to_string())
    }

    /// The reason alone.
    fn reason(read: Result<Read, String>) -> String {
        let error = read.unwrap_err();
        let (_, reason) = error.split_once("readable table: ").unwrap_or(("", &error));
        reason.to_string()
    }

    fn declared(columns: &[(&str, DataType)]) -> Declared {
        let columns = columns.iter().cloned();
        columns
            .map(|(name, kind)| (name.to_string(), kind))
            .collect()
    }

    #[test]
    fn a_table_is_written_and_read_back_with_its_types_and_gaps() {
        let table = df!(
            "n" => [Some(1i64), None, Some(i64::MIN)],
            "x" => [0.1 + 0.2, 1.0, 1e-300],
            "y" => [f64::NAN, f64::NEG_INFINITY, -0.0],
            "flag" => [true, false, true],
            "text" => [Some("a, \"b\"\nc"), None, Some("3x")],
            "odd" => [" a", "NA", ""],
            "id, \"x\"" => ["007", "\u{feff}", "\r"],
        )
        .unwrap();
        let back = csv(to_bytes(&table).unwrap(), None).unwrap().table;
        assert!(back.equals_missing(&table), "{back}");
        let lone = df!("x" => [None, Some(1i64), None]).unwrap();
        let back = csv(to_bytes(&lone).unwrap(), None).unwrap().table;
        assert!(back.equals_missing(&lone), "{back}");
    }

    #[test]
    fn numbers_of_32_bits_are_written_so_that_they_read_back_to_the_same_bits() {
        let values = [0.1f32, 16_777_217.0, f32::MIN_POSITIVE, 1.0 / 3.0, f32::MAX];
        let bytes = to_bytes(&df!("x" => values).unwrap()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let back: Vec<f32> = text
            .lines()
            .skip(1)
            .map(|line| line.parse().unwrap())
            .collect();
        assert_eq!(back, values);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_line() {
        let said = |text: &str| reason(csv(text, None));
        insta::assert_snapshot!(
            [
                "a,b\n1,2\n3\n", "a,b\n1,2,3\n", "", "\n\n", "\na,b\n1,2\n", "a,a\n1,2\n", "a,A \n1,2\nx,\"y",
                "a,b\n1,2\n\n3,4\n", "a,b,\n1,2,\n", "0.1,0.2\n0.3,0.4\n", "0\n1\n", "a;b\n1,5;2,5\n", "a\tb\n1\t2\n",
                "a,b\n1,\"x\"y\n", "# made today\na,b\n1,2\n", "a,b\n1,2\u{0}\n",
            ]
            .map(said)
            .join("\n"),
            @r"
            line 3: 1 cell, and the header has 2 cells
            line 2: 3 cells, and the header has 2 cells
            it is empty; its first line must name the columns
            it is empty; its first line must name the columns
            line 1: it is blank, and must name the columns
            line 1: two columns are called `a`
            line 3: a quote is opened here and never closed
            line 3: it is blank; a row has 2 cells
            line 1: column 3 has no name; name it or leave it out (`index=False` in pandas, `row.names=FALSE` in R)
            line 1: it holds numbers alone, and must name the columns
            line 1: it holds numbers alone, and must name the columns
            line 1: the cells seem to be separated by `;`; write `,` between them, and a point before a fraction
            line 1: the cells seem to be separated by `\t`; write `,` between them, and a point before a fraction
            line 2: text follows a closing quote; a quote within a quoted cell is doubled
            line 2: 2 cells, and the header has 1 cell
            line 2: it holds the character 0; is it text, and UTF-8?
            "
        );
        let latin = reason(csv(b"method,x\nna\xefve,1\n", None));
        insta::assert_snapshot!(latin, @"line 2: the byte 0xef is no UTF-8; write the file as UTF-8");
        let utf16: Vec<u8> = "\u{feff}a,b\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        insta::assert_snapshot!(reason(csv(utf16, None)), @"it is UTF-16; write it as UTF-8");
        let unmarked: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        insta::assert_snapshot!(reason(csv(unmarked, None)), @"line 1: it holds the character 0; is it text, and UTF-8?");
    }

    #[test]
    fn no_row_vanishes() {
        let height = |text: &str| csv(text, None).unwrap().table.height();
        assert_eq!(height("x\n1\n\n3\n"), 3, "a missing value");
        assert_eq!(height("x\n\n\n3\n"), 3);
        assert_eq!(
            height("x\n1\n\"\"\n"),
            2,
            "pandas writes a missing value so"
        );
        assert_eq!(height("x\n1\n\n\n"), 1, "blank lines at the end are none");
        assert_eq!(height("a,b\r\n1,2\r\n,\r\n\r\n"), 2);
        assert_eq!(height("\u{feff}a,b\n"), 0);
        assert_eq!(height("a,b\n1,2"), 1);
    }

    #[test]
    fn a_header_alone_gives_columns_without_a_type() {
        let table = csv("a,b\n", None).unwrap().table;
        assert_eq!(column_names(&table), ["a", "b"]);
        let dtypes: Vec<_> = table.columns().iter().map(|c| c.dtype().clone()).collect();
        assert_eq!(dtypes, [DataType::Null, DataType::Null]);
        let none = Column::new_scalar("x".into(), Scalar::null(DataType::Null), 2);
        let missing = csv("x,y\nNA,1\n,2\n", None).unwrap().table;
        assert_eq!(missing.column("x").unwrap().dtype(), none.dtype());
        assert_eq!(missing.height(), 2);
    }

    #[test]
    fn names_of_columns_lose_the_spaces_around_them_and_text_keeps_its_own() {
        let table = csv("method, x\n a, 0.5\nb , 0.7 \n", None).unwrap().table;
        let wanted = df!("method" => [" a", "b "], "x" => [0.5, 0.7]).unwrap();
        assert!(table.equals_missing(&wanted), "{table}");
    }

    #[test]
    fn what_made_text_of_numbers_is_told_with_its_line() {
        let notes = csv("a,b,c,d\n1,0.5,x,1\n2,\"1,234\",y,\n3,50%,z,oom\n", None)
            .unwrap()
            .notes;
        insta::assert_snapshot!(notes.join("\n"), @"
        the column `b` is text because of `1,234` in line 3: write numbers with a point before the fraction and nothing between thousands
        the column `d` is text because of `oom` in line 4: it is no number
        ");
    }

    #[test]
    fn declared_types_hold_for_every_value() {
        let columns = declared(&[
            ("step", DataType::Int64),
            ("loss", DataType::Float64),
            ("name", DataType::String),
            ("ok", DataType::Boolean),
        ]);
        let columns = Some(&columns);
        let read = csv(
            "loss,step,name,ok\n3,3,007,TRUE\nnan,,NA,\n,4,,false\n",
            columns,
        )
        .unwrap();
        let wanted = df!(
            "loss" => [Some(3.0), Some(f64::NAN), None],
            "step" => [Some(3i64), None, Some(4)],
            "name" => [Some("007"), Some("NA"), None],
            "ok" => [Some(true), None, Some(false)],
        );
        assert!(
            read.table.equals_missing(&wanted.unwrap()),
            "{}",
            read.table
        );
        let empty = csv("step,loss,name,ok\n", columns).unwrap().table;
        assert_eq!(empty.column("loss").unwrap().dtype(), &DataType::Float64);
        let said = |text: &str| reason(csv(text, columns));
        insta::assert_snapshot!(
            [
                "step,loss,name,ok\n1,2,a,true\n1.5,2,a,true\n", "step,loss,name,ok\n1,1e999,a,true\n",
                "step,loss,name,ok\n1,2,a,1\n", "step,loss,name,ok\n9223372036854775808,2,a,true\n",
                "step,los,name,ok\n", "step,loss,name,ok,more\n",
            ]
            .map(said)
            .join("\n"),
            @"
            line 3: `1.5` in the column `step`, which is declared as whole numbers (64 bits)
            line 2: `1e999` in the column `loss`, which is declared as numbers
            line 2: `1` in the column `ok`, which is declared as true or false
            line 2: `9223372036854775808` in the column `step`, which is declared as whole numbers (64 bits)
            the column `loss` is declared and not there; did you mean `los`? (its columns: step, los, name, ok)
            the column `more` is not among those declared; declared columns: loss, name, ok, step
            "
        );
    }

    #[test]
    fn lines_of_json_are_rows_and_text_stays_text() {
        let read = json("{\"a\": 1, \"b\": \"2\"}\n\n{\"a\": 2.5}\n", None).unwrap();
        let wanted = df!("a" => [1.0, 2.5], "b" => [Some("2"), None]).unwrap();
        assert!(read.table.equals_missing(&wanted), "{}", read.table);
        let read = json("{\"a\": 1}\n{\"a\": \"NA\"}\n", None).unwrap();
        assert_eq!(read.table.column("a").unwrap().dtype(), &DataType::String);
        assert_eq!(read.notes.len(), 1);
        let said = |text: &str| reason(json(text, None));
        insta::assert_snapshot!(
            ["{\"a\": 1}\n{\"a\": [1]}\n", "{\"a\": NaN}\n", "[1]\n", "{\"\": 1}\n"].map(said).join("\n"),
            @"
            line 2: `a` is no plain value
            line 1: expected value at line 1 column 7; JSON has no NaN and no Infinity: write null
            line 1: invalid type: sequence, expected a map at line 1 column 0
            line 1: a key has no name
            "
        );
        let columns = declared(&[("a", DataType::Float64), ("b", DataType::Boolean)]);
        let read = json("{\"a\": 1}\n", Some(&columns)).unwrap();
        let wanted = df!("a" => [1.0], "b" => [None::<bool>]).unwrap();
        assert!(read.table.equals_missing(&wanted), "{}", read.table);
        assert!(json("{\"a\": 1, \"c\": 1}\n", Some(&columns)).is_err());
        assert!(json("{\"a\": true}\n", Some(&columns)).is_err());
    }

    #[test]
    fn a_table_with_types_of_its_own_is_held_against_those_declared() {
        let path = Path::new("t.parquet");
        let table = df!("a" => [1i64], "b" => ["x"]).unwrap();
        let columns = declared(&[("a", DataType::Float64), ("b", DataType::String)]);
        let given = with_declared(path, table.clone(), &columns).unwrap();
        assert_eq!(given.column("a").unwrap().dtype(), &DataType::Float64);
        let columns = declared(&[("a", DataType::Float64), ("b", DataType::Int64)]);
        insta::assert_snapshot!(with_declared(path, table, &columns).unwrap_err(), @"t.parquet is not a readable table: the column `b` is declared as whole numbers (64 bits) and holds text");
    }
}

//! Comma-separated values with all their digits; the half width of an interval is a column of its own.
//!
//! A number is written as the shortest text that reads back to the same value, NULL as nothing, NaN and infinity as `NaN`,
//! `inf` and `-inf`.

use polars::prelude::DataFrame;

use super::format::Format;
use super::printed::Values;
use super::spec::Grid;
use crate::figures::table::Error;

/// `table.csv`.
pub(super) struct Csv;

impl Format for Csv {
    fn file(&self) -> &'static str {
        "table.csv"
    }

    fn bytes(&self, grid: &Grid, _: &DataFrame) -> Result<Vec<u8>, Error> {
        let mut columns: Vec<Vec<String>> = Vec::new();
        let mut add = |title: &str, values: &Values| {
            let cells = (0..grid.height).map(|row| cell(values.exact(row)));
            columns.push(std::iter::once(quoted(title)).chain(cells).collect());
        };
        for column in &grid.columns {
            add(&column.title, &column.values);
            if let Some(errors) = &column.errors {
                add(&format!("{} ±", column.title), errors);
            }
        }
        let mut text = String::new();
        for row in 0..=grid.height {
            let cells: Vec<&str> = columns.iter().map(|cells| cells[row].as_str()).collect();
            match cells.as_slice() {
                // An empty line would be no row.
                [""] => text.push_str("\"\""),
                cells => text.push_str(&cells.join(",")),
            }
            text.push('\n');
        }
        Ok(text.into_bytes())
    }
}

/// A cell; empty text is told from NULL by its quotes.
fn cell(text: Option<String>) -> String {
    match text {
        None => String::new(),
        Some(text) if text.is_empty() => "\"\"".to_owned(),
        Some(text) => quoted(&text),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text != text.trim() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

//! Comma-separated values; the half width of an interval is a column of its own.

use polars::prelude::DataFrame;

use super::format::Format;
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
        for column in &grid.columns {
            let title = quoted(&column.title);
            let error = quoted(&format!("{} ±", column.title));
            let values = column.cells.iter().map(|cell| quoted(&cell.text));
            columns.push(std::iter::once(title).chain(values).collect());
            if column.cells.iter().any(|cell| cell.error.is_some()) {
                let errors = column
                    .cells
                    .iter()
                    .map(|cell| cell.error.clone().unwrap_or_default());
                columns.push(std::iter::once(error).chain(errors).collect());
            }
        }
        let mut text = String::new();
        for row in 0..=grid.height {
            let cells: Vec<&str> = columns.iter().map(|cells| cells[row].as_str()).collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        Ok(text.into_bytes())
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text != text.trim() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

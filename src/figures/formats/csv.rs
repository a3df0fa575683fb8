//! Comma-separated values with all their digits; the numbers of an interval and the p-value are columns of their own.
//!
//! A number is written as the shortest text that reads back to the same value, NULL as nothing, NaN and infinity as `NaN`,
//! `inf` and `-inf`. A percentage is written as such. Rows and columns are those of the printed table; a heading over a group of
//! rows is a column of its own.

use polars::prelude::DataFrame;

use super::format::Format;
use super::grid::Grid;
use super::printed::Values;
use crate::figures::markup::plain;
use crate::figures::table::Error;

/// `table.csv`.
pub(super) struct Csv;

impl Format for Csv {
    fn file(&self) -> &'static str {
        "table.csv"
    }

    fn bytes(&self, grid: &Grid<'_>, _: &DataFrame, _: &mut Vec<String>) -> Result<Vec<u8>, Error> {
        let mut columns: Vec<Vec<String>> = Vec::new();
        columns.extend(headings(grid));
        for column in &grid.columns {
            let title = plain(&grid.whole_title(column));
            columns.push(with_title(&title, &column.values));
            for (what, values) in &column.others {
                columns.push(with_title(&format!("{title} {what}"), values));
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

/// The column of the headings over groups, where there are some.
fn headings(grid: &Grid<'_>) -> Option<Vec<String>> {
    let group = grid.spec.group.as_ref()?;
    grid.sections.first()?.heading.as_ref()?;
    let cells = grid.sections.iter().flat_map(|section| {
        let heading = cell(section.heading.clone());
        section.rows.clone().map(move |_| heading.clone())
    });
    let title = quoted(group);
    Some(std::iter::once(title).chain(cells).collect())
}

fn with_title(title: &str, values: &Values) -> Vec<String> {
    let cells = (0..values.height()).map(|row| cell(values.exact(row)));
    std::iter::once(quoted(title)).chain(cells).collect()
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

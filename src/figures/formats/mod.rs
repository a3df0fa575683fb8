//! A table as files for people and machines: one file a format, all listed in
//! [`render`]'s roster.

mod cells;
mod check;
mod csv;
mod format;
mod grid;
mod latex;
mod layout;
mod markdown;
mod numbers;
mod parquet;
mod printed;
mod rank;
mod rows;
mod spec;

use polars::prelude::DataFrame;

pub use check::Problem;
pub use numbers::{NamedColumn, Numbers, render as render_numbers};
pub use spec::{Best, Column, Label, Pivot, Significance, TableSpec};

use crate::figures::table::Error;

const ROSTER: &[&dyn format::Format] = &[
    &markdown::Markdown,
    &csv::Csv,
    &latex::Latex,
    &parquet::Parquet,
];

/// A printed table.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Its files: their names and their bytes.
    pub files: Vec<(String, Vec<u8>)>,
    /// What to know of it, a line each.
    pub warnings: Vec<String>,
}

/// The names of the files that a table is printed to.
pub fn file_names() -> impl Iterator<Item = &'static str> {
    ROSTER.iter().map(|format| format.file())
}

/// Prints a table in every format; `holes` says what the table lacks, a line each.
pub fn render(data: &DataFrame, spec: &TableSpec, holes: &[String]) -> Result<Rendered, Error> {
    let grid = grid::Grid::new(data, spec, holes)?;
    let mut warnings = grid.warnings.clone();
    let mut files = Vec::new();
    for format in ROSTER {
        let bytes = format.bytes(&grid, data, &mut warnings)?;
        files.push((format.file().to_owned(), bytes));
    }
    Ok(Rendered { files, warnings })
}

#[cfg(test)]
mod tests;

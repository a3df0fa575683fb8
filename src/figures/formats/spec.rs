//! What a printed table shows, and its cells as text.

use polars::prelude::DataFrame;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::printed::{Printed, Rows, Values, decimals, is_written, lone, pair};
use crate::figures::digits::Number;
use crate::figures::shorthand::{or_a_name, string_or_table};
use crate::figures::table::{self, Error};

/// Prints a table for a paper.
///
/// It gives Markdown, CSV, LaTeX (booktabs) and Parquet. CSV and Parquet hold every digit. Markdown and LaTeX round numbers with a
/// fraction, with three exceptions:
///
/// - A column whose numbers are whole or have at most three significant digits, as swept values have, is printed as it is written
///   (`1e-5`, `3e-4`, `0.1`), unless `digits` is given.
/// - A number that rounding would make zero is printed with two significant digits (`1.2e-6`). One with an `error` gets the
///   decimals of the error.
/// - Two rows that differ are never printed alike. A column without `error` and `best` gets as many digits as tell its rows
///   apart, where no other column does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TableSpec {
    /// The columns to print, in order; all of them if left out.
    pub columns: Option<Vec<Column>>,
    /// A sentence above the table.
    pub caption: Option<String>,
    /// Digits after the decimal point of numbers with a fraction; if left out 3,
    /// or as many as the numbers are written with.
    #[schemars(range(max = 17))]
    pub digits: Option<usize>,
}

/// A column of a printed table: a name, or a table with more to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(transform = or_a_name)]
pub struct Column {
    /// The column of the data.
    pub field: String,
    /// The heading; the column's name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Digits after the decimal point; the table's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 17))]
    pub digits: Option<usize>,
    /// A column with the half width of an interval, printed as `0.50 ± 0.02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Print the best value of the column in bold, each of them if several are
    /// equally good. What is missing, NaN or infinite is never the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
}

string_or_table!(Column);

impl Column {
    /// A column printed without anything special.
    pub fn named(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            title: None,
            digits: None,
            error: None,
            best: None,
        }
    }
}

/// Which value of a column is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Best {
    /// The highest.
    Max,
    /// The lowest.
    Min,
}

impl TableSpec {
    /// Every column of the data it needs; none if it takes all there are.
    pub fn columns(&self) -> Vec<String> {
        let mut needed: Vec<String> = Vec::new();
        for column in self.columns.iter().flatten() {
            for name in std::iter::once(&column.field).chain(&column.error) {
                if !needed.contains(name) {
                    needed.push(name.clone());
                }
            }
        }
        needed
    }
}

/// One cell, as text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// The value.
    pub value: Printed,
    /// The half width of its interval, where one is known.
    pub error: Option<Printed>,
    /// Whether it is the best of its column.
    pub best: bool,
}

/// One column of cells.
pub(super) struct Shown {
    /// Its heading.
    pub title: String,
    /// Whether it lines up to the right.
    pub numeric: bool,
    /// Its cells from the top.
    pub cells: Vec<Cell>,
    /// Its values with all their digits.
    pub values: Values,
    /// The half widths, if it has a column of them.
    pub errors: Option<Values>,
}

/// A table as it is printed, before any format's own marks.
pub(super) struct Grid {
    /// The sentence above it.
    pub caption: Option<String>,
    /// Its columns from the left.
    pub columns: Vec<Shown>,
    /// How many rows it has.
    pub height: usize,
    /// What to know of it, a line each.
    pub warnings: Vec<String>,
}

impl Grid {
    /// Chooses and rounds what is shown.
    pub(super) fn new(data: &DataFrame, spec: &TableSpec) -> Result<Self, Error> {
        let all: Vec<Column>;
        let columns = match &spec.columns {
            Some(columns) => columns,
            None => {
                all = table::column_names(data)
                    .into_iter()
                    .map(Column::named)
                    .collect();
                &all
            }
        };
        let mut read = Vec::new();
        for column in columns {
            read.push(Read::new(data, column)?);
        }
        // What is printed as it is tells rows apart, wherever it stands.
        let mut rows = Rows::new(data.height());
        for (column, read) in columns.iter().zip(&read) {
            let digits = (column.digits, spec.digits);
            if column.error.is_none() && is_written(&read.values, digits) {
                rows.apart_by(&lone(&read.values, digits, None));
            }
        }
        let mut grid = Self {
            caption: spec.caption.clone(),
            columns: Vec::new(),
            height: data.height(),
            warnings: Vec::new(),
        };
        if data.height() == 0 {
            grid.warnings.push("the table has no rows".to_owned());
        }
        for (column, read) in columns.iter().zip(read) {
            let digits = (column.digits, spec.digits);
            let printed = match &read.errors {
                Some(errors) => pairs(&read.values, errors, decimals(digits.0, digits.1)),
                None => {
                    // Of measured values only the best has to be told apart.
                    let keys = column.best.is_none().then_some(&rows);
                    let printed = lone(&read.values, digits, keys);
                    if column.best.is_none() {
                        rows.apart_by(&printed);
                    }
                    printed.into_iter().map(|value| (value, None)).collect()
                }
            };
            let best = best_of(&read.values, column.best);
            grid.warnings.extend(holes_told(column, &read.values));
            grid.columns.push(Shown {
                title: column.title.clone().unwrap_or_else(|| column.field.clone()),
                numeric: read.values.numeric,
                cells: printed
                    .into_iter()
                    .zip(best)
                    .map(|((value, error), best)| Cell { value, error, best })
                    .collect(),
                values: read.values,
                errors: read.errors,
            });
        }
        Ok(grid)
    }
}

/// What a column needs of the data.
struct Read {
    values: Values,
    errors: Option<Values>,
}

impl Read {
    fn new(data: &DataFrame, column: &Column) -> Result<Self, Error> {
        let numbers = |name: &str, what: &str| {
            let found = table::column(data, name)?;
            let kind = found.dtype();
            if !(kind.is_primitive_numeric() || kind.is_null()) {
                return Err(Error::Unsuitable(format!(
                    "`{name}` holds no numbers, so it {what}"
                )));
            }
            Values::of(found)
        };
        Ok(match &column.error {
            None => Self {
                values: Values::of(table::column(data, &column.field)?)?,
                errors: None,
            },
            Some(error) => Self {
                values: numbers(&column.field, "cannot have an error")?,
                errors: Some(numbers(error, "cannot be an error")?),
            },
        })
    }
}

/// Values with the half widths of their intervals.
fn pairs(values: &Values, errors: &Values, decimals: usize) -> Vec<(Printed, Option<Printed>)> {
    let cells = values.numbers.iter().zip(&errors.numbers);
    cells
        .map(|(value, error)| match (value, error) {
            (None, _) => (Printed::Missing, None),
            // Zero as the half width: the value is rounded as if it were alone.
            (Some(value), None) => (pair(value.value(), 0.0, decimals).0, None),
            (Some(value), Some(error)) => {
                let (value, error) = pair(value.value(), error.value(), decimals);
                (value, Some(error))
            }
        })
        .collect()
}

/// The values that can be the best: neither NULL nor NaN nor infinite.
fn comparable(values: &Values) -> impl Iterator<Item = Option<f64>> {
    let numbers = values.numbers.iter();
    numbers.map(|number| number.map(Number::value).filter(|value| value.is_finite()))
}

/// Which cells are in bold: all that hold the best value.
fn best_of(values: &Values, best: Option<Best>) -> Vec<bool> {
    let known = comparable(values).flatten();
    let winner = match best {
        None => None,
        Some(Best::Max) => known.reduce(f64::max),
        Some(Best::Min) => known.reduce(f64::min),
    };
    comparable(values)
        .map(|value| winner.is_some() && value == winner)
        .collect()
}

/// What cannot be the best of a column.
fn holes_told(column: &Column, values: &Values) -> Option<String> {
    column.best?;
    let height = values.height();
    let holes = comparable(values).filter(Option::is_none).count();
    let are = if holes == 1 { "is" } else { "are" };
    (holes > 0).then(|| {
        format!(
            "{}: {holes} of {height} values {are} missing, NaN or infinite and cannot be the best",
            column.field
        )
    })
}

//! What a printed table shows, and its cells as text.

use polars::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::shorthand::{or_a_name, string_or_table};
use crate::figures::table::{self, Error};

/// Prints a table for a paper: as Markdown, CSV, LaTeX (booktabs) and Parquet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TableSpec {
    /// The columns to print, in order; all of them if left out.
    pub columns: Option<Vec<Column>>,
    /// A sentence above the table.
    pub caption: Option<String>,
    /// Digits after the decimal point of numbers with a fraction.
    #[schemars(range(max = 17))]
    pub digits: usize,
}

impl Default for TableSpec {
    fn default() -> Self {
        Self {
            columns: None,
            caption: None,
            digits: 3,
        }
    }
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
    /// Print the best value of the column in bold.
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
    /// The value; empty where it is missing.
    pub text: String,
    /// The half width of its interval.
    pub error: Option<String>,
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
}

/// A table as it is printed, before any format's own marks.
pub(super) struct Grid {
    /// The sentence above it.
    pub caption: Option<String>,
    /// Its columns from the left.
    pub columns: Vec<Shown>,
    /// How many rows it has.
    pub height: usize,
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
        Ok(Self {
            caption: spec.caption.clone(),
            columns: columns
                .iter()
                .map(|column| shown(data, column, column.digits.unwrap_or(spec.digits)))
                .collect::<Result<_, _>>()?,
            height: data.height(),
        })
    }
}

fn shown(data: &DataFrame, column: &Column, digits: usize) -> Result<Shown, Error> {
    let values = table::column(data, &column.field)?;
    let numeric = values.dtype().is_primitive_numeric();
    let title = column.title.clone().unwrap_or_else(|| column.field.clone());
    // More digits than a double has would print noise, and without bound.
    let digits = digits.min(17);
    if !values.dtype().is_float() {
        if column.error.is_some() && !numeric {
            return Err(Error::Unsuitable(format!(
                "`{}` holds no numbers, so it cannot have an error",
                column.field
            )));
        }
        if column.error.is_none() {
            let best = best_of(values, column.best)?;
            let cells = table::texts(values)?
                .into_iter()
                .zip(best)
                .map(|(text, best)| Cell {
                    text: text.unwrap_or_default(),
                    error: None,
                    best,
                })
                .collect();
            return Ok(Shown {
                title,
                numeric,
                cells,
            });
        }
    }
    let errors = match &column.error {
        Some(error) => table::numbers(table::column(data, error)?)?,
        None => vec![None; data.height()],
    };
    let best = best_of(values, column.best)?;
    let values = values.cast(&DataType::Float64)?;
    let cells = values
        .f64()?
        .iter()
        .zip(errors)
        .zip(best)
        .map(|((value, error), best)| Cell {
            text: value
                .map(|value| rounded(value, digits))
                .unwrap_or_default(),
            error: value.and(error).map(|error| rounded(error, digits)),
            best,
        })
        .collect();
    Ok(Shown {
        title,
        numeric,
        cells,
    })
}

/// A number with a fixed count of digits, without a negative zero.
fn rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        _ => text,
    }
}

fn best_of(values: &polars::prelude::Column, best: Option<Best>) -> Result<Vec<bool>, Error> {
    let Some(best) = best else {
        return Ok(vec![false; values.len()]);
    };
    let numbers = table::numbers(values)?;
    let known = numbers.iter().flatten().copied();
    let winner = match best {
        Best::Max => known.fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.max(b)))),
        Best::Min => known.fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.min(b)))),
    };
    Ok(numbers
        .iter()
        .map(|number| number.is_some() && *number == winner)
        .collect())
}

//! What a printed table shows.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::markup::literal;
use crate::figures::shorthand::{or_a_name, string_or_table};

/// Prints a table for a paper.
///
/// It gives Markdown, CSV, LaTeX (booktabs) and Parquet. CSV and Parquet hold every digit, and Parquet holds the table as it was
/// given. Markdown and LaTeX round numbers with a fraction, with three exceptions:
///
/// - A column whose numbers are whole or have at most three significant digits, as swept values have, is printed as it is written
///   (`1e-5`, `3e-4`, `0.1`), unless `digits` is given.
/// - A number that rounding would make zero is printed with two significant digits (`1.2e-6`). One with an interval gets the
///   decimals of the interval.
/// - Two rows that differ are never printed alike. A column without interval and `best` gets as many digits as tell its rows
///   apart, where no other column does.
///
/// Titles, captions and notes understand `^{…}` (raised), `_{…}` (lowered), `*…*` (slanted), `**…**` (bold) and names of Greek
/// letters (`\alpha`). What stands in the table is text as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TableSpec {
    /// The columns to print, in order; all of them if left out. With `pivot`, those that name a row.
    pub columns: Option<Vec<Column>>,
    /// A sentence above the table. With it, LaTeX gets a whole `table` environment, else only the `tabular`.
    pub caption: Option<String>,
    /// What `\ref` calls the table, e.g. `tab:results`; it needs a caption.
    pub label: Option<String>,
    /// Where LaTeX may place the table, e.g. `t` or `h!`; it needs a caption.
    pub placement: Option<String>,
    /// Whether the table spans both columns of a page; it needs a caption.
    pub wide: bool,
    /// Digits after the decimal point of numbers with a fraction; if left out 3 (of percentages 1),
    /// or as many as the numbers are written with.
    #[schemars(range(max = 17))]
    pub digits: Option<usize>,
    /// A column whose values put rows in groups, with a line between groups. Where it is not among `columns`, each group has its
    /// value as a heading. Rows of one group are brought together, in the order in which they first appear.
    pub group: Option<String>,
    /// Makes columns of rows: each value of a column gets columns of its own.
    pub pivot: Option<Pivot>,
    /// Sentences under the table.
    pub notes: Vec<String>,
    /// Whether LaTeX gets characters as they are which pdflatex does not set, e.g. Chinese ones, for xelatex or lualatex with a font
    /// that has them. Without it their numbers stand there, and it is told.
    pub keep_characters: bool,
}

/// Which rows become columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pivot {
    /// The column whose values become columns, or, with several `values`, spanners over columns.
    pub column: String,
    /// What is printed for each of these: columns, as in `columns`.
    #[schemars(length(min = 1))]
    pub values: Vec<Column>,
    /// The values of `column` to show, in order; all of them, as they first appear, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<Label>>,
}

/// A value of a column, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Label {
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
}

impl Label {
    /// Whether a text of a column is this value: a number however it is written.
    pub(super) fn is(&self, text: &str) -> bool {
        let said = self.to_string();
        let numbers = (said.parse::<f64>(), text.parse::<f64>());
        said == text || matches!(numbers, (Ok(one), Ok(other)) if one == other)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// A column of a printed table: a name, or a table with more to say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(transform = or_a_name)]
pub struct Column {
    /// The column of the data.
    pub field: String,
    /// The heading; the column's name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A heading over this column and those beside it with the same `span`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// Digits after the decimal point; the table's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 17))]
    pub digits: Option<usize>,
    /// Print shares as percentages: 0.501 as 50.1, with (%) in the heading.
    #[serde(default, skip_serializing_if = "is_false")]
    pub percent: bool,
    /// A column with the half width of an interval, printed as `0.50 ± 0.02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A column with the lower end of an interval, printed as `0.50 [0.47, 0.51]`; it needs `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    /// A column with the upper end of the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
    /// Print the best value of the column in bold, each of them if several are
    /// equally good. What is missing, NaN or infinite is never the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// Underline the best of the values that are worse than the best; it needs `best`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub second: bool,
    /// A column: each of its values has its own best and second best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Marks values by the p-value beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub significance: Option<Significance>,
}

string_or_table!(Column);

impl Column {
    /// A column printed without anything special.
    pub fn named(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            ..Self::default()
        }
    }

    /// The columns of its interval, each with the key that names it.
    pub(super) fn interval(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let ends = [
            ("error", &self.error),
            ("low", &self.low),
            ("high", &self.high),
        ];
        ends.into_iter()
            .filter_map(|(key, column)| Some((key, column.as_ref()?)))
    }

    /// Its heading, as mark-up.
    pub(super) fn heading(&self) -> String {
        let title = self.title.clone();
        let title = title.unwrap_or_else(|| literal(&self.field));
        if self.percent && !title.contains('%') {
            format!("{title} (%)")
        } else {
            title
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

/// A column of p-values, and the marks of small ones. A note under the table says what the marks mean. A value without a p-value
/// has no mark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Significance {
    /// The column of p-values, e.g. one of the table that `paired` leaves, joined by `aggregate`.
    pub column: String,
    /// Each mark, and the p-value below which it stands.
    #[serde(default = "marks")]
    pub marks: BTreeMap<String, f64>,
}

fn marks() -> BTreeMap<String, f64> {
    let marks = [("*", 0.05), ("**", 0.01), ("***", 0.001)];
    marks.map(|(mark, below)| (mark.to_owned(), below)).into()
}

pub(super) fn is_false(value: &bool) -> bool {
    !value
}

impl TableSpec {
    /// Every printed column, with what its place in the parameters is called.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Column)> {
        let columns = self.columns.iter().flatten();
        let values = self.pivot.iter().flat_map(|pivot| &pivot.values);
        let columns = columns.map(|column| ("columns", column));
        columns.chain(values.map(|column| ("pivot.values", column)))
    }

    /// Every printed column, with the path of its parameter.
    pub(super) fn placed(&self) -> impl Iterator<Item = (String, &Column)> {
        self.parts()
            .map(|(list, column)| (format!("{list}.{}", column.field), column))
    }

    /// Every column of the data that a parameter names, with the path of the parameter.
    pub fn uses(&self) -> Vec<(String, String)> {
        let mut uses = Vec::new();
        for (path, column) in self.placed() {
            uses.push((path.clone(), column.field.clone()));
            let others = column
                .interval()
                .chain(column.per.iter().map(|per| ("per", per)));
            uses.extend(others.map(|(key, name)| (format!("{path}.{key}"), name.clone())));
            let p = column.significance.iter();
            uses.extend(p.map(|p| (format!("{path}.significance"), p.column.clone())));
        }
        let group = self.group.iter().map(|name| ("group", name));
        let pivot = self
            .pivot
            .iter()
            .map(|pivot| ("pivot.column", &pivot.column));
        let whole = group.chain(pivot);
        uses.extend(whole.map(|(key, name)| (key.to_owned(), name.clone())));
        uses
    }

    /// Those of them that must hold numbers.
    pub fn numeric_uses(&self) -> Vec<(String, String)> {
        let mut uses = Vec::new();
        for (path, column) in self.placed() {
            let has_interval = column.interval().next().is_some();
            if has_interval || column.best.is_some() || column.percent {
                uses.push((path.clone(), column.field.clone()));
            }
            let interval = column.interval();
            uses.extend(interval.map(|(key, name)| (format!("{path}.{key}"), name.clone())));
            let p = column.significance.iter();
            uses.extend(p.map(|p| (format!("{path}.significance"), p.column.clone())));
        }
        uses
    }

    /// Every column of the data that it reads; nothing if it reads all there are.
    pub fn columns_read(&self) -> Option<Vec<String>> {
        self.columns.as_ref()?;
        Some(self.uses().into_iter().map(|(_, column)| column).collect())
    }
}

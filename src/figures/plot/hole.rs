//! What a figure cannot show, and the lines that say so.

use std::collections::BTreeMap;

use polars::prelude::{AnyValue, DataFrame};

use super::category::Key;
use crate::figures::digits::Number;
use crate::figures::table::Error;

/// So many places are named; more are counted.
const NAMED: usize = 3;
/// So many columns say where something is.
const COLUMNS: usize = 3;

/// Why a value is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// It is NULL.
    Missing,
    /// It is NaN.
    NotANumber,
    /// It is infinite.
    Infinite,
    /// It is zero and the axis logarithmic.
    Zero,
    /// It is below zero and the axis logarithmic.
    BelowZero,
    /// It is below zero and the axis one of square roots.
    BelowRoot,
    /// It lies outside the domain.
    Outside,
    /// A half width below zero, or an interval that ends before it begins.
    Inverted,
    /// Rows that are averaged have different intervals.
    Different,
}

impl Why {
    /// So many values are like this.
    fn count(self, count: usize) -> String {
        let are = if count == 1 { "is" } else { "are" };
        match self {
            Self::Missing => format!("{count} missing"),
            Self::NotANumber => format!("{count} NaN"),
            Self::Infinite => format!("{count} infinite"),
            Self::Zero => format!("{count} {are} 0 on a log scale"),
            Self::BelowZero => format!("{count} {are} below 0 on a log scale"),
            Self::BelowRoot => format!("{count} {are} below 0 on a scale of square roots"),
            Self::Outside => format!("{count} outside the domain"),
            Self::Inverted => format!("{count} {are} not an interval"),
            Self::Different => format!("{count} {are} of rows with different intervals"),
        }
    }

    /// The same with a verb.
    fn says(self, count: usize) -> String {
        let text = self.count(count);
        match self {
            Self::Missing | Self::NotANumber | Self::Infinite | Self::Outside => {
                let are = if count == 1 { "is" } else { "are" };
                text.replacen(' ', &format!(" {are} "), 1)
            }
            _ => text,
        }
    }
}

/// A value that is shown, or why it is not.
pub(super) type Cell = Result<f64, Why>;

/// The number in a cell of a table.
pub(super) fn cell(value: &AnyValue<'_>) -> Cell {
    let number = match value {
        AnyValue::Boolean(value) => Some(f64::from(*value)),
        value => Number::of(value).map(Number::value),
    };
    match number {
        None => Err(Why::Missing),
        Some(number) if number.is_nan() => Err(Why::NotANumber),
        Some(number) if number.is_infinite() => Err(Why::Infinite),
        Some(number) => Ok(number),
    }
}

/// Says where in a table a row is, by the columns that tell rows apart.
pub(super) struct Whereabouts<'a> {
    table: &'a DataFrame,
    /// The columns that make groups, in the order of the table.
    groups: Vec<String>,
    /// Columns of text and whole numbers that are not drawn.
    others: Vec<String>,
}

impl<'a> Whereabouts<'a> {
    /// By the columns that make `groups`, and where these are not enough by others that are not `drawn`.
    pub(super) fn new(table: &'a DataFrame, groups: &[&str], drawn: &[String]) -> Self {
        let names = table.columns().iter().map(|column| column.name().as_str());
        let (inside, outside): (Vec<&str>, Vec<&str>) = names.partition(|n| groups.contains(n));
        let plain = |name: &&str| {
            !drawn.iter().any(|drawn| drawn == *name)
                && table
                    .column(name)
                    .is_ok_and(|column| !column.dtype().is_float())
        };
        Self {
            table,
            groups: inside.into_iter().map(str::to_owned).collect(),
            others: outside
                .into_iter()
                .filter(plain)
                .map(str::to_owned)
                .collect(),
        }
    }

    fn key(&self, name: &str, row: usize) -> Result<Key, Error> {
        Ok(Key::of(&self.table.column(name)?.get(row)?))
    }

    fn says(&self, names: &[&String], row: usize) -> Result<String, Error> {
        let texts = names.iter().map(|name| {
            let cell = self.table.column(name)?.get(row)?;
            let text = match (Number::of(&cell), &cell) {
                (Some(number), _) => match number.digits() {
                    Some(digits) => digits.text(),
                    None => number.exact(),
                },
                (None, AnyValue::Null) => "NULL".to_owned(),
                (None, AnyValue::String(text)) => (*text).to_owned(),
                (None, cell) => cell.to_string(),
            };
            Ok(format!("{name} = {text}"))
        });
        Ok(texts.collect::<Result<Vec<_>, Error>>()?.join(", "))
    }

    /// Whether some of the rows have another value in the column.
    fn varies(&self, name: &str, rows: &[usize]) -> Result<bool, Error> {
        let Some((first, rest)) = rows.split_first() else {
            return Ok(false);
        };
        let first = self.key(name, *first)?;
        for row in rest {
            if self.key(name, *row)? != first {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where a group of rows is: the columns they share; empty if there is but one group.
    fn of_group(&self, row: usize) -> Result<String, Error> {
        let all: Vec<usize> = (0..self.table.height()).collect();
        let mut names = Vec::new();
        for name in &self.groups {
            if self.varies(name, &all)? {
                names.push(name);
            }
        }
        names.truncate(COLUMNS);
        self.says(&names, row)
    }

    /// Which of the `rows` of one group these are.
    fn within(&self, row: usize, rows: &[usize]) -> Result<String, Error> {
        let mut names = Vec::new();
        for name in &self.others {
            if names.len() < COLUMNS && self.varies(name, rows)? {
                names.push(name);
                if self.alike(&names, row, rows)? == 1 {
                    break;
                }
            }
        }
        self.says(&names, row)
    }

    /// How many of the rows are like `row` in these columns.
    fn alike(&self, names: &[&String], row: usize, rows: &[usize]) -> Result<usize, Error> {
        let mut alike: Vec<usize> = rows.to_vec();
        for name in names {
            let column = self.table.column(name)?;
            let key = Key::of(&column.get(row)?);
            alike.retain(|row| column.get(*row).is_ok_and(|cell| Key::of(&cell) == key));
        }
        Ok(alike.len())
    }

    /// Where one row is, but for the column `not`, which holds what is told of it.
    fn of_row(&self, row: usize, not: &str) -> Result<String, Error> {
        let all: Vec<usize> = (0..self.table.height()).collect();
        let mut names = Vec::new();
        for (place, name) in self.groups.iter().chain(&self.others).enumerate() {
            let enough = place >= self.groups.len()
                && (names.len() >= COLUMNS || self.alike(&names, row, &all)? == 1);
            if name != not && !enough && self.varies(name, &all)? {
                names.push(name);
            }
        }
        names.truncate(COLUMNS + 1);
        self.says(&names, row)
    }

    /// `error: 3 of 7 values are not shown: 1 NaN (n = 5), …`.
    pub(super) fn not_shown(
        &self,
        (column, noun): (&str, &str),
        total: usize,
        holes: &[(usize, Why)],
        and: &str,
    ) -> Result<Option<String>, Error> {
        if holes.is_empty() {
            return Ok(None);
        }
        let mut kinds: BTreeMap<Why, Vec<usize>> = BTreeMap::new();
        for (row, why) in holes {
            kinds.entry(*why).or_default().push(*row);
        }
        let mut parts = Vec::new();
        for (why, rows) in kinds {
            let mut part = why.count(rows.len());
            if holes.len() <= NAMED {
                let places = rows.iter().map(|row| self.of_row(*row, column));
                let places = places.collect::<Result<Vec<_>, _>>()?;
                if places.iter().all(|place| !place.is_empty()) {
                    part.push_str(&format!(" ({})", places.join("; ")));
                }
            }
            parts.push(part);
        }
        let are = if holes.len() == 1 { "is" } else { "are" };
        let plural = if total == 1 { "" } else { "s" };
        Ok(Some(format!(
            "{column}: {} of {total} {noun}{plural} {are} {and}: {}",
            holes.len(),
            parts.join(", ")
        )))
    }

    /// `accuracy: 1 of 3 samples: fewer than 5 values (method = new)`. Each sample is given by its first row.
    pub(super) fn lacking(
        &self,
        (column, why): (&str, &str),
        total: usize,
        samples: &[usize],
    ) -> Result<String, Error> {
        let of = if total == 1 {
            String::new()
        } else {
            format!("{} of {total} samples: ", samples.len())
        };
        let mut at = String::new();
        if samples.len() <= NAMED && samples.len() < total {
            let places = samples.iter().map(|row| self.of_group(*row));
            let places = places.collect::<Result<Vec<_>, _>>()?;
            if places.iter().all(|place| !place.is_empty()) {
                at = format!(" ({})", places.join("; "));
            }
        }
        Ok(format!("{column}: {of}{why}{at}"))
    }

    /// `accuracy: no mean at method = new: 1 of 3 values is NaN (seed = 2)`.
    pub(super) fn no_mean(
        &self,
        column: &str,
        rows: &[usize],
        cells: &[Cell],
    ) -> Result<String, Error> {
        let mut kinds: BTreeMap<Why, Vec<usize>> = BTreeMap::new();
        for (row, cell) in rows.iter().zip(cells) {
            if let Err(why) = cell {
                kinds.entry(*why).or_default().push(*row);
            }
        }
        let holes: usize = kinds.values().map(Vec::len).sum();
        let mut parts = Vec::new();
        let single = kinds.len() == 1;
        for (why, found) in kinds {
            let mut part = why.says(found.len());
            if single {
                part = part.replacen(' ', &format!(" of {} values ", rows.len()), 1);
            }
            if holes <= NAMED {
                let places = found.iter().map(|row| self.within(*row, rows));
                let places = places.collect::<Result<Vec<_>, _>>()?;
                if places.iter().all(|place| !place.is_empty()) {
                    part.push_str(&format!(" ({})", places.join("; ")));
                }
            }
            parts.push(part);
        }
        let at = match rows.first() {
            Some(row) => self.of_group(*row)?,
            None => String::new(),
        };
        let at = if at.is_empty() {
            at
        } else {
            format!(" at {at}")
        };
        let of = if single {
            String::new()
        } else {
            format!("of {} values ", rows.len())
        };
        Ok(format!("{column}: no mean{at}: {of}{}", parts.join(", ")))
    }
}

/// The first of many lines, and how many more there are.
pub(super) fn first_of(lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() <= most {
        return lines;
    }
    let more = lines.len() - (most - 1);
    let mut first: Vec<String> = lines.into_iter().take(most - 1).collect();
    first.push(format!("and {more} more"));
    first
}

//! A column of the data as cells: its values and intervals, read and rounded.

use polars::prelude::DataFrame;

use super::printed::{Printed, Values, decimals, together};
use super::rows::{Rows, is_written, lone};
use super::spec::{Column, Significance};
use crate::figures::digits::Number;
use crate::figures::table::{self, Error};

/// An interval around a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Interval<T> {
    /// None is known.
    #[default]
    None,
    /// Its half width.
    Half(T),
    /// Its lower and its upper end.
    Ends(T, T),
}

/// Whether a value is among the best.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Rank {
    /// It is not.
    #[default]
    Other,
    /// It is the best.
    Best,
    /// It is the best of those that are worse than the best.
    Second,
}

/// One cell, as text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// The value.
    pub value: Printed,
    /// Its interval, where one is known.
    pub interval: Interval<Printed>,
    /// Whether it is among the best of its column.
    pub rank: Rank,
    /// The mark of its p-value.
    pub mark: Option<String>,
}

impl Cell {
    /// A cell for which the data has no row.
    pub(super) fn missing() -> Self {
        Self {
            value: Printed::Missing,
            interval: Interval::None,
            rank: Rank::Other,
            mark: None,
        }
    }

    /// The value and its interval, in a format that knows no mark-up.
    pub(super) fn text(&self) -> String {
        let value = self.value.text();
        match &self.interval {
            Interval::None => value,
            Interval::Half(error) => format!("{value} ± {}", error.text()),
            Interval::Ends(low, high) => format!("{value} [{}, {}]", low.text(), high.text()),
        }
    }
}

/// What a printed column needs of the data, a value for each of its rows.
pub(super) struct Read<'a> {
    /// What is printed.
    pub column: &'a Column,
    /// The values.
    pub values: Values,
    /// The numbers of their intervals.
    pub interval: Interval<Values>,
    /// Their p-values.
    pub p: Option<(&'a Significance, Values)>,
}

impl<'a> Read<'a> {
    /// Reads a column.
    pub(super) fn new(data: &DataFrame, column: &'a Column) -> Result<Self, Error> {
        let numbers = |name: &str, what: &str, percent: bool| {
            let found = table::column(data, name)?;
            let kind = found.dtype();
            if !(kind.is_primitive_numeric() || kind.is_null()) {
                return Err(Error::Unsuitable(format!(
                    "`{name}` holds no numbers, so it {what}"
                )));
            }
            Values::of(found, percent)
        };
        let (field, percent) = (&column.field, column.percent);
        let end = |name: &str| numbers(name, "cannot be an end of an interval", percent);
        let interval = match (&column.error, &column.low, &column.high) {
            (Some(error), ..) => Interval::Half(numbers(error, "cannot be an error", percent)?),
            (None, Some(low), Some(high)) => Interval::Ends(end(low)?, end(high)?),
            _ => Interval::None,
        };
        let values = match (&interval, percent) {
            (Interval::None, false) => Values::of(table::column(data, field)?, false)?,
            (Interval::None, true) => numbers(field, "is no percentage", true)?,
            (Interval::Half(_), _) => numbers(field, "cannot have an error", percent)?,
            (Interval::Ends(..), _) => numbers(field, "cannot have an interval", percent)?,
        };
        if let Interval::Ends(low, high) = &interval {
            check_ends(column, low, high)?;
        }
        let p = match &column.significance {
            Some(p) => {
                let values = numbers(&p.column, "cannot be a p-value", false)?;
                check_p(&p.column, &values)?;
                Some((p, values))
            }
            None => None,
        };
        Ok(Self {
            column,
            values,
            interval,
            p,
        })
    }

    fn has_interval(&self) -> bool {
        !matches!(self.interval, Interval::None)
    }

    /// The cells, before anything is the best; `rows` says which rows are told apart so far.
    fn cells(&self, digits: Option<usize>, rows: Option<&Rows>) -> Vec<Cell> {
        let printed = if self.has_interval() {
            self.with_intervals(decimals(digits, self.values.shift))
        } else {
            let printed = lone(&self.values, digits, rows).into_iter();
            printed.map(|value| (value, Interval::None)).collect()
        };
        let cells = printed.into_iter().enumerate();
        cells
            .map(|(row, (value, interval))| Cell {
                value,
                interval,
                rank: Rank::Other,
                mark: self.mark(row),
            })
            .collect()
    }

    fn with_intervals(&self, decimals: usize) -> Vec<(Printed, Interval<Printed>)> {
        let number = |values: &Values, row: usize| values.numbers[row].map(Number::value);
        let shift = self.values.shift;
        let cell = |row: usize| {
            let Some(value) = number(&self.values, row) else {
                return (Printed::Missing, Interval::None);
            };
            let interval = match &self.interval {
                Interval::None => None,
                Interval::Half(error) => number(error, row).map(|error| vec![error]),
                Interval::Ends(low, high) => {
                    let ends = number(low, row).zip(number(high, row));
                    ends.map(|(low, high)| vec![low, high])
                }
            };
            let numbers = [vec![value], interval.unwrap_or_default()].concat();
            let mut printed = together(&numbers, decimals, shift).into_iter();
            let value = printed.next().unwrap_or(Printed::Missing);
            let interval = match (printed.next(), printed.next()) {
                (None, _) => Interval::None,
                (Some(error), None) => Interval::Half(error),
                (Some(low), Some(high)) => Interval::Ends(low, high),
            };
            (value, interval)
        };
        (0..self.values.height()).map(cell).collect()
    }

    /// The mark of the smallest threshold that the p-value is below.
    fn mark(&self, row: usize) -> Option<String> {
        let (significance, values) = self.p.as_ref()?;
        self.values.numbers[row]?;
        let p = values.numbers[row]?.value();
        let marks = significance.marks.iter().filter(|(_, below)| p < **below);
        let mark = marks.min_by(|(_, one), (_, other)| one.total_cmp(other));
        mark.map(|(mark, _)| mark.clone())
    }
}

/// An interval whose ends are the wrong way round says nothing.
fn check_ends(column: &Column, low: &Values, high: &Values) -> Result<(), Error> {
    let ends = low.numbers.iter().zip(&high.numbers);
    let wrong = ends.enumerate().find_map(|(row, (low, high))| {
        let (low, high) = ((*low)?.value(), (*high)?.value());
        (low > high).then_some((row, low, high))
    });
    match wrong {
        None => Ok(()),
        Some((row, low, high)) => Err(Error::Unsuitable(format!(
            "the interval of `{}` in row {} goes from {low} to {high}: its lower end is above its upper end",
            column.field,
            row + 1
        ))),
    }
}

fn check_p(name: &str, values: &Values) -> Result<(), Error> {
    let numbers = values.numbers.iter().enumerate();
    let mut numbers = numbers.filter_map(|(row, number)| Some((row, (*number)?.value())));
    match numbers.find(|(_, p)| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some((row, p)) => Err(Error::Unsuitable(format!(
            "`{name}` holds {p} in row {}, which is no p-value: one is between 0 and 1",
            row + 1
        ))),
    }
}

/// The cells of each column, a cell for each row of the data. What `shown` holds tells rows apart too.
pub(super) fn printed(
    reads: &[Read<'_>],
    digits: Option<usize>,
    height: usize,
    shown: &[Values],
) -> Vec<Vec<Cell>> {
    let mut rows = Rows::new(height);
    for values in shown {
        rows.apart_by(&lone(values, None, None));
    }
    // What is printed as it is tells rows apart, wherever it stands.
    let digits_of = |read: &Read<'_>| read.column.digits.or(digits);
    for read in reads {
        if !read.has_interval() && is_written(&read.values, digits_of(read)) {
            rows.apart_by(&lone(&read.values, digits_of(read), None));
        }
    }
    let cells = reads.iter().map(|read| {
        // Of measured values only the best has to be told apart.
        let is_key = !read.has_interval() && read.column.best.is_none();
        let cells = read.cells(digits_of(read), is_key.then_some(&rows));
        if is_key {
            let values: Vec<Printed> = cells.iter().map(|cell| cell.value.clone()).collect();
            rows.apart_by(&values);
        }
        cells
    });
    cells.collect()
}

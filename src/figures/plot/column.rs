//! The columns that a plot reads: numbers or places of categories along an axis, intervals around them, and groups.

use std::collections::BTreeMap;

use polars::prelude::{Column, DataFrame};

use super::category::{Categories, Key, Unknown};
use super::hole::{Cell, Why, cell};
use super::spec::Channel;
use crate::figures::table::{self, Error};

/// The most places along an axis of categories.
const MOST_PLACES: usize = 2000;

/// One column along an axis.
#[derive(Debug, Clone, Default)]
pub(super) struct Along {
    /// The value or the place of the category of every row.
    pub cells: Vec<Cell>,
    /// Which rows hold the same value.
    pub keys: Vec<usize>,
    /// Whether its cells are places of categories.
    pub named: bool,
    /// Whether it can only hold whole numbers.
    pub whole: bool,
}

/// The ends of the interval of every row; nothing where the channel has none.
pub(super) type Intervals = Option<Vec<Result<(f64, f64), Why>>>;

/// A column as numbers, or an error if it holds text.
pub(super) fn numbers(table: &DataFrame, name: &str) -> Result<Vec<Cell>, Error> {
    let column = table::column(table, name)?;
    if !is_numeric(column) && !column.dtype().is_bool() {
        return Err(Error::Unsuitable(format!(
            "`{name}` should hold numbers; it holds {}",
            match column.dtype() {
                kind if kind.is_string() => "text".to_owned(),
                kind => kind.to_string(),
            }
        )));
    }
    (0..column.len())
        .map(|row| Ok(cell(&column.get(row)?)))
        .collect()
}

/// Whether a column can be an axis of numbers.
pub(super) fn is_numeric(column: &Column) -> bool {
    // A column without any value has the type that somebody guessed.
    column.dtype().is_primitive_numeric() || is_empty(column)
}

/// Whether no row has a value.
pub(super) fn is_empty(column: &Column) -> bool {
    column.dtype().is_null() || (!column.is_empty() && column.null_count() == column.len())
}

/// The intervals that a channel asks for: a half width, or both ends.
pub(super) fn intervals(
    table: &DataFrame,
    channel: &Channel,
    along: &Along,
) -> Result<Intervals, Error> {
    if let Some(error) = &channel.error {
        let widths = numbers(table, error)?;
        let ends = along.cells.iter().zip(widths);
        let ends = ends.map(|(value, half)| match (value, half) {
            (_, Err(why)) => Err(why),
            (_, Ok(half)) if half < 0.0 => Err(Why::Inverted),
            (Err(why), _) => Err(*why),
            (Ok(value), Ok(half)) => Ok((value - half, value + half)),
        });
        return Ok(Some(ends.collect()));
    }
    let (Some(low), Some(high)) = (&channel.low, &channel.high) else {
        return Ok(None);
    };
    let ends = numbers(table, low)?.into_iter().zip(numbers(table, high)?);
    let ends = ends.map(|ends| match ends {
        (Err(why), _) | (_, Err(why)) => Err(why),
        (Ok(low), Ok(high)) if low > high => Err(Why::Inverted),
        (Ok(low), Ok(high)) => Ok((low, high)),
    });
    Ok(Some(ends.collect()))
}

/// A column along an axis of numbers.
pub(super) fn along_numbers(table: &DataFrame, channel: &Channel) -> Result<Along, Error> {
    let column = table::column(table, &channel.field)?;
    // Equal values, not equal doubles: two large whole numbers may share one.
    let mut known: BTreeMap<Key, usize> = BTreeMap::new();
    let mut keys = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        let next = known.len();
        let key = Key::of(&column.get(row)?);
        keys.push(*known.entry(key).or_insert(next));
    }
    Ok(Along {
        cells: numbers(table, &channel.field)?,
        keys,
        named: false,
        whole: column.dtype().is_integer() || column.dtype().is_bool(),
    })
}

/// Columns along an axis of categories, which they share.
pub(super) fn along_categories(
    columns: &[&Column],
    channel: &Channel,
) -> Result<(Vec<Along>, Categories), Error> {
    let order = channel.order.as_deref().unwrap_or_default();
    let found = Categories::new(columns, order, false)?;
    if found.names.len() > MOST_PLACES {
        return Err(Error::Unsuitable(format!(
            "`{}` has {} different values: too many to stand side by side",
            channel.field,
            found.names.len()
        )));
    }
    let mut alongs = Vec::new();
    for (column, of_row) in columns.iter().zip(&found.of_row) {
        let mut cells = Vec::with_capacity(column.len());
        for (row, place) in of_row.iter().enumerate() {
            cells.push(match (place, Key::of(&column.get(row)?)) {
                (Some(place), _) => Ok(*place as f64),
                (None, Key::Nan) => Err(Why::NotANumber),
                (None, _) => Err(Why::Missing),
            });
        }
        alongs.push(Along {
            cells,
            keys: of_row.iter().map(|p| p.unwrap_or(usize::MAX)).collect(),
            named: true,
            whole: false,
        });
    }
    Ok((alongs, found))
}

/// The groups of columns that share them: series or panels.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    /// The group of every row, for each column.
    pub of_row: Vec<Vec<usize>>,
    /// The names of the groups, as mark-up.
    pub names: Vec<String>,
    /// What the channel's `order` names and no row holds.
    pub unknown: Vec<Unknown>,
    /// Whether all columns hold numbers.
    pub numeric: bool,
}

impl Groups {
    /// A missing value makes a group of its own.
    pub(super) fn new(
        columns: &[&Column],
        channel: &Channel,
        noun: &str,
        most: usize,
    ) -> Result<Self, Error> {
        let numeric = columns
            .iter()
            .all(|column| column.dtype().is_primitive_numeric());
        let order = channel.order.as_deref().unwrap_or_default();
        let found = Categories::new(columns, order, true)?;
        if found.names.len() > most {
            return Err(Error::Unsuitable(format!(
                "`{}` would make {} {noun}; {most} are the most",
                channel.field,
                found.names.len()
            )));
        }
        let of_row = found.of_row.into_iter();
        let of_row = of_row.map(|rows| rows.into_iter().map(Option::unwrap_or_default).collect());
        let mut groups = Self {
            of_row: of_row.collect(),
            names: found.names,
            unknown: found.unknown,
            numeric,
        };
        if numeric && channel.order.is_none() {
            groups.sort(columns)?;
        }
        Ok(groups)
    }

    /// Puts groups of numbers in the order of the numbers.
    fn sort(&mut self, columns: &[&Column]) -> Result<(), Error> {
        let mut first: Vec<Option<f64>> = vec![None; self.names.len()];
        for (column, of_row) in columns.iter().zip(&self.of_row) {
            for (row, group) in of_row.iter().enumerate() {
                if first[*group].is_none() {
                    first[*group] = cell(&column.get(row)?).ok();
                }
            }
        }
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by(|a, b| {
            let key = |group: usize| first[group].unwrap_or(f64::INFINITY);
            key(*a).total_cmp(&key(*b))
        });
        let mut new = vec![0; order.len()];
        for (place, group) in order.iter().enumerate() {
            new[*group] = place;
        }
        self.names = order
            .iter()
            .map(|group| self.names[*group].clone())
            .collect();
        for group in self.of_row.iter_mut().flatten() {
            *group = new[*group];
        }
        Ok(())
    }
}

/// The interval of a row, if it has one.
pub(super) fn interval_at(intervals: &Intervals, row: usize) -> Option<(f64, f64)> {
    intervals.as_ref()?[row].ok()
}

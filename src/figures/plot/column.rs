//! The columns that a plot reads: numbers or places of categories along an axis, intervals around them, and groups.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use super::category::{Categories, Key};
use super::hole::{Cell, Why, cell};
use super::spec::Channel;
use crate::figures::table::{self, Error};

/// The most places along an axis of categories.
const MOST_PLACES: usize = 2000;

/// One column along an axis.
pub(super) struct Along {
    /// The value or the place of the category of every row.
    pub cells: Vec<Cell>,
    /// Which rows hold the same value.
    pub keys: Vec<usize>,
    /// The names of the places, if it is one of categories.
    pub names: Option<Vec<String>>,
    /// Whether it can only hold whole numbers.
    pub whole: bool,
    /// What the channel's `order` names and no row holds.
    pub unknown: Vec<String>,
}

/// The ends of the interval of every row; nothing where the channel has none.
pub(super) type Intervals = Option<Vec<Result<(f64, f64), Why>>>;

/// A column as numbers, or an error if it holds text.
pub(super) fn numbers(table: &DataFrame, name: &str) -> Result<Vec<Cell>, Error> {
    let column = table::column(table, name)?;
    let kind = column.dtype();
    // A column without any value has the type that somebody guessed.
    let fits = kind.is_primitive_numeric() || kind.is_bool() || is_empty(column);
    if !fits {
        return Err(Error::Unsuitable(format!(
            "`{name}` should hold numbers; it holds {}",
            match kind {
                kind if kind.is_string() => "text".to_owned(),
                kind => kind.to_string(),
            }
        )));
    }
    (0..column.len())
        .map(|row| Ok(cell(&column.get(row)?)))
        .collect()
}

/// Whether no row has a value.
fn is_empty(column: &polars::prelude::Column) -> bool {
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

pub(super) fn along(table: &DataFrame, channel: &Channel, category: bool) -> Result<Along, Error> {
    let column = table::column(table, &channel.field)?;
    let kind = column.dtype();
    if (kind.is_primitive_numeric() || is_empty(column)) && !category {
        if channel.order.is_some() {
            return Err(Error::Unsuitable(format!(
                "`{}` holds numbers, which have an order: `order` is for categories",
                channel.field
            )));
        }
        // Equal values, not equal doubles: two large whole numbers may share one.
        let mut known: BTreeMap<Key, usize> = BTreeMap::new();
        let mut keys = Vec::with_capacity(column.len());
        for row in 0..column.len() {
            let next = known.len();
            let key = Key::of(&column.get(row)?);
            keys.push(*known.entry(key).or_insert(next));
        }
        return Ok(Along {
            cells: numbers(table, &channel.field)?,
            keys,
            names: None,
            whole: kind.is_integer(),
            unknown: Vec::new(),
        });
    }
    let order = channel.order.as_deref().unwrap_or_default();
    let found = Categories::new(column, order, false)?;
    if found.names.len() > MOST_PLACES {
        return Err(Error::Unsuitable(format!(
            "`{}` has {} different values: too many to stand side by side",
            channel.field,
            found.names.len()
        )));
    }
    let mut cells = Vec::with_capacity(column.len());
    for (row, place) in found.of_row.iter().enumerate() {
        cells.push(match (place, Key::of(&column.get(row)?)) {
            (Some(place), _) => Ok(*place as f64),
            (None, Key::Nan) => Err(Why::NotANumber),
            (None, _) => Err(Why::Missing),
        });
    }
    Ok(Along {
        cells,
        keys: found
            .of_row
            .iter()
            .map(|p| p.unwrap_or(usize::MAX))
            .collect(),
        names: Some(found.names),
        whole: false,
        unknown: found.unknown,
    })
}

/// The groups of a column: series or panels.
pub(super) struct Groups {
    /// The group of every row.
    pub of_row: Vec<usize>,
    /// The names of the groups; one without a name if there is no column.
    pub names: Vec<String>,
    /// What the channel's `order` names and no row holds.
    pub unknown: Vec<String>,
}

impl Groups {
    /// A missing value makes a group of its own.
    pub(super) fn new(
        table: &DataFrame,
        channel: Option<&Channel>,
        noun: &str,
        most: usize,
    ) -> Result<Self, Error> {
        let Some(channel) = channel else {
            return Ok(Self {
                of_row: vec![0; table.height()],
                names: vec![String::new()],
                unknown: Vec::new(),
            });
        };
        let order = channel.order.as_deref().unwrap_or_default();
        let found = Categories::new(table::column(table, &channel.field)?, order, true)?;
        if found.names.len() > most {
            return Err(Error::Unsuitable(format!(
                "`{}` would make {} {noun}; {most} are the most",
                channel.field,
                found.names.len()
            )));
        }
        let of_row = found.of_row.into_iter().map(Option::unwrap_or_default);
        Ok(Self {
            of_row: of_row.collect(),
            names: found.names,
            unknown: found.unknown,
        })
    }
}

/// The interval of a row, if it has one.
pub(super) fn interval_at(intervals: &Intervals, row: usize) -> Option<(f64, f64)> {
    intervals.as_ref()?[row].ok()
}

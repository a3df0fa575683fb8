//! A value as another type.

use polars::prelude::*;

use super::{
    Fault, bool_column, bools, float_column, floats, int_column, internal, ints, kind_of,
    text_column, texts,
};
use crate::figures::sql::kind::Kind;

/// The same values in the column of a wider type: whole numbers as fractions, missing values as anything.
pub(in crate::figures::sql) fn as_kind(values: &Column, kind: Kind) -> Result<Column, Fault> {
    if kind == Kind::Unknown || kind_of(values) == kind {
        return Ok(values.clone());
    }
    values.cast(&kind.storage()).map_err(internal)
}

/// CAST: whole numbers of fractions round to the nearest, half to even; with `safe`, NULL where there is no such value.
pub(in crate::figures::sql) fn cast(
    values: &Column,
    to: Kind,
    safe: bool,
) -> Result<Column, Fault> {
    let from = kind_of(values);
    Ok(match (from, to) {
        (from, to) if from == to => values.clone(),
        (Kind::Null, _) | (_, Kind::Null) | (Kind::Int, Kind::Float | Kind::Single) => {
            values.cast(&to.storage()).map_err(internal)?
        }
        (Kind::Single, Kind::Float) | (Kind::Float, Kind::Single) => {
            values.cast(&to.storage()).map_err(internal)?
        }
        (Kind::Bool, Kind::Int | Kind::Float | Kind::Single) => {
            let numbers = int_column(bools(values)?.iter().map(|v| v.map(i64::from)));
            as_kind(&numbers, to)?
        }
        (Kind::Bool, Kind::Text) => {
            text_column(bools(values)?.iter().map(|v| v.map(|v| v.to_string())))
        }
        (Kind::Int, Kind::Bool) => bool_column(ints(values)?.iter().map(|v| v.map(|v| v != 0))),
        (Kind::Int, Kind::Text) => {
            text_column(ints(values)?.iter().map(|v| v.map(|v| v.to_string())))
        }
        (Kind::Single, Kind::Text) => {
            let numbers = values.f32().map_err(internal)?;
            text_column(numbers.iter().map(|v| v.map(|v| format!("{v:?}"))))
        }
        (Kind::Float, Kind::Text) => {
            text_column(floats(values)?.iter().map(|v| v.map(|v| format!("{v:?}"))))
        }
        (Kind::Single, _) => cast(&as_kind(values, Kind::Float)?, to, safe)?,
        (Kind::Float, Kind::Int) => {
            let rounded = floats(values)?.iter().map(|v| match v {
                Some(v) => match whole(v.round_ties_even()) {
                    Some(whole) => Ok(Some(whole)),
                    None => failed(&v.to_string(), to, safe),
                },
                None => Ok(None),
            });
            let rounded: Vec<Option<i64>> = rounded.collect::<Result<_, Fault>>()?;
            int_column(rounded.into_iter())
        }
        (Kind::Float, Kind::Bool) => {
            bool_column(floats(values)?.iter().map(|v| v.map(|v| v != 0.0)))
        }
        (Kind::Text, Kind::Int) => {
            let read = texts(values)?.iter().map(|v| match v.map(str::trim) {
                Some(v) => match v.parse::<i64>() {
                    Ok(whole) => Ok(Some(whole)),
                    Err(_) => match v
                        .parse::<f64>()
                        .ok()
                        .and_then(|v| whole(v.round_ties_even()))
                    {
                        Some(whole) => Ok(Some(whole)),
                        None => failed(v, to, safe),
                    },
                },
                None => Ok(None),
            });
            let read: Vec<Option<i64>> = read.collect::<Result<_, Fault>>()?;
            int_column(read.into_iter())
        }
        (Kind::Text, Kind::Float | Kind::Single) => {
            let read = texts(values)?.iter().map(|v| match v.map(str::trim) {
                Some(v) => match v.parse::<f64>() {
                    Ok(number) => Ok(Some(number)),
                    Err(_) => failed(v, to, safe),
                },
                None => Ok(None),
            });
            let read: Vec<Option<f64>> = read.collect::<Result<_, Fault>>()?;
            as_kind(&float_column(read.into_iter()), to)?
        }
        (Kind::Text, Kind::Bool) => {
            let read = texts(values)?.iter().map(|v| match v {
                Some(v) => match v.trim().to_lowercase().as_str() {
                    "true" | "t" | "1" => Ok(Some(true)),
                    "false" | "f" | "0" => Ok(Some(false)),
                    _ => failed(v, to, safe),
                },
                None => Ok(None),
            });
            let read: Vec<Option<bool>> = read.collect::<Result<_, Fault>>()?;
            bool_column(read.into_iter())
        }
        _ => values.clone(),
    })
}

/// A value that has no counterpart of another type.
fn failed<T>(value: &str, to: Kind, safe: bool) -> Result<Option<T>, Fault> {
    if safe {
        Ok(None)
    } else {
        Err(format!(
            "`{value}` cannot be made {to}; TRY_CAST gives NULL instead"
        ))
    }
}

/// A number without a fraction as a whole number of 64 bits, where it is one.
fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (-LIMIT..LIMIT).contains(&number).then_some(number as i64)
}

//! Comparisons, conditions and missing values.

use std::cmp::Ordering;

use polars::prelude::*;

use super::{
    Fault, Function, Gives, MANY, Takes, as_kind, bool_column, bools, floats, internal, ints,
    kind_of, texts,
};
use crate::figures::sql::kind::Kind;

const BOOL: Gives = Gives::Always(Kind::Bool);

pub(super) const ROSTER: &[Function] = &[
    compare(&["="], |kind, args| compared(kind, args, Ordering::is_eq)),
    compare(&["<>"], |kind, args| compared(kind, args, Ordering::is_ne)),
    compare(&["<"], |kind, args| compared(kind, args, Ordering::is_lt)),
    compare(&["<="], |kind, args| compared(kind, args, Ordering::is_le)),
    compare(&[">"], |kind, args| compared(kind, args, Ordering::is_gt)),
    compare(&[">="], |kind, args| compared(kind, args, Ordering::is_ge)),
    compare(&["IS DISTINCT FROM"], |kind, args| {
        distinct(kind, args, true)
    }),
    compare(&["IS NOT DISTINCT FROM"], |kind, args| {
        distinct(kind, args, false)
    }),
    Function {
        names: &["AND"],
        count: (2, 2),
        takes: Takes::Bools,
        gives: BOOL,
        eval: |_, args| {
            both(args, |a, b| match (a, b) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            })
        },
    },
    Function {
        names: &["OR"],
        count: (2, 2),
        takes: Takes::Bools,
        gives: BOOL,
        eval: |_, args| {
            both(args, |a, b| match (a, b) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            })
        },
    },
    Function {
        names: &["NOT"],
        count: (1, 1),
        takes: Takes::Bools,
        gives: BOOL,
        eval: |_, args| Ok(bool_column(bools(&args[0])?.iter().map(|v| v.map(|v| !v)))),
    },
    truth(&["IS TRUE"], |_, args| is(args, |v| v == Some(true))),
    truth(&["IS NOT TRUE"], |_, args| is(args, |v| v != Some(true))),
    truth(&["IS FALSE"], |_, args| is(args, |v| v == Some(false))),
    truth(&["IS NOT FALSE"], |_, args| is(args, |v| v != Some(false))),
    Function {
        names: &["IS NULL"],
        count: (1, 1),
        takes: Takes::Any,
        gives: BOOL,
        eval: |_, args| Ok(args[0].is_null().into_series().into()),
    },
    Function {
        names: &["IS NOT NULL"],
        count: (1, 1),
        takes: Takes::Any,
        gives: BOOL,
        eval: |_, args| Ok(args[0].is_not_null().into_series().into()),
    },
    number(&["isnan", "is_nan"], |_, args| {
        Ok(bool_column(
            floats(&args[0])?.iter().map(|v| v.map(f64::is_nan)),
        ))
    }),
    number(&["isinf", "is_inf"], |_, args| {
        Ok(bool_column(
            floats(&args[0])?.iter().map(|v| v.map(f64::is_infinite)),
        ))
    }),
    number(&["isfinite", "is_finite"], |_, args| {
        Ok(bool_column(
            floats(&args[0])?.iter().map(|v| v.map(f64::is_finite)),
        ))
    }),
    Function {
        names: &["coalesce", "ifnull"],
        count: (1, MANY),
        takes: Takes::Alike,
        gives: Gives::Same,
        eval: |_, args| {
            let mut result = args[0].clone();
            for arg in &args[1..] {
                let known = result.is_not_null();
                result = chosen(&known, &result, arg)?;
            }
            Ok(result)
        },
    },
    Function {
        names: &["nullif"],
        count: (2, 2),
        takes: Takes::Alike,
        gives: Gives::Same,
        eval: |kind, args| {
            let differs = compared(kind, args, Ordering::is_ne)?;
            // What cannot be compared is not equal.
            let keep: BooleanChunked = bools(&differs)?.iter().map(|v| v != Some(false)).collect();
            let nothing = Column::full_null("".into(), keep.len(), args[0].dtype());
            chosen(&keep, &args[0], &nothing)
        },
    },
    Function {
        names: &["greatest"],
        count: (1, MANY),
        takes: Takes::Alike,
        gives: Gives::Same,
        eval: |kind, args| extreme(kind, args, Ordering::is_gt),
    },
    Function {
        names: &["least"],
        count: (1, MANY),
        takes: Takes::Alike,
        gives: Gives::Same,
        eval: |kind, args| extreme(kind, args, Ordering::is_lt),
    },
];

type Eval = fn(Kind, &[Column]) -> Result<Column, Fault>;

const fn compare(names: &'static [&'static str], eval: Eval) -> Function {
    Function {
        names,
        count: (2, 2),
        takes: Takes::Alike,
        gives: BOOL,
        eval,
    }
}

const fn truth(names: &'static [&'static str], eval: Eval) -> Function {
    Function {
        names,
        count: (1, 1),
        takes: Takes::Bools,
        gives: BOOL,
        eval,
    }
}

const fn number(names: &'static [&'static str], eval: Eval) -> Function {
    Function {
        names,
        count: (1, 1),
        takes: Takes::Floats,
        gives: BOOL,
        eval,
    }
}

/// How the values of two columns compare, row by row; unknown where one is missing or NaN.
fn orderings(kind: Kind, a: &Column, b: &Column) -> Result<Vec<Option<Ordering>>, Fault> {
    fn zipped<T>(
        a: impl Iterator<Item = Option<T>>,
        b: impl Iterator<Item = Option<T>>,
        compare: impl Fn(T, T) -> Option<Ordering>,
    ) -> Vec<Option<Ordering>> {
        a.zip(b).map(|(a, b)| compare(a?, b?)).collect()
    }
    Ok(match kind {
        Kind::Null | Kind::Unknown => vec![None; a.len()],
        Kind::Bool => zipped(bools(a)?.iter(), bools(b)?.iter(), |a, b| Some(a.cmp(&b))),
        Kind::Int => zipped(ints(a)?.iter(), ints(b)?.iter(), |a, b| Some(a.cmp(&b))),
        Kind::Single => {
            let (a, b) = (a.f32().map_err(internal)?, b.f32().map_err(internal)?);
            zipped(a.iter(), b.iter(), |a, b| a.partial_cmp(&b))
        }
        Kind::Float => zipped(floats(a)?.iter(), floats(b)?.iter(), |a, b| {
            a.partial_cmp(&b)
        }),
        Kind::Text => zipped(texts(a)?.iter(), texts(b)?.iter(), |a, b| Some(a.cmp(b))),
    })
}

fn compared(kind: Kind, args: &[Column], is: fn(Ordering) -> bool) -> Result<Column, Fault> {
    let orderings = orderings(kind, &args[0], &args[1])?.into_iter();
    Ok(bool_column(orderings.map(|ordering| ordering.map(is))))
}

/// Whether a column is missing or NaN, row by row.
fn is_hole(column: &Column) -> Result<Vec<(bool, bool)>, Fault> {
    let null = column.is_null();
    let nan: Vec<bool> = if kind_of(column).is_float() {
        let numbers = as_kind(column, Kind::Float)?;
        let numbers = floats(&numbers)?.iter();
        numbers.map(|v| v.is_some_and(f64::is_nan)).collect()
    } else {
        vec![false; column.len()]
    };
    let null = null.iter().map(|v| v == Some(true));
    Ok(null.zip(nan).collect())
}

fn distinct(kind: Kind, args: &[Column], yes: bool) -> Result<Column, Fault> {
    let orderings = orderings(kind, &args[0], &args[1])?.into_iter();
    let holes = is_hole(&args[0])?.into_iter().zip(is_hole(&args[1])?);
    let differ = orderings
        .zip(holes)
        .map(|(ordering, (a, b))| match ordering {
            Some(ordering) => ordering.is_ne(),
            None => a != b,
        });
    Ok(bool_column(differ.map(|differ| Some(differ == yes))))
}

fn both(
    args: &[Column],
    join: fn(Option<bool>, Option<bool>) -> Option<bool>,
) -> Result<Column, Fault> {
    let (a, b) = (bools(&args[0])?.iter(), bools(&args[1])?.iter());
    Ok(bool_column(a.zip(b).map(|(a, b)| join(a, b))))
}

fn is(args: &[Column], is: fn(Option<bool>) -> bool) -> Result<Column, Fault> {
    Ok(bool_column(bools(&args[0])?.iter().map(|v| Some(is(v)))))
}

/// The value of the first column where a condition is true, else that of the second.
pub(in crate::figures::sql) fn chosen(
    condition: &BooleanChunked,
    yes: &Column,
    no: &Column,
) -> Result<Column, Fault> {
    let rows = condition.iter().enumerate().map(|(row, v)| {
        let row = row as IdxSize;
        let height = condition.len() as IdxSize;
        if v == Some(true) { row } else { row + height }
    });
    let rows: IdxCa = rows
        .collect::<Vec<IdxSize>>()
        .into_iter()
        .map(Some)
        .collect();
    let mut all = yes.clone();
    all.append(no).map_err(internal)?;
    all.take(&rows).map_err(internal)
}

/// The greatest or the least of several columns: missing values are left out, NaN makes the result NaN.
fn extreme(kind: Kind, args: &[Column], wins: fn(Ordering) -> bool) -> Result<Column, Fault> {
    let mut result = args[0].clone();
    for arg in &args[1..] {
        let orderings = orderings(kind, arg, &result)?.into_iter();
        let (ours, theirs) = (is_hole(&result)?, is_hole(arg)?);
        let take = orderings.zip(ours.into_iter().zip(theirs));
        let keep = take.map(|(ordering, ((null, nan), (their_null, their_nan)))| {
            let replace = match ordering {
                Some(ordering) => wins(ordering),
                None => !nan && (their_nan || (null && !their_null)),
            };
            Some(!replace)
        });
        let keep: BooleanChunked = keep.collect();
        result = chosen(&keep, &result, arg)?;
    }
    Ok(result)
}

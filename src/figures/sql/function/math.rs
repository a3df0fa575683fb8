//! Arithmetic. Whole numbers that do not fit 64 bits are refused, never wrapped; fractions follow IEEE 754, and what lies
//! outside of a function's domain is NaN.

use polars::prelude::*;

use super::{Fault, Function, Gives, Takes, as_kind, float_column, floats, int_column, ints};
use crate::figures::sql::kind::Kind;

const FLOAT: Gives = Gives::Always(Kind::Float);

pub(super) const ROSTER: &[Function] = &[
    Function {
        names: &["+"],
        count: (2, 2),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| pairs(kind, args, "+", i64::checked_add, |a, b| a + b),
    },
    Function {
        names: &["-"],
        count: (2, 2),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| pairs(kind, args, "-", i64::checked_sub, |a, b| a - b),
    },
    Function {
        names: &["*"],
        count: (2, 2),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| pairs(kind, args, "*", i64::checked_mul, |a, b| a * b),
    },
    Function {
        names: &["/"],
        count: (2, 2),
        takes: Takes::Floats,
        gives: FLOAT,
        eval: |kind, args| pairs(kind, args, "/", i64::checked_div, |a, b| a / b),
    },
    Function {
        names: &["//", "DIV"],
        count: (2, 2),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| match kind {
            Kind::Int => by(args, "//", i64::checked_div),
            _ => pairs(kind, args, "//", i64::checked_div, |a, b| (a / b).trunc()),
        },
    },
    Function {
        names: &["%", "mod"],
        count: (2, 2),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| match kind {
            Kind::Int => by(args, "%", |a, b| a.checked_rem(b).or(Some(0))),
            _ => pairs(kind, args, "%", i64::checked_rem, |a, b| a % b),
        },
    },
    Function {
        names: &["NEGATE"],
        count: (1, 1),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| each(kind, args, "-", i64::checked_neg, |v| -v),
    },
    Function {
        names: &["abs"],
        count: (1, 1),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| each(kind, args, "abs", i64::checked_abs, f64::abs),
    },
    Function {
        names: &["sign"],
        count: (1, 1),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| {
            each(
                kind,
                args,
                "sign",
                |v| Some(v.signum()),
                |v| {
                    if v == 0.0 { 0.0 } else { v.signum() }
                },
            )
        },
    },
    Function {
        names: &["floor"],
        count: (1, 1),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| each(kind, args, "floor", Some, f64::floor),
    },
    Function {
        names: &["ceil", "ceiling"],
        count: (1, 1),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| each(kind, args, "ceil", Some, f64::ceil),
    },
    Function {
        names: &["trunc"],
        count: (1, 1),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: |kind, args| each(kind, args, "trunc", Some, f64::trunc),
    },
    Function {
        names: &["round"],
        count: (1, 2),
        takes: Takes::Numbers,
        gives: Gives::Same,
        eval: round,
    },
    Function {
        names: &["power", "pow"],
        count: (2, 2),
        takes: Takes::Floats,
        gives: FLOAT,
        eval: |kind, args| pairs(kind, args, "power", |_, _| None, f64::powf),
    },
    Function {
        names: &["log"],
        count: (1, 2),
        takes: Takes::Floats,
        gives: FLOAT,
        eval: |kind, args| match args.len() {
            1 => each(kind, args, "log", Some, f64::log10),
            // The base stands first.
            _ => pairs(kind, args, "log", |_, _| None, |base, v| v.ln() / base.ln()),
        },
    },
    real(&["sqrt"], |_, args| map(args, f64::sqrt)),
    real(&["exp"], |_, args| map(args, f64::exp)),
    real(&["ln"], |_, args| map(args, f64::ln)),
    real(&["log10"], |_, args| map(args, f64::log10)),
    real(&["log2"], |_, args| map(args, f64::log2)),
    real(&["sin"], |_, args| map(args, f64::sin)),
    real(&["cos"], |_, args| map(args, f64::cos)),
    real(&["tanh"], |_, args| map(args, f64::tanh)),
];

const fn real(
    names: &'static [&'static str],
    eval: fn(Kind, &[Column]) -> Result<Column, Fault>,
) -> Function {
    Function {
        names,
        count: (1, 1),
        takes: Takes::Floats,
        gives: FLOAT,
        eval,
    }
}

fn map(args: &[Column], of: fn(f64) -> f64) -> Result<Column, Fault> {
    Ok(float_column(floats(&args[0])?.iter().map(|v| v.map(of))))
}

fn too_large(what: &str) -> Fault {
    format!(
        "the result of `{what}` does not fit 64 bits; CAST a value AS DOUBLE to compute with fractions"
    )
}

/// Two columns of the same numbers, row by row.
fn pairs(
    kind: Kind,
    args: &[Column],
    name: &str,
    whole: impl Fn(i64, i64) -> Option<i64>,
    real: impl Fn(f64, f64) -> f64,
) -> Result<Column, Fault> {
    match kind {
        Kind::Int => {
            let rows = ints(&args[0])?.iter().zip(ints(&args[1])?.iter());
            let rows = rows.map(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => whole(a, b).map(Some).ok_or_else(|| too_large(name)),
                _ => Ok(None),
            });
            let rows: Vec<Option<i64>> = rows.collect::<Result<_, Fault>>()?;
            Ok(int_column(rows.into_iter()))
        }
        _ => {
            let rows = floats(&args[0])?.iter().zip(floats(&args[1])?.iter());
            Ok(float_column(rows.map(|(a, b)| Some(real(a?, b?)))))
        }
    }
}

/// Whole numbers divided; by 0 there is no result.
fn by(args: &[Column], name: &str, divide: fn(i64, i64) -> Option<i64>) -> Result<Column, Fault> {
    let rows = ints(&args[0])?.iter().zip(ints(&args[1])?.iter());
    let rows = rows.map(|(a, b)| match (a, b) {
        (Some(_), Some(0)) => Ok(None),
        (Some(a), Some(b)) => match divide(a, b) {
            Some(v) => Ok(Some(v)),
            None => Err(too_large(name)),
        },
        _ => Ok(None),
    });
    let rows: Vec<Option<i64>> = rows.collect::<Result<_, Fault>>()?;
    Ok(int_column(rows.into_iter()))
}

fn each(
    kind: Kind,
    args: &[Column],
    name: &str,
    whole: fn(i64) -> Option<i64>,
    real: fn(f64) -> f64,
) -> Result<Column, Fault> {
    if kind != Kind::Int {
        return map(&[as_kind(&args[0], Kind::Float)?], real);
    }
    let rows = ints(&args[0])?.iter().map(|v| match v {
        Some(v) => whole(v).map(Some).ok_or_else(|| too_large(name)),
        None => Ok(None),
    });
    let rows: Vec<Option<i64>> = rows.collect::<Result<_, Fault>>()?;
    Ok(int_column(rows.into_iter()))
}

/// To so many digits after the point, halves away from 0; before the point where the number of digits is below 0.
fn round(kind: Kind, args: &[Column]) -> Result<Column, Fault> {
    let digits: Vec<Option<f64>> = match args.get(1) {
        Some(digits) => {
            let digits = as_kind(digits, Kind::Float)?;
            floats(&digits)?.iter().collect()
        }
        None => vec![Some(0.0); args[0].len()],
    };
    if kind == Kind::Int && digits.iter().flatten().all(|digits| *digits >= 0.0) {
        return Ok(args[0].clone());
    }
    let numbers = as_kind(&args[0], Kind::Float)?;
    let rows = floats(&numbers)?.iter().zip(digits);
    let rounded = rows.map(|(v, digits)| {
        let (v, digits) = (v?, digits?.trunc().clamp(-400.0, 400.0));
        let scale = 10f64.powf(digits.abs());
        let rounded = if digits < 0.0 {
            (v / scale).round() * scale
        } else {
            (v * scale).round() / scale
        };
        // Digits that a number of this size does not have change nothing.
        Some(if rounded.is_finite() {
            rounded
        } else if digits < 0.0 {
            0.0
        } else {
            v
        })
    });
    let rounded = float_column(rounded);
    match kind {
        Kind::Int => super::cast(&rounded, Kind::Int, false),
        _ => Ok(rounded),
    }
}

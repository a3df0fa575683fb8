//! Functions and operators of one row: what each takes, what it gives, and how it is computed.
//!
//! A function is one line of a roster. A value that is missing makes the result missing, unless the function says otherwise.
//! NaN is a number that is missing: comparisons with it are unknown, and it never is the greatest or the least.

mod cast;
mod logic;
mod math;
mod text;

use polars::prelude::*;

use super::kind::Kind;

pub(super) use cast::{as_kind, cast};

/// What a function cannot do with its values, in words.
pub(super) type Fault = String;

/// What a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Numbers, computed with as 64-bit fractions.
    Floats,
    /// Whole numbers, or numbers where one has a fraction.
    Numbers,
    /// Truth values.
    Bools,
    /// Text.
    Texts,
    /// Text first, then whole numbers.
    TextAndInts,
    /// Values of one type.
    Alike,
    /// Any values; each is taken as it is.
    Any,
}

/// What a function gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// The type it computes with.
    Same,
    /// Always this.
    Always(Kind),
}

/// A function or an operator.
#[derive(Debug)]
pub(super) struct Function {
    /// Its names, in lower case; the first is its own.
    pub names: &'static [&'static str],
    /// How many values it takes: at least, at most.
    pub count: (usize, usize),
    /// What it takes.
    pub takes: Takes,
    /// What it gives.
    pub gives: Gives,
    /// Computes it for all rows; the values have the type that [`Function::kind`] tells.
    pub eval: fn(Kind, &[Column]) -> Result<Column, Fault>,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

/// As many values as one likes.
pub(super) const MANY: usize = usize::MAX;

const ROSTERS: &[&[Function]] = &[logic::ROSTER, math::ROSTER, text::ROSTER];

/// The function of this name, in lower case.
pub(super) fn named(name: &str) -> Option<&'static Function> {
    let mut all = ROSTERS.iter().flat_map(|roster| roster.iter());
    all.find(|function| function.names.contains(&name))
}

/// The names that can be written as calls.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let all = ROSTERS.iter().flat_map(|roster| roster.iter());
    all.flat_map(|function| function.names.iter().copied())
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
}

impl Function {
    /// The type that its values are computed with.
    pub(super) fn kind(&self, given: &[Kind]) -> Result<Kind, Fault> {
        let all = |kind: Kind| {
            let wrong = given.iter().find(|given| given.with(kind).is_none());
            match wrong {
                Some(wrong) => Err(format!("`{}` takes {kind}, not {wrong}", self.names[0])),
                None => Ok(kind),
            }
        };
        let numbers = || {
            let wrong = given.iter().find(|kind| !kind.may_be_number());
            match wrong {
                Some(wrong) => Err(format!("`{}` takes numbers, not {wrong}", self.names[0])),
                None => Ok(()),
            }
        };
        match self.takes {
            Takes::Floats => numbers().map(|()| Kind::Float),
            Takes::Numbers => {
                numbers()?;
                let whole = |kind: &Kind| matches!(kind, Kind::Int | Kind::Null);
                let kind = given.iter().fold(Kind::Null, |one, other| {
                    one.with(*other).unwrap_or(Kind::Float)
                });
                Ok(match kind {
                    _ if given.contains(&Kind::Unknown) => Kind::Unknown,
                    _ if given.iter().all(whole) => Kind::Int,
                    _ => Kind::Float,
                })
            }
            Takes::Bools => all(Kind::Bool),
            Takes::Texts => all(Kind::Text),
            Takes::TextAndInts => {
                for (kind, wanted) in given.iter().zip([Kind::Text, Kind::Int, Kind::Int]) {
                    if kind.with(wanted) != Some(wanted) && *kind != Kind::Unknown {
                        return Err(format!(
                            "`{}` takes {wanted} here, not {kind}",
                            self.names[0]
                        ));
                    }
                }
                Ok(Kind::Text)
            }
            Takes::Alike => {
                let first = given.first().copied().unwrap_or(Kind::Null);
                let mut kind = first;
                for other in given {
                    kind = kind.with(*other).ok_or_else(|| match self.names[0] {
                        "=" | "<>" | "<" | "<=" | ">" | ">=" => {
                            format!("{kind} cannot be compared with {other}")
                        }
                        name => {
                            format!("`{name}` takes values of one type, not {kind} and {other}")
                        }
                    })?;
                }
                Ok(kind)
            }
            Takes::Any => Ok(Kind::Unknown),
        }
    }

    /// The type of what it gives.
    pub(super) fn result(&self, computed: Kind) -> Kind {
        match self.gives {
            Gives::Same => computed,
            Gives::Always(kind) => kind,
        }
    }

    /// Computes it over columns.
    pub(super) fn call(&self, args: &[Column]) -> Result<Column, Fault> {
        let kinds: Vec<Kind> = args.iter().map(kind_of).collect();
        let kind = self.kind(&kinds)?;
        let args = args.iter().enumerate().map(|(at, arg)| match self.takes {
            Takes::Any => Ok(arg.clone()),
            Takes::TextAndInts if at > 0 => as_kind(arg, Kind::Int),
            _ => as_kind(arg, kind),
        });
        let args: Vec<Column> = args.collect::<Result<_, Fault>>()?;
        (self.eval)(kind, &args)
    }
}

/// The type of a column; the engine brings no others in here.
pub(super) fn kind_of(column: &Column) -> Kind {
    Kind::of(column.dtype()).unwrap_or(Kind::Unknown)
}

/// A failure of the table library; its texts are for us and not for users.
pub(super) fn internal(error: PolarsError) -> Fault {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().to_owned();
    format!("the table library refused: {first}")
}

/// A column of numbers.
pub(super) fn floats(column: &Column) -> Result<&Float64Chunked, Fault> {
    column.f64().map_err(internal)
}

/// A column of whole numbers.
pub(super) fn ints(column: &Column) -> Result<&Int64Chunked, Fault> {
    column.i64().map_err(internal)
}

/// A column of truth values.
pub(super) fn bools(column: &Column) -> Result<&BooleanChunked, Fault> {
    column.bool().map_err(internal)
}

/// A column of text.
pub(super) fn texts(column: &Column) -> Result<&StringChunked, Fault> {
    column.str().map_err(internal)
}

/// A column of whole numbers; its name means nothing.
pub(super) fn int_column(values: impl Iterator<Item = Option<i64>>) -> Column {
    values.collect::<Int64Chunked>().into_series().into()
}

/// A column of numbers.
pub(super) fn float_column(values: impl Iterator<Item = Option<f64>>) -> Column {
    values.collect::<Float64Chunked>().into_series().into()
}

/// A column of truth values.
pub(super) fn bool_column(values: impl Iterator<Item = Option<bool>>) -> Column {
    values.collect::<BooleanChunked>().into_series().into()
}

/// A column of text.
pub(super) fn text_column(values: impl Iterator<Item = Option<String>>) -> Column {
    values.collect::<StringChunked>().into_series().into()
}

/// A column in one piece.
pub(super) fn in_one_piece(column: &Column) -> Column {
    column.as_materialized_series().rechunk().into()
}

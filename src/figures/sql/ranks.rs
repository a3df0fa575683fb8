//! The values of a column as numbers: by their order, or by equality alone.

use std::collections::HashMap;
use std::hash::Hash;

use polars::prelude::*;

use super::function::{Fault, as_kind, bools, floats, ints, kind_of, texts};
use super::kind::Kind;

/// Of 0 there is one, of NaN too.
fn plain(number: f64) -> f64 {
    match number {
        0.0 => 0.0,
        number if number.is_nan() => f64::NAN,
        number => number,
    }
}

/// The values of a column by their order: equal values have one class.
pub(super) struct Ranks {
    /// By row: the class, `None` where the value is missing.
    classes: Vec<Option<usize>>,
    /// The class of NaN.
    nan: Option<usize>,
}

impl Ranks {
    /// Ranks a column; NaN stands above all numbers.
    pub(super) fn of(values: &Column) -> Result<Self, Fault> {
        fn ranked<T: Copy>(
            values: Vec<Option<T>>,
            order: impl Fn(&T, &T) -> std::cmp::Ordering,
        ) -> Vec<Option<usize>> {
            let mut sorted: Vec<T> = values.iter().flatten().copied().collect();
            sorted.sort_by(&order);
            sorted.dedup_by(|a, b| order(a, b).is_eq());
            let find = |v: &T| {
                sorted
                    .binary_search_by(|s| order(s, v))
                    .expect("it is among them")
            };
            values.iter().map(|v| v.as_ref().map(find)).collect()
        }
        let mut nan = None;
        let classes = match kind_of(values) {
            Kind::Bool => ranked(bools(values)?.iter().collect(), Ord::cmp),
            Kind::Int => ranked(ints(values)?.iter().collect(), Ord::cmp),
            Kind::Text => ranked(texts(values)?.iter().collect(), Ord::cmp),
            Kind::Single | Kind::Float => {
                let numbers = as_kind(values, Kind::Float)?;
                let numbers: Vec<Option<f64>> =
                    floats(&numbers)?.iter().map(|v| v.map(plain)).collect();
                let at = numbers.iter().position(|v| v.is_some_and(f64::is_nan));
                let classes = ranked(numbers, f64::total_cmp);
                nan = at.and_then(|at| classes[at]);
                classes
            }
            Kind::Null | Kind::Unknown => vec![None; values.len()],
        };
        Ok(Self { classes, nan })
    }

    /// Whether there is a value.
    pub(super) fn is_known(&self, row: usize) -> bool {
        self.classes[row].is_some()
    }

    /// Whether it is NaN.
    pub(super) fn is_nan(&self, row: usize) -> bool {
        self.nan.is_some() && self.classes[row] == self.nan
    }

    /// The class of a row; the same for equal values, one of its own for missing ones.
    pub(super) fn class(&self, row: usize) -> usize {
        self.classes[row].unwrap_or(usize::MAX)
    }

    /// How two rows compare.
    pub(super) fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
        self.class(a).cmp(&self.class(b))
    }
}

/// The values of a column by equality: equal values have one class; of NaN there is one.
pub(super) struct Classes {
    /// By row: the class, `None` where the value is missing.
    classes: Vec<Option<usize>>,
    /// The class of NaN.
    nan: Option<usize>,
}

impl Classes {
    /// The classes in the order in which their values first come.
    pub(super) fn of(values: &Column) -> Result<Self, Fault> {
        fn numbered<T: Hash + Eq>(values: impl Iterator<Item = Option<T>>) -> Vec<Option<usize>> {
            let mut known: HashMap<T, usize> = HashMap::new();
            let number = |v: T| {
                let next = known.len();
                *known.entry(v).or_insert(next)
            };
            let mut number = number;
            values.map(|v| v.map(&mut number)).collect()
        }
        let mut nan = None;
        let classes = match kind_of(values) {
            Kind::Bool => numbered(bools(values)?.iter()),
            Kind::Int => numbered(ints(values)?.iter()),
            Kind::Text => numbered(texts(values)?.iter()),
            Kind::Single | Kind::Float => {
                let numbers = as_kind(values, Kind::Float)?;
                let numbers = floats(&numbers)?;
                let classes = numbered(numbers.iter().map(|v| v.map(|v| plain(v).to_bits())));
                let at = numbers.iter().position(|v| v.is_some_and(f64::is_nan));
                nan = at.and_then(|at| classes[at]);
                classes
            }
            Kind::Null | Kind::Unknown => vec![None; values.len()],
        };
        Ok(Self { classes, nan })
    }

    /// Whether there is a value.
    pub(super) fn is_known(&self, row: usize) -> bool {
        self.classes[row].is_some()
    }

    /// Whether there is a value that equals others: not one that is missing or NaN.
    pub(super) fn is_comparable(&self, row: usize) -> bool {
        self.is_known(row) && (self.nan.is_none() || self.classes[row] != self.nan)
    }

    /// The class of a row; missing values have one of their own.
    pub(super) fn class(&self, row: usize) -> usize {
        self.classes[row].unwrap_or(usize::MAX)
    }
}

/// The rows by several columns at once, numbered in the order in which they first come.
pub(super) fn keys(columns: &[Classes], height: usize) -> (Vec<usize>, usize) {
    let mut keys = vec![0; height];
    let mut count = height.min(1);
    for classes in columns {
        let mut known: HashMap<(usize, usize), usize> = HashMap::new();
        for (row, key) in keys.iter_mut().enumerate() {
            let next = known.len();
            *key = *known.entry((*key, classes.class(row))).or_insert(next);
        }
        count = known.len();
    }
    (keys, count)
}

/// The rows of each key, in order.
pub(super) fn groups(keys: &[usize], count: usize) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new(); count];
    for (row, key) in keys.iter().enumerate() {
        groups[*key].push(row);
    }
    groups
}

//! Which values of a column are the best and the second best.

use std::collections::BTreeMap;

use super::cells::Rank;
use super::printed::Values;
use super::spec::{Best, Column};
use crate::figures::digits::Number;

/// The values that can be the best: neither NULL nor NaN nor infinite.
fn comparable(values: &Values) -> impl Iterator<Item = Option<f64>> {
    let numbers = values.numbers.iter();
    numbers.map(|number| number.map(Number::value).filter(|value| value.is_finite()))
}

/// The rank of each value; values are compared within their group.
pub(super) fn ranks(column: &Column, values: &Values, groups: &[usize]) -> Vec<Rank> {
    let Some(best) = column.best else {
        return vec![Rank::Other; values.height()];
    };
    let better = |one: f64, other: f64| match best {
        Best::Max => one > other,
        Best::Min => one < other,
    };
    // The best of each group, and the best of what is worse.
    let mut first: BTreeMap<usize, (f64, Option<f64>)> = BTreeMap::new();
    for (value, group) in comparable(values).zip(groups) {
        let Some(value) = value else { continue };
        let (top, next) = first.entry(*group).or_insert((value, None));
        if better(value, *top) {
            *next = Some(*top);
            *top = value;
        } else if value != *top && next.is_none_or(|next| better(value, next)) {
            *next = Some(value);
        }
    }
    let ranks = comparable(values).zip(groups).map(|(value, group)| {
        let (top, next) = first.get(group).copied().unzip();
        match value {
            Some(_) if value == top => Rank::Best,
            Some(_) if column.second && value == next.flatten() => Rank::Second,
            _ => Rank::Other,
        }
    });
    ranks.collect()
}

/// What cannot be the best of a column.
pub(super) fn holes_told(column: &Column, called: &str, values: &Values) -> Option<String> {
    column.best?;
    let height = values.height();
    let holes = comparable(values).filter(Option::is_none).count();
    let are = if holes == 1 { "is" } else { "are" };
    (holes > 0).then(|| {
        format!(
            "{called}: {holes} of {height} values {are} missing, NaN or infinite and cannot be the best"
        )
    })
}

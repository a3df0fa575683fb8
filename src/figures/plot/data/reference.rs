//! Lines and bands to compare with, in each panel.

use polars::prelude::DataFrame;

use crate::figures::plot::column::numbers;
use crate::figures::plot::hole::{Cell, Why};
use crate::figures::plot::spec::{Level, Reference};
use crate::figures::table::Error;

/// A line to compare with, within one panel.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::figures::plot) enum Line {
    /// From left to right at a height.
    Across(f64),
    /// From bottom to top.
    Upright(f64),
    /// From left to right, between two heights.
    Lying([f64; 2]),
    /// From bottom to top, between two places.
    Standing([f64; 2]),
    /// A height of its own at each place along `x`.
    Steps(Vec<(f64, f64)>),
}

impl Line {
    /// The values that the horizontal or the vertical axis has to hold.
    pub(super) fn values(&self, horizontal: bool) -> Vec<f64> {
        match self {
            Self::Upright(level) if horizontal => vec![*level],
            Self::Standing(ends) if horizontal => ends.to_vec(),
            Self::Across(level) if !horizontal => vec![*level],
            Self::Lying(ends) if !horizontal => ends.to_vec(),
            Self::Steps(steps) if !horizontal => steps.iter().map(|(_, level)| *level).collect(),
            _ => Vec::new(),
        }
    }
}

/// The level of a reference at each row.
pub(super) fn levels(reference: &Reference, table: &DataFrame) -> Result<Vec<Cell>, Error> {
    let height = table.height();
    match reference.x.as_ref().or(reference.y.as_ref()) {
        Some(Level::Field(name)) => numbers(table, name),
        Some(Level::Number(number)) => Ok(vec![Ok(*number); height]),
        Some(Level::Band(ends)) => Ok(vec![Ok(ends[0]); height]),
        None => Ok(vec![Err(Why::Missing); height]),
    }
}

/// What a reference is in one panel: one line if its level is the same
/// everywhere, else a level a place.
pub(super) fn line(
    reference: &Reference,
    pairs: impl Iterator<Item = (Option<f64>, Option<f64>)>,
) -> Line {
    let upright = reference.x.is_some();
    match reference.x.as_ref().or(reference.y.as_ref()) {
        Some(Level::Band(ends)) if upright => return Line::Standing(*ends),
        Some(Level::Band(ends)) => return Line::Lying(*ends),
        Some(Level::Number(level)) if upright => return Line::Upright(*level),
        Some(Level::Number(level)) => return Line::Across(*level),
        Some(Level::Field(_)) | None => {}
    }
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (x, level) in pairs {
        if let (Some(x), Some(level)) = (x, level)
            && !steps.contains(&(x, level))
        {
            steps.push((x, level));
        }
    }
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = steps.first().map_or(f64::NAN, |(_, level)| *level);
    let same = steps.iter().all(|(_, level)| *level == first);
    match (upright, same) {
        (true, _) => Line::Upright(first),
        (false, true) => Line::Across(first),
        (false, false) => Line::Steps(steps),
    }
}

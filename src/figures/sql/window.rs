//! Functions over the rows around a row: ranks, neighbours, and aggregates over a frame.

use polars::prelude::*;

use super::aggregate::What;
use super::function::{Fault, as_kind, float_column, int_column, internal, ints};
use super::kind::Kind;
use super::plan::{Aggregate, Over, Window};
use super::ranks::Classes;

/// The columns that a window needs, computed.
pub(super) struct Given<'a> {
    /// The values of the function.
    pub args: &'a [Column],
    /// Which rows an aggregate counts.
    pub counts: Option<&'a [bool]>,
    /// The rows of each partition, in order.
    pub partitions: &'a [Vec<usize>],
    /// Whether two rows are equal in the order.
    pub peers: &'a dyn Fn(usize, usize) -> bool,
    /// How many rows there are.
    pub height: usize,
}

impl Window {
    /// The value of every row.
    pub(super) fn over(&self, given: &Given<'_>) -> Result<Column, Fault> {
        match &self.what {
            Over::RowNumber
            | Over::Rank
            | Over::DenseRank
            | Over::PercentRank
            | Over::CumeDist
            | Over::Ntile(_) => self.ranks(given),
            Over::Neighbour(before, ..) => neighbours(given, *before),
            Over::First(_) | Over::Last(_) | Over::Nth(..) => self.of_frame(given),
            Over::Aggregate(aggregate) => self.aggregated(aggregate, given),
        }
    }

    fn ranks(&self, given: &Given<'_>) -> Result<Column, Fault> {
        let mut whole: Vec<Option<i64>> = vec![None; given.height];
        let mut parts: Vec<Option<f64>> = vec![None; given.height];
        let buckets: Vec<Option<i64>> = match given.args.first() {
            Some(buckets) => ints(&as_kind(buckets, Kind::Int)?)?.iter().collect(),
            None => vec![None; given.height],
        };
        for rows in given.partitions {
            let n = rows.len();
            let (mut first, mut dense) = (0, 0);
            for (at, row) in rows.iter().enumerate() {
                if at == 0 || !(given.peers)(rows[at - 1], *row) {
                    first = at;
                    dense += 1;
                }
                let last = || {
                    let after = rows[at..].iter();
                    at + after
                        .take_while(|other| (given.peers)(*row, **other))
                        .count()
                };
                match &self.what {
                    Over::RowNumber => whole[*row] = i64::try_from(at + 1).ok(),
                    Over::Rank => whole[*row] = i64::try_from(first + 1).ok(),
                    Over::DenseRank => whole[*row] = Some(dense),
                    Over::PercentRank => {
                        parts[*row] = Some(first as f64 / (n.max(2) - 1) as f64);
                    }
                    Over::CumeDist => parts[*row] = Some(last() as f64 / n as f64),
                    _ => {
                        let Some(buckets) = buckets[*row] else {
                            continue;
                        };
                        let Some(buckets) = usize::try_from(buckets).ok().filter(|n| *n > 0) else {
                            return Err("`ntile` takes a number above 0".to_owned());
                        };
                        // The first buckets have a row more.
                        let (size, more) = (n / buckets, n % buckets);
                        let bucket = if at < more * (size + 1) {
                            at / (size + 1)
                        } else {
                            more + (at - more * (size + 1)) / size.max(1)
                        };
                        whole[*row] = i64::try_from(bucket + 1).ok();
                    }
                }
            }
        }
        Ok(match self.kind {
            Kind::Float => float_column(parts.into_iter()),
            _ => int_column(whole.into_iter()),
        })
    }

    /// The rows of the frame of the row at a place.
    fn frame(&self, rows: &[usize], at: usize, given: &Given<'_>) -> std::ops::Range<usize> {
        let n = rows.len();
        let place = |offset: i64| {
            let at = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(offset);
            usize::try_from(at.max(0)).unwrap_or(0)
        };
        if !self.frame.by_value {
            let from = self.frame.from.map_or(0, place).min(n);
            let to = match self.frame.to {
                // Before the beginning there is nothing.
                Some(offset)
                    if i64::try_from(at).unwrap_or(i64::MAX).saturating_add(offset) < 0 =>
                {
                    0
                }
                Some(offset) => (place(offset) + 1).min(n),
                None => n,
            };
            return from..to.max(from);
        }
        let peer = |other: usize| (given.peers)(rows[at], rows[other]);
        let from = match self.frame.from {
            None => 0,
            Some(_) => at - (0..at).rev().take_while(|other| peer(*other)).count(),
        };
        let to = match self.frame.to {
            None => n,
            Some(_) => at + 1 + (at + 1..n).take_while(|other| peer(*other)).count(),
        };
        from..to
    }

    fn of_frame(&self, given: &Given<'_>) -> Result<Column, Fault> {
        let mut picked: Vec<Option<IdxSize>> = vec![None; given.height];
        let nth: Option<Vec<Option<i64>>> = match (&self.what, given.args.get(1)) {
            (Over::Nth(..), Some(nth)) => Some(ints(&as_kind(nth, Kind::Int)?)?.iter().collect()),
            _ => None,
        };
        for rows in given.partitions {
            for (at, row) in rows.iter().enumerate() {
                let frame = &rows[self.frame(rows, at, given)];
                let found = match (&self.what, &nth) {
                    (Over::First(_), _) => frame.first(),
                    (Over::Nth(..), Some(nth)) => {
                        let place = nth[*row].and_then(|n| usize::try_from(n - 1).ok());
                        place.and_then(|place| frame.get(place))
                    }
                    _ => frame.last(),
                };
                picked[*row] = found.map(|row| *row as IdxSize);
            }
        }
        let picked: IdxCa = picked.into_iter().collect();
        given.args[0].take(&picked).map_err(internal)
    }

    fn aggregated(&self, aggregate: &Aggregate, given: &Given<'_>) -> Result<Column, Fault> {
        let counts = |row: &usize| given.counts.is_none_or(|counts| counts[*row]);
        let distinct = if aggregate.distinct {
            Some(Classes::of(&given.args[0])?)
        } else {
            None
        };
        let mut groups: Vec<Vec<usize>> = Vec::new();
        // Which group each row has.
        let mut group_of: Vec<usize> = vec![0; given.height];
        for rows in given.partitions {
            let mut last: Option<std::ops::Range<usize>> = None;
            for (at, row) in rows.iter().enumerate() {
                let frame = self.frame(rows, at, given);
                if last.as_ref() != Some(&frame) {
                    let mut seen: Vec<usize> =
                        rows[frame.clone()].iter().copied().filter(counts).collect();
                    if let Some(ranks) = &distinct {
                        let mut once = std::collections::HashSet::new();
                        seen.retain(|row| ranks.is_known(*row) && once.insert(ranks.class(*row)));
                    }
                    groups.push(seen);
                    last = Some(frame);
                }
                group_of[*row] = groups.len() - 1;
            }
        }
        let values = aggregate
            .what
            .over(given.args, None, aggregate.kind, &groups)?;
        let rows: IdxCa = group_of
            .into_iter()
            .map(|group| Some(group as IdxSize))
            .collect();
        values.take(&rows).map_err(internal)
    }
}

fn neighbours(given: &Given<'_>, before: bool) -> Result<Column, Fault> {
    let [values, offsets, last] = given.args else {
        return Err("it takes a value, an offset and a last value".to_owned());
    };
    let offsets = as_kind(offsets, Kind::Int)?;
    let offsets: Vec<Option<i64>> = ints(&offsets)?.iter().collect();
    let height = given.height;
    // The last values stand behind all others.
    let mut all = values.clone();
    all.append(&last.cast(values.dtype()).map_err(internal)?)
        .map_err(internal)?;
    let mut picked: Vec<Option<IdxSize>> = vec![None; height];
    for rows in given.partitions {
        for (at, row) in rows.iter().enumerate() {
            let Some(offset) = offsets[*row] else {
                continue;
            };
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            let place = if before {
                at.checked_sub(offset)
            } else {
                at.checked_add(offset)
            };
            let there = place.and_then(|place| usize::try_from(place).ok());
            let there = there.and_then(|place| rows.get(place).copied());
            picked[*row] = Some(there.unwrap_or(height + row) as IdxSize);
        }
    }
    let picked: IdxCa = picked.into_iter().collect();
    all.take(&picked).map_err(internal)
}

/// The function over a window of this name that is no aggregate, in lower case, and how many values it takes.
pub(super) fn counts(name: &str) -> Option<(usize, usize)> {
    NAMES
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, a, b)| (*a, *b))
}

/// The names there are.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, ..)| *name)
}

const NAMES: &[(&str, usize, usize)] = &[
    ("row_number", 0, 0),
    ("rank", 0, 0),
    ("dense_rank", 0, 0),
    ("percent_rank", 0, 0),
    ("cume_dist", 0, 0),
    ("ntile", 1, 1),
    ("lag", 1, 3),
    ("lead", 1, 3),
    ("first_value", 1, 1),
    ("last_value", 1, 1),
    ("nth_value", 2, 2),
];

/// Whether an aggregate can stand over a window.
pub(super) fn takes(what: What) -> bool {
    !what.counts_runs()
}

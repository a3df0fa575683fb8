//! The values of aggregates, group by group.

use std::collections::{BTreeMap, HashMap, HashSet};

use polars::prelude::*;

use super::aggregate::What;
use super::function::{
    Fault, as_kind, bool_column, bools, float_column, floats, int_column, ints, kind_of,
    text_column, texts,
};
use super::interval;
use super::kind::Kind;
use super::ranks::{Classes, Ranks};

impl What {
    /// The values of groups, each given as its rows in order. `args` are the columns of what it takes, `runs` the run of a row.
    pub(super) fn over(
        self,
        args: &[Column],
        runs: Option<&Column>,
        kind: Kind,
        groups: &[Vec<usize>],
    ) -> Result<Column, Fault> {
        match self {
            Self::Rows => Ok(count(groups.iter().map(Vec::len))),
            Self::Count => {
                let known: Vec<bool> = args[0]
                    .is_not_null()
                    .iter()
                    .map(|v| v == Some(true))
                    .collect();
                let counts = groups.iter();
                Ok(count(counts.map(|rows| {
                    rows.iter().filter(|row| known[**row]).count()
                })))
            }
            Self::Min
            | Self::Max
            | Self::ArgOf(_)
            | Self::First
            | Self::Last
            | Self::Any
            | Self::Mode
            | Self::QuantileDisc
            | Self::Run => self.picked(args, groups),
            Self::CountIf | Self::And | Self::Or => self.over_truths(&args[0], groups),
            Self::Join => join(args, groups),
            Self::Sum if kind == Kind::Int => sum_of_whole(&args[0], groups),
            Self::Interval
            | Self::RunMean
            | Self::Runs
            | Self::Wilson(_)
            | Self::ClopperPearson(_) => self.over_runs(args.first(), runs, groups),
            _ => self.over_numbers(args, groups),
        }
    }

    fn over_truths(self, values: &Column, groups: &[Vec<usize>]) -> Result<Column, Fault> {
        let values = as_kind(values, Kind::Bool)?;
        let values: Vec<Option<bool>> = bools(&values)?.iter().collect();
        let known = |rows: &Vec<usize>| -> Vec<bool> {
            rows.iter().filter_map(|row| values[*row]).collect()
        };
        Ok(match self {
            Self::CountIf => count(
                groups
                    .iter()
                    .map(|g| known(g).into_iter().filter(|v| *v).count()),
            ),
            _ => bool_column(groups.iter().map(|rows| {
                let known = known(rows);
                let all = known.iter().all(|v| *v);
                let any = known.iter().any(|v| *v);
                (!known.is_empty()).then_some(if self == Self::And { all } else { any })
            })),
        })
    }

    fn over_numbers(self, args: &[Column], groups: &[Vec<usize>]) -> Result<Column, Fault> {
        let columns: Vec<Vec<Option<f64>>> =
            args.iter().map(numbers).collect::<Result<_, Fault>>()?;
        let mut results: Vec<Option<f64>> = Vec::with_capacity(groups.len());
        for rows in groups {
            let values: Vec<f64> = rows.iter().filter_map(|row| columns[0][*row]).collect();
            let second = columns.get(1);
            results.push(match self {
                Self::Correlation | Self::Covariance(_) => {
                    let second = second.expect("it takes two values");
                    let pairs = rows
                        .iter()
                        .filter_map(|row| Some((columns[0][*row]?, second[*row]?)));
                    two(self, &pairs.collect::<Vec<_>>())
                }
                Self::QuantileCont => {
                    let level = second.and_then(|level| rows.iter().find_map(|row| level[*row]));
                    quantile(values, at_level(level)?)
                }
                _ => self.of(values),
            });
        }
        Ok(float_column(results.into_iter()))
    }

    fn of(self, values: Vec<f64>) -> Option<f64> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = || values.iter().sum::<f64>() / n;
        let squares = || {
            let mean = mean();
            values.iter().map(|x| (x - mean).powi(2)).sum::<f64>()
        };
        let variance = |sample: bool| {
            if !sample {
                Some(squares() / n)
            } else if values.len() < 2 {
                None
            } else {
                Some(squares() / (n - 1.0))
            }
        };
        match self {
            Self::Sum => Some(values.iter().sum()),
            Self::Product => Some(values.iter().product()),
            Self::Mean => Some(mean()),
            Self::Median => quantile(values, 0.5),
            Self::Deviation(sample) => variance(sample).map(f64::sqrt),
            Self::Variance(sample) => variance(sample),
            _ => None,
        }
    }

    /// Those whose result is the value of one row.
    fn picked(self, args: &[Column], groups: &[Vec<usize>]) -> Result<Column, Fault> {
        let values = &args[0];
        let ranks = match self {
            Self::ArgOf(_) => Ranks::of(&args[1])?,
            _ => Ranks::of(values)?,
        };
        let levels: Option<Vec<Option<f64>>> = match self {
            Self::QuantileDisc => Some(numbers(&args[1])?),
            _ => None,
        };
        let there: Vec<bool> = values
            .is_not_null()
            .iter()
            .map(|v| v == Some(true))
            .collect();
        let mut rows: Vec<Option<IdxSize>> = Vec::with_capacity(groups.len());
        for group in groups {
            let known = || group.iter().copied().filter(|row| ranks.is_known(*row));
            let row = match self {
                Self::First => group.first().copied(),
                Self::Last => group.last().copied(),
                Self::Run => group.first().copied(),
                Self::Any => known().next(),
                Self::Min => known().find(|row| ranks.is_nan(*row)).or_else(|| {
                    known().reduce(|a, b| if ranks.compare(b, a).is_lt() { b } else { a })
                }),
                Self::Max => known().find(|row| ranks.is_nan(*row)).or_else(|| {
                    known().reduce(|a, b| if ranks.compare(b, a).is_gt() { b } else { a })
                }),
                // A row with NaN never is the best.
                Self::ArgOf(most) => {
                    let known = known().filter(|row| there[*row] && !ranks.is_nan(*row));
                    known.reduce(|a, b| {
                        let order = ranks.compare(b, a);
                        let wins = if most { order.is_gt() } else { order.is_lt() };
                        if wins { b } else { a }
                    })
                }
                Self::Mode => {
                    let mut counts: HashMap<usize, (usize, usize)> = HashMap::new();
                    for (at, row) in known().enumerate() {
                        counts.entry(ranks.class(row)).or_insert((0, at)).0 += 1;
                    }
                    let best = counts
                        .into_values()
                        .max_by_key(|(n, at)| (*n, usize::MAX - at));
                    best.and_then(|(_, at)| known().nth(at))
                }
                _ => {
                    let levels = levels.as_ref().expect("it takes a level");
                    let level = at_level(group.iter().find_map(|row| levels[*row]))?;
                    let mut sorted: Vec<usize> = known().collect();
                    sorted.sort_by(|a, b| ranks.compare(*a, *b));
                    match sorted.iter().find(|row| ranks.is_nan(**row)) {
                        Some(nan) => Some(*nan),
                        None => {
                            let n = sorted.len();
                            #[expect(
                                clippy::cast_possible_truncation,
                                clippy::cast_sign_loss,
                                reason = "between 0 and n"
                            )]
                            let place = ((n as f64 * level).ceil() as usize).clamp(1, n.max(1)) - 1;
                            sorted.get(place).copied()
                        }
                    }
                }
            };
            rows.push(row.map(|row| row as IdxSize));
        }
        let rows: IdxCa = rows.into_iter().collect();
        values.take(&rows).map_err(super::function::internal)
    }

    /// Those that take a mean of each run first.
    fn over_runs(
        self,
        values: Option<&Column>,
        runs: Option<&Column>,
        groups: &[Vec<usize>],
    ) -> Result<Column, Fault> {
        let classes = match runs {
            Some(runs) => Classes::of(runs)?,
            None => return Err("nothing tells the runs apart".to_owned()),
        };
        if self == Self::Runs {
            let distinct = |rows: &Vec<usize>| {
                let known = rows.iter().filter(|row| classes.is_known(**row));
                known
                    .map(|row| classes.class(*row))
                    .collect::<HashSet<_>>()
                    .len()
            };
            return Ok(count(groups.iter().map(distinct)));
        }
        let values = numbers(values.expect("it takes a value"))?;
        let mut results = Vec::with_capacity(groups.len());
        for rows in groups {
            // Runs in the order in which they come, rows of one in their order: the same bits on any number of threads.
            let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
            for row in rows {
                if let (Some(value), true) = (values[*row], classes.is_known(*row)) {
                    let (sum, n) = sums.entry(classes.class(*row)).or_default();
                    *sum += value;
                    *n += 1.0;
                }
            }
            let means: Vec<f64> = sums.values().map(|(sum, n)| sum / n).collect();
            results.push(match self {
                Self::Interval => interval::half_width(&means),
                Self::RunMean => {
                    (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
                }
                Self::Wilson(upper) => share(&means, upper, interval::wilson)?,
                Self::ClopperPearson(upper) => share(&means, upper, interval::clopper_pearson)?,
                _ => None,
            });
        }
        Ok(float_column(results.into_iter()))
    }
}

/// What there is to say of a number over runs: that some have no value, or, where it `weighs` them all alike, that AVG beside
/// it does not.
pub(super) fn told(
    name: &str,
    weighs: bool,
    values: &Column,
    runs: &Column,
    groups: &[Vec<usize>],
) -> Result<Vec<String>, Fault> {
    let classes = Classes::of(runs)?;
    let known: Vec<bool> = values
        .is_not_null()
        .iter()
        .map(|v| v == Some(true))
        .collect();
    let (mut all, mut without) = (HashSet::new(), HashSet::new());
    let (mut gaps, mut empty, mut lost) = (0, 0, 0);
    let mut uneven: Option<(usize, usize)> = None;
    for rows in groups {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for row in rows {
            if classes.is_known(*row) {
                *counts.entry(classes.class(*row)).or_default() += usize::from(known[*row]);
            } else {
                lost += 1;
            }
        }
        let lacking = counts.iter().filter(|(_, n)| **n == 0);
        let lacking: Vec<usize> = lacking.map(|(run, _)| *run).collect();
        gaps += usize::from(!lacking.is_empty());
        empty += usize::from(!lacking.is_empty() && lacking.len() == counts.len());
        all.extend(counts.keys().copied());
        without.extend(lacking);
        let there = || counts.values().copied().filter(|n| *n > 0);
        if let (Some(least), Some(most)) = (there().min(), there().max())
            && least != most
        {
            let (a, b) = uneven.unwrap_or((least, most));
            uneven = Some((a.min(least), b.max(most)));
        }
    }
    let mut notes = Vec::new();
    if !without.is_empty() {
        let (have, are) = if without.len() == 1 {
            ("has", "is")
        } else {
            ("have", "are")
        };
        let (place, there) = match groups.len() {
            1 => (String::new(), ""),
            all => (format!(" in {gaps} of {all} groups"), " there"),
        };
        let note = format!(
            "{name}: {} of {} runs {have} no value{place} and {are} left out{there}",
            without.len(),
            all.len()
        );
        let remedy = match empty {
            0 => "",
            _ => "; WHERE … IS NOT NULL leaves groups without any value out of the result",
        };
        notes.push(format!("{note}{remedy}"));
    }
    if lost > 0 {
        notes.push(format!(
            "{name}: {lost} of the rows are of no run, for what tells it is missing there, and are left out"
        ));
    }
    if let Some((least, most)) = uneven.filter(|_| weighs) {
        notes.push(format!(
            "{name}: runs have {least} to {most} values; AVG weighs values and the interval runs, whose mean is run_mean"
        ));
    }
    Ok(notes)
}

/// An end of the interval of a share: every run has it or has it not.
fn share(
    means: &[f64],
    upper: bool,
    interval: fn(f64, f64) -> interval::Ends,
) -> Result<Option<f64>, Fault> {
    if means.is_empty() {
        return Ok(None);
    }
    if means.iter().any(|mean| mean.is_nan()) {
        return Ok(Some(f64::NAN));
    }
    if let Some(mean) = means.iter().find(|mean| **mean != 0.0 && **mean != 1.0) {
        return Err(format!(
            "an interval of a share takes 0 or 1 a run, and here a run has {mean}; write e.g. CASE WHEN accuracy > 0.95 THEN 1 WHEN accuracy <= 0.95 THEN 0 END, which is missing where accuracy is"
        ));
    }
    let (low, high) = interval(means.iter().sum(), means.len() as f64);
    Ok(Some(if upper { high } else { low }))
}

fn at_level(level: Option<f64>) -> Result<f64, Fault> {
    match level {
        Some(level) if (0.0..=1.0).contains(&level) => Ok(level),
        Some(level) => Err(format!("a quantile lies between 0 and 1, not at {level}")),
        None => Ok(0.5),
    }
}

fn quantile(mut values: Vec<f64>, level: f64) -> Option<f64> {
    if values.iter().any(|v| v.is_nan()) {
        return Some(f64::NAN);
    }
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = level * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and last"
    )]
    let below = (at.floor() as usize).min(last);
    let (low, high) = (values[below], values[(below + 1).min(last)]);
    let part = at - below as f64;
    Some(if part == 0.0 || low == high {
        low
    } else {
        // So, and not by the difference, which of infinite values would be NaN.
        low * (1.0 - part) + high * part
    })
}

fn two(what: What, pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    if pairs.is_empty() {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| {
        pairs
            .iter()
            .map(|(x, y)| of(x - mean_x, y - mean_y))
            .sum::<f64>()
    };
    let products = sum(&|x, y| x * y);
    match what {
        What::Covariance(true) if pairs.len() < 2 => None,
        What::Covariance(true) => Some(products / (n - 1.0)),
        What::Covariance(false) => Some(products / n),
        _ => {
            let (x, y) = (sum(&|x, _| x * x), sum(&|_, y| y * y));
            // Without spread there is no correlation: NaN, as 0 / 0 is.
            Some(products / (x.sqrt() * y.sqrt()))
        }
    }
}

fn sum_of_whole(values: &Column, groups: &[Vec<usize>]) -> Result<Column, Fault> {
    let values = super::function::cast(values, Kind::Int, false)?;
    let values: Vec<Option<i64>> = ints(&values)?.iter().collect();
    let sums = groups.iter().map(|rows| {
        let known = rows.iter().filter_map(|row| values[*row]);
        let (n, sum) = known.fold((0, 0i128), |(n, sum), v| (n + 1, sum + i128::from(v)));
        match i64::try_from(sum) {
            _ if n == 0 => Ok(None),
            Ok(sum) => Ok(Some(sum)),
            Err(_) => Err(format!(
                "SUM is {sum}, which does not fit 64 bits; write SUM(CAST(x AS DOUBLE)) for a rounded number"
            )),
        }
    });
    let sums: Vec<Option<i64>> = sums.collect::<Result<_, Fault>>()?;
    Ok(int_column(sums.into_iter()))
}

fn join(args: &[Column], groups: &[Vec<usize>]) -> Result<Column, Fault> {
    let columns = args
        .iter()
        .map(|arg| super::function::cast(arg, Kind::Text, false));
    let columns: Vec<Column> = columns.collect::<Result<_, Fault>>()?;
    let values: Vec<Option<&str>> = texts(&columns[0])?.iter().collect();
    let between: Vec<Option<&str>> = match columns.get(1) {
        Some(between) => texts(between)?.iter().collect(),
        None => vec![Some(","); values.len()],
    };
    Ok(text_column(groups.iter().map(|rows| {
        let between = rows
            .iter()
            .find_map(|row| between[*row])
            .unwrap_or_default();
        let known: Vec<&str> = rows.iter().filter_map(|row| values[*row]).collect();
        (!known.is_empty()).then(|| known.join(between))
    })))
}

/// Numbers, and truth values as 0 and 1.
fn numbers(values: &Column) -> Result<Vec<Option<f64>>, Fault> {
    let numbers = match kind_of(values) {
        Kind::Bool => super::function::cast(values, Kind::Float, false)?,
        _ => as_kind(values, Kind::Float)?,
    };
    Ok(floats(&numbers)?.iter().collect())
}

fn count(counts: impl Iterator<Item = usize>) -> Column {
    int_column(counts.map(|n| i64::try_from(n).ok()))
}

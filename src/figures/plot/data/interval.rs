//! Intervals around the values of a layer, also around the means of rows at one place.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use crate::figures::plot::column::{Along, Intervals, intervals, numbers};
use crate::figures::plot::hole::{Cell, Why};
use crate::figures::plot::mark::{Mark, mean};
use crate::figures::plot::spec::Channel;
use crate::figures::table::Error;

/// The rows of one panel and one series that stand at the same place.
pub(super) fn places(
    panels: Option<&[usize]>,
    series: &[usize],
    keys: &[usize],
) -> Vec<Vec<usize>> {
    let mut known: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
    for (row, (series, key)) in series.iter().zip(keys).enumerate() {
        let panel = panels.map_or(0, |panels| panels[row]);
        known.entry((panel, *series, *key)).or_default().push(row);
    }
    known.into_values().collect()
}

/// The intervals along one of a mark's own axes, where several rows `together` have one.
pub(super) fn of_side(
    table: &DataFrame,
    mark: &dyn Mark,
    (side, channel): (&str, Option<&Channel>),
    along: &Along,
    together: &[Vec<usize>],
) -> Result<Intervals, Error> {
    let Some(channel) = channel else {
        return Ok(None);
    };
    let asked = channel.has_interval();
    if asked && !mark.about().intervals.contains(&side) {
        return Err(Error::Unsuitable(format!(
            "the mark `{}` draws no intervals around `{}`, where it stands",
            mark.about().name,
            channel.field
        )));
    }
    if asked && along.named {
        return Err(Error::Unsuitable(format!(
            "`{}` holds categories, which have no intervals",
            channel.field
        )));
    }
    if together.is_empty() {
        intervals(table, channel, along)
    } else {
        of_means(table, channel, along, together)
    }
}

/// The intervals of a channel where the rows of each place are averaged: the mean has the interval that all of them have.
/// A half width lies around the mean.
fn of_means(
    table: &DataFrame,
    channel: &Channel,
    along: &Along,
    places: &[Vec<usize>],
) -> Result<Intervals, Error> {
    let Some(mut found) = intervals(table, channel, along)? else {
        return Ok(None);
    };
    let halves = match &channel.error {
        Some(error) => Some(numbers(table, error)?),
        None => None,
    };
    for rows in places.iter().filter(|rows| rows.len() > 1) {
        let one = match &halves {
            Some(halves) => same(rows, halves).and_then(|half| around(half, rows, &along.cells)),
            None => same(rows, &found),
        };
        for row in rows {
            found[*row] = one;
        }
    }
    Ok(Some(found))
}

/// What all rows have.
fn same<T: Copy + PartialEq>(rows: &[usize], of_row: &[Result<T, Why>]) -> Result<T, Why> {
    let mut all = rows.iter().map(|row| of_row[*row]);
    let first = all.next().unwrap_or(Err(Why::Missing));
    if all.all(|other| other == first) {
        first
    } else {
        Err(Why::Different)
    }
}

/// The interval of a half width around the mean of rows.
fn around(half: f64, rows: &[usize], cells: &[Cell]) -> Result<(f64, f64), Why> {
    if half < 0.0 {
        return Err(Why::Inverted);
    }
    let values = rows.iter().map(|row| cells[*row]);
    let mean = mean(&values.collect::<Result<Vec<f64>, Why>>()?);
    Ok((mean - half, mean + half))
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;
    use crate::figures::plot::column::along_numbers;

    fn found(channel: &Channel, table: &DataFrame) -> Vec<Result<(f64, f64), Why>> {
        let along = along_numbers(table, channel).unwrap();
        let rows: Vec<Vec<usize>> = vec![vec![0, 1], vec![2, 3], vec![4]];
        of_means(table, channel, &along, &rows).unwrap().unwrap()
    }

    #[test]
    fn a_mean_has_the_interval_that_all_its_rows_have() {
        let table = df!(
            "y" => [1.0, 3.0, 5.0, 7.0, 9.0],
            "ci" => [0.5, 0.5, 0.5, 0.25, 1.0],
            "low" => [1.0, 1.0, 4.0, 4.0, 8.0],
            "high" => [3.0, 3.0, 8.0, 7.0, 9.5],
        )
        .unwrap();
        let error = Channel {
            error: Some("ci".to_owned()),
            ..Channel::named("y")
        };
        let differ = Err(Why::Different);
        let mean = Ok((1.5, 2.5));
        assert_eq!(
            found(&error, &table),
            [mean, mean, differ, differ, Ok((8.0, 10.0))]
        );
        let ends = Channel {
            low: Some("low".to_owned()),
            high: Some("high".to_owned()),
            ..Channel::named("y")
        };
        let mean = Ok((1.0, 3.0));
        assert_eq!(
            found(&ends, &table),
            [mean, mean, differ, differ, Ok((8.0, 9.5))]
        );
    }

    #[test]
    fn places_are_parted_by_panel_series_and_value() {
        let panels = [0, 0, 0, 1, 0];
        let found = places(Some(&panels), &[0, 0, 1, 0, 0], &[7, 7, 7, 7, 8]);
        assert_eq!(found, [vec![0, 1], vec![4], vec![2], vec![3]]);
    }
}

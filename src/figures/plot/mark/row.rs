//! The rows of a layer, and those at one place together.

use std::collections::BTreeMap;

/// One row of the table, as far as it is drawn. Of a horizontal mark `x` and `y` are exchanged: `x` is where it stands,
/// `y` how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::figures::plot) struct Row {
    /// Its place in the table.
    pub row: usize,
    /// The place of its panel.
    pub panel: usize,
    /// The place of its series.
    pub series: usize,
    /// The number, or the place of the category, along the horizontal axis.
    pub x: Option<f64>,
    /// The same along the vertical axis.
    pub y: Option<f64>,
    /// Which rows have the same `x`: equal numbers here are equal values.
    pub x_key: usize,
    /// The ends of the interval around `x`.
    pub x_interval: Option<(f64, f64)>,
    /// The ends of the interval around `y`.
    pub y_interval: Option<(f64, f64)>,
    /// Where it begins along `y`, if it stands on another.
    pub base: Option<f64>,
    /// The number it is coloured by.
    pub value: Option<f64>,
    /// The number its size is in proportion to.
    pub size: Option<f64>,
    /// How opaque it is.
    pub opacity: Option<f64>,
}

/// The rows with those of one series at the same place averaged. Where one of them has no value there is no mean; an interval
/// is kept where all of them have the same.
pub(in crate::figures::plot) fn averaged(rows: &[Row]) -> Vec<Row> {
    let mut places: Vec<Vec<Row>> = Vec::new();
    let mut known: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.x.is_some()) {
        let key = (row.panel, row.series, row.x_key);
        let place = *known.entry(key).or_insert_with(|| {
            places.push(Vec::new());
            places.len() - 1
        });
        places[place].push(*row);
    }
    places
        .into_iter()
        .filter_map(|rows| match rows.as_slice() {
            [row] => Some(*row),
            rows => {
                let values: Option<Vec<f64>> = rows.iter().map(|row| row.y).collect();
                Some(Row {
                    y: values.map(|values| mean(&values)),
                    y_interval: same(rows, |row| row.y_interval),
                    x_interval: same(rows, |row| row.x_interval),
                    ..*rows.first()?
                })
            }
        })
        .collect()
}

/// The interval that all rows have.
fn same(rows: &[Row], of: impl Fn(&Row) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
    let first = of(rows.first()?)?;
    rows.iter()
        .all(|row| of(row) == Some(first))
        .then_some(first)
}

/// The mean of values; their sum may be larger than any double.
pub(in crate::figures::plot) fn mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    if sum.is_finite() {
        sum / count
    } else {
        values.iter().map(|value| value / count).sum()
    }
}

/// The rows of one series from left to right.
pub(in crate::figures::plot) fn ordered(rows: &[Row], series: usize) -> Vec<Row> {
    let own = rows.iter().filter(|row| row.series == series);
    let mut own: Vec<Row> = own.copied().collect();
    own.sort_by(|a, b| a.x.unwrap_or(0.0).total_cmp(&b.x.unwrap_or(0.0)));
    own
}

/// The stretches of rows without a gap.
pub(in crate::figures::plot) fn unbroken(
    rows: &[Row],
    whole: impl Fn(&Row) -> bool,
) -> Vec<&[Row]> {
    rows.split(|row| !whole(row))
        .filter(|part| !part.is_empty())
        .collect()
}

//! Rows on one another: each begins where the last at its place ends.

use std::collections::BTreeMap;

use super::row::Row;
use crate::figures::plot::spec::Stack;

/// The rows with where they begin and end, if they stand on one another. Values below zero go the other way.
pub(super) fn stacked(rows: Vec<Row>, stack: Option<Stack>) -> Vec<Row> {
    let share = match stack {
        Some(Stack::Sum) => false,
        Some(Stack::Share) => true,
        Some(Stack::None) | None => return rows,
    };
    let mut rows = rows;
    rows.sort_by_key(|row| row.series);
    let mut sums: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for row in &rows {
        *sums.entry((row.panel, row.x_key)).or_default() += row.y.unwrap_or(0.0).abs();
    }
    let mut tops: BTreeMap<(usize, usize, bool), f64> = BTreeMap::new();
    for row in &mut rows {
        let Some(value) = row.y else { continue };
        let sum = sums[&(row.panel, row.x_key)];
        if share && sum == 0.0 {
            // Nothing has no shares.
            row.y = None;
            continue;
        }
        let by = |value: f64| if share { value / sum } else { value };
        let top = tops.entry((row.panel, row.x_key, value < 0.0)).or_default();
        row.base = Some(*top);
        row.y = Some(*top + by(value));
        // An interval keeps its width around the end of its bar.
        row.y_interval = row
            .y_interval
            .map(|(low, high)| (*top + by(low), *top + by(high)));
        *top += by(value);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(series: usize, y: f64) -> Row {
        Row {
            row: series,
            panel: 0,
            series,
            x: Some(0.0),
            y: Some(y),
            x_key: 0,
            x_interval: None,
            y_interval: None,
            base: None,
            value: None,
            size: None,
            opacity: None,
        }
    }

    #[test]
    fn rows_begin_where_the_last_ends_on_either_side_of_zero() {
        let ends = |rows: &[Row], stack| {
            let rows = stacked(rows.to_vec(), Some(stack));
            let ends = rows.iter().map(|row| (row.base.unwrap(), row.y.unwrap()));
            ends.collect::<Vec<_>>()
        };
        let rows = vec![row(1, 2.0), row(0, 1.0), row(2, -3.0)];
        assert_eq!(
            ends(&rows, Stack::Sum),
            [(0.0, 1.0), (1.0, 3.0), (0.0, -3.0)]
        );
        assert_eq!(stacked(rows.clone(), None), rows);
        let rows = [row(1, 3.0), row(0, 1.0)];
        assert_eq!(ends(&rows, Stack::Share), [(0.0, 0.25), (0.25, 1.0)]);
    }

    #[test]
    fn a_sum_of_zero_has_no_shares() {
        let rows = stacked(vec![row(0, 0.0), row(1, 0.0)], Some(Stack::Share));
        assert!(rows.iter().all(|row| row.y.is_none()));
    }
}

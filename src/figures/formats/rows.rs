//! Which rows of a table are told apart by the columns printed so far, and how a column is printed that has no interval.

use std::collections::BTreeMap;

use super::printed::{MOST_DIGITS, Printed, Values, decimals, rounded};
use crate::figures::digits::Number;

/// The rows so far: which are alike in every column that tells rows apart.
pub(super) struct Rows {
    groups: Vec<usize>,
}

impl Rows {
    /// No column is known yet: all rows are alike.
    pub(super) fn new(height: usize) -> Self {
        Self {
            groups: vec![0; height],
        }
    }

    /// Tells rows apart by one more column.
    pub(super) fn apart_by(&mut self, cells: &[Printed]) {
        let mut known: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for (group, cell) in self.groups.iter_mut().zip(cells) {
            let next = known.len();
            *group = *known.entry((*group, cell.text())).or_insert(next);
        }
    }

    /// Whether two rows that are alike so far would be alike in these cells though their values differ.
    pub(super) fn merge(&self, values: &Values, cells: &[Printed]) -> bool {
        let mut known: BTreeMap<(usize, String), Number> = BTreeMap::new();
        let mut rows = self.groups.iter().zip(cells).zip(&values.numbers);
        rows.any(|((group, cell), number)| {
            let Some(number) = number.filter(|number| !number.value().is_nan()) else {
                return false;
            };
            let first = known.entry((*group, cell.text())).or_insert(number);
            first.value() != number.value()
        })
    }
}

/// How a column is printed that has no interval.
pub(super) fn lone(values: &Values, digits: Option<usize>, rows: Option<&Rows>) -> Vec<Printed> {
    if !values.is_float || is_written(values, digits) {
        return values.written();
    }
    for decimals in decimals(digits, values.shift)..=MOST_DIGITS {
        let cells = values.print(|number| rounded(number.value(), decimals, values.shift));
        if rows.is_none_or(|rows| !rows.merge(values, &cells)) {
            return cells;
        }
    }
    values.written()
}

/// Whether a column is printed as its values are written.
pub(super) fn is_written(values: &Values, digits: Option<usize>) -> bool {
    !values.is_float || (digits.is_none() && values.are_written())
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::*;
    use crate::figures::formats::printed::together;

    fn texts(numbers: &[f64], digits: Option<usize>, rows: Option<&Rows>) -> Vec<String> {
        let column = Series::new("x".into(), numbers).into();
        let values = Values::of(&column, false).unwrap();
        let printed = lone(&values, digits, rows);
        printed.iter().map(Printed::text).collect()
    }

    #[test]
    fn swept_values_are_printed_as_they_are_written() {
        let rates = texts(&[1e-5, 1e-4, 3e-4, 1e-3, 0.1, 0.0], None, None);
        assert_eq!(rates, ["1e-5", "1e-4", "3e-4", "1e-3", "0.1", "0"]);
        assert_eq!(texts(&[0.0, 0.1, 1.0], None, None), ["0", "0.1", "1"]);
        assert_eq!(texts(&[1e-4, 3e-4], None, None), ["0.0001", "0.0003"]);
        let whole = texts(&[1_234_567_890.0, 1e6, -2.0], None, None);
        assert_eq!(whole, ["1234567890", "1000000", "-2"]);
    }

    #[test]
    fn what_is_not_zero_is_never_printed_as_zero() {
        let small = texts(&[1.234e-6, 0.5678, -0.0001, 0.0, -0.0], None, None);
        assert_eq!(small, ["1.2e-6", "0.568", "-0.00010", "0.000", "0.000"]);
        let two = texts(&[1e-5, 0.5], Some(2), None);
        assert_eq!(two, ["1.0e-5", "0.50"]);
        let odd = texts(&[f64::NAN, f64::INFINITY, -0.12345], None, None);
        assert_eq!(odd, ["NaN", "inf", "-0.123"]);
    }

    #[test]
    fn rows_that_differ_only_in_a_fraction_stay_apart() {
        let rows = Rows::new(2);
        let keys = [0.123_411, 0.123_422];
        assert_eq!(texts(&keys, Some(2), Some(&rows)), ["0.12341", "0.12342"]);
        assert_eq!(texts(&keys, Some(2), None), ["0.12", "0.12"]);
        // Told apart by a label they may be rounded alike.
        let mut rows = Rows::new(2);
        rows.apart_by(&["a", "b"].map(|label| Printed::Text(label.into())));
        assert_eq!(texts(&keys, Some(2), Some(&rows)), ["0.12", "0.12"]);
        let tiny = [1.21e-6, 1.23e-6];
        assert_eq!(
            texts(&tiny, Some(2), Some(&Rows::new(2))),
            ["0.00000121", "0.00000123"]
        );
        let tinier = [1.21e-20, 1.23e-20];
        assert_eq!(
            texts(&tinier, Some(2), Some(&Rows::new(2))),
            ["1.21e-20", "1.23e-20"]
        );
    }

    #[test]
    fn floats_of_32_bits_are_written_with_their_own_digits() {
        let column = Series::new("x".into(), [0.1f32, 3e-4]).into();
        let values = Values::of(&column, false).unwrap();
        assert_eq!(values.exact(0).as_deref(), Some("0.1"));
        let printed = lone(&values, None, None);
        assert_eq!(printed[1].text(), "0.0003");
    }

    #[test]
    fn percentages_are_rounded_once() {
        let column = Series::new("x".into(), [0.285, 0.99951, -0.00004, 0.0, 1.0, 1e-9]).into();
        let values = Values::of(&column, true).unwrap();
        let texts = |digits| -> Vec<String> {
            let printed = lone(&values, Some(digits), None);
            printed.iter().map(Printed::text).collect()
        };
        // The double nearest to 0.285 is below it.
        assert_eq!(texts(0), ["28", "100", "-0.0040", "0", "100", "1.0e-7"]);
        assert_eq!(
            texts(1),
            ["28.5", "100.0", "-0.0040", "0.0", "100.0", "1.0e-7"]
        );
        let exact: Vec<Option<String>> = (0..3).map(|row| values.exact(row)).collect();
        assert_eq!(
            exact,
            ["28.5", "99.951", "-0.004"].map(|text| Some(text.to_owned()))
        );
        let printed = together(&[0.5012, 0.0213], 1, 2);
        assert_eq!(
            (printed[0].text(), printed[1].text()),
            ("50.1".into(), "2.1".into())
        );
    }
}

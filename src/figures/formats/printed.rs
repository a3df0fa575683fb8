//! How a column of numbers is printed: which values are written as they are, which are rounded, and to how many digits.
//!
//! Rounding never makes a zero of what is none, and never makes two rows alike that nothing else tells apart.

use std::collections::BTreeMap;

use polars::prelude::AnyValue;

use crate::figures::digits::{Digits, Number};
use crate::figures::table::{self, Error};

/// Digits after the decimal point unless a table says otherwise.
const DIGITS: usize = 3;
/// More digits than a double has would print noise, and without bound.
const MOST_DIGITS: usize = 17;
/// A number with up to so many digits counts as written by somebody, not measured.
const WRITTEN: usize = 3;
/// The digits of what rounding would make zero.
const SIGNIFICANT: usize = 2;
/// So many more decimals keep a value and its interval from being zero, before they get powers of ten.
const LONGER: usize = 3;

/// One value as it is printed, before any format's own marks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Printed {
    /// Nothing known.
    Missing,
    /// Anything but a number.
    Text(String),
    /// A number, all of its digits around the decimal point.
    Plain(String),
    /// A number with a power of ten.
    Power(String, i32),
    /// NaN.
    NotANumber,
    /// Infinite, and whether it is below zero.
    Infinite(bool),
}

impl Printed {
    /// The text in a format that knows no powers of ten: `1.2e-6`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) | Self::Plain(text) => text.clone(),
            Self::Power(mantissa, exponent) => format!("{mantissa}e{exponent}"),
            Self::NotANumber => "NaN".to_owned(),
            Self::Infinite(true) => "-inf".to_owned(),
            Self::Infinite(false) => "inf".to_owned(),
        }
    }

    fn of(digits: &Digits, power: bool) -> Self {
        if power {
            Self::Power(digits.mantissa(), digits.exponent)
        } else {
            Self::Plain(digits.decimal())
        }
    }

    /// What has no digits.
    fn odd(value: f64) -> Self {
        if value.is_nan() {
            Self::NotANumber
        } else {
            Self::Infinite(value < 0.0)
        }
    }
}

/// The values of a column, in their own type.
#[derive(Debug, Clone)]
pub(super) struct Values {
    /// Whether it holds numbers with a fraction.
    pub is_float: bool,
    /// Whether it holds numbers at all.
    pub numeric: bool,
    /// The numbers; nothing where there is none.
    pub numbers: Vec<Option<Number>>,
    /// The text of what is no number.
    pub texts: Vec<Option<String>>,
}

impl Values {
    /// Reads a column.
    pub(super) fn of(column: &polars::prelude::Column) -> Result<Self, Error> {
        let kind = column.dtype();
        let mut numbers = Vec::with_capacity(column.len());
        for row in 0..column.len() {
            numbers.push(match column.get(row)? {
                AnyValue::Null => None,
                cell => Number::of(&cell),
            });
        }
        Ok(Self {
            is_float: kind.is_float(),
            numeric: kind.is_primitive_numeric(),
            numbers,
            texts: table::texts(column)?,
        })
    }

    /// How many rows there are.
    pub(super) fn height(&self) -> usize {
        self.texts.len()
    }

    /// Each value with all its digits, or as its text.
    pub(super) fn exact(&self, row: usize) -> Option<String> {
        match self.numbers[row] {
            Some(number) => Some(number.exact()),
            None => self.texts[row].clone(),
        }
    }

    /// Whether every number is one that somebody writes: whole, or of few digits.
    fn are_written(&self) -> bool {
        let digits = self.numbers.iter().flatten().filter_map(|n| n.digits());
        let mut written = digits.map(|digits| {
            let whole = digits.exponent >= 0 && digits.count() <= digits.exponent as usize + 1;
            digits.count() <= WRITTEN || (whole && digits.exponent < 16)
        });
        written.all(|written| written)
    }

    /// The values as they are.
    fn written(&self) -> Vec<Printed> {
        let digits = self.numbers.iter().flatten().filter_map(|n| n.digits());
        let powers = digits
            .filter(|digits| digits.digits != "0")
            .any(|digits| digits.exponent < -4);
        self.print(|number| {
            let Some(digits) = number.digits() else {
                return Printed::odd(number.value());
            };
            // Beside 1e-5 stands 1e-3, not 0.001.
            let power =
                digits.digits != "0" && ((powers && digits.exponent <= -3) || digits.exponent > 15);
            Printed::of(&digits, power)
        })
    }

    fn print(&self, number: impl Fn(Number) -> Printed) -> Vec<Printed> {
        let cells = self.numbers.iter().zip(&self.texts);
        cells
            .map(|(value, text)| match (value, text) {
                (Some(value), _) => number(*value),
                (None, Some(text)) => Printed::Text(text.clone()),
                (None, None) => Printed::Missing,
            })
            .collect()
    }
}

/// A number with so many decimals. What would be zero and is not has two significant digits.
fn rounded(value: f64, decimals: usize) -> Printed {
    if !value.is_finite() {
        return Printed::odd(value);
    }
    if vanishes(value, decimals) {
        let digits = Digits::rounded(value, SIGNIFICANT);
        let digits = digits.expect("a finite number has digits");
        return Printed::of(&digits, digits.wants_power());
    }
    fixed(value, decimals)
}

/// A finite number with so many decimals, without a negative zero.
fn fixed(value: f64, decimals: usize) -> Printed {
    if value.abs() >= 1e16 {
        let digits = Digits::rounded(value, decimals + 1);
        return Printed::of(&digits.expect("a finite number has digits"), true);
    }
    let text = format!("{value:.decimals$}");
    Printed::Plain(match text.strip_prefix('-') {
        Some(rest) if is_zero(rest) => rest.to_owned(),
        _ => text,
    })
}

fn is_zero(text: &str) -> bool {
    text.chars().all(|c| c == '0' || c == '.')
}

/// Whether rounding makes zero of what is none.
fn vanishes(value: f64, decimals: usize) -> bool {
    let text = format!("{:.decimals$}", value.abs());
    value != 0.0 && value.is_finite() && is_zero(&text)
}

/// A value and the half width of its interval, to the same decimals where that is possible.
pub(super) fn pair(value: f64, error: f64, decimals: usize) -> (Printed, Printed) {
    let decimals = decimals.min(MOST_DIGITS);
    let mut longer = decimals..=decimals + LONGER;
    let enough = longer.find(|d| !vanishes(value, *d) && !vanishes(error, *d));
    let decimals = enough.unwrap_or(decimals);
    (rounded(value, decimals), rounded(error, decimals))
}

/// The digits after the point where neither the column nor the table says how many.
pub(super) fn decimals(column: Option<usize>, table: Option<usize>) -> usize {
    column.or(table).unwrap_or(DIGITS).min(MOST_DIGITS)
}

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
    fn merge(&self, values: &Values, cells: &[Printed]) -> bool {
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
pub(super) fn lone(
    values: &Values,
    digits: (Option<usize>, Option<usize>),
    rows: Option<&Rows>,
) -> Vec<Printed> {
    if !values.is_float || is_written(values, digits) {
        return values.written();
    }
    let first = decimals(digits.0, digits.1);
    for decimals in first..=MOST_DIGITS {
        let cells = values.print(|number| rounded(number.value(), decimals));
        if rows.is_none_or(|rows| !rows.merge(values, &cells)) {
            return cells;
        }
    }
    values.written()
}

/// Whether a column is printed as its values are written.
pub(super) fn is_written(values: &Values, digits: (Option<usize>, Option<usize>)) -> bool {
    !values.is_float || (digits == (None, None) && values.are_written())
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::*;

    fn texts(numbers: &[f64], digits: Option<usize>, rows: Option<&Rows>) -> Vec<String> {
        let column = Series::new("x".into(), numbers).into();
        let values = Values::of(&column).unwrap();
        let printed = lone(&values, (None, digits), rows);
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
    fn a_value_and_its_interval_have_the_same_precision() {
        let text = |value, error| {
            let (value, error) = pair(value, error, 2);
            format!("{} ± {}", value.text(), error.text())
        };
        assert_eq!(text(0.5012, 0.0213), "0.50 ± 0.02");
        assert_eq!(text(1e-9, 1e-10), "1.0e-9 ± 1.0e-10");
        assert_eq!(text(0.5, 1e-5), "0.50000 ± 0.00001");
        assert_eq!(text(0.001, 0.02), "0.001 ± 0.020");
        assert_eq!(text(0.0, 0.0), "0.00 ± 0.00");
        assert_eq!(text(0.5, f64::NAN), "0.50 ± NaN");
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
        let values = Values::of(&column).unwrap();
        assert_eq!(values.exact(0).as_deref(), Some("0.1"));
        let printed = lone(&values, (None, None), None);
        assert_eq!(printed[1].text(), "0.0003");
    }
}

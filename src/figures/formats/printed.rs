//! How a column of numbers is printed: which values are written as they are, which are rounded, and to how many digits.
//!
//! Rounding never makes a zero of what is none, and never makes two rows alike that nothing else tells apart.

use polars::prelude::{AnyValue, Column};

use crate::figures::digits::{Digits, Number};
use crate::figures::table::{self, Error};

/// Digits after the decimal point unless a table says otherwise.
const DIGITS: usize = 3;
/// The same of percentages.
const PERCENT_DIGITS: usize = 1;
/// More digits than a double has would print noise, and without bound.
pub(super) const MOST_DIGITS: usize = 17;
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
    /// The power of ten by which they are printed greater than they are: 2 for percentages.
    pub shift: usize,
}

impl Values {
    /// Reads a column, to print it as it is or as percentages.
    pub(super) fn of(column: &Column, percent: bool) -> Result<Self, Error> {
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
            shift: if percent { 2 } else { 0 },
        })
    }

    /// The values of some rows, in their order; nothing where there is no row.
    pub(super) fn of_rows(&self, rows: &[Option<usize>]) -> Self {
        Self {
            numbers: rows.iter().map(|row| self.numbers[(*row)?]).collect(),
            texts: rows.iter().map(|row| self.texts[(*row)?].clone()).collect(),
            ..*self
        }
    }

    /// How many rows there are.
    pub(super) fn height(&self) -> usize {
        self.texts.len()
    }

    /// Each value with all its digits, or as its text.
    pub(super) fn exact(&self, row: usize) -> Option<String> {
        match self.numbers[row] {
            Some(number) => Some(number.shifted_exact(self.shift as i32)),
            None => self.texts[row].clone(),
        }
    }

    /// The digits of each number that has some.
    fn digits(&self) -> impl Iterator<Item = Digits> {
        let numbers = self.numbers.iter().flatten();
        numbers.filter_map(|number| number.shifted_digits(self.shift as i32))
    }

    /// Whether every number is one that somebody writes: whole, or of few digits.
    pub(super) fn are_written(&self) -> bool {
        let digits = self.digits();
        let mut written = digits.map(|digits| {
            let whole = digits.exponent >= 0 && digits.count() <= digits.exponent as usize + 1;
            digits.count() <= WRITTEN || (whole && digits.exponent < 16)
        });
        written.all(|written| written)
    }

    /// The values as they are.
    pub(super) fn written(&self) -> Vec<Printed> {
        let powers = self
            .digits()
            .filter(|digits| digits.digits != "0")
            .any(|digits| digits.exponent < -4);
        self.print(|number| {
            let Some(digits) = number.shifted_digits(self.shift as i32) else {
                return Printed::odd(number.value());
            };
            // Beside 1e-5 stands 1e-3, not 0.001.
            let power =
                digits.digits != "0" && ((powers && digits.exponent <= -3) || digits.exponent > 15);
            Printed::of(&digits, power)
        })
    }

    pub(super) fn print(&self, number: impl Fn(Number) -> Printed) -> Vec<Printed> {
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
pub(super) fn rounded(value: f64, decimals: usize, shift: usize) -> Printed {
    if !value.is_finite() {
        return Printed::odd(value);
    }
    if vanishes(value, decimals + shift) {
        let digits = shifted(value, SIGNIFICANT, shift);
        return Printed::of(&digits, digits.wants_power());
    }
    fixed(value, decimals, shift)
}

/// A finite number with so many decimals, without a negative zero.
fn fixed(value: f64, decimals: usize, shift: usize) -> Printed {
    if value.abs() >= 1e16 {
        return Printed::of(&shifted(value, decimals + 1, shift), true);
    }
    // The decimals of a percentage are those of the number itself, so that nothing is rounded twice.
    let text = point_moved(&format!("{value:.*}", decimals + shift), shift);
    Printed::Plain(match text.strip_prefix('-') {
        Some(rest) if is_zero(rest) => rest.to_owned(),
        _ => text,
    })
}

/// A finite number rounded to so many significant digits, times a power of ten.
fn shifted(value: f64, significant: usize, shift: usize) -> Digits {
    let mut digits = Digits::rounded(value, significant).expect("a finite number has digits");
    digits.exponent += shift as i32;
    digits
}

/// A number with its decimal point moved to the right; it has at least so many decimals.
fn point_moved(text: &str, by: usize) -> String {
    let Some((whole, fraction)) = text.split_once('.').filter(|_| by > 0) else {
        return text.to_owned();
    };
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let (more, fraction) = fraction.split_at(by.min(fraction.len()));
    let whole = format!("{whole}{more}");
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

fn is_zero(text: &str) -> bool {
    text.chars().all(|c| c == '0' || c == '.')
}

/// Whether rounding makes zero of what is none.
fn vanishes(value: f64, decimals: usize) -> bool {
    let text = format!("{:.decimals$}", value.abs());
    value != 0.0 && value.is_finite() && is_zero(&text)
}

/// A value and the numbers of its interval, to the same decimals where that is possible.
pub(super) fn together(numbers: &[f64], decimals: usize, shift: usize) -> Vec<Printed> {
    let decimals = decimals.min(MOST_DIGITS);
    let mut longer = decimals..=decimals + LONGER;
    let enough = longer.find(|d| numbers.iter().all(|number| !vanishes(*number, d + shift)));
    let decimals = enough.unwrap_or(decimals);
    let numbers = numbers.iter();
    numbers
        .map(|number| rounded(*number, decimals, shift))
        .collect()
}

/// The digits after the point; a column or the table may say how many.
pub(super) fn decimals(said: Option<usize>, shift: usize) -> usize {
    let usual = if shift > 0 { PERCENT_DIGITS } else { DIGITS };
    said.unwrap_or(usual).min(MOST_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_and_its_interval_have_the_same_precision() {
        let text = |value, error| {
            let printed = together(&[value, error], 2, 0);
            format!("{} ± {}", printed[0].text(), printed[1].text())
        };
        assert_eq!(text(0.5012, 0.0213), "0.50 ± 0.02");
        assert_eq!(text(1e-9, 1e-10), "1.0e-9 ± 1.0e-10");
        assert_eq!(text(0.5, 1e-5), "0.50000 ± 0.00001");
        assert_eq!(text(0.001, 0.02), "0.001 ± 0.020");
        assert_eq!(text(0.0, 0.0), "0.00 ± 0.00");
        assert_eq!(text(0.5, f64::NAN), "0.50 ± NaN");
    }
}

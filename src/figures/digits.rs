//! Numbers as text: the shortest text that reads back to the same value, and what a cell of a table holds.
//!
//! A figure, a printed table and a CSV file ask here, so that one value is never written in two ways that differ.

use polars::prelude::AnyValue;

/// A number in the type it has in its column, or no number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::figures) enum Number {
    /// A whole number.
    Int(i128),
    /// A double.
    Double(f64),
    /// A float of 32 bits: it needs fewer digits than the double of the same value.
    Single(f32),
}

impl Number {
    /// The number of a cell; nothing for NULL and for what is no number.
    pub(in crate::figures) fn of(cell: &AnyValue<'_>) -> Option<Self> {
        match cell {
            AnyValue::Float64(value) => Some(Self::Double(*value)),
            AnyValue::Float32(value) => Some(Self::Single(*value)),
            cell if cell.is_float() => cell.extract::<f32>().map(Self::Single),
            cell if cell.is_integer() => cell.extract::<i128>().map(Self::Int),
            cell if cell.is_primitive_numeric() => cell.extract::<f64>().map(Self::Double),
            _ => None,
        }
    }

    /// The nearest double.
    pub(in crate::figures) fn value(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
            Self::Single(value) => f64::from(value),
        }
    }

    /// Its digits; nothing if it is NaN or infinite.
    pub(in crate::figures) fn digits(self) -> Option<Digits> {
        let text = match self {
            Self::Int(value) => format!("{value:e}"),
            Self::Double(value) if value.is_finite() => format!("{value:e}"),
            Self::Single(value) if value.is_finite() => format!("{value:e}"),
            _ => return None,
        };
        Digits::parse(&text)
    }

    /// Its digits times a power of ten, none of them changed.
    pub(in crate::figures) fn shifted_digits(self, shift: i32) -> Option<Digits> {
        let mut digits = self.digits()?;
        if digits.digits != "0" {
            digits.exponent += shift;
        }
        Some(digits)
    }

    /// The shortest text that reads back to the same value; `NaN`, `inf` and `-inf` as they are.
    pub(in crate::figures) fn exact(self) -> String {
        self.shifted_exact(0)
    }

    /// The same times a power of ten.
    pub(in crate::figures) fn shifted_exact(self, shift: i32) -> String {
        match self.shifted_digits(shift) {
            // A negative zero has bits of its own.
            Some(_) if self.value() == 0.0 && self.value().is_sign_negative() => "-0".to_owned(),
            Some(digits) => digits.exact(),
            None => odd(self.value()),
        }
    }
}

/// A number that has no digits.
fn odd(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value > 0.0 {
        "inf".to_owned()
    } else {
        "-inf".to_owned()
    }
}

/// The decimal digits of a number: `-1.25e-6` has the digits `125` and the exponent -6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::figures) struct Digits {
    /// Whether it is below zero.
    pub negative: bool,
    /// The digits without a point, `0` alone for zero; no zeros at the end unless they were asked for.
    pub digits: String,
    /// The power of ten of the first digit.
    pub exponent: i32,
}

impl Digits {
    /// Rounded to so many significant digits, all of them kept; the value is finite.
    pub(in crate::figures) fn rounded(value: f64, significant: usize) -> Option<Self> {
        let digits = significant.clamp(1, 18) - 1;
        Self::parse(&format!("{value:.digits$e}"))
    }

    /// From text as `{:e}` gives it.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once('e')?;
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let zero = digits.chars().all(|digit| digit == '0');
        Some(Self {
            negative: negative && !zero,
            digits: if zero { "0".to_owned() } else { digits },
            exponent: exponent.parse().ok()?,
        })
    }

    /// The same without zeros at the end.
    pub(in crate::figures) fn trimmed(mut self) -> Self {
        let kept = self.digits.trim_end_matches('0').len().max(1);
        self.digits.truncate(kept);
        self
    }

    /// How many digits it has.
    pub(in crate::figures) fn count(&self) -> usize {
        self.digits.len()
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// All digits around a decimal point, no power of ten.
    pub(in crate::figures) fn decimal(&self) -> String {
        let sign = self.sign();
        let digits = &self.digits;
        if self.exponent < 0 {
            let zeros = "0".repeat(self.exponent.unsigned_abs() as usize - 1);
            return format!("{sign}0.{zeros}{digits}");
        }
        let whole = self.exponent as usize + 1;
        if digits.len() <= whole {
            let zeros = "0".repeat(whole - digits.len());
            return format!("{sign}{digits}{zeros}");
        }
        let (before, after) = digits.split_at(whole);
        format!("{sign}{before}.{after}")
    }

    /// The digits with the point after the first, as `-1.25`.
    pub(in crate::figures) fn mantissa(&self) -> String {
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{}{first}{point}{rest}", self.sign())
    }

    /// With a power of ten: `-1.25e-6`.
    pub(in crate::figures) fn scientific(&self) -> String {
        format!("{}e{}", self.mantissa(), self.exponent)
    }

    /// Whether people read it more easily with a power of ten: it is very small, or ends in many zeros.
    pub(in crate::figures) fn wants_power(&self) -> bool {
        let zeros = i64::from(self.exponent) + 1 - self.digits.len() as i64;
        self.exponent < -4 || (self.exponent >= 5 && zeros >= 4) || self.exponent > 20
    }

    /// Around a decimal point, or with a power of ten where that is easier to read.
    pub(in crate::figures) fn text(&self) -> String {
        if self.wants_power() {
            self.scientific()
        } else {
            self.decimal()
        }
    }

    /// The shortest text, for programs: whole numbers up to 2^64 keep all their digits.
    fn exact(&self) -> String {
        if (-4..21).contains(&self.exponent) {
            self.decimal()
        } else {
            self.scientific()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_text_reads_back_to_the_same_bits() {
        let doubles = [
            0.1,
            0.1 + 0.2,
            1e-9,
            1e300,
            5e-324,
            f64::MAX,
            -0.0,
            20240101.0,
            1e22,
            -1.25e-6,
            1234567890.0,
            1.0 / 3.0,
        ];
        for value in doubles {
            let text = Number::Double(value).exact();
            let back: f64 = text.parse().unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{text}");
        }
        for value in [0.1f32, 16_777_217.0, 1e-9, f32::MAX, 1.0 / 3.0] {
            let text = Number::Single(value).exact();
            assert_eq!(text.parse::<f32>().unwrap().to_bits(), value.to_bits());
        }
        assert_eq!(Number::Single(0.1).exact(), "0.1");
        let whole = i128::from(u64::MAX);
        assert_eq!(Number::Int(whole).exact(), "18446744073709551615");
        assert_eq!(Number::Double(f64::NAN).exact(), "NaN");
        assert_eq!(Number::Double(f64::NEG_INFINITY).exact(), "-inf");
    }

    #[test]
    fn people_read_powers_of_ten_only_where_they_help() {
        let text = |value| Number::Double(value).digits().unwrap().text();
        let shown = [
            1e-5,
            3e-4,
            0.1,
            0.0,
            -2.0,
            1.5e6,
            65536.0,
            20_240_101.0,
            1e5,
        ]
        .map(text);
        assert_eq!(
            shown,
            [
                "1e-5", "0.0003", "0.1", "0", "-2", "1.5e6", "65536", "20240101", "1e5"
            ]
        );
    }
}

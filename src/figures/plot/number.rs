//! Numbers as a paper prints them: real minus signs, no noise of the double.

use std::collections::BTreeSet;

/// Replaces the hyphen of a number by a minus sign.
fn minus(text: String) -> String {
    text.replace('-', "\u{2212}")
}

/// A power of ten as mark-up.
pub(super) fn decade(exponent: i32) -> String {
    minus(format!("10^{{{exponent}}}"))
}

/// One number on its own, to four digits, as mark-up.
pub(super) fn lone(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        let text = format!("{value:.2e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) => {
                let mantissa = trimmed(mantissa.to_owned());
                let power = minus(format!("10^{{{exponent}}}"));
                match mantissa.as_str() {
                    "1" => power,
                    "-1" => format!("\u{2212}{power}"),
                    _ => format!("{}×{power}", minus(mantissa)),
                }
            }
            None => minus(text),
        };
    }
    let digits = (3.0 - magnitude).clamp(0.0, 8.0) as usize;
    minus(trimmed(format!("{value:.digits$}")))
}

/// The numbers of an axis, all with the digits that `step` asks for, as mark-up.
pub(super) fn axis(values: &[f64], step: f64) -> Vec<String> {
    let largest = values.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let many = digits_of(step / 10f64.powf(largest.max(1.0).log10().floor()));
    // Long mantissas are harder to read than plain digits.
    let plain = (1e6..1e15).contains(&largest) && many > 3;
    if !plain && (largest >= 1e6 || (largest > 0.0 && largest < 1e-3)) {
        let exponent = largest.log10().floor();
        let unit = 10f64.powf(exponent);
        let digits = digits_of(step / unit);
        return values
            .iter()
            .map(|value| {
                if *value == 0.0 {
                    "0".to_owned()
                } else {
                    minus(format!("{:.digits$}×10^{{{exponent}}}", value / unit))
                }
            })
            .collect();
    }
    let digits = digits_of(step);
    values
        .iter()
        .map(|value| {
            let value = if *value == 0.0 { 0.0 } else { *value };
            minus(format!("{value:.digits$}"))
        })
        .collect()
}

/// Numbers side by side, all with the same digits: about three of the largest. First comes, where it needs more, the choice
/// that tells all of them apart; what is not zero is never shown as zero.
pub(super) fn alike(values: &[f64]) -> Vec<Vec<String>> {
    let largest = values.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    if largest >= 1e5 || (largest > 0.0 && largest < 1e-3) {
        return vec![values.iter().copied().map(lone).collect()];
    }
    let digits = if largest == 0.0 || values.iter().all(|value| value.fract() == 0.0) {
        0
    } else {
        (2.0 - largest.log10().floor().max(-2.0))
            .clamp(0.0, 4.0)
            .min(if largest >= 0.1 { 2.0 } else { 4.0 }) as usize
    };
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    let merges = |digits: usize| {
        let texts: BTreeSet<String> = sorted.iter().map(|v| fixed(*v, digits)).collect();
        texts.len() < sorted.len()
    };
    let apart = (digits + 1..=digits + MORE).find(|digits| !merges(*digits));
    let mut choices = vec![digits];
    if merges(digits) {
        choices.extend(apart);
    }
    choices
        .into_iter()
        .rev()
        .map(|digits| values.iter().map(|value| fixed(*value, digits)).collect())
        .collect()
}

/// So many more digits may tell values apart.
const MORE: usize = 2;

/// A number with a fixed count of digits; what would round to zero has one significant digit.
fn fixed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    match text.strip_prefix('-') {
        _ if zero && value != 0.0 => {
            let rounded = format!("{value:.0e}");
            lone(rounded.parse().unwrap_or(value))
        }
        Some(rest) if zero => rest.to_owned(),
        _ => minus(text),
    }
}

fn digits_of(step: f64) -> usize {
    (-(step * 1.000_001).log10().floor()).clamp(0.0, 17.0) as usize
}

fn trimmed(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_numbers_are_short_and_have_real_minus_signs() {
        let shown: Vec<String> = [0.1 + 0.2, -2.0, 1e-5, 0.0, 1_500_000.0, 1e6, 123.456]
            .into_iter()
            .map(lone)
            .collect();
        assert_eq!(
            shown,
            ["0.3", "−2", "10^{−5}", "0", "1.5×10^{6}", "10^{6}", "123.5"]
        );
    }

    #[test]
    fn numbers_side_by_side_have_the_same_digits_and_no_negative_zero() {
        assert_eq!(
            alike(&[1.0, -0.06, -0.001, 0.0]),
            [["1.00", "−0.06", "−0.001", "0.00"]]
        );
        assert_eq!(alike(&[1.0, -0.0, -12.0]), [["1", "0", "−12"]]);
        assert_eq!(alike(&[150.2, 3.0]), [["150", "3"]]);
    }

    #[test]
    fn numbers_side_by_side_are_told_apart_where_there_is_room() {
        assert_eq!(
            alike(&[0.991, 0.994, 0.5]),
            [["0.991", "0.994", "0.500"], ["0.99", "0.99", "0.50"]]
        );
        // Where two more digits are not enough, none are added.
        assert_eq!(alike(&[0.5, 0.5000001]), [["0.50", "0.50"]]);
        assert_eq!(alike(&[0.5, 0.5]), [["0.50", "0.50"]]);
    }

    #[test]
    fn numbers_of_an_axis_share_their_digits() {
        assert_eq!(
            axis(&[-0.5, 0.0, 0.5, 1.0], 0.5),
            ["−0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(axis(&[0.0, 25.0], 25.0), ["0", "25"]);
        assert_eq!(axis(&[0.0, 2e6], 2e6), ["0", "2×10^{6}"]);
        assert_eq!(
            axis(&[20_240_101.0, 20_240_102.0], 1.0),
            ["20240101", "20240102"]
        );
    }
}

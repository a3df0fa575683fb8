//! Numbers as a paper prints them: real minus signs, no noise of the double.

use std::collections::BTreeSet;

use super::spec::FormatName;

/// Replaces the hyphen of a number by a minus sign.
fn minus(text: String) -> String {
    text.replace('-', "\u{2212}")
}

/// A power of a base as mark-up; small powers of two are written out.
pub(super) fn power(base: f64, exponent: i32) -> String {
    if base == 2.0 && (0..=14).contains(&exponent) {
        return 2f64.powi(exponent).to_string();
    }
    let base = match base {
        base if base == std::f64::consts::E => "*e*".to_owned(),
        base => base.to_string(),
    };
    minus(format!("{base}^{{{exponent}}}"))
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
            Some((mantissa, exponent)) => times(&trimmed(mantissa.to_owned()), exponent),
            None => minus(text),
        };
    }
    let digits = (3.0 - magnitude).clamp(0.0, 8.0) as usize;
    minus(trimmed(format!("{value:.digits$}")))
}

/// The labels of an axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Labels {
    /// One for each number, as mark-up.
    pub texts: Vec<String>,
    /// The power of ten that all of them are times.
    pub power: Option<i32>,
}

/// The numbers of an axis, all with the digits that tell them apart; each by itself where they are `alone`.
pub(super) fn labels(values: &[f64], format: Option<FormatName>, alone: bool) -> Labels {
    let step = step_of(values);
    let shown = |texts: Vec<String>| Labels { texts, power: None };
    match format {
        Some(FormatName::Plain) => shown(plain(values, step)),
        Some(FormatName::Percent) => {
            let shares: Vec<f64> = values.iter().map(|value| value * 100.0).collect();
            let texts = plain(&shares, step * 100.0);
            shown(texts.into_iter().map(|text| text + "%").collect())
        }
        Some(FormatName::Si) => shown(values.iter().map(|value| si(*value, step)).collect()),
        Some(FormatName::Power) => {
            shown(values.iter().map(|value| written(*value, step)).collect())
        }
        None if alone => shown(values.iter().copied().map(lone).collect()),
        None => axis(values, step),
    }
}

/// The numbers of an axis whose values span many sizes: each with the digits that it needs itself.
pub(super) fn each(values: &[f64], format: Option<FormatName>) -> Labels {
    let one = |value: &f64| labels(&[*value], format, true).texts;
    Labels {
        texts: values.iter().flat_map(one).collect(),
        power: None,
    }
}

/// The smallest distance between two numbers.
fn step_of(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    let least = steps
        .filter(|step| *step > 0.0)
        .fold(f64::INFINITY, f64::min);
    let largest = values.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    // How many digits the numbers have beyond what parts them: 2.5 beside 5.0.
    let mut step = if least.is_finite() { least } else { largest };
    if step == 0.0 {
        // Zero alone needs no digits.
        return 1.0;
    }
    for _ in 0..3 {
        let whole = |value: &f64| {
            let parts = value / unit_of(step);
            (parts - parts.round()).abs() < 1e-6
        };
        if values.iter().all(whole) {
            break;
        }
        step /= 10.0;
    }
    step
}

/// The power of ten of the first digit.
fn unit_of(value: f64) -> f64 {
    10f64.powf((value.abs() * 1.000_001).log10().floor())
}

fn plain(values: &[f64], step: f64) -> Vec<String> {
    let digits = digits_of(step);
    let one = |value: &f64| {
        let value = if *value == 0.0 { 0.0 } else { *value };
        minus(format!("{value:.digits$}"))
    };
    values.iter().map(one).collect()
}

/// Plain numbers, or those of a large or small axis as parts of a power of ten.
fn axis(values: &[f64], step: f64) -> Labels {
    let largest = values.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let many = digits_of(step / unit_of(largest.max(1.0)));
    // Long mantissas are harder to read than plain digits.
    let is_plain = (1e6..1e15).contains(&largest) && many > 3;
    if is_plain || !(largest >= 1e6 || (largest > 0.0 && largest < 1e-3)) {
        return Labels {
            texts: plain(values, step),
            power: None,
        };
    }
    let exponent = (largest * 1.000_001).log10().floor();
    let unit = 10f64.powf(exponent);
    let parts: Vec<f64> = values.iter().map(|value| value / unit).collect();
    Labels {
        texts: plain(&parts, step / unit),
        power: Some(exponent as i32),
    }
}

/// The prefixes of the SI, from 10⁻²⁴ on in steps of a thousand.
const PREFIXES: [&str; 17] = [
    "y", "z", "a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y",
];

/// A number with a prefix of the SI: `2M`, `1.5k`, `10µ`. It has the digits of a multiple of `step`.
fn si(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let thousands = ((value.abs() * 1.000_000_1).log10() / 3.0).floor();
    let thousands = thousands.clamp(-8.0, 8.0);
    let part = value / 1000f64.powf(thousands);
    let digits = (2.0 - (part.abs() * 1.000_000_1).log10().floor()).clamp(0.0, 6.0) as usize;
    let digits = digits.max(digits_of(step / 1000f64.powf(thousands)));
    let prefix = PREFIXES[(thousands + 8.0) as usize];
    format!("{}{prefix}", minus(trimmed(format!("{part:.digits$}"))))
}

/// A number as a power of ten, however large it is: `2×10^{6}`. It has the digits of a multiple of `step`.
fn written(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = digits_of(step / unit_of(value)).max(3);
    let text = format!("{value:.digits$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => times(&trimmed(mantissa.to_owned()), exponent),
        None => minus(text),
    }
}

/// A mantissa times a power of ten.
fn times(mantissa: &str, exponent: &str) -> String {
    let power = minus(format!("10^{{{exponent}}}"));
    match mantissa {
        "1" => power,
        "-1" => format!("\u{2212}{power}"),
        _ => format!("{}×{power}", minus(mantissa.to_owned())),
    }
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

    fn texts(values: &[f64], format: Option<FormatName>) -> Vec<String> {
        labels(values, format, false).texts
    }

    #[test]
    fn numbers_of_an_axis_share_their_digits() {
        assert_eq!(
            texts(&[-0.5, 0.0, 0.5, 1.0], None),
            ["−0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(texts(&[0.0, 0.25, 0.5], None), ["0.00", "0.25", "0.50"]);
        assert_eq!(texts(&[0.0, 2.5, 5.0], None), ["0.0", "2.5", "5.0"]);
        assert_eq!(texts(&[0.0, 25.0], None), ["0", "25"]);
        assert_eq!(texts(&[0.0], None), ["0"]);
        assert_eq!(texts(&[], None), Vec::<String>::new());
        assert_eq!(
            texts(&[20_240_101.0, 20_240_102.0], None),
            ["20240101", "20240102"]
        );
    }

    #[test]
    fn large_numbers_have_one_power_of_ten_for_the_axis() {
        let large = labels(&[0.0, 2e6, 4e6], None, false);
        assert_eq!(
            (large.texts.as_slice(), large.power),
            (&["0".to_owned(), "2".into(), "4".into()][..], Some(6))
        );
        let small = labels(&[0.0, 5e-5, 1e-4], None, false);
        assert_eq!(small.texts, ["0.0", "0.5", "1.0"]);
        assert_eq!(small.power, Some(-4));
    }

    #[test]
    fn numbers_of_an_axis_have_the_format_that_is_asked_for() {
        let millions = [0.0, 500_000.0, 2e6];
        assert_eq!(texts(&millions, Some(FormatName::Si)), ["0", "500k", "2M"]);
        assert_eq!(
            texts(&[1e-5, 2.5e-3], Some(FormatName::Si)),
            ["10µ", "2.5m"]
        );
        assert_eq!(
            texts(&millions, Some(FormatName::Plain)),
            ["0", "500000", "2000000"]
        );
        assert_eq!(
            texts(&millions, Some(FormatName::Power)),
            ["0", "5×10^{5}", "2×10^{6}"]
        );
        assert_eq!(
            each(&[0.001, 0.1, 10.0], Some(FormatName::Percent)).texts,
            ["0.1%", "10%", "1000%"]
        );
        assert_eq!(
            each(&[0.01, 1.0, 250.0], Some(FormatName::Plain)).texts,
            ["0.01", "1", "250"]
        );
        assert_eq!(
            texts(&[0.0, 0.25, 1.0], Some(FormatName::Percent)),
            ["0%", "25%", "100%"]
        );
    }
}

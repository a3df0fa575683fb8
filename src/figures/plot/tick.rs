//! Which values of an axis get a tick, and which of these a label.

use chrono::{DateTime, Datelike, Months, TimeDelta, Utc};

use super::number;

/// A value that gets a tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub value: f64,
    pub label: Label,
}

/// What stands beside a tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Label {
    /// Nothing.
    None,
    /// The number, as the axis writes its numbers.
    Number,
    /// This mark-up, unless the axis has a format.
    Text(String),
}

fn number_at(value: f64) -> Found {
    Found {
        value,
        label: Label::Number,
    }
}

fn minor(value: f64) -> Found {
    Found {
        value,
        label: Label::None,
    }
}

/// So many labels an axis has at least, where there is room.
const LEAST: usize = 4;

/// Given values.
pub(super) fn fixed(values: &[f64]) -> Vec<Found> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values.into_iter().map(number_at).collect()
}

/// Round numbers between two values: steps of 1, 2, 2.5 or 5 times a power of ten.
pub(super) fn linear(low: f64, high: f64, count: usize, whole: bool) -> Vec<Found> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return Vec::new();
    }
    let rough = span / count.max(2) as f64;
    let unit = 10f64.powf(rough.log10().floor());
    let at = |step: f64| {
        let first = (low / step - 1e-9).ceil();
        let last = (high / step + 1e-9).floor();
        (first, last)
    };
    let ticks = |step: f64| {
        let (first, last) = at(step);
        (last - first + 1.0).max(0.0)
    };
    let least = if whole { 1.0 } else { 0.0 };
    let is_round = |step: f64| !whole || step.fract() == 0.0;
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * unit)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(10.0 * unit)
        .max(least);
    // With fewer than four, finer steps are tried, as far as their labels have room.
    let room = (count + 1).max(3) as f64;
    let step = if ticks(step) >= LEAST as f64 {
        step
    } else {
        let finer = [0.5, 0.4, 0.25, 0.2, 0.1]
            .map(|part| step * part)
            .into_iter();
        let finer = finer
            .filter(|step| *step >= least && is_round(*step) && is_short(*step))
            .filter(|step| ticks(*step) <= room);
        let ways: Vec<f64> = std::iter::once(step).chain(finer).collect();
        let enough = ways.iter().find(|step| ticks(**step) >= LEAST as f64);
        // Where none has room for four, the one with the most.
        let most = ways
            .iter()
            .rev()
            .max_by(|a, b| ticks(**a).total_cmp(&ticks(**b)));
        enough.or(most).copied().unwrap_or(step)
    };
    let (first, last) = at(step);
    if !(first.is_finite() && last - first < 1000.0) {
        return Vec::new();
    }
    (0..=(last - first) as usize)
        .map(|place| number_at((first + place as f64) * step))
        .collect()
}

/// Whether a step is 1, 2, 2.5 or 5 times a power of ten.
fn is_short(step: f64) -> bool {
    let unit = 10f64.powf(step.log10().floor());
    let digits = step / unit;
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .iter()
        .any(|short| (digits - short).abs() < 1e-6)
}

/// Powers of a base, with the numbers between them where there are few.
pub(super) fn log(low: f64, high: f64, base: f64, count: usize) -> Vec<Found> {
    let first = low.log(base).floor() as i32;
    let last = high.log(base).ceil() as i32;
    let inside = |value: f64| value >= low * 0.999_999 && value <= high * 1.000_001;
    let powers: Vec<i32> = (first..=last)
        .filter(|exponent| inside(base.powi(*exponent)))
        .collect();
    // Too little for powers alone: plain numbers are labelled.
    if powers.len() < 3 && high / low < 1000.0 {
        return short_log((low, high), count);
    }
    let labelled = labelled_powers(&powers, count);
    let mut found = Vec::new();
    for exponent in first..=last {
        let value = base.powi(exponent);
        let label = if labelled.contains(&exponent) {
            Label::Text(number::power(base, exponent))
        } else {
            Label::None
        };
        found.push(Found { value, label });
        if base == 10.0 && powers.len() <= count.max(2) {
            found.extend((2..10).map(|digit| minor(f64::from(digit) * value)));
        }
    }
    found
}

/// The exponents that get a label: in even steps, about `count` of them, and both near the ends.
fn labelled_powers(powers: &[i32], count: usize) -> Vec<i32> {
    let (Some(first), Some(last)) = (powers.first(), powers.last()) else {
        return Vec::new();
    };
    let count = count.max(2);
    let length = i32::try_from(powers.len()).unwrap_or(i32::MAX);
    let most = i32::try_from(count).unwrap_or(i32::MAX);
    let cost = |stride: i32, offset: i32| {
        let start = first + offset;
        let labels = (last - start) / stride + 1;
        let end = start + (labels - 1) * stride;
        // What lies beyond the labels at either end, few labels, odd steps, and steps that miss zero.
        let part = |beyond: i32| (f64::from(beyond) / f64::from(length)).powi(2);
        let outside = 10.0 * (part(offset) + part(last - end));
        let few = f64::from(most - labels) / f64::from(most);
        let odd = if [1, 2, 3, 5, 10, 20, 50].contains(&stride) {
            0.0
        } else {
            0.15
        };
        let misses = if start.rem_euclid(stride) == 0 {
            0.0
        } else {
            0.2
        };
        (labels >= 2 && labels <= most).then_some(outside + few + odd + misses)
    };
    let ways =
        (1..length.max(2)).flat_map(|stride| (0..stride).map(move |offset| (stride, offset)));
    let ways = ways.filter_map(|(stride, offset)| Some((cost(stride, offset)?, stride, offset)));
    match ways.min_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, stride, offset)) => (first + offset..=*last)
            .step_by(stride.unsigned_abs() as usize)
            .collect(),
        None => powers.to_vec(),
    }
}

/// Digits that get a label on a short axis of even ratios, from few to many.
const DIGITS: [&[u32]; 4] = [
    &[1, 3],
    &[1, 2, 5],
    &[1, 2, 3, 5, 7],
    &[1, 2, 3, 4, 5, 6, 7, 8, 9],
];

/// Ticks of an axis of even ratios that holds few powers: round numbers, some of them labelled.
fn short_log((low, high): (f64, f64), count: usize) -> Vec<Found> {
    let inside = |value: f64| value >= low * 0.999_999 && value <= high * 1.000_001;
    let (from, to) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let numbers = (from..=to).flat_map(|exponent| {
        (1..10u32).map(move |digit| (digit, rounded(f64::from(digit) * 10f64.powi(exponent))))
    });
    let numbers: Vec<(u32, f64)> = numbers.filter(|(_, value)| inside(*value)).collect();
    let shown = |digits: &[u32]| {
        numbers
            .iter()
            .filter(|(digit, _)| digits.contains(digit))
            .count()
    };
    let most = count.max(3);
    // As many as have room; where even all are few, steps are even.
    let digits = DIGITS
        .into_iter()
        .rev()
        .find(|digits| shown(digits) <= most);
    let digits = digits.unwrap_or(DIGITS[0]);
    if shown(digits) < 3 {
        return linear(low, high, count.max(3), false);
    }
    let ticks = numbers.iter().map(|(digit, value)| Found {
        value: *value,
        label: if digits.contains(digit) {
            Label::Text(number::lone(*value))
        } else {
            Label::None
        },
    });
    ticks.collect()
}

/// Zero, and powers of ten on both sides of it.
pub(super) fn symlog(low: f64, high: f64, near: f64, count: usize) -> Vec<Found> {
    let from = near.log10().round() as i32;
    let reach = |end: f64| {
        if end > near {
            end.log10().floor() as i32
        } else {
            from - 1
        }
    };
    let (up, down) = (reach(high), reach(-low));
    let powers = (up - from + 1).max(0) + (down - from + 1).max(0) + 1;
    let powers = usize::try_from(powers).unwrap_or(1);
    let stride = i32::try_from(powers.div_ceil(count.max(2))).unwrap_or(1);
    let mut found = vec![Found {
        value: 0.0,
        label: Label::Text("0".to_owned()),
    }];
    for (end, sign) in [(up, 1.0), (down, -1.0)] {
        for exponent in from..=end {
            let value = sign * 10f64.powi(exponent);
            let text = number::power(10.0, exponent);
            let text = if sign < 0.0 {
                format!("\u{2212}{text}")
            } else {
                text
            };
            // Counted from the outer end, which is where there is most room. The first power lies close to zero.
            let crowded = stride > 1 && exponent == from && end > from;
            let label = if (end - exponent) % stride == 0 && !crowded {
                Label::Text(text)
            } else {
                Label::None
            };
            found.push(Found { value, label });
        }
    }
    found.sort_by(|a, b| a.value.total_cmp(&b.value));
    found
}

/// Round numbers in even steps, with one more near zero, where an axis of square roots has most room.
pub(super) fn sqrt(low: f64, high: f64, count: usize) -> Vec<Found> {
    let mut values: Vec<f64> = linear(low.max(0.0), high, count, false)
        .into_iter()
        .map(|tick| tick.value)
        .collect();
    if let [zero, first, ..] = *values.as_slice()
        && zero == 0.0
    {
        // Half way to the first label.
        let unit = 10f64.powf((first / 4.0).log10().floor());
        let digits = first / 4.0 / unit;
        let digit = [5.0, 2.0, 1.0]
            .into_iter()
            .find(|digit| *digit <= digits * 1.000_001);
        values.insert(1, rounded(digit.unwrap_or(1.0) * unit));
    }
    values.into_iter().map(number_at).collect()
}

/// A number to two digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 1.0);
    (value / unit).round() * unit
}

/// Steps of time: seconds up to days.
const STEPS: [i64; 18] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];
const DAY: f64 = 86_400.0;

/// Round times between two, in seconds since 1970.
pub(super) fn time(low: f64, high: f64, count: usize) -> Vec<Found> {
    let span = high - low;
    if span < 1.0 || !span.is_finite() || low.abs().max(high.abs()) > 2e11 {
        return linear(low, high, count, false);
    }
    let rough = span / count.max(2) as f64;
    let steps = STEPS.iter().map(|step| *step as f64);
    let days = [2.0, 7.0, 14.0].map(|days| days * DAY);
    let steps: Vec<f64> = steps.chain(days).collect();
    if let Some(usual) = steps.iter().position(|step| *step >= rough) {
        let ends = |step: f64| ((low / step).ceil() as i64, (high / step).floor() as i64);
        let ticks = |step: f64| {
            let (first, last) = ends(step);
            usize::try_from(last - first + 1).unwrap_or_default()
        };
        // With fewer than four, the next finer steps are tried, as far as their labels have room.
        let finer = steps[usual.saturating_sub(2)..=usual].iter().rev().copied();
        let mut finer = finer.filter(|step| *step == steps[usual] || ticks(*step) <= count + 1);
        let step = finer.find(|step| ticks(*step) >= LEAST);
        let step = step.unwrap_or(steps[usual]);
        let (first, last) = ends(step);
        let values: Vec<f64> = (first..=last).map(|place| place as f64 * step).collect();
        return at_times(&values, span);
    }
    // Months and years.
    let months = (rough / (30.44 * DAY)).ceil() as u32;
    let months = [1, 3, 6]
        .into_iter()
        .find(|step| *step >= months)
        .unwrap_or_else(|| {
            let years = linear(0.0, f64::from(months) * count as f64 / 12.0, count, true);
            let step = years.get(1).map_or(1.0, |tick| tick.value);
            12 * step as u32
        });
    let mut values = Vec::new();
    let Some(mut at) = day(low).and_then(|start| first_month(start, months)) else {
        return Vec::new();
    };
    while (at.timestamp() as f64) <= high && values.len() < 100 {
        values.push(at.timestamp() as f64);
        match at.checked_add_months(Months::new(months)) {
            Some(next) => at = next,
            None => break,
        }
    }
    at_times(&values, span)
}

fn day(seconds: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.floor() as i64, 0)
}

/// The start of the month, or of the year, at or before a time.
fn first_month(at: DateTime<Utc>, step: u32) -> Option<DateTime<Utc>> {
    let step = step.min(12);
    let month = at.month0() / step * step;
    let day = at.date_naive().with_day(1)?.with_month0(month)?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

/// Given times with labels as short as an axis of this span needs.
pub(super) fn at_times(values: &[f64], span: f64) -> Vec<Found> {
    let mut last: Option<DateTime<Utc>> = None;
    let mut found = Vec::new();
    for value in values {
        let Some(at) = day(*value) else { continue };
        let midnight = at.timestamp().rem_euclid(86_400) == 0;
        let new_day = last.is_none_or(|last| last.date_naive() != at.date_naive());
        let format = if span > 800.0 * DAY && at.ordinal() == 1 {
            "%Y"
        } else if span > 60.0 * DAY {
            "%Y-%m"
        } else if midnight && new_day {
            "%m-%d"
        } else if span > TimeDelta::minutes(10).num_seconds() as f64 {
            "%H:%M"
        } else {
            "%H:%M:%S"
        };
        found.push(Found {
            value: *value,
            label: Label::Text(at.format(format).to_string().replace('-', "\u{2011}")),
        });
        last = Some(at);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: Vec<Found>) -> Vec<String> {
        let texts = found.into_iter().filter_map(|tick| match tick.label {
            Label::Text(text) => Some(text.replace('\u{2011}', "-")),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn whole_numbers_get_no_ticks_between_them() {
        let values = |low, high, count, whole| -> Vec<f64> {
            let found = linear(low, high, count, whole);
            found.into_iter().map(|tick| tick.value).collect()
        };
        assert_eq!(values(-0.1, 2.1, 6, true), [0.0, 1.0, 2.0]);
        assert_eq!(values(0.0, 1.0, 4, false), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(values(0.0, 1.0, 3, false), [0.0, 0.5, 1.0]);
        assert_eq!(values(-3.8, 4.2, 3, false), [-2.0, 0.0, 2.0, 4.0]);
        assert_eq!(values(-3.8, 3.9, 2, false), [-2.5, 0.0, 2.5]);
    }

    #[test]
    fn times_are_round_whatever_the_span() {
        let day = 86_400.0;
        // 2026-11-28 is 20,785 days after 1970.
        let start = 20_785.0 * day;
        assert_eq!(
            texts(time(start, start + 4.0 * 3600.0, 5)),
            ["11-28", "01:00", "02:00", "03:00", "04:00"]
        );
        assert_eq!(
            texts(time(start, start + 90.0, 4)),
            ["11-28", "00:00:30", "00:01:00", "00:01:30"]
        );
        assert_eq!(
            texts(time(start, start + 150.0 * day, 6)),
            [
                "2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04"
            ]
        );
        let years = texts(time(start, start + 3000.0 * day, 5));
        assert_eq!(years, ["2026", "2028", "2030", "2032", "2034"]);
    }

    #[test]
    fn an_axis_of_powers_has_a_label_near_both_ends() {
        for (low, high) in [
            (1e-26, 1e12),
            (3e-7, 4e3),
            (1.0, 1e9),
            (0.02, 5e4),
            (1e-300, 1e300),
        ] {
            for count in 2..11 {
                let found = log(low, high, 10.0, count);
                let labels = found.iter().filter(|tick| tick.label != Label::None);
                let near = low * 0.999..=high * 1.001;
                let inside = labels.filter(|tick| near.contains(&tick.value));
                let places: Vec<f64> = inside
                    .map(|tick| (tick.value.ln() - low.ln()) / (high.ln() - low.ln()))
                    .collect();
                assert!(
                    (2..=count).contains(&places.len()),
                    "{low} {high} {count} {places:?}"
                );
                assert!(
                    places[0] < 0.3 && places[places.len() - 1] > 0.7,
                    "{low} {high} {count} {places:?}"
                );
            }
        }
    }

    #[test]
    fn a_short_axis_of_powers_has_at_least_three_labels() {
        for (low, high) in [
            (1.9, 10.0),
            (3.1, 3.8),
            (19.0, 50.0),
            (0.03, 0.9),
            (7.0, 130.0),
            (99.0, 101.0),
        ] {
            let found = log(low, high, 10.0, 6);
            let labelled = found.iter().filter(|tick| tick.label != Label::None);
            assert!(labelled.count() >= 3, "{low} {high} {found:?}");
        }
    }

    #[test]
    fn an_axis_of_square_roots_has_round_numbers() {
        let values = |low, high| -> Vec<f64> {
            let found = sqrt(low, high, 5);
            found.into_iter().map(|tick| rounded(tick.value)).collect()
        };
        assert_eq!(
            values(0.0, 1000.0),
            [0.0, 50.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
        );
        assert_eq!(values(0.0, 1.0), [0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(values(30.0, 50.0), [30.0, 35.0, 40.0, 45.0, 50.0]);
    }

    #[test]
    fn powers_stand_on_both_sides_of_zero() {
        assert_eq!(
            texts(symlog(-100.0, 1000.0, 1.0, 12)),
            [
                "−10^{2}",
                "−10^{1}",
                "−10^{0}",
                "0",
                "10^{0}",
                "10^{1}",
                "10^{2}",
                "10^{3}"
            ]
        );
    }
}

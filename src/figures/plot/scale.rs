//! Where a value lies along an axis, and which values get a tick.

use super::number::{self, Labels};
use super::spec::{Channel, FormatName, ScaleName};
use super::tick;

/// How values spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Spread {
    /// Even steps.
    Linear,
    /// Even ratios, with ticks at powers of the base.
    Log(f64),
    /// Even steps up to this size, and even ratios beyond.
    Symlog(f64),
    /// Even steps of the square root.
    Sqrt,
    /// Even steps of seconds since 1970.
    Time,
    /// Places side by side.
    Category,
}

impl Spread {
    /// That of a scale; `near` is up to where one on both sides of zero has even steps.
    pub(super) fn of(name: ScaleName, near: impl FnOnce() -> f64) -> Self {
        match name {
            ScaleName::Linear => Self::Linear,
            ScaleName::Log => Self::Log(10.0),
            ScaleName::Log2 => Self::Log(2.0),
            ScaleName::Ln => Self::Log(std::f64::consts::E),
            ScaleName::Symlog => Self::Symlog(near()),
            ScaleName::Sqrt => Self::Sqrt,
            ScaleName::Time => Self::Time,
        }
    }

    /// A value on a line where the axis has even steps: a logarithm to its base, a root. None where it has no place.
    pub(super) fn even(self, value: f64) -> Option<f64> {
        let even = match self {
            Self::Linear | Self::Time | Self::Category => value,
            Self::Log(base) => (value > 0.0).then(|| logarithm(value, base))?,
            Self::Symlog(near) => {
                value.signum() * (value.abs() / near).ln_1p() / std::f64::consts::LN_10
            }
            Self::Sqrt => (value >= 0.0).then(|| value.sqrt())?,
        };
        even.is_finite().then_some(even)
    }

    /// The value at a place of that line.
    pub(super) fn value(self, even: f64) -> f64 {
        match self {
            Self::Linear | Self::Time | Self::Category => even,
            Self::Log(base) => base.powf(even),
            Self::Symlog(near) => {
                even.signum() * (even.abs() * std::f64::consts::LN_10).exp_m1() * near
            }
            Self::Sqrt => even.max(0.0).powi(2),
        }
    }
}

/// The logarithm to a base, exact at its powers where the base is 10 or 2.
fn logarithm(value: f64, base: f64) -> f64 {
    match base {
        10.0 => value.log10(),
        2.0 => value.log2(),
        base => value.ln() / base.ln(),
    }
}

/// One axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pub spread: Spread,
    /// The values at the start and at the end.
    low: f64,
    high: f64,
    /// Whether it holds whole numbers: nothing between them gets a tick.
    whole: bool,
    /// The names of categories, as mark-up.
    pub names: Vec<String>,
    /// Whether it runs the other way.
    pub reverse: bool,
    /// How its numbers are written.
    pub format: Option<FormatName>,
    /// The values that get a tick, if they are given.
    fixed: Option<Vec<f64>>,
    /// How steep its labels stand, if that is given.
    pub angle: Option<f64>,
}

/// A tick; one without a label is minor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// The value, or the place of the category.
    pub value: f64,
    /// Its label as mark-up.
    pub label: Option<String>,
}

/// What values an axis has to hold, and how.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Holds {
    /// It starts at zero, as bars need it.
    pub zero: bool,
    /// It holds whole numbers alone.
    pub whole: bool,
    /// It ends at the values, without air.
    pub tight: bool,
    /// The air at its ends as a share of the values' span, if that is more than usual.
    pub air: f64,
    /// Up to where it has even steps, if it has even ratios on both sides of zero; from its values if left out.
    pub near: Option<f64>,
}

impl Scale {
    /// Places side by side.
    pub(super) fn category(names: Vec<String>, channel: &Channel) -> Self {
        Self {
            low: -0.5,
            high: names.len().max(1) as f64 - 0.5,
            names,
            spread: Spread::Category,
            whole: false,
            reverse: channel.reverse,
            format: channel.format,
            fixed: None,
            angle: channel.angle,
        }
    }

    /// An axis that holds all `values`, with a little air.
    pub(super) fn over(values: impl Iterator<Item = f64>, channel: &Channel, holds: Holds) -> Self {
        let name = channel.scale();
        let placed: Vec<f64> = values
            .filter(|value| value.is_finite() && !(name.is_log() && *value <= 0.0))
            .collect();
        let near = || holds.near.unwrap_or_else(|| near_zero(&placed));
        let spread = Spread::of(name, near);
        let (low, high) = match channel.domain.filter(|domain| fits(spread, *domain)) {
            Some([low, high]) => (low, high),
            None => ends(&placed, spread, holds),
        };
        Self {
            spread,
            low,
            high,
            whole: holds.whole && spread == Spread::Linear,
            names: Vec::new(),
            reverse: channel.reverse,
            format: channel.format,
            fixed: channel.ticks.clone(),
            angle: channel.angle,
        }
    }

    /// Whether it has places side by side instead of numbers.
    pub(super) fn named(&self) -> bool {
        self.spread == Spread::Category
    }

    /// How many places it has; none if it is one of numbers.
    pub(super) fn places(&self) -> usize {
        self.names.len()
    }

    /// Whether it has even ratios, and so no zero.
    pub(super) fn is_log(&self) -> bool {
        matches!(self.spread, Spread::Log(_))
    }

    /// From 0 to 1 along the axis; may be outside. None where it has no place.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = match self.spread {
            Spread::Category => (value + 0.5) / self.names.len().max(1) as f64,
            // As a ratio: the logarithms of the ends may be close.
            Spread::Log(_) if value > 0.0 && (self.high / self.low).is_finite() => {
                (value / self.low).ln() / (self.high / self.low).ln()
            }
            _ => {
                let even = |value| self.spread.even(value);
                let (low, high) = (even(self.low)?, even(self.high)?);
                (even(value)? - low) / (high - low)
            }
        };
        place.is_finite().then(|| place.clamp(-50.0, 50.0))
    }

    /// Whether a value lies on the axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        let place = self.place(value);
        place.is_some_and(|place| (-1e-9..=1.0 + 1e-9).contains(&place))
    }

    /// The values at the start and the end of the axis.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The value half way along the axis.
    pub(super) fn half(&self) -> f64 {
        let ends = self.spread.even(self.low).zip(self.spread.even(self.high));
        let even = ends.map(|(low, high)| low + (high - low) / 2.0);
        even.map_or(self.low, |even| self.spread.value(even))
    }

    /// Ticks for an axis on which about `count` labels fit, and what all labels are times.
    pub(super) fn ticks(&self, count: usize) -> (Vec<Tick>, Option<i32>) {
        if self.named() {
            let names = self.names.iter().enumerate();
            let ticks = names.map(|(place, name)| Tick {
                value: place as f64,
                label: Some(name.clone()),
            });
            return (ticks.collect(), None);
        }
        let found = match (&self.fixed, self.spread) {
            (Some(values), Spread::Time) => tick::at_times(values, self.high - self.low),
            (Some(values), _) => tick::fixed(values),
            (None, Spread::Linear) => tick::linear(self.low, self.high, count, self.whole),
            (None, Spread::Log(base)) => tick::log(self.low, self.high, base, count),
            (None, Spread::Symlog(near)) => tick::symlog(self.low, self.high, near, count),
            (None, Spread::Sqrt) => tick::sqrt(self.low, self.high, count),
            (None, Spread::Time) => tick::time(self.low, self.high, count),
            (None, Spread::Category) => Vec::new(),
        };
        let found: Vec<tick::Found> = found
            .into_iter()
            .filter(|tick| self.holds(tick.value))
            .collect();
        self.labelled(found)
    }

    /// The ticks with their labels.
    fn labelled(&self, found: Vec<tick::Found>) -> (Vec<Tick>, Option<i32>) {
        // What is written stands unless the axis has a format; times have their own.
        let formatted = self.format.is_some() && self.spread != Spread::Time;
        let is_number = |label: &tick::Label| match label {
            tick::Label::None => false,
            tick::Label::Number => true,
            tick::Label::Text(_) => formatted,
        };
        let numbers = found.iter().filter(|tick| is_number(&tick.label));
        let values: Vec<f64> = numbers.map(|tick| tick.value).collect();
        // An axis of powers has a label of its own for each, unless the numbers are close to one another.
        let (least, largest) = values
            .iter()
            .fold((f64::INFINITY, 0.0f64), |(low, high), value| {
                (low.min(*value), high.max(*value))
            });
        let close = self.is_log() && largest < 2.0 * least;
        let alone = !close && (self.is_log() || matches!(self.spread, Spread::Symlog(_)));
        let Labels { texts, power } = if alone {
            number::each(&values, self.format)
        } else {
            number::labels(&values, self.format, false)
        };
        let mut texts = texts.into_iter();
        let ticks = found.into_iter().map(|tick| Tick {
            value: tick.value,
            label: match tick.label {
                label if is_number(&label) => texts.next(),
                tick::Label::Text(text) => Some(text),
                tick::Label::None | tick::Label::Number => None,
            },
        });
        (ticks.collect(), power)
    }
}

/// Whether a domain has a place on such an axis.
fn fits(spread: Spread, [low, high]: [f64; 2]) -> bool {
    low < high
        && match spread {
            Spread::Log(_) => low >= 1e-300,
            Spread::Sqrt => low >= 0.0,
            _ => true,
        }
}

/// Up to which size an axis of even ratios on both sides of zero has even steps: the smallest value that is not zero, but no
/// more than six powers of ten below the largest.
pub(super) fn near_zero(values: &[f64]) -> f64 {
    let sizes = values.iter().map(|value| value.abs()).filter(|v| *v > 0.0);
    let (least, largest) = sizes.fold((f64::INFINITY, 0.0f64), |(least, largest), size| {
        (least.min(size), largest.max(size))
    });
    if largest > 0.0 {
        let near = least.max(largest * 1e-6);
        10f64.powf(near.log10().floor())
    } else {
        1.0
    }
}

/// Where an axis over values starts and ends.
fn ends(values: &[f64], spread: Spread, holds: Holds) -> (f64, f64) {
    let values = values
        .iter()
        .filter(|value| spread != Spread::Sqrt || **value >= 0.0);
    let (mut low, mut high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), value| {
        (l.min(*value), h.max(*value))
    });
    let log = matches!(spread, Spread::Log(_));
    if low > high {
        return if log { (1.0, 10.0) } else { (0.0, 1.0) };
    }
    if holds.tight && low < high {
        return (low, high);
    }
    if log {
        let (from, to) = (low.log10(), high.log10());
        let air = if to > from {
            holds.air.max(0.04) * (to - from)
        } else {
            0.5
        };
        let under = if holds.zero {
            // A bar needs a foot: the decade below the lowest.
            (from - 0.3).floor()
        } else {
            from - air
        };
        // Beyond these a double runs out of exponents.
        let power = |exponent: f64| 10f64.powf(exponent.clamp(-300.0, 300.0));
        let (under, over) = (power(under), power(to + air));
        return if under < over {
            (under, over)
        } else {
            (1.0, 10.0)
        };
    }
    (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
    if holds.zero {
        low = low.min(0.0);
        high = high.max(0.0);
    }
    if low == 0.0 && high == 0.0 {
        return (0.0, 1.0);
    }
    let air = match high - low {
        span if span > 0.0 => holds.air.max(0.05) * span,
        _ => 0.1 * low.abs(),
    };
    // Air below zero would suggest that values can be there.
    let under = match low {
        low if low == 0.0 && !holds.zero && spread == Spread::Linear => -0.4 * air,
        low if low >= 0.0 && low - 2.0 * air < 0.0 => 0.0,
        low => low - air,
    };
    let over = if high <= 0.0 && holds.zero {
        0.0
    } else {
        high + air
    };
    if spread == Spread::Time {
        return (low - air, over);
    }
    (under, over)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(name: ScaleName, low: f64, high: f64) -> Scale {
        let channel = Channel {
            scale: Some(name),
            domain: Some([low, high]),
            ..Channel::named("x")
        };
        Scale::over([].into_iter(), &channel, Holds::default())
    }

    fn labels(scale: &Scale, count: usize) -> Vec<String> {
        let (ticks, _) = scale.ticks(count);
        ticks.into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_at_least_four() {
        let linear = |low, high| scale(ScaleName::Linear, low, high);
        assert_eq!(
            labels(&linear(-0.02, 1.03), 5),
            ["0.00", "0.25", "0.50", "0.75", "1.00"]
        );
        assert_eq!(
            labels(&linear(0.0, 1.0), 6),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&linear(-3.0, 3.0), 4), ["−2", "0", "2"]);
    }

    #[test]
    fn labels_of_a_narrow_axis_of_powers_tell_its_numbers_apart() {
        let formats = [
            None,
            Some(FormatName::Plain),
            Some(FormatName::Si),
            Some(FormatName::Power),
            Some(FormatName::Percent),
        ];
        for name in [ScaleName::Log, ScaleName::Log2, ScaleName::Ln] {
            for (low, high) in [
                (1e-5, 1.000_01e-5),
                (12.7, 12.9),
                (1023.0, 1024.0),
                (5e7, 5.1e7),
            ] {
                for format in formats {
                    let scale = Scale {
                        format,
                        ..scale(name, low, high)
                    };
                    let texts = labels(&scale, 6);
                    let known: std::collections::BTreeSet<&String> = texts.iter().collect();
                    assert!(texts.len() >= 3, "{name:?} {low} {format:?} {texts:?}");
                    assert_eq!(known.len(), texts.len(), "{name:?} {format:?} {texts:?}");
                }
            }
        }
        let narrow = scale(ScaleName::Log2, 4.9, 5.2);
        assert_eq!(
            labels(&narrow, 6),
            ["4.90", "4.95", "5.00", "5.05", "5.10", "5.15", "5.20"]
        );
    }

    #[test]
    fn log_ticks_are_powers_with_minor_ones_between() {
        let log = scale(ScaleName::Log, 1e-4, 1e-1);
        assert_eq!(
            labels(&log, 8),
            ["10^{−4}", "10^{−3}", "10^{−2}", "10^{−1}"]
        );
        assert_eq!(log.ticks(8).0.len(), 4 + 3 * 8);
        let short = scale(ScaleName::Log, 2.0, 20.0);
        assert_eq!(labels(&short, 8), ["2", "3", "5", "7", "10", "20"]);
        assert_eq!(labels(&short, 4), ["2", "5", "10", "20"]);
        let many = scale(ScaleName::Log, 1e-8, 1.0);
        assert_eq!(labels(&many, 3).len(), 3);
        let two = scale(ScaleName::Log2, 1.0, 64.0);
        assert_eq!(labels(&two, 8), ["1", "2", "4", "8", "16", "32", "64"]);
    }

    #[test]
    fn an_axis_of_powers_may_hold_all_that_a_double_does() {
        let all = scale(ScaleName::Log, 1e-300, 1e300);
        let place = all.place(1.0).unwrap();
        assert!((place - 0.5).abs() < 1e-9, "{place}");
    }

    #[test]
    fn an_axis_on_both_sides_of_zero_has_even_ratios() {
        let values = [-100.0, -1.0, 0.0, 1.0, 10.0, 100.0];
        let channel = Channel {
            scale: Some(ScaleName::Symlog),
            domain: Some([-100.0, 100.0]),
            ..Channel::named("x")
        };
        let scale = Scale::over(values.into_iter(), &channel, Holds::default());
        assert_eq!(scale.place(0.0), Some(0.5));
        let place = |value| scale.place(value).unwrap();
        assert!((place(100.0) - 1.0).abs() < 1e-12);
        assert!((place(-10.0) + place(10.0) - 1.0).abs() < 1e-12);
        assert!(place(10.0) > 0.7);
    }

    #[test]
    fn a_value_is_found_again_from_its_even_place() {
        let spreads = [
            Spread::Linear,
            Spread::Log(10.0),
            Spread::Log(2.0),
            Spread::Log(std::f64::consts::E),
            Spread::Symlog(0.5),
            Spread::Sqrt,
        ];
        for spread in spreads {
            for value in [0.001, 1.0, 37.5, 1e6] {
                let again = spread.value(spread.even(value).unwrap());
                assert!(
                    (again / value - 1.0).abs() < 1e-12,
                    "{spread:?} {value} {again}"
                );
            }
        }
        assert_eq!(Spread::Log(10.0).even(1000.0), Some(3.0));
        assert_eq!(Spread::Log(10.0).even(0.0), None);
        assert_eq!(Spread::Sqrt.even(-1.0), None);
        let back = Spread::Symlog(0.5).even(-4.0).unwrap();
        assert!((Spread::Symlog(0.5).value(back) + 4.0).abs() < 1e-12);
    }

    #[test]
    fn an_axis_has_a_span_even_for_one_value_or_none() {
        for values in [
            vec![],
            vec![0.0],
            vec![3.0],
            vec![f64::NAN],
            vec![-2.0, -2.0],
        ] {
            for name in [
                ScaleName::Linear,
                ScaleName::Log,
                ScaleName::Symlog,
                ScaleName::Sqrt,
                ScaleName::Time,
            ] {
                for zero in [false, true] {
                    let channel = Channel {
                        scale: Some(name),
                        ..Channel::named("x")
                    };
                    let holds = Holds {
                        zero,
                        ..Holds::default()
                    };
                    let scale = Scale::over(values.iter().copied(), &channel, holds);
                    let (low, high) = scale.ends();
                    assert!(low < high, "{values:?} {name:?} {zero} {low} {high}");
                }
            }
        }
        // A constant zero does not suggest that there could be less.
        let channel = Channel::named("x");
        let zero = Scale::over([0.0].into_iter(), &channel, Holds::default());
        assert_eq!(zero.ends(), (0.0, 1.0));
    }
}

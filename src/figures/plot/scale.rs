//! Where a value lies along an axis, and which values get a tick.

use super::number;
use super::spec::ScaleName;

/// One axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scale {
    /// Even steps from the first to the second.
    Linear(f64, f64),
    /// The same, of whole numbers: nothing between them gets a tick.
    Whole(f64, f64),
    /// Even ratios from the first to the second, both above zero.
    Log(f64, f64),
    /// Places side by side, named in mark-up.
    Category(Vec<String>),
}

/// A tick; one without a label is minor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// The value, or the place of the category.
    pub value: f64,
    /// Its label as mark-up.
    pub label: Option<String>,
}

impl Scale {
    /// An axis that holds all `values`, with a little air.
    ///
    /// `zero` draws the axis from zero, as bars need it.
    pub(super) fn over(
        values: impl Iterator<Item = f64>,
        name: ScaleName,
        domain: Option<[f64; 2]>,
        zero: bool,
    ) -> Self {
        let log = name == ScaleName::Log;
        let (mut low, mut high) = values
            .filter(|value| value.is_finite() && (!log || *value > 0.0))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        if low > high {
            (low, high) = if log { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        if let Some([from, to]) = domain
            && from < to
            && (!log || from >= 1e-300)
        {
            return if log {
                Self::Log(from, to)
            } else {
                Self::Linear(from, to)
            };
        }
        if log {
            let (from, to) = (low.log10(), high.log10());
            let air = if to > from { 0.04 * (to - from) } else { 0.5 };
            let under = if zero {
                // A bar needs a foot: the decade below the lowest.
                (from - 0.3).floor()
            } else {
                from - air
            };
            // Beyond these a double runs out of exponents.
            let power = |exponent: f64| 10f64.powf(exponent.clamp(-300.0, 300.0));
            let (under, over) = (power(under), power(to + air));
            return if under < over {
                Self::Log(under, over)
            } else {
                Self::Log(1.0, 10.0)
            };
        }
        (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
        if zero {
            low = low.min(0.0);
            high = high.max(0.0);
        }
        let air = match high - low {
            span if span > 0.0 => 0.05 * span,
            _ if low.abs() < 1e-290 => 0.5,
            _ => 0.1 * low.abs(),
        };
        // Air below zero would suggest that values can be there.
        let under = if low >= 0.0 && low - 2.0 * air < 0.0 {
            0.0
        } else {
            low - air
        };
        let under = if low == 0.0 && !zero {
            -0.4 * air
        } else {
            under
        };
        let over = if high <= 0.0 && zero && low < 0.0 {
            0.0
        } else {
            high + air
        };
        Self::Linear(under, over)
    }

    /// The same for whole numbers, where ticks are even.
    pub(super) fn whole(self) -> Self {
        match self {
            Self::Linear(low, high) => Self::Whole(low, high),
            other => other,
        }
    }

    /// From 0 to 1 along the axis; may be outside. None where it has no place.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = match self {
            Self::Linear(low, high) | Self::Whole(low, high) => (value - low) / (high - low),
            Self::Log(low, high) => {
                if value <= 0.0 {
                    return None;
                }
                (value / low).ln() / (high / low).ln()
            }
            Self::Category(names) => (value + 0.5) / names.len().max(1) as f64,
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
        match self {
            Self::Linear(low, high) | Self::Whole(low, high) | Self::Log(low, high) => {
                (*low, *high)
            }
            Self::Category(names) => (-0.5, names.len().max(1) as f64 - 0.5),
        }
    }

    /// Ticks for an axis on which about `count` labels fit.
    pub(super) fn ticks(&self, count: usize) -> Vec<Tick> {
        match self {
            Self::Linear(low, high) => self.linear_ticks(*low, *high, count, 0.0),
            Self::Whole(low, high) => self.linear_ticks(*low, *high, count, 1.0),
            Self::Log(low, high) => self.log_ticks(*low, *high, count),
            Self::Category(names) => names
                .iter()
                .enumerate()
                .filter_map(|(place, name)| self.tick(place as f64, Some(name.clone())))
                .collect(),
        }
    }

    fn tick(&self, value: f64, label: Option<String>) -> Option<Tick> {
        self.holds(value).then_some(Tick { value, label })
    }

    fn linear_ticks(&self, low: f64, high: f64, count: usize, least: f64) -> Vec<Tick> {
        let values = linear(low, high, count, least).into_iter();
        values
            .filter_map(|(value, label)| self.tick(value, Some(label)))
            .collect()
    }

    fn log_ticks(&self, low: f64, high: f64, count: usize) -> Vec<Tick> {
        let first = low.log10().floor() as i32;
        let last = high.log10().ceil() as i32;
        let inside = |exponent: i32| {
            let value = 10f64.powi(exponent);
            value >= low * 0.999_999 && value <= high * 1.000_001
        };
        let decades = (first..=last).filter(|exponent| inside(*exponent)).count();
        if decades < 2 {
            // Too little for powers alone: label 1, 2 and 5 as plain numbers.
            let mut ticks = Vec::new();
            for exponent in first..=last {
                for digit in 1..10 {
                    let value = f64::from(digit) * 10f64.powi(exponent);
                    let label = match digit {
                        1 | 2 | 5 => Some(number::lone(value)),
                        _ => None,
                    };
                    ticks.extend(self.tick(value, label));
                }
            }
            return ticks;
        }
        let stride = i32::try_from(decades.div_ceil(count.max(2))).unwrap_or(1);
        let mut ticks = Vec::new();
        for exponent in first..=last {
            let label = (exponent.rem_euclid(stride) == 0).then(|| number::decade(exponent));
            ticks.extend(self.tick(10f64.powi(exponent), label));
            if stride == 1 {
                for digit in 2..10 {
                    let value = f64::from(digit) * 10f64.powi(exponent);
                    ticks.extend(self.tick(value, None));
                }
            }
        }
        ticks
    }
}

/// Round numbers between two values: steps of 1, 2 or 5 times a power of ten, none below `least`.
fn linear(low: f64, high: f64, count: usize, least: f64) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return Vec::new();
    }
    let rough = span / count.max(2) as f64;
    let unit = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * unit)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(10.0 * unit)
        .max(least);
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    if !(first.is_finite() && last - first < 1000.0) {
        return Vec::new();
    }
    let values: Vec<f64> = (0..=(last - first) as usize)
        .map(|place| (first + place as f64) * step)
        .collect();
    let labels = number::axis(&values, step);
    values.into_iter().zip(labels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, count: usize) -> Vec<String> {
        scale
            .ticks(count)
            .into_iter()
            .filter_map(|tick| tick.label)
            .collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(
            labels(&Scale::Linear(-0.02, 1.03), 5),
            ["0.0", "0.5", "1.0"]
        );
        assert_eq!(
            labels(&Scale::Linear(0.0, 1.0), 6),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&Scale::Linear(-3.0, 3.0), 4), ["−2", "0", "2"]);
        // Of whole numbers there is nothing in between.
        let few = Scale::Linear(-0.1, 2.1);
        assert_eq!(labels(&few, 6), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(labels(&few.whole(), 6), ["0", "1", "2"]);
        assert_eq!(labels(&Scale::Whole(-3.0, 3.0), 4), ["−2", "0", "2"]);
    }

    #[test]
    fn log_ticks_are_powers_with_minor_ones_between() {
        let scale = Scale::Log(1e-4, 1e-1);
        assert_eq!(
            labels(&scale, 8),
            ["10^{−4}", "10^{−3}", "10^{−2}", "10^{−1}"]
        );
        assert_eq!(scale.ticks(8).len(), 4 + 3 * 8);
        assert_eq!(labels(&Scale::Log(2.0, 20.0), 8), ["2", "5", "10", "20"]);
    }

    #[test]
    fn many_decades_are_thinned() {
        assert_eq!(labels(&Scale::Log(1e-8, 1.0), 3).len(), 3);
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
            for name in [ScaleName::Linear, ScaleName::Log] {
                for zero in [false, true] {
                    let scale = Scale::over(values.iter().copied(), name, None, zero);
                    let (Scale::Linear(low, high) | Scale::Log(low, high)) = scale else {
                        panic!("not a category");
                    };
                    assert!(low < high, "{values:?} {name:?} {zero} {low} {high}");
                }
            }
        }
    }
}

//! An axis laid out: its scale, the ticks that have room, and the room they
//! take. It is one side of plotters' coordinate system of a panel.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};

use super::canvas::units;
use super::scale::{Scale, Tick};
use super::text;

/// The size of the labels.
pub(super) const TICK: f64 = 8.0;
/// The length of a tick, and its distance to the label.
pub(super) const MAJOR: f64 = 3.0;
pub(super) const GAP: f64 = 2.5;
/// How steep long labels of categories stand.
pub(super) const TURN: f64 = 35.0;
/// Up to so many numbers of categories are all written.
const FEW: usize = 16;
/// The longest label of a category, in points.
const LONGEST: f64 = 120.0;

/// A place along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    /// The value there, or the place of the category.
    value: f64,
    /// Points to the right or down the page from it.
    shift: f64,
}

impl Spot {
    /// The place of a value; the start of the axis if it has none there.
    pub(super) fn of(value: f64) -> Self {
        Self { value, shift: 0.0 }
    }

    /// So many points to the right or down the page.
    pub(super) fn by(self, shift: f64) -> Self {
        Self {
            shift: self.shift + shift,
            ..self
        }
    }
}

/// The labels of an axis and the room they take.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub scale: Scale,
    pub ticks: Vec<Tick>,
    /// Whether labels of categories stand at a slant.
    pub slanted: bool,
    /// The room away from the axis.
    pub depth: f64,
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = Spot;

    fn map(&self, spot: &Spot, (from, to): (i32, i32)) -> i32 {
        let share = self.scale.place(spot.value).unwrap_or(0.0);
        from + (share * f64::from(to - from)).round() as i32 + units(spot.shift)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<Spot> {
        let minor = hint.weight().allow_light_points();
        self.ticks
            .iter()
            .filter(|tick| minor || tick.label.is_some())
            .map(|tick| Spot::of(tick.value))
            .take(hint.max_num_points())
            .collect()
    }

    fn range(&self) -> Range<Spot> {
        let (low, high) = self.scale.ends();
        Spot::of(low)..Spot::of(high)
    }
}

impl Axis {
    /// A vertical axis that is `high` points high.
    pub(super) fn vertical(scale: &Scale, high: f64) -> Self {
        let mut ticks = scale.ticks(fitting(high, 20.0));
        if let Scale::Category(names) = scale {
            // Too many names for the height: only some are written.
            let stride = (names.len() as f64 * TICK * 1.05 / high.max(1.0))
                .ceil()
                .max(1.0) as usize;
            thin(&mut ticks, stride);
        }
        shorten(&mut ticks);
        let mut axis = Self {
            scale: scale.clone(),
            ticks,
            slanted: false,
            depth: MAJOR + GAP,
        };
        axis.depth += axis.widest();
        axis
    }

    /// A horizontal axis that is `wide` points wide.
    pub(super) fn horizontal(scale: &Scale, wide: f64) -> Self {
        let mut axis = Self {
            scale: scale.clone(),
            ticks: Vec::new(),
            slanted: false,
            depth: MAJOR + GAP + TICK * 1.05,
        };
        match scale {
            Scale::Category(names) => {
                axis.ticks = scale.ticks(names.len());
                axis.fit_names(wide / names.len().max(1) as f64);
            }
            _ => axis.fit_numbers(wide),
        }
        axis
    }

    /// Makes the names of categories fit that are `band` points wide.
    fn fit_names(&mut self, band: f64) {
        let widest = self.widest();
        if widest + 3.0 <= band {
            return;
        }
        // Many numbers that do not fit are thinned; names and few numbers are set at a slant.
        let number = |label: &str| label.chars().all(|c| !c.is_alphabetic());
        if self.ticks.len() > FEW && self.labels().all(|(_, label)| number(label)) {
            let stride = ((widest + 4.0) / band.max(0.1)).ceil().max(1.0) as usize;
            thin(&mut self.ticks, stride);
            return;
        }
        let stride = (TICK * 1.5 / band.max(0.1)).ceil().max(1.0) as usize;
        thin(&mut self.ticks, stride);
        shorten(&mut self.ticks);
        let (sin, cos) = TURN.to_radians().sin_cos();
        self.depth = MAJOR + GAP + self.widest() * sin + TICK * cos;
        self.slanted = true;
    }

    /// Takes the most labels that leave air between each two.
    fn fit_numbers(&mut self, wide: f64) {
        let mut count = fitting(wide, 26.0);
        loop {
            self.ticks = self.scale.ticks(count);
            let ends: Vec<(f64, f64)> = self
                .labels()
                .map(|(at, label)| {
                    let half = text::width(label, TICK, false) / 2.0;
                    (at * wide - half, at * wide + half)
                })
                .collect();
            let clear = ends.windows(2).all(|pair| pair[1].0 - pair[0].1 >= 6.0);
            if clear || count <= 2 {
                break;
            }
            count -= 1;
        }
        if self.labels().any(|(_, label)| label.contains("^{")) {
            self.depth += 2.5;
        }
    }

    /// Whether it has places side by side instead of numbers.
    pub(super) fn named(&self) -> bool {
        matches!(self.scale, Scale::Category(_))
    }

    /// The labels and their places from 0 to 1.
    fn labels(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks.iter().filter_map(|tick| {
            let place = self.scale.place(tick.value)?;
            Some((place, tick.label.as_deref()?))
        })
    }

    /// The width of the widest label.
    pub(super) fn widest(&self) -> f64 {
        self.labels()
            .map(|(_, label)| text::width(label, TICK, false))
            .fold(0.0, f64::max)
    }

    /// How far labels reach before and beyond an axis `wide` points wide.
    pub(super) fn overhang(&self, wide: f64) -> (f64, f64) {
        let mut ends = (0.0f64, 0.0f64);
        for (at, label) in self.labels() {
            let length = text::width(label, TICK, false);
            let place = at * wide;
            if self.slanted {
                let reach = length * TURN.to_radians().cos();
                ends.0 = ends.0.max(reach - place);
            } else {
                ends.0 = ends.0.max(length / 2.0 - place);
                ends.1 = ends.1.max(place + length / 2.0 - wide);
            }
        }
        ends
    }
}

/// How many labels fit when each takes `each` points.
fn fitting(room: f64, each: f64) -> usize {
    (room / each).floor().clamp(2.0, 10.0) as usize
}

/// Keeps every so many labels.
fn thin(ticks: &mut [Tick], stride: usize) {
    for (place, tick) in ticks.iter_mut().enumerate() {
        if place % stride.max(1) != 0 {
            tick.label = None;
        }
    }
}

/// Cuts labels that are too long, so that they can still be told apart.
fn shorten(ticks: &mut [Tick]) {
    let labels: Vec<&str> = ticks
        .iter()
        .filter_map(|tick| tick.label.as_deref())
        .collect();
    let cut = text::fitted_apart(&labels, TICK, LONGEST);
    let labelled = ticks.iter_mut().filter_map(|tick| tick.label.as_mut());
    for (label, cut) in labelled.zip(cut) {
        *label = cut;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plotters_finds_values_where_the_scale_has_them() {
        let axis = Axis::horizontal(&Scale::Log(1.0, 100.0), 200.0);
        assert_eq!(axis.map(&Spot::of(10.0), (0, 20_000)), 10_000);
        assert_eq!(axis.map(&Spot::of(10.0).by(-1.5), (20_000, 0)), 9850);
        // Zero has no place: it lies at the start.
        assert_eq!(axis.map(&Spot::of(0.0), (500, 20_000)), 500);
        let names = vec!["a".to_owned(), "b".to_owned()];
        let axis = Axis::horizontal(&Scale::Category(names), 200.0);
        assert_eq!(axis.map(&axis.range().start, (0, 20_000)), 0);
        assert_eq!(axis.map(&Spot::of(1.0), (0, 20_000)), 15_000);
        assert_eq!(axis.map(&axis.range().end, (0, 20_000)), 20_000);
    }
}

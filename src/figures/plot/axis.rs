//! An axis laid out: its scale, the ticks that have room, and the room they
//! take. It is one side of plotters' coordinate system of a panel.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};

use super::canvas::units;
use super::number;
use super::scale::{Scale, Tick};
use super::text::{self, Font};

/// The length of a tick, and its distance to the label.
pub(super) const MAJOR: f64 = 3.0;
pub(super) const GAP: f64 = 2.5;
/// How steep long labels of categories stand.
const TURN: f64 = 35.0;
/// Up to so many numbers of categories are all written.
const FEW: usize = 16;
/// The most that labels of categories take of the page, as a share of its side.
const MOST: f64 = 0.4;

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
    /// The power of ten that all labels are times.
    pub power: Option<i32>,
    /// How steep the labels stand, in degrees.
    pub angle: f64,
    /// The room away from the axis.
    pub depth: f64,
    /// How its labels are set.
    pub font: Font,
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
    /// A vertical axis that is `high` points high, on a page of `page` points.
    pub(super) fn vertical(scale: &Scale, high: f64, page: f64, font: Font) -> Self {
        let (ticks, power) = scale.ticks(fitting(high, font.size * 2.2));
        let mut axis = Self {
            scale: scale.clone(),
            ticks,
            power,
            angle: 0.0,
            depth: MAJOR + GAP,
            font,
        };
        if scale.named() {
            let line = font.size * 1.15;
            // Long names take more lines before any is left out.
            let each = high / scale.places().max(1) as f64;
            axis.wrap(page * MOST, (each / line).floor().max(1.0) as usize);
            // Too many names for the height: only some are written.
            let stride = (font.size * 1.05 / each.max(0.01)).ceil().max(1.0) as usize;
            thin(&mut axis.ticks, stride);
        }
        axis.depth += axis.widest();
        axis
    }

    /// A horizontal axis that is `wide` points wide.
    pub(super) fn horizontal(scale: &Scale, wide: f64, font: Font) -> Self {
        let mut axis = Self {
            scale: scale.clone(),
            ticks: Vec::new(),
            power: None,
            angle: scale.angle.unwrap_or_default(),
            depth: MAJOR + GAP + font.size * 1.05,
            font,
        };
        if scale.named() {
            axis.ticks = scale.ticks(scale.places()).0;
            axis.fit_names(wide / scale.places().max(1) as f64);
        } else {
            axis.fit_numbers(wide);
        }
        if axis.angle > 0.0 {
            let (sin, cos) = axis.angle.to_radians().sin_cos();
            axis.depth = MAJOR + GAP + axis.widest() * sin + font.size * cos;
        }
        if axis.power.is_some() {
            axis.depth += font.size * 1.2;
        }
        axis
    }

    /// Makes the names of categories fit that are `band` points wide.
    fn fit_names(&mut self, band: f64) {
        if self.scale.angle.is_some() || self.widest() + 3.0 <= band {
            return;
        }
        // Many numbers that do not fit are thinned.
        let number = |label: &str| label.chars().all(|c| !c.is_alphabetic());
        if self.ticks.len() > FEW && self.labels().all(|(_, label)| number(label)) {
            let stride = ((self.widest() + 4.0) / band.max(0.1)).ceil().max(1.0) as usize;
            thin(&mut self.ticks, stride);
            return;
        }
        // Names of several words take more lines, and others stand at a slant.
        let mut broken = self.clone();
        broken.wrap(band - 3.0, 3);
        if broken.widest() + 3.0 <= band {
            let lines = broken.labels().map(|(_, label)| label.lines().count());
            let lines = lines.max().unwrap_or(1);
            self.ticks = broken.ticks;
            self.depth += (lines - 1) as f64 * self.font.size * 1.15;
            return;
        }
        let stride = (self.font.size * 1.5 / band.max(0.1)).ceil().max(1.0) as usize;
        thin(&mut self.ticks, stride);
        self.angle = TURN;
    }

    /// Breaks labels that are wider than `room` into at most so many lines.
    fn wrap(&mut self, room: f64, most: usize) {
        for label in self.ticks.iter_mut().filter_map(|tick| tick.label.as_mut()) {
            if most > 1 && text::width(label, self.font) > room {
                let lines = text::wrapped(label, self.font, room);
                if lines.len() <= most {
                    *label = lines.join("\n");
                }
            }
        }
    }

    /// Takes the most labels that leave air between each two.
    fn fit_numbers(&mut self, wide: f64) {
        let mut count = fitting(wide, self.font.size * 3.2);
        loop {
            (self.ticks, self.power) = self.scale.ticks(count);
            let ends: Vec<(f64, f64)> = self
                .labels()
                .map(|(at, label)| {
                    let half = if self.angle > 0.0 {
                        self.font.size / 2.0
                    } else {
                        text::width(label, self.font) / 2.0
                    };
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
        self.scale.named()
    }

    /// The labels and their places from 0 to 1.
    pub(super) fn labels(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks.iter().filter_map(|tick| {
            let place = self.scale.place(tick.value)?;
            Some((place, tick.label.as_deref()?))
        })
    }

    /// The width of the widest label.
    pub(super) fn widest(&self) -> f64 {
        self.labels()
            .flat_map(|(_, label)| label.lines())
            .map(|line| text::width(line, self.font))
            .fold(0.0, f64::max)
    }

    /// How far labels reach before and beyond an axis `wide` points wide.
    pub(super) fn overhang(&self, wide: f64) -> (f64, f64) {
        let mut ends = (0.0f64, 0.0f64);
        for (at, label) in self.labels() {
            let lines = label.lines().map(|line| text::width(line, self.font));
            let length = lines.fold(0.0, f64::max);
            let at = if self.scale.reverse { 1.0 - at } else { at };
            let place = at * wide;
            if self.angle > 0.0 {
                let reach = length * self.angle.to_radians().cos();
                ends.0 = ends.0.max(reach - place);
            } else {
                ends.0 = ends.0.max(length / 2.0 - place);
                ends.1 = ends.1.max(place + length / 2.0 - wide);
            }
        }
        ends
    }

    /// What stands at its end if all labels are times a power of ten.
    pub(super) fn times(&self) -> Option<String> {
        Some(format!("×{}", number::power(10.0, self.power?)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::plot::scale::Holds;
    use crate::figures::plot::spec::{Channel, ScaleName};
    use crate::figures::plot::text::Face;

    const FONT: Font = Font {
        face: Face::Sans,
        size: 8.0,
        bold: false,
    };

    #[test]
    fn plotters_finds_values_where_the_scale_has_them() {
        let channel = Channel {
            scale: Some(ScaleName::Log),
            domain: Some([1.0, 100.0]),
            ..Channel::named("x")
        };
        let scale = Scale::over([].into_iter(), &channel, Holds::default());
        let axis = Axis::horizontal(&scale, 200.0, FONT);
        assert_eq!(axis.map(&Spot::of(10.0), (0, 20_000)), 10_000);
        assert_eq!(axis.map(&Spot::of(10.0).by(-1.5), (20_000, 0)), 9850);
        // Zero has no place: it lies at the start.
        assert_eq!(axis.map(&Spot::of(0.0), (500, 20_000)), 500);
        let names = vec!["a".to_owned(), "b".to_owned()];
        let scale = Scale::category(names, &Channel::named("x"));
        let axis = Axis::horizontal(&scale, 200.0, FONT);
        assert_eq!(axis.map(&axis.range().start, (0, 20_000)), 0);
        assert_eq!(axis.map(&Spot::of(1.0), (0, 20_000)), 15_000);
        assert_eq!(axis.map(&axis.range().end, (0, 20_000)), 20_000);
    }

    #[test]
    fn names_of_several_words_are_broken_before_they_are_turned() {
        let names = |names: [&str; 2]| {
            let names = names.map(str::to_owned).to_vec();
            Scale::category(names, &Channel::named("x"))
        };
        let axis = Axis::horizontal(&names(["next token", "many tokens"]), 80.0, FONT);
        assert_eq!(axis.angle, 0.0);
        assert!(axis.labels().all(|(_, label)| label.lines().count() == 2));
        let axis = Axis::horizontal(&names(["teacherless", "indecipherable"]), 80.0, FONT);
        assert_eq!(axis.angle, TURN);
    }
}

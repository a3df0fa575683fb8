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
/// From one line of a label to the next, as a part of its size.
pub(super) const LINE: f64 = 1.15;
/// How steep long labels of categories stand, in degrees: the first that has room.
const TURNS: [f64; 3] = [35.0, 60.0, 90.0];
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
    /// Whether names have no room: upright ones side by side, or all of them at any angle.
    pub crowded: bool,
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
        let mut axis = Self::unlabelled(scale, font);
        if scale.named() {
            axis.ticks = scale.ticks(scale.places()).0;
            let line = font.size * LINE;
            // Long names take more lines before any is left out.
            let each = high / scale.places().max(1) as f64;
            axis.wrap(page * MOST, (each / line).floor().max(1.0) as usize);
            let tall = axis.apart_down(axis.widest());
            axis.leave_room((tall / each.max(0.01)).ceil().max(1.0) as usize);
        } else {
            axis.fit_numbers(high, false);
        }
        axis.depth = MAJOR + GAP;
        axis.depth += if axis.angle > 0.0 {
            axis.turned().0
        } else {
            axis.widest()
        };
        axis
    }

    /// A horizontal axis that is `wide` points wide.
    pub(super) fn horizontal(scale: &Scale, wide: f64, font: Font) -> Self {
        let mut axis = Self::unlabelled(scale, font);
        axis.depth = axis.drop() + font.size * 1.1;
        if scale.named() {
            axis.ticks = scale.ticks(scale.places()).0;
            axis.fit_names(wide / scale.places().max(1) as f64);
        } else {
            axis.fit_numbers(wide, true);
            axis.depth += axis.raised();
        }
        if axis.angle > 0.0 {
            axis.depth = MAJOR + GAP + axis.turned().1 + font.size * 0.2;
        }
        if axis.power.is_some() {
            axis.depth += font.size * 1.3;
        }
        axis
    }

    fn unlabelled(scale: &Scale, font: Font) -> Self {
        Self {
            scale: scale.clone(),
            ticks: Vec::new(),
            power: None,
            angle: scale.angle.unwrap_or_default(),
            depth: 0.0,
            crowded: false,
            font,
        }
    }

    /// How far below a horizontal axis its labels begin: below those of a vertical axis that ends there.
    pub(super) fn drop(&self) -> f64 {
        (MAJOR + GAP).max(self.font.size * 0.65)
    }

    /// How much lower labels with raised text begin.
    pub(super) fn raised(&self) -> f64 {
        let raised = self.labels().any(|(_, label)| label.contains("^{"));
        if raised { self.font.size * 0.3 } else { 0.0 }
    }

    /// Width and height of its widest label at its angle.
    fn turned(&self) -> (f64, f64) {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let (wide, size) = (self.widest(), self.font.size);
        (wide * cos + size * sin, wide * sin + size * cos)
    }

    /// Makes the names of categories fit that are `band` points wide.
    fn fit_names(&mut self, band: f64) {
        if self.widest() + 3.0 <= band && self.angle == 0.0 {
            return;
        }
        if let Some(angle) = self.scale.angle {
            if angle == 0.0 {
                self.wrap(band - 3.0, 6);
                self.crowded = self.widest() + 1.0 > band;
                self.depth += self.more_lines();
            } else {
                let each = self.font.size * 1.1 / angle.to_radians().sin().max(0.2);
                self.leave_room((each / band.max(0.1)).ceil().max(1.0) as usize);
            }
            return;
        }
        // Many numbers that do not fit are thinned.
        if self.ticks.len() > FEW && self.holds_numbers() {
            let stride = ((self.widest() + 4.0) / band.max(0.1)).ceil().max(1.0) as usize;
            thin(&mut self.ticks, stride);
            return;
        }
        // Names of several words take more lines, and others stand at a slant.
        let mut broken = self.clone();
        broken.wrap(band - 3.0, 3);
        if broken.widest() + 3.0 <= band {
            self.ticks = broken.ticks;
            self.depth += self.more_lines();
            return;
        }
        // As steep as all of them need, and upright before any is left out.
        let each = |angle: f64| self.font.size * 1.05 / angle.to_radians().sin();
        let steep = TURNS.into_iter().find(|angle| each(*angle) <= band);
        self.angle = steep.unwrap_or(90.0);
        self.leave_room((each(self.angle) / band.max(0.1)).ceil().max(1.0) as usize);
    }

    /// Whether its categories are numbers, of which a reader can tell those that are not written.
    fn holds_numbers(&self) -> bool {
        let mut labels = self.labels();
        labels.all(|(_, label)| !label.contains(char::is_alphabetic))
    }

    /// Writes every so many names. Names that are left out are lost, unless they are numbers.
    fn leave_room(&mut self, stride: usize) {
        self.crowded |= stride > 1 && !self.holds_numbers();
        thin(&mut self.ticks, stride);
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

    /// The height of the lines of labels after the first.
    fn more_lines(&self) -> f64 {
        let lines = self.labels().map(|(_, label)| label.lines().count());
        lines.max().unwrap_or(1).saturating_sub(1) as f64 * self.font.size * LINE
    }

    /// Takes the most labels that leave air between each two on an axis `length` points long.
    fn fit_numbers(&mut self, length: f64, across: bool) {
        let each = self.font.size * if across { 3.2 } else { 2.2 };
        let mut count = fitting(length, each);
        loop {
            (self.ticks, self.power) = self.scale.ticks(count);
            let spans = self.spans(length, across);
            let clear = spans.windows(2).all(|pair| pair[0].1 <= pair[1].0);
            if clear || count <= 2 {
                break;
            }
            count -= 1;
        }
        self.leave_out(length, across);
    }

    /// From where to where each label reaches along the axis, with half of the air that it needs at either side.
    fn spans(&self, length: f64, across: bool) -> Vec<(f64, f64)> {
        let sin = self.angle.to_radians().sin();
        let size = self.font.size;
        let half = |label: &str| {
            let wide = text::width(label, self.font);
            match (across, self.angle > 0.0) {
                (true, false) => wide / 2.0 + 3.0,
                (true, true) => size * 0.6 / sin.max(0.2),
                (false, _) => self.apart_down(wide).max(size * 1.2) / 2.0,
            }
        };
        let spans = self.labels().map(|(at, label)| {
            let half = half(label);
            (at * length - half, at * length + half)
        });
        spans.collect()
    }

    /// Takes away labels that would lie over others: those at the ends and at zero stay first. Their ticks stay.
    fn leave_out(&mut self, length: f64, across: bool) {
        let spans = self.spans(length, across);
        let labelled: Vec<usize> = self
            .ticks
            .iter()
            .enumerate()
            .filter(|(_, tick)| tick.label.is_some() && self.scale.place(tick.value).is_some())
            .map(|(place, _)| place)
            .collect();
        let count = labelled.len();
        let rank = |own: usize| match own {
            own if self.ticks[labelled[own]].value == 0.0 => 0,
            own if own == 0 || own + 1 == count => 1,
            _ => 2,
        };
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|own| rank(*own));
        let mut kept: Vec<usize> = Vec::new();
        for own in order {
            let (from, to) = spans[own];
            let is_free = kept
                .iter()
                .all(|other| spans[*other].1 <= from || to <= spans[*other].0);
            if is_free {
                kept.push(own);
            }
        }
        for (own, place) in labelled.into_iter().enumerate() {
            if !kept.contains(&own) {
                self.ticks[place].label = None;
            }
        }
    }

    /// How far one label of a vertical axis has to stand below another: turned ones lie beside one another.
    fn apart_down(&self, wide: f64) -> f64 {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let size = self.font.size * 1.05;
        (size / cos.max(0.01)).min(wide * sin + size * cos)
    }

    /// How far turned labels reach below a vertical axis `high` points high.
    pub(super) fn reach_down(&self, high: f64) -> f64 {
        let sin = self.angle.to_radians().sin();
        // Categories go down the page, numbers go up.
        let down = self.named() != self.scale.reverse;
        let labels = self.labels().map(|(at, label)| {
            let above = if down { 1.0 - at } else { at } * high;
            text::width(label, self.font) * sin - above
        });
        labels.fold(0.0, f64::max)
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
                ends.1 = ends.1.max(place + self.font.size * 0.4 - wide);
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
    fn given_ticks_that_lie_close_keep_their_lines_and_lose_labels() {
        let channel = Channel {
            ticks: Some(vec![0.0, 1.0, 2.0, 3.0, 100.0]),
            domain: Some([0.0, 100.0]),
            ..Channel::named("x")
        };
        let scale = Scale::over([].into_iter(), &channel, Holds::default());
        for axis in [
            Axis::horizontal(&scale, 200.0, FONT),
            Axis::vertical(&scale, 200.0, 300.0, FONT),
        ] {
            assert_eq!(axis.ticks.len(), 5);
            let labels: Vec<&str> = axis.labels().map(|(_, label)| label).collect();
            assert_eq!(labels, ["0", "100"]);
        }
    }

    #[test]
    fn turned_names_of_a_vertical_axis_are_all_written_and_reach_below_it() {
        let names = ["teacherless", "indecipherable", "reversed"].map(str::to_owned);
        let channel = Channel {
            angle: Some(45.0),
            ..Channel::named("y")
        };
        let axis = Axis::vertical(
            &Scale::category(names.to_vec(), &channel),
            60.0,
            300.0,
            FONT,
        );
        assert_eq!(axis.labels().count(), 3);
        // The last stands ten points above the end.
        let reach = text::width("reversed", FONT) * 45f64.to_radians().sin() - 10.0;
        assert!((axis.reach_down(60.0) - reach).abs() < 1e-9);
    }

    #[test]
    fn upright_names_without_room_are_known() {
        let names = |angle| {
            let names = ["indecipherable", "teacherless"]
                .map(str::to_owned)
                .to_vec();
            let channel = Channel {
                angle,
                ..Channel::named("x")
            };
            Axis::horizontal(&Scale::category(names, &channel), 60.0, FONT)
        };
        assert!(names(Some(0.0)).crowded);
        assert!(!names(None).crowded && !names(Some(45.0)).crowded);
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
        assert_eq!(axis.angle, TURNS[0]);
        let axis = Axis::horizontal(&names(["teacherless", "indecipherable"]), 20.0, FONT);
        assert_eq!(axis.angle, 60.0);
    }
}

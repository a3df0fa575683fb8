//! The colours of a scale of numbers.

use plotters::style::RGBColor;

use super::palette;
use super::scale::{Holds, Scale, Spread, near_zero};
use super::spec::{Channel, PaletteName};

/// A scale of numbers with its colours.
#[derive(Debug, Clone)]
pub(super) struct Shades {
    pub scale: Scale,
    pub channel: Channel,
    pub palette: PaletteName,
    /// The value in the middle of the palette.
    pub middle: f64,
}

impl Shades {
    /// The colours of some values.
    pub(super) fn new(values: &[f64], channel: &Channel) -> Self {
        let palette = channel.palette.unwrap_or(if channel.middle.is_some() {
            PaletteName::Diverging
        } else {
            PaletteName::Sequential
        });
        let near = near_zero(values);
        let mut shown = channel.clone();
        if palette == PaletteName::Diverging && channel.domain.is_none() {
            let spread = Spread::of(channel.scale(), || near);
            shown.domain = around(values, channel.middle.unwrap_or(0.0), spread);
        }
        let holds = Holds {
            tight: true,
            near: Some(near),
            ..Holds::default()
        };
        let scale = Scale::over(values.iter().copied(), &shown, holds);
        // Zero that lies beside the values is no middle of them, unless it is written.
        let wanted = channel.middle.unwrap_or(0.0);
        let middle = if palette == PaletteName::Diverging && scale.holds(wanted) {
            wanted
        } else {
            scale.half()
        };
        Self {
            scale,
            channel: channel.clone(),
            palette,
            middle,
        }
    }

    /// The colour at a place of the scale (0 to 1), and whether ink on it is white.
    pub(super) fn at(&self, place: f64) -> (RGBColor, bool) {
        let middle = self.scale.place(self.middle).unwrap_or(0.5);
        // Each side of the middle has half of the palette.
        let share = if place < middle {
            0.5 * place / middle
        } else if place > middle {
            0.5 + 0.5 * (place - middle) / (1.0 - middle)
        } else {
            0.5
        };
        palette::shade(self.palette, share)
    }

    /// The colour of a value, and whether ink on it is white; none where the scale has no place for it.
    pub(super) fn of(&self, value: f64) -> Option<(RGBColor, bool)> {
        Some(self.at(self.scale.place(value)?))
    }
}

/// Ends as far on one side of a middle as on the other, or colours would not compare.
fn around(values: &[f64], middle: f64, spread: Spread) -> Option<[f64; 2]> {
    let middle = spread.even(middle)?;
    let places = values.iter().filter_map(|value| spread.even(*value));
    let reach = places
        .map(|place| (place - middle).abs())
        .fold(0.0, f64::max);
    (reach > 0.0).then(|| [spread.value(middle - reach), spread.value(middle + reach)])
}

#[cfg(test)]
mod tests {
    use super::super::spec::ScaleName;
    use super::*;

    fn shades(values: &[f64], domain: Option<[f64; 2]>, middle: Option<f64>) -> Shades {
        let channel = Channel {
            palette: Some(PaletteName::Diverging),
            domain,
            middle,
            ..Channel::named("v")
        };
        Shades::new(values, &channel)
    }

    #[test]
    fn the_middle_of_the_palette_is_at_the_middle_also_of_a_given_domain() {
        let white = palette::shade(PaletteName::Diverging, 0.5);
        let end = |share| palette::shade(PaletteName::Diverging, share);
        let shades = shades(&[1.0, 3.0], Some([-1.0, 4.0]), Some(0.0));
        assert_eq!(shades.scale.ends(), (-1.0, 4.0));
        assert_eq!(shades.of(0.0), Some(white));
        assert_eq!(shades.of(-1.0), Some(end(0.0)));
        assert_eq!(shades.of(4.0), Some(end(1.0)));
        assert_eq!(shades.of(2.0), Some(end(0.75)));
        assert_eq!(shades.of(-0.5), Some(end(0.25)));
        // Beyond the domain is the colour of its end.
        assert_eq!(shades.of(9.0), Some(end(1.0)));
    }

    #[test]
    fn a_middle_at_an_end_leaves_half_of_the_palette() {
        let end = |share| palette::shade(PaletteName::Diverging, share);
        let shades = shades(&[0.2], Some([0.0, 1.0]), None);
        assert_eq!(shades.of(0.0), Some(end(0.5)));
        assert_eq!(shades.of(0.5), Some(end(0.75)));
        assert_eq!(shades.of(1.0), Some(end(1.0)));
    }

    #[test]
    fn a_domain_without_zero_has_its_own_middle() {
        let shades = shades(&[12.0], Some([10.0, 20.0]), None);
        assert_eq!(shades.middle, 15.0);
        let white = palette::shade(PaletteName::Diverging, 0.5);
        assert_eq!(shades.of(15.0), Some(white));
    }

    #[test]
    fn without_a_domain_both_sides_are_as_long() {
        let found = shades(&[1.0, 4.0], None, Some(2.0));
        assert_eq!(found.scale.ends(), (0.0, 4.0));
        assert_eq!(found.middle, 2.0);
        let ratios = Channel {
            scale: Some(ScaleName::Log),
            middle: Some(1.0),
            ..Channel::named("v")
        };
        let ratios = Shades::new(&[0.5, 8.0], &ratios);
        let (low, high) = ratios.scale.ends();
        assert!((low - 0.125).abs() < 1e-9 && (high - 8.0).abs() < 1e-9);
        assert_eq!(ratios.palette, PaletteName::Diverging);
        // All values the middle.
        let same = shades(&[0.0, 0.0], None, None);
        let white = palette::shade(PaletteName::Diverging, 0.5);
        assert_eq!(same.of(0.0), Some(white));
    }

    #[test]
    fn a_middle_without_a_place_is_refused() {
        let problems = |value: serde_json::Value| {
            let plot = serde_json::json!({ "mark": "heat", "x": "x", "y": "y", "value": value });
            let plot: crate::figures::plot::Plot = serde_json::from_value(plot).unwrap();
            plot.problems()
        };
        let one = |value: serde_json::Value| {
            let found = problems(value);
            assert!(
                matches!(found.as_slice(), [(path, _)] if path == "value.middle"),
                "{found:?}"
            );
            found[0].1.clone()
        };
        let outside = one(serde_json::json!({ "field": "v", "middle": 3, "domain": [0, 1] }));
        assert!(outside.contains("outside the `domain` 0 to 1"), "{outside}");
        let log = one(serde_json::json!({ "field": "v", "middle": 0, "scale": "log" }));
        assert!(log.contains("no place"), "{log}");
        let other = serde_json::json!({ "field": "v", "middle": 0, "palette": "sequential" });
        assert!(one(other).contains("`diverging`"));
        let inside = serde_json::json!({ "field": "v", "middle": 0, "domain": [-1, 4] });
        assert!(problems(inside).is_empty());
    }
}

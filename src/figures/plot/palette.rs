//! Colours that colour-blind readers can tell apart, with dashes and shapes for
//! a printer without colours.

use plotters::style::RGBColor;

use super::spec::PaletteName;

/// The colours of Okabe and Ito, the ones that are strong on white first; then four more that differ from them and one another.
const COLORS: [RGBColor; 12] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xb0, 0xa0, 0x00),
    RGBColor(0x88, 0x22, 0x55),
    RGBColor(0x33, 0x22, 0x88),
    RGBColor(0x8c, 0x8c, 0x8c),
    RGBColor(0x11, 0x77, 0x33),
];

/// Dashes in points; the first is a full line.
const DASHES: [&str; 6] = ["", "5 2", "1.5 1.5", "7 2 1.5 2", "3 1.5", "9 2.5"];

/// The shapes of points.
const SHAPES: [Shape; 6] = [
    Shape::Circle,
    Shape::Square,
    Shape::Triangle,
    Shape::Diamond,
    Shape::Down,
    Shape::Cross,
];

/// Viridis at even distances.
const VIRIDIS: [(u8, u8, u8); 11] = [
    (0x44, 0x01, 0x54),
    (0x48, 0x25, 0x76),
    (0x41, 0x44, 0x87),
    (0x35, 0x60, 0x8d),
    (0x2a, 0x78, 0x8e),
    (0x21, 0x90, 0x8c),
    (0x22, 0xa8, 0x84),
    (0x43, 0xbf, 0x71),
    (0x7a, 0xd1, 0x51),
    (0xbb, 0xdf, 0x27),
    (0xfd, 0xe7, 0x25),
];

/// ColorBrewer's RdBu, turned around: blue is low.
const DIVERGING: [(u8, u8, u8); 11] = [
    (0x05, 0x30, 0x61),
    (0x21, 0x66, 0xac),
    (0x43, 0x93, 0xc3),
    (0x92, 0xc5, 0xde),
    (0xd1, 0xe5, 0xf0),
    (0xf7, 0xf7, 0xf7),
    (0xfd, 0xdb, 0xc7),
    (0xf4, 0xa5, 0x82),
    (0xd6, 0x60, 0x4d),
    (0xb2, 0x18, 0x2b),
    (0x67, 0x00, 0x1f),
];

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Down,
    Cross,
}

/// How one series looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub color: RGBColor,
    pub dash: &'static str,
    pub shape: Shape,
}

/// The colour at `place` of `count`.
pub(super) fn color(palette: PaletteName, place: usize, count: usize) -> RGBColor {
    if palette == PaletteName::Categorical {
        return COLORS[place % COLORS.len()];
    }
    let share = if count < 2 {
        0.0
    } else {
        place as f64 / (count - 1) as f64
    };
    match palette {
        // The lightest colours are too weak for lines on white.
        PaletteName::Sequential => graded(&VIRIDIS, share * 0.85).0,
        _ => graded(&DIVERGING, share).0,
    }
}

/// The dash at `place`.
pub(super) fn dash(place: usize) -> &'static str {
    DASHES[place % DASHES.len()]
}

/// The shape at `place`.
pub(super) fn shape(place: usize) -> Shape {
    SHAPES[place % SHAPES.len()]
}

/// The colour at `share` (0 to 1), and whether ink on it is white.
pub(super) fn shade(palette: PaletteName, share: f64) -> (RGBColor, bool) {
    match palette {
        PaletteName::Diverging => graded(&DIVERGING, share),
        _ => graded(&VIRIDIS, share),
    }
}

fn graded(colors: &[(u8, u8, u8)], share: f64) -> (RGBColor, bool) {
    let place = share.clamp(0.0, 1.0) * (colors.len() - 1) as f64;
    let low = (place.floor() as usize).min(colors.len() - 2);
    let part = place - low as f64;
    let mix = |a: u8, b: u8| f64::from(a) + (f64::from(b) - f64::from(a)) * part;
    let (from, to) = (colors[low], colors[low + 1]);
    let (r, g, b) = (mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2));
    let light = 0.299 * r + 0.587 * g + 0.114 * b;
    (
        RGBColor(r.round() as u8, g.round() as u8, b.round() as u8),
        light < 140.0,
    )
}

/// A colour written as `#rrggbb` or `#rgb`.
pub(super) fn written(text: &str) -> Option<RGBColor> {
    let digits = text.strip_prefix('#')?;
    let value = |from: usize, length: usize| {
        let part = digits.get(from..from + length)?;
        u8::from_str_radix(part, 16).ok()
    };
    match digits.len() {
        6 => Some(RGBColor(value(0, 2)?, value(2, 2)?, value(4, 2)?)),
        3 => Some(RGBColor(
            value(0, 1)? * 17,
            value(1, 1)? * 17,
            value(2, 1)? * 17,
        )),
        _ => None,
    }
}

//! Colours that colour-blind readers can tell apart, with dashes and shapes for
//! a printer without colours.

use plotters::style::RGBColor;

/// The colours of Okabe and Ito, the ones that are strong on white first.
const COLORS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xb0, 0xa0, 0x00),
];

/// Dashes in points; the first is a full line.
const DASHES: [&str; 6] = ["", "5 2", "1.5 1.5", "7 2 1.5 2", "3 1.5", "9 2.5"];

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
pub(super) struct Style {
    pub color: RGBColor,
    pub dash: &'static str,
    pub shape: Shape,
}

/// The look of the series at `place`.
pub(super) fn style(place: usize) -> Style {
    let shapes = [
        Shape::Circle,
        Shape::Square,
        Shape::Triangle,
        Shape::Diamond,
        Shape::Down,
        Shape::Cross,
    ];
    Style {
        color: COLORS[place % COLORS.len()],
        dash: DASHES[place % DASHES.len()],
        shape: shapes[place % shapes.len()],
    }
}

/// The colour at `share` (0 to 1) of viridis, and whether ink on it is white.
pub(super) fn viridis(share: f64) -> (RGBColor, bool) {
    let place = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let low = (place.floor() as usize).min(VIRIDIS.len() - 2);
    let part = place - low as f64;
    let mix = |a: u8, b: u8| f64::from(a) + (f64::from(b) - f64::from(a)) * part;
    let (from, to) = (VIRIDIS[low], VIRIDIS[low + 1]);
    let (r, g, b) = (mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2));
    let light = 0.299 * r + 0.587 * g + 0.114 * b;
    (
        RGBColor(r.round() as u8, g.round() as u8, b.round() as u8),
        light < 140.0,
    )
}

//! Colours that colour-blind readers can tell apart, with dashes and shapes for
//! a printer without colours.

use plotters::style::RGBColor;

use super::spec::PaletteName;

/// Seven colours of Okabe and Ito, the ones that are strong on white; then five that differ from them and from one another,
/// also for readers without red or green cones.
const COLORS: [RGBColor; 12] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xdd, 0x00, 0x44),
    RGBColor(0x33, 0x22, 0x88),
    RGBColor(0x33, 0x44, 0x00),
    RGBColor(0x88, 0x22, 0x55),
    RGBColor(0x00, 0x00, 0xdd),
];

/// Dashes in points; the first is a full line.
const DASHES: [&str; 6] = [
    "",
    "5 2",
    "1.5 1.5",
    "7 2 1.5 2",
    "10 3",
    "6 1.5 1.5 1.5 1.5 1.5",
];

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

/// The dash at `place`. After each round it is shifted by one, so that series with the same shape have different dashes.
pub(super) fn dash(place: usize) -> &'static str {
    DASHES[(place + place / SHAPES.len()) % DASHES.len()]
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear light from red, green and blue.
    fn light(color: RGBColor) -> [f64; 3] {
        [color.0, color.1, color.2].map(|value| {
            let share = f64::from(value) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    fn times(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// CIELAB under daylight.
    fn lab(light: [f64; 3]) -> [f64; 3] {
        const XYZ: [[f64; 3]; 3] = [
            [0.412_456_4, 0.357_576_1, 0.180_437_5],
            [0.212_672_9, 0.715_152_2, 0.072_175],
            [0.019_333_9, 0.119_192, 0.950_304_1],
        ];
        let [x, y, z] = times(&XYZ, light.map(|part| part.clamp(0.0, 1.0)));
        let [x, y, z] = [x / 0.95047, y, z / 1.08883].map(|part| {
            if part > 0.008_856 {
                part.cbrt()
            } else {
                7.787 * part + 16.0 / 116.0
            }
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// What readers without green and without red cones see (Machado and others, 2009).
    const BLIND: [[[f64; 3]; 3]; 2] = [
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_82, 0.042_94, 0.968_881],
        ],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ];

    #[test]
    fn all_colours_differ_for_every_reader() {
        let seen = COLORS.map(|color| {
            let light = light(color);
            let [green, red] = BLIND.map(|matrix| lab(times(&matrix, light)));
            [lab(light), green, red]
        });
        for (place, one) in seen.iter().enumerate() {
            for (before, other) in seen[..place].iter().enumerate() {
                for (a, b) in one.iter().zip(other) {
                    let far: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
                    assert!(far.sqrt() > 17.0, "{before} and {place}: {}", far.sqrt());
                }
            }
        }
    }

    #[test]
    fn twelve_series_are_told_apart_without_colour() {
        let looks: Vec<_> = (0..12).map(|place| (dash(place), shape(place))).collect();
        for (place, look) in looks.iter().enumerate() {
            assert!(!looks[..place].contains(look), "{place}: {look:?}");
        }
    }
}

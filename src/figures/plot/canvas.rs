//! SVG, one shape at a time. Lengths are points from the top left corner.

use super::palette::{Shape, Style};
use super::text::{self, FAMILY, Level};

/// The colour of text and axes.
pub(super) const INK: &str = "#222222";

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub(super) fn holds(&self, (x, y): (f64, f64)) -> bool {
        x >= self.left && x <= self.right && y >= self.top && y <= self.bottom
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke<'a> {
    pub color: &'a str,
    pub width: f64,
    pub dash: &'a str,
}

impl<'a> Stroke<'a> {
    pub(super) fn new(color: &'a str, width: f64) -> Self {
        Self {
            color,
            width,
            dash: "",
        }
    }
}

/// Which point of a text lies at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type<'a> {
    pub size: f64,
    pub anchor: Anchor,
    /// Degrees clockwise around its place.
    pub turn: f64,
    pub bold: bool,
    pub color: &'a str,
}

impl Type<'_> {
    pub(super) fn new(size: f64, anchor: Anchor) -> Self {
        Self {
            size,
            anchor,
            turn: 0.0,
            bold: false,
            color: INK,
        }
    }
}

/// The picture so far.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
    clips: usize,
    /// Places with ink of the data, which a legend must not hide.
    ink: Vec<(f64, f64)>,
}

/// A length, to a hundredth of a point.
fn n(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
            clips: 0,
            ink: Vec::new(),
        }
    }

    /// Notes that the data has ink here.
    pub(super) fn ink(&mut self, place: (f64, f64)) {
        self.ink.push(place);
    }

    /// How much ink of the data lies in an area.
    pub(super) fn ink_in(&self, area: &Area) -> usize {
        self.ink.iter().filter(|place| area.holds(**place)).count()
    }

    fn path(points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        for (place, (x, y)) in points.iter().enumerate() {
            path.push(if place == 0 { 'M' } else { 'L' });
            path.push_str(&format!("{} {}", n(*x), n(*y)));
        }
        path
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], stroke: Stroke<'_>) {
        if points.len() < 2 {
            return;
        }
        let dash = if stroke.dash.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{}\"", stroke.dash)
        };
        self.body.push_str(&format!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}/>\n",
            Self::path(points),
            stroke.color,
            n(stroke.width),
        ));
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], fill: &str, opacity: f64) {
        if points.len() < 3 {
            return;
        }
        let opacity = if opacity < 1.0 {
            format!(" fill-opacity=\"{}\"", n(opacity))
        } else {
            String::new()
        };
        self.body.push_str(&format!(
            "<path d=\"{}Z\" fill=\"{fill}\"{opacity}/>\n",
            Self::path(points)
        ));
    }

    pub(super) fn rect(&mut self, area: Area, fill: &str, opacity: f64) {
        let Area {
            left,
            top,
            right,
            bottom,
        } = area;
        self.polygon(
            &[(left, top), (right, top), (right, bottom), (left, bottom)],
            fill,
            opacity,
        );
    }

    /// An area that runs through the colours from top to bottom.
    pub(super) fn gradient(&mut self, area: Area, colors: &[String]) {
        self.clips += 1;
        let last = colors.len().saturating_sub(1).max(1) as f64;
        let stops: String = colors
            .iter()
            .enumerate()
            .map(|(place, color)| {
                let offset = n(place as f64 / last);
                format!("<stop offset=\"{offset}\" stop-color=\"{color}\"/>")
            })
            .collect();
        self.body.push_str(&format!(
            "<linearGradient id=\"colors{0}\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"1\">{stops}</linearGradient>\n",
            self.clips
        ));
        let fill = format!("url(#colors{})", self.clips);
        self.rect(area, &fill, 1.0);
    }

    /// A point of a series, with a thin white rim that parts it from others.
    pub(super) fn point(&mut self, (x, y): (f64, f64), radius: f64, style: &Style, opacity: f64) {
        let look = format!(
            "fill=\"{}\" fill-opacity=\"{}\" stroke=\"#ffffff\" stroke-width=\"0.4\"",
            style.color,
            n(opacity)
        );
        let r = radius;
        let corners: Vec<(f64, f64)> = match style.shape {
            Shape::Circle => {
                self.body.push_str(&format!(
                    "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {look}/>\n",
                    n(x),
                    n(y),
                    n(r)
                ));
                return;
            }
            Shape::Square => {
                let r = 0.88 * r;
                vec![(-r, -r), (r, -r), (r, r), (-r, r)]
            }
            Shape::Triangle => vec![(0.0, -1.2 * r), (1.1 * r, 0.8 * r), (-1.1 * r, 0.8 * r)],
            Shape::Down => vec![(0.0, 1.2 * r), (1.1 * r, -0.8 * r), (-1.1 * r, -0.8 * r)],
            Shape::Diamond => vec![
                (0.0, -1.3 * r),
                (1.1 * r, 0.0),
                (0.0, 1.3 * r),
                (-1.1 * r, 0.0),
            ],
            Shape::Cross => {
                let (a, b) = (0.4 * r, 1.15 * r);
                vec![
                    (-a, -b),
                    (a, -b),
                    (a, -a),
                    (b, -a),
                    (b, a),
                    (a, a),
                    (a, b),
                    (-a, b),
                    (-a, a),
                    (-b, a),
                    (-b, -a),
                    (-a, -a),
                ]
            }
        };
        let corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        self.body
            .push_str(&format!("<path d=\"{}Z\" {look}/>\n", Self::path(&corners)));
    }

    /// A line of text with its baseline at the place.
    pub(super) fn text(&mut self, (x, y): (f64, f64), markup: &str, set: Type<'_>) {
        let pieces = text::pieces(markup);
        if pieces.is_empty() {
            return;
        }
        let anchor = match set.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let turn = if set.turn == 0.0 {
            String::new()
        } else {
            format!(" transform=\"rotate({} {} {})\"", n(set.turn), n(x), n(y))
        };
        let bold = if set.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        self.body.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\" xml:space=\"preserve\"{anchor}{bold}{turn}>",
            n(x),
            n(y),
            n(set.size),
            set.color
        ));
        let mut shift = 0.0;
        for piece in &pieces {
            let wanted = match piece.level {
                Level::Line => 0.0,
                Level::Raised => -0.38 * set.size,
                Level::Lowered => 0.18 * set.size,
            };
            let mut look = String::new();
            if wanted != shift {
                look.push_str(&format!(" dy=\"{}\"", n(wanted - shift)));
                shift = wanted;
            }
            if piece.level != Level::Line {
                look.push_str(&format!(
                    " font-size=\"{}\"",
                    n(text::piece_size(piece, set.size))
                ));
            }
            if piece.italic {
                look.push_str(" font-style=\"oblique\"");
            }
            if look.is_empty() {
                self.body.push_str(&escaped(&piece.text));
            } else {
                self.body
                    .push_str(&format!("<tspan{look}>{}</tspan>", escaped(&piece.text)));
            }
        }
        self.body.push_str("</text>\n");
    }

    /// Draws what follows only inside the area, until [`Canvas::unclip`].
    pub(super) fn clip(&mut self, area: Area) {
        self.clips += 1;
        self.body.push_str(&format!(
            "<clipPath id=\"panel{0}\"><rect x=\"{1}\" y=\"{2}\" width=\"{3}\" height=\"{4}\"/></clipPath>\n<g clip-path=\"url(#panel{0})\">\n",
            self.clips,
            n(area.left),
            n(area.top),
            n(area.width().max(0.0)),
            n(area.height().max(0.0)),
        ));
    }

    pub(super) fn unclip(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// The whole picture as an SVG document.
    pub(super) fn finish(self, title: Option<&str>) -> String {
        let title = title.map_or_else(String::new, |title| {
            format!("<title>{}</title>\n", escaped(&text::plain(title)))
        });
        let (width, height) = (n(self.width), n(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}pt\" height=\"{height}pt\" viewBox=\"0 0 {width} {height}\" font-family=\"{FAMILY}\">\n{title}<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

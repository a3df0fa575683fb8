//! The backend of plotters that writes SVG, one shape at a time.
//!
//! A unit of the backend is a hundredth of a point, so that curves stay smooth.
//! Text is taken as mark-up; what plotters' styles cannot say is in the [`Pen`].

use std::convert::Infallible;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};

use super::text::{self, Face, Level};

/// The units of the backend in a point.
const UNITS: f64 = 100.0;

/// A length in points as units of the backend.
pub(super) fn units(points: f64) -> i32 {
    (points * UNITS).round() as i32
}

/// A length in units of the backend as points.
pub(super) fn points(units: i32) -> f64 {
    f64::from(units) / UNITS
}

/// A rectangle of the page, in points.
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

    /// Whether a place lies in it.
    pub(super) fn holds(&self, (x, y): (f64, f64)) -> bool {
        x >= self.left && x <= self.right && y >= self.top && y <= self.bottom
    }

    pub(super) fn middle(&self) -> (f64, f64) {
        (
            (self.left + self.right) / 2.0,
            (self.top + self.bottom) / 2.0,
        )
    }

    /// The same, larger by so many points on each side.
    pub(super) fn widened(&self, by: f64) -> Self {
        Self {
            left: self.left - by,
            top: self.top - by,
            right: self.right + by,
            bottom: self.bottom + by,
        }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Whether a straight line goes through it.
    pub(super) fn meets(&self, from: (f64, f64), to: (f64, f64)) -> bool {
        // The part of the line that is inside, cut by one side after the other.
        let (mut first, mut last) = (0.0f64, 1.0f64);
        for (start, step, low, high) in [
            (from.0, to.0 - from.0, self.left, self.right),
            (from.1, to.1 - from.1, self.top, self.bottom),
        ] {
            if step == 0.0 {
                if start < low || start > high {
                    return false;
                }
                continue;
            }
            let (a, b) = ((low - start) / step, (high - start) / step);
            first = first.max(a.min(b));
            last = last.min(a.max(b));
        }
        first <= last
    }
}

/// What a style of plotters cannot say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pen {
    /// Lengths of dashes and gaps in points; a full line if empty.
    pub dash: &'static str,
    /// Degrees clockwise that text is turned around its place.
    pub turn: f64,
}

/// The picture so far.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
    clips: usize,
    font: Face,
    /// How the next shapes are drawn.
    pub pen: Pen,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// A number, to a hundredth.
fn n(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A length of the backend as the number of points.
fn u(units: i32) -> String {
    n(points(units))
}

/// A colour as the value of the attribute `name`.
fn paint(name: &str, color: BackendColor) -> String {
    let (red, green, blue) = color.rgb;
    let opacity = if color.alpha < 1.0 {
        format!(" {name}-opacity=\"{}\"", n(color.alpha))
    } else {
        String::new()
    };
    format!("{name}=\"#{red:02x}{green:02x}{blue:02x}\"{opacity}")
}

pub(super) fn escaped(text: &str) -> String {
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

/// The data of a path; one that ends where it began is closed.
fn path(corners: &[BackendCoord]) -> String {
    let closed = corners.len() > 3 && corners.first() == corners.last();
    let open = &corners[..corners.len() - usize::from(closed)];
    let mut path = String::new();
    for (place, (x, y)) in open.iter().enumerate() {
        path.push(if place == 0 { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", u(*x), u(*y)));
    }
    if closed {
        path.push('Z');
    }
    path
}

impl Canvas {
    /// An empty picture of so many points.
    pub(super) fn new(width: f64, height: f64, font: Face) -> Self {
        Self {
            width,
            height,
            font,
            body: String::new(),
            clips: 0,
            pen: Pen::default(),
        }
    }

    /// Draws what follows, the data, only inside the area, until
    /// [`Canvas::unclip`].
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
    pub(super) fn document(&self, title: Option<&str>) -> String {
        let title = title.map_or_else(String::new, |title| {
            format!("<title>{}</title>\n", escaped(&text::plain(title)))
        });
        let (width, height) = (n(self.width), n(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}pt\" height=\"{height}pt\" viewBox=\"0 0 {width} {height}\" font-family=\"{}\">\n{title}<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.font.family(),
            self.body
        )
    }
}

impl DrawingBackend for Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (
            units(self.width).unsigned_abs(),
            units(self.height).unsigned_abs(),
        )
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        if !fill {
            return self.draw_path(corners.into_iter().chain([(left, top)]), style);
        }
        self.fill_polygon(corners, style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let corners: Vec<BackendCoord> = corners.into_iter().collect();
        if corners.len() < 2 {
            return Ok(());
        }
        let dash = if self.pen.dash.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{}\"", self.pen.dash)
        };
        self.body.push_str(&format!(
            "<path d=\"{}\" fill=\"none\" {} stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}/>\n",
            path(&corners),
            paint("stroke", style.color()),
            n(f64::from(style.stroke_width()) / UNITS),
        ));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let look = if fill {
            paint("fill", style.color())
        } else {
            format!(
                "fill=\"none\" {} stroke-width=\"{}\"",
                paint("stroke", style.color()),
                n(f64::from(style.stroke_width()) / UNITS)
            )
        };
        self.body.push_str(&format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {look}/>\n",
            u(x),
            u(y),
            n(f64::from(radius) / UNITS)
        ));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let mut corners: Vec<BackendCoord> = corners.into_iter().collect();
        if corners.len() < 3 {
            return Ok(());
        }
        corners.push(corners[0]);
        self.body.push_str(&format!(
            "<path d=\"{}\" {}/>\n",
            path(&corners),
            paint("fill", style.color())
        ));
        Ok(())
    }

    /// A line of mark-up. The bottom of a text is its baseline.
    fn draw_text<S: BackendTextStyle>(
        &mut self,
        markup: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let pieces = text::pieces(markup);
        if pieces.is_empty() {
            return Ok(());
        }
        let size = style.size() / UNITS;
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let baseline = match style.anchor().v_pos {
            VPos::Top => 0.85 * size,
            VPos::Center => 0.36 * size,
            VPos::Bottom => 0.0,
        };
        let turn = if self.pen.turn == 0.0 {
            String::new()
        } else {
            let turn = n(self.pen.turn);
            format!(" transform=\"rotate({turn} {} {})\"", u(x), u(y))
        };
        let bold = match style.style() {
            FontStyle::Bold => " font-weight=\"bold\"",
            _ => "",
        };
        self.body.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" {} xml:space=\"preserve\"{anchor}{bold}{turn}>",
            u(x),
            n(points(y) + baseline),
            n(size),
            paint("fill", style.color())
        ));
        let mut shift = 0.0;
        for piece in &pieces {
            let wanted = match piece.level {
                Level::Line => 0.0,
                Level::Raised => -0.38 * size,
                Level::Lowered => 0.18 * size,
            };
            let mut look = String::new();
            if wanted != shift {
                look.push_str(&format!(" dy=\"{}\"", n(wanted - shift)));
                shift = wanted;
            }
            if piece.level != Level::Line {
                look.push_str(&format!(
                    " font-size=\"{}\"",
                    n(text::piece_size(piece, size))
                ));
            }
            if piece.italic {
                look.push_str(" font-style=\"oblique\"");
            }
            if piece.bold {
                look.push_str(" font-weight=\"bold\"");
            }
            if look.is_empty() {
                self.body.push_str(&escaped(&piece.text));
            } else {
                self.body
                    .push_str(&format!("<tspan{look}>{}</tspan>", escaped(&piece.text)));
            }
        }
        self.body.push_str("</text>\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: BackendColor = BackendColor {
        alpha: 0.5,
        rgb: (0, 114, 178),
    };

    #[test]
    fn a_unit_is_a_hundredth_of_a_point() {
        let mut canvas = Canvas::new(10.0, 10.0, Face::Sans);
        canvas.draw_line((0, 125), (1000, -7), &STYLE).unwrap();
        assert!(canvas.document(None).contains(
            "<path d=\"M0 1.25L10 -0.07\" fill=\"none\" stroke=\"#0072b2\" stroke-opacity=\"0.5\" stroke-width=\"0.01\""
        ));
    }

    #[test]
    fn a_line_meets_an_area_where_it_goes_through() {
        let area = Area {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 10.0,
        };
        assert!(area.meets((-5.0, 5.0), (15.0, 5.0)));
        assert!(area.meets((5.0, 5.0), (5.0, 5.0)));
        assert!(!area.meets((-5.0, 5.0), (5.0, 16.0)));
        assert!(!area.meets((11.0, 0.0), (11.0, 10.0)));
    }
}

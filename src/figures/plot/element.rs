//! What plotters draws with on the canvas: areas, and the elements that it does
//! not have itself.

use std::cell::RefCell;
use std::fmt;
use std::iter::{Once, once};
use std::rc::Rc;

use plotters::coord::CoordTranslate;
use plotters::drawing::DrawingArea;
use plotters::element::{
    Drawable, DynElement, IntoDynElement, PathElement, PointCollection, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBAColor, RGBColor, ShapeStyle, WHITE};
use plotters_backend::{BackendCoord, DrawingBackend, DrawingErrorKind};

use super::canvas::{Area, Canvas, Pen, units};
use super::palette::Shape;
use super::text::{self, Font};

/// The colour of text and axes.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);

/// The coordinates of the page: points from the top left corner.
pub(super) struct Points;

impl CoordTranslate for Points {
    type From = (f64, f64);

    fn translate(&self, (x, y): &(f64, f64)) -> BackendCoord {
        (units(*x), units(*y))
    }
}

/// The whole page.
pub(super) type Page = DrawingArea<Canvas, Points>;

/// The page to draw on, in points.
pub(super) fn page(canvas: &Rc<RefCell<Canvas>>) -> Page {
    // plotters pulls the corners of elements into their area, which would bend
    // a line that leaves it. So the area is out of reach, and the canvas clips.
    let far = -500_000_000;
    DrawingArea::from(canvas)
        .margin(far, far, far, far)
        .apply_coord_spec(Points)
}

/// Draws one element.
pub(super) fn put<'a, C, E>(area: &DrawingArea<Canvas, C>, element: &'a E)
where
    C: CoordTranslate,
    E: Drawable<Canvas>,
    &'a E: PointCollection<'a, C::From>,
{
    area.draw(element)
        .expect("the canvas takes every shape, and nobody holds it while elements are drawn");
}

/// An element drawn with a pen of its own.
pub(super) struct Penned<P: Clone> {
    pen: Pen,
    element: DynElement<'static, Canvas, P>,
}

impl<'a, P: Clone> PointCollection<'a, P> for &'a Penned<P> {
    type Point = &'a P;
    type IntoIter = &'a Vec<P>;

    fn point_iter(self) -> Self::IntoIter {
        self.element.point_iter()
    }
}

impl<P: Clone> Drawable<Canvas> for Penned<P> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        places: I,
        canvas: &mut Canvas,
        size: (u32, u32),
    ) -> Result<(), DrawingErrorKind<<Canvas as DrawingBackend>::ErrorType>> {
        let before = std::mem::replace(&mut canvas.pen, self.pen);
        let drawn = self.element.draw(places, canvas, size);
        canvas.pen = before;
        drawn
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub color: RGBColor,
    pub opacity: f64,
    /// In points.
    pub width: f64,
    pub dash: &'static str,
}

impl Stroke {
    /// A full line.
    pub(super) fn new(color: RGBColor, width: f64) -> Self {
        Self {
            color,
            opacity: 1.0,
            width,
            dash: "",
        }
    }

    /// The part of it that plotters knows.
    pub(super) fn style(self) -> ShapeStyle {
        let color = self.color.mix(self.opacity);
        color.stroke_width(units(self.width).unsigned_abs())
    }

    /// An element with the dashes of the stroke.
    pub(super) fn dashed<P: Clone>(self, element: DynElement<'static, Canvas, P>) -> Penned<P> {
        let pen = Pen {
            dash: self.dash,
            ..Pen::default()
        };
        Penned { pen, element }
    }

    /// The line through some places.
    pub(super) fn along<P: Clone + 'static>(self, places: impl Into<Vec<P>>) -> Penned<P> {
        self.dashed(PathElement::new(places, self.style()).into_dyn())
    }
}

/// A filled rectangle of the page.
pub(super) fn filled(area: &Area, color: RGBAColor) -> Rectangle<(f64, f64)> {
    let corners = [(area.left, area.top), (area.right, area.bottom)];
    Rectangle::new(corners, color.filled())
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub font: Font,
    /// Which point of the text lies at its place; the bottom is the baseline.
    pub anchor: Pos,
    /// Degrees clockwise around its place.
    pub turn: f64,
    pub color: RGBColor,
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let across = match self.anchor.h_pos {
            HPos::Left => "from",
            HPos::Center => "around",
            HPos::Right => "to",
        };
        write!(f, "{across} {:?} turned {}", self.font, self.turn)
    }
}

impl Type {
    /// Upright text in the colour of the axes.
    pub(super) fn new(font: Font, across: HPos, down: VPos) -> Self {
        Self {
            font,
            anchor: Pos::new(across, down),
            turn: 0.0,
            color: INK,
        }
    }

    /// Text around its place, above it.
    pub(super) fn centred(font: Font) -> Self {
        Self::new(font, HPos::Center, VPos::Bottom)
    }

    /// A line of mark-up at a place.
    pub(super) fn text<P>(self, place: P, markup: impl Into<String>) -> Penned<P>
    where
        P: Clone + 'static,
    {
        let size = f64::from(units(self.font.size));
        let font = text::font(self.font.face, size, self.font.bold, false);
        let style = font.color(&self.color).pos(self.anchor);
        let pen = Pen {
            turn: self.turn,
            ..Pen::default()
        };
        Penned {
            pen,
            element: Text::new(markup.into(), place, style).into_dyn(),
        }
    }

    /// The room that a text takes at a place; that of an upright one if it is turned.
    pub(super) fn area(self, (x, y): (f64, f64), markup: &str) -> Area {
        let (wide, size) = (text::width(markup, self.font), self.font.size);
        let left = match self.anchor.h_pos {
            HPos::Left => x,
            HPos::Center => x - wide / 2.0,
            HPos::Right => x - wide,
        };
        let top = match self.anchor.v_pos {
            VPos::Top => y,
            VPos::Center => y - size / 2.0,
            VPos::Bottom => y - size * 0.85,
        };
        Area {
            left,
            top,
            right: left + wide,
            bottom: top + size * 1.1,
        }
    }
}

/// A point of a series, with a thin white rim that parts it from others.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub place: (f64, f64),
    /// In points.
    pub radius: f64,
    pub color: RGBColor,
    pub shape: Shape,
    pub opacity: f64,
}

impl<'a> PointCollection<'a, (f64, f64)> for &'a Marker {
    type Point = &'a (f64, f64);
    type IntoIter = Once<&'a (f64, f64)>;

    fn point_iter(self) -> Self::IntoIter {
        once(&self.place)
    }
}

impl<B: DrawingBackend> Drawable<B> for Marker {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut places: I,
        backend: &mut B,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<B::ErrorType>> {
        let Some((x, y)) = places.next() else {
            return Ok(());
        };
        let fill = self.color.mix(self.opacity);
        let rim = Stroke::new(WHITE, 0.4).style();
        if self.shape == Shape::Circle {
            let radius = units(self.radius).unsigned_abs();
            backend.draw_circle((x, y), radius, &fill, true)?;
            return backend.draw_circle((x, y), radius, &rim, false);
        }
        let mut outline: Vec<BackendCoord> = corners(self.shape)
            .iter()
            .map(|(across, down)| {
                (
                    x + units(across * self.radius),
                    y + units(down * self.radius),
                )
            })
            .collect();
        backend.fill_polygon(outline.clone(), &fill)?;
        outline.extend(outline.first().copied());
        backend.draw_path(outline, &rim)
    }
}

/// The corners of a shape of radius one.
fn corners(shape: Shape) -> &'static [(f64, f64)] {
    match shape {
        Shape::Circle => &[],
        Shape::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
        Shape::Triangle => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
        Shape::Down => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
        Shape::Diamond => &[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)],
        Shape::Cross => &[
            (-0.4, -1.15),
            (0.4, -1.15),
            (0.4, -0.4),
            (1.15, -0.4),
            (1.15, 0.4),
            (0.4, 0.4),
            (0.4, 1.15),
            (-0.4, 1.15),
            (-0.4, 0.4),
            (-1.15, 0.4),
            (-1.15, -0.4),
            (-0.4, -0.4),
        ],
    }
}

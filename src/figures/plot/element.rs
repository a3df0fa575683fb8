//! What plotters draws with on the canvas: areas, and the elements that it does
//! not have itself.

use std::cell::RefCell;
use std::iter::{Once, once};
use std::rc::Rc;

use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::DrawingArea;
use plotters::element::{
    Drawable, DynElement, IntoDynElement, PathElement, PointCollection, Rectangle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBAColor, RGBColor, ShapeStyle, WHITE};
use plotters_backend::{BackendCoord, DrawingBackend, DrawingErrorKind};

use super::axis::Axis;
use super::canvas::{Area, Canvas, Pen, units};
use super::palette::{Shape, Style};
use super::text;

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
/// A panel, in values of its axes.
pub(super) type Chart = DrawingArea<Canvas, Cartesian2d<Axis, Axis>>;

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
    /// In points.
    pub width: f64,
    pub dash: &'static str,
}

impl Stroke {
    /// A full line.
    pub(super) fn new(color: RGBColor, width: f64) -> Self {
        Self {
            color,
            width,
            dash: "",
        }
    }

    /// The part of it that plotters knows.
    pub(super) fn style(self) -> ShapeStyle {
        self.color.stroke_width(units(self.width).unsigned_abs())
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
    /// In points.
    pub size: f64,
    /// Which point of the text lies at its place; the bottom is the baseline.
    pub anchor: Pos,
    /// Degrees clockwise around its place.
    pub turn: f64,
    pub bold: bool,
    pub color: RGBColor,
}

impl Type {
    /// Upright text in the colour of the axes.
    pub(super) fn new(size: f64, across: HPos, down: VPos) -> Self {
        Self {
            size,
            anchor: Pos::new(across, down),
            turn: 0.0,
            bold: false,
            color: INK,
        }
    }

    /// A line of mark-up at a place.
    pub(super) fn text<P>(self, place: P, markup: impl Into<String>) -> Penned<P>
    where
        P: Clone + 'static,
    {
        let font = text::font(f64::from(units(self.size)), self.bold, false);
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
}

/// Text around its place.
pub(super) fn centred(size: f64) -> Type {
    Type::new(size, HPos::Center, VPos::Bottom)
}

/// A point of a series, with a thin white rim that parts it from others.
pub(super) struct Marker<P> {
    pub place: P,
    /// In points.
    pub radius: f64,
    pub style: Style,
    pub opacity: f64,
}

impl<'a, P: 'a> PointCollection<'a, P> for &'a Marker<P> {
    type Point = &'a P;
    type IntoIter = Once<&'a P>;

    fn point_iter(self) -> Self::IntoIter {
        once(&self.place)
    }
}

impl<P, B: DrawingBackend> Drawable<B> for Marker<P> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut places: I,
        backend: &mut B,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<B::ErrorType>> {
        let Some((x, y)) = places.next() else {
            return Ok(());
        };
        let fill = self.style.color.mix(self.opacity);
        let rim = Stroke::new(WHITE, 0.4).style();
        if self.style.shape == Shape::Circle {
            let radius = units(self.radius).unsigned_abs();
            backend.draw_circle((x, y), radius, &fill, true)?;
            return backend.draw_circle((x, y), radius, &rim, false);
        }
        let mut outline: Vec<BackendCoord> = corners(self.style.shape)
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

//! What a figure is made of once everything has its place: shapes in points of the page. plotters draws them.

use std::cell::RefCell;
use std::rc::Rc;

use plotters::element::Polygon;
use plotters::style::{RGBAColor, RGBColor};

use super::canvas::{Area, Canvas};
use super::element::{self, Marker, Page, Stroke, Type, put};
use super::text;

/// A place on the page: points from the left and from the top.
pub(super) type Place = (f64, f64);

/// One shape.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// A line through places.
    Line(Vec<Place>, Stroke),
    /// A filled outline.
    Filled(Vec<Place>, RGBAColor),
    /// A filled rectangle.
    Box(Area, RGBAColor),
    /// A point of a series.
    Marker(Marker),
    /// A line of mark-up.
    Text(Place, Type, String),
}

impl Shape {
    /// A full line in one colour.
    pub(super) fn line(places: impl Into<Vec<Place>>, color: RGBColor, width: f64) -> Self {
        Self::Line(places.into(), Stroke::new(color, width))
    }

    /// Whether it has ink inside an area.
    fn has_ink(&self, area: &Area) -> bool {
        match self {
            Self::Line(places, _) => places.windows(2).any(|pair| area.meets(pair[0], pair[1])),
            Self::Filled(places, color) => {
                color.3 > 0.05
                    && (inside(places, area.middle())
                        || places.windows(2).any(|pair| area.meets(pair[0], pair[1])))
            }
            Self::Box(own, _) => own.overlaps(area),
            Self::Marker(marker) => area.widened(marker.radius).holds(marker.place),
            Self::Text(place, set, markup) => set.area(*place, markup).overlaps(area),
        }
    }
}

/// Whether a place lies inside an outline, by the even-odd rule.
fn inside(outline: &[Place], (x, y): Place) -> bool {
    let mut inside = false;
    let ends = outline.iter().cycle().skip(1);
    for ((ax, ay), (bx, by)) in outline.iter().zip(ends) {
        if (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
            inside = !inside;
        }
    }
    inside
}

/// Shapes that are drawn together.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Nothing is drawn outside it.
    pub clip: Option<Area>,
    /// Whether it is data, which a legend must not hide.
    pub data: bool,
    pub shapes: Vec<Shape>,
}

/// Where a legend lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LegendAt {
    Right,
    Bottom,
    Top,
    /// In a corner of the panel.
    Corner {
        left: bool,
        top: bool,
    },
}

impl LegendAt {
    /// The corner that lies at a place in an area.
    pub(super) fn corner(area: &Area, (x, y): Place) -> Self {
        let (across, down) = area.middle();
        Self::Corner {
            left: x < across,
            top: y < down,
        }
    }
}

/// Where the facets of a panel lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facets {
    /// The area of the first; all are as large.
    pub first: Area,
    /// How many stand side by side.
    pub columns: usize,
}

/// The whole picture.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub width: f64,
    pub height: f64,
    pub font: text::Face,
    pub groups: Vec<Group>,
    /// The facets of each panel.
    pub panels: Vec<Facets>,
    /// Where the legend of a panel lies, by the place of the panel, and that of the whole figure.
    pub legends: Vec<(Option<usize>, LegendAt)>,
}

impl Scene {
    pub(super) fn new(width: f64, height: f64, font: text::Face) -> Self {
        Self {
            width,
            height,
            font,
            groups: Vec::new(),
            panels: Vec::new(),
            legends: Vec::new(),
        }
    }

    /// Adds shapes that are no data.
    pub(super) fn add(&mut self, shapes: impl IntoIterator<Item = Shape>) {
        let shapes: Vec<Shape> = shapes.into_iter().collect();
        match self.groups.last_mut() {
            Some(last) if last.clip.is_none() && !last.data => last.shapes.extend(shapes),
            _ => self.groups.push(Group {
                clip: None,
                data: false,
                shapes,
            }),
        }
    }

    /// Adds shapes of the data, drawn only inside an area.
    pub(super) fn add_data(&mut self, clip: Area, shapes: Vec<Shape>) {
        if !shapes.is_empty() {
            self.groups.push(Group {
                clip: Some(clip),
                data: true,
                shapes,
            });
        }
    }

    /// Whether the data has ink in an area.
    pub(super) fn has_ink(&self, area: &Area) -> bool {
        let data = self.groups.iter().filter(|group| group.data);
        data.flat_map(|group| &group.shapes)
            .any(|shape| shape.has_ink(area))
    }

    /// The picture as an SVG document.
    pub(super) fn document(&self, title: Option<&str>) -> String {
        let canvas = Rc::new(RefCell::new(Canvas::new(
            self.width,
            self.height,
            self.font,
        )));
        let page = element::page(&canvas);
        for group in &self.groups {
            if let Some(area) = group.clip {
                canvas.borrow_mut().clip(area);
            }
            for shape in &group.shapes {
                draw(&page, shape);
            }
            if group.clip.is_some() {
                canvas.borrow_mut().unclip();
            }
        }
        canvas.borrow().document(title)
    }
}

/// Draws one shape as an element of plotters.
fn draw(page: &Page, shape: &Shape) {
    match shape {
        Shape::Line(places, stroke) => put(page, &stroke.along(places.clone())),
        Shape::Filled(places, color) => put(page, &Polygon::new(places.clone(), *color)),
        Shape::Box(area, color) => put(page, &element::filled(area, *color)),
        Shape::Marker(marker) => put(page, marker),
        Shape::Text(place, set, markup) => put(page, &set.text(*place, markup.as_str())),
    }
}

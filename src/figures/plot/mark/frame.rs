//! Where one panel lies and what its axes mean, and the shapes that several marks draw in it.

use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::style::RGBColor;

use crate::figures::plot::axis::Axis;
use crate::figures::plot::axis::Spot;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::canvas::points;
use crate::figures::plot::canvas::units;
use crate::figures::plot::element::Marker;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::Place;
use crate::figures::plot::scene::Shape;

/// Where one panel lies and what its axes mean.
pub(in crate::figures::plot) struct Panel {
    /// plotters' coordinate system, in units of the backend.
    pub coordinates: Cartesian2d<Axis, Axis>,
    /// The area between its axes.
    pub area: Area,
}

impl Panel {
    /// A panel of the page with its axes.
    pub(in crate::figures::plot) fn new(area: Area, x: &Axis, y: &Axis) -> Self {
        let (left, right) = (units(area.left), units(area.right));
        let (top, bottom) = (units(area.top), units(area.bottom));
        let across = if x.scale.reverse {
            right..left
        } else {
            left..right
        };
        // Categories go down the page, numbers go up.
        let down = if y.named() == y.scale.reverse {
            bottom..top
        } else {
            top..bottom
        };
        Self {
            coordinates: Cartesian2d::new(x.clone(), y.clone(), (across, down)),
            area,
        }
    }

    /// The horizontal axis.
    pub(in crate::figures::plot) fn x(&self) -> &Axis {
        self.coordinates.x_spec()
    }

    /// The vertical axis.
    pub(in crate::figures::plot) fn y(&self) -> &Axis {
        self.coordinates.y_spec()
    }

    /// Where a pair lies on the page.
    pub(in crate::figures::plot) fn place(&self, x: Spot, y: Spot) -> Place {
        let (x, y) = self.coordinates.translate(&(x, y));
        (points(x), points(y))
    }
}

/// A panel as a mark sees it: with its axes exchanged for a horizontal mark.
pub(in crate::figures::plot) struct Frame<'a> {
    pub panel: &'a Panel,
    /// Whether the axes are exchanged.
    pub flipped: bool,
}

impl Frame<'_> {
    /// The axis along which marks stand.
    pub(in crate::figures::plot) fn x(&self) -> &Axis {
        if self.flipped {
            self.panel.y()
        } else {
            self.panel.x()
        }
    }

    /// The axis along which they reach.
    pub(in crate::figures::plot) fn y(&self) -> &Axis {
        if self.flipped {
            self.panel.x()
        } else {
            self.panel.y()
        }
    }

    /// Where a pair lies on the page.
    pub(in crate::figures::plot) fn place(&self, x: Spot, y: Spot) -> Place {
        if self.flipped {
            self.panel.place(y, x)
        } else {
            self.panel.place(x, y)
        }
    }

    /// The place of a pair, if it has one.
    pub(in crate::figures::plot) fn at(
        &self,
        x: Option<f64>,
        y: Option<f64>,
    ) -> Option<(Spot, Spot)> {
        self.x().scale.place(x?)?;
        self.y().scale.place(y?)?;
        Some((Spot::of(x?), Spot::of(y?)))
    }

    /// The same, if it lies inside the panel.
    pub(in crate::figures::plot) fn within(
        &self,
        x: Option<f64>,
        y: Option<f64>,
    ) -> Option<(Spot, Spot)> {
        let is_inside = self.x().scale.holds(x?) && self.y().scale.holds(y?);
        self.at(x, y).filter(|_| is_inside)
    }

    /// A rectangle between two corners.
    pub(in crate::figures::plot) fn area(&self, from: (Spot, Spot), to: (Spot, Spot)) -> Area {
        let ((ax, ay), (bx, by)) = (self.place(from.0, from.1), self.place(to.0, to.1));
        Area {
            left: ax.min(bx),
            top: ay.min(by),
            right: ax.max(bx),
            bottom: ay.max(by),
        }
    }

    /// The length of both axes in points, for one category each, or for the whole axis of numbers.
    pub(in crate::figures::plot) fn cell(&self) -> (f64, f64) {
        let size = |length: f64, axis: &Axis| length / axis.scale.places().max(1) as f64;
        let area = &self.panel.area;
        let across = size(area.width(), self.panel.x());
        let down = size(area.height(), self.panel.y());
        if self.flipped {
            (down, across)
        } else {
            (across, down)
        }
    }

    /// The width of one category in points, or nothing on an axis of numbers.
    pub(in crate::figures::plot) fn band(&self) -> Option<f64> {
        self.x().named().then(|| self.cell().0)
    }

    /// Where marks begin that start at zero.
    pub(in crate::figures::plot) fn foot(&self) -> f64 {
        let scale = &self.y().scale;
        let (low, high) = scale.ends();
        if scale.is_log() {
            low
        } else {
            0f64.clamp(low, high)
        }
    }
}

/// A line from `low` to `high` with a cap at each end that lies inside.
pub(in crate::figures::plot) fn error_bar(
    frame: &Frame<'_>,
    x: Spot,
    (low, high): (f64, f64),
    (color, cap): (RGBColor, f64),
) -> Vec<Shape> {
    let axis = frame.y();
    let (bottom, top) = axis.scale.ends();
    if axis.scale.place(high).is_none() || high < bottom || low > top {
        return Vec::new();
    }
    // An interval that leaves the axis ends there, without a cap.
    let ends = [low.max(bottom), high.min(top)].map(Spot::of);
    let stroke = Stroke::new(color, 0.9);
    let mut shapes = vec![Shape::Line(
        ends.map(|end| frame.place(x, end)).to_vec(),
        stroke,
    )];
    for (end, value) in ends.into_iter().zip([low, high]) {
        if (bottom..=top).contains(&value) {
            let cap = [x.by(-cap), x.by(cap)].map(|x| frame.place(x, end));
            shapes.push(Shape::Line(cap.to_vec(), stroke));
        }
    }
    shapes
}

/// A point of a series.
pub(in crate::figures::plot) fn marker(
    place: Place,
    radius: f64,
    look: &Look,
    opacity: f64,
) -> Shape {
    Shape::Marker(Marker {
        place,
        radius,
        color: look.color,
        shape: look.shape,
        opacity,
    })
}

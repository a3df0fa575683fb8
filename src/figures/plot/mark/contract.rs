//! What a mark is, and what it is given to draw.

use std::collections::BTreeMap;
use std::ops::Range;

use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::Ranged;
use plotters::element::{Drawable, PointCollection};
use plotters::style::RGBColor;

use crate::figures::plot::axis::{Axis, Spot};
use crate::figures::plot::canvas::{Area, Canvas, points, units};
use crate::figures::plot::element::{Chart, Page, Stroke, put};
use crate::figures::plot::palette::Style;
use crate::figures::plot::scale::Scale;

/// One row of the table, as far as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::figures::plot) struct Row {
    /// The number, or the place of the category, along the horizontal axis.
    pub x: Option<f64>,
    /// The same along the vertical axis.
    pub y: Option<f64>,
    /// Which rows have the same `x`: equal numbers here are equal values.
    pub x_key: usize,
    /// The ends of the interval around `x`.
    pub x_interval: Option<(f64, f64)>,
    /// The ends of the interval around `y`.
    pub y_interval: Option<(f64, f64)>,
    /// What a cell is coloured by.
    pub value: Option<f64>,
    /// The place of its series.
    pub series: usize,
}

/// The rows of one panel and what all panels share.
pub(in crate::figures::plot) struct Rows<'a> {
    /// The rows, in the order of the table.
    pub rows: &'a [Row],
    /// How many series the figure has.
    pub series: usize,
    /// Whether the series stand side by side within a category.
    pub dodge: bool,
    /// Whether every row is shown as a point as well.
    pub points: bool,
    /// The colours of cells.
    pub value: &'a Scale,
}

impl Rows<'_> {
    /// The rows of one series with those at the same `x` averaged. Where one of
    /// them has no value there is no mean; an interval is kept only where there
    /// is one row.
    pub(in crate::figures::plot) fn averaged(&self, series: usize) -> Vec<Row> {
        let mut places: Vec<Vec<Row>> = Vec::new();
        let mut known: BTreeMap<usize, usize> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.series == series) {
            if row.x.is_none() {
                continue;
            }
            let place = *known.entry(row.x_key).or_insert_with(|| {
                places.push(Vec::new());
                places.len() - 1
            });
            places[place].push(*row);
        }
        places
            .into_iter()
            .filter_map(|rows| match rows.as_slice() {
                [row] => Some(*row),
                rows => {
                    let values: Option<Vec<f64>> = rows.iter().map(|row| row.y).collect();
                    Some(Row {
                        y: values.map(|values| mean(&values)),
                        y_interval: None,
                        x_interval: None,
                        ..*rows.first()?
                    })
                }
            })
            .collect()
    }
}

/// The mean of values; their sum may be larger than any double.
pub(in crate::figures::plot) fn mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    if sum.is_finite() {
        sum / count
    } else {
        values.iter().map(|value| value / count).sum()
    }
}

/// Where one panel lies and what its axes mean.
pub(in crate::figures::plot) struct Panel {
    /// What its elements are drawn on.
    pub chart: Chart,
}

impl Panel {
    /// A panel of the page with its axes.
    pub(in crate::figures::plot) fn new(page: &Page, area: &Area, x: &Axis, y: &Axis) -> Self {
        let across = units(area.left)..units(area.right);
        let (top, bottom) = (units(area.top), units(area.bottom));
        // Categories go down the page, numbers go up.
        let down = if y.named() { top..bottom } else { bottom..top };
        let coordinates = Cartesian2d::new(x.clone(), y.clone(), (across, down));
        Self {
            chart: page.use_screen_coord().apply_coord_spec(coordinates),
        }
    }

    /// The horizontal axis.
    pub(in crate::figures::plot) fn x(&self) -> &Axis {
        self.chart.as_coord_spec().x_spec()
    }

    /// The vertical axis.
    pub(in crate::figures::plot) fn y(&self) -> &Axis {
        self.chart.as_coord_spec().y_spec()
    }

    /// The left and the right edge.
    pub(in crate::figures::plot) fn sides(&self) -> (Spot, Spot) {
        let range = self.x().range();
        (range.start, range.end)
    }

    /// The lower and the upper edge.
    pub(in crate::figures::plot) fn heights(&self) -> (Spot, Spot) {
        let range = self.y().range();
        if self.y().named() {
            (range.end, range.start)
        } else {
            (range.start, range.end)
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

    /// Width and height in points of one category, or of the whole panel on an
    /// axis of numbers.
    pub(in crate::figures::plot) fn cell(&self) -> (f64, f64) {
        let size = |range: Range<i32>, axis: &Axis| {
            let places = match &axis.scale {
                Scale::Category(names) => names.len().max(1),
                _ => 1,
            };
            points(range.end - range.start) / places as f64
        };
        (
            size(self.chart.get_x_axis_pixel_range(), self.x()),
            size(self.chart.get_y_axis_pixel_range(), self.y()),
        )
    }

    /// The width of one category in points, or nothing on an axis of numbers.
    pub(in crate::figures::plot) fn band(&self) -> Option<f64> {
        self.x().named().then(|| self.cell().0)
    }

    /// Draws an element in values of the axes.
    pub(in crate::figures::plot) fn put<'a, E>(&self, element: &'a E)
    where
        E: Drawable<Canvas>,
        &'a E: PointCollection<'a, (Spot, Spot)>,
    {
        put(&self.chart, element);
    }
}

/// How values are drawn.
pub(in crate::figures::plot) trait Mark: Sync {
    /// Whether its horizontal axis has categories even for numbers.
    fn needs_categories(&self) -> bool {
        false
    }
    /// Whether its vertical axis has categories even for numbers.
    fn needs_vertical_categories(&self) -> bool {
        false
    }
    /// Whether the vertical axis starts at zero.
    fn starts_at_zero(&self) -> bool {
        false
    }
    /// Whether its vertical axis has to be one of numbers.
    fn needs_vertical_numbers(&self) -> bool {
        false
    }
    /// Whether it colours by a value instead of by series.
    fn colors_by_value(&self) -> bool {
        false
    }
    /// Which rows make one mark together.
    fn unit(&self) -> Unit {
        Unit::Row
    }
    /// What becomes of values outside the domain.
    fn outside(&self) -> Outside {
        Outside::Hidden
    }
    /// Draws the rows of one panel, cut off at the edges of a domain.
    fn draw(&self, panel: &Panel, rows: &Rows<'_>);
    /// Draws what lies over that and reaches over the edges: points.
    fn draw_points(&self, _panel: &Panel, _rows: &Rows<'_>) {}
    /// Draws its sign in the legend, between two places on a line.
    fn sample(&self, page: &Page, from: (f64, f64), width: f64, style: &Style);
}

/// Which rows make one mark together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Unit {
    /// Each row for itself.
    Row,
    /// Those of one series at one place along `x`: their mean is drawn.
    Place,
    /// Those of one cell.
    Cell,
}

/// What becomes of values outside the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Outside {
    /// They are not drawn.
    Hidden,
    /// What is drawn ends at the edge.
    Cut,
    /// They have the colour of the nearest value inside.
    Coloured,
}

/// A line from `low` to `high` with a cap at each end that lies inside.
///
/// plotters' own has a dot in the middle, which is the mark's to draw.
pub(super) fn error_bar(
    panel: &Panel,
    x: Spot,
    (low, high): (f64, f64),
    (color, cap): (RGBColor, f64),
) {
    let axis = panel.y();
    let (bottom, top) = axis.scale.ends();
    if axis.scale.place(high).is_none() || high < bottom || low > top {
        return;
    }
    // An interval that leaves the axis ends there, without a cap.
    let ends = [low.max(bottom), high.min(top)].map(Spot::of);
    let stroke = Stroke::new(color, 0.9);
    panel.put(&stroke.along(ends.map(|end| (x, end))));
    for (end, value) in ends.into_iter().zip([low, high]) {
        if (bottom..=top).contains(&value) {
            panel.put(&stroke.along([(x.by(-cap), end), (x.by(cap), end)]));
        }
    }
}

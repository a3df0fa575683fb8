//! What a mark is, and what it is given to draw.

use std::collections::BTreeMap;

use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::style::RGBColor;

use crate::figures::plot::axis::{Axis, Spot};
use crate::figures::plot::canvas::{Area, points, units};
use crate::figures::plot::element::{Marker, Stroke};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scale::Spread;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::shades::Shades;
use crate::figures::plot::spec::Drawn;
use crate::figures::plot::text::{Face, Font};
use crate::figures::plot::vega;

/// One row of the table, as far as it is drawn. Of a horizontal mark `x` and `y` are exchanged: `x` is where it stands,
/// `y` how far it reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::figures::plot) struct Row {
    /// Its place in the table.
    pub row: usize,
    /// The place of its panel.
    pub panel: usize,
    /// The place of its series.
    pub series: usize,
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
    /// Where it begins along `y`, if it stands on another.
    pub base: Option<f64>,
    /// The number it is coloured by.
    pub value: Option<f64>,
    /// The number its size is in proportion to.
    pub size: Option<f64>,
    /// How opaque it is.
    pub opacity: Option<f64>,
}

/// What a layer draws, with its looks.
pub(in crate::figures::plot) struct Drawing<'a> {
    /// Its parameters.
    pub drawn: &'a Drawn,
    /// How each series looks.
    pub looks: &'a [Look],
    /// Which lane each series has within a category, and how many lanes there are; one if they stand at the same place.
    pub lanes: (&'a [usize], usize),
    /// The text of each row of the table, for marks that write.
    pub labels: &'a [String],
    /// The colours of `value`, or of a colour by number.
    pub value: Option<&'a Shades>,
    /// The largest number that a size stands for.
    pub largest: f64,
    /// The letters of the figure, and the size of labels.
    pub face: Face,
    pub size: f64,
}

impl Drawing<'_> {
    /// The colour of a row.
    pub(in crate::figures::plot) fn color(&self, row: &Row) -> RGBColor {
        let by_number = self.value.zip(row.value);
        let by_number = by_number.and_then(|(shades, value)| shades.of(value));
        by_number.map_or(self.looks[row.series].color, |(color, _)| color)
    }

    /// The colour of a row, where `plain` is that of a layer without colours.
    pub(in crate::figures::plot) fn color_or(&self, row: &Row, plain: RGBColor) -> RGBColor {
        if self.drawn.color.is_none() && self.drawn.tint.is_none() {
            plain
        } else {
            self.color(row)
        }
    }

    /// The opacity of a row, where `usual` is that of the mark.
    pub(in crate::figures::plot) fn opacity(&self, row: Option<&Row>, usual: f64) -> f64 {
        let all = self.drawn.opacity.as_ref().and_then(|o| o.number());
        let own = row.and_then(|row| row.opacity);
        own.or(all).unwrap_or(usual).clamp(0.0, 1.0)
    }

    /// The radius of the point of a row, where `usual` is that of the mark.
    pub(in crate::figures::plot) fn radius(&self, row: Option<&Row>, usual: f64) -> f64 {
        let all = self.drawn.size.as_ref().and_then(|size| size.number());
        let own = row.and_then(|row| row.size);
        match (own, all) {
            (Some(size), _) => area_radius(size, self.largest),
            (None, Some(diameter)) => (diameter / 2.0).clamp(0.1, 200.0),
            (None, None) => usual,
        }
    }
}

/// The radius of a point whose area is in proportion to `size`.
pub(in crate::figures::plot) fn area_radius(size: f64, largest: f64) -> f64 {
    const LARGEST: f64 = 8.0;
    if largest > 0.0 {
        LARGEST * (size.max(0.0) / largest).sqrt()
    } else {
        LARGEST / 2.0
    }
}

/// The rows with those of one series at the same place averaged. Where one of them has no value there is no mean; an interval
/// is kept where all of them have the same.
pub(in crate::figures::plot) fn averaged(rows: &[Row]) -> Vec<Row> {
    let mut places: Vec<Vec<Row>> = Vec::new();
    let mut known: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.x.is_some()) {
        let key = (row.panel, row.series, row.x_key);
        let place = *known.entry(key).or_insert_with(|| {
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
                    y_interval: same(rows, |row| row.y_interval),
                    x_interval: same(rows, |row| row.x_interval),
                    ..*rows.first()?
                })
            }
        })
        .collect()
}

/// The interval that all rows have.
fn same(rows: &[Row], of: impl Fn(&Row) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
    let first = of(rows.first()?)?;
    rows.iter()
        .all(|row| of(row) == Some(first))
        .then_some(first)
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

/// The rows of one series from left to right.
pub(in crate::figures::plot) fn ordered(rows: &[Row], series: usize) -> Vec<Row> {
    let own = rows.iter().filter(|row| row.series == series);
    let mut own: Vec<Row> = own.copied().collect();
    own.sort_by(|a, b| a.x.unwrap_or(0.0).total_cmp(&b.x.unwrap_or(0.0)));
    own
}

/// The stretches of rows without a gap.
pub(in crate::figures::plot) fn unbroken(
    rows: &[Row],
    whole: impl Fn(&Row) -> bool,
) -> Vec<&[Row]> {
    rows.split(|row| !whole(row))
        .filter(|part| !part.is_empty())
        .collect()
}

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

/// One of the two axes, and what a mark needs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Side {
    /// Numbers or categories, as the column has them.
    Any,
    /// Categories, even for numbers.
    Category,
    /// Numbers.
    Number,
    /// Nothing: the mark computes it.
    Computed,
    /// A column may be left out.
    Optional,
}

/// What a mark is.
#[derive(Debug)]
pub(in crate::figures::plot) struct About {
    /// Its name in a pipeline.
    pub name: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
    /// What its horizontal axis is.
    pub x: Side,
    /// What its vertical axis is.
    pub y: Side,
    /// The parameters it takes beside `x` and `y`.
    pub takes: &'static [&'static str],
    /// Those of them that it needs.
    pub needs: &'static [&'static str],
    /// The axes whose intervals it draws.
    pub intervals: &'static [&'static str],
    /// Whether the axis along which it reaches starts at zero.
    pub zero: bool,
    /// Which rows make one mark together.
    pub unit: Unit,
    /// What becomes of values outside the domain.
    pub outside: Outside,
    /// The title of an axis that it computes.
    pub computed: &'static str,
}

impl About {
    /// Whether it draws intervals around the parameter `x` or `y`, or may do so, where it is not said whether it is horizontal.
    pub(in crate::figures::plot) fn draws_interval(
        &self,
        parameter: &str,
        horizontal: Option<bool>,
    ) -> bool {
        let other = if parameter == "x" { "y" } else { "x" };
        match horizontal {
            Some(true) => self.intervals.contains(&other),
            None if self.takes.contains(&"horizontal") => !self.intervals.is_empty(),
            _ => self.intervals.contains(&parameter),
        }
    }
}

/// What a mark is, unless it says otherwise.
pub(in crate::figures::plot) const USUAL: About = About {
    name: "",
    doc: "",
    x: Side::Any,
    y: Side::Any,
    takes: &[],
    needs: &[],
    intervals: &[],
    zero: false,
    unit: Unit::Row,
    outside: Outside::Hidden,
    computed: "",
};

/// One of the two axes of a layer, before its rows are prepared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::figures::plot) struct Basis {
    /// How its values spread.
    pub spread: Spread,
    /// Whether the layer's column there holds whole numbers alone.
    pub whole: bool,
    /// The ends of the axis, if they are given.
    pub domain: Option<[f64; 2]>,
}

/// What a sample is too small or too alike for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::figures::plot) struct Lack {
    /// What it has, and what is drawn in place of the mark.
    pub why: &'static str,
    /// Whether anything of it is drawn.
    pub shown: bool,
}

/// How values are drawn.
pub(in crate::figures::plot) trait Mark: Sync {
    /// What it is.
    fn about(&self) -> &'static About;
    /// The rows as they are drawn: averaged, counted, stacked. The axes hold all of them.
    fn prepared(&self, rows: &[Row], _drawn: &Drawn) -> Vec<Row> {
        rows.to_vec()
    }
    /// The same for a mark that computes one of its axes along the other.
    fn computed(&self, rows: &[Row], drawn: &Drawn, _along: &Basis) -> Vec<Row> {
        self.prepared(rows, drawn)
    }
    /// What the values of one sample lack for the mark. They are in order, on a line where the axis has even steps.
    fn lacks(&self, _values: &[f64], _drawn: &Drawn) -> Option<Lack> {
        None
    }
    /// The prepared rows of one panel as shapes, cut off at the edges of a domain.
    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape>;
    /// What lies over that and reaches over the edges: points. `raw` are the rows of the table.
    fn draw_points(
        &self,
        _frame: &Frame<'_>,
        _rows: &[Row],
        _raw: &[Row],
        _layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        Vec::new()
    }
    /// The same in Vega-Lite: marks over one another. `rows` are the prepared rows of all facets, and `raw` those of the table;
    /// the frame is that of the first facet. A mark that gives none is left out there, which the specification says.
    fn vega(
        &self,
        _frame: &Frame<'_>,
        _rows: &[Row],
        _raw: &[Row],
        _layer: &Drawing<'_>,
    ) -> Vec<vega::Unit> {
        Vec::new()
    }
    /// Its sign in the legend, between two places on a line. `few` says whether a line has points of its own in the figure.
    fn sample(&self, from: Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape>;
    /// Whether some rows of a panel get points of their own, so that the legend shows one.
    fn has_points(&self, _rows: &[Row], _drawn: &Drawn) -> bool {
        true
    }
    /// Whether each row of the table is shown as a point beside what is drawn of them together.
    fn shows_rows(&self, drawn: &Drawn) -> bool {
        drawn.points == Some(true)
    }
    /// Along which of its own axes, first that where it stands, it is drawn by the interval and not by the value.
    fn spans(&self, _drawn: &Drawn) -> [bool; 2] {
        [false; 2]
    }
    /// The air that it needs at the ends of an axis of numbers, as a share of the span of the values. `aside` says whether the
    /// axis is the horizontal one and the other has categories.
    fn air(&self, _labels: &[String], _horizontal: bool, _aside: bool) -> f64 {
        0.0
    }
    /// What contradicts itself, beyond what its description says: a parameter, and what is wrong with it.
    fn problems(&self, _drawn: &Drawn) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// Why it cannot be drawn on axes of which some have categories; its own axes, first that where it stands.
    fn refuses(&self, _drawn: &Drawn, _named: [bool; 2]) -> Option<String> {
        None
    }
    /// Whether it is drawn so that a legend of series explains nothing.
    fn hides_panel(&self) -> bool {
        false
    }
}

/// What the legend knows of a layer.
pub(in crate::figures::plot) struct Sampled<'a> {
    pub drawn: &'a Drawn,
    /// Whether the layer has points of its own.
    pub points: bool,
    /// Whether its axes are exchanged.
    pub flipped: bool,
    /// Whether no layer with another mark has a sign here.
    pub alone: bool,
    /// How the legend is set.
    pub font: Font,
}

impl Sampled<'_> {
    /// The opacity of its sign, where `usual` is that of the mark.
    pub(in crate::figures::plot) fn opacity(&self, usual: f64) -> f64 {
        let own = self.drawn.opacity.as_ref().and_then(|o| o.number());
        own.unwrap_or(usual).clamp(0.0, 1.0)
    }
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
    /// Those of one series at one place, drawn as a distribution.
    Sample,
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

/// The share of a category that its marks take.
const FILLED: f64 = 0.76;
/// The share of a lane that is air, where there are several.
pub(in crate::figures::plot) const LANE_AIR: f64 = 0.08;
/// The widest mark in a category, in points.
const WIDEST: f64 = 44.0;

/// Where the marks of a category stand side by side.
pub(in crate::figures::plot) struct Lanes {
    count: usize,
    /// The width of a lane.
    lane: f64,
    /// The width of a mark in it.
    pub wide: f64,
}

impl Lanes {
    /// The lanes of a category; none on an axis of numbers.
    pub(in crate::figures::plot) fn new(frame: &Frame<'_>, layer: &Drawing<'_>) -> Option<Self> {
        let band = frame.band()?;
        let count = layer.lanes.1.max(1);
        let lane = band * FILLED / count as f64;
        let filled = if count > 1 { 1.0 - LANE_AIR } else { 0.85 };
        let wide = (lane * filled).min(WIDEST);
        Some(Self { count, lane, wide })
    }

    /// How wide the marks of a category are together, with the air between them and half of it on each side.
    pub(in crate::figures::plot) fn together(&self) -> f64 {
        if self.count == 1 {
            self.wide
        } else {
            self.lane.min(WIDEST / (1.0 - LANE_AIR)) * self.count as f64
        }
    }

    /// The distance of a lane from the middle of its category.
    pub(in crate::figures::plot) fn shift(&self, lane: usize) -> f64 {
        if self.count == 1 {
            return 0.0;
        }
        // Lanes lie side by side even where marks are kept narrow.
        (lane as f64 - (self.count as f64 - 1.0) / 2.0) * self.lane.min(WIDEST / (1.0 - LANE_AIR))
    }
}

/// How far a row's mark stands from the middle of its category.
pub(in crate::figures::plot) fn shift(frame: &Frame<'_>, row: &Row, layer: &Drawing<'_>) -> f64 {
    let lane = layer.lanes.0.get(row.series).copied().unwrap_or_default();
    Lanes::new(frame, layer).map_or(0.0, |lanes| lanes.shift(lane))
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

/// The intervals around `y` in Vega-Lite, if there are any, with caps so many points wide.
pub(in crate::figures::plot) fn error_form(rows: &[Row], cap: f64) -> Option<vega::Unit> {
    use vega::{Part, Tells};
    let rows: Vec<Row> = rows
        .iter()
        .filter(|row| row.y_interval.is_some())
        .copied()
        .collect();
    let form = vega::Unit::new("errorbar", &rows)
        .with(
            "ticks",
            serde_json::json!({ "size": cap, "thickness": 0.9 }),
        )
        .with("rule", serde_json::json!({ "strokeWidth": 0.9 }))
        .at("x", Part::X)
        .at("y", Part::YLow)
        .at("y2", Part::YHigh)
        .tells(&[Tells::Lane]);
    (!rows.is_empty()).then_some(form)
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

//! What a mark is, and what it is given to draw.

use plotters::style::RGBColor;

use super::about::About;
use super::frame::Frame;
use super::row::Row;
use crate::figures::plot::form;
use crate::figures::plot::palette::Look;
use crate::figures::plot::scale::Spread;
use crate::figures::plot::scene::Place;
use crate::figures::plot::scene::Shape;
use crate::figures::plot::shades::Shades;
use crate::figures::plot::spec::Drawn;
use crate::figures::plot::text::Face;
use crate::figures::plot::text::Font;

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
    ) -> Vec<form::Unit> {
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

/// The intervals around `y` in Vega-Lite, if there are any, with caps so many points wide.
pub(in crate::figures::plot) fn error_form(rows: &[Row], cap: f64) -> Option<form::Unit> {
    use form::{Part, Tells};
    let rows: Vec<Row> = rows
        .iter()
        .filter(|row| row.y_interval.is_some())
        .copied()
        .collect();
    let form = form::Unit::new("errorbar", &rows)
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

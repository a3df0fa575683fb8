//! A band from the lower to the upper ends of intervals along an axis, one for each series.

use plotters::style::Color;

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Mark, Sampled};
use super::curve::{self, Path};
use super::frame::Frame;
use super::row::{Row, averaged, ordered, unbroken};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Channel, Drawn};

/// How opaque a band is.
const USUALLY: f64 = 0.25;

pub(super) struct Band;

impl Mark for Band {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "band",
            doc: "A band from the lower to the upper ends of the intervals of `y`, one for each series, without a line.",
            y: Side::Number,
            takes: &["color", "tint", "opacity"],
            intervals: &["y"],
            unit: Unit::Place,
            outside: Outside::Cut,
            ..USUAL
        };
        &ABOUT
    }

    fn problems(&self, drawn: &Drawn) -> Vec<(&'static str, String)> {
        if drawn.y.as_ref().is_none_or(Channel::has_interval) {
            return Vec::new();
        }
        let why = "the mark `band` needs an interval around `y`: `error`, or `low` and `high`";
        vec![("y", why.to_owned())]
    }

    fn spans(&self, _: &Drawn) -> [bool; 2] {
        [false, true]
    }

    fn prepared(&self, rows: &[Row], _: &Drawn) -> Vec<Row> {
        averaged(rows)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let scale = &frame.x().scale;
        let y = &frame.y().scale;
        let whole = |row: &Row| {
            row.x.is_some_and(|x| scale.place(x).is_some())
                && row
                    .y_interval
                    .is_some_and(|(_, high)| y.place(high).is_some())
        };
        let mut shapes = Vec::new();
        for series in 0..layer.looks.len() {
            let line = ordered(rows, series);
            for part in unbroken(&line, whole) {
                shapes.extend(curve::band(frame, part, layer, (Path::Straight, USUALLY)));
            }
        }
        shapes
    }

    fn vega(&self, _: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let band = Form::new("errorband", rows)
            .with("opacity", USUALLY * layer.opacity(None, 1.0))
            .at("x", Part::X)
            .at("y", Part::YLow)
            .at("y2", Part::YHigh)
            .tells(&[Tells::Color]);
        vec![band]
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let area = Area {
            left: x,
            right: x + width,
            top: y - 4.0,
            bottom: y + 4.0,
        };
        let opacity = USUALLY * layer.opacity(1.0);
        vec![Shape::Box(area, look.color.mix(opacity))]
    }

    fn has_points(&self, _: &[Row], _: &Drawn) -> bool {
        false
    }
}

//! Filled rectangles from the intervals of both axes, or bands from that of one through the whole panel.

use plotters::style::{Color, RGBColor};

use super::about::{About, Side, USUAL};
use super::contract::{Drawing, Mark, Sampled};
use super::frame::Frame;
use super::row::Row;
use super::rule::cut;
use crate::figures::plot::axis::{Axis, Spot};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Channel, Drawn};

/// The colour of rectangles without one of their own.
const GREY: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
/// How opaque they are.
const USUALLY: f64 = 0.18;

pub(super) struct Rect;

impl Mark for Rect {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "rect",
            doc: "A filled rectangle over the intervals of `x` and `y`; with one of them, a band through the whole panel. A category is as wide as its place.",
            x: Side::Optional,
            y: Side::Optional,
            takes: &["color", "tint", "opacity"],
            intervals: &["x", "y"],
            ..USUAL
        };
        &ABOUT
    }

    fn refuses(&self, drawn: &Drawn, named: [bool; 2]) -> Option<String> {
        let sides = [("x", &drawn.x), ("y", &drawn.y)];
        let mut sides = sides.into_iter().zip(named);
        let thin = sides.find(|((_, side), named)| {
            side.is_some() && !named && !side.as_ref().is_some_and(Channel::has_interval)
        });
        thin.map(|((name, _), _)| {
            format!("the mark `rect` needs an interval of `{name}`, from where to where it reaches: `low` and `high`, or `error`")
        })
    }

    fn spans(&self, drawn: &Drawn) -> [bool; 2] {
        [&drawn.x, &drawn.y].map(|side| side.as_ref().is_some_and(Channel::has_interval))
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let [spans_x, spans_y] = self.spans(layer.drawn);
        let extent = |axis: &Axis, given: bool, spans: bool, value: Option<f64>, interval| {
            let extent = match (given, spans) {
                (false, _) => Some(axis.scale.ends()),
                (true, true) => interval,
                (true, false) => value.map(|place| (place - 0.5, place + 0.5)),
            };
            extent.and_then(|extent| cut(extent, &axis.scale))
        };
        let mut shapes = Vec::new();
        let (has_x, has_y) = (layer.drawn.x.is_some(), layer.drawn.y.is_some());
        for row in rows {
            let x = extent(frame.x(), has_x, spans_x, row.x, row.x_interval);
            let y = extent(frame.y(), has_y, spans_y, row.y, row.y_interval);
            let (Some([left, right]), Some([low, high])) = (x, y) else {
                continue;
            };
            let from = (Spot::of(left), Spot::of(low));
            let to = (Spot::of(right), Spot::of(high));
            let opacity = layer.opacity(Some(row), USUALLY);
            let color = layer.color_or(row, GREY).mix(opacity);
            shapes.push(Shape::Box(frame.area(from, to), color));
        }
        shapes
    }

    fn vega(&self, _: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let drawn = layer.drawn;
        let [spans_x, spans_y] = self.spans(drawn);
        let mut form = Form::new("rect", rows)
            .with("opacity", layer.opacity(None, USUALLY))
            .tells(&[Tells::Color, Tells::Opacity]);
        if drawn.color.is_none() && drawn.tint.is_none() {
            form = form.plain(GREY);
        }
        form = match (spans_x, &drawn.x) {
            (true, _) => form.at("x", Part::XLow).at("x2", Part::XHigh),
            (false, Some(_)) => form.at("x", Part::X),
            (false, None) => form,
        };
        form = match (spans_y, &drawn.y) {
            (true, _) => form.at("y", Part::YLow).at("y2", Part::YHigh),
            (false, Some(_)) => form.at("y", Part::Y),
            (false, None) => form,
        };
        vec![form]
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let area = Area {
            left: x + 2.0,
            right: x + width - 2.0,
            top: y - 4.0,
            bottom: y + 4.0,
        };
        vec![Shape::Box(area, look.color.mix(layer.opacity(USUALLY)))]
    }

    fn has_points(&self, _: &[Row], _: &Drawn) -> bool {
        false
    }
}

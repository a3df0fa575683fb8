//! Straight lines at the values of a column: upright, across, or from one end of an interval to the other.

use plotters::style::RGBColor;

use super::about::{About, Side, USUAL};
use super::contract::{Drawing, Mark, Sampled};
use super::frame::Frame;
use super::row::Row;
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scale::Scale;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Channel, Drawn};

/// The colour of rules without one of their own.
const GREY: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
const WIDTH: f64 = 1.1;

pub(super) struct Rule;

/// Whether `x` and `y` have an interval.
fn intervals(drawn: &Drawn) -> [bool; 2] {
    [&drawn.x, &drawn.y].map(|side| side.as_ref().is_some_and(Channel::has_interval))
}

impl Mark for Rule {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "rule",
            doc: "Straight lines: upright at `x` or across at `y` through the panel; with both, as long as the interval of one of them, or as wide as a category.",
            x: Side::Optional,
            y: Side::Optional,
            takes: &["color", "dash", "tint", "opacity"],
            intervals: &["x", "y"],
            ..USUAL
        };
        &ABOUT
    }

    fn problems(&self, drawn: &Drawn) -> Vec<(&'static str, String)> {
        let why = match intervals(drawn).into() {
            (true, true) => "a rule goes along one axis: give the interval of `x` or of `y`",
            (true, false) if drawn.y.is_none() => {
                "a rule from one end of the interval of `x` to the other needs `y`, where it lies"
            }
            (false, true) if drawn.x.is_none() => {
                "a rule from one end of the interval of `y` to the other needs `x`, where it stands"
            }
            _ => return Vec::new(),
        };
        let side = if drawn.x.is_none() { "y" } else { "x" };
        vec![(side, why.to_owned())]
    }

    fn refuses(&self, drawn: &Drawn, named: [bool; 2]) -> Option<String> {
        let has_both = drawn.x.is_some() && drawn.y.is_some();
        let has_extent = intervals(drawn).contains(&true);
        (has_both && !has_extent && named[0] == named[1]).then(|| {
            "a rule at both `x` and `y` has no length: leave one of them out, or give one its interval (`error`, or `low` and `high`)".to_owned()
        })
    }

    fn spans(&self, drawn: &Drawn) -> [bool; 2] {
        intervals(drawn)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let drawn = layer.drawn;
        let (x_axis, y_axis) = (frame.x(), frame.y());
        let [spans_x, spans_y] = self.spans(drawn);
        // Along which axis it goes, and how far.
        let upright = match (&drawn.x, &drawn.y) {
            (Some(_), Some(_)) if spans_x || spans_y => spans_y,
            (Some(_), Some(_)) => y_axis.named(),
            (x, _) => x.is_some(),
        };
        let mut shapes = Vec::new();
        for row in rows {
            let (at, other) = if upright {
                (row.x, (row.y, row.y_interval))
            } else {
                (row.y, (row.x, row.x_interval))
            };
            let (stands, along) = if upright {
                (x_axis, y_axis)
            } else {
                (y_axis, x_axis)
            };
            let has_other = if upright { &drawn.y } else { &drawn.x }.is_some();
            let extent = match other {
                _ if !has_other => Some(along.scale.ends()),
                (_, interval) if spans_x || spans_y => interval,
                (place, _) => place.map(|place| (place - 0.46, place + 0.46)),
            };
            let Some(at) = at.filter(|at| stands.scale.holds(*at)) else {
                continue;
            };
            let Some(ends) = extent.and_then(|extent| cut(extent, &along.scale)) else {
                continue;
            };
            let places = ends.map(|end| {
                let (x, y) = if upright { (at, end) } else { (end, at) };
                frame.place(Spot::of(x), Spot::of(y))
            });
            let stroke = Stroke {
                opacity: layer.opacity(Some(row), 1.0),
                dash: dash(&layer.looks[row.series], drawn),
                ..Stroke::new(layer.color_or(row, GREY), WIDTH)
            };
            shapes.push(Shape::Line(places.to_vec(), stroke));
        }
        shapes
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let drawn = layer.drawn;
        let [spans_x, spans_y] = self.spans(drawn);
        let mut form = Form::new("rule", rows)
            .with("strokeWidth", WIDTH)
            .tells(&[Tells::Color, Tells::Opacity]);
        if drawn.color.is_some() || drawn.dash.is_some() {
            form = form.tells(&[Tells::Dash]);
        }
        if drawn.color.is_none() && drawn.tint.is_none() {
            form = form.plain(GREY);
        }
        let both = drawn.x.is_some() && drawn.y.is_some();
        form = match (both, spans_x, spans_y) {
            (_, true, _) => form.at("x", Part::XLow).at("x2", Part::XHigh),
            (true, false, false) if frame.x().named() => form.at("x", Part::X).at("x2", Part::X),
            _ if drawn.x.is_some() => form.at("x", Part::X),
            _ => form,
        };
        form = match (both, spans_x, spans_y) {
            (_, _, true) => form.at("y", Part::YLow).at("y2", Part::YHigh),
            (true, false, false) if frame.y().named() => form.at("y", Part::Y).at("y2", Part::Y),
            _ if drawn.y.is_some() => form.at("y", Part::Y),
            _ => form,
        };
        vec![form]
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let plain = layer.drawn.color.is_none() && layer.drawn.tint.is_none();
        let stroke = Stroke {
            opacity: layer.opacity(1.0),
            dash: dash(look, layer.drawn),
            ..Stroke::new(if plain { GREY } else { look.color }, WIDTH)
        };
        vec![Shape::Line(vec![(x, y), (x + width, y)], stroke)]
    }

    fn has_points(&self, _: &[Row], _: &Drawn) -> bool {
        false
    }
}

/// The dashes of a rule: those of its series where some column tells series apart.
fn dash(look: &Look, drawn: &Drawn) -> &'static str {
    if drawn.color.is_some() || drawn.dash.is_some() {
        look.dash
    } else {
        ""
    }
}

/// The part of an interval that lies on an axis.
pub(super) fn cut((low, high): (f64, f64), scale: &Scale) -> Option<[f64; 2]> {
    let (start, end) = scale.ends();
    (high >= start && low <= end).then(|| [low.max(start), high.min(end)])
}

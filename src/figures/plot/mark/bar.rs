//! A bar for each value, side by side by series or on one another, with caps for errors.

use plotters::style::Color;

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Mark, Sampled, error_form};
use super::frame::{Frame, error_bar};
use super::lanes::Lanes;
use super::row::{Row, averaged};
use super::spread::all_rows;
use super::stack::stacked;
use crate::figures::plot::axis::Spot;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::INK;
use crate::figures::plot::form::{Part, Tells, Unit as Form, hex as color};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;

pub(super) struct Bar;

impl Mark for Bar {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "bar",
            doc: "A bar for each value, side by side by series or on one another, with caps for errors.",
            x: Side::Category,
            y: Side::Number,
            takes: &[
                "color",
                "tint",
                "opacity",
                "points",
                "jitter",
                "swarm",
                "stack",
                "horizontal",
            ],
            intervals: &["y"],
            zero: true,
            unit: Unit::Place,
            outside: Outside::Cut,
            ..USUAL
        };
        &ABOUT
    }

    fn prepared(&self, rows: &[Row], drawn: &Drawn) -> Vec<Row> {
        stacked(averaged(rows), drawn.stack)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let Some(lanes) = Lanes::new(frame, layer) else {
            return Vec::new();
        };
        let (bottom, top) = frame.y().scale.ends();
        let foot = frame.foot();
        let (mut bars, mut caps) = (Vec::new(), Vec::new());
        for row in rows {
            let (Some((x, _)), Some(y)) = (frame.at(row.x, row.y), row.y) else {
                continue;
            };
            let x = x.by(lanes.shift(layer.lanes.0[row.series]));
            let half = lanes.wide / 2.0;
            let end = Spot::of(y.clamp(bottom, top));
            let begin = Spot::of(row.base.unwrap_or(foot).clamp(bottom, top));
            let area = frame.area((x.by(-half), end), (x.by(half), begin));
            let opacity = layer.opacity(Some(row), 1.0);
            bars.push(Shape::Box(area, layer.color(row).mix(opacity)));
            if let Some(ends) = row.y_interval {
                caps.extend(error_bar(frame, x, ends, (INK, (half / 2.0).min(3.0))));
            }
        }
        bars.extend(caps);
        bars
    }

    fn draw_points(
        &self,
        frame: &Frame<'_>,
        _: &[Row],
        raw: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        all_rows(frame, raw, layer)
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], raw: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let Some(lanes) = Lanes::new(frame, layer) else {
            return Vec::new();
        };
        let bar = Form::new("bar", rows)
            .at("x", Part::X)
            .at("y", Part::Y)
            .tells(&[Tells::Color, Tells::Opacity, Tells::Lane]);
        let mut forms = vec![if rows.iter().any(|row| row.base.is_some()) {
            bar.at("y2", Part::Base)
        } else {
            bar
        }];
        forms.extend(
            error_form(rows, (lanes.wide / 2.0).min(6.0))
                .map(|form| form.with("color", color(INK))),
        );
        if layer.drawn.points == Some(true) {
            let aside = super::spread::aside(frame, raw, layer);
            let points = Form::new("point", raw)
                .with("filled", true)
                .with("size", 9)
                .with("color", color(INK))
                .with("opacity", 0.6)
                .with("stroke", "white")
                .with("strokeWidth", 0.5)
                .at("x", Part::X)
                .at("y", Part::Y)
                .aside(aside);
            forms.push(points);
        }
        forms
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let area = Area {
            left: x + width / 2.0 - 4.5,
            right: x + width / 2.0 + 4.5,
            top: y - 3.5,
            bottom: y + 3.5,
        };
        let opacity = layer.drawn.opacity.as_ref().and_then(|o| o.number());
        vec![Shape::Box(area, look.color.mix(opacity.unwrap_or(1.0)))]
    }
}

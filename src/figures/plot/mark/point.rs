//! A point for each row, with lines for errors in either direction.

use super::about::{About, USUAL};
use super::contract::{Drawing, Mark, Sampled, error_form};
use super::frame::{Frame, error_bar, marker};
use super::lanes::shift;
use super::row::Row;
use super::spread::{aside, spread};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::form::{Part, Tells, Unit};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};

/// From this many rows on points are smaller and let others shine through.
const MANY: usize = 200;

pub(super) struct Point;

impl Mark for Point {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "point",
            doc: "A point for each row, with lines for errors in either direction.",
            takes: &[
                "color",
                "shape",
                "tint",
                "size",
                "opacity",
                "jitter",
                "swarm",
                "horizontal",
            ],
            intervals: &["x", "y"],
            ..USUAL
        };
        &ABOUT
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let mut shapes = Vec::new();
        for row in rows {
            let Some((x, y)) = frame.within(row.x, row.y) else {
                continue;
            };
            let color = layer.color(row);
            let x = x.by(shift(frame, row, layer));
            if let Some(ends) = row.y_interval {
                shapes.extend(error_bar(frame, x, ends, (color, 2.0)));
            }
            if let Some((low, high)) = row.x_interval
                && frame.at(Some(low), row.y).is_some()
                && frame.at(Some(high), row.y).is_some()
            {
                let ends = [low, high].map(|end| frame.place(Spot::of(end), y));
                shapes.push(Shape::line(ends, color, 0.9));
            }
        }
        shapes
    }

    fn draw_points(
        &self,
        frame: &Frame<'_>,
        rows: &[Row],
        _: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        let (radius, opacity) = usual(rows);
        let points = spread(frame, rows, layer, layer.radius(None, radius));
        points
            .into_iter()
            .map(|(place, row)| {
                let look = Look {
                    color: layer.color(&row),
                    ..layer.looks[row.series]
                };
                let radius = layer.radius(Some(&row), radius);
                marker(place, radius, &look, layer.opacity(Some(&row), opacity))
            })
            .collect()
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Unit> {
        let mut units = Vec::new();
        units.extend(error_form(rows, 4.0).map(|unit| unit.tells(&[Tells::Color])));
        let across: Vec<Row> = rows
            .iter()
            .filter(|row| row.x_interval.is_some())
            .copied()
            .collect();
        if !across.is_empty() {
            let rule = Unit::new("rule", &across)
                .with("strokeWidth", 0.9)
                .at("x", Part::XLow)
                .at("x2", Part::XHigh)
                .at("y", Part::Y)
                .tells(&[Tells::Color]);
            units.push(rule);
        }
        let (radius, opacity) = usual(rows);
        let point = Unit::new("point", rows)
            .with("filled", true)
            .with("size", 4.0 * radius * radius)
            .with("opacity", opacity)
            .at("x", Part::X)
            .at("y", Part::Y)
            .aside(aside(frame, rows, layer))
            .tells(&[Tells::Color, Tells::Shape, Tells::Size, Tells::Opacity]);
        units.push(point);
        units
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let size = layer.drawn.size.as_ref().and_then(|size| size.number());
        let radius = size.map_or(2.8, |size| (size / 2.0).clamp(0.5, 4.0));
        vec![marker((x + width / 2.0, y), radius, look, 0.9)]
    }
}

/// The radius and the opacity of points, of which many let others shine through.
fn usual(rows: &[Row]) -> (f64, f64) {
    if rows.len() >= MANY {
        (1.8, 0.5)
    } else {
        (2.8, 0.9)
    }
}

//! A point for each row, with lines for errors in either direction.

use super::contract::{About, Drawing, Frame, Mark, Row, Sampled, USUAL, error_bar, marker, shift};
use super::spread::spread;
use crate::figures::plot::axis::Spot;
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
        let (radius, opacity) = if rows.len() >= MANY {
            (1.8, 0.5)
        } else {
            (2.8, 0.9)
        };
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

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let size = layer.drawn.size.as_ref().and_then(|size| size.number());
        let radius = size.map_or(2.8, |size| (size / 2.0).clamp(0.5, 4.0));
        vec![marker((x + width / 2.0, y), radius, look, 0.9)]
    }
}

//! A line through the values of each series, with a band for errors.

use plotters::style::Color;

use super::contract::{
    About, Drawing, Frame, Mark, Outside, Row, Sampled, Side, USUAL, Unit, averaged, marker,
    ordered, unbroken,
};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;

/// Up to this many places every value gets a point of its own.
const FEW: usize = 15;

pub(super) struct Line;

impl Mark for Line {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "line",
            doc: "A line through the values of each series, with a band for errors.",
            y: Side::Number,
            takes: &[
                "color", "shape", "dash", "tint", "size", "opacity", "points",
            ],
            intervals: &["y"],
            unit: Unit::Place,
            outside: Outside::Cut,
            ..USUAL
        };
        &ABOUT
    }

    fn prepared(&self, rows: &[Row], _: &Drawn) -> Vec<Row> {
        averaged(rows)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let lines: Vec<Vec<Row>> = (0..layer.looks.len())
            .map(|series| ordered(rows, series))
            .collect();
        let mut shapes = Vec::new();
        // All bands lie under all lines.
        for line in &lines {
            for part in unbroken(line, |row| {
                frame.at(row.x, row.y).is_some() && row.y_interval.is_some()
            }) {
                shapes.extend(band(frame, part, layer));
            }
        }
        for line in &lines {
            for part in unbroken(line, |row| frame.at(row.x, row.y).is_some()) {
                let places = part
                    .iter()
                    .filter_map(|row| frame.at(row.x, row.y))
                    .map(|(x, y)| frame.place(x, y));
                let stroke = stroke(&layer.looks[part[0].series], layer.drawn);
                shapes.push(Shape::Line(places.collect(), stroke));
            }
        }
        shapes
    }

    fn draw_points(
        &self,
        frame: &Frame<'_>,
        rows: &[Row],
        raw: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        let mut shapes = Vec::new();
        if layer.drawn.points == Some(true) {
            for row in raw {
                if let Some((x, y)) = frame.within(row.x, row.y) {
                    let look = &layer.looks[row.series];
                    shapes.push(marker(frame.place(x, y), 1.5, look, 0.45));
                }
            }
        }
        for (series, look) in layer.looks.iter().enumerate() {
            let line = ordered(rows, series);
            for part in unbroken(&line, |row| frame.at(row.x, row.y).is_some()) {
                // Between two gaps a line has no length.
                if line.len() > FEW && part.len() > 1 {
                    continue;
                }
                for (x, y) in part.iter().filter_map(|row| frame.within(row.x, row.y)) {
                    let radius = layer.radius(None, 2.5);
                    let opacity = layer.opacity(None, 1.0);
                    shapes.push(marker(frame.place(x, y), radius, look, opacity));
                }
            }
        }
        shapes
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let mut shapes = vec![Shape::Line(
            vec![(x, y), (x + width, y)],
            stroke(look, layer.drawn),
        )];
        if layer.points {
            shapes.push(marker((x + width / 2.0, y), 2.4, look, 1.0));
        }
        shapes
    }

    fn has_points(&self, rows: &[Row], _: &Drawn) -> bool {
        let most = rows.iter().map(|row| row.series).max().unwrap_or_default();
        (0..=most).any(|series| {
            let count = rows.iter().filter(|row| row.series == series).count();
            (1..=FEW).contains(&count)
        })
    }
}

/// The stroke of a series.
fn stroke(look: &Look, drawn: &Drawn) -> Stroke {
    let opacity = drawn.opacity.as_ref().and_then(|o| o.number());
    Stroke {
        opacity: opacity.unwrap_or(1.0),
        dash: look.dash,
        ..Stroke::new(look.color, 1.4)
    }
}

fn band(frame: &Frame<'_>, part: &[Row], layer: &Drawing<'_>) -> Option<Shape> {
    let edge = |upper: bool| {
        part.iter().filter_map(move |row| {
            let (low, high) = row.y_interval?;
            let y = if upper { high } else { low };
            Some(frame.place(Spot::of(row.x?), Spot::of(y)))
        })
    };
    let outline: Vec<Place> = edge(true).chain(edge(false).rev()).collect();
    let look = layer.looks.get(part.first()?.series)?;
    if part.len() == 1 {
        // A band of one place has no width: show its height as a stroke.
        Some(Shape::line(outline, look.color, 0.9))
    } else {
        let opacity = 0.18 * layer.opacity(None, 1.0);
        Some(Shape::Filled(outline, look.color.mix(opacity)))
    }
}

//! A line that keeps its value until the next one, with a band for errors.

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Mark, Sampled};
use super::curve::{self, Path};
use super::frame::Frame;
use super::row::{Row, averaged};
use crate::figures::plot::form;
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;

pub(super) struct Step;

impl Mark for Step {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "step",
            doc: "A line that keeps its value until the next one of its series, with a band for errors.",
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
        curve::lines(frame, rows, layer, Path::Steps)
    }

    fn draw_points(
        &self,
        frame: &Frame<'_>,
        rows: &[Row],
        raw: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        curve::points(frame, rows, raw, layer)
    }

    fn vega(
        &self,
        frame: &Frame<'_>,
        rows: &[Row],
        raw: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<form::Unit> {
        curve::forms(frame, rows, raw, layer, Path::Steps)
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let corners = Path::Steps.through(vec![(x, y + 2.5), (x + width / 2.0, y - 2.5)]);
        let corners = corners.into_iter().chain([(x + width, y - 2.5)]);
        let middle = (x + width / 2.0, y - 2.5);
        curve::sample(corners.collect(), middle, look, layer)
    }

    fn has_points(&self, rows: &[Row], drawn: &Drawn) -> bool {
        curve::has_points(rows, drawn)
    }
}

//! Error intervals alone, with caps, side by side by series within a category; with a point at the value if that is wanted.

use plotters::style::{RGBColor, WHITE};

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Mark, Sampled, error_form};
use super::frame::{Frame, error_bar, marker};
use super::lanes::shift;
use super::row::{Row, averaged};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{INK, Stroke};
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Channel, Drawn};

/// Half the width of a cap.
const CAP: f64 = 2.5;
/// The radius of a point.
const RADIUS: f64 = 2.8;
/// The width of the line, and of the white rim that parts it from what lies under it.
const WIDTH: f64 = 1.2;
const RIM: f64 = 2.6;

pub(super) struct Interval;

impl Mark for Interval {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "interval",
            doc: "The intervals around values, with caps, side by side by series; with `points`, a point at each value.",
            y: Side::Number,
            takes: &[
                "color",
                "shape",
                "tint",
                "size",
                "opacity",
                "points",
                "horizontal",
            ],
            intervals: &["y"],
            unit: Unit::Place,
            outside: Outside::Cut,
            ..USUAL
        };
        &ABOUT
    }

    fn problems(&self, drawn: &Drawn) -> Vec<(&'static str, String)> {
        let sides = [("x", &drawn.x), ("y", &drawn.y)];
        let reaches = match drawn.horizontal {
            Some(true) => &sides[..1],
            Some(false) => &sides[1..],
            None => &sides[..],
        };
        if reaches
            .iter()
            .any(|(_, side)| side.as_ref().is_some_and(Channel::has_interval))
        {
            return Vec::new();
        }
        let side = if drawn.horizontal == Some(true) {
            "x"
        } else {
            "y"
        };
        let why = format!(
            "the mark `interval` needs an interval around `{side}`: `error`, or `low` and `high`"
        );
        vec![(side, why)]
    }

    fn spans(&self, drawn: &Drawn) -> [bool; 2] {
        [false, drawn.points != Some(true)]
    }

    fn shows_rows(&self, _: &Drawn) -> bool {
        false
    }

    fn prepared(&self, rows: &[Row], _: &Drawn) -> Vec<Row> {
        averaged(rows)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let (mut rims, mut bars) = (Vec::new(), Vec::new());
        for row in rows {
            let Some((x, interval)) = row.x.zip(row.y_interval) else {
                continue;
            };
            if !frame.x().scale.holds(x) || (row.y.is_none() && !self.spans(layer.drawn)[1]) {
                continue;
            }
            let spot = Spot::of(x).by(shift(frame, row, layer));
            let color = layer.color_or(row, INK);
            let opacity = layer.opacity(Some(row), 1.0);
            let bar = error_bar(frame, spot, interval, (color, CAP));
            rims.extend(drawn_with(&bar, WHITE, RIM, 0.85 * opacity));
            bars.extend(drawn_with(&bar, color, WIDTH, opacity));
        }
        rims.extend(bars);
        rims
    }

    fn draw_points(
        &self,
        frame: &Frame<'_>,
        rows: &[Row],
        _: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        if layer.drawn.points != Some(true) {
            return Vec::new();
        }
        let points = rows.iter().filter_map(|row| {
            let (x, y) = frame.within(row.x, row.y)?;
            let place = frame.place(x.by(shift(frame, row, layer)), y);
            let look = Look {
                color: layer.color_or(row, INK),
                ..layer.looks[row.series]
            };
            let radius = layer.radius(Some(row), RADIUS);
            Some(marker(place, radius, &look, layer.opacity(Some(row), 1.0)))
        });
        points.collect()
    }

    fn vega(&self, _: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let plain = layer.drawn.color.is_none() && layer.drawn.tint.is_none();
        let look = |form: Form| {
            let form = form.tells(&[Tells::Color, Tells::Opacity, Tells::Lane]);
            if plain { form.plain(INK) } else { form }
        };
        let mut forms: Vec<Form> = error_form(rows, 2.0 * CAP).into_iter().map(look).collect();
        if layer.drawn.points == Some(true) {
            let radius = layer.radius(None, RADIUS);
            let point = Form::new("point", rows)
                .with("filled", true)
                .with("size", 4.0 * radius * radius)
                .at("x", Part::X)
                .at("y", Part::Y)
                .tells(&[Tells::Shape, Tells::Size]);
            forms.push(look(point));
        }
        forms
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let middle = (x + width / 2.0, y);
        let turned = |(along, aside): (f64, f64)| {
            if layer.flipped {
                (middle.0 + along, middle.1 + aside)
            } else {
                (middle.0 + aside, middle.1 + along)
            }
        };
        let reach = 4.5;
        let stroke = Stroke {
            opacity: layer.opacity(1.0),
            ..Stroke::new(look.color, WIDTH)
        };
        let line = |from, to| Shape::Line(vec![turned(from), turned(to)], stroke);
        let mut shapes = vec![line((-reach, 0.0), (reach, 0.0))];
        shapes.extend([-reach, reach].map(|end| line((end, -CAP), (end, CAP))));
        if layer.points {
            shapes.push(marker(middle, 2.4, look, 1.0));
        }
        shapes
    }

    fn has_points(&self, _: &[Row], drawn: &Drawn) -> bool {
        drawn.points == Some(true)
    }
}

/// Lines in another colour and width.
fn drawn_with(lines: &[Shape], color: RGBColor, width: f64, opacity: f64) -> Vec<Shape> {
    let lines = lines.iter().filter_map(|shape| match shape {
        Shape::Line(places, _) => {
            let stroke = Stroke::new(color, width);
            Some(Shape::Line(places.clone(), Stroke { opacity, ..stroke }))
        }
        _ => None,
    });
    lines.collect()
}

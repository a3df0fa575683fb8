//! The area between the values of each series and zero, over one another or on one another.

use std::collections::BTreeMap;

use plotters::style::Color;

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Mark, Sampled};
use super::curve::stroke;
use super::frame::{Frame, marker};
use super::row::{Row, averaged, ordered, unbroken};
use super::stack::stacked;
use crate::figures::plot::axis::Spot;
use crate::figures::plot::canvas::Area as Rectangle;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Drawn, Stack};

/// How opaque areas are that lie over one another, and those that stand on one another.
const OVER: f64 = 0.3;
const ON: f64 = 0.85;

pub(super) struct Area;

fn stacks(drawn: &Drawn) -> bool {
    matches!(drawn.stack, Some(Stack::Sum | Stack::Share))
}

impl Mark for Area {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "area",
            doc: "The area between the values of each series and zero; with `stack`, on one another, where a series goes straight from one of its values to the next.",
            y: Side::Number,
            takes: &["color", "tint", "opacity", "stack"],
            zero: true,
            unit: Unit::Place,
            outside: Outside::Cut,
            ..USUAL
        };
        &ABOUT
    }

    fn prepared(&self, rows: &[Row], drawn: &Drawn) -> Vec<Row> {
        let rows = averaged(rows);
        if !stacks(drawn) {
            return rows;
        }
        let rows = without_unknown(aligned(rows), drawn.stack == Some(Stack::Share));
        stacked(rows, drawn.stack)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let foot = frame.foot();
        let (mut areas, mut edges) = (Vec::new(), Vec::new());
        for series in 0..layer.looks.len() {
            let line = ordered(rows, series);
            let look = &layer.looks[series];
            for part in unbroken(&line, |row| frame.at(row.x, row.y).is_some()) {
                let edge = |y: fn(&Row) -> Option<f64>| -> Vec<Place> {
                    let places = part.iter().filter_map(|row| {
                        let y = y(row).unwrap_or(foot);
                        Some(frame.place(Spot::of(row.x?), Spot::of(y)))
                    });
                    places.collect()
                };
                let top = edge(|row| row.y);
                let usual = if stacks(layer.drawn) { ON } else { OVER };
                let color = look.color.mix(layer.opacity(None, usual));
                if part.len() == 1 {
                    // An area of one place has no width: show its height as a stroke.
                    let ends = [edge(|row| row.base), top].concat();
                    edges.push(Shape::line(ends, look.color, 1.4));
                    continue;
                }
                if !stacks(layer.drawn) {
                    edges.push(Shape::Line(top.clone(), outline(look, layer.drawn)));
                }
                let bottom = edge(|row| row.base).into_iter().rev();
                areas.push(Shape::Filled(
                    top.into_iter().chain(bottom).collect(),
                    color,
                ));
            }
        }
        areas.extend(edges);
        areas
    }

    fn draw_points(
        &self,
        frame: &Frame<'_>,
        rows: &[Row],
        _: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        let mut shapes = Vec::new();
        for (series, look) in layer.looks.iter().enumerate() {
            let line = ordered(rows, series);
            let parts = unbroken(&line, |row| frame.at(row.x, row.y).is_some());
            for part in parts.into_iter().filter(|part| part.len() == 1) {
                if let Some((x, y)) = frame.within(part[0].x, part[0].y) {
                    shapes.push(marker(frame.place(x, y), 2.0, look, 1.0));
                }
            }
        }
        shapes
    }

    fn vega(&self, _: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let area = Form::new("area", rows)
            .at("x", Part::X)
            .at("y", Part::Y)
            .tells(&[Tells::Color]);
        if stacks(layer.drawn) {
            let opacity = layer.opacity(None, ON);
            return vec![area.at("y2", Part::Base).with("opacity", opacity)];
        }
        let line = Form::new("line", rows)
            .with("strokeWidth", 1.2)
            .at("x", Part::X)
            .at("y", Part::Y)
            .tells(&[Tells::Color]);
        vec![area.with("opacity", layer.opacity(None, OVER)), line]
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let (left, right) = (x + 2.0, x + width - 2.0);
        let (top, bottom) = (y - 3.5, y + 3.5);
        let area = Rectangle {
            left,
            right,
            top,
            bottom,
        };
        let over = !stacks(layer.drawn);
        let opacity = layer.opacity(if over { OVER } else { ON });
        let mut shapes = vec![Shape::Box(area, look.color.mix(opacity))];
        if over {
            let edge = vec![(left, top), (right, top)];
            shapes.push(Shape::Line(edge, outline(look, layer.drawn)));
        }
        shapes
    }

    fn has_points(&self, _: &[Row], _: &Drawn) -> bool {
        false
    }
}

/// The upper edge of an area: a full line, however opaque the area is.
fn outline(look: &Look, drawn: &Drawn) -> Stroke {
    Stroke {
        opacity: 1.0,
        dash: "",
        width: 1.2,
        ..stroke(look, drawn)
    }
}

/// The rows, with those between that a series has no row for though others of its panel have: where it passes on its way.
fn aligned(rows: Vec<Row>) -> Vec<Row> {
    // The places of each panel, and the lines of each series.
    let mut places: BTreeMap<usize, BTreeMap<usize, f64>> = BTreeMap::new();
    let mut lines: BTreeMap<(usize, usize), Vec<Row>> = BTreeMap::new();
    for row in rows {
        if let Some(x) = row.x {
            places.entry(row.panel).or_default().insert(row.x_key, x);
            lines.entry((row.panel, row.series)).or_default().push(row);
        }
    }
    let mut all = Vec::new();
    for ((panel, series), line) in lines {
        let line = ordered(&line, series);
        for pair in line.windows(2) {
            let Some((from, to)) = pair[0].x.zip(pair[1].x) else {
                continue;
            };
            // Beside an unknown value its way is unknown as well.
            let ends = pair[0].y.zip(pair[1].y);
            let between = places[&panel].iter();
            let between = between.filter(|(_, x)| (from < **x) && (**x < to));
            all.extend(between.map(|(key, x)| {
                let share = (x - from) / (to - from);
                Row {
                    x: Some(*x),
                    x_key: *key,
                    y: ends.map(|(low, high)| low + (high - low) * share),
                    ..pair[0]
                }
            }));
        }
        all.extend(line);
    }
    all
}

/// The rows without the values of those that would stand on an unknown one: series after it at the same place, and of shares all.
fn without_unknown(mut rows: Vec<Row>, share: bool) -> Vec<Row> {
    let mut unknown: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.y.is_none()) {
        let first = unknown.entry((row.panel, row.x_key)).or_insert(row.series);
        *first = row.series.min(*first);
    }
    for row in &mut rows {
        let first = unknown.get(&(row.panel, row.x_key));
        if first.is_some_and(|first| share || row.series > *first) {
            row.y = None;
        }
    }
    rows
}

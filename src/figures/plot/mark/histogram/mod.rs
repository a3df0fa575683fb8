//! How many rows lie in each of even bins along `x`, or along `y` if that alone is given.
//!
//! All panels and series have the same bins. On a logarithmic axis they are even in the logarithm.

use std::collections::{BTreeMap, BTreeSet};

use plotters::style::Color;

use super::about::{About, Side, USUAL, Unit};
use super::bins::{bin, edges};
use super::contract::{Basis, Drawing, Mark, Sampled};
use super::frame::Frame;
use super::row::Row;
use super::stack::stacked;
use crate::figures::plot::axis::Spot;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Drawn, Stack};

/// How opaque the bars of several series over one another are.
const THROUGH: f64 = 0.4;
/// Bars that are wider than this have a little air between them.
const AIRY: f64 = 4.0;

pub(super) struct Histogram;

impl Mark for Histogram {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "histogram",
            doc: "How many rows lie in each of even bins, along `x` or along `y`. Without `bins` their width is that of numpy's `auto`: by Freedman and Diaconis, and by Sturges where there are few rows. Series lie over one another, or on one another with `stack`. Bins of whole numbers have a whole width, and there may be fewer than `bins`. A `domain` is what the bins divide.",
            x: Side::Number,
            y: Side::Computed,
            takes: &["color", "tint", "opacity", "bins", "stack"],
            zero: true,
            unit: Unit::Sample,
            computed: "count",
            ..USUAL
        };
        &ABOUT
    }

    fn computed(&self, rows: &[Row], drawn: &Drawn, along: &Basis) -> Vec<Row> {
        let outside = |value: f64| {
            let ends = along.domain;
            ends.is_some_and(|[low, high]| value < low || value > high)
        };
        let even = |row: &Row| {
            let value = row.x.filter(|value| !outside(*value))?;
            along.spread.even(value)
        };
        // A row that is in all panels counts once for the bins.
        let mut known = BTreeSet::new();
        let once = rows.iter().filter(|row| known.insert(row.row));
        let mut values: Vec<f64> = once.filter_map(even).collect();
        values.sort_by(f64::total_cmp);
        let edges = edges(&values, drawn.bins, along);
        let mut counts: BTreeMap<(usize, usize, usize), (Row, f64)> = BTreeMap::new();
        for row in rows {
            if let Some(at) = even(row).and_then(|value| bin(&edges, value)) {
                let key = (row.panel, row.series, at);
                counts.entry(key).or_insert((*row, 0.0)).1 += 1.0;
            }
        }
        let value = |even: f64| along.spread.value(even);
        let rows = counts.into_iter().map(|((_, _, at), (row, count))| {
            let (low, high) = (edges[at], edges[at + 1]);
            Row {
                x: Some(value(low / 2.0 + high / 2.0)),
                x_key: at,
                x_interval: Some((value(low), value(high))),
                y: Some(count),
                opacity: None,
                ..row
            }
        });
        stacked(rows.collect(), drawn.stack)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let (bottom, top) = frame.y().scale.ends();
        let foot = frame.foot();
        let through = layer.looks.len() > 1 && is_overlaid(layer.drawn);
        let opacity = layer.opacity(None, if through { THROUGH } else { 1.0 });
        let mut shapes = Vec::new();
        for row in rows {
            let (Some((low, high)), Some(y)) = (row.x_interval, row.y) else {
                continue;
            };
            let end = Spot::of(y.clamp(bottom, top));
            let begin = Spot::of(row.base.unwrap_or(foot).clamp(bottom, top));
            let area = frame.area((Spot::of(low), end), (Spot::of(high), begin));
            let area = if through {
                area
            } else {
                apart(area, frame.flipped)
            };
            let color = layer.looks[row.series].color;
            shapes.push(Shape::Box(area, color.mix(opacity)));
        }
        if through {
            for series in 0..layer.looks.len() {
                shapes.extend(outlines(frame, rows, series, layer));
            }
        }
        shapes
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let through = layer.looks.len() > 1 && is_overlaid(layer.drawn);
        let opacity = layer.opacity(None, if through { THROUGH } else { 1.0 });
        let form = Form::new("rect", rows)
            .with("opacity", opacity)
            .at("x", Part::XLow)
            .at("x2", Part::XHigh)
            .at("y", Part::Y)
            .called(&[(Part::XLow, "from"), (Part::XHigh, "to")])
            .tells(&[Tells::Color]);
        if rows.iter().any(|row| row.base.is_some()) {
            return vec![form.at("y2", Part::Base)];
        }
        let foot = if frame.flipped { "x2" } else { "y2" };
        vec![form.encode(foot, serde_json::json!({ "datum": frame.foot() }))]
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let area = Area {
            left: x + width / 2.0 - 4.5,
            right: x + width / 2.0 + 4.5,
            top: y - 3.5,
            bottom: y + 3.5,
        };
        let through = is_overlaid(layer.drawn);
        let opacity = layer.drawn.opacity.as_ref().and_then(|o| o.number());
        let opacity = opacity.unwrap_or(if through { THROUGH } else { 1.0 });
        let mut shapes = vec![Shape::Box(area, look.color.mix(opacity))];
        if through {
            let outline = vec![
                (area.left, area.bottom),
                (area.left, area.top),
                (area.right, area.top),
                (area.right, area.bottom),
            ];
            shapes.push(Shape::line(outline, look.color, 1.0));
        }
        shapes
    }
}

/// Whether series lie over one another.
fn is_overlaid(drawn: &Drawn) -> bool {
    matches!(drawn.stack, None | Some(Stack::None))
}

/// A bar with air to its neighbours, if it is wide enough.
fn apart(area: Area, flipped: bool) -> Area {
    let air = 0.25;
    if flipped && area.height() > AIRY {
        Area {
            top: area.top + air,
            bottom: area.bottom - air,
            ..area
        }
    } else if !flipped && area.width() > AIRY {
        Area {
            left: area.left + air,
            right: area.right - air,
            ..area
        }
    } else {
        area
    }
}

/// The tops of the bars of one series, down to the foot where a bin is empty.
fn outlines(frame: &Frame<'_>, rows: &[Row], series: usize, layer: &Drawing<'_>) -> Vec<Shape> {
    let (bottom, top) = frame.y().scale.ends();
    let foot = Spot::of(frame.foot());
    let mut own: Vec<&Row> = rows.iter().filter(|row| row.series == series).collect();
    own.sort_by_key(|row| row.x_key);
    let runs = own.chunk_by(|one, next| one.x_key + 1 == next.x_key);
    let stroke = Stroke::new(layer.looks[series].color, 1.0);
    runs.filter_map(|run| {
        let ends = (run.first()?.x_interval?.0, run.last()?.x_interval?.1);
        let mut places = vec![frame.place(Spot::of(ends.0), foot)];
        for row in run {
            let (low, high) = row.x_interval?;
            let y = Spot::of(row.y?.clamp(bottom, top));
            places.extend([low, high].map(|x| frame.place(Spot::of(x), y)));
        }
        places.push(frame.place(Spot::of(ends.1), foot));
        Some(Shape::Line(places, stroke))
    })
    .collect()
}

#[cfg(test)]
mod tests;

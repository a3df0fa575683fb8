//! The kernel density of the values of each series at each category, on both sides of a line.
//!
//! All violins of a panel have the same area and end at the lowest and the highest value. On a logarithmic axis the density is
//! that of the logarithms.

mod forms;

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Lack, Mark, Sampled};
use super::frame::Frame;
use super::row::Row;
use super::sample::{ENOUGH, FEW, Ground, Sample, light, points, samples};
use super::spread::all_rows;
use super::statistics::{Quartiles, bandwidth, density, places};
use crate::figures::plot::element::{INK, Stroke};
use crate::figures::plot::form::Unit as Form;
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;

/// How strong the colour inside a violin is.
const FILL: f64 = 0.4;

pub(super) struct Violin;

impl Mark for Violin {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "violin",
            doc: "The kernel density of the rows at a place, on both sides of a line from the lowest to the highest value. All violins of a panel have the same area. Inside stands a small box with the quartiles, the median in white and whiskers; with `points`, lines at the quartiles. Fewer than five rows are shown as points with their median.",
            x: Side::Category,
            y: Side::Number,
            takes: &[
                "color",
                "tint",
                "opacity",
                "points",
                "jitter",
                "swarm",
                "horizontal",
                "bandwidth",
            ],
            unit: Unit::Sample,
            outside: Outside::Cut,
            ..USUAL
        };
        &ABOUT
    }

    fn lacks(&self, values: &[f64], drawn: &Drawn) -> Option<Lack> {
        if values.len() < ENOUGH {
            return Some(FEW);
        }
        curve(values, drawn).is_none().then_some(Lack {
            why: "equal values, shown as a line",
            shown: true,
        })
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let Some(ground) = Ground::new(frame, layer) else {
            return Vec::new();
        };
        let samples = samples(rows, ground.spread);
        let curves: Vec<Option<Vec<(f64, f64)>>> = samples
            .iter()
            .map(|sample| {
                let enough = !sample.is_small();
                enough.then(|| curve(&sample.even, layer.drawn))?
            })
            .collect();
        // One measure for all, or their areas would not compare.
        let densities = curves
            .iter()
            .flatten()
            .flatten()
            .map(|(_, density)| *density);
        let highest = densities.fold(0.0, f64::max);
        let mut shapes = Vec::new();
        for (sample, curve) in samples.iter().zip(&curves) {
            if sample.is_small() {
                shapes.extend(ground.small(sample, layer));
                continue;
            }
            shapes.extend(body(&ground, sample, curve.as_deref(), (highest, layer)));
            let shows_rows = layer.drawn.points == Some(true);
            match curve {
                Some(curve) if shows_rows => {
                    shapes.extend(lines(&ground, sample, curve, (highest, layer)));
                }
                Some(_) => shapes.extend(inner(&ground, sample, layer)),
                None => {}
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
        if layer.drawn.points == Some(true) {
            return all_rows(frame, raw, layer);
        }
        let samples = samples(rows, frame.y().scale.spread);
        let small = samples.into_iter().filter(Sample::is_small);
        let small: Vec<Row> = small.flat_map(|sample| sample.rows).collect();
        points(frame, &small, layer)
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], raw: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        forms::forms(frame, rows, raw, layer)
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let opacity = layer.drawn.opacity.as_ref().and_then(|o| o.number());
        let opacity = opacity.unwrap_or(1.0);
        let middle = x + width / 2.0;
        let half = |down: f64| 4.2 * (-0.5 * (down / 2.4f64).powi(2)).exp();
        let steps = (-10..=10).map(|step| f64::from(step) * 0.5);
        let right = steps.clone().map(|down| (middle + half(down), y + down));
        let left = steps.rev().map(|down| (middle - half(down), y + down));
        let mut outline: Vec<Place> = right.chain(left).collect();
        let fill = Shape::Filled(outline.clone(), light(look.color, FILL, opacity));
        outline.extend_from_within(..2);
        let line = Stroke {
            opacity,
            ..Stroke::new(look.color, 0.9)
        };
        vec![fill, Shape::Line(outline, line)]
    }
}

/// The density of sorted values from the lowest to the highest; none of equal ones.
fn curve(sorted: &[f64], drawn: &Drawn) -> Option<Vec<(f64, f64)>> {
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    if first >= last {
        return None;
    }
    let width = bandwidth(sorted, drawn.bandwidth)?;
    let curve = places(first, last, width).map(|at| (at, density(sorted, width, at)));
    Some(curve.collect())
}

/// Half the width of a violin in points where it has this density.
fn half(ground: &Ground<'_>, density: f64, highest: f64) -> f64 {
    let most = ground.lanes.wide / 2.0;
    if highest > 0.0 {
        most * density / highest
    } else {
        0.0
    }
}

/// The outline of a violin; a line for equal values.
fn body(
    ground: &Ground<'_>,
    sample: &Sample,
    curve: Option<&[(f64, f64)]>,
    (highest, layer): (f64, &Drawing<'_>),
) -> Vec<Shape> {
    let x = ground.middle(sample, layer);
    let color = layer.looks[sample.series].color;
    let opacity = layer.opacity(None, 1.0);
    let line = Stroke {
        opacity,
        ..Stroke::new(color, 1.0)
    };
    let Some(curve) = curve else {
        let value = sample.even.first().copied().unwrap_or_default();
        let line = Stroke { width: 1.6, ..line };
        return vec![ground.across(x, ground.lanes.wide / 2.0, value, line)];
    };
    let side = |sign: f64| {
        curve
            .iter()
            .map(move |(at, density)| ground.place(x, sign * half(ground, *density, highest), *at))
    };
    let mut outline: Vec<Place> = side(1.0).chain(side(-1.0).rev()).collect();
    let fill = Shape::Filled(outline.clone(), light(color, FILL, opacity));
    outline.extend_from_within(..2);
    vec![fill, Shape::Line(outline, line)]
}

/// The small box inside a violin.
fn inner(ground: &Ground<'_>, sample: &Sample, layer: &Drawing<'_>) -> Vec<Shape> {
    let Some(of) = Quartiles::of(&sample.even) else {
        return Vec::new();
    };
    let x = ground.middle(sample, layer);
    let wide = (ground.lanes.wide * 0.14).clamp(1.5, 4.0);
    let median = Stroke::new(plotters::style::WHITE, 1.2);
    vec![
        ground.along(x, (of.low, of.high), Stroke::new(INK, 0.8)),
        ground.along(x, (of.first, of.third), Stroke::new(INK, wide)),
        ground.across(x, wide / 2.0, of.median, median),
    ]
}

/// Lines across a violin at its quartiles: full at the median, dashed at the others.
fn lines(
    ground: &Ground<'_>,
    sample: &Sample,
    curve: &[(f64, f64)],
    (highest, layer): (f64, &Drawing<'_>),
) -> Vec<Shape> {
    let Some(of) = Quartiles::of(&sample.even) else {
        return Vec::new();
    };
    let x = ground.middle(sample, layer);
    // The density where a line stands, between two places of the curve.
    let at = |value: f64| {
        let above = curve.partition_point(|(at, _)| *at < value);
        let (low, high) = (curve[above.max(1) - 1], curve[above.min(curve.len() - 1)]);
        let part = (value - low.0) / (high.0 - low.0);
        low.1 + (high.1 - low.1) * if part.is_finite() { part } else { 0.0 }
    };
    [(of.first, "2 1.5"), (of.median, ""), (of.third, "2 1.5")]
        .into_iter()
        .map(|(value, dash)| {
            let stroke = Stroke {
                dash,
                ..Stroke::new(INK, if dash.is_empty() { 1.2 } else { 0.8 })
            };
            ground.across(x, half(ground, at(value), highest), value, stroke)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::tests::{drawn, places};
    use super::super::statistics::tests::VALUES;
    use super::*;

    fn outline(shapes: &[Shape]) -> Option<&Vec<Place>> {
        shapes.iter().find_map(|shape| match shape {
            Shape::Filled(outline, _) => Some(outline),
            _ => None,
        })
    }

    #[test]
    fn a_violin_is_as_wide_as_the_density_and_ends_at_the_values() {
        let layer = Drawn::default();
        let (shapes, _) = drawn(&Violin, &VALUES, (false, [-10.0, 90.0]), &layer);
        let outline = outline(&shapes).unwrap();
        let heights = outline.iter().map(|(_, y)| 90.0 - y);
        let (low, high) = heights.fold((f64::MAX, f64::MIN), |(low, high), y| {
            (low.min(y), high.max(y))
        });
        assert_eq!((low, high), (-4.0, 18.5));
        // By scipy the densities at −4 and at 5 have this ratio, and 5 is near the top.
        let half = |value: f64| {
            let near = outline.iter().filter(|(x, _)| *x >= 50.0);
            let near = near.min_by(|a, b| {
                let off = |place: &Place| (90.0 - place.1 - value).abs();
                off(a).total_cmp(&off(b))
            });
            near.unwrap().0 - 50.0
        };
        let ratio = half(-4.0) / half(5.0);
        let scipy = 0.014_095_133_312_492_916 / 0.089_176_390_420_395_71;
        assert!((ratio - scipy).abs() < 0.005, "{ratio} {scipy}");
        assert!((half(5.0) - 22.0).abs() < 0.3, "{}", half(5.0));
    }

    #[test]
    fn equal_values_are_a_line_and_few_are_points() {
        let layer = Drawn::default();
        let (shapes, points) = drawn(&Violin, &[40.0; 6], (false, [0.0, 100.0]), &layer);
        assert!(outline(&shapes).is_none() && points.is_empty());
        assert!(
            matches!(shapes.as_slice(), [Shape::Line(places, _)] if places[0].1 == 60.0),
            "{shapes:?}"
        );
        assert!(Violin.lacks(&[40.0; 6], &layer).is_some());
        assert!(Violin.lacks(&VALUES, &layer).is_none());
        let (shapes, points) = drawn(&Violin, &[1.0, 2.0], (false, [0.0, 100.0]), &layer);
        assert!(outline(&shapes).is_none());
        assert_eq!(places(&points).len(), 2);
    }

    #[test]
    fn with_all_rows_there_are_lines_at_the_quartiles() {
        let layer = Drawn {
            points: Some(true),
            ..Drawn::default()
        };
        let (shapes, points) = drawn(&Violin, &VALUES, (true, [-10.0, 90.0]), &layer);
        assert_eq!(places(&points).len(), 12);
        let lines = shapes.iter().filter_map(|shape| match shape {
            Shape::Line(places, _) if places.len() == 2 => Some(places[0].0 / 2.0 - 10.0),
            _ => None,
        });
        let lines: Vec<f64> = lines.collect();
        let quartiles = [3.775, 5.15, 6.5];
        assert!(
            lines.len() == 3
                && lines
                    .iter()
                    .zip(quartiles)
                    .all(|(a, b)| (a - b).abs() < 0.01)
        );
    }
}

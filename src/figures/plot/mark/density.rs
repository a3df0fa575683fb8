//! The kernel density of the rows of each series along `x`, or along `y` if that alone is given.
//!
//! Each series has the area 1 in its panel. On a logarithmic axis the density is that of the logarithms to its base.

use std::collections::BTreeMap;

use plotters::style::Color;

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Basis, Drawing, Lack, Mark, Sampled};
use super::frame::Frame;
use super::row::{Row, ordered};
use super::sample::ENOUGH;
use super::statistics::{bandwidth, density, places};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scale::Spread;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;

/// How opaque the area under a line is.
const FILL: f64 = 0.2;
/// A curve goes so many widths of its kernel beyond the values.
const BEYOND: f64 = 3.0;

pub(super) struct Density;

impl Mark for Density {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "density",
            doc: "The kernel density of the rows of each series along `x` or along `y`, as a line with the area under it. Each series has the area 1; on a logarithmic axis it is the density of the logarithms. The line ends three widths of the kernel beyond the values, or at the `domain`.",
            x: Side::Number,
            y: Side::Computed,
            takes: &["color", "dash", "tint", "opacity", "bandwidth"],
            zero: true,
            unit: Unit::Sample,
            outside: Outside::Cut,
            computed: "density",
            ..USUAL
        };
        &ABOUT
    }

    fn computed(&self, rows: &[Row], drawn: &Drawn, along: &Basis) -> Vec<Row> {
        let mut samples: BTreeMap<(usize, usize), (Row, Vec<f64>)> = BTreeMap::new();
        for row in rows {
            if let Some(even) = row.x.and_then(|x| along.spread.even(x)) {
                let sample = samples.entry((row.panel, row.series));
                sample.or_insert((*row, Vec::new())).1.push(even);
            }
        }
        let mut drawn_rows = Vec::new();
        for (first, mut values) in samples.into_values() {
            values.sort_by(f64::total_cmp);
            let curve = curve(&values, drawn.bandwidth, along);
            let curve = curve.into_iter().enumerate();
            drawn_rows.extend(curve.map(|(at, (x, y))| Row {
                x: Some(x),
                x_key: at,
                y: Some(y),
                opacity: None,
                ..first
            }));
        }
        drawn_rows
    }

    fn lacks(&self, values: &[f64], drawn: &Drawn) -> Option<Lack> {
        let (why, shown) = match bandwidth(values, drawn.bandwidth) {
            None if values.len() == 1 => (
                "one value, which has no density without a `bandwidth`: not shown",
                false,
            ),
            None => (
                "equal values, which have no density without a `bandwidth`: not shown",
                false,
            ),
            Some(_) if values.len() < ENOUGH => ("a density of fewer than 5 values", true),
            Some(_) => return None,
        };
        Some(Lack { why, shown })
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let foot = Spot::of(frame.foot());
        let mut lines = Vec::new();
        let mut shapes = Vec::new();
        for (series, look) in layer.looks.iter().enumerate() {
            let curve = ordered(rows, series);
            let places: Vec<Place> = curve
                .iter()
                .filter_map(|row| Some(frame.place(Spot::of(row.x?), Spot::of(row.y?))))
                .collect();
            let (Some(first), Some(last)) = (curve.first(), curve.last()) else {
                continue;
            };
            let ends =
                [last.x, first.x].map(|x| frame.place(Spot::of(x.unwrap_or_default()), foot));
            let opacity = layer.opacity(None, 1.0);
            let outline: Vec<Place> = places.iter().copied().chain(ends).collect();
            shapes.push(Shape::Filled(outline, look.color.mix(FILL * opacity)));
            lines.push(Shape::Line(places, stroke(look, layer.drawn)));
        }
        // All areas lie under all lines.
        shapes.extend(lines);
        shapes
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let opacity = layer.opacity(None, 1.0);
        let form = |mark: &str| Form::new(mark, rows).at("x", Part::X).at("y", Part::Y);
        let area = form("area")
            .with("opacity", FILL * opacity)
            .tells(&[Tells::Color]);
        let line = form("line").with("strokeWidth", 1.4).tells(&[
            Tells::Color,
            Tells::Dash,
            Tells::Opacity,
        ]);
        let turned = |form: Form| {
            if frame.flipped {
                form.with("orient", "horizontal")
            } else {
                form
            }
        };
        vec![turned(area), turned(line)]
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let bottom = y + 4.0;
        let high = |share: f64| 8.0 * (-0.5 * ((share - 0.5) / 0.17f64).powi(2)).exp();
        let steps = (0..=20).map(|step| f64::from(step) / 20.0);
        let line: Vec<Place> = steps
            .map(|share| (x + share * width, bottom - high(share)))
            .collect();
        let opacity = layer.drawn.opacity.as_ref().and_then(|o| o.number());
        let fill = look.color.mix(FILL * opacity.unwrap_or(1.0));
        vec![
            Shape::Filled(line.clone(), fill),
            Shape::Line(line, stroke(look, layer.drawn)),
        ]
    }
}

/// The line of a series.
fn stroke(look: &Look, drawn: &Drawn) -> Stroke {
    let opacity = drawn.opacity.as_ref().and_then(|o| o.number());
    Stroke {
        opacity: opacity.unwrap_or(1.0),
        dash: look.dash,
        ..Stroke::new(look.color, 1.4)
    }
}

/// The density of sorted values: places along the axis, each with its height. Empty without a width of the kernel, and where
/// a domain shows nothing of it.
fn curve(sorted: &[f64], given: Option<f64>, along: &Basis) -> Vec<(f64, f64)> {
    let spread = along.spread;
    let (Some(first), Some(last), Some(width)) =
        (sorted.first(), sorted.last(), bandwidth(sorted, given))
    else {
        return Vec::new();
    };
    let (mut from, mut to) = (first - BEYOND * width, last + BEYOND * width);
    if spread == Spread::Sqrt {
        // Below zero there is no place.
        from = from.max(0.0);
    }
    let ends = along.domain.map(|ends| ends.map(|end| spread.even(end)));
    if let Some([Some(low), Some(high)]) = ends {
        (from, to) = (from.max(low), to.min(high));
    }
    if from >= to {
        return Vec::new();
    }
    places(from, to, width)
        .map(|at| (spread.value(at), density(sorted, width, at)))
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect()
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::super::statistics::tests::{VALUES, near};
    use super::*;
    use crate::figures::plot::{Plot, annotated};

    const LINEAR: Basis = Basis {
        spread: Spread::Linear,
        whole: false,
        domain: None,
    };

    /// The area under a curve whose places are the even ones.
    fn area(curve: &[(f64, f64)], spread: Spread) -> f64 {
        let even = |x: f64| spread.even(x).unwrap();
        let parts = curve.windows(2).map(|pair| {
            let ((a, low), (b, high)) = (pair[0], pair[1]);
            (even(b) - even(a)) * (low + high) / 2.0
        });
        parts.sum()
    }

    #[test]
    fn the_area_under_a_curve_is_one_on_the_scale_of_the_axis() {
        let curve_of = |spread: Spread| {
            let even: Vec<f64> = VALUES[1..]
                .iter()
                .map(|v| spread.even(*v).unwrap())
                .collect();
            let along = Basis { spread, ..LINEAR };
            curve(&even, None, &along)
        };
        for spread in [
            Spread::Linear,
            Spread::Log(10.0),
            Spread::Log(2.0),
            Spread::Symlog(1.0),
        ] {
            let area = area(&curve_of(spread), spread);
            // What lies more than three widths beyond the values is not drawn.
            assert!((area - 1.0).abs() < 1e-3, "{spread:?} {area}");
        }
        // scipy.stats.gaussian_kde(numpy.log10(values))(0.7)
        let curve = curve_of(Spread::Log(10.0));
        let at = curve.iter().min_by(|a, b| {
            let off = |x: f64| (x.log10() - 0.7).abs();
            off(a.0).total_cmp(&off(b.0))
        });
        assert!((at.unwrap().1 - 1.609_064).abs() < 0.01, "{at:?}");
    }

    #[test]
    fn a_curve_ends_at_the_domain_and_keeps_its_height() {
        let along = Basis {
            domain: Some([0.0, 5.0]),
            ..LINEAR
        };
        let curve = curve(&VALUES, None, &along);
        let (first, last) = (curve[0], curve[curve.len() - 1]);
        assert_eq!((first.0, last.0), (0.0, 5.0));
        assert!(near(first.1, 0.037_881_816_275_686_15), "{first:?}");
        assert!(near(last.1, 0.089_176_390_420_395_71), "{last:?}");
        let along = Basis {
            domain: Some([500.0, 600.0]),
            ..LINEAR
        };
        assert!(super::curve(&VALUES, None, &along).is_empty());
    }

    #[test]
    fn series_without_a_density_are_told() {
        let table = df!(
            "x" => [1.0, 2.0, 3.0, 3.5, 5.0, 4.0, 4.0, 7.0, 1.0, 2.0],
            "k" => ["many", "many", "many", "many", "many", "same", "same", "one", "few", "few"],
        )
        .unwrap();
        let told = |json: &str, table: &DataFrame| {
            let plot: Plot = serde_json::from_str(json).unwrap();
            let drawn = annotated(&plot, &[(String::new(), table.clone())], &[]).unwrap();
            (drawn.drawing.svg(), drawn.warnings)
        };
        let (svg, warnings) = told(r#"{ "mark": "density", "x": "x", "color": "k" }"#, &table);
        assert!(svg.contains(">density<"));
        assert_eq!(
            warnings,
            [
                "x: 1 of 4 samples: a density of fewer than 5 values (k = few)",
                "x: 1 of 4 samples: equal values, which have no density without a `bandwidth`: not shown (k = same)",
                "x: 1 of 4 samples: one value, which has no density without a `bandwidth`: not shown (k = one)",
            ]
        );
        let json = r#"{ "mark": "density", "x": "x", "color": "k", "bandwidth": 0.5 }"#;
        let (_, warnings) = told(json, &table);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let (_, warnings) = told(r#"{ "mark": "density", "y": "x" }"#, &table.slice(5, 2));
        assert!(
            warnings[0].starts_with("there is nothing to draw"),
            "{warnings:?}"
        );
        let json = r#"{ "mark": "density", "x": { "field": "x", "domain": [0, 4] } }"#;
        let (_, warnings) = told(json, &table.slice(0, 5));
        assert!(
            warnings[0].starts_with("x: 1 of 5 values is cut off"),
            "{warnings:?}"
        );
    }
}

//! How many rows lie in each of even bins along `x`, or along `y` if that alone is given.
//!
//! All panels and series have the same bins. On a logarithmic axis they are even in the logarithm.

use std::collections::{BTreeMap, BTreeSet};

use plotters::style::Color;

use super::bins::{bin, edges};
use super::contract::{About, Basis, Drawing, Frame, Mark, Row, Sampled, Side, USUAL, Unit};
use super::stack::stacked;
use crate::figures::plot::axis::Spot;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Drawn, Stack};
use crate::figures::plot::vega::{Part, Tells, Unit as Form};

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
mod tests {
    use polars::prelude::*;

    use super::super::sample::tests::row;
    use super::*;
    use crate::figures::plot::scale::Spread;
    use crate::figures::plot::{Plot, annotated};

    const LINEAR: Basis = Basis {
        spread: Spread::Linear,
        whole: false,
        domain: None,
    };

    fn counted(rows: &[Row], drawn: &Drawn, along: &Basis) -> Vec<(usize, usize, f64, f64)> {
        let rows = Histogram.computed(rows, drawn, along);
        let each = rows.iter().map(|row| {
            let base = row.base.unwrap_or(0.0);
            (row.series, row.x_key, base, row.y.unwrap())
        });
        each.collect()
    }

    /// Values of two series.
    fn rows() -> Vec<Row> {
        let values = [
            (0, 0.0),
            (0, 1.0),
            (1, 1.5),
            (1, 3.5),
            (1, 4.0),
            (0, f64::NAN),
        ];
        let rows = values.iter().enumerate();
        rows.map(|(at, (series, x))| Row {
            x: x.is_finite().then_some(*x),
            ..row(at, *series, 0.0, None)
        })
        .collect()
    }

    #[test]
    fn series_have_the_same_bins_and_may_stand_on_one_another() {
        let mut drawn = Drawn {
            bins: Some(4),
            ..Drawn::default()
        };
        assert_eq!(
            counted(&rows(), &drawn, &LINEAR),
            [
                (0, 0, 0.0, 1.0),
                (0, 1, 0.0, 1.0),
                (1, 1, 0.0, 1.0),
                (1, 3, 0.0, 2.0)
            ]
        );
        drawn.stack = Some(Stack::Sum);
        assert_eq!(
            counted(&rows(), &drawn, &LINEAR),
            [
                (0, 0, 0.0, 1.0),
                (0, 1, 0.0, 1.0),
                (1, 1, 1.0, 2.0),
                (1, 3, 0.0, 2.0)
            ]
        );
        drawn.stack = Some(Stack::Share);
        assert_eq!(
            counted(&rows(), &drawn, &LINEAR),
            [
                (0, 0, 0.0, 1.0),
                (0, 1, 0.0, 0.5),
                (1, 1, 0.5, 1.0),
                (1, 3, 0.0, 1.0)
            ]
        );
        let found = Histogram.computed(&rows(), &drawn, &LINEAR);
        assert_eq!(found[3].x_interval, Some((3.0, 4.0)));
    }

    #[test]
    fn values_outside_the_domain_are_not_counted() {
        let along = Basis {
            domain: Some([1.0, 4.0]),
            ..LINEAR
        };
        let drawn = Drawn {
            bins: Some(3),
            ..Drawn::default()
        };
        let found = counted(&rows(), &drawn, &along);
        assert_eq!(
            found,
            [(0, 0, 0.0, 1.0), (1, 0, 0.0, 1.0), (1, 2, 0.0, 2.0)]
        );
    }

    #[test]
    fn a_row_in_all_panels_counts_once_for_the_bins() {
        let rows: Vec<Row> = (0..3)
            .flat_map(|panel| rows().into_iter().map(move |row| Row { panel, ..row }))
            .collect();
        let many = Histogram.computed(&rows, &Drawn::default(), &LINEAR);
        let one = Histogram.computed(&self::rows(), &Drawn::default(), &LINEAR);
        let first: Vec<Row> = many.into_iter().filter(|row| row.panel == 0).collect();
        assert_eq!(first, one);
    }

    fn told(json: &str, table: &DataFrame) -> (String, Vec<String>) {
        let plot: Plot = serde_json::from_str(json).unwrap();
        let drawn = annotated(&plot, &[(String::new(), table.clone())], &[]).unwrap();
        (drawn.drawing.svg(), drawn.warnings)
    }

    #[test]
    fn the_axis_of_counts_has_a_title_and_may_be_set() {
        let table =
            df!("x" => [1.0, 2.0, 2.5, 9.0, 4.0], "k" => ["a", "a", "a", "b", "b"]).unwrap();
        let (svg, warnings) = told(r#"{ "mark": "histogram", "x": "x" }"#, &table);
        assert!(
            svg.contains(">count<") && warnings.is_empty(),
            "{warnings:?}"
        );
        let (svg, _) = told(
            r#"{ "mark": "histogram", "y": "x", "stack": "share", "color": "k" }"#,
            &table,
        );
        assert!(svg.contains(">share<"));
        let json = r#"{ "mark": "histogram", "x": { "field": "x", "scale": "log" },
            "y": { "title": "runs", "domain": [0, 1] }, "bins": 2 }"#;
        let (svg, warnings) = told(json, &table);
        assert!(svg.contains(">runs<") && !svg.contains(">count<"));
        assert_eq!(
            warnings,
            ["count: cut off at the end of the domain 0 to 1; the highest is 3"]
        );
    }

    #[test]
    fn true_and_false_have_a_bin_each() {
        let table = df!("x" => [true, false, true]).unwrap();
        let (svg, warnings) = told(r#"{ "mark": "histogram", "x": "x" }"#, &table);
        assert!(warnings.is_empty(), "{warnings:?}");
        for label in [">0<", ">1<", ">2<"] {
            assert!(svg.contains(label), "{label}: {svg}");
        }
        assert!(!svg.contains(">false<"));
    }

    #[test]
    fn what_is_not_counted_is_told() {
        let table = df!("x" => [Some(1.0), None, Some(f64::INFINITY), Some(0.0), Some(-1.0), Some(f64::NAN), Some(70.0)]).unwrap();
        let json = r#"{ "mark": "histogram", "x": { "field": "x", "scale": "log", "domain": [0.5, 50] } }"#;
        let (_, warnings) = told(json, &table);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        for part in [
            "6 of 7 values are not shown",
            "1 missing",
            "1 NaN",
            "1 infinite",
            "1 is 0 on a log scale",
            "1 is below 0 on a log scale",
            "1 outside the domain 0.5 to 50",
        ] {
            assert!(warnings[0].contains(part), "{part}: {warnings:?}");
        }
        let (_, warnings) = told(r#"{ "mark": "histogram", "x": "x" }"#, &table.slice(1, 1));
        assert!(
            warnings[0].starts_with("there is nothing to draw"),
            "{warnings:?}"
        );
    }

    #[test]
    fn contradictions_are_known_before_there_is_a_table() {
        let problems = |json: &str| -> Vec<String> {
            let plot: Plot = serde_json::from_str(json).unwrap();
            plot.problems().into_iter().map(|(path, _)| path).collect()
        };
        assert_eq!(
            problems(r#"{ "mark": "histogram", "x": "a", "y": "b" }"#),
            ["y"]
        );
        assert_eq!(
            problems(r#"{ "mark": "histogram", "y": { "title": "n" } }"#),
            ["x"]
        );
        assert_eq!(
            problems(r#"{ "mark": "bar", "x": "a", "y": { "title": "n" } }"#),
            ["y"]
        );
        assert_eq!(
            problems(r#"{ "mark": "histogram", "x": "a", "y": { "order": ["b"] } }"#),
            ["y.order"]
        );
        assert_eq!(
            problems(r#"{ "mark": "histogram", "x": "a", "color": { "title": "n" } }"#),
            ["color"]
        );
        assert_eq!(
            problems(r#"{ "mark": "histogram", "x": "a", "opacity": "b" }"#),
            ["opacity"]
        );
        assert_eq!(
            problems(r#"{ "mark": "histogram", "x": { "field": "a", "error": "e" } }"#),
            ["x.error"]
        );
        assert_eq!(
            problems(r#"{ "mark": "histogram", "x": "a", "facet": { "title": "n" } }"#),
            ["facet"]
        );
        assert!(
            problems(r#"{ "mark": "histogram", "x": "a", "y": { "scale": "log" } }"#).is_empty()
        );
    }
}

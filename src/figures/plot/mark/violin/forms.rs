//! Violins in Vega-Lite.

use serde_json::json;

use super::super::contract::Drawing;
use super::super::frame::Frame;
use super::super::row::Row;
use super::super::sample::{Ground, median_form, of_panels, points_form, summed};
use super::super::statistics::Quartiles;
use super::{FILL, curve, half};
use crate::figures::plot::element::INK;
use crate::figures::plot::form::{Part, Tells, Unit as Form, hex as color};

/// A violin as Vega-Lite draws it: its outline, and inside whiskers, quartiles and median.
pub(super) fn forms(
    frame: &Frame<'_>,
    rows: &[Row],
    raw: &[Row],
    layer: &Drawing<'_>,
) -> Vec<Form> {
    let Some(ground) = Ground::new(frame, layer) else {
        return Vec::new();
    };
    let samples = of_panels(rows, ground.spread);
    let curves: Vec<Option<Vec<(f64, f64)>>> = samples
        .iter()
        .map(|sample| {
            let enough = !sample.is_small();
            enough.then(|| curve(&sample.even, layer.drawn))?
        })
        .collect();
    // One measure for all violins of a panel.
    let highest = |panel: usize| {
        let pairs = samples.iter().zip(&curves);
        let own = pairs.filter(|(sample, _)| sample.rows.first().is_some_and(|r| r.panel == panel));
        let all = own.filter_map(|(_, curve)| curve.as_ref()).flatten();
        all.map(|(_, density)| *density).fold(0.0, f64::max)
    };
    let mut outline: Vec<Row> = Vec::new();
    let (mut aside, mut violin, mut order) = (Vec::new(), Vec::new(), Vec::new());
    let (mut inner, mut medians, mut small) = (Vec::new(), Vec::new(), Vec::new());
    let mut reach: Vec<Row> = Vec::new();
    let mut points: Vec<Row> = Vec::new();
    for (place, (sample, curve)) in samples.iter().zip(&curves).enumerate() {
        let (Some(first), Some(of)) = (sample.rows.first(), Quartiles::of(&sample.even)) else {
            continue;
        };
        let median = summed(sample, ground.spread, of.median, (of.first, of.third));
        if sample.is_small() {
            points.extend(&sample.rows);
        }
        let Some(curve) = curve else {
            small.extend(median);
            continue;
        };
        reach.extend(summed(sample, ground.spread, of.median, (of.low, of.high)));
        inner.extend(summed(
            sample,
            ground.spread,
            of.median,
            (of.first, of.third),
        ));
        medians.extend(median);
        let lane = layer
            .lanes
            .0
            .get(sample.series)
            .copied()
            .unwrap_or_default();
        let middle = ground.lanes.shift(lane);
        let sides = curve.iter().map(|at| (1.0, at));
        let sides = sides.chain(curve.iter().rev().map(|at| (-1.0, at)));
        for (step, (sign, (at, density))) in sides.enumerate() {
            outline.push(Row {
                y: Some(ground.spread.value(*at)),
                opacity: None,
                ..*first
            });
            aside.push(middle + sign * half(&ground, *density, highest(first.panel)));
            violin.push(place.into());
            order.push(step.into());
        }
    }
    let mut forms = Vec::new();
    if !outline.is_empty() {
        let body = Form::new("line", &outline)
            .with("filled", true)
            .with("interpolate", "linear-closed")
            .with("opacity", FILL * layer.opacity(None, 1.0))
            .at("x", Part::X)
            .at("y", Part::Y)
            .aside(aside)
            .tells(&[Tells::Color])
            .column("violin", violin)
            .column("step", order)
            .encode("detail", json!({ "field": "violin", "type": "nominal" }))
            .encode("order", json!({ "field": "step", "type": "quantitative" }));
        forms.push(body);
        let wide = (ground.lanes.wide * 0.14).clamp(1.5, 4.0);
        let rule = |rows: &[Row], wide: f64| {
            Form::new("rule", rows)
                .with("strokeWidth", wide)
                .with("color", color(INK))
                .at("x", Part::X)
                .at("y", Part::YLow)
                .at("y2", Part::YHigh)
                .tells(&[Tells::Lane])
        };
        forms.push(rule(&reach, 0.8));
        let quartiles = rule(&inner, wide).called(&[
            (Part::YLow, "first quartile"),
            (Part::YHigh, "third quartile"),
        ]);
        forms.push(quartiles);
        forms.push(median_form(&medians, wide).with("color", "white"));
    }
    if !small.is_empty() {
        forms.push(median_form(&small, ground.lanes.wide.min(18.0)));
    }
    if layer.drawn.points == Some(true) {
        points = raw.to_vec();
    }
    if !points.is_empty() {
        forms.push(points_form(frame, &points, layer));
    }
    forms
}

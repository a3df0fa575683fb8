//! A box for the values of each series at each category, with whiskers and outliers.
//!
//! Quartiles and whiskers are those of the values along the axis: on a logarithmic one, of their logarithms.

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Lack, Mark, Sampled, error_form};
use super::frame::Frame;
use super::row::Row;
use super::sample::{
    ENOUGH, FEW, Ground, alone, light, median_form, of_panels, points, points_form, samples, summed,
};
use super::spread::all_rows;
use super::statistics::Quartiles;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::{INK, Stroke};
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;

/// How strong the colour inside a box is.
const FILL: f64 = 0.4;

pub(super) struct Boxplot;

impl Mark for Boxplot {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "box",
            doc: "A box from the first to the third quartile of the rows at a place, with a line at the median, whiskers to the last value within 1.5 times the height of the box, and outliers as points. Fewer than five rows are shown as points with their median.",
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
            ],
            unit: Unit::Sample,
            outside: Outside::Cut,
            ..USUAL
        };
        &ABOUT
    }

    fn lacks(&self, values: &[f64], _: &Drawn) -> Option<Lack> {
        (values.len() < ENOUGH).then_some(FEW)
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let Some(ground) = Ground::new(frame, layer) else {
            return Vec::new();
        };
        let half = ground.lanes.wide / 2.0;
        let opacity = layer.opacity(None, 1.0);
        let mut shapes = Vec::new();
        for sample in samples(rows, ground.spread) {
            if sample.is_small() {
                shapes.extend(ground.small(&sample, layer));
                continue;
            }
            let Some(of) = Quartiles::of(&sample.even) else {
                continue;
            };
            let x = ground.middle(&sample, layer);
            let color = layer.looks[sample.series].color;
            let line = Stroke {
                opacity,
                ..Stroke::new(color, 1.0)
            };
            for (end, begin) in [(of.low, of.first), (of.high, of.third)] {
                if end != begin {
                    shapes.push(ground.along(x, (begin, end), line));
                    shapes.push(ground.across(x, (half / 2.0).min(5.0), end, line));
                }
            }
            let corners = [
                (-half, of.first),
                (half, of.first),
                (half, of.third),
                (-half, of.third),
            ];
            let mut outline: Vec<Place> = corners
                .into_iter()
                .map(|(beside, even)| ground.place(x, beside, even))
                .collect();
            shapes.push(Shape::Filled(outline.clone(), light(color, FILL, opacity)));
            // Over its first side once more, so that all corners are closed.
            outline.extend_from_within(..2);
            shapes.push(Shape::Line(outline, line));
            shapes.push(ground.across(x, half, of.median, Stroke::new(INK, 1.4)));
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
        let alone: Vec<Row> = samples.iter().flat_map(alone).collect();
        points(frame, &alone, layer)
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], raw: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let Some(ground) = Ground::new(frame, layer) else {
            return Vec::new();
        };
        let (mut boxes, mut whiskers, mut medians) = (Vec::new(), Vec::new(), Vec::new());
        let (mut small, mut points) = (Vec::new(), Vec::new());
        for sample in of_panels(rows, ground.spread) {
            points.extend(alone(&sample));
            let Some(of) = Quartiles::of(&sample.even) else {
                continue;
            };
            let row = |ends| summed(&sample, ground.spread, of.median, ends);
            if sample.is_small() {
                small.extend(row((of.median, of.median)));
                continue;
            }
            boxes.extend(row((of.first, of.third)));
            whiskers.extend(row((of.low, of.high)));
            medians.extend(row((of.median, of.median)));
        }
        let opacity = layer.opacity(None, 1.0);
        let mut forms = Vec::new();
        if !boxes.is_empty() {
            let whisker = error_form(&whiskers, (ground.lanes.wide / 2.0).min(10.0));
            let whisker = whisker.map(|form| form.with("opacity", opacity).tells(&[Tells::Color]));
            forms.extend(whisker);
            let body = |fill: &str, opacity: f64| {
                Form::new("bar", &boxes)
                    .with("opacity", opacity)
                    .with("fill", fill)
                    .at("x", Part::X)
                    .at("y", Part::YLow)
                    .at("y2", Part::YHigh)
                    .called(&[
                        (Part::YLow, "first quartile"),
                        (Part::YHigh, "third quartile"),
                    ])
                    .tells(&[Tells::Lane])
            };
            // A light colour on white, so that neither grid nor whisker shines through.
            forms.push(body("white", 1.0));
            let mut colored = body("white", FILL * opacity).tells(&[Tells::Color]);
            colored = colored.without("fill");
            forms.push(colored);
            forms.push(median_form(&medians, ground.lanes.wide));
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

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        let opacity = layer.drawn.opacity.as_ref().and_then(|o| o.number());
        let opacity = opacity.unwrap_or(1.0);
        let (middle, half, high) = (x + width / 2.0, 4.5, 2.8);
        let line = Stroke {
            opacity,
            ..Stroke::new(look.color, 0.9)
        };
        let area = Area {
            left: middle - half,
            right: middle + half,
            top: y - high,
            bottom: y + high,
        };
        let outline = vec![
            (area.left, area.top),
            (area.right, area.top),
            (area.right, area.bottom),
            (area.left, area.bottom),
            (area.left, area.top),
            (area.right, area.top),
        ];
        vec![
            Shape::Line(vec![(middle, y - 5.0), (middle, y + 5.0)], line),
            Shape::Box(area, light(look.color, FILL, opacity)),
            Shape::Line(outline, line),
            Shape::line([(area.left, y), (area.right, y)], INK, 1.2),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::tests::{drawn, places};
    use super::*;

    /// Quartiles 20, 30 and 40, whiskers to 10 and 60, and an outlier at 90.
    const VALUES: [f64; 9] = [30.0, 10.0, 60.0, 20.0, 40.0, 90.0, 25.0, 15.0, 35.0];

    #[test]
    fn a_box_stands_between_the_quartiles_with_its_outliers_as_points() {
        let layer = Drawn::default();
        let (shapes, points) = drawn(&Boxplot, &VALUES, (false, [0.0, 100.0]), &layer);
        let Some(Shape::Filled(outline, _)) = shapes
            .iter()
            .find(|shape| matches!(shape, Shape::Filled(..)))
        else {
            panic!("no box: {shapes:?}");
        };
        let heights: Vec<f64> = outline.iter().map(|(_, y)| 100.0 - y).collect();
        assert_eq!(heights, [20.0, 20.0, 40.0, 40.0]);
        let Some(Shape::Line(median, _)) = shapes.last() else {
            panic!("no median: {shapes:?}");
        };
        assert!(median.iter().all(|(_, y)| *y == 70.0), "{median:?}");
        let ends = |shape: &Shape| match shape {
            Shape::Line(places, _) if places.len() == 2 => Some(100.0 - places[1].1),
            _ => None,
        };
        let ends: Vec<f64> = shapes.iter().filter_map(ends).collect();
        assert!(ends.contains(&10.0) && ends.contains(&60.0), "{ends:?}");
        assert_eq!(places(&points), [(50.0, 10.0)]);
    }

    #[test]
    fn a_horizontal_box_is_the_same_along_the_other_axis() {
        let layer = Drawn::default();
        let (shapes, points) = drawn(&Boxplot, &VALUES, (true, [0.0, 100.0]), &layer);
        let Some(Shape::Filled(outline, _)) = shapes
            .iter()
            .find(|shape| matches!(shape, Shape::Filled(..)))
        else {
            panic!("no box: {shapes:?}");
        };
        let across: Vec<f64> = outline.iter().map(|(x, _)| *x).collect();
        assert_eq!(across, [40.0, 40.0, 80.0, 80.0]);
        assert_eq!(places(&points), [(180.0, 25.0)]);
    }

    #[test]
    fn few_values_are_points_with_their_median() {
        let layer = Drawn::default();
        let few = [30.0, 10.0, 50.0, 20.0];
        let (shapes, points) = drawn(&Boxplot, &few, (false, [0.0, 100.0]), &layer);
        assert!(
            matches!(shapes.as_slice(), [Shape::Line(places, _)] if places[0].1 == 75.0),
            "{shapes:?}"
        );
        assert_eq!(places(&points).len(), 4);
        assert!(Boxplot.lacks(&few, &layer).is_some());
        assert!(Boxplot.lacks(&VALUES, &layer).is_none());
    }

    #[test]
    fn all_rows_are_shown_once_and_none_outside_the_domain() {
        let layer = Drawn {
            points: Some(true),
            ..Drawn::default()
        };
        let (_, points) = drawn(&Boxplot, &VALUES, (false, [0.0, 100.0]), &layer);
        assert_eq!(places(&points).len(), 9);
        let layer = Drawn::default();
        let (_, points) = drawn(&Boxplot, &VALUES, (false, [0.0, 80.0]), &layer);
        assert!(places(&points).is_empty());
    }
}

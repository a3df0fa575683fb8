//! Lines through the values of each series, with bands for intervals: what the marks `line`, `step` and `band` share.

use plotters::style::Color;

use super::contract::{Drawing, Sampled};
use super::frame::{Frame, marker};
use super::row::{Row, ordered, unbroken};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::Stroke;
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;

/// Up to this many places every value gets a point of its own.
const FEW: usize = 15;

/// The opacity of the band around a line.
const AROUND: f64 = 0.18;

/// How a line goes from one value to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// Straight.
    Straight,
    /// It keeps its value until the next place.
    Steps,
}

impl Path {
    /// What Vega calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Straight => "linear",
            Self::Steps => "step-after",
        }
    }

    /// The corners of a line through places.
    pub(super) fn through(self, places: Vec<Place>) -> Vec<Place> {
        if self == Self::Straight {
            return places;
        }
        let mut corners: Vec<Place> = Vec::with_capacity(places.len() * 2);
        for place in places {
            if let Some(last) = corners.last().copied() {
                corners.push((place.0, last.1));
            }
            corners.push(place);
        }
        corners
    }
}

/// The lines of all series, and under them their bands.
pub(super) fn lines(
    frame: &Frame<'_>,
    rows: &[Row],
    layer: &Drawing<'_>,
    path: Path,
) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let lines: Vec<Vec<Row>> = (0..layer.looks.len())
        .map(|series| ordered(rows, series))
        .collect();
    // All bands lie under all lines.
    for line in &lines {
        let whole = |row: &Row| frame.at(row.x, row.y).is_some() && row.y_interval.is_some();
        for part in unbroken(line, whole) {
            shapes.extend(band(frame, part, layer, (path, AROUND)));
        }
    }
    for line in &lines {
        for part in unbroken(line, |row| frame.at(row.x, row.y).is_some()) {
            let places = part.iter().filter_map(|row| frame.at(row.x, row.y));
            let places = places.map(|(x, y)| frame.place(x, y)).collect();
            let stroke = stroke(&layer.looks[part[0].series], layer.drawn);
            shapes.push(Shape::Line(path.through(places), stroke));
        }
    }
    shapes
}

/// The points of the lines: at each value where these are few, and where a value stands alone between two gaps.
pub(super) fn points(
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
    for row in pointed(frame, rows, layer) {
        if let Some((x, y)) = frame.within(row.x, row.y) {
            let look = &layer.looks[row.series];
            let radius = layer.radius(None, 2.5);
            let opacity = layer.opacity(None, 1.0);
            shapes.push(marker(frame.place(x, y), radius, look, opacity));
        }
    }
    shapes
}

/// The rows that get a point of their own: all of a short line, and those between two gaps, where a line has no length. Each panel is for itself.
fn pointed(frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Row> {
    let mut panels: Vec<usize> = rows.iter().map(|row| row.panel).collect();
    panels.sort_unstable();
    panels.dedup();
    let mut found = Vec::new();
    for panel in panels {
        let own = rows.iter().filter(|row| row.panel == panel);
        let own: Vec<Row> = own.copied().collect();
        for series in 0..layer.looks.len() {
            let line = ordered(&own, series);
            for part in unbroken(&line, |row| frame.at(row.x, row.y).is_some()) {
                // Between two gaps a line has no length.
                if line.len() <= few(layer.drawn) || part.len() == 1 {
                    found.extend(part);
                }
            }
        }
    }
    found
}

/// The same in Vega-Lite.
pub(super) fn forms(
    frame: &Frame<'_>,
    rows: &[Row],
    raw: &[Row],
    layer: &Drawing<'_>,
    path: Path,
) -> Vec<Form> {
    let mut forms = Vec::new();
    let opacity = layer.opacity(None, 1.0);
    if rows.iter().any(|row| row.y_interval.is_some()) {
        let band = Form::new("errorband", rows)
            .with("opacity", AROUND * opacity)
            .with("interpolate", path.name())
            .at("x", Part::X)
            .at("y", Part::YLow)
            .at("y2", Part::YHigh)
            .tells(&[Tells::Color]);
        forms.push(band);
    }
    let line = Form::new("line", rows)
        .with("strokeWidth", 1.4)
        .with("interpolate", path.name())
        .at("x", Part::X)
        .at("y", Part::Y)
        .tells(&[Tells::Color, Tells::Dash, Tells::Opacity]);
    forms.push(line);
    let point = |rows: &[Row], radius: f64| {
        Form::new("point", rows)
            .with("filled", true)
            .with("size", 4.0 * radius * radius)
            .at("x", Part::X)
            .at("y", Part::Y)
            .tells(&[Tells::Color, Tells::Shape])
    };
    if layer.drawn.points == Some(true) {
        forms.push(point(raw, 1.5).with("opacity", 0.45));
    }
    let mut pointed = pointed(frame, rows, layer);
    let placed = rows.iter().filter(|row| frame.at(row.x, row.y).is_some());
    if pointed.len() == placed.count() {
        // The rows of the line are enough.
        pointed = rows.to_vec();
    }
    if !pointed.is_empty() {
        let radius = layer.radius(None, 2.5);
        forms.push(point(&pointed, radius).with("opacity", opacity));
    }
    forms
}

/// The sign of a line through these corners.
pub(super) fn sample(
    corners: Vec<Place>,
    middle: Place,
    look: &Look,
    layer: &Sampled<'_>,
) -> Vec<Shape> {
    let mut shapes = vec![Shape::Line(corners, stroke(look, layer.drawn))];
    if layer.points {
        shapes.push(marker(middle, 2.4, look, 1.0));
    }
    shapes
}

/// Whether some series has so few values that each gets a point.
pub(super) fn has_points(rows: &[Row], drawn: &Drawn) -> bool {
    let most = rows.iter().map(|row| row.series).max().unwrap_or_default();
    (0..=most).any(|series| {
        let count = rows.iter().filter(|row| row.series == series).count();
        (1..=few(drawn)).contains(&count)
    })
}

/// Up to how many places a line has points: none where they are not wanted.
fn few(drawn: &Drawn) -> usize {
    if drawn.points == Some(false) { 0 } else { FEW }
}

/// The stroke of a series.
pub(super) fn stroke(look: &Look, drawn: &Drawn) -> Stroke {
    let opacity = drawn.opacity.as_ref().and_then(|o| o.number());
    Stroke {
        opacity: opacity.unwrap_or(1.0),
        dash: look.dash,
        ..Stroke::new(look.color, 1.4)
    }
}

/// The intervals of an unbroken part of one series as one area.
pub(super) fn band(
    frame: &Frame<'_>,
    part: &[Row],
    layer: &Drawing<'_>,
    (path, usual): (Path, f64),
) -> Option<Shape> {
    let edge = |upper: bool| -> Vec<Place> {
        let places = part.iter().filter_map(|row| {
            let (low, high) = row.y_interval?;
            let y = if upper { high } else { low };
            Some(frame.place(Spot::of(row.x?), Spot::of(y)))
        });
        path.through(places.collect())
    };
    let mut outline = edge(true);
    outline.extend(edge(false).into_iter().rev());
    let look = layer.looks.get(part.first()?.series)?;
    if part.len() == 1 {
        // A band of one place has no width: show its height as a stroke.
        let opacity = layer.opacity(None, 1.0);
        let stroke = Stroke::new(look.color, 0.9);
        Some(Shape::Line(outline, Stroke { opacity, ..stroke }))
    } else {
        let opacity = usual * layer.opacity(None, 1.0);
        Some(Shape::Filled(outline, look.color.mix(opacity)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_their_value_until_the_next() {
        let places = vec![(0.0, 5.0), (10.0, 1.0), (30.0, 2.0)];
        assert_eq!(
            Path::Steps.through(places.clone()),
            [
                (0.0, 5.0),
                (10.0, 5.0),
                (10.0, 1.0),
                (30.0, 1.0),
                (30.0, 2.0)
            ]
        );
        assert_eq!(Path::Straight.through(places.clone()), places);
        assert_eq!(Path::Steps.through(Vec::new()), []);
    }
}

//! What stands around the data of one facet: grid, axes with their labels, and lines to compare with.

use plotters::coord::cartesian::MeshLine;
use plotters::coord::ranged1d::BoldPoints;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::legend::{band_fill, reference_stroke};
use crate::figures::plot::axis::{GAP, LINE, MAJOR, Spot};
use crate::figures::plot::canvas::{Area, points};
use crate::figures::plot::data::{Layer, Line};
use crate::figures::plot::element::{INK, Type};
use crate::figures::plot::mark::Panel;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Channel, Theme};

/// The length of a tick without a label.
const MINOR: f64 = 1.8;
const GRID: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);
/// The width of axes.
const THIN: f64 = 0.7;

/// Lines at the labelled ticks; categories side by side need none.
pub(super) fn grid(panel: &Panel, theme: Theme) -> Vec<Shape> {
    let mut lines = Vec::new();
    if theme != Theme::Open {
        return lines;
    }
    let put = |from: (i32, i32), to: (i32, i32)| {
        let places = [from, to].map(|(x, y)| (points(x), points(y)));
        Shape::line(places, GRID, 0.5)
    };
    panel
        .coordinates
        .draw_mesh(BoldPoints(usize::MAX), BoldPoints(usize::MAX), |line| {
            match line {
                MeshLine::XMesh(from, to, _) if !panel.x().named() => lines.push(put(from, to)),
                MeshLine::YMesh(from, to, _) if !panel.y().named() => lines.push(put(from, to)),
                _ => {}
            }
            Ok::<(), std::convert::Infallible>(())
        })
        .unwrap_or_else(|never| match never {});
    lines
}

/// Where the data of a layer is drawn: bars and lines end at the edges of a domain, points reach over them.
pub(super) fn clips(
    panel: &Panel,
    layer: &Layer<'_>,
    (x, y): (&Channel, &Channel),
) -> (Area, Area) {
    let area = panel.area;
    let mut reach = area.widened(4.0);
    if layer.mark.about().zero {
        // Beyond the axis lie its labels.
        if layer.flipped {
            reach.left = area.left - 0.5;
        } else {
            reach.bottom = area.bottom + 0.5;
        }
    }
    // Half a stroke reaches over the edge of a domain, and no more.
    let edge = |cut: bool, area: f64, reach: f64| if cut { area } else { reach };
    let (x_cut, y_cut) = (x.domain.is_some(), y.domain.is_some());
    let cut = Area {
        left: edge(x_cut, area.left - 0.7, reach.left),
        top: edge(y_cut, area.top - 0.7, reach.top),
        right: edge(x_cut, area.right + 0.7, reach.right),
        bottom: edge(y_cut, area.bottom + 0.7, reach.bottom),
    };
    (cut, reach)
}

/// The axes with their ticks, and the labels where they are wanted.
pub(super) fn axes(
    panel: &Panel,
    (x_labels, y_labels): (bool, bool),
    cells: bool,
    theme: Theme,
) -> Vec<Shape> {
    let Area {
        left,
        top,
        right,
        bottom,
    } = panel.area;
    let mut shapes = Vec::new();
    let line = |places: Vec<Place>| Shape::line(places, INK, THIN);
    if theme == Theme::Boxed {
        let corners = vec![
            (left, top),
            (left, bottom),
            (right, bottom),
            (right, top),
            (left, top),
        ];
        shapes.push(line(corners));
    } else if !cells {
        shapes.push(line(vec![(left, top), (left, bottom), (right, bottom)]));
    }
    let (x_axis, y_axis) = (panel.x(), panel.y());
    let start = |axis: &crate::figures::plot::axis::Axis| Spot::of(axis.scale.ends().0);
    let size = x_axis.font.size;
    for tick in &x_axis.ticks {
        let (x, _) = panel.place(Spot::of(tick.value), start(y_axis));
        let length = if tick.label.is_some() { MAJOR } else { MINOR };
        if !x_axis.named() {
            shapes.push(line(vec![(x, bottom), (x, bottom + length)]));
        }
        let Some(label) = tick.label.as_ref().filter(|_| x_labels) else {
            continue;
        };
        if x_axis.angle > 0.0 {
            let set = Type {
                turn: -x_axis.angle,
                ..Type::new(x_axis.font, HPos::Right, VPos::Bottom)
            };
            // The end of the text lies below the tick, whatever the angle.
            let (sin, cos) = x_axis.angle.to_radians().sin_cos();
            let place = (
                x + size * 0.35 * sin,
                bottom + MAJOR + GAP + size * 0.8 * cos,
            );
            shapes.push(Shape::Text(place, set, label.clone()));
        } else {
            let set = Type::new(x_axis.font, HPos::Center, VPos::Top);
            for (at, text) in label.lines().enumerate() {
                let y = bottom + x_axis.drop() + x_axis.raised() + at as f64 * size * LINE;
                shapes.push(Shape::Text((x, y), set, text.to_owned()));
            }
        }
    }
    if let Some(times) = x_axis.times().filter(|_| x_labels) {
        let set = Type::new(x_axis.font, HPos::Right, VPos::Top);
        let labels = if x_axis.angle > 0.0 {
            x_axis.depth - size * 1.3
        } else {
            x_axis.drop() + x_axis.raised() + size * 1.1
        };
        let place = (right, bottom + labels + size * 0.2);
        shapes.push(Shape::Text(place, set, times));
    }
    for tick in &y_axis.ticks {
        let (_, y) = panel.place(start(x_axis), Spot::of(tick.value));
        let length = if tick.label.is_some() { MAJOR } else { MINOR };
        if !y_axis.named() {
            shapes.push(line(vec![(left - length, y), (left, y)]));
        }
        if let Some(label) = tick.label.as_ref().filter(|_| y_labels) {
            let set = Type {
                turn: -y_axis.angle,
                ..Type::new(y_axis.font, HPos::Right, VPos::Center)
            };
            let count = label.lines().count();
            for (at, text) in label.lines().enumerate() {
                let down = (at as f64 - (count - 1) as f64 / 2.0) * size * LINE;
                let place = (left - MAJOR - GAP, y + down);
                shapes.push(Shape::Text(place, set, text.to_owned()));
            }
        }
    }
    if let Some(times) = y_axis.times().filter(|_| y_labels) {
        let set = Type::new(y_axis.font, HPos::Left, VPos::Bottom);
        shapes.push(Shape::Text((left, top - 2.5), set, times));
    }
    shapes
}

/// A line at zero, where bars reach to both sides of it.
pub(super) fn zero_line(panel: &Panel, flipped: bool) -> Vec<Shape> {
    let axis = if flipped { panel.x() } else { panel.y() };
    let (low, high) = axis.scale.ends();
    if axis.named() || axis.scale.is_log() || !(low < 0.0 && high > 0.0) {
        return Vec::new();
    }
    let area = panel.area;
    let other = if flipped { panel.y() } else { panel.x() };
    let start = Spot::of(other.scale.ends().0);
    let places = if flipped {
        let (x, _) = panel.place(Spot::of(0.0), start);
        [(x, area.top), (x, area.bottom)]
    } else {
        let (_, y) = panel.place(start, Spot::of(0.0));
        [(area.left, y), (area.right, y)]
    };
    vec![Shape::line(places, INK, THIN)]
}

/// Bands to compare with, which lie under the data.
pub(super) fn bands(panel: &Panel, references: &[Line]) -> Vec<Shape> {
    let area = panel.area;
    let mut shapes = Vec::new();
    for reference in references {
        let (ends, upright) = match reference {
            Line::Standing(ends) => (ends, true),
            Line::Lying(ends) => (ends, false),
            _ => continue,
        };
        let axis = if upright { panel.x() } else { panel.y() };
        let shares = ends.map(|end| axis.scale.place(end).map(|share| share.clamp(0.0, 1.0)));
        let [Some(from), Some(to)] = shares else {
            continue;
        };
        let (from, to) = if axis.scale.reverse {
            (1.0 - to, 1.0 - from)
        } else {
            (from, to)
        };
        let band = if upright {
            Area {
                left: area.left + from * area.width(),
                right: area.left + to * area.width(),
                ..area
            }
        } else {
            Area {
                top: area.bottom - to * area.height(),
                bottom: area.bottom - from * area.height(),
                ..area
            }
        };
        shapes.push(Shape::Box(band, band_fill()));
    }
    shapes
}

/// Lines to compare with.
pub(super) fn references(panel: &Panel, references: &[Line]) -> Vec<Shape> {
    let area = panel.area;
    let mut shapes = Vec::new();
    for (place, reference) in references.iter().enumerate() {
        let stroke = reference_stroke(place);
        let start = |axis: &crate::figures::plot::axis::Axis| Spot::of(axis.scale.ends().0);
        match reference {
            Line::Across(level) if panel.y().scale.holds(*level) => {
                let (_, y) = panel.place(start(panel.x()), Spot::of(*level));
                shapes.push(Shape::Line(vec![(area.left, y), (area.right, y)], stroke));
            }
            Line::Upright(level) if panel.x().scale.holds(*level) => {
                let (x, _) = panel.place(Spot::of(*level), start(panel.y()));
                shapes.push(Shape::Line(vec![(x, area.top), (x, area.bottom)], stroke));
            }
            Line::Steps(steps) => {
                let scales = (&panel.x().scale, &panel.y().scale);
                let steps = steps
                    .iter()
                    .filter(|(x, y)| scales.0.place(*x).is_some() && scales.1.place(*y).is_some());
                let places = steps.map(|(x, y)| panel.place(Spot::of(*x), Spot::of(*y)));
                let places: Vec<Place> = places.collect();
                if panel.x().named() {
                    let half = area.width() / panel.x().scale.places().max(1) as f64 * 0.46;
                    shapes.extend(
                        places
                            .into_iter()
                            .map(|(x, y)| Shape::Line(vec![(x - half, y), (x + half, y)], stroke)),
                    );
                } else {
                    shapes.push(Shape::Line(places, stroke));
                }
            }
            _ => {}
        }
    }
    shapes
}

//! The names of lines at their ends, in place of a legend.

use plotters::style::text_anchor::{HPos, VPos};

use super::Figure;
use crate::figures::plot::axis::Spot;
use crate::figures::plot::data::View;
use crate::figures::plot::element::Type;
use crate::figures::plot::mark::Panel;
use crate::figures::plot::palette;
use crate::figures::plot::scene::Shape;
use crate::figures::plot::spec::Legend;
use crate::figures::plot::text;

/// The air between a line and its name.
const AIR: f64 = 5.0;

/// Whether a panel names its lines at their ends.
fn is_wanted(figure: &Figure<'_>, view: &View<'_>) -> bool {
    let own = view.written.legend.or(figure.plot.legend);
    own == Some(Legend::Ends)
}

/// The room that the names need at the right of a facet.
pub(super) fn room(figure: &Figure<'_>, place: usize, view: &View<'_>) -> f64 {
    if !is_wanted(figure, view) {
        return 0.0;
    }
    let layers = 0..view.layers.len();
    let keys = layers.filter_map(|at| figure.data.keys.of("color", (place, at)));
    let names = keys.flat_map(|key| key.names());
    let widest = names
        .map(|name| text::width(name, figure.fonts.tick))
        .fold(0.0, f64::max);
    if widest > 0.0 { widest + AIR } else { 0.0 }
}

/// The names of the lines of one facet, moved apart where they would lie over one another.
pub(super) fn labels(
    figure: &Figure<'_>,
    (place, view): (usize, &View<'_>),
    facet: usize,
    panel: &Panel,
) -> Vec<Shape> {
    let font = figure.fonts.tick;
    let mut found: Vec<(f64, f64, usize, String, palette::Look)> = Vec::new();
    for (at, layer) in view.layers.iter().enumerate() {
        let Some(key) = figure.data.keys.of("color", (place, at)) else {
            continue;
        };
        for (series, look) in layer.looks.iter().enumerate() {
            let rows = layer
                .rows
                .iter()
                .filter(|row| row.panel == facet && row.series == series);
            let placed = rows.filter_map(|row| Some((row.x?, row.y?)));
            let Some((x, y)) = placed.max_by(|a, b| a.0.total_cmp(&b.0)) else {
                continue;
            };
            let Some(name) = key.names().get(series) else {
                continue;
            };
            if found.iter().any(|(.., own, _)| own == name) {
                continue;
            }
            let (right, height) = panel.place(Spot::of(x), Spot::of(y));
            found.push((height, right, series, name.clone(), *look));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Each is pushed down below the last, then all that reach too low are pushed up.
    let line = font.size * 1.1;
    let mut heights: Vec<f64> = found.iter().map(|one| one.0).collect();
    for at in 1..heights.len() {
        heights[at] = heights[at].max(heights[at - 1] + line);
    }
    if let Some(last) = heights.last_mut() {
        *last = last.min(panel.area.bottom);
    }
    for at in (1..heights.len()).rev() {
        heights[at - 1] = heights[at - 1].min(heights[at] - line);
    }
    let x = panel.area.right + AIR;
    let mut shapes = Vec::new();
    for (height, (own, right, _, name, look)) in heights.into_iter().zip(found) {
        if (height - own).abs() > line / 2.0 {
            // A name that was moved away is led back to its line.
            let places = [(right + 1.5, own), (x - 1.0, height)];
            shapes.push(Shape::line(places, look.color, 0.5));
        }
        let set = Type {
            color: look.color,
            ..Type::new(font, HPos::Left, VPos::Center)
        };
        shapes.push(Shape::Text((x, height), set, name));
    }
    shapes
}

//! A figure that only says why nothing is drawn.

use plotters::style::RGBColor;

use super::margins::Margins;
use super::{Fonts, face};
use crate::figures::plot::element::Type;
use crate::figures::plot::scene::{Scene, Shape};
use crate::figures::plot::spec::Plot;
use crate::figures::plot::text;
use crate::figures::table::Error;

/// The colour around nothing.
const FRAME: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);

/// The figure of a plot that shows nothing.
pub(in crate::figures::plot) fn blank(
    plot: &Plot,
    why: &str,
    notes: &[String],
) -> Result<Scene, Error> {
    let fonts = Fonts::new(plot);
    let venue = plot.venue;
    let width = plot.width.and_then(|width| width.points(venue));
    let width = width.or(venue.map(|v| v.widths().0)).unwrap_or(360.0);
    let margins = Margins::new(plot, notes, &fonts, width);
    let height = plot.height.and_then(|height| height.points(venue));
    let height = height.unwrap_or_else(|| 230.0 + margins.extra());
    let mut scene = Scene::new(width, height, face(plot));
    let room = margins.room((width, height));
    let frame = vec![
        (room.left, room.top),
        (room.right, room.top),
        (room.right, room.bottom),
        (room.left, room.bottom),
        (room.left, room.top),
    ];
    scene.add(margins.shapes((width, height), width / 2.0));
    scene.add([Shape::line(frame, FRAME, 0.7)]);
    let says = format!("nothing to draw: {why}");
    let font = fonts.title;
    let lines = text::wrapped(&text::literal(&says), font, room.width() - 20.0);
    let (x, y) = room.middle();
    let line = font.size * 1.4;
    let first = y - (lines.len() as f64 - 1.0) / 2.0 * line + font.size * 0.36;
    scene.add(lines.into_iter().enumerate().map(|(place, text)| {
        let at = (x, first + place as f64 * line);
        Shape::Text(at, Type::centred(font), text)
    }));
    Ok(scene)
}

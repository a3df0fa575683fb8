//! What stands above and below the panels: the title, and what a figure rests on and does not show. Where nothing can be
//! drawn, they are all there is.

use std::cell::RefCell;
use std::rc::Rc;

use plotters::style::RGBColor;

use super::canvas::{Area, Canvas};
use super::element::{self, Page, Stroke, centred, put};
use super::spec::Plot;
use super::text;
use crate::figures::table::Error;

/// Sizes of type in points: of the title, of notes, and of why nothing is drawn.
const HEAD: f64 = 10.5;
const NOTE: f64 = 7.5;
const SAYS: f64 = 9.0;
/// The air around everything.
pub(super) const EDGE: f64 = 5.0;
/// The colour around nothing.
const FRAME: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);

/// What stands above and below the panels, broken into lines.
pub(super) struct Margins {
    /// The title, as mark-up.
    title: Vec<String>,
    /// What the figure rests on and does not show, as mark-up.
    notes: Vec<String>,
}

impl Margins {
    pub(super) fn new(plot: &Plot, notes: &[String], width: f64) -> Self {
        let room = width - 2.0 * EDGE;
        let title = plot.title.as_deref();
        let equals = format!("{0}={0}", text::TIED);
        let lines = notes.iter().flat_map(|note| {
            let note = note.replace(" = ", &equals);
            text::wrapped(&text::literal(&note), NOTE, room)
        });
        Self {
            title: title.map_or_else(Vec::new, |title| text::wrapped(title, HEAD, room)),
            notes: lines.collect(),
        }
    }

    /// How much higher a figure is for lines beyond the first title.
    pub(super) fn extra(&self) -> f64 {
        let titles = self.title.len().saturating_sub(1) as f64;
        let notes = self.notes.len().saturating_sub(1) as f64;
        titles * HEAD * 1.25 + notes * NOTE * 1.35
    }

    /// The lines for which a figure of this height has room: titles and notes take no more than a third each.
    pub(super) fn within(mut self, height: f64) -> Self {
        let most = |line: f64| ((height / 3.0 / line) as usize).max(1);
        for (lines, most) in [
            (&mut self.title, most(HEAD * 1.25)),
            (&mut self.notes, most(NOTE * 1.35)),
        ] {
            if lines.len() > most {
                lines.truncate(most);
                if let Some(last) = lines.last_mut() {
                    last.push('…');
                }
            }
        }
        self
    }

    /// Writes the lines; what remains of the page is for the panels.
    pub(super) fn draw(&self, page: &Page, (width, height): (f64, f64)) -> Area {
        let mut room = Area {
            left: EDGE,
            top: EDGE,
            right: width - EDGE,
            bottom: height - EDGE,
        };
        for (place, title) in self.title.iter().enumerate() {
            let first = if place == 0 { HEAD } else { HEAD * 1.25 };
            room.top += first;
            let middle = (width / 2.0, room.top);
            put(page, &centred(HEAD).text(middle, title.as_str()));
        }
        if !self.title.is_empty() {
            room.top += HEAD * 0.7;
        }
        if let Some(after) = self.notes.len().checked_sub(1) {
            let first = room.bottom - after as f64 * NOTE * 1.35;
            for (place, note) in self.notes.iter().enumerate() {
                let at = (width / 2.0, first + place as f64 * NOTE * 1.35);
                put(page, &centred(NOTE).text(at, note.as_str()));
            }
            room.bottom = first - NOTE * 1.6;
        }
        room
    }
}

/// A figure that only says why nothing is drawn.
pub(super) fn blank(plot: &Plot, why: &str, notes: &[String]) -> Result<String, Error> {
    let width = plot.width.unwrap_or(360.0);
    let margins = Margins::new(plot, notes, width);
    let height = plot.height.unwrap_or_else(|| 230.0 + margins.extra());
    let margins = margins.within(height);
    let canvas = Rc::new(RefCell::new(Canvas::new(width, height)));
    let page = element::page(&canvas);
    let room = margins.draw(&page, (width, height));
    let frame = [
        (room.left, room.top),
        (room.right, room.top),
        (room.right, room.bottom),
        (room.left, room.bottom),
        (room.left, room.top),
    ];
    put(&page, &Stroke::new(FRAME, 0.7).along(frame));
    let says = format!("nothing to draw: {why}");
    let lines = text::wrapped(&text::literal(&says), SAYS, room.width() - 20.0);
    let (x, y) = (
        (room.left + room.right) / 2.0,
        (room.top + room.bottom) / 2.0,
    );
    let first = y - (lines.len() as f64 - 1.0) / 2.0 * SAYS * 1.4 + SAYS * 0.36;
    for (place, line) in lines.into_iter().enumerate() {
        let at = (x, first + place as f64 * SAYS * 1.4);
        put(&page, &centred(SAYS).text(at, line));
    }
    let document = canvas.borrow().document(plot.title.as_deref());
    Ok(document)
}

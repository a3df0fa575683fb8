//! What stands above and below the panels: the title, and what a figure rests on and does not show.

use super::{EDGE, Fonts, Trouble};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::Type;
use crate::figures::plot::scene::Shape;
use crate::figures::plot::spec::Plot;
use crate::figures::plot::text::{self, Font};

/// What stands above and below the panels, broken into lines.
pub(super) struct Margins {
    /// The title, as mark-up.
    title: Vec<String>,
    /// What the figure rests on and does not show, as mark-up.
    notes: Vec<String>,
    fonts: Fonts,
    room: f64,
}

impl Margins {
    pub(super) fn new(plot: &Plot, notes: &[String], fonts: &Fonts, width: f64) -> Self {
        let room = width - 2.0 * EDGE;
        let title = plot.title.as_deref();
        let equals = format!("{0}={0}", text::TIED);
        let lines = notes.iter().flat_map(|note| {
            let note = note.replace(" = ", &equals);
            text::wrapped(&text::literal(&note), fonts.note, room)
        });
        Self {
            title: title.map_or_else(Vec::new, |title| text::wrapped(title, fonts.head, room)),
            notes: lines.collect(),
            fonts: *fonts,
            room,
        }
    }

    /// How much higher a figure is for lines beyond the first title.
    pub(super) fn extra(&self) -> f64 {
        let titles = self.title.len().saturating_sub(1) as f64;
        let notes = self.notes.len().saturating_sub(1) as f64;
        titles * self.fonts.head.size * 1.25 + notes * self.line()
    }

    /// The height of a line of notes.
    fn line(&self) -> f64 {
        self.fonts.note.size * 1.35
    }

    /// The same, if a page of this height has room for it: titles and notes take no more than a third each.
    ///
    /// Notes go on after an ellipsis in what the run says: that a value is missing must not make a figure fail.
    pub(super) fn within(mut self, height: f64) -> Result<Self, Trouble> {
        let fits = |lines: &[String], line: f64| {
            lines.len() as f64 * line <= height / 3.0 || lines.len() < 2
        };
        if !fits(&self.title, self.fonts.head.size * 1.25) {
            return Err(Trouble::wide("the title takes too many lines"));
        }
        if !fits(&self.notes, self.line()) {
            let most = (height / 3.0 / self.line()) as usize;
            self.notes.truncate(most.max(1));
            if let Some(last) = self.notes.last_mut() {
                last.push('…');
            }
        }
        let wide = |line: &String, font: Font| text::width(line, font) > self.room + 0.5;
        if self.title.iter().any(|line| wide(line, self.fonts.head)) {
            return Err(Trouble::wide(
                "the title has a word that is wider than the figure",
            ));
        }
        Ok(self)
    }

    /// What remains of the page for the panels.
    pub(super) fn room(&self, (width, height): (f64, f64)) -> Area {
        let mut room = Area {
            left: EDGE,
            top: EDGE,
            right: width - EDGE,
            bottom: height - EDGE,
        };
        let head = self.fonts.head.size;
        if !self.title.is_empty() {
            room.top += head + (self.title.len() - 1) as f64 * head * 1.25 + head * 0.7;
        }
        if let Some(after) = self.notes.len().checked_sub(1) {
            room.bottom -= after as f64 * self.line() + self.fonts.note.size * 1.6;
        }
        room
    }

    /// The lines, the title above `middle`, that of the panels.
    pub(super) fn shapes(&self, (width, height): (f64, f64), middle: f64) -> Vec<Shape> {
        let mut shapes = Vec::new();
        let head = self.fonts.head;
        for (place, title) in self.title.iter().enumerate() {
            let y = EDGE + head.size + place as f64 * head.size * 1.25;
            // A title that is wider than the panel still stays on the page.
            let half = text::width(title, head) / 2.0;
            let x = middle.clamp(EDGE + half, (width - EDGE - half).max(EDGE + half));
            shapes.push(Shape::Text((x, y), Type::centred(head), title.clone()));
        }
        if let Some(after) = self.notes.len().checked_sub(1) {
            let first = height - EDGE - after as f64 * self.line();
            for (place, note) in self.notes.iter().enumerate() {
                let at = (width / 2.0, first + place as f64 * self.line());
                shapes.push(Shape::Text(
                    at,
                    Type::centred(self.fonts.note),
                    note.clone(),
                ));
            }
        }
        shapes
    }
}

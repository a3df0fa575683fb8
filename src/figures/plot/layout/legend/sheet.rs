//! How the entries of a legend stand: under one another, or side by side.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::super::seen::not_shown;
use super::super::{Fonts, Trouble};
use super::{Block, Entries, Entry, SAMPLE};
use crate::figures::plot::axis::LINE;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::{INK, Type};
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::text::{self, Font};

/// The air between a sample and its text.
const AIR: f64 = 5.0;
/// The air between entries side by side.
const BETWEEN: f64 = 14.0;
/// The most columns of entries under one another.
const COLUMNS: usize = 4;
/// The text of a series of which nothing is to be seen.
const FAINT: RGBColor = RGBColor(0x77, 0x77, 0x77);

/// Part of a legend with its shapes, as if its corner were at the origin.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Sheet {
    pub width: f64,
    pub height: f64,
    shapes: Vec<Shape>,
}

impl Sheet {
    /// Its shapes with the corner at a place.
    pub(in super::super) fn at(&self, corner: Place) -> Vec<Shape> {
        moved(&self.shapes, corner)
    }

    /// Its middle if its corner is at a place.
    pub(in super::super) fn middle(&self, (x, y): Place) -> Place {
        (x + self.width / 2.0, y + self.height / 2.0)
    }

    /// Adds another at a place.
    fn put(&mut self, other: &Self, (x, y): Place) {
        self.shapes.extend(other.at((x, y)));
        self.width = self.width.max(x + other.width);
        self.height = self.height.max(y + other.height);
    }
}

impl Entry {
    /// The text beside the sign.
    fn text(&self) -> String {
        if self.seen {
            self.label.clone()
        } else {
            not_shown(&self.label)
        }
    }

    /// The entry, no wider than `most` where its text can be broken.
    fn sheet(&self, font: Font, most: f64) -> Sheet {
        let lines = text::wrapped(&self.text(), font, most - SAMPLE - AIR);
        let first = (font.size * 1.5).max(self.high + 2.0);
        let mut sheet = lines_of(&lines, font, (SAMPLE + AIR, first), self.seen);
        sheet.shapes.extend(moved(&self.sign, (0.0, first / 2.0)));
        sheet
    }
}

/// Lines of text under one another, of which the first is `first` points high.
fn lines_of(lines: &[String], font: Font, (left, first): (f64, f64), seen: bool) -> Sheet {
    let mut sheet = Sheet {
        height: first,
        ..Sheet::default()
    };
    for (place, line) in lines.iter().enumerate() {
        let y = first / 2.0 + place as f64 * font.size * LINE;
        let set = Type {
            color: if seen { INK } else { FAINT },
            ..Type::new(font, HPos::Left, VPos::Center)
        };
        sheet.width = sheet.width.max(left + text::width(line, font));
        sheet.height = sheet.height.max(y + first / 2.0);
        sheet.shapes.push(Shape::Text((left, y), set, line.clone()));
    }
    sheet
}

impl Block {
    /// The title, no wider than `most` where it can be broken.
    fn heading(&self, fonts: &Fonts, most: f64) -> Option<Sheet> {
        let font = fonts.tick.bold();
        let lines = text::wrapped(self.title.as_deref()?, font, most);
        Some(lines_of(&lines, font, (0.0, font.size * 1.5), true))
    }
}

impl Entries {
    /// The entries under one another, no wider than `most`: in several columns where they are higher than `high`.
    pub(in super::super) fn stacked(
        &self,
        fonts: &Fonts,
        most: f64,
        high: f64,
    ) -> Result<Sheet, Trouble> {
        let mut trouble = None;
        for columns in 1..=COLUMNS {
            let between = BETWEEN * (columns - 1) as f64;
            let items = self.items(fonts, (most - between) / columns as f64);
            let parts = columns_of(&items, columns);
            let mut sheet = Sheet::default();
            for part in &parts {
                let left = if sheet.width > 0.0 {
                    sheet.width + BETWEEN
                } else {
                    0.0
                };
                let mut top = 0.0;
                for (place, item) in part.iter().enumerate() {
                    // A new block stands a little apart.
                    let air = if place > 0 { item.air } else { 0.0 };
                    sheet.put(&item.sheet, (left, top + air));
                    top += air + item.sheet.height;
                }
            }
            let wide = sheet.width > most + 0.5;
            if !wide && sheet.height <= high {
                return Ok(sheet);
            }
            let what = if wide {
                Trouble::wide("a name in the legend is too long")
            } else {
                Trouble::high("the legend is too high")
            };
            trouble.get_or_insert(what);
        }
        trouble.map_or_else(|| Ok(Sheet::default()), Err)
    }

    /// Titles and entries, each no wider than `most`.
    fn items(&self, fonts: &Fonts, most: f64) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for block in &self.blocks {
            let mut air = if items.is_empty() {
                0.0
            } else {
                fonts.tick.size * 0.5
            };
            if let Some(sheet) = block.heading(fonts, most) {
                let title = true;
                items.push(Item { sheet, air, title });
                air = 0.0;
            }
            for entry in &block.entries {
                let sheet = entry.sheet(fonts.tick, most);
                let title = false;
                items.push(Item { sheet, air, title });
                air = 0.0;
            }
        }
        items
    }

    /// The entries side by side, no wider than `room`. A title stands before its entries.
    pub(in super::super) fn flowing(&self, fonts: &Fonts, room: f64) -> Result<Sheet, Trouble> {
        let blocks: Vec<Sheet> = self
            .blocks
            .iter()
            .map(|block| block.flowing(fonts, room))
            .collect();
        let mut sheet = Sheet::default();
        // Blocks that fit stand side by side, and others under one another.
        let together: f64 = blocks.iter().map(|block| block.width).sum();
        let together = together + 1.5 * BETWEEN * blocks.len().saturating_sub(1) as f64;
        if together <= room {
            let high = blocks.iter().map(|block| block.height).fold(0.0, f64::max);
            let mut left = 0.0;
            for block in &blocks {
                sheet.put(block, (left, (high - block.height) / 2.0));
                left += block.width + 1.5 * BETWEEN;
            }
        } else {
            for block in &blocks {
                let top = sheet.height;
                sheet.put(block, (0.0, top));
            }
        }
        if sheet.width > room + 0.5 {
            return Err(Trouble::wide("a name in the legend is too long"));
        }
        Ok(sheet)
    }
}

/// A title or an entry of a column.
struct Item {
    sheet: Sheet,
    /// The air before it, unless it comes first.
    air: f64,
    title: bool,
}

/// Parts items into at most so many columns, all about as high. No title is the last of its column.
fn columns_of(items: &[Item], count: usize) -> Vec<&[Item]> {
    let height = |item: &Item| item.sheet.height + item.air;
    let all: f64 = items.iter().map(height).sum();
    let tallest = items.iter().map(height).fold(0.0, f64::max);
    let fill = |limit: f64| -> Vec<&[Item]> {
        let mut parts = Vec::new();
        let (mut start, mut used) = (0, 0.0);
        for (place, item) in items.iter().enumerate() {
            let own = height(item);
            let next = items.get(place + 1).filter(|_| item.title);
            if place > start && used + own + next.map_or(0.0, height) > limit + 0.01 {
                parts.push(&items[start..place]);
                (start, used) = (place, 0.0);
            }
            used += own;
        }
        parts.push(&items[start..]);
        parts
    };
    let mut limit = (all / count.max(1) as f64).max(tallest);
    loop {
        let parts = fill(limit);
        if parts.len() <= count || limit >= all {
            return parts;
        }
        limit += 1.0 + all * 0.01;
    }
}

impl Block {
    /// The entries side by side after the title, in rows no wider than `room` where that is possible.
    fn flowing(&self, fonts: &Fonts, room: f64) -> Sheet {
        let mut sheet = Sheet::default();
        let mut left = 0.0;
        let mut top = 0.0;
        if let Some(title) = self.heading(fonts, room) {
            // A long title has a line of its own.
            let beside = title.width <= room * 0.35;
            sheet.put(&title, (0.0, 0.0));
            (left, top) = if beside {
                (title.width + BETWEEN, 0.0)
            } else {
                (0.0, title.height)
            };
        }
        let own = self.entries.iter();
        let own: Vec<Sheet> = own
            .map(|entry| entry.sheet(fonts.tick, room - left))
            .collect();
        for row in rows(&own, room - left) {
            let high = row.iter().map(|(one, _)| one.height).fold(0.0, f64::max);
            for (one, at) in row {
                sheet.put(one, (left + at, top));
            }
            top += high;
        }
        sheet
    }
}

/// Rows of sheets, each with its place: in columns that lie under one another where that takes no more rows.
fn rows(sheets: &[Sheet], room: f64) -> Vec<Vec<(&Sheet, f64)>> {
    let mut loose: Vec<Vec<(&Sheet, f64)>> = vec![Vec::new()];
    let mut used = 0.0;
    for one in sheets {
        if used > 0.0 && used + one.width > room {
            loose.push(Vec::new());
            used = 0.0;
        }
        if let Some(row) = loose.last_mut() {
            row.push((one, used));
        }
        used += one.width + BETWEEN;
    }
    let columns = sheets.len().div_ceil(loose.len()).max(1);
    let own = |column: usize| sheets.iter().skip(column).step_by(columns);
    let widths: Vec<f64> = (0..columns)
        .map(|column| own(column).map(|one| one.width).fold(0.0, f64::max))
        .collect();
    let all = widths.iter().sum::<f64>() + BETWEEN * (columns - 1) as f64;
    if loose.len() < 2 || all > room {
        return loose;
    }
    let lefts: Vec<f64> = (0..columns)
        .map(|column| widths[..column].iter().map(|width| width + BETWEEN).sum())
        .collect();
    let chunks = sheets.chunks(columns);
    chunks
        .map(|row| row.iter().zip(lefts.iter().copied()).collect())
        .collect()
}

/// Shapes at another place.
fn moved(shapes: &[Shape], (x, y): Place) -> Vec<Shape> {
    let by = |place: &Place| (place.0 + x, place.1 + y);
    let shapes = shapes.iter().cloned().map(|shape| match shape {
        Shape::Line(places, stroke) => Shape::Line(places.iter().map(by).collect(), stroke),
        Shape::Filled(places, color) => Shape::Filled(places.iter().map(by).collect(), color),
        Shape::Box(area, color) => Shape::Box(
            Area {
                left: area.left + x,
                right: area.right + x,
                top: area.top + y,
                bottom: area.bottom + y,
            },
            color,
        ),
        Shape::Marker(mut marker) => {
            marker.place = by(&marker.place);
            Shape::Marker(marker)
        }
        Shape::Text(place, set, text) => Shape::Text(by(&place), set, text),
    });
    shapes.collect()
}

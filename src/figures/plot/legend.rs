//! The legend: which entries there are, how large it is, and drawing it.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::Area;
use super::element::{Page, Stroke, Type, put};
use super::mark::Mark;
use super::palette::style;
use super::text;

/// The size of its text.
const SIZE: f64 = 8.0;
/// The height of one line.
const LINE: f64 = 12.0;
/// The width of a sample, and the air after it.
const SAMPLE: f64 = 20.0;
const AIR: f64 = 5.0;
/// The air between entries side by side.
const BETWEEN: f64 = 14.0;

/// The colour of a line to compare with.
const REFERENCE: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);

/// The look of the reference at `place`.
pub(super) fn reference_stroke(place: usize) -> Stroke {
    let dashes = ["4 2.5", "1.2 2", "8 2 1.2 2"];
    Stroke {
        color: REFERENCE,
        width: 0.9,
        dash: dashes[place % dashes.len()],
    }
}

/// What a sample stands for.
enum Sign {
    Series(usize),
    Reference(usize),
}

/// The entries of a legend.
pub(super) struct Entries {
    title: Option<String>,
    entries: Vec<(Sign, String)>,
}

impl Entries {
    /// Entries for the named series and the references with a label.
    pub(super) fn new(
        title: Option<String>,
        series: &[String],
        references: impl Iterator<Item = Option<String>>,
    ) -> Self {
        let named = series
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty());
        let mut entries: Vec<(Sign, String)> = named
            .map(|(place, name)| (Sign::Series(place), name.clone()))
            .collect();
        entries.extend(
            references
                .enumerate()
                .filter_map(|(place, label)| label.map(|label| (Sign::Reference(place), label))),
        );
        Self { title, entries }
    }

    /// Whether there is nothing to explain.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Width and height when the entries stand under one another.
    pub(super) fn stacked(&self, most: f64) -> (f64, f64) {
        let title = self
            .title
            .as_ref()
            .map_or(0.0, |title| text::width(title, SIZE, true));
        let widest = self
            .entries
            .iter()
            .map(|(_, label)| SAMPLE + AIR + text::width(label, SIZE, false))
            .fold(title, f64::max);
        let lines = self.entries.len() + usize::from(self.title.is_some());
        (widest.min(most), lines as f64 * LINE)
    }

    /// Draws the entries under one another from the corner `(x, y)`.
    pub(super) fn draw_stacked(
        &self,
        page: &Page,
        mark: &dyn Mark,
        (x, y): (f64, f64),
        width: f64,
    ) {
        let mut line = y + LINE / 2.0;
        if let Some(title) = &self.title {
            let set = Type {
                bold: true,
                ..Type::new(SIZE, HPos::Left, VPos::Center)
            };
            put(page, &set.text((x, line), title));
            line += LINE;
        }
        for ((sign, _), label) in self.entries.iter().zip(self.labels(width)) {
            entry_at(page, mark, (sign, label), (x, line));
            line += LINE;
        }
    }

    /// The labels, cut for entries that are `width` wide.
    fn labels(&self, width: f64) -> Vec<String> {
        let labels: Vec<&str> = self.entries.iter().map(|(_, l)| l.as_str()).collect();
        text::fitted_apart(&labels, SIZE, width - SAMPLE - AIR + 0.1)
    }

    /// The rows of entries that fit side by side into `room`.
    fn flow(&self, room: f64) -> Vec<Vec<(usize, f64)>> {
        let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new()];
        let mut used = 0.0;
        for (place, (_, label)) in self.entries.iter().enumerate() {
            let width = (SAMPLE + AIR + text::width(label, SIZE, false)).min(room);
            if used > 0.0 && used + BETWEEN + width > room {
                rows.push(Vec::new());
                used = 0.0;
            }
            used += width + if used > 0.0 { BETWEEN } else { 0.0 };
            if let Some(row) = rows.last_mut() {
                row.push((place, width));
            }
        }
        rows
    }

    /// The height of the entries side by side.
    pub(super) fn flowing(&self, room: f64) -> f64 {
        self.flow(room).len() as f64 * LINE
    }

    /// Draws the entries side by side, centred in the area.
    pub(super) fn draw_flowing(&self, page: &Page, mark: &dyn Mark, area: Area) {
        let mut line = area.top + LINE / 2.0;
        let mut labels = self.labels(area.width()).into_iter();
        for row in self.flow(area.width()) {
            let between = BETWEEN * row.len().saturating_sub(1) as f64;
            let used = row.iter().map(|(_, width)| width).sum::<f64>() + between;
            let mut x = area.left + (area.width() - used) / 2.0;
            for (place, width) in row {
                // Rows hold the entries in their order.
                let label = labels.next().unwrap_or_default();
                entry_at(page, mark, (&self.entries[place].0, label), (x, line));
                x += width + BETWEEN;
            }
            line += LINE;
        }
    }
}

fn entry_at(page: &Page, mark: &dyn Mark, (sign, label): (&Sign, String), (x, y): (f64, f64)) {
    match sign {
        Sign::Series(place) => mark.sample(page, (x, y), SAMPLE, &style(*place)),
        Sign::Reference(place) => {
            let line = [(x, y), (x + SAMPLE, y)];
            put(page, &reference_stroke(*place).along(line));
        }
    }
    let set = Type::new(SIZE, HPos::Left, VPos::Center);
    put(page, &set.text((x + SAMPLE + AIR, y), label));
}

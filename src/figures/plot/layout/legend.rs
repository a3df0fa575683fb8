//! The legend: which entries there are, how large it is, and its shapes.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::{Figure, Fonts, Trouble};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::{Layer, View};
use crate::figures::plot::element::{INK, Stroke, Type};
use crate::figures::plot::mark::{Sampled, area_radius, marker};
use crate::figures::plot::number;
use crate::figures::plot::palette::{self, Look};
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::text::{self, Font};

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
        dash: dashes[place % dashes.len()],
        ..Stroke::new(REFERENCE, 0.9)
    }
}

/// The fill of a band to compare with.
pub(super) fn band_fill() -> plotters::style::RGBAColor {
    use plotters::style::Color;
    REFERENCE.mix(0.13)
}

/// One entry: its sign around the origin, and its text as mark-up.
#[derive(Debug, Clone)]
struct Entry {
    /// Drawn from (0, 0) to the right.
    sign: Vec<Shape>,
    /// How high the sign is, in points.
    high: f64,
    label: String,
}

/// Entries under one title.
#[derive(Debug, Clone, Default)]
struct Block {
    title: Option<String>,
    entries: Vec<Entry>,
}

/// The entries of a legend.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    blocks: Vec<Block>,
}

impl Entries {
    /// What the panels without a legend of their own share.
    pub(super) fn of_figure(figure: &Figure<'_>) -> Self {
        let views = figure.data.views.iter().enumerate();
        let shared = views.filter(|(_, view)| view.written.legend.is_none());
        Self::of_views(figure, &shared.collect::<Vec<_>>())
    }

    /// The legend of some panels.
    pub(super) fn of_views(figure: &Figure<'_>, views: &[(usize, &View<'_>)]) -> Self {
        let mut blocks = Vec::new();
        // A column that tells two things at once has one block.
        let mut told: Vec<(String, usize)> = Vec::new();
        for parameter in ["color", "shape", "dash"] {
            for (place, view) in views {
                for (at, _) in view.layers.iter().enumerate() {
                    let Some(key) = figure.data.keys.of(parameter, (*place, at)) else {
                        continue;
                    };
                    let names = key.names();
                    let field = (key.channel.field.clone(), names.len());
                    if told.contains(&field) || names.iter().all(String::is_empty) {
                        continue;
                    }
                    told.push(field.clone());
                    let layers = layers_with(figure, views, &field.0);
                    let entries = names.iter().enumerate().map(|(group, name)| Entry {
                        sign: sign(figure, &layers, &field.0, group, names.len()),
                        high: 0.0,
                        label: name.clone(),
                    });
                    blocks.push(Block {
                        title: key.channel.title.clone(),
                        entries: entries.collect(),
                    });
                }
            }
        }
        let all = views.iter().flat_map(|(_, view)| &view.layers);
        if let Some(layer) = all.into_iter().find(|layer| layer.largest > 0.0) {
            blocks.push(sizes(layer));
        }
        let mut references = Block::default();
        for (_, view) in views {
            for (place, reference) in view.written.reference.iter().enumerate() {
                let Some(label) = &reference.label else {
                    continue;
                };
                if references.entries.iter().any(|entry| entry.label == *label) {
                    continue;
                }
                let is_band = [&reference.x, &reference.y]
                    .into_iter()
                    .flatten()
                    .any(|level| matches!(level, crate::figures::plot::spec::Level::Band(_)));
                let shape = if is_band {
                    let area = Area {
                        left: 0.0,
                        right: SAMPLE,
                        top: -3.5,
                        bottom: 3.5,
                    };
                    Shape::Box(area, band_fill())
                } else {
                    Shape::Line(vec![(0.0, 0.0), (SAMPLE, 0.0)], reference_stroke(place))
                };
                references.entries.push(Entry {
                    sign: vec![shape],
                    high: 0.0,
                    label: label.clone(),
                });
            }
        }
        if !references.entries.is_empty() {
            match blocks.last_mut().filter(|block| block.title.is_none()) {
                Some(last) => last.entries.extend(references.entries),
                None => blocks.push(references),
            }
        }
        Self { blocks }
    }

    /// Whether there is nothing to explain.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.iter().all(|block| block.entries.is_empty())
    }

    /// The lines of the legend with the entries under one another: a title, or an entry with one line of its label.
    fn lines(&self, fonts: &Fonts, most: f64) -> Vec<(Option<&Entry>, String, f64)> {
        let font = fonts.tick;
        let line = font.size * 1.5;
        let mut lines = Vec::new();
        for (place, block) in self.blocks.iter().enumerate() {
            if let Some(title) = &block.title {
                for (at, text) in text::wrapped(title, font.bold(), most)
                    .into_iter()
                    .enumerate()
                {
                    let air = if at == 0 && place > 0 {
                        line * 0.3
                    } else {
                        0.0
                    };
                    lines.push((None, text, line + air));
                }
            }
            for entry in &block.entries {
                let labels = text::wrapped(&entry.label, font, most - SAMPLE - AIR);
                for (at, text) in labels.into_iter().enumerate() {
                    let own = (at == 0).then_some(entry);
                    let high = if at == 0 {
                        line.max(entry.high + 2.0)
                    } else {
                        font.size * 1.2
                    };
                    lines.push((own, text, high));
                }
            }
        }
        lines
    }

    /// Width and height when the entries stand under one another, no wider than `most`.
    pub(super) fn stacked(&self, fonts: &Fonts, most: f64) -> (f64, f64) {
        let titles: Vec<&String> = self
            .blocks
            .iter()
            .filter_map(|b| b.title.as_ref())
            .collect();
        let mut size = (0.0f64, 0.0);
        for (entry, text, high) in self.lines(fonts, most) {
            let title = entry.is_none() && titles.iter().any(|title| title.contains(&text));
            let width = if title {
                text::width(&text, fonts.tick.bold())
            } else {
                SAMPLE + AIR + text::width(&text, fonts.tick)
            };
            size = (size.0.max(width), size.1 + high);
        }
        size
    }

    /// Refuses labels with a word that is wider than the legend may be.
    pub(super) fn fits(&self, fonts: &Fonts, most: f64) -> Result<(), Trouble> {
        if self.stacked(fonts, most).0 > most + 0.5 {
            return Err(Trouble::wide("a name in the legend is too long"));
        }
        Ok(())
    }

    /// The entries under one another, from the corner.
    pub(super) fn draw_stacked(&self, fonts: &Fonts, (x, y): Place, width: f64) -> Vec<Shape> {
        let font = fonts.tick;
        let mut shapes = Vec::new();
        let mut top = y;
        let mut under = false;
        for (entry, label, high) in self.lines(fonts, width + 0.1) {
            let middle = top + high / 2.0;
            match entry {
                Some(entry) => {
                    shapes.extend(moved(&entry.sign, (x, middle)));
                    shapes.push(written((x + SAMPLE + AIR, middle), font, label));
                    under = true;
                }
                None if under && !self.is_title(&label) => {
                    shapes.push(written((x + SAMPLE + AIR, middle), font, label));
                }
                None => {
                    shapes.push(written((x, middle + high * 0.1), font.bold(), label));
                    under = false;
                }
            }
            top += high;
        }
        shapes
    }

    /// Whether a line is part of a block's title.
    fn is_title(&self, line: &str) -> bool {
        let titles = self.blocks.iter().filter_map(|block| block.title.as_ref());
        let mut titles = titles.map(|title| text::plain(title));
        titles.any(|title| title.contains(&text::plain(line)))
    }

    /// The rows of entries that fit side by side into `room`: each entry with its width. A title stands before its entries.
    fn flow(&self, fonts: &Fonts, room: f64) -> Vec<Vec<(Option<&Entry>, String, f64)>> {
        let font = fonts.tick;
        let mut rows: Vec<Vec<(Option<&Entry>, String, f64)>> = vec![Vec::new()];
        let mut used = 0.0;
        let items = self.blocks.iter().flat_map(|block| {
            let title = block
                .title
                .iter()
                .map(|title| (None, title.clone(), text::width(title, font.bold())));
            let entries = block.entries.iter().map(|entry| {
                let width = SAMPLE + AIR + text::width(&entry.label, font);
                (Some(entry), entry.label.clone(), width)
            });
            title.chain(entries).collect::<Vec<_>>()
        });
        for (entry, label, width) in items {
            if used > 0.0 && used + BETWEEN + width > room {
                rows.push(Vec::new());
                used = 0.0;
            }
            used += width + if used > 0.0 { BETWEEN } else { 0.0 };
            if let Some(row) = rows.last_mut() {
                row.push((entry, label, width));
            }
        }
        self.aligned(rows, room)
    }

    /// Several rows as columns that lie under one another, where that takes no more rows.
    fn aligned<'e>(
        &'e self,
        rows: Vec<Vec<(Option<&'e Entry>, String, f64)>>,
        room: f64,
    ) -> Vec<Vec<(Option<&'e Entry>, String, f64)>> {
        if rows.len() < 2 || self.blocks.iter().any(|block| block.title.is_some()) {
            return rows;
        }
        let count = rows.len();
        let items: Vec<(Option<&Entry>, String, f64)> = rows.iter().flatten().cloned().collect();
        let columns = items.len().div_ceil(count);
        let widest = |column: usize| {
            let own = items
                .iter()
                .enumerate()
                .filter(|(at, _)| at % columns == column);
            own.map(|(_, (_, _, width))| *width).fold(0.0, f64::max)
        };
        let widths: Vec<f64> = (0..columns).map(widest).collect();
        let all = widths.iter().sum::<f64>() + BETWEEN * (columns - 1) as f64;
        if all > room {
            return rows;
        }
        let chunks = items.chunks(columns).map(|row| {
            let row = row.iter().zip(&widths);
            row.map(|((entry, label, _), width)| (*entry, label.clone(), *width))
                .collect()
        });
        chunks.collect()
    }

    /// The height of the entries side by side.
    pub(super) fn flowing(&self, fonts: &Fonts, room: f64) -> f64 {
        self.flow(fonts, room).len() as f64 * fonts.tick.size * 1.5
    }

    /// The entries side by side, centred in the area, from its top.
    pub(super) fn draw_flowing(&self, fonts: &Fonts, area: Area) -> Vec<Shape> {
        let font = fonts.tick;
        let line = font.size * 1.5;
        let mut shapes = Vec::new();
        let mut y = area.top + line / 2.0;
        let rows = self.flow(fonts, area.width());
        let used = |row: &[(Option<&Entry>, String, f64)]| {
            let widths: f64 = row.iter().map(|(_, _, width)| width).sum();
            widths + BETWEEN * row.len().saturating_sub(1) as f64
        };
        let widest = rows.iter().map(|row| used(row)).fold(0.0, f64::max);
        for row in rows {
            // All rows begin at the same place.
            let mut x = area.left + (area.width() - widest) / 2.0;
            for (entry, label, width) in row {
                match entry {
                    Some(entry) => {
                        shapes.extend(moved(&entry.sign, (x, y)));
                        shapes.push(written((x + SAMPLE + AIR, y), font, label));
                    }
                    None => shapes.push(written((x, y), font.bold(), label)),
                }
                x += width + BETWEEN;
            }
            y += line;
        }
        shapes
    }
}

fn written(place: Place, font: Font, label: String) -> Shape {
    Shape::Text(place, Type::new(font, HPos::Left, VPos::Center), label)
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

/// The layers in which a column tells series apart, with their places.
fn layers_with<'v>(
    figure: &Figure<'_>,
    views: &[(usize, &'v View<'v>)],
    field: &str,
) -> Vec<((usize, usize), &'v Layer<'v>)> {
    let mut found = Vec::new();
    for (place, view) in views {
        for (at, layer) in view.layers.iter().enumerate() {
            let keys = ["color", "shape", "dash"].map(|p| figure.data.keys.of(p, (*place, at)));
            if keys
                .into_iter()
                .flatten()
                .any(|key| key.channel.field == *field)
            {
                found.push(((*place, at), layer));
            }
        }
    }
    found
}

/// The sign of a group: those of all layers over one another, each kind once.
fn sign(
    figure: &Figure<'_>,
    layers: &[((usize, usize), &Layer<'_>)],
    field: &str,
    group: usize,
    count: usize,
) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut drawn: Vec<&str> = Vec::new();
    let names = layers.iter().map(|(_, layer)| layer.mark.about().name);
    let is_only = names.collect::<std::collections::BTreeSet<_>>().len() < 2;
    for (at, layer) in layers {
        let name = layer.mark.about().name;
        if drawn.contains(&name) {
            continue;
        }
        drawn.push(name);
        let tells = |parameter: &str| {
            let key = figure.data.keys.of(parameter, *at);
            (key.is_some(), key.filter(|key| key.channel.field == field))
        };
        let ((_, color), (has_shape, shape), (has_dash, dash)) =
            (tells("color"), tells("shape"), tells("dash"));
        // Where only colour tells series apart, shape and dash go with it.
        let alone = !has_shape && !has_dash;
        let tint = layer.drawn.tint.as_deref().and_then(palette::written);
        let look = Look {
            color: match color {
                Some(key) => tint.unwrap_or_else(|| palette::color(key.palette(), group, count)),
                None => tint.unwrap_or(INK),
            },
            shape: palette::shape(if shape.is_some() || alone { group } else { 0 }),
            dash: palette::dash(if dash.is_some() || alone { group } else { 0 }),
        };
        let sampled = Sampled {
            drawn: &layer.drawn,
            points: layer.mark.has_points(&layer.rows, &layer.drawn),
            flipped: layer.flipped,
            alone: is_only,
            font: figure.fonts.tick,
        };
        shapes.extend(layer.mark.sample((0.0, 0.0), SAMPLE, &look, &sampled));
    }
    shapes
}

/// What sizes stand for: the largest, and parts of it that are round.
fn sizes(layer: &Layer<'_>) -> Block {
    let channel = layer.drawn.size.as_ref().and_then(|size| size.column());
    let unit = 10f64.powf(layer.largest.log10().floor());
    let round = (layer.largest / unit).floor() * unit;
    let entries = [0.1, 0.5, 1.0].map(|part| {
        let value = round * part;
        let radius = area_radius(value, layer.largest);
        let look = Look {
            color: REFERENCE,
            dash: "",
            shape: palette::Shape::Circle,
        };
        Entry {
            sign: vec![marker((SAMPLE / 2.0, 0.0), radius, &look, 0.7)],
            high: 2.0 * radius,
            label: number::lone(value),
        }
    });
    Block {
        title: channel.map(super::super::spec::Channel::heading),
        entries: entries.to_vec(),
    }
}

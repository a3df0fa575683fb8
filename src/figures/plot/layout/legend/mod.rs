//! The legend: which entries there are. How they stand is in [`sheet`].

mod sheet;

use plotters::style::RGBColor;

use super::{Figure, ends, seen};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::{Layer, View};
use crate::figures::plot::element::{INK, Stroke};
use crate::figures::plot::mark::{Sampled, area_radius, marker};
use crate::figures::plot::number;
use crate::figures::plot::palette::{self, Look};
use crate::figures::plot::scene::Shape;
use crate::figures::plot::spec::{Channel, Level};

/// The width of a sample.
const SAMPLE: f64 = 20.0;

pub(super) use sheet::Sheet;

/// The colour of a line to compare with.
const REFERENCE: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);

/// The look of the reference at `place`.
pub(in crate::figures::plot) fn reference_stroke(place: usize) -> Stroke {
    let dashes = ["4 2.5", "1.2 2", "8 2 1.2 2"];
    Stroke {
        dash: dashes[place % dashes.len()],
        ..Stroke::new(REFERENCE, 0.9)
    }
}

/// The fill of a band to compare with.
pub(in crate::figures::plot) fn band_fill() -> plotters::style::RGBAColor {
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
    /// Whether there is something of it to see.
    seen: bool,
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
                for at in 0..view.layers.len() {
                    let Some(key) = figure.data.keys.of(parameter, (*place, at)) else {
                        continue;
                    };
                    let names = key.names();
                    let field = (key.channel.field.clone(), names.len());
                    let at_ends = ends::named(figure, *place, view).contains(&field.0.as_str());
                    if at_ends || told.contains(&field) || names.iter().all(String::is_empty) {
                        continue;
                    }
                    told.push(field.clone());
                    let layers = seen::layers_with(figure, views, &field.0);
                    let seen = seen::groups(figure, &layers, &field.0);
                    let own = names.iter().enumerate();
                    let own = own.filter(|(group, _)| seen.has(*group));
                    let entries = own.map(|(group, name)| {
                        let looks = layers.iter().map(|(at, _, layer)| (*at, *layer));
                        Entry {
                            sign: sign(figure, looks, &field.0, group, names.len()),
                            high: 0.0,
                            label: name.clone(),
                            seen: seen.shows(group),
                        }
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
        let references = references(views);
        if !references.entries.is_empty() {
            match blocks.last_mut().filter(|block| block.title.is_none()) {
                Some(last) => last.entries.extend(references.entries),
                None => blocks.push(references),
            }
        }
        blocks.retain(|block: &Block| !block.entries.is_empty());
        Self { blocks }
    }

    /// Whether there is nothing to explain.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

/// The labelled lines and bands to compare with, each label once.
fn references(views: &[(usize, &View<'_>)]) -> Block {
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
                .any(|level| matches!(level, Level::Band(_)));
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
                seen: true,
            });
        }
    }
    references
}

/// The sign of a group: those of all layers over one another, each kind once.
fn sign<'v>(
    figure: &Figure<'_>,
    layers: impl Iterator<Item = ((usize, usize), &'v Layer<'v>)>,
    field: &str,
    group: usize,
    count: usize,
) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut drawn: Vec<&str> = Vec::new();
    let layers: Vec<_> = layers.collect();
    let names = layers.iter().map(|(_, layer)| layer.mark.about().name);
    let is_only = names.collect::<std::collections::BTreeSet<_>>().len() < 2;
    for (at, layer) in layers {
        let name = layer.mark.about().name;
        if drawn.contains(&name) {
            continue;
        }
        drawn.push(name);
        let tells = |parameter: &str| {
            let key = figure.data.keys.of(parameter, at);
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
            shape: palette::shape(if shape.is_some() || alone && tint.is_none() {
                group
            } else {
                0
            }),
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

/// A round number near the largest size, and parts of it.
pub(in crate::figures::plot) fn round_sizes(largest: f64) -> [f64; 3] {
    let unit = 10f64.powf(largest.log10().floor());
    let round = (largest / unit).floor() * unit;
    [0.1, 0.5, 1.0].map(|part| round * part)
}

/// What sizes stand for: the largest, and parts of it that are round.
fn sizes(layer: &Layer<'_>) -> Block {
    let channel = layer.drawn.size.as_ref().and_then(|size| size.column());
    let values = round_sizes(layer.largest);
    let texts = match channel.and_then(|channel| channel.format) {
        Some(format) => number::each(&values, Some(format)).texts,
        None => values.map(number::lone).to_vec(),
    };
    let entries = values.iter().zip(texts).map(|(value, label)| {
        let value = *value;
        let radius = area_radius(value, layer.largest);
        let look = Look {
            color: REFERENCE,
            dash: "",
            shape: palette::Shape::Circle,
        };
        Entry {
            sign: vec![marker((SAMPLE / 2.0, 0.0), radius, &look, 0.7)],
            high: 2.0 * radius,
            label,
            seen: true,
        }
    });
    Block {
        title: channel.map(Channel::heading),
        entries: entries.collect(),
    }
}

//! Tables as a figure sees them: panels with layers of rows, and the scales that they share.

mod dates;
mod interval;
mod lanes;
mod layer;
mod reference;
mod view;

use polars::prelude::DataFrame;

use super::category::Unknown;
use super::column::Groups;
use super::spec::{Channel, PaletteName, Panel as Written, Plot};
use crate::figures::table::{self, Error};

pub(super) use dates::dated;
pub(super) use layer::Layer;
pub(super) use reference::Line;
pub(super) use view::{Facet, View};

/// The most series that can be told apart at all.
const MOST_SERIES: usize = 40;

/// The tables of a figure, by the names of their stages. The first is the one that is drawn where none is named.
pub(super) struct Tables<'a>(pub &'a [(String, DataFrame)]);

impl<'a> Tables<'a> {
    /// The table of a stage, or the first.
    pub(super) fn named(&self, name: Option<&str>) -> Result<&'a DataFrame, Error> {
        let found = match name {
            None => self.0.first(),
            Some(name) => self.0.iter().find(|(own, _)| own == name),
        };
        found.map(|(_, table)| table).ok_or_else(|| {
            let names: Vec<String> = self.0.iter().map(|(name, _)| name.clone()).collect();
            let name = name.unwrap_or_default();
            let advice = crate::figures::spelling::advice(name, "tables", &names);
            Error::Unsuitable(format!("no table `{name}`: {advice}"))
        })
    }
}

/// Everything that is drawn.
pub(super) struct Data<'a> {
    /// The panels, each with its facets.
    pub views: Vec<View<'a>>,
    /// What series look like, by the parameter that tells them apart.
    pub keys: Keys,
    /// What is not shown, a line each.
    pub untold: Vec<String>,
    /// What to know of the parameters, though the figure lacks nothing.
    pub advice: Vec<String>,
    /// Why there is nothing to draw, if there is nothing.
    pub empty: Option<String>,
}

/// What tells series apart, by the name of the parameter (`color`, `shape`, `dash`) and of the column: the same in all panels.
#[derive(Debug, Default)]
pub(super) struct Keys {
    all: Vec<Key>,
}

/// The values of one column that tell series apart.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The parameter: `color`, `shape` or `dash`.
    pub parameter: &'static str,
    /// The first channel that names the column.
    pub channel: Channel,
    /// The groups, with the rows of each layer that has the column.
    groups: Groups,
    /// The layers, each by the places of its panel and in it.
    layers: Vec<(usize, usize)>,
}

/// The parameters that make series.
const SERIES: [&str; 3] = ["color", "shape", "dash"];

impl Key {
    /// The names of the groups, as mark-up.
    pub(super) fn names(&self) -> &[String] {
        &self.groups.names
    }

    /// The colours of its groups.
    pub(super) fn palette(&self) -> PaletteName {
        let own = self.channel.palette;
        own.unwrap_or(if self.groups.numeric {
            PaletteName::Sequential
        } else {
            PaletteName::Categorical
        })
    }

    /// The name of the group of a row of a layer, as mark-up.
    pub(super) fn name_at(&self, layer: (usize, usize), row: usize) -> Option<&String> {
        self.names().get(*self.of_rows(layer)?.get(row)?)
    }

    /// The group of each row of a layer.
    pub(super) fn of_rows(&self, layer: (usize, usize)) -> Option<&[usize]> {
        let place = self.layers.iter().position(|own| *own == layer)?;
        Some(&self.groups.of_row[place])
    }
}

impl Keys {
    fn new(views: &[Written], tables: &Tables<'_>) -> Result<Self, Error> {
        let mut all: Vec<Key> = Vec::new();
        for parameter in SERIES {
            // Each column once, with all layers that read it.
            let mut found: Vec<(Channel, Vec<(usize, usize)>)> = Vec::new();
            for (at, view) in views.iter().enumerate() {
                for (place, (_, layer)) in view.layers.iter().enumerate() {
                    let channels = layer.channels();
                    let mut channels = channels.into_iter();
                    let Some((_, channel)) = channels.find(|(name, _)| *name == parameter) else {
                        continue;
                    };
                    let table = tables.named(layer.from.as_deref())?;
                    if parameter == "color" && layer::by_number(layer, table)? {
                        continue;
                    }
                    match found.iter_mut().find(|(own, _)| own.field == channel.field) {
                        Some((own, layers)) => {
                            *own = own.completed(channel);
                            layers.push((at, place));
                        }
                        None => found.push((channel.clone(), vec![(at, place)])),
                    }
                }
            }
            for (channel, layers) in found {
                let columns = layers.iter().map(|(at, place)| {
                    let from = views[*at].layers[*place].1.from.as_deref();
                    table::column(tables.named(from)?, &channel.field)
                });
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                let groups = Groups::new(&columns, &channel, "series", MOST_SERIES)?;
                all.push(Key {
                    parameter,
                    channel,
                    groups,
                    layers,
                });
            }
        }
        Ok(Self { all })
    }

    /// The key of a parameter for a layer, if it has one.
    pub(super) fn of(&self, parameter: &str, layer: (usize, usize)) -> Option<&Key> {
        let mut own = self.all.iter().filter(|key| key.parameter == parameter);
        own.find(|key| key.layers.contains(&layer))
    }
}

impl<'a> Data<'a> {
    /// Takes what `plot` needs from the tables.
    pub(super) fn new(plot: &Plot, tables: &Tables<'a>) -> Result<Self, Error> {
        if let Some((_, why)) = plot.problems().into_iter().next() {
            return Err(Error::Unsuitable(why));
        }
        for (_, from, name) in plot.uses() {
            table::column(tables.named(from.as_deref())?, &name)?;
        }
        let written = plot.views();
        let keys = Keys::new(&written, tables)?;
        let mut data = Self {
            views: Vec::new(),
            keys,
            untold: Vec::new(),
            advice: Vec::new(),
            empty: None,
        };
        let mut empty = Vec::new();
        for (place, view) in written.into_iter().enumerate() {
            let found = View::found(view, place, tables, &data.keys)?;
            data.untold.extend(found.told.untold);
            data.advice.extend(found.told.advice);
            empty.push(found.told.empty);
            data.views.push(found.view);
        }
        // A figure with anything in it tells what its other panels lack.
        if empty.iter().all(Option::is_some) {
            data.empty = empty.into_iter().flatten().next();
        } else {
            data.untold.extend(empty.into_iter().flatten());
        }
        data.advice.extend(data.keys.unknown(tables));
        data.advice.extend(data.keys.without_effect());
        once(&mut data.untold);
        once(&mut data.advice);
        Ok(data)
    }
}

impl Keys {
    /// What the orders of the keys name and no row holds.
    fn unknown(&self, tables: &Tables<'_>) -> Vec<String> {
        let rows = tables.0.iter().any(|(_, table)| table.height() > 0);
        let keys = self.all.iter().filter(|_| rows);
        keys.filter_map(|key| order_advice(&key.channel, &key.groups.unknown))
            .collect()
    }
}

impl Keys {
    /// What is said of numbers where a column of colours makes groups.
    fn without_effect(&self) -> Vec<String> {
        let colors = self.all.iter().filter(|key| key.parameter == "color");
        let lines = colors.filter_map(|key| {
            let of_numbers = ["scale", "domain", "format", "ticks", "middle"];
            let given = key.channel.given();
            let given: Vec<String> = given
                .filter(|name| of_numbers.contains(name))
                .map(|name| format!("`{name}`"))
                .collect();
            (!given.is_empty()).then(|| {
                format!(
                    "`color` gives each value of `{}` a colour of its own, so {} {} no effect",
                    key.channel.field,
                    given.join(", "),
                    if given.len() == 1 { "has" } else { "have" }
                )
            })
        });
        lines.collect()
    }
}

/// That an order names what no row holds.
pub(super) fn order_advice(channel: &Channel, unknown: &[Unknown]) -> Option<String> {
    if unknown.is_empty() {
        return None;
    }
    let names = unknown.iter().map(Unknown::to_string);
    let names = names.collect::<Vec<_>>().join(", ");
    Some(format!(
        "the `order` of `{}` names {names}, which no row holds",
        channel.field
    ))
}

/// Keeps the first of equal lines.
fn once(lines: &mut Vec<String>) {
    let mut known = std::collections::BTreeSet::new();
    lines.retain(|line| known.insert(line.clone()));
}

//! The units of a panel as one specification: over one another, and parted into facets.

use serde_json::{Map, Value, json};

use super::panel::Panel;
use super::table::{Table, number};
use super::unicode::unicode;
use super::{Datasets, merged};
use crate::figures::plot::layout;
use crate::figures::plot::spec::Channel;

/// The channels whose scales tell series apart.
const LOOKS: [&str; 4] = ["color", "shape", "strokeDash", "size"];

/// A unit that is written, with the place of its table.
pub(super) struct Written {
    pub spec: Map<String, Value>,
    pub table: Source,
}

/// Where the rows of a unit are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A table of rows that are in every facet, by its place.
    Everywhere(usize),
    /// A table of rows that are in one facet each, by its place.
    Parted(usize),
}

/// The tables of a panel, each with its name.
#[derive(Default)]
pub(super) struct Tables {
    pub everywhere: Vec<(String, Table)>,
    pub parted: Vec<(String, Table)>,
}

impl Panel<'_> {
    /// Adds the columns that part the facets.
    pub(super) fn facets(&self, panels: Vec<usize>, table: &mut Table) {
        let written = &self.view.written;
        let mut add = |channel: &Option<Channel>, name: &dyn Fn(usize) -> Option<String>| {
            let Some(channel) = channel else { return };
            let names = panels
                .iter()
                .map(|panel| name(*panel).map(|name| unicode(&name)));
            let names = names.map(Value::from).collect();
            table.column(&channel.field, "panel", names);
        };
        let facets = &self.view.facets;
        add(&written.facet, &|panel| facets[panel].heading.clone());
        let of = |names: &[String], at: usize| names.get(at).cloned();
        add(&written.row, &|panel| {
            of(&self.view.row_names, panel / self.columns)
        });
        add(&written.column, &|panel| {
            of(&self.view.column_names, panel % self.columns)
        });
    }

    /// Whether it has facets.
    pub(super) fn is_faceted(&self) -> bool {
        let written = &self.view.written;
        written.facet.is_some() || written.row.is_some() || written.column.is_some()
    }

    /// The groups of units as one specification with its data.
    pub(super) fn joined(
        &self,
        groups: Vec<Vec<Written>>,
        mixed: bool,
        tables: Tables,
        datasets: &mut Datasets,
    ) -> Map<String, Value> {
        let letter = (self.data.views.len() > 1).then(|| layout::letter(self.place));
        let everywhere: Vec<String> = tables
            .everywhere
            .into_iter()
            .map(|(name, table)| datasets.add(letter.as_deref(), &name, table.rows()))
            .collect();
        let mut parted: Option<(String, Option<String>)> = None;
        let mut part_names: Vec<String> = Vec::new();
        match tables.parted.as_slice() {
            [] => {}
            [(name, table)] => {
                let name = datasets.add(letter.as_deref(), name, table.rows());
                parted = Some((name, None));
            }
            several => {
                let mut named: Vec<(String, Table)> = Vec::new();
                for (name, table) in several {
                    let count = named
                        .iter()
                        .filter(|(own, _)| own.starts_with(name))
                        .count();
                    let name = match count {
                        0 => name.clone(),
                        count => format!("{name} {}", count + 1),
                    };
                    part_names.push(name.clone());
                    named.push((name, table.clone()));
                }
                let (part, rows) = Table::union(&named);
                let name = datasets.add(letter.as_deref(), "panels", rows);
                parted = Some((name, Some(part)));
            }
        }
        let faceted = parted.is_some() && self.is_faceted();
        let finished = |one: Written| -> Value {
            let mut spec = one.spec;
            match (one.table, &parted) {
                (Source::Parted(place), Some((_, Some(part)))) => {
                    let name = json!(part_names[place]);
                    let filter = json!({ "filter": format!("datum['{part}'] === {name}") });
                    let mut all = vec![filter];
                    if let Some(Value::Array(own)) = spec.remove("transform") {
                        all.extend(own);
                    }
                    spec.insert("transform".to_owned(), Value::Array(all));
                }
                (Source::Parted(_), _) => {}
                (Source::Everywhere(place), _) => {
                    let name = everywhere.get(place);
                    spec.insert("data".to_owned(), json!({ "name": name }));
                }
            }
            Value::Object(in_order(spec))
        };
        let groups: Vec<Vec<Value>> = groups
            .into_iter()
            .map(|group| group.into_iter().map(&finished).collect())
            .collect();
        let encoding = json!({ "x": self.shared(true), "y": self.shared(false) });
        let mut inner = Map::new();
        inner.insert("width".to_owned(), number(self.area.width().round()));
        inner.insert("height".to_owned(), number(self.area.height().round()));
        if self.hidden() {
            inner.insert("view".to_owned(), json!({ "fill": "#e4e4e4" }));
        }
        let mut groups: Vec<Value> = groups.into_iter().map(group).collect();
        if let ([Value::Object(one)], false) = (groups.as_slice(), groups[0].get("layer").is_some())
        {
            let mut one = one.clone();
            let own = one.remove("encoding").unwrap_or_default();
            inner.extend(one);
            inner.insert("encoding".to_owned(), merged(encoding, own));
        } else {
            // What tells groups apart is theirs alone; one group needs no frame of its own.
            if let [Value::Object(one)] = groups.as_mut_slice() {
                let resolve = one.remove("resolve");
                inner.extend(one.remove("data").map(|data| ("data".to_owned(), data)));
                if let Some(Value::Array(units)) = one.remove("layer") {
                    groups = units;
                }
                inner.insert("encoding".to_owned(), encoding);
                inner.insert("layer".to_owned(), Value::Array(groups));
                inner.extend(resolve.map(|resolve| ("resolve".to_owned(), resolve)));
            } else {
                let mut apart = offsets_apart(&groups);
                if mixed {
                    apart.extend(LOOKS);
                }
                let resolve = resolved(&groups, &apart);
                inner.insert("encoding".to_owned(), encoding);
                inner.insert("layer".to_owned(), Value::Array(groups));
                inner.extend(resolve);
            }
        }
        if !faceted {
            if let Some((name, _)) = parted {
                inner.insert("data".to_owned(), json!({ "name": name }));
            }
            return inner;
        }
        let mut outer = Map::new();
        let name = parted.map(|(name, _)| name);
        outer.insert("data".to_owned(), json!({ "name": name }));
        let (facet, columns) = self.facet();
        outer.insert("facet".to_owned(), facet);
        outer.extend(columns.map(|columns| ("columns".to_owned(), Value::from(columns))));
        outer.insert("spec".to_owned(), Value::Object(inner));
        let free = [("x", self.free(true)), ("y", self.free(false))];
        let free: Vec<&str> = free
            .into_iter()
            .filter_map(|(n, free)| free.then_some(n))
            .collect();
        outer.extend(independent(&free));
        outer
    }

    /// By what the facets are parted, and how many stand side by side.
    fn facet(&self) -> (Value, Option<usize>) {
        let written = &self.view.written;
        let one = |channel: &Channel, names: Vec<&String>| {
            let names: Vec<String> = names.into_iter().map(|name| unicode(name)).collect();
            let mut table = Table::default();
            let field = table.column(&channel.field, "panel", Vec::new());
            json!({ "field": field, "type": "nominal", "sort": names, "title": null })
        };
        if let Some(channel) = &written.facet {
            let names = self.view.facets.iter().filter_map(|f| f.heading.as_ref());
            return (one(channel, names.collect()), Some(self.columns));
        }
        let mut found = Map::new();
        let sides = [
            ("row", &written.row, &self.view.row_names),
            ("column", &written.column, &self.view.column_names),
        ];
        for (side, channel, names) in sides {
            if let Some(channel) = channel {
                found.insert(side.to_owned(), one(channel, names.iter().collect()));
            }
        }
        (Value::Object(found), None)
    }
}

/// A specification in the order in which one reads it.
fn in_order(mut spec: Map<String, Value>) -> Map<String, Value> {
    let mut found = Map::new();
    for name in ["data", "transform", "mark", "encoding"] {
        found.extend(spec.remove(name).map(|value| (name.to_owned(), value)));
    }
    found.extend(spec);
    found
}

/// The units of one layer: the only one, or all over one another.
fn group(units: Vec<Value>) -> Value {
    let mut units = units;
    if units.len() == 1 {
        return units.remove(0);
    }
    let mut found = Map::new();
    // Data that all of them have stands once.
    let data = units.first().and_then(|unit| unit.get("data")).cloned();
    if data.is_some() && units.iter().all(|unit| unit.get("data") == data.as_ref()) {
        for unit in units.iter_mut().filter_map(Value::as_object_mut) {
            unit.remove("data");
        }
        found.extend(data.map(|data| ("data".to_owned(), data)));
    }
    let resolve = resolved(&units, &offsets_apart(&units));
    found.insert("layer".to_owned(), Value::Array(units));
    found.extend(resolve);
    Value::Object(found)
}

/// The units of a layer at any depth.
fn leaves(units: &[Value]) -> Vec<&Value> {
    let mut found = Vec::new();
    for unit in units {
        match unit.get("layer").and_then(Value::as_array) {
            Some(layers) => found.extend(leaves(layers)),
            None => found.push(unit),
        }
    }
    found
}

/// What a unit says of a channel.
fn channel<'v>(unit: &'v Value, name: &str) -> Option<&'v Value> {
    unit.get("encoding")?.get(name)
}

/// The offsets that some units have, and others do not or of another kind.
fn offsets_apart(units: &[Value]) -> Vec<&'static str> {
    let leaves = leaves(units);
    let apart = |name: &&str| {
        let scales = leaves.iter().map(|unit| channel(unit, name)?.get("scale"));
        let scales: Vec<Option<&Value>> = scales.collect();
        scales.windows(2).any(|pair| pair[0] != pair[1])
    };
    ["xOffset", "yOffset"].into_iter().filter(apart).collect()
}

/// The scales that units over one another do not share, and a legend of shapes that is not shown: shared with that of the
/// strokes it would be.
fn resolved(units: &[Value], scales: &[&str]) -> Option<(String, Value)> {
    let hidden = |unit: &&Value| {
        let shape = channel(unit, "shape").and_then(|shape| shape.get("legend"));
        shape.is_some_and(Value::is_null)
    };
    let resolve = independent(scales).map(|(_, resolve)| resolve);
    let mut resolve = match resolve {
        Some(Value::Object(resolve)) => resolve,
        _ => Map::new(),
    };
    if leaves(units).iter().any(hidden) {
        resolve.insert("legend".to_owned(), json!({ "shape": "independent" }));
    }
    (!resolve.is_empty()).then(|| ("resolve".to_owned(), Value::Object(resolve)))
}

/// Scales that are not shared.
fn independent(channels: &[&str]) -> Option<(String, Value)> {
    let channels = channels.iter();
    let scales: Map<String, Value> = channels
        .map(|channel| ((*channel).to_owned(), "independent".into()))
        .collect();
    (!scales.is_empty()).then(|| ("resolve".to_owned(), json!({ "scale": scales })))
}

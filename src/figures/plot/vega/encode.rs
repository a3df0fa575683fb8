//! A unit with its fields: the columns of its rows, and which of them its mark is drawn by.

use serde_json::{Map, Value, json};

use super::panel::Panel;
use super::scale;
use super::table::{Table, number, rounded};
use super::unicode::unicode;
use crate::figures::plot::data::{Key, Layer};
use crate::figures::plot::form::{Part, Tells, Unit};
use crate::figures::plot::mark::{LANE_AIR, Outside, Row};

/// A layer while its units are written.
pub(super) struct Encoder<'p, 'd> {
    pub panel: &'p Panel<'d>,
    pub layer: &'p Layer<'d>,
    /// The place of the layer in its panel.
    pub at: usize,
    /// Whether its legends are shown, or were with another layer.
    pub legends: bool,
    /// The same of a bar of colours.
    pub bars: bool,
    /// Whether it has lines, of which a legend shows the stroke.
    pub lines: bool,
    /// Whether it has points with shapes.
    pub shapes: bool,
}

/// A dash as the lengths of its parts.
pub(super) fn dashes(dash: &str) -> Value {
    let parts: Vec<Value> = dash
        .split_whitespace()
        .filter_map(|part| part.parse().ok().map(number))
        .collect();
    if parts.is_empty() {
        json!([1, 0])
    } else {
        Value::Array(parts)
    }
}

impl Encoder<'_, '_> {
    /// The unit as a specification without data. Its columns go into the table.
    pub(super) fn unit(&self, unit: &Unit, table: &mut Table) -> Value {
        let mut mark = unit.mark.clone();
        let mut encoding = Map::new();
        for (side, part) in &unit.places {
            let across = side.starts_with('x') != self.layer.flipped;
            let name = format!(
                "{}{}",
                if across { "x" } else { "y" },
                if side.ends_with('2') { "2" } else { "" }
            );
            let value = self.position(unit, *part, &name, table);
            encoding.insert(name, value);
        }
        for (across, names) in [(true, ["x", "x2"]), (false, ["y", "y2"])] {
            if !encoding.contains_key(names[0]) {
                let edges = [false, true].map(|end| self.panel.edge(across, end));
                encoding.extend(names.map(str::to_owned).into_iter().zip(edges));
            }
        }
        self.offsets(unit, table, &mut encoding);
        self.looks(unit, table, &mut encoding, &mut mark);
        if let Some(texts) = &unit.texts {
            let name = self.layer.drawn.label.as_ref();
            let name = name.map_or("label", |channel| channel.field.as_str());
            let texts = texts.iter().map(|text| unicode(text).into());
            let field = table.column(name, "text", texts.collect());
            encoding.insert(
                "text".to_owned(),
                json!({ "field": field, "type": "nominal" }),
            );
        }
        let mut names = Vec::new();
        for (name, values) in &unit.own {
            names.push((*name, table.column(name, "own", values.clone())));
        }
        for (channel, value) in &unit.encodings {
            let mut value = value.clone();
            rename(&mut value, &names);
            encoding.insert((*channel).to_owned(), value);
        }
        let mut spec = Map::new();
        if let Some(filter) = self.inside(unit, &encoding) {
            spec.insert("transform".to_owned(), json!([{ "filter": filter }]));
        }
        let (x, y) = (&self.panel.view.x, &self.panel.view.y);
        let about = self.layer.mark.about();
        if about.outside == Outside::Cut && (x.domain.is_some() || y.domain.is_some()) {
            mark.insert("clip".to_owned(), true.into());
        }
        spec.insert("mark".to_owned(), Value::Object(mark));
        spec.insert("encoding".to_owned(), Value::Object(encoding));
        Value::Object(spec)
    }

    /// The channel of what a row holds along an axis.
    fn position(&self, unit: &Unit, part: Part, channel: &str, table: &mut Table) -> Value {
        let across = part.stands() != self.layer.flipped;
        let scale = self.panel.scale(across);
        let values = unit
            .rows
            .iter()
            .map(|row| scale::value(scale, part.of(row)));
        let field = table.column(&self.name(unit, part), channel, values.collect());
        let mut found = Map::new();
        found.insert("field".to_owned(), field.into());
        // What begins and ends at one category reaches from one side of it to the other.
        let ends = unit.places.iter().filter(|(_, own)| *own == part).count();
        if ends == 2 && scale.named() {
            let end = f64::from(u8::from(channel.ends_with('2')));
            found.insert("bandPosition".to_owned(), number(end));
        }
        if !channel.ends_with('2') {
            found.insert("type".to_owned(), scale::kind(scale).into());
            if !part.stands() && !scale.named() {
                // What is drawn begins and ends where the rows say.
                found.insert("stack".to_owned(), Value::Null);
            }
        }
        Value::Object(found)
    }

    /// The name of a column along an axis.
    fn name(&self, unit: &Unit, part: Part) -> String {
        let about = self.layer.mark.about();
        let channel = if part.stands() {
            self.layer.x_channel()
        } else {
            self.layer.y_channel()
        };
        let computed = if about.computed.is_empty() {
            "value"
        } else {
            about.computed
        };
        let field = channel.map_or(computed, |channel| channel.field.as_str());
        let end = |own: Option<&String>, word: &str| {
            own.cloned().unwrap_or_else(|| format!("{field} {word}"))
        };
        if let Some((_, word)) = unit.called.iter().find(|(own, _)| *own == part) {
            return format!("{field} {word}");
        }
        match part {
            Part::XLow | Part::YLow => end(channel.and_then(|c| c.low.as_ref()), "low"),
            Part::XHigh | Part::YHigh => end(channel.and_then(|c| c.high.as_ref()), "high"),
            Part::Base => format!("{field} begin"),
            Part::Y if unit.rows.iter().any(|row| row.base.is_some()) => format!("{field} end"),
            _ => field.to_owned(),
        }
    }

    /// Which rows lie inside the domains, for marks that do not draw the others.
    fn inside(&self, unit: &Unit, encoding: &Map<String, Value>) -> Option<String> {
        if self.layer.mark.about().outside != Outside::Hidden {
            return None;
        }
        let mut tests = Vec::new();
        for (across, channel) in [(true, &self.panel.view.x), (false, &self.panel.view.y)] {
            let scale = self.panel.scale(across);
            let part = if across == self.layer.flipped {
                Part::Y
            } else {
                Part::X
            };
            let holds = |row: &Row| part.of(row).is_none_or(|value| scale.holds(value));
            let here = unit.places.iter().any(|(_, own)| *own == part);
            if channel.domain.is_none() || !here || unit.rows.iter().all(holds) {
                continue;
            }
            let field = encoding.get(if across { "x" } else { "y" })?;
            let field = field.get("field")?.as_str()?;
            let (low, high) = scale.ends();
            let (low, high) = (
                scale::value(scale, Some(low)),
                scale::value(scale, Some(high)),
            );
            tests.push(format!("inrange(datum['{field}'], [{low}, {high}])"));
        }
        (!tests.is_empty()).then(|| tests.join(" && "))
    }

    /// Where the mark stands within a category.
    fn offsets(&self, unit: &Unit, table: &mut Table, encoding: &mut Map<String, Value>) {
        let across = !self.layer.flipped;
        let scale = self.panel.scale(across);
        let (Some(band), true) = (self.panel.band(across), scale.named()) else {
            return;
        };
        let (lanes, count) = &self.layer.lanes;
        let lanes_wanted = unit.tells.contains(&Tells::Lane) && *count > 1;
        let channel = if across { "xOffset" } else { "yOffset" };
        if let Some(aside) = &unit.aside {
            if aside.iter().any(|by| *by != 0.0) {
                let values = aside.iter().map(|by| number(rounded(0.5 + by / band)));
                let field = table.column("offset", channel, values.collect());
                let offset = json!({
                    "field": field,
                    "type": "quantitative",
                    "scale": { "domain": [0, 1], "nice": false, "zero": false },
                });
                encoding.insert(channel.to_owned(), offset);
            }
        } else if lanes_wanted {
            let key = self.key("color").filter(|key| {
                let alone = self.key("shape").is_none() && self.key("dash").is_none();
                alone && key.names().len() == *count
            });
            let (field, domain) = match key {
                Some(key) => (self.group(key, "color", unit, table), names(key)),
                None => {
                    let lane = |row: &Row| Value::from(lanes[row.series] + 1);
                    let field = table.column("lane", channel, unit.rows.iter().map(lane).collect());
                    (field, (1..=*count).map(Value::from).collect())
                }
            };
            let offset = json!({
                "field": field,
                "type": "nominal",
                "scale": {
                    "type": "band", "domain": domain,
                    "paddingInner": number(rounded(LANE_AIR)), "paddingOuter": number(LANE_AIR / 2.0),
                },
                "bandPosition": 0.5,
            });
            encoding.insert(channel.to_owned(), offset);
        }
    }

    /// What tells the series of the layer apart, by the name of the parameter.
    pub(super) fn key(&self, parameter: &str) -> Option<&Key> {
        let at = (self.panel.place, self.at);
        self.panel.data.keys.of(parameter, at)
    }

    /// Adds the column with the group of each row.
    pub(super) fn group(&self, key: &Key, channel: &str, unit: &Unit, table: &mut Table) -> String {
        let at = (self.panel.place, self.at);
        let name = |row: &Row| {
            let name = key.name_at(at, row.row);
            name.map_or(Value::Null, |name| unicode(name).into())
        };
        let values = unit.rows.iter().map(name).collect();
        table.column(&key.channel.field, channel, values)
    }
}

/// Gives the fields that a value names the names that they have in the table.
fn rename(value: &mut Value, names: &[(&str, String)]) {
    let Some(value) = value.as_object_mut() else {
        return;
    };
    for (name, own) in value.iter_mut() {
        let field = own.as_str().filter(|_| name == "field");
        match field.and_then(|field| names.iter().find(|(name, _)| *name == field)) {
            Some((_, field)) => *own = field.as_str().into(),
            None => rename(own, names),
        }
    }
}

/// The names of groups.
fn names(key: &Key) -> Vec<Value> {
    let names = key.names().iter().map(|name| unicode(name).into());
    names.collect()
}

//! What a unit looks like: colour, shape, dash, size and opacity, with the legends that explain them.

use serde_json::{Map, Value, json};

use super::encode::{Encoder, dashes};
use super::table::{Table, cell, number, rounded};
use super::unicode::unicode;
use crate::figures::plot::data::Key;
use crate::figures::plot::form::hex;
use crate::figures::plot::form::{Tells, Unit};
use crate::figures::plot::layout;
use crate::figures::plot::mark::area_radius;
use crate::figures::plot::palette::{self, Shape};

/// The parameters that tell series apart, with the channel that shows each.
const SERIES: [(&str, &str); 3] = [
    ("color", "color"),
    ("shape", "shape"),
    ("dash", "strokeDash"),
];

/// The shape of a point, by its name in Vega.
fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Circle => "circle",
        Shape::Square => "square",
        Shape::Triangle => "triangle-up",
        Shape::Diamond => "diamond",
        Shape::Down => "triangle-down",
        Shape::Cross => "cross",
    }
}

impl Encoder<'_, '_> {
    /// Colour, shape, dash, size and opacity.
    pub(super) fn looks(
        &self,
        unit: &Unit,
        table: &mut Table,
        encoding: &mut Map<String, Value>,
        mark: &mut Map<String, Value>,
    ) {
        let layer = self.layer;
        let look = layer.looks.first();
        let mut told: Vec<&str> = Vec::new();
        let (color, shape, dash) = (self.key("color"), self.key("shape"), self.key("dash"));
        // Without columns of their own, shape and dash tell what the colour tells.
        let alone = shape.is_none() && dash.is_none();
        let wants = |look| unit.tells.contains(&look);
        if wants(Tells::Color) {
            match (&self.panel.view.value, layer.value_channel(), color) {
                (Some(value), Some(channel), _) => {
                    let cells = unit.rows.iter().map(|row| cell(row.value));
                    let field = table.column(&channel.field, "color", cells.collect());
                    encoding.insert(
                        "color".to_owned(),
                        self.panel.colored(value, &field, self.bars),
                    );
                    told.push("color");
                }
                (_, _, Some(key)) if layer.drawn.tint.is_none() => {
                    let count = key.names().len();
                    let range = (0..count)
                        .map(|place| Value::from(hex(palette::color(key.palette(), place, count))));
                    let own = self.grouped(key, "color", unit, table, range.collect());
                    encoding.insert("color".to_owned(), own);
                    told.push("color");
                }
                _ => {
                    if let Some(plain) = unit.plain {
                        mark.insert("color".to_owned(), hex(plain).into());
                    } else if let Some(look) = look {
                        mark.insert("color".to_owned(), hex(look.color).into());
                    }
                }
            }
        }
        if wants(Tells::Shape) {
            match shape.or(color.filter(|_| alone)) {
                Some(key) => {
                    let range = (0..key.names().len())
                        .map(|place| Value::from(shape_name(palette::shape(place))));
                    let own = self.grouped(key, "shape", unit, table, range.collect());
                    encoding.insert("shape".to_owned(), own);
                    told.push(key.parameter);
                }
                None => {
                    if let Some(look) = look {
                        mark.insert("shape".to_owned(), shape_name(look.shape).into());
                    }
                }
            }
        }
        if wants(Tells::Dash) {
            match dash.or(color.filter(|_| alone)) {
                Some(key) => {
                    let range = (0..key.names().len()).map(|place| dashes(palette::dash(place)));
                    let own = self.grouped(key, "strokeDash", unit, table, range.collect());
                    encoding.insert("strokeDash".to_owned(), own);
                    told.push(key.parameter);
                }
                None => {
                    if let Some(look) = look.filter(|look| !look.dash.is_empty()) {
                        mark.insert("strokeDash".to_owned(), dashes(look.dash));
                    }
                }
            }
        }
        // A series of which the unit shows nothing is still a series.
        let mut apart = Vec::new();
        for (parameter, channel) in SERIES {
            if let Some(key) = self.key(parameter).filter(|_| !told.contains(&parameter)) {
                let field = self.group(key, channel, unit, table);
                apart.push(json!({ "field": field, "type": "nominal" }));
            }
        }
        if !apart.is_empty() {
            encoding.insert("detail".to_owned(), Value::Array(apart));
        }
        self.amounts(unit, table, encoding, mark);
    }

    /// Size and opacity: numbers for all, or columns.
    fn amounts(
        &self,
        unit: &Unit,
        table: &mut Table,
        encoding: &mut Map<String, Value>,
        mark: &mut Map<String, Value>,
    ) {
        let drawn = &self.layer.drawn;
        if let Some(size) = drawn
            .size
            .as_ref()
            .filter(|_| unit.tells.contains(&Tells::Size))
        {
            match (size.column(), size.number()) {
                (Some(channel), _) => {
                    let largest = self.layer.largest;
                    let widest = 2.0 * area_radius(largest, largest);
                    let cells = unit.rows.iter().map(|row| cell(row.size));
                    let field = table.column(&channel.field, "size", cells.collect());
                    let legend = self.legend(&[], |found| {
                        let title = unicode(&channel.heading());
                        found.insert("title".to_owned(), title.into());
                        let round = layout::round_sizes(largest);
                        let round = round.map(|size| number(rounded(size)));
                        found.insert("values".to_owned(), Value::Array(round.to_vec()));
                        found.insert("format".to_owned(), "~r".into());
                    });
                    let size = json!({
                        "field": field,
                        "type": "quantitative",
                        "scale": { "type": "linear", "domain": [0, number(largest)],
                                   "range": [0, number(widest * widest)], "nice": false },
                        "legend": legend,
                    });
                    encoding.insert("size".to_owned(), size);
                }
                (None, Some(diameter)) => {
                    mark.insert("size".to_owned(), number(diameter * diameter));
                }
                (None, None) => {}
            }
        }
        let opacity = drawn.opacity.as_ref();
        if let Some(opacity) = opacity.filter(|_| unit.tells.contains(&Tells::Opacity)) {
            match (opacity.column(), opacity.number()) {
                (Some(channel), _) => {
                    let cells = unit.rows.iter().map(|row| cell(row.opacity));
                    let field = table.column(&channel.field, "opacity", cells.collect());
                    let opacity = json!({
                        "field": field,
                        "type": "quantitative",
                        "scale": { "domain": [0, 1], "range": [0, 1], "clamp": true },
                        "legend": null,
                    });
                    encoding.insert("opacity".to_owned(), opacity);
                }
                (None, Some(opacity)) => {
                    mark.insert("opacity".to_owned(), number(opacity));
                }
                (None, None) => {}
            }
        }
    }

    /// The channel of groups, with what each looks like.
    fn grouped(
        &self,
        key: &Key,
        channel: &str,
        unit: &Unit,
        table: &mut Table,
        range: Vec<Value>,
    ) -> Value {
        let field = self.group(key, channel, unit, table);
        let names: Vec<String> = key.names().iter().map(|name| unicode(name)).collect();
        // Beside strokes, shapes are shown where they tell something of their own.
        let hidden = self.lines && channel == "shape" && key.parameter != "shape";
        let ends = self.panel.at_ends(self.at);
        let named = ends.is_some_and(|own| own.channel.field == key.channel.field);
        let legend = self.legend(&names, |found| {
            let title = key.channel.title.as_ref();
            let title = title.map_or(Value::Null, |title| unicode(title).into());
            found.insert("title".to_owned(), title);
            let opacity = self.layer.drawn.opacity.as_ref().and_then(|o| o.number());
            let opacity = number(opacity.unwrap_or(1.0));
            found.insert("symbolOpacity".to_owned(), opacity);
            if self.lines && channel != "shape" {
                found.insert("symbolType".to_owned(), "stroke".into());
                found.insert("symbolStrokeWidth".to_owned(), number(1.4));
            } else if !self.shapes {
                found.insert("symbolType".to_owned(), "square".into());
            }
        });
        let legend = if hidden || named { Value::Null } else { legend };
        json!({
            "field": field,
            "type": "nominal",
            "scale": { "domain": names, "range": range },
            "legend": legend,
        })
    }

    /// A legend, if it is shown at all.
    fn legend(&self, names: &[String], fill: impl Fn(&mut Map<String, Value>)) -> Value {
        if !self.legends {
            return Value::Null;
        }
        let mut found = Map::new();
        fill(&mut found);
        self.panel.placed(&mut found, names);
        Value::Object(found)
    }
}

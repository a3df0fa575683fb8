//! The parameters of a schema as people read them: name, type, range, default, documentation, and what a table may hold.

use serde_json::Value as Json;

use crate::pipeline::{kind_of, options, schema_types};

/// One parameter, from the code's own documentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its key.
    pub name: String,
    /// What it takes: `integer from 1 to 10`.
    pub takes: String,
    /// `required`, `optional`, or its default: `default 3`.
    pub default: String,
    /// What it means.
    pub doc: String,
    /// The kinds of table that it may be, each with its own parameters.
    pub choices: Vec<Choice>,
    /// The keys of the table that it may be.
    pub inner: Vec<Self>,
}

/// One kind of table that a parameter may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its `kind`.
    pub name: String,
    /// What it means.
    pub doc: String,
    /// Its own parameters.
    pub inner: Vec<Parameter>,
}

/// The properties of an object schema.
pub fn parameters(schema: &Json) -> Vec<Parameter> {
    let required = schema["required"].as_array().into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Json::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let properties = properties.filter(|(name, _)| *name != "kind");
    let parameter = |(name, inner): (&String, &Json)| {
        let default = match inner.get("default") {
            Some(Json::Null) | None if required.contains(&name.as_str()) => "required".to_string(),
            Some(Json::Null) | None => "optional".to_string(),
            Some(default) => format!("default {}", toml_of(default)),
        };
        let mut parameter = Parameter {
            name: name.clone(),
            takes: type_of(inner),
            default,
            doc: text(inner),
            choices: Vec::new(),
            inner: Vec::new(),
        };
        parameter.look_into(inner);
        parameter
    };
    properties.map(parameter).collect()
}

impl Parameter {
    /// Adds what its values may hold, which may be tables, lists of tables, or tables at keys of one's own choice.
    fn look_into(&mut self, schema: &Json) {
        for option in options(schema) {
            if let Some(kind) = kind_of(option) {
                self.choices.push(Choice {
                    name: kind.to_string(),
                    doc: text(option),
                    inner: parameters(option),
                });
            } else {
                self.look_into(option);
            }
        }
        if schema_types(schema).contains(&"object") {
            self.inner.extend(parameters(schema));
        }
        for inner in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get(inner) {
                self.look_into(inner);
            }
        }
    }
}

/// The parameters of an inner table that it has alone, and the names of those that `outer` has as well, word for word.
pub fn own<'a>(
    all: &'a [Parameter],
    outer: &[Parameter],
) -> (Vec<&'a Parameter>, Vec<&'a Parameter>) {
    all.iter().partition(|parameter| !outer.contains(parameter))
}

/// An earlier parameter whose tables have the same keys.
pub fn same_keys<'a>(
    parameter: &Parameter,
    earlier: impl IntoIterator<Item = &'a Parameter>,
) -> Option<&'a Parameter> {
    let mut earlier = earlier.into_iter();
    earlier.find(|other| !other.inner.is_empty() && other.inner == parameter.inner)
}

fn text(schema: &Json) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .to_string()
}

/// The type of a value in words, with its range.
pub fn type_of(schema: &Json) -> String {
    if let Some(word) = schema["const"].as_str() {
        return word.to_string();
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().filter_map(Json::as_str).collect();
        return words.join(" | ");
    }
    let choices = options(schema);
    if !choices.is_empty() {
        let names = choices
            .iter()
            .map(|option| kind_of(option).map_or_else(|| type_of(option), str::to_string));
        return names.collect::<Vec<_>>().join(" | ");
    }
    let types = schema_types(schema)
        .into_iter()
        .filter(|name| *name != "null");
    let names = types.map(|name| match name {
        "object" => match schema.get("additionalProperties") {
            Some(Json::Bool(true)) => "table of any values".to_string(),
            Some(inner @ Json::Object(_)) => format!("table of {}", type_of(inner)),
            _ => "table".to_string(),
        },
        "array" => match schema.get("items") {
            Some(items) => format!("list of {}", type_of(items)),
            None => "list".to_string(),
        },
        other => other.to_string(),
    });
    let names = names.collect::<Vec<_>>().join(" | ");
    match (bound(schema, "minimum"), bound(schema, "maximum")) {
        (Some(low), Some(high)) => format!("{names} from {low} to {high}"),
        (Some(low), None) if low != "0" => format!("{names} from {low}"),
        _ => names,
    }
}

/// A bound of a number, as short as it can be written.
fn bound(schema: &Json, which: &str) -> Option<String> {
    let number = schema[which].as_f64()?;
    let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
    Some(if is_whole {
        number.to_string()
    } else {
        Json::from(number).to_string()
    })
}

/// A value as TOML on one line.
fn toml_of(json: &Json) -> String {
    match json {
        Json::Object(table) => {
            let items = table.iter().filter(|(_, value)| !value.is_null());
            let items = items.map(|(key, value)| format!("{key} = {}", toml_of(value)));
            let items = items.collect::<Vec<_>>().join(", ");
            if items.is_empty() {
                "{}".to_string()
            } else {
                format!("{{ {items} }}")
            }
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_of).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_says_its_range_and_what_it_holds() {
        let shown = |schema: Json| type_of(&schema);
        let integer = json!({ "type": "integer", "minimum": 1, "maximum": 10 });
        assert_eq!(shown(integer.clone()), "integer from 1 to 10");
        assert_eq!(shown(json!({ "type": "integer", "minimum": 0 })), "integer");
        assert_eq!(
            shown(json!({ "type": ["number", "null"], "minimum": 1e-12, "maximum": 0.5 })),
            "number from 1e-12 to 0.5"
        );
        assert_eq!(
            shown(json!({ "type": "array", "items": integer })),
            "list of integer from 1 to 10"
        );
        assert_eq!(
            shown(json!({ "oneOf": [{ "const": "by-arm" }, { "const": "shuffled" }] })),
            "by-arm | shuffled"
        );
    }

    #[test]
    fn a_parameter_is_required_or_optional_or_has_a_default() {
        let schema = json!({
            "type": "object",
            "required": ["a", "kind"],
            "properties": {
                "kind": { "const": "toy" },
                "a": { "type": "integer", "description": "The first." },
                "b": { "type": ["string", "null"], "default": null },
                "c": { "type": "array", "items": { "type": "number" }, "default": [0.9, 1] },
                "d": {
                    "type": "object",
                    "properties": { "e": { "type": "boolean", "default": true } },
                },
            },
        });
        let lines = parameters(&schema).into_iter().map(|parameter| {
            let inner: Vec<String> = parameter.inner.into_iter().map(|p| p.name).collect();
            let (name, takes, default) = (parameter.name, parameter.takes, parameter.default);
            format!("{name}: {takes}, {default} {inner:?} {}", parameter.doc)
        });
        let lines: Vec<String> = lines.collect();
        assert_eq!(
            lines,
            [
                "a: integer, required [] The first.",
                "b: string, optional [] ",
                "c: list of number, default [0.9, 1] [] ",
                r#"d: table, optional ["e"] "#,
            ]
        );
    }
}

//! `etude kinds`: what the code's own documentation says of every kind.

use clap::Args;
use serde_json::Value as Json;

use super::{Failure, out};
use crate::pipeline::{
    ArtifactType, Holds, Kind, Problem, Takes, alternatives, first_line, kind_of, options,
    schema_types, show_size,
};
use crate::stages::registry;

#[derive(Debug, Args)]
pub struct Kinds {
    /// Only this kind
    kind: Option<String>,
}

impl Kinds {
    pub fn run(self) -> Result<u8, Failure> {
        let registry = registry();
        let kinds: Vec<&Kind> = match &self.kind {
            None => registry.iter().collect(),
            Some(name) => match registry.get(name) {
                Some(kind) => vec![kind],
                None => {
                    let names = registry.iter().map(|kind| kind.name);
                    let problem = Problem::of(format!("there is no kind `{name}`"));
                    let problem = problem.maybe_help(alternatives("kinds", name, names));
                    return Err(Failure::Problems(vec![problem]));
                }
            },
        };
        let text: Vec<String> = kinds.iter().map(|kind| describe(kind)).collect();
        // Whoever closed the stream does not want to hear more.
        let _ = write!(out(), "{}", text.join("\n"));
        Ok(0)
    }
}

fn describe(kind: &Kind) -> String {
    let leaves = match kind.declares_outputs {
        true => "what its `outputs` declare",
        false => kind.output.noun(),
    };
    let mut text = format!("{} → {leaves} (version {})\n", kind.name, kind.version);
    text.push_str(&indented(&wrapped(kind.doc()), 2));
    text.push_str(&rows(kind));
    if !kind.ports.is_empty() {
        text.push_str("  inputs\n");
    }
    for port in kind.ports {
        let accepts: Vec<_> = port
            .accepts
            .iter()
            .map(|accepted| accepted.noun())
            .collect();
        let accepts = match port.accepts == ArtifactType::ALL {
            true => "anything".to_string(),
            false => accepts.join(" or "),
        };
        let holds = match port.holds {
            Holds::Named => " under each name",
            Holds::One | Holds::List => "",
        };
        let takes = match port.takes {
            Takes::One => "one",
            Takes::All => "all",
        };
        let line = format!("{}: {takes}{holds}; {accepts}", port.name);
        text.push_str(&format!("    {line}\n      {}\n", port.doc));
    }
    text.push_str("  parameters\n");
    text.push_str(&properties(&kind.schema, 4));
    let resources = kind.resources;
    text.push_str(&format!(
        "  resources unless told otherwise: {} core, {}\n",
        resources.cores,
        show_size(resources.memory)
    ));
    if kind.uses_device {
        text.push_str("  device: auto (default), cpu, cuda\n");
    }
    text
}

/// What the rows of its tables are, a line for each table.
fn rows(kind: &Kind) -> String {
    let tables = match kind.declares_outputs {
        true => ArtifactType::Table.tables(),
        false => kind.output.tables(),
    };
    let lines = tables.iter().map(|table| {
        let name = match table.suffix {
            "" => "its table".to_string(),
            suffix => format!("its table `…{suffix}`"),
        };
        format!("  a row of {name} is {}\n", kind.row(table))
    });
    lines.collect()
}

/// The properties of an object schema, each with its type, bounds, default and documentation.
fn properties(schema: &Json, indent: usize) -> String {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let mut text = String::new();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if name == "kind" {
            continue;
        }
        let mut head = format!("{name}: {}", type_of(inner));
        match inner.get("default") {
            Some(Json::Null) | None if required.contains(&name.as_str()) => {
                head.push_str(", required")
            }
            Some(Json::Null) | None => head.push_str(", optional"),
            Some(default) => head.push_str(&format!(", default {}", toml_of(default))),
        }
        text.push_str(&indented(&head, indent));
        if let Some(doc) = inner["description"].as_str() {
            text.push_str(&indented(&wrapped(doc), indent + 2));
        }
        text.push_str(&variants(inner, indent + 2));
    }
    text
}

/// The kinds that a tagged table can be of, with their own parameters.
fn variants(schema: &Json, indent: usize) -> String {
    let mut text = String::new();
    for option in options(schema) {
        if let Some(kind) = kind_of(option) {
            let doc = option["description"]
                .as_str()
                .map(first_line)
                .unwrap_or_default();
            text.push_str(&indented(&format!("{kind}: {doc}"), indent));
            text.push_str(&properties(option, indent + 2));
        } else if option["type"] == "object" {
            text.push_str(&properties(option, indent));
        }
    }
    if schema["type"] == "object" {
        text.push_str(&properties(schema, indent));
    }
    // What stands in a list, and what at every key of an open table.
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner) {
            text.push_str(&variants(inner, indent));
        }
    }
    text
}

fn type_of(schema: &Json) -> String {
    if let Some(word) = schema["const"].as_str() {
        return word.to_string();
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().filter_map(Json::as_str).collect();
        return words.join(" | ");
    }
    let choices = options(schema);
    if !choices.is_empty() {
        let names: Vec<String> = choices
            .iter()
            .map(|option| kind_of(option).map_or_else(|| type_of(option), str::to_string))
            .collect();
        return names.join(" | ");
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
    let mut text = names.collect::<Vec<_>>().join(" | ");
    let bounds = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    match bounds {
        (Some(low), Some(high)) => text.push_str(&format!(" from {low} to {high}")),
        (Some(low), None) if low > 0.0 => text.push_str(&format!(" from {low}")),
        _ => {}
    }
    text
}

fn toml_of(json: &Json) -> String {
    match json {
        Json::Object(table) => {
            let items: Vec<_> = table
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{key} = {}", toml_of(value)))
                .collect();
            match items.is_empty() {
                true => "{}".to_string(),
                false => format!("{{ {} }}", items.join(", ")),
            }
        }
        other => other.to_string(),
    }
}

/// Documentation as paragraphs of at most 96 characters a line.
fn wrapped(doc: &str) -> String {
    let paragraphs = doc.split("\n\n").map(|paragraph| {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        textwrap::fill(&words.join(" "), 96)
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

fn indented(text: &str, by: usize) -> String {
    let space = " ".repeat(by);
    text.lines()
        .map(|line| format!("{space}{line}\n"))
        .collect()
}

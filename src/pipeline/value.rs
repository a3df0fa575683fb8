//! TOML with places: what was written, and where each piece of it stands.

use std::ops::Range;
use std::sync::Arc;

use serde_json::json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems, visible};
use super::source::{Source, Span};
use super::syntax::repair;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What.
    pub data: Data,
    /// Where.
    pub span: Span,
}

/// A TOML value; dates and times are not part of the language.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A string.
    Text(String),
    /// An integer.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    Array(Vec<Value>),
    /// Keys and values, in the order of the file.
    Table(Table),
    /// What could not be read; the problem is told where it was found, and nowhere else.
    Unreadable,
}

/// Keys and values, in the order of the file.
pub type Table = Vec<(Key, Value)>;

/// A key and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The word.
    pub name: String,
    /// Where.
    pub span: Span,
}

impl Value {
    /// The table's entries, if it is one.
    pub fn table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if this is a table that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let (_, value) = self.table()?.iter().find(|(key, _)| key.name == name)?;
        Some(value)
    }

    /// What kind of thing this is, with its article.
    pub fn noun(&self) -> &'static str {
        match &self.data {
            Data::Text(_) => "a string",
            Data::Int(_) => "an integer",
            Data::Float(_) => "a number",
            Data::Bool(_) => "a boolean",
            Data::Array(_) => "a list",
            Data::Table(_) => "a table",
            Data::Unreadable => "unreadable",
        }
    }

    /// The plain value as one would label it: text bare but for what cannot be seen, a number as the file writes it
    /// (`1e-7`, `2.0`). Inside lists and tables, numbers in the shortest way.
    pub fn label(&self) -> String {
        match &self.data {
            Data::Float(float) => self.written(*float).unwrap_or_else(|| self.shortest()),
            _ => self.shortest(),
        }
    }

    /// How the file writes a number, without `_`, a plus and capitals; not where it stands for many, or is written at length.
    fn written(&self, float: f64) -> Option<String> {
        const LONGEST: usize = 24;
        let text = self.span.source.text.get(self.span.range.clone())?;
        let text = text.replace('_', "").to_lowercase();
        let text = text.strip_prefix('+').unwrap_or(&text);
        let same = text.parse::<f64>().ok()?.to_bits() == float.to_bits();
        (same && text.len() <= LONGEST).then(|| text.to_string())
    }

    /// The label with every number in the shortest way: equal for equal values, however they are written.
    pub fn shortest(&self) -> String {
        match &self.data {
            Data::Text(text) if text.contains(char::is_control) => visible(text),
            Data::Text(text) => text.clone(),
            Data::Int(int) => int.to_string(),
            Data::Float(float) => json!(float).to_string(),
            Data::Bool(bool) => bool.to_string(),
            Data::Unreadable => "?".to_string(),
            Data::Array(items) => {
                let items: Vec<_> = items.iter().map(Self::shortest).collect();
                items.join("-")
            }
            Data::Table(table) => match self.get("kind") {
                Some(kind) if table.len() == 1 => kind.shortest(),
                _ => {
                    let items = table.iter().map(|(key, value)| match key.name.as_str() {
                        "kind" => value.shortest(),
                        name => format!("{name}={}", value.shortest()),
                    });
                    items.collect::<Vec<_>>().join(" ")
                }
            },
        }
    }

    /// Whether all of it could be read.
    pub fn is_readable(&self) -> bool {
        match &self.data {
            Data::Unreadable => false,
            Data::Array(items) => items.iter().all(Self::is_readable),
            Data::Table(table) => table.iter().all(|(_, value)| value.is_readable()),
            _ => true,
        }
    }

    /// The value without its places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.data {
            Data::Text(text) => json!(text),
            Data::Int(int) => json!(int),
            Data::Float(float) => json!(float),
            Data::Bool(bool) => json!(bool),
            Data::Unreadable => serde_json::Value::Null,
            Data::Array(items) => items.iter().map(Self::to_json).collect(),
            Data::Table(table) => table
                .iter()
                .map(|(key, value)| (key.name.clone(), value.to_json()))
                .collect(),
        }
    }
}

/// So many keys of broken statements are kept; who has more mends these first.
const NOTED: usize = 1000;

/// Reads TOML. Each statement that is broken becomes one problem and is unreadable; all else is returned all the same.
pub fn parse(source: &Arc<Source>, problems: &mut Problems) -> Value {
    let repaired = repair(source);
    let (table, _) = DeTable::parse_recoverable(&repaired.text);
    let range = table.span();
    let mut data = convert_table(source, table.into_inner(), problems);
    problems.extend(repaired.problems);
    for (count, broken) in repaired.broken.iter().enumerate() {
        let span = Span::new(source, broken.range.clone());
        if count < NOTED {
            put_unreadable(&mut data, &broken.path, &span, broken.is_header);
        }
        problems.say_no_more_of(&span);
    }
    Value {
        data: Data::Table(data),
        span: Span::new(source, range),
    }
}

/// Notes that there is something at a path that cannot be read, so that it is not missing. Of keys that stand there twice
/// the first is kept, and of tables none: neither is whole.
fn put_unreadable(table: &mut Table, path: &[String], span: &Span, replaces: bool) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    let at = table.iter().position(|(key, _)| key.name == *name);
    let at = at.unwrap_or_else(|| {
        let data = if rest.is_empty() {
            Data::Unreadable
        } else {
            Data::Table(Table::new())
        };
        let key = Key {
            name: name.clone(),
            span: span.clone(),
        };
        let value = Value {
            data,
            span: span.clone(),
        };
        table.push((key, value));
        table.len() - 1
    });
    let value = &mut table[at].1;
    if rest.is_empty() && replaces {
        value.data = Data::Unreadable;
        value.span = span.clone();
    }
    match &mut value.data {
        Data::Table(inner) => put_unreadable(inner, rest, span, replaces),
        Data::Array(items) => {
            let before = |item: &&mut Value| item.span.range.start <= span.range.start;
            if let Some(Value {
                data: Data::Table(inner),
                ..
            }) = items.iter_mut().rev().find(before)
            {
                put_unreadable(inner, rest, span, replaces);
            }
        }
        _ => {}
    }
}

/// One value written in TOML on its own, if it is one.
pub fn parse_one(text: &str) -> Option<Value> {
    let source = Source::new("", format!("x = {text}"));
    let mut problems = Problems::default();
    let Data::Table(mut entries) = parse(&source, &mut problems).data else {
        return None;
    };
    let (key, value) = entries.pop()?;
    let alone = problems.is_empty() && entries.is_empty() && key.name == "x";
    alone.then_some(value)
}

fn convert_table(source: &Arc<Source>, table: DeTable<'_>, problems: &mut Problems) -> Table {
    table
        .into_iter()
        .map(|(key, value)| {
            let key = Key {
                span: Span::new(source, key.span()),
                name: key.into_inner().into_owned(),
            };
            let value = convert(source, value, &key.span, problems);
            (key, value)
        })
        .collect()
}

fn convert(
    source: &Arc<Source>,
    value: Spanned<DeValue<'_>>,
    key: &Span,
    problems: &mut Problems,
) -> Value {
    // Tables written by headers and dotted keys may have no text of their own: their key stands for them.
    let range = match value.span() {
        Range { start: 0, end: 0 } => key.range.clone(),
        range => range,
    };
    let span = Span::new(source, range);
    let data = match value.into_inner() {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(int) => match i64::from_str_radix(int.as_str(), int.radix()) {
            Ok(int) => Data::Int(int),
            Err(_) => {
                let problem = Problem::at(&span, "this integer does not fit into 64 bits");
                problems.push(problem);
                Data::Unreadable
            }
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(float) if float.is_finite() => Data::Float(float),
            _ => {
                let problem = Problem::at(&span, "a number must be finite");
                problems.push(problem);
                Data::Unreadable
            }
        },
        DeValue::Boolean(bool) => Data::Bool(bool),
        DeValue::Datetime(_) => {
            let problem = Problem::at(&span, "dates and times are not part of the language")
                .help("put it in quotes if it is text");
            problems.push(problem);
            Data::Unreadable
        }
        DeValue::Array(items) => {
            let items = items.into_iter();
            let items = items.map(|item| convert(source, item, key, problems));
            Data::Array(items.collect())
        }
        DeValue::Table(table) => Data::Table(convert_table(source, table, problems)),
    };
    Value { data, span }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_into_nested_values_and_every_syntax_error_is_told() {
        let text = "a = { b = [1, 2.5] }\n[c]\nd.e = 'x'\n";
        let source = Source::new("x.toml", text);
        let mut problems = Problems::default();
        let value = parse(&source, &mut problems);
        assert!(problems.is_empty());
        let number = &value.get("a").unwrap().get("b").unwrap();
        let Data::Array(items) = &number.data else {
            panic!("not a list")
        };
        assert_eq!(format!("{:?}", items[1].span), "x.toml:1:15");
        let e = value.get("c").unwrap().get("d").unwrap().get("e").unwrap();
        assert_eq!(format!("{:?}", e.span), "x.toml:3:7");

        let source = Source::new("y.toml", "a = \nb = 1\nc = ]\nd = 2020-01-01\ne = inf\n");
        parse(&source, &mut problems);
        let places: Vec<_> = problems
            .into_sorted()
            .iter()
            .map(|p| p.span.as_ref().unwrap().line_column().0)
            .collect();
        assert_eq!(places, [1, 3, 4, 5]);
    }
}

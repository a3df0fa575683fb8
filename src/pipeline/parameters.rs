//! Parameters held against their schema: every unknown key, wrong type and value out of range, each at its place.
//!
//! The schema is the one that the kind's parameter struct generates, so what is checked, what `etude kinds` prints and what
//! is read can never disagree. Two rules of the language live here: a string where a table with a `kind` is expected is
//! short for `{ kind = … }`, and such a table without a `kind` takes that of its default.

use serde_json::{Map, Value as Json, json};

use super::problem::{Problem, Problems, count};
use super::source::Span;
use super::spelling::{alternatives, nearest};
use super::value::{Data, Key, Value};

/// Checks a value and gives it as JSON for the type of the schema; on problems the JSON is of no use.
pub fn check(schema: &Json, value: &Value, what: &str, problems: &mut Problems) -> Json {
    let also = &[];
    let mut checker = Checker {
        what,
        also,
        problems,
    };
    checker.any(schema, None, value, &mut Vec::new())
}

/// Checks one parameter of a kind; `None` where the kind has none of this name.
///
/// `also` are keys that stand beside the parameters, to be offered as alternatives too.
pub fn check_entry(
    schema: &Json,
    key: &Key,
    value: &Value,
    (what, also): (&str, &[&str]),
    problems: &mut Problems,
) -> Option<Json> {
    let mut checker = Checker {
        what,
        also,
        problems,
    };
    checker.entry(schema, key, value, &mut Vec::new())
}

/// Checks that a kind has all parameters it needs, among those of the table at `span`.
pub fn check_required<'a, K: Iterator<Item = &'a str>>(
    schema: &Json,
    span: &Span,
    what: &str,
    has: impl Fn(&str) -> bool,
    keys: impl Fn() -> K,
    problems: &mut Problems,
) {
    let also = &[];
    let mut checker = Checker {
        what,
        also,
        problems,
    };
    checker.required(schema, span, has, keys, &[]);
}

/// So many unknown keys may be meant for one that is missing.
const MISSPELT: usize = 100;

struct Checker<'a> {
    /// Whose parameters: the kind's name.
    what: &'a str,
    /// Keys that stand beside the parameters.
    also: &'a [&'a str],
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn any(
        &mut self,
        schema: &Json,
        default: Option<&Json>,
        value: &Value,
        path: &mut Vec<String>,
    ) -> Json {
        if value.data == Data::Unreadable {
            return Json::Null;
        }
        let options = options(schema);
        if options.is_empty() {
            return self.plain(schema, value, path);
        }
        let kinds: Vec<&str> = options.iter().filter_map(|o| kind_of(o)).collect();
        if kinds.len() == options.len() {
            return self.tagged(&options, &kinds, default, value, path);
        }
        if let [only] = options.as_slice() {
            return self.any(only, default, value, path);
        }
        let other: Vec<&Json> = options
            .iter()
            .copied()
            .filter(|o| words(o).is_none())
            .collect();
        let words: Vec<&str> = options.iter().filter_map(|o| words(o)).flatten().collect();
        let is_word = value.text().is_some_and(|text| words.contains(&text));
        match other.iter().find(|option| fits(option, &value.data)) {
            Some(option) if !is_word => self.any(option, default, value, path),
            _ if other.is_empty() || value.text().is_some_and(|_| !words.is_empty()) => {
                self.word(&words, value, path)
            }
            _ => {
                let nouns: Vec<_> = options.iter().map(|option| noun(option)).collect();
                self.wrong_type(&nouns.join(" or "), schema, value, path)
            }
        }
    }

    fn plain(&mut self, schema: &Json, value: &Value, path: &mut Vec<String>) -> Json {
        if let Some(words) = words(schema) {
            return self.word(&words, value, path);
        }
        if schema_types(schema).is_empty() {
            return value.to_json();
        }
        if !fits(schema, &value.data) {
            return self.wrong_type(&noun(schema), schema, value, path);
        }
        match &value.data {
            Data::Table(_) => self.object(schema, value, path),
            Data::Array(items) => self.list(schema, items, value, path),
            Data::Int(int) if !accepts(schema, "integer") => {
                self.bounds(schema, *int as f64, value, path);
                json!(*int as f64)
            }
            Data::Int(int) => {
                self.bounds(schema, *int as f64, value, path);
                json!(int)
            }
            Data::Float(float) => {
                self.bounds(schema, *float, value, path);
                json!(float)
            }
            Data::Text(text) => {
                let shortest = schema["minLength"].as_u64().unwrap_or(0) as usize;
                if text.trim().chars().count() < shortest {
                    let message = format!("{} must not be empty", self.name(path));
                    self.problems.push(Problem::at(&value.span, message));
                }
                json!(text)
            }
            Data::Bool(bool) => json!(bool),
            Data::Unreadable => Json::Null,
        }
    }

    fn object(&mut self, schema: &Json, value: &Value, path: &mut Vec<String>) -> Json {
        let mut json = Map::new();
        let table = value.table().map_or(&[][..], Vec::as_slice);
        for (key, item) in table {
            if let Some(item) = self.entry(schema, key, item, path) {
                json.insert(key.name.clone(), item);
            }
        }
        let keys = || table.iter().map(|(key, _)| key.name.as_str());
        let has = |name: &str| keys().any(|key| key == name);
        self.required(schema, &value.span, has, keys, path);
        Json::Object(json)
    }

    fn entry(
        &mut self,
        schema: &Json,
        key: &Key,
        item: &Value,
        path: &mut Vec<String>,
    ) -> Option<Json> {
        let known = schema["properties"].get(&key.name);
        let open = &schema["additionalProperties"];
        // `true` is the schema of values of any type.
        let is_open = open.is_object() || *open == true;
        let Some(inner) = known.or(is_open.then_some(open)) else {
            self.unknown(key, schema, path);
            return None;
        };
        path.push(key.name.clone());
        let item = self.any(inner, inner.get("default"), item, path);
        path.pop();
        Some(item)
    }

    fn required<'k, K: Iterator<Item = &'k str>>(
        &mut self,
        schema: &Json,
        span: &Span,
        has: impl Fn(&str) -> bool,
        keys: impl Fn() -> K,
        path: &[String],
    ) {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Json::as_str) {
            if name == "kind" || has(name) {
                continue;
            }
            // A key that is misspelt is one problem, not two.
            let properties = &schema["properties"];
            let names = || properties.as_object().into_iter().flat_map(Map::keys);
            let unknown = keys().filter(|key| properties.get(key).is_none());
            let mut unknown = unknown.take(MISSPELT);
            if unknown.any(|key| nearest(key, names().map(String::as_str)) == Some(name)) {
                continue;
            }
            self.missing(name, &properties[name], span, path);
        }
    }

    fn unknown(&mut self, key: &Key, schema: &Json, path: &[String]) {
        let properties = schema["properties"].as_object();
        let names = properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str);
        let also = self.also.iter().filter(|_| path.is_empty()).copied();
        let names: Vec<&str> = names.filter(|name| *name != "kind").chain(also).collect();
        let message = match path {
            [] => format!("`{}` has no parameter `{}`", self.what, key.name),
            _ => format!("{} has no key `{}`", self.name(path), key.name),
        };
        let near = nearest(&key.name, names.iter().copied());
        let inside = near.is_none().then(|| key_inside(schema, &key.name));
        let help = inside
            .flatten()
            .or_else(|| alternatives("keys", &key.name, names));
        let problem = Problem::at(&key.span, message).label("unknown");
        self.problems.push(problem.maybe_help(help));
    }

    fn missing(&mut self, name: &str, schema: &Json, span: &Span, path: &[String]) {
        let owner = match path {
            [] => format!("`{}`", self.what),
            _ => self.name(path),
        };
        let problem = Problem::at(span, format!("{owner} needs `{name}`")).label("missing here");
        let doc = schema["description"].as_str().map(first_line);
        self.problems
            .push(problem.maybe_help(doc.map(|doc| format!("`{name}`: {doc}"))));
    }

    fn list(
        &mut self,
        schema: &Json,
        items: &[Value],
        value: &Value,
        path: &mut Vec<String>,
    ) -> Json {
        let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX) as usize;
        if items.len() < least || items.len() > most {
            let count = match (least, most) {
                (least, most) if least == most => format!("{least}"),
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) => format!("{least} to {most}"),
            };
            let message = format!(
                "{} takes {count} values, not {}",
                self.name(path),
                items.len()
            );
            self.problems.push(Problem::at(&value.span, message));
        }
        let first = schema["prefixItems"].as_array();
        let checked = items.iter().enumerate().map(|(i, item)| {
            let inner = first.and_then(|f| f.get(i)).unwrap_or(&schema["items"]);
            self.any(inner, None, item, path)
        });
        checked.collect()
    }

    fn word(&mut self, words: &[&str], value: &Value, path: &[String]) -> Json {
        match value.text() {
            Some(text) if words.contains(&text) => json!(text),
            Some(text) => {
                let message = format!("{} cannot be `{text}`", self.name(path));
                let problem = Problem::at(&value.span, message)
                    .label("unknown")
                    .maybe_help(alternatives("choices", text, words.iter().copied()));
                self.problems.push(problem);
                Json::Null
            }
            None => {
                let expected = format!("one of {}", quoted(words));
                self.wrong_type(&expected, &Json::Null, value, path)
            }
        }
    }

    fn tagged(
        &mut self,
        options: &[&Json],
        kinds: &[&str],
        default: Option<&Json>,
        value: &Value,
        path: &mut Vec<String>,
    ) -> Json {
        let short;
        let value = match &value.data {
            Data::Text(_) => {
                short = expanded(value);
                &short
            }
            _ => value,
        };
        if value.table().is_none() {
            let expected = format!("a table with a `kind` ({})", quoted(kinds));
            return self.wrong_type(&expected, &Json::Null, value, path);
        }
        let default = default.and_then(|d| d["kind"].as_str());
        let (kind, span) = match value.get("kind") {
            Some(kind) => (kind.text(), &kind.span),
            None => (default, &value.span),
        };
        let Some(kind) = kind else {
            let message = format!("{} needs a `kind`", self.name(path));
            let problem = Problem::at(span, message).help(format!("it is {}", quoted(kinds)));
            self.problems.push(problem);
            return Json::Null;
        };
        let Some(at) = kinds.iter().position(|k| *k == kind) else {
            let message = format!("{} cannot be of kind `{kind}`", self.name(path));
            let problem = Problem::at(span, message)
                .label("unknown kind")
                .maybe_help(alternatives("kinds", kind, kinds.iter().copied()));
            self.problems.push(problem);
            return Json::Null;
        };
        let mut json = self.object(options[at], value, path);
        json["kind"] = json!(kind);
        json
    }

    fn bounds(&mut self, schema: &Json, number: f64, value: &Value, path: &[String]) {
        let bound = |key: &str| match (key, schema["format"].as_str()) {
            ("maximum", Some("uint32")) => {
                let limit = f64::from(u32::MAX);
                Some(schema[key].as_f64().map_or(limit, |other| other.min(limit)))
            }
            ("maximum", Some("int32")) => {
                let limit = f64::from(i32::MAX);
                Some(schema[key].as_f64().map_or(limit, |other| other.min(limit)))
            }
            _ => schema[key].as_f64(),
        };
        let broken = [
            (bound("minimum").filter(|b| number < *b), "at least"),
            (bound("maximum").filter(|b| number > *b), "at most"),
            (
                bound("exclusiveMinimum").filter(|b| number <= *b),
                "more than",
            ),
            (
                bound("exclusiveMaximum").filter(|b| number >= *b),
                "less than",
            ),
        ];
        for (limit, words) in broken {
            if let Some(limit) = limit {
                let limit = show_limit(limit);
                let message = format!("{} must be {words} {limit}", self.name(path));
                let problem = Problem::at(&value.span, message).label("out of range");
                let doc = schema["description"].as_str().map(first_line);
                self.problems
                    .push(problem.maybe_help(doc.map(str::to_string)));
            }
        }
    }

    fn wrong_type(
        &mut self,
        expected: &str,
        schema: &Json,
        value: &Value,
        path: &[String],
    ) -> Json {
        let message = format!(
            "{} must be {expected}, not {}",
            self.name(path),
            value.noun()
        );
        let problem = Problem::at(&value.span, message).label(value.noun());
        self.problems
            .push(problem.maybe_help(rewritten(schema, value)));
        Json::Null
    }

    fn name(&self, path: &[String]) -> String {
        match path {
            [] => format!("`{}`", self.what),
            _ => format!("`{}`", path.join(".")),
        }
    }
}

/// So many places of a key are named.
const HOMES: usize = 4;

/// Where a key stands that was written one table too high.
fn key_inside(schema: &Json, word: &str) -> Option<String> {
    let properties = schema["properties"].as_object()?;
    let mut homes = Vec::new();
    let mut found = None;
    for (home, inner) in properties {
        // One that may be left out has its forms one level deeper.
        let forms = options(inner).into_iter().flat_map(|form| {
            let deeper = options(form);
            std::iter::once(form).chain(deeper)
        });
        let inner = std::iter::once(inner).chain(forms);
        let keys = inner.flat_map(|option| option["properties"].as_object());
        let keys = keys.flat_map(Map::keys).map(String::as_str);
        let keys: Vec<&str> = keys.filter(|key| *key != "kind").collect();
        let Some(key) = nearest(word, keys.iter().copied()) else {
            continue;
        };
        // Of several keys that are near, one is enough.
        if *found.get_or_insert(key) == key {
            homes.push(home.as_str());
        }
    }
    let (key, first) = (found?, *homes.first()?);
    let more = match homes.len().saturating_sub(HOMES) {
        0 => "",
        _ => " and others",
    };
    homes.truncate(HOMES);
    let homes = quoted(&homes);
    Some(format!(
        "`{key}` is a key of {homes}{more}: write `{first} = {{ …, {key} = … }}`, or `{first}.{key}` in a patch"
    ))
}

/// A value of another type as it should be written, where only its form is wrong.
fn rewritten(schema: &Json, value: &Value) -> Option<String> {
    let takes = |name| accepts(schema, name) || options(schema).iter().any(|o| accepts(o, name));
    let takes_numbers = takes("integer") || takes("number");
    let text = value.text().map(str::trim);
    if let Some(text) = text {
        let is_number =
            text.parse::<i64>().is_ok() || takes("number") && text.parse::<f64>().is_ok();
        let is_truth = takes("boolean") && matches!(text, "true" | "false");
        if takes_numbers && is_number || is_truth {
            return Some(format!("write `{text}` without quotes"));
        }
        let words: Vec<String> = text
            .split_whitespace()
            .map(|w| format!("\"{w}\""))
            .collect();
        let list = format!("a list is written like `[{}]`", words.join(", "));
        return takes("array").then_some(list);
    }
    match &value.data {
        Data::Array(items) if takes("string") && items.iter().any(|i| i.text().is_some()) => {
            let first = items.iter().find_map(Value::text)?;
            Some(format!("it takes one of them: write `\"{first}\"`"))
        }
        Data::Float(number) if takes("integer") && number.fract() == 0.0 => Some(format!(
            "write `{number}`, without a point or a power of ten"
        )),
        Data::Int(_) | Data::Float(_) | Data::Bool(_) if takes("string") => {
            Some(format!("write `\"{}\"`", value.label()))
        }
        Data::Int(_) | Data::Float(_) | Data::Bool(_) if takes("array") => {
            Some(format!("write `[{}]`", value.label()))
        }
        _ => None,
    }
}

/// A limit for people: `100 000 000`.
fn show_limit(limit: f64) -> String {
    const MANY: f64 = 1e4;
    const EXACT: f64 = 1e15;
    if limit.fract() == 0.0 && (MANY..EXACT).contains(&limit) {
        count(limit as u128)
    } else {
        limit.to_string()
    }
}

/// `"adamw"` as `{ kind = "adamw" }`, both at the same place.
pub(super) fn expanded(value: &Value) -> Value {
    let key = Key {
        name: "kind".into(),
        span: value.span.clone(),
    };
    Value {
        data: Data::Table(vec![(key, value.clone())]),
        span: value.span.clone(),
    }
}

/// Drops every value that is the schema's default, at any depth, and every null.
pub fn without_defaults(schema: &Json, json: Json) -> Json {
    let schema = match options(schema).as_slice() {
        [] => schema,
        [one] => return without_defaults(one, json),
        many => {
            let kind = &json["kind"];
            let tagged = |o: &&&Json| kind_of(o).is_some_and(|k| kind == k);
            match many.iter().find(tagged) {
                Some(option) => option,
                None => match many.iter().find(|o| o["type"] == "object") {
                    Some(option) if json.is_object() => option,
                    _ => return json,
                },
            }
        }
    };
    match json {
        Json::Object(table) => {
            let kept = table.into_iter().filter_map(|(key, value)| {
                let known = schema["properties"].get(&key);
                let inner = known.unwrap_or(&schema["additionalProperties"]);
                if value.is_null() || inner.get("default") == Some(&value) {
                    return None;
                }
                Some((key, without_defaults(inner, value)))
            });
            Json::Object(kept.collect())
        }
        Json::Array(items) => {
            let items = items.into_iter();
            items
                .map(|item| without_defaults(&schema["items"], item))
                .collect()
        }
        other => other,
    }
}

/// Puts what a kind does not write at its default beside what it writes.
pub fn with_defaults(schema: &Json, mut json: Json) -> Json {
    let (Some(table), Some(known)) = (json.as_object_mut(), schema["properties"].as_object())
    else {
        return json;
    };
    for (name, inner) in known {
        if let Some(default) = inner.get("default").filter(|default| !default.is_null()) {
            table.entry(name).or_insert_with(|| default.clone());
        }
    }
    json
}

/// The alternatives of a schema, `null` aside.
pub(crate) fn options(schema: &Json) -> Vec<&Json> {
    let listed = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    let listed = listed.into_iter().flatten();
    listed.filter(|option| option["type"] != "null").collect()
}

/// The words that a schema takes, if it takes nothing else: of variants of an enum that are documented each has a schema of
/// its own, and those that are not share one.
pub(crate) fn words(schema: &Json) -> Option<Vec<&str>> {
    match (&schema["const"], &schema["enum"]) {
        (Json::String(word), _) => Some(vec![word]),
        (_, Json::Array(words)) => Some(words.iter().filter_map(Json::as_str).collect()),
        _ => None,
    }
}

/// The kind that an alternative of a tagged table stands for.
pub(crate) fn kind_of(option: &Json) -> Option<&str> {
    option["properties"]["kind"]["const"].as_str()
}

/// The JSON types a schema takes.
pub(crate) fn schema_types(schema: &Json) -> Vec<&str> {
    match &schema["type"] {
        Json::String(one) => vec![one],
        Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn accepts(schema: &Json, name: &str) -> bool {
    schema_types(schema).contains(&name)
}

fn fits(schema: &Json, data: &Data) -> bool {
    let inner = options(schema);
    if !inner.is_empty() {
        return inner.iter().any(|option| fits(option, data));
    }
    match data {
        Data::Text(_) => accepts(schema, "string") || schema["const"].is_string(),
        Data::Int(_) => accepts(schema, "integer") || accepts(schema, "number"),
        Data::Float(_) => accepts(schema, "number"),
        Data::Bool(_) => accepts(schema, "boolean"),
        Data::Array(_) => accepts(schema, "array"),
        Data::Table(_) => accepts(schema, "object"),
        Data::Unreadable => true,
    }
}

fn noun(schema: &Json) -> String {
    let types = schema_types(schema).into_iter().filter(|t| *t != "null");
    let nouns = types.map(|name| match name {
        "string" => "a string",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "a boolean",
        "array" => "a list",
        "object" => "a table",
        other => other,
    });
    nouns.collect::<Vec<_>>().join(" or ")
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// The first paragraph of a documentation text, as one line.
fn first_line(doc: &str) -> &str {
    doc.split("\n\n")
        .next()
        .unwrap_or(doc)
        .lines()
        .next()
        .unwrap_or(doc)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::pipeline::contract::schema_of;
    use crate::pipeline::source::Source;
    use crate::pipeline::value::parse;

    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Toy {
        /// How many.
        #[schemars(range(min = 1, max = 9))]
        count: u32,
        #[serde(default = "half")]
        rate: f64,
        #[serde(default)]
        shape: Shape,
        #[serde(default)]
        positions: Positions,
        limit: Option<u64>,
        #[serde(default)]
        betas: [f64; 2],
    }

    fn half() -> f64 {
        0.5
    }

    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    #[serde(tag = "kind", rename_all = "kebab-case")]
    enum Shape {
        Round(Round),
        Flat,
    }

    impl Default for Shape {
        fn default() -> Self {
            Self::Round(Round { radius: 1.0 })
        }
    }

    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Round {
        #[serde(default = "half")]
        radius: f64,
    }

    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug, Default)]
    #[serde(rename_all = "kebab-case")]
    enum Positions {
        /// One vector a position.
        #[default]
        Learned,
        /// By angle.
        Rotary,
    }

    fn read(text: &str) -> Result<Json, Vec<String>> {
        let schema = schema_of::<Toy>();
        let mut problems = Problems::default();
        let value = parse(&Source::new("toy.toml", text), &mut problems);
        let json = check(&schema, &value, "toy", &mut problems);
        let list = problems.into_sorted();
        if list.is_empty() {
            let toy: Toy = serde_json::from_value(json).unwrap();
            Ok(without_defaults(
                &schema,
                serde_json::to_value(toy).unwrap(),
            ))
        } else {
            Err(list
                .iter()
                .map(|p| {
                    format!(
                        "{:?} {} ({})",
                        p.span.as_ref().unwrap(),
                        p,
                        p.help.as_deref().unwrap_or("")
                    )
                })
                .collect())
        }
    }

    #[test]
    fn what_is_at_its_default_is_left_out_at_any_depth() {
        assert_eq!(read("count = 1\nrate = 0.5").unwrap(), json!({"count": 1}));
        assert_eq!(
            read("count = 1\nshape = 'flat'").unwrap(),
            json!({"count": 1, "shape": {"kind": "flat"}})
        );
        assert_eq!(
            read("count = 1\nshape = { kind = 'round' }\nrate = 1").unwrap(),
            json!({"count": 1, "rate": 1.0, "shape": {"kind": "round"}})
        );
        assert_eq!(
            read("count = 1\nshape = { radius = 2 }").unwrap(),
            json!({"count": 1, "shape": {"kind": "round", "radius": 2.0}})
        );
    }

    /// A kind that does not write what is at its default.
    #[derive(Serialize, JsonSchema)]
    struct Quiet {
        own: u32,
        #[serde(default, skip_serializing_if = "is_zero")]
        #[schemars(extend("default" = 0))]
        extra: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        none: Option<u32>,
    }

    fn is_zero(number: &u32) -> bool {
        *number == 0
    }

    #[test]
    fn what_a_kind_does_not_write_at_its_default_stands_beside_what_it_writes() {
        let schema = schema_of::<Quiet>();
        let full = |own, extra| {
            let none = None;
            let written = serde_json::to_value(Quiet { own, extra, none }).unwrap();
            with_defaults(&schema, written)
        };
        assert_eq!(full(3, 0), json!({"own": 3, "extra": 0}));
        assert_eq!(full(3, 2), json!({"own": 3, "extra": 2}));
        assert_eq!(without_defaults(&schema, full(3, 0)), json!({"own": 3}));
    }

    /// Words of which only some say what they mean.
    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    #[serde(rename_all = "kebab-case")]
    enum Mixed {
        Plain,
        /// With words.
        Told,
        Silent,
        /// With more words.
        Long(u32),
    }

    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    struct Mixes {
        one: Mixed,
        other: Option<Mixed>,
    }

    #[test]
    fn all_words_of_an_enum_are_known_whichever_are_documented() {
        let schema = schema_of::<Mixes>();
        let read = |text: &str| {
            let mut problems = Problems::default();
            let value = parse(&Source::new("toy.toml", text), &mut problems);
            let json = check(&schema, &value, "toy", &mut problems);
            match problems.into_sorted().first() {
                None => Ok(serde_json::from_value::<Mixes>(json).unwrap().one),
                Some(problem) => Err(problem.to_string()),
            }
        };
        assert_eq!(read("one = 'plain'\nother = 'told'"), Ok(Mixed::Plain));
        assert_eq!(read("one = 'told'\nother = 'silent'"), Ok(Mixed::Told));
        assert_eq!(read("one = 'silent'"), Ok(Mixed::Silent));
        assert_eq!(read("one = { long = 3 }"), Ok(Mixed::Long(3)));
        assert_eq!(read("one = 'tol'").unwrap_err(), "`one` cannot be `tol`");
        assert!(read("one = 3").unwrap_err().contains("not an integer"));
    }

    #[test]
    fn every_mistake_is_told_at_its_place_with_what_could_stand_there() {
        let text = "cuont = 3\nrate = 'fast'\nshape = { kind = 'rund' }\npositions = 'rotry'\nlimit = -1\nbetas = [1]\n";
        insta::assert_snapshot!(read(text).unwrap_err().join("\n"), @r"
        toy.toml:1:1 `toy` has no parameter `cuont` (did you mean `count`? The keys are `count`, `rate`, `shape`, `positions`, `limit`, `betas`)
        toy.toml:2:8 `rate` must be a number, not a string ()
        toy.toml:3:18 `shape` cannot be of kind `rund` (did you mean `round`? The kinds are `round`, `flat`)
        toy.toml:4:13 `positions` cannot be `rotry` (did you mean `rotary`? The choices are `learned`, `rotary`)
        toy.toml:5:9 `limit` must be at least 0 ()
        toy.toml:6:9 `betas` takes 2 values, not 1 ()
        ");
        let text = "count = 10\nshape = { kind = 'round', radus = 2 }";
        insta::assert_snapshot!(read(text).unwrap_err().join("\n"), @r"
        toy.toml:1:9 `count` must be at most 9 (How many.)
        toy.toml:2:27 `shape` has no key `radus` (did you mean `radius`?)
        ");
    }
}

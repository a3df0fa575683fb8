//! The files of named numbers.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use serde::Serialize;
use serde_json::Value as Json;

use super::{NamedColumn, Numbers};
use crate::figures::formats::cells::{Cell, Interval, Read, printed};
use crate::figures::formats::printed::{Printed, Values};
use crate::figures::formats::spec::Column;
use crate::figures::formats::{Rendered, latex};
use crate::figures::latex::{Writer, problem};
use crate::figures::table::{self, Error};

/// One number, for people and programs.
#[derive(Serialize)]
struct Entry {
    /// As it is printed.
    text: String,
    /// The column.
    field: String,
    /// The values that name its row.
    at: BTreeMap<String, String>,
    value: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<Json>,
}

/// All numbers, and what the table lacks.
#[derive(Serialize)]
struct Entries {
    numbers: BTreeMap<String, Entry>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    lacks: Vec<String>,
}

/// Prints numbers as commands of LaTeX and as JSON; `holes` says what the table lacks, a line each.
pub fn render(data: &DataFrame, spec: &Numbers, holes: &[String]) -> Result<Rendered, Error> {
    let keys: Vec<Column> = spec.by.iter().map(Column::named).collect();
    let columns: Vec<Column> = spec.values.iter().map(NamedColumn::column).collect();
    let reads = keys
        .iter()
        .chain(&columns)
        .map(|column| Read::new(data, column));
    let reads: Vec<Read<'_>> = reads.collect::<Result<_, _>>()?;
    let cells = printed(&reads, spec.digits, data.height(), &[]);
    let by = spec
        .by
        .iter()
        .map(|name| table::texts(table::column(data, name)?));
    let by: Vec<Vec<Option<String>>> = by.collect::<Result<_, Error>>()?;

    let mut writer = Writer::new(false);
    let mut code =
        String::from("% Numbers by name. \\input this file once, before \\begin{document}.\n");
    code.extend(
        holes
            .iter()
            .map(|hole| format!("% It lacks: {}\n", hole.replace(['\n', '\r'], " "))),
    );
    let mut warnings = Vec::new();
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    if data.height() == 0 {
        warnings.push("the table has no rows, so there are no commands".to_owned());
    }
    for row in 0..data.height() {
        let (mut parts, mut at) = (String::new(), BTreeMap::new());
        for (column, texts) in spec.by.iter().zip(&by) {
            let Some(text) = &texts[row] else {
                return Err(Error::Unsuitable(format!(
                    "`{column}` is empty in row {}, so it names no command; leave that row out with a WHERE in the SQL before",
                    row + 1
                )));
            };
            parts.push_str(&spec.part(column, text)?);
            at.insert(column.clone(), text.clone());
        }
        let values = spec.values.iter().enumerate();
        for (n, value) in values {
            let prefix = value.prefix().unwrap_or_default();
            let name = format!("{prefix}{parts}");
            let (read, cell) = (&reads[keys.len() + n], &cells[keys.len() + n][row]);
            check_name(&name, &at, entries.get(&name))?;
            let said = place(&value.field, &at);
            if cell.value == Printed::Missing {
                warnings.push(format!("{said} is missing, and stands as ?? in `\\{name}`"));
            }
            let body = body(cell, value.percent, &mut writer, &said);
            code.push_str(&format!("\\newcommand{{\\{name}}}{{{body}}}\n"));
            let entry = entry(read, cell, row, value, at.clone());
            entries.insert(name, entry);
        }
    }
    warnings.extend(writer.warnings());
    let entries = Entries {
        numbers: entries,
        lacks: holes.to_vec(),
    };
    let mut json = serde_json::to_string_pretty(&entries).expect("entries are plain data");
    json.push('\n');
    Ok(Rendered {
        files: vec![
            (
                "numbers.tex".to_owned(),
                (writer.preamble() + &code).into_bytes(),
            ),
            ("numbers.json".to_owned(), json.into_bytes()),
        ],
        warnings,
    })
}

/// A value and its row, as messages show them.
fn place(field: &str, at: &BTreeMap<String, String>) -> String {
    let at: Vec<String> = at
        .iter()
        .map(|(column, text)| format!("{column} = `{text}`"))
        .collect();
    if at.is_empty() {
        format!("`{field}`")
    } else {
        format!("`{field}` at {}", at.join(", "))
    }
}

/// Refuses a name that LaTeX has, and one of two numbers.
fn check_name(
    name: &str,
    at: &BTreeMap<String, String>,
    other: Option<&Entry>,
) -> Result<(), Error> {
    if let Some(why) = problem(name) {
        return Err(Error::Unsuitable(format!(
            "{why}; give the value another `name`, e.g. `my{name}`"
        )));
    }
    match other {
        None => Ok(()),
        Some(other) if other.at == *at => Err(Error::Unsuitable(format!(
            "two rows make the command `\\{name}`: {}; name in `by` what tells them apart, or aggregate them before",
            place(&other.field, at)
        ))),
        Some(other) => Err(Error::Unsuitable(format!(
            "two rows make the command `\\{name}`: {} and {}; give one of them another word in `names`",
            place(&other.field, &other.at),
            place(&other.field, at)
        ))),
    }
}

/// What a command stands for.
fn body(cell: &Cell, percent: bool, writer: &mut Writer, place: &str) -> String {
    match latex::value(cell) {
        Some(value) => {
            let unit = if percent { "\\,\\%" } else { "" };
            format!("\\ensuremath{{{value}}}{unit}")
        }
        None if cell.value == Printed::Missing => "\\textbf{??}".to_owned(),
        None => writer.text(&cell.value.text(), place),
    }
}

fn entry(
    read: &Read<'_>,
    cell: &Cell,
    row: usize,
    value: &NamedColumn,
    at: BTreeMap<String, String>,
) -> Entry {
    let number = |values: &Values| -> Json {
        let Some(number) = values.numbers[row] else {
            return values.texts[row].clone().map_or(Json::Null, Json::String);
        };
        let text = number.exact();
        serde_json::from_str(&text).unwrap_or(Json::String(text))
    };
    let (mut error, mut low, mut high) = (None, None, None);
    match &read.interval {
        Interval::None => {}
        Interval::Half(half) => error = Some(number(half)),
        Interval::Ends(one, other) => (low, high) = (Some(number(one)), Some(number(other))),
    }
    let unit = if value.percent && cell.value != Printed::Missing {
        " %"
    } else {
        ""
    };
    Entry {
        text: cell.text() + unit,
        field: value.field.clone(),
        at,
        value: number(&read.values),
        error,
        low,
        high,
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::*;

    fn data() -> DataFrame {
        df!(
            "method" => ["next-token", "reversed"],
            "lr" => [1e-4, 3e-4],
            "accuracy" => [Some(0.5012), None],
            "ci" => [Some(0.0213), None],
            "loss" => [1.5e-7, 0.25],
            "note" => ["50% & more", "α"],
        )
        .unwrap()
    }

    fn rendered(spec: &str) -> Result<Rendered, Error> {
        render(&data(), &serde_json::from_str(spec).unwrap(), &[])
    }

    fn file(rendered: &Rendered, name: &str) -> String {
        let (_, bytes) = rendered
            .files
            .iter()
            .find(|(file, _)| file == name)
            .unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    }

    #[test]
    fn each_row_names_its_numbers() {
        let rendered = rendered(
            r#"{ "by": ["method"], "values": [{ "field": "accuracy", "name": "acc", "error": "ci", "percent": true }, "loss", "note"] }"#,
        )
        .unwrap();
        insta::assert_snapshot!(file(&rendered, "numbers.tex"), @r"
        % Numbers by name. \input this file once, before \begin{document}.
        \newcommand{\accNextToken}{\ensuremath{50.1 \pm 2.1}\,\%}
        \newcommand{\lossNextToken}{\ensuremath{1.5 \times 10^{-7}}}
        \newcommand{\noteNextToken}{50\% \& more}
        \newcommand{\accReversed}{\textbf{??}}
        \newcommand{\lossReversed}{\ensuremath{0.25}}
        \newcommand{\noteReversed}{$\alpha$}
        ");
        assert_eq!(
            rendered.warnings,
            ["`accuracy` at method = `reversed` is missing, and stands as ?? in `\\accReversed`"]
        );
        let json = file(&rendered, "numbers.json");
        let json: Json = serde_json::from_str(&json).unwrap();
        let entry = &json["numbers"]["accNextToken"];
        assert_eq!(entry["text"], "50.1 ± 2.1 %");
        assert_eq!(entry["value"], 0.5012);
        assert_eq!(entry["error"], 0.0213);
        assert_eq!(entry["at"]["method"], "next-token");
    }

    #[test]
    fn what_names_no_command_is_refused_with_advice() {
        let error = |spec: &str| rendered(spec).unwrap_err().to_string();
        insta::assert_snapshot!(error(r#"{ "by": ["note"], "values": ["loss"] }"#), @"the value `α` of `note` has `α`, which cannot stand in the name of a command; say what stands for it, e.g. `names = { \"α\" = \"Word\" }`");
        insta::assert_snapshot!(error(r#"{ "values": ["loss"] }"#), @"two rows make the command `\\loss`: `loss`; name in `by` what tells them apart, or aggregate them before");
        insta::assert_snapshot!(error(r#"{ "by": ["method"], "values": ["loss"], "names": { "reversed": "A", "next-token": "A" } }"#), @"two rows make the command `\\lossA`: `loss` at method = `next-token` and `loss` at method = `reversed`; give one of them another word in `names`");
        insta::assert_snapshot!(error(r#"{ "by": ["method"], "values": [{ "field": "loss", "name": "text" }], "names": { "reversed": "bf" } }"#), @"`\\textbf` is a command of TeX, LaTeX or a package; give the value another `name`, e.g. `mytextbf`");
    }

    #[test]
    fn a_number_is_named_however_it_is_written() {
        let rendered =
            rendered(r#"{ "by": ["lr"], "values": ["loss"], "names": { "1e-4": "Small" } }"#)
                .unwrap();
        let code = file(&rendered, "numbers.tex");
        assert!(code.contains("\\lossSmall"), "{code}");
        assert!(code.contains("\\lossZeroPointZeroZeroZeroThree"), "{code}");
    }
}

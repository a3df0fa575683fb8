//! Numbers of a table as commands of LaTeX, for the text of a paper: what is named, and how.

mod render;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use render::render;

use super::check::{Problem, of_interval};
use super::spec::{Column, Label, is_false};
use crate::figures::latex::{name_part, problem, word_part};
use crate::figures::shorthand::{or_a_name, string_or_table};
use crate::figures::table::Error;

/// Names numbers for the text of a paper.
///
/// It leaves `numbers.tex`, with a `\newcommand` for each number, and `numbers.json`, with the same numbers in all their digits. The
/// name of a command is the name of the value and then the values of the columns in `by`: the accuracy of the row with the method
/// `reversed` is `\accuracyReversed`. Words begin with a capital, and digits are spelled out: `next-token 2` makes `NextTokenTwo`.
///
/// Numbers are printed as `table` prints them, in text and in formulas. A value that is missing stands as **??**, and is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// The columns whose values name the commands, e.g. `["method"]`. Without any, the table has one row.
    #[serde(default)]
    pub by: Vec<String>,
    /// The numbers of each row.
    #[schemars(length(min = 1))]
    pub values: Vec<NamedColumn>,
    /// Other words for values of the columns in `by`, e.g. `{ "1e-4" = "Small" }`.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Digits after the decimal point of numbers with a fraction; if left out 3 (of percentages 1),
    /// or as many as the numbers are written with.
    #[serde(default)]
    #[schemars(range(max = 17))]
    pub digits: Option<usize>,
}

/// A number of each row: a column's name, or a table with more to say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(transform = or_a_name)]
pub struct NamedColumn {
    /// The column of the data.
    pub field: String,
    /// How its commands begin, e.g. `acc`; the words of the column's name if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digits after the decimal point; the stage's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 17))]
    pub digits: Option<usize>,
    /// Print shares as percentages: 0.501 as 50.1 %.
    #[serde(default, skip_serializing_if = "is_false")]
    pub percent: bool,
    /// A column with the half width of an interval, printed as `0.50 ± 0.02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A column with the lower end of an interval, printed as `0.50 [0.47, 0.51]`; it needs `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    /// A column with the upper end of the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
}

string_or_table!(NamedColumn);

impl NamedColumn {
    /// A number printed without anything special.
    pub fn named(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            ..Self::default()
        }
    }

    /// How its commands begin; the character of the column's name that no command can have, if there is one.
    fn prefix(&self) -> Result<String, char> {
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => word_part(&self.field),
        }
    }

    /// The same as a column of a table.
    fn column(&self) -> Column {
        Column {
            digits: self.digits,
            percent: self.percent,
            error: self.error.clone(),
            low: self.low.clone(),
            high: self.high.clone(),
            ..Column::named(&self.field)
        }
    }

    fn path(&self) -> String {
        format!("values.{}", self.field)
    }
}

impl Numbers {
    /// What is wrong with the parameters, whatever the table holds.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.values.is_empty() {
            let help =
                "name the columns whose numbers the text needs, e.g. `values = [\"accuracy\"]`";
            problems.push(Problem::new("values", "there are no values", help));
        }
        let mut seen = BTreeSet::new();
        for value in &self.values {
            let path = value.path();
            problems.extend(of_interval(&path, &value.column()));
            let name = match value.prefix() {
                Ok(name) => name,
                Err(c) => {
                    let why = format!("`{c}` cannot stand in the name of a command");
                    let help = format!(
                        "give a name, e.g. `{{ field = \"{}\", name = \"acc\" }}`",
                        value.field
                    );
                    problems.push(Problem::new(path, why, help));
                    continue;
                }
            };
            // With other words behind it, a name that is taken may become one that is free.
            let is_whole = self.by.is_empty() || !is_word(&name) || name.starts_with("end");
            if let Some(why) = problem(&name).filter(|_| is_whole) {
                let help = "give a `name` of letters alone, e.g. `acc`; spell digits out";
                problems.push(Problem::new(format!("{path}.name"), why, help));
            }
            if !seen.insert(name.clone()) {
                let why = format!("two values have the name `{name}`");
                let help = "give one of them another `name`";
                problems.push(Problem::new(format!("{path}.name"), why, help));
            }
        }
        for (text, name) in self.names.iter().filter(|(_, name)| !is_word(name)) {
            let why = format!("`{name}`, for `{text}`, is no part of a name of a command");
            let help =
                "such a name has the letters a to z and A to Z alone; spell digits out, e.g. `Two`";
            problems.push(Problem::new(format!("names.{text}"), why, help));
        }
        let mut seen = BTreeSet::new();
        for column in self.by.iter().filter(|column| !seen.insert(*column)) {
            let why = format!("the column `{column}` is named twice");
            problems.push(Problem::new("by", why, "name each column once"));
        }
        problems
    }

    /// Every column of the data that a parameter names, with the path of the parameter.
    pub fn uses(&self) -> Vec<(String, String)> {
        let by = self
            .by
            .iter()
            .map(|column| (format!("by.{column}"), column.clone()));
        let values = self.values.iter();
        let fields = values.map(|value| (value.path(), value.field.clone()));
        by.chain(fields).chain(self.intervals()).collect()
    }

    /// Those of them that must hold numbers.
    pub fn numeric_uses(&self) -> Vec<(String, String)> {
        let values = self.values.iter();
        let values =
            values.filter(|value| value.percent || value.column().interval().next().is_some());
        let fields = values.map(|value| (value.path(), value.field.clone()));
        fields.chain(self.intervals()).collect()
    }

    fn intervals(&self) -> Vec<(String, String)> {
        let mut uses = Vec::new();
        for value in &self.values {
            let column = value.column();
            let interval = column.interval();
            uses.extend(
                interval.map(|(key, name)| (format!("{}.{key}", value.path()), name.clone())),
            );
        }
        uses
    }

    /// The part of a name that a value of a column makes.
    fn part(&self, column: &str, text: &str) -> Result<String, Error> {
        let said = self
            .names
            .iter()
            .find(|(said, _)| Label::Text((*said).clone()).is(text));
        if let Some((_, name)) = said {
            return Ok(name.clone());
        }
        let why = match name_part(text) {
            Ok(name) if name.is_empty() => "has no letter and no digit".to_owned(),
            Ok(name) => return Ok(name),
            Err(c) => format!("has `{c}`, which cannot stand in the name of a command"),
        };
        Err(Error::Unsuitable(format!(
            "the value `{text}` of `{column}` {why}; say what stands for it, e.g. `names = {{ \"{text}\" = \"Word\" }}`"
        )))
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_before_there_is_a_table() {
        let problems = |spec: &str| -> Vec<String> {
            let spec: Numbers = serde_json::from_str(spec).unwrap();
            let problems = spec.problems().into_iter();
            problems
                .map(|problem| format!("{}: {}", problem.parameter, problem.message))
                .collect()
        };
        assert_eq!(
            problems(
                r#"{ "values": [{ "field": "a", "name": "acc1" }, "pm", { "field": "b", "name": "endB" }, "β"] }"#
            ),
            [
                "values.a.name: `1` cannot stand in the name of a command, which has the letters a to z and A to Z alone",
                "values.pm.name: `\\pm` is a command of TeX, LaTeX or a package",
                "values.b.name: LaTeX lets no command begin with `end`, as `\\endB` does",
                "values.β: `β` cannot stand in the name of a command",
            ]
        );
        // With words behind it, `\pm` is another command.
        assert_eq!(
            problems(r#"{ "by": ["method"], "values": ["pm"] }"#),
            Vec::<String>::new()
        );
        assert_eq!(
            problems(
                r#"{ "by": ["m", "m"], "values": ["a", { "field": "b", "name": "a" }], "names": { "x": "2" } }"#
            ),
            [
                "values.b.name: two values have the name `a`",
                "names.x: `2`, for `x`, is no part of a name of a command",
                "by: the column `m` is named twice",
            ]
        );
    }
}

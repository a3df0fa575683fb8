//! What is wrong with the parameters of a printed table, known before there is a table.

use std::collections::BTreeSet;

use super::spec::{Column, Pivot, Significance, TableSpec};
use crate::figures::latex::label_problem;
use crate::figures::markup;

/// What is wrong with a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The parameter, dots between keys; a column goes by its `field`.
    pub parameter: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Problem {
    pub(super) fn new(
        parameter: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            parameter: parameter.into(),
            message: message.into(),
            help: help.into(),
        }
    }
}

impl TableSpec {
    /// What is wrong with the parameters, whatever the table holds.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.columns.as_ref().is_some_and(Vec::is_empty) && self.pivot.is_none() {
            let help = "name the columns to print, or leave `columns` out to print all";
            problems.push(Problem::new("columns", "a table without columns", help));
        }
        let texts = self.caption.iter().map(|text| ("caption", text));
        let texts = texts.chain(self.notes.iter().map(|text| ("notes", text)));
        for (key, text) in texts {
            let why = markup::problem(text);
            problems.extend(why.map(|why| {
                Problem::new(
                    key,
                    why,
                    "a backslash keeps the character after it as it is",
                )
            }));
        }
        problems.extend(self.float());
        for (path, column) in self.placed() {
            problems.extend(of_column(&path, column));
        }
        if let Some(pivot) = &self.pivot {
            problems.extend(self.of_pivot(pivot));
        }
        problems
    }

    /// What concerns the `table` environment.
    fn float(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.caption.is_none() {
            let keys = [
                ("label", self.label.is_some()),
                ("placement", self.placement.is_some()),
                ("wide", self.wide),
            ];
            for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
                let why = format!("`{key}` belongs to a table with a caption");
                let help = "give a `caption`; without one only the `tabular` is written, for a `table` environment of your own";
                problems.push(Problem::new(key, why, help));
            }
        }
        if let Some(why) = self.label.as_deref().and_then(label_problem) {
            problems.push(Problem::new("label", why, "e.g. `tab:results`"));
        }
        if let Some(placement) = &self.placement {
            let is_fine = |c: char| "htbpH!".contains(c);
            if placement.is_empty() || !placement.chars().all(is_fine) {
                let why = format!("`{placement}` is no placement");
                let help = "it takes h (here), t (top), b (bottom), p (a page of its own), `!` and H (exactly here), e.g. `t` or `h!`";
                problems.push(Problem::new("placement", why, help));
            } else if placement.contains('H') && (placement.len() > 1 || self.wide) {
                let why = "`H` stands alone, for a table that spans one column";
                problems.push(Problem::new(
                    "placement",
                    why,
                    "e.g. `t`, or `H` without `wide`",
                ));
            }
        }
        problems
    }

    fn of_pivot(&self, pivot: &Pivot) -> Vec<Problem> {
        let mut problems = Vec::new();
        let keys: Vec<&String> = self.columns.iter().flatten().map(|c| &c.field).collect();
        let name = &pivot.column;
        if pivot.values.is_empty() {
            let help = "name what is printed for each, e.g. `values = [{ field = \"accuracy\", error = \"ci\" }]`";
            problems.push(Problem::new("pivot.values", "a pivot without values", help));
        }
        if keys.contains(&name) {
            let why = format!("the values of `{name}` become columns, so it names no row");
            problems.push(Problem::new(
                format!("columns.{name}"),
                why,
                "leave it out of `columns`",
            ));
        }
        if self.group.as_ref() == Some(name) {
            let why = format!("the values of `{name}` become columns, so it groups no rows");
            problems.push(Problem::new("group", why, "name another column"));
        }
        for column in &pivot.values {
            let path = format!("pivot.values.{}", column.field);
            if column.field == *name || keys.contains(&&column.field) {
                let why = format!("`{}` cannot be a value too", column.field);
                let help = "a column names rows, becomes columns, or is printed as a value";
                problems.push(Problem::new(&path, why, help));
            }
            if column.span.is_some() {
                let why = "the values of a pivot have their spanners already";
                let help =
                    format!("the values of `{name}` stand over the columns; leave `span` out");
                problems.push(Problem::new(format!("{path}.span"), why, help));
            }
        }
        // With all columns, what names a row is known only with the table.
        let named = |per: &String| keys.contains(&per) || self.group.as_ref() == Some(per);
        for (path, column) in self.placed().filter(|_| self.columns.is_some()) {
            let per = column
                .per
                .as_ref()
                .filter(|per| *per != name && !named(per));
            if let Some(per) = per {
                let why = format!("rows of several `{per}` can become one, so `{per}` has no best");
                let help = format!("add `{per}` to `columns`, or make it the `group`");
                problems.push(Problem::new(format!("{path}.per"), why, help));
            }
        }
        let mut seen = BTreeSet::new();
        for label in pivot.order.iter().flatten() {
            if !seen.insert(label.to_string()) {
                let why = format!("`{label}` is named twice");
                problems.push(Problem::new("pivot.order", why, "name each value once"));
            }
        }
        problems
    }
}

/// What is wrong with a printed column on its own.
fn of_column(path: &str, column: &Column) -> Vec<Problem> {
    let mut problems = Vec::new();
    if column.best.is_none() {
        let keys = [("second", column.second), ("per", column.per.is_some())];
        for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
            let why = format!("`{key}` needs `best`");
            let help = "say with `best = \"max\"` or `best = \"min\"` which value is the best";
            problems.push(Problem::new(format!("{path}.{key}"), why, help));
        }
    }
    problems.extend(of_interval(path, column));
    if let Some(significance) = &column.significance {
        problems.extend(of_marks(&format!("{path}.significance"), significance));
    }
    problems
}

/// What is wrong with the interval of a column.
pub(super) fn of_interval(path: &str, column: &Column) -> Option<Problem> {
    let ends = (column.low.is_some(), column.high.is_some());
    match ends {
        (true, true) | (false, false) if column.error.is_none() || ends == (false, false) => None,
        (true, true) => Some(Problem::new(
            format!("{path}.error"),
            "an interval has either a half width or two ends",
            "give `error`, or `low` and `high`",
        )),
        (low, _) => {
            let (here, other) = if low {
                ("low", "high")
            } else {
                ("high", "low")
            };
            Some(Problem::new(
                format!("{path}.{here}"),
                format!("`{here}` needs `{other}`"),
                "give both ends of the interval, or its half width as `error`",
            ))
        }
    }
}

fn of_marks(path: &str, significance: &Significance) -> Vec<Problem> {
    let mut problems = Vec::new();
    let example = "e.g. `marks = { \"*\" = 0.05, \"**\" = 0.01 }`";
    if significance.marks.is_empty() {
        problems.push(Problem::new(path, "there are no marks", example));
    }
    let mut seen: Vec<f64> = Vec::new();
    for (mark, below) in &significance.marks {
        let why = if mark.trim().is_empty() {
            "a mark has at least one character".to_owned()
        } else if !(*below > 0.0 && *below <= 1.0) {
            format!("`{mark}` stands below a p-value of {below}, which is not between 0 and 1")
        } else if seen.contains(below) {
            format!("two marks stand below {below}")
        } else {
            seen.push(*below);
            continue;
        };
        problems.push(Problem::new(path, why, example));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(spec: &str) -> Vec<String> {
        let spec: TableSpec = serde_json::from_str(spec).unwrap();
        let problems = spec.problems().into_iter();
        problems
            .map(|problem| format!("{}: {}", problem.parameter, problem.message))
            .collect()
    }

    #[test]
    fn what_belongs_together_is_asked_for() {
        assert_eq!(
            problems(
                r#"{ "label": "tab:a", "wide": true, "columns": [{ "field": "a", "second": true, "low": "b" }] }"#
            ),
            [
                "label: `label` belongs to a table with a caption",
                "wide: `wide` belongs to a table with a caption",
                "columns.a.second: `second` needs `best`",
                "columns.a.low: `low` needs `high`",
            ]
        );
        assert_eq!(
            problems(r#"{ "columns": [{ "field": "a", "error": "e", "low": "b", "high": "c" }] }"#),
            ["columns.a.error: an interval has either a half width or two ends"]
        );
    }

    #[test]
    fn labels_placements_and_marks_are_checked() {
        assert_eq!(
            problems(
                r#"{ "caption": "x", "label": "a b", "placement": "top",
                "columns": [{ "field": "a", "significance": { "column": "p", "marks": { "*": 5, "+": 0.1, "x": 0.1 } } }] }"#
            ),
            [
                "label: ` ` cannot stand in a label; it takes letters, digits and `: . _ - + /`, e.g. `tab:results`",
                "placement: `top` is no placement",
                "columns.a.significance: `*` stands below a p-value of 5, which is not between 0 and 1",
                "columns.a.significance: two marks stand below 0.1",
            ]
        );
        assert_eq!(
            problems(r#"{ "caption": "x", "placement": "h!", "label": "tab:x_1", "wide": true }"#),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_pivot_says_what_names_rows_and_what_is_printed() {
        assert_eq!(
            problems(
                r#"{ "columns": ["graph", "method"], "group": "graph", "pivot": { "column": "graph", "order": ["a", "a"],
                "values": [{ "field": "method", "span": "x" }, { "field": "b", "best": "max", "per": "seed" }] } }"#
            ),
            [
                "columns.graph: the values of `graph` become columns, so it names no row",
                "group: the values of `graph` become columns, so it groups no rows",
                "pivot.values.method: `method` cannot be a value too",
                "pivot.values.method.span: the values of a pivot have their spanners already",
                "pivot.values.b.per: rows of several `seed` can become one, so `seed` has no best",
                "pivot.order: `a` is named twice",
            ]
        );
    }
}

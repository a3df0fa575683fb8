//! The rows of a mark as JSON: columns of one height, each with a name of its own.

use serde_json::{Map, Value};

/// The rows of one or several marks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    columns: Vec<(String, Vec<Value>)>,
}

impl Table {
    /// Adds a column, and gives its name: `name` if no other column has it, else one with `role`. The same column is kept once.
    pub(super) fn column(&mut self, name: &str, role: &str, values: Vec<Value>) -> String {
        let name = plain(name);
        let tries = std::iter::once(name.clone())
            .chain(std::iter::once(format!("{name} {role}")))
            .chain((2..).map(|number| format!("{name} {role} {number}")));
        for name in tries {
            match self.columns.iter().find(|(own, _)| *own == name) {
                Some((_, own)) if *own == values => return name,
                Some(_) => {}
                None => {
                    self.columns.push((name.clone(), values));
                    return name;
                }
            }
        }
        // The names to try do not end.
        name
    }

    /// How many rows it has.
    fn height(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }

    /// The rows, each with every column.
    pub(super) fn rows(&self) -> Vec<Value> {
        let row = |place: usize| {
            let cells = self.columns.iter();
            let cells = cells.map(|(name, values)| (name.clone(), values[place].clone()));
            Value::Object(cells.collect())
        };
        (0..self.height()).map(row).collect()
    }

    /// Tables under one another. Each row says which of them it is of in the column that is named first; columns that a table does not have are null.
    pub(super) fn union(tables: &[(String, Self)]) -> (String, Vec<Value>) {
        let mut names: Vec<&String> = Vec::new();
        for (name, _) in tables.iter().flat_map(|(_, table)| &table.columns) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut part = "part".to_owned();
        while names.contains(&&part) {
            part.push('_');
        }
        let mut rows = Vec::new();
        for (own, table) in tables {
            for place in 0..table.height() {
                let mut row = Map::new();
                row.insert(part.clone(), own.as_str().into());
                for name in &names {
                    let column = table.columns.iter().find(|(own, _)| own == *name);
                    let cell = column.map_or(Value::Null, |(_, values)| values[place].clone());
                    row.insert((*name).clone(), cell);
                }
                rows.push(Value::Object(row));
            }
        }
        (part, rows)
    }
}

/// A name without the characters that Vega-Lite takes for a path.
fn plain(name: &str) -> String {
    name.replace(['.', '[', ']', '\\', '"', '\''], "_")
}

/// A number as short as it can be written; null if it is none.
pub(super) fn number(value: f64) -> Value {
    /// Whole numbers up to here are the same as doubles.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= WHOLE {
        Value::from(value as i64)
    } else {
        // What is not finite has no number in JSON.
        Value::from(value)
    }
}

/// Without the digits that only rounding errors differ in.
pub(super) fn rounded(value: f64) -> f64 {
    let text = format!("{value:.12e}");
    text.parse().unwrap_or(value)
}

/// The same of what may be missing.
pub(super) fn cell(value: Option<f64>) -> Value {
    value.map_or(Value::Null, number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_row_has_every_field() {
        let mut one = Table::default();
        assert_eq!(one.column("a.b", "x", vec![json!(1), json!(2)]), "a_b");
        assert_eq!(
            one.column("a.b", "color", vec![json!("p"), json!("q")]),
            "a_b color"
        );
        assert_eq!(one.column("a.b", "x", vec![json!(1), json!(2)]), "a_b");
        let mut other = Table::default();
        other.column("part", "x", vec![json!(7)]);
        let (part, rows) = Table::union(&[("one".to_owned(), one), ("other".to_owned(), other)]);
        assert_eq!(part, "part_");
        assert_eq!(
            json!(rows),
            json!([
                { "part_": "one", "a_b": 1, "a_b color": "p", "part": null },
                { "part_": "one", "a_b": 2, "a_b color": "q", "part": null },
                { "part_": "other", "a_b": null, "a_b color": null, "part": 7 },
            ])
        );
    }

    #[test]
    fn numbers_are_short_and_what_is_none_is_null() {
        let shown = |value: f64| number(value).to_string();
        assert_eq!(shown(-0.0), "0");
        assert_eq!(shown(0.1), "0.1");
        assert_eq!(shown(3.0), "3");
        assert_eq!(shown(f64::NAN), "null");
        assert_eq!(shown(f64::INFINITY), "null");
        assert_eq!(shown(1e300), "1e+300");
    }
}

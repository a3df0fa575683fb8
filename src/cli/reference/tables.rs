//! What the tables hold that SQL reads, and which functions it knows.

use super::table;
use crate::cli::kinds::{grouped, tables};
use crate::figures::sql::Functions;
use crate::pipeline::FixedColumn;
use crate::stages::registry;

/// A line for each table of each kind.
pub fn text() -> String {
    let registry = registry();
    let groups = grouped(&registry);
    let kinds = groups.iter().flat_map(|(_, kinds)| kinds);
    let rows = kinds.flat_map(|kind| {
        tables(kind).iter().map(|of| {
            let names = kind.columns_of(of).iter();
            let names: Vec<String> = names.map(|column| format!("`{}`", column.name)).collect();
            let names = if names.is_empty() {
                "those that the stage makes".to_string()
            } else {
                names.join(", ")
            };
            let kind_link = format!("[{0}](kinds.md#{0})", kind.name);
            let name = format!("`x{}`", of.suffix);
            [kind_link, name, kind.row(of).to_string(), names]
        })
    });
    table(
        ["kind of the stage `x`", "table", "a row is", "columns"],
        rows,
    )
}

/// Columns with their types and what they hold.
pub fn columns(columns: &[FixedColumn]) -> String {
    let rows = columns.iter().map(|column| {
        [
            format!("`{}`", column.name),
            column.kind.noun().to_string(),
            column.doc.to_string(),
        ]
    });
    table(["column", "holds", "meaning"], rows)
}

/// The functions of SQL by what they compute with.
pub fn functions() -> String {
    let all = Functions::all();
    let groups = [
        ("over runs", all.over_runs),
        ("aggregates", all.aggregates),
        ("over a window", all.windows),
        ("of the values of a row", all.of_a_row),
    ];
    let rows = groups.map(|(group, names)| {
        let names = names.iter().map(|name| format!("`{name}`"));
        [group.to_string(), names.collect::<Vec<_>>().join(", ")]
    });
    table(["functions", "names"], rows)
}

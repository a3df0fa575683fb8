//! A Markdown table, lined up so that it also reads as plain text.

use polars::prelude::DataFrame;

use super::format::Format;
use super::spec::{Cell, Grid};
use crate::figures::table::Error;

/// `table.md`.
pub(super) struct Markdown;

impl Format for Markdown {
    fn file(&self) -> &'static str {
        "table.md"
    }

    fn bytes(&self, grid: &Grid, _: &DataFrame) -> Result<Vec<u8>, Error> {
        let columns: Vec<Vec<String>> = grid
            .columns
            .iter()
            .map(|column| {
                std::iter::once(escaped(&column.title))
                    .chain(column.cells.iter().map(cell))
                    .collect()
            })
            .collect();
        let widths: Vec<usize> = columns
            .iter()
            .map(|cells| {
                cells
                    .iter()
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
                    .max(3)
            })
            .collect();
        let mut text = String::new();
        if let Some(caption) = &grid.caption {
            text.push_str(&format!("{}\n\n", caption.replace('\n', " ")));
        }
        for row in 0..=grid.height {
            text.push('|');
            for ((cells, width), column) in columns.iter().zip(&widths).zip(&grid.columns) {
                let cell = &cells[row];
                let fill = " ".repeat(width - cell.chars().count());
                if column.numeric {
                    text.push_str(&format!(" {fill}{cell} |"));
                } else {
                    text.push_str(&format!(" {cell}{fill} |"));
                }
            }
            text.push('\n');
            if row == 0 {
                text.push('|');
                for (width, column) in widths.iter().zip(&grid.columns) {
                    let line = "-".repeat(width - usize::from(column.numeric));
                    let end = if column.numeric { ":" } else { "" };
                    text.push_str(&format!(" {line}{end} |"));
                }
                text.push('\n');
            }
        }
        Ok(text.into_bytes())
    }
}

fn cell(cell: &Cell) -> String {
    let mut text = escaped(&cell.value.text());
    if let Some(error) = &cell.error {
        text = format!("{text} ± {}", error.text());
    }
    if cell.best {
        text = format!("**{text}**");
    }
    text
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '|' | '\\' | '*' | '_' | '`' | '<' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

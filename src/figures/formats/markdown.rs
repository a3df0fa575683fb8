//! A Markdown table, lined up so that it also reads as plain text.
//!
//! Markdown has one line of headings, so a spanner stands before the heading of each of its columns. What is underlined in LaTeX is
//! marked as inserted, which GitHub underlines.

use polars::prelude::DataFrame;

use super::cells::{Cell, Rank};
use super::format::Format;
use super::grid::Grid;
use crate::figures::markup::{Level, pieces};
use crate::figures::table::Error;

/// `table.md`.
pub(super) struct Markdown;

impl Format for Markdown {
    fn file(&self) -> &'static str {
        "table.md"
    }

    fn bytes(&self, grid: &Grid<'_>, _: &DataFrame, _: &mut Vec<String>) -> Result<Vec<u8>, Error> {
        let titles = grid.columns.iter();
        let titles = titles.map(|column| markup(&grid.whole_title(column)));
        let mut lines: Vec<Vec<String>> = vec![titles.collect()];
        for section in &grid.sections {
            if let Some(heading) = &section.heading {
                let mut line = vec![String::new(); grid.columns.len()];
                if let Some(first) = line.first_mut() {
                    *first = format!("*{}*", escaped(heading));
                }
                lines.push(line);
            }
            for row in section.rows.clone() {
                let cells = grid.columns.iter();
                lines.push(cells.map(|column| cell(&column.cells[row])).collect());
            }
        }
        let width = |at: usize| {
            let cells = lines.iter().map(|line| line[at].chars().count());
            cells.max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..grid.columns.len()).map(width).collect();
        let mut text = String::new();
        if let Some(caption) = caption(grid) {
            text.push_str(&format!("{caption}\n\n"));
        }
        for (at, line) in lines.iter().enumerate() {
            text.push('|');
            for ((cell, width), column) in line.iter().zip(&widths).zip(&grid.columns) {
                let fill = " ".repeat(width - cell.chars().count());
                if column.numeric {
                    text.push_str(&format!(" {fill}{cell} |"));
                } else {
                    text.push_str(&format!(" {cell}{fill} |"));
                }
            }
            text.push('\n');
            if at == 0 {
                text.push('|');
                for (width, column) in widths.iter().zip(&grid.columns) {
                    let line = "-".repeat(width - usize::from(column.numeric));
                    let end = if column.numeric { ":" } else { "" };
                    text.push_str(&format!(" {line}{end} |"));
                }
                text.push('\n');
            }
        }
        for note in &grid.notes {
            text.push_str(&format!("\n{}\n", markup(note)));
        }
        Ok(text.into_bytes())
    }
}

/// The caption, and in brackets what the table lacks.
fn caption(grid: &Grid<'_>) -> Option<String> {
    let caption = grid.spec.caption.as_deref().map(markup);
    let holes = (!grid.holes.is_empty()).then(|| format!("({})", escaped(&grid.holes.join("; "))));
    let parts: Vec<String> = caption.into_iter().chain(holes).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn cell(cell: &Cell) -> String {
    let text = escaped(&cell.text());
    let text = match cell.rank {
        Rank::Other => text,
        Rank::Best => format!("**{text}**"),
        Rank::Second => format!("<ins>{text}</ins>"),
    };
    let mark = cell.mark.as_deref().map(escaped);
    text + &mark.unwrap_or_default()
}

/// Mark-up as Markdown.
fn markup(markup: &str) -> String {
    let pieces = pieces(markup);
    let pieces = pieces.iter().map(|piece| {
        let mut text = escaped(&piece.text);
        if piece.italic {
            text = format!("*{text}*");
        }
        if piece.bold {
            text = format!("**{text}**");
        }
        match piece.level {
            Level::Line => text,
            Level::Raised => format!("<sup>{text}</sup>"),
            Level::Lowered => format!("<sub>{text}</sub>"),
        }
    });
    pieces.collect()
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

//! A LaTeX table in the manner of `booktabs`, to be `\input`.

use polars::prelude::DataFrame;

use super::format::Format;
use super::spec::{Cell, Grid};
use crate::figures::table::Error;

/// `table.tex`.
pub(super) struct Latex;

impl Format for Latex {
    fn file(&self) -> &'static str {
        "table.tex"
    }

    fn bytes(&self, grid: &Grid, _: &DataFrame) -> Result<Vec<u8>, Error> {
        let mut text = String::from("% needs \\usepackage{booktabs}\n");
        if let Some(caption) = &grid.caption {
            text.push_str("\\begin{table}\n\\centering\n");
            text.push_str(&format!("\\caption{{{}}}\n", escaped(caption)));
        }
        let alignment: String = grid
            .columns
            .iter()
            .map(|column| if column.numeric { 'r' } else { 'l' })
            .collect();
        text.push_str(&format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n"));
        let titles: Vec<String> = grid
            .columns
            .iter()
            .map(|column| escaped(&column.title))
            .collect();
        text.push_str(&format!("{} \\\\\n\\midrule\n", titles.join(" & ")));
        for row in 0..grid.height {
            let cells: Vec<String> = grid
                .columns
                .iter()
                .map(|column| cell(&column.cells[row], column.numeric))
                .collect();
            text.push_str(&format!("{} \\\\\n", cells.join(" & ")));
        }
        text.push_str("\\bottomrule\n\\end{tabular}\n");
        if grid.caption.is_some() {
            text.push_str("\\end{table}\n");
        }
        Ok(text.into_bytes())
    }
}

fn cell(cell: &Cell, numeric: bool) -> String {
    if cell.text.is_empty() {
        return "--".to_owned();
    }
    let finite = cell.text.chars().any(|c| c.is_ascii_digit());
    let text = match (&cell.error, numeric && finite) {
        (Some(error), _) => format!("${} \\pm {error}$", cell.text),
        (None, true) => format!("${}$", cell.text),
        (None, false) => escaped(&cell.text),
    };
    match (cell.best, numeric) {
        (false, _) => text,
        (true, true) => format!("$\\mathbf{{{}}}$", text.trim_matches('$')),
        (true, false) => format!("\\textbf{{{text}}}"),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '±' => escaped.push_str("$\\pm$"),
            '↑' => escaped.push_str("$\\uparrow$"),
            '↓' => escaped.push_str("$\\downarrow$"),
            '−' => escaped.push_str("$-$"),
            '×' => escaped.push_str("$\\times$"),
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

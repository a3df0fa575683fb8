//! A LaTeX table in the manner of `booktabs`, to be `\input`.

use polars::prelude::DataFrame;

use super::format::Format;
use super::printed::Printed;
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
                .map(|column| cell(&column.cells[row]))
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

fn cell(cell: &Cell) -> String {
    let Some(value) = math(&cell.value) else {
        let text = match &cell.value {
            Printed::Missing => return "--".to_owned(),
            value => escaped(&value.text()),
        };
        return if cell.best {
            format!("\\textbf{{{text}}}")
        } else {
            text
        };
    };
    let value = match cell.error.as_ref().and_then(math) {
        Some(error) => format!("{value} \\pm {error}"),
        None => value,
    };
    match (cell.best, &cell.value, &cell.error) {
        (true, ..) => format!("$\\mathbf{{{value}}}$"),
        (false, Printed::NotANumber, None) => "NaN".to_owned(),
        (false, ..) => format!("${value}$"),
    }
}

/// A number in math mode; nothing for what is none.
fn math(value: &Printed) -> Option<String> {
    Some(match value {
        Printed::Missing | Printed::Text(_) => return None,
        Printed::Plain(text) => text.clone(),
        Printed::Power(mantissa, exponent) => match mantissa.as_str() {
            "1" => format!("10^{{{exponent}}}"),
            "-1" => format!("-10^{{{exponent}}}"),
            _ => format!("{mantissa} \\times 10^{{{exponent}}}"),
        },
        Printed::NotANumber => "\\mathrm{NaN}".to_owned(),
        Printed::Infinite(true) => "-\\infty".to_owned(),
        Printed::Infinite(false) => "\\infty".to_owned(),
    })
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

//! A LaTeX table in the manner of `booktabs`, to be `\input`.

use polars::prelude::DataFrame;

use super::cells::{Cell, Interval, Rank};
use super::format::Format;
use super::grid::{Grid, Shown};
use super::printed::Printed;
use crate::figures::latex::{Writer, bold};
use crate::figures::markup::literal;
use crate::figures::table::Error;

/// `table.tex`.
pub(super) struct Latex;

impl Format for Latex {
    fn file(&self) -> &'static str {
        "table.tex"
    }

    fn bytes(
        &self,
        grid: &Grid<'_>,
        _: &DataFrame,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<u8>, Error> {
        let mut writer = Writer::new(grid.spec.keep_characters);
        writer.needs("booktabs");
        let caption = grid.spec.caption.as_deref().map(|caption| {
            let told = told(grid).map(|told| format!(" {}", literal(&told)));
            writer.markup(&(caption.to_owned() + &told.unwrap_or_default()), "caption")
        });
        let tabular = tabular(grid, &mut writer);
        let notes = notes(grid, &mut writer);
        let text = match caption {
            None => tabular + &notes,
            Some(caption) => float(grid, &caption, &(tabular + &notes), &mut writer),
        };
        warnings.extend(writer.warnings());
        Ok((writer.preamble() + &text).into_bytes())
    }
}

/// What the table lacks, in brackets.
fn told(grid: &Grid<'_>) -> Option<String> {
    (!grid.holes.is_empty()).then(|| format!("({})", grid.holes.join("; ")))
}

/// The `table` environment around a table.
fn float(grid: &Grid<'_>, caption: &str, inside: &str, writer: &mut Writer) -> String {
    let environment = if grid.spec.wide { "table*" } else { "table" };
    let placement = grid.spec.placement.as_deref();
    if placement == Some("H") {
        writer.needs("float");
    }
    let placement = placement.map_or(String::new(), |placement| format!("[{placement}]"));
    let label = grid.spec.label.as_deref();
    let label = label.map_or(String::new(), |label| format!("\\label{{{label}}}\n"));
    format!(
        "\\begin{{{environment}}}{placement}\n\\centering\n\\caption{{{caption}}}\n{label}{inside}\\end{{{environment}}}\n"
    )
}

fn tabular(grid: &Grid<'_>, writer: &mut Writer) -> String {
    let alignment = |column: &Shown| if column.numeric { 'r' } else { 'l' };
    let alignment: String = grid.columns.iter().map(alignment).collect();
    let mut text = format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n");
    text.push_str(&spanners(grid, writer));
    let titles = grid.columns.iter();
    let titles = titles.map(|column| writer.markup(&column.title, "a title"));
    text.push_str(&line(&titles.collect::<Vec<_>>()));
    for section in &grid.sections {
        text.push_str("\\midrule\n");
        if let Some(heading) = &section.heading {
            let heading = writer.text(heading, "a heading of rows");
            let count = grid.columns.len();
            text.push_str(&format!(
                "\\multicolumn{{{count}}}{{l}}{{\\textit{{{heading}}}}} \\\\\n"
            ));
        }
        for row in section.rows.clone() {
            let cells = grid.columns.iter().map(|column| {
                let place = format!("`{}` in row {}", column.called, row + 1);
                cell(&column.cells[row], writer, &place)
            });
            text.push_str(&line(&cells.collect::<Vec<_>>()));
        }
    }
    if grid.sections.is_empty() {
        text.push_str("\\midrule\n");
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    text
}

fn line(cells: &[String]) -> String {
    format!("{} \\\\\n", cells.join(" & "))
}

/// The headings over several columns, and the lines below them.
fn spanners(grid: &Grid<'_>, writer: &mut Writer) -> String {
    let spanners = grid.spanners();
    if spanners.iter().all(|(title, _)| title.is_none()) {
        return String::new();
    }
    let (mut cells, mut rules) = (Vec::new(), Vec::new());
    let mut first = 1;
    for (title, count) in spanners {
        let last = first + count - 1;
        match title {
            None => cells.push(String::new()),
            Some(title) => {
                let title = writer.markup(title, "a title");
                cells.push(format!("\\multicolumn{{{count}}}{{c}}{{{title}}}"));
                rules.push(format!("\\cmidrule(lr){{{first}-{last}}}"));
            }
        }
        first = last + 1;
    }
    format!("{}{}\n", line(&cells), rules.join(" "))
}

/// The sentences under the table.
fn notes(grid: &Grid<'_>, writer: &mut Writer) -> String {
    let mut notes = grid.notes.clone();
    if grid.spec.caption.is_none() {
        notes.extend(told(grid).map(|told| literal(&told)));
    }
    let notes: Vec<String> = notes
        .iter()
        .map(|note| writer.markup(note, "a note"))
        .collect();
    if notes.is_empty() {
        return String::new();
    }
    let notes = notes.join("\\par\n");
    format!("\\par\\smallskip\n{{\\footnotesize\\raggedright\n{notes}\\par}}\n")
}

/// A cell with what its rank and its p-value make of it.
pub(super) fn cell(cell: &Cell, writer: &mut Writer, place: &str) -> String {
    let code = match value(cell) {
        Some(value) => match cell.rank {
            Rank::Best => format!("$\\mathbf{{{value}}}$"),
            Rank::Second => format!("\\underline{{${value}$}}"),
            Rank::Other if cell.value == Printed::NotANumber && cell.interval == Interval::None => {
                "NaN".to_owned()
            }
            Rank::Other => format!("${value}$"),
        },
        None => match (&cell.value, cell.rank) {
            (Printed::Missing, _) => "--".to_owned(),
            (value, Rank::Best) => bold(&writer.text(&value.text(), place)),
            (value, _) => writer.text(&value.text(), place),
        },
    };
    match &cell.mark {
        Some(mark) => format!("{code}\\textsuperscript{{{}}}", writer.text(mark, place)),
        None => code,
    }
}

/// A number and its interval in math mode; nothing for what is no number.
pub(super) fn value(cell: &Cell) -> Option<String> {
    let value = math(&cell.value)?;
    Some(match &cell.interval {
        Interval::None => value,
        Interval::Half(error) => format!("{value} \\pm {}", math(error)?),
        Interval::Ends(low, high) => format!("{value}\\;[{}, {}]", math(low)?, math(high)?),
    })
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

//! Pictures of tables, ready to print.
//!
//! A [`Plot`] says which column goes where, [`draw`] makes a [`Drawing`] of a
//! table, and the drawing gives SVG, PNG and PDF with the same lines and
//! letters. plotters draws: each panel is a coordinate system of its own, the
//! marks are its elements, and a backend of ours writes SVG. All text is set
//! and measured in DejaVu Sans, which is compiled in; the fonts of the system
//! are never asked.

mod axis;
mod canvas;
mod category;
mod column;
mod data;
mod drawing;
mod element;
mod figure;
mod hole;
mod legend;
mod margins;
mod mark;
mod metadata;
mod number;
mod palette;
mod pdf;
mod png;
mod scale;
mod spec;
mod text;
mod told;

use polars::prelude::DataFrame;

pub use drawing::Drawing;
pub use metadata::Metadata;
pub use spec::{Channel, Legend, Level, MarkName, Plot, Reference, ScaleName};

use crate::figures::table::Error;

/// A figure, and what is to be told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The figure.
    pub drawing: Drawing,
    /// What it does not show, and what of the parameters had no effect: a line each.
    pub warnings: Vec<String>,
}

/// Draws a table.
///
/// Refuses a column that is not there and parameters that contradict each
/// other. A value that cannot be shown is a gap, which the figure tells.
pub fn draw(plot: &Plot, table: &DataFrame) -> Result<Drawing, Error> {
    Ok(annotated(plot, table, &[])?.drawing)
}

/// The same with lines of small type at the foot: on what the figure rests, and
/// what it does not show.
pub fn annotated(plot: &Plot, table: &DataFrame, notes: &[String]) -> Result<Drawn, Error> {
    let mark = mark::of(plot.mark);
    let data = data::Data::new(plot, table, mark)?;
    let untold = hole::first_of(data.untold.clone(), MOST_NOTES);
    let notes: Vec<String> = notes.iter().chain(&untold).cloned().collect();
    let (page, cut) = match &data.empty {
        Some(why) => (margins::blank(plot, why, &notes)?, None),
        None => figure::compose(plot, &data, mark, &notes)?,
    };
    let empty = data.empty.iter();
    let empty = empty.map(|why| format!("there is nothing to draw: {why}"));
    Ok(Drawn {
        drawing: Drawing::new(page),
        warnings: empty.chain(untold).chain(data.advice).chain(cut).collect(),
    })
}

/// So many lines say what a figure does not show.
const MOST_NOTES: usize = 5;

#[cfg(test)]
mod tests;

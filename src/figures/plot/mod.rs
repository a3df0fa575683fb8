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
mod data;
mod drawing;
mod element;
mod figure;
mod legend;
mod mark;
mod number;
mod palette;
mod pdf;
mod scale;
mod spec;
mod text;

use polars::prelude::DataFrame;

pub use drawing::Drawing;
pub use spec::{Channel, Legend, Level, MarkName, Plot, Reference, ScaleName};

use crate::figures::table::Error;

/// Draws a table.
///
/// Refuses an empty table, a column that is not there, and parameters that
/// contradict each other; a missing value is a gap.
pub fn draw(plot: &Plot, table: &DataFrame) -> Result<Drawing, Error> {
    annotated(plot, table, None)
}

/// The same with a line of small type at the foot: on what the figure rests.
pub fn annotated(plot: &Plot, table: &DataFrame, note: Option<&str>) -> Result<Drawing, Error> {
    let mark = mark::of(plot.mark);
    let data = data::Data::new(plot, table, mark)?;
    Ok(Drawing::new(figure::compose(plot, &data, mark, note)?))
}

#[cfg(test)]
mod tests;

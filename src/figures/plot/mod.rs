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
mod form;
mod hole;
mod layout;
mod mark;
mod metadata;
mod number;
mod palette;
mod pdf;
mod png;
mod scale;
mod scene;
mod shades;
mod spec;
mod text;
mod tick;
mod told;
mod vega;

use polars::prelude::DataFrame;

pub use drawing::Drawing;
pub use mark::MarkName;
pub use metadata::Metadata;
pub use spec::{
    Amount, Channel, FontName, FormatName, Layer, Legend, Length, Level, PaletteName, Plot,
    Reference, ScaleName, Stack, Theme, Venue, View,
};

use crate::figures::table::Error;

/// A figure, and what is to be told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The figure.
    pub drawing: Drawing,
    /// How wide it is, in points.
    pub width: f64,
    /// The same figure as a specification of Vega-Lite.
    pub vega: serde_json::Value,
    /// What it does not show, and what of the parameters had no effect: a line each.
    pub warnings: Vec<String>,
}

/// Draws a table.
///
/// Refuses a column that is not there and parameters that contradict each
/// other. A value that cannot be shown is a gap, which the figure tells.
pub fn draw(plot: &Plot, table: &DataFrame) -> Result<Drawing, Error> {
    let tables = [(String::new(), table.clone())];
    Ok(annotated(plot, &tables, &[])?.drawing)
}

/// The same of several tables, by the names of their stages, with lines of small type at the foot: on what the figure rests,
/// and what it does not show.
pub fn annotated(
    plot: &Plot,
    tables: &[(String, DataFrame)],
    notes: &[String],
) -> Result<Drawn, Error> {
    let dated = data::dated(plot, tables)?;
    let data = data::Data::new(plot, &data::Tables(dated.as_deref().unwrap_or(tables)))?;
    let untold = hole::first_of(data.untold.clone(), MOST_NOTES);
    let notes: Vec<String> = notes.iter().chain(&untold).cloned().collect();
    let (scene, vega) = match &data.empty {
        Some(why) => {
            let scene = layout::blank(plot, why, &notes)?;
            let vega = vega::blank(plot, why, &scene, &notes);
            (scene, vega)
        }
        None => {
            let scene = layout::compose(plot, &data, &notes)?;
            let vega = vega::figure(plot, &data, &scene, &notes);
            (scene, vega)
        }
    };
    let empty = data.empty.iter();
    let empty = empty.map(|why| format!("there is nothing to draw: {why}"));
    Ok(Drawn {
        width: scene.width,
        drawing: Drawing::new(scene.document(plot.title.as_deref())),
        vega,
        warnings: empty.chain(untold).chain(data.advice).collect(),
    })
}

/// So many lines say what a figure does not show.
const MOST_NOTES: usize = 5;

#[cfg(test)]
mod tests;

//! What a figure shows: its parameters as written in a pipeline.
//!
//! A figure has panels side by side, a panel has layers over one another, and a layer draws one table with one mark. What is
//! written short is the same: a figure without `panels` is one panel, and a panel without `layers` is one layer.

mod channel;
mod check;
mod layer;
mod page;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use channel::{Amount, Channel, FormatName, PaletteName, ScaleName};
pub use layer::{Layer, Stack};
pub use page::{FontName, Legend, Length, Theme, Venue};

pub(super) use check::CATEGORIES;
pub(super) use layer::Drawn;

use super::mark::MarkName;
use crate::figures::latex::FigureText;

layer::drawn! {
    /// Draws tables as a figure.
    ///
    /// One drawing gives SVG, PDF and PNG.
    pub struct Plot {
        /// Several marks over one another, on the same axes. What a layer does not say is as it stands here.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub layers: Vec<Layer>,
        /// Several plots in one figure, with letters. What a panel does not say is as it stands here.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub panels: Vec<View>,
        /// One panel for each value of this column, in reading order.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub facet: Option<Channel>,
        /// One row of panels for each value of this column.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub row: Option<Channel>,
        /// One column of panels for each value of this column.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub column: Option<Channel>,
        /// Straight lines and bands to compare with.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub reference: Vec<Reference>,
        /// A line above the figure. `^{…}` raises, `_{…}` lowers, `*…*` slants.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// How many panels stand side by side; as fits if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1, max = 64))]
        pub columns: Option<usize>,
        /// Whether `panels` have letters (a, b, c); they have if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub letters: Option<bool>,
        /// Width of the figure; one column of the venue, or 360 points for one panel, if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub width: Option<Length>,
        /// Height of the figure; if left out, what its panels, legend and notes need: 230 points for one row of panels in 360.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub height: Option<Length>,
        /// Where it is published: sets the width of columns and pages and the size of text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub venue: Option<Venue>,
        /// What stands around the data.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub theme: Option<Theme>,
        /// Its letters.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub font: Option<FontName>,
        /// The size of labels in points; titles are larger by an eighth. 8 if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 4, max = 24))]
        pub font_size: Option<f64>,
        /// Where the legend goes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub legend: Option<Legend>,
        /// What a paper says of the figure: `figure.tex` holds it, to be `\input`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub latex: Option<FigureText>,
    }
}

layer::drawn! {
    /// One plot of several in a figure. What it does not say is as in the figure.
    pub struct View {
        /// The table it draws, one of the stage's `from`; the first if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub from: Option<String>,
        /// Several marks over one another, on the same axes.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub layers: Vec<Layer>,
        /// One panel for each value of this column, in reading order.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub facet: Option<Channel>,
        /// One row of panels for each value of this column.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub row: Option<Channel>,
        /// One column of panels for each value of this column.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub column: Option<Channel>,
        /// Straight lines and bands to compare with.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub reference: Vec<Reference>,
        /// A line above the panel.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// How many panels of a `facet` stand side by side; as fits if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1, max = 64))]
        pub columns: Option<usize>,
        /// Where a legend of its own goes; the figure's is shared if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub legend: Option<Legend>,
    }
}

/// A straight line or a band to compare with: give `x` or `y`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Where it crosses the horizontal axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Level>,
    /// Where it crosses the vertical axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<Level>,
    /// What it stands for. `^{…}` raises, `_{…}` lowers, `*…*` slants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A number, two for a band, or a column that gives one for each panel and each `x`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Level {
    /// The same everywhere.
    Number(f64),
    /// From the first to the second.
    Band([f64; 2]),
    /// The name of a column.
    Field(String),
}

/// One panel or one facet of them, with its layers complete.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    /// Where it stands in the file: empty, or `panels.0.`.
    pub path: String,
    pub layers: Vec<(String, Drawn)>,
    pub facet: Option<Channel>,
    pub row: Option<Channel>,
    pub column: Option<Channel>,
    pub reference: Vec<Reference>,
    pub title: Option<String>,
    pub columns: Option<usize>,
    pub legend: Option<Legend>,
    /// The table of its references and facets.
    pub from: Option<String>,
}

impl Plot {
    /// A plot with nothing but a mark and its axes.
    pub fn new(mark: MarkName, x: impl Into<String>, y: impl Into<String>) -> Self {
        Self {
            mark: Some(mark),
            x: Some(Channel::named(x)),
            y: Some(Channel::named(y)),
            ..Self::default()
        }
    }

    /// The panels of the figure, each with its layers, and each layer with what its mark takes of all that is said of it.
    pub(super) fn views(&self) -> Vec<Panel> {
        let mut views = self.written();
        for (_, drawn) in views.iter_mut().flat_map(|view| &mut view.layers) {
            drawn.keep_taken();
        }
        views
    }

    /// The panels of the figure, each with its layers, and each layer with all that is said of it.
    fn written(&self) -> Vec<Panel> {
        let outer = self.drawn();
        if self.panels.is_empty() {
            return vec![Panel {
                path: String::new(),
                layers: layers("", &outer, &self.layers),
                facet: self.facet.clone(),
                row: self.row.clone(),
                column: self.column.clone(),
                reference: self.reference.clone(),
                title: None,
                columns: self.columns,
                legend: None,
                from: None,
            }];
        }
        let panels = self.panels.iter().enumerate();
        panels
            .map(|(place, view)| {
                let path = format!("panels.{place}.");
                let mut drawn = view.drawn();
                drawn.from = view.from.clone();
                let drawn = drawn.inside(&outer);
                Panel {
                    layers: layers(&path, &drawn, &view.layers),
                    path,
                    facet: view.facet.clone().or_else(|| self.facet.clone()),
                    row: view.row.clone().or_else(|| self.row.clone()),
                    column: view.column.clone().or_else(|| self.column.clone()),
                    reference: view.reference.clone(),
                    title: view.title.clone(),
                    columns: view.columns,
                    legend: view.legend,
                    from: view.from.clone(),
                }
            })
            .collect()
    }

    /// The same with other names of the tables.
    #[must_use]
    pub fn with_tables(&self, name: impl Fn(&str) -> String) -> Self {
        let mut plot = self.clone();
        let own = plot.layers.iter_mut().map(|layer| &mut layer.from);
        let rename = |from: &mut Option<String>| {
            *from = from.take().map(|from| name(&from));
        };
        own.for_each(rename);
        for panel in &mut plot.panels {
            rename(&mut panel.from);
            panel
                .layers
                .iter_mut()
                .for_each(|layer| rename(&mut layer.from));
        }
        plot
    }

    /// Every column it needs: the parameter with its path, the table by the name of its stage (the first if none), and the column.
    pub fn uses(&self) -> Vec<(String, Option<String>, String)> {
        let mut uses = Vec::new();
        for view in self.views() {
            for (path, layer) in &view.layers {
                let channels = layer.channels().into_iter();
                for (name, channel) in channels.filter(|(_, channel)| !channel.field.is_empty()) {
                    uses.push((
                        format!("{path}{name}.field"),
                        layer.from.clone(),
                        channel.field.clone(),
                    ));
                    uses.extend(channel.interval().map(|(end, column)| {
                        let parameter = format!("{path}{name}.{end}");
                        (parameter, layer.from.clone(), column.clone())
                    }));
                }
                // A layer without the column of the facets is in all panels.
                let facets = [
                    ("facet", &view.facet),
                    ("row", &view.row),
                    ("column", &view.column),
                ];
                if layer.from == view.from {
                    uses.extend(facets.into_iter().filter_map(|(name, channel)| {
                        let field = channel.as_ref()?.field.clone();
                        Some((
                            format!("{}{name}.field", view.path),
                            view.from.clone(),
                            field,
                        ))
                    }));
                }
            }
            for (place, reference) in view.reference.iter().enumerate() {
                for level in [&reference.x, &reference.y].into_iter().flatten() {
                    if let Level::Field(name) = level {
                        let parameter = format!("{}reference.{place}", view.path);
                        uses.push((parameter, view.from.clone(), name.clone()));
                    }
                }
            }
        }
        let mut known = std::collections::BTreeSet::new();
        uses.retain(|one| known.insert(one.clone()));
        uses
    }

    /// Every column of its tables that it needs.
    pub fn fields(&self) -> Vec<String> {
        let mut needed: Vec<String> = Vec::new();
        for (_, _, name) in self.uses() {
            if !needed.contains(&name) {
                needed.push(name);
            }
        }
        needed
    }
}

/// The layers of a panel, each with its path.
fn layers(path: &str, outer: &Drawn, layers: &[Layer]) -> Vec<(String, Drawn)> {
    if layers.is_empty() {
        return vec![(path.to_owned(), outer.clone())];
    }
    let layers = layers.iter().enumerate();
    layers
        .map(|(place, layer)| {
            let mut drawn = layer.drawn();
            drawn.from = layer.from.clone();
            (format!("{path}layers.{place}."), drawn.inside(outer))
        })
        .collect()
}

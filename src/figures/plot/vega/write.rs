//! A panel as a specification: its layers with their tables, and the lines to compare with.

use serde_json::{Map, Value};

use super::Datasets;
use super::encode::Encoder;
use super::join::{Source, Tables, Written};
use super::panel::Panel;
use super::reference;
use super::table::Table;
use crate::figures::plot::data::Layer;
use crate::figures::plot::form::{Tells, Unit};
use crate::figures::plot::layout;
use crate::figures::plot::mark::{self, Frame, Row};

impl Panel<'_> {
    /// The panel as a specification. `figure` says whether the figure has a legend, and `shared` whether all panels share one;
    /// `explained` are the looks that one has explained.
    pub(super) fn spec(
        &self,
        (figure, shared): (bool, bool),
        explained: &mut Vec<Vec<String>>,
        datasets: &mut Datasets,
        lost: &mut Vec<String>,
    ) -> Map<String, Value> {
        let mixed = self.mixed();
        let mut tables = Tables::default();
        let mut groups: Vec<Vec<Written>> = Vec::new();
        let lines = reference::lines(self, &mut tables);
        let mut references = self.view.written.reference.iter();
        if references.any(|reference| reference.label.is_some()) {
            lost.push("lines and bands to compare with have their names beside them and not in the legend".to_owned());
        }
        groups.extend(lines.under);
        for (at, layer) in self.view.layers.iter().enumerate() {
            let looks = self.looks(at);
            let told = (mixed || !shared) && explained.contains(&looks);
            let units = self.units(at, layer, lost);
            let legends = self.explained(figure) && !told;
            let bars = !told;
            if !told && !units.is_empty() {
                explained.push(looks);
            }
            let tells = |look| units.iter().any(|unit| unit.tells.contains(&look));
            let encoder = Encoder {
                panel: self,
                layer,
                at,
                legends,
                bars,
                lines: tells(Tells::Dash),
                shapes: tells(Tells::Shape),
            };
            groups.push(self.written(&encoder, &units, &mut tables));
        }
        groups.extend(reference::zero_line(self, &mut tables));
        groups.extend(lines.over);
        groups.retain(|group| !group.is_empty());
        self.joined(groups, mixed, tables, datasets)
    }

    /// What a layer draws.
    fn units(&self, at: usize, layer: &Layer<'_>, lost: &mut Vec<String>) -> Vec<Unit> {
        let coordinates = mark::Panel::new(self.area, &self.x, &self.y);
        let frame = Frame {
            panel: &coordinates,
            flipped: layer.flipped,
        };
        let drawing = layout::drawing(self.view, layer, self.fonts.tick);
        // Rows without a facet are in all of them, so the first has all.
        let own = |rows: &[Row]| -> Vec<Row> {
            let rows = rows.iter();
            let rows = rows.filter(|row| layer.panel_of.is_some() || row.panel == 0);
            rows.copied().collect()
        };
        let (rows, raw) = (own(&layer.rows), own(&layer.raw));
        let mut units = layer.mark.vega(&frame, &rows, &raw, &drawing);
        if units.is_empty() {
            let name = layer.mark.about().name;
            lost.push(format!("the mark `{name}` is left out"));
            return units;
        }
        if layer.drawn.swarm == Some(true) {
            lost.push("`swarm` is left out: points stand at their category".to_owned());
        }
        if let Some(key) = self.at_ends(at) {
            lost.push("names at the ends of lines are not moved apart".to_owned());
            units.push(self.names(key, at, &rows));
        }
        units
    }

    /// The units of a layer with their tables.
    fn written(
        &self,
        encoder: &Encoder<'_, '_>,
        units: &[Unit],
        tables: &mut Tables,
    ) -> Vec<Written> {
        let parted = encoder.layer.panel_of.is_some();
        let mut own: Vec<(Vec<Row>, usize)> = Vec::new();
        let mut found = Vec::new();
        for unit in units {
            let list = if parted {
                &mut tables.parted
            } else {
                &mut tables.everywhere
            };
            let known = own.iter().find(|(rows, _)| *rows == unit.rows);
            let place = match known {
                Some((_, place)) => *place,
                None => {
                    let name = encoder.layer.mark.about().name;
                    let panels = unit.rows.iter().map(|row| row.panel).collect();
                    let mut table = Table::default();
                    if parted {
                        self.facets(panels, &mut table);
                    }
                    list.push((name.to_owned(), table));
                    own.push((unit.rows.clone(), list.len() - 1));
                    list.len() - 1
                }
            };
            let spec = encoder.unit(unit, &mut list[place].1);
            let Value::Object(spec) = spec else { continue };
            let table = if parted {
                Source::Parted(place)
            } else {
                Source::Everywhere(place)
            };
            found.push(Written { spec, table });
        }
        found
    }
}

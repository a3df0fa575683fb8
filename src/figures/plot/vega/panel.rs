//! One panel with its facets: layers over one another on scales that they share.

use serde_json::{Map, Value, json};

use super::Datasets;
use super::encode::Encoder;
use super::join::{Source, Tables, Written};
use super::reference;
use super::scale;
use super::table::{Table, number};
use super::unicode::unicode;
use super::unit::{Tells, Unit};
use crate::figures::plot::axis::Axis;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::{Data, Layer, View};
use crate::figures::plot::layout::{self, Fonts};
use crate::figures::plot::mark::{self, Frame, Lanes, Row};
use crate::figures::plot::scale::Scale;
use crate::figures::plot::scene::{Facets, LegendAt};
use crate::figures::plot::shades::Shades;
use crate::figures::plot::spec::Plot;
use crate::figures::plot::text;

/// The room of a sign in a legend, and the air around it.
const SIGN: f64 = 32.0;

/// A panel with what is known of its layout.
pub(super) struct Panel<'d> {
    pub plot: &'d Plot,
    pub data: &'d Data<'d>,
    pub view: &'d View<'d>,
    /// The place of the panel in the figure.
    pub place: usize,
    /// The area of its first facet, and the axes there.
    pub area: Area,
    /// How many facets stand side by side.
    pub columns: usize,
    x: Axis,
    y: Axis,
    fonts: Fonts,
    /// Where its own legend lies, if it has one, and where that of the figure does.
    legend: Option<LegendAt>,
    outer_legend: Option<LegendAt>,
    /// The size of the page.
    page: (f64, f64),
    /// How much of the length of a category is for marks, along each axis.
    bands: (Option<f64>, Option<f64>),
}

impl<'d> Panel<'d> {
    pub(super) fn new(
        plot: &'d Plot,
        data: &'d Data<'d>,
        place: usize,
        (facets, page): (Facets, (f64, f64)),
        (legend, outer_legend): (Option<LegendAt>, Option<LegendAt>),
    ) -> Self {
        let view = &data.views[place];
        let fonts = Fonts::new(plot);
        let facet = &view.facets[0];
        let area = facets.first;
        let mut panel = Self {
            plot,
            data,
            view,
            place,
            area,
            columns: facets.columns,
            x: Axis::horizontal(&facet.x, area.width(), fonts.tick),
            y: Axis::vertical(&facet.y, area.height(), page.0, fonts.tick),
            fonts,
            legend,
            outer_legend,
            page,
            bands: (None, None),
        };
        panel.bands = panel.measured();
        panel
    }

    /// The part of a category that the widest of the layers takes.
    fn measured(&self) -> (Option<f64>, Option<f64>) {
        let coordinates = mark::Panel::new(self.area, &self.x, &self.y);
        let mut bands: (Option<f64>, Option<f64>) = (None, None);
        for layer in &self.view.layers {
            let frame = Frame {
                panel: &coordinates,
                flipped: layer.flipped,
            };
            let drawing = layout::drawing(self.view, layer, self.fonts.tick);
            let Some(lanes) = Lanes::new(&frame, &drawing) else {
                continue;
            };
            let band = if layer.flipped {
                &mut bands.1
            } else {
                &mut bands.0
            };
            let all = if layer.mark.hides_panel() {
                frame.cell().0
            } else {
                lanes.together()
            };
            *band = Some(band.map_or(all, |band| band.max(all)));
        }
        // The other axis of cells is one of categories too.
        if self.hidden() {
            let count = self.y.scale.places().max(1);
            bands.1 = self.y.named().then(|| self.area.height() / count as f64);
        }
        bands
    }

    /// The scale of the horizontal axis, or of the vertical one.
    pub(super) fn scale(&self, across: bool) -> &Scale {
        if across { &self.x.scale } else { &self.y.scale }
    }

    /// How much of a category is for marks, in points.
    pub(super) fn band(&self, across: bool) -> Option<f64> {
        if across { self.bands.0 } else { self.bands.1 }
    }

    /// The start or the end of an axis.
    pub(super) fn edge(&self, across: bool, end: bool) -> Value {
        let value: Value = match (across, end) {
            (true, true) => "width".into(),
            (false, false) => "height".into(),
            _ => 0.into(),
        };
        json!({ "value": value })
    }

    /// Whether marks fill the whole panel.
    pub(super) fn hidden(&self) -> bool {
        self.view
            .layers
            .iter()
            .any(|layer| layer.mark.hides_panel())
    }

    pub(super) fn free(&self, across: bool) -> bool {
        let channel = if across { &self.view.x } else { &self.view.y };
        channel.share == Some(false) && self.view.facets.len() > 1
    }

    /// What all layers say of an axis.
    pub(super) fn shared(&self, across: bool) -> Map<String, Value> {
        let (axis, channel, length) = if across {
            (&self.x, &self.view.x, self.area.width())
        } else {
            (&self.y, &self.view.y, self.area.height())
        };
        let free = self.free(across);
        let step = length / axis.scale.places().max(1) as f64;
        let padding = self.band(across).map_or(0.2, |band| 1.0 - band / step);
        let padding = (padding * 1e4).round() / 1e4;
        let times = scale::times(axis).filter(|_| !free).unwrap_or_default();
        let title = unicode(&channel.heading()) + &times;
        let title = if title.is_empty() {
            Value::Null
        } else {
            title.into()
        };
        Map::from_iter([
            ("title".to_owned(), title),
            (
                "scale".to_owned(),
                scale::positional(&axis.scale, padding.max(0.0), free),
            ),
            (
                "axis".to_owned(),
                scale::axis(axis, channel.format, free, self.hidden()),
            ),
        ])
    }

    /// The channel of a colour by number.
    pub(super) fn colored(&self, shades: &Shades, field: &str, legends: bool) -> Value {
        let axis = Axis::vertical(
            &shades.scale,
            self.area.height(),
            f64::INFINITY,
            self.fonts.tick,
        );
        let mut legend = scale::labels(&axis, shades.channel.format);
        let title = unicode(&shades.channel.heading()) + &scale::times(&axis).unwrap_or_default();
        legend.insert("title".to_owned(), title.into());
        legend.insert("orient".to_owned(), "right".into());
        // The bar is opaque also where marks are not.
        legend.insert("gradientOpacity".to_owned(), 1.into());
        let length = self.area.height().round();
        legend.insert("gradientLength".to_owned(), number(length));
        let legend = legends.then_some(Value::Object(legend));
        json!({
            "field": field,
            "type": "quantitative",
            "scale": scale::colored(shades),
            "legend": legend,
        })
    }

    /// Puts a legend where that of the panel lies.
    pub(super) fn placed(&self, legend: &mut Map<String, Value>, names: &[String]) {
        if let Some(at) = self.legend {
            legend.insert("orient".to_owned(), super::orient(at).into());
        }
        let at = self.legend.or(self.outer_legend);
        if matches!(at, Some(LegendAt::Top | LegendAt::Bottom)) {
            // As many names side by side as the page is wide.
            let widths = names
                .iter()
                .map(|name| text::width(&text::literal(name), self.fonts.tick));
            let each = widths.fold(0.0, f64::max) + SIGN;
            let columns = (self.page.0 / each)
                .floor()
                .clamp(1.0, names.len().max(1) as f64);
            legend.insert("columns".to_owned(), number(columns));
        }
    }

    /// Whether its series are explained in a legend.
    fn explained(&self, figure: bool) -> bool {
        match self.view.written.legend {
            Some(_) => self.legend.is_some(),
            None => figure,
        }
    }

    /// By what the series of a layer look different.
    pub(super) fn looks(&self, at: usize) -> Vec<String> {
        let mut found: Vec<String> = ["color", "shape", "dash"]
            .into_iter()
            .filter_map(|parameter| {
                let key = self.data.keys.of(parameter, (self.place, at))?;
                Some(format!("{parameter} {}", key.channel.field))
            })
            .collect();
        let value = self.view.layers[at].value_channel();
        found.extend(value.map(|channel| format!("value {}", channel.field)));
        let size = self.view.layers[at].drawn.size.as_ref();
        let size = size.and_then(|size| size.column());
        found.extend(size.map(|channel| format!("size {}", channel.field)));
        found
    }

    /// Whether layers look different by different things.
    pub(super) fn mixed(&self) -> bool {
        let mut all: Vec<Vec<String>> = (0..self.view.layers.len())
            .map(|at| self.looks(at))
            .filter(|looks| !looks.is_empty())
            .collect();
        all.dedup();
        all.len() > 1
    }

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

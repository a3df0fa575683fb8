//! One panel with its facets: layers over one another on scales that they share.

use serde_json::{Map, Value, json};

use super::scale;
use super::table::number;
use super::unicode::unicode;
use crate::figures::plot::axis::Axis;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::{Data, View};
use crate::figures::plot::layout::{self, Fonts};
use crate::figures::plot::mark::{self, Frame, Lanes};
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
    pub x: Axis,
    pub y: Axis,
    pub fonts: Fonts,
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
    pub(super) fn explained(&self, figure: bool) -> bool {
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
}

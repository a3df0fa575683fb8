//! The figure as a specification of Vega-Lite 5 with its data inside, for people who want to change its looks.
//!
//! The data are the numbers that the figure shows: means, ends of intervals, and where bars that stand on one another begin.
//! Vega-Lite aggregates nothing. Each mark says its own form (`Mark::vega`); scales, axes, legends and facets are written here.
//! What Vega-Lite cannot say is left out and named in `usermeta`.

mod encode;
mod ends;
mod join;
mod looks;
mod panel;
mod reference;
mod scale;
mod table;
mod unicode;
mod write;

use serde_json::{Map, Value, json};

use self::panel::Panel;
use self::unicode::unicode;
use super::data::Data;
use super::element::INK;
use super::form::hex;
use super::layout::{self, Fonts};
use super::scene::{LegendAt, Scene};
use super::spec::{Plot, Theme};

/// The language that is written.
const SCHEMA: &str = "https://vega.github.io/schema/vega-lite/v5.json";

/// The data of a figure, by names.
#[derive(Default)]
struct Datasets(Vec<(String, Vec<Value>)>);

impl Datasets {
    /// Adds rows, and gives their name: that of what draws them, after the letter of the panel.
    fn add(&mut self, letter: Option<&str>, name: &str, rows: Vec<Value>) -> String {
        let name = match letter {
            Some(letter) => format!("{letter} {name}"),
            None => name.to_owned(),
        };
        let count = (1..).find_map(|count| {
            let tried = match count {
                1 => name.clone(),
                count => format!("{name} {count}"),
            };
            let known = self.0.iter().any(|(own, _)| *own == tried);
            (!known).then_some(tried)
        });
        let name = count.unwrap_or(name);
        self.0.push((name.clone(), rows));
        name
    }
}

/// The specification of a figure that is laid out.
pub(super) fn figure(plot: &Plot, data: &Data<'_>, scene: &Scene, notes: &[String]) -> Value {
    let mut lost: Vec<String> = marked_up(plot, data);
    let mut datasets = Datasets::default();
    let legend_of = |place: Option<usize>| {
        let mut legends = scene.legends.iter();
        legends.find(|(own, _)| *own == place).map(|(_, at)| *at)
    };
    let at = legend_of(None);
    let size = (scene.width, scene.height);
    let panels = scene.panels.iter().enumerate();
    let panels = panels.map(|(place, facets)| {
        let legends = (legend_of(Some(place)), at);
        Panel::new(plot, data, place, (*facets, size), legends)
    });
    let panels: Vec<Panel<'_>> = panels.collect();
    let shared = shared_looks(&panels);
    let mut explained = Vec::new();
    let mut specs: Vec<Map<String, Value>> = Vec::new();
    for panel in &panels {
        let mut spec = panel.spec(
            (at.is_some(), shared),
            &mut explained,
            &mut datasets,
            &mut lost,
        );
        let title = title_of(plot, panel);
        spec.extend(title.map(|title| ("title".to_owned(), title)));
        specs.push(spec);
    }
    if data.views.iter().any(|view| {
        [&view.x, &view.y]
            .iter()
            .any(|side| side.share == Some(false))
    }) {
        lost.push(
            "axes that panels do not share begin and end where Vega-Lite has them".to_owned(),
        );
    }
    let mut found = head(plot, notes);
    found.insert("config".to_owned(), config(plot, at));
    lost.push("the letters are those of the reader's machine where it has no DejaVu".to_owned());
    lost.push("ticks without labels are left out".to_owned());
    let mut known = std::collections::BTreeSet::new();
    lost.retain(|line| known.insert(line.clone()));
    found.insert(
        "usermeta".to_owned(),
        json!({ "etude": { "differences": lost } }),
    );
    match specs.len() {
        1 => found.extend(specs.remove(0)),
        count => {
            let (lines, columns) = layout::of_views(plot, count);
            let specs = specs.into_iter().map(Value::Object).collect();
            let name = match (lines, columns) {
                (1, _) => "hconcat",
                (_, 1) => "vconcat",
                _ => "concat",
            };
            if name == "concat" {
                found.insert("columns".to_owned(), columns.into());
            }
            found.insert(name.to_owned(), Value::Array(specs));
            let resolve = if shared { "shared" } else { "independent" };
            let looks = ["color", "shape", "strokeDash"].map(|name| (name, resolve));
            // Each panel has its own sizes and its own categories.
            let own = ["size", "xOffset", "yOffset"].map(|name| (name, "independent"));
            let looks: Map<String, Value> = looks
                .into_iter()
                .chain(own)
                .map(|(name, resolve)| (name.to_owned(), resolve.into()))
                .collect();
            found.insert("resolve".to_owned(), json!({ "scale": looks }));
        }
    }
    let datasets = datasets.0.into_iter();
    let datasets = datasets.map(|(name, rows)| (name, Value::Array(rows)));
    found.insert("datasets".to_owned(), Value::Object(datasets.collect()));
    Value::Object(found)
}

/// The specification of a figure without anything to draw: it says why.
pub(super) fn blank(plot: &Plot, why: &str, scene: &Scene, notes: &[String]) -> Value {
    let mut found = head(plot, notes);
    found.insert("config".to_owned(), config(plot, None));
    found.insert("width".to_owned(), table::number(scene.width));
    found.insert("height".to_owned(), table::number(scene.height));
    found.insert("data".to_owned(), json!({ "values": [{}] }));
    let text = format!("nothing to draw: {why}");
    found.insert("mark".to_owned(), json!({ "type": "text", "text": text }));
    Value::Object(found)
}

/// What stands at the top of every specification.
fn head(plot: &Plot, notes: &[String]) -> Map<String, Value> {
    let mut found = Map::new();
    found.insert("$schema".to_owned(), SCHEMA.into());
    let notes: Vec<String> = notes.iter().map(|note| unicode(note)).collect();
    match (&plot.title, notes.is_empty()) {
        (Some(title), true) => {
            found.insert("title".to_owned(), unicode(title).into());
        }
        (Some(title), false) => {
            let title = json!({ "text": unicode(title), "subtitle": notes });
            found.insert("title".to_owned(), title);
        }
        (None, false) => {
            let size = Fonts::new(plot).note.size;
            let title =
                json!({ "text": notes, "orient": "bottom", "anchor": "start", "fontSize": size });
            found.insert("title".to_owned(), title);
        }
        (None, true) => {}
    }
    found
}

/// The title of a panel of several, after its letter.
fn title_of(plot: &Plot, panel: &Panel<'_>) -> Option<Value> {
    let letters = panel.data.views.len() > 1 && plot.letters != Some(false);
    let letter = letters.then(|| layout::letter(panel.place));
    let title = panel.view.written.title.as_deref().map(unicode);
    let text = match (letter, title) {
        (None, None) => return None,
        (Some(letter), Some(title)) => format!("{letter}  {title}"),
        (letter, title) => letter.or(title).unwrap_or_default(),
    };
    Some(json!({ "text": text, "anchor": "start", "fontSize": Fonts::new(plot).title.size }))
}

/// Whether all panels tell series apart by the same, so that one legend is for all.
fn shared_looks(panels: &[Panel<'_>]) -> bool {
    let mut all: Vec<Vec<String>> = Vec::new();
    for panel in panels {
        if panel.mixed() || panel.view.written.legend.is_some() {
            return false;
        }
        let looks = (0..panel.view.layers.len()).map(|at| panel.looks(at));
        all.extend(looks.filter(|looks| !looks.is_empty()));
    }
    all.windows(2).all(|pair| pair[0] == pair[1])
}

/// Where Vega puts a legend.
fn orient(at: LegendAt) -> &'static str {
    match at {
        LegendAt::Right => "right",
        LegendAt::Bottom => "bottom",
        LegendAt::Top => "top",
        LegendAt::Corner { left, top } => match (left, top) {
            (true, true) => "top-left",
            (true, false) => "bottom-left",
            (false, true) => "top-right",
            (false, false) => "bottom-right",
        },
    }
}

/// The looks of all that is not data.
fn config(plot: &Plot, legend: Option<LegendAt>) -> Value {
    let fonts = Fonts::new(plot);
    let theme = plot.theme.unwrap_or_default();
    let ink = hex(INK);
    let stroke = if theme == Theme::Boxed {
        ink.as_str().into()
    } else {
        Value::Null
    };
    let orient = legend.map_or("right", orient);
    json!({
        "font": layout::face(plot).family(),
        "padding": 5,
        "view": { "stroke": stroke, "strokeWidth": 0.7 },
        "axis": {
            "domainColor": ink, "domainWidth": 0.7, "tickColor": ink, "tickWidth": 0.7, "tickSize": 3,
            "grid": theme == Theme::Open, "gridColor": "#e6e6e6", "gridWidth": 0.5,
            "labelColor": ink, "labelFontSize": fonts.tick.size, "labelLimit": 0,
            "titleColor": ink, "titleFontSize": fonts.title.size, "titleFontWeight": "normal",
        },
        "axisBand": { "grid": false, "ticks": false, "labelPadding": 5 },
        "legend": {
            "orient": orient, "labelColor": ink, "labelFontSize": fonts.tick.size, "labelLimit": 0,
            "titleColor": ink, "titleFontSize": fonts.tick.size, "symbolSize": 50,
        },
        "header": {
            "labelColor": ink, "labelFontSize": fonts.title.size, "labelLimit": 0, "title": null,
        },
        "title": {
            "color": ink, "fontSize": fonts.head.size, "fontWeight": "normal",
            "subtitleColor": ink, "subtitleFontSize": fonts.note.size,
        },
        "text": { "color": ink, "fontSize": fonts.tick.size },
    })
}

/// What the texts of the figure lose without mark-up.
fn marked_up(plot: &Plot, data: &Data<'_>) -> Vec<String> {
    let mut texts: Vec<String> = plot.title.iter().cloned().collect();
    for view in &data.views {
        texts.extend(view.written.title.clone());
        texts.extend([view.x.heading(), view.y.heading()]);
        let references = view.written.reference.iter();
        texts.extend(references.filter_map(|reference| reference.label.clone()));
        for (_, layer) in &view.written.layers {
            let channels = layer.channels().into_iter();
            texts.extend(channels.filter_map(|(_, channel)| channel.title.clone()));
        }
    }
    let lost = texts.iter().filter_map(|text| {
        let why = unicode::lost(text)?;
        Some(format!("`{}`: {why}", unicode(text)))
    });
    lost.collect()
}

/// Two specifications of channels in one: each channel has what both say of it.
fn merged(shared: Value, own: Value) -> Value {
    let (Value::Object(mut shared), Value::Object(own)) = (shared, own) else {
        return Value::Null;
    };
    let mut found = Map::new();
    for (channel, value) in own {
        let value = match (value, shared.remove(&channel)) {
            (Value::Object(mut value), Some(Value::Object(more)))
                if value.contains_key("field") =>
            {
                value.extend(more);
                Value::Object(value)
            }
            (value, _) => value,
        };
        found.insert(channel, value);
    }
    Value::Object(found)
}

#[cfg(test)]
mod tests;

//! Lines and bands to compare with.

use serde_json::{Map, Value, json};

use super::encode::dashes;
use super::join::{Source, Tables, Written};
use super::panel::Panel;
use super::scale;
use super::table::Table;
use super::unicode::unicode;
use crate::figures::plot::data::Line;
use crate::figures::plot::element::INK;
use crate::figures::plot::form::hex;
use crate::figures::plot::layout::{band_fill, reference_stroke};

/// What a line has along `x`, `x2`, `y` and `y2`, in a facet.
type Placed = (usize, [Value; 4]);

/// What lies under the data, and what lies over it.
pub(super) struct Lines {
    pub under: Vec<Vec<Written>>,
    pub over: Vec<Vec<Written>>,
}

/// A line at zero, where bars reach to both sides of it.
pub(super) fn zero_line(panel: &Panel<'_>, tables: &mut Tables) -> Option<Vec<Written>> {
    let mut layers = panel.view.layers.iter();
    let layer = layers.find(|layer| layer.mark.about().zero)?;
    let across = layer.flipped;
    let scale = panel.scale(across);
    let (low, high) = scale.ends();
    if scale.named() || scale.is_log() || !(low < 0.0 && high > 0.0) {
        return None;
    }
    let line = if across {
        Line::Upright(0.0)
    } else {
        Line::Across(0.0)
    };
    let rows: Vec<Placed> = cells(panel, &line)
        .into_iter()
        .map(|row| (0, row))
        .collect();
    let mut table = Table::default();
    let encoding = positions(panel, &line, &rows, &mut table);
    let spec = json!({
        "mark": { "type": "rule", "color": hex(INK), "strokeWidth": 0.7 },
        "encoding": encoding,
    });
    let Value::Object(spec) = spec else {
        return None;
    };
    tables.everywhere.push(("zero".to_owned(), table));
    let table = Source::Everywhere(tables.everywhere.len() - 1);
    Some(vec![Written { spec, table }])
}

/// The lines of a panel, each with its name beside it.
pub(super) fn lines(panel: &Panel<'_>, tables: &mut Tables) -> Lines {
    let mut found = Lines {
        under: Vec::new(),
        over: Vec::new(),
    };
    for (place, reference) in panel.view.written.reference.iter().enumerate() {
        let facets = panel.view.facets.iter();
        let mut own: Vec<(usize, &Line)> = facets
            .enumerate()
            .filter_map(|(facet, one)| Some((facet, one.references.get(place)?)))
            .filter(|(_, line)| has_numbers(line))
            .collect();
        let same = own.windows(2).all(|pair| pair[0].1 == pair[1].1);
        let parted = !(same && own.len() == panel.view.facets.len());
        if !parted {
            own.truncate(1);
        }
        // A column may give one level in one facet and several in another.
        let (steps, lines): (Vec<_>, Vec<_>) = own
            .into_iter()
            .partition(|(_, line)| matches!(line, Line::Steps(_)));
        for lines in [lines, steps] {
            let Some((_, first)) = lines.first() else {
                continue;
            };
            let band = matches!(first, Line::Lying(_) | Line::Standing(_));
            let rows: Vec<Placed> = lines
                .iter()
                .flat_map(|(facet, line)| {
                    let cells = cells(panel, line).into_iter();
                    cells.map(move |cells| (*facet, cells))
                })
                .collect();
            let mut add = |rows: &[Placed]| {
                let mut table = Table::default();
                if parted {
                    panel.facets(rows.iter().map(|(facet, _)| *facet).collect(), &mut table);
                }
                let encoding = positions(panel, first, rows, &mut table);
                let list = if parted {
                    &mut tables.parted
                } else {
                    &mut tables.everywhere
                };
                list.push(("reference".to_owned(), table));
                let place = list.len() - 1;
                let source = if parted {
                    Source::Parted(place)
                } else {
                    Source::Everywhere(place)
                };
                (encoding, source)
            };
            let (encoding, table) = add(&rows);
            if let Some(label) = reference.label.as_deref().map(unicode) {
                // One name for each facet, at its last place.
                let mut last: Vec<Placed> = Vec::new();
                for row in &rows {
                    last.retain(|(facet, _)| *facet != row.0);
                    last.push(row.clone());
                }
                let (encoding, table) = if last.len() == rows.len() {
                    (encoding.clone(), table)
                } else {
                    add(&last)
                };
                let spec = name(first, &label, encoding);
                found.over.push(vec![Written { spec, table }]);
            }
            let spec = Map::from_iter([
                ("mark".to_owned(), mark(panel, first, place)),
                ("encoding".to_owned(), Value::Object(encoding)),
            ]);
            let side = if band {
                &mut found.under
            } else {
                &mut found.over
            };
            side.push(vec![Written { spec, table }]);
        }
    }
    found
}

fn has_numbers(line: &Line) -> bool {
    match line {
        Line::Across(level) | Line::Upright(level) => level.is_finite(),
        Line::Lying(_) | Line::Standing(_) => true,
        Line::Steps(steps) => !steps.is_empty(),
    }
}

/// What a line has along `x`, `x2`, `y` and `y2`, a row for each of its places.
fn cells(panel: &Panel<'_>, line: &Line) -> Vec<[Value; 4]> {
    let x = |value: f64| scale::value(panel.scale(true), Some(value));
    let y = |value: f64| scale::value(panel.scale(false), Some(value));
    let none = Value::Null;
    match line {
        Line::Across(level) => vec![[none.clone(), none.clone(), y(*level), none]],
        Line::Upright(level) => vec![[x(*level), none.clone(), none.clone(), none]],
        Line::Lying([low, high]) => vec![[none.clone(), none, y(*low), y(*high)]],
        Line::Standing([low, high]) => vec![[x(*low), x(*high), none.clone(), none]],
        Line::Steps(steps) => steps
            .iter()
            .map(|(at, level)| [x(*at), none.clone(), y(*level), none.clone()])
            .collect(),
    }
}

/// The channels of the places of a line. Where it has none it reaches from edge to edge.
fn positions(
    panel: &Panel<'_>,
    line: &Line,
    rows: &[Placed],
    table: &mut Table,
) -> Map<String, Value> {
    let mut column = |at: usize, name: &str| -> String {
        let values = rows.iter().map(|(_, row)| row[at].clone()).collect();
        table.column(name, "of the line", values)
    };
    let place = |field: String, across: bool| json!({ "field": field, "type": scale::kind(panel.scale(across)) });
    let across = |end| panel.edge(true, end);
    let down = |end| panel.edge(false, end);
    let found = match line {
        Line::Across(_) => json!({
            "x": across(false), "x2": across(true), "y": place(column(2, "y"), false),
        }),
        Line::Upright(_) => json!({
            "x": place(column(0, "x"), true), "y": down(false), "y2": down(true),
        }),
        Line::Lying(_) => json!({
            "x": across(false), "x2": across(true),
            "y": place(column(2, "y"), false), "y2": { "field": column(3, "y2") },
        }),
        Line::Standing(_) => json!({
            "x": place(column(0, "x"), true), "x2": { "field": column(1, "x2") },
            "y": down(false), "y2": down(true),
        }),
        Line::Steps(_) if panel.scale(true).named() => {
            let field = column(0, "x");
            json!({
                "x": { "field": field, "type": "nominal", "bandPosition": 0 },
                "x2": { "field": field, "bandPosition": 1 },
                "y": place(column(2, "y"), false),
            })
        }
        Line::Steps(_) => json!({
            "x": place(column(0, "x"), true), "y": place(column(2, "y"), false),
        }),
    };
    match found {
        Value::Object(found) => found,
        _ => Map::new(),
    }
}

fn mark(panel: &Panel<'_>, line: &Line, place: usize) -> Value {
    let band = band_fill();
    let kind = match line {
        Line::Lying(_) | Line::Standing(_) => {
            let color = hex(plotters::style::RGBColor(band.0, band.1, band.2));
            return json!({ "type": "rect", "color": color, "opacity": band.3, "clip": true });
        }
        Line::Steps(_) if !panel.scale(true).named() => "line",
        _ => "rule",
    };
    let stroke = reference_stroke(place);
    json!({
        "type": kind, "color": hex(stroke.color), "strokeWidth": stroke.width,
        "strokeDash": dashes(stroke.dash), "clip": true,
    })
}

/// The name of a line, inside the panel at its end.
fn name(line: &Line, label: &str, mut places: Map<String, Value>) -> Map<String, Value> {
    for side in ["x2", "y2"] {
        places.remove(side);
    }
    let (align, baseline, dx, dy) = match line {
        Line::Across(_) => {
            places.insert("x".to_owned(), json!({ "value": "width" }));
            ("right", "bottom", -2, -2)
        }
        Line::Lying(_) => {
            places.insert("x".to_owned(), json!({ "value": 0 }));
            ("left", "bottom", 3, -2)
        }
        Line::Upright(_) | Line::Standing(_) => {
            places.insert("y".to_owned(), json!({ "value": 0 }));
            ("left", "top", 3, 2)
        }
        Line::Steps(_) => ("right", "bottom", 0, -3),
    };
    places.insert("text".to_owned(), json!({ "value": label }));
    let mark = json!({
        "type": "text", "align": align, "baseline": baseline, "dx": dx, "dy": dy,
        "color": hex(reference_stroke(0).color),
    });
    Map::from_iter([
        ("mark".to_owned(), mark),
        ("encoding".to_owned(), Value::Object(places)),
    ])
}

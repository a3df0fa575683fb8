//! A cell for each pair of `x` and `y`, coloured by `value`, with the value in
//! the cell where it fits.

use std::collections::BTreeMap;

use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBColor, WHITE};

use super::about::{About, Outside, Side, USUAL, Unit};
use super::contract::{Drawing, Mark, Sampled};
use super::frame::Frame;
use super::row::{Row, mean};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{INK, Type};
use crate::figures::plot::form::{Part, Tells, Unit as Form, hex as color};
use crate::figures::plot::number;
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Drawn, FormatName};
use crate::figures::plot::text::{self, Font};

/// The colour of the line through a cell without a value.
const STRUCK: RGBColor = RGBColor(0x99, 0x99, 0x99);
/// The colour of a cell without a value.
const NOTHING: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);

pub(super) struct Heat;

impl Mark for Heat {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "heat",
            doc: "A cell for each pair of `x` and `y`, coloured by `value`.",
            x: Side::Category,
            y: Side::Category,
            takes: &["value"],
            needs: &["value"],
            unit: Unit::Cell,
            outside: Outside::Coloured,
            ..USUAL
        };
        &ABOUT
    }

    fn prepared(&self, rows: &[Row], _: &Drawn) -> Vec<Row> {
        let mut cells: BTreeMap<(usize, usize, usize), Vec<Row>> = BTreeMap::new();
        for row in rows {
            if let (Some(x), Some(y)) = (row.x, row.y) {
                let cell = cells
                    .entry((row.panel, y as usize, x as usize))
                    .or_default();
                cell.push(*row);
            }
        }
        cells
            .into_values()
            .map(|rows| {
                // Without one of its values a cell has no mean.
                let values: Option<Vec<f64>> = rows.iter().map(|row| row.value).collect();
                Row {
                    value: values.map(|values| mean(&values)),
                    ..rows[0]
                }
            })
            .collect()
    }

    fn draw(&self, frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
        let Some(shades) = layer.value else {
            return Vec::new();
        };
        let (across, down) = (frame.x().scale.places(), frame.y().scale.places());
        let mut shapes = vec![Shape::Box(frame.panel.area, NOTHING.into())];
        // Reaching under the next cell, or hairlines shine through. On a reversed axis the next cell lies the other way.
        let under = |place: usize, count: usize, reverse: bool| match (place + 1 < count, reverse) {
            (false, _) => 0.0,
            (true, false) => 0.4,
            (true, true) => -0.4,
        };
        let mut labels = Vec::new();
        // A line through cells without a value: their grey alone could be a colour of the palette.
        let filled = |x: usize, y: usize| {
            rows.iter().any(|row| {
                row.value.is_some() && row.x == Some(x as f64) && row.y == Some(y as f64)
            })
        };
        for (x, y) in (0..across).flat_map(|x| (0..down).map(move |y| (x, y))) {
            if !filled(x, y) {
                let (x, y) = (x as f64, y as f64);
                let from = frame.place(Spot::of(x - 0.5), Spot::of(y + 0.5));
                let to = frame.place(Spot::of(x + 0.5), Spot::of(y - 0.5));
                shapes.push(Shape::line([from, to], STRUCK, 0.5));
            }
        }
        for row in rows {
            let (Some(x), Some(y), Some(value)) = (row.x, row.y, row.value) else {
                continue;
            };
            let Some((color, dark)) = shades.of(value) else {
                continue;
            };
            let from = (Spot::of(x - 0.5), Spot::of(y - 0.5));
            let to = (
                Spot::of(x + 0.5).by(under(x as usize, across, frame.x().scale.reverse)),
                Spot::of(y + 0.5).by(under(y as usize, down, frame.y().scale.reverse)),
            );
            shapes.push(Shape::Box(frame.area(from, to), color.into()));
            labels.push(((x, y), value, dark));
        }
        let values: Vec<f64> = labels.iter().map(|(_, value, _)| *value).collect();
        let Some((font, texts)) = written(&values, frame, layer) else {
            return shapes;
        };
        for (((x, y), _, dark), text) in labels.into_iter().zip(texts) {
            let set = Type {
                color: if dark { WHITE } else { INK },
                ..Type::new(font, HPos::Center, VPos::Center)
            };
            shapes.push(Shape::Text(
                frame.place(Spot::of(x), Spot::of(y)),
                set,
                text,
            ));
        }
        shapes
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let cell = Form::new("rect", rows)
            .at("x", Part::X)
            .at("y", Part::Y)
            .tells(&[Tells::Color]);
        let known: Vec<Row> = rows
            .iter()
            .filter(|row| row.value.is_some())
            .copied()
            .collect();
        let values: Vec<f64> = known.iter().filter_map(|row| row.value).collect();
        let Some((font, texts)) = written(&values, frame, layer) else {
            return vec![cell];
        };
        let dark = |value: &f64| {
            let shade = layer.value.and_then(|shades| shades.of(*value));
            shade.is_some_and(|(_, dark)| dark).into()
        };
        let text = Form::new("text", &known)
            .with("fontSize", font.size)
            .at("x", Part::X)
            .at("y", Part::Y)
            .writes(texts)
            .column("dark", values.iter().map(dark).collect())
            .encode(
                "color",
                serde_json::json!({
                    "condition": {
                        "test": { "field": "dark", "equal": true },
                        "value": color(WHITE),
                    },
                    "value": color(INK),
                }),
            );
        vec![cell, text]
    }

    fn sample(&self, _: Place, _: f64, _: &Look, _: &Sampled<'_>) -> Vec<Shape> {
        Vec::new()
    }

    fn hides_panel(&self) -> bool {
        true
    }
}

/// The numbers of cells as they are written, and the letters that fit. One size for all cells, or none: a map with gaps in it
/// misleads. Digits that tell values apart go before size.
fn written(values: &[f64], frame: &Frame<'_>, layer: &Drawing<'_>) -> Option<(Font, Vec<String>)> {
    let (wide, high) = frame.cell();
    let room = (wide - 2.0, high - 1.0);
    let font = |size: f64| Font {
        face: layer.face,
        size,
        bold: false,
    };
    let format = layer.drawn.value.as_ref().and_then(|value| value.format);
    choices(values, format).into_iter().find_map(|texts| {
        let widest = |size: f64| {
            texts
                .iter()
                .map(|label| text::width(label, font(size)))
                .fold(0.0, f64::max)
        };
        let size = [8.0, 7.0, 6.0, 5.5, 5.0]
            .into_iter()
            .find(|size| widest(*size) <= room.0 && size * 1.15 <= room.1)?;
        Some((font(size), texts))
    })
}

/// The numbers of cells, in the ways that may fit, as their `format` says.
fn choices(values: &[f64], format: Option<FormatName>) -> Vec<Vec<String>> {
    match format {
        None => number::alike(values),
        Some(FormatName::Percent) => {
            let shares: Vec<f64> = values.iter().map(|value| value * 100.0).collect();
            let percent = |text: String| text + "%";
            let ways = number::alike(&shares).into_iter();
            ways.map(|texts| texts.into_iter().map(percent).collect())
                .collect()
        }
        Some(_) => vec![number::labels(values, format, true).texts],
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{Column, DataFrame};

    use crate::figures::plot::{Plot, draw};

    fn drawn(y: &str, format: &str) -> String {
        let text = format!(
            "{{\"mark\":\"heat\",\"x\":\"x\",\"y\":{y},\"value\":{{\"field\":\"v\"{format}}}}}"
        );
        let plot: Plot = serde_json::from_str(&text).unwrap();
        let table = DataFrame::new(
            2,
            vec![
                Column::new("x".into(), ["a", "a"]),
                Column::new("y".into(), ["above", "below"]),
                Column::new("v".into(), [0.25, 0.5]),
            ],
        );
        draw(&plot, &table.unwrap()).unwrap().svg()
    }

    #[test]
    fn the_numbers_of_cells_follow_the_format_of_the_value() {
        assert!(drawn("\"y\"", "").contains(">0.25<"));
        let percent = drawn("\"y\"", ",\"format\":\"percent\"");
        assert!(
            percent.contains(">25%<") && !percent.contains(">0.25<"),
            "{percent}"
        );
    }

    /// The tops and bottoms of the cells, in the order in which they are drawn.
    fn cells(svg: &str) -> Vec<(f64, f64)> {
        let group = svg.split("<g clip-path").nth(1).unwrap();
        let group = group.split("</g>").next().unwrap();
        let outlines = group.split("<path d=\"M").skip(1);
        let ends = outlines.map(|outline| {
            let outline = outline.split('Z').next().unwrap();
            let heights = outline.split('L').map(|place| -> f64 {
                let (_, y) = place.split_once(' ').unwrap();
                y.parse().unwrap()
            });
            heights.fold((f64::MAX, f64::MIN), |(top, bottom), y| {
                (top.min(y), bottom.max(y))
            })
        });
        // Behind them lies what shows through cells without a value.
        ends.skip(1).collect()
    }

    #[test]
    fn no_gap_lies_between_two_cells_whichever_way_the_axis_runs() {
        for (y, down) in [
            ("\"y\"", true),
            ("{\"field\":\"y\",\"reverse\":true}", false),
        ] {
            let cells = cells(&drawn(y, ""));
            let [first, second] = cells[..] else {
                panic!("{cells:?}");
            };
            let overlap = if down {
                first.1 - second.0
            } else {
                second.1 - first.0
            };
            assert!(overlap > 0.3 && overlap < 0.6, "{y}: {cells:?}");
        }
    }
}

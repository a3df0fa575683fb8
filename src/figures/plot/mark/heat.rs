//! A cell for each pair of `x` and `y`, coloured by `value`, with the value in
//! the cell where it fits.

use std::collections::BTreeMap;

use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBColor, WHITE};

use super::contract::{
    About, Drawing, Frame, Mark, Outside, Row, Sampled, Side, USUAL, Unit, mean,
};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{INK, Type};
use crate::figures::plot::number;
use crate::figures::plot::palette::{self, Look};
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::Drawn;
use crate::figures::plot::text::{self, Font};

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
        let Some((scale, palette)) = layer.value else {
            return Vec::new();
        };
        let (across, down) = (frame.x().scale.places(), frame.y().scale.places());
        let mut shapes = vec![Shape::Box(frame.panel.area, NOTHING.into())];
        // Reaching under the next cell, or hairlines shine through.
        let under = |place: usize, count: usize| if place + 1 < count { 0.4 } else { 0.0 };
        let mut labels = Vec::new();
        for row in rows {
            let (Some(x), Some(y), Some(value)) = (row.x, row.y, row.value) else {
                continue;
            };
            let Some(share) = scale.place(value) else {
                continue;
            };
            let (color, dark) = palette::shade(palette, share);
            let from = (Spot::of(x - 0.5), Spot::of(y - 0.5));
            let to = (
                Spot::of(x + 0.5).by(under(x as usize, across)),
                Spot::of(y + 0.5).by(under(y as usize, down)),
            );
            shapes.push(Shape::Box(frame.area(from, to), color.into()));
            labels.push(((x, y), value, dark));
        }
        let values: Vec<f64> = labels.iter().map(|(_, value, _)| *value).collect();
        let (wide, high) = frame.cell();
        let room = (wide - 2.0, high - 1.0);
        // One size for all cells, or none: a map with gaps in it misleads. Digits that tell values apart go before size.
        let font = |size: f64| Font {
            face: layer.face,
            size,
            bold: false,
        };
        let fitting = number::alike(&values).into_iter().find_map(|texts| {
            let widest = |size: f64| {
                texts
                    .iter()
                    .map(|label| text::width(label, font(size)))
                    .fold(0.0, f64::max)
            };
            let size = [8.0, 7.0, 6.0, 5.5, 5.0]
                .into_iter()
                .find(|size| widest(*size) <= room.0 && size * 1.15 <= room.1)?;
            Some((size, texts))
        });
        let Some((size, texts)) = fitting else {
            return shapes;
        };
        for (((x, y), _, dark), text) in labels.into_iter().zip(texts) {
            let set = Type {
                color: if dark { WHITE } else { INK },
                ..Type::new(font(size), HPos::Center, VPos::Center)
            };
            shapes.push(Shape::Text(
                frame.place(Spot::of(x), Spot::of(y)),
                set,
                text,
            ));
        }
        shapes
    }

    fn sample(&self, _: Place, _: f64, _: &Look, _: &Sampled<'_>) -> Vec<Shape> {
        Vec::new()
    }

    fn hides_panel(&self) -> bool {
        true
    }
}

//! A cell for each pair of `x` and `y`, coloured by `value`, with the value in
//! the cell where it fits.

use std::collections::BTreeMap;

use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor, WHITE};

use super::contract::{Mark, Outside, Panel, Rows, Unit, mean};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{INK, Page, Type};
use crate::figures::plot::number;
use crate::figures::plot::palette::{Style, viridis};
use crate::figures::plot::scale::Scale;
use crate::figures::plot::text;

/// The colour of a cell without a value.
const NOTHING: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);

pub(super) struct Heat;

impl Mark for Heat {
    fn needs_categories(&self) -> bool {
        true
    }

    fn needs_vertical_categories(&self) -> bool {
        true
    }

    fn colors_by_value(&self) -> bool {
        true
    }

    fn unit(&self) -> Unit {
        Unit::Cell
    }

    fn outside(&self) -> Outside {
        Outside::Coloured
    }

    fn draw(&self, panel: &Panel, rows: &Rows<'_>) {
        let (Scale::Category(across), Scale::Category(down)) = (&panel.x().scale, &panel.y().scale)
        else {
            return;
        };
        let mut cells: BTreeMap<(usize, usize), Vec<Option<f64>>> = BTreeMap::new();
        for row in rows.rows {
            if let (Some(x), Some(y)) = (row.x, row.y) {
                let cell = cells.entry((y as usize, x as usize)).or_default();
                cell.push(row.value);
            }
        }
        let ((left, right), (bottom, top)) = (panel.sides(), panel.heights());
        let whole = [(left, top), (right, bottom)];
        panel.put(&Rectangle::new(whole, NOTHING.filled()));
        // Reaching under the next cell, or hairlines shine through.
        let under = |place: usize, count: usize| if place + 1 < count { 0.4 } else { 0.0 };
        let mut labels = Vec::new();
        for ((y, x), values) in cells {
            // Without one of its values a cell has no mean.
            let Some(values) = values.into_iter().collect::<Option<Vec<f64>>>() else {
                continue;
            };
            let value = mean(&values);
            let Some(share) = rows.value.place(value) else {
                continue;
            };
            let (color, dark) = viridis(share);
            let middle = (x as f64, y as f64);
            let from = (Spot::of(middle.0 - 0.5), Spot::of(middle.1 - 0.5));
            let to = (
                Spot::of(middle.0 + 0.5).by(under(x, across.len())),
                Spot::of(middle.1 + 0.5).by(under(y, down.len())),
            );
            panel.put(&Rectangle::new([from, to], color.filled()));
            labels.push((middle, value, dark));
        }
        let values: Vec<f64> = labels.iter().map(|(_, value, _)| *value).collect();
        let (wide, high) = panel.cell();
        let room = (wide - 3.0, high - 2.0);
        // One size for all cells, or none: a map with gaps in it misleads. Digits that tell values apart go before size.
        let fitting = number::alike(&values).into_iter().find_map(|texts| {
            let widest = |size: f64| {
                texts
                    .iter()
                    .map(|label| text::width(label, size, false))
                    .fold(0.0, f64::max)
            };
            let size = [8.0, 7.0, 6.0]
                .into_iter()
                .find(|size| widest(*size) <= room.0 && size * 1.15 <= room.1)?;
            Some((size, texts))
        });
        let Some((size, texts)) = fitting else {
            return;
        };
        for (((x, y), _, dark), text) in labels.into_iter().zip(texts) {
            let set = Type {
                color: if dark { WHITE } else { INK },
                ..Type::new(size, HPos::Center, VPos::Center)
            };
            panel.put(&set.text((Spot::of(x), Spot::of(y)), text));
        }
    }

    fn sample(&self, _: &Page, _: (f64, f64), _: f64, _: &Style) {}
}

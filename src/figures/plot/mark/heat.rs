//! A cell for each pair of `x` and `y`, coloured by `value`, with the value in
//! the cell where it fits.

use std::collections::BTreeMap;

use super::contract::{Mark, Panel, Rows};
use crate::figures::plot::canvas::{Anchor, Area, Canvas, INK, Type};
use crate::figures::plot::number;
use crate::figures::plot::palette::{Style, viridis};
use crate::figures::plot::scale::Scale;
use crate::figures::plot::text;

/// The colour of a cell without a value.
const NOTHING: &str = "#e4e4e4";

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

    fn draw(&self, canvas: &mut Canvas, panel: &Panel<'_>, rows: &Rows<'_>) {
        let (Scale::Category(across), Scale::Category(down)) = (panel.x, panel.y) else {
            return;
        };
        let width = panel.area.width() / across.len().max(1) as f64;
        let height = panel.area.height() / down.len().max(1) as f64;
        let mut cells: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        for row in rows.rows {
            if let (Some(x), Some(y)) = (row.x, row.y) {
                let cell = cells.entry((y as usize, x as usize)).or_default();
                cell.extend(row.value);
            }
        }
        canvas.rect(panel.area, NOTHING, 1.0);
        let mut labels = Vec::new();
        for ((y, x), values) in cells {
            if values.is_empty() {
                continue;
            }
            let value = values.iter().sum::<f64>() / values.len() as f64;
            let Some(share) = rows.value.place(value) else {
                continue;
            };
            let (left, top) = (
                panel.area.left + x as f64 * width,
                panel.area.top + y as f64 * height,
            );
            let (color, dark) = viridis(share);
            canvas.rect(
                Area {
                    left,
                    top,
                    // Reaching under the next cell, or hairlines shine through.
                    right: (left + width + 0.4).min(panel.area.right),
                    bottom: (top + height + 0.4).min(panel.area.bottom),
                },
                &color,
                1.0,
            );
            labels.push((left + width / 2.0, top + height / 2.0, value, dark));
        }
        let values: Vec<f64> = labels.iter().map(|(_, _, value, _)| *value).collect();
        let labels: Vec<_> = labels
            .into_iter()
            .zip(number::alike(&values))
            .map(|((x, y, _, dark), label)| (x, y, label, dark))
            .collect();
        let room = (width - 3.0, height - 2.0);
        let widest = |size: f64| {
            labels
                .iter()
                .map(|(_, _, label, _)| text::width(label, size, false))
                .fold(0.0, f64::max)
        };
        // One size for all cells, or none: a map with gaps in it misleads.
        let Some(size) = [8.0, 7.0, 6.0]
            .into_iter()
            .find(|size| widest(*size) <= room.0 && size * 1.15 <= room.1)
        else {
            return;
        };
        for (x, y, label, dark) in labels {
            let set = Type {
                color: if dark { "#ffffff" } else { INK },
                ..Type::new(size, Anchor::Middle)
            };
            canvas.text((x, y + 0.36 * size), &label, set);
        }
    }

    fn sample(&self, _: &mut Canvas, _: (f64, f64), _: f64, _: &Style) {}
}

//! A point for each row, with lines for errors in either direction.

use super::contract::{Mark, Panel, Rows, error_bar};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{Marker, Page, Stroke, put};
use crate::figures::plot::palette::{Style, style};

/// From this many rows on points are smaller and let others shine through.
const MANY: usize = 200;

pub(super) struct Point;

impl Mark for Point {
    fn draw(&self, panel: &Panel, rows: &Rows<'_>) {
        let (radius, opacity) = if rows.rows.len() >= MANY {
            (1.8, 0.5)
        } else {
            (2.8, 0.9)
        };
        // Series stand side by side within a category, as bars do.
        let lane = match panel.band() {
            Some(band) if rows.dodge => band * 0.6 / rows.series.max(1) as f64,
            _ => 0.0,
        };
        for row in rows.rows {
            let Some((x, y)) = panel.at(row.x, row.y) else {
                continue;
            };
            let style = style(row.series);
            let x = x.by((row.series as f64 - (rows.series as f64 - 1.0) / 2.0) * lane);
            if let (Some(value), Some(half)) = (row.y, row.y_error) {
                error_bar(panel, x, (value, half), (style.color, 2.0));
            }
            if let (Some(value), Some(half)) = (row.x, row.x_error)
                && panel.at(Some(value - half), row.y).is_some()
                && panel.at(Some(value + half), row.y).is_some()
            {
                let ends = [(Spot::of(value - half), y), (Spot::of(value + half), y)];
                panel.put(&Stroke::new(style.color, 0.9).along(ends));
            }
            panel.put(&Marker {
                place: (x, y),
                radius,
                style,
                opacity,
            });
        }
    }

    fn sample(&self, page: &Page, (x, y): (f64, f64), width: f64, style: &Style) {
        let marker = Marker {
            place: (x + width / 2.0, y),
            radius: 2.8,
            style: *style,
            opacity: 0.9,
        };
        put(page, &marker);
    }
}

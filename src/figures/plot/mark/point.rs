//! A point for each row, with lines for errors in either direction.

use super::contract::{Mark, Panel, Row, Rows, error_bar};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{Marker, Page, Stroke, put};
use crate::figures::plot::palette::{Style, style};

/// From this many rows on points are smaller and let others shine through.
const MANY: usize = 200;

pub(super) struct Point;

impl Mark for Point {
    fn draw(&self, panel: &Panel, rows: &Rows<'_>) {
        for row in rows.rows {
            let Some((x, y)) = panel.within(row.x, row.y) else {
                continue;
            };
            let color = style(row.series).color;
            if let Some(ends) = row.y_interval {
                error_bar(panel, x.by(shift(panel, rows, row)), ends, (color, 2.0));
            }
            if let Some((low, high)) = row.x_interval
                && panel.at(Some(low), row.y).is_some()
                && panel.at(Some(high), row.y).is_some()
            {
                let ends = [(Spot::of(low), y), (Spot::of(high), y)];
                panel.put(&Stroke::new(color, 0.9).along(ends));
            }
        }
    }

    fn draw_points(&self, panel: &Panel, rows: &Rows<'_>) {
        let (radius, opacity) = if rows.rows.len() >= MANY {
            (1.8, 0.5)
        } else {
            (2.8, 0.9)
        };
        for row in rows.rows {
            if let Some((x, y)) = panel.within(row.x, row.y) {
                panel.put(&Marker {
                    place: (x.by(shift(panel, rows, row)), y),
                    radius,
                    style: style(row.series),
                    opacity,
                });
            }
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

/// Series stand side by side within a category, as bars do.
fn shift(panel: &Panel, rows: &Rows<'_>, row: &Row) -> f64 {
    match panel.band() {
        Some(band) if rows.dodge => {
            let lane = band * 0.6 / rows.series.max(1) as f64;
            (row.series as f64 - (rows.series as f64 - 1.0) / 2.0) * lane
        }
        _ => 0.0,
    }
}

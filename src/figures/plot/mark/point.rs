//! A point for each row, with lines for errors in either direction.

use super::contract::{Mark, Panel, Rows, error_bar};
use crate::figures::plot::canvas::{Canvas, Stroke};
use crate::figures::plot::palette::{Style, style};

/// From this many rows on points are smaller and let others shine through.
const MANY: usize = 200;

pub(super) struct Point;

impl Mark for Point {
    fn draw(&self, canvas: &mut Canvas, panel: &Panel<'_>, rows: &Rows<'_>) {
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
            let x = x + (row.series as f64 - (rows.series as f64 - 1.0) / 2.0) * lane;
            if let (Some(value), Some(half)) = (row.y, row.y_error) {
                error_bar(canvas, panel, x, (value, half), (style.color, 2.0));
            }
            if let (Some(value), Some(half)) = (row.x, row.x_error)
                && let (Some(left), Some(right)) =
                    (panel.across(value - half), panel.across(value + half))
            {
                canvas.line(&[(left, y), (right, y)], Stroke::new(style.color, 0.9));
            }
            canvas.point((x, y), radius, &style, opacity);
            canvas.ink((x, y));
        }
    }

    fn sample(&self, canvas: &mut Canvas, (x, y): (f64, f64), width: f64, style: &Style) {
        canvas.point((x + width / 2.0, y), 2.8, style, 0.9);
    }
}

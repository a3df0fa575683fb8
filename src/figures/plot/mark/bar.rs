//! A bar for each value, side by side by series, with caps for errors.

use super::contract::{Mark, Panel, Rows, error_bar};
use crate::figures::plot::canvas::{Area, Canvas, INK};
use crate::figures::plot::palette::{Style, style};
use crate::figures::plot::scale::Scale;

/// The share of a category that its bars take.
const FILLED: f64 = 0.76;

pub(super) struct Bar;

impl Mark for Bar {
    fn needs_categories(&self) -> bool {
        true
    }

    fn starts_at_zero(&self) -> bool {
        true
    }

    fn needs_vertical_numbers(&self) -> bool {
        true
    }

    fn draw(&self, canvas: &mut Canvas, panel: &Panel<'_>, rows: &Rows<'_>) {
        let Some(band) = panel.band() else { return };
        let foot = match panel.y {
            Scale::Linear(low, high) => panel.up(0f64.clamp(*low, *high)),
            _ => None,
        }
        .unwrap_or(panel.area.bottom);
        let lanes = if rows.dodge { rows.series } else { 1 };
        let lane = band * FILLED / lanes.max(1) as f64;
        let wide = (lane * if lanes > 1 { 0.92 } else { 0.85 }).min(44.0);
        let middle = |x: f64, series: usize| {
            let shift = if rows.dodge {
                // Lanes lie side by side even where bars are kept narrow.
                (series as f64 - (lanes as f64 - 1.0) / 2.0) * lane.min(44.0 / 0.92)
            } else {
                0.0
            };
            panel.across(x).map(|x| x + shift)
        };
        for series in 0..rows.series {
            let style = style(series);
            for row in rows.averaged(series) {
                let (Some(x), Some(y)) = (row.x, row.y) else {
                    continue;
                };
                let (Some(x), Some(top)) = (middle(x, series), panel.up(y)) else {
                    continue;
                };
                let area = Area {
                    left: x - wide / 2.0,
                    right: x + wide / 2.0,
                    top: top.min(foot),
                    bottom: top.max(foot),
                };
                canvas.rect(area, style.color, 1.0);
                fill_with_ink(canvas, &area);
                if let Some(half) = row.y_error {
                    error_bar(canvas, panel, x, (y, half), (INK, (wide / 4.0).min(3.0)));
                }
            }
        }
        if rows.points {
            for row in rows.rows {
                let (Some(x), Some(y)) = (row.x, row.y) else {
                    continue;
                };
                if let (Some(x), Some(y)) = (middle(x, row.series), panel.up(y)) {
                    let dark = Style {
                        color: INK,
                        ..style(0)
                    };
                    canvas.point((x, y), 1.5, &dark, 0.6);
                    canvas.ink((x, y));
                }
            }
        }
    }

    fn sample(&self, canvas: &mut Canvas, (x, y): (f64, f64), width: f64, style: &Style) {
        let area = Area {
            left: x + width / 2.0 - 4.5,
            right: x + width / 2.0 + 4.5,
            top: y - 3.5,
            bottom: y + 3.5,
        };
        canvas.rect(area, style.color, 1.0);
    }
}

fn fill_with_ink(canvas: &mut Canvas, area: &Area) {
    let (across, down) = (
        (area.width() / 4.0).ceil().clamp(1.0, 50.0) as usize,
        (area.height() / 4.0).ceil().clamp(1.0, 200.0) as usize,
    );
    for i in 0..=across {
        for j in 0..=down {
            canvas.ink((
                area.left + area.width() * i as f64 / across as f64,
                area.top + area.height() * j as f64 / down as f64,
            ));
        }
    }
}

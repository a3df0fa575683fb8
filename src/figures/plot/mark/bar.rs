//! A bar for each value, side by side by series, with caps for errors.

use plotters::element::Rectangle;
use plotters::style::Color;

use super::contract::{Mark, Panel, Rows, error_bar};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::{INK, Marker, Page, filled, put};
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

    fn draw(&self, panel: &Panel, rows: &Rows<'_>) {
        let Some(band) = panel.band() else { return };
        let foot = match panel.y().scale {
            Scale::Linear(low, high) | Scale::Whole(low, high) => Spot::of(0f64.clamp(low, high)),
            _ => panel.heights().0,
        };
        let lanes = if rows.dodge { rows.series } else { 1 };
        let lane = band * FILLED / lanes.max(1) as f64;
        let wide = (lane * if lanes > 1 { 0.92 } else { 0.85 }).min(44.0);
        let shift = |series: usize| {
            if rows.dodge {
                // Lanes lie side by side even where bars are kept narrow.
                (series as f64 - (lanes as f64 - 1.0) / 2.0) * lane.min(44.0 / 0.92)
            } else {
                0.0
            }
        };
        for series in 0..rows.series {
            let color = style(series).color;
            for row in rows.averaged(series) {
                let (Some((x, top)), Some(y)) = (panel.at(row.x, row.y), row.y) else {
                    continue;
                };
                let x = x.by(shift(series));
                let corners = [(x.by(-wide / 2.0), top), (x.by(wide / 2.0), foot)];
                panel.put(&Rectangle::new(corners, color.filled()));
                if let Some(half) = row.y_error {
                    error_bar(panel, x, (y, half), (INK, (wide / 4.0).min(3.0)));
                }
            }
        }
        if rows.points {
            for row in rows.rows {
                if let Some((x, y)) = panel.at(row.x, row.y) {
                    panel.put(&Marker {
                        place: (x.by(shift(row.series)), y),
                        radius: 1.5,
                        style: Style {
                            color: INK,
                            ..style(0)
                        },
                        opacity: 0.6,
                    });
                }
            }
        }
    }

    fn sample(&self, page: &Page, (x, y): (f64, f64), width: f64, style: &Style) {
        let area = Area {
            left: x + width / 2.0 - 4.5,
            right: x + width / 2.0 + 4.5,
            top: y - 3.5,
            bottom: y + 3.5,
        };
        put(page, &filled(&area, style.color.into()));
    }
}

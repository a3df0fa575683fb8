//! A bar for each value, side by side by series, with caps for errors.

use plotters::element::Rectangle;
use plotters::style::Color;

use super::contract::{Mark, Outside, Panel, Rows, Unit, error_bar};
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

    fn unit(&self) -> Unit {
        Unit::Place
    }

    fn outside(&self) -> Outside {
        Outside::Cut
    }

    fn draw(&self, panel: &Panel, rows: &Rows<'_>) {
        let Some(lanes) = Lanes::new(panel, rows) else {
            return;
        };
        let (bottom, top) = panel.y().scale.ends();
        let foot = match panel.y().scale {
            Scale::Linear(low, high) | Scale::Whole(low, high) => 0f64.clamp(low, high),
            _ => bottom,
        };
        for series in 0..rows.series {
            let color = style(series).color;
            for row in rows.averaged(series) {
                let (Some((x, _)), Some(y)) = (panel.at(row.x, row.y), row.y) else {
                    continue;
                };
                let x = x.by(lanes.shift(series));
                let half = lanes.wide / 2.0;
                let end = y.clamp(bottom, top);
                let corners = [(x.by(-half), Spot::of(end)), (x.by(half), Spot::of(foot))];
                panel.put(&Rectangle::new(corners, color.filled()));
                if let Some(ends) = row.y_interval {
                    error_bar(panel, x, ends, (INK, (half / 2.0).min(3.0)));
                }
            }
        }
    }

    fn draw_points(&self, panel: &Panel, rows: &Rows<'_>) {
        let Some(lanes) = Lanes::new(panel, rows).filter(|_| rows.points) else {
            return;
        };
        for row in rows.rows {
            if let Some((x, y)) = panel.within(row.x, row.y) {
                panel.put(&Marker {
                    place: (x.by(lanes.shift(row.series)), y),
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

/// Where the bars of a category stand.
struct Lanes {
    count: usize,
    /// The width of a lane and of a bar in it.
    lane: f64,
    wide: f64,
}

impl Lanes {
    fn new(panel: &Panel, rows: &Rows<'_>) -> Option<Self> {
        let band = panel.band()?;
        let count = if rows.dodge { rows.series.max(1) } else { 1 };
        let lane = band * FILLED / count as f64;
        let wide = (lane * if count > 1 { 0.92 } else { 0.85 }).min(44.0);
        Some(Self { count, lane, wide })
    }

    /// The distance of a series from the middle of its category.
    fn shift(&self, series: usize) -> f64 {
        if self.count == 1 {
            return 0.0;
        }
        // Lanes lie side by side even where bars are kept narrow.
        (series as f64 - (self.count as f64 - 1.0) / 2.0) * self.lane.min(44.0 / 0.92)
    }
}

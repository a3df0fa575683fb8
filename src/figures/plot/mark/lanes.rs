//! Where the marks of a category stand side by side.

use super::contract::Drawing;
use super::frame::Frame;
use super::row::Row;

/// The share of a category that its marks take.
const FILLED: f64 = 0.76;
/// The share of a lane that is air, where there are several.
pub(in crate::figures::plot) const LANE_AIR: f64 = 0.08;
/// The widest mark in a category, in points.
const WIDEST: f64 = 44.0;

/// Where the marks of a category stand side by side.
pub(in crate::figures::plot) struct Lanes {
    count: usize,
    /// The width of a lane.
    lane: f64,
    /// The width of a mark in it.
    pub wide: f64,
}

impl Lanes {
    /// The lanes of a category; none on an axis of numbers.
    pub(in crate::figures::plot) fn new(frame: &Frame<'_>, layer: &Drawing<'_>) -> Option<Self> {
        let band = frame.band()?;
        let count = layer.lanes.1.max(1);
        let lane = band * FILLED / count as f64;
        let filled = if count > 1 { 1.0 - LANE_AIR } else { 0.85 };
        let wide = (lane * filled).min(WIDEST);
        Some(Self { count, lane, wide })
    }

    /// How wide the marks of a category are together, with the air between them and half of it on each side.
    pub(in crate::figures::plot) fn together(&self) -> f64 {
        if self.count == 1 {
            self.wide
        } else {
            self.lane.min(WIDEST / (1.0 - LANE_AIR)) * self.count as f64
        }
    }

    /// The distance of a lane from the middle of its category.
    pub(in crate::figures::plot) fn shift(&self, lane: usize) -> f64 {
        if self.count == 1 {
            return 0.0;
        }
        // Lanes lie side by side even where marks are kept narrow.
        (lane as f64 - (self.count as f64 - 1.0) / 2.0) * self.lane.min(WIDEST / (1.0 - LANE_AIR))
    }
}

/// How far a row's mark stands from the middle of its category.
pub(in crate::figures::plot) fn shift(frame: &Frame<'_>, row: &Row, layer: &Drawing<'_>) -> f64 {
    let lane = layer.lanes.0.get(row.series).copied().unwrap_or_default();
    Lanes::new(frame, layer).map_or(0.0, |lanes| lanes.shift(lane))
}

//! Points at one category, spread so that all of them are seen.

use super::contract::Drawing;
use super::frame::{Frame, marker};
use super::lanes::Lanes;
use super::row::Row;
use crate::figures::plot::element::INK;
use crate::figures::plot::palette::{Look, Shape as Sign};
use crate::figures::plot::scene::{Place, Shape};

/// Every row as a small point over a mark that sums them up, if the layer asks for it.
pub(super) fn all_rows(frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
    if layer.drawn.points != Some(true) {
        return Vec::new();
    }
    let ink = Look {
        color: INK,
        shape: Sign::Circle,
        dash: "",
    };
    spread(frame, rows, layer, 1.5)
        .into_iter()
        .map(|(place, _)| marker(place, 1.5, &ink, 0.6))
        .collect()
}

/// The places of the points of rows that lie inside the panel, each with its row: at their category, at random beside it, or side by side.
pub(super) fn spread(
    frame: &Frame<'_>,
    rows: &[Row],
    layer: &Drawing<'_>,
    radius: f64,
) -> Vec<(Place, Row)> {
    let lanes = Lanes::new(frame, layer);
    let mut found: Vec<(Place, Row)> = Vec::new();
    for row in rows {
        let Some((x, y)) = frame.within(row.x, row.y) else {
            continue;
        };
        let Some(lanes) = &lanes else {
            found.push((frame.place(x, y), *row));
            continue;
        };
        found.push((frame.place(x.by(beside(lanes, row, layer)), y), *row));
    }
    if layer.drawn.swarm == Some(true)
        && let Some(lanes) = &lanes
    {
        swarm(frame, &mut found, radius, lanes.wide);
    }
    found
}

/// How far a point stands from the middle of its category, before any swarm.
fn beside(lanes: &Lanes, row: &Row, layer: &Drawing<'_>) -> f64 {
    let by = if layer.drawn.jitter == Some(true) {
        (random(row.row) - 0.5) * lanes.wide * 0.7
    } else {
        0.0
    };
    lanes.shift(layer.lanes.0[row.series]) + by
}

/// The same of all rows; nothing on an axis of numbers.
pub(super) fn aside(frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<f64> {
    let Some(lanes) = Lanes::new(frame, layer) else {
        return vec![0.0; rows.len()];
    };
    rows.iter().map(|row| beside(&lanes, row, layer)).collect()
}

/// A number from 0 to 1 that depends on the row alone (the SplitMix64 generator).
fn random(row: usize) -> f64 {
    let mut z = (row as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Moves points aside until none lies over another, as little as possible, but not out of the lane.
fn swarm(frame: &Frame<'_>, points: &mut [(Place, Row)], radius: f64, wide: f64) {
    let least = 2.0 * radius + 0.3;
    let split = |place: Place| {
        if frame.flipped {
            (place.1, place.0)
        } else {
            place
        }
    };
    let joined = |(x, y): Place| if frame.flipped { (y, x) } else { (x, y) };
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| split(points[*a].0).1.total_cmp(&split(points[*b].0).1));
    let mut done: Vec<(usize, Place)> = Vec::new();
    for one in order {
        let (x, y) = split(points[one].0);
        let same = |other: &&(usize, Place)| {
            points[other.0].1.x == points[one].1.x
                && points[other.0].1.series == points[one].1.series
                && (other.1.1 - y).abs() < least
        };
        let near: Vec<Place> = done.iter().filter(same).map(|(_, place)| *place).collect();
        // Beside a neighbour, touching it, on either side.
        let mut tries = vec![0.0];
        for (other, height) in &near {
            let aside = (least * least - (height - y).powi(2)).max(0.0).sqrt();
            tries.extend([other + aside - x, other - aside - x]);
        }
        tries.retain(|by| by.abs() <= wide / 2.0);
        tries.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let free = |by: &&f64| {
            near.iter()
                .all(|(other, height)| (other - x - **by).hypot(height - y) >= least - 1e-6)
        };
        let by = tries.iter().find(free).copied().unwrap_or(0.0);
        done.push((one, (x + by, y)));
        points[one].0 = joined((x + by, y));
    }
}

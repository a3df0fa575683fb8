//! Where panels lie: those of the figure side by side, and the facets of each, with their axes in line.

use super::counts::of_views;
use super::insets::Insets;
use super::view::Laid;
use super::{BETWEEN, Figure, Trouble};
use crate::figures::plot::canvas::Area;

/// The panels with their places.
pub(super) fn lay_out<'f>(
    figure: &'f Figure<'f>,
    room: &Area,
    page: (f64, f64),
) -> Result<Vec<Laid<'f>>, Trouble> {
    let views = &figure.data.views;
    let (lines, columns) = of_views(figure.plot, views.len());
    let wide = (room.width() - BETWEEN * (columns - 1) as f64) / columns as f64;
    let free = room.height() - BETWEEN * 0.6 * (lines - 1) as f64;
    let rect = |place: usize, heights: &[f64]| {
        let (line, column) = (place / columns, place % columns);
        let left = room.left + column as f64 * (wide + BETWEEN);
        let above: f64 = heights[..line]
            .iter()
            .map(|high| high + BETWEEN * 0.6)
            .sum();
        let top = room.top + above;
        Area {
            left,
            top,
            right: left + wide,
            bottom: top + heights[line],
        }
    };
    // All lines of panels have data of the same height, however much stands around it.
    let shared = |aligned: &[Insets]| -> Vec<f64> {
        let around = (0..lines).map(|line| {
            let own = &aligned[line * columns];
            own.top + own.bottom
        });
        let around: Vec<f64> = around.collect();
        let each = (free - around.iter().sum::<f64>()).max(0.0) / lines as f64;
        around.into_iter().map(|around| around + each).collect()
    };
    let mut heights = vec![free / lines as f64; lines];
    let mut aligned = vec![Insets::default(); views.len()];
    for _ in 0..ROUNDS {
        let mut own = Vec::new();
        for (place, view) in views.iter().enumerate() {
            own.push(Insets::new(
                figure,
                (place, view),
                &rect(place, &heights),
                page,
                &aligned[place],
            )?);
        }
        let next = in_line(&own, columns);
        // Labels depend on the room that is left for the panel, and that on the labels.
        let settled = !next.iter().zip(&aligned).any(|(n, a)| n.exceeds(a));
        aligned = next;
        heights = shared(&aligned);
        if settled {
            break;
        }
    }
    let views = views.iter().enumerate().zip(aligned);
    views
        .map(|((place, view), insets)| {
            Laid::new(figure, (place, view), &rect(place, &heights), insets, page)
        })
        .collect()
}

/// So often the room around panels is measured, at most.
const ROUNDS: usize = 8;

/// Panels under one another begin and end at the same place, and so do those side by side.
fn in_line(insets: &[Insets], columns: usize) -> Vec<Insets> {
    let most = |of: fn(&Insets) -> f64, same: &dyn Fn(usize) -> bool| {
        let own = insets.iter().enumerate().filter(|(place, _)| same(*place));
        own.map(|(_, insets)| of(insets)).fold(0.0, f64::max)
    };
    (0..insets.len())
        .map(|place| {
            let column = |other: usize| other % columns == place % columns;
            let line = |other: usize| other / columns == place / columns;
            Insets {
                left: most(|insets| insets.left, &column),
                right: most(|insets| insets.right, &column),
                top: most(|insets| insets.top, &line),
                bottom: most(|insets| insets.bottom, &line),
                ..insets[place].clone()
            }
        })
        .collect()
}

/// The area from the first panel to the last.
pub(super) fn inner(laid: &[Laid<'_>]) -> Area {
    let start = Area {
        left: f64::INFINITY,
        top: f64::INFINITY,
        right: f64::NEG_INFINITY,
        bottom: f64::NEG_INFINITY,
    };
    laid.iter().fold(start, |all, view| Area {
        left: all.left.min(view.inner.left),
        top: all.top.min(view.inner.top),
        right: all.right.max(view.inner.right),
        bottom: all.bottom.max(view.inner.bottom),
    })
}

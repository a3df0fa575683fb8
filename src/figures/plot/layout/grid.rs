//! Where panels lie: those of the figure side by side, and the facets of each, with their axes in line.

use super::view::{Insets, Laid};
use super::{BETWEEN, Figure, Trouble};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::View;
use crate::figures::plot::spec::Plot;

/// How many rows and columns the panels of a figure have.
pub(super) fn of_views(plot: &Plot, count: usize) -> (usize, usize) {
    if plot.panels.is_empty() {
        return (1, 1);
    }
    let columns = plot.columns.unwrap_or(match count {
        0..=3 => count,
        4 => 2,
        _ => 3,
    });
    let columns = columns.clamp(1, count.max(1));
    (count.div_ceil(columns), columns)
}

/// How many rows and columns the facets of a panel have.
pub(super) fn of_facets(view: &View<'_>, beside_others: bool) -> (usize, usize) {
    if let Some(grid) = view.grid {
        return grid;
    }
    let count = view.facets.len().max(1);
    let columns = view
        .written
        .columns
        .filter(|_| view.written.facet.is_some());
    let columns = columns.unwrap_or_else(|| {
        // As square as can be without an empty place, if there is such a way.
        let root = (count as f64).sqrt().ceil() as usize;
        let most = if beside_others { 2 } else { 4 };
        match count {
            0..=3 => count,
            count => (2..=most.max(root))
                .filter(|columns| count % columns == 0)
                .min_by_key(|columns| columns.abs_diff(root))
                .unwrap_or(root),
        }
    });
    let columns = columns.clamp(1, count);
    (count.div_ceil(columns), columns)
}

/// The panels with their places.
pub(super) fn lay_out<'f>(
    figure: &'f Figure<'f>,
    room: &Area,
    page: (f64, f64),
) -> Result<Vec<Laid<'f>>, Trouble> {
    let views = &figure.data.views;
    let (lines, columns) = of_views(figure.plot, views.len());
    let wide = (room.width() - BETWEEN * (columns - 1) as f64) / columns as f64;
    let high = (room.height() - BETWEEN * 0.6 * (lines - 1) as f64) / lines as f64;
    let rect = |place: usize| {
        let (line, column) = (place / columns, place % columns);
        let left = room.left + column as f64 * (wide + BETWEEN);
        let top = room.top + line as f64 * (high + BETWEEN * 0.6);
        Area {
            left,
            top,
            right: left + wide,
            bottom: top + high,
        }
    };
    let mut insets = Vec::new();
    for (place, view) in views.iter().enumerate() {
        insets.push(Insets::new(figure, (place, view), &rect(place), page)?);
    }
    // Panels under one another begin and end at the same place, and so do those side by side.
    let most = |of: fn(&Insets) -> f64, same: &dyn Fn(usize) -> bool| {
        let own = insets.iter().enumerate().filter(|(place, _)| same(*place));
        own.map(|(_, insets)| of(insets)).fold(0.0, f64::max)
    };
    let aligned: Vec<Insets> = (0..views.len())
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
        .collect();
    let views = views.iter().enumerate().zip(aligned);
    views
        .map(|((place, view), insets)| Laid::new(figure, (place, view), &rect(place), insets, page))
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

//! How many rows and columns of panels there are.

use super::Figure;
use crate::figures::plot::data::View;
use crate::figures::plot::spec::Plot;

/// How many rows and columns the panels of a figure have.
pub(in crate::figures::plot) fn of_views(plot: &Plot, count: usize) -> (usize, usize) {
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

/// The least width of a facet where the layout chooses how many stand side by side, and the most that do.
const NARROW: f64 = 90.0;
const MOST: usize = 6;

/// How many rows and columns the facets of a panel have.
pub(super) fn of_facets(figure: &Figure<'_>, view: &View<'_>) -> (usize, usize) {
    if let Some(grid) = view.grid {
        return grid;
    }
    let count = view.facets.len().max(1);
    let columns = view.written.columns;
    let columns = columns.filter(|_| view.written.facet.is_some());
    let columns = columns.unwrap_or_else(|| {
        let beside = of_views(figure.plot, figure.data.views.len()).1;
        let most = match figure.width() {
            // Room for the labels of the vertical axis goes off.
            Some(width) => ((width / beside as f64 - 30.0) / NARROW) as usize,
            None if figure.data.views.len() > 1 => 2,
            None => 5,
        };
        balanced(count, most.clamp(1, MOST))
    });
    let columns = columns.clamp(1, count);
    (count.div_ceil(columns), columns)
}

/// How many of `count` panels stand side by side, at most so many: of the ways without an empty place the widest, if it is not
/// much higher than wide; else the way with the fewest empty places.
fn balanced(count: usize, most: usize) -> usize {
    if count <= most.min(3) {
        return count;
    }
    let empty = |columns: usize| count.div_ceil(columns) * columns - count;
    let flat = |columns: &usize| count.div_ceil(*columns) <= 2 * columns;
    let ways = (1..=most.min(count)).filter(|columns| flat(columns));
    ways.min_by_key(|columns| (empty(*columns), std::cmp::Reverse(*columns)))
        .unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_leave_no_place_empty_where_they_can() {
        let at = |most: usize| -> Vec<usize> { (1..=13).map(|n| balanced(n, most)).collect() };
        assert_eq!(at(5), [1, 2, 3, 4, 5, 3, 4, 4, 3, 5, 4, 4, 5]);
        assert_eq!(at(4), [1, 2, 3, 4, 3, 3, 4, 4, 3, 4, 4, 4, 3]);
        assert_eq!(at(2), [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(balanced(8, 4), 4);
    }
}

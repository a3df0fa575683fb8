//! Which series have something to see: the legend says of the others that they are not shown.

use std::collections::BTreeSet;

use super::Figure;
use crate::figures::plot::data::{Layer, View};
use crate::figures::plot::mark::{Outside, Row, Side, Unit};
use crate::figures::plot::scale::Scale;

/// The groups of a column, each with a facet.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Those with rows there.
    present: BTreeSet<(usize, usize)>,
    /// Those with something inside the axes.
    visible: BTreeSet<(usize, usize)>,
}

impl Seen {
    /// Whether a group has rows in any facet.
    pub(super) fn has(&self, group: usize) -> bool {
        self.present.iter().any(|(_, own)| *own == group)
    }

    /// Whether something of a group is inside the axes of any facet.
    pub(super) fn shows(&self, group: usize) -> bool {
        self.visible.iter().any(|(_, own)| *own == group)
    }

    /// Whether a group has rows in a facet, but nothing inside its axes.
    pub(super) fn hides(&self, facet: usize, group: usize) -> bool {
        let at = (facet, group);
        self.present.contains(&at) && !self.visible.contains(&at)
    }

    /// Whether a group has rows in some facet, but nothing inside its axes.
    pub(super) fn hides_some(&self, group: usize) -> bool {
        let mut own = self.present.difference(&self.visible);
        own.any(|(_, own)| *own == group)
    }
}

/// The groups of a column that some layers tell apart.
pub(super) fn groups(figure: &Figure<'_>, layers: &[Placed<'_>], field: &str) -> Seen {
    let mut seen = Seen::default();
    for (at, view, layer) in layers {
        let keys = ["color", "shape", "dash"].map(|p| figure.data.keys.of(p, *at));
        let key = keys
            .into_iter()
            .flatten()
            .find(|k| k.channel.field == field);
        let Some(of_rows) = key.and_then(|key| key.of_rows(*at)) else {
            continue;
        };
        let group = |row: &Row| Some((row.panel, *of_rows.get(row.row)?));
        seen.present.extend(layer.raw.iter().filter_map(group));
        seen.visible
            .extend(visible(view, layer).iter().filter_map(group));
    }
    seen
}

/// The rows of a layer of which something lies inside the axes.
fn visible(view: &View<'_>, layer: &Layer<'_>) -> Vec<Row> {
    let points = layer.drawn.points == Some(true);
    let raw = layer.raw.iter().filter(|_| points);
    let raw = raw.filter(|row| is_inside(view, layer, row, false));
    let own = layer.rows.iter();
    let own = own.filter(|row| is_inside(view, layer, row, true));
    let mut found: Vec<Row> = own.chain(raw).copied().collect();
    found.extend(crossing(view, layer));
    found
}

/// The scales along which a row's mark stands and reaches.
fn scales<'v>(view: &'v View<'_>, layer: &Layer<'_>, row: &Row) -> Option<(&'v Scale, &'v Scale)> {
    let facet = view.facets.get(row.panel)?;
    Some(if layer.flipped {
        (&facet.y, &facet.x)
    } else {
        (&facet.x, &facet.y)
    })
}

/// Whether part of a row's mark lies inside the axes. `whole` counts its interval and its foot too.
fn is_inside(view: &View<'_>, layer: &Layer<'_>, row: &Row, whole: bool) -> bool {
    let Some((x, y)) = scales(view, layer, row) else {
        return false;
    };
    let about = layer.mark.about();
    let along = |value: Option<f64>| value.is_some_and(|value| x.holds(value));
    let (Some(value), false) = (row.y, about.unit == Unit::Sample) else {
        // A mark that computes how far it reaches, or reaches all the way.
        let computes = matches!(about.y, Side::Computed | Side::Optional);
        return (computes || row.y.is_some()) && (along(row.x) || row.x.is_none());
    };
    if y.place(value).is_none() || !(along(row.x) || row.x.is_none() && about.x == Side::Optional) {
        return false;
    }
    let (mut from, mut to) = (value, value);
    if whole && about.outside == Outside::Cut {
        let foot = about
            .zero
            .then_some(if y.is_log() { y.ends().0 } else { 0.0 });
        let interval = row.y_interval.map(|(low, high)| [low, high]);
        let ends = interval.into_iter().flatten();
        for end in ends.chain(row.base.or(foot)) {
            (from, to) = (from.min(end), to.max(end));
        }
    }
    let (low, high) = y.ends();
    to >= low && from <= high
}

/// The first row of each stretch between two rows outside that goes through the axes.
fn crossing(view: &View<'_>, layer: &Layer<'_>) -> Vec<Row> {
    let about = layer.mark.about();
    if about.outside != Outside::Cut || about.zero || about.y != Side::Number {
        return Vec::new();
    }
    let mut rows: Vec<&Row> = layer.rows.iter().collect();
    rows.sort_by(|a, b| {
        let key = |row: &Row| (row.panel, row.series);
        let places = (a.x.unwrap_or(f64::NAN), b.x.unwrap_or(f64::NAN));
        key(a).cmp(&key(b)).then(places.0.total_cmp(&places.1))
    });
    let meets = |scale: &Scale, a: Option<f64>, b: Option<f64>| {
        let places = (
            a.and_then(|a| scale.place(a)),
            b.and_then(|b| scale.place(b)),
        );
        let (Some(a), Some(b)) = places else {
            return false;
        };
        a.max(b) >= 0.0 && a.min(b) <= 1.0
    };
    let pairs = rows.windows(2).filter(|pair| {
        let (a, b) = (pair[0], pair[1]);
        (a.panel, a.series) == (b.panel, b.series)
            && scales(view, layer, a).is_some_and(|(x, y)| meets(x, a.x, b.x) && meets(y, a.y, b.y))
    });
    pairs.map(|pair| *pair[0]).collect()
}

/// A layer with the places of its panel and in it, and its panel.
pub(super) type Placed<'v> = ((usize, usize), &'v View<'v>, &'v Layer<'v>);

/// The layers in which a column tells series apart.
pub(super) fn layers_with<'v>(
    figure: &Figure<'_>,
    views: &[(usize, &'v View<'v>)],
    field: &str,
) -> Vec<Placed<'v>> {
    let mut found = Vec::new();
    for (place, view) in views {
        for (at, layer) in view.layers.iter().enumerate() {
            let keys = ["color", "shape", "dash"].map(|p| figure.data.keys.of(p, (*place, at)));
            if keys
                .into_iter()
                .flatten()
                .any(|key| key.channel.field == *field)
            {
                found.push(((*place, at), *view, layer));
            }
        }
    }
    found
}

/// What is said of a series without anything to see.
pub(super) fn not_shown(label: &str) -> String {
    format!("{label} (not shown)")
}

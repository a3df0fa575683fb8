//! The names of lines at their ends, in place of a legend.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::seen::{self, Seen, layers_with, not_shown};
use super::{Figure, Trouble};
use crate::figures::plot::axis::{LINE, Spot};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::{Data, Key, View};
use crate::figures::plot::element::{INK, Type};
use crate::figures::plot::mark::{Panel, Row};
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::spec::{Legend, Plot};
use crate::figures::plot::text::{self, Font};

/// The air between a panel and the names.
const AIR: f64 = 5.0;
/// The most that the names take of a panel's width, where they can be broken.
const MOST: f64 = 0.35;
/// Names of lines that are not shown.
const FAINT: RGBColor = RGBColor(0x77, 0x77, 0x77);

/// Whether a panel names its lines at their ends.
pub(in crate::figures::plot) fn are_wanted(plot: &Plot, view: &View<'_>) -> bool {
    let own = view.written.legend.or(plot.legend);
    own == Some(Legend::Ends)
}

/// The key whose groups the lines of a layer are named by: the first that tells them apart.
pub(in crate::figures::plot) fn key<'d>(
    data: &'d Data<'_>,
    layer: (usize, usize),
) -> Option<&'d Key> {
    let mut keys = ["color", "dash", "shape"].into_iter();
    keys.find_map(|parameter| data.keys.of(parameter, layer))
}

/// The columns whose values stand at the ends of lines of a panel.
pub(super) fn named<'f>(figure: &Figure<'f>, place: usize, view: &View<'_>) -> Vec<&'f str> {
    if !are_wanted(figure.plot, view) {
        return Vec::new();
    }
    let layers = 0..view.layers.len();
    let keys = layers.filter_map(|at| key(figure.data, (place, at)));
    keys.map(|key| key.channel.field.as_str()).collect()
}

/// One name beside a facet.
struct Name {
    group: usize,
    lines: Vec<String>,
    color: RGBColor,
    /// The last place of its line that is seen.
    end: Option<Place>,
}

/// The room that the names need at the right of a facet, where the panel is `wide` points wide.
pub(super) fn room(figure: &Figure<'_>, place: usize, view: &View<'_>, wide: f64) -> f64 {
    if !are_wanted(figure.plot, view) {
        return 0.0;
    }
    let font = figure.fonts.tick;
    let mut lines = Vec::new();
    for at in 0..view.layers.len() {
        let Some(key) = key(figure.data, (place, at)) else {
            continue;
        };
        let seen = seen_of(figure, (place, view), &key.channel.field);
        for (group, name) in key.names().iter().enumerate() {
            lines.extend(broken(name, font, wide));
            if seen.hides_some(group) {
                lines.extend(broken(&not_shown(name), font, wide));
            }
        }
    }
    let lines = lines.into_iter();
    let widest = lines
        .map(|line| text::width(&line, font))
        .fold(0.0, f64::max);
    if widest > 0.0 { widest + AIR } else { 0.0 }
}

fn seen_of(figure: &Figure<'_>, (place, view): (usize, &View<'_>), field: &str) -> Seen {
    let layers = layers_with(figure, &[(place, view)], field);
    seen::groups(figure, &layers, field)
}

fn broken(name: &str, font: Font, wide: f64) -> Vec<String> {
    text::wrapped(name, font, wide * MOST)
}

/// The names of the lines of one facet, moved apart where they would lie over one another.
pub(super) fn labels(
    figure: &Figure<'_>,
    (place, view): (usize, &View<'_>),
    facet: usize,
    (panel, wide): (&Panel, f64),
) -> Result<Vec<Shape>, Trouble> {
    let font = figure.fonts.tick;
    let (line, area) = (font.size * LINE, panel.area);
    let mut names = found(figure, (place, view), facet, (panel, wide));
    // Lines that are not shown are named last.
    let height = |name: &Name| name.end.map_or(f64::INFINITY, |(_, y)| y);
    names.sort_by(|a, b| height(a).total_cmp(&height(b)).then(a.group.cmp(&b.group)));
    let wanted: Vec<(f64, f64)> = names
        .iter()
        .map(|name| {
            (
                height(name).min(area.bottom),
                name.lines.len() as f64 * line,
            )
        })
        .collect();
    let limits = (area.top - line / 2.0, area.bottom + line / 2.0);
    let places = apart(&wanted, limits)
        .ok_or_else(|| Trouble::high("the names at the ends of lines do not fit"))?;
    let x = area.right + AIR;
    let mut shapes = Vec::new();
    for (y, name) in places.into_iter().zip(names) {
        if let Some((right, own)) = name.end
            && ((y - own).abs() > line / 2.0 || area.right - right > 2.0 * AIR)
        {
            // A name that stands away from its line is led back to it.
            let places = [(right + 1.5, own), (x - 1.0, y)];
            shapes.push(Shape::line(places, name.color, 0.5));
        }
        let set = Type {
            color: name.color,
            ..Type::new(font, HPos::Left, VPos::Center)
        };
        let first = y - (name.lines.len() as f64 - 1.0) / 2.0 * line;
        let lines = name.lines.into_iter().enumerate();
        shapes.extend(lines.map(|(at, text)| {
            let place = (x, first + at as f64 * line);
            Shape::Text(place, set, text)
        }));
    }
    Ok(shapes)
}

/// The names of one facet with the ends of their lines.
fn found(
    figure: &Figure<'_>,
    (place, view): (usize, &View<'_>),
    facet: usize,
    (panel, wide): (&Panel, f64),
) -> Vec<Name> {
    let font = figure.fonts.tick;
    let mut names: Vec<Name> = Vec::new();
    for (at, layer) in view.layers.iter().enumerate() {
        let Some(key) = key(figure.data, (place, at)) else {
            continue;
        };
        let Some(of_rows) = key.of_rows((place, at)) else {
            continue;
        };
        let mut raw = layer.raw.iter().filter(|row| row.panel == facet);
        let mut present = vec![false; key.names().len()];
        raw.by_ref()
            .filter_map(|row| of_rows.get(row.row))
            .for_each(|group| present[*group] = true);
        let seen = seen_of(figure, (place, view), &key.channel.field);
        let ends = ends_of(layer.rows.iter().filter(|row| row.panel == facet), panel);
        for (group, label) in key.names().iter().enumerate() {
            if !present[group]
                || names
                    .iter()
                    .any(|own| own.group == group && own.end.is_some())
            {
                continue;
            }
            // Of several lines with one name, that which reaches farthest has it.
            let own = ends
                .iter()
                .filter(|(row, _)| of_rows.get(row.row) == Some(&group));
            let last = own.max_by(|a, b| a.1.0.total_cmp(&b.1.0));
            names.retain(|own| own.group != group);
            names.push(match last {
                Some((row, end)) => Name {
                    group,
                    lines: broken(label, font, wide),
                    color: layer.looks.get(row.series).map_or(INK, |look| look.color),
                    end: Some(*end),
                },
                None => Name {
                    group,
                    lines: if seen.hides(facet, group) {
                        broken(&not_shown(label), font, wide)
                    } else {
                        broken(label, font, wide)
                    },
                    color: FAINT,
                    end: None,
                },
            });
        }
    }
    names
}

/// Where each series of rows is seen last, from the left to the right of the page, with one of its rows.
fn ends_of<'r>(rows: impl Iterator<Item = &'r Row>, panel: &Panel) -> Vec<(Row, Place)> {
    let mut series: std::collections::BTreeMap<usize, Vec<(&Row, Option<Place>)>> =
        std::collections::BTreeMap::new();
    let (x, y) = (&panel.x().scale, &panel.y().scale);
    for row in rows {
        let place = row.x.zip(row.y);
        let place = place.filter(|(a, b)| x.place(*a).is_some() && y.place(*b).is_some());
        let place = place.map(|(x, y)| panel.place(Spot::of(x), Spot::of(y)));
        series.entry(row.series).or_default().push((row, place));
    }
    let mut ends = Vec::new();
    for mut rows in series.into_values() {
        rows.sort_by(|a, b| a.0.x.unwrap_or(0.0).total_cmp(&b.0.x.unwrap_or(0.0)));
        if x.reverse {
            rows.reverse();
        }
        let single = rows
            .iter()
            .filter_map(|(row, place)| Some((*row, (*place)?)))
            .filter(|(_, place)| panel.area.widened(0.02).holds(*place));
        let through = rows.windows(2).filter_map(|pair| {
            let (from, to) = (pair[0].1?, pair[1].1?);
            Some((pair[0].0, leaves(&panel.area, from, to)?))
        });
        let last = single.chain(through).max_by(|a, b| a.1.0.total_cmp(&b.1.0));
        ends.extend(last.map(|(row, place)| (*row, place)));
    }
    ends
}

/// The last place inside an area of a straight line that goes through it.
fn leaves(area: &Area, from: Place, to: Place) -> Option<Place> {
    if !area.meets(from, to) {
        return None;
    }
    let mut last = 1.0f64;
    for (start, end, low, high) in [
        (from.0, to.0, area.left, area.right),
        (from.1, to.1, area.top, area.bottom),
    ] {
        let step = end - start;
        if step != 0.0 {
            last = last.min(((low - start) / step).max((high - start) / step));
        }
    }
    Some((
        from.0 + last * (to.0 - from.0),
        from.1 + last * (to.1 - from.1),
    ))
}

/// The middles of boxes that lie under one another without overlap, as near as can be to where each is wanted; boxes are given
/// from top to bottom with their heights. None if they are higher than the limits together.
fn apart(wanted: &[(f64, f64)], (top, bottom): (f64, f64)) -> Option<Vec<f64>> {
    let total: f64 = wanted.iter().map(|(_, height)| height).sum();
    if total > bottom - top {
        return None;
    }
    // With the heights before it taken away, each may be no higher than the one before: neighbours that are, share their mean.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    let mut before = 0.0;
    for (middle, height) in wanted {
        groups.push((middle - before - height / 2.0, 1));
        before += height;
        while let [.., (above, count), (below, more)] = *groups.as_slice()
            && above > below
        {
            let all = count + more;
            let mean = (above * count as f64 + below * more as f64) / all as f64;
            groups.truncate(groups.len() - 2);
            groups.push((mean, all));
        }
    }
    let shifts = groups
        .into_iter()
        .flat_map(|(shift, count)| std::iter::repeat_n(shift.clamp(top, bottom - total), count));
    let mut before = 0.0;
    let places = shifts.zip(wanted).map(|(shift, (_, height))| {
        let middle = shift + before + height / 2.0;
        before += height;
        middle
    });
    Some(places.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_moved_apart_as_little_as_needed() {
        let places = |wanted: &[f64]| {
            let boxes: Vec<(f64, f64)> = wanted.iter().map(|y| (*y, 10.0)).collect();
            apart(&boxes, (0.0, 100.0))
        };
        assert_eq!(places(&[20.0, 40.0]), Some(vec![20.0, 40.0]));
        assert_eq!(places(&[50.0, 50.0]), Some(vec![45.0, 55.0]));
        assert_eq!(places(&[0.0, 1.0, 90.0]), Some(vec![5.0, 15.0, 90.0]));
        assert_eq!(places(&[99.0, 99.0]), Some(vec![85.0, 95.0]));
        assert_eq!(places(&[50.0; 11]), None);
    }

    #[test]
    fn a_line_ends_where_it_leaves_the_panel() {
        let area = Area {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 10.0,
        };
        assert_eq!(leaves(&area, (5.0, 5.0), (15.0, 5.0)), Some((10.0, 5.0)));
        assert_eq!(leaves(&area, (0.0, 10.0), (10.0, -10.0)), Some((5.0, 0.0)));
        assert_eq!(leaves(&area, (0.0, 5.0), (5.0, 6.0)), Some((5.0, 6.0)));
        assert_eq!(leaves(&area, (11.0, 0.0), (12.0, 9.0)), None);
    }
}

//! The room around the facets of a panel, and what stands there.

use super::color_bar::ColorBar;
use super::legend::{Entries, Sheet};
use super::{BETWEEN, Figure, Placement, Trouble, counts, ends};
use crate::figures::plot::axis::Axis;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::{Facet, View};
use crate::figures::plot::text::{self, Font};

/// The least width and height of a facet.
pub(super) const LEAST: (f64, f64) = (20.0, 15.0);
/// The most that a panel's own legend beside it takes of its width.
const LEGEND: f64 = 0.45;

/// The room around the facets of a panel, and what stands there.
#[derive(Debug, Clone, Default)]
pub(super) struct Insets {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    /// The air between facets side by side, and under one another.
    pub between: (f64, f64),
    /// The room above the facets for what they are about.
    pub over: f64,
    /// The titles of the axes, broken into lines.
    pub x_title: Vec<String>,
    pub y_title: Vec<String>,
    /// The room of the labels of the axes.
    pub x_depth: f64,
    pub y_depth: f64,
    /// What all numbers of the vertical axis are times stands above each facet in this room.
    pub power: f64,
    /// The title of the panel, broken into lines.
    pub title: Vec<String>,
    /// The names of the rows of facets, broken into lines.
    pub rows: Vec<Vec<String>>,
    /// The room at the right of a facet for the names of its lines.
    pub ends: f64,
    /// The room at the right of all facets for the names of their rows.
    pub row_room: f64,
    pub bar: Option<ColorBar>,
    /// A legend of its own, and where it goes.
    pub legend: Option<(Placement, Sheet)>,
}

/// The height of some lines of a title, with the air below.
fn lines_high(count: usize, font: Font, air: f64) -> f64 {
    if count == 0 {
        0.0
    } else {
        font.size * (1.0 + 1.2 * (count - 1) as f64) + air
    }
}

/// Breaks a title into lines, or says that it does not fit.
fn broken(
    title: &str,
    font: Font,
    room: f64,
    trouble: impl Fn(&str) -> Trouble,
) -> Result<Vec<String>, Trouble> {
    if title.is_empty() {
        return Ok(Vec::new());
    }
    let lines = text::wrapped(title, font, room.max(1.0));
    let fits = lines.len() <= 4
        && lines
            .iter()
            .all(|line| text::width(line, font) <= room + 0.5);
    if fits {
        Ok(lines)
    } else {
        Err(trouble("does not fit"))
    }
}

impl Insets {
    /// The room that a panel needs around its facets, if it has this area. Panels in line with it need at least the room of
    /// `least`, which says what was needed before.
    pub(super) fn new(
        figure: &Figure<'_>,
        (place, view): (usize, &View<'_>),
        rect: &Area,
        page: (f64, f64),
        least: &Self,
    ) -> Result<Self, Trouble> {
        let fonts = &figure.fonts;
        let font = fonts.title;
        let (lines, columns) = counts::of_facets(figure, view);
        let legend = own_legend(figure, place, view, rect)?;
        let mut own = Self {
            legend,
            ends: ends::room(figure, place, view, rect.width()),
            ..Self::default()
        };
        let (mut right, mut bottom, mut above) = (0.0, 0.0, 0.0);
        if let Some((placement, sheet)) = &own.legend {
            match placement {
                Placement::Right => right += sheet.width + 8.0,
                Placement::Bottom => bottom += sheet.height + 4.0,
                Placement::Top => above += sheet.height + 4.0,
                Placement::Inside | Placement::Nowhere => {}
            }
        }

        own.y_title = broken(&view.y.heading(), font, rect.height(), |how| {
            Trouble::high(format!("the title of the vertical axis {how}"))
        })?;
        own.x_title = broken(&view.x.heading(), font, rect.width() - right, |how| {
            Trouble::wide(format!("the title of the horizontal axis {how}"))
        })?;
        let letter = figure.letter(place);
        let letter_room = letter.as_ref().map_or(0.0, |letter| {
            text::width(letter, font.bold()) + font.size * 0.5
        });
        let title = view.written.title.as_deref().unwrap_or_default();
        own.title = broken(title, font, rect.width() - letter_room, |how| {
            Trouble::wide(format!("the title of a panel {how}"))
        })?;
        let heads = own.title.len().max(usize::from(letter.is_some()));
        above += lines_high(heads, font, font.size * 0.6);

        // The vertical axis is measured first: its labels decide how wide a facet is.
        let x_room = lines_high(own.x_title.len(), font, font.size * 0.45);
        let y_room = lines_high(own.y_title.len(), font, font.size * 0.5);
        let (top, under) = (least.top.max(above), least.bottom.max(bottom + x_room));
        let gap = least.between.1 * (lines - 1) as f64;
        let high = ((rect.height() - top - under - gap) / lines as f64).max(LEAST.1);
        let y_axes = distinct(view, |facet| {
            Axis::vertical(&facet.y, high, page.0, fonts.tick)
        });
        if y_axes.iter().any(|axis| axis.crowded) {
            return Err(Trouble::high("the labels of the vertical axis do not fit"));
        }
        let y_depth = y_axes.iter().map(|axis| axis.depth).fold(0.0, f64::max);
        own.y_depth = y_depth.max(least.y_depth);
        let all = high * lines as f64 + gap;
        own.bar = ColorBar::new(view, all, fonts)?;
        own.rows = view
            .row_names
            .iter()
            .map(|name| {
                broken(name, font, high, |how| {
                    Trouble::high(format!("the name of a row of panels {how}"))
                })
            })
            .collect::<Result<_, _>>()?;
        let names = own.rows.iter().map(Vec::len).max().unwrap_or_default();
        own.row_room = lines_high(names, font, font.size * 0.6);
        right += own.bar.as_ref().map_or(0.0, |bar| bar.room) + own.row_room + own.ends;

        let left = (y_room + own.y_depth).max(least.left);
        let free_y = view.y.share == Some(false);
        let gap = |before: f64, beyond: f64| {
            let labels = if free_y { own.y_depth } else { 0.0 };
            let gap = BETWEEN + own.ends + labels;
            gap.max(before + beyond + fonts.tick.size * 0.75)
        };
        let width = |left: f64, right: f64, gap: f64| {
            let wide = rect.width() - left - right - gap * (columns - 1) as f64;
            (wide / columns as f64).max(LEAST.0)
        };
        let first = gap(0.0, 0.0).max(least.between.0);
        let wide = width(left, right.max(least.right), first);
        let x_axes = distinct(view, |facet| Axis::horizontal(&facet.x, wide, fonts.tick));
        // The last label may reach beyond the last facet, the first before the first.
        let overhang = x_axes.iter().map(|axis| axis.overhang(wide));
        let (before, beyond) = overhang.fold((0.0f64, 0.0f64), |(b, e), (before, beyond)| {
            (b.max(before), e.max(beyond))
        });
        own.between.0 = gap(before, beyond).max(least.between.0);
        own.left = left.max(before);
        let spare = own.bar.as_ref().map_or(0.0, |_| 8.0) + own.ends + own.row_room;
        own.right = (right + (beyond - spare).max(2.0)).max(least.right);
        let wide = width(own.left, own.right, own.between.0);
        let x_axes = distinct(view, |facet| Axis::horizontal(&facet.x, wide, fonts.tick));
        if x_axes.iter().any(|axis| axis.crowded) {
            return Err(Trouble::wide(
                "the labels of the horizontal axis do not fit",
            ));
        }
        let x_depth = x_axes.iter().map(|axis| axis.depth).fold(0.0, f64::max);
        own.x_depth = x_depth.max(least.x_depth);
        let reach = y_axes.iter().map(|axis| axis.reach_down(high));
        let reach = reach.fold(0.0, f64::max);
        own.bottom = (bottom + (x_room + own.x_depth).max(reach)).max(least.bottom);

        let what = |of: &'static str| move |how: &str| Trouble::wide(format!("{of} {how}"));
        let mut heading = 0.0f64;
        for facet in &view.facets {
            let name = facet.heading.as_deref().unwrap_or_default();
            let lines = broken(name, font, wide, what("the name of a panel"))?;
            heading = heading.max(lines_high(lines.len(), font, font.size * 0.7));
        }
        let mut names = 0.0f64;
        for name in &view.column_names {
            let lines = broken(name, font, wide, what("the name of a column of panels"))?;
            names = names.max(lines_high(lines.len(), font, font.size * 0.7));
        }
        let has_power = y_axes.iter().any(|axis| axis.power.is_some());
        own.power = if has_power {
            fonts.tick.size * 1.2
        } else {
            0.0
        };
        let air = own.power.max(fonts.tick.size * 0.5).max(3.0);
        own.over = (heading + names + own.power).max(air);
        own.top = (above + own.over).max(least.top);
        let free_x = view.x.share == Some(false);
        let labels = if free_x { own.x_depth } else { 0.0 };
        own.between.1 = BETWEEN * 0.6 + (heading + own.power).max(air) + labels;
        own.between.1 = own.between.1.max(least.between.1);
        Ok(own)
    }

    /// Whether it needs more room than another.
    pub(super) fn exceeds(&self, other: &Self) -> bool {
        let sizes = |insets: &Self| {
            [
                insets.left,
                insets.right,
                insets.top,
                insets.bottom,
                insets.between.0,
                insets.between.1,
                insets.x_depth,
                insets.y_depth,
            ]
        };
        let pairs = sizes(self).into_iter().zip(sizes(other));
        pairs.into_iter().any(|(own, other)| own > other + 0.01)
    }
}

/// Something of each facet, or of the first where all are alike.
fn distinct<T>(view: &View<'_>, of: impl Fn(&Facet) -> T) -> Vec<T> {
    let free = view.x.share == Some(false) || view.y.share == Some(false);
    let count = if free { view.facets.len() } else { 1 };
    view.facets.iter().take(count).map(of).collect()
}

/// The legend of a panel that has one of its own.
fn own_legend(
    figure: &Figure<'_>,
    place: usize,
    view: &View<'_>,
    rect: &Area,
) -> Result<Option<(Placement, Sheet)>, Trouble> {
    let Some(legend) = view.written.legend else {
        return Ok(None);
    };
    let placement = figure.own_place(legend);
    if placement == Placement::Nowhere {
        return Ok(None);
    }
    let entries = Entries::of_views(figure, &[(place, view)]);
    if entries.is_empty() {
        return Ok(None);
    }
    let fonts = &figure.fonts;
    let sheet = match placement {
        Placement::Right => entries.stacked(fonts, rect.width() * LEGEND, rect.height())?,
        Placement::Inside => entries.stacked(fonts, rect.width() * LEGEND, f64::INFINITY)?,
        _ => entries.flowing(fonts, rect.width())?,
    };
    Ok(Some((placement, sheet)))
}

//! The page: panels, axes, titles and the legend, each where it has room.

use super::canvas::{Anchor, Area, Canvas, INK, Stroke, Type};
use super::data::{Data, Line};
use super::legend::{Entries, reference_stroke};
use super::mark::{Mark, Panel, Rows};
use super::palette::viridis;
use super::scale::{Scale, Tick};
use super::spec::{Legend, Plot};
use super::text;
use crate::figures::table::Error;

/// Sizes of type in points.
const TICK: f64 = 8.0;
const TITLE: f64 = 9.0;
const HEAD: f64 = 10.5;
/// The air around everything.
const EDGE: f64 = 5.0;
/// The length of a tick, and its distance to the label.
const MAJOR: f64 = 3.0;
const MINOR: f64 = 1.8;
const GAP: f64 = 2.5;
/// The air between panels.
const BETWEEN: f64 = 12.0;
/// The width of the colour bar.
const BAR: f64 = 9.0;
/// How steep long labels of categories stand.
const TURN: f64 = 35.0;
/// The longest label of a category, in points.
const LONGEST: f64 = 120.0;

const GRID: &str = "#e6e6e6";

/// Where the legend goes on this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placement {
    Inside,
    Right,
    Bottom,
    Nowhere,
}

/// The labels of an axis and the room they take.
struct Axis {
    ticks: Vec<Tick>,
    /// Whether labels of categories stand at a slant.
    slanted: bool,
    /// The room away from the axis.
    depth: f64,
}

/// Draws everything as an SVG document.
pub(super) fn compose(plot: &Plot, data: &Data, mark: &dyn Mark) -> Result<String, Error> {
    let title = plot.color.as_ref().and_then(|color| color.title.clone());
    let labels = plot
        .reference
        .iter()
        .map(|reference| reference.label.clone());
    let series: &[String] = if mark.colors_by_value() {
        &[]
    } else {
        &data.series
    };
    let entries = Entries::new(title, series, labels);
    let first = match plot.legend {
        _ if entries.is_empty() => Placement::Nowhere,
        Legend::None => Placement::Nowhere,
        Legend::Right => Placement::Right,
        Legend::Bottom => Placement::Bottom,
        // A heat map fills its panel, and one panel of many would look special.
        Legend::Best if mark.colors_by_value() || data.panels.len() > 1 => Placement::Right,
        Legend::Best => Placement::Inside,
    };
    match page(plot, data, mark, &entries, first)? {
        Some(svg) => Ok(svg),
        None => Ok(page(plot, data, mark, &entries, Placement::Right)?.unwrap_or_default()),
    }
}

/// One try; nothing if the legend has no free corner.
fn page(
    plot: &Plot,
    data: &Data,
    mark: &dyn Mark,
    entries: &Entries,
    placement: Placement,
) -> Result<Option<String>, Error> {
    let count = data.panels.len().max(1);
    let columns = if count <= 3 {
        count
    } else {
        (count as f64).sqrt().ceil() as usize
    };
    let lines = count.div_ceil(columns);
    let width = plot.width.unwrap_or(match columns {
        1 => 360.0,
        2 => 440.0,
        _ => 170.0 * columns as f64,
    });
    let height = plot.height.unwrap_or(match lines {
        1 => 230.0,
        lines => 60.0 + 150.0 * lines as f64,
    });
    let mut canvas = Canvas::new(width, height);

    // Outside in: what stands at the edges leaves the rest for the panels.
    let mut room = Area {
        left: EDGE,
        top: EDGE,
        right: width - EDGE,
        bottom: height - EDGE,
    };
    if let Some(title) = &plot.title {
        let title = text::fitted(title, HEAD, room.width());
        let middle = (width / 2.0, room.top + HEAD);
        canvas.text(middle, &title, Type::new(HEAD, Anchor::Middle));
        room.top += HEAD * 1.7;
    }
    let (legend_width, legend_height) = entries.stacked(width * 0.4);
    let legend_right = room.right;
    if placement == Placement::Right {
        room.right -= legend_width + 8.0;
    }
    let legend_bottom = room.bottom;
    if placement == Placement::Bottom {
        room.bottom -= entries.flowing(room.width()) + 4.0;
    }

    // The vertical axis is measured first: its labels decide how wide a panel is.
    let headed = data.panels.iter().any(|panel| panel.heading.is_some());
    let heading = if headed { TITLE * 1.7 } else { 3.0 };
    let x_title = plot.x.heading();
    let y_title = plot.y.heading();
    let x_title_room = if x_title.is_empty() {
        0.0
    } else {
        TITLE * 1.45
    };
    let y_title_room = if y_title.is_empty() { 0.0 } else { TITLE * 1.5 };
    let guess = (room.height() - x_title_room - 14.0) / lines as f64 - heading - 4.0;
    let y_axis = vertical(&data.y, guess);
    let color_bar = mark.colors_by_value().then(|| {
        let ticks = data.value.ticks(tick_count(guess, 20.0));
        let labels = widest(&ticks);
        let title = plot
            .value
            .as_ref()
            .map(super::spec::Channel::heading)
            .unwrap_or_default();
        (ticks, labels, title)
    });
    let bar_left = if let Some((_, labels, title)) = &color_bar {
        let title_room = if title.is_empty() { 0.0 } else { TITLE * 1.5 };
        room.right -= BAR + MAJOR + GAP + labels + title_room + 8.0;
        room.right + 8.0
    } else {
        0.0
    };
    room.left += y_title_room + y_axis.depth;
    let panel_width =
        |room: &Area| (room.width() - BETWEEN * (columns - 1) as f64) / columns as f64;
    let x_axis = horizontal(&data.x, panel_width(&room));
    // The last label may reach beyond the last panel, the first before the first.
    let (before, beyond) = overhang(&x_axis, panel_width(&room));
    let missing = before - (room.left - EDGE);
    if missing > 0.0 {
        room.left += missing;
    }
    let spare = if color_bar.is_some() { 8.0 } else { 0.0 };
    room.right -= (beyond - spare).max(2.0);
    let x_axis = horizontal(&data.x, panel_width(&room));
    room.bottom -= x_title_room + x_axis.depth;
    let wide = panel_width(&room);
    let high = (room.height() - heading * lines as f64 - BETWEEN * 0.6 * (lines - 1) as f64)
        / lines as f64;
    if wide < 20.0 || high < 15.0 {
        return Err(Error::Unsuitable(format!(
            "{width} × {height} points are too little for {count} panel(s) with their labels: raise `width` or `height`"
        )));
    }
    let y_axis = vertical(&data.y, high);

    let mut areas = Vec::new();
    for (place, panel) in data.panels.iter().enumerate() {
        let (line, column) = (place / columns, place % columns);
        let left = room.left + column as f64 * (wide + BETWEEN);
        let top = room.top + heading + line as f64 * (high + heading + BETWEEN * 0.6);
        let area = Area {
            left,
            top,
            right: left + wide,
            bottom: top + high,
        };
        areas.push(area);
        if let Some(heading) = &panel.heading {
            let heading = text::fitted(heading, TITLE, wide);
            let place = ((area.left + area.right) / 2.0, area.top - 4.5);
            canvas.text(place, &heading, Type::new(TITLE, Anchor::Middle));
        }
        let here = Panel {
            area,
            x: &data.x,
            y: &data.y,
        };
        if !mark.colors_by_value() {
            grid(&mut canvas, &here, &x_axis, &y_axis);
        }
        canvas.clip(Area {
            left: area.left - 4.0,
            top: area.top - 4.0,
            right: area.right + 4.0,
            // Below the axis lie its labels.
            bottom: area.bottom + if mark.starts_at_zero() { 0.5 } else { 4.0 },
        });
        let rows = Rows {
            rows: &panel.rows,
            series: data.series.len(),
            dodge: data.dodge,
            points: plot.points,
            value: &data.value,
        };
        mark.draw(&mut canvas, &here, &rows);
        for (place, reference) in panel.references.iter().enumerate() {
            compare(&mut canvas, &here, reference, place);
        }
        canvas.unclip();
        axes(
            &mut canvas,
            &here,
            (&x_axis, place + columns >= count),
            (&y_axis, column == 0),
            mark.colors_by_value(),
        );
    }

    let whole = Area {
        left: room.left,
        top: room.top + heading,
        right: room.left + columns as f64 * wide + (columns - 1) as f64 * BETWEEN,
        bottom: room.bottom,
    };
    let middle = (
        (whole.left + whole.right) / 2.0,
        (whole.top + whole.bottom) / 2.0,
    );
    if !x_title.is_empty() {
        let below = room.bottom + x_axis.depth + TITLE * 1.1;
        let fitted = text::fitted(&x_title, TITLE, width - 2.0 * EDGE);
        // A title wider than the panels still stays on the page.
        let half = text::width(&fitted, TITLE, false) / 2.0;
        let across = middle
            .0
            .clamp(EDGE + half, (width - EDGE - half).max(EDGE + half));
        canvas.text((across, below), &fitted, Type::new(TITLE, Anchor::Middle));
    }
    if !y_title.is_empty() {
        let x = room.left - y_axis.depth - TITLE * 0.6;
        upright_title(&mut canvas, x, middle.1, &y_title, height);
    }
    if let Some((ticks, labels, title)) = &color_bar {
        color_scale(&mut canvas, bar_left, &whole, ticks);
        if !title.is_empty() {
            let x = bar_left + BAR + MAJOR + GAP + labels + TITLE * 1.2;
            upright_title(&mut canvas, x, middle.1, title, height);
        }
    }
    match placement {
        Placement::Nowhere => {}
        Placement::Right => {
            let corner = (legend_right - legend_width, whole.top.max(EDGE));
            entries.draw_stacked(&mut canvas, mark, corner, legend_width);
        }
        Placement::Bottom => {
            let top = legend_bottom - entries.flowing(width - 2.0 * EDGE);
            let area = Area {
                left: EDGE,
                top,
                right: width - EDGE,
                bottom: legend_bottom,
            };
            entries.draw_flowing(&mut canvas, mark, area);
        }
        Placement::Inside => {
            let Some(area) = areas.first() else {
                return Ok(None);
            };
            let size = (legend_width, legend_height);
            let Some(corner) = free_corner(&canvas, area, size) else {
                return Ok(None);
            };
            canvas.rect(
                Area {
                    left: corner.0 - 3.0,
                    top: corner.1 - 1.0,
                    right: corner.0 + legend_width + 3.0,
                    bottom: corner.1 + legend_height + 1.0,
                },
                "#ffffff",
                0.85,
            );
            entries.draw_stacked(&mut canvas, mark, corner, legend_width);
        }
    }
    Ok(Some(canvas.finish(plot.title.as_deref())))
}

/// How many labels fit when each takes `each` points.
fn tick_count(room: f64, each: f64) -> usize {
    (room / each).floor().clamp(2.0, 10.0) as usize
}

fn widest(ticks: &[Tick]) -> f64 {
    labels(ticks)
        .map(|(_, label)| text::width(label, TICK, false))
        .fold(0.0, f64::max)
}

fn labels(ticks: &[Tick]) -> impl Iterator<Item = (f64, &str)> {
    ticks
        .iter()
        .filter_map(|tick| tick.label.as_deref().map(|label| (tick.at, label)))
}

/// The vertical axis of a panel that is `high` points high.
fn vertical(scale: &Scale, high: f64) -> Axis {
    let mut ticks = scale.ticks(tick_count(high, 20.0));
    if let Scale::Category(names) = scale {
        // Too many names for the height: only some are written.
        let stride = (names.len() as f64 * TICK * 1.05 / high.max(1.0))
            .ceil()
            .max(1.0) as usize;
        thin(&mut ticks, stride);
    }
    for tick in &mut ticks {
        if let Some(label) = &mut tick.label {
            *label = text::fitted(label, TICK, LONGEST);
        }
    }
    Axis {
        depth: MAJOR + GAP + widest(&ticks),
        slanted: false,
        ticks,
    }
}

/// The horizontal axis of a panel that is `wide` points wide.
fn horizontal(scale: &Scale, wide: f64) -> Axis {
    let flat = MAJOR + GAP + TICK * 1.05;
    if let Scale::Category(names) = scale {
        let mut ticks = scale.ticks(names.len());
        let band = wide / names.len().max(1) as f64;
        if widest(&ticks) + 3.0 <= band {
            return Axis {
                ticks,
                slanted: false,
                depth: flat,
            };
        }
        // Numbers that do not fit are thinned, names are set at a slant.
        let number = |label: &str| label.chars().all(|c| !c.is_alphabetic());
        if labels(&ticks).all(|(_, label)| number(label)) {
            let stride = ((widest(&ticks) + 4.0) / band.max(0.1)).ceil().max(1.0) as usize;
            thin(&mut ticks, stride);
            return Axis {
                ticks,
                slanted: false,
                depth: flat,
            };
        }
        let stride = (TICK * 1.5 / band.max(0.1)).ceil().max(1.0) as usize;
        thin(&mut ticks, stride);
        for tick in &mut ticks {
            if let Some(label) = &mut tick.label {
                *label = text::fitted(label, TICK, LONGEST);
            }
        }
        let (sin, cos) = TURN.to_radians().sin_cos();
        return Axis {
            depth: MAJOR + GAP + widest(&ticks) * sin + TICK * cos,
            slanted: true,
            ticks,
        };
    }
    // The most labels that leave air between each two.
    let mut count = tick_count(wide, 26.0);
    loop {
        let ticks = scale.ticks(count);
        let ends: Vec<(f64, f64)> = labels(&ticks)
            .map(|(at, label)| {
                let half = text::width(label, TICK, false) / 2.0;
                (at * wide - half, at * wide + half)
            })
            .collect();
        let clear = ends.windows(2).all(|pair| pair[1].0 - pair[0].1 >= 6.0);
        if clear || count <= 2 {
            let raised = labels(&ticks).any(|(_, label)| label.contains("^{"));
            return Axis {
                ticks,
                slanted: false,
                depth: flat + if raised { 2.5 } else { 0.0 },
            };
        }
        count -= 1;
    }
}

/// Keeps every so many labels.
fn thin(ticks: &mut [Tick], stride: usize) {
    for (place, tick) in ticks.iter_mut().enumerate() {
        if place % stride.max(1) != 0 {
            tick.label = None;
        }
    }
}

/// How far labels reach before and beyond a panel.
fn overhang(axis: &Axis, wide: f64) -> (f64, f64) {
    let mut ends = (0.0f64, 0.0f64);
    for (at, label) in labels(&axis.ticks) {
        let length = text::width(label, TICK, false);
        let place = at * wide;
        if axis.slanted {
            let reach = length * TURN.to_radians().cos();
            ends.0 = ends.0.max(reach - place);
        } else {
            ends.0 = ends.0.max(length / 2.0 - place);
            ends.1 = ends.1.max(place + length / 2.0 - wide);
        }
    }
    ends
}

fn grid(canvas: &mut Canvas, panel: &Panel<'_>, x_axis: &Axis, y_axis: &Axis) {
    let area = panel.area;
    let stroke = Stroke::new(GRID, 0.5);
    for (at, _) in labels(&y_axis.ticks) {
        let y = area.bottom - at * area.height();
        canvas.line(&[(area.left, y), (area.right, y)], stroke);
    }
    if !matches!(panel.x, Scale::Category(_)) {
        for (at, _) in labels(&x_axis.ticks) {
            let x = area.left + at * area.width();
            canvas.line(&[(x, area.top), (x, area.bottom)], stroke);
        }
    }
}

/// Axis lines, ticks, and the labels where the panel has them.
fn axes(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    (x_axis, x_labels): (&Axis, bool),
    (y_axis, y_labels): (&Axis, bool),
    cells: bool,
) {
    let area = panel.area;
    let stroke = Stroke::new(INK, 0.7);
    if !cells {
        canvas.line(
            &[
                (area.left, area.top),
                (area.left, area.bottom),
                (area.right, area.bottom),
            ],
            stroke,
        );
    }
    for tick in &x_axis.ticks {
        let x = area.left + tick.at * area.width();
        let length = if tick.label.is_some() { MAJOR } else { MINOR };
        let named = matches!(panel.x, Scale::Category(_));
        if !named {
            canvas.line(&[(x, area.bottom), (x, area.bottom + length)], stroke);
        }
        let Some(label) = tick.label.as_ref().filter(|_| x_labels) else {
            continue;
        };
        if x_axis.slanted {
            let set = Type {
                turn: -TURN,
                ..Type::new(TICK, Anchor::End)
            };
            let place = (x + TICK * 0.35, area.bottom + GAP + TICK * 0.9);
            canvas.text(place, label, set);
        } else {
            let raised = if label.contains("^{") { 2.5 } else { 0.0 };
            let place = (x, area.bottom + MAJOR + GAP + TICK * 0.85 + raised);
            canvas.text(place, label, Type::new(TICK, Anchor::Middle));
        }
    }
    for tick in &y_axis.ticks {
        let named = matches!(panel.y, Scale::Category(_));
        let share = tick.at * area.height();
        let y = if named {
            area.top + share
        } else {
            area.bottom - share
        };
        let length = if tick.label.is_some() { MAJOR } else { MINOR };
        if !named {
            canvas.line(&[(area.left - length, y), (area.left, y)], stroke);
        }
        if let Some(label) = tick.label.as_ref().filter(|_| y_labels) {
            let place = (area.left - MAJOR - GAP, y + TICK * 0.36);
            canvas.text(place, label, Type::new(TICK, Anchor::End));
        }
    }
}

/// A line to compare with.
fn compare(canvas: &mut Canvas, panel: &Panel<'_>, reference: &Line, place: usize) {
    let area = panel.area;
    let stroke = reference_stroke(place);
    let mut stretches: Vec<Vec<(f64, f64)>> = Vec::new();
    match reference {
        Line::Across(level) => {
            if let Some(y) = panel.up(*level) {
                stretches.push(vec![(area.left, y), (area.right, y)]);
            }
        }
        Line::Upright(level) => {
            if let Some(x) = panel.across(*level) {
                stretches.push(vec![(x, area.top), (x, area.bottom)]);
            }
        }
        Line::Steps(steps) => {
            let points: Vec<(f64, f64)> = steps
                .iter()
                .filter_map(|(x, level)| panel.at(Some(*x), Some(*level)))
                .collect();
            match panel.band() {
                Some(band) => {
                    let half = band * 0.46;
                    stretches.extend(
                        points
                            .iter()
                            .map(|(x, y)| vec![(x - half, *y), (x + half, *y)]),
                    );
                }
                None => stretches.push(points),
            }
        }
    }
    for stretch in stretches {
        canvas.line(&stretch, stroke);
        for pair in stretch.windows(2) {
            let steps = 60;
            for step in 0..=steps {
                let part = f64::from(step) / f64::from(steps);
                canvas.ink((
                    pair[0].0 + (pair[1].0 - pair[0].0) * part,
                    pair[0].1 + (pair[1].1 - pair[0].1) * part,
                ));
            }
        }
    }
}

fn upright_title(canvas: &mut Canvas, x: f64, middle: f64, title: &str, height: f64) {
    let fitted = text::fitted(title, TITLE, height - 2.0 * EDGE);
    let half = text::width(&fitted, TITLE, false) / 2.0;
    let y = middle.clamp(EDGE + half, (height - EDGE - half).max(EDGE + half));
    let set = Type {
        turn: -90.0,
        ..Type::new(TITLE, Anchor::Middle)
    };
    canvas.text((x, y), &fitted, set);
}

/// The colours of a heat map beside their values.
fn color_scale(canvas: &mut Canvas, left: f64, whole: &Area, ticks: &[Tick]) {
    let area = Area {
        left,
        right: left + BAR,
        top: whole.top,
        bottom: whole.bottom,
    };
    let stops: Vec<String> = (0..=20)
        .map(|step| viridis(1.0 - f64::from(step) / 20.0).0)
        .collect();
    canvas.gradient(area, &stops);
    for (at, label) in labels(ticks) {
        let y = whole.bottom - at * whole.height();
        let right = left + BAR;
        canvas.line(&[(right, y), (right + MAJOR, y)], Stroke::new(INK, 0.7));
        let place = (right + MAJOR + GAP, y + TICK * 0.36);
        canvas.text(place, label, Type::new(TICK, Anchor::Start));
    }
}

/// A corner of the panel without ink of the data, if there is one.
fn free_corner(canvas: &Canvas, area: &Area, (width, height): (f64, f64)) -> Option<(f64, f64)> {
    let air = 6.0;
    if width + 2.0 * air > area.width() * 0.7 || height + 2.0 * air > area.height() * 0.7 {
        return None;
    }
    let left = area.left + air;
    let right = area.right - air - width;
    let top = area.top + air / 2.0;
    let bottom = area.bottom - air - height;
    [(right, top), (left, top), (right, bottom), (left, bottom)]
        .into_iter()
        .find(|(x, y)| {
            canvas.ink_in(&Area {
                left: x - 4.0,
                top: y - 3.0,
                right: x + width + 4.0,
                bottom: y + height + 3.0,
            }) == 0
        })
}

//! The page: panels, axes, titles and the legend, each where it has room.

use std::cell::RefCell;
use std::rc::Rc;

use plotters::coord::cartesian::MeshLine;
use plotters::coord::ranged1d::BoldPoints;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor, WHITE};

use super::axis::{Axis, GAP, MAJOR, Spot, TICK, TURN};
use super::canvas::{Area, Canvas};
use super::data::{Data, Line};
use super::element::{self, INK, Page, Stroke, Type, centred, filled, put};
use super::legend::{Entries, reference_stroke};
use super::margins::{EDGE, Margins};
use super::mark::{Mark, Panel, Rows};
use super::palette::viridis;
use super::spec::{Legend, Plot};
use super::text;
use crate::figures::table::Error;

/// The size of titles of axes and panels, in points.
const TITLE: f64 = 9.0;
/// The length of a tick without a label.
const MINOR: f64 = 1.8;
/// The air between panels.
const BETWEEN: f64 = 12.0;
/// The width of the colour bar.
const BAR: f64 = 9.0;

const GRID: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);

/// Where the legend goes on this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placement {
    Inside,
    Right,
    Bottom,
    Nowhere,
}

/// Draws everything as an SVG document.
pub(super) fn compose(
    plot: &Plot,
    data: &Data,
    mark: &dyn Mark,
    notes: &[String],
) -> Result<(String, Option<String>), Error> {
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
    let page = match page(plot, data, (mark, notes), &entries, first)? {
        Some(page) => page,
        None => page(plot, data, (mark, notes), &entries, Placement::Right)?.unwrap_or_default(),
    };
    let cut = page.legend_cut.then(|| {
        "the legend is higher than the figure: raise `height`, or set `legend`".to_owned()
    });
    Ok((page.svg, cut))
}

/// A finished page.
#[derive(Default)]
struct Finished {
    svg: String,
    /// Whether the legend beside the panels reaches over the edge.
    legend_cut: bool,
}

/// One try; nothing if the legend has no free corner.
fn page(
    plot: &Plot,
    data: &Data,
    (mark, notes): (&dyn Mark, &[String]),
    entries: &Entries,
    placement: Placement,
) -> Result<Option<Finished>, Error> {
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
    let margins = Margins::new(plot, notes, width);
    let height = plot.height.unwrap_or_else(|| {
        let panels = match lines {
            1 => 230.0,
            lines => 60.0 + 150.0 * lines as f64,
        };
        let legend = match placement {
            Placement::Right => entries.stacked(width * 0.4).1 + 20.0,
            _ => 0.0,
        };
        panels.max(legend) + margins.extra()
    });
    let margins = margins.within(height);
    let canvas = Rc::new(RefCell::new(Canvas::new(width, height)));
    let page = element::page(&canvas);

    // Outside in: what stands at the edges leaves the rest for the panels.
    let mut room = margins.draw(&page, (width, height));
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
    let y_axis = Axis::vertical(&data.y, guess);
    let color_bar = mark.colors_by_value().then(|| {
        let title = plot
            .value
            .as_ref()
            .map(super::spec::Channel::heading)
            .unwrap_or_default();
        (Axis::vertical(&data.value, guess), title)
    });
    let bar_left = if let Some((axis, title)) = &color_bar {
        let title_room = if title.is_empty() { 0.0 } else { TITLE * 1.5 };
        room.right -= BAR + axis.depth + title_room + 8.0;
        room.right + 8.0
    } else {
        0.0
    };
    room.left += y_title_room + y_axis.depth;
    let panel_width =
        |room: &Area| (room.width() - BETWEEN * (columns - 1) as f64) / columns as f64;
    let x_axis = Axis::horizontal(&data.x, panel_width(&room));
    // The last label may reach beyond the last panel, the first before the first.
    let (before, beyond) = x_axis.overhang(panel_width(&room));
    let missing = before - (room.left - EDGE);
    if missing > 0.0 {
        room.left += missing;
    }
    let spare = if color_bar.is_some() { 8.0 } else { 0.0 };
    room.right -= (beyond - spare).max(2.0);
    let x_axis = Axis::horizontal(&data.x, panel_width(&room));
    room.bottom -= x_title_room + x_axis.depth;
    let wide = panel_width(&room);
    let high = (room.height() - heading * lines as f64 - BETWEEN * 0.6 * (lines - 1) as f64)
        / lines as f64;
    if wide < 20.0 || high < 15.0 {
        return Err(Error::Unsuitable(format!(
            "{width:.0} × {height:.0} points are too little for {count} panel(s) with their labels: raise `width` or `height`"
        )));
    }
    let y_axis = Axis::vertical(&data.y, high);

    let headings: Vec<&str> = data
        .panels
        .iter()
        .map(|panel| panel.heading.as_deref().unwrap_or_default())
        .collect();
    let headings = text::fitted_apart(&headings, TITLE, wide);
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
        if panel.heading.is_some() {
            let middle = ((area.left + area.right) / 2.0, area.top - 4.5);
            put(
                &page,
                &centred(TITLE).text(middle, headings[place].as_str()),
            );
        }
        let here = Panel::new(&page, &area, &x_axis, &y_axis);
        if !mark.colors_by_value() {
            grid(&here);
        }
        let rows = Rows {
            rows: &panel.rows,
            series: data.series.len(),
            dodge: data.dodge,
            points: plot.points,
            value: &data.value,
        };
        let reach = Area {
            left: area.left - 4.0,
            top: area.top - 4.0,
            right: area.right + 4.0,
            // Below the axis lie its labels.
            bottom: area.bottom + if mark.starts_at_zero() { 0.5 } else { 4.0 },
        };
        // Half a stroke reaches over the edge of a domain, and no more.
        let edge = |cut: bool, area: f64, reach: f64| if cut { area } else { reach };
        let (x_cut, y_cut) = (plot.x.domain.is_some(), plot.y.domain.is_some());
        canvas.borrow_mut().clip(Area {
            left: edge(x_cut, area.left - 0.7, reach.left),
            top: edge(y_cut, area.top - 0.7, reach.top),
            right: edge(x_cut, area.right + 0.7, reach.right),
            bottom: edge(y_cut, area.bottom + 0.7, reach.bottom),
        });
        mark.draw(&here, &rows);
        canvas.borrow_mut().unclip();
        canvas.borrow_mut().clip(reach);
        mark.draw_points(&here, &rows);
        for (place, reference) in panel.references.iter().enumerate() {
            compare(&here, reference, place);
        }
        canvas.borrow_mut().unclip();
        let labelled = (place + columns >= count, column == 0);
        axes(&here, labelled, mark.colors_by_value());
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
        put(&page, &centred(TITLE).text((across, below), fitted));
    }
    if !y_title.is_empty() {
        let x = room.left - y_axis.depth - TITLE * 0.6;
        upright_title(&page, x, middle.1, &y_title, height);
    }
    if let Some((axis, title)) = &color_bar {
        color_scale(&page, bar_left, &whole, axis);
        if !title.is_empty() {
            let x = bar_left + BAR + axis.depth + TITLE * 1.2;
            upright_title(&page, x, middle.1, title, height);
        }
    }
    let mut legend_cut = false;
    match placement {
        Placement::Nowhere => {}
        Placement::Right => {
            let corner = (legend_right - legend_width, whole.top.max(EDGE));
            legend_cut = corner.1 + legend_height > height;
            entries.draw_stacked(&page, mark, corner, legend_width);
        }
        Placement::Bottom => {
            let top = legend_bottom - entries.flowing(width - 2.0 * EDGE);
            let area = Area {
                left: EDGE,
                top,
                right: width - EDGE,
                bottom: legend_bottom,
            };
            entries.draw_flowing(&page, mark, area);
        }
        Placement::Inside => {
            let Some(area) = areas.first() else {
                return Ok(None);
            };
            let size = (legend_width, legend_height);
            let Some(corner) = free_corner(&canvas.borrow(), area, size) else {
                return Ok(None);
            };
            let behind = Area {
                left: corner.0 - 3.0,
                top: corner.1 - 1.0,
                right: corner.0 + legend_width + 3.0,
                bottom: corner.1 + legend_height + 1.0,
            };
            put(&page, &filled(&behind, WHITE.mix(0.85)));
            entries.draw_stacked(&page, mark, corner, legend_width);
        }
    }
    let svg = canvas.borrow().document(plot.title.as_deref());
    Ok(Some(Finished { svg, legend_cut }))
}

/// Lines at the labelled ticks; categories side by side need none.
fn grid(panel: &Panel) {
    let style = Stroke::new(GRID, 0.5).style();
    panel
        .chart
        .draw_mesh(
            |canvas, line| match line {
                MeshLine::XMesh(..) if panel.x().named() => Ok(()),
                line => line.draw(canvas, &style),
            },
            BoldPoints(usize::MAX),
            BoldPoints(usize::MAX),
        )
        .expect("the canvas takes every line");
}

/// Axis lines, ticks, and the labels where the panel has them.
fn axes(panel: &Panel, (x_labels, y_labels): (bool, bool), cells: bool) {
    let ((left, right), (bottom, top)) = (panel.sides(), panel.heights());
    let stroke = Stroke::new(INK, 0.7);
    if !cells {
        panel.put(&stroke.along([(left, top), (left, bottom), (right, bottom)]));
    }
    let (x_axis, y_axis) = (panel.x(), panel.y());
    for tick in &x_axis.ticks {
        let x = Spot::of(tick.value);
        let length = if tick.label.is_some() { MAJOR } else { MINOR };
        if !x_axis.named() {
            panel.put(&stroke.along([(x, bottom), (x, bottom.by(length))]));
        }
        let Some(label) = tick.label.as_ref().filter(|_| x_labels) else {
            continue;
        };
        if x_axis.slanted {
            let set = Type {
                turn: -TURN,
                ..Type::new(TICK, HPos::Right, VPos::Bottom)
            };
            let place = (x.by(TICK * 0.35), bottom.by(GAP + TICK * 0.9));
            panel.put(&set.text(place, label));
        } else {
            let raised = if label.contains("^{") { 2.5 } else { 0.0 };
            let set = Type::new(TICK, HPos::Center, VPos::Top);
            panel.put(&set.text((x, bottom.by(MAJOR + GAP + raised)), label));
        }
    }
    for tick in &y_axis.ticks {
        let y = Spot::of(tick.value);
        let length = if tick.label.is_some() { MAJOR } else { MINOR };
        if !y_axis.named() {
            panel.put(&stroke.along([(left.by(-length), y), (left, y)]));
        }
        if let Some(label) = tick.label.as_ref().filter(|_| y_labels) {
            let set = Type::new(TICK, HPos::Right, VPos::Center);
            panel.put(&set.text((left.by(-MAJOR - GAP), y), label));
        }
    }
}

/// A line to compare with.
fn compare(panel: &Panel, reference: &Line, place: usize) {
    let stroke = reference_stroke(place);
    let ((left, right), (bottom, top)) = (panel.sides(), panel.heights());
    match reference {
        Line::Across(level) if panel.y().scale.holds(*level) => {
            let y = Spot::of(*level);
            panel.put(&stroke.along([(left, y), (right, y)]));
        }
        Line::Upright(level) if panel.x().scale.holds(*level) => {
            let x = Spot::of(*level);
            panel.put(&stroke.along([(x, top), (x, bottom)]));
        }
        Line::Across(_) | Line::Upright(_) => {}
        Line::Steps(steps) => {
            let places: Vec<(Spot, Spot)> = steps
                .iter()
                .filter_map(|(x, level)| panel.at(Some(*x), Some(*level)))
                .collect();
            match panel.band() {
                Some(band) => {
                    let half = band * 0.46;
                    for (x, y) in places {
                        panel.put(&stroke.along([(x.by(-half), y), (x.by(half), y)]));
                    }
                }
                None => panel.put(&stroke.along(places)),
            }
        }
    }
}

fn upright_title(page: &Page, x: f64, middle: f64, title: &str, height: f64) {
    let fitted = text::fitted(title, TITLE, height - 2.0 * EDGE);
    let half = text::width(&fitted, TITLE, false) / 2.0;
    let y = middle.clamp(EDGE + half, (height - EDGE - half).max(EDGE + half));
    let set = Type {
        turn: -90.0,
        ..centred(TITLE)
    };
    put(page, &set.text((x, y), fitted));
}

/// The colours of a heat map beside their values.
fn color_scale(page: &Page, left: f64, whole: &Area, axis: &Axis) {
    let right = left + BAR;
    let steps = 128;
    let height = whole.height() / f64::from(steps);
    for step in 0..steps {
        let top = whole.top + f64::from(step) * height;
        let area = Area {
            left,
            top,
            right,
            // Reaching under the next, or hairlines shine through.
            bottom: (top + 2.0 * height).min(whole.bottom),
        };
        let (color, _) = viridis(1.0 - (f64::from(step) + 0.5) / f64::from(steps));
        put(page, &filled(&area, color.into()));
    }
    let stroke = Stroke::new(INK, 0.7);
    let set = Type::new(TICK, HPos::Left, VPos::Center);
    for tick in &axis.ticks {
        let (Some(share), Some(label)) = (axis.scale.place(tick.value), &tick.label) else {
            continue;
        };
        let y = whole.bottom - share * whole.height();
        put(page, &stroke.along([(right, y), (right + MAJOR, y)]));
        put(page, &set.text((right + MAJOR + GAP, y), label));
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
            !canvas.has_ink(&Area {
                left: x - 4.0,
                top: y - 3.0,
                right: x + width + 4.0,
                bottom: y + height + 3.0,
            })
        })
}

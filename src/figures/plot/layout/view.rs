//! One panel of a figure with its facets: the room around them, and all their shapes.

use plotters::style::text_anchor::{HPos, VPos};

use super::color_bar::ColorBar;
use super::legend::Entries;
use super::{BETWEEN, EDGE, Figure, Placement, Trouble, axes, ends, free_corner, grid};
use crate::figures::plot::axis::Axis;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::View;
use crate::figures::plot::element::Type;
use crate::figures::plot::mark::{Drawing, Frame, Panel, Row};
use crate::figures::plot::scene::{Scene, Shape};
use crate::figures::plot::spec::Legend;
use crate::figures::plot::text::{self, Font};

/// The least width and height of a facet.
const LEAST: (f64, f64) = (20.0, 15.0);

/// The room around the facets of a panel, and what stands there.
#[derive(Debug, Clone)]
pub(super) struct Insets {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    /// The titles of the axes, broken into lines.
    pub x_title: Vec<String>,
    pub y_title: Vec<String>,
    /// The room of the labels of the axes.
    pub x_depth: f64,
    pub y_depth: f64,
    /// The room above each facet for what it is about.
    pub heading: f64,
    /// The title of the panel, broken into lines.
    pub title: Vec<String>,
    /// The room at the right of a facet for the names of its lines.
    pub ends: f64,
    pub bar: Option<ColorBar>,
    pub legend: Option<(Entries, Placement)>,
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
    what: &str,
    wide: bool,
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
        return Ok(lines);
    }
    let what = format!("{what} does not fit");
    Err(if wide {
        Trouble::wide(what)
    } else {
        Trouble::high(what)
    })
}

impl Insets {
    /// The room that a panel needs around its facets, if it has about this area.
    pub(super) fn new(
        figure: &Figure<'_>,
        (place, view): (usize, &View<'_>),
        rect: &Area,
        page: (f64, f64),
    ) -> Result<Self, Trouble> {
        let fonts = &figure.fonts;
        let title_font = fonts.title;
        let many = figure.data.views.len() > 1;
        let (lines, columns) = grid::of_facets(view, many);
        let y_title = broken(
            &view.y.heading(),
            title_font,
            page.1 - 2.0 * EDGE,
            "the title of the vertical axis",
            false,
        )?;
        let x_title = broken(
            &view.x.heading(),
            title_font,
            (rect.width()).min(page.0 - 2.0 * EDGE),
            "the title of the horizontal axis",
            true,
        )?;
        let title = match &view.written.title {
            Some(title) => broken(
                title,
                fonts.title,
                rect.width(),
                "the title of a panel",
                true,
            )?,
            None => Vec::new(),
        };
        let letters = many && figure.plot.letters != Some(false);
        let mut top = lines_high(
            title.len().max(usize::from(letters)),
            title_font,
            title_font.size * 0.6,
        );
        let ends = ends::room(figure, place, view);
        let legend = own_legend(figure, place, view);
        let (mut right, mut bottom) = (0.0, 0.0);
        if let Some((entries, placement)) = &legend {
            match placement {
                Placement::Right => {
                    entries.fits(fonts, rect.width() * 0.45)?;
                    right += entries.stacked(fonts, rect.width() * 0.45).0 + 8.0;
                }
                Placement::Bottom => bottom += entries.flowing(fonts, rect.width()) + 4.0,
                Placement::Top => top += entries.flowing(fonts, rect.width()) + 4.0,
                Placement::Inside | Placement::Nowhere => {}
            }
        }

        // The vertical axis is measured first: its labels decide how wide a facet is.
        let x_room = lines_high(x_title.len(), title_font, title_font.size * 0.45);
        let y_room = lines_high(y_title.len(), title_font, title_font.size * 0.5);
        let guess = ((rect.height() - top - bottom - x_room - 14.0) / lines as f64
            - title_font.size * 1.7)
            .max(LEAST.1);
        let y_axes = distinct(view, |facet| {
            Axis::vertical(&facet.y, guess, page.0, fonts.tick)
        });
        let y_depth = y_axes.iter().map(|axis| axis.depth).fold(0.0, f64::max);
        let bar = ColorBar::new(view, guess * lines as f64, fonts)?;
        right += bar.as_ref().map_or(0.0, |bar| bar.room);
        let row_room = if view.row_names.is_empty() {
            0.0
        } else {
            title_font.size * 1.5
        };
        right += row_room + ends;
        let left = y_room + y_depth;
        let free_y = view.y.share == Some(false);
        let gap = BETWEEN + ends + if free_y { y_depth } else { 0.0 };
        let width = |left: f64, right: f64| {
            (rect.width() - left - right - gap * (columns - 1) as f64) / columns as f64
        };
        let wide = width(left, right).max(LEAST.0);
        let x_axes = distinct(view, |facet| Axis::horizontal(&facet.x, wide, fonts.tick));
        // The last label may reach beyond the last facet, the first before the first.
        let overhang = x_axes.iter().map(|axis| axis.overhang(wide));
        let (before, beyond) = overhang.fold((0.0f64, 0.0f64), |(b, e), (before, beyond)| {
            (b.max(before), e.max(beyond))
        });
        let left = left.max(before);
        let spare = bar.as_ref().map_or(0.0, |_| 8.0) + ends;
        let right = right + (beyond - spare).max(2.0);
        let wide = width(left, right).max(LEAST.0);
        let x_axes = distinct(view, |facet| Axis::horizontal(&facet.x, wide, fonts.tick));
        let x_depth = x_axes.iter().map(|axis| axis.depth).fold(0.0, f64::max);
        bottom += x_room + x_depth;

        let mut heading = 0.0f64;
        for facet in &view.facets {
            let name = facet.heading.as_deref().unwrap_or_default();
            let lines = broken(name, title_font, wide, "the name of a panel", true)?;
            heading = heading.max(lines_high(lines.len(), title_font, title_font.size * 0.7));
        }
        let mut names = 0.0f64;
        for name in &view.column_names {
            let lines = broken(
                name,
                title_font,
                wide,
                "the name of a column of panels",
                true,
            )?;
            names = names.max(lines_high(lines.len(), title_font, title_font.size * 0.7));
        }
        let power = y_axes.iter().any(|axis| axis.power.is_some());
        let air = if power { fonts.tick.size * 1.1 } else { 3.0 };
        top += (heading + names).max(air);
        Ok(Self {
            left,
            right,
            top,
            bottom,
            x_title,
            y_title,
            x_depth,
            y_depth,
            heading,

            title,
            ends,
            bar,
            legend,
        })
    }
}

/// Something of each facet, or of the first where all are alike.
fn distinct<T>(view: &View<'_>, of: impl Fn(&crate::figures::plot::data::Facet) -> T) -> Vec<T> {
    let free = view.x.share == Some(false) || view.y.share == Some(false);
    let count = if free { view.facets.len() } else { 1 };
    view.facets.iter().take(count).map(of).collect()
}

/// The legend of a panel that has one of its own.
fn own_legend(figure: &Figure<'_>, place: usize, view: &View<'_>) -> Option<(Entries, Placement)> {
    let placement = match view.written.legend? {
        Legend::Right => Placement::Right,
        Legend::Bottom => Placement::Bottom,
        Legend::Top => Placement::Top,
        Legend::Best => Placement::Inside,
        Legend::Ends | Legend::None => return None,
    };
    let entries = Entries::of_views(figure, &[(place, view)]);
    (!entries.is_empty()).then_some((entries, placement))
}

/// A panel with the places of its facets.
pub(super) struct Laid<'f> {
    place: usize,
    view: &'f View<'f>,
    insets: Insets,
    /// From the first facet to the last.
    pub inner: Area,
    /// All of it.
    whole: Area,
    panels: Vec<Panel>,
    grid: (usize, usize),
}

impl<'f> Laid<'f> {
    pub(super) fn new(
        figure: &Figure<'f>,
        (place, view): (usize, &'f View<'f>),
        rect: &Area,
        insets: Insets,
        page: (f64, f64),
    ) -> Result<Self, Trouble> {
        let fonts = &figure.fonts;
        let inner = Area {
            left: rect.left + insets.left,
            top: rect.top + insets.top,
            right: rect.right - insets.right,
            bottom: rect.bottom - insets.bottom,
        };
        let (lines, columns) = grid::of_facets(view, figure.data.views.len() > 1);
        let (free_x, free_y) = (view.x.share == Some(false), view.y.share == Some(false));
        let gap_x = BETWEEN + insets.ends + if free_y { insets.y_depth } else { 0.0 };
        let gap_y = BETWEEN * 0.6 + insets.heading + if free_x { insets.x_depth } else { 0.0 };
        let wide = (inner.width() - gap_x * (columns - 1) as f64) / columns as f64;
        let high = (inner.height() - gap_y * (lines - 1) as f64) / lines as f64;
        let count = view.facets.len();
        let what = if count == 1 {
            "the panel and its labels do not fit".to_owned()
        } else {
            format!("{count} panels and their labels do not fit")
        };
        if wide < LEAST.0 {
            return Err(Trouble::wide(what));
        }
        if high < LEAST.1 {
            return Err(Trouble::high(what));
        }
        let panels = view.facets.iter().enumerate().map(|(place, facet)| {
            let (line, column) = (place / columns, place % columns);
            let left = inner.left + column as f64 * (wide + gap_x);
            let top = inner.top + line as f64 * (high + gap_y);
            let area = Area {
                left,
                top,
                right: left + wide,
                bottom: top + high,
            };
            let x = Axis::horizontal(&facet.x, wide, fonts.tick);
            let y = Axis::vertical(&facet.y, high, page.0, fonts.tick);
            Panel::new(area, &x, &y)
        });
        Ok(Self {
            panels: panels.collect(),
            place,
            view,
            insets,
            inner,
            whole: *rect,
            grid: (lines, columns),
        })
    }

    /// Adds all its shapes.
    pub(super) fn draw(&self, figure: &Figure<'_>, scene: &mut Scene) -> Result<(), Trouble> {
        let view = self.view;
        for (place, panel) in self.panels.iter().enumerate() {
            self.facet(figure, scene, place, panel);
        }
        self.names(figure, scene);
        if let Some(bar) = &self.insets.bar {
            let left = self.inner.right + self.insets.right - bar.room;
            scene.add(bar.shapes(left + 8.0, &self.inner, &figure.fonts));
        }
        let Some((entries, placement)) = &self.insets.legend else {
            return Ok(());
        };
        let fonts = &figure.fonts;
        let most = self.whole.width() * 0.45;
        let (width, height) = entries.stacked(fonts, most);
        match placement {
            Placement::Right => {
                let corner = (self.whole.right - width, self.inner.top);
                if corner.1 + height > self.whole.bottom + 2.0 {
                    return Err(Trouble::high("the legend of a panel is higher than it"));
                }
                scene.add(entries.draw_stacked(fonts, corner, width));
            }
            Placement::Bottom => {
                let top = self.whole.bottom - entries.flowing(fonts, self.whole.width());
                scene.add(entries.draw_flowing(fonts, Area { top, ..self.whole }));
            }
            Placement::Top => scene.add(entries.draw_flowing(fonts, self.whole)),
            Placement::Inside => {
                let area = self.panels.first().map_or(self.inner, |panel| panel.area);
                match free_corner(scene, &area, (width, height)) {
                    Some(corner) => scene.add(entries.draw_stacked(fonts, corner, width)),
                    None => {
                        let what = format!(
                            "the legend of panel {} has no free corner: set its `legend`",
                            view.written.path.trim_end_matches('.')
                        );
                        return Err(Trouble::wide(what));
                    }
                }
            }
            Placement::Nowhere => {}
        }
        Ok(())
    }

    /// Adds one facet.
    fn facet(&self, figure: &Figure<'_>, scene: &mut Scene, place: usize, panel: &Panel) {
        let view = self.view;
        let facet = &view.facets[place];
        let (_, columns) = self.grid;
        let area = panel.area;
        let hidden = view.layers.iter().any(|layer| layer.mark.hides_panel());
        if !hidden {
            scene.add(axes::grid(panel, figure.theme));
        }
        scene.add(axes::bands(panel, &facet.references));
        for layer in &view.layers {
            let frame = Frame {
                panel,
                flipped: layer.flipped,
            };
            let own = |rows: &[Row]| -> Vec<Row> {
                let rows = rows.iter().filter(|row| row.panel == place);
                rows.copied().collect()
            };
            let (rows, raw) = (own(&layer.rows), own(&layer.raw));
            let value = layer.value_channel().and(view.value.as_ref());
            let drawing = Drawing {
                drawn: &layer.drawn,
                looks: &layer.looks,
                lanes: (&layer.lanes.0, layer.lanes.1),
                labels: &layer.labels,
                value: value.map(|(scale, _, palette)| (scale, *palette)),
                largest: layer.largest,
                face: figure.fonts.tick.face,
                size: figure.fonts.tick.size,
            };
            let (cut, reach) = axes::clips(panel, layer, (&view.x, &view.y));
            scene.add_data(cut, layer.mark.draw(&frame, &rows, &drawing));
            scene.add_data(reach, layer.mark.draw_points(&frame, &rows, &raw, &drawing));
        }
        let reach = area.widened(4.0);
        scene.add_data(reach, axes::references(panel, &facet.references));
        let zero = view.layers.iter().find(|layer| layer.mark.about().zero);
        if let Some(layer) = zero {
            scene.add(axes::zero_line(panel, layer.flipped));
        }
        let (free_x, free_y) = (view.x.share == Some(false), view.y.share == Some(false));
        let labelled = (
            free_x || place + columns >= view.facets.len(),
            free_y || place % columns == 0,
        );
        scene.add(axes::axes(panel, labelled, hidden, figure.theme));
        if self.insets.ends > 0.0 {
            scene.add(ends::labels(figure, (self.place, view), place, panel));
        }
        if let Some(heading) = &facet.heading {
            let font = figure.fonts.title;
            let lines = text::wrapped(heading, font, area.width());
            let middle = (area.left + area.right) / 2.0;
            let count = lines.len();
            scene.add(lines.into_iter().enumerate().map(|(at, line)| {
                let up = (count - 1 - at) as f64 * font.size * 1.2;
                let place = (middle, area.top - font.size * 0.5 - up);
                Shape::Text(place, Type::centred(font), line)
            }));
        }
    }

    /// Adds what stands around the facets: titles, names of rows and columns, and the letter.
    fn names(&self, figure: &Figure<'_>, scene: &mut Scene) {
        let (view, inner, insets) = (self.view, &self.inner, &self.insets);
        let font = figure.fonts.title;
        let line = font.size * 1.2;
        let (across, down) = inner.middle();
        for (at, title) in insets.x_title.iter().enumerate() {
            // A title wider than the facets still stays inside its panel.
            let half = text::width(title, font) / 2.0;
            let (low, high) = (self.whole.left + half, self.whole.right - half);
            let x = across.clamp(low.min(high), high.max(low));
            let y = inner.bottom + insets.x_depth + font.size * 1.1 + at as f64 * line;
            scene.add([Shape::Text((x, y), Type::centred(font), title.clone())]);
        }
        let count = insets.y_title.len();
        for (at, title) in insets.y_title.iter().enumerate() {
            let x = inner.left - insets.y_depth - font.size * 0.6 - (count - 1 - at) as f64 * line;
            let half = text::width(title, font) / 2.0;
            let (low, high) = (EDGE + half, scene.height - EDGE - half);
            let y = down.clamp(low.min(high), high.max(low));
            let set = Type {
                turn: -90.0,
                ..Type::centred(font)
            };
            scene.add([Shape::Text((x, y), set, title.clone())]);
        }
        let (_, columns) = self.grid;
        for (at, name) in view.column_names.iter().enumerate() {
            let area = self.panels[at].area;
            let lines = text::wrapped(name, font, area.width());
            let count = lines.len();
            let middle = (area.left + area.right) / 2.0;
            scene.add(lines.into_iter().enumerate().map(|(at, name)| {
                let up = (count - 1 - at) as f64 * line;
                let place = (middle, area.top - font.size * 0.5 - up);
                Shape::Text(place, Type::centred(font), name)
            }));
        }
        for (at, name) in view.row_names.iter().enumerate() {
            let area = self.panels[at * columns].area;
            let set = Type {
                turn: 90.0,
                ..Type::centred(font)
            };
            let place = (
                inner.right + font.size * 0.6,
                (area.top + area.bottom) / 2.0,
            );
            scene.add([Shape::Text(place, set, name.clone())]);
        }
        let top = inner.top - insets.top;
        for (at, title) in insets.title.iter().enumerate() {
            let place = (across, top + font.size + at as f64 * line);
            scene.add([Shape::Text(place, Type::centred(font), title.clone())]);
        }
        if figure.data.views.len() > 1 && figure.plot.letters != Some(false) {
            let letter = letter(self.place);
            let set = Type::new(font.bold(), HPos::Left, VPos::Bottom);
            scene.add([Shape::Text((self.whole.left, top + font.size), set, letter)]);
        }
    }
}

/// The letter of a panel: a, b, … z, aa, ab, …
fn letter(place: usize) -> String {
    let last = char::from(b'a' + u8::try_from(place % 26).unwrap_or_default());
    if place < 26 {
        last.to_string()
    } else {
        letter(place / 26 - 1) + &last.to_string()
    }
}

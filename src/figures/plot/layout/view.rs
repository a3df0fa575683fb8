//! One panel of a figure with its facets: all their shapes.

use plotters::style::text_anchor::{HPos, VPos};

use super::insets::{Insets, LEAST};
use super::{Figure, Placement, Trouble, axes, behind, counts, ends, free_corner};
use crate::figures::plot::axis::Axis;
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::{Layer, View};
use crate::figures::plot::element::Type;
use crate::figures::plot::mark::{Drawing, Frame, Panel, Row};
use crate::figures::plot::scene::{Facets, LegendAt, Place, Scene, Shape};
use crate::figures::plot::text::{self, Font};

/// Lines of a title under one another, around `x`; `y` is the baseline of the last.
fn lines_above(lines: &[String], font: Font, (x, y): Place) -> Vec<Shape> {
    let count = lines.len();
    let lines = lines.iter().enumerate().map(|(at, line)| {
        let up = (count - 1 - at) as f64 * font.size * 1.2;
        Shape::Text((x, y - up), Type::centred(font), line.clone())
    });
    lines.collect()
}

/// A middle as near as can be to `wanted`, at which something of this width stays between two limits.
fn within(wanted: f64, wide: f64, (low, high): (f64, f64)) -> f64 {
    let (low, high) = (low + wide / 2.0, high - wide / 2.0);
    wanted.min(high).max(low)
}

/// A panel with the places of its facets.
pub(super) struct Laid<'f> {
    place: usize,
    view: &'f View<'f>,
    insets: Insets,
    /// From the first facet to the last.
    pub inner: Area,
    /// All of it.
    pub whole: Area,
    /// Its facets.
    pub panels: Vec<Panel>,
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
        let (lines, columns) = counts::of_facets(figure, view);
        let (gap_x, gap_y) = insets.between;
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
        scene.panels.extend(self.panels.first().map(|first| Facets {
            first: first.area,
            columns: self.grid.1,
        }));
        for (place, panel) in self.panels.iter().enumerate() {
            self.facet(figure, scene, place, panel)?;
        }
        self.names(figure, scene);
        if let Some(bar) = &self.insets.bar {
            let left = self.inner.right + self.insets.ends + self.insets.row_room;
            scene.add(bar.shapes(left + 8.0, &self.inner, &figure.fonts));
        }
        self.legend(scene)
    }

    /// Adds a legend of its own.
    fn legend(&self, scene: &mut Scene) -> Result<(), Trouble> {
        let Some((placement, sheet)) = &self.insets.legend else {
            return Ok(());
        };
        let (whole, inner) = (&self.whole, &self.inner);
        let middle = within(inner.middle().0, sheet.width, (whole.left, whole.right));
        let left = middle - sheet.width / 2.0;
        let at = match placement {
            Placement::Right => {
                let corner = (whole.right - sheet.width, inner.top);
                if corner.1 + sheet.height > whole.bottom + 0.5 {
                    return Err(Trouble::high("the legend of a panel is higher than it"));
                }
                scene.add(sheet.at(corner));
                LegendAt::Right
            }
            Placement::Bottom => {
                scene.add(sheet.at((left, whole.bottom - sheet.height)));
                LegendAt::Bottom
            }
            Placement::Top => {
                let top = inner.top - self.insets.over - sheet.height - 4.0;
                scene.add(sheet.at((left, top)));
                LegendAt::Top
            }
            Placement::Inside => {
                let area = self.panels.first().map_or(*inner, |panel| panel.area);
                let corner = free_corner(scene, &area, (sheet.width, sheet.height));
                let corner = corner.ok_or(Trouble::NoCorner)?;
                scene.add([behind(corner, sheet)]);
                scene.add(sheet.at(corner));
                LegendAt::corner(&area, sheet.middle(corner))
            }
            Placement::Nowhere => return Ok(()),
        };
        scene.legends.push((Some(self.place), at));
        Ok(())
    }

    /// Adds one facet.
    fn facet(
        &self,
        figure: &Figure<'_>,
        scene: &mut Scene,
        place: usize,
        panel: &Panel,
    ) -> Result<(), Trouble> {
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
            let drawing = drawing(view, layer, figure.fonts.tick);
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
            free_y || place.is_multiple_of(columns),
        );
        scene.add(axes::axes(panel, labelled, hidden, figure.theme));
        if self.insets.ends > 0.0 {
            let own = (self.place, view);
            let wide = self.whole.width();
            scene.add(ends::labels(figure, own, place, (panel, wide))?);
        }
        if let Some(heading) = &facet.heading {
            let font = figure.fonts.title;
            let lines = text::wrapped(heading, font, area.width());
            scene.add(lines_above(&lines, font, self.above(figure, &area)));
        }
        Ok(())
    }

    /// Where the last line of what stands above a facet has its baseline.
    fn above(&self, figure: &Figure<'_>, area: &Area) -> Place {
        let up = figure.fonts.title.size * 0.5 + self.insets.power;
        (area.middle().0, area.top - up)
    }

    /// Adds what stands around the facets: titles, names of rows and columns, and the letter.
    fn names(&self, figure: &Figure<'_>, scene: &mut Scene) {
        let (view, inner, insets) = (self.view, &self.inner, &self.insets);
        let whole = &self.whole;
        let font = figure.fonts.title;
        let line = font.size * 1.2;
        let (across, down) = inner.middle();
        // A title wider than the facets still stays inside its panel, beside the legend.
        let beside = match &insets.legend {
            Some((Placement::Right, sheet)) => whole.right - sheet.width - 8.0,
            _ => whole.right,
        };
        for (at, title) in insets.x_title.iter().enumerate() {
            let x = within(across, text::width(title, font), (whole.left, beside));
            let y = inner.bottom + insets.x_depth + font.size * 1.1 + at as f64 * line;
            scene.add([Shape::Text((x, y), Type::centred(font), title.clone())]);
        }
        let count = insets.y_title.len();
        for (at, title) in insets.y_title.iter().enumerate() {
            let x = inner.left - insets.y_depth - font.size * 0.6 - (count - 1 - at) as f64 * line;
            let y = within(down, text::width(title, font), (whole.top, whole.bottom));
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
            scene.add(lines_above(&lines, font, self.above(figure, &area)));
        }
        for (at, lines) in insets.rows.iter().enumerate() {
            let area = self.panels[at * columns].area;
            let set = Type {
                turn: 90.0,
                ..Type::centred(font)
            };
            let count = lines.len();
            scene.add(lines.iter().enumerate().map(|(at, name)| {
                let aside = font.size * 0.6 + (count - 1 - at) as f64 * line;
                let place = (inner.right + insets.ends + aside, area.middle().1);
                Shape::Text(place, set, name.clone())
            }));
        }
        let first = whole.top + font.size;
        let mut left = whole.left;
        if let Some(letter) = figure.letter(self.place) {
            left += text::width(&letter, font.bold()) + font.size * 0.5;
            let set = Type::new(font.bold(), HPos::Left, VPos::Bottom);
            scene.add([Shape::Text((whole.left, first), set, letter)]);
        }
        for (at, title) in insets.title.iter().enumerate() {
            let x = within(across, text::width(title, font), (left, whole.right));
            let place = (x, first + at as f64 * line);
            scene.add([Shape::Text(place, Type::centred(font), title.clone())]);
        }
    }
}

/// What a mark is given to draw a layer.
pub(in crate::figures::plot) fn drawing<'v>(
    view: &'v View<'_>,
    layer: &'v Layer<'_>,
    font: Font,
) -> Drawing<'v> {
    let value = layer.value_channel().and(view.value.as_ref());
    Drawing {
        drawn: &layer.drawn,
        looks: &layer.looks,
        lanes: (&layer.lanes.0, layer.lanes.1),
        labels: &layer.labels,
        value,
        largest: layer.largest,
        face: font.face,
        size: font.size,
    }
}

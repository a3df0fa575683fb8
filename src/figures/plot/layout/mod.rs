//! The layout: tables, parameters and a page in, shapes with their places out. Nothing is drawn here.
//!
//! Outside in: title and notes, the legend, then the panels, each with its facets, and around each facet its axes. What does
//! not fit is an error with the size that would do; no text is cut.

mod axes;
mod blank;
mod color_bar;
mod ends;
mod grid;
mod legend;
mod margins;
mod view;

use plotters::style::Color;
use plotters::style::WHITE;

use super::canvas::Area;
use super::data::Data;
use super::scene::{Scene, Shape};
use super::spec::{FontName, Legend, Plot, Theme};
use super::text::{Face, Font};
use crate::figures::table::Error;

use legend::Entries;
use margins::Margins;

pub(super) use blank::blank;

/// The air around everything.
const EDGE: f64 = 5.0;
/// The air between panels.
const BETWEEN: f64 = 12.0;

/// The letters of a figure.
#[derive(Debug, Clone, Copy)]
struct Fonts {
    /// Labels of axes and of the legend.
    tick: Font,
    /// Titles of axes and panels.
    title: Font,
    /// The title of the figure.
    head: Font,
    /// Notes at its foot.
    note: Font,
}

impl Fonts {
    fn new(plot: &Plot) -> Self {
        let of_venue = plot.venue.map(super::spec::Venue::font_size);
        let size = plot.font_size.or(of_venue).unwrap_or(8.0);
        let face = face(plot);
        let font = |size: f64| Font {
            face,
            size,
            bold: false,
        };
        Self {
            tick: font(size),
            title: font(size * 9.0 / 8.0),
            head: font(size * 10.5 / 8.0),
            note: font(size * 7.5 / 8.0),
        }
    }
}

/// The face that everything is set in.
pub(super) fn face(plot: &Plot) -> Face {
    match plot.font.unwrap_or_default() {
        FontName::Sans => Face::Sans,
        FontName::Serif => Face::Serif,
    }
}

/// Where a legend goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placement {
    Inside,
    Right,
    Bottom,
    Top,
    Nowhere,
}

/// Why a layout is not possible on its page.
#[derive(Debug)]
enum Trouble {
    /// Something is too wide or too high.
    Small { what: String, wide: bool },
    /// The legend has no free corner.
    NoCorner,
}

impl Trouble {
    fn wide(what: impl Into<String>) -> Self {
        let what = what.into();
        Self::Small { what, wide: true }
    }

    fn high(what: impl Into<String>) -> Self {
        let what = what.into();
        Self::Small { what, wide: false }
    }
}

/// What a figure is laid out of.
struct Figure<'f> {
    plot: &'f Plot,
    data: &'f Data<'f>,
    notes: &'f [String],
    fonts: Fonts,
    theme: Theme,
}

/// Lays everything out.
pub(super) fn compose(plot: &Plot, data: &Data<'_>, notes: &[String]) -> Result<Scene, Error> {
    let figure = Figure {
        plot,
        data,
        notes,
        fonts: Fonts::new(plot),
        theme: plot.theme.unwrap_or_default(),
    };
    let (width, height) = figure.size(1.0, 1.0);
    match figure.scene((width, height)) {
        Ok(scene) => Ok(scene),
        Err(Trouble::NoCorner) => Err(Error::Unsuitable("the legend has no place".to_owned())),
        Err(Trouble::Small { what, wide }) => Err(figure.refused(&what, wide, (width, height))),
    }
}

impl Figure<'_> {
    /// Width and height of the page, both larger by a factor.
    fn size(&self, wider: f64, higher: f64) -> (f64, f64) {
        let plot = self.plot;
        let (lines, columns) = self.panels();
        let own = plot.width.and_then(|width| width.points(plot.venue));
        let width = own
            .or(plot.venue.map(|venue| venue.widths().0))
            .unwrap_or(match columns {
                1 => 360.0,
                2 => 440.0,
                _ => 170.0 * columns as f64,
            })
            * wider;
        let margins = Margins::new(plot, self.notes, &self.fonts, width);
        let height = plot.height.and_then(|height| height.points(plot.venue));
        let height = height.unwrap_or_else(|| {
            let panels = match lines {
                1 => 230.0_f64.min(width * 0.72).max(120.0),
                lines => 60.0 + 150.0 * lines as f64,
            };
            let entries = Entries::of_figure(self);
            let legend = match self.placement(&entries) {
                Placement::Right => entries.stacked(&self.fonts, width * 0.4).1 + 20.0,
                Placement::Bottom | Placement::Top => {
                    return panels + entries.flowing(&self.fonts, width) + margins.extra();
                }
                _ => 0.0,
            };
            panels.max(legend) + margins.extra()
        }) * higher;
        (width, height)
    }

    /// How many rows and columns of panels the figure has, those of facets counted.
    fn panels(&self) -> (usize, usize) {
        let views = &self.data.views;
        let (lines, columns) = grid::of_views(self.plot, views.len());
        let of = |view: &super::data::View<'_>| grid::of_facets(view, views.len() > 1);
        let most = |part: fn((usize, usize)) -> usize| views.iter().map(|v| part(of(v))).max();
        (
            lines * most(|(lines, _)| lines).unwrap_or(1),
            columns * most(|(_, columns)| columns).unwrap_or(1),
        )
    }

    /// Where the legend of the whole figure goes at first.
    fn placement(&self, entries: &Entries) -> Placement {
        let one = self.data.views.len() == 1 && self.data.views[0].facets.len() == 1;
        match self.plot.legend.unwrap_or_default() {
            _ if entries.is_empty() => Placement::Nowhere,
            Legend::None | Legend::Ends => Placement::Nowhere,
            Legend::Right => Placement::Right,
            Legend::Bottom => Placement::Bottom,
            Legend::Top => Placement::Top,
            // A heat map fills its panel, and one panel of many would look special.
            Legend::Best if !one || self.hides_panel() => Placement::Right,
            Legend::Best => Placement::Inside,
        }
    }

    /// Whether a mark fills the whole panel.
    fn hides_panel(&self) -> bool {
        let layers = self.data.views.iter().flat_map(|view| &view.layers);
        layers.into_iter().any(|layer| layer.mark.hides_panel())
    }

    /// The figure on a page of this size.
    fn scene(&self, size: (f64, f64)) -> Result<Scene, Trouble> {
        let entries = Entries::of_figure(self);
        match self.placement(&entries) {
            Placement::Inside => match self.page(size, &entries, Placement::Inside) {
                Err(Trouble::NoCorner) => self.page(size, &entries, Placement::Right),
                other => other,
            },
            placement => self.page(size, &entries, placement),
        }
    }

    /// One try with the legend at one place.
    fn page(
        &self,
        (width, height): (f64, f64),
        entries: &Entries,
        placement: Placement,
    ) -> Result<Scene, Trouble> {
        let fonts = &self.fonts;
        let mut scene = Scene::new(width, height, fonts.tick.face);
        let margins = Margins::new(self.plot, self.notes, fonts, width).within(height)?;
        // Outside in: what stands at the edges leaves the rest for the panels.
        let whole = margins.room((width, height));
        let mut room = whole;
        let (legend_width, legend_height) = entries.stacked(fonts, width * 0.4);
        match placement {
            Placement::Right => {
                entries.fits(fonts, width * 0.4)?;
                room.right -= legend_width + 8.0;
            }
            Placement::Bottom => {
                entries.fits(fonts, room.width())?;
                room.bottom -= entries.flowing(fonts, room.width()) + 4.0;
            }
            Placement::Top => {
                entries.fits(fonts, room.width())?;
                room.top += entries.flowing(fonts, room.width()) + 4.0;
            }
            Placement::Inside | Placement::Nowhere => {}
        }

        let laid = grid::lay_out(self, &room, (width, height))?;
        for view in &laid {
            view.draw(self, &mut scene)?;
        }
        let middle = laid.first().filter(|_| laid.len() == 1);
        let middle = middle.map(|view| (view.inner.left + view.inner.right) / 2.0);
        scene.add(margins.shapes((width, height), middle));
        let inner = grid::inner(&laid);
        match placement {
            Placement::Nowhere => {}
            Placement::Right => {
                let corner = (whole.right - legend_width, inner.top.max(EDGE));
                if corner.1 + legend_height > height {
                    return Err(Trouble::high("the legend is higher than the figure"));
                }
                scene.add(entries.draw_stacked(fonts, corner, legend_width));
            }
            Placement::Bottom => {
                let top = whole.bottom - entries.flowing(fonts, whole.width());
                let area = Area { top, ..whole };
                scene.add(entries.draw_flowing(fonts, area));
            }
            Placement::Top => scene.add(entries.draw_flowing(fonts, whole)),
            Placement::Inside => {
                let size = (legend_width, legend_height);
                let corner = free_corner(&scene, &inner, size).ok_or(Trouble::NoCorner)?;
                let behind = Area {
                    left: corner.0 - 3.0,
                    top: corner.1 - 1.0,
                    right: corner.0 + legend_width + 3.0,
                    bottom: corner.1 + legend_height + 1.0,
                };
                // The grid must not run through the words.
                scene.add([Shape::Box(behind, WHITE.mix(0.85))]);
                scene.add(entries.draw_stacked(fonts, corner, legend_width));
            }
        }
        Ok(scene)
    }

    /// Says what does not fit, and the size that would do.
    fn refused(&self, what: &str, wide: bool, (width, height): (f64, f64)) -> Error {
        let grown = (1..60).find_map(|step| {
            let by = 1.05f64.powi(step);
            let size = if wide {
                (width * by, height)
            } else {
                (width, height * by)
            };
            self.scene(size).is_ok().then_some(size)
        });
        // Some things need both sides.
        let both = || {
            (1..60).find_map(|step| {
                let by = 1.05f64.powi(step);
                let size = (width * by, height * by);
                self.scene(size).is_ok().then_some(size)
            })
        };
        let says = format!("{what}: {width:.0} × {height:.0} points are too little");
        let would = match grown {
            Some((width, _)) if wide => format!("`width = {}` would do", width.ceil()),
            Some((_, height)) => format!("`height = {}` would do", height.ceil()),
            None => match both() {
                Some((width, height)) => format!(
                    "`width = {}` and `height = {}` would do",
                    width.ceil(),
                    height.ceil()
                ),
                None => "show less in one figure".to_owned(),
            },
        };
        Error::Unsuitable(format!("{says}; {would}"))
    }
}

/// A corner of the panel without ink of the data, if there is one.
fn free_corner(scene: &Scene, area: &Area, (width, height): (f64, f64)) -> Option<(f64, f64)> {
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
            !scene.has_ink(&Area {
                left: x - 4.0,
                top: y - 3.0,
                right: x + width + 4.0,
                bottom: y + height + 3.0,
            })
        })
}

//! The layout: tables, parameters and a page in, shapes with their places out. Nothing is drawn here.
//!
//! Outside in: title and notes, the legend, then the panels, each with its facets, and around each facet its axes. What does
//! not fit is an error with the size that would do; no text is cut.

mod axes;
mod blank;
mod color_bar;
mod counts;
mod ends;
mod grid;
mod insets;
mod legend;
mod margins;
mod place;
mod seen;
mod view;

use plotters::style::Color;
use plotters::style::WHITE;

use super::canvas::Area;
use super::data::Data;
use super::scene::{LegendAt, Place, Scene, Shape};
use super::spec::{FontName, Legend, Plot, Theme};
use super::text::{Face, Font};
use crate::figures::table::Error;

use legend::{Entries, Sheet};
use margins::Margins;

pub(super) use blank::blank;
pub(super) use counts::of_views;
pub(super) use ends::{are_wanted as ends_are_wanted, key as key_at_ends};
pub(super) use legend::{band_fill, reference_stroke, round_sizes};
pub(super) use view::drawing;

/// The air around everything.
const EDGE: f64 = 5.0;
/// The air between panels.
const BETWEEN: f64 = 12.0;

/// The letters of a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fonts {
    /// Labels of axes and of the legend.
    pub tick: Font,
    /// Titles of axes and panels.
    pub title: Font,
    /// The title of the figure.
    pub head: Font,
    /// Notes at its foot.
    pub note: Font,
}

impl Fonts {
    pub(super) fn new(plot: &Plot) -> Self {
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
#[derive(Clone, Copy)]
struct Figure<'f> {
    plot: &'f Plot,
    data: &'f Data<'f>,
    notes: &'f [String],
    fonts: Fonts,
    theme: Theme,
    /// Where the legends of panels go that may be anywhere.
    best: Placement,
}

/// Lays everything out.
pub(super) fn compose(plot: &Plot, data: &Data<'_>, notes: &[String]) -> Result<Scene, Error> {
    let figure = Figure::new(plot, data, notes);
    let (width, height) = figure.size();
    let trouble = match figure.scene((width, height)) {
        Ok(scene) => return Ok(scene),
        Err(trouble) => trouble,
    };
    if plot.height.is_none()
        && let Some((_, height)) = figure.grown((width, height), (0.0, 1.0))
    {
        return figure
            .scene((width, height))
            .map_err(|trouble| figure.refused(trouble, (width, height)));
    }
    Err(figure.refused(trouble, (width, height)))
}

/// Of the width of a figure, a legend beside its panels takes this share at most.
const LEGEND: f64 = 0.4;
impl<'f> Figure<'f> {
    fn new(plot: &'f Plot, data: &'f Data<'f>, notes: &'f [String]) -> Self {
        Self {
            plot,
            data,
            notes,
            fonts: Fonts::new(plot),
            theme: plot.theme.unwrap_or_default(),
            best: Placement::Inside,
        }
    }

    /// The letter of a panel, if panels have letters.
    fn letter(&self, place: usize) -> Option<String> {
        let has = self.data.views.len() > 1 && self.plot.letters != Some(false);
        has.then(|| letter(place))
    }

    /// The figure on a page of this size, with the legend at the first place where it fits.
    fn scene(&self, size: (f64, f64)) -> Result<Scene, Trouble> {
        let entries = Entries::of_figure(self);
        let mut first = None;
        for placement in self.placements(&entries, size.0) {
            for best in [Placement::Inside, Placement::Bottom] {
                let figure = Self { best, ..*self };
                let more = figure.for_legends(&entries, placement, size.0);
                match figure.page((size.0, size.1 + more), &entries, placement) {
                    Ok(scene) => return Ok(scene),
                    Err(trouble) => {
                        // A place without a free corner says nothing of the size.
                        if !matches!(first, Some(Trouble::Small { .. })) {
                            first = Some(trouble);
                        }
                    }
                }
                let own = self
                    .data
                    .views
                    .iter()
                    .any(|v| v.written.legend == Some(Legend::Best));
                if !own {
                    break;
                }
            }
        }
        Err(first.unwrap_or(Trouble::NoCorner))
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
        let sheet = match placement {
            Placement::Nowhere => Sheet::default(),
            Placement::Right => entries.stacked(fonts, width * LEGEND, whole.height())?,
            Placement::Inside => entries.stacked(fonts, width * LEGEND, f64::INFINITY)?,
            Placement::Bottom | Placement::Top => entries.flowing(fonts, whole.width())?,
        };
        match placement {
            Placement::Right => room.right -= sheet.width + 8.0,
            Placement::Bottom => room.bottom -= sheet.height + 4.0,
            Placement::Top => room.top += sheet.height + 4.0,
            Placement::Inside | Placement::Nowhere => {}
        }

        let laid = grid::lay_out(self, &room, (width, height))?;
        for view in &laid {
            view.draw(self, &mut scene)?;
        }
        let inner = grid::inner(&laid);
        let middle = inner.middle().0;
        scene.add(margins.shapes((width, height), middle));
        // A legend above or below stands in the middle of the panels, or of the page if it is wider.
        let left = (middle - sheet.width / 2.0)
            .min(whole.right - sheet.width)
            .max(whole.left);
        match placement {
            Placement::Nowhere => {}
            Placement::Right => {
                // As high as the first panel, unless that is too low.
                let top = inner.top.min(whole.bottom - sheet.height);
                scene.add(sheet.at((whole.right - sheet.width, top.max(whole.top))));
                scene.legends.push((None, LegendAt::Right));
            }
            Placement::Bottom => {
                scene.add(sheet.at((left, whole.bottom - sheet.height)));
                scene.legends.push((None, LegendAt::Bottom));
            }
            Placement::Top => {
                scene.add(sheet.at((left, whole.top)));
                scene.legends.push((None, LegendAt::Top));
            }
            Placement::Inside => {
                let size = (sheet.width, sheet.height);
                let corner = free_corner(&scene, &inner, size).ok_or(Trouble::NoCorner)?;
                scene.add([behind(corner, &sheet)]);
                scene.add(sheet.at(corner));
                let at = LegendAt::corner(&inner, sheet.middle(corner));
                scene.legends.push((None, at));
            }
        }
        Ok(scene)
    }

    /// The first page on which everything fits, of those that are larger: by the share of the first number to the side, of the
    /// second upwards.
    fn grown(&self, (width, height): (f64, f64), by: (f64, f64)) -> Option<(f64, f64)> {
        (1..60).find_map(|step| {
            let more = 1.05f64.powi(step) - 1.0;
            let size = (
                (width * (1.0 + more * by.0)).ceil(),
                (height * (1.0 + more * by.1)).ceil(),
            );
            self.scene(size).is_ok().then_some(size)
        })
    }

    /// Says what does not fit, and the size that would do.
    fn refused(&self, trouble: Trouble, (width, height): (f64, f64)) -> Error {
        let (what, wide) = match trouble {
            Trouble::Small { what, wide } => (what, wide),
            Trouble::NoCorner => ("the legend has no place".to_owned(), true),
        };
        let by = if wide { (1.0, 0.0) } else { (0.0, 1.0) };
        let says = format!("{what}: {width:.0} × {height:.0} points are too little");
        let would = match self.grown((width, height), by) {
            Some((width, _)) if wide => format!("`width = {width}` would do"),
            Some((_, height)) => format!("`height = {height}` would do"),
            // Some things need both sides.
            None => match self.grown((width, height), (1.0, 1.0)) {
                Some((width, height)) => {
                    format!("`width = {width}` and `height = {height}` would do")
                }
                None => "show less in one figure".to_owned(),
            },
        };
        Error::Unsuitable(format!("{says}; {would}"))
    }
}

/// The letter of a panel: a, b, … z, aa, ab, …
pub(super) fn letter(place: usize) -> String {
    let last = char::from(b'a' + u8::try_from(place % 26).unwrap_or_default());
    if place < 26 {
        last.to_string()
    } else {
        letter(place / 26 - 1) + &last.to_string()
    }
}

/// What lies behind a legend inside a panel: the grid must not run through the words.
fn behind((x, y): Place, sheet: &Sheet) -> Shape {
    let area = Area {
        left: x - 3.0,
        top: y - 1.0,
        right: x + sheet.width + 3.0,
        bottom: y + sheet.height + 1.0,
    };
    Shape::Box(area, WHITE.mix(0.85))
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

#[cfg(test)]
mod tests;

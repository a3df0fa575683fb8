//! How large a page is, and where legends go.

use super::legend::Entries;
use super::margins::Margins;
use super::{BETWEEN, EDGE, Figure, LEGEND, Placement, counts};
use crate::figures::plot::spec::Legend;

/// A legend that may be anywhere goes below the panels rather than take more than this share of the width.
const BESIDE: f64 = 0.28;
/// The same beside several panels, which are narrow already.
const BESIDE_MANY: f64 = 0.15;

impl Figure<'_> {
    /// The width of the page, where it is given.
    pub(super) fn width(&self) -> Option<f64> {
        let own = self
            .plot
            .width
            .and_then(|width| width.points(self.plot.venue));
        own.or(self.plot.venue.map(|venue| venue.widths().0))
    }

    /// Width and height of the page, before it is known what does not fit.
    pub(super) fn size(&self) -> (f64, f64) {
        let plot = self.plot;
        let (lines, columns) = self.panels();
        let width = self.width().unwrap_or(match columns {
            1 => 360.0,
            2 => 440.0,
            columns => 510.0 + 60.0 * (columns as f64 - 3.0),
        });
        let height = plot.height.and_then(|height| height.points(plot.venue));
        let height = height.unwrap_or_else(|| {
            let margins = Margins::new(plot, self.notes, &self.fonts, width);
            // Panels are about three quarters as high as wide, and a single row of them higher.
            let wide = width / columns as f64;
            let row = ((wide - 20.0) * 0.72).clamp(60.0, 120.0) + 22.0;
            let panels = match (lines, columns) {
                (1, 1) => (width * 0.72).clamp(120.0, 230.0),
                (1, _) => (wide * 1.1 + 60.0).clamp(120.0, 230.0),
                _ => 48.0 + lines as f64 * row,
            };
            // Large letters leave the panels as high.
            let letters = (self.fonts.tick.size - 8.0).max(0.0) * (3.0 + 2.0 * lines as f64);
            panels + letters + margins.extra()
        });
        (width, height)
    }

    /// How much higher a page without a given height is for legends above and below its panels.
    pub(super) fn for_legends(&self, entries: &Entries, placement: Placement, width: f64) -> f64 {
        if self.plot.height.is_some() {
            return 0.0;
        }
        let flat = |placement| matches!(placement, Placement::Bottom | Placement::Top);
        let high = |entries: &Entries, width: f64| {
            let sheet = entries.flowing(&self.fonts, width);
            sheet.map_or(0.0, |sheet| sheet.height + 4.0)
        };
        let mut more = 0.0;
        if flat(placement) {
            more += high(entries, width - 2.0 * EDGE);
        }
        let views: Vec<_> = self.data.views.iter().enumerate().collect();
        let columns = counts::of_views(self.plot, views.len()).1;
        for line in views.chunks(columns) {
            let own = line.iter().filter(|(_, view)| {
                let own = view.written.legend;
                own.is_some_and(|own| flat(self.own_place(own)))
            });
            let own = own.map(|(place, view)| {
                let entries = Entries::of_views(self, &[(*place, view)]);
                high(&entries, (width - 2.0 * EDGE) / columns as f64 - BETWEEN)
            });
            more += own.fold(0.0, f64::max);
        }
        more
    }

    /// Where the legend of a single panel goes.
    pub(super) fn own_place(&self, legend: Legend) -> Placement {
        match legend {
            Legend::Right => Placement::Right,
            Legend::Bottom | Legend::Ends => Placement::Bottom,
            Legend::Top => Placement::Top,
            Legend::Best => self.best,
            Legend::None => Placement::Nowhere,
        }
    }

    /// How many rows and columns of panels the figure has, those of facets counted.
    pub(super) fn panels(&self) -> (usize, usize) {
        let views = &self.data.views;
        let (lines, columns) = counts::of_views(self.plot, views.len());
        let of = |view: &crate::figures::plot::data::View<'_>| counts::of_facets(self, view);
        let most = |part: fn((usize, usize)) -> usize| views.iter().map(|v| part(of(v))).max();
        (
            lines * most(|(lines, _)| lines).unwrap_or(1),
            columns * most(|(_, columns)| columns).unwrap_or(1),
        )
    }

    /// Where the legend of the whole figure may go, the best first.
    pub(super) fn placements(&self, entries: &Entries, width: f64) -> Vec<Placement> {
        let one = self.data.views.len() == 1 && self.data.views[0].facets.len() == 1;
        let best = || {
            let sheet = entries.stacked(&self.fonts, width * LEGEND, f64::INFINITY);
            let most = if one { BESIDE } else { BESIDE_MANY };
            let narrow = sheet.is_ok_and(|sheet| sheet.width <= width * most);
            let mut places = if narrow {
                vec![Placement::Right, Placement::Bottom]
            } else {
                vec![Placement::Bottom, Placement::Right]
            };
            // A heat map fills its panel, and one panel of many would look special.
            if one && !self.hides_panel() {
                places.insert(0, Placement::Inside);
            }
            places
        };
        match self.plot.legend.unwrap_or_default() {
            _ if entries.is_empty() => vec![Placement::Nowhere],
            Legend::None => vec![Placement::Nowhere],
            Legend::Right => vec![Placement::Right],
            // Below stands what the ends of lines do not tell.
            Legend::Bottom | Legend::Ends => vec![Placement::Bottom],
            Legend::Top => vec![Placement::Top],
            Legend::Best => best(),
        }
    }

    /// Whether a mark fills the whole panel.
    pub(super) fn hides_panel(&self) -> bool {
        let layers = self.data.views.iter().flat_map(|view| &view.layers);
        layers.into_iter().any(|layer| layer.mark.hides_panel())
    }
}

//! What a mark is, and what it is given to draw.

use std::collections::BTreeMap;

use crate::figures::plot::canvas::{Area, Canvas, Stroke};
use crate::figures::plot::palette::Style;
use crate::figures::plot::scale::Scale;

/// One row of the table, as far as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::figures::plot) struct Row {
    /// The number, or the place of the category, along the horizontal axis.
    pub x: Option<f64>,
    /// The same along the vertical axis.
    pub y: Option<f64>,
    /// The half width of the interval around `x`.
    pub x_error: Option<f64>,
    /// The half width of the interval around `y`.
    pub y_error: Option<f64>,
    /// What a cell is coloured by.
    pub value: Option<f64>,
    /// The place of its series.
    pub series: usize,
}

/// The rows of one panel and what all panels share.
pub(in crate::figures::plot) struct Rows<'a> {
    /// The rows, in the order of the table.
    pub rows: &'a [Row],
    /// How many series the figure has.
    pub series: usize,
    /// Whether the series stand side by side within a category.
    pub dodge: bool,
    /// Whether every row is shown as a point as well.
    pub points: bool,
    /// The colours of cells.
    pub value: &'a Scale,
}

impl Rows<'_> {
    /// The rows of one series with those at the same `x` averaged; an error is
    /// kept only where there is one row.
    pub(in crate::figures::plot) fn averaged(&self, series: usize) -> Vec<Row> {
        let mut places: Vec<Vec<Row>> = Vec::new();
        let mut known: BTreeMap<u64, usize> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.series == series) {
            let Some(x) = row.x else { continue };
            let place = *known.entry((x + 0.0).to_bits()).or_insert_with(|| {
                places.push(Vec::new());
                places.len() - 1
            });
            places[place].push(*row);
        }
        places
            .into_iter()
            .filter_map(|rows| {
                let first = *rows.first()?;
                let known: Vec<f64> = rows.iter().filter_map(|row| row.y).collect();
                if known.len() < 2 {
                    return Some(*rows.iter().find(|row| row.y.is_some()).unwrap_or(&first));
                }
                Some(Row {
                    y: Some(known.iter().sum::<f64>() / known.len() as f64),
                    y_error: None,
                    x_error: None,
                    ..first
                })
            })
            .collect()
    }
}

/// Where one panel lies and what its axes mean.
pub(in crate::figures::plot) struct Panel<'a> {
    /// The rectangle between the axes.
    pub area: Area,
    /// The horizontal axis.
    pub x: &'a Scale,
    /// The vertical axis.
    pub y: &'a Scale,
}

impl Panel<'_> {
    /// The horizontal place of a value.
    pub(in crate::figures::plot) fn across(&self, value: f64) -> Option<f64> {
        Some(self.area.left + self.x.place(value)? * self.area.width())
    }

    /// The vertical place of a value; categories go down the page.
    pub(in crate::figures::plot) fn up(&self, value: f64) -> Option<f64> {
        let share = self.y.place(value)? * self.area.height();
        Some(match self.y {
            Scale::Category(_) => self.area.top + share,
            _ => self.area.bottom - share,
        })
    }

    /// The place of a pair.
    pub(in crate::figures::plot) fn at(
        &self,
        x: Option<f64>,
        y: Option<f64>,
    ) -> Option<(f64, f64)> {
        Some((self.across(x?)?, self.up(y?)?))
    }

    /// The width of one category, or nothing on an axis of numbers.
    pub(in crate::figures::plot) fn band(&self) -> Option<f64> {
        match self.x {
            Scale::Category(names) => Some(self.area.width() / names.len().max(1) as f64),
            _ => None,
        }
    }
}

/// How values become ink.
pub(in crate::figures::plot) trait Mark: Sync {
    /// Whether its horizontal axis has categories even for numbers.
    fn needs_categories(&self) -> bool {
        false
    }
    /// Whether its vertical axis has categories even for numbers.
    fn needs_vertical_categories(&self) -> bool {
        false
    }
    /// Whether the vertical axis starts at zero.
    fn starts_at_zero(&self) -> bool {
        false
    }
    /// Whether its vertical axis has to be one of numbers.
    fn needs_vertical_numbers(&self) -> bool {
        false
    }
    /// Whether it colours by a value instead of by series.
    fn colors_by_value(&self) -> bool {
        false
    }
    /// Draws the rows of one panel.
    fn draw(&self, canvas: &mut Canvas, panel: &Panel<'_>, rows: &Rows<'_>);
    /// Draws its sign in the legend, between two places on a line.
    fn sample(&self, canvas: &mut Canvas, from: (f64, f64), width: f64, style: &Style);
}

/// Notes the ink of a straight stroke.
pub(super) fn ink_along(canvas: &mut Canvas, from: (f64, f64), to: (f64, f64)) {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let steps = (length / 2.0).ceil().clamp(1.0, 2000.0) as usize;
    for step in 0..=steps {
        let part = step as f64 / steps as f64;
        canvas.ink((
            from.0 + (to.0 - from.0) * part,
            from.1 + (to.1 - from.1) * part,
        ));
    }
}

/// A line with caps from `low` to `high` of the vertical axis.
pub(super) fn error_bar(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    x: f64,
    (y, half): (f64, f64),
    (color, cap): (&str, f64),
) {
    let floor = panel.area.bottom;
    // On a logarithmic axis an interval that reaches zero has no lower end.
    let low = panel.up(y - half).unwrap_or(floor);
    let Some(high) = panel.up(y + half) else {
        return;
    };
    let stroke = Stroke::new(color, 0.9);
    canvas.line(&[(x, low), (x, high)], stroke);
    for end in [low, high] {
        canvas.line(&[(x - cap, end), (x + cap, end)], stroke);
    }
    ink_along(canvas, (x, low), (x, high));
}

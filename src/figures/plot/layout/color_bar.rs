//! The colours of a scale of numbers beside their values.

use plotters::style::text_anchor::{HPos, VPos};

use super::{Fonts, Trouble};
use crate::figures::plot::axis::{Axis, GAP, MAJOR};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::data::View;
use crate::figures::plot::element::{INK, Type};
use crate::figures::plot::scene::Shape;
use crate::figures::plot::shades::Shades;
use crate::figures::plot::text;

/// The width of the bar.
const BAR: f64 = 9.0;

/// A colour bar.
#[derive(Debug, Clone)]
pub(super) struct ColorBar {
    axis: Axis,
    shades: Shades,
    title: String,
    /// Its width with all that belongs to it, and the air before it.
    pub room: f64,
}

impl ColorBar {
    /// That of a panel which is about this high, if it has one.
    pub(super) fn new(view: &View<'_>, high: f64, fonts: &Fonts) -> Result<Option<Self>, Trouble> {
        let Some(shades) = &view.value else {
            return Ok(None);
        };
        let axis = Axis::vertical(&shades.scale, high, f64::INFINITY, fonts.tick);
        let title = shades.channel.heading();
        let title_room = if title.is_empty() {
            0.0
        } else {
            fonts.title.size * 1.5
        };
        if text::width(&title, fonts.title) > high * 1.4 {
            return Err(Trouble::high("the title of the colour bar does not fit"));
        }
        Ok(Some(Self {
            room: BAR + axis.depth + title_room + 8.0,
            axis,
            shades: shades.clone(),
            title,
        }))
    }

    /// Its shapes, from `left` on, as high as the panel.
    pub(super) fn shapes(&self, left: f64, inner: &Area, fonts: &Fonts) -> Vec<Shape> {
        let right = left + BAR;
        let steps = 128;
        let height = inner.height() / f64::from(steps);
        let mut shapes = Vec::new();
        for step in 0..steps {
            let top = inner.top + f64::from(step) * height;
            let area = Area {
                left,
                top,
                right,
                // Reaching under the next, or hairlines shine through.
                bottom: (top + 2.0 * height).min(inner.bottom),
            };
            let share = 1.0 - (f64::from(step) + 0.5) / f64::from(steps);
            let (color, _) = self.shades.at(share);
            shapes.push(Shape::Box(area, color.into()));
        }
        let set = Type::new(fonts.tick, HPos::Left, VPos::Center);
        for tick in &self.axis.ticks {
            let (Some(share), Some(label)) = (self.axis.scale.place(tick.value), &tick.label)
            else {
                continue;
            };
            let y = inner.bottom - share * inner.height();
            shapes.push(Shape::line([(right, y), (right + MAJOR, y)], INK, 0.7));
            shapes.push(Shape::Text((right + MAJOR + GAP, y), set, label.clone()));
        }
        if let Some(times) = self.axis.times() {
            let set = Type::new(fonts.tick, HPos::Left, VPos::Bottom);
            shapes.push(Shape::Text((left, inner.top - 2.5), set, times));
        }
        if !self.title.is_empty() {
            let x = right + self.axis.depth + fonts.title.size * 1.2;
            let set = Type {
                turn: -90.0,
                ..Type::centred(fonts.title)
            };
            let (_, y) = inner.middle();
            shapes.push(Shape::Text((x, y), set, self.title.clone()));
        }
        shapes
    }
}

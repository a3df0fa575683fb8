//! What a mark says of itself in Vega-Lite: one or several units over one another.
//!
//! A unit is a mark of Vega-Lite with the rows it draws, what of a row stands along which axis, and which of the layer's looks
//! it has. All else (scales, axes, legends, names of fields) is the same for every mark.

use plotters::style::RGBColor;
use serde_json::{Map, Value};

use crate::figures::plot::mark::Row;

/// What a row holds that has a place along an axis. Of a horizontal mark `x` and `y` are exchanged, as they are in the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Part {
    X,
    Y,
    /// Where it begins along `y`.
    Base,
    XLow,
    XHigh,
    YLow,
    YHigh,
}

impl Part {
    /// Whether it lies along the axis on which marks stand.
    pub(in crate::figures::plot) fn stands(self) -> bool {
        matches!(self, Self::X | Self::XLow | Self::XHigh)
    }

    /// The number of a row.
    pub(in crate::figures::plot) fn of(self, row: &Row) -> Option<f64> {
        match self {
            Self::X => row.x,
            Self::Y => row.y,
            Self::Base => row.base,
            Self::XLow => row.x_interval.map(|(low, _)| low),
            Self::XHigh => row.x_interval.map(|(_, high)| high),
            Self::YLow => row.y_interval.map(|(low, _)| low),
            Self::YHigh => row.y_interval.map(|(_, high)| high),
        }
    }
}

/// A look of the layer that a unit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Tells {
    Color,
    Shape,
    Dash,
    Size,
    Opacity,
    /// The series stand side by side within a category.
    Lane,
}

/// One mark of Vega-Lite.
#[derive(Debug, Clone)]
pub(in crate::figures::plot) struct Unit {
    /// The definition of the mark.
    pub(super) mark: Map<String, Value>,
    pub(super) rows: Vec<Row>,
    /// What stands along `x`, `x2`, `y` and `y2`, as the mark sees them. Where there is nothing it reaches from edge to edge.
    pub(super) places: Vec<(&'static str, Part)>,
    pub(super) tells: Vec<Tells>,
    /// What some of these are called, after the name of the column.
    pub(super) called: Vec<(Part, &'static str)>,
    /// Its colour where the layer has no colours of its own.
    pub(super) plain: Option<RGBColor>,
    /// How far each row stands from the middle of its category, in points.
    pub(super) aside: Option<Vec<f64>>,
    /// What each row writes, as mark-up.
    pub(super) texts: Option<Vec<String>>,
    /// Columns of its own.
    pub(super) own: Vec<(&'static str, Vec<Value>)>,
    /// Encodings as they are, which may name columns of its own.
    pub(super) encodings: Vec<(&'static str, Value)>,
}

impl Unit {
    /// A mark of Vega-Lite, by its name there, that draws rows.
    pub(in crate::figures::plot) fn new(mark: &str, rows: &[Row]) -> Self {
        let mut definition = Map::new();
        definition.insert("type".to_owned(), mark.into());
        Self {
            mark: definition,
            rows: rows.to_vec(),
            places: Vec::new(),
            tells: Vec::new(),
            called: Vec::new(),
            plain: None,
            aside: None,
            texts: None,
            own: Vec::new(),
            encodings: Vec::new(),
        }
    }

    /// With a property of the mark.
    #[must_use]
    pub(in crate::figures::plot) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.mark.insert(name.to_owned(), value.into());
        self
    }

    /// With what stands along `x`, `x2`, `y` or `y2`. Along an axis on which nothing stands it reaches from edge to edge.
    #[must_use]
    pub(in crate::figures::plot) fn at(mut self, side: &'static str, part: Part) -> Self {
        self.places.push((side, part));
        self
    }

    /// With looks of the layer.
    #[must_use]
    pub(in crate::figures::plot) fn tells(mut self, looks: &[Tells]) -> Self {
        self.tells.extend(looks);
        self
    }

    /// With other names of what has places than those of the columns.
    #[must_use]
    pub(in crate::figures::plot) fn called(mut self, names: &[(Part, &'static str)]) -> Self {
        self.called.extend(names);
        self
    }

    /// In this colour where the layer has no colours of its own.
    #[must_use]
    pub(in crate::figures::plot) fn plain(mut self, color: RGBColor) -> Self {
        self.plain = Some(color);
        self
    }

    /// Without a property of the mark.
    #[must_use]
    pub(in crate::figures::plot) fn without(mut self, name: &str) -> Self {
        self.mark.remove(name);
        self
    }

    /// With the distance of each row from the middle of its category, in points.
    #[must_use]
    pub(in crate::figures::plot) fn aside(mut self, points: Vec<f64>) -> Self {
        self.aside = Some(points);
        self
    }

    /// With what each row writes, as mark-up.
    #[must_use]
    pub(in crate::figures::plot) fn writes(mut self, texts: Vec<String>) -> Self {
        self.texts = Some(texts);
        self
    }

    /// With a column of its own.
    #[must_use]
    pub(in crate::figures::plot) fn column(
        mut self,
        name: &'static str,
        values: Vec<Value>,
    ) -> Self {
        self.own.push((name, values));
        self
    }

    /// With an encoding as it is; it may name a column of its own.
    #[must_use]
    pub(in crate::figures::plot) fn encode(mut self, channel: &'static str, value: Value) -> Self {
        self.encodings.push((channel, value));
        self
    }
}

/// A colour as text.
pub(in crate::figures::plot) fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

//! A column as it is drawn, and what its axis or legend looks like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::shorthand::{or_a_name, string_or_table};

/// A column as it is drawn: its name, or a table with more to say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(transform = or_a_name)]
pub struct Channel {
    /// The column of the data. An axis that the mark computes has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The text beside the axis or the colour bar; the column's name if left
    /// out. For `color`, `shape`, `dash` and `size` it stands above the legend, and for `facet`, `row` and `column` before the
    /// value of each panel; there nothing stands if it is left out. `^{…}`
    /// raises, `_{…}` lowers, `*…*` slants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A column with the half width of an interval, drawn as a band or a bar.
    /// Where rows are averaged, their mean has the interval that all of them
    /// have; where they differ it has none, which the figure says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A column with the lower end of an interval, beside `high`: an interval
    /// that is not as wide above as below, in place of `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    /// A column with the upper end of an interval, beside `low`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
    /// How numbers spread along the axis; `linear` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleName>,
    /// The lowest and the highest value of the axis; from the data if left out.
    /// Bars, lines and intervals that leave it end at the edge, which the figure says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<[f64; 2]>,
    /// The order of its values, as text; values that are not named come after,
    /// in the order of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// Whether the axis runs the other way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reverse: bool,
    /// How numbers are written beside the axis; as they need if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FormatName>,
    /// The values that get a tick; round numbers if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<Vec<f64>>,
    /// How steep labels stand, in degrees: 0 to 90. As needed if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 90))]
    pub angle: Option<f64>,
    /// Whether all panels of a facet have the same axis; they have if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<bool>,
    /// The colours of `color` and `value`. Left out, text has the categorical ones, and numbers the sequential ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub palette: Option<PaletteName>,
    /// The value in the middle of the `diverging` palette, in the `domain` if there is one. Left out, it is 0, or the middle of a
    /// `domain` without 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub middle: Option<f64>,
}

string_or_table!(Channel);

impl Channel {
    /// A column drawn without anything special.
    pub fn named(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            ..Self::default()
        }
    }

    /// The columns of its interval, each with the name of the parameter.
    pub fn interval(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [
            ("error", &self.error),
            ("low", &self.low),
            ("high", &self.high),
        ]
        .into_iter()
        .filter_map(|(name, column)| Some((name, column.as_ref()?)))
    }

    /// Whether it has an interval.
    pub(in crate::figures::plot) fn has_interval(&self) -> bool {
        self.interval().next().is_some()
    }

    /// What is said of the column, by the names of the parameters.
    pub(in crate::figures::plot) fn given(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("title", self.title.is_some()),
            ("error", self.error.is_some()),
            ("low", self.low.is_some()),
            ("high", self.high.is_some()),
            ("scale", self.scale.is_some()),
            ("domain", self.domain.is_some()),
            ("order", self.order.is_some()),
            ("reverse", self.reverse),
            ("format", self.format.is_some()),
            ("ticks", self.ticks.is_some()),
            ("angle", self.angle.is_some()),
            ("share", self.share.is_some()),
            ("palette", self.palette.is_some()),
            ("middle", self.middle.is_some()),
        ];
        given
            .into_iter()
            .filter_map(|(name, is)| is.then_some(name))
    }

    /// The text beside the axis, as mark-up.
    pub(in crate::figures::plot) fn heading(&self) -> String {
        match &self.title {
            Some(title) => title.clone(),
            None => self.field.replace('_', " "),
        }
    }

    /// How its numbers spread.
    pub(in crate::figures::plot) fn scale(&self) -> ScaleName {
        self.scale.unwrap_or_default()
    }

    /// This, with what it does not say taken from `other`. A column stays, with its interval.
    pub(in crate::figures::plot) fn completed(&self, other: &Self) -> Self {
        let other = other.clone();
        let own = self.clone();
        let column = if own.field.is_empty() {
            other.clone()
        } else {
            own.clone()
        };
        Self {
            field: column.field,
            title: own.title.or(other.title),
            error: column.error,
            low: column.low,
            high: column.high,
            scale: own.scale.or(other.scale),
            domain: own.domain.or(other.domain),
            order: own.order.or(other.order),
            reverse: own.reverse || other.reverse,
            format: own.format.or(other.format),
            ticks: own.ticks.or(other.ticks),
            angle: own.angle.or(other.angle),
            share: own.share.or(other.share),
            palette: own.palette.or(other.palette),
            middle: own.middle.or(other.middle),
        }
    }
}

/// How numbers spread along an axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleName {
    /// Even steps.
    #[default]
    Linear,
    /// Even ratios, ticks at powers of ten; what is not above zero is not shown, which the figure says.
    Log,
    /// Even ratios, ticks at powers of two.
    Log2,
    /// Even ratios, ticks at powers of *e*.
    Ln,
    /// Even ratios on both sides of zero, and even steps near it.
    Symlog,
    /// Even steps of the square root; what is below zero is not shown, which the figure says.
    Sqrt,
    /// Seconds since 1970, or dates as text (`2026-11-28`, `2026-11-28T09:30:00Z`), with ticks at round times in UTC.
    Time,
}

impl ScaleName {
    /// Whether it has even ratios, and so no zero.
    pub(in crate::figures::plot) fn is_log(self) -> bool {
        matches!(self, Self::Log | Self::Log2 | Self::Ln)
    }
}

/// How the numbers of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FormatName {
    /// With all their digits: `2000000`.
    Plain,
    /// As a share of one hundred: 0.25 is `25%`.
    Percent,
    /// With the prefixes of the SI: `2M`, `5k`, `10µ`.
    Si,
    /// As a power of ten for each tick: `2×10⁶`.
    Power,
}

/// Which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaletteName {
    /// One that stands out for each value.
    Categorical,
    /// From dark to light.
    Sequential,
    /// From blue over white to red, around `middle`.
    Diverging,
}

/// A number, or a column that gives one for each row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Amount {
    /// The same for all.
    Number(f64),
    /// A column, by its name or with more to say.
    Column(Box<Channel>),
}

impl Amount {
    /// The column, if it is one.
    pub fn column(&self) -> Option<&Channel> {
        match self {
            Self::Column(channel) => Some(channel),
            Self::Number(_) => None,
        }
    }

    /// The number, if it is one.
    pub(in crate::figures::plot) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Column(_) => None,
        }
    }
}

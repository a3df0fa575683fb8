//! What a plot shows: its parameters as written in a pipeline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::shorthand::{or_a_name, string_or_table};

/// Draws a table as a figure.
///
/// One drawing gives SVG, PDF and PNG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plot {
    /// How values are drawn.
    pub mark: MarkName,
    /// The column along the horizontal axis.
    pub x: Channel,
    /// The column along the vertical axis.
    pub y: Channel,
    /// One series for each value of this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Channel>,
    /// One panel for each value of this column, with shared axes and legend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facet: Option<Channel>,
    /// The column a heat map colours its cells by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Channel>,
    /// Straight lines to compare with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference: Vec<Reference>,
    /// A line above the figure. `^{…}` raises, `_{…}` lowers, `*…*` slants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Width of the figure in points (1/72 inch); 360 for one panel if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 4000))]
    pub width: Option<f64>,
    /// Height of the figure in points; 230 for one row of panels if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 4000))]
    pub height: Option<f64>,
    /// Where the legend goes.
    #[serde(default)]
    pub legend: Legend,
    /// Show every row as a point. Rows at the same place of one series are
    /// averaged for the line or the bar whether or not they are shown; where
    /// one of them has no value there is no mean, which the figure says.
    #[serde(default)]
    pub points: bool,
}

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkName {
    /// A line through the values of each series, with a band for errors.
    Line,
    /// A bar for each value, side by side by series, with caps for errors.
    Bar,
    /// A cell for each pair of `x` and `y`, coloured by `value`.
    Heat,
    /// A point for each row.
    Point,
}

/// A column as it is drawn: its name, or a table with more to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(transform = or_a_name)]
pub struct Channel {
    /// The column of the data.
    pub field: String,
    /// The text beside the axis or the colour bar; the column's name if left
    /// out. For `color` it stands above the legend, and for `facet` before the
    /// value of each panel; there nothing stands if it is left out. `^{…}`
    /// raises, `_{…}` lowers, `*…*` slants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A column with the half width of an interval, drawn as a band or a bar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A column with the lower end of an interval, beside `high`: an interval
    /// that is not as wide above as below, in place of `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    /// A column with the upper end of an interval, beside `low`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
    /// A linear or a logarithmic axis.
    #[serde(default)]
    pub scale: ScaleName,
    /// The lowest and the highest value of the axis; from the data if left out.
    /// Bars and lines that leave it end at the edge, which the figure says.
    /// Intervals that leave it end there too, and nothing says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<[f64; 2]>,
    /// The order of its values, as text; values that are not named come after,
    /// in the order of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
}

string_or_table!(Channel);

impl Channel {
    /// A column drawn without anything special.
    pub fn named(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            title: None,
            error: None,
            low: None,
            high: None,
            scale: ScaleName::Linear,
            domain: None,
            order: None,
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

    /// The text beside the axis, as mark-up.
    pub(super) fn heading(&self) -> String {
        match &self.title {
            Some(title) => title.clone(),
            None => self.field.replace('_', " "),
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
    /// Even ratios; what is not above zero is not shown, which the figure says.
    Log,
}

/// Where the legend goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Legend {
    /// The emptiest corner, or beside the panels if no corner is empty.
    #[default]
    Best,
    /// Beside the panels.
    Right,
    /// Below the panels.
    Bottom,
    /// Nowhere.
    None,
}

/// A straight line to compare with: give `x` or `y`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Where it crosses the horizontal axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Level>,
    /// Where it crosses the vertical axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<Level>,
    /// What it stands for. `^{…}` raises, `_{…}` lowers, `*…*` slants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A number, or a column that gives one for each panel and each `x`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Level {
    /// The same everywhere.
    Number(f64),
    /// The name of a column.
    Field(String),
}

impl Plot {
    /// A plot with nothing but a mark and its axes.
    pub fn new(mark: MarkName, x: impl Into<String>, y: impl Into<String>) -> Self {
        Self {
            mark,
            x: Channel::named(x),
            y: Channel::named(y),
            color: None,
            facet: None,
            value: None,
            reference: Vec::new(),
            title: None,
            width: None,
            height: None,
            legend: Legend::Best,
            points: false,
        }
    }

    /// Its columns, each with the name of the parameter.
    fn channels(&self) -> impl Iterator<Item = (&'static str, &Channel)> {
        [
            ("x", Some(&self.x)),
            ("y", Some(&self.y)),
            ("color", self.color.as_ref()),
            ("facet", self.facet.as_ref()),
            ("value", self.value.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, channel)| Some((name, channel?)))
    }

    /// What contradicts itself without a look at the table: the parameter with
    /// its path, and what is wrong with it.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems: Vec<(String, String)> = Vec::new();
        let mut refuse = |parameter: &str, why: &str| {
            problems.push((parameter.to_owned(), why.to_owned()));
        };
        for (name, side) in [("width", self.width), ("height", self.height)] {
            if side.is_some_and(|side| !(60.0..=4000.0).contains(&side)) {
                refuse(name, &format!("`{name}` is between 60 and 4000 points"));
            }
        }
        let heat = self.mark == MarkName::Heat;
        if heat && self.value.is_none() {
            let why = "a heat map needs `value`: the column its cells are coloured by";
            refuse("value", why);
        }
        if !heat && self.value.is_some() {
            let why = "`value` belongs to a heat map; other marks take `y` and `color`";
            refuse("value", why);
        }
        for (place, reference) in self.reference.iter().enumerate() {
            if reference.x.is_some() == reference.y.is_some() {
                let parameter = format!("reference.{place}");
                refuse(&parameter, "a reference line has either `x` or `y`");
            }
        }
        // Whose intervals the mark draws, and which columns make groups.
        let intervals: &[&str] = match self.mark {
            MarkName::Line | MarkName::Bar => &["y"],
            MarkName::Point => &["x", "y"],
            MarkName::Heat => &[],
        };
        for (name, channel) in self.channels() {
            let groups = name == "color" || name == "facet";
            let is_group = match self.mark {
                MarkName::Bar => name == "x",
                MarkName::Heat => name == "x" || name == "y",
                _ => false,
            };
            if is_group && (channel.domain.is_some() || channel.scale == ScaleName::Log) {
                let what = if channel.domain.is_some() {
                    "domain"
                } else {
                    "scale"
                };
                let why = "this mark takes each value here for a category; lines and points have numbers along an axis";
                refuse(&format!("{name}.{what}"), why);
                continue;
            }
            if let Some([low, high]) = channel.domain {
                let parameter = format!("{name}.domain");
                if groups {
                    refuse(&parameter, "`domain` belongs to numbers, not to groups");
                } else if !(low.is_finite() && high.is_finite() && low < high) {
                    refuse(&parameter, "`domain` is [lowest, highest]");
                } else if channel.scale == ScaleName::Log && low < 1e-300 {
                    let why = "the `domain` of a logarithmic axis is above zero";
                    refuse(&parameter, why);
                }
            }
            if let Some((parameter, _)) = channel.interval().next()
                && !intervals.contains(&name)
            {
                let why = format!("this mark draws no intervals around `{name}`");
                refuse(&format!("{name}.{parameter}"), &why);
            } else if channel.error.is_some() && (channel.low.is_some() || channel.high.is_some()) {
                let why =
                    "an interval is either `error`, its half width, or `low` and `high`, its ends";
                refuse(&format!("{name}.error"), why);
            } else if channel.low.is_some() != channel.high.is_some() {
                let (there, other) = match channel.low {
                    Some(_) => ("low", "high"),
                    None => ("high", "low"),
                };
                let why = format!("`{there}` needs `{other}`: both ends of the interval");
                refuse(&format!("{name}.{there}"), &why);
            }
            if channel.order.is_some() && name == "value" {
                refuse("value.order", "`value` is a number and has no other order");
            }
        }
        problems
    }

    /// Every column of the table it needs.
    pub fn columns(&self) -> Vec<String> {
        let mut needed: Vec<String> = Vec::new();
        let mut need = |name: &String| {
            if !needed.contains(name) {
                needed.push(name.clone());
            }
        };
        for (_, channel) in self.channels() {
            need(&channel.field);
            channel.interval().for_each(|(_, column)| need(column));
        }
        for reference in &self.reference {
            for level in [&reference.x, &reference.y].into_iter().flatten() {
                if let Level::Field(name) = level {
                    need(name);
                }
            }
        }
        needed
    }
}

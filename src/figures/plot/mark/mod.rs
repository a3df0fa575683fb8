//! The marks there are: one file each, and one line in the roster.

mod about;
mod area;
mod band;
mod bar;
mod bins;
mod boxplot;
mod contract;
mod curve;
mod density;
mod frame;
mod heat;
mod histogram;
mod interval;
mod lanes;
mod line;
mod point;
mod rect;
mod row;
mod rule;
mod sample;
mod spread;
mod stack;
mod statistics;
mod step;
mod text;
mod violin;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) use about::{About, Outside, Side, Unit};
pub(super) use contract::{Basis, Drawing, Lack, Mark, Sampled, area_radius};
pub(super) use frame::{Frame, Panel, marker};
pub(super) use lanes::{LANE_AIR, Lanes};
pub(super) use row::{Row, mean};

/// All marks, in the order of the documentation.
const ROSTER: &[&dyn Mark] = &[
    &line::Line,
    &step::Step,
    &area::Area,
    &band::Band,
    &bar::Bar,
    &point::Point,
    &interval::Interval,
    &boxplot::Boxplot,
    &violin::Violin,
    &histogram::Histogram,
    &density::Density,
    &heat::Heat,
    &rule::Rule,
    &rect::Rect,
    &text::Text,
];

/// How values are drawn: the name of a mark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MarkName(usize);

impl MarkName {
    /// The mark of that name.
    pub fn named(name: &str) -> Option<Self> {
        ROSTER
            .iter()
            .position(|mark| mark.about().name == name)
            .map(Self)
    }

    /// Its name in a pipeline.
    pub fn name(self) -> &'static str {
        self.mark().about().name
    }

    pub(super) fn mark(self) -> &'static dyn Mark {
        ROSTER[self.0]
    }
}

impl fmt::Debug for MarkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for MarkName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for MarkName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'_, str>::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, names()))
    }
}

/// The names of the marks that take a parameter.
pub(super) fn marks_that_take(parameter: &str) -> Vec<&'static str> {
    let marks = ROSTER.iter().map(|mark| mark.about());
    let marks = marks.filter(|about| about.takes.contains(&parameter));
    marks.map(|about| about.name).collect()
}

/// The names of all marks.
pub(super) fn names() -> &'static [&'static str] {
    static NAMES: std::sync::OnceLock<Vec<&'static str>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| ROSTER.iter().map(|mark| mark.about().name).collect())
}

impl JsonSchema for MarkName {
    fn schema_name() -> Cow<'static, str> {
        "MarkName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let each = ROSTER.iter().map(|mark| {
            let about = mark.about();
            serde_json::json!({ "type": "string", "const": about.name, "description": about.doc })
        });
        json_schema!({
            "description": "How values are drawn.",
            "oneOf": each.collect::<Vec<_>>()
        })
    }
}

#[cfg(test)]
mod tests;

//! The page of a figure: how large it is, and how its letters look.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The least and the largest side of a figure, in points.
pub(super) const SIDES: std::ops::RangeInclusive<f64> = 60.0..=4000.0;

/// A length: points, text with a unit, or what it fills on the page of a venue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Length {
    /// Points, of which an inch has 72.
    Points(f64),
    /// One column of the venue.
    Column,
    /// The whole width of the venue's page.
    Page,
}

/// The units of a length, and their points.
const UNITS: [(&str, f64); 4] = [
    ("in", 72.0),
    ("cm", 72.0 / 2.54),
    ("mm", 7.2 / 2.54),
    ("pt", 1.0),
];

impl Length {
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "column" => return Some(Self::Column),
            "page" => return Some(Self::Page),
            _ => {}
        }
        UNITS.iter().find_map(|(unit, points)| {
            let number: f64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
            Some(Self::Points(number * points))
        })
    }

    /// In points, at a venue; none if it needs one and there is none.
    pub(in crate::figures::plot) fn points(self, venue: Option<Venue>) -> Option<f64> {
        match self {
            Self::Points(points) => Some(points),
            Self::Column => Some(venue?.widths().0),
            Self::Page => Some(venue?.widths().1),
        }
    }
}

/// How a length is written, for messages.
const FORMS: &str = "a number of points, or text such as \"3.25in\", \"8cm\", \"80mm\", \"120pt\", \"column\" or \"page\"";

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Points(points) => serializer.serialize_f64(*points),
            Self::Column => serializer.serialize_str("column"),
            Self::Page => serializer.serialize_str("page"),
        }
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Length;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(FORMS)
            }
            fn visit_f64<E: Error>(self, points: f64) -> Result<Length, E> {
                Ok(Length::Points(points))
            }
            fn visit_i64<E: Error>(self, points: i64) -> Result<Length, E> {
                Ok(Length::Points(points as f64))
            }
            fn visit_u64<E: Error>(self, points: u64) -> Result<Length, E> {
                Ok(Length::Points(points as f64))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Length, E> {
                Length::parse(text)
                    .ok_or_else(|| E::custom(format!("{text:?} is not a length; write {FORMS}")))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl JsonSchema for Length {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of points (1/72 inch), or text with a unit: `\"3.25in\"`, `\"8cm\"`, `\"80mm\"`, `\"120pt\"`; with `venue`, `\"column\"` or `\"page\"`.",
            "anyOf": [{ "type": "number" }, { "type": "string" }]
        })
    }
}

/// A place to publish, which sets the widths of columns and pages and the sizes of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Venue {
    /// One column of 5.5 in.
    Neurips,
    /// Two columns of 3.25 in on a page of 6.75 in.
    Icml,
    /// One column of 5.5 in.
    Iclr,
    /// Two columns of 3.03 in on a page of 6.3 in.
    Acl,
    /// One column of 6 in.
    Jmlr,
    /// Two columns of 3.5 in on a page of 7.16 in.
    Ieee,
}

impl Venue {
    /// Their names in a pipeline.
    pub(super) const NAMES: [&'static str; 6] = ["neurips", "icml", "iclr", "acl", "jmlr", "ieee"];

    /// The widths of a column and of the page's text, in points.
    pub(in crate::figures::plot) fn widths(self) -> (f64, f64) {
        let (column, page) = match self {
            Self::Neurips | Self::Iclr => (5.5, 5.5),
            Self::Icml => (3.25, 6.75),
            Self::Acl => (3.03, 6.3),
            Self::Jmlr => (6.0, 6.0),
            Self::Ieee => (3.5, 7.16),
        };
        (column * 72.0, page * 72.0)
    }

    /// The size of labels, in points: about that of captions.
    pub(in crate::figures::plot) fn font_size(self) -> f64 {
        match self {
            Self::Neurips | Self::Iclr | Self::Jmlr => 8.0,
            Self::Icml | Self::Acl | Self::Ieee => 7.0,
        }
    }
}

/// The letters of a figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FontName {
    /// DejaVu Sans.
    #[default]
    Sans,
    /// DejaVu Serif.
    Serif,
}

/// What stands around the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Two axes, and a light grid.
    #[default]
    Open,
    /// A frame around each panel, and no grid.
    Boxed,
    /// Two axes, and no grid.
    Plain,
}

/// Where the legend goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Legend {
    /// The emptiest corner; if no corner is empty, beside the panels, or below them if its names are long.
    #[default]
    Best,
    /// Beside the panels.
    Right,
    /// Below the panels.
    Bottom,
    /// Above the panels.
    Top,
    /// A label at the end of each line, and no legend.
    Ends,
    /// Nowhere.
    None,
}

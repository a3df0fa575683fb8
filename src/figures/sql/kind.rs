//! The types of values that SQL knows, and how two become one.

use std::fmt;

use polars::prelude::DataType;

/// The type of a column or an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but missing values.
    Null,
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A number of 32 bits with a fraction.
    Single,
    /// A number of 64 bits with a fraction.
    Float,
    /// Text.
    Text,
    /// Not known before the query runs.
    Unknown,
}

impl Kind {
    /// The type of a column of a table; `None` for what SQL does not read, such as dates and lists.
    pub fn of(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool,
            kind if kind.is_integer() => Self::Int,
            DataType::Float32 => Self::Single,
            DataType::Float64 => Self::Float,
            DataType::String => Self::Text,
            _ => return None,
        })
    }

    /// The type of the column that holds such values.
    pub(super) fn storage(self) -> DataType {
        match self {
            Self::Null | Self::Unknown => DataType::Null,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Single => DataType::Float32,
            Self::Float => DataType::Float64,
            Self::Text => DataType::String,
        }
    }

    /// Whether it may be a number.
    pub(super) fn may_be_number(self) -> bool {
        !matches!(self, Self::Bool | Self::Text)
    }

    /// Whether it has a fraction, and so may be NaN.
    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::Single | Self::Float)
    }

    /// The type that holds values of both; `None` where there is none.
    pub(super) fn with(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (one, other) if one == other => one,
            (one, other) if one.may_be_number() && other.may_be_number() => Self::Float,
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "missing values",
            Self::Bool => "truth values",
            Self::Int => "whole numbers",
            Self::Single | Self::Float => "numbers",
            Self::Text => "text",
            Self::Unknown => "values of an unknown type",
        })
    }
}

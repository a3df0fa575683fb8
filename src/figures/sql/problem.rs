//! What is wrong with a piece of SQL, and where.

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::Location;

/// Something wrong in SQL text. Lines and columns count from 1 in that text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct SqlProblem {
    /// The line it is in.
    pub line: usize,
    /// The column it starts at, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
}

/// The text is not a query (or condition) that can be run.
pub type SqlError = SqlProblem;

impl SqlProblem {
    pub(super) fn at(place: Location, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            line: usize::try_from(place.line.max(1)).unwrap_or(1),
            column: usize::try_from(place.column.max(1)).unwrap_or(1),
            message: message.into(),
            help: help.into(),
        }
    }

    pub(super) fn from_parser(error: ParserError) -> Self {
        let text = match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
            ParserError::RecursionLimitExceeded => "the SQL is nested too deeply".to_owned(),
        };
        let (message, place) = match text.rsplit_once(" at Line: ") {
            Some((message, place)) => (message.to_owned(), located(place)),
            None => (text, None),
        };
        let help = if message.contains("found: -") {
            "a name with a hyphen stands in double quotes: \"my-table\""
        } else if message.contains("found: EOF") {
            "the SQL ends too early"
        } else {
            ""
        };
        let place = place.unwrap_or(Location { line: 1, column: 1 });
        Self::at(place, message, help)
    }
}

fn located(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location {
        line: line.trim().parse().ok()?,
        column: column.trim().parse().ok()?,
    })
}

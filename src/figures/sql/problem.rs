//! What is wrong with a piece of SQL, and where.

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::Location;

use crate::figures::spelling;

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
        let (message, help) = in_words(&message);
        let place = place.unwrap_or(Location { line: 1, column: 1 });
        Self::at(place, message, help)
    }
}

/// How the advice begins that a name was meant as text.
pub(super) const QUOTES: &str = "text stands in single quotes";

/// What other words of SQL look like when fingers slip.
const KEYWORDS: &[&str] = &[
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "HAVING", "JOIN", "LEFT", "INNER", "USING",
    "LIMIT", "UNION", "WITH", "DISTINCT", "CASE", "WHEN", "THEN", "ELSE", "END", "BETWEEN",
];

/// What a parser says, as a sentence, and what to do.
fn in_words(message: &str) -> (String, String) {
    let parts = message
        .strip_prefix("Expected: ")
        .and_then(|rest| rest.rsplit_once(", found: "));
    let Some((expected, found)) = parts else {
        return (message.to_owned(), String::new());
    };
    let expected = match expected {
        "end of statement" => "the end of the SQL",
        other => other,
    };
    if found == "EOF" {
        return (
            "the SQL ends too early".to_owned(),
            format!("expected {expected}"),
        );
    }
    let help = if found == "-" {
        "a stage `my-table` is the table `my_table` in SQL; a column with a hyphen stands in double quotes: \"my-column\""
            .to_owned()
    } else {
        if ["GROUP", "ORDER"].contains(&found.to_uppercase().as_str()) {
            let help = format!(
                "write {} BY, and each clause in its place: SELECT, FROM, WHERE, GROUP BY, ORDER BY",
                found.to_uppercase()
            );
            return (format!("expected {expected}, found `{found}`"), help);
        }
        let near = spelling::nearest(found, KEYWORDS.iter().copied());
        let near = near.filter(|near| !near.eq_ignore_ascii_case(found));
        near.map_or(String::new(), |near| format!("did you mean {near}?"))
    };
    (format!("expected {expected}, found `{found}`"), help)
}

fn located(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location {
        line: line.trim().parse().ok()?,
        column: column.trim().parse().ok()?,
    })
}

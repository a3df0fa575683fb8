//! A statement that is no TOML, in words: what is wrong with it, and what to write.

use std::ops::Range;
use std::sync::Arc;

use super::problem::Problem;
use super::source::{Source, Span};
use super::statement::{Open, Statement};

/// What a parser says.
pub struct Fault {
    /// Where.
    pub range: Range<usize>,
    /// In its words.
    pub message: String,
}

/// One problem for a statement, by the first error in it.
pub fn explain(source: &Arc<Source>, statement: &Statement, fault: &Fault) -> Problem {
    let slip = Slip {
        source,
        statement,
        text: &source.text[statement.range.clone()],
        fault,
    };
    if slip.says("recurs") {
        return slip.other();
    }
    slip.doubled()
        .or_else(|| slip.header())
        .or_else(|| slip.open())
        .or_else(|| slip.surplus())
        .or_else(|| slip.key())
        .or_else(|| slip.comma())
        .or_else(|| slip.value())
        .or_else(|| slip.rest())
        .unwrap_or_else(|| slip.other())
}

struct Slip<'a> {
    source: &'a Arc<Source>,
    statement: &'a Statement,
    text: &'a str,
    fault: &'a Fault,
}

/// The first line of a text, short enough to stand in a sentence.
fn first_line(text: &str) -> &str {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or(text).trim();
    &line[..line.floor_char_boundary(LONGEST)]
}

impl Slip<'_> {
    /// A problem at some bytes of the source.
    fn at(&self, start: usize, end: usize, message: impl Into<String>) -> Problem {
        Problem::at(&Span::new(self.source, start..end), message)
    }

    /// A problem at the error, or at the word that it stands before.
    fn here(&self, message: impl Into<String>) -> Problem {
        let start = self.fault.range.start;
        let end = self.fault.range.end.max(start + self.word(start).len());
        self.at(start, end, message)
    }

    /// The word at a place.
    fn word(&self, at: usize) -> &str {
        let rest = self.source.text.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| c.is_whitespace() || ",=[]{}#".contains(c));
        &rest[..end.unwrap_or(rest.len())]
    }

    fn says(&self, words: &str) -> bool {
        self.fault.message.contains(words)
    }

    fn key_text(&self) -> &str {
        let end = self.text.find(['=', ':', '\n']).unwrap_or(self.text.len());
        self.text[..end].trim()
    }

    fn doubled(&self) -> Option<Problem> {
        if !self.says("duplicate key") {
            return None;
        }
        let (name, help) = if self.text.starts_with('[') {
            let help = "write all keys of a table under one header";
            (first_line(self.text), help)
        } else {
            let name = self.source.text[self.fault.range.clone()].trim();
            let help = "keep one of them; to try several values, write an axis under [axes]";
            (name, help)
        };
        Some(
            self.here(format!("`{name}` stands here a second time"))
                .label("again")
                .help(help),
        )
    }

    fn header(&self) -> Option<Problem> {
        let line = first_line(self.text);
        if !self.statement.is_header(&self.source.text) {
            return None;
        }
        let name = line.trim_start_matches('[').split(']').next();
        let words = name.unwrap_or_default().split_whitespace();
        let name = words.collect::<Vec<_>>().join("_");
        let written = if line.starts_with("[[") {
            format!("[[{name}]]")
        } else {
            format!("[{name}]")
        };
        let start = self.statement.range.start;
        let problem = self.at(
            start,
            start + line.len(),
            "this header of a table cannot be read",
        );
        Some(problem.help(format!("write `{written}` alone on a line")))
    }

    fn open(&self) -> Option<Problem> {
        let (at, open) = self.statement.open?;
        let (message, help) = match open {
            Open::Text(quote) => {
                let long = quote.to_string().repeat(3);
                let help = format!(
                    "write `{quote}` at its end; a text of several lines stands between {long} and {long}"
                );
                ("this string is not closed", help)
            }
            Open::LongText(quotes) => (
                "this text is not closed",
                format!("write {quotes} after its last line"),
            ),
            Open::List => (
                "this list is not closed",
                "write `]` at its end".to_string(),
            ),
            Open::Table => (
                "this table is not closed",
                "write `}` at its end".to_string(),
            ),
        };
        let rest = self.source.text[at..self.statement.range.end]
            .lines()
            .next();
        let length = rest.unwrap_or_default().trim_end().len();
        Some(
            self.at(at, at + length, message)
                .label("begins here")
                .help(help),
        )
    }

    fn surplus(&self) -> Option<Problem> {
        let at = self.statement.surplus?;
        let bracket = &self.source.text[at..=at];
        let message = format!("this `{bracket}` closes nothing");
        Some(
            self.at(at, at + 1, message)
                .help("leave it out, or write what it closes before it"),
        )
    }

    /// What stands left of the `=`.
    fn key(&self) -> Option<Problem> {
        let start = self.statement.range.start;
        if self.text.starts_with("//") || self.text.starts_with("--") {
            let message = "this is no comment in TOML";
            return Some(
                self.at(start, start + 2, message)
                    .help("a comment begins with `#`"),
            );
        }
        if self.says("expected letters, numbers, `-`, `_`") || self.says("expected `=`") {
            let inside = &self.source.text[start..self.fault.range.start];
            if let Some(problem) = self.colon(inside) {
                return Some(problem);
            }
        }
        let key = self.key_text();
        let line = first_line(self.text);
        if self.says("key with no value") {
            let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim();
            if line.contains('=') {
                let name = key.split_whitespace().collect::<Vec<_>>().join("_");
                let problem = self.at(
                    start,
                    start + key.len(),
                    format!("`{key}` is no key: a key is one word"),
                );
                return Some(problem.help(format!("write `{name} = …`")));
            }
            let problem = self.at(start, start + line.len(), format!("`{first}` has no `=`"));
            let written = if rest.is_empty() { "…" } else { rest };
            return Some(problem.help(format!("write `{first} = {written}`")));
        }
        if self.text[key.len()..].trim_start().starts_with("==") {
            let at = start + self.text.find("==")?;
            let problem = self.at(at, at + 2, "one `=` sets a key");
            return Some(problem.help(format!("write `{key} = …`")));
        }
        None
    }

    /// `key: value`.
    fn colon(&self, before: &str) -> Option<Problem> {
        let after = self.fault.range.clone();
        let sign = self.source.text[after.start..].starts_with(':');
        let at = if sign {
            after.start
        } else {
            self.statement.range.start + before.trim_end().strip_suffix(':')?.len()
        };
        let text = &self.source.text;
        let key = text[self.statement.range.start..at]
            .rsplit(['{', ',', '\n'])
            .next();
        let key = key.unwrap_or_default().trim();
        let rest = text[at + 1..].lines().next().unwrap_or_default();
        let inline = at - self.statement.range.start > key.len() + 1;
        let rest = if inline {
            rest.split([',', '}']).next().unwrap_or(rest)
        } else {
            rest
        };
        let problem = self.at(at, at + 1, "a key is set with `=`, not with `:`");
        let written = format!("{key} = {}", first_line(rest));
        Some(problem.help(format!("write `{}`", written.trim_end())))
    }

    /// A comma between two entries.
    fn comma(&self) -> Option<Problem> {
        let start = self.fault.range.start;
        let bad = self.source.text.get(self.fault.range.clone())?;
        let missing = |at: usize| {
            let (before, after) = self.source.text.split_at(at);
            let before = before
                .rsplit([',', '[', '{', '\n'])
                .find(|text| !text.trim().is_empty());
            let after = after
                .split([',', ']', '}', '\n'])
                .next()
                .unwrap_or_default();
            let (before, after) = (before.unwrap_or_default().trim(), after.trim());
            let problem = self.at(at, at + self.word(at).len(), "a `,` is missing before this");
            problem.help(format!(
                "write `{}, {}`",
                first_line(before),
                first_line(after)
            ))
        };
        if self.says("missing comma") {
            return Some(missing(start));
        }
        // What seems to be one value with a blank in it.
        let (first, rest) = bad.split_once(char::is_whitespace)?;
        let is_value = first.parse::<f64>().is_ok() || matches!(first, "true" | "false");
        let before = self.text.get(..start - self.statement.range.start);
        let inside = before.unwrap_or(self.text).contains(['[', '{']);
        if self.says("must be quoted") && inside && is_value {
            let at = start + bad.len() - rest.trim_start().len();
            return Some(missing(at));
        }
        None
    }

    /// What stands right of the `=`.
    fn value(&self) -> Option<Problem> {
        let bad = self.source.text.get(self.fault.range.clone())?.trim();
        let key = self.key_text();
        if self.says("missing assignment") || self.says("expected `=`") {
            let problem = self.here("in a table in braces each value has a key");
            return Some(problem.help("write `{ key = value, … }`; a list is written `[1, 2]`"));
        }
        if bad.is_empty() && self.says("must be quoted") {
            let problem = self.at(
                self.statement.range.start,
                self.statement.range.end,
                format!("`{key}` has no value"),
            );
            return Some(problem.help("write a value after `=`, or leave the line out"));
        }
        let lower = bad.to_lowercase();
        if matches!(lower.as_str(), "none" | "null" | "nil" | "undefined") {
            return Some(
                self.here("there is no empty value")
                    .help("leave the key out, and its default holds"),
            );
        }
        if matches!(
            lower.as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off"
        ) {
            let meant = if matches!(lower.as_str(), "true" | "yes" | "on") {
                "true"
            } else {
                "false"
            };
            return Some(
                self.here("this is no truth value")
                    .help(format!("write `{meant}`")),
            );
        }
        if bad.starts_with('(') {
            return Some(
                self.here("this is no list")
                    .help("a list is written `[1, 2]`"),
            );
        }
        if bad.contains('(') {
            let problem = self.here("values are written out; there are no functions");
            return Some(problem.help(
                "write a list such as `[0, 1, 2]`; an axis also takes `{ range = [0, 5] }`",
            ));
        }
        if self.says("numeric") {
            return Some(self.number());
        }
        let begins = bad.chars().next()?;
        if self.says("must be quoted") && !begins.is_ascii_digit() {
            let line = self.source.text[self.fault.range.start..]
                .lines()
                .next()
                .unwrap_or_default();
            let whole = if self.text.contains(['[', '{']) {
                bad
            } else {
                line.split('#').next().unwrap_or(bad).trim()
            };
            let problem = self.here("a string stands in quotes");
            return Some(problem.help(format!("write `\"{}\"`", first_line(whole))));
        }
        if self.says("integer") || self.says("float") || begins.is_ascii_digit() {
            return Some(self.number());
        }
        None
    }

    fn number(&self) -> Problem {
        let problem = self.here("this number cannot be read");
        problem.help("numbers are written `1000`, `1_000`, `0.5` or `1e-3`; text stands in quotes")
    }

    /// What stands after a value.
    fn rest(&self) -> Option<Problem> {
        if self.says("escape") {
            let problem = self.here("this is no escape");
            return Some(problem.help("for a backslash write `\\\\`, or put the text in single quotes: there it is a letter like any other"));
        }
        if !self.says("expected newline") {
            return None;
        }
        let (before, after) = self.source.text.split_at(self.fault.range.start);
        let comma = before.len() - usize::from(before.ends_with(','));
        let rest = self.source.text[comma..].strip_prefix(',');
        let rest = rest.map(|rest| rest.lines().next().unwrap_or_default().trim());
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#')) {
            let problem = self.at(comma, comma + 1, "no comma stands at the end of a line");
            return Some(problem.help("leave it out"));
        }
        let is_number = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let after = after.trim_start_matches(',').chars().next();
        if rest.is_some()
            && is_number(after)
            && is_number(before.trim_end_matches(',').chars().next_back())
        {
            return Some(self.number());
        }
        let problem = self.here("something follows after the value");
        Some(
            problem.help("one key stands on each line; several values stand in brackets: `[1, 2]`"),
        )
    }

    /// In the words of the parser.
    fn other(&self) -> Problem {
        self.here(format!("this is not TOML: {}", self.fault.message))
    }
}

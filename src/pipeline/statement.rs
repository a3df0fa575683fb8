//! Where the statements of a TOML text begin and end, also where the text is broken: a header of a table, or a key with its
//! value. It is asked only about texts that are no TOML, to find what of them can still be read.

use std::ops::Range;

/// A piece of text between two line breaks that stand in no brackets and no string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its bytes, without blanks and comments around it.
    pub range: Range<usize>,
    /// What is open at its end: where, and by which sign.
    pub open: Option<(usize, Open)>,
    /// Where a bracket closes that was not opened.
    pub surplus: Option<usize>,
}

/// What has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// A string of one line.
    Text(char),
    /// A string of several lines.
    LongText(&'static str),
    /// `[`
    List,
    /// `{`
    Table,
}

impl Statement {
    /// Whether it is a header of a table, or was meant for one.
    pub fn is_header(&self, text: &str) -> bool {
        let line = line(&text[self.range.clone()]).trim_end();
        line.starts_with('[') || line.ends_with(']') && !line.contains('=')
    }
}

/// So deep nobody nests by hand: so many brackets are open because some were not closed.
const DEEPEST: usize = 100;

impl Open {
    /// A bracket, with its place.
    fn bracket((at, bracket): (usize, char)) -> (usize, Self) {
        let open = if bracket == '[' {
            Self::List
        } else {
            Self::Table
        };
        (at, open)
    }
}

/// All statements of a text, in its order.
pub fn statements(text: &str) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
        } else if rest.starts_with('#') {
            at += line(rest).len();
        } else {
            let (statement, end) = Scan::new(text, at).statement();
            all.push(statement);
            at = end;
        }
    }
    all
}

/// The first line of a text, without its end.
fn line(text: &str) -> &str {
    text.split('\n').next().unwrap_or(text)
}

/// Whether a line is the header of a table.
fn is_header(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or(line).trim();
    let inner = line.trim_start_matches('[').trim_end_matches(']');
    let first = inner.trim().chars().next();
    let begins = first.is_some_and(|c| c.is_alphabetic() || c == '_');
    let plain = |c: char| c.is_alphanumeric() || "_-. \"'".contains(c);
    line.starts_with('[') && line.ends_with(']') && begins && inner.chars().all(plain)
}

/// Whether a line sets a key.
fn is_pair(line: &str) -> bool {
    let Some((key, _)) = line.split_once('=') else {
        return false;
    };
    let key = key.trim();
    let plain = |c: char| c.is_alphanumeric() || "_-.\"'".contains(c);
    !key.is_empty() && key.chars().all(plain)
}

/// Reads one statement.
struct Scan<'a> {
    text: &'a str,
    start: usize,
    at: usize,
    /// The brackets that are open.
    brackets: Vec<(usize, char)>,
    /// One that was still open when one around it closed.
    skipped: Option<(usize, char)>,
    surplus: Option<usize>,
    /// The end of what was read that is neither blank nor a comment.
    last: usize,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, start: usize) -> Self {
        Self {
            text,
            start,
            at: start,
            brackets: Vec::new(),
            skipped: None,
            surplus: None,
            last: start,
        }
    }

    /// The statement, and where to go on.
    fn statement(mut self) -> (Statement, usize) {
        while let Some(c) = self.text[self.at..].chars().next() {
            match c {
                '\n' if self.brackets.is_empty() => break,
                '\n' if self.is_left_open() => return self.unclosed(),
                '#' => self.at += line(&self.text[self.at..]).len(),
                '"' | '\'' if !self.follows_a_word() => {
                    let from = self.at;
                    if let Err(open) = self.string(c) {
                        return self.ended(Some((from, open)));
                    }
                }
                '[' | '{' if self.brackets.len() > DEEPEST => return self.unclosed(),
                c => {
                    self.bracket(c);
                    self.at += c.len_utf8();
                    if !c.is_whitespace() {
                        self.last = self.at;
                    }
                }
            }
        }
        if self.brackets.is_empty() {
            let skipped = self.skipped.map(Open::bracket);
            self.ended(skipped)
        } else {
            self.unclosed()
        }
    }

    fn ended(self, open: Option<(usize, Open)>) -> (Statement, usize) {
        let statement = Statement {
            range: self.start..self.last,
            open,
            surplus: self.surplus,
        };
        (statement, self.at)
    }

    fn bracket(&mut self, c: char) {
        let opening = match c {
            '[' | '{' => {
                self.brackets.push((self.at, c));
                return;
            }
            ']' => '[',
            '}' => '{',
            _ => return,
        };
        let Some(at) = self.brackets.iter().rposition(|(_, open)| *open == opening) else {
            self.surplus = self.surplus.or(Some(self.at));
            return;
        };
        self.skipped = self.skipped.or(self.brackets.get(at + 1).copied());
        self.brackets.truncate(at);
    }

    /// An apostrophe inside a word begins no string.
    fn follows_a_word(&self) -> bool {
        let before = self.text[self.start..self.at].chars().next_back();
        before.is_some_and(char::is_alphanumeric)
    }

    /// Goes behind a string; an error where it is not closed.
    fn string(&mut self, quote: char) -> Result<(), Open> {
        let long = if quote == '"' { "\"\"\"" } else { "'''" };
        if self.text[self.at..].starts_with(long) {
            self.at += long.len();
            return self.long_string(long);
        }
        let mut escaped = false;
        let rest = line(&self.text[self.at + 1..]);
        for (at, c) in rest.char_indices() {
            if c == quote && !escaped {
                self.at += 1 + at + 1;
                self.last = self.at;
                return Ok(());
            }
            escaped = c == '\\' && quote == '"' && !escaped;
        }
        self.at += 1 + rest.len();
        self.at += self.more_lines(quote);
        self.last = self.start + self.text[self.start..self.at].trim_end().len();
        Err(Open::Text(quote))
    }

    /// The bytes of the lines that follow and belong to a string that was written over several, up to its closing quote.
    fn more_lines(&self, quote: char) -> usize {
        let rest = &self.text[self.at..];
        let mut bytes = 0;
        for next in rest.split_inclusive('\n').skip(1) {
            let text = next.trim();
            if text.is_empty() || text.starts_with('#') || is_header(text) || is_pair(text) {
                break;
            }
            bytes += next.len();
            if text.contains(quote) {
                return bytes;
            }
        }
        0
    }

    fn long_string(&mut self, quotes: &'static str) -> Result<(), Open> {
        let rest = &self.text[self.at..];
        let mut from = 0;
        while let Some(found) = rest[from..].find(quotes) {
            let end = from + found;
            let backslashes = rest[..end].bytes().rev().take_while(|b| *b == b'\\');
            let is_escaped = quotes.starts_with('"') && backslashes.count() % 2 == 1;
            if !is_escaped {
                // Up to two quotes before the closing ones belong to the text.
                let more = rest[end + 3..].bytes().take(2);
                let more = more.take_while(|b| *b == quotes.as_bytes()[0]).count();
                self.at += end + 3 + more;
                self.last = self.at;
                return Ok(());
            }
            from = end + 1;
        }
        // It swallows all that follows; what follows begins at the next header.
        let mut end = 0;
        for line in rest.split_inclusive('\n') {
            if end > 0 && is_header(line) {
                break;
            }
            end += line.len();
        }
        self.at += end;
        self.last = self.start + self.text[self.start..self.at].trim_end().len();
        Err(Open::LongText(quotes))
    }

    /// Whether the next line cannot stand in the brackets that are open.
    fn is_left_open(&self) -> bool {
        let next = line(&self.text[self.at + 1..]);
        let inside_list = self.brackets.last().is_some_and(|(_, open)| *open == '[');
        is_header(next) || inside_list && is_pair(next)
    }

    /// The statement up to where the next one seems to begin: what would close the brackets did not come.
    fn unclosed(mut self) -> (Statement, usize) {
        let from = self.brackets[0].0;
        self.at += line(&self.text[self.at..]).len();
        let mut end = from;
        for line in self.text[from..self.at].split_inclusive('\n') {
            let is_next = end > from && is_pair(line) && !line.trim_end().ends_with(',');
            if is_next {
                break;
            }
            end += line.len();
        }
        self.at = end;
        self.last = self.start + self.text[self.start..end].trim_end().len();
        let open = Open::bracket(self.brackets[0]);
        self.ended(Some(open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        let all = statements(text).into_iter();
        all.map(|statement| &text[statement.range]).collect()
    }

    #[test]
    fn a_whole_text_is_its_headers_and_pairs() {
        let text = "# about\na = 1 # one\n[s.b]\nl = [\n  1, # ]\n  '[',\n]\n\nt = { a = 1,\n b = 2 }\nq = \"\"\"\n[x]\nk = \\\"\"\" \"\"\"\n[[o]]\n";
        assert_eq!(
            texts(text),
            [
                "a = 1",
                "[s.b]",
                "l = [\n  1, # ]\n  '[',\n]",
                "t = { a = 1,\n b = 2 }",
                "q = \"\"\"\n[x]\nk = \\\"\"\" \"\"\"",
                "[[o]]",
            ]
        );
        assert!(
            statements(text)
                .iter()
                .all(|s| s.open.is_none() && s.surplus.is_none())
        );
    }

    #[test]
    fn what_is_not_closed_ends_where_the_next_statement_begins() {
        for (text, open, rest) in [
            ("a = [1, 2\nb = 3\n[c]\n", Open::List, &["b = 3", "[c]"][..]),
            (
                "a = { x = 1, y = 2\nb = 3\n[c]\n",
                Open::Table,
                &["b = 3", "[c]"],
            ),
            ("a = {\n  x = 1,\n[c]\n", Open::Table, &["[c]"]),
            ("a = \"x\nb = 3\n", Open::Text('"'), &["b = 3"]),
            (
                "a = { k = 'x, y = 2 }\nb = 3\n",
                Open::Text('\''),
                &["b = 3"],
            ),
            (
                "a = \"\"\"\nSELECT\n[c]\nb = 3\n",
                Open::LongText("\"\"\""),
                &["[c]", "b = 3"],
            ),
            ("[c\nb = 3\n", Open::List, &["b = 3"]),
        ] {
            let all = statements(text);
            assert_eq!(all[0].open.map(|(_, open)| open), Some(open), "{text}");
            assert_eq!(&texts(text)[1..], rest, "{text}");
        }
        assert_eq!(texts("a = \"SELECT x\n  FROM b\"\nc = 1")[1..], ["c = 1"]);
        assert_eq!(
            statements("a = { b = [1 }\nc = 1")[0].open,
            Some((10, Open::List))
        );
        assert_eq!(statements("a = [1]]\n")[0].surplus, Some(7));
        assert_eq!(texts("a = it's\nb = 1"), ["a = it's", "b = 1"]);
    }
}

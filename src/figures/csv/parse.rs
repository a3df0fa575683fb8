//! Text cut into rows of cells, with the line of each (RFC 4180).
//!
//! A line ends with `\n`, `\r\n` or `\r`; a quoted cell may hold all of them. Refuses a quote that is never closed and text
//! after a closing quote.

use std::borrow::Cow;

/// How a cell was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Bare,
    /// In quotes, which some programs put around numbers too.
    Quoted,
    /// As text beyond doubt.
    Text,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    pub text: Cow<'a, str>,
    pub form: Form,
}

impl Cell<'_> {
    /// A cell in which nothing stands.
    pub const NOTHING: Cell<'static> = Cell {
        text: Cow::Borrowed(""),
        form: Form::Bare,
    };
}

/// A row, with the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub line: usize,
    pub cells: Vec<Cell<'a>>,
}

impl Row<'_> {
    /// Whether its line is empty.
    pub fn is_blank(&self) -> bool {
        matches!(self.cells.as_slice(), [cell] if *cell == Cell::NOTHING)
    }
}

/// The rows of a text; else the line and what is wrong there.
pub(super) fn rows(text: &str) -> Result<Vec<Row<'_>>, (usize, String)> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
    };
    let mut rows = Vec::new();
    while reader.at < text.len() {
        rows.push(reader.row()?);
    }
    Ok(rows)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn row(&mut self) -> Result<Row<'a>, (usize, String)> {
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            cells.push(self.cell()?);
            match self.next() {
                Some(b',') => self.at += 1,
                None => break,
                Some(end) => {
                    self.at += 1;
                    if end == b'\r' && self.next() == Some(b'\n') {
                        self.at += 1;
                    }
                    self.line += 1;
                    break;
                }
            }
        }
        Ok(Row { line, cells })
    }

    /// A cell; what comes next is the end of the text or what ended it.
    fn cell(&mut self) -> Result<Cell<'a>, (usize, String)> {
        let rest = &self.text[self.at..];
        // Spaces between a comma and a quote are layout.
        let inner = rest.trim_start_matches(' ');
        if inner.starts_with('"') {
            self.at += rest.len() - inner.len() + 1;
            return self.quoted();
        }
        let end = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
        self.at += end;
        Ok(Cell {
            text: Cow::Borrowed(&rest[..end]),
            form: Form::Bare,
        })
    }

    /// The rest of a quoted cell.
    fn quoted(&mut self) -> Result<Cell<'a>, (usize, String)> {
        let (line, from) = (self.line, self.at);
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        let mut from = from;
        loop {
            let Some(end) = self.text[from..].find('"') else {
                return Err((line, "a quote is opened here and never closed".into()));
            };
            let part = &self.text[from..from + end];
            self.line += lines(part);
            from += end + 1;
            let doubled = self.text[from..].starts_with('"');
            match (text.is_empty(), doubled) {
                (true, false) => text = Cow::Borrowed(part),
                _ => text.to_mut().push_str(part),
            }
            if !doubled {
                break;
            }
            text.to_mut().push('"');
            from += 1;
        }
        let rest = &self.text[from..];
        let inner = rest.trim_start_matches(' ');
        self.at = from + rest.len() - inner.len();
        match self.next() {
            None | Some(b',' | b'\n' | b'\r') => Ok(Cell {
                text,
                form: Form::Quoted,
            }),
            Some(_) => Err((
                self.line,
                "text follows a closing quote; a quote within a quoted cell is doubled".into(),
            )),
        }
    }
}

/// How many lines end in a text.
fn lines(text: &str) -> usize {
    let pairs = text.matches("\r\n").count();
    text.matches(['\n', '\r']).count() - pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(usize, Vec<String>)> {
        let rows = rows(text).unwrap().into_iter();
        rows.map(|row| {
            let cells = row.cells.into_iter().map(|cell| match cell.form {
                Form::Bare => cell.text.into_owned(),
                _ => format!("<{}>", cell.text),
            });
            (row.line, cells.collect())
        })
        .collect()
    }

    fn row(line: usize, cells: &[&str]) -> (usize, Vec<String>) {
        (line, cells.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn rows_have_the_line_on_which_they_begin_whatever_ends_a_line() {
        let text = "a,b\r\n\"x\r\ny\nz\",\"say \"\"hi\"\"\"\r1,\n\n,\"\"";
        let expected = [
            row(1, &["a", "b"]),
            row(2, &["<x\r\ny\nz>", "<say \"hi\">"]),
            row(5, &["1", ""]),
            row(6, &[""]),
            row(7, &["", "<>"]),
        ];
        assert_eq!(cells(text), expected);
        assert_eq!(cells(""), []);
        assert_eq!(cells("a"), [row(1, &["a"])]);
        assert_eq!(cells("a,"), [row(1, &["a", ""])]);
    }

    #[test]
    fn spaces_around_a_quoted_cell_are_layout_and_others_belong_to_the_cell() {
        let text = "\"a\" , \"b, c\", 5\" screen , \"\"\"\"";
        assert_eq!(
            cells(text),
            [row(1, &["<a>", "<b, c>", " 5\" screen ", "<\">"])]
        );
    }

    #[test]
    fn a_quote_that_is_not_closed_is_found_where_it_opens() {
        assert_eq!(rows("a,b\n1,\"x\n2,y\n").unwrap_err().0, 2);
        assert_eq!(rows("a,b\n1,\"x\ny\"z\n").unwrap_err().0, 3);
    }
}

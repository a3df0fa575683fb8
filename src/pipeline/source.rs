//! Where text came from: files, `--set` arguments, and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A piece of text with a name: a pipeline file, or an argument of the command line.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// The path as the user would write it, or the argument's name (`--set`).
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A source to be shared by the places in it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        Arc::new(Source {
            name: name.into(),
            text: text.into(),
        })
    }
}

/// A place: some bytes of a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// Whose bytes.
    pub source: Arc<Source>,
    /// Which bytes.
    pub range: Range<usize>,
}

impl Span {
    /// The place of `range` in `source`; clipped to the text.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Span {
        let end = range.end.min(source.text.len());
        Span {
            source: source.clone(),
            range: range.start.min(end)..end,
        }
    }

    /// Line and column of its start, both from 1, columns in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.source.text.as_bytes()[..self.range.start];
        let before = String::from_utf8_lossy(before);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        (line, column)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

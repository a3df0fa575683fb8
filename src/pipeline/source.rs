//! Where text came from: files, `--set` arguments, and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A piece of text with a name: a pipeline file, or an argument of the command line.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// The path as the user would write it, or the argument's name (`--set`).
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Where its lines begin, once somebody asks.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// A source to be shared by the places in it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
            lines: OnceLock::new(),
        })
    }

    /// The line that holds a byte, from 0, and where it begins.
    fn line(&self, at: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| {
            let breaks = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        });
        let line = lines.partition_point(|start| *start <= at) - 1;
        (line, lines[line])
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
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let end = range.end.min(source.text.len());
        Self {
            source: source.clone(),
            range: range.start.min(end)..end,
        }
    }

    /// Line and column of its start, both from 1, columns in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let (line, start) = self.source.line(self.range.start);
        let before = &self.source.text.as_bytes()[start..self.range.start];
        (
            line + 1,
            String::from_utf8_lossy(before).chars().count() + 1,
        )
    }

    /// The line of its start, from 1.
    pub fn line(&self) -> usize {
        self.source.line(self.range.start).0 + 1
    }

    /// All of it, or, where that is longer than `longest`, its first `most` bytes on one line.
    pub(super) fn cut(&self, longest: usize, most: usize) -> Range<usize> {
        let Range { start, end } = self.range.clone();
        if end - start <= longest {
            return start..end;
        }
        let text = &self.source.text;
        let end = text.floor_char_boundary(start + most).max(start);
        let mut bytes = text.as_bytes()[start..end].iter();
        let line = bytes.position(|byte| *byte == b'\n');
        start..line.map_or(end, |at| start + at)
    }

    /// At most `most` bytes of its line on each side of it; with the number of the line and where that begins.
    pub(super) fn surroundings(&self, most: usize) -> (Range<usize>, usize, usize) {
        let text = &self.source.text;
        let (line, begin) = self.source.line(self.range.start);
        let end = self.range.end;
        let mut bytes = text.as_bytes()[end..].iter();
        let rest = bytes.position(|byte| *byte == b'\n');
        let rest = rest.map_or(text.len(), |at| end + at);
        let from = text.ceil_char_boundary(begin.max(self.range.start.saturating_sub(most)));
        let to = text.floor_char_boundary(rest.min(end + most));
        (from..to, line, begin)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

//! The lines of a file around a problem, cut to the width of a terminal: a line that a terminal breaks has its caret
//! somewhere else.

use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use crate::pipeline::{Problem, Span};

/// What stands beside a line: its number, and this much around that.
const GUTTER: usize = 4;

/// What stands for what is left out of a line.
const CUT: char = '…';

/// A problem, with lines of at most some columns.
#[derive(Debug)]
pub struct Excerpt<'a> {
    problem: &'a Problem,
    /// Nothing where the lines fit as they are.
    window: Option<Window>,
}

/// The lines that are shown.
#[derive(Debug)]
struct Window {
    name: String,
    /// The lines, cut.
    text: String,
    /// What of them the problem is about.
    place: Range<usize>,
    /// Which line is the first, from 0.
    first: usize,
    /// Where the place stands in the file, both from 0.
    line: usize,
    column: usize,
}

impl<'a> Excerpt<'a> {
    /// The lines around a problem in so many columns.
    pub fn of(problem: &'a Problem, width: usize) -> Self {
        let window = problem.span.as_ref();
        let window = window.and_then(|span| Window::of(span, width));
        Self { problem, window }
    }
}

impl Window {
    /// Nothing where the lines fit, or where the place has several.
    fn of(span: &Span, width: usize) -> Option<Self> {
        let text = span.source.text.as_str();
        let place = span.range.clone();
        let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[place.start..].find('\n');
        let end = end.map_or(text.len(), |at| place.start + at);
        if place.end > end {
            return None;
        }
        let above = start.checked_sub(1).map(|end| {
            let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
            &text[start..end]
        });
        let below = text.get(end + 1..).filter(|rest| !rest.is_empty());
        let below = below.map(|rest| rest.split('\n').next().unwrap_or(rest));
        let here = &text[start..end];
        let (line, column) = span.line_column();
        let room = width.saturating_sub(GUTTER + (line + 1).to_string().len());
        let shown = [above, Some(here), below].into_iter().flatten();
        if shown.into_iter().all(|line| line.chars().count() <= room) {
            return None;
        }
        let mut window = Self {
            name: span.source.name.clone(),
            text: String::new(),
            place: 0..0,
            first: line - 1 - usize::from(above.is_some()),
            line: line - 1,
            column: column - 1,
        };
        if let Some(above) = above {
            window.text.push_str(&cut(above, 0, room));
            window.text.push('\n');
        }
        let before = column - 1;
        let length = text[place].chars().count();
        let from = left(before, length, here.chars().count(), room);
        let visible = cut(here, from, room);
        let start = window.text.len() + offset(&visible, before - from);
        let end = window.text.len() + offset(&visible, before - from + length);
        window.place = start..end;
        window.text.push_str(&visible);
        if let Some(below) = below {
            window.text.push('\n');
            window.text.push_str(&cut(below, 0, room));
        }
        Some(window)
    }
}

/// The first column of a line that is shown, so that the place in it is.
fn left(before: usize, length: usize, whole: usize, room: usize) -> usize {
    if before + length < room {
        return 0;
    }
    let around = room.saturating_sub(length) / 2;
    // The first column shows that something is left out.
    let most = before.saturating_sub(1);
    before
        .saturating_sub(around)
        .min(whole.saturating_sub(room))
        .min(most)
}

/// A line from a column on, in so many columns.
fn cut(line: &str, from: usize, room: usize) -> String {
    let mut shown: Vec<char> = line.chars().skip(from).take(room).collect();
    if line.chars().nth(from + room).is_some() {
        *shown.last_mut().expect("a line has room") = CUT;
    }
    if from > 0 {
        shown[0] = CUT;
    }
    shown.into_iter().collect()
}

/// Where a character of a text begins.
fn offset(text: &str, characters: usize) -> usize {
    text.char_indices()
        .nth(characters)
        .map_or(text.len(), |(at, _)| at)
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Excerpt<'_> {}

impl Diagnostic for Excerpt<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match &self.window {
            Some(window) => Some(window),
            None => self.problem.source_code(),
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Some(window) = &self.window else {
            return self.problem.labels();
        };
        let label = self.problem.label.clone();
        let label = LabeledSpan::new_with_span(Some(label), window.place.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

impl SourceCode for Window {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without lines around it, only the place is asked for.
        let (line, column) = if before + after == 0 {
            (self.line, self.column)
        } else {
            (self.first, 0)
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            self.text.as_bytes(),
            (0..self.text.len()).into(),
            line,
            column,
            self.text.lines().count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Source;

    fn window(text: &str, word: &str, width: usize) -> Option<Window> {
        let at = text.find(word).unwrap();
        let source = Source::new("x.toml", text);
        Window::of(&Span::new(&source, at..at + word.len()), width)
    }

    #[test]
    fn a_line_is_cut_so_that_the_place_in_it_stays() {
        let long = "α".repeat(200);
        let text = format!("above {long}\nstart {long} wrong {long}\nbelow\n");
        for width in [60, 80, 160] {
            let window = window(&text, "wrong", width).unwrap();
            let lines: Vec<&str> = window.text.lines().collect();
            assert!(lines.iter().all(|line| line.chars().count() <= width - 5));
            assert!(lines[0].starts_with("above α") && lines[0].ends_with(CUT));
            assert!(lines[1].starts_with(CUT) && lines[1].ends_with(CUT));
            assert_eq!(lines[2], "below");
            assert_eq!(&window.text[window.place], "wrong");
            assert_eq!((window.first, window.line, window.column), (0, 1, 207));
        }
    }

    #[test]
    fn a_place_at_either_end_of_a_line_or_longer_than_it_stays_visible() {
        let long = "b".repeat(200);
        let shown = |text: &str, word: &str| {
            let window = window(text, word, 60).unwrap();
            let place = window.text[window.place.clone()].to_string();
            assert!(window.text.chars().count() <= 55);
            place
        };
        assert_eq!(shown(&format!("first {long}"), "first"), "first");
        assert_eq!(shown(&format!("{long} last"), "last"), "last");
        assert!(shown(&format!("x = {long}"), &long).starts_with("bbb"));
        assert!(window("one\nshort\nline", "short", 60).is_none());
        assert!(window(&format!("{long}\nshort"), &format!("{long}\n"), 60).is_none());
    }
}

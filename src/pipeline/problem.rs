//! What is wrong with a pipeline file, as a diagnostic with a place.
//!
//! A file may hold words of many megabytes and thousands of mistakes: what is said of them stays short, and saying it takes
//! no longer than reading the file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use miette::{Diagnostic, LabeledSpan, SourceCode, SpanContents};

use super::source::Span;

/// One problem: what, where, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where, if it has a place.
    pub span: Option<Span>,
    /// What stands under the caret.
    pub label: String,
    /// Which alternatives exist, or what to do.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn at(span: &Span, message: impl Into<String>) -> Self {
        Self {
            message: short(message.into()),
            span: Some(span.clone()),
            label: "here".into(),
            help: None,
        }
    }

    /// A problem of no place in particular.
    pub fn of(message: impl Into<String>) -> Self {
        Self {
            message: short(message.into()),
            span: None,
            label: String::new(),
            help: None,
        }
    }

    /// What stands under the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = short(label.into());
        self
    }

    /// Adds advice.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(short(help.into()));
        self
    }

    /// Adds advice if there is any.
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.map(short).or(self.help);
        self
    }
}

/// How many bytes a sentence may have, how many are kept of each end of a longer one, and how many of a long line are shown
/// of a place and on each side of it.
const LONGEST: usize = 2000;
const END: usize = 200;
const AROUND: usize = 80;

/// A text as people can be shown it: without its middle where it is too long, and with control characters written out, which
/// a terminal would obey.
fn short(text: String) -> String {
    let text = if text.len() <= LONGEST {
        text
    } else {
        let head = text.floor_char_boundary(END);
        let tail = text.ceil_char_boundary(text.len() - END);
        format!("{} … {}", &text[..head], &text[tail..])
    };
    if text.chars().any(|c| c.is_control() && c != '\n') {
        text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
    } else {
        text
    }
}

/// Text with its line breaks and other control characters written out.
pub(super) fn visible(text: &str) -> String {
    let mut seen = String::new();
    for c in text.chars() {
        if c.is_control() {
            seen.extend(c.escape_default());
        } else {
            seen.push(c);
        }
    }
    seen
}

/// A count for people: `1 000 000`.
pub fn count(number: u128) -> String {
    const MOST: u128 = 10u128.pow(18);
    if number > MOST {
        return "more than 10^18".into();
    }
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups = groups.map(|group| std::str::from_utf8(group).unwrap_or_default());
    groups.collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.span.as_ref().map(|span| span as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.as_ref()?;
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), span.cut(LONGEST, AROUND));
        Some(Box::new(std::iter::once(label)))
    }
}

impl SourceCode for Span {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, miette::MietteError> {
        let name = self.source.name.clone();
        let inner = self.source.text.read_span(span, before, after)?;
        if inner.data().len() <= LONGEST {
            return Ok(Box::new(miette::MietteSpanContents::new_named(
                name,
                inner.data(),
                *inner.span(),
                inner.line(),
                inner.column(),
                inner.line_count(),
            )));
        }
        let here = Self::new(&self.source, span.offset()..span.offset() + span.len());
        let (range, line, begin) = here.surroundings(AROUND);
        Ok(Box::new(miette::MietteSpanContents::new_named(
            name,
            &self.source.text.as_bytes()[range.clone()],
            range.clone().into(),
            line,
            range.start - begin,
            line,
        )))
    }
}

/// So many problems are kept; of more, only how many they are.
const MOST: usize = 100_000;

/// Several problems, in the order of the file, each once.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    list: Vec<Problem>,
    /// The hashes of those that are there.
    known: HashSet<u64>,
    hasher: RandomState,
    /// By source, where what begins and ends of which all is told.
    told: HashMap<String, BTreeMap<usize, usize>>,
}

impl Problems {
    /// Adds a problem unless the same one is there, or all is told of its place.
    pub fn push(&mut self, problem: Problem) {
        if problem.span.as_ref().is_some_and(|span| self.is_told(span)) {
            return;
        }
        let place = problem.span.as_ref();
        let place = place.map(|span| (&span.source.name, span.range.start, span.range.end));
        let hash = self
            .hasher
            .hash_one((&problem.message, place, &problem.help));
        if self.known.insert(hash) && self.list.len() < MOST {
            self.list.push(problem);
        }
    }

    /// Lets nothing more be said of a place.
    pub(super) fn say_no_more_of(&mut self, span: &Span) {
        if self.is_told(span) {
            return;
        }
        let places = self.told.entry(span.source.name.clone()).or_default();
        let inside: Vec<usize> = places
            .range(span.range.clone())
            .map(|(at, _)| *at)
            .collect();
        for at in inside {
            places.remove(&at);
        }
        places.insert(span.range.start, span.range.end);
    }

    fn is_told(&self, span: &Span) -> bool {
        let places = self.told.get(&span.source.name);
        let before = places.and_then(|places| places.range(..=span.range.start).next_back());
        before.is_some_and(|(_, end)| span.range.start < *end)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems, those of one file by place.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        let mut files: HashMap<String, usize> = HashMap::new();
        for problem in &self.list {
            let next = files.len();
            files.entry(file(problem).to_string()).or_insert(next);
        }
        self.list.sort_by_key(|problem| {
            let place = problem.span.as_ref().map(|span| span.range.start);
            (files.get(file(problem)).copied(), place)
        });
        if self.known.len() > self.list.len() {
            let more = count((self.known.len() - self.list.len()) as u128);
            self.list.push(Problem::of(format!("{more} more problems")));
        }
        self.list
    }
}

fn file(problem: &Problem) -> &str {
    problem.span.as_ref().map_or("", |span| &span.source.name)
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}

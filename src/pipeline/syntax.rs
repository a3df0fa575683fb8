//! Texts that are no TOML: one problem for each statement that is broken, with what to write, and all else is read as if
//! that statement were not there.
//!
//! A parser that goes on after an error takes what follows for something else, and tells one slip many times. Here broken
//! statements are put aside, and what is left is parsed again. The key of a statement that was put aside stays known, so
//! that nothing is said to be missing.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::problem::Problem;
use super::slip::{Fault, explain};
use super::source::{Source, Span};
use super::statement::{Statement, statements};

/// A text whose broken statements are blank, so that places in it are those of the source.
pub struct Repaired<'a> {
    /// The text, of the same length.
    pub text: Cow<'a, str>,
    /// What is wrong, a problem for each statement.
    pub problems: Vec<Problem>,
    /// What was put aside.
    pub broken: Vec<Broken>,
}

/// A statement that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The table it stands in and its key; those of a header are the table's. Empty where they cannot be told.
    pub path: Vec<String>,
    /// Its place, with all that a broken header stands over.
    pub range: Range<usize>,
    /// Whether it is a header.
    pub is_header: bool,
}

/// After two rounds there is seldom an error left; of more, the first are told.
const ROUNDS: usize = 10;

/// Puts aside what is broken.
pub fn repair(source: &Arc<Source>) -> Repaired<'_> {
    let mut repaired = Repaired {
        text: Cow::Borrowed(&source.text),
        problems: Vec::new(),
        broken: Vec::new(),
    };
    let mut faults = faults(source, &repaired.text);
    if faults.is_empty() {
        return repaired;
    }
    let outline = Outline::of(source);
    // What is not closed hides what follows it, and is itself found only there.
    for (at, one) in outline.all.iter().enumerate() {
        if one.open.is_some() {
            let range = one.range.clone();
            let message = String::new();
            repaired.put_aside(&outline, at, &Fault { range, message });
        }
    }
    if !repaired.broken.is_empty() {
        faults = self::faults(source, &repaired.text);
    }
    for _ in 0..ROUNDS {
        if faults.is_empty() {
            break;
        }
        repaired.put_all_aside(&outline, faults);
        faults = self::faults(source, &repaired.text);
    }
    repaired
}

/// The errors of a parser, in the order of the text.
fn faults(source: &Source, text: &str) -> Vec<Fault> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let faults = errors.into_iter().map(|error| {
        let range = error.span().unwrap_or(0..0);
        let [start, end] = [range.start, range.end].map(|at| source.text.floor_char_boundary(at));
        Fault {
            range: start..end,
            message: error.message().to_string(),
        }
    });
    let mut faults: Vec<Fault> = faults.collect();
    faults.sort_by_key(|fault| fault.range.start);
    faults
}

impl Repaired<'_> {
    /// Puts aside the statements of these errors.
    fn put_all_aside(&mut self, outline: &Outline<'_>, faults: Vec<Fault>) {
        let mut told = None;
        for fault in faults {
            let starts = |one: &Statement| one.range.start <= fault.range.start;
            let after = outline.all.partition_point(starts);
            if told == Some(after) {
                continue;
            }
            told = Some(after);
            if let Some(at) = after.checked_sub(1) {
                self.put_aside(outline, at, &fault);
                continue;
            }
            // A comment above all statements.
            let message = format!("this is not TOML: {}", fault.message);
            let span = Span::new(outline.source, fault.range);
            self.problems.push(Problem::at(&span, message));
            self.blank(0..outline.begin(0));
        }
    }

    fn put_aside(&mut self, outline: &Outline<'_>, at: usize, fault: &Fault) {
        let statement = &outline.all[at];
        self.problems
            .push(explain(outline.source, statement, fault));
        let broken = outline.broken(at);
        self.blank(broken.range.clone());
        self.broken.push(broken);
    }

    fn blank(&mut self, range: Range<usize>) {
        let blank = self.text[range.clone()].bytes();
        let blank = blank.map(|byte| if byte == b'\n' { '\n' } else { ' ' });
        let blank: String = blank.collect();
        self.text.to_mut().replace_range(range, &blank);
    }
}

/// The statements of a source.
struct Outline<'a> {
    source: &'a Arc<Source>,
    all: Vec<Statement>,
    /// Which of them are headers.
    headers: Vec<usize>,
}

/// So many keys a path may have: deeper tables nobody writes by hand.
const DEEPEST: usize = 50;

impl<'a> Outline<'a> {
    fn of(source: &'a Arc<Source>) -> Self {
        let all = statements(&source.text);
        let headers = (0..all.len()).filter(|at| all[*at].is_header(&source.text));
        let headers = headers.collect();
        Self {
            source,
            all,
            headers,
        }
    }

    /// Where a statement begins, or, without it, where the text ends.
    fn begin(&self, at: usize) -> usize {
        let end = self.source.text.len();
        self.all.get(at).map_or(end, |one| one.range.start)
    }

    fn keys(&self, at: usize) -> Vec<String> {
        keys(&self.source.text[self.all[at].range.clone()])
    }

    /// All that is put aside with a statement.
    fn broken(&self, at: usize) -> Broken {
        let next = self.headers.partition_point(|header| *header <= at);
        let above = next.checked_sub(1).map(|above| self.headers[above]);
        let is_header = above == Some(at);
        let (mut path, until) = if is_header {
            let below = self.headers.get(next);
            (Vec::new(), below.copied().unwrap_or(self.all.len()))
        } else {
            let above = above.map(|above| self.keys(above));
            (above.unwrap_or_default(), at + 1)
        };
        path.extend(self.keys(at));
        if path.len() > DEEPEST {
            path.clear();
        }
        Broken {
            path,
            range: self.begin(at)..self.begin(until),
            is_header,
        }
    }
}

/// The keys that a header or the left side of a pair names.
fn keys(text: &str) -> Vec<String> {
    let line = text.lines().next().unwrap_or(text).trim();
    let line = line.trim_start_matches('[');
    let end = line.find([']', '=', ':', ' ', '\t']).unwrap_or(line.len());
    let keys = line[..end]
        .split('.')
        .map(|key| key.trim_matches(['"', '\'']));
    keys.filter(|key| !key.is_empty())
        .map(str::to_string)
        .collect()
}

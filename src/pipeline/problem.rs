//! What is wrong with a pipeline file, as a diagnostic with a place.

use std::fmt;

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
    pub fn at(span: &Span, message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            span: Some(span.clone()),
            label: "here".into(),
            help: None,
        }
    }

    /// A problem of no place in particular.
    pub fn of(message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            span: None,
            label: String::new(),
            help: None,
        }
    }

    /// What stands under the caret.
    pub fn label(mut self, label: impl Into<String>) -> Problem {
        self.label = label.into();
        self
    }

    /// Adds advice.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// Adds advice if there is any.
    pub fn maybe_help(mut self, help: Option<String>) -> Problem {
        self.help = help.or(self.help);
        self
    }
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
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), span.range.clone());
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
        let inner = self.source.text.read_span(span, before, after)?;
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.source.name.clone(),
            inner.data(),
            *inner.span(),
            inner.line(),
            inner.column(),
            inner.line_count(),
        )))
    }
}

/// Several problems, in the order of the file, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    /// Adds a problem unless the same one is there.
    pub fn push(&mut self, problem: Problem) {
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems, those of one file by place.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        let place = |p: &Problem| p.span.as_ref().map(|span| span.range.start);
        let files: Vec<_> = self.list.iter().map(|p| file(p).to_string()).collect();
        let order = |p: &Problem| files.iter().position(|name| name == file(p));
        self.list
            .sort_by(|a, b| order(a).cmp(&order(b)).then(place(a).cmp(&place(b))));
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

/// The candidate spelt most like `word`, if any is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &c.to_lowercase()),
                c,
            )
        })
        .filter(|(distance, c)| {
            let starts = word.len() >= 3 && (c.starts_with(word) || word.starts_with(*c));
            // One slip in a word of one letter is another word.
            let slips = match word.chars().count() {
                0 | 1 => 0,
                2 => 1,
                n => 1 + n / 4,
            };
            *distance <= slips || starts
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Advice for an unknown word: the nearest spelling first, then what there is.
pub fn alternatives<'a>(
    what: &str,
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let near = nearest(word, candidates.iter().copied());
    let list = candidates.iter().map(|c| format!("`{c}`"));
    let list = list.collect::<Vec<_>>().join(", ");
    match (near, candidates.is_empty()) {
        (_, true) => Some(format!("there are no {what}")),
        (Some(near), _) if candidates.len() == 1 => Some(format!("did you mean `{near}`?")),
        (Some(near), _) => Some(format!("did you mean `{near}`? The {what} are {list}")),
        (None, _) => Some(format!("the {what} are {list}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_spelling_is_near() {
        let words = ["degree", "path_length", "nodes"];
        assert_eq!(nearest("degre", words), Some("degree"));
        assert_eq!(nearest("node", words), Some("nodes"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("5", ["1", "2"]), None);
    }
}

//! What a kind says is wrong with its own parameters, and where in the file that is.

use super::source::Span;
use super::value::{Data, Value};

/// Something wrong with a parameter, told by the kind itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamError {
    /// The parameter, dots between keys: `y.field`; what stands in a list goes by its text or its `field`:
    /// `files.score.py`, `columns.accuracy.error`.
    pub parameter: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Line and column inside the parameter's text, both from 1.
    pub at: Option<(usize, usize)>,
    /// A place in a file that the parameter names; it is shown instead of the parameter.
    pub span: Option<Span>,
}

impl ParamError {
    /// A error about a parameter.
    pub fn new(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            parameter: parameter.into(),
            message: message.into(),
            help: None,
            at: None,
            span: None,
        }
    }

    /// At a place in a file that the parameter names.
    pub fn within(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// With advice.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The place an error is about: its parameter, or a line of the parameter's text, or what stands nearest above it.
pub fn place(value: &Value, param_error: &ParamError) -> Span {
    if let Some(span) = &param_error.span {
        return span.clone();
    }
    let mut here = value;
    let mut rest = param_error.parameter.as_str();
    while !rest.is_empty() {
        if let Data::Array(items) = &here.data {
            let whole = items.iter().find(|item| item.text() == Some(rest));
            let whole = whole.map(|item| (item, ""));
            let found = whole.or_else(|| items.iter().find_map(|item| called(item, rest)));
            let Some((item, inner)) = found else {
                break;
            };
            (here, rest) = (item, inner);
            continue;
        }
        let (key, inner) = rest.split_once('.').unwrap_or((rest, ""));
        match here.get(key) {
            Some(value) => (here, rest) = (value, inner),
            None => return here.span.clone(),
        }
    }
    param_error
        .at
        .and_then(|(line, column)| inside(&here.span, line, column))
        .unwrap_or_else(|| here.span.clone())
}

/// An item of a list that the path goes on with, and the rest of the path: one goes by its text, or by its `field`.
fn called<'a, 'b>(item: &'a Value, path: &'b str) -> Option<(&'a Value, &'b str)> {
    let name = item.text().or_else(|| item.get("field")?.text())?;
    let inner = path.strip_prefix(name)?;
    match inner.strip_prefix('.') {
        Some(inner) => Some((item, inner)),
        None if inner.is_empty() => Some((item, inner)),
        None => None,
    }
}

/// The word at a line and column of the text that a string literal stands for.
fn inside(span: &Span, line: usize, column: usize) -> Option<Span> {
    let raw = &span.source.text[span.range.clone()];
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quote| raw.starts_with(quote))?;
    if quote.starts_with('"') && raw.contains('\\') {
        // With escapes, places in the text are not places in the file.
        return None;
    }
    let mut start = quote.len();
    if quote.len() == 3 {
        // A line break right after the opening quotes is not part of the text.
        let rest = &raw[start..];
        start += ["\r\n", "\n"]
            .iter()
            .find(|b| rest.starts_with(**b))
            .map_or(0, |b| b.len());
    }
    let text = &raw[start..raw.len() - quote.len()];
    let before: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let row = text[before..].lines().next()?;
    let (offset, _) = row.char_indices().nth(column - 1)?;
    let word = row[offset..]
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(row.len() - offset)
        .max(1);
    let at = span.range.start + start + before + offset;
    let end = (at..=at + word)
        .rev()
        .find(|i| span.source.text.is_char_boundary(*i))?;
    Some(Span::new(&span.source, at..end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::problem::Problems;
    use crate::pipeline::source::Source;
    use crate::pipeline::value::parse;

    #[test]
    fn a_complaint_finds_its_line_in_a_text() {
        let text = "sql = '''\nSELECT a,\n  b FROM t'''";
        let mut problems = Problems::default();
        let value = parse(&Source::new("x.toml", text), &mut problems);
        let mut param_error = ParamError::new("sql", "no b");
        param_error.at = Some((2, 3));
        let span = place(&value, &param_error);
        assert_eq!(format!("{span:?}"), "x.toml:3:3");
        assert_eq!(&text[span.range], "b");

        let text = "files = ['a', 'score.py']";
        let value = parse(&Source::new("x.toml", text), &mut problems);
        let at = |parameter| &text[place(&value, &ParamError::new(parameter, "")).range];
        assert_eq!(at("files.score.py"), "'score.py'");
        assert_eq!(at("files.b"), "['a', 'score.py']");

        let text = "columns = ['method', { field = 'a.b', error = 'ci' }]";
        let value = parse(&Source::new("x.toml", text), &mut problems);
        let at = |parameter| &text[place(&value, &ParamError::new(parameter, "")).range];
        assert_eq!(at("columns.method"), "'method'");
        assert_eq!(at("columns.a.b.error"), "'ci'");
        assert_eq!(at("columns.a.b.best"), "{ field = 'a.b', error = 'ci' }");
        assert_eq!(at("columns.method.per"), "'method'");
    }
}

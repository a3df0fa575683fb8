//! The patch: a set of `stage.parameter = value`. The only way parameters change.

use super::document::overlay;
use super::parameters::expanded;
use super::problem::{Problem, Problems, alternatives};
use super::source::Span;
use super::value::{Data, Key, Table, Value};

/// One `stage.parameter = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Which stage, by its place in the pipeline.
    pub stage: usize,
    /// Which parameter: `["optimizer", "lr"]`.
    pub path: Vec<String>,
    /// What it becomes.
    pub value: Value,
    /// Where the key stands.
    pub span: Span,
}

impl Assignment {
    /// Whether both set the same parameter, or one a part of the other.
    pub fn meets(&self, other: &Assignment) -> bool {
        let shorter = self.path.len().min(other.path.len());
        self.stage == other.stage && self.path[..shorter] == other.path[..shorter]
    }
}

/// Values for parameters.
pub type Patch = Vec<Assignment>;

/// What a patch may name: the stages, and which of their keys no patch may touch.
pub struct Names<'a> {
    /// The stages' names, in order.
    pub stages: Vec<&'a str>,
    /// Per stage, the keys that are not parameters (`kind`, `per`, ports).
    pub fixed: Vec<Vec<&'a str>>,
}

/// Reads a patch: `{ "model.seed" = 3 }` and `{ model.seed = 3 }` mean the same.
pub fn read(table: &Table, names: &Names<'_>, problems: &mut Problems) -> Patch {
    let mut patch = Patch::new();
    for (key, value) in table {
        flatten(&split(key), value, &key.span, &mut patch, names, problems);
    }
    patch
}

/// A key as a path: quoted keys may hold dots.
pub fn split(key: &Key) -> Vec<String> {
    key.name
        .split('.')
        .map(|part| part.trim().to_string())
        .collect()
}

fn flatten(
    path: &[String],
    value: &Value,
    span: &Span,
    patch: &mut Patch,
    names: &Names<'_>,
    problems: &mut Problems,
) {
    // A table without a kind merges, so what it sets are its leaves.
    match &value.data {
        Data::Table(table)
            if path.len() < 2 || (!table.is_empty() && value.get("kind").is_none()) =>
        {
            let Some(_) = stage_of(path, span, names, problems) else {
                return;
            };
            for (key, inner) in table {
                let path: Vec<_> = path.iter().cloned().chain(split(key)).collect();
                flatten(&path, inner, &key.span, patch, names, problems);
            }
        }
        _ => {
            let Some(assignment) = assign(path, value, span, names, problems) else {
                return;
            };
            if let Some(other) = patch.iter().find(|other| other.meets(&assignment)) {
                let message = format!("`{}` is set twice in one patch", path.join("."));
                let (line, _) = other.span.line_column();
                let problem = Problem::at(span, message).help(format!("first on line {line}"));
                problems.push(problem);
                return;
            }
            patch.push(assignment);
        }
    }
}

/// The stage that a path begins with.
pub fn stage_of(
    path: &[String],
    span: &Span,
    names: &Names<'_>,
    problems: &mut Problems,
) -> Option<usize> {
    let at = names.stages.iter().position(|name| *name == path[0]);
    if at.is_none() {
        let message = format!("there is no stage `{}`", path[0]);
        let problem = Problem::at(span, message)
            .label("no such stage")
            .maybe_help(alternatives(
                "stages",
                &path[0],
                names.stages.iter().copied(),
            ));
        problems.push(problem);
    }
    at
}

/// One assignment, its path checked as far as stages go; parameters are checked where the patch is applied.
pub fn assign(
    path: &[String],
    value: &Value,
    span: &Span,
    names: &Names<'_>,
    problems: &mut Problems,
) -> Option<Assignment> {
    let stage = stage_of(path, span, names, problems)?;
    let Some(parameter) = path.get(1) else {
        let message = format!("`{}` is a stage; a patch sets `stage.parameter`", path[0]);
        problems.push(Problem::at(span, message));
        return None;
    };
    if names.fixed[stage].contains(&parameter.as_str()) {
        let message = format!(
            "`{}` cannot be patched: it is not a parameter",
            path.join(".")
        );
        let problem = Problem::at(span, message).help("declare another stage instead");
        problems.push(problem);
        return None;
    }
    Some(Assignment {
        stage,
        path: path[1..].to_vec(),
        value: value.clone(),
        span: span.clone(),
    })
}

/// Sets a parameter in a table of parameters. A string on the way is short for `{ kind = … }`.
pub fn apply(parameters: &mut Value, assignment: &Assignment) {
    let mut here = parameters;
    for name in &assignment.path {
        if matches!(here.data, Data::Text(_)) {
            *here = expanded(here);
        } else if !matches!(here.data, Data::Table(_)) {
            // The type error is reported where the value is checked.
            here.data = Data::Table(Table::new());
        }
        let Data::Table(entries) = &mut here.data else {
            unreachable!("made a table just above");
        };
        let at = entries.iter().position(|(key, _)| key.name == *name);
        let at = at.unwrap_or_else(|| {
            let key = Key {
                name: name.clone(),
                span: assignment.span.clone(),
            };
            let value = Value {
                data: Data::Table(Table::new()),
                span: assignment.span.clone(),
            };
            entries.push((key, value));
            entries.len() - 1
        });
        here = &mut entries[at].1;
    }
    overlay(here, assignment.value.clone());
}

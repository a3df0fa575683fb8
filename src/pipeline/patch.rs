//! The patch: a set of `stage.parameter = value`. The only way parameters change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::document::overlay;
use super::generator::makes_many;
use super::parameters::expanded;
use super::problem::{Problem, Problems, count};
use super::source::Span;
use super::spelling::alternatives;
use super::value::{Data, Key, Table, Value};

/// One `stage.parameter = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Which stage, by its place in the pipeline.
    pub stage: usize,
    /// Which parameter: `["optimizer", "lr"]`.
    pub path: Arc<[String]>,
    /// What it becomes.
    pub value: Value,
    /// Where the key stands.
    pub span: Span,
}

impl Assignment {
    /// Whether both set the same parameter, or one a part of the other.
    pub fn meets(&self, other: &Self) -> bool {
        let shorter = self.path.len().min(other.path.len());
        self.stage == other.stage && self.path[..shorter] == other.path[..shorter]
    }
}

/// Values for parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch(Box<[Assignment]>);

impl Patch {
    /// All of it, stage by stage.
    pub fn iter(&self) -> impl Iterator<Item = &Assignment> {
        self.0.iter()
    }

    /// What it sets of one stage, in the order of the file.
    pub fn on(&self, stage: usize) -> &[Assignment] {
        let start = self.0.partition_point(|a| a.stage < stage);
        let length = self.0[start..].partition_point(|a| a.stage == stage);
        &self.0[start..start + length]
    }

    /// Whether it sets nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This patch with another laid over it: where both set a parameter, the other stands.
    pub fn under(self, other: Self) -> Self {
        let meets = |old: &Assignment| other.on(old.stage).iter().any(|new| new.meets(old));
        let kept: Vec<_> = self.0.into_iter().filter(|old| !meets(old)).collect();
        kept.into_iter().chain(other.0).collect()
    }
}

impl FromIterator<Assignment> for Patch {
    fn from_iter<I: IntoIterator<Item = Assignment>>(assignments: I) -> Self {
        let mut all: Vec<_> = assignments.into_iter().collect();
        all.sort_by_key(|a| a.stage);
        Self(all.into())
    }
}

/// Parameters of which none is a part of another, each with what set it.
pub struct Apart<T>(BTreeMap<(usize, Arc<[String]>), T>);

impl<T> Default for Apart<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Apart<T> {
    /// What set the parameter that an assignment sets, or a part of that, or that of which it is a part.
    pub fn meeting(&self, assignment: &Assignment) -> Option<&T> {
        let here = (assignment.stage, assignment.path.clone());
        // In the order of paths, what a path is a part of stands right before it, and its parts right after it.
        let before = self.0.range(..=&here).next_back();
        let before = before.filter(|((s, path), _)| *s == here.0 && here.1.starts_with(path));
        let after = || {
            let after = self.0.range(&here..).next();
            after.filter(|((s, path), _)| *s == here.0 && path.starts_with(&here.1))
        };
        before.or_else(after).map(|(_, what)| what)
    }

    /// What set the parameters that an assignment sets, all of them.
    pub fn all_meeting(&self, assignment: &Assignment) -> Vec<&T> {
        let here = (assignment.stage, assignment.path.clone());
        let parts = self.0.range(&here..);
        let parts = parts.take_while(|((s, path), _)| *s == here.0 && path.starts_with(&here.1));
        let parts: Vec<&T> = parts.map(|(_, what)| what).collect();
        if parts.is_empty() {
            self.meeting(assignment).into_iter().collect()
        } else {
            parts
        }
    }

    /// Adds what an assignment sets, unless it meets what is there.
    pub fn insert(&mut self, assignment: &Assignment, what: T) -> Result<(), &T> {
        if self.meeting(assignment).is_none() {
            let here = (assignment.stage, assignment.path.clone());
            self.0.insert(here, what);
            return Ok(());
        }
        Err(self
            .meeting(assignment)
            .expect("it met something just above"))
    }
}

/// What a patch may name: the stages, and which of their keys no patch may touch.
pub struct Names<'a> {
    /// The stages' names, in order.
    pub stages: Vec<&'a str>,
    /// Per stage, the keys that are not parameters (`kind`, `per`, ports).
    fixed: Vec<Vec<&'a str>>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    /// The names of stages, with the keys of each that are not parameters.
    pub fn new(stages: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>) -> Self {
        let (stages, fixed): (Vec<_>, Vec<_>) = stages.into_iter().unzip();
        let places = stages.iter().enumerate().map(|(at, name)| (*name, at));
        Names {
            places: places.collect(),
            stages,
            fixed,
        }
    }

    /// The place of a stage.
    pub fn stage(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }
}

/// Reads a patch: `{ "model.seed" = 3 }` and `{ model.seed = 3 }` mean the same.
pub fn read(table: &Table, names: &Names<'_>, problems: &mut Problems) -> Patch {
    let mut reader = Reader {
        names,
        patch: Vec::new(),
        set: Apart::default(),
    };
    for (key, value) in table {
        reader.flatten(&split(key), value, &key.span, problems);
    }
    reader.patch.into_iter().collect()
}

/// A key as a path: quoted keys may hold dots.
pub fn split(key: &Key) -> Vec<String> {
    key.name
        .split('.')
        .map(|part| part.trim().to_string())
        .collect()
}

struct Reader<'a> {
    names: &'a Names<'a>,
    patch: Vec<Assignment>,
    /// What is set by now, and where.
    set: Apart<Span>,
}

impl Reader<'_> {
    fn flatten(&mut self, path: &[String], value: &Value, span: &Span, problems: &mut Problems) {
        // A table without a kind merges, so what it sets are its leaves.
        match &value.data {
            Data::Table(table) if path.len() > 1 && makes_many(table) => {
                problems.push(many_values(&path.join("."), value));
            }
            Data::Table(table)
                if path.len() < 2 || (!table.is_empty() && value.get("kind").is_none()) =>
            {
                let Some(_) = stage_of(path, span, self.names, problems) else {
                    return;
                };
                for (key, inner) in table {
                    let path: Vec<_> = path.iter().cloned().chain(split(key)).collect();
                    self.flatten(&path, inner, &key.span, problems);
                }
            }
            _ => {
                let Some(target) = target(path, span, self.names, problems) else {
                    return;
                };
                let assignment = target.set(value.clone(), span);
                if let Err(other) = self.set.insert(&assignment, span.clone()) {
                    let message = format!("`{}` is set twice in one patch", path.join("."));
                    let help = format!("first on line {}", other.line());
                    problems.push(Problem::at(span, message).help(help));
                    return;
                }
                self.patch.push(assignment);
            }
        }
    }
}

/// Draws stand for one value nowhere. Whoever declares a parameter may give a program a table with a `range` of its own.
pub fn check_draws(path: &[String], value: &Value, problems: &mut Problems) {
    let Some(table) = value.table() else {
        return;
    };
    if makes_many(table) && value.get("draws").is_some() {
        problems.push(many_values(&path.join("."), value));
        return;
    }
    for (key, inner) in table {
        let path: Vec<String> = path.iter().chain([&key.name]).cloned().collect();
        check_draws(&path, inner, problems);
    }
}

/// A generator stands where one value is set.
fn many_values(path: &str, value: &Value) -> Problem {
    let text = &value.span.source.text[value.span.range.clone()];
    let written = if text.len() <= 80 && text.starts_with('{') && !text.contains('\n') {
        text
    } else {
        "{ log_uniform = […], draws = … }"
    };
    let message = format!("`{path}` takes one value here, and this makes many");
    let help = format!(
        "to sweep it, write an axis of its own under [axes]: `{} = {{ \"{path}\" = {written} }}`; \
         if a table of these keys is meant as one value, it stands in a list there: `[{written}]`",
        path.rsplit('.').next().unwrap_or(path),
    );
    Problem::at(&value.span, message)
        .label("a generator")
        .help(help)
}

/// The stage that a path begins with.
pub fn stage_of(
    path: &[String],
    span: &Span,
    names: &Names<'_>,
    problems: &mut Problems,
) -> Option<usize> {
    let at = names.stage(&path[0]);
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

/// A parameter of a stage.
pub struct Target {
    stage: usize,
    path: Arc<[String]>,
}

impl Target {
    /// The assignment of a value.
    pub fn set(&self, value: Value, span: &Span) -> Assignment {
        Assignment {
            stage: self.stage,
            path: self.path.clone(),
            value,
            span: span.clone(),
        }
    }
}

/// So many keys a path may have: deeper tables nobody writes by hand.
const DEEPEST: usize = 50;

/// The parameter at a path, checked as far as stages go; parameters are checked where the patch is applied.
pub fn target(
    path: &[String],
    span: &Span,
    names: &Names<'_>,
    problems: &mut Problems,
) -> Option<Target> {
    let stage = stage_of(path, span, names, problems)?;
    let Some(parameter) = path.get(1) else {
        let message = format!("`{}` is a stage; a patch sets `stage.parameter`", path[0]);
        problems.push(Problem::at(span, message));
        return None;
    };
    if path.len() > DEEPEST {
        let message = format!("this path has {} keys", count(path.len() as u128));
        problems.push(Problem::at(span, message).help(format!("at most {DEEPEST}")));
        return None;
    }
    if names.fixed[stage].contains(&parameter.as_str()) {
        let message = format!(
            "`{}` cannot be patched: it is not a parameter",
            path.join(".")
        );
        let problem = Problem::at(span, message).help("declare another stage instead");
        problems.push(problem);
        return None;
    }
    Some(Target {
        stage,
        path: path[1..].into(),
    })
}

/// Sets a parameter in a table of parameters. A string on the way is short for `{ kind = … }`.
pub fn apply(parameters: &mut Value, assignment: &Assignment) {
    let mut here = parameters;
    for name in assignment.path.iter() {
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

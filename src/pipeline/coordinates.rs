//! Coordinates: where an instance lies on the axes, and the conditions and selectors that speak of them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::axis::Axis;
use super::label::Found;
use super::problem::{Problem, Problems};
use super::source::Span;
use super::spelling::alternatives;
use super::value::{Data, Value};

/// Axis and label, in the order the axes are declared. Instances share these words, so that many cost little.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinates(pub Arc<[(Arc<str>, Arc<str>)]>);

impl Coordinates {
    /// The label on an axis.
    pub fn get(&self, axis: &str) -> Option<&str> {
        self.shared(axis).map(|label| &**label)
    }

    fn shared(&self, axis: &str) -> Option<&Arc<str>> {
        let (_, label) = self.0.iter().find(|(name, _)| **name == *axis)?;
        Some(label)
    }

    /// Whether both agree on every axis they share.
    pub fn joins(&self, other: &Self) -> bool {
        self.0
            .iter()
            .all(|(axis, label)| other.get(axis).is_none_or(|l| *l == **label))
    }

    /// The axes and labels of all axes but these.
    pub fn beyond(&self, axes: &[String]) -> Vec<(String, String)> {
        let pairs = self.0.iter();
        let pairs = pairs.filter(|(axis, _)| axes.iter().all(|known| **known != **axis));
        pairs
            .map(|(axis, label)| (axis.to_string(), label.to_string()))
            .collect()
    }
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (axis, label)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{axis}={label}")?;
        }
        Ok(())
    }
}

/// Whatever belongs to labels on some axes, found by coordinates that lie on these axes and perhaps on others: what joins.
#[derive(Debug, Clone)]
pub struct ByLabels<T> {
    axes: Vec<String>,
    all: HashMap<Vec<Arc<str>>, T>,
}

impl<T> ByLabels<T> {
    /// Nothing yet, for the axes that two stages share.
    pub fn shared<A: AsRef<str>, B: AsRef<str>>(one: &[A], other: &[B]) -> Self {
        let axes = one.iter().map(AsRef::as_ref);
        let shared = axes.filter(|axis| other.iter().any(|o| o.as_ref() == *axis));
        Self {
            axes: shared.map(str::to_string).collect(),
            all: HashMap::new(),
        }
    }

    fn labels(&self, coordinates: &Coordinates) -> Vec<Arc<str>> {
        let labels = self.axes.iter().map(|axis| coordinates.shared(axis));
        let labels = labels.map(|label| label.expect("it lies on the axes that are shared"));
        labels.cloned().collect()
    }

    /// What belongs to the labels of these coordinates, made where there is none.
    pub fn entry(&mut self, coordinates: &Coordinates) -> &mut T
    where
        T: Default,
    {
        self.all.entry(self.labels(coordinates)).or_default()
    }

    /// What belongs to the labels of these coordinates.
    pub fn get(&self, coordinates: &Coordinates) -> Option<&T> {
        self.all.get(&self.labels(coordinates))
    }

    /// Everything that belongs to some labels, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.values()
    }

    /// The same labels with what becomes of what belongs to them.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> ByLabels<U> {
        let all = self.all.into_iter();
        ByLabels {
            axes: self.axes,
            all: all.map(|(labels, what)| (labels, change(what))).collect(),
        }
    }
}

/// The name of an instance: `model[graph=G(2,5), seed=3]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName {
    /// The stage.
    pub stage: Arc<str>,
    /// Where on the axes.
    pub coordinates: Coordinates,
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stage)?;
        if self.coordinates.0.is_empty() {
            return Ok(());
        }
        write!(f, "[{}]", self.coordinates)
    }
}

/// Labels by axis: each named axis must have one of its labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition(pub Vec<(String, BTreeSet<String>)>);

impl Condition {
    /// Whether every axis of the condition is among the coordinates and has one of the labels.
    pub fn matches(&self, coordinates: &Coordinates) -> bool {
        self.0.iter().all(|(axis, labels)| {
            let label = coordinates.get(axis);
            label.is_some_and(|label| labels.contains(label))
        })
    }

    /// Whether the labels allow these coordinates; axes that the coordinates lack do not matter.
    pub fn allows(&self, axis: &str, label: &str) -> bool {
        self.0
            .iter()
            .filter(|(name, _)| name == axis)
            .all(|(_, labels)| labels.contains(label))
    }

    /// Reads `{ graph = "G(2,5)", seed = [0, 1] }`.
    pub fn read(value: &Value, axes: &[Axis], problems: &mut Problems) -> Option<Self> {
        let Some(table) = value.table() else {
            let message = format!(
                "this must be a table of `axis = label`, not {}",
                value.noun()
            );
            problems.push(Problem::at(&value.span, message));
            return None;
        };
        let mut condition = Self::default();
        let mut whole = true;
        for (key, value) in table {
            let Some(axis) = find_axis(&key.name, &key.span, axes, problems) else {
                whole = false;
                continue;
            };
            let Some(items) = labels_in(axis, value, problems) else {
                whole = false;
                continue;
            };
            let mut labels = BTreeSet::new();
            for item in items {
                let found = axis.find_value(item);
                match known_label(axis, found, &item.label(), &item.span, problems) {
                    Some(label) => drop(labels.insert(label)),
                    None => whole = false,
                }
            }
            condition.0.push((key.name.clone(), labels));
        }
        if table.is_empty() {
            problems.push(Problem::at(&value.span, "this condition is empty"));
            whole = false;
        }
        whole.then_some(condition)
    }

    /// Reads `graph=G(2,5),seed=0,seed=1`: a comma begins a new pair only where an axis' name and `=` follow, so labels may
    /// hold commas. Several labels of one axis add up. A number, list or table finds its label however it is written.
    pub fn parse(span: &Span, axes: &[Axis], problems: &mut Problems) -> Option<Self> {
        let text = &span.source.text[span.range.clone()];
        let mut condition = Self::default();
        let mut whole = true;
        let mut start = 0;
        while start < text.len() {
            let rest = &text[start..];
            let end = next_pair(rest, axes);
            let piece = rest[..end].trim();
            let lead = rest[..end].len() - rest[..end].trim_start().len();
            let at = span.range.start + start + lead;
            let here = Span::new(&span.source, at..at + piece.len());
            start += end + 1;
            let Some((axis, label)) = piece.split_once('=') else {
                let problem = Problem::at(&here, "a coordinate is written axis=label");
                problems.push(problem);
                whole = false;
                continue;
            };
            let (name, label) = (axis.trim(), label.trim());
            let Some(axis) = find_axis(name, &here, axes, problems) else {
                whole = false;
                continue;
            };
            let found = axis.find_written(label);
            let Some(label) = known_label(axis, found, label, &here, problems) else {
                whole = false;
                continue;
            };
            match condition.0.iter_mut().find(|(n, _)| n == name) {
                Some((_, labels)) => drop(labels.insert(label)),
                None => condition.0.push((name.to_string(), [label].into())),
            }
        }
        whole.then_some(condition)
    }
}

/// Where the first pair of a list ends.
fn next_pair(text: &str, axes: &[Axis]) -> usize {
    // A label may hold what looks like another pair.
    if let Some((name, label)) = text.split_once('=')
        && let Some(axis) = axes.iter().find(|axis| axis.name() == name.trim())
        && axis.find_written(label.trim()) != Found::Nothing
    {
        return text.len();
    }
    let begins = |rest: &str| {
        let Some(end) = rest
            .find(['=', ','])
            .filter(|at| rest[*at..].starts_with('='))
        else {
            return false;
        };
        let word = rest[..end].trim();
        is_name(word) || axes.iter().any(|axis| axis.name() == word)
    };
    let within = bracketed(text);
    text.match_indices(',')
        .map(|(at, _)| at)
        .filter(|at| !within.contains(at))
        .find(|at| begins(&text[at + 1..]))
        .unwrap_or(text.len())
}

/// Whether a word can name a stage or an axis: a letter, then letters, digits, `_` or `-`, at most 100 in all.
pub fn is_name(word: &str) -> bool {
    let mut chars = word.chars().take(101);
    chars.clone().count() <= 100
        && chars.next().is_some_and(char::is_alphabetic)
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn find_axis<'a>(
    name: &str,
    span: &Span,
    axes: &'a [Axis],
    problems: &mut Problems,
) -> Option<&'a Axis> {
    let axis = axes.iter().find(|axis| axis.name() == name);
    if axis.is_none() {
        let problem = Problem::at(span, format!("there is no axis `{name}`"))
            .label("no such axis")
            .maybe_help(alternatives("axes", name, axes.iter().map(Axis::name)));
        problems.push(problem);
    }
    axis
}

/// What stands for labels in a condition: one value, or a list of them. A list may be the value of one label itself.
fn labels_in<'a>(axis: &Axis, value: &'a Value, problems: &mut Problems) -> Option<Vec<&'a Value>> {
    let Data::Array(items) = &value.data else {
        return Some(vec![value]);
    };
    let is_label = |value: &Value| axis.find_value(value) != Found::Nothing;
    let whole = axis.find_value(value);
    let each = !items.is_empty() && items.iter().all(is_label);
    // Each of them may be the same label as the whole, read otherwise.
    let another = each && items.iter().any(|item| axis.find_value(item) != whole);
    match (whole != Found::Nothing, another) {
        (true, true) => {
            let message = format!(
                "this is the label `{}` of the axis `{}`, and a list of labels too",
                value.label(),
                axis.name()
            );
            let problem = Problem::at(&value.span, message).label("ambiguous");
            problems.push(
                problem.help("write a list of lists for the one: [[…]]; or the labels as text"),
            );
            None
        }
        (true, false) => Some(vec![value]),
        (false, _) if items.is_empty() && !axis.points.is_empty() => {
            let message = format!("this names no label of the axis `{}`", axis.name());
            problems.push(Problem::at(&value.span, message));
            None
        }
        (false, _) => Some(items.iter().collect()),
    }
}

/// The text of the label that was found; else what is wrong is told. Of an axis that could not be read, every label is taken.
fn known_label(
    axis: &Axis,
    found: Found,
    written: &str,
    span: &Span,
    problems: &mut Problems,
) -> Option<String> {
    let text = |place: usize| axis.points[place].label.to_string();
    let name = axis.name();
    match found {
        _ if axis.points.is_empty() => Some(written.to_string()),
        Found::One(place) => Some(text(place)),
        Found::Several(places) => {
            let labels: Vec<String> = places.into_iter().map(text).collect();
            let labels = labels.join("`, `");
            let message = format!("`{written}` reads as several labels of the axis `{name}`");
            let help = format!("write one as the file does, as text: `{labels}`");
            problems.push(Problem::at(span, message).label("ambiguous").help(help));
            None
        }
        Found::Nothing => {
            let message = format!("the axis `{name}` has no label `{written}`");
            let problem = Problem::at(span, message)
                .label("no such label")
                .maybe_help(alternatives("labels", written, axis.labels()));
            problems.push(problem);
            None
        }
    }
}

/// The bytes of a label that begins as a list or a table, up to the bracket that closes it; none where nothing closes it.
fn bracketed(text: &str) -> Range<usize> {
    let Some((name, label)) = text.split_once('=') else {
        return 0..0;
    };
    let start = name.len() + 1 + (label.len() - label.trim_start().len());
    if !text[start..].starts_with(['[', '{']) {
        return 0..0;
    }
    let (mut depth, mut quote) = (0, None);
    for (at, c) in text[start..].char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => {
                depth -= 1;
                if depth == 0 {
                    return start..start + at;
                }
            }
            _ => {}
        }
    }
    0..0
}

/// Which jobs: `model`, or `model[method=reversed,seed=0]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// The stage.
    pub stage: String,
    /// Which of its instances.
    pub condition: Condition,
}

impl Selector {
    /// Reads a selector; `stages` are the names there are, with the axes each fans out over.
    pub fn parse(
        span: &Span,
        stages: &[(&str, Vec<&str>)],
        axes: &[Axis],
        problems: &mut Problems,
    ) -> Option<Self> {
        let text = span.source.text[span.range.clone()].trim_end();
        let (stage, inside) = match text.split_once('[') {
            Some((stage, rest)) => {
                let Some(inside) = rest.strip_suffix(']') else {
                    let problem = Problem::at(span, "the bracket of this selector is not closed")
                        .help("write stage[axis=label,axis=label]");
                    problems.push(problem);
                    return None;
                };
                (stage.trim(), Some(inside))
            }
            None => (text.trim(), None),
        };
        let Some((_, reaching)) = stages.iter().find(|(name, _)| *name == stage) else {
            let problem = Problem::at(span, format!("there is no stage `{stage}`"))
                .label("no such stage")
                .maybe_help(alternatives(
                    "stages",
                    stage,
                    stages.iter().map(|(n, _)| *n),
                ));
            problems.push(problem);
            return None;
        };
        let condition = match inside {
            Some(inside) => {
                let at = span.range.start + text.find('[').map_or(0, |at| at + 1);
                let inner = Span::new(&span.source, at..at + inside.len());
                Condition::parse(&inner, axes, problems)?
            }
            None => Condition::default(),
        };
        for (axis, _) in &condition.0 {
            if !reaching.contains(&axis.as_str()) {
                let message = format!("the axis `{axis}` does not reach `{stage}`");
                let help = alternatives("axes that do", axis, reaching.iter().copied());
                problems.push(Problem::at(span, message).maybe_help(help));
                return None;
            }
        }
        Some(Self {
            stage: stage.to_string(),
            condition,
        })
    }

    /// Whether a job is meant.
    pub fn matches(&self, job: &JobName) -> bool {
        *self.stage == *job.stage && self.condition.matches(&job.coordinates)
    }
}

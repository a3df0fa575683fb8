//! Axes: what is swept.
//!
//! An axis is lists of values that move together (`{ "graphs.degree" = [2, 20], "graphs.nodes" = [50, 200] }`) or named
//! variants (`{ small = {…}, large = {…} }`). Both come to the same: labels, each with a patch.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::contract::Scalar;
use super::generator::{self, generate, is_generator};
use super::label::{self, Found, Index};
use super::patch::{self, Assignment, Names, Patch};
use super::problem::{Problem, Problems, count};
use super::value::{Data, Key, Table, Value};

/// One swept dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Its name, and where it stands.
    pub key: Key,
    /// Its labels, each with what it sets.
    pub points: Vec<Point>,
    name: Arc<str>,
    /// Its labels by text and value.
    index: Index,
    /// The parameters that it sets, each once, by stage.
    sets: BTreeSet<(usize, Arc<[String]>)>,
}

/// One value of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// How it is called in coordinates, folders and selectors: one text everywhere.
    pub label: Arc<str>,
    /// What makes it the same as another, however that is written; see [`label::identity`].
    identity: String,
    /// How it stands in a table's column: the value itself where the axis is a list, else the label.
    pub value: Scalar,
    /// What it sets.
    pub patch: Patch,
}

impl Axis {
    /// An axis of these points; of two with the same label, the first is found.
    pub fn new(key: &Key, points: Vec<Point>) -> Self {
        let mut sets: BTreeSet<(usize, &Arc<[String]>)> = BTreeSet::new();
        for point in &points {
            sets.extend(point.patch.iter().map(|a| (a.stage, &a.path)));
        }
        let sets = sets.into_iter().map(|(stage, path)| (stage, path.clone()));
        let labels = points.iter();
        Self {
            name: Arc::from(key.name.as_str()),
            key: key.clone(),
            index: Index::new(labels.map(|p| (p.label.clone(), p.identity.clone()))),
            sets: sets.collect(),
            points,
        }
    }

    /// The axis' name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The labels, in order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.points.iter().map(|point| &*point.label)
    }

    /// The place of a label.
    pub fn place(&self, label: &str) -> Option<usize> {
        self.index.text(label)
    }

    /// The label of a value as a file writes it.
    pub fn find_value(&self, value: &Value) -> Found {
        self.index.find_value(value)
    }

    /// The label that a person wrote: its text, or its value in another way of writing.
    pub fn find_written(&self, text: &str) -> Found {
        self.index.find_written(text)
    }

    /// The point of this label.
    pub fn point(&self, label: &str) -> Option<&Point> {
        Some(&self.points[self.place(label)?])
    }

    /// The axis and the label at a place on it, as they stand in coordinates.
    pub fn coordinate(&self, place: usize) -> (Arc<str>, Arc<str>) {
        (self.name.clone(), self.points[place].label.clone())
    }

    /// Whether its patches touch a stage.
    pub fn touches(&self, stage: usize) -> bool {
        let parameters = self.sets.range((stage, Arc::default())..);
        parameters
            .into_iter()
            .next()
            .is_some_and(|(s, _)| *s == stage)
    }

    /// The parameters that it sets, each once: the stage and the path, in this order.
    pub fn sets(&self) -> impl Iterator<Item = &(usize, Arc<[String]>)> {
        self.sets.iter()
    }

    /// All assignments of all labels.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.points.iter().flat_map(|point| point.patch.iter())
    }
}

/// Reads an axis; `None` where it has problems.
pub fn read(key: &Key, value: &Value, names: &Names<'_>, problems: &mut Problems) -> Option<Axis> {
    let Some(table) = value.table() else {
        let message = format!(
            "the axis `{}` must be a table, not {}",
            key.name,
            value.noun()
        );
        let problem = Problem::at(&value.span, message).help(
            "lists: { \"model.seed\" = [0, 1] }; or variants: { small = { model.layers = 2 } }",
        );
        problems.push(problem);
        return None;
    };
    if table.is_empty() {
        let problem = Problem::at(&value.span, format!("the axis `{}` is empty", key.name));
        problems.push(problem);
        return None;
    }
    let before = problems.len();
    let (lists, variants): (Vec<_>, Vec<_>) =
        table.iter().partition(|(k, v)| is_list_entry(k, v, names));
    let points = match (lists.as_slice(), variants.as_slice()) {
        (_, []) => read_lists(table, names, problems)?,
        ([], _) => read_variants(table, names, problems)?,
        ([(list, _), ..], [(variant, _), ..]) => {
            let message = format!(
                "the axis `{}` mixes lists (`{}`) and variants (`{}`)",
                key.name, list.name, variant.name
            );
            problems.push(Problem::at(&variant.span, message).help("an axis is either or"));
            return None;
        }
    };
    if points.is_empty() {
        let problem = Problem::at(&value.span, format!("the axis `{}` has no value", key.name));
        problems.push(problem);
        return None;
    }
    let axis = Axis::new(key, points);
    for point in &axis.points {
        let length = point.label.chars().count();
        if length > LONGEST {
            let message = format!(
                "a label of the axis `{}` has {} characters; at most {LONGEST}",
                key.name,
                count(length as u128)
            );
            let problem = Problem::at(&key.span, message);
            problems.push(problem.help("name it: { short = { stage.parameter = \"…\" } }"));
            return None;
        }
    }
    if let Some((first, second)) = twice(&axis) {
        let message = if first == second {
            format!("the axis `{}` has `{first}` twice", key.name)
        } else {
            format!(
                "the axis `{}` has the value `{first}` twice: `{second}` is the same",
                key.name
            )
        };
        let problem = Problem::at(&key.span, message);
        problems
            .push(problem.help("every label stands once; a range has each integer once, and of few values fewer draws differ"));
        return None;
    }
    if axis.sets.is_empty() && problems.len() == before {
        let message = format!(
            "the axis `{}` reaches nothing: it sets no parameter",
            key.name
        );
        problems.push(Problem::at(&key.span, message));
        return None;
    }
    // What else is wrong with it is told already; its labels are known all the same.
    Some(axis)
}

/// So many characters a label may have: it stands in names, tables and figures.
const LONGEST: usize = 1000;

/// A label that stands twice, and how it is written the second time.
fn twice(axis: &Axis) -> Option<(&str, &str)> {
    axis.points.iter().enumerate().find_map(|(place, point)| {
        let first = axis.index.text(&point.label)?;
        let first = if first == place {
            axis.index.identity(&point.identity)?
        } else {
            first
        };
        (first != place).then(|| (&*axis.points[first].label, &*point.label))
    })
}

/// Whether an entry is a list of values (`"model.seed" = […]`, `model.seed = […]`), not a variant.
fn is_list_entry(key: &Key, value: &Value, names: &Names<'_>) -> bool {
    let is_stage = |name: &str| {
        let first = name.split('.').next().unwrap_or(name);
        names.stage(first.trim()).is_some()
    };
    let listed = match &value.data {
        Data::Array(_) => true,
        Data::Table(table) => is_generator(table),
        _ => false,
    };
    // A label may have a dot in it, as in `GPT-2.5`.
    if listed || (key.name.contains('.') && is_stage(&key.name)) {
        return true;
    }
    let inner = value.table().map_or(&[][..], Vec::as_slice);
    is_stage(&key.name) && !inner.is_empty() && !inner.iter().any(|(k, _)| is_stage(&k.name))
}

fn read_variants(table: &Table, names: &Names<'_>, problems: &mut Problems) -> Option<Vec<Point>> {
    let mut points = Vec::new();
    for (key, value) in table {
        let Some(entries) = value.table() else {
            let message = format!(
                "the variant `{}` must be a table of `stage.parameter = value`, not {}",
                key.name,
                value.noun()
            );
            problems.push(Problem::at(&value.span, message));
            continue;
        };
        let outer = key.name.trim() != key.name;
        if key.name.is_empty() || outer || key.name.chars().any(char::is_control) {
            let message = "a label must be visible text, without spaces around it";
            problems.push(Problem::at(&key.span, message));
            continue;
        }
        points.push(Point {
            label: Arc::from(key.name.as_str()),
            identity: label::of_scalar(&Scalar::Text(key.name.clone())),
            value: Scalar::Text(key.name.clone()),
            patch: patch::read(entries, names, problems),
        });
    }
    (points.len() == table.len()).then_some(points)
}

fn read_lists(table: &Table, names: &Names<'_>, problems: &mut Problems) -> Option<Vec<Point>> {
    let mut lists = Vec::new();
    let mut whole = true;
    for (key, value) in table {
        whole &= collect_lists(&patch::split(key), value, key, &mut lists, names, problems);
    }
    if !whole {
        return None;
    }
    let (_, first, first_values) = lists.first()?;
    let length = first_values.len();
    for (path, key, values) in &lists[1..] {
        if values.len() != length {
            let message = format!(
                "lists of one axis move together, but `{}` has {} values and `{}` has {length}",
                path.join("."),
                values.len(),
                patch::split(first).join("."),
            );
            let problem = Problem::at(&key.span, message)
                .help("make them equally long, or make them two axes to combine every value with every other");
            problems.push(problem);
            whole = false;
        }
    }
    generator::check(table, problems);
    // What is wrong with a value that cannot be read is told already.
    whole &= lists
        .iter()
        .flat_map(|(_, _, values)| values)
        .all(Value::is_readable);
    if !whole {
        return None;
    }
    let labels: Vec<String> = first_values.iter().map(Value::label).collect();
    let identities: Vec<String> = first_values.iter().map(label::identity).collect();
    let differ = |all: &[String]| {
        let mut seen = HashSet::with_capacity(length);
        all.iter().all(|one| seen.insert(one.as_str()))
    };
    let distinct = differ(&labels) && differ(&identities);
    // Of values of several kinds, a column can only hold the labels.
    let numbers = |value: &Value| matches!(value.data, Data::Int(_) | Data::Float(_));
    let bools = |value: &Value| matches!(value.data, Data::Bool(_));
    let alike = first_values.iter().all(numbers) || first_values.iter().all(bools);
    let points = labels.iter().enumerate().map(|(i, label)| {
        let first = &first_values[i];
        let (label, identity) = if distinct || lists.len() == 1 {
            (label.clone(), identities[i].clone())
        } else {
            // Lists that move together may repeat themselves one by one; together they name a point.
            let all: Vec<String> = lists.iter().map(|(_, _, v)| v[i].shortest()).collect();
            let values = lists.iter().map(|(_, _, v)| label::identity(&v[i]));
            let values: Vec<String> = values.collect();
            (all.join(" "), format!("[{}]", values.join(",")))
        };
        let value = if distinct && alike {
            Scalar::from(&first.to_json())
        } else {
            Scalar::Text(label.clone())
        };
        (Arc::from(label), identity, value)
    });
    let points: Vec<(Arc<str>, String, Scalar)> = points.collect();
    let targets = lists.into_iter().map(|(path, key, values)| {
        let target = patch::target(&path, &key.span, names, problems);
        (target, key, values.into_iter())
    });
    let mut targets: Vec<_> = targets.collect();
    let points = points.into_iter().map(|(label, identity, value)| {
        let assignments = targets.iter_mut().filter_map(|(target, key, values)| {
            let value = values.next()?;
            Some(target.as_ref()?.set(value, &key.span))
        });
        Point {
            patch: assignments.collect(),
            label,
            identity,
            value,
        }
    });
    Some(points.collect())
}

type List<'a> = (Vec<String>, &'a Key, Vec<Value>);

/// Gathers the lists below a key, however its path is written.
fn collect_lists<'a>(
    path: &[String],
    value: &'a Value,
    key: &'a Key,
    lists: &mut Vec<List<'a>>,
    names: &Names<'_>,
    problems: &mut Problems,
) -> bool {
    match &value.data {
        Data::Array(items) => {
            lists.push((path.to_vec(), key, items.clone()));
            true
        }
        Data::Table(table) if is_generator(table) => match generate(value, problems) {
            Some(items) => {
                lists.push((path.to_vec(), key, items));
                true
            }
            None => false,
        },
        Data::Table(table) if !table.is_empty() => {
            if patch::stage_of(path, &key.span, names, problems).is_none() {
                return false;
            }
            table.iter().fold(true, |whole, (inner, value)| {
                let path: Vec<_> = path.iter().cloned().chain(patch::split(inner)).collect();
                collect_lists(&path, value, inner, lists, names, problems) && whole
            })
        }
        _ => {
            let message = format!(
                "`{}` must be a list of values to sweep, not {}",
                path.join("."),
                value.noun()
            );
            let problem = Problem::at(&value.span, message).help(
                "write [0, 1, 2], { range = [0, 5] } or { log_uniform = [1e-5, 1e-2], draws = 8 }",
            );
            problems.push(problem);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::source::Source;
    use crate::pipeline::value::parse;

    fn axis(text: &str) -> Result<Vec<(String, usize)>, Vec<String>> {
        let names = Names::new([("graphs", vec!["kind"]), ("model", vec!["kind", "data"])]);
        let mut problems = Problems::default();
        let value = parse(&Source::new("x", text), &mut problems);
        let (key, value) = &value.table().unwrap()[0];
        let axis = read(key, value, &names, &mut problems);
        let list = problems.into_sorted();
        match axis {
            Some(axis) if list.is_empty() => Ok(axis
                .points
                .into_iter()
                .map(|point| (point.label.to_string(), point.patch.iter().count()))
                .collect()),
            _ => Err(list.iter().map(ToString::to_string).collect()),
        }
    }

    fn labels(text: &str) -> Vec<String> {
        axis(text)
            .unwrap()
            .into_iter()
            .map(|(label, _)| label)
            .collect()
    }

    #[test]
    fn lists_zip_and_variants_are_patches() {
        assert_eq!(labels("seed = { 'model.seed' = [0, 1] }"), ["0", "1"]);
        assert_eq!(labels("seed = { model.seed = [0, 1] }"), ["0", "1"]);
        assert_eq!(
            axis(
                "size = { graphs = { degree = [2, 5], nodes = [9, 30] }, 'model.layers' = [1, 2] }"
            ),
            Ok(vec![("2".into(), 3), ("5".into(), 3)])
        );
        assert_eq!(
            axis("graph = { 'G(2,5)' = { graphs.degree = 2 }, plain = {} }"),
            Ok(vec![("G(2,5)".into(), 1), ("plain".into(), 0)])
        );
        assert_eq!(
            labels("lr = { 'model.lr' = [1e-5, 0.01] }"),
            ["1e-5", "0.01"]
        );
        assert_eq!(
            labels("z = { 'model.a' = [1, 1], 'model.b' = [2, 3] }"),
            ["1 2", "1 3"]
        );
    }

    #[test]
    fn a_label_is_the_number_as_the_file_writes_it() {
        let written = "lr = { 'model.lr' = [1e-7, 2.0, 0.50, +3E-4, 1_000, 0x10, 1_000.5] }";
        assert_eq!(
            labels(written),
            ["1e-7", "2.0", "0.50", "3e-4", "1000", "16", "1000.5"]
        );
        // Inside of lists and tables, in the shortest way.
        let nested = "o = { 'model.o' = [[1e-3, 2], { kind = 'adam', lr = 1e-3 }] }";
        assert_eq!(labels(nested), ["0.001-2", "adam lr=0.001"]);
    }

    #[test]
    fn one_number_written_twice_stands_twice() {
        for (list, first, second) in [
            ("[1, 1.0]", "1", "1.0"),
            ("[0.0, -0.0]", "0.0", "-0.0"),
            ("[1e-4, 2, 0.0001]", "1e-4", "0.0001"),
            ("[[1, 2], [1.0, 2]]", "1-2", "1.0-2"),
        ] {
            let problems = axis(&format!("a = {{ 'model.x' = {list} }}")).unwrap_err();
            let said = format!("has the value `{first}` twice: `{second}` is the same");
            assert!(problems[0].contains(&said), "{list}: {problems:?}");
        }
        // Names of versions are no numbers.
        let versions = "v = { '1.1' = { model.a = 1 }, '1.10' = { model.a = 2 } }";
        assert_eq!(labels(versions), ["1.1", "1.10"]);
        assert_eq!(
            labels("z = { 'model.a' = [1, 1.0], 'model.b' = [2, 3] }"),
            ["1 2", "1.0 3"]
        );
    }

    #[test]
    fn a_variant_may_bear_a_stages_name() {
        assert_eq!(labels("v = { model = { model.seed = 1 } }"), ["model"]);
    }

    #[test]
    fn a_label_may_have_a_dot() {
        let text = "m = { 'GPT-2.5' = { model.a = 1 }, small = {}, '0.1' = { model.a = 2 } }";
        assert_eq!(labels(text), ["GPT-2.5", "small", "0.1"]);
    }

    #[test]
    fn draws_are_fixed_and_more_draws_keep_the_earlier() {
        let four = labels("lr = { 'model.lr' = { log_uniform = [1e-5, 1e-2], draws = 4 } }");
        let eight = labels("rate = { 'model.rate' = { draws = 8, log_uniform = [1e-5, 1e-2] } }");
        assert_eq!(four, eight[..4]);
        assert_eq!(
            labels("s = { 'model.s' = { range = [0, 3] } }"),
            ["0", "1", "2"]
        );
        assert_eq!(
            labels("s = { 'model.s' = { range = [0, 1], step = 0.5 } }"),
            ["0.0", "0.5"]
        );
        let exact = "s = { 'model.s' = { range = [1234567, 1234569] } }";
        assert_eq!(labels(exact), ["1234567", "1234568"]);
        let tenths = "s = { 'model.s' = { range = [0.1, 0.4], step = 0.1 } }";
        assert_eq!(labels(tenths), ["0.1", "0.2", "0.3"]);
    }

    #[test]
    fn what_is_wrong_with_an_axis_is_told() {
        for (text, message) in [
            (
                "a = { 'model.x' = [1], 'model.y' = [1, 2] }",
                "lists of one axis move together",
            ),
            ("a = { 'modle.x' = [1] }", "there is no stage `modle`"),
            ("a = { 'model.x' = 1 }", "must be a list of values"),
            ("a = { 'model.data' = ['x'] }", "cannot be patched"),
            ("a = { x = {}, y = {} }", "reaches nothing"),
            ("a = { 'model.x' = [] }", "has no value"),
            ("a = { 'model.x' = [1, 1] }", "has `1` twice"),
            ("a = { 'model.x' = [1], v = {} }", "mixes lists"),
            ("a = { 'model.x' = { range = [3, 1] } }", "from low to high"),
            (
                "a = { 'model.x' = { range = [9007199254740993, 9007199254740999] } }",
                "within 2^53 of 0",
            ),
            ("a = { 'model.x' = { uniform = [0, 1] } }", "needs `draws`"),
            (
                "a = { model.x = { uniform = [0.0, 1], draws = 3 }, model.y = { uniform = [0.0, 1], draws = 3 } }",
                "draw the same numbers",
            ),
        ] {
            let problems = axis(text).unwrap_err();
            assert!(problems[0].contains(message), "{text}: {problems:?}");
        }
    }
}

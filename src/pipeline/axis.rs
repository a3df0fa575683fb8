//! Axes: what is swept.
//!
//! An axis is lists of values that move together (`{ "graphs.degree" = [2, 20], "graphs.nodes" = [50, 200] }`) or named
//! variants (`{ small = {…}, large = {…} }`). Both come to the same: labels, each with a patch.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::contract::Scalar;
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
    pub fn new(key: &Key, points: Vec<Point>) -> Axis {
        let mut sets: BTreeSet<(usize, &Arc<[String]>)> = BTreeSet::new();
        for point in &points {
            sets.extend(point.patch.iter().map(|a| (a.stage, &a.path)));
        }
        let sets = sets.into_iter().map(|(stage, path)| (stage, path.clone()));
        let labels = points.iter();
        Axis {
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
        let message = match first == second {
            true => format!("the axis `{}` has `{first}` twice", key.name),
            false => format!(
                "the axis `{}` has the value `{first}` twice: `{second}` is the same",
                key.name
            ),
        };
        let problem = Problem::at(&key.span, message);
        problems
            .push(problem.help("every label stands once; of few integers, a range has each once"));
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
        let first = match first == place {
            true => axis.index.identity(&point.identity)?,
            false => first,
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
    check_generators(table, problems);
    if !whole {
        return None;
    }
    let labels: Vec<String> = first_values.iter().map(Value::label).collect();
    let mut texts = HashSet::with_capacity(length);
    let mut values = HashSet::with_capacity(length);
    let distinct = labels.iter().zip(first_values).all(|(label, value)| {
        texts.insert(label.as_str()) && values.insert(label::identity(value))
    });
    // Of values of several kinds, a column can only hold the labels.
    let numbers = |value: &Value| matches!(value.data, Data::Int(_) | Data::Float(_));
    let bools = |value: &Value| matches!(value.data, Data::Bool(_));
    let alike = first_values.iter().all(numbers) || first_values.iter().all(bools);
    let points = labels.iter().enumerate().map(|(i, label)| {
        let first = &first_values[i];
        let (label, identity) = match distinct || lists.len() == 1 {
            true => (label.clone(), label::identity(first)),
            // Lists that move together may repeat themselves one by one; together they name a point.
            false => {
                let all: Vec<String> = lists.iter().map(|(_, _, v)| v[i].shortest()).collect();
                let values = lists.iter().map(|(_, _, v)| label::identity(&v[i]));
                let values: Vec<String> = values.collect();
                (all.join(" "), format!("[{}]", values.join(",")))
            }
        };
        let value = match distinct && alike {
            true => Scalar::from(&first.to_json()),
            false => Scalar::Text(label.clone()),
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

const GENERATORS: [&str; 3] = ["range", "uniform", "log_uniform"];

/// Whether a table is a generator, whole and nothing else: what makes many values, and not one.
pub fn makes_many(table: &Table) -> bool {
    let has = |name: &str| table.iter().any(|(key, _)| key.name == name);
    let others: &[&str] = match (has("range"), has("uniform") || has("log_uniform")) {
        (true, false) => &["range", "step"],
        (false, true) => &["uniform", "log_uniform", "draws", "seed"],
        _ => return false,
    };
    let bounds = |(key, value): &(Key, Value)| {
        !GENERATORS.contains(&key.name.as_str())
            || matches!(&value.data, Data::Array(items) if items.len() == 2)
    };
    let mut keys = table.iter().map(|(key, _)| key.name.as_str());
    keys.all(|key| others.contains(&key)) && table.iter().all(bounds)
}

fn is_generator(table: &Table) -> bool {
    table
        .iter()
        .any(|(key, _)| GENERATORS.contains(&key.name.as_str()))
}

/// So many values a generator may give.
const MOST: i64 = 1_000_000;

/// Up to here every integer is a number of its own.
const EXACT: f64 = (1u64 << 53) as f64;

/// Two equal generators in one axis would draw the same numbers, which nobody means.
fn check_generators(table: &Table, problems: &mut Problems) {
    let mut drawn = Vec::new();
    find_draws(table, &mut drawn);
    let mut seen = HashSet::new();
    for value in drawn {
        let mut json = value.to_json();
        json.sort_all_objects();
        if !seen.insert(json.to_string()) {
            let message = "two equal generators in one axis draw the same numbers";
            let problem = Problem::at(&value.span, message).help("give one of them a `seed`");
            problems.push(problem);
        }
    }
}

fn find_draws<'a>(table: &'a Table, drawn: &mut Vec<&'a Value>) {
    for (_, value) in table {
        match value.table() {
            Some(inner) if is_generator(inner) && value.get("draws").is_some() => drawn.push(value),
            Some(inner) => find_draws(inner, drawn),
            None => {}
        }
    }
}

/// The values of `{ range = [from, to], step = 1 }` (without its end, as in most languages) or of
/// `{ uniform | log_uniform = [low, high], draws = n, seed = 0 }`. Of two integers as bounds, integers are drawn, both bounds
/// among them: `uniform` gives each the same weight; `log_uniform` gives each that of the numbers within a half of it. Draws depend on the bounds and the seed alone, not on
/// names, places or time; more draws keep the earlier ones.
fn generate(value: &Value, problems: &mut Problems) -> Option<Vec<Value>> {
    let table = value.table()?;
    let (key, bounds) = table
        .iter()
        .find(|(k, _)| GENERATORS.contains(&k.name.as_str()))?;
    let name = key.name.as_str();
    let other: &[&str] = if name == "range" {
        &["step"]
    } else {
        &["draws", "seed"]
    };
    for (unknown, _) in table {
        if unknown.name != name && !other.contains(&unknown.name.as_str()) {
            let message = format!("`{name}` has no key `{}`", unknown.name);
            let problem = Problem::at(&unknown.span, message).label("unknown");
            problems.push(problem.help(format!("it takes `{}`", other.join("` and `"))));
            return None;
        }
    }
    let numbers = match &bounds.data {
        Data::Array(items) => items.iter().map(number).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let Some([low, high]) = numbers.as_deref() else {
        let message = format!("`{name}` takes two numbers: {name} = [low, high]");
        problems.push(Problem::at(&bounds.span, message));
        return None;
    };
    let (low, high) = (*low, *high);
    let whole = matches!(&bounds.data, Data::Array(items)
        if items.iter().all(|item| matches!(item.data, Data::Int(_))));
    let mut refuse = |message: String| {
        problems.push(Problem::at(&bounds.span, message));
        None
    };
    if low >= high {
        return refuse(format!("`{name}` must go from low to high"));
    }
    let as_value = |number: f64, whole: bool| Value {
        data: match whole {
            true => Data::Int(number as i64),
            false => Data::Float(number),
        },
        span: value.span.clone(),
    };
    if name == "range" {
        let step = value.get("step").map_or(Some(1.0), number);
        let Some(step) = step.filter(|step| *step > 0.0) else {
            return refuse("`step` must be a number above 0".into());
        };
        // What is a whisker short of another step is rounding.
        let length = ((high - low) / step - 1e-9).ceil();
        if length > MOST as f64 {
            let (length, most) = (count(length as u128), count(MOST as u128));
            return refuse(format!("`range` has {length} values; at most {most}"));
        }
        if whole && low.abs().max(high.abs()) > EXACT {
            return refuse("`range` must stay within 2^53 of 0, where it is exact".into());
        }
        let whole = whole && step.fract() == 0.0;
        let numbers = (0..length as u64).map(|i| low + i as f64 * step);
        let numbers = numbers.map(|number| match whole {
            true => as_value(number, true),
            false => as_value(rounded(number), false),
        });
        return Some(numbers.collect());
    }
    let draws = match value.get("draws").map(|draws| &draws.data) {
        Some(Data::Int(draws @ 1..=MOST)) => *draws as usize,
        Some(Data::Int(draws @ 1..)) => {
            let (draws, most) = (count(*draws as u128), count(MOST as u128));
            return refuse(format!("`draws` is {draws}; at most {most}"));
        }
        Some(_) => return refuse("`draws` must be an integer of at least 1".into()),
        None => return refuse(format!("`{name}` needs `draws`: how many values")),
    };
    let seed = match value.get("seed").map(|seed| &seed.data) {
        None => 0,
        Some(Data::Int(seed @ 0..)) => *seed,
        Some(_) => return refuse("`seed` must be an integer of at least 0".into()),
    };
    if name == "log_uniform" && low <= 0.0 {
        return refuse("`log_uniform` needs bounds above 0".into());
    }
    let ends = match &bounds.data {
        Data::Array(items) => match [&items[0].data, &items[1].data] {
            [Data::Int(low), Data::Int(high)] => Some((*low, *high)),
            _ => None,
        },
        _ => None,
    };
    let whole_number = |number: i128| Value {
        data: Data::Int(number as i64),
        span: value.span.clone(),
    };
    let purpose = format!("{name} {low:e} {high:e} {seed}");
    let mut random = ChaCha8Rng::from_seed(blake3::derive_key(
        "etude 2026-11 draws v1",
        purpose.as_bytes(),
    ));
    let draw = |_| {
        let bits = random.next_u64();
        let unit = (bits >> 11) as f64 / (1u64 << 53) as f64;
        match (name, ends) {
            // Every whole number from low to high, both included, has the same weight.
            ("uniform", Some((low, high))) => {
                let length = (i128::from(high) - i128::from(low) + 1) as u128;
                let step = (u128::from(bits) * length) >> 64;
                whole_number(i128::from(low) + step as i128)
            }
            // And here that of what lies within a half of it, on a logarithmic scale.
            (_, Some((first, last))) => {
                let number = log_between(low - 0.5, high + 0.5, unit).round();
                whole_number((number as i128).clamp(first.into(), last.into()))
            }
            ("uniform", None) => as_value(rounded(low + unit * (high - low)), false),
            (_, None) => as_value(rounded(log_between(low, high, unit)), false),
        }
    };
    Some((0..draws).map(draw).collect())
}

/// The number this far from low to high, both on a logarithmic scale.
fn log_between(low: f64, high: f64, unit: f64) -> f64 {
    (low.ln() + unit * (high.ln() - low.ln())).exp()
}

fn number(value: &Value) -> Option<f64> {
    match value.data {
        Data::Int(int) => Some(int as f64),
        Data::Float(float) => Some(float),
        _ => None,
    }
}

/// To six significant digits, so that a label can be read.
fn rounded(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
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

    /// How often each whole number is drawn.
    fn drawn(generator: &str, draws: usize) -> Vec<(i64, usize)> {
        let text = format!("x = {{ {generator}, draws = {draws} }}");
        let mut problems = Problems::default();
        let value = parse(&Source::new("x", text), &mut problems);
        let drawn = generate(value.get("x").unwrap(), &mut problems).unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for value in drawn {
            let Data::Int(int) = value.data else {
                panic!("{value:?} is no integer")
            };
            *counts.entry(int).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    /// Pearson's statistic of counts against expected shares.
    fn chi_square(counts: &[(i64, usize)], shares: &[f64]) -> f64 {
        let all: usize = counts.iter().map(|(_, count)| count).sum();
        let terms = counts.iter().zip(shares).map(|((_, count), share)| {
            let expected = share * all as f64;
            (*count as f64 - expected).powi(2) / expected
        });
        terms.sum()
    }

    #[test]
    fn whole_numbers_are_drawn_with_equal_weight_ends_included() {
        let counts = drawn("uniform = [0, 3]", 6000);
        assert_eq!(
            counts.iter().map(|(k, _)| *k).collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        // Three degrees of freedom: 16.3 is exceeded once in a thousand; with half weights at the ends it would be above 600.
        assert!(chi_square(&counts, &[0.25; 4]) < 16.3, "{counts:?}");
        let counts = drawn("uniform = [-2, -1]", 2000);
        assert!(chi_square(&counts, &[0.5; 2]) < 10.8, "{counts:?}");
        let counts = drawn("uniform = [-4611686018427387904, 4611686018427387904]", 100);
        assert_eq!(counts.len(), 100);
    }

    #[test]
    fn whole_numbers_on_a_logarithmic_scale_have_the_weight_of_what_is_nearest() {
        let share = |k: f64| ((k + 0.5) / (k - 0.5)).ln() / (4.5f64 / 0.5).ln();
        let counts = drawn("log_uniform = [1, 4]", 6000);
        assert_eq!(
            counts.iter().map(|(k, _)| *k).collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
        let shares = [1.0, 2.0, 3.0, 4.0].map(share);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(chi_square(&counts, &shares) < 16.3, "{counts:?}");
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

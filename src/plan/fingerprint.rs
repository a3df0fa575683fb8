//! What a job's result depends on, readable; its digest is the cache key.
//!
//! In it: the kind and its version, the parameters in canonical form, the digests of the inputs' contents and of the files
//! that parameters name and, where the kind reads tables, those coordinate columns that it reads, because there they are
//! content. Not in it: names of stages, comments, order of keys, paths, device, threads, time.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::excerpt::{is_long, text_difference};
use super::runs::{RunsRead, SameRuns, runs_read};
use super::{JobId, JobInput, Plan};
use crate::pipeline::{
    Columns, ColumnsOn, Coordinates, Extension, Input, InputRuns, Inputs, Label, Labels, RunsOf,
    Scalar, sql_name,
};
use crate::store::{Artifact, Digest, Error, FileStat, Record, Store, scan};

/// The fingerprint's own version.
const FORMAT: u32 = 1;

/// The files outside the store that a job reads, with the digest of each: by parameter, then by name below its path.
pub type Outside = BTreeMap<String, Arc<Files>>;

/// Files by name, with the digest of each.
type Files = BTreeMap<String, (FileStat, Digest)>;

/// Looks at the files that jobs' parameters name, and reads those whose digest is not known; what many jobs name once for all
/// of them. Whoever goes on to run a job looks whether they are still the same.
pub struct ExternalDigests<'a> {
    store: &'a Store,
    seen: HashMap<PathBuf, Arc<Files>>,
}

impl<'a> ExternalDigests<'a> {
    /// Nothing has been looked at.
    pub fn new(store: &'a Store) -> Self {
        ExternalDigests {
            store,
            seen: HashMap::new(),
        }
    }

    /// The files of one job.
    pub fn outside(&mut self, plan: &Plan, id: JobId) -> Result<Outside, Error> {
        let named = plan.instance(id).outside.iter();
        let files = named.map(|(parameter, path)| Ok((parameter.clone(), self.at(path)?)));
        files.collect()
    }

    /// The files at a path, with the digest of each.
    fn at(&mut self, path: &Path) -> Result<Arc<Files>, Error> {
        if let Some(files) = self.seen.get(path) {
            return Ok(files.clone());
        }
        let files = scan(path)?.into_par_iter().map(|(name, seen)| {
            let digest = self.store.digest_outside(&seen)?;
            Ok((name, (seen, digest)))
        });
        let files = Arc::new(files.collect::<Result<Files, Error>>()?);
        self.seen.insert(path.to_path_buf(), files.clone());
        Ok(files)
    }
}

/// So many files of one parameter are told apart in a fingerprint. Of more, which no record could hold, it has one digest.
const LISTED: usize = 10_000;

/// The files of one parameter as a fingerprint has them: name by name, with the digest of each.
fn listed(files: &Files) -> Json {
    let digests = files.iter();
    let digests = digests.map(|(name, (_, digest))| (name.clone(), json!(digest)));
    let listed = Json::Object(digests.collect());
    if files.len() <= LISTED {
        return listed;
    }
    let text = serde_json::to_vec(&listed).expect("names and digests are plain data");
    let all = format!("all {} files", files.len());
    json!({ all: Digest::of_bytes(&text) })
}

/// What is known of a job that another reads.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// It left this, and has this key.
    Made(Digest, &'a Artifact),
    /// It left nothing and will not; whoever takes all does without it, and says so.
    Hole,
    /// Nobody can tell yet.
    Open,
}

impl<'a> From<Option<&'a Record>> for Known<'a> {
    fn from(record: Option<&'a Record>) -> Self {
        record.map_or(Known::Open, |record| {
            Known::Made(record.key, &record.artifact)
        })
    }
}

/// So many missing jobs are named; more are counted.
const NAMED: usize = 3;

/// What a job would read and has to do without, a line for each stage: `answers: 4 of 5, without [seed=3]`.
pub fn holes<'a>(plan: &Plan, id: JobId, known: impl Fn(JobId) -> Known<'a>) -> Vec<String> {
    let mut lines = Vec::new();
    for input in &plan.jobs[id].inputs {
        let missing = input.jobs.iter();
        let missing = missing.filter(|from| matches!(known(**from), Known::Hole));
        let missing: Vec<String> = missing
            .map(|from| plan.jobs[*from].name.to_string())
            .collect();
        if missing.is_empty() {
            continue;
        }
        let stage = &plan.pipeline.stages[input.stage].name;
        let names = missing
            .iter()
            .take(NAMED)
            .map(|name| name.trim_start_matches(stage.as_str()));
        let names = names.collect::<Vec<_>>().join(", ");
        let more = match missing.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (all, there) = (input.jobs.len(), input.jobs.len() - missing.len());
        lines.push(format!("{stage}: {there} of {all}, without {names}{more}"));
    }
    lines
}

/// What a job's result depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint(pub Json);

impl Fingerprint {
    /// The fingerprint of a job whose inputs are all known; `None` while one is not.
    pub fn of<'a>(
        plan: &Plan,
        id: JobId,
        outside: &Outside,
        known: impl Fn(JobId) -> Known<'a>,
    ) -> Option<Self> {
        let kind = plan.kind(id);
        // A list of lists: which stage an artifact comes from is part of what a job reads, though not the stage's name.
        let mut ports: BTreeMap<String, Vec<Vec<Json>>> = BTreeMap::new();
        let runs = runs_read(plan, id, &known)?;
        for (input, runs) in plan.jobs[id].inputs.iter().zip(&runs) {
            let given = gather(plan, id, input, &known)?;
            let runs = told(&given, runs);
            let entries = given.iter().enumerate().map(|(at, given)| {
                plain(json!({
                    "artifact": given.digest,
                    "columns": given.columns,
                    "labels": meanings(&given.labels),
                    "run": runs.jobs.get(&at),
                    "runs": runs.labels,
                }))
            });
            let port = match &input.name {
                Some(name) => format!("{}.{name}", input.port),
                None => input.port.to_string(),
            };
            ports.entry(port).or_default().push(entries.collect());
        }
        let instance = plan.instance(id);
        let mut parameters = instance.parameters.canonical(&neutral_names(plan, id));
        // Where a file lies is not what is in it.
        for parameter in instance.outside.keys() {
            remove(&mut parameters, parameter);
        }
        let mut fingerprint = json!({
            "format": FORMAT,
            "kind": kind.name,
            "version": kind.version,
            "parameters": parameters,
            "inputs": ports,
        });
        // Only where there are some: the keys of all other jobs are older than this entry.
        if !outside.is_empty() {
            let outside = outside.iter();
            let files = outside.map(|(parameter, files)| (parameter.clone(), listed(files)));
            fingerprint["files"] = Json::Object(files.collect());
        }
        if !instance.environment.is_empty() {
            // Not the values themselves: a record is kept and shared, and a variable may hold a password.
            let variables = instance.environment.iter().map(|(name, value)| {
                let value = value.as_ref();
                let digest = value.map(|value| Digest::of_bytes(value.as_bytes()));
                (name.clone(), json!(digest))
            });
            fingerprint["environment"] = Json::Object(variables.collect());
        }
        let holes = holes(plan, id, &known);
        if !holes.is_empty() {
            fingerprint["holes"] = json!(holes);
        }
        fingerprint.sort_all_objects();
        Some(Self(fingerprint))
    }

    /// The cache key.
    pub fn key(&self) -> Digest {
        let text = serde_json::to_vec(&self.0).expect("a fingerprint is plain data");
        Digest::of_key(&text)
    }

    /// The name of its family: the digest of all but the parameters that its members may differ in.
    pub fn family(&self, extension: &Extension) -> Digest {
        let mut shared = self.0.clone();
        for parameter in extension.without {
            remove(&mut shared["parameters"], parameter);
        }
        let text = json!({ "unit": extension.unit, "fingerprint": shared });
        Digest::of_family(&serde_json::to_vec(&text).expect("a fingerprint is plain data"))
    }

    /// What differs from an earlier fingerprint, one line each.
    pub fn differences(&self, before: &Json) -> Vec<String> {
        let mut lines = Vec::new();
        differ("", before, &self.0, &mut lines);
        lines
    }
}

/// Takes a parameter out, dots between keys.
fn remove(parameters: &mut Json, name: &str) {
    let (first, rest) = match name.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    let Some(table) = parameters.as_object_mut() else {
        return;
    };
    match (rest, table.get_mut(first)) {
        (Some(rest), Some(inner)) => remove(inner, rest),
        (None, Some(_)) => drop(table.remove(first)),
        (_, None) => {}
    }
}

/// The artifacts to give to a job, by port, in the order of its fingerprint.
pub fn inputs<'a>(
    plan: &Plan,
    id: JobId,
    store: &Store,
    runs: &[RunsRead],
    known: impl Fn(JobId) -> Known<'a>,
) -> Option<Inputs> {
    let mut inputs = Inputs::new();
    let counts_runs = plan.instance(id).parameters.counts_runs();
    for (input, runs) in plan.jobs[id].inputs.iter().zip(runs) {
        let of = counts_runs.then(|| plan.pipeline.runs_of(input.stage));
        let all_given = gather(plan, id, input, &known)?;
        let firsts = first_of_run(&all_given, runs);
        for (at, given) in all_given.into_iter().enumerate() {
            let files = given.artifact.files.iter();
            let all = inputs.entry(input.port.to_string()).or_default();
            all.push(Input {
                table: sql_name(&plan.pipeline.stages[input.stage].output_name(input.output)),
                job: plan.jobs[given.job].name.to_string(),
                name: input.name.clone().unwrap_or_default(),
                place: match input.name {
                    Some(_) => {
                        let axes = &plan.pipeline.stages[plan.jobs[id].stage].axes;
                        plan.jobs[given.job].name.coordinates.beyond(axes)
                    }
                    None => Vec::new(),
                },
                artifact: plan.outputs(given.job)[input.output].artifact,
                files: files
                    .map(|(name, file)| (name.clone(), store.objects().path(&file.digest)))
                    .collect(),
                texts: plan.columns(input.stage).texts(
                    &plan.pipeline,
                    &plan.jobs[given.job].name.coordinates,
                    &given.columns,
                ),
                runs: of.clone().map(|of| InputRuns {
                    given: match &of {
                        RunsOf::Labels { given: axes, .. } => {
                            labels_of(&plan.jobs[given.job].name.coordinates, axes)
                        }
                        _ => BTreeMap::new(),
                    },
                    of,
                    job: firsts[at],
                    same: runs.labels.clone(),
                }),
                columns: given.columns,
                labels: given.labels,
            });
        }
    }
    Some(inputs)
}

fn labels_of(coordinates: &Coordinates, axes: &[String]) -> BTreeMap<String, String> {
    let pairs = coordinates.0.iter();
    let wanted = pairs.filter(|(axis, _)| axes.iter().any(|a| **a == **axis));
    wanted
        .map(|(axis, label)| (axis.to_string(), label.to_string()))
        .collect()
}

/// For each artifact the place of the first one that is the same run: one job may stand under several labels.
fn first_of_run(given: &[Given<'_>], runs: &RunsRead) -> Vec<usize> {
    let mut first: HashMap<JobId, usize> = HashMap::new();
    let places = given.iter().enumerate();
    places
        .map(|(at, given)| *first.entry(runs.first(given.job)).or_insert(at))
        .collect()
}

/// What of runs is part of a fingerprint: only that some are one, so that the keys of all other jobs are what they were.
struct Told {
    /// Of the artifacts that are the same run as one before them: which.
    jobs: BTreeMap<usize, usize>,
    /// See [`InputRuns::same`].
    labels: Option<SameRuns>,
}

fn told(given: &[Given<'_>], runs: &RunsRead) -> Told {
    let firsts = first_of_run(given, runs).into_iter().enumerate();
    Told {
        jobs: firsts.filter(|(at, first)| at != first).collect(),
        labels: (!runs.labels.is_empty()).then(|| runs.labels.clone()),
    }
}

struct Given<'a> {
    job: JobId,
    artifact: Cow<'a, Artifact>,
    digest: Digest,
    columns: Columns,
    labels: BTreeMap<String, Labels>,
}

/// What a job reads of one stage: artifacts ordered by the columns that are read and by content, so that neither the order
/// of labels in the file nor their names reach a job that does not read them.
fn gather<'a>(
    plan: &Plan,
    id: JobId,
    input: &JobInput,
    known: &impl Fn(JobId) -> Known<'a>,
) -> Option<Vec<Given<'a>>> {
    let read = plan.instance(id).parameters.columns_read();
    let mut jobs = Vec::with_capacity(input.jobs.len());
    for &job in input.jobs.iter() {
        match known(job) {
            Known::Made(_, artifact) => jobs.push((job, artifact)),
            Known::Hole => {}
            Known::Open => return None,
        }
    }
    let labels = label_columns(plan, (input.stage, input.output), &read);
    let given = jobs.into_iter().map(|(job, artifact)| {
        let coordinates = &plan.jobs[job].name.coordinates;
        let artifact = match &plan.outputs(job)[input.output].name {
            Some(output) => Cow::Owned(artifact.part(output)),
            None => Cow::Borrowed(artifact),
        };
        Given {
            job,
            digest: artifact.digest(),
            artifact,
            columns: if is_nothing(&read) {
                Columns::new()
            } else {
                plan.columns(input.stage)
                    .of(&plan.pipeline, coordinates, read.as_ref())
            },
            labels: labels.clone(),
        }
    });
    let mut given: Vec<Given<'a>> = given.collect();
    given.sort_by_cached_key(|given| (json!(given.columns).to_string(), given.digest));
    Some(given)
}

fn is_nothing(read: &Option<BTreeSet<String>>) -> bool {
    read.as_ref().is_some_and(BTreeSet::is_empty)
}

/// For a stage whose table may hold labels in a column named after an axis: what each label means. Only an axis over which
/// something above the table fans out can have its labels there.
fn label_columns(
    plan: &Plan,
    (stage, output): (usize, usize),
    read: &Option<BTreeSet<String>>,
) -> BTreeMap<String, Labels> {
    let mut all = BTreeMap::new();
    if is_nothing(read) {
        return all;
    }
    for axis in plan.pipeline.label_axes(stage, output) {
        let on = ColumnsOn::new(&plan.pipeline, &[axis.name().to_string()]);
        let labels = axis.points.iter().enumerate().map(|(place, point)| {
            let here = Coordinates([axis.coordinate(place)].into());
            Label {
                text: point.label.to_string(),
                value: point.value.clone(),
                columns: on.swept(&plan.pipeline, &here, read.as_ref()),
            }
        });
        let labels: Vec<Label> = labels.collect();
        if labels.iter().any(|label| !label.columns.is_empty()) {
            let named = read.is_some();
            all.insert(axis.name().to_string(), Labels { named, all: labels });
        }
    }
    all
}

/// What the labels mean, for the key: not how their numbers are written.
fn meanings(labels: &BTreeMap<String, Labels>) -> BTreeMap<&String, BTreeMap<String, &Columns>> {
    let text = |value: &Scalar| match value {
        // As a column of fractions shows it.
        Scalar::Float(float) => float.to_string(),
        value => value.to_string(),
    };
    let all = labels.iter().map(|(axis, labels)| {
        let labels = labels.all.iter();
        let labels = labels.filter(|label| !label.columns.is_empty());
        let meanings = labels.map(|label| (text(&label.value), &label.columns));
        (axis, meanings.collect())
    });
    all.collect()
}

/// `$0`, `$1`, … for the tables a job reads, so that the names of stages are not in its parameters.
fn neutral_names(plan: &Plan, id: JobId) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (n, input) in plan.jobs[id].inputs.iter().enumerate() {
        let stage = &plan.pipeline.stages[input.stage];
        let called = sql_name(&stage.output_name(input.output));
        for table in stage.outputs[input.output].artifact.tables() {
            let name = format!("{called}{}", table.suffix);
            names.insert(name, format!("${n}{}", table.suffix));
        }
    }
    names
}

/// Without empty tables.
fn plain(mut entry: Json) -> Json {
    if let Json::Object(table) = &mut entry {
        table.retain(|_, value| {
            !value.is_null() && !value.as_object().is_some_and(serde_json::Map::is_empty)
        });
    }
    entry
}

fn differ(path: &str, before: &Json, after: &Json, lines: &mut Vec<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        _ if path == "files" => differ_files(before, after, lines),
        _ if path == "environment" => differ_environment(before, after, lines),
        (Json::Object(old), Json::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let path = match (path, key.as_str()) {
                    ("" | "parameters", key) => key.to_string(),
                    (path, key) => format!("{path}.{key}"),
                };
                differ(&path, &before[key], &after[key], lines);
            }
        }
        (Json::Array(old), Json::Array(new)) if path.starts_with("inputs") => {
            let (old, new) = (flat(old), flat(new));
            let gone = old.iter().filter(|item| !new.contains(item)).count();
            let come = new.iter().filter(|item| !old.contains(item)).count();
            let name = path.trim_start_matches("inputs.");
            lines.push(match (gone, come, new.len()) {
                (0, 0, _) => format!("`{name}`: the same inputs, from other stages"),
                (0, 1, _) => format!("`{name}`: 1 new input"),
                (0, come, _) => format!("`{name}`: {come} new inputs"),
                (1, 0, _) => format!("`{name}`: 1 input is gone"),
                (gone, 0, _) => format!("`{name}`: {gone} inputs are gone"),
                (_, _, 1) => format!("`{name}`: the input changed"),
                (_, come, all) => format!("`{name}`: {come} of {all} inputs changed"),
            });
        }
        (Json::String(old), Json::String(new)) if is_long(old) || is_long(new) => {
            lines.push(text_difference(path, old, new));
        }
        (before, after) => lines.push(format!("{path}: {} → {}", show(before), show(after))),
    }
}

/// So many files are told of that differ; more are counted.
const TOLD: usize = 20;

/// What differs among the files that parameters name.
fn differ_files(before: &Json, after: &Json, lines: &mut Vec<String>) {
    let all = |json: &Json| {
        let mut all = BTreeMap::new();
        for (parameter, files) in json.as_object().into_iter().flatten() {
            for (name, digest) in files.as_object().into_iter().flatten() {
                all.insert((parameter.clone(), name.clone()), digest.clone());
            }
        }
        all
    };
    let (old, new) = (all(before), all(after));
    let either: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differ = |key: &&&(String, String)| old.get(**key) != new.get(**key);
    for key in either.iter().filter(differ).take(TOLD) {
        let what = match (old.get(*key), new.get(*key)) {
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "is gone",
            (None, _) => "is new",
        };
        let (parameter, name) = key;
        lines.push(match name.as_str() {
            "." => format!("{parameter}: the file {what}"),
            name => format!("{parameter}: `{name}` {what}"),
        });
    }
    let more = either.iter().filter(differ).skip(TOLD).count();
    if more > 0 {
        lines.push(format!("{more} more files"));
    }
}

/// What differs among the environment variables that the kind reads.
fn differ_environment(before: &Json, after: &Json, lines: &mut Vec<String>) {
    let names = |json: &Json| -> BTreeSet<String> {
        let table = json.as_object().into_iter().flatten();
        table.map(|(name, _)| name.clone()).collect()
    };
    let (old, new) = (names(before), names(after));
    for name in old.union(&new) {
        let what = match (old.contains(name), new.contains(name)) {
            (true, true) if before[name] == after[name] => continue,
            (true, true) => "changed",
            (true, false) => "is no longer read",
            (false, _) => "is read now",
        };
        lines.push(format!("the environment variable {name} {what}"));
    }
}

/// The artifacts of all stages of a port.
fn flat(lists: &[Json]) -> Vec<&Json> {
    lists.iter().filter_map(Json::as_array).flatten().collect()
}

fn show(json: &Json) -> String {
    match json {
        Json::Null => "default".into(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

//! From what was written to a [`Pipeline`] that cannot be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use super::axis::{self, Axis};
use super::complaint::{self, Complaint};
use super::contract::{
    ArtifactType, Device, Environment, Form, Kind, Output, Parameters, Port, Registry, TableShape,
    Takes, schema_of,
};
use super::coordinates::{Condition, Coordinates, WORD, is_name, is_word};
use super::document::{self, Document};
use super::parameters;
use super::patch::{self, Names, Patch};
use super::problem::{Problem, Problems, alternatives};
use super::resources::{Asked, Resources};
use super::source::{Source, Span};
use super::value::{Data, Key, Table, Value};
use super::{DeclaredInput, DeclaredStage, Instance, OutputOf, Pipeline, sql_name};
use crate::store::survey;

/// What the command line adds to a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The profile to lay over the file.
    pub profile: Option<String>,
    /// `stage.parameter=value`, laid over everything.
    pub set: Vec<String>,
    /// `axis=label,…`: the labels to keep.
    pub keep: Vec<String>,
    /// Where to compute, whatever the file says.
    pub device: Option<Device>,
    /// The project's root, from which the paths in parameters are; empty for the current folder.
    pub root: PathBuf,
    /// The environment variables there are, for kinds that read some.
    pub environment: Environment,
}

/// Keys of a stage that are no parameters, but may be patched.
const POLICY: [&str; 2] = ["device", "resources"];

/// Reads, checks and resolves a pipeline file. On error, everything that is wrong with it.
pub fn read(path: &Path, request: &Request, registry: &Registry) -> Result<Pipeline, Vec<Problem>> {
    let mut problems = Problems::default();
    let document = document::read(path, &mut problems);
    let pipeline = resolve(&document, path, request, registry, &mut problems);
    match problems.is_empty() {
        true => Ok(pipeline),
        false => Err(problems.into_sorted()),
    }
}

/// A stage as written, its keys sorted out.
struct Written<'a> {
    key: &'a Key,
    span: Span,
    kind: Option<&'a Kind>,
    /// Empty where it could not be read.
    outputs: Vec<Output>,
    inputs: Vec<WrittenInput>,
    per: Vec<(String, Span)>,
    /// Parameters and policy.
    parameters: Value,
}

/// What stands at a port, and where it is named.
struct WrittenInput {
    port: Port,
    name: String,
    from: Vec<(OutputOf, Span)>,
}

impl Written<'_> {
    /// The stages it reads, with how many of their artifacts.
    fn reads(&self) -> impl Iterator<Item = (Takes, usize)> {
        let inputs = self.inputs.iter();
        inputs.flat_map(|input| {
            let from = input.from.iter();
            from.map(|(from, _)| (input.port.takes, from.stage))
        })
    }
}

/// An `[[override]]`.
struct Override {
    when: Condition,
    set: Patch,
    span: Span,
}

/// A `[profile.*]`, or the empty one.
#[derive(Default)]
struct Profile {
    set: Patch,
    keep: Condition,
}

fn resolve(
    document: &Document,
    path: &Path,
    request: &Request,
    registry: &Registry,
    problems: &mut Problems,
) -> Pipeline {
    let written = stages(document, registry, problems);
    let names = Names {
        stages: written
            .iter()
            .map(|stage| stage.key.name.as_str())
            .collect(),
        fixed: written.iter().map(fixed_keys).collect(),
    };
    let axes = axes(document, &names, problems);
    let overrides = overrides(document, &names, &axes, problems);
    let excludes = excludes(document, &axes, problems);
    let mut profiles = BTreeMap::new();
    for (key, value) in &document.profiles {
        profiles.insert(
            key.name.as_str(),
            profile(key, value, &names, &axes, problems),
        );
    }
    let set = settings(&request.set, &names, problems);
    let mut keep = filters(&request.keep, &axes, problems);

    let order = topological(&written, problems);
    let reaching = reaching(&written, &order, &axes, &overrides, problems);

    let none = Profile::default();
    let chosen = match &request.profile {
        None => &none,
        Some(name) => profiles.get(name.as_str()).unwrap_or_else(|| {
            let problem = Problem::of(format!("there is no profile `{name}`"))
                .maybe_help(alternatives("profiles", name, profiles.keys().copied()));
            problems.push(problem);
            &none
        }),
    };
    let layers = Layers {
        written: &written,
        axes: &axes,
        overrides: &overrides,
        excludes: &excludes,
        reaching: &reaching,
        set: &set,
        device: request.device,
        root: &request.root,
        environment: &request.environment,
    };
    // Every profile is checked, not only the one that is asked for.
    for other in profiles.values().filter(|p| !std::ptr::eq(*p, chosen)) {
        layers.instances(&order, other, problems);
    }
    let (instances, failed) = layers.instances(&order, chosen, problems);
    // About an axis that could not be read nothing more can be said.
    let axes_read = axes.iter().all(|axis| !axis.points.is_empty());
    if axes_read {
        layers.check_matches(&instances, &failed, problems);
    }

    keep.0.extend(chosen.keep.0.iter().cloned());
    let file = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = document
        .name
        .as_ref()
        .and_then(Value::text)
        .unwrap_or(&file);
    if let Some(value) = &document.name
        && name.trim().is_empty()
    {
        problems.push(Problem::at(&value.span, "`name` must not be empty"));
    }
    let kept = instances.into_iter().map(|instances| {
        let mut kept = instances;
        kept.retain(|(instance, _)| {
            let mut pairs = instance.coordinates.0.iter();
            pairs.all(|(axis, label)| keep.allows(axis, label))
        });
        kept
    });
    let kept: Vec<Vec<Resolved>> = kept.collect();
    // Unlike the text of a file, what lies on this machine matters only where it will be read.
    for (instance, value) in kept.iter().flatten() {
        check_outside(instance, value, problems);
    }
    let stages = written.iter().zip(&kept).zip(&reaching);
    let stages = stages.filter_map(|((written, kept), axes)| {
        Some(DeclaredStage {
            name: written.key.name.clone(),
            kind: written.kind?.clone(),
            axes: axes.iter().map(|axis| axis.to_string()).collect(),
            inputs: declared(written),
            outputs: written.outputs.clone(),
            columns: None,
            instances: kept.iter().map(|(instance, _)| instance.clone()).collect(),
        })
    });
    let mut pipeline = Pipeline {
        name: name.to_string(),
        about: document
            .about
            .as_ref()
            .and_then(Value::text)
            .map(str::to_string),
        stages: stages.collect(),
        axes: axes.clone(),
        root: absolute(request.root.clone()),
    };
    // With a stage missing, places of stages would be off by one.
    if axes_read && pipeline.stages.len() == written.len() {
        check_columns(&mut pipeline, &kept, &order, problems);
    }
    pipeline
}

fn declared(written: &Written<'_>) -> Vec<DeclaredInput> {
    let inputs = written.inputs.iter();
    inputs
        .map(|input| DeclaredInput {
            port: input.port,
            name: input.name.clone(),
            from: input.from.iter().map(|(from, _)| *from).collect(),
        })
        .collect()
}

/// A relative path means the same to a worker, but not in a message, nor to a program that runs elsewhere.
fn absolute(path: PathBuf) -> PathBuf {
    match path.as_os_str().is_empty() {
        true => std::path::absolute(".").unwrap_or(path),
        false => std::path::absolute(&path).unwrap_or(path),
    }
}

fn fixed_keys<'a>(stage: &Written<'a>) -> Vec<&'a str> {
    let ports = stage.kind.map_or(&[][..], |kind| kind.ports);
    let ports = ports.iter().map(|port| port.name);
    // What a stage leaves is the same for all its instances, as are the stages it reads.
    let declares = stage.kind.is_some_and(|kind| kind.output.is_none());
    let outputs = declares.then_some("outputs");
    let fixed = ["kind", "per"].into_iter().chain(ports).chain(outputs);
    fixed.collect()
}

fn stages<'a>(
    document: &'a Document,
    registry: &'a Registry,
    problems: &mut Problems,
) -> Vec<Written<'a>> {
    let offers = document.stages.iter().map(|(key, value)| Offer {
        stage: &key.name,
        outputs: outputs(value, registry),
    });
    let offers: Vec<Offer<'_>> = offers.collect();
    let mut written: Vec<Written<'a>> = Vec::new();
    for (key, value) in &document.stages {
        if !is_name(&key.name) {
            let message = format!("`{}` cannot name a stage", key.name);
            let problem = Problem::at(&key.span, message)
                .help("a name is a letter, then letters, digits, `_` or `-`");
            problems.push(problem);
        }
        let mut stage = stage(key, value, &offers, registry, problems);
        stage.outputs = offers[written.len()].outputs.clone();
        written.push(stage);
    }
    let mut tables: BTreeMap<String, &str> = BTreeMap::new();
    for stage in &written {
        let offered = stage.outputs.iter().flat_map(|output| {
            let name = match stage.outputs.len() {
                1 => sql_name(&stage.key.name),
                _ => sql_name(&format!("{}.{}", stage.key.name, output.name)),
            };
            let tables = output.artifact.tables().iter();
            tables.map(move |table| format!("{name}{}", table.suffix))
        });
        for name in offered {
            if let Some(other) = tables.insert(name.clone(), &stage.key.name) {
                let message = format!(
                    "`{other}` and `{}` would both give the table `{name}` in SQL",
                    stage.key.name
                );
                let problem = Problem::at(&stage.key.span, message);
                problems.push(problem.help("rename one of them"));
            }
        }
    }
    // Types of inputs can be held against their ports only when every stage's kind is known.
    for stage in &written {
        for input in &stage.inputs {
            for (from, span) in &input.from {
                check_type(stage, input, &written[from.stage], *from, span, problems);
            }
        }
    }
    written
}

/// What a stage has for others to read.
struct Offer<'a> {
    stage: &'a str,
    /// Empty where it could not be read, of which there is a problem elsewhere.
    outputs: Vec<Output>,
}

/// What a stage leaves: what its kind does, or what its `outputs` declares. What is wrong there is told where its parameters
/// are checked.
fn outputs(stage: &Value, registry: &Registry) -> Vec<Output> {
    let kind = stage.get("kind").and_then(Value::text);
    let Some(kind) = kind.and_then(|kind| registry.get(kind)) else {
        return Vec::new();
    };
    if let Some(artifact) = kind.output {
        return vec![Output {
            name: String::new(),
            artifact,
        }];
    }
    let declared = stage.get("outputs").and_then(Value::table);
    let declared = declared.into_iter().flatten().map(|(key, output)| {
        let artifact = output.get("type")?.to_json();
        Some(Output {
            name: key.name.clone(),
            artifact: serde_json::from_value::<ArtifactType>(artifact).ok()?,
        })
    });
    declared.collect::<Option<_>>().unwrap_or_default()
}

fn stage<'a>(
    key: &'a Key,
    value: &Value,
    offers: &[Offer<'_>],
    registry: &'a Registry,
    problems: &mut Problems,
) -> Written<'a> {
    let mut written = Written {
        key,
        span: key.span.clone(),
        kind: None,
        outputs: Vec::new(),
        inputs: Vec::new(),
        per: Vec::new(),
        parameters: Value {
            data: Data::Table(Table::new()),
            span: key.span.clone(),
        },
    };
    let Some(table) = value.table() else {
        let message = format!(
            "the stage `{}` must be a table, not {}",
            key.name,
            value.noun()
        );
        problems.push(Problem::at(&value.span, message));
        return written;
    };
    match value.get("kind") {
        Some(kind) => match kind.text().map(|text| (text, registry.get(text))) {
            Some((_, Some(found))) => written.kind = Some(found),
            Some((text, None)) => {
                let all = registry.iter().map(|kind| kind.name);
                let problem = Problem::at(&kind.span, format!("there is no kind `{text}`"))
                    .label("unknown kind")
                    .maybe_help(alternatives("kinds", text, all));
                problems.push(problem);
            }
            None => {
                let message = format!("`kind` must be a string, not {}", kind.noun());
                problems.push(Problem::at(&kind.span, message));
            }
        },
        None => {
            let message = format!("the stage `{}` needs a `kind`", key.name);
            let all: Vec<_> = registry
                .iter()
                .map(|kind| format!("`{}`", kind.name))
                .collect();
            let help = format!("the kinds are {}", all.join(", "));
            problems.push(Problem::at(&key.span, message).help(help));
        }
    }
    let Some(kind) = written.kind else {
        return written;
    };
    if kind.output.is_none() {
        let outputs = value.get("outputs").and_then(Value::table);
        for (key, _) in outputs.into_iter().flatten() {
            if !is_word(&key.name) {
                let message = format!("`{}` cannot name an output", key.name);
                problems.push(Problem::at(&key.span, message).help(WORD));
            }
        }
    }
    let mut parameters = Table::new();
    for (key, value) in table {
        if let Some(port) = kind.ports.iter().find(|port| port.name == key.name) {
            let inputs = inputs(port, value, offers, problems);
            for input in &inputs {
                let name = |input: &WrittenInput| match input.name.split_once('.') {
                    Some((_, name)) => name.to_string(),
                    None => String::new(),
                };
                let mut others = written.inputs.iter();
                if port.form == Form::Named
                    && let Some(other) = others.find(|other| name(other) == name(input))
                {
                    let message =
                        format!("`{}` and `{}` have the same name", other.name, input.name);
                    problems.push(Problem::at(&key.span, message).help("rename one of them"));
                }
            }
            written.inputs.extend(inputs);
        } else if key.name == "per" {
            written.per = per(value, problems);
        } else if key.name != "kind" {
            parameters.push((key.clone(), value.clone()));
        }
    }
    for port in kind.ports.iter().filter(|port| port.form != Form::Named) {
        if !written
            .inputs
            .iter()
            .any(|input| input.port.name == port.name)
        {
            let message = format!("`{}` needs `{}`", kind.name, port.name);
            let help = format!("`{}`: {}", port.name, port.doc);
            let problem = Problem::at(&key.span, message)
                .label("missing here")
                .help(help);
            problems.push(problem);
        }
    }
    written.inputs.sort_by_key(|input| {
        let at = kind
            .ports
            .iter()
            .position(|port| port.name == input.port.name);
        at.expect("an input stands at one of the ports")
    });
    written.parameters.data = Data::Table(parameters);
    written
}

/// What stands at a port: one input, or one for each name.
fn inputs(
    port: &Port,
    value: &Value,
    offers: &[Offer<'_>],
    problems: &mut Problems,
) -> Vec<WrittenInput> {
    if port.form != Form::Named {
        return vec![WrittenInput {
            port: *port,
            name: port.name.to_string(),
            from: input(port, port.name, value, offers, problems),
        }];
    }
    let Some(table) = value.table() else {
        let message = format!("`{}` must be a table, not {}", port.name, value.noun());
        let problem = Problem::at(&value.span, message).label(value.noun());
        problems.push(problem.help("a name of yours for each stage: { name = \"stage\" }"));
        return Vec::new();
    };
    let named = table.iter().map(|(key, value)| {
        let name = format!("{}.{}", port.name, key.name);
        if !is_word(&key.name) {
            let message = format!("`{}` cannot name an input", key.name);
            problems.push(Problem::at(&key.span, message).help(WORD));
        }
        WrittenInput {
            port: *port,
            from: input(port, &name, value, offers, problems),
            name,
        }
    });
    named.collect()
}

fn input(
    port: &Port,
    port_name: &str,
    value: &Value,
    offers: &[Offer<'_>],
    problems: &mut Problems,
) -> Vec<(OutputOf, Span)> {
    let items = match &value.data {
        Data::Array(items) if port.form == Form::List => items.iter().collect(),
        Data::Array(_) => {
            let message = format!("`{port_name}` takes one stage, not a list");
            problems.push(Problem::at(&value.span, message));
            return Vec::new();
        }
        _ => vec![value],
    };
    let mut all: Vec<(OutputOf, Span)> = Vec::new();
    for item in items {
        let Some(name) = item.text() else {
            let message = format!("`{port_name}` must name a stage, not hold {}", item.noun());
            problems.push(Problem::at(&item.span, message));
            continue;
        };
        match reference(name, &item.span, offers, problems) {
            Some(from) if all.iter().any(|(other, _)| *other == from) => {
                let message = format!("`{port_name}` names `{name}` twice");
                problems.push(Problem::at(&item.span, message));
            }
            Some(from) => all.push((from, item.span.clone())),
            None => {}
        }
    }
    if let Data::Array(items) = &value.data
        && items.is_empty()
    {
        let message = format!("`{port_name}` needs at least one stage");
        problems.push(Problem::at(&value.span, message));
    }
    all
}

/// What `stage` or `stage.output` names.
fn reference(
    name: &str,
    span: &Span,
    offers: &[Offer<'_>],
    problems: &mut Problems,
) -> Option<OutputOf> {
    let (stage, output) = match name.split_once('.') {
        Some((stage, output)) => (stage, Some(output)),
        None => (name, None),
    };
    let Some(at) = offers.iter().position(|offer| offer.stage == stage) else {
        let problem = Problem::at(span, format!("there is no stage `{stage}`"))
            .label("no such stage")
            .maybe_help(alternatives(
                "stages",
                stage,
                offers.iter().map(|offer| offer.stage),
            ));
        problems.push(problem);
        return None;
    };
    let outputs = &offers[at].outputs;
    let mut problem = |message: String, help: String| {
        problems.push(Problem::at(span, message).help(help));
        None
    };
    let found = |output| Some(OutputOf { stage: at, output });
    match (outputs.as_slice(), output) {
        // Whether it would be there nobody can tell; that the stage is read still shows a circle.
        ([], _) => found(0),
        ([_], None) => found(0),
        (_, None) => {
            let all = outputs.iter();
            let all = all.map(|o| format!("`{stage}.{}` ({})", o.name, o.artifact.noun()));
            let help = format!("name one: {}", all.collect::<Vec<_>>().join(", "));
            problem(
                format!("`{stage}` leaves {} artifacts", outputs.len()),
                help,
            )
        }
        ([only], Some(output)) if only.name.is_empty() => {
            let message = format!("`{stage}` leaves one artifact, and no `{output}` beside it");
            problem(message, format!("write `{stage}`"))
        }
        (_, Some(output)) => match outputs.iter().position(|other| other.name == output) {
            Some(at) => found(at),
            None => {
                let names = outputs.iter().map(|output| output.name.as_str());
                let help = alternatives("outputs", output, names).unwrap_or_default();
                problem(format!("`{stage}` has no output `{output}`"), help)
            }
        },
    }
}

fn per(value: &Value, problems: &mut Problems) -> Vec<(String, Span)> {
    let items = match &value.data {
        Data::Array(items) => items.iter().collect(),
        _ => vec![value],
    };
    let mut per = Vec::new();
    for item in items {
        match item.text() {
            Some(text) => per.push((text.to_string(), item.span.clone())),
            None => {
                let message = format!("`per` takes names of axes, not {}", item.noun());
                problems.push(Problem::at(&item.span, message));
            }
        }
    }
    per
}

fn check_type(
    stage: &Written<'_>,
    input: &WrittenInput,
    read: &Written<'_>,
    from: OutputOf,
    span: &Span,
    problems: &mut Problems,
) {
    let Some(given) = read.outputs.get(from.output).map(|output| output.artifact) else {
        return;
    };
    if input.port.accepts.contains(&given) {
        return;
    }
    let accepts = input.port.accepts.iter();
    let nouns: Vec<_> = accepts.map(|accepted| accepted.noun()).collect();
    let kind = stage.kind.map_or("", |kind| kind.name);
    let message = format!(
        "`{kind}.{}` needs {}; `{}` gives {}",
        input.name,
        nouns.join(" or "),
        read.key.name,
        given.noun()
    );
    problems.push(Problem::at(span, message).label(given.noun()));
}

/// The axes; one that could not be read is there without a point, so that nothing else is said of it.
fn axes(document: &Document, names: &Names<'_>, problems: &mut Problems) -> Vec<Axis> {
    let mut axes = Vec::new();
    for (key, value) in &document.axes {
        if !is_name(&key.name) {
            let problem = Problem::at(&key.span, format!("`{}` cannot name an axis", key.name))
                .help("a name is a letter, then letters, digits, `_` or `-`");
            problems.push(problem);
        }
        axes.push(axis::read(key, value, names, problems).unwrap_or(Axis {
            key: key.clone(),
            points: Vec::new(),
        }));
    }
    axes
}

/// Checks the keys of an entry such as `[[override]]`.
fn check_keys(value: &Value, what: &str, keys: &[&str], problems: &mut Problems) {
    for (key, _) in value.table().into_iter().flatten() {
        if !keys.contains(&key.name.as_str()) {
            let problem = Problem::at(&key.span, format!("{what} has no key `{}`", key.name))
                .label("unknown")
                .maybe_help(alternatives("keys", &key.name, keys.iter().copied()));
            problems.push(problem);
        }
    }
}

fn patch_of(value: &Value, names: &Names<'_>, problems: &mut Problems) -> Patch {
    match value.table() {
        Some(table) => patch::read(table, names, problems),
        None => {
            let message = format!("a patch is a table, not {}", value.noun());
            problems.push(Problem::at(&value.span, message));
            Patch::new()
        }
    }
}

fn overrides(
    document: &Document,
    names: &Names<'_>,
    axes: &[Axis],
    problems: &mut Problems,
) -> Vec<Override> {
    let mut overrides = Vec::new();
    for value in &document.overrides {
        check_keys(value, "an override", &["when", "set"], problems);
        let (Some(when), Some(set)) = (value.get("when"), value.get("set")) else {
            let problem = Problem::at(&value.span, "an override needs `when` and `set`")
                .help("when = { axis = \"label\" }, set = { stage.parameter = value }");
            problems.push(problem);
            continue;
        };
        let condition = Condition::read(when, axes, problems);
        let set = patch_of(set, names, problems);
        overrides.extend(condition.map(|condition| Override {
            when: condition,
            set,
            span: when.span.clone(),
        }));
    }
    overrides
}

fn excludes(document: &Document, axes: &[Axis], problems: &mut Problems) -> Vec<(Condition, Span)> {
    let mut excludes = Vec::new();
    for value in &document.excludes {
        check_keys(value, "an exclude", &["when"], problems);
        match value.get("when") {
            Some(when) => {
                let condition = Condition::read(when, axes, problems);
                excludes.extend(condition.map(|condition| (condition, when.span.clone())));
            }
            None => {
                let problem = Problem::at(&value.span, "an exclude needs `when`")
                    .help("when = { axis = \"label\" }");
                problems.push(problem);
            }
        }
    }
    excludes
}

fn profile(
    key: &Key,
    value: &Value,
    names: &Names<'_>,
    axes: &[Axis],
    problems: &mut Problems,
) -> Profile {
    check_keys(value, "a profile", &["set", "keep"], problems);
    if value.table().is_none() {
        let message = format!(
            "the profile `{}` must be a table, not {}",
            key.name,
            value.noun()
        );
        problems.push(Problem::at(&value.span, message));
    }
    Profile {
        set: value
            .get("set")
            .map_or(Patch::new(), |set| patch_of(set, names, problems)),
        keep: value
            .get("keep")
            .and_then(|keep| Condition::read(keep, axes, problems))
            .unwrap_or_default(),
    }
}

/// `--set model.lr=1e-3`: TOML, or, where it is none, a bare string.
fn settings(texts: &[String], names: &Names<'_>, problems: &mut Problems) -> Patch {
    let mut patch = Patch::new();
    for text in texts {
        let source = Source::new("--set", text.as_str());
        let whole = Span::new(&source, 0..text.len());
        let mut errors = Problems::default();
        let parsed = super::value::parse(&source, &mut errors);
        let set = if errors.is_empty() {
            let before = problems.len();
            let patch = patch_of(&parsed, names, problems);
            if patch.is_empty() && problems.len() == before {
                let problem = Problem::at(&whole, "a setting is written stage.parameter=value");
                problems.push(problem);
            }
            patch
        } else if let Some((path, value)) = text.split_once('=') {
            let at = path.len() + 1;
            let value = Value {
                data: Data::Text(value.trim().to_string()),
                span: Span::new(&source, at..text.len()),
            };
            let path: Vec<_> = path
                .split('.')
                .map(|part| part.trim().to_string())
                .collect();
            patch::assign(&path, &value, &whole, names, problems)
                .into_iter()
                .collect()
        } else {
            let problem = Problem::at(&whole, "a setting is written stage.parameter=value");
            problems.push(problem);
            continue;
        };
        // Of two settings of one parameter the later stands, as everywhere on a command line.
        patch.retain(|old| !set.iter().any(|new| new.meets(old)));
        patch.extend(set);
    }
    patch
}

fn filters(texts: &[String], axes: &[Axis], problems: &mut Problems) -> Condition {
    let mut keep = Condition::default();
    for text in texts {
        let source = Source::new("--where", text.as_str());
        let span = Span::new(&source, 0..text.len());
        for (axis, labels) in Condition::parse(&span, axes, problems)
            .into_iter()
            .flat_map(|c| c.0)
        {
            match keep.0.iter_mut().find(|(name, _)| *name == axis) {
                Some((_, all)) => all.extend(labels),
                None => keep.0.push((axis, labels)),
            }
        }
    }
    keep
}

/// The stages, each after those it reads; those on a cycle are reported and left out.
fn topological(written: &[Written<'_>], problems: &mut Problems) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = written.iter().map(|_| graph.add_node(())).collect();
    for (at, stage) in written.iter().enumerate() {
        for (_, from) in stage.reads() {
            graph.update_edge(nodes[from], nodes[at], ());
        }
    }
    if let Ok(order) = toposort(&graph, None) {
        return order.into_iter().map(NodeIndex::index).collect();
    }
    let mut cyclic = BTreeSet::new();
    for component in tarjan_scc(&graph) {
        let within = |node: &NodeIndex| component.contains(node);
        let first = component[0];
        if component.len() == 1 && !graph.contains_edge(first, first) {
            continue;
        }
        cyclic.extend(component.iter().map(|node| node.index()));
        // Walk along inputs until a stage comes again: from there on it is a circle.
        let first = *component.iter().min().expect("a component has a node");
        let mut walk = vec![first];
        let circle = loop {
            let here = walk[walk.len() - 1];
            let next = graph
                .neighbors_directed(here, petgraph::Incoming)
                .find(within)
                .expect("a node of a cycle has a predecessor in it");
            if let Some(at) = walk.iter().position(|node| *node == next) {
                walk.push(next);
                break walk.split_off(at);
            }
            walk.push(next);
        };
        let names = circle
            .iter()
            .map(|node| written[node.index()].key.name.as_str());
        let path = names.collect::<Vec<_>>().join(" ← ");
        let problem = Problem::at(
            &written[first.index()].span,
            format!("stages read each other in a circle: {path}"),
        )
        .label("part of the circle");
        problems.push(problem);
    }
    let acyclic = (0..written.len()).filter(|at| !cyclic.contains(at));
    acyclic.collect()
}

/// The axes each stage fans out over, in the order of the file.
fn reaching<'a>(
    written: &[Written<'_>],
    order: &[usize],
    axes: &'a [Axis],
    overrides: &[Override],
    problems: &mut Problems,
) -> Vec<Vec<&'a str>> {
    let mut reaching: Vec<Vec<&'a str>> = vec![Vec::new(); written.len()];
    for &at in order {
        let stage = &written[at];
        let mut collapsed = BTreeSet::new();
        let mut mine = BTreeSet::new();
        for (takes, from) in stage.reads() {
            let from = reaching[from].clone();
            match takes {
                Takes::One => mine.extend(from),
                Takes::All => collapsed.extend(from),
            }
        }
        for axis in axes {
            let when = |o: &Override| {
                o.set.iter().any(|a| a.stage == at)
                    && o.when.0.iter().any(|(n, _)| n == axis.name())
            };
            if !axis.points.is_empty() && (axis.touches(at) || overrides.iter().any(when)) {
                mine.insert(axis.name());
            }
        }
        for (name, span) in &stage.per {
            match collapsed.iter().find(|axis| *axis == name) {
                Some(axis) => {
                    mine.insert(axis);
                }
                None if axes.iter().any(|a| a.name() == name && a.points.is_empty()) => {}
                None => {
                    let message = format!(
                        "the axis `{name}` does not reach the inputs of `{}`",
                        stage.key.name
                    );
                    let help = alternatives("axes that do", name, collapsed.iter().copied());
                    problems.push(
                        Problem::at(span, message)
                            .label("cannot be kept apart")
                            .maybe_help(help),
                    );
                }
            }
        }
        let names = axes.iter().map(Axis::name);
        reaching[at] = names.filter(|name| mine.contains(name)).collect();
    }
    reaching
}

/// Everything that makes an instance out of a declared stage.
struct Layers<'a> {
    written: &'a [Written<'a>],
    axes: &'a [Axis],
    overrides: &'a [Override],
    excludes: &'a [(Condition, Span)],
    reaching: &'a [Vec<&'a str>],
    set: &'a Patch,
    device: Option<Device>,
    root: &'a Path,
    environment: &'a Environment,
}

type Resolved = (Instance, Value);

impl Layers<'_> {
    /// All instances of every stage, with the parameters as written, and whether some could not be resolved; by place of
    /// the stage.
    fn instances(
        &self,
        order: &[usize],
        profile: &Profile,
        problems: &mut Problems,
    ) -> (Vec<Vec<Resolved>>, Vec<bool>) {
        let mut all: Vec<Vec<Resolved>> = self.written.iter().map(|_| Vec::new()).collect();
        let mut failed = vec![true; self.written.len()];
        for &at in order {
            let Some(kind) = self.written[at].kind else {
                continue;
            };
            failed[at] = self.written[at].reads().any(|(_, from)| failed[from]);
            for coordinates in self.coordinates(at) {
                if self.is_left_out(at, &coordinates, &all, &failed) {
                    continue;
                }
                let value = self.parameters(at, &coordinates, profile, problems);
                let instance = self.instance(kind, coordinates, value, problems);
                failed[at] |= instance.is_none();
                all[at].extend(instance);
            }
        }
        (all, failed)
    }

    /// Every combination of labels on the axes that reach a stage, the first axis slowest.
    fn coordinates(&self, stage: usize) -> Vec<Coordinates> {
        let mut all = vec![Coordinates::default()];
        for name in &self.reaching[stage] {
            let axis = self.axes.iter().find(|axis| axis.name() == *name);
            let labels: Vec<&str> = axis.into_iter().flat_map(Axis::labels).collect();
            all = all
                .into_iter()
                .flat_map(|before| {
                    labels.iter().map(move |label| {
                        let mut coordinates = before.clone();
                        coordinates.0.push((name.to_string(), label.to_string()));
                        coordinates
                    })
                })
                .collect();
        }
        all
    }

    /// Whether an instance is excluded, or reads one that is.
    fn is_left_out(
        &self,
        stage: usize,
        coordinates: &Coordinates,
        all: &[Vec<Resolved>],
        failed: &[bool],
    ) -> bool {
        if self
            .excludes
            .iter()
            .any(|(when, _)| when.matches(coordinates))
        {
            return true;
        }
        self.written[stage].reads().any(|(_, from)| {
            // A stage that could not be resolved has its own problem.
            if failed[from] {
                return false;
            }
            let mut joined = all[from]
                .iter()
                .filter(|(i, _)| i.coordinates.joins(coordinates));
            joined.next().is_none()
        })
    }

    /// The declared parameters with every patch laid over them.
    fn parameters(
        &self,
        stage: usize,
        coordinates: &Coordinates,
        profile: &Profile,
        problems: &mut Problems,
    ) -> Value {
        let mut value = self.written[stage].parameters.clone();
        let mine = |patch: &'_ Patch| {
            let mine: Vec<_> = patch.iter().filter(|a| a.stage == stage).cloned().collect();
            mine
        };
        let mut swept: Vec<(&str, patch::Assignment)> = Vec::new();
        for (name, label) in &coordinates.0 {
            let axis = self.axes.iter().find(|axis| axis.name() == *name);
            let Some((axis, point)) = axis.and_then(|a| Some((a, a.point(label)?))) else {
                continue;
            };
            for assignment in mine(&point.patch) {
                if let Some((other, _)) = swept.iter().find(|(_, other)| other.meets(&assignment)) {
                    let message = format!(
                        "the axes `{other}` and `{name}` both set `{}.{}`",
                        self.written[stage].key.name,
                        assignment.path.join(".")
                    );
                    let problem = Problem::at(&assignment.span, message)
                        .help("two patches of one instance must not set the same parameter; make them one axis or use an override");
                    problems.push(problem);
                }
                swept.push((axis.name(), assignment));
            }
        }
        let mut set: Vec<patch::Assignment> = Vec::new();
        for patch in self
            .overrides
            .iter()
            .filter(|o| o.when.matches(coordinates))
        {
            for assignment in mine(&patch.set) {
                if set.iter().any(|other| other.meets(&assignment)) {
                    let message = format!(
                        "two overrides both set `{}.{}` at {}",
                        self.written[stage].key.name,
                        assignment.path.join("."),
                        show(coordinates),
                    );
                    problems.push(
                        Problem::at(&assignment.span, message)
                            .help("narrow one of their conditions"),
                    );
                }
                set.push(assignment);
            }
        }
        for (whose, patch) in [("this profile", &profile.set), ("this setting", self.set)] {
            for assignment in mine(patch) {
                if let Some((axis, _)) = swept.iter().find(|(_, other)| other.meets(&assignment)) {
                    let message = format!(
                        "{whose} sets `{}.{}`, which the axis `{axis}` sweeps",
                        self.written[stage].key.name,
                        assignment.path.join(".")
                    );
                    let help = format!(
                        "to take one value of it, keep one label: `keep = {{ {axis} = … }}` or --where {axis}=…"
                    );
                    problems.push(Problem::at(&assignment.span, message).help(help));
                }
                set.push(assignment);
            }
        }
        for assignment in swept.iter().map(|(_, assignment)| assignment).chain(&set) {
            patch::apply(&mut value, assignment);
        }
        value
    }

    fn instance(
        &self,
        kind: &Kind,
        coordinates: Coordinates,
        mut value: Value,
        problems: &mut Problems,
    ) -> Option<Resolved> {
        let mut own = Problems::default();
        let (resources, device) = policy(kind, &mut value, &mut own);
        let also: Vec<&str> = kind
            .ports
            .iter()
            .map(|port| port.name)
            .chain(["per", "resources"])
            .chain(kind.uses_device.then_some("device"))
            .collect();
        let json = parameters::check(&kind.schema, &value, kind.name, &also, &mut own);
        let mut instance = None;
        if own.is_empty() && value.is_readable() {
            match kind.parse(json) {
                Ok(parameters) => {
                    for said in parameters.complaints() {
                        let span = complaint::place(&value, &said);
                        own.push(Problem::at(&span, &said.message).maybe_help(said.help));
                    }
                    let outside = parameters.reads().into_iter().map(|outside| {
                        (outside.parameter, absolute(self.root.join(&outside.path)))
                    });
                    instance = Some(Instance {
                        outside: outside.collect(),
                        environment: self.environment(&*parameters, &value, &mut own),
                        full: Arc::new(parameters.full()),
                        coordinates,
                        parameters,
                        resources,
                        device: self.device.filter(|_| kind.uses_device).unwrap_or(device),
                    });
                }
                Err(error) => own.push(Problem::at(
                    &value.span,
                    format!("`{}`: {error}", kind.name),
                )),
            }
        }
        let fine = own.is_empty();
        problems.extend(own.into_sorted());
        instance.filter(|_| fine).map(|instance| (instance, value))
    }

    /// The values of the environment variables that parameters ask for.
    fn environment(
        &self,
        parameters: &dyn Parameters,
        value: &Value,
        problems: &mut Problems,
    ) -> BTreeMap<String, Option<String>> {
        let names = parameters.environment().into_iter().map(|name| {
            let found = self.environment.get(OsStr::new(&name));
            let text = found.map(|value| value.to_str().map(str::to_string));
            if text == Some(None) {
                let message = format!("the value of the environment variable `{name}` is no text");
                problems.push(Problem::at(&value.span, message));
            }
            (name, text.flatten())
        });
        names.collect()
    }

    /// An exclude or override that touches no instance was meant for something else.
    fn check_matches(&self, instances: &[Vec<Resolved>], failed: &[bool], problems: &mut Problems) {
        for (when, span) in self.excludes {
            let mut all = (0..self.written.len()).flat_map(|stage| self.coordinates(stage));
            if !all.any(|coordinates| when.matches(&coordinates)) {
                let problem = Problem::at(span, "this exclude matches nothing")
                    .help("no stage lies on all of these axes");
                problems.push(problem);
            }
        }
        for one in self.overrides {
            let stages: BTreeSet<usize> = one.set.iter().map(|a| a.stage).collect();
            if stages.iter().any(|stage| failed[*stage]) {
                continue;
            }
            let mut all = stages.iter().flat_map(|stage| &instances[*stage]);
            if !all.any(|(instance, _)| one.when.matches(&instance.coordinates)) {
                let problem = Problem::at(&one.span, "this override matches nothing")
                    .help("every instance that it could change is excluded");
                problems.push(problem);
            }
        }
    }
}

fn show(coordinates: &Coordinates) -> String {
    let pairs = coordinates
        .0
        .iter()
        .map(|(axis, label)| format!("{axis}={label}"));
    pairs.collect::<Vec<_>>().join(", ")
}

/// Takes `resources` and `device` out of a stage's parameters.
fn policy(kind: &Kind, value: &mut Value, problems: &mut Problems) -> (Resources, Device) {
    let mut taken: BTreeMap<String, Value> = BTreeMap::new();
    if let Data::Table(table) = &mut value.data {
        let keep = |(key, _): &(Key, Value)| {
            !POLICY.contains(&key.name.as_str()) || (key.name == "device" && !kind.uses_device)
        };
        for (key, value) in table.iter().filter(|entry| !keep(entry)) {
            taken.insert(key.name.clone(), value.clone());
        }
        table.retain(keep);
    }
    let mut resources = kind.resources;
    if let Some(value) = taken.get("resources") {
        let mut own = Problems::default();
        let json = parameters::check(&schema_of::<Asked>(), value, "resources", &[], &mut own);
        if own.is_empty() {
            let asked: Asked = serde_json::from_value(json).unwrap_or_default();
            match asked.over(kind.resources) {
                Ok(asked) => resources = asked,
                Err((key, message)) => {
                    let at = value.get(key).unwrap_or(value);
                    own.push(Problem::at(&at.span, message));
                }
            }
        }
        problems.extend(own.into_sorted());
    }
    let mut device = Device::Auto;
    if let Some(value) = taken.get("device") {
        let json = parameters::check(&schema_of::<Device>(), value, "device", &[], problems);
        device = serde_json::from_value(json).unwrap_or_default();
    }
    (resources, device)
}

/// Whether the files and directories that parameters name are there, to be read.
fn check_outside(instance: &Instance, value: &Value, problems: &mut Problems) {
    for outside in instance.parameters.reads() {
        let path = &instance.outside[&outside.parameter];
        let name = &outside.parameter;
        let message = match survey(path) {
            _ if outside.path.trim().is_empty() => format!("`{name}` must name a path"),
            Ok(_) => continue,
            Err(_) if !path.exists() => format!("there is nothing at `{}`", outside.path),
            Err(error) => format!("`{name}`: {error}"),
        };
        let span = complaint::place(value, &Complaint::new(name, ""));
        let problem = Problem::at(&span, message)
            .help("a path is taken from the project's root, unless it is absolute");
        problems.push(problem);
    }
}

/// Holds what each stage reads against the columns it will be given.
fn check_columns(
    pipeline: &mut Pipeline,
    written: &[Vec<Resolved>],
    order: &[usize],
    problems: &mut Problems,
) {
    for &at in order {
        let stage = &pipeline.stages[at];
        let mut shapes = Vec::new();
        for from in stage.inputs.iter().flat_map(|input| &input.from) {
            shapes.extend(tables(pipeline, *from, problems));
        }
        let mut columns = None;
        for (n, instance) in stage.instances.iter().enumerate() {
            match instance.parameters.columns(&shapes) {
                Ok(left) if n == 0 => columns = left,
                Ok(_) => {}
                Err(complaints) => {
                    for complaint in complaints {
                        let span = complaint::place(&written[at][n].1, &complaint);
                        let problem = Problem::at(&span, &complaint.message);
                        problems.push(problem.maybe_help(complaint.help));
                    }
                }
            }
        }
        pipeline.stages[at].columns = columns;
    }
}

/// The tables that an output of a stage offers, coordinates and swept parameters among their columns.
fn tables(pipeline: &Pipeline, from: OutputOf, problems: &mut Problems) -> Vec<TableShape> {
    let stage = &pipeline.stages[from.stage];
    let mut shapes = Vec::new();
    let Some(output) = stage.outputs.get(from.output) else {
        return shapes;
    };
    for table in output.artifact.tables() {
        let name = sql_name(&stage.output_name(from.output)) + table.suffix;
        let own = match table.columns {
            // Of a stage without instances nothing is known, not even its coordinates.
            _ if stage.instances.is_empty() => None,
            [] => stage.columns.clone(),
            fixed => Some(fixed.iter().map(|c| c.to_string()).collect()),
        };
        let columns = own.map(|own| {
            let mut columns = own.clone();
            let first = stage.instances.first();
            let coordinates = first
                .map(|i| pipeline.columns(&i.coordinates))
                .unwrap_or_default();
            for axis in &pipeline.axes {
                if !own.iter().any(|column| column == axis.name()) {
                    continue;
                }
                if table.columns.contains(&axis.name())
                    && stage.axes.iter().any(|a| a == axis.name())
                {
                    let message = format!(
                        "the axis `{}` is named like a column of `{name}`",
                        axis.name()
                    );
                    problems.push(
                        Problem::at(&axis.key.span, message).help("give the axis another name"),
                    );
                }
                if let Some(point) = axis.points.first() {
                    let here = Coordinates(vec![(axis.name().to_string(), point.label.clone())]);
                    columns.extend(pipeline.swept_columns(axis.name(), &here).into_keys());
                }
            }
            columns.extend(coordinates.into_keys());
            let mut seen = BTreeSet::new();
            columns.retain(|column| seen.insert(column.clone()));
            columns
        });
        shapes.push(TableShape { name, columns });
    }
    shapes
}

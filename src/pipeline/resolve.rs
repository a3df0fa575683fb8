//! From what was written to a [`Pipeline`] that cannot be wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use super::axis::{self, Axis};
use super::column_check::{KnownStages, check_columns};
use super::contract::{
    BASE_ENVIRONMENT, Cardinality, Device, Kind, Outside, Port, PortSyntax, Registry, Surroundings,
};
use super::coordinates::{Condition, Coordinates, is_name};
use super::document::{self, Document};
use super::layers::{Declared, Fan, Layers, Override, Profile};
use super::origin;
use super::param_error::ParamError;
use super::patch::{self, Names, Patch};
use super::policy::Policies;
use super::pooled::pooled;
use super::problem::{Problem, Problems, count};
use super::source::{Source, Span};
use super::spelling::alternatives;
use super::unused;
use super::value::{Data, Key, Table, Value};
use super::{DeclaredInput, DeclaredStage, Instance, Output, Pipeline, Reads, sql_name};
use crate::store::scan;

/// What the command line adds to a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The profile to lay over the file; without it `default`, where the file has one.
    pub profile: Option<String>,
    /// `stage.parameter=value`, laid over everything.
    pub set: Vec<String>,
    /// `axis=label,…`: the labels to keep.
    pub keep: Vec<String>,
    /// Where to compute, whatever the file says.
    pub device: Option<Device>,
    /// The project's root, from which the paths in parameters are; empty for the current folder.
    pub root: PathBuf,
    /// The variables of the environment, of which stages may name some.
    pub environment: BTreeMap<String, String>,
}

impl Request {
    /// Whether the pipeline is taken as its file declares it.
    pub fn is_whole(&self) -> bool {
        self.asked().is_empty()
    }

    /// What is asked for instead of the whole pipeline, the same in whatever order it was said.
    fn asked(&self) -> Vec<&str> {
        let profile = self.profile.as_deref();
        let profile = profile.filter(|profile| *profile != DEFAULT_PROFILE);
        let mut rest: Vec<&str> = self
            .set
            .iter()
            .chain(&self.keep)
            .map(String::as_str)
            .collect();
        rest.sort_unstable();
        rest.dedup();
        profile.into_iter().chain(rest).collect()
    }

    /// [`Pipeline::shown`] of the pipeline of a name.
    fn shown(&self, name: &str) -> String {
        // A name with an `@` of its own must not be taken for what was asked of another.
        let name = name.replace('@', "%40");
        match self.asked().as_slice() {
            [] => name,
            asked => format!("{name}@{}", asked.join(",")),
        }
    }
}

/// So many variants of a stage are asked for warnings: the files that they name are looked for, and most name the same.
const WARNED: usize = 32;

/// Reads, checks and resolves a pipeline file. On error, everything that is wrong with it.
pub fn read(path: &Path, request: &Request, registry: &Registry) -> Result<Pipeline, Vec<Problem>> {
    let mut problems = Problems::default();
    let document = document::read(path, &mut problems);
    let pipeline = resolve(&document, path, request, registry, &mut problems);
    if problems.is_empty() {
        Ok(pipeline)
    } else {
        Err(problems.into_sorted())
    }
}

/// A stage as others can name it.
struct Offers<'a> {
    name: &'a str,
    outputs: Vec<Output>,
}

/// See [`DeclaredStage::output_name`].
fn output_name(stage: &str, outputs: &[Output], at: usize) -> String {
    match &outputs[at].name {
        Some(name) if outputs.len() > 1 => format!("{stage}.{name}"),
        _ => stage.to_string(),
    }
}

/// What a stage leaves: what its kind does, or what it declares. What is wrong with a declaration beyond names and types the
/// kind itself finds.
fn outputs(stage: &Value, registry: &Registry, problems: &mut Problems) -> Vec<Output> {
    let kind = stage.get("kind").and_then(Value::text);
    let Some(kind) = kind.and_then(|kind| registry.get(kind)) else {
        return Vec::new();
    };
    if !kind.declares_outputs {
        return vec![Output {
            name: None,
            artifact: kind.output,
            columns: None,
        }];
    }
    let mut outputs = Vec::new();
    let declared = stage.get("outputs").and_then(Value::table);
    for (key, value) in declared.into_iter().flatten() {
        if !is_name(&key.name) {
            let message = format!("`{}` cannot name an output", key.name);
            problems.push(Problem::at(&key.span, message).help(NAMES));
        }
        let json = value.get("type").map(Value::to_json);
        let artifact = json.and_then(|json| serde_json::from_value(json).ok());
        outputs.push(Output {
            name: Some(key.name.clone()),
            artifact: artifact.unwrap_or(kind.output),
            columns: None,
        });
    }
    outputs
}

/// A stage as written, its keys sorted out.
struct Written<'a> {
    key: &'a Key,
    span: Span,
    kind: Option<&'a Kind>,
    kind_span: Span,
    outputs: Vec<Output>,
    inputs: Vec<WrittenInput>,
    per: Vec<(String, Span)>,
    /// Whether all that `per` holds is a name.
    reads_per: bool,
    /// Parameters and policy.
    parameters: Value,
    /// Whether all that it reads is known.
    reads_all: bool,
}

/// What stands at a port, and where.
struct WrittenInput {
    port: Port,
    reads: Vec<(Reads, Span)>,
}

impl Written<'_> {
    /// The stages it reads, with how many of their artifacts.
    fn reads(&self) -> impl Iterator<Item = (Cardinality, usize)> {
        let inputs = self.inputs.iter();
        inputs.flat_map(|input| {
            let reads = input.reads.iter();
            reads.map(|(reads, _)| (input.port.cardinality, reads.stage))
        })
    }
}

/// The profile that is laid over a file where none is asked for. So a file can say what a paper ran, and what a desk can.
pub const DEFAULT_PROFILE: &str = "default";

/// So many stages and axes people write; each looks for others among all of them, and each instance has all its axes.
const MOST_STAGES: usize = 10_000;
const MOST_AXES: usize = 64;

fn resolve(
    document: &Document,
    path: &Path,
    request: &Request,
    registry: &Registry,
    problems: &mut Problems,
) -> Pipeline {
    // The empty path stands for the current folder.
    let root = std::path::absolute(Path::new(".").join(&request.root));
    let name = name(document, path, problems);
    let mut pipeline = Pipeline {
        root: root.unwrap_or_else(|_| request.root.clone()),
        surroundings: BASE_ENVIRONMENT
            .iter()
            .filter_map(|name| {
                let value = request.environment.get(*name)?;
                Some((name.to_string(), Some(value.clone())))
            })
            .collect(),
        shown: request.shown(&name),
        name,
        about: document
            .about
            .as_ref()
            .and_then(Value::text)
            .map(str::to_string),
        stages: Vec::new(),
        axes: Vec::new().into(),
        warnings: Vec::new(),
    };
    for (what, table, most) in [
        ("stages", &document.stages, MOST_STAGES),
        ("axes", &document.axes, MOST_AXES),
    ] {
        if let Some((key, _)) = table.get(most) {
            let (there, most) = (count(table.len() as u128), count(most as u128));
            let message = format!("this pipeline has {there} {what}; at most {most}");
            problems.push(Problem::at(&key.span, message));
            return pipeline;
        }
    }
    let written = stages(document, registry, problems);
    let names = written.iter();
    let names = Names::new(names.map(|stage| (stage.key.name.as_str(), fixed_keys(stage))));
    let before = problems.len();
    let axes: Arc<[Axis]> = axes(document, &names, problems).into();
    let axes_are_right = problems.len() == before;
    check_case(&written, &axes, problems);
    check_labels(&axes, problems);
    let before = problems.len();
    let overrides = overrides(document, &names, &axes, problems);
    let overrides_are_right = problems.len() == before;
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
        None => profiles.get(DEFAULT_PROFILE).unwrap_or(&none),
        Some(name) => profiles.get(name.as_str()).unwrap_or_else(|| {
            let problem = Problem::of(format!("there is no profile `{name}`"))
                .maybe_help(alternatives("profiles", name, profiles.keys().copied()));
            problems.push(problem);
            &none
        }),
    };
    keep.0.extend(chosen.keep.0.iter().cloned());
    pipeline.axes = axes.clone();
    let above = above(&written, &order, &reaching);
    // An axis or override that has a problem may have been meant for any stage.
    let mut has_columns = if axes_are_right && overrides_are_right {
        have_their_axes(&written, &order, &reaching)
    } else {
        vec![false; written.len()]
    };
    let stages = written.iter().zip(reaching);
    let stages = stages.map(|(stage, axes)| Declared {
        name: &stage.key.name,
        span: &stage.span,
        kind: stage.kind,
        parameters: &stage.parameters,
        reads: stage.reads().collect(),
        axes,
    });
    let stages: Vec<Declared<'_>> = stages.collect();
    let layers = Layers {
        stages: &stages,
        overrides: &overrides,
        excludes: &excludes,
        set: &set,
        device: request.device,
        root: &request.root,
        environment: &request.environment,
    };
    if !layers.fits(&order, problems) {
        return pipeline;
    }
    let fans = layers.fans(&order);
    let policies = Policies::default();
    // Every profile is checked, not only the one that is asked for.
    for other in profiles.values().filter(|p| !std::ptr::eq(*p, chosen)) {
        for (at, fan) in fans.iter().enumerate() {
            if let Some(fan) = fan.as_ref().filter(|_| Layers::concerns(other, at)) {
                layers.settle(at, fan, other, &policies, problems);
            }
        }
    }
    // About an axis that could not be read nothing more can be said.
    let axes_read = axes.iter().all(|axis| !axis.points.is_empty());
    if axes_read {
        layers.check_matches(&fans, problems);
    }
    let place = |at: usize, variant: usize, param_error: &ParamError| {
        let fan = fans[at].as_ref().expect("a stage with variants has a fan");
        layers.place(at, (fan, variant), chosen, param_error)
    };
    let mut surveyed = HashMap::new();
    let mut warnings = Problems::default();
    for (at, stage) in written.iter().enumerate() {
        let stage = unused::Written {
            name: &stage.key.name,
            kind: &stage.kind_span,
            parameters: &stage.parameters,
        };
        let unused = unused::unused(&stage, at, &axes).into_iter();
        unused.for_each(|warning| warnings.push(warning));
    }
    let mut variants = vec![Vec::new(); written.len()];
    let mut is_settled = vec![true; written.len()];
    for (at, fan) in fans.iter().enumerate() {
        let (Some(fan), Some(kind)) = (fan, written[at].kind) else {
            continue;
        };
        let settled = layers.settle(at, fan, chosen, &policies, problems);
        let mut instances = Vec::with_capacity(fan.instances.len());
        for (coordinates, variant) in kept(fan, &keep) {
            let Some(settled) = &settled[variant] else {
                is_settled[at] = false;
                continue;
            };
            variants[at].push(variant);
            instances.push(Instance {
                coordinates: coordinates.clone(),
                parameters: settled.parameters.clone(),
                outside: settled.outside.clone(),
                environment: settled.environment.clone(),
                resources: settled.policy.resources,
                device: settled.policy.device,
                retry: settled.policy.retry.clone(),
                keep: settled.policy.keep,
            });
        }
        // Unlike the text of a file, what lies on this machine matters only where it will be read.
        let used: BTreeSet<usize> = variants[at].iter().copied().collect();
        for (count, variant) in used.into_iter().enumerate() {
            let Some(settled) = &settled[variant] else {
                continue;
            };
            if count < WARNED {
                let around = Surroundings {
                    root: &pipeline.root,
                    environment: &pipeline.surroundings,
                };
                for warning in settled.parameters.warnings(&around) {
                    let problem = Problem::at(&place(at, variant, &warning), warning.message);
                    warnings.push(problem.maybe_help(warning.help));
                }
            }
            for outside in settled.parameters.reads() {
                let path = &settled.outside[&outside.parameter];
                let there = surveyed.entry(path.clone());
                let there =
                    there.or_insert_with(|| scan(path).map(drop).map_err(|e| e.to_string()));
                if let Some(message) = check_outside(&outside, path, there) {
                    let param_error = ParamError::new(&outside.parameter, "");
                    let problem = Problem::at(&place(at, variant, &param_error), message);
                    problems
                        .push(problem.help(
                            "a path is taken from the project's root, unless it is absolute",
                        ));
                }
            }
        }
        pipeline.stages.push(DeclaredStage {
            name: written[at].key.name.clone(),
            kind: kind.clone(),
            axes: stages[at]
                .axes
                .iter()
                .map(|axis| axis.name().to_string())
                .collect(),
            outputs: written[at].outputs.clone(),
            inputs: declared(&written[at]),
            above: above[at].clone(),
            certain: Vec::new(),
            instances,
        });
    }
    // With a stage missing, places of stages would be off by one.
    let whole = axes_read && pipeline.stages.len() == written.len();
    if whole {
        for (at, stage) in pipeline.stages.iter().enumerate() {
            let instances = stage.instances.iter().zip(&variants[at]).take(WARNED);
            let mut found =
                instances.filter_map(|(i, variant)| Some((pooled(&pipeline, at, i)?, *variant)));
            if let Some((warning, variant)) = found.next() {
                let problem = Problem::at(&place(at, variant, &warning), warning.message);
                warnings.push(problem.maybe_help(warning.help));
            }
        }
    }
    pipeline.warnings = warnings.into_sorted();
    if whole {
        let reads_all: Vec<bool> = written.iter().map(|stage| stage.reads_all).collect();
        // What an axis sweeps is a column of all that lies below it, if all its values are known.
        let is_open = |axis: &&Axis| axis.sets().any(|(stage, _)| !is_settled[*stage]);
        let open: BTreeSet<&str> = axes.iter().filter(is_open).map(Axis::name).collect();
        for (at, above) in above.iter().enumerate() {
            let is_below = above.iter().any(|axis| open.contains(axis.as_str()));
            has_columns[at] &= is_settled[at] && !is_below;
        }
        let known = KnownStages {
            variants: &variants,
            reads_all: &reads_all,
            has_columns: &has_columns,
        };
        check_columns(&mut pipeline, &known, &order, place, problems);
        origin::check(&pipeline, &variants, place, problems);
    }
    pipeline
}

fn declared(written: &Written<'_>) -> Vec<DeclaredInput> {
    let inputs = written.inputs.iter();
    inputs
        .map(|input| DeclaredInput {
            port: input.port,
            reads: input.reads.iter().map(|(reads, _)| reads.clone()).collect(),
        })
        .collect()
}

fn fixed_keys<'a>(stage: &Written<'a>) -> Vec<&'a str> {
    let ports = stage.kind.map_or(&[][..], |kind| kind.ports);
    let ports = ports.iter().map(|port| port.name);
    let declares = stage.kind.is_some_and(|kind| kind.declares_outputs);
    let outputs = declares.then_some("outputs");
    let fixed = ["kind", "per"].into_iter().chain(ports);
    fixed.chain(outputs).collect()
}

fn stages<'a>(
    document: &'a Document,
    registry: &'a Registry,
    problems: &mut Problems,
) -> Vec<Written<'a>> {
    let offers: Vec<Offers<'_>> = document
        .stages
        .iter()
        .map(|(key, value)| Offers {
            name: &key.name,
            outputs: outputs(value, registry, problems),
        })
        .collect();
    let mut written: Vec<Written<'a>> = Vec::new();
    for (key, value) in &document.stages {
        if !is_name(&key.name) {
            let message = format!("`{}` cannot name a stage", key.name);
            problems.push(Problem::at(&key.span, message).help(NAMES));
        }
        let mut stage = stage(key, value, &offers, registry, problems);
        stage.outputs = offers[written.len()].outputs.clone();
        written.push(stage);
    }
    let mut tables: BTreeMap<String, &str> = BTreeMap::new();
    for stage in &written {
        let outputs = (0..stage.outputs.len()).map(|at| (at, stage.outputs[at].artifact));
        let offered = outputs.flat_map(|(at, output)| {
            let name = output_name(&stage.key.name, &stage.outputs, at);
            let tables = output.tables().iter();
            tables.map(move |table| format!("{}{}", sql_name(&name), table.suffix))
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
            for (reads, span) in &input.reads {
                check_type(
                    stage,
                    input.port,
                    (&written[reads.stage], reads.output),
                    span,
                    problems,
                );
            }
        }
    }
    written
}

fn stage<'a>(
    key: &'a Key,
    value: &Value,
    offers: &[Offers<'_>],
    registry: &'a Registry,
    problems: &mut Problems,
) -> Written<'a> {
    let mut written = Written {
        key,
        span: key.span.clone(),
        kind: None,
        kind_span: value
            .get("kind")
            .map_or(&key.span, |kind| &kind.span)
            .clone(),
        outputs: Vec::new(),
        inputs: Vec::new(),
        per: Vec::new(),
        reads_per: true,
        parameters: Value {
            data: Data::Table(Table::new()),
            span: key.span.clone(),
        },
        reads_all: true,
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
    let mut parameters = Table::new();
    for (key, value) in table {
        if let Some(port) = kind.ports.iter().find(|port| port.name == key.name) {
            let reads = input(port, value, offers, &written.inputs, problems);
            written.reads_all &= reads.len() == named(value);
            written.inputs.push(WrittenInput { port: *port, reads });
        } else if key.name == "per" {
            written.per = per(value, problems);
            written.reads_per = written.per.len() == named(value);
        } else if key.name != "kind" {
            let path = vec![written.key.name.clone(), key.name.clone()];
            patch::check_draws(&path, value, problems);
            parameters.push((key.clone(), value.clone()));
        }
    }
    let needed = kind
        .ports
        .iter()
        .filter(|port| port.syntax != PortSyntax::Named);
    for port in needed {
        if !written
            .inputs
            .iter()
            .any(|input| input.port.name == port.name)
        {
            written.reads_all = false;
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

/// How many stages a port names.
fn named(value: &Value) -> usize {
    match &value.data {
        Data::Array(items) => items.len(),
        Data::Table(entries) => entries.len(),
        _ => 1,
    }
}

fn input(
    port: &Port,
    value: &Value,
    offers: &[Offers<'_>],
    before: &[WrittenInput],
    problems: &mut Problems,
) -> Vec<(Reads, Span)> {
    let items: Vec<(Option<&Key>, &Value)> = match &value.data {
        Data::Array(items) if matches!(port.syntax, PortSyntax::List | PortSyntax::NamedList) => {
            items.iter().map(|item| (None, item)).collect()
        }
        Data::Table(table) if port.syntax == PortSyntax::Named => {
            table.iter().map(|(key, item)| (Some(key), item)).collect()
        }
        Data::Array(items) if port.syntax == PortSyntax::One => {
            let message = format!("`{}` takes one stage, not a list", port.name);
            let first = items.iter().find_map(Value::text);
            let help = first.map(|first| format!("write `{} = \"{first}\"`", port.name));
            problems.push(Problem::at(&value.span, message).maybe_help(help));
            return Vec::new();
        }
        _ if port.syntax == PortSyntax::Named => {
            let message = format!(
                "`{}` takes names, each with a stage, not {}",
                port.name,
                value.noun()
            );
            let help = format!("write {} = {{ name = \"stage\" }}", port.name);
            problems.push(Problem::at(&value.span, message).help(help));
            return Vec::new();
        }
        _ => vec![(None, value)],
    };
    let mut all: Vec<(Reads, Span)> = Vec::new();
    for (key, item) in items {
        let Some(name) = item.text() else {
            let message = format!(
                "`{}` must name a stage, not hold {}",
                port.name,
                item.noun()
            );
            problems.push(Problem::at(&item.span, message));
            continue;
        };
        if let Some(key) = key {
            check_input_name(key, before, problems);
        }
        let Some((stage, output)) = find(name, &item.span, offers, problems) else {
            continue;
        };
        let same = |reads: &Reads| (reads.stage, reads.output) == (stage, output);
        if key.is_none() && all.iter().any(|(reads, _)| same(reads)) {
            let message = format!("`{}` names `{name}` twice", port.name);
            problems.push(Problem::at(&item.span, message));
            continue;
        }
        let reads = Reads {
            stage,
            output,
            name: match port.syntax {
                PortSyntax::NamedList => Some(output_name(
                    offers[stage].name,
                    &offers[stage].outputs,
                    output,
                )),
                _ => key.map(|key| key.name.clone()),
            },
        };
        all.push((reads, item.span.clone()));
    }
    if let Data::Array(items) = &value.data
        && items.is_empty()
    {
        let message = format!("`{}` needs at least one stage", port.name);
        problems.push(Problem::at(&value.span, message));
    }
    all
}

/// Names of inputs become names of variables, which know no small letters, nor at which port an input stands.
fn check_input_name(key: &Key, before: &[WrittenInput], problems: &mut Problems) {
    let name = &key.name;
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_lowercase());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !begins || !letters.all(plain) || name.len() > 100 {
        let message = format!("`{name}` cannot name an input");
        let help = "a name is a small letter, then small letters, digits or `_`: it becomes part of a variable's name";
        problems.push(Problem::at(&key.span, message).help(help));
    }
    let mut others = before.iter().flat_map(|input| &input.reads);
    if others.any(|(reads, _)| reads.name.as_ref() == Some(name)) {
        let message = format!("there are two inputs `{name}`");
        problems.push(Problem::at(&key.span, message).help("rename one of them"));
    }
}

/// The stage that is named, and which of its outputs.
fn find(
    name: &str,
    span: &Span,
    offers: &[Offers<'_>],
    problems: &mut Problems,
) -> Option<(usize, usize)> {
    let stage = |name: &str| offers.iter().position(|other| other.name == name);
    let several = |at: usize| {
        let outputs = &offers[at].outputs;
        let names = (0..outputs.len()).map(|n| output_name(offers[at].name, outputs, n));
        names.collect::<Vec<_>>()
    };
    if let Some(at) = stage(name) {
        if offers[at].outputs.len() > 1 {
            let names = several(at).join("`, `");
            let message = format!("`{name}` leaves several things; say which");
            let help = format!("it leaves `{names}`");
            problems.push(Problem::at(span, message).help(help));
            return None;
        }
        return Some((at, 0));
    }
    if let Some((first, last)) = name.rsplit_once('.')
        && let Some(at) = stage(first)
    {
        let outputs = offers[at].outputs.iter();
        let mut outputs = outputs.map(|output| output.name.as_deref());
        if let Some(output) = outputs.position(|output| output == Some(last)) {
            return Some((at, output));
        }
        let message = format!("`{first}` leaves nothing of the name `{last}`");
        let names = several(at);
        let help = alternatives("outputs", name, names.iter().map(String::as_str));
        problems.push(Problem::at(span, message).maybe_help(help));
        return None;
    }
    let names = offers.iter().map(|offer| offer.name);
    let problem = Problem::at(span, format!("there is no stage `{name}`"))
        .label("no such stage")
        .maybe_help(alternatives("stages", name, names));
    problems.push(problem);
    None
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
    port: Port,
    (from, output): (&Written<'_>, usize),
    span: &Span,
    problems: &mut Problems,
) {
    // A stage that reads itself is told as a circle.
    if stage.key.name == from.key.name {
        return;
    }
    let Some(given) = from.outputs.get(output).map(|output| output.artifact) else {
        return;
    };
    if port.accepts.contains(&given) {
        return;
    }
    let nouns: Vec<_> = port
        .accepts
        .iter()
        .map(|accepted| accepted.noun())
        .collect();
    let kind = stage.kind.map_or("", |kind| kind.name);
    let message = format!(
        "`{kind}.{}` needs {}; `{}` gives {}",
        port.name,
        nouns.join(" or "),
        output_name(&from.key.name, &from.outputs, output),
        given.noun()
    );
    problems.push(Problem::at(span, message).label(given.noun()));
}

/// The axes; one that could not be read is there without a point, so that nothing else is said of it.
fn axes(document: &Document, names: &Names<'_>, problems: &mut Problems) -> Vec<Axis> {
    let mut axes = Vec::new();
    for (key, value) in &document.axes {
        if !is_name(&key.name) {
            let problem = Problem::at(&key.span, format!("`{}` cannot name an axis", key.name));
            problems.push(problem.help(NAMES));
        }
        let axis = axis::read(key, value, names, problems);
        axes.push(axis.unwrap_or_else(|| Axis::new(key, Vec::new())));
    }
    axes
}

/// Names that differ in nothing but case are one name to SQL, which knows stages as tables and axes as columns, and on the
/// file systems of many machines, which know stages as files. Labels are data, where case may well mean something: they may
/// differ so, and the names of their files keep them apart.
fn check_case(written: &[Written<'_>], axes: &[Axis], problems: &mut Problems) {
    let stages = written.iter().map(|stage| stage.key).collect();
    let axes = axes.iter().map(|axis| &axis.key).collect();
    for keys in [stages, axes] as [Vec<&Key>; 2] {
        let mut seen: HashMap<String, &Key> = HashMap::new();
        for key in keys {
            if let Some(other) = seen.insert(key.name.to_lowercase(), key) {
                let message = format!("`{}` and `{}` differ only in case", other.name, key.name);
                let problem = Problem::at(&key.span, message);
                problems.push(
                    problem.help("rename one of them: SQL and many file systems take both for one"),
                );
            }
        }
    }
}

/// A label that reads like two coordinates would give two jobs one name.
fn check_labels(axes: &[Axis], problems: &mut Problems) {
    for axis in axes {
        for label in axis.labels() {
            let mut pieces = label
                .split(", ")
                .skip(1)
                .filter_map(|piece| piece.split_once('='));
            if let Some((other, _)) =
                pieces.find(|(name, _)| axes.iter().any(|other| other.name() == *name))
            {
                let message = format!(
                    "the label `{label}` of the axis `{}` reads like a place on the axis `{other}` too",
                    axis.name()
                );
                problems.push(Problem::at(&axis.key.span, message).help("give it another name"));
            }
        }
    }
}

/// The pipeline's name: what the file says, or what it is called.
pub(super) fn name(document: &Document, path: &Path, problems: &mut Problems) -> String {
    let file = path.file_stem().unwrap_or_default().to_string_lossy();
    let Some(value) = &document.name else {
        return file.into_owned();
    };
    let name = value.text().unwrap_or(&file);
    let length = name.chars().count();
    if name.trim().is_empty() {
        problems.push(Problem::at(&value.span, "`name` must not be empty"));
    } else if name.contains(char::is_control) {
        problems.push(Problem::at(
            &value.span,
            "`name` must be visible text, on one line",
        ));
    } else if length > LONGEST {
        let length = count(length as u128);
        let message = format!("`name` has {length} characters; at most {LONGEST}");
        problems.push(Problem::at(&value.span, message));
    }
    name.to_string()
}

/// So many characters the name of a pipeline, a stage or an axis may have.
const LONGEST: usize = 100;
const NAMES: &str = "a name is a letter, then letters, digits, `_` or `-`, at most 100 in all";

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
            Patch::default()
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
        let before = problems.len();
        let set = patch_of(set, names, problems);
        let is_whole = problems.len() == before;
        overrides.extend(condition.map(|condition| Override {
            when: condition,
            set,
            is_whole,
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
            .map_or(Patch::default(), |set| patch_of(set, names, problems)),
        keep: value
            .get("keep")
            .and_then(|keep| Condition::read(keep, axes, problems))
            .unwrap_or_default(),
    }
}

/// `--set model.lr=1e-3`: TOML, or, where it is none, a bare string.
fn settings(texts: &[String], names: &Names<'_>, problems: &mut Problems) -> Patch {
    let mut patch = Patch::default();
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
            let target = patch::target(&path, &whole, names, problems);
            target
                .map(|target| target.set(value, &whole))
                .into_iter()
                .collect()
        } else {
            let problem = Problem::at(&whole, "a setting is written stage.parameter=value");
            problems.push(problem);
            continue;
        };
        // Of two settings of one parameter the later stands, as everywhere on a command line.
        patch = patch.under(set);
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
        let names: Vec<&str> = names.collect();
        let message = match names[..] {
            [name, _] => format!("the stage `{name}` reads itself"),
            _ => format!("stages read each other in a circle: {}", names.join(" ← ")),
        };
        let problem = Problem::at(&written[first.index()].span, message)
            .label("part of the circle")
            .help("a stage can only read stages that do not read it; let one of them read another");
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
) -> Vec<Vec<&'a Axis>> {
    let mut conditions: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); written.len()];
    for one in overrides {
        for stage in one.set.iter().map(|a| a.stage).collect::<BTreeSet<usize>>() {
            conditions[stage].extend(one.when.0.iter().map(|(axis, _)| axis.as_str()));
        }
    }
    let mut reaching: Vec<Vec<&'a Axis>> = vec![Vec::new(); written.len()];
    for &at in order {
        let stage = &written[at];
        let mut collapsed = BTreeSet::new();
        let mut mine = BTreeSet::new();
        for (takes, from) in stage.reads() {
            let from = reaching[from].iter().map(|axis| axis.name());
            match takes {
                Cardinality::One => mine.extend(from),
                Cardinality::All => collapsed.extend(from),
            }
        }
        for axis in axes {
            let touched = axis.touches(at) || conditions[at].contains(axis.name());
            if !axis.points.is_empty() && touched {
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
        let all = axes.iter();
        reaching[at] = all.filter(|axis| mine.contains(axis.name())).collect();
    }
    reaching
}

/// The axes over which each stage, or any that it comes from, fans out.
fn above(
    written: &[Written<'_>],
    order: &[usize],
    reaching: &[Vec<&Axis>],
) -> Vec<BTreeSet<String>> {
    let mut above: Vec<BTreeSet<String>> = vec![BTreeSet::new(); written.len()];
    for &at in order {
        let mine = reaching[at].iter().map(|axis| axis.name().to_string());
        let mut all: BTreeSet<String> = mine.collect();
        for (_, from) in written[at].reads() {
            all.extend(above[from].iter().cloned());
        }
        above[at] = all;
    }
    above
}

/// Whether each stage, and all that it comes from, lies on all axes of its `per`.
fn have_their_axes(written: &[Written<'_>], order: &[usize], reaching: &[Vec<&Axis>]) -> Vec<bool> {
    let mut have = vec![false; written.len()];
    for &at in order {
        let stage = &written[at];
        let mut per = stage.per.iter();
        let has = per.all(|(name, _)| reaching[at].iter().any(|axis| axis.name() == name));
        let mut from = stage.reads();
        have[at] = stage.reads_per && has && from.all(|(_, from)| have[from]);
    }
    have
}

/// The instances that a run is about.
fn kept<'b>(
    fan: &'b Fan<'_>,
    keep: &'b Condition,
) -> impl Iterator<Item = (&'b Coordinates, usize)> {
    let all = fan.instances.iter().filter(|(coordinates, _)| {
        let mut pairs = coordinates.0.iter();
        pairs.all(|(axis, label)| keep.allows(axis, label))
    });
    all.map(|(coordinates, variant)| (coordinates, *variant))
}

/// What is wrong with a file or directory that a parameter names, to be read.
fn check_outside(outside: &Outside, path: &Path, there: &Result<(), String>) -> Option<String> {
    let name = &outside.parameter;
    match there {
        _ if outside.path.trim().is_empty() => Some(format!("`{name}` must name a path")),
        Ok(()) => None,
        Err(_) if outside.path.contains(['*', '?', '[']) && !path.exists() => {
            Some(format!("no file fits `{}`", outside.path))
        }
        Err(_) if !path.exists() => Some(format!("there is nothing at `{}`", outside.path)),
        Err(error) => Some(format!("`{name}`: {error}")),
    }
}

//! The language: a pipeline file, read, checked and resolved.
//!
//! Reading goes in two steps. First what was written, with the place of every value ([`document`](self), [`Value`]); then
//! a [`Pipeline`], which cannot be wrong: every stage's kind, inputs and axes are known and every instance's parameters
//! have their type. Whatever is wrong on the way is a [`Problem`] with its place, and all of them are told at once.
//!
//! One concept changes parameters: the patch, a set of `stage.parameter = value`. Patches are laid over the declared
//! parameters in this order, each over those before it: the axes' (no two may set the same parameter of an instance), the
//! overrides' (likewise), the profile's, `--set`.

mod axis;
mod complaint;
mod contract;
mod coordinates;
mod document;
mod parameters;
mod patch;
mod problem;
mod resolve;
mod resources;
mod source;
mod value;

pub use axis::{Axis, Point};
pub use complaint::Complaint;
pub use contract::{
    ArtifactType, Columns, Context, Device, Earlier, Environment, Extension, Form, Input, Inputs,
    Kind, Monitor, Output, Outside, Parameters, Port, Progress, Registry, Scalar, Stage, Stop,
    TableOf, TableShape, Takes, Verdict,
};
pub use coordinates::{Condition, Coordinates, JobName, Selector, WORD, is_word};
pub(crate) use parameters::{first_line, kind_of, options, schema_types};
pub use problem::{Problem, Problems, alternatives, nearest};
pub use resolve::{Request, read};
pub use resources::{Resources, parse_size, show_size};
pub use source::{Source, Span};
pub use value::{Data, Key, Table, Value};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A valid pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name; also the folder of its views.
    pub name: String,
    /// What it is about.
    pub about: Option<String>,
    /// Its axes, in the order of the file.
    pub axes: Vec<Axis>,
    /// Its stages, in the order of the file.
    pub stages: Vec<DeclaredStage>,
    /// The project's root, absolute.
    pub root: PathBuf,
}

/// A stage as declared, with all its instances.
#[derive(Debug, Clone)]
pub struct DeclaredStage {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The axes it fans out over.
    pub axes: Vec<String>,
    /// Its inputs, by the kind's ports.
    pub inputs: Vec<DeclaredInput>,
    /// What each of its jobs leaves.
    pub outputs: Vec<Output>,
    /// The columns of the table it leaves, if it leaves one and they are known.
    pub columns: Option<Vec<String>>,
    /// Its instances that this run is about, the first axis slowest.
    pub instances: Vec<Instance>,
}

/// What stands at a port.
#[derive(Debug, Clone)]
pub struct DeclaredInput {
    /// The port.
    pub port: Port,
    /// The name under which a job finds it: the port's own, or `inputs.x` where the file gives the name.
    pub name: String,
    /// What it reads.
    pub from: Vec<OutputOf>,
}

/// An output of a stage, both by their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputOf {
    /// The stage, in the pipeline.
    pub stage: usize,
    /// The output, in the stage.
    pub output: usize,
}

impl DeclaredStage {
    /// What an output is called: by the stage's name, and by `stage.output` where the stage leaves several.
    pub fn output_name(&self, output: usize) -> String {
        match self.outputs.as_slice() {
            [_] => self.name.clone(),
            all => format!("{}.{}", self.name, all[output].name),
        }
    }
}

/// A stage at its coordinates.
#[derive(Clone)]
pub struct Instance {
    /// Where on the axes.
    pub coordinates: Coordinates,
    /// Its parameters.
    pub parameters: Arc<dyn Parameters>,
    /// The parameters as plain data, defaults included.
    pub full: Arc<serde_json::Value>,
    /// The files and directories that its parameters name, absolute, by parameter.
    pub outside: BTreeMap<String, PathBuf>,
    /// The environment variables that its kind reads, `None` where one is not set.
    pub environment: BTreeMap<String, Option<String>>,
    /// What it takes of the machine.
    pub resources: Resources,
    /// Where it computes.
    pub device: Device,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.coordinates)
    }
}

/// The name of a stage or of one of its outputs in SQL: `-` and `.` become `_`.
pub fn sql_name(stage: &str) -> String {
    stage.replace(['-', '.'], "_")
}

impl Pipeline {
    /// Reads what a user wrote to select jobs; each text is one selector.
    pub fn select(&self, texts: &[String]) -> Result<Vec<Selector>, Vec<Problem>> {
        let stages: Vec<_> = self
            .stages
            .iter()
            .map(|s| (s.name.as_str(), s.axes.iter().map(String::as_str).collect()))
            .collect();
        let mut problems = Problems::default();
        let mut selectors = Vec::new();
        for text in texts {
            let source = Source::new("selector", text.as_str());
            let span = Span::new(&source, 0..text.len());
            selectors.extend(Selector::parse(&span, &stages, &self.axes, &mut problems));
        }
        for (selector, text) in selectors.iter().zip(texts) {
            let instances = self.stages.iter().flat_map(|stage| {
                let coordinates = stage.instances.iter().map(|i| i.coordinates.clone());
                coordinates.map(|coordinates| JobName {
                    stage: stage.name.clone(),
                    coordinates,
                })
            });
            if problems.is_empty() && !instances.into_iter().any(|job| selector.matches(&job)) {
                let problem = Problem::of(format!("`{text}` selects no job"))
                    .help("what it names is excluded, or not kept by the profile or --where");
                problems.push(problem);
            }
        }
        match problems.is_empty() {
            true => Ok(selectors),
            false => Err(problems.into_sorted()),
        }
    }

    /// The columns that coordinates give to the rows of a table: one for each axis, one for each parameter it sweeps.
    pub fn columns(&self, coordinates: &Coordinates) -> Columns {
        let mut columns = Columns::new();
        for (axis, label) in &coordinates.0 {
            let value = self
                .axis(axis)
                .and_then(|axis| axis.point(label))
                .map(|point| point.value.clone());
            columns.insert(axis.clone(), value.unwrap_or(Scalar::Text(label.clone())));
            columns.extend(self.swept_columns(axis, coordinates));
        }
        columns
    }

    /// The columns of the parameters that an axis sweeps, at some coordinates: a parameter is there if it has one value
    /// there.
    pub fn swept_columns(&self, axis: &str, coordinates: &Coordinates) -> Columns {
        let mut columns = Columns::new();
        for (name, stage, path) in self.swept(axis) {
            let instances = self.stages[stage].instances.iter();
            let mut values = instances
                .filter(|instance| instance.coordinates.joins(coordinates))
                .map(|instance| Scalar::from(lookup(&instance.full, &path)));
            let Some(first) = values.next() else { continue };
            if values.all(|value| value == first) {
                columns.insert(name, first);
            }
        }
        columns
    }

    /// The parameters that an axis sweeps: the column of each, its stage, its path. A column has the parameter's own name,
    /// or, where two would share one, `stage_parameter`.
    pub fn swept(&self, axis: &str) -> Vec<(String, usize, Vec<String>)> {
        let mut all: BTreeMap<(usize, Vec<String>), &str> = BTreeMap::new();
        for axis in &self.axes {
            for assignment in axis.assignments() {
                let place = (assignment.stage, assignment.path.clone());
                all.entry(place).or_insert(axis.name());
            }
        }
        let last = |path: &[String]| path.last().cloned().unwrap_or_default();
        let Some(this) = self.axis(axis) else {
            return Vec::new();
        };
        let mut columns = Vec::new();
        for (stage, path) in all.keys() {
            let mut assignments = this.assignments();
            if !assignments.any(|a| a.stage == *stage && a.path == *path) {
                continue;
            }
            let name = last(path);
            let shared = all.keys().filter(|(_, other)| last(other) == name).count() > 1;
            let named_as_axis = self.axis(&name).is_some();
            // The axis' own column already holds the value of the parameter it is named after.
            if name == axis && !shared && !this.is_variants() {
                continue;
            }
            let name = match shared || named_as_axis {
                true => format!("{}_{name}", sql_name(&self.stages[*stage].name)),
                false => name,
            };
            columns.push((name, *stage, path.clone()));
        }
        columns
    }

    /// The axis of this name.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| axis.name() == name)
    }
}

impl Axis {
    /// Whether its column holds labels rather than values.
    fn is_variants(&self) -> bool {
        self.points
            .iter()
            .all(|point| point.value == Scalar::Text(point.label.clone()))
    }
}

/// The value at a path; `null` where there is none.
fn lookup<'a>(json: &'a serde_json::Value, path: &[String]) -> &'a serde_json::Value {
    path.iter().fold(json, |here, key| &here[key])
}

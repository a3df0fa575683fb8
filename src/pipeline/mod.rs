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
mod candidates;
mod column_check;
mod columns;
mod contract;
mod coordinates;
mod document;
mod generator;
mod label;
mod layers;
mod lineage;
mod origin;
mod outside;
mod param_error;
mod parameters;
mod patch;
mod policy;
mod pooled;
mod problem;
mod resolve;
mod resources;
mod rounded;
mod runs;
mod slip;
mod source;
mod spelling;
mod statement;
mod syntax;
mod unused;
mod value;

pub use axis::{Axis, Point};
pub use candidates::{namesakes, pipelines_in};
pub use columns::{ColumnOf, ColumnOrigin, ColumnsOn, TableColumns};
pub(crate) use contract::schema_of;
pub use contract::{
    ArtifactType, BASE_ENVIRONMENT, Cardinality, ColumnKind, ColumnShape, Columns, Context, Device,
    Earlier, Extension, FixedColumn, Given, HOLES, Input, Inputs, Judged, Kind, Label, Labels,
    Monitor, Origin, Outside, Parameters, Port, PortSyntax, Progress, Registry, Scalar, Stage,
    Stop, Surroundings, TableOf, TableShape, Verdict, WARNINGS,
};
pub use coordinates::{ByLabels, Condition, Coordinates, JobName, Selector};
pub use label::{Found, Index, number_in};
pub use lineage::Lineage;
pub use outside::files_at;
pub use param_error::ParamError;
pub(crate) use parameters::{kind_of, options, schema_types};
pub use policy::{Cause, Grow, Keep, Retry};
pub use problem::{Problem, Problems};
pub use resolve::{DEFAULT_PROFILE, Request, read};
pub use resources::{Resources, parse_size, show_count, show_seconds, show_size, show_time};
pub use runs::{InputRuns, RunsOf};
pub use source::{Source, Span};
pub use spelling::{alternatives, nearest};
pub use syntax::repair;
pub use value::{Data, Key, Table, Value};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A valid pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The name of its folder below `outputs/`, and of what is remembered of its runs: its own, and, where not all of it was
    /// asked for as declared, an `@` and what was: `paper@smoke`, `paper@seed=0`.
    pub shown: String,
    /// What it is about.
    pub about: Option<String>,
    /// The project's root, absolute.
    pub root: PathBuf,
    /// What programs see of the environment in any case.
    pub surroundings: BTreeMap<String, Option<String>>,
    /// Its axes, in the order of the file.
    pub axes: Arc<[Axis]>,
    /// Its stages, in the order of the file.
    pub stages: Vec<DeclaredStage>,
    /// What should be said of it though nothing is wrong.
    pub warnings: Vec<Problem>,
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
    /// The axes over which it, or any stage that it comes from, fans out.
    pub above: BTreeSet<String>,
    /// What it leaves.
    pub outputs: Vec<Output>,
    /// Its inputs, by the kind's ports.
    pub inputs: Vec<DeclaredInput>,
    /// Those columns of the table it leaves, if it leaves one, that it leaves whatever it reads.
    pub certain: Vec<String>,
    /// Its instances that this run is about, the first axis slowest.
    pub instances: Vec<Instance>,
}

/// What stands at a port.
#[derive(Debug, Clone)]
pub struct DeclaredInput {
    /// The port.
    pub port: Port,
    /// What it reads there.
    pub reads: Vec<Reads>,
}

/// One thing that a stage leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name and folder in the artifact, where the stage declares what it leaves.
    pub name: Option<String>,
    /// What it is.
    pub artifact: ArtifactType,
    /// The columns of the table that it is, if it is one whose columns depend on the stage and are known.
    pub columns: Option<Vec<ColumnShape>>,
}

/// What a stage reads of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reads {
    /// The stage that is read, by its place in the pipeline.
    pub stage: usize,
    /// Which of its outputs.
    pub output: usize,
    /// What the reader calls it, at a port of names.
    pub name: Option<String>,
}

impl DeclaredStage {
    /// One of its outputs, as people and SQL call it: the stage's name, and that of the output where there are several.
    pub fn output_name(&self, output: usize) -> String {
        match &self.outputs[output].name {
            Some(name) if self.outputs.len() > 1 => format!("{}.{name}", self.name),
            _ => self.name.clone(),
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
    /// The files and directories that its parameters name, absolute, by parameter.
    pub outside: BTreeMap<String, PathBuf>,
    /// The variables of the environment that it names, with their values.
    pub environment: BTreeMap<String, Option<String>>,
    /// What it takes of the machine.
    pub resources: Resources,
    /// Where it computes.
    pub device: Device,
    /// What to do when it fails.
    pub retry: Arc<Retry>,
    /// How long its artifact stays.
    pub keep: Keep,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.coordinates)
    }
}

/// The name of a stage in SQL: `-` becomes `_`.
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
            let mut stages = self.stages.iter().filter(|s| s.name == *selector.stage);
            let selects = stages.any(|stage| {
                let mut instances = stage.instances.iter();
                instances.any(|instance| selector.condition.matches(&instance.coordinates))
            });
            if problems.is_empty() && !selects {
                let problem = Problem::of(format!("`{text}` selects no job"))
                    .help("what it names is excluded, or not kept by the profile or --where");
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            Ok(selectors)
        } else {
            Err(problems.into_sorted())
        }
    }

    /// The axis of this name.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| axis.name() == name)
    }
}

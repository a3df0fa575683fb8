//! The pipeline unrolled: every job, what it reads, and whether it must run.
//!
//! Pure but for reading records and the files that parameters name: nothing here executes, or writes more than what the
//! bytes of a large file were.

mod excerpt;
mod fingerprint;
mod freshness;
mod runs;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::pipeline::{
    Axis, ByLabels, ColumnsOn, Coordinates, Instance, JobName, Kind, Output, Pipeline, Selector,
};
use crate::store::{Artifact, Digest};

pub use fingerprint::{ExternalDigests, Fingerprint, Known, Outside, holes, inputs};
pub use freshness::{Freshness, Reason, assess, assess_by, earlier, reason, shows_tables};
pub use runs::{RunsRead, SameRuns, runs_read};

/// A job: a stage at its coordinates. The DAG's only node type.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// Its stage, by place in the pipeline.
    pub stage: usize,
    /// Its instance, by place in the stage.
    pub instance: usize,
    /// What it reads, port by port, stage by stage.
    pub inputs: Vec<JobInput>,
}

/// The jobs of one stage that a job reads at one port.
#[derive(Debug, Clone)]
pub struct JobInput {
    /// The port's name.
    pub port: &'static str,
    /// What the job calls it, at a port of names.
    pub name: Option<String>,
    /// The stage that is read.
    pub stage: usize,
    /// Which of its outputs.
    pub output: usize,
    /// Its jobs that join; whoever reads the same shares the list.
    pub jobs: Arc<[JobId]>,
}

/// A job's place in the plan.
pub type JobId = usize;

/// The DAG of jobs.
#[derive(Debug)]
pub struct Plan {
    /// The pipeline it was unrolled from.
    pub pipeline: Pipeline,
    /// The jobs, each after those it reads.
    pub jobs: Vec<Job>,
    /// Who reads each job.
    readers: Vec<Vec<JobId>>,
    /// What the coordinates of a stage's jobs are as columns, once somebody asks.
    columns: Vec<OnceLock<ColumnsOn>>,
    /// The jobs by name, once somebody asks.
    names: OnceLock<HashMap<String, JobId>>,
    /// The labels that differ from another one of their axis in nothing but case, once somebody asks.
    alike: OnceLock<HashSet<(Arc<str>, Arc<str>)>>,
}

impl Plan {
    /// Unrolls a pipeline; with selectors, only the jobs they select and what those need.
    pub fn unroll(pipeline: Pipeline, selectors: &[Selector]) -> Self {
        let all = pipeline.stages.iter().map(|stage| stage.instances.len());
        let mut jobs: Vec<Job> = Vec::with_capacity(all.sum());
        let mut of_stage: Vec<std::ops::Range<JobId>> = vec![0..0; pipeline.stages.len()];
        for at in stage_order(&pipeline) {
            let stage = &pipeline.stages[at];
            let mut joining: BTreeMap<usize, ByLabels<Arc<[JobId]>>> = BTreeMap::new();
            for from in stage.inputs.iter().flat_map(|input| &input.reads) {
                joining.entry(from.stage).or_insert_with(|| {
                    let theirs = &pipeline.stages[from.stage].axes;
                    let mut joining: ByLabels<Vec<JobId>> = ByLabels::shared(&stage.axes, theirs);
                    for id in of_stage[from.stage].clone() {
                        joining.entry(&jobs[id].name.coordinates).push(id);
                    }
                    joining.map(Arc::from)
                });
            }
            let read = stage.inputs.iter().map(|input| input.reads.len()).sum();
            let name: Arc<str> = Arc::from(stage.name.as_str());
            let first = jobs.len();
            for (n, instance) in stage.instances.iter().enumerate() {
                let mut inputs = Vec::with_capacity(read);
                for input in &stage.inputs {
                    inputs.extend(input.reads.iter().map(|from| {
                        JobInput {
                            port: input.port.name,
                            name: from.name.clone(),
                            stage: from.stage,
                            output: from.output,
                            jobs: joining[&from.stage]
                                .get(&instance.coordinates)
                                .cloned()
                                .unwrap_or_default(),
                        }
                    }));
                }
                jobs.push(Job {
                    name: JobName {
                        stage: name.clone(),
                        coordinates: instance.coordinates.clone(),
                    },
                    stage: at,
                    instance: n,
                    inputs,
                });
            }
            of_stage[at] = first..jobs.len();
        }
        let plan = Self::of(pipeline, jobs);
        match selectors {
            [] => plan,
            _ => plan.narrowed(selectors),
        }
    }

    fn of(pipeline: Pipeline, jobs: Vec<Job>) -> Self {
        let mut readers = vec![Vec::new(); jobs.len()];
        for (id, job) in jobs.iter().enumerate() {
            for from in job.reads() {
                readers[from].push(id);
            }
        }
        Self {
            columns: pipeline.stages.iter().map(|_| OnceLock::new()).collect(),
            names: OnceLock::new(),
            alike: OnceLock::new(),
            pipeline,
            jobs,
            readers,
        }
    }

    fn narrowed(self, selectors: &[Selector]) -> Self {
        let mut wanted = BTreeSet::new();
        let selected = |id: &JobId| selectors.iter().any(|s| s.matches(&self.jobs[*id].name));
        let mut open: Vec<JobId> = (0..self.jobs.len()).filter(selected).collect();
        while let Some(id) = open.pop() {
            if wanted.insert(id) {
                open.extend(self.reads(id));
            }
        }
        let kept: Vec<JobId> = wanted.into_iter().collect();
        let place = |id: &JobId| {
            kept.binary_search(id)
                .expect("what a wanted job reads is wanted")
        };
        let mut lists: HashMap<*const JobId, Arc<[JobId]>> = HashMap::new();
        let jobs = kept.iter().map(|id| {
            let mut job = self.jobs[*id].clone();
            for input in &mut job.inputs {
                let list = lists.entry(input.jobs.as_ptr());
                let list = list.or_insert_with(|| input.jobs.iter().map(place).collect());
                input.jobs = list.clone();
            }
            job
        });
        let jobs = jobs.collect();
        Self::of(self.pipeline, jobs)
    }

    /// The jobs that a job reads, each once.
    pub fn reads(&self, id: JobId) -> impl Iterator<Item = JobId> {
        self.jobs[id].reads()
    }

    /// The jobs that read a job, each once.
    pub fn readers(&self, id: JobId) -> impl Iterator<Item = JobId> {
        self.readers[id].iter().copied()
    }

    /// The kind of a job.
    pub fn kind(&self, id: JobId) -> &Kind {
        &self.pipeline.stages[self.jobs[id].stage].kind
    }

    /// What a job leaves.
    pub fn outputs(&self, id: JobId) -> &[Output] {
        &self.pipeline.stages[self.jobs[id].stage].outputs
    }

    /// The instance of a job.
    pub fn instance(&self, id: JobId) -> &Instance {
        let job = &self.jobs[id];
        &self.pipeline.stages[job.stage].instances[job.instance]
    }

    /// The job of this name.
    pub fn find(&self, name: &str) -> Option<JobId> {
        let names = self.names.get_or_init(|| {
            let jobs = self.jobs.iter().enumerate();
            jobs.map(|(id, job)| (job.name.to_string(), id)).collect()
        });
        names.get(name).copied()
    }

    /// What of a job's artifact is shown: of each of its outputs the section, the name of its views, and its part.
    pub fn parts<'a>(
        &self,
        id: JobId,
        artifact: &'a Artifact,
    ) -> Vec<(&'static str, String, Cow<'a, Artifact>)> {
        let outputs = self.outputs(id).iter().zip(self.views(id));
        let parts = outputs.map(|(output, name)| {
            let part = match &output.name {
                Some(name) => Cow::Owned(artifact.part(name)),
                None => Cow::Borrowed(artifact),
            };
            (output.artifact.section(), name, part)
        });
        parts.collect()
    }

    /// What the views of each output of a job are called, in the order of its outputs.
    pub fn views(&self, id: JobId) -> Vec<String> {
        let (name, outputs) = (self.view(id), self.outputs(id));
        let names = outputs.iter().map(|output| match &output.name {
            Some(part) if outputs.len() > 1 => format!("{name}.{part}"),
            _ => name.clone(),
        });
        names.collect()
    }

    /// What the views of a job are called: as the job, but that labels which differ in nothing but case have a digest with
    /// them. Many file systems would take their files for one.
    fn view(&self, id: JobId) -> String {
        let alike = self.alike.get_or_init(|| {
            let axes = self.pipeline.axes.iter();
            axes.flat_map(alike).collect()
        });
        let name = &self.jobs[id].name;
        let pairs = name.coordinates.0.iter().map(|pair| {
            if alike.contains(pair) {
                let digest = Digest::of_bytes(pair.1.as_bytes()).short();
                (pair.0.clone(), format!("{}~{digest}", pair.1).into())
            } else {
                pair.clone()
            }
        });
        let name = JobName {
            stage: name.stage.clone(),
            coordinates: Coordinates(pairs.collect()),
        };
        name.to_string()
    }

    /// What the coordinates of a stage's jobs are as columns.
    fn columns(&self, stage: usize) -> &ColumnsOn {
        let axes = &self.pipeline.stages[stage].axes;
        self.columns[stage].get_or_init(|| ColumnsOn::new(&self.pipeline, axes))
    }
}

/// The places on an axis whose labels differ from another in nothing but case.
fn alike(axis: &Axis) -> Vec<(Arc<str>, Arc<str>)> {
    let mut same: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, label) in axis.labels().enumerate() {
        same.entry(label.to_lowercase()).or_default().push(place);
    }
    let same = same.into_values().filter(|places| places.len() > 1);
    same.flatten().map(|place| axis.coordinate(place)).collect()
}

impl Job {
    /// The jobs that it reads, each once.
    fn reads(&self) -> impl Iterator<Item = JobId> {
        let inputs = self.inputs.iter().enumerate();
        // A stage that stands at two ports gives the same jobs to both.
        let first = inputs.filter(|(n, input)| {
            let mut before = self.inputs[..*n].iter();
            before.all(|other| other.stage != input.stage)
        });
        first.flat_map(|(_, input)| input.jobs.iter().copied())
    }
}

/// The stages, each after those it reads.
fn stage_order(pipeline: &Pipeline) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<_> = pipeline.stages.iter().map(|_| graph.add_node(())).collect();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        for from in stage.inputs.iter().flat_map(|input| &input.reads) {
            graph.update_edge(nodes[from.stage], nodes[at], ());
        }
    }
    let order = toposort(&graph, None).expect("a valid pipeline has no circle");
    order.into_iter().map(NodeIndex::index).collect()
}

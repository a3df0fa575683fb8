//! The pipeline unrolled: every job, what it reads, and whether it must run.
//!
//! Pure but for reading records and the files that parameters name: nothing here executes, or writes more than what the
//! bytes of a large file were.

mod fingerprint;
mod freshness;

use std::collections::BTreeSet;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::{Direction, algo::toposort};

use crate::pipeline::{Instance, JobName, Kind, Output, Pipeline, Port, Selector};

pub use fingerprint::{Fingerprint, Outside, inputs, outside};
pub use freshness::{Freshness, Reason, assess, earlier, reason};

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
    /// The port.
    pub port: Port,
    /// The name under which the job finds what it reads there.
    pub name: String,
    /// The stage that is read.
    pub stage: usize,
    /// Which of its outputs.
    pub output: usize,
    /// Its jobs that join.
    pub jobs: Vec<JobId>,
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
    /// Who reads whom; node indices are places in `jobs`.
    graph: DiGraph<JobId, ()>,
}

impl Plan {
    /// Unrolls a pipeline; with selectors, only the jobs they select and what those need.
    pub fn unroll(pipeline: Pipeline, selectors: &[Selector]) -> Plan {
        let order = stage_order(&pipeline);
        let mut jobs: Vec<Job> = Vec::new();
        let mut of_stage: Vec<Vec<JobId>> = vec![Vec::new(); pipeline.stages.len()];
        for at in order {
            let stage = &pipeline.stages[at];
            for (n, instance) in stage.instances.iter().enumerate() {
                let inputs = stage.inputs.iter().flat_map(|input| {
                    input.from.iter().map(|from| JobInput {
                        port: input.port,
                        name: input.name.clone(),
                        stage: from.stage,
                        output: from.output,
                        jobs: of_stage[from.stage]
                            .iter()
                            .copied()
                            .filter(|id| jobs[*id].name.coordinates.joins(&instance.coordinates))
                            .collect(),
                    })
                });
                let job = Job {
                    name: JobName {
                        stage: stage.name.clone(),
                        coordinates: instance.coordinates.clone(),
                    },
                    stage: at,
                    instance: n,
                    inputs: inputs.collect(),
                };
                of_stage[at].push(jobs.len());
                jobs.push(job);
            }
        }
        let plan = Plan::of(pipeline, jobs);
        match selectors {
            [] => plan,
            _ => plan.narrowed(selectors),
        }
    }

    fn of(pipeline: Pipeline, jobs: Vec<Job>) -> Plan {
        let mut graph = DiGraph::new();
        for id in 0..jobs.len() {
            graph.add_node(id);
        }
        for (id, job) in jobs.iter().enumerate() {
            for from in job.inputs.iter().flat_map(|input| &input.jobs) {
                graph.update_edge(NodeIndex::new(*from), NodeIndex::new(id), ());
            }
        }
        Plan {
            pipeline,
            jobs,
            graph,
        }
    }

    fn narrowed(self, selectors: &[Selector]) -> Plan {
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
        let jobs = kept.iter().map(|id| {
            let mut job = self.jobs[*id].clone();
            for input in &mut job.inputs {
                input.jobs = input.jobs.iter().map(place).collect();
            }
            job
        });
        let jobs = jobs.collect();
        Plan::of(self.pipeline, jobs)
    }

    /// The jobs that a job reads.
    pub fn reads(&self, id: JobId) -> impl Iterator<Item = JobId> {
        self.neighbours(id, Direction::Incoming)
    }

    /// The jobs that read a job.
    pub fn readers(&self, id: JobId) -> impl Iterator<Item = JobId> {
        self.neighbours(id, Direction::Outgoing)
    }

    fn neighbours(&self, id: JobId, direction: Direction) -> impl Iterator<Item = JobId> {
        let nodes = self.graph.neighbors_directed(NodeIndex::new(id), direction);
        nodes.map(NodeIndex::index)
    }

    /// The kind of a job.
    pub fn kind(&self, id: JobId) -> &Kind {
        &self.pipeline.stages[self.jobs[id].stage].kind
    }

    /// What a job leaves.
    pub fn outputs(&self, id: JobId) -> &[Output] {
        &self.pipeline.stages[self.jobs[id].stage].outputs
    }

    /// What one of the artifacts that a job leaves is called: by the job's name, or `stage.output[…]`.
    pub fn output_name(&self, id: JobId, output: usize) -> String {
        let job = &self.jobs[id];
        let name = JobName {
            stage: self.pipeline.stages[job.stage].output_name(output),
            coordinates: job.name.coordinates.clone(),
        };
        name.to_string()
    }

    /// The instance of a job.
    pub fn instance(&self, id: JobId) -> &Instance {
        let job = &self.jobs[id];
        &self.pipeline.stages[job.stage].instances[job.instance]
    }

    /// The job of this name.
    pub fn find(&self, name: &str) -> Option<JobId> {
        self.jobs
            .iter()
            .position(|job| job.name.to_string() == name)
    }
}

/// The stages, each after those it reads.
fn stage_order(pipeline: &Pipeline) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<_> = pipeline.stages.iter().map(|_| graph.add_node(())).collect();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        for from in stage.inputs.iter().flat_map(|input| &input.from) {
            graph.update_edge(nodes[from.stage], nodes[at], ());
        }
    }
    let order = toposort(&graph, None).expect("a valid pipeline has no circle");
    order.into_iter().map(NodeIndex::index).collect()
}

//! Where the inputs of a stage come from: what a stage can know of them before anything runs.
//!
//! A stage sees its own parameters when it is checked. Much of what can be wrong lies between it and the stages that it
//! reads, so it is also shown the instances at its ports, with their parameters, and theirs in turn.

use std::any::Any;
use std::collections::BTreeSet;
use std::path::Path;

use super::contract::{Cardinality, Given, Origin};
use super::param_error::ParamError;
use super::problem::{Problem, Problems};
use super::source::Span;
use super::{DeclaredStage, Instance, Pipeline};

/// An instance of a pipeline's stage.
struct Place<'a> {
    pipeline: &'a Pipeline,
    stage: &'a DeclaredStage,
    /// Which of the stage's instances it is.
    number: usize,
    instance: &'a Instance,
}

impl Origin for Place<'_> {
    fn name(&self) -> &str {
        &self.stage.name
    }

    fn parameters(&self) -> &dyn Any {
        self.instance.parameters.stage()
    }

    fn outside(&self, parameter: &str) -> Option<&Path> {
        self.instance.outside.get(parameter).map(|path| &**path)
    }

    fn at(&self, port: &str) -> Option<Box<dyn Origin + '_>> {
        let input = self.stage.inputs.iter().find(|i| i.port.name == port)?;
        let [from] = &input.reads[..] else {
            return None;
        };
        if input.port.cardinality != Cardinality::One {
            return None;
        }
        let stage = self.pipeline.stages.get(from.stage)?;
        let joins = |number: &usize| {
            let theirs = stage.instances.get(*number);
            theirs.is_some_and(|theirs| theirs.coordinates.joins(&self.instance.coordinates))
        };
        // Where both have the same axes, it has the same place.
        let mut numbers = std::iter::once(self.number).chain(0..stage.instances.len());
        let number = numbers.find(joins)?;
        Some(Box::new(Place {
            pipeline: self.pipeline,
            stage,
            number,
            instance: &stage.instances[number],
        }))
    }

    fn given(&self, port: &str) -> Vec<Given> {
        let inputs = self.stage.inputs.iter().filter(|i| i.port.name == port);
        let mut given = Vec::new();
        for reads in inputs.flat_map(|input| &input.reads) {
            let Some(stage) = self.pipeline.stages.get(reads.stage) else {
                continue;
            };
            let output = &stage.outputs[reads.output];
            let joining = stage.instances.iter();
            let joining =
                joining.filter(|theirs| theirs.coordinates.joins(&self.instance.coordinates));
            given.extend(joining.map(|theirs| Given {
                name: stage.output_name(reads.output),
                place: theirs.coordinates.beyond(&self.stage.axes),
                artifact: output.artifact,
                files: theirs.parameters.files(output.name.as_deref()),
            }));
        }
        given
    }

    fn stages(&self) -> Vec<&str> {
        let stages = self.pipeline.stages.iter();
        stages.map(|stage| stage.name.as_str()).collect()
    }
}

/// Shows every instance its origins. `variants` are those of the instances of each stage, and `place` tells where what a
/// error is about stands.
pub(super) fn check(
    pipeline: &Pipeline,
    variants: &[Vec<usize>],
    place: impl Fn(usize, usize, &ParamError) -> Span,
    problems: &mut Problems,
) {
    for (at, stage) in pipeline.stages.iter().enumerate() {
        // What is wrong at many coordinates is told once.
        let mut told = BTreeSet::new();
        for (number, (instance, variant)) in stage.instances.iter().zip(&variants[at]).enumerate() {
            let here = Place {
                pipeline,
                stage,
                number,
                instance,
            };
            for param_error in instance.parameters.check_origins(&here) {
                let within = param_error.span.as_ref().map(|span| span.range.start);
                let what = (param_error.parameter.clone(), param_error.message.clone());
                if !told.insert((what, within)) {
                    continue;
                }
                let problem = Problem::at(&place(at, *variant, &param_error), &param_error.message);
                problems.push(problem.maybe_help(param_error.help));
            }
        }
    }
}

//! Where the inputs of a stage come from: what a stage can know of them before anything runs.
//!
//! A stage sees its own parameters when it is checked. Much of what can be wrong lies between it and the stages that it
//! reads, so it is also shown the instances at its ports, with their parameters, and theirs in turn.

use std::any::Any;
use std::collections::BTreeSet;
use std::path::Path;

use super::complaint::Complaint;
use super::contract::{Origin, Takes};
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
        if input.port.takes != Takes::One {
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
}

/// Shows every instance its origins. `variants` are those of the instances of each stage, and `place` tells where what a
/// complaint is about stands.
pub(super) fn check(
    pipeline: &Pipeline,
    variants: &[Vec<usize>],
    place: impl Fn(usize, usize, &Complaint) -> Span,
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
            for complaint in instance.parameters.check_origins(&here) {
                if !told.insert((complaint.parameter.clone(), complaint.message.clone())) {
                    continue;
                }
                let problem = Problem::at(&place(at, *variant, &complaint), &complaint.message);
                problems.push(problem.maybe_help(complaint.help));
            }
        }
    }
}

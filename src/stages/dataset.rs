//! `dataset`: path-star graphs that were drawn elsewhere, from text files.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::task::VALIDATION;
use crate::learn::task::imported::{self, Overlap, Validation};
use crate::pipeline::{
    ArtifactType, Context, Outside, ParamError, Port, Progress, Resources, Stage, Stop,
};

/// Reads path-star graphs from text files.
///
/// The format is that of the data released with Bachmann & Nagarajan (2024), one example a line: edges, start and goal, path. For
/// example, `32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,12=32,34,6,16,12`.
///
/// Degree and path length are those of the first line. Every line is checked, and a wrong file is refused. A result depends on
/// what is in the files, not on where they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The file with the examples to learn from; from the project's root, unless it is absolute.
    #[schemars(length(min = 1))]
    train: String,
    /// The file with the examples to test with.
    #[schemars(length(min = 1))]
    test: String,
    /// The file with the examples that a training looks at while it runs; without it, some to learn from are held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    validation: Option<String>,
    /// How many questions of the file to learn from are held out for validation where that has no file of its own, 512 without
    /// it; 0 for none. They are no questions of the test, and are not learnt from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100_000_000))]
    held_out: Option<u64>,
    /// Seed of the choice of what is held out.
    #[serde(default)]
    seed: u64,
    /// Values a node's label can take, 50 for most of the released files; without it, the largest label in any file and one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 1_000_000))]
    nodes: Option<u32>,
    /// What to do if a question is in two of the files.
    #[serde(default)]
    overlap: Overlap,
}

impl Files {
    /// Whether there are no validation examples.
    pub(super) fn holds_out_none(&self) -> bool {
        self.validation.is_none() && self.held_out == Some(0)
    }
}

impl Stage for Files {
    const KIND: &'static str = "dataset";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Dataset;
    const PORTS: &'static [Port] = &[];

    fn resources() -> Resources {
        // Lines are read side by side.
        Resources {
            cores: 4,
            ..Resources::default()
        }
    }

    fn reads(&self) -> Vec<Outside> {
        let files = [
            ("train", Some(&self.train)),
            ("test", Some(&self.test)),
            ("validation", self.validation.as_ref()),
        ];
        let files = files.into_iter().filter_map(|(parameter, path)| {
            path.map(|path| Outside {
                parameter: parameter.into(),
                path: path.clone(),
            })
        });
        files.collect()
    }

    fn param_errors(&self) -> Vec<ParamError> {
        if self.validation.is_none() || self.held_out.is_none() {
            return Vec::new();
        }
        let why = "`validation` names a file, so nothing is held out; leave `held_out` or `validation` out";
        vec![ParamError::new("held_out", why)]
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let progress = |done| Progress {
            done,
            total: done,
            unit: "examples".into(),
            metrics: Vec::new(),
        };
        job.progress(progress(0))?;
        let cancelled = || job.monitor.cancelled();
        let (train, test) = (file(job, "train")?, file(job, "test")?);
        let validation = match &self.validation {
            Some(_) => Validation::File(file(job, "validation")?),
            None => Validation::HeldOut {
                count: self.held_out.unwrap_or(VALIDATION),
                seed: self.seed,
            },
        };
        let (nodes, overlap) = (self.nodes, self.overlap);
        let dataset = imported::read(train, test, validation, nodes, overlap, &cancelled);
        let dataset = match dataset {
            Err(_) if cancelled() => return Err(Stop::Cancelled),
            dataset => dataset?,
        };
        dataset.save(job.out)?;
        job.progress(progress(dataset.count() as u64))
    }
}

/// Where the file lies that a parameter names.
pub(super) fn file<'a>(job: &'a Context<'_>, parameter: &str) -> Result<&'a Path, Stop> {
    match job.outside.get(parameter) {
        Some(path) => Ok(path),
        None => Err(Stop::failed(format!("`{parameter}` names no file"))),
    }
}

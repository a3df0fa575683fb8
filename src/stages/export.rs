//! `export`: a dataset in, its examples as text out.

use std::fs::File;
use std::io::{BufWriter, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::task::Dataset;
use crate::pipeline::{
    ArtifactType, Cardinality, Context, Port, PortSyntax, Progress, Stage, Stop,
};

/// Writes the examples of a dataset as text.
///
/// The files are `train.txt`, `test.txt` and `validation.txt`, one example a line, in the notation of the paper. For path-star
/// graphs this is the format of the released data. The kind `dataset` reads it, and other programs do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {}

/// Lines written between two looks at whether to stop.
const AT_ONCE: usize = 4096;

impl Stage for Export {
    const KIND: &'static str = "export";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::File;
    const PORTS: &'static [Port] = &[Port {
        name: "data",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Dataset],
        syntax: PortSyntax::One,
        doc: "the dataset to write",
    }];

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let total = dataset.count() as u64;
        let mut done = 0;
        let task = dataset.task.contract();
        for (name, examples) in dataset.splits() {
            let path = job.out.join(format!("{name}.txt"));
            let mut file = BufWriter::new(File::create(path)?);
            for (index, (prefix, target)) in examples.iter().enumerate() {
                if index.is_multiple_of(AT_ONCE) {
                    job.progress(Progress {
                        done,
                        total,
                        unit: "examples".into(),
                        metrics: Vec::new(),
                    })?;
                }
                writeln!(file, "{}", task.render(prefix, target))?;
                done += 1;
            }
            file.flush()?;
        }
        Ok(())
    }
}

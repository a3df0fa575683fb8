//! `path-star`: draws the graphs of the paper's planning task.

use crate::learn::task::Contract;
use crate::learn::task::path_star::PathStar;
use crate::pipeline::{ArtifactType, Complaint, Context, Port, Progress, Resources, Stage, Stop};

impl Stage for PathStar {
    const KIND: &'static str = "path-star";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Dataset;
    const PORTS: &'static [Port] = &[];

    fn resources() -> Resources {
        // Examples are drawn side by side; the same ones on any number of cores.
        Resources {
            cores: 4,
            ..Resources::default()
        }
    }

    fn complaints(&self) -> Vec<Complaint> {
        let problems = self.problems().into_iter();
        problems
            .map(|(name, why)| Complaint::new(name, why))
            .collect()
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let total = self.train + self.test;
        let progress = |done| Progress {
            done,
            total,
            unit: "examples".into(),
            metrics: Vec::new(),
        };
        job.progress(progress(0))?;
        let dataset = match self.generate(&|| job.monitor.cancelled()) {
            Err(_) if job.monitor.cancelled() => return Err(Stop::Cancelled),
            dataset => dataset?,
        };
        dataset.save(job.out)?;
        job.progress(progress(total))
    }
}

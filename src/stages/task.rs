//! The tasks that draw their examples, each a kind: `path-star` and its like. Parameters in, a dataset out.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::learn::task::Drawn;
use crate::pipeline::{ArtifactType, Context, ParamError, Port, Progress, Resources, Stage, Stop};

impl<T> Stage for T
where
    T: Drawn + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static,
{
    const KIND: &'static str = T::KIND;
    const VERSION: u32 = T::VERSION;
    const OUTPUT: ArtifactType = ArtifactType::Dataset;
    const PORTS: &'static [Port] = &[];

    fn resources() -> Resources {
        // Examples are drawn side by side; the same ones on any number of cores.
        Resources {
            cores: 4,
            ..Resources::default()
        }
    }

    fn param_errors(&self) -> Vec<ParamError> {
        let problems = self.problems().into_iter();
        problems
            .map(|(name, why)| ParamError::new(name, why))
            .collect()
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let progress = |done, total| Progress {
            done,
            total,
            unit: "examples".into(),
            metrics: Vec::new(),
        };
        // How many there will be only the task knows.
        job.progress(progress(0, 0))?;
        let dataset = match self.generate(&|| job.monitor.cancelled()) {
            Err(_) if job.monitor.cancelled() => return Err(Stop::Cancelled),
            dataset => dataset?,
        };
        dataset.save(job.out)?;
        let all = dataset.count() as u64;
        job.progress(progress(all, all))
    }
}

//! `train`: a dataset in, a model and its learning curve out.

use std::ops::ControlFlow;

use polars::prelude::df;

use crate::figures::table;
use crate::learn::device::DeviceChoice;
use crate::learn::task::Dataset;
use crate::learn::training::{self, Places, Settings};
use crate::pipeline::{
    ArtifactType, Complaint, Context, Device, Port, Progress, Resources, Stage, Stop, Takes,
};

impl Stage for Settings {
    const KIND: &'static str = "train";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Model;
    const PORTS: &'static [Port] = &[Port {
        name: "data",
        takes: Takes::One,
        accepts: &[ArtifactType::Dataset],
        many: false,
        doc: "the dataset to learn from",
    }];
    const USES_DEVICE: bool = true;

    fn resources() -> Resources {
        // Several trainings with one core each get more done than one with several.
        Resources {
            cores: 1,
            memory: 2_000_000_000,
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
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let device = choice(job.device).open()?;
        let mut observe = |moment: &training::Moment<'_>| {
            let now = moment.progress;
            let mut metrics = vec![("loss".to_string(), now.loss)];
            metrics.extend(now.exact.map(|exact| ("exact".to_string(), exact)));
            let progress = Progress {
                done: now.step,
                total: now.steps,
                unit: "steps".into(),
                metrics,
            };
            match job.progress(progress) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let trained =
            match training::train(&dataset, self, &device, &Places::default(), &mut observe) {
                Err(training::Error::Cancelled) => return Err(Stop::Cancelled),
                trained => trained?,
            };
        trained.learner.save(job.out)?;
        let curve = &trained.curve;
        let curve = df!(
            "step" => curve.iter().map(|row| row.step as i64).collect::<Vec<_>>(),
            "loss" => curve.iter().map(|row| row.loss).collect::<Vec<_>>(),
            "learning_rate" => curve.iter().map(|row| row.lr).collect::<Vec<_>>(),
            "exact" => curve.iter().map(|row| row.exact).collect::<Vec<_>>(),
        )?;
        table::write(&curve, &job.out.join("curve.parquet"))?;
        let forced = &trained.forced;
        let positions = df!(
            "step" => forced.iter().map(|row| row.step as i64).collect::<Vec<_>>(),
            "position" => forced.iter().map(|row| i64::from(row.position)).collect::<Vec<_>>(),
            "accuracy" => forced.iter().map(|row| row.accuracy).collect::<Vec<_>>(),
        )?;
        table::write(&positions, &job.out.join("positions.parquet"))?;
        Ok(())
    }
}

/// The learning wing's word for a device.
pub(super) fn choice(device: Device) -> DeviceChoice {
    match device {
        Device::Auto => DeviceChoice::Auto,
        Device::Cpu => DeviceChoice::Cpu,
        Device::Cuda => DeviceChoice::Cuda,
    }
}

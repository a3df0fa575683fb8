//! `train`: a dataset in, a model and its learning curve out.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use polars::prelude::df;

use super::upstream;
use crate::figures::table;
use crate::learn::device::{self, DeviceChoice};
use crate::learn::model::Architecture;
use crate::learn::task::Dataset;
use crate::learn::training::{self, ResumeSources, Settings, Start, StateFiles, state};
use crate::pipeline::{
    ArtifactType, Cardinality, Context, Device, Extension, Origin, Outside, ParamError, Port,
    PortSyntax, Progress, Resources, Stage, Stop,
};

impl Stage for Settings {
    const KIND: &'static str = "train";
    const VERSION: u32 = 4;
    const OUTPUT: ArtifactType = ArtifactType::Model;
    const PORTS: &'static [Port] = &[Port {
        name: "data",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Dataset],
        syntax: PortSyntax::One,
        doc: "the dataset to learn from",
    }];
    const USES_DEVICE: bool = true;
    const TAKES_CARD: bool = device::BUILT;

    fn resources() -> Resources {
        // Several trainings with one core each get more done than one with several.
        Resources {
            cores: 1,
            memory: 2_000_000_000,
            ..Resources::default()
        }
    }

    fn param_errors(&self) -> Vec<ParamError> {
        let problems = self.problems().into_iter();
        problems
            .map(|(name, why)| ParamError::new(name, why))
            .collect()
    }

    fn extends(&self) -> Option<Extension> {
        let (length, unit) = match (self.steps, self.epochs) {
            (Some(steps), _) => (steps, "steps"),
            (None, Some(epochs)) => (epochs, "epochs"),
            (None, None) => return None,
        };
        self.schedule.is_endless().then_some(Extension {
            length,
            unit,
            without: &["steps", "epochs"],
        })
    }

    fn saves(&self) -> bool {
        true
    }

    fn reads(&self) -> Vec<Outside> {
        match &self.architecture {
            Architecture::Pretrained(pretrained) => vec![Outside {
                parameter: PRETRAINED.into(),
                path: pretrained.path.clone(),
            }],
            _ => Vec::new(),
        }
    }

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        let mut problems = Vec::new();
        if let Some(data) = upstream::data(here, "data") {
            if let Some(shape) = data.shape {
                problems.extend(self.fit_shape(shape));
            }
            problems.extend(self.fit_fixed(data.fixed));
            if data.is_unlooked {
                problems.extend(self.unlooked());
            }
        }
        let mut param_errors: Vec<ParamError> = problems
            .into_iter()
            .map(|(name, why)| ParamError::new(name, why))
            .collect();
        if let Architecture::Pretrained(pretrained) = &self.architecture
            && let Some(path) = here.outside(PRETRAINED)
            && let Err(why) = pretrained.supported(path)
        {
            param_errors.push(ParamError::new(PRETRAINED, why));
        }
        param_errors
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let dataset = Dataset::load(job.one("data")?.file("dataset.safetensors")?)?;
        let device = choice(job).open()?;
        let mut saved = Instant::now();
        let mut pause = PACE;
        let mut problem = None;
        let mut told = false;
        let mut tell = |start: &Start| {
            if !std::mem::replace(&mut told, true) {
                start
                    .warnings()
                    .iter()
                    .for_each(|line| job.monitor.warns(line));
            }
        };
        let mut observe = |moment: &training::StepReport<'_>| {
            tell(moment.start);
            let now = moment.progress;
            let mut metrics = Vec::new();
            // Before the first step of this attempt there is none.
            if now.loss.is_finite() {
                metrics.push(("loss".to_string(), now.loss));
            }
            metrics.extend(now.exact.map(|exact| ("exact".to_string(), exact)));
            let progress = Progress {
                done: now.step,
                total: now.steps,
                unit: "steps".into(),
                metrics,
            };
            let stop = job.progress(progress.clone()).is_err();
            if now.step > 0 && (stop || saved.elapsed() >= pause) {
                let begun = Instant::now();
                let state = moment.state().map_err(|error| error.to_string());
                let kept = state.and_then(|state| {
                    state::save(&state, job.checkpoint).map_err(|error| error.to_string())
                });
                if kept.is_ok() {
                    job.monitor.saved(progress);
                }
                problem = kept.err();
                saved = Instant::now();
                pause = pause_after(saved - begun);
            }
            // One that cannot save has ever more to lose: it ends, and goes on from what it saved before.
            if stop || problem.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let mut states: Vec<StateFiles> = state::checkpoints(job.checkpoint)
            .iter()
            .map(|place| StateFiles::of(place))
            .collect();
        if let Some(earlier) = job.earlier
            && let (Some(facts), Some(tensors)) = (
                earlier.files.get(state::FACTS),
                earlier.files.get(state::TENSORS),
            )
        {
            states.push(StateFiles {
                facts: facts.clone(),
                tensors: tensors.clone(),
            });
        }
        let places = ResumeSources {
            states,
            pretrained: job.outside.get(PRETRAINED).map(PathBuf::as_path),
        };
        let trained = training::train(&dataset, self, &device, &places, &mut observe);
        let trained = match (trained, problem) {
            (Err(training::Error::Cancelled), _) if job.monitor.cancelled() => {
                return Err(Stop::Cancelled);
            }
            (Err(training::Error::Cancelled), Some(problem)) => {
                let message = format!("the training cannot save where it stands: {problem}");
                return Err(Stop::failed(message));
            }
            (trained, _) => trained?,
        };
        // One that was at its end had nothing more to observe.
        tell(&trained.start);
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
        if let Some(state) = &trained.state {
            state.write(job.out)?;
        }
        Ok(())
    }
}

/// The parameter that names a published model.
const PRETRAINED: &str = "architecture.path";

/// The least time between two checkpoints: where saving is cheap, no more than this is lost to a kill.
const PACE: Duration = Duration::from_secs(30);

/// How many times as long as it takes to save a training goes on before it saves again: saving takes a twentieth of the time.
const BETWEEN: u32 = 19;

/// The time until the next checkpoint, after one that took so long to save.
fn pause_after(saving: Duration) -> Duration {
    PACE.max(saving.saturating_mul(BETWEEN))
}

/// The learning wing's word for a job's device. One that has a card computes on it: its record says so.
pub(super) fn choice(job: &Context<'_>) -> DeviceChoice {
    let has_card = job.cards.is_some_and(|cards| !cards.is_empty());
    match job.device {
        Device::Auto if has_card => DeviceChoice::Cuda,
        Device::Auto => DeviceChoice::Auto,
        Device::Cpu => DeviceChoice::Cpu,
        Device::Cuda => DeviceChoice::Cuda,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saving_takes_at_most_a_twentieth_of_the_time() {
        let seconds = |saving| {
            let saving = Duration::from_secs_f64(saving);
            pause_after(saving).as_secs_f64()
        };
        assert_eq!(seconds(0.0), 30.0);
        assert_eq!(seconds(1.5), 30.0);
        for saving in [2.0, 60.0, 3600.0] {
            let share = saving / (saving + seconds(saving));
            assert!((share - 0.05).abs() < 1e-9, "{share}");
        }
        assert_eq!(pause_after(Duration::MAX), Duration::MAX);
    }
}

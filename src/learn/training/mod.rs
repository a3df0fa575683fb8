//! Training: a dataset and settings in, a learner and its curves out.
//!
//! The same dataset and settings give the same weights to the bit on one class of device, whatever the number of
//! threads. Batches run through shuffled epochs (each from the stream `shuffle/<epoch>`) without a gap: the last examples
//! of an epoch share a batch with the first of the next, so every batch is full.

use crate::learn::decoding::{self, Decoding};
use crate::learn::learner::{self, Card, Learner};
use crate::learn::model::Architecture;
use crate::learn::objective::Objective;
use crate::learn::task::Dataset;
use crate::learn::{Problem, accuracy, random};
use candle_core::{DType, Device};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

pub mod optimizer;
pub mod schedule;

use optimizer::{Memory, Optimizer};
use schedule::Schedule;

/// Trains a model on a dataset: leaves its weights, and over the steps its loss, exact match and forced accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The model.
    pub architecture: Architecture,
    /// How it is taught.
    pub objective: Objective,
    /// How gradients move its weights.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// How the learning rate changes over the training.
    #[serde(default)]
    pub schedule: Schedule,
    /// Examples in a step.
    #[serde(default = "batch")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch: u32,
    /// Length of the training in steps; give this or `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub steps: Option<u64>,
    /// Length of the training in passes over all training examples, rounded up to a whole step; give this or `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub epochs: Option<u64>,
    /// Steps between two evaluations; without it, 20 evaluations over the training. The last step always ends in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub evaluate_every: Option<u64>,
    /// Test examples looked at in an evaluation, the first so many; 0 for none.
    #[serde(default = "evaluate_on")]
    pub evaluate_on: u64,
    /// The largest norm of all gradients together; longer ones are scaled down to it. Without it, none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub clip: Option<f64>,
    /// Seed of the first weights and of the order of the examples.
    #[serde(default)]
    pub seed: u64,
}

fn batch() -> u32 {
    256
}

fn evaluate_on() -> u64 {
    512
}

/// Evaluations over a training where `evaluate_every` is not given.
const EVALUATIONS: u64 = 20;

/// Rows of the loss curve, beside those of the evaluations.
const ROWS: u64 = 100;

/// Examples read at once in an evaluation.
const EVALUATION_BATCH: usize = 128;

impl Settings {
    /// What is wrong with them, with dotted names; empty where nothing is. Needs no dataset; [`Settings::fit`] does.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |name: String, why: String| problems.push((name, why));
        for (name, why) in self.architecture.contract().problems() {
            add(format!("architecture.{name}"), why);
        }
        for (name, why) in self.objective.contract().problems(None) {
            add(format!("objective.{name}"), why);
        }
        for (name, why) in self.optimizer.problems() {
            add(format!("optimizer.{name}"), why);
        }
        for (name, why) in self.schedule.problems() {
            add(format!("schedule.{name}"), why);
        }
        if !(1..=1_000_000).contains(&self.batch) {
            add(
                "batch".to_owned(),
                format!("{} examples a step are not from 1 to 1000000", self.batch),
            );
        }
        match (self.steps, self.epochs) {
            (None, None) => add(
                "steps".to_owned(),
                "how long is the training? give `steps` or `epochs`".to_owned(),
            ),
            (Some(_), Some(_)) => add(
                "epochs".to_owned(),
                "give `steps` or `epochs`, not both".to_owned(),
            ),
            _ => {}
        }
        for (name, value) in [
            ("steps", self.steps),
            ("epochs", self.epochs),
            ("evaluate_every", self.evaluate_every),
        ] {
            if value == Some(0) {
                add(name.to_owned(), format!("`{name}` must be at least 1"));
            }
        }
        if let Some(clip) = self.clip.filter(|&clip| !(clip > 0.0 && clip.is_finite())) {
            add(
                "clip".to_owned(),
                format!("a largest norm of {clip} is not above 0"),
            );
        }
        problems
    }

    /// What is wrong with them for this dataset; empty where nothing is.
    #[must_use]
    pub fn fit(&self, dataset: &Dataset) -> Vec<Problem> {
        let mut problems = self.problems();
        if problems.is_empty() {
            problems =
                Card::new(self.architecture.clone(), self.objective.clone(), dataset).problems();
        }
        if dataset.train.is_empty() {
            problems.push((
                "train".to_owned(),
                "the dataset has no example to learn from".to_owned(),
            ));
        }
        problems
    }

    /// The length of the training in steps, for so many training examples.
    #[must_use]
    pub fn steps_over(&self, examples: usize) -> u64 {
        match (self.steps, self.epochs) {
            (Some(steps), _) => steps,
            (None, Some(epochs)) => {
                let total = u128::from(epochs) * examples as u128;
                u64::try_from(total.div_ceil(u128::from(self.batch.max(1)))).unwrap_or(u64::MAX)
            }
            (None, None) => 0,
        }
    }
}

/// Where a training stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps of the whole training.
    pub steps: u64,
    /// Loss of the last batch, in nats.
    pub loss: f64,
    /// Exact match of the latest evaluation, 0 to 1; none before the first.
    pub exact: Option<f64>,
}

/// A row of the learning curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveRow {
    /// Steps done.
    pub step: u64,
    /// Mean loss over the batches since the row before, in nats.
    pub loss: f64,
    /// Learning rate of the last of them.
    pub lr: f64,
    /// Exact match on the first test examples, decoding greedily, 0 to 1; none where this row is no evaluation.
    pub exact: Option<f64>,
}

/// How well one target position was predicted at an evaluation from the inputs the objective teaches with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForcedRow {
    /// Steps done.
    pub step: u64,
    /// Position in the target in natural order, from 1, the start.
    pub position: u32,
    /// Share of the first test examples, 0 to 1.
    pub accuracy: f64,
}

/// What a training leaves.
#[derive(Debug)]
pub struct Trained {
    /// The learner with its last weights.
    pub learner: Learner,
    /// Loss, learning rate and exact match over the training.
    pub curve: Vec<CurveRow>,
    /// Forced accuracy by position over the training.
    pub forced: Vec<ForcedRow>,
}

/// Why a training ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings contradict themselves or the dataset.
    #[error("the training is impossible: {}", .0.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "))]
    Settings(Vec<Problem>),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The loss is no number any more.
    #[error(
        "the loss became {loss} at step {step}: the training diverged; a lower `lr`, a longer `warmup` or a `clip` may help"
    )]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// What the loss was.
        loss: f64,
    },
    /// The learner could not be made.
    #[error(transparent)]
    Learner(#[from] learner::Error),
    /// A computation failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
}

impl From<decoding::Error> for Error {
    fn from(error: decoding::Error) -> Self {
        match error {
            decoding::Error::Cancelled => Self::Cancelled,
            decoding::Error::Problems(problems) => Self::Settings(problems),
            decoding::Error::Compute(error) => Self::Compute(error),
        }
    }
}

/// The order in which examples are shown: an endless run of shuffled epochs.
struct Order {
    seed: u64,
    epoch: u64,
    place: usize,
    order: Vec<usize>,
}

impl Order {
    fn new(seed: u64, examples: usize) -> Self {
        let mut order = Self {
            seed,
            epoch: 0,
            place: 0,
            order: (0..examples).collect(),
        };
        order.shuffle();
        order
    }

    fn shuffle(&mut self) {
        self.order.sort_unstable();
        random::shuffle(
            &mut random::stream(self.seed, &format!("shuffle/{}", self.epoch)),
            &mut self.order,
        );
    }

    fn take(&mut self, count: usize) -> Vec<usize> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            if self.place == self.order.len() {
                self.epoch += 1;
                self.place = 0;
                self.shuffle();
            }
            let more = (count - taken.len()).min(self.order.len() - self.place);
            taken.extend_from_slice(&self.order[self.place..self.place + more]);
            self.place += more;
        }
        taken
    }
}

/// Makes the allocator keep freed memory for the next step, where it can learn to.
///
/// A step frees all it allocated. The allocator of glibc would give that back to the kernel and fault every page in
/// anew, a quarter of a small model's time; once it saw a block of this size come and go, it keeps as much. The block
/// is never touched, so it costs nothing, and elsewhere it does nothing.
fn keep_memory() {
    drop(std::hint::black_box(vec![0u8; 31 << 20]));
}

/// Trains a fresh learner. `observe` hears of every step and may stop the training.
///
/// # Errors
/// [`Error::Settings`] where [`Settings::fit`] finds problems, [`Error::Cancelled`] once `observe` breaks,
/// [`Error::Diverged`] once the loss is not finite.
pub fn train(
    dataset: &Dataset,
    settings: &Settings,
    device: &Device,
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, Error> {
    let problems = settings.fit(dataset);
    if !problems.is_empty() {
        return Err(Error::Settings(problems));
    }
    keep_memory();
    let card = Card::new(
        settings.architecture.clone(),
        settings.objective.clone(),
        dataset,
    );
    let learner = Learner::new(card, settings.seed, DType::F32, device)?;
    let mut memory = Memory::new(&settings.optimizer, learner.parameters())?;
    let steps = settings.steps_over(dataset.train.len());
    let evaluate_every = settings
        .evaluate_every
        .unwrap_or(steps.div_ceil(EVALUATIONS))
        .max(1);
    let record_every = steps.div_ceil(ROWS).max(1);
    let looked_at = dataset
        .test
        .first(usize::try_from(settings.evaluate_on).unwrap_or(usize::MAX));
    let mut order = Order::new(settings.seed, dataset.train.len());
    let (mut curve, mut forced) = (Vec::new(), Vec::new());
    let (mut total, mut counted, mut exact) = (0.0, 0u32, None);
    for step in 1..=steps {
        let batch = learner.batch(&dataset.train, &order.take(settings.batch as usize));
        let loss = learner.loss(&batch)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            return Err(Error::Diverged { step, loss: value });
        }
        let lr = settings.optimizer.lr() * settings.schedule.share(step, steps);
        memory.step(learner.parameters(), &loss.backward()?, lr, settings.clip)?;
        total += value;
        counted += 1;
        let evaluate =
            !looked_at.is_empty() && (step.is_multiple_of(evaluate_every) || step == steps);
        if evaluate {
            let mut stop = |_, _| {
                observe(Progress {
                    step,
                    steps,
                    loss: value,
                    exact,
                })
            };
            let answers = decoding::decode(
                &learner,
                &looked_at,
                &Decoding::Greedy,
                EVALUATION_BATCH,
                &mut stop,
            )?;
            exact = Some(answers.exact_match());
            let by_position = accuracy::forced(&learner, &looked_at, EVALUATION_BATCH)?;
            forced.extend(
                (1..)
                    .zip(by_position)
                    .map(|(position, accuracy)| ForcedRow {
                        step,
                        position,
                        accuracy,
                    }),
            );
        }
        if evaluate || step.is_multiple_of(record_every) || step == steps {
            let exact = exact.filter(|_| evaluate);
            curve.push(CurveRow {
                step,
                loss: total / f64::from(counted),
                lr,
                exact,
            });
            (total, counted) = (0.0, 0);
        }
        if observe(Progress {
            step,
            steps,
            loss: value,
            exact,
        })
        .is_break()
        {
            return Err(Error::Cancelled);
        }
    }
    Ok(Trained {
        learner,
        curve,
        forced,
    })
}

#[cfg(test)]
mod tests;

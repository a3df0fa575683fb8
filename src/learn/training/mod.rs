//! Training: a dataset and settings in, a learner and its curves out.
//!
//! The same dataset and settings give the same weights to the bit on one class of device, whatever the number of threads
//! and however often the training is interrupted. Batches run through shuffled epochs (each from the stream
//! `shuffle/<epoch>`) without a gap: the last examples of an epoch share a batch with the first of the next, so every batch
//! is full. Nothing that happens at a step depends on how many will follow, but the rate under a schedule that falls to the
//! end: so the [`state::State`] of a training is that of every longer one, and a longer one goes on from it.
//!
//! What is looked at on the way, and decides when to stop, are examples of the validation split. The test split is never
//! looked at, so that what is measured on it afterwards was not chosen by it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::decoding::{self, Decoding};
use crate::learn::learner::{self, Card, Learner};
use crate::learn::model::Architecture;
use crate::learn::objective::Objective;
use crate::learn::task::{self, Dataset, ExampleShape, Examples, text};
use crate::learn::{Problem, accuracy, random};

mod gradients;
pub mod optimizer;
pub mod schedule;
pub mod state;

use gradients::{Differentiator, Gradients};
use optimizer::{Memory, Optimizer};
use schedule::Schedule;
use state::{State, StateMetadata, WeightState};

/// Trains a model on a dataset.
///
/// It leaves the weights, and the learning curve: loss, exact match and forced accuracy over the steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The model.
    pub architecture: Architecture,
    /// What the model is trained to predict.
    pub objective: Objective,
    /// How gradients change the weights.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// How the learning rate changes over the training.
    #[serde(default)]
    pub schedule: Schedule,
    /// Examples that are read before gradients are added up.
    #[serde(default = "batch")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch: u32,
    /// Batches whose gradients are averaged before a step: `batch` × `accumulate` examples make a step, whose
    /// activations take the memory of one batch.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub accumulate: u32,
    /// Length of the training in steps; give this or `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub steps: Option<u64>,
    /// Length of the training in passes over all training examples, rounded up to a whole step; give this or `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub epochs: Option<u64>,
    /// Draw fresh examples from the task for every epoch after the first, as many as the dataset has; none is among those for
    /// test or validation. Without it, every epoch shows the same ones.
    #[serde(default)]
    pub online: bool,
    /// Steps between two evaluations; the last step always ends in one.
    #[serde(default = "evaluate_every")]
    #[schemars(range(min = 1))]
    pub evaluate_every: u64,
    /// How many validation examples an evaluation reads: the first ones; 0 for none. Training never reads the test split.
    #[serde(default = "evaluate_on")]
    pub evaluate_on: u64,
    /// Stop at the first evaluation whose exact match is at least this; evaluations look at validation examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub stop_at: Option<f64>,
    /// Stop once so many evaluations in a row have not exceeded the best exact match before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub patience: Option<u64>,
    /// The largest norm of all gradients together; longer ones are scaled down to it. Without it, none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub clip: Option<f64>,
    /// Keep an exponential moving average of the weights, of which each step keeps this share, e.g. 0.999; evaluations and
    /// the resulting model use it. Without it, they use the weights themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub average: Option<f64>,
    /// Seed of the first weights, of the order of the examples, and of all that is drawn on the way.
    #[serde(default)]
    pub seed: u64,
}

fn batch() -> u32 {
    256
}

fn one() -> u32 {
    1
}

fn evaluate_every() -> u64 {
    100
}

fn evaluate_on() -> u64 {
    512
}

/// The most examples that may make a step.
const MOST_A_STEP: u64 = 1 << 24;

/// Steps between two rows of the loss curve, beside those of the evaluations.
const ROW_EVERY: u64 = 10;

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
        let reads_text = matches!(self.architecture, Architecture::Pretrained(_));
        if reads_text && self.objective.contract().picks_by_place() {
            let why = "a published model reads the path as text, where the second token is a comma and not the first step";
            add("objective".to_owned(), why.to_owned());
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
            ("accumulate", Some(u64::from(self.accumulate))),
            ("steps", self.steps),
            ("epochs", self.epochs),
            ("evaluate_every", Some(self.evaluate_every)),
            ("patience", self.patience),
        ] {
            if value == Some(0) {
                add(name.to_owned(), format!("`{name}` must be at least 1"));
            }
        }
        if self.examples_a_step() > MOST_A_STEP {
            let count = self.examples_a_step();
            let why = format!("{count} examples a step are more than {MOST_A_STEP}");
            add("accumulate".to_owned(), why);
        }
        for (name, value, most) in [
            ("stop_at", self.stop_at, 1.0),
            ("average", self.average, 1.0),
        ] {
            if let Some(value) = value.filter(|value| !(0.0..=most).contains(value)) {
                add(name.to_owned(), format!("{value} is not from 0 to {most}"));
            }
        }
        if self.average == Some(1.0) {
            let why = "an average that keeps all of the past never moves; use less than 1";
            add("average".to_owned(), why.to_owned());
        }
        for (name, set) in [
            ("stop_at", self.stop_at.is_some()),
            ("patience", self.patience.is_some()),
        ] {
            if set && self.evaluate_on == 0 {
                let why = "evaluations decide when to stop, but `evaluate_on` is 0";
                add(name.to_owned(), why.to_owned());
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
        // What a published model can take shows when it is opened.
        let opened_later = matches!(self.architecture, Architecture::Pretrained(_));
        if problems.is_empty() && !opened_later {
            problems =
                Card::new(self.architecture.clone(), self.objective.clone(), dataset).problems();
        }
        if dataset.train.is_empty() {
            problems.push((
                "train".to_owned(),
                "the dataset has no example to learn from".to_owned(),
            ));
        }
        if dataset.validation.is_empty() {
            problems.extend(self.unlooked());
        }
        problems.extend(self.fit_fixed(dataset.task.contract().fixed()));
        problems
    }

    /// What is wrong with them for examples of a shape; empty where nothing is, or where they are wrong by themselves.
    #[must_use]
    pub fn fit_shape(&self, shape: ExampleShape) -> Vec<Problem> {
        // What a published model can take shows when it is opened.
        let opened_later = matches!(self.architecture, Architecture::Pretrained(_));
        if opened_later || !self.problems().is_empty() {
            return Vec::new();
        }
        Card::of(self.architecture.clone(), self.objective.clone(), shape).problems()
    }

    /// What is wrong with `online` for a task that says why it has no fresh examples.
    #[must_use]
    pub fn fit_fixed(&self, fixed: Option<&str>) -> Option<Problem> {
        let why = fixed.filter(|_| self.online)?;
        let why = format!("there are no fresh examples: {why}; leave `online` out");
        Some(("online".to_owned(), why))
    }

    /// What is wrong with them where a dataset has no validation examples.
    #[must_use]
    pub fn unlooked(&self) -> Vec<Problem> {
        let decides = [
            ("stop_at", self.stop_at.is_some()),
            ("patience", self.patience.is_some()),
        ];
        let set = decides.into_iter().filter(|(_, set)| *set);
        set.map(|(name, _)| {
            let why = "validation examples decide when to stop, but the dataset has none; give it some, or leave this out";
            (name.to_owned(), why.to_owned())
        })
        .collect()
    }

    /// The length of the training in steps, for so many training examples.
    #[must_use]
    pub fn steps_over(&self, examples: usize) -> u64 {
        match (self.steps, self.epochs) {
            (Some(steps), _) => steps,
            (None, Some(epochs)) => {
                let total = u128::from(epochs) * examples as u128;
                let step = u128::from(self.examples_a_step().max(1));
                u64::try_from(total.div_ceil(step)).unwrap_or(u64::MAX)
            }
            (None, None) => 0,
        }
    }

    /// Examples that make a step.
    fn examples_a_step(&self) -> u64 {
        u64::from(self.batch) * u64::from(self.accumulate)
    }
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps of the whole training.
    pub steps: u64,
    /// Loss of the last step's examples, in nats.
    pub loss: f64,
    /// Exact match of the latest evaluation, 0 to 1; none before the first.
    pub exact: Option<f64>,
}

/// What an observer sees after every step, and now and then within an evaluation.
pub struct StepReport<'a> {
    /// How far the training is.
    pub progress: Progress,
    /// Where it began.
    pub start: &'a Start,
    training: &'a Training<'a>,
}

impl StepReport<'_> {
    /// The training's state after the last whole step, to go on from.
    ///
    /// # Errors
    /// The device's.
    pub fn state(&self) -> Result<State, Error> {
        self.training.state()
    }
}

/// Where a training began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// Steps done before, by the training whose state it went on from.
    pub step: u64,
    /// The states that were tried before that one and could not be read, and why.
    pub unread: Vec<String>,
}

impl Start {
    /// What there is to say of it: a line for each state that could not be read.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let from = match self.step {
            0 => "the training starts with its first step".to_owned(),
            step => format!("the training goes on from step {step}"),
        };
        let unread = self.unread.iter();
        unread
            .map(|why| format!("what was saved cannot be used: {why}; {from}"))
            .collect()
    }
}

/// What a training reads beside its dataset.
#[derive(Debug, Clone, Default)]
pub struct ResumeSources<'a> {
    /// States to go on from, the best first.
    pub states: Vec<StateFiles>,
    /// Where the published model of [`Architecture::Pretrained`] lies; without it, its path says.
    pub pretrained: Option<&'a Path>,
}

/// Files of a [`State`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFiles {
    /// `state.json`
    pub facts: PathBuf,
    /// `state.safetensors`
    pub tensors: PathBuf,
}

impl StateFiles {
    /// Those of a directory.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self {
            facts: directory.join(state::FACTS),
            tensors: directory.join(state::TENSORS),
        }
    }
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
    /// Exact match on the first validation examples, decoding greedily, 0 to 1; none where this row is no evaluation.
    pub exact: Option<f64>,
}

/// How well one target position was predicted at an evaluation, by forced accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForcedRow {
    /// Steps done.
    pub step: u64,
    /// Position in the target in natural order, from 1, the start.
    pub position: u32,
    /// Share of the first validation examples, 0 to 1.
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
    /// Where it began.
    pub start: Start,
    /// From where a longer training goes on to the same bytes as if it had never stopped here; none where the rate depends
    /// on the length.
    pub state: Option<State>,
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
    /// The loss or a gradient is no number any more.
    #[error(
        "at step {step} the loss is {loss}, and the largest gradient is that of `{weight}`, {gradient}: the training diverged; a lower `lr`, a longer `warmup` or a `clip` may help"
    )]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// What the loss was.
        loss: f64,
        /// The weight with the largest gradient, or with one that is no number.
        weight: String,
        /// That gradient.
        gradient: f32,
    },
    /// Fresh examples could not be drawn.
    #[error(transparent)]
    Task(#[from] task::Error),
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
    /// The order after so many examples were shown.
    fn after(seed: u64, examples: usize, shown: u128) -> Self {
        let count = examples.max(1) as u128;
        let mut order = Self {
            seed,
            epoch: u64::try_from(shown / count).unwrap_or(u64::MAX),
            place: (shown % count) as usize,
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

    /// The next examples, at most `count`, all of one epoch; the epoch they are of.
    fn take(&mut self, count: usize) -> (u64, &[usize]) {
        if self.place == self.order.len() {
            self.epoch += 1;
            self.place = 0;
            self.shuffle();
        }
        let more = count.min(self.order.len() - self.place);
        self.place += more;
        (self.epoch, &self.order[self.place - more..self.place])
    }
}

/// Trains a learner: a fresh one, or from the first of the states that is whole, belongs to these settings and
/// is not beyond their end. `observe` hears of every step and may stop the training.
///
/// # Errors
/// [`Error::Settings`] where [`Settings::fit`] finds problems, [`Error::Cancelled`] once `observe` breaks,
/// [`Error::Diverged`] once the loss or a gradient is not finite.
pub fn train(
    dataset: &Dataset,
    settings: &Settings,
    device: &Device,
    places: &ResumeSources<'_>,
    observe: &mut dyn FnMut(&StepReport<'_>) -> ControlFlow<()>,
) -> Result<Trained, Error> {
    let problems = settings.fit(dataset);
    if !problems.is_empty() {
        return Err(Error::Settings(problems));
    }
    let objective = settings.objective.clone();
    let (learner, encoded) = match &settings.architecture {
        Architecture::Pretrained(pretrained) => {
            let directory = places.pretrained.unwrap_or(Path::new(&pretrained.path));
            let opened = pretrained.open(directory).map_err(learner::Error::from)?;
            // Encoding a dataset takes seconds at most.
            let go_on = &mut || false;
            let (learner, encoded) =
                Learner::published(&opened, objective, dataset, settings.seed, device, go_on)?;
            (learner, Some(encoded))
        }
        architecture => {
            let card = Card::new(architecture.clone(), objective, dataset);
            (Learner::new(card, settings.seed, DType::F32, device)?, None)
        }
    };
    let shown = encoded.as_ref().unwrap_or(dataset);
    let mut training = Training::new(dataset, shown, settings, learner)?;
    let shapes = training.shapes();
    for files in &places.states {
        match State::read(&files.facts, &files.tensors, settings, &shapes) {
            Ok(state) if state.facts.step <= training.steps => {
                training.restore(state)?;
                break;
            }
            Ok(_) => {}
            Err(error) => training.start.unread.push(error.to_string()),
        }
    }
    if training.facts.pending {
        training.record(observe)?;
    }
    while training.facts.step < training.steps && !training.facts.stopped {
        training.step(observe)?;
    }
    training.finish(observe)
}

/// A training under way.
struct Training<'a> {
    /// In the tokens of its task.
    source: &'a Dataset,
    /// In those that the learner reads.
    dataset: &'a Dataset,
    settings: &'a Settings,
    learner: Learner,
    memory: Memory,
    /// The running average of every weight, where one is kept.
    average: Option<Vec<Tensor>>,
    /// The weights, while the average stands in their place.
    aside: Option<Vec<Tensor>>,
    start: Start,
    facts: StateMetadata,
    steps: u64,
    looked_at: Examples,
    order: Order,
    /// The epoch whose examples were drawn anew, and these.
    fresh: Option<(u64, Examples)>,
    differentiator: Differentiator,
    gradients: Option<Gradients>,
    loss: f64,
}

impl<'a> Training<'a> {
    fn new(
        source: &'a Dataset,
        dataset: &'a Dataset,
        settings: &'a Settings,
        learner: Learner,
    ) -> Result<Self, Error> {
        let memory = Memory::new(&settings.optimizer, learner.parameters(), learner.decays())?;
        let mut average = None;
        if settings.average.is_some() {
            let weights = learner.parameters().iter();
            let copies = weights.map(|(_, variable)| variable.as_detached_tensor().copy());
            average = Some(copies.collect::<Result<_, _>>()?);
        }
        let on = usize::try_from(settings.evaluate_on).unwrap_or(usize::MAX);
        Ok(Self {
            source,
            dataset,
            settings,
            memory,
            average,
            aside: None,
            start: Start::default(),
            facts: StateMetadata {
                settings: state::identity(settings),
                step: 0,
                updates: 0,
                curve: Vec::new(),
                forced: Vec::new(),
                total: 0.0,
                counted: 0,
                exact: None,
                best: None,
                since_best: 0,
                stopped: false,
                pending: false,
            },
            steps: settings.steps_over(dataset.train.len()),
            looked_at: dataset.validation.first(on),
            order: Order::after(settings.seed, dataset.train.len(), 0),
            fresh: None,
            differentiator: Differentiator::new(&learner, settings.seed)?,
            gradients: None,
            loss: f64::NAN,
            learner,
        })
    }

    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let weights = self.learner.parameters().iter();
        weights
            .map(|(name, variable)| (name.to_owned(), variable.dims().to_vec()))
            .collect()
    }

    fn state(&self) -> Result<State, Error> {
        let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (updates, moments) = self.memory.moments()?;
        let mut numbers = Vec::with_capacity(moments.len());
        let weights = self.learner.parameters().iter().zip(moments);
        for (place, ((name, variable), moments)) in weights.enumerate() {
            let average = self.average.as_ref().map(|all| flat(&all[place]));
            numbers.push(WeightState {
                name: name.to_owned(),
                shape: variable.dims().to_vec(),
                weight: match &self.aside {
                    Some(aside) => flat(&aside[place])?,
                    None => flat(variable)?,
                },
                moments,
                average: average.transpose()?,
            });
        }
        let facts = StateMetadata {
            updates,
            ..self.facts.clone()
        };
        Ok(State { facts, numbers })
    }

    fn restore(&mut self, state: State) -> Result<(), Error> {
        let make = |numbers: Vec<f32>, like: &Tensor| {
            Tensor::from_vec(numbers, like.shape(), like.device())
        };
        let mut moments = Vec::with_capacity(state.numbers.len());
        let weights = self.learner.parameters().iter().zip(state.numbers);
        for (place, ((_, variable), numbers)) in weights.enumerate() {
            variable.set(&make(numbers.weight, variable)?)?;
            moments.push(numbers.moments);
            if let (Some(all), Some(numbers)) = (&mut self.average, numbers.average) {
                all[place] = make(numbers, variable)?;
            }
        }
        self.memory.restore(state.facts.updates, moments)?;
        self.facts = state.facts;
        self.start.step = self.facts.step;
        let shown = u128::from(self.facts.step) * u128::from(self.settings.examples_a_step());
        self.order = Order::after(self.settings.seed, self.dataset.train.len(), shown);
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress {
            step: self.facts.step,
            steps: self.steps,
            loss: self.loss,
            exact: self.facts.exact,
        }
    }

    fn step(
        &mut self,
        observe: &mut dyn FnMut(&StepReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let step = self.facts.step + 1;
        let (loss, gradients) = self.gradients_of(step)?;
        // A loss can be finite where a gradient is not, and one such step spoils every weight.
        let norm = gradients.norm()?;
        if !loss.is_finite() || !norm.is_finite() {
            let (place, gradient) = gradients.largest()?;
            let weight = self.learner.parameters().iter().nth(place);
            return Err(Error::Diverged {
                step,
                loss,
                weight: weight.map_or_else(String::new, |(name, _)| name.to_owned()),
                gradient,
            });
        }
        let rate = self.rate(step);
        let parameters = self.learner.parameters();
        let scale = self
            .settings
            .clip
            .map_or(1.0, |clip| (clip / norm).min(1.0));
        self.memory.step(parameters, &gradients, rate, scale)?;
        if let (Some(keep), Some(all)) = (self.settings.average, &mut self.average) {
            for (average, (_, variable)) in all.iter_mut().zip(parameters.iter()) {
                let moved = (variable.as_detached_tensor() * (1.0 - keep))?;
                *average = ((&*average * keep)? + moved)?;
            }
        }
        self.gradients = Some(gradients);
        self.loss = loss;
        self.facts.step = step;
        self.facts.total += loss;
        self.facts.counted += 1;
        self.facts.pending = true;
        self.record(observe)?;
        self.show(observe)
    }

    /// The learning rate at a step.
    fn rate(&self, step: u64) -> f64 {
        self.settings.optimizer.lr() * self.settings.schedule.share(step, self.steps)
    }

    /// The loss and the gradients of the examples of a step.
    fn gradients_of(&mut self, step: u64) -> Result<(f64, Gradients), Error> {
        let count = self.settings.examples_a_step() as usize;
        let (prefix, target) = (self.dataset.prefix_length, self.dataset.target_length);
        let mut tokens = Vec::with_capacity(count * (prefix + target));
        let mut missing = count;
        while missing > 0 {
            let (epoch, taken) = self.order.take(missing);
            missing -= taken.len();
            if self.settings.online && epoch > 0 && self.fresh.as_ref().is_none_or(|f| f.0 != epoch)
            {
                let fresh = self.source.fresh(epoch)?;
                let fresh = self.learner.reads(self.source, &fresh, &mut || false)?;
                let fresh = fresh.into_owned();
                self.fresh = Some((epoch, fresh));
            }
            let examples = match &self.fresh {
                Some((of, fresh)) if *of == epoch => fresh,
                _ => &self.dataset.train,
            };
            for &index in taken {
                let (prefix, target) = examples.get(index);
                tokens.extend_from_slice(prefix);
                tokens.extend_from_slice(target);
            }
        }
        let examples = Examples::new(prefix, target, tokens)?;
        let mut draws = random::stream(self.settings.seed, &format!("objective/{step}"));
        let indices: Vec<usize> = (0..count).collect();
        let batch = self.learner.batch(&examples, &indices, &mut draws);
        let used = self.gradients.take();
        let parts = self.settings.accumulate as usize;
        Ok(self
            .differentiator
            .differentiate(&self.learner, &batch, parts, step, used)?)
    }

    /// Writes down what the step just done calls for.
    fn record(
        &mut self,
        observe: &mut dyn FnMut(&StepReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let step = self.facts.step;
        if !self.looked_at.is_empty() && step.is_multiple_of(self.settings.evaluate_every) {
            let (exact, forced) = self.evaluate(observe)?;
            self.facts.forced.extend(forced);
            let row = self.row(Some(exact));
            self.facts.curve.push(row);
            (self.facts.total, self.facts.counted) = (0.0, 0);
            self.facts.exact = Some(exact);
            if self.facts.best.is_none_or(|best| exact > best) {
                (self.facts.best, self.facts.since_best) = (Some(exact), 0);
            } else {
                self.facts.since_best += 1;
            }
            let enough = self.settings.stop_at.is_some_and(|at| exact >= at);
            let patience = self.settings.patience;
            self.facts.stopped = enough || patience.is_some_and(|p| self.facts.since_best >= p);
        } else if step.is_multiple_of(ROW_EVERY) {
            let row = self.row(None);
            self.facts.curve.push(row);
            (self.facts.total, self.facts.counted) = (0.0, 0);
        }
        self.facts.pending = false;
        Ok(())
    }

    /// The row of the curve at this step.
    fn row(&self, exact: Option<f64>) -> CurveRow {
        CurveRow {
            step: self.facts.step,
            loss: self.facts.total / f64::from(self.facts.counted.max(1)),
            lr: self.rate(self.facts.step),
            exact,
        }
    }

    fn show(
        &self,
        observe: &mut dyn FnMut(&StepReport<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let moment = StepReport {
            progress: self.progress(),
            start: &self.start,
            training: self,
        };
        match observe(&moment) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled),
        }
    }

    /// Exact match and forced accuracy on the first validation examples, of the average where one is kept.
    fn evaluate(
        &mut self,
        observe: &mut dyn FnMut(&StepReport<'_>) -> ControlFlow<()>,
    ) -> Result<(f64, Vec<ForcedRow>), Error> {
        self.lend_average()?;
        let result = self.examine(observe);
        self.take_back()?;
        result
    }

    fn examine(
        &self,
        observe: &mut dyn FnMut(&StepReport<'_>) -> ControlFlow<()>,
    ) -> Result<(f64, Vec<ForcedRow>), Error> {
        let moment = StepReport {
            progress: self.progress(),
            start: &self.start,
            training: self,
        };
        let answers = decoding::decode(
            &self.learner,
            &self.looked_at,
            &Decoding::Greedy,
            EVALUATION_BATCH,
            &mut |_, _| observe(&moment),
        )?;
        let by_position = accuracy::forced(&self.learner, &self.looked_at, EVALUATION_BATCH)?;
        // Of a text, only the task's own tokens are positions.
        let own = text::places(self.source.target_length, &self.looked_at);
        let rows = (1..).zip(own).map(|(position, place)| ForcedRow {
            step: self.facts.step,
            position,
            accuracy: by_position[place],
        });
        Ok((answers.exact_match(), rows.collect()))
    }

    /// Puts the average into the learner, and the weights aside.
    fn lend_average(&mut self) -> Result<(), Error> {
        let Some(average) = &self.average else {
            return Ok(());
        };
        let mut aside = Vec::with_capacity(average.len());
        for ((_, variable), average) in self.learner.parameters().iter().zip(average) {
            aside.push(variable.as_detached_tensor().copy()?);
            variable.set(average)?;
        }
        self.aside = Some(aside);
        Ok(())
    }

    fn take_back(&mut self) -> Result<(), Error> {
        for ((_, variable), weight) in
            (self.learner.parameters().iter()).zip(self.aside.take().into_iter().flatten())
        {
            variable.set(&weight)?;
        }
        Ok(())
    }

    /// The last evaluation and row, and the result.
    fn finish(
        mut self,
        observe: &mut dyn FnMut(&StepReport<'_>) -> ControlFlow<()>,
    ) -> Result<Trained, Error> {
        let state = if self.settings.schedule.is_endless() {
            Some(self.state()?)
        } else {
            None
        };
        let last = self.facts.curve.last().copied();
        let at_end = last.filter(|row| row.step == self.facts.step);
        let evaluate = !self.looked_at.is_empty() && at_end.is_none_or(|row| row.exact.is_none());
        let (mut exact, mut forced) = (None, Vec::new());
        if evaluate {
            let found = self.evaluate(observe)?;
            (exact, forced) = (Some(found.0), found.1);
        }
        match at_end {
            Some(_) if !evaluate => {}
            // The losses since the row before are in it already.
            Some(row) => {
                self.facts.curve.pop();
                self.facts.curve.push(CurveRow { exact, ..row });
            }
            None => {
                let row = self.row(exact);
                self.facts.curve.push(row);
            }
        }
        self.facts.forced.extend(forced);
        self.lend_average()?;
        Ok(Trained {
            learner: self.learner,
            curve: self.facts.curve,
            forced: self.facts.forced,
            start: self.start,
            state,
        })
    }
}

#[cfg(test)]
mod tests;

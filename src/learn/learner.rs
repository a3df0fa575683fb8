//! A learner: a model, the objective it is taught by, and the examples' shape it was made for.
//!
//! At rest it is a directory of two files: `config.json`, which says all three, and `model.safetensors`, the weights.
//! Loading trusts neither.

use crate::learn::model::parameters::{self, Parameters, Specification};
use crate::learn::model::{Architecture, Dimensions, Model};
use crate::learn::objective::{Batch, Lesson, Objective};
use crate::learn::task::{Dataset, ExampleShape, Examples};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// Everything about a learner but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What the model is.
    pub architecture: Architecture,
    /// How it is taught, and so how it answers.
    pub objective: Objective,
    /// How many tokens there are.
    pub vocabulary: u32,
    /// The token that hides another.
    pub mask: u32,
    /// Tokens given, per example.
    pub prefix_length: usize,
    /// Tokens asked, per example.
    pub target_length: usize,
}

/// The longest example and the largest vocabulary a card may ask for.
const MOST: usize = 1 << 22;

/// The most numbers a model may have: 64 GiB of them.
const MOST_NUMBERS: usize = 1 << 34;

impl Card {
    /// The card of a learner for the examples of a dataset.
    #[must_use]
    pub fn new(architecture: Architecture, objective: Objective, dataset: &Dataset) -> Self {
        Self {
            architecture,
            objective,
            vocabulary: dataset.vocabulary,
            mask: dataset.mask,
            prefix_length: dataset.prefix_length,
            target_length: dataset.target_length,
        }
    }

    /// The shape of the examples it takes.
    #[must_use]
    pub fn shape(&self) -> ExampleShape {
        ExampleShape {
            vocabulary: self.vocabulary,
            mask: self.mask,
            prefix_length: self.prefix_length,
            target_length: self.target_length,
        }
    }

    fn dimensions(&self) -> Dimensions {
        Dimensions {
            vocabulary: self.vocabulary as usize,
            length: self.prefix_length + self.target_length - 1,
        }
    }

    /// What is wrong with it, with dotted names; empty where nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut add = |name: &str, why: String| problems.push((name.to_owned(), why));
        for (name, why) in self.architecture.contract().problems() {
            add(&format!("architecture.{name}"), why);
        }
        for (name, why) in self.objective.contract().problems(Some(self.target_length)) {
            add(&format!("objective.{name}"), why);
        }
        for (name, value) in [
            ("prefix_length", self.prefix_length),
            ("target_length", self.target_length),
            ("vocabulary", self.vocabulary as usize),
        ] {
            if !(1..=MOST).contains(&value) {
                add(name, format!("{value} is not from 1 to {MOST}"));
            }
        }
        if self.mask >= self.vocabulary {
            add(
                "mask",
                format!(
                    "token {} is not in a vocabulary of {}",
                    self.mask, self.vocabulary
                ),
            );
        }
        if problems.is_empty() {
            let counts = self
                .specification()
                .into_values()
                .map(|weight| weight.shape.iter().product::<usize>());
            if counts.fold(0, usize::saturating_add) > MOST_NUMBERS {
                problems.push((
                    "architecture".to_owned(),
                    format!("the model has more than {MOST_NUMBERS} weights"),
                ));
            }
        }
        problems
    }

    fn specification(&self) -> Specification {
        let architecture = self.architecture.contract();
        let mut all = architecture.specification(self.dimensions());
        all.extend(
            self.objective
                .contract()
                .specification(architecture.width(), self.target_length),
        );
        all
    }
}

/// A model in the hands of its objective.
pub struct Learner {
    card: Card,
    parameters: Parameters,
    model: Box<dyn Model>,
    device: Device,
}

impl fmt::Debug for Learner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learner")
            .field("card", &self.card)
            .field("weights", &self.parameters.count())
            .finish()
    }
}

/// Why a learner cannot be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The card contradicts itself.
    #[error("the model is impossible: {}", .0.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "))]
    Card(Vec<(String, String)>),
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `config.json` is not one.
    #[error("{path} does not describe a model: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] parameters::Error),
    /// A computation failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
}

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";

impl Learner {
    /// A fresh learner; the same seed gives the same weights everywhere. `f32` is for use, `f64` for checks.
    ///
    /// # Errors
    /// [`Error::Card`] where the card has problems.
    pub fn new(card: Card, seed: u64, dtype: DType, device: &Device) -> Result<Self, Error> {
        let problems = card.problems();
        if !problems.is_empty() {
            return Err(Error::Card(problems));
        }
        let parameters = Parameters::initialise(&card.specification(), seed, dtype, device)?;
        Self::over(card, parameters, device)
    }

    fn over(card: Card, parameters: Parameters, device: &Device) -> Result<Self, Error> {
        let model = card
            .architecture
            .contract()
            .assemble(card.dimensions(), &parameters)?;
        Ok(Self {
            card,
            parameters,
            model,
            device: device.clone(),
        })
    }

    /// Everything but the weights.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The weights: the model's and the objective's.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &dyn Model {
        self.model.as_ref()
    }

    /// Where it computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Lays out the examples at `indices` as the objective teaches them.
    ///
    /// # Panics
    /// An index that is not below the number of examples.
    #[must_use]
    pub fn batch(&self, examples: &Examples, indices: &[usize]) -> Batch {
        self.card.objective.batch(examples, indices, self.card.mask)
    }

    /// h_1 … h_l, (batch, l, width).
    ///
    /// # Errors
    /// Tokens outside the vocabulary, or examples of other lengths.
    pub fn hidden(&self, batch: &Batch) -> candle_core::Result<Tensor> {
        let inputs = Tensor::from_slice(
            &batch.inputs,
            (batch.size, self.card.dimensions().length),
            &self.device,
        )?;
        self.model.hidden(&inputs, self.card.target_length)
    }

    /// The loss of a batch, a scalar in nats through which gradients flow to every weight.
    ///
    /// # Errors
    /// As [`Learner::hidden`].
    pub fn loss(&self, batch: &Batch) -> candle_core::Result<Tensor> {
        let hidden = self.hidden(batch)?;
        let lesson = Lesson {
            model: self.model(),
            parameters: &self.parameters,
            hidden: &hidden,
            labels: &batch.labels,
        };
        self.card.objective.contract().loss(&lesson)
    }

    /// Writes `config.json` and `model.safetensors`. The same learner gives the same bytes.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self, directory: &Path) -> Result<(), Error> {
        let path = directory.join(CONFIG);
        let mut text = serde_json::to_string_pretty(&self.card).map_err(|e| Error::Malformed {
            path: path.clone(),
            why: e.to_string(),
        })?;
        text.push('\n');
        std::fs::write(&path, text).map_err(|source| Error::Io { path, source })?;
        Ok(self.parameters.save(&directory.join(WEIGHTS))?)
    }

    /// Reads a learner from its directory.
    ///
    /// # Errors
    /// A card that is not one or contradicts itself, or weights that are not those of the card.
    pub fn load(directory: &Path, device: &Device) -> Result<Self, Error> {
        Self::from_files(&directory.join(CONFIG), &directory.join(WEIGHTS), device)
    }

    /// Reads a learner from its card and its weights, wherever they lie.
    ///
    /// # Errors
    /// As [`Learner::load`].
    pub fn from_files(card: &Path, weights: &Path, device: &Device) -> Result<Self, Error> {
        let path = card.to_path_buf();
        let text = std::fs::read(&path).map_err(|source| Error::Io {
            path: path.clone(),
            source,
        })?;
        let card: Card = serde_json::from_slice(&text).map_err(|e| Error::Malformed {
            path: path.clone(),
            why: e.to_string(),
        })?;
        let problems = card.problems();
        if !problems.is_empty() {
            return Err(Error::Card(problems));
        }
        let parameters = Parameters::load(weights, &card.specification(), device)?;
        Self::over(card, parameters, device)
    }
}

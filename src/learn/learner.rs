//! A learner: a model, the objective it is taught by, and the examples' shape it was made for.
//!
//! At rest it is a directory that `transformers` reads too (`AutoModelForCausalLM.from_pretrained`): `config.json`
//! describes the model as published ones are described, and says the rest under one key of ours, `etude`;
//! `model.safetensors` holds the model's weights. An objective that has weights of its own keeps them apart in
//! `objective.safetensors`, and a learner that reads text brings `tokenizer.json`. Loading trusts none of them.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::learn::model::checkpoint::{self, Description, Files};
use crate::learn::model::dropout::DropoutRng;
use crate::learn::model::parameters::{self, Parameters, Specification};
use crate::learn::model::pretrained::{self, Opened};
use crate::learn::model::transformer_pass::TransformerPass;
use crate::learn::model::{Architecture, Dimensions, Model, shard};
use crate::learn::objective::{Batch, LossInputs, Objective};
use crate::learn::task::text::{self, Encoding};
use crate::learn::task::{Dataset, ExampleShape, Examples};

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
    /// The longest sequence the model takes, where that is more than the examples need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
    /// Whether examples are read as text, in the tokens of `tokenizer.json`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encoded: bool,
}

/// The longest example and the largest vocabulary a card may ask for.
const MOST: usize = 1 << 22;

/// The most numbers a model may have: 64 GiB of them.
const MOST_NUMBERS: usize = 1 << 34;

impl Card {
    /// The card of a learner for the examples of a dataset.
    #[must_use]
    pub fn new(architecture: Architecture, objective: Objective, dataset: &Dataset) -> Self {
        let shape = ExampleShape {
            vocabulary: dataset.vocabulary,
            mask: dataset.mask,
            prefix_length: dataset.prefix_length,
            target_length: dataset.target_length,
        };
        Self::of(architecture, objective, shape)
    }

    /// The card of a learner for examples of a shape.
    #[must_use]
    pub fn of(architecture: Architecture, objective: Objective, shape: ExampleShape) -> Self {
        Self {
            architecture,
            objective,
            vocabulary: shape.vocabulary,
            mask: shape.mask,
            prefix_length: shape.prefix_length,
            target_length: shape.target_length,
            context: None,
            encoded: false,
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

    /// Tokens that are read of an example: all but the last.
    fn input_length(&self) -> usize {
        (self.prefix_length + self.target_length).saturating_sub(1)
    }

    fn dimensions(&self) -> Dimensions {
        Dimensions {
            vocabulary: self.vocabulary as usize,
            length: self.context.unwrap_or(self.input_length()),
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
        if problems.is_empty()
            && let Some(context) = self.context
        {
            let needed = self.input_length();
            if context < needed {
                problems.push((
                    "context".to_owned(),
                    format!(
                        "examples of {needed} tokens are longer than the {context} the model takes"
                    ),
                ));
            } else if context > MOST {
                problems.push((
                    "context".to_owned(),
                    format!("{context} is more than {MOST}"),
                ));
            }
        }
        if let Architecture::Pretrained(_) = self.architecture {
            problems.push((
                "architecture".to_owned(),
                "a published model has to be opened before it is one".to_owned(),
            ));
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
        let mut all = self
            .architecture
            .contract()
            .specification(self.dimensions());
        all.extend(self.own());
        all
    }

    /// The objective's own weights.
    fn own(&self) -> Specification {
        let width = self.architecture.contract().width();
        self.objective.contract().specification(width, self.shape())
    }
}

/// A model in the hands of its objective.
pub struct Learner {
    card: Card,
    parameters: Parameters,
    model: Box<dyn Model>,
    device: Device,
    /// How it reads text, where it does.
    encoding: Option<Encoding>,
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
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] shard::Error),
    /// `config.json` is not one of a learner.
    #[error("{path} does not describe a learner: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] parameters::Error),
    /// The published model cannot be opened.
    #[error(transparent)]
    Pretrained(#[from] pretrained::Error),
    /// Examples cannot be read as text.
    #[error(transparent)]
    Text(#[from] text::Error),
    /// A computation failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
}

/// The file of the objective's own weights.
const OWN: &str = "objective.safetensors";
/// What the names of the objective's own weights begin with.
const PREFIX: &str = "objective.";
/// The key of `config.json` that is ours.
const CARD: &str = "etude";

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
        Self::over(card, parameters, device, None)
    }

    /// A learner that begins with published weights, and the dataset in its tokens; an objective's own weights are fresh.
    /// `cancel` is asked often.
    ///
    /// # Errors
    /// [`Error::Text`] where the directory has no vocabulary or it cannot say the examples, [`Error::Card`] where they
    /// are longer than the model takes, [`Error::Weights`] where the weights are not those of its `config.json`.
    pub fn published(
        opened: &Opened,
        objective: Objective,
        dataset: &Dataset,
        seed: u64,
        device: &Device,
        cancel: &mut dyn FnMut() -> bool,
    ) -> Result<(Self, Dataset), Error> {
        let encoding = Encoding::read(&opened.files)?;
        let dataset = encoding.dataset(dataset, opened.vocabulary, cancel)?;
        let card = Card {
            context: opened.length.map(|length| length as usize),
            encoded: true,
            ..Card::new(opened.architecture.clone(), objective, &dataset)
        };
        let problems = card.problems();
        if !problems.is_empty() {
            return Err(Error::Card(problems));
        }
        let mut parameters = opened.weights(card.dimensions(), DType::F32, device)?;
        parameters.extend(Parameters::initialise(
            &card.own(),
            seed,
            DType::F32,
            device,
        )?);
        let learner = Self::over(card, parameters, device, Some(encoding))?;
        Ok((learner, dataset))
    }

    fn over(
        card: Card,
        parameters: Parameters,
        device: &Device,
        encoding: Option<Encoding>,
    ) -> Result<Self, Error> {
        let model = card
            .architecture
            .contract()
            .assemble(card.dimensions(), &parameters)?;
        Ok(Self {
            card,
            parameters,
            model,
            device: device.clone(),
            encoding,
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

    /// Examples of a dataset as the learner reads them: as they are, or encoded as text. `cancel` is asked often.
    ///
    /// # Errors
    /// [`Error::Text`] where they cannot be said in its tokens, or in another number of them.
    pub fn reads<'a>(
        &self,
        dataset: &Dataset,
        examples: &'a Examples,
        cancel: &mut dyn FnMut() -> bool,
    ) -> Result<Cow<'a, Examples>, Error> {
        let Some(encoding) = &self.encoding else {
            return Ok(Cow::Borrowed(examples));
        };
        let length = (self.card.prefix_length, self.card.target_length);
        let encoded = encoding.examples(&dataset.task, examples, Some(length), cancel)?;
        Ok(Cow::Owned(encoded))
    }

    /// Lays out the examples at `indices` as the objective teaches them; `draws` decide what it leaves to chance.
    ///
    /// # Panics
    /// An index that is not below the number of examples.
    #[must_use]
    pub fn batch(&self, examples: &Examples, indices: &[usize], draws: &mut ChaCha8Rng) -> Batch {
        self.card
            .objective
            .batch(examples, indices, self.card.mask, draws)
    }

    /// Lays out the examples at `indices` as the objective examines them, one row each.
    ///
    /// # Panics
    /// As [`Learner::batch`].
    #[must_use]
    pub fn forced_batch(&self, examples: &Examples, indices: &[usize]) -> Batch {
        self.card
            .objective
            .forced_batch(examples, indices, self.card.mask)
    }

    /// h_1 … h_l, (rows, l, width).
    ///
    /// # Errors
    /// Tokens outside the vocabulary, or examples of other lengths.
    pub fn hidden(&self, batch: &Batch) -> candle_core::Result<Tensor> {
        self.model
            .hidden(&self.inputs(batch)?, self.card.target_length)
    }

    fn inputs(&self, batch: &Batch) -> candle_core::Result<Tensor> {
        let shape = (batch.rows, self.card.input_length());
        Tensor::from_slice(&batch.inputs, shape, &self.device)
    }

    /// The loss of a batch, a scalar in nats through which gradients flow to every weight. The losses of slices of a batch
    /// sum to its own.
    ///
    /// # Errors
    /// As [`Learner::hidden`].
    pub fn loss(&self, batch: &Batch) -> candle_core::Result<Tensor> {
        self.loss_from(&self.hidden(batch)?, batch)
    }

    /// [`Learner::loss`] of a model that drops what it drops while it is taught.
    ///
    /// # Errors
    /// As [`Learner::hidden`].
    pub fn taught_loss(&self, batch: &Batch, noise: &DropoutRng) -> candle_core::Result<Tensor> {
        let (inputs, keep) = (self.inputs(batch)?, self.card.target_length);
        self.loss_from(&self.model.taught(&inputs, keep, noise)?, batch)
    }

    /// The objective's part of [`Learner::loss`]: from h_1 … h_l, (rows, l, width), on.
    ///
    /// # Errors
    /// Hidden states of another shape.
    pub fn loss_from(&self, hidden: &Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
        let lesson = LossInputs {
            model: self.model(),
            parameters: &self.parameters,
            hidden,
            labels: &batch.labels,
            weights: &batch.weights,
            mask: self.card.mask,
        };
        self.card.objective.contract().loss(&lesson)
    }

    /// Which weights, in the order of names, weight decay draws to zero: matrices and tables that begin at random.
    pub(crate) fn decays(&self) -> Vec<bool> {
        let specification = self.card.specification();
        let weights = self.parameters.iter();
        weights
            .map(|(name, variable)| {
                let random = specification
                    .get(name)
                    .is_some_and(|weight| weight.initial.is_random());
                variable.rank() >= 2 && random
            })
            .collect()
    }

    /// The model's hand-written pass, where it has one and these weights are for it: `f32` on the processor.
    ///
    /// # Errors
    /// The model's.
    pub(crate) fn pass(&self) -> candle_core::Result<Option<TransformerPass>> {
        let mut all = self.parameters.iter();
        if !self.device.is_cpu() || all.any(|(_, variable)| variable.dtype() != DType::F32) {
            return Ok(None);
        }
        let architecture = self.card.architecture.contract();
        // A published model may take far longer sequences than these examples, and is not laid out for them.
        let dimensions = Dimensions {
            length: self.card.input_length(),
            ..self.card.dimensions()
        };
        architecture.pass(dimensions, &self.parameters)
    }

    /// Writes its files into a directory. The same learner gives the same bytes.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self, directory: &Path) -> Result<(), Error> {
        let path = directory.join(checkpoint::CONFIG);
        let malformed = |why: String| Error::Malformed {
            path: path.clone(),
            why,
        };
        let (architecture, dimensions) = (&self.card.architecture, self.card.dimensions());
        let config = checkpoint::config(architecture, dimensions);
        let layout = checkpoint::layout(architecture, dimensions);
        let Some((mut config, layout)) = config.zip(layout) else {
            return Err(malformed("no published model is like it".to_owned()));
        };
        let card = serde_json::to_value(&self.card).map_err(|e| malformed(e.to_string()))?;
        config.insert(CARD.to_owned(), card);
        config.sort_keys();
        let text = serde_json::to_string_pretty(&config).map_err(|e| malformed(e.to_string()))?;
        put(&path, format!("{text}\n").as_bytes())?;
        checkpoint::write(
            &directory.join(checkpoint::WEIGHTS),
            &layout,
            &self.parameters,
        )?;
        let own = self.parameters.beginning(PREFIX);
        if own.iter().len() > 0 {
            own.save(&directory.join(OWN))?;
        }
        if let Some(encoding) = &self.encoding {
            put(&directory.join(text::FILE), encoding.bytes())?;
        }
        Ok(())
    }

    /// Reads a learner from its directory.
    ///
    /// # Errors
    /// A card that is not one or contradicts itself or the rest of `config.json`, or weights that are not those of the
    /// card.
    pub fn load(directory: &Path, device: &Device) -> Result<Self, Error> {
        Self::from_files(&checkpoint::files(directory)?, device)
    }

    /// Reads a learner from its files by name, wherever they lie.
    ///
    /// # Errors
    /// As [`Learner::load`].
    pub fn from_files(files: &Files, device: &Device) -> Result<Self, Error> {
        let Some(path) = files.get(checkpoint::CONFIG) else {
            return Err(Error::Malformed {
                path: checkpoint::CONFIG.into(),
                why: "there is no such file".to_owned(),
            });
        };
        let text = shard::read_small(path)?;
        let card = card(&text).map_err(|why| Error::Malformed {
            path: path.clone(),
            why,
        })?;
        let problems = card.problems();
        if !problems.is_empty() {
            return Err(Error::Card(problems));
        }
        agree(&text, &card).map_err(|why| Error::Malformed {
            path: path.clone(),
            why,
        })?;
        let dimensions = card.dimensions();
        let layout = checkpoint::layout(&card.architecture, dimensions)
            .expect("a card without problems is of a published family");
        let mut parameters = checkpoint::read(files, &layout, DType::F32, device)?;
        let own = card.own();
        match files.get(OWN) {
            Some(path) => parameters.extend(Parameters::load(path, &own, device)?),
            None if own.is_empty() => {}
            None => {
                return Err(Error::Malformed {
                    path: path.clone(),
                    why: format!("its objective has weights, but there is no `{OWN}` beside it"),
                });
            }
        }
        let encoding = if card.encoded {
            Some(Encoding::read(files)?)
        } else {
            None
        };
        Self::over(card, parameters, device, encoding)
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), shard::Error> {
    std::fs::write(path, bytes).map_err(|source| shard::Error::Io {
        path: path.into(),
        source,
    })
}

/// The card in a `config.json`.
fn card(config: &[u8]) -> Result<Card, String> {
    let mut config: Value = serde_json::from_slice(config).map_err(|e| e.to_string())?;
    match config.get_mut(CARD) {
        Some(card) => serde_json::from_value(card.take()).map_err(|e| format!("`{CARD}`: {e}")),
        None => Err(format!(
            "it has no key `{CARD}`; a published model is named as an architecture of kind `pretrained`"
        )),
    }
}

/// Whether the keys of a `config.json` that others read describe the model of the card.
fn agree(config: &[u8], card: &Card) -> Result<(), String> {
    let config: Value = serde_json::from_slice(config).map_err(|e| e.to_string())?;
    let says = |problems: Vec<(String, String)>| {
        let all = problems.iter().map(|(name, why)| format!("{name}: {why}"));
        all.collect::<Vec<_>>().join("; ")
    };
    let Description {
        architecture,
        vocabulary,
        length,
    } = checkpoint::describe(&config).map_err(says)?;
    let dimensions = card.dimensions();
    let agrees = checkpoint::same(&architecture, &card.architecture)
        && vocabulary as usize == dimensions.vocabulary
        && length.is_none_or(|length| length as usize == dimensions.length);
    if agrees {
        return Ok(());
    }
    let expected = checkpoint::config(&card.architecture, dimensions).unwrap_or_default();
    let other: Vec<String> = expected
        .iter()
        .filter(|(key, value)| config.get(key) != Some(value))
        .map(|(key, _)| format!("`{key}`"))
        .collect();
    Err(format!(
        "{} and `{CARD}` describe different models",
        other.join(", ")
    ))
}

#[cfg(test)]
mod tests;

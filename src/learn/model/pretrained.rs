//! A published model to start from: a directory of Hugging Face's layout, and how it is opened.
//!
//! In a pipeline it stands where an architecture stands. Opened, it gives way to what its `config.json` describes: a
//! learner that began from it is one like any other and no longer knows the path.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checkpoint::{self, Description, Files};
use super::parameters::{self, Parameters, Specification};
use super::transformer::Transformer;
use super::{Architecture, Contract, Dimensions, Model, shard};
use crate::learn::Problem;

/// Where a published model lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pretrained {
    /// The directory, from the project's root: `config.json`, the weights (`model.safetensors`, or shards and their
    /// index), and the vocabulary (`tokenizer.json`, or `vocab.json` and `merges.txt`). GPT-2, GPT-NeoX and Mamba can be
    /// read.
    pub path: String,
    /// The share of numbers dropped in training, as in a transformer of one's own; what `config.json` says of it is not
    /// read.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.99))]
    pub dropout: f64,
}

/// A directory that was opened: what its model is, and the files to read the weights from.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The model, with the dropout asked for.
    pub architecture: Architecture,
    /// How many tokens it knows.
    pub vocabulary: u32,
    /// The longest sequence it takes; none where it has no limit.
    pub length: Option<u32>,
    /// The files of the directory.
    pub files: Files,
}

/// Why a published model cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] shard::Error),
    /// `config.json` is none, or describes what is not supported.
    #[error("{path} describes no model that can be read: {}", .problems.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "))]
    Config {
        /// Which file.
        path: PathBuf,
        /// Its keys, and what is wrong with them.
        problems: Vec<Problem>,
    },
}

impl Contract for Pretrained {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.path.is_empty() {
            problems.push(("path", "where does the published model lie?".to_owned()));
        }
        if !(0.0..=0.99).contains(&self.dropout) {
            problems.push(("dropout", format!("{} is not from 0 to 0.99", self.dropout)));
        }
        problems
    }

    /// None before it is opened.
    fn width(&self) -> usize {
        0
    }

    /// None before it is opened.
    fn specification(&self, _: Dimensions) -> Specification {
        Specification::new()
    }

    /// # Errors
    /// Always: what was opened is assembled.
    fn assemble(&self, _: Dimensions, _: &Parameters) -> Result<Box<dyn Model>> {
        bail!("the published model in `{}` was not opened", self.path)
    }
}

impl Pretrained {
    /// Whether what the `config.json` of a directory describes is supported; a file that cannot be read is for
    /// [`Pretrained::open`] to tell of.
    ///
    /// # Errors
    /// A sentence, where it is not.
    pub fn supported(&self, directory: &Path) -> std::result::Result<(), String> {
        match self.open(directory) {
            Err(error @ Error::Config { .. }) => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    /// Opens the directory that the path was resolved to; reads no weights yet.
    ///
    /// # Errors
    /// A directory that cannot be listed, or a `config.json` that is missing or describes what is not supported.
    pub fn open(&self, directory: &Path) -> std::result::Result<Opened, Error> {
        let files = checkpoint::files(directory)?;
        let path = files
            .get(checkpoint::CONFIG)
            .cloned()
            .unwrap_or_else(|| directory.join(checkpoint::CONFIG));
        let text = shard::read_small(&path)?;
        let described = serde_json::from_slice(&text)
            .map_err(|e| vec![(checkpoint::CONFIG.to_owned(), e.to_string())])
            .and_then(|config| checkpoint::describe(&config));
        let Description {
            mut architecture,
            vocabulary,
            length,
        } = described.map_err(|problems| Error::Config {
            path: path.clone(),
            problems,
        })?;
        if let Architecture::Transformer(Transformer { dropout, .. }) = &mut architecture {
            *dropout = self.dropout;
        } else if self.dropout != 0.0 {
            let why = "only a transformer has dropout".to_owned();
            let problems = vec![("dropout".to_owned(), why)];
            return Err(Error::Config { path, problems });
        }
        Ok(Opened {
            architecture,
            vocabulary,
            length,
            files,
        })
    }
}

impl Opened {
    /// Reads the weights.
    ///
    /// # Errors
    /// As [`checkpoint::read`].
    pub fn weights(
        &self,
        dimensions: Dimensions,
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Parameters, parameters::Error> {
        let layout = checkpoint::layout(&self.architecture, dimensions)
            .expect("what a config describes has its layout");
        checkpoint::read(&self.files, &layout, dtype, device)
    }
}

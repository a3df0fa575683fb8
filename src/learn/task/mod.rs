//! Tasks: where the examples come from, and how they lie at rest.
//!
//! A [`Task`] makes a [`Dataset`]: three splits of token rows, each a prefix (what is given) and a target (what is
//! asked), all of the same lengths. A model learns from `train`; whatever is looked at while it learns, is looked at on
//! `validation`; `test` is for what is measured afterwards. Loading treats the file as hostile: its shapes, sizes and
//! tokens are checked before anything is made of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::learn::Problem;

pub mod chess_mate;
pub mod graph;
pub mod imported;
pub mod in_weights;
pub mod path_star;
pub mod sibling_discovery;
pub mod text;

use chess_mate::ChessMate;
use graph::Graph;
use imported::Imported;
use in_weights::InWeights;
use path_star::PathStar;
use sibling_discovery::SiblingDiscovery;

/// What a task must offer.
pub trait Contract {
    /// What is wrong with the parameters, one by one; empty where nothing is.
    fn problems(&self) -> Vec<(&'static str, String)>;

    /// The lengths and the vocabulary of its examples.
    fn shape(&self) -> ExampleShape;

    /// Draws the examples, in parallel; the result does not depend on the number of threads. `cancel` is asked often.
    ///
    /// # Errors
    /// [`Error::Parameters`] where [`Contract::problems`] finds any, [`Error::Cancelled`] once `cancel` says so.
    fn generate(&self, cancel: &dyn Fn() -> bool) -> Result<Dataset, Error>;

    /// Why there are no examples to learn from but those of the dataset; `None` where fresh ones can be drawn.
    fn fixed(&self) -> Option<&'static str> {
        None
    }

    /// Draws `count` more examples to learn from, others for every `epoch`; none of them is among those `kept` apart, split
    /// by split. The result does not depend on the number of threads.
    ///
    /// # Errors
    /// As [`Contract::generate`], and [`Error::Fixed`] where [`Contract::fixed`] says why there are none.
    fn fresh(&self, _epoch: u64, _count: usize, _kept: &[&Examples]) -> Result<Examples, Error> {
        Err(Error::Fixed(self.fixed().unwrap_or("the task draws none")))
    }

    /// Which of many answers, row-major, (answers, target), could be an example of the task, where a question has no one
    /// right answer; `None` for a task whose questions have.
    fn coherent(&self, _answers: &[u32]) -> Option<Vec<bool>> {
        None
    }

    /// Whether the prefix of every example describes a graph; see [`Contract::graph`].
    fn has_graphs(&self) -> bool {
        false
    }

    /// An example in the notation of the paper, prefix and target in their natural order.
    fn render(&self, prefix: &[u32], target: &[u32]) -> String;

    /// The graph that a prefix describes, where an answer is a walk in one; by default there is none.
    fn graph(&self, prefix: &[u32]) -> Option<Graph> {
        let _ = prefix;
        None
    }
}

/// A task that draws its examples out of its parameters alone: these are a kind of stage.
pub trait Drawn: Contract {
    /// The kind's name in a file.
    const KIND: &'static str;
    /// Raised whenever the same parameters give other examples.
    const VERSION: u32;
}

/// The most tokens a dataset may have: 16 GiB of memory.
const MOST_TOKENS: u64 = 1 << 32;

/// Validation examples where a file does not say how many.
pub(crate) const VALIDATION: u64 = 512;

/// [`VALIDATION`], as the default of a parameter.
fn validation() -> u64 {
    VALIDATION
}

/// Examples written between two looks at whether to stop.
const AT_ONCE: usize = 1 << 20;

/// An error where a task has problems.
fn possible(task: &dyn Contract) -> Result<(), Error> {
    let problems = task.problems().into_iter();
    let problems: Vec<Problem> = problems.map(|(name, why)| (name.to_owned(), why)).collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Parameters(problems))
    }
}

roster! {
    /// A task and its parameters.
    pub enum Task: Contract {
        /// Find the path through a star of arms (Bachmann & Nagarajan 2024, section 4).
        PathStar(PathStar),
        /// Find the path in graphs that were drawn elsewhere.
        Imported(Imported),
        /// Find the path in one star that is known by heart (Noroozizadeh et al. 2025, arXiv 2510.26745).
        InWeights(InWeights),
        /// Say siblings that nobody said before (Nagarajan et al. 2025, arXiv 2504.15266, section 2).
        SiblingDiscovery(SiblingDiscovery),
        /// Mate in two moves, from a position on a chess board.
        ChessMate(ChessMate),
    }
}

/// The lengths and the vocabulary that all examples of a dataset share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExampleShape {
    /// How many tokens there are: every token is below this.
    pub vocabulary: u32,
    /// The token that stands where a target token is hidden (`$`), and pads.
    pub mask: u32,
    /// Tokens given, per example.
    pub prefix_length: usize,
    /// Tokens asked, per example.
    pub target_length: usize,
}

/// Rows of tokens: prefix, then target in natural order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examples {
    prefix_length: usize,
    target_length: usize,
    tokens: Vec<u32>,
}

impl Examples {
    /// Examples from row-major tokens, (examples, prefix + target).
    ///
    /// # Errors
    /// Tokens that do not fill whole rows, or rows without a target.
    pub fn new(
        prefix_length: usize,
        target_length: usize,
        tokens: Vec<u32>,
    ) -> Result<Self, Error> {
        let row = prefix_length.saturating_add(target_length);
        if prefix_length == 0 || target_length == 0 || !tokens.len().is_multiple_of(row) {
            return Err(Error::Rows {
                prefix_length,
                target_length,
                tokens: tokens.len(),
            });
        }
        Ok(Self {
            prefix_length,
            target_length,
            tokens,
        })
    }

    /// How many examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len() / (self.prefix_length + self.target_length)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Tokens given, per example.
    #[must_use]
    pub fn prefix_length(&self) -> usize {
        self.prefix_length
    }

    /// Tokens asked, per example.
    #[must_use]
    pub fn target_length(&self) -> usize {
        self.target_length
    }

    /// All tokens, row-major, (examples, prefix + target).
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The prefix and the target of an example.
    ///
    /// # Panics
    /// `index` is not below [`Examples::len`].
    #[must_use]
    pub fn get(&self, index: usize) -> (&[u32], &[u32]) {
        let row = self.prefix_length + self.target_length;
        self.tokens[index * row..(index + 1) * row].split_at(self.prefix_length)
    }

    /// Every example, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u32], &[u32])> {
        self.tokens
            .chunks_exact(self.prefix_length + self.target_length)
            .map(|row| row.split_at(self.prefix_length))
    }

    /// The first `count` examples, or all where there are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let tokens = self.tokens
            [..count.min(self.len()) * (self.prefix_length + self.target_length)]
            .to_vec();
        Self { tokens, ..*self }
    }
}

/// The examples of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The task that made it, with every parameter.
    pub task: Task,
    /// How many tokens there are: every token is below this.
    pub vocabulary: u32,
    /// The token that stands where a target token is hidden (`$`), and pads.
    pub mask: u32,
    /// Tokens given, per example.
    pub prefix_length: usize,
    /// Tokens asked, per example.
    pub target_length: usize,
    /// What is learnt from.
    pub train: Examples,
    /// What is asked afterwards; shares nothing with `train`.
    pub test: Examples,
    /// What is asked during the training; shares nothing with `train` and `test`. May be empty.
    pub validation: Examples,
}

/// What can go wrong with a task or a dataset.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The task's parameters contradict each other.
    #[error("the task is impossible: {}", .0.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "))]
    Parameters(Vec<Problem>),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// More examples were asked of a task that has no others.
    #[error("there are no fresh examples: {0}")]
    Fixed(&'static str),
    /// Tokens that do not fill rows.
    #[error(
        "{tokens} tokens do not fill rows of {prefix_length} prefix and {target_length} target tokens"
    )]
    Rows {
        /// Tokens given, per example.
        prefix_length: usize,
        /// Tokens asked, per example.
        target_length: usize,
        /// All of them.
        tokens: usize,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text that examples are to be read from is wrong.
    #[error("{path}: {why}")]
    Text {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and in which lines.
        why: String,
    },
    /// The file is not a dataset, or a broken one.
    #[error("{path} is not a dataset: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The dataset could not be written down.
    #[error("the dataset cannot be written: {0}")]
    Unwritable(String),
}

/// The name of the file that holds a dataset in its directory.
pub const FILE: &str = "dataset.safetensors";
const METADATA: &str = "etude.dataset";
const SAMPLES: usize = 10;

/// What the header of the file says beside the shapes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    task: Task,
    vocabulary: u32,
    mask: u32,
    prefix_length: usize,
    target_length: usize,
}

impl Dataset {
    /// The examples of a task, of the shape that it says: train, test and validation.
    fn of(task: Task, [train, test, validation]: [Examples; 3]) -> Self {
        let shape = task.contract().shape();
        Self {
            task,
            vocabulary: shape.vocabulary,
            mask: shape.mask,
            prefix_length: shape.prefix_length,
            target_length: shape.target_length,
            train,
            test,
            validation,
        }
    }

    /// The splits and their names.
    #[must_use]
    pub fn splits(&self) -> [(&'static str, &Examples); 3] {
        [
            ("train", &self.train),
            ("test", &self.test),
            ("validation", &self.validation),
        ]
    }

    /// The examples of all splits together.
    #[must_use]
    pub fn count(&self) -> usize {
        self.splits().iter().map(|(_, split)| split.len()).sum()
    }

    /// Writes `dataset.safetensors`, tensors `train`, `test` and `validation` of shape (examples, prefix + target) in the smallest
    /// unsigned type that holds the vocabulary, and `sample.txt`, the first ten examples of each split to read. The
    /// same dataset gives the same bytes.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self, directory: &Path) -> Result<(), Error> {
        let io = |path: &Path, source| Error::Io {
            path: path.to_path_buf(),
            source,
        };
        let unwritable = |why: &dyn std::fmt::Display| Error::Unwritable(why.to_string());
        let (dtype, width) = storage(self.vocabulary);
        let bytes = |examples: &Examples| -> Vec<u8> {
            examples
                .tokens
                .iter()
                .flat_map(|token| token.to_le_bytes().into_iter().take(width))
                .collect()
        };
        let row = self.prefix_length + self.target_length;
        let splits = self
            .splits()
            .map(|(name, split)| (name, vec![split.len(), row], bytes(split)));
        let mut views = Vec::new();
        for (name, shape, bytes) in &splits {
            let view = TensorView::new(dtype, shape.clone(), bytes);
            views.push((*name, view.map_err(|e| unwritable(&e))?));
        }
        let header = Header {
            task: self.task.clone(),
            vocabulary: self.vocabulary,
            mask: self.mask,
            prefix_length: self.prefix_length,
            target_length: self.target_length,
        };
        let header = serde_json::to_string(&header).map_err(|e| unwritable(&e))?;
        // One key only: the map's order would otherwise reach the bytes.
        let metadata = HashMap::from([(METADATA.to_owned(), header)]);
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(|e| unwritable(&e))?;
        let path = directory.join(FILE);
        std::fs::write(&path, bytes).map_err(|e| io(&path, e))?;
        let path = directory.join("sample.txt");
        std::fs::write(&path, self.sample()).map_err(|e| io(&path, e))
    }

    /// Fresh examples to learn from, as many as in `train`, others for every `epoch`; none of them is in `test` or
    /// `validation`.
    ///
    /// # Errors
    /// The task's.
    pub fn fresh(&self, epoch: u64) -> Result<Examples, Error> {
        let kept = [&self.test, &self.validation];
        self.task.contract().fresh(epoch, self.train.len(), &kept)
    }

    /// The first examples of each split, in the notation of the paper.
    fn sample(&self) -> String {
        let mut text = String::new();
        for (name, examples) in self.splits() {
            text.push_str(&format!("# {name}, {} examples\n", examples.len()));
            for (prefix, target) in examples.iter().take(SAMPLES) {
                text.push_str(&self.task.contract().render(prefix, target));
                text.push('\n');
            }
        }
        text
    }

    /// Reads a dataset: its directory, or the file itself.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Malformed`] where the file is cut short, has other shapes or types than its header
    /// says, holds a token outside the vocabulary, or says it is of a task that makes other examples.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let path = if path.is_dir() {
            path.join(FILE)
        } else {
            path.to_path_buf()
        };
        let bytes = std::fs::read(&path).map_err(|source| Error::Io {
            path: path.clone(),
            source,
        })?;
        Self::read(&bytes).map_err(|why| Error::Malformed { path, why })
    }

    fn read(bytes: &[u8]) -> Result<Self, String> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|map| map.get(METADATA));
        let header = header.ok_or_else(|| format!("its header has no `{METADATA}`"))?;
        let header: Header =
            serde_json::from_str(header).map_err(|e| format!("its header: {e}"))?;
        let task = header.task.contract();
        if let Some((name, why)) = task.problems().first() {
            return Err(format!("its header: {name}: {why}"));
        }
        let Header {
            vocabulary,
            mask,
            prefix_length,
            target_length,
            ..
        } = header;
        let shape = ExampleShape {
            vocabulary,
            mask,
            prefix_length,
            target_length,
        };
        if task.shape() != shape {
            return Err(format!(
                "its header says {shape:?}, its task makes {:?}",
                task.shape()
            ));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let (dtype, width) = storage(vocabulary);
        let split = |name: &str| -> Result<Examples, String> {
            let view = tensors.tensor(name).map_err(|e| e.to_string())?;
            let row = prefix_length + target_length;
            if view.dtype() != dtype || view.shape().len() != 2 || view.shape()[1] != row {
                return Err(format!(
                    "`{name}` is {:?} of {:?}, not {dtype:?} of (examples, {row})",
                    view.shape(),
                    view.dtype()
                ));
            }
            let token = |bytes: &[u8]| {
                bytes
                    .iter()
                    .rev()
                    .fold(0, |token, &byte| token << 8 | u32::from(byte))
            };
            let tokens: Vec<u32> = view.data().chunks_exact(width).map(token).collect();
            if let Some(place) = tokens.iter().position(|&token| token >= vocabulary) {
                let (example, token) = (place / row, tokens[place]);
                return Err(format!(
                    "`{name}` example {example} has token {token}, but the vocabulary ends at {vocabulary}"
                ));
            }
            Examples::new(prefix_length, target_length, tokens).map_err(|e| e.to_string())
        };
        let (train, test) = (split("train")?, split("test")?);
        let validation = split("validation")?;
        Ok(Self {
            task: header.task,
            vocabulary,
            mask,
            prefix_length,
            target_length,
            train,
            test,
            validation,
        })
    }
}

/// The smallest unsigned type for a vocabulary, and its bytes.
fn storage(vocabulary: u32) -> (Dtype, usize) {
    match vocabulary {
        0..=0x100 => (Dtype::U8, 1),
        0x101..=0x1_0000 => (Dtype::U16, 2),
        _ => (Dtype::U32, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Dataset {
        let task = PathStar {
            degree: 2,
            path_length: 4,
            nodes: 300,
            train: 30,
            test: 12,
            validation: 11,
            seed: 5,
            ..PathStar::default()
        };
        Contract::generate(&task, &|| false).unwrap()
    }

    #[test]
    fn a_dataset_comes_back_as_it_was_written_and_writes_the_same_bytes_again() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dataset = small();
        dataset.save(one.path()).unwrap();
        let again = Dataset::load(one.path()).unwrap();
        assert_eq!(dataset, again);
        again.save(two.path()).unwrap();
        for name in [FILE, "sample.txt"] {
            let read = |directory: &Path| std::fs::read(directory.join(name)).unwrap();
            assert_eq!(read(one.path()), read(two.path()));
        }
        assert_eq!(Dataset::load(&one.path().join(FILE)).unwrap(), dataset);
        let sample = std::fs::read_to_string(one.path().join("sample.txt")).unwrap();
        assert_eq!(sample.lines().count(), 3 + 3 * SAMPLES);
    }

    #[test]
    fn a_broken_file_is_an_error_that_says_what_is_wrong() {
        let directory = tempfile::tempdir().unwrap();
        small().save(directory.path()).unwrap();
        let path = directory.path().join(FILE);
        let good = std::fs::read(&path).unwrap();
        let complain = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Dataset::load(&path).unwrap_err().to_string()
        };
        for length in (0..good.len()).step_by(37) {
            complain(&good[..length]);
        }
        let mut wide = good.clone();
        let last = wide.len() - 1;
        wide[last] = 0xff;
        assert!(
            complain(&wide).contains("vocabulary ends at 304"),
            "{}",
            complain(&wide)
        );
        let replaced = |from: &str, to: &str| {
            assert_eq!(from.len(), to.len());
            let mut bytes = good.clone();
            let place = bytes
                .windows(from.len())
                .position(|w| w == from.as_bytes())
                .unwrap();
            bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
            bytes
        };
        assert!(
            complain(&replaced("\"vocabulary\\\":304", "\"vocabulary\\\":204"))
                .contains("its task makes")
        );
        assert!(
            complain(&replaced("\"shape\":[12,25]", "\"shape\":[25,12]"))
                .contains("not U16 of (examples, 25)")
        );
        assert!(
            complain(&replaced("\"shape\":[12,25]", "\"shape\":[99,25]"))
                .contains("is not a dataset")
        );
        assert!(complain(&replaced("path-star", "star-path")).contains("star-path"));
        assert!(Dataset::load(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn whatever_a_header_says_of_its_task_is_looked_at_before_anything_is_made_of_it() {
        let most = u32::MAX;
        let tasks = [
            serde_json::json!({"kind": "in-weights", "degree": most, "path_length": most, "taught": -1e300}),
            serde_json::json!({"kind": "in-weights", "degree": 500_000, "path_length": 10_000, "edge_repeats": most}),
            serde_json::json!({"kind": "in-weights", "degree": 9, "path_length": 9, "edge_repeats": most, "path_repeats": most}),
            serde_json::json!({"kind": "sibling-discovery", "parents": most, "children": most, "train": u64::MAX, "test": u64::MAX, "validation": u64::MAX}),
            serde_json::json!({"kind": "sibling-discovery", "parents": 1_000_000, "children": 10_000, "train": 1, "test": 1}),
            serde_json::json!({"kind": "imported", "degree": most, "path_length": most, "nodes": most, "train": 1, "test": 1, "validation": 1}),
            serde_json::json!({"kind": "imported", "degree": 0, "path_length": 0, "nodes": 0, "train": 0, "test": 0, "validation": 0}),
            serde_json::json!({"kind": "chess-mate", "train": 0, "test": u64::MAX}),
            serde_json::json!({"kind": "chess-mate", "train": 1, "test": 1, "validation": u64::MAX}),
            serde_json::json!({"kind": "path-star", "degree": 2, "path_length": 4, "nodes": 50, "train": 1, "test": 1, "validation": u64::MAX}),
            serde_json::json!({"kind": "sibling-discovery", "parents": 5, "children": 9, "train": 1, "test": 1, "validation": u64::MAX}),
            serde_json::json!({"kind": "in-weights", "degree": 9, "path_length": 9, "validation": most}),
        ];
        for header in tasks {
            let task: Task = serde_json::from_value(header.clone()).unwrap();
            assert!(!task.contract().problems().is_empty(), "{header}");
        }
        let directory = tempfile::tempdir().unwrap();
        let task: Task = serde_json::from_value(
            serde_json::json!({"kind": "in-weights", "degree": 10, "path_length": 3}),
        )
        .unwrap();
        let dataset = task.contract().generate(&|| false).unwrap();
        dataset.save(directory.path()).unwrap();
        let path = directory.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let (from, to) = (b"degree\\\":10", b"degree\\\":11");
        let place = bytes.windows(from.len()).position(|w| w == from).unwrap();
        bytes[place..place + to.len()].copy_from_slice(to);
        std::fs::write(&path, bytes).unwrap();
        let said = Dataset::load(&path).unwrap_err().to_string();
        assert!(said.contains("its task makes"), "{said}");
    }

    #[test]
    fn rows_that_do_not_fill_are_refused() {
        assert!(Examples::new(2, 1, vec![0; 7]).is_err());
        assert!(Examples::new(0, 3, vec![0; 6]).is_err());
        assert_eq!(Examples::new(2, 1, vec![0; 6]).unwrap().len(), 2);
    }
}

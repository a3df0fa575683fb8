//! All that a training is between two steps, at rest.
//!
//! A directory of two files: `state.json` (steps done, curves, what early stopping counts, the settings it belongs to, and in a
//! line of its own the digest of all) and `state.safetensors` (for each weight its numbers, both moments of the optimizer and, where one is kept, its running
//! average). Random numbers need none: every draw has a stream named after its step. A training that continues from here
//! ends in the same bytes as one that was never interrupted.
//!
//! [`save`] is all or nothing: a checkpoint is written beside, synced, and renamed. Reading trusts nothing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{CurveRow, ForcedRow, Settings};
use crate::learn::model::Architecture;
use crate::learn::model::shard::{self, Shard};

/// The name of the file of numbers.
pub const TENSORS: &str = "state.safetensors";
/// The name of the file of everything else.
pub const FACTS: &str = "state.json";

/// Everything but the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateMetadata {
    /// The settings but for their length, as JSON.
    pub settings: serde_json::Value,
    /// Steps done.
    pub step: u64,
    /// Steps that the optimizer's moments have seen.
    pub updates: i32,
    /// The learning curve so far.
    pub curve: Vec<CurveRow>,
    /// Forced accuracy so far.
    pub forced: Vec<ForcedRow>,
    /// Sum of the losses since the last row of the curve.
    pub total: f64,
    /// How many they are.
    pub counted: u32,
    /// Exact match of the latest evaluation.
    pub exact: Option<f64>,
    /// The best exact match of all evaluations.
    pub best: Option<f64>,
    /// Evaluations since then.
    pub since_best: u64,
    /// Whether the training is at its end, however many steps it was given.
    pub stopped: bool,
    /// Whether the evaluation or the row that the last step calls for is still to be written down.
    pub pending: bool,
}

/// The numbers of one weight.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightState {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The weight itself, row-major.
    pub weight: Vec<f32>,
    /// The running means of its gradient and of its gradient's square.
    pub moments: [Vec<f32>; 2],
    /// Its running average, where one is kept.
    pub average: Option<Vec<f32>>,
}

/// A training between two steps.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Everything but the numbers.
    pub facts: StateMetadata,
    /// The numbers of every weight, in the order of names.
    pub numbers: Vec<WeightState>,
}

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The numbers cannot be read or written.
    #[error(transparent)]
    WeightState(#[from] shard::Error),
    /// It is not the state of this training.
    #[error("{path} is not a state of this training: {why}")]
    Foreign {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, source }
}

/// The settings a state belongs to: where the rate does not depend on it, all but how long the training is, so that a longer
/// one can go on from it.
pub(super) fn identity(settings: &Settings) -> serde_json::Value {
    let mut all = serde_json::to_value(settings).expect("settings are plain data");
    if let Some(all) = all.as_object_mut() {
        if settings.schedule.is_endless() {
            all.remove("steps");
            all.remove("epochs");
        }
        // Where a published model lies changes nothing either.
        if let Some(serde_json::Value::Object(architecture)) = all.get_mut("architecture")
            && matches!(settings.architecture, Architecture::Pretrained(_))
        {
            architecture.remove("path");
        }
    }
    all
}

impl State {
    /// Writes both files into a directory that exists, and syncs them.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        let parts = |numbers: &WeightState| {
            let mut parts = vec!["weight", "mean", "square"];
            parts.extend(numbers.average.is_some().then_some("average"));
            parts
        };
        let shapes = self.numbers.iter().flat_map(|numbers| {
            let names = parts(numbers).into_iter();
            names.map(|part| (format!("{part}/{}", numbers.name), numbers.shape.clone()))
        });
        let shapes: Vec<_> = shapes.collect();
        let mut all = self.numbers.iter().flat_map(|numbers| {
            let [mean, square] = &numbers.moments;
            [
                Some(&numbers.weight),
                Some(mean),
                Some(square),
                numbers.average.as_ref(),
            ]
        });
        let path = directory.join(TENSORS);
        shard::write(&path, &shapes, |_| {
            let numbers = all.by_ref().flatten().next();
            Ok::<_, Error>(numbers.cloned().unwrap_or_default())
        })?;
        let facts = directory.join(FACTS);
        let text = serde_json::to_string(&self.facts).expect("facts are plain data");
        let sums = sums(text.as_bytes(), &path)?;
        let text = format!("{text}\n{sums}\n");
        fs::write(&facts, text).map_err(at(&facts))?;
        for path in [path, facts] {
            let file = File::open(&path).and_then(|file| file.sync_all());
            file.map_err(at(&path))?;
        }
        Ok(())
    }

    /// Reads the state of a training with these settings and weights of these names and shapes.
    ///
    /// # Errors
    /// Files that are missing, broken, or of another training.
    pub fn read(
        facts: &Path,
        tensors: &Path,
        settings: &Settings,
        shapes: &[(String, Vec<usize>)],
    ) -> Result<Self, Error> {
        let foreign = |path: &Path, why: String| Error::Foreign {
            path: path.into(),
            why,
        };
        let text = shard::read_small(facts)?;
        let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if text[line.len()..] != *format!("\n{}\n", sums(line, tensors)?).as_bytes() {
            return Err(foreign(facts, "it or its numbers are damaged".to_owned()));
        }
        let read: StateMetadata =
            serde_json::from_slice(line).map_err(|e| foreign(facts, e.to_string()))?;
        if u64::try_from(read.updates) != Ok(read.step.min(i32::MAX as u64)) {
            return Err(foreign(facts, "its steps contradict each other".to_owned()));
        }
        if read.settings != identity(settings) {
            return Err(foreign(facts, "it has other settings".to_owned()));
        }
        let mut shard = Shard::open(tensors)?;
        let averaged = settings.average.is_some();
        let each = if averaged { 4 } else { 3 };
        if shard.tensors().len() != each * shapes.len() {
            let why = format!("it has {} tensors", shard.tensors().len());
            return Err(foreign(tensors, why));
        }
        let mut numbers = Vec::with_capacity(shapes.len());
        for (name, shape) in shapes {
            let mut part = |part: &str| {
                let name = format!("{part}/{name}");
                match shard.tensors().get(&name) {
                    Some(info) if info.shape == *shape => Ok(shard.read(&name)?),
                    _ => Err(foreign(tensors, format!("it has no `{name}` of {shape:?}"))),
                }
            };
            numbers.push(WeightState {
                name: name.clone(),
                shape: shape.clone(),
                weight: part("weight")?,
                moments: [part("mean")?, part("square")?],
                average: averaged.then(|| part("average")).transpose()?,
            });
        }
        Ok(Self {
            facts: read,
            numbers,
        })
    }
}

/// The digest of the facts and of the file of numbers, which the last line of the facts says.
fn sums(facts: &[u8], tensors: &Path) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(facts.len() as u64).to_le_bytes());
    hasher.update(facts);
    let mut file = File::open(tensors).map_err(at(tensors))?;
    io::copy(&mut file, &mut hasher).map_err(at(tensors))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Checkpoints that are kept: should the newest be damaged, there is one more.
const KEPT: usize = 2;
const UNDER_WAY: &str = "under-way";

/// Saves a checkpoint among those of a directory: whole, or not at all; older ones than the last two go.
///
/// # Errors
/// The file system's.
pub fn save(state: &State, directory: &Path) -> Result<(), Error> {
    let under_way = directory.join(UNDER_WAY);
    // What an interrupted save left.
    match fs::remove_dir_all(&under_way) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&under_way)(error)),
        _ => {}
    }
    fs::create_dir(&under_way).map_err(at(&under_way))?;
    state.write(&under_way)?;
    let place = directory.join(format!("{:020}", state.facts.step));
    // Those of this step or a later one could not be read, or this training would not be here.
    for beyond in checkpoints(directory)
        .into_iter()
        .filter(|other| *other >= place)
    {
        fs::remove_dir_all(&beyond).map_err(at(&beyond))?;
    }
    let sync = |path: &Path| File::open(path).and_then(|folder| folder.sync_all());
    sync(&under_way).map_err(at(&under_way))?;
    fs::rename(&under_way, &place).map_err(at(&place))?;
    sync(directory).map_err(at(directory))?;
    for old in checkpoints(directory).into_iter().skip(KEPT) {
        fs::remove_dir_all(&old).map_err(at(&old))?;
    }
    Ok(())
}

/// The checkpoints in a directory, the newest first; nothing else that lies there.
#[must_use]
pub fn checkpoints(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.retain(|path| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.len() == 20 && name.iter().all(u8::is_ascii_digit)
    });
    found.sort();
    found.reverse();
    found
}

//! Published checkpoints: directories as the `transformers` library of Hugging Face writes and reads them.
//!
//! `config.json` says what a model is, `model.safetensors` holds its weights, or `model.safetensors.index.json` names
//! the shards that do. A family of models is one file here: it reads `config.json` into an architecture of ours
//! ([`describe`]), writes it ([`config`]), and lists the tensors and where in them our weights lie ([`Layout`]), number
//! by number, so that [`read`] and [`write`] go through one description, each its own way.
//!
//! Nothing is guessed: a key of `config.json` that would change what is computed and is not supported is refused by name,
//! and the tensors must be exactly those of the layout, but for the few that others store and nobody needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::TensorInfo;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::mamba::Mamba;
use super::parameters::{Error, Parameters};
use super::shard::{self, Shard};
use super::transformer::{Positions, Transformer};
use super::{Architecture, Dimensions};
use crate::learn::Problem;

mod gpt2;
mod gpt_neox;
mod mamba;

/// The file that says what a model is.
pub const CONFIG: &str = "config.json";
/// The file that holds its weights.
pub const WEIGHTS: &str = "model.safetensors";
/// The file that names the shards, where the weights lie in several.
pub const INDEX: &str = "model.safetensors.index.json";

/// The files of a directory, by name.
pub type Files = BTreeMap<String, PathBuf>;

/// The files that lie in a directory, not those in folders below.
///
/// # Errors
/// [`shard::Error::Io`] where it cannot be listed.
pub fn files(directory: &Path) -> Result<Files, shard::Error> {
    let io = |source| shard::Error::Io {
        path: directory.into(),
        source,
    };
    let mut files = Files::new();
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        // A link to a file counts: the cache of Hugging Face is made of them.
        if let (Ok(name), true) = (entry.file_name().into_string(), entry.path().is_file()) {
            files.insert(name, entry.path());
        }
    }
    Ok(files)
}

/// What a `config.json` describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The model.
    pub architecture: Architecture,
    /// How many tokens there are.
    pub vocabulary: u32,
    /// The longest sequence; none where the model has no limit.
    pub length: Option<u32>,
}

/// Reads a `config.json`.
///
/// # Errors
/// Every key that is missing, has a value that is none, or asks for what is not supported, and why.
pub fn describe(config: &Value) -> Result<Description, Vec<Problem>> {
    let Some(map) = config.as_object() else {
        let why = "it is not a table of keys and values".to_owned();
        return Err(vec![(CONFIG.to_owned(), why)]);
    };
    let mut keys = Keys {
        map,
        problems: Vec::new(),
    };
    let kind = keys.text("model_type", "");
    let described = match kind.as_str() {
        "gpt2" => gpt2::describe(&mut keys),
        "gpt_neox" => gpt_neox::describe(&mut keys),
        "mamba" => mamba::describe(&mut keys),
        _ => {
            let why = format!("`{kind}` is not one of `gpt2`, `gpt_neox`, `mamba`");
            return Err(vec![("model_type".to_owned(), why)]);
        }
    };
    if keys.problems.is_empty() {
        let problems = described.architecture.contract().problems().into_iter();
        keys.problems
            .extend(problems.map(|(name, why)| (name.to_owned(), why)));
    }
    if keys.problems.is_empty() {
        Ok(described)
    } else {
        Err(keys.problems)
    }
}

/// The `config.json` of a model, keys in order; none where no published family has this architecture.
#[must_use]
pub fn config(architecture: &Architecture, dimensions: Dimensions) -> Option<Map<String, Value>> {
    let value = match architecture {
        Architecture::Transformer(model) => match model.positions {
            Positions::Learned => gpt2::config(model, dimensions),
            Positions::Rotary => gpt_neox::config(model, dimensions),
        },
        Architecture::Mamba(model) => mamba::config(model, dimensions),
        Architecture::Pretrained(_) => return None,
    };
    let Value::Object(mut map) = value else {
        return None;
    };
    for (key, value) in [
        ("bos_token_id", Value::Null),
        ("eos_token_id", Value::Null),
        ("pad_token_id", Value::Null),
        ("torch_dtype", "float32".into()),
        ("vocab_size", dimensions.vocabulary.into()),
    ] {
        map.insert(key.to_owned(), value);
    }
    map.sort_keys();
    Some(map)
}

/// Where the weights of a model lie; none where no published family has this architecture.
#[must_use]
pub fn layout(architecture: &Architecture, dimensions: Dimensions) -> Option<Layout> {
    Some(match architecture {
        Architecture::Transformer(model) => match model.positions {
            Positions::Learned => gpt2::layout(model, dimensions),
            Positions::Rotary => gpt_neox::layout(model, dimensions),
        },
        Architecture::Mamba(model) => mamba::layout(model, dimensions),
        Architecture::Pretrained(_) => return None,
    })
}

/// Whether two architectures compute the same and have the same weights, however they are written down.
#[must_use]
pub fn same(one: &Architecture, two: &Architecture) -> bool {
    let plain = |architecture: &Architecture| match architecture {
        Architecture::Transformer(model) => Architecture::Transformer(Transformer {
            mlp: Transformer::default().mlp,
            inner: Some(model.inner_width() as u32),
            dropout: 0.0,
            ..model.clone()
        }),
        Architecture::Mamba(model) => Architecture::Mamba(Mamba {
            step_rank: Some(model.rank() as u32),
            ..model.clone()
        }),
        other => other.clone(),
    };
    plain(one) == plain(two)
}

/// Reads the keys of a `config.json`, and keeps what is wrong with them.
struct Keys<'a> {
    map: &'a Map<String, Value>,
    problems: Vec<Problem>,
}

impl Keys<'_> {
    /// A key that is there and not null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn complain(&mut self, name: &str, why: String) {
        self.problems.push((name.to_owned(), why));
    }

    /// A whole number, which must be there.
    fn count(&mut self, name: &str) -> u32 {
        match self.get(name) {
            Some(value) => match value.as_u64().and_then(|n| u32::try_from(n).ok()) {
                Some(count) => return count,
                None => self.complain(name, format!("{value} is not a whole number")),
            },
            None => self.complain(name, "it is missing".to_owned()),
        }
        0
    }

    /// A number, or what is usual.
    fn real(&mut self, name: &str, usual: f64) -> f64 {
        match self.get(name).map(|value| (value, value.as_f64())) {
            None => usual,
            Some((_, Some(number))) => number,
            Some((value, None)) => {
                let why = format!("{value} is not a number");
                self.complain(name, why);
                usual
            }
        }
    }

    /// Yes or no, or what is usual.
    fn flag(&mut self, name: &str, usual: bool) -> bool {
        match self.get(name).map(|value| (value, value.as_bool())) {
            None => usual,
            Some((_, Some(flag))) => flag,
            Some((value, None)) => {
                let why = format!("{value} is neither true nor false");
                self.complain(name, why);
                usual
            }
        }
    }

    /// A word, or what is usual.
    fn text(&mut self, name: &str, usual: &str) -> String {
        match self.get(name).map(|value| (value, value.as_str())) {
            None => usual.to_owned(),
            Some((_, Some(text))) => text.to_owned(),
            Some((value, None)) => {
                let why = format!("{value} is not a word");
                self.complain(name, why);
                usual.to_owned()
            }
        }
    }

    /// One of some words, and what it stands for.
    fn choice<T: Copy>(&mut self, name: &str, usual: &str, choices: &[(&str, T)]) -> T {
        let word = self.text(name, usual);
        match choices.iter().find(|(choice, _)| *choice == word) {
            Some((_, meant)) => *meant,
            None => {
                let words: Vec<String> = choices.iter().map(|(c, _)| format!("`{c}`")).collect();
                let why = format!("`{word}` is not supported; {} are", words.join(", "));
                self.complain(name, why);
                choices[0].1
            }
        }
    }

    /// Refuses every other value than the one that is supported; a key that is missing or null has it.
    fn only(&mut self, name: &str, supported: &Value) {
        if let Some(value) = self.get(name)
            && value != supported
        {
            let why = format!("{value} is not supported, only {supported}");
            self.complain(name, why);
        }
    }
}

/// Tensors of a published family, and our weights in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The tensors, with the prefix where theirs have it.
    entries: Vec<Entry>,
    /// What names begin with but where a model was saved without its head.
    prefix: &'static str,
    /// A tensor that is allowed where it equals another: a tied head.
    twin: Option<(String, String)>,
    /// Ends of the names of tensors that others store and nobody needs.
    ignored: &'static [&'static str],
}

/// A tensor of a published family.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    /// Every number of it belongs to exactly one.
    pieces: Vec<Piece>,
}

/// Where a weight of ours lies in a tensor: number (i, j, …) of the weight, counted in `sizes`, is number
/// `first` + i·`strides`\[0\] + j·`strides`\[1\] + … of the tensor, both row-major.
#[derive(Debug, Clone, PartialEq)]
struct Piece {
    weight: String,
    /// The weight's own shape.
    shape: Vec<usize>,
    first: usize,
    sizes: Vec<usize>,
    strides: Vec<usize>,
}

impl Piece {
    /// Goes through the places in the tensor, in the order of the weight's numbers.
    fn walk(&self, visit: &mut impl FnMut(usize)) {
        fn go(sizes: &[usize], strides: &[usize], first: usize, visit: &mut impl FnMut(usize)) {
            match (sizes, strides) {
                ([size], [stride]) => (0..*size).for_each(|i| visit(first + i * stride)),
                ([size, sizes @ ..], [stride, strides @ ..]) => {
                    for i in 0..*size {
                        go(sizes, strides, first + i * stride, visit);
                    }
                }
                _ => visit(first),
            }
        }
        go(&self.sizes, &self.strides, self.first, visit);
    }

    fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Entry {
    /// The tensor is the weight.
    fn plain(name: impl Into<String>, weight: impl Into<String>, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            shape: shape.to_vec(),
            pieces: vec![Piece {
                weight: weight.into(),
                shape: shape.to_vec(),
                first: 0,
                sizes: vec![shape.iter().product()],
                strides: vec![1],
            }],
        }
    }

    /// The tensor is (to, from) where the weight is (from, to).
    fn transposed(
        name: impl Into<String>,
        weight: impl Into<String>,
        from: usize,
        to: usize,
    ) -> Self {
        Self {
            name: name.into(),
            shape: vec![to, from],
            pieces: vec![Piece {
                weight: weight.into(),
                shape: vec![from, to],
                first: 0,
                sizes: vec![from, to],
                strides: vec![1, from],
            }],
        }
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Opens the shards of a model: one, or those an index names, which must lie beside it.
fn shards(files: &Files) -> Result<Vec<Shard>, Error> {
    if let Some(path) = files.get(WEIGHTS) {
        return Ok(vec![Shard::open(path)?]);
    }
    let malformed = |path: &Path, why: String| Error::Malformed {
        path: path.into(),
        why,
    };
    let Some(path) = files.get(INDEX) else {
        let why = format!("there is neither this file nor `{INDEX}` beside it");
        let beside = files.get(CONFIG).map(|path| path.with_file_name(WEIGHTS));
        return Err(malformed(&beside.unwrap_or(WEIGHTS.into()), why));
    };
    let text = shard::read_small(path)?;
    let index: Index = serde_json::from_slice(&text).map_err(|e| malformed(path, e.to_string()))?;
    let mut by_name = BTreeMap::new();
    let mut wrong = Vec::new();
    for name in index.weight_map.values() {
        if by_name.contains_key(name) {
            continue;
        }
        match files.get(name) {
            Some(path) => {
                by_name.insert(name, Shard::open(path)?);
            }
            None => wrong.push(format!("it names `{name}`, which is no file beside it")),
        }
    }
    for (tensor, name) in &index.weight_map {
        if let Some(shard) = by_name.get(name)
            && !shard.tensors().contains_key(tensor)
        {
            wrong.push(format!("it says that `{tensor}` is in `{name}`"));
        }
    }
    wrong.dedup();
    if wrong.is_empty() {
        Ok(by_name.into_values().collect())
    } else {
        Err(Error::mismatch(path, &wrong))
    }
}

/// Where a tensor was found: in which shard, and under which name.
type Found = BTreeMap<String, (usize, String)>;

/// Finds every tensor of a layout, and complains of all that do not fit.
fn find(layout: &Layout, shards: &[Shard]) -> (Found, Vec<String>) {
    let (mut found, mut wrong) = (Found::new(), Vec::new());
    let entries: BTreeMap<&str, &Entry> = layout
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry))
        .collect();
    let fits = |info: &TensorInfo, shape: &[usize], name: &str| {
        if info.shape != shape {
            Some(format!("`{name}` is of {:?}, not of {shape:?}", info.shape))
        } else if !shard::is_known(info.dtype) {
            Some(format!(
                "`{name}` is of {:?}; F32, F16 and BF16 can be read",
                info.dtype
            ))
        } else {
            None
        }
    };
    for (place, shard) in shards.iter().enumerate() {
        for (stored, info) in shard.tensors() {
            let whole = format!("{}{stored}", layout.prefix);
            let twin = (layout.twin.as_ref()).filter(|(twin, _)| twin == stored);
            let (name, shape) = match (entries.get(stored.as_str()), entries.get(&*whole), twin) {
                (Some(entry), _, _) => (stored, &entry.shape),
                (None, Some(entry), _) => (&whole, &entry.shape),
                (None, None, Some((_, original))) => (stored, &entries[original.as_str()].shape),
                (None, None, None) => {
                    if !layout.ignored.iter().any(|end| stored.ends_with(end)) {
                        wrong.push(format!("`{stored}` is none of its tensors"));
                    }
                    continue;
                }
            };
            wrong.extend(fits(info, shape, stored));
            if found
                .insert(name.clone(), (place, stored.clone()))
                .is_some()
            {
                wrong.push(format!("`{name}` is there twice"));
            }
        }
    }
    let missing = layout
        .entries
        .iter()
        .filter(|entry| !found.contains_key(&entry.name));
    wrong.extend(missing.map(|entry| format!("`{}` is missing", entry.name)));
    (found, wrong)
}

/// Reads the weights of a model from its directory's files.
///
/// # Errors
/// [`Error::Malformed`] where tensors are missing, too many, or of another shape or type than the layout says, the
/// first ten of them named; [`Error::File`] where a file is broken or holds a number that is not finite.
pub fn read(
    files: &Files,
    layout: &Layout,
    dtype: DType,
    device: &Device,
) -> Result<Parameters, Error> {
    let mut shards = shards(files)?;
    let (found, wrong) = find(layout, &shards);
    let path = match &shards[..] {
        [one] => one.path().to_path_buf(),
        _ => files.get(INDEX).cloned().unwrap_or_default(),
    };
    if !wrong.is_empty() {
        return Err(Error::mismatch(&path, &wrong));
    }
    let mut numbers = |name: &str| {
        let (place, stored) = &found[name];
        shards[*place].read(stored)
    };
    if let Some((twin, original)) = &layout.twin
        && found.contains_key(twin)
        && numbers(twin)? != numbers(original)?
    {
        let why = format!("`{twin}` differs from `{original}`, but its config ties them");
        return Err(Error::Malformed { path, why });
    }
    let mut parameters = Parameters::default();
    for entry in &layout.entries {
        let theirs = numbers(&entry.name)?;
        for piece in &entry.pieces {
            let mut ours = Vec::with_capacity(piece.count());
            piece.walk(&mut |place| ours.push(theirs[place]));
            let tensor = Tensor::from_vec(ours, piece.shape.as_slice(), &Device::Cpu)?
                .to_dtype(dtype)?
                .to_device(device)?;
            parameters.insert(piece.weight.clone(), &tensor)?;
        }
    }
    Ok(parameters)
}

/// Writes the weights of a model into one file, as `f32`. The same weights give the same bytes.
///
/// # Errors
/// The file system's, or a weight that is missing.
pub fn write(path: &Path, layout: &Layout, parameters: &Parameters) -> Result<(), Error> {
    let entries: BTreeMap<&str, &Entry> = layout
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry))
        .collect();
    let shapes: Vec<(String, Vec<usize>)> = entries
        .values()
        .map(|entry| (entry.name.clone(), entry.shape.clone()))
        .collect();
    shard::write(path, &shapes, |name| {
        let entry = entries[name];
        let mut theirs = vec![0.0; entry.shape.iter().product()];
        for piece in &entry.pieces {
            let mut ours = parameters.numbers(&piece.weight)?.into_iter();
            piece.walk(&mut |place| {
                theirs[place] = ours.next().unwrap_or_default();
            });
        }
        Ok(theirs)
    })
}

#[cfg(test)]
mod tests;

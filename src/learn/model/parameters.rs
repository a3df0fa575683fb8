//! Named weights: how they begin, and how they lie at rest.
//!
//! Names are kept in order, so that nothing depends on the order of a hash map; each weight begins from a stream of its
//! own name, so that adding a weight changes no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var, bail};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::Dtype;

use super::shard::{self, Shard};
use crate::learn::random;

/// The weights that something needs, by name.
pub type Specification = BTreeMap<String, Weight>;

/// The shape of a weight, and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// The shape, outermost dimension first.
    pub shape: Vec<usize>,
    /// The first values.
    pub initial: Initial,
}

/// The first values of a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// Independent normal numbers of mean 0 and this standard deviation.
    Normal(f64),
    /// Everywhere this number.
    Constant(f64),
    /// Independent numbers, uniform between minus this and this.
    Uniform(f64),
    /// ln 1, ln 2, ln 3, … along the last dimension.
    Logarithms,
    /// Independent numbers x of which ln(1 + eˣ) has a logarithm that is uniform between those of these two.
    Softplus {
        /// The least that ln(1 + eˣ) can be; above 0.
        least: f64,
        /// The most.
        most: f64,
    },
}

impl Initial {
    /// Whether it is drawn around zero, as matrices are.
    #[must_use]
    pub fn is_random(self) -> bool {
        matches!(self, Self::Normal(_) | Self::Uniform(_))
    }

    /// The first values of a weight of this shape, row-major, from its stream.
    fn numbers(self, shape: &[usize], stream: &mut ChaCha8Rng) -> Vec<f64> {
        let count = shape.iter().product();
        match self {
            Self::Normal(deviation) => random::normals(stream, count, deviation),
            Self::Constant(number) => vec![number; count],
            Self::Uniform(bound) => (0..count)
                .map(|_| bound * (2.0 * random::uniform(stream) - 1.0))
                .collect(),
            Self::Logarithms => {
                let last = shape.last().copied().unwrap_or(1).max(1);
                (0..count)
                    .map(|place| random::logarithm((place % last + 1) as f64))
                    .collect()
            }
            Self::Softplus { least, most } => {
                let (least, most) = (random::logarithm(least), random::logarithm(most));
                let mut draw = || {
                    let value =
                        random::exponential(least + (most - least) * random::uniform(stream));
                    value + random::logarithm(1.0 - random::exponential(-value))
                };
                (0..count).map(|_| draw()).collect()
            }
        }
    }
}

/// Weights by name, each a variable that the models built over it share.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, Var>);

/// Why weights cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written, or is none of weights.
    #[error(transparent)]
    File(#[from] shard::Error),
    /// The file does not hold these weights.
    #[error("{path} does not hold the weights of this model: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A computation failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
}

impl Parameters {
    /// Fresh weights; the same seed gives the same ones on every device.
    ///
    /// # Errors
    /// No memory on the device.
    pub fn initialise(
        specification: &Specification,
        seed: u64,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let mut parameters = BTreeMap::new();
        for (name, Weight { shape, initial }) in specification {
            let mut stream = random::stream(seed, &format!("init/{name}"));
            let numbers = initial.numbers(shape, &mut stream);
            // Rounded before it travels: a card would otherwise need f64.
            let tensor = Tensor::from_vec(numbers, shape.as_slice(), &Device::Cpu)?
                .to_dtype(dtype)?
                .to_device(device)?;
            parameters.insert(name.clone(), Var::from_tensor(&tensor)?);
        }
        Ok(Self(parameters))
    }

    /// Adds a weight, or sets another in its place.
    ///
    /// # Errors
    /// No memory on the device.
    pub fn insert(&mut self, name: String, weight: &Tensor) -> candle_core::Result<()> {
        self.0.insert(name, Var::from_tensor(weight)?);
        Ok(())
    }

    /// A weight, shared.
    ///
    /// # Errors
    /// No weight of this name and shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> candle_core::Result<Tensor> {
        match self.0.get(name) {
            Some(variable) if variable.dims() == shape => Ok(variable.as_tensor().clone()),
            Some(variable) => bail!(
                "weight `{name}` has shape {:?}, not {shape:?}",
                variable.dims()
            ),
            None => bail!("there is no weight `{name}`"),
        }
    }

    /// Every weight, in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.0
            .iter()
            .map(|(name, variable)| (name.as_str(), variable))
    }

    /// How many numbers the weights have together.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.values().map(|variable| variable.elem_count()).sum()
    }

    /// The weights whose names begin so, the variables shared.
    #[must_use]
    pub fn beginning(&self, prefix: &str) -> Self {
        let named = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        Self(
            named
                .map(|(name, variable)| (name.clone(), variable.clone()))
                .collect(),
        )
    }

    /// Adds all weights of others; theirs win where names are equal.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The numbers of a weight as `f32`, row-major.
    ///
    /// # Errors
    /// No such weight, or the device's.
    pub fn numbers(&self, name: &str) -> candle_core::Result<Vec<f32>> {
        match self.0.get(name) {
            Some(variable) => variable.to_dtype(DType::F32)?.flatten_all()?.to_vec1(),
            None => bail!("there is no weight `{name}`"),
        }
    }

    /// Writes every weight as `f32`. The same weights give the same bytes.
    ///
    /// # Errors
    /// The file system's or the device's.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let shapes: Vec<(String, Vec<usize>)> = self
            .0
            .iter()
            .map(|(name, variable)| (name.clone(), variable.dims().to_vec()))
            .collect();
        shard::write(path, &shapes, |name| Ok(self.numbers(name)?))
    }

    /// Reads weights, which must be exactly the specified ones, in `f32`.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the file lacks weights, has some too many, or some of another shape or type, the
    /// first ten of them named; [`Error::File`] where it is broken or holds a number that is not finite.
    pub fn load(
        path: &Path,
        specification: &Specification,
        device: &Device,
    ) -> Result<Self, Error> {
        let mut shard = Shard::open(path)?;
        let mut wrong: Vec<String> = Vec::new();
        for (name, Weight { shape, .. }) in specification {
            match shard.tensors().get(name) {
                None => wrong.push(format!("it lacks weight `{name}`")),
                Some(info) if info.dtype != Dtype::F32 || info.shape != *shape => {
                    wrong.push(format!(
                        "weight `{name}` is {:?} of {:?}, not F32 of {shape:?}",
                        info.dtype, info.shape
                    ));
                }
                Some(_) => {}
            }
        }
        let more = shard.tensors().keys();
        wrong.extend(
            more.filter(|name| !specification.contains_key(*name))
                .map(|name| format!("it has a weight `{name}` too many")),
        );
        if !wrong.is_empty() {
            return Err(Error::mismatch(path, &wrong));
        }
        let mut parameters = Self::default();
        for (name, Weight { shape, .. }) in specification {
            let tensor = Tensor::from_vec(shard.read(name)?, shape.as_slice(), device)?;
            parameters.insert(name.clone(), &tensor)?;
        }
        Ok(parameters)
    }
}

/// How many errors of one kind of file are told.
const TOLD: usize = 10;

impl Error {
    /// Weights that are not those of the model: every error, the first ten in words.
    pub(super) fn mismatch(path: &Path, wrong: &[String]) -> Self {
        let mut why = wrong[..wrong.len().min(TOLD)].join("; ");
        if wrong.len() > TOLD {
            why.push_str(&format!("; and {} more", wrong.len() - TOLD));
        }
        Self::Malformed {
            path: path.into(),
            why,
        }
    }
}

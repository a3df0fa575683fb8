//! Named weights: how they begin, and how they lie at rest.
//!
//! Names are kept in order, so that nothing depends on the order of a hash map; each weight begins from a stream of its
//! own name, so that adding a weight changes no other.

use crate::learn::random;
use candle_core::{DType, Device, Tensor, Var, bail};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
}

/// Weights by name, each a variable that the models built over it share.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, Var>);

/// Why weights cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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
            let count = shape.iter().product();
            let numbers = match *initial {
                Initial::Normal(deviation) => random::normals(
                    &mut random::stream(seed, &format!("init/{name}")),
                    count,
                    deviation,
                ),
                Initial::Constant(number) => vec![number; count],
            };
            // Rounded before it travels: a card would otherwise need f64.
            let tensor = Tensor::from_vec(numbers, shape.as_slice(), &Device::Cpu)?
                .to_dtype(dtype)?
                .to_device(device)?;
            parameters.insert(name.clone(), Var::from_tensor(&tensor)?);
        }
        Ok(Self(parameters))
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

    /// Writes every weight as `f32`. The same weights give the same bytes.
    ///
    /// # Errors
    /// The file system's or the device's.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(self.0.len());
        for (name, variable) in &self.0 {
            let numbers = variable
                .to_dtype(DType::F32)?
                .flatten_all()?
                .to_vec1::<f32>()?;
            bytes.push((
                name,
                variable.dims().to_vec(),
                numbers
                    .iter()
                    .flat_map(|x| x.to_le_bytes())
                    .collect::<Vec<u8>>(),
            ));
        }
        let malformed = |e: safetensors::SafeTensorError| Error::Malformed {
            path: path.into(),
            why: e.to_string(),
        };
        let mut views = Vec::with_capacity(bytes.len());
        for (name, shape, bytes) in &bytes {
            views.push((
                name.as_str(),
                TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(malformed)?,
            ));
        }
        let file = safetensors::serialize(views, None).map_err(malformed)?;
        std::fs::write(path, file).map_err(|source| Error::Io {
            path: path.into(),
            source,
        })
    }

    /// Reads weights, which must be exactly the specified ones.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the file is broken, lacks a weight, has one too many, or one of another shape or type,
    /// or that is not a finite number.
    pub fn load(
        path: &Path,
        specification: &Specification,
        device: &Device,
    ) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.into(),
            source,
        })?;
        let malformed = |why: String| Error::Malformed {
            path: path.into(),
            why,
        };
        let file = SafeTensors::deserialize(&bytes).map_err(|e| malformed(e.to_string()))?;
        if let Some(name) = file
            .names()
            .into_iter()
            .filter(|name| !specification.contains_key(*name))
            .min()
        {
            return Err(malformed(format!("it has a weight `{name}` too many")));
        }
        let mut parameters = BTreeMap::new();
        for (name, Weight { shape, .. }) in specification {
            let view = file
                .tensor(name)
                .map_err(|_| malformed(format!("it lacks weight `{name}`")))?;
            if view.dtype() != Dtype::F32 || view.shape() != shape {
                return Err(malformed(format!(
                    "weight `{name}` is {:?} of {:?}, not F32 of {shape:?}",
                    view.dtype(),
                    view.shape()
                )));
            }
            let numbers: Vec<f32> = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes(b.try_into().expect("chunks have four bytes")))
                .collect();
            if numbers.iter().any(|x| !x.is_finite()) {
                return Err(malformed(format!(
                    "weight `{name}` has a number that is not finite"
                )));
            }
            let tensor = Tensor::from_vec(numbers, shape.as_slice(), device)?;
            parameters.insert(name.clone(), Var::from_tensor(&tensor)?);
        }
        Ok(Self(parameters))
    }
}

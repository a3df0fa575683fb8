//! The cross-entropy of logits against labels, or against whole distributions, in nats.
//!
//! Each row of logits says by a share how much it counts, so a batch may be cut into parts whose losses and gradients
//! are then added. A label is a distribution of one token, so both are one operation: a row asks for some tokens, each
//! with a mass (its probability times the row's share), and costs Σ mass·(−ln softmax\[token\]). Tokens it does not name
//! have probability 0. A row without a mass costs nothing, in the loss and in time.

use std::sync::Arc;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, D, Device, Layout, Result, Shape, Tensor, bail,
};

use super::{Ragged, Real, applies, by_type, slice};

/// Σ share·(−ln softmax(logits)\[label\]) over rows: `logits` (…, vocabulary), one label and one share a row; a scalar.
///
/// # Errors
/// A number of labels or shares other than that of rows, or a label outside the vocabulary.
pub fn cross_entropy(logits: &Tensor, labels: &[u32], shares: &[f32]) -> Result<Tensor> {
    if labels.len() != shares.len() {
        bail!("{} labels with {} shares", labels.len(), shares.len())
    }
    let rows = labels.iter().zip(shares);
    soft_cross_entropy(
        logits,
        rows.map(|(&label, &share)| [(label, share)]).collect(),
    )
}

/// Σ mass·(−ln softmax(logits)\[token\]) over the tokens of rows: `logits` (…, vocabulary), some tokens and their masses
/// a row, no token twice; a scalar.
///
/// # Errors
/// A number of rows other than that of the logits, or a token outside the vocabulary.
pub fn soft_cross_entropy(logits: &Tensor, wanted: Ragged<(u32, f32)>) -> Result<Tensor> {
    let vocabulary = logits.dim(D::Minus1)?;
    if wanted.rows() == 0 || wanted.rows() * vocabulary != logits.elem_count() {
        bail!(
            "{} rows of labels for logits of {:?}",
            wanted.rows(),
            logits.dims()
        )
    }
    let mut tokens = wanted.entries().iter().map(|&(token, _)| token);
    if let Some(token) = tokens.find(|&token| token as usize >= vocabulary) {
        bail!("label {token} is not in a vocabulary of {vocabulary}")
    }
    if applies(logits) {
        logits
            .contiguous()?
            .apply_op1(CrossEntropy(Arc::new(wanted)))
    } else {
        composed(logits, &wanted)
    }
}

/// The most logits that are all multiplied with what is wanted of them.
const SMALL: usize = 1 << 20;

/// The same from candle's own operations.
pub(super) fn composed(logits: &Tensor, wanted: &Ragged<(u32, f32)>) -> Result<Tensor> {
    let logits = logits.reshape((wanted.rows(), ()))?; // (rows, vocabulary)
    let vocabulary = logits.dim(1)?;
    // Rounded before they travel: a card would otherwise need f64.
    let constant = |numbers: Vec<f64>| -> Result<Tensor> {
        let count = numbers.len();
        Tensor::from_vec(numbers, count, &Device::Cpu)?
            .to_dtype(logits.dtype())?
            .to_device(logits.device())
    };
    let largest = logits.max_keepdim(D::Minus1)?.detach();
    let shifted = logits.broadcast_sub(&largest)?;
    let total = shifted.exp()?.sum(D::Minus1)?.log()?; // (rows)
    let loss = (total * constant(wanted.iter().map(mass).collect())?)?.sum_all()?;
    if wanted.entries().is_empty() {
        return Ok(loss);
    }
    // A card takes long to pick numbers and to put their gradients back, one after another.
    if wanted.rows() * vocabulary <= SMALL {
        let mut masses = vec![0.0; wanted.rows() * vocabulary];
        for (row, tokens) in wanted.iter().enumerate() {
            for &(token, mass) in tokens {
                masses[row * vocabulary + token as usize] += f64::from(mass);
            }
        }
        let masses = constant(masses)?.reshape(shifted.shape())?;
        return loss - (shifted * masses)?.sum_all()?;
    }
    let places: Vec<i64> = wanted
        .iter()
        .enumerate()
        .flat_map(|(row, tokens)| {
            tokens
                .iter()
                .map(move |&(token, _)| (row * vocabulary + token as usize) as i64)
        })
        .collect();
    let masses = wanted.entries().iter();
    let masses = masses.map(|&(_, mass)| f64::from(mass)).collect();
    let places = Tensor::from_vec(places, wanted.entries().len(), logits.device())?;
    let picked = shifted.flatten_all()?.index_select(&places, 0)?; // (tokens of all rows)
    loss - (picked * constant(masses)?)?.sum_all()?
}

/// How much a row counts in all.
fn mass(row: &[(u32, f32)]) -> f64 {
    row.iter().map(|&(_, mass)| f64::from(mass)).sum()
}

struct CrossEntropy(Arc<Ragged<(u32, f32)>>);

/// The gradient of the logits, from the logits and that of the loss.
struct Backward(Arc<Ragged<(u32, f32)>>);

/// Writes the exponentials of a row less its largest number, and gives their sum and that number.
fn exponentials<T: Real>(row: &[T], out: &mut [T]) -> (T, T) {
    let largest = row
        .iter()
        .copied()
        .fold(row[0], |a, b| if b > a { b } else { a });
    let mut total = T::zero();
    for (out, &logit) in out.iter_mut().zip(row) {
        *out = (logit - largest).exp();
        total += *out;
    }
    (total, largest)
}

fn forward<T: Real>(
    storage: &CpuStorage,
    layout: &Layout,
    wanted: &Ragged<(u32, f32)>,
) -> Result<(CpuStorage, Shape)> {
    let logits = slice::<T>(storage, layout)?;
    let vocabulary = logits.len() / wanted.rows();
    let mut row_out = vec![T::zero(); vocabulary];
    let mut loss = 0.0;
    for (row, tokens) in logits.chunks_exact(vocabulary).zip(wanted.iter()) {
        if tokens.iter().all(|&(_, mass)| mass == 0.0) {
            continue;
        }
        let (total, largest) = exponentials(row, &mut row_out);
        let total = total.to_f64().ln();
        for &(token, mass) in tokens {
            loss += f64::from(mass) * (total - (row[token as usize] - largest).to_f64());
        }
    }
    Ok((
        T::to_cpu_storage_owned(vec![T::from_f64(loss)]),
        Shape::from(()),
    ))
}

fn backward<T: Real>(
    logits: (&CpuStorage, &Layout),
    gradient: (&CpuStorage, &Layout),
    wanted: &Ragged<(u32, f32)>,
) -> Result<(CpuStorage, Shape)> {
    let values = slice::<T>(logits.0, logits.1)?;
    let gradient = slice::<T>(gradient.0, gradient.1)?[0];
    let vocabulary = values.len() / wanted.rows();
    let mut out = vec![T::zero(); values.len()];
    for ((row, out), tokens) in values
        .chunks_exact(vocabulary)
        .zip(out.chunks_exact_mut(vocabulary))
        .zip(wanted.iter())
    {
        if tokens.iter().all(|&(_, mass)| mass == 0.0) {
            continue;
        }
        let (total, _) = exponentials(row, out);
        let factor = gradient * T::from_f64(mass(tokens)) / total;
        out.iter_mut().for_each(|x| *x *= factor);
        for &(token, mass) in tokens {
            out[token as usize] -= gradient * T::from_f64(f64::from(mass));
        }
    }
    Ok((T::to_cpu_storage_owned(out), logits.1.shape().clone()))
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, forward(storage, layout, &self.0))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(logits.apply_op2_no_bwd(
            &gradient.contiguous()?,
            &Backward(self.0.clone()),
        )?))
    }
}

impl CustomOp2 for Backward {
    fn name(&self) -> &'static str {
        "cross-entropy-backward"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, backward((s1, l1), (s2, l2), &self.0))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;

    #[test]
    fn a_row_without_a_share_costs_nothing_whatever_it_holds() {
        let rows = [[0.0f32, 2.0, 1.0], [f32::NAN, f32::INFINITY, 0.0]];
        let logits = Var::new(&rows, &Device::Cpu).unwrap();
        let loss = cross_entropy(&logits, &[1, 0], &[0.5, 0.0]).unwrap();
        let expected = 0.5 * ((0f64.exp() + 2f64.exp() + 1f64.exp()).ln() - 2.0);
        assert!((f64::from(loss.to_scalar::<f32>().unwrap()) - expected).abs() < 1e-6);
        let gradient = loss.backward().unwrap();
        let gradient = gradient.get(&logits).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(gradient[1], [0.0; 3]);
        assert!(gradient[0].iter().sum::<f32>().abs() < 1e-6);
    }

    #[test]
    fn what_does_not_fit_the_logits_is_refused() {
        let logits = Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        let param_error = |labels: &[u32], shares: &[f32]| {
            cross_entropy(&logits, labels, shares)
                .unwrap_err()
                .to_string()
        };
        assert!(param_error(&[0, 3], &[1.0; 2]).contains("label 3"));
        assert!(param_error(&[0], &[1.0]).contains("1 rows of labels"));
        assert!(param_error(&[], &[]).contains("0 rows of labels"));
        assert!(param_error(&[0, 1], &[1.0]).contains("2 labels with 1 shares"));
    }
}

//! The mean cross-entropy of logits against labels, in nats.

use super::{Real, applies, by_type, slice};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor, bail};
use std::sync::Arc;

/// The mean over rows of −ln softmax(logits)\[label\]: `logits` (…, vocabulary), one label a row; a scalar.
///
/// # Errors
/// A number of labels other than that of rows, or a label outside the vocabulary.
pub fn cross_entropy(logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
    let vocabulary = logits.dim(D::Minus1)?;
    if labels.is_empty() || labels.len() * vocabulary != logits.elem_count() {
        bail!("{} labels for logits of {:?}", labels.len(), logits.dims())
    }
    if let Some(label) = labels.iter().find(|&&label| label as usize >= vocabulary) {
        bail!("label {label} is not in a vocabulary of {vocabulary}")
    }
    if applies(logits) {
        logits.contiguous()?.apply_op1(CrossEntropy(labels.into()))
    } else {
        composed(logits, labels)
    }
}

/// The same from candle's own operations.
pub(super) fn composed(logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
    let logits = logits.reshape((labels.len(), ()))?; // (rows, vocabulary)
    let largest = logits.max_keepdim(D::Minus1)?.detach();
    let shifted = logits.broadcast_sub(&largest)?;
    let total = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?; // (rows, 1)
    let labels = Tensor::new(labels, logits.device())?.unsqueeze(1)?;
    (total - shifted.gather(&labels, 1)?)?.mean_all()
}

struct CrossEntropy(Arc<[u32]>);

/// The gradient of the logits, from the logits and that of the loss.
struct Backward(Arc<[u32]>);

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
    labels: &[u32],
) -> Result<(CpuStorage, Shape)> {
    let logits = slice::<T>(storage, layout)?;
    let vocabulary = logits.len() / labels.len();
    let mut row_out = vec![T::zero(); vocabulary];
    let mut loss = 0.0;
    for (row, &label) in logits.chunks_exact(vocabulary).zip(labels) {
        let (total, largest) = exponentials(row, &mut row_out);
        loss += total.to_f64().ln() - (row[label as usize] - largest).to_f64();
    }
    Ok((
        T::to_cpu_storage_owned(vec![T::from_f64(loss / labels.len() as f64)]),
        Shape::from(()),
    ))
}

fn backward<T: Real>(
    logits: (&CpuStorage, &Layout),
    gradient: (&CpuStorage, &Layout),
    labels: &[u32],
) -> Result<(CpuStorage, Shape)> {
    let values = slice::<T>(logits.0, logits.1)?;
    let share = slice::<T>(gradient.0, gradient.1)?[0] / T::from_f64(labels.len() as f64);
    let vocabulary = values.len() / labels.len();
    let mut out = vec![T::zero(); values.len()];
    for ((row, out), &label) in values
        .chunks_exact(vocabulary)
        .zip(out.chunks_exact_mut(vocabulary))
        .zip(labels)
    {
        let (total, _) = exponentials(row, out);
        let factor = share / total;
        out.iter_mut().for_each(|x| *x *= factor);
        out[label as usize] -= share;
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

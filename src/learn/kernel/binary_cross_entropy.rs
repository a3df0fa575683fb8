//! The cross-entropy of many yes-or-no questions, one a token, in nats: which tokens are in a set?
//!
//! A row with share s and set S costs s·(Σ_v ln(1 + e^(x_v)) − Σ_(v ∈ S) x_v), the sum over the whole vocabulary of
//! −ln σ(x_v) for tokens in S and −ln(1 − σ(x_v)) for the others. A row without a share costs nothing.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor, bail};

use super::{Ragged, Real, applies, by_type, slice};

/// The cost of all rows: `logits` (…, vocabulary), one share and one set a row, no token twice in a set; a scalar.
///
/// # Errors
/// A number of shares or sets other than that of rows, or a token outside the vocabulary.
pub fn binary_cross_entropy(
    logits: &Tensor,
    sets: Ragged<u32>,
    shares: Vec<f32>,
) -> Result<Tensor> {
    let vocabulary = logits.dim(D::Minus1)?;
    if shares.is_empty()
        || shares.len() != sets.rows()
        || shares.len() * vocabulary != logits.elem_count()
    {
        bail!(
            "{} sets with {} shares for logits of {:?}",
            sets.rows(),
            shares.len(),
            logits.dims()
        )
    }
    let mut tokens = sets.entries().iter();
    if let Some(token) = tokens.find(|&&token| token as usize >= vocabulary) {
        bail!("token {token} is not in a vocabulary of {vocabulary}")
    }
    let asked = Asked { sets, shares };
    if applies(logits) {
        logits
            .contiguous()?
            .apply_op1(BinaryCrossEntropy(Arc::new(asked)))
    } else {
        composed(logits, &asked)
    }
}

/// What rows are asked.
pub(super) struct Asked {
    pub(super) sets: Ragged<u32>,
    pub(super) shares: Vec<f32>,
}

impl Asked {
    fn iter(&self) -> impl Iterator<Item = (&[u32], f32)> {
        self.sets.iter().zip(self.shares.iter().copied())
    }
}

/// The same from candle's own operations.
pub(super) fn composed(logits: &Tensor, asked: &Asked) -> Result<Tensor> {
    let logits = logits.reshape((asked.shares.len(), ()))?; // (rows, vocabulary)
    let vocabulary = logits.dim(1)?;
    let mut yes = vec![0.0f32; asked.shares.len() * vocabulary];
    for (row, (set, share)) in yes.chunks_exact_mut(vocabulary).zip(asked.iter()) {
        set.iter().for_each(|&token| row[token as usize] = share);
    }
    let constant = |numbers: Vec<f32>, columns: usize| -> Result<Tensor> {
        Tensor::from_vec(numbers, ((), columns), logits.device())?.to_dtype(logits.dtype())
    };
    // ln(1 + e^x) = m + ln(e^(−m) + e^(x−m)) for every m; the larger of x and 0 keeps both powers small.
    let larger = logits.relu()?.detach();
    let powers = (larger.neg()?.exp()? + (&logits - &larger)?.exp()?)?;
    let no = (powers.log()? + larger)?.broadcast_mul(&constant(asked.shares.clone(), 1)?)?;
    (no - (&logits * constant(yes, vocabulary)?)?)?.sum_all()
}

struct BinaryCrossEntropy(Arc<Asked>);

/// The gradient of the logits, from the logits and that of the loss.
struct Backward(Arc<Asked>);

/// Numbers of 1 to 2 whose product stays far from the largest `f64`.
const FACTORS: usize = 512;

/// Σ ln(1 + e^x) over a row: max(x, 0) + ln(1 + e^(−|x|)), with one logarithm for many numbers.
fn softplus<T: Real>(row: &[T]) -> f64 {
    let mut sum = 0.0;
    for part in row.chunks(FACTORS) {
        let mut product = 1.0;
        for &x in part {
            let (larger, minus) = if x > T::zero() {
                (x, -x)
            } else {
                (T::zero(), x)
            };
            sum += larger.to_f64();
            product *= 1.0 + minus.exp().to_f64();
        }
        sum += product.ln();
    }
    sum
}

fn forward<T: Real>(
    storage: &CpuStorage,
    layout: &Layout,
    asked: &Asked,
) -> Result<(CpuStorage, Shape)> {
    let logits = slice::<T>(storage, layout)?;
    let vocabulary = logits.len() / asked.shares.len();
    let mut loss = 0.0;
    for (row, (set, share)) in logits.chunks_exact(vocabulary).zip(asked.iter()) {
        if share == 0.0 {
            continue;
        }
        let yes: f64 = set.iter().map(|&token| row[token as usize].to_f64()).sum();
        loss += f64::from(share) * (softplus(row) - yes);
    }
    Ok((
        T::to_cpu_storage_owned(vec![T::from_f64(loss)]),
        Shape::from(()),
    ))
}

fn backward<T: Real>(
    logits: (&CpuStorage, &Layout),
    gradient: (&CpuStorage, &Layout),
    asked: &Asked,
) -> Result<(CpuStorage, Shape)> {
    let values = slice::<T>(logits.0, logits.1)?;
    let gradient = slice::<T>(gradient.0, gradient.1)?[0];
    let vocabulary = values.len() / asked.shares.len();
    let mut out = vec![T::zero(); values.len()];
    for ((row, out), (set, share)) in values
        .chunks_exact(vocabulary)
        .zip(out.chunks_exact_mut(vocabulary))
        .zip(asked.iter())
    {
        if share == 0.0 {
            continue;
        }
        let share = gradient * T::from_f64(f64::from(share));
        for (out, &x) in out.iter_mut().zip(row) {
            *out = share / (T::one() + (-x).exp());
        }
        set.iter().for_each(|&token| out[token as usize] -= share);
    }
    Ok((T::to_cpu_storage_owned(out), logits.1.shape().clone()))
}

impl CustomOp1 for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary-cross-entropy"
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
        "binary-cross-entropy-backward"
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
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn the_cost_is_that_of_each_question_even_far_from_zero() {
        let numbers = [[-40.0f32, 0.0, 0.5], [90.0, -3.0, 1e4]];
        let logits = Tensor::new(&numbers, &Device::Cpu).unwrap();
        let sets = || [vec![1, 2], vec![0, 2]].into_iter().collect();
        let cost = binary_cross_entropy(&logits, sets(), vec![1.0, 2.0]).unwrap();
        let no = |x: f64| (1.0 + x.exp()).ln();
        let expected = no(-40.0) + no(-0.0) + no(-0.5) + 2.0 * no(-3.0);
        assert!((f64::from(cost.to_scalar::<f32>().unwrap()) - expected).abs() < 1e-6);
        let alone = binary_cross_entropy(&logits, sets(), vec![1.0, 0.0]).unwrap();
        let expected = no(-40.0) + no(-0.0) + no(-0.5);
        assert!((f64::from(alone.to_scalar::<f32>().unwrap()) - expected).abs() < 1e-6);
    }

    #[test]
    fn long_rows_are_summed_in_parts() {
        let logits = Tensor::zeros((1, 1300), DType::F32, &Device::Cpu).unwrap();
        let cost = binary_cross_entropy(&logits, [[7u32]].into_iter().collect(), vec![1.0]);
        let cost = f64::from(cost.unwrap().to_scalar::<f32>().unwrap());
        assert!((cost - 1300.0 * 2f64.ln()).abs() < 1e-3);
    }

    #[test]
    fn what_does_not_fit_the_logits_is_refused() {
        let logits = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        let param_error = |sets: &[Vec<u32>], shares: &[f32]| {
            let sets = sets.iter().cloned().collect();
            binary_cross_entropy(&logits, sets, shares.to_vec())
                .unwrap_err()
                .to_string()
        };
        assert!(param_error(&[vec![0], vec![3]], &[1.0; 2]).contains("token 3"));
        assert!(param_error(&[vec![0]], &[1.0; 2]).contains("1 sets with 2 shares"));
        assert!(param_error(&[], &[]).contains("0 sets"));
    }
}

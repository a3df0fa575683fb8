//! Layer normalisation over the last dimension: y = (x − mean) / √(variance + ε) · weight + bias.

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor};

#[cfg(feature = "cuda")]
use super::card;
use super::{Real, applies, by_type, on_a_card, on_card, slice, unpack};

/// Normalises rows: `x` (…, width), `weight` and `bias` (width); `epsilon` keeps the deviation of a flat row from zero.
///
/// # Errors
/// Shapes that do not fit.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    if applies(x) || on_card(x) {
        x.contiguous()?.apply_op3(weight, bias, LayerNorm(epsilon))
    } else {
        composed(x, weight, bias, epsilon)
    }
}

/// The same from candle's own operations.
pub(super) fn composed(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normed = centred.broadcast_div(&(variance + epsilon)?.sqrt()?)?;
    normed.broadcast_mul(weight)?.broadcast_add(bias)
}

/// With its ε.
struct LayerNorm(f64);

/// The gradients of x, weight and bias, packed, from (x, weight, gradient of y).
struct Backward(f64);

/// A sum of f(i) in eight interleaved parts: one fixed order that vectorises.
#[inline]
pub(super) fn sum<T: Real>(count: usize, f: impl Fn(usize) -> T) -> T {
    let mut parts = [T::zero(); 8];
    let whole = count / 8 * 8;
    let mut start = 0;
    while start < whole {
        for (lane, part) in parts.iter_mut().enumerate() {
            *part += f(start + lane);
        }
        start += 8;
    }
    let mut total = T::zero();
    for part in parts {
        total += part;
    }
    for i in whole..count {
        total += f(i);
    }
    total
}

/// The mean and the inverse deviation of a row.
#[inline]
fn moments<T: Real>(row: &[T], epsilon: T) -> (T, T) {
    let share = T::one() / T::from_f64(row.len() as f64);
    let mean = sum(row.len(), |i| row[i]) * share;
    let variance = sum(row.len(), |i| (row[i] - mean) * (row[i] - mean)) * share;
    (mean, T::one() / (variance + epsilon).sqrt())
}

fn forward<T: Real>(
    inputs: [(&CpuStorage, &Layout); 3],
    epsilon: f64,
) -> Result<(CpuStorage, Shape)> {
    let epsilon = T::from_f64(epsilon);
    let x = slice::<T>(inputs[0].0, inputs[0].1)?;
    let weight = slice::<T>(inputs[1].0, inputs[1].1)?;
    let bias = slice::<T>(inputs[2].0, inputs[2].1)?;
    let width = check(inputs[0].1, weight.len(), bias.len())?;
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(width) {
        let (mean, inverse) = moments(row, epsilon);
        y.extend(
            row.iter()
                .zip(weight)
                .zip(bias)
                .map(|((&x, &w), &b)| (x - mean) * inverse * w + b),
        );
    }
    Ok((T::to_cpu_storage_owned(y), inputs[0].1.shape().clone()))
}

fn check(x: &Layout, weight: usize, bias: usize) -> Result<usize> {
    match x.dims().last() {
        Some(&width) if width > 0 && width == weight && width == bias => Ok(width),
        _ => candle_core::bail!(
            "layer norm of {:?} by weight {weight} and bias {bias}",
            x.dims()
        ),
    }
}

fn backward<T: Real>(
    inputs: [(&CpuStorage, &Layout); 3],
    epsilon: f64,
) -> Result<(CpuStorage, Shape)> {
    let epsilon = T::from_f64(epsilon);
    let x = slice::<T>(inputs[0].0, inputs[0].1)?;
    let weight = slice::<T>(inputs[1].0, inputs[1].1)?;
    let gradient = slice::<T>(inputs[2].0, inputs[2].1)?;
    let width = check(inputs[0].1, weight.len(), weight.len())?;
    let share = T::one() / T::from_f64(width as f64);
    let mut packed = Vec::with_capacity(x.len() + 2 * width);
    let mut of_weight = vec![T::zero(); width];
    let mut of_bias = vec![T::zero(); width];
    let mut normed = vec![T::zero(); width];
    let mut scaled = vec![T::zero(); width];
    for (row, gradient) in x.chunks_exact(width).zip(gradient.chunks_exact(width)) {
        let (mean, inverse) = moments(row, epsilon);
        for i in 0..width {
            normed[i] = (row[i] - mean) * inverse;
            scaled[i] = gradient[i] * weight[i];
            of_weight[i] += gradient[i] * normed[i];
            of_bias[i] += gradient[i];
        }
        let a = sum(width, |i| scaled[i]) * share;
        let b = sum(width, |i| scaled[i] * normed[i]) * share;
        packed.extend(
            scaled
                .iter()
                .zip(&normed)
                .map(|(&s, &n)| (s - a - n * b) * inverse),
        );
    }
    packed.extend_from_slice(&of_weight);
    packed.extend_from_slice(&of_bias);
    let shape = Shape::from(packed.len());
    Ok((T::to_cpu_storage_owned(packed), shape))
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, forward([(s1, l1), (s2, l2), (s3, l3)], self.0))
    }

    on_a_card!(|this, a, b, c| {
        let width = check(a.1, b.1.shape().elem_count(), c.1.shape().elem_count())?;
        card::norm(a, b, Some(c), width, this.0)
    });

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let packed = x.apply_op3_no_bwd(weight, &gradient.contiguous()?, &Backward(self.0))?;
        let mut parts = unpack(&packed, &[x, weight, bias])?.into_iter();
        Ok((parts.next(), parts.next(), parts.next()))
    }
}

impl CustomOp3 for Backward {
    fn name(&self) -> &'static str {
        "layer-norm-backward"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, backward([(s1, l1), (s2, l2), (s3, l3)], self.0))
    }

    on_a_card!(|this, a, b, c| {
        let width = check(a.1, b.1.shape().elem_count(), b.1.shape().elem_count())?;
        card::norm_backward(a, b, c, width, this.0, true)
    });
}

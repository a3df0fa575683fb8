//! Normalisation by the root mean square over the last dimension (Zhang & Sennrich 2019, arXiv 1910.07467):
//! y = x / √(mean of x² + ε) · weight.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, D, Layout, Result, Shape, Tensor, bail};

#[cfg(feature = "cuda")]
use super::card;
use super::layer_norm::sum;
use super::{Real, applies, by_type, on_a_card, on_card, slice, unpack};

/// Normalises rows: `x` (…, width), `weight` (width); `epsilon` keeps the root of a row of zeros from zero.
///
/// # Errors
/// Shapes that do not fit.
pub fn rms_norm(x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    if applies(x) || on_card(x) {
        x.contiguous()?.apply_op2(weight, RmsNorm(epsilon))
    } else {
        composed(x, weight, epsilon)
    }
}

/// The same from candle's own operations.
pub(super) fn composed(x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    let root = (x.sqr()?.mean_keepdim(D::Minus1)? + epsilon)?.sqrt()?;
    x.broadcast_div(&root)?.broadcast_mul(weight)
}

/// With its ε.
struct RmsNorm(f64);

/// The gradients of x and weight, packed, from (x, weight, gradient of y).
struct Backward(f64);

/// The inverse of a row's root mean square.
#[inline(always)]
fn inverse<T: Real>(row: &[T], epsilon: T) -> T {
    let share = T::one() / T::from_f64(row.len() as f64);
    T::one() / (sum(row.len(), |i| row[i] * row[i]) * share + epsilon).sqrt()
}

fn check(x: &Layout, weight: usize) -> Result<usize> {
    match x.dims().last() {
        Some(&width) if width > 0 && width == weight => Ok(width),
        _ => bail!("norm of {:?} by weight {weight}", x.dims()),
    }
}

fn forward<T: Real>(
    x: (&CpuStorage, &Layout),
    weight: (&CpuStorage, &Layout),
    epsilon: f64,
) -> Result<(CpuStorage, Shape)> {
    let shape = x.1.shape().clone();
    let weight = slice::<T>(weight.0, weight.1)?;
    let width = check(x.1, weight.len())?;
    let x = slice::<T>(x.0, x.1)?;
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks_exact(width) {
        let inverse = inverse(row, T::from_f64(epsilon));
        y.extend(row.iter().zip(weight).map(|(&x, &w)| x * inverse * w));
    }
    Ok((T::to_cpu_storage_owned(y), shape))
}

fn backward<T: Real>(
    inputs: [(&CpuStorage, &Layout); 3],
    epsilon: f64,
) -> Result<(CpuStorage, Shape)> {
    let x = slice::<T>(inputs[0].0, inputs[0].1)?;
    let weight = slice::<T>(inputs[1].0, inputs[1].1)?;
    let gradient = slice::<T>(inputs[2].0, inputs[2].1)?;
    let width = check(inputs[0].1, weight.len())?;
    let share = T::one() / T::from_f64(width as f64);
    let mut packed = Vec::with_capacity(x.len() + width);
    let mut of_weight = vec![T::zero(); width];
    let mut normed = vec![T::zero(); width];
    let mut scaled = vec![T::zero(); width];
    for (row, gradient) in x.chunks_exact(width).zip(gradient.chunks_exact(width)) {
        let inverse = inverse(row, T::from_f64(epsilon));
        for i in 0..width {
            normed[i] = row[i] * inverse;
            scaled[i] = gradient[i] * weight[i];
            of_weight[i] += gradient[i] * normed[i];
        }
        let along = sum(width, |i| scaled[i] * normed[i]) * share;
        let both = scaled.iter().zip(&normed);
        packed.extend(both.map(|(&s, &n)| (s - n * along) * inverse));
    }
    packed.extend_from_slice(&of_weight);
    let shape = Shape::from(packed.len());
    Ok((T::to_cpu_storage_owned(packed), shape))
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, forward((s1, l1), (s2, l2), self.0))
    }

    on_a_card!(|this, a, b| {
        let width = check(a.1, b.1.shape().elem_count())?;
        card::norm(a, b, None, width, this.0)
    });

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let packed = x.apply_op3_no_bwd(weight, &gradient.contiguous()?, &Backward(self.0))?;
        let mut parts = unpack(&packed, &[x, weight])?.into_iter();
        Ok((parts.next(), parts.next()))
    }
}

impl CustomOp3 for Backward {
    fn name(&self) -> &'static str {
        "rms-norm-backward"
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
        let width = check(a.1, b.1.shape().elem_count())?;
        card::norm_backward(a, b, c, width, this.0, false)
    });
}

#[cfg(test)]
mod tests {
    use super::super::tests::{agree, numbers};
    use super::*;

    #[test]
    fn the_norm_agrees_with_its_composition_in_value_and_gradient() {
        for width in [1, 8, 21] {
            let (x, w) = (numbers("x", &[2, 3, width]), numbers("w", &[width]));
            agree(
                "norm",
                &[&x, &w],
                || rms_norm(&x, &w, 1e-3),
                || composed(&x, &w, 1e-3),
            );
        }
        let (x, w) = (numbers("x", &[2, 8]), numbers("w", &[7]));
        assert!(rms_norm(&x, &w, 1e-3).is_err());
    }
}

//! The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel 2016, arXiv 1606.08415), as GPT-2 uses it.
//!
//! ½x(1 + tanh u) with u = √(2/π)(x + 0.044715x³) is x·σ(2u), which needs one exponential.

use super::{Real, applies, by_type, slice};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

const CUBE: f64 = 0.044715;
/// 2√(2/π)
const SCALE: f64 = 1.595_769_121_605_730_7;

/// Applies the unit to every number.
///
/// # Errors
/// None that a valid tensor can cause.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if applies(x) {
        x.contiguous()?.apply_op1(Gelu)
    } else {
        composed(x)
    }
}

/// The same from candle's own operations.
pub(super) fn composed(x: &Tensor) -> Result<Tensor> {
    let inner = ((x.sqr()? * x)? * CUBE)?.add(x)?;
    let tanh = (inner * (SCALE / 2.0))?.tanh()?;
    (x * 0.5)?.mul(&(tanh + 1.0)?)
}

struct Gelu;
struct Backward;

/// σ(2u) for one number.
#[inline]
fn gate<T: Real>(x: T) -> T {
    let u = x * (T::one() + T::from_f64(CUBE) * x * x) * T::from_f64(SCALE);
    T::one() / (T::one() + (-u).exp())
}

fn forward<T: Real>(storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
    let x = slice::<T>(storage, layout)?;
    let y: Vec<T> = x.iter().map(|&x| x * gate(x)).collect();
    Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
}

fn backward<T: Real>(
    x: (&CpuStorage, &Layout),
    gradient: (&CpuStorage, &Layout),
) -> Result<(CpuStorage, Shape)> {
    let values = slice::<T>(x.0, x.1)?;
    let gradients = slice::<T>(gradient.0, gradient.1)?;
    let (scale, cube) = (T::from_f64(SCALE), T::from_f64(3.0 * CUBE));
    let derivative = |(&x, &g): (&T, &T)| {
        let s = gate(x);
        g * (s + x * s * (T::one() - s) * scale * (T::one() + cube * x * x))
    };
    let out: Vec<T> = values.iter().zip(gradients).map(derivative).collect();
    Ok((T::to_cpu_storage_owned(out), x.1.shape().clone()))
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, forward(storage, layout))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(
            x.apply_op2_no_bwd(&gradient.contiguous()?, &Backward)?,
        ))
    }
}

impl CustomOp2 for Backward {
    fn name(&self) -> &'static str {
        "gelu-backward"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, backward((s1, l1), (s2, l2)))
    }
}

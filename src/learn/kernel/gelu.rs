//! The Gaussian error linear unit (Hendrycks & Gimpel 2016, arXiv 1606.08415) in its two forms.
//!
//! Exact, as GPT-NeoX uses it, it is x·Φ(x) with Φ the normal distribution function. In its tanh form, as GPT-2 uses
//! it, ½x(1 + tanh u) with u = √(2/π)(x + 0.044715x³), which is x·σ(2u). Either needs one exponential.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

#[cfg(feature = "cuda")]
use super::card;
use super::{Real, applies, by_type, on_a_card, on_card, slice};

const CUBE: f64 = 0.044715;
/// 2√(2/π)
const SCALE: f64 = 1.595_769_121_605_730_7;
/// 1/√(2π)
const DENSITY: f64 = 0.398_942_280_401_432_7;

/// Applies the unit in its tanh form to every number.
///
/// # Errors
/// None that a valid tensor can cause.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if applies(x) || on_card(x) {
        x.contiguous()?.apply_op1(Gelu(Form::Tanh))
    } else {
        composed(x)
    }
}

/// Applies the exact unit to every number.
///
/// # Errors
/// None that a valid tensor can cause.
pub fn gelu_exact(x: &Tensor) -> Result<Tensor> {
    if applies(x) || on_card(x) {
        x.contiguous()?.apply_op1(Gelu(Form::Exact))
    } else {
        composed_exact(x)
    }
}

/// The tanh form from candle's own operations.
pub(super) fn composed(x: &Tensor) -> Result<Tensor> {
    let inner = ((x.sqr()? * x)? * CUBE)?.add(x)?;
    let tanh = (inner * (SCALE / 2.0))?.tanh()?;
    (x * 0.5)?.mul(&(tanh + 1.0)?)
}

/// The exact form from candle's own operations.
pub(super) fn composed_exact(x: &Tensor) -> Result<Tensor> {
    let erf = (x * std::f64::consts::FRAC_1_SQRT_2)?.erf()?;
    (x * 0.5)?.mul(&(erf + 1.0)?)
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Tanh,
    Exact,
}

struct Gelu(Form);
struct Backward(Form);

/// The unit in its tanh form and its derivative: σ(2u)·x and what follows from it.
#[inline]
pub(crate) fn tanh_form<T: Real>(x: T) -> (T, T) {
    let s = gate(x);
    let slope = T::one() + T::from_f64(3.0 * CUBE) * x * x;
    (
        x * s,
        s + x * s * (T::one() - s) * T::from_f64(SCALE) * slope,
    )
}

/// The exact unit and its derivative: x·Φ(x) and Φ(x) + x·φ(x).
#[inline]
pub(crate) fn exact_form<T: Normal>(x: T) -> (T, T) {
    let (below, density) = x.normal();
    (x * below, below + x * density)
}

/// σ(2u) for one number.
#[inline]
fn gate<T: Real>(x: T) -> T {
    let u = x * (T::one() + T::from_f64(CUBE) * x * x) * T::from_f64(SCALE);
    T::one() / (T::one() + (-u).exp())
}

/// The standard normal distribution.
pub(crate) trait Normal: Real {
    /// The share Φ below this number, and the density φ at it.
    fn normal(self) -> (Self, Self);
}

impl Normal for f32 {
    /// Φ within 2e-7, and within 2e-6 of itself down to −5. Φ(−a) = e^(−a²/2)·t·Q(t) with t = 1/(1 + a/4) for a ≥ 0,
    /// where Q is the Chebyshev fit of degree 9 over a ≤ 40, within 3.4e-8 of itself. No branch, so it vectorises.
    #[inline]
    fn normal(self) -> (Self, Self) {
        let power = Real::exp(-0.5 * self * self);
        let t = 1.0 / (1.0 + 0.25 * self.abs());
        let mut series = 0.020_577_634;
        for coefficient in [
            -0.084_427_65,
            0.102_250_04,
            -0.038_519_707,
            0.067_825_12,
            0.057_463_874,
            0.081_928_24,
            0.093_428_51,
            0.099_738_41,
            0.099_735_54,
        ] {
            series = series * t + coefficient;
        }
        let tail = power * t * series;
        let below = if self > 0.0 { 1.0 - tail } else { tail };
        (below, power * DENSITY as Self)
    }
}

impl Normal for f64 {
    /// Φ within 2e-16: Φ(x) = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …), whose terms have one sign. Slow, for checks.
    #[inline]
    fn normal(self) -> (Self, Self) {
        let density = DENSITY * Self::exp(-0.5 * self * self);
        if self.abs() > 9.0 {
            return (if self > 0.0 { 1.0 } else { 0.0 }, density);
        }
        let (mut term, mut sum, mut odd) = (self, self, 1.0);
        while term.abs() > 1e-17 * sum.abs() {
            odd += 2.0;
            term *= self * self / odd;
            sum += term;
        }
        (0.5 + density * sum, density)
    }
}

fn forward<T: Normal>(
    storage: &CpuStorage,
    layout: &Layout,
    form: Form,
) -> Result<(CpuStorage, Shape)> {
    let x = slice::<T>(storage, layout)?;
    let y: Vec<T> = match form {
        Form::Tanh => x.iter().map(|&x| x * gate(x)).collect(),
        Form::Exact => x.iter().map(|&x| x * x.normal().0).collect(),
    };
    Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
}

fn backward<T: Normal>(
    x: (&CpuStorage, &Layout),
    gradient: (&CpuStorage, &Layout),
    form: Form,
) -> Result<(CpuStorage, Shape)> {
    let values = slice::<T>(x.0, x.1)?.iter();
    let pairs = values.zip(slice::<T>(gradient.0, gradient.1)?);
    let out: Vec<T> = match form {
        Form::Tanh => pairs.map(|(&x, &g)| g * tanh_form(x).1).collect(),
        Form::Exact => pairs.map(|(&x, &g)| g * exact_form(x).1).collect(),
    };
    Ok((T::to_cpu_storage_owned(out), x.1.shape().clone()))
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, forward(storage, layout, self.0))
    }

    on_a_card!(|this, a| card::gelu(a, this.0 == Form::Exact));

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(x.apply_op2_no_bwd(
            &gradient.contiguous()?,
            &Backward(self.0),
        )?))
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
        by_type!(s1, backward((s1, l1), (s2, l2), self.0))
    }

    on_a_card!(|this, a, b| card::gelu_backward(a, b, this.0 == Form::Exact));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_close_in_both_kinds_of_numbers() {
        // From tables of 20 digits.
        for (x, exact) in [
            (0.0f64, 0.5),
            (0.3, 0.617_911_422_188_952_7),
            (-0.3, 0.382_088_577_811_047_3),
            (1.0, 0.841_344_746_068_542_9),
            (-2.5, 0.006_209_665_325_776_132),
            (4.0, 0.999_968_328_758_166_9),
            (-5.0, 2.866_515_718_791_939_4e-7),
        ] {
            assert!((x.normal().0 - exact).abs() < 3e-16, "{x}");
        }
        for step in -12_000..12_000 {
            let x = f64::from(step) / 1000.0;
            let (ours, height) = (x as f32).normal();
            let (below, density) = f64::from(x as f32).normal();
            assert!((f64::from(ours) - below).abs() < 2e-7, "{x}: {ours}");
            assert!((f64::from(height) - density).abs() < 1e-7, "{x}: {height}");
            if (-5.0..0.0).contains(&x) {
                assert!((f64::from(ours) / below - 1.0).abs() < 2e-6, "{x}: {ours}");
            }
        }
        assert!(f32::NAN.normal().0.is_nan() && f64::NAN.normal().0.is_nan());
        assert_eq!(f32::INFINITY.normal().0, 1.0);
        assert_eq!(f64::NEG_INFINITY.normal(), (0.0, 0.0));
    }
}

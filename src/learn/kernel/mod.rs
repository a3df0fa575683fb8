//! The few operations that decide speed, written out with their gradients.
//!
//! Candle's fused layer norm, softmax, rotary embedding and attention drop the gradient without a word, and its
//! primitive ones make many passes over fresh memory. There are three kinds of files here. One holds an operation on
//! candle's tensors, forward and backward, for the processor in `f32` and in `f64`, by which gradients are checked; and the
//! same composed of candle's own operations, against which it is held and which is what other devices do. `card` does most
//! of these operations on an NVIDIA card. The rest is what a hand-written pass is made of, on slices of `f32`: `product`,
//! `rows`, `heads` and `adamw`. Sums run in one fixed order, so results do not depend on how many threads there are.
//!
//! All that is unsafe in etude is here: pointers in `product`, whose sizes are asserted before; vectors and calls of what
//! was compiled for more of the processor than the build assumes, in `vector`; and launches in `card`.
//!
//! The exponential is our own: it vectorises, and it gives the same bits on every machine.

use candle_core::{CpuStorage, DType, Layout, Result, Tensor, WithDType, bail};

pub(crate) mod adamw;
mod attention;
mod binary_cross_entropy;
#[cfg(feature = "cuda")]
#[allow(unsafe_code, reason = "kernels are launched by their driver's calls")]
pub(crate) mod card;
mod convolution;
mod cross_entropy;
mod embedding;
mod gelu;
pub(crate) mod heads;
mod layer_norm;
mod linear;
#[allow(unsafe_code, reason = "pointers into matrices of known sizes")]
pub(crate) mod product;
mod ragged;
mod rms_norm;
pub(crate) mod rows;
mod scan;
mod silu;
#[allow(
    unsafe_code,
    reason = "instructions that the processor is asked for first"
)]
pub(crate) mod vector;

pub(crate) use attention::angles;
pub use attention::{Rotary, attention, attention_with};
pub use binary_cross_entropy::binary_cross_entropy;
pub use convolution::convolution;
pub use cross_entropy::{cross_entropy, soft_cross_entropy};
pub use embedding::embedding;
pub use gelu::{gelu, gelu_exact};
pub use layer_norm::layer_norm;
pub use linear::linear;
pub use ragged::Ragged;
pub use rms_norm::rms_norm;
pub use scan::{Scan, selective_scan, selective_scan_on};

/// The numbers the kernels are written for: `f32` to train, `f64` to check gradients.
pub trait Real: WithDType + std::ops::Neg<Output = Self> {
    /// e to this power.
    #[must_use]
    fn exp(self) -> Self;
    /// The square root.
    #[must_use]
    fn sqrt(self) -> Self;
}

impl Real for f32 {
    /// Within 2 units in the last place; 0 below −87.3 is the smallest normal number, above 88 it stays e⁸⁸; keeps NaN.
    #[inline]
    fn exp(self) -> Self {
        const ROUND: f32 = 12_582_912.0; // 1.5 × 2²³: adding it rounds to a whole number, held in the low bits
        let x = if self < -87.3 { -87.3 } else { self };
        let x = if x > 88.0 { 88.0 } else { x };
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let whole = shifted - ROUND;
        let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4; // ln 2 in two parts
        let mut series = 1.388_888_9e-3;
        for coefficient in [8.333_334e-3, 4.166_666_6e-2, 1.666_666_7e-1, 0.5, 1.0, 1.0] {
            series = series * rest + coefficient;
        }
        let power = Self::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
        series * power
    }

    #[inline]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
}

impl Real for f64 {
    #[inline]
    fn exp(self) -> Self {
        Self::exp(self)
    }

    #[inline]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
}

/// The numbers of a contiguous tensor at rest.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a kernel was given a tensor that is not contiguous: {layout:?}")
    };
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// Calls a generic function for the number type of a storage.
macro_rules! by_type {
    ($storage:expr, $function:ident($($argument:expr),*)) => {
        match candle_core::backend::BackendStorage::dtype($storage) {
            candle_core::DType::F32 => $function::<f32>($($argument),*),
            candle_core::DType::F64 => $function::<f64>($($argument),*),
            other => candle_core::bail!("the kernels know f32 and f64, not {other:?}"),
        }
    };
}
pub(crate) use by_type;

/// What an operation does on a card, where the program is built for one: a function of the operation and of the one to three
/// pairs of storage and layout that it is given.
macro_rules! on_a_card {
    (|$this:tt, $a:ident| $body:expr) => {
        on_a_card!($this, $body, $a: s1, l1);
    };
    (|$this:tt, $a:ident, $b:ident| $body:expr) => {
        on_a_card!($this, $body, $a: s1, l1, $b: s2, l2);
    };
    (|$this:tt, $a:ident, $b:ident, $c:ident| $body:expr) => {
        on_a_card!($this, $body, $a: s1, l1, $b: s2, l2, $c: s3, l3);
    };
    ($this:tt, $body:expr, $($given:ident: $storage:ident, $layout:ident),+) => {
        #[cfg(feature = "cuda")]
        fn cuda_fwd(
            &self,
            $($storage: &candle_core::CudaStorage, $layout: &Layout),+
        ) -> Result<(candle_core::CudaStorage, Shape)> {
            let $this = self;
            $(let $given = ($storage, $layout);)+
            $body
        }
    };
}
pub(crate) use on_a_card;

/// `sum += coefficients[i·stride] × rows[i·width ..][..sum.len()]` over all i, in the order of i.
///
/// The heart of attention: every one of its products has this form. Sixteen sums stay in registers.
#[inline]
pub(crate) fn combine<T: Real>(
    sum: &mut [T],
    coefficients: &[T],
    stride: usize,
    rows: &[T],
    width: usize,
    count: usize,
) {
    const LANES: usize = 16;
    let mut start = 0;
    while start + LANES <= sum.len() {
        let out: &mut [T; LANES] = (&mut sum[start..start + LANES])
            .try_into()
            .expect("the range has this length");
        let mut held = *out;
        for i in 0..count {
            let factor = coefficients[i * stride];
            let row: &[T; LANES] = rows[i * width + start..i * width + start + LANES]
                .try_into()
                .expect("the range has this length");
            for lane in 0..LANES {
                held[lane] += factor * row[lane];
            }
        }
        *out = held;
        start += LANES;
    }
    while start + 4 <= sum.len() {
        let out: &mut [T; 4] = (&mut sum[start..start + 4])
            .try_into()
            .expect("the range has this length");
        let mut held = *out;
        for i in 0..count {
            let factor = coefficients[i * stride];
            let row: &[T; 4] = rows[i * width + start..i * width + start + 4]
                .try_into()
                .expect("the range has this length");
            for lane in 0..4 {
                held[lane] += factor * row[lane];
            }
        }
        *out = held;
        start += 4;
    }
    for (place, out) in sum.iter_mut().enumerate().skip(start) {
        for i in 0..count {
            *out += coefficients[i * stride] * rows[i * width + place];
        }
    }
}

/// Whether the processor's kernels apply, to the numbers they know.
pub(crate) fn applies(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && matches!(tensor.dtype(), DType::F32 | DType::F64)
}

/// Whether the kernels for a card apply.
pub(crate) fn on_card(tensor: &Tensor) -> bool {
    cfg!(feature = "cuda") && tensor.device().is_cuda() && tensor.dtype() == DType::F32
}

/// Cuts flat tensors, one after another, out of a packed one, in the shapes of the given ones.
pub(crate) fn unpack(packed: &Tensor, like: &[&Tensor]) -> Result<Vec<Tensor>> {
    let mut start = 0;
    let mut parts = Vec::with_capacity(like.len());
    for tensor in like {
        let count = tensor.elem_count();
        parts.push(packed.narrow(0, start, count)?.reshape(tensor.shape())?);
        start += count;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::learn::random;

    /// Uniform numbers in −1..1 as an `f64` variable.
    pub(crate) fn numbers(purpose: &str, shape: &[usize]) -> Var {
        let mut stream = random::stream(0, purpose);
        let count = shape.iter().product();
        let numbers: Vec<f64> = (0..count)
            .map(|_| 2.0 * random::uniform(&mut stream) - 1.0)
            .collect();
        Var::from_tensor(&Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()).unwrap()
    }

    /// The kernel and its composition of candle's operations agree, in value and in every gradient.
    pub(crate) fn agree(
        what: &str,
        inputs: &[&Var],
        kernel: impl Fn() -> Result<Tensor>,
        composed: impl Fn() -> Result<Tensor>,
    ) {
        let distance = |a: &Tensor, b: &Tensor| {
            assert_eq!(a.dims(), b.dims(), "{what}");
            (a - b)
                .unwrap()
                .abs()
                .unwrap()
                .flatten_all()
                .unwrap()
                .max(0)
                .unwrap()
                .to_scalar::<f64>()
                .unwrap()
        };
        let (ours, theirs) = (kernel().unwrap(), composed().unwrap());
        assert!(
            distance(&ours, &theirs) < 1e-9,
            "{what}: values differ by {}",
            distance(&ours, &theirs)
        );
        let weights = numbers("weights", ours.dims());
        let gradients = |value: &Tensor| {
            (value * weights.as_tensor())
                .unwrap()
                .sum_all()
                .unwrap()
                .backward()
                .unwrap()
        };
        let (ours, theirs) = (gradients(&ours), gradients(&theirs));
        for (place, input) in inputs.iter().enumerate() {
            let (a, b) = (ours.get(input).unwrap(), theirs.get(input).unwrap());
            assert!(
                distance(a, b) < 1e-9,
                "{what}: gradient {place} differs by {}",
                distance(a, b)
            );
        }
    }

    #[test]
    fn every_kernel_agrees_with_its_composition_in_value_and_gradient() {
        let (x, w, b) = (
            numbers("x", &[2, 3, 8]),
            numbers("w", &[8]),
            numbers("b", &[8]),
        );
        agree(
            "layer norm",
            &[&x, &w, &b],
            || layer_norm(&x, &w, &b, 1e-3),
            || layer_norm::composed(&x, &w, &b, 1e-3),
        );
        agree("gelu", &[&x], || gelu(&x), || gelu::composed(&x));
        agree(
            "exact gelu",
            &[&x],
            || gelu_exact(&x),
            || gelu::composed_exact(&x),
        );
        let (m, c) = (numbers("m", &[8, 5]), numbers("c", &[5]));
        agree(
            "linear",
            &[&x, &m, &c],
            || linear(&x, &m, &c),
            || linear::composed(&x, &m, &c),
        );
        let (labels, shares) = ([3, 0, 7, 7, 1, 2], [0.3, 0.0, 0.1, 0.25, 0.25, 0.1]);
        let rows = labels.iter().zip(&shares);
        let certain = rows.map(|(&label, &share)| [(label, share)]).collect();
        agree(
            "cross-entropy",
            &[&x],
            || cross_entropy(&x, &labels, &shares),
            || cross_entropy::composed(&x, &certain),
        );
        let some = [
            vec![(3, 0.1), (0, 0.2), (7, 0.05)],
            vec![],
            vec![(2, 0.3)],
            vec![(1, 0.0), (5, 0.0)],
            vec![(6, 0.1), (1, 0.1)],
            vec![(0, 0.15)],
        ];
        let some: Ragged<(u32, f32)> = some.into_iter().collect();
        agree(
            "soft cross-entropy",
            &[&x],
            || soft_cross_entropy(&x, some.clone()),
            || cross_entropy::composed(&x, &some),
        );
        let many = numbers("many", &[2, 600_000]);
        let far: Ragged<(u32, f32)> = [[(7, 0.5), (599_999, 0.1)], [(0, 0.2), (9, 0.2)]]
            .into_iter()
            .collect();
        agree(
            "cross-entropy over a large vocabulary",
            &[&many],
            || soft_cross_entropy(&many, far.clone()),
            || cross_entropy::composed(&many, &far),
        );
        let sets = [vec![3, 0], vec![1], vec![], vec![5, 6, 7], vec![2], vec![0]];
        let asked = binary_cross_entropy::Asked {
            sets: sets.into_iter().collect(),
            shares: shares.to_vec(),
        };
        agree(
            "binary cross-entropy",
            &[&x],
            || binary_cross_entropy(&x, asked.sets.clone(), asked.shares.clone()),
            || binary_cross_entropy::composed(&x, &asked),
        );
        let whole = Rotary {
            turned: 4,
            base: 10_000.0,
        };
        let half = Rotary {
            turned: 2,
            base: 100.0,
        };
        for rotary in [None, Some(whole), Some(half)] {
            for asked in [1, 4, 19] {
                let (q, kv) = (numbers("q", &[2, asked, 12]), numbers("kv", &[2, 19, 24]));
                agree(
                    "attention",
                    &[&q, &kv],
                    || attention(&q, &kv, 3, rotary),
                    || attention::composed(&q, &kv, 3, rotary),
                );
            }
        }
    }

    #[test]
    fn the_exponential_is_close_and_keeps_what_is_not_a_number() {
        for step in -8700..8800 {
            let x = step as f32 / 100.0;
            let (ours, exact) = (Real::exp(x), f64::from(x).exp());
            assert!(
                (f64::from(ours) - exact).abs() <= 4e-7 * exact,
                "{x}: {ours} {exact}"
            );
        }
        assert_eq!(Real::exp(0.0f32), 1.0);
        assert!(Real::exp(f32::NAN).is_nan());
        assert!(Real::exp(f32::NEG_INFINITY) < 2e-38);
    }
}

//! The step of AdamW over `f32`: on the processor over slices, in one pass over weights, gradients and both moments; on a
//! card over tensors.

#[cfg(feature = "cuda")]
use super::card;
use super::vector::vectorised;
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

/// The numbers of a step, for one weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// Share of the past that the means of the gradients and of their squares keep.
    pub(crate) betas: [f64; 2],
    /// 1 − betaᵗ at step t, by which the means are too small.
    pub(crate) correction: [f64; 2],
    /// Added to the root of the mean square.
    pub(crate) eps: f64,
    /// Learning rate.
    pub(crate) lr: f64,
    /// Share of a weight taken off.
    pub(crate) decay: f64,
    /// What the gradient is multiplied by first.
    pub(crate) scale: f64,
}

/// Numbers that one thread moves at a time.
const CHUNK: usize = 1 << 14;

/// Moves weights along their gradients, in place, on all threads of the pool; every number on its own, so their number
/// changes nothing.
pub(crate) fn adamw(
    weights: &mut [f32],
    gradients: &[f32],
    means: &mut [f32],
    squares: &mut [f32],
    rates: Rates,
) {
    let moments = means
        .par_chunks_mut(CHUNK)
        .zip(squares.par_chunks_mut(CHUNK));
    weights
        .par_chunks_mut(CHUNK)
        .zip(gradients.par_chunks(CHUNK))
        .zip(moments)
        .for_each(|((w, g), (m, v))| step(w, g, m, v, rates));
}

vectorised! {
    fn step(weights: &mut [f32], gradients: &[f32], means: &mut [f32], squares: &mut [f32], rates: Rates) {
        let Rates { betas, correction, eps, lr, decay, scale } = rates;
        let (first, second) = (betas[0] as f32, betas[1] as f32);
        let (rest_first, rest_second) = ((1.0 - betas[0]) as f32, (1.0 - betas[1]) as f32);
        let (rate, keep) = ((lr / correction[0]) as f32, (1.0 - decay) as f32);
        let (square_scale, eps, scale) = ((1.0 / correction[1]) as f32, eps as f32, scale as f32);
        let moments = means.iter_mut().zip(squares.iter_mut());
        for ((w, &g), (m, v)) in weights.iter_mut().zip(gradients).zip(moments) {
            let g = g * scale;
            *m = first * *m + rest_first * g;
            *v = second * *v + rest_second * g * g;
            *w = *w * keep - rate * *m / ((*v * square_scale).sqrt() + eps);
        }
    }
}

/// The sum of squares, in parts of a fixed size so that the number of threads changes nothing.
pub(crate) fn sum_of_squares(numbers: &[f32]) -> f64 {
    let parts: Vec<f64> = numbers.par_chunks(CHUNK).map(squares_of).collect();
    parts.iter().sum()
}

vectorised! {
    fn squares_of(numbers: &[f32]) -> f64 {
        let mut parts = [0.0f32; 16];
        let mut blocks = numbers.chunks_exact(16);
        for block in &mut blocks {
            for (part, &x) in parts.iter_mut().zip(block) {
                *part += x * x;
            }
        }
        let rest = blocks.remainder().iter().map(|&x| f64::from(x) * f64::from(x));
        parts.iter().map(|&x| f64::from(x)).chain(rest).sum()
    }
}

/// Moves a weight on a card along its gradient; `moments` (2, numbers of the weight), the means and those of squares.
pub(crate) fn adamw_on_card(
    weight: &Var,
    gradient: &Tensor,
    moments: &Tensor,
    rates: Rates,
) -> Result<()> {
    moments.inplace_op2(gradient, &Moments(rates))?;
    weight.inplace_op2(moments, &Move(rates))
}

/// The sum of squares of tensors on a card.
pub(crate) fn sum_of_squares_on_card(all: &[Tensor]) -> Result<f64> {
    let Some(first) = all.first() else {
        return Ok(0.0);
    };
    #[cfg(feature = "cuda")]
    let parts = card::SQUARES;
    #[cfg(not(feature = "cuda"))]
    let parts = 1;
    let table = Tensor::zeros((all.len(), parts), DType::F32, first.device())?;
    for (place, numbers) in all.iter().enumerate() {
        table.inplace_op2(numbers, &Squares(place))?;
    }
    let parts = table.flatten_all()?.to_vec1::<f32>()?;
    Ok(parts.into_iter().map(f64::from).sum())
}

struct Moments(Rates);
struct Move(Rates);

/// With its place in a table of parts.
struct Squares(usize);

/// An operation that only a card does, on storage that changes and storage that is read.
macro_rules! on_card {
    ($operation:ty, $name:literal, |$this:ident, $to:ident, $from:ident| $body:expr) => {
        impl InplaceOp2 for $operation {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(
                &self,
                _: &mut CpuStorage,
                _: &Layout,
                _: &CpuStorage,
                _: &Layout,
            ) -> Result<()> {
                bail!("the processor has its own {}", $name)
            }

            #[cfg(feature = "cuda")]
            fn cuda_fwd(
                &self,
                s1: &mut CudaStorage,
                l1: &Layout,
                s2: &CudaStorage,
                l2: &Layout,
            ) -> Result<()> {
                let ($this, $to, $from) = (self, (s1, l1), (s2, l2));
                $body
            }
        }
    };
}

on_card!(Moments, "moments of AdamW", |this, to, from| {
    card::adamw_moments(to.0, to.1, from, this.0.scale, this.0.betas)
});
on_card!(Move, "step of AdamW", |this, to, from| card::adamw_move(
    to.0, to.1, from, &this.0
));
on_card!(Squares, "sum of squares", |this, to, from| {
    card::square_sums(to.0, to.1, this.0, from)
});

//! The step of AdamW over `f32`: on the processor over slices, in one pass over weights, gradients and both moments. The
//! one on a card is `card::adamw`'s.

use rayon::prelude::*;

use super::vector::vectorised;

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

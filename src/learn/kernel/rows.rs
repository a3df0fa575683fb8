//! What a hand-written model does row by row, between its matrix products: `f32` slices, on the thread of the caller.
//!
//! Every sum over a row runs in [`SUMS`] interleaved parts, so that it vectorises and is the same on every processor.

use super::Real;
use super::gelu::{exact_form, tanh_form};
use super::vector::vectorised;

/// Interleaved parts of a sum.
const SUMS: usize = 16;

/// The sum of f(i) over `0..count`, in a fixed order that vectorises.
#[inline(always)]
fn sum(count: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut parts = [0.0f32; SUMS];
    let whole = count / SUMS * SUMS;
    let mut first = 0;
    while first < whole {
        for (lane, part) in parts.iter_mut().enumerate() {
            *part += f(first + lane);
        }
        first += SUMS;
    }
    for (lane, part) in parts.iter_mut().enumerate().take(count - whole) {
        *part += f(whole + lane);
    }
    let mut half = SUMS / 2;
    while half > 0 {
        for lane in 0..half {
            parts[lane] += parts[lane + half];
        }
        half /= 2;
    }
    parts[0]
}

vectorised! {
    /// Layer normalisation of rows (rows, width): `normed` = (x − mean)/√(variance + epsilon), `y` = normed · weight +
    /// bias, and `inverse` (rows) = 1/√(variance + epsilon).
    #[allow(clippy::too_many_arguments, reason = "three inputs and three outputs")]
    pub(crate) fn normalise(
        x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32,
        normed: &mut [f32], inverse: &mut [f32], y: &mut [f32],
    ) {
        let width = weight.len();
        let share = 1.0 / width as f32;
        let bias = &bias[..width];
        let outputs = normed.chunks_exact_mut(width).zip(y.chunks_exact_mut(width)).zip(inverse);
        for (row, ((normed, y), inverse)) in x.chunks_exact(width).zip(outputs) {
            let mean = sum(width, |i| row[i]) * share;
            let variance = sum(width, |i| (row[i] - mean) * (row[i] - mean)) * share;
            let scale = 1.0 / (variance + epsilon).sqrt();
            *inverse = scale;
            for i in 0..width {
                normed[i] = (row[i] - mean) * scale;
                y[i] = normed[i].mul_add(weight[i], bias[i]);
            }
        }
    }
}

vectorised! {
    /// The way back: adds to `of_x` (rows, width), `of_weight` and `of_bias` (width) what `of_y` (rows, width) comes to.
    pub(crate) fn normalise_back(
        of_y: &[f32], weight: &[f32], normed: &[f32], inverse: &[f32],
        of_x: &mut [f32], of_weight: &mut [f32], of_bias: &mut [f32],
    ) {
        let width = weight.len();
        let share = 1.0 / width as f32;
        let (of_weight, of_bias) = (&mut of_weight[..width], &mut of_bias[..width]);
        let rows = of_y.chunks_exact(width).zip(normed.chunks_exact(width));
        let outputs = inverse.iter().zip(of_x.chunks_exact_mut(width));
        for ((g, n), (&inverse, out)) in rows.zip(outputs) {
            let mean = sum(width, |i| g[i] * weight[i]) * share;
            let along = sum(width, |i| g[i] * weight[i] * n[i]) * share;
            for i in 0..width {
                of_weight[i] = g[i].mul_add(n[i], of_weight[i]);
                of_bias[i] += g[i];
                out[i] = (g[i] * weight[i] - mean - n[i] * along).mul_add(inverse, out[i]);
            }
        }
    }
}

vectorised! {
    /// Adds `bias` (width) to every row.
    pub(crate) fn add_bias(rows: &mut [f32], bias: &[f32]) {
        for row in rows.chunks_exact_mut(bias.len()) {
            for (x, &b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
    }
}

vectorised! {
    /// Adds every row to `sums` (width).
    pub(crate) fn add_columns(rows: &[f32], sums: &mut [f32]) {
        for row in rows.chunks_exact(sums.len()) {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }
}

vectorised! {
    /// Adds number by number.
    pub(crate) fn add(to: &mut [f32], from: &[f32]) {
        for (x, &y) in to.iter_mut().zip(from) {
            *x += y;
        }
    }
}

vectorised! {
    /// Multiplies every number.
    pub(crate) fn multiply_by(numbers: &mut [f32], factor: f32) {
        for x in numbers {
            *x *= factor;
        }
    }
}

vectorised! {
    /// `scores` (keys) of one query, (width), with rows of keys, `stride` numbers apart.
    pub(crate) fn score(query: &[f32], keys: &[f32], stride: usize, scores: &mut [f32]) {
        let width = query.len();
        for (score, key) in scores.iter_mut().zip(keys.chunks(stride)) {
            let key = &key[..width];
            *score = sum(width, |i| query[i] * key[i]);
        }
    }
}

vectorised! {
    /// `out` (width) becomes the sum of rows, `stride` numbers apart, each times its weight.
    pub(crate) fn mix(weights: &[f32], rows: &[f32], stride: usize, out: &mut [f32]) {
        out.fill(0.0);
        for (&weight, row) in weights.iter().zip(rows.chunks(stride)) {
            for (x, &y) in out.iter_mut().zip(row) {
                *x = weight.mul_add(y, *x);
            }
        }
    }
}

vectorised! {
    /// GELU in its tanh form.
    pub(crate) fn gelu(x: &[f32], y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = tanh_form(x).0;
        }
    }
}

vectorised! {
    /// The way back of [`gelu`]: `y` as there, and `gradient`, that of y, becomes that of x.
    pub(crate) fn gelu_back(x: &[f32], y: &mut [f32], gradient: &mut [f32]) {
        for ((y, g), &x) in y.iter_mut().zip(gradient).zip(x) {
            let (value, slope) = tanh_form(x);
            *y = value;
            *g *= slope;
        }
    }
}

vectorised! {
    /// GELU in its exact form.
    pub(crate) fn gelu_exact(x: &[f32], y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = exact_form(x).0;
        }
    }
}

vectorised! {
    /// The way back of [`gelu_exact`], as [`gelu_back`].
    pub(crate) fn gelu_exact_back(x: &[f32], y: &mut [f32], gradient: &mut [f32]) {
        for ((y, g), &x) in y.iter_mut().zip(gradient).zip(x) {
            let (value, slope) = exact_form(x);
            *y = value;
            *g *= slope;
        }
    }
}

vectorised! {
    /// Turns the first numbers of a head by its position's angles (Su et al. 2021): the two halves of `row` are the
    /// coordinates of pairs; `sign` −1 turns back.
    pub(crate) fn turn(row: &mut [f32], cosines: &[f32], sines: &[f32], sign: f32) {
        let half = row.len() / 2;
        let (first, second) = row.split_at_mut(half);
        for (((a, b), &c), &s) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
            let (x, y, s) = (*a, *b, sign * s);
            *a = x * c - y * s;
            *b = y * c + x * s;
        }
    }
}

vectorised! {
    /// Softmax of the first `seen` numbers of a row; the rest becomes zero.
    pub(crate) fn softmax(row: &mut [f32], seen: usize) {
        let (live, rest) = row.split_at_mut(seen);
        rest.fill(0.0);
        let mut parts = [f32::NEG_INFINITY; SUMS];
        let mut blocks = live.chunks_exact(SUMS);
        for block in &mut blocks {
            for (part, &x) in parts.iter_mut().zip(block) {
                *part = if x > *part { x } else { *part };
            }
        }
        let mut largest = f32::NEG_INFINITY;
        for &x in parts.iter().chain(blocks.remainder()) {
            largest = if x > largest { x } else { largest };
        }
        for x in live.iter_mut() {
            *x = Real::exp(*x - largest);
        }
        let share = 1.0 / sum(seen, |i| live[i]);
        for x in live.iter_mut() {
            *x *= share;
        }
    }
}

vectorised! {
    /// The way back of [`softmax`]: `gradient`, that of the weights, becomes that of the scores.
    pub(crate) fn softmax_back(weights: &[f32], gradient: &mut [f32]) {
        let count = weights.len();
        let gradient = &mut gradient[..count];
        let mean = sum(count, |i| weights[i] * gradient[i]);
        for (g, &w) in gradient.iter_mut().zip(weights) {
            *g = w * (*g - mean);
        }
    }
}

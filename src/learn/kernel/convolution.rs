//! A causal convolution along time, each channel by itself, with its bias and the unit x·σ(x), in one operation.
//!
//! With K taps, y_t = silu(bias + Σ_k weight_k · x_{t−K+1+k}); before the first position x is zero. Candle's grouped
//! convolution is one convolution a channel, and its backward many times slower than these shifted sums.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

#[cfg(feature = "cuda")]
use super::card;
use super::silu::{sigmoid, slope};
use super::vector::vectorised;
use super::{Real, applies, by_type, on_a_card, on_card, slice, unpack};

/// Convolves: `x` (batch, length, channels), `weight` (taps, channels), the last tap on the position itself, `bias`
/// (channels) to (batch, length, channels).
///
/// # Errors
/// Shapes that do not fit.
pub fn convolution(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if applies(x) || on_card(x) {
        x.contiguous()?
            .apply_op3(&weight.contiguous()?, bias, Convolution)
    } else {
        composed(x, weight, bias)
    }
}

/// The same from candle's own operations.
pub(super) fn composed(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, length, _) = x.dims3()?;
    let (taps, _) = weight.dims2()?;
    let padded = x.pad_with_zeros(1, taps.saturating_sub(1), 0)?; // (batch, taps − 1 + length, channels)
    let mut sum = x.zeros_like()?.broadcast_add(bias)?;
    for tap in 0..taps {
        let shifted = padded.narrow(1, tap, length)?; // (batch, length, channels)
        sum = (sum + shifted.broadcast_mul(&weight.get(tap)?)?)?;
    }
    sum.silu()
}

struct Convolution;

/// The gradients of x, weight and bias, packed, from x, weight and bias as one table (taps + 1, channels), and the
/// gradient of y.
struct Backward;

#[derive(Clone, Copy)]
struct Size {
    length: usize,
    taps: usize,
    channels: usize,
}

impl Size {
    fn of(x: &[usize], weight: &[usize], bias: &[usize]) -> Result<Self> {
        match (x, weight, bias) {
            (&[_, length, channels], &[taps, of_weight], &[of_bias])
                if length > 0
                    && channels > 0
                    && taps > 0
                    && channels == of_weight
                    && channels == of_bias =>
            {
                Ok(Self {
                    length,
                    taps,
                    channels,
                })
            }
            _ => bail!("a causal convolution of {x:?} by {weight:?} plus {bias:?}"),
        }
    }

    /// From x and the table of weight and bias.
    fn of_backward(x: &[usize], table: &Layout) -> Result<Self> {
        let (rows, channels) = table.shape().dims2()?;
        Self::of(x, &[rows.saturating_sub(1), channels], &[channels])
    }

    /// The taps that reach position t, each with the position it reads.
    #[inline(always)]
    fn reach(self, t: usize) -> impl Iterator<Item = (usize, usize)> {
        let Self { taps, .. } = self;
        (taps.saturating_sub(t + 1)..taps).map(move |tap| (tap, t + tap + 1 - taps))
    }

    /// A row of a table of channels.
    #[inline(always)]
    fn row<T>(self, table: &[T], row: usize) -> &[T] {
        &table[row * self.channels..][..self.channels]
    }
}

/// The sum at position t of a sequence (length, channels), before the unit, into `sum` (channels).
#[inline(always)]
fn convolve<T: Real>(size: Size, x: &[T], weight: &[T], bias: &[T], t: usize, sum: &mut [T]) {
    sum.copy_from_slice(bias);
    for (tap, from) in size.reach(t) {
        let (weight, x) = (size.row(weight, tap), size.row(x, from));
        for ((sum, &w), &x) in sum.iter_mut().zip(weight).zip(x) {
            *sum += w * x;
        }
    }
}

vectorised! {
    /// One sequence, (length, channels), forward.
    fn sequence_forward<T: Real>(size: Size, x: &[T], weight: &[T], bias: &[T], y: &mut [T]) {
        for (t, y) in y.chunks_exact_mut(size.channels).enumerate() {
            convolve(size, x, weight, bias, t, y);
            for y in y {
                *y *= sigmoid(*y);
            }
        }
    }
}

vectorised! {
    /// One sequence backward: writes into `of_x` (length, channels), adds to `of_weights` (taps + 1, channels), the bias last.
    /// `sum` (channels) is room to work in.
    fn sequence_backward<T: Real>(
        size: Size,
        x: &[T],
        weights: &[T],
        gradient: &[T],
        of_x: &mut [T],
        of_weights: &mut [T],
        sum: &mut [T],
    ) {
        let Size { taps, channels, .. } = size;
        let (weight, bias) = weights.split_at(taps * channels);
        let (of_weight, of_bias) = of_weights.split_at_mut(taps * channels);
        of_x.fill(T::zero());
        for (t, gradient) in gradient.chunks_exact(channels).enumerate() {
            convolve(size, x, weight, bias, t, sum);
            for ((sum, &g), of_bias) in sum.iter_mut().zip(gradient).zip(of_bias.iter_mut()) {
                *sum = g * slope(*sum, sigmoid(*sum));
                *of_bias += *sum;
            }
            for (tap, from) in size.reach(t) {
                let (weight, x) = (size.row(weight, tap), size.row(x, from));
                let of_x = &mut of_x[from * channels..][..channels];
                let of_weight = &mut of_weight[tap * channels..][..channels];
                for (((&g, &w), &x), (of_x, of_weight)) in
                    (sum.iter().zip(weight).zip(x)).zip(of_x.iter_mut().zip(of_weight))
                {
                    *of_x += g * w;
                    *of_weight += g * x;
                }
            }
        }
    }
}

fn forward<T: Real>(inputs: [(&CpuStorage, &Layout); 3]) -> Result<(CpuStorage, Shape)> {
    let size = Size::of(inputs[0].1.dims(), inputs[1].1.dims(), inputs[2].1.dims())?;
    let x = slice::<T>(inputs[0].0, inputs[0].1)?;
    let weight = slice::<T>(inputs[1].0, inputs[1].1)?;
    let bias = slice::<T>(inputs[2].0, inputs[2].1)?;
    let mut y = vec![T::zero(); x.len()];
    let sequence = size.length * size.channels;
    for (x, y) in x.chunks_exact(sequence).zip(y.chunks_exact_mut(sequence)) {
        sequence_forward(size, x, weight, bias, y);
    }
    Ok((T::to_cpu_storage_owned(y), inputs[0].1.shape().clone()))
}

fn backward<T: Real>(inputs: [(&CpuStorage, &Layout); 3]) -> Result<(CpuStorage, Shape)> {
    let size = Size::of_backward(inputs[0].1.dims(), inputs[1].1)?;
    let channels = size.channels;
    let x = slice::<T>(inputs[0].0, inputs[0].1)?;
    let weights = slice::<T>(inputs[1].0, inputs[1].1)?;
    let gradient = slice::<T>(inputs[2].0, inputs[2].1)?;
    let mut packed = vec![T::zero(); x.len() + weights.len()];
    let (of_x, of_weights) = packed.split_at_mut(x.len());
    let mut sum = vec![T::zero(); channels];
    let sequence = size.length * channels;
    for ((x, gradient), of_x) in x
        .chunks_exact(sequence)
        .zip(gradient.chunks_exact(sequence))
        .zip(of_x.chunks_exact_mut(sequence))
    {
        sequence_backward(size, x, weights, gradient, of_x, of_weights, &mut sum);
    }
    let shape = Shape::from(packed.len());
    Ok((T::to_cpu_storage_owned(packed), shape))
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "causal-convolution"
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
        by_type!(s1, forward([(s1, l1), (s2, l2), (s3, l3)]))
    }

    on_a_card!(|_, a, b, c| {
        let size = Size::of(a.1.dims(), b.1.dims(), c.1.dims())?;
        let sizes = [size.length, size.taps, size.channels];
        card::convolution(a, b, c, sizes)
    });

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let weights = Tensor::cat(&[&weight.detach(), &bias.detach().unsqueeze(0)?], 0)?;
        let packed = x.apply_op3_no_bwd(&weights, &gradient.contiguous()?, &Backward)?;
        let mut parts = unpack(&packed, &[x, weight, bias])?.into_iter();
        Ok((parts.next(), parts.next(), parts.next()))
    }
}

impl CustomOp3 for Backward {
    fn name(&self) -> &'static str {
        "causal-convolution-backward"
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
        by_type!(s1, backward([(s1, l1), (s2, l2), (s3, l3)]))
    }

    on_a_card!(|_, a, b, c| {
        let size = Size::of_backward(a.1.dims(), b.1)?;
        let sizes = [size.length, size.taps, size.channels];
        card::convolution_backward(a, b, c, sizes)
    });
}

#[cfg(test)]
mod tests {
    use super::super::tests::{agree, numbers};
    use super::*;

    #[test]
    fn the_convolution_agrees_with_its_composition_in_value_and_gradient() {
        for (length, taps) in [(1, 4), (3, 4), (9, 4), (9, 1), (5, 2)] {
            let (x, w, b) = (
                numbers("x", &[2, length, 19]),
                numbers("w", &[taps, 19]),
                numbers("b", &[19]),
            );
            agree(
                "convolution",
                &[&x, &w, &b],
                || convolution(&x, &w, &b),
                || composed(&x, &w, &b),
            );
        }
        let (x, w, b) = (
            numbers("x", &[2, 3, 8]),
            numbers("w", &[4, 7]),
            numbers("b", &[8]),
        );
        assert!(convolution(&x, &w, &b).is_err());
    }

    #[test]
    fn the_convolution_is_its_equation() {
        let (x, w, b) = (
            numbers("x", &[2, 6, 3]),
            numbers("w", &[4, 3]),
            numbers("b", &[3]),
        );
        let y = convolution(&x, &w, &b).unwrap().to_vec3::<f64>().unwrap();
        let (x, w, b) = (
            x.to_vec3::<f64>().unwrap(),
            w.to_vec2::<f64>().unwrap(),
            b.to_vec1::<f64>().unwrap(),
        );
        for (x, y) in x.iter().zip(&y) {
            for (t, y) in y.iter().enumerate() {
                for (c, &y) in y.iter().enumerate() {
                    let mut sum = b[c];
                    for k in 0..4 {
                        if t + k >= 3 {
                            sum += w[k][c] * x[t + k - 3][c];
                        }
                    }
                    assert!((y - sum / (1.0 + (-sum).exp())).abs() < 1e-12);
                }
            }
        }
    }
}

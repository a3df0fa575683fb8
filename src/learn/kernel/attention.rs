//! Causal attention with several heads, and rotary positions where asked for, in one operation.
//!
//! The queries are the last of the positions that the keys cover: query i of `asked` stands at position
//! `known − asked + i` and sees the keys up to there. So one function serves training (asked = known), a last layer cut
//! to the target (asked < known), and decoding with a cache (asked = 1).
//!
//! Rotary positions (Su et al. 2021, arXiv 2104.09864): the two halves of the turned numbers of a head, its first, are
//! the two coordinates of pairs, pair i turned by position · base^(−2i/turned). What follows them in the head stays.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use candle_nn::ops::softmax;

#[cfg(feature = "cuda")]
use super::card;
use super::{Real, applies, by_type, combine, slice, unpack};

/// How rotary positions turn the queries and keys of a head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotary {
    /// How many numbers of a head are turned, its first; even, and at least 2.
    pub turned: usize,
    /// The base of the angles, 10000 where published first.
    pub base: f64,
}

/// Attends: `queries` (batch, asked, width), `keys_values` (batch, known, 2·width), keys first, to (batch, asked, width).
///
/// # Errors
/// Shapes that do not fit, a width that the heads do not divide, or rotary positions that turn an odd number of the
/// numbers of a head, none, or more than it has.
pub fn attention(
    queries: &Tensor,
    keys_values: &Tensor,
    heads: usize,
    rotary: Option<Rotary>,
) -> Result<Tensor> {
    if applies(queries) {
        queries
            .contiguous()?
            .apply_op2(&keys_values.contiguous()?, Attention { heads, rotary })
    } else {
        composed(queries, keys_values, heads, rotary)
    }
}

/// The same from candle's own operations.
pub(super) fn composed(
    queries: &Tensor,
    keys_values: &Tensor,
    heads: usize,
    rotary: Option<Rotary>,
) -> Result<Tensor> {
    attention_with(queries, keys_values, heads, rotary, &Ok)
}

/// [`attention`] whose weights (batch, heads, asked, known) are changed on the way, by dropout; from candle's own operations.
///
/// # Errors
/// As [`attention`], and those of the change.
pub fn attention_with(
    queries: &Tensor,
    keys_values: &Tensor,
    heads: usize,
    rotary: Option<Rotary>,
    change: &dyn Fn(Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let size = Size::of(queries.dims(), keys_values.dims(), heads, rotary)?;
    let Size {
        batch,
        asked,
        known,
        width,
        head,
        ..
    } = size;
    let queries = queries.reshape((batch, asked, heads, head))?;
    let mut q = queries.transpose(1, 2)?.contiguous()?; // (batch, heads, asked, head)
    let keys_values = keys_values.reshape((batch, known, 2, heads, head))?;
    let part = |which| {
        keys_values
            .get_on_dim(2, which)?
            .transpose(1, 2)?
            .contiguous()
    };
    let (mut k, v) = (part(0)?, part(1)?); // (batch, heads, known, head)
    if let Some(rotary) = rotary {
        q = turn_composed(&q, known - asked, rotary)?;
        k = turn_composed(&k, 0, rotary)?;
    }
    // A card multiplies by a transposed matrix as fast; on the processor a copy keeps the order of adding, and so the bits.
    let across = k.t()?;
    let across = if super::on_card(&k) {
        across
    } else {
        across.contiguous()?
    };
    let scores = q.matmul(&across)?; // (batch, heads, asked, known)
    let weights = change(causal_softmax(&scores, 1.0 / (head as f64).sqrt())?)?;
    weights
        .matmul(&v)?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((batch, asked, width))
}

/// Softmax of scaled scores (…, asked, known), each query over the positions it sees.
fn causal_softmax(scores: &Tensor, scale: f64) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if super::on_card(scores) {
        return scores.contiguous()?.apply_op1(CausalSoftmax(scale));
    }
    let (asked, known) = (scores.dim(D::Minus2)?, scores.dim(D::Minus1)?);
    let mask: Vec<f64> = (0..asked)
        .flat_map(|i| {
            (0..known).map(move |j| {
                if j > known - asked + i {
                    f64::NEG_INFINITY
                } else {
                    0.0
                }
            })
        })
        .collect();
    let mask = Tensor::from_vec(mask, (asked, known), &candle_core::Device::Cpu)?
        .to_dtype(scores.dtype())?
        .to_device(scores.device())?;
    softmax(&(scores * scale)?.broadcast_add(&mask)?, D::Minus1)
}

/// [`causal_softmax`] on a card, with its scale.
#[cfg(feature = "cuda")]
struct CausalSoftmax(f64);

/// The gradient of the scores, from the softmax and its gradient.
#[cfg(feature = "cuda")]
struct SoftmaxBackward(f64);

#[cfg(feature = "cuda")]
impl candle_core::CustomOp1 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal-softmax"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("the processor's attention is one operation")
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        card::causal_softmax((storage, layout), self.0)
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let of_scores = y.apply_op2_no_bwd(&gradient, &SoftmaxBackward(self.0))?;
        Ok(Some(of_scores))
    }
}

#[cfg(feature = "cuda")]
impl CustomOp2 for SoftmaxBackward {
    fn name(&self) -> &'static str {
        "causal-softmax-backward"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        bail!("the processor's attention is one operation")
    }

    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        card::softmax_backward((s1, l1), (s2, l2), self.0)
    }
}

fn turn_composed(x: &Tensor, first: usize, rotary: Rotary) -> Result<Tensor> {
    let (_, _, length, head) = x.dims4()?;
    let half = rotary.turned / 2;
    let (cosines, sines) = angles::<f64>(first, length, rotary);
    let table = |numbers: Vec<f64>| {
        Tensor::from_vec(numbers, (length, half), &candle_core::Device::Cpu)?
            .to_dtype(x.dtype())?
            .to_device(x.device())
    };
    let (cosines, sines) = (table(cosines)?, table(sines)?);
    let (a, b) = (
        x.narrow(D::Minus1, 0, half)?,
        x.narrow(D::Minus1, half, half)?,
    );
    let mut parts = vec![
        (a.broadcast_mul(&cosines)? - b.broadcast_mul(&sines)?)?,
        (b.broadcast_mul(&cosines)? + a.broadcast_mul(&sines)?)?,
    ];
    if rotary.turned < head {
        parts.push(x.narrow(D::Minus1, rotary.turned, head - rotary.turned)?);
    }
    Tensor::cat(&parts, D::Minus1)?.contiguous()
}

/// The cosines and sines of the rotary angles, (length, turned/2), from position `first` on.
pub(crate) fn angles<T: Real>(first: usize, length: usize, rotary: Rotary) -> (Vec<T>, Vec<T>) {
    let half = rotary.turned / 2;
    let rates: Vec<f64> = (0..half)
        .map(|i| rotary.base.powf(-(i as f64) / half as f64))
        .collect();
    let of = |f: fn(f64) -> f64| {
        let rates = &rates;
        (first..first + length)
            .flat_map(|p| {
                rates
                    .iter()
                    .map(move |rate| T::from_f64(f(p as f64 * rate)))
            })
            .collect()
    };
    (of(f64::cos), of(f64::sin))
}

#[derive(Clone, Copy)]
struct Attention {
    heads: usize,
    rotary: Option<Rotary>,
}

/// The gradients of queries and of keys and values, packed, from both and the gradient of the output.
struct Backward(Attention);

#[derive(Clone, Copy)]
struct Size {
    batch: usize,
    asked: usize,
    known: usize,
    width: usize,
    heads: usize,
    head: usize,
}

impl Size {
    fn of(
        queries: &[usize],
        keys_values: &[usize],
        heads: usize,
        rotary: Option<Rotary>,
    ) -> Result<Self> {
        let turns = |head: usize| {
            rotary.is_none_or(|Rotary { turned, .. }| {
                turned > 0 && turned <= head && turned.is_multiple_of(2)
            })
        };
        match (queries, keys_values) {
            (&[batch, asked, width], &[batches, known, double])
                if batch == batches
                    && double == 2 * width
                    && asked <= known
                    && heads > 0
                    && width.is_multiple_of(heads)
                    && turns(width / heads) =>
            {
                Ok(Self {
                    batch,
                    asked,
                    known,
                    width,
                    heads,
                    head: width / heads,
                })
            }
            _ => bail!(
                "attention of {queries:?} to {keys_values:?} with {heads} heads, rotary: {rotary:?}"
            ),
        }
    }

    /// Where query i stands, plus one: how many keys it sees.
    #[inline]
    fn seen(&self, i: usize) -> usize {
        self.known - self.asked + i + 1
    }
}

/// What rotary positions turn by.
struct Angles<T> {
    half: usize,
    cosines: Vec<T>, // (known, half)
    sines: Vec<T>,   // (known, half)
}

impl<T: Real> Angles<T> {
    fn new(known: usize, rotary: Rotary) -> Self {
        let (cosines, sines) = angles(0, known, rotary);
        Self {
            half: rotary.turned / 2,
            cosines,
            sines,
        }
    }
}

/// One head of one sequence, gathered into small contiguous tables; reused from head to head.
struct Head<T> {
    size: Size,
    /// The softmax's scale 1/√head, laid on the queries.
    scale: T,
    /// None without rotary positions.
    angles: Option<Angles<T>>,
    queries: Vec<T>,     // (asked, head), turned and scaled
    keys: Vec<T>,        // (known, head), turned
    keys_across: Vec<T>, // (head, known)
    values: Vec<T>,      // (known, head)
    weights: Vec<T>,     // (asked, known); what lies past `seen` stays zero
}

impl<T: Real> Head<T> {
    fn new(size: Size, rotary: Option<Rotary>) -> Self {
        let Size {
            asked, known, head, ..
        } = size;
        Self {
            size,
            scale: T::from_f64(1.0 / (head as f64).sqrt()),
            angles: rotary.map(|rotary| Angles::new(known, rotary)),
            queries: vec![T::zero(); asked * head],
            keys: vec![T::zero(); known * head],
            keys_across: vec![T::zero(); known * head],
            values: vec![T::zero(); known * head],
            weights: vec![T::zero(); asked * known],
        }
    }

    /// Turns a row by its position, or back.
    #[inline]
    fn turn(angles: Option<&Angles<T>>, position: usize, row: &mut [T], back: bool) {
        let Some(Angles {
            half,
            cosines,
            sines,
        }) = angles
        else {
            return;
        };
        let (first, second) = row[..2 * half].split_at_mut(*half);
        let cosines = &cosines[position * half..][..*half];
        let sines = &sines[position * half..][..*half];
        let sign = if back { -T::one() } else { T::one() };
        for (((a, b), &c), &s) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
            let (x, y, s) = (*a, *b, sign * s);
            *a = x * c - y * s;
            *b = y * c + x * s;
        }
    }

    fn load(&mut self, queries: &[T], keys_values: &[T], batch: usize, index: usize) {
        let Size {
            asked,
            known,
            width,
            head,
            ..
        } = self.size;
        for i in 0..asked {
            let row = &mut self.queries[i * head..][..head];
            row.copy_from_slice(&queries[(batch * asked + i) * width + index * head..][..head]);
            Self::turn(self.angles.as_ref(), known - asked + i, row, false);
            for x in row {
                *x *= self.scale;
            }
        }
        for j in 0..known {
            let from = (batch * known + j) * 2 * width + index * head;
            let row = &mut self.keys[j * head..][..head];
            row.copy_from_slice(&keys_values[from..][..head]);
            Self::turn(self.angles.as_ref(), j, row, false);
            for (c, &x) in row.iter().enumerate() {
                self.keys_across[c * known + j] = x;
            }
            self.values[j * head..][..head].copy_from_slice(&keys_values[from + width..][..head]);
        }
    }

    /// The attention weights of every query.
    fn weigh(&mut self) {
        let Size {
            asked, known, head, ..
        } = self.size;
        for i in 0..asked {
            let seen = self.size.seen(i);
            let row = &mut self.weights[i * known..][..seen];
            row.fill(T::zero());
            combine(
                row,
                &self.queries[i * head..],
                1,
                &self.keys_across,
                known,
                head,
            );
            let largest = row
                .iter()
                .copied()
                .fold(row[0], |a, b| if b > a { b } else { a });
            for x in row.iter_mut() {
                *x = (*x - largest).exp();
            }
            let mut total = T::zero();
            for &x in row.iter() {
                total += x;
            }
            let share = T::one() / total;
            for x in row.iter_mut() {
                *x *= share;
            }
        }
    }
}

fn forward<T: Real>(
    queries: (&CpuStorage, &Layout),
    keys_values: (&CpuStorage, &Layout),
    how: Attention,
) -> Result<(CpuStorage, Shape)> {
    let size = Size::of(
        queries.1.dims(),
        keys_values.1.dims(),
        how.heads,
        how.rotary,
    )?;
    let shape = queries.1.shape().clone();
    let (queries, keys_values) = (
        slice::<T>(queries.0, queries.1)?,
        slice::<T>(keys_values.0, keys_values.1)?,
    );
    let Size {
        batch,
        asked,
        known,
        width,
        heads,
        head,
    } = size;
    let mut out = vec![T::zero(); queries.len()];
    let mut table = Head::new(size, how.rotary);
    for b in 0..batch {
        for h in 0..heads {
            table.load(queries, keys_values, b, h);
            table.weigh();
            for i in 0..asked {
                let row = &mut out[(b * asked + i) * width + h * head..][..head];
                combine(
                    row,
                    &table.weights[i * known..],
                    1,
                    &table.values,
                    head,
                    size.seen(i),
                );
            }
        }
    }
    Ok((T::to_cpu_storage_owned(out), shape))
}

fn backward<T: Real>(
    inputs: [(&CpuStorage, &Layout); 3],
    how: Attention,
) -> Result<(CpuStorage, Shape)> {
    let size = Size::of(
        inputs[0].1.dims(),
        inputs[1].1.dims(),
        how.heads,
        how.rotary,
    )?;
    let queries = slice::<T>(inputs[0].0, inputs[0].1)?;
    let keys_values = slice::<T>(inputs[1].0, inputs[1].1)?;
    let gradients = slice::<T>(inputs[2].0, inputs[2].1)?;
    let Size {
        batch,
        asked,
        known,
        width,
        heads,
        head,
    } = size;
    let mut packed = vec![T::zero(); queries.len() + keys_values.len()];
    let (of_queries, of_keys_values) = packed.split_at_mut(queries.len());
    let mut table = Head::new(size, how.rotary);
    let mut values_across = vec![T::zero(); known * head]; // (head, known)
    let mut gradient = vec![T::zero(); asked * head]; // (asked, head), of the output
    let mut scores = vec![T::zero(); asked * known]; // (asked, known), gradient of the scores
    let mut row = vec![T::zero(); head];
    for b in 0..batch {
        for h in 0..heads {
            table.load(queries, keys_values, b, h);
            table.weigh();
            for j in 0..known {
                for c in 0..head {
                    values_across[c * known + j] = table.values[j * head + c];
                }
            }
            for i in 0..asked {
                let seen = size.seen(i);
                let from = (b * asked + i) * width + h * head;
                gradient[i * head..][..head].copy_from_slice(&gradients[from..][..head]);
                let weights = &table.weights[i * known..][..seen];
                let scores = &mut scores[i * known..][..seen];
                scores.fill(T::zero());
                combine(
                    scores,
                    &gradient[i * head..],
                    1,
                    &values_across,
                    known,
                    head,
                );
                let mut mean = T::zero();
                for (&weight, &score) in weights.iter().zip(scores.iter()) {
                    mean += weight * score;
                }
                for (&weight, score) in weights.iter().zip(scores.iter_mut()) {
                    *score = weight * (*score - mean);
                }
                let out = &mut of_queries[from..][..head];
                combine(out, scores, 1, &table.keys, head, seen);
                for x in out.iter_mut() {
                    *x *= table.scale;
                }
                Head::turn(table.angles.as_ref(), known - asked + i, out, true);
            }
            for j in 0..known {
                // The queries that see key j.
                let first = (j + asked).saturating_sub(known);
                let count = asked - first;
                let from = (b * known + j) * 2 * width + h * head;
                row.fill(T::zero());
                combine(
                    &mut row,
                    &scores[first * known + j..],
                    known,
                    &table.queries[first * head..],
                    head,
                    count,
                );
                Head::turn(table.angles.as_ref(), j, &mut row, true);
                of_keys_values[from..][..head].copy_from_slice(&row);
                let out = &mut of_keys_values[from + width..][..head];
                combine(
                    out,
                    &table.weights[first * known + j..],
                    known,
                    &gradient[first * head..],
                    head,
                    count,
                );
            }
        }
    }
    let shape = Shape::from(packed.len());
    Ok((T::to_cpu_storage_owned(packed), shape))
}

impl CustomOp2 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, forward((s1, l1), (s2, l2), *self))
    }

    fn bwd(
        &self,
        queries: &Tensor,
        keys_values: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let packed =
            queries.apply_op3_no_bwd(keys_values, &gradient.contiguous()?, &Backward(*self))?;
        let mut parts = unpack(&packed, &[queries, keys_values])?.into_iter();
        Ok((parts.next(), parts.next()))
    }
}

impl CustomOp3 for Backward {
    fn name(&self) -> &'static str {
        "attention-backward"
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
}

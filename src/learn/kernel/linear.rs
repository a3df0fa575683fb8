//! An affine map of rows: y = x·weight + bias.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail,
};

#[cfg(feature = "cuda")]
use super::card;
use super::{Real, applies, by_type, on_a_card, on_card, slice};

/// Maps rows: `x` (…, from), `weight` (from, to), `bias` (to) to (…, to).
///
/// # Errors
/// Shapes that do not fit.
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    if applies(x) || on_card(x) {
        x.contiguous()?.apply_op3(weight, bias, Linear)
    } else {
        composed(x, weight, bias)
    }
}

/// The same from candle's own operations.
pub(super) fn composed(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.broadcast_matmul(weight)?.broadcast_add(bias)
}

struct Linear;
struct ColumnSums;

/// Rows, and their numbers before and after; x as a table of rows; and the shape of y.
fn fit(x: &Layout, weight: &Layout, bias: &Layout) -> Result<([usize; 3], Layout, Shape)> {
    let (from, to) = weight.shape().dims2()?;
    let fits = |_: &_| x.dims().last() == Some(&from) && bias.dims() == [to];
    let Some((start, _)) = x.contiguous_offsets().filter(fits) else {
        bail!(
            "a linear map of {:?} by {:?} plus {:?}",
            x.dims(),
            weight.dims(),
            bias.dims()
        )
    };
    let rows = x.shape().elem_count() / from.max(1);
    let mut dims = x.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = to;
    }
    let flat = Layout::contiguous_with_offset((rows, from), start);
    Ok(([rows, from, to], flat, Shape::from(dims)))
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
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
        let ([rows, from, to], flat, shape) = fit(l1, l2, l3)?;
        let mut y = s1.matmul(s2, (1, rows, to, from), &flat, l2)?;
        match &mut y {
            CpuStorage::F32(y) => add_bias(y, slice(s3, l3)?),
            CpuStorage::F64(y) => add_bias(y, slice(s3, l3)?),
            other => bail!("the kernels know f32 and f64, not {:?}", other.dtype()),
        }
        Ok((y, shape))
    }

    on_a_card!(|_, a, b, c| {
        let (sizes, flat, shape) = fit(a.1, b.1, c.1)?;
        Ok((card::linear((a.0, &flat), b, c, sizes)?, shape))
    });

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (from, to) = weight.dims2()?;
        let gradient = gradient.contiguous()?.reshape(((), to))?; // (rows, to)
        let (x_flat, weight) = (x.detach().reshape(((), from))?, weight.detach()); // (rows, from)
        let of_x = gradient.matmul(&weight.t()?)?.reshape(x.shape())?;
        let of_weight = x_flat.t()?.matmul(&gradient)?;
        let of_bias = gradient
            .apply_op1_no_bwd(&ColumnSums)?
            .reshape(bias.shape())?;
        Ok((Some(of_x), Some(of_weight), Some(of_bias)))
    }
}

fn add_bias<T: WithDType>(y: &mut [T], bias: &[T]) {
    for row in y.chunks_exact_mut(bias.len().max(1)) {
        for (y, &b) in row.iter_mut().zip(bias) {
            *y += b;
        }
    }
}

fn column_sums<T: Real>(storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
    let values = slice::<T>(storage, layout)?;
    let (_, width) = layout.shape().dims2()?;
    let mut sums = vec![T::zero(); width];
    for row in values.chunks_exact(width.max(1)) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    Ok((T::to_cpu_storage_owned(sums), Shape::from(width)))
}

impl CustomOp1 for ColumnSums {
    fn name(&self) -> &'static str {
        "column-sums"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(storage, column_sums(storage, layout))
    }

    on_a_card!(|_, a| card::column_sums(a));
}

//! The step of AdamW on a card, and the norm of what it follows: operations that change tensors in place.

use candle_core::{CpuStorage, CudaStorage, DType, InplaceOp2, Layout, Result, Tensor, Var, bail};

use super::super::adamw::Rates;
use super::{PARTS, adamw_moments, adamw_move, square_sums};

/// Moves a weight along its gradient; `moments` (2, numbers of the weight), the means and those of squares.
pub(crate) fn adamw(weight: &Var, gradient: &Tensor, moments: &Tensor, rates: Rates) -> Result<()> {
    moments.inplace_op2(gradient, &Moments(rates))?;
    weight.inplace_op2(moments, &Move(rates))
}

/// The sum of squares of tensors.
pub(crate) fn sum_of_squares(all: &[Tensor]) -> Result<f64> {
    let Some(first) = all.first() else {
        return Ok(0.0);
    };
    let table = Tensor::zeros((all.len(), PARTS), DType::F32, first.device())?;
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
macro_rules! in_place {
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

in_place!(Moments, "moments of AdamW", |this, to, from| {
    adamw_moments(to.0, to.1, from, this.0.scale, this.0.betas)
});
in_place!(Move, "step of AdamW", |this, to, from| adamw_move(
    to.0, to.1, from, &this.0
));
in_place!(Squares, "sum of squares", |this, to, from| square_sums(
    to.0, to.1, this.0, from
));

//! The loss of a batch and its gradients.
//!
//! On the processor a batch is cut into [`LANES`] lanes, whatever the number of threads, and a lane into micro-batches that
//! fit a cache. Each lane adds up gradients of its own, and the lanes are added in their order; so any number of threads
//! gives the same bytes, and no thread waits for another within a step. A model with a hand-written pass
//! ([`crate::learn::model::transformer_pass`]) uses it: the objective's part, small and different for each, is differentiated by candle
//! from the hidden states on. Every other model is differentiated by candle whole. On a card, where one stream computes,
//! there is one lane, and gradients stay there.

use std::ops::Range;

use candle_core::backprop::GradStore;
use candle_core::{Result, Storage, Tensor, Var, bail};
use rayon::prelude::*;

use crate::learn::kernel::adamw::sum_of_squares;
#[cfg(feature = "cuda")]
use crate::learn::kernel::card;
use crate::learn::kernel::rows;
use crate::learn::learner::Learner;
use crate::learn::model::dropout::DropoutRng;
use crate::learn::model::transformer_pass::{TransformerPass, Workspace, Workspaces};
use crate::learn::objective::Batch;

/// Parts of a batch that are computed apart. More would let more threads help, and cost more adding.
const LANES: usize = 8;

/// Positions, sequences times length, that are computed together: few enough for little memory, and enough for many to be
/// equal in a transformer's first layer.
const POSITIONS: usize = 1024;

/// Gradients of every weight, in the order of names.
#[derive(Debug)]
pub(super) enum Gradients {
    /// On the processor.
    Buffers(Vec<Vec<f32>>),
    /// On a card.
    Tensors(Vec<Tensor>),
}

impl Gradients {
    /// The Euclidean norm of all together.
    pub(super) fn norm(&self) -> Result<f64> {
        let total = match self {
            Self::Buffers(all) => all.iter().map(|numbers| sum_of_squares(numbers)).sum(),
            #[cfg(feature = "cuda")]
            Self::Tensors(all) => card::sum_of_squares(all)?,
            #[cfg(not(feature = "cuda"))]
            Self::Tensors(_) => bail!("this program was built without the feature `cuda`"),
        };
        Ok(f64::sqrt(total))
    }

    /// The place of the weight with the gradient farthest from zero, and that gradient; one that is no number is the
    /// farthest.
    pub(super) fn largest(&self) -> Result<(usize, f32)> {
        let farther = |best: f32, x: f32| best.is_finite() && (x.is_nan() || x.abs() > best.abs());
        let mut largest = (0, 0.0);
        let mut see = |place: usize, numbers: &[f32]| {
            for &x in numbers {
                if farther(largest.1, x) {
                    largest = (place, x);
                }
            }
        };
        match self {
            Self::Buffers(all) => (0..)
                .zip(all)
                .for_each(|(place, numbers)| see(place, numbers)),
            Self::Tensors(all) => {
                for (place, gradient) in all.iter().enumerate() {
                    see(place, &gradient.flatten_all()?.to_vec1()?);
                }
            }
        }
        Ok(largest)
    }
}

/// Computes losses and gradients of one learner, in memory that is used again from step to step.
pub(super) struct Differentiator {
    /// Of all that is drawn.
    seed: u64,
    pass: Option<TransformerPass>,
    lanes: Vec<Vec<Vec<f32>>>,
    workspaces: Workspaces,
}

impl Differentiator {
    /// For a learner of `f32` weights.
    ///
    /// # Errors
    /// The model's.
    pub(super) fn new(learner: &Learner, seed: u64) -> Result<Self> {
        Ok(Self {
            seed,
            pass: learner.pass()?,
            lanes: Vec::new(),
            workspaces: Workspaces::default(),
        })
    }

    /// The loss of a batch in nats, and the gradients; the buffers of the step before are used again. A card takes the
    /// batch in so many `parts`; the processor has its own. `step` names the streams of what is drawn.
    ///
    /// # Errors
    /// Tokens outside the vocabulary, examples of other lengths, or a weight that gets no gradient.
    pub(super) fn differentiate(
        &mut self,
        learner: &Learner,
        batch: &Batch,
        parts: usize,
        step: u64,
        used: Option<Gradients>,
    ) -> Result<(f64, Gradients)> {
        if !learner.device().is_cpu() {
            return on_card(learner, batch, parts, |first| drawn(self.seed, step, first));
        }
        if let Some(pass) = &mut self.pass {
            pass.lay_out(learner.parameters(), true)?;
        }
        let lanes = LANES.min(batch.rows).max(1);
        let mut buffers = std::mem::take(&mut self.lanes);
        if let Some(Gradients::Buffers(used)) = used {
            buffers.insert(0, used);
        }
        buffers.resize_with(lanes, Vec::new);
        let losses = buffers
            .par_iter_mut()
            .enumerate()
            .map(|(lane, gradients)| {
                let counts = learner.parameters().iter().map(|(_, v)| v.elem_count());
                if gradients.is_empty() {
                    gradients.extend(counts.map(|count| vec![0.0; count]));
                } else {
                    gradients.iter_mut().for_each(|numbers| numbers.fill(0.0));
                }
                let rows = batch.rows * lane / lanes..batch.rows * (lane + 1) / lanes;
                self.lane(learner, batch, rows, step, gradients)
            })
            .collect::<Result<Vec<f64>>>()?;
        let mut buffers = buffers.into_iter();
        let mut sum = buffers.next().expect("there is at least one lane");
        self.lanes = buffers.collect();
        add_up(&mut sum, &self.lanes);
        Ok((losses.iter().sum(), Gradients::Buffers(sum)))
    }

    /// Adds the gradients of some rows of a batch, micro-batch by micro-batch; gives their loss.
    fn lane(
        &self,
        learner: &Learner,
        batch: &Batch,
        rows: Range<usize>,
        step: u64,
        gradients: &mut [Vec<f32>],
    ) -> Result<f64> {
        let at_once = (POSITIONS / (batch.inputs.len() / batch.rows).max(1)).max(1);
        self.workspaces.with(|workspace| {
            let mut loss = 0.0;
            for first in rows.clone().step_by(at_once) {
                let part = batch.slice(first..rows.end.min(first + at_once));
                loss += match &self.pass {
                    Some(pass) => by_hand(learner, pass, &part, workspace, gradients)?,
                    None => by_candle(learner, &part, &drawn(self.seed, step, first), gradients)?,
                };
            }
            Ok(loss)
        })
    }
}

/// The model's part by its hand-written pass, the objective's by candle.
fn by_hand(
    learner: &Learner,
    pass: &TransformerPass,
    batch: &Batch,
    workspace: &mut Workspace,
    gradients: &mut [Vec<f32>],
) -> Result<f64> {
    let length = batch.inputs.len() / batch.rows;
    let keep = batch.labels.len() / batch.rows;
    let hidden = pass.forward(&batch.inputs, length, keep, None, workspace)?;
    let shape = (batch.rows, keep, hidden.len() / (batch.rows * keep));
    let hidden = Var::from_slice(hidden, shape, learner.device())?;
    let loss = learner.loss_from(&hidden, batch)?;
    let store = loss.backward()?;
    add_from(learner, &store, gradients, false)?;
    if let Some(of_hidden) = store.get(&hidden) {
        with_numbers(of_hidden, |of_hidden| {
            pass.backward(&batch.inputs, length, keep, of_hidden, workspace, gradients);
        })?;
    }
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

/// What is drawn for the rows of a batch from `first` on.
fn drawn(seed: u64, step: u64, first: usize) -> DropoutRng {
    DropoutRng::new(seed, &format!("dropout/{step}/{first}"))
}

/// All of it by candle.
fn by_candle(
    learner: &Learner,
    batch: &Batch,
    noise: &DropoutRng,
    gradients: &mut [Vec<f32>],
) -> Result<f64> {
    let loss = learner.taught_loss(batch, noise)?;
    add_from(learner, &loss.backward()?, gradients, true)?;
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

fn on_card(
    learner: &Learner,
    batch: &Batch,
    parts: usize,
    drawn: impl Fn(usize) -> DropoutRng,
) -> Result<(f64, Gradients)> {
    let at_once = batch.rows.div_ceil(parts.max(1)).max(1);
    let (mut value, mut sums) = (0.0, Vec::new());
    for first in (0..batch.rows).step_by(at_once) {
        let part = batch.slice(first..batch.rows.min(first + at_once));
        let loss = learner.taught_loss(&part, &drawn(first))?;
        let store = loss.backward()?;
        for (place, (name, variable)) in learner.parameters().iter().enumerate() {
            let Some(gradient) = store.get(variable) else {
                bail!("weight `{name}` got no gradient")
            };
            match sums.get_mut(place) {
                Some(sum) => *sum = (&*sum + gradient)?.detach(),
                None => sums.push(gradient.contiguous()?.detach()),
            }
        }
        value += f64::from(loss.to_scalar::<f32>()?);
    }
    Ok((value, Gradients::Tensors(sums)))
}

/// Adds the gradients that candle found; where `all` must have one, a weight without is an error.
fn add_from(
    learner: &Learner,
    store: &GradStore,
    gradients: &mut [Vec<f32>],
    all: bool,
) -> Result<()> {
    for ((name, variable), to) in learner.parameters().iter().zip(gradients) {
        match store.get(variable) {
            Some(gradient) => with_numbers(gradient, |from| rows::add(to, from))?,
            None if all => bail!("weight `{name}` got no gradient"),
            None => {}
        }
    }
    Ok(())
}

/// Shows the numbers of a tensor on the processor.
fn with_numbers(tensor: &Tensor, see: impl FnOnce(&[f32])) -> Result<()> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        bail!("a gradient is not on the processor")
    };
    see(crate::learn::kernel::slice::<f32>(storage, layout)?);
    Ok(())
}

/// Numbers that one thread adds at a time.
const CHUNK: usize = 1 << 14;

/// Adds the lanes to `sum` in their order.
fn add_up(sum: &mut [Vec<f32>], lanes: &[Vec<Vec<f32>>]) {
    sum.par_iter_mut().enumerate().for_each(|(place, sum)| {
        sum.par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(chunk, sum)| {
                for lane in lanes {
                    let from = &lane[place][chunk * CHUNK..][..sum.len()];
                    rows::add(sum, from);
                }
            });
    });
}

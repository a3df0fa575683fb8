//! Optimizers: how gradients move weights.
//!
//! The update is our own: candle's AdamW hides its moments and makes some fourteen passes over memory.

use crate::learn::Problem;
use crate::learn::model::parameters::Parameters;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, Var, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// An optimizer and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Optimizer {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101).
    Adamw(Adamw),
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adamw(Adamw::default())
    }
}

/// How AdamW moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adamw {
    /// Learning rate at its height; the schedule scales it.
    #[serde(default = "lr")]
    #[schemars(range(min = 0.0, max = 10.0))]
    pub lr: f64,
    /// Share of the past that the means of the gradients and of their squares keep at each step.
    #[serde(default = "betas")]
    pub betas: [f64; 2],
    /// Added to the root of the mean square.
    #[serde(default = "eps")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub eps: f64,
    /// Share of a weight, times the learning rate, taken off at each step; matrices and tables only, not biases and
    /// norms. The released code reads a weight decay and does not use it, so 0 is what the paper ran.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 10.0))]
    pub weight_decay: f64,
}

fn lr() -> f64 {
    5e-4
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn eps() -> f64 {
    1e-8
}

impl Default for Adamw {
    fn default() -> Self {
        Self {
            lr: lr(),
            betas: betas(),
            eps: eps(),
            weight_decay: 0.0,
        }
    }
}

impl Optimizer {
    /// What is wrong with it; empty where nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let Self::Adamw(Adamw {
            lr,
            betas,
            eps,
            weight_decay,
        }) = self;
        let mut problems = Vec::new();
        let mut add = |name: &str, why: String| problems.push((name.to_owned(), why));
        if !(*lr > 0.0 && *lr <= 10.0) {
            add(
                "lr",
                format!("a learning rate of {lr} is not above 0 and at most 10"),
            );
        }
        for (place, beta) in betas.iter().enumerate() {
            if !(0.0..1.0).contains(beta) {
                add(
                    &format!("betas[{place}]"),
                    format!("{beta} is not from 0 to below 1"),
                );
            }
        }
        if !(*eps > 0.0 && *eps <= 1.0) {
            add("eps", format!("{eps} is not above 0 and at most 1"));
        }
        if !(0.0..=10.0).contains(weight_decay) {
            add(
                "weight_decay",
                format!("{weight_decay} is not from 0 to 10"),
            );
        }
        problems
    }

    /// The learning rate at its height.
    #[must_use]
    pub fn lr(&self) -> f64 {
        let Self::Adamw(Adamw { lr, .. }) = self;
        *lr
    }
}

/// What an optimizer remembers of each weight, in the order of names.
pub(super) struct Memory {
    how: Adamw,
    steps: i32,
    moments: Vec<Moments>,
}

/// Running means of the gradient and of its square.
enum Moments {
    /// On the processor, updated in one pass.
    Buffers(Vec<f32>, Vec<f32>),
    /// On a card, updated by candle's operations.
    Tensors(Tensor, Tensor),
}

impl Memory {
    /// No memory yet, of `f32` weights.
    pub(super) fn new(optimizer: &Optimizer, parameters: &Parameters) -> Result<Self> {
        let Optimizer::Adamw(how) = optimizer.clone();
        let moments = parameters.iter().map(|(_, variable)| {
            Ok(if variable.device().is_cpu() {
                let zeros = vec![0.0; variable.elem_count()];
                Moments::Buffers(zeros.clone(), zeros)
            } else {
                Moments::Tensors(variable.zeros_like()?, variable.zeros_like()?)
            })
        });
        Ok(Self {
            how,
            steps: 0,
            moments: moments.collect::<Result<_>>()?,
        })
    }

    /// Moves every weight along its gradient at the given learning rate, after scaling all gradients down to a common
    /// norm of at most `clip`.
    pub(super) fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &GradStore,
        lr: f64,
        clip: Option<f64>,
    ) -> Result<()> {
        let mut of = Vec::with_capacity(self.moments.len());
        for (name, variable) in parameters.iter() {
            match gradients.get(variable) {
                Some(gradient) => of.push(gradient.contiguous()?),
                None => bail!("weight `{name}` got no gradient"),
            }
        }
        let scale = match clip {
            Some(clip) => (clip / norm(&of)?).min(1.0),
            None => 1.0,
        };
        self.steps = self.steps.saturating_add(1);
        let [first, second] = self.how.betas;
        let correction = [1.0 - first.powi(self.steps), 1.0 - second.powi(self.steps)];
        for (((_, variable), gradient), moments) in
            parameters.iter().zip(&of).zip(&mut self.moments)
        {
            let decay = if variable.rank() >= 2 {
                lr * self.how.weight_decay
            } else {
                0.0
            };
            let rates = Rates {
                betas: self.how.betas,
                correction,
                eps: self.how.eps,
                lr,
                decay,
                scale,
            };
            match moments {
                Moments::Buffers(mean, square) => {
                    variable.inplace_op1(&Update {
                        gradient,
                        moments: RefCell::new((mean, square)),
                        rates,
                    })?;
                }
                Moments::Tensors(mean, square) => rates.update(variable, gradient, mean, square)?,
            }
        }
        Ok(())
    }
}

/// The Euclidean norm of all gradients together.
fn norm(gradients: &[Tensor]) -> Result<f64> {
    let mut total = 0.0;
    for gradient in gradients {
        total += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(total.sqrt())
}

#[derive(Clone, Copy)]
struct Rates {
    betas: [f64; 2],
    correction: [f64; 2],
    eps: f64,
    lr: f64,
    decay: f64,
    scale: f64,
}

impl Rates {
    fn update(
        &self,
        variable: &Var,
        gradient: &Tensor,
        mean: &mut Tensor,
        square: &mut Tensor,
    ) -> Result<()> {
        let [first, second] = self.betas;
        let gradient = (gradient * self.scale)?.detach();
        *mean = ((&*mean * first)? + (&gradient * (1.0 - first))?)?;
        *square = ((&*square * second)? + (gradient.sqr()? * (1.0 - second))?)?;
        let root = ((&*square * (1.0 / self.correction[1]))?.sqrt()? + self.eps)?;
        let moved = ((&*mean * (self.lr / self.correction[0]))? / root)?;
        variable.set(&((variable.as_detached_tensor() * (1.0 - self.decay))? - moved)?)
    }
}

struct Update<'a> {
    gradient: &'a Tensor,
    moments: RefCell<(&'a mut Vec<f32>, &'a mut Vec<f32>)>,
    rates: Rates,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Rates {
            betas,
            correction,
            eps,
            lr,
            decay,
            scale,
        } = self.rates;
        let (CpuStorage::F32(weights), Some((start, end))) = (storage, layout.contiguous_offsets())
        else {
            bail!("only contiguous weights of f32 are trained")
        };
        let (held, gradient_layout) = self.gradient.storage_and_layout();
        let candle_core::Storage::Cpu(held) = &*held else {
            bail!("a gradient is on another device")
        };
        let gradient = crate::learn::kernel::slice::<f32>(held, gradient_layout)?;
        let (first, second) = (betas[0] as f32, betas[1] as f32);
        let (rest_first, rest_second) = ((1.0 - betas[0]) as f32, (1.0 - betas[1]) as f32);
        let (rate, keep) = ((lr / correction[0]) as f32, (1.0 - decay) as f32);
        let (square_scale, eps, scale) = ((1.0 / correction[1]) as f32, eps as f32, scale as f32);
        let mut moments = self.moments.borrow_mut();
        let (means, squares) = &mut *moments;
        let weights = weights[start..end].iter_mut();
        for (((w, &g), m), v) in weights
            .zip(gradient)
            .zip(means.iter_mut())
            .zip(squares.iter_mut())
        {
            let g = g * scale;
            *m = first * *m + rest_first * g;
            *v = second * *v + rest_second * g * g;
            *w = *w * keep - rate * *m / ((*v * square_scale).sqrt() + eps);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::model::parameters::{Initial, Specification, Weight};
    use candle_core::{DType, Device};

    #[test]
    fn the_one_pass_update_agrees_with_candles_operations() {
        let specification = Specification::from([
            (
                "a".to_owned(),
                Weight {
                    shape: vec![3, 2],
                    initial: Initial::Normal(1.0),
                },
            ),
            (
                "b".to_owned(),
                Weight {
                    shape: vec![2],
                    initial: Initial::Normal(1.0),
                },
            ),
        ]);
        let fresh = || Parameters::initialise(&specification, 0, DType::F32, &Device::Cpu).unwrap();
        let (ours, theirs) = (fresh(), fresh());
        let optimizer = Optimizer::Adamw(Adamw {
            lr: 0.1,
            weight_decay: 0.5,
            ..Adamw::default()
        });
        let (mut one, mut two) = (
            Memory::new(&optimizer, &ours).unwrap(),
            Memory::new(&optimizer, &theirs).unwrap(),
        );
        two.moments = theirs
            .iter()
            .map(|(_, v)| Moments::Tensors(v.zeros_like().unwrap(), v.zeros_like().unwrap()))
            .collect();
        for _ in 0..5 {
            for (parameters, memory) in [(&ours, &mut one), (&theirs, &mut two)] {
                let a = parameters.get("a", &[3, 2]).unwrap();
                let loss = a
                    .broadcast_mul(&parameters.get("b", &[2]).unwrap())
                    .unwrap()
                    .sqr()
                    .unwrap()
                    .sum_all()
                    .unwrap();
                memory
                    .step(parameters, &loss.backward().unwrap(), 0.1, Some(0.7))
                    .unwrap();
            }
        }
        for ((_, a), (_, b)) in ours.iter().zip(theirs.iter()) {
            let apart = (a.as_tensor() - b.as_tensor())
                .unwrap()
                .abs()
                .unwrap()
                .max_all()
                .unwrap();
            assert!(apart.to_scalar::<f32>().unwrap() < 1e-5);
        }
    }
}

//! Optimizers: how gradients move weights.
//!
//! The update is our own: candle's AdamW hides its moments and makes some fourteen passes over memory.

use std::cell::RefCell;

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Result, Tensor, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gradients::Gradients;
use crate::learn::Problem;
use crate::learn::kernel::adamw::{Rates, adamw};
#[cfg(feature = "cuda")]
use crate::learn::kernel::card;
use crate::learn::model::parameters::Parameters;

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
    /// Peak learning rate; the schedule scales it.
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
    /// Share of a weight, times the learning rate, taken off at each step; matrices and tables only, not biases, norms, or
    /// what a model begins at values of its own, as Mamba's A. The released code reads a weight decay and does not use it, so 0 is what the paper ran.
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
    /// Which weights weight decay draws to zero.
    decays: Vec<bool>,
}

/// Running means of the gradient and of its square.
enum Moments {
    /// On the processor, updated in one pass.
    Buffers(Vec<f32>, Vec<f32>),
    /// On a card, (2, numbers of the weight).
    Table(Tensor),
}

impl Memory {
    /// No memory yet, of `f32` weights; `decays` says which of them weight decay draws to zero.
    pub(super) fn new(
        optimizer: &Optimizer,
        parameters: &Parameters,
        decays: Vec<bool>,
    ) -> Result<Self> {
        let Optimizer::Adamw(how) = optimizer.clone();
        let moments = parameters.iter().map(|(_, variable)| {
            Ok(if variable.device().is_cpu() {
                let zeros = vec![0.0; variable.elem_count()];
                Moments::Buffers(zeros.clone(), zeros)
            } else {
                let shape = (2, variable.elem_count());
                Moments::Table(Tensor::zeros(shape, DType::F32, variable.device())?)
            })
        });
        Ok(Self {
            how,
            steps: 0,
            moments: moments.collect::<Result<_>>()?,
            decays,
        })
    }

    /// The running means of gradients and of squares of each weight, row-major, and how many steps they have seen.
    pub(super) fn moments(&self) -> Result<(i32, Vec<[Vec<f32>; 2]>)> {
        let numbers = self.moments.iter().map(|moments| {
            Ok(match moments {
                Moments::Buffers(mean, square) => [mean.clone(), square.clone()],
                Moments::Table(table) => [table.get(0)?.to_vec1()?, table.get(1)?.to_vec1()?],
            })
        });
        Ok((self.steps, numbers.collect::<Result<_>>()?))
    }

    /// Remembers what [`Memory::moments`] gave; the numbers must be as many as the weights'.
    pub(super) fn restore(&mut self, steps: i32, numbers: Vec<[Vec<f32>; 2]>) -> Result<()> {
        self.steps = steps;
        for (moments, [mean, square]) in self.moments.iter_mut().zip(numbers) {
            match moments {
                Moments::Buffers(a, b) => (*a, *b) = (mean, square),
                Moments::Table(table) => {
                    let (shape, device) = (table.shape().clone(), table.device().clone());
                    *table = Tensor::from_vec([mean, square].concat(), shape, &device)?;
                }
            }
        }
        Ok(())
    }

    /// Moves every weight along `scale` times its gradient at the given learning rate.
    pub(super) fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        lr: f64,
        scale: f64,
    ) -> Result<()> {
        self.steps = self.steps.saturating_add(1);
        let [first, second] = self.how.betas;
        let correction = [1.0 - first.powi(self.steps), 1.0 - second.powi(self.steps)];
        for (place, ((_, variable), moments)) in
            parameters.iter().zip(&mut self.moments).enumerate()
        {
            let decay = if self.decays[place] {
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
            match (moments, gradients) {
                (Moments::Buffers(mean, square), Gradients::Buffers(gradients)) => {
                    variable.inplace_op1(&Update {
                        gradient: &gradients[place],
                        moments: RefCell::new((mean, square)),
                        rates,
                    })?;
                }
                #[cfg(feature = "cuda")]
                (Moments::Table(moments), Gradients::Tensors(gradients)) => {
                    card::adamw(variable, &gradients[place], moments, rates)?;
                }
                _ => bail!("weights and gradients are on different devices"),
            }
        }
        Ok(())
    }
}

struct Update<'a> {
    gradient: &'a [f32],
    moments: RefCell<(&'a mut Vec<f32>, &'a mut Vec<f32>)>,
    rates: Rates,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(weights), Some((start, end))) = (storage, layout.contiguous_offsets())
        else {
            bail!("only contiguous weights of f32 are trained")
        };
        let mut moments = self.moments.borrow_mut();
        let (means, squares) = &mut *moments;
        adamw(
            &mut weights[start..end],
            self.gradient,
            means,
            squares,
            self.rates,
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::learn::model::parameters::{Initial, Specification, Weight};

    /// The step by candle's operations.
    fn update(
        rates: &Rates,
        variable: &Var,
        gradient: &Tensor,
        [mean, square]: &mut [Tensor; 2],
    ) -> Result<()> {
        let [first, second] = rates.betas;
        let gradient = (gradient * rates.scale)?.detach();
        *mean = ((&*mean * first)? + (&gradient * (1.0 - first))?)?;
        *square = ((&*square * second)? + (gradient.sqr()? * (1.0 - second))?)?;
        let root = ((&*square * (1.0 / rates.correction[1]))?.sqrt()? + rates.eps)?;
        let moved = ((&*mean * (rates.lr / rates.correction[0]))? / root)?;
        variable.set(&((variable.as_detached_tensor() * (1.0 - rates.decay))? - moved)?)
    }

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
        let mut memory = Memory::new(&optimizer, &ours, vec![true, false]).unwrap();
        let decays = [0.1 * 0.5, 0.0];
        let zeros = |(_, v): (&str, &Var)| [(); 2].map(|()| v.zeros_like().unwrap());
        let mut moments: Vec<[Tensor; 2]> = theirs.iter().map(zeros).collect();
        for step in 1..=5 {
            let gradients = |parameters: &Parameters| -> Vec<Tensor> {
                let a = parameters.get("a", &[3, 2]).unwrap();
                let product = a.broadcast_mul(&parameters.get("b", &[2]).unwrap());
                let loss = product.unwrap().sqr().unwrap().sum_all().unwrap();
                let store = loss.backward().unwrap();
                let all = parameters.iter();
                all.map(|(_, v)| store.get(v).unwrap().clone()).collect()
            };
            let numbers = |g: &Tensor| g.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let buffers = gradients(&ours).iter().map(numbers).collect();
            let buffers = Gradients::Buffers(buffers);
            let scale = (0.7 / buffers.norm().unwrap()).min(1.0);
            memory.step(&ours, &buffers, 0.1, scale).unwrap();
            let all = theirs.iter().zip(gradients(&theirs)).zip(&mut moments);
            for ((((_, variable), gradient), moments), decay) in all.zip(decays) {
                let rates = Rates {
                    betas: [0.9, 0.999],
                    correction: [1.0 - 0.9f64.powi(step), 1.0 - 0.999f64.powi(step)],
                    eps: Adamw::default().eps,
                    lr: 0.1,
                    decay,
                    scale,
                };
                update(&rates, variable, &gradient, moments).unwrap();
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

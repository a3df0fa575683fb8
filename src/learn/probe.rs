//! A linear probe (Alain & Bengio 2016, arXiv 1610.01644): what a linear map can read off the states of a layer.
//!
//! Multinomial logistic regression with a ridge: over the examples' standardised states x (mean 0, variance 1 in every
//! number), the W and b that make mean cross-entropy(x·W + b, label) + ridge/2·‖W‖² least. The problem is convex and has one
//! solution, to which L-BFGS (Nocedal & Wright 2006, *Numerical Optimization*, algorithm 7.5) goes from zero over all examples
//! at once: nothing is drawn, and the same states give the same probe.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};

use crate::learn::kernel::{cross_entropy, linear};

/// States of examples and what is to be read off them.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// Row-major, (examples, width).
    pub states: &'a [f32],
    /// One an example.
    pub labels: &'a [u32],
}

/// How a probe is fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// How much large weights cost.
    pub ridge: f64,
    /// At most so many steps.
    pub iterations: u32,
}

/// Fits a probe on some examples and gives the share of others of which it reads the label, 0 to 1; 0 where there are none of
/// either. `among` says for each of the others between which labels it has to choose.
///
/// # Errors
/// No memory.
pub fn accuracy(
    fit: Fit,
    train: Labelled<'_>,
    test: Labelled<'_>,
    among: &[Vec<u32>],
    device: &Device,
) -> Result<f64> {
    if train.labels.is_empty() || test.labels.is_empty() {
        return Ok(0.0);
    }
    let width = train.states.len() / train.labels.len();
    let classes = train.labels.iter().copied();
    let mut classes: BTreeMap<u32, u32> = classes.map(|label| (label, 0)).collect();
    (0..)
        .zip(classes.values_mut())
        .for_each(|(n, class)| *class = n);
    let scale = Scale::of(train.states, width);
    let problem = Regression {
        states: scale.tensor(train.states, device)?,
        labels: train.labels.iter().map(|label| classes[label]).collect(),
        classes: classes.len(),
        ridge: fit.ridge,
    };
    let start = vec![0.0; (width + 1) * classes.len()];
    let found = minimise(start, fit.iterations, &mut |point| problem.value(point))?;
    let (weight, bias) = problem.maps(&found)?;
    let scores = linear(&scale.tensor(test.states, device)?, &weight, &bias)?;
    let scores: Vec<f32> = scores.flatten_all()?.to_vec1()?;
    let rows = scores.chunks_exact(classes.len().max(1));
    let right = rows
        .zip(among)
        .zip(test.labels)
        .filter(|((row, among), label)| {
            // A label that no example to fit on had is never read.
            let known = among
                .iter()
                .filter_map(|label| Some((label, row[*classes.get(label)? as usize])));
            let best = known.rev().max_by(|(_, a), (_, b)| a.total_cmp(b));
            best.map(|(best, _)| best) == Some(label)
        });
    Ok(right.count() as f64 / test.labels.len() as f64)
}

/// What makes every number of the states to fit on have mean 0 and variance 1; those that never vary become 0.
struct Scale {
    means: Vec<f64>,
    factors: Vec<f64>,
}

impl Scale {
    fn of(states: &[f32], width: usize) -> Self {
        let rows = || states.chunks_exact(width.max(1));
        let count = rows().len().max(1) as f64;
        let mut means = vec![0.0; width];
        for row in rows() {
            let row = row.iter().map(|number| f64::from(*number));
            means
                .iter_mut()
                .zip(row)
                .for_each(|(mean, x)| *mean += x / count);
        }
        let mut factors = vec![0.0; width];
        for row in rows() {
            for ((square, mean), x) in factors.iter_mut().zip(&means).zip(row) {
                *square += (f64::from(*x) - mean).powi(2) / count;
            }
        }
        for (factor, mean) in factors.iter_mut().zip(&means) {
            let deviation = factor.sqrt();
            // Below this there is nothing but rounding.
            let varies = deviation > 1e-6 * mean.abs() && deviation > 1e-12;
            *factor = if varies { 1.0 / deviation } else { 0.0 };
        }
        Self { means, factors }
    }

    /// Standardised states, (examples, width).
    fn tensor(&self, states: &[f32], device: &Device) -> Result<Tensor> {
        let width = self.means.len();
        let rows = states.chunks_exact(width.max(1));
        let numbers = rows.flat_map(|row| {
            let row = row.iter().zip(&self.means).zip(&self.factors);
            row.map(|((x, mean), factor)| ((f64::from(*x) - mean) * factor) as f32)
        });
        let numbers: Vec<f32> = numbers.collect();
        Tensor::from_vec(numbers, (states.len() / width.max(1), width), device)
    }
}

/// What is made least, as a function of W (width, classes) and then b (classes), row-major.
struct Regression {
    states: Tensor, // (examples, width)
    labels: Vec<u32>,
    classes: usize,
    ridge: f64,
}

impl Regression {
    /// W and b of a point.
    fn maps(&self, point: &[f64]) -> Result<(Tensor, Tensor)> {
        let (width, device) = (self.states.dim(1)?, self.states.device());
        let numbers: Vec<f32> = point.iter().map(|number| *number as f32).collect();
        let (weight, bias) = numbers.split_at(width * self.classes);
        Ok((
            Tensor::from_slice(weight, (width, self.classes), device)?,
            Tensor::from_slice(bias, self.classes, device)?,
        ))
    }

    /// The value at a point, and its gradient.
    fn value(&self, point: &[f64]) -> Result<(f64, Vec<f64>)> {
        let (weight, bias) = self.maps(point)?;
        let (weight, bias) = (Var::from_tensor(&weight)?, Var::from_tensor(&bias)?);
        let scores = linear(&self.states, weight.as_tensor(), bias.as_tensor())?; // (examples, classes)
        let shares = vec![1.0 / self.labels.len() as f32; self.labels.len()];
        let loss = cross_entropy(&scores, &self.labels, &shares)?;
        let gradients = loss.backward()?;
        let mut gradient = Vec::with_capacity(point.len());
        for variable in [&weight, &bias] {
            let part = gradients.get(variable).expect("the loss depends on both");
            let part: Vec<f32> = part.flatten_all()?.to_vec1()?;
            gradient.extend(part.into_iter().map(f64::from));
        }
        let mut value = f64::from(loss.to_scalar::<f32>()?);
        let weights = self.states.dim(1)? * self.classes;
        for (slope, weight) in gradient.iter_mut().zip(&point[..weights]) {
            *slope += self.ridge * weight;
            value += 0.5 * self.ridge * weight * weight;
        }
        Ok((value, gradient))
    }
}

/// So many of the last steps tell how the slope changes.
const MEMORY: usize = 10;
/// A slope below this, in every direction, is the bottom.
const FLAT: f64 = 1e-5;
/// The share of what the slope promises that a step has to give.
const PROMISED: f64 = 1e-4;
/// A step is halved at most so often; what is left is rounding.
const HALVINGS: u32 = 30;

/// A step, and how much the slope changed on it.
struct Step {
    by: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (by · change).
    inverse: f64,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// a ← a + factor·b.
fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

/// A smooth function: its value at a point, and its slope there.
type Smooth<'a> = &'a mut dyn FnMut(&[f64]) -> Result<(f64, Vec<f64>)>;

/// Walks from a point to where a smooth function is least: to the bottom, for so many steps, or until no step goes down by
/// more than rounding.
fn minimise(mut point: Vec<f64>, iterations: u32, value: Smooth<'_>) -> Result<Vec<f64>> {
    let (mut height, mut slope) = value(&point)?;
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..iterations {
        if slope.iter().all(|slope| slope.abs() < FLAT) {
            break;
        }
        let direction = downwards(&slope, &steps);
        let promised = dot(&slope, &direction);
        let mut length = 1.0;
        let mut found = None;
        for _ in 0..HALVINGS {
            let mut there = point.clone();
            add(&mut there, length, &direction);
            let (low, tilt) = value(&there)?;
            if low <= height + PROMISED * length * promised {
                found = Some((there, low, tilt));
                break;
            }
            length *= 0.5;
        }
        let Some((there, low, tilt)) = found else {
            break;
        };
        let mut by = there.clone();
        add(&mut by, -1.0, &point);
        let mut change = tilt.clone();
        add(&mut change, -1.0, &slope);
        let bend = dot(&by, &change);
        // Without a bend the step tells nothing of the bottom.
        if bend > 1e-12 * dot(&by, &by) {
            if steps.len() == MEMORY {
                steps.remove(0);
            }
            steps.push(Step {
                by,
                change,
                inverse: 1.0 / bend,
            });
        }
        (point, height, slope) = (there, low, tilt);
    }
    Ok(point)
}

/// The direction that leads to the bottom, as far as the last steps tell: minus the inverse of the second derivative, times
/// the slope, by the two loops of L-BFGS.
fn downwards(slope: &[f64], steps: &[Step]) -> Vec<f64> {
    let mut direction: Vec<f64> = slope.iter().map(|slope| -slope).collect();
    let Some(last) = steps.last() else {
        // Nothing is known of the bend: a first step of at most length 1.
        let length = dot(slope, slope).sqrt().max(1.0);
        direction.iter_mut().for_each(|d| *d /= length);
        return direction;
    };
    let mut shares = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let share = step.inverse * dot(&step.by, &direction);
        add(&mut direction, -share, &step.change);
        shares.push(share);
    }
    let scale = 1.0 / (last.inverse * dot(&last.change, &last.change));
    direction.iter_mut().for_each(|d| *d *= scale);
    for (step, share) in steps.iter().zip(shares.into_iter().rev()) {
        let other = step.inverse * dot(&step.change, &direction);
        add(&mut direction, share - other, &step.by);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random;

    #[test]
    fn the_bottom_of_a_bent_valley_is_found() {
        // Rosenbrock's function, least at (1, 1).
        let mut valley = |p: &[f64]| {
            let (x, y) = (p[0], p[1]);
            let value = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
            let slope = vec![
                -2.0 * (1.0 - x) - 400.0 * x * (y - x * x),
                200.0 * (y - x * x),
            ];
            Ok((value, slope))
        };
        let found = minimise(vec![-1.2, 1.0], 200, &mut valley).unwrap();
        assert!(
            (found[0] - 1.0).abs() < 1e-4 && (found[1] - 1.0).abs() < 1e-4,
            "{found:?}"
        );
    }

    #[test]
    fn two_points_have_the_weights_that_a_hand_computes() {
        // Points −1 and 1 of different labels: W = (−a, a), b = 0, where a·(1 + e^2a) = 1/ridge; here a = 1.
        let states = Tensor::from_vec(vec![-1.0f32, 1.0], (2, 1), &Device::Cpu).unwrap();
        let problem = Regression {
            states,
            labels: vec![0, 1],
            classes: 2,
            ridge: 1.0 / (1.0 + 2.0f64.exp()),
        };
        let found = minimise(vec![0.0; 4], 100, &mut |point| problem.value(point)).unwrap();
        for (found, expected) in found.iter().zip([-1.0, 1.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_slope_is_what_the_value_changes_by() {
        let states = Tensor::from_vec(
            vec![0.5f32, -1.0, 0.3, 0.9, -0.2, 0.1],
            (3, 2),
            &Device::Cpu,
        );
        let problem = Regression {
            states: states.unwrap(),
            labels: vec![2, 0, 1],
            classes: 3,
            ridge: 0.3,
        };
        let point: Vec<f64> = (0..9).map(|i| f64::from(i % 4) * 0.3 - 0.4).collect();
        let (_, slope) = problem.value(&point).unwrap();
        for place in 0..9 {
            let at = |by: f64| {
                let mut point = point.clone();
                point[place] += by;
                problem.value(&point).unwrap().0
            };
            let expected = (at(0.01) - at(-0.01)) / 0.02;
            assert!(
                (slope[place] - expected).abs() < 1e-3,
                "{place}: {} is not {expected}",
                slope[place]
            );
        }
    }

    /// States that hold their label as a mean, under noise of this deviation.
    fn labelled(purpose: &str, noise: f64) -> (Vec<f32>, Vec<u32>) {
        let mut stream = random::stream(0, purpose);
        let labels: Vec<u32> = (0..300)
            .map(|_| 10 + random::below(&mut stream, 3) as u32)
            .collect();
        let states = labels.iter().flat_map(|label| {
            let mut row = random::normals(&mut stream, 4, noise);
            row[(label - 10) as usize] += 1.0;
            row.push(5.0);
            row.into_iter().map(|x| x as f32 * 1e3)
        });
        (states.collect(), labels)
    }

    #[test]
    fn what_is_there_is_read_and_what_is_not_is_guessed() {
        let fit = Fit {
            ridge: 1e-3,
            iterations: 100,
        };
        let of = |noise: f64| {
            let (train, test) = (labelled("train", noise), labelled("test", noise));
            let as_labelled = |(states, labels): &(Vec<f32>, Vec<u32>)| {
                // The true one of three, and one of the others.
                let among = labels
                    .iter()
                    .map(|label| vec![*label, 10 + (label - 9) % 3]);
                accuracy(
                    fit,
                    Labelled {
                        states: &train.0,
                        labels: &train.1,
                    },
                    Labelled { states, labels },
                    &among.collect::<Vec<_>>(),
                    &Device::Cpu,
                )
                .unwrap()
            };
            as_labelled(&test)
        };
        assert!(of(0.05) > 0.99, "{}", of(0.05));
        let guessed = of(1e6);
        // Five standard errors of a share of 300.
        assert!(
            (guessed - 0.5).abs() < 5.0 * (0.25f64 / 300.0).sqrt(),
            "{guessed}"
        );
    }

    #[test]
    fn a_label_that_was_never_seen_is_never_read() {
        let fit = Fit {
            ridge: 1e-3,
            iterations: 10,
        };
        let train = Labelled {
            states: &[0.0, 1.0],
            labels: &[3, 4],
        };
        let test = Labelled {
            states: &[0.0, 1.0],
            labels: &[3, 5],
        };
        let read = |among: &[Vec<u32>], test| accuracy(fit, train, test, among, &Device::Cpu);
        assert_eq!(read(&[vec![3, 4], vec![5, 4]], test).unwrap(), 0.5);
        // Where there is no choice, it is right whatever the state is.
        let other = Labelled {
            labels: &[4, 3],
            ..test
        };
        assert_eq!(read(&[vec![4], vec![3]], other).unwrap(), 1.0);
        let none = Labelled {
            states: &[],
            labels: &[],
        };
        assert_eq!(read(&[], none).unwrap(), 0.0);
    }
}

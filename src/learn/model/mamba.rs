//! Mamba, the selective state space model (Gu & Dao 2023, arXiv 2312.00752, section 3), in the arithmetic of the released
//! code and of the `transformers` library of Hugging Face: a root-mean-square norm before each mixer, a residual around
//! it, no biases but those of the convolution and of the step, the head tied to the token table. It has no positions.
//!
//! Glossary to the paper, section 3.4 and Algorithm 2: width is D there, inner is E·D, state is N; A, B, C, D and Δ are
//! those of [`Scan`], whose file has the equations. Shapes: batch × length × width; a layer is
//! x ← x + W_output·mixer(norm x), where the mixer of n = norm x is
//!
//! ```text
//! u = silu(convolution(W_input·n))              // (batch, length, inner)
//! s, B, C = W_selection·u                       // (batch, length, step_rank + 2·state)
//! y = scan(u, Δ = softplus(W_step·s + bias), A, B, C, D) · silu(W_gate·n)
//! ```
//!
//! In the last layer only the kept positions need a gate and an output; the states are run over all.
//!
//! First values are those of the released code: maps uniform within 1/√(what they read), the output's also divided by
//! √layers; A = −1, −2, … −N, D = 1, and Δ, where nothing is read, uniform in its logarithm from 0.001 to 0.1.
//!
//! | weight | shape | name in a checkpoint |
//! |---|---|---|
//! | `tokens` | (vocabulary, width) | `backbone.embeddings.weight`, and `lm_head.weight` where it is stored |
//! | `norm.weight` | (width) | `backbone.norm_f.weight` |
//! | `layers.000.norm.weight` | (width) | `backbone.layers.0.norm.weight` |
//! | `layers.000.mixer.input.weight` | (width, inner) | `….mixer.in_proj.weight` (2·inner, width), the first half of its rows |
//! | `layers.000.mixer.gate.weight` | (width, inner) | the other half |
//! | `layers.000.mixer.convolution.weight` | (convolution, inner) | `….mixer.conv1d.weight` (inner, 1, convolution) |
//! | `layers.000.mixer.convolution.bias` | (inner) | `….mixer.conv1d.bias` |
//! | `layers.000.mixer.selection.weight` | (inner, step_rank + 2·state) | `….mixer.x_proj.weight`, the other way round |
//! | `layers.000.mixer.step.weight` | (step_rank, inner) | `….mixer.dt_proj.weight`, the other way round |
//! | `layers.000.mixer.step.bias` | (inner) | `….mixer.dt_proj.bias` |
//! | `layers.000.mixer.log_rates` | (inner, state) | `….mixer.A_log` |
//! | `layers.000.mixer.skip` | (inner) | `….mixer.D` |
//! | `layers.000.mixer.output.weight` | (inner, width) | `….mixer.out_proj.weight`, the other way round |

use candle_core::{Result, Tensor, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parameters::{Initial, Parameters, Specification, Weight};
use super::{Contract, Dimensions, Inside, Model, State};
use crate::learn::kernel::{
    Scan, convolution, embedding, rms_norm, selective_scan, selective_scan_on,
};

/// The size of a Mamba.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mamba {
    /// Layers, each a mixer.
    #[serde(default = "layers")]
    #[schemars(range(min = 1, max = 256))]
    pub layers: u32,
    /// Numbers in a hidden state.
    #[serde(default = "width")]
    #[schemars(range(min = 1, max = 16_384))]
    pub width: u32,
    /// States of a channel.
    #[serde(default = "state")]
    #[schemars(range(min = 1, max = 256))]
    pub state: u32,
    /// Channels of a mixer, in multiples of `width`.
    #[serde(default = "expand")]
    #[schemars(range(min = 1, max = 16))]
    pub expand: u32,
    /// Positions that a convolution sees, the last its own.
    #[serde(default = "taps")]
    #[schemars(range(min = 1, max = 64))]
    pub convolution: u32,
    /// Numbers from which the steps of all channels are mapped; without it, a sixteenth of `width`, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_384))]
    pub step_rank: Option<u32>,
    /// Added to a mean square before its root.
    #[serde(default = "epsilon")]
    #[schemars(range(min = 1e-12, max = 1e-2))]
    pub epsilon: f64,
}

fn layers() -> u32 {
    12
}

fn width() -> u32 {
    784
}

fn state() -> u32 {
    16
}

fn expand() -> u32 {
    2
}

fn taps() -> u32 {
    4
}

fn epsilon() -> f64 {
    1e-5
}

impl Default for Mamba {
    fn default() -> Self {
        Self {
            layers: layers(),
            width: width(),
            state: state(),
            expand: expand(),
            convolution: taps(),
            step_rank: None,
            epsilon: epsilon(),
        }
    }
}

impl Mamba {
    /// Channels of a mixer.
    #[must_use]
    pub fn inner_width(&self) -> usize {
        self.width as usize * self.expand as usize
    }

    /// Numbers from which the steps of all channels are mapped.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.step_rank.unwrap_or(self.width.div_ceil(16)) as usize
    }

    /// The weights of a mixer: names after `layers.000.mixer.`, shapes and first values.
    fn mixer(&self) -> [(&'static str, Vec<usize>, Initial); 10] {
        let (width, inner, state) = (self.width as usize, self.inner_width(), self.state as usize);
        let (taps, rank) = (self.convolution as usize, self.rank());
        let within = |reads: usize| Initial::Uniform(1.0 / (reads as f64).sqrt());
        let output = 1.0 / (inner as f64 * f64::from(self.layers)).sqrt();
        let step = Initial::Softplus {
            least: STEPS.0,
            most: STEPS.1,
        };
        [
            ("input.weight", vec![width, inner], within(width)),
            ("gate.weight", vec![width, inner], within(width)),
            ("convolution.weight", vec![taps, inner], within(taps)),
            ("convolution.bias", vec![inner], within(taps)),
            (
                "selection.weight",
                vec![inner, rank + 2 * state],
                within(inner),
            ),
            ("step.weight", vec![rank, inner], within(rank)),
            ("step.bias", vec![inner], step),
            ("log_rates", vec![inner, state], Initial::Logarithms),
            ("skip", vec![inner], Initial::Constant(1.0)),
            (
                "output.weight",
                vec![inner, width],
                Initial::Uniform(output),
            ),
        ]
    }
}

/// Standard deviation of the first values of the token table.
const DEVIATION: f64 = 0.02;

/// The least and the largest step at first, where nothing is read.
const STEPS: (f64, f64) = (1e-3, 0.1);

impl Contract for Mamba {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (name, value, most) in [
            ("layers", self.layers, 256),
            ("width", self.width, 16_384),
            ("state", self.state, 256),
            ("expand", self.expand, 16),
            ("convolution", self.convolution, 64),
            ("step_rank", self.step_rank.unwrap_or(1), 16_384),
        ] {
            if !(1..=most).contains(&value) {
                problems.push((name, format!("{value} is not from 1 to {most}")));
            }
        }
        if !(1e-12..=1e-2).contains(&self.epsilon) {
            let why = format!("{} is not from 1e-12 to 0.01", self.epsilon);
            problems.push(("epsilon", why));
        }
        problems
    }

    fn width(&self) -> usize {
        self.width as usize
    }

    fn specification(&self, dimensions: Dimensions) -> Specification {
        let width = self.width as usize;
        let mut all = Specification::new();
        let mut add = |name: String, shape: Vec<usize>, initial| {
            all.insert(name, Weight { shape, initial });
        };
        add(
            "tokens".to_owned(),
            vec![dimensions.vocabulary, width],
            Initial::Normal(DEVIATION),
        );
        let ones = Initial::Constant(1.0);
        add("norm.weight".to_owned(), vec![width], ones);
        for layer in 0..self.layers {
            add(format!("layers.{layer:03}.norm.weight"), vec![width], ones);
            for (name, shape, initial) in self.mixer() {
                add(format!("layers.{layer:03}.mixer.{name}"), shape, initial);
            }
        }
        all
    }

    fn assemble(&self, dimensions: Dimensions, parameters: &Parameters) -> Result<Box<dyn Model>> {
        let width = self.width as usize;
        let mut layers = Vec::with_capacity(self.layers as usize);
        for layer in 0..self.layers {
            let mixer = self.mixer().map(|(name, shape, _)| {
                parameters.get(&format!("layers.{layer:03}.mixer.{name}"), &shape)
            });
            let [
                input,
                gate,
                convolution,
                convolution_bias,
                selection,
                step,
                step_bias,
                log_rates,
                skip,
                output,
            ] = mixer;
            layers.push(Layer {
                norm: parameters.get(&format!("layers.{layer:03}.norm.weight"), &[width])?,
                input: input?,
                gate: gate?,
                convolution: convolution?,
                convolution_bias: convolution_bias?,
                selection: selection?,
                step: step?,
                step_bias: step_bias?,
                log_rates: log_rates?,
                skip: skip?,
                output: output?,
            });
        }
        Ok(Box::new(Assembled {
            epsilon: self.epsilon,
            tokens: parameters.get("tokens", &[dimensions.vocabulary, width])?,
            layers,
            norm: parameters.get("norm.weight", &[width])?,
        }))
    }
}

/// Maps rows: `x` (batch, some, from), `weight` (from, to) to (batch, some, to).
fn map(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (batch, some, from) = x.dims3()?;
    let rows = x.contiguous()?.reshape((batch * some, from))?;
    rows.matmul(weight)?.reshape((batch, some, ()))
}

struct Layer {
    norm: Tensor,
    input: Tensor,
    gate: Tensor,
    convolution: Tensor,
    convolution_bias: Tensor,
    selection: Tensor,
    step: Tensor,
    step_bias: Tensor,
    log_rates: Tensor,
    skip: Tensor,
    output: Tensor,
}

impl Layer {
    /// The mixer over `normed` (batch, new, width), to its last `keep` positions, (batch, keep, width). Goes on from
    /// `before`, where there is one, and leaves there what comes after: the states (batch, state, inner) and the last
    /// inputs of the convolution (batch, at most convolution − 1, inner).
    fn mix(
        &self,
        normed: &Tensor,
        keep: usize,
        before: Option<&mut Vec<Tensor>>,
    ) -> Result<Tensor> {
        let new = normed.dim(1)?;
        let input = map(normed, &self.input)?; // (batch, new, inner)
        let seen = before.as_ref().and_then(|before| before.get(1));
        let input = match seen {
            Some(seen) => Tensor::cat(&[seen, &input], 1)?, // (batch, seen + new, inner)
            None => input,
        };
        let mut u = convolution(&input, &self.convolution, &self.convolution_bias)?;
        u = u.narrow(1, u.dim(1)? - new, new)?; // (batch, new, inner)
        let rank = self.step.dim(0)?;
        let selection = map(&u, &self.selection)?; // (batch, new, step_rank + 2·state)
        let kept = normed.narrow(1, new - keep, keep)?;
        let scan = Scan {
            x: &u,
            step: &map(&selection.narrow(2, 0, rank)?, &self.step)?,
            selection: &selection,
            gate: &map(&kept, &self.gate)?, // (batch, keep, inner)
            log_rates: &self.log_rates,
            skip: &self.skip,
            bias: &self.step_bias,
        };
        let y = match before {
            Some(before) => {
                let (y, states) = selective_scan_on(&scan, before.first())?;
                let positions = input.dim(1)?;
                let window = positions.min(self.convolution.dim(0)? - 1);
                *before = vec![states];
                if window > 0 {
                    let last = input.narrow(1, positions - window, window)?;
                    before.push(last.contiguous()?.detach());
                }
                y
            }
            None => selective_scan(&scan)?,
        };
        map(&y, &self.output)
    }
}

struct Assembled {
    epsilon: f64,
    tokens: Tensor, // (vocabulary, width), also the head
    layers: Vec<Layer>,
    norm: Tensor,
}

impl Assembled {
    fn run(
        &self,
        tokens: &Tensor,
        keep: usize,
        mut state: Option<&mut State>,
        mut inside: Option<&mut Inside>,
    ) -> Result<Tensor> {
        let (_, new) = tokens.dims2()?;
        if keep == 0 || keep > new {
            bail!("{keep} positions kept of {new}")
        }
        let mut x = embedding(&self.tokens, tokens)?;
        if let Some(inside) = inside.as_deref_mut() {
            inside.leave(&x)?;
        }
        for (place, layer) in self.layers.iter().enumerate() {
            let last = place + 1 == self.layers.len();
            let kept = if last { keep } else { new };
            let normed = rms_norm(&x, &layer.norm, self.epsilon)?; // (batch, new, width)
            let before = state.as_deref_mut().map(|state| {
                if state.layers.len() <= place {
                    state.layers.resize(place + 1, Vec::new());
                }
                &mut state.layers[place]
            });
            let mixed = layer.mix(&normed, kept, before)?; // (batch, kept, width)
            x = (x.narrow(1, new - kept, kept)? + mixed)?;
            if let Some(inside) = inside.as_deref_mut() {
                inside.leave(&x)?;
            }
        }
        if let Some(state) = state {
            state.position += new;
        }
        rms_norm(&x, &self.norm, self.epsilon) // (batch, keep, width)
    }
}

impl Model for Assembled {
    fn hidden(&self, tokens: &Tensor, keep: usize) -> Result<Tensor> {
        self.run(tokens, keep, None, None)
    }

    fn step(&self, tokens: &Tensor, state: &mut State) -> Result<Tensor> {
        Ok(self.run(tokens, 1, Some(state), None)?.detach())
    }

    fn inside(&self, tokens: &Tensor) -> Result<Inside> {
        let mut inside = Inside::default();
        self.run(tokens, 1, None, Some(&mut inside))?;
        Ok(inside)
    }

    fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        let (batch, some, width) = hidden.dims3()?;
        let rows = hidden.reshape((batch * some, width))?;
        rows.matmul(&self.tokens.t()?)?.reshape((batch, some, ())) // (batch, some, vocabulary)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::learn::decoding::{Decoding, decode};
    use crate::learn::task::Contract as _;
    use crate::learn::task::path_star::PathStar;
    use crate::learn::{random, training};

    const DIMENSIONS: Dimensions = Dimensions {
        vocabulary: 9,
        length: 10,
    };

    /// Small ones of every make.
    fn makes() -> Vec<Mamba> {
        let small = Mamba {
            layers: 2,
            width: 10,
            state: 3,
            ..Mamba::default()
        };
        let odd = Mamba {
            layers: 3,
            width: 5,
            state: 1,
            expand: 1,
            convolution: 1,
            step_rank: Some(2),
            epsilon: 1e-2,
        };
        let long = Mamba {
            convolution: 12,
            ..small.clone()
        };
        vec![small, odd, long]
    }

    /// Weights in `f64`, large enough for every gradient to matter.
    fn lively(mamba: &Mamba) -> Parameters {
        let mut specification = mamba.specification(DIMENSIONS);
        for weight in specification.values_mut() {
            weight.initial = Initial::Normal(0.5);
        }
        Parameters::initialise(&specification, 3, DType::F64, &Device::Cpu).unwrap()
    }

    fn tokens(batch: usize) -> Tensor {
        let tokens = (0..batch as u32 * 10).map(|i| (i * i + 3) % 9).collect();
        Tensor::from_vec::<_, u32>(tokens, (batch, 10), &Device::Cpu).unwrap()
    }

    fn apart(a: &Tensor, b: &Tensor) -> f64 {
        assert_eq!(a.dims(), b.dims());
        let largest = (a - b).unwrap().abs().unwrap().max_all().unwrap();
        largest.to_scalar().unwrap()
    }

    #[test]
    fn reading_token_by_token_equals_reading_at_once() {
        for mamba in makes() {
            let model = mamba.assemble(DIMENSIONS, &lively(&mamba)).unwrap();
            let tokens = tokens(2);
            let whole = model.hidden(&tokens, 10).unwrap();
            let mut state = State::default();
            let mut read = 0;
            for new in [4, 1, 3, 1, 1] {
                let some = tokens.narrow(1, read, new).unwrap();
                let last = model.step(&some, &mut state).unwrap();
                read += new;
                assert!(apart(&whole.narrow(1, read - 1, 1).unwrap(), &last) < 1e-9);
                assert_eq!(state.position, read);
            }
            let trimmed = model.hidden(&tokens, 3).unwrap();
            assert!(apart(&whole.narrow(1, 7, 3).unwrap(), &trimmed) < 1e-9);
            assert!(model.hidden(&tokens, 11).is_err());
            assert!(model.hidden(&tokens, 0).is_err());
        }
    }

    #[test]
    fn what_is_seen_inside_is_what_the_model_computes_with() {
        for mamba in makes() {
            let parameters = lively(&mamba);
            let model = mamba.assemble(DIMENSIONS, &parameters).unwrap();
            let tokens = tokens(2);
            let inside = model.inside(&tokens).unwrap();
            assert_eq!(inside.states.len(), mamba.layers as usize + 1);
            assert!(inside.attention.is_empty());
            let width = mamba.width as usize;
            let last = tokens.narrow(1, 9, 1).unwrap().flatten_all().unwrap();
            let table = parameters.get("tokens", &[9, width]).unwrap();
            assert!(apart(&table.index_select(&last, 0).unwrap(), &inside.states[0]) == 0.0);
            let norm = parameters.get("norm.weight", &[width]).unwrap();
            let top = inside.states.last().unwrap();
            let normed = rms_norm(top, &norm, mamba.epsilon).unwrap();
            let hidden = model.hidden(&tokens, 1).unwrap().squeeze(1).unwrap();
            assert!(apart(&normed, &hidden) < 1e-12);
        }
    }

    #[test]
    fn a_position_sees_nothing_that_comes_after_it() {
        for mamba in makes() {
            let model = mamba.assemble(DIMENSIONS, &lively(&mamba)).unwrap();
            let tokens = tokens(1);
            let mut other = tokens.flatten_all().unwrap().to_vec1::<u32>().unwrap();
            other[6] = (other[6] + 1) % 9;
            let other = Tensor::from_vec(other, (1, 10), &Device::Cpu).unwrap();
            let (one, two) = (
                model.hidden(&tokens, 10).unwrap(),
                model.hidden(&other, 10).unwrap(),
            );
            let part = |x: &Tensor, from, count| x.narrow(1, from, count).unwrap();
            assert_eq!(apart(&part(&one, 0, 6), &part(&two, 0, 6)), 0.0);
            assert!(apart(&part(&one, 6, 1), &part(&two, 6, 1)) > 1e-3);
            assert!(apart(&part(&one, 9, 1), &part(&two, 9, 1)) > 1e-9);
        }
    }

    /// A loss that depends on every kept score.
    fn loss(model: &dyn Model) -> Tensor {
        let scores = model.logits(&model.hidden(&tokens(3), 4).unwrap()).unwrap();
        let mut stream = random::stream(0, "loss");
        let weights = random::normals(&mut stream, scores.elem_count(), 1.0);
        let weights = Tensor::from_vec(weights, scores.dims(), &Device::Cpu).unwrap();
        (scores.tanh().unwrap() * weights)
            .unwrap()
            .sum_all()
            .unwrap()
    }

    /// The loss with one number of one weight moved by `by`.
    fn moved(model: &dyn Model, variable: &Var, place: usize, by: f64) -> f64 {
        let before = variable.as_detached_tensor().copy().unwrap();
        let mut numbers = before.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        numbers[place] += by;
        variable
            .set(&Tensor::from_vec(numbers, before.shape(), &Device::Cpu).unwrap())
            .unwrap();
        let loss = loss(model).to_scalar().unwrap();
        variable.set(&before).unwrap();
        loss
    }

    #[test]
    fn gradients_reach_every_weight_and_equal_the_slope_of_the_loss() {
        for mamba in makes() {
            let parameters = lively(&mamba);
            let model = mamba.assemble(DIMENSIONS, &parameters).unwrap();
            let gradients = loss(model.as_ref()).backward().unwrap();
            for (name, variable) in parameters.iter() {
                let gradient = gradients
                    .get(variable)
                    .unwrap_or_else(|| panic!("{name} gets no gradient"));
                let gradient = gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let largest = (0..gradient.len())
                    .max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()))
                    .unwrap();
                assert!(gradient[largest].abs() > 1e-6, "{name} gets nothing");
                for place in [largest, gradient.len() / 2, gradient.len() - 1] {
                    let moved = |by| moved(model.as_ref(), variable, place, by);
                    let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    assert!(
                        (slope - gradient[place]).abs() < 1e-7 + 1e-5 * slope.abs(),
                        "{name}[{place}]: {slope} {}",
                        gradient[place]
                    );
                }
            }
        }
    }

    #[test]
    fn one_batch_is_learnt_by_heart_and_written_token_by_token() {
        let dataset = PathStar {
            degree: 2,
            path_length: 4,
            nodes: 12,
            train: 8,
            test: 8,
            seed: 1,
            ..PathStar::default()
        }
        .generate(&|| false)
        .unwrap();
        let settings = r#"{
            "architecture": {"kind": "mamba", "layers": 2, "width": 24},
            "objective": {"kind": "next-token"},
            "optimizer": {"kind": "adamw", "lr": 5e-3},
            "schedule": {"kind": "constant", "warmup": 10},
            "batch": 8,
            "steps": 100
        }"#;
        let trained = training::train(
            &dataset,
            &serde_json::from_str(settings).unwrap(),
            &Device::Cpu,
            &training::ResumeSources::default(),
            &mut |_| ControlFlow::Continue(()),
        )
        .unwrap();
        let (first, last) = (&trained.curve[0], &trained.curve[trained.curve.len() - 1]);
        assert!(last.loss < first.loss / 20.0, "{first:?} {last:?}");
        let go = &mut |_, _| ControlFlow::Continue(());
        let greedy = &Decoding::Greedy;
        let answers = decode(&trained.learner, &dataset.train, greedy, 3, go).unwrap();
        assert_eq!(answers.exact_match(), 1.0);
    }

    #[test]
    fn the_first_weights_are_those_of_the_released_code() {
        let mamba = Mamba {
            layers: 4,
            width: 64,
            ..Mamba::default()
        };
        let specification = mamba.specification(DIMENSIONS);
        let parameters =
            Parameters::initialise(&specification, 0, DType::F64, &Device::Cpu).unwrap();
        let numbers = |name: &str| {
            let name = format!("layers.002.mixer.{name}");
            let weight = parameters.get(&name, &specification[&name].shape).unwrap();
            weight.flatten_all().unwrap().to_vec1::<f64>().unwrap()
        };
        for (place, x) in numbers("log_rates").iter().enumerate() {
            assert!((x - ((place % 16 + 1) as f64).ln()).abs() < 1e-15);
        }
        assert!(numbers("skip").iter().all(|&x| x == 1.0));
        let steps: Vec<f64> = numbers("step.bias")
            .iter()
            .map(|x| x.exp().ln_1p())
            .collect();
        assert!(steps.iter().all(|x| (0.000_999..0.1001).contains(x)));
        let mean = steps.iter().map(|x| x.ln()).sum::<f64>() / steps.len() as f64;
        assert!((mean - 0.01f64.ln()).abs() < 0.5, "{mean}");
        for (name, bound) in [
            ("input.weight", 0.125),
            ("convolution.weight", 0.5),
            ("convolution.bias", 0.5),
            ("selection.weight", 1.0 / 128.0f64.sqrt()),
            ("step.weight", 0.5),
            ("output.weight", 0.5 / 128.0f64.sqrt()),
        ] {
            let numbers = numbers(name);
            let largest = numbers.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            assert!(largest <= bound && largest > 0.95 * bound, "{name}");
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            assert!(mean.abs() < 0.2 * bound, "{name}: {mean}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        let wrong = Mamba {
            layers: 0,
            width: 20_000,
            state: 0,
            expand: 17,
            convolution: 65,
            step_rank: Some(0),
            epsilon: f64::NAN,
        };
        let named: Vec<&str> = wrong.problems().into_iter().map(|(name, _)| name).collect();
        let all = "layers width state expand convolution step_rank epsilon";
        assert_eq!(named.join(" "), all);
        assert!(Mamba::default().problems().is_empty());
        for mamba in makes() {
            assert!(mamba.problems().is_empty());
        }
    }

    #[test]
    fn a_mamba_is_written_with_the_published_defaults() {
        let read: Mamba = serde_json::from_str(r#"{"layers":2}"#).unwrap();
        let expected = Mamba {
            layers: 2,
            ..Mamba::default()
        };
        assert_eq!(read, expected);
        assert_eq!((read.inner_width(), read.rank()), (1568, 49));
        assert!(serde_json::from_str::<Mamba>(r#"{"depth":2}"#).is_err());
    }
}

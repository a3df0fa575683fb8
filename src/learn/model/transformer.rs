//! A decoder-only transformer: GPT-2 (Radford et al. 2019), as the paper trains it from scratch, and GPT-NeoX
//! (Black et al. 2022, arXiv 2204.06745), the architecture of the Pythia models, which it becomes by other fields.
//!
//! What is given by default is GPT-2: layer norm before each part, tanh-GELU, biases everywhere but at the head, which
//! is tied to the token table, weights begun from N(0, 0.02). Dropout is 0, as the paper trains.
//!
//! Shapes: batch × length × width; a layer is
//! x ← x + W_o·attention(norm x), x ← x + W_2·gelu(W_1·norm′ x), or, with parallel residuals,
//! x ← x + W_o·attention(norm x) + W_2·gelu(W_1·norm′ x).
//! In the last layer only the kept positions need queries, an output projection and an MLP; the others are read as keys
//! and values alone.

use std::cell::RefCell;

use candle_core::{Result, Tensor, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dropout::DropoutRng;
use super::parameters::{Initial, Parameters, Specification, Weight};
use super::transformer_pass::{Form, TransformerPass};
use super::{Contract, Dimensions, Inside, Model, State};
use crate::learn::kernel::{
    Rotary, attention, attention_with, embedding, gelu, gelu_exact, layer_norm, linear,
};

/// The size and the make of a transformer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transformer {
    /// Layers, each attention and an MLP.
    #[serde(default = "layers")]
    #[schemars(range(min = 1, max = 256))]
    pub layers: u32,
    /// Numbers in a hidden state; a multiple of `heads`.
    #[serde(default = "width")]
    #[schemars(range(min = 1, max = 16_384))]
    pub width: u32,
    /// Attention heads in a layer.
    #[serde(default = "heads")]
    #[schemars(range(min = 1, max = 1_024))]
    pub heads: u32,
    /// Width of an MLP, in multiples of `width`.
    #[serde(default = "mlp")]
    #[schemars(range(min = 1, max = 16))]
    pub mlp: u32,
    /// Width of an MLP in numbers, where it is no multiple of `width`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 262_144))]
    pub inner: Option<u32>,
    /// How positions are encoded. The paper uses `learned`; small models find the solutions much sooner with `rotary`.
    #[serde(default)]
    pub positions: Positions,
    /// The share of a head that rotary positions turn, its first numbers.
    #[serde(default = "rotary_share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub rotary_share: f64,
    /// The base of the angles of rotary positions; a larger one turns more slowly.
    #[serde(default = "rotary_base")]
    #[schemars(range(min = 1.0, max = 1e12))]
    pub rotary_base: f64,
    /// How the two parts of a layer are added up; `parallel` needs rotary positions.
    #[serde(default)]
    pub residual: Residual,
    /// The activation function of an MLP.
    #[serde(default)]
    pub activation: Activation,
    /// What layer norm adds to the variance.
    #[serde(default = "epsilon")]
    #[schemars(range(min = 1e-12, max = 1e-2))]
    pub epsilon: f64,
    /// Whether the head that scores the next token is the token table; if not, it is a table of its own.
    #[serde(default = "tied")]
    pub tied: bool,
    /// The share of numbers dropped in training, after the embedding, in the attention's weights and after each part.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.99))]
    pub dropout: f64,
}

fn layers() -> u32 {
    6
}

fn width() -> u32 {
    384
}

fn heads() -> u32 {
    6
}

fn mlp() -> u32 {
    4
}

fn rotary_share() -> f64 {
    1.0
}

fn rotary_base() -> f64 {
    10_000.0
}

fn epsilon() -> f64 {
    1e-5
}

fn tied() -> bool {
    true
}

impl Default for Transformer {
    fn default() -> Self {
        Self {
            layers: layers(),
            width: width(),
            heads: heads(),
            mlp: mlp(),
            inner: None,
            positions: Positions::default(),
            rotary_share: rotary_share(),
            rotary_base: rotary_base(),
            residual: Residual::default(),
            activation: Activation::default(),
            epsilon: epsilon(),
            tied: tied(),
            dropout: 0.0,
        }
    }
}

/// How a transformer is told where a token stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// A learned vector for every place, added to the token's (GPT-2, and the paper).
    #[default]
    Learned,
    /// Queries and keys are turned by angles that grow with the place (Su et al. 2021, arXiv 2104.09864).
    Rotary,
}

/// How the parts of a layer are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Residual {
    /// The MLP reads what attention has added (GPT-2).
    #[default]
    Sequential,
    /// Both read the same state, and both are added to it (GPT-NeoX).
    Parallel,
}

/// The activation function of an MLP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// The Gaussian error linear unit in its tanh form (GPT-2).
    #[default]
    GeluTanh,
    /// The exact Gaussian error linear unit (GPT-NeoX).
    Gelu,
}

impl Transformer {
    /// Width of an MLP in numbers.
    #[must_use]
    pub fn inner_width(&self) -> usize {
        self.inner
            .map_or(self.width as usize * self.mlp as usize, |inner| {
                inner as usize
            })
    }

    /// What rotary positions turn; none with learned ones.
    #[must_use]
    pub fn rotary(&self) -> Option<Rotary> {
        let head = self.width / self.heads.max(1);
        (self.positions == Positions::Rotary).then(|| Rotary {
            turned: (f64::from(head) * self.rotary_share) as usize,
            base: self.rotary_base,
        })
    }
}

/// Standard deviation of the first weights.
const DEVIATION: f64 = 0.02;

impl Contract for Transformer {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let limits = [
            ("layers", self.layers, 256),
            ("width", self.width, 16_384),
            ("heads", self.heads, 1_024),
            ("mlp", self.mlp, 16),
        ];
        for (name, value, most) in limits {
            if !(1..=most).contains(&value) {
                problems.push((name, format!("{value} is not from 1 to {most}")));
            }
        }
        if !problems.is_empty() {
            return problems;
        }
        let mut add = |name, why| problems.push((name, why));
        let head = self.width / self.heads;
        if !self.width.is_multiple_of(self.heads) {
            let divides = |heads: &u32| self.width.is_multiple_of(*heads);
            let below = (1..self.heads).rev().find(divides);
            let above = (self.heads + 1..=self.width).find(divides);
            let near = below.into_iter().chain(above).map(|n| n.to_string());
            let near = near.collect::<Vec<_>>().join(" or ");
            let why = format!(
                "{} heads do not divide a width of {}; take {near}",
                self.heads, self.width
            );
            add("heads", why);
        } else if self.positions == Positions::Rotary
            && self.rotary_share == 1.0
            && !head.is_multiple_of(2)
        {
            let why = format!(
                "rotary positions turn pairs, but a width of {} over {} heads leaves heads of odd width {head}",
                self.width, self.heads,
            );
            add("positions", why);
        } else if let Some(Rotary { turned, .. }) = self.rotary()
            && (turned == 0 || turned > head as usize || !turned.is_multiple_of(2))
        {
            let why = format!(
                "rotary positions turn pairs, but a share of {} of heads of width {head} is {turned} numbers",
                self.rotary_share
            );
            add("rotary_share", why);
        }
        match self.inner {
            Some(inner) if !(1..=262_144).contains(&inner) => {
                add("inner", format!("{inner} is not from 1 to 262144"));
            }
            Some(_) if self.mlp != mlp() => {
                add("inner", "give `mlp` or `inner`, not both".to_owned());
            }
            _ => {}
        }
        if self.positions == Positions::Learned {
            for (name, value, usual) in [
                ("rotary_share", self.rotary_share, rotary_share()),
                ("rotary_base", self.rotary_base, rotary_base()),
            ] {
                if value != usual {
                    add(
                        name,
                        "only rotary positions turn; use `positions = \"rotary\"`".to_owned(),
                    );
                }
            }
            if self.residual == Residual::Parallel {
                let why = "`parallel` is GPT-NeoX's, whose positions are `rotary`".to_owned();
                add("residual", why);
            }
        }
        for (name, value, least, most) in [
            ("rotary_base", self.rotary_base, 1.0, 1e12),
            ("epsilon", self.epsilon, 1e-12, 1e-2),
            ("dropout", self.dropout, 0.0, 0.99),
        ] {
            if !(least..=most).contains(&value) {
                add(name, format!("{value} is not from {least} to {most}"));
            }
        }
        problems
    }

    fn width(&self) -> usize {
        self.width as usize
    }

    fn specification(&self, dimensions: Dimensions) -> Specification {
        let (width, inner) = (self.width as usize, self.inner_width());
        let mut all = Specification::new();
        let mut add = |name: String, shape: &[usize], initial| {
            all.insert(
                name,
                Weight {
                    shape: shape.to_vec(),
                    initial,
                },
            );
        };
        add(
            "tokens".to_owned(),
            &[dimensions.vocabulary, width],
            Initial::Normal(DEVIATION),
        );
        if self.positions == Positions::Learned {
            add(
                "positions".to_owned(),
                &[dimensions.length, width],
                Initial::Normal(DEVIATION),
            );
        }
        if !self.tied {
            add(
                "head".to_owned(),
                &[dimensions.vocabulary, width],
                Initial::Normal(DEVIATION),
            );
        }
        let mut norms = vec!["norm".to_owned()];
        for layer in 0..self.layers {
            norms.extend(["attention", "mlp"].map(|part| format!("layers.{layer:03}.{part}.norm")));
            for (part, from, to) in [
                ("attention.query", width, width),
                ("attention.key_value", width, 2 * width),
                ("attention.output", width, width),
                ("mlp.inner", width, inner),
                ("mlp.output", inner, width),
            ] {
                add(
                    format!("layers.{layer:03}.{part}.weight"),
                    &[from, to],
                    Initial::Normal(DEVIATION),
                );
                add(
                    format!("layers.{layer:03}.{part}.bias"),
                    &[to],
                    Initial::Constant(0.0),
                );
            }
        }
        for norm in norms {
            add(format!("{norm}.weight"), &[width], Initial::Constant(1.0));
            add(format!("{norm}.bias"), &[width], Initial::Constant(0.0));
        }
        all
    }

    fn pass(
        &self,
        dimensions: Dimensions,
        parameters: &Parameters,
    ) -> Result<Option<TransformerPass>> {
        if self.dropout > 0.0 {
            return Ok(None); // only the composed pass draws
        }
        let form = Form {
            layers: self.layers as usize,
            width: self.width as usize,
            heads: self.heads as usize,
            inner: self.inner_width(),
            length: dimensions.length,
            rotary: self.rotary(),
            parallel: self.residual == Residual::Parallel,
            exact: self.activation == Activation::Gelu,
            epsilon: self.epsilon as f32,
        };
        TransformerPass::new(form, parameters).map(Some)
    }

    fn assemble(&self, dimensions: Dimensions, parameters: &Parameters) -> Result<Box<dyn Model>> {
        let (width, inner) = (self.width as usize, self.inner_width());
        let norm = |name: &str| -> Result<Affine> {
            Ok(Affine {
                weight: parameters.get(&format!("{name}.weight"), &[width])?,
                bias: parameters.get(&format!("{name}.bias"), &[width])?,
            })
        };
        let table = |name: &str| parameters.get(name, &[dimensions.vocabulary, width]);
        let mut layers = Vec::with_capacity(self.layers as usize);
        for layer in 0..self.layers {
            let map = |part: &str, from: usize, to: usize| -> Result<Affine> {
                Ok(Affine {
                    weight: parameters
                        .get(&format!("layers.{layer:03}.{part}.weight"), &[from, to])?,
                    bias: parameters.get(&format!("layers.{layer:03}.{part}.bias"), &[to])?,
                })
            };
            layers.push(Layer {
                attention_norm: norm(&format!("layers.{layer:03}.attention.norm"))?,
                query: map("attention.query", width, width)?,
                key_value: map("attention.key_value", width, 2 * width)?,
                attention_output: map("attention.output", width, width)?,
                mlp_norm: norm(&format!("layers.{layer:03}.mlp.norm"))?,
                inner: map("mlp.inner", width, inner)?,
                mlp_output: map("mlp.output", inner, width)?,
            });
        }
        let positions = match self.positions {
            Positions::Learned => Some(parameters.get("positions", &[dimensions.length, width])?),
            Positions::Rotary => None,
        };
        Ok(Box::new(Assembled {
            shape: self.clone(),
            length: dimensions.length,
            tokens: table("tokens")?,
            head: table(if self.tied { "tokens" } else { "head" })?,
            positions,
            layers,
            norm: norm("norm")?,
        }))
    }
}

struct Affine {
    weight: Tensor,
    bias: Tensor,
}

impl Affine {
    fn map(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, &self.bias)
    }

    fn norm(&self, x: &Tensor, epsilon: f64) -> Result<Tensor> {
        layer_norm(x, &self.weight, &self.bias, epsilon)
    }
}

struct Layer {
    attention_norm: Affine,
    query: Affine,
    key_value: Affine,
    attention_output: Affine,
    mlp_norm: Affine,
    inner: Affine,
    mlp_output: Affine,
}

impl Layer {
    fn mlp(&self, x: &Tensor, shape: &Transformer) -> Result<Tensor> {
        let inner = self.inner.map(&self.mlp_norm.norm(x, shape.epsilon)?)?; // (batch, some, inner)
        let bent = match shape.activation {
            Activation::GeluTanh => gelu(&inner)?,
            Activation::Gelu => gelu_exact(&inner)?,
        };
        self.mlp_output.map(&bent)
    }
}

struct Assembled {
    shape: Transformer,
    length: usize,
    tokens: Tensor,            // (vocabulary, width)
    head: Tensor,              // (vocabulary, width), `tokens` where tied
    positions: Option<Tensor>, // (length, width); rotary where none
    layers: Vec<Layer>,
    norm: Affine,
}

/// How the last of `queries` (batch, some, width) attends to the keys, (batch, heads, known).
fn spread(
    queries: &Tensor,
    key_value: &Tensor,
    heads: usize,
    rotary: Option<Rotary>,
) -> Result<Tensor> {
    let last = queries.dim(1)? - 1;
    let query = queries.narrow(1, last, 1)?.contiguous()?;
    let seen = RefCell::new(None);
    attention_with(&query, key_value, heads, rotary, &|weights| {
        *seen.borrow_mut() = Some(weights.detach());
        Ok(weights)
    })?;
    let weights = seen.into_inner().expect("attention has weights"); // (batch, heads, 1, known)
    weights.squeeze(2)
}

impl Assembled {
    fn run(
        &self,
        tokens: &Tensor,
        keep: usize,
        mut state: Option<&mut State>,
        noise: Option<&DropoutRng>,
        mut inside: Option<&mut Inside>,
    ) -> Result<Tensor> {
        let share = self.shape.dropout;
        let drop = |x: Tensor| match noise {
            Some(noise) => noise.drop(x, share),
            None => Ok(x),
        };
        let (_, new) = tokens.dims2()?;
        let first = state.as_ref().map_or(0, |state| state.position);
        if first + new > self.length || keep == 0 || keep > new {
            bail!(
                "{new} tokens after {first}, {keep} kept, in a model of at most {}",
                self.length
            )
        }
        let mut x = embedding(&self.tokens, tokens)?;
        if let Some(positions) = &self.positions {
            x = x.broadcast_add(&positions.narrow(0, first, new)?)?; // (batch, new, width)
        }
        x = drop(x)?;
        if let Some(inside) = inside.as_deref_mut() {
            inside.leave(&x)?;
        }
        for (place, layer) in self.layers.iter().enumerate() {
            let mut normed = layer.attention_norm.norm(&x, self.shape.epsilon)?;
            let mut key_value = layer.key_value.map(&normed)?; // (batch, new, 2·width)
            if let Some(state) = state.as_deref_mut() {
                if state.layers.len() <= place {
                    state.layers.resize(place + 1, Vec::new());
                }
                let kept = &mut state.layers[place];
                if let Some(before) = kept.first() {
                    key_value = Tensor::cat(&[before, &key_value], 1)?; // (batch, first + new, 2·width)
                }
                *kept = vec![key_value.detach()];
            }
            if place + 1 == self.layers.len() && keep < new {
                normed = normed.narrow(1, new - keep, keep)?.contiguous()?; // (batch, keep, width)
                x = x.narrow(1, new - keep, keep)?.contiguous()?;
            }
            let queries = layer.query.map(&normed)?;
            let (heads, rotary) = (self.shape.heads as usize, self.shape.rotary());
            if let Some(inside) = inside.as_deref_mut() {
                let attention = spread(&queries, &key_value, heads, rotary)?;
                inside.attention.push(attention);
            }
            let mixed = match noise.filter(|_| share > 0.0) {
                Some(noise) => attention_with(&queries, &key_value, heads, rotary, &|weights| {
                    noise.drop(weights, share)
                })?,
                None => attention(&queries, &key_value, heads, rotary)?,
            };
            let attended = (&x + drop(layer.attention_output.map(&mixed)?)?)?; // (batch, keep or new, width)
            x = match self.shape.residual {
                Residual::Sequential => (&attended + drop(layer.mlp(&attended, &self.shape)?)?)?,
                Residual::Parallel => (attended + drop(layer.mlp(&x, &self.shape)?)?)?,
            };
            if let Some(inside) = inside.as_deref_mut() {
                inside.leave(&x)?;
            }
        }
        if let Some(state) = state {
            state.position += new;
        }
        self.norm.norm(&x, self.shape.epsilon) // (batch, keep, width)
    }
}

impl Model for Assembled {
    fn hidden(&self, tokens: &Tensor, keep: usize) -> Result<Tensor> {
        self.run(tokens, keep, None, None, None)
    }

    fn taught(&self, tokens: &Tensor, keep: usize, noise: &DropoutRng) -> Result<Tensor> {
        self.run(tokens, keep, None, Some(noise), None)
    }

    fn step(&self, tokens: &Tensor, state: &mut State) -> Result<Tensor> {
        Ok(self.run(tokens, 1, Some(state), None, None)?.detach())
    }

    fn inside(&self, tokens: &Tensor) -> Result<Inside> {
        let mut inside = Inside::default();
        self.run(tokens, 1, None, None, Some(&mut inside))?;
        Ok(inside)
    }

    fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        let (batch, some, width) = hidden.dims3()?;
        let rows = hidden.reshape((batch * some, width))?;
        rows.matmul(&self.head.t()?)?.reshape((batch, some, ())) // (batch, some, vocabulary)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    /// Small ones of every make.
    fn makes() -> Vec<Transformer> {
        let gpt_2 = Transformer {
            layers: 2,
            width: 12,
            heads: 3,
            mlp: 2,
            ..Transformer::default()
        };
        let rotary = Transformer {
            positions: Positions::Rotary,
            ..gpt_2.clone()
        };
        let gpt_neox = Transformer {
            mlp: mlp(),
            inner: Some(17),
            rotary_share: 0.5,
            rotary_base: 500.0,
            residual: Residual::Parallel,
            activation: Activation::Gelu,
            epsilon: 1e-3,
            tied: false,
            ..rotary.clone()
        };
        vec![gpt_2, rotary, gpt_neox]
    }

    #[test]
    fn reading_token_by_token_equals_reading_at_once() {
        for transformer in makes() {
            assert_eq!(transformer.problems(), []);
            let dimensions = Dimensions {
                vocabulary: 9,
                length: 10,
            };
            let mut specification = transformer.specification(dimensions);
            for weight in specification.values_mut() {
                weight.initial = Initial::Normal(0.5);
            }
            let parameters =
                Parameters::initialise(&specification, 3, DType::F64, &Device::Cpu).unwrap();
            let model = transformer.assemble(dimensions, &parameters).unwrap();
            let tokens: Vec<u32> = (0..20).map(|i| (i * i + 3) % 9).collect();
            let tokens = Tensor::from_vec(tokens, (2, 10), &Device::Cpu).unwrap();
            let whole = model.hidden(&tokens, 10).unwrap();
            let mut state = State::default();
            let mut read = 0;
            for new in [4, 1, 3, 1, 1] {
                let last = model
                    .step(&tokens.narrow(1, read, new).unwrap(), &mut state)
                    .unwrap();
                read += new;
                let apart = (whole.narrow(1, read - 1, 1).unwrap() - last)
                    .unwrap()
                    .abs()
                    .unwrap()
                    .max_all()
                    .unwrap();
                assert!(apart.to_scalar::<f64>().unwrap() < 1e-9);
            }
            assert!(
                model
                    .step(&tokens.narrow(1, 0, 1).unwrap(), &mut state)
                    .is_err(),
                "the model is full"
            );
            let trimmed = model.hidden(&tokens, 3).unwrap();
            let apart = (whole.narrow(1, 7, 3).unwrap() - trimmed)
                .unwrap()
                .abs()
                .unwrap()
                .max_all()
                .unwrap();
            assert!(apart.to_scalar::<f64>().unwrap() < 1e-9);
        }
    }

    /// How far apart the numbers of two tensors are at most.
    fn apart(one: &Tensor, other: &Tensor) -> f64 {
        let apart = (one - other).unwrap().abs().unwrap().max_all().unwrap();
        apart.to_scalar().unwrap()
    }

    #[test]
    fn what_is_seen_inside_is_what_the_model_computes_with() {
        for transformer in makes() {
            let dimensions = Dimensions {
                vocabulary: 9,
                length: 10,
            };
            let mut specification = transformer.specification(dimensions);
            for weight in specification.values_mut() {
                weight.initial = Initial::Normal(0.5);
            }
            let parameters =
                Parameters::initialise(&specification, 5, DType::F64, &Device::Cpu).unwrap();
            let get = |name: &str| {
                let shape = &specification[name].shape;
                parameters.get(name, shape).unwrap()
            };
            let model = transformer.assemble(dimensions, &parameters).unwrap();
            let tokens: Vec<u32> = (0..14).map(|i| (i * i + 2) % 9).collect();
            let tokens = Tensor::from_vec(tokens, (2, 7), &Device::Cpu).unwrap();
            let inside = model.inside(&tokens).unwrap();
            assert_eq!((inside.states.len(), inside.attention.len()), (3, 2));
            // The last state is the model's own, before the last norm.
            let norm = |x: &Tensor, name: &str| {
                let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
                layer_norm(x, &weight, &bias, transformer.epsilon).unwrap()
            };
            let hidden = model.hidden(&tokens, 1).unwrap().squeeze(1).unwrap();
            assert!(apart(&norm(&inside.states[2], "norm"), &hidden) < 1e-9);
            // Weights by values, through the first layer's own maps, are what its attention adds; checked where nothing
            // else is known of the other positions but their embeddings.
            let mut x = get("tokens")
                .index_select(&tokens.flatten_all().unwrap(), 0)
                .unwrap()
                .reshape((2, 7, 12))
                .unwrap();
            if transformer.positions == Positions::Learned {
                let positions = get("positions").narrow(0, 0, 7).unwrap();
                x = x.broadcast_add(&positions).unwrap();
            }
            assert!(
                apart(
                    &x.narrow(1, 6, 1).unwrap().squeeze(1).unwrap(),
                    &inside.states[0]
                ) < 1e-9
            );
            let normed = norm(&x, "layers.000.attention.norm");
            let map = |part: &str, x: &Tensor| {
                let name = format!("layers.000.attention.{part}");
                linear(
                    x,
                    &get(&format!("{name}.weight")),
                    &get(&format!("{name}.bias")),
                )
                .unwrap()
            };
            let key_value = map("key_value", &normed);
            let values = key_value
                .narrow(2, 12, 12)
                .unwrap()
                .reshape((2, 7, 3, 4))
                .unwrap();
            let values = values.transpose(1, 2).unwrap().contiguous().unwrap(); // (batch, heads, length, head)
            let weights = inside.attention[0].unsqueeze(2).unwrap(); // (batch, heads, 1, length)
            assert!(
                apart(
                    &weights.sum(3).unwrap(),
                    &Tensor::ones((2, 3, 1), DType::F64, &Device::Cpu).unwrap()
                ) < 1e-12
            );
            let mixed = weights
                .matmul(&values)
                .unwrap()
                .reshape((2, 1, 12))
                .unwrap();
            let fused =
                attention(&map("query", &normed), &key_value, 3, transformer.rotary()).unwrap();
            assert!(apart(&mixed, &fused.narrow(1, 6, 1).unwrap()) < 1e-9);
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        let odd = Transformer {
            width: 63,
            heads: 9,
            positions: Positions::Rotary,
            ..Transformer::default()
        };
        assert!(odd.problems()[0].1.contains("odd width 7"));
        assert!(
            Transformer {
                heads: 5,
                ..Transformer::default()
            }
            .problems()[0]
                .1
                .contains("do not divide")
        );
        assert!(
            !Transformer {
                heads: 0,
                ..Transformer::default()
            }
            .problems()
            .is_empty()
        );
        assert!(Transformer::default().problems().is_empty());
        let names = |transformer: Transformer| -> Vec<&'static str> {
            let problems = transformer.problems().into_iter();
            problems.map(|(name, _)| name).collect()
        };
        let learned = Transformer {
            mlp: 2,
            inner: Some(100),
            rotary_share: 0.5,
            residual: Residual::Parallel,
            epsilon: 0.0,
            dropout: f64::NAN,
            ..Transformer::default()
        };
        let expected = ["inner", "rotary_share", "residual", "epsilon", "dropout"];
        assert_eq!(names(learned), expected);
        for rotary_share in [0.0, 0.01, 3.0 / 64.0, 1.5, f64::NAN] {
            let rotary = Transformer {
                positions: Positions::Rotary,
                rotary_share,
                ..Transformer::default()
            };
            assert_eq!(names(rotary), ["rotary_share"], "{rotary_share}");
        }
    }

    #[test]
    fn a_transformer_is_written_in_kebab_case_with_the_published_defaults() {
        let read: super::super::Architecture =
            serde_json::from_str(r#"{"kind":"transformer","positions":"rotary"}"#).unwrap();
        let expected = Transformer {
            positions: Positions::Rotary,
            ..Transformer::default()
        };
        assert_eq!(read, super::super::Architecture::Transformer(expected));
        assert!(
            serde_json::from_str::<super::super::Architecture>(
                r#"{"kind":"transformer","depth":2}"#
            )
            .is_err()
        );
    }
}

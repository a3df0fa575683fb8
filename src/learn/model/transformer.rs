//! A decoder-only transformer after GPT-2 (Radford et al. 2019), as the paper trains it from scratch: layer norm before
//! each part, tanh-GELU, biases everywhere, no dropout, the head tied to the token table, weights begun from N(0, 0.02).
//!
//! Shapes: batch × length × width; a layer is
//! x ← x + W_o·attention(norm x), x ← x + W_2·gelu(W_1·norm x).
//! In the last layer only the kept positions need queries, an output projection and an MLP; the others are read as keys
//! and values alone.

use super::parameters::{Initial, Parameters, Specification, Weight};
use super::{Contract, Dimensions, Model, State};
use crate::learn::kernel::{attention, gelu, layer_norm, linear};
use candle_core::{Result, Tensor, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The size of a transformer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// How a token's place is told. The paper's are `learned`; small models find the solutions far sooner with `rotary`.
    #[serde(default)]
    pub positions: Positions,
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

impl Default for Transformer {
    fn default() -> Self {
        Self {
            layers: layers(),
            width: width(),
            heads: heads(),
            mlp: mlp(),
            positions: Positions::default(),
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
        if !self.width.is_multiple_of(self.heads) {
            problems.push((
                "heads",
                format!(
                    "{} heads do not divide a width of {}",
                    self.heads, self.width
                ),
            ));
        } else if self.positions == Positions::Rotary
            && !(self.width / self.heads).is_multiple_of(2)
        {
            let why = format!(
                "rotary positions turn pairs, but a width of {} over {} heads leaves heads of odd width {}",
                self.width,
                self.heads,
                self.width / self.heads
            );
            problems.push(("positions", why));
        }
        problems
    }

    fn width(&self) -> usize {
        self.width as usize
    }

    fn specification(&self, dimensions: Dimensions) -> Specification {
        let (width, inner) = (self.width as usize, (self.width * self.mlp) as usize);
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

    fn assemble(&self, dimensions: Dimensions, parameters: &Parameters) -> Result<Box<dyn Model>> {
        let (width, inner) = (self.width as usize, (self.width * self.mlp) as usize);
        let norm = |name: &str| -> Result<Affine> {
            Ok(Affine {
                weight: parameters.get(&format!("{name}.weight"), &[width])?,
                bias: parameters.get(&format!("{name}.bias"), &[width])?,
            })
        };
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
            tokens: parameters.get("tokens", &[dimensions.vocabulary, width])?,
            positions,
            heads: self.heads as usize,
            length: dimensions.length,
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

    fn norm(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(x, &self.weight, &self.bias)
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

struct Assembled {
    tokens: Tensor,            // (vocabulary, width), also the head
    positions: Option<Tensor>, // (length, width); rotary where none
    heads: usize,
    length: usize,
    layers: Vec<Layer>,
    norm: Affine,
}

impl Assembled {
    fn run(&self, tokens: &Tensor, keep: usize, mut state: Option<&mut State>) -> Result<Tensor> {
        let (batch, new) = tokens.dims2()?;
        let first = state.as_ref().map_or(0, |state| state.position);
        if first + new > self.length || keep == 0 || keep > new {
            bail!(
                "{new} tokens after {first}, {keep} kept, in a model of at most {}",
                self.length
            )
        }
        let width = self.tokens.dim(1)?;
        let mut x = self
            .tokens
            .index_select(&tokens.flatten_all()?, 0)?
            .reshape((batch, new, width))?;
        if let Some(positions) = &self.positions {
            x = x.broadcast_add(&positions.narrow(0, first, new)?)?; // (batch, new, width)
        }
        for (place, layer) in self.layers.iter().enumerate() {
            let mut normed = layer.attention_norm.norm(&x)?;
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
            let mixed = attention(
                &layer.query.map(&normed)?,
                &key_value,
                self.heads,
                self.positions.is_none(),
            )?;
            x = (x + layer.attention_output.map(&mixed)?)?;
            let inner = gelu(&layer.inner.map(&layer.mlp_norm.norm(&x)?)?)?; // (batch, keep or new, mlp·width)
            x = (x + layer.mlp_output.map(&inner)?)?;
        }
        if let Some(state) = state {
            state.position += new;
        }
        self.norm.norm(&x) // (batch, keep, width)
    }
}

impl Model for Assembled {
    fn hidden(&self, tokens: &Tensor, keep: usize) -> Result<Tensor> {
        self.run(tokens, keep, None)
    }

    fn step(&self, tokens: &Tensor, state: &mut State) -> Result<Tensor> {
        Ok(self.run(tokens, 1, Some(state))?.detach())
    }

    fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        let (batch, some, width) = hidden.dims3()?;
        let rows = hidden.reshape((batch * some, width))?;
        rows.matmul(&self.tokens.t()?)?.reshape((batch, some, ())) // (batch, some, vocabulary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn reading_token_by_token_equals_reading_at_once() {
        for positions in [Positions::Learned, Positions::Rotary] {
            let transformer = Transformer {
                layers: 2,
                width: 12,
                heads: 3,
                mlp: 2,
                positions,
            };
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

//! Models: sequences of tokens in, a hidden state for every position out.
//!
//! An [`Architecture`] is a choice and its parameters. It lists its weights by name and shape (a
//! [`parameters::Specification`]) and, given them, assembles a [`Model`]. A model predicts the next token from the
//! hidden state of a position; what is asked of those states is the objective's affair.

use candle_core::{Result, Tensor, bail};

pub mod checkpoint;
pub mod dropout;
pub mod mamba;
pub mod parameters;
pub mod pretrained;
pub mod shard;
pub mod transformer;
pub mod transformer_pass;

use dropout::DropoutRng;
use mamba::Mamba;
use parameters::{Parameters, Specification};
use pretrained::Pretrained;
use transformer::Transformer;
use transformer_pass::TransformerPass;

/// What an architecture must offer.
pub trait Contract {
    /// What is wrong with the parameters, one by one; empty where nothing is.
    fn problems(&self) -> Vec<(&'static str, String)>;

    /// Numbers in a hidden state.
    fn width(&self) -> usize;

    /// The weights, by name: shapes and first values.
    fn specification(&self, dimensions: Dimensions) -> Specification;

    /// The model over these weights, which it shares.
    ///
    /// # Errors
    /// A weight that is missing or of another shape than [`Contract::specification`] says.
    fn assemble(&self, dimensions: Dimensions, parameters: &Parameters) -> Result<Box<dyn Model>>;

    /// The same model as a hand-written pass for `f32` on the processor, where there is one for these parameters.
    ///
    /// # Errors
    /// As [`Contract::assemble`].
    fn pass(
        &self,
        dimensions: Dimensions,
        parameters: &Parameters,
    ) -> Result<Option<TransformerPass>> {
        let _ = (dimensions, parameters);
        Ok(None)
    }
}

roster! {
    /// An architecture and its parameters.
    pub enum Architecture: Contract {
        /// A decoder-only transformer, after GPT-2.
        Transformer(Transformer),
        /// A selective state space model: Mamba.
        Mamba(Mamba),
        /// A published model, its weights to start from and its vocabulary.
        Pretrained(Pretrained),
    }
}

/// What a model must be able to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimensions {
    /// How many tokens there are.
    pub vocabulary: usize,
    /// The longest sequence, in tokens.
    pub length: usize,
}

/// A causal model: position i sees the tokens up to and including i.
pub trait Model: Send + Sync {
    /// The hidden states of the last `keep` positions: `tokens` (batch, length) of `u32` to (batch, keep, width), through
    /// which gradients flow to every weight.
    ///
    /// # Errors
    /// Sequences longer than the model takes, tokens outside the vocabulary, or more kept than there are.
    fn hidden(&self, tokens: &Tensor, keep: usize) -> Result<Tensor>;

    /// [`Model::hidden`] as it is taught: `noise` decides what is dropped. By default nothing is.
    ///
    /// # Errors
    /// As [`Model::hidden`].
    fn taught(&self, tokens: &Tensor, keep: usize, noise: &DropoutRng) -> Result<Tensor> {
        let _ = noise;
        self.hidden(tokens, keep)
    }

    /// Reads `tokens` (batch, new) after what `state` has seen, to the hidden state of the last one, (batch, 1, width).
    /// Equal to [`Model::hidden`] over everything read, up to rounding; no gradients.
    ///
    /// # Errors
    /// As [`Model::hidden`].
    fn step(&self, tokens: &Tensor, state: &mut State) -> Result<Tensor>;

    /// What goes on inside while it reads `tokens` (batch, length), at the last position; no gradients.
    ///
    /// # Errors
    /// As [`Model::hidden`], or a model that cannot be looked into.
    fn inside(&self, tokens: &Tensor) -> Result<Inside> {
        let _ = tokens;
        bail!("this model cannot be looked into")
    }

    /// The scores of every token to come next: hidden states (batch, some, width) to (batch, some, vocabulary).
    ///
    /// # Errors
    /// Another width.
    fn logits(&self, hidden: &Tensor) -> Result<Tensor>;
}

/// What goes on inside a model at the last position that it reads.
#[derive(Debug, Clone, Default)]
pub struct Inside {
    /// What each layer leaves, from what the first one is given on, each (batch, width): layers + 1 of them, before the
    /// last norm.
    pub states: Vec<Tensor>,
    /// How the position's attention is spread over the positions up to it, layer by layer, each (batch, heads, length);
    /// empty where a model has none.
    pub attention: Vec<Tensor>,
}

impl Inside {
    /// Adds a state (batch, some, width) of which the last position counts.
    fn leave(&mut self, states: &Tensor) -> Result<()> {
        let last = states.dim(1)? - 1;
        let state = states.narrow(1, last, 1)?.squeeze(1)?;
        self.states.push(state.contiguous()?.detach());
        Ok(())
    }
}

/// What a model keeps of the tokens it has read: keys and values, or whatever an architecture needs.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// How many tokens were read.
    pub position: usize,
    /// What each layer keeps; empty before the first token.
    pub layers: Vec<Vec<Tensor>>,
}

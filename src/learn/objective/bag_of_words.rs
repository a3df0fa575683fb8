//! Future summaries in the form of a bag of words (Mahajan et al. 2025, arXiv 2510.14751): beside the next token, a
//! second head says of every token whether it comes later.
//!
//! loss = next-token + weight · mean over batch and i of Σ_v BCE(σ(A·h_i)\[v\], \[v is among r_{i+1} … r_l\]): the
//! cross-entropies of all tokens are summed, not averaged over the vocabulary, so that a wrong guess costs the same in
//! any vocabulary, and none is weighted by how rare its token is. At i = l nothing comes, and the head learns to say so.
//! A is dropped once taught: answers come from the model's own head, token by token.

use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, LossInputs, outside};
use crate::learn::kernel::{binary_cross_entropy, cross_entropy};
use crate::learn::model::parameters::{Initial, Specification, Weight};
use crate::learn::task::ExampleShape;

/// How much the bag of words counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BagOfWords {
    /// What the loss of the bag of words, summed over the vocabulary, is multiplied by.
    #[serde(default = "weight")]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub weight: f64,
}

fn weight() -> f64 {
    1.0
}

impl Default for BagOfWords {
    fn default() -> Self {
        Self { weight: weight() }
    }
}

const HEAD: &str = "objective.bag.weight";

/// The different tokens among some.
fn set(tokens: &[u32]) -> Vec<u32> {
    let mut set = tokens.to_vec();
    set.sort_unstable();
    set.dedup();
    set
}

impl Contract for BagOfWords {
    fn problems(&self, _: Option<usize>) -> Vec<(&'static str, String)> {
        outside("weight", self.weight, 1000.0)
    }

    fn specification(&self, width: usize, shape: ExampleShape) -> Specification {
        let head = Weight {
            shape: vec![width, shape.vocabulary as usize],
            initial: Initial::Normal(0.02),
        };
        Specification::from([(HEAD.to_owned(), head)])
    }

    fn loss(&self, lesson: &LossInputs<'_>) -> Result<Tensor> {
        let (rows, length, width) = lesson.hidden.dims3()?;
        let logits = lesson.model.logits(lesson.hidden)?; // (rows, l, vocabulary)
        let head = lesson.parameters.get(HEAD, &[width, logits.dim(2)?])?;
        let bag = lesson.hidden.reshape((rows * length, width))?;
        let bag = bag.matmul(&head)?; // (rows · l, vocabulary)
        let shares = lesson.shares(length);
        let later = lesson.labels.chunks_exact(length);
        let later = later
            .flat_map(|row| (1..=length).map(move |place| set(&row[place..])))
            .collect();
        let weighted = shares
            .iter()
            .map(|&share| (f64::from(share) * self.weight) as f32);
        let bag = binary_cross_entropy(&bag, later, weighted.collect())?;
        cross_entropy(&logits, lesson.labels, &shares)? + bag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bag_holds_each_token_once() {
        assert_eq!(set(&[4, 2, 4, 3]), [2, 3, 4]);
        assert!(set(&[]).is_empty());
    }
}

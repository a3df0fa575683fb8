//! Token-order prediction (Zuhri, Fuadi & Aji 2025, arXiv 2508.19228): beside the next token, a second head ranks the
//! tokens to come by how soon they come.
//!
//! At i a token v that comes next at distance d_v ≤ W from r_i (0 for r_i itself) scores W − d_v, every other −∞, and the
//! second head U′ is held against the softmax of the scores (ListNet, as in the paper's code):
//! loss = next-token + weight · mean over batch and i of −Σ_v softmax(W − d)\[v\]·log softmax(U′·h_i)\[v\].
//! W itself cancels in the softmax, so a window only cuts off what is too far, and each place further on divides a
//! token's probability by e. Tokens after r_l do not exist; r_i itself always comes, so no position is without a token.
//! The loss falls not to 0 but to the entropy of the softmaxed scores. U′ is dropped once taught: answers come from the
//! model's own head, token by token.

use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, LossInputs, outside};
use crate::learn::kernel::{cross_entropy, soft_cross_entropy};
use crate::learn::model::parameters::{Initial, Specification, Weight};
use crate::learn::task::ExampleShape;

/// How far ahead to rank, and how much it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenOrder {
    /// W: how many tokens after the next one are ranked too. Without it, all of the target: its length less 1, which is
    /// also the most there can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub window: Option<u32>,
    /// What the loss of the ranking is multiplied by; the paper's is 1.
    #[serde(default = "weight")]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub weight: f64,
}

fn weight() -> f64 {
    1.0
}

impl Default for TokenOrder {
    fn default() -> Self {
        Self {
            window: None,
            weight: weight(),
        }
    }
}

const HEAD: &str = "objective.order.weight";

/// How much less likely a token is than one that comes a place sooner.
const RATIO: f64 = 1.0 / std::f64::consts::E;

impl TokenOrder {
    /// The tokens to come, `first` the next one, and their probabilities; no token twice.
    fn ranking(&self, coming: &[u32]) -> Vec<(u32, f64)> {
        let seen = self.window.map_or(coming.len(), |window| {
            coming.len().min((window as usize).saturating_add(1))
        });
        let mut ranking: Vec<(u32, f64)> = Vec::with_capacity(seen);
        let (mut mass, mut total) = (1.0, 0.0);
        for &token in &coming[..seen] {
            if ranking.iter().all(|&(sooner, _)| sooner != token) {
                ranking.push((token, mass));
                total += mass;
            }
            mass *= RATIO;
        }
        ranking.iter_mut().for_each(|(_, mass)| *mass /= total);
        ranking
    }
}

impl Contract for TokenOrder {
    fn problems(&self, target_length: Option<usize>) -> Vec<(&'static str, String)> {
        let mut problems = outside("weight", self.weight, 1000.0);
        match (self.window, target_length) {
            (Some(0), _) => problems.push((
                "window",
                "0 tokens after the next leave nothing to rank; use at least 1".to_owned(),
            )),
            (Some(window), Some(length)) if window as usize >= length => problems.push((
                "window",
                format!(
                    "a window of {window} tokens reaches past targets of {length}; use at most {}",
                    length.saturating_sub(1)
                ),
            )),
            _ => {}
        }
        problems
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
        let scores = lesson.hidden.reshape((rows * length, width))?;
        let scores = scores.matmul(&head)?; // (rows · l, vocabulary)
        let shares = lesson.shares(length);
        let coming = lesson.labels.chunks_exact(length);
        let wanted = coming
            .flat_map(|row| (0..length).map(move |place| &row[place..]))
            .zip(&shares)
            .map(|(coming, &share)| {
                let share = f64::from(share) * self.weight;
                let ranking = self.ranking(coming).into_iter();
                ranking.map(move |(token, mass)| (token, (share * mass) as f32))
            })
            .collect();
        let order = soft_cross_entropy(&scores, wanted)?;
        cross_entropy(&logits, lesson.labels, &shares)? + order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sooner_tokens_are_likelier_and_each_counts_where_it_first_comes() {
        let e = std::f64::consts::E;
        let whole = TokenOrder::default().ranking(&[5, 6, 5, 7]);
        let total = 1.0 + e.powi(-1) + e.powi(-3);
        for ((token, mass), (expected, distance)) in whole.iter().zip([(5, 0), (6, 1), (7, 3)]) {
            assert_eq!(*token, expected);
            assert!((mass - e.powi(-distance) / total).abs() < 1e-15);
        }
        assert_eq!(whole.len(), 3);
        let near = TokenOrder {
            window: Some(1),
            ..TokenOrder::default()
        };
        let near = near.ranking(&[5, 6, 5, 7]);
        assert_eq!(
            near.iter().map(|&(token, _)| token).collect::<Vec<_>>(),
            [5, 6]
        );
        assert!((near[0].1 - e / (1.0 + e)).abs() < 1e-15);
        assert_eq!(TokenOrder::default().ranking(&[7]), [(7, 1.0)]);
    }

    #[test]
    fn windows_and_weights_that_make_no_sense_are_refused() {
        let param_errors = |window, weight| TokenOrder { window, weight }.problems(Some(4));
        assert!(param_errors(Some(3), 1.0).is_empty() && param_errors(None, 0.0).is_empty());
        assert!(param_errors(Some(4), 1.0)[0].1.contains("use at most 3"));
        assert!(param_errors(Some(0), 1.0)[0].1.contains("at least 1"));
        assert_eq!(param_errors(Some(9), f64::NAN).len(), 2);
    }
}

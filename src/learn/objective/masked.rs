//! Next-token prediction with holes: each target input is replaced by `$` with probability u, independently, and every
//! target token is still predicted, −log softmax(U·h_i)\[r_i\], averaged over batch and i.
//!
//! u is the same for all examples, or drawn for each from (0, 1) anew whenever it is taught. At u = 0 it is next-token
//! prediction, at u = 1 teacherless training; between them a token cannot always lean on the one before it. Answers are
//! written token by token with no token hidden, and forced accuracy shows all true tokens too.

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, outside};
use crate::learn::random;

/// How many tokens are hidden.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Masked {
    /// u, the probability that a target input is hidden, 0 to 1. Without it, drawn for each example, all equally likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub rate: Option<f64>,
}

impl Contract for Masked {
    fn problems(&self, _: Option<usize>) -> Vec<(&'static str, String)> {
        self.rate
            .map_or_else(Vec::new, |rate| outside("rate", rate, 1.0))
    }

    fn hide(&self, _: usize, inputs: &mut [u32], mask: u32, draws: &mut ChaCha8Rng) {
        let rate = self.rate.unwrap_or_else(|| random::uniform(draws));
        for input in inputs {
            if random::uniform(draws) < rate {
                *input = mask;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_hidden_at_the_rate_asked_or_at_any() {
        let share = |rate, seed| {
            let mut inputs = vec![1; 2000];
            let mut draws = random::stream(seed, "masked");
            Masked { rate }.hide(0, &mut inputs, 0, &mut draws);
            inputs.iter().filter(|&&input| input == 0).count() as f64 / 2000.0
        };
        assert_eq!(
            [Some(0.0), Some(1.0)].map(|rate| share(rate, 1)),
            [0.0, 1.0]
        );
        assert!((share(Some(0.3), 2) - 0.3).abs() < 0.05);
        let drawn: Vec<f64> = (0..200).map(|seed| share(None, seed)).collect();
        let mean = drawn.iter().sum::<f64>() / 200.0;
        assert!((mean - 0.5).abs() < 0.1, "{mean}");
        assert!(drawn.iter().any(|&share| share < 0.1) && drawn.iter().any(|&share| share > 0.9));
    }
}

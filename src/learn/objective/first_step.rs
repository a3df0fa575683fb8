//! Only the first step is taught: the indecipherable token (section 4 of the paper) without the rest of the answer.
//!
//! With r_1 … r_l in natural order: −log softmax(U·h)\[r_2\], where h has read p, r_1, averaged over the batch. It asks
//! whether a model can find the first step at all, with no later token to lean on and none to learn from.
//!
//! With a hint the answer is taught in the order r_3 … r_l, r_1, r_2, and of it only the last token: the same loss, where
//! h has read p, r_3 … r_l, r_1. Given the rest of the arm, the first step is but the parent of the token after it.
//!
//! An answer of one token that is filled up with the mask, as an edge of the in-weights task is, has no second token; of it
//! the one it has is taught. Or nothing would be known of the graph whose paths are asked for.
//!
//! What to look at is the forced accuracy at position 2. Answers are written token by token like any other (with a hint
//! in the order above, since there is nothing to hint with but what was itself written) and put back into their natural
//! order. No other token is taught, so exact match and forced accuracy elsewhere say only what came along by itself.

use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, LossInputs, Order};
use crate::learn::kernel::cross_entropy;

/// Whether the rest of the answer is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstStep {
    /// Whether the model sees the rest of the answer, from the third token to the goal, before it is asked for the second.
    #[serde(default)]
    pub hint: bool,
}

/// The place in the natural target of the token that is taught, from 0.
const STEP: usize = 1;

impl Contract for FirstStep {
    fn problems(&self, target_length: Option<usize>) -> Vec<(&'static str, String)> {
        let least = if self.hint { 3 } else { 2 };
        match target_length {
            Some(length) if length < least => vec![(
                if self.hint { "hint" } else { "kind" },
                format!(
                    "targets of {length} tokens have no {} token; use at least {least}",
                    if self.hint { "third" } else { "second" }
                ),
            )],
            _ => Vec::new(),
        }
    }

    fn picks_by_place(&self) -> bool {
        true
    }

    fn order(&self) -> Order {
        if self.hint {
            Order::StepLast
        } else {
            Order::Natural
        }
    }

    fn loss(&self, lesson: &LossInputs<'_>) -> Result<Tensor> {
        let (rows, length, width) = lesson.hidden.dims3()?;
        let places = self.places(lesson.labels, length, lesson.mask);
        let labels: Vec<u32> = places
            .iter()
            .map(|&at| lesson.labels[at as usize])
            .collect();
        let places = Tensor::new(places, lesson.hidden.device())?;
        let hidden = lesson.hidden.reshape((rows * length, width))?;
        let hidden = hidden.index_select(&places, 0)?.unsqueeze(1)?; // (rows, 1, width)
        cross_entropy(&lesson.model.logits(&hidden)?, &labels, lesson.weights)
    }
}

impl FirstStep {
    /// Where the token that is taught stands among the labels of each row, (rows, l).
    fn places(&self, labels: &[u32], length: usize, mask: u32) -> Vec<u32> {
        let [first, step] = [0, STEP].map(|place| self.order().taught(place, length));
        let rows = labels.chunks_exact(length).enumerate();
        rows.map(|(row, labels)| {
            let place = if labels[step] == mask { first } else { step };
            (row * length + place) as u32
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_one_token_is_taught_by_that() {
        // A path, and an edge that is filled up: r_1 r_2 r_3, or with a hint r_3 r_1 r_2.
        let mask = 9;
        let natural = FirstStep { hint: false };
        assert_eq!(natural.places(&[4, 5, 6, 3, 9, 9], 3, mask), [1, 3]);
        let hinted = FirstStep { hint: true };
        assert_eq!(hinted.places(&[6, 4, 5, 9, 3, 9], 3, mask), [2, 4]);
    }

    #[test]
    fn a_target_without_a_first_step_is_refused() {
        let param_errors = |hint, length| FirstStep { hint }.problems(length);
        assert!(param_errors(false, None).is_empty() && param_errors(true, Some(3)).is_empty());
        assert!(
            param_errors(false, Some(1))[0]
                .1
                .contains("no second token")
        );
        assert!(param_errors(true, Some(2))[0].1.contains("no third token"));
    }
}

//! Only the first step is taught: the indecipherable token (section 4 of the paper) without the rest of the answer.
//!
//! With r_1 … r_l in natural order: −log softmax(U·h)\[r_2\], where h has read p, r_1, averaged over the batch. It asks
//! whether a model can find the first step at all, with no later token to lean on and none to learn from.
//!
//! With a hint the answer is taught in the order r_3 … r_l, r_1, r_2, and of it only the last token: the same loss, where
//! h has read p, r_3 … r_l, r_1. Given the rest of the arm, the first step is but the parent of the token after it.
//!
//! What to look at is the forced accuracy at position 2. Answers are written token by token like any other (with a hint
//! in the order above, since there is nothing to hint with but what was itself written) and put back into their natural
//! order. No other token is taught, so exact match and forced accuracy elsewhere say only what came along by itself.

use super::{Contract, Lesson, Order};
use crate::learn::kernel::cross_entropy;
use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

    fn loss(&self, lesson: &Lesson<'_>) -> Result<Tensor> {
        let length = lesson.hidden.dim(1)?;
        let place = self.order().taught(STEP, length);
        let hidden = lesson.hidden.narrow(1, place, 1)?.contiguous()?; // (rows, 1, width)
        let labels: Vec<u32> = lesson
            .labels
            .chunks_exact(length)
            .map(|row| row[place])
            .collect();
        cross_entropy(&lesson.model.logits(&hidden)?, &labels, lesson.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_a_first_step_is_refused() {
        let complaints = |hint, length| FirstStep { hint }.problems(length);
        assert!(complaints(false, None).is_empty() && complaints(true, Some(3)).is_empty());
        assert!(complaints(false, Some(1))[0].1.contains("no second token"));
        assert!(complaints(true, Some(2))[0].1.contains("no third token"));
    }
}

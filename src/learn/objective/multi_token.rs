//! Multi-token prediction (Gloeckle et al. 2024, arXiv 2404.19737), with linear heads.
//!
//! Beside the next token, head k = 1, 2, … predicts the one k further on, r_{i+k}, from h_i through a linear map and the
//! shared output table: loss = Σ_k mean over batch and i ≤ l − k of −log softmax(U(A_k·h_i + a_k))\[r_{i+k}\], where
//! head 0 is the model's own. Gloeckle et al. give every head a transformer layer instead of A_k. Answers come from
//! head 0 alone.

use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, LossInputs};
use crate::learn::kernel::{cross_entropy, linear};
use crate::learn::model::parameters::{Initial, Specification, Weight};
use crate::learn::task::ExampleShape;

/// How far ahead to predict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiToken {
    /// Heads beside the next token's: how many tokens further on are predicted too. Without it, all of the target: its
    /// length less 1, which is also the most there can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub heads: Option<u32>,
}

/// The most heads there may be.
const MOST_HEADS: usize = 999;

impl MultiToken {
    fn count(&self, target_length: usize) -> usize {
        self.heads
            .map_or(target_length.saturating_sub(1), |heads| heads as usize)
    }
}

impl Contract for MultiToken {
    fn problems(&self, target_length: Option<usize>) -> Vec<(&'static str, String)> {
        match (self.heads, target_length) {
            _ if target_length.is_some_and(|length| self.count(length) > MOST_HEADS) => vec![(
                "heads",
                format!("more than {MOST_HEADS} heads; give `heads` to predict fewer tokens ahead"),
            )],
            (Some(0), _) => vec![(
                "heads",
                "0 heads ahead is `next-token`; use at least 1".to_owned(),
            )],
            (Some(heads), Some(length)) if heads as usize >= length => {
                let most = length.saturating_sub(1);
                vec![(
                    "heads",
                    format!(
                        "{heads} heads ahead reach past targets of {length} tokens; use at most {most}"
                    ),
                )]
            }
            _ => Vec::new(),
        }
    }

    fn specification(&self, width: usize, shape: ExampleShape) -> Specification {
        let mut all = Specification::new();
        for head in 1..=self.count(shape.target_length) {
            let weight = Weight {
                shape: vec![width, width],
                initial: Initial::Normal(0.02),
            };
            all.insert(format!("objective.heads.{head:03}.weight"), weight);
            let bias = Weight {
                shape: vec![width],
                initial: Initial::Constant(0.0),
            };
            all.insert(format!("objective.heads.{head:03}.bias"), bias);
        }
        all
    }

    fn loss(&self, lesson: &LossInputs<'_>) -> Result<Tensor> {
        let (_, length, width) = lesson.hidden.dims3()?;
        let mut loss = cross_entropy(
            &lesson.model.logits(lesson.hidden)?,
            lesson.labels,
            &lesson.shares(length),
        )?;
        for head in 1..=self.count(length) {
            let weight = lesson.parameters.get(
                &format!("objective.heads.{head:03}.weight"),
                &[width, width],
            )?;
            let bias = lesson
                .parameters
                .get(&format!("objective.heads.{head:03}.bias"), &[width])?;
            let from = lesson.hidden.narrow(1, 0, length - head)?.contiguous()?; // (rows, l − k, width)
            let labels: Vec<u32> = lesson
                .labels
                .chunks_exact(length)
                .flat_map(|row| row[head..].iter().copied())
                .collect();
            let ahead = lesson.model.logits(&linear(&from, &weight, &bias)?)?;
            loss = (loss + cross_entropy(&ahead, &labels, &lesson.shares(length - head))?)?;
        }
        Ok(loss)
    }
}

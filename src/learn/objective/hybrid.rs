//! Next-token prediction and teacherless training at once, through the same weights: (1 − w)·L_next + w·L_teacherless.
//!
//! Each example is taught in two rows, one with the true target tokens as inputs, one with `$` in the place of all, and
//! both count towards the loss by their share, so that a batch costs twice what it costs elsewhere. Answers are written
//! token by token, as for next-token prediction; forced accuracy is that of the row with the true tokens.

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, outside};

/// How the two losses are mixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hybrid {
    /// w, the share of the teacherless loss, 0 to 1; the next-token loss has the rest.
    #[serde(default = "weight")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight: f64,
}

fn weight() -> f64 {
    0.5
}

impl Default for Hybrid {
    fn default() -> Self {
        Self { weight: weight() }
    }
}

impl Contract for Hybrid {
    fn problems(&self, _: Option<usize>) -> Vec<(&'static str, String)> {
        outside("weight", self.weight, 1.0)
    }

    fn rows(&self) -> Vec<f64> {
        vec![1.0 - self.weight, self.weight]
    }

    fn hide(&self, row: usize, inputs: &mut [u32], mask: u32, _: &mut ChaCha8Rng) {
        if row == 1 {
            inputs.fill(mask);
        }
    }
}

//! Next-token prediction with teacher forcing: −log p(r_i | p, r_1 … r_{i−1}), averaged over batch and i.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Contract;

/// Next-token prediction has no parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextToken {}

impl Contract for NextToken {}

//! Next-token prediction of the target written backwards, from the goal to the start: each token is then the parent of
//! the one before it, so there is nothing to plan. Answers are put back into their natural order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, Order};

/// The reversed objective has no parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reversed {}

impl Contract for Reversed {
    fn order(&self) -> Order {
        Order::Reversed
    }
}

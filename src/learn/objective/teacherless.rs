//! Teacherless training (section 5 of the paper, after Monea et al. 2023): the inputs after the prefix are all `$`, so no
//! later token can lean on the true ones before it; the answer is written in one parallel pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answering, Contract};

/// Teacherless training has no parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Teacherless {}

impl Contract for Teacherless {
    fn answers(&self) -> Answering {
        Answering::Parallel
    }
}

//! What a stage says of its jobs beside their work: how often to try, and how long to keep what they leave. Never part of a
//! result's identity.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of end a job that left nothing came to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It took more memory than it may, or the system had none left.
    Oom,
    /// Its process died, or it panicked.
    Crash,
    /// It ran longer than it may.
    Time,
    /// It said itself that it cannot be done.
    Error,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Oom => "out of memory",
            Cause::Crash => "crashed",
            Cause::Time => "out of time",
            Cause::Error => "failed by themselves",
        })
    }
}

/// `retry = { max = 2, on = ["oom", "crash"], grow = { memory = 1.5 } }`: what to do when a job fails. An attempt goes on
/// from what the one before it saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How many more attempts there may be.
    #[schemars(range(min = 0, max = 100))]
    pub max: u32,
    /// After which ends; `error` is one that the job itself told, and will mostly tell again.
    #[serde(default = "Retry::accidents")]
    pub on: Vec<Cause>,
    /// By how much each attempt may take more than the one before it.
    #[serde(default)]
    pub grow: Grow,
}

/// Factors by which the limits of a job grow from attempt to attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grow {
    /// Of its memory, after it ran out of it.
    #[serde(default = "Grow::not")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub memory: f64,
    /// Of its time, after it ran out of it.
    #[serde(default = "Grow::not")]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub time: f64,
}

impl Grow {
    fn not() -> f64 {
        1.0
    }
}

impl Default for Grow {
    fn default() -> Grow {
        Grow {
            memory: Grow::not(),
            time: Grow::not(),
        }
    }
}

impl Retry {
    fn accidents() -> Vec<Cause> {
        vec![Cause::Oom, Cause::Crash, Cause::Time]
    }
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            max: 0,
            on: Retry::accidents(),
            grow: Grow::default(),
        }
    }
}

/// `keep = "until-used"`: how long the artifacts of a stage stay in the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Until they are collected as garbage.
    #[default]
    Always,
    /// Until all that read them are done; their bytes go, and are made again if something needs them.
    UntilUsed,
}

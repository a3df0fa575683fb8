//! What a stage says of its jobs beside their work: how often to try, and how long to keep what they leave. Never part of a
//! result's identity.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::contract::{Device, Kind, schema_of};
use super::parameters;
use super::problem::{Problem, Problems};
use super::resources::{Asked, Resources};
use super::value::{Key, Value};

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
            Self::Oom => "out of memory",
            Self::Crash => "crashed",
            Self::Time => "out of time",
            Self::Error => "with an error",
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
    fn default() -> Self {
        Self {
            memory: Self::not(),
            time: Self::not(),
        }
    }
}

impl Retry {
    fn accidents() -> Vec<Cause> {
        vec![Cause::Oom, Cause::Crash, Cause::Time]
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max: 0,
            on: Self::accidents(),
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

/// What a stage says of its jobs beside their parameters.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What it takes of the machine.
    pub resources: Resources,
    /// Where it computes.
    pub device: Device,
    /// What to do when it fails.
    pub retry: Arc<Retry>,
    /// How long its artifact stays.
    pub keep: Keep,
}

impl Policy {
    /// What holds for a kind unless the file says otherwise.
    pub fn of(kind: &Kind) -> Self {
        Self {
            resources: kind.resources,
            device: Device::Auto,
            retry: Arc::default(),
            keep: Keep::Always,
        }
    }

    /// Reads one key of a stage, unless it is none of the policy: those are parameters.
    pub fn read(
        &mut self,
        policies: &Policies,
        kind: &Kind,
        key: &Key,
        value: &Value,
        problems: &mut Problems,
    ) -> bool {
        match key.name.as_str() {
            "resources" => {
                let Some(asked) = read(&policies.resources, "resources", value, problems) else {
                    return true;
                };
                match Asked::over(&asked, kind.resources) {
                    Ok(resources) => self.resources = resources,
                    Err((key, message)) => {
                        let at = value.get(key).unwrap_or(value);
                        problems.push(Problem::at(&at.span, message));
                    }
                }
            }
            "device" if kind.uses_device => {
                let device = read(&policies.device, "device", value, problems);
                self.device = device.unwrap_or_default();
            }
            "retry" => {
                let retry: Option<Retry> = read(&policies.retry, "retry", value, problems);
                self.retry = Arc::new(retry.unwrap_or_default());
            }
            "keep" => {
                let keep = read(&policies.keep, "keep", value, problems);
                self.keep = keep.unwrap_or_default();
            }
            _ => return false,
        }
        true
    }
}

/// A value of the policy; `None` if it has a problem.
fn read<T: DeserializeOwned>(
    schema: &Json,
    what: &str,
    value: &Value,
    problems: &mut Problems,
) -> Option<T> {
    let mut own = Problems::default();
    let json = parameters::check(schema, value, what, &mut own);
    if !own.is_empty() {
        problems.extend(own.into_sorted());
        return None;
    }
    serde_json::from_value(json).ok()
}

/// The schemas of what a policy may say.
pub struct Policies {
    resources: Json,
    device: Json,
    retry: Json,
    keep: Json,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            resources: schema_of::<Asked>(),
            device: schema_of::<Device>(),
            retry: schema_of::<Retry>(),
            keep: schema_of::<Keep>(),
        }
    }
}

impl Policies {
    /// The keys that may stand beside the parameters of a kind.
    pub fn beside(kind: &Kind) -> impl Iterator<Item = &'static str> {
        let device = kind.uses_device.then_some("device");
        ["per", "resources", "retry", "keep"]
            .into_iter()
            .chain(device)
    }
}

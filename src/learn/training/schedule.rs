//! Schedules: how the learning rate changes over a training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::Problem;

/// A schedule and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Schedule {
    /// Rise in a straight line, then stay. What the released code comes to: its cosine counts examples, not steps.
    Constant(Constant),
    /// Rise in a straight line, then fall along half a cosine until the last step.
    Cosine(Falling),
    /// Rise in a straight line, then fall in another until the last step.
    Linear(Falling),
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant(Constant::default())
    }
}

/// A constant rate after a warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// Steps over which the rate rises.
    #[serde(default = "warmup")]
    pub warmup: u64,
}

/// A rate that falls to the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Falling {
    /// Steps over which the rate rises.
    #[serde(default = "warmup")]
    pub warmup: u64,
    /// Share of the full rate that is left at the last step.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub floor: f64,
}

fn warmup() -> u64 {
    100
}

impl Default for Constant {
    fn default() -> Self {
        Self { warmup: warmup() }
    }
}

impl Schedule {
    /// What is wrong with it; empty where nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Cosine(Falling { floor, .. }) | Self::Linear(Falling { floor, .. })
                if !(0.0..=1.0).contains(floor) =>
            {
                vec![(
                    "floor".to_owned(),
                    format!("{floor} is not a share from 0 to 1"),
                )]
            }
            _ => Vec::new(),
        }
    }

    /// The share of the full rate at `step`, counted from 1, of `steps`.
    #[must_use]
    pub fn share(&self, step: u64, steps: u64) -> f64 {
        let (Self::Constant(Constant { warmup })
        | Self::Cosine(Falling { warmup, .. })
        | Self::Linear(Falling { warmup, .. })) = self;
        if step < *warmup {
            return step as f64 / *warmup as f64;
        }
        let done = (step - warmup) as f64 / (steps.saturating_sub(*warmup)).max(1) as f64;
        let done = done.min(1.0);
        match self {
            Self::Constant(_) => 1.0,
            Self::Cosine(Falling { floor, .. }) => {
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Self::Linear(Falling { floor, .. }) => floor + (1.0 - floor) * (1.0 - done),
        }
    }

    /// Whether the share at a step is the same however many follow.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_rises_and_then_stays_or_falls_to_its_floor() {
        let constant = Schedule::Constant(Constant { warmup: 4 });
        assert_eq!(
            [1, 2, 4, 100].map(|step| constant.share(step, 100)),
            [0.25, 0.5, 1.0, 1.0]
        );
        let linear = Schedule::Linear(Falling {
            warmup: 2,
            floor: 0.5,
        });
        assert_eq!(
            [1, 2, 6, 10].map(|step| linear.share(step, 10)),
            [0.5, 1.0, 0.75, 0.5]
        );
        assert!(constant.is_endless() && !linear.is_endless());
        let cosine = Schedule::Cosine(Falling {
            warmup: 0,
            floor: 0.1,
        });
        assert!((cosine.share(50, 100) - 0.55).abs() < 1e-12);
        assert!((cosine.share(100, 100) - 0.1).abs() < 1e-12);
        assert_eq!(Schedule::Constant(Constant { warmup: 0 }).share(1, 1), 1.0);
    }
}

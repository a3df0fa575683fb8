//! How often a job is tried, and what it may take each time.

use std::collections::BTreeMap;

use super::Capacity;
use crate::pipeline::{Cause, Device, Resources};
use crate::plan::{JobId, Plan};

/// What attempts at jobs took so far.
#[derive(Default)]
pub(super) struct Retries {
    tried: BTreeMap<JobId, Tried>,
}

struct Tried {
    failed: u32,
    /// What the next attempt may take.
    next: Resources,
}

impl Retries {
    /// What a job takes: never more cores than there are nor an estimate of more memory, and a card where it would use one.
    pub fn resources(&self, plan: &Plan, capacity: &Capacity, id: JobId) -> Resources {
        let instance = plan.instance(id);
        let grown = self.tried.get(&id).map(|tried| tried.next);
        let mut resources = grown.unwrap_or(instance.resources);
        resources.cores = resources
            .cores
            .min(capacity.cores)
            .min(capacity.cores_per_job)
            .max(1);
        // What is a mere estimate keeps no job from a small machine.
        if !resources.limited {
            let most = capacity.memory.min(capacity.memory_per_job);
            resources.memory = resources.memory.min(most);
        }
        let kind = plan.kind(id);
        let wants_card = match instance.device {
            Device::Auto => kind.takes_card,
            Device::Cuda => kind.uses_device,
            Device::Cpu => false,
        };
        if wants_card && capacity.cards.is_any() {
            resources.gpu = resources.gpu.max(1);
        }
        resources
    }

    /// The number of the next attempt after one that ended so and took that, and of how many; nothing where it was the last.
    pub fn again(
        &mut self,
        plan: &Plan,
        capacity: &Capacity,
        (id, cause): (JobId, Cause),
        taken: &Resources,
    ) -> Option<(u32, u32)> {
        let retry = &plan.instance(id).retry;
        let failed = self.tried.get(&id).map_or(0, |tried| tried.failed);
        if failed >= retry.max || !retry.on.contains(&cause) {
            return None;
        }
        let mut next = *taken;
        match cause {
            Cause::Oom => {
                let grown = (next.memory as f64 * retry.grow.memory) as u64;
                next.memory = grown.min(capacity.memory).min(capacity.memory_per_job);
            }
            Cause::Time => {
                let grown = |time: u64| (time as f64 * retry.grow.time) as u64;
                next.time = next.time.map(grown);
            }
            Cause::Crash | Cause::Error => {}
        }
        let failed = failed + 1;
        self.tried.insert(id, Tried { failed, next });
        Some((failed + 1, retry.max + 1))
    }
}

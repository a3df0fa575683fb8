//! Which job starts next: those that can run wait by what they take of the machine, in the order that helps people.

use std::collections::{BTreeMap, BTreeSet};

use super::order::Rank;
use super::{Capacity, Slots};
use crate::pipeline::Resources;
use crate::plan::JobId;

/// How often the first that waits is bypassed by others, until room is kept for it.
const PATIENCE: u32 = 8;

/// What a job takes of the machine: cores, memory, cards. Those that take the same wait in one queue.
type Need = (u32, u64, u32);

fn need(resources: &Resources) -> Need {
    (resources.cores, resources.memory, resources.gpu)
}

/// The jobs that wait for room, and those that have it.
pub(super) struct Queue {
    /// Jobs that became ready and wait in no queue yet.
    newly_ready: Vec<JobId>,
    waiting: BTreeMap<Need, BTreeSet<(Rank, JobId)>>,
    /// The queue and the rank of each job that waits.
    places: BTreeMap<JobId, (Need, Rank)>,
    /// The first of all that wait, and how often it was bypassed.
    bypassed: (JobId, u32),
    running: BTreeMap<JobId, (Resources, Vec<usize>)>,
    slots: Slots,
}

impl Queue {
    pub fn new(capacity: &Capacity) -> Self {
        Self {
            newly_ready: Vec::new(),
            waiting: BTreeMap::new(),
            places: BTreeMap::new(),
            bypassed: (0, 0),
            running: BTreeMap::new(),
            slots: Slots::of(capacity),
        }
    }

    /// A job can run.
    pub fn push(&mut self, id: JobId) {
        self.newly_ready.push(id);
    }

    /// The jobs that became ready since this was last asked.
    pub fn take_new(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.newly_ready)
    }

    /// Lets a job wait with those that take the same.
    pub fn wait(&mut self, id: JobId, resources: &Resources, rank: Rank) {
        let need = need(resources);
        self.places.insert(id, (need, rank));
        self.waiting.entry(need).or_default().insert((rank, id));
    }

    /// A job that cannot run now after all waits no more.
    pub fn remove(&mut self, id: JobId) {
        if let Some((need, rank)) = self.places.remove(&id)
            && let Some(queue) = self.waiting.get_mut(&need)
        {
            queue.remove(&(rank, id));
        }
        self.newly_ready.retain(|new| *new != id);
    }

    /// The next job for which there is room, which waits no more. The first of all comes before the others; one that does not
    /// fit lets others pass, but not for ever.
    pub fn next(&mut self) -> Option<JobId> {
        let heads = self.waiting.iter();
        let heads = heads.filter_map(|(need, queue)| Some((*queue.first()?, *need)));
        let mut heads: Vec<((Rank, JobId), Need)> = heads.collect();
        heads.sort_unstable();
        let ((_, first), _) = *heads.first()?;
        let fits = heads.iter().find(|(_, need)| self.slots.fits(*need));
        let ((_, next), _) = *fits?;
        if first != next {
            if self.bypassed.0 != first {
                self.bypassed = (first, 0);
            }
            if self.bypassed.1 >= PATIENCE {
                return None;
            }
            self.bypassed.1 += 1;
        }
        self.remove(next);
        Some(next)
    }

    /// Gives a job its place on the machine, which must have room: the places of its cards.
    pub fn start(&mut self, id: JobId, resources: Resources) -> Vec<usize> {
        let cards = self.slots.take(&resources);
        self.running.insert(id, (resources, cards.clone()));
        cards
    }

    /// A job ended: what it took is free.
    pub fn end(&mut self, id: JobId) -> Resources {
        let taken = self.running.remove(&id);
        let (resources, cards) = taken.expect("only a running job ends");
        self.slots.give_back(&resources, &cards);
        resources
    }

    /// Whether no job runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cards;
    use super::*;

    fn resources(cores: u32) -> Resources {
        Resources {
            cores,
            memory: 0,
            ..Resources::default()
        }
    }

    #[test]
    fn a_job_that_does_not_fit_is_bypassed_but_not_for_ever() {
        let capacity = Capacity {
            cores: 2,
            cores_per_job: 2,
            memory: 0,
            memory_per_job: 0,
            cards: Cards::Unknown,
            jobs: u32::MAX,
        };
        let mut queue = Queue::new(&capacity);
        queue.wait(0, &resources(1), Rank::default());
        assert_eq!(queue.next(), Some(0));
        queue.start(0, resources(1));
        // The wide one is the first of all that wait.
        queue.wait(1, &resources(2), Rank::default());
        for id in 2..100 {
            queue.wait(id, &resources(1), Rank::default());
        }
        let mut passed = 0;
        while let Some(id) = queue.next() {
            assert_ne!(id, 1);
            queue.start(id, resources(1));
            queue.end(id);
            passed += 1;
        }
        assert_eq!(passed, PATIENCE);
        queue.end(0);
        assert_eq!(queue.next(), Some(1));
    }

    #[test]
    fn a_job_that_is_removed_does_not_come() {
        let capacity = Capacity {
            cores: 1,
            cores_per_job: 1,
            memory: 0,
            memory_per_job: 0,
            cards: Cards::Unknown,
            jobs: u32::MAX,
        };
        let mut queue = Queue::new(&capacity);
        queue.push(7);
        queue.wait(8, &resources(1), Rank::default());
        queue.remove(7);
        queue.remove(8);
        assert!(queue.take_new().is_empty());
        assert_eq!(queue.next(), None);
        assert!(queue.is_idle());
    }
}

//! What is free of the machine: cores, memory, and cards by their place.

use super::{Capacity, Cards};
use crate::pipeline::Resources;

/// What no job holds.
pub(super) struct Slots {
    cores: u32,
    memory: u64,
    /// Which cards are free, by place in the list; nothing where a job has as many as it asks for.
    cards: Option<Vec<bool>>,
    /// How many more jobs there may be.
    jobs: u32,
}

impl Slots {
    pub fn of(capacity: &Capacity) -> Self {
        Self {
            cores: capacity.cores,
            memory: capacity.memory,
            cards: match &capacity.cards {
                Cards::Any => None,
                cards => Some(vec![true; cards.named().len()]),
            },
            jobs: capacity.jobs,
        }
    }

    /// Whether there is room for so many cores, so much memory, so many cards.
    pub fn fits(&self, (cores, memory, cards): (u32, u64, u32)) -> bool {
        let free = |all: &Vec<bool>| all.iter().filter(|free| **free).count();
        let has_cards = self
            .cards
            .as_ref()
            .is_none_or(|all| cards as usize <= free(all));
        self.jobs > 0 && cores <= self.cores && memory <= self.memory && has_cards
    }

    /// Takes what a job needs, which must fit; the places of its cards, the lowest that are free.
    pub fn take(&mut self, need: &Resources) -> Vec<usize> {
        self.cores -= need.cores;
        self.memory -= need.memory;
        self.jobs -= 1;
        let Some(all) = &mut self.cards else {
            return Vec::new();
        };
        let free = (0..all.len()).filter(|at| all[*at]);
        let cards: Vec<usize> = free.take(need.gpu as usize).collect();
        cards.iter().for_each(|at| all[*at] = false);
        cards
    }

    pub fn give_back(&mut self, need: &Resources, cards: &[usize]) {
        self.cores += need.cores;
        self.memory += need.memory;
        self.jobs += 1;
        if let Some(all) = &mut self.cards {
            cards.iter().for_each(|at| all[*at] = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_card_is_given_to_two_jobs_and_the_lowest_free_one_comes_first() {
        let mut slots = Slots::of(&Capacity {
            cores: 4,
            cores_per_job: 4,
            memory: 100,
            memory_per_job: 100,
            cards: Cards::Named(vec!["3".into(), "7".into(), "5".into()]),
            jobs: 3,
        });
        let need = |gpu| Resources {
            cores: 1,
            memory: 10,
            gpu,
            ..Resources::default()
        };
        assert_eq!(slots.take(&need(1)), [0]);
        assert_eq!(slots.take(&need(1)), [1]);
        assert!(slots.fits((1, 10, 1)) && !slots.fits((1, 10, 2)));
        slots.give_back(&need(1), &[0]);
        assert_eq!(slots.take(&need(2)), [0, 2]);
        assert!(!slots.fits((1, 10, 1)));
    }

    #[test]
    fn there_are_no_more_jobs_than_there_may_be_however_little_each_takes() {
        let mut slots = Slots::of(&Capacity {
            cores: u32::MAX,
            cores_per_job: u32::MAX,
            memory: u64::MAX,
            memory_per_job: u64::MAX,
            cards: Cards::Any,
            jobs: 2,
        });
        let need = Resources {
            gpu: 8,
            ..Resources::default()
        };
        for _ in 0..2 {
            assert!(slots.fits((1, 10, 8)));
            assert!(slots.take(&need).is_empty());
        }
        assert!(!slots.fits((1, 10, 0)));
        slots.give_back(&need, &[]);
        assert!(slots.fits((1, 10, 0)));
    }
}

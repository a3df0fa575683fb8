//! What is free of the machine: cores, memory, and cards by their place.

use super::Capacity;
use crate::pipeline::Resources;

/// What no job holds.
pub(super) struct Slots {
    cores: u32,
    memory: u64,
    /// Which cards are free, by place in the list.
    cards: Vec<bool>,
}

impl Slots {
    pub fn of(capacity: &Capacity) -> Self {
        Self {
            cores: capacity.cores,
            memory: capacity.memory,
            cards: vec![true; capacity.cards().len()],
        }
    }

    /// Whether there is room for so many cores, so much memory, so many cards.
    pub fn fits(&self, (cores, memory, cards): (u32, u64, u32)) -> bool {
        let free = self.cards.iter().filter(|free| **free).count();
        cores <= self.cores && memory <= self.memory && cards as usize <= free
    }

    /// Takes what a job needs, which must fit; the places of its cards, the lowest that are free.
    pub fn take(&mut self, need: &Resources) -> Vec<usize> {
        self.cores -= need.cores;
        self.memory -= need.memory;
        let free = (0..self.cards.len()).filter(|at| self.cards[*at]);
        let cards: Vec<usize> = free.take(need.gpu as usize).collect();
        cards.iter().for_each(|at| self.cards[*at] = false);
        cards
    }

    pub fn give_back(&mut self, need: &Resources, cards: &[usize]) {
        self.cores += need.cores;
        self.memory += need.memory;
        cards.iter().for_each(|at| self.cards[*at] = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_card_is_given_to_two_jobs_and_the_lowest_free_one_comes_first() {
        let mut slots = Slots::of(&Capacity {
            cores: 4,
            memory: 100,
            cards: Some(vec!["3".into(), "7".into(), "5".into()]),
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
}

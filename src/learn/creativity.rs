//! Creativity: how much of what a learner says, asked for nothing in particular, is new and yet right.
//!
//! An answer is *coherent* where it could be an example of the task, *seen* where it is one of those learnt from, and
//! *repeated* where an earlier answer is the same; it is creative where it is coherent and neither. The share of creative
//! answers is the measure of Nagarajan et al. 2025 (arXiv 2504.15266, section 2): distinct, coherent and unseen strings
//! over all strings said.

use std::collections::HashSet;

use crate::learn::task::Dataset;

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it could be an example of the task.
    pub coherent: bool,
    /// Whether it was learnt from.
    pub seen: bool,
    /// Whether an earlier answer is the same.
    pub repeated: bool,
}

impl Judgement {
    /// Whether it is new and yet right.
    #[must_use]
    pub fn creative(self) -> bool {
        self.coherent && !self.seen && !self.repeated
    }
}

/// Judges answers, row-major, (answers, target); `None` where every question of the task has one right answer.
#[must_use]
pub fn judge(dataset: &Dataset, answers: &[u32]) -> Option<Vec<Judgement>> {
    let coherent = dataset.task.contract().coherent(answers)?;
    let learnt: HashSet<&[u32]> = dataset.train.iter().map(|(_, target)| target).collect();
    let mut said = HashSet::new();
    let answers = answers.chunks_exact(dataset.target_length);
    let judgements = answers.zip(coherent).map(|(answer, coherent)| Judgement {
        coherent,
        seen: learnt.contains(answer),
        repeated: !said.insert(answer),
    });
    Some(judgements.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::task::Contract;
    use crate::learn::task::sibling_discovery::SiblingDiscovery;

    #[test]
    fn an_answer_is_creative_where_it_is_right_and_neither_learnt_nor_said_before() {
        let task = SiblingDiscovery {
            parents: 2,
            children: 3,
            train: 4,
            test: 4,
            validation: 0,
            seed: 1,
        };
        let dataset = task.generate(&|| false).unwrap();
        let (learnt, new) = (dataset.train.get(0).1, dataset.test.get(0).1);
        let wrong = [new[0], new[0], new[2]];
        let answers = [learnt, new, new, &wrong, learnt].concat();
        let judged = judge(&dataset, &answers).unwrap();
        let judged: Vec<_> = judged
            .iter()
            .map(|j| (j.coherent, j.seen, j.repeated, j.creative()))
            .collect();
        assert_eq!(
            judged,
            [
                (true, true, false, false),
                (true, false, false, true),
                (true, false, true, false),
                (false, false, false, false),
                (true, true, true, false),
            ]
        );
    }
}

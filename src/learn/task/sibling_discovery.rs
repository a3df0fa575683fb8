//! The sibling-discovery task (Nagarajan et al. 2025, arXiv 2504.15266, section 2): combinations that nobody showed.
//!
//! There is one graph, labelled once: `parents` of `children` each. A string is two different children of one parent and
//! then that parent, `=17,4,30`; there are parents × children × (children − 1) of them. A model learns from `train` of
//! them and is then let to speak, without a question: its prefix is `=` alone, and it is good where it says strings that
//! are coherent and yet none of those it learnt. See [`crate::learn::creativity`].
//!
//! With the parent last, a model that predicts the next token learns the first child as a matter of chance and the second
//! as a sibling of the first, and never that the parent comes first in the plan; the objective `reversed` writes the
//! parent first. Two strings are the same where all three tokens are: who swaps the children says another string.
//!
//! The test split has strings that are not in the training split. A decoding by `sample` answers each of its prefixes,
//! which are all the same, so `test` is the number of samples. Where `test` is more than there are unseen strings, they
//! are repeated, all of them before any for a third time.
//!
//! Strings for validation are in neither split. As there is no right answer, the exact match of a look during the training
//! says only whether the one string that is most likely is among them; the forced accuracies by position say more: how often
//! the second child is a sibling that follows, and the parent the right one.
//!
//! Tokens: node i is i, of the N there are, parents and children in random order; `=` is N and `$`, the mask, N+1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, Dataset, Drawn, Error, ExampleShape, Examples, MOST_TOKENS, Task, possible};
use crate::learn::random;

/// Draws pairs of siblings with their parent.
///
/// All come from one fixed graph, and a model shall learn to write others like them. There is no right answer: the kind
/// `creativity` judges what it writes, decoded with `sample`. There are no fresh examples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiblingDiscovery {
    /// Parents in the graph.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub parents: u32,
    /// Children of each parent; no child has two.
    #[schemars(range(min = 2, max = 10_000))]
    pub children: u32,
    /// Strings to learn from, all different; fewer than parents × children × (children − 1), which are all there are.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub train: u64,
    /// Strings to test with, none of them learnt from: as many as a model is to be sampled. Repeated where there are fewer.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub test: u64,
    /// Strings that a training looks at while it runs, neither learnt from nor among those to test with; 0 for none. They
    /// have no right answer to find: of what the training notes, the accuracy by position is what says something.
    #[serde(default = "super::validation")]
    #[schemars(range(max = 100_000_000))]
    pub validation: u64,
    /// Seed of the labels and of the choice of the strings.
    #[serde(default)]
    pub seed: u64,
}

/// The most nodes of a graph.
const MOST_NODES: u64 = 1_000_000;

/// The most strings of a graph: their numbers are shuffled in memory, four bytes each.
const MOST_STRINGS: u64 = 100_000_000;

/// Tokens of a string.
const STRING: usize = 3;

impl SiblingDiscovery {
    fn nodes(&self) -> u32 {
        let nodes = u64::from(self.parents) * (1 + u64::from(self.children));
        u32::try_from(nodes).unwrap_or(u32::MAX)
    }

    /// All strings there are.
    fn strings(&self) -> u64 {
        let children = u64::from(self.children);
        let of_one = children * children.saturating_sub(1);
        of_one.saturating_mul(u64::from(self.parents))
    }

    /// The parents, then the children of the first, those of the second, …
    fn labels(&self) -> Vec<u32> {
        let mut labels: Vec<u32> = (0..self.nodes()).collect();
        random::shuffle(
            &mut random::stream(self.seed, "sibling-discovery/labels"),
            &mut labels,
        );
        labels
    }

    /// Child, other child and parent of a string, by its number among all.
    fn string(&self, labels: &[u32], number: u32) -> [u32; STRING] {
        let (parents, children) = (self.parents as usize, self.children as usize);
        let (pair, parent) = (number as usize / parents, number as usize % parents);
        let (first, other) = (pair / (children - 1), pair % (children - 1));
        // The child itself is no sibling of its own.
        let second = other + usize::from(other >= first);
        let family = &labels[parents + parent * children..][..children];
        [family[first], family[second], labels[parent]]
    }
}

impl Drawn for SiblingDiscovery {
    const KIND: &'static str = "sibling-discovery";
    const VERSION: u32 = 2;
}

impl Contract for SiblingDiscovery {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let Self {
            parents,
            children,
            train,
            test,
            validation,
            ..
        } = *self;
        if !(1..=1_000_000).contains(&parents) {
            problems.push(("parents", format!("{parents} are not from 1 to 1000000")));
        }
        if !(2..=10_000).contains(&children) {
            let why = format!("{children} children of a parent are not from 2 to 10000");
            problems.push(("children", why));
        }
        for (name, count) in [("train", train), ("test", test)] {
            if !(1..=100_000_000).contains(&count) {
                let why = format!("{count} strings are not from 1 to 100000000");
                problems.push((name, why));
            }
        }
        if validation > 100_000_000 {
            let why = format!("{validation} strings are more than 100000000");
            problems.push(("validation", why));
        }
        if !problems.is_empty() {
            return problems;
        }
        let nodes = u64::from(parents) * (1 + u64::from(children));
        if nodes > MOST_NODES {
            let why = format!(
                "{parents} parents of {children} children are {nodes} nodes, more than {MOST_NODES}"
            );
            problems.push(("parents", why));
        }
        let strings = self.strings();
        let all = format!(
            "{parents} parents of {children} children have {parents} × {children} × {} = {strings} strings",
            children - 1
        );
        if strings > MOST_STRINGS {
            problems.push(("children", format!("{all}, more than {MOST_STRINGS}")));
        } else if train >= strings {
            let why = format!(
                "{all}, so learning from {train} leaves none to discover; use at most {}",
                strings - 1
            );
            problems.push(("train", why));
        } else if train + validation >= strings {
            let why = format!(
                "{all}, so {validation} for validation beside {train} to learn from leave none to test with; use at most {}",
                strings - train - 1
            );
            problems.push(("validation", why));
        }
        if (train + test + validation).saturating_mul(1 + STRING as u64) > MOST_TOKENS {
            let why = format!(
                "{train} + {test} + {validation} strings are more than {MOST_TOKENS} tokens"
            );
            problems.push(("train", why));
        }
        problems
    }

    fn shape(&self) -> ExampleShape {
        ExampleShape {
            vocabulary: self.nodes().saturating_add(2),
            mask: self.nodes().saturating_add(1),
            prefix_length: 1,
            target_length: STRING,
        }
    }

    fn generate(&self, cancel: &dyn Fn() -> bool) -> Result<Dataset, Error> {
        possible(self)?;
        if cancel() {
            return Err(Error::Cancelled);
        }
        let labels = self.labels();
        let strings = self.strings();
        let (train, test) = (self.train as usize, self.test as usize);
        let drawn = (self.train + self.test + self.validation).min(strings) as usize;
        let mut stream = random::stream(self.seed, "sibling-discovery/strings");
        let numbers = random::distinct(&mut stream, strings as u32, drawn);
        if cancel() {
            return Err(Error::Cancelled);
        }
        let (learnt, unseen) = numbers.split_at(train);
        // The last of them, so that the others are the same however many there are.
        let (unseen, looked_at) = unseen.split_at(unseen.len() - self.validation as usize);
        let examples = |numbers: &mut dyn Iterator<Item = &u32>| {
            let mut tokens = Vec::new();
            for &number in numbers {
                tokens.push(self.nodes());
                tokens.extend(self.string(&labels, number));
            }
            Examples::new(1, STRING, tokens)
        };
        let train = examples(&mut learnt.iter())?;
        let test = examples(&mut unseen.iter().cycle().take(test))?;
        let validation = examples(&mut looked_at.iter())?;
        let task = Task::SiblingDiscovery(self.clone());
        Ok(Dataset::of(task, [train, test, validation]))
    }

    fn fixed(&self) -> Option<&'static str> {
        Some("what `sibling-discovery` does not teach is what a model shall discover")
    }

    fn coherent(&self, answers: &[u32]) -> Option<Vec<bool>> {
        let labels = self.labels();
        let (parents, children) = labels.split_at(self.parents as usize);
        let mut parent_of = vec![None; labels.len()];
        let families = children.chunks_exact(self.children as usize);
        for (&parent, family) in parents.iter().zip(families) {
            for &child in family {
                parent_of[child as usize] = Some(parent);
            }
        }
        let parent_of = |node: u32| parent_of.get(node as usize).copied().flatten();
        let coherent = answers.chunks_exact(STRING).map(|string| {
            let [first, second, parent] = [string[0], string[1], string[2]];
            first != second && [first, second].map(parent_of) == [Some(parent); 2]
        });
        Some(coherent.collect())
    }

    fn render(&self, prefix: &[u32], target: &[u32]) -> String {
        let word = |&token: &u32| match token.checked_sub(self.nodes()) {
            None => token.to_string(),
            Some(sign) => ["=", "$"].get(sign as usize).unwrap_or(&"?").to_string(),
        };
        let words = |tokens: &[u32]| tokens.iter().map(word).collect::<Vec<_>>().join(",");
        format!("{}{}", words(prefix), words(target))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn families(parents: u32, children: u32, train: u64, test: u64) -> SiblingDiscovery {
        SiblingDiscovery {
            parents,
            children,
            train,
            test,
            validation: 0,
            seed: 0,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn all_strings_are_coherent_and_the_unseen_ones_are_unseen(
            parents in 1u32..5, children in 3u32..6, share in 0.0..1.0, test in 1u64..200,
            of_rest in 0.0..1.0, seed: u64,
        ) {
            let all = u64::from(parents * children * (children - 1));
            let train = 1 + ((all - 2) as f64 * share) as u64;
            let validation = ((all - train - 1) as f64 * of_rest) as u64;
            let task = SiblingDiscovery { seed, validation, ..families(parents, children, train, test) };
            let dataset = task.generate(&|| false).unwrap();
            prop_assert_eq!((dataset.train.len() as u64, dataset.test.len() as u64), (train, test));
            let strings = |examples: &Examples| -> Vec<u32> {
                examples.iter().flat_map(|(_, target)| target.to_vec()).collect()
            };
            for (_, split) in dataset.splits() {
                prop_assert!(task.coherent(&strings(split)).unwrap().iter().all(|&good| good));
            }
            let different = |examples: &Examples| -> BTreeSet<Vec<u32>> {
                examples.iter().map(|(_, target)| target.to_vec()).collect()
            };
            let (learnt, unseen) = (different(&dataset.train), different(&dataset.test));
            prop_assert_eq!(learnt.len() as u64, train);
            prop_assert_eq!(unseen.len() as u64, test.min(all - train - validation));
            prop_assert!(learnt.is_disjoint(&unseen));
            let looked_at = different(&dataset.validation);
            prop_assert_eq!((looked_at.len() as u64, dataset.validation.len() as u64), (validation, validation));
            prop_assert!(looked_at.is_disjoint(&learnt) && looked_at.is_disjoint(&unseen));
            let without = SiblingDiscovery { validation: 0, ..task }.generate(&|| false).unwrap();
            prop_assert_eq!(&without.train, &dataset.train);
            if train + test + validation <= all {
                prop_assert_eq!(&without.test, &dataset.test);
            }
        }
    }

    #[test]
    fn a_string_is_two_different_children_and_then_their_parent() {
        let task = families(2, 3, 5, 5);
        let labels = task.labels();
        let (a, b, c) = (labels[2], labels[3], labels[5]);
        let (one, two) = (labels[0], labels[1]);
        let answers = [
            [a, b, one],
            [b, a, one],
            [a, a, one],
            [a, b, two],
            [a, c, one],
            [one, a, b],
            [a, b, 8],
            [u32::MAX, b, one],
        ];
        let good = task.coherent(answers.as_flattened()).unwrap();
        assert_eq!(good, [true, true, false, false, false, false, false, false]);
        let all: BTreeSet<[u32; 3]> = (0..12).map(|n| task.string(&labels, n)).collect();
        assert_eq!(all.len(), 12, "every number is a string of its own");
    }

    #[test]
    fn the_text_of_an_example_stays_what_it_was() {
        let dataset = families(3, 4, 4, 3).generate(&|| false).unwrap();
        insta::assert_snapshot!(dataset.sample(), @"
        # train, 4 examples
        =11,8,3
        =12,0,9
        =4,8,3
        =7,1,10
        # test, 3 examples
        =13,5,10
        =5,13,10
        =1,5,10
        # validation, 0 examples
        ");
    }

    #[test]
    fn impossible_parameters_are_named_with_their_numbers() {
        let said = |task: SiblingDiscovery| {
            assert!(matches!(
                task.generate(&|| false),
                Err(Error::Parameters(_))
            ));
            let _ = task.shape();
            let problems = task.problems().into_iter();
            problems
                .map(|(name, why)| format!("{name}: {why}"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let said = [
            said(families(0, 1, 0, 0)),
            said(families(1_000_000, 10_000, 1, 1)),
            said(families(5, 10_000, 1, 1)),
            said(families(2, 3, 12, 1)),
            said(SiblingDiscovery {
                validation: 7,
                ..families(2, 3, 5, 1)
            }),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        parents: 0 are not from 1 to 1000000
        children: 1 children of a parent are not from 2 to 10000
        train: 0 strings are not from 1 to 100000000
        test: 0 strings are not from 1 to 100000000
        parents: 1000000 parents of 10000 children are 10001000000 nodes, more than 1000000
        children: 1000000 parents of 10000 children have 1000000 × 10000 × 9999 = 99990000000000 strings, more than 100000000
        children: 5 parents of 10000 children have 5 × 10000 × 9999 = 499950000 strings, more than 100000000
        train: 2 parents of 3 children have 2 × 3 × 2 = 12 strings, so learning from 12 leaves none to discover; use at most 11
        validation: 2 parents of 3 children have 2 × 3 × 2 = 12 strings, so 7 for validation beside 5 to learn from leave none to test with; use at most 6
        ");
    }

    #[test]
    fn there_are_no_fresh_examples_and_making_stops_when_asked() {
        let task = families(3, 4, 4, 3);
        let dataset = task.generate(&|| false).unwrap();
        assert!(matches!(dataset.fresh(1), Err(Error::Fixed(_))));
        assert!(matches!(task.generate(&|| true), Err(Error::Cancelled)));
    }
}

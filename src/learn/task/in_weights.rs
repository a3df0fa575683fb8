//! The in-weights path-star task (Noroozizadeh et al. 2025, arXiv 2510.26745): one star, known by heart.
//!
//! There is one graph, labelled once: a start with `degree` arms, of `path_length` nodes from the start to the end of an
//! arm. Nothing of it is in an example; a model must have learnt it. Glossary:
//!
//! | here | paper | an example |
//! |---|---|---|
//! | edge, down | forward edge | `>32=34$$$`: what is a child of 32? |
//! | edge, up | backward edge | `<34=32$$$`: what is the parent of 34? |
//! | path | path-finding from the leaf | `/12=32,34,6,16,12`: the path from the start to the leaf 12 |
//!
//! Learnt from are all edges, both ways, and the paths to the share `taught` of the leaves. Of the other leaves some are
//! for validation, what a training looks at while it runs; tested are the paths to all others. The start has as many children as there are arms, so a question down from it has as many true answers:
//! its loss ends at ln(degree), and the exact match on the training split below 1. The first target token of a path is the
//! start, the same in all; the hard one is the second. The objective `reversed` asks for the leaf first and then for one
//! parent after the other.
//!
//! All examples are equally long: the answer to an edge is filled up with `$`, and a model is asked for these `$` too
//! (`reversed`: first). They are learnt at once and count in the loss as other tokens do, so that of an edge's loss only
//! 1/path_length is the node's, and the loss of a training looks smaller than it is; `path_repeats` shifts the weight to
//! the paths.
//!
//! Tokens: node i is i, of the N nodes there are; `=` is N, `/` N+1, `>` N+2, `<` N+3 and `$`, the mask, N+4.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AT_ONCE, Contract, Dataset, Drawn, Error, ExampleShape, Examples, MOST_TOKENS, Task,
    VALIDATION, possible,
};
use crate::learn::random;

/// Draws one path-star graph to be memorized.
///
/// The training has all edges of the graph, both ways, and the paths to most leaves. The paths to the other leaves are for the
/// test and for validation. There are no fresh examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InWeights {
    /// Arms that leave the start, each with a leaf at its end.
    #[schemars(range(min = 2, max = 500_000))]
    pub degree: u32,
    /// Nodes from the start to a leaf, both counted. The graph has 1 + degree × (path_length − 1) nodes, at most 1000000.
    #[schemars(range(min = 2, max = 10_000))]
    pub path_length: u32,
    /// The share of the leaves whose paths are learnt from, rounded to a whole leaf; the other paths are the test and the
    /// validation.
    #[serde(default = "taught")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub taught: f64,
    /// Leaves whose paths a training looks at while it runs, neither taught nor tested; 0 for none. Without it, half of the
    /// leaves that are not taught, rounded down, but at most 512.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 500_000))]
    pub validation: Option<u32>,
    /// How often every edge is among the examples to learn from, each way; 0 for never.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub edge_repeats: u32,
    /// How often every taught path is among the examples to learn from; 0 for never.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub path_repeats: u32,
    /// Seed of the labels, of the choice of the leaves, and of the order of the examples.
    #[serde(default)]
    pub seed: u64,
}

fn taught() -> f64 {
    0.75
}

fn one() -> u32 {
    1
}

/// The most nodes of a graph.
const MOST_NODES: u64 = 1_000_000;

/// Tokens of a question: what is asked, of which node, and `=`.
const PREFIX: usize = 3;

/// The one graph.
struct Graph {
    /// The start, then arm after arm.
    labels: Vec<u32>,
    /// Edges of an arm.
    arm: usize,
}

impl Graph {
    fn arm(&self, arm: usize) -> &[u32] {
        &self.labels[1 + arm * self.arm..][..self.arm]
    }

    /// Parent and child of an edge, counted along the arms.
    fn edge(&self, edge: usize) -> (u32, u32) {
        let parent = if edge.is_multiple_of(self.arm) {
            0
        } else {
            edge
        };
        (self.labels[parent], self.labels[edge + 1])
    }
}

impl InWeights {
    fn edges(&self) -> u64 {
        u64::from(self.degree) * u64::from(self.path_length.saturating_sub(1))
    }

    fn nodes(&self) -> u32 {
        u32::try_from(1 + self.edges()).unwrap_or(u32::MAX)
    }

    /// Leaves whose paths are learnt from.
    fn leaves(&self) -> u32 {
        (self.taught * f64::from(self.degree)).round() as u32
    }

    /// Leaves for validation.
    #[must_use]
    pub fn validation(&self) -> u32 {
        let others = self.degree.saturating_sub(self.leaves());
        let most = u32::try_from(VALIDATION).expect("512 is below 2^32");
        self.validation.unwrap_or((others / 2).min(most))
    }

    /// Examples to learn from.
    fn examples(&self) -> u64 {
        2 * self.edges() * u64::from(self.edge_repeats)
            + u64::from(self.leaves()) * u64::from(self.path_repeats)
    }

    fn graph(&self) -> Graph {
        let mut labels: Vec<u32> = (0..self.nodes()).collect();
        random::shuffle(
            &mut random::stream(self.seed, "in-weights/labels"),
            &mut labels,
        );
        Graph {
            labels,
            arm: self.path_length as usize - 1,
        }
    }

    /// The question for a path, and the path.
    fn path(&self, graph: &Graph, arm: u32, row: &mut [u32]) {
        let [equals, path, ..] = self.signs();
        let nodes = graph.arm(arm as usize);
        let leaf = nodes[nodes.len() - 1];
        row[..PREFIX].copy_from_slice(&[path, leaf, equals]);
        row[PREFIX] = graph.labels[0];
        row[PREFIX + 1..].copy_from_slice(nodes);
    }

    /// The question for the other end of an edge, even ones down and odd ones up, and that end.
    fn way(&self, graph: &Graph, way: usize, row: &mut [u32]) {
        let [equals, _, down, up, mask] = self.signs();
        let (parent, child) = graph.edge(way / 2);
        let (sign, from, to) = if way.is_multiple_of(2) {
            (down, parent, child)
        } else {
            (up, child, parent)
        };
        row[..PREFIX].copy_from_slice(&[sign, from, equals]);
        row[PREFIX] = to;
        row[PREFIX + 1..].fill(mask);
    }

    /// `=`, `/`, `>`, `<` and `$`.
    fn signs(&self) -> [u32; 5] {
        [0, 1, 2, 3, 4].map(|sign| self.nodes().saturating_add(sign))
    }
}

impl Drawn for InWeights {
    const KIND: &'static str = "in-weights";
    const VERSION: u32 = 2;
}

impl Contract for InWeights {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let (degree, path_length) = (self.degree, self.path_length);
        if !(2..=500_000).contains(&degree) {
            let why = format!("a degree of {degree} is not from 2 to 500000");
            problems.push(("degree", why));
        }
        if !(2..=10_000).contains(&path_length) {
            let why = format!("a path of {path_length} nodes is not from 2 to 10000 nodes long");
            problems.push(("path_length", why));
        }
        if !problems.is_empty() {
            return problems;
        }
        let nodes = 1 + self.edges();
        if nodes > MOST_NODES {
            let why = format!(
                "a graph of 1 + {degree} × ({path_length} − 1) = {nodes} nodes has more than {MOST_NODES}"
            );
            problems.push(("degree", why));
            return problems;
        }
        let leaves = self.leaves();
        if leaves < 1 || leaves >= degree {
            let why = format!(
                "{} of {degree} leaves are {leaves}: at least 1 must be taught, and at least 1 left for the test",
                self.taught
            );
            problems.push(("taught", why));
        } else if self.validation() >= degree - leaves {
            let others = degree - leaves;
            let why = format!(
                "{} of the {others} leaves that are not taught leave none for the test; use at most {}",
                self.validation(),
                others - 1
            );
            problems.push(("validation", why));
        }
        if self.edge_repeats == 0 && self.path_repeats == 0 {
            let why = "there is nothing to learn from: `edge_repeats` is 0 as well".to_owned();
            problems.push(("path_repeats", why));
        }
        let (examples, row) = (self.examples(), PREFIX as u64 + u64::from(path_length));
        if examples.saturating_mul(row) > MOST_TOKENS {
            let name = if self.edge_repeats >= self.path_repeats {
                "edge_repeats"
            } else {
                "path_repeats"
            };
            let why =
                format!("{examples} examples of {row} tokens are more than {MOST_TOKENS} tokens");
            problems.push((name, why));
        }
        problems
    }

    fn shape(&self) -> ExampleShape {
        let [.., mask] = self.signs();
        ExampleShape {
            vocabulary: mask.saturating_add(1),
            mask,
            prefix_length: PREFIX,
            target_length: self.path_length as usize,
        }
    }

    fn generate(&self, cancel: &dyn Fn() -> bool) -> Result<Dataset, Error> {
        possible(self)?;
        let graph = self.graph();
        let mut arms: Vec<u32> = (0..self.degree).collect();
        random::shuffle(
            &mut random::stream(self.seed, "in-weights/taught"),
            &mut arms,
        );
        let (taught, others) = arms.split_at(self.leaves() as usize);
        let (asked, looked_at) = others.split_at(others.len() - self.validation() as usize);

        // All edges so often, then the paths so often; shuffled, so that the first examples are of both sorts.
        let ways = 2 * self.edges() as usize;
        let first_path = ways * self.edge_repeats as usize;
        let mut order: Vec<usize> = (0..self.examples() as usize).collect();
        random::shuffle(
            &mut random::stream(self.seed, "in-weights/order"),
            &mut order,
        );
        let width = PREFIX + self.path_length as usize;
        let mut tokens = vec![0; order.len() * width];
        let rows = tokens.chunks_mut(AT_ONCE * width);
        for (rows, order) in rows.zip(order.chunks(AT_ONCE)) {
            if cancel() {
                return Err(Error::Cancelled);
            }
            let rows = rows.par_chunks_exact_mut(width).zip(order);
            rows.for_each(|(row, &index)| match index.checked_sub(first_path) {
                None => self.way(&graph, index % ways, row),
                Some(index) => self.path(&graph, taught[index % taught.len()], row),
            });
        }
        let train = Examples::new(PREFIX, width - PREFIX, tokens)?;

        let paths = |arms: &[u32]| {
            let mut tokens = vec![0; arms.len() * width];
            for (row, arm) in tokens.chunks_exact_mut(width).zip(arms) {
                self.path(&graph, *arm, row);
            }
            Examples::new(PREFIX, width - PREFIX, tokens)
        };
        let (test, validation) = (paths(asked)?, paths(looked_at)?);
        let task = Task::InWeights(self.clone());
        Ok(Dataset::of(task, [train, test, validation]))
    }

    fn fixed(&self) -> Option<&'static str> {
        Some("the examples of `in-weights` are all that its one graph has")
    }

    fn render(&self, prefix: &[u32], target: &[u32]) -> String {
        let mut text = String::new();
        let mut after_node = false;
        for &token in prefix.iter().chain(target) {
            let is_node = token < self.nodes();
            if is_node && after_node {
                text.push(',');
            }
            match token.checked_sub(self.nodes()) {
                None => text.push_str(&token.to_string()),
                Some(sign) => text.push(*b"=/><$".get(sign as usize).unwrap_or(&b'?') as char),
            }
            after_node = is_node;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn star(degree: u32, path_length: u32) -> InWeights {
        InWeights {
            degree,
            path_length,
            taught: 0.75,
            validation: None,
            edge_repeats: 1,
            path_repeats: 1,
            seed: 0,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_edges_are_those_of_one_star_and_every_path_follows_them(
            degree in 2u32..9, path_length in 2u32..6, edge_repeats in 1u32..3, path_repeats in 1u32..3, seed: u64,
        ) {
            let task = InWeights { taught: 0.6, edge_repeats, path_repeats, seed, ..star(degree, path_length) };
            let dataset = task.generate(&|| false).unwrap();
            let nodes = 1 + degree * (path_length - 1);
            let [equals, path, down, up, mask] = task.signs();
            let mut parents = BTreeMap::new();
            let mut count = BTreeMap::new();
            let mut paths = Vec::new();
            for (prefix, target) in dataset.train.iter() {
                *count.entry((prefix, target)).or_insert(0) += 1;
                prop_assert_eq!(prefix[2], equals);
                if prefix[0] == path {
                    paths.push((prefix[1], target));
                    continue;
                }
                prop_assert!(target[1..].iter().all(|&token| token == mask));
                let (parent, child) = if prefix[0] == down { (prefix[1], target[0]) } else { (target[0], prefix[1]) };
                prop_assert!(prefix[0] == down || prefix[0] == up);
                prop_assert_eq!(*parents.entry(child).or_insert(parent), parent);
            }
            for ((prefix, _), times) in count {
                prop_assert_eq!(times, if prefix[0] == path { path_repeats } else { edge_repeats });
            }
            prop_assert_eq!(dataset.train.len() as u32,
                2 * degree * (path_length - 1) * edge_repeats + task.leaves() * path_repeats);
            prop_assert_eq!(parents.len() as u32, nodes - 1);
            let taught: BTreeSet<u32> = paths.iter().map(|(leaf, _)| *leaf).collect();
            let asked: BTreeSet<u32> = dataset.test.iter().map(|(prefix, _)| prefix[1]).collect();
            prop_assert!(taught.is_disjoint(&asked));
            let looked_at: BTreeSet<u32> = dataset.validation.iter().map(|(prefix, _)| prefix[1]).collect();
            prop_assert!(looked_at.is_disjoint(&taught) && looked_at.is_disjoint(&asked));
            prop_assert_eq!(looked_at.len(), dataset.validation.len());
            prop_assert_eq!(taught.len() + asked.len() + looked_at.len(), degree as usize);
            prop_assert_eq!(asked.len(), dataset.test.len());
            let asked = dataset.test.iter().chain(dataset.validation.iter()).map(|(prefix, target)| (prefix[1], target));
            for (leaf, target) in paths.into_iter().chain(asked) {
                prop_assert_eq!(*target.last().unwrap(), leaf);
                prop_assert!(!parents.contains_key(&target[0]));
                prop_assert!(target.windows(2).all(|pair| parents[&pair[1]] == pair[0]));
            }
        }
    }

    #[test]
    fn the_text_of_an_example_stays_what_it_was() {
        let dataset = star(4, 3).generate(&|| false).unwrap();
        insta::assert_snapshot!(dataset.sample(), @"
        # train, 19 examples
        >8=2$$
        <0=4$$
        >4=0$$
        >7=1$$
        >1=6$$
        <3=5$$
        >7=5$$
        /6=7,1,6
        >7=4$$
        <6=1$$
        # test, 1 examples
        /3=7,5,3
        # validation, 0 examples
        ");
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let task = star(700, 4);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| task.generate(&|| false).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn impossible_parameters_are_named_with_their_numbers() {
        let said = |task: InWeights| {
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
            said(star(1, 0)),
            said(star(500_000, 10_000)),
            said(InWeights {
                taught: 0.9,
                ..star(2, 3)
            }),
            said(InWeights {
                taught: f64::NAN,
                ..star(4, 3)
            }),
            said(InWeights {
                validation: Some(1),
                ..star(4, 3)
            }),
            said(InWeights {
                edge_repeats: 0,
                path_repeats: 0,
                ..star(4, 3)
            }),
            said(InWeights {
                edge_repeats: 1_000_000,
                ..star(1000, 5)
            }),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        degree: a degree of 1 is not from 2 to 500000
        path_length: a path of 0 nodes is not from 2 to 10000 nodes long
        degree: a graph of 1 + 500000 × (10000 − 1) = 4999500001 nodes has more than 1000000
        taught: 0.9 of 2 leaves are 2: at least 1 must be taught, and at least 1 left for the test
        taught: NaN of 4 leaves are 0: at least 1 must be taught, and at least 1 left for the test
        validation: 1 of the 1 leaves that are not taught leave none for the test; use at most 0
        path_repeats: there is nothing to learn from: `edge_repeats` is 0 as well
        edge_repeats: 8000000750 examples of 8 tokens are more than 4294967296 tokens
        ");
    }

    #[test]
    fn leaves_for_validation_are_taken_from_the_test_and_change_nothing_that_is_taught() {
        let with = |validation| {
            let task = InWeights {
                validation,
                ..star(40, 3)
            };
            task.generate(&|| false).unwrap()
        };
        let (none, some, half) = (with(Some(0)), with(Some(3)), with(None));
        assert_eq!(
            (none.test.len(), some.test.len(), half.test.len()),
            (10, 7, 5)
        );
        assert_eq!((some.validation.len(), half.validation.len()), (3, 5));
        assert_eq!((&none.train, &none.train), (&some.train, &half.train));
        assert_eq!(none.test.first(7), some.test);
    }

    #[test]
    fn there_are_no_fresh_examples_and_it_is_said_why() {
        let dataset = star(4, 3).generate(&|| false).unwrap();
        let said = dataset.fresh(1).unwrap_err().to_string();
        assert_eq!(
            said,
            "there are no fresh examples: the examples of `in-weights` are all that its one graph has"
        );
    }

    #[test]
    fn making_examples_stops_when_asked() {
        assert!(matches!(
            star(4, 3).generate(&|| true),
            Err(Error::Cancelled)
        ));
    }

    #[test]
    fn a_dataset_comes_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let dataset = star(300, 3).generate(&|| false).unwrap();
        dataset.save(directory.path()).unwrap();
        assert_eq!(Dataset::load(directory.path()).unwrap(), dataset);
    }
}

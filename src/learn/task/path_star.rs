//! The path-star task (Bachmann & Nagarajan 2024, section 4).
//!
//! Glossary to the paper's G(d, l):
//!
//! | here | paper | is |
//! |---|---|---|
//! | `degree` | d | arms that leave the start |
//! | `path_length` | l | nodes from the start to the end of an arm, both counted |
//! | `nodes` | N | values a node's label can take |
//! | prefix | adjacency list, start and goal | edges in random order, then the question |
//! | target | path | start … goal |
//!
//! An example is a star of 1 + d(l−1) nodes with distinct labels drawn from N, one arm of which ends in the goal:
//! `32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,12=32,34,6,16,12`. Tokens follow the released code: node i is i, `|`
//! is N, `=` is N+1, `/` is N+2 and `$`, the mask, N+3; commas are dropped, nothing is added before or after. The prefix
//! has 3d(l−1)+3 tokens, the target l.
//!
//! Unlike the released code, which draws without looking, no two examples of a dataset are the same question: two
//! examples are the same where they have the same edges and the same goal (hence the same start), in whatever order the
//! edges are written. A repeated draw is drawn anew, so the test split shares nothing with the training split.

use super::{Contract, Dataset, Drawn, Error, ExampleShape, Examples, MOST_TOKENS, Task};
use crate::learn::random;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Draws path-star graphs: from a start node leave arms of equal length, and the question is the path to the end of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathStar {
    /// Arms that leave the start (d in the paper). A model that found the shortcut answers 1/degree of the test.
    #[schemars(range(min = 1, max = 10_000))]
    pub degree: u32,
    /// Nodes from the start to the end of an arm, both counted (l in the paper).
    #[schemars(range(min = 2, max = 10_000))]
    pub path_length: u32,
    /// Values a node's label can take (N in the paper); at least 1 + degree × (path_length − 1).
    #[schemars(range(min = 2, max = 1_000_000))]
    pub nodes: u32,
    /// Examples to learn from.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub train: u64,
    /// Examples to test with; none is among those to learn from.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub test: u64,
    /// Seed of every draw.
    #[serde(default)]
    pub seed: u64,
}

/// How often a repeated draw is drawn anew. At least half of all questions are free, so failing this often is as likely
/// as 500 tails in a row.
const ATTEMPTS: u32 = 500;

/// Examples of one stream.
const CHUNK: usize = 4096;

/// Tokens drawn between two looks at `cancel`, but at least a chunk.
const AT_ONCE: usize = 1 << 23;

/// Memory that one draw leaves to the next.
#[derive(Default)]
struct Desk {
    swaps: Vec<usize>,
    edges: Vec<[u32; 2]>,
}

/// Identities of questions. They are well mixed already and need no other hash.
type Seen = HashSet<u128, BuildHasherDefault<Mixed>>;

/// A hash of what is one already.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

/// Spreads 64 bits over 128: two rounds of multiplying and folding with constants of the digits of π.
fn mix(number: u64) -> u128 {
    let fold = |number: u64, by: u64| {
        let product = u128::from(number ^ by) * 0x4528_21e6_38d0_1377_u128;
        (product >> 64) as u64 ^ product as u64
    };
    let one = fold(fold(number, 0x243f_6a88_85a3_08d3), 0x1319_8a2e_0370_7344);
    let two = fold(fold(number, 0xa409_3822_299f_31d0), 0x082e_fa98_ec4e_6c89);
    u128::from(one) << 64 | u128::from(two)
}

impl PathStar {
    /// Distinct nodes of a graph: 1 + d(l−1).
    fn graph_nodes(&self) -> u64 {
        1 + u64::from(self.degree) * u64::from(self.path_length.saturating_sub(1))
    }

    /// How many different questions exist: N! / (N − nodes)! ways to label, over (d−1)! orders of the other arms.
    fn questions(&self) -> f64 {
        let labels = (0..self.graph_nodes().min(u64::from(self.nodes)))
            .map(|i| (u64::from(self.nodes) - i) as f64);
        // Divided on the way, so that the product grows steadily; infinity is a good answer.
        let mut orders = (1..self.degree).map(f64::from);
        let product = labels.clone().fold(1.0, |product, factor| {
            product * factor / orders.next().unwrap_or(1.0)
        });
        if product.is_finite() {
            return product;
        }
        // On its way it may have been larger than at its end.
        let orders = (1..self.degree).map(|order| f64::from(order).ln());
        (labels.map(f64::ln).sum::<f64>() - orders.sum::<f64>())
            .exp()
            .round()
    }

    /// One graph, its prefix and then its target, into `row`; `labels` are all node values in whatever order, and stay so.
    fn draw(&self, stream: &mut ChaCha8Rng, labels: &mut [u32], desk: &mut Desk, row: &mut [u32]) {
        let (degree, arm_length) = (self.degree as usize, self.path_length as usize - 1);
        let nodes = self.graph_nodes() as usize;
        let Desk { swaps, edges } = desk;
        // The first of a shuffle; undone at the end, so that a draw costs no more than the labels it takes.
        swaps.clear();
        for place in 0..nodes {
            let rest = (labels.len() - place) as u64;
            let other = place + random::below(stream, rest) as usize;
            labels.swap(place, other);
            swaps.push(other);
        }
        let (start, arms) = (labels[0], &labels[1..nodes]);
        let goal_arm = random::below(stream, degree as u64) as usize;
        edges.clear();
        for arm in arms.chunks_exact(arm_length) {
            let mut parent = start;
            for &child in arm {
                edges.push([parent, child]);
                parent = child;
            }
        }
        random::shuffle(stream, edges);
        let (prefix, target) = row.split_at_mut(3 * edges.len() + 3);
        let (written, question) = prefix.split_at_mut(3 * edges.len() - 1);
        for (to, [parent, child]) in written.chunks_mut(3).zip(edges) {
            (to[0], to[1]) = (*parent, *child);
            if let Some(bar) = to.get_mut(2) {
                *bar = self.nodes; // |
            }
        }
        let goal_arm = &arms[goal_arm * arm_length..][..arm_length];
        let goal = goal_arm[arm_length - 1];
        question.copy_from_slice(&[self.nodes + 2, start, goal, self.nodes + 1]); // / start goal =
        target[0] = start;
        target[1..].copy_from_slice(goal_arm);
        for (place, &other) in swaps.iter().enumerate().rev() {
            labels.swap(place, other);
        }
    }

    /// What makes two examples the same question, the set of edges and the goal, in 128 bits. That two questions share one
    /// by chance is next to impossible, and then one of them is only drawn anew.
    fn identity(&self, row: &[u32]) -> u128 {
        let edges = (self.graph_nodes() - 1) as usize;
        let mixed = |a: u32, b: u32| mix(u64::from(a) << 32 | u64::from(b));
        let goal = mixed(u32::MAX, row[row.len() - 1]);
        // A sum does not depend on the order of the edges.
        (0..edges).fold(goal, |sum, edge| {
            sum.wrapping_add(mixed(row[3 * edge], row[3 * edge + 1]))
        })
    }

    /// Draws examples of a split, none of them among those `seen`, to which they are added. `cancel` is asked often.
    fn split(
        &self,
        name: &str,
        count: u64,
        seen: &mut Seen,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Examples, Error> {
        let shape = self.shape();
        let width = shape.prefix_length + shape.target_length;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut tokens = vec![0; count.saturating_mul(width)];
        let mut identities = vec![0; count];
        let chunks = tokens.chunks_mut(CHUNK * width);
        let chunks = chunks.zip(identities.chunks_mut(CHUNK)).enumerate();
        let all: Vec<u32> = (0..self.nodes).collect();
        // A chunk has a stream, so that threads change nothing, and a longer split begins like a shorter one.
        let draw = |chunk: usize, rows: &mut [u32], identities: &mut [u128]| {
            let mut stream = random::stream(self.seed, &format!("path-star/{name}/{chunk}"));
            let (mut labels, mut desk) = (all.clone(), Desk::default());
            for (row, identity) in rows.chunks_exact_mut(width).zip(identities) {
                self.draw(&mut stream, &mut labels, &mut desk, row);
                *identity = self.identity(row);
            }
        };
        // Asked from this thread alone: between runs of chunks that all threads share.
        let mut chunks: Vec<_> = chunks.collect();
        let mut rest = &mut chunks[..];
        while !rest.is_empty() {
            if cancel() {
                return Err(Error::Cancelled);
            }
            let at_once = (AT_ONCE / (CHUNK * width)).max(1);
            let (now, later) = rest.split_at_mut(rest.len().min(at_once));
            now.par_iter_mut()
                .for_each(|(chunk, (rows, identities))| draw(*chunk, rows, identities));
            rest = later;
        }
        // In the order of the examples, so that which of two equal draws stays does not depend on threads.
        seen.reserve(count);
        let mut spare = None;
        for (index, identity) in identities.into_iter().enumerate() {
            if index.is_multiple_of(1 << 16) && cancel() {
                return Err(Error::Cancelled);
            }
            let (mut identity, mut attempt) = (identity, 0);
            while !seen.insert(identity) {
                attempt += 1;
                if attempt > ATTEMPTS {
                    let why = "the examples repeat however often they are drawn anew".to_owned();
                    return Err(Error::Parameters(vec![(name.to_owned(), why)]));
                }
                let purpose = format!("path-star/{name}/again/{index}/{attempt}");
                let (labels, desk) = spare.get_or_insert_with(|| (all.clone(), Desk::default()));
                let row = &mut tokens[index * width..][..width];
                self.draw(&mut random::stream(self.seed, &purpose), labels, desk, row);
                identity = self.identity(row);
            }
        }
        Examples::new(shape.prefix_length, shape.target_length, tokens)
    }

    /// Reads an example in the paper's notation: its prefix and target tokens.
    ///
    /// # Errors
    /// A sentence, where the text is no example of this task.
    pub fn parse(&self, text: &str) -> Result<(Vec<u32>, Vec<u32>), String> {
        let wrong = |what: &str| format!("`{text}` is no example of this task: {what}");
        let label = |word: &str| match word.parse::<u32>() {
            Ok(label) if label < self.nodes => Ok(label),
            _ => Err(wrong(&format!("`{word}` is not a node"))),
        };
        let pair = |words: &str| -> Result<[u32; 2], String> {
            let (a, b) = words
                .split_once(',')
                .ok_or_else(|| wrong(&format!("`{words}` is not a pair")))?;
            Ok([label(a)?, label(b)?])
        };
        let (graph, rest) = text.split_once('/').ok_or_else(|| wrong("it has no `/`"))?;
        let (question, path) = rest.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
        let mut prefix = Vec::new();
        for (place, edge) in graph.split('|').enumerate() {
            if place > 0 {
                prefix.push(self.nodes);
            }
            prefix.extend(pair(edge)?);
        }
        prefix.push(self.nodes + 2);
        prefix.extend(pair(question)?);
        prefix.push(self.nodes + 1);
        let target = path
            .split(',')
            .map(label)
            .collect::<Result<Vec<u32>, String>>()?;
        let shape = self.shape();
        if prefix.len() != shape.prefix_length || target.len() != shape.target_length {
            return Err(wrong("its graph or its path has another size"));
        }
        Ok((prefix, target))
    }
}

impl Drawn for PathStar {
    const KIND: &'static str = "path-star";
    const VERSION: u32 = 2;
}

impl Contract for PathStar {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let Self {
            degree,
            path_length,
            nodes,
            train,
            test,
            ..
        } = *self;
        if !(1..=10_000).contains(&degree) {
            problems.push((
                "degree",
                format!("a degree of {degree} is not from 1 to 10000"),
            ));
        }
        if !(2..=10_000).contains(&path_length) {
            problems.push((
                "path_length",
                format!("a path of {path_length} nodes is not from 2 to 10000 nodes long"),
            ));
        }
        if nodes > 1_000_000 {
            problems.push((
                "nodes",
                format!("{nodes} node values are more than 1000000"),
            ));
        }
        for (name, count) in [("train", train), ("test", test)] {
            if !(1..=100_000_000).contains(&count) {
                problems.push((
                    name,
                    format!("{count} examples are not from 1 to 100000000"),
                ));
            }
        }
        if !problems.is_empty() {
            return problems;
        }
        let needed = self.graph_nodes();
        if u64::from(nodes) < needed {
            let why = format!(
                "{nodes} node values cannot label a graph of 1 + {degree} × ({path_length} − 1) = {needed} distinct nodes; \
                 use at least {needed}"
            );
            problems.push(("nodes", why));
            return problems;
        }
        let shape = self.shape();
        let tokens =
            (train + test).saturating_mul((shape.prefix_length + shape.target_length) as u64);
        if tokens > MOST_TOKENS {
            let row = shape.prefix_length + shape.target_length;
            let why = format!(
                "{train} + {test} examples of {row} tokens are more than {MOST_TOKENS} tokens"
            );
            problems.push(("train", why));
        }
        let questions = self.questions();
        if ((train + test) as f64) * 2.0 > questions {
            let why = format!(
                "only {questions} different questions exist for G({degree},{path_length}) with {nodes} node values, too few \
                 to draw {train} + {test} that all differ (at most half of them): lower train or test, or raise nodes"
            );
            problems.push(("train", why));
        }
        problems
    }

    fn shape(&self) -> ExampleShape {
        ExampleShape {
            vocabulary: self.nodes.saturating_add(4),
            mask: self.nodes.saturating_add(3),
            prefix_length: 3 * (self.graph_nodes() as usize - 1) + 3,
            target_length: self.path_length as usize,
        }
    }

    fn generate(&self, cancel: &dyn Fn() -> bool) -> Result<Dataset, Error> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(Error::Parameters(
                problems
                    .into_iter()
                    .map(|(name, why)| (name.to_owned(), why))
                    .collect(),
            ));
        }
        let shape = self.shape();
        let mut seen = Seen::default();
        let mut split = |name: &str, count: u64| self.split(name, count, &mut seen, cancel);
        let (train, test) = (split("train", self.train)?, split("test", self.test)?);
        Ok(Dataset {
            task: Task::PathStar(self.clone()),
            vocabulary: shape.vocabulary,
            mask: shape.mask,
            prefix_length: shape.prefix_length,
            target_length: shape.target_length,
            train,
            test,
        })
    }

    fn fresh(&self, epoch: u64, count: usize, test: &Examples) -> Result<Examples, Error> {
        let identities = test.iter().map(|(prefix, target)| {
            let tokens = [prefix, target].concat();
            self.identity(&tokens)
        });
        let mut seen = identities.collect::<Seen>();
        self.split(&format!("train/{epoch}"), count as u64, &mut seen, &|| {
            false
        })
    }

    fn render(&self, prefix: &[u32], target: &[u32]) -> String {
        let mut text = String::new();
        let mut after_node = false;
        for (place, &token) in prefix.iter().chain(target).enumerate() {
            let is_node = token < self.nodes;
            if is_node && after_node && place != prefix.len() {
                text.push(',');
            }
            match token.checked_sub(self.nodes) {
                None => text.push_str(&token.to_string()),
                Some(0) => text.push('|'),
                Some(1) => text.push('='),
                Some(2) => text.push('/'),
                Some(3) => text.push('$'),
                Some(_) => text.push('?'),
            }
            after_node = is_node;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn star(degree: u32, path_length: u32, extra: u32, seed: u64) -> PathStar {
        let nodes = 1 + degree * (path_length - 1) + extra;
        PathStar {
            degree,
            path_length,
            nodes,
            train: 40,
            test: 20,
            seed,
        }
    }

    /// Checks an example against its definition.
    fn check(task: &PathStar, prefix: &[u32], target: &[u32]) {
        let edges: Vec<(u32, u32)> = prefix[..prefix.len() - 4]
            .chunks(3)
            .map(|edge| (edge[0], edge[1]))
            .collect();
        let (start, goal) = (prefix[prefix.len() - 3], prefix[prefix.len() - 2]);
        let parents: BTreeMap<u32, u32> = edges
            .iter()
            .map(|&(parent, child)| (child, parent))
            .collect();
        assert_eq!(
            parents.len(),
            (task.degree * (task.path_length - 1)) as usize,
            "children are distinct"
        );
        assert!(!parents.contains_key(&start));
        let children = |node| edges.iter().filter(|edge| edge.0 == node).count();
        assert_eq!(children(start), task.degree as usize);
        let leaves: Vec<u32> = parents
            .keys()
            .copied()
            .filter(|&node| children(node) == 0)
            .collect();
        assert_eq!(leaves.len(), task.degree as usize);
        for leaf in leaves {
            let mut arm = vec![leaf];
            while let Some(&parent) = parents.get(arm.last().unwrap()) {
                arm.push(parent);
            }
            arm.reverse();
            assert_eq!(arm.len(), task.path_length as usize);
            assert_eq!(arm[0], start);
            if leaf == goal {
                assert_eq!(arm, target);
            }
        }
        assert_eq!(*target.last().unwrap(), goal);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_example_is_a_star_whose_target_is_the_path_to_its_goal(
            degree in 2u32..6, path_length in 3u32..6, extra in 2u32..20, seed: u64,
        ) {
            let task = star(degree, path_length, extra, seed);
            let dataset = task.generate(&|| false).unwrap();
            prop_assert_eq!((dataset.train.len(), dataset.test.len()), (40, 20));
            let mut seen = HashSet::new();
            for (prefix, target) in dataset.train.iter().chain(dataset.test.iter()) {
                check(&task, prefix, target);
                let text = task.render(prefix, target);
                prop_assert_eq!(task.parse(&text).unwrap(), (prefix.to_vec(), target.to_vec()));
                let (graph, question) = text.split_once('/').unwrap();
                let mut edges: Vec<&str> = graph.split('|').collect();
                edges.sort_unstable();
                prop_assert!(seen.insert((edges.join("|"), question.split('=').next().unwrap().to_owned())));
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let task = PathStar {
            train: 9000,
            test: 500,
            ..star(2, 4, 9, 3)
        };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| task.generate(&|| false).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn a_small_world_is_drawn_without_repeats() {
        // 4!/1 × … : G(1,3) with 4 values has 24 questions; 12 are asked.
        let task = PathStar {
            degree: 1,
            path_length: 3,
            nodes: 4,
            train: 8,
            test: 4,
            seed: 0,
        };
        let dataset = task.generate(&|| false).unwrap();
        let questions: HashSet<_> = dataset
            .train
            .iter()
            .chain(dataset.test.iter())
            .map(|(_, t)| t.to_vec())
            .collect();
        assert_eq!(questions.len(), 12);
    }

    #[test]
    fn the_notation_is_that_of_the_paper() {
        let task = PathStar {
            degree: 2,
            path_length: 5,
            nodes: 50,
            train: 1,
            test: 1,
            seed: 0,
        };
        let text = "32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,12=32,34,6,16,12";
        let (prefix, target) = task.parse(text).unwrap();
        assert_eq!(prefix.len(), 27);
        assert_eq!(target, [32, 34, 6, 16, 12]);
        assert_eq!(prefix[..6], [32, 3, 50, 16, 12, 50]);
        assert_eq!(prefix[23..], [52, 32, 12, 51]);
        assert_eq!(task.render(&prefix, &target), text);
        assert!(task.parse("32,3|16,12").is_err());
        assert!(task.parse("1,99/1,2=1,2").is_err());
        check(&task, &prefix, &target);
    }

    #[test]
    fn the_text_of_an_example_stays_what_it_was() {
        let dataset = PathStar {
            train: 2,
            test: 1,
            ..star(2, 4, 9, 0)
        }
        .generate(&|| false)
        .unwrap();
        insta::assert_snapshot!(dataset.sample(), @"
        # train, 2 examples
        5,11|4,0|15,12|4,3|3,5|0,15/4,11=4,3,5,11
        10,11|11,1|15,9|1,0|10,8|8,15/10,0=10,11,1,0
        # test, 1 examples
        6,14|10,3|14,10|6,15|15,5|5,12/6,12=6,15,5,12
        ");
    }

    #[test]
    fn impossible_parameters_are_named_with_their_numbers() {
        let task = PathStar {
            degree: 20,
            path_length: 5,
            nodes: 50,
            train: 1,
            test: 1,
            seed: 0,
        };
        let problems = task.problems();
        assert_eq!(problems[0].0, "nodes");
        assert!(problems[0].1.contains("81"), "{}", problems[0].1);
        let task = PathStar {
            degree: 2,
            path_length: 2,
            nodes: 3,
            train: 100,
            test: 10,
            seed: 0,
        };
        assert!(
            task.problems()[0].1.contains("only 6 different questions"),
            "{:?}",
            task.problems()
        );
        assert!(matches!(
            task.generate(&|| false),
            Err(Error::Parameters(_))
        ));
        for task in [
            PathStar {
                degree: 0,
                ..task.clone()
            },
            PathStar {
                path_length: 0,
                ..task.clone()
            },
        ] {
            assert!(!task.problems().is_empty());
            let _ = task.shape();
        }
        let task = PathStar {
            degree: 10_000,
            path_length: 10_000,
            nodes: 1_000_000,
            train: 1,
            test: 1,
            seed: 0,
        };
        assert!(!task.problems().is_empty());
    }

    #[test]
    fn fresh_examples_differ_from_epoch_to_epoch_and_from_the_test() {
        // G(1,3) with 4 values has 24 questions, 10 of them asked at the end.
        let task = PathStar {
            degree: 1,
            path_length: 3,
            nodes: 4,
            train: 2,
            test: 10,
            seed: 0,
        };
        let dataset = task.generate(&|| false).unwrap();
        let (one, two) = (dataset.fresh(1).unwrap(), dataset.fresh(2).unwrap());
        assert_eq!((one.len(), one.clone()), (2, dataset.fresh(1).unwrap()));
        assert_ne!(one, two);
        let many = task.fresh(3, 14, &dataset.test).unwrap();
        let asked: HashSet<_> = dataset.test.iter().map(|(_, target)| target).collect();
        assert!(many.iter().all(|(_, target)| !asked.contains(target)));
    }

    #[test]
    fn generating_stops_when_asked() {
        assert!(matches!(
            star(2, 4, 9, 0).generate(&|| true),
            Err(Error::Cancelled)
        ));
    }
}

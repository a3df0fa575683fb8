//! Drawing: one graph, and splits of graphs that are all different questions.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Contract, Direction, Edges, Error, Examples, Labels, PathStar, Query, Question};
use crate::learn::random;

/// How often a repeated draw is drawn anew. At least half of all questions are free, so failing this often is as likely
/// as 500 tails in a row.
const ATTEMPTS: u32 = 500;

/// Examples of one stream.
const CHUNK: usize = 4096;

/// Tokens drawn between two looks at `cancel`, but at least a chunk.
const AT_ONCE: usize = 1 << 23;

/// Memory that one draw leaves to the next.
#[derive(Default)]
struct Workspace {
    swaps: Vec<usize>,
    arms: Vec<Range<usize>>,
    edges: Vec<[u32; 2]>,
}

/// Identities of questions. They are well mixed already and need no other hash.
pub(super) type Seen = HashSet<u128, BuildHasherDefault<Mixed>>;

/// A hash of what is one already.
#[derive(Default)]
pub(super) struct Mixed(u64);

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
    /// One example, its prefix and then its target, into `row`; `labels` are all node values in whatever order, and stay so.
    fn draw(
        &self,
        stream: &mut ChaCha8Rng,
        labels: &mut [u32],
        workspace: &mut Workspace,
        row: &mut [u32],
    ) {
        let nodes = self.graph_nodes();
        let Workspace { swaps, arms, edges } = workspace;
        // The first of a shuffle; undone at the end, so that a draw costs no more than the labels it takes.
        swaps.clear();
        if self.labels == Labels::Fresh {
            for place in 0..nodes {
                let rest = (labels.len() - place) as u64;
                let other = place + random::below(stream, rest) as usize;
                labels.swap(place, other);
                swaps.push(other);
            }
        }
        let (start, others) = (labels[0], &labels[1..nodes]);
        self.lay_arms(stream, arms);
        let (arm, goal) = match self.query {
            Query::StartGoal => {
                let arm = random::below(stream, arms.len() as u64) as usize;
                (arms[arm].clone(), arms[arm].end - 1)
            }
            Query::AnyTarget => {
                let goal = random::below(stream, others.len() as u64) as usize;
                let arm = arms.partition_point(|arm| arm.end <= goal);
                (arms[arm].clone(), goal)
            }
        };
        self.lay_edges(stream, start, others, arms, edges);
        let (prefix, target) = row.split_at_mut(row.len() - self.shape().target_length);
        self.write(stream, edges, [start, others[goal]], prefix);
        let path = &others[arm.start..=goal];
        target[0] = start;
        target[1..=path.len()].copy_from_slice(path);
        target[path.len() + 1..].fill(self.mask());
        for (place, &other) in swaps.iter().enumerate().rev() {
            labels.swap(place, other);
        }
    }

    /// Which nodes each arm has, of all nodes but the start.
    fn lay_arms(&self, stream: &mut ChaCha8Rng, arms: &mut Vec<Range<usize>>) {
        let (degree, length) = (self.degree as usize, self.path_length as usize - 1);
        let spread = self.spread as usize;
        arms.clear();
        let (mut from, mut pair) = (0, 2 * length);
        for arm in 0..degree {
            let has = match arm % 2 {
                _ if spread == 0 || arm + 1 == degree && arm % 2 == 0 => length,
                0 => length - spread + random::below(stream, 2 * spread as u64 + 1) as usize,
                _ => pair,
            };
            pair = 2 * length - has;
            arms.push(from..from + has);
            from += has;
        }
    }

    /// Edges from parent to child, in the order in which they are written.
    fn lay_edges(
        &self,
        stream: &mut ChaCha8Rng,
        start: u32,
        others: &[u32],
        arms: &mut [Range<usize>],
        edges: &mut Vec<[u32; 2]>,
    ) {
        if self.edges != Edges::Shuffled {
            random::shuffle(stream, arms);
        }
        edges.clear();
        for arm in arms {
            let first = edges.len();
            let mut parent = start;
            for &child in &others[arm.clone()] {
                edges.push([parent, child]);
                parent = child;
            }
            if self.edges == Edges::ByArmBackward {
                edges[first..].reverse();
            }
        }
        if self.edges == Edges::Shuffled {
            random::shuffle(stream, edges);
        }
    }

    /// Writes edges and question into a prefix.
    fn write(
        &self,
        stream: &mut ChaCha8Rng,
        edges: &[[u32; 2]],
        question: [u32; 2],
        prefix: &mut [u32],
    ) {
        let (first, asked) = self.places();
        let written = prefix[first..].chunks_exact_mut(3);
        for (to, &[parent, child]) in written.zip(edges) {
            let turned = match self.direction {
                Direction::Forward => false,
                Direction::Backward => true,
                Direction::Mixed => random::below(stream, 2) == 1,
            };
            let [a, b] = if turned {
                [child, parent]
            } else {
                [parent, child]
            };
            to.copy_from_slice(&[a, b, self.bar()]);
        }
        let slash = match self.question {
            Question::After => asked - 1,
            Question::Before => first - 1,
        };
        prefix[slash] = self.slash();
        prefix[asked..asked + 2].copy_from_slice(&question);
        prefix[3 * edges.len() + 2] = self.equals();
    }

    /// What makes two examples the same question, the set of edges and the goal, in 128 bits. That two questions share one
    /// by chance is next to impossible, and then one of them is only drawn anew.
    pub(super) fn identity(&self, prefix: &[u32]) -> u128 {
        let mixed = |a: u32, b: u32| mix(u64::from(a) << 32 | u64::from(b));
        let asked = self.places().1;
        let goal = mixed(u32::MAX, prefix[asked + 1]);
        // A sum does not depend on the order of the edges.
        let either_way = self.direction == Direction::Mixed;
        let edges = self.pairs(prefix).map(|[a, b]| {
            if either_way {
                mixed(a.min(b), a.max(b))
            } else {
                mixed(a, b)
            }
        });
        let sum = edges.fold(goal, u128::wrapping_add);
        // Edges without direction do not tell where arms of unequal length meet.
        if either_way {
            sum.wrapping_add(mixed(u32::MAX - 1, prefix[asked]))
        } else {
            sum
        }
    }

    /// Draws examples of a split, none of them among those `seen`, to which they are added. `cancel` is asked often.
    pub(super) fn split(
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
        let mut all: Vec<u32> = (0..self.nodes).collect();
        if self.labels == Labels::Fixed {
            random::shuffle(&mut random::stream(self.seed, "path-star/labels"), &mut all);
        }
        // A chunk has a stream, so that threads change nothing, and a longer split begins like a shorter one.
        let draw = |chunk: usize, rows: &mut [u32], identities: &mut [u128]| {
            let mut stream = random::stream(self.seed, &format!("path-star/{name}/{chunk}"));
            let (mut labels, mut workspace) = (all.clone(), Workspace::default());
            for (row, identity) in rows.chunks_exact_mut(width).zip(identities) {
                self.draw(&mut stream, &mut labels, &mut workspace, row);
                *identity = self.identity(&row[..shape.prefix_length]);
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
                let (labels, workspace) =
                    spare.get_or_insert_with(|| (all.clone(), Workspace::default()));
                let row = &mut tokens[index * width..][..width];
                self.draw(
                    &mut random::stream(self.seed, &purpose),
                    labels,
                    workspace,
                    row,
                );
                identity = self.identity(&row[..shape.prefix_length]);
            }
        }
        Examples::new(shape.prefix_length, shape.target_length, tokens)
    }
}

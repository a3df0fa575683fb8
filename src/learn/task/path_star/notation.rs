//! The notation: where tokens stand in a prefix, and the text of an example.

use std::collections::{HashMap, HashSet};

use super::{Contract, Direction, PathStar, Question};
use crate::learn::task::graph::Graph;

impl PathStar {
    /// `|`, between edges.
    pub(super) fn bar(&self) -> u32 {
        self.nodes
    }

    /// `=`, before the path.
    pub(super) fn equals(&self) -> u32 {
        self.nodes.saturating_add(1)
    }

    /// `/`, between graph and question.
    pub(super) fn slash(&self) -> u32 {
        self.nodes.saturating_add(2)
    }

    /// `$`, which hides and pads.
    pub(super) fn mask(&self) -> u32 {
        self.nodes.saturating_add(3)
    }

    /// Where in a prefix the first edge stands, and where the start, behind which the goal stands.
    pub(super) fn places(&self) -> (usize, usize) {
        match self.question {
            Question::After => (0, 3 * self.graph_edges()),
            Question::Before => (3, 0),
        }
    }

    /// The edges of a prefix as they are written.
    pub(super) fn pairs<'a>(&self, prefix: &'a [u32]) -> impl Iterator<Item = [u32; 2]> + 'a {
        let first = self.places().0;
        let edges = &prefix[first..first + 3 * self.graph_edges()];
        edges.chunks_exact(3).map(|edge| [edge[0], edge[1]])
    }

    /// The graph that a prefix describes, if it is one of this task's length.
    pub(super) fn written_graph(&self, prefix: &[u32]) -> Option<Graph> {
        if prefix.len() != self.shape().prefix_length {
            return None;
        }
        let (first, question) = self.places();
        let (start, goal) = (prefix[question], prefix[question + 1]);
        let mut edges: Vec<[u32; 2]> = self.pairs(prefix).collect();
        match self.direction {
            Direction::Forward => {}
            Direction::Backward => edges.iter_mut().for_each(|edge| edge.reverse()),
            Direction::Mixed => lead_away(start, &mut edges),
        }
        Some(Graph {
            start,
            goal,
            edges,
            first,
            question,
        })
    }

    /// An example in the paper's notation.
    pub(super) fn written(&self, prefix: &[u32], target: &[u32]) -> String {
        let mut text = String::new();
        let mut after_word = false;
        for (place, &token) in prefix.iter().chain(target).enumerate() {
            let is_word = token < self.nodes || token == self.mask();
            if is_word && after_word && place != prefix.len() {
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
            after_word = is_word;
        }
        text
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
        let (given, path) = text.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
        let (one, other) = given
            .split_once('/')
            .ok_or_else(|| wrong("it has no `/`"))?;
        let edges = |graph: &str| -> Result<Vec<u32>, String> {
            let mut tokens = Vec::new();
            for (place, edge) in graph.split('|').enumerate() {
                if place > 0 {
                    tokens.push(self.bar());
                }
                tokens.extend(pair(edge)?);
            }
            Ok(tokens)
        };
        let (mut prefix, rest) = match self.question {
            Question::After => (edges(one)?, pair(other)?.to_vec()),
            Question::Before => (pair(one)?.to_vec(), edges(other)?),
        };
        prefix.push(self.slash());
        prefix.extend(rest);
        prefix.push(self.equals());
        let step = |word: &str| match word {
            "$" => Ok(self.mask()),
            word => label(word),
        };
        let target = path
            .split(',')
            .map(step)
            .collect::<Result<Vec<u32>, String>>()?;
        let shape = self.shape();
        if prefix.len() != shape.prefix_length || target.len() != shape.target_length {
            return Err(wrong("its graph or its path has another size"));
        }
        Ok((prefix, target))
    }
}

/// Turns edges around so that they lead away from the start; those that it is not connected with stay as they are.
fn lead_away(start: u32, edges: &mut [[u32; 2]]) {
    let mut beside: HashMap<u32, Vec<usize>> = HashMap::new();
    for (place, edge) in edges.iter().enumerate() {
        for node in edge {
            beside.entry(*node).or_default().push(place);
        }
    }
    let (mut reached, mut open) = (HashSet::from([start]), vec![start]);
    while let Some(node) = open.pop() {
        for &place in beside.get(&node).into_iter().flatten() {
            let [a, b] = edges[place];
            let other = if a == node { b } else { a };
            if reached.insert(other) {
                edges[place] = [node, other];
                open.push(other);
            }
        }
    }
}

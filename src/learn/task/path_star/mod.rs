//! The path-star task (Bachmann & Nagarajan 2024, section 4), and variants of it that were published since.
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
//! edges are written. A repeated draw is drawn anew, so no two splits share anything.
//!
//! The variants change how the graph is written (`edges`, `direction`, `question`), what may be asked (`query`), and the
//! graph itself (`labels`, `spread`). Frydenlund (2024, arXiv 2410.13779) permutes whole arms instead of edges and puts
//! the question before the graph; Frydenlund (2025, arXiv 2503.10542) generalises the queries and varies the lengths of the
//! arms. What is meant here is what the parameters below say, which need not agree with those papers in every detail.
//! Whatever the variant, all examples of a dataset have one length; a target that is shorter than others is padded with `$`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::{Contract, Dataset, Drawn, Error, ExampleShape, Examples, MOST_TOKENS, Task};

mod draw;
mod notation;
#[cfg(test)]
mod tests;

use draw::Seen;

/// Generates random path-star graphs.
///
/// Arms leave a start node, and the question is the path to the end of one arm. The model reads the edges of the graph, the start
/// and the goal, and writes the path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Examples that a training looks at while it runs, none of them to learn from or to test with; 0 for none. How many there
    /// are changes neither of the others.
    #[serde(default = "super::validation")]
    #[schemars(range(max = 100_000_000))]
    pub validation: u64,
    /// Seed of every draw.
    #[serde(default)]
    pub seed: u64,
    /// In which order the edges are written: all shuffled; or arm after arm, the arms in random order, each from the start
    /// on or each from its end back.
    // What is at its default is not written, so that datasets keep the bytes they had before there were variants.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "shuffled"))]
    pub edges: Edges,
    /// How an edge is written: `parent,child`; backward, `child,parent`; or mixed, either way at random for each edge.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "forward"))]
    pub direction: Direction,
    /// Where the question stands: after the graph, or before it (`start,goal/edges=path`).
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "after"))]
    pub question: Question,
    /// Which paths may be asked for: the path to the end of an arm, or to any node but the start, all equally likely; then targets are
    /// padded with `$` to the length of the longest.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "start-goal"))]
    pub query: Query,
    /// Which labels the nodes have: drawn anew for each graph; or fixed, one graph for the whole dataset, so that only the
    /// goal and the order of the edges vary. Then there are few questions: degree of them, or degree × (path_length − 1)
    /// with any target.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "fresh"))]
    pub labels: Labels,
    /// By how many nodes, at most, an arm is longer or shorter than path_length. Arms go in pairs: one is as much longer as
    /// the other is shorter, by a number drawn from all possible ones, so that every graph has as many nodes; of an odd
    /// number one arm stays. Targets are padded with `$` to path_length + spread.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(max = 10_000), extend("default" = 0))]
    pub spread: u32,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// In which order edges are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Edges {
    /// Every order is equally likely.
    #[default]
    Shuffled,
    /// Arm after arm, each from the start to its end; every order of arms is equally likely.
    ByArm,
    /// Arm after arm, each from its end to the start; every order of arms is equally likely.
    ByArmBackward,
}

/// Which node of an edge is written first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The parent, which is nearer to the start.
    #[default]
    Forward,
    /// The child.
    Backward,
    /// Either, at random for each edge.
    Mixed,
}

/// Where the question stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// After the graph.
    #[default]
    After,
    /// Before the graph.
    Before,
}

/// What may be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Query {
    /// The path from the start to the end of an arm.
    #[default]
    StartGoal,
    /// The path from the start to any other node.
    AnyTarget,
}

/// Which labels nodes have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// Drawn anew for each graph.
    #[default]
    Fresh,
    /// The same in all graphs.
    Fixed,
}

impl PathStar {
    /// Edges of a graph: d(l−1).
    fn graph_edges(&self) -> usize {
        self.degree as usize * (self.path_length as usize).saturating_sub(1)
    }

    /// Distinct nodes of a graph: 1 + d(l−1).
    fn graph_nodes(&self) -> usize {
        1 + self.graph_edges()
    }

    /// How many different questions exist: N! / (N − nodes)! ways to label, over d! orders of the arms, times the goals of a
    /// graph. Where the lengths of arms differ, only graphs with equal arms are counted: those are the fewest of any lengths,
    /// and enough of them means enough of all.
    fn questions(&self) -> f64 {
        // Goals over d!: over (d−1)! for the ends of the arms, times what an arm has of them.
        let of_an_arm = match self.query {
            Query::StartGoal => 1.0,
            Query::AnyTarget => f64::from(self.path_length.saturating_sub(1)),
        };
        if self.labels == Labels::Fixed {
            return f64::from(self.degree) * of_an_arm;
        }
        let labels = (0..(self.graph_nodes() as u64).min(u64::from(self.nodes)))
            .map(|i| (u64::from(self.nodes) - i) as f64);
        // Divided on the way, so that the product grows steadily; infinity is a good answer.
        let mut orders = (1..self.degree).map(f64::from);
        let product = labels.clone().fold(of_an_arm, |product, factor| {
            product * factor / orders.next().unwrap_or(1.0)
        });
        if product.is_finite() {
            return product;
        }
        // On its way it may have been larger than at its end.
        let orders = (1..self.degree).map(|order| f64::from(order).ln());
        (labels.map(f64::ln).sum::<f64>() + of_an_arm.ln() - orders.sum::<f64>())
            .exp()
            .round()
    }

    /// What is wrong with single parameters, and with those of the variants.
    fn own_problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let Self {
            degree,
            path_length,
            nodes,
            spread,
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
        for (name, count) in [("train", self.train), ("test", self.test)] {
            if !(1..=100_000_000).contains(&count) {
                problems.push((
                    name,
                    format!("{count} examples are not from 1 to 100000000"),
                ));
            }
        }
        if self.validation > 100_000_000 {
            let why = format!("{} examples are more than 100000000", self.validation);
            problems.push(("validation", why));
        }
        if spread > 0 && path_length.saturating_sub(spread) < 2 {
            let why = format!(
                "arms of {path_length} − {spread} nodes are too short; use a spread of at most {}",
                path_length.saturating_sub(2)
            );
            problems.push(("spread", why));
        }
        if spread > 0 && degree < 2 {
            let why = "a single arm has none to be longer than; use a degree of at least 2";
            problems.push(("spread", why.to_owned()));
        }
        if spread > 0 && self.labels == Labels::Fixed {
            let why = "one graph for all examples has arms of one length; leave out spread or fixed labels";
            problems.push(("spread", why.to_owned()));
        }
        problems
    }
}

impl Drawn for PathStar {
    const KIND: &'static str = "path-star";
    const VERSION: u32 = 3;
}

impl Contract for PathStar {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.own_problems();
        if !problems.is_empty() {
            return problems;
        }
        let Self {
            degree,
            path_length,
            nodes,
            train,
            test,
            validation,
            ..
        } = *self;
        let all = train + test + validation;
        // What a lower number helps most.
        let largest = if train.max(test) >= validation {
            "train"
        } else {
            "validation"
        };
        let needed = self.graph_nodes() as u64;
        if u64::from(nodes) < needed {
            let why = format!(
                "{nodes} node values cannot label a graph of 1 + {degree} × ({path_length} − 1) = {needed} distinct nodes; \
                 use at least {needed}"
            );
            problems.push(("nodes", why));
            return problems;
        }
        let shape = self.shape();
        let row = shape.prefix_length + shape.target_length;
        if all.saturating_mul(row as u64) > MOST_TOKENS {
            let why = format!(
                "{train} + {test} + {validation} examples of {row} tokens are more than {MOST_TOKENS} tokens"
            );
            problems.push((largest, why));
        }
        let questions = self.questions();
        if (all as f64) * 2.0 > questions {
            let (which, remedy) = match (self.labels, self.spread) {
                (Labels::Fixed, _) => (" and fixed labels", "or draw fresh `labels`"),
                (Labels::Fresh, 0) => ("", "or raise `nodes`"),
                (Labels::Fresh, _) => (" and equal arms", "or raise `nodes`"),
            };
            let most = (questions / 2.0).floor();
            let why = format!(
                "only {questions} different questions exist for G({degree},{path_length}), a graph of {degree} arms with \
                 {path_length} nodes each, the start counted, and {nodes} node values{which}; at most half of them can be \
                 drawn, {most}, and you ask for {all}: {train} to learn from, {test} to test with and {validation} for \
                 validation; ask for fewer, {remedy}"
            );
            problems.push((largest, why));
        }
        problems
    }

    fn shape(&self) -> ExampleShape {
        ExampleShape {
            vocabulary: self.nodes.saturating_add(4),
            mask: self.mask(),
            prefix_length: 3 * self.graph_edges() + 3,
            target_length: self.path_length.saturating_add(self.spread) as usize,
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
        let mut seen = Seen::default();
        let mut split = |name: &str, count: u64| self.split(name, count, &mut seen, cancel);
        let (train, test) = (split("train", self.train)?, split("test", self.test)?);
        // Drawn last, so that the others are the same however many there are.
        let validation = split("validation", self.validation)?;
        let task = Task::PathStar(self.clone());
        Ok(Dataset::of(task, [train, test, validation]))
    }

    fn fresh(&self, epoch: u64, count: usize, kept: &[&Examples]) -> Result<Examples, Error> {
        let kept = kept.iter().flat_map(|split| split.iter());
        let identities = kept.map(|(prefix, _)| self.identity(prefix));
        let mut seen = identities.collect::<Seen>();
        self.split(&format!("train/{epoch}"), count as u64, &mut seen, &|| {
            false
        })
    }

    fn has_graphs(&self) -> bool {
        true
    }

    fn graph(&self, prefix: &[u32]) -> Option<Graph> {
        self.written_graph(prefix)
    }

    fn render(&self, prefix: &[u32], target: &[u32]) -> String {
        self.written(prefix, target)
    }
}

//! The graph of an example, where its answer is a walk in one.

/// Directed edges, and the question which path leads from the start to the goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The node from which a walk begins.
    pub start: u32,
    /// The node to which it leads.
    pub goal: u32,
    /// Edges, from parent to child, in the order of the prefix.
    pub edges: Vec<[u32; 2]>,
    /// Where in the prefix the first edge stands, from 0; each takes three tokens, its two ends first.
    pub first: usize,
    /// Where in the prefix the start of the question stands, from 0; the goal stands behind it.
    pub question: usize,
}

impl Graph {
    /// The nodes to which edges lead from `node`, in the order of the prefix.
    #[must_use]
    pub fn children(&self, node: u32) -> Vec<u32> {
        let from = self.edges.iter().filter(|[parent, _]| *parent == node);
        from.map(|[_, child]| *child).collect()
    }
}

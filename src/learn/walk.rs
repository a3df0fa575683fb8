//! Answers as walks in the graph of their example: what kind of mistake a wrong one is.
//!
//! The paper's account of the failure (section 4) says more than that answers are wrong: a model that learnt the shortcut
//! guesses the first step and then follows the arm it is on, whichever it is. So the first step and the rest of the way are
//! told apart. Positions count from 1, the start; r_2 is the first step.
//!
//! A step stays in the graph where an edge leads from a token to the next. Where targets are padded with `$`, so may answers
//! be: `$` after a node stays in the graph where a walk may end, at the end of an arm or after as many nodes as the target
//! has; `$` after `$` counts as the step before it did.

use std::collections::HashSet;

use crate::learn::task::graph::Graph;

/// Where an answer went. Exactly one is true of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The answer is the target.
    Right,
    /// Along edges from the start down another arm than the goal's, all the way.
    WrongArm,
    /// From the start into the goal's arm, but then not as the target goes on.
    RightThenLost,
    /// From the start into another arm, and then over something that is no edge.
    WrongThenLost,
    /// It does not begin at the start, or its first step leads to no child of the start.
    OffGraph,
}

impl Outcome {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::WrongArm => "wrong-arm",
            Self::RightThenLost => "right-then-lost",
            Self::WrongThenLost => "wrong-then-lost",
            Self::OffGraph => "off-graph",
        }
    }
}

/// An answer as a walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// Where it went.
    pub outcome: Outcome,
    /// The arm that its first step takes: 1 is the goal's, then the others in the order of their first edges in the prefix.
    /// `None` where the outcome is [`Outcome::OffGraph`], and only there.
    pub arm: Option<usize>,
    /// The share of its steps that stay in the graph, 0 to 1; `None` where it has no step.
    pub edges: Option<f64>,
    /// Whether its last node is the goal.
    pub ends_in_goal: bool,
    /// The first position that leaves the graph: 1 where that is not the start, else where no edge leads to it.
    pub lost_at: Option<usize>,
    /// Whether every step to the positions 3 … l−1 stays in the graph, l being the nodes of the path to the goal: the
    /// answer follows the arm it is on, whichever it is. Not at 2, where it enters an arm or none, and not at l, where deep
    /// models copy the goal from the prefix. `None` where l is below 4, so that there is no such step.
    pub follows: Option<bool>,
}

impl Walk {
    /// The walk that `answer` takes where `target` is the true path; `pad` stands after the end of a path that is shorter
    /// than others.
    #[must_use]
    pub fn of(graph: &Graph, target: &[u32], answer: &[u32], pad: u32) -> Self {
        let edges: HashSet<[u32; 2]> = graph.edges.iter().copied().collect();
        let parents: HashSet<u32> = edges.iter().map(|edge| edge[0]).collect();
        let children: HashSet<u32> = edges.iter().map(|edge| edge[1]).collect();
        let is_node = |token: &u32| *token != pad;
        let nodes = target.iter().rposition(is_node).map_or(0, |last| last + 1);
        // Whether each step stays in the graph: the first leads to position 2.
        let mut stays: Vec<bool> = Vec::with_capacity(answer.len());
        for (before, step) in answer.windows(2).enumerate() {
            let [from, to] = [step[0], step[1]];
            let may_end =
                children.contains(&from) && (before + 1 == nodes || !parents.contains(&from));
            stays.push(match (from == pad, to == pad) {
                (_, false) => edges.contains(&[from, to]),
                (false, true) => may_end,
                (true, true) => stays.last().is_some_and(|&stays| stays),
            });
        }
        let starts = answer.first() == Some(&graph.start);
        let lost_at = if starts {
            stays.iter().position(|&stays| !stays).map(|step| step + 2)
        } else {
            Some(1)
        };
        let arm = match answer.get(1) {
            Some(step) if starts => arm(graph, target, *step),
            _ => None,
        };
        let outcome = match arm {
            _ if answer == target => Outcome::Right,
            None => Outcome::OffGraph,
            Some(1) => Outcome::RightThenLost,
            Some(_) if lost_at.is_none() => Outcome::WrongArm,
            Some(_) => Outcome::WrongThenLost,
        };
        // Position p is reached by step p−1, which stands at p−2.
        let middle = stays.get(1..nodes.max(2) - 2).filter(|m| !m.is_empty());
        let held = stays.iter().filter(|&&stays| stays).count();
        Self {
            outcome,
            arm,
            edges: (!stays.is_empty()).then(|| held as f64 / stays.len() as f64),
            ends_in_goal: answer.iter().rfind(|token| is_node(token)) == Some(&graph.goal),
            lost_at,
            follows: middle.map(|middle| middle.iter().all(|&stays| stays)),
        }
    }
}

/// The number of the arm that a step from the start takes.
fn arm(graph: &Graph, target: &[u32], step: u32) -> Option<usize> {
    let mut arms = graph.children(graph.start);
    // Stable: the others stay in their order.
    arms.sort_by_key(|child| target.get(1) != Some(child));
    let place = arms.iter().position(|&child| child == step)?;
    Some(place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAD: u32 = 99;

    /// Three arms of five nodes: 0-1-2-3-4 to the goal, and before it in the prefix 0-5-6-7-8, then 0-9-10-11-12.
    fn graph() -> Graph {
        let edges = "6,7 0,5 3,4 7,8 0,1 11,12 1,2 9,10 0,9 2,3 5,6 10,11";
        let edge = |text: &str| {
            let (a, b) = text.split_once(',').unwrap();
            [a.parse().unwrap(), b.parse().unwrap()]
        };
        Graph {
            start: 0,
            goal: 4,
            edges: edges.split(' ').map(edge).collect(),
            first: 0,
            question: 36,
        }
    }

    fn walk(answer: [u32; 5]) -> Walk {
        Walk::of(&graph(), &[0, 1, 2, 3, 4], &answer, PAD)
    }

    #[test]
    fn the_target_is_right() {
        let expected = Walk {
            outcome: Outcome::Right,
            arm: Some(1),
            edges: Some(1.0),
            ends_in_goal: true,
            lost_at: None,
            follows: Some(true),
        };
        assert_eq!(walk([0, 1, 2, 3, 4]), expected);
    }

    #[test]
    fn a_walk_down_another_arm_is_a_wrong_arm_numbered_by_its_place_in_the_prefix() {
        let expected = Walk {
            outcome: Outcome::WrongArm,
            arm: Some(2),
            edges: Some(1.0),
            ends_in_goal: false,
            lost_at: None,
            follows: Some(true),
        };
        assert_eq!(walk([0, 5, 6, 7, 8]), expected);
        let third = Walk {
            arm: Some(3),
            ..expected
        };
        assert_eq!(walk([0, 9, 10, 11, 12]), third);
    }

    #[test]
    fn a_goal_copied_from_the_prefix_at_the_end_of_a_wrong_arm_is_lost_there_and_followed_until_there()
     {
        let expected = Walk {
            outcome: Outcome::WrongThenLost,
            arm: Some(2),
            edges: Some(0.75),
            ends_in_goal: true,
            lost_at: Some(5),
            follows: Some(true),
        };
        assert_eq!(walk([0, 5, 6, 7, 4]), expected);
    }

    #[test]
    fn a_jump_from_a_wrong_arm_to_the_goals_does_not_follow() {
        let expected = Walk {
            outcome: Outcome::WrongThenLost,
            arm: Some(2),
            edges: Some(0.75),
            ends_in_goal: true,
            lost_at: Some(3),
            follows: Some(false),
        };
        assert_eq!(walk([0, 5, 2, 3, 4]), expected);
    }

    #[test]
    fn a_right_first_step_may_be_lost_later_even_at_the_end() {
        let expected = Walk {
            outcome: Outcome::RightThenLost,
            arm: Some(1),
            edges: Some(0.5),
            ends_in_goal: false,
            lost_at: Some(4),
            follows: Some(false),
        };
        assert_eq!(walk([0, 1, 2, 9, 12]), expected);
        let late = walk([0, 1, 2, 3, 8]);
        assert_eq!(
            (late.outcome, late.lost_at, late.follows),
            (Outcome::RightThenLost, Some(5), Some(true))
        );
    }

    #[test]
    fn a_first_step_to_no_child_of_the_start_is_off_the_graph_whatever_comes_then() {
        let expected = Walk {
            outcome: Outcome::OffGraph,
            arm: None,
            edges: Some(0.5),
            ends_in_goal: true,
            lost_at: Some(2),
            follows: Some(true),
        };
        assert_eq!(
            walk([0, 2, 3, 4, 4]),
            Walk {
                edges: Some(0.5),
                ..expected.clone()
            }
        );
        assert_eq!(walk([0, 0, 1, 2, 4]), expected);
    }

    #[test]
    fn an_answer_that_does_not_begin_at_the_start_is_off_the_graph_and_has_no_arm() {
        let expected = Walk {
            outcome: Outcome::OffGraph,
            arm: None,
            edges: Some(0.75),
            ends_in_goal: true,
            lost_at: Some(1),
            follows: Some(true),
        };
        assert_eq!(walk([3, 1, 2, 3, 4]), expected);
    }

    #[test]
    fn padding_stays_in_the_graph_where_a_walk_may_end() {
        // 0-1-2-3 to the goal, 0-4-5 and 0-6-7-8-9 beside it.
        let edges = vec![
            [0, 1],
            [1, 2],
            [2, 3],
            [0, 4],
            [4, 5],
            [0, 6],
            [6, 7],
            [7, 8],
            [8, 9],
        ];
        let graph = Graph {
            start: 0,
            goal: 3,
            edges,
            first: 0,
            question: 27,
        };
        let walk = |answer: [u32; 5]| Walk::of(&graph, &[0, 1, 2, 3, PAD], &answer, PAD);
        let told = |answer| {
            let walk = walk(answer);
            (walk.outcome, walk.edges, walk.lost_at)
        };
        assert_eq!(told([0, 1, 2, 3, PAD]), (Outcome::Right, Some(1.0), None));
        // To the end of a shorter arm; as far as the target goes in a longer one, or to its end.
        assert_eq!(
            told([0, 4, 5, PAD, PAD]),
            (Outcome::WrongArm, Some(1.0), None)
        );
        assert_eq!(
            told([0, 6, 7, 8, PAD]),
            (Outcome::WrongArm, Some(1.0), None)
        );
        assert_eq!(told([0, 6, 7, 8, 9]), (Outcome::WrongArm, Some(1.0), None));
        // Padding before that, and a node after padding, are off.
        assert_eq!(
            told([0, 6, PAD, PAD, PAD]),
            (Outcome::WrongThenLost, Some(0.25), Some(3))
        );
        assert_eq!(
            told([0, 4, 5, PAD, 5]),
            (Outcome::WrongThenLost, Some(0.75), Some(5))
        );
        assert_eq!(
            told([0, 1, 2, PAD, PAD]),
            (Outcome::RightThenLost, Some(0.5), Some(4))
        );
        assert_eq!(
            told([0, 1, 2, 77, PAD]),
            (Outcome::RightThenLost, Some(0.5), Some(4))
        );
        assert_eq!(told([PAD; 5]), (Outcome::OffGraph, Some(0.0), Some(1)));
        assert!(walk([0, 1, 2, 3, PAD]).ends_in_goal);
        // Positions 3 … l−1 are position 3 alone here.
        assert_eq!(walk([0, 4, 5, 1, 1]).follows, Some(true));
        assert_eq!(walk([0, 4, 7, 8, 9]).follows, Some(false));
    }

    #[test]
    fn short_paths_have_no_middle_and_no_answer_trips_the_judge() {
        let graph = Graph {
            start: 0,
            goal: 2,
            edges: vec![[0, 1], [1, 2], [0, 3], [3, 4]],
            first: 0,
            question: 12,
        };
        assert_eq!(Walk::of(&graph, &[0, 1, 2], &[0, 3, 4], PAD).follows, None);
        for answer in [&[][..], &[0], &[7, 7]] {
            for target in [&[][..], &[0], &[PAD, PAD]] {
                let walk = Walk::of(&graph, target, answer, PAD);
                assert_eq!(walk.follows, None);
                assert_eq!(walk.edges.is_some(), answer.len() > 1);
            }
        }
    }
}

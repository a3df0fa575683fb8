//! A look inside a model at one position: the state of every layer, and where its attention goes.
//!
//! The position that matters is that of the first hard token (paper, section 4): the one that predicts r_2, the first step of
//! the path, where next-token prediction has to have planned. In front of it stands what the learner's objective puts there
//! when it is examined: for next-token prediction the prefix and r_1; for a reversed target all that comes after r_2; for a
//! model that answers at once a `$`. What all objectives have alike is the end of the question, before any answer.

use std::ops::{ControlFlow, Range};

use candle_core::{DType, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::decoding;
use crate::learn::learner::Learner;
use crate::learn::model::Inside;
use crate::learn::task::{Examples, Task};

/// Where a model is looked into.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// The position that predicts the second token of the target, the first step of the path. It has read what the objective
    /// shows before: for next-token prediction the first token, for a reversed target all that come after the second.
    #[default]
    FirstStep,
    /// The last position of the prefix, before any answer.
    Question,
}

impl At {
    /// Its name, as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstStep => "first-step",
            Self::Question => "question",
        }
    }

    /// The place among the tokens that the learner reads, from 0.
    fn place(self, learner: &Learner) -> usize {
        let card = learner.card();
        let order = card.objective.contract().order();
        let taught = match self {
            Self::FirstStep => order.taught(1, card.target_length),
            Self::Question => 0,
        };
        card.prefix_length - 1 + taught
    }
}

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// This learner cannot be looked into with these examples.
    #[error("the model cannot be looked into: {0}")]
    Unfit(String),
    /// A computation failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
}

impl From<decoding::Error> for Error {
    fn from(error: decoding::Error) -> Self {
        match error {
            decoding::Error::Cancelled => Self::Cancelled,
            decoding::Error::Compute(error) => Self::Compute(error),
            decoding::Error::Problems(problems) => {
                let all = problems.iter().map(|(name, why)| format!("{name}: {why}"));
                Self::Unfit(all.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

/// Hears how many of how many examples were looked at, and may stop.
pub type Observe<'a> = &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>;

/// Is shown what goes on inside for some examples.
type Show<'a> = &'a mut dyn FnMut(Range<usize>, &Inside) -> Result<(), Error>;

/// Lets a learner read examples, `batch` at a time, and shows what goes on inside for each of these parts, in order.
fn each(
    learner: &Learner,
    examples: &Examples,
    at: At,
    batch: usize,
    observe: Observe<'_>,
    show: Show<'_>,
) -> Result<(), Error> {
    if learner.card().encoded {
        let why = "it reads graphs as text, in tokens of its own, among which nobody knows the place of an edge; use one that \
                   was trained from scratch";
        return Err(Error::Unfit(why.to_owned()));
    }
    if examples.target_length() < 2 {
        let why = "targets of one token have no first step".to_owned();
        return Err(Error::Unfit(why));
    }
    decoding::check(learner, examples)?;
    let read = at.place(learner) + 1;
    let all: Vec<usize> = (0..examples.len()).collect();
    for indices in all.chunks(batch.max(1)) {
        if observe(indices[0], examples.len()).is_break() {
            return Err(Error::Cancelled);
        }
        let rows = learner.forced_batch(examples, indices);
        // A causal model needs nothing of what comes after.
        let rows = rows.inputs.chunks_exact(rows.inputs.len() / rows.rows);
        let tokens: Vec<u32> = rows.flat_map(|row| &row[..read]).copied().collect();
        let tokens = Tensor::from_vec(tokens, (indices.len(), read), learner.device())?;
        let inside = learner.model().inside(&tokens)?;
        show(indices[0]..indices[0] + indices.len(), &inside)?;
    }
    Ok(())
}

/// Numbers of a tensor, row-major.
fn numbers(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

/// The states of all layers, each row-major, (examples, width): what the first layer is given, then what each leaves.
///
/// # Errors
/// [`Error::Unfit`] where learner and examples do not fit or the learner reads text, [`Error::Cancelled`] once `observe`
/// breaks.
pub fn states(
    learner: &Learner,
    examples: &Examples,
    at: At,
    batch: usize,
    observe: Observe<'_>,
) -> Result<Vec<Vec<f32>>, Error> {
    let mut layers: Vec<Vec<f32>> = Vec::new();
    each(learner, examples, at, batch, observe, &mut |_, inside| {
        layers.resize(inside.states.len(), Vec::new());
        for (layer, state) in layers.iter_mut().zip(&inside.states) {
            layer.extend(numbers(state)?);
        }
        Ok(())
    })?;
    Ok(layers)
}

/// The first nodes of each example's arms: among them is the first step of the path.
///
/// # Errors
/// [`Error::Unfit`] where an example is not of a path-star graph.
pub fn arms(task: &Task, examples: &Examples) -> Result<Vec<Vec<u32>>, Error> {
    (0..examples.len())
        .map(|index| Ok(star(task, examples, index)?.arms))
        .collect()
}

/// Where attention goes on average.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// What is attended to.
    pub keys: Vec<String>,
    /// Heads of a layer.
    pub heads: usize,
    /// The share that goes to each, row-major, (layers, heads, keys); a head's shares sum to 1.
    pub shares: Vec<f64>,
}

/// The mean attention of a position over examples: to both ends of each edge of the right path, from its start on
/// (`edge 1 parent`, `edge 1 child`, …), to the start and the goal in the question, to the position itself, and to all else.
///
/// # Errors
/// As [`states`], and a model without attention.
pub fn attention(
    learner: &Learner,
    task: &Task,
    examples: &Examples,
    at: At,
    batch: usize,
    observe: Observe<'_>,
) -> Result<Attention, Error> {
    let place = at.place(learner);
    let edges = examples.target_length().saturating_sub(1);
    let ends =
        (1..=edges).flat_map(|edge| ["parent", "child"].map(|end| format!("edge {edge} {end}")));
    let others = ["start", "goal", "itself", "elsewhere"].map(str::to_owned);
    let keys: Vec<String> = ends.chain(others).collect();
    let mut heads = 0;
    let mut sums: Vec<f64> = Vec::new();
    each(
        learner,
        examples,
        at,
        batch,
        observe,
        &mut |rows, inside| {
            if inside.attention.is_empty() {
                let why = "it has no attention; take one of a transformer".to_owned();
                return Err(Error::Unfit(why));
            }
            heads = inside.attention[0].dim(1)?;
            let a_layer = heads * keys.len();
            sums.resize(inside.attention.len() * a_layer, 0.0);
            for (layer, weights) in inside.attention.iter().enumerate() {
                let (_, _, length) = weights.dims3()?; // (batch, heads, length)
                let weights = numbers(weights)?;
                for (row, index) in rows.clone().enumerate() {
                    let star = star(task, examples, index)?;
                    for head in 0..heads {
                        let spread = &weights[(row * heads + head) * length..][..length];
                        let sums = &mut sums[layer * a_layer + head * keys.len()..][..keys.len()];
                        let all: f64 = spread.iter().map(|share| f64::from(*share)).sum();
                        let mut named = 0.0;
                        let places = star.path.iter().flatten().copied().enumerate();
                        // At the end of the question the position itself is none of those before.
                        let others = [star.start, star.goal, place].into_iter();
                        for (key, place) in places.chain((2 * edges..).zip(others)) {
                            let share = f64::from(spread[place]) / all;
                            sums[key] += share;
                            named += share;
                        }
                        sums[keys.len() - 1] += 1.0 - named;
                    }
                }
            }
            Ok(())
        },
    )?;
    let count = examples.len().max(1) as f64;
    Ok(Attention {
        keys,
        heads,
        shares: sums.into_iter().map(|sum| sum / count).collect(),
    })
}

/// Where what matters of a graph stands in its prefix, places from 0.
#[derive(Debug, PartialEq)]
struct Star {
    /// The first nodes of the arms.
    arms: Vec<u32>,
    /// Parent and child of each edge of the right path, from the start on.
    path: Vec<[usize; 2]>,
    /// The start in the question.
    start: usize,
    /// The goal in the question.
    goal: usize,
}

/// Finds what matters of an example's graph in its prefix.
fn star(task: &Task, examples: &Examples, index: usize) -> Result<Star, Error> {
    let (prefix, target) = examples.get(index);
    let unfit = |why: String| Error::Unfit(format!("example {index} {why}"));
    let Some(graph) = task.contract().graph(prefix) else {
        let why = "has no graph in its prefix; take a dataset of `path-star` or `dataset`";
        return Err(unfit(why.to_owned()));
    };
    // A path that is shorter than others is padded with what is no node.
    let steps = target.windows(2).take_while(|step| step[0] != graph.goal);
    let path = steps.map(|step| {
        let edge = graph.edges.iter().position(|edge| edge == step);
        let edge =
            edge.ok_or_else(|| unfit(format!("has no edge from {} to {}", step[0], step[1])))?;
        // An edge may be written from child to parent.
        let at = graph.first + 3 * edge;
        Ok(if prefix[at] == step[0] {
            [at, at + 1]
        } else {
            [at + 1, at]
        })
    });
    Ok(Star {
        path: path.collect::<Result<_, Error>>()?,
        arms: graph.children(graph.start),
        start: graph.question,
        goal: graph.question + 1,
    })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::learn::learner::Card;
    use crate::learn::model::Architecture;
    use crate::learn::model::mamba::Mamba;
    use crate::learn::model::transformer::Transformer;
    use crate::learn::objective::Objective;
    use crate::learn::task::path_star::{Direction, PathStar, Query, Question};
    use crate::learn::task::{Contract, Dataset};

    fn data() -> Dataset {
        let task = PathStar {
            degree: 3,
            path_length: 3,
            nodes: 9,
            train: 10,
            test: 7,
            ..PathStar::default()
        };
        task.generate(&|| false).unwrap()
    }

    fn learner(architecture: Architecture, objective: &str) -> Learner {
        let objective: Objective =
            serde_json::from_value(serde_json::json!({ "kind": objective })).unwrap();
        let card = Card::new(architecture, objective, &data());
        Learner::new(card, 1, DType::F32, &Device::Cpu).unwrap()
    }

    fn transformer() -> Architecture {
        Architecture::Transformer(Transformer {
            layers: 2,
            width: 8,
            heads: 2,
            ..Transformer::default()
        })
    }

    fn mamba() -> Architecture {
        Architecture::Mamba(Mamba {
            layers: 3,
            width: 8,
            ..Mamba::default()
        })
    }

    fn go(_: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn edges_are_found_where_they_stand() {
        // 4→7→2 and 4→1→3, asked for 2; | is 9, = is 10, / is 11, $ is 12.
        let plain = PathStar {
            degree: 2,
            path_length: 3,
            nodes: 9,
            train: 1,
            test: 1,
            ..PathStar::default()
        };
        let found = |task: &PathStar, prefix: &[u32], target: &[u32]| {
            let examples = Examples::new(prefix.len(), 3, [prefix, target].concat()).unwrap();
            star(&Task::PathStar(task.clone()), &examples, 0)
        };
        let prefix = [1, 3, 9, 4, 1, 9, 7, 2, 9, 4, 7, 11, 4, 2, 10];
        let expected = Star {
            arms: vec![1, 7],
            path: vec![[9, 10], [6, 7]],
            start: 12,
            goal: 13,
        };
        assert_eq!(found(&plain, &prefix, &[4, 7, 2]).unwrap(), expected);
        let examples = Examples::new(15, 3, [&prefix[..], &[4, 7, 2]].concat()).unwrap();
        let task = Task::PathStar(plain.clone());
        assert_eq!(arms(&task, &examples).unwrap(), [[1, 7]]);
        let said = found(&plain, &prefix, &[4, 2, 7]).unwrap_err().to_string();
        assert!(said.contains("from 4 to 2"), "{said}");
        assert!(found(&plain, &prefix[1..], &[4, 7, 2]).is_err());

        // The question first, edges from child to parent, and a goal on the way.
        let varied = PathStar {
            direction: Direction::Backward,
            question: Question::Before,
            query: Query::AnyTarget,
            ..plain
        };
        let prefix = [4, 7, 11, 3, 1, 9, 1, 4, 9, 2, 7, 9, 7, 4, 10];
        let expected = Star {
            arms: vec![1, 7],
            path: vec![[13, 12]],
            start: 0,
            goal: 1,
        };
        assert_eq!(found(&varied, &prefix, &[4, 7, 12]).unwrap(), expected);
    }

    #[test]
    fn the_first_step_is_predicted_where_the_objective_predicts_it() {
        let data = data();
        let (prefix, target) = data.test.get(0);
        for (objective, before) in [
            ("next-token", vec![target[0]]),
            ("reversed", vec![target[2]]),
            ("teacherless", vec![data.mask]),
        ] {
            let learner = learner(transformer(), objective);
            let row = learner.forced_batch(&data.test, &[0]);
            let place = At::FirstStep.place(&learner);
            assert_eq!(row.inputs[prefix.len()..=place], before, "{objective}");
            assert_eq!(
                row.labels[place + 1 - prefix.len()],
                target[1],
                "{objective}"
            );
            assert_eq!(At::Question.place(&learner), prefix.len() - 1);
        }
    }

    #[test]
    fn every_layer_has_a_state_and_neither_the_batch_nor_later_tokens_change_it() {
        let data = data();
        for (architecture, layers) in [(transformer(), 3), (mamba(), 4)] {
            let learner = learner(architecture, "next-token");
            let one = states(&learner, &data.test, At::FirstStep, 1, &mut go).unwrap();
            let all = states(&learner, &data.test, At::FirstStep, 100, &mut go).unwrap();
            assert_eq!(one.len(), layers);
            for (one, all) in one.iter().flatten().zip(all.iter().flatten()) {
                assert!((one - all).abs() < 1e-5);
            }
            let asked = states(&learner, &data.test, At::Question, 100, &mut go).unwrap();
            assert_ne!(asked, all);
        }
    }

    #[test]
    fn attention_is_shared_out_in_full_and_mamba_has_none() {
        let data = data();
        let learner = learner(transformer(), "next-token");
        let spread =
            attention(&learner, &data.task, &data.test, At::FirstStep, 3, &mut go).unwrap();
        let keys = [
            "edge 1 parent",
            "edge 1 child",
            "edge 2 parent",
            "edge 2 child",
            "start",
            "goal",
            "itself",
            "elsewhere",
        ];
        assert_eq!(spread.keys, keys);
        assert_eq!((spread.heads, spread.shares.len()), (2, 2 * 2 * 8));
        for head in spread.shares.chunks(8) {
            assert!((head.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!(head.iter().all(|share| *share > 0.0), "{head:?}");
        }
        // Fresh weights are small, so that every position gets about the same: 22 of them.
        assert!((spread.shares[0] - 1.0 / 22.0).abs() < 0.01);
        let mamba = self::learner(mamba(), "next-token");
        let said =
            attention(&mamba, &data.task, &data.test, At::FirstStep, 3, &mut go).unwrap_err();
        assert!(said.to_string().contains("it has no attention"), "{said}");
        let stopped = attention(
            &learner,
            &data.task,
            &data.test,
            At::FirstStep,
            3,
            &mut |_, _| ControlFlow::Break(()),
        );
        assert!(matches!(stopped, Err(Error::Cancelled)));
    }
}

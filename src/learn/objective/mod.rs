//! Objectives: how an example is taught, and how a model so taught answers.
//!
//! Glossary: p are the prefix tokens, r_1 … r_l the target in the order in which it is taught, h_i the hidden state that
//! predicts r_i, which stands at the token before it. The loss falls on the l target tokens only. r_1, the start, is a
//! copy from the prefix; the hard token is r_2.

use crate::learn::kernel::cross_entropy;
use crate::learn::model::Model;
use crate::learn::model::parameters::{Parameters, Specification};
use crate::learn::task::Examples;
use candle_core::{Result, Tensor};

pub mod multi_token;
pub mod next_token;
pub mod reversed;
pub mod teacherless;

use multi_token::MultiToken;
use next_token::NextToken;
use reversed::Reversed;
use teacherless::Teacherless;

/// What an objective must offer. What is given by default is next-token prediction.
pub trait Contract {
    /// What is wrong with the parameters for targets of this length; empty where nothing is. With no length known, only
    /// what is wrong for every length.
    fn problems(&self, target_length: Option<usize>) -> Vec<(&'static str, String)> {
        let _ = target_length;
        Vec::new()
    }

    /// Weights beside the model's; their names begin with `objective.`.
    fn specification(&self, width: usize, target_length: usize) -> Specification {
        let _ = (width, target_length);
        Specification::new()
    }

    /// Which way round the target is taught and written.
    fn order(&self) -> Order {
        Order::Natural
    }

    /// Whether the model sees the true target tokens before the one it is to predict.
    fn answers(&self) -> Answering {
        Answering::Autoregressive
    }

    /// The loss of a lesson, a scalar in nats; by default the mean cross-entropy over batch and target positions.
    ///
    /// # Errors
    /// The computation's.
    fn loss(&self, lesson: &Lesson<'_>) -> Result<Tensor> {
        cross_entropy(&lesson.model.logits(lesson.hidden)?, lesson.labels)
    }
}

roster! {
    /// An objective and its parameters.
    pub enum Objective: Contract {
        /// Predict each target token from the true ones before it (teacher forcing).
        NextToken(NextToken),
        /// Next-token prediction of the target written backwards, from the goal to the start.
        Reversed(Reversed),
        /// Predict the whole target at once, with none of its tokens shown (the paper's section 5).
        Teacherless(Teacherless),
        /// Predict each target token and those after it, each by a head of its own.
        MultiToken(MultiToken),
    }
}

/// Which way round a target is taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the start to the goal.
    Natural,
    /// From the goal to the start.
    Reversed,
}

impl Order {
    /// The place in the natural target of the token taught at `place`, both from 0.
    #[must_use]
    pub fn natural(self, place: usize, target_length: usize) -> usize {
        match self {
            Self::Natural => place,
            Self::Reversed => target_length - 1 - place,
        }
    }
}

/// How a model that was taught answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Token by token, each read before the next is written; taught with the true tokens before.
    Autoregressive,
    /// All tokens in one pass over `$`s; taught the same way.
    Parallel,
}

/// What a loss is computed from.
pub struct Lesson<'a> {
    /// The model, for its head.
    pub model: &'a dyn Model,
    /// All weights, the objective's own among them.
    pub parameters: &'a Parameters,
    /// h_1 … h_l, (batch, l, width).
    pub hidden: &'a Tensor,
    /// r_1 … r_l, row-major, (batch, l).
    pub labels: &'a [u32],
}

/// Examples as a model is taught them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// How many examples.
    pub size: usize,
    /// Input tokens, row-major, (batch, prefix + l − 1).
    pub inputs: Vec<u32>,
    /// r_1 … r_l, row-major, (batch, l).
    pub labels: Vec<u32>,
}

impl Objective {
    /// Lays out the examples at `indices`; `mask` is the token that hides.
    ///
    /// # Panics
    /// An index that is not below the number of examples.
    #[must_use]
    pub fn batch(&self, examples: &Examples, indices: &[usize], mask: u32) -> Batch {
        let (order, answers) = (self.contract().order(), self.contract().answers());
        let length = examples.target_length();
        let mut batch = Batch {
            size: indices.len(),
            inputs: Vec::with_capacity(indices.len() * (examples.prefix_length() + length - 1)),
            labels: Vec::with_capacity(indices.len() * length),
        };
        for &index in indices {
            let (prefix, target) = examples.get(index);
            let first = batch.labels.len();
            batch
                .labels
                .extend((0..length).map(|place| target[order.natural(place, length)]));
            batch.inputs.extend_from_slice(prefix);
            match answers {
                Answering::Autoregressive => batch
                    .inputs
                    .extend_from_slice(&batch.labels[first..first + length - 1]),
                Answering::Parallel => batch.inputs.extend(std::iter::repeat_n(mask, length - 1)),
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_objective_lays_out_its_inputs_and_labels() {
        let examples = Examples::new(3, 4, vec![7, 8, 9, 1, 2, 3, 4, 9, 8, 7, 4, 3, 2, 1]).unwrap();
        let layout = |objective: Objective| {
            let batch = objective.batch(&examples, &[0], 0);
            (batch.inputs, batch.labels)
        };
        assert_eq!(
            layout(Objective::NextToken(NextToken {})),
            (vec![7, 8, 9, 1, 2, 3], vec![1, 2, 3, 4])
        );
        assert_eq!(
            layout(Objective::Reversed(Reversed {})),
            (vec![7, 8, 9, 4, 3, 2], vec![4, 3, 2, 1])
        );
        assert_eq!(
            layout(Objective::Teacherless(Teacherless {})),
            (vec![7, 8, 9, 0, 0, 0], vec![1, 2, 3, 4])
        );
        let multi = Objective::MultiToken(MultiToken { heads: None });
        assert_eq!(
            layout(multi.clone()),
            (vec![7, 8, 9, 1, 2, 3], vec![1, 2, 3, 4])
        );
        assert_eq!(
            multi.batch(&examples, &[1, 0], 0).labels,
            [4, 3, 2, 1, 1, 2, 3, 4]
        );
    }

    #[test]
    fn objectives_are_written_by_their_kind() {
        let read = |text: &str| serde_json::from_str::<Objective>(text);
        assert_eq!(
            read(r#"{"kind":"next-token"}"#).unwrap(),
            Objective::NextToken(NextToken {})
        );
        assert_eq!(
            read(r#"{"kind":"multi-token","heads":2}"#).unwrap(),
            Objective::MultiToken(MultiToken { heads: Some(2) })
        );
        assert!(read(r#"{"kind":"next-token","heads":2}"#).is_err());
    }
}

//! Objectives: how an example is taught, and how a model so taught answers.
//!
//! Glossary: p are the prefix tokens, r_1 … r_l the target in the order in which it is taught, h_i the hidden state that
//! predicts r_i, which stands at the token before it, U the model's own head. The loss falls on the l target tokens only.
//! In natural order r_1, the start, is a copy from the prefix; the hard token is r_2.
//!
//! An example is laid out in one row of inputs or in several, each with a weight: its share of the batch's loss. What an
//! objective computes is a sum over rows, so that a batch cut into parts of whole rows has the sum of their losses.
//! Heads beside the model's own live in weights named `objective.…`; nothing reads them once a model is taught.

use std::ops::Range;

use candle_core::{Result, Tensor};
use rand_chacha::ChaCha8Rng;

use crate::learn::kernel::cross_entropy;
use crate::learn::model::Model;
use crate::learn::model::parameters::{Parameters, Specification};
use crate::learn::task::{ExampleShape, Examples};

pub mod bag_of_words;
pub mod first_step;
pub mod hybrid;
pub mod masked;
pub mod multi_token;
pub mod next_token;
pub mod reversed;
pub mod teacherless;
pub mod token_order;

use bag_of_words::BagOfWords;
use first_step::FirstStep;
use hybrid::Hybrid;
use masked::Masked;
use multi_token::MultiToken;
use next_token::NextToken;
use reversed::Reversed;
use teacherless::Teacherless;
use token_order::TokenOrder;

/// What an objective must offer. What is given by default is next-token prediction.
pub trait Contract {
    /// What is wrong with the parameters for targets of this length; empty where nothing is. With no length known, only
    /// what is wrong for every length.
    fn problems(&self, target_length: Option<usize>) -> Vec<(&'static str, String)> {
        let _ = target_length;
        Vec::new()
    }

    /// Weights beside the model's, for hidden states of this width; their names begin with `objective.`.
    fn specification(&self, width: usize, shape: ExampleShape) -> Specification {
        let _ = (width, shape);
        Specification::new()
    }

    /// Whether it picks a node of the path by its place in the target; in text, every other token is a separator.
    fn picks_by_place(&self) -> bool {
        false
    }

    /// In which order the target is taught and written.
    fn order(&self) -> Order {
        Order::Natural
    }

    /// How a model so taught answers, and with it whether it is examined with the true tokens before the one to predict.
    fn answers(&self) -> Answering {
        Answering::Autoregressive
    }

    /// How much of an example's loss falls on each of the rows it is taught in; together 1. By default it has one row.
    fn rows(&self) -> Vec<f64> {
        vec![1.0]
    }

    /// Hides true tokens in a row of an example that is taught: `inputs`, r_1 … r_{l−1}, are overwritten with `mask`
    /// where the model is not to see them. By default none is hidden from a model that answers token by token, and all
    /// from one that answers at once. `draws` are for this batch alone.
    fn hide(&self, row: usize, inputs: &mut [u32], mask: u32, draws: &mut ChaCha8Rng) {
        let _ = (row, draws);
        self.answers().hide(inputs, mask);
    }

    /// The loss of a lesson, a scalar in nats: over its rows, the sum of their weights times their losses; by default a
    /// row's loss is the mean cross-entropy over target positions.
    ///
    /// # Errors
    /// The computation's.
    fn loss(&self, lesson: &LossInputs<'_>) -> Result<Tensor> {
        let shares = lesson.shares(lesson.hidden.dim(1)?);
        cross_entropy(&lesson.model.logits(lesson.hidden)?, lesson.labels, &shares)
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
        /// Predict each target token, and by a second head the order in which the tokens to come will come.
        TokenOrder(TokenOrder),
        /// Predict each target token, and by a second head which tokens come after it.
        BagOfWords(BagOfWords),
        /// Next-token prediction and teacherless training, weighted.
        Hybrid(Hybrid),
        /// Next-token prediction with some of the true tokens hidden, at random.
        Masked(Masked),
        /// Predict the second target token only, which is the first step of the path.
        FirstStep(FirstStep),
    }
}

/// In which order the tokens of a target are taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the start to the goal.
    Natural,
    /// From the goal to the start.
    Reversed,
    /// From the third token to the goal, then the start, then the second token: the first step of the path.
    StepLast,
}

impl Order {
    /// The place in the natural target of the token taught at `place`, both from 0.
    #[must_use]
    pub fn natural(self, place: usize, target_length: usize) -> usize {
        match self {
            Self::Natural => place,
            Self::Reversed => target_length - 1 - place,
            Self::StepLast => (place + 2) % target_length,
        }
    }

    /// The place at which the token at `place` of the natural target is taught: [`Order::natural`] undone.
    #[must_use]
    pub fn taught(self, place: usize, target_length: usize) -> usize {
        match self {
            Self::Natural => place,
            Self::Reversed => target_length - 1 - place,
            // Adding 2·l keeps a target of one token from going below 0.
            Self::StepLast => (place + 2 * target_length - 2) % target_length,
        }
    }
}

/// How a model that was taught answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Token by token, each read before the next is written; examined with the true tokens before.
    Autoregressive,
    /// All tokens in one pass over `$`s; examined the same way.
    Parallel,
}

impl Answering {
    /// Overwrites the true target inputs that a model so answering does not see.
    fn hide(self, inputs: &mut [u32], mask: u32) {
        match self {
            Self::Autoregressive => {}
            Self::Parallel => inputs.fill(mask),
        }
    }
}

/// What a loss is computed from.
pub struct LossInputs<'a> {
    /// The model, for its head.
    pub model: &'a dyn Model,
    /// All weights, the objective's own among them.
    pub parameters: &'a Parameters,
    /// h_1 … h_l, (rows, l, width).
    pub hidden: &'a Tensor,
    /// r_1 … r_l, row-major, (rows, l).
    pub labels: &'a [u32],
    /// How much each row's loss counts, (rows).
    pub weights: &'a [f32],
    /// The token that hides another, and fills up answers that are shorter than others.
    pub mask: u32,
}

impl LossInputs<'_> {
    /// How much each position counts where a row's loss is the mean over so many of them, row-major, (rows, positions).
    #[must_use]
    pub fn shares(&self, positions: usize) -> Vec<f32> {
        let share = |&weight: &f32| std::iter::repeat_n(weight / positions as f32, positions);
        self.weights.iter().flat_map(share).collect()
    }
}

/// Examples as a model is taught them.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// How many rows.
    pub rows: usize,
    /// Input tokens, row-major, (rows, prefix + l − 1).
    pub inputs: Vec<u32>,
    /// r_1 … r_l, row-major, (rows, l).
    pub labels: Vec<u32>,
    /// How much of the batch's loss is each row's; together 1, (rows).
    pub weights: Vec<f32>,
}

impl Batch {
    fn new(rows: usize, examples: &Examples) -> Self {
        let (prefix, target) = (examples.prefix_length(), examples.target_length());
        Self {
            rows: 0,
            inputs: Vec::with_capacity(rows * (prefix + target - 1)),
            labels: Vec::with_capacity(rows * target),
            weights: Vec::with_capacity(rows),
        }
    }

    /// Adds a row; `hide` overwrites what the model is not to see of r_1 … r_{l−1}.
    fn push(
        &mut self,
        (prefix, target): (&[u32], &[u32]),
        order: Order,
        weight: f64,
        hide: impl FnOnce(&mut [u32]),
    ) {
        let (row, length) = (self.labels.len(), target.len());
        self.labels
            .extend((0..length).map(|place| target[order.natural(place, length)]));
        self.inputs.extend_from_slice(prefix);
        let shown = self.inputs.len();
        self.inputs
            .extend_from_slice(&self.labels[row..row + length - 1]);
        hide(&mut self.inputs[shown..]);
        self.weights.push(weight as f32);
        self.rows += 1;
    }

    /// Some of the rows, with the weights they have here: the losses of slices that make up a batch sum to the batch's.
    ///
    /// # Panics
    /// Rows that the batch does not have.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let of = |tokens: &[u32]| {
            let width = tokens.len() / self.rows.max(1);
            tokens[rows.start * width..rows.end * width].to_vec()
        };
        Self {
            rows: rows.len(),
            inputs: of(&self.inputs),
            labels: of(&self.labels),
            weights: self.weights[rows.clone()].to_vec(),
        }
    }
}

impl Objective {
    /// Lays out the examples at `indices` to be taught, the rows of an example one after another; `mask` is the token
    /// that hides, and `draws` decide what the objective leaves to chance.
    ///
    /// # Panics
    /// An index that is not below the number of examples.
    #[must_use]
    pub fn batch(
        &self,
        examples: &Examples,
        indices: &[usize],
        mask: u32,
        draws: &mut ChaCha8Rng,
    ) -> Batch {
        let objective = self.contract();
        let (order, rows) = (objective.order(), objective.rows());
        let mut batch = Batch::new(indices.len() * rows.len(), examples);
        for &index in indices {
            for (row, share) in rows.iter().enumerate() {
                let weight = share / indices.len() as f64;
                batch.push(examples.get(index), order, weight, |inputs| {
                    objective.hide(row, inputs, mask, draws);
                });
            }
        }
        batch
    }

    /// Lays out the examples at `indices` to be examined, one row each and nothing left to chance: with all true tokens
    /// before the one to predict, or with none where the objective answers at once.
    ///
    /// # Panics
    /// As [`Objective::batch`].
    #[must_use]
    pub fn forced_batch(&self, examples: &Examples, indices: &[usize], mask: u32) -> Batch {
        let (order, answers) = (self.contract().order(), self.contract().answers());
        let mut batch = Batch::new(indices.len(), examples);
        for &index in indices {
            let weight = 1.0 / indices.len() as f64;
            batch.push(examples.get(index), order, weight, |inputs| {
                answers.hide(inputs, mask);
            });
        }
        batch
    }
}

/// What is wrong with a number that is to lie from 0 to `most`, both allowed.
fn outside(name: &'static str, number: f64, most: f64) -> Vec<(&'static str, String)> {
    if (0.0..=most).contains(&number) {
        Vec::new()
    } else {
        vec![(name, format!("{number} is not from 0 to {most}"))]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::learn::random;

    /// One of every kind, and of every way to lay out rows.
    fn every() -> Vec<Objective> {
        let mut every = vec![
            Objective::NextToken(NextToken {}),
            Objective::Reversed(Reversed {}),
            Objective::Teacherless(Teacherless {}),
            Objective::MultiToken(MultiToken { heads: None }),
            Objective::TokenOrder(TokenOrder::default()),
            Objective::BagOfWords(BagOfWords::default()),
            Objective::Masked(Masked { rate: None }),
            Objective::FirstStep(FirstStep { hint: false }),
            Objective::FirstStep(FirstStep { hint: true }),
        ];
        every.extend([0.0, 0.25, 1.0].map(|weight| Objective::Hybrid(Hybrid { weight })));
        every.extend([0.0, 0.5, 1.0].map(|rate| Objective::Masked(Masked { rate: Some(rate) })));
        every
    }

    #[test]
    fn every_objective_lays_out_its_inputs_and_labels() {
        let examples = Examples::new(3, 4, vec![7, 8, 9, 1, 2, 3, 4, 9, 8, 7, 4, 3, 2, 1]).unwrap();
        let draws = || random::stream(0, "layout");
        let layout = |objective: Objective| {
            let batch = objective.batch(&examples, &[0], 0, &mut draws());
            (batch.inputs, batch.labels)
        };
        let next = (vec![7, 8, 9, 1, 2, 3], vec![1, 2, 3, 4]);
        let teacherless = (vec![7, 8, 9, 0, 0, 0], vec![1, 2, 3, 4]);
        assert_eq!(layout(Objective::NextToken(NextToken {})), next);
        assert_eq!(
            layout(Objective::Reversed(Reversed {})),
            (vec![7, 8, 9, 4, 3, 2], vec![4, 3, 2, 1])
        );
        assert_eq!(layout(Objective::Teacherless(Teacherless {})), teacherless);
        let multi = Objective::MultiToken(MultiToken { heads: None });
        assert_eq!(layout(multi.clone()), next);
        assert_eq!(
            multi.batch(&examples, &[1, 0], 0, &mut draws()).labels,
            [4, 3, 2, 1, 1, 2, 3, 4]
        );
        assert_eq!(layout(Objective::TokenOrder(TokenOrder::default())), next);
        assert_eq!(layout(Objective::BagOfWords(BagOfWords::default())), next);
        assert_eq!(
            layout(Objective::FirstStep(FirstStep { hint: false })),
            next
        );
        assert_eq!(
            layout(Objective::FirstStep(FirstStep { hint: true })),
            (vec![7, 8, 9, 3, 4, 1], vec![3, 4, 1, 2])
        );
        let hidden = |rate| layout(Objective::Masked(Masked { rate: Some(rate) }));
        assert_eq!(
            (hidden(0.0), hidden(1.0)),
            (next.clone(), teacherless.clone())
        );
        let hybrid = Objective::Hybrid(Hybrid { weight: 0.25 });
        let batch = hybrid.batch(&examples, &[0, 1], 0, &mut draws());
        assert_eq!(
            (batch.rows, &batch.weights[..]),
            (4, &[0.375, 0.125, 0.375, 0.125][..])
        );
        let (first, second) = (batch.slice(0..1), batch.slice(1..2));
        assert_eq!((first.inputs, first.labels), next);
        assert_eq!((second.inputs, second.labels), teacherless);
    }

    proptest! {
        #[test]
        fn a_layout_keeps_the_prefix_the_target_and_all_of_the_loss(
            prefix in 1usize..5,
            length in 3usize..7,
            examples in 1usize..5,
            picked in prop::collection::vec(0usize..5, 1..9),
            seed in any::<u64>(),
        ) {
            const MASK: u32 = 1000;
            let count = (examples * (prefix + length)) as u32;
            let examples = Examples::new(prefix, length, (0..count).collect()).unwrap();
            let indices: Vec<usize> = picked.iter().map(|pick| pick % examples.len()).collect();
            for objective in every() {
                let contract = objective.contract();
                let draw = || {
                    let mut draws = random::stream(seed, "objective/1");
                    objective.batch(&examples, &indices, MASK, &mut draws)
                };
                let (taught, forced) = (draw(), objective.forced_batch(&examples, &indices, MASK));
                prop_assert_eq!(&taught, &draw());
                prop_assert_eq!(taught.rows, indices.len() * contract.rows().len());
                prop_assert_eq!(forced.rows, indices.len());
                for batch in [&taught, &forced] {
                    let sum: f64 = batch.weights.iter().map(|&weight| f64::from(weight)).sum();
                    prop_assert!((sum - 1.0).abs() < 1e-6, "{:?}: {}", objective, sum);
                    prop_assert_eq!(batch.weights.len(), batch.rows);
                    let inputs = batch.inputs.chunks_exact(prefix + length - 1);
                    let rows = inputs.zip(batch.labels.chunks_exact(length));
                    prop_assert_eq!(rows.len(), batch.rows);
                    for (row, (inputs, labels)) in rows.enumerate() {
                        let example = indices[row * indices.len() / batch.rows];
                        let (given, target) = examples.get(example);
                        prop_assert_eq!(&inputs[..prefix], given);
                        for (place, &input) in inputs[prefix..].iter().enumerate() {
                            prop_assert!(input == MASK || input == labels[place]);
                        }
                        for (place, &token) in target.iter().enumerate() {
                            prop_assert_eq!(labels[contract.order().taught(place, length)], token);
                        }
                    }
                }
                let cut = (seed % (taught.rows as u64 + 1)) as usize;
                let (mut one, two) = (taught.slice(0..cut), taught.slice(cut..taught.rows));
                one.rows += two.rows;
                one.inputs.extend(two.inputs);
                one.labels.extend(two.labels);
                one.weights.extend(two.weights);
                prop_assert_eq!(one, taught);
            }
        }
    }

    #[test]
    fn an_order_and_its_undoing_cancel() {
        for order in [Order::Natural, Order::Reversed, Order::StepLast] {
            for length in 1..9 {
                let mut places: Vec<usize> = (0..length)
                    .map(|place| order.natural(place, length))
                    .collect();
                for (place, &natural) in places.iter().enumerate() {
                    assert_eq!(order.taught(natural, length), place, "{order:?}, {length}");
                }
                places.sort_unstable();
                assert!(places.iter().copied().eq(0..length));
            }
        }
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
        assert_eq!(
            read(r#"{"kind":"first-step","hint":true}"#).unwrap(),
            Objective::FirstStep(FirstStep { hint: true })
        );
        for kind in [
            "token-order",
            "bag-of-words",
            "hybrid",
            "masked",
            "first-step",
        ] {
            let plain = read(&format!(r#"{{"kind":"{kind}"}}"#)).unwrap();
            assert!(plain.contract().problems(Some(4)).is_empty());
            let again = serde_json::to_string(&plain).unwrap();
            assert_eq!(read(&again).unwrap(), plain);
        }
        for text in [
            r#"{"kind":"hybrid","weight":1.5}"#,
            r#"{"kind":"masked","rate":-0.1}"#,
            r#"{"kind":"bag-of-words","weight":-1.0}"#,
            r#"{"kind":"token-order","window":0}"#,
        ] {
            assert_eq!(
                read(text).unwrap().contract().problems(None).len(),
                1,
                "{text}"
            );
        }
    }
}

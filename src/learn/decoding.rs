//! Decoding: a learner's answers to questions, with no true token shown.
//!
//! An objective says how: token by token, each read before the next is written (with what was read kept, so that every
//! token is read once), or all at once over `$`s. Answers come in natural order, whichever way round they were written.

use crate::learn::kernel::Real;
use crate::learn::learner::Learner;
use crate::learn::objective::Answering;
use crate::learn::reading::Reader;
use crate::learn::task::Examples;
use crate::learn::{Problem, random};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// How a token is chosen from its scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Decoding {
    /// The most likely one; of several, that with the lowest number.
    #[default]
    Greedy,
    /// One drawn at random by its probability.
    Sample(Sample),
}

/// How to draw a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Scores are divided by this before they become probabilities; below 1 sharpens, above 1 flattens.
    #[serde(default = "temperature")]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub temperature: f64,
    /// Only so many most likely tokens can be drawn; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub top_k: Option<u32>,
    /// Seed of the draws; every example has a stream of its own.
    #[serde(default)]
    pub seed: u64,
}

fn temperature() -> f64 {
    1.0
}

impl Decoding {
    /// What is wrong with it; empty where nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Self::Sample(Sample {
            temperature, top_k, ..
        }) = self
        {
            if !(*temperature > 0.0 && *temperature <= 1000.0) {
                let why = format!(
                    "a temperature of {temperature} is not above 0 and at most 1000; 0 is `greedy`"
                );
                problems.push(("temperature".to_owned(), why));
            }
            if *top_k == Some(0) {
                problems.push((
                    "top_k".to_owned(),
                    "none of 0 tokens can be drawn; use at least 1".to_owned(),
                ));
            }
        }
        problems
    }
}

/// What a learner answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Tokens in an answer.
    pub target_length: usize,
    /// The answers in natural order, row-major, (examples, target).
    pub tokens: Vec<u32>,
    /// Whether each token is the true one, row-major, (examples, target).
    pub correct: Vec<bool>,
    /// Whether each whole answer is.
    pub exact: Vec<bool>,
}

/// Why there are no answers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The learner was made for other examples, or the parameters contradict themselves.
    #[error("decoding is impossible: {}", .0.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
    /// A computation failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
}

/// Whether a learner was made for examples like these.
pub(crate) fn check(learner: &Learner, examples: &Examples) -> Result<(), Error> {
    let card = learner.card();
    let (prefix, target) = (examples.prefix_length(), examples.target_length());
    let mut problems = Vec::new();
    if (prefix, target) != (card.prefix_length, card.target_length) {
        let why = format!(
            "they have {prefix} + {target} tokens, the model was made for {} + {}",
            card.prefix_length, card.target_length
        );
        problems.push(("examples".to_owned(), why));
    }
    if let Some(token) = examples
        .tokens()
        .iter()
        .find(|&&token| token >= card.vocabulary)
    {
        let why = format!(
            "they have token {token}, the model's vocabulary ends at {}",
            card.vocabulary
        );
        problems.push(("examples".to_owned(), why));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Problems(problems))
    }
}

/// Answers every example, `batch` at a time; the answers do not depend on `batch` but by rounding. `observe` hears how
/// many of how many examples are done, after each batch, and may stop.
///
/// # Errors
/// [`Error::Problems`] where learner and examples do not fit, [`Error::Cancelled`] once `observe` breaks.
pub fn decode(
    learner: &Learner,
    examples: &Examples,
    decoding: &Decoding,
    batch: usize,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Answers, Error> {
    let problems = decoding.problems();
    if !problems.is_empty() {
        return Err(Error::Problems(problems));
    }
    check(learner, examples)?;
    let reader = Reader::new(learner)?;
    let length = examples.target_length();
    let order = learner.card().objective.contract().order();
    let mut tokens = Vec::with_capacity(examples.len() * length);
    let mut first = 0;
    while first < examples.len() {
        let indices: Vec<usize> = (first..examples.len().min(first + batch.max(1))).collect();
        let mut choosers: Vec<Chooser> = indices
            .iter()
            .map(|&index| Chooser::new(decoding, index))
            .collect();
        let written = match learner.card().objective.contract().answers() {
            Answering::Autoregressive => one_by_one(&reader, examples, &indices, &mut choosers)?,
            Answering::Parallel => at_once(learner, &reader, examples, &indices, &mut choosers)?,
        };
        for row in written.chunks_exact(length) {
            tokens.extend((0..length).map(|place| row[order.taught(place, length)]));
        }
        first += indices.len();
        if observe(first, examples.len()).is_break() {
            return Err(Error::Cancelled);
        }
    }
    let truth = examples.iter().flat_map(|(_, target)| target);
    let correct: Vec<bool> = tokens
        .iter()
        .zip(truth)
        .map(|(answer, truth)| answer == truth)
        .collect();
    let exact = correct
        .chunks_exact(length)
        .map(|row| row.iter().all(|&right| right))
        .collect();
    Ok(Answers {
        target_length: length,
        tokens,
        correct,
        exact,
    })
}

/// (examples, target) in the order of writing.
fn one_by_one(
    reader: &Reader<'_>,
    examples: &Examples,
    indices: &[usize],
    choosers: &mut [Chooser],
) -> Result<Vec<u32>, Error> {
    let prefixes: Vec<u32> = indices
        .iter()
        .flat_map(|&index| examples.get(index).0.iter().copied())
        .collect();
    let length = examples.target_length();
    Ok(reader.continued(&prefixes, length, choosers, Chooser::pick)?)
}

/// (examples, target) in the order of writing.
fn at_once(
    learner: &Learner,
    reader: &Reader<'_>,
    examples: &Examples,
    indices: &[usize],
    choosers: &mut [Chooser],
) -> Result<Vec<u32>, Error> {
    let length = examples.target_length();
    let scores = reader.scores(&learner.forced_batch(examples, indices))?;
    let vocabulary = scores.len() / (choosers.len() * length).max(1);
    let rows = scores.chunks_exact(vocabulary.max(1)).enumerate();
    Ok(rows
        .map(|(row, scores)| choosers[row / length].pick(scores))
        .collect())
}

/// Chooses the tokens of one example.
enum Chooser {
    Greedy,
    Draw {
        temperature: f32,
        top_k: usize,
        stream: Box<ChaCha8Rng>,
    },
}

impl Chooser {
    fn new(decoding: &Decoding, index: usize) -> Self {
        match decoding {
            Decoding::Greedy => Self::Greedy,
            Decoding::Sample(Sample {
                temperature,
                top_k,
                seed,
            }) => Self::Draw {
                temperature: *temperature as f32,
                top_k: top_k.map_or(usize::MAX, |k| k as usize),
                stream: Box::new(random::stream(*seed, &format!("decode/{index}"))),
            },
        }
    }

    fn pick(&mut self, scores: &[f32]) -> u32 {
        match self {
            Self::Greedy => largest(scores) as u32,
            Self::Draw {
                temperature,
                top_k,
                stream,
            } => {
                let mut order: Vec<usize> = (0..scores.len()).collect();
                order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a])); // stable: ties by number
                order.truncate(*top_k);
                let best = scores[order[0]];
                let shares: Vec<f64> = order
                    .iter()
                    .map(|&token| f64::from(Real::exp((scores[token] - best) / *temperature)))
                    .collect();
                let mut left = random::uniform(stream) * shares.iter().sum::<f64>();
                for (&token, share) in order.iter().zip(&shares) {
                    left -= share;
                    if left < 0.0 {
                        return token as u32;
                    }
                }
                order[0] as u32 // rounding left a crumb
            }
        }
    }
}

/// Where the largest score stands; the first of equals.
pub(crate) fn largest(scores: &[f32]) -> usize {
    scores.iter().enumerate().fold(
        0,
        |best, (place, &score)| if score > scores[best] { place } else { best },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greedy_choice_takes_the_first_of_the_best() {
        assert_eq!(
            Chooser::new(&Decoding::Greedy, 0).pick(&[0.0, 3.0, -1.0, 3.0]),
            1
        );
    }

    #[test]
    fn draws_follow_the_probabilities_and_keep_to_the_best_few() {
        let scores = [0.0, 1.0, 0.5, -2.0];
        let sample = |top_k, temperature| {
            Decoding::Sample(Sample {
                temperature,
                top_k,
                seed: 1,
            })
        };
        let mut counts = [0; 4];
        for index in 0..4000 {
            counts[Chooser::new(&sample(None, 1.0), index).pick(&scores) as usize] += 1;
        }
        let total: f64 = scores.iter().map(|&s| f64::from(s).exp()).sum();
        for (count, score) in counts.iter().zip(scores) {
            assert!(
                (f64::from(*count) / 4000.0 - f64::from(score).exp() / total).abs() < 0.03,
                "{counts:?}"
            );
        }
        for index in 0..100 {
            assert!([1, 2].contains(&Chooser::new(&sample(Some(2), 5.0), index).pick(&scores)));
            assert_eq!(Chooser::new(&sample(None, 1e-3), index).pick(&scores), 1);
        }
    }

    #[test]
    fn parameters_that_draw_nothing_are_refused() {
        let sample = Decoding::Sample(Sample {
            temperature: 0.0,
            top_k: Some(0),
            seed: 0,
        });
        assert_eq!(sample.problems().len(), 2);
        assert!(Decoding::Greedy.problems().is_empty());
    }
}

//! Decoding: a learner's answers to questions, with no true token shown.
//!
//! An objective says how: token by token, each read before the next is written (with what was read kept, so that every
//! token is read once), or all at once over `$`s. Answers come in natural order, whichever way round they were written.
//! A learner that writes from the start on can be given how an answer begins ([`Given`]), and goes on from there.

use std::ops::ControlFlow;

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::kernel::Real;
use crate::learn::learner::Learner;
use crate::learn::objective::{Answering, Contract, Order};
use crate::learn::reading::Reader;
use crate::learn::task::{Examples, Task};
use crate::learn::{Problem, random};

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

/// What of an answer the model is given before it writes the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// Nothing: it writes all of it.
    #[default]
    Nothing,
    /// The start and the true first step: the hard token is no longer its own to find.
    FirstStep,
    /// The start and the first step into a wrong arm, drawn among them: does it follow what it wrote, or the goal?
    WrongStep,
}

impl Given {
    /// Whether it is anything.
    #[must_use]
    pub fn gives(self) -> bool {
        self != Self::Nothing
    }

    /// Why a model of this objective cannot go on from what is given, if it cannot.
    #[must_use]
    pub fn untaught(self, objective: &dyn Contract) -> Option<String> {
        let natural =
            objective.answers() == Answering::Autoregressive && objective.order() == Order::Natural;
        (self.gives() && !natural).then(|| UNNATURAL.to_owned())
    }

    /// How each answer begins, row-major, (examples, given). The wrong steps are drawn by the place of the example alone,
    /// so that every model is given the same.
    ///
    /// # Errors
    /// [`Error::Problems`] where the task, or an example, has no step of this kind.
    pub fn tokens(self, task: &Task, examples: &Examples) -> Result<Vec<u32>, Error> {
        let wrong = |why: String| Error::Problems(vec![("given".to_owned(), why)]);
        let mut tokens = Vec::new();
        for (index, (prefix, target)) in examples.iter().enumerate() {
            let step = match self {
                Self::Nothing => break,
                Self::FirstStep => target.get(1).copied(),
                Self::WrongStep => {
                    let graph = task.contract().graph(prefix);
                    let graph = graph.ok_or_else(|| {
                        wrong("this task has no wrong step: its examples are no graphs".to_owned())
                    })?;
                    let mut steps = graph.children(graph.start);
                    steps.retain(|step| target.get(1) != Some(step));
                    let mut draws = random::stream(0, &format!("decode/wrong-step/{index}"));
                    let drawn = random::below(&mut draws, steps.len() as u64) as usize;
                    steps.get(drawn).copied()
                }
            };
            let none = || match self {
                Self::WrongStep => wrong(format!(
                    "example {index} has no wrong arm; use a degree of at least 2"
                )),
                _ => wrong(format!("example {index} has no first step")),
            };
            let step = step.ok_or_else(none)?;
            tokens.extend([target[0], step]);
        }
        Ok(tokens)
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
    complete(learner, examples, &[], decoding, batch, observe)
}

/// As [`decode`], but each answer begins with what is `given`, row-major, (examples, given); the learner writes the rest.
///
/// # Errors
/// As [`decode`]; [`Error::Problems`] also where something is given to a learner that does not write from the start on, or
/// nothing is left to write.
pub fn complete(
    learner: &Learner,
    examples: &Examples,
    given: &[u32],
    decoding: &Decoding,
    batch: usize,
    observe: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Answers, Error> {
    let objective = learner.card().objective.contract();
    let length = examples.target_length();
    let mut problems = decoding.problems();
    let each = given.len() / examples.len().max(1);
    problems.extend(misgiven(objective, given, examples).map(|why| ("given".to_owned(), why)));
    if !problems.is_empty() {
        return Err(Error::Problems(problems));
    }
    check(learner, examples)?;
    let reader = Reader::new(learner)?;
    let order = objective.order();
    let mut tokens = Vec::with_capacity(examples.len() * length);
    let mut first = 0;
    while first < examples.len() {
        let indices: Vec<usize> = (first..examples.len().min(first + batch.max(1))).collect();
        let mut choosers: Vec<Chooser> = indices
            .iter()
            .map(|&index| Chooser::new(decoding, index))
            .collect();
        let written = match objective.answers() {
            Answering::Autoregressive => {
                let given = &given[first * each..][..indices.len() * each];
                one_by_one(&reader, examples, &indices, given, &mut choosers)?
            }
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

const UNNATURAL: &str = "the model does not write its answer token by token from the start on, so that it cannot go on from what is given; only \
     models of an objective that does can";

/// Why answers cannot begin with what is given, if they cannot.
fn misgiven(objective: &dyn Contract, given: &[u32], examples: &Examples) -> Option<String> {
    let (count, length) = (examples.len(), examples.target_length());
    if given.is_empty() {
        return None;
    }
    if objective.answers() != Answering::Autoregressive || objective.order() != Order::Natural {
        return Some(UNNATURAL.to_owned());
    }
    if !given.len().is_multiple_of(count) || given.len() / count >= length {
        return Some(format!(
            "{} tokens given for {count} answers of {length} leave nothing to write",
            given.len()
        ));
    }
    None
}

/// (examples, target) in the order of writing; what is given, (examples, given), comes first.
fn one_by_one(
    reader: &Reader<'_>,
    examples: &Examples,
    indices: &[usize],
    given: &[u32],
    choosers: &mut [Chooser],
) -> Result<Vec<u32>, Error> {
    let each = given.len() / indices.len();
    let begun = |place: usize| &given[place * each..][..each];
    let rows = indices.iter().enumerate();
    let prefixes: Vec<u32> = rows
        .flat_map(|(place, &index)| examples.get(index).0.iter().chain(begun(place)))
        .copied()
        .collect();
    let rest = examples.target_length() - each;
    let written = reader.continued(&prefixes, rest, choosers, Chooser::pick)?;
    let rows = written.chunks_exact(rest).enumerate();
    Ok(rows
        .flat_map(|(place, row)| begun(place).iter().chain(row))
        .copied()
        .collect())
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

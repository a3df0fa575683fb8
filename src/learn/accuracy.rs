//! How often answers are right.
//!
//! Three rates, never to be mixed: *exact match*, the share of whole answers that are right; *token accuracy*, by
//! position, of the same freely written answers; *forced accuracy*, by position, of single predictions with all true
//! tokens before them shown, or with none where an objective answers at once. High forced accuracy with an exact match of
//! 1/degree is the paper's failure. Positions are in natural order, but what stands before a token is what its objective
//! puts there: for the reversed target, the tokens after it.

use crate::learn::decoding::{self, Answers, largest};
use crate::learn::learner::Learner;
use crate::learn::reading::Reader;
use crate::learn::task::Examples;

impl Answers {
    /// The share of answers that are right in full, 0 to 1; 0 where there are none.
    #[must_use]
    pub fn exact_match(&self) -> f64 {
        self.exact.iter().filter(|&&right| right).count() as f64 / self.exact.len().max(1) as f64
    }

    /// The share of right tokens at each position, from the first, 0 to 1; 0 where there are no answers.
    #[must_use]
    pub fn token_accuracy(&self) -> Vec<f64> {
        rates(&self.correct, self.target_length)
    }
}

/// The share of rows that hold, by column.
fn rates(holds: &[bool], width: usize) -> Vec<f64> {
    let rows = (holds.len() / width.max(1)).max(1) as f64;
    (0..width)
        .map(|at| {
            holds
                .iter()
                .skip(at)
                .step_by(width)
                .filter(|&&holds| holds)
                .count() as f64
                / rows
        })
        .collect()
}

/// The forced accuracy at each position of the natural target, from the first, 0 to 1; `batch` examples at a time.
///
/// # Errors
/// [`decoding::Error::Problems`] where learner and examples do not fit.
pub fn forced(
    learner: &Learner,
    examples: &Examples,
    batch: usize,
) -> Result<Vec<f64>, decoding::Error> {
    decoding::check(learner, examples)?;
    let reader = Reader::new(learner)?;
    let length = examples.target_length();
    let order = learner.card().objective.contract().order();
    let mut right = Vec::with_capacity(examples.len() * length);
    let all: Vec<usize> = (0..examples.len()).collect();
    for indices in all.chunks(batch.max(1)) {
        let batch = learner.forced_batch(examples, indices);
        let scores = reader.scores(&batch)?;
        let vocabulary = scores.len() / batch.labels.len().max(1);
        right.extend(
            scores
                .chunks_exact(vocabulary.max(1))
                .zip(&batch.labels)
                .map(|(row, &label)| largest(row) == label as usize),
        );
    }
    let rates = rates(&right, length);
    Ok((0..length)
        .map(|place| rates[order.taught(place, length)])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shares_of_whole_answers_and_of_positions() {
        let answers = Answers {
            target_length: 2,
            tokens: vec![1, 2, 1, 3],
            correct: vec![true, true, true, false],
            exact: vec![true, false],
        };
        assert_eq!(answers.exact_match(), 0.5);
        assert_eq!(answers.token_accuracy(), [1.0, 0.5]);
        let none = Answers {
            target_length: 2,
            tokens: vec![],
            correct: vec![],
            exact: vec![],
        };
        assert_eq!(
            (none.exact_match(), none.token_accuracy()),
            (0.0, vec![0.0, 0.0])
        );
    }
}

//! A learner made ready to read many examples: with its weights laid out once where its model has a hand-written pass, on
//! all threads of the pool. What it reads does not depend on their number.

use candle_core::{DType, Result, Tensor};
use rayon::prelude::*;

use crate::learn::learner::Learner;
use crate::learn::model::State;
use crate::learn::model::transformer_pass::{Cache, TransformerPass, Workspaces};
use crate::learn::objective::Batch;

/// Sequences that are read together on one thread: enough to make up for walking through all weights for each token.
const TOGETHER: usize = 64;

/// A learner that reads.
pub(crate) struct Reader<'a> {
    learner: &'a Learner,
    pass: Option<TransformerPass>,
    workspaces: Workspaces,
}

impl<'a> Reader<'a> {
    /// Lays out the weights as they are now.
    ///
    /// # Errors
    /// The model's.
    pub(crate) fn new(learner: &'a Learner) -> Result<Self> {
        let mut pass = learner.pass()?;
        if let Some(pass) = &mut pass {
            pass.lay_out(learner.parameters(), false)?;
        }
        Ok(Self {
            learner,
            pass,
            workspaces: Workspaces::default(),
        })
    }

    /// The scores of every token at each target position of a batch, row-major, (rows, l, vocabulary).
    ///
    /// # Errors
    /// Tokens outside the vocabulary, or rows of another length.
    pub(crate) fn scores(&self, batch: &Batch) -> Result<Vec<f32>> {
        let Some(pass) = &self.pass else {
            return self.scores_of(&self.learner.hidden(batch)?.detach());
        };
        let rows: Vec<usize> = (0..batch.rows).step_by(TOGETHER).collect();
        let parts = rows.par_iter().map(|&first| {
            let part = batch.slice(first..batch.rows.min(first + TOGETHER));
            let (length, keep) = (part.inputs.len() / part.rows, part.labels.len() / part.rows);
            self.workspaces.with(|workspace| {
                let hidden = pass.forward(&part.inputs, length, keep, None, workspace)?;
                self.scores_from(hidden, part.rows, keep)
            })
        });
        Ok(parts.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Continues prefixes, row-major, (sequences, prefix), by `length` tokens each, one after the other: `choose` is given
    /// the place of a sequence and the scores of what comes next in it. Row-major, (sequences, length).
    ///
    /// # Errors
    /// Tokens outside the vocabulary, or sequences longer than the model takes.
    pub(crate) fn continued<C: Send>(
        &self,
        prefixes: &[u32],
        length: usize,
        choosers: &mut [C],
        choose: impl Fn(&mut C, &[f32]) -> u32 + Sync,
    ) -> Result<Vec<u32>> {
        let prefix = prefixes.len() / choosers.len().max(1);
        let together = match self.pass {
            Some(_) => TOGETHER,
            // One part stays on this thread, whose stream a card's tensors belong to.
            None => choosers.len().max(1),
        };
        let parts = prefixes
            .par_chunks((together * prefix).max(1))
            .zip(choosers.par_chunks_mut(together));
        let written = parts.map(|(prefixes, choosers)| {
            let mut read = prefixes.to_vec();
            let mut written = vec![0; choosers.len() * length];
            let mut state = State::default();
            let mut cache = Cache::with_room(prefix + length);
            for place in 0..length {
                let scores = match &self.pass {
                    Some(pass) => self.workspaces.with(|workspace| {
                        let new = read.len() / choosers.len();
                        let hidden = pass.forward(&read, new, 1, Some(&mut cache), workspace)?;
                        self.scores_from(hidden, choosers.len(), 1)
                    })?,
                    None => {
                        let shape = (choosers.len(), ());
                        let tokens = Tensor::from_slice(&read, shape, self.learner.device())?;
                        self.scores_of(&self.learner.model().step(&tokens, &mut state)?)?
                    }
                };
                let vocabulary = scores.len() / choosers.len();
                read.clear();
                for (row, chooser) in choosers.iter_mut().enumerate() {
                    let token = choose(chooser, &scores[row * vocabulary..][..vocabulary]);
                    written[row * length + place] = token;
                    read.push(token);
                }
            }
            Ok(written)
        });
        Ok(written.collect::<Result<Vec<_>>>()?.concat())
    }

    fn scores_from(&self, hidden: &[f32], rows: usize, keep: usize) -> Result<Vec<f32>> {
        let shape = (rows, keep, hidden.len() / (rows * keep));
        self.scores_of(&Tensor::from_slice(hidden, shape, self.learner.device())?)
    }

    /// Hidden states (rows, some, width) to scores, row-major, (rows, some, vocabulary).
    fn scores_of(&self, hidden: &Tensor) -> Result<Vec<f32>> {
        let logits = self.learner.model().logits(hidden)?;
        logits.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    }
}

//! Causal attention with several heads over slices of `f32`, forward and back, on the thread of the caller.
//!
//! The queries are the last `asked` of the `known` positions, as in [`super::attention`], which is the same for tensors of
//! candle's; but here queries come scaled by 1/√head, and queries and keys come turned.

use super::product::{Left, Panels, Start, multiply_part, panel_width};
use super::rows::{mix, score, softmax, softmax_back};

/// The sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Sequences.
    pub(crate) batch: usize,
    /// Queries in a sequence: its last positions.
    pub(crate) asked: usize,
    /// Keys in a sequence.
    pub(crate) known: usize,
    /// Keys that a sequence has room for in memory.
    pub(crate) room: usize,
    /// Heads.
    pub(crate) heads: usize,
    /// Numbers in a head.
    pub(crate) head: usize,
}

/// Rows that are weighed together, up to the key that the last of them sees.
const BLOCK: usize = 8;

impl Sizes {
    /// Numbers in a row of queries.
    fn width(self) -> usize {
        self.heads * self.head
    }

    /// From a row of attention weights to the next: whole tiles.
    fn row(self) -> usize {
        self.known.next_multiple_of(panel_width())
    }

    /// How much room the attention weights take: (batch, heads, asked, known), each row padded to whole tiles.
    pub(crate) fn weights(self) -> usize {
        self.batch * self.heads * self.asked * self.row()
    }

    /// How many keys query i sees.
    fn seen(self, i: usize) -> usize {
        self.known - self.asked + i + 1
    }

    /// Where head h of sequence b begins among queries, and among keys.
    fn places(self, b: usize, h: usize) -> (usize, usize) {
        (
            b * self.asked * self.width() + h * self.head,
            b * self.room * 2 * self.width() + h * self.head,
        )
    }
}

/// Memory to work in.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    one: Panels,
    two: Panels,
    scores: Vec<f32>,
}

/// Attends: `queries` (batch, asked, width), `keys_values` (batch, room, 2·width), keys first, to `out` (batch, asked,
/// width); `weights` (batch, heads, asked, known) are kept for the way back.
pub(crate) fn attend(
    queries: &[f32],
    keys_values: &[f32],
    sizes: Sizes,
    weights: &mut [f32],
    out: &mut [f32],
    workspace: &mut Workspace,
) {
    let Sizes {
        asked, known, head, ..
    } = sizes;
    let (width, row) = (sizes.width(), sizes.row());
    let mut tables = weights.chunks_exact_mut((asked * row).max(1));
    for b in 0..sizes.batch {
        for h in 0..sizes.heads {
            let (of_queries, of_keys) = sizes.places(b, h);
            let table = tables.next().expect("a table for each head");
            if asked == 1 {
                // One query does not pay for laying out the keys.
                let (keys, values) = (&keys_values[of_keys..], &keys_values[of_keys + width..]);
                let weights = &mut table[..known];
                score(&queries[of_queries..][..head], keys, 2 * width, weights);
                softmax(weights, known);
                mix(weights, values, 2 * width, &mut out[of_queries..][..head]);
                table[known..].fill(0.0);
                continue;
            }
            workspace
                .one
                .pack(&keys_values[of_keys..], head, known, (1, 2 * width));
            workspace
                .two
                .pack(&keys_values[of_keys + width..], known, head, (2 * width, 1));
            for first in (0..asked).step_by(BLOCK) {
                let rows = BLOCK.min(asked - first);
                let seen = sizes.seen(first + rows - 1);
                let left = Left {
                    numbers: &queries[of_queries + first * width..],
                    row: width,
                    step: 1,
                };
                let table = &mut table[first * row..(first + rows) * row];
                let columns = seen.next_multiple_of(panel_width()); // whole tiles
                multiply_part(
                    left,
                    rows,
                    &workspace.one,
                    head,
                    columns,
                    Start::Zero,
                    table,
                    row,
                );
                for (i, row) in table.chunks_exact_mut(row).enumerate() {
                    softmax(row, sizes.seen(first + i));
                }
                multiply_part(
                    Left::rows(table, row),
                    rows,
                    &workspace.two,
                    seen,
                    head,
                    Start::Zero,
                    &mut out[of_queries + first * width..],
                    width,
                );
            }
        }
    }
}

/// The way back: the gradients of queries and of keys and values, written over what stood there, from that of the output.
#[allow(
    clippy::too_many_arguments,
    reason = "three inputs of the way forth, and a gradient for each output"
)]
pub(crate) fn attend_back(
    queries: &[f32],
    keys_values: &[f32],
    weights: &[f32],
    of_out: &[f32],
    sizes: Sizes,
    of_queries: &mut [f32],
    of_keys_values: &mut [f32],
    workspace: &mut Workspace,
) {
    let Sizes {
        asked, known, head, ..
    } = sizes;
    let (width, row) = (sizes.width(), sizes.row());
    let mut tables = weights.chunks_exact((asked * row).max(1));
    workspace.scores.resize(asked * row, 0.0);
    for b in 0..sizes.batch {
        for h in 0..sizes.heads {
            let (at, of_keys) = sizes.places(b, h);
            let table = tables.next().expect("a table for each head");
            let scores = &mut workspace.scores[..];
            // Gradient of the weights: of_out · valuesᵀ; then of the scores.
            workspace
                .one
                .pack(&keys_values[of_keys + width..], head, known, (1, 2 * width));
            let left = Left {
                numbers: &of_out[at..],
                row: width,
                step: 1,
            };
            multiply_part(
                left,
                asked,
                &workspace.one,
                head,
                row,
                Start::Zero,
                scores,
                row,
            );
            let rows = table.chunks_exact(row).zip(scores.chunks_exact_mut(row));
            for (weights, gradient) in rows {
                softmax_back(weights, gradient); // beyond what a query sees its weights are zero
            }
            // Of the queries: scores · keys.
            workspace
                .two
                .pack(&keys_values[of_keys..], known, head, (2 * width, 1));
            for first in (0..asked).step_by(BLOCK) {
                let rows = BLOCK.min(asked - first);
                multiply_part(
                    Left::rows(&scores[first * row..(first + rows) * row], row),
                    rows,
                    &workspace.two,
                    sizes.seen(first + rows - 1),
                    head,
                    Start::Zero,
                    &mut of_queries[at + first * width..],
                    width,
                );
            }
            // Of the keys: scoresᵀ · queries; of the values: weightsᵀ · of_out.
            let across = |numbers| Left {
                numbers,
                row: 1,
                step: row,
            };
            workspace.one.pack(&queries[at..], asked, head, (width, 1));
            let to = &mut of_keys_values[of_keys..];
            multiply_part(
                across(scores),
                known,
                &workspace.one,
                asked,
                head,
                Start::Zero,
                to,
                2 * width,
            );
            workspace.one.pack(&of_out[at..], asked, head, (width, 1));
            let to = &mut of_keys_values[of_keys + width..];
            multiply_part(
                across(table),
                known,
                &workspace.one,
                asked,
                head,
                Start::Zero,
                to,
                2 * width,
            );
        }
    }
}

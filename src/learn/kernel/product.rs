//! Products of matrices of `f32`, each on the thread of its caller.
//!
//! Every number of a product is one chain of multiply-adds in the order of the summed dimension, beginning from what stands
//! in the output, from a bias, or from zero. So it does not depend on how the matrices are cut into tiles, nor on the width
//! of a vector: the same bits on every processor. Work is spread over threads above, by rows that do not meet.
//!
//! The right-hand matrix lies in [`Panels`], strips as wide as a tile, so that a tile reads it in one stream; weights are
//! laid out once a step and serve all rows. A tile is as many sums as the registers hold.

use super::vector::{Lanes, Level, Plain, level};

/// Numbers to a cache line: panels begin on one.
const LINE: usize = 16;

/// Columns to a strip of panels, on this processor.
pub(crate) fn panel_width() -> usize {
    match level() {
        Level::Portable => 2 * Plain::COUNT,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 16,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 32,
    }
}

/// A matrix (depth, columns) cut into strips of columns, each row-major and padded with zeros to the width of a tile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panels {
    depth: usize,
    columns: usize,
    width: usize,
    /// Where the first strip begins in `numbers`, on a cache line.
    start: usize,
    numbers: Vec<f32>,
}

impl Panels {
    /// Lays out a matrix whose element (d, c) is `from[d·stride.0 + c·stride.1]`; memory from before is used again.
    pub(crate) fn pack(
        &mut self,
        from: &[f32],
        depth: usize,
        columns: usize,
        stride: (usize, usize),
    ) {
        let width = panel_width();
        let count = (columns.div_ceil(width).checked_mul(width))
            .and_then(|padded| padded.checked_mul(depth))
            .expect("a matrix has no more numbers than memory");
        if self.numbers.len() < count + LINE {
            self.numbers = vec![0.0; count + LINE];
            // An offset that cannot be known (as under an interpreter) only costs speed.
            self.start = self.numbers.as_ptr().align_offset(4 * LINE).min(LINE);
        }
        (self.depth, self.columns, self.width) = (depth, columns, width);
        let strips = self.numbers[self.start..][..count].chunks_exact_mut((width * depth).max(1));
        for (place, strip) in strips.enumerate() {
            let first = place * width;
            let filled = width.min(columns - first);
            if stride.0 == 1 {
                // A transposed source: read along its rows.
                if filled < width {
                    strip.fill(0.0);
                }
                for column in 0..filled {
                    let source = &from[(first + column) * stride.1..][..depth];
                    for (row, &x) in strip.chunks_exact_mut(width).zip(source) {
                        row[column] = x;
                    }
                }
            } else {
                for (d, row) in strip.chunks_exact_mut(width).enumerate() {
                    let source = d * stride.0 + first * stride.1;
                    if stride.1 == 1 {
                        copy(&mut row[..filled], &from[source..][..filled]);
                    } else {
                        for (column, x) in row[..filled].iter_mut().enumerate() {
                            *x = from[source + column * stride.1];
                        }
                    }
                    row[filled..].fill(0.0);
                }
            }
        }
    }

    fn strips(&self) -> &[f32] {
        let count = self.columns.div_ceil(self.width.max(1)) * self.width * self.depth;
        &self.numbers[self.start..][..count]
    }
}

/// Copies a few numbers; whole groups of eight without a call.
#[inline(always)]
fn copy(to: &mut [f32], from: &[f32]) {
    let (to, to_rest) = to.as_chunks_mut::<8>();
    let (from, from_rest) = from.as_chunks::<8>();
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    for (to, from) in to_rest.iter_mut().zip(from_rest) {
        *to = *from;
    }
}

/// What the sums of a product begin from.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// From zero.
    Zero,
    /// From a number for each column.
    Bias(&'a [f32]),
    /// From what stands in the output.
    Sum,
}

/// A matrix on the left, (rows, depth): element (r, d) is `numbers[r·row + d·step]`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    /// Where its numbers lie.
    pub(crate) numbers: &'a [f32],
    /// From a row to the next.
    pub(crate) row: usize,
    /// From a column to the next.
    pub(crate) step: usize,
}

impl<'a> Left<'a> {
    /// A row-major matrix without gaps.
    pub(crate) fn rows(numbers: &'a [f32], depth: usize) -> Self {
        Self {
            numbers,
            row: depth,
            step: 1,
        }
    }
}

/// `out` (rows, columns; `out_row` numbers from one row to the next) from `left` (rows, depth) · `right` (depth, columns),
/// summed over the first `depth` of its rows, for the first `columns` of its columns; those that pad its last strip may be
/// among them, and are zero.
///
/// # Panics
/// Slices too short for these sizes.
#[allow(clippy::too_many_arguments, reason = "the sizes of two matrices")]
pub(crate) fn multiply_part(
    left: Left<'_>,
    rows: usize,
    right: &Panels,
    depth: usize,
    columns: usize,
    start: Start<'_>,
    out: &mut [f32],
    out_row: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    // What the tiles below rely on.
    let padded = right.columns.next_multiple_of(right.width.max(1));
    assert!(depth <= right.depth && columns <= padded && columns <= out_row);
    assert_eq!(
        right.width,
        panel_width(),
        "panels of another processor's width"
    );
    let last = |rows: usize, row: usize, columns: usize, step: usize| {
        let begins = (rows - 1).checked_mul(row)?;
        begins.checked_add((columns - 1).checked_mul(step)?)
    };
    let inside = |last: Option<usize>, count: usize| last.is_some_and(|last| last < count);
    assert!(
        inside(last(rows, out_row, columns, 1), out.len()),
        "an output too small"
    );
    assert!(
        depth == 0 || inside(last(rows, left.row, depth, left.step), left.numbers.len()),
        "a left matrix too small"
    );
    if let Start::Bias(bias) = start {
        assert!(columns <= bias.len());
    }
    let task = Task {
        left,
        rows,
        strips: right.strips(),
        strip: right.width * right.depth,
        depth,
        columns,
        start,
        out: out.as_mut_ptr(),
        out_row,
    };
    match level() {
        // SAFETY: the assertions above are those that `run` asks for, and the panels were packed for this level's width.
        Level::Portable => unsafe { task.run::<Plain, 4, 2>() },
        // SAFETY: as above, and `level` gives this only where the processor has the features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { with_avx2(&task) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { with_avx512(&task) },
    }
}

/// `out` (rows, columns) from `left` (rows, depth), row-major, times `right` (depth, columns).
///
/// # Panics
/// Slices that do not have these sizes.
pub(crate) fn multiply(left: &[f32], right: &Panels, start: Start<'_>, out: &mut [f32]) {
    let rows = match right.columns {
        0 => 0,
        columns => out.len() / columns,
    };
    assert_eq!(out.len(), rows * right.columns);
    assert!(right.columns == 0 || left.len() == rows * right.depth);
    multiply_part(
        Left::rows(left, right.depth),
        rows,
        right,
        right.depth,
        right.columns,
        start,
        out,
        right.columns,
    );
}

/// `out` (a columns, b columns) += `a`ᵀ · `b`, summed over the rows of `a` and `b`: the gradient of a weight. `panels` and
/// `strip` are memory to work in.
///
/// # Panics
/// Slices that do not have these sizes.
pub(crate) fn add_transposed(
    a: &[f32],
    b: &[f32],
    columns: (usize, usize),
    out: &mut [f32],
    panels: &mut Panels,
    strip: &mut Vec<f32>,
) {
    let (of_a, of_b) = columns;
    let rows = a.len() / of_a.max(1);
    assert_eq!(
        (a.len(), b.len(), out.len()),
        (rows * of_a, rows * of_b, of_a * of_b)
    );
    panels.pack(b, rows, of_b, (of_b, 1));
    // Strips of eight columns of `a`, so that a tile walks down one stream.
    const STRIP: usize = 8;
    for first in (0..of_a).step_by(STRIP) {
        let width = STRIP.min(of_a - first);
        strip.clear();
        strip.resize(rows * STRIP, 0.0);
        for (to, from) in strip.chunks_exact_mut(STRIP).zip(a.chunks_exact(of_a)) {
            copy(&mut to[..width], &from[first..][..width]);
        }
        let left = Left {
            numbers: strip,
            row: 1,
            step: STRIP,
        };
        multiply_part(
            left,
            width,
            panels,
            rows,
            of_b,
            Start::Sum,
            &mut out[first * of_b..],
            of_b,
        );
    }
}

/// One product, its sizes checked.
struct Task<'a> {
    left: Left<'a>,
    rows: usize,
    strips: &'a [f32],
    /// Numbers from one strip to the next.
    strip: usize,
    depth: usize,
    columns: usize,
    start: Start<'a>,
    out: *mut f32,
    out_row: usize,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2(task: &Task<'_>) {
    // SAFETY: the caller's promise, and this function has the features.
    unsafe { task.run::<std::arch::x86_64::__m256, 6, 2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn with_avx512(task: &Task<'_>) {
    // SAFETY: the caller's promise, and this function has the features.
    unsafe { task.run::<std::arch::x86_64::__m512, 8, 2>() }
}

/// How many numbers of strips are walked before the next rows: what a second-level cache holds beside them.
const BLOCK: usize = 96 * 1024;

impl Task<'_> {
    /// # Safety
    /// The processor has the instructions of `V`; strips are `V::COUNT · VECTORS` wide; `left`, `strips`, a bias and `out`
    /// are large enough for the sizes.
    #[inline(always)]
    unsafe fn run<V: Lanes, const ROWS: usize, const VECTORS: usize>(&self) {
        let width = V::COUNT * VECTORS;
        let strips = self.columns.div_ceil(width);
        let at_once = (BLOCK / self.strip.max(1)).max(1);
        for first_strip in (0..strips).step_by(at_once) {
            let mut row = 0;
            while row < self.rows {
                let height = ROWS.min(self.rows - row);
                for strip in first_strip..strips.min(first_strip + at_once) {
                    // SAFETY: passed on; `height` rows from `row` on are there.
                    unsafe {
                        match height {
                            8 => self.tile::<V, 8, VECTORS>(row, strip),
                            7 => self.tile::<V, 7, VECTORS>(row, strip),
                            6 => self.tile::<V, 6, VECTORS>(row, strip),
                            5 => self.tile::<V, 5, VECTORS>(row, strip),
                            4 => self.tile::<V, 4, VECTORS>(row, strip),
                            3 => self.tile::<V, 3, VECTORS>(row, strip),
                            2 => self.tile::<V, 2, VECTORS>(row, strip),
                            _ => self.tile::<V, 1, VECTORS>(row, strip),
                        }
                    }
                }
                row += height;
            }
        }
    }

    /// # Safety
    /// As [`Task::run`]; rows `row..row + ROWS` and the strip are there.
    #[inline(always)]
    unsafe fn tile<V: Lanes, const ROWS: usize, const VECTORS: usize>(
        &self,
        row: usize,
        strip: usize,
    ) {
        let width = V::COUNT * VECTORS;
        let first = strip * width;
        let filled = width.min(self.columns - first);
        // SAFETY: the tile's corner lies inside the output.
        let corner = unsafe { self.out.add(row * self.out_row + first) };
        if filled == width {
            // SAFETY: passed on; the tile lies inside the output in full.
            unsafe { self.sums::<V, ROWS, VECTORS>(row, strip, corner, self.out_row) }
        } else {
            // The last columns: computed aside, because a whole tile would write past them.
            let mut aside = [[0.0f32; 32]; 8];
            for (r, line) in aside.iter_mut().enumerate().take(ROWS) {
                for (c, x) in line.iter_mut().enumerate().take(filled) {
                    *x = match self.start {
                        Start::Zero => 0.0,
                        Start::Bias(bias) => bias[first + c],
                        // SAFETY: row r and column c of the tile lie inside the output.
                        Start::Sum => unsafe { *corner.add(r * self.out_row + c) },
                    };
                }
            }
            let aside_start = Task {
                start: Start::Sum,
                ..*self
            };
            // SAFETY: passed on; a tile of at most 8 × 32 lies inside `aside`.
            unsafe {
                aside_start.sums::<V, ROWS, VECTORS>(row, strip, aside.as_mut_ptr().cast(), 32);
            };
            for (r, line) in aside.iter().enumerate().take(ROWS) {
                for (c, &x) in line.iter().enumerate().take(filled) {
                    // SAFETY: as above.
                    unsafe { *corner.add(r * self.out_row + c) = x };
                }
            }
        }
    }

    /// # Safety
    /// As [`Task::tile`]; `to` is good for `ROWS` rows of a strip's width, `to_row` apart.
    #[inline(always)]
    unsafe fn sums<V: Lanes, const ROWS: usize, const VECTORS: usize>(
        &self,
        row: usize,
        strip: usize,
        to: *mut f32,
        to_row: usize,
    ) {
        let width = V::COUNT * VECTORS;
        // SAFETY: every read below is inside `left` (its last element was checked against its length), inside the strip
        // (`depth` rows of `width`), inside the bias (a whole tile begins `first` columns in and ends within it), or
        // inside `to`; the processor has V's instructions.
        unsafe {
            let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
            match self.start {
                Start::Zero => {}
                Start::Bias(bias) => {
                    for (v, sum) in sums[0].iter_mut().enumerate() {
                        *sum = V::load(bias.as_ptr().add(strip * width + v * V::COUNT));
                    }
                    sums = [sums[0]; ROWS];
                }
                Start::Sum => {
                    for (r, line) in sums.iter_mut().enumerate() {
                        for (v, sum) in line.iter_mut().enumerate() {
                            *sum = V::load(to.add(r * to_row + v * V::COUNT));
                        }
                    }
                }
            }
            let mut right = self.strips.as_ptr().add(strip * self.strip);
            // Without depth it may point anywhere, and is not read.
            let mut left = (self.left.numbers.as_ptr()).wrapping_add(row * self.left.row);
            for _ in 0..self.depth {
                let mut vectors = [V::splat(0.0); VECTORS];
                for (v, vector) in vectors.iter_mut().enumerate() {
                    *vector = V::load(right.add(v * V::COUNT));
                }
                for (r, line) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*left.add(r * self.left.row));
                    for (sum, vector) in line.iter_mut().zip(vectors) {
                        *sum = factor.multiply_add(vector, *sum);
                    }
                }
                right = right.add(width);
                // The step past the last element is never read.
                left = left.wrapping_add(self.left.step);
            }
            for (r, line) in sums.iter().enumerate() {
                for (v, sum) in line.iter().enumerate() {
                    sum.store(to.add(r * to_row + v * V::COUNT));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::tests::at_every_level;
    use super::*;

    /// Numbers in −1..1 that no short pattern repeats.
    fn numbers(count: usize, salt: u32) -> Vec<f32> {
        let mut state = 2 * salt + 1;
        let mut next = || {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// (rows, depth, columns): whole tiles, torn edges, single rows and columns, nothing at all.
    const SIZES: [(usize, usize, usize); 9] = [
        (16, 9, 64),
        (17, 5, 33),
        (1, 40, 1),
        (7, 1, 31),
        (8, 13, 32),
        (3, 0, 5),
        (0, 4, 4),
        (4, 4, 0),
        (23, 8, 70),
    ];

    fn twin(a: &[f32], b: &[f32], (rows, depth, columns): (usize, usize, usize)) -> Vec<f64> {
        let sum = |row: usize, column: usize| {
            let terms = (0..depth)
                .map(|d| f64::from(a[row * depth + d]) * f64::from(b[d * columns + column]));
            terms.sum()
        };
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        places.map(|(row, column)| sum(row, column)).collect()
    }

    fn close(ours: &[f32], theirs: &[f64]) {
        assert_eq!(ours.len(), theirs.len());
        for (&a, &b) in ours.iter().zip(theirs) {
            assert!((f64::from(a) - b).abs() < 1e-5, "{a} {b}");
        }
    }

    /// The same bits at every level; those of one.
    fn same(results: Vec<Vec<f32>>) -> Vec<f32> {
        let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for other in &results {
            assert_eq!(bits(other), bits(&results[0]));
        }
        results.into_iter().next().unwrap()
    }

    #[test]
    fn a_product_is_that_of_its_plain_twin_to_the_same_bits_at_every_level() {
        for size @ (rows, depth, columns) in SIZES {
            let (a, b) = (numbers(rows * depth, 1), numbers(depth * columns, 2));
            let (bias, before) = (numbers(columns, 3), numbers(rows * columns, 4));
            let product = |start: Start<'_>| {
                same(at_every_level(|| {
                    let mut panels = Panels::default();
                    panels.pack(&b, depth, columns, (columns, 1));
                    let mut out = before.clone();
                    multiply(&a, &panels, start, &mut out);
                    out
                }))
            };
            let mut expected = twin(&a, &b, size);
            close(&product(Start::Zero), &expected);
            let add = |expected: &mut [f64], more: &dyn Fn(usize) -> f32| {
                let places = expected.iter_mut().enumerate();
                places.for_each(|(place, x)| *x += f64::from(more(place)));
            };
            add(&mut expected, &|place| bias[place % columns]);
            close(&product(Start::Bias(&bias)), &expected);
            add(&mut expected, &|place| {
                before[place] - bias[place % columns]
            });
            close(&product(Start::Sum), &expected);
        }
    }

    #[test]
    fn a_transposed_matrix_is_packed_and_multiplied_as_itself() {
        for size @ (rows, depth, columns) in SIZES {
            let (a, b) = (numbers(rows * depth, 5), numbers(depth * columns, 6));
            let mut across = vec![0.0; b.len()];
            for d in 0..depth {
                for c in 0..columns {
                    across[c * depth + d] = b[d * columns + c];
                }
            }
            let ours = same(at_every_level(|| {
                let mut panels = Panels::default();
                // Packed before with something larger: what is left of it must not matter.
                panels.pack(&numbers(80 * 50, 7), 50, 80, (80, 1));
                panels.pack(&across, depth, columns, (1, depth));
                let mut out = vec![0.0; rows * columns];
                multiply(&a, &panels, Start::Zero, &mut out);
                out
            }));
            close(&ours, &twin(&a, &b, size));
        }
    }

    #[test]
    fn the_gradient_of_a_weight_is_added_up_in_one_chain() {
        for (rows, of_a, of_b) in [(9, 16, 33), (1, 5, 3), (6, 8, 64), (40, 19, 32)] {
            let (a, b) = (numbers(rows * of_a, 8), numbers(rows * of_b, 9));
            let run = |cuts: &[usize]| {
                same(at_every_level(|| {
                    let (mut panels, mut strip) = (Panels::default(), Vec::new());
                    let mut out = vec![0.25; of_a * of_b];
                    for cut in cuts.windows(2) {
                        add_transposed(
                            &a[cut[0] * of_a..cut[1] * of_a],
                            &b[cut[0] * of_b..cut[1] * of_b],
                            (of_a, of_b),
                            &mut out,
                            &mut panels,
                            &mut strip,
                        );
                    }
                    out
                }))
            };
            let whole = run(&[0, rows]);
            assert_eq!(run(&[0, rows / 2, rows]), whole);
            let mut across = vec![0.0; a.len()];
            for row in 0..rows {
                for c in 0..of_a {
                    across[c * rows + row] = a[row * of_a + c];
                }
            }
            let mut expected = twin(&across, &b, (of_a, rows, of_b));
            expected.iter_mut().for_each(|x| *x += 0.25);
            close(&whole, &expected);
        }
    }

    #[test]
    #[should_panic(expected = "a left matrix too small")]
    fn a_matrix_that_is_too_small_is_refused() {
        let mut panels = Panels::default();
        panels.pack(&[1.0; 12], 3, 4, (4, 1));
        let left = Left::rows(&[0.0; 5], 3);
        let out = &mut [0.0; 8];
        multiply_part(left, 2, &panels, 3, 4, Start::Zero, out, 4);
    }
}

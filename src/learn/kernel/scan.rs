//! The selective scan of Mamba (Gu & Dao 2023, arXiv 2312.00752, section 3.2 and Algorithm 2) with all that is done
//! number by number around it, in one operation.
//!
//! Glossary to the paper, for one channel c and states n: x what is read, Δ the step, A the rates, B how x enters the
//! states, C how they are read, D the skip, z the gate. With r the step as it comes from its projection:
//!
//! ```text
//! Δ_t = softplus(r_t + bias)                    A = −exp(log_rates)
//! h_t,n = exp(Δ_t A_n) h_t−1,n + Δ_t B_t,n x_t  v_t = Σ_n C_t,n h_t,n + D x_t
//! y_t = v_t · silu(z_t)
//! ```
//!
//! A is discretised exactly and B by Euler's rule, as in the released code. Where only the last positions are kept, the
//! states run over all, but only those are read and gated.
//!
//! States are never laid down as a table of batch × length × channels × states. Channels go in blocks that fill vectors;
//! one block of one sequence is run over its whole length, and on the way back its states are computed once more into
//! a table that stays in the cache.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail};

#[cfg(feature = "cuda")]
use super::card;
use super::silu::{sigmoid, slope, softplus};
use super::vector::vectorised;
use super::{Real, applies, by_type, on_a_card, on_card, slice, unpack};

/// What a selective scan reads.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// x, (batch, length, inner).
    pub x: &'a Tensor,
    /// r, the step before its bias and softplus, (batch, length, inner).
    pub step: &'a Tensor,
    /// Ends in B and then C: (batch, length, at least 2·state).
    pub selection: &'a Tensor,
    /// z of the kept positions, the last, (batch, keep, inner).
    pub gate: &'a Tensor,
    /// ln −A, (inner, state).
    pub log_rates: &'a Tensor,
    /// D, (inner).
    pub skip: &'a Tensor,
    /// The bias of the step, (inner).
    pub bias: &'a Tensor,
}

/// Scans from states of zero to y of the kept positions, (batch, keep, inner).
///
/// # Errors
/// Shapes that do not fit.
pub fn selective_scan(scan: &Scan<'_>) -> Result<Tensor> {
    if scan.is_fused() {
        let (data, weights) = scan.pack()?;
        data.apply_op3(&scan.gate.contiguous()?, &weights, SelectiveScan)
    } else {
        Ok(composed(scan, None)?.0)
    }
}

/// Scans on from the states (batch, state, inner) of what was read before, zeros where none: to y of the kept positions
/// and the states at the end. No gradients.
///
/// # Errors
/// Shapes that do not fit.
pub fn selective_scan_on(scan: &Scan<'_>, states: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
    if !scan.is_fused() {
        let (y, states) = composed(scan, states)?;
        return Ok((y.detach(), states.detach()));
    }
    let (data, weights) = scan.pack()?;
    let gate = scan.gate.contiguous()?;
    let states = states.map(Tensor::contiguous).transpose()?;
    let size = Size::of(data.dims(), gate.dims(), weights.dims())?;
    let packed = data.apply_op3_no_bwd(&gate, &weights, &ScanOn(states))?;
    let (y, states) = (gate.elem_count(), size.batch * size.state * size.inner);
    Ok((
        packed.narrow(0, 0, y)?.reshape(gate.shape())?,
        packed
            .narrow(0, y, states)?
            .reshape((size.batch, size.state, size.inner))?,
    ))
}

impl Scan<'_> {
    /// Whether there is one operation for it. A card's keeps the states of a channel in registers, so it takes few.
    fn is_fused(&self) -> bool {
        #[cfg(feature = "cuda")]
        let fits = self.x.dim(0).is_ok_and(|batch| batch <= card::SEQUENCES)
            && self
                .log_rates
                .dim(1)
                .is_ok_and(|state| state <= card::STATES);
        #[cfg(not(feature = "cuda"))]
        let fits = false;
        applies(self.x) || (on_card(self.x) && fits)
    }

    fn check(&self) -> Result<()> {
        let fits = match (self.x.dims(), self.gate.dims(), self.log_rates.dims()) {
            (&[batch, length, inner], &[_, keep, _], &[_, state]) => {
                keep <= length
                    && self.step.dims() == self.x.dims()
                    && self.gate.dims() == [batch, keep, inner]
                    && self.log_rates.dims() == [inner, state]
                    && self.skip.dims() == [inner]
                    && self.bias.dims() == [inner]
                    && matches!(self.selection.dims(), &[batches, positions, columns]
                        if batches == batch && positions == length && columns >= 2 * state)
            }
            _ => false,
        };
        if !fits {
            bail!("a selective scan of shapes that do not fit: {self:?}")
        }
        Ok(())
    }

    /// What comes by position, (batch, length, 2·inner + selection): x, r, selection; and what comes by channel, (inner,
    /// state + 2): ln −A, D, bias. An operation of candle's takes three tensors.
    fn pack(&self) -> Result<(Tensor, Tensor)> {
        self.check()?;
        let channels = [
            self.log_rates,
            &self.skip.unsqueeze(1)?,
            &self.bias.unsqueeze(1)?,
        ];
        let positions = [
            &self.x.contiguous()?,
            &self.step.contiguous()?,
            &self.selection.contiguous()?,
        ];
        Ok((
            Tensor::cat(&positions, 2)?.contiguous()?,
            Tensor::cat(&channels, 1)?.contiguous()?,
        ))
    }
}

/// The same from candle's own operations, position by position.
pub(super) fn composed(scan: &Scan<'_>, states: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
    scan.check()?;
    let (batch, length, inner) = scan.x.dims3()?;
    let (_, state) = scan.log_rates.dims2()?;
    let (_, keep, _) = scan.gate.dims3()?;
    let columns = scan.selection.dim(2)?;
    let raw = scan.step.broadcast_add(scan.bias)?;
    let step = (raw.relu()? + (raw.abs()?.neg()?.exp()? + 1.0)?.log()?)?; // (batch, length, inner)
    let rates = scan.log_rates.exp()?.neg()?; // (inner, state)
    let entering = scan.selection.narrow(2, columns - 2 * state, state)?; // (batch, length, state)
    let reading = scan.selection.narrow(2, columns - state, state)?;
    let mut h = match states {
        Some(states) => states.transpose(1, 2)?.contiguous()?,
        None => Tensor::zeros((batch, inner, state), scan.x.dtype(), scan.x.device())?,
    };
    let mut read = Vec::with_capacity(keep);
    for t in 0..length {
        let at = |x: &Tensor| x.narrow(1, t, 1)?.squeeze(1);
        let (x, step) = (at(scan.x)?, at(&step)?); // (batch, inner)
        let decay = step.unsqueeze(2)?.broadcast_mul(&rates)?.exp()?; // (batch, inner, state)
        let entered = (&step * &x)?
            .unsqueeze(2)?
            .broadcast_mul(&at(&entering)?.unsqueeze(1)?)?;
        h = ((decay * h)? + entered)?;
        if t + keep >= length {
            let sum = h.broadcast_mul(&at(&reading)?.unsqueeze(1)?)?.sum(2)?; // (batch, inner)
            read.push((sum + x.broadcast_mul(scan.skip)?)?);
        }
    }
    let y = (Tensor::stack(&read, 1)? * scan.gate.silu()?)?; // (batch, keep, inner)
    Ok((y, h.transpose(1, 2)?.contiguous()?))
}

/// What the hot loops ask of numbers beyond what a kernel does.
trait Number: Real {
    /// 2 to this power, which is at most 0.
    fn power_of_two(self) -> Self;
    /// self · b + c, rounded once.
    fn multiply_add(self, b: Self, c: Self) -> Self;
}

impl Number for f32 {
    /// Within 2 units in the last place; 2⁻¹²⁶, the smallest normal number, is the least; keeps NaN. Of a sum of a whole
    /// number and a rest within ±½, the first is an exponent, and 2^rest − 1 = rest · its interpolation of degree 5 in
    /// the nodes of Chebyshev.
    #[inline(always)]
    fn power_of_two(self) -> Self {
        const ROUND: f32 = 12_582_912.0; // 1.5 × 2²³: adding it rounds to a whole number, held in the low bits
        let x = if self < -126.0 { -126.0 } else { self };
        let shifted = x + ROUND;
        let rest = x - (shifted - ROUND);
        let mut series = 1.545_315_3e-4f32;
        for coefficient in [
            1.339_086_3e-3,
            9.618_083e-3,
            5.550_357e-2,
            0.240_226_5,
            std::f32::consts::LN_2,
            1.0,
        ] {
            series = series.mul_add(rest, coefficient);
        }
        let power = Self::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
        series * power
    }

    #[inline(always)]
    fn multiply_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}

impl Number for f64 {
    #[inline]
    fn power_of_two(self) -> Self {
        self.exp2()
    }

    #[inline(always)]
    fn multiply_add(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}

struct SelectiveScan;

/// The same from the states of before, to y and the states at the end, packed.
struct ScanOn(Option<Tensor>);

/// The gradients of all three inputs, packed, for the gradient of y, a fourth, which is kept here.
struct Backward(Tensor);

/// Channels that are worked on at once.
const LANES: usize = 16;

/// A number for each channel of a block; what lies past the last channel is zero where it is loaded, and never stored.
type Block<T> = [T; LANES];

#[derive(Clone, Copy)]
struct Size {
    batch: usize,
    length: usize,
    keep: usize,
    inner: usize,
    state: usize,
    /// Numbers of a position: x, r, whatever else, B, C.
    row: usize,
}

impl Size {
    fn of(data: &[usize], gate: &[usize], weights: &[usize]) -> Result<Self> {
        match (data, gate, weights) {
            (&[batch, length, row], &[batches, keep, inner], &[channels, columns])
                if batch == batches
                    && keep <= length
                    && inner == channels
                    && columns >= 3
                    && row >= 2 * (inner + columns - 2) =>
            {
                Ok(Self {
                    batch,
                    length,
                    keep,
                    inner,
                    state: columns - 2,
                    row,
                })
            }
            _ => bail!("a selective scan of {data:?} gated by {gate:?} with {weights:?}"),
        }
    }

    #[cfg(feature = "cuda")]
    fn on_card(self) -> card::ScanSize {
        let Self {
            batch,
            length,
            keep,
            inner,
            state,
            row,
        } = self;
        card::ScanSize {
            batch,
            length,
            keep,
            inner,
            state,
            row,
        }
    }

    /// What position t of a sequence has.
    #[inline(always)]
    fn position<T>(self, sequence: &[T], t: usize) -> Position<'_, T> {
        let row = &sequence[t * self.row..][..self.row];
        let (rest, reading) = row.split_at(self.row - self.state);
        let (rest, entering) = rest.split_at(self.row - 2 * self.state);
        let (x, rest) = rest.split_at(self.inner);
        Position {
            x,
            step: &rest[..self.inner],
            entering,
            reading,
        }
    }

    /// The place of position t among the kept ones.
    #[inline(always)]
    fn kept(self, t: usize) -> Option<usize> {
        (t + self.keep).checked_sub(self.length)
    }
}

struct Position<'a, T> {
    x: &'a [T],        // (inner)
    step: &'a [T],     // (inner), r
    entering: &'a [T], // (state), B
    reading: &'a [T],  // (state), C
}

/// A block of channels and its weights.
struct Channels<T> {
    first: usize,
    count: usize,
    rates: Vec<Block<T>>,  // (state, lanes), A
    powers: Vec<Block<T>>, // (state, lanes), A/ln 2, so that exp(Δ A) = 2^(Δ · this)
    skip: Block<T>,
    bias: Block<T>,
}

impl<T: Number> Channels<T> {
    /// All blocks, from weights (inner, state + 2).
    fn all(size: Size, weights: &[T]) -> Vec<Self> {
        let columns = size.state + 2;
        (0..size.inner)
            .step_by(LANES)
            .map(|first| {
                let count = LANES.min(size.inner - first);
                let column = |n: usize| {
                    let mut block = [T::zero(); LANES];
                    for (lane, number) in block.iter_mut().enumerate().take(count) {
                        *number = weights[(first + lane) * columns + n];
                    }
                    block
                };
                let rates: Vec<Block<T>> = (0..size.state)
                    .map(|n| column(n).map(|x| -x.exp()))
                    .collect();
                let share = T::from_f64(std::f64::consts::LOG2_E);
                Self {
                    first,
                    count,
                    powers: rates.iter().map(|rates| rates.map(|x| x * share)).collect(),
                    rates,
                    skip: column(size.state),
                    bias: column(size.state + 1),
                }
            })
            .collect()
    }

    /// The block's part of a row of channels.
    #[inline(always)]
    fn load(&self, row: &[T]) -> Block<T> {
        let row = &row[self.first..];
        if let Some(block) = row.first_chunk() {
            return *block;
        }
        let mut block = [T::zero(); LANES];
        block[..self.count].copy_from_slice(&row[..self.count]);
        block
    }

    /// Writes the block's part of a row of channels.
    #[inline(always)]
    fn store(&self, block: &Block<T>, row: &mut [T]) {
        let row = &mut row[self.first..];
        match row.first_chunk_mut() {
            Some(out) => *out = *block,
            None => row[..self.count].copy_from_slice(&block[..self.count]),
        }
    }
}

/// A block from its lanes.
#[inline(always)]
fn block<T: Real>(f: impl Fn(usize) -> T) -> Block<T> {
    let mut block = [T::zero(); LANES];
    for (lane, number) in block.iter_mut().enumerate() {
        *number = f(lane);
    }
    block
}

/// What a block of channels reads of a sequence, and what its states give: by position, so that it does not wait for
/// the states of the position before.
struct Strip<T> {
    x: Vec<Block<T>>,    // (length, lanes)
    raw: Vec<Block<T>>,  // (length, lanes), r + bias
    step: Vec<Block<T>>, // (length, lanes), Δ
    v: Vec<Block<T>>,    // (keep, lanes)
}

impl<T: Number> Strip<T> {
    fn new(size: Size) -> Self {
        let blocks = |count: usize| vec![[T::zero(); LANES]; count];
        Self {
            x: blocks(size.length),
            raw: blocks(size.length),
            step: blocks(size.length),
            v: blocks(size.keep),
        }
    }

    /// Loads a sequence, (length, row).
    #[inline(always)]
    fn load(&mut self, size: Size, channels: &Channels<T>, sequence: &[T]) {
        let places = self.x.iter_mut().zip(&mut self.raw).zip(&mut self.step);
        for (t, ((x, raw), step)) in places.enumerate() {
            let position = size.position(sequence, t);
            *x = channels.load(position.x);
            let loaded = channels.load(position.step);
            *raw = block(|lane| loaded[lane] + channels.bias[lane]);
            *step = block(|lane| softplus(raw[lane]));
        }
    }
}

/// v of a position from its states.
#[inline(always)]
fn read<T: Number>(
    channels: &Channels<T>,
    x: &Block<T>,
    states: &[Block<T>],
    reading: &[T],
) -> Block<T> {
    let mut v = block(|lane| channels.skip[lane] * x[lane]);
    for (h, &c) in states.iter().zip(reading) {
        v = block(|lane| h[lane].multiply_add(c, v[lane]));
    }
    v
}

vectorised! {
    /// Runs a block of channels over one sequence, (length, row): from and to `states` (state, lanes); y into `out`
    /// (keep, inner), with `gate` (keep, inner).
    fn ahead<T: Number>(
        size: Size,
        channels: &Channels<T>,
        sequence: &[T],
        gate: &[T],
        states: &mut [Block<T>],
        strip: &mut Strip<T>,
        out: &mut [T],
    ) {
        strip.load(size, channels, sequence);
        for (t, (x, step)) in strip.x.iter().zip(&strip.step).enumerate() {
            let position = size.position(sequence, t);
            let enters: Block<T> = block(|lane| step[lane] * x[lane]);
            let tables = states.iter_mut().zip(&channels.powers);
            for ((h, powers), &b) in tables.zip(position.entering) {
                let decay: Block<T> = block(|lane| (step[lane] * powers[lane]).power_of_two());
                *h = block(|lane| decay[lane].multiply_add(h[lane], enters[lane] * b));
            }
            if let Some(place) = size.kept(t) {
                strip.v[place] = read(channels, x, states, position.reading);
            }
        }
        let rows = gate.chunks_exact(size.inner).zip(out.chunks_exact_mut(size.inner));
        for (v, (gate, out)) in strip.v.iter().zip(rows) {
            let z = channels.load(gate);
            channels.store(&block(|lane| v[lane] * (z[lane] * sigmoid(z[lane]))), out);
        }
    }
}

/// Memory for one block of channels of one sequence on its way back, and what the blocks of a sequence add up.
struct Workspace<T> {
    strip: Strip<T>,
    states: Vec<Block<T>>, // (1 + length, state, lanes), first those before the first position, zeros
    decays: Vec<Block<T>>, // (length, state, lanes)
    of_v: Vec<Block<T>>,   // (keep, lanes)
    of_states: Vec<Block<T>>, // (state, lanes)
    of_entering: Vec<Block<T>>, // (length, state, lanes), the lanes not yet added up
    of_reading: Vec<Block<T>>, // (keep, state, lanes), likewise
}

impl<T: Number> Workspace<T> {
    fn new(size: Size) -> Self {
        let Size {
            length,
            keep,
            state,
            ..
        } = size;
        let blocks = |count: usize| vec![[T::zero(); LANES]; count];
        Self {
            strip: Strip::new(size),
            states: blocks((1 + length) * state),
            decays: blocks(length * state),
            of_v: blocks(keep),
            of_states: blocks(state),
            of_entering: blocks(length * state),
            of_reading: blocks(keep * state),
        }
    }
}

/// The gradients of the weights of a block of channels.
struct OfChannels<T> {
    rates: Vec<Block<T>>, // (state, lanes)
    skip: Block<T>,
    bias: Block<T>,
}

impl<T: Number> OfChannels<T> {
    fn new(size: Size) -> Self {
        Self {
            rates: vec![[T::zero(); LANES]; size.state],
            skip: [T::zero(); LANES],
            bias: [T::zero(); LANES],
        }
    }
}

vectorised! {
    /// The first half of the way back for a block of channels: its states over one sequence once more, and the gradients
    /// of v and of the gate, from `gradient` (keep, inner), that of y.
    fn again<T: Number>(
        size: Size,
        channels: &Channels<T>,
        sequence: &[T],
        gate: &[T],
        gradient: &[T],
        workspace: &mut Workspace<T>,
        of_gate: &mut [T],
    ) {
        let Size { inner, state, .. } = size;
        let strip = &mut workspace.strip;
        strip.load(size, channels, sequence);
        for (t, (x, step)) in strip.x.iter().zip(&strip.step).enumerate() {
            let position = size.position(sequence, t);
            let enters: Block<T> = block(|lane| step[lane] * x[lane]);
            let (before, after) = workspace.states[t * state..][..2 * state].split_at_mut(state);
            let decays = &mut workspace.decays[t * state..][..state];
            let tables = before.iter().zip(after.iter_mut()).zip(decays);
            for (((before, after), decay), (powers, &b)) in
                tables.zip(channels.powers.iter().zip(position.entering))
            {
                *decay = block(|lane| (step[lane] * powers[lane]).power_of_two());
                *after = block(|lane| decay[lane].multiply_add(before[lane], enters[lane] * b));
            }
            if let Some(place) = size.kept(t) {
                strip.v[place] = read(channels, x, after, position.reading);
            }
        }
        let rows = gate.chunks_exact(inner).zip(gradient.chunks_exact(inner));
        let outputs = workspace.of_v.iter_mut().zip(of_gate.chunks_exact_mut(inner));
        for ((v, (gate, gradient)), (of_v, of_gate)) in strip.v.iter().zip(rows).zip(outputs) {
            let (z, g) = (channels.load(gate), channels.load(gradient));
            let s: Block<T> = block(|lane| sigmoid(z[lane]));
            *of_v = block(|lane| g[lane] * (z[lane] * s[lane]));
            let of_z = block(|lane| g[lane] * v[lane] * slope(z[lane], s[lane]));
            channels.store(&of_z, of_gate);
        }
    }
}

vectorised! {
    /// The second half: from the last position to the first. Writes x and r of `of_sequence` (length, row); adds to the
    /// weights' gradients, and to those of B and C on the workspace.
    fn back<T: Number>(
        size: Size,
        channels: &Channels<T>,
        sequence: &[T],
        workspace: &mut Workspace<T>,
        of_sequence: &mut [T],
        of: &mut OfChannels<T>,
    ) {
        let Size { inner, state, .. } = size;
        let zeros = [T::zero(); LANES];
        workspace.of_states.fill(zeros);
        for t in (0..size.length).rev() {
            let position = size.position(sequence, t);
            let strip = &workspace.strip;
            let (x, raw, step) = (&strip.x[t], &strip.raw[t], &strip.step[t]);
            let (before, after) = workspace.states[t * state..][..2 * state].split_at(state);
            let mut of_x = zeros;
            if let Some(place) = size.kept(t) {
                let of_v = &workspace.of_v[place];
                let of_reading = &mut workspace.of_reading[place * state..][..state];
                let tables = workspace.of_states.iter_mut().zip(of_reading);
                for ((of_h, of_c), (h, &c)) in tables.zip(after.iter().zip(position.reading)) {
                    *of_h = block(|lane| of_v[lane].multiply_add(c, of_h[lane]));
                    *of_c = block(|lane| of_v[lane].multiply_add(h[lane], of_c[lane]));
                }
                of_x = block(|lane| of_v[lane] * channels.skip[lane]);
                of.skip = block(|lane| of_v[lane].multiply_add(x[lane], of.skip[lane]));
            }
            let enters: Block<T> = block(|lane| step[lane] * x[lane]);
            let (mut of_enters, mut of_step) = (zeros, zeros);
            let decays = &workspace.decays[t * state..][..state];
            let of_entering = &mut workspace.of_entering[t * state..][..state];
            let states = workspace.of_states.iter_mut().zip(before).zip(decays);
            let weights = channels.rates.iter().zip(&mut of.rates);
            let maps = position.entering.iter().zip(of_entering);
            for (((of_h, h), decay), ((rate, of_rate), (&b, of_b))) in states.zip(weights.zip(maps)) {
                *of_b = block(|lane| of_h[lane].multiply_add(enters[lane], of_b[lane]));
                of_enters = block(|lane| of_h[lane].multiply_add(b, of_enters[lane]));
                *of_h = block(|lane| of_h[lane] * decay[lane]);
                let power: Block<T> = block(|lane| of_h[lane] * h[lane]);
                of_step = block(|lane| power[lane].multiply_add(rate[lane], of_step[lane]));
                *of_rate = block(|lane| power[lane].multiply_add(step[lane], of_rate[lane]));
            }
            of_x = block(|lane| of_enters[lane].multiply_add(step[lane], of_x[lane]));
            let of_raw: Block<T> = block(|lane| {
                of_enters[lane].multiply_add(x[lane], of_step[lane]) * sigmoid(raw[lane])
            });
            of.bias = block(|lane| of.bias[lane] + of_raw[lane]);
            let row = &mut of_sequence[t * size.row..][..2 * inner];
            channels.store(&of_x, &mut row[..inner]);
            channels.store(&of_raw, &mut row[inner..]);
        }
    }
}

vectorised! {
    /// Adds up the lanes of what the blocks of a sequence gave B and C, and clears the workspace for the next sequence.
    fn gather<T: Number>(size: Size, workspace: &mut Workspace<T>, of_sequence: &mut [T]) {
        let Size { state, row, .. } = size;
        let total = |block: &mut Block<T>| {
            let mut sum = *block;
            *block = [T::zero(); LANES];
            let mut half = LANES / 2;
            while half > 0 {
                for lane in 0..half {
                    sum[lane] += sum[lane + half];
                }
                half /= 2;
            }
            sum[0]
        };
        for t in 0..size.length {
            let out = &mut of_sequence[t * row..][row - 2 * state..row];
            let (of_entering, of_reading) = out.split_at_mut(state);
            let blocks = &mut workspace.of_entering[t * state..][..state];
            for (out, block) in of_entering.iter_mut().zip(blocks) {
                *out = total(block);
            }
            if let Some(place) = size.kept(t) {
                let blocks = &mut workspace.of_reading[place * state..][..state];
                for (out, block) in of_reading.iter_mut().zip(blocks) {
                    *out = total(block);
                }
            }
        }
    }
}

fn scan<T: Number>(
    inputs: [(&CpuStorage, &Layout); 3],
    before: Option<&[T]>,
    mut after: Option<&mut [T]>,
    out: &mut [T],
) -> Result<()> {
    let size = Size::of(inputs[0].1.dims(), inputs[1].1.dims(), inputs[2].1.dims())?;
    let data = slice::<T>(inputs[0].0, inputs[0].1)?;
    let gate = slice::<T>(inputs[1].0, inputs[1].1)?;
    let all = Channels::all(size, slice::<T>(inputs[2].0, inputs[2].1)?);
    let Size { inner, state, .. } = size;
    let kept = size.keep * inner;
    let mut states = vec![[T::zero(); LANES]; state];
    let mut strip = Strip::new(size);
    for b in 0..size.batch {
        let sequence = &data[b * size.length * size.row..][..size.length * size.row];
        let gate = &gate[b * kept..][..kept];
        let out = &mut out[b * kept..][..kept];
        for channels in &all {
            for (n, h) in states.iter_mut().enumerate() {
                *h = match before {
                    Some(before) => channels.load(&before[(b * state + n) * inner..][..inner]),
                    None => [T::zero(); LANES],
                };
            }
            ahead(size, channels, sequence, gate, &mut states, &mut strip, out);
            if let Some(after) = after.as_deref_mut() {
                for (n, h) in states.iter().enumerate() {
                    channels.store(h, &mut after[(b * state + n) * inner..][..inner]);
                }
            }
        }
    }
    Ok(())
}

fn forward<T: Number>(inputs: [(&CpuStorage, &Layout); 3]) -> Result<(CpuStorage, Shape)> {
    let shape = inputs[1].1.shape().clone();
    let mut out = vec![T::zero(); shape.elem_count()];
    scan(inputs, None, None, &mut out)?;
    Ok((T::to_cpu_storage_owned(out), shape))
}

fn forward_on<T: Number>(
    inputs: [(&CpuStorage, &Layout); 3],
    before: Option<&Tensor>,
) -> Result<(CpuStorage, Shape)> {
    let size = Size::of(inputs[0].1.dims(), inputs[1].1.dims(), inputs[2].1.dims())?;
    let kept = inputs[1].1.shape().elem_count();
    let mut packed = vec![T::zero(); kept + size.batch * size.state * size.inner];
    let (out, after) = packed.split_at_mut(kept);
    match before {
        Some(before) => {
            if before.dims() != [size.batch, size.state, size.inner] {
                bail!("a selective scan from states {:?}", before.dims())
            }
            let (storage, layout) = before.storage_and_layout();
            let Storage::Cpu(storage) = &*storage else {
                bail!("a selective scan from states on another device")
            };
            scan(inputs, Some(slice::<T>(storage, layout)?), Some(after), out)?;
        }
        None => scan(inputs, None, Some(after), out)?,
    }
    let shape = Shape::from(packed.len());
    Ok((T::to_cpu_storage_owned(packed), shape))
}

fn backward<T: Number>(
    inputs: [(&CpuStorage, &Layout); 3],
    gradient: &Tensor,
) -> Result<(CpuStorage, Shape)> {
    let size = Size::of(inputs[0].1.dims(), inputs[1].1.dims(), inputs[2].1.dims())?;
    let data = slice::<T>(inputs[0].0, inputs[0].1)?;
    let gate = slice::<T>(inputs[1].0, inputs[1].1)?;
    let weights = slice::<T>(inputs[2].0, inputs[2].1)?;
    let (storage, layout) = gradient.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        bail!("the gradient of a selective scan on another device")
    };
    let gradient = slice::<T>(storage, layout)?;
    let Size { inner, state, .. } = size;
    let all = Channels::all(size, weights);
    let mut packed = vec![T::zero(); data.len() + gate.len() + weights.len()];
    let (of_data, rest) = packed.split_at_mut(data.len());
    let (of_gate, of_weights) = rest.split_at_mut(gate.len());
    let mut of_channels: Vec<_> = all.iter().map(|_| OfChannels::new(size)).collect();
    let mut workspace = Workspace::new(size);
    let (sequence_length, kept) = (size.length * size.row, size.keep * inner);
    for b in 0..size.batch {
        let sequence = &data[b * sequence_length..][..sequence_length];
        let of_sequence = &mut of_data[b * sequence_length..][..sequence_length];
        let (gate, gradient) = (&gate[b * kept..][..kept], &gradient[b * kept..][..kept]);
        let of_gate = &mut of_gate[b * kept..][..kept];
        for (channels, of) in all.iter().zip(&mut of_channels) {
            again(
                size,
                channels,
                sequence,
                gate,
                gradient,
                &mut workspace,
                of_gate,
            );
            back(size, channels, sequence, &mut workspace, of_sequence, of);
        }
        gather(size, &mut workspace, of_sequence);
    }
    for (channels, of) in all.iter().zip(&of_channels) {
        for lane in 0..channels.count {
            let row = &mut of_weights[(channels.first + lane) * (state + 2)..][..state + 2];
            for (n, out) in row[..state].iter_mut().enumerate() {
                // dA/d ln(−A) = A.
                *out = of.rates[n][lane] * channels.rates[n][lane];
            }
            (row[state], row[state + 1]) = (of.skip[lane], of.bias[lane]);
        }
    }
    let shape = Shape::from(packed.len());
    Ok((T::to_cpu_storage_owned(packed), shape))
}

impl CustomOp3 for SelectiveScan {
    fn name(&self) -> &'static str {
        "selective-scan"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, forward([(s1, l1), (s2, l2), (s3, l3)]))
    }

    on_a_card!(|_, a, b, c| {
        let size = Size::of(a.1.dims(), b.1.dims(), c.1.dims())?;
        card::scan(a, b, c, size.on_card())
    });

    fn bwd(
        &self,
        data: &Tensor,
        gate: &Tensor,
        weights: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let packed = data.apply_op3_no_bwd(gate, weights, &Backward(gradient.contiguous()?))?;
        let mut parts = unpack(&packed, &[data, gate, weights])?.into_iter();
        Ok((parts.next(), parts.next(), parts.next()))
    }
}

impl CustomOp3 for ScanOn {
    fn name(&self) -> &'static str {
        "selective-scan-on"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(
            s1,
            forward_on([(s1, l1), (s2, l2), (s3, l3)], self.0.as_ref())
        )
    }

    on_a_card!(|this, a, b, c| {
        let size = Size::of(a.1.dims(), b.1.dims(), c.1.dims())?;
        let Some(before) = &this.0 else {
            return card::scan_on(a, b, c, None, size.on_card());
        };
        if before.dims() != [size.batch, size.state, size.inner] {
            bail!("a selective scan from states {:?}", before.dims())
        }
        let (storage, layout) = before.storage_and_layout();
        let Storage::Cuda(storage) = &*storage else {
            bail!("a selective scan from states on another device")
        };
        let before = Some((storage, layout));
        card::scan_on(a, b, c, before, size.on_card())
    });
}

impl CustomOp3 for Backward {
    fn name(&self) -> &'static str {
        "selective-scan-backward"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, backward([(s1, l1), (s2, l2), (s3, l3)], &self.0))
    }

    on_a_card!(|this, a, b, c| {
        let size = Size::of(a.1.dims(), b.1.dims(), c.1.dims())?;
        let (storage, layout) = this.0.storage_and_layout();
        let Storage::Cuda(storage) = &*storage else {
            bail!("the gradient of a selective scan on another device")
        };
        let gradient = (storage, layout);
        card::scan_backward(a, b, c, gradient, size.on_card())
    });
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Var};

    use super::super::tests::{agree, numbers};
    use super::*;

    /// Inputs of a scan as variables, in the order of [`Scan`].
    fn inputs(batch: usize, length: usize, keep: usize, inner: usize, state: usize) -> [Var; 7] {
        [
            numbers("x", &[batch, length, inner]),
            numbers("step", &[batch, length, inner]),
            numbers("selection", &[batch, length, 2 * state + 3]),
            numbers("gate", &[batch, keep, inner]),
            numbers("log rates", &[inner, state]),
            numbers("skip", &[inner]),
            numbers("bias", &[inner]),
        ]
    }

    fn scan_of<'a, T: std::ops::Deref<Target = Tensor>>(inputs: &'a [T; 7]) -> Scan<'a> {
        let [x, step, selection, gate, log_rates, skip, bias] = inputs.each_ref().map(|x| &**x);
        Scan {
            x,
            step,
            selection,
            gate,
            log_rates,
            skip,
            bias,
        }
    }

    fn flat(x: &Tensor) -> Vec<f64> {
        let numbers = x.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
        numbers.to_vec1().unwrap()
    }

    /// Algorithm 2 of the paper, number by number: y (batch, keep, inner), row-major.
    fn literal(scan: &Scan<'_>) -> Vec<f64> {
        let (batch, length, inner) = scan.x.dims3().unwrap();
        let (keep, state) = (scan.gate.dim(1).unwrap(), scan.log_rates.dim(1).unwrap());
        let columns = scan.selection.dim(2).unwrap();
        let (x, step, selection) = (flat(scan.x), flat(scan.step), flat(scan.selection));
        let (gate, log_rates) = (flat(scan.gate), flat(scan.log_rates));
        let (skip, bias) = (flat(scan.skip), flat(scan.bias));
        let mut y = vec![0.0; batch * keep * inner];
        for i in 0..batch {
            for c in 0..inner {
                let mut h = vec![0.0; state];
                for t in 0..length {
                    let place = (i * length + t) * inner + c;
                    let delta = (1.0 + (step[place] + bias[c]).exp()).ln();
                    let row =
                        &selection[(i * length + t) * columns..][columns - 2 * state..columns];
                    let mut v = skip[c] * x[place];
                    for n in 0..state {
                        let a = -log_rates[c * state + n].exp();
                        h[n] = (delta * a).exp() * h[n] + delta * row[n] * x[place];
                        v += row[state + n] * h[n];
                    }
                    if t + keep >= length {
                        let place = (i * keep + t + keep - length) * inner + c;
                        y[place] = v * gate[place] / (1.0 + (-gate[place]).exp());
                    }
                }
            }
        }
        y
    }

    #[test]
    fn powers_of_two_are_close_and_keep_what_is_not_a_number() {
        for step in -12_600..=0 {
            let x = step as f32 / 100.0;
            let (ours, exact) = (f64::from(x.power_of_two()), f64::from(x).exp2());
            assert!(
                (ours - exact).abs() <= 1.3e-7 * exact,
                "{x}: {ours} {exact}"
            );
        }
        assert_eq!(0.0f32.power_of_two(), 1.0);
        assert_eq!(f32::NEG_INFINITY.power_of_two(), f32::MIN_POSITIVE);
        assert!(f32::NAN.power_of_two().is_nan());
    }

    #[test]
    fn the_scan_agrees_with_its_composition_in_value_and_gradient() {
        for (length, keep, inner, state) in
            [(7, 7, 16, 16), (7, 2, 40, 5), (31, 4, 19, 8), (1, 1, 3, 1)]
        {
            let inputs = inputs(2, length, keep, inner, state);
            let scan = scan_of(&inputs);
            agree(
                "scan",
                &inputs.each_ref(),
                || selective_scan(&scan),
                || Ok(composed(&scan, None)?.0),
            );
        }
    }

    #[test]
    fn the_scan_is_its_equations_and_its_gradients_are_their_slopes() {
        let inputs = inputs(2, 9, 4, 18, 3);
        let scan = scan_of(&inputs);
        let y = selective_scan(&scan).unwrap();
        let exact = literal(&scan);
        for (ours, exact) in flat(&y).iter().zip(&exact) {
            assert!((ours - exact).abs() < 1e-12, "{ours} {exact}");
        }
        let weights = numbers("weights", y.dims());
        let loss = || {
            let products = literal(&scan_of(&inputs)).into_iter().zip(flat(&weights));
            products.map(|(y, w)| y * w).sum::<f64>()
        };
        let gradients = (y * weights.as_tensor()).unwrap().backward().unwrap();
        for (place, input) in inputs.iter().enumerate() {
            let gradient = flat(gradients.get(input).unwrap());
            let before = input.as_detached_tensor().copy().unwrap();
            for at in (0..gradient.len()).step_by(1 + gradient.len() / 30) {
                let moved = |by: f64| {
                    let mut numbers = flat(&before);
                    numbers[at] += by;
                    let moved = Tensor::from_vec(numbers, before.shape(), before.device());
                    input.set(&moved.unwrap()).unwrap();
                    loss()
                };
                // Central differences of fourth order, exact to some 1e-11 here.
                let h = 1e-3;
                let slope = (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h)))
                    / (12.0 * h);
                input.set(&before).unwrap();
                assert!(
                    (slope - gradient[at]).abs() < 1e-9,
                    "input {place}[{at}]: {slope} {}",
                    gradient[at]
                );
            }
        }
    }

    #[test]
    fn f32_is_close_to_f64_in_value_and_gradient() {
        let exact = inputs(3, 50, 50, 70, 16);
        let rough = exact
            .each_ref()
            .map(|x| Var::from_tensor(&x.to_dtype(DType::F32).unwrap()).unwrap());
        let (y, rough_y) = (
            selective_scan(&scan_of(&exact)).unwrap(),
            selective_scan(&scan_of(&rough)).unwrap(),
        );
        let close = |what: &str, exact: &Tensor, rough: &Tensor| {
            let (exact, rough) = (flat(exact), flat(rough));
            let largest = exact.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            let pairs = exact.iter().zip(&rough);
            let apart = pairs.fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
            assert!(apart < 1e-5 * largest, "{what}: {apart} of {largest}");
        };
        close("y", &y, &rough_y);
        let weights = numbers("weights", y.dims());
        let gradients = (y * weights.as_tensor()).unwrap().backward().unwrap();
        let weights = weights.to_dtype(DType::F32).unwrap();
        let rough_gradients = (rough_y * weights).unwrap().backward().unwrap();
        for (place, (exact, rough)) in exact.iter().zip(&rough).enumerate() {
            close(
                &format!("gradient {place}"),
                gradients.get(exact).unwrap(),
                rough_gradients.get(rough).unwrap(),
            );
        }
    }

    #[test]
    fn a_scan_that_goes_on_equals_one_over_all() {
        let whole = inputs(2, 12, 12, 35, 4);
        let y = selective_scan(&scan_of(&whole)).unwrap();
        let mut states: Option<Tensor> = None;
        let mut first = 0;
        for new in [5, 1, 1, 3, 2] {
            let mut part = whole.each_ref().map(|x| x.as_detached_tensor());
            for input in &mut part[..4] {
                *input = input.narrow(1, first, new).unwrap();
            }
            let part = part.each_ref();
            let (read, after) = selective_scan_on(&scan_of(&part), states.as_ref()).unwrap();
            let (also_read, also_after) = composed(&scan_of(&part), states.as_ref()).unwrap();
            let expected = flat(&y.narrow(1, first, new).unwrap());
            for (place, exact) in expected.iter().enumerate() {
                assert!((flat(&read)[place] - exact).abs() < 1e-12);
                assert!((flat(&also_read)[place] - exact).abs() < 1e-12);
            }
            for (ours, theirs) in flat(&after).iter().zip(flat(&also_after)) {
                assert!((ours - theirs).abs() < 1e-12);
            }
            states = Some(after);
            first += new;
        }
        let other = numbers("other", &[2, 4, 34]);
        assert!(selective_scan_on(&scan_of(&whole), Some(&other)).is_err());
        let (x, gate) = (numbers("x", &[2, 12, 34]), numbers("gate", &[2, 13, 35]));
        for wrong in [
            Scan {
                x: &x,
                ..scan_of(&whole)
            },
            Scan {
                gate: &gate,
                ..scan_of(&whole)
            },
        ] {
            assert!(selective_scan(&wrong).is_err());
            assert!(composed(&wrong, None).is_err());
        }
    }
}

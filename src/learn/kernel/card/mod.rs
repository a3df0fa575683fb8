//! The operations of this folder on an NVIDIA card: what launches the kernels of `kernels.cu`, which `build.rs` compiles.
//!
//! All are for `f32` and contiguous tensors. Results are new memory, laid out as the processor's side of the same operation
//! lays them out, but for those of AdamW and of the sum of squares, which change what they are given.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::result::{device, mem_pool};
use candle_core::cuda_backend::cudarc::driver::sys::CUmemPool_attribute;
use candle_core::cuda_backend::cudarc::driver::{
    CudaSlice, CudaView, CudaViewMut, LaunchConfig, PushKernelArg,
};
use candle_core::cuda_backend::{CudaDevice, WrapErr};
use candle_core::{CudaStorage, Layout, Result, Shape, bail};

mod adamw;
#[cfg(test)]
mod tests;

pub(crate) use adamw::{adamw, sum_of_squares};

const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// A tensor as an operation gets it.
pub(super) type Given<'a> = (&'a CudaStorage, &'a Layout);

/// What an operation gives.
type Made = Result<(CudaStorage, Shape)>;

/// The most states of a channel that the scan knows, as its kernels have it.
pub(super) const STATES: usize = 16;

/// The most sequences of a scan: the second number of a grid.
pub(super) const SEQUENCES: usize = 65_535;

/// Threads of a block.
const THREADS: usize = 256;

/// Parts in which long sums are added.
const PARTS: usize = 32;

/// Loads the kernels, lets freed memory stay with the program, and spares the events that only several streams would need.
///
/// # Errors
/// The driver's, as where it cannot run kernels that were compiled for newer cards.
pub(crate) fn prepare(card: &CudaDevice) -> Result<()> {
    card.get_or_load_custom_func("add_parts", "etude", KERNELS)?;
    let stream = card.cuda_stream();
    let context = stream.context();
    let mut most = u64::MAX;
    // SAFETY: the device is that of a live context, its default pool lives as long as the driver, and the attribute is a
    // number of 64 bits. Candle's stream is the thread's, and each tensor is used by one thread.
    unsafe {
        if context.has_async_alloc() {
            let pool = device::get_default_mem_pool(context.cu_device()).w()?;
            let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            mem_pool::set_attribute(pool, attribute, (&raw mut most).cast()).w()?;
        }
        card.disable_event_tracking();
    }
    Ok(())
}

/// Launches a kernel in blocks of so many threads.
macro_rules! launch {
    ($card:expr, $name:literal, $grid:expr, $block:expr, $($argument:expr),* $(,)?) => {{
        let kernel = $card.get_or_load_custom_func($name, "etude", KERNELS)?;
        let mut launch = kernel.builder();
        $(launch.arg($argument);)*
        let (grid, block): ((usize, usize), (usize, usize)) = ($grid, $block);
        let config = LaunchConfig {
            grid_dim: (whole(grid.0)?, whole(grid.1)?, 1),
            block_dim: (whole(block.0)?, whole(block.1)?, 1),
            shared_mem_bytes: 0,
        };
        // SAFETY: the arguments are those of the kernel in number, order and type, and the tables are as large as the
        // numbers that come with them say: `view` and `view_mut` check that of what is given.
        unsafe { launch.launch(config) }.w()?;
    }};
}

fn whole(count: usize) -> Result<u32> {
    u32::try_from(count)
        .map_err(|_| candle_core::Error::Msg(format!("{count} is too many for a card")))
}

/// The grid of one thread for each number.
fn each(count: usize) -> ((usize, usize), (usize, usize)) {
    ((count.div_ceil(THREADS).max(1), 1), (THREADS, 1))
}

/// The grid of blocks of 32 columns by 8 rows, in parts of the rows.
fn columns(width: usize, parts: usize) -> ((usize, usize), (usize, usize)) {
    ((width.div_ceil(32), parts), (32, 8))
}

/// The numbers of a tensor, of which there must be so many.
fn view<'a>(given: Given<'a>, count: usize) -> Result<CudaView<'a, f32>> {
    let range = range(given.1, count)?;
    Ok(given.0.as_cuda_slice::<f32>()?.slice(range))
}

/// The same, to be changed.
fn view_mut<'a>(
    storage: &'a mut CudaStorage,
    layout: &Layout,
    count: usize,
) -> Result<CudaViewMut<'a, f32>> {
    let range = range(layout, count)?;
    Ok(storage.as_cuda_slice_mut::<f32>()?.slice_mut(range))
}

fn range(layout: &Layout, count: usize) -> Result<std::ops::Range<usize>> {
    match layout.contiguous_offsets() {
        Some((start, end)) if end - start == count => Ok(start..end),
        _ => bail!("a kernel for {count} numbers, one after another, was given {layout:?}"),
    }
}

/// Memory that the kernel after it fills.
fn room(card: &CudaDevice, count: usize) -> Result<CudaSlice<f32>> {
    // SAFETY: every number is written before it is read.
    unsafe { card.alloc::<f32>(count.max(1)) }
}

fn given(card: &CudaDevice, numbers: CudaSlice<f32>, shape: impl Into<Shape>) -> Made {
    let storage = CudaStorage::wrap_cuda_slice(numbers, card.clone());
    Ok((storage, shape.into()))
}

/// Adds parts (parts, count) into a place for `count` numbers.
fn add_parts(
    card: &CudaDevice,
    parts: &CudaSlice<f32>,
    mut out: CudaViewMut<'_, f32>,
    count: usize,
    number: usize,
) -> Result<()> {
    let (grid, block) = each(count);
    launch!(
        card,
        "add_parts",
        grid,
        block,
        parts,
        &mut out,
        &count,
        &number
    );
    Ok(())
}

/// Sums of the columns of a table (rows, width).
pub(super) fn column_sums(table: Given<'_>) -> Made {
    let card = table.0.device();
    let (rows, width) = table.1.shape().dims2()?;
    let table = view(table, rows * width)?;
    let mut parts = room(card, PARTS * width)?;
    let (grid, block) = columns(width, PARTS);
    launch!(
        card,
        "column_sums",
        grid,
        block,
        &table,
        &mut parts,
        &rows,
        &width
    );
    let mut out = room(card, width)?;
    add_parts(card, &parts, out.slice_mut(..), width, PARTS)?;
    given(card, out, width)
}

/// Sums of squares in parts: writes [`PARTS`] of them at their place in a table.
fn square_sums(
    table: &mut CudaStorage,
    layout: &Layout,
    place: usize,
    numbers: Given<'_>,
) -> Result<()> {
    let card = numbers.0.device().clone();
    let count = numbers.1.shape().elem_count();
    let numbers = view(numbers, count)?;
    let mut table = view_mut(table, layout, layout.shape().elem_count())?;
    let mut parts = table.slice_mut(place * PARTS..(place + 1) * PARTS);
    launch!(
        card,
        "square_sums",
        (PARTS, 1),
        (THREADS, 1),
        &numbers,
        &mut parts,
        &count
    );
    Ok(())
}

/// x·weight + bias for rows `x`, flat (rows, from).
pub(super) fn linear(
    x: (&CudaStorage, &Layout),
    weight: Given<'_>,
    bias: Given<'_>,
    [rows, from, to]: [usize; 3],
) -> Result<CudaStorage> {
    let card = x.0.device().clone();
    let mut y = x.0.matmul(weight.0, (1, rows, to, from), x.1, weight.1)?;
    let bias = view(bias, to)?;
    let count = rows * to;
    let (grid, block) = each(count);
    let mut table = y.as_cuda_slice_mut::<f32>()?.slice_mut(..);
    launch!(
        card, "add_bias", grid, block, &mut table, &bias, &count, &to
    );
    Ok(y)
}

pub(super) fn gelu(x: Given<'_>, exact: bool) -> Made {
    let (card, shape) = (x.0.device(), x.1.shape().clone());
    let (count, exact) = (shape.elem_count(), i32::from(exact));
    let x = view(x, count)?;
    let mut y = room(card, count)?;
    let (grid, block) = each(count);
    launch!(card, "gelu", grid, block, &x, &mut y, &count, &exact);
    given(card, y, shape)
}

pub(super) fn gelu_backward(x: Given<'_>, gradient: Given<'_>, exact: bool) -> Made {
    let (card, shape) = (x.0.device(), x.1.shape().clone());
    let (count, exact) = (shape.elem_count(), i32::from(exact));
    let (x, gradient) = (view(x, count)?, view(gradient, count)?);
    let mut out = room(card, count)?;
    let (grid, block) = each(count);
    launch!(
        card,
        "gelu_backward",
        grid,
        block,
        &x,
        &gradient,
        &mut out,
        &count,
        &exact
    );
    given(card, out, shape)
}

/// Moves the running means of a gradient and of its square, (2, count).
fn adamw_moments(
    moments: &mut CudaStorage,
    layout: &Layout,
    gradient: Given<'_>,
    scale: f64,
    betas: [f64; 2],
) -> Result<()> {
    let card = gradient.0.device().clone();
    let count = gradient.1.shape().elem_count();
    let gradient = view(gradient, count)?;
    let mut moments = view_mut(moments, layout, 2 * count)?;
    let scale = scale as f32;
    let [first, second] = betas.map(|beta| beta as f32);
    let [rest_first, rest_second] = betas.map(|beta| (1.0 - beta) as f32);
    let (grid, block) = each(count);
    launch!(
        card,
        "adamw_moments",
        grid,
        block,
        &mut moments,
        &gradient,
        &count,
        &scale,
        &first,
        &rest_first,
        &second,
        &rest_second,
    );
    Ok(())
}

/// Moves weights by their moments.
fn adamw_move(
    weights: &mut CudaStorage,
    layout: &Layout,
    moments: Given<'_>,
    rates: &super::adamw::Rates,
) -> Result<()> {
    let card = moments.0.device().clone();
    let count = layout.shape().elem_count();
    let moments = view(moments, 2 * count)?;
    let mut weights = view_mut(weights, layout, count)?;
    let rate = (rates.lr / rates.correction[0]) as f32;
    let keep = (1.0 - rates.decay) as f32;
    let square_scale = (1.0 / rates.correction[1]) as f32;
    let eps = rates.eps as f32;
    let (grid, block) = each(count);
    launch!(
        card,
        "adamw_move",
        grid,
        block,
        &mut weights,
        &moments,
        &count,
        &rate,
        &keep,
        &square_scale,
        &eps,
    );
    Ok(())
}

/// Threads for a row of a norm.
const ROW: usize = 128;

/// Layer norm, or without a bias the norm by the root mean square.
pub(super) fn norm(
    x: Given<'_>,
    weight: Given<'_>,
    bias: Option<Given<'_>>,
    width: usize,
    epsilon: f64,
) -> Made {
    let (card, shape) = (x.0.device(), x.1.shape().clone());
    let (rows, count) = (shape.elem_count() / width, shape.elem_count());
    let (epsilon, centred) = (epsilon as f32, i32::from(bias.is_some()));
    let bias = view(bias.unwrap_or(weight), width)?;
    let (x, weight) = (view(x, count)?, view(weight, width)?);
    let mut y = room(card, count)?;
    launch!(
        card,
        "normalise",
        (rows, 1),
        (ROW, 1),
        &x,
        &weight,
        &bias,
        &mut y,
        &width,
        &epsilon,
        &centred,
    );
    given(card, y, shape)
}

/// The gradients of x, weight and, where centred, bias, packed.
pub(super) fn norm_backward(
    x: Given<'_>,
    weight: Given<'_>,
    gradient: Given<'_>,
    width: usize,
    epsilon: f64,
    centred: bool,
) -> Made {
    let card = x.0.device();
    let count = x.1.shape().elem_count();
    let (rows, epsilon, flag) = (count / width, epsilon as f32, i32::from(centred));
    let (x, weight, gradient) = (
        view(x, count)?,
        view(weight, width)?,
        view(gradient, count)?,
    );
    let rest = if centred { 2 * width } else { width };
    let mut packed = room(card, count + rest)?;
    let mut moments = room(card, 2 * rows)?;
    let mut of_x = packed.slice_mut(..count);
    launch!(
        card,
        "norm_rows",
        (rows, 1),
        (ROW, 1),
        &x,
        &weight,
        &gradient,
        &mut of_x,
        &mut moments,
        &width,
        &epsilon,
        &flag,
    );
    let mut parts = room(card, PARTS * rest)?;
    let (grid, block) = columns(width, PARTS);
    launch!(
        card,
        "norm_columns",
        grid,
        block,
        &x,
        &gradient,
        &moments,
        &mut parts,
        &rows,
        &width,
        &flag,
    );
    add_parts(card, &parts, packed.slice_mut(count..), rest, PARTS)?;
    given(card, packed, count + rest)
}

/// Rows of scores that a block takes, a warp each.
const WARPS: usize = 8;

/// Softmax of scaled scores (…, asked, known), each row over what it sees.
pub(super) fn causal_softmax(scores: Given<'_>, scale: f64) -> Made {
    let (card, shape) = (scores.0.device(), scores.1.shape().clone());
    let &[.., asked, known] = shape.dims() else {
        bail!("scores of {shape:?}")
    };
    let (count, scale) = (shape.elem_count(), scale as f32);
    let scores = view(scores, count)?;
    let rows = count / known.max(1);
    let mut y = room(card, count)?;
    let grid = (rows.div_ceil(WARPS).max(1), 1);
    launch!(
        card,
        "causal_softmax",
        grid,
        (32 * WARPS, 1),
        &scores,
        &mut y,
        &rows,
        &asked,
        &known,
        &scale,
    );
    given(card, y, shape)
}

/// The gradient of the scores from the softmax and its gradient.
pub(super) fn softmax_backward(y: Given<'_>, gradient: Given<'_>, scale: f64) -> Made {
    let (card, shape) = (y.0.device(), y.1.shape().clone());
    let known = shape.dims().last().copied().unwrap_or(1).max(1);
    let (count, scale) = (shape.elem_count(), scale as f32);
    let (rows, y, gradient) = (count / known, view(y, count)?, view(gradient, count)?);
    let mut out = room(card, count)?;
    let grid = (rows.div_ceil(WARPS).max(1), 1);
    launch!(
        card,
        "softmax_backward",
        grid,
        (32 * WARPS, 1),
        &y,
        &gradient,
        &mut out,
        &rows,
        &known,
        &scale,
    );
    given(card, out, shape)
}

/// The causal convolution of x (batch, length, channels).
pub(super) fn convolution(
    x: Given<'_>,
    weight: Given<'_>,
    bias: Given<'_>,
    [length, taps, channels]: [usize; 3],
) -> Made {
    let (card, shape) = (x.0.device(), x.1.shape().clone());
    let count = shape.elem_count();
    let (x, weight, bias) = (
        view(x, count)?,
        view(weight, taps * channels)?,
        view(bias, channels)?,
    );
    let mut y = room(card, count)?;
    let (grid, block) = each(count);
    launch!(
        card,
        "convolution",
        grid,
        block,
        &x,
        &weight,
        &bias,
        &mut y,
        &count,
        &length,
        &taps,
        &channels,
    );
    given(card, y, shape)
}

/// The gradients of x and of a table of weight and bias, packed.
pub(super) fn convolution_backward(
    x: Given<'_>,
    table: Given<'_>,
    gradient: Given<'_>,
    [length, taps, channels]: [usize; 3],
) -> Made {
    let card = x.0.device();
    let count = x.1.shape().elem_count();
    let (rows, rest) = (count / channels, (taps + 1) * channels);
    let (x, table, gradient) = (view(x, count)?, view(table, rest)?, view(gradient, count)?);
    let mut of_sums = room(card, count)?;
    let (grid, block) = each(count);
    launch!(
        card,
        "convolution_slopes",
        grid,
        block,
        &x,
        &table,
        &gradient,
        &mut of_sums,
        &count,
        &length,
        &taps,
        &channels,
    );
    let mut packed = room(card, count + rest)?;
    let mut of_x = packed.slice_mut(..count);
    launch!(
        card,
        "convolution_back",
        grid,
        block,
        &table,
        &of_sums,
        &mut of_x,
        &count,
        &length,
        &taps,
        &channels,
    );
    let mut parts = room(card, PARTS * rest)?;
    let (grid, block) = columns(channels, PARTS);
    launch!(
        card,
        "convolution_columns",
        grid,
        block,
        &x,
        &of_sums,
        &mut parts,
        &rows,
        &length,
        &taps,
        &channels,
    );
    add_parts(card, &parts, packed.slice_mut(count..), rest, PARTS)?;
    given(card, packed, count + rest)
}

/// Sizes of a selective scan.
#[derive(Clone, Copy)]
pub(super) struct ScanSize {
    pub(super) batch: usize,
    pub(super) length: usize,
    pub(super) keep: usize,
    pub(super) inner: usize,
    pub(super) state: usize,
    pub(super) row: usize,
}

impl ScanSize {
    /// What a launch can be made of.
    fn check(self) -> Result<()> {
        let Self { batch, state, .. } = self;
        if state > STATES || batch > SEQUENCES {
            bail!(
                "a card scans at most {STATES} states of {SEQUENCES} sequences, not {state} of {batch}"
            )
        }
        Ok(())
    }
}

/// Channels of a block of the scan.
const CHANNELS: usize = 128;

/// y (batch, keep, inner).
pub(super) fn scan(data: Given<'_>, gate: Given<'_>, weights: Given<'_>, size: ScanSize) -> Made {
    let (card, shape) = (data.0.device(), gate.1.shape().clone());
    let mut y = room(card, shape.elem_count())?;
    let mut after = room(card, size.batch * size.state * size.inner)?;
    scan_into(
        [data, gate, weights],
        None,
        size,
        y.slice_mut(..),
        after.slice_mut(..),
    )?;
    given(card, y, shape)
}

/// y (batch, keep, inner) and after it the states at the end (batch, state, inner), packed.
pub(super) fn scan_on(
    data: Given<'_>,
    gate: Given<'_>,
    weights: Given<'_>,
    before: Option<Given<'_>>,
    size: ScanSize,
) -> Made {
    let (card, count) = (data.0.device(), gate.1.shape().elem_count());
    let all = count + size.batch * size.state * size.inner;
    let mut packed = room(card, all)?;
    let (y, after) = packed.split_at_mut(count);
    scan_into([data, gate, weights], before, size, y, after)?;
    given(card, packed, all)
}

fn scan_into(
    [data, gate, weights]: [Given<'_>; 3],
    before: Option<Given<'_>>,
    size: ScanSize,
    mut y: CudaViewMut<'_, f32>,
    mut after: CudaViewMut<'_, f32>,
) -> Result<()> {
    size.check()?;
    let card = data.0.device();
    let ScanSize {
        batch,
        length,
        keep,
        inner,
        state,
        row,
    } = size;
    let has_before = i32::from(before.is_some());
    let before = match before {
        Some(before) => view(before, batch * state * inner)?,
        None => view(weights, inner * (state + 2))?,
    };
    let (data, gate, weights) = (
        view(data, batch * length * row)?,
        view(gate, batch * keep * inner)?,
        view(weights, inner * (state + 2))?,
    );
    let states = whole(state)?;
    let grid = (inner.div_ceil(CHANNELS), batch);
    launch!(
        card,
        "scan",
        grid,
        (CHANNELS, 1),
        &data,
        &gate,
        &weights,
        &before,
        &has_before,
        &mut y,
        &mut after,
        &length,
        &keep,
        &inner,
        &row,
        &states,
    );
    Ok(())
}

/// The gradients of data, gate and weights, packed.
pub(super) fn scan_backward(
    data: Given<'_>,
    gate: Given<'_>,
    weights: Given<'_>,
    gradient: Given<'_>,
    size: ScanSize,
) -> Made {
    size.check()?;
    let card = data.0.device();
    let ScanSize {
        batch,
        length,
        keep,
        inner,
        state,
        row,
    } = size;
    let counts = [
        batch * length * row,
        batch * keep * inner,
        inner * (state + 2),
    ];
    let (data, gate, weights, gradient) = (
        view(data, counts[0])?,
        view(gate, counts[1])?,
        view(weights, counts[2])?,
        view(gradient, counts[1])?,
    );
    let all = counts.iter().sum();
    // What of a position no channel reads has no gradient.
    let mut packed = card.alloc_zeros::<f32>(all)?;
    let (mut of_data, mut rest) = packed.split_at_mut(counts[0]);
    let (mut of_gate, of_weights) = rest.split_at_mut(counts[1]);
    let blocks = inner.div_ceil(CHANNELS);
    let warps = blocks * CHANNELS / 32;
    let mut states = room(card, batch * length * state * inner)?;
    let mut shared = room(card, batch * length * warps * 2 * state)?;
    let mut parts = room(card, batch * counts[2])?;
    let number = whole(state)?;
    launch!(
        card,
        "scan_backward",
        (blocks, batch),
        (CHANNELS, 1),
        &data,
        &gate,
        &weights,
        &gradient,
        &mut states,
        &mut of_data,
        &mut of_gate,
        &mut shared,
        &mut parts,
        &length,
        &keep,
        &inner,
        &row,
        &number,
    );
    let positions = batch * length;
    let (grid, block) = each(positions * 2 * state);
    launch!(
        card,
        "scan_shared",
        grid,
        block,
        &shared,
        &mut of_data,
        &positions,
        &warps,
        &row,
        &number,
    );
    add_parts(card, &parts, of_weights, counts[2], batch)?;
    given(card, packed, all)
}

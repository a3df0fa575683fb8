//! Benchmarks of parts of the learning core, and of drawing: `cargo bench --bench parts`. Compare only what one run prints, and set
//! `RAYON_NUM_THREADS` and `CANDLE_NUM_THREADS` alike.

use candle_core::{Device, Tensor, Var};
use divan::Bencher;
use divan::counter::ItemsCount;
use etude::figures::plot::{self, Channel, Drawing, MarkName, Plot};
use etude::learn::kernel;
use etude::learn::task::path_star::PathStar;
use etude::learn::task::{Contract, Dataset};
use polars::prelude::{Column, DataFrame};

/// The allocator of the program, without which nothing measured here would be said of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// Rows of a micro-batch, and the two widths of the comparisons.
const ROWS: usize = 248;
const WIDTHS: [usize; 2] = [128, 384];

fn numbers(shape: &[usize]) -> Var {
    let count: usize = shape.iter().product();
    let numbers: Vec<f32> = (0..count)
        .map(|i| (i * 7919 % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu).expect("numbers of this shape");
    Var::from_tensor(&tensor).expect("a copy")
}

/// Forward and backward of a sum over what an operation gives.
fn both_ways(bencher: Bencher<'_, '_>, operation: impl Fn() -> candle_core::Result<Tensor>) {
    bencher.bench_local(|| {
        let sum = operation().and_then(|y| y.sum_all());
        sum.and_then(|sum| sum.backward()).expect("gradients")
    });
}

#[divan::bench(args = WIDTHS)]
fn linear(bencher: Bencher<'_, '_>, width: usize) {
    let (x, w, b) = (
        numbers(&[ROWS, width]),
        numbers(&[width, 4 * width]),
        numbers(&[4 * width]),
    );
    both_ways(bencher, || kernel::linear(&x, &w, &b));
}

#[divan::bench(args = WIDTHS)]
fn layer_norm(bencher: Bencher<'_, '_>, width: usize) {
    let (x, w, b) = (
        numbers(&[ROWS, width]),
        numbers(&[width]),
        numbers(&[width]),
    );
    both_ways(bencher, || kernel::layer_norm(&x, &w, &b, 1e-5));
}

#[divan::bench(args = WIDTHS)]
fn gelu(bencher: Bencher<'_, '_>, width: usize) {
    let x = numbers(&[ROWS, 4 * width]);
    both_ways(bencher, || kernel::gelu(&x));
}

#[divan::bench(args = WIDTHS)]
fn attention(bencher: Bencher<'_, '_>, width: usize) {
    let (q, kv) = (numbers(&[8, 31, width]), numbers(&[8, 31, 2 * width]));
    both_ways(bencher, || kernel::attention(&q, &kv, width / 32, None));
}

fn graphs(count: u64) -> Dataset {
    let task = PathStar {
        degree: 2,
        path_length: 5,
        nodes: 50,
        train: count,
        test: 1,
        seed: 0,
        ..PathStar::default()
    };
    task.generate(&|| false).expect("graphs")
}

#[divan::bench]
fn draw_graphs(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(10_000u32))
        .bench(|| graphs(10_000));
}

#[divan::bench]
fn read_a_dataset(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    graphs(100_000).save(folder.path()).expect("saved");
    bencher
        .counter(ItemsCount::new(100_000u32))
        .bench(|| Dataset::load(folder.path()).expect("read"));
}

/// Twelve curves of a thousand points each.
fn curves() -> (Plot, DataFrame) {
    const SERIES: usize = 12;
    const POINTS: usize = 1000;
    let rows = || (0..SERIES).flat_map(|series| (0..POINTS).map(move |step| (series, step)));
    let loss = |(series, step): (usize, usize)| {
        let noise = (series * 7919 + step * 104_729) % 1000;
        2.0 + series as f64 / 10.0 + 3.0 / (1.0 + step as f64 / 50.0) + noise as f64 / 1e4
    };
    let columns = vec![
        Column::new(
            "step".into(),
            rows().map(|(_, step)| step as i64).collect::<Vec<_>>(),
        ),
        Column::new("loss".into(), rows().map(loss).collect::<Vec<_>>()),
        Column::new(
            "run".into(),
            rows()
                .map(|(series, _)| format!("run {series}"))
                .collect::<Vec<_>>(),
        ),
    ];
    let line = MarkName::named("line").expect("a mark");
    let plot = Plot {
        color: Some(Channel::named("run")),
        ..Plot::new(line, "step", "loss")
    };
    let table = DataFrame::new(SERIES * POINTS, columns).expect("columns of one length");
    (plot, table)
}

/// From the table to the bytes of one format.
fn a_figure(bencher: Bencher<'_, '_>, bytes: impl Fn(&Drawing) -> Vec<u8>) {
    let (plot, table) = curves();
    bencher.bench_local(|| {
        let drawing = plot::draw(&plot, &table).expect("a figure");
        bytes(&drawing)
    });
}

#[divan::bench]
fn draw_curves_as_svg(bencher: Bencher<'_, '_>) {
    a_figure(bencher, |drawing| drawing.svg().into_bytes());
}

#[divan::bench]
fn draw_curves_as_pdf(bencher: Bencher<'_, '_>) {
    a_figure(bencher, |drawing| drawing.pdf().expect("a page"));
}

#[divan::bench]
fn draw_curves_as_png(bencher: Bencher<'_, '_>) {
    a_figure(bencher, |drawing| drawing.png(4.0).expect("an image"));
}

//! etude's side of the comparison with PyTorch: `sides WHAT SIZE`, driven by `benches/against_pytorch/run.py`.
//!
//! WHAT is `train`, `decode`, `generate` or `mamba`; SIZE is `small` (4 layers × 128), `large` (6 × 384) or `published` (12 ×
//! 384, Mamba 12 × 784). A third word, `cuda`, computes on the first card instead of the processor. The program
//! prints `ready` once it is warm; then for every line `go N` it does N units of work and prints a line of JSON: seconds,
//! CPU seconds, the last loss and the peak of its memory. `quit` ends it. A unit is a training step, 256 answers, or 1000
//! graphs. How many threads it may use is in `RAYON_NUM_THREADS` and `CANDLE_NUM_THREADS`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what drives it reads what it prints"
)]

use std::ops::ControlFlow;
use std::time::Instant;

use candle_core::{DType, Device};
use etude::learn::decoding::{self, Decoding};
use etude::learn::device::DeviceChoice;
use etude::learn::learner::{Card, Learner};
use etude::learn::model::Architecture;
use etude::learn::task::path_star::PathStar;
use etude::learn::task::{Contract, Dataset};
use etude::learn::training::{self, ResumeSources, Settings};
use serde_json::json;

/// The allocator of the program, without which nothing measured here would be said of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The published task: G(2,5), fifty labels.
fn task(train: u64, test: u64) -> PathStar {
    PathStar {
        degree: 2,
        path_length: 5,
        nodes: 50,
        train,
        test,
        seed: 0,
        ..PathStar::default()
    }
}

fn data(train: u64, test: u64) -> Dataset {
    task(train, test)
        .generate(&|| false)
        .expect("the task is possible")
}

/// The architecture and the batch of a size, as JSON that a pipeline file would hold.
fn sizes(what: &str, size: &str) -> (Architecture, u32) {
    let (layers, width, heads, batch) = match (what, size) {
        ("mamba", "small") => (4, 128, 0, 128),
        ("mamba", "large") => (6, 384, 0, 64),
        ("mamba", _) => (12, 784, 0, 256),
        (_, "small") => (4, 128, 4, 128),
        (_, "large") => (6, 384, 6, 256),
        _ => (12, 384, 6, 256),
    };
    let architecture = match what {
        "mamba" => json!({ "kind": "mamba", "layers": layers, "width": width }),
        _ => json!({ "kind": "transformer", "layers": layers, "width": width, "heads": heads }),
    };
    let architecture = serde_json::from_value(architecture).expect("an architecture of etude's");
    (architecture, batch)
}

/// Seconds of the processor that this process has used, and the peak of its memory in bytes.
fn used() -> (f64, u64) {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let stat = read("/proc/self/stat");
    // After the name in brackets, the 12th and 13th fields are ticks of 10 ms.
    let ticks = stat.rsplit(')').next().unwrap_or_default();
    let ticks = ticks.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
    let status = read("/proc/self/status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().next());
    let peak: u64 = peak.and_then(|field| field.parse().ok()).unwrap_or(0);
    (ticks / 100.0, peak * 1024)
}

/// Answers orders: says what the last ones took, and waits for how many units come next; none at the end.
struct Driver {
    lines: std::io::Lines<std::io::StdinLock<'static>>,
    begun: Option<(Instant, f64)>,
}

impl Driver {
    fn next(&mut self, loss: Option<f64>) -> Option<u64> {
        match self.begun.take() {
            None => println!("ready"),
            Some((begun, cpu)) => {
                let seconds = begun.elapsed().as_secs_f64();
                let (now, peak) = used();
                let line =
                    json!({ "seconds": seconds, "cpu": now - cpu, "loss": loss, "peak_rss": peak });
                println!("{line}");
            }
        }
        let line = self.lines.next()?.ok()?;
        let count = line.strip_prefix("go ")?.trim().parse().ok()?;
        self.begun = Some((Instant::now(), used().0));
        Some(count)
    }
}

fn train(what: &str, size: &str, device: &Device, driver: &mut Driver) {
    let (architecture, batch) = sizes(what, size);
    let settings = json!({
        "architecture": architecture, "objective": { "kind": "next-token" }, "batch": batch,
        "steps": u32::MAX, "evaluate_on": 0,
    });
    let settings: Settings = serde_json::from_value(settings).expect("settings of a training");
    let dataset = data(20_000, 1);
    const WARM_UP: u64 = 2;
    let mut left = WARM_UP;
    let ended = training::train(
        &dataset,
        &settings,
        device,
        &ResumeSources::default(),
        &mut |moment| {
            left -= 1;
            if left == 0 {
                match driver.next(Some(moment.progress.loss)) {
                    Some(count) => left = count,
                    None => return ControlFlow::Break(()),
                }
            }
            ControlFlow::Continue(())
        },
    );
    assert!(
        matches!(ended, Err(training::Error::Cancelled)),
        "{ended:?}"
    );
}

fn decode(size: &str, device: &Device, driver: &mut Driver) {
    const AT_ONCE: usize = 256;
    let dataset = data(1, 20_000);
    let (architecture, _) = sizes("decode", size);
    let objective = serde_json::from_value(json!({ "kind": "next-token" })).expect("an objective");
    let card = Card::new(architecture, objective, &dataset);
    let learner = Learner::new(card, 0, DType::F32, device).expect("a learner");
    let answer = |count: u64| {
        let mut left = count as usize * AT_ONCE;
        while left > 0 {
            let examples = dataset.test.first(left);
            left -= examples.len();
            let go_on = &mut |_, _| ControlFlow::Continue(());
            decoding::decode(&learner, &examples, &Decoding::Greedy, AT_ONCE, go_on)
                .expect("answers");
        }
    };
    answer(1);
    while let Some(count) = driver.next(None) {
        answer(count);
    }
}

fn generate(driver: &mut Driver) {
    let draw = |count: u64| drop(data(count * 1000, 1));
    draw(1);
    while let Some(count) = driver.next(None) {
        draw(count);
    }
}

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words: Vec<&str> = words
        .into_iter()
        .filter(|word| *word != "--bench")
        .collect();
    let mut driver = Driver {
        lines: std::io::stdin().lines(),
        begun: None,
    };
    let (words, device) = match words.as_slice() {
        [words @ .., "cuda"] => (words, DeviceChoice::Cuda),
        words => (words, DeviceChoice::Cpu),
    };
    let device = &device.open().expect("a card that answers");
    match *words {
        ["decode", size @ ("small" | "large" | "published")] => decode(size, device, &mut driver),
        ["generate", ..] => generate(&mut driver),
        [
            what @ ("train" | "mamba"),
            size @ ("small" | "large" | "published"),
        ] => train(what, size, device, &mut driver),
        // As when all benchmarks are run: this one is driven from outside.
        _ => eprintln!(
            "sides train|decode|generate|mamba small|large|published [cuda]; see benches/against_pytorch"
        ),
    }
}

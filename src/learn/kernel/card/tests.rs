//! What a card computes, held against the processor in `f64`.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::super::tests::numbers;
use super::super::{
    Rotary, Scan, attention, convolution, cross_entropy, embedding, gelu, gelu_exact, layer_norm,
    linear, rms_norm, selective_scan, selective_scan_on,
};
use crate::learn::device::DeviceChoice;

/// Numbers of any tensor.
fn flat(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_device(&Device::Cpu).unwrap();
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn assert_near(what: &str, here: &[f64], there: &[f64]) {
    assert_eq!(here.len(), there.len(), "{what}");
    let most = here.iter().fold(1e-3f64, |most, x| most.max(x.abs()));
    for (place, (a, b)) in here.iter().zip(there).enumerate() {
        let apart = (a - b).abs();
        assert!(
            apart < 2e-5 * most,
            "{what} at {place}: {a} here, {b} on the card, of {most}"
        );
    }
}

/// A function of tensors gives the same on both, and the same gradients; on the card the same bits again.
fn same(what: &str, shapes: &[&[usize]], function: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let card = DeviceChoice::Cuda.open().unwrap();
    let run = |device: &Device, dtype| {
        let inputs = shapes.iter().enumerate().map(|(place, shape)| {
            let numbers = numbers(&format!("{what} {place}"), shape);
            let numbers = numbers.to_dtype(dtype).unwrap().to_device(device).unwrap();
            Var::from_tensor(&numbers).unwrap()
        });
        let inputs: Vec<Var> = inputs.collect();
        let tensors: Vec<Tensor> = inputs.iter().map(|x| x.as_tensor().clone()).collect();
        let value = function(&tensors).unwrap();
        let weights = numbers("weights", value.dims());
        let weights = weights.to_dtype(dtype).unwrap().to_device(device).unwrap();
        let loss = (&value * weights).unwrap().sum_all().unwrap();
        let store = loss.backward().unwrap();
        let mut all = vec![flat(&value)];
        all.extend(inputs.iter().map(|x| flat(store.get(x).unwrap())));
        all
    };
    let here = run(&Device::Cpu, DType::F64);
    let there = run(&card, DType::F32);
    for (place, (here, there)) in here.iter().zip(&there).enumerate() {
        assert_near(&format!("{what}, {place}"), here, there);
    }
    assert!(there == run(&card, DType::F32), "{what}: other bits again");
}

#[test]
#[ignore = "needs an NVIDIA card"]
fn a_card_gives_what_the_processor_gives_in_value_and_gradient() {
    for width in [5, 200, 384] {
        let (x, row): (&[usize], &[usize]) = (&[7, 11, width], &[width]);
        same("layer norm", &[x, row, row], |x| {
            layer_norm(&x[0], &x[1], &x[2], 1e-3)
        });
        same("rms norm", &[x, row], |x| rms_norm(&x[0], &x[1], 1e-3));
        same("gelu", &[x], |x| gelu(&x[0]));
        same("exact gelu", &[x], |x| gelu_exact(&x[0]));
        same("linear", &[x, &[width, 67], &[67]], |x| {
            linear(&x[0], &x[1], &x[2])
        });
    }
    for (asked, known) in [(1, 1), (1, 40), (5, 40), (40, 40), (3, 70)] {
        for rotary in [
            None,
            Some(Rotary {
                turned: 6,
                base: 100.0,
            }),
        ] {
            same("attention", &[&[3, asked, 24], &[3, known, 48]], |x| {
                attention(&x[0], &x[1], 3, rotary)
            });
        }
    }
    for (length, taps, channels) in [(1, 4, 3), (3, 4, 40), (9, 4, 130), (5, 1, 33)] {
        let shapes: [&[usize]; 3] = [&[6, length, channels], &[taps, channels], &[channels]];
        same("convolution", &shapes, |x| convolution(&x[0], &x[1], &x[2]));
    }
    let labels: Vec<u32> = (0..30).map(|row| row * 7 % 50).collect();
    let shares: Vec<f32> = (0..30).map(|row| row as f32 / 300.0).collect();
    same("cross-entropy", &[&[3, 10, 50]], |x| {
        cross_entropy(&x[0], &labels, &shares)
    });
    for rows in [50, 2000] {
        same("embedding", &[&[rows, 20]], |x| {
            let tokens: Vec<u32> = (0..60).map(|i| i * i % 50).collect();
            embedding(&x[0], &Tensor::from_vec(tokens, (4, 15), x[0].device())?)
        });
    }
}

/// A scan of tensors in the order of [`Scan`].
fn scan_of(x: &[Tensor]) -> Scan<'_> {
    Scan {
        x: &x[0],
        step: &x[1],
        selection: &x[2],
        gate: &x[3],
        log_rates: &x[4],
        skip: &x[5],
        bias: &x[6],
    }
}

#[test]
#[ignore = "needs an NVIDIA card"]
fn a_card_scans_as_the_processor_scans() {
    // More states than fit its registers are composed.
    for (length, keep, inner, state) in [
        (1, 1, 1, 1),
        (9, 9, 150, 16),
        (9, 2, 33, 3),
        (40, 5, 128, 16),
        (4, 2, 10, 20),
    ] {
        let shapes: [&[usize]; 7] = [
            &[3, length, inner],
            &[3, length, inner],
            &[3, length, 2 * state + 3],
            &[3, keep, inner],
            &[inner, state],
            &[inner],
            &[inner],
        ];
        same("scan", &shapes, |x| selective_scan(&scan_of(x)));
        let on = |device: &Device, dtype| {
            let inputs: Vec<Tensor> = shapes
                .iter()
                .enumerate()
                .map(|(place, shape)| {
                    let numbers = numbers(&format!("on {place}"), shape);
                    numbers.to_dtype(dtype).unwrap().to_device(device).unwrap()
                })
                .collect();
            let (first, states) = selective_scan_on(&scan_of(&inputs), None).unwrap();
            let (second, last) = selective_scan_on(&scan_of(&inputs), Some(&states)).unwrap();
            [first, second, last].map(|tensor| flat(&tensor))
        };
        let card = DeviceChoice::Cuda.open().unwrap();
        let (here, there) = (on(&Device::Cpu, DType::F64), on(&card, DType::F32));
        for (here, there) in here.iter().zip(&there) {
            assert_near("scan on", here, there);
        }
    }
}

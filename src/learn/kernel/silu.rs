//! The logistic function σ and what is made of it: the sigmoid linear unit x·σ(x) (Elfwing et al. 2018, arXiv 1702.03118)
//! and softplus ln(1 + eˣ), whose slope is σ. They are parts of other kernels, number by number, without a branch.

use candle_core::DType;

use super::Real;

/// σ(x) = 1/(1 + e⁻ˣ).
#[inline(always)]
pub(super) fn sigmoid<T: Real>(x: T) -> T {
    T::one() / (T::one() + (-x).exp())
}

/// The slope of x·σ(x), given s = σ(x): s + x·s·(1 − s).
#[inline(always)]
pub(super) fn slope<T: Real>(x: T, s: T) -> T {
    s + x * s * (T::one() - s)
}

/// 1/(2k + 1) for k from 16 down to 0.
const SERIES: [f64; 17] = [
    1.0 / 33.0,
    1.0 / 31.0,
    1.0 / 29.0,
    1.0 / 27.0,
    1.0 / 25.0,
    1.0 / 23.0,
    1.0 / 21.0,
    1.0 / 19.0,
    1.0 / 17.0,
    1.0 / 15.0,
    1.0 / 13.0,
    1.0 / 11.0,
    1.0 / 9.0,
    1.0 / 7.0,
    1.0 / 5.0,
    1.0 / 3.0,
    1.0,
];

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e) with e = e^−|x|, exact to a few units in the last place however small it is:
/// ln(1 + e) = 2 artanh(e/(2 + e)), whose argument is at most 1/3, so that 8 terms of its series suffice for `f32` and 17
/// for `f64`.
#[inline(always)]
pub(super) fn softplus<T: Real>(x: T) -> T {
    let zero = T::zero();
    let (above, below) = if x > zero { (x, -x) } else { (zero, x) };
    let e = below.exp();
    let ratio = e / (T::from_f64(2.0) + e);
    let square = ratio * ratio;
    let skipped = if T::DTYPE == DType::F32 { 9 } else { 0 };
    let mut series = zero;
    for &coefficient in &SERIES[skipped..] {
        series = series * square + T::from_f64(coefficient);
    }
    above + (ratio + ratio) * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softplus_is_close_in_both_kinds_of_numbers_and_keeps_what_is_not_one() {
        for step in -8000..8000 {
            let x = f64::from(step) / 100.0;
            let exact = x.max(0.0) + (-x.abs()).exp().ln_1p();
            assert!((softplus(x) - exact).abs() < 1e-15 * exact, "{x}");
            let rough = f64::from(x as f32);
            let exact = rough.max(0.0) + (-rough.abs()).exp().ln_1p();
            let ours = f64::from(softplus(x as f32));
            assert!((ours - exact).abs() < 6e-7 * exact, "{x}: {ours} {exact}");
        }
        assert!(softplus(f32::NAN).is_nan() && softplus(f64::NAN).is_nan());
        assert_eq!(softplus(1e30f32), 1e30);
    }

    #[test]
    fn the_slope_of_the_unit_is_that_of_its_values() {
        for x in [-30.0, -2.0, 0.0, 0.7, 5.0] {
            let unit = |x: f64| x * sigmoid(x);
            let measured = (unit(x + 1e-5) - unit(x - 1e-5)) / 2e-5;
            assert!((slope(x, sigmoid(x)) - measured).abs() < 1e-9, "{x}");
        }
        assert!(sigmoid(-1e4f32) < 1e-37 && sigmoid(1e4f32) == 1.0);
    }
}

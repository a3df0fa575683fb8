//! Seeded random streams that give the same bytes for ever.
//!
//! A stream belongs to a purpose: [`stream`] keys ChaCha8 with the BLAKE3 digest of a domain, the seed and the purpose
//! in words (`"init/head.weight"`, `"shuffle/3"`). Two purposes never share numbers, and no draw depends on how many
//! were made before it elsewhere, nor on the thread that makes it. The draws below are written out here, down to the
//! logarithm, so that neither a new version of a crate nor another C library can change them.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const DOMAIN: &str = "etude random stream 1";

/// The stream of `seed` for `purpose`.
#[must_use]
pub fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
    hasher.update(&seed.to_le_bytes());
    hasher.update(purpose.as_bytes());
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// A whole number drawn uniformly from `0..bound`, without bias; 0 where `bound` is 0.
///
/// Multiply and shift, redrawing the short remainder (Lemire 2019, arXiv 1805.10941).
pub fn below(stream: &mut ChaCha8Rng, bound: u64) -> u64 {
    if bound == 0 {
        return 0;
    }
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(stream.next_u64()) * u128::from(bound);
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}

/// A number drawn uniformly from `[0, 1)`: 53 random bits.
pub fn uniform(stream: &mut ChaCha8Rng) -> f64 {
    (stream.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Two independent standard normal numbers, by Marsaglia's polar method.
pub fn normal_pair(stream: &mut ChaCha8Rng) -> (f64, f64) {
    loop {
        let a = 2.0 * uniform(stream) - 1.0;
        let b = 2.0 * uniform(stream) - 1.0;
        let square = a * a + b * b;
        if square > 0.0 && square < 1.0 {
            let factor = (-2.0 * logarithm(square) / square).sqrt();
            return (a * factor, b * factor);
        }
    }
}

/// `count` independent normal numbers of mean 0 and the given standard deviation.
pub fn normals(stream: &mut ChaCha8Rng, count: usize, deviation: f64) -> Vec<f64> {
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        let (a, b) = normal_pair(stream);
        numbers.push(a * deviation);
        numbers.push(b * deviation);
    }
    numbers.truncate(count);
    numbers
}

/// Shuffles in place, every order equally likely (Fisher and Yates, from the end).
pub fn shuffle<T>(stream: &mut ChaCha8Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(stream, last as u64 + 1) as usize);
    }
}

/// `count` distinct numbers of `0..bound` in random order, every such sequence equally likely; all of them where fewer
/// than `count` exist.
pub fn distinct(stream: &mut ChaCha8Rng, bound: u32, count: usize) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..bound).collect();
    let count = count.min(numbers.len());
    for place in 0..count {
        let rest = u64::from(bound) - place as u64;
        numbers.swap(place, place + below(stream, rest) as usize);
    }
    numbers.truncate(count);
    numbers
}

/// e to a power of moderate size, within some hundreds of 0, from the four operations only.
pub(crate) fn exponential(power: f64) -> f64 {
    let doublings = (power / std::f64::consts::LN_2).round();
    let rest = power - doublings * std::f64::consts::LN_2;
    // At most 0.35: 18 terms reach the last bit.
    let mut sum = 1.0;
    for term in (1..=18).rev() {
        sum = sum * rest / f64::from(term) + 1.0;
    }
    sum * f64::from_bits(((1023 + doublings as i64) as u64) << 52)
}

/// The natural logarithm of a positive, normal number, from the four operations only.
pub(crate) fn logarithm(number: f64) -> f64 {
    let bits = number.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52)); // [1, 2)
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2 artanh((m − 1)/(m + 1)), whose argument is at most 0.172 here: 12 terms reach the last bit.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for term in (0..12).rev() {
        sum = sum * square + 1.0 / f64::from(2 * term + 1);
    }
    2.0 * ratio * sum + exponent as f64 * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_for_ever() {
        let mut numbers = stream(0, "test");
        let drawn: Vec<u64> = (0..3).map(|_| below(&mut numbers, 1000)).collect();
        assert_eq!(drawn, [294, 227, 4]);
        let (a, b) = normal_pair(&mut stream(7, "normal"));
        assert_eq!(
            (a.to_bits(), b.to_bits()),
            (4603074916576052738, 13820371907089090895)
        );
    }

    #[test]
    fn purposes_and_seeds_do_not_share_numbers() {
        let first = |seed, purpose: &str| stream(seed, purpose).next_u64();
        assert_ne!(first(0, "a"), first(0, "b"));
        assert_ne!(first(0, "a"), first(1, "a"));
        assert_eq!(first(3, "a"), first(3, "a"));
    }

    #[test]
    fn the_logarithm_agrees_with_the_library() {
        for number in [1e-300, 1e-9, 0.3, 0.9999, 1.0, 1.5, 2.0, 1e9] {
            assert!(
                (logarithm(number) - f64::ln(number)).abs()
                    <= 4e-16 * f64::ln(number).abs().max(1.0)
            );
        }
    }

    #[test]
    fn the_exponential_agrees_with_the_library() {
        for power in [-300.0, -7.3, -1e-9, 0.0, 0.3, 1.0, 20.0, 300.0] {
            let exact = f64::exp(power);
            assert!(
                (exponential(power) - exact).abs() <= 1e-13 * exact,
                "{power}"
            );
        }
    }

    #[test]
    fn normal_numbers_have_their_mean_and_deviation() {
        let numbers = normals(&mut stream(1, "moments"), 100_001, 0.5);
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance =
            numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
        assert_eq!(numbers.len(), 100_001);
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 0.25).abs() < 0.01, "{variance}");
    }

    #[test]
    fn distinct_numbers_are_distinct_and_a_shuffle_keeps_them() {
        let mut numbers = distinct(&mut stream(1, "distinct"), 50, 20);
        shuffle(&mut stream(1, "shuffle"), &mut numbers);
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 20);
        assert!(numbers.iter().all(|&x| x < 50));
        assert_eq!(distinct(&mut stream(1, "distinct"), 3, 20).len(), 3);
        assert_eq!(below(&mut stream(1, "none"), 0), 0);
    }
}

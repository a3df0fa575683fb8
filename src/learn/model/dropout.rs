//! Dropout (Srivastava et al. 2014): in training, numbers are set to zero at random and the others grow to match.
//!
//! The draws of one pass come from one stream, place after place in the order in which the model asks. Who computes a batch
//! in parts gives each part a stream of its own, so threads change nothing.

use std::sync::Mutex;

use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;

use crate::learn::random;

/// What is drawn during one pass.
#[derive(Debug)]
pub struct DropoutRng(Mutex<ChaCha8Rng>);

impl DropoutRng {
    /// The stream of `seed` for `purpose`.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self(Mutex::new(random::stream(seed, purpose)))
    }

    /// For each number of this shape, 0 with probability `share`, else 1/(1 − share).
    ///
    /// # Errors
    /// No memory on the device.
    fn mask(&self, like: &Tensor, share: f64) -> Result<Tensor> {
        let mut stream = self.0.lock().unwrap_or_else(|p| p.into_inner());
        let kept = 1.0 / (1.0 - share);
        let draw = |_| {
            if random::uniform(&mut stream) < share {
                0.0
            } else {
                kept
            }
        };
        let numbers: Vec<f64> = (0..like.elem_count()).map(draw).collect();
        Tensor::from_vec(numbers, like.shape(), &Device::Cpu)?
            .to_dtype(like.dtype())?
            .to_device(like.device())
    }

    /// Drops a share of the numbers.
    ///
    /// # Errors
    /// No memory on the device.
    pub fn drop(&self, x: Tensor, share: f64) -> Result<Tensor> {
        if share > 0.0 {
            let mask = self.mask(&x, share)?;
            x * mask
        } else {
            Ok(x)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_dropped_and_the_mean_stays() {
        let x = Tensor::ones((200, 100), candle_core::DType::F64, &Device::Cpu).unwrap();
        let noise = DropoutRng::new(1, "test");
        let dropped = noise.drop(x.clone(), 0.25).unwrap();
        let numbers = dropped.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let zeros = numbers.iter().filter(|&&x| x == 0.0).count() as f64 / 20_000.0;
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        assert!(
            (zeros - 0.25).abs() < 0.01 && (mean - 1.0).abs() < 0.02,
            "{zeros} {mean}"
        );
        let again = noise.drop(x.clone(), 0.25).unwrap().flatten_all().unwrap();
        assert_ne!(again.to_vec1::<f64>().unwrap(), numbers);
        let same = DropoutRng::new(1, "test").drop(x.clone(), 0.25).unwrap();
        assert_eq!(
            same.flatten_all().unwrap().to_vec1::<f64>().unwrap(),
            numbers
        );
        assert_eq!(
            noise
                .drop(x, 0.0)
                .unwrap()
                .min_all()
                .unwrap()
                .to_scalar::<f64>()
                .unwrap(),
            1.0
        );
    }
}

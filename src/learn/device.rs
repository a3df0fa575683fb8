//! Where the numbers are computed.

use candle_core::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The device a model is trained or run on.
///
/// Results are the same to the bit on one class of device, whatever the number of threads; between the processor and a
/// card, and between cards, they differ by rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// The first NVIDIA card where there is one and the program can use it, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first NVIDIA card; refused where there is none.
    Cuda,
}

/// Whether this program can compute on a card at all.
pub const BUILT: bool = cfg!(feature = "cuda");

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program was built for the processor only.
    #[error(
        "a card was asked for, but this program was built without the `cuda` feature; build it with `--features cuda`, or use `cpu` or `auto` and no `gpu`"
    )]
    NotBuilt,
    /// The card or its driver refused.
    #[error("the NVIDIA card cannot be used: {0}; use `cpu` or `auto`")]
    Unusable(#[source] candle_core::Error),
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// `cuda` where the program was built without it, or no card answers. `auto` and `cpu` always succeed.
    pub fn open(self) -> Result<Device, Error> {
        let built = candle_core::utils::cuda_is_available();
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto if built => Ok(card().unwrap_or(Device::Cpu)),
            Self::Auto => Ok(Device::Cpu),
            Self::Cuda if built => card().map_err(Error::Unusable),
            Self::Cuda => Err(Error::NotBuilt),
        }
    }
}

/// The first card, made ready.
fn card() -> candle_core::Result<Device> {
    let card = Device::new_cuda(0)?;
    #[cfg(feature = "cuda")]
    crate::learn::kernel::card::prepare(card.as_cuda_device()?)?;
    Ok(card)
}

/// How many cards there are that this program can use.
#[must_use]
pub fn cards() -> usize {
    if !candle_core::utils::cuda_is_available() || Device::new_cuda(0).is_err() {
        return 0;
    }
    #[cfg(feature = "cuda")]
    {
        use candle_core::cuda_backend::cudarc::driver::CudaContext;
        // One answered just now.
        CudaContext::device_count().map_or(1, |count| usize::try_from(count).unwrap_or(1))
    }
    #[cfg(not(feature = "cuda"))]
    {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_always_opens_and_a_missing_card_says_what_to_do() {
        assert!(DeviceChoice::Cpu.open().unwrap().is_cpu());
        assert!(DeviceChoice::Auto.open().is_ok());
        if !candle_core::utils::cuda_is_available() {
            let message = DeviceChoice::Cuda.open().unwrap_err().to_string();
            assert!(message.contains("--features cuda"), "{message}");
        }
    }
}

//! `--device`: where a command computes.

use candle_core::Device;
use clap::Args;
use llp_kernels::{DeviceError, DeviceName, set_deterministic};

use crate::failure::{Failure, code};

#[derive(Args, Clone, Copy)]
pub(crate) struct DeviceArg {
    /// Where to compute: cpu, cuda for the first GPU, cuda:N for another.
    #[arg(long, value_name = "DEVICE", env = "LLP_DEVICE", hide_env_values = true, default_value_t = DeviceName::Cpu)]
    pub(crate) device: DeviceName,
    /// On a GPU: equal bits from equal seeds in every run, at some cost of speed; the processor always does that.
    #[arg(long, env = "LLP_DETERMINISTIC", hide_env_values = true)]
    pub(crate) deterministic: bool,
}

impl DeviceArg {
    /// Opens the device, for the calling thread.
    pub(crate) fn open(self) -> Result<Device, Failure> {
        set_deterministic(self.deterministic);
        Ok(self.device.open()?)
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        // Another machine may have what this one lacks, but not what the program lacks.
        let is_mistake = matches!(error, DeviceError::NotCompiled | DeviceError::NoSuchGpu { .. });
        Self { code: if is_mistake { code::USAGE } else { code::RUNTIME }, error: error.into() }
    }
}

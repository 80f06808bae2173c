//! Where tensors live: the processor, or a GPU that this program can reach.
//!
//! The CUDA part is compiled with the feature `cuda` only. Without it the same functions answer
//! [`DeviceError::NotCompiled`], so that nothing above this crate asks how it was built.

mod diagnosis;
mod error;
mod fault;

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(not(feature = "cuda"))]
mod no_cuda;

use std::fmt;
use std::str::FromStr;

use candle_core::Device;
#[cfg(feature = "cuda")]
use cuda as gpu;
#[cfg(not(feature = "cuda"))]
use no_cuda as gpu;

pub use diagnosis::{Diagnosis, Gpu, diagnose};
pub use error::DeviceError;
pub use fault::{is_device_lost, is_out_of_memory};

/// The name of a device: `cpu`, `cuda:0`, `cuda:1`; `cuda` is the first GPU.
///
/// ```
/// use llp_kernels::DeviceName;
///
/// assert_eq!("cuda".parse(), Ok(DeviceName::Cuda(0)));
/// assert_eq!(DeviceName::Cuda(1).to_string(), "cuda:1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceName {
    /// The processor.
    Cpu,
    /// The GPU of this number among those that CUDA shows, which `CUDA_VISIBLE_DEVICES` may limit.
    Cuda(usize),
}

/// Text that names no device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDevice {
    /// The text.
    pub got: String,
}

impl fmt::Display for UnknownDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected cpu, cuda or cuda:N with the number of a GPU, got {:?}", self.got)
    }
}

impl std::error::Error for UnknownDevice {}

impl FromStr for DeviceName {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownDevice { got: text.to_owned() };
        match (text, text.strip_prefix("cuda:")) {
            ("cpu", _) => Ok(Self::Cpu),
            ("cuda", _) => Ok(Self::Cuda(0)),
            // `parse` alone would take a sign.
            (_, Some(index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                index.parse().map(Self::Cuda).map_err(|_| unknown())
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl DeviceName {
    /// The device of this name.
    ///
    /// A GPU is opened once in each thread, and stays open as long as the thread lives: later calls return the same
    /// device. **Tensors of a GPU belong to the thread that opened it**: its work is in the order of that thread only,
    /// so tensors must neither be made nor used on another one. Tensors of two threads are of two devices, which candle
    /// refuses to combine.
    ///
    /// # Errors
    /// [`DeviceError`], which says what is missing and how to fix it.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(index) => {
                self.check()?;
                gpu::open(index)
            }
        }
    }

    /// Whether there is such a device. Opens nothing.
    ///
    /// # Errors
    /// Those of [`gpu_count`], and [`DeviceError::NoSuchGpu`].
    pub fn check(self) -> Result<(), DeviceError> {
        let Self::Cuda(index) = self else { return Ok(()) };
        let count = gpu::count()?;
        if index < count { Ok(()) } else { Err(DeviceError::NoSuchGpu { index, count }) }
    }
}

/// Number of GPUs that CUDA shows to this process. Opens none of them.
///
/// # Errors
/// [`DeviceError::NotCompiled`] or [`DeviceError::NoDriver`]. A driver without a GPU is one of the latter.
pub fn gpu_count() -> Result<usize, DeviceError> {
    gpu::count()
}

/// The processor, and every GPU that can be opened: for tests that run one body on all.
pub fn devices() -> Vec<Device> {
    let gpus = (0..gpu::count().unwrap_or(0)).filter_map(|index| DeviceName::Cuda(index).open().ok());
    std::iter::once(Device::Cpu).chain(gpus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name has one meaning, and what a device prints as is read as the same device.
    #[test]
    fn names_are_read_and_written() {
        for (text, name) in
            [("cpu", DeviceName::Cpu), ("cuda:0", DeviceName::Cuda(0)), ("cuda:12", DeviceName::Cuda(12))]
        {
            assert_eq!((text.parse(), name.to_string().as_str()), (Ok(name), text));
        }
        assert_eq!("cuda".parse(), Ok(DeviceName::Cuda(0)));
        for wrong in
            ["", "gpu", "CPU", "cuda:", "cuda:+1", "cuda:-1", "cuda:x", "cuda0", "cuda:99999999999999999999"]
        {
            let error = wrong.parse::<DeviceName>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("expected cpu, cuda or cuda:N with the number of a GPU, got {wrong:?}")
            );
        }
    }

    /// The processor is always there, and first; the other devices are GPUs that work.
    #[test]
    fn there_is_always_a_device() {
        let devices = devices();
        assert!(devices[0].is_cpu() && devices[1..].iter().all(Device::is_cuda));
        for device in devices {
            let ones = candle_core::Tensor::ones(3, candle_core::DType::F32, &device).unwrap();
            assert!((ones.sum_all().unwrap().to_scalar::<f32>().unwrap() - 3.0).abs() < 1e-6);
        }
    }

    /// A GPU that is not there is an error that says what to do, however the program was built.
    #[test]
    fn a_missing_gpu_is_explained() {
        let error = DeviceName::Cuda(1000).open().unwrap_err();
        assert!(error.to_string().contains("--device cpu") || matches!(error, DeviceError::NoSuchGpu { .. }));
        assert_eq!(matches!(error, DeviceError::NotCompiled), !diagnose().is_compiled);
    }

    /// Opening a GPU twice in a thread gives one device, so that tensors of both can be combined.
    #[test]
    fn a_gpu_is_opened_once() {
        for index in 0..gpu_count().unwrap_or(0) {
            let name = DeviceName::Cuda(index);
            assert!(name.open().unwrap().same_device(&name.open().unwrap()));
        }
    }
}

//! The GPUs of a program with a CUDA part.
#![expect(
    unsafe_code,
    reason = "the driver's memory pools, and the order of work among streams, which the caller's single thread keeps"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::Device;
use candle_core::backend::BackendDevice as _;
use candle_core::cuda_backend::CudaDevice;
use cudarc::driver::result::{device as driver_device, mem_pool};
use cudarc::driver::sys::{CUDA_VERSION, CUmemPool_attribute, cuDriverGetVersion};
use cudarc::driver::{CudaContext, DriverError};

use super::{DeviceError, Diagnosis, Gpu};

thread_local! {
    /// The GPUs that this thread has opened.
    static OPENED: RefCell<BTreeMap<usize, Opened>> = const { RefCell::new(BTreeMap::new()) };
}

/// A GPU, closed at the end of its thread unless it was lost: cuBLAS panics when it is to let go of a lost one.
struct Opened(Option<CudaDevice>);

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(lost) = self.0.take_if(|device| device.synchronize().is_err()) {
            std::mem::forget(lost);
        }
    }
}

pub(super) fn count() -> Result<usize, DeviceError> {
    match CudaContext::device_count().map(usize::try_from) {
        Ok(Ok(count)) if count > 0 => Ok(count),
        Ok(_) => Err(DeviceError::NoDriver { message: "CUDA shows no GPU".to_owned() }),
        Err(error) => Err(DeviceError::NoDriver { message: error.to_string() }),
    }
}

pub(super) fn open(index: usize) -> Result<Device, DeviceError> {
    OPENED.with_borrow_mut(|opened| {
        if let Some(Opened(Some(device))) = opened.get(&index) {
            return Ok(Device::Cuda(device.clone()));
        }
        let device = prepare(index).map_err(|source| DeviceError::Closed { index, source })?;
        opened.insert(index, Opened(Some(device.clone())));
        Ok(Device::Cuda(device))
    })
}

/// A device on the stream of this thread, that does not track what work on other streams uses, and keeps its memory.
fn prepare(index: usize) -> candle_core::Result<CudaDevice> {
    let device = CudaDevice::new(index)?;
    // SAFETY: all work of this device is on the one stream of this thread, which does it in order: what `DeviceName::open`
    // asks of its callers.
    unsafe { device.disable_event_tracking() };
    keep_memory(index).map_err(candle_core::Error::wrap)?;
    Ok(device)
}

/// Lets freed memory stay with the process; by default every wait for a result gives it back to the driver, and every
/// step asks for it again.
fn keep_memory(index: usize) -> Result<(), DriverError> {
    // CUDA counts no further than an `i32`.
    let device = driver_device::get(i32::try_from(index).unwrap_or(i32::MAX))?;
    let mut threshold = u64::MAX;
    // SAFETY: `device` comes from the driver.
    let pool = unsafe { driver_device::get_default_mem_pool(device)? };
    let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the pool lives as long as the device, and this attribute is a `u64`.
    unsafe { mem_pool::set_attribute(pool, attribute, (&raw mut threshold).cast()) }
}

pub(super) fn diagnose() -> Diagnosis {
    let mut diagnosis = Diagnosis {
        is_compiled: true,
        built_cuda: Some(cuda_version(i64::from(CUDA_VERSION))),
        cudnn: Some(cudnn_version(cudarc::cudnn::result::get_version())),
        ..Diagnosis::default()
    };
    let driver = driver_version();
    diagnosis.has_driver = driver.is_some();
    diagnosis.driver_cuda = driver.map(|version| cuda_version(i64::from(version)));
    diagnosis
        .missing
        .extend(driver.and_then(|version| outdated(i64::from(version), i64::from(CUDA_VERSION))));
    match count() {
        Err(error) => diagnosis.missing.push(error.to_string()),
        Ok(count) => {
            for index in 0..count {
                match gpu(index) {
                    Ok(gpu) => diagnosis.gpus.push(gpu),
                    Err(error) => diagnosis.missing.push(closed(index, error)),
                }
            }
        }
    }
    diagnosis
}

fn gpu(index: usize) -> Result<Gpu, DriverError> {
    let context = CudaContext::new(index)?;
    let (free_bytes, total_bytes) = context.mem_get_info()?;
    let compute_capability = context.compute_capability()?;
    Ok(Gpu { index, name: context.name()?, compute_capability, total_bytes, free_bytes })
}

fn closed(index: usize, error: DriverError) -> String {
    format!("cuda:{index} cannot be used: {error}; does another process hold it for itself?")
}

/// The newest CUDA that the driver supports. Returns `None` without a driver.
fn driver_version() -> Option<i32> {
    let mut version = 0;
    // SAFETY: the driver writes one number, and needs no initialization for that.
    let end = unsafe { cuDriverGetVersion(&raw mut version) };
    end.result().ok().filter(|()| version > 0).map(|()| version)
}

/// Programs for the GPU are compiled for an abstract machine, which older drivers do not know.
fn outdated(driver: i64, built: i64) -> Option<String> {
    (driver < built).then(|| {
        format!(
            "the driver knows CUDA {}, this program was built for CUDA {}: install a newer driver, or build with the \
             CUDA toolkit {} (docs/cuda.md)",
            cuda_version(driver),
            cuda_version(built),
            cuda_version(driver)
        )
    })
}

/// 13010 is 13.1.
fn cuda_version(version: i64) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// 92100 is 9.21.0.
fn cudnn_version(version: usize) -> String {
    format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions read as on NVIDIA's pages.
    #[test]
    fn versions_are_written_with_points() {
        assert_eq!((cuda_version(12_090), cuda_version(13_000)), ("12.9".to_owned(), "13.0".to_owned()));
        assert_eq!(cudnn_version(92_100), "9.21.0");
    }

    /// Only a driver that is older than the program is in its way.
    #[test]
    fn an_old_driver_is_noticed() {
        assert!(outdated(12_080, 13_000).unwrap().contains("the driver knows CUDA 12.8"));
        assert_eq!((outdated(13_000, 13_000), outdated(13_010, 13_000)), (None, None));
    }

    /// What a GPU says of itself is possible.
    #[test]
    fn gpus_are_described() {
        let diagnosis = diagnose();
        assert_eq!(diagnosis.gpus.len() + diagnosis.missing.len(), count().unwrap_or(1));
        for gpu in diagnosis.gpus {
            assert!(gpu.free_bytes <= gpu.total_bytes && gpu.compute_capability.0 >= 5, "{gpu:?}");
        }
    }
}

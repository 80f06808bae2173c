//! Where the cells of a sweep train, and how many at once.

use std::str::FromStr;

use clap::Args;
use llp_kernels::{DeviceName, UnknownDevice, gpu_count};
use llp_sweep::sweep_dir::Cell;
use llp_train::check_precision;

use crate::failure::{Failure, usage};

#[derive(Args)]
pub(crate) struct PoolDeviceArgs {
    /// Where cells train: cpu, cuda for all GPUs, cuda:N for one.
    #[arg(long, value_name = "DEVICE", env = "LLP_DEVICE", hide_env_values = true, default_value = "cpu")]
    device: PoolDevice,
    /// Cells that train at once, sharing the cores; by default as many as there are cores, or one on each GPU.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Cells that train at once on each GPU.
    #[arg(long, value_name = "N", conflicts_with = "jobs")]
    jobs_per_gpu: Option<usize>,
}

/// The devices of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PoolDevice {
    AllGpus,
    One(DeviceName),
}

impl FromStr for PoolDevice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "cuda" { Ok(Self::AllGpus) } else { text.parse().map(Self::One) }
    }
}

/// How cells share a machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    /// At least one.
    pub(crate) devices: Vec<DeviceName>,
    /// Cells at once, on all devices together.
    pub(crate) jobs: usize,
    /// Threads of each.
    pub(crate) threads: usize,
}

impl PoolDeviceArgs {
    /// What this machine has for the arguments.
    pub(crate) fn slots(&self) -> Result<Slots, Failure> {
        let devices = match self.device {
            PoolDevice::One(DeviceName::Cpu) => vec![DeviceName::Cpu],
            PoolDevice::One(gpu) => {
                gpu.check()?;
                vec![gpu]
            }
            PoolDevice::AllGpus => (0..gpu_count()?).map(DeviceName::Cuda).collect(),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        share(devices, self.jobs, self.jobs_per_gpu, cores).map_err(usage)
    }
}

/// This many cells on these devices: as many as are asked for, or one for each core or GPU.
fn share(
    devices: Vec<DeviceName>,
    jobs: Option<usize>,
    jobs_per_gpu: Option<usize>,
    cores: usize,
) -> Result<Slots, String> {
    let is_cpu = devices == [DeviceName::Cpu];
    let jobs = match (jobs, jobs_per_gpu) {
        (_, Some(_)) if is_cpu => {
            return Err("--jobs-per-gpu needs GPUs: add --device cuda, or use --jobs".to_owned());
        }
        (_, Some(0)) => return Err("--jobs-per-gpu must be at least 1".to_owned()),
        (_, Some(jobs_per_gpu)) => jobs_per_gpu.saturating_mul(devices.len()),
        (Some(0), None) => return Err("--jobs must be at least 1".to_owned()),
        (Some(jobs), None) => jobs,
        (None, None) if is_cpu => cores,
        (None, None) => devices.len(),
    };
    Ok(Slots { devices, jobs, threads: (cores / jobs).max(1) })
}

impl Slots {
    /// Refuses cells that these devices do not train.
    pub(crate) fn check(&self, cells: &[&Cell]) -> Result<(), Failure> {
        let is_gpu = self.devices != [DeviceName::Cpu];
        Ok(cells.iter().try_for_each(|cell| check_precision(&cell.config, is_gpu))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpus(n: usize) -> Vec<DeviceName> {
        (0..n).map(DeviceName::Cuda).collect()
    }

    /// One cell for each core or GPU by default; cells share the cores.
    #[test]
    fn cells_share_a_machine() {
        let shared = |devices: Vec<DeviceName>, jobs, jobs_per_gpu| {
            share(devices, jobs, jobs_per_gpu, 16).map(|slots| (slots.jobs, slots.threads))
        };
        assert_eq!(shared(vec![DeviceName::Cpu], None, None), Ok((16, 1)));
        assert_eq!(shared(vec![DeviceName::Cpu], Some(4), None), Ok((4, 4)));
        assert_eq!(shared(gpus(2), None, None), Ok((2, 8)));
        assert_eq!(shared(gpus(2), None, Some(3)), Ok((6, 2)));
        assert_eq!(shared(gpus(2), Some(5), None), Ok((5, 3)));
        assert_eq!(shared(gpus(8), None, Some(4)), Ok((32, 1)));
        for (devices, jobs, jobs_per_gpu) in
            [(gpus(1), Some(0), None), (gpus(1), None, Some(0)), (vec![DeviceName::Cpu], None, Some(2))]
        {
            assert!(shared(devices, jobs, jobs_per_gpu).is_err());
        }
    }

    /// To a pool, `cuda` is all GPUs, not the first.
    #[test]
    fn all_gpus_or_one() {
        assert_eq!("cuda".parse(), Ok(PoolDevice::AllGpus));
        assert_eq!("cuda:0".parse(), Ok(PoolDevice::One(DeviceName::Cuda(0))));
        assert_eq!("cpu".parse(), Ok(PoolDevice::One(DeviceName::Cpu)));
        assert!("gpu".parse::<PoolDevice>().is_err());
    }
}

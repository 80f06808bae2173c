//! `llp doctor`: whether this machine can train, and on what.

use llp_kernels::{Diagnosis, InstructionSet, diagnose};
use serde::Serialize;

use crate::environment::{memory, print, print_json};
use crate::failure::{Failure, code};
use crate::{Global, Output};

/// What is printed.
#[derive(Serialize)]
struct Health {
    version: &'static str,
    /// Features that the program was built with.
    features: Vec<&'static str>,
    /// Devices that training is possible on, as `--device` names them.
    devices: Vec<String>,
    cpu: Cpu,
    cuda: Cuda,
    /// What prevents the use of a GPU, and how to fix it.
    missing: Vec<String>,
}

#[derive(Serialize)]
struct Cpu {
    cores: usize,
    instruction_set: &'static str,
    memory_bytes: Option<u64>,
    available_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Cuda {
    has_driver: bool,
    /// The newest CUDA that the driver knows.
    driver: Option<String>,
    /// The CUDA that the program was built for.
    built: Option<String>,
    cudnn: Option<String>,
    gpus: Vec<Gpu>,
}

#[derive(Serialize)]
struct Gpu {
    device: String,
    name: String,
    compute_capability: String,
    memory_bytes: usize,
    available_bytes: usize,
}

pub(crate) fn doctor(global: Global) -> Result<u8, Failure> {
    let health = health(diagnose());
    if global.output == Output::Json {
        print_json(&health)?;
    } else {
        for line in lines(&health) {
            print(&line)?;
        }
    }
    Ok(code::SUCCESS)
}

fn health(diagnosis: Diagnosis) -> Health {
    let Diagnosis { is_compiled, has_driver, driver_cuda, built_cuda, cudnn, gpus, missing } = diagnosis;
    let gpu = |gpu: llp_kernels::Gpu| Gpu {
        device: format!("cuda:{}", gpu.index),
        name: gpu.name,
        compute_capability: format!("{}.{}", gpu.compute_capability.0, gpu.compute_capability.1),
        memory_bytes: gpu.total_bytes,
        available_bytes: gpu.free_bytes,
    };
    let gpus: Vec<Gpu> = gpus.into_iter().map(gpu).collect();
    let (memory_bytes, available_bytes) = memory();
    Health {
        version: env!("CARGO_PKG_VERSION"),
        features: if is_compiled { vec!["cuda"] } else { Vec::new() },
        devices: std::iter::once("cpu".to_owned()).chain(gpus.iter().map(|gpu| gpu.device.clone())).collect(),
        cpu: Cpu {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            instruction_set: instruction_set(),
            memory_bytes,
            available_bytes,
        },
        cuda: Cuda { has_driver, driver: driver_cuda, built: built_cuda, cudnn, gpus },
        missing,
    }
}

fn instruction_set() -> &'static str {
    match InstructionSet::current() {
        InstructionSet::Avx512 => "AVX-512",
        InstructionSet::Avx2 => "AVX2",
        _ => "portable: slow, this processor has neither AVX2 with FMA nor AVX-512",
    }
}

fn lines(health: &Health) -> Vec<String> {
    let Health { version, features, devices, cpu, cuda, missing } = health;
    let unknown = || "unknown".to_owned();
    let memory = |bytes: Option<u64>| bytes.map_or_else(unknown, |bytes| gigabytes(bytes as f64));
    let mut lines = vec![
        format!("training is possible on {}", devices.join(", ")),
        format!(
            "program   llp {version}, {}",
            if features.is_empty() { "without CUDA" } else { "with CUDA" }
        ),
        format!("cores     {}, {}", cpu.cores, cpu.instruction_set),
        format!("memory    {}, {} available", memory(cpu.memory_bytes), memory(cpu.available_bytes)),
    ];
    if let Some(driver) = &cuda.driver {
        lines.push(format!("driver    CUDA {driver}"));
    } else {
        lines.push(format!("driver    {}", if cuda.has_driver { "there is one" } else { "none" }));
    }
    let built = [("CUDA", &cuda.built), ("cuDNN", &cuda.cudnn)];
    let parts: Vec<String> =
        built.iter().filter_map(|(name, version)| Some(format!("{name} {}", version.as_ref()?))).collect();
    if !parts.is_empty() {
        lines.push(format!("built for {}", parts.join(", ")));
    }
    lines.extend(cuda.gpus.iter().map(|gpu| {
        format!(
            "{:<9} {}, compute capability {}, {}, {} available",
            gpu.device,
            gpu.name,
            gpu.compute_capability,
            gigabytes(gpu.memory_bytes as f64),
            gigabytes(gpu.available_bytes as f64)
        )
    }));
    lines.extend(missing.iter().map(|missing| format!("missing   {missing}")));
    lines
}

fn gigabytes(bytes: f64) -> String {
    format!("{:.1} GB", bytes / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line says on what training is possible, one line describes each GPU, and what is missing comes last.
    #[test]
    fn the_first_line_is_the_answer() {
        let gpu = llp_kernels::Gpu {
            index: 0,
            name: "NVIDIA Test".to_owned(),
            compute_capability: (9, 0),
            total_bytes: 80_000_000_000,
            free_bytes: 79_500_000_000,
        };
        let diagnosis = Diagnosis {
            is_compiled: true,
            has_driver: true,
            driver_cuda: Some("13.0".to_owned()),
            built_cuda: Some("13.0".to_owned()),
            cudnn: Some("9.21.0".to_owned()),
            gpus: vec![gpu],
            missing: vec!["cuda:1 cannot be used".to_owned()],
        };
        let report = lines(&health(diagnosis));
        assert_eq!(report[0], "training is possible on cpu, cuda:0");
        assert_eq!(report[4..6], ["driver    CUDA 13.0", "built for CUDA 13.0, cuDNN 9.21.0"]);
        let gpu = "cuda:0    NVIDIA Test, compute capability 9.0, 80.0 GB, 79.5 GB available";
        assert_eq!(report[6..], [gpu, "missing   cuda:1 cannot be used"]);
    }

    /// A machine without a GPU trains, and lacks nothing.
    #[test]
    fn a_machine_without_a_gpu_is_well() {
        let report = lines(&health(Diagnosis::default()));
        assert_eq!((report[0].as_str(), report.len()), ("training is possible on cpu", 5));
    }
}

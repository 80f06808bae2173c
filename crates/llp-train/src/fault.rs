//! What a device that failed means for a run.

use std::path::Path;

use candle_core::Device;
use llp_data::DataError;
use llp_kernels::{is_device_lost, is_out_of_memory};
use llp_loss::LossError;
use llp_nn::NnError;
use llp_sweep::config::{Precision, RunConfig};

use crate::TrainError;

/// Whether a device can train in the configured precision.
///
/// # Errors
/// A precision that takes a GPU, without one.
pub fn check_precision(config: &RunConfig, is_gpu: bool) -> Result<(), DataError> {
    match config.optim.precision() {
        Precision::Float32 => Ok(()),
        _ if is_gpu => Ok(()),
        precision => {
            let problem = format!("optim.precision is {}, which takes a GPU", precision.as_str());
            Err(DataError::new(problem).remedy("add --device cuda, or leave it out"))
        }
    }
}

/// The error of a run in the folder `dir`, which says what to do if the device failed.
pub(crate) fn explain(error: TrainError, config: &RunConfig, dir: &Path, device: &Device) -> TrainError {
    let run = dir.to_owned();
    match error {
        TrainError::Candle(source)
        | TrainError::Network(NnError::Candle(source))
        | TrainError::Loss(LossError::Candle(source))
            if is_out_of_memory(&source) =>
        {
            let images = images_at_once(config);
            TrainError::OutOfMemory { images, run, source }
        }
        TrainError::Candle(source)
        | TrainError::Network(NnError::Candle(source))
        | TrainError::Loss(LossError::Candle(source))
            if is_device_lost(&source) && !device.is_cpu() =>
        {
            TrainError::DeviceLost { run, source }
        }
        error => error,
    }
}

/// The most images that are in the network at once: a step of whole bags, or a chunk of one.
fn images_at_once(config: &RunConfig) -> usize {
    let bag = config.bags.size.max(1);
    let step = bag * (config.optim.images_per_step / bag).max(1);
    config.optim.images_per_chunk.map_or(step, |chunk| chunk.min(step))
}

#[cfg(test)]
mod tests {
    use candle_core::Error;
    use llp_sweep::config::Layers;

    use super::*;

    fn config(settings: &[&str]) -> RunConfig {
        let mut layers = Layers::new();
        for setting in settings {
            layers.assignment("--set", setting).unwrap();
        }
        layers.resolve("digits").unwrap()
    }

    /// A step is whole bags, at least one; a chunk is no more than the step.
    #[test]
    fn the_batch_that_was_tried_is_reported() {
        let tried = |bag: usize, step: usize, chunk: &str| {
            let sizes = [format!("bags.size={bag}"), format!("optim.images_per_step={step}")];
            let chunk = (!chunk.is_empty()).then(|| format!("optim.images_per_chunk={chunk}"));
            let settings: Vec<&str> = sizes.iter().chain(&chunk).map(String::as_str).collect();
            images_at_once(&config(&settings))
        };
        assert_eq!((tried(64, 1000, ""), tried(512, 100, "")), (960, 512));
        assert_eq!((tried(64, 1024, "256"), tried(64, 1024, "4096")), (256, 1024));
    }

    /// Too little memory is another matter than a lost device, and neither is a mistake in the arguments; of both it is
    /// said how to go on.
    #[test]
    fn failures_of_a_device_say_how_to_go_on() {
        let config = config(&["bags.size=64", "optim.images_per_step=1024"]);
        let explained = |error: Error| explain(error.into(), &config, Path::new("runs/a"), &Device::Cpu);
        let full = explained(Error::msg("CUDA_ERROR_OUT_OF_MEMORY"));
        let text = full.to_string();
        assert!(text.contains("1024 images") && text.contains("optim.images_per_chunk=512"), "{text}");
        assert!(text.contains("llp resume runs/a"), "{text}");
        assert!(!full.is_permanent() && full.fails_again());

        let lost =
            TrainError::DeviceLost { run: "runs/a".into(), source: Error::msg("CUDA_ERROR_LAUNCH_FAILED") };
        assert!(lost.to_string().contains("llp resume runs/a"));
        assert!(!lost.is_permanent() && !lost.fails_again());

        let other = explained(Error::UnwrapNone);
        assert!(matches!(other, TrainError::Candle(Error::UnwrapNone)));
        let wrapped = TrainError::Network(NnError::Candle(Error::msg("CUDNN_STATUS_ALLOC_FAILED")));
        let wrapped = explain(wrapped, &config, Path::new("a"), &Device::Cpu);
        assert!(matches!(wrapped, TrainError::OutOfMemory { images: 1024, .. }));
    }

    /// Only single precision does without a GPU.
    #[test]
    fn other_precisions_take_a_gpu() {
        let bfloat16 = config(&["optim.precision=bfloat16"]);
        assert!(check_precision(&bfloat16, true).is_ok() && check_precision(&config(&[]), false).is_ok());
        let refused = check_precision(&bfloat16, false).unwrap_err();
        assert!(refused.is_permanent() && refused.to_string().contains("bfloat16"), "{refused}");
    }
}

//! From a configuration to a network.

use candle_core::Device;
use llp_bags::rng::{Purpose, stream};
use llp_nn::{ResNet18, ResNetConfig, Stem};
use llp_sweep::config::{self, NetworkConfig};

use crate::TrainError;

/// A network with the initial weights of `seed`.
///
/// # Errors
/// When an extent is zero or the device refuses to allocate.
pub fn build_network(
    config: &NetworkConfig,
    channels: usize,
    n_classes: usize,
    seed: u64,
    device: &Device,
) -> Result<ResNet18, TrainError> {
    let stem = match config.stem {
        config::Stem::Cifar => Stem::Cifar,
        config::Stem::Imagenet => Stem::ImageNet,
    };
    let extents = ResNetConfig { stem, channels, width: config.width, n_classes };
    Ok(ResNet18::new(extents, &mut stream(seed, Purpose::Init, 0), device)?)
}

//! From a configuration to a network.

use candle_core::Device;
use llp_bags::rng::{Purpose, stream};
use llp_nn::{Part, ResNet18, ResNetConfig, Stem};
use llp_sweep::config::{self, Freeze, NetworkConfig};

use crate::TrainError;

/// A network with the initial weights of `seed`, its first layers frozen if the configuration says so.
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
    let mut network = ResNet18::new(extents, &mut stream(seed, Purpose::Init, 0), device)?;
    if let Some(part) = config.freeze.and_then(part) {
        network.freeze(part);
    }
    Ok(network)
}

fn part(freeze: Freeze) -> Option<Part> {
    match freeze {
        Freeze::None => None,
        Freeze::Stem => Some(Part::Stem),
        Freeze::Layer1 => Some(Part::Layer1),
        Freeze::Layer2 => Some(Part::Layer2),
        Freeze::Layer3 => Some(Part::Layer3),
        Freeze::Layer4 => Some(Part::Layer4),
    }
}

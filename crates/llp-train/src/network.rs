//! From a configuration to a network.

use candle_core::Device;
use llp_bags::InstanceShape;
use llp_bags::rng::{Purpose, stream};
use llp_data::DataError;
use llp_nn::{Airbench, AirbenchConfig, Mlp, MlpConfig, Network, Part, ResNet18, ResNetConfig, Stem};
use llp_sweep::config::{self, Architecture, Freeze, NetworkConfig};

use crate::TrainError;

/// The channels of images; rows of features are refused.
fn channels_of(shape: InstanceShape) -> Result<usize, DataError> {
    let InstanceShape::Image([.., channels]) = shape else {
        let problem = "resnet18 needs images, the data set has feature columns";
        return Err(DataError::new(problem).remedy("set network.name = mlp or linear"));
    };
    Ok(channels)
}

/// A network for instances of this shape, with the initial weights of `seed`, its first layers frozen if the
/// configuration says so.
///
/// # Errors
/// Rows of features for a network of images; when an extent is zero or the device refuses to allocate.
pub fn build_network(
    config: &NetworkConfig,
    shape: InstanceShape,
    n_classes: usize,
    seed: u64,
    device: &Device,
) -> Result<Network, TrainError> {
    let mut rng = stream(seed, Purpose::Init, 0);
    // A configuration that is checked has the extents of its network; 0 is refused where one does not.
    let extent = Option::unwrap_or_default;
    let n_inputs = shape.n_values();
    Ok(match config.name {
        Architecture::Mlp => {
            let (hidden, depth) = (extent(config.hidden), extent(config.depth));
            Mlp::new(MlpConfig { n_inputs, hidden, depth, n_classes }, &mut rng, device)?.into()
        }
        Architecture::Linear => Mlp::new(MlpConfig::linear(n_inputs, n_classes), &mut rng, device)?.into(),
        Architecture::Airbench => {
            let channels = channels_of(shape)?;
            let widths = config.widths.map_or([0; 3], |widths| widths.0);
            Airbench::new(AirbenchConfig { channels, widths, n_classes }, &mut rng, device)?.into()
        }
        _ => {
            let channels = channels_of(shape)?;
            let stem = match config.stem {
                Some(config::Stem::Imagenet) => Stem::ImageNet,
                _ => Stem::Cifar,
            };
            let extents = ResNetConfig { stem, channels, width: extent(config.width), n_classes };
            let mut network = ResNet18::new(extents, &mut rng, device)?;
            if let Some(part) = config.freeze.and_then(part) {
                network.freeze(part);
            }
            network.into()
        }
    })
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

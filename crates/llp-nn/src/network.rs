//! Any of the networks.

use candle_core::Tensor;
use llp_kernels::Mode;

use crate::{Airbench, Mlp, NnError, ResNet18, StateDict};

/// A network that turns instances into logits.
#[derive(Debug)]
pub enum Network {
    /// For images.
    ResNet18(ResNet18),
    /// For images, trained in minutes.
    Airbench(Box<Airbench>),
    /// For rows of features, and for images as rows of pixels.
    Mlp(Mlp),
}

impl Network {
    /// Instances, `[instance, height, width, channel]` or `[instance, column]`, to logits `[instance, class]`.
    ///
    /// # Errors
    /// When the instances do not fit the network.
    pub fn forward(&self, inputs: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        match self {
            Self::ResNet18(network) => network.forward(inputs, mode),
            Self::Airbench(network) => network.forward(inputs, mode),
            Self::Mlp(network) => network.forward(inputs, mode),
        }
    }

    /// Every tensor by the name that PyTorch gives it, shared with the network.
    pub fn state_dict(&self) -> StateDict {
        match self {
            Self::ResNet18(network) => network.state_dict(),
            Self::Airbench(network) => network.state_dict(),
            Self::Mlp(network) => network.state_dict(),
        }
    }
}

impl From<ResNet18> for Network {
    fn from(network: ResNet18) -> Self {
        Self::ResNet18(network)
    }
}

impl From<Airbench> for Network {
    fn from(network: Airbench) -> Self {
        Self::Airbench(Box::new(network))
    }
}

impl From<Mlp> for Network {
    fn from(network: Mlp) -> Self {
        Self::Mlp(network)
    }
}

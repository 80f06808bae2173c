//! Networks for training from label proportions: ResNet-18 and airbench for images, multilayer perceptrons for tables.
//!
//! [`ResNet18`] is the network of section 4.1 of [dulac-arnold:19]: the residual network with 18 layers of
//! He et al. (2016), no biases but in the last layer. Its parameters carry torchvision's names and layouts
//! (`layer2.0.downsample.1.running_var`, ...), so a checkpoint moves between the two as it is.
//!
//! [`Airbench`] is a smaller network for images, which a CPU trains in minutes.
//! [`Mlp`] takes rows of features; without hidden layers it is a linear model. [`Network`] is any of them.
//!
//! Images go in as `[image, height, width, channel]`, logits come out as `[image, class]`. Whether batch norm
//! uses the statistics of the batch is said at every call, by [`Mode`]; nothing inside the network remembers it.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use llp_nn::{Mode, ResNet18, ResNetConfig, Stem};
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let config = ResNetConfig { stem: Stem::Cifar, channels: 3, width: 8, n_classes: 10 };
//! let network = ResNet18::new(config, &mut ChaCha8Rng::seed_from_u64(0), &Device::Cpu)?;
//! let images = Tensor::zeros((4, 32, 32, 3), DType::F32, &Device::Cpu)?;
//! assert_eq!(network.forward(&images, Mode::Evaluate)?.dims(), [4, 10]);
//! # Ok::<(), llp_nn::NnError>(())
//! ```

mod airbench;
mod block;
mod error;
mod init;
mod mlp;
mod network;
mod resnet;
mod state_dict;

pub use airbench::{Airbench, AirbenchConfig};
pub use error::NnError;
pub use llp_kernels::Mode;
pub use mlp::{Mlp, MlpConfig};
pub use network::Network;
pub use resnet::{Part, ResNet18, ResNetConfig, Stem};
pub use state_dict::{Entry, Role, StateDict};

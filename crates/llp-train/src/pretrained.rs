//! Weights to start from: ResNet-18 with torchvision's names in a file of safetensors.
//!
//! torchvision and timm name the tensors alike, so the files of both fit as they are. The last layer is never taken: the
//! classes are others, and if they are not, what the layer was trained on is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load as _;
use candle_core::{Device, Tensor};
use llp_nn::{Network, NnError};
use llp_sweep::config::Stem;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::{Locate, TrainError};

/// Begin of the names of the tensors of the last layer.
const HEAD: &str = "fc.";

/// Digits of the hash that names a file.
const HASH_DIGITS: usize = 16;

/// How a file begins that `torch.save` wrote, now and before 2020.
const PICKLES: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02"];

/// The tensors of a network but those of its last layer.
#[derive(Debug)]
pub struct Pretrained {
    tensors: HashMap<String, Tensor>,
    /// The first digits of the file's BLAKE3 hash.
    pub hash: String,
    /// The first layers of the network.
    pub stem: Stem,
    /// Channels of the first stage.
    pub width: usize,
    /// Channels of an image.
    pub channels: usize,
}

/// What can be wrong with weights to start from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PretrainedFault {
    /// A file of `torch.save`.
    #[error(
        "it is a pickle of PyTorch, which may run any program when it is read: convert it with \
         safetensors.torch.save_file(torch.load(FILE, weights_only=True), NEW_FILE)"
    )]
    Pickle,
    /// No file of safetensors.
    #[error("it is no file of safetensors ({0}): give ResNet-18 of torchvision or timm in that format")]
    Format(#[from] SafeTensorError),
    /// Numbers of a type that weights do not have.
    #[error("the tensor {name:?} has type {got:?}, expected F32, F16, BF16 or F64: is it quantized?")]
    Type {
        /// The tensor.
        name: String,
        /// Its type.
        got: Dtype,
    },
    /// Another first layer than both stems have.
    #[error(
        "the tensor \"conv1.weight\" has shape {got:?}, expected [WIDTH, CHANNELS, 3, 3] or [WIDTH, CHANNELS, 7, 7]: \
         is it a ResNet-18?"
    )]
    Stem {
        /// The shape that was found.
        got: Vec<usize>,
    },
    /// A network that is not started from a file.
    #[error(
        "only the network `resnet18` starts from a file: leave --init out, or set network.name = \"resnet18\""
    )]
    OtherNetwork,
    /// Images of another kind.
    #[error(
        "it is for images of {expected} channels, those of the data have {got}: give a file for such images, or \
         leave --init out"
    )]
    Channels {
        /// Channels of the images that it was trained on.
        expected: usize,
        /// Channels of the data.
        got: usize,
    },
    /// Another file than the run was configured with.
    #[error("its hash is {got}, this run starts from a file of hash {expected}: give that with --init FILE")]
    OtherFile {
        /// Hash in the configuration.
        expected: String,
        /// Hash of the file.
        got: String,
    },
    /// Its tensors are not those of the network.
    #[error("{0} (only ResNet-18 with torchvision's names can be started from)")]
    Network(#[from] NnError),
}

impl Pretrained {
    /// Reads a file of weights.
    ///
    /// # Errors
    /// [`TrainError::Pretrained`] with what is wrong.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let bytes = fs_err::read(path)?;
        Self::parse(&bytes).map_err(|reason| TrainError::Pretrained { path: path.to_owned(), reason })
    }

    /// Where weights lie: in the file of that name, or where `locate` has the network of that name.
    ///
    /// # Errors
    /// [`TrainError::PretrainedName`] if nobody has it, and those of `locate`.
    pub fn locate(name: &str, locate: Locate<'_>) -> Result<PathBuf, TrainError> {
        if Path::new(name).is_file() {
            return Ok(name.into());
        }
        locate(name)?.ok_or_else(|| TrainError::PretrainedName { name: name.to_owned() })
    }

    fn parse(bytes: &[u8]) -> Result<Self, PretrainedFault> {
        if PICKLES.iter().any(|start| bytes.starts_with(start)) {
            return Err(PretrainedFault::Pickle);
        }
        let tensors = body(&SafeTensors::deserialize(bytes)?)?;
        let first = "conv1.weight";
        let first = tensors.get(first).ok_or_else(|| NnError::MissingTensor { name: first.to_owned() })?;
        let (stem, width, channels) = match *first.dims() {
            [width, channels, 3, 3] => (Stem::Cifar, width, channels),
            [width, channels, 7, 7] => (Stem::Imagenet, width, channels),
            ref other => return Err(PretrainedFault::Stem { got: other.to_vec() }),
        };
        let hash = blake3::hash(bytes).to_hex()[..HASH_DIGITS].to_owned();
        Ok(Self { tensors, hash, stem, width, channels })
    }

    /// Checks that the file is the one that is expected.
    ///
    /// # Errors
    /// [`PretrainedFault::OtherFile`].
    pub fn check_hash(&self, expected: &str) -> Result<(), PretrainedFault> {
        if self.hash == expected {
            return Ok(());
        }
        Err(PretrainedFault::OtherFile { expected: expected.to_owned(), got: self.hash.clone() })
    }

    /// Gives the tensors to a network, all but those of its last layer.
    pub(crate) fn load_into(&self, network: &Network) -> Result<(), PretrainedFault> {
        let Network::ResNet18(network) = network else { return Err(PretrainedFault::OtherNetwork) };
        let got = network.config().channels;
        if got != self.channels {
            return Err(PretrainedFault::Channels { expected: self.channels, got });
        }
        Ok(network.body().load(&self.tensors)?)
    }
}

/// The tensors of a file without those of the last layer, which may be of any type and shape.
fn body(file: &SafeTensors<'_>) -> Result<HashMap<String, Tensor>, PretrainedFault> {
    let mut views: Vec<_> = file.iter().filter(|(name, _)| !name.starts_with(HEAD)).collect();
    views.sort_by_key(|(name, _)| *name);
    let mut tensors = HashMap::new();
    for (name, view) in views {
        if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64 | Dtype::I64) {
            return Err(PretrainedFault::Type { name: name.to_owned(), got: view.dtype() });
        }
        tensors.insert(name.to_owned(), view.load(&Device::Cpu).map_err(NnError::from)?);
    }
    Ok(tensors)
}

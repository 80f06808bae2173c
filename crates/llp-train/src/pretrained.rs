//! Weights to start from: ResNet-18 with torchvision's names in a file of safetensors.
//!
//! torchvision and timm name the tensors alike, so the files of both fit as they are. A prefix of all names, such as
//! `module.` or `backbone.`, is taken off, and what has no such prefix is left out. The last layer is never taken: the
//! classes are others, and if they are not, what the layer was trained on is. Images of other channels than the file's get
//! a first layer made of the file's, as timm does.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load as _;
use candle_core::{DType, Device, Tensor};
use llp_data::DataError;
use llp_nn::{Network, NnError};
use llp_sweep::config::Stem;
use safetensors::{Dtype, SafeTensors};

use crate::{Locate, TrainError};

/// The first layer.
const FIRST: &str = "conv1.weight";

/// A tensor that only a ResNet with the first layer beside it has.
const SECOND: &str = "layer1.0.conv1.weight";

/// Names that are shown of a file with others.
const N_SHOWN: usize = 3;

/// Begin of the names of the tensors of the last layer.
const HEAD: &str = "fc.";

/// Digits of the hash that names a file.
const HASH_DIGITS: usize = 16;

/// How a file begins that `torch.save` wrote, now and before 2020.
const PICKLES: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02"];

/// The tensors of a network but those of its last layer.
#[derive(Debug)]
pub struct Pretrained {
    tensors: HashMap<String, Tensor>, // by their names without the prefix
    prefix: String,
    /// The first digits of the file's BLAKE3 hash.
    pub hash: String,
    /// The first layers of the network.
    pub stem: Stem,
    /// Channels of the first stage.
    pub width: usize,
    /// Channels of an image.
    pub channels: usize,
}

impl Pretrained {
    /// Reads a file of weights.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let bytes = fs_err::read(path)?;
        Ok(Self::parse(&bytes).map_err(|error| error.in_file(path))?)
    }

    /// The location of weights: the file of that name, or where `locate` has the network of that name.
    ///
    /// # Errors
    /// It is not found, and those of `locate`.
    pub fn locate(name: &str, locate: Locate<'_>) -> Result<PathBuf, TrainError> {
        if Path::new(name).is_file() {
            return Ok(name.into());
        }
        let problem = "is neither a file nor the name OWNER/NAME of a network on the hub";
        let missing = || DataError::new(format!("{name} {problem}")).remedy("give one with --init");
        Ok(locate(name)?.ok_or_else(missing)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        if PICKLES.iter().any(|start| bytes.starts_with(start)) {
            let problem = "it is a pickle of PyTorch, which may run any program when it is read";
            let remedy =
                "convert it with safetensors.torch.save_file(torch.load(FILE, weights_only=True), NEW_FILE)";
            return Err(DataError::new(problem).remedy(remedy));
        }
        let file = SafeTensors::deserialize(bytes).map_err(|error| {
            let problem = format!("it is no file of safetensors ({error})");
            DataError::new(problem).remedy("give ResNet-18 of torchvision or timm in that format")
        })?;
        let prefix = prefix(&file)?;
        let tensors = body(&file, &prefix)?;
        let first = tensors.get(FIRST).ok_or_else(|| other_tensors(NnError::missing(FIRST)))?;
        let (stem, width, channels) = match *first.dims() {
            [width, channels, 3, 3] => (Stem::Cifar, width, channels),
            [width, channels, 7, 7] => (Stem::Imagenet, width, channels),
            ref other => {
                let expected = "expected [WIDTH, CHANNELS, 3, 3] or [WIDTH, CHANNELS, 7, 7]";
                let problem = format!("the tensor \"conv1.weight\" has shape {other:?}, {expected}");
                return Err(DataError::new(problem).remedy("is it a ResNet-18?"));
            }
        };
        let hash = blake3::hash(bytes).to_hex()[..HASH_DIGITS].to_owned();
        Ok(Self { tensors, prefix, hash, stem, width, channels })
    }

    /// Checks that the file is the one that is expected.
    ///
    /// # Errors
    /// The file has another hash.
    pub fn check_hash(&self, expected: &str) -> Result<(), DataError> {
        if self.hash == expected {
            return Ok(());
        }
        let problem = format!("its hash is {}, this run starts from a file of hash {expected}", self.hash);
        Err(DataError::new(problem).remedy("give that with --init FILE"))
    }

    /// Gives the tensors to a network, all but those of its last layer; the first layer gets the network's channels.
    pub(crate) fn load_into(&self, network: &Network) -> Result<(), DataError> {
        let Network::ResNet18(network) = network else {
            let problem = "only the network `resnet18` starts from a file";
            return Err(
                DataError::new(problem).remedy("leave --init out, or set network.name = \"resnet18\"")
            );
        };
        let channels = network.config().channels;
        if channels == self.channels {
            return network.body().load(&self.tensors).map_err(other_tensors);
        }
        let mut tensors = self.tensors.clone(); // they share their memory
        if let Some(first) = tensors.get_mut(FIRST) {
            *first = with_channels(first, channels).map_err(other_tensors)?;
        }
        network.body().load(&tensors).map_err(other_tensors)
    }

    /// What people should know of the start of a network.
    pub(crate) fn note(&self, network: &Network) -> Option<String> {
        let Network::ResNet18(network) = network else { return None };
        let (from, to) = (self.channels, network.config().channels);
        let prefix = (!self.prefix.is_empty())
            .then(|| format!("the prefix {:?} of the names of its tensors is left out", self.prefix));
        let channels = (from != to).then(|| {
            let how = if to == 1 { "summed" } else { "repeated and scaled" };
            format!("its first layer is for {from} channels, the images have {to}: its kernels are {how}")
        });
        let notes: Vec<String> = prefix.into_iter().chain(channels).collect();
        (!notes.is_empty()).then(|| format!("the file of weights: {}", notes.join("; ")))
    }
}

/// Tensors that are not those of the network.
fn other_tensors(error: impl Display) -> DataError {
    DataError::new(format!("{error} (only ResNet-18 with torchvision's names can be started from)"))
}

/// The first layer `[width, channel, row, column]` for images of other channels, as of timm's `adapt_input_conv`: one
/// channel has the sum of all kernels, more have the kernels in turn, scaled so that equal channels give what they gave.
fn with_channels(first: &Tensor, channels: usize) -> candle_core::Result<Tensor> {
    let first = first.to_dtype(DType::F32)?;
    let given = first.dim(1)?;
    if channels == 1 {
        return first.sum_keepdim(1);
    }
    let repeated = Tensor::cat(&vec![&first; channels.div_ceil(given)], 1)?.narrow(1, 0, channels)?;
    (repeated * (given as f64 / channels as f64))?.contiguous()
}

/// The prefix of torchvision's names in a file: of a network in a wrapper, say.
fn prefix(file: &SafeTensors<'_>) -> Result<String, DataError> {
    let mut names = file.names();
    names.sort_unstable();
    let is_prefix = |prefix: &&str| prefix.is_empty() || prefix.ends_with('.');
    let firsts: Vec<&str> =
        names.iter().filter_map(|name| name.strip_suffix(FIRST)).filter(is_prefix).collect();
    let has_second = |prefix: &&&str| names.contains(&&*format!("{prefix}{SECOND}"));
    let whole: Vec<&str> = firsts.iter().filter(has_second).copied().collect();
    match whole[..] {
        [one] => Ok(one.to_owned()),
        // No whole network: what is missing is said when it is loaded.
        [] if firsts.contains(&"") => Ok(String::new()),
        [] => {
            let found: Vec<String> = names.iter().take(N_SHOWN).map(|name| format!("{name:?}")).collect();
            let found = found.join(", ");
            let problem =
                format!("no tensor is called {FIRST:?}, with or without a prefix; there are {found}");
            Err(DataError::new(problem).remedy("give a ResNet-18 with torchvision's names"))
        }
        _ => {
            let prefixes: Vec<String> = whole.iter().map(|prefix| format!("{prefix:?}")).collect();
            let prefixes = prefixes.join(" and ");
            let problem = format!("it holds several networks, whose names begin with {prefixes}");
            Err(DataError::new(problem).remedy("write the tensors of one into a file of its own"))
        }
    }
}

/// The tensors whose names begin with `prefix`, without it, and without those of the last layer, which may be of any type
/// and shape.
fn body(file: &SafeTensors<'_>, prefix: &str) -> Result<HashMap<String, Tensor>, DataError> {
    let own = file.iter().filter_map(|(name, view)| Some((name.strip_prefix(prefix)?, view)));
    let mut views: Vec<_> = own.filter(|(name, _)| !name.starts_with(HEAD)).collect();
    views.sort_by_key(|(name, _)| *name);
    let mut tensors = HashMap::new();
    for (name, view) in views {
        if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64 | Dtype::I64) {
            let expected = "expected F32, F16, BF16 or F64";
            let problem = format!("the tensor {name:?} has type {:?}, {expected}", view.dtype());
            return Err(DataError::new(problem).remedy("is it quantized?"));
        }
        let tensor = view.load(&Device::Cpu).map_err(other_tensors)?;
        if !is_finite(&tensor).map_err(other_tensors)? {
            let problem = format!("the tensor {name:?} holds a number that is not finite");
            let remedy = "its training diverged, or it is damaged; give another file";
            return Err(DataError::new(problem).remedy(remedy));
        }
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(tensors)
}

/// Whether all numbers are, also in single precision.
fn is_finite(tensor: &Tensor) -> candle_core::Result<bool> {
    let values: Vec<f32> = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    Ok(values.iter().all(|value| value.is_finite()))
}

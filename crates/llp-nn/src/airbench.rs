//! The network of airbench: six 3x3 convolutions behind a fixed whitening, made for training in minutes.

use candle_core::{Device, Tensor, Var};
use llp_kernels::{
    Activation, Activations, BatchNorm, BatchNormConfig, Conv2dConfig, Mode, add_bias, conv2d, max_pool2d,
};
use rand::Rng;

use crate::error::{NnError, check_extents};
use crate::init::{conv_identity, linear_uniform};
use crate::state_dict::{Role, StateDict};

/// Rows and columns of a patch that is whitened.
const PATCH: usize = 2;
/// Batch norm without a trained scale, whose running statistics follow within a few steps.
const NORM: BatchNormConfig =
    BatchNormConfig { epsilon: AirbenchConfig::EPSILON, momentum: 0.4, trains_scale: false };

/// The extents of an [`Airbench`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AirbenchConfig {
    /// Channels of an image.
    pub channels: usize,
    /// Channels of the three blocks: 64, 256 and 256 in the original, 64, 128 and 128 in its faster variant.
    pub widths: [usize; 3],
    /// Length of a logit vector.
    pub n_classes: usize,
}

impl AirbenchConfig {
    /// Smallest height and width of an image.
    pub const MIN_SIZE: usize = 8;
    /// What logits are multiplied by.
    pub const LOGIT_SCALE: f64 = 1.0 / 9.0;
    /// Added to the variance of a batch norm under the root.
    pub const EPSILON: f64 = 1e-12;

    /// Numbers of a patch.
    pub(crate) fn patch_len(&self) -> usize {
        PATCH * PATCH * self.channels
    }

    /// Channels after the whitening: every component of a patch and its negative.
    pub(crate) fn whitened(&self) -> usize {
        2 * self.patch_len()
    }

    fn check(&self) -> Result<(), NnError> {
        let extents = [
            ("channels", self.channels),
            ("widths", self.widths.into_iter().min().unwrap_or_default()),
            ("n_classes", self.n_classes),
        ];
        check_extents(&extents)
    }
}

/// The network of cifar10-airbench \[jordan:24\], for square images of at least 8 pixels in each direction:
///
/// 1. a 2x2 convolution without padding, which decorrelates the patches of the images: its weight is not trained
///    ([`Airbench::set_whitening`]), its bias is; GELU;
/// 2. three blocks of: 3x3 convolution, 2x2 max pooling, batch norm, GELU, 3x3 convolution, batch norm, GELU;
/// 3. the largest value of each channel, and a linear layer without bias, divided by 9.
///
/// Batch norms have a bias but no scale. Deviation from the source: a map of one pixel is not pooled, so that images of
/// 8 pixels work too, and the last pooling takes all of the map, whatever its size.
#[derive(Debug)]
pub struct Airbench {
    config: AirbenchConfig,
    whitening: Var, // [whitened, channel, row, column]
    bias: Var,      // [whitened]
    blocks: [Block; 3],
    head: Var, // [class, width]
}

impl Airbench {
    /// A network with fresh weights from `rng`: PyTorch's uniform, and the identity in the first filters of each 3x3
    /// convolution. The whitening starts as the identity of each number of a patch and its negative; set it before
    /// training.
    ///
    /// # Errors
    /// When an extent is zero or the device refuses to allocate.
    pub fn new(config: AirbenchConfig, rng: &mut impl Rng, device: &Device) -> Result<Self, NnError> {
        config.check()?;
        let [first, second, third] = config.widths;
        let whitened = config.whitened();
        let mut block = |c_in, c_out| Block::new(c_in, c_out, rng, device);
        let blocks = [block(whitened, first)?, block(first, second)?, block(second, third)?];
        let n = config.patch_len();
        let identity = (0..n * n).map(|i| if i % (n + 1) == 0 { 1.0 } else { 0.0 });
        Ok(Self {
            config,
            whitening: Var::from_tensor(&both_signs(&config, identity.collect(), device)?)?,
            bias: Var::zeros(whitened, candle_core::DType::F32, device)?,
            blocks,
            head: linear_uniform((config.n_classes, third), third, rng, device)?,
        })
    }

    /// The extents that the network was built with.
    pub fn config(&self) -> AirbenchConfig {
        self.config
    }

    /// Sets the whitening: `filters` are the rows of a matrix that whitens patches, `[component, number of a patch]`, the
    /// numbers of a patch in the order channel, row, column. Their negatives are added.
    ///
    /// # Errors
    /// An error unless there are as many rows and columns as a patch has numbers.
    pub fn set_whitening(&self, filters: &[f32]) -> Result<(), NnError> {
        let expected = self.config.patch_len().pow(2);
        if filters.len() != expected {
            return Err(NnError::input_length(expected, filters.len()));
        }
        Ok(self.whitening.set(&both_signs(&self.config, filters.to_vec(), self.whitening.device())?)?)
    }

    /// Images `[image, height, width, channel]` to logits `[image, class]`.
    ///
    /// In [`Mode::Train`] the result is differentiable in every parameter but the whitening and the running statistics
    /// move; in the other modes parameters are constants, so that nothing is kept for a backward pass.
    ///
    /// # Errors
    /// When the images do not fit the network, are not square, are smaller than [`AirbenchConfig::MIN_SIZE`], or are on a
    /// GPU.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let images = Activations::from_tensor(images)?;
        let [_, height, width, _] = images.dims();
        if height != width || height < AirbenchConfig::MIN_SIZE {
            let (min, problem) = (AirbenchConfig::MIN_SIZE, "do not suit this network");
            return Err(NnError::Input(format!(
                "images of {height}x{width} pixels {problem}: it needs square ones of at least {min}x{min}"
            )));
        }
        let whitening = self.whitening.as_detached_tensor();
        let x = conv2d(&images, &whitening, Conv2dConfig { stride: 1, padding: 0 })?;
        let x = add_bias(&x, &mode.operand(&self.bias), Activation::Gelu)?;
        let x = self.blocks.iter().try_fold(x, |x, block| block.forward(&x, mode))?;
        let largest = largest(&x)?.to_tensor()?.flatten_from(1)?;
        let logits = largest.matmul(&mode.operand(&self.head).t()?)?;
        Ok((logits * AirbenchConfig::LOGIT_SCALE)?)
    }

    /// Every tensor by its name, shared with the network: `whiten.*`, `block1.conv1.weight`, `block1.norm1.bias`, ...,
    /// `head.weight`.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::default();
        state.push("whiten.weight".into(), &self.whitening, Role::Frozen);
        state.push("whiten.bias".into(), &self.bias, Role::Weight);
        for (index, block) in self.blocks.iter().enumerate() {
            block.register(&mut state, &format!("block{}", index + 1));
        }
        state.push("head.weight".into(), &self.head, Role::Weight);
        state
    }
}

/// Filters and their negatives, as the weight of a convolution.
fn both_signs(config: &AirbenchConfig, mut filters: Vec<f32>, device: &Device) -> Result<Tensor, NnError> {
    filters.extend_from_within(..);
    let half = filters.len() / 2;
    filters[half..].iter_mut().for_each(|value| *value = -*value);
    Ok(Tensor::from_vec(filters, (config.whitened(), config.channels, PATCH, PATCH), device)?)
}

/// 2x2 max pooling with stride 2, rounding down; a map of one pixel stays as it is.
fn halve(x: &Activations) -> Result<Activations, NnError> {
    let [_, height, width, _] = x.dims();
    Ok(if height.min(width) > 1 { max_pool2d(x, 2, 2, 0)? } else { x.clone() })
}

/// The largest value of each channel of a square map, `[image, 1, 1, channel]`.
fn largest(x: &Activations) -> Result<Activations, NnError> {
    let [_, size, ..] = x.dims();
    Ok(if size == 1 { x.clone() } else { max_pool2d(x, size, size, 0)? })
}

/// Convolution, pooling, norm, GELU, convolution, norm, GELU.
#[derive(Debug)]
struct Block {
    convolutions: [Var; 2],
    norms: [BatchNorm; 2],
}

impl Block {
    fn new(c_in: usize, c_out: usize, rng: &mut impl Rng, device: &Device) -> Result<Self, NnError> {
        let norm = || BatchNorm::with_config(c_out, NORM, device);
        Ok(Self {
            convolutions: [
                conv_identity((c_out, c_in, 3, 3), rng, device)?,
                conv_identity((c_out, c_out, 3, 3), rng, device)?,
            ],
            norms: [norm()?, norm()?],
        })
    }

    fn forward(&self, x: &Activations, mode: Mode) -> Result<Activations, NnError> {
        let config = Conv2dConfig { stride: 1, padding: 1 };
        let [first, second] = &self.convolutions;
        let x = halve(&conv2d(x, &mode.operand(first), config)?)?;
        let x = self.norms[0].forward(&x, mode, Activation::Gelu)?;
        let x = conv2d(&x, &mode.operand(second), config)?;
        Ok(self.norms[1].forward(&x, mode, Activation::Gelu)?)
    }

    fn register(&self, state: &mut StateDict, prefix: &str) {
        for (index, (weight, norm)) in self.convolutions.iter().zip(&self.norms).enumerate() {
            let index = index + 1;
            state.push(format!("{prefix}.conv{index}.weight"), weight, Role::Weight);
            state.push_bias_norm(&format!("{prefix}.norm{index}"), norm);
        }
    }
}

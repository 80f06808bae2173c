//! ResNet-18.

use candle_core::{Device, Tensor, Var};
use llp_kernels::{Activation, Activations, Mode, max_pool2d, pooled_linear, prepare_filters};
use rand::Rng;

use crate::block::{BasicBlock, ConvNorm};
use crate::error::{NnError, check_extents};
use crate::init::linear_uniform;
use crate::state_dict::{Role, StateDict};

/// The first layers of a ResNet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stem {
    /// A 3x3 convolution with stride 1: for images of about 32 pixels.
    Cifar,
    /// A 7x7 convolution with stride 2 and a 3x3 max pooling with stride 2: for images of about 224 pixels.
    ImageNet,
}

/// The part that each block belongs to.
const PART_OF_BLOCK: [Part; 8] = [
    Part::Layer1,
    Part::Layer1,
    Part::Layer2,
    Part::Layer2,
    Part::Layer3,
    Part::Layer3,
    Part::Layer4,
    Part::Layer4,
];

/// The extents of a [`ResNet18`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetConfig {
    /// The first layers.
    pub stem: Stem,
    /// Channels of an image.
    pub channels: usize,
    /// Channels of the first stage; the stages have 1, 2, 4 and 8 times as many. The original has 64.
    pub width: usize,
    /// Length of a logit vector.
    pub n_classes: usize,
}

/// How far a network is frozen, counted from its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The first convolution and its batch norm.
    Stem,
    /// The first stage too.
    Layer1,
    /// The second stage too.
    Layer2,
    /// The third stage too.
    Layer3,
    /// Everything but the last layer.
    Layer4,
}

impl ResNetConfig {
    fn check(&self) -> Result<(), NnError> {
        check_extents(&[("channels", self.channels), ("width", self.width), ("n_classes", self.n_classes)])
    }
}

/// The residual network with 18 layers of He et al. (2016), four stages of two blocks each.
#[derive(Debug)]
pub struct ResNet18 {
    config: ResNetConfig,
    stem: ConvNorm,
    /// Each with its name.
    blocks: Vec<(String, BasicBlock)>,
    weight: Var,
    bias: Var,
    /// The last part that is not trained, if there is one.
    frozen: Option<Part>,
}

impl ResNet18 {
    /// A network with fresh weights from `rng`: Kaiming's normal for convolutions, PyTorch's uniform for the
    /// last layer, 1 and 0 for batch norms.
    ///
    /// # Errors
    /// When an extent is zero or the device refuses to allocate.
    pub fn new(config: ResNetConfig, rng: &mut impl Rng, device: &Device) -> Result<Self, NnError> {
        config.check()?;
        let (kernel, stride) = match config.stem {
            Stem::Cifar => (3, 1),
            Stem::ImageNet => (7, 2),
        };
        let stem = ConvNorm::new((config.channels, config.width), kernel, stride, rng, device)?;
        let mut blocks = Vec::new();
        let mut c_in = config.width;
        for stage in 0..4 {
            let c_out = config.width << stage;
            for block in 0..2 {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                blocks.push((name, BasicBlock::new(c_in, c_out, stride, rng, device)?));
                c_in = c_out;
            }
        }
        let weight = linear_uniform((config.n_classes, c_in), c_in, rng, device)?;
        let bias = linear_uniform(config.n_classes, c_in, rng, device)?;
        Ok(Self { config, stem, blocks, weight, bias, frozen: None })
    }

    /// The extents that the network was built with.
    pub fn config(&self) -> ResNetConfig {
        self.config
    }

    /// Has everything up to and with `last` stay as it is: its parameters are not trained, and its batch norms use their
    /// running statistics in every mode, and leave them alone.
    pub fn freeze(&mut self, last: Part) {
        self.frozen = Some(last);
    }

    /// The mode of a part of the network where the whole is in `mode`.
    fn mode_of(&self, part: Part, mode: Mode) -> Mode {
        if self.is_frozen(part) { Mode::Evaluate } else { mode }
    }

    fn is_frozen(&self, part: Part) -> bool {
        self.frozen.is_some_and(|last| part <= last)
    }

    /// Images `[image, height, width, channel]` to logits `[image, class]`.
    ///
    /// In [`Mode::Train`] the result is differentiable in every parameter and the running statistics move; in the
    /// other modes parameters are constants, so that nothing is kept for a backward pass.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let images = Activations::from_tensor(images)?;
        let _filters = prepare_filters(&images, &self.filters())?;
        let mut x = self.stem.forward(&images, self.mode_of(Part::Stem, mode), Activation::Relu)?;
        if self.config.stem == Stem::ImageNet {
            x = max_pool2d(&x, 3, 2, 1)?;
        }
        for (part, (_, block)) in PART_OF_BLOCK.into_iter().zip(&self.blocks) {
            x = block.forward(&x, self.mode_of(part, mode))?;
        }
        Ok(pooled_linear(&x, &mode.operand(&self.weight), Some(&mode.operand(&self.bias)))?)
    }

    /// The weights of all convolutions.
    fn filters(&self) -> Vec<Tensor> {
        let of_blocks = self.blocks.iter().flat_map(|(_, block)| block.convolutions());
        std::iter::once(&self.stem).chain(of_blocks).map(|layer| layer.weight().as_tensor().clone()).collect()
    }

    /// Every tensor by torchvision's name, shared with the network.
    pub fn state_dict(&self) -> StateDict {
        let mut state = self.body();
        state.push("fc.weight".into(), &self.weight, Role::Weight);
        state.push("fc.bias".into(), &self.bias, Role::Weight);
        state
    }

    /// As [`Self::state_dict`], without the last layer, which alone depends on the classes.
    pub fn body(&self) -> StateDict {
        let mut state = StateDict::default();
        self.stem.register(&mut state, "conv1", "bn1");
        if self.is_frozen(Part::Stem) {
            state.freeze();
        }
        for (part, (name, block)) in PART_OF_BLOCK.into_iter().zip(&self.blocks) {
            block.register(&mut state, name);
            if self.is_frozen(part) {
                state.freeze();
            }
        }
        state
    }
}

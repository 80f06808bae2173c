//! The residual block of ResNet-18 and ResNet-34.

use candle_core::{Device, Var};
use llp_kernels::{Activation, Activations, BatchNorm, Conv2dConfig, Mode, conv2d};
use rand::Rng;

use crate::NnError;
use crate::init::kaiming_normal;
use crate::state_dict::{Role, StateDict};

/// A convolution without bias, followed by batch norm.
#[derive(Debug)]
pub(crate) struct ConvNorm {
    weight: Var,
    config: Conv2dConfig,
    norm: BatchNorm,
}

impl ConvNorm {
    /// A `kernel x kernel` convolution with the padding that keeps the size at stride 1.
    pub(crate) fn new(
        channels: (usize, usize),
        kernel: usize,
        stride: usize,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let (c_in, c_out) = channels;
        Ok(Self {
            weight: kaiming_normal((c_out, c_in, kernel, kernel), rng, device)?,
            config: Conv2dConfig { stride, padding: kernel / 2 },
            norm: BatchNorm::new(c_out, device)?,
        })
    }

    pub(crate) fn forward(
        &self,
        x: &Activations,
        mode: Mode,
        activation: Activation,
    ) -> Result<Activations, NnError> {
        Ok(self.norm.forward(&self.convolve(x, mode)?, mode, activation)?)
    }

    /// The end of a block: `relu(norm(conv(x)) + shortcut)`.
    fn join(&self, x: &Activations, shortcut: &Activations, mode: Mode) -> Result<Activations, NnError> {
        let y = self.convolve(x, mode)?;
        Ok(self.norm.forward_residual(&y, shortcut, mode, Activation::Relu)?)
    }

    pub(crate) fn weight(&self) -> &Var {
        &self.weight
    }

    fn convolve(&self, x: &Activations, mode: Mode) -> Result<Activations, NnError> {
        Ok(conv2d(x, &mode.operand(&self.weight), self.config)?)
    }

    pub(crate) fn register(&self, state: &mut StateDict, convolution: &str, norm: &str) {
        state.push(format!("{convolution}.weight"), &self.weight, Role::Weight);
        state.push_batch_norm(norm, &self.norm);
    }
}

/// Two 3x3 convolutions and a shortcut: `relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))`.
#[derive(Debug)]
pub(crate) struct BasicBlock {
    first: ConvNorm,
    second: ConvNorm,
    /// Present where the block changes the size or the number of channels.
    downsample: Option<ConvNorm>,
}

impl BasicBlock {
    pub(crate) fn new(
        c_in: usize,
        c_out: usize,
        stride: usize,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self, NnError> {
        let first = ConvNorm::new((c_in, c_out), 3, stride, rng, device)?;
        let second = ConvNorm::new((c_out, c_out), 3, 1, rng, device)?;
        let changes = stride != 1 || c_in != c_out;
        let downsample = changes.then(|| ConvNorm::new((c_in, c_out), 1, stride, rng, device)).transpose()?;
        Ok(Self { first, second, downsample })
    }

    pub(crate) fn convolutions(&self) -> impl Iterator<Item = &ConvNorm> {
        [&self.first, &self.second].into_iter().chain(&self.downsample)
    }

    pub(crate) fn forward(&self, x: &Activations, mode: Mode) -> Result<Activations, NnError> {
        let y = self.first.forward(x, mode, Activation::Relu)?;
        match &self.downsample {
            Some(downsample) => {
                let shortcut = downsample.forward(x, mode, Activation::Identity)?;
                self.second.join(&y, &shortcut, mode)
            }
            None => self.second.join(&y, x, mode),
        }
    }

    pub(crate) fn register(&self, state: &mut StateDict, prefix: &str) {
        self.first.register(state, &format!("{prefix}.conv1"), &format!("{prefix}.bn1"));
        self.second.register(state, &format!("{prefix}.conv2"), &format!("{prefix}.bn2"));
        if let Some(downsample) = &self.downsample {
            downsample.register(state, &format!("{prefix}.downsample.0"), &format!("{prefix}.downsample.1"));
        }
    }
}

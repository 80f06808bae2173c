//! The training step of `llp-nn`'s example `train_step` in stock candle, for comparison: its own convolutions,
//! batch norms and plain SGD. One JSON line.
//!
//! `stock_candle cifar WIDTH BATCH STEPS`: ResNet-18 with the stem for small images, NCHW, images of 32x32 pixels. (The
//! maximum pooling of the other stem has no gradient in stock candle.)

use std::time::Instant;

use candle_core::{D, DType, Device, Module, ModuleT, Result, Tensor};
use candle_nn::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Linear, Optimizer, SGD, VarBuilder, VarMap, batch_norm,
    conv2d_no_bias, linear,
};

struct ConvNorm {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl ConvNorm {
    fn new(channels: (usize, usize), kernel: usize, stride: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let config = Conv2dConfig { stride, padding: kernel / 2, ..Conv2dConfig::default() };
        Ok(Self {
            convolution: conv2d_no_bias(channels.0, channels.1, kernel, config, vb.pp("conv"))?,
            norm: batch_norm(channels.1, BatchNormConfig::default(), vb.pp("bn"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.norm.forward_t(&self.convolution.forward(x)?, true)
    }
}

struct Block {
    first: ConvNorm,
    second: ConvNorm,
    downsample: Option<ConvNorm>,
}

impl Block {
    fn new(c_in: usize, c_out: usize, stride: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let changes = stride != 1 || c_in != c_out;
        Ok(Self {
            first: ConvNorm::new((c_in, c_out), 3, stride, &vb.pp("first"))?,
            second: ConvNorm::new((c_out, c_out), 3, 1, &vb.pp("second"))?,
            downsample: changes
                .then(|| ConvNorm::new((c_in, c_out), 1, stride, &vb.pp("downsample")))
                .transpose()?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.second.forward(&self.first.forward(x)?.relu()?)?;
        match &self.downsample {
            Some(downsample) => (y + downsample.forward(x)?)?.relu(),
            None => (y + x)?.relu(),
        }
    }
}

struct Network {
    stem: ConvNorm,
    blocks: Vec<Block>,
    head: Linear,
}

impl Network {
    fn new(width: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let stem = ConvNorm::new((3, width), 3, 1, &vb.pp("stem"))?;
        let (mut blocks, mut c_in) = (Vec::new(), width);
        for index in 0..8 {
            let c_out = width << (index / 2);
            let stride = if index > 0 && index % 2 == 0 { 2 } else { 1 };
            blocks.push(Block::new(c_in, c_out, stride, &vb.pp(format!("block{index}")))?);
            c_in = c_out;
        }
        Ok(Self { stem, blocks, head: linear(c_in, 10, vb.pp("head"))? })
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = self.stem.forward(images)?.relu()?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        self.head.forward(&x.mean(D::Minus1)?.mean(D::Minus1)?)
    }
}

#[expect(clippy::print_stdout, reason = "the measurement is the output")]
fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ["cifar", width, batch, steps] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        return Err("usage: stock_candle cifar WIDTH BATCH STEPS".into());
    };
    let (width, batch, steps): (_, usize, usize) = (width.parse()?, batch.parse()?, steps.parse()?);
    let size = 32;
    let variables = VarMap::new();
    let network = Network::new(width, &VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
    let mut sgd = SGD::new(variables.all_vars(), 0.01)?;
    let pixels: Vec<f32> = (0..batch * size * size * 3).map(|i| (i as f32 * 0.37).sin()).collect();
    let images = Tensor::from_vec(pixels, (batch, 3, size, size), &Device::Cpu)?;
    let targets: Vec<u32> = (0..batch).map(|i| (i % 10) as u32).collect();
    let targets = Tensor::from_vec(targets, batch, &Device::Cpu)?;
    let mut times = Vec::new();
    for _ in 0..=steps {
        let start = Instant::now();
        let loss = candle_nn::loss::cross_entropy(&network.forward(&images)?, &targets)?;
        sgd.backward_step(&loss)?;
        times.push(start.elapsed().as_secs_f64());
    }
    let mut times = times.split_off(1);
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!(
        "{{\"peer\":\"candle\",\"width\":{width},\"batch\":{batch},\"size\":{size},\"step_s_median\":{median:.5},\"images_per_s\":{:.1}}}",
        batch as f64 / median
    );
    Ok(())
}

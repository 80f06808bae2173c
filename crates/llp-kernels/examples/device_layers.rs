//! Where the step of ResNet-18 (CIFAR stem) goes on a device: `device_layers [DEVICE [PRECISION [BATCH [WIDTH]]]]`, by
//! default `cuda bf16 512 64`. Times each convolution with its batch norm, forward and backward, and prints a Markdown
//! table with the rates that they reach, to be held against those of the card.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, Var};
use llp_kernels::{
    Activation, Activations, BatchNorm, Conv2dConfig, DeviceName, Mode, backward, conv2d, set_tf32,
};

/// A convolution on square images, how often the network has it, and whether its batch norm has a residual.
struct Layer {
    name: &'static str,
    times: usize,
    size: usize,
    c_in: usize,
    c_out: usize,
    kernel: usize,
    stride: usize,
    residual: bool,
}

const fn layer(
    name: &'static str,
    times: usize,
    size: usize,
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
) -> Layer {
    let (c_in, c_out) = channels;
    Layer {
        name,
        times,
        size,
        c_in,
        c_out,
        kernel,
        stride,
        residual: kernel == 3 && stride == 1 && c_in == c_out,
    }
}

/// The convolutions of the network, channels for width 1.
const LAYERS: [Layer; 11] = [
    layer("stem", 1, 32, (0, 1), 3, 1),
    layer("layer1", 4, 32, (1, 1), 3, 1),
    layer("layer2, first", 1, 32, (1, 2), 3, 2),
    layer("layer2, shortcut", 1, 32, (1, 2), 1, 2),
    layer("layer2", 3, 16, (2, 2), 3, 1),
    layer("layer3, first", 1, 16, (2, 4), 3, 2),
    layer("layer3, shortcut", 1, 16, (2, 4), 1, 2),
    layer("layer3", 3, 8, (4, 4), 3, 1),
    layer("layer4, first", 1, 8, (4, 8), 3, 2),
    layer("layer4, shortcut", 1, 8, (4, 8), 1, 2),
    layer("layer4", 3, 4, (8, 8), 3, 1),
];

/// Steps that warm up, and steps that count.
const STEPS: (usize, usize) = (3, 20);

/// Mean seconds of something on a device.
fn seconds(device: &Device, mut act: impl FnMut() -> Result<()>) -> Result<f64> {
    for _ in 0..STEPS.0 {
        act()?;
    }
    device.synchronize()?;
    let start = Instant::now();
    for _ in 0..STEPS.1 {
        act()?;
    }
    device.synchronize()?;
    Ok(start.elapsed().as_secs_f64() / STEPS.1 as f64)
}

/// Numbers between -1 and 1.
fn waves(shape: &[usize], device: &Device) -> Result<Tensor> {
    let n: usize = shape.iter().product();
    Tensor::from_vec((0..n).map(|i| (i as f32 * 0.37).sin()).collect(), shape, device)
}

/// Seconds of the convolution forward, the batch norm forward, and both backward.
fn time(layer: &Layer, batch: usize, width: usize, device: &Device, dtype: DType) -> Result<[f64; 3]> {
    let (c_in, c_out) = ((layer.c_in * width).max(3), layer.c_out * width);
    let x = waves(&[batch, layer.size, layer.size, c_in], device)?.to_dtype(dtype)?;
    // The images of the stem have no gradient.
    let x = if layer.c_in == 0 { x } else { Var::from_tensor(&x)?.into_inner() };
    let x = Activations::from_tensor(&x)?;
    let weight = Var::from_tensor(&waves(&[c_out, c_in, layer.kernel, layer.kernel], device)?)?;
    let norm = BatchNorm::new(c_out, device)?;
    let config = Conv2dConfig { stride: layer.stride, padding: layer.kernel / 2 };
    let convolve = || conv2d(&x, &weight, config);
    let size = layer.size / layer.stride;
    let residual = Activations::from_tensor(&waves(&[batch, size, size, c_out], device)?.to_dtype(dtype)?)?;
    let normalize = |y: &Activations| {
        if layer.residual {
            norm.forward_residual(y, &residual, Mode::Train, Activation::Relu)
        } else {
            norm.forward(y, Mode::Train, Activation::Relu)
        }
    };
    let forward = seconds(device, || convolve().map(drop))?;
    let both = seconds(device, || normalize(&convolve()?).map(drop))?;
    let all = seconds(device, || backward(&normalize(&convolve()?)?.to_tensor()?.sum_all()?).map(drop))?;
    Ok([forward, both - forward, all - both])
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &'static str| arguments.get(index).map_or(default, String::as_str);
    let device = argument(0, "cuda").parse::<DeviceName>()?.open()?;
    set_tf32(argument(1, "bf16") == "tf32");
    let dtype = if argument(1, "bf16") == "bf16" { DType::BF16 } else { DType::F32 };
    let (batch, width): (usize, usize) = (argument(2, "512").parse()?, argument(3, "64").parse()?);

    println!("| layer | times | convolution, ms | TFLOP/s | batch norm, ms | GB/s | backward, ms |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut total = [0.0; 3];
    for layer in &LAYERS {
        let parts = time(layer, batch, width, &device, dtype)?;
        let pixels = (batch * (layer.size / layer.stride).pow(2)) as f64;
        let (c_in, c_out) = ((layer.c_in * width).max(3) as f64, (layer.c_out * width) as f64);
        let operations = 2.0 * pixels * c_in * c_out * layer.kernel.pow(2) as f64;
        // Read for the statistics, read once more (and the residual), written.
        let arrays = if layer.residual { 4.0 } else { 3.0 };
        let bytes = arrays * pixels * c_out * dtype.size_in_bytes() as f64;
        let [convolution, norm, back] = parts.map(|seconds| seconds * 1e3);
        println!(
            "| {} | {} | {convolution:.3} | {:.1} | {norm:.3} | {:.0} | {back:.3} |",
            layer.name,
            layer.times,
            operations / parts[0] / 1e12,
            bytes / parts[1] / 1e9
        );
        for (total, part) in total.iter_mut().zip([convolution, norm, back]) {
            *total += part * layer.times as f64;
        }
    }
    let [convolution, norm, back] = total;
    println!("| all of them | 20 | {convolution:.2} | | {norm:.2} | | {back:.2} |");
    Ok(())
}

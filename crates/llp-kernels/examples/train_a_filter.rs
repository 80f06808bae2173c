//! Learns a 3x3 filter from its output: a convolution, its gradient and SGD, without any network around.

use candle_core::{Device, Tensor, Var};
use llp_kernels::{Activations, Conv2dConfig, Sgd, SgdConfig, conv2d};

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn main() -> candle_core::Result<()> {
    let config = Conv2dConfig { stride: 1, padding: 1 };
    let pixels: Vec<f32> =
        (0..8 * 16 * 16).map(|i| (i as f32 * 0.7).sin() + (i as f32 * 0.13).cos()).collect();
    let images = Activations::from_tensor(&Tensor::from_vec(pixels, (8, 16, 16, 1), &Device::Cpu)?)?;
    let sobel = Tensor::new(&[-1.0_f32, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0], &Device::Cpu)?;
    let target = conv2d(&images, &sobel.reshape((1, 1, 3, 3))?, config)?.to_tensor()?;

    let filter = Var::zeros((1, 1, 3, 3), candle_core::DType::F32, &Device::Cpu)?;
    let mut sgd =
        Sgd::new([filter.clone()], [], SgdConfig { momentum: 0.9, weight_decay: 0.0, nesterov: false })?;
    for step in 0..200 {
        let loss = (conv2d(&images, &filter, config)?.to_tensor()? - &target)?.sqr()?.mean_all()?;
        if step % 50 == 0 {
            println!("step {step}: loss {:.6}", loss.to_scalar::<f32>()?);
        }
        sgd.step(&loss.backward()?, 0.02)?;
    }
    println!("{}", filter.reshape((3, 3))?);
    Ok(())
}

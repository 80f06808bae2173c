//! Builds a narrow ResNet-18, lists its tensors and classifies a batch of gray images.

use candle_core::{DType, Device, Tensor};
use llp_nn::{Mode, ResNet18, ResNetConfig, Stem};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn main() -> Result<(), llp_nn::NnError> {
    let config = ResNetConfig { stem: Stem::Cifar, channels: 3, width: 16, n_classes: 10 };
    let network = ResNet18::new(config, &mut ChaCha8Rng::seed_from_u64(0), &Device::Cpu)?;
    for entry in network.state_dict().entries() {
        println!("{:<34} {:?} {:?}", entry.name, entry.var.dims(), entry.role);
    }
    let gray = Tensor::full(0.5_f32, (2, 32, 32, 3), &Device::Cpu)?.to_dtype(DType::F32)?;
    println!("{}", network.forward(&gray, Mode::Evaluate)?);
    Ok(())
}

//! Uses a checkpoint outside of training: the logits of the first test images, and the images that they are of.
//!
//! `logits RUN|CHECKPOINT FOLDER [N] [DATA]` writes `input.safetensors` (normalized) and `pixels.safetensors` (in
//! `[0, 1]`), both `[instance, channel, height, width]`, and `logits.safetensors`, `[instance, class]`, for
//! `fixtures/checkpoint/load_in_torch.py` and `fixtures/onnx/check.py`. Without `DATA`, a folder or an archive, the
//! images are the embedded digits.

use std::path::Path;

use candle_core::{Device, Tensor, safetensors};
use llp_bags::source::{self, Labels, digits::digits};
use llp_bags::{InstanceShape, Instances, Normalization, prepare};
use llp_train::{Predictor, evaluate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [checkpoint, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: logits RUN|CHECKPOINT FOLDER [N] [DATA]".into());
    };
    let n: u32 = rest.first().map_or(Ok(64), |n| n.parse())?;
    let predictor = Predictor::open(Path::new(checkpoint), &Device::Cpu)?;
    let data = rest.get(1).map(|data| source::open(Path::new(data), Labels::Fine)).transpose()?;
    let images = data.unwrap_or_else(digits).test.instances;
    let instances: Vec<u32> = (0..n).collect();
    let (network, normalization) = (predictor.network(), &predictor.state().normalization);
    let logits = evaluate::logits(network, &images, &instances, normalization, &Device::Cpu)?;
    let n_channels = normalization.mean().len();
    let none = Normalization::new(vec![0.0; n_channels], vec![1.0; n_channels])?;
    let input = nchw(&images, &instances, normalization)?;
    let pixels = nchw(&images, &instances, &none)?;
    for (name, tensor) in [("input", input), ("pixels", pixels), ("logits", logits)] {
        let tensors = std::collections::HashMap::from([(name, tensor)]);
        safetensors::save(&tensors, Path::new(folder).join(format!("{name}.safetensors")))?;
    }
    Ok(())
}

/// Images as PyTorch lays them out, `[instance, channel, height, width]`.
fn nchw(
    images: &Instances,
    instances: &[u32],
    normalization: &Normalization,
) -> Result<Tensor, Box<dyn std::error::Error>> {
    let InstanceShape::Image([height, width, channels]) = images.shape() else {
        return Err("no images".into());
    };
    let mut values = vec![0.0; instances.len() * images.shape().n_values()];
    prepare(images, instances, None, normalization, &mut values)?;
    let nhwc = Tensor::from_vec(values, (instances.len(), height, width, channels), &Device::Cpu)?;
    Ok(nhwc.permute((0, 3, 1, 2))?.contiguous()?)
}

//! Uses a checkpoint outside of training: the logits of the first test digits, and the images that they are of.
//!
//! `logits CHECKPOINT FOLDER [N]` writes `input.safetensors`, `[instance, channel, height, width]`, and
//! `logits.safetensors`, `[instance, class]`, for `fixtures/checkpoint/load_in_torch.py`.

use std::path::Path;

use candle_core::{Device, Tensor, safetensors};
use llp_bags::{InstanceShape, prepare, source::digits::digits};
use llp_train::{Checkpoint, Predictor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [checkpoint, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: logits CHECKPOINT FOLDER [N]".into());
    };
    let n: u32 = rest.first().map_or(Ok(64), |n| n.parse())?;
    let path = Path::new(checkpoint);
    let predictor = Predictor::new(path, Checkpoint::read(path)?, &Device::Cpu)?;
    let state = predictor.state();
    let InstanceShape::Image([height, width, channels]) = state.shape else { return Err("no images".into()) };

    let images = digits().test.instances;
    let instances: Vec<u32> = (0..n).collect();
    let logits = predictor.evaluator().logits(&images, &instances)?;
    let mut pixels = vec![0.0; instances.len() * images.shape().n_values()];
    prepare(&images, &instances, None, &state.normalization, &mut pixels)?;
    let input = Tensor::from_vec(pixels, (instances.len(), height, width, channels), &Device::Cpu)?;
    let input = input.permute((0, 3, 1, 2))?.contiguous()?;
    for (name, tensor) in [("input", input), ("logits", logits)] {
        let tensors = std::collections::HashMap::from([(name, tensor)]);
        safetensors::save(&tensors, Path::new(folder).join(format!("{name}.safetensors")))?;
    }
    Ok(())
}

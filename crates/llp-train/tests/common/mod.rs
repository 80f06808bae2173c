//! What several tests look at.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Tensor};
use llp_train::Checkpoint;

/// A tensor's name and the bits of its numbers.
pub(crate) type NamedBits = (String, Vec<u32>);

/// The bits of all weights of the newest checkpoint, with their names, in the order of the names.
pub(crate) fn weights(dir: &Path) -> Vec<NamedBits> {
    let newest =
        Checkpoint::list(&dir.join("checkpoints")).unwrap().into_iter().next().expect("a checkpoint");
    bits(Checkpoint::read(&newest).unwrap().weights)
}

/// The bits of tensors, with their names, in the order of the names.
pub(crate) fn bits(weights: HashMap<String, Tensor>) -> Vec<NamedBits> {
    let mut weights: Vec<_> = weights.into_iter().collect();
    weights.sort_by(|a, b| a.0.cmp(&b.0));
    let bits = |tensor: &Tensor| -> Vec<u32> {
        let tensor = tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap();
        tensor.to_vec1::<f32>().unwrap().iter().map(|value| value.to_bits()).collect()
    };
    weights.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}

//! What the optimizers demand of weights, gradients and their own state, so that their kernels may count on it: single
//! precision, contiguous, of equal shapes, on one device.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var, bail};

use crate::tensor::check_f32;

/// Weights, each with whether it decays.
pub(crate) fn weights(
    decayed: impl IntoIterator<Item = Var>,
    undecayed: impl IntoIterator<Item = Var>,
) -> Result<Vec<(Var, bool)>> {
    let decayed = decayed.into_iter().map(|weight| (weight, true));
    let weights: Vec<_> = decayed.chain(undecayed.into_iter().map(|weight| (weight, false))).collect();
    for (weight, _) in &weights {
        check_f32("a weight", weight)?;
        if !weight.is_contiguous() || !weight.device().same_device(weights[0].0.device()) {
            bail!(
                "a weight of shape {:?} is not contiguous, or not on the device of the first",
                weight.shape()
            );
        }
    }
    Ok(weights)
}

/// The gradient of each weight, where there is one.
pub(crate) fn gradients<'a>(
    store: &GradStore,
    weights: impl Iterator<Item = &'a Var>,
) -> Result<Vec<Option<Tensor>>> {
    let fitting = |weight: &Var| {
        let gradient = store.get(weight.as_tensor());
        gradient.map(|gradient| fitting("a gradient", gradient, weight)?.contiguous()).transpose()
    };
    weights.map(fitting).collect()
}

/// A copy of a state for a weight.
pub(crate) fn state(from: &Tensor, weight: &Var) -> Result<Tensor> {
    fitting("a state", from, weight)?.force_contiguous()
}

fn fitting<'a>(what: &str, tensor: &'a Tensor, weight: &Var) -> Result<&'a Tensor> {
    check_f32(what, tensor)?;
    if tensor.shape() != weight.shape() || !tensor.device().same_device(weight.device()) {
        bail!(
            "{what} of shape {:?} on {:?} is not one of a weight of shape {:?} on {:?}",
            tensor.shape(),
            tensor.device().location(),
            weight.shape(),
            weight.device().location()
        );
    }
    Ok(tensor)
}

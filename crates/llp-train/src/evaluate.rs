//! What a trained network is worth: losses of bags, accuracy on single instances.

use candle_core::{D, Device, Tensor};
use llp_bags::{BagSet, InstanceShape, Instances, LabelOracle, Normalization};
use llp_loss::{BagLoss, Kl, L1};
use llp_nn::{Mode, Network};
use llp_sweep::record::Confusion;

use crate::batch;
use crate::criteria::{CountCriteria, count_criteria};
use crate::{TrainError, TrainingData};

/// Instances per forward pass: enough to keep every core busy, little enough to stay in memory at full width.
const IMAGES_PER_CHUNK: usize = 256;
const ROWS_PER_CHUNK: usize = 8192;

/// The logits of some instances in evaluation mode, `[instance, class]`.
///
/// # Errors
/// When the instances do not fit the network.
pub fn logits(
    network: &Network,
    data: &Instances,
    instances: &[u32],
    normalization: &Normalization,
    device: &Device,
) -> Result<Tensor, TrainError> {
    let limit = match data.shape() {
        InstanceShape::Image(_) => IMAGES_PER_CHUNK,
        InstanceShape::Features(_) => ROWS_PER_CHUNK,
    };
    let chunks = instances.chunks(limit).map(|chunk| {
        let x = batch::inputs(data, chunk, None, normalization, device)?;
        Ok(network.forward(&x, Mode::Evaluate)?)
    });
    Ok(Tensor::cat(&chunks.collect::<Result<Vec<_>, TrainError>>()?, 0)?)
}

/// Bag-level losses, each the mean over the bags; no instance label is involved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BagLosses {
    /// The loss that was asked for.
    pub own: f64,
    /// The KL loss, in nats: comparable between networks that were trained with different losses.
    pub kl: f64,
    /// The L1 distance of predicted and known proportions.
    pub l1: f64,
    /// Of predicted and known counts.
    pub counts: CountCriteria,
}

/// The losses of a network on some bags.
///
/// # Errors
/// When the instances do not fit the network.
pub fn bag_losses(
    network: &Network,
    bags: &BagSet,
    loss: &dyn BagLoss,
    normalization: &Normalization,
    device: &Device,
) -> Result<BagLosses, TrainError> {
    let order: Vec<usize> = (0..bags.len()).collect();
    let logits = logits(network, bags.data(), &batch::instances(bags, &order), normalization, device)?;
    let targets = batch::targets(bags, &order)?;
    let mean = |loss: &dyn BagLoss| -> Result<f64, TrainError> {
        let losses: Vec<f32> = loss.forward(&logits, &targets)?.to_vec1()?;
        Ok(losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / losses.len() as f64)
    };
    let counts = count_criteria(&logits.to_vec2()?, bags);
    Ok(BagLosses { own: mean(loss)?, kl: mean(&Kl)?, l1: mean(&L1)?, counts })
}

/// The most probable class of each instance, `[instance]`.
///
/// # Errors
/// When the instances do not fit the network.
pub fn predictions(
    network: &Network,
    data: &Instances,
    normalization: &Normalization,
    device: &Device,
) -> Result<Vec<u32>, TrainError> {
    let logits = logits(network, data, &data.ids(), normalization, device)?;
    Ok(logits.argmax(D::Minus1)?.to_vec1()?)
}

/// The fraction of instances whose most probable class is their label.
///
/// # Errors
/// When the instances do not fit the network or the labels the instances.
pub fn accuracy(
    network: &Network,
    data: &Instances,
    labels: &LabelOracle,
    normalization: &Normalization,
    device: &Device,
) -> Result<f64, TrainError> {
    Ok(labels.accuracy(&predictions(network, data, normalization, device)?)?)
}

/// Whether every number of a tensor is finite.
pub(crate) fn all_finite(tensor: &Tensor) -> Result<bool, TrainError> {
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.iter().all(|value| value.is_finite()))
}

/// How often each class of the test instances was taken for each other; nothing where there are no labels.
///
/// # Errors
/// When the instances do not fit the network.
pub fn confusion(
    network: &Network,
    data: &TrainingData,
    device: &Device,
) -> Result<Option<Confusion>, TrainError> {
    let Some(labels) = &data.test_labels else { return Ok(None) };
    let predictions = predictions(network, &data.test, &data.normalization, device)?;
    Ok(Some(Confusion::from_rows(data.class_names.clone(), &labels.confusion(&predictions)?)))
}

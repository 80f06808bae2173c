//! What a trained network is worth: losses of bags, accuracy on single instances.

use candle_core::{D, Device, Tensor};
use llp_bags::{BagSet, InstanceShape, Instances, LabelOracle, Normalization};
use llp_loss::{BagLoss, Kl, L1};
use llp_nn::{Mode, Network};
use llp_sweep::config::Views;
use llp_sweep::record::Confusion;

use crate::batch;
use crate::criteria::{CountCriteria, count_criteria};
use crate::views::views_of;
use crate::{TrainError, TrainingData};

/// Instances per forward pass: enough to keep every core busy, little enough to stay in memory at full width.
const IMAGES_PER_CHUNK: usize = 256;
const ROWS_PER_CHUNK: usize = 8192;

/// A network in use: what turns instances as they are stored into logits.
#[derive(Clone, Copy, Debug)]
pub struct Evaluator<'a> {
    /// The network.
    pub network: &'a Network,
    /// The statistics that it was trained with.
    pub normalization: &'a Normalization,
    /// The views of an image whose logits are averaged.
    pub views: Views,
    /// Where it computes.
    pub device: &'a Device,
}

impl Evaluator<'_> {
    /// The logits of some instances in evaluation mode, `[instance, class]`.
    ///
    /// # Errors
    /// When the instances do not fit the network.
    pub fn logits(&self, data: &Instances, instances: &[u32]) -> Result<Tensor, TrainError> {
        let limit = match data.shape() {
            InstanceShape::Image(_) => IMAGES_PER_CHUNK,
            InstanceShape::Features(_) => ROWS_PER_CHUNK,
        };
        let chunks = instances.chunks(limit).map(|chunk| self.logits_of_chunk(data, chunk));
        Ok(Tensor::cat(&chunks.collect::<Result<Vec<_>, TrainError>>()?, 0)?)
    }

    fn logits_of_chunk(&self, data: &Instances, chunk: &[u32]) -> Result<Tensor, TrainError> {
        let x = batch::inputs(data, chunk, None, self.normalization, self.device)?;
        let mut sum: Option<Tensor> = None;
        for view in views_of(self.views, &x)? {
            let logits = self.network.forward(&view.images, Mode::Evaluate)?;
            sum = Some(match sum {
                None if view.weight == 1.0 => logits,
                None => (logits * view.weight)?,
                Some(sum) => (sum + (logits * view.weight)?)?,
            });
        }
        match sum {
            Some(sum) => Ok(sum),
            None => unreachable!("an image has at least one view"),
        }
    }

    /// The losses of the network on some bags.
    ///
    /// # Errors
    /// When the instances do not fit the network.
    pub fn bag_losses(&self, bags: &BagSet, loss: &dyn BagLoss) -> Result<BagLosses, TrainError> {
        let order: Vec<usize> = (0..bags.len()).collect();
        let logits = self.logits(bags.data(), &batch::instances(bags, &order))?;
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
    pub fn predictions(&self, data: &Instances) -> Result<Vec<u32>, TrainError> {
        Ok(self.logits(data, &data.ids())?.argmax(D::Minus1)?.to_vec1()?)
    }

    /// The fraction of instances whose most probable class is their label.
    ///
    /// # Errors
    /// When the instances do not fit the network or the labels the instances.
    pub fn accuracy(&self, data: &Instances, labels: &LabelOracle) -> Result<f64, TrainError> {
        Ok(labels.accuracy(&self.predictions(data)?)?)
    }

    /// How often each class of the test instances was taken for each other; `None` without labels.
    ///
    /// # Errors
    /// When the instances do not fit the network.
    pub fn confusion(&self, data: &TrainingData) -> Result<Option<Confusion>, TrainError> {
        let Some(labels) = &data.test_labels else { return Ok(None) };
        let predictions = self.predictions(&data.test)?;
        Ok(Some(Confusion::from_rows(data.class_names.clone(), &labels.confusion(&predictions)?)))
    }
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

/// Whether every number of a tensor is finite.
pub(crate) fn all_finite(tensor: &Tensor) -> Result<bool, TrainError> {
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.iter().all(|value| value.is_finite()))
}

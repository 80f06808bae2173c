//! A trained network as a checkpoint describes it.

use std::path::Path;

use candle_core::{DType, Device};
use llp_bags::{BagSet, Instances};
use llp_data::DataError;
use llp_nn::Network;

use crate::calibrate::{BagCounts, Temperature, fit_temperature};
use crate::evaluate::{Evaluator, all_finite};
use crate::{Checkpoint, CheckpointState, TrainError, batch, build_network};

/// A network with its weights, and what it needs to see instances as it did in training.
#[derive(Debug)]
pub struct Predictor {
    network: Network,
    state: CheckpointState,
    device: Device,
}

impl Predictor {
    /// The network of a checkpoint that was read from `path`.
    ///
    /// # Errors
    /// When its tensors are not those of the network that it describes.
    pub fn new(path: &Path, checkpoint: Checkpoint, device: &Device) -> Result<Self, TrainError> {
        let Checkpoint { state, weights, .. } = checkpoint;
        let network = build_network(&state.network, state.shape, state.class_names.len(), 0, device)?;
        let loaded = network.state_dict().load(&weights);
        loaded.map_err(|error| TrainError::checkpoint(path, error))?;
        Ok(Self { network, state, device: device.clone() })
    }

    /// The network of a run, from its newest checkpoint, or of a checkpoint.
    ///
    /// # Errors
    /// When there is none at `path`, or it is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self, TrainError> {
        let path = Checkpoint::locate(path)?;
        Self::new(&path, Checkpoint::read(&path)?, device)
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the checkpoint says of it.
    pub fn state(&self) -> &CheckpointState {
        &self.state
    }

    /// The network in use.
    pub fn evaluator(&self) -> Evaluator<'_> {
        let Self { network, state, device } = self;
        Evaluator { network, normalization: &state.normalization, views: state.views, device }
    }

    /// The logits of some instances, row-major `[instance, class]`.
    ///
    /// # Errors
    /// When the instances do not fit the network; outputs that are not finite.
    pub fn logits(&self, data: &Instances, instances: &[u32]) -> Result<Vec<f64>, TrainError> {
        let logits = self.evaluator().logits(data, instances)?;
        if !all_finite(&logits)? {
            let remedy = "its training diverged, or its weights are damaged";
            return Err(DataError::new("the network's outputs are not finite").remedy(remedy).into());
        }
        Ok(logits.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
    }

    /// The logits of the instances of some bags, bag after bag.
    ///
    /// # Errors
    /// When the instances do not fit the network.
    pub(crate) fn bag_logits(&self, bags: &BagSet) -> Result<Vec<f64>, TrainError> {
        let order: Vec<usize> = (0..bags.len()).collect();
        self.logits(bags.data(), &batch::instances(bags, &order))
    }

    /// The temperature that makes the counts of some bags most likely: [`fit_temperature`].
    ///
    /// # Errors
    /// When the instances do not fit the network.
    pub fn fit_temperature(&self, bags: &BagSet) -> Result<Temperature, TrainError> {
        Ok(fit_temperature(&self.bag_logits(bags)?, &BagCounts::of(bags)))
    }
}

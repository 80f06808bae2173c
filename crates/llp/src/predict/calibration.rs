//! The temperature of a run, from the counts of its bags.

use llp_bags::BagSet;
use llp_train::calibrate::Temperature;
use llp_train::{Predictor, TrainError, TrainingData};
use serde::Serialize;

/// A temperature, and what it was fitted to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Calibration {
    #[serde(flatten)]
    pub(crate) fit: Temperature,
    /// `held-out`, or `training` where there are none.
    pub(crate) bags: &'static str,
    pub(crate) n_bags: usize,
}

/// The bags that say how good a network is, and what they are: the held-out bags of a run, or its training bags if it has
/// none.
pub(crate) fn bags_to_fit(data: &TrainingData) -> (&BagSet, &'static str) {
    match &data.held_out {
        Some(held_out) => (held_out, "held-out"),
        None => (&data.bags, "training"),
    }
}

/// Fits a temperature to the counts of [`bags_to_fit`].
pub(crate) fn calibrate(predictor: &Predictor, data: &TrainingData) -> Result<Calibration, TrainError> {
    let (bags, name) = bags_to_fit(data);
    Ok(Calibration { fit: predictor.fit_temperature(bags)?, bags: name, n_bags: bags.len() })
}

impl Calibration {
    /// For people.
    pub(crate) fn describe(&self) -> String {
        let Self { fit, bags, n_bags } = self;
        let edge = if fit.is_at_edge { ", the end of the range: the counts do not determine it" } else { "" };
        format!(
            "temperature {:.3} from {n_bags} {bags} bags (count loss {:.4} to {:.4} nats an instance{edge})",
            fit.temperature, fit.loss_before, fit.loss
        )
    }
}

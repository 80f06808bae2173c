//! The evaluation at the end of an epoch.

use llp_sweep::record::EpochRecord;

use super::Trainer;
use crate::TrainError;
use crate::evaluate::{Evaluator, all_finite};

impl Trainer<'_> {
    /// The evaluation at the end of an epoch, to see what it takes. Returns `None` if the training has diverged.
    pub(crate) fn trial_evaluation(&self) -> Result<Option<EpochRecord>, TrainError> {
        self.evaluate(1, 1.0)
    }

    /// The network in use.
    pub(crate) fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            network: &self.network,
            normalization: &self.data.normalization,
            views: self.views,
            device: &self.device,
        }
    }

    /// The record of an epoch whose steps are done. Returns `None` if a number in it is not finite.
    pub(super) fn evaluate(
        &self,
        epoch: usize,
        images_per_s: f64,
    ) -> Result<Option<EpochRecord>, TrainError> {
        let (data, evaluator) = (self.data, self.evaluator());
        // Logits that are not finite would be refused by some losses and hidden by an argmax.
        let probe = evaluator.logits(data.bags.data(), data.bags.instances(0))?;
        if !all_finite(&probe)? {
            return Ok(None);
        }
        let held_out =
            data.held_out.as_ref().map(|bags| evaluator.bag_losses(bags, &*self.loss)).transpose()?;
        let labels = data.test_labels.as_ref();
        let test_accuracy = labels.map(|labels| evaluator.accuracy(&data.test, labels)).transpose()?;
        let last_step = self.schedule.n_steps(epoch) - 1;
        let record = EpochRecord {
            epoch,
            lr: self.schedule.lr(epoch, last_step),
            train_loss: self.position.loss_sum / data.bags.len() as f64,
            held_out_loss: held_out.map(|losses| losses.own),
            held_out_kl: held_out.map(|losses| losses.kl),
            held_out_l1: held_out.map(|losses| losses.l1),
            held_out_count_l1: held_out.map(|losses| losses.counts.l1),
            held_out_count_nll: held_out.map(|losses| losses.counts.nll),
            test_accuracy,
            images_per_s,
            elapsed_s: 0.0,
        };
        let numbers = [
            record.held_out_loss,
            record.held_out_kl,
            record.held_out_l1,
            record.held_out_count_nll,
            Some(record.train_loss),
        ];
        Ok(numbers.iter().flatten().all(|number| number.is_finite()).then_some(record))
    }
}

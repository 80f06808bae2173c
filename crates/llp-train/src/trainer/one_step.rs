//! One step of training: gradients of the bags of a step, and what follows from them.

use std::ops::Range;

use candle_core::backprop::GradStore;
use llp_bags::EpochAugmentation;
use llp_loss::{BagLoss, BagTargets, Consistency, LabelRule, LabelWeight};
use llp_nn::Mode;
use llp_sweep::config::{Confidence, ConsistencyConfig, ConsistencyName};

use super::Trainer;
use crate::evaluate::all_finite;
use crate::step::{Step, StepGradient, add, chunks};
use crate::{TrainError, batch};

/// The square nats of [`LabelWeight::Entropy`], as in the code of L2P-AHIL.
const BETA: f64 = 5.0;

/// The instances of a step, and what is known of their bags.
struct StepBags {
    instances: Vec<u32>,
    targets: BagTargets,
}

impl Trainer<'_> {
    /// One step on some bags; false if a number is known not to be finite.
    pub(super) fn step(&mut self, bags: &[usize], epoch: usize, lr: f64) -> Result<bool, TrainError> {
        let set = &self.data.bags;
        let bags = StepBags { instances: batch::instances(set, bags), targets: batch::targets(set, bags)? };
        let weak = self.augmentation.epoch(self.seed, epoch as u64);
        let Some(of_bags) = self.gradient(&bags, &weak, &*self.loss, Mode::Train)? else { return Ok(false) };
        let Some(gradients) = self.with_strong_view(&bags, &of_bags, epoch)? else { return Ok(false) };
        let gradients = match gradients {
            Some(of_strong) => add(&self.network, of_bags.gradients, &of_strong)?,
            None => of_bags.gradients,
        };
        self.optimizer.step(&gradients, lr)?;
        self.pending.push(of_bags.losses);
        Ok(true)
    }

    /// The gradient of a loss by the parameters. Returns `None` if a number is known not to be finite.
    fn gradient(
        &self,
        bags: &StepBags,
        augmentation: &EpochAugmentation,
        loss: &dyn BagLoss,
        mode: Mode,
    ) -> Result<Option<StepGradient>, TrainError> {
        let step = Step { network: &self.network, loss, targets: &bags.targets, mode };
        let inputs =
            |range: &Range<usize>| self.inputs.of(self.data, &bags.instances[range.clone()], augmentation);
        match &chunks(bags.instances.len(), self.images_per_chunk)[..] {
            [all] => step.in_one_pass(&inputs(all)?),
            chunks => step.in_two_passes(chunks, inputs),
        }
    }

    /// The gradient of the strong views' loss: `Some(None)` where none is asked for or no label counts, `None` if a number is
    /// known not to be finite.
    #[expect(clippy::option_option, reason = "a diverged step is no step without a second view")]
    fn with_strong_view(
        &self,
        bags: &StepBags,
        weak: &StepGradient,
        epoch: usize,
    ) -> Result<Option<Option<GradStore>>, TrainError> {
        let Some(consistency) = consistency(&self.consistency) else { return Ok(Some(None)) };
        if !all_finite(&weak.logits)? {
            return Ok(None);
        }
        let labels = consistency.labels(&weak.logits, &bags.targets)?.scaled(self.strong_weight());
        if labels.weights().iter().all(|weight| *weight == 0.0) {
            return Ok(Some(None));
        }
        let strong = self.augmentation.strong_epoch(self.seed, epoch as u64);
        let gradient = self.gradient(bags, &strong, &labels, Mode::TrainAside)?;
        Ok(gradient.map(|of_strong| Some(of_strong.gradients)))
    }

    /// The weight of the strong views' loss in the next step.
    fn strong_weight(&self) -> f64 {
        let ramp = self.consistency.ramp_up() * self.n_all_steps() as f64;
        let done = self.position.total_steps as f64;
        self.consistency.weight() * if done < ramp { done / ramp } else { 1.0 }
    }
}

/// How instances get labels, if the configuration asks for them.
fn consistency(config: &ConsistencyConfig) -> Option<Consistency> {
    let labels = match config.name? {
        ConsistencyName::None => return None,
        ConsistencyName::Dc => LabelRule::Assigned,
        ConsistencyName::Ahil => LabelRule::MostProbable,
    };
    let weights = match config.confidence() {
        Confidence::Threshold => LabelWeight::Threshold(config.threshold()),
        Confidence::Entropy => LabelWeight::Entropy { beta: BETA },
    };
    Some(Consistency { labels, weights })
}

//! One step of training: gradients of the bags of a step, and what follows from them.

use std::ops::Range;

use candle_core::backprop::GradStore;
use llp_bags::rng::{ChaCha8Rng, Purpose, stream, uniform};
use llp_bags::{BagSet, EpochAugmentation, Imprecision, MixedBag};
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
pub(super) struct StepBags {
    pub(super) instances: Vec<u32>,
    pub(super) targets: BagTargets,
}

impl Trainer<'_> {
    /// One step on some bags; false if a number is known not to be finite.
    pub(super) fn step(&mut self, bags: &[usize], epoch: usize, lr: f64) -> Result<bool, TrainError> {
        let bags = self.bags_of_step(bags)?;
        let weak = self.augmentation.epoch(self.seed, epoch as u64);
        let Some(of_bags) = self.gradient(&bags, &weak, &*self.loss, Mode::Train)? else { return Ok(false) };
        let Some(of_view) = self.of_second_view(&bags, &of_bags, epoch, &weak)? else { return Ok(false) };
        let gradients = match of_view {
            Some(of_view) => add(&self.network, of_bags.gradients, &of_view)?,
            None => of_bags.gradients,
        };
        self.optimizer.step(&gradients, lr)?;
        self.pending.push(of_bags.losses);
        Ok(true)
    }

    /// The bags of the next step as they are, or some of them mixed with others.
    fn bags_of_step(&self, order: &[usize]) -> Result<StepBags, TrainError> {
        let set = &self.data.bags;
        let bags = match self.mix_bags {
            None => {
                StepBags { instances: batch::instances(set, order), targets: batch::targets(set, order)? }
            }
            Some(probability) => {
                let mut rng = stream(self.seed, Purpose::MixBags, self.position.total_steps);
                mixed(set, order, probability, &mut rng)?
            }
        };
        Ok(StepBags { targets: bags.targets.with_prior(self.prior.clone())?, ..bags })
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

    /// The gradient of the second views' loss: `Some(None)` where none is asked for or no label counts, `None` if a number is
    /// known not to be finite.
    #[expect(clippy::option_option, reason = "a diverged step is no step without a second view")]
    fn of_second_view(
        &self,
        bags: &StepBags,
        of_bags: &StepGradient,
        epoch: usize,
        weak: &EpochAugmentation,
    ) -> Result<Option<Option<GradStore>>, TrainError> {
        if self.consistency.name.is_none() {
            return Ok(Some(None));
        }
        if !all_finite(&of_bags.logits)? {
            return Ok(None);
        }
        let weight = self.view_weight();
        let Some(consistency) = consistency(&self.consistency) else {
            return Ok(self.adversarial_gradient(bags, of_bags, weak, weight)?.map(Some));
        };
        let labels = consistency.labels(&of_bags.logits, &bags.targets)?.scaled(weight);
        if labels.weights().iter().all(|weight| *weight == 0.0) {
            return Ok(Some(None));
        }
        let strong = self.augmentation.strong_epoch(self.seed, epoch as u64);
        let gradient = self.gradient(bags, &strong, &labels, Mode::TrainAside)?;
        Ok(gradient.map(|of_strong| Some(of_strong.gradients)))
    }

    /// The weight of the second views' loss in the next step.
    ///
    /// It rises along a line; that of LLP-VAT as `exp(-5 (1 - t)^2)` in the part `t` of the time in which it rises
    /// \[laine:17\].
    fn view_weight(&self) -> f64 {
        let ramp = self.consistency.ramp_up() * self.n_all_steps() as f64;
        let done = self.position.total_steps as f64;
        let part = if done < ramp { done / ramp } else { 1.0 };
        let height =
            if self.consistency.is_adversarial() { (-5.0 * (1.0 - part).powi(2)).exp() } else { part };
        self.consistency.weight() * height
    }
}

/// Bags of a set, each mixed with another one with this probability.
fn mixed(
    set: &BagSet,
    order: &[usize],
    probability: f64,
    rng: &mut ChaCha8Rng,
) -> Result<StepBags, TrainError> {
    let (mut instances, mut sizes) = (Vec::new(), Vec::new());
    let (mut proportions, mut imprecision) = (Vec::new(), Vec::new());
    for &bag in order {
        let mixed =
            (uniform(rng) < probability).then(|| set.mixed(bag, rng)).flatten().unwrap_or_else(|| {
                let (instances, proportions) = (set.instances(bag).to_vec(), set.proportions(bag).clone());
                MixedBag { instances, proportions, bounds: Imprecision::Exact }
            });
        sizes.push(mixed.instances.len());
        instances.extend(mixed.instances);
        proportions.push(mixed.proportions);
        imprecision.push(mixed.bounds);
    }
    let targets = BagTargets::new(sizes, &proportions)?.with_imprecision(imprecision)?;
    Ok(StepBags { instances, targets })
}

/// How instances get labels, if the configuration asks for that.
fn consistency(config: &ConsistencyConfig) -> Option<Consistency> {
    let labels = match config.name? {
        ConsistencyName::None | ConsistencyName::Vat => return None,
        ConsistencyName::Dc => LabelRule::Assigned,
        ConsistencyName::Ahil => LabelRule::MostProbable,
    };
    let weights = match config.confidence() {
        Confidence::Threshold => LabelWeight::Threshold(config.threshold()),
        Confidence::Entropy => LabelWeight::Entropy { beta: BETA },
    };
    Some(Consistency { labels, weights })
}

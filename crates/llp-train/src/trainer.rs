//! The training itself, apart from files.

mod adversarial;
mod at_once;
mod evaluation;
mod one_step;
mod plan;

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use llp_bags::{Augmentation, Edge, Mirror, Proportions, whitening};
use llp_data::DataError;
use llp_kernels::set_tf32;
use llp_loss::BagLoss;
use llp_nn::Network;
use llp_sweep::config::{self, AugmentConfig, ConsistencyConfig, MethodConfig, Precision, RunConfig, Views};
use llp_sweep::criterion::Criterion;
use llp_sweep::record::{Diverged, EpochRecord, Solution};

use crate::chosen::Chosen;
use crate::inputs::Inputs;
use crate::lookahead::Lookahead;
use crate::loss::{check_mixing, check_steps};
use crate::optimizer::Optimizer;
use crate::pending_losses::PendingLosses;
use crate::position::Position;
use crate::weights::weights_file;
use crate::{Pretrained, Schedule, TrainError, TrainingData, batch, build_network};

pub use plan::TrainingPlan;

/// How [`Trainer::train`] ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainerOutcome {
    /// All epochs are done.
    Complete,
    /// [`Hooks::should_stop`] said so; the position is between two steps.
    Stopped,
    /// A loss or a logit was infinite or not a number.
    Diverged(Diverged),
}

/// What the trainer asks of its caller and reports to it.
pub trait Hooks {
    /// Whether to stop before the next step.
    fn should_stop(&self) -> bool;

    /// Seconds since any fixed moment.
    fn seconds(&self) -> f64;

    /// A step ended, after which the training stands at `position`. Called often.
    fn step_ended(&mut self, position: &Position) {
        let _ = position;
    }

    /// An epoch ended; the trainer's position is the start of the next.
    ///
    /// # Errors
    /// Ends the training.
    fn epoch_ended(&mut self, trainer: &Trainer<'_>, record: &EpochRecord) -> Result<(), TrainError>;

    /// Something that people should know; by default it is dropped.
    fn warn(&mut self, _message: &str) {}
}

/// A network in training.
#[derive(Debug)]
pub struct Trainer<'a> {
    data: &'a TrainingData,
    loss: Box<dyn BagLoss>,
    /// The share of each class in all bags to train on.
    prior: Proportions,
    method: MethodConfig,
    solution: Option<Solution>,
    schedule: Schedule,
    augmentation: Augmentation,
    consistency: ConsistencyConfig,
    /// Probability with which a bag is mixed with another one.
    mix_bags: Option<f64>,
    seed: u64,
    /// Instances in the network at once.
    images_per_chunk: usize,
    network: Network,
    optimizer: Optimizer,
    lookahead: Option<Lookahead>,
    views: Views,
    position: Position,
    criterion: Criterion,
    chosen: Option<Chosen>,
    inputs: Inputs,
    pending: PendingLosses,
    device: Device,
}

impl<'a> Trainer<'a> {
    /// A training at its start. `loss` is that of the configuration ([`crate::build_loss`]) or your own.
    ///
    /// # Errors
    /// When the network or the optimizer cannot be made.
    pub fn new(
        config: &RunConfig,
        data: &'a TrainingData,
        loss: Box<dyn BagLoss>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let precision = config.optim.precision();
        set_tf32(precision == Precision::Tf32);
        let shape = data.bags.data().shape();
        let network = build_network(&config.network, shape, data.class_names.len(), config.seed, device)?;
        if let (Network::Airbench(network), Some(images)) = (&network, data.bags.data().as_images()) {
            let order: Vec<usize> = (0..data.bags.len()).collect();
            let mut instances = batch::instances(&data.bags, &order);
            instances.sort_unstable();
            network.set_whitening(&whitening(images, &instances, &data.normalization)?)?;
        }
        let lookahead = config.optim.lookahead.unwrap_or_default();
        let sizes: Vec<usize> = (0..data.bags.len()).map(|bag| data.bags.instances(bag).len()).collect();
        check_steps(config, &sizes)?;
        check_mixing(config, &data.bags)?;
        if config.consistency.is_adversarial() && precision != Precision::Float32 {
            let problem = "the steps of --consistency vat are too small for tf32 and bfloat16";
            return Err(DataError::new(problem).remedy("train with --precision float32").into());
        }
        let bags = sizes.iter().enumerate().map(|(bag, size)| (*size, data.bags.proportions(bag)));
        let Some(prior) = Proportions::pooled(bags) else { unreachable!("a training has bags") };
        Ok(Self {
            data,
            loss,
            prior,
            method: config.method.clone(),
            solution: None,
            schedule: Schedule::new(sizes, config.seed, &config.optim),
            augmentation: augmentation(&config.augment),
            consistency: config.consistency.clone(),
            mix_bags: config.augment.mix_bags,
            seed: config.seed,
            images_per_chunk: config.optim.images_per_chunk.unwrap_or(usize::MAX),
            optimizer: Optimizer::new(&config.optim, &network)?,
            lookahead: lookahead.then(|| Lookahead::new(&network)).transpose()?,
            views: config.evaluate.views(),
            network,
            position: Position { epoch: 0, step: 0, loss_sum: 0.0, total_steps: 0, elapsed_s: 0.0 },
            criterion: config.checkpoint.chosen_by(),
            chosen: None,
            inputs: Inputs::new(data, precision, device)?,
            pending: PendingLosses::new(device.is_cuda()),
            device: device.clone(),
        })
    }

    /// The position of the training.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The network, with its present weights.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The best epoch so far by the criterion of the configuration; none without held-out bags.
    pub(crate) fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()
    }

    /// The state of the optimizer, by the names of the trained parameters: all that the next step depends on beside
    /// weights and position.
    pub(crate) fn optimizer_state(&self) -> Vec<(String, Tensor)> {
        let averages = self.lookahead.iter().flat_map(Lookahead::state);
        self.optimizer.state().into_iter().chain(averages).collect()
    }

    /// All epochs of the training.
    pub fn n_epochs(&self) -> usize {
        self.schedule.n_epochs()
    }

    /// All steps of the training; where bags differ in size, about this many.
    fn n_all_steps(&self) -> u64 {
        (self.schedule.n_epochs() * self.schedule.n_steps(1)) as u64
    }

    /// Starts from the weights of another training, all but those of the last layer.
    ///
    /// # Errors
    /// When they are not those of this network.
    pub(crate) fn start_from(&mut self, pretrained: &Pretrained) -> Result<(), DataError> {
        pretrained.load_into(&self.network)
    }

    /// Puts a training where another one stood: weights, optimizer, position, best epoch so far.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape, or no training of this kind has such a position.
    pub(crate) fn restore(
        &mut self,
        weights: &HashMap<String, Tensor>,
        optimizer: &HashMap<String, Tensor>,
        position: Position,
        chosen: Option<Chosen>,
    ) -> Result<(), TrainError> {
        self.check_position(&position)?;
        self.network.state_dict().load(weights)?;
        self.optimizer.restore(optimizer, position.total_steps, &self.device)?;
        if let Some(lookahead) = &mut self.lookahead {
            lookahead.restore(optimizer, &self.device)?;
        }
        self.position = position;
        self.chosen = chosen;
        Ok(())
    }

    /// A position counts its steps in two ways, which must agree.
    fn check_position(&self, position: &Position) -> Result<(), DataError> {
        let &Position { epoch, step, total_steps, .. } = position;
        let n_epochs = self.schedule.n_epochs();
        let n_steps = self.schedule.n_steps(epoch.saturating_add(1));
        let is_there = epoch <= n_epochs && step < n_steps;
        if is_there && self.schedule.n_steps_before(epoch + 1).checked_add(step as u64) == Some(total_steps) {
            return Ok(());
        }
        let steps = format!("{total_steps} steps in all, {n_steps} an epoch");
        Err(DataError::new(format!("it stands at epoch {epoch} and step {step}, but says {steps}")))
    }

    /// Trains from the present position until all epochs are done, a loss is not finite, or `hooks` says to stop.
    ///
    /// # Errors
    /// Those of `hooks` and of the device.
    pub fn train(&mut self, hooks: &mut dyn Hooks) -> Result<TrainerOutcome, TrainError> {
        if let Some(method) = self.method.name {
            return self.train_at_once(method, hooks);
        }
        while self.position.epoch < self.schedule.n_epochs() {
            let epoch = self.position.epoch + 1;
            let first_step = self.position.total_steps - self.position.step as u64;
            let (started, elapsed_before) = (hooks.seconds(), self.position.elapsed_s);
            let steps = self.schedule.steps(epoch);
            let mut n_images = 0;
            while let Some(bags) = steps.get(self.position.step) {
                if hooks.should_stop() {
                    return Ok(self.read_losses(epoch)?.unwrap_or(TrainerOutcome::Stopped));
                }
                if !self.step(bags, epoch, self.schedule.lr(epoch, self.position.step))? {
                    let step = self.position.total_steps;
                    return Ok(TrainerOutcome::Diverged(Diverged {
                        epoch,
                        first_step: step,
                        last_step: step,
                    }));
                }
                n_images += bags.iter().map(|&bag| self.data.bags.instances(bag).len()).sum::<usize>();
                self.position.step += 1;
                self.position.total_steps += 1;
                self.look_ahead(epoch == self.n_epochs() && self.position.step == steps.len())?;
                if self.pending.is_full()
                    && let Some(end) = self.read_losses(epoch)?
                {
                    return Ok(end);
                }
                self.position.elapsed_s = elapsed_before + hooks.seconds() - started;
                hooks.step_ended(&self.position);
            }
            if let Some(end) = self.read_losses(epoch)? {
                return Ok(end);
            }
            let images_per_s = n_images as f64 / (hooks.seconds() - started).max(1e-9);
            let Some(record) = self.evaluate(epoch, images_per_s)? else {
                let last_step = self.position.total_steps.saturating_sub(1);
                return Ok(TrainerOutcome::Diverged(Diverged { epoch, first_step, last_step }));
            };
            let model = || weights_file(&self.network, self.position.total_steps);
            Chosen::consider(&mut self.chosen, self.criterion, &record, model)?;
            self.position = Position {
                epoch,
                step: 0,
                loss_sum: 0.0,
                elapsed_s: elapsed_before + hooks.seconds() - started,
                ..self.position
            };
            hooks.epoch_ended(self, &EpochRecord { elapsed_s: self.position.elapsed_s, ..record })?;
        }
        Ok(TrainerOutcome::Complete)
    }

    /// Steps of the first epoch, and about those of any other.
    pub(crate) fn n_steps(&self) -> usize {
        self.schedule.n_steps(1)
    }

    /// A step as any other, which is not counted: to see what it takes. It may diverge.
    pub(crate) fn trial_step(&mut self, step: usize) -> Result<(), TrainError> {
        if let Some(method) = self.method.name {
            return self.try_at_once(method);
        }
        let epoch = 1 + step / self.n_steps();
        let steps = self.schedule.steps(epoch);
        let step = step % self.n_steps().min(steps.len());
        let epoch_of_rate = epoch.min(self.n_epochs());
        self.step(&steps[step], epoch, self.schedule.lr(epoch_of_rate, step))?;
        if self.pending.is_full() {
            self.pending.read()?;
        }
        Ok(())
    }

    /// Averages the weights, if the configuration asks for it, after the step that is now counted.
    fn look_ahead(&mut self, is_last: bool) -> Result<(), TrainError> {
        let (done, all) = (self.position.total_steps, self.n_all_steps());
        if let Some(lookahead) = &mut self.lookahead {
            lookahead.after_step(done, all, is_last)?;
        }
        Ok(())
    }

    /// Adds the losses that were not read yet to those of the epoch; the end, if one of them is not finite.
    fn read_losses(&mut self, epoch: usize) -> Result<Option<TrainerOutcome>, TrainError> {
        let (end, n_unread) = (self.position.total_steps, self.pending.len() as u64);
        if let Some(sum) = self.pending.read()? {
            self.position.loss_sum += sum;
            return Ok(None);
        }
        let (first_step, last_step) = (end - n_unread, end - 1);
        Ok(Some(TrainerOutcome::Diverged(Diverged { epoch, first_step, last_step })))
    }
}

/// The changes of training images that a configuration asks for.
fn augmentation(config: &AugmentConfig) -> Augmentation {
    Augmentation {
        shift: config.shift as u8,
        edge: match config.edge() {
            config::Edge::Repeat => Edge::Repeat,
            config::Edge::Reflect => Edge::Reflect,
        },
        mirror: match (config.mirror, config.alternate) {
            (false, _) => Mirror::Never,
            (true, Some(true)) => Mirror::Alternate,
            (true, _) => Mirror::Random,
        },
    }
}

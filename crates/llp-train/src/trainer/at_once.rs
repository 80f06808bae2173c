//! The training of a classical method: all bags in one step.

use std::collections::HashMap;

use candle_core::Tensor;
use llp_sweep::config::MethodName;
use llp_sweep::record::{Diverged, EpochRecord, Solution};

use super::{Hooks, Trainer, TrainerOutcome};
use crate::TrainError;
use crate::chosen::Chosen;
use crate::method::{Solved, on_normalized, solve};
use crate::position::Position;
use crate::weights::weights_file;

impl Trainer<'_> {
    /// How a classical method solved its problem, once it has.
    pub fn solution(&self) -> Option<&Solution> {
        self.solution.as_ref()
    }

    /// Puts the solution of another process in place, beside weights that are restored.
    pub(crate) fn recall(&mut self, solution: Option<Solution>) {
        self.solution = solution;
    }

    /// Whether a training may stop half way and go on from there.
    pub(crate) fn has_half_way(&self) -> bool {
        self.method.name.is_none()
    }

    /// Solves the problem of a method, in one epoch of one step.
    pub(super) fn train_at_once(
        &mut self,
        name: MethodName,
        hooks: &mut dyn Hooks,
    ) -> Result<TrainerOutcome, TrainError> {
        if self.position.epoch > 0 {
            return Ok(TrainerOutcome::Complete);
        }
        let started = hooks.seconds();
        let Some(solved) = solve(name, &self.method, self.data, hooks)? else {
            return Ok(TrainerOutcome::Stopped);
        };
        let elapsed_s = self.position.elapsed_s + hooks.seconds() - started;
        self.put(solved)?;
        let bags = &self.data.bags;
        self.position.loss_sum = self.evaluator().bag_losses(bags, &*self.loss)?.own * bags.len() as f64;
        let images_per_s = bags.n_instances() as f64 / elapsed_s.max(1e-9);
        let Some(record) = self.evaluate(1, images_per_s)? else {
            return Ok(TrainerOutcome::Diverged(Diverged { epoch: 1, first_step: 0, last_step: 0 }));
        };
        let total_steps = self.n_all_steps();
        let model = || weights_file(&self.network, total_steps);
        Chosen::consider(&mut self.chosen, self.criterion, &record, model)?;
        self.position = Position { epoch: 1, step: 0, loss_sum: 0.0, total_steps, elapsed_s };
        // There is no rate of steps.
        hooks.epoch_ended(self, &EpochRecord { lr: 0.0, elapsed_s, ..record })?;
        Ok(TrainerOutcome::Complete)
    }

    /// The same without anything left of it, to see what it takes.
    pub(super) fn try_at_once(&self, name: MethodName) -> Result<(), TrainError> {
        solve(name, &self.method, self.data, &mut Unheard)?;
        Ok(())
    }

    fn put(&mut self, solved: Solved) -> Result<(), TrainError> {
        let (weights, bias) = on_normalized(&solved.model, &self.data.normalization);
        let n_classes = bias.len();
        let shape = (n_classes, weights.len() / n_classes);
        let tensors = HashMap::from([
            ("layers.0.weight".to_owned(), Tensor::from_vec(weights, shape, &self.device)?),
            ("layers.0.bias".to_owned(), Tensor::from_vec(bias, n_classes, &self.device)?),
        ]);
        self.network.state_dict().load(&tensors)?;
        self.solution = Some(solved.solution);
        Ok(())
    }
}

/// Says nothing and hears nothing.
struct Unheard;

impl Hooks for Unheard {
    fn should_stop(&self) -> bool {
        false
    }

    fn seconds(&self) -> f64 {
        0.0
    }

    fn epoch_ended(&mut self, _: &Trainer<'_>, _: &EpochRecord) -> Result<(), TrainError> {
        Ok(())
    }
}

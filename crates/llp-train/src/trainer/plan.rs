//! What a training is made of.

use llp_bags::{BagSet, InstanceShape};
use llp_nn::Role;

use super::Trainer;

/// What a training is made of, as far as it is known before its first step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingPlan {
    /// What an instance is.
    pub shape: InstanceShape,
    /// Instances in the bags to train on.
    pub n_instances: usize,
    /// Bags to train on.
    pub n_bags: usize,
    /// Instances of the smallest of them.
    pub smallest_bag: usize,
    /// Instances of the largest of them.
    pub largest_bag: usize,
    /// Instances that filled no bag.
    pub n_left_over: usize,
    /// Bags that are held out.
    pub n_held_out_bags: usize,
    /// Test instances with labels.
    pub n_test: usize,
    /// Classes.
    pub n_classes: usize,
    /// Numbers that training changes.
    pub n_parameters: usize,
    /// Steps of the first epoch, and about those of any other.
    pub steps_per_epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
}

impl Trainer<'_> {
    /// What the training is made of.
    pub fn plan(&self) -> TrainingPlan {
        let (data, sizes) =
            (self.data, (0..self.data.bags.len()).map(|bag| self.data.bags.instances(bag).len()));
        let state = self.network.state_dict();
        let is_trained = |role| matches!(role, Role::Weight | Role::BatchNorm);
        let trained = state.entries().iter().filter(|entry| is_trained(entry.role));
        TrainingPlan {
            shape: data.bags.data().shape(),
            n_instances: data.bags.n_instances(),
            n_bags: data.bags.len(),
            smallest_bag: sizes.clone().min().unwrap_or(0),
            largest_bag: sizes.max().unwrap_or(0),
            n_left_over: data.bags.remainder(),
            n_held_out_bags: data.held_out.as_ref().map_or(0, BagSet::len),
            n_test: if data.test_labels.is_some() { data.test.len() } else { 0 },
            n_classes: data.class_names.len(),
            n_parameters: trained.map(|entry| entry.var.elem_count()).sum(),
            steps_per_epoch: self.n_steps(),
            epochs: self.n_epochs(),
        }
    }
}

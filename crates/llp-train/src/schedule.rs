//! Which bags meet in which step, and with which learning rate.

use std::ops::Range;

use llp_bags::rng::{Purpose, shuffle, stream};
use llp_sweep::config::OptimConfig;

/// The plan of a training over a fixed number of bags.
///
/// An epoch visits every bag once, in an order of its own. A step takes as many bags as `images_per_step` holds,
/// at least one; the bags are spread evenly over the steps, so that no step is left with a few images, whose
/// batch statistics would be poor (the paper does not say what it does; `docs/deviations.md`).
#[derive(Clone, Debug)]
pub struct Schedule {
    n_bags: usize,
    n_steps: usize,
    seed: u64,
    optim: OptimConfig,
}

impl Schedule {
    /// The plan for `n_bags` bags of `bag_size` instances (the largest, if they differ), both at least 1.
    pub fn new(n_bags: usize, bag_size: usize, seed: u64, optim: &OptimConfig) -> Self {
        let bags_per_step = (optim.images_per_step / bag_size).max(1);
        Self { n_bags, n_steps: n_bags.div_ceil(bags_per_step), seed, optim: optim.clone() }
    }

    /// Steps of an epoch.
    pub fn n_steps(&self) -> usize {
        self.n_steps
    }

    /// All epochs.
    pub fn n_epochs(&self) -> usize {
        self.optim.epochs
    }

    /// The learning rate of an epoch, counted from 1: divided once, after `lr_drop_at` of all epochs.
    pub fn lr(&self, epoch: usize) -> f64 {
        let dropped_after = (self.optim.epochs as f64 * self.optim.lr_drop_at).round();
        if epoch as f64 > dropped_after { self.optim.lr / self.optim.lr_drop_factor } else { self.optim.lr }
    }

    /// The order of the bags in an epoch.
    pub fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.n_bags).collect();
        shuffle(&mut order, &mut stream(self.seed, Purpose::BagOrder, epoch as u64));
        order
    }

    /// Which places of the order a step takes; the steps of an epoch cover it, with sizes that differ by at most
    /// one bag.
    pub fn bags_of(&self, step: usize) -> Range<usize> {
        step * self.n_bags / self.n_steps..(step + 1) * self.n_bags / self.n_steps
    }
}

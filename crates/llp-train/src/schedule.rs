//! Which bags meet in which step, and with which learning rate.

use std::ops::Range;

use llp_bags::rng::{Purpose, shuffle, stream};
use llp_sweep::config::OptimConfig;

/// The plan of a training over a fixed number of bags.
///
/// An epoch visits every bag once, in an order of its own. A step takes as many bags as `images_per_step` holds,
/// at least one; the instances are spread evenly over the steps, as far as whole bags allow, so that no step is left
/// with a few of them, whose batch statistics would be poor (the paper does not say what it does;
/// `docs/deviations.md`).
#[derive(Clone, Debug)]
pub struct Schedule {
    sizes: Vec<usize>, // [bag]
    seed: u64,
    optim: OptimConfig,
}

impl Schedule {
    /// The plan for bags of these `sizes`, of which there is at least one, each at least 1.
    pub fn new(sizes: Vec<usize>, seed: u64, optim: &OptimConfig) -> Self {
        Self { sizes, seed, optim: optim.clone() }
    }

    /// Steps of an epoch, counted from 1. Where bags differ in size, so may epochs in their number of steps.
    pub fn n_steps(&self, epoch: usize) -> usize {
        match self.common_size() {
            Some(size) => self.n_even_steps(size),
            None => self.steps(epoch).len(),
        }
    }

    /// Steps of all epochs before `epoch`.
    pub fn n_steps_before(&self, epoch: usize) -> u64 {
        match self.common_size() {
            Some(size) => (epoch.saturating_sub(1) as u64).saturating_mul(self.n_even_steps(size) as u64),
            None => (1..epoch).map(|epoch| self.n_steps(epoch) as u64).sum(),
        }
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

    /// The bags of each step of an epoch, in the order in which it visits them.
    pub fn steps(&self, epoch: usize) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.sizes.len()).collect();
        shuffle(&mut order, &mut stream(self.seed, Purpose::BagOrder, epoch as u64));
        self.cuts(&order).into_iter().map(|places| order[places].to_vec()).collect()
    }

    /// Which places of the order each step takes.
    fn cuts(&self, order: &[usize]) -> Vec<Range<usize>> {
        if let Some(size) = self.common_size() {
            let (n_bags, n_steps) = (order.len(), self.n_even_steps(size));
            return (0..n_steps).map(|step| step * n_bags / n_steps..(step + 1) * n_bags / n_steps).collect();
        }
        let sizes: Vec<usize> = order.iter().map(|&bag| self.sizes[bag]).collect();
        let limit = self.optim.images_per_step;
        let n_steps = filled(&sizes, limit).len();
        // The least filling that needs no more steps.
        let (mut low, mut high) = (0, limit); // `low` needs more, `high` does not
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if filled(&sizes, middle).len() > n_steps { low = middle } else { high = middle }
        }
        filled(&sizes, high)
    }

    /// The size of all bags, if they have one.
    fn common_size(&self) -> Option<usize> {
        let first = *self.sizes.first()?;
        self.sizes.iter().all(|size| *size == first).then_some(first)
    }

    /// Steps of an epoch for bags of one size.
    fn n_even_steps(&self, size: usize) -> usize {
        self.sizes.len().div_ceil((self.optim.images_per_step / size).max(1))
    }
}

/// Neighbors of these sizes together, as many as `limit` holds; one that is larger is alone.
fn filled(sizes: &[usize], limit: usize) -> Vec<Range<usize>> {
    let (mut groups, mut start, mut filled) = (Vec::new(), 0, 0_usize);
    for (place, size) in sizes.iter().enumerate() {
        if place > start && filled.saturating_add(*size) > limit {
            groups.push(start..place);
            (start, filled) = (place, 0);
        }
        filled = filled.saturating_add(*size);
    }
    groups.push(start..sizes.len());
    groups
}

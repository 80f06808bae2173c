//! Which bags meet in which step, and with which learning rate.

use std::ops::Range;

use llp_bags::rng::{Purpose, shuffle, stream};
use llp_sweep::config::{LrSchedule, OptimConfig};

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
    n_epochs: usize,
}

/// Where a warm-up begins, as a fraction of the learning rate that it rises to.
const WARMUP_START: f64 = 0.2;

impl Schedule {
    /// The plan for bags of these `sizes`, of which there is at least one, each at least 1.
    pub fn new(sizes: Vec<usize>, seed: u64, optim: &OptimConfig) -> Self {
        let mut schedule = Self { sizes, seed, optim: optim.clone(), n_epochs: optim.epochs };
        if let Some(min_steps) = optim.min_steps {
            schedule.n_epochs = optim.epochs.max(min_steps.div_ceil(schedule.n_steps(1)));
        }
        schedule
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

    /// All epochs: those of the configuration, or as many more as `optim.min_steps` needs. Where bags differ in size, the
    /// steps of the first epoch represent those of each.
    pub fn n_epochs(&self) -> usize {
        self.n_epochs
    }

    /// The learning rate of a step of an epoch; epochs count from 1, steps from 0.
    ///
    /// [`LrSchedule::Step`]: `lr`, divided once, after `lr_drop_at` of all epochs. Else it rises along a line in the
    /// fraction `warmup` of all epochs and then falls to `lr_end` times `lr`, which it has right after the last step.
    pub fn lr(&self, epoch: usize, step: usize) -> f64 {
        let OptimConfig { lr, warmup, lr_end, .. } = self.optim;
        let n_epochs = self.n_epochs as f64;
        let kind = self.optim.schedule();
        if kind == LrSchedule::Step {
            let dropped_after = (n_epochs * self.optim.lr_drop_at).round();
            return if epoch as f64 > dropped_after { lr / self.optim.lr_drop_factor } else { lr };
        }
        let (warmup, end) = (warmup.unwrap_or(0.0), lr_end.unwrap_or(0.0));
        let done = (epoch - 1) as f64 + step as f64 / self.n_steps(epoch) as f64;
        let done = done / n_epochs;
        if done < warmup {
            return lr * (WARMUP_START + (1.0 - WARMUP_START) * done / warmup);
        }
        let fallen = (done - warmup) / (1.0 - warmup);
        let height = match kind {
            LrSchedule::Cosine => f64::midpoint(1.0, (std::f64::consts::PI * fallen).cos()),
            LrSchedule::Step | LrSchedule::Triangle => 1.0 - fallen,
        };
        lr * (end + (1.0 - end) * height)
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

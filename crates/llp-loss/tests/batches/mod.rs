//! Batches of bags for property tests, and losses evaluated on them.

use candle_core::{Device, Var};
use llp_loss::{BagLoss, BagTargets};
use llp_ot::Proportions;
use proptest::prelude::*;

/// A batch of bags of different sizes; some proportions are zero.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) logits: Vec<f64>,
    pub(crate) sizes: Vec<usize>,
    pub(crate) counts: Vec<Vec<u32>>,
    pub(crate) n_classes: usize,
}

impl Batch {
    pub(crate) fn proportions(&self) -> Vec<Proportions> {
        self.counts.iter().map(|counts| Proportions::from_counts(counts).unwrap()).collect()
    }

    pub(crate) fn targets(&self) -> BagTargets {
        BagTargets::new(self.sizes.clone(), &self.proportions()).unwrap()
    }

    /// The logits of one bag.
    pub(crate) fn logits_of(&self, bag: usize) -> &[f64] {
        let start: usize = self.sizes[..bag].iter().sum();
        &self.logits[start * self.n_classes..(start + self.sizes[bag]) * self.n_classes]
    }

    /// One bag alone.
    pub(crate) fn alone(&self, bag: usize) -> Self {
        Self {
            logits: self.logits_of(bag).to_vec(),
            sizes: vec![self.sizes[bag]],
            counts: vec![self.counts[bag].clone()],
            n_classes: self.n_classes,
        }
    }
}

pub(crate) fn batches() -> impl Strategy<Value = Batch> {
    (2_usize..5, prop::collection::vec(1_usize..7, 1..4), 0.1_f64..8.0).prop_flat_map(
        |(n_classes, sizes, scale)| {
            let n: usize = sizes.iter().sum();
            let counts = prop::collection::vec(0_u32..4, n_classes)
                .prop_filter("a bag has instances", |c| c.iter().sum::<u32>() > 0);
            let counts = prop::collection::vec(counts, sizes.len());
            let logits = prop::collection::vec(-scale..scale, n * n_classes);
            (logits, Just(sizes), counts, Just(n_classes))
                .prop_map(|(logits, sizes, counts, n_classes)| Batch { logits, sizes, counts, n_classes })
        },
    )
}

/// Values `[bag]` and the gradient of their sum, `[instance, class]`.
pub(crate) fn evaluate(loss: &dyn BagLoss, batch: &Batch) -> (Vec<f64>, Vec<f64>) {
    evaluate_targets(loss, &batch.logits, &batch.targets())
}

/// The same for any targets.
pub(crate) fn evaluate_targets(
    loss: &dyn BagLoss,
    logits: &[f64],
    targets: &BagTargets,
) -> (Vec<f64>, Vec<f64>) {
    let shape = (targets.n_instances(), targets.n_classes());
    let logits = Var::from_vec(logits.to_vec(), shape, &Device::Cpu).unwrap();
    let values = loss.forward(&logits, targets).unwrap();
    let gradients = values.sum_all().unwrap().backward().unwrap();
    let gradient = gradients.get(&logits).unwrap().flatten_all().unwrap();
    (values.to_vec1().unwrap(), gradient.to_vec1().unwrap())
}

pub(crate) fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

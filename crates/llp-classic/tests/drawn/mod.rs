//! Bags that property tests draw.

use llp_classic::Bags;
use llp_ot::Proportions;
use proptest::prelude::*;

/// Instances in bags, with counts.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) n_columns: usize,
    pub(crate) features: Vec<f64>,
    pub(crate) bag_of: Vec<u32>,
    pub(crate) counts: Vec<Vec<u32>>,
}

impl Drawn {
    pub(crate) fn proportions(&self) -> Vec<Proportions> {
        self.counts.iter().map(|counts| Proportions::from_counts(counts).unwrap()).collect()
    }

    /// Calls `work` with the bags.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&Bags<'_, f64>) -> R) -> R {
        let proportions = self.proportions();
        work(&Bags::new(&self.features, self.n_columns, &self.bag_of, &proportions).unwrap())
    }

    /// The same instances in another order: instance `i` of the result is `order[i]`.
    pub(crate) fn reordered(&self, order: &[usize]) -> Self {
        let row = |i: &usize| self.features[i * self.n_columns..(i + 1) * self.n_columns].to_vec();
        Self {
            features: order.iter().flat_map(row).collect(),
            bag_of: order.iter().map(|&i| self.bag_of[i]).collect(),
            ..self.clone()
        }
    }

    /// The same classes in another order: class `c` of the result is `order[c]`.
    pub(crate) fn with_classes(&self, order: &[usize]) -> Self {
        let counts = self.counts.iter().map(|counts| order.iter().map(|&class| counts[class]).collect());
        Self { counts: counts.collect(), ..self.clone() }
    }

    /// The same bags in another order: bag `b` becomes `to[b]`.
    pub(crate) fn with_bags(&self, to: &[usize]) -> Self {
        let mut counts = self.counts.clone();
        for (bag, &to) in to.iter().enumerate() {
            counts[to].clone_from(&self.counts[bag]);
        }
        let bag_of = self.bag_of.iter().map(|&bag| to[bag as usize] as u32).collect();
        Self { bag_of, counts, ..self.clone() }
    }

    /// Columns times factors plus shifts.
    pub(crate) fn scaled(&self, factors: &[f64], shifts: &[f64]) -> Self {
        let value = |(at, x): (usize, &f64)| x * factors[at % self.n_columns] + shifts[at % self.n_columns];
        Self { features: self.features.iter().enumerate().map(value).collect(), ..self.clone() }
    }
}

/// Two to four classes, more bags than classes, of which the first are pure, so that bags differ.
pub(crate) fn bags() -> impl Strategy<Value = Drawn> {
    (2_usize..=4, 1_usize..=3, 5_usize..=8).prop_flat_map(|(n_classes, n_columns, n_bags)| {
        let sizes = prop::collection::vec(2_u32..=6, n_bags);
        sizes.prop_flat_map(move |sizes| {
            let n: u32 = sizes.iter().sum();
            let bag_of: Vec<u32> =
                sizes.iter().enumerate().flat_map(|(bag, &n)| (0..n).map(move |_| bag as u32)).collect();
            let features = prop::collection::vec(-3.0..3.0_f64, n as usize * n_columns);
            let labels = prop::collection::vec(0..n_classes, n as usize);
            (features, labels).prop_map(move |(features, labels)| {
                let mut counts = vec![vec![0; n_classes]; n_bags];
                for (&bag, label) in bag_of.iter().zip(labels) {
                    let label = if (bag as usize) < n_classes { bag as usize } else { label };
                    counts[bag as usize][label] += 1;
                }
                Drawn { n_columns, features, bag_of: bag_of.clone(), counts }
            })
        })
    })
}

/// An order of `0..n`.
pub(crate) fn order(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let key = |i: usize| (i as u64 + 1).wrapping_mul(seed | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 7;
    order.sort_by_key(|&i| key(i));
    order
}

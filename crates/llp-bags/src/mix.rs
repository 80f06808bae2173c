//! Bags that are mixed from two, for training.

use llp_ot::{Imprecision, Proportions};

use crate::BagSet;
use crate::rng::{Rng, below, shuffle};

/// Half a confidence interval of 99 %, in standard deviations of a normal distribution.
const DEVIATIONS: f64 = 2.575_829_303_548_900_4;

/// The largest upper bound: with a lower bound of 0, one of 1 would say that the share is unknown.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON;

/// A bag of some instances of two bags.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedBag {
    /// Those of the one bag, then those of the other.
    pub instances: Vec<u32>,
    /// The expected proportions: those of the two bags, weighted by how many instances each gives.
    pub proportions: Proportions,
    /// Bounds around them, [`Imprecision::Intervals`]: for a class with the shares `z` and `y` in the two bags, of which
    /// `g` and `h` instances were drawn, `2.58 (g sqrt(z (1 - z) / g) + h sqrt(y (1 - y) / h)) / (g + h)` to each side.
    pub bounds: Imprecision,
}

impl BagSet {
    /// A bag as large as `bag`, of random instances of it and of another bag, which is drawn too: at least one of each.
    /// Returns `None` if `bag` has one instance, or there is no other bag.
    ///
    /// Source: MixBag \[asanomi:23\], "uniform" sampling and the intervals of 99 %. Deviations: a bag is not mixed with
    /// itself, bags may differ in size, and bounds end at 0 and just below 1.
    pub fn mixed(&self, bag: usize, rng: &mut impl Rng) -> Option<MixedBag> {
        let n = self.instances(bag).len();
        if n < 2 || self.len() < 2 {
            return None;
        }
        let other = (bag + 1 + below(rng, self.len() as u32 - 1) as usize) % self.len();
        let least = n.saturating_sub(self.instances(other).len()).max(1);
        let n_own = least + below(rng, (n - least) as u32) as usize;
        let mut instances = draw(self.instances(bag), n_own, rng);
        instances.extend(draw(self.instances(other), n - n_own, rng));
        let of_both = self.proportions(bag).as_slice().iter().zip(self.proportions(other).as_slice());
        let (own, others) = (n_own as f64, (n - n_own) as f64);
        let expected = of_both.clone().map(|(z, y)| (own * z + others * y) / n as f64);
        let width =
            of_both.map(|(z, y)| DEVIATIONS * (deviation(*z, own) + deviation(*y, others)) / n as f64);
        let around = || expected.clone().zip(width.clone());
        let bounds = Imprecision::Intervals {
            low: around().map(|(expected, width)| (expected - width).max(0.0)).collect(),
            high: around().map(|(expected, width)| upper(expected, width)).collect(),
        };
        let Ok(proportions) = Proportions::new(expected.collect()) else {
            unreachable!("a mean of proportions is proportions")
        };
        Some(MixedBag { instances, proportions, bounds })
    }
}

/// An upper bound. Where a class is certain, that is its share; elsewhere it is below 1.
fn upper(expected: f64, width: f64) -> f64 {
    if width == 0.0 { expected } else { (expected + width).min(expected.max(BELOW_ONE)) }
}

/// The standard deviation of how many of `n` independent instances have a label that a share `z` has.
fn deviation(z: f64, n: f64) -> f64 {
    (n * z * (1.0 - z).max(0.0)).sqrt()
}

/// `n` different ones of `instances`.
fn draw(instances: &[u32], n: usize, rng: &mut impl Rng) -> Vec<u32> {
    let mut drawn = instances.to_vec();
    shuffle(&mut drawn, rng);
    drawn.truncate(n);
    drawn
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::rng::{Purpose, stream};
    use crate::{Features, Instances};

    fn bags(sizes: &[usize], counts: &[Vec<u32>]) -> BagSet {
        let n: usize = sizes.iter().sum();
        let features = Features::new(1, vec![0.0; n]).unwrap();
        let mut next = 0..n as u32;
        let members = sizes.iter().map(|size| next.by_ref().take(*size).collect()).collect();
        let proportions = counts.iter().map(|counts| Proportions::from_counts(counts).unwrap()).collect();
        BagSet::new(Arc::new(Instances::Features(features)), members, proportions).unwrap()
    }

    fn two_or_more_bags() -> impl Strategy<Value = (Vec<usize>, Vec<Vec<u32>>)> {
        prop::collection::vec(1_usize..9, 2..6).prop_flat_map(|sizes| {
            let counts = prop::collection::vec(0_u32..4, 3).prop_filter("some", |c| c.iter().any(|n| *n > 0));
            let counts = prop::collection::vec(counts, sizes.len());
            (Just(sizes), counts)
        })
    }

    proptest! {
        /// A mixed bag has the size of the bag, different instances, all of it and one other bag, at least one of each, and
        /// proportions within its bounds.
        #[test]
        fn a_mixed_bag_has_instances_of_two((sizes, counts) in two_or_more_bags(), seed in 0_u64..1000) {
            let bags = bags(&sizes, &counts);
            let mixed = bags.mixed(0, &mut stream(seed, Purpose::MixBags, 0));
            prop_assert_eq!(mixed.is_none(), sizes[0] == 1);
            let Some(mixed) = mixed else { return Ok(()) };
            prop_assert_eq!(mixed.instances.len(), sizes[0]);
            let n_own = mixed.instances.iter().filter(|id| bags.instances(0).contains(id)).count();
            let n_from = |bag: usize| mixed.instances.iter().filter(|id| bags.instances(bag).contains(id)).count();
            let others: Vec<usize> = (1..sizes.len()).filter(|bag| n_from(*bag) > 0).collect();
            prop_assert!(n_own > 0 && others.len() == 1 && n_own + n_from(others[0]) == sizes[0]);
            let unique: std::collections::BTreeSet<_> = mixed.instances.iter().collect();
            prop_assert_eq!(unique.len(), sizes[0]);
            let Imprecision::Intervals { low, high } = &mixed.bounds else { panic!("{:?}", mixed.bounds) };
            for (class, z) in mixed.proportions.as_slice().iter().enumerate() {
                let of = |bag: usize| bags.proportions(bag).as_slice()[class];
                let expected = (n_own as f64 * of(0) + n_from(others[0]) as f64 * of(others[0])) / sizes[0] as f64;
                prop_assert!((z - expected).abs() < 1e-12);
                prop_assert!(!mixed.bounds.is_unknown(class));
                prop_assert!(0.0 <= low[class] && low[class] <= *z && *z <= high[class] && high[class] <= 1.0);
            }
            prop_assert!(mixed.bounds.check(3).is_ok());
        }
    }

    /// Numbers by the formula of the publication: half of each of two bags of 100 with the shares 0.5 and 0.2.
    #[test]
    fn bounds_are_those_of_the_formula() {
        let bags = bags(&[100, 100], &[vec![1, 1], vec![1, 4]]);
        let seeds = (0..).map(|seed| bags.mixed(0, &mut stream(seed, Purpose::MixBags, 0)).unwrap());
        let is_half = |mixed: &MixedBag| mixed.instances.iter().filter(|id| **id < 100).count() == 50;
        let half = seeds.take(10_000).find(is_half).unwrap();
        assert!((half.proportions.as_slice()[0] - 0.35).abs() < 1e-12);
        let Imprecision::Intervals { low, high } = half.bounds else { panic!("{:?}", half.bounds) };
        let area = 2.575_829_303_548_9 * ((0.25_f64 / 50.0).sqrt() + (0.16_f64 / 50.0).sqrt()) / 2.0;
        assert!((low[0] - (0.35 - area)).abs() < 1e-12 && (high[0] - (0.35 + area)).abs() < 1e-12);
    }
}

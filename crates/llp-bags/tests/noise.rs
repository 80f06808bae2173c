//! Theorems of imprecise proportions: what noise leaves, and that what is said of it is true.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::sync::Arc;

use llp_bags::{BagSet, Images, Imprecision, Instances, Noise, Proportions};
use proptest::prelude::*;

/// One bag of one instance for each vector of counts.
fn bags(counts: &[Vec<u32>]) -> BagSet {
    let images = Images::new(1, 1, 1, vec![0; counts.len()]).unwrap();
    let proportions = counts.iter().map(|counts| Proportions::from_counts(counts).unwrap()).collect();
    BagSet::new(
        Arc::new(Instances::Images(images)),
        (0..counts.len() as u32).map(|instance| vec![instance]).collect(),
        proportions,
    )
    .unwrap()
}

fn some_counts() -> impl Strategy<Value = Vec<Vec<u32>>> {
    (1_usize..5).prop_flat_map(|n_classes| {
        let counts = prop::collection::vec(0_u32..6, n_classes)
            .prop_filter("a bag has instances", |counts| counts.iter().sum::<u32>() > 0);
        prop::collection::vec(counts, 1..6)
    })
}

fn any_noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        (0.01_f64..1.0).prop_map(|step| Noise::Rounded { step }),
        (0.01_f64..1.0).prop_map(|scale| Noise::Laplace { scale }),
        (0.01_f64..1.0).prop_map(|sd| Noise::Gaussian { sd }),
        (0.0_f64..=1.0).prop_map(|fraction| Noise::Missing { fraction }),
        (0.0_f64..=1.0).prop_map(|fraction| Noise::Imputed { fraction }),
    ]
}

fn perturbed(counts: &[Vec<u32>], noise: Noise, seed: u64) -> Vec<(Proportions, Imprecision)> {
    let bags = bags(counts).with_noise(noise, seed).unwrap();
    (0..bags.len()).map(|bag| (bags.proportions(bag).clone(), bags.imprecision(bag).clone())).collect()
}

proptest! {
    /// Equal seeds give equal noise, bag by bag: the bags before and after do not matter.
    #[test]
    fn noise_comes_from_seed_and_bag(counts in some_counts(), noise in any_noise(), seed: u64) {
        let all = perturbed(&counts, noise, seed);
        prop_assert_eq!(&all[..1], &perturbed(&counts[..1], noise, seed)[..]);
    }

    /// The exact shares are within the bounds that rounded ones are given.
    #[test]
    fn rounding_keeps_the_truth_within_its_bounds(counts in some_counts(), step in 0.01_f64..1.0) {
        for ((_, imprecision), counts) in perturbed(&counts, Noise::Rounded { step }, 0).iter().zip(&counts) {
            let Imprecision::Intervals { low, high } = imprecision else { panic!("rounded shares have bounds") };
            for (class, share) in Proportions::from_counts(counts).unwrap().as_slice().iter().enumerate() {
                prop_assert!(low[class] - 1e-12 <= *share && *share <= high[class] + 1e-12);
            }
        }
    }

    /// Shares are exact or unknown, and unknown ones have equal parts of the rest; who imputes gets to see the same.
    #[test]
    fn missing_shares_leave_the_others(counts in some_counts(), fraction in 0.0_f64..=1.0, seed: u64) {
        let missing = perturbed(&counts, Noise::Missing { fraction }, seed);
        for ((proportions, imprecision), counts) in missing.iter().zip(&counts) {
            let (exact, seen) = (Proportions::from_counts(counts).unwrap(), proportions.as_slice());
            let unknown: Vec<usize> = (0..seen.len()).filter(|class| imprecision.is_unknown(*class)).collect();
            let rest: f64 = unknown.iter().map(|class| exact.as_slice()[*class]).sum();
            for (class, share) in seen.iter().enumerate() {
                let is_unknown = unknown.contains(&class);
                let expected = if is_unknown { rest / unknown.len() as f64 } else { exact.as_slice()[class] };
                prop_assert!((share - expected).abs() < 1e-12);
            }
        }
        let imputed = perturbed(&counts, Noise::Imputed { fraction }, seed);
        for ((seen, _), (guess, imprecision)) in missing.iter().zip(&imputed) {
            prop_assert_eq!((seen, &Imprecision::Exact), (guess, imprecision));
        }
    }

    /// Noisy shares become the nearest proportions: no other point of the simplex is on their side of it.
    #[test]
    fn noisy_shares_go_to_the_nearest_proportions(shares in prop::collection::vec(-2.0_f64..2.0, 1..6)) {
        let (proportions, _) = Imprecision::noisy(&shares, vec![0.1; shares.len()]).unwrap();
        let nearest = proportions.as_slice();
        for corner in 0..shares.len() {
            let towards = |(class, z): (usize, &f64)| (shares[class] - z) * (f64::from(class == corner) - z);
            prop_assert!(nearest.iter().enumerate().map(towards).sum::<f64>() < 1e-9);
        }
    }
}

/// Noise that is none is refused.
#[test]
fn noise_needs_positive_numbers() {
    let counts = [vec![1, 1]];
    for noise in
        [Noise::Rounded { step: 0.0 }, Noise::Gaussian { sd: f64::NAN }, Noise::Laplace { scale: -1.0 }]
    {
        assert!(bags(&counts).with_noise(noise, 0).is_err(), "{noise:?}");
    }
}

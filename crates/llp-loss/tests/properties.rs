//! Theorems that hold for every loss of this crate.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;

use batches::{Batch, batches, close, evaluate};
use candle_core::{DType, Device, Tensor, Var};
use llp_loss::{
    AvgKl, BagLoss, BagTargets, Ci, Dsq, EasyLlp, Gaussian, Gupm, Interval, Kl, L1, L2, Llpfc, Loss,
    LossError, Marginal, Moments, Multinomial, Rot, Saddlepoint,
};
use llp_ot::{NewtonConfig, Proportions, RotConfig, RotSolver, entropy};
use proptest::prelude::*;

fn rot(alpha: f64, epsilon: f64) -> Loss {
    Rot { config: RotConfig { alpha, epsilon, solver: RotSolver::Newton(NewtonConfig::DOUBLE) } }
}

/// Losses that say of a batch more than of its bags.
fn of_batches() -> Vec<Box<dyn BagLoss>> {
    vec![Box::new(EasyLlp), Box::new(Gupm), Box::new(Dsq), Box::new(Llpfc)]
}

fn all_losses() -> Vec<Box<dyn BagLoss>> {
    of_bags().into_iter().chain(of_batches()).collect()
}

fn of_bags() -> Vec<Box<dyn BagLoss>> {
    vec![
        Box::new(Kl),
        Box::new(AvgKl),
        Box::new(L1),
        Box::new(L2),
        Box::new(Interval),
        Box::new(Ci),
        Box::new(Marginal),
        Box::new(Saddlepoint),
        Box::new(Gaussian),
        Box::new(Multinomial),
        Box::new(Moments { order: 3 }),
        Box::new(rot(0.5, 1.0)),
        Box::new(rot(0.1, 0.5)),
    ]
}

proptest! {
    /// Theorem 11: the gradient is the central difference of the value.
    #[test]
    fn gradients_are_differences(batch in batches()) {
        // The gradient of EM leaves the responsibilities where they are: a test of its own.
        for loss in all_losses().into_iter().filter(|loss| loss.name() != "multinomial") {
            // The absolute values of L1 have kinks; a difference across one says nothing.
            let step = 1e-5;
            let (_, gradient) = evaluate(&*loss, &batch);
            for index in 0..batch.logits.len() {
                let moved = |by: f64| {
                    let mut batch = batch.clone();
                    batch.logits[index] += by;
                    evaluate(&*loss, &batch).0.iter().sum::<f64>()
                };
                let (ahead, behind) = (moved(step), moved(-step));
                let at_kink = loss.name() == "l1" && {
                    let middle = evaluate(&*loss, &batch).0.iter().sum::<f64>();
                    (ahead + behind - 2.0 * middle).abs() > 1e-8
                };
                let difference = (ahead - behind) / (2.0 * step);
                prop_assert!(
                    at_kink || (gradient[index] - difference).abs() < 1e-6,
                    "{loss:?} at {index}: {} and {difference}", gradient[index]
                );
            }
        }
    }

    /// Theorem 15: logits are determined up to a constant per instance, so the gradient sums to 0 over classes.
    #[test]
    fn gradients_sum_to_zero_over_the_classes(batch in batches()) {
        for loss in all_losses() {
            let (_, gradient) = evaluate(&*loss, &batch);
            for row in gradient.chunks_exact(batch.n_classes) {
                prop_assert!(row.iter().sum::<f64>().abs() < 1e-12, "{loss:?}: {row:?}");
            }
        }
    }

    /// A bag has the same bits of value and gradient alone and among other bags.
    #[test]
    fn bags_do_not_see_each_other(batch in batches()) {
        for loss in of_bags() {
            let (values, gradient) = evaluate(&*loss, &batch);
            let alone: Vec<_> = (0..batch.sizes.len()).map(|bag| evaluate(&*loss, &batch.alone(bag))).collect();
            prop_assert_eq!(values, alone.iter().map(|(values, _)| values[0]).collect::<Vec<_>>());
            prop_assert_eq!(gradient, alone.iter().flat_map(|(_, gradient)| gradient.clone()).collect::<Vec<_>>());
        }
    }

    /// Theorem 4: the order of the instances in a bag does not matter; the gradient is permuted along.
    #[test]
    fn the_order_of_instances_does_not_matter(batch in batches()) {
        let batch = batch.alone(0);
        let mut reversed = batch.clone();
        reversed.logits = batch.logits.chunks_exact(batch.n_classes).rev().flatten().copied().collect();
        for loss in all_losses() {
            let ((value, gradient), (other, other_gradient)) = (evaluate(&*loss, &batch), evaluate(&*loss, &reversed));
            let back: Vec<f64> = other_gradient.chunks_exact(batch.n_classes).rev().flatten().copied().collect();
            prop_assert!(close(&value, &other, 1e-10) && close(&gradient, &back, 1e-8), "{loss:?}");
        }
    }

    /// Theorem 4: renaming the classes, in logits and proportions alike, does not matter.
    #[test]
    fn the_names_of_classes_do_not_matter(batch in batches()) {
        let mut renamed = batch.clone();
        renamed.counts.iter_mut().for_each(|counts| counts.reverse());
        renamed.logits = batch.logits.chunks_exact(batch.n_classes).flat_map(|row| row.iter().rev().copied()).collect();
        for loss in all_losses() {
            let ((values, gradient), (others, other_gradient)) = (evaluate(&*loss, &batch), evaluate(&*loss, &renamed));
            let back: Vec<f64> =
                other_gradient.chunks_exact(batch.n_classes).flat_map(|row| row.iter().rev().copied()).collect();
            prop_assert!(close(&values, &others, 1e-10) && close(&gradient, &back, 1e-8), "{loss:?}");
        }
    }

    /// Theorem 16: the KL loss is a cross-entropy, so it is at least the entropy of the proportions, and exactly
    /// that where the mean prediction equals them; L1 and L2 are then 0.
    #[test]
    fn losses_of_the_mean_are_least_at_the_proportions(batch in batches()) {
        for (value, counts) in evaluate(&Kl, &batch).0.iter().zip(batch.proportions()) {
            prop_assert!(*value >= entropy(counts.as_slice()) - 1e-12);
        }
        let mut perfect = batch.alone(0);
        let counts = &perfect.counts[0];
        // One instance per count, each certain of its class.
        perfect.logits = counts.iter().enumerate()
            .flat_map(|(class, count)| std::iter::repeat_n(class, *count as usize))
            .flat_map(|class| (0..batch.n_classes).map(move |k| if k == class { 0.0 } else { -1000.0 }))
            .collect();
        perfect.sizes = vec![counts.iter().sum::<u32>() as usize];
        let z = perfect.proportions()[0].clone();
        prop_assert!((evaluate(&Kl, &perfect).0[0] - entropy(z.as_slice())).abs() < 1e-12);
        prop_assert!(evaluate(&L1, &perfect).0[0] < 1e-12 && evaluate(&L2, &perfect).0[0] < 1e-12);
    }

    /// Proposition 2, for a bag of one: ROT is `alpha` times the KL loss, up to the constant `-alpha epsilon` that
    /// the entropy as printed leaves; the gradients agree. KL and AvgKL are the same for a bag of one.
    #[test]
    fn a_bag_of_one_is_supervised_learning(
        logits in prop::collection::vec(-5.0_f64..5.0, 3), class in 0_usize..3, alpha in 0.05_f64..0.95, epsilon in 0.1_f64..2.0,
    ) {
        let mut counts = vec![0; 3];
        counts[class] = 1;
        let batch = Batch { logits, sizes: vec![1], counts: vec![counts], n_classes: 3 };
        let (kl, kl_gradient) = evaluate(&Kl, &batch);
        let (average, average_gradient) = evaluate(&AvgKl, &batch);
        let (rot, rot_gradient) = evaluate(&rot(alpha, epsilon), &batch);
        prop_assert!(close(&kl, &average, 1e-12) && close(&kl_gradient, &average_gradient, 1e-12));
        prop_assert!(close(&rot, &[alpha * (kl[0] - epsilon)], 1e-9), "{rot:?} {kl:?}");
        let scaled: Vec<f64> = kl_gradient.iter().map(|g| alpha * g).collect();
        prop_assert!(close(&rot_gradient, &scaled, 1e-9));
    }

    /// Single precision agrees with double precision.
    #[test]
    fn single_precision_agrees_with_double(batch in batches()) {
        let targets = batch.targets();
        let shape = (targets.n_instances(), batch.n_classes);
        let single: Vec<f32> = batch.logits.iter().map(|value| *value as f32).collect();
        let rounded = Batch { logits: single.iter().map(|value| f64::from(*value)).collect(), ..batch };
        for loss in all_losses() {
            let logits = Tensor::from_vec(single.clone(), shape, &Device::Cpu).unwrap();
            let values: Vec<f32> = loss.forward(&logits, &targets).unwrap().to_vec1().unwrap();
            for (single, double) in values.iter().zip(evaluate(&*loss, &rounded).0) {
                prop_assert!((f64::from(*single) - double).abs() < 1e-5 * (1.0 + double.abs()), "{loss:?}");
            }
        }
    }
}

/// A class that no instance predicts gives KL a large finite loss and a finite gradient, not infinity.
#[test]
fn a_class_that_nobody_predicts_is_not_infinite() {
    let batch = Batch {
        logits: vec![0.0, -800.0, 0.0, -900.0],
        sizes: vec![2],
        counts: vec![vec![1, 1]],
        n_classes: 2,
    };
    let (value, gradient) = evaluate(&Kl, &batch);
    assert!((value[0] - (400.0 + 0.5 * 2_f64.ln())).abs() < 1e-9, "{value:?}");
    assert!(gradient.iter().all(|g| g.is_finite()) && gradient[1] < -0.4, "{gradient:?}");
}

/// The backward pass weighs every bag with what arrives for it.
#[test]
fn upstream_gradients_weigh_the_bags() {
    let batch = Batch {
        logits: vec![0.3, -0.2, 0.9, 0.1],
        sizes: vec![1, 1],
        counts: vec![vec![1, 0], vec![0, 1]],
        n_classes: 2,
    };
    let logits = Var::from_vec(batch.logits.clone(), (2, 2), &Device::Cpu).unwrap();
    let weights = Tensor::new(&[2.0, -3.0], &Device::Cpu).unwrap();
    let weighted = (Kl.forward(&logits, &batch.targets()).unwrap() * weights).unwrap().sum_all().unwrap();
    let got =
        weighted.backward().unwrap().get(&logits).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let (_, plain) = evaluate(&Kl, &batch);
    let expected: Vec<f64> = plain.iter().zip([2.0, 2.0, -3.0, -3.0]).map(|(g, w)| g * w).collect();
    assert!(close(&got, &expected, 1e-15));
}

/// Arguments that do not fit are refused, with both sides named.
#[test]
fn misfits_are_refused() {
    let half = Proportions::new(vec![0.5, 0.5]).unwrap();
    let thirds = Proportions::new(vec![0.25, 0.25, 0.5]).unwrap();
    let message = |result: Result<BagTargets, LossError>| result.unwrap_err().to_string();
    assert_eq!(
        message(BagTargets::new(vec![1, 2], [&half])),
        "got 2 bag sizes and 1 vectors of proportions: every bag needs one of each"
    );
    assert_eq!(message(BagTargets::new(vec![], [])), "a batch needs at least one bag");
    assert_eq!(message(BagTargets::new(vec![1, 0], [&half, &half])), "bag 1 is empty");
    assert_eq!(
        message(BagTargets::new(vec![1, 1], [&half, &thirds])),
        "bag 1 has proportions of 3 classes, the first bag has 2"
    );
    let targets = BagTargets::new(vec![2, 1], [&half, &half]).unwrap();
    let logits = Tensor::zeros((4, 2), DType::F32, &Device::Cpu).unwrap();
    for loss in all_losses() {
        let error = loss.forward(&logits, &targets).unwrap_err().to_string();
        assert_eq!(error, "the logits have shape [4, 2], the bags need [3, 2]");
    }
}

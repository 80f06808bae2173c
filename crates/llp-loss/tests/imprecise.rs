//! Theorems of the losses for proportions that are rounded, noisy, within bounds or partly unknown.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;

use std::collections::BTreeSet;

use batches::{Batch, batches, close, evaluate, evaluate_targets};
use candle_core::{DType, Device, Tensor};
use llp_loss::{AvgKl, BagLoss, BagTargets, Interval, Kl, L1, L2, Marginal, Rot};
use llp_ot::{Imprecision, NewtonConfig, Proportions, RotConfig, RotSolver, entropy};
use proptest::prelude::*;

/// A batch whose bags all have an error of the same kind.
#[derive(Clone, Debug)]
struct Imprecise {
    batch: Batch,
    imprecision: Vec<Imprecision>, // [bag]
}

impl Imprecise {
    fn targets(&self) -> BagTargets {
        self.batch.targets().with_imprecision(self.imprecision.clone()).unwrap()
    }

    fn evaluate(&self, loss: &dyn BagLoss) -> (Vec<f64>, Vec<f64>) {
        evaluate_targets(loss, &self.batch.logits, &self.targets())
    }

    fn alone(&self, bag: usize) -> Self {
        Self { batch: self.batch.alone(bag), imprecision: vec![self.imprecision[bag].clone()] }
    }

    fn map(batch: Batch, imprecision: impl FnMut(Proportions) -> Imprecision) -> Self {
        Self { imprecision: batch.proportions().into_iter().map(imprecision).collect(), batch }
    }
}

fn intervals() -> impl Strategy<Value = Imprecise> {
    (batches(), 0.0_f64..0.5, 0.0_f64..0.5).prop_map(|(batch, below, above)| {
        Imprecise::map(batch, |z| Imprecision::Intervals {
            low: z.as_slice().iter().map(|z| (z - below).max(0.0)).collect(),
            high: z.as_slice().iter().map(|z| (z + above).min(1.0)).collect(),
        })
    })
}

fn noisy() -> impl Strategy<Value = Imprecise> {
    (batches(), prop::collection::vec(-3.0_f64..1.0, 4)).prop_map(|(batch, log10)| {
        let errors: Vec<f64> = log10[..batch.n_classes].iter().map(|x| 10_f64.powf(*x)).collect();
        Imprecise::map(batch, |_| Imprecision::StandardErrors(errors.clone()))
    })
}

fn partial() -> impl Strategy<Value = Imprecise> {
    (batches(), prop::collection::vec(any::<bool>(), 4)).prop_map(|(batch, is_known)| {
        let error = |is_known: &bool| if *is_known { 0.0 } else { f64::INFINITY };
        let errors: Vec<f64> = is_known[..batch.n_classes].iter().map(error).collect();
        Imprecise::map(batch, |_| Imprecision::StandardErrors(errors.clone()))
    })
}

/// Each loss with what it takes. L1 is not among them for its kinks.
fn cases() -> impl Strategy<Value = (Box<dyn BagLoss>, Imprecise)> {
    let with = |loss: fn() -> Box<dyn BagLoss>| move |case: Imprecise| (loss(), case);
    prop_oneof![
        intervals().prop_map(with(|| Box::new(Interval))),
        intervals().prop_map(with(|| Box::new(Marginal))),
        noisy().prop_map(with(|| Box::new(Marginal))),
        partial().prop_map(with(|| Box::new(Kl))),
        partial().prop_map(with(|| Box::new(L2))),
        partial().prop_map(with(|| Box::new(Interval))),
        partial().prop_map(with(|| Box::new(Marginal))),
    ]
}

/// Every vector of counts of `n` instances.
fn all_counts(n: u32, n_classes: usize) -> Vec<Vec<u32>> {
    if n_classes == 1 {
        return vec![vec![n]];
    }
    let with =
        |k: u32| all_counts(n - k, n_classes - 1).into_iter().map(move |rest| [vec![k], rest].concat());
    (0..=n).flat_map(with).collect()
}

proptest! {
    /// The gradient is the central difference of the value. Differences of values of up to some tens have rounding
    /// errors of about 1e-15 * 30 / 1e-5, and the interval loss has kinks of its second derivative.
    #[test]
    fn gradients_are_differences((loss, case) in cases()) {
        let (_, gradient) = case.evaluate(&*loss);
        let step = 1e-5;
        for index in 0..case.batch.logits.len() {
            let moved = |by: f64| {
                let mut case = case.clone();
                case.batch.logits[index] += by;
                case.evaluate(&*loss).0.iter().sum::<f64>()
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            prop_assert!((gradient[index] - difference).abs() < 2e-5, "{loss:?}: {} {difference}", gradient[index]);
        }
    }

    /// The gradient sums to 0 over the classes of each instance.
    #[test]
    fn gradients_sum_to_zero_over_the_classes((loss, case) in cases()) {
        for row in case.evaluate(&*loss).1.chunks_exact(case.batch.n_classes) {
            prop_assert!(row.iter().sum::<f64>().abs() < 1e-12, "{loss:?}: {row:?}");
        }
    }

    /// A bag has the same bits of value and gradient alone and among other bags.
    #[test]
    fn bags_do_not_see_each_other((loss, case) in cases()) {
        let (values, gradient) = case.evaluate(&*loss);
        let alone: Vec<_> = (0..case.batch.sizes.len()).map(|bag| case.alone(bag).evaluate(&*loss)).collect();
        prop_assert_eq!(values, alone.iter().map(|(values, _)| values[0]).collect::<Vec<_>>());
        prop_assert_eq!(gradient, alone.iter().flat_map(|(_, gradient)| gradient.clone()).collect::<Vec<_>>());
    }

    /// A mean prediction within the bounds costs nothing and is left alone.
    #[test]
    fn the_interval_loss_is_zero_within_the_bounds(batch in batches(), slack in 1e-6_f64..0.3) {
        let batch = batch.alone(0);
        let n = batch.sizes[0] as f64;
        let mean = |class: usize| {
            let of_instance = |row: &[f64]| row[class].exp() / row.iter().map(|x| x.exp()).sum::<f64>();
            batch.logits.chunks_exact(batch.n_classes).map(of_instance).sum::<f64>() / n
        };
        let means: Vec<f64> = (0..batch.n_classes).map(mean).collect();
        let case = Imprecise::map(batch, |_| Imprecision::Intervals {
            low: means.iter().map(|mean| (mean - slack).max(0.0)).collect(),
            high: means.iter().map(|mean| (mean + slack).min(1.0)).collect(),
        });
        let (value, gradient) = case.evaluate(&Interval);
        prop_assert!(value[0].abs() < 1e-14 && gradient.iter().all(|g| g.abs() < 1e-14), "{value:?} {gradient:?}");
    }

    /// Exact proportions make the interval loss KL less their entropy, and the marginal loss KL less a constant; the
    /// gradients are those of KL.
    #[test]
    fn exact_proportions_give_kl(batch in batches()) {
        let (kl, gradient) = evaluate(&Kl, &batch);
        let (interval, of_interval) = evaluate(&Interval, &batch);
        let entropies: Vec<f64> = batch.proportions().iter().map(|z| entropy(z.as_slice())).collect();
        let expected: Vec<f64> = kl.iter().zip(entropies).map(|(kl, entropy)| kl - entropy).collect();
        prop_assert!(close(&interval, &expected, 1e-12) && close(&of_interval, &gradient, 1e-12));
        prop_assert!(close(&evaluate(&Marginal, &batch).1, &gradient, 1e-15));
    }

    /// Wider bounds are less to go against: both losses fall.
    #[test]
    fn wider_bounds_cost_less(case in intervals(), by in 0.0_f64..0.3) {
        let mut wider = case.clone();
        for imprecision in &mut wider.imprecision {
            if let Imprecision::Intervals { low, high } = imprecision {
                for (low, high) in low.iter_mut().zip(&mut *high) {
                    (*low, *high) = ((*low - by).max(0.0), (*high + by).min(1.0));
                }
            }
        }
        for (wide, narrow) in wider.evaluate(&Interval).0.iter().zip(case.evaluate(&Interval).0) {
            prop_assert!(*wide <= narrow + 1e-12);
        }
        // Where bounds hold no whole counts, the marginal loss widens them as far as it must, which may be further.
        let sizes = case.batch.sizes.iter().zip(&case.batch.counts).map(|(n, counts)| *n == counts.iter().sum::<u32>() as usize);
        let losses = wider.evaluate(&Marginal).0.into_iter().zip(case.evaluate(&Marginal).0);
        for ((wide, narrow), has_counts) in losses.zip(sizes) {
            prop_assert!(!has_counts || wide <= narrow + 1e-12);
        }
    }

    /// The marginal loss is a likelihood: over all results of rounding the shares of a bag, the
    /// probabilities add up to 1. (Steps at which no share is halfway.)
    #[test]
    fn probabilities_of_rounded_shares_add_up_to_one(n in 1_u32..6, step in 0.291_f64..0.2999, logits in prop::collection::vec(-3.0_f64..3.0, 15)) {
        let logits = &logits[..3 * n as usize];
        let round = |counts: &Vec<u32>| -> Vec<u32> {
            counts.iter().map(|k| (f64::from(*k) / f64::from(n) / step).round() as u32).collect()
        };
        let rounded: BTreeSet<Vec<u32>> = all_counts(n, 3).iter().map(round).collect();
        let total: f64 = rounded.iter().map(|multiples| {
            let shares: Vec<f64> = multiples.iter().map(|multiple| f64::from(*multiple) * step).collect();
            let (proportions, imprecision) = Imprecision::rounded(&shares, step).unwrap();
            let targets = BagTargets::new(vec![n as usize], [&proportions]).unwrap();
            let targets = targets.with_imprecision(vec![imprecision]).unwrap();
            (-f64::from(n) * evaluate_targets(&Marginal, logits, &targets).0[0]).exp()
        }).sum();
        prop_assert!((total - 1.0).abs() < 1e-10, "{total}");
    }

    /// Small standard errors give the multinomial likelihood of exact counts, and large ones nothing to learn.
    #[test]
    fn standard_errors_lead_from_kl_to_nothing(batch in batches()) {
        let mut batch = batch.alone(0);
        batch.counts = vec![vec![0; batch.n_classes]];
        batch.counts[0][0] = batch.sizes[0] as u32;
        let with = |error: f64| {
            Imprecise::map(batch.clone(), |z| Imprecision::StandardErrors(vec![error; z.n_classes()])).evaluate(&Marginal)
        };
        let (exact, gradient) = evaluate(&Marginal, &batch);
        let (small, of_small) = with(1e-9);
        prop_assert!(close(&small, &exact, 1e-9) && close(&of_small, &gradient, 1e-9), "{small:?} {exact:?}");
        let (large, of_large) = with(1e6);
        prop_assert!(large[0].abs() < 1e-9 && of_large.iter().all(|g| g.abs() < 1e-9), "{large:?} {of_large:?}");
        let (unknown, of_unknown) = with(f64::INFINITY);
        prop_assert!(unknown[0].abs() < 1e-12 && of_unknown.iter().all(|g| g.abs() < 1e-12), "{unknown:?}");
    }

    /// With unknown shares, the gradients of KL, interval and marginal loss are one; so are those of bounds 0 and 1.
    #[test]
    fn unknown_shares_are_coarsened_alike(case in partial()) {
        let (_, gradient) = case.evaluate(&Kl);
        prop_assert!(close(&case.evaluate(&Interval).1, &gradient, 1e-12));
        prop_assert!(close(&case.evaluate(&Marginal).1, &gradient, 1e-12));
        let as_bounds = Imprecise {
            imprecision: case.imprecision.iter().zip(case.batch.proportions()).map(|(imprecision, z)| {
                let bounds = |(class, z): (usize, &f64)| if imprecision.is_unknown(class) { (0.0, 1.0) } else { (*z, *z) };
                let (low, high) = z.as_slice().iter().enumerate().map(bounds).unzip();
                Imprecision::Intervals { low, high }
            }).collect(),
            batch: case.batch,
        };
        prop_assert!(close(&as_bounds.evaluate(&Kl).1, &gradient, 1e-12));
        prop_assert!(close(&as_bounds.evaluate(&Interval).1, &gradient, 1e-12));
    }

    /// How the guess shares out what is unknown does not matter to any loss that takes unknown shares.
    #[test]
    fn the_guess_of_unknown_shares_does_not_matter(case in partial()) {
        let mut other = case.clone();
        for (counts, imprecision) in other.batch.counts.iter_mut().zip(&case.imprecision) {
            let unknown: Vec<usize> = (0..counts.len()).filter(|&class| imprecision.is_unknown(class)).collect();
            let sum: u32 = unknown.iter().map(|&class| counts[class]).sum();
            for (place, class) in unknown.into_iter().enumerate() {
                counts[class] = if place == 0 { sum } else { 0 };
            }
        }
        let losses: [&dyn BagLoss; 5] = [&Kl, &L1, &L2, &Interval, &Marginal];
        for loss in losses {
            let ((value, gradient), (others, of_others)) = (case.evaluate(loss), other.evaluate(loss));
            prop_assert!(close(&value, &others, 1e-12) && close(&gradient, &of_others, 1e-12), "{loss:?}");
        }
    }

    /// The marginal loss is minus the logarithm of a probability.
    #[test]
    fn the_marginal_loss_is_not_negative(case in prop_oneof![intervals(), noisy(), partial()]) {
        prop_assert!(case.evaluate(&Marginal).0.iter().all(|value| *value >= -1e-12));
    }
}

/// One instance of two classes whose share of the first is 0 or more by rounding to halves: only a certain count is
/// left, and the loss is the log-probability of its class.
#[test]
fn rounding_leaves_what_whole_counts_allow() {
    let (proportions, imprecision) = Imprecision::rounded(&[1.0, 0.0], 0.5).unwrap();
    let targets =
        BagTargets::new(vec![1], [&proportions]).unwrap().with_imprecision(vec![imprecision]).unwrap();
    let (marginal, _) = evaluate_targets(&Marginal, &[0.0, 0.0], &targets);
    assert!((marginal[0] - 2_f64.ln()).abs() < 1e-12);
    // The bounds of the first share are 0.75 and 1: the interval loss lets a quarter go.
    let (interval, _) = evaluate_targets(&Interval, &[0.0, 0.0], &targets);
    let expected = 0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln();
    assert!((interval[0] - expected).abs() < 1e-12);
}

/// Bounds that hold no whole counts are widened rather than impossible, and shares of another population do not end a
/// training.
#[test]
fn bounds_without_whole_counts_are_widened() {
    let narrow = Imprecision::Intervals { low: vec![0.3, 0.3, 0.3], high: vec![0.35, 0.35, 0.35] };
    let proportions = Proportions::new(vec![0.34, 0.33, 0.33]).unwrap();
    let targets = BagTargets::new(vec![2], [&proportions]).unwrap().with_imprecision(vec![narrow]).unwrap();
    let (value, gradient) = evaluate_targets(&Marginal, &[0.0; 6], &targets);
    // Counts of 0 or 1 in each of three classes that add up to 2: six of the nine ways.
    assert!(
        (value[0] + (6.0_f64 / 9.0).ln() / 2.0).abs() < 1e-12 && gradient.iter().all(|g| g.abs() < 1e-12)
    );
}

/// Losses refuse what they have no answer for, with those that do.
#[test]
fn what_has_no_answer_is_refused() {
    let (proportions, imprecision) = Imprecision::partial(&[Some(0.5), None, None]).unwrap();
    let targets = BagTargets::new(vec![2], [&proportions]).unwrap();
    let unknown = targets.clone().with_imprecision(vec![imprecision]).unwrap();
    let errors = Imprecision::StandardErrors(vec![0.1; 3]);
    let noisy = targets.clone().with_imprecision(vec![errors]).unwrap();
    let logits = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
    let message =
        |loss: &dyn BagLoss, targets: &BagTargets| loss.forward(&logits, targets).unwrap_err().to_string();
    let solver = RotSolver::Newton(NewtonConfig::SINGLE);
    let rot = Rot { config: RotConfig { alpha: 0.5, epsilon: 1.0, solver } };
    let losses: [&dyn BagLoss; 2] = [&AvgKl, &rot];
    for loss in losses {
        assert_eq!(
            message(loss, &unknown),
            format!(
                "the loss {} needs the share of every class, that of class 1 in bag 0 is unknown: kl, l1, l2, \
                 interval and marginal do without",
                loss.name()
            )
        );
        assert!(loss.forward(&logits, &noisy).is_ok(), "other errors are ignored");
    }
    assert_eq!(
        message(&Interval, &noisy),
        "the loss interval needs bounds of the shares, bag 0 has standard errors: the loss marginal takes them"
    );
    assert_eq!(
        targets.clone().with_imprecision(vec![]).unwrap_err().to_string(),
        "got what is known of the errors of 0 bags for 1 bags: every bag needs one"
    );
    let short = Imprecision::StandardErrors(vec![0.1]);
    assert_eq!(
        targets.with_imprecision(vec![short]).unwrap_err().to_string(),
        "bag 0: standard_errors has 1 entries, expected 3 ([class])"
    );
}

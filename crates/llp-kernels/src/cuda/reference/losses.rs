//! The losses of bags against their definition in double precision, ROT against `llp-ot`.

use llp_ot::{NewtonConfig, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient};
use proptest::prelude::*;

use super::super::calls::{BagArrays, Call};
use super::super::kind::Kind;
use super::{Numbers, assert_close, noise, run};
use crate::bag_loss::Sweeps;

#[derive(Clone, Debug)]
struct Case {
    sizes: Vec<usize>,
    n_classes: usize,
    logits: Vec<f32>,
    /// `[bag, class]`; some are 0.
    proportions: Vec<f32>,
}

fn cases() -> impl Strategy<Value = Case> {
    let extents = (proptest::collection::vec(1_usize..200, 1..4), 2_usize..15, 0.1_f32..6.0, 0_u64..1000);
    extents.prop_map(|(sizes, n_classes, scale, seed)| {
        let n: usize = sizes.iter().sum();
        let logits = noise(n * n_classes, seed).iter().map(|value| value * scale).collect();
        let mut proportions: Vec<f32> =
            noise(sizes.len() * n_classes, seed + 1).iter().map(|value| (value + 0.3).max(0.0)).collect();
        for shares in proportions.chunks_mut(n_classes) {
            shares[0] += 0.1;
            let total: f32 = shares.iter().sum();
            for share in shares {
                *share /= total;
            }
        }
        Case { sizes, n_classes, logits, proportions }
    })
}

/// Loss of each bag and gradient, by a kernel. Returns `None` without an emulator.
fn by_kernel(case: &Case, call: impl Fn(&BagArrays) -> Call) -> Option<(Vec<f32>, Vec<f32>)> {
    let mut starts = vec![0_u32];
    for size in &case.sizes {
        starts.push(starts[starts.len() - 1] + *size as u32);
    }
    let n: usize = case.sizes.iter().sum();
    let floats = |values: &[f32]| Numbers::new(Kind::F32, values);
    let room = |len: usize| Numbers::zeros(Kind::F32, len);
    let (mut logits, mut proportions) = (floats(&case.logits), floats(&case.proportions));
    let (mut loss, mut gradient) = (room(case.sizes.len()), room(case.logits.len()));
    let (mut normalizers, mut columns) = (room(n), room(n));
    let arrays = BagArrays {
        logits: logits.pointer(),
        starts: starts.as_ptr() as u64,
        proportions: proportions.pointer(),
        n_bags: case.sizes.len(),
        n_classes: case.n_classes,
        loss: loss.pointer(),
        gradient: gradient.pointer(),
        scratch: [normalizers.pointer(), columns.pointer()],
    };
    run([call(&arrays)]).then(|| (loss.values(), gradient.values()))
}

/// The bags of a case: logits and proportions in double precision.
fn bags(case: &Case) -> Vec<(Vec<f64>, Vec<f64>)> {
    let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let mut start = 0;
    let bag = |(index, size): (usize, &usize)| {
        let logits = wide(&case.logits[start * case.n_classes..(start + size) * case.n_classes]);
        start += size;
        (logits, wide(&case.proportions[index * case.n_classes..(index + 1) * case.n_classes]))
    };
    case.sizes.iter().enumerate().map(bag).collect()
}

fn probabilities(logits: &[f64], n_classes: usize) -> Vec<f64> {
    let of_row = |row: &[f64]| {
        let largest = row.iter().copied().fold(f64::MIN, f64::max);
        let powers: Vec<f64> = row.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(move |power| power / sum).collect::<Vec<_>>()
    };
    logits.chunks(n_classes).flat_map(of_row).collect()
}

fn kl(logits: &[f64], z: &[f64]) -> f64 {
    let (p, n) = (probabilities(logits, z.len()), (logits.len() / z.len()) as f64);
    let mean = |class: usize| p.iter().skip(class).step_by(z.len()).sum::<f64>() / n;
    -z.iter().enumerate().filter(|(_, z)| **z > 0.0).map(|(class, z)| z * mean(class).ln()).sum::<f64>()
}

fn avg_kl(logits: &[f64], z: &[f64]) -> f64 {
    let (p, n) = (probabilities(logits, z.len()), (logits.len() / z.len()) as f64);
    let terms = p.chunks(z.len()).flat_map(|row| row.iter().zip(z).filter(|(_, z)| **z > 0.0));
    -terms.map(|(p, z)| z * p.ln()).sum::<f64>() / n
}

/// Compares value and gradient with a definition and its differences.
fn compare(case: &Case, (loss, gradient): &(Vec<f32>, Vec<f32>), definition: fn(&[f64], &[f64]) -> f64) {
    const STEP: f64 = 1e-5;
    let mut start = 0;
    for (index, (logits, z)) in bags(case).into_iter().enumerate() {
        assert_close(&loss[index..=index], &[definition(&logits, &z) as f32], Kind::F32);
        // Differences of a few places: the first, the last, and some between.
        for place in (0..logits.len()).step_by(1 + logits.len() / 7).chain([logits.len() - 1]) {
            let moved = |by: f64| {
                let mut logits = logits.clone();
                logits[place] += by;
                definition(&logits, &z)
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert_close(&gradient[start + place..=start + place], &[slope as f32], Kind::F32);
        }
        start += logits.len();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Theorem: KL is its definition, and its gradient the limit of its differences.
    #[test]
    fn kl_is_its_definition(case in cases()) {
        if let Some(results) = by_kernel(&case, BagArrays::kl) {
            compare(&case, &results, kl);
        }
    }

    /// Theorem: so is AvgKL.
    #[test]
    fn avg_kl_is_its_definition(case in cases()) {
        if let Some(results) = by_kernel(&case, BagArrays::avg_kl) {
            compare(&case, &results, avg_kl);
        }
    }

    /// Theorem: sweeps to a small residual give the optimum that Newton's method finds; a fixed number of sweeps is
    /// that of the reference.
    #[test]
    fn rot_is_that_of_the_solver(case in cases(), alpha in 0.1_f64..0.95, epsilon in 0.3_f64..3.0, n_iters in 1_usize..6) {
        let until = Sweeps::Until { residual: 1e-6, at_most: 2000 };
        let newton = RotSolver::Newton(NewtonConfig::SINGLE);
        for (sweeps, solver) in [(until, newton), (Sweeps::Fixed(n_iters), RotSolver::Sinkhorn { n_iters })] {
            let by_sweeps = |arrays: &BagArrays| arrays.rot(alpha as f32, epsilon as f32, sweeps);
            let Some((loss, gradient)) = by_kernel(&case, by_sweeps) else { continue };
            let config = RotConfig { alpha, epsilon, solver };
            let batch = RotBatch {
                logits: &case.logits[..],
                bag_sizes: &case.sizes,
                proportions: &case.proportions,
                n_classes: case.n_classes,
            };
            let (mut expected, mut expected_gradient) =
                (vec![0.0_f32; loss.len()], vec![0.0_f32; gradient.len()]);
            rot_loss_and_gradient(&batch, &config, &mut expected, &mut expected_gradient).unwrap();
            assert_close(&loss, &expected, Kind::F32);
            assert_close(&gradient, &expected_gradient, Kind::F32);
        }
    }
}

/// The gradients of bags are scaled each by its own factor.
#[test]
fn gradients_are_scaled_by_bag() {
    let (starts, factors) = ([0_u32, 2, 5], [2.0, -1.0]);
    let values: Vec<f32> = (0..15).map(|i| i as f32).collect();
    let (mut gradient, mut of_bags, mut scaled) =
        (Numbers::new(Kind::F32, &values), Numbers::new(Kind::F32, &factors), Numbers::zeros(Kind::F32, 15));
    let arrays = BagArrays {
        logits: 0,
        starts: starts.as_ptr() as u64,
        proportions: 0,
        n_bags: 2,
        n_classes: 3,
        loss: 0,
        gradient: gradient.pointer(),
        scratch: [0; 2],
    };
    if run([arrays.scale(of_bags.pointer(), scaled.pointer())]) {
        let expected: Vec<f32> =
            values.iter().enumerate().map(|(i, value)| if i < 6 { 2.0 * value } else { -value }).collect();
        assert_eq!(scaled.values(), expected);
    }
}

//! No logits, proportions or parameters make a NaN, in either precision, with either solver; what is refused is
//! reported.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use llp_ot::{NewtonConfig, OtError, Proportions, Real, RotBatch, RotConfig, RotSolver, assign, rot_loss_and_gradient};

#[derive(Arbitrary, Debug)]
struct Input {
    logits: Vec<f64>,
    counts: [u8; 5],
    n_classes: u8,
    alpha: f64,
    epsilon: f64,
    sweeps: bool,
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = Input::arbitrary(&mut Unstructured::new(bytes)) else { return };
    check::<f64>(&input);
    check::<f32>(&input);
});

fn check<T: Real>(input: &Input) {
    let k = 1 + usize::from(input.n_classes) % input.counts.len();
    let counts: Vec<u32> = input.counts[..k].iter().map(|&count| count.into()).collect();
    let Ok(proportions) = Proportions::from_counts(&counts) else { return };
    let z: Vec<T> = proportions.as_slice().iter().map(|&share| T::from_f64(share)).collect();
    let n = (input.logits.len() / k).min(40);
    let logits: Vec<T> = input.logits[..n * k].iter().map(|&logit| T::from_f64(logit)).collect();
    let config = NewtonConfig { max_iterations: 50, ..NewtonConfig::DOUBLE };
    let solver = if input.sweeps { RotSolver::Sinkhorn { n_iters: 5 } } else { RotSolver::Newton(config) };
    let config = RotConfig { alpha: input.alpha, epsilon: input.epsilon, solver };
    let batch = RotBatch { logits: &logits, bag_sizes: &[n], proportions: &z, n_classes: k };
    let (mut loss, mut gradient) = ([T::ZERO], vec![T::ZERO; n * k]);
    match rot_loss_and_gradient(&batch, &config, &mut loss, &mut gradient) {
        Ok(report) => {
            assert!(!loss[0].to_f64().is_nan(), "{report:?}");
            assert!(gradient.iter().all(|g| g.to_f64().is_finite()), "{report:?}");
            let cost: Vec<f64> = logits.iter().map(|logit| -logit.to_f64()).collect();
            let labels = assign(&cost, &proportions.largest_remainder_counts(n as u32)).expect("the same costs");
            assert_eq!(labels.labels.len(), n);
        }
        Err(error) => drop(OtError::to_string(&error)),
    }
}

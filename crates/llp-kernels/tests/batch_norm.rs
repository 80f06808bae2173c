//! Batch norm against its definition, and its gradients against finite differences of that definition.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reference;

use candle_core::{Device, Tensor, Var};
use llp_kernels::{Activation, Activations, BatchNorm, Mode};
use proptest::prelude::*;
use reference::{assert_close, noise};

/// Single precision; the inputs are of order 1.
const TOLERANCE: f64 = 1e-5;

struct Case {
    rows: usize,
    channels: usize,
    x: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    weights: Vec<f32>,
}

fn case(rows: usize, channels: usize, seed: u64) -> Case {
    // Channel means away from zero are what makes a careless variance lose its digits.
    let x = noise(rows * channels, seed)
        .iter()
        .enumerate()
        .map(|(i, v)| v + 3.0 * (i % channels % 5) as f32)
        .collect();
    Case {
        rows,
        channels,
        x,
        gamma: noise(channels, seed + 1).iter().map(|v| v + 1.5).collect(),
        beta: noise(channels, seed + 2),
        weights: noise(rows * channels, seed + 3),
    }
}

fn layer(case: &Case) -> BatchNorm {
    let norm = BatchNorm::new(case.channels, &Device::Cpu).unwrap();
    norm.gamma().set(&Tensor::new(case.gamma.clone(), &Device::Cpu).unwrap()).unwrap();
    norm.beta().set(&Tensor::new(case.beta.clone(), &Device::Cpu).unwrap()).unwrap();
    norm
}

/// Mean and biased variance of each channel.
fn moments(case: &Case, x: &[f64]) -> Vec<(f64, f64)> {
    (0..case.channels)
        .map(|c| {
            let column = || x.iter().skip(c).step_by(case.channels);
            let mean = column().sum::<f64>() / case.rows as f64;
            (mean, column().map(|v| (v - mean).powi(2)).sum::<f64>() / case.rows as f64)
        })
        .collect()
}

fn definition(
    case: &Case,
    parameters: &[f64],
    statistics: Option<&[(f64, f64)]>,
    activation: Activation,
) -> Vec<f64> {
    let (x, rest) = parameters.split_at(case.rows * case.channels);
    let (gamma, beta) = rest.split_at(case.channels);
    let own = moments(case, x);
    let statistics = statistics.unwrap_or(&own);
    x.iter()
        .enumerate()
        .map(|(i, x)| {
            let (c, (mean, variance)) = (i % case.channels, statistics[i % case.channels]);
            let y = (x - mean) / (variance + 1e-5).sqrt() * gamma[c] + beta[c];
            if activation == Activation::Relu { y.max(0.0) } else { y }
        })
        .collect()
}

fn parameters(case: &Case) -> Vec<f64> {
    [&case.x, &case.gamma, &case.beta].into_iter().flatten().map(|v| f64::from(*v)).collect()
}

/// On tensors, as this crate's users have them.
fn apply(norm: &BatchNorm, x: &Tensor, mode: Mode, activation: Activation) -> candle_core::Result<Tensor> {
    norm.forward(&Activations::from_tensor(x)?, mode, activation)?.to_tensor()
}

fn forward(case: &Case, norm: &BatchNorm, mode: Mode, activation: Activation) -> (Var, Tensor) {
    let x = Var::from_vec(case.x.clone(), (case.rows, 1, 1, case.channels), &Device::Cpu).unwrap();
    let y = apply(norm, &x, mode, activation).unwrap();
    (x, y)
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Training normalizes with the batch's own statistics, evaluation with the running ones.
    #[test]
    fn batch_norm_agrees_with_its_definition(
        rows in 2_usize..600, channels in 1_usize..80, seed in 1_u64..1000, relu: bool,
    ) {
        let activation = if relu { Activation::Relu } else { Activation::Identity };
        let case = case(rows, channels, seed);
        let norm = layer(&case);
        let (_, y) = forward(&case, &norm, Mode::Train, activation);
        let expected = definition(&case, &parameters(&case), None, activation);
        assert_close("training", &values(&y), &expected, 10.0, TOLERANCE);

        let running: Vec<(f64, f64)> = values(norm.running_mean())
            .iter()
            .zip(values(norm.running_variance()))
            .map(|(mean, variance)| (f64::from(*mean), f64::from(variance)))
            .collect();
        let (_, y) = forward(&case, &norm, Mode::Evaluate, activation);
        let expected = definition(&case, &parameters(&case), Some(&running), activation);
        let scale = expected.iter().fold(1.0_f64, |max, v| max.max(v.abs()));
        assert_close("evaluation", &values(&y), &expected, 10.0 * scale, TOLERANCE);
    }

    /// The running statistics move a tenth of the way to the batch's mean and unbiased variance.
    #[test]
    fn running_statistics_follow_the_batches(rows in 2_usize..300, channels in 1_usize..20, seed in 1_u64..1000) {
        let case = case(rows, channels, seed);
        let norm = layer(&case);
        forward(&case, &norm, Mode::Train, Activation::Identity);
        let x: Vec<f64> = case.x.iter().map(|v| f64::from(*v)).collect();
        let unbiased = rows as f64 / (rows as f64 - 1.0);
        let (mean, variance): (Vec<f64>, Vec<f64>) =
            moments(&case, &x).iter().map(|(m, v)| (0.1 * m, 0.9 + 0.1 * v * unbiased)).unzip();
        assert_close("mean", &values(norm.running_mean()), &mean, 60.0, TOLERANCE);
        assert_close("variance", &values(norm.running_variance()), &variance, 10.0, TOLERANCE);
    }

    /// A preview has the bits of training, moves no running statistics and is not tracked through the parameters.
    #[test]
    fn a_preview_is_training_without_traces(rows in 2_usize..300, channels in 1_usize..20, seed in 1_u64..1000) {
        let case = case(rows, channels, seed);
        let norm = layer(&case);
        let before = values(norm.running_mean());
        let (_, preview) = forward(&case, &norm, Mode::Preview, Activation::Relu);
        prop_assert_eq!(values(norm.running_mean()), before);
        let gradients = preview.sum_all().unwrap().backward().unwrap();
        prop_assert!(gradients.get(norm.gamma()).is_none());
        let (_, trained) = forward(&case, &norm, Mode::Train, Activation::Relu);
        prop_assert_eq!(values(&preview), values(&trained));
    }

    /// Training aside has the bits and the gradients of training, and moves no running statistics.
    #[test]
    fn training_aside_leaves_the_running_statistics(
        rows in 2_usize..300, channels in 1_usize..20, seed in 1_u64..1000,
    ) {
        let case = case(rows, channels, seed);
        let norm = layer(&case);
        let before = (values(norm.running_mean()), values(norm.running_variance()));
        let gradients = [Mode::TrainAside, Mode::Train].map(|mode| {
            let (_, y) = forward(&case, &norm, mode, Activation::Relu);
            if mode == Mode::TrainAside {
                let after = (values(norm.running_mean()), values(norm.running_variance()));
                assert_eq!(after, before);
            }
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let of = |parameter: &Var| values(gradients.get(parameter).unwrap());
            (values(&y), of(norm.gamma()), of(norm.beta()))
        });
        prop_assert_eq!(&gradients[0], &gradients[1]);
        prop_assert_ne!(values(norm.running_mean()), before.0);
    }

    /// The gradients of `sum(weights y)` are the central differences of the definition, in double precision.
    #[test]
    fn gradients_are_the_differences_of_the_definition(
        rows in 2_usize..12, channels in 1_usize..4, seed in 1_u64..1000, relu: bool, train: bool,
    ) {
        let activation = if relu { Activation::Relu } else { Activation::Identity };
        let mode = if train { Mode::Train } else { Mode::Evaluate };
        let case = case(rows, channels, seed);
        let norm = layer(&case);
        let (x, y) = forward(&case, &norm, mode, activation);
        // Skip inputs so close to ReLU's kink that a difference would straddle it.
        let statistics = (!train).then(|| vec![(0.0, 1.0); channels]);
        let plain = definition(&case, &parameters(&case), statistics.as_deref(), Activation::Identity);
        prop_assume!(!relu || plain.iter().all(|v| v.abs() > 1e-3));

        let weights = Tensor::from_vec(case.weights.clone(), y.shape(), &Device::Cpu).unwrap();
        let gradients = y.mul(&weights).unwrap().sum_all().unwrap().backward().unwrap();
        let mut got = values(gradients.get(&x).unwrap());
        if train {
            got.extend(values(gradients.get(norm.gamma()).unwrap()));
            got.extend(values(gradients.get(norm.beta()).unwrap()));
        } else {
            prop_assert!(gradients.get(norm.gamma()).is_none(), "evaluation treats parameters as constants");
        }
        let objective = |parameters: &[f64]| -> f64 {
            let y = definition(&case, parameters, statistics.as_deref(), activation);
            y.iter().zip(&case.weights).map(|(y, w)| y * f64::from(*w)).sum()
        };
        let at = parameters(&case);
        let expected: Vec<f64> = (0..got.len())
            .map(|i| {
                let moved = |step: f64| { let mut at = at.clone(); at[i] += step; objective(&at) };
                (moved(1e-5) - moved(-1e-5)) / 2e-5
            })
            .collect();
        // Two rows may be nearly equal, then the gradient is large: compare on its own scale.
        let scale = expected.iter().fold(1.0_f64, |max, v| max.max(v.abs()));
        assert_close("gradient", &got, &expected, scale, 1e-3);
    }
}

/// A mean a thousand times the deviation does not cost the variance its digits.
#[test]
fn a_large_mean_does_not_spoil_the_variance() {
    let mut case = case(5000, 3, 9);
    case.x.iter_mut().for_each(|v| *v += 1000.0);
    let norm = layer(&case);
    let (_, y) = forward(&case, &norm, Mode::Train, Activation::Identity);
    let expected = definition(&case, &parameters(&case), None, Activation::Identity);
    // The inputs themselves are rounded to 6e-5; divided by a deviation of 0.58.
    assert_close("y", &values(&y), &expected, 10.0, 5e-5);
}

/// ReLU's gradient at exactly 0 is 0, as in PyTorch.
#[test]
fn the_gradient_of_relu_at_zero_is_zero() {
    let norm = BatchNorm::new(1, &Device::Cpu).unwrap();
    let x = Var::from_vec(vec![0.0_f32, 0.0], (2, 1, 1, 1), &Device::Cpu).unwrap();
    let y = apply(&norm, &x, Mode::Evaluate, Activation::Relu).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert_eq!(values(gradients.get(&x).unwrap()), [0.0, 0.0]);
}

/// One row has no variance; a NaN is not hidden by the ReLU.
#[test]
fn degenerate_batches() {
    let norm = BatchNorm::new(2, &Device::Cpu).unwrap();
    let row = Tensor::new(&[[[[1.0_f32, 2.0]]]], &Device::Cpu).unwrap();
    let error = apply(&norm, &row, Mode::Train, Activation::Relu).unwrap_err().to_string();
    assert!(error.contains("at least two values per channel"), "{error}");
    assert!(apply(&norm, &row, Mode::Evaluate, Activation::Relu).is_ok());
    let nan = Tensor::new(&[[[[f32::NAN, 2.0]]], [[[1.0, 1.0]]]], &Device::Cpu).unwrap();
    let y = values(&apply(&norm, &nan, Mode::Evaluate, Activation::Relu).unwrap());
    assert!(y[0].is_nan() && y[1].is_finite());
}

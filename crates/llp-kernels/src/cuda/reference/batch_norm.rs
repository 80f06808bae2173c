//! Batch norm against `crate::cpu::batch_norm`.

use proptest::prelude::*;

use super::super::calls::{Matrix, Normalizer, Running, inverse_deviation};
use super::super::kind::Kind;
use super::{Numbers, assert_close, noise, rounded, run};
use crate::batch_norm::BatchNormConfig;
use crate::cpu::batch_norm::Normalization;
use crate::cpu::statistics::statistics;
use crate::mode::Activation;

const EPSILON: f32 = BatchNormConfig::PYTORCH.epsilon as f32;

fn kinds() -> impl Strategy<Value = Kind> {
    proptest::sample::select(&Kind::ALL[..])
}

/// Channels far from zero are what makes a careless variance lose its digits.
fn input(rows: usize, channels: usize, seed: u64, kind: Kind) -> Vec<f32> {
    let far = |(i, value): (usize, &f32)| value + 3.0 * (i % channels % 5) as f32;
    let values: Vec<f32> = noise(rows * channels, seed).iter().enumerate().map(far).collect();
    rounded(kind, &values)
}

/// Floats `[channel]` as kernels see them.
fn floats(values: &[f32]) -> Numbers {
    Numbers::new(Kind::F32, values)
}

fn room(len: usize) -> Numbers {
    Numbers::zeros(Kind::F32, len)
}

struct Parameters {
    mean: Vec<f32>,
    inverse_deviation: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

impl Parameters {
    fn new(x: &[f32], channels: usize, seed: u64) -> Self {
        let statistics = statistics(x, channels);
        Self {
            inverse_deviation: statistics.inverse_deviation(EPSILON),
            mean: statistics.mean,
            gamma: noise(channels, seed + 1).iter().map(|value| value + 1.5).collect(),
            beta: noise(channels, seed + 2),
        }
    }

    fn normalization(&self, relu: bool) -> Normalization<'_> {
        let Self { mean, inverse_deviation, gamma, beta } = self;
        let activation = if relu { Activation::Relu } else { Activation::Identity };
        Normalization { mean, inverse_deviation, gamma, beta, activation }
    }

    fn numbers(&self) -> [Numbers; 4] {
        [&self.mean, &self.inverse_deviation, &self.gamma, &self.beta].map(|values| floats(values))
    }
}

fn normalizer(numbers: &mut [Numbers; 4]) -> Normalizer {
    let [mean, inverse_deviation, gamma, beta] = numbers.each_mut().map(Numbers::pointer);
    Normalizer { mean, inverse_deviation, gamma, beta }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Theorem: mean, deviation and running statistics are those of the reference, whatever the slabs.
    #[test]
    fn statistics_are_those_of_the_reference(
        kind in kinds(), rows in 2_usize..700, channels in 1_usize..70, seed in 0_u64..1000, moves in any::<bool>(),
    ) {
        let x = input(rows, channels, seed, kind);
        let extents = Matrix { kind, rows, channels };
        let of_slabs = extents.n_slabs() * channels;
        let (mut numbers, mut means, mut squares) = (Numbers::new(kind, &x), room(of_slabs), room(of_slabs));
        let (mut mean, mut inverse) = (room(channels), room(channels));
        let (before, spread) = (noise(channels, seed + 5), vec![1.0; channels]);
        let (mut running_mean, mut running_variance) = (floats(&before), floats(&spread));
        let slabs = (means.pointer(), squares.pointer());
        let running = moves.then(|| Running {
            mean: running_mean.pointer(), variance: running_variance.pointer(), momentum: 0.1,
        });
        let calls = [
            extents.moments(numbers.pointer(), slabs.0, slabs.1),
            extents.finish(slabs, EPSILON, (mean.pointer(), inverse.pointer()), running),
        ];
        if run(calls) {
            let reference = statistics(&x, channels);
            assert_close(&mean.values(), &reference.mean, Kind::F32);
            assert_close(&inverse.values(), &reference.inverse_deviation(EPSILON), Kind::F32);
            let unbiased = rows as f32 / (rows as f32 - 1.0);
            let moved = |old: f32, new: f32| if moves { old + 0.1 * (new - old) } else { old };
            let expected: Vec<f32> = before.iter().zip(&reference.mean).map(|(old, new)| moved(*old, *new)).collect();
            assert_close(&running_mean.values(), &expected, Kind::F32);
            let expected: Vec<f32> = reference.variance.iter().map(|new| moved(1.0, new * unbiased)).collect();
            assert_close(&running_variance.values(), &expected, Kind::F32);
        }
    }

    /// Theorem: the result is that of the reference, with and without residual and ReLU.
    #[test]
    fn results_are_those_of_the_reference(
        kind in kinds(), rows in 2_usize..300, channels in 1_usize..70, seed in 0_u64..1000,
        relu in any::<bool>(), adds in any::<bool>(),
    ) {
        let x = input(rows, channels, seed, kind);
        let residual = rounded(kind, &noise(x.len(), seed + 3));
        let parameters = Parameters::new(&x, channels, seed);
        let (mut of_x, mut of_residual) = (Numbers::new(kind, &x), Numbers::new(kind, &residual));
        let (mut y, mut at) = (Numbers::zeros(kind, x.len()), parameters.numbers());
        let from = if adds { of_residual.pointer() } else { 0 };
        let extents = Matrix { kind, rows, channels };
        if run([extents.apply(normalizer(&mut at), of_x.pointer(), from, y.pointer(), relu)]) {
            let mut expected = vec![0.0; x.len()];
            parameters.normalization(relu).forward(&x, adds.then_some(&residual[..]), &mut expected);
            assert_close(&y.values(), &expected, kind);
        }
    }

    /// Theorem: the gradients of input, residual and parameters are those of the reference.
    #[test]
    fn gradients_are_those_of_the_reference(
        kind in kinds(), rows in 2_usize..300, channels in 1_usize..70, seed in 0_u64..1000,
        relu in any::<bool>(), adds in any::<bool>(), from_batch in any::<bool>(),
    ) {
        let x = input(rows, channels, seed, kind);
        let gradient = rounded(kind, &noise(x.len(), seed + 4));
        let parameters = Parameters::new(&x, channels, seed);
        let norm = parameters.normalization(relu);
        let mut y = vec![0.0; x.len()];
        norm.forward(&x, adds.then_some(&noise(x.len(), seed + 3)[..]), &mut y);
        let y = rounded(kind, &y);

        let extents = Matrix { kind, rows, channels };
        let of_slabs = extents.n_slabs() * channels;
        let (mut plain, mut centered, mut of_gamma, mut of_beta) =
            (room(of_slabs), room(of_slabs), room(channels), room(channels));
        let (mut of_x, mut of_y) = (Numbers::new(kind, &x), Numbers::new(kind, &y));
        let (mut sent, mut apart) = (Numbers::new(kind, &gradient), Numbers::zeros(kind, x.len()));
        let mut numbers = parameters.numbers();
        let at = normalizer(&mut numbers);
        let (slabs, of_parameters) = ((plain.pointer(), centered.pointer()), (of_gamma.pointer(), of_beta.pointer()));
        let is_cut = adds && relu;
        let from = (of_x.pointer(), if is_cut { of_y.pointer() } else { 0 }, sent.pointer());
        let into = if adds { apart.pointer() } else { sent.pointer() };
        let calls = [
            extents.sums(at, from, slabs, relu),
            extents.parameters(slabs, at.inverse_deviation, of_parameters),
            extents.input_gradient(at, (from.0, from.2, into), of_parameters, relu && !is_cut, from_batch),
        ];
        if run(calls) {
            let (mut expected, mut expected_apart) = (gradient.clone(), vec![0.0; x.len()]);
            let of_reference = if adds {
                norm.backward_residual((&x, &y), &mut expected, &mut expected_apart, from_batch)
            } else {
                norm.backward(&x, &mut expected, from_batch)
            };
            assert_close(&sent.values(), &expected, kind);
            if adds {
                assert_close(&apart.values(), &expected_apart, kind);
            }
            assert_close(&of_gamma.values(), &of_reference.gamma, kind);
            assert_close(&of_beta.values(), &of_reference.beta, kind);
        }
    }
}

/// The deviation of running statistics.
#[test]
fn running_deviation_is_inverted() {
    let variance = [0.0, 1.0, 4.0, 1e-5];
    let (mut from, mut to) = (floats(&variance), room(4));
    if run([inverse_deviation(from.pointer(), to.pointer(), EPSILON, 4)]) {
        let expected: Vec<f32> = variance.iter().map(|variance| 1.0 / (variance + EPSILON).sqrt()).collect();
        assert_close(&to.values(), &expected, Kind::F32);
    }
}

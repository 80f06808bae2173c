//! Steps of the optimizers.

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use proptest::prelude::*;

use super::super::calls;
use super::super::kind::Kind;
use super::{Numbers, assert_close, noise, run};
use crate::adamw::AdamStep;
use crate::{AdamW, AdamWConfig, Sgd, SgdConfig};

/// Numbers for parameters of these lengths.
fn numbers(lens: &[usize], seed: u64) -> Vec<Vec<f32>> {
    lens.iter().enumerate().map(|(i, len)| noise(*len, seed + i as u64)).collect()
}

fn squared(values: &[Vec<f32>]) -> Vec<Vec<f32>> {
    values.iter().map(|values| values.iter().map(|value| value * value).collect()).collect()
}

/// The same, as a kernel sees them.
fn in_kernel(values: &[Vec<f32>]) -> Vec<Numbers> {
    values.iter().map(|values| Numbers::new(Kind::F32, values)).collect()
}

fn tensors(values: &[Vec<f32>]) -> Vec<Tensor> {
    values.iter().map(|values| Tensor::new(values.as_slice(), &Device::Cpu).unwrap()).collect()
}

/// Weights and gradients as the references take them.
fn variables(weights: &[Vec<f32>], gradients: &[Vec<f32>]) -> (Vec<Var>, GradStore) {
    let vars: Vec<Var> = tensors(weights).iter().map(|tensor| Var::from_tensor(tensor).unwrap()).collect();
    let mut store = GradStore::default();
    for (var, gradient) in vars.iter().zip(tensors(gradients)) {
        store.insert(var, gradient);
    }
    (vars, store)
}

fn assert_equal(got: &[Numbers], expected: &[&Tensor]) {
    for (got, expected) in got.iter().zip(expected) {
        assert_close(&got.values(), &expected.to_vec1::<f32>().unwrap(), Kind::F32);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Theorem: a step of all parameters is that of the reference for each.
    #[test]
    fn sgd_steps_as_its_reference(lens in proptest::collection::vec(1_usize..3000, 1..4), seed in 0_u64..1000) {
        let config = SgdConfig { momentum: 0.9, weight_decay: 0.05, nesterov: false };
        let (weights, velocities, gradients) =
            (numbers(&lens, seed + 10), numbers(&lens, seed + 20), numbers(&lens, seed + 30));
        let (mut w, mut v, mut g) = (in_kernel(&weights), in_kernel(&velocities), in_kernel(&gradients));
        let mut table = Vec::new();
        for (i, len) in lens.iter().enumerate() {
            let addresses = [w[i].pointer(), v[i].pointer(), g[i].pointer()];
            table.extend(calls::sgd_parameter(addresses, *len, if i == 0 { 0.05 } else { 0.0 }));
        }
        let longest = lens.iter().copied().max().unwrap();
        if run([calls::sgd_step(table.as_ptr() as u64, lens.len(), longest, 0.9, 0.1)]) {
            let (vars, store) = variables(&weights, &gradients);
            let mut sgd = Sgd::new(vars[..1].to_vec(), vars[1..].to_vec(), config).unwrap();
            sgd.set_velocities(&tensors(&velocities)).unwrap();
            sgd.step(&store, 0.1).unwrap();
            assert_equal(&w, &vars.iter().map(Var::as_tensor).collect::<Vec<_>>());
            assert_equal(&v, &sgd.velocities().collect::<Vec<_>>());
        }
    }

    /// Theorem: so is one of AdamW.
    #[test]
    fn adamw_steps_as_its_reference(
        lens in proptest::collection::vec(1_usize..3000, 1..4),
        steps_before in 0_u64..50,
        seed in 0_u64..1000,
    ) {
        let config = AdamWConfig { weight_decay: 0.5, ..AdamWConfig::default() };
        let (weights, first, gradients) =
            (numbers(&lens, seed + 10), numbers(&lens, seed + 20), numbers(&lens, seed + 30));
        let second = squared(&numbers(&lens, seed + 40));
        let (mut w, mut m) = (in_kernel(&weights), in_kernel(&first));
        let (mut v, mut g) = (in_kernel(&second), in_kernel(&gradients));
        let mut table = Vec::new();
        for (i, len) in lens.iter().enumerate() {
            let addresses = [w[i].pointer(), m[i].pointer(), v[i].pointer(), g[i].pointer()];
            table.extend(calls::adamw_parameter(addresses, *len, if i == 0 { 0.95 } else { 1.0 }));
        }
        let longest = lens.iter().copied().max().unwrap();
        let unbiased = |beta: f64| 1.0 - beta.powf((steps_before + 1) as f64);
        let step = AdamStep {
            rate: (0.1 / unbiased(0.9)) as f32,
            root_scale: (1.0 / unbiased(0.999).sqrt()) as f32,
            epsilon: 1e-8,
        };
        if run([calls::adamw_step(table.as_ptr() as u64, lens.len(), longest, [0.9, 0.999], step)]) {
            let (vars, store) = variables(&weights, &gradients);
            let mut adamw = AdamW::new(vars[..1].to_vec(), vars[1..].to_vec(), config).unwrap();
            let moments = tensors(&first).into_iter().zip(tensors(&second)).map(|(m, v)| [m, v]);
            adamw.set_moments(&moments.collect::<Vec<_>>(), steps_before).unwrap();
            adamw.step(&store, 0.1).unwrap();
            assert_equal(&w, &vars.iter().map(Var::as_tensor).collect::<Vec<_>>());
            assert_equal(&m, &adamw.moments().map(|[first, _]| first).collect::<Vec<_>>());
            assert_equal(&v, &adamw.moments().map(|[_, second]| second).collect::<Vec<_>>());
        }
    }
}

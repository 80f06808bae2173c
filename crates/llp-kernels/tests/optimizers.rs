//! The optimizers against their recurrences and against PyTorch.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reference;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var, safetensors};
use llp_kernels::{AdamW, AdamWConfig, Sgd, SgdConfig};
use proptest::prelude::*;
use reference::{assert_close, noise};

fn var(values: &[f32]) -> Var {
    Var::from_slice(values, values.len(), &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.to_vec1().unwrap()
}

fn wide(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// Every weight with this gradient.
fn gradients(weights: &[&Var], gradient: &[f32]) -> GradStore {
    let mut store = GradStore::default();
    for weight in weights {
        store.insert(weight, Tensor::from_vec(gradient.to_vec(), gradient.len(), &Device::Cpu).unwrap());
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Momentum and weight decay follow PyTorch's recurrence; undecayed weights follow it without decay, and
    /// weights without a gradient stay where they are.
    #[test]
    fn sgd_follows_its_recurrence(len in 1_usize..200, momentum in 0.0_f64..0.99, decay in 0.0_f64..0.1, seed in 1_u64..99) {
        let (decayed, undecayed) = (var(&noise(len, seed)), var(&noise(len, seed + 1)));
        let idle = var(&noise(len, seed + 2));
        let before = values(&idle);
        let config = SgdConfig { momentum, weight_decay: decay, nesterov: false };
        let mut sgd = Sgd::new([decayed.clone(), idle.clone()], [undecayed.clone()], config).unwrap();
        let mut expected = [wide(&decayed), wide(&undecayed)];
        let mut velocity = [vec![0.0; len], vec![0.0; len]];
        for step in 0..4 {
            let gradient = noise(len, seed + 10 + step);
            sgd.step(&gradients(&[&decayed, &undecayed], &gradient), 0.1).unwrap();
            for (which, decay) in [decay, 0.0].into_iter().enumerate() {
                for i in 0..len {
                    let w = &mut expected[which][i];
                    velocity[which][i] = momentum * velocity[which][i] + f64::from(gradient[i]) + decay * *w;
                    *w -= 0.1 * velocity[which][i];
                }
            }
        }
        assert_close("decayed", &values(&decayed), &expected[0], 1.0, 1e-5);
        assert_close("undecayed", &values(&undecayed), &expected[1], 1.0, 1e-5);
        prop_assert_eq!(values(&idle), before);
    }

    /// AdamW follows its definition, in double precision; undecayed weights without decay, and weights without a gradient
    /// stay where they are.
    #[test]
    fn adamw_follows_its_recurrence(
        len in 1_usize..200,
        beta1 in 0.0_f64..0.99,
        beta2 in 0.5_f64..0.9999,
        weight_decay in 0.0_f64..1.0,
        seed in 1_u64..99,
    ) {
        let (decayed, undecayed) = (var(&noise(len, seed)), var(&noise(len, seed + 1)));
        let idle = var(&noise(len, seed + 2));
        let before = values(&idle);
        let config = AdamWConfig { beta1, beta2, epsilon: 1e-3, weight_decay };
        let mut adamw = AdamW::new([decayed.clone(), idle.clone()], [undecayed.clone()], config).unwrap();
        let mut expected = [wide(&decayed), wide(&undecayed)];
        let (mut first, mut second) = (vec![0.0; len], vec![0.0; len]);
        for step in 1..5 {
            let (gradient, lr) = (noise(len, seed + 10 + step as u64), 0.1 / f64::from(step));
            adamw.step(&gradients(&[&decayed, &undecayed], &gradient), lr).unwrap();
            for i in 0..len {
                let g = f64::from(gradient[i]);
                first[i] = beta1 * first[i] + (1.0 - beta1) * g;
                second[i] = beta2 * second[i] + (1.0 - beta2) * g * g;
                let root = (second[i] / (1.0 - beta2.powi(step))).sqrt();
                let descent = lr * first[i] / (1.0 - beta1.powi(step)) / (root + 1e-3);
                expected[0][i] = expected[0][i] * (1.0 - lr * weight_decay) - descent;
                expected[1][i] -= descent;
            }
        }
        assert_close("decayed", &values(&decayed), &expected[0], 1.0, 2e-5);
        assert_close("undecayed", &values(&undecayed), &expected[1], 1.0, 2e-5);
        prop_assert_eq!(values(&idle), before);
    }

    /// Gradients times any number give the same steps of AdamW, up to epsilon: what a loss of bags needs, whose gradients
    /// shrink with the size of the bags.
    #[test]
    fn adamw_does_not_see_the_scale_of_gradients(len in 1_usize..50, power in -4_i32..9, seed in 1_u64..99) {
        let (weight, scaled) = (var(&noise(len, seed)), var(&noise(len, seed)));
        let config = AdamWConfig { epsilon: 1e-20, ..AdamWConfig::default() };
        let start = |weight: &Var| AdamW::new([weight.clone()], [], config).unwrap();
        let (mut one, mut other) = (start(&weight), start(&scaled));
        for step in 0..5 {
            let gradient = noise(len, seed + 10 + step);
            let times: Vec<f32> = gradient.iter().map(|g| g * 10.0_f32.powi(power)).collect();
            one.step(&gradients(&[&weight], &gradient), 0.01).unwrap();
            other.step(&gradients(&[&scaled], &times), 0.01).unwrap();
        }
        assert_close("scaled", &values(&scaled), &wide(&weight), 1.0, 1e-4);
    }
}

/// Velocities carry the whole state of SGD: restored, training goes on bit for bit.
#[test]
fn velocities_restore_sgd() {
    let config = SgdConfig { momentum: 0.9, weight_decay: 0.01, nesterov: false };
    let weight = var(&noise(40, 1));
    let step = |sgd: &mut Sgd, weight: &Var| {
        sgd.step(&weight.sqr().unwrap().sum_all().unwrap().backward().unwrap(), 0.05).unwrap();
    };
    let mut sgd = Sgd::new([weight.clone()], [], config).unwrap();
    step(&mut sgd, &weight);
    let saved: Vec<Tensor> = sgd.velocities().map(|v| v.copy().unwrap()).collect();
    let copy = Var::from_tensor(&weight.copy().unwrap()).unwrap();
    step(&mut sgd, &weight);
    let mut restored = Sgd::new([copy.clone()], [], config).unwrap();
    restored.set_velocities(&saved).unwrap();
    step(&mut restored, &copy);
    assert_eq!(values(&weight), values(&copy));
    assert!(restored.set_velocities(&[]).is_err());
}

/// Moments and the number of steps carry the whole state of AdamW: restored, training goes on bit for bit.
#[test]
fn moments_restore_adamw() {
    let config = AdamWConfig { weight_decay: 0.01, ..AdamWConfig::default() };
    let weight = var(&noise(40, 1));
    let step = |adamw: &mut AdamW, weight: &Var| {
        adamw.step(&weight.sqr().unwrap().sum_all().unwrap().backward().unwrap(), 0.05).unwrap();
    };
    let mut adamw = AdamW::new([weight.clone()], [], config).unwrap();
    step(&mut adamw, &weight);
    let saved: Vec<[Tensor; 2]> =
        adamw.moments().map(|[m, v]| [m.copy().unwrap(), v.copy().unwrap()]).collect();
    let copy = Var::from_tensor(&weight.copy().unwrap()).unwrap();
    step(&mut adamw, &weight);
    let mut restored = AdamW::new([copy.clone()], [], config).unwrap();
    restored.set_moments(&saved, 1).unwrap();
    assert_eq!(restored.n_steps(), 1);
    step(&mut restored, &copy);
    assert_eq!(values(&weight), values(&copy));
    assert!(restored.set_moments(&[], 1).is_err());
    let [first, second] = &saved[0];
    assert!(restored.set_moments(&[[first.clone(), second.narrow(0, 0, 39).unwrap()]], 1).is_err());
}

/// Gradients, weights and states that do not fit are refused, and nothing moves.
#[test]
fn what_does_not_fit_is_refused() {
    let (good, bad) = (var(&noise(6, 1)), var(&noise(6, 2)));
    let before = [values(&good), values(&bad)];
    let mut sgd = Sgd::new(
        [good.clone()],
        [bad.clone()],
        SgdConfig { momentum: 0.9, weight_decay: 0.1, nesterov: false },
    )
    .unwrap();
    let mut adamw = AdamW::new([good.clone()], [bad.clone()], AdamWConfig::default()).unwrap();
    let ones = |n: usize, dtype: DType| Tensor::ones(n, dtype, &Device::Cpu).unwrap();
    for (gradient, said) in [
        (ones(5, DType::F32), "a gradient of shape [5]"),
        (ones(6, DType::F64), "a gradient must be f32"),
        (ones(6, DType::F32).reshape((2, 3)).unwrap(), "a gradient of shape [2, 3]"),
    ] {
        let mut store = gradients(&[&good], &noise(6, 3));
        store.insert(&bad, gradient);
        for error in [sgd.step(&store, 0.1).unwrap_err(), adamw.step(&store, 0.1).unwrap_err()] {
            assert!(error.to_string().contains(said), "{error}");
        }
    }
    assert_eq!([values(&good), values(&bad)], before);
    assert_eq!(adamw.n_steps(), 0);
    assert!(adamw.moments().flatten().all(|moment| values(moment) == [0.0; 6]));
    let state = [ones(6, DType::F32), ones(6, DType::BF16)];
    assert!(sgd.set_velocities(&state).unwrap_err().to_string().contains("a state must be f32"));
    assert!(
        adamw
            .set_moments(&[state.clone(), state], 1)
            .unwrap_err()
            .to_string()
            .contains("a state must be f32")
    );
    assert!(sgd.velocities().all(|velocity| values(velocity) == [0.0; 6]) && adamw.n_steps() == 0);
    let half = Var::from_tensor(&ones(6, DType::BF16)).unwrap();
    assert!(
        AdamW::new([half], [], AdamWConfig::default())
            .unwrap_err()
            .to_string()
            .contains("a weight must be f32")
    );
}

/// Ten steps are PyTorch's, on gradients of all magnitudes, with a learning rate that drops.
#[test]
fn adamw_agrees_with_pytorch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/adamw/steps.safetensors");
    let golden = safetensors::load(path, &Device::Cpu).unwrap();
    let config = AdamWConfig { weight_decay: 0.3, ..AdamWConfig::default() };
    let (decayed, undecayed) = (var(&values(&golden["start"])), var(&values(&golden["start"])));
    let mut adamw = AdamW::new([decayed.clone()], [undecayed.clone()], config).unwrap();
    for step in 0..10 {
        let gradient = values(&golden["gradients"].get(step).unwrap());
        let lr = if step < 6 { 0.01 } else { 0.001 };
        adamw.step(&gradients(&[&decayed, &undecayed], &gradient), lr).unwrap();
        for (name, weight) in [("decayed", &decayed), ("undecayed", &undecayed)] {
            assert_close(name, &values(weight), &wide(&golden[name].get(step).unwrap()), 1.0, 1e-6);
        }
    }
}

/// Nesterov's momentum takes PyTorch's steps (`fixtures/nesterov`), without weight decay and with PyTorch's.
#[test]
fn nesterov_steps_are_those_of_pytorch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/nesterov/steps.safetensors");
    let golden = safetensors::load(path, &Device::Cpu).unwrap();
    let rates = [0.02, 0.02, 0.02, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01];
    for (name, weight_decay) in [("undecayed", 0.0), ("coupled", 0.3)] {
        let start = golden["start"].to_vec1::<f32>().unwrap();
        let weight = var(&start);
        let config = SgdConfig { momentum: 0.85, weight_decay, nesterov: true };
        let mut sgd = Sgd::new([weight.clone()], [], config).unwrap();
        for (step, rate) in rates.into_iter().enumerate() {
            let row = |name: &str| golden[name].get(step).unwrap().to_vec1::<f32>().unwrap();
            sgd.step(&gradients(&[&weight], &row("gradients")), rate).unwrap();
            for ((got, expected), start) in values(&weight).iter().zip(row(name)).zip(&start) {
                // Steps round by a few units of the last place of what they change.
                let tolerance = 1e-5 * (expected - start).abs() + 1e-6 * expected.abs().max(start.abs());
                assert!((got - expected).abs() <= tolerance, "{name}, step {step}: {got} {expected}");
            }
        }
    }
}

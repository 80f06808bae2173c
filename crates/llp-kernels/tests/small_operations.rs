//! Pooling, the end of a residual block, and SGD, each against its definition.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reference;

use candle_core::{DType, Device, Tensor, Var};
use llp_kernels::{Features, Sgd, SgdConfig};
use proptest::prelude::*;
use reference::{assert_close, noise};

fn var(values: Vec<f32>, shape: (usize, usize, usize, usize)) -> Var {
    Var::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// On tensors, as this crate's users have them.
fn global_average_pool(x: &Tensor) -> candle_core::Result<Tensor> {
    llp_kernels::global_average_pool(&Features::from_tensor(x)?)
}

fn max_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> candle_core::Result<Tensor> {
    llp_kernels::max_pool2d(&Features::from_tensor(x)?, kernel, stride, padding)?.to_tensor()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn weighted_sum(y: &Tensor, weights: &[f32]) -> Tensor {
    let weights = Tensor::from_vec(weights.to_vec(), y.shape(), &Device::Cpu).unwrap();
    y.mul(&weights).unwrap().sum_all().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The mean over the pixels, and its adjoint: every pixel gets an equal share.
    #[test]
    fn average_pooling_is_the_mean(n in 1_usize..5, h in 1_usize..6, w in 1_usize..6, c in 1_usize..9, seed in 1_u64..99) {
        let x = var(noise(n * h * w * c, seed), (n, h, w, c));
        let y = global_average_pool(&x).unwrap();
        prop_assert_eq!(y.dims(), [n, c]);
        let xs = values(&x);
        let expected: Vec<f64> = (0..n * c)
            .map(|i| (0..h * w).map(|p| f64::from(xs[(i / c * h * w + p) * c + i % c])).sum::<f64>() / (h * w) as f64)
            .collect();
        assert_close("y", &values(&y), &expected, 1.0, 1e-6);
        let weights = noise(n * c, seed + 1);
        let gradients = weighted_sum(&y, &weights).backward().unwrap();
        let expected: Vec<f64> = (0..xs.len())
            .map(|i| f64::from(weights[i / (h * w * c) * c + i % c]) / (h * w) as f64)
            .collect();
        assert_close("gradient", &values(gradients.get(&x).unwrap()), &expected, 1.0, 1e-6);
    }

    /// The largest value of each window; the whole gradient of a window goes to the pixel that won it.
    #[test]
    fn max_pooling_takes_the_largest(
        n in 1_usize..3, h in 3_usize..9, w in 3_usize..9, c in 1_usize..4,
        stride in 1_usize..3, padding in 0_usize..2, seed in 1_u64..99,
    ) {
        let kernel = 3;
        let x = var(noise(n * h * w * c, seed), (n, h, w, c));
        let y = max_pool2d(&x, kernel, stride, padding).unwrap();
        let out = |size: usize| (size + 2 * padding - kernel) / stride + 1;
        prop_assert_eq!(y.dims(), [n, out(h), out(w), c]);
        let (xs, weights) = (values(&x), noise(y.elem_count(), seed + 1));
        let (mut best, mut gradient) = (Vec::new(), vec![0.0; xs.len()]);
        for (index, weight) in weights.iter().enumerate() {
            let (image, oy, ox, ch) =
                (index / (out(h) * out(w) * c), index / (out(w) * c) % out(h), index / c % out(w), index % c);
            let window = (0..kernel * kernel).filter_map(|k| {
                let y = (oy * stride + k / kernel).checked_sub(padding)?;
                let x = (ox * stride + k % kernel).checked_sub(padding)?;
                (y < h && x < w).then_some(((image * h + y) * w + x) * c + ch)
            });
            let winner = window.max_by(|a, b| xs[*a].total_cmp(&xs[*b])).unwrap();
            best.push(f64::from(xs[winner]));
            gradient[winner] += f64::from(*weight);
        }
        assert_close("y", &values(&y), &best, 1.0, 0.0);
        let gradients = weighted_sum(&y, &weights).backward().unwrap();
        assert_close("gradient", &values(gradients.get(&x).unwrap()), &gradient, 1.0, 1e-6);
    }

    /// Momentum and weight decay follow PyTorch's recurrence; undecayed weights follow it without decay, and
    /// weights without a gradient stay where they are.
    #[test]
    fn sgd_follows_its_recurrence(len in 1_usize..200, momentum in 0.0_f64..0.99, decay in 0.0_f64..0.1, seed in 1_u64..99) {
        let decayed = var(noise(len, seed), (1, 1, 1, len));
        let undecayed = var(noise(len, seed + 1), (1, 1, 1, len));
        let idle = var(noise(len, seed + 2), (1, 1, 1, len));
        let before = values(&idle);
        let config = SgdConfig { momentum, weight_decay: decay };
        let mut sgd = Sgd::new([decayed.clone(), idle.clone()], [undecayed.clone()], config).unwrap();
        let wide = |t: &Tensor| -> Vec<f64> { values(t).iter().map(|v| f64::from(*v)).collect() };
        let mut expected = [wide(&decayed), wide(&undecayed)];
        let mut velocity = [vec![0.0; len], vec![0.0; len]];
        for step in 0..4 {
            let weights = noise(len, seed + 10 + step);
            let loss = (weighted_sum(&decayed, &weights) + weighted_sum(&undecayed, &weights)).unwrap();
            sgd.step(&loss.backward().unwrap(), 0.1).unwrap();
            for (which, decay) in [decay, 0.0].into_iter().enumerate() {
                for i in 0..len {
                    let w = &mut expected[which][i];
                    velocity[which][i] = momentum * velocity[which][i] + f64::from(weights[i]) + decay * *w;
                    *w -= 0.1 * velocity[which][i];
                }
            }
        }
        assert_close("decayed", &values(&decayed), &expected[0], 1.0, 1e-5);
        assert_close("undecayed", &values(&undecayed), &expected[1], 1.0, 1e-5);
        prop_assert_eq!(values(&idle), before);
    }
}

/// Velocities carry the whole state of the optimizer: restored, training goes on bit for bit.
#[test]
fn velocities_restore_the_optimizer() {
    let config = SgdConfig { momentum: 0.9, weight_decay: 0.01 };
    let weight = var(noise(40, 1), (1, 1, 1, 40));
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

/// Types and shapes that do not fit are refused.
#[test]
fn wrong_arguments_are_refused() {
    let x = Tensor::ones((1, 4, 4, 1), DType::F64, &Device::Cpu).unwrap();
    assert!(global_average_pool(&x).unwrap_err().to_string().contains("must be f32"));
    let x = x.to_dtype(DType::F32).unwrap();
    assert!(max_pool2d(&x, 3, 2, 3).unwrap_err().to_string().contains("does not fit"));
}

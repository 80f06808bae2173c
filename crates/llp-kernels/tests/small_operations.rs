//! Pooling and the end of a residual block, each against its definition.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reference;

use candle_core::{DType, Device, Tensor, Var};
use llp_kernels::Activations;
use proptest::prelude::*;
use reference::{assert_close, noise};

fn var(values: Vec<f32>, shape: (usize, usize, usize, usize)) -> Var {
    Var::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// On tensors, as this crate's users have them.
fn global_average_pool(x: &Tensor) -> candle_core::Result<Tensor> {
    llp_kernels::global_average_pool(&Activations::from_tensor(x)?)
}

fn max_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> candle_core::Result<Tensor> {
    llp_kernels::max_pool2d(&Activations::from_tensor(x)?, kernel, stride, padding)?.to_tensor()
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
}

/// Types and shapes that do not fit are refused.
#[test]
fn wrong_arguments_are_refused() {
    let x = Tensor::ones((1, 4, 4, 1), DType::F64, &Device::Cpu).unwrap();
    assert!(global_average_pool(&x).unwrap_err().to_string().contains("must be f32"));
    let x = x.to_dtype(DType::F32).unwrap();
    assert!(max_pool2d(&x, 3, 2, 3).unwrap_err().to_string().contains("does not fit"));
}

//! Activations under candle's automatic differentiation: the ways in and out, sums of gradients, repeated passes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reference;

use candle_core::{Device, Tensor, Var};
use llp_kernels::{
    Activation, Activations, BatchNorm, Conv2dConfig, Mode, backward, conv2d, global_average_pool,
};
use proptest::prelude::*;
use reference::{assert_close, noise};

const CONFIG: Conv2dConfig = Conv2dConfig { stride: 1, padding: 1 };

fn var(shape: (usize, usize, usize, usize), seed: u64) -> Var {
    let len = shape.0 * shape.1 * shape.2 * shape.3;
    Var::from_vec(noise(len, seed), shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// A residual block that uses one weight twice: its loss, and its variables.
fn block(channels: usize, size: usize, seed: u64) -> (Tensor, Vec<Var>) {
    let x = var((3, size, size, channels), seed);
    let weight = var((channels, channels, 3, 3), seed + 1);
    let norms = [0, 1].map(|_| BatchNorm::new(channels, &Device::Cpu).unwrap());
    let activations = Activations::from_tensor(&x).unwrap();
    let y = conv2d(&activations, &weight, CONFIG).unwrap();
    let y = norms[0].forward(&y, Mode::Train, Activation::Relu).unwrap();
    let y = conv2d(&y, &weight, CONFIG).unwrap();
    let y = norms[1].forward_residual(&y, &activations, Mode::Train, Activation::Relu).unwrap();
    // The variables meet candle's own operations too.
    let pooled = global_average_pool(&y).unwrap().sqr().unwrap().sum_all().unwrap();
    let loss = (pooled + weight.sqr().unwrap().mean_all().unwrap()).unwrap();
    let variables =
        vec![x, weight, norms[0].gamma().clone(), norms[0].beta().clone(), norms[1].gamma().clone()];
    (loss, variables)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Into activations and out again is the identity, and so is its gradient.
    #[test]
    fn in_and_out_is_the_identity(n in 1_usize..4, h in 1_usize..6, w in 1_usize..6, c in 1_usize..9, seed in 1_u64..99) {
        let x = var((n, h, w, c), seed);
        let y = Activations::from_tensor(&x).unwrap().to_tensor().unwrap();
        prop_assert_eq!(values(&y), values(&x));
        let weights = var((n, h, w, c), seed + 1);
        let gradients = y.mul(&weights.detach()).unwrap().sum_all().unwrap().backward().unwrap();
        prop_assert_eq!(values(gradients.get(&x).unwrap()), values(&weights));
    }

    /// `backward` finds what candle finds, also where a variable is used several times.
    #[test]
    fn backward_agrees_with_candle(channels in 1_usize..20, size in 2_usize..7, seed in 1_u64..99) {
        let (loss, variables) = block(channels, size, seed);
        let (ours, candles) = (backward(&loss).unwrap(), loss.backward().unwrap());
        for variable in &variables {
            let expected: Vec<f64> =
                values(candles.get(variable).unwrap()).iter().map(|v| f64::from(*v)).collect();
            // The same summands, perhaps in another order.
            let scale = expected.iter().fold(1.0_f64, |max, v| max.max(v.abs()));
            assert_close("gradient", &values(ours.get(variable).unwrap()), &expected, scale, 1e-6);
        }
    }

    /// A second pass through the same graph finds the same gradients, bit for bit, with any number of threads.
    #[test]
    fn passes_repeat(channels in 1_usize..40, size in 2_usize..9, threads in 1_usize..5, seed in 1_u64..99) {
        let (loss, variables) = block(channels, size, seed);
        let gradients = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| backward(&loss)).unwrap();
            variables.iter().map(|v| values(found.get(v).unwrap())).collect::<Vec<_>>()
        };
        prop_assert_eq!(gradients(threads), gradients(2));
    }

    /// The end of a residual block is its parts: the batch norm, the sum, the ReLU; so are its gradients.
    #[test]
    fn a_residual_sum_is_its_parts(rows in 2_usize..40, channels in 1_usize..20, seed in 1_u64..99, train: bool) {
        let mode = if train { Mode::Train } else { Mode::Evaluate };
        let (x, residual) = (var((rows, 1, 2, channels), seed), var((rows, 1, 2, channels), seed + 1));
        let weights = var((rows, 1, 2, channels), seed + 2).detach();
        let norm = BatchNorm::new(channels, &Device::Cpu).unwrap();
        let (a, b) = (Activations::from_tensor(&x).unwrap(), Activations::from_tensor(&residual).unwrap());
        let fused = norm.forward_residual(&a, &b, mode, Activation::Relu).unwrap().to_tensor().unwrap();
        let norm = BatchNorm::new(channels, &Device::Cpu).unwrap();
        let plain = norm.forward(&a, mode, Activation::Identity).unwrap().to_tensor().unwrap();
        let parts = plain.add(&residual).unwrap().relu().unwrap();
        prop_assert_eq!(values(&fused), values(&parts));
        let gradients = |y: &Tensor| y.mul(&weights).unwrap().sum_all().unwrap().backward().unwrap();
        let (fused, parts) = (gradients(&fused), gradients(&parts));
        for variable in [&x, &residual] {
            let expected: Vec<f64> = values(parts.get(variable).unwrap()).iter().map(|v| f64::from(*v)).collect();
            let scale = expected.iter().fold(1.0_f64, |max, v| max.max(v.abs()));
            assert_close("gradient", &values(fused.get(variable).unwrap()), &expected, scale, 1e-5);
        }
    }
}

/// Activations refuse what they cannot hold.
#[test]
fn wrong_tensors_are_refused() {
    let error = |tensor: Tensor| match Activations::from_tensor(&tensor) {
        Ok(_) => panic!("accepted {:?}", tensor.shape()),
        Err(error) => error.to_string(),
    };
    let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(error(zeros(&[2, 3])).contains("unexpected rank"));
    assert!(error(zeros(&[2, 0, 3, 1])).contains("cannot be empty"));
    assert!(error(zeros(&[1, 1, 1, 1]).to_dtype(candle_core::DType::F64).unwrap()).contains("must be f32"));
    let (a, b) = (zeros(&[2, 1, 1, 3]), zeros(&[1, 2, 1, 3]));
    let (a, b) = (Activations::from_tensor(&a).unwrap(), Activations::from_tensor(&b).unwrap());
    let norm = BatchNorm::new(3, &Device::Cpu).unwrap();
    let error = norm.forward_residual(&a, &b, Mode::Train, Activation::Relu).err().unwrap().to_string();
    assert!(error.contains("[2, 1, 1, 3] and [1, 2, 1, 3]"), "{error}");
}

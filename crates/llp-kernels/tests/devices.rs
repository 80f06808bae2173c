//! Every operation on every GPU against the same operation on the CPU, from one body. The CPU has tests of its own; where
//! there is no GPU, there is nothing to compare.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reference;

use candle_core::{DType, Device, Tensor, Var};
use llp_kernels::{
    Activation, Activations, AdamW, AdamWConfig, BagKernel, BatchNorm, Changes, Conv2dConfig, ImageStore,
    Mode, Sgd, SgdConfig, Sweeps, backward, backward_of_mean, bag_loss, conv2d, devices, global_average_pool,
    max_pool2d, pooled_linear, prepare_filters, relu,
};
use proptest::prelude::*;
use reference::{assert_close, noise};

/// Numbers by name.
type Results = Vec<(String, Vec<f32>)>;

/// How far two devices may be apart, as a part of the length of the expected numbers: sums in another order, or rounding to
/// 8 bits, which also moves what a ReLU and a max pooling let pass.
fn tolerance(dtype: DType) -> f32 {
    if dtype == DType::BF16 { 0.1 } else { 1e-3 }
}

/// Runs a body on the CPU, in single precision on inputs that are rounded, and on each GPU, and compares.
fn on_all_devices(body: impl Fn(&Device, DType) -> Results) {
    let gpus: Vec<Device> = devices().into_iter().filter(Device::is_cuda).collect();
    for dtype in [DType::F32, DType::BF16] {
        let expected = body(&Device::Cpu, dtype);
        for device in &gpus {
            for ((name, got), (_, expected)) in body(device, dtype).iter().zip(&expected) {
                assert_eq!(got.len(), expected.len(), "{name}");
                let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
                let errors: Vec<f32> =
                    got.iter().zip(expected).map(|(got, expected)| got - expected).collect();
                let (error, limit) = (length(&errors), tolerance(dtype) * length(expected).max(1e-3));
                assert!(error <= limit, "{name}, {dtype:?}: off by {error}, allowed are {limit}");
            }
        }
    }
}

fn variable(len: usize, seed: u64, shape: &[usize], device: &Device) -> Var {
    Var::from_vec(noise(len, seed), shape, device).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor
        .to_device(&Device::Cpu)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_dtype(DType::F32)
        .unwrap()
        .to_vec1()
        .unwrap()
}

/// The result, and the gradients of variables through a fixed weighting of it.
fn with_gradients(y: &Tensor, variables: &[(&str, &Var)]) -> Results {
    let weights = Tensor::from_vec(noise(y.elem_count(), 99), y.shape(), y.device()).unwrap();
    let gradients = backward(&(y * weights).unwrap().sum_all().unwrap()).unwrap();
    let mut results = vec![("result".to_owned(), flat(y))];
    for (name, variable) in variables {
        results.push(((*name).to_owned(), flat(gradients.get(variable).unwrap())));
    }
    results
}

/// Activations of a variable. In bf16 they begin with a constant, since variables are in single precision; the CPU has
/// the rounded numbers in single precision.
fn activations(x: &Var, dtype: DType) -> Activations {
    if dtype == DType::F32 {
        return Activations::from_tensor(x).unwrap();
    }
    let rounded = x.as_detached_tensor().to_dtype(dtype).unwrap();
    let held = if x.device().is_cpu() { DType::F32 } else { dtype };
    Activations::from_tensor(&rounded.to_dtype(held).unwrap()).unwrap()
}

proptest! {
    // Every new shape costs cuDNN a search, so a failure is shown as it is.
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// Theorem: convolutions and their gradients are those of the CPU.
    #[test]
    fn convolutions(
        images in 1_usize..5, size in 7_usize..17, c_in in 1_usize..20, c_out in 1_usize..20, kernel in 1_usize..4,
        stride in 1_usize..3, seed in 0_u64..1000,
    ) {
        on_all_devices(|device, dtype| {
            let x = variable(images * size * size * c_in, seed, &[images, size, size, c_in], device);
            let shape = [c_out, c_in, kernel, kernel];
            let weight = variable(shape.iter().product(), seed + 1, &shape, device);
            let config = Conv2dConfig { stride, padding: kernel / 2 };
            // Twice from the same activations: their gradients are added.
            let from = activations(&x, dtype);
            let (a, b) = (conv2d(&from, &weight, config).unwrap(), conv2d(&from, &weight, config).unwrap());
            let y = (a.to_tensor().unwrap() + b.to_tensor().unwrap()).unwrap();
            with_gradients(&y, &[("weight", &weight)])
        });
    }

    /// Theorem: batch norm with everything that it is fused with, in all modes, is that of the CPU.
    #[test]
    fn batch_norms(rows in 8_usize..200, channels in 1_usize..70, seed in 0_u64..1000, mode in 0_usize..3) {
        let mode = [Mode::Train, Mode::Preview, Mode::Evaluate][mode];
        on_all_devices(|device, dtype| {
            let x = variable(rows * channels, seed, &[rows, 1, 1, channels], device);
            let norms = [0, 1].map(|_| BatchNorm::new(channels, device).unwrap());
            for norm in &norms {
                norm.gamma().set(&Tensor::from_vec(noise(channels, seed + 1), channels, device).unwrap()).unwrap();
                norm.beta().set(&Tensor::from_vec(noise(channels, seed + 2), channels, device).unwrap()).unwrap();
            }
            let from = activations(&x, dtype);
            let middle = norms[0].forward(&from, mode, Activation::Relu).unwrap();
            let y = norms[1].forward_residual(&middle, &from, mode, Activation::Relu).unwrap();
            let y = y.to_tensor().unwrap();
            let mut results = match mode {
                Mode::Train => with_gradients(&y, &[("gamma", norms[0].gamma()), ("beta", norms[1].beta())]),
                _ => vec![("result".to_owned(), flat(&y))],
            };
            for norm in &norms {
                results.push(("running mean".to_owned(), flat(norm.running_mean())));
                results.push(("running variance".to_owned(), flat(norm.running_variance())));
            }
            results
        });
    }

    /// Theorem: a small network with a residual sum, from which two gradients come back, has the gradients that it has
    /// on the CPU, its images included.
    #[test]
    fn networks(images in 4_usize..8, seed in 0_u64..1000) {
        on_all_devices(|device, dtype| {
            let x = variable(images * 12 * 12 * 3, seed, &[images, 12, 12, 3], device);
            let stem = variable(8 * 3 * 3 * 3, seed + 1, &[8, 3, 3, 3], device);
            let weight = variable(8 * 8 * 3 * 3, seed + 2, &[8, 8, 3, 3], device);
            let norms = [0, 1].map(|_| BatchNorm::new(8, device).unwrap());
            let config = Conv2dConfig { stride: 1, padding: 1 };
            let y = conv2d(&activations(&x, dtype), &stem, config).unwrap();
            let y = norms[0].forward(&y, Mode::Train, Activation::Relu).unwrap();
            let z = conv2d(&y, &weight, config).unwrap();
            let y = norms[1].forward_residual(&z, &y, Mode::Train, Activation::Relu).unwrap();
            let y = max_pool2d(&y, 3, 2, 1).unwrap();
            let y = relu(&global_average_pool(&y).unwrap()).unwrap();
            let mut wanted =
                vec![("stem", &stem), ("weight", &weight), ("gamma", norms[0].gamma()), ("beta", norms[1].beta())];
            if dtype == DType::F32 {
                wanted.push(("images", &x));
            }
            with_gradients(&y, &wanted)
        });
    }

    /// Theorem: the end of a network and its gradients are those of the CPU, with a bias and without, also where nothing
    /// before it is trained.
    #[test]
    fn pooled_linear_layers(
        images in 1_usize..6, size in 1_usize..5, channels in 1_usize..20, classes in 1_usize..12, seed in 0_u64..1000,
        has_bias: bool, is_frozen: bool,
    ) {
        on_all_devices(|device, dtype| {
            let x = variable(images * size * size * channels, seed, &[images, size, size, channels], device);
            let weight = variable(classes * channels, seed + 1, &[classes, channels], device);
            let bias = variable(classes, seed + 2, &[classes], device);
            let from = if is_frozen {
                let constant = x.as_detached_tensor().to_dtype(dtype).unwrap();
                let held = if device.is_cpu() { DType::F32 } else { dtype };
                Activations::from_tensor(&constant.to_dtype(held).unwrap()).unwrap()
            } else {
                activations(&x, dtype)
            };
            let y = pooled_linear(&from, &weight, has_bias.then_some(bias.as_tensor())).unwrap();
            let mut wanted = vec![("weight", &weight)];
            wanted.extend(has_bias.then_some(("bias", &bias)));
            wanted.extend((!is_frozen && dtype == DType::F32).then_some(("x", &x)));
            with_gradients(&y, &wanted)
        });
    }

    /// Theorem: filters that were prepared are those that convolutions make themselves, bit for bit, and so are their
    /// gradients, also where one of them is a constant.
    #[test]
    fn prepared_filters(images in 1_usize..4, channels in 1_usize..9, seed in 0_u64..1000) {
        for (device, dtype) in devices().into_iter().flat_map(|device| [(device.clone(), DType::F32), (device, DType::BF16)]) {
            let x = variable(images * 25 * channels, seed, &[images, 5, 5, channels], &device);
            let shapes = [[channels, channels, 3, 3], [channels, channels, 1, 1], [7, channels, 3, 3]];
            let weights = shapes.map(|shape| variable(shape.iter().product(), seed + shape[2] as u64, &shape, &device));
            let run = |is_prepared: bool| {
                let from = activations(&x, dtype);
                let all = weights.each_ref().map(|weight| weight.as_tensor().clone());
                let convolve = |x: &Activations, weight: &Tensor| {
                    conv2d(x, weight, Conv2dConfig { stride: 1, padding: weight.dim(2).unwrap() / 2 }).unwrap()
                };
                let y = {
                    let _filters = is_prepared.then(|| prepare_filters(&from, &all).unwrap());
                    // The last weight is a constant here.
                    let last = weights[2].as_detached_tensor();
                    convolve(&convolve(&convolve(&from, &all[0]), &all[1]), &last)
                };
                with_gradients(&y.to_tensor().unwrap(), &[("first", &weights[0]), ("second", &weights[1])])
            };
            prop_assert_eq!(run(true), run(false));
        }
    }

    /// Theorem: the gradients of a mean are those of the CPU.
    #[test]
    fn means(bags in 1_usize..9, classes in 2_usize..6, seed in 0_u64..1000) {
        on_all_devices(|device, _| {
            let logits = variable(bags * classes, seed, &[bags, classes], device);
            let losses = logits.sqr().unwrap().sum(1).unwrap();
            let gradients = backward_of_mean(&losses).unwrap();
            vec![("logits".to_owned(), flat(gradients.get(&logits).unwrap()))]
        });
    }

    /// Theorem: bag losses of kernels have finite gradients that add up to nothing over the classes of an instance.
    #[test]
    fn bag_losses(sizes in proptest::collection::vec(1_usize..70, 1..5), n_classes in 2_usize..12, seed in 0_u64..1000) {
        let n: usize = sizes.iter().sum();
        let proportions = vec![1.0 / n_classes as f64; sizes.len() * n_classes];
        for device in devices() {
            let logits = variable(n * n_classes, seed, &[n, n_classes], &device);
            for function in [
                BagKernel::Kl,
                BagKernel::AvgKl,
                BagKernel::Rot { alpha: 0.5, epsilon: 1.0, sweeps: Sweeps::Until { residual: 1e-6, at_most: 500 } },
            ] {
                let Some(loss) = bag_loss(function, &logits, &sizes, &proportions).unwrap() else {
                    prop_assert!(device.is_cpu());
                    continue;
                };
                prop_assert_eq!(loss.dims(), [sizes.len()]);
                let gradients = loss.sum_all().unwrap().backward().unwrap();
                for row in gradients.get(&logits).unwrap().to_vec2::<f32>().unwrap() {
                    prop_assert!(row.iter().sum::<f32>().abs() < 1e-4, "{function:?} {row:?}");
                }
            }
        }
    }
}

/// Steps of the optimizers.
#[test]
fn optimizers_step() {
    on_all_devices(|device, _| {
        let weights = [variable(70_000, 1, &[70_000], device), variable(5, 2, &[5], device)];
        let sgd_config = SgdConfig { momentum: 0.9, weight_decay: 0.01, nesterov: false };
        let adamw_config = AdamWConfig { weight_decay: 0.01, ..AdamWConfig::default() };
        let mut sgd = Sgd::new([weights[0].clone()], [weights[1].clone()], sgd_config).unwrap();
        let mut adamw = AdamW::new([weights[0].clone()], [weights[1].clone()], adamw_config).unwrap();
        let squares = |weight: &Var| weight.sqr().unwrap().sum_all().unwrap();
        let gradients = || backward(&(squares(&weights[0]) + squares(&weights[1])).unwrap()).unwrap();
        for _ in 0..3 {
            sgd.step(&gradients(), 0.1).unwrap();
            adamw.step(&gradients(), 0.01).unwrap();
        }
        weights.iter().map(|weight| ("weight".to_owned(), flat(weight))).collect()
    });
}

/// Images of a store are those of its definition; the CPU has none.
#[test]
fn image_stores() {
    let bytes: Vec<u8> = (0..2 * 2 * 2).map(|value| value * 10).collect();
    for device in devices() {
        let Some(store) = ImageStore::new(&bytes, [2, 2, 1], &device).unwrap() else {
            assert!(device.is_cpu());
            continue;
        };
        // The second image mirrored, then the first as it is.
        let changes =
            Changes { instances: &[1, 0], packed: &[65536, 0], shift: 0, scale: &[0.5], offset: &[1.0] };
        let images = store.prepare(&changes, DType::F32).unwrap();
        assert_eq!(images.dims(), [2, 2, 2, 1]);
        let expected = [26.0, 21.0, 36.0, 31.0, 1.0, 6.0, 11.0, 16.0];
        assert_close("images", &flat(&images), &expected, 1.0, 0.0);
        let none = Changes { instances: &[2], packed: &[0], ..changes };
        assert!(store.prepare(&none, DType::F32).unwrap_err().to_string().contains("no image 2 among 2"));
    }
}

//! Convolution and its gradients against plain loops in double precision.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reference;

use candle_core::{Device, Tensor, Var};
use llp_kernels::{Activations, Conv2dConfig};
use proptest::prelude::*;
use reference::{assert_close, noise};

/// Single precision over sums of at most a few thousand products of numbers below 1.
const TOLERANCE: f64 = 2e-6;

/// The extents of a convolution over NHWC images.
#[derive(Clone, Copy, Debug)]
struct Conv {
    images: usize,
    height: usize,
    width: usize,
    c_in: usize,
    c_out: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Conv {
    fn out(&self) -> (usize, usize) {
        let out = |size: usize| (size + 2 * self.padding - self.kernel) / self.stride + 1;
        (out(self.height), out(self.width))
    }

    /// Visits every product of the convolution: `visit(y index, x index, weight index)`.
    fn for_each_product(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (out_height, out_width) = self.out();
        for image in 0..self.images {
            for (oy, ox) in (0..out_height).flat_map(|y| (0..out_width).map(move |x| (y, x))) {
                for (ky, kx) in (0..self.kernel).flat_map(|y| (0..self.kernel).map(move |x| (y, x))) {
                    let (y, x) = (oy * self.stride + ky, ox * self.stride + kx);
                    if y < self.padding || x < self.padding {
                        continue;
                    }
                    let (y, x) = (y - self.padding, x - self.padding);
                    if y >= self.height || x >= self.width {
                        continue;
                    }
                    for (ci, co) in (0..self.c_in).flat_map(|i| (0..self.c_out).map(move |o| (i, o))) {
                        visit(
                            ((image * out_height + oy) * out_width + ox) * self.c_out + co,
                            ((image * self.height + y) * self.width + x) * self.c_in + ci,
                            ((co * self.c_in + ci) * self.kernel + ky) * self.kernel + kx,
                        );
                    }
                }
            }
        }
    }
}

prop_compose! {
    fn convolutions()(
        images in 1_usize..12,
        (height, width) in (1_usize..12, 1_usize..12),
        c_in in 1_usize..10,
        c_out in 1_usize..10,
        kernel in prop::sample::select(vec![1_usize, 2, 3, 5, 7]),
        stride in 1_usize..4,
        padding in 0_usize..4,
    ) -> Conv {
        let padding = padding.max(kernel.saturating_sub(height.min(width)).div_ceil(2));
        Conv { images, height, width, c_in, c_out, kernel, stride, padding }
    }
}

/// On tensors, as this crate's users have them.
fn conv2d(x: &Tensor, weight: &Tensor, config: Conv2dConfig) -> candle_core::Result<Tensor> {
    llp_kernels::conv2d(&Activations::from_tensor(x)?, weight, config)?.to_tensor()
}

struct Case {
    x: Vec<f32>,
    weight: Vec<f32>,
    y_gradient: Vec<f32>,
}

fn case(conv: &Conv, seed: u64) -> Case {
    let (out_height, out_width) = conv.out();
    Case {
        x: noise(conv.images * conv.height * conv.width * conv.c_in, seed + 1),
        weight: noise(conv.c_out * conv.c_in * conv.kernel * conv.kernel, seed + 2),
        y_gradient: noise(conv.images * out_height * out_width * conv.c_out, seed + 3),
    }
}

fn run(conv: &Conv, case: &Case) -> [Vec<f32>; 3] {
    let x = Var::from_vec(case.x.clone(), (conv.images, conv.height, conv.width, conv.c_in), &Device::Cpu)
        .unwrap();
    let weight_shape = (conv.c_out, conv.c_in, conv.kernel, conv.kernel);
    let weight = Var::from_vec(case.weight.clone(), weight_shape, &Device::Cpu).unwrap();
    let y = conv2d(&x, &weight, Conv2dConfig { stride: conv.stride, padding: conv.padding }).unwrap();
    let seed = Tensor::from_vec(case.y_gradient.clone(), y.shape(), &Device::Cpu).unwrap();
    let gradients = y.mul(&seed).unwrap().sum_all().unwrap().backward().unwrap();
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1().unwrap();
    [values(&y), values(gradients.get(&x).unwrap()), values(gradients.get(&weight).unwrap())]
}

fn agrees_with_the_definition(conv: &Conv, seed: u64) {
    let case = case(conv, seed);
    let mut expected =
        [vec![0.0; case.y_gradient.len()], vec![0.0; case.x.len()], vec![0.0; case.weight.len()]];
    let mut terms = expected.clone();
    conv.for_each_product(|y, x, w| {
        let (xv, wv, gv) = (f64::from(case.x[x]), f64::from(case.weight[w]), f64::from(case.y_gradient[y]));
        for (which, (index, value)) in [(y, xv * wv), (x, gv * wv), (w, gv * xv)].into_iter().enumerate() {
            expected[which][index] += value;
            terms[which][index] += value.abs();
        }
    });
    let names = ["y", "gradient of x", "gradient of weight"];
    for (((name, got), expected), terms) in names.iter().zip(run(conv, &case)).zip(&expected).zip(&terms) {
        let scale = terms.iter().fold(1.0_f64, |max, value| max.max(*value));
        assert_close(name, &got, expected, scale, TOLERANCE);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Output and both gradients are the sums of products that define them, for any shape.
    #[test]
    fn convolution_agrees_with_its_definition(conv in convolutions(), seed in 0_u64..1000) {
        agrees_with_the_definition(&conv, seed);
    }

    /// The same numbers come out, bit for bit, for every number of threads.
    #[test]
    fn threads_do_not_change_a_bit(conv in convolutions(), threads in 2_usize..5) {
        let case = case(&conv, 0);
        let with = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| run(&conv, &case))
        };
        prop_assert_eq!(with(1), with(threads));
    }
}

/// The shapes of ResNet-18 at full depth, several tiles long.
#[test]
fn resnet_layers_agree_with_the_definition() {
    let layer = |size, c_in, c_out, kernel, stride| Conv {
        images: 3,
        height: size,
        width: size,
        c_in,
        c_out,
        kernel,
        stride,
        padding: kernel / 2,
    };
    for conv in [
        layer(32, 3, 16, 3, 1),
        layer(32, 16, 16, 3, 1),
        layer(16, 16, 32, 3, 2),
        layer(16, 16, 32, 1, 2),
        layer(4, 64, 64, 3, 1),
        layer(32, 3, 16, 7, 2),
        layer(8, 32, 16, 1, 1),
    ] {
        agrees_with_the_definition(&conv, 5);
    }
}

/// No gradient is computed for an argument that is not a variable.
#[test]
fn constants_get_no_gradient() {
    let x = Tensor::ones((1, 4, 4, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    let weight = Var::ones((3, 2, 3, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
    let config = Conv2dConfig { stride: 1, padding: 1 };
    let gradients = conv2d(&x, &weight, config).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(&weight).is_some());
    assert!(gradients.get(&x).is_none());
}

/// Shapes that do not fit are refused with both sides named.
#[test]
fn wrong_shapes_are_refused() {
    let ones = |shape: (usize, usize, usize, usize)| {
        Tensor::ones(shape, candle_core::DType::F32, &Device::Cpu).unwrap()
    };
    let error = |x, w, stride, padding| {
        conv2d(&ones(x), &ones(w), Conv2dConfig { stride, padding }).unwrap_err().to_string()
    };
    let message = error((1, 4, 4, 2), (3, 5, 3, 3), 1, 1);
    assert!(message.contains("the input has 2 channels, the weight expects 5"), "{message}");
    let message = error((1, 2, 4, 2), (3, 2, 3, 3), 1, 0);
    assert!(message.contains("a 3x3 kernel does not fit 2x4 with padding 0"), "{message}");
    let message = error((1, 4, 4, 2), (3, 2, 3, 3), 0, 0);
    assert!(message.contains("stride: 0"), "{message}");
}

//! Every kernel on every instruction set of this machine, against plain loops in double precision.
use proptest::prelude::*;

use super::axis::{Axis, Sizes};
use super::gradient_sums::{GradientRows, GradientSums};
use super::products::{Pair, Pairs, Row, Rows, Runs, accumulate_outer, multiply, packed_len, panels};
use super::shape::ConvShape;
use super::simd::{Kernel, Level, Simd, dispatch};
use super::winograd_filters::Filters;
use super::{direct, direct_gradient, winograd, winograd_gradient};

/// Deterministic numbers in `[-1, 1)`.
fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn largest_error(got: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).fold(0.0, |max: f64, (a, b)| {
        let error = (f64::from(*a) - b).abs();
        if error.is_nan() { f64::INFINITY } else { max.max(error) }
    })
}

/// Single precision rounds each of some hundred terms below 1.
const TOLERANCE: f64 = 1e-4;

struct Multiply<'a>(&'a [f32], &'a Rows, Runs, &'a [f32], &'a mut [f32], usize, bool);

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        multiply(simd, (self.0, self.1), self.2, self.3, (self.4, self.5), self.6);
    }
}

struct Outer<'a>(&'a Pairs, (&'a [f32], usize), (&'a [f32], usize), &'a mut [f32], bool);

impl Kernel for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        accumulate_outer(simd, self.0, self.1, self.2, (self.3, self.2.1), self.4);
    }
}

prop_compose! {
    fn convolutions()(
        images in 1_usize..6,
        (height, width) in (1_usize..11, 1_usize..11),
        (c_in, c_out) in (1_usize..40, 1_usize..40),
        kernel in 1_usize..6,
        stride in 1_usize..4,
        padding in 0_usize..4,
    ) -> ConvShape {
        let padding = padding.max(kernel.saturating_sub(height.min(width)).div_ceil(2));
        ConvShape { images, height, width, c_in, c_out, kernel_height: kernel, kernel_width: kernel, stride, padding }
    }
}

/// Output, gradient of the input and gradient of the weight, by their definition.
fn definition(shape: &ConvShape, x: &[f32], weight: &[f32], y_gradient: &[f32]) -> [Vec<f64>; 3] {
    let mut results = [vec![0.0; y_gradient.len()], vec![0.0; x.len()], vec![0.0; weight.len()]];
    let met = |out: usize, tap: usize, size: usize| {
        (out * shape.stride + tap).checked_sub(shape.padding).filter(|input| *input < size)
    };
    for image in 0..shape.images {
        for (oy, ky) in (0..shape.out_height()).flat_map(|y| (0..shape.kernel_height).map(move |k| (y, k))) {
            let Some(y) = met(oy, ky, shape.height) else { continue };
            for (ox, kx) in (0..shape.out_width()).flat_map(|x| (0..shape.kernel_width).map(move |k| (x, k)))
            {
                let Some(column) = met(ox, kx, shape.width) else { continue };
                for (i, o) in (0..shape.c_in).flat_map(|i| (0..shape.c_out).map(move |o| (i, o))) {
                    let of_y = ((image * shape.out_height() + oy) * shape.out_width() + ox) * shape.c_out + o;
                    let of_x = ((image * shape.height + y) * shape.width + column) * shape.c_in + i;
                    let of_w = ((o * shape.c_in + i) * shape.kernel_height + ky) * shape.kernel_width + kx;
                    let [xv, wv, gv] = [x[of_x], weight[of_w], y_gradient[of_y]].map(f64::from);
                    results[0][of_y] += xv * wv;
                    results[1][of_x] += gv * wv;
                    results[2][of_w] += gv * xv;
                }
            }
        }
    }
    results
}

struct Passes {
    y: Vec<f32>,
    x: Vec<f32>,
    weight: Vec<f32>,
}

fn passes(level: Level, shape: &ConvShape, by_winograd: bool, inputs: [&[f32]; 3]) -> Passes {
    let [x, weight, y_gradient] = inputs;
    // Something to be overwritten, and ones to be added to.
    let (mut y, mut of_weight) = (vec![7.0; y_gradient.len()], vec![7.0; weight.len()]);
    let mut of_x = vec![1.0; x.len()];
    if by_winograd {
        winograd::convolve(level, shape, x, Filters::forward(weight, shape.c_in), &mut y, false);
        let (transposed, filters) = (winograd::transposed(shape), Filters::transposed(weight, shape.c_in));
        winograd::convolve(level, &transposed, y_gradient, filters, &mut of_x, true);
        winograd_gradient::weight_gradient(level, shape, x, y_gradient, &mut of_weight);
    } else {
        direct::convolve(level, shape, x, weight, &mut y);
        direct::input_gradient(level, shape, y_gradient, weight, &mut of_x, true);
        direct_gradient::weight_gradient(level, shape, x, y_gradient, &mut of_weight);
    }
    for value in &mut of_x {
        *value -= 1.0;
    }
    Passes { y, x: of_x, weight: of_weight }
}

/// The tolerance of a sum of this many products: what the roundings of a long one add up to grows with its root.
fn tolerance(n_products: usize) -> f64 {
    TOLERANCE.max(3e-5 * (n_products as f64).sqrt())
}

fn agrees_on_every_level(shape: &ConvShape, by_winograd: bool, seed: u64) {
    let x = noise(shape.images * shape.in_len(), seed + 1);
    let weight = noise(shape.weight_len(), seed + 2);
    let y_gradient = noise(shape.images * shape.out_len(), seed + 3);
    let expected = definition(shape, &x, &weight, &y_gradient);
    let taps = shape.kernel_height * shape.kernel_width;
    let tolerances =
        [taps * shape.c_in, taps * shape.c_out, shape.images * shape.out_pixels()].map(tolerance);
    for level in Level::all() {
        let got = passes(level, shape, by_winograd, [&x, &weight, &y_gradient]);
        let passes = [("y", got.y), ("x", got.x), ("weight", got.weight)];
        for (((name, got), expected), tolerance) in passes.into_iter().zip(&expected).zip(tolerances) {
            let error = largest_error(&got, expected);
            assert!(error < tolerance, "{name} on {level:?}: off by {error:e} for {shape:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// The product of rows and panels is the sum that defines it, whatever the tails.
    #[test]
    fn rows_times_panels(
        n_rows in 1_usize..20, count in 1_usize..4, len in 1_usize..9, columns in 1_usize..70, add: bool, seed in 0_u64..99,
    ) {
        let (depth, stride, a_len) = (count * len + 3, len + 2, n_rows * 5 + count * (len + 2));
        let runs = Runs { count, stride, len, depth, first: 2, step: len };
        let a = noise(a_len, seed);
        let b = noise(depth * columns, seed + 1);
        let rows: Rows = (0..n_rows).map(|i| Row { a: i * 5, c: (n_rows - 1 - i) * (columns + 1) }).collect();
        let mut expected: Vec<f64> = vec![if add { 1.0 } else { 9.0 }; n_rows * (columns + 1)];
        for i in 0..n_rows {
            for j in 0..columns {
                let terms = (0..count * len).map(|k| {
                    f64::from(a[i * 5 + k / len * stride + k % len]) * f64::from(b[(2 + k) * columns + j])
                });
                let sum: f64 = terms.sum();
                expected[(n_rows - 1 - i) * (columns + 1) + j] = if add { 1.0 + sum } else { sum };
            }
        }
        for level in Level::all() {
            let lanes = level.lanes();
            let mut packed = vec![0.0; packed_len(depth, columns, lanes)];
            for panel in panels(columns, lanes) {
                let width = panel.vectors * lanes;
                for (k, lane) in (0..depth).flat_map(|k| (0..width).map(move |lane| (k, lane))) {
                    if panel.start + lane < columns {
                        packed[panel.start * depth + k * width + lane] = b[k * columns + panel.start + lane];
                    }
                }
            }
            let mut c = vec![if add { 1.0 } else { 9.0 }; expected.len()];
            dispatch(level, Multiply(&a, &rows, runs, &packed, &mut c, columns, add));
            prop_assert!(largest_error(&c, &expected) < TOLERANCE, "{level:?}");
        }
    }

    /// The sum of outer products is the sum that defines it, whatever the tails.
    #[test]
    fn sums_of_outer_products(
        n_pairs in 1_usize..300, len in 1_usize..20, columns in 1_usize..70, add: bool, seed in 0_u64..99,
    ) {
        let a = noise(n_pairs * 2 + len, seed);
        let b = noise(n_pairs * 3 + columns, seed + 1);
        let pairs: Pairs = (0..n_pairs).map(|p| Pair::new(p * 2, p * 3)).collect();
        let mut expected: Vec<f64> = vec![if add { 1.0 } else { 0.0 }; len * columns];
        for (i, j) in (0..len).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            expected[i * columns + j] +=
                (0..n_pairs).map(|p| f64::from(a[p * 2 + i]) * f64::from(b[p * 3 + j])).sum::<f64>();
        }
        for level in Level::all() {
            let mut c = vec![1.0; len * columns];
            dispatch(level, Outer(&pairs, (&a, len), (&b, columns), &mut c, add));
            prop_assert!(largest_error(&c, &expected) < TOLERANCE, "{level:?}");
        }
    }

    /// The sums of a batch norm's gradient, with a last row that is cut short, and with and without its ReLU.
    #[test]
    fn sums_of_gradients(len in 1_usize..400, width in 1_usize..40, gated: bool, seed in 0_u64..99) {
        let [mean, scale, beta] = [0, 1, 2].map(|i| noise(width, seed + i));
        let (x, gradient) = (noise(len, seed + 3), noise(len, seed + 4));
        let (mut plain, mut centered) = (vec![0.0_f64; width], vec![0.0_f64; width]);
        for i in 0..len {
            let lane = i % width;
            // In single precision, as the forward pass has it.
            let open = (x[i] - mean[lane]) * scale[lane] + beta[lane] > 0.0;
            if open || !gated {
                plain[lane] += f64::from(gradient[i]);
                centered[lane] += f64::from(gradient[i]) * f64::from(x[i] - mean[lane]);
            }
        }
        for level in Level::all() {
            let (mut got_plain, mut got_centered) = (vec![0.0; width], vec![0.0; width]);
            let rows = GradientRows { mean: &mean, scale: &scale, beta: &beta, x: &x, gradient: &gradient };
            dispatch(level, GradientSums { rows, gated, plain: &mut got_plain, centered: &mut got_centered });
            prop_assert!(largest_error(&got_plain, &plain) < TOLERANCE, "{level:?}");
            prop_assert!(largest_error(&got_centered, &centered) < TOLERANCE, "{level:?}");
        }
    }

    /// Runs of pixels: every pass of any convolution is the sum that defines it.
    #[test]
    fn direct_convolutions(shape in convolutions(), seed in 0_u64..99) {
        agrees_on_every_level(&shape, false, seed);
    }

    /// Winograd's algorithm: every pass, for any size, padding and number of channels.
    #[test]
    fn winograd_convolutions(shape in convolutions(), padding in 0_usize..3, seed in 0_u64..99) {
        let (height, width) = (shape.height + 2, shape.width + 2);
        let shape = ConvShape { height, width, kernel_height: 3, kernel_width: 3, stride: 1, padding, ..shape };
        agrees_on_every_level(&shape, true, seed);
    }

    /// The classes of an axis hold every pair of an output and a tap that meet inside the image exactly once,
    /// and those of the way back the same pairs.
    #[test]
    fn axes_hold_every_meeting_once(shape in convolutions()) {
        let sizes = Sizes::vertical(&shape);
        let mut expected = Vec::new();
        for (output, tap) in (0..sizes.output).flat_map(|o| (0..sizes.kernel).map(move |k| (o, k))) {
            let input = (output * shape.stride + tap).checked_sub(shape.padding);
            expected.extend(input.filter(|input| *input < sizes.input).map(|input| (output, tap, input)));
        }
        let meetings = |axes: &[Axis], backward: bool| {
            let mut found = Vec::new();
            for axis in axes {
                for class in &axis.classes {
                    for position in &class.positions {
                        for (run, place) in class.places.clone().enumerate() {
                            let (from, tap) = (position.source + run, axis.taps[place]);
                            let (output, input) =
                                if backward { (from, position.target) } else { (position.target, from) };
                            found.push((output, tap, input));
                        }
                    }
                }
            }
            found.sort_unstable();
            found
        };
        prop_assert_eq!(&meetings(&[Axis::forward(&shape, sizes)], false), &expected);
        let backward = Axis::backward(&shape, sizes);
        prop_assert_eq!(&meetings(&backward, true), &expected);
        let targets: usize = backward.iter().flat_map(|a| &a.classes).map(|c| c.positions.len()).sum();
        prop_assert_eq!(targets, sizes.input);
    }
}

/// The paths for wide layers, which need more channels than random shapes have.
#[test]
fn wide_layers() {
    let shape = |size: usize, c_in, c_out, stride| ConvShape {
        images: 2,
        height: size,
        width: size,
        c_in,
        c_out,
        kernel_height: 3,
        kernel_width: 3,
        stride,
        padding: 1,
    };
    agrees_on_every_level(&shape(4, 130, 140, 1), true, 1);
    agrees_on_every_level(&shape(5, 140, 132, 1), true, 2);
    agrees_on_every_level(&shape(4, 120, 130, 2), false, 3);
    agrees_on_every_level(&shape(2, 130, 120, 1), false, 4);
    agrees_on_every_level(&shape(1, 130, 120, 1), false, 5);
}

/// The root mean square of the errors of each pass, relative to that of its result.
fn relative_errors(level: Level, shape: &ConvShape, by_winograd: bool) -> [f64; 3] {
    let x = noise(shape.images * shape.in_len(), 1);
    let weight = noise(shape.weight_len(), 2);
    let y_gradient = noise(shape.images * shape.out_len(), 3);
    let expected = definition(shape, &x, &weight, &y_gradient);
    let got = passes(level, shape, by_winograd, [&x, &weight, &y_gradient]);
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let mut errors = [got.y, got.x, got.weight].into_iter().zip(&expected).map(|(got, expected)| {
        let error = norm(&mut got.iter().zip(expected).map(|(a, b)| f64::from(*a) - b));
        error / norm(&mut expected.iter().copied())
    });
    std::array::from_fn(|_| errors.next().unwrap())
}

/// Winograd's algorithm on these points loses at most a few bits against a direct convolution: relative errors
/// (root mean square) stay below 1.5e-6 in every pass.
#[test]
fn the_error_of_winograds_algorithm() {
    let shape = ConvShape {
        images: 2,
        height: 16,
        width: 16,
        c_in: 64,
        c_out: 64,
        kernel_height: 3,
        kernel_width: 3,
        stride: 1,
        padding: 1,
    };
    for level in Level::all() {
        let (by_winograd, by_runs) =
            (relative_errors(level, &shape, true), relative_errors(level, &shape, false));
        for (winograd, direct) in by_winograd.iter().zip(by_runs) {
            assert!(*winograd < 1.5e-6, "{level:?}: {by_winograd:?}, direct {by_runs:?}");
            assert!(direct < 1e-6, "{level:?}: {by_runs:?}");
        }
    }
}

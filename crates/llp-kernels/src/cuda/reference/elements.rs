//! Element by element: conversions, sums, the rectifier, layouts of filters, biases, images.

use candle_core::{Device, Tensor};
use proptest::prelude::*;

use super::super::calls::{self, Preparation};
use super::super::kind::Kind;
use super::{Numbers, assert_close, noise, rounded, run};

/// Theorem: a float becomes the nearest number of the kind, ties to even, and that becomes the same float again.
#[test]
fn conversions_round_to_the_nearest() {
    let ties = [1.0, 1.003_906_3, 1.011_718_8, -1.003_906_3, 0.0, 1e-40, 3.3e38, f32::INFINITY];
    for kind in Kind::ALL {
        let values: Vec<f32> = noise(1000, 7).into_iter().chain(ties).collect();
        let (mut from, mut to, mut back) = (
            Numbers::new(Kind::F32, &values),
            Numbers::zeros(kind, values.len()),
            Numbers::zeros(Kind::F32, values.len()),
        );
        let n = values.len();
        if run([
            calls::from_f32(kind, from.pointer(), to.pointer(), n),
            calls::to_f32(kind, to.pointer(), back.pointer(), n),
        ]) {
            assert_eq!(to.values()[..n - 1], rounded(kind, &values)[..n - 1]);
            assert_eq!(back.values(), to.values());
            assert_eq!(to.values()[n - 1], f32::INFINITY);
        }
        let (mut nan, mut still) = (Numbers::new(Kind::F32, &[f32::NAN]), Numbers::zeros(kind, 1));
        if run([calls::from_f32(kind, nan.pointer(), still.pointer(), 1)]) {
            assert!(still.values()[0].is_nan());
        }
    }
}

/// Sums, and the rectifier with its gradient, which is 0 at 0.
#[test]
fn sums_and_rectifier() {
    for kind in Kind::ALL {
        let (a, b) = (rounded(kind, &noise(500, 1)), rounded(kind, &noise(500, 2)));
        let (mut sum, mut term) = (Numbers::new(kind, &a), Numbers::new(kind, &b));
        if run([calls::add(kind, sum.pointer(), term.pointer(), 500)]) {
            let expected: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
            assert_eq!(sum.values(), rounded(kind, &expected));
        }
    }
    let x = [-2.0, -0.0, 0.0, 3.0];
    let (mut from, mut y) = (Numbers::new(Kind::F32, &x), Numbers::zeros(Kind::F32, 4));
    let (mut slope, mut passed) =
        (Numbers::new(Kind::F32, &[1.0, 2.0, 4.0, 8.0]), Numbers::zeros(Kind::F32, 4));
    if run([
        calls::relu(from.pointer(), y.pointer(), 4),
        calls::relu_backward(y.pointer(), slope.pointer(), passed.pointer(), 4),
    ]) {
        assert_eq!(y.values(), [0.0, 0.0, 0.0, 3.0]);
        assert_eq!(passed.values(), [0.0, 0.0, 0.0, 8.0]);
    }
}

/// Theorem: packing permutes the layout of each convolution at its offset, and unpacking is its inverse; what lies between
/// two convolutions stays as it is.
#[test]
fn filters_change_their_layout() {
    let shapes = [[3, 5, 2, 3], [2, 4, 1, 1]];
    let (offsets, len) = ([0, 96], 104);
    for kind in Kind::ALL {
        let weights = shapes.map(|shape| rounded(kind, &noise(shape.iter().product(), 3 + shape[0] as u64)));
        let mut from = weights.each_ref().map(|weight| Numbers::new(Kind::F32, weight));
        let table: Vec<u64> =
            (0..2).flat_map(|i| calls::filters(from[i].pointer(), offsets[i], shapes[i])).collect();
        let table = table.as_ptr() as u64;
        let (mut packed, mut back) = (Numbers::new(kind, &[7.0; 104]), Numbers::zeros(Kind::F32, len));
        if run([
            calls::pack_filters(kind, table, 2, 90, packed.pointer()),
            calls::unpack_filters(kind, table, 2, 90, [packed.pointer(), back.pointer()]),
        ]) {
            for ((shape, weight), offset) in shapes.iter().zip(&weights).zip(offsets) {
                let tensor = Tensor::from_vec(weight.clone(), &shape[..], &Device::Cpu).unwrap();
                let expected = tensor.permute((0, 2, 3, 1)).unwrap().flatten_all().unwrap();
                let place = offset..offset + weight.len();
                assert_eq!(packed.values()[place.clone()], expected.to_vec1::<f32>().unwrap());
                assert_eq!(&back.values()[place], weight);
            }
            assert_eq!((packed.values()[90], back.values()[90]), (7.0, 0.0));
        }
    }
}

/// What a linear layer adds to its product, and the gradient of that.
#[test]
fn biases_are_added_to_rows_and_their_gradients_are_sums() {
    for (rows, columns) in [(1, 1), (3, 10), (700, 7)] {
        let (values, bias) = (noise(rows * columns, 1), noise(columns, 2));
        let (mut from, mut of_bias) = (Numbers::new(Kind::F32, &values), Numbers::new(Kind::F32, &bias));
        let (mut summands, mut sums) = (Numbers::new(Kind::F32, &values), Numbers::zeros(Kind::F32, columns));
        if run([
            calls::add_bias(from.pointer(), of_bias.pointer(), rows, columns),
            calls::column_sums(summands.pointer(), sums.pointer(), rows, columns),
        ]) {
            let expected: Vec<f32> = (0..values.len()).map(|i| values[i] + bias[i % columns]).collect();
            assert_eq!(from.values(), expected);
            let sum =
                |column: usize| values[column..].iter().step_by(columns).map(|x| f64::from(*x)).sum::<f64>();
            let expected: Vec<f32> = (0..columns).map(|column| sum(column) as f32).collect();
            assert_close(&sums.values(), &expected, Kind::F32);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Theorem: a pixel comes from where shift and mirror say, the edge repeated, and is scaled by its channel.
    #[test]
    fn images_are_shifted_mirrored_and_scaled(
        height in 1_usize..7, width in 1_usize..7, channels in 1_usize..4, n in 1_usize..6, shift in 0_usize..3,
        seed in 0_u64..1000,
    ) {
        let kind = if seed % 2 == 0 { Kind::F32 } else { Kind::Bf16 };
        let n_images = 4;
        let bytes: Vec<u8> = noise(n_images * height * width * channels, seed)
            .iter().map(|value| (128.0 + 127.0 * value) as u8).collect();
        let pick = |salt: u64, below: usize| -> Vec<usize> {
            noise(n, seed + salt).iter().map(|value| ((value + 1.0) / 2.0 * below as f32) as usize % below).collect()
        };
        let (instances, mirror) = (pick(1, n_images), pick(2, 2));
        let (down, right) = (pick(3, 2 * shift + 1), pick(4, 2 * shift + 1));
        let packed: Vec<u32> =
            (0..n).map(|i| (down[i] + 256 * right[i] + 65536 * mirror[i]) as u32).collect();
        let ids: Vec<u32> = instances.iter().map(|&i| i as u32).collect();
        let (scale, offset) = (noise(channels, seed + 5), noise(channels, seed + 6));
        let (mut of_scale, mut of_offset) = (Numbers::new(Kind::F32, &scale), Numbers::new(Kind::F32, &offset));
        let len = n * height * width * channels;
        let mut result = Numbers::zeros(kind, len);
        let from = Preparation {
            images: bytes.as_ptr() as u64,
            instances: ids.as_ptr() as u64,
            changes: packed.as_ptr() as u64,
            scale: of_scale.pointer(),
            offset: of_offset.pointer(),
            shape: [height, width, channels],
            shift,
            n_instances: n,
        };
        if run([calls::prepare_images(kind, &from, result.pointer())]) {
            let clamp = |position: isize, len: usize| position.clamp(0, len as isize - 1) as usize;
            let mut expected = Vec::with_capacity(len);
            for i in 0..n {
                for y in 0..height {
                    for x in 0..width {
                        let x = if mirror[i] == 1 { width - 1 - x } else { x };
                        let from_y = clamp(y as isize - (down[i] as isize - shift as isize), height);
                        let from_x = clamp(x as isize - (right[i] as isize - shift as isize), width);
                        for c in 0..channels {
                            let place = ((instances[i] * height + from_y) * width + from_x) * channels + c;
                            expected.push(f32::from(bytes[place]) * scale[c] + offset[c]);
                        }
                    }
                }
            }
            assert_close(&result.values(), &expected, kind);
        }
    }
}

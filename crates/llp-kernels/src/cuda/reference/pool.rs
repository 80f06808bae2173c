//! Pooling against `crate::cpu::pool`.

use proptest::prelude::*;

use super::super::calls;
use super::super::kind::Kind;
use super::{Numbers, assert_close, noise, rounded, run};
use crate::cpu::pool;
use crate::cpu::shape::ConvShape;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Theorem: means and their gradients are those of the reference.
    #[test]
    fn means_are_those_of_the_reference(
        images in 1_usize..4, pixels in 1_usize..20, channels in 1_usize..40, seed in 0_u64..1000,
    ) {
        for kind in Kind::ALL {
            let x = rounded(kind, &noise(images * pixels * channels, seed));
            let slope = noise(images * channels, seed + 1);
            let (mut from, mut y) = (Numbers::new(kind, &x), Numbers::zeros(Kind::F32, images * channels));
            let (mut of_y, mut of_x) = (Numbers::new(Kind::F32, &slope), Numbers::zeros(kind, x.len()));
            let extents = [images, pixels, channels];
            if run([
                calls::average_pool(kind, from.pointer(), y.pointer(), extents),
                calls::average_pool_backward(kind, of_y.pointer(), of_x.pointer(), extents),
            ]) {
                assert_close(&y.values(), &pool::average(&x, pixels, channels), Kind::F32);
                let mut expected = vec![0.0; x.len()];
                pool::average_backward(&slope, pixels, channels, &mut expected);
                assert_close(&of_x.values(), &expected, kind);
            }
        }
    }

    /// Theorem: the largest values, and where their gradients go, are those of the reference, with ties and padding.
    #[test]
    fn largest_values_are_those_of_the_reference(
        images in 1_usize..3, height in 3_usize..9, width in 3_usize..9, channels in 1_usize..6,
        kernel in 1_usize..4, stride in 1_usize..4, padding in 0_usize..3, seed in 0_u64..1000,
    ) {
        prop_assume!(padding < kernel);
        let shape = ConvShape {
            images, height, width, c_in: channels, c_out: channels, kernel_height: kernel, kernel_width: kernel,
            stride, padding,
        };
        for kind in Kind::ALL {
            // Few different values: the first of equals must win.
            let x: Vec<f32> =
                noise(images * shape.in_len(), seed).iter().map(|value| (value * 3.0).round()).collect();
            let slope = rounded(kind, &noise(images * shape.out_len(), seed + 1));
            let (mut from, mut y) = (Numbers::new(kind, &x), Numbers::zeros(kind, slope.len()));
            let (mut of_y, mut of_x) = (Numbers::new(kind, &slope), Numbers::zeros(kind, x.len()));
            let mut winners = vec![0_u16; slope.len()];
            let places = winners.as_mut_ptr() as u64;
            if run([
                calls::max_pool(kind, &shape, from.pointer(), y.pointer(), places),
                calls::max_pool_backward(kind, &shape, of_y.pointer(), places, of_x.pointer()),
            ]) {
                let (mut expected, mut expected_gradient) = (vec![0.0; slope.len()], vec![0.0; x.len()]);
                pool::max(&shape, &x, &mut expected);
                pool::max_backward(&shape, (&x, &expected), &slope, &mut expected_gradient);
                assert_eq!(y.values(), expected);
                assert_close(&of_x.values(), &expected_gradient, kind);
            }
        }
    }
}

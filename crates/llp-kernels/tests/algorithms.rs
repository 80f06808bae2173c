//! The choice of the algorithm of a convolution; by itself, as it holds for the whole process.

use llp_kernels::{ConvShape, passes};

/// Without Winograd's algorithm a convolution has other bits and, but for rounding, the same values.
#[test]
fn winograd_can_be_forbidden() {
    let shape = ConvShape {
        images: 2,
        height: 8,
        width: 8,
        c_in: 16,
        c_out: 16,
        kernel_height: 3,
        kernel_width: 3,
        stride: 1,
        padding: 1,
    };
    let wave = |n: usize, scale: f32| -> Vec<f32> { (0..n).map(|i| (scale * i as f32).sin()).collect() };
    let (x, weight) = (wave(2 * 64 * 16, 0.37), wave(16 * 16 * 9, 0.73));
    let convolve = |allowed| {
        passes::allow_winograd(allowed);
        let mut y = vec![0.0; 2 * 64 * 16];
        passes::forward(&shape, &x, &weight, &mut y).unwrap();
        y
    };
    let (direct, winograd) = (convolve(false), convolve(true));
    assert_ne!(direct, winograd);
    for (a, b) in direct.iter().zip(&winograd) {
        // 144 terms of at most 1, and the error of the transforms.
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

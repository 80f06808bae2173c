//! The speed of every distinct convolution of ResNet-18 with the stem for small images, pass by pass:
//! `layers [WIDTH] [BATCH] [avx2|portable]`.
//!
//! GFLOP/s count the multiplications and additions of the definition, so Winograd's algorithm can exceed the
//! peak of the machine, which is that of a product of matrices within the second-level cache.

use std::time::Instant;

use candle_core::Result;
use llp_kernels::passes::{forward, input_gradient, weight_gradient};
use llp_kernels::{ConvShape, InstructionSet};

fn noise(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * 0.37).sin()).collect()
}

/// The best of several runs, in GFLOP/s.
fn rate(shape: &ConvShape, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let flops = 2.0 * (shape.images * shape.out_len() * shape.weight_len() / shape.c_out) as f64;
    let start = Instant::now();
    let mut best = f64::INFINITY;
    while start.elapsed().as_secs_f64() < 0.4 {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(flops / best / 1e9)
}

/// Forward, gradient of the input (none for the network's images), gradient of the weights.
fn rates(shape: &ConvShape, is_first: bool) -> Result<(f64, Option<f64>, f64)> {
    let (mut x, weight) = (noise(shape.images * shape.in_len()), noise(shape.weight_len()));
    let (mut y, mut gradient) = (noise(shape.images * shape.out_len()), noise(shape.weight_len()));
    let of_forward = rate(shape, || forward(shape, &x, &weight, &mut y))?;
    let of_input = if is_first {
        None
    } else {
        Some(rate(shape, || input_gradient(shape, &y, &weight, &mut x, false))?)
    };
    Ok((of_forward, of_input, rate(shape, || weight_gradient(shape, &x, &y, &mut gradient))?))
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize, default| arguments.get(index).map_or(default, |n| n.parse().unwrap_or(default));
    let (width, images) = (number(0, 64), number(1, 64));
    let widest = match arguments.get(2).map(String::as_str) {
        Some("portable") => InstructionSet::Portable,
        Some("avx2") => InstructionSet::Avx2,
        _ => InstructionSet::Avx512,
    };
    let set = InstructionSet::limit(widest);
    let layer = |size: usize, c_in, c_out, kernel, stride| ConvShape {
        images,
        height: size,
        width: size,
        c_in,
        c_out,
        kernel_height: kernel,
        kernel_width: kernel,
        stride,
        padding: kernel / 2,
    };
    let peak = ConvShape { images: 64, ..layer(16, 128, 128, 1, 1) };
    println!("width {width}, batch {images}, {set:?}, SGEMM {:.0} GFLOP/s\n", rates(&peak, false)?.0);
    println!("| layer | forward | input | weight |\n|---|---:|---:|---:|");
    let mut layers = vec![layer(32, 3, width, 3, 1), layer(32, width, width, 3, 1)];
    for stage in 0..3 {
        let (size, c) = (32 >> stage, width << stage);
        layers.extend([
            layer(size, c, 2 * c, 3, 2),
            layer(size, c, 2 * c, 1, 2),
            layer(size / 2, 2 * c, 2 * c, 3, 1),
        ]);
    }
    for (index, shape) in layers.iter().enumerate() {
        let ConvShape { height, c_in, c_out, kernel_height, stride, .. } = shape;
        let name = format!("{height}x{height} {c_in}->{c_out} {kernel_height}x{kernel_height}/{stride}");
        let (forward, input, weight) = rates(shape, index == 0)?;
        let input = input.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
        println!("| {name} | {forward:.0} | {input} | {weight:.0} |");
    }
    Ok(())
}

//! Seeded initial weights, as torchvision draws them for its residual networks.

use candle_core::{Device, Result, Shape, Var};
use rand::Rng;

/// He et al. (2015), "fan out": normal with variance `2 / (c_out kernel kernel)`, for layers before a ReLU.
pub(crate) fn kaiming_normal(
    shape: (usize, usize, usize, usize),
    rng: &mut impl Rng,
    device: &Device,
) -> Result<Var> {
    let (c_out, _, height, width) = shape;
    let deviation = (2.0 / (c_out * height * width) as f64).sqrt();
    variable(shape, device, || deviation * normal(rng))
}

/// PyTorch's default for a linear layer: uniform on `[-1/sqrt(fan_in), 1/sqrt(fan_in)]`.
pub(crate) fn linear_uniform(
    shape: impl Into<Shape>,
    fan_in: usize,
    rng: &mut impl Rng,
    device: &Device,
) -> Result<Var> {
    let bound = 1.0 / (fan_in as f64).sqrt();
    variable(shape, device, || bound * (2.0 * unit(rng) - 1.0))
}

/// PyTorch's default for a convolution, uniform on `[-1/sqrt(fan_in), 1/sqrt(fan_in)]`, but filter `i` passes channel
/// `i` on as it is, for as many filters and channels as there are.
pub(crate) fn conv_identity(
    shape: (usize, usize, usize, usize),
    rng: &mut impl Rng,
    device: &Device,
) -> Result<Var> {
    let (c_out, c_in, height, width) = shape;
    let area = height * width;
    let bound = 1.0 / ((c_in * area) as f64).sqrt();
    let mut values: Vec<f32> =
        (0..c_out * c_in * area).map(|_| (bound * (2.0 * unit(rng) - 1.0)) as f32).collect();
    for (filter, values) in values.chunks_mut(c_in * area).enumerate().take(c_in) {
        values.fill(0.0);
        values[filter * area + area / 2] = 1.0;
    }
    Var::from_vec(values, shape, device)
}

fn variable(shape: impl Into<Shape>, device: &Device, mut draw: impl FnMut() -> f64) -> Result<Var> {
    let shape = shape.into();
    let values: Vec<f32> = (0..shape.elem_count()).map(|_| draw() as f32).collect();
    Var::from_vec(values, shape, device)
}

/// Uniform on `[0, 1)` with 53 bits.
fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Standard normal, by the cosine branch of Box and Muller: two draws for each value, so that values do not
/// depend on whether an odd number came before.
fn normal(rng: &mut impl Rng) -> f64 {
    let (radius, angle) = (1.0 - unit(rng), unit(rng));
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

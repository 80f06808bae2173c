//! Batch normalization over the rows of `[row, channel]`, optionally followed by ReLU.

use pulp::Arch;
use rayon::prelude::*;

use super::channels::Lanes;

/// Mean and biased variance of each channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
}

impl Statistics {
    pub(crate) fn inverse_deviation(&self, epsilon: f32) -> Vec<f32> {
        self.variance.iter().map(|variance| 1.0 / (variance + epsilon).sqrt()).collect()
    }
}

/// Count, mean and sum of squared deviations of one chunk.
struct Moments {
    rows: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

/// The statistics of `x`, read from memory once: each chunk takes its mean, then its squared deviations while
/// it is still in the cache, and the chunks are merged by Chan's formula in double precision.
pub(crate) fn statistics(x: &[f32], channels: usize) -> Statistics {
    let lanes = Lanes::new(channels);
    let chunks: Vec<Moments> =
        x.par_chunks(lanes.chunk_len()).map(|chunk| chunk_moments(chunk, channels, lanes)).collect();
    let mut total = Moments { rows: 0.0, mean: vec![0.0; channels], squares: vec![0.0; channels] };
    for chunk in chunks {
        let rows = total.rows + chunk.rows;
        for c in 0..channels {
            let delta = chunk.mean[c] - total.mean[c];
            total.mean[c] += delta * chunk.rows / rows;
            total.squares[c] += chunk.squares[c] + delta * delta * total.rows * chunk.rows / rows;
        }
        total.rows = rows;
    }
    Statistics {
        mean: total.mean.iter().map(|mean| *mean as f32).collect(),
        variance: total.squares.iter().map(|squares| (squares / total.rows) as f32).collect(),
    }
}

fn chunk_moments(chunk: &[f32], channels: usize, lanes: Lanes) -> Moments {
    let rows = (chunk.len() / channels) as f64;
    let mut sums = vec![0.0; lanes.width()];
    Arch::new().dispatch(|| add_rows(chunk, &mut sums));
    let mean: Vec<f64> = lanes.fold(&sums).iter().map(|sum| sum / rows).collect();
    let center: Vec<f32> = mean.iter().map(|mean| *mean as f32).collect();
    let center = lanes.repeat(&center);
    sums.fill(0.0);
    Arch::new().dispatch(|| add_squares(chunk, &center, &mut sums));
    Moments { rows, mean, squares: lanes.fold(&sums) }
}

#[inline(always)]
fn add_rows(x: &[f32], sums: &mut [f32]) {
    for row in x.chunks(sums.len()) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += x;
        }
    }
}

#[inline(always)]
fn add_squares(x: &[f32], center: &[f32], sums: &mut [f32]) {
    for row in x.chunks(sums.len()) {
        for ((sum, x), center) in sums.iter_mut().zip(row).zip(center) {
            *sum += (x - center) * (x - center);
        }
    }
}

/// The affine map of one batch norm: `y = (x - mean) inverse_deviation gamma + beta`, then ReLU if asked for.
pub(crate) struct Normalization<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) inverse_deviation: &'a [f32],
    pub(crate) gamma: &'a [f32],
    pub(crate) beta: &'a [f32],
    pub(crate) relu: bool,
}

impl Normalization<'_> {
    pub(crate) fn forward(&self, x: &[f32]) -> Vec<f32> {
        let lanes = Lanes::new(self.mean.len());
        let scale: Vec<f32> = self.gamma.iter().zip(self.inverse_deviation).map(|(g, d)| g * d).collect();
        let (scale, mean, beta) = (lanes.repeat(&scale), lanes.repeat(self.mean), lanes.repeat(self.beta));
        let floor = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(lanes.chunk_len()).zip(x.par_chunks(lanes.chunk_len())).for_each(|(y, x)| {
            Arch::new().dispatch(|| normalize(x, &mean, &scale, &beta, floor, y));
        });
        y
    }

    /// Gradients from that of `y`. With `batch_statistics` the mean and the variance depend on `x`, else they
    /// are constants.
    pub(crate) fn backward(
        &self,
        x: &[f32],
        y: &[f32],
        y_gradient: &[f32],
        batch_statistics: bool,
    ) -> Gradients {
        let channels = self.mean.len();
        let lanes = Lanes::new(channels);
        let mean = lanes.repeat(self.mean);
        let ceiling = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let (beta, centered) = gradient_sums(lanes, &mean, ceiling, x, y, y_gradient);
        let gamma = centered.iter().zip(self.inverse_deviation).map(|(sum, d)| (sum * f64::from(*d)) as f32);

        let rows = (x.len() / channels) as f64;
        let (mut shift, mut slope) = (vec![0.0; channels], vec![0.0; channels]);
        if batch_statistics {
            for c in 0..channels {
                let inverse_deviation = f64::from(self.inverse_deviation[c]);
                shift[c] = (beta[c] / rows) as f32;
                slope[c] = (centered[c] * inverse_deviation * inverse_deviation / rows) as f32;
            }
        }
        let scale: Vec<f32> = self.gamma.iter().zip(self.inverse_deviation).map(|(g, d)| g * d).collect();
        let terms = [lanes.repeat(&scale), lanes.repeat(&shift), lanes.repeat(&slope)];
        let mut x_gradient = vec![0.0; x.len()];
        let chunk = lanes.chunk_len();
        x_gradient
            .par_chunks_mut(chunk)
            .zip(x.par_chunks(chunk).zip(y.par_chunks(chunk)).zip(y_gradient.par_chunks(chunk)))
            .for_each(|(out, ((x, y), gradient))| {
                Arch::new().dispatch(|| input_gradient(x, y, gradient, &mean, &terms, ceiling, out));
            });
        Gradients {
            x: x_gradient,
            gamma: gamma.collect(),
            beta: beta.iter().map(|sum| *sum as f32).collect(),
        }
    }
}

/// The gradients of one batch norm.
pub(crate) struct Gradients {
    pub(crate) x: Vec<f32>,
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
}

#[inline(always)]
fn normalize(x: &[f32], mean: &[f32], scale: &[f32], beta: &[f32], floor: f32, y: &mut [f32]) {
    for (y, x) in y.chunks_mut(mean.len()).zip(x.chunks(mean.len())) {
        for ((((y, x), mean), scale), beta) in y.iter_mut().zip(x).zip(mean).zip(scale).zip(beta) {
            // Written so that NaN passes through: `max` would hide a diverged network.
            let value = (x - mean) * scale + beta;
            *y = if value <= floor { floor } else { value };
        }
    }
}

/// Per channel: the sum of the gradient that passes the ReLU, and its sum weighted by `x - mean`.
fn gradient_sums(
    lanes: Lanes,
    mean: &[f32],
    ceiling: f32,
    x: &[f32],
    y: &[f32],
    y_gradient: &[f32],
) -> (Vec<f64>, Vec<f64>) {
    let chunk = lanes.chunk_len();
    let parts: Vec<(Vec<f64>, Vec<f64>)> = x
        .par_chunks(chunk)
        .zip(y.par_chunks(chunk))
        .zip(y_gradient.par_chunks(chunk))
        .map(|((x, y), gradient)| {
            let (mut sums, mut centered) = (vec![0.0; lanes.width()], vec![0.0; lanes.width()]);
            Arch::new().dispatch(|| add_gradients(x, y, gradient, mean, ceiling, &mut sums, &mut centered));
            (lanes.fold(&sums), lanes.fold(&centered))
        })
        .collect();
    let mut total = parts.into_iter();
    let (mut sums, mut centered) = total.next().unwrap_or_default();
    for (part_sums, part_centered) in total {
        sums.iter_mut().zip(part_sums).for_each(|(sum, part)| *sum += part);
        centered.iter_mut().zip(part_centered).for_each(|(sum, part)| *sum += part);
    }
    (sums, centered)
}

#[inline(always)]
fn add_gradients(
    x: &[f32],
    y: &[f32],
    gradient: &[f32],
    mean: &[f32],
    ceiling: f32,
    sums: &mut [f32],
    centered: &mut [f32],
) {
    let width = mean.len();
    for ((x, y), gradient) in x.chunks(width).zip(y.chunks(width)).zip(gradient.chunks(width)) {
        let inputs = x.iter().zip(y).zip(gradient).zip(mean);
        for ((((x, y), gradient), mean), (sum, centered)) in
            inputs.zip(sums.iter_mut().zip(centered.iter_mut()))
        {
            let gradient = if *y > ceiling { *gradient } else { 0.0 };
            *sum += gradient;
            *centered += gradient * (x - mean);
        }
    }
}

/// `scale (g - shift - (x - mean) slope)` with `g` the gradient that passes the ReLU.
#[inline(always)]
fn input_gradient(
    x: &[f32],
    y: &[f32],
    gradient: &[f32],
    mean: &[f32],
    [scale, shift, slope]: &[Vec<f32>; 3],
    ceiling: f32,
    out: &mut [f32],
) {
    let width = mean.len();
    let rows = x.chunks(width).zip(y.chunks(width)).zip(gradient.chunks(width));
    for (out, ((x, y), gradient)) in out.chunks_mut(width).zip(rows) {
        let terms = mean.iter().zip(scale).zip(shift).zip(slope);
        for ((out, ((x, y), gradient)), (((mean, scale), shift), slope)) in
            out.iter_mut().zip(x.iter().zip(y).zip(gradient)).zip(terms)
        {
            let gradient = if *y > ceiling { *gradient } else { 0.0 };
            *out = scale * (gradient - shift - (x - mean) * slope);
        }
    }
}

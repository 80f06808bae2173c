//! Mean and variance over the rows of `[row, channel]`.

use rayon::prelude::*;

use super::channels::Lanes;
use super::simd::{Level, dispatch, loops};

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
    let (level, rows) = (Level::current(), (chunk.len() / channels) as f64);
    let mut sums = vec![0.0; lanes.width()];
    dispatch(level, AddRows { x: chunk, sums: &mut sums });
    let mean: Vec<f64> = lanes.fold(&sums).iter().map(|sum| sum / rows).collect();
    let center: Vec<f32> = mean.iter().map(|mean| *mean as f32).collect();
    let center = lanes.repeat(&center);
    sums.fill(0.0);
    dispatch(level, AddSquares { x: chunk, center: &center, sums: &mut sums });
    Moments { rows, mean, squares: lanes.fold(&sums) }
}

loops!(AddRows<'a> = add_rows(x: &'a [f32], sums: &'a mut [f32]));
loops!(AddSquares<'a> = add_squares(x: &'a [f32], center: &'a [f32], sums: &'a mut [f32]));

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

//! The directions in which small patches of images vary, for a network whose first layer decorrelates them.

use llp_data::DataError;
use rayon::prelude::*;

use crate::check::{check_channels, check_instances, no_instances};
use crate::eigen::{Eigen, eigen};
use crate::{Images, Normalization};

/// Rows and columns of a patch.
const PATCH: usize = 2;
/// Added to each variance, so that directions without any do not become huge.
const EPSILON: f64 = 5e-4;
/// Images that are looked at, at most.
const N_IMAGES: usize = 5000;
/// Images per parallel piece of work; sums are added in the order of the pieces.
const IMAGES_PER_PIECE: usize = 64;

/// The matrix that whitens the 2x2 patches of images: row `i` is the eigenvector of the `i`-th largest eigenvalue `v` of
/// the covariance of the normalized patches, over `sqrt(v + 5e-4)`. `[component, number of a patch]`, the numbers of a
/// patch in the order channel, row, column; the largest number of each row is positive. No label is involved.
///
/// At most 5,000 images are looked at, evenly spaced in `instances`.
///
/// Source: \[jordan:24\], the first layer of airbench.
///
/// # Errors
/// No instances, one that does not exist, or a normalization of other channels.
pub fn whitening(
    images: &Images,
    instances: &[u32],
    normalization: &Normalization,
) -> Result<Vec<f32>, DataError> {
    if instances.is_empty() {
        return Err(no_instances());
    }
    check_instances(instances, images.len())?;
    let channels = images.shape()[2];
    let (scale, offset) = normalization.of_bytes();
    check_channels(channels, scale.len())?;
    let n = instances.len().min(N_IMAGES);
    let looked_at: Vec<u32> = (0..n).map(|i| instances[i * instances.len() / n]).collect();
    let value =
        |byte: u8, channel: usize| f64::from(byte) * f64::from(scale[channel]) + f64::from(offset[channel]);
    let sums = looked_at
        .par_chunks(IMAGES_PER_PIECE)
        .map(|piece| {
            let mut sums = PatchSums::new(channels * PATCH * PATCH);
            for &image in piece {
                sums.add_image(images.image(image), images.shape(), value);
            }
            sums
        })
        .collect::<Vec<_>>();
    let len = channels * PATCH * PATCH;
    let total = sums.into_iter().fold(PatchSums::new(len), PatchSums::plus);
    let Eigen { values, vectors } = eigen(total.covariance(), len);
    let rows = values.iter().zip(vectors.chunks(len)).flat_map(|(value, vector)| {
        let largest = vector.iter().fold(0.0_f64, |m, x| if x.abs() > m.abs() { *x } else { m });
        let factor = largest.signum() / (value.max(0.0) + EPSILON).sqrt();
        vector.iter().map(move |x| (x * factor) as f32)
    });
    Ok(rows.collect())
}

/// Sums over patches.
struct PatchSums {
    n_patches: f64,
    values: Vec<f64>,   // [number]
    products: Vec<f64>, // [number, number]
}

impl PatchSums {
    fn new(len: usize) -> Self {
        Self { n_patches: 0.0, values: vec![0.0; len], products: vec![0.0; len * len] }
    }

    fn add_image(
        &mut self,
        image: &[u8],
        [height, width, channels]: [usize; 3],
        value: impl Fn(u8, usize) -> f64,
    ) {
        let len = self.values.len();
        let mut patch = vec![0.0; len];
        for y in 0..(height + 1).saturating_sub(PATCH) {
            for x in 0..(width + 1).saturating_sub(PATCH) {
                for (place, number) in patch.iter_mut().enumerate() {
                    let (channel, row, column) =
                        (place / (PATCH * PATCH), place / PATCH % PATCH, place % PATCH);
                    *number = value(image[((y + row) * width + x + column) * channels + channel], channel);
                }
                self.n_patches += 1.0;
                self.values.iter_mut().zip(&patch).for_each(|(sum, value)| *sum += value);
                for (sums, a) in self.products.chunks_exact_mut(len).zip(&patch) {
                    sums.iter_mut().zip(&patch).for_each(|(sum, b)| *sum += a * b);
                }
            }
        }
    }

    fn plus(mut self, other: Self) -> Self {
        self.n_patches += other.n_patches;
        self.values.iter_mut().zip(other.values).for_each(|(sum, value)| *sum += value);
        self.products.iter_mut().zip(other.products).for_each(|(sum, value)| *sum += value);
        self
    }

    /// `[number, number]`, divided by the number of patches.
    fn covariance(&self) -> Vec<f64> {
        let (n, len) = (self.n_patches.max(1.0), self.values.len());
        let entry =
            |i: usize, j: usize| self.products[i * len + j] / n - self.values[i] / n * (self.values[j] / n);
        (0..len * len).map(|k| entry(k / len, k % len)).collect()
    }
}

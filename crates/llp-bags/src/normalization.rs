//! The statistics that inputs are normalized with.

use llp_data::DataError;
use serde::{Deserialize, Serialize};

use crate::check::{check_channels, check_instances, no_instances};
use crate::{Features, Images, Instances};

/// Mean and standard deviation of each channel of images, in units of `pixel / 255`, or of each column of features.
///
/// A checkpoint stores it: a network can only be used with the statistics that it was trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Normalization {
    mean: Vec<f32>, // [channel] or [column]
    std: Vec<f32>,  // [channel] or [column]
}

#[derive(Deserialize)]
struct Unchecked {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl TryFrom<Unchecked> for Normalization {
    type Error = DataError;

    fn try_from(unchecked: Unchecked) -> Result<Self, DataError> {
        Self::new(unchecked.mean, unchecked.std)
    }
}

impl Normalization {
    /// Given statistics, `[channel]` or `[column]` each.
    ///
    /// # Errors
    /// The two differ in length, one is not finite, or a deviation is not positive.
    pub fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self, DataError> {
        check_channels(mean.len(), std.len())?;
        for (channel, (&mean, &std)) in mean.iter().zip(&std).enumerate() {
            if !mean.is_finite() || !std.is_normal() || std < 0.0 {
                let problem = format!("channel {channel} has mean {mean} and deviation {std}");
                return Err(DataError::new(problem).remedy("both must be finite and the deviation positive"));
            }
        }
        Ok(Self { mean, std })
    }

    /// The statistics of some instances; those of the training split serve both splits.
    ///
    /// The deviation is that of the population (divided by the number of pixels, or of rows). A constant channel or
    /// column has none; it gets 1, which makes it zero. Columns that hold nothing but 0 and 1, as those of a category
    /// do, are left as they are (mean 0, deviation 1): a rare category would otherwise become a huge number.
    ///
    /// # Errors
    /// No instances, or one that does not exist.
    pub fn from_instances(data: &Instances, instances: &[u32]) -> Result<Self, DataError> {
        if instances.is_empty() {
            return Err(no_instances());
        }
        check_instances(instances, data.len())?;
        match data {
            Instances::Images(images) => Self::from_images(images, instances),
            Instances::Features(features) => Self::from_features(features, instances),
        }
    }

    /// The sums are of integers, hence exact in any order.
    fn from_images(images: &Images, instances: &[u32]) -> Result<Self, DataError> {
        let [height, width, channels] = images.shape();
        let mut sums = vec![(0_u64, 0_u64); channels]; // of pixels and of their squares
        for &instance in instances {
            for pixel in images.image(instance).chunks_exact(channels) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    sum.0 += u64::from(value);
                    sum.1 += u64::from(value).pow(2);
                }
            }
        }
        let n_pixels = (instances.len() * height * width) as u64;
        let (mean, std) = sums.into_iter().map(|(sum, squares)| moments(sum, squares, n_pixels)).unzip();
        Self::new(mean, std)
    }

    /// Deviations are taken from the means as they are stored, so that no column whose mean is large beside its
    /// deviation gets large values by rounding.
    fn from_features(features: &Features, instances: &[u32]) -> Result<Self, DataError> {
        let n = instances.len() as f64;
        let mut sums = vec![0.0; features.n_columns()];
        let mut is_flag = vec![true; features.n_columns()];
        for &instance in instances {
            for ((sum, is_flag), &value) in sums.iter_mut().zip(&mut is_flag).zip(features.row(instance)) {
                *sum += f64::from(value);
                *is_flag &= value == 0.0 || value == 1.0;
            }
        }
        let mut mean: Vec<f32> = sums.iter().map(|sum| (sum / n) as f32).collect();
        let mut squares = vec![0.0; features.n_columns()];
        for &instance in instances {
            for ((square, &mean), &value) in squares.iter_mut().zip(&mean).zip(features.row(instance)) {
                *square += (f64::from(value) - f64::from(mean)).powi(2);
            }
        }
        let deviation = |square: f64| (square / n).sqrt() as f32;
        let mut std: Vec<f32> = squares.into_iter().map(deviation).collect();
        for ((mean, std), is_flag) in mean.iter_mut().zip(&mut std).zip(is_flag) {
            if !std.is_normal() {
                *std = 1.0;
            } else if is_flag {
                (*mean, *std) = (0.0, 1.0);
            }
        }
        Self::new(mean, std)
    }

    /// The mean of each channel, in units of `pixel / 255`, or of each column.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of each channel, in units of `pixel / 255`, or of each column.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// Scale and offset by which a byte `b` of channel `c` becomes the value `b scale[c] + offset[c]`, `[channel]` each.
    pub fn of_bytes(&self) -> (Vec<f32>, Vec<f32>) {
        let scale = self.std.iter().map(|&std| (1.0 / (255.0 * f64::from(std))) as f32).collect();
        let offset = self.mean.iter().zip(&self.std).map(|(mean, std)| -mean / std).collect();
        (scale, offset)
    }
}

/// Mean and deviation from the sums of `n_pixels` bytes and of their squares.
fn moments(sum: u64, squares: u64, n_pixels: u64) -> (f32, f32) {
    let (sum, squares, n) = (u128::from(sum), u128::from(squares), u128::from(n_pixels));
    let n_squared_variance = n * squares - sum * sum; // exact: 0 for a constant channel only
    let std =
        if n_squared_variance == 0 { 1.0 } else { (n_squared_variance as f64).sqrt() / (n * 255) as f64 };
    ((sum as f64 / (n * 255) as f64) as f32, std as f32)
}

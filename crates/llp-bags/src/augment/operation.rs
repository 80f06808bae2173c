//! Changes of an image that leave its class recognizable: the operations of `RandAugment`.

/// The value of pixels that an operation has no source for: the middle of the range.
const FILL: u8 = 128;
/// Rows and columns of pixels are counted in steps of 2^-16, so that no rounding of sines decides on a pixel.
const FRACTION_BITS: u32 = 16;

/// A change of an image `[height, width, channel]` of bytes.
///
/// Each gives the bytes of Pillow's operation of this name, with the nearest pixel as the source of another place, and 128
/// where there is none. Weights of brightness, color, contrast and sharpness are those of the image, in `[0, 1]`; the rest
/// is black, gray, its mean gray, or the smoothed image.
///
/// Source: the list of operations is that of `RandAugment` \[cubuk:20\], the ranges from which
/// [`Augmentation`](crate::Augmentation) draws them those of `FixMatch` \[sohn:20\].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// Nothing.
    Identity,
    /// The values of each channel, stretched to 0 and 255.
    AutoContrast,
    /// The values of each channel, by their ranks, so that all are about equally frequent.
    Equalize,
    /// The image and black.
    Brightness(f64),
    /// The image and its gray.
    Color(f64),
    /// The image and the mean of its gray.
    Contrast(f64),
    /// The image and the image smoothed over 3x3 pixels.
    Sharpness(f64),
    /// The highest bits of each value, from 1 to 8 of them.
    Posterize(u32),
    /// Values from this one on are inverted.
    Solarize(u32),
    /// Turned about its center, counterclockwise in degrees.
    Rotate(f64),
    /// Each row is moved left by this number of pixels for each row above it.
    ShearX(f64),
    /// Each column is moved up by this number of pixels for each column to its left.
    ShearY(f64),
    /// Moved left by this share of its width.
    TranslateX(f64),
    /// Moved up by this share of its height.
    TranslateY(f64),
    /// A square of gray pixels with this side about a pixel: Cutout \[devries:17\].
    Erase {
        /// Row and column of its middle.
        middle: [usize; 2],
        /// Pixels of a side.
        side: usize,
    },
}

impl Operation {
    /// Changes `image`, `[height, width, channel]` as `shape` says.
    ///
    /// # Panics
    /// When the image is not of this shape.
    pub fn apply(self, image: &mut [u8], shape: [usize; 3]) {
        assert_eq!(image.len(), shape.iter().product::<usize>(), "the image is not of the shape {shape:?}");
        let (height, width, channels) = (shape[0] as f64, shape[1] as f64, shape[2]);
        match self {
            Self::Identity => {}
            Self::AutoContrast => each_channel(image, channels, stretched),
            Self::Equalize => each_channel(image, channels, equalized),
            Self::Brightness(weight) => blend(image, |_| 0, weight),
            Self::Color(weight) => {
                let gray = gray(image, channels);
                blend(image, |i| gray[i / channels], weight);
            }
            Self::Contrast(weight) => {
                let gray = gray(image, channels);
                let sum: u64 = gray.iter().copied().map(u64::from).sum();
                let mean = (sum as f64 / gray.len().max(1) as f64 + 0.5) as u8;
                blend(image, |_| mean, weight);
            }
            Self::Sharpness(weight) => {
                let smooth = smoothed(image, shape);
                blend(image, |i| smooth[i], weight);
            }
            Self::Posterize(bits) => {
                let mask = !(0xff_u8.checked_shr(bits).unwrap_or(0));
                for value in image.iter_mut() {
                    *value &= mask;
                }
            }
            Self::Solarize(threshold) => {
                let inverted = image.iter_mut().filter(|value| u32::from(**value) >= threshold);
                inverted.for_each(|value| *value = 255 - *value);
            }
            Self::Rotate(degrees) => {
                let (sin, cos) = (-degrees).to_radians().sin_cos();
                let (x, y) = (width / 2.0, height / 2.0);
                let to_x = [cos, sin, x - cos * x - sin * y];
                affine(image, shape, to_x, [-sin, cos, y + sin * x - cos * y]);
            }
            Self::ShearX(by) => affine(image, shape, [1.0, by, 0.0], [0.0, 1.0, 0.0]),
            Self::ShearY(by) => affine(image, shape, [1.0, 0.0, 0.0], [by, 1.0, 0.0]),
            Self::TranslateX(share) => affine(image, shape, [1.0, 0.0, share * width], [0.0, 1.0, 0.0]),
            Self::TranslateY(share) => affine(image, shape, [1.0, 0.0, 0.0], [0.0, 1.0, share * height]),
            Self::Erase { middle, side } => erase(image, shape, middle, side),
        }
    }
}

/// Replaces the values of each channel by a table made from their histogram.
fn each_channel(image: &mut [u8], channels: usize, table: impl Fn(&[usize; 256]) -> [u8; 256]) {
    for channel in 0..channels {
        let mut histogram = [0; 256];
        image.iter().skip(channel).step_by(channels).for_each(|&value| histogram[usize::from(value)] += 1);
        let table = table(&histogram);
        let values = image.iter_mut().skip(channel).step_by(channels);
        values.for_each(|value| *value = table[usize::from(*value)]);
    }
}

fn identity() -> [u8; 256] {
    std::array::from_fn(|value| value as u8)
}

fn stretched(histogram: &[usize; 256]) -> [u8; 256] {
    let is_there = |count: &usize| *count > 0;
    let (Some(low), Some(high)) = (histogram.iter().position(is_there), histogram.iter().rposition(is_there))
    else {
        return identity();
    };
    if high <= low {
        return identity();
    }
    let scale = 255.0 / (high - low) as f64;
    let offset = -(low as f64) * scale;
    std::array::from_fn(|value| (value as f64 * scale + offset) as u8)
}

fn equalized(histogram: &[usize; 256]) -> [u8; 256] {
    let Some(&last) = histogram.iter().rev().find(|count| **count > 0) else { return identity() };
    let step = (histogram.iter().sum::<usize>() - last) / 255;
    if step == 0 {
        return identity();
    }
    let mut n_below = step / 2;
    std::array::from_fn(|value| {
        let rank = n_below / step;
        n_below += histogram[value];
        rank.min(255) as u8
    })
}

/// `other + weight (image - other)`, without the fraction.
fn blend(image: &mut [u8], other: impl Fn(usize) -> u8, weight: f64) {
    let weight = weight as f32;
    for (index, value) in image.iter_mut().enumerate() {
        let other = f32::from(other(index));
        *value = (other + weight * (f32::from(*value) - other)) as u8;
    }
}

/// The gray value of each pixel: of three channels by the weights of ITU-R 601, of others their mean.
fn gray(image: &[u8], channels: usize) -> Vec<u8> {
    let of_pixel = |pixel: &[u8]| {
        if let [red, green, blue] = *pixel {
            let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
            ((sum + 0x8000) >> 16) as u8
        } else {
            let sum: u32 = pixel.iter().copied().map(u32::from).sum();
            (sum / pixel.len() as u32) as u8
        }
    };
    image.chunks_exact(channels).map(of_pixel).collect()
}

/// Each pixel inside with five times its own weight and once that of each of its eight neighbors; the edge as it is.
fn smoothed(image: &[u8], [height, width, channels]: [usize; 3]) -> Vec<u8> {
    let mut out = image.to_vec();
    let row_len = width * channels;
    for y in 1..height.saturating_sub(1) {
        for x in channels..row_len.saturating_sub(channels) {
            let at = y * row_len + x;
            let rows = [at - row_len, at, at + row_len];
            let around = rows.iter().flat_map(|row| [row - channels, *row, row + channels]);
            let sum: u32 = around.map(|i| u32::from(image[i])).sum::<u32>() + 4 * u32::from(image[at]);
            out[at] = (f64::from(sum) / 13.0 + 0.5) as u8;
        }
    }
    out
}

/// The pixel at column `x` and row `y` becomes the one at `to_x . (x, y, 1)` and `to_y . (x, y, 1)`, both taken at the
/// middle of the pixel.
fn affine(image: &mut [u8], [height, width, channels]: [usize; 3], to_x: [f64; 3], to_y: [f64; 3]) {
    let source = image.to_vec();
    let fixed = |value: f64| (value * f64::from(1_u32 << FRACTION_BITS) + 0.5).floor() as i64;
    let coefficients = |[a, b, c]: [f64; 3]| (fixed(a), fixed(b), fixed(c + a * 0.5 + b * 0.5));
    let (x_terms, y_terms) = (coefficients(to_x), coefficients(to_y));
    for (place, out) in image.chunks_exact_mut(channels).enumerate() {
        let (x, y) = ((place % width) as i64, (place / width) as i64);
        let of = |(a, b, c): (i64, i64, i64), len: usize| {
            let at = usize::try_from((a * x + b * y + c) >> FRACTION_BITS).ok();
            at.filter(|at| *at < len)
        };
        match (of(x_terms, width), of(y_terms, height)) {
            (Some(x), Some(y)) => out.copy_from_slice(&source[(y * width + x) * channels..][..channels]),
            _ => out.fill(FILL),
        }
    }
}

fn erase(image: &mut [u8], [height, width, channels]: [usize; 3], middle: [usize; 2], side: usize) {
    let range = |middle: usize, len: usize| {
        let end = (middle + side - side / 2).min(len);
        middle.saturating_sub(side / 2).min(end)..end
    };
    for y in range(middle[0], height) {
        let columns = range(middle[1], width);
        image[(y * width + columns.start) * channels..(y * width + columns.end) * channels].fill(FILL);
    }
}

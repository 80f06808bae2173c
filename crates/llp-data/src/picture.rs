//! Encoded images to pixels.

mod encoded;
mod facts;
mod fault;
mod growing;
mod rows;
mod stack;

use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

pub use encoded::Encoded;
pub use facts::PictureFacts;
use fault::Fault;
pub use rows::{Fit, Pictures, ReadImages};
use stack::Stack;
pub(crate) use stack::alike;

/// Formats without a kind of file that is gray by itself: their images are gray if every pixel is.
const COLOR_FORMATS: [ImageFormat; 2] = [ImageFormat::Bmp, ImageFormat::Gif];

/// Weights of red, green and blue in gray by ITU-R 601, in units of 2^-16, as of Pillow.
const GRAY_WEIGHTS: [u32; 3] = [19595, 38470, 7471];

/// Pixels of 8 bits, `[height, width, channel]`, and what they no longer show.
struct Decoded {
    shape: [usize; 3],
    pixels: Vec<u8>,
    facts: PictureFacts,
}

/// Decodes a file by its content, as a viewer shows it: turned as its EXIF orientation says, transparent pixels drawn
/// on white. Three channels if it has color, else one. Of several frames or pages it is the first.
fn decode(encoded: &[u8]) -> Result<Decoded, Fault> {
    let format = fault::format_of(encoded)?;
    let mut decoder = ImageReader::with_format(Cursor::new(encoded), format).into_decoder()?;
    let mut limits = Limits::default();
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let is_turned = orientation != image::metadata::Orientation::NoTransforms;
    let deep_range = facts::deep_range(&image)?;
    let (height, width) = (image.height() as usize, image.width() as usize);
    let Flat { mut channels, mut pixels, is_transparent } = Flat::of(image);
    if channels == 3 && COLOR_FORMATS.contains(&format) && is_gray(&pixels) {
        (channels, pixels) = (1, pixels.into_iter().step_by(3).collect());
    }
    let facts = PictureFacts::of_one(channels == 3, is_turned, is_transparent, deep_range);
    Ok(Decoded { shape: [height, width, channels], pixels, facts })
}

/// As [`decode`], and resized to a square of `side` pixels unless it is one. An image that is to have one channel is
/// reduced to gray before.
///
/// The filter is the triangle, widened when an image shrinks: bilinear interpolation with anti-aliasing, as of Pillow
/// and torchvision. The proportions of an image that is no square change.
fn decode_square(encoded: &[u8], side: usize, channels: Option<usize>) -> Result<Decoded, Fault> {
    let decoded = decode(encoded)?;
    let decoded = if channels == Some(1) { decoded.with_channels(1) } else { decoded };
    let Decoded { shape: [height, width, own], pixels, facts } = decoded;
    if (width, height) == (side, side) {
        return Ok(Decoded { shape: [height, width, own], pixels, facts });
    }
    let (width, height) = (width as u32, height as u32);
    let converted = if own == 3 {
        image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    let resized = converted.unwrap_or_default().resize_exact(side as u32, side as u32, FilterType::Triangle);
    let pixels = if own == 3 { resized.into_rgb8().into_raw() } else { resized.into_luma8().into_raw() };
    Ok(Decoded { shape: [side, side, own], pixels, facts })
}

impl Decoded {
    /// The same image with one channel or three: ITU-R 601's gray of a color image, or gray in every channel.
    fn with_channels(self, channels: usize) -> Self {
        let [height, width, own] = self.shape;
        let pixels = match (own, channels) {
            (1, 3) => in_three_channels(&self.pixels),
            (3, 1) => self.pixels.chunks_exact(3).map(gray).collect(),
            _ => self.pixels,
        };
        Self { shape: [height, width, channels], pixels, facts: self.facts }
    }
}

/// Every gray value three times.
fn in_three_channels(gray: &[u8]) -> Vec<u8> {
    gray.iter().flat_map(|&value| [value; 3]).collect()
}

/// The gray of a color, rounded as Pillow does.
fn gray(color: &[u8]) -> u8 {
    let sum: u32 = color.iter().zip(GRAY_WEIGHTS).map(|(&value, weight)| u32::from(value) * weight).sum();
    ((sum + (1 << 15)) >> 16) as u8
}

fn is_gray(pixels: &[u8]) -> bool {
    pixels.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
}

/// Values of 8 bits without transparency.
struct Flat {
    channels: usize,
    pixels: Vec<u8>,
    is_transparent: bool,
}

impl Flat {
    fn of(image: DynamicImage) -> Self {
        let color = image.color();
        match (color.has_color(), color.has_alpha()) {
            (true, false) => {
                Self { channels: 3, pixels: image.into_rgb8().into_raw(), is_transparent: false }
            }
            (false, false) => {
                Self { channels: 1, pixels: image.into_luma8().into_raw(), is_transparent: false }
            }
            (true, true) => Self::on_white(&image.into_rgba8().into_raw(), 3),
            (false, true) => Self::on_white(&image.into_luma_alpha8().into_raw(), 1),
        }
    }

    /// Draws pixels of some channels and an alpha on a white ground.
    fn on_white(pixels: &[u8], channels: usize) -> Self {
        let mut flat = Self {
            channels,
            pixels: Vec::with_capacity(pixels.len() / (channels + 1) * channels),
            is_transparent: false,
        };
        for pixel in pixels.chunks_exact(channels + 1) {
            let alpha = u32::from(pixel[channels]);
            flat.is_transparent |= alpha < 255;
            let drawn = |&value: &u8| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            flat.pixels.extend(pixel[..channels].iter().map(drawn));
        }
        flat
    }
}

#[cfg(test)]
mod tests;

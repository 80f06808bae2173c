//! Encoded images to pixels: the one decoder of this crate.

use image::imageops::FilterType;
use image::{DynamicImage, ImageError};

/// Pixels of 8 bits, `[height, width, channel]`.
pub(crate) struct Decoded {
    pub(crate) shape: [usize; 3],
    pub(crate) pixels: Vec<u8>,
}

/// Decodes a file by its content: three channels if its format has color, else one; without transparency.
pub(crate) fn decode(encoded: &[u8]) -> Result<Decoded, ImageError> {
    Ok(pixels_of(image::load_from_memory(encoded)?))
}

/// As [`decode`], and resized to a square of `side` pixels unless it is one.
///
/// The filter is the triangle, widened when an image shrinks: bilinear interpolation with anti-aliasing, as of Pillow
/// and torchvision. The proportions of an image that is no square change.
#[cfg(feature = "table")]
pub(crate) fn decode_square(encoded: &[u8], side: usize) -> Result<Decoded, ImageError> {
    let image = image::load_from_memory(encoded)?;
    let side = side as u32;
    if (image.width(), image.height()) == (side, side) {
        return Ok(pixels_of(image));
    }
    // Resized after the conversion to 8 bits: an image of a palette or of 16 bits is treated as any other.
    let Decoded { shape: [height, width, channels], pixels } = pixels_of(image);
    let (width, height) = (width as u32, height as u32);
    let converted = if channels == 3 {
        image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    Ok(pixels_of(converted.unwrap_or_default().resize_exact(side, side, FilterType::Triangle)))
}

fn pixels_of(image: DynamicImage) -> Decoded {
    let (height, width) = (image.height() as usize, image.width() as usize);
    if image.color().has_color() {
        Decoded { shape: [height, width, 3], pixels: image.into_rgb8().into_raw() }
    } else {
        Decoded { shape: [height, width, 1], pixels: image.into_luma8().into_raw() }
    }
}

#[cfg(feature = "table")]
impl Decoded {
    /// The same image with one channel or three: luma of a color image, or gray in every channel.
    pub(crate) fn with_channels(self, channels: usize) -> Self {
        let [height, width, own] = self.shape;
        let (width_px, height_px) = (width as u32, height as u32);
        let pixels = match (own, channels) {
            (1, 3) => self.pixels.iter().flat_map(|&gray| [gray; 3]).collect(),
            (3, 1) => image::RgbImage::from_raw(width_px, height_px, self.pixels)
                .map(|rgb| DynamicImage::from(rgb).into_luma8().into_raw())
                .unwrap_or_default(),
            _ => self.pixels,
        };
        Self { shape: [height, width, channels], pixels }
    }
}

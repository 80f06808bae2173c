//! Encoded images to pixels.

use image::ImageError;

/// Pixels of 8 bits, `[height, width, channel]`.
pub(super) struct Decoded {
    pub(super) shape: [usize; 3],
    pub(super) pixels: Vec<u8>,
}

/// Decodes a file by its content: three channels if its format has color, else one; without transparency.
pub(super) fn decode(encoded: &[u8]) -> Result<Decoded, ImageError> {
    let image = image::load_from_memory(encoded)?;
    let (height, width) = (image.height() as usize, image.width() as usize);
    Ok(if image.color().has_color() {
        Decoded { shape: [height, width, 3], pixels: image.into_rgb8().into_raw() }
    } else {
        Decoded { shape: [height, width, 1], pixels: image.into_luma8().into_raw() }
    })
}

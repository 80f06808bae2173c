//! What images had that their pixels no longer show.

use image::DynamicImage;
use serde::{Deserialize, Serialize};

use super::fault::{Fault, out_of_range};
use crate::DataNote;

/// Levels of gray that 16 bits must leave in 8; with fewer, a note says so.
const N_LEVELS_MIN: u32 = 64;

/// What some images had that their pixels no longer show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFacts {
    /// All of them.
    pub n_images: usize,
    /// Those in color.
    pub n_color: usize,
    /// Those that were turned as their EXIF orientation says.
    pub n_turned: usize,
    /// Those with transparent pixels, which were drawn on white.
    pub n_transparent: usize,
    /// Those of 16 bits.
    pub n_deep: usize,
    /// The least and the largest value of those of 16 bits.
    pub deep_range: Option<[u16; 2]>,
}

impl PictureFacts {
    pub(super) fn of_one(
        has_color: bool,
        is_turned: bool,
        is_transparent: bool,
        deep_range: Option<[u16; 2]>,
    ) -> Self {
        Self {
            n_images: 1,
            n_color: has_color.into(),
            n_turned: is_turned.into(),
            n_transparent: is_transparent.into(),
            n_deep: deep_range.is_some().into(),
            deep_range,
        }
    }

    /// The facts of these images and of others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let range = |[low, high]: [u16; 2], [low_2, high_2]: [u16; 2]| [low.min(low_2), high.max(high_2)];
        Self {
            n_images: self.n_images + other.n_images,
            n_color: self.n_color + other.n_color,
            n_turned: self.n_turned + other.n_turned,
            n_transparent: self.n_transparent + other.n_transparent,
            n_deep: self.n_deep + other.n_deep,
            deep_range: match (self.deep_range, other.deep_range) {
                (Some(one), Some(two)) => Some(range(one, two)),
                (one, two) => one.or(two),
            },
        }
    }

    /// What people should know of images that became ones of `channels` channels.
    pub fn notes(&self, channels: usize) -> Vec<DataNote> {
        let &Self { n_images, n_color, .. } = self;
        let mut notes = Vec::new();
        let mut note = |n: usize, note: DataNote| {
            if n > 0 {
                notes.push(note);
            }
        };
        let n_gray = n_images - n_color;
        if channels == 3 {
            note(n_gray, DataNote::GrayToColor { n: n_gray, n_images });
        } else {
            note(n_color, DataNote::ColorToGray { n: n_color, n_images });
        }
        note(self.n_turned, DataNote::Turned { n: self.n_turned, n_images });
        note(self.n_transparent, DataNote::Transparent { n: self.n_transparent, n_images });
        if let Some([low, high]) = self.deep_range {
            let n_levels = (u32::from(high) - u32::from(low)) / 257 + 1;
            if n_levels < N_LEVELS_MIN {
                let n = self.n_deep;
                note(n, DataNote::FewLevels { n, low, high, n_levels });
            }
        }
        notes
    }
}

/// The least and the largest value, if an image has 16 bits a channel.
///
/// # Errors
/// Floating point numbers outside `[0, 1]`.
pub(super) fn deep_range(image: &DynamicImage) -> Result<Option<[u16; 2]>, Fault> {
    let is_shade = |value: &f32| (0.0..=1.0).contains(value);
    Ok(match image {
        DynamicImage::ImageLuma16(image) => range(image.as_raw(), 1, 1),
        DynamicImage::ImageLumaA16(image) => range(image.as_raw(), 2, 1),
        DynamicImage::ImageRgb16(image) => range(image.as_raw(), 3, 3),
        DynamicImage::ImageRgba16(image) => range(image.as_raw(), 4, 3),
        DynamicImage::ImageRgb32F(image) if !image.as_raw().iter().all(is_shade) => {
            return Err(out_of_range());
        }
        DynamicImage::ImageRgba32F(image) if !image.as_raw().iter().all(is_shade) => {
            return Err(out_of_range());
        }
        _ => None,
    })
}

/// Of the first `n_colors` of each `n_values` values; the others are transparency.
fn range(values: &[u16], n_values: usize, n_colors: usize) -> Option<[u16; 2]> {
    let colors = || values.chunks_exact(n_values).flat_map(|pixel| &pixel[..n_colors]).copied();
    Some([colors().min()?, colors().max()?])
}

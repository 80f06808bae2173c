//! Many images in one.

use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use llp_bags::Images;
use llp_sweep::write_atomically;

use crate::Global;
use crate::environment::tell;
use crate::failure::{Failure, usage};

/// Images in a row, and rows.
const SIDE: u32 = 10;
/// Small images are enlarged to about this many pixels.
const TILE: u32 = 48;
/// White pixels between images.
const GAP: u32 = 2;

/// Draws at most 100 of the images, evenly spaced, into a PNG file, and says so.
pub(crate) fn write(global: Global, path: &Path, images: &Images) -> Result<(), Failure> {
    let mut bytes = Cursor::new(Vec::new());
    draw(images)
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| usage(format!("the contact sheet cannot be drawn: {error}")))?;
    write_atomically(path, bytes.get_ref())?;
    if !global.quiet {
        let n_drawn = images.len().min((SIDE * SIDE) as usize);
        tell(&format!("written: {}, with {n_drawn} of {} training images", path.display(), images.len()));
    }
    Ok(())
}

fn draw(images: &Images) -> RgbImage {
    let [height, width, _] = images.shape().map(|side| side as u32);
    let scale = (TILE / height.max(width)).max(1);
    let n_images = images.len() as u32;
    let n_tiles = n_images.min(SIDE * SIDE);
    let [columns, rows] = [n_tiles.min(SIDE), n_tiles.div_ceil(SIDE)];
    let pitch = [width, height].map(|side| side * scale + GAP);
    let white = Rgb([255; 3]);
    let mut sheet = RgbImage::from_pixel(columns * pitch[0] + GAP, rows * pitch[1] + GAP, white);
    for tile in 0..n_tiles {
        let instance = (u64::from(tile) * u64::from(n_images) / u64::from(n_tiles)) as u32;
        let corner = [tile % SIDE * pitch[0] + GAP, tile / SIDE * pitch[1] + GAP];
        for (x, y) in (0..height * scale).flat_map(|y| (0..width * scale).map(move |x| (x, y))) {
            sheet.put_pixel(corner[0] + x, corner[1] + y, pixel(images, instance, x / scale, y / scale));
        }
    }
    sheet
}

/// One of the images, gray ones in color.
pub(crate) fn picture(images: &Images, instance: u32) -> RgbImage {
    let [height, width, _] = images.shape().map(|side| side as u32);
    RgbImage::from_fn(width, height, |x, y| pixel(images, instance, x, y))
}

fn pixel(images: &Images, instance: u32, x: u32, y: u32) -> Rgb<u8> {
    let [_, width, channels] = images.shape();
    let start = (y as usize * width + x as usize) * channels;
    match images.image(instance)[start..start + channels] {
        [red, green, blue] => Rgb([red, green, blue]),
        [gray, ..] => Rgb([gray; 3]),
        [] => Rgb([0; 3]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel of every image is found again in its tile, enlarged, and white between tiles.
    #[test]
    fn pixels_are_in_their_tiles() {
        let images = Images::new(2, 3, 1, (0..12 * 6).collect()).unwrap();
        let (sheet, scale) = (draw(&images), TILE / 3);
        assert_eq!(sheet.dimensions(), (10 * (3 * scale + GAP) + GAP, 2 * (2 * scale + GAP) + GAP));
        for (instance, x, y) in (0..12).flat_map(|i| (0..3).flat_map(move |x| (0..2).map(move |y| (i, x, y))))
        {
            let corner =
                [instance % SIDE * (3 * scale + GAP) + GAP, instance / SIDE * (2 * scale + GAP) + GAP];
            let expected = images.image(instance)[(y * 3 + x) as usize];
            let got = sheet.get_pixel(corner[0] + x * scale + scale / 2, corner[1] + y * scale + scale / 2);
            assert_eq!(got.0, [expected; 3]);
        }
        assert_eq!(sheet.get_pixel(0, 0).0, [255; 3]);
    }

    /// Of many images a hundred are drawn, the first one first.
    #[test]
    fn many_images_are_thinned_out() {
        let images = Images::new(1, 1, 3, (0..3000).map(|byte| (byte / 12) as u8).collect()).unwrap();
        let sheet = draw(&images);
        assert_eq!(sheet.dimensions(), (10 * (TILE + GAP) + GAP, 10 * (TILE + GAP) + GAP));
        assert_eq!(sheet.get_pixel(GAP, GAP).0, [0; 3]);
        assert_eq!(sheet.get_pixel(GAP + TILE + GAP, GAP).0, [2; 3]); // image 10 of 1,000
    }
}

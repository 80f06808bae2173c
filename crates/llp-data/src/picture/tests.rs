//! What is decoded is what a viewer shows.

use image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, RgbaImage};
use proptest::prelude::*;

use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};

use super::*;
use crate::DataNote;

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG file with an EXIF chunk that says how it is to be turned.
fn with_orientation(png: &[u8], orientation: u8) -> Vec<u8> {
    let mut chunk = b"eXIfMM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    chunk.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let end_of_header = 33; // the signature and the chunk IHDR
    let mut file = png[..end_of_header].to_vec();
    file.extend((chunk.len() as u32 - 4).to_be_bytes());
    file.extend(&chunk);
    file.extend(crc.sum().to_be_bytes());
    file.extend(&png[end_of_header..]);
    file
}

/// Of each EXIF orientation, the pixel that is shown at row `y` and column `x` is the one that the standard says: its
/// values name the sides where the first row and the first column of the file are seen.
#[test]
fn orientations_are_those_of_the_standard() {
    let (width, height) = (3_u32, 2_u32);
    let stored = |row: u32, column: u32| (10 * row + column) as u8;
    let image = GrayImage::from_fn(width, height, |x, y| Luma([stored(y, x)]));
    let png = encoded(image, ImageFormat::Png);
    for orientation in 0..=9_u8 {
        let decoded = decode(&with_orientation(&png, orientation)).unwrap();
        let is_sideways = (5..=8).contains(&orientation);
        let [rows, columns] = if is_sideways { [width, height] } else { [height, width] };
        assert_eq!(decoded.shape, [rows as usize, columns as usize, 1], "{orientation}");
        for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            let (row, column) = match orientation {
                2 => (y, width - 1 - x),
                3 => (height - 1 - y, width - 1 - x),
                4 => (height - 1 - y, x),
                5 => (x, y),
                6 => (height - 1 - x, y),
                7 => (height - 1 - x, width - 1 - y),
                8 => (x, width - 1 - y),
                _ => (y, x),
            };
            let got = decoded.pixels[(y * columns + x) as usize];
            assert_eq!(got, stored(row, column), "orientation {orientation}, row {y}, column {x}");
        }
        assert_eq!(decoded.facts.n_turned, usize::from((2..=8).contains(&orientation)));
    }
}

/// Gray of colors as Pillow 13 has it: `Image.new("RGB", (1, 1), color).convert("L")`.
#[test]
fn gray_is_that_of_pillow() {
    for (color, expected) in [
        ([0, 0, 0], 0),
        ([255, 255, 255], 255),
        ([255, 0, 0], 76),
        ([0, 255, 0], 150),
        ([0, 0, 255], 29),
        ([1, 2, 3], 2),
        ([160, 60, 150], 100),
        ([37, 200, 91], 139),
        ([12, 34, 56], 30),
        ([250, 128, 7], 151),
    ] {
        assert_eq!(gray(&color), expected, "{color:?}");
    }
}

/// Gray in three channels becomes the same gray.
#[test]
fn gray_stays_gray() {
    for value in 0..=255_u8 {
        assert_eq!(gray(&[value; 3]), value);
    }
}

proptest! {
    /// A pixel is drawn on white: as it is if it is opaque, white if it is fully transparent, and else between, to the
    /// nearest value.
    #[test]
    fn transparent_pixels_are_drawn_on_white(color in prop::array::uniform3(0..=255_u8), alpha in 0..=255_u8) {
        let [red, green, blue] = color;
        let image = RgbaImage::from_pixel(2, 1, image::Rgba([red, green, blue, alpha]));
        let decoded = decode(&encoded(image, ImageFormat::Png)).unwrap();
        for (got, value) in decoded.pixels.iter().zip(color.into_iter().cycle()) {
            let share = f64::from(alpha) / 255.0;
            let expected = f64::from(value) * share + 255.0 * (1.0 - share);
            // Rounded to a whole number.
            prop_assert!((f64::from(*got) - expected).abs() <= 0.5 + 1e-9, "{got} for {expected}");
        }
        prop_assert_eq!(decoded.facts.n_transparent, usize::from(alpha < 255));
    }
}

/// An icon, black on transparent ground, keeps its shape, in color and in gray.
#[test]
fn a_black_icon_is_seen() {
    let alphas = [0, 255, 128, 255];
    let gray = GrayAlphaImage::from_fn(4, 1, |x, _| LumaA([0, alphas[x as usize]]));
    let decoded = decode(&encoded(gray, ImageFormat::Png)).unwrap();
    assert_eq!((decoded.shape, decoded.pixels), ([1, 4, 1], vec![255, 0, 127, 0]));
}

/// Lossless formats give back every pixel, with one channel for gray: also those that know no gray, if all is gray.
#[test]
fn lossless_formats_agree() {
    let color = RgbImage::from_fn(5, 4, |x, y| Rgb([x as u8 * 50, y as u8 * 60, 7]));
    let gray = GrayImage::from_fn(5, 4, |x, y| Luma([(x * 4 + y) as u8 * 12]));
    for format in [Png, Tiff, Bmp, Gif, WebP] {
        let decoded = decode(&encoded(color.clone(), format)).unwrap();
        assert_eq!((decoded.shape, &decoded.pixels), ([4, 5, 3], color.as_raw()), "{format:?}");
        let rgb = DynamicImage::from(gray.clone()).into_rgb8();
        let file = if format == Gif { encoded(rgb, format) } else { encoded(gray.clone(), format) };
        let decoded = decode(&file).unwrap();
        let gray_pixels =
            if decoded.shape[2] == 1 { decoded.pixels } else { decoded.with_channels(1).pixels };
        assert_eq!(&gray_pixels, gray.as_raw(), "{format:?}");
        assert_eq!(decode(&file).unwrap().shape[2], if format == WebP { 3 } else { 1 }, "{format:?}");
    }
}

/// The 16 bits of a value become the nearest 8, and the range in use is reported.
#[test]
fn sixteen_bits_become_eight() {
    let values = [0, 128, 129, 4095, 32_896, 65_535_u16];
    let image = ImageBuffer::from_fn(6, 1, |x, _| Luma([values[x as usize]]));
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let decoded = decode(&encoded(image.clone(), format)).unwrap();
        assert_eq!(decoded.pixels, [0, 0, 1, 16, 128, 255], "{format:?}");
        assert_eq!(decoded.facts.deep_range, Some([0, 65_535]));
        assert!(decoded.facts.notes(1).is_empty());
    }
    let camera = ImageBuffer::from_fn(6, 1, |x, _| Luma([values[x as usize].min(4095)]));
    let notes = decode(&encoded(camera, ImageFormat::Tiff)).unwrap().facts.notes(1);
    let expected = DataNote::FewLevels { n: 1, low: 0, high: 4095, n_levels: 16 };
    assert_eq!(notes, [expected]);
}

/// What is no image, or none that is read, is named with what is.
#[test]
fn other_files_are_named() {
    let refused = |bytes: &[u8]| decode(bytes).err().unwrap().0;
    assert!(refused(b"\0\0\0\x18ftypheic\0\0\0\0").contains("HEIC"));
    for (start, name) in [(&b"%PDF-1.7"[..], "PDF"), (b"\x93NUMPY\x01", "NumPy"), (b"P6\n1 1\n255\n", "PBM")]
    {
        let message = refused(start);
        assert!(
            message.contains(name) && message.ends_with("PNG, JPEG, WebP, TIFF, BMP or GIF"),
            "{message}"
        );
    }
    assert!(refused(b"some text").contains("no image of a known format"));
    assert_eq!(refused(b""), "the file is empty");
    let jpeg = encoded(RgbImage::new(8, 8), ImageFormat::Jpeg);
    assert!(!refused(&jpeg[..jpeg.len() / 2]).contains('\n'));
}

/// Files that were changed or cut short anywhere give an error or an image, never a panic.
#[test]
fn changed_bytes_do_not_panic() {
    let image = RgbImage::from_fn(9, 7, |x, y| Rgb([x as u8 * 28, y as u8 * 36, (x * y) as u8 * 5]));
    for format in [Bmp, Gif, Jpeg, Png, Tiff, WebP] {
        let whole = encoded(image.clone(), format);
        for place in 0..whole.len() {
            for bits in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[place] ^= bits;
                let _ = decode(&changed);
            }
            let _ = decode(&whole[..place]);
        }
    }
}

//! Files that are no image, or none that can be read.

use image::{ImageError, ImageFormat};

/// The formats that are read, in words.
const SUPPORTED: &str = "PNG, JPEG, WebP, TIFF, BMP or GIF";

/// Why an image cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// A format that is known and not read.
    #[error("it is {what}, which is not supported: save it as {SUPPORTED}")]
    Unsupported {
        /// The format.
        what: String,
    },
    /// Bytes of no known format.
    #[error("it is no image of a known format: expected {SUPPORTED}")]
    Unknown,
    /// A variant of a format that is not read.
    #[error("{}: save it with 8 or 16 bits a channel, as gray or RGB", one_line(.0))]
    Variant(ImageError),
    /// A damaged file, or one that is too large.
    #[error("{}", one_line(.0))]
    Damaged(ImageError),
    /// Floating point numbers that are no shades between black and white.
    #[error("its numbers go beyond 0 (black) and 1 (white): save it with 8 or 16 bits a channel")]
    Range,
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Unsupported(_) => Self::Variant(error),
            error => Self::Damaged(error),
        }
    }
}

fn one_line(error: &ImageError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The format of a file that can be read, by its first bytes.
pub(super) fn format_of(encoded: &[u8]) -> Result<ImageFormat, PictureError> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    if encoded.is_empty() {
        return Err(PictureError::Empty);
    }
    if let Some(what) = other_format(encoded) {
        return Err(PictureError::Unsupported { what: what.to_owned() });
    }
    match image::guess_format(encoded) {
        Ok(format @ (Bmp | Gif | Jpeg | Png | Tiff | WebP)) => Ok(format),
        // TIFF with offsets of 64 bits.
        _ if encoded.starts_with(b"II+\0") || encoded.starts_with(b"MM\0+") => Ok(Tiff),
        Ok(other) => {
            let what = format!("a file of the format {}", other.extensions_str()[0].to_uppercase());
            Err(PictureError::Unsupported { what })
        }
        Err(_) => Err(PictureError::Unknown),
    }
}

/// What a file is that people take for an image, and that is not read.
fn other_format(encoded: &[u8]) -> Option<&'static str> {
    const BRANDS: [(&[u8], &str); 8] = [
        (b"heic", "a HEIC image (of an iPhone, say)"),
        (b"heix", "a HEIC image (of an iPhone, say)"),
        (b"hevc", "a HEIC image (of an iPhone, say)"),
        (b"hevx", "a HEIC image (of an iPhone, say)"),
        (b"mif1", "a HEIC image (of an iPhone, say)"),
        (b"msf1", "a HEIC image (of an iPhone, say)"),
        (b"avif", "an AVIF image"),
        (b"avis", "an AVIF image"),
    ];
    const STARTS: [(&[u8], &str); 13] = [
        (b"%PDF", "a PDF document"),
        (b"8BPS", "a Photoshop file"),
        (b"<svg", "an SVG drawing"),
        (b"<?xml", "an XML file (an SVG drawing, say)"),
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
        (b"\xff\x0a", "a JPEG XL image"),
        (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x89HDF", "an HDF5 file"),
        (b"SIMPLE  =", "a FITS file"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a gzipped file"),
    ];
    if encoded.get(4..8) == Some(b"ftyp") {
        let brand = encoded.get(8..12)?;
        return Some(
            BRANDS
                .iter()
                .find(|(known, _)| *known == brand)
                .map_or("a video, or an image like HEIC", |it| it.1),
        );
    }
    if encoded.get(128..132) == Some(b"DICM") {
        return Some("a DICOM file");
    }
    STARTS.iter().find(|(start, _)| encoded.starts_with(start)).map(|(_, what)| *what)
}

/// Images beside one that was named.
pub(crate) fn others(n: usize) -> String {
    if n == 1 { "1 other image".to_owned() } else { format!("{n} other images") }
}

//! Files that are no image, or none that can be read.

use image::{ImageError, ImageFormat};

/// The formats that are read, in words.
const SUPPORTED: &str = "PNG, JPEG, WebP, TIFF, BMP or GIF";

/// Why an image cannot be decoded, in words that go on after "cannot be decoded: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Self {
        let hint = match error {
            ImageError::Unsupported(_) => ": save it with 8 or 16 bits a channel, as gray or RGB",
            _ => "", // damaged, or too large
        };
        Self(one_line(&error) + hint)
    }
}

/// Floating point numbers that are no shades between black and white.
pub(super) fn out_of_range() -> Fault {
    Fault("its numbers go beyond 0 (black) and 1 (white): save it with 8 or 16 bits a channel".to_owned())
}

fn unsupported(what: &str) -> Fault {
    Fault(format!("it is {what}, which is not supported: save it as {SUPPORTED}"))
}

fn one_line(error: &ImageError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The format of a file that can be read, by its first bytes.
pub(super) fn format_of(encoded: &[u8]) -> Result<ImageFormat, Fault> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    if encoded.is_empty() {
        return Err(Fault("the file is empty".to_owned()));
    }
    if let Some(what) = other_format(encoded) {
        return Err(unsupported(what));
    }
    match image::guess_format(encoded) {
        Ok(format @ (Bmp | Gif | Jpeg | Png | Tiff | WebP)) => Ok(format),
        // TIFF with offsets of 64 bits.
        _ if encoded.starts_with(b"II+\0") || encoded.starts_with(b"MM\0+") => Ok(Tiff),
        Ok(other) => {
            Err(unsupported(&format!("a file of the format {}", other.extensions_str()[0].to_uppercase())))
        }
        Err(_) => Err(Fault(format!("it is no image of a known format: expected {SUPPORTED}"))),
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

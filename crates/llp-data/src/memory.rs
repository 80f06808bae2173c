//! What data takes in memory, before it is read.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::DataError;
use crate::error::Cause;

static AVAILABLE: AtomicU64 = AtomicU64::new(u64::MAX);

/// Says how many bytes there are for data, once, before any is read: a program knows, a library does not ask. Images
/// that take more are refused in place of being read.
pub fn set_available_memory(bytes: u64) {
    AVAILABLE.store(bytes, Ordering::Relaxed);
}

/// What tables hold in memory.
static HELD: AtomicU64 = AtomicU64::new(0);

/// Bytes that a part of a table takes in memory, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(u64);

impl Held {
    /// Adds some bytes. Returns `false`, and adds none, if all tables together would take more than there is.
    pub(crate) fn grow(&mut self, n_bytes: u64) -> bool {
        let grown = |held: u64| held.checked_add(n_bytes).filter(|&held| held <= available());
        let is_room = HELD.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok();
        if is_room {
            self.0 += n_bytes;
        }
        is_room
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// The bytes that there are for data, as far as the program said.
pub(crate) fn available() -> u64 {
    AVAILABLE.load(Ordering::Relaxed)
}

/// # Errors
/// More than there is.
pub(crate) fn check(n_images: usize, shape: [usize; 3]) -> Result<(), DataError> {
    if needed(n_images, shape) <= u128::from(available()) {
        return Ok(());
    }
    Err(too_large(n_images, shape))
}

/// Makes room for the pixels of `n_images` images in all.
///
/// # Errors
/// More than there is.
pub fn reserve(pixels: &mut Vec<u8>, n_images: usize, shape: [usize; 3]) -> Result<(), DataError> {
    check(n_images, shape)?;
    let more = usize::try_from(needed(n_images, shape)).unwrap_or(usize::MAX).saturating_sub(pixels.len());
    pixels.try_reserve_exact(more).map_err(|_| too_large(n_images, shape))
}

/// Makes room for one more image, which is the last of `n_images`, and for some after it.
///
/// # Errors
/// More than there is.
pub(crate) fn grow(pixels: &mut Vec<u8>, n_images: usize, shape: [usize; 3]) -> Result<(), DataError> {
    let image_len: usize = shape.iter().product();
    if pixels.capacity() - pixels.len() >= image_len {
        return Ok(());
    }
    check(n_images, shape)?;
    pixels.try_reserve(image_len).map_err(|_| too_large(n_images, shape))
}

/// Whether images take more than half of the memory that there is.
pub(crate) fn is_tight(n_images: usize, shape: [usize; 3]) -> bool {
    needed(n_images, shape) > u128::from(available() / 2)
}

/// The bytes of the pixels of images.
pub(crate) fn needed(n_images: usize, shape: [usize; 3]) -> u128 {
    shape.into_iter().fold(n_images as u128, |product, side| product.saturating_mul(side as u128))
}

/// What there is, for people; nothing where no program said it.
fn there_is() -> String {
    match available() {
        u64::MAX => String::new(),
        available => format!(", {} are available", shown(available.into())),
    }
}

fn too_large(n_images: usize, [height, width, channels]: [usize; 3]) -> DataError {
    let bytes = shown(needed(n_images, [height, width, channels]));
    DataError::new(format!(
        "{n_images} images of {height}x{width}x{channels} take {bytes} of memory{}",
        there_is()
    ))
    .remedy(
        "use smaller images (--image-size, data.image_size), fewer of them, a machine with more memory, or for images in files the cache of decoded ones (--cache DIR)",
    )
    .because(Cause::Memory)
}

/// More numbers than memory holds, and no file for them.
pub(crate) fn table_too_large() -> DataError {
    DataError::new(format!("the table takes more memory than there is{}", there_is()))
        .remedy(
            "name a folder for what memory does not hold (--cache DIR), or use a machine with more memory",
        )
        .because(Cause::Memory)
}

/// Bytes for people.
pub(crate) fn shown(bytes: u128) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{size:.1} {}", UNITS[unit]) }
}

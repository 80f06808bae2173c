//! Arrays of bytes and of integers in the archive.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use zip::ZipArchive;

use super::NpzError;
use crate::{BagError, Images, memory};

/// End of the name of an array's file.
const ENDING: &str = ".npy";

/// A label must be below this: a wrong array would make millions of classes.
const N_CLASSES_MAX: i128 = 1 << 16;

/// An open archive.
pub(super) struct Archive {
    path: PathBuf,
    names: Vec<String>,
    zip: ZipArchive<BufReader<File>>,
}

/// An array's header and its bytes.
struct Raw {
    header: NpyHeader,
    bytes: Vec<u8>,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, NpzError> {
        let file = BufReader::new(fs_err::File::open(path)?.into_file());
        let format = |source| NpzError::Format { path: path.to_owned(), source };
        let archive = ZipArchive::new(file).map_err(io::Error::from).map_err(format)?;
        let files = archive.file_names().filter_map(Result::ok);
        let mut names: Vec<String> =
            files.filter_map(|name| name.strip_suffix(ENDING).map(str::to_owned)).collect();
        names.sort();
        Ok(Self { path: path.to_owned(), names, zip: archive })
    }

    /// Whether both arrays are there.
    pub(super) fn has(&self, names: &[&str; 2]) -> bool {
        names.iter().all(|name| self.names.iter().any(|own| own == name))
    }

    /// Says what there is in place of images and labels.
    pub(super) fn unknown(&self) -> NpzError {
        NpzError::Arrays { path: self.path.clone(), found: self.names.clone() }
    }

    /// Images and their labels.
    pub(super) fn read(
        &mut self,
        [images, labels]: &[&'static str; 2],
    ) -> Result<(Images, Vec<u32>), BagError> {
        let pixels = self.images(images)?;
        let classes = self.labels(labels)?;
        if pixels.len() != classes.len() {
            return Err(NpzError::Count {
                path: self.path.clone(),
                images,
                n_images: pixels.len(),
                labels,
                n_labels: classes.len(),
            }
            .into());
        }
        Ok((pixels, classes))
    }

    fn images(&mut self, array: &'static str) -> Result<Images, BagError> {
        let path = self.path.clone();
        let wrong = |got: String| NpzError::Images { path: path.clone(), array, got };
        let raw = self.raw(array, |header| {
            let shape = sides(header.shape());
            let [n_images, height, width, channels] =
                shape.ok_or_else(|| BagError::from(wrong(described(header))))?;
            if !is_plain(header, &[TypeChar::Uint], &[1]) {
                return Err(wrong(described(header)).into());
            }
            Ok((n_images, [height, width, channels]))
        })?;
        let [_, height, width, channels] = sides(raw.header.shape()).unwrap_or_default();
        Images::new(height, width, channels, raw.bytes)
    }

    fn labels(&mut self, array: &'static str) -> Result<Vec<u32>, BagError> {
        let path = self.path.clone();
        let raw = self.raw(array, |header| {
            let wrong = || NpzError::Labels { path: path.clone(), array, got: described(header) };
            let (&[n] | &[n, 1]) = header.shape() else { return Err(wrong().into()) };
            let is_integer =
                is_plain(header, &[TypeChar::Uint, TypeChar::Int, TypeChar::Bool], &[1, 2, 4, 8]);
            if !is_integer {
                return Err(wrong().into());
            }
            let size = header.dtype().num_bytes().unwrap_or(1);
            Ok((usize::try_from(n).unwrap_or(usize::MAX), [1, 1, size]))
        })?;
        let size = raw.header.dtype().num_bytes().unwrap_or(1);
        let DType::Plain(kind) = raw.header.dtype() else { return Ok(vec![]) }; // checked before
        let (is_big, is_signed) = (kind.endianness() == Endianness::Big, kind.type_char() == TypeChar::Int);
        let labels = raw.bytes.chunks_exact(size).enumerate().map(|(row, bytes)| {
            let label = integer(bytes, is_big, is_signed);
            if (0..N_CLASSES_MAX).contains(&label) {
                return Ok(label as u32);
            }
            Err(NpzError::Label { path: self.path.clone(), array, row, label }.into())
        });
        labels.collect()
    }

    /// The bytes of an array, after `check` has read from its header how many items of which shape it has.
    fn raw(
        &mut self,
        array: &'static str,
        check: impl FnOnce(&NpyHeader) -> Result<(usize, [usize; 3]), BagError>,
    ) -> Result<Raw, BagError> {
        let path = self.path.clone();
        let broken = |source: io::Error| NpzError::Array { path: path.clone(), array, source };
        let file = self.zip.by_name(&format!("{array}{ENDING}"));
        let mut file = file.map_err(io::Error::from).map_err(broken)?;
        let header = NpyHeader::from_reader(&mut file).map_err(broken)?;
        let (n_items, shape) = check(&header)?;
        let mut bytes = Vec::new();
        memory::reserve(&mut bytes, n_items, shape)?;
        let expected = shape.iter().fold(n_items, |product, side| product.saturating_mul(*side));
        file.take(expected as u64).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() < expected {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()).into());
        }
        Ok(Raw { header, bytes })
    }
}

/// Images, height, width and channels, if a shape has these; three equal sides are a volume.
fn sides(shape: &[u64]) -> Option<[usize; 4]> {
    let shape: Vec<usize> = shape.iter().map(|&side| usize::try_from(side).ok()).collect::<Option<_>>()?;
    match shape[..] {
        [n, height, width] => Some([n, height, width, 1]),
        [n, height, width, channels @ (1 | 3)] => Some([n, height, width, channels]),
        _ => None,
    }
}

fn is_plain(header: &NpyHeader, kinds: &[TypeChar], sizes: &[usize]) -> bool {
    let DType::Plain(kind) = header.dtype() else { return false };
    let is_flat = header.order() == Order::C || header.shape().len() < 2;
    is_flat && kinds.contains(&kind.type_char()) && kind.num_bytes().is_some_and(|size| sizes.contains(&size))
}

fn described(header: &NpyHeader) -> String {
    let order = if header.order() == Order::Fortran { " in Fortran's order" } else { "" };
    let kind = match header.dtype() {
        DType::Plain(kind) => kind.to_string(),
        _ => "records".to_owned(),
    };
    format!("of type {kind} and shape {:?}{order}", header.shape())
}

/// An integer of up to 8 bytes.
fn integer(bytes: &[u8], is_big: bool, is_signed: bool) -> i128 {
    let shift = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
    let bits = if is_big { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) };
    let unused = 64 - 8 * bytes.len() as u32;
    if is_signed { i128::from((bits << unused) as i64 >> unused) } else { i128::from(bits) }
}

//! The rows of a split, shard by shard.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use rayon::prelude::*;

use super::class_names::class_names;
use super::columns::{self, Column};
use super::{N_UNNAMED_CLASSES_MAX, ParquetError};
use crate::picture::{Decoded, decode};
use crate::source::Labels;

/// All rows of a split; at least one.
pub(super) struct Rows {
    pub(super) shape: Option<[usize; 3]>, // none before the first row
    pub(super) pixels: Vec<u8>,           // [row, height, width, channel]
    pub(super) labels: Vec<u32>,          // [row]
    pub(super) class_names: Option<Vec<String>>,
}

impl Rows {
    /// Reads the shards of a split in the given order; there is at least one. All images must have the given shape,
    /// else that of the first.
    pub(super) fn read(
        paths: &[PathBuf],
        labels: Labels,
        shape: Option<[usize; 3]>,
    ) -> Result<Self, ParquetError> {
        let first = Shard::open(&paths[0], labels)?;
        let mut rows = Self { shape, pixels: vec![], labels: vec![], class_names: first.class_names.clone() };
        rows.append(&first)?;
        for path in &paths[1..] {
            let shard = Shard::open(path, labels)?;
            if shard.class_names != rows.class_names {
                return Err(ParquetError::ClassNames { path: path.clone(), first: paths[0].clone() });
            }
            rows.append(&shard)?;
        }
        if rows.labels.is_empty() {
            return Err(ParquetError::NoRows { path: paths[0].clone() });
        }
        Ok(rows)
    }

    pub(super) fn label_max(&self) -> u32 {
        self.labels.iter().copied().max().unwrap_or(0)
    }

    fn append(&mut self, shard: &Shard) -> Result<(), ParquetError> {
        let n_classes = self.class_names.as_ref().map_or(N_UNNAMED_CLASSES_MAX, Vec::len);
        let mut first_row = 0; // of the row group, in its file
        for group in 0..shard.reader.num_row_groups() {
            let group = shard.reader.get_row_group(group).map_err(|source| shard.damaged(source))?;
            let encoded = shard.images(&*group, first_row)?;
            let labels = shard.labels(&*group, first_row, n_classes)?;
            if encoded.len() != labels.len() {
                let (n_images, n_labels) = (encoded.len(), labels.len());
                return Err(ParquetError::RowCount { path: shard.path.clone(), n_images, n_labels });
            }
            self.append_images(shard, first_row, &encoded)?;
            self.labels.extend(labels);
            first_row += encoded.len();
        }
        Ok(())
    }

    /// Decodes the images of a row group, in parallel; the first broken one is reported.
    fn append_images(
        &mut self,
        shard: &Shard,
        first_row: usize,
        encoded: &[ByteArray],
    ) -> Result<(), ParquetError> {
        let Some(first) = encoded.first() else { return Ok(()) };
        let expected = match self.shape {
            Some(shape) => shape,
            None => *self.shape.insert(shard.decode(first_row, first)?.shape),
        };
        let start = self.pixels.len();
        let image_len = expected.iter().product();
        self.pixels.resize(start + encoded.len() * image_len, 0);
        let images = self.pixels[start..].par_chunks_exact_mut(image_len).zip(encoded).enumerate();
        let outcomes = images.map(|(place, (pixels, encoded))| {
            let row = first_row + place;
            let decoded = shard.decode(row, encoded)?;
            if decoded.shape != expected {
                let path = shard.path.clone();
                return Err(ParquetError::ImageSize { path, row, expected, got: decoded.shape });
            }
            pixels.copy_from_slice(&decoded.pixels);
            Ok(())
        });
        outcomes.collect::<Vec<_>>().into_iter().collect() // errors in the order of rows, not of threads
    }
}

/// An open file whose schema has been checked.
struct Shard {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    image_column: usize,
    label_column: usize,
    class_names: Option<Vec<String>>,
}

impl Shard {
    fn open(path: &Path, labels: Labels) -> Result<Self, ParquetError> {
        let reader = open(path)?;
        let metadata = reader.metadata().file_metadata();
        let schema = metadata.schema_descr();
        let image_column = find(schema, &["img.bytes", "image.bytes"])
            .ok_or_else(|| missing(path, schema, "img or image (a struct of bytes and path)"))?;
        let (names, expected): (&[&str], _) = match labels {
            Labels::Fine => (&["label", "fine_label"], "label or fine_label"),
            Labels::Coarse => (&["coarse_label"], "coarse_label"),
        };
        let label_column = find(schema, names).ok_or_else(|| missing(path, schema, expected))?;
        check_type(path, &schema.column(image_column), "one byte string a row", &[Type::BYTE_ARRAY])?;
        check_type(path, &schema.column(label_column), "one integer a row", &[Type::INT64, Type::INT32])?;
        let class_names = class_names(metadata.key_value_metadata(), schema.column(label_column).name())
            .map_err(|source| ParquetError::Metadata { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), reader, image_column, label_column, class_names })
    }

    fn images(&self, group: &dyn RowGroupReader, first_row: usize) -> Result<Vec<ByteArray>, ParquetError> {
        let column =
            columns::byte_strings(group, self.image_column).map_err(|source| self.damaged(source))?;
        self.without_null(column, self.image_column, first_row)
    }

    fn labels(
        &self,
        group: &dyn RowGroupReader,
        first_row: usize,
        n_classes: usize,
    ) -> Result<Vec<u32>, ParquetError> {
        let column = columns::integers(group, self.label_column).map_err(|source| self.damaged(source))?;
        let labels = self.without_null(column, self.label_column, first_row)?.into_iter().enumerate();
        let checked = labels.map(|(place, label)| match u32::try_from(label) {
            Ok(class) if (class as usize) < n_classes => Ok(class),
            _ => {
                let row = first_row + place;
                Err(ParquetError::Label { path: self.path.clone(), row, label, n_classes })
            }
        });
        checked.collect()
    }

    fn without_null<T>(
        &self,
        column: Column<T>,
        place: usize,
        first_row: usize,
    ) -> Result<Vec<T>, ParquetError> {
        column.into_values().map_err(|row| {
            let column = self.reader.metadata().file_metadata().schema_descr().column(place);
            let (column, row) = (column.path().string(), first_row + row);
            ParquetError::Null { path: self.path.clone(), column, row }
        })
    }

    fn decode(&self, row: usize, encoded: &ByteArray) -> Result<Decoded, ParquetError> {
        decode(encoded.data()).map_err(|source| ParquetError::BrokenImage {
            path: self.path.clone(),
            row,
            source,
        })
    }

    fn damaged(&self, source: parquet::errors::ParquetError) -> ParquetError {
        ParquetError::Format { path: self.path.clone(), source }
    }
}

/// The rows of a file, as its footer claims.
pub(super) fn n_rows(path: &Path) -> Result<usize, ParquetError> {
    let n_rows = open(path)?.metadata().file_metadata().num_rows();
    Ok(usize::try_from(n_rows).unwrap_or(0))
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, ParquetError> {
    let file = fs_err::File::open(path)?.into_file();
    SerializedFileReader::new(file).map_err(|source| ParquetError::Format { path: path.to_owned(), source })
}

fn find(schema: &SchemaDescriptor, names: &[&str]) -> Option<usize> {
    let place = |name: &&str| schema.columns().iter().position(|column| column.path().string() == **name);
    names.iter().find_map(place)
}

fn missing(path: &Path, schema: &SchemaDescriptor, expected: &'static str) -> ParquetError {
    let found = schema.columns().iter().map(|column| column.path().string()).collect();
    ParquetError::MissingColumn { path: path.to_owned(), expected, found }
}

fn check_type(
    path: &Path,
    column: &ColumnDescriptor,
    expected: &'static str,
    accepted: &[Type],
) -> Result<(), ParquetError> {
    let (physical, repeated) = (column.physical_type(), column.max_rep_level() > 0);
    if accepted.contains(&physical) && !repeated {
        return Ok(());
    }
    let got = format!("{}{physical}", if repeated { "repeated " } else { "" });
    Err(ParquetError::ColumnType { path: path.to_owned(), column: column.path().string(), expected, got })
}

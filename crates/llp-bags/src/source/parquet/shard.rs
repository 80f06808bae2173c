//! A file of a data set: its schema, its images as they are stored, its labels.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::Type;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::ParquetError;
use super::class_names::class_names;
use super::columns::{self, Column};
use super::images::Encoded;
use crate::source::Labels;

/// The columns of images in the hub's layout.
const IMAGE_COLUMNS: [&str; 2] = ["image", "img"];

/// An open file whose schema has been checked.
pub(super) struct Shard {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    bytes_column: usize,
    path_column: Option<usize>,
    label_column: usize,
    pub(super) class_names: Option<Vec<String>>,
}

impl Shard {
    pub(super) fn open(path: &Path, labels: Labels) -> Result<Self, ParquetError> {
        let reader = open(path)?;
        let metadata = reader.metadata().file_metadata();
        let schema = metadata.schema_descr();
        let image = IMAGE_COLUMNS.iter().find(|name| find(schema, &format!("{name}.bytes")).is_some());
        let image =
            image.ok_or_else(|| missing(path, schema, "img or image (a struct of bytes and path)"))?;
        let bytes_column = find(schema, &format!("{image}.bytes")).unwrap_or_default();
        let path_column = find(schema, &format!("{image}.path"));
        let (names, expected): (&[&str], _) = match labels {
            Labels::Fine => (&["label", "fine_label", "labels"], "label or fine_label"),
            Labels::Coarse => (&["coarse_label"], "coarse_label"),
        };
        let label_column = names.iter().find_map(|name| find(schema, name));
        let label_column = label_column.ok_or_else(|| missing(path, schema, expected))?;
        check_type(path, &schema.column(bytes_column), "one byte string a row", &[Type::BYTE_ARRAY])?;
        check_type(path, &schema.column(label_column), "one integer a row", &[Type::INT64, Type::INT32])?;
        let path_column = path_column.filter(|&column| {
            let column = schema.column(column);
            column.physical_type() == Type::BYTE_ARRAY && column.max_rep_level() == 0
        });
        let class_names = class_names(metadata.key_value_metadata(), schema.column(label_column).name())
            .map_err(|source| ParquetError::Metadata { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), reader, bytes_column, path_column, label_column, class_names })
    }

    /// The rows that the footer claims.
    pub(super) fn n_rows(&self) -> usize {
        usize::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Calls `take` with the images and labels of each row group, and its first row.
    pub(super) fn for_each_group<E: From<ParquetError>>(
        &self,
        n_classes: usize,
        mut take: impl FnMut(usize, Vec<Encoded>, Vec<u32>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut first_row = 0;
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).map_err(|source| self.damaged(source))?;
            let images = self.images(&*group, first_row)?;
            let labels = self.labels(&*group, first_row, n_classes)?;
            let (n_images, n_labels) = (images.len(), labels.len());
            if n_images != n_labels {
                return Err(ParquetError::RowCount { path: self.path.clone(), n_images, n_labels }.into());
            }
            take(first_row, images, labels)?;
            first_row += n_images;
        }
        Ok(())
    }

    /// The images of a row group: bytes, or where there are none the file that the path beside them names.
    fn images(&self, group: &dyn RowGroupReader, first_row: usize) -> Result<Vec<Encoded>, ParquetError> {
        let bytes = columns::byte_strings(group, self.bytes_column).map_err(|source| self.damaged(source))?;
        let Some(path_column) = self.path_column.filter(|_| bytes.has_nulls()) else {
            let bytes = self.without_null(bytes, self.bytes_column, first_row)?;
            return Ok(bytes.into_iter().map(Encoded::Bytes).collect());
        };
        let paths = columns::byte_strings(group, path_column).map_err(|source| self.damaged(source))?;
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let rows = bytes.cells().zip(paths.cells()).enumerate();
        let image = |(row, (bytes, path)): (usize, (Option<&_>, Option<&parquet::data_type::ByteArray>))| {
            let path = path.map(|path| String::from_utf8_lossy(path.data()).into_owned());
            match (bytes, path.filter(|path| !path.is_empty())) {
                (Some(bytes), _) => Ok(Encoded::Bytes(parquet::data_type::ByteArray::clone(bytes))),
                (None, Some(path)) => Ok(Encoded::File(folder.join(path))),
                (None, None) => Err(self.null(self.bytes_column, first_row + row)),
            }
        };
        rows.map(image).collect()
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
        column.into_values().map_err(|row| self.null(place, first_row + row))
    }

    fn null(&self, column: usize, row: usize) -> ParquetError {
        let column = self.reader.metadata().file_metadata().schema_descr().column(column);
        ParquetError::Null { path: self.path.clone(), column: column.path().string(), row }
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

/// Whether a file has a column of this name.
#[cfg(feature = "table")]
pub(crate) fn has_column(path: &Path, name: &str) -> Result<bool, ParquetError> {
    Ok(find(open(path)?.metadata().file_metadata().schema_descr(), name).is_some())
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, ParquetError> {
    let file = fs_err::File::open(path)?.into_file();
    SerializedFileReader::new(file).map_err(|source| ParquetError::Format { path: path.to_owned(), source })
}

fn find(schema: &SchemaDescriptor, name: &str) -> Option<usize> {
    schema.columns().iter().position(|column| column.path().string() == name)
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

//! Small Parquet files to read.

use std::path::Path;
use std::sync::Arc;

use image::{ImageFormat, RgbImage};
use parquet::basic::{Compression, Type};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

const ROWS_PER_GROUP: usize = 4;

const HUB_SCHEMA: &str = "message schema {
    optional group img { optional binary bytes; optional binary path (STRING); }
    optional int64 label; }";

const CAT_AND_DOG: &str = r#"{"info": {"features": {
    "img": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}"#;

/// What to write into one file. Every integer column gets the labels, `path` gets one text or nulls.
#[derive(Clone)]
pub(crate) struct Shard<'a> {
    pub(crate) schema: &'a str,
    pub(crate) metadata: Option<&'a str>,
    pub(crate) images: Vec<Option<Vec<u8>>>,
    pub(crate) labels: Vec<Option<i64>>,
    pub(crate) path: Option<&'a str>,
    pub(crate) compression: Compression,
}

impl Shard<'_> {
    /// Two images of 3x2 (width by height), one of each class, in the layout of the hub.
    pub(crate) fn right() -> Self {
        Self {
            schema: HUB_SCHEMA,
            metadata: Some(CAT_AND_DOG),
            images: [100, 101].map(|seed| Some(encoded(seed, 3, 2, ImageFormat::Png))).to_vec(),
            labels: vec![Some(0), Some(1)],
            path: None,
            compression: Compression::UNCOMPRESSED,
        }
    }

    /// No rows.
    pub(crate) fn empty() -> Self {
        Self { images: vec![], labels: vec![], ..Self::right() }
    }

    /// Writes the file, and the folder that it is in.
    pub(crate) fn write(&self, path: &Path) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        let entry = self.metadata.map(|text| vec![KeyValue::new("huggingface".to_owned(), text.to_owned())]);
        let properties = WriterProperties::builder().set_key_value_metadata(entry);
        let properties = properties.set_compression(self.compression).build();
        let schema = Arc::new(parse_message_type(self.schema).unwrap());
        let columns = SchemaDescriptor::new(schema.clone());
        let file = fs_err::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
        let groups = self.images.chunks(ROWS_PER_GROUP).zip(self.labels.chunks(ROWS_PER_GROUP));
        for (images, labels) in groups {
            let mut group = writer.next_row_group().unwrap();
            for descriptor in columns.columns() {
                write_column(group.next_column().unwrap().unwrap(), descriptor, images, labels, self.path);
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
    }
}

fn write_column(
    mut column: SerializedColumnWriter<'_>,
    descriptor: &ColumnDescriptor,
    images: &[Option<Vec<u8>>],
    labels: &[Option<i64>],
    path: Option<&str>,
) {
    let present = descriptor.max_def_level();
    let levels = |is_present: &dyn Fn(usize) -> bool| -> Vec<i16> {
        (0..images.len()).map(|row| if is_present(row) { present } else { present - 1 }).collect()
    };
    let integers = labels.iter().flatten().copied();
    match (descriptor.name(), descriptor.physical_type()) {
        ("path", _) => {
            let values: Vec<ByteArray> =
                path.map_or(vec![], |path| vec![ByteArray::from(path); images.len()]);
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels(&|_| path.is_some())), None)
        }
        (_, Type::BYTE_ARRAY) => {
            let values: Vec<ByteArray> = images.iter().flatten().cloned().map(ByteArray::from).collect();
            let levels = levels(&|row| images[row].is_some());
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)
        }
        (_, Type::INT32) => {
            let values: Vec<i32> = integers.map(|label| label as i32).collect();
            let levels = levels(&|row| labels[row].is_some());
            column.typed::<Int32Type>().write_batch(&values, Some(&levels), None)
        }
        _ => {
            let levels = levels(&|row| labels[row].is_some());
            column.typed::<Int64Type>().write_batch(&integers.collect::<Vec<_>>(), Some(&levels), None)
        }
    }
    .unwrap();
    column.close().unwrap();
}

/// A folder with the given files, removed when dropped.
pub(crate) fn folder_of(files: &[(&str, &Shard)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, shard) in files {
        shard.write(&folder.path().join(name));
    }
    folder
}

/// A picture that differs from those of other seeds in every pixel.
pub(crate) fn picture(seed: u8, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([seed, (x * 50) as u8, (y * 70) as u8 ^ seed]))
}

/// A picture as the bytes of a file.
pub(crate) fn encoded(seed: u8, width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture(seed, width, height).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Metadata that names the classes.
pub(crate) fn metadata(names: &[&str]) -> String {
    format!(r#"{{"features": {{"label": {{"names": {names:?}, "_type": "ClassLabel"}}}}}}"#)
}

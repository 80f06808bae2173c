//! A fixed part of an image data set in Parquet files of the hub's layout, for machines with little room:
//!
//! - `image_subset choose SOURCE FOLDER N_TRAIN N_TEST SEED` writes a choice of the images, whose files stay as they are,
//!   byte by byte;
//! - `image_subset unpack FOLDER OUT` writes `OUT/train.bin` and `OUT/test.bin` for programs that read no Parquet: for each
//!   image its label in one byte, then its pixels, `[channel, row, column]`, as in CIFAR-10's binary files.

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::{Row, RowAccessor};
use parquet::schema::parser::parse_message_type;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SPLITS: [&str; 2] = ["train", "test"];
const SCHEMA: &str = "message schema {
    optional group img { optional binary bytes; optional binary path (STRING); }
    optional int64 label; }";
const ROWS_PER_GROUP: usize = 1000;

/// The rows of one split, and what their files say of the classes.
#[derive(Debug, Default, PartialEq)]
struct Table {
    images: Vec<ByteArray>, // [row], as encoded files
    labels: Vec<i64>,
    metadata: Option<Vec<KeyValue>>,
}

/// The Parquet files of a split, `SPLIT-*.parquet` in a folder or in a folder of it, in the order of their names.
fn shards(folder: &Path, split: &str) -> Result<Vec<PathBuf>> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with(&format!("{split}-")) && name.ends_with(".parquet") {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(format!("there is no {split}-*.parquet in {}", folder.display()).into());
    }
    Ok(found)
}

/// The encoded image and the label of a row.
fn cells(row: &Row) -> Result<(ByteArray, i64)> {
    let place = |names: &[&str]| row.get_column_iter().position(|(name, _)| names.contains(&name.as_str()));
    let (image, label) = (place(&["img", "image"]), place(&["label"]));
    let (Some(image), Some(label)) = (image, label) else {
        return Err("a row needs img or image, and label".into());
    };
    let label = row.get_long(label)?;
    let image = row.get_group(image)?;
    let bytes =
        image.get_column_iter().position(|(name, _)| name == "bytes").ok_or("an image without bytes")?;
    Ok((image.get_bytes(bytes)?.clone(), label))
}

fn read(folder: &Path, split: &str) -> Result<Table> {
    let mut table = Table::default();
    for path in shards(folder, split)? {
        let reader = SerializedFileReader::new(fs_err::File::open(&path)?.into_file())?;
        table.metadata = reader.metadata().file_metadata().key_value_metadata().cloned();
        for row in reader.get_row_iter(None)? {
            let (image, label) = cells(&row?).map_err(|error| format!("{}: {error}", path.display()))?;
            table.images.push(image);
            table.labels.push(label);
        }
    }
    Ok(table)
}

impl Table {
    /// Some rows, in the order of the source.
    fn choose(&self, n: usize, seed: u64) -> Result<Self> {
        let n_rows = u32::try_from(self.images.len())?;
        if n == 0 || n > n_rows as usize {
            return Err(format!("{n} images of {n_rows} cannot be chosen").into());
        }
        let rows: Vec<usize> =
            llp_bags::subset(n_rows, n, seed).into_iter().map(|row| row as usize).collect();
        Ok(Self {
            images: rows.iter().map(|&row| self.images[row].clone()).collect(),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            metadata: self.metadata.clone(),
        })
    }

    fn write(&self, path: &Path) -> Result<()> {
        // Encoded images neither repeat nor compress.
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_key_value_metadata(self.metadata.clone());
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let mut writer = SerializedFileWriter::new(
            fs_err::File::create(path)?.into_file(),
            schema,
            Arc::new(properties.build()),
        )?;
        for (images, labels) in self.images.chunks(ROWS_PER_GROUP).zip(self.labels.chunks(ROWS_PER_GROUP)) {
            // How much of a cell is there: bytes and labels are, paths are not.
            let levels = |level: i16| vec![level; labels.len()];
            let mut group = writer.next_row_group()?;
            let mut column = group.next_column()?.ok_or("no column for images")?;
            column.typed::<ByteArrayType>().write_batch(images, Some(&levels(2)), None)?;
            column.close()?;
            let mut column = group.next_column()?.ok_or("no column for paths")?;
            column.typed::<ByteArrayType>().write_batch(&[], Some(&levels(1)), None)?;
            column.close()?;
            let mut column = group.next_column()?.ok_or("no column for labels")?;
            column.typed::<Int64Type>().write_batch(labels, Some(&levels(1)), None)?;
            column.close()?;
            group.close()?;
        }
        writer.close()?;
        Ok(())
    }

    /// Label and pixels of each row.
    fn records(&self) -> Result<Vec<u8>> {
        let mut records = Vec::new();
        for (image, &label) in self.images.iter().zip(&self.labels) {
            records.push(u8::try_from(label)?);
            let pixels = image::load_from_memory(image.data())?.into_rgb8();
            for channel in 0..3 {
                records.extend(pixels.pixels().map(|pixel| pixel.0[channel]));
            }
        }
        Ok(records)
    }
}

fn choose(source: &Path, folder: &Path, [n_train, n_test]: [usize; 2], seed: u64) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    for (split, n) in SPLITS.into_iter().zip([n_train, n_test]) {
        let path = folder.join(format!("{split}-00000-of-00001.parquet"));
        read(source, split)?.choose(n, seed)?.write(&path)?;
        println!("{}: {n} images, {} bytes", path.display(), fs_err::metadata(&path)?.len());
    }
    Ok(())
}

fn unpack(folder: &Path, out: &Path) -> Result<()> {
    fs_err::create_dir_all(out)?;
    for split in SPLITS {
        fs_err::write(out.join(format!("{split}.bin")), read(folder, split)?.records()?)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["choose", source, folder, n_train, n_test, seed] => {
            let counts = [n_train.parse()?, n_test.parse()?];
            choose(source.as_ref(), folder.as_ref(), counts, seed.parse()?)
        }
        ["unpack", folder, out] => unpack(folder.as_ref(), out.as_ref()),
        _ => Err(
            "usage: image_subset choose SOURCE FOLDER N_TRAIN N_TEST SEED, or image_subset unpack FOLDER OUT"
                .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use llp_bags::InstanceShape;
    use proptest::prelude::*;

    use super::*;

    const SIZE: u32 = 3;

    /// Images that differ in every pixel, of two classes.
    fn table(n: usize) -> Table {
        let image = |seed: usize| {
            let picture =
                image::RgbImage::from_fn(SIZE, SIZE, |x, y| image::Rgb([seed as u8, x as u8 * 50, y as u8]));
            let mut bytes = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
            ByteArray::from(bytes.into_inner())
        };
        let metadata =
            r#"{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}"#;
        Table {
            images: (0..n).map(image).collect(),
            labels: (0..n as i64).map(|row| row % 2).collect(),
            metadata: Some(vec![KeyValue::new("huggingface".to_owned(), metadata.to_owned())]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        /// What is written is read as rows of the source, byte by byte, by this program and by the library, whose choice
        /// of the same seed it is; a number of rows that the source does not have is an error.
        #[test]
        fn a_choice_is_a_part_of_its_source(n in 2_usize..40, share in 0.0..1.0, seed in 0_u64..100) {
            let (folder, source) = (tempfile::tempdir().unwrap(), table(n));
            let n_chosen = 1 + (share * (n - 1) as f64) as usize;
            for split in SPLITS {
                source.write(&folder.path().join(format!("{split}-0.parquet"))).unwrap();
            }
            prop_assert_eq!(&read(folder.path(), "test").unwrap(), &source);
            let chosen = folder.path().join("chosen");
            choose(folder.path(), &chosen, [n_chosen, 1], seed).unwrap();
            let table = read(&chosen, "train").unwrap();
            let rows = llp_bags::subset(n as u32, n_chosen, seed);
            for ((row, image), label) in rows.iter().zip(&table.images).zip(&table.labels) {
                prop_assert_eq!((image, *label), (&source.images[*row as usize], i64::from(row % 2)));
            }
            let data = llp_bags::source::open(&chosen, llp_data::Labels::Fine).unwrap();
            prop_assert_eq!(data.train.instances.len(), n_chosen);
            prop_assert_eq!(data.train.instances.shape(), InstanceShape::Image([3, 3, 3]));
            prop_assert_eq!(data.class_names, ["cat", "dog"]);
            prop_assert!(source.choose(n + 1, seed).is_err() && source.choose(0, seed).is_err());
        }
    }

    /// A record is the label, then the red, green and blue values row by row.
    #[test]
    fn records_are_label_and_planes() {
        let records = table(2).records().unwrap();
        let second =
            [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 50, 100, 0, 50, 100, 0, 50, 100, 0, 0, 0, 1, 1, 1, 2, 2, 2];
        assert_eq!((records.len(), &records[28..]), (56, &second[..]));
    }
}

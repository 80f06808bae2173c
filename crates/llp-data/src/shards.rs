//! Image data sets in Parquet files, in the layout of the Hugging Face hub.
//!
//! A folder (or one folder in it, such as `plain_text`) holds files whose names, or whose folders' names, say the split:
//! `train-*.parquet`, `validation-*.parquet`, `test-*.parquet`, or `train/0000.parquet`. Without a test split that of
//! validation is used in its place, else there is none. Each row has an image, `img` or `image`, a struct of `bytes`
//! (an encoded image) and `path` (of a file, where there are no bytes); and a class, `label` or `fine_label`. The
//! schema metadata under the key `huggingface` names the classes. The id of an image is the place of its row when the
//! shards of a split are read in the order of their names.

mod class_names;
mod layout;

use std::path::{Path, PathBuf};

use crate::cache::Key;
use crate::picture::alike;
use crate::table::{Batch, Cell, Kind, TableReader};
use crate::{
    DataError, Encoded, Fit, ImageSet, Images, LabeledImages, Labels, PictureFacts, Pictures, is_sign, listed,
};
use class_names::class_names;
use layout::Layout;
pub use layout::{Shards, SplitKind, split_of};

/// A label of a file whose metadata names no classes must be below this: a wrong column would make millions of classes.
const N_UNNAMED_CLASSES_MAX: usize = 1 << 16;

/// The columns of images.
const IMAGE_COLUMNS: [&str; 2] = ["image", "img"];

/// Rows of images that are in memory at once, encoded.
const N_ROWS_AT_ONCE: usize = 1024;

/// Reads the data set in `folder`.
///
/// Images are decoded by content, turned as their EXIF orientation says, and drawn on white where they are transparent.
/// They have three channels, or one if none has color, and all have the size of the first. With [`Labels::Coarse`] the
/// labels are those of the column `coarse_label`. Class names are those of the metadata, else the numbers `0`, `1`, ...
/// up to the largest label. `mirror_preserves_class` is a guess from these names that callers may override: false if
/// any is a number or a single character, as for images of digits and letters.
///
/// Decoded images come from the cache of this program, if it has one ([`set_cache`](crate::cache::set_cache)).
/// Decoding is shared among rayon's threads; the result does not depend on their number.
///
/// # Errors
/// With the file, the row and the column at fault.
pub fn read(folder: &Path, labels: Labels) -> Result<ImageSet, DataError> {
    let Layout { train, test, mut notes } = Layout::find(folder)?;
    let key = key(folder, train.iter().chain(&test))?;
    let open = |paths: Vec<PathBuf>| {
        paths.iter().map(|path| Shard::open(path, labels)).collect::<Result<Vec<_>, _>>()
    };
    let (train, test) = (open(train)?, open(test)?);
    let class_names = one_list_of_classes(train.iter().chain(&test))?;
    let n_classes = class_names.as_ref().map_or(N_UNNAMED_CLASSES_MAX, Vec::len);
    let (mut train, train_labels) = read_split(train, None, n_classes, &key.clone().part("train"))?;
    let (mut test, test_labels) = read_split(test, train.size(), n_classes, &key.part("test"))?;
    let broken = [train.take_broken(), test.take_broken()].into_iter().flatten().collect();
    if let Some(error) = DataError::all(broken) {
        return Err(error);
    }
    let channels = train.channels().max(test.channels());
    train.widen(channels)?;
    test.widen(channels)?;
    notes.extend(PictureFacts::and(train.facts(), test.facts()).notes(channels));
    let n_labels = train_labels.iter().chain(&test_labels).max().map_or(0, |&label| label as usize + 1);
    let class_names =
        class_names.unwrap_or_else(|| (0..n_labels.max(1)).map(|class| class.to_string()).collect());
    let images = train.images()?;
    notes.extend(alike(&images));
    let [height, width, channels] = images.shape();
    let of_test =
        if test.is_empty() { Images::new(height, width, channels, vec![])? } else { test.images()? };
    Ok(ImageSet {
        name: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
        mirror_preserves_class: !class_names.iter().any(|name| is_sign(name)),
        class_names,
        train: LabeledImages { images, labels: train_labels },
        test: LabeledImages { images: of_test, labels: test_labels },
        notes,
    })
}

/// What the cache knows the images of these files as. They have the size of the first, which is in one of the files.
fn key<'a>(folder: &Path, files: impl Iterator<Item = &'a PathBuf>) -> Result<Key, DataError> {
    let mut key = Key::of_tables(folder, Fit::Same { size: None });
    for path in files {
        key.file(path)?;
    }
    Ok(key)
}

/// The rows of the training and of the test split of the data set in `folder`, as its files claim; none is read.
///
/// # Errors
/// Files that are missing or damaged.
#[cfg(feature = "hub")]
pub(crate) fn count_rows(folder: &Path) -> Result<[usize; 2], DataError> {
    let Layout { train, test, .. } = Layout::find(folder)?;
    let claimed = |path: &PathBuf| Ok(TableReader::open(path)?.n_rows_claimed().unwrap_or(0));
    let count = |shards: &[PathBuf]| shards.iter().map(claimed).sum::<Result<usize, DataError>>();
    Ok([count(&train)?, count(&test)?])
}

/// The values of the column `name` of the training split, `[instance]`, as text; integers in decimal.
///
/// # Errors
/// With the file: no such column, one that holds neither text nor integers, a row without a value.
pub fn column(folder: &Path, name: &str) -> Result<Vec<String>, DataError> {
    let mut values = Vec::new();
    for path in Layout::find(folder)?.train {
        let reader = TableReader::open(&path)?;
        let place = find(&reader, name, name, &[Kind::Text, Kind::Integers], "one text or integer a row")?;
        for batch in reader.batches(&[place])? {
            let batch = batch?;
            for row in 0..batch.n_rows() {
                values.push(value(&batch, row, name)?);
            }
        }
    }
    Ok(values)
}

fn value(batch: &Batch, row: usize, name: &str) -> Result<String, DataError> {
    let place = || batch.place(row);
    match (batch.column(0).raw(row), batch.column(0).cell(row)) {
        (Some(text), _) => std::str::from_utf8(text).map(str::to_owned).map_err(|_| {
            DataError::at(place(), "holds bytes that are no text")
                .in_column(name)
                .remedy("expected one text or integer a row")
        }),
        (None, Cell::Integer(number)) => Ok(number.to_string()),
        (None, _) => Err(DataError::empty_cell(place(), name)),
    }
}

/// The names of the classes that the integers of the column `label` stand for, if a Parquet file has them.
///
/// # Errors
/// Metadata that cannot be understood.
pub fn label_names(reader: &TableReader, label: &str) -> Result<Option<Vec<String>>, DataError> {
    let names = reader.metadata("huggingface").map(|metadata| class_names(metadata, label)).transpose();
    names.map(Option::flatten).map_err(|error| {
        let problem = format!("the class names in its metadata `huggingface` cannot be read: {error}");
        DataError::of(reader.path(), problem)
    })
}

/// An open file of a data set.
struct Shard {
    reader: TableReader,
    image: String,       // the column of bytes
    columns: Vec<usize>, // of bytes and labels, and of paths if there are any
    class_names: Option<Vec<String>>,
}

impl Shard {
    fn open(path: &Path, labels: Labels) -> Result<Self, DataError> {
        let reader = TableReader::open(path)?;
        let head = reader.head();
        let (names, expected): (&[&str], _) = match labels {
            Labels::Fine => (&["label", "fine_label", "labels"], "label or fine_label"),
            Labels::Coarse => (&["coarse_label"], "coarse_label"),
        };
        let of_image = |field: &str| IMAGE_COLUMNS.map(|name| format!("{name}.{field}"));
        let is_there = |name: &&str| head.find(name).is_some();
        let images = of_image("bytes");
        let image = images.iter().map(String::as_str).find(is_there).unwrap_or_default();
        let label = names.iter().copied().find(|name| is_there(name)).unwrap_or_default();
        let bytes = find(
            &reader,
            image,
            "img or image (a struct of bytes and path)",
            &[Kind::Text],
            "one byte string a row",
        )?;
        let labels = find(&reader, label, expected, &[Kind::Integers], "one integer a row")?;
        let beside = image.strip_suffix("bytes").map(|start| format!("{start}path"));
        let paths = beside.and_then(|name| head.find(&name));
        let paths = paths.filter(|&column| head.columns[column].kind == Kind::Text);
        let columns = [bytes, labels].into_iter().chain(paths).collect();
        let (class_names, image) = (label_names(&reader, label)?, image.to_owned());
        Ok(Self { reader, image, columns, class_names })
    }
}

/// The place of a column of some kind; `what` and `expected` say what is looked for.
fn find(
    reader: &TableReader,
    name: &str,
    what: &str,
    kinds: &[Kind],
    expected: &str,
) -> Result<usize, DataError> {
    let (path, head) = (reader.path(), reader.head());
    let Some(place) = head.find(name) else {
        return Err(DataError::of(
            path,
            format!("there is no column {what}, only {}", listed(&head.names())),
        ));
    };
    let got = match &head.columns[place].kind {
        kind if kinds.contains(kind) => return Ok(place),
        Kind::Integers => "whole numbers",
        Kind::Reals => "numbers with a fraction",
        Kind::Text | Kind::Undeclared => "text",
        Kind::Other(what) => what,
    };
    Err(DataError::of(path, format!("holds {got}: expected {expected}")).in_column(name))
}

/// The images and labels of the shards of a split; images have the size that is given, and the cache knows them by `key`.
fn read_split(
    shards: Vec<Shard>,
    size: Option<[usize; 2]>,
    n_classes: usize,
    key: &Key,
) -> Result<(Pictures, Vec<u32>), DataError> {
    let n_expected = shards.iter().filter_map(|shard| shard.reader.n_rows_claimed()).sum();
    let fit = Fit::Same { size };
    let (mut pictures, mut labels) = match shards.first() {
        Some(_) => (Pictures::cached(fit, n_expected, Some(key))?, Vec::new()),
        None => (Pictures::new(fit, 0)?, Vec::new()),
    };
    let first = shards.first().map(|shard| shard.reader.path().to_owned());
    for Shard { reader, image, columns, .. } in shards {
        let (folder, label) = (reader.path().parent().unwrap_or(Path::new("")).to_owned(), columns[1]);
        let name = reader.head().columns[label].name.clone();
        let (wanted, n_rows_max) =
            if pictures.is_known() { (vec![label], usize::MAX) } else { (columns, N_ROWS_AT_ONCE) };
        let of_label = wanted.iter().position(|&column| column == label).unwrap_or_default();
        for batch in reader.batches_of(&wanted, n_rows_max)? {
            let batch = batch?;
            let paths = batch.columns().get(2);
            let encoded = |row: usize| {
                Encoded::of(batch.column(0).raw(row), paths.map(|it| it.cell(row)), &folder, &image)
            };
            pictures.append(batch.n_rows(), encoded, |row| Some(batch.place(row)))?;
            for (row, cell) in batch.column(of_label).cells().enumerate() {
                labels.push(class(cell, n_classes, || batch.place(row), &name)?);
            }
        }
    }
    match first {
        Some(path) if labels.is_empty() => {
            Err(DataError::of(&path, "there are no rows, nor in any other file of its split"))
        }
        _ => Ok((pictures, labels)),
    }
}

fn class(
    cell: Cell<'_>,
    n_classes: usize,
    place: impl Fn() -> crate::Place,
    column: &str,
) -> Result<u32, DataError> {
    match cell {
        Cell::Integer(label) if (0..n_classes as i128).contains(&label) => Ok(label as u32),
        Cell::Empty => Err(DataError::empty_cell(place(), column)),
        cell => {
            let largest = n_classes - 1;
            let problem = format!("is {}, but labels go from 0 to {largest}", cell.shown());
            Err(DataError::at(place(), problem).in_column(column))
        }
    }
}

/// The class names, which all shards have.
fn one_list_of_classes<'a>(
    mut shards: impl Iterator<Item = &'a Shard>,
) -> Result<Option<Vec<String>>, DataError> {
    let Some(first) = shards.next() else { return Ok(None) };
    match shards.find(|other| other.class_names != first.class_names) {
        None => Ok(first.class_names.clone()),
        Some(other) => {
            let problem = format!("it names other classes than {}", first.reader.path().display());
            Err(DataError::of(other.reader.path(), problem).remedy("the two are not of one data set"))
        }
    }
}

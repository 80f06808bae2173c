//! Image data sets in Parquet files, in the layout of the Hugging Face hub.
//!
//! A folder (or one folder in it, such as `plain_text`) holds files whose names, or whose folders' names, say the split:
//! `train-*.parquet`, `validation-*.parquet`, `test-*.parquet`, or `train/0000.parquet`. Without a test split that of
//! validation is used in its place, else there is none. Each row has an image, `img` or `image`, a struct of `bytes`
//! (an encoded image) and `path` (of a file, where there are no bytes); and a class, `label` or `fine_label`. The
//! schema metadata under the key `huggingface` names the classes. The instance id of a row is its place when the shards
//! of a split are read in the order of their names.

pub(crate) mod class_names;
mod column;
pub(crate) mod columns;
mod error;
mod images;
pub(crate) mod layout;
mod rows;
mod shard;

use std::path::{Path, PathBuf};

use crate::source::{Dataset, Labels, Split};
use crate::{BagError, Images, LabelOracle};
pub use column::column;
pub use columns::is_guarded;
pub use error::ParquetError;
use layout::Layout;
use rows::Rows;
#[cfg(feature = "table")]
pub(crate) use shard::has_column;

/// A label of a file whose metadata names no classes must be below this: a wrong column would make millions of classes.
const N_UNNAMED_CLASSES_MAX: usize = 1 << 16;

/// Reads the data set in `folder`.
///
/// Images are decoded by content, turned as their EXIF orientation says, and drawn on white where they are transparent.
/// They have three channels, or one if none has color, and all have the size of the first. Class names are those of the metadata, else the numbers `0`, `1`, ... up
/// to the largest label. `mirror_preserves_class` is a guess from these names that callers may override: false if any
/// is a number or a single character, as for images of digits and letters.
///
/// Decoding is shared among rayon's threads; the result does not depend on their number.
///
/// # Errors
/// [`BagError::Parquet`] with the file, the row and the column at fault.
pub fn read(folder: &Path) -> Result<Dataset, BagError> {
    read_classes(folder, Labels::Fine)
}

/// As [`read`], with a choice of the labels: those of the column `coarse_label` for [`Labels::Coarse`].
///
/// # Errors
/// As [`read`].
pub fn read_classes(folder: &Path, labels: Labels) -> Result<Dataset, BagError> {
    let Layout { train, test, mut notes } = Layout::find(folder)?;
    let rows = Rows::read([&train, &test], labels)?;
    let class_names = match &rows.class_names {
        Some(names) => names.clone(),
        None => (0..=rows.label_max()).map(|class| class.to_string()).collect(),
    };
    let Rows { pictures, labels, .. } = rows;
    let (images, of_images) = pictures.into_images()?;
    notes.extend(of_images);
    let [train, test] = splits(images, labels, class_names.len())?;
    Ok(Dataset {
        name: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
        mirror_preserves_class: !class_names.iter().any(|name| is_sign(name)),
        train,
        test,
        class_names,
        notes,
    })
}

/// The rows of the training and of the test split of the data set in `folder`, as its files claim; none is read.
///
/// # Errors
/// [`BagError::Parquet`] for files that are missing or damaged.
pub fn count_rows(folder: &Path) -> Result<[usize; 2], BagError> {
    let Layout { train, test, .. } = Layout::find(folder)?;
    let count =
        |shards: &[PathBuf]| shards.iter().map(|shard| shard::n_rows(shard)).sum::<Result<usize, _>>();
    Ok([count(&train)?, count(&test)?])
}

/// The images of the splits that have some, and the labels of each: `[split][row]`. A split without images has no labels.
fn splits(images: Vec<Images>, labels: Vec<Vec<u32>>, n_classes: usize) -> Result<[Split; 2], BagError> {
    let [height, width, channels] = images.first().map_or([1; 3], Images::shape);
    let (mut images, mut labels) = (images.into_iter(), labels.into_iter());
    let mut split = || match (images.next(), labels.next()) {
        (Some(images), Some(labels)) => Split::labeled(images, LabelOracle::new(labels, n_classes)?),
        _ => Ok(Split::unlabeled(Images::new(height, width, channels, vec![])?)),
    };
    Ok([split()?, split()?])
}

/// Whether a class of this name is a sign, whose mirror image is another one.
pub(crate) fn is_sign(class_name: &str) -> bool {
    class_name.parse::<f64>().is_ok() || class_name.chars().count() == 1
}

//! Image data sets in Parquet files, in the layout of the Hugging Face hub.
//!
//! A folder (or one folder in it, such as `plain_text`) holds `train-*.parquet` and `test-*.parquet`. Each row has an
//! image, `img` or `image`, a struct of `bytes` (an encoded PNG, JPEG or WebP file) and `path`; and a class, `label`
//! or `fine_label`. The schema metadata under the key `huggingface` names the classes. The instance id of a row is its
//! place when the shards of a split are read in the order of their names.

pub(crate) mod class_names;
mod column;
pub(crate) mod columns;
mod error;
mod layout;
mod shard;

use std::path::{Path, PathBuf};

use crate::source::{Dataset, Labels, Split};
use crate::{BagError, Images, LabelOracle};
pub use column::column;
pub use columns::is_guarded;
pub use error::ParquetError;
use layout::Layout;
use shard::Rows;

/// A label of a file whose metadata names no classes must be below this: a wrong column would make millions of classes.
const N_UNNAMED_CLASSES_MAX: usize = 1 << 16;

/// Reads the data set in `folder`.
///
/// Images are decoded by content, to three channels, or to one if the first image has no color; transparency is
/// dropped. All have the size of the first. Class names are those of the metadata, else the numbers `0`, `1`, ... up
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
    let layout = Layout::find(folder)?;
    let train = Rows::read(&layout.train, labels, None)?;
    let test = Rows::read(&layout.test, labels, train.shape)?;
    if test.class_names != train.class_names {
        return Err(ParquetError::ClassNames {
            path: layout.test[0].clone(),
            first: layout.train[0].clone(),
        }
        .into());
    }
    let class_names = match &train.class_names {
        Some(names) => names.clone(),
        None => (0..=train.label_max().max(test.label_max())).map(|class| class.to_string()).collect(),
    };
    Ok(Dataset {
        name: folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned(),
        mirror_preserves_class: !class_names.iter().any(|name| is_sign(name)),
        train: split(train, class_names.len())?,
        test: split(test, class_names.len())?,
        class_names,
    })
}

/// The rows of the training and of the test split of the data set in `folder`, as its files claim; none is read.
///
/// # Errors
/// [`BagError::Parquet`] for files that are missing or damaged.
pub fn count_rows(folder: &Path) -> Result<[usize; 2], BagError> {
    let Layout { train, test } = Layout::find(folder)?;
    let count =
        |shards: &[PathBuf]| shards.iter().map(|shard| shard::n_rows(shard)).sum::<Result<usize, _>>();
    Ok([count(&train)?, count(&test)?])
}

fn split(rows: Rows, n_classes: usize) -> Result<Split, BagError> {
    let [height, width, channels] = rows.shape.unwrap_or_default();
    let images = Images::new(height, width, channels, rows.pixels)?;
    Split::labeled(images, LabelOracle::new(rows.labels, n_classes)?)
}

/// Whether a class of this name is a sign, whose mirror image is another one.
pub(crate) fn is_sign(class_name: &str) -> bool {
    class_name.parse::<f64>().is_ok() || class_name.chars().count() == 1
}

//! Images and labels in an archive of NumPy arrays (`.npz`), as `MedMNIST` and Keras publish them.
//!
//! `train_images` and `train_labels`, `val_...` and `test_...` as of `MedMNIST`, or `x_train` and `y_train`, `x_test` and
//! `y_test` as of Keras. Images are bytes of shape `[image, height, width]` or `[image, height, width, channel]`; labels
//! are integers from 0 of shape `[image]` or `[image, 1]`. Without a test split, that of validation is used in its
//! place.

mod array;
mod error;

use std::path::Path;

use crate::source::{Dataset, Split};
use crate::{BagError, DataNote, Images, LabelOracle, picture};
use array::Archive;
pub use error::NpzError;

/// The names of images and labels, for training, validation and testing.
const NAMES: [[[&str; 2]; 3]; 2] = [
    [["train_images", "train_labels"], ["val_images", "val_labels"], ["test_images", "test_labels"]],
    [["x_train", "y_train"], ["x_val", "y_val"], ["x_test", "y_test"]],
];

/// Whether a file is such an archive by its name.
pub fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz")) && path.is_file()
}

/// Reads the archive at `path`. Classes are named by their numbers.
///
/// # Errors
/// [`BagError::Npz`] with the array at fault.
pub fn read(path: &Path) -> Result<Dataset, BagError> {
    let mut archive = Archive::open(path)?;
    let names = NAMES.iter().find(|names| archive.has(&names[0])).ok_or_else(|| archive.unknown())?;
    let [train, validation, test] = names;
    let mut notes = Vec::new();
    let test = match (archive.has(test), archive.has(validation)) {
        (true, has_validation) => {
            if has_validation {
                let (what, n_files) = ("the validation split".to_owned(), 2);
                let remedy =
                    "accuracy is measured on the test split, and held-out bags are drawn from training";
                notes.push(DataNote::LeftOut { what, n_files, remedy });
            }
            Some(test)
        }
        (false, true) => {
            notes.push(DataNote::ValidationAsTest);
            Some(validation)
        }
        (false, false) => {
            notes.push(DataNote::NoTest);
            None
        }
    };
    let (images, labels) = archive.read(train)?;
    let [height, width, channels] = images.shape();
    let test = test.map(|names| archive.read(names)).transpose()?;
    let of_test = test.iter().flat_map(|(_, labels)| labels);
    let n_classes = labels.iter().chain(of_test).max().map_or(1, |&label| label as usize + 1);
    notes.extend(picture::alike(images.pixels(), images.image_len()));
    let split = |images: Images, labels| Split::labeled(images, LabelOracle::new(labels, n_classes)?);
    Ok(Dataset {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        class_names: (0..n_classes).map(|class| class.to_string()).collect(),
        mirror_preserves_class: false, // nothing is known of the classes
        train: split(images, labels)?,
        test: match test {
            Some((images, labels)) => split(images, labels)?,
            None => Split::unlabeled(Images::new(height, width, channels, vec![])?),
        },
        notes,
    })
}

//! What can be wrong with archives of NumPy arrays.

use std::io;
use std::path::PathBuf;

/// Why an archive was refused. Rows are counted from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpzError {
    /// A file that cannot be read; the error names it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No archive, or a damaged one.
    #[error("{}: not a NumPy archive, or damaged: {source}: write it with numpy.savez", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader met.
        source: io::Error,
    },
    /// Other arrays than images and labels.
    #[error(
        "{}: it holds the arrays {}: expected train_images and train_labels, or x_train and y_train; a table is one array in a .npy file",
        path.display(),
        found.join(", ")
    )]
    Arrays {
        /// The file.
        path: PathBuf,
        /// The names there are.
        found: Vec<String>,
    },
    /// An array that cannot be read.
    #[error("{}: the array {array} cannot be read: {source}: write the file again", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// What the reader met.
        source: io::Error,
    },
    /// An array that holds no images.
    #[error(
        "{}: the array {array} is {got}, expected bytes (uint8) of shape [image, height, width] or [image, height, width, 3]; cut volumes into slices",
        path.display()
    )]
    Images {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// What it holds.
        got: String,
    },
    /// An array that holds no labels.
    #[error("{}: the array {array} is {got}, expected one integer for each image; an image has one class", path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// What it holds.
        got: String,
    },
    /// A label that names no class.
    #[error("{}: row {row} of the array {array} is {label}, expected a class: 0 to 65535", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The array.
        array: &'static str,
        /// The first offender.
        row: usize,
        /// Its label.
        label: i128,
    },
    /// Not one label for each image.
    #[error("{}: {images} has {n_images} images, {labels} has labels for {n_labels}: write the file again", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// The array of images.
        images: &'static str,
        /// How many.
        n_images: usize,
        /// The array of labels.
        labels: &'static str,
        /// How many.
        n_labels: usize,
    },
}

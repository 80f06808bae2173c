//! Opening a data set of labelled images, whatever it is.

use std::path::Path;

use crate::{DataError, ImageSet, Labels, cifar, npz, shards};

impl ImageSet {
    /// Reads the data set at `path`, whatever it is: an archive or folder of CIFAR's binary files, a folder of Parquet
    /// files, or an archive of NumPy arrays.
    ///
    /// # Errors
    /// Those of [`cifar::read`], [`shards::read`] and [`npz::read`].
    pub fn open(path: &Path, labels: Labels) -> Result<Self, DataError> {
        if npz::is_npz(path) {
            npz::read(path)
        } else if !path.is_dir() || cifar::is_in(path)? {
            cifar::read(path, labels)
        } else {
            shards::read(path, labels)
        }
    }
}

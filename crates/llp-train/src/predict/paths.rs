//! Image files and folders of them.

use std::path::{Path, PathBuf};

use llp_data::DataError;
use llp_data::files::{self, Skipped};

/// The image files that `path` names, itself or all below it if it is a folder, sorted by their paths; and what else is
/// in the folder.
///
/// # Errors
/// A folder without any; what the file system refuses.
pub(super) fn image_files(path: &Path) -> Result<(Vec<PathBuf>, Option<Skipped>), DataError> {
    if !path.is_dir() {
        return Ok((vec![path.to_owned()], None));
    }
    let (files, skipped) = files::image_files(path)?;
    if files.is_empty() {
        let endings = ".png, .jpg, .jpeg, .webp, .tif, .tiff, .bmp, .gif";
        return Err(DataError::of(path, format!("there is no image in this folder ({endings})")));
    }
    Ok((files, skipped))
}

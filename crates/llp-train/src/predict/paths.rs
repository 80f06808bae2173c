//! Image files and folders of them.

use std::path::{Path, PathBuf};

use llp_data::files::{self, Skipped};

use super::PredictError;

/// The image files that `path` names, itself or all below it if it is a folder, sorted by their paths; and what else is
/// in the folder.
///
/// # Errors
/// [`PredictError::NoImages`] for a folder without any; whatever the file system answers.
pub(super) fn image_files(path: &Path) -> Result<(Vec<PathBuf>, Option<Skipped>), PredictError> {
    if !path.is_dir() {
        return Ok((vec![path.to_owned()], None));
    }
    let (files, skipped) = files::image_files(path)?;
    if files.is_empty() {
        return Err(PredictError::NoImages { folder: path.to_owned() });
    }
    Ok((files, skipped))
}

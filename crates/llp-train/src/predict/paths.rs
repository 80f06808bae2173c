//! Image files and folders of them.

use std::path::{Path, PathBuf};

use super::PredictError;

/// Endings of the files of a folder that are images; a file that is named itself may have any.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// The image files that `path` names: itself, or all below it if it is a folder, sorted by their paths.
///
/// # Errors
/// [`PredictError::NoImages`] for a folder without any; whatever the file system answers.
pub(super) fn image_files(path: &Path) -> Result<Vec<PathBuf>, PredictError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, &mut files)?;
    if files.is_empty() {
        return Err(PredictError::NoImages { folder: path.to_owned() });
    }
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), PredictError> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_image(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

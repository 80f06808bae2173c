//! Which files are in a folder.

use std::io;
use std::path::{Path, PathBuf};

/// Endings of files that are taken for images.
const ENDINGS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "gif"];

/// Whether a file is an image by its name. Hidden ones, as macOS leaves beside others, are none.
pub fn is_image_file(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    !is_hidden(path) && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The images of a folder and of all folders in it, sorted by their paths, and the number of files that are none by
/// their names, with the first of them. Hidden files are left aside.
///
/// # Errors
/// Whatever the file system answers.
pub fn image_files(folder: &Path) -> io::Result<(Vec<PathBuf>, Option<Skipped>)> {
    let (mut images, mut others) = (Vec::new(), Vec::new());
    walk(folder, &mut images, &mut others)?;
    images.sort();
    others.sort();
    let n_files = others.len();
    Ok((images, others.into_iter().next().map(|first| Skipped { n_files, first })))
}

/// Files that are no images by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub n_files: usize,
    /// The first of them.
    pub first: PathBuf,
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { n_files, first } = self;
        let files = if *n_files == 1 { "file is" } else { "files are" };
        write!(
            f,
            "{n_files} {files} skipped, {} among them: images end with .{}",
            first.display(),
            ENDINGS.join(", .")
        )
    }
}

fn walk(folder: &Path, images: &mut Vec<PathBuf>, others: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in sorted_entries(folder)? {
        if is_hidden(&path) {
            continue;
        }
        if path.is_dir() {
            walk(&path, images, others)?;
        } else if is_image_file(&path) {
            images.push(path);
        } else {
            others.push(path);
        }
    }
    Ok(())
}

/// Whether systems hide a file, or leave it beside others.
pub fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "__MACOSX" || name == "Thumbs.db"
}

/// What is in a folder, in the order of the names.
///
/// # Errors
/// Whatever the file system answers.
pub fn sorted_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    Ok(entries)
}

/// Whether a file is a Parquet file by its name.
pub fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

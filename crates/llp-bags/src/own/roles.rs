//! What each column of a table of instances is for.

use std::path::Path;

use llp_data::table::Head;
use llp_data::{DataError, listed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Bag,
    Split,
    Label,
    /// A name of the instance.
    Id,
    /// The path of an image file.
    Path,
    /// An encoded image.
    Image,
    /// The path of a file that holds the image where its bytes are missing.
    ImagePath,
    Feature,
    /// Beside images: anything.
    Ignored,
    /// The index of a data frame, which is no feature.
    RowNumbers,
}

/// The columns of images in the hub's layout.
const IMAGE_COLUMNS: [&str; 2] = ["image.bytes", "img.bytes"];

/// The role of every column, by its name; in an array without names, the first one is the bag.
///
/// # Errors
/// Two columns of images, or no column of instances.
pub(super) fn roles(path: &Path, head: &Head) -> Result<Vec<Role>, DataError> {
    let images = IMAGE_COLUMNS.iter().copied().find(|name| head.find(name).is_some());
    let has_paths = head.find("path").is_some_and(|column| !head.columns[column].kind.is_number());
    if let (true, Some(column)) = (has_paths, images) {
        let problem = format!("both the columns `path` and {column:?} hold images");
        return Err(DataError::of(path, problem).remedy("remove one"));
    }
    let has_images = has_paths || images.is_some();
    let role = |(column, name): (usize, &str)| match name {
        "bag" => Role::Bag,
        "split" => Role::Split,
        "label" => Role::Label,
        "instance" => Role::Id,
        "path" if has_paths => Role::Path,
        name if Some(name) == images => Role::Image,
        name if images.is_some_and(|bytes| is_beside(name, bytes)) => Role::ImagePath,
        _ if has_images => Role::Ignored,
        _ if head.is_row_numbers(column) => Role::RowNumbers,
        _ => Role::Feature,
    };
    let roles: Vec<Role> = if head.is_named {
        head.columns.iter().map(|column| column.name.as_str()).enumerate().map(role).collect()
    } else {
        (0..head.columns.len()).map(|column| if column == 0 { Role::Bag } else { Role::Feature }).collect()
    };
    if roles.iter().any(|role| matches!(role, Role::Path | Role::Image | Role::Feature)) {
        Ok(roles)
    } else {
        let problem = format!("there is no column of instances, only {}", listed(&head.names()));
        Err(DataError::of(path, problem)
            .remedy("give a column `path` of image files, or columns of features"))
    }
}

/// Whether a column is the `path` of the struct that a column of `bytes` is in.
fn is_beside(name: &str, bytes: &str) -> bool {
    name.strip_suffix(".path").is_some_and(|start| bytes.strip_suffix(".bytes") == Some(start))
}

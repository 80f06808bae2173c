//! Own data without a table of instances: each folder is a bag of the images in it.
//!
//! ```text
//! my-data/proportions.csv        my-data/proportions.csv
//!         ward-1/0001.png                train/ward-1/0001.png
//!         ward-2/0001.jpg                held_out/ward-7/0001.jpg
//!                                        test/healthy/0001.png
//! ```

use std::path::{Path, PathBuf};

use llp_data::files::{Skipped, image_files, is_hidden, is_image_file, is_parquet, sorted_entries};
use llp_data::{DataError, DataNote, Fit};

use super::codes::Codes;
use super::rows::{Content, Places, Purpose, Rows, SplitName};
use super::schema::other_instances;

/// Folders in folders that are looked into for a first image.
const DEPTH_MAX: usize = 3;

/// Whether a folder, or a folder in it, has images and no Parquet file.
pub(super) fn holds_images(folder: &Path) -> bool {
    let mut has_images = false;
    !has_parquet(folder, 0, &mut has_images) && has_images
}

fn has_parquet(folder: &Path, depth: usize, has_images: &mut bool) -> bool {
    let entries = sorted_entries(folder).unwrap_or_default();
    *has_images |= entries.iter().any(|entry| is_image_file(entry));
    let is_other =
        |path: &PathBuf| is_parquet(path) && path.file_stem().is_some_and(|stem| stem != "proportions");
    if entries.iter().any(is_other) {
        return true;
    }
    let is_deep = depth == DEPTH_MAX || *has_images;
    !is_deep
        && entries
            .iter()
            .any(|entry| entry.is_dir() && !is_hidden(entry) && has_parquet(entry, depth + 1, has_images))
}

/// The images below `folder` as rows.
pub(super) fn read(
    folder: &Path,
    purpose: Purpose<'_>,
    classes: &[String],
) -> Result<(Rows, Vec<DataNote>), DataError> {
    let (side, channels) = match purpose {
        Purpose::Train { image_side, .. } => (image_side, None),
        Purpose::Images { side, channels } => (side, Some(channels)),
        Purpose::Features(_) => {
            return Err(other_instances(folder, "images", "features"));
        }
    };
    let mut found = Images { folder, classes, rows: vec![], skipped: vec![] };
    found.collect()?;
    let notes =
        found.skipped.iter().map(|skipped| DataNote::Skipped { files: skipped.to_string() }).collect();
    Ok((found.into_rows(Fit::Square { side, channels }).canonical(purpose)?, notes))
}

/// An image, and what the folders that it is in say of it.
struct Row {
    path: PathBuf,
    split: SplitName,
    bag: Option<String>,
    label: Option<String>,
}

struct Images<'a> {
    folder: &'a Path,
    classes: &'a [String],
    rows: Vec<Row>,
    skipped: Vec<Skipped>,
}

impl Images<'_> {
    fn collect(&mut self) -> Result<(), DataError> {
        for entry in entries(self.folder)? {
            match split_folder(&entry) {
                Some(split) => self.split(&entry, split)?,
                None => self.bag(&entry, SplitName::Train, None)?,
            }
        }
        Ok(())
    }

    /// The bags of a split; folders of test images may be named after classes.
    fn split(&mut self, folder: &Path, split: SplitName) -> Result<(), DataError> {
        let inner = entries(folder)?;
        let names_class = |path: &PathBuf| !path.is_dir() || self.classes.contains(&name(path));
        let are_classes =
            split == SplitName::Test && !self.classes.is_empty() && inner.iter().all(names_class);
        for entry in inner {
            let label = (are_classes && entry.is_dir()).then(|| name(&entry));
            self.bag(&entry, split, label.as_deref())?;
        }
        Ok(())
    }

    /// The images of a folder; with a label they are in no bag.
    fn bag(&mut self, path: &Path, split: SplitName, label: Option<&str>) -> Result<(), DataError> {
        if !path.is_dir() {
            if is_image_file(path) && split != SplitName::Test {
                let table = self.folder.join("instances.csv");
                let remedy = format!("write {} with the columns bag and path", table.display());
                let problem =
                    format!("{} is in no folder of a bag: move it into one, or {remedy}", path.display());
                return Err(DataError::new(problem));
            }
            if is_image_file(path) {
                self.rows.push(Row { path: path.to_owned(), split, bag: None, label: None });
            }
            return Ok(());
        }
        let (images, skipped) = image_files(path)?;
        self.skipped.extend(skipped);
        let bag = if label.is_some() { None } else { Some(name(path)) };
        self.rows.extend(images.into_iter().map(|path| {
            let (bag, label) = (bag.clone(), label.map(str::to_owned));
            Row { path, split, bag, label }
        }));
        Ok(())
    }

    fn into_rows(self, fit: Fit) -> Rows {
        let (mut bags, mut labels, mut places) = (Codes::default(), Codes::default(), Places::default());
        let (mut splits, mut paths) = (vec![], vec![]);
        places.push(self.folder.join("*"), 0); // paths are taken from its parent
        let mut last_folder = PathBuf::new();
        for (at, row) in self.rows.into_iter().enumerate() {
            bags.push(row.bag.as_deref());
            labels.push(row.label.as_deref());
            splits.push(row.split);
            let relative = row.path.strip_prefix(self.folder).unwrap_or(&row.path);
            paths.push(relative.to_string_lossy().into_owned());
            let folder = row.path.parent().unwrap_or(self.folder);
            if folder != last_folder {
                folder.clone_into(&mut last_folder);
                places.push(last_folder.clone(), at);
            }
        }
        let content = Content::Files { paths, fit, are_rows: false };
        Rows { places, splits, bags, labels, ids: None, content, left_out: vec![] }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut entries = sorted_entries(folder)?;
    entries.retain(|entry| !is_hidden(entry));
    Ok(entries)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The split that a folder is named after, if it is.
fn split_folder(path: &Path) -> Option<SplitName> {
    if !path.is_dir() {
        return None;
    }
    match &*name(path).to_lowercase() {
        "train" => Some(SplitName::Train),
        "held_out" | "validation" | "val" => Some(SplitName::HeldOut),
        "test" => Some(SplitName::Test),
        _ => None,
    }
}

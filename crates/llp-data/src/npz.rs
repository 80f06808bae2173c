//! Images and labels in an archive of NumPy arrays (`.npz`), as `MedMNIST` and Keras publish them.
//!
//! `train_images` and `train_labels`, `val_...` and `test_...` as of `MedMNIST`, or `x_train` and `y_train`, `x_test` and
//! `y_test` as of Keras. Images are bytes of shape `[image, height, width]` or `[image, height, width, channel]`; labels
//! are integers from 0 of shape `[image]` or `[image, 1]`. Without a test split, that of validation is used in its
//! place.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use npyz::{DType, NpyHeader, Order};
use zip::ZipArchive;

use crate::table::npy::Stored;
use crate::table::{Cell, Kind};
use crate::{DataError, DataNote, ImageSet, Images, LabeledImages, memory, picture};

/// The names of images and labels, for training, validation and testing.
const NAMES: [[[&str; 2]; 3]; 2] = [
    [["train_images", "train_labels"], ["val_images", "val_labels"], ["test_images", "test_labels"]],
    [["x_train", "y_train"], ["x_val", "y_val"], ["x_test", "y_test"]],
];

/// End of the name of an array's file.
const ENDING: &str = ".npy";

/// A label must be below this: a wrong array would make millions of classes.
const N_CLASSES_MAX: i128 = 1 << 16;

/// Whether a file is such an archive by its name.
pub(crate) fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz")) && path.is_file()
}

/// Reads the archive at `path`. Classes are named by their numbers.
///
/// # Errors
/// With the array at fault.
pub fn read(path: &Path) -> Result<ImageSet, DataError> {
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
    let train = archive.read(train)?;
    let [height, width, channels] = train.images.shape();
    let test = match test {
        Some(names) => archive.read(names)?,
        None => LabeledImages { images: Images::new(height, width, channels, vec![])?, labels: vec![] },
    };
    let labels = train.labels.iter().chain(&test.labels);
    let n_classes = labels.max().map_or(1, |&label| label as usize + 1);
    notes.extend(picture::alike(&train.images));
    Ok(ImageSet {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        class_names: (0..n_classes).map(|class| class.to_string()).collect(),
        mirror_preserves_class: false, // nothing is known of the classes
        train,
        test,
        notes,
    })
}

/// An open archive.
struct Archive {
    path: PathBuf,
    names: Vec<String>,
    zip: ZipArchive<BufReader<File>>,
}

impl Archive {
    fn open(path: &Path) -> Result<Self, DataError> {
        let file = BufReader::new(fs_err::File::open(path)?.into_file());
        let archive = ZipArchive::new(file).map_err(|error| {
            DataError::of(path, format!("not a NumPy archive, or damaged: {}", io::Error::from(error)))
                .remedy("write it with numpy.savez")
        })?;
        let files = archive.file_names().filter_map(Result::ok);
        let mut names: Vec<String> =
            files.filter_map(|name| name.strip_suffix(ENDING).map(str::to_owned)).collect();
        names.sort();
        Ok(Self { path: path.to_owned(), names, zip: archive })
    }

    /// Whether both arrays are there.
    fn has(&self, names: &[&str; 2]) -> bool {
        names.iter().all(|name| self.names.iter().any(|own| own == name))
    }

    /// Says what there is in place of images and labels.
    fn unknown(&self) -> DataError {
        DataError::of(&self.path, format!("it holds the arrays {}", self.names.join(", "))).remedy(
            "expected train_images and train_labels, or x_train and y_train; a table is one array in a .npy file",
        )
    }

    /// Images and their labels.
    fn read(&mut self, [images, labels]: &[&'static str; 2]) -> Result<LabeledImages, DataError> {
        let (pixels, classes) = (self.images(images)?, self.labels(labels)?);
        if pixels.len() != classes.len() {
            let (n_images, n_labels) = (pixels.len(), classes.len());
            let problem = format!("{images} has {n_images} images, {labels} has labels for {n_labels}");
            return Err(DataError::of(&self.path, problem).remedy("write the file again"));
        }
        Ok(LabeledImages { images: pixels, labels: classes })
    }

    fn images(&mut self, array: &str) -> Result<Images, DataError> {
        let expected = "bytes (uint8) of shape [image, height, width] or [image, height, width, 3]; cut volumes into slices";
        let (shape, _, bytes) = self.array(array, expected, |stored, shape| match *shape {
            _ if !stored.is_byte() => None,
            [n_images, height, width] => Some((n_images, [height, width, 1])),
            [n_images, height, width, channels @ (1 | 3)] => Some((n_images, [height, width, channels])),
            _ => None,
        })?;
        let [height, width, channels] = shape;
        Images::new(height, width, channels, bytes)
    }

    fn labels(&mut self, array: &str) -> Result<Vec<u32>, DataError> {
        let expected = "one integer for each image; an image has one class";
        let (_, stored, bytes) = self.array(array, expected, |stored, shape| match *shape {
            [n_labels] | [n_labels, 1] if stored.kind() == Kind::Integers => {
                Some((n_labels, [1, 1, stored.len()]))
            }
            _ => None,
        })?;
        let column = stored.column(&bytes, 0, stored.len());
        let label = |(row, cell): (usize, Cell<'_>)| match cell {
            Cell::Integer(label) if (0..N_CLASSES_MAX).contains(&label) => Ok(label as u32),
            cell => {
                let problem = format!("row {} of the array {array} is {}", row + 1, cell.shown());
                Err(DataError::of(&self.path, format!("{problem}, expected a class: 0 to 65535")))
            }
        };
        column.cells().enumerate().map(label).collect()
    }

    /// The shape of an item, how a value is stored, and the bytes of an array, after `check` has said how many items of
    /// which shape it has. It says nothing of one that is not `expected`.
    fn array(
        &mut self,
        array: &str,
        expected: &str,
        check: impl FnOnce(Stored, &[usize]) -> Option<(usize, [usize; 3])>,
    ) -> Result<([usize; 3], Stored, Vec<u8>), DataError> {
        let path = self.path.clone();
        let broken = |source: io::Error| {
            let problem = format!("the array {array} cannot be read: {source}");
            DataError::unreadable(&path, problem, source).remedy("write the file again")
        };
        let file = self.zip.by_name(&format!("{array}{ENDING}"));
        let mut file = file.map_err(io::Error::from).map_err(broken)?;
        let header = crate::npy_header::read(&mut file).map_err(broken)?;
        let (stored, n_items, shape) = checked(&header, check).ok_or_else(|| {
            DataError::of(&path, format!("the array {array} is {}, expected {expected}", described(&header)))
        })?;
        let mut bytes = Vec::new();
        memory::reserve(&mut bytes, n_items, shape)?;
        let len = shape.iter().fold(n_items, |product, side| product.saturating_mul(*side));
        file.take(len as u64).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() < len {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok((shape, stored, bytes))
    }
}

fn checked(
    header: &NpyHeader,
    check: impl FnOnce(Stored, &[usize]) -> Option<(usize, [usize; 3])>,
) -> Option<(Stored, usize, [usize; 3])> {
    let DType::Plain(kind) = header.dtype() else { return None };
    let is_flat = header.order() == Order::C || header.shape().len() < 2;
    let shape: Vec<usize> =
        header.shape().iter().map(|&side| usize::try_from(side).ok()).collect::<Option<_>>()?;
    let stored = Stored::new(&kind).ok().filter(|_| is_flat)?;
    let (n_items, shape) = check(stored, &shape)?;
    Some((stored, n_items, shape))
}

fn described(header: &NpyHeader) -> String {
    let order = if header.order() == Order::Fortran { " in Fortran's order" } else { "" };
    let kind = match header.dtype() {
        DType::Plain(kind) => kind.to_string(),
        _ => "records".to_owned(),
    };
    format!("of type {kind} and shape {:?}{order}", header.shape())
}

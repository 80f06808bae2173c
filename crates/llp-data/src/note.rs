//! What people should know of data that was read, and that is no error.

use std::fmt;

/// Something about data that would otherwise go unsaid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataNote {
    /// Images were turned as their EXIF orientation says.
    Turned {
        /// Those.
        n: usize,
        /// All.
        n_images: usize,
    },
    /// Transparent pixels were drawn on white.
    Transparent {
        /// Images with such.
        n: usize,
        /// All.
        n_images: usize,
    },
    /// Gray images got three equal channels.
    GrayToColor {
        /// Those.
        n: usize,
        /// All.
        n_images: usize,
    },
    /// Color images were reduced to gray.
    ColorToGray {
        /// Those.
        n: usize,
        /// All.
        n_images: usize,
    },
    /// Images of 16 bits that use little of their range.
    FewLevels {
        /// Those of 16 bits.
        n: usize,
        /// Their least value.
        low: u16,
        /// Their largest value.
        high: u16,
        /// Levels that are left in 8 bits.
        n_levels: u32,
    },
    /// All images have the same pixels.
    Alike {
        /// All.
        n_images: usize,
    },
    /// Missing numbers got a value.
    Imputed {
        /// How many.
        n_cells: usize,
        /// The columns that they are in.
        columns: Vec<String>,
        /// What of the other numbers of their column it is: mean or median.
        what: &'static str,
    },
    /// Files of a split that no use was found for.
    LeftOut {
        /// The split, or what is known of the files.
        what: String,
        /// How many.
        n_files: usize,
        /// What would use them.
        remedy: &'static str,
    },
    /// Files whose names say that there are more.
    MissingFiles {
        /// The name of the first.
        first: String,
        /// How many there are.
        n_files: usize,
        /// How many there should be.
        n_expected: usize,
    },
    /// Files beside images that are none.
    Skipped {
        /// How many, and which is the first.
        files: String,
    },
    /// The validation split is the test split.
    ValidationAsTest,
    /// The validation split is the held-out split.
    ValidationAsHeldOut,
    /// There is no test split.
    NoTest,
}

impl fmt::Display for DataNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turned { n, n_images } => write!(
                f,
                "{n} of {n_images} images have an EXIF orientation: they are turned, as a viewer shows them"
            ),
            Self::Transparent { n, n_images } => {
                write!(f, "{n} of {n_images} images have transparent pixels: they are drawn on white")
            }
            Self::GrayToColor { n, n_images } => {
                write!(f, "{n} of {n_images} images are gray: they get three equal channels")
            }
            Self::ColorToGray { n, n_images } => write!(
                f,
                "{n} of {n_images} images have color: they are reduced to gray, by the weights of ITU-R 601"
            ),
            Self::FewLevels { n, low, high, n_levels } => write!(
                f,
                "{n} images have 16 bits, but only values from {low} to {high}: {n_levels} of 256 levels are left in 8 bits; stretch the values of all images alike to 0 to 65535"
            ),
            Self::Alike { n_images } => write!(
                f,
                "all {n_images} images have the same pixels: nothing tells them apart; look at them with --contact-sheet"
            ),
            Self::Imputed { n_cells, columns, what } => {
                let numbers = if *n_cells == 1 { "number becomes" } else { "numbers become" };
                let (n_columns, listed) = (columns.len(), columns.join(", "));
                let of = if n_columns == 1 { "column".to_owned() } else { format!("{n_columns} columns") };
                write!(
                    f,
                    "{n_cells} missing {numbers} the {what} of the training rows ({of} {listed}): predictions do the same"
                )
            }
            Self::LeftOut { what, n_files, remedy } => {
                let files = if *n_files == 1 { "file" } else { "files" };
                write!(f, "{n_files} {files} of {what} left out: {remedy}")
            }
            Self::MissingFiles { first, n_files, n_expected } => write!(
                f,
                "there are {n_files} of the {n_expected} files that {first} is one of: the rows of the others are missing; fetch the data set again"
            ),
            Self::Skipped { files } => write!(f, "{files}"),
            Self::ValidationAsTest => {
                write!(f, "there is no test split: the validation split is used in its place")
            }
            Self::ValidationAsHeldOut => write!(f, "the bags of the validation split are held out"),
            Self::NoTest => write!(f, "there is no test split: no accuracy will be measured"),
        }
    }
}

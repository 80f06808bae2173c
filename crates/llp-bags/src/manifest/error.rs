//! What can be wrong with a bag manifest.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file can be read, but not used.
    #[error("{}: {fault}", .path.display())]
    Fault {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: ManifestFault,
    },
}

/// A list of instances in a manifest; bags are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceList {
    /// A bag to train on.
    Bag(usize),
    /// A bag that is held out.
    HeldOutBag(usize),
    /// The instances that filled no bag.
    Remainder,
}

impl fmt::Display for InstanceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bag(bag) => write!(f, "bag {bag}"),
            Self::HeldOutBag(bag) => write!(f, "held-out bag {bag}"),
            Self::Remainder => f.write_str("the remainder"),
        }
    }
}

/// What can be wrong with a manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// Not JSON, cut short, or not the fields of a manifest.
    #[error("not a bag manifest: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Another kind of file.
    #[error("not a bag manifest: the format is {got:?}")]
    Format {
        /// What the file calls itself.
        got: String,
    },
    /// Another version of the format.
    #[error("version {got} is not supported, this program reads version {supported}: make the bags again")]
    Version {
        /// Version of the file.
        got: u32,
        /// Version of this program.
        supported: u32,
    },
    /// No bag to train on.
    #[error("there is no bag: at least one is needed")]
    NoBags,
    /// No class.
    #[error("there is no class: at least one is needed")]
    NoClasses,
    /// A bag of the wrong size.
    #[error("{place} has {got} instances, the recipe says {expected}")]
    BagSize {
        /// The bag.
        place: InstanceList,
        /// Size by the recipe.
        expected: usize,
        /// Its size.
        got: usize,
    },
    /// A number for each class is missing, or one too much.
    #[error("{place} has counts of {got} classes, the data set has {expected}")]
    CountLength {
        /// The bag.
        place: InstanceList,
        /// The number of classes.
        expected: usize,
        /// The number of counts.
        got: usize,
    },
    /// Counts that are not those of the bag.
    #[error("the counts of {place} add up to {got}, it has {expected} instances")]
    CountSum {
        /// The bag.
        place: InstanceList,
        /// Its size.
        expected: usize,
        /// The sum of its counts.
        got: u64,
    },
    /// An id that names no instance.
    #[error("{place} has instance {instance}, but instances go from 0 to {}", i64::from(*n_instances) - 1)]
    InstanceOutOfRange {
        /// Where it is listed.
        place: InstanceList,
        /// The id.
        instance: u32,
        /// The number of instances.
        n_instances: u32,
    },
    /// An instance in two places, or twice in one.
    #[error("instance {instance} is in {}: an instance belongs to one bag, once", both(*first, *second))]
    RepeatedInstance {
        /// The id.
        instance: u32,
        /// Where it is first listed.
        first: InstanceList,
        /// Where it is listed again.
        second: InstanceList,
    },
    /// The content is not what was written.
    #[error("the content has hash {expected}, the file says {got}: it was changed after it was made")]
    Hash {
        /// Hash of the content, its first 16 digits.
        expected: String,
        /// Hash in the file, its first 16 digits.
        got: String,
    },
    /// The bags of another data set.
    #[error(
        "these are bags of {name:?} with fingerprint {expected}, the data has {got}: make bags of this data, or give the \
         data that they were made of"
    )]
    OtherData {
        /// Name of the manifest's data set.
        name: String,
        /// Its fingerprint, the first 16 digits.
        expected: String,
        /// Fingerprint of the data, the first 16 digits.
        got: String,
    },
    /// A split that nothing is trained on.
    #[error("these are bags of the split {got:?}, expected \"train\"")]
    OtherSplit {
        /// The split.
        got: String,
    },
    /// Other bags than those that a run was started with.
    #[error(
        "the bags have hash {got}, the configuration asks for {expected}: give the original file with --bags FILE"
    )]
    OtherBags {
        /// Hash that is asked for.
        expected: String,
        /// Hash of the manifest.
        got: String,
    },
}

fn both(first: InstanceList, second: InstanceList) -> String {
    if first == second { format!("{first} twice") } else { format!("{first} and in {second}") }
}

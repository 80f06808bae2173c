//! What can be wrong with instances, labels, bags and the files that they come from.

use llp_data::DataError;

/// Why instances, labels or bags were refused.
///
/// Instances, bags and rows are counted from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BagError {
    /// Data that cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),

    /// A row needs at least one number.
    #[error("a table of features without columns: at least one is needed")]
    NoColumns,

    /// The values are not a whole number of rows.
    #[error("{got} values are not a whole number of rows of {n_columns} columns")]
    ValueCount {
        /// Values of a row.
        n_columns: usize,
        /// Values given.
        got: usize,
    },

    /// A number that no network can take.
    #[error("instance {instance} has {value} in feature column {column}: features must be finite")]
    FeatureNotFinite {
        /// The first offender.
        instance: usize,
        /// Its column, counted from 0.
        column: usize,
        /// What is there.
        value: f32,
    },

    /// Instance ids have 32 bits.
    #[error("{n_instances} instances in one split: at most {} are possible", u32::MAX)]
    TooManyInstances {
        /// Instances given.
        n_instances: usize,
    },

    /// A cross-validation that the bags are too few for, or a fold that it does not have.
    #[error(
        "fold {fold} of {n_folds} with {n_bags} bags: there must be at least 2 folds and no more than bags, and the first fold is 0"
    )]
    Folds {
        /// Bags to share out.
        n_bags: usize,
        /// Folds asked for.
        n_folds: usize,
        /// The fold that was asked for.
        fold: usize,
    },

    /// No class at all.
    #[error("there must be at least one class")]
    NoClasses,

    /// Nothing to work on.
    #[error("there must be at least one instance")]
    NoInstances,

    /// A label that names no class.
    #[error("instance {instance} has label {label}, but labels go from 0 to {}", n_classes - 1)]
    LabelOutOfRange {
        /// The first offender.
        instance: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        n_classes: usize,
    },

    /// Not one label for each instance.
    #[error("{got} labels for {expected} instances")]
    LabelCount {
        /// The number of instances.
        expected: usize,
        /// The number of labels.
        got: usize,
    },

    /// Not one prediction for each instance.
    #[error("{got} predictions for {expected} instances")]
    PredictionCount {
        /// The number of instances.
        expected: usize,
        /// The number of predictions.
        got: usize,
    },

    /// A prediction that names no class.
    #[error("instance {instance} is predicted as class {prediction}, but classes go from 0 to {}", n_classes - 1)]
    PredictionOutOfRange {
        /// The first offender.
        instance: usize,
        /// Its predicted class.
        prediction: u32,
        /// The number of classes.
        n_classes: usize,
    },

    /// An instance id that names no instance.
    #[error("there is no instance {instance} among {n_instances}")]
    InstanceOutOfRange {
        /// The first offender.
        instance: u32,
        /// The number of instances.
        n_instances: usize,
    },

    /// An instance that is named twice.
    #[error("instance {instance} appears more than once: an instance belongs to one bag, once")]
    RepeatedInstance {
        /// The offender of the lowest id.
        instance: u32,
    },

    /// A fraction that leaves no instance for training, or is none.
    #[error("cannot hold out a fraction of {fraction}: it must be at least 0 and below 1")]
    Fraction {
        /// The fraction given.
        fraction: f64,
    },

    /// No full bag of this size.
    #[error("bag size {bag_size} is not possible with {n_instances} instances: choose 1 to {n_instances}")]
    BagSize {
        /// The size given.
        bag_size: usize,
        /// The number of instances to draw from.
        n_instances: usize,
    },

    /// A concentration that no Dirichlet distribution has.
    #[error("the concentration of the class shares is {alpha}: it must be a finite number above 0")]
    Concentration {
        /// The concentration given.
        alpha: f64,
    },

    /// No clusters, or more than instances.
    #[error("{n_clusters} clusters are not possible with {n_instances} instances: choose 1 to {n_instances}")]
    Clusters {
        /// The number given.
        n_clusters: usize,
        /// The number of instances.
        n_instances: usize,
    },

    /// Clusters of something other than images.
    #[error("bags by cluster need images, the data set has feature columns: choose another kind of bags")]
    ClustersOfFeatures,

    /// Bags by a column, and no column.
    #[error(
        "bags by the column {column:?} need its values, one for each training instance: the data has none, give a file"
    )]
    NoColumn {
        /// Its name.
        column: String,
    },

    /// Not one value of a column for each instance.
    #[error("{got} values of a column for {expected} training instances")]
    ColumnLength {
        /// The number of instances.
        expected: usize,
        /// The number of values.
        got: usize,
    },

    /// Nothing to count.
    #[error("the data set {name:?} has no instance labels to count in bags")]
    NoLabels {
        /// Its name.
        name: String,
    },

    /// A bag manifest that cannot be used.
    #[error(transparent)]
    Manifest(#[from] crate::ManifestError),

    /// No bag at all.
    #[error("there must be at least one bag")]
    NoBags,

    /// A bag without instances has no proportions.
    #[error("bag {bag} is empty: every bag needs at least one instance")]
    EmptyBag {
        /// The first offender.
        bag: usize,
    },

    /// Not one vector of proportions for each bag.
    #[error("{got} vectors of proportions for {expected} bags")]
    ProportionsCount {
        /// The number of bags.
        expected: usize,
        /// The number of vectors.
        got: usize,
    },

    /// Bags that disagree about the number of classes.
    #[error("bag {bag} has proportions of {got} classes, the bags before it of {expected}")]
    ProportionsLength {
        /// The first offender.
        bag: usize,
        /// The classes of bag 0.
        expected: usize,
        /// The classes of the offender.
        got: usize,
    },

    /// Not one imprecision for each bag.
    #[error("what is known of the errors of {got} bags for {expected} bags")]
    ImprecisionCount {
        /// The number of bags.
        expected: usize,
        /// The number given.
        got: usize,
    },

    /// An imprecision that does not suit its bag.
    #[error("bag {bag}: {source}")]
    Imprecision {
        /// The first offender.
        bag: usize,
        /// What is wrong.
        source: llp_ot::OtError,
    },

    /// Proportions that are none.
    #[error(transparent)]
    Proportions(#[from] llp_ot::OtError),

    /// Not one mean and one deviation for each channel or column.
    #[error("normalization of {got} channels or columns for instances of {expected}")]
    ChannelCount {
        /// The channels or columns of the instances.
        expected: usize,
        /// Those of the normalization.
        got: usize,
    },

    /// A mean or deviation that cannot normalize anything.
    #[error(
        "channel {channel} has mean {mean} and deviation {std}: both must be finite and the deviation positive"
    )]
    Normalization {
        /// The first offender.
        channel: usize,
        /// Its mean.
        mean: f32,
        /// Its standard deviation.
        std: f32,
    },

    /// A buffer of the wrong size.
    #[error("a buffer of {got} values for {n_instances} instances of {n_values}: expected {}", n_instances * n_values)]
    BufferLength {
        /// The instances to write.
        n_instances: usize,
        /// The values of an instance.
        n_values: usize,
        /// The length of the buffer.
        got: usize,
    },
}

impl BagError {
    /// What the operating system refused, if that is the cause: all else would fail again.
    pub fn io_error(&self) -> Option<&std::io::Error> {
        match self {
            Self::Data(error) => error.io_error(),
            Self::Manifest(crate::ManifestError::Io(error)) => Some(error),
            Self::Manifest(_)
            | Self::NoColumns
            | Self::ValueCount { .. }
            | Self::FeatureNotFinite { .. }
            | Self::TooManyInstances { .. }
            | Self::Folds { .. }
            | Self::NoClasses
            | Self::NoInstances
            | Self::LabelOutOfRange { .. }
            | Self::LabelCount { .. }
            | Self::PredictionCount { .. }
            | Self::PredictionOutOfRange { .. }
            | Self::InstanceOutOfRange { .. }
            | Self::RepeatedInstance { .. }
            | Self::Fraction { .. }
            | Self::BagSize { .. }
            | Self::Concentration { .. }
            | Self::Clusters { .. }
            | Self::ClustersOfFeatures
            | Self::NoColumn { .. }
            | Self::ColumnLength { .. }
            | Self::NoLabels { .. }
            | Self::NoBags
            | Self::EmptyBag { .. }
            | Self::ProportionsCount { .. }
            | Self::ProportionsLength { .. }
            | Self::ImprecisionCount { .. }
            | Self::Imprecision { .. }
            | Self::Proportions(_)
            | Self::ChannelCount { .. }
            | Self::Normalization { .. }
            | Self::BufferLength { .. } => None,
        }
    }
}

//! What can go wrong in a loss.

use llp_ot::OtError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// The sizes and the proportions describe different numbers of bags.
    #[error(
        "got {n_sizes} bag sizes and {n_proportions} vectors of proportions: every bag needs one of each"
    )]
    BagCount {
        /// Number of sizes.
        n_sizes: usize,
        /// Number of proportion vectors.
        n_proportions: usize,
    },
    /// There is no bag at all.
    #[error("a batch needs at least one bag")]
    NoBags,
    /// A bag without instances has no proportions.
    #[error("bag {bag} is empty")]
    EmptyBag {
        /// Its index in the batch.
        bag: usize,
    },
    /// The proportions of two bags have different lengths.
    #[error("bag {bag} has proportions of {got} classes, the first bag has {expected}")]
    ClassCount {
        /// Index of the bag in the batch.
        bag: usize,
        /// Classes of the first bag.
        expected: usize,
        /// Classes of this bag.
        got: usize,
    },
    /// Not one imprecision for each bag.
    #[error("got what is known of the errors of {got} bags for {n_bags} bags: every bag needs one")]
    ImprecisionCount {
        /// Number of bags.
        n_bags: usize,
        /// Number given.
        got: usize,
    },
    /// What is known of the error of a bag's proportions does not suit them.
    #[error("bag {bag}: {source}")]
    Imprecision {
        /// Index of the bag in the batch.
        bag: usize,
        /// What is wrong.
        source: OtError,
    },
    /// A loss that has no meaning without the share of every class.
    #[error(
        "the loss {loss} needs the share of every class, that of class {class} in bag {bag} is unknown: kl, l1, l2, interval and marginal do without"
    )]
    UnknownShare {
        /// Name of the loss.
        loss: &'static str,
        /// Index of the bag in the batch.
        bag: usize,
        /// The class.
        class: usize,
    },
    /// A loss that needs bounds was given standard errors.
    #[error(
        "the loss {loss} needs bounds of the shares, bag {bag} has standard errors: the loss marginal takes them"
    )]
    NoBounds {
        /// Name of the loss.
        loss: &'static str,
        /// Index of the bag in the batch.
        bag: usize,
    },
    /// A table of moments that no memory should be spent on.
    #[error(
        "moments of order {order} of {n_classes} classes have {n_states} terms for each instance: take a smaller order"
    )]
    TooManyMoments {
        /// The highest order.
        order: usize,
        /// Classes.
        n_classes: usize,
        /// Terms.
        n_states: usize,
    },
    /// The logits do not belong to these bags.
    #[error("the logits have shape {got:?}, the bags need [{n_instances}, {n_classes}]")]
    LogitsShape {
        /// Shape of the logits.
        got: Vec<usize>,
        /// Instances of all bags together.
        n_instances: usize,
        /// Classes.
        n_classes: usize,
    },
    /// Slices for losses and gradient that do not belong to these bags.
    #[error("losses and gradient have {got:?} entries, expected {n_bags} and {n_instances} x {n_classes}")]
    OutputShape {
        /// Their lengths.
        got: Vec<usize>,
        /// Bags.
        n_bags: usize,
        /// Instances of all bags together.
        n_instances: usize,
        /// Classes.
        n_classes: usize,
    },
    /// The transport problem of the ROT loss was refused.
    #[error(transparent)]
    Transport(#[from] OtError),
    /// candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

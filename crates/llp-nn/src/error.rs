//! What can go wrong with a network.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// A number of the configuration is zero.
    #[error("{field} must be at least 1")]
    ZeroSize {
        /// The field of [`crate::ResNetConfig`], [`crate::AirbenchConfig`] or [`crate::MlpConfig`].
        field: &'static str,
    },
    /// Instances of another length than the network's.
    #[error(
        "an instance has {got} numbers, the network expects {expected}: was it trained on other columns?"
    )]
    InputLength {
        /// The numbers that the network takes.
        expected: usize,
        /// The numbers that were given.
        got: usize,
    },
    /// Images that are not square, or too small for the network.
    #[error(
        "images of {height}x{width} pixels do not suit this network: it needs square ones of at least {min}x{min}"
    )]
    ImageSize {
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
        /// The least of both.
        min: usize,
    },
    /// A tensor that the network needs is not in the state that was given.
    #[error("the tensor {name:?} is missing: is this a checkpoint of another architecture?")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor was given that the network does not have.
    #[error("the tensor {name:?} is not part of this network: is this a checkpoint of another architecture?")]
    UnexpectedTensor {
        /// Its name.
        name: String,
    },
    /// A tensor has another shape than the network's.
    #[error("the tensor {name:?} has shape {got:?}, the network expects {expected:?}")]
    ShapeMismatch {
        /// Its name.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The shape that was given.
        got: Vec<usize>,
    },
    /// candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

//! What can go wrong with a network.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// A configuration, instances or a state that the network cannot take: what is wrong, and what helps.
    #[error("{0}")]
    Input(String),
    /// candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl NnError {
    /// A tensor that the network needs is not in the state that was given.
    pub fn missing(name: &str) -> Self {
        Self::Input(format!("the tensor {name:?} is missing: is this a checkpoint of another architecture?"))
    }

    /// A tensor has another shape than the network's.
    pub fn other_shape(name: &str, expected: &[usize], got: &[usize]) -> Self {
        Self::Input(format!("the tensor {name:?} has shape {got:?}, the network expects {expected:?}"))
    }

    /// Instances of another length than the network's.
    pub(crate) fn input_length(expected: usize, got: usize) -> Self {
        let hint = "was it trained on other columns?";
        Self::Input(format!("an instance has {got} numbers, the network expects {expected}: {hint}"))
    }
}

/// Refuses a configuration with a zero; the names are those of its fields.
pub(crate) fn check_extents(extents: &[(&str, usize)]) -> Result<(), NnError> {
    match extents.iter().find(|(_, value)| *value == 0) {
        None => Ok(()),
        Some((field, _)) => Err(NnError::Input(format!("{field} must be at least 1"))),
    }
}

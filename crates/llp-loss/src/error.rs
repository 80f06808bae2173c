//! What can go wrong in a loss.

use llp_ot::OtError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// Bags or logits that the loss cannot take: what is wrong, and what helps.
    #[error("{0}")]
    Input(String),
    /// The transport problem of the ROT loss, or the likelihood of counts, was refused.
    #[error(transparent)]
    Transport(#[from] OtError),
    /// candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl LossError {
    /// A loss that has no meaning without the share of every class.
    pub fn unknown_share(loss: &str, bag: usize, class: usize) -> Self {
        Self::Input(format!(
            "the loss {loss} needs the share of every class, that of class {class} in bag {bag} is unknown: kl, l1, l2, \
             interval and marginal do without"
        ))
    }

    /// Logits that do not belong to these bags.
    pub(crate) fn logits_shape(got: &[usize], [n_instances, n_classes]: [usize; 2]) -> Self {
        Self::Input(format!("the logits have shape {got:?}, the bags need [{n_instances}, {n_classes}]"))
    }
}

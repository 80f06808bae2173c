//! The ROT loss of section 3.4.

use candle_core::Tensor;
use llp_ot::{Real, RotBatch, RotConfig, rot_loss_and_gradient};

use crate::op::{BatchFunction, apply, refuse_unknown};
use crate::{BagLoss, BagTargets, LossError};

/// The relaxed optimal transport loss: the optimal value of equation (6), as printed.
///
/// Its gradient is `(alpha / n) (p_j - U_j)` by the envelope theorem, where `U` is the optimal coupling: no
/// graph through the iterations is kept. The value can be negative: the entropy as printed counts `+1` for
/// every instance, which shifts the loss by the constant `-alpha epsilon` (see `docs/notation.md`).
/// A class of unknown share is refused.
///
/// Source: [dulac-arnold:19], equation (6) and Algorithm 1. Deviation: the gradient is not taken through the
/// sweeps (`docs/deviations.md`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rot {
    /// The parameters of equation (6) and the solver.
    pub config: RotConfig,
}

impl BagLoss for Rot {
    fn name(&self) -> &'static str {
        "rot"
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        refuse_unknown(self.name(), targets)?;
        apply(self.name(), *self, logits, targets)
    }
}

impl BatchFunction for Rot {
    fn evaluate<T: Real>(
        &self,
        logits: &[T],
        targets: &BagTargets,
        loss: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), LossError> {
        let proportions: Vec<T> = targets.proportions().iter().map(|&z| T::from_f64(z)).collect();
        let n_classes = targets.n_classes();
        let batch = RotBatch { logits, bag_sizes: targets.sizes(), proportions: &proportions, n_classes };
        rot_loss_and_gradient(&batch, &self.config, loss, gradient)?;
        Ok(())
    }
}

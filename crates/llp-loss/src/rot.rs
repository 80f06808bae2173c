//! The ROT loss of section 3.4.

use candle_core::Tensor;
use llp_kernels::{BagKernel, Sweeps};
use llp_ot::{Real, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient};

use crate::op::{BatchFunction, apply, on_gpu, refuse_unknown};
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
        if let Some(kernel) = by_sweeps(&self.config)
            && let Some(loss) = on_gpu(kernel, logits, targets)?
        {
            return Ok(loss);
        }
        apply(self.name(), *self, logits, targets)
    }
}

/// The kernel for GPUs sweeps in single precision, which suits parameters that are not extreme.
fn by_sweeps(config: &RotConfig) -> Option<BagKernel> {
    let &RotConfig { alpha, epsilon, solver } = config;
    let sweeps = match solver {
        // As exact as single precision allows; sweeps end long before their limit, or are worth little more.
        RotSolver::Newton(_) => Sweeps::Until { residual: 1e-6, at_most: 2000 },
        RotSolver::Sinkhorn { n_iters } => Sweeps::Fixed(n_iters),
    };
    let suits = (0.001..=0.999).contains(&alpha) && (0.05..=100.0).contains(&epsilon);
    suits.then_some(BagKernel::Rot { alpha, epsilon, sweeps })
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

//! Several losses as one.

use candle_core::Tensor;

use crate::{BagLoss, BagTargets, Loss, LossError};

/// A loss plus others, each times its weight.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use llp_loss::{BagLoss, BagTargets, Kl, L2, WeightedSum};
/// use llp_ot::Proportions;
///
/// let logits = Tensor::new(&[[2.0_f64, 0.0], [0.0, 1.0]], &Device::Cpu)?;
/// let targets = BagTargets::new(vec![2], &[Proportions::new(vec![1.0, 0.0])?])?;
/// let of = |loss: &dyn BagLoss| loss.forward(&logits, &targets).unwrap().to_vec1::<f64>().unwrap()[0];
/// let sum = WeightedSum::new(Kl, vec![(L2, 0.5)]);
/// assert!((of(&sum) - (of(&Kl) + 0.5 * of(&L2))).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedSum {
    first: Loss,
    others: Vec<(Loss, f64)>,
}

impl WeightedSum {
    /// `first + sum weight loss`.
    pub fn new(first: Loss, others: Vec<(Loss, f64)>) -> Self {
        Self { first, others }
    }

    /// Whether bounds or standard errors of proportions change one of them.
    pub fn uses_errors(&self) -> bool {
        self.losses().any(Loss::uses_errors)
    }

    /// All of the losses.
    pub fn losses(&self) -> impl Iterator<Item = Loss> {
        [self.first].into_iter().chain(self.others.iter().map(|(loss, _)| *loss))
    }
}

impl BagLoss for WeightedSum {
    fn name(&self) -> &'static str {
        self.first.name()
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        let mut sum = self.first.forward(logits, targets)?;
        for (loss, weight) in &self.others {
            sum = (sum + (loss.forward(logits, targets)? * *weight)?)?;
        }
        Ok(sum)
    }
}

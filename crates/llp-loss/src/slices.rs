//! The losses on plain slices, for callers without candle.

use llp_ot::{CountLikelihood, Divergence, Real, RotConfig};

use crate::avg_kl::AvgKlOfBag;
use crate::count_likelihood::PerInstance;
use crate::interval::{IntervalOfBag, check_bounds};
use crate::kl::KlOfBag;
use crate::marginal::MarginalOfBag;
use crate::moments::MomentsOfBag;
use crate::multinomial::MultinomialOfBag;
use crate::op::{BatchFunction, EachBag, refuse_unknown};
use crate::proportion::OfMean;
use crate::{BagTargets, LossError, Moments, Rot};

/// A loss by name, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SliceLoss {
    /// [`Kl`](crate::Kl).
    Kl,
    /// [`Rot`].
    Rot(RotConfig),
    /// [`AvgKl`](crate::AvgKl).
    AvgKl,
    /// [`L1`](crate::L1).
    L1,
    /// [`L2`](crate::L2).
    L2,
    /// [`Interval`](crate::Interval).
    Interval,
    /// [`Marginal`](crate::Marginal).
    Marginal,
    /// [`Saddlepoint`](crate::Saddlepoint).
    Saddlepoint,
    /// [`Gaussian`](crate::Gaussian).
    Gaussian,
    /// [`Multinomial`](crate::Multinomial).
    Multinomial,
    /// [`Moments`].
    Moments(Moments),
}

impl SliceLoss {
    /// The loss of each bag and its gradient by the logits, as [`BagLoss::forward`](crate::BagLoss::forward) and a
    /// backward pass compute them on a CPU, bit for bit.
    ///
    /// `logits` and `gradient` are `[instance, class]`, `loss` is `[bag]`.
    ///
    /// # Errors
    /// Slices whose lengths disagree with `targets`, and those of the loss.
    ///
    /// ```
    /// use llp_loss::{BagTargets, SliceLoss};
    /// use llp_ot::Proportions;
    ///
    /// let targets = BagTargets::new(vec![2], &[Proportions::new(vec![0.5, 0.5])?])?;
    /// let (mut loss, mut gradient) = ([0.0_f64], [0.0; 4]);
    /// SliceLoss::Kl.evaluate(&[0.0, 1.0, 1.0, 0.0], &targets, &mut loss, &mut gradient)?;
    /// assert!((loss[0] - 2_f64.ln()).abs() < 1e-15); // the mean prediction is (0.5, 0.5)
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate<T: Real>(
        self,
        logits: &[T],
        targets: &BagTargets,
        loss: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), LossError> {
        let (n_instances, n_classes) = (targets.n_instances(), targets.n_classes());
        if logits.len() != n_instances * n_classes {
            return Err(LossError::LogitsShape { got: vec![logits.len()], n_instances, n_classes });
        }
        if gradient.len() != logits.len() || loss.len() != targets.n_bags() {
            let got = vec![loss.len(), gradient.len()];
            return Err(LossError::OutputShape { got, n_bags: targets.n_bags(), n_instances, n_classes });
        }
        gradient.fill(T::ZERO);
        match self {
            Self::Kl => EachBag(KlOfBag).evaluate(logits, targets, loss, gradient),
            Self::L1 => EachBag(OfMean(Divergence::L1)).evaluate(logits, targets, loss, gradient),
            Self::L2 => EachBag(OfMean(Divergence::SquaredL2)).evaluate(logits, targets, loss, gradient),
            Self::Marginal => EachBag(MarginalOfBag).evaluate(logits, targets, loss, gradient),
            Self::Interval => {
                check_bounds(targets)?;
                EachBag(IntervalOfBag).evaluate(logits, targets, loss, gradient)
            }
            Self::AvgKl => {
                refuse_unknown("avg-kl", targets)?;
                EachBag(AvgKlOfBag).evaluate(logits, targets, loss, gradient)
            }
            Self::Saddlepoint => {
                refuse_unknown("saddlepoint", targets)?;
                PerInstance(CountLikelihood::Saddlepoint).evaluate(logits, targets, loss, gradient)
            }
            Self::Gaussian => {
                refuse_unknown("gaussian", targets)?;
                PerInstance(CountLikelihood::Gaussian).evaluate(logits, targets, loss, gradient)
            }
            Self::Multinomial => {
                refuse_unknown("multinomial", targets)?;
                EachBag(MultinomialOfBag).evaluate(logits, targets, loss, gradient)
            }
            Self::Moments(moments) => {
                refuse_unknown("moments", targets)?;
                moments.check(n_classes)?;
                EachBag(MomentsOfBag::new(moments, n_classes)).evaluate(logits, targets, loss, gradient)
            }
            Self::Rot(config) => {
                refuse_unknown("rot", targets)?;
                Rot { config }.evaluate(logits, targets, loss, gradient)
            }
        }
    }
}

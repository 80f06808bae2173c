//! Bag-level losses for learning from label proportions, on candle tensors.
//!
//! A loss sees the logits of all instances of several bags, `[instance, class]`, bag after bag, and what is
//! known of each bag: its size and its proportions ([`BagTargets`]). It returns one number per bag, `[bag]`,
//! differentiable in the logits. Bags of different sizes may share a batch.
//!
//! | loss | formula for one bag | source in [dulac-arnold:19] |
//! |---|---|---|
//! | [`Kl`] | `-sum_i z_i log(mean_j p_ji)` | section 3.1 |
//! | [`Rot`] | optimal value of equation (6) | section 3.4, Algorithm 1 |
//! | [`AvgKl`] | `-mean_j sum_i z_i log p_ji` | baseline of section 4.1 |
//! | [`L1`] | `sum_i abs(z_i - mean_j p_ji)` | section 3.1 |
//! | [`L2`] | `sum_i (z_i - mean_j p_ji)^2` | section 3.1 |
//! | [`Interval`] | `min KL(z, mean_j p_j)` over the `z` within the bounds | not there: proportions within bounds |
//! | [`Marginal`] | `-(1/n) log P(what is known of z)` | not there: rounded, noisy, partly unknown proportions |
//! | [`Saddlepoint`], [`Gaussian`] | `-(1/n) log P(n z)`, approximately | not there: likelihood of the counts |
//! | [`Multinomial`] | `-(1/n) sum_j sum_i q_ji log p_ji` | not there: EM |
//! | [`Moments`] | cross-entropy of the classes of `r` instances, `r <= R` | not there: factorial moments |
//! | [`EasyLlp`], [`Gupm`], [`Dsq`] | cross-entropies and square loss without bias | not there: later baselines |
//! | [`Llpfc`] | `-mean_j log sum_i T_bi p_ji` | not there: bags as noisy labels |
//! | [`Ci`] | `Kl` of the classes outside of their bounds | not there: mixed bags |
//!
//! Where a share is unknown ([`Imprecision`](llp_ot::Imprecision)), KL, L1 and L2 take the classes of unknown share
//! as one; the other losses of exact counts refuse. Other errors of the proportions are ignored by all but `Interval`,
//! `Ci` and `Marginal`.
//!
//! [`WeightedSum`] adds losses up. [`Consistency`] labels instances by a network's own predictions and the counts of their
//! bags, for losses between two views of an image.
//!
//! Your own loss implements [`BagLoss`], from candle operations or as one with its own backward: see
//! `docs/adding-a-loss.md`.
//!
//! ```
//! use candle_core::{Device, Var};
//! use llp_loss::{BagLoss, BagTargets, Kl};
//! use llp_ot::Proportions;
//!
//! // Three instances, two classes: a bag of two and a bag of one.
//! let logits = Var::new(&[[2.0_f32, 0.0], [0.0, 2.0], [1.0, 1.0]], &Device::Cpu)?;
//! let proportions = [Proportions::new(vec![0.5, 0.5])?, Proportions::new(vec![1.0, 0.0])?];
//! let targets = BagTargets::new(vec![2, 1], &proportions)?;
//! let loss = Kl.forward(&logits, &targets)?; // [bag]
//! let values = loss.to_vec1::<f32>()?;
//! assert!((values[0] - 2_f32.ln()).abs() < 1e-6); // the mean prediction is exactly (0.5, 0.5)
//! assert!((values[1] - 2_f32.ln()).abs() < 1e-6);
//! let gradients = loss.mean_all()?.backward()?;
//! assert_eq!(gradients.get(&logits).unwrap().dims(), [3, 2]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod avg_kl;
mod ci;
mod consistency;
mod count_likelihood;
mod counts;
mod dsq;
mod error;
mod interval;
mod kl;
mod llpfc;
mod loss;
mod marginal;
mod mean;
mod moments;
mod multinomial;
mod op;
mod proportion;
mod rot;
mod softmax;
mod targets;
mod unbiased;
mod weighted_sum;

use candle_core::Tensor;

pub use consistency::{BagLabels, Consistency, LabelRule, LabelWeight};
pub use error::LossError;
pub use loss::Loss::{
    self, AvgKl, Ci, Dsq, EasyLlp, Gaussian, Gupm, Interval, Kl, L1, L2, Llpfc, Marginal, Moments,
    Multinomial, Rot, Saddlepoint,
};
pub use softmax::log_softmax;
pub use targets::BagTargets;
pub use weighted_sum::WeightedSum;

/// A loss that compares the predictions for the instances of each bag with the bag's proportions:
/// `l(F, z)` of equation (1).
pub trait BagLoss: std::fmt::Debug + Send + Sync {
    /// Its name on the command line and in results.
    fn name(&self) -> &'static str;

    /// The loss of each bag, `[bag]`, in nats where it is an entropy; differentiable in the logits.
    ///
    /// `logits` is `[instance, class]`, unnormalized log-probabilities in `f32` or `f64`, bag after bag in the
    /// order of `targets`.
    ///
    /// # Errors
    /// When the shapes disagree. A loss may also refuse logits that are not finite; otherwise they give a loss
    /// that is not finite, which the caller must look for.
    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError>;
}

/// The sample of the page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/adding-a-loss.md")]
struct AddingALoss;

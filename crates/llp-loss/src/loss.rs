//! The losses of this crate: their names, what they refuse, and where they are computed.

use candle_core::Tensor;
use llp_kernels::BagKernel;
use llp_ot::{CountLikelihood, Divergence, Real, RotConfig, rot_loss_and_gradient};

use crate::dsq::BatchMean;
use crate::moments::StatesOfMoments;
use crate::op::{Bag, apply, as_batch, each_bag, on_gpu, refuse_unknown};
use crate::{BagLoss, BagTargets, LossError};
use crate::{
    avg_kl, ci, count_likelihood, interval, kl, llpfc, marginal, moments, multinomial, proportion, rot,
    unbiased,
};

/// The loss of one bag by its logits; the derivative is written to the last argument, both `[instance, class]`.
type OfBag<'a> = Box<dyn Fn(&[f64], Bag<'_>, &mut [f64]) -> f64 + 'a>;

/// A loss, with its parameters. Each variant is also an item of the crate, so that `Kl` is a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// `-sum_i z_i log(mean_j p_ji)`: the cross-entropy of the known proportions and the mean prediction.
    ///
    /// It is `KL(z | mean prediction) + H(z)`, so its minimum is the entropy of the proportions, not 0. The mean is
    /// taken in the log domain: a class that no instance predicts gives a large finite loss and a gradient that
    /// points away from it, where the plain formula has `log 0`.
    ///
    /// Classes of unknown share count as one, whose share is the rest: `-z_U log(sum_{i in U} mean_j p_ji)` takes the
    /// place of their terms. That is the likelihood of coarsened counts, which says nothing of how they share the rest
    /// \[heitjan:91\]. Other errors of the proportions are ignored: see [`Interval`](crate::Interval) and
    /// [`Marginal`](crate::Marginal).
    ///
    /// Source: [dulac-arnold:19], section 3.1. Deviation: none where all shares are known.
    Kl,
    /// The relaxed optimal transport loss: the optimal value of equation (6), as printed.
    ///
    /// Its gradient is `(alpha / n) (p_j - U_j)` by the envelope theorem, where `U` is the optimal coupling: no
    /// graph through the iterations is kept. The value can be negative: the entropy as printed counts `+1` for
    /// every instance, which shifts the loss by the constant `-alpha epsilon` (see `docs/notation.md`).
    /// A class of unknown share is refused.
    ///
    /// Source: [dulac-arnold:19], equation (6) and Algorithm 1. Deviation: the gradient is not taken through the
    /// sweeps (`docs/deviations.md`).
    Rot {
        /// The parameters of equation (6) and the solver.
        config: RotConfig,
    },
    /// `-mean_j sum_i z_i log p_ji`: every instance is trained towards the proportions of its bag.
    ///
    /// The mean of the cross-entropies instead of the cross-entropy of the mean; its minimum is a network that
    /// answers the proportions for every instance of a bag. It has no answer for a class of unknown share, and refuses it.
    ///
    /// Source: [dulac-arnold:19], section 4.1, "Baseline method". Deviation: none.
    AvgKl,
    /// `sum_i abs(z_i - mean_j p_ji)`. Its subgradient is 0 where the two agree.
    ///
    /// Source: [dulac-arnold:19], section 3.1, after Musicant et al. (2007). Deviation: none.
    L1,
    /// `sum_i (z_i - mean_j p_ji)^2`.
    ///
    /// Source: [dulac-arnold:19], section 3.1, after Kotzias et al. (2015); the distance squared, so that it is
    /// smooth where the two agree. Deviation: none.
    L2,
    /// `min KL(z | mean prediction)` over the proportions `z` within the bounds of the bag: how far the mean prediction is
    /// from what they allow.
    ///
    /// It is zero, with gradient zero, where the mean prediction is within the bounds. Elsewhere the gradient is that of
    /// [`Kl`](crate::Kl) at the nearest proportions, `z_i = min(max(t mean_j p_ji, low_i), high_i)` with the factor `t`
    /// that makes their sum 1 (the conditions of Karush, Kuhn and Tucker; the minimum is unique, so its derivative is that
    /// of the objective at it \[danskin:67\]). Exact proportions are bounds without width, so the loss is then `Kl` less the
    /// entropy of the proportions; an unknown share has the bounds 0 and 1. Shares rounded to multiples of a step have
    /// the bounds of half a step: [`Imprecision::rounded`](llp_ot::Imprecision::rounded).
    ///
    /// This is a profile likelihood, and takes every count within the bounds for equally good news: unlike
    /// [`Marginal`](crate::Marginal) it does not care how probable the predictions make them.
    ///
    /// Source: projection onto a polyhedron in the Kullback-Leibler divergence, \[csiszar:75\]; bounds of proportions in
    /// learning, \[orting:16\]. Standard errors other than 0 and infinity are refused.
    Interval,
    /// `-(1/n) log sum_k multinomial(k; n, mean prediction) prod_i w_i(k_i)`: the likelihood of what is known of a bag's
    /// proportions, with everything that is not known summed out.
    ///
    /// The model is that of [`Kl`](crate::Kl), whose value is `-(1/n) log multinomial(n z; n, mean prediction)` up to a
    /// constant: the `n` labels of a bag are drawn from the mean prediction. The counts `k` are then observed through
    /// their weights:
    ///
    /// | known | weight of `k_i` |
    /// |---|---|
    /// | bounds | 1 where `low_i <= k_i / n <= high_i`, else 0 |
    /// | standard error `e_i` | `exp(-((z_i - k_i / n) / e_i)^2 / 2)`: normal errors, density relative to its largest |
    /// | exact, or standard error 0 | 1 where `k_i = n z_i`, else 0 |
    /// | unknown | 1 |
    ///
    /// The gradient is that of `Kl` at the expected proportions `E[k | known] / n`, which is the step of expectation and
    /// maximization \[dempster:77\] taken by gradient. Without errors it is that of `Kl`; with unknown classes and no other
    /// errors, that of `Kl` with these classes as one; when nothing is known, zero. The value is at least 0, in nats per
    /// instance.
    ///
    /// Laplace noise of scale `b` has the standard error `sqrt(2) b` and is taken as normal. Where the noise went through a
    /// projection onto the simplex, the weights are those of the projected shares, an approximation.
    ///
    /// Edge cases: a bag that is exact but for unknown classes need not have whole counts `n z`. Elsewhere, a standard
    /// error of less than a tenth of an instance counts as a tenth, bounds without a whole count between them are widened
    /// to the next on either side, and bounds within which no counts add up to `n`, by one count at a time until some do.
    ///
    /// Time: `O(K n)` and a convolution of `K` sequences as long as the counts are uncertain, at most `O(K n^2)`.
    ///
    /// Source: the multinomial probability of bounds, \[levin:81\]; rounded and missing data as coarsened data, \[heitjan:91\].
    /// No source for its use in learning from proportions is known to us.
    Marginal,
    /// `-(1/n) log P(n z)`, where `P` is the distribution of the counts of independent labels with the predicted
    /// probabilities, by its saddlepoint approximation: the exact likelihood of what a bag says, but for an error of about
    /// 0.04 nats a bag at 16 instances, which falls as `1 / n`.
    ///
    /// [`Kl`](crate::Kl) is the likelihood of labels that are all drawn from the mean prediction; this one knows which
    /// instance predicts what. Its gradient is `(p_j - E[y_j | counts]) / n`. For bags of one instance both are the
    /// cross-entropy of its label. The value is not negative but for the error of the approximation.
    ///
    /// A class of unknown share is refused; other errors of the proportions are ignored. `n z` need not be whole.
    ///
    /// Time: a few Newton steps of `O(n K^2)`. Source: the approximation is Daniels' \[daniels:54\]; its use as a loss has no
    /// source that is known to us (`docs/methods.md`).
    Saddlepoint,
    /// `-(1/n) log N(n z; mean, covariance)` of the counts of independent labels with the predicted probabilities.
    ///
    /// The covariance is `sum_j (diag(p_j) - p_j p_j^T)`, and that of rounding to whole numbers is added to it. Cheaper than
    /// [`Saddlepoint`](crate::Saddlepoint), and close to it where the counts are not improbable. The value can be below 0 by what a density
    /// exceeds a probability.
    ///
    /// A class of unknown share is refused; other errors of the proportions are ignored.
    Gaussian,
    /// `-(1/n) sum_j sum_i q_ji log p_ji`: cross-entropy with responsibilities `q`, the probable labels given the counts.
    ///
    /// `q_ji` is proportional to `p_ji x_i / (S_i - p_ji)`, with the counts `x = n z` and the sums `S_i = sum_j p_ji`: Bayes'
    /// rule where the other instances of the bag have a multinomial distribution. No gradient goes through `q`, so this is the
    /// maximization step of an EM algorithm taken by gradient, `(p_j - q_j) / n`. The value is that of the step, not of one
    /// function that all steps lower. For bags of one instance it is the cross-entropy of its label.
    ///
    /// A class of unknown share is refused; other errors of the proportions are ignored.
    ///
    /// Source: the responsibilities are those of the method `mult` of the R package fastei for tables of counts
    /// \[ubilla:26\].
    Multinomial,
    /// The mean over the orders `r = 1, ..., R` of the cross-entropy between the classes of `r` different instances that are
    /// drawn from the bag, known and predicted.
    ///
    /// Known is the hypergeometric distribution of the counts, `T(c_1 ... c_r)`, proportional to
    /// `prod_c z_c (z_c - 1/n) (z_c - 2/n) ...`; predicted is `sum p_{j_1 c_1} ... p_{j_r c_r}` over all different
    /// `j_1, ..., j_r`. Both are divided by their sums, and the prediction is mixed with a share of 1e-4 of the uniform
    /// distribution, so that no logarithm is infinite. Order 1 is [`Kl`](crate::Kl) but for that share; order `n` is the
    /// likelihood of the counts. Bags with fewer instances than `R` take the orders that they have.
    ///
    /// Where `n z` is not whole, negative factors count as 0. A class of unknown share is refused; other errors of the
    /// proportions are ignored.
    ///
    /// Time: `O(n K C(K + R, R))`, so order 3 costs little and order 8 of ten classes 44,000 states for each instance.
    ///
    /// Source: \[ma:25\], with its constants; the recursion is ours.
    Moments {
        /// `R`, from 1 to 8.
        order: usize,
    },
    /// `-sum_c w_c mean_j log p_jc` with the weights `w_c = n z_c - (n - 1) pi_c`, where `pi` is the class prior
    /// ([`BagTargets::with_prior`]).
    ///
    /// In bags of random instances its expectation is the mean cross-entropy of the labels, for any network. Weights can be
    /// negative, so it has no lower bound, and where bags are not random it can diverge. For bags of one instance it is the
    /// cross-entropy of its label.
    ///
    /// A class of unknown share is refused; other errors of the proportions are ignored.
    ///
    /// Source: \[busa-fekete:23\]. Deviation: several classes, where the paper has two.
    EasyLlp,
    /// `sum_c (z_c - pi_c) sum_j (l_jc - E_c) + sum_c pi_c E_c` with `l_jc = -log p_jc`, its mean `E_c` over all instances of
    /// the batch, and the class prior `pi` ([`BagTargets::with_prior`]): general unbiased proportion matching.
    ///
    /// In random bags of one size its expectation is that of [`EasyLlp`](crate::EasyLlp), but for a share `1 / B` of what the
    /// proportions of `B` bags add, and it varies less, since the mean is that of the batch. The value that is returned for
    /// a bag is its part of the sum over the batch that depends on its own instances, so the sum is that of the formula and
    /// its gradient is exact. A bag that is alone says nothing of its proportions. Like EasyLLP it has no lower bound.
    ///
    /// A class of unknown share is refused; other errors of the proportions are ignored.
    ///
    /// Source: \[applebaum:25\], equation 28.
    Gupm,
    /// `n |mean_j p_j - z|^2 - (n - 1) |mu - pi|^2` with the mean prediction `mu` over the batch and the class prior `pi`
    /// ([`BagTargets::with_prior`]): the debiased square loss.
    ///
    /// In bags of random instances its expectation is the square loss of the labels, less what the mean of the batch is off
    /// by chance; [`L2`](crate::L2) says less and less of single instances the larger the bags. Bags share `mu`: [`Loss::evaluate`] and the backward pass give
    /// the gradient of the sum over the batch, so all bags must have the same weight in what is minimized. Values can be
    /// below 0.
    ///
    /// A class of unknown share is refused; other errors of the proportions are ignored.
    ///
    /// Source: \[li:24\]. Deviations: `mu` is that of the batch, where the authors' code takes a running mean over
    /// steps; several classes, where it has two.
    Dsq,
    /// `-mean_j log sum_c T_bc p_jc`: the bag `b` of an instance is taken for its noisy label, and the predictions are
    /// corrected by the probabilities `T_bc = z_bc / sum_b' z_b'c` of the bags of a group given the class.
    ///
    /// Groups are neighbouring bags of a batch, at least as many as there are classes, or all bags of a smaller batch. A
    /// bag that is alone says only which classes it lacks; if it has all of them, its loss is 0. For bags of one instance,
    /// with every class in a group, it is the cross-entropy of the label up to a constant.
    ///
    /// A class of unknown share is refused; other errors of the proportions are ignored.
    ///
    /// Source: \[zhang:22\], "LLPFC-uniform". Deviation: groups are made anew in every step, and no bag is left over.
    Llpfc,
    /// [`Kl`](crate::Kl) without the classes whose mean prediction is within its bounds, which count as met:
    /// `-sum_c z_c log q_c` with `q_c = z_c` for these and the mean prediction for the others.
    ///
    /// It is the loss of MixBag, whose mixed bags (`llp_bags::MixedBag`) have confidence intervals as bounds. It jumps where
    /// a class meets its bounds; [`Interval`](crate::Interval) does not, and looks at all classes together. Exact proportions
    /// give `Kl`.
    ///
    /// A class of unknown share and standard errors are refused.
    ///
    /// Source: \[asanomi:23\].
    Ci,
}

impl Loss {
    /// The loss of each bag and its gradient by the logits, as [`BagLoss::forward`] and a backward pass compute them on a
    /// CPU, bit for bit, for callers without candle.
    ///
    /// `logits` and `gradient` are `[instance, class]`, `loss` is `[bag]`.
    ///
    /// # Errors
    /// Slices whose lengths disagree with `targets`, and those of the loss.
    ///
    /// ```
    /// use llp_loss::{BagTargets, Kl};
    /// use llp_ot::Proportions;
    ///
    /// let targets = BagTargets::new(vec![2], &[Proportions::new(vec![0.5, 0.5])?])?;
    /// let (mut loss, mut gradient) = ([0.0_f64], [0.0; 4]);
    /// Kl.evaluate(&[0.0, 1.0, 1.0, 0.0], &targets, &mut loss, &mut gradient)?;
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
        let (n_bags, n_instances, n_classes) = (targets.n_bags(), targets.n_instances(), targets.n_classes());
        if logits.len() != n_instances * n_classes {
            return Err(LossError::logits_shape(&[logits.len()], [n_instances, n_classes]));
        }
        if gradient.len() != logits.len() || loss.len() != n_bags {
            let got = [loss.len(), gradient.len()];
            return Err(LossError::Input(format!(
                "losses and gradient have {got:?} entries, expected {n_bags} and {n_instances} x {n_classes}"
            )));
        }
        gradient.fill(T::ZERO);
        self.check(targets)?;
        self.compute(logits, targets, loss, gradient)
    }

    /// Whether the loss has a meaning where the shares of some classes are unknown.
    pub fn takes_unknown_shares(self) -> bool {
        matches!(self, Self::Kl | Self::L1 | Self::L2 | Self::Interval | Self::Marginal)
    }

    /// Whether bounds or standard errors of proportions change it.
    pub fn uses_errors(self) -> bool {
        matches!(self, Self::Interval | Self::Marginal | Self::Ci)
    }

    /// Whether the loss of a bag depends on the predictions for others, so that only sums and means over a batch have a
    /// gradient.
    pub fn couples_bags(self) -> bool {
        self == Self::Dsq
    }

    /// Whether a bag that is alone in its batch says nothing, or next to nothing, of its proportions.
    pub fn compares_bags(self) -> bool {
        matches!(self, Self::Llpfc | Self::Gupm)
    }

    /// Refuses what the loss has no answer for.
    fn check(self, targets: &BagTargets) -> Result<(), LossError> {
        if !self.takes_unknown_shares() {
            refuse_unknown(self.name(), targets)?;
        }
        match self {
            Self::Interval | Self::Ci => interval::check_bounds(self.name(), targets),
            Self::Moments { order } => moments::check(order, targets.n_classes()),
            _ => Ok(()),
        }
    }

    /// The kernel that computes the loss on a GPU, if there is one.
    fn kernel(self) -> Option<BagKernel> {
        match self {
            Self::Kl => Some(BagKernel::Kl),
            Self::AvgKl => Some(BagKernel::AvgKl),
            Self::Rot { config } => rot::by_sweeps(&config),
            _ => None,
        }
    }

    /// The loss on slices of the right lengths, for bags that were checked; `gradient` is zero before.
    pub(crate) fn compute<T: Real>(
        self,
        logits: &[T],
        targets: &BagTargets,
        loss: &mut [T],
        gradient: &mut [T],
    ) -> Result<(), LossError> {
        let of_bag: OfBag<'_> = match self {
            Self::Kl => Box::new(kl::of_bag),
            Self::AvgKl => Box::new(avg_kl::of_bag),
            Self::Interval => Box::new(interval::of_bag),
            Self::Ci => Box::new(ci::of_bag),
            Self::Marginal => Box::new(marginal::of_bag),
            Self::Multinomial => Box::new(multinomial::of_bag),
            Self::L1 => Box::new(|l: &[f64], bag: Bag<'_>, g: &mut [f64]| {
                proportion::of_bag(Divergence::L1, l, bag, g)
            }),
            Self::L2 => Box::new(|l: &[f64], bag: Bag<'_>, g: &mut [f64]| {
                proportion::of_bag(Divergence::SquaredL2, l, bag, g)
            }),
            Self::EasyLlp => {
                let prior = targets.prior();
                Box::new(move |l: &[f64], bag: Bag<'_>, g: &mut [f64]| unbiased::easyllp(l, bag, prior, g))
            }
            Self::Gupm => {
                let offsets = unbiased::gupm_offsets(targets);
                Box::new(move |l: &[f64], bag: Bag<'_>, g: &mut [f64]| unbiased::gupm(l, bag, &offsets, g))
            }
            Self::Dsq => {
                let wide: Vec<f64> = logits.iter().map(|value| value.to_f64()).collect();
                let mean = BatchMean::new(&wide, targets);
                Box::new(move |l: &[f64], bag: Bag<'_>, g: &mut [f64]| mean.of_bag(l, bag, g))
            }
            Self::Llpfc => {
                let logs = llpfc::log_transitions(targets);
                Box::new(move |l: &[f64], bag: Bag<'_>, g: &mut [f64]| llpfc::of_bag(l, bag, &logs, g))
            }
            Self::Moments { order } => {
                let states = StatesOfMoments::new(order, targets.n_classes());
                Box::new(move |l: &[f64], bag: Bag<'_>, g: &mut [f64]| states.of_bag(l, bag, g))
            }
            Self::Saddlepoint | Self::Gaussian => {
                let likelihood = if self == Self::Gaussian {
                    CountLikelihood::Gaussian
                } else {
                    CountLikelihood::Saddlepoint
                };
                return count_likelihood::per_instance(likelihood, logits, targets, loss, gradient);
            }
            Self::Rot { config } => {
                as_batch(logits, targets, |batch| rot_loss_and_gradient(batch, &config, loss, gradient))?;
                return Ok(());
            }
        };
        each_bag(of_bag, logits, targets, loss, gradient);
        Ok(())
    }
}

impl BagLoss for Loss {
    fn name(&self) -> &'static str {
        match self {
            Self::Kl => "kl",
            Self::Rot { .. } => "rot",
            Self::AvgKl => "avg-kl",
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Interval => "interval",
            Self::Marginal => "marginal",
            Self::Saddlepoint => "saddlepoint",
            Self::Gaussian => "gaussian",
            Self::Multinomial => "multinomial",
            Self::Moments { .. } => "moments",
            Self::EasyLlp => "easyllp",
            Self::Gupm => "gupm",
            Self::Dsq => "dsq",
            Self::Llpfc => "llpfc",
            Self::Ci => "ci",
        }
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        targets.check(logits)?;
        self.check(targets)?;
        if let Some(kernel) = self.kernel()
            && let Some(loss) = on_gpu(kernel, logits, targets)?
        {
            return Ok(loss);
        }
        apply(*self, logits, targets)
    }
}

//! A linear softmax model under the KL loss of bags, to the optimum.

use llp_ot::Real;

use crate::columns::Columns;
use crate::diagnose::BagWeight;
use crate::error::{at_least, check_length};
use crate::objective::Objective;
use crate::pass::{Loss, Pass};
use crate::{Bags, ClassicError, Fit, LinearModel, MeanMapConfig, Stopping, lbfgs, mean_map};

/// Settings of [`linear_kl`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearKlConfig {
    /// Weight of `|weights|^2 / 2` against the mean loss of a bag.
    pub l2: f64,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// How much each bag counts in the loss.
    pub bag_weight: BagWeight,
    /// When the solver stops.
    pub stopping: Stopping,
}

impl Default for LinearKlConfig {
    /// `l2 = 1e-3`, standardized, bags count the same, as in the trainer.
    fn default() -> Self {
        Self { l2: 1e-3, standardize: true, bag_weight: BagWeight::Equal, stopping: Stopping::default() }
    }
}

/// Trains a softmax model on all bags at once, starting from [`mean_map`], or from 0 where bags are too alike.
///
/// ```text
/// min over W, b:  sum_b v_b KL(z_b | 1/n_b sum_i softmax(W x_i + b)) + l2/2 |W|^2,    sum_b v_b = 1
/// ```
///
/// This is the KL loss of \[dulac-arnold:19\] section 3.1, first used by \[ardehaly:17\], on a linear network. One
/// evaluation is one pass over the rows (two over bags of more than 1,024 instances).
///
/// The loss is convex in the probabilities but *not* in the weights, unless every bag is pure or has one
/// instance: a logarithm of sums of softmax is no concave function. The answer is a stationary point, and
/// the start matters; MeanMap's is a good one where bags differ.
///
/// It fails where bags are few and columns are many: the shares are then met by models that have nothing
/// to do with the classes. A stronger penalty helps; [`choose_l2`](crate::choose_l2) finds one by held-out
/// bags.
///
/// # Errors
/// Settings outside their range.
///
/// ```
/// use llp_classic::{Bags, LinearKlConfig, linear_kl};
/// use llp_ot::Proportions;
///
/// let features = [1.0_f32, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = linear_kl(&bags, &LinearKlConfig::default())?;
/// assert!(fit.converged);
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn linear_kl<T: Real>(bags: &Bags<'_, T>, config: &LinearKlConfig) -> Result<Fit, ClassicError> {
    check(config)?;
    let start = MeanMapConfig { standardize: config.standardize, ..MeanMapConfig::default() };
    let start = match mean_map(bags, &start) {
        Ok(fit) => fit.model,
        Err(_) => LinearModel::zero(bags.n_classes(), bags.n_columns()),
    };
    linear_kl_from(bags, config, &start)
}

/// [`linear_kl`] from a model to start with.
///
/// # Errors
/// Settings outside their range; a model of another shape.
pub fn linear_kl_from<T: Real>(
    bags: &Bags<'_, T>,
    config: &LinearKlConfig,
    start: &LinearModel,
) -> Result<Fit, ClassicError> {
    check(config)?;
    check_model(bags, start)?;
    let weights = config.bag_weight.of(bags);
    let columns = Columns::standardizing(config.standardize, bags);
    let objective = Objective::new(bags, columns, Loss::BagKl(&weights), config.l2);
    Ok(objective.fit(objective.parameters(start), &config.stopping))
}

/// The KL loss of bags under a model, without penalty: what held-out bags are judged by.
///
/// # Errors
/// A model of another shape.
pub fn bag_kl<T: Real>(
    bags: &Bags<'_, T>,
    model: &LinearModel,
    bag_weight: BagWeight,
) -> Result<f64, ClassicError> {
    check_model(bags, model)?;
    let weights = bag_weight.of(bags);
    Ok(Pass::new(bags).evaluate(&model.weights, &model.bias, &Loss::BagKl(&weights)).value)
}

fn check(config: &LinearKlConfig) -> Result<(), ClassicError> {
    at_least("l2", config.l2, 0.0, "a finite number of at least 0")?;
    lbfgs::check(&config.stopping)
}

pub(crate) fn check_model<T: Real>(bags: &Bags<'_, T>, model: &LinearModel) -> Result<(), ClassicError> {
    let (k, d) = (bags.n_classes(), bags.n_columns());
    check_length("bias", model.bias.len(), k, "[class]")?;
    check_length("weights", model.weights.len(), k * d, "[class, column]")
}

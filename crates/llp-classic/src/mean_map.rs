//! MeanMap: class means from bag means, then logistic regression.

use llp_ot::Real;

use crate::columns::Columns;
use crate::diagnose::{BagWeight, MixingMatrix};
use crate::error::at_least;
use crate::objective::Objective;
use crate::pass::{Loss, Pass};
use crate::{Bags, ClassicError, Fit, Stopping, lbfgs};

/// Settings of [`mean_map`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanMapConfig {
    /// Weight of `|weights|^2 / 2` against the mean loss of an instance.
    pub l2: f64,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// How much each bag counts in the estimate of the class means.
    pub bag_weight: BagWeight,
    /// When the solver stops.
    pub stopping: Stopping,
}

impl Default for MeanMapConfig {
    /// `l2 = 0.1`, standardized, bags count by their size.
    fn default() -> Self {
        Self { l2: 0.1, standardize: true, bag_weight: BagWeight::Instances, stopping: Stopping::default() }
    }
}

/// Trains a softmax model from estimated class means.
///
/// If instances of a class look alike in every bag, the mean of bag `b` is `sum_k z_bk mu_k`. Least squares
/// over the bags give the class means `mu`, and these are all that logistic regression needs of the labels:
///
/// ```text
/// min over W, b:  1/n sum_i log sum_k exp(w_k x_i + b_k) - sum_k p_k (w_k mu_k + b_k) + l2/2 |W|^2
/// ```
///
/// with `p` the class shares of all instances. The problem is convex. With bags of one instance it is
/// logistic regression. Source: \[quadrianto:09\], which weighs bags equally ([`BagWeight::Equal`]) and
/// penalizes the sum over instances by `lambda |theta|^2`: `l2 = 2 lambda / n`.
///
/// It fails where bags are alike: an error of a bag's mean reaches the class means multiplied by up to
/// [`Diagnosis::amplification`](crate::Diagnosis::amplification). It is biased where a class looks different
/// from bag to bag.
///
/// # Errors
/// Settings outside their range; [`ClassicError::BagsAlike`].
///
/// ```
/// use llp_classic::{Bags, MeanMapConfig, mean_map};
/// use llp_ot::Proportions;
///
/// // Small numbers are of the first class: no label says so, but the shares do.
/// let features = [1.0, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = mean_map(&bags, &MeanMapConfig::default())?;
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mean_map<T: Real>(bags: &Bags<'_, T>, config: &MeanMapConfig) -> Result<Fit, ClassicError> {
    at_least("l2", config.l2, 0.0, "a finite number of at least 0")?;
    lbfgs::check(&config.stopping)?;
    let coefficients = MixingMatrix::of(bags, config.bag_weight).class_coefficients("mean_map")?;
    let columns = Columns::standardizing(config.standardize, bags);
    let shares = bags.class_shares();
    let means = class_means(bags, &columns, &coefficients);
    let operator = mean_operator(&shares, &means);
    let start = vec![0.0; operator.len()];
    Ok(with_mean_operator(bags, columns, operator, config.l2).fit(start, &config.stopping))
}

/// Combinations of bag means, `coefficients` `[bag, class]`, of standardized columns, as `[class, column]`.
///
/// One pass over rows; bag means are never stored.
fn class_means<T: Real>(bags: &Bags<'_, T>, columns: &Columns, coefficients: &[f64]) -> Vec<f64> {
    let (k, d) = (bags.n_classes(), bags.n_columns());
    let per_row: Vec<f64> = coefficients
        .chunks_exact(k)
        .enumerate()
        .flat_map(|(bag, row)| row.iter().map(move |c| c / bags.instances(bag).len() as f64))
        .collect();
    let sums = Pass::new(bags).evaluate(&vec![0.0; k * d], &vec![0.0; k], &Loss::Linear(&per_row));
    let mut means = sums.weights;
    for (mean, mass) in means.chunks_exact_mut(d).zip(&sums.bias) {
        for ((mean, shift), scale) in mean.iter_mut().zip(&columns.mean).zip(&columns.scale) {
            *mean = (*mean - shift * mass) * scale;
        }
    }
    means
}

/// `p_k (mu_k, 1)` for each class: `[class, column + 1]`.
pub(crate) fn mean_operator(shares: &[f64], means: &[f64]) -> Vec<f64> {
    let rows = shares.iter().zip(means.chunks_exact(means.len() / shares.len()));
    rows.flat_map(|(&p, mean)| mean.iter().copied().chain([1.0]).map(move |x| p * x)).collect()
}

/// Logistic regression whose labels are known through a mean operator alone.
pub(crate) fn with_mean_operator<'a, T: Real>(
    bags: &'a Bags<'a, T>,
    columns: Columns,
    operator: Vec<f64>,
    l2: f64,
) -> Objective<'a, T> {
    let mut objective = Objective::new(bags, columns, Loss::LogSumExp, l2);
    objective.mean_operator = operator;
    objective
}

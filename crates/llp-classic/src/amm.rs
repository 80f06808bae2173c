//! AMM: alternate between labels that fit the counts and logistic regression on them.

use llp_ot::Real;

use crate::columns::Columns;
use crate::error::positive;
use crate::labels::{best_labels, one_hot};
use crate::objective::Objective;
use crate::pass::Loss;
use crate::{Bags, ClassicError, Fit, LinearModel, LmmConfig, lmm};

/// Settings of [`amm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AmmConfig {
    /// The start, and the penalty and scaling of every step.
    pub lmm: LmmConfig,
    /// Largest decrease of the objective, relative, at which the alternation stops.
    pub tolerance: f64,
    /// Most alternations.
    pub max_rounds: usize,
}

impl Default for AmmConfig {
    /// From the default [`lmm`], to a decrease of 1e-3 within 30 rounds.
    fn default() -> Self {
        Self { lmm: LmmConfig::default(), tolerance: 1e-3, max_rounds: 30 }
    }
}

/// Trains a softmax model by alternating with labels, from [`lmm`].
///
/// Each round gives every bag the labels of largest total score among those with its counts, and fits
/// logistic regression to them:
///
/// ```text
/// min over labels with the bags' counts, W, b:  1/n sum_i (log sum_k exp(w_k x_i + b_k) - w_yi x_i - b_yi) + l2/2 |W|^2
/// ```
///
/// Both steps lower this value, so the rounds end. Source: the variant `min` of \[patrini:14\]; labels for more
/// than two classes by [`llp_ot::assign`]. Shares that are no counts are rounded to the nearest ones.
///
/// It fails where its start does, and it believes in its labels: where classes overlap, the model becomes
/// more certain than it should be. Ends in a local minimum.
///
/// # Errors
/// Settings outside their range; [`ClassicError::BagsAlike`], from the start: [`amm_from`] takes another.
///
/// ```
/// use llp_classic::{AmmConfig, Bags, amm};
/// use llp_ot::Proportions;
///
/// let features = [1.0, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = amm(&bags, &AmmConfig::default())?;
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn amm<T: Real>(bags: &Bags<'_, T>, config: &AmmConfig) -> Result<Fit, ClassicError> {
    check(config)?;
    amm_from(bags, config, &lmm(bags, &config.lmm)?.model)
}

/// [`amm`] from another model; [`Fit::converged`] says whether the labels came to rest.
///
/// # Errors
/// Settings outside their range; a model of another shape.
pub fn amm_from<T: Real>(
    bags: &Bags<'_, T>,
    config: &AmmConfig,
    start: &LinearModel,
) -> Result<Fit, ClassicError> {
    check(config)?;
    crate::kl::check_model(bags, start)?;
    let columns = Columns::standardizing(config.lmm.standardize, bags);
    let mut labels = best_labels(bags, start);
    let mut fit = fit_labels(bags, &columns, config, &labels, start);
    let mut n_evaluations = fit.n_evaluations;
    fit.converged = false;
    for _ in 1..config.max_rounds {
        let next = best_labels(bags, &fit.model);
        if next == labels {
            fit.converged = true;
            break;
        }
        labels = next;
        let better = fit_labels(bags, &columns, config, &labels, &fit.model);
        n_evaluations += better.n_evaluations;
        let decrease = fit.objective - better.objective;
        let converged = decrease <= config.tolerance * fit.objective.abs();
        fit = Fit { converged, ..better };
        if converged {
            break;
        }
    }
    Ok(Fit { n_evaluations, ..fit })
}

fn check(config: &AmmConfig) -> Result<(), ClassicError> {
    crate::laplacian::check(&config.lmm)?;
    positive("tolerance", config.tolerance)
}

fn fit_labels<T: Real>(
    bags: &Bags<'_, T>,
    columns: &Columns,
    config: &AmmConfig,
    labels: &[usize],
    start: &LinearModel,
) -> Fit {
    let targets = one_hot(labels, bags.n_classes());
    let objective = Objective::new(bags, columns.clone(), Loss::Targets(&targets), config.lmm.l2);
    objective.fit(objective.parameters(start), &config.lmm.stopping)
}

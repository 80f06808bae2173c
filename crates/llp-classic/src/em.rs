//! EM for linear softmax: soft labels given the counts of each bag, then logistic regression.

use llp_ot::Real;

use crate::columns::Columns;
use crate::error::{at_least, positive};
use crate::kl::check_model;
use crate::objective::Objective;
use crate::parallel::map;
use crate::pass::Loss;
use crate::posterior::{exact, multinomial, n_states};
use crate::softmax::softmax;
use crate::{Bags, ClassicError, Fit, LinearKlConfig, LinearModel, Stopping, lbfgs, linear_kl};

/// Settings of [`em`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmConfig {
    /// Weight of `|weights|^2 / 2` against the mean loss of an instance.
    pub l2: f64,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// Bags with at most this product of `count + 1` get exact responsibilities, larger ones the multinomial
    /// approximation.
    pub max_states: usize,
    /// Largest change of a responsibility at which the rounds stop.
    pub tolerance: f64,
    /// Most rounds.
    pub max_rounds: usize,
    /// When the solver of a round stops.
    pub stopping: Stopping,
}

impl Default for EmConfig {
    /// `l2 = 1e-3`, standardized, 4,096 states, to a change of 1e-3 within 200 rounds of at most 20 passes.
    fn default() -> Self {
        Self {
            l2: 1e-3,
            standardize: true,
            max_states: 4096,
            tolerance: 1e-3,
            max_rounds: 200,
            stopping: Stopping { gradient: 1e-6, max_evaluations: 20 },
        }
    }
}

/// Trains a softmax model by maximum likelihood of the counts, from the default [`linear_kl`].
///
/// The likelihood of a bag is the probability that independent labels have its counts. Each round computes
/// the posterior of every label given these counts, and fits logistic regression to it:
///
/// ```text
/// max over W, b:  1/n sum_b log P(counts of bag b | softmax(W x_i + b), i in b) - l2/2 |W|^2
/// ```
///
/// Exact for bags of few instances, \[sun:17\], \[dempster:77\]; beyond [`EmConfig::max_states`] the counts of the
/// others are taken as multinomial: `q_ik` proportional to `p_ik c_k / (sum_j p_jk - p_ik)`, which is fast and no
/// longer raises the likelihood for certain. The KL loss compares counts with their mean alone; the
/// likelihood also knows that sure labels have no noise, which tells most in small bags.
///
/// It fails where bags are large and probabilities overlap, by slow rounds; it ends in a local maximum, near
/// its start. Memory is two numbers for each instance and class besides the data. [`Fit::objective`] is the
/// value of the last round's regression.
///
/// # Errors
/// Settings outside their range.
///
/// ```
/// use llp_classic::{Bags, EmConfig, em};
/// use llp_ot::Proportions;
///
/// let features = [1.0, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = em(&bags, &EmConfig::default())?;
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn em<T: Real>(bags: &Bags<'_, T>, config: &EmConfig) -> Result<Fit, ClassicError> {
    check(config)?;
    let start = LinearKlConfig { standardize: config.standardize, ..LinearKlConfig::default() };
    em_from(bags, config, &linear_kl(bags, &start)?.model)
}

/// [`em`] from another model; [`Fit::converged`] says whether responsibilities came to rest.
///
/// # Errors
/// Settings outside their range; a model of another shape.
pub fn em_from<T: Real>(
    bags: &Bags<'_, T>,
    config: &EmConfig,
    start: &LinearModel,
) -> Result<Fit, ClassicError> {
    check(config)?;
    check_model(bags, start)?;
    let columns = Columns::standardizing(config.standardize, bags);
    let mut q = responsibilities(bags, start, config.max_states);
    let mut fit = fit_targets(bags, &columns, config, &q, start);
    let mut n_evaluations = fit.n_evaluations;
    fit.converged = false;
    for _ in 1..config.max_rounds {
        let next = responsibilities(bags, &fit.model, config.max_states);
        let change = next.iter().zip(&q).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        if change <= config.tolerance {
            fit.converged = true;
            break;
        }
        q = next;
        fit = Fit { converged: false, ..fit_targets(bags, &columns, config, &q, &fit.model) };
        n_evaluations += fit.n_evaluations;
    }
    Ok(Fit { n_evaluations, ..fit })
}

/// The mean over instances of the log-likelihood of the counts of all bags under a model, exactly; minus
/// infinity if some counts cannot be.
///
/// Takes `n` times the product of `count + 1` operations for a bag.
///
/// # Errors
/// A model of another shape.
pub fn count_log_likelihood<T: Real>(bags: &Bags<'_, T>, model: &LinearModel) -> Result<f64, ClassicError> {
    check_model(bags, model)?;
    let of_bag = |bag: usize| {
        let p = probabilities(bags, bag, model);
        exact(&p, &bags.counts(bag)).map_or(f64::NEG_INFINITY, |(_, likelihood)| likelihood)
    };
    Ok(map(bags.n_bags(), of_bag).into_iter().sum::<f64>() / bags.n_instances() as f64)
}

fn check(config: &EmConfig) -> Result<(), ClassicError> {
    at_least("l2", config.l2, 0.0, "a finite number of at least 0")?;
    positive("tolerance", config.tolerance)?;
    lbfgs::check(&config.stopping)
}

fn probabilities<T: Real>(bags: &Bags<'_, T>, bag: usize, model: &LinearModel) -> Vec<f64> {
    let k = bags.n_classes();
    let instances = bags.instances(bag);
    let mut p = vec![0.0; instances.len() * k];
    for (row, &instance) in p.chunks_exact_mut(k).zip(instances) {
        model.score_row(bags.row(instance), row);
        softmax(row);
        // No label is impossible, so all counts are possible.
        for p in row.iter_mut() {
            *p = p.max(1e-30);
        }
    }
    p
}

/// Posteriors of the labels, `[position, class]`.
fn responsibilities<T: Real>(bags: &Bags<'_, T>, model: &LinearModel, max_states: usize) -> Vec<f64> {
    let of_bag = |bag: usize| {
        let (p, counts) = (probabilities(bags, bag, model), bags.counts(bag));
        let found = (n_states(&counts) <= max_states).then(|| exact(&p, &counts)).flatten();
        found.map_or_else(|| multinomial(&p, &counts), |(q, _)| q)
    };
    map(bags.n_bags(), of_bag).into_iter().flatten().collect()
}

fn fit_targets<T: Real>(
    bags: &Bags<'_, T>,
    columns: &Columns,
    config: &EmConfig,
    targets: &[f64],
    start: &LinearModel,
) -> Fit {
    let objective = Objective::new(bags, columns.clone(), Loss::Targets(targets), config.l2);
    objective.fit(objective.parameters(start), &config.stopping)
}

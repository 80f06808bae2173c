//! InvCal: support vector regression from bag means to the logits of the proportions.

use llp_ot::Real;

use crate::columns::{Columns, bag_means};
use crate::error::{at_least, positive};
use crate::kernels::dot;
use crate::smo::{Machine, Products, Variable, solve};
use crate::{Bags, ClassicError, Fit, LinearModel};

/// Settings of [`inv_cal`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InvCalConfig {
    /// Weight of a bag's error against `|weights|^2 / 2`.
    pub c: f64,
    /// Half-width of the tube around a share, in units of the share: `epsilon / (p (1 - p))` in logits.
    pub epsilon: f64,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// Largest violation of the optimality conditions, in logits.
    pub tolerance: f64,
    /// Most steps of the solver, for each class.
    pub max_iterations: usize,
}

impl Default for InvCalConfig {
    /// `c = 1`, `epsilon = 0.01`, standardized, to a violation of 1e-6 within a million steps.
    fn default() -> Self {
        Self { c: 1.0, epsilon: 0.01, standardize: true, tolerance: 1e-6, max_iterations: 1_000_000 }
    }
}

/// Trains one inverse calibration for each class, against the rest; for two classes one for both.
///
/// A bag is represented by the mean `m_b` of its instances, its target is the logit of its share `p_b`:
///
/// ```text
/// min over w, b:  1/2 |w|^2 + c sum_b max(0, |w m_b + b - logit(p_b)| - epsilon / (p_b (1 - p_b)))
/// ```
///
/// with `p_b` clipped to `[1/n, 1 - 1/n]`, `n` the number of all instances. Source: \[rueping:10\]; the tube's width
/// as in \[yu:13\]. The dual is solved by sequential minimal optimization; with bags of one instance it is
/// regression on clipped labels. For more than two classes [`Fit::objective`] is the sum over classes.
///
/// It fails where bags are large: their means are alike, whatever their shares, and a mean stands for none of
/// its instances. It is at its best with small bags, and needs no more memory than the bag means.
///
/// # Errors
/// Settings outside their range.
///
/// ```
/// use llp_classic::{Bags, InvCalConfig, inv_cal};
/// use llp_ot::Proportions;
///
/// let features = [1.0_f32, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = inv_cal(&bags, &InvCalConfig::default())?;
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn inv_cal<T: Real>(bags: &Bags<'_, T>, config: &InvCalConfig) -> Result<Fit, ClassicError> {
    positive("c", config.c)?;
    at_least("epsilon", config.epsilon, 0.0, "a finite number of at least 0")?;
    positive("tolerance", config.tolerance)?;
    let (k, d) = (bags.n_classes(), bags.n_columns());
    let columns = Columns::standardizing(config.standardize, bags);
    let means = bag_means(bags, &columns);
    let mut products = Products::new(&means, d);
    let mut standard = LinearModel::zero(k, d);
    let mut fit = Fit {
        model: LinearModel::zero(k, d),
        objective: 0.0,
        gradient_norm: 0.0,
        n_evaluations: 0,
        converged: true,
    };
    for class in if k == 2 { 1..2 } else { 0..k } {
        let targets = targets(bags, class, config.epsilon);
        let machine =
            solve(&mut products, &variables(&targets, config.c), config.tolerance, config.max_iterations);
        fit.objective += objective(&machine, &means, &targets, config.c);
        fit.gradient_norm = fit.gradient_norm.max(machine.violation);
        fit.n_evaluations += machine.n_iterations;
        fit.converged &= machine.violation <= config.tolerance;
        put(&mut standard, class, &machine);
    }
    fit.model = columns.raw_model(&standard.weights, &standard.bias);
    Ok(fit)
}

/// Makes a machine the scores of its class; of two classes, which share one machine, half for one and half
/// against the other.
pub(crate) fn put(model: &mut LinearModel, class: usize, machine: &Machine) {
    let d = machine.weights.len();
    let is_shared = model.bias.len() == 2;
    let factors = if is_shared { vec![(1, 0.5), (0, -0.5)] } else { vec![(class, 1.0)] };
    for (class, factor) in factors {
        let weights = &mut model.weights[class * d..(class + 1) * d];
        weights.iter_mut().zip(&machine.weights).for_each(|(to, from)| *to = factor * from);
        model.bias[class] = factor * machine.bias;
    }
}

/// The logit of each bag's share of a class, and the half-width of the tube around it.
fn targets<T: Real>(bags: &Bags<'_, T>, class: usize, epsilon: f64) -> Vec<(f64, f64)> {
    let least = 1.0 / (bags.n_instances() as f64).max(2.0);
    let target = |bag| {
        let p = bags.proportions(bag)[class].clamp(least, 1.0 - least);
        ((p / (1.0 - p)).ln(), epsilon / (p * (1.0 - p)))
    };
    (0..bags.n_bags()).map(target).collect()
}

/// Two variables for each bag: the function is too low, or too high.
fn variables(targets: &[(f64, f64)], c: f64) -> Vec<Variable> {
    let of_sign = |sign: f64| {
        targets.iter().enumerate().map(move |(point, &(target, width))| Variable {
            point,
            sign,
            linear: width - sign * target,
            upper: c,
        })
    };
    of_sign(1.0).chain(of_sign(-1.0)).collect()
}

fn objective(machine: &Machine, means: &[f64], targets: &[(f64, f64)], c: f64) -> f64 {
    let error = |(mean, &(target, width)): (&[f64], &(f64, f64))| {
        ((dot(mean, &machine.weights) + machine.bias - target).abs() - width).max(0.0)
    };
    let errors: f64 = means.chunks_exact(machine.weights.len()).zip(targets).map(error).sum();
    0.5 * dot(&machine.weights, &machine.weights) + c * errors
}

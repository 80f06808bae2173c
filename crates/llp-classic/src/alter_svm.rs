//! alter-pSVM: alternate between a support vector machine and the labels of each bag.

use llp_ot::Real;

use crate::columns::Columns;
use crate::error::{at_least, positive};
use crate::inv_cal::put;
use crate::kernels::dot;
use crate::kl::check_model;
use crate::labels::best_labels;
use crate::smo::{Machine, Products, Variable, solve};
use crate::{Bags, ClassicError, Fit, LinearKlConfig, LinearModel, linear_kl};

/// Settings of [`alter_svm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlterSvmConfig {
    /// Weight of an instance's hinge loss against `|weights|^2 / 2`.
    pub c: f64,
    /// Weight of each instance by which a bag's count is off.
    pub c_counts: f64,
    /// Share of `c` that the first machine is trained with.
    pub first: f64,
    /// Factor by which that grows.
    pub growth: f64,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// Largest relative decrease of the objective at which a weight is done with.
    pub tolerance: f64,
    /// Most machines at one weight.
    pub max_rounds: usize,
    /// Largest violation of a machine's optimality conditions.
    pub violation: f64,
    /// Most steps of the solver of a machine.
    pub max_iterations: usize,
}

impl Default for AlterSvmConfig {
    /// `c = 0.1`, `c_counts = 1`, from `1e-5 c` by factors of 1.5, standardized.
    fn default() -> Self {
        Self {
            c: 0.1,
            c_counts: 1.0,
            first: 1e-5,
            growth: 1.5,
            standardize: true,
            tolerance: 1e-4,
            max_rounds: 50,
            violation: 1e-3,
            max_iterations: 1_000_000,
        }
    }
}

/// Trains support vector machines, one for each class against the rest, whose labels are part of the problem.
///
/// ```text
/// min over y in {-1, 1}^n, w, b:  1/2 |w|^2 + c sum_i max(0, 1 - y_i (w x_i + b)) + c_counts sum_b |n_b(y) - n_b p_b|
/// ```
///
/// `n_b(y)` counts the positive labels of bag `b`. Rounds alternate between the machine and the labels, which
/// sorting the instances of each bag gives exactly; `c` starts small and grows, so that early labels do not
/// bind. Source: \[yu:13\], Algorithm 1, which starts ten times from random labels; here the start is one, the
/// labels of the default [`linear_kl`], and [`alter_svm_from`] takes others.
///
/// It fails where bags are many and large: a local minimum near the start is all that it finds, and each of
/// dozens of rounds trains a machine on all instances, in time that grows faster than their number. It
/// copies the features once in double precision.
///
/// [`Fit::n_evaluations`] counts machines.
///
/// # Errors
/// Settings outside their range.
///
/// ```
/// use llp_classic::{AlterSvmConfig, Bags, alter_svm};
/// use llp_ot::Proportions;
///
/// let features = [1.0, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = alter_svm(&bags, &AlterSvmConfig::default())?;
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn alter_svm<T: Real>(bags: &Bags<'_, T>, config: &AlterSvmConfig) -> Result<Fit, ClassicError> {
    check(config)?;
    let start = LinearKlConfig { standardize: config.standardize, ..LinearKlConfig::default() };
    alter_svm_from(bags, config, &linear_kl(bags, &start)?.model)
}

/// [`alter_svm`] from the labels of another model: of largest total score, with the counts of each bag.
///
/// # Errors
/// Settings outside their range; a model of another shape.
pub fn alter_svm_from<T: Real>(
    bags: &Bags<'_, T>,
    config: &AlterSvmConfig,
    start: &LinearModel,
) -> Result<Fit, ClassicError> {
    check(config)?;
    check_model(bags, start)?;
    let (k, d) = (bags.n_classes(), bags.n_columns());
    let columns = Columns::standardizing(config.standardize, bags);
    let mut points = vec![0.0; bags.n_instances() * d];
    for (point, &instance) in points.chunks_exact_mut(d).zip(bags.order()) {
        columns.apply(bags.row(instance), point);
    }
    let labels = best_labels(bags, start);
    let mut alternation = Alternation { bags, config, points: &points, products: Products::new(&points, d) };
    let mut standard = LinearModel::zero(k, d);
    let (mut objective, mut n_evaluations, mut converged) = (0.0, 0, true);
    let mut gradient_norm = 0.0_f64;
    for class in if k == 2 { 1..2 } else { 0..k } {
        let signs = labels.iter().map(|&label| if label == class { 1.0 } else { -1.0 }).collect();
        let end = alternation.run(class, signs);
        put(&mut standard, class, &end.machine);
        objective += end.objective;
        n_evaluations += end.n_machines;
        converged &= end.converged;
        gradient_norm = gradient_norm.max(end.machine.violation);
    }
    let model = columns.raw_model(&standard.weights, &standard.bias);
    Ok(Fit { model, objective, gradient_norm, n_evaluations, converged })
}

fn check(config: &AlterSvmConfig) -> Result<(), ClassicError> {
    positive("c", config.c)?;
    at_least("c_counts", config.c_counts, 0.0, "a finite number of at least 0")?;
    positive("first", config.first)?;
    at_least("growth", config.growth, 1.01, "a finite number of at least 1.01")?;
    positive("tolerance", config.tolerance)?;
    positive("violation", config.violation)
}

/// Where the alternation of a class ended.
struct End {
    machine: Machine,
    objective: f64,
    n_machines: usize,
    converged: bool,
}

struct Alternation<'a, T> {
    bags: &'a Bags<'a, T>,
    config: &'a AlterSvmConfig,
    /// Standardized, in the order of the bags.
    points: &'a [f64],
    products: Products<'a>,
}

impl<T: Real> Alternation<'_, T> {
    fn run(&mut self, class: usize, mut signs: Vec<f64>) -> End {
        let mut c = (self.config.first * self.config.c).min(self.config.c);
        let mut n_machines = 0;
        loop {
            let mut last = f64::INFINITY;
            let mut converged = false;
            let mut round = 0;
            let machine = loop {
                let machine = self.machine(&signs, c);
                n_machines += 1;
                round += 1;
                let (next, objective) = self.labels(class, &machine, c);
                converged |= next == signs || last - objective <= self.config.tolerance * objective;
                signs = next;
                last = objective;
                if converged || round >= self.config.max_rounds {
                    break machine;
                }
            };
            if c >= self.config.c {
                converged &= machine.violation <= self.config.violation;
                return End { machine, objective: last, n_machines, converged };
            }
            c = (c * self.config.growth).min(self.config.c);
        }
    }

    fn machine(&mut self, signs: &[f64], c: f64) -> Machine {
        let variable = |(point, &sign)| Variable { point, sign, linear: -1.0, upper: c };
        let variables: Vec<Variable> = signs.iter().enumerate().map(variable).collect();
        solve(&mut self.products, &variables, self.config.violation, self.config.max_iterations)
    }

    /// The best labels of all bags for a machine, and the value of the objective with them.
    fn labels(&self, class: usize, machine: &Machine, c: f64) -> (Vec<f64>, f64) {
        let d = machine.weights.len();
        let score = |x: &[f64]| dot(x, &machine.weights) + machine.bias;
        let scores: Vec<f64> = self.points.chunks_exact(d).map(score).collect();
        let mut signs = vec![-1.0; scores.len()];
        let mut objective = 0.5 * dot(&machine.weights, &machine.weights);
        for bag in 0..self.bags.n_bags() {
            let rows = self.bags.starts()[bag]..self.bags.starts()[bag + 1];
            let positives = rows.len() as f64 * self.bags.proportions(bag)[class];
            objective +=
                label_bag(&scores[rows.clone()], positives, (c, self.config.c_counts), &mut signs[rows]);
        }
        (signs, objective)
    }
}

/// Makes the instances positive that lower the objective most, as many as its two parts agree on.
fn label_bag(scores: &[f64], positives: f64, (c, c_counts): (f64, f64), signs: &mut [f64]) -> f64 {
    let hinge = |sign: f64, score: f64| (1.0 - sign * score).max(0.0);
    let gain = |at: usize| hinge(-1.0, scores[at]) - hinge(1.0, scores[at]);
    let mut by_gain: Vec<usize> = (0..scores.len()).collect();
    by_gain.sort_by(|&a, &b| gain(b).total_cmp(&gain(a)).then(a.cmp(&b)));
    let mut hinges: f64 = scores.iter().map(|&score| hinge(-1.0, score)).sum();
    let mut best = (0, c * hinges + c_counts * positives);
    for (n, &at) in (1..).zip(&by_gain) {
        hinges -= gain(at);
        let value = c * hinges + c_counts * (f64::from(n) - positives).abs();
        if value < best.1 {
            best = (n, value);
        }
    }
    for &at in &by_gain[..best.0 as usize] {
        signs[at] = 1.0;
    }
    best.1
}

//! GICF: shares of bags, and probabilities that are smooth over instances that are near.

use llp_ot::Real;

use crate::columns::Columns;
use crate::error::{at_least, positive};
use crate::kernels::{add_scaled, dot};
use crate::kl::check_model;
use crate::lbfgs::{self, minimize};
use crate::parallel::map;
use crate::softmax::softmax;
use crate::{Bags, ClassicError, Fit, LinearKlConfig, LinearModel, Stopping, linear_kl};

/// Settings of [`gicf`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GicfConfig {
    /// Weight of the shares of bags against smoothness.
    pub lambda: f64,
    /// Squared distance, divided by the number of columns, over which similarity falls by a factor of e.
    pub width: f64,
    /// Weight of `|weights|^2 / 2`.
    pub l2: f64,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// Most instances: memory is four bytes for each pair.
    pub max_instances: usize,
    /// When the solver stops.
    pub stopping: Stopping,
}

impl Default for GicfConfig {
    /// `lambda = 10`, `width = 1`, `l2 = 1e-3`, standardized, up to 10,000 instances.
    fn default() -> Self {
        Self {
            lambda: 10.0,
            width: 1.0,
            l2: 1e-3,
            standardize: true,
            max_instances: 10_000,
            stopping: Stopping::default(),
        }
    }
}

/// Trains a softmax model whose probabilities are alike for instances that are near, and meet the shares of the bags.
///
/// ```text
/// min over W, b:  1/n^2 sum_ij s_ij |p_i - p_j|^2 + lambda / B sum_b |1/n_b sum_(i in b) p_i - z_b|^2 + l2/2 |W|^2
/// ```
///
/// with `p_i = softmax(W x_i + b)`, `B` the number of bags and `s_ij = exp(-|x_i - x_j|^2 / (width d))` over `d`
/// columns. Source: \[kotzias:15\], the group-instance cost function, for two classes, where one probability stands for
/// both: its value is half of this one without the penalty. Deviations: more than two classes; the width of the
/// similarity, 1 there on embeddings, grows with the number of columns; L-BFGS on all pairs takes the place of
/// stochastic gradients, so the number of instances is bounded; the start is the default [`linear_kl`].
///
/// It fails where near instances are of different classes, and where columns that mean nothing decide what is near.
/// The squared error of shares, unlike their KL, lets a class with small shares go. Ends in a local minimum.
///
/// # Errors
/// Settings outside their range; too many instances.
///
/// ```
/// use llp_classic::{Bags, GicfConfig, gicf};
/// use llp_ot::Proportions;
///
/// let features = [1.0, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = gicf(&bags, &GicfConfig::default())?;
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gicf<T: Real>(bags: &Bags<'_, T>, config: &GicfConfig) -> Result<Fit, ClassicError> {
    check(bags, config)?;
    let start = LinearKlConfig { standardize: config.standardize, ..LinearKlConfig::default() };
    gicf_from(bags, config, &linear_kl(bags, &start)?.model)
}

/// [`gicf`] from a model to start with.
///
/// # Errors
/// As [`gicf`]; a model of another shape.
pub fn gicf_from<T: Real>(
    bags: &Bags<'_, T>,
    config: &GicfConfig,
    start: &LinearModel,
) -> Result<Fit, ClassicError> {
    check(bags, config)?;
    check_model(bags, start)?;
    let (k, d) = (bags.n_classes(), bags.n_columns());
    let columns = Columns::standardizing(config.standardize, bags);
    let problem = Problem::new(bags, &columns, config);
    let standard = columns.standard_model(start);
    let first: Vec<f64> = standard.weights.iter().chain(&standard.bias).copied().collect();
    let minimum = minimize(|x, gradient| problem.evaluate(x, gradient), first, &config.stopping);
    Ok(Fit {
        model: columns.raw_model(&minimum.x[..k * d], &minimum.x[k * d..]),
        objective: minimum.value,
        gradient_norm: minimum.gradient_norm,
        n_evaluations: minimum.n_evaluations,
        converged: minimum.converged,
    })
}

fn check<T: Real>(bags: &Bags<'_, T>, config: &GicfConfig) -> Result<(), ClassicError> {
    positive("lambda", config.lambda)?;
    positive("width", config.width)?;
    at_least("l2", config.l2, 0.0, "a finite number of at least 0")?;
    lbfgs::check(&config.stopping)?;
    let (got, most) = (bags.n_instances(), config.max_instances);
    if got <= most {
        return Ok(());
    }
    Err(ClassicError::Input(format!(
        "gicf compares all pairs of {got} instances, expected at most {most}: raise max_instances, or train on fewer"
    )))
}

/// The problem in standardized coordinates; parameters are weights `[class, column]`, then the bias `[class]`.
struct Problem<'a, T> {
    bags: &'a Bags<'a, T>,
    config: &'a GicfConfig,
    /// `[position, column]`.
    points: Vec<f64>,
    /// `[position, position]`, 0 on the diagonal.
    similarity: Vec<f32>,
    /// Its sums, `[position]`.
    degree: Vec<f64>,
}

impl<'a, T: Real> Problem<'a, T> {
    fn new(bags: &'a Bags<'a, T>, columns: &Columns, config: &'a GicfConfig) -> Self {
        let (n, d) = (bags.n_instances(), bags.n_columns());
        let mut points = vec![0.0; n * d];
        for (point, &instance) in points.chunks_exact_mut(d).zip(bags.order()) {
            columns.apply(bags.row(instance), point);
        }
        let squares: Vec<f64> = points.chunks_exact(d).map(|point| dot(point, point)).collect();
        let width = config.width * d as f64;
        let row = |i: usize| -> Vec<f32> {
            let point = &points[i * d..(i + 1) * d];
            let near = |(j, other): (usize, &[f64])| {
                let distance = (squares[i] + squares[j] - 2.0 * dot(point, other)).max(0.0);
                if i == j { 0.0 } else { (-distance / width).exp() as f32 }
            };
            points.chunks_exact(d).enumerate().map(near).collect()
        };
        let similarity = map(n, row).concat();
        let degree = similarity.chunks_exact(n).map(|row| row.iter().map(|&s| f64::from(s)).sum()).collect();
        Self { bags, config, points, similarity, degree }
    }

    /// Value, and gradient into `gradient`.
    fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let (n, k, d) = (self.bags.n_instances(), self.bags.n_classes(), self.bags.n_columns());
        let (weights, bias) = parameters.split_at(k * d);
        let p = self.probabilities(weights, bias);
        let (mut value, mut slopes) = self.smoothness(&p);
        value += self.shares(&p, &mut slopes);
        gradient.fill(0.0);
        for i in 0..n {
            let (p, slope) = (&p[i * k..(i + 1) * k], &slopes[i * k..(i + 1) * k]);
            let mean: f64 = p.iter().zip(slope).map(|(p, slope)| p * slope).sum();
            for class in 0..k {
                let of_score = p[class] * (slope[class] - mean);
                let point = &self.points[i * d..(i + 1) * d];
                add_scaled(&mut gradient[class * d..(class + 1) * d], of_score, point);
                gradient[k * d + class] += of_score;
            }
        }
        add_scaled(&mut gradient[..k * d], self.config.l2, weights);
        value + 0.5 * self.config.l2 * dot(weights, weights)
    }

    /// `[position, class]`.
    fn probabilities(&self, weights: &[f64], bias: &[f64]) -> Vec<f64> {
        let d = self.bags.n_columns();
        let mut p = Vec::with_capacity(self.bags.n_instances() * bias.len());
        for point in self.points.chunks_exact(d) {
            let first = p.len();
            p.extend(weights.chunks_exact(d).zip(bias).map(|(w, b)| dot(w, point) + b));
            softmax(&mut p[first..]);
        }
        p
    }

    /// The first term, and its derivatives in the probabilities.
    fn smoothness(&self, p: &[f64]) -> (f64, Vec<f64>) {
        let (n, k) = (self.bags.n_instances(), self.bags.n_classes());
        let scale = (n as f64).powi(-2);
        let rows = map(n, |i| {
            let mut around = vec![0.0; k];
            for (&s, p) in self.similarity[i * n..(i + 1) * n].iter().zip(p.chunks_exact(k)) {
                add_scaled(&mut around, f64::from(s), p);
            }
            let own = &p[i * k..(i + 1) * k];
            let apart = |(p, around): (&f64, &f64)| self.degree[i] * p - around;
            own.iter().zip(&around).map(apart).collect::<Vec<f64>>()
        });
        let apart = rows.concat();
        let value = 2.0 * scale * dot(&apart, p);
        (value, apart.iter().map(|apart| 4.0 * scale * apart).collect())
    }

    /// The second term; adds its derivatives to `slopes`.
    fn shares(&self, p: &[f64], slopes: &mut [f64]) -> f64 {
        let (k, n_bags) = (self.bags.n_classes(), self.bags.n_bags());
        let weight = self.config.lambda / n_bags as f64;
        let mut value = 0.0;
        for bag in 0..n_bags {
            let rows = self.bags.starts()[bag] * k..self.bags.starts()[bag + 1] * k;
            let share = k as f64 / rows.len() as f64;
            let mut error: Vec<f64> = self.bags.proportions(bag).iter().map(|z| -z).collect();
            p[rows.clone()].chunks_exact(k).for_each(|p| add_scaled(&mut error, share, p));
            value += weight * dot(&error, &error);
            slopes[rows]
                .chunks_exact_mut(k)
                .for_each(|slope| add_scaled(slope, 2.0 * weight * share, &error));
        }
        value
    }
}

//! LMM: a mean for each bag and class, smooth over bags that are near, then logistic regression.

use llp_ot::Real;

use crate::columns::{Columns, bag_means};
use crate::diagnose::{BagWeight, MixingMatrix};
use crate::error::{at_least, positive};
use crate::kernels::{add_scaled, dot};
use crate::mean_map::with_mean_operator;
use crate::parallel::map;
use crate::{Bags, ClassicError, Fit, Stopping, lbfgs};

/// Settings of [`lmm`] and [`amm`](crate::amm).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LmmConfig {
    /// Weight of `|weights|^2 / 2` against the mean loss of an instance.
    pub l2: f64,
    /// Weight of the differences between bags that are near.
    pub gamma: f64,
    /// Distance of bag means over which similarity falls by a factor of e.
    pub sigma: f64,
    /// Weight of the means themselves, against means that run away.
    pub epsilon: f64,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// How much each bag counts.
    pub bag_weight: BagWeight,
    /// When the solver stops.
    pub stopping: Stopping,
}

impl Default for LmmConfig {
    /// `l2 = 0.1`, `gamma = 10`, `sigma = 1`, `epsilon = 0`, standardized, bags count by their size.
    fn default() -> Self {
        Self {
            l2: 0.1,
            gamma: 10.0,
            sigma: 1.0,
            epsilon: 0.0,
            standardize: true,
            bag_weight: BagWeight::Instances,
            stopping: Stopping::default(),
        }
    }
}

/// Trains a softmax model like [`mean_map`](crate::mean_map), where a class may look different from bag to bag.
///
/// Every bag `j` has its own mean `b_jk` of class `k`. They explain the bag means `m_j`, and those of near bags
/// are alike:
///
/// ```text
/// min over b:  sum_j v_j |m_j - sum_k z_jk b_jk|^2 + gamma sum_k (1/2 sum_ij s_ij |b_ik - b_jk|^2 + epsilon sum_j |b_jk|^2)
/// ```
///
/// with `s_ij = exp(-|m_i - m_j| / sigma)` and `v_j` 1, or the size of the bag over the mean size. The mean
/// operator `sum_j q_j z_jk b_jk`, `q` the weights of the bags, then takes the place of the labels in logistic
/// regression, as in [`mean_map`](crate::mean_map). Source: \[patrini:14\] for two classes, with bags that count
/// equally; its penalty `lambda` on one weight vector per margin is `l2 = lambda / (2 n)` here. For large
/// `gamma` it is [`mean_map`](crate::mean_map) ([`BagWeight::Equal`]).
///
/// It fails as [`mean_map`](crate::mean_map) does, and where near bags do not have like classes: `sigma` is in
/// units of standardized columns, whose distances grow with the root of their number. Time and memory
/// grow with the square of the number of bags.
///
/// # Errors
/// Settings outside their range; [`ClassicError::BagsAlike`].
///
/// ```
/// use llp_classic::{Bags, LmmConfig, lmm};
/// use llp_ot::Proportions;
///
/// let features = [1.0, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let fit = lmm(&bags, &LmmConfig::default())?;
/// assert_eq!(fit.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn lmm<T: Real>(bags: &Bags<'_, T>, config: &LmmConfig) -> Result<Fit, ClassicError> {
    check(config)?;
    MixingMatrix::of(bags, config.bag_weight).class_coefficients("lmm")?;
    let columns = Columns::standardizing(config.standardize, bags);
    let system = System::new(bags, &columns, config);
    let operator = system.mean_operator();
    let start = vec![0.0; operator.len()];
    Ok(with_mean_operator(bags, columns, operator, config.l2).fit(start, &config.stopping))
}

pub(crate) fn check(config: &LmmConfig) -> Result<(), ClassicError> {
    let zero_or_more = "a finite number of at least 0";
    at_least("l2", config.l2, 0.0, zero_or_more)?;
    positive("gamma", config.gamma)?;
    positive("sigma", config.sigma)?;
    at_least("epsilon", config.epsilon, 0.0, zero_or_more)?;
    lbfgs::check(&config.stopping)
}

/// The linear system of the means, one for all columns.
struct System {
    n_classes: usize,
    /// Means of bags, `[column, bag]`.
    means: Vec<f64>,
    /// `[class, bag]`.
    shares: Vec<f64>,
    /// `v` and `q`, `[bag]`.
    fit_weights: Vec<f64>,
    bag_weights: Vec<f64>,
    /// `gamma` times the Laplacian, `[bag, bag]`.
    laplacian: Vec<f64>,
}

impl System {
    fn new<T: Real>(bags: &Bags<'_, T>, columns: &Columns, config: &LmmConfig) -> Self {
        let (n_bags, k, d) = (bags.n_bags(), bags.n_classes(), bags.n_columns());
        let means = bag_means(bags, columns);
        let bag_weights = config.bag_weight.of(bags);
        Self {
            n_classes: k,
            laplacian: laplacian(&means, d, config),
            means: (0..d).flat_map(|column| means.iter().skip(column).step_by(d).copied()).collect(),
            shares: (0..k)
                .flat_map(|class| (0..n_bags).map(move |bag| bags.proportions(bag)[class]))
                .collect(),
            fit_weights: bag_weights.iter().map(|weight| weight * n_bags as f64).collect(),
            bag_weights,
        }
    }

    /// `(sum_j q_j z_jk b_jk, sum_j q_j z_jk)` for each class: `[class, column + 1]`.
    fn mean_operator(&self) -> Vec<f64> {
        let n_bags = self.fit_weights.len();
        let d = self.means.len() / n_bags;
        let solved = map(d, |column| self.solve(&self.means[column * n_bags..(column + 1) * n_bags]));
        let mut operator = Vec::with_capacity(self.n_classes * (d + 1));
        for (class, shares) in self.shares.chunks_exact(n_bags).enumerate() {
            let weights: Vec<f64> = shares.iter().zip(&self.bag_weights).map(|(z, q)| z * q).collect();
            let of_class = |b: &Vec<f64>| dot(&weights, &b[class * n_bags..(class + 1) * n_bags]);
            operator.extend(solved.iter().map(of_class));
            operator.push(weights.iter().sum());
        }
        operator
    }

    /// The means `[class, bag]` of one column by conjugate gradients, to the last digits.
    ///
    /// The right side lies in the range of the system, so a singular one (a class that no bag has) does no
    /// harm.
    fn solve(&self, means: &[f64]) -> Vec<f64> {
        let n = self.shares.len();
        let weighted: Vec<f64> = means.iter().zip(&self.fit_weights).map(|(m, v)| m * v).collect();
        let shares = self.shares.chunks_exact(means.len());
        let right: Vec<f64> = shares.flat_map(|z| z.iter().zip(&weighted).map(|(z, m)| z * m)).collect();
        let preconditioner = self.diagonal();
        let (mut x, mut residual) = (vec![0.0; n], right.clone());
        let precondition = |r: &[f64]| r.iter().zip(&preconditioner).map(|(r, p)| r / p).collect::<Vec<_>>();
        let mut z = precondition(&residual);
        let mut direction = z.clone();
        let mut energy = dot(&residual, &z);
        let enough = 1e-28 * energy;
        for _ in 0..10 * n {
            if energy <= enough {
                break;
            }
            let image = self.apply(&direction);
            let step = energy / dot(&direction, &image);
            add_scaled(&mut x, step, &direction);
            add_scaled(&mut residual, -step, &image);
            z = precondition(&residual);
            let next = dot(&residual, &z);
            for (d, z) in direction.iter_mut().zip(&z) {
                *d = z + next / energy * *d;
            }
            energy = next;
        }
        x
    }

    fn diagonal(&self) -> Vec<f64> {
        let n_bags = self.fit_weights.len();
        let entry = |(at, z): (usize, &f64)| {
            let bag = at % n_bags;
            (z * z * self.fit_weights[bag] + self.laplacian[bag * n_bags + bag]).max(1e-300)
        };
        self.shares.iter().enumerate().map(entry).collect()
    }

    fn apply(&self, x: &[f64]) -> Vec<f64> {
        let n_bags = self.fit_weights.len();
        let mut explained = vec![0.0; n_bags];
        for (z, x) in self.shares.chunks_exact(n_bags).zip(x.chunks_exact(n_bags)) {
            explained.iter_mut().zip(z.iter().zip(x)).for_each(|(sum, (z, x))| *sum += z * x);
        }
        explained.iter_mut().zip(&self.fit_weights).for_each(|(sum, v)| *sum *= v);
        let mut image = Vec::with_capacity(x.len());
        for (z, x) in self.shares.chunks_exact(n_bags).zip(x.chunks_exact(n_bags)) {
            for (bag, row) in self.laplacian.chunks_exact(n_bags).enumerate() {
                image.push(z[bag] * explained[bag] + dot(row, x));
            }
        }
        image
    }
}

/// `gamma (epsilon I + D - S)`, `[bag, bag]`.
fn laplacian(means: &[f64], d: usize, config: &LmmConfig) -> Vec<f64> {
    let n_bags = means.len() / d;
    let mut laplacian = vec![0.0; n_bags * n_bags];
    for i in 0..n_bags {
        for j in 0..i {
            let (a, b) = (&means[i * d..(i + 1) * d], &means[j * d..(j + 1) * d]);
            let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
            let near = config.gamma * (-square.sqrt() / config.sigma).exp();
            laplacian[i * n_bags + j] = -near;
            laplacian[j * n_bags + i] = -near;
            laplacian[i * n_bags + i] += near;
            laplacian[j * n_bags + j] += near;
        }
        laplacian[i * n_bags + i] += config.gamma * config.epsilon;
    }
    laplacian
}

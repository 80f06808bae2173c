//! The Dirichlet-multinomial distribution of the classes of a group in a bag.

/// Counts whose values are in a table; larger ones are computed.
const TABLE: usize = 2048;

/// A function of a count `n` for a parameter `a`, up to a constant: a table of its first values, and a series beyond.
struct Tabulated {
    a: f64,
    table: Vec<f64>,
    /// What the series lacks where the table ends.
    offset: f64,
    series: fn(f64, f64) -> f64,
}

impl Tabulated {
    fn new(a: f64, largest: u32, increment: fn(f64, f64) -> f64, series: fn(f64, f64) -> f64) -> Self {
        let len = TABLE.min(largest as usize + 1);
        let mut table = Vec::with_capacity(len);
        let mut value = 0.0;
        for n in 0..len {
            table.push(value);
            value += increment(n as f64, a);
        }
        let offset = value - series(len as f64, a);
        Self { a, table, offset, series }
    }

    fn at(&self, n: u32) -> f64 {
        match self.table.get(n as usize) {
            Some(&value) => value,
            None => self.offset + (self.series)(f64::from(n), self.a),
        }
    }
}

/// `ln Gamma(n + a) - ln Gamma(n + 1)` for large `n`, by Stirling's series.
fn log_weight_series(n: f64, a: f64) -> f64 {
    let stirling = |x: f64| (x - 0.5) * x.ln() - x + (1.0 - 1.0 / (30.0 * x * x)) / (12.0 * x);
    stirling(n + a) - stirling(n + 1.0)
}

/// The digamma function of `n + a` for large `n`, by its asymptotic series.
fn digamma_series(n: f64, a: f64) -> f64 {
    let x = n + a;
    x.ln() - 0.5 / x - (1.0 - 0.1 / (x * x)) / (12.0 * x * x)
}

/// The derivative of the digamma function at `n + a` for large `n`, by its asymptotic series.
fn trigamma_series(n: f64, a: f64) -> f64 {
    let x = n + a;
    (1.0 + 0.5 / x + (1.0 - 0.2 / (x * x)) / (6.0 * x * x)) / x
}

/// The distributions of the classes of all groups: that of group `g` is Dirichlet-multinomial with the parameters
/// `a[g, class]`.
pub(super) struct Weights {
    n_classes: usize,
    /// The logarithm of the weight of a count, `[group, class]`.
    logs: Vec<Tabulated>,
    /// `digamma(a + n) - digamma(a)`, `[group, class]`.
    slopes: Vec<Tabulated>,
    /// The same of the sum of a group's parameters, `[group]`.
    sum_slopes: Vec<Tabulated>,
    /// The derivatives of both by the parameter.
    curvatures: Vec<Tabulated>,
    sum_curvatures: Vec<Tabulated>,
}

impl Weights {
    /// For parameters `exp(theta)`, `[group, class]`, and counts up to `largest`.
    pub(super) fn new(theta: &[f64], n_classes: usize, largest: u32) -> Self {
        let log = |a| Tabulated::new(a, largest, |n, a| ((n + a) / (n + 1.0)).ln(), log_weight_series);
        let slope = |a| Tabulated::new(a, largest, |n, a| 1.0 / (n + a), digamma_series);
        let curvature = |a| {
            let increment = |n: f64, a: f64| -(n + a).powi(-2);
            Tabulated::new(a, largest, increment, trigamma_series)
        };
        let a: Vec<f64> = theta.iter().map(|theta| theta.exp()).collect();
        Self {
            n_classes,
            logs: a.iter().map(|&a| log(a)).collect(),
            slopes: a.iter().map(|&a| slope(a)).collect(),
            sum_slopes: a.chunks_exact(n_classes).map(|a| slope(a.iter().sum())).collect(),
            curvatures: a.iter().map(|&a| curvature(a)).collect(),
            sum_curvatures: a.chunks_exact(n_classes).map(|a| curvature(a.iter().sum())).collect(),
        }
    }

    /// The logarithm of a cell's factor in the probability of a table, up to a constant.
    pub(super) fn log(&self, cell: usize, count: u32) -> f64 {
        self.logs[cell].at(count)
    }

    /// Adds the derivatives of the log-probability of a table `[group, class]` by `theta`.
    pub(super) fn add_score(&self, table: &[u32], score: &mut [f64]) {
        for (group, counts) in table.chunks_exact(self.n_classes).enumerate() {
            let whole = self.sum_slopes[group].at(counts.iter().sum());
            for (class, &count) in counts.iter().enumerate() {
                let cell = group * self.n_classes + class;
                score[cell] += self.slopes[cell].a * (self.slopes[cell].at(count) - whole);
            }
        }
    }

    /// Adds the second derivatives by `theta`, negative and times `scale`, to `information`, `[cell, cell]`; `score` is
    /// the first ones.
    pub(super) fn add_information(&self, table: &[u32], score: &[f64], scale: f64, information: &mut [f64]) {
        let k = self.n_classes;
        for (group, counts) in table.chunks_exact(k).enumerate() {
            let whole = self.sum_curvatures[group].at(counts.iter().sum());
            for (class, &count) in counts.iter().enumerate() {
                let cell = group * k + class;
                let curvature = &self.curvatures[cell];
                let line = &mut information[cell * score.len()..(cell + 1) * score.len()];
                for other in group * k..(group + 1) * k {
                    line[other] += scale * curvature.a * self.curvatures[other].a * whole;
                }
                line[cell] -= scale * (curvature.a * curvature.a * curvature.at(count) + score[cell]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Theorem: the probabilities of all splits of a group sum to 1, and the score is the derivative of their logarithm,
    /// also where series take over from tables.
    #[test]
    fn weights_are_those_of_a_distribution_and_scores_their_derivatives() {
        for (n, theta) in [(40, [0.4_f64, -1.2]), (5_000, [1.3, 2.1]), (3_000, [-0.5, 6.0])] {
            let probability = |theta: &[f64]| {
                let weights = Weights::new(theta, 2, n);
                let logs: Vec<f64> = (0..=n).map(|k| weights.log(0, k) + weights.log(1, n - k)).collect();
                let largest = logs.iter().copied().fold(f64::MIN, f64::max);
                let total = largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln();
                logs.into_iter().map(|log| log - total).collect::<Vec<_>>()
            };
            // The normalizer of the beta-binomial distribution has a closed form: a Tabulated of its own.
            let sum = (theta[0].exp() + theta[1].exp()).ln();
            let both = Weights::new(&[sum], 1, n).log(0, n);
            let weights = Weights::new(&theta, 2, n);
            let k = n / 3;
            let log = weights.log(0, k) + weights.log(1, n - k) - both;
            assert!((probability(&theta)[k as usize] - log).abs() < 1e-8, "{n}");
            let mut score = [0.0; 2];
            weights.add_score(&[k, n - k], &mut score);
            for at in 0..2 {
                let moved = |by: f64| {
                    let mut theta = theta;
                    theta[at] += by;
                    probability(&theta)[k as usize]
                };
                let slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
                assert!((slope - score[at]).abs() < 1e-5 * (1.0 + slope.abs()), "{n}: {slope} {}", score[at]);
            }
        }
    }
}

//! The class half of a problem: everything that has one entry per class, in double precision.
//!
//! Equation (6), times `n / alpha`, has the dual `D(f) = -kappa sum_i n z_i (exp(-f_i / kappa) - 1) - epsilon
//! sum_j log sum_i exp((f_i - C_ij) / epsilon) - epsilon n` with `kappa = (1 - alpha) / alpha`. Its gradient
//! is `w - U 1` with the *weights* `w_i = n z_i exp(-f_i / kappa)`.

use crate::Real;
use crate::divergence::generalized_kl;
use crate::kernels::Exponentials;
use crate::numbers::{log_add_exp, log_sum_exp};
use crate::panel::Panel;
use crate::simd::run;

/// A smaller `alpha` differs from 0 by less than any rounding, and what is divided by it overflows: it counts as 0.
const ALPHA_MIN: f64 = 1e-100;

#[derive(Debug, Default)]
pub(crate) struct Dual {
    pub(crate) n_instances: f64,
    pub(crate) epsilon: f64,
    /// `alpha / (1 - alpha)`; 0 is balanced transport.
    pub(crate) inverse_kappa: f64,
    /// `n z`, all above 0.
    target: Vec<f64>,
    /// Its logarithm.
    log_target: Vec<f64>,
    /// `f`.
    pub(crate) potentials: Vec<f64>,
    /// `w = n z exp(-f / kappa)`.
    pub(crate) weights: Vec<f64>,
    /// `U(f) 1`.
    pub(crate) mass: Vec<f64>,
}

impl Dual {
    /// Starts a problem at the potential 0. `proportions` are those of the classes of the panel, all above 0.
    pub(crate) fn start(
        &mut self,
        n_instances: usize,
        proportions: impl Iterator<Item = f64> + Clone,
        alpha: f64,
        epsilon: f64,
    ) {
        // The sum of the masses is n whatever f is, so proportions that add up to 1 only nearly are scaled.
        let scale = n_instances as f64 / proportions.clone().sum::<f64>();
        self.n_instances = n_instances as f64;
        self.epsilon = epsilon;
        self.inverse_kappa = if alpha < ALPHA_MIN { 0.0 } else { alpha / (1.0 - alpha) };
        self.target.clear();
        self.target.extend(proportions.map(|z| z * scale));
        self.log_target.clear();
        self.log_target.extend(self.target.iter().map(|target| target.ln()));
        for values in [&mut self.potentials, &mut self.weights, &mut self.mass] {
            values.clear();
            values.resize(self.target.len(), 0.0);
        }
        self.weights.copy_from_slice(&self.target);
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.target.len()
    }

    /// Computes weights and masses at `potentials`, as they are.
    pub(crate) fn evaluate<T: Real>(&mut self, panel: &mut Panel<T>) {
        for ((w, target), f) in self.weights.iter_mut().zip(&self.target).zip(&self.potentials) {
            *w = target * (-f * self.inverse_kappa).exp();
        }
        panel.evaluate(&self.potentials, &mut self.mass);
    }

    /// Adds the constant to the potentials that maximizes `D` along that line, and evaluates there.
    ///
    /// The constant is `kappa log(sum_i z_i exp(-f_i / kappa))`. The coupling does not change; the slowest
    /// mode of the sweeps disappears, and the weights add up to `n`.
    pub(crate) fn shift_and_evaluate<T: Real>(&mut self, panel: &mut Panel<T>) {
        let min = self.potentials.iter().copied().fold(f64::INFINITY, f64::min);
        for f in &mut self.potentials {
            *f -= min;
        }
        let shift = if self.inverse_kappa == 0.0 {
            let pairs = self.target.iter().zip(&self.potentials);
            -pairs.map(|(target, f)| target * f).sum::<f64>() / self.n_instances
        } else {
            // Rounding in the logarithm, times kappa, is as small to exp(-f / kappa) as it was before.
            run(Exponentials { x: &self.potentials, slope: -self.inverse_kappa, out: &mut self.weights });
            let mut sum = 0.0;
            for (w, target) in self.weights.iter_mut().zip(&self.target) {
                *w *= target;
                sum += *w;
            }
            let mean = sum / self.n_instances;
            for w in &mut self.weights {
                *w /= mean;
            }
            mean.ln() / self.inverse_kappa
        };
        for f in &mut self.potentials {
            *f += shift;
        }
        panel.evaluate(&self.potentials, &mut self.mass);
    }

    /// One sweep of Algorithm 1 from a point where `mass` is known: the `a` of its line 5, as a potential.
    pub(crate) fn sweep<T: Real>(&mut self, panel: &Panel<T>) {
        let floor = T::MASS_FLOOR * self.n_instances;
        let log_mass = if self.mass.iter().all(|&m| m > floor) {
            None
        } else {
            Some(log_masses(panel, &self.potentials, self.epsilon))
        };
        let epsilon = self.epsilon;
        let mass = std::mem::take(&mut self.mass);
        self.move_to(|log_target, f, class| {
            let log_mass = log_mass.as_ref().map_or_else(|| mass[class].ln(), |logs| logs[class]);
            f / epsilon + log_target - log_mass
        });
        self.mass = mass;
    }

    /// Sets `f_i = tau epsilon log_ratio(log(n z_i), f_i, i)` for each class: line 5 of Algorithm 1.
    pub(crate) fn move_to(&mut self, log_ratio: impl Fn(f64, f64, usize) -> f64) {
        let tau = 1.0 / (1.0 + self.epsilon * self.inverse_kappa);
        for (class, (f, log_target)) in self.potentials.iter_mut().zip(&self.log_target).enumerate() {
            *f = tau * self.epsilon * log_ratio(*log_target, *f, class);
        }
    }

    /// `max_i |w_i - (U 1)_i| / n`.
    pub(crate) fn residual(&self) -> f64 {
        let differences = self.weights.iter().zip(&self.mass).map(|(w, m)| (w - m).abs());
        // Unlike f64::max, this keeps a NaN, which then exceeds no threshold but fails to be below one.
        let worst = differences.fold(0.0, |worst: f64, d| if d <= worst { worst } else { d });
        worst / self.n_instances
    }

    /// `KL(U 1 | w)`: the duality gap divided by `kappa`.
    pub(crate) fn divergence(&self) -> f64 {
        generalized_kl(&self.mass, &self.weights)
    }

    /// `D(f) / n`, given `log_sum = sum_j log sum_i exp((f_i - C_ij) / epsilon)`.
    pub(crate) fn value(&self, log_sum: f64) -> f64 {
        let k = self.inverse_kappa;
        let marginal: f64 = self
            .target
            .iter()
            .zip(&self.potentials)
            .map(|(target, f)| if k == 0.0 { target * f } else { -target * (-f * k).exp_m1() / k })
            .sum();
        (marginal - self.epsilon * log_sum) / self.n_instances - self.epsilon
    }
}

/// `log (U(f) 1)_i` in the log domain, for classes whose mass is below the smallest number of the panel's
/// precision.
fn log_masses<T: Real>(panel: &Panel<T>, potentials: &[f64], epsilon: f64) -> Vec<f64> {
    let mut logs = vec![f64::NEG_INFINITY; potentials.len()];
    let mut exponents = vec![0.0; potentials.len()];
    for instance in 0..panel.n_instances() {
        for (class, (exponent, f)) in exponents.iter_mut().zip(potentials).enumerate() {
            *exponent = (f + panel.score(instance, class)) / epsilon;
        }
        let log_sum = log_sum_exp(exponents.iter().copied());
        for (log, exponent) in logs.iter_mut().zip(&exponents) {
            *log = log_add_exp(*log, exponent - log_sum);
        }
    }
    logs
}

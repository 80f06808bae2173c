//! Newton's method on the dual, damped, after a few sweeps.

use crate::Real;
use crate::dual::Dual;
use crate::linear::NewtonSystem;
use crate::panel::Panel;

/// Sweeps before the first Newton step: they bring potentials of any size into the right region.
const WARM_UP_SWEEPS: usize = 2;
/// A step is accepted if the slope of `D` along it, at its end, is at least `-OVERSHOOT` times that at its
/// start.
///
/// For a quadratic function this is Armijo's rule with the constant 0.35 (the approximate Wolfe condition of
/// \[hager-zhang:05\]); it compares slopes, not values, so that rounding does not stop it near the maximum.
const OVERSHOOT: f64 = 0.3;
/// A residual up to this many times the rounding error that no longer halves is all rounding error.
const STALL: f64 = 16.0;
const MAX_HALVINGS: usize = 40;

/// When Newton's method stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewtonConfig {
    /// Largest accepted residual `max |n z exp(-f / kappa) - U 1| / n`: the error of the class shares.
    ///
    /// A threshold below what rounding permits (four units in the last place of the largest share, or 16
    /// times that once the residual no longer halves) is raised to that.
    pub threshold: f64,
    /// Largest number of Newton steps, and sweeps in their place.
    pub max_iterations: usize,
}

impl NewtonConfig {
    /// For costs in single precision: the threshold is about the rounding error of the shares of 100 classes.
    pub const SINGLE: Self = Self { threshold: 1e-8, max_iterations: 500 };
    /// For costs in double precision: couplings to about ten digits for moderate `epsilon`.
    pub const DOUBLE: Self = Self { threshold: 1e-12, max_iterations: 500 };
}

/// Whether a solver reached its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SolverOutcome {
    /// The residual is at most the threshold.
    Converged,
    /// The iterations were used up first; the result is that of the last one, with the residual and gap it
    /// reached.
    MaxIterations,
    /// A fixed number of sweeps, without a threshold.
    FixedSweeps,
}

/// Scratch memory of [`maximize`].
#[derive(Debug, Default)]
pub(crate) struct Newton {
    system: NewtonSystem,
    direction: Vec<f64>,
    origin: Vec<f64>,
}

impl Newton {
    /// Maximizes the dual from the potentials of `dual`; leaves both arguments at the last iterate.
    pub(crate) fn maximize<T: Real>(
        &mut self,
        dual: &mut Dual,
        panel: &mut Panel<T>,
        config: &NewtonConfig,
    ) -> (SolverOutcome, usize) {
        self.system.start(dual.n_classes());
        dual.shift_and_evaluate(panel);
        let mut n_iters = 0;
        let mut last = f64::INFINITY;
        loop {
            let residual = dual.residual();
            let rounding =
                4.0 * T::EPSILON * dual.mass.iter().copied().fold(0.0, f64::max) / dual.n_instances;
            let stalled = residual <= STALL * rounding && residual > 0.5 * last;
            if residual <= config.threshold.max(rounding) || stalled {
                return (SolverOutcome::Converged, n_iters);
            }
            last = residual;
            if n_iters == config.max_iterations {
                return (SolverOutcome::MaxIterations, n_iters);
            }
            if n_iters < WARM_UP_SWEEPS || !self.step(dual, panel) {
                dual.sweep(panel);
                dual.shift_and_evaluate(panel);
            }
            n_iters += 1;
        }
    }

    /// One damped Newton step. Returns false, back at the start, if no step length was accepted.
    fn step<T: Real>(&mut self, dual: &mut Dual, panel: &mut Panel<T>) -> bool {
        self.system.solve(dual, panel, &mut self.direction);
        self.origin.clone_from(&dual.potentials);
        let slope = self.slope(dual);
        let mut length = 1.0;
        // A slope that overflows is useless: leave the point to a sweep.
        let max_halvings = if slope.is_finite() { MAX_HALVINGS } else { 0 };
        for _ in 0..max_halvings {
            for ((f, origin), d) in dual.potentials.iter_mut().zip(&self.origin).zip(&self.direction) {
                *f = origin + length * d;
            }
            dual.shift_and_evaluate(panel);
            let end = self.slope(dual);
            if end.is_finite() && end >= -OVERSHOOT * slope {
                return true;
            }
            // Where the slope would vanish if it were linear, within bounds.
            let ratio = slope / (slope - end);
            length *= if ratio.is_finite() { ratio.clamp(0.1, 0.5) } else { 0.1 };
        }
        dual.potentials.clone_from(&self.origin);
        dual.shift_and_evaluate(panel);
        false
    }

    /// Derivative of `D` along the direction at the last evaluated point.
    fn slope(&self, dual: &Dual) -> f64 {
        dual.weights.iter().zip(&dual.mass).zip(&self.direction).map(|((w, m), d)| (w - m) * d).sum()
    }
}

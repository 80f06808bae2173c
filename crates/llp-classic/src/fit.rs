//! What solvers return, and when they stop.

use crate::LinearModel;

/// A trained model, and how exactly it solves its problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The model, on raw features.
    pub model: LinearModel,
    /// Value of the method's objective at the model.
    pub objective: f64,
    /// Largest entry of the gradient, in standardized coordinates.
    pub gradient_norm: f64,
    /// Passes over the data.
    pub n_evaluations: usize,
    /// Whether the solver ended below its threshold.
    pub converged: bool,
}

/// When L-BFGS stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stopping {
    /// Largest entry of the gradient, in standardized coordinates.
    pub gradient: f64,
    /// Passes over the data.
    pub max_evaluations: usize,
}

impl Default for Stopping {
    /// 1e-6, after at most 1,000 passes.
    fn default() -> Self {
        Self { gradient: 1e-6, max_evaluations: 1000 }
    }
}

//! Algorithm 1 of the paper: a fixed number of generalized Sinkhorn sweeps, in the log domain.

use crate::Real;
use crate::dual::Dual;
use crate::numbers::log_add_exp;
use crate::panel::Panel;

/// Runs `n_iters` sweeps from `b = 1`; leaves both arguments at `U = diag(a) K diag(b)` of line 7.
///
/// Without any sweep, `a = 1` and `b = 1 / (K^T a)`. Only the start depends on a constant that is added to
/// the scores of an instance: `normalized` says that the paper's cost is `-log softmax` of the scores.
pub(crate) fn sweeps<T: Real>(dual: &mut Dual, panel: &mut Panel<T>, n_iters: usize, normalized: bool) {
    for iteration in 0..n_iters {
        if iteration == 0 {
            let log_products = log_kernel_sums(panel, dual.epsilon, normalized);
            dual.move_to(|log_target, _, class| log_target - log_products[class]);
        } else {
            dual.sweep(panel);
        }
        dual.evaluate(panel);
    }
    if n_iters == 0 {
        dual.evaluate(panel);
    }
}

/// `log (K 1)_i`, `[class]`: line 5 for the first time.
fn log_kernel_sums<T: Real>(panel: &Panel<T>, epsilon: f64, normalized: bool) -> Vec<f64> {
    let mut logs = vec![f64::NEG_INFINITY; panel.n_classes()];
    for instance in 0..panel.n_instances() {
        let norm = if normalized { panel.log_sum_of_scores(instance) } else { 0.0 };
        for (class, log) in logs.iter_mut().enumerate() {
            *log = log_add_exp(*log, (panel.score(instance, class) - norm) / epsilon);
        }
    }
    logs
}

//! One bag from scores to certificate, with the memory that it needs.

use crate::config::RotSolver;
use crate::dual::Dual;
use crate::finish::Output;
use crate::newton::{Newton, SolverOutcome};
use crate::panel::Panel;
use crate::simd::LANES;
use crate::{Real, sinkhorn};

/// Where the scores of a bag come from: minus its cost, up to a constant for each instance.
pub(crate) trait Scores<T>: Sync {
    /// Writes the scores of the instances from `first` on, `[row, lane]`, of the given classes in their
    /// order.
    fn fill_block(&self, first: usize, classes: &[usize], block: &mut [T]);
    /// Whether the cost is `-log softmax` of the scores, and not minus the scores themselves.
    const NORMALIZED: bool;
}

/// The problem of one bag as the core sees it.
pub(crate) struct Bag<'a, S> {
    pub(crate) n_instances: usize,
    pub(crate) n_classes: usize,
    pub(crate) alpha: f64,
    pub(crate) epsilon: f64,
    pub(crate) scores: &'a S,
}

/// What a solver reached on one bag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Certificate {
    /// Equation (6) at the coupling, entropy as printed.
    pub(crate) objective: f64,
    /// Of the objective.
    pub(crate) duality_gap: f64,
    /// `max |w - U 1| / n`.
    pub(crate) residual: f64,
    pub(crate) outcome: SolverOutcome,
    pub(crate) n_iters: usize,
}

/// Memory that is used again for the next bag.
#[derive(Debug, Default)]
pub(crate) struct Workspace<T> {
    /// The classes of the rows of the panel: first those that may have mass, then the others.
    pub(crate) classes: Vec<usize>,
    pub(crate) n_active: usize,
    pub(crate) panel: Panel<T>,
    pub(crate) dual: Dual,
    newton: Newton,
}

impl<T: Real> Workspace<T> {
    /// Solves one bag. The output is in the panel afterwards, the potentials in the dual.
    ///
    /// `warm_start` are potentials, `[class]`; its entries for classes of zero proportion are ignored.
    pub(crate) fn solve<S: Scores<T>>(
        &mut self,
        bag: &Bag<'_, S>,
        proportion: impl Fn(usize) -> f64,
        solver: RotSolver,
        warm_start: Option<&[f64]>,
        output: Output,
    ) -> Certificate {
        let (outcome, n_iters) = self.search(bag, proportion, solver, warm_start);
        let (log_sum, log_norm) = self.panel.finish(&self.dual.potentials, output, &mut self.dual.mass);
        if bag.alpha >= 1.0 {
            self.dual.weights.clone_from(&self.dual.mass);
        }
        let value = if bag.alpha == 0.0 {
            0.0
        } else {
            bag.alpha * self.dual.value(log_sum - log_norm / bag.epsilon)
        };
        let duality_gap = (1.0 - bag.alpha) * self.dual.divergence() / self.dual.n_instances;
        Certificate {
            objective: value + duality_gap,
            duality_gap,
            residual: self.dual.residual(),
            outcome,
            n_iters,
        }
    }

    /// Finds the potentials of one bag, at which the panel was evaluated last; the arguments are those of
    /// [`solve`](Self::solve).
    pub(crate) fn search<S: Scores<T>>(
        &mut self,
        bag: &Bag<'_, S>,
        proportion: impl Fn(usize) -> f64,
        solver: RotSolver,
        warm_start: Option<&[f64]>,
    ) -> (SolverOutcome, usize) {
        // At alpha = 1 the proportions play no part; below it, classes of zero proportion have no mass.
        let decoupled = bag.alpha >= 1.0;
        self.classes.clear();
        self.classes.extend((0..bag.n_classes).filter(|&class| decoupled || proportion(class) > 0.0));
        self.n_active = self.classes.len();
        if S::NORMALIZED {
            self.classes.extend((0..bag.n_classes).filter(|&class| !decoupled && proportion(class) <= 0.0));
        }
        let rows = &self.classes[..];
        self.panel.fill(bag.n_instances, (self.n_active, rows.len()), bag.epsilon, |first, block| {
            bag.scores.fill_block(first, rows, block);
        });
        let classes = &self.classes[..self.n_active];
        if decoupled {
            self.dual.start(bag.n_instances, classes.iter().map(|_| 1.0), 0.0, bag.epsilon);
            (SolverOutcome::Converged, 0)
        } else {
            let proportions = classes.iter().map(|&class| proportion(class));
            self.dual.start(bag.n_instances, proportions, bag.alpha, bag.epsilon);
            if let Some(potentials) = warm_start {
                let active = classes.iter().map(|&class| potentials[class]);
                self.dual.potentials.clear();
                self.dual.potentials.extend(active);
            }
            match solver {
                RotSolver::Newton(config) => self.newton.maximize(&mut self.dual, &mut self.panel, &config),
                RotSolver::Sinkhorn { n_iters } => {
                    sinkhorn::sweeps(&mut self.dual, &mut self.panel, n_iters, S::NORMALIZED);
                    (SolverOutcome::FixedSweeps, n_iters)
                }
            }
        }
    }

    /// Writes the output of the panel to `out`, `[instance, class]`.
    pub(crate) fn write_by_instance(&self, out: &mut [T], n_classes: usize) {
        let classes = &self.classes[..];
        self.panel.write_output(out, |out, block| {
            for (lane, row) in out.chunks_exact_mut(n_classes).enumerate() {
                for (&class, lanes) in classes.iter().zip(block.chunks_exact(LANES)) {
                    row[class] = lanes[lane];
                }
            }
        });
    }
}

//! Many bags in one call: from logits to losses and gradients.

use std::any::Any;
use std::cell::Cell;

use crate::bag::{Bag, Certificate, Scores, Workspace};
use crate::check::{check_length, check_parameters, first_out_of_range};
use crate::config::RotConfig;
use crate::finish::Output;
use crate::newton::SolverOutcome;
use crate::proportions::check_proportions;
use crate::simd::LANES;
use crate::{OtError, Real};

/// Entries of `[instance, class]` from which half of a batch is worth a second thread.
#[cfg(feature = "rayon")]
const PARALLEL_ENTRIES: usize = 1 << 12;

/// Bags of unequal size, their instances contiguous.
#[derive(Debug, Clone, Copy)]
pub struct RotBatch<'a, T> {
    /// Unnormalized log-probabilities, row-major `[instance, class]`, one bag after the other.
    pub logits: &'a [T],
    /// Number of instances of each bag, `[bag]`.
    pub bag_sizes: &'a [usize],
    /// Known proportions, row-major `[bag, class]`.
    pub proportions: &'a [T],
    /// Number of classes.
    pub n_classes: usize,
}

#[cfg(feature = "rayon")]
impl<T> RotBatch<'_, T> {
    /// Two batches of half the bags each, in their order.
    fn halves(&self) -> (Self, Self)
    where
        T: Copy,
    {
        let (left, right) = self.bag_sizes.split_at(self.bag_sizes.len() / 2);
        let (logits, logits_right) = self.logits.split_at(left.iter().sum::<usize>() * self.n_classes);
        let (proportions, proportions_right) = self.proportions.split_at(left.len() * self.n_classes);
        let n_classes = self.n_classes;
        (
            Self { logits, bag_sizes: left, proportions, n_classes },
            Self { logits: logits_right, bag_sizes: right, proportions: proportions_right, n_classes },
        )
    }
}

/// What the solver reached over a whole batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RotBatchReport {
    /// Bags on which Newton's method stopped before its threshold; sweeps have none.
    pub n_not_converged: usize,
    /// Largest number of iterations of a bag.
    pub n_iters_max: usize,
    /// Largest duality gap of a bag, in the units of the loss.
    pub duality_gap_max: f64,
    /// Largest residual of a bag, as a share of its instances.
    pub residual_max: f64,
}

impl RotBatchReport {
    const EMPTY: Self = Self { n_not_converged: 0, n_iters_max: 0, duality_gap_max: 0.0, residual_max: 0.0 };

    fn and(self, other: Self) -> Self {
        Self {
            n_not_converged: self.n_not_converged + other.n_not_converged,
            n_iters_max: self.n_iters_max.max(other.n_iters_max),
            duality_gap_max: self.duality_gap_max.max(other.duality_gap_max),
            residual_max: self.residual_max.max(other.residual_max),
        }
    }
}

impl From<Certificate> for RotBatchReport {
    fn from(bag: Certificate) -> Self {
        Self {
            n_not_converged: usize::from(bag.outcome == SolverOutcome::MaxIterations),
            n_iters_max: bag.n_iters,
            duality_gap_max: bag.duality_gap,
            residual_max: bag.residual,
        }
    }
}

/// The loss of equation (6) and its gradient with respect to the logits, for each bag.
///
/// `loss` is `[bag]`; `gradient` is `[instance, class]` and receives
/// `d loss_bag / d logits = (alpha / n) (p - U)`, with `p` the softmax of the logits (the envelope theorem:
/// exact at the optimum, and what remains of it after fixed sweeps, which the paper differentiates through).
///
/// The value is equation (6) at the coupling that the solver reached, with the entropy as printed: a bag of
/// one instance with one-hot proportions gives `alpha` times its cross-entropy, minus `alpha epsilon`. At
/// `alpha = 0` loss and gradient are 0; at `alpha = 1` the proportions play no part.
///
/// With the feature `rayon`, bags are shared among the threads of the caller's pool; the bits of a bag do not
/// depend on that, nor on the other bags. Call it from inside of the pool where tens of microseconds matter: that
/// is what it costs to hand work over from outside.
///
/// # Errors
/// Shapes that do not fit, numbers that are not finite, proportions off the simplex, parameters outside their
/// range.
///
/// ```
/// use llp_ot::{NewtonConfig, RotBatch, RotConfig, RotSolver, rot_loss_and_gradient};
///
/// // One bag of two instances, half of each class; the model believes that both are of the first class.
/// let batch = RotBatch {
///     logits: &[2.0_f64, 0.0, 1.0, 0.0],
///     bag_sizes: &[2],
///     proportions: &[0.5, 0.5],
///     n_classes: 2,
/// };
/// let config = RotConfig { alpha: 0.5, epsilon: 1.0, solver: RotSolver::Newton(NewtonConfig::DOUBLE) };
/// let (mut loss, mut gradient) = ([0.0], [0.0; 4]);
/// rot_loss_and_gradient(&batch, &config, &mut loss, &mut gradient)?;
/// assert!(gradient[0] > 0.0 && gradient[2] > 0.0); // a smaller logit of the first class lowers the loss
/// # Ok::<(), llp_ot::OtError>(())
/// ```
pub fn rot_loss_and_gradient<T: Real>(
    batch: &RotBatch<'_, T>,
    config: &RotConfig,
    loss: &mut [T],
    gradient: &mut [T],
) -> Result<RotBatchReport, OtError> {
    let mut reports = vec![RotBatchReport::EMPTY; batch.bag_sizes.len()];
    rot_loss_and_gradient_with_reports(batch, config, loss, gradient, &mut reports)
}

/// [`rot_loss_and_gradient`] with a report of each bag, `[bag]`, beside that of the batch.
///
/// # Errors
/// Those of [`rot_loss_and_gradient`]; not one report for each bag.
pub fn rot_loss_and_gradient_with_reports<T: Real>(
    batch: &RotBatch<'_, T>,
    config: &RotConfig,
    loss: &mut [T],
    gradient: &mut [T],
    reports: &mut [RotBatchReport],
) -> Result<RotBatchReport, OtError> {
    check_parameters(config.alpha, config.epsilon)?;
    check_batch(batch, loss.len(), gradient.len())?;
    check_length("reports", reports.len(), batch.bag_sizes.len(), "[bag]")?;
    reports.fill(RotBatchReport::EMPTY);
    if config.alpha == 0.0 {
        loss.fill(T::ZERO);
        gradient.fill(T::ZERO);
        return Ok(RotBatchReport::EMPTY);
    }
    let solve = |proportions: &[T], logits: &[T], gradient: &mut [T]| {
        let certificate =
            with_workspace(|workspace| solve_bag(workspace, config, logits, proportions, gradient));
        (T::from_f64(certificate.objective), certificate.into())
    };
    for_each_bag(batch, loss, gradient, reports, &solve);
    Ok(reports.iter().copied().fold(RotBatchReport::EMPTY, RotBatchReport::and))
}

fn solve_bag<T: Real>(
    workspace: &mut Workspace<T>,
    config: &RotConfig,
    logits: &[T],
    proportions: &[T],
    gradient: &mut [T],
) -> Certificate {
    let n_classes = proportions.len();
    let n_instances = logits.len() / n_classes;
    let output = Output::Gradient { factor: config.alpha / n_instances as f64 };
    let scores = Logits { logits, n_classes };
    let bag = Bag { n_instances, n_classes, alpha: config.alpha, epsilon: config.epsilon, scores: &scores };
    let certificate = workspace.solve(&bag, |class| proportions[class].to_f64(), config.solver, None, output);
    workspace.write_by_instance(gradient, n_classes);
    certificate
}

/// Scores that are logits, `[instance, class]`.
pub(crate) struct Logits<'a, T> {
    pub(crate) logits: &'a [T],
    pub(crate) n_classes: usize,
}

impl<T: Real> Scores<T> for Logits<'_, T> {
    const NORMALIZED: bool = true;

    fn fill_block(&self, first: usize, classes: &[usize], block: &mut [T]) {
        let rows = self.logits[first * self.n_classes..].chunks_exact(self.n_classes).take(LANES);
        if rows.len() < LANES {
            block.fill(T::ZERO);
        }
        for (lane, row) in rows.enumerate() {
            for (lanes, &class) in block.chunks_exact_mut(LANES).zip(classes) {
                lanes[lane] = row[class];
            }
        }
    }
}

/// Refuses a batch whose parts do not fit together or hold what is no number; `loss` is `[bag]`, `gradient` is
/// `[instance, class]`.
pub(crate) fn check_batch<T: Real>(
    batch: &RotBatch<'_, T>,
    loss_len: usize,
    gradient_len: usize,
) -> Result<(), OtError> {
    let (k, n_bags) = (batch.n_classes, batch.bag_sizes.len());
    if k == 0 {
        return Err(OtError::no_classes());
    }
    if let Some(bag) = batch.bag_sizes.iter().position(|&size| size == 0) {
        return Err(OtError::empty_bag(bag));
    }
    let expected = batch.bag_sizes.iter().sum::<usize>() * k;
    check_length("logits", batch.logits.len(), expected, "[instance, class]")?;
    check_length("gradient", gradient_len, expected, "[instance, class]")?;
    check_length("proportions", batch.proportions.len(), n_bags * k, "[bag, class]")?;
    check_length("loss", loss_len, n_bags, "[bag]")?;
    if let Some((index, value)) = first_out_of_range(batch.logits) {
        return Err(OtError::out_of_range("logits", index / k, index % k, value));
    }
    for (bag, z) in batch.proportions.chunks_exact(k).enumerate() {
        check_proportions(z.iter().map(|value| value.to_f64()))
            .map_err(|error| OtError::new(format!("bag {bag}: {error}")))?;
    }
    Ok(())
}

/// Calls `solve(proportions, logits, gradient)` for each bag of a batch and stores the losses and the reports, `[bag]`;
/// halves go to other threads while they are large.
pub(crate) fn for_each_bag<T: Real, R: Send>(
    batch: &RotBatch<'_, T>,
    loss: &mut [T],
    gradient: &mut [T],
    reports: &mut [R],
    solve: &(impl Fn(&[T], &[T], &mut [T]) -> (T, R) + Sync),
) {
    #[cfg(feature = "rayon")]
    if batch.bag_sizes.len() > 1 && batch.logits.len() >= 2 * PARALLEL_ENTRIES {
        let (left, right) = batch.halves();
        let (gradient, gradient_right) = gradient.split_at_mut(left.logits.len());
        let (loss, loss_right) = loss.split_at_mut(left.bag_sizes.len());
        let (reports, reports_right) = reports.split_at_mut(left.bag_sizes.len());
        rayon::join(
            || for_each_bag(&left, loss, gradient, reports, solve),
            || for_each_bag(&right, loss_right, gradient_right, reports_right, solve),
        );
        return;
    }
    let (mut logits, mut gradient) = (batch.logits, gradient);
    let proportions = batch.proportions.chunks_exact(batch.n_classes);
    let stored = loss.iter_mut().zip(reports);
    for ((&size, z), (loss, report)) in batch.bag_sizes.iter().zip(proportions).zip(stored) {
        let (of_bag, others) = logits.split_at(size * batch.n_classes);
        let (gradient_of_bag, gradient_of_others) = gradient.split_at_mut(of_bag.len());
        (*loss, *report) = solve(z, of_bag, gradient_of_bag);
        (logits, gradient) = (others, gradient_of_others);
    }
}

/// Lends the workspace of this thread, so that its memory is used again from call to call.
///
/// It is taken out while in use: a thread that waits for others inside a bag may start another bag.
pub(crate) fn with_workspace<T: Real, R>(work: impl FnOnce(&mut Workspace<T>) -> R) -> R {
    thread_local!(static SLOT: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) });
    // The slot serves both precisions: one that finds the other's workspace starts again.
    let mut workspace: Box<Workspace<T>> =
        SLOT.take().and_then(|kept| kept.downcast().ok()).unwrap_or_default();
    let result = work(&mut workspace);
    SLOT.set(Some(workspace));
    result
}

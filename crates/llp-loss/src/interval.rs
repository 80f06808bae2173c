//! Proportions that are known to be within bounds.

use llp_ot::{Imprecision, log_sum_exp};

use crate::mean::MeanPrediction;
use crate::op::Bag;
use crate::{BagTargets, LossError};

/// Refuses bags with standard errors.
pub(crate) fn check_bounds(loss: &str, targets: &BagTargets) -> Result<(), LossError> {
    match (0..targets.n_bags()).find(|&bag| !has_bounds(targets.imprecision_of(bag))) {
        None => Ok(()),
        Some(bag) => Err(LossError::Input(format!(
            "the loss {loss} needs bounds of the shares, bag {bag} has standard errors: the loss marginal takes them"
        ))),
    }
}

fn has_bounds(imprecision: &Imprecision) -> bool {
    match imprecision {
        Imprecision::StandardErrors(errors) => errors.iter().all(|e| *e == 0.0 || *e == f64::INFINITY),
        Imprecision::Exact | Imprecision::Intervals { .. } => true,
    }
}

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn of_bag(logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
    let mean = MeanPrediction::new(logits, bag.proportions.len());
    let logs = mean.logs();
    let nearest = project(&logs, &bounds(bag));
    mean.backward(&nearest, gradient);
    let terms = nearest.iter().zip(&logs).filter(|(z, _)| **z > 0.0);
    terms.map(|(z, log_mean)| z * (z.ln() - log_mean)).sum()
}

/// Lower and upper bound of each class.
fn bounds(bag: Bag<'_>) -> Vec<(f64, f64)> {
    if let Imprecision::Intervals { low, high } = bag.imprecision {
        return low.iter().copied().zip(high.iter().copied()).collect();
    }
    let of_class = |(class, z): (usize, &f64)| {
        if bag.imprecision.is_unknown(class) { (0.0, 1.0) } else { (*z, *z) }
    };
    bag.proportions.iter().enumerate().map(of_class).collect()
}

/// The proportions within `bounds` that are nearest to the prediction with logarithms `logs`, both `[class]`.
///
/// `z_i = min(max(t p_i, low_i), high_i)` grows with `t`, in pieces between the values of `t` at which a class meets
/// a bound. Within the piece that holds the solution, `t` is what the classes at their bounds leave, divided by the
/// prediction of the others.
fn project(logs: &[f64], bounds: &[(f64, f64)]) -> Vec<f64> {
    // At these log t a class leaves its lower bound and meets its upper one; log 0 is minus infinity: always left.
    let leaves_and_meets =
        |(log_mean, (low, high)): (&f64, &(f64, f64))| (low.ln() - log_mean, high.ln() - log_mean);
    let pieces: Vec<(f64, f64)> = logs.iter().zip(bounds).map(leaves_and_meets).collect();
    let mut ends: Vec<f64> = pieces.iter().flat_map(|&(leaves, meets)| [leaves, meets]).collect();
    ends.sort_by(f64::total_cmp);
    let at = |log_t: f64, class: usize| {
        let (leaves, meets) = pieces[class];
        if log_t <= leaves {
            bounds[class].0
        } else if log_t >= meets {
            bounds[class].1
        } else {
            (logs[class] + log_t).exp()
        }
    };
    let n_classes = logs.len();
    let is_reached = |log_t: f64| (0..n_classes).map(|class| at(log_t, class)).sum::<f64>() >= 1.0;
    let n_before = ends.partition_point(|&end| !is_reached(end));
    let Some(&end) = ends.get(n_before) else {
        return bounds.iter().map(|(_, high)| *high).collect(); // they add up to 1, up to rounding
    };
    let is_free = |class: &usize| pieces[*class].0 < end && end <= pieces[*class].1;
    let (free, bound): (Vec<usize>, Vec<usize>) = (0..n_classes).partition(is_free);
    let left = 1.0 - bound.iter().map(|&class| at(end, class)).sum::<f64>();
    let log_t = left.max(0.0).ln() - log_sum_exp(free.iter().map(|&class| logs[class]));
    let mut nearest: Vec<f64> = (0..n_classes).map(|class| at(end, class)).collect();
    for class in free {
        nearest[class] = (logs[class] + log_t).exp();
    }
    nearest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Proportions, a prediction, and bounds around the proportions.
    fn problems() -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<(f64, f64)>)> {
        let entries = (0.0_f64..1.0, -20.0_f64..0.0, 0.0_f64..0.5, 0.0_f64..0.5);
        prop::collection::vec(entries, 2..6).prop_filter_map("there are shares", |entries| {
            let sum: f64 = entries.iter().map(|e| e.0).sum();
            let normalizer = log_sum_exp(entries.iter().map(|e| e.1));
            let z: Vec<f64> = entries.iter().map(|e| e.0 / sum).collect();
            let around = |(z, e): (&f64, &(f64, f64, f64, f64))| ((z - e.2).max(0.0), (z + e.3).min(1.0));
            let bounds = z.iter().zip(&entries).map(around).collect();
            (sum > 0.0).then(|| (z, entries.iter().map(|e| e.1 - normalizer).collect(), bounds))
        })
    }

    fn divergence(z: &[f64], logs: &[f64]) -> f64 {
        let terms = z.iter().zip(logs).filter(|(z, _)| **z > 0.0);
        terms.map(|(z, log_p)| z * (z.ln() - log_p)).sum()
    }

    proptest! {
        /// The projection is within the bounds and on the simplex, and nothing else that does is nearer: neither the
        /// proportions that the bounds were made from nor any point on the way to them.
        #[test]
        fn the_projection_is_the_nearest((z, logs, bounds) in problems()) {
            let nearest = project(&logs, &bounds);
            prop_assert!((nearest.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for (z, (low, high)) in nearest.iter().zip(&bounds) {
                prop_assert!(*z >= low - 1e-12 && *z <= high + 1e-12);
            }
            for step in [0.01, 0.1, 0.5, 1.0] {
                let other: Vec<f64> = nearest.iter().zip(&z).map(|(a, b)| a + step * (b - a)).collect();
                prop_assert!(divergence(&nearest, &logs) <= divergence(&other, &logs) + 1e-12);
            }
        }

        /// A prediction within the bounds is its own projection.
        #[test]
        fn what_lies_within_stays((z, _, bounds) in problems()) {
            let logs: Vec<f64> = z.iter().map(|z| z.ln()).collect();
            for (nearest, z) in project(&logs, &bounds).iter().zip(&z) {
                prop_assert!((nearest - z).abs() < 1e-12);
            }
        }
    }
}

//! Labels with the counts that the bags' proportions give.

use llp_ot::{Real, assign};

use crate::parallel::map;
use crate::{Bags, LinearModel};

/// The labels of largest total score among those with the counts of each bag, by position in the order of
/// the bags.
pub(crate) fn best_labels<T: Real>(bags: &Bags<'_, T>, model: &LinearModel) -> Vec<usize> {
    let k = bags.n_classes();
    let of_bag = |bag: usize| {
        let instances = bags.instances(bag);
        let mut cost = vec![0.0; k * instances.len()];
        let mut scores = vec![0.0; k];
        for (at, &instance) in instances.iter().enumerate() {
            model.score_row(bags.row(instance), &mut scores);
            for (class, score) in scores.iter().enumerate() {
                cost[class * instances.len() + at] = -score.clamp(-1e90, 1e90);
            }
        }
        // Costs are finite and counts add up, so there is an assignment.
        assign(&cost, &bags.counts(bag)).map_or_else(|_| vec![0; instances.len()], |best| best.labels)
    };
    map(bags.n_bags(), of_bag).into_iter().flatten().collect()
}

/// One-hot rows, `[position, class]`.
pub(crate) fn one_hot(labels: &[usize], n_classes: usize) -> Vec<f64> {
    let mut rows = vec![0.0; labels.len() * n_classes];
    for (row, &label) in rows.chunks_exact_mut(n_classes).zip(labels) {
        row[label] = 1.0;
    }
    rows
}

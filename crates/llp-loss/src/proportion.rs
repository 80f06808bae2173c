//! Losses on the mean prediction of a bag with a divergence of `llp-ot`: `d_1(z, mean_j p_j)` of section 3.1.
//! Classes of unknown share count as one, whose share is the rest.

use llp_ot::Divergence;

use crate::op::Bag;
use crate::softmax::log_softmax;

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
pub(crate) fn of_bag(divergence: Divergence, logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
    let n_classes = bag.proportions.len();
    let n = (logits.len() / n_classes) as f64;
    let mut probs = log_softmax(logits, n_classes);
    for value in &mut probs {
        *value = value.exp();
    }
    let mut mean = vec![0.0; n_classes];
    for row in probs.chunks_exact(n_classes) {
        mean.iter_mut().zip(row).for_each(|(mean, p)| *mean += p / n);
    }
    let (value, slope) = of_mean(divergence, bag, &mean);
    // Through the mean and the softmax: p_k (slope_k - <slope, p>) / n.
    for (out, row) in gradient.chunks_exact_mut(n_classes).zip(probs.chunks_exact(n_classes)) {
        let inner: f64 = slope.iter().zip(row).map(|(s, p)| s * p).sum();
        for ((out, p), s) in out.iter_mut().zip(row).zip(&slope) {
            *out = p * (s - inner) / n;
        }
    }
    value
}

/// The divergence and its derivative by the mean prediction, `[class]`, with the classes of unknown share as one.
fn of_mean(divergence: Divergence, bag: Bag<'_>, mean: &[f64]) -> (f64, Vec<f64>) {
    let (unknown, known) = bag.unknown_and_known();
    let pooled = |values: &[f64]| -> Vec<f64> {
        let rest = (!unknown.is_empty()).then(|| unknown.iter().map(|&class| values[class]).sum());
        known.iter().map(|&class| values[class]).chain(rest).collect()
    };
    let (proportions, mean) = (pooled(bag.proportions), pooled(mean));
    let mut slope_of_pooled = vec![0.0; mean.len()];
    divergence.gradient(&proportions, &mean, &mut slope_of_pooled);
    let mut slope = vec![slope_of_pooled[mean.len() - 1]; bag.proportions.len()];
    for (&class, value) in known.iter().zip(slope_of_pooled) {
        slope[class] = value;
    }
    (divergence.value(&proportions, &mean), slope)
}

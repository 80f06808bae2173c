//! Bags as noisy labels, with forward correction.

use llp_ot::log_sum_exp;

use crate::BagTargets;
use crate::op::Bag;
use crate::softmax::log_softmax;

/// `log T_bc` of each bag of a batch, `[bag, class]`: how probable a bag is among those of its group for an instance of a
/// class, if all bags of the group are equally probable.
pub(crate) fn log_transitions(targets: &BagTargets) -> Vec<f64> {
    let n_classes = targets.n_classes();
    let mut logs = Vec::with_capacity(targets.proportions().len());
    for group in groups(targets.n_bags(), n_classes) {
        let of_group = &targets.proportions()[group.start * n_classes..group.end * n_classes];
        let sum = |class: usize| of_group.iter().skip(class).step_by(n_classes).sum::<f64>();
        let sums: Vec<f64> = (0..n_classes).map(sum).collect();
        // A class that the whole group lacks has probability 0, not 0 / 0.
        let log = |(index, &z): (usize, &f64)| {
            if z > 0.0 { z.ln() - sums[index % n_classes].ln() } else { f64::NEG_INFINITY }
        };
        logs.extend(of_group.iter().enumerate().map(log));
    }
    logs
}

/// Neighbouring bags in as many groups as can have a bag for each class, of sizes that differ by at most one.
fn groups(n_bags: usize, n_classes: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let n_groups = (n_bags / n_classes).max(1);
    (0..n_groups).map(move |i| i * n_bags / n_groups..(i + 1) * n_bags / n_groups)
}

/// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
/// `log_transitions` is `[bag, class]`.
pub(crate) fn of_bag(logits: &[f64], bag: Bag<'_>, log_transitions: &[f64], gradient: &mut [f64]) -> f64 {
    let n_classes = bag.proportions.len();
    let n = (logits.len() / n_classes) as f64;
    let log_t = &log_transitions[bag.index * n_classes..(bag.index + 1) * n_classes];
    let log_probs = log_softmax(logits, n_classes);
    let mut loss = 0.0;
    for (out, log_probs) in gradient.chunks_exact_mut(n_classes).zip(log_probs.chunks_exact(n_classes)) {
        let joint = || log_probs.iter().zip(log_t).map(|(log_prob, log_t)| log_prob + log_t);
        let log_sum = log_sum_exp(joint());
        loss -= log_sum / n;
        for ((out, joint), log_prob) in out.iter_mut().zip(joint()).zip(log_probs) {
            *out = (log_prob.exp() - (joint - log_sum).exp()) / n;
        }
    }
    loss
}

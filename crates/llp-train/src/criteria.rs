//! What bags say about a network's predictions of single instances, without any label of one.

use llp_bags::BagSet;
use llp_ot::argmax;

use crate::poisson_binomial::log_probability;

/// How far the counts that a network predicts for bags are from those that are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountCriteria {
    /// L1 distance of the counts of predicted classes and the known counts, over all bags, divided by the number of
    /// instances: from 0 to 2.
    pub l1: f64,
    /// Negative log-likelihood of the known counts, mean over bags, in nats: [`count_nll`].
    pub nll: f64,
}

/// The count criteria of some bags; `logits` are those of all their instances, bag after bag, `[instance, class]`.
///
/// Counts are the largest-remainder rounding of a bag's proportions. Of equally probable classes, the first is predicted.
///
/// # Panics
/// If there are not as many logits as instances.
pub fn count_criteria(logits: &[Vec<f32>], bags: &BagSet) -> CountCriteria {
    assert_eq!(logits.len(), bags.n_instances(), "logits are those of the bags");
    let (mut distance, mut nll, mut first) = (0, 0.0, 0);
    for bag in 0..bags.len() {
        let n = bags.instances(bag).len();
        let rows = &logits[first..first + n];
        let counts = bags.proportions(bag).largest_remainder_counts(n as u32);
        distance +=
            hard_counts(rows, counts.len()).iter().zip(&counts).map(|(a, b)| a.abs_diff(*b)).sum::<u32>();
        nll += count_nll(rows, &counts);
        first += n;
    }
    CountCriteria { l1: f64::from(distance) / first as f64, nll: nll / bags.len() as f64 }
}

/// The negative log-likelihood of a bag's counts, one class after the other, in nats:
/// `-sum_c ln P(K_c = counts[c])`, where `K_c` is how many of the instances are of class `c` if each draws its class from
/// the softmax of its `logits`, `[instance, class]`.
///
/// Each factor is [`log_probability`], exact for bags of up to 512; their product takes the counts of classes for
/// independent, which they are not: the joint probability costs time exponential in the number of classes. For two
/// classes both factors are equal, and the value is twice the exact one. Zero where all instances are certain and the counts are right.
///
/// Source: the loss of LLP-PVC. Deviation: the softmax takes the place of one sigmoid for each class.
pub fn count_nll(logits: &[Vec<f32>], counts: &[u32]) -> f64 {
    let log_odds: Vec<Vec<f64>> = logits.iter().map(|row| log_odds(row)).collect();
    let of_class = |(class, &count): (usize, &u32)| {
        let trials: Vec<f64> = log_odds.iter().map(|row| row[class]).collect();
        -log_probability(&trials, count as usize)
    };
    counts.iter().enumerate().map(of_class).sum()
}

/// How many instances have each class as the most probable one.
fn hard_counts(logits: &[Vec<f32>], n_classes: usize) -> Vec<u32> {
    let mut counts = vec![0; n_classes];
    for row in logits {
        counts[argmax(row)] += 1;
    }
    counts
}

/// `ln(p / (1 - p))` of each class for the softmax `p` of a row of logits. No difference of nearly equal numbers is
/// taken, so that the certain classes keep their digits.
fn log_odds(row: &[f32]) -> Vec<f64> {
    let best = argmax(row);
    let logit = |class: usize| f64::from(row[class]);
    let exp = |class: usize| (logit(class) - logit(best)).exp();
    let sum: f64 = (0..row.len()).map(exp).sum();
    let others = || (0..row.len()).filter(|class| *class != best);
    let runner_up = others().map(logit).fold(f64::NEG_INFINITY, f64::max);
    let rest: f64 = others().map(|class| (logit(class) - runner_up).exp()).sum();
    let of_class = |class: usize| {
        if class == best {
            logit(best) - runner_up - rest.ln()
        } else {
            // The best class is among the others, so that at least 1 is left.
            logit(class) - logit(best) - (sum - exp(class)).ln()
        }
    };
    (0..row.len()).map(of_class).collect()
}

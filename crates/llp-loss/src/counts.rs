//! The probability that a multinomial distribution gives to uncertain counts, exactly.
//!
//! A multinomial distribution is that of independent Poisson counts with their sum given \[levin:81\], so
//!
//! `P = sum_k multinomial(k; n, p) prod_i w_i(k_i) = n! [x^n] prod_i sum_k w_i(k) (x p_i)^k / k!`
//!
//! is a convolution of one sequence per class, for any weights `w_i`. For every `x` the formula holds with `x^-n`
//! before it; the `x` that makes the expected sum equal to `n` puts the wanted coefficient in the middle of the
//! convolution, where double precision has it to the last digits however improbable the counts are.

/// Log-weights of the counts of one class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CountWeights {
    /// The first count that is possible.
    pub(crate) first: usize,
    /// Of `first`, `first + 1`, ...
    pub(crate) log_weights: Vec<f64>,
}

/// What [`weigh_counts`] finds.
#[derive(Debug)]
pub(crate) struct WeighedCounts {
    /// Logarithm of the sum of the weights of all counts, each times its probability.
    pub(crate) log_probability: f64,
    /// The expected counts given that, `[class]`: also the derivative of `log_probability` by `log_p`.
    pub(crate) expected: Vec<f64>,
}

/// What falls below this part of the largest is left out: far below the rounding of the sum.
const NEGLIGIBLE: f64 = 1e-22;

/// Sums over all counts of `n` instances; some must have a weight. `log_p` is `[class]`, as is `weights`.
pub(crate) fn weigh_counts(n: usize, log_p: &[f64], weights: &[CountWeights]) -> WeighedCounts {
    let log_factorials = log_factorials(n);
    // log(w_i(k) p_i^k / k!)
    let terms: Vec<CountWeights> = weights
        .iter()
        .zip(log_p)
        .map(|(weights, log_p)| {
            let term = |(k, w): (usize, &f64)| w + k as f64 * log_p - log_factorials[k];
            let numbered = (weights.first..).zip(&weights.log_weights);
            CountWeights { first: weights.first, log_weights: numbered.map(term).collect() }
        })
        .collect();
    let log_x = balance(n, &terms);
    let tilted: Vec<Tilted> = terms.iter().map(|terms| Tilted::new(terms, log_x)).collect();
    let (coefficient, expected) = convolve(n, &tilted);
    let log_sums: f64 = tilted.iter().map(|tilted| tilted.log_sum).sum();
    let log_probability = log_factorials[n] + log_sums - n as f64 * log_x + coefficient.ln();
    WeighedCounts { log_probability, expected }
}

/// `log k!` for `k` up to `n`.
pub(crate) fn log_factorials(n: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n + 1];
    for k in 1..=n {
        sums[k] = sums[k - 1] + (k as f64).ln();
    }
    sums
}

/// Numbers at `first`, `first + 1`, ...; zero elsewhere.
struct Sequence {
    first: usize,
    values: Vec<f64>,
}

impl Sequence {
    fn numbered(&self) -> impl Iterator<Item = (usize, f64)> {
        (self.first..).zip(self.values.iter().copied())
    }

    /// The distribution of the sum of two numbers, one of each distribution, as far as it is at most `n`.
    fn plus(&self, other: &Self, n: usize) -> Self {
        let first = self.first + other.first;
        let len = (self.values.len() + other.values.len() - 1).min((n + 1).saturating_sub(first));
        let mut values = vec![0.0; len];
        for (offset, weight) in other.values.iter().enumerate().take(len) {
            for (out, value) in values[offset..].iter_mut().zip(&self.values) {
                *out += weight * value;
            }
        }
        Self { first, values }
    }
}

/// A distribution over the counts of one class: its terms times `x^k`, divided by their sum.
struct Tilted {
    counts: Sequence,
    log_sum: f64,
}

impl Tilted {
    fn new(terms: &CountWeights, log_x: f64) -> Self {
        let log: Vec<f64> =
            (terms.first..).zip(&terms.log_weights).map(|(k, term)| term + k as f64 * log_x).collect();
        let max = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = log.iter().map(|value| (value - max).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let kept = |weight: &f64| *weight > NEGLIGIBLE;
        let start = weights.iter().position(kept).unwrap_or(0);
        let end = weights.iter().rposition(kept).map_or(weights.len(), |last| last + 1);
        let values = weights[start..end].iter().map(|weight| weight / sum).collect();
        Self { counts: Sequence { first: terms.first + start, values }, log_sum: max + sum.ln() }
    }

    /// Mean and variance.
    fn moments(&self) -> (f64, f64) {
        let mean: f64 = self.counts.numbered().map(|(k, p)| k as f64 * p).sum();
        (mean, self.counts.numbered().map(|(k, p)| (k as f64 - mean).powi(2) * p).sum())
    }
}

/// The `log x` at which the expected sum of the counts is about `n`.
fn balance(n: usize, terms: &[CountWeights]) -> f64 {
    /// Enough to leave any logits behind, and to halve any bracket to nothing.
    const MAX_STEPS: usize = 64;
    let n = n as f64;
    // The excess of the expected sum, in standard deviations where there are any. It grows with log x.
    let excess = |log_x: f64| {
        let moments = terms.iter().map(|terms| Tilted::new(terms, log_x).moments());
        let (mean, variance) =
            moments.fold((0.0, 0.0), |sum, of_class| (sum.0 + of_class.0, sum.1 + of_class.1));
        (mean - n) / variance.sqrt().max(0.1)
    };
    let start = n.ln(); // exact without weights
    let first = excess(start);
    let direction = -first.signum();
    let (mut near, mut far, mut step) = (start, start, 1.0);
    if first.abs() < 0.1 {
        return start;
    }
    for _ in 0..MAX_STEPS {
        far = start + direction * step;
        if excess(far) * first <= 0.0 {
            break;
        }
        (near, step) = (far, 2.0 * step);
    }
    for _ in 0..MAX_STEPS {
        let middle = f64::midpoint(near, far);
        let at_middle = excess(middle);
        if at_middle.abs() < 0.1 {
            return middle;
        }
        *(if at_middle * first > 0.0 { &mut near } else { &mut far }) = middle;
    }
    far
}

/// The probability that the counts add up to `n`, and their expectations if they do.
fn convolve(n: usize, tilted: &[Tilted]) -> (f64, Vec<f64>) {
    // sums[i] is the distribution of the sum of the first i classes.
    let mut sums = vec![Sequence { first: 0, values: vec![1.0] }];
    for of_class in tilted {
        sums.push(sums[sums.len() - 1].plus(&of_class.counts, n));
    }
    let all = &sums[tilted.len()];
    let is_n = |(sum, _)| if sum == n { 1.0 } else { 0.0 };
    // The probability that the later classes bring a sum to n: the way back through the convolutions.
    let mut rest: Vec<f64> = all.numbered().map(is_n).collect(); // as sums[class + 1]
    let coefficient: f64 = all.values.iter().zip(&rest).map(|(p, rest)| p * rest).sum();
    let mut expected = vec![0.0; tilted.len()];
    for (class, of_class) in tilted.iter().enumerate().rev() {
        let before = &sums[class].values;
        let mut rest_before = vec![0.0; before.len()];
        for (offset, (k, p)) in of_class.counts.numbered().enumerate().take(rest.len()) {
            let mut joint = 0.0;
            for ((out, rest), before) in rest_before.iter_mut().zip(&rest[offset..]).zip(before) {
                *out += p * rest;
                joint += rest * before;
            }
            expected[class] += k as f64 * p * joint / coefficient;
        }
        rest = rest_before;
    }
    (coefficient, expected)
}

/// Widens the ranges of counts, `[class]`, ends included, by one count on the side that is short until some counts
/// within them add up to `n`.
pub(crate) fn make_possible(n: usize, ranges: &mut [(usize, usize)]) {
    while ranges.iter().map(|range| range.0).sum::<usize>() > n {
        for range in ranges.iter_mut() {
            range.0 = range.0.saturating_sub(1);
        }
    }
    while ranges.iter().map(|range| range.1).sum::<usize>() < n {
        for range in ranges.iter_mut() {
            range.1 = (range.1 + 1).min(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bag size, logarithms of probabilities, and weights of all counts of each class.
    fn problems() -> impl Strategy<Value = (usize, Vec<f64>, Vec<CountWeights>)> {
        (1_usize..7, 1_usize..4).prop_flat_map(|(n, n_classes)| {
            let weights = prop::collection::vec(-30.0_f64..0.0, n + 1);
            let weights = weights.prop_map(|log_weights| CountWeights { first: 0, log_weights });
            let logs = prop::collection::vec(-40.0_f64..0.0, n_classes);
            (Just(n), logs, prop::collection::vec(weights, n_classes))
        })
    }

    /// Every vector of counts that add up to `n`.
    fn all_counts(n: usize, n_classes: usize) -> Vec<Vec<usize>> {
        if n_classes == 1 {
            return vec![vec![n]];
        }
        let with =
            |k: usize| all_counts(n - k, n_classes - 1).into_iter().map(move |rest| [vec![k], rest].concat());
        (0..=n).flat_map(with).collect()
    }

    proptest! {
        /// The sum over all counts, one by one: their weights times the multinomial probability.
        #[test]
        fn the_convolution_is_the_sum_over_all_counts((n, log_p, weights) in problems()) {
            let factorials = log_factorials(n);
            let log_term = |counts: &Vec<usize>| -> f64 {
                factorials[n] + counts.iter().enumerate().map(|(class, &k)| {
                    weights[class].log_weights[k] + k as f64 * log_p[class] - factorials[k]
                }).sum::<f64>()
            };
            let all = all_counts(n, log_p.len());
            let log_sum = llp_ot::log_sum_exp(all.iter().map(log_term));
            let found = weigh_counts(n, &log_p, &weights);
            prop_assert!((found.log_probability - log_sum).abs() < 1e-9, "{} {log_sum}", found.log_probability);
            for (class, expected) in found.expected.iter().enumerate() {
                let mean: f64 = all.iter().map(|counts| counts[class] as f64 * (log_term(counts) - log_sum).exp()).sum();
                prop_assert!((expected - mean).abs() < 1e-9, "{expected} {mean}");
            }
        }
    }

    /// A thousand instances whose counts are known exactly and next to impossible: the multinomial probability.
    #[test]
    fn improbable_counts_keep_their_digits() {
        let counts = [990_usize, 0, 10];
        let log_p: [f64; 3] = [-300.0, 0.0, -700.0];
        let known = |&k: &usize| CountWeights { first: k, log_weights: vec![0.0] };
        let weights: Vec<_> = counts.iter().map(known).collect();
        let factorials = log_factorials(1000);
        let terms = counts.iter().zip(log_p).map(|(&k, log_p)| k as f64 * log_p - factorials[k]);
        let expected = factorials[1000] + terms.sum::<f64>();
        let found = weigh_counts(1000, &log_p, &weights);
        assert!((found.log_probability / expected - 1.0).abs() < 1e-12);
        assert!((found.expected[0] - 990.0).abs() < 1e-9);
    }

    /// Without weights all counts together have the probability 1, for large bags too.
    #[test]
    fn all_counts_together_are_certain() {
        for n in [1, 10, 5_000] {
            let log_p = [0.7_f64.ln(), 0.2999_f64.ln(), 0.0001_f64.ln()];
            let weights = vec![CountWeights { first: 0, log_weights: vec![0.0; n + 1] }; 3];
            let found = weigh_counts(n, &log_p, &weights);
            assert!(found.log_probability.abs() < 1e-10, "{n}: {}", found.log_probability);
            assert!((found.expected[2] - 0.0001 * n as f64).abs() < 1e-9 * n as f64);
        }
    }
}

//! Factorial moments of a bag's counts.

use crate::LossError;
use crate::op::Bag;
use crate::softmax::log_softmax;

/// Most states that are allocated for: more than order 8 of ten classes has, 43,758.
const MAX_STATES: usize = 1_000_000;

/// Refuses orders of so many classes that their states fill the memory.
pub(crate) fn check(order: usize, n_classes: usize) -> Result<(), LossError> {
    // C(classes + order, order); every partial product is a binomial coefficient.
    let n_states = (1..=order).fold(1_usize, |states, r| states.saturating_mul(n_classes + r) / r);
    if n_states > MAX_STATES {
        return Err(LossError::Input(format!(
            "moments of order {order} of {n_classes} classes have {n_states} terms for each instance: take a smaller order"
        )));
    }
    Ok(())
}

/// Share of the uniform distribution in the predicted one.
const UNIFORM: f64 = 1e-4;

/// Counts of up to `order` drawn instances, by their number, smaller numbers first.
struct States {
    n_classes: usize,
    /// `[state, class]`.
    counts: Vec<u8>,
    /// The classes of each state, ascending, and the state with one instance less of them.
    before: Vec<(u32, u32)>,
    /// Where those of each state begin in `before`, and one past the last.
    before_starts: Vec<usize>,
    /// The first state of each number of instances, and one past the last state.
    starts: Vec<usize>,
}

impl States {
    fn new(n_classes: usize, order: usize) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let mut states = Self {
            n_classes,
            counts: vec![0; n_classes],
            before: Vec::new(),
            before_starts: vec![0, 0],
            starts: vec![0, 1],
        };
        numbers.insert(vec![0_u8; n_classes], 0_u32);
        for degree in 1..=order {
            for state in states.starts[degree - 1]..states.starts[degree] {
                // Each multiset once: a class is added only behind the last one that is there.
                let counts = states.counts[state * n_classes..][..n_classes].to_vec();
                let last = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
                for class in last..n_classes {
                    let mut more = counts.clone();
                    more[class] += 1;
                    numbers.insert(more.clone(), (states.counts.len() / n_classes) as u32);
                    states.counts.extend(more);
                }
            }
            states.starts.push(states.counts.len() / n_classes);
        }
        let mut less = vec![0; n_classes];
        for counts in states.counts.chunks_exact(n_classes).skip(1) {
            less.copy_from_slice(counts);
            for class in (0..n_classes).filter(|&class| counts[class] > 0) {
                less[class] -= 1;
                states.before.push((class as u32, numbers[&less]));
                less[class] += 1;
            }
            states.before_starts.push(states.before.len());
        }
        states
    }

    fn len(&self) -> usize {
        self.counts.len() / self.n_classes
    }

    fn before(&self, state: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of_state = &self.before[self.before_starts[state]..self.before_starts[state + 1]];
        of_state.iter().map(|&(class, before)| (class as usize, before as usize))
    }

    /// Multiplies the polynomial with `coefficients`, `[state]`, by `1 + sum_c p_c x_c`.
    fn multiply(&self, coefficients: &mut [f64], p: &[f64]) {
        for state in (1..self.len()).rev() {
            let added: f64 = self.before(state).map(|(class, before)| p[class] * coefficients[before]).sum();
            coefficients[state] += added;
        }
    }

    /// Divides by the same.
    fn divide(&self, coefficients: &mut [f64], p: &[f64]) {
        for state in 1..self.len() {
            let added: f64 = self.before(state).map(|(class, before)| p[class] * coefficients[before]).sum();
            coefficients[state] -= added;
        }
    }
}

/// What the bags of a batch share.
pub(crate) struct StatesOfMoments {
    order: usize,
    states: States,
}

impl StatesOfMoments {
    pub(crate) fn new(order: usize, n_classes: usize) -> Self {
        Self { order, states: States::new(n_classes, order) }
    }

    /// The loss of one bag; its derivative by the logits, `[instance, class]`, is written to `gradient`, which is zero.
    pub(crate) fn of_bag(&self, logits: &[f64], bag: Bag<'_>, gradient: &mut [f64]) -> f64 {
        let k = bag.proportions.len();
        let n = logits.len() / k;
        let probs: Vec<f64> = log_softmax(logits, k).iter().map(|log_p| log_p.exp()).collect();
        let mut coefficients = vec![0.0; self.states.len()];
        coefficients[0] = 1.0;
        for p in probs.chunks_exact(k) {
            self.states.multiply(&mut coefficients, p);
        }
        let (loss, by_coefficient) = self.compare(&coefficients, bag.proportions, n);
        let mut others = vec![0.0; coefficients.len()];
        let mut by_probs = vec![0.0; k];
        for (p, out) in probs.chunks_exact(k).zip(gradient.chunks_exact_mut(k)) {
            others.copy_from_slice(&coefficients);
            self.states.divide(&mut others, p);
            by_probs.fill(0.0);
            for (state, derivative) in by_coefficient.iter().enumerate().skip(1) {
                for (class, before) in self.states.before(state) {
                    by_probs[class] += derivative * others[before];
                }
            }
            let mean: f64 = p.iter().zip(&by_probs).map(|(p, d)| p * d).sum();
            for ((out, p), derivative) in out.iter_mut().zip(p).zip(&by_probs) {
                *out = p * (derivative - mean);
            }
        }
        loss
    }

    /// The loss, and its derivative by the coefficients, `[state]`.
    fn compare(&self, coefficients: &[f64], proportions: &[f64], n: usize) -> (f64, Vec<f64>) {
        let orders = self.order.min(n);
        let mut derivatives = vec![0.0; coefficients.len()];
        let mut loss = 0.0;
        for order in 1..=orders {
            let range = self.states.starts[order]..self.states.starts[order + 1];
            let known: Vec<f64> = range.clone().map(|state| self.ways(state, proportions, n)).collect();
            let sum: f64 = known.iter().sum();
            // The predictions of different classes add up to 1 for each instance, so the coefficients do to this.
            let all = binomial(n as f64, order);
            let uniform = UNIFORM * (self.states.n_classes as f64).powi(-(order as i32));
            for (state, known) in range.zip(known).filter(|(_, known)| *known > 0.0) {
                let arrangements = self.arrangements(state, order);
                let scale = (1.0 - UNIFORM) / (all * arrangements);
                let predicted = scale * coefficients[state].max(0.0) + uniform;
                let weight = known / sum / orders as f64;
                loss -= weight * predicted.ln();
                derivatives[state] = -weight * scale / predicted;
            }
        }
        (loss, derivatives)
    }

    /// In how many ways the instances of a state can be drawn from the bag.
    fn ways(&self, state: usize, proportions: &[f64], n: usize) -> f64 {
        let counts = &self.states.counts[state * self.states.n_classes..];
        proportions.iter().zip(counts).map(|(z, &count)| binomial(z * n as f64, usize::from(count))).product()
    }

    /// Number of orders in which the classes of a state can be drawn.
    fn arrangements(&self, state: usize, order: usize) -> f64 {
        let factorial = |count: usize| (1..=count).map(|i| i as f64).product::<f64>();
        let counts = &self.states.counts[state * self.states.n_classes..][..self.states.n_classes];
        factorial(order) / counts.iter().map(|&count| factorial(usize::from(count))).product::<f64>()
    }
}

/// `n (n - 1) ... (n - k + 1) / k!`, with negative factors as 0 and those that rounding keeps from 0, too.
fn binomial(n: f64, k: usize) -> f64 {
    let factor = |i: usize| {
        let left = n - i as f64;
        if left < 1e-6 { 0.0 } else { left / (i + 1) as f64 }
    };
    (0..k).map(factor).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order 8 of ten classes is as large as the documentation says; a hundred classes would fill the memory.
    #[test]
    fn orders_that_fill_the_memory_are_refused() {
        assert_eq!(States::new(10, 8).len(), 43_758);
        check(8, 10).unwrap();
        let refused = check(8, 100).unwrap_err().to_string();
        assert!(refused.contains(" 352025629371 terms"), "{refused}");
        check(1, 999_999).unwrap();
        check(1, 1_000_000).unwrap_err();
    }

    /// There are C(K + R, R) counts of up to R instances, each once, and each state leads back to all that are one less.
    #[test]
    fn states_are_all_counts() {
        for (k, order) in [(1, 4), (2, 5), (4, 3), (10, 3)] {
            let states = States::new(k, order);
            assert_eq!(states.len() as f64, binomial((k + order) as f64, order).round());
            for state in 0..states.len() {
                let counts = &states.counts[state * k..][..k];
                assert_eq!(states.before(state).count(), counts.iter().filter(|count| **count > 0).count());
                for (class, before) in states.before(state) {
                    let mut less = counts.to_vec();
                    less[class] -= 1;
                    assert_eq!(&states.counts[before * k..][..k], less);
                }
            }
        }
    }
}

//! Responsibilities: the class of each instance of a bag, given probabilities and the counts of the bag.

use crate::kernels::{add_scaled, divide};

/// Posterior `[instance, class]` of the labels of a bag given its counts, for independent labels with
/// probabilities `p`, `[instance, class]`; and the logarithm of the probability of the counts.
///
/// Exact, by two passes over the counts of the instances so far: `n` times the product of `count + 1`
/// operations. `None` if the counts have no probability.
pub(crate) fn exact(p: &[f64], counts: &[u32]) -> Option<(Vec<f64>, f64)> {
    let k = counts.len();
    let n = p.len() / k;
    let lattice = Lattice::new(counts);
    // Scaled, so that products of many probabilities do not underflow.
    let mut prefix = Vec::with_capacity(n + 1);
    let mut log_scale = 0.0;
    prefix.push(lattice.origin());
    for row in p.chunks_exact(k) {
        let mut next = lattice.forward(prefix.last()?, row);
        log_scale += normalize(&mut next)?;
        prefix.push(next);
    }
    let likelihood = *prefix.last()?.last()?;
    if likelihood <= 0.0 {
        return None;
    }
    let mut q = vec![0.0; p.len()];
    let mut suffix = lattice.end();
    for (at, row) in p.chunks_exact(k).enumerate().rev() {
        let q = &mut q[at * k..(at + 1) * k];
        lattice.join(&prefix[at], &suffix, row, q);
        let sum: f64 = q.iter().sum();
        divide(q, sum);
        suffix = lattice.backward(&suffix, row);
        normalize(&mut suffix)?;
    }
    Some((q, log_scale + likelihood.ln()))
}

/// The number of states of [`exact`]: the product of `count + 1`; saturating.
pub(crate) fn n_states(counts: &[u32]) -> usize {
    counts.iter().fold(1_usize, |product, &count| product.saturating_mul(count as usize + 1))
}

/// The same by the multinomial approximation: the counts of the others are taken as multinomial with their
/// mean probabilities.
pub(crate) fn multinomial(p: &[f64], counts: &[u32]) -> Vec<f64> {
    let k = counts.len();
    let mut sums = vec![0.0; k];
    p.chunks_exact(k).for_each(|row| add_scaled(&mut sums, 1.0, row));
    let mut q = p.to_vec();
    for row in q.chunks_exact_mut(k) {
        for ((q, sum), &count) in row.iter_mut().zip(&sums).zip(counts) {
            // Without others of the class the instance must be it, or the class cannot be.
            *q = if count == 0 { 0.0 } else { *q * f64::from(count) / (sum - *q).max(1e-12) };
        }
        let total: f64 = row.iter().sum();
        divide(row, total);
    }
    q
}

/// Divides by the largest entry and returns its logarithm; `None` if all are 0.
fn normalize(values: &mut [f64]) -> Option<f64> {
    let largest = values.iter().copied().fold(0.0, f64::max);
    divide(values, largest);
    (largest > 0.0).then(|| largest.ln())
}

/// All counts up to those of the bag, row-major.
struct Lattice {
    size: usize,
    strides: Vec<usize>,
    counts: Vec<usize>,
}

impl Lattice {
    fn new(counts: &[u32]) -> Self {
        let counts: Vec<usize> = counts.iter().map(|&count| count as usize).collect();
        let mut strides = Vec::with_capacity(counts.len());
        let mut size = 1;
        for count in &counts {
            strides.push(size);
            size *= count + 1;
        }
        Self { size, strides, counts }
    }

    fn origin(&self) -> Vec<f64> {
        let mut values = vec![0.0; self.size];
        values[0] = 1.0;
        values
    }

    fn end(&self) -> Vec<f64> {
        let mut values = vec![0.0; self.size];
        values[self.size - 1] = 1.0;
        values
    }

    /// Calls `work(state, state with one more of the class)` for every state that has room for it.
    fn edges(&self, class: usize, mut work: impl FnMut(usize, usize)) {
        let (stride, count) = (self.strides[class], self.counts[class]);
        let period = stride * (count + 1);
        for start in (0..self.size).step_by(period) {
            for state in start..start + stride * count {
                work(state, state + stride);
            }
        }
    }

    /// One more instance.
    fn forward(&self, from: &[f64], p: &[f64]) -> Vec<f64> {
        let mut to = vec![0.0; self.size];
        for (class, p) in p.iter().enumerate() {
            self.edges(class, |low, high| to[high] += p * from[low]);
        }
        to
    }

    /// One instance less before the end.
    fn backward(&self, from: &[f64], p: &[f64]) -> Vec<f64> {
        let mut to = vec![0.0; self.size];
        for (class, p) in p.iter().enumerate() {
            self.edges(class, |low, high| to[low] += p * from[high]);
        }
        to
    }

    /// The weight of each class for the instance between a prefix and a suffix.
    fn join(&self, prefix: &[f64], suffix: &[f64], p: &[f64], q: &mut [f64]) {
        for (class, (q, p)) in q.iter_mut().zip(p).enumerate() {
            self.edges(class, |low, high| *q += p * prefix[low] * suffix[high]);
        }
    }
}

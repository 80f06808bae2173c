//! Class probabilities from logits.

use crate::Real;
use crate::parallel::for_each_chunk;
use crate::simd::{LANES, Lanes, vectorized};

/// Rows of a chunk.
const CHUNK_ROWS: usize = 512;

/// Writes `scale * softmax` of each row of `logits`, `[instance, class]`, to `out`.
///
/// Returns the sum of the log-sum-exps of the rows.
pub(crate) fn softmax_rows<T: Real>(logits: &[T], n_classes: usize, scale: T, out: &mut [T]) -> f64 {
    let chunk_len = CHUNK_ROWS * n_classes;
    let parallel = logits.len() >= 1 << 15;
    let mut sums = vec![0.0; logits.len().div_ceil(chunk_len)];
    for_each_chunk((out, chunk_len), (&mut sums, 1), parallel, |chunk, out, sum| {
        let logits = &logits[chunk * chunk_len..][..out.len()];
        sum[0] = vectorized(|| softmax_chunk(logits, n_classes, scale, out));
    });
    sums.iter().sum()
}

#[inline(always)]
fn softmax_chunk<T: Real>(logits: &[T], n_classes: usize, scale: T, out: &mut [T]) -> f64 {
    let mut log_sum = 0.0;
    let (mut product, mut n_factors) = (1.0, 0);
    for (row, out) in logits.chunks_exact(n_classes).zip(out.chunks_exact_mut(n_classes)) {
        let (max, sum) = softmax_row(row, scale, out);
        // A sum of exponentials lies in [1, K]: 32 factors stay in range up to ten billion classes.
        product *= sum;
        n_factors += 1;
        log_sum += max;
        if n_factors == 32 {
            log_sum += product.ln();
            (product, n_factors) = (1.0, 0);
        }
    }
    log_sum + product.ln()
}

/// Returns the largest logit and the sum of the exponentials below it.
#[inline(always)]
fn softmax_row<T: Real>(row: &[T], scale: T, out: &mut [T]) -> (f64, f64) {
    let n_full = row.len() / LANES * LANES;
    let mut max = Lanes::splat(row[0]);
    for part in row[..n_full].chunks_exact(LANES) {
        max = max.zip(load(part), Real::max);
    }
    let tail = &row[n_full..];
    max = max.zip(load_padded(tail, row[0]), Real::max);
    let max = max.0.iter().copied().fold(row[0], Real::max);
    let mut sum = Lanes::ZERO;
    for (part, out) in row[..n_full].chunks_exact(LANES).zip(out.chunks_exact_mut(LANES)) {
        let value = load(part).map(|x| (x - max).exp());
        sum = sum.zip(value, |a, b| a + b);
        out.copy_from_slice(&value.0);
    }
    let mut value = load_padded(tail, max).map(|x| (x - max).exp());
    value.0[tail.len()..].fill(T::ZERO);
    sum = sum.zip(value, |a, b| a + b);
    out[n_full..].copy_from_slice(&value.0[..tail.len()]);
    let sum = sum.sum();
    let factor = T::from_f64(scale.to_f64() / sum);
    for out in out {
        *out = *out * factor;
    }
    (max.to_f64(), sum)
}

#[inline(always)]
fn load<T: Real>(part: &[T]) -> Lanes<T> {
    let mut lanes = Lanes::ZERO;
    lanes.0.copy_from_slice(part);
    lanes
}

#[inline(always)]
fn load_padded<T: Real>(tail: &[T], padding: T) -> Lanes<T> {
    let mut lanes = Lanes::splat(padding);
    lanes.0[..tail.len()].copy_from_slice(tail);
    lanes
}

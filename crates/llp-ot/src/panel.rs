//! The `[class, instance]` half of a problem: everything that costs `O(K n)`.
//!
//! A panel stores minus the cost in blocks of [`LANES`] instances, class by class within a block, so that all sums over
//! classes are vector operations without a shuffle. Next to it lies the *kernel*
//! `G_ij = exp((g_i - C_ij - max_i(g_i - C_ij)) / epsilon)` around a reference potential `g`. The coupling of any
//! potential `f` is `U_ij = a_i G_ij / sum_i a_i G_ij` with `a_i = exp((f_i - g_i) / epsilon)`: a few multiply-adds per
//! entry instead of an exponential. When `f` has moved so far that `a` would leave the range of the precision, the
//! kernel is computed anew around it ("absorption"), which makes this as robust as the log domain.

use crate::Real;
use crate::parallel::for_each_chunk;
use crate::simd::{LANES, Lanes, vectorized};

/// Blocks of a chunk, the unit of work inside a bag, and the largest number of chunks.
const CHUNK_BLOCKS: usize = 64;
const MAX_CHUNKS: usize = 64;
/// Entries from which a pass over the panel is worth a second thread.
const PARALLEL_EXPONENTIALS: usize = 1 << 15;
const PARALLEL_MULTIPLIES: usize = 1 << 18;

/// What one chunk adds to the sums over instances.
#[derive(Debug, Default)]
struct Partial<T> {
    lanes: Vec<Lanes<T>>,
    sums: Vec<f64>,
    offset: f64,
}

// Without the alignment of `Lanes` in the derive.
impl<T: Real> Default for Lanes<T> {
    fn default() -> Self {
        Self::ZERO
    }
}

#[derive(Debug, Default)]
pub(crate) struct Panel<T> {
    n_instances: usize,
    n_classes: usize,
    chunk_blocks: usize,
    /// Minus the cost, `[block, class, lane]`.
    scores: Vec<Lanes<T>>,
    /// `[block, class, lane]`.
    kernel: Vec<Lanes<T>>,
    /// `1 / sum_i a_i G_ij`, 0 for the padding, `[block, lane]`.
    inverse: Vec<Lanes<T>>,
    reference: Vec<T>,
    /// `a`, `[class]`.
    scale: Vec<T>,
    factor: Vec<T>,
    inverse_epsilon: f64,
    /// `sum_j max_i(g_i - C_ij)`.
    offset: f64,
    partials: Vec<Partial<T>>,
}

impl<T: Real> Panel<T> {
    pub(crate) fn n_instances(&self) -> usize {
        self.n_instances
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Starts a new problem; `score(instance, class)` is minus the cost.
    pub(crate) fn fill(
        &mut self,
        n_instances: usize,
        n_classes: usize,
        epsilon: f64,
        score: impl Fn(usize, usize) -> T + Sync,
    ) {
        let n_blocks = n_instances.div_ceil(LANES);
        self.n_instances = n_instances;
        self.n_classes = n_classes;
        self.chunk_blocks = CHUNK_BLOCKS.max(n_blocks.div_ceil(MAX_CHUNKS));
        self.inverse_epsilon = epsilon.recip();
        self.scores.resize(n_blocks * n_classes, Lanes::ZERO);
        self.kernel.resize(n_blocks * n_classes, Lanes::ZERO);
        self.inverse.resize(n_blocks, Lanes::ZERO);
        self.partials.resize_with(n_blocks.div_ceil(self.chunk_blocks), Partial::default);
        let first_instance = self.chunk_blocks * LANES;
        for_each_chunk(
            (&mut self.scores, self.chunk_blocks * n_classes),
            (&mut self.inverse, self.chunk_blocks),
            n_instances * n_classes >= PARALLEL_EXPONENTIALS,
            |chunk, scores, _| {
                for (block, scores) in scores.chunks_exact_mut(n_classes).enumerate() {
                    let first = chunk * first_instance + block * LANES;
                    let n_valid = LANES.min(n_instances - first);
                    for lane in 0..n_valid {
                        for (class, scores) in scores.iter_mut().enumerate() {
                            scores.0[lane] = score(first + lane, class);
                        }
                    }
                    for scores in scores.iter_mut() {
                        scores.0[n_valid..].fill(T::ZERO);
                    }
                }
            },
        );
        self.reference.clear();
    }

    /// Moves to the potential `f` and writes the masses `U(f) 1` to `mass`, both `[class]`.
    pub(crate) fn evaluate(&mut self, f: &[f64], mass: &mut [f64]) {
        if self.out_of_range(f) {
            self.absorb(f);
        }
        self.scale.clear();
        self.scale.extend(f.iter().zip(&self.reference).map(|(f, g)| {
            // Where costs are so large that their own rounding exceeds epsilon, so may that of the reference.
            let exponent = (f - g.to_f64()) * self.inverse_epsilon;
            T::from_f64(exponent.clamp(-T::SCALING_RANGE, T::SCALING_RANGE).exp())
        }));
        let (kernel, scale, k) = (&self.kernel, &self.scale, self.n_classes);
        let (n_instances, chunk_blocks) = (self.n_instances, self.chunk_blocks);
        for_each_chunk(
            (&mut self.inverse, chunk_blocks),
            (&mut self.partials, 1),
            n_instances * k >= PARALLEL_MULTIPLIES,
            |chunk, inverse, partial| {
                let first = chunk * chunk_blocks;
                let kernel = &kernel[first * k..(first + inverse.len()) * k];
                let n_valid = n_instances - first * LANES;
                vectorized(|| normalize_chunk(kernel, scale, n_valid, inverse, &mut partial[0]));
            },
        );
        self.reduce(mass);
        for (mass, scale) in mass.iter_mut().zip(&self.scale) {
            *mass *= scale.to_f64();
        }
    }

    /// `y_i = sum_j U_ij sum_k U_kj x_k`, `[class]`, at the potential of the last [`evaluate`](Self::evaluate).
    pub(crate) fn multiply(&mut self, x: &[f64], y: &mut [f64]) {
        self.factor.clear();
        self.factor.extend(x.iter().zip(&self.scale).map(|(x, a)| T::from_f64(x * a.to_f64())));
        let (kernel, factor, k, chunk_blocks) = (&self.kernel, &self.factor, self.n_classes, self.chunk_blocks);
        for_each_chunk(
            (&mut self.inverse, chunk_blocks),
            (&mut self.partials, 1),
            self.n_instances * k >= PARALLEL_MULTIPLIES,
            |chunk, inverse, partial| {
                let first = chunk * chunk_blocks;
                let kernel = &kernel[first * k..(first + inverse.len()) * k];
                vectorized(|| multiply_chunk(kernel, factor, inverse, &mut partial[0]));
            },
        );
        self.reduce(y);
        for (y, scale) in y.iter_mut().zip(&self.scale) {
            *y *= scale.to_f64();
        }
    }

    /// `sum_j U_ij (1 - U_ij)`, `[class]`.
    pub(crate) fn variance(&mut self, out: &mut [f64]) {
        let (kernel, scale, k, chunk_blocks) = (&self.kernel, &self.scale, self.n_classes, self.chunk_blocks);
        for_each_chunk(
            (&mut self.inverse, chunk_blocks),
            (&mut self.partials, 1),
            self.n_instances * k >= PARALLEL_MULTIPLIES,
            |chunk, inverse, partial| {
                let first = chunk * chunk_blocks;
                let kernel = &kernel[first * k..(first + inverse.len()) * k];
                vectorized(|| variance_chunk(kernel, scale, inverse, &mut partial[0]));
            },
        );
        self.reduce(out);
    }

    /// The entries `i > k` of `U U^T`, row-major `[class, class]`; the others are left alone.
    pub(crate) fn gram(&mut self, out: &mut [f64]) {
        let (kernel, scale, k, chunk_blocks) = (&self.kernel, &self.scale, self.n_classes, self.chunk_blocks);
        for_each_chunk(
            (&mut self.inverse, chunk_blocks),
            (&mut self.partials, 1),
            self.n_instances * k * k >= PARALLEL_MULTIPLIES,
            |chunk, inverse, partial| {
                let first = chunk * chunk_blocks;
                let kernel = &kernel[first * k..(first + inverse.len()) * k];
                let sums = &mut partial[0].sums;
                sums.clear();
                sums.resize(k * k, 0.0);
                vectorized(|| gram_chunk(kernel, k, inverse, sums));
            },
        );
        self.reduce(out);
        for (i, row) in out.chunks_exact_mut(k).enumerate() {
            for (value, other) in row[..i].iter_mut().zip(scale) {
                *value *= scale[i].to_f64() * other.to_f64();
            }
        }
    }

    /// `sum_j log sum_i exp((f_i - C_ij) / epsilon)` at the potential of the last [`evaluate`](Self::evaluate).
    pub(crate) fn log_sum(&self) -> f64 {
        let logs: f64 = self
            .inverse
            .iter()
            .enumerate()
            .map(|(block, inverse)| {
                let n_valid = LANES.min(self.n_instances - block * LANES);
                // One logarithm per block: 8 factors within exp(+-SCALING_RANGE) stay far inside the range.
                -inverse.0[..n_valid].iter().map(|value| value.to_f64()).product::<f64>().ln()
            })
            .sum();
        logs + self.offset * self.inverse_epsilon
    }

    /// Calls `write(instance, class, U_ij)` for each entry.
    pub(crate) fn visit(&self, mut write: impl FnMut(usize, usize, T)) {
        let k = self.n_classes;
        for instance in 0..self.n_instances {
            let (block, lane) = (instance / LANES, instance % LANES);
            let inverse = self.inverse[block].0[lane];
            let kernel = &self.kernel[block * k..(block + 1) * k];
            for (class, (kernel, &scale)) in kernel.iter().zip(&self.scale).enumerate() {
                write(instance, class, kernel.0[lane] * scale * inverse);
            }
        }
    }

    /// Minus the cost of one entry.
    pub(crate) fn score(&self, instance: usize, class: usize) -> f64 {
        self.scores[instance / LANES * self.n_classes + class].0[instance % LANES].to_f64()
    }

    fn out_of_range(&self, f: &[f64]) -> bool {
        self.reference.is_empty()
            || f.iter().zip(&self.reference).any(|(f, g)| {
                let exponent = (f - g.to_f64()) * self.inverse_epsilon;
                // Also true for the NaN that a rejected trial step may have left in the reference.
                !(exponent.abs() <= T::SCALING_RANGE)
            })
    }

    /// Computes the kernel around `f`.
    fn absorb(&mut self, f: &[f64]) {
        self.reference.clear();
        self.reference.extend(f.iter().map(|&f| T::from_f64(f)));
        let (scores, reference, k) = (&self.scores, &self.reference, self.n_classes);
        let (n_instances, chunk_blocks) = (self.n_instances, self.chunk_blocks);
        let inverse_epsilon = T::from_f64(self.inverse_epsilon);
        for_each_chunk(
            (&mut self.kernel, chunk_blocks * k),
            (&mut self.partials, 1),
            n_instances * k >= PARALLEL_EXPONENTIALS,
            |chunk, kernel, partial| {
                let first = chunk * chunk_blocks;
                let scores = &scores[first * k..first * k + kernel.len()];
                let n_valid = n_instances - first * LANES;
                partial[0].offset =
                    vectorized(|| absorb_chunk(scores, reference, inverse_epsilon, n_valid, kernel));
            },
        );
        self.offset = self.partials.iter().map(|partial| partial.offset).sum();
    }

    /// Adds the sums of the chunks in their order.
    fn reduce(&self, out: &mut [f64]) {
        out.fill(0.0);
        for partial in &self.partials {
            for (out, sum) in out.iter_mut().zip(&partial.sums) {
                *out += sum;
            }
        }
    }
}

#[inline(always)]
fn absorb_chunk<T: Real>(
    scores: &[Lanes<T>],
    reference: &[T],
    inverse_epsilon: T,
    n_valid: usize,
    kernel: &mut [Lanes<T>],
) -> f64 {
    let k = reference.len();
    let bound = T::from_f64(T::SCALING_RANGE);
    let mut offset = 0.0;
    for (block, (scores, kernel)) in scores.chunks_exact(k).zip(kernel.chunks_exact_mut(k)).enumerate() {
        let mut max = scores[0].map(|x| x + reference[0]);
        for (x, &g) in scores.iter().zip(reference) {
            max = max.zip(x.map(|x| x + g), |m, x| m.max(x));
        }
        for ((kernel, x), &g) in kernel.iter_mut().zip(scores).zip(reference) {
            // The rounding error of g + x, recovered exactly (Knuth's two-sum): without it, the error of an entry would
            // grow with |g| / epsilon.
            let sum = x.map(|x| x + g);
            let error = sum.zip(*x, |sum, x| {
                let x_part = sum - g;
                (g - (sum - x_part)) + (x - x_part)
            });
            // Costs whose rounding exceeds epsilon have nothing left to save: the bound keeps their columns positive.
            let correction = error.map(|error| (error * inverse_epsilon).max(T::ZERO - bound).min(bound));
            *kernel = sum
                .zip(max, |sum, max| (sum - max) * inverse_epsilon)
                .zip(correction, |exponent, correction| (exponent + correction).exp());
        }
        let n_lanes = LANES.min(n_valid - block * LANES);
        if n_lanes == LANES {
            offset += max.sum();
        } else {
            offset += max.0[..n_lanes].iter().map(|value| value.to_f64()).sum::<f64>();
        }
    }
    offset
}

#[inline(always)]
fn normalize_chunk<T: Real>(
    kernel: &[Lanes<T>],
    scale: &[T],
    n_valid: usize,
    inverse: &mut [Lanes<T>],
    partial: &mut Partial<T>,
) {
    sweep(kernel, scale, partial, |block, sum| {
        let mut weight = sum.map(|sum| T::ONE / sum);
        if (block + 1) * LANES > n_valid {
            weight.0[n_valid - block * LANES..].fill(T::ZERO);
        }
        inverse[block] = weight;
        weight
    });
}

#[inline(always)]
fn multiply_chunk<T: Real>(kernel: &[Lanes<T>], factor: &[T], inverse: &[Lanes<T>], partial: &mut Partial<T>) {
    sweep(kernel, factor, partial, |block, sum| {
        let inverse = inverse[block];
        sum.zip(inverse, |sum, inverse| sum * inverse).zip(inverse, |sum, inverse| sum * inverse)
    });
}

/// For each block: `sum = sum_i factor_i G_i`, `weight = weigh(block, sum)`, and `partial_i += G_i weight`.
#[inline(always)]
fn sweep<T: Real>(
    kernel: &[Lanes<T>],
    factor: &[T],
    partial: &mut Partial<T>,
    mut weigh: impl FnMut(usize, Lanes<T>) -> Lanes<T>,
) {
    let k = factor.len();
    partial.lanes.clear();
    partial.lanes.resize(k, Lanes::ZERO);
    let lanes = &mut partial.lanes[..];
    // Four blocks at a time hide the latency of the sums; the last ones go one by one.
    let mut groups = kernel.chunks_exact(4 * k);
    let mut block = 0;
    for group in &mut groups {
        sweep_group::<T, 4>(group, factor, lanes, block, &mut weigh);
        block += 4;
    }
    for group in groups.remainder().chunks_exact(k) {
        sweep_group::<T, 1>(group, factor, lanes, block, &mut weigh);
        block += 1;
    }
    partial.sums.clear();
    partial.sums.extend(partial.lanes.iter().map(|lanes| lanes.sum()));
}

#[inline(always)]
fn sweep_group<T: Real, const B: usize>(
    kernel: &[Lanes<T>],
    factor: &[T],
    lanes: &mut [Lanes<T>],
    first_block: usize,
    weigh: &mut impl FnMut(usize, Lanes<T>) -> Lanes<T>,
) {
    let k = factor.len();
    let mut rows = [kernel; B];
    for (b, row) in rows.iter_mut().enumerate() {
        *row = &kernel[b * k..(b + 1) * k];
    }
    let mut sums = [Lanes::ZERO; B];
    for i in 0..k {
        let factor = Lanes::splat(factor[i]);
        for b in 0..B {
            sums[b] = rows[b][i].mul_add(factor, sums[b]);
        }
    }
    for (b, sum) in sums.iter_mut().enumerate() {
        *sum = weigh(first_block + b, *sum);
    }
    for (i, lanes) in lanes[..k].iter_mut().enumerate() {
        let mut total = *lanes;
        for b in 0..B {
            total = rows[b][i].mul_add(sums[b], total);
        }
        *lanes = total;
    }
}

#[inline(always)]
fn variance_chunk<T: Real>(kernel: &[Lanes<T>], scale: &[T], inverse: &[Lanes<T>], partial: &mut Partial<T>) {
    partial.lanes.clear();
    partial.lanes.resize(scale.len(), Lanes::ZERO);
    for (kernel, inverse) in kernel.chunks_exact(scale.len()).zip(inverse) {
        for ((lanes, kernel), &scale) in partial.lanes.iter_mut().zip(kernel).zip(scale) {
            let u = kernel.zip(*inverse, |kernel, inverse| kernel * inverse * scale);
            *lanes = u.mul_add(u.map(|u| T::ONE - u), *lanes);
        }
    }
    partial.sums.clear();
    partial.sums.extend(partial.lanes.iter().map(|lanes| lanes.sum()));
}

/// Adds `sum_j G_ij G_kj / s_j^2` for `i > k` to `out`, in tiles of 4 by 2 classes that stay in registers.
#[inline(always)]
fn gram_chunk<T: Real>(kernel: &[Lanes<T>], k: usize, inverse: &[Lanes<T>], out: &mut [f64]) {
    for row in (0..k).step_by(4) {
        // A tile that reaches past the last class repeats it: the result is not stored.
        let rows: [usize; 4] = [row, row + 1, row + 2, row + 3].map(|i| i.min(k - 1));
        for column in (0..(row + 3).min(k - 1)).step_by(2) {
            let columns: [usize; 2] = [column, column + 1].map(|i| i.min(k - 1));
            let mut tile = [[Lanes::<T>::ZERO; 2]; 4];
            for (kernel, inverse) in kernel.chunks_exact(k).zip(inverse) {
                let right = columns.map(|c| {
                    kernel[c].zip(*inverse, |g, inverse| g * inverse).zip(*inverse, |g, inverse| g * inverse)
                });
                for r in 0..4 {
                    for c in 0..2 {
                        tile[r][c] = kernel[rows[r]].mul_add(right[c], tile[r][c]);
                    }
                }
            }
            for r in 0..4 {
                for c in 0..2 {
                    if row + r < k && column + c < row + r {
                        out[rows[r] * k + columns[c]] = tile[r][c].sum();
                    }
                }
            }
        }
    }
}

//! The `[class, instance]` half of a problem: everything that costs `O(K n)`.
//!
//! A panel stores minus the cost in blocks of [`LANES`] instances, class by class within a block, so that all
//! sums over classes are vector operations without a shuffle. Next to it is the *kernel* `G_ij = exp((g_i -
//! C_ij - max_i(g_i - C_ij)) / epsilon)` around a reference potential `g`. The coupling of any potential `f`
//! is `U_ij = a_i G_ij / sum_i a_i G_ij` with `a_i = exp((f_i - g_i) / epsilon)`: a few multiply-adds per
//! entry instead of an exponential. When `f` has moved so far that `a` would leave the range of the
//! precision, the kernel is computed again around it ("absorption"), which makes this as robust as the log
//! domain.

use crate::Real;
use crate::finish::{Finish, Output, SoftmaxScale, Summary};
use crate::kernels::{Absorb, Exponentials, Gram, Multiply, Normalize, Partial, ThroughSoftmax, Variance};
use crate::numbers::log_sum_exp;
use crate::parallel::{for_each, for_each_chunk};
use crate::simd::{Aligned, LANES, run};

/// Blocks of a chunk, the unit of work inside a bag, and the largest number of chunks.
const CHUNK_BLOCKS: usize = 32;
const MAX_CHUNKS: usize = 64;
/// Entries from which a pass over the panel is worth a second thread.
const PARALLEL_EXPONENTIALS: usize = 1 << 15;
const PARALLEL_MULTIPLIES: usize = 1 << 18;

#[derive(Debug, Default)]
pub(crate) struct Panel<T> {
    n_instances: usize,
    /// Classes of the kernel: the first of the rows.
    n_classes: usize,
    n_rows: usize,
    chunk_blocks: usize,
    inverse_epsilon: f64,
    /// Minus the cost, `[block, row, lane]`.
    scores: Aligned<T>,
    /// Coupling or gradient, `[block, row, lane]`.
    out: Aligned<T>,
    /// `[block, class, lane]`.
    kernel: Aligned<T>,
    /// `1 / sum_i a_i G_ij`, 0 for the padding, `[block, lane]`.
    inverse: Aligned<T>,
    /// `g`, `[class]`; empty before the first evaluation.
    reference: Vec<T>,
    /// `a`, `[class]`.
    scale: Vec<T>,
    /// Scratch, all `[class]`.
    factor: Vec<T>,
    exponents: Vec<f64>,
    exponentials: Vec<f64>,
    partials: Vec<Partial<T>>,
    summaries: Vec<Summary>,
}

impl<T: Real> Panel<T> {
    pub(crate) fn n_instances(&self) -> usize {
        self.n_instances
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Starts a new problem, whose classes are the first `n_classes` of `n_rows` rows.
    ///
    /// `fill_block(first, scores)` writes minus the cost of the instances from `first` on, `[row, lane]`;
    /// lanes past the last instance must be finite.
    pub(crate) fn fill(
        &mut self,
        n_instances: usize,
        (n_classes, n_rows): (usize, usize),
        epsilon: f64,
        fill_block: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let n_blocks = n_instances.div_ceil(LANES);
        self.n_instances = n_instances;
        self.n_classes = n_classes;
        self.n_rows = n_rows;
        self.chunk_blocks = CHUNK_BLOCKS.max(n_blocks.div_ceil(MAX_CHUNKS));
        self.inverse_epsilon = epsilon.recip();
        self.scores.resize(n_blocks * n_rows * LANES);
        self.kernel.resize(n_blocks * n_classes * LANES);
        self.inverse.resize(n_blocks * LANES);
        self.partials.resize_with(n_blocks.div_ceil(self.chunk_blocks), Partial::default);
        self.reference.clear();
        let (chunk_instances, block_len) = (self.chunk_instances(), n_rows * LANES);
        let parallel = self.parallel_exponentials();
        for_each(
            parallel,
            self.scores.chunks_mut(chunk_instances * n_rows).enumerate(),
            |(chunk, scores)| {
                for (block, scores) in scores.chunks_exact_mut(block_len).enumerate() {
                    fill_block(chunk * chunk_instances + block * LANES, scores);
                }
            },
        );
    }

    /// Moves to the potential `f` and writes the masses `U(f) 1` to `mass`, both `[class]`.
    pub(crate) fn evaluate(&mut self, f: &[f64], mass: &mut [f64]) {
        if self.out_of_range(f) {
            self.absorb(f);
        }
        self.exponents.clear();
        self.exponents.extend(f.iter().zip(&self.reference).map(|(f, g)| {
            // Where costs are so large that their own rounding exceeds epsilon, so may that of the reference.
            ((f - g.to_f64()) * self.inverse_epsilon).clamp(-T::SCALING_RANGE, T::SCALING_RANGE)
        }));
        self.exponentials.resize(f.len(), 0.0);
        run(Exponentials { x: &self.exponents, slope: 1.0, out: &mut self.exponentials });
        self.scale.clear();
        self.scale.extend(self.exponentials.iter().map(|&exponential| T::from_f64(exponential)));
        let (kernel, scale, k) = (&self.kernel, &self.scale, self.n_classes);
        let (n_instances, chunk_instances) = (self.n_instances, self.chunk_instances());
        for_each_chunk(
            (&mut self.inverse, chunk_instances),
            (&mut self.partials, 1),
            n_instances * k >= PARALLEL_MULTIPLIES,
            |chunk, inverse, partial| {
                let first = chunk * chunk_instances;
                let kernel = &kernel[first * k..(first + inverse.len()) * k];
                run(Normalize {
                    kernel,
                    scale,
                    n_valid: n_instances - first,
                    inverse,
                    partial: &mut partial[0],
                });
            },
        );
        self.reduce(mass);
        for (mass, scale) in mass.iter_mut().zip(&self.scale) {
            *mass *= scale.to_f64();
        }
    }

    /// `y_i = sum_j U_ij sum_k U_kj x_k`, `[class]`, at the potential of the last
    /// [`evaluate`](Self::evaluate).
    pub(crate) fn multiply(&mut self, x: &[f64], y: &mut [f64]) {
        self.factor.clear();
        self.factor.extend(x.iter().zip(&self.scale).map(|(x, a)| T::from_f64(x * a.to_f64())));
        let factor = &self.factor;
        Self::for_each_part(self.shape(), &self.kernel, &self.inverse, &mut self.partials, 1, |part| {
            let (kernel, inverse, partial) = part;
            run(Multiply { kernel, factor, inverse, partial });
        });
        self.reduce(y);
        for (y, scale) in y.iter_mut().zip(&self.scale) {
            *y *= scale.to_f64();
        }
    }

    /// `sum_j U_ij (1 - U_ij)`, `[class]`, at the potential of the last [`evaluate`](Self::evaluate).
    pub(crate) fn variance(&mut self, out: &mut [f64]) {
        let scale = &self.scale;
        Self::for_each_part(self.shape(), &self.kernel, &self.inverse, &mut self.partials, 1, |part| {
            let (kernel, inverse, partial) = part;
            run(Variance { kernel, scale, inverse, partial });
        });
        self.reduce(out);
    }

    /// The entries `i > k` of `U U^T`, row-major `[class, class]`; the others are unspecified.
    pub(crate) fn gram(&mut self, out: &mut [f64]) {
        let k = self.n_classes;
        Self::for_each_part(self.shape(), &self.kernel, &self.inverse, &mut self.partials, k, |part| {
            let (kernel, inverse, partial) = part;
            run(Gram { kernel, n_classes: k, inverse, partial });
        });
        self.reduce(out);
        for (i, row) in out.chunks_exact_mut(k).enumerate() {
            for (value, other) in row[..i].iter_mut().zip(&self.scale) {
                *value *= self.scale[i].to_f64() * other.to_f64();
            }
        }
    }

    /// Adds to what [`finish`](Self::finish) wrote, for each instance, `(diag(u) - u u^T) v` with `u` its coupling at the
    /// potential of the last [`evaluate`](Self::evaluate) and `v = constant + matrix u`; `sums` become those over the
    /// instances, `[class]`. `matrix` is `[class, class]`, or empty for none.
    pub(crate) fn add_through_softmax(&mut self, matrix: &[f64], constant: &[f64], sums: &mut [f64]) {
        let narrow = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
        let (matrix, constant) = (narrow(matrix), narrow(constant));
        let (k, n_rows, chunk_instances) = (self.n_classes, self.n_rows, self.chunk_instances());
        let (kernel, inverse, scale) = (&self.kernel, &self.inverse, &self.scale);
        let cost = if matrix.is_empty() { 4 } else { k };
        for_each_chunk(
            (&mut self.out, chunk_instances * n_rows),
            (&mut self.partials, 1),
            kernel.len() * cost >= PARALLEL_MULTIPLIES,
            |chunk, out, partial| {
                let (first, len) = (chunk * chunk_instances, out.len() / n_rows);
                run(ThroughSoftmax {
                    kernel: &kernel[first * k..(first + len) * k],
                    inverse: &inverse[first..first + len],
                    scale,
                    matrix: &matrix,
                    constant: &constant,
                    n_rows,
                    out,
                    partial: &mut partial[0],
                });
            },
        );
        self.reduce(sums);
    }

    /// Minus the cost of one entry.
    pub(crate) fn score(&self, instance: usize, class: usize) -> f64 {
        self.scores[(instance / LANES * self.n_rows + class) * LANES + instance % LANES].to_f64()
    }

    /// `log sum exp` of the scores of an instance over all rows.
    pub(crate) fn log_sum_of_scores(&self, instance: usize) -> f64 {
        log_sum_exp((0..self.n_rows).map(|row| self.score(instance, row)))
    }

    /// Computes output, masses and values at the potential `f` in double precision; writes the masses to
    /// `mass`.
    ///
    /// Returns `sum_j log sum_i exp((f_i - C_ij) / epsilon)` and, for a gradient, the sum of the log-sum-exps
    /// of the scores.
    pub(crate) fn finish(&mut self, f: &[f64], output: Output, mass: &mut [f64]) -> (f64, f64) {
        self.out.resize(self.scores.len());
        self.summaries.resize_with(self.partials.len(), Summary::default);
        let scale = SoftmaxScale::new(f, self.inverse_epsilon, &mut self.exponentials);
        let (scores, n_rows, n_instances) = (&self.scores, self.n_rows, self.n_instances);
        let (inverse_epsilon, chunk_instances) = (self.inverse_epsilon, self.chunk_blocks * LANES);
        for_each_chunk(
            (&mut self.out, chunk_instances * n_rows),
            (&mut self.summaries, 1),
            n_instances * n_rows >= PARALLEL_EXPONENTIALS / 2,
            |chunk, out, summary| {
                let first = chunk * chunk_instances;
                let scores = &scores[first * n_rows..first * n_rows + out.len()];
                let (n_valid, summary) = (n_instances - first, &mut summary[0]);
                run(Finish {
                    scores,
                    n_rows,
                    potentials: f,
                    scale,
                    inverse_epsilon,
                    n_valid,
                    output,
                    out,
                    summary,
                });
            },
        );
        mass.fill(0.0);
        let (mut log_sum, mut log_norm) = (0.0, 0.0);
        for summary in &self.summaries {
            log_sum += summary.log_sum;
            log_norm += summary.log_norm;
            for (mass, part) in mass.iter_mut().zip(&summary.mass) {
                *mass += part;
            }
        }
        (log_sum, log_norm)
    }

    /// What [`finish`](Self::finish) wrote: `write_block(out, block)` gets the part of `out`, `[instance,
    /// row]`, that belongs to a block, `[row, lane]`.
    pub(crate) fn write_output(&self, out: &mut [T], write_block: impl Fn(&mut [T], &[T]) + Sync) {
        let block_len = self.n_rows * LANES;
        let chunk_len = self.chunk_instances() * self.n_rows;
        let written = &self.out;
        let parallel = self.parallel_exponentials();
        for_each(parallel, out.chunks_mut(chunk_len).enumerate(), |(chunk, out)| {
            let written = &written[chunk * chunk_len..];
            for (block, out) in written.chunks_exact(block_len).zip(out.chunks_mut(block_len)) {
                write_block(out, block);
            }
        });
    }

    /// One entry of what [`finish`](Self::finish) wrote.
    pub(crate) fn output(&self, instance: usize, row: usize) -> T {
        self.out[(instance / LANES * self.n_rows + row) * LANES + instance % LANES]
    }

    fn chunk_instances(&self) -> usize {
        self.chunk_blocks * LANES
    }

    fn parallel_exponentials(&self) -> bool {
        self.n_instances * self.n_rows >= PARALLEL_EXPONENTIALS
    }

    fn shape(&self) -> (usize, usize) {
        (self.n_classes, self.chunk_instances())
    }

    /// Calls `work(kernel, inverse, partial)` for each chunk; `cost` is the number of multiplications per
    /// entry.
    fn for_each_part(
        (k, chunk_instances): (usize, usize),
        kernel: &[T],
        inverse: &[T],
        partials: &mut [Partial<T>],
        cost: usize,
        work: impl Fn((&[T], &[T], &mut Partial<T>)) + Sync,
    ) {
        let parallel = kernel.len() * cost >= PARALLEL_MULTIPLIES;
        for_each(parallel, partials.iter_mut().enumerate(), |(chunk, partial)| {
            let first = chunk * chunk_instances;
            let last = inverse.len().min(first + chunk_instances);
            work((&kernel[first * k..last * k], &inverse[first..last], partial));
        });
    }

    fn out_of_range(&self, f: &[f64]) -> bool {
        self.reference.is_empty()
            || f.iter().zip(&self.reference).any(|(f, g)| {
                let exponent = (f - g.to_f64()) * self.inverse_epsilon;
                // A rejected trial step may have left a NaN in the reference.
                exponent.abs() > T::SCALING_RANGE || exponent.is_nan()
            })
    }

    /// Computes the kernel around `f`.
    fn absorb(&mut self, f: &[f64]) {
        self.reference.clear();
        self.reference.extend(f.iter().map(|&f| T::from_f64(f)));
        let (scores, reference, n_rows, k) = (&self.scores, &self.reference, self.n_rows, self.n_classes);
        let (chunk_instances, parallel) = (self.chunk_instances(), self.parallel_exponentials());
        let inverse_epsilon = T::from_f64(self.inverse_epsilon);
        for_each(parallel, self.kernel.chunks_mut(chunk_instances * k).enumerate(), |(chunk, kernel)| {
            let first = chunk * chunk_instances;
            let scores = &scores[first * n_rows..(first + kernel.len() / k) * n_rows];
            run(Absorb { scores, n_rows, reference, inverse_epsilon, kernel });
        });
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

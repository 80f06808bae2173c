//! The passes over one chunk of a panel.
//!
//! Arrays over `[block, class, lane]` hold [`LANES`] instances per block. A *column* is one register of one
//! block: the passes go over columns, class by class within each, so that sums over classes stay in a
//! register. The masked lanes past the last instance have `inverse = 0`, which takes them out of every sum
//! over instances.

mod gram;
mod through_softmax;

use pulp::{Simd, WithSimd};

use crate::Real;
use crate::simd::{LANES, Vectors, registers};

pub(crate) use gram::Gram;
pub(crate) use through_softmax::ThroughSoftmax;

/// What one chunk adds to the sums over instances.
#[derive(Debug)]
pub(crate) struct Partial<T> {
    /// Scratch: the sums before their lanes are added, `[class, lane]`.
    lanes: Vec<T>,
    /// `[class]`, or `[class, class]` after [`Gram`].
    pub(crate) sums: Vec<f64>,
}

impl<T> Default for Partial<T> {
    fn default() -> Self {
        Self { lanes: Vec::new(), sums: Vec::new() }
    }
}

impl<T: Real> Partial<T> {
    #[inline(always)]
    fn clear_lanes(&mut self, n_classes: usize) {
        self.lanes.clear();
        self.lanes.resize(n_classes * LANES, T::ZERO);
    }

    #[inline(always)]
    fn add_lanes(&mut self) {
        self.sums.clear();
        self.sums.resize(self.lanes.len() / LANES, 0.0);
        for (sum, lanes) in self.sums.iter_mut().zip(self.lanes.chunks_exact(LANES)) {
            *sum = sum_lanes(lanes);
        }
    }
}

/// The sum of [`LANES`] numbers in double precision, pairwise.
#[inline(always)]
pub(crate) fn sum_lanes<T: Real>(lanes: &[T]) -> f64 {
    let lanes = &lanes[..LANES]; // one bounds check
    let [a, b]: [[f64; LANES / 2]; 2] =
        std::array::from_fn(|half| std::array::from_fn(|i| lanes[half * LANES / 2 + i].to_f64()));
    let eight: [f64; 8] = std::array::from_fn(|i| a[i] + b[i]);
    let four: [f64; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

/// The first register of each column of an array with `n_rows` rows per block.
#[inline(always)]
fn column_start<T: Real, S: Simd>(column: usize, n_rows: usize) -> usize {
    let width = registers::<T, S>();
    column / width * n_rows * width + column % width
}

/// Computes the kernel `exp((g_i + x_ij - max_i) / epsilon)` around the reference `g` from the scores `x`.
pub(crate) struct Absorb<'a, T> {
    pub(crate) scores: &'a [T],
    /// Rows of a block of scores, of which the first ones are the classes of the kernel.
    pub(crate) n_rows: usize,
    /// `[class]`.
    pub(crate) reference: &'a [T],
    pub(crate) inverse_epsilon: T,
    pub(crate) kernel: &'a mut [T],
}

impl<T: Real> WithSimd for Absorb<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (reference, width) = (self.reference, registers::<T, S>());
        let inverse_epsilon = T::splat(simd, self.inverse_epsilon);
        let scores = self.scores.chunks_exact(self.n_rows * LANES);
        let kernels = self.kernel.chunks_exact_mut(reference.len() * LANES);
        for (scores, kernel) in scores.zip(kernels) {
            let (scores, kernel) = (T::vectors::<S>(scores), T::vectors_mut::<S>(kernel));
            for register in 0..width {
                let mut max = T::add(simd, scores[register], T::splat(simd, reference[0]));
                for (class, &g) in reference.iter().enumerate() {
                    max =
                        T::max(simd, max, T::add(simd, scores[class * width + register], T::splat(simd, g)));
                }
                for (class, &g) in reference.iter().enumerate() {
                    let at = class * width + register;
                    let exponent = if g == T::ZERO {
                        T::mul(simd, T::sub(simd, scores[at], max), inverse_epsilon)
                    } else {
                        exact_exponent::<T, S>(simd, scores[at], T::splat(simd, g), max, inverse_epsilon)
                    };
                    kernel[at] = T::exponential(simd, exponent);
                }
            }
        }
    }
}

/// `(g + x - max) / epsilon` with the rounding error of `g + x` added back (Knuth's two-sum): without that,
/// the error of an entry would grow with `|g| / epsilon`.
///
/// Where that error is large against epsilon, costs are beyond their precision; the bound keeps their columns
/// positive.
#[inline(always)]
pub(crate) fn exact_exponent<T: Real, S: Simd>(
    simd: S,
    x: T::Vector<S>,
    g: T::Vector<S>,
    max: T::Vector<S>,
    inverse_epsilon: T::Vector<S>,
) -> T::Vector<S> {
    let bound = T::from_f64(T::SCALING_RANGE);
    let sum = T::add(simd, g, x);
    let x_part = T::sub(simd, sum, g);
    let error = T::add(simd, T::sub(simd, g, T::sub(simd, sum, x_part)), T::sub(simd, x, x_part));
    let error = T::mul(simd, error, inverse_epsilon);
    let error = T::min(simd, T::max(simd, error, T::splat(simd, -bound)), T::splat(simd, bound));
    T::mul_add(simd, T::sub(simd, sum, max), inverse_epsilon, error)
}

/// `inverse_j = 1 / sum_i a_i G_ij`, 0 from instance `n_valid` on; the sums become `sum_j G_ij inverse_j`,
/// `[class]`.
pub(crate) struct Normalize<'a, T> {
    pub(crate) kernel: &'a [T],
    /// `a`, `[class]`.
    pub(crate) scale: &'a [T],
    pub(crate) n_valid: usize,
    /// `[block, lane]`.
    pub(crate) inverse: &'a mut [T],
    pub(crate) partial: &'a mut Partial<T>,
}

impl<T: Real> WithSimd for Normalize<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // One for each instance, so that the masked lanes of the quotient are 0.
        let n_lanes = self.inverse.len();
        self.inverse[..n_lanes.min(self.n_valid)].fill(T::ONE);
        self.inverse[n_lanes.min(self.n_valid)..].fill(T::ZERO);
        let inverse = T::vectors_mut::<S>(self.inverse);
        sweep::<T, S>(simd, self.kernel, self.scale, self.partial, |column, sum| {
            inverse[column] = T::div(simd, inverse[column], sum);
            inverse[column]
        });
    }
}

/// The sums become `sum_j G_ij inverse_j^2 sum_k factor_k G_kj`, `[class]`.
pub(crate) struct Multiply<'a, T> {
    pub(crate) kernel: &'a [T],
    /// `[class]`.
    pub(crate) factor: &'a [T],
    pub(crate) inverse: &'a [T],
    pub(crate) partial: &'a mut Partial<T>,
}

impl<T: Real> WithSimd for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let inverse = T::vectors::<S>(self.inverse);
        sweep::<T, S>(simd, self.kernel, self.factor, self.partial, |column, sum| {
            T::mul(simd, T::mul(simd, sum, inverse[column]), inverse[column])
        });
    }
}

/// For each column: `sum = sum_i factor_i G_i`, `weight = weigh(column, sum)`; the sums become those of `G_i
/// weight`.
#[inline(always)]
fn sweep<T: Real, S: Simd>(
    simd: S,
    kernel: &[T],
    factor: &[T],
    partial: &mut Partial<T>,
    mut weigh: impl FnMut(usize, T::Vector<S>) -> T::Vector<S>,
) {
    partial.clear_lanes(factor.len());
    let kernel = T::vectors::<S>(kernel);
    let lanes = T::vectors_mut::<S>(&mut partial.lanes);
    let n_columns = kernel.len() / factor.len();
    // Four columns at a time hide the latency of the sums; the last ones go one by one.
    let n_grouped = n_columns / 4 * 4;
    for column in (0..n_grouped).step_by(4) {
        sweep_columns::<T, S, 4>(simd, kernel, factor, lanes, column, &mut weigh);
    }
    for column in n_grouped..n_columns {
        sweep_columns::<T, S, 1>(simd, kernel, factor, lanes, column, &mut weigh);
    }
    partial.add_lanes();
}

#[inline(always)]
fn sweep_columns<T: Real, S: Simd, const N: usize>(
    simd: S,
    kernel: &[T::Vector<S>],
    factor: &[T],
    lanes: &mut [T::Vector<S>],
    first: usize,
    weigh: &mut impl FnMut(usize, T::Vector<S>) -> T::Vector<S>,
) {
    let (k, width) = (factor.len(), registers::<T, S>());
    let mut columns = [kernel; N];
    for (n, column) in columns.iter_mut().enumerate() {
        *column = &kernel[column_start::<T, S>(first + n, k)..];
    }
    let mut sums = [T::splat(simd, T::ZERO); N];
    for (i, &factor) in factor.iter().enumerate() {
        let factor = T::splat(simd, factor);
        for n in 0..N {
            sums[n] = T::mul_add(simd, columns[n][i * width], factor, sums[n]);
        }
    }
    for (n, sum) in sums.iter_mut().enumerate() {
        *sum = weigh(first + n, *sum);
    }
    for i in 0..k {
        let row = &mut lanes[i * width..(i + 1) * width];
        for n in 0..N {
            let lane = &mut row[(first + n) % width];
            *lane = T::mul_add(simd, columns[n][i * width], sums[n], *lane);
        }
    }
}

/// The sums become `sum_j U_ij (1 - U_ij)`, `[class]`.
pub(crate) struct Variance<'a, T> {
    pub(crate) kernel: &'a [T],
    pub(crate) scale: &'a [T],
    pub(crate) inverse: &'a [T],
    pub(crate) partial: &'a mut Partial<T>,
}

impl<T: Real> WithSimd for Variance<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (k, width) = (self.scale.len(), registers::<T, S>());
        self.partial.clear_lanes(k);
        let (kernel, inverse) = (T::vectors::<S>(self.kernel), T::vectors::<S>(self.inverse));
        let lanes = T::vectors_mut::<S>(&mut self.partial.lanes);
        for (column, &inverse) in inverse.iter().enumerate() {
            let start = column_start::<T, S>(column, k);
            for (i, &scale) in self.scale.iter().enumerate() {
                let weight = T::mul(simd, inverse, T::splat(simd, scale));
                let u = T::mul(simd, kernel[start + i * width], weight);
                let lane = &mut lanes[i * width + column % width];
                *lane = T::mul_add(simd, u, T::sub(simd, T::splat(simd, T::ONE), u), *lane);
            }
        }
        self.partial.add_lanes();
    }
}

/// `out_i = exp(slope x_i)`, for exponents up to 700.
pub(crate) struct Exponentials<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) slope: f64,
    pub(crate) out: &'a mut [f64],
}

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let slope = simd.splat_f64s(self.slope);
        let (x, x_tail) = S::as_simd_f64s(self.x);
        let (out, out_tail) = S::as_mut_simd_f64s(self.out);
        for (out, &x) in out.iter_mut().zip(x) {
            *out = f64::exponential::<S>(simd, simd.mul_f64s(x, slope));
        }
        if !x_tail.is_empty() {
            let x = simd.partial_load_f64s(x_tail);
            simd.partial_store_f64s(out_tail, f64::exponential::<S>(simd, simd.mul_f64s(x, slope)));
        }
    }
}

//! The last pass: coupling, masses and values at given potentials, in double precision whatever that of the
//! scores.
//!
//! The iterations only have to find the potentials, for which the precision of the scores is enough. What is
//! returned is computed here once more from the scores themselves, so that a gradient in single precision
//! carries the error of the potentials and the rounding of its own last digit, and not that of sums and
//! exponentials.

use pulp::{Simd, WithSimd};

use crate::Real;
use crate::kernels::{exact_exponent, sum_lanes};
use crate::simd::{Aligned, LANES, Vectors, registers};

/// Largest spread of the exponents for which a coupling is computed from the softmax of the same scores.
const SPREAD: f64 = 30.0;

/// What to write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Output {
    /// `U`.
    Coupling,
    /// `factor (p - U)`, with `p` the softmax of the scores over all rows.
    Gradient {
        /// The factor.
        factor: f64,
    },
}

/// What the last pass over one chunk finds, with its scratch memory.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// `sum_j U_ij`, `[class]`.
    pub(crate) mass: Vec<f64>,
    /// `sum_j log sum_i exp((f_i + x_ij) / epsilon)` over the classes.
    pub(crate) log_sum: f64,
    /// `sum_j log sum_i exp(x_ij)` over all rows; 0 for [`Output::Coupling`].
    pub(crate) log_norm: f64,
    block: Block,
    /// `[class, lane]`.
    mass_lanes: Aligned<f64>,
}

/// One block in double precision.
#[derive(Debug, Default)]
struct Block {
    /// `[row, lane]`.
    scores: Aligned<f64>,
    /// `exp(x - top)`, `[row, lane]`; finally the output.
    softmax: Aligned<f64>,
    /// Entries of the coupling before they are divided by their norm, `[class, lane]`.
    coupling: Aligned<f64>,
    softmax_norm: Norm,
    coupling_norm: Norm,
}

/// `log sum exp` in parts, `[lane]`: `top + log(sum)`.
#[derive(Debug)]
struct Norm {
    top: [f64; LANES],
    sum: [f64; LANES],
}

impl Default for Norm {
    fn default() -> Self {
        Self { top: [0.0; LANES], sum: [1.0; LANES] }
    }
}

impl Norm {
    /// Adds up the first lanes.
    fn log_sum(&self, n_lanes: usize) -> f64 {
        let (top, sum) = (&self.top[..n_lanes], &self.sum[..n_lanes]);
        let product: f64 = sum.iter().product();
        // One logarithm will do, unless the product leaves the range.
        let logs = if product.is_normal() { product.ln() } else { sum.iter().map(|sum| sum.ln()).sum() };
        top.iter().sum::<f64>() + logs
    }
}

/// Writes the output of one chunk, `[block, row, lane]`, and its summary.
pub(crate) struct Finish<'a, T> {
    /// `x`, `[block, row, lane]`; the first rows are the classes of the coupling.
    pub(crate) scores: &'a [T],
    pub(crate) n_rows: usize,
    /// `f`, `[class]`.
    pub(crate) potentials: &'a [f64],
    pub(crate) scale: Option<SoftmaxScale<'a>>,
    pub(crate) inverse_epsilon: f64,
    pub(crate) n_valid: usize,
    pub(crate) output: Output,
    pub(crate) out: &'a mut [T],
    pub(crate) summary: &'a mut Summary,
}

/// The factors that turn a softmax into a coupling at `epsilon = 1`, where it needs no exponentials of its
/// own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoftmaxScale<'a> {
    /// `exp(f_i - max)`, `[class]`.
    factors: &'a [f64],
    max: f64,
}

impl<'a> SoftmaxScale<'a> {
    /// Nothing, unless `epsilon = 1` and the potentials are within range of each other.
    pub(crate) fn new(potentials: &[f64], epsilon: f64, factors: &'a mut Vec<f64>) -> Option<Self> {
        let max = potentials.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        factors.clear();
        factors.extend(potentials.iter().map(|f| (f - max).exp()));
        #[expect(clippy::float_cmp, reason = "for any other epsilon the exponentials differ")]
        let in_range = epsilon == 1.0 && potentials.iter().all(|f| max - f <= SPREAD);
        in_range.then_some(Self { factors, max })
    }
}

impl<T: Real> WithSimd for Finish<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (k, block_len) = (self.potentials.len(), self.n_rows * LANES);
        let Summary { mass, log_sum, log_norm, block, mass_lanes } = self.summary;
        for (array, n_rows) in
            [(&mut block.scores, self.n_rows), (&mut block.softmax, self.n_rows), (&mut block.coupling, k)]
        {
            array.resize(n_rows * LANES);
        }
        mass_lanes.resize(k * LANES);
        mass_lanes.fill(0.0);
        (*log_sum, *log_norm) = (0.0, 0.0);
        let mut n_left = self.n_valid;
        for (scores, out) in self.scores.chunks_exact(block_len).zip(self.out.chunks_exact_mut(block_len)) {
            let n_lanes = LANES.min(n_left);
            n_left -= n_lanes;
            for (x, score) in block.scores.iter_mut().zip(scores) {
                *x = score.to_f64();
            }
            let mut scale = None; // of the softmax, if that has the rows of the coupling
            if let Output::Gradient { .. } = self.output {
                block.softmax::<S>(simd, self.n_rows);
                *log_norm += block.softmax_norm.log_sum(n_lanes);
                scale = self.scale.filter(|_| k == self.n_rows);
            }
            match scale {
                Some(scale) => block.scale_softmax::<S>(simd, scale),
                None => block.coupling::<S>(simd, self.potentials, self.inverse_epsilon),
            }
            *log_sum += block.coupling_norm.log_sum(n_lanes);
            block.coupling_norm.sum[n_lanes..].fill(f64::INFINITY); // takes the padding out of the masses
            block.output::<S>(simd, self.output, (k, self.n_rows), mass_lanes);
            for (out, value) in out.iter_mut().zip(block.softmax.iter()) {
                *out = T::from_f64(*value);
            }
        }
        mass.clear();
        mass.extend(mass_lanes.chunks_exact(LANES).map(sum_lanes));
    }
}

impl Block {
    /// Computes `softmax` and `softmax_norm`.
    #[inline(always)]
    fn softmax<S: Simd>(&mut self, simd: S, n_rows: usize) {
        let width = registers::<f64, S>();
        let scores = f64::vectors::<S>(&self.scores);
        let softmax = f64::vectors_mut::<S>(&mut self.softmax);
        let tops = f64::vectors_mut::<S>(&mut self.softmax_norm.top);
        let sums = f64::vectors_mut::<S>(&mut self.softmax_norm.sum);
        for register in 0..width {
            let mut top = scores[register];
            for row in 1..n_rows {
                top = simd.max_f64s(top, scores[row * width + register]);
            }
            let mut sum = simd.splat_f64s(0.0);
            for at in (register..n_rows * width).step_by(width) {
                softmax[at] = f64::exponential::<S>(simd, simd.sub_f64s(scores[at], top));
                sum = simd.add_f64s(sum, softmax[at]);
            }
            (tops[register], sums[register]) = (top, sum);
        }
    }

    /// Computes `coupling` and `coupling_norm` from the softmax.
    #[inline(always)]
    fn scale_softmax<S: Simd>(&mut self, simd: S, scale: SoftmaxScale<'_>) {
        let width = registers::<f64, S>();
        let softmax = f64::vectors::<S>(&self.softmax);
        let coupling = f64::vectors_mut::<S>(&mut self.coupling);
        let sums = f64::vectors_mut::<S>(&mut self.coupling_norm.sum);
        sums.fill(simd.splat_f64s(0.0));
        for (i, &factor) in scale.factors.iter().enumerate() {
            for (register, sum) in sums.iter_mut().enumerate() {
                let at = i * width + register;
                coupling[at] = simd.mul_f64s(softmax[at], simd.splat_f64s(factor));
                *sum = simd.add_f64s(*sum, coupling[at]);
            }
        }
        self.coupling_norm.top = self.softmax_norm.top.map(|top| top + scale.max);
    }

    /// Computes `coupling` and `coupling_norm` from the scores.
    #[inline(always)]
    fn coupling<S: Simd>(&mut self, simd: S, potentials: &[f64], inverse_epsilon: f64) {
        let width = registers::<f64, S>();
        let slope = simd.splat_f64s(inverse_epsilon);
        let scores = f64::vectors::<S>(&self.scores);
        let coupling = f64::vectors_mut::<S>(&mut self.coupling);
        let tops = f64::vectors_mut::<S>(&mut self.coupling_norm.top);
        let sums = f64::vectors_mut::<S>(&mut self.coupling_norm.sum);
        for register in 0..width {
            let mut top = simd.splat_f64s(f64::NEG_INFINITY);
            for (i, &f) in potentials.iter().enumerate() {
                top = simd.max_f64s(top, simd.add_f64s(scores[i * width + register], simd.splat_f64s(f)));
            }
            let mut sum = simd.splat_f64s(0.0);
            for (i, &f) in potentials.iter().enumerate() {
                let at = i * width + register;
                let exponent = exact_exponent::<f64, S>(simd, scores[at], simd.splat_f64s(f), top, slope);
                coupling[at] = f64::exponential::<S>(simd, exponent);
                sum = simd.add_f64s(sum, coupling[at]);
            }
            (tops[register], sums[register]) = (simd.mul_f64s(top, slope), sum);
        }
    }

    /// Divides by the norms, adds to the masses, and leaves the output in `softmax`.
    #[inline(always)]
    fn output<S: Simd>(
        &mut self,
        simd: S,
        output: Output,
        (k, n_rows): (usize, usize),
        mass_lanes: &mut [f64],
    ) {
        let width = registers::<f64, S>();
        let out = f64::vectors_mut::<S>(&mut self.softmax);
        let coupling = f64::vectors::<S>(&self.coupling);
        let mass = f64::vectors_mut::<S>(mass_lanes);
        let softmax_sums = f64::vectors::<S>(&self.softmax_norm.sum);
        let coupling_sums = f64::vectors::<S>(&self.coupling_norm.sum);
        for (register, (&softmax_sum, &coupling_sum)) in softmax_sums.iter().zip(coupling_sums).enumerate() {
            let inverse = simd.div_f64s(simd.splat_f64s(1.0), coupling_sum);
            let factor = match output {
                Output::Coupling => simd.splat_f64s(1.0),
                Output::Gradient { factor } => simd.splat_f64s(factor),
            };
            let probability = simd.div_f64s(factor, softmax_sum);
            for i in 0..n_rows {
                let at = i * width + register;
                let p = simd.mul_f64s(out[at], probability);
                out[at] = if i >= k {
                    p
                } else {
                    let u = simd.mul_f64s(coupling[at], inverse);
                    mass[at] = simd.add_f64s(mass[at], u);
                    match output {
                        Output::Coupling => u,
                        Output::Gradient { .. } => simd.sub_f64s(p, simd.mul_f64s(u, factor)),
                    }
                };
            }
        }
    }
}
